"""The `registry` command in processes of its own, without waiting for its imports each time.

Importing the command line takes over a second, and the tests start some hundred commands. So one process
imports it, and forks for each command; everything after that is as with `python -m registry`: its streams,
its environment, its signals, its exit code.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

from registry.cli import main

_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(
    [f"registry.cli.{name}" for name in ("clients", "contract", "database", "demo", "dev", "keys", "serve")]
)


class ForkedCommand:
    """A running command; the part of `asyncio.subprocess.Process` that tests use."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], cwd: Path | None, data: bytes
    ) -> None:
        """Start it with this on its standard input."""
        given, stdin = _FORKING.Pipe(duplex=False)
        out, stdout = _FORKING.Pipe(duplex=False)
        err, stderr = _FORKING.Pipe(duplex=False)
        with given, stdout, stderr, stdin:
            self._process = _FORKING.Process(
                target=_be, args=(arguments, dict(environment), cwd, (given, stdout, stderr))
            )
            self._process.start()
            os.write(stdin.fileno(), data)
        self._outputs = (out, err)
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._process.sentinel, self._on_end)

    async def connect(self) -> Self:
        """Make what it writes readable."""
        self.stdout, self.stderr = [await _reader(output) for output in self._outputs]
        return self

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code, negative where a signal killed it; None while it runs."""
        return self._process.exitcode if self._ended.is_set() else None

    def send_signal(self, number: signal.Signals) -> None:
        """Raises ProcessLookupError where it has ended."""
        if self._ended.is_set():
            raise ProcessLookupError
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        await self._ended.wait()
        assert self._process.exitcode is not None
        return self._process.exitcode

    def _on_end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self._ended.set()


class _Reading(asyncio.StreamReaderProtocol):
    """Closes the pipe at its end: some loops do so only when told."""

    def eof_received(self) -> bool:
        super().eof_received()
        return False


async def _reader(output: Connection) -> asyncio.StreamReader:
    """Read the bytes of a pipe."""
    reader = asyncio.StreamReader()
    with output:
        stream = os.fdopen(os.dup(output.fileno()), "rb")
    await asyncio.get_running_loop().connect_read_pipe(lambda: _Reading(reader), stream)
    return reader


def _be(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    cwd: Path | None,
    streams: tuple[Connection, Connection, Connection],
) -> None:
    """In the new process: be the command."""
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115  # as Python does
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115  # as above
    os.environ.clear()
    os.environ.update(environment)
    if cwd is not None:
        os.chdir(cwd)
    sys.argv = ["registry", *arguments]
    main()
