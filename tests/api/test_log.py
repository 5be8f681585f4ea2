"""The transparency log as it is served: every record is in it, and a stranger computes the same root."""

from collections import Counter
from collections.abc import AsyncIterator

import orjson
import pytest

from conftest import CloneDatabase, opened
from factories import PAUL, World, mandate_body, person
from log_filling import NAME, integrate, queue
from log_reading import SeenLog, read_log
from reference_tree import tree_hash
from registry.signing.keys import KeyRing
from registry.tlog.checkpoints import open_checkpoint


@pytest.fixture(scope="module")
async def logged(clone_database: CloneDatabase, keys: KeyRing) -> AsyncIterator[World]:
    """A registry of the module's own, with a few records of each kind and 600 more, integrated."""
    async with opened(await clone_database()) as database:
        world = World(database, keys)
        assert (await world.anonymous.get("/log/checkpoint")).status_code == 404
        owner = await world.organisation()
        template = await world.publish_template(owner)
        mandate = await world.issue(owner, template)
        use = {"permission": "apply", "case_ref": "2026-114", "by": person(PAUL, None)}
        assert (await owner.post(f"/v1/mandates/{mandate['id']}/uses", use)).status_code == 201
        asked = await owner.post("/v1/mandate-requests", mandate_body(template))
        await owner.post(f"/v1/mandate-requests/{asked.json()['id']}/cancellation", {})
        await owner.post(f"/v1/templates/{template['id']}/retirement")
        assert (await integrate(world)).count == 6
        await queue(database, 600)
        assert (await integrate(world)).count == 600
        yield world


@pytest.fixture(scope="module")
async def seen(logged: World) -> SeenLog:
    return await read_log(logged.anonymous)


async def test_a_stranger_computes_the_root_that_is_signed(logged: World, seen: SeenLog) -> None:
    assert (seen.size, tree_hash(seen.entries)) == (606, seen.root)
    checkpoint, signed_by = open_checkpoint(seen.note, logged.keys.log_verifiers(NAME.derived))
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (NAME.derived, 606, seen.root)
    assert len(signed_by) == 1


async def test_every_record_is_an_entry_and_names_nobody(seen: SeenLog) -> None:
    documents = [orjson.loads(entry) for entry in seen.entries[:6]]
    kinds = Counter((item["kind"], item["number"]) for item in documents)
    assert kinds == {
        ("template", 1): 1,
        ("mandate", 0): 1,
        ("mandate", 1): 1,
        ("request", 0): 1,
        ("request", 1): 1,
        ("retirement", 0): 1,
    }
    assert all(item.keys() == {"kind", "id", "number", "commitment"} for item in documents)


async def test_an_earlier_width_stays_what_it_was(logged: World, seen: SeenLog) -> None:
    whole = (await logged.anonymous.get("/log/tile/0/000")).content
    assert (await logged.anonymous.get("/log/tile/0/000.p/6")).content == whole[: 6 * 32]
    six = (await logged.anonymous.get("/log/tile/entries/000.p/6")).content
    assert six == b"".join(len(entry).to_bytes(2, "big") + entry for entry in seen.entries[:6])


async def test_tiles_are_for_good_and_checkpoints_for_a_moment(logged: World) -> None:
    for path in ("/log/tile/0/000", "/log/tile/entries/000", "/log/tile/1/000.p/2"):
        answer = await logged.anonymous.get(path)
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"] == "application/octet-stream"
    answer = await logged.anonymous.get("/log/checkpoint")
    assert answer.headers["cache-control"] == "public, max-age=1"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        *("0/002", "0/002.p/95", "0/003", "1/000", "1/000.p/3", "2/000.p/1", "entries/002.p/95"),
        *("entries/009", "0/0", "00/000", "0/x000/001", "0/000.p/256", "entries/000.p/0", "data/000"),
        "0/198602262381",
        *(f"{level}/{'x999/' * 6}999" for level in ("0", "entries")),
        *("0/x036/x028/x797/x018/x963/968", "entries/x036/x028/x797/x018/x963/967"),
    ],
)
async def test_what_there_is_not_is_not_found(logged: World, path: str) -> None:
    answer = await logged.anonymous.get(f"/log/tile/{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:registry:problem:not-found")
    assert "198602262381" not in answer.text
