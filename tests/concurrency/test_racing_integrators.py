"""Integrators at once: one log, whoever writes it, and whoever dies over it."""

import asyncio
import signal
from pathlib import Path

import asyncpg

from concurrency.racing import Race
from factories import World
from log_filling import integrate, queue
from log_reading import read_log
from reference_tree import tree_hash
from registry.signing.keys import save_key_ring
from registry_processes import running

ENTRIES = 600

SIGNING = """
SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'log_checkpoints'::regclass)
"""


async def integrate_all(world: World, *, until: int) -> None:
    while (await read_size(world)) < until:
        await integrate(world, limit=100)


async def read_size(world: World) -> int:
    answer = await world.anonymous.get("/log/checkpoint")
    return int(answer.text.split("\n")[1]) if answer.status_code == 200 else 0


async def test_two_integrators_and_who_records_make_one_log(race: Race) -> None:
    one, other = race.worlds
    queued = [queue(one.database, 100, start=start) for start in range(0, ENTRIES, 100)]
    racing = [integrate_all(world, until=ENTRIES) for world in (one, other, one, other)]
    await asyncio.gather(*racing, *queued)
    seen = await read_log(one.anonymous)
    assert (seen.size, tree_hash(seen.entries)) == (ENTRIES, seen.root)
    assert len(set(seen.entries)) == ENTRIES, "each once"


async def test_a_worker_killed_before_it_signs_leaves_nothing(race: Race, tmp_path: Path) -> None:
    """Held up where its entries and tiles are written, and its checkpoint is not."""
    await integrate(race.world)
    before = await read_log(race.world.anonymous)
    await queue(race.world.database, ENTRIES)
    keys_file = tmp_path / "keys.json"
    save_key_ring(keys_file, race.world.keys)
    settings = {
        "REGISTRY_DATABASE_URL": race.url,
        "REGISTRY_KEYS_FILE": str(keys_file),
        "REGISTRY_LOG_LEVEL": "debug",
    }
    blocker = await asyncpg.connect(race.url)
    try:
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE log_checkpoints IN SHARE MODE")
            async with running("worker", until="worker.round", settings=settings) as worker:
                async with asyncio.timeout(30):
                    while not await blocker.fetchval(SIGNING):
                        pass
                assert await worker.end(signal.SIGKILL) == -signal.SIGKILL
    finally:
        await blocker.close()
    async with asyncio.timeout(30):
        # The dead worker's transaction, and so its lock, ends when PostgreSQL notices.
        while (await integrate(race.world)).count == 0:
            assert (await read_log(race.world.anonymous)).note == before.note
    seen = await read_log(race.world.anonymous)
    assert (seen.size, tree_hash(seen.entries)) == (before.size + ENTRIES, seen.root)
    assert seen.entries[: before.size] == before.entries
