"""Chores: partitions for the coming months, and forgetting what is kept for a while only."""

from dataclasses import dataclass
from datetime import datetime

from registry.storage.clients import forget_expired_assertions
from registry.storage.database import Database
from registry.storage.endpoint_deliveries import (
    add_attempt_partitions,
    drop_old_attempts,
    forget_old_deliveries,
)
from registry.storage.endpoints import forget_removed
from registry.storage.idempotency import forget_old_keys
from registry.storage.locks import hold_lock, wait_briefly
from registry.storage.partitions import add_partitions, drop_forgotten_events


@dataclass(frozen=True, slots=True)
class Chores:
    """What one round did."""

    partitions_added: int
    keys_forgotten: int
    assertions_forgotten: int
    months_of_events_forgotten: int = 0
    deliveries_forgotten: int = 0
    endpoints_forgotten: int = 0
    months_of_attempts_forgotten: int = 0


async def do_chores(database: Database, *, now: datetime) -> Chores:
    """One round, in one transaction; several workers take turns.

    Where somebody else has what it needs for longer, as a backup has every table, it raises, and the next
    round tries again. Raises UnavailableError.
    """
    async with database.transaction() as session:
        await hold_lock(session, "chores")
        await wait_briefly(session)
        return Chores(
            partitions_added=await add_partitions(session, now=now)
            + await add_attempt_partitions(session, now=now),
            keys_forgotten=await forget_old_keys(session, now=now),
            assertions_forgotten=await forget_expired_assertions(session, now=now),
            deliveries_forgotten=await forget_old_deliveries(session, now=now),
            months_of_attempts_forgotten=await drop_old_attempts(session, now=now),
            endpoints_forgotten=await forget_removed(session),
            months_of_events_forgotten=await drop_forgotten_events(session, now=now),
        )
