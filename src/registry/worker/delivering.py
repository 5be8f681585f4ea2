"""Delivering: what is due is claimed, sent and recorded, many at a time, none waiting for another."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import structlog

from registry.domain.errors import UnavailableError
from registry.operations.claim_deliveries import Due, OpenedEndpoints, claim_deliveries
from registry.operations.record_attempts import Tried, record_attempts, release_deliveries
from registry.signing.keys import KeyRing
from registry.storage.database import Database
from registry.storage.wakeups import DELIVERIES, Waiter
from registry.webhooks.proof import prove_wish
from registry.webhooks.sender import Answer, Failure, Outgoing, Sender

IN_FLIGHT: Final = 500
"""How many requests a worker has under way at most."""

_PROOF_SECONDS: Final = 25.0  # of two requests; within the lease
_GATHER_SECONDS: Final = 0.01
"""How long what is done is gathered, to be recorded together."""
_GRACE_SECONDS: Final = 5.0
"""How long requests under way may take when the worker ends."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outbound:
    """By whom messages go out, and in whose name: `source` is the registry's address."""

    sender: Sender
    source: str

    async def attempt(self, due: Due, *, now: datetime) -> Tried:
        """Make one attempt: send the message, or ask a pending endpoint for its proof."""
        answer, is_proven = None, False
        if due.outgoing is not None and due.challenge is not None:
            is_proven, answer = await self._ask_for_proof(due.outgoing, due.challenge)
        elif due.outgoing is not None:
            answer = await self.sender.send(due.outgoing)
        _log.debug(
            "webhooks.attempt",
            endpoint=str(due.claim.endpoint_id),
            delivery=str(due.claim.id),
            number=due.claim.number,
            status=None if answer is None else answer.status,
            failure=None if answer is None else answer.failure,
            duration_ms=None if answer is None else answer.duration_ms,
        )
        return Tried(due.claim, now, answer, is_proven)

    async def _ask_for_proof(self, ping: Outgoing, challenge: str) -> tuple[bool, Answer]:
        origin = urlsplit(self.source).hostname or ""
        try:
            async with asyncio.timeout(_PROOF_SECONDS):
                return await prove_wish(self.sender, ping, origin=origin, challenge=challenge)
        except TimeoutError:
            return False, Answer(None, Failure.TIMED_OUT, round(_PROOF_SECONDS * 1000))


@dataclass(frozen=True)
class Delivering:
    """What deliveries are made with."""

    database: Database
    keys: Callable[[], KeyRing]
    clock: Callable[[], datetime]
    outbound: Outbound
    in_flight: int = IN_FLIGHT

    async def run(
        self, stop: asyncio.Event, *, poll_seconds: float, grace_seconds: float = _GRACE_SECONDS
    ) -> None:
        """Deliver until told to stop: then claim nothing more, and give back what is not done in time."""
        with self.database.wakeups.waiting(DELIVERIES) as waiter:
            courier = _Courier(self, waiter)
            stopping = asyncio.create_task(stop.wait())
            stopping.add_done_callback(lambda _: waiter.wake())
            while not stop.is_set():
                try:
                    await courier.do_round()
                except Exception as error:  # noqa: BLE001  # whatever ended this round, the next may do better
                    _log.warning("worker.round_failed", loop="deliveries", error=type(error).__name__)
                await waiter.wait(poll_seconds)
                await asyncio.sleep(0 if stop.is_set() else _GATHER_SECONDS)
            await courier.finish(grace_seconds)


class _Courier:
    """What is under way, and what is done and not recorded yet."""

    def __init__(self, parts: Delivering, waiter: Waiter) -> None:
        self._parts = parts
        self._waiter = waiter
        self._opened = OpenedEndpoints()
        self._sending: dict[asyncio.Task[None], Due] = {}
        self._done: list[Tried] = []

    async def do_round(self) -> None:
        """Record what is done, and begin what is due. Raises UnavailableError, having lost nothing."""
        await self._record()
        room = self._parts.in_flight - len(self._sending)
        if room <= 0:
            return
        parts = self._parts
        claimed = await claim_deliveries(
            parts.database,
            parts.keys(),
            self._opened,
            limit=room,
            source=parts.outbound.source,
            now=parts.clock(),
        )
        for due in claimed:
            task = asyncio.create_task(self._deliver(due))
            self._sending[task] = due
            task.add_done_callback(self._end)

    async def finish(self, grace_seconds: float) -> None:
        """Wait a little for what is under way, give the rest back, and record. Never raises."""
        if self._sending:
            await asyncio.wait(self._sending, timeout=grace_seconds)
        unfinished = dict(self._sending)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        try:
            await self._record()
            if unfinished:
                claims = [due.claim for due in unfinished.values()]
                await release_deliveries(self._parts.database, claims, now=self._parts.clock())
        except Exception as error:  # noqa: BLE001  # the leases end by themselves
            _log.warning("webhooks.not_recorded", error=type(error).__name__)

    def _end(self, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        self._waiter.wake()

    async def _deliver(self, due: Due) -> None:
        tried = await self._parts.outbound.attempt(due, now=self._parts.clock())
        # Not before: while this waited, what was done has been recorded, and its list exchanged.
        self._done.append(tried)

    async def _record(self) -> None:
        done, self._done = self._done, []
        if not done:
            return
        parts = self._parts
        try:
            await record_attempts(parts.database, parts.keys(), done, now=parts.clock())
        except UnavailableError:
            self._done = done + self._done
            raise
        except Exception:  # noqa: BLE001  # one of them spoils it for all: each by itself
            for tried in done:
                await self._record_alone(tried)

    async def _record_alone(self, tried: Tried) -> None:
        """Record one attempt; what cannot be is tried again when its lease ends, ten times at most."""
        parts = self._parts
        try:
            await record_attempts(parts.database, parts.keys(), [tried], now=parts.clock())
        except Exception as error:  # noqa: BLE001  # whatever it is, it is this one's
            _log.error("webhooks.not_recorded", delivery=str(tried.claim.id), error=type(error).__name__)
