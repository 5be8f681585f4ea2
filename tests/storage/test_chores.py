"""What the worker does without being asked, round by round."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from conftest import CloneDatabase, opened, run_sql
from registry.signing.keys import KeyRing
from registry.storage.clients import remember_assertion
from registry.storage.database import Database
from registry.storage.idempotency import IdempotentRequest, find_earlier, record_effect
from registry.storage.tables import PARTITIONED_TABLES
from registry.worker.chores import Chores, do_chores
from registry.worker.loops import Loop, run_loops
from registry.worker.work import Work

NOW = datetime.now(UTC)
PARTITIONED = (*PARTITIONED_TABLES, "feed_events", "webhook_attempts")
LATER = NOW.replace(day=15) + timedelta(days=61)
"""Two months from now: the day of the month keeps clear of the months' different lengths."""


@dataclass(frozen=True)
class Own:
    """A database of the test's own, since its partitions are for all to see."""

    url: str
    database: Database


@pytest.fixture
async def own(clone_database: CloneDatabase) -> AsyncIterator[Own]:
    url = await clone_database()
    async with opened(url) as database:
        yield Own(url, database)


async def partitions(own: Own) -> set[str]:
    connection = await asyncpg.connect(own.url)
    try:
        rows = await connection.fetch("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")
    finally:
        await connection.close()
    return {row["relname"] for row in rows}


def of_months(first: datetime, count: int) -> set[str]:
    months = [(first.year * 12 + first.month - 1 + step) for step in range(count)]
    names = [f"{month // 12}{month % 12 + 1:02}" for month in months]
    return {f"{table}_{name}" for table in PARTITIONED for name in names}


async def test_partitions_are_there_before_their_month(own: Own) -> None:
    before = await partitions(own)
    assert of_months(NOW, 4) <= before
    assert (await do_chores(own.database, now=NOW)).partitions_added == 0
    assert (await do_chores(own.database, now=LATER)).partitions_added == 2 * len(PARTITIONED)
    assert await partitions(own) - before == of_months(LATER, 4) - before
    assert (await do_chores(own.database, now=LATER)).partitions_added == 0


async def test_a_long_reader_is_not_waited_for_with_everybody_behind(own: Own) -> None:
    """A new partition needs its table for itself, and whoever waits for a table has all others wait."""
    async with own.database.reading() as session:
        await session.execute(text("SELECT count(*) FROM feed_events"))
        async with asyncio.timeout(5):
            with pytest.raises(DBAPIError):
                await do_chores(own.database, now=LATER)
    assert (await do_chores(own.database, now=LATER)).partitions_added == 2 * len(PARTITIONED)


async def test_what_is_kept_for_a_while_is_forgotten_then(own: Own) -> None:
    old, young = (_request() for _ in range(2))
    async with own.database.transaction() as session:
        await record_effect(session, old, uuid4(), now=NOW - timedelta(hours=24, seconds=1))
        await record_effect(session, young, uuid4(), now=NOW - timedelta(hours=23, minutes=59))
        for jti, age in (("old", timedelta(minutes=11)), ("young", timedelta(minutes=9))):
            assert await remember_assertion(session, "client", jti, NOW - age)
    assert await do_chores(own.database, now=NOW) == Chores(
        partitions_added=0, keys_forgotten=1, assertions_forgotten=1
    )
    async with own.database.transaction() as session:
        assert await find_earlier(session, old) is None
        assert await find_earlier(session, young) is not None
        assert await remember_assertion(session, "client", "old", NOW)
        assert not await remember_assertion(session, "client", "young", NOW)


async def test_two_workers_at_once_do_everything_once(own: Own) -> None:
    async with own.database.transaction() as session:
        await record_effect(session, _request(), uuid4(), now=NOW - timedelta(days=2))
    rounds = await asyncio.gather(*(do_chores(own.database, now=LATER) for _ in range(4)))
    assert sorted(done.partitions_added for done in rounds) == [0, 0, 0, 2 * len(PARTITIONED)]
    assert sorted(done.keys_forgotten for done in rounds) == [0, 0, 0, 1]


async def test_a_failed_round_does_not_end_the_work(own: Own, keys: KeyRing) -> None:
    """The first rounds fail, since the database refuses a part of them; then it allows it again."""
    begun: asyncio.Queue[None] = asyncio.Queue()

    def clock() -> datetime:
        begun.put_nowait(None)
        return LATER

    act = "EXECUTE ON FUNCTION add_partitions(date, integer)"
    before = await partitions(own)
    await run_sql(own.url, f"REVOKE {act} FROM registry_app")
    stop = asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        chores = Loop("chores", Work(own.database, lambda: keys, clock).tidy, 0.01)
        group.create_task(run_loops([chores], own.database.wakeups, stop))
        for _ in range(3):
            await begun.get()
        assert await partitions(own) == before
        await run_sql(own.url, f"GRANT {act} TO registry_app")
        # The round that began last may have been refused, too; the one after it is not.
        while not begun.empty():
            begun.get_nowait()
        for _ in range(2):
            await begun.get()
        stop.set()
    assert of_months(LATER, 4) <= await partitions(own)


def _request() -> IdempotentRequest:
    return IdempotentRequest("client", str(uuid4()), "issue_mandate", b"digest")
