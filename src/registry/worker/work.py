"""The worker's loops, put together: everything that happens by time, or after an act."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from registry.domain.errors import UnavailableError
from registry.operations.fire_timers import fire_timers
from registry.operations.lapse_requests import lapse_requests
from registry.operations.sequence_events import retry_set_aside, sequence_events
from registry.signing.keys import KeyRing
from registry.storage.database import Database
from registry.worker.chores import do_chores
from registry.worker.delivering import Delivering, Outbound
from registry.worker.integrating import Integrator
from registry.worker.loops import Loop, run_loops

CHORES_SECONDS = 60.0
TIMERS_SECONDS = 10.0
POLL_SECONDS = 1.0
CHECKPOINT_SECONDS = 1.0


@dataclass(frozen=True)
class Work:
    """What the rounds work with. `keys` gives those of the moment, with which a round seals and finds.

    Without `integrator` the transparency log is left as it is; without `outbound` nothing is delivered.
    """

    database: Database
    keys: Callable[[], KeyRing]
    clock: Callable[[], datetime]
    integrator: Integrator | None = None
    outbound: Outbound | None = None

    async def sequence(self) -> bool:
        """Tell what acts left in the outbox."""
        return (await sequence_events(self.database, now=self.clock())).has_more

    async def fire(self) -> bool:
        """Tell what time has brought about for mandates."""
        await fire_timers(self.database, self.keys(), now=self.clock())
        return False

    async def lapse(self) -> bool:
        """Record which requests have lapsed."""
        await lapse_requests(self.database, self.keys(), now=self.clock())
        return False

    async def tidy(self) -> bool:
        """Do the chores."""
        await do_chores(self.database, now=self.clock())
        return False


async def run_worker(
    work: Work,
    stop: asyncio.Event,
    *,
    poll_seconds: float = POLL_SECONDS,
    timers_seconds: float = TIMERS_SECONDS,
    chores_seconds: float = CHORES_SECONDS,
) -> None:
    """Work until told to stop; what a failed round leaves, the next one does.

    `poll_seconds` is how long an event waits at most where no hint of it gets through.
    """
    with suppress(UnavailableError):
        await retry_set_aside(work.database)
    loops = [
        Loop("sequence", work.sequence, poll_seconds, woken=True),
        Loop("timers", work.fire, timers_seconds),
        Loop("lapses", work.lapse, timers_seconds),
        Loop("chores", work.tidy, chores_seconds),
    ]
    if work.integrator is not None:
        loops.append(Loop("log", work.integrator.do_round, CHECKPOINT_SECONDS))
    running = [run_loops(loops, work.database.wakeups, stop)]
    if work.outbound is not None:
        delivering = Delivering(work.database, work.keys, work.clock, work.outbound)
        running.append(delivering.run(stop, poll_seconds=poll_seconds))
    await asyncio.gather(*running)


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` on SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
