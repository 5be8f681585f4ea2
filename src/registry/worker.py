"""The worker: what has to be done in time and by nobody's request. Any number may run.

Now: partitions for the coming months, forgetting what is kept for a while only, and recording which requests
have lapsed.
"""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from registry.operations.lapse_requests import lapse_requests
from registry.signing.keys import KeyRing
from registry.storage.clients import forget_expired_assertions
from registry.storage.database import Database
from registry.storage.idempotency import forget_old_keys
from registry.storage.locks import hold_lock
from registry.storage.partitions import add_partitions

_log = structlog.get_logger(__name__)

ROUND_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Chores:
    """What one round did."""

    partitions_added: int
    keys_forgotten: int
    assertions_forgotten: int


async def do_chores(database: Database, *, now: datetime) -> Chores:
    """One round, in one transaction; several workers take turns. Raises UnavailableError."""
    async with database.transaction() as session:
        await hold_lock(session, "chores")
        return Chores(
            partitions_added=await add_partitions(session, now=now),
            keys_forgotten=await forget_old_keys(session, now=now),
            assertions_forgotten=await forget_expired_assertions(session, now=now),
        )


async def run_worker(
    database: Database,
    keys: Callable[[], KeyRing],
    clock: Callable[[], datetime],
    stop: asyncio.Event,
    *,
    pause_seconds: float = ROUND_SECONDS,
) -> None:
    """Work until told to stop, with a pause between rounds; what a failed round leaves, the next one does.

    `keys` gives those of the moment, with which each round seals what it records.
    """
    while not stop.is_set():
        try:
            chores = await do_chores(database, now=clock())
            lapsed = await lapse_requests(database, keys(), now=clock())
            done = {name: getattr(chores, name) for name in chores.__slots__}
            _log.debug("worker.round", **done, requests_lapsed=lapsed)
        except Exception as error:  # noqa: BLE001  # whatever ended this round, the next may do better
            _log.warning("worker.round_failed", error=type(error).__name__)
        try:
            await asyncio.wait_for(stop.wait(), pause_seconds)
        except TimeoutError:
            continue


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` on SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
