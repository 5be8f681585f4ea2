"""Partitions ahead of time: a month without one writes to the default partition, and stays there."""

from datetime import datetime

from sqlalchemy import Date, cast, func, select

from registry.storage.database import WriteSession

MONTHS_AHEAD = 4


async def add_partitions(session: WriteSession, *, now: datetime) -> int:
    """Make the partitions of this month and the coming ones; returns how many were missing."""
    added = await session.execute(select(func.add_partitions(cast(now.date(), Date), MONTHS_AHEAD)))
    return int(added.scalar_one())
