"""Locks by name, for what only one process may do at a time."""

from sqlalchemy import func, select, text

from registry.storage.database import WriteSession


async def hold_lock(session: WriteSession, name: str) -> None:
    """Wait until no other transaction holds this name; it is held until this one ends."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"lock:{name}", 0))))


async def wait_briefly(session: WriteSession) -> None:
    """Give up on any lock that does not come soon: whoever waits for a whole table has all others wait."""
    await session.execute(text("SET LOCAL lock_timeout = '500ms'"))


async def try_lock(session: WriteSession, name: str) -> bool:
    """Hold a name as `hold_lock` does, or give False at once where another transaction holds it."""
    statement = select(func.pg_try_advisory_xact_lock(func.hashtextextended(f"lock:{name}", 0)))
    return bool((await session.execute(statement)).scalar_one())
