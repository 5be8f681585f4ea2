"""Which revision the database is at, and which this code was written for."""

from sqlalchemy import text

from registry.storage.database import ReadSession

NEWEST_REVISION = "20261122_webhooks"
"""The head of `migrations/`; a test holds them equal."""


async def get_revision(session: ReadSession) -> str | None:
    """The database's revision; None where it was never migrated."""
    exists = await session.execute(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
    if not exists.scalar_one():
        return None
    found = await session.execute(text("SELECT version_num FROM alembic_version"))
    return found.scalar_one_or_none()
