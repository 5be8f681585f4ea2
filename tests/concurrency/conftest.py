"""A database of the test's own, and two processes over it with connections of their own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from acting import calling, process_on
from concurrency.racing import Race
from conftest import CloneDatabase
from factories import World
from registry.signing.keys import KeyRing
from registry.storage.database import open_database

POOL = 16


@asynccontextmanager
async def two_processes(url: str, keys: KeyRing) -> AsyncIterator[Race]:
    async with AsyncExitStack() as stack:
        databases = []
        for _ in range(2):
            database = await open_database(url, pool_size=POOL, hot_pool_size=4)
            stack.push_async_callback(database.close)
            databases.append(database)
        first = World(databases[0], keys)
        second = process_on(databases[1], first)
        owner = await first.organisation()
        yield Race(url, (first, second), (owner, await calling(second, owner)))


@pytest.fixture
async def race(clone_database: CloneDatabase, keys: KeyRing) -> AsyncIterator[Race]:
    async with two_processes(await clone_database(), keys) as race:
        yield race


@pytest.fixture(scope="module")
async def shared_race(clone_database: CloneDatabase, keys: KeyRing) -> AsyncIterator[Race]:
    """For tests that reckon from what is there already: a clone takes time to drop, too."""
    async with two_processes(await clone_database(), keys) as race:
        yield race
