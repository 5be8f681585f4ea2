"""The command line: what it prints, what it refuses, its exit codes (0 done, 1 wrong, 2 wrong usage)."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest

from conftest import on_database, opened, run_sql
from problem_documents import assert_problem
from registry.demo.loader import load_demo
from registry.demo.trusted import trusted_demo_issuers
from registry.identity.issuers import index_issuers
from registry.serving import bind
from registry.signing.keys import KeyRing
from registry_processes import free_port, run, running

COMMANDS = ("dev", "serve", "worker", "migrate", "fsck", "openapi", "keys", "clients", "demo", "minaombud")


async def test_help_lists_every_command() -> None:
    done = await run("--help")
    assert (done.code, done.err) == (0, "")
    assert [name for name in COMMANDS if f" {name} " not in done.out] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["keys", "rotate", "--active-in", "-1"],
        ["serve", "--port", "0"],
        ["demo", "sign"],
    ],
    ids=" ".join,
)
async def test_wrong_usage_is_told_from_failure(arguments: list[str]) -> None:
    done = await run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Usage: " in done.err


@pytest.mark.parametrize("command", ["serve", "migrate"])
async def test_a_missing_setting_is_named(command: str) -> None:
    done = await run(command)
    assert (done.code, done.out, done.err) == (2, "", "REGISTRY_DATABASE_URL: Field required\n")


async def test_what_cannot_be_opened_is_said_in_one_line(
    installation: dict[str, str], tmp_path: Path
) -> None:
    nobody = installation | {"REGISTRY_DATABASE_URL": f"postgresql://x@127.0.0.1:{free_port()}/x"}
    no_keys = installation | {"REGISTRY_KEYS_FILE": str(tmp_path / "none.json")}
    wrong = installation | {"REGISTRY_ISSUERS_FILE": str(tmp_path / "issuers.json")}
    (tmp_path / "issuers.json").write_text('[{"issuer": "https://x.example", "purpose": "all", "jwks": {}}]')
    serve = ("serve", "--port", str(free_port()))
    closed, unmigrated, keyless, unknown = await asyncio.gather(
        run(*serve, settings=nobody),
        run("migrate", settings=nobody),
        run(*serve, settings=no_keys),
        run(*serve, settings=wrong),
    )
    for done, text in (
        (closed, "database cannot be opened"),
        (unmigrated, "Connect"),
        (keyless, "none.json: make one with `registry keys create`"),
        (unknown, "issuers.json is wrong: 0.purpose: "),
    ):
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("registry: ")
        assert text in done.err
        assert done.err.count("\n") == 1, done.err


async def test_a_port_in_use_is_named(installation: dict[str, str]) -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = str(taken.getsockname()[1])
        done = await run("serve", "--port", port, settings=installation)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"registry: port {port} of 127.0.0.1 is in use: ")
    assert done.err.count("\n") == 1


async def test_migrating_again_changes_nothing(installation: dict[str, str]) -> None:
    for _ in range(2):
        done = await run("migrate", settings=installation)
        assert (done.code, done.err) == (0, "")


async def test_a_process_is_ready_once_the_database_is_migrated(
    installation: dict[str, str], server_url: str
) -> None:
    name = f"registry_{uuid4().hex[:12]}"
    await run_sql(server_url, f"CREATE DATABASE {name}")
    settings = installation | {"REGISTRY_DATABASE_URL": on_database(server_url, name)}
    port = free_port()
    async with (
        running("serve", "--port", str(port), until="serving", settings=settings) as command,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        assert (await http.get("/live")).status_code == 200
        assert "migrate" in assert_problem(await http.get("/ready"), 503, "unavailable")["detail"]
        assert (await run("migrate", settings=settings)).code == 0
        assert (await http.get("/ready")).status_code == 200
        assert await command.end() == 0
    await run_sql(server_url, f"DROP DATABASE {name}")


async def test_the_contract_is_written_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "openapi.json"
    assert (await run("openapi", "--write", str(path))).code == 0
    contract = path.read_text()
    assert json.loads(contract)["openapi"].startswith("3.1")
    path.write_text(contract.replace("Mandate registry", "Another"))
    differing = await run("openapi", "--check", str(path))
    assert (differing.code, differing.out, "make openapi" in differing.err) == (1, "", True)


async def test_what_is_not_to_be_signed_is_not_signed() -> None:
    done = await run("demo", "sign", "--person", "198602262381", data=b"hello")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("registry: Send `to_be_signed` unchanged")


async def test_fsck_finds_the_flipped_bit_in_the_demo(installation: dict[str, str], keys: KeyRing) -> None:
    url = installation["REGISTRY_DATABASE_URL"]
    async with opened(url) as database:
        await load_demo(database, keys, index_issuers(trusted_demo_issuers()), now=datetime.now(UTC))
    sound = await run("fsck", settings=installation)
    assert (sound.code, "Everything is as it was written." in sound.out) == (0, True), sound.out
    mandate_id = await _flip_a_bit(url)
    damaged = await run("fsck", settings=installation)
    assert damaged.code == 1
    assert f"mandate_records {mandate_id} ciphertext: " in damaged.out


async def _flip_a_bit(url: str) -> str:
    """Change one bit of a sealed record, as only who owns the server can; gives the mandate's id."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        row = await connection.fetchrow(
            "UPDATE mandate_records SET ciphertext = set_bit(ciphertext, 7, 1 - get_bit(ciphertext, 7)) "
            "WHERE mandate_id = (SELECT mandate_id FROM mandate_records LIMIT 1) RETURNING mandate_id"
        )
    finally:
        await connection.close()
    return str(row["mandate_id"])
