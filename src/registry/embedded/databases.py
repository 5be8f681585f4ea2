"""Databases in the embedded cluster."""

import asyncpg


async def ensure_database(dsn: str, name: str) -> None:
    """Make the database `name` in the cluster that `dsn` (of any database in it) points at.

    Does nothing where it exists. Any number of callers may race: each returns only when the database
    is there for all. Raises `asyncpg.PostgresError` for everything else that goes wrong.
    """
    connection = await asyncpg.connect(dsn)
    try:
        if await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            return
        quoted = name.replace('"', '""')
        try:
            await connection.execute(f'CREATE DATABASE "{quoted}"')
        except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
            # Both are raised only after the winner has committed: the database is there.
            return
    finally:
        await connection.close()
