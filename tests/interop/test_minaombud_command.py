"""`registry minaombud`: an operator lists, rotates and withdraws a third party's keys."""

import pytest
from click.testing import Result
from typer.testing import CliRunner

from factories import World
from minaombud_platform import Platforms
from registry.cli import command_line
from registry.signing.keys import KeyRing, save_key_ring


@pytest.fixture
async def third_party(platforms: Platforms) -> str:
    world: World = platforms.world
    owner = await world.organisation()
    await world.publish_template(owner)
    return owner.party.value


def test_keys_are_listed_rotated_and_withdrawn(
    third_party: str,
    database_url: str,
    keys: KeyRing,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys_file = tmp_path_factory.mktemp("command") / "keys.json"
    save_key_ring(keys_file, keys)
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)
    monkeypatch.setenv("REGISTRY_KEYS_FILE", str(keys_file))
    app, runner = command_line("minaombud"), CliRunner()

    def run(*arguments: str) -> Result:
        return runner.invoke(app, ["minaombud", *arguments])

    (first,) = run("keys", third_party).stdout.splitlines()
    old = first.split()[0]
    assert first.endswith("signs now")
    rotated = run("rotate-key", third_party)
    new = rotated.stdout.split()[1]
    assert [line.split()[-2:] for line in run("keys", f"16{third_party}").stdout.splitlines()] == [
        ["signs", "now"],
        ["will", "sign"],
    ]
    assert run("withdraw-key", third_party, old).stdout == f"Withdrew {old}.\n"
    withdrawn, coming = run("keys", third_party).stdout.splitlines()
    assert " withdrawn " in withdrawn
    assert (coming.split()[0], coming.endswith("signs now")) == (new, True)
    unknown = run("keys", "2120000829")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert run("keys", "2120000828").exit_code == 2
