"""Record tables never change: not by the application, not by their owner, on no partition (promise I5)."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from registry.storage.database import Database
from registry.storage.roles import APP, OWNER, READER
from registry.storage.tables import PARTITIONED_TABLES, RECORD_TABLES

PARTITIONS = """
SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent::regclass::text = ANY($1)
"""


@pytest.fixture
async def login(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def every_record_table(login: asyncpg.Connection) -> list[str]:
    rows = await login.fetch(PARTITIONS, list(PARTITIONED_TABLES))
    partitions = [row[0] for row in rows]
    assert len(partitions) >= 2 * 5
    return [*RECORD_TABLES, *partitions]


@pytest.mark.parametrize("role", [APP, READER])
@pytest.mark.parametrize(
    "act", ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}", "TRUNCATE {table} CASCADE"]
)
async def test_no_role_but_the_owner_may_even_try(login: asyncpg.Connection, role: str, act: str) -> None:
    for table in await every_record_table(login):
        column = await login.fetchval(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum = 1", table
        )
        async with login.transaction():
            await login.execute(f"SET LOCAL ROLE {role}")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with login.transaction():
                    await login.execute(act.format(table=table, column=column))


async def test_owner_cannot_truncate(login: asyncpg.Connection) -> None:
    for table in await every_record_table(login):
        async with login.transaction():
            await login.execute(f"SET LOCAL ROLE {OWNER}")
            with pytest.raises(asyncpg.RestrictViolationError):
                async with login.transaction():
                    await login.execute(f"TRUNCATE {table} CASCADE")


async def test_owner_cannot_change_or_delete_a_row(login: asyncpg.Connection) -> None:
    for table in await every_record_table(login):
        triggers = await login.fetch(
            "SELECT tgname, tgtype FROM pg_trigger WHERE tgrelid = $1::text::regclass AND tgenabled = 'O'",
            table,
        )
        # tgtype bits: 1 row, 2 before, 8 delete, 16 update (pg_trigger.h)
        assert any(row["tgtype"] & 27 == 27 for row in triggers), table


async def test_application_takes_its_role_on_both_pools(database: Database) -> None:
    rows = await database.fetch_hot("SELECT current_user")
    assert rows[0][0] == APP
