"""Integrating the log: in parts, in rotation, and never on top of what is not the log that was signed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from conftest import CloneDatabase, opened
from factories import Clock, World
from fsck_flips import unguarded
from log_filling import NAME, integrate, queue
from log_reading import read_log
from reference_tree import tree_hash
from registry.operations.integrate_log import LogName, LogRefusedError, integrate_log
from registry.signing.keys import KeyRing, load_key_ring, new_key_ring, save_key_ring
from registry.signing.log_keys import LOG_KEY_OVERLAP
from registry.storage.database import Database
from registry.tlog.checkpoints import Checkpoint, open_checkpoint
from registry.tlog.notes import VerifierKey
from registry.worker.integrating import Integrator, keep_witness

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
async def url(clone_database: CloneDatabase) -> str:
    return await clone_database()


@pytest.fixture(scope="module")
async def root(url: str) -> AsyncIterator[asyncpg.Connection]:
    try:
        connection = await unguarded(url)
    except asyncpg.InsufficientPrivilegeError:
        pytest.skip("only a superuser can switch off what guards the log")
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
async def database(url: str) -> AsyncIterator[Database]:
    async with opened(url) as database:
        yield database


@pytest.fixture
async def empty(root: asyncpg.Connection, database: Database, keys: KeyRing) -> World:
    """A registry whose log was never begun."""
    await root.execute("TRUNCATE log_queue, log_entries, log_tiles, log_checkpoints")
    return World(database, keys, Clock(NOW))


@pytest.fixture
async def world(empty: World) -> World:
    """A registry with ten entries in its log."""
    await queue(empty.database, 10)
    await integrate(empty)
    return empty


def verifiers(world: World) -> list[VerifierKey]:
    return world.keys.log_verifiers(NAME.derived)


def signers_of(world: World, note: str | None) -> list[str]:
    _, signed_by = open_checkpoint(str(note), verifiers(world))
    return [key.text for key in signed_by]


async def test_an_empty_log_has_a_checkpoint(empty: World) -> None:
    done = await integrate(empty)
    assert (done.count, (await read_log(empty.anonymous)).root) == (0, tree_hash([]))
    assert await integrate(empty) == done, "and no second one"


async def test_every_checkpoint_is_over_the_beginning_of_the_log(
    world: World, root: asyncpg.Connection
) -> None:
    await queue(world.database, 600, start=10)
    counts = [(await integrate(world, limit=limit)).count for limit in (1, 245, 1, 300, 300, 300)]
    assert counts == [1, 245, 1, 300, 53, 0]
    seen = await read_log(world.anonymous)
    signed = await root.fetch("SELECT * FROM log_checkpoints ORDER BY number")
    assert [row["size"] for row in signed] == [10, 11, 256, 257, 557, 610]
    for number, row in enumerate(signed):
        checkpoint, _ = open_checkpoint(row["note"], world.keys.log_verifiers(NAME.derived))
        assert (row["number"], row["size"], row["root"]) == (number, checkpoint.size, checkpoint.root)
        assert checkpoint.root == tree_hash(seen.entries[: checkpoint.size])


async def test_an_old_key_signs_beside_the_new_one_for_a_while(world: World) -> None:
    old = [key.text for key in world.keys.log_verifiers(NAME.derived)]
    world.keys = world.keys.log_rotated(NOW, active_in=timedelta(minutes=10))
    both = [key.text for key in world.keys.log_verifiers(NAME.derived)]
    assert signers_of(world, (await integrate(world)).note) == old, "the new one is not active yet"
    world.clock.advance(minutes=10)
    overlapping = await integrate(world)
    assert (overlapping.count, sorted(signers_of(world, overlapping.note))) == (0, sorted(both))
    assert await integrate(world) == overlapping, "signed once"
    world.clock.fixed = NOW + timedelta(minutes=10) + LOG_KEY_OVERLAP
    await queue(world.database, 1, start=10)
    assert signers_of(world, (await integrate(world)).note) == both[1:]


def test_a_key_file_keeps_its_log_keys(tmp_path: Path, keys: KeyRing) -> None:
    rotated = keys.log_rotated(NOW, active_in=timedelta(days=1))
    save_key_ring(tmp_path / "keys.json", rotated)
    assert load_key_ring(tmp_path / "keys.json").log == rotated.log
    assert [key.seed.hex() in repr(rotated) for key in rotated.log_signers(NOW)] == [False]
    without = replace(keys, log=())
    save_key_ring(tmp_path / "keys.json", without)
    assert load_key_ring(tmp_path / "keys.json").log_signers(NOW) == ()
    assert len(without.log_rotated(NOW, active_in=timedelta(days=1)).log_signers(NOW)) == 1


async def refused(world: World, reason: str, **options: object) -> None:
    await queue(world.database, 1, start=99)
    before = (await read_log(world.anonymous)).note
    with pytest.raises(LogRefusedError, match=reason):
        await integrate(world, **options)
    assert (await read_log(world.anonymous)).note == before


async def test_a_database_older_than_its_witness_is_not_signed_for(world: World, keys: KeyRing) -> None:
    newer = Checkpoint(NAME.derived, 11, bytes(32)).signed(keys.log_signers(NOW))
    await refused(
        world, "older than a checkpoint that was signed: its log has 10 entries, .* seen 11", witness=newer
    )


async def test_another_history_is_not_signed_for(world: World, keys: KeyRing) -> None:
    for size in (10, 7):
        other = Checkpoint(NAME.derived, size, bytes(32)).signed(keys.log_signers(NOW))
        await refused(world, "another history", witness=other)


@pytest.mark.parametrize("witness", ["", "no note", "\ufffd", "x\n1\ny\n\n\u2014 x AAAAAAAA\n"])
async def test_a_witness_that_this_log_never_signed_is_not_believed(world: World, witness: str) -> None:
    await refused(world, "no checkpoint of this log", witness=witness)


async def test_a_witness_of_the_same_history_is_fine(world: World) -> None:
    earlier = (await integrate(world)).note
    await queue(world.database, 300, start=10)
    assert (await integrate(world, witness=earlier)).count == 300
    assert (await integrate(world, witness=earlier)).count == 0


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("UPDATE log_tiles SET hashes = overlay(hashes PLACING '\\x00' FROM 40)", "do not lead to the root"),
        ("UPDATE log_tiles SET hashes = substring(hashes FOR 288)", "does not verify"),
        ("DELETE FROM log_tiles", "does not verify"),
        ("UPDATE log_checkpoints SET size = 9", "do not lead to the root"),
        ("UPDATE log_checkpoints SET note = replace(note, E'\\n10\\n', E'\\n9\\n')", "does not verify"),
        ("UPDATE log_checkpoints SET note = 'x'", "does not verify"),
    ],
)
async def test_a_log_that_was_tampered_with_is_not_signed_for(
    world: World, root: asyncpg.Connection, damage: str, reason: str
) -> None:
    await queue(world.database, 1, start=10)
    await root.execute(damage)
    with pytest.raises(LogRefusedError, match=reason):
        await integrate(world)


async def test_without_a_key_of_this_log_nothing_is_signed(world: World) -> None:
    own = world.keys
    world.keys = new_key_ring(NOW)
    await refused(world, "does not verify: no known key")
    world.keys = replace(own, log=())
    await refused(world, "registry keys rotate --log")


async def test_a_log_keeps_its_name(world: World) -> None:
    moved = LogName(None, "moved.example/log")
    done = await integrate_log(world.database, world.keys, moved, now=NOW)
    assert str(done.note).startswith(NAME.derived)
    renamed = LogName("renamed.example/log", "x")
    with pytest.raises(LogRefusedError, match=r"named log\.example/1, and stays so"):
        await integrate_log(world.database, world.keys, renamed, now=NOW)


async def test_the_witness_file_is_kept_and_believed(world: World, tmp_path: Path) -> None:
    file = tmp_path / "witness"
    integrator = Integrator(world.database, lambda: world.keys, world.clock, NAME, file)
    assert (await integrator.integrate()).note == file.read_text()
    await queue(world.database, 1, start=10)
    assert (await integrator.integrate()).note == file.read_text()
    assert file.read_text().split("\n")[1] == "11"
    file.write_text(Checkpoint(NAME.derived, 12, bytes(32)).signed(world.keys.log_signers(NOW)))
    with capture_logs() as lines:
        for _ in range(2):
            assert not await integrator.do_round()
    [line] = [line for line in lines if line["event"] == "log.refused"]
    assert "older than a checkpoint" in line["reason"]


async def test_the_witness_file_never_goes_back(world: World, tmp_path: Path) -> None:
    """Workers of one machine share it: who is slow to write must not take back what another has written."""
    file = tmp_path / "witness"
    slow = Integrator(world.database, lambda: world.keys, world.clock, NAME, file)
    await slow.integrate()
    earlier = file.read_text()
    await queue(world.database, 1, start=10)
    await slow.integrate()
    later = file.read_text()
    keep_witness(file, earlier)
    assert file.read_text() == later
    rotated = Checkpoint(NAME.derived, 11, open_checkpoint(later, verifiers(world))[0].root)
    signed_anew = rotated.signed(world.keys.log_rotated(NOW, active_in=timedelta()).log_signers(NOW))
    keep_witness(file, signed_anew)
    assert file.read_text() == signed_anew, "of one size, the newest"
    await asyncio.gather(
        *(
            asyncio.to_thread(keep_witness, file, Checkpoint(NAME.derived, size, bytes(32)).signed([key]))
            for size in (40, 12, 30, 20)
            for key in world.keys.log_signers(NOW)
        )
    )
    assert file.read_text().split("\n")[1] == "40"


async def test_a_witness_of_another_log_is_not_believed(world: World) -> None:
    """Of the same keys and the same tree: the same history, under a name that it never had."""
    checkpoint, _ = open_checkpoint(str((await integrate(world)).note), verifiers(world))
    other = Checkpoint("other.example/1", checkpoint.size, checkpoint.root)
    await refused(world, "no checkpoint of this log", witness=other.signed(world.keys.log_signers(NOW)))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE log_tiles SET hashes = overlay(hashes PLACING '\\x00' FROM 40)",
        "UPDATE log_tiles SET hashes = substring(hashes FOR 288)",
        "UPDATE log_tiles SET tile_index = 7",
        "DELETE FROM log_tiles",
        "TRUNCATE log_tiles",
    ],
)
async def test_the_database_lets_a_tile_only_grow(world: World, url: str, change: str) -> None:
    assert world.keys.log
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET ROLE registry_owner")
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute(change)
        await connection.execute("UPDATE log_tiles SET hashes = hashes || hashes")
    finally:
        await connection.close()
