"""Hints by NOTIFY: after a commit, to those that wait for that organisation, also over a new connection."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from conftest import CloneDatabase, opened, run_sql
from registry.domain.notices import FeedEventType, Notice
from registry.storage.database import Database
from registry.storage.outbox import enqueue
from registry.storage.wakeups import OUTBOX, Waiter

HANG_UP = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
)


@pytest.fixture(scope="module")
async def url(clone_database: CloneDatabase) -> str:
    return await clone_database()


@pytest.fixture
async def here(url: str) -> AsyncIterator[Database]:
    async with opened(url) as database:
        yield database


@pytest.fixture
async def there(url: str) -> AsyncIterator[Database]:
    async with opened(url) as database:
        yield database


def notice(**changes: object) -> Notice:
    """What an act leaves; `audiences` are whom it concerns."""
    stated = {"audiences": frozenset({b"one"}), "details": {}} | changes
    return Notice(uuid4(), FeedEventType.TEMPLATE_RETIRED, datetime.now(UTC), uuid4(), **stated)  # type: ignore[arg-type]


async def woken(waiter: Waiter) -> None:
    """Until a hint comes, however often the waiter would look again by itself."""
    async with asyncio.timeout(20):
        while not await waiter.wait(20):
            pass


async def test_a_feeds_hint_reaches_those_that_wait_for_it(here: Database, there: Database) -> None:
    with here.wakeups.waiting(b"one") as one, here.wakeups.waiting(b"two") as two:
        for waiter in (one, two):
            await woken(waiter)  # the connection is there: look again
        await there.wakeups.tell([b"one"])
        await woken(one)
        assert not await two.wait(0)
        await there.wakeups.tell([b"%d" % number for number in range(201)])
        await woken(two)


async def _enqueue_and_fail(database: Database) -> None:
    async with database.transaction() as session:
        await enqueue(session, [notice()])
        raise ZeroDivisionError


async def test_an_act_rings_once_it_is_committed(here: Database, there: Database) -> None:
    with here.wakeups.waiting(OUTBOX) as waiter:
        await woken(waiter)
        with pytest.raises(ZeroDivisionError):
            await _enqueue_and_fail(there)
        async with there.transaction() as session:
            await enqueue(session, [notice(audiences=frozenset())])
        assert not await waiter.wait(0.1)
        async with there.transaction() as session:
            await enqueue(session, [notice()])
        await woken(waiter)


async def test_a_lost_connection_is_made_anew(here: Database, there: Database, url: str) -> None:
    with here.wakeups.waiting(b"one") as waiter:
        await woken(waiter)
        await run_sql(url, HANG_UP)
        await woken(waiter)  # it is lost
        await woken(waiter)  # and there again
        await there.wakeups.tell([b"one"])
        await woken(waiter)
