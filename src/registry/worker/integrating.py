"""Keeping the transparency log up to date. Any number of workers may.

With a witness file, the newest checkpoint is also kept there, outside the database: a database that is older
than it is noticed, and nothing is signed over what was lost.
"""

import asyncio
import fcntl
import os
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog

from registry.operations.integrate_log import MAX_ENTRIES, Integrated, LogName, LogRefusedError, integrate_log
from registry.signing.keys import KeyRing
from registry.storage.database import Database
from registry.tlog.checkpoints import parse_checkpoint
from registry.tlog.notes import parse_note

_log = structlog.get_logger(__name__)


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

    async def do_round(self) -> bool:
        """Integrate what is queued; returns whether there is more. A refusal is logged once, not raised.

        Raises as `integrate`.
        """
        try:
            done = await self.integrate()
        except LogRefusedError as error:
            if str(error) != self._refused:
                _log.error("log.refused", reason=str(error))
            self._refused = str(error)
            return False
        self._refused = ""
        if done.count:
            _log.debug("log.integrated", entries=done.count)
        return done.count == MAX_ENTRIES

    async def integrate(self) -> Integrated:
        """One round. Raises as `integrate_log`, and OSError for the witness file."""
        witness = self._read_witness()
        done = await integrate_log(
            self._database, self._keys(), self._name, now=self._clock(), witness=witness
        )
        if self._witness_file is not None and done.note not in {None, witness}:
            await asyncio.to_thread(keep_witness, self._witness_file, str(done.note))
        return done

    def _read_witness(self) -> str | None:
        try:
            # What is no text is no checkpoint, and refused as such.
            return None if self._witness_file is None else self._witness_file.read_text("utf-8", "replace")
        except FileNotFoundError:
            return None


def keep_witness(path: Path, note: str) -> None:
    """Keep a checkpoint in the file, unless that holds one of a longer log: workers may share it.

    The file is replaced whole or not at all. Raises OSError; NoteError where it holds no checkpoint.
    """
    lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists() or _size(path.read_text(encoding="utf-8")) <= _size(note):
            _replace(path, note)
    finally:
        os.close(lock)


def _size(note: str) -> int:
    return parse_checkpoint(parse_note(note).text).size


def _replace(path: Path, note: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        # A machine that fails now must not come back with the one before.
        os.fsync(directory)
    finally:
        os.close(directory)
