"""Locks by name, for what only one process may do at a time."""

from sqlalchemy import func, select

from registry.storage.database import WriteSession


async def hold_lock(session: WriteSession, name: str) -> None:
    """Wait until no other transaction holds this name; it is held until this one ends."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"lock:{name}", 0))))
