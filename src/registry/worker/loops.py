"""Loops: pieces of work that are done round by round, each on its own, until the worker is told to stop."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import structlog

from registry.storage.wakeups import OUTBOX, Waiter, Wakeups

_log = structlog.get_logger(__name__)

_LONGEST_PAUSE = 60.0
"""How long a loop waits at most after rounds that failed, in seconds; never less than its own pause."""


@dataclass(frozen=True, slots=True)
class Loop:
    """One piece of work.

    `do_round` returns whether another round is called for at once. `pause` is how many seconds lie between
    rounds otherwise; one that is `woken` does not wait so long when something comes into the outbox.
    """

    name: str
    do_round: Callable[[], Awaitable[bool]]
    pause: float
    woken: bool = False


async def run_loops(loops: Sequence[Loop], wakeups: Wakeups, stop: asyncio.Event) -> None:
    """Run loops side by side until told to stop; the round that each is in is finished first.

    A round that fails is logged, and done again after a pause that grows while it goes on failing. No loop
    takes another with it.
    """
    await asyncio.gather(*(_run(loop, wakeups, stop) for loop in loops), return_exceptions=True)


async def _run(loop: Loop, wakeups: Wakeups, stop: asyncio.Event) -> None:
    failures = 0
    with wakeups.waiting(OUTBOX) if loop.woken else nullcontext() as waiter:
        while not stop.is_set():
            has_more = False
            try:
                has_more = await loop.do_round()
                failures = 0
                _log.debug("worker.round", loop=loop.name)
            except Exception as error:  # noqa: BLE001  # whatever ended this round, the next may do better
                failures += 1
                _log.warning("worker.round_failed", loop=loop.name, error=type(error).__name__)
            if not has_more:
                await _pause(_seconds(loop, failures), waiter if failures == 0 else None, stop)


def _seconds(loop: Loop, failures: int) -> float:
    if failures == 0:
        return loop.pause
    return max(loop.pause, min(_LONGEST_PAUSE, loop.pause * 2.0 ** min(failures, 10)))


async def _pause(seconds: float, waiter: Waiter | None, stop: asyncio.Event) -> None:
    """Wait until the time is over, something has come, or the work is to end."""
    until: list[asyncio.Task[Any]] = [asyncio.create_task(stop.wait())]
    if waiter is not None:
        until.append(asyncio.create_task(waiter.wait(seconds)))
    _, waiting = await asyncio.wait(until, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*until, return_exceptions=True)
