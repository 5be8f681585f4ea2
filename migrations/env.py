"""Runs migrations: one at a time (advisory lock), as `registry_owner`, giving up early on a busy table.

The address comes from the caller (`registry migrate`) or from REGISTRY_MIGRATION_DATABASE_URL, else
REGISTRY_DATABASE_URL.
"""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, text

from registry.storage.database import migration_engine
from registry.storage.roles import OWNER, create_roles
from registry.storage.tables import metadata

MIGRATION_LOCK = 0x72656769737472  # "registr": one migration at a time per database


def run_migrations(connection: Connection) -> None:
    """Take the lock, become the owner, and run what is missing in one transaction."""
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False)
    with context.begin_transaction():
        connection.execute(text("SET LOCAL statement_timeout = '10min'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        create_roles(connection)
        connection.execute(text(f"SET LOCAL ROLE {OWNER}"))
        context.run_migrations()


def url_from_environment() -> str:
    """The address for `alembic` run by hand. Raises KeyError when none is set."""
    return os.environ.get("REGISTRY_MIGRATION_DATABASE_URL") or os.environ["REGISTRY_DATABASE_URL"]


async def run_with_own_connection() -> None:
    """Connect, migrate, disconnect."""
    engine = migration_engine(context.config.attributes.get("database_url") or url_from_environment())
    async with engine.connect() as connection:
        await connection.run_sync(run_migrations)
        await connection.commit()
    await engine.dispose()


if connection := context.config.attributes.get("connection"):
    run_migrations(connection)
else:
    asyncio.run(run_with_own_connection())
