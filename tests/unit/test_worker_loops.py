"""Loops go on by themselves: one that fails takes none with it, and a round is finished before the end."""

import asyncio
from typing import Any

from registry.storage.wakeups import OUTBOX, Wakeups
from registry.worker.loops import Loop, run_loops


class Unreachable:
    """A database that takes neither hints nor listeners."""

    async def connect(self) -> Any:  # noqa: ANN401  # never anything
        raise OSError

    async def fetch(self, *_: object) -> Any:  # noqa: ANN401  # as above
        raise OSError


def wakeups() -> Wakeups:
    return Wakeups(Unreachable())  # type: ignore[arg-type]  # it behaves as one that is down


async def test_a_loop_that_fails_stops_no_other_and_is_tried_again() -> None:
    stop, rounds = asyncio.Event(), {"bad": 0, "good": 0}

    async def bad() -> bool:
        rounds["bad"] += 1
        raise ZeroDivisionError

    async def good() -> bool:
        rounds["good"] += 1
        if rounds["bad"] >= 3 and rounds["good"] >= 3:
            stop.set()
        return False

    async with asyncio.timeout(20):
        await run_loops([Loop("bad", bad, 0.001), Loop("good", good, 0.001)], wakeups(), stop)


async def test_more_to_do_is_done_at_once_and_the_last_round_is_finished() -> None:
    stop, log = asyncio.Event(), list[str]()

    async def round_() -> bool:
        log.append("begun")
        if len(log) > 4:
            stop.set()
        await asyncio.sleep(0)
        log.append("finished")
        return True

    async with asyncio.timeout(20):
        await run_loops([Loop("busy", round_, 3600)], wakeups(), stop)
    assert log == ["begun", "finished"] * 3


async def test_a_pause_ends_with_a_hint_or_with_the_work() -> None:
    stop, hints, rounds = asyncio.Event(), wakeups(), 0

    async def woken() -> bool:
        nonlocal rounds
        rounds += 1
        asyncio.get_running_loop().call_soon(hints.end_waits if rounds == 1 else stop.set)
        return False

    async def idle() -> bool:
        return False

    async with asyncio.timeout(20):
        await run_loops([Loop("woken", woken, 3600, woken=True), Loop("idle", idle, 3600)], hints, stop)
    assert rounds == 2
    await hints.close()


async def test_who_waits_looks_again_although_no_hint_can_come() -> None:
    hints = wakeups()
    with hints.waiting(OUTBOX) as waiter:
        async with asyncio.timeout(20):
            while not await waiter.wait(0.05):
                pass
    await hints.close()
