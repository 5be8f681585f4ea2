"""Workers as processes: any number of them, ended by a signal."""

import asyncio
import signal

import asyncpg
import pytest

from registry_processes import running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_two_workers_work_side_by_side_and_end_in_order(
    installation: dict[str, str], number: signal.Signals
) -> None:
    settings = installation | {"REGISTRY_LOG_LEVEL": "debug"}
    async with (
        running("worker", until="worker.round", settings=settings) as one,
        running("worker", until="worker.round", settings=settings) as other,
    ):
        assert (await one.end(number), await other.end(number)) == (0, 0)
        assert not any('"level": "error"' in line or "Traceback" in line for line in one.lines + other.lines)


NOTICES = 8_000
LEAVE = """
    INSERT INTO outbox
        (event_id, type, occurred_at, subject_id, services, notify, audiences, details, open_uses)
    SELECT gen_random_uuid(), 'template.retired', now(), gen_random_uuid(), '{}', '{}',
        ARRAY['one'::bytea], '{}', '{}'
    FROM generate_series(1, $1)
"""
TOLD = "SELECT count(*), count(DISTINCT event_id), min(sequence), max(sequence) FROM feed_events"


async def test_what_a_killed_worker_leaves_another_takes_over(installation: dict[str, str]) -> None:
    """Killed in the midst of telling: nothing is lost and nothing told twice."""
    connection = await asyncpg.connect(installation["REGISTRY_DATABASE_URL"])
    settings = installation | {"REGISTRY_LOG_LEVEL": "debug"}
    try:
        async with running("worker", until="sequence", settings=settings) as first:
            await connection.execute(LEAVE, NOTICES)
            async with asyncio.timeout(60):
                while not await connection.fetchval("SELECT max(sequence) FROM feed_heads"):
                    pass
            assert await first.end(signal.SIGKILL) == -signal.SIGKILL
        left = await connection.fetchval("SELECT count(*) FROM outbox")
        told = await connection.fetchval("SELECT count(*) FROM feed_events")
        assert (left + told, told > 0) == (NOTICES, True)
        async with running("worker", until="sequence", settings=settings) as second, asyncio.timeout(60):
            while await connection.fetchval("SELECT count(*) FROM outbox"):
                pass
            assert await second.end() == 0
        assert tuple(await connection.fetchrow(TOLD)) == (NOTICES, NOTICES, 1, NOTICES)
    finally:
        await connection.close()
