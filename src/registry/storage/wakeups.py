"""Waking who waits for events, by PostgreSQL's NOTIFY: a hint after the commit, never part of an act.

NOTIFY within a transaction makes commits take turns in the whole database, so acts send none. What is lost,
with a process or a connection, only costs time: everybody who waits also looks again by itself.
"""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

import asyncpg
import structlog

from registry.storage.hot_connections import HotConnections

_log = structlog.get_logger(__name__)

_OUTBOX, _FEED = "registry_outbox", "registry_feed"
_RING_SECONDS = 0.02
_RECONNECT_SECONDS = 1.0
_LOOK_AGAIN_SECONDS, _LOOK_UNTOLD_SECONDS = 5.0, 0.9
"""How long somebody waits for a hint at most, with a connection to get it by and without."""

_MAX_NAMED = 200
"""NOTIFY takes 8,000 bytes; where more organisations are told at once, all that wait are woken."""

OUTBOX = b""
"""To wait for the outbox instead of an organisation's feed."""
DELIVERIES = b"deliveries"
"""To wait for anything that may have to be delivered: every feed, and what endpoints' owners ask for."""


class Waiter:
    """One who waits. Made by `Wakeups.waiting`, before it looks whether there is something."""

    def __init__(self, wakeups: "Wakeups") -> None:
        """Nothing has come yet."""
        self._wakeups = wakeups
        self._woken = asyncio.Event()
        self._looked_at = asyncio.get_running_loop().time()

    def wake(self) -> None:
        """Let `wait` return, now or when it is called next."""
        self._woken.set()

    async def wait(self, seconds: float) -> bool:
        """Whether it is time to look again: at once after a hint, else after so many seconds at the latest.

        Without a hint it is time now and then, more often where there is no connection to get one by.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)
        now = asyncio.get_running_loop().time()
        patience = _LOOK_AGAIN_SECONDS if self._wakeups.is_listening else _LOOK_UNTOLD_SECONDS
        if not self._woken.is_set() and now < self._looked_at + patience:
            return False
        self._woken.clear()
        self._looked_at = now
        return True


class Wakeups:
    """Sends hints and takes them, over one connection that is opened when somebody first waits."""

    def __init__(self, hot: HotConnections) -> None:
        """Nothing is connected yet."""
        self._hot = hot
        self._waiters: dict[bytes, set[Waiter]] = {}
        self._ringing: asyncio.Task[None] | None = None
        self._rung_again = False
        self._listening: asyncio.Task[None] | None = None
        self.is_listening = False
        self.is_ending = False

    def ring(self) -> None:
        """Say that something is in the outbox: at once, and at most every 20 ms however often it is said."""
        if self._ringing is None or self._ringing.done():
            self._ringing = asyncio.create_task(self._ring())
        else:
            self._rung_again = True

    async def tell(self, audiences: Collection[bytes]) -> None:
        """Say that these organisations have new events. Failing to is no failure."""
        if audiences:
            named = sorted(audiences) if len(audiences) <= _MAX_NAMED else []
            await self._notify(_FEED, ",".join(audience.hex() for audience in named))

    @contextmanager
    def waiting(self, topic: bytes) -> Iterator[Waiter]:
        """Wait for an organisation's feed, or for `OUTBOX`, within the block."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        waiter = Waiter(self)
        self._waiters.setdefault(topic, set()).add(waiter)
        if self.is_ending:
            waiter.wake()
        try:
            yield waiter
        finally:
            self._waiters[topic].discard(waiter)
            if not self._waiters[topic]:
                del self._waiters[topic]

    def end_waits(self) -> None:
        """The process ends: nobody waits any longer."""
        self.is_ending = True
        self._wake(None)

    async def close(self) -> None:
        """Send and take nothing more."""
        self.end_waits()
        for task in (self._ringing, self._listening):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _ring(self) -> None:
        while True:
            self._rung_again = False
            await self._notify(_OUTBOX, "")
            await asyncio.sleep(_RING_SECONDS)
            if not self._rung_again:
                return

    async def _notify(self, channel: str, payload: str) -> None:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await self._hot.fetch("SELECT pg_notify($1, $2)", channel, payload)

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_until_lost()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("wakeups.lost", error=type(error).__name__)
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen_until_lost(self) -> None:
        lost = asyncio.Event()
        connection = await self._hot.connect()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(_OUTBOX, self._on_outbox)
            await connection.add_listener(_FEED, self._on_feed)
            self.is_listening = True
            self._wake(None)
            await lost.wait()
        finally:
            self.is_listening = False
            self._wake(None)
            connection.terminate()

    def _on_outbox(self, *_: object) -> None:
        self._wake([OUTBOX])

    def _on_feed(self, _connection: object, _process: int, _channel: str, payload: object) -> None:
        named = [bytes.fromhex(part) for part in str(payload).split(",") if part]
        self._wake([*named, DELIVERIES] if named else None)

    def _wake(self, topics: Collection[bytes] | None) -> None:
        """Wake who waits for these topics; None wakes all."""
        for topic in self._waiters if topics is None else topics:
            for waiter in self._waiters.get(topic, ()):
                waiter.wake()
