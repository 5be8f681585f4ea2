"""Partitions ahead of time: a month without one writes to the default partition, and stays there."""

from datetime import datetime, timedelta

from sqlalchemy import Date, cast, func, select

from registry.storage.database import WriteSession

MONTHS_AHEAD = 4
EVENTS_KEPT_FOR = timedelta(days=400)


async def add_partitions(session: WriteSession, *, now: datetime) -> int:
    """Make the partitions of this month and the coming ones; returns how many were missing."""
    months = (cast(now.date(), Date), MONTHS_AHEAD)
    added = await session.execute(select(func.add_partitions(*months) + func.add_feed_partitions(*months)))
    return int(added.scalar_one())


async def drop_forgotten_events(session: WriteSession, *, now: datetime) -> int:
    """Drop the months of events that nobody can ask for any more; returns how many."""
    kept_from = now - EVENTS_KEPT_FOR
    dropped = await session.execute(select(func.drop_feed_partitions(kept_from)))
    return int(dropped.scalar_one())
