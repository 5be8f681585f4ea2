"""Keeps the transparency log up to date, beside whatever else a worker does. Any number may run.

With a witness file, the newest checkpoint is also kept there, outside the database: a database that is older
than it is noticed, and nothing is signed over what was lost.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import structlog

from registry.operations.integrate_log import MAX_ENTRIES, Integrated, LogName, LogRefusedError, integrate_log
from registry.signing.keys import KeyRing
from registry.storage.database import Database

_log = structlog.get_logger(__name__)

PAUSE_SECONDS = 1
"""Between two checkpoints, where the log keeps up."""


class Integrator:
    """Integrates round by round. `keys` gives those of the moment; `witness_file` may not be there yet."""

    def __init__(
        self,
        database: Database,
        keys: Callable[[], KeyRing],
        clock: Callable[[], datetime],
        name: LogName,
        witness_file: Path | None = None,
    ) -> None:
        """Nothing is read yet."""
        self._database, self._keys, self._clock = database, keys, clock
        self._name, self._witness_file = name, witness_file
        self._refused = ""

    async def run(self, stop: asyncio.Event, *, pause_seconds: float = PAUSE_SECONDS) -> None:
        """Integrate until told to stop. What one round left, the next does; a refusal is logged once."""
        while not stop.is_set():
            count = await self._try()
            if count == MAX_ENTRIES:
                continue
            try:
                await asyncio.wait_for(stop.wait(), pause_seconds)
            except TimeoutError:
                continue

    async def integrate(self) -> Integrated:
        """One round. Raises as `integrate_log`, and OSError for the witness file."""
        witness = self._read_witness()
        done = await integrate_log(
            self._database, self._keys(), self._name, now=self._clock(), witness=witness
        )
        if self._witness_file is not None and done.note not in {None, witness}:
            _write(self._witness_file, str(done.note))
        return done

    async def _try(self) -> int:
        try:
            done = await self.integrate()
        except LogRefusedError as error:
            if str(error) != self._refused:
                _log.error("log.refused", reason=str(error))
            self._refused = str(error)
        except Exception as error:  # noqa: BLE001  # whatever ended this round, the next may do better
            _log.warning("log.round_failed", error=type(error).__name__)
        else:
            self._refused = ""
            if done.count:
                _log.debug("log.integrated", entries=done.count)
            return done.count
        return 0

    def _read_witness(self) -> str | None:
        try:
            return None if self._witness_file is None else self._witness_file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None


@asynccontextmanager
async def integrating(integrator: Integrator) -> AsyncIterator[None]:
    """Integrate as long as the block lasts."""
    stop = asyncio.Event()
    running = asyncio.create_task(integrator.run(stop))
    try:
        yield
    finally:
        stop.set()
        await running


def _write(path: Path, note: str) -> None:
    """Replace the file whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
