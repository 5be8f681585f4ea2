from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from registry.demo.trusted import trusted_demo_issuers
from registry.identity.issuers import TrustedIssuers, index_issuers
from registry.storage.database import Database, open_database

Snapshot = dict[str, list[str]]


@pytest.fixture
async def empty_url(clone_database: Callable[[], Awaitable[str]]) -> str:
    """A migrated database with nothing in it, of this test alone."""
    return await clone_database()


@pytest.fixture
async def empty(empty_url: str) -> AsyncIterator[Database]:
    """Connections to it in the role of the application."""
    database = await open_database(empty_url, pool_size=4, hot_pool_size=1)
    yield database
    await database.close()


@pytest.fixture
def issuers() -> TrustedIssuers:
    return index_issuers(trusted_demo_issuers())


@pytest.fixture
def snapshot(empty_url: str) -> Callable[[], Awaitable[Snapshot]]:
    """Every row of every table."""

    async def read() -> Snapshot:
        connection = await asyncpg.connect(empty_url)
        try:
            tables = await connection.fetch(
                "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
                "AND relnamespace = 'public'::regnamespace"
            )
            return {
                name: [
                    row["text"]
                    for row in await connection.fetch(f'SELECT t::text AS text FROM "{name}" t ORDER BY 1')  # noqa: S608  # the name is the catalogue's
                ]
                for (name,) in tables
            }
        finally:
            await connection.close()

    return read
