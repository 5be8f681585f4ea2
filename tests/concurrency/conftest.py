"""A database of the test's own, and two processes over it with connections of their own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from acting import calling, process_on
from concurrency.racing import Race
from conftest import CloneDatabase
from factories import World
from registry.signing.keys import KeyRing
from registry.storage.database import open_database

POOL = 16


@pytest.fixture
async def race(clone_database: CloneDatabase, keys: KeyRing) -> AsyncIterator[Race]:
    url = await clone_database()
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
