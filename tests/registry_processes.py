"""Processes of their own: the `registry` command as users and supervisors run it, and others like it."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from forked_commands import ForkedCommand

PATIENCE_SECONDS = 60
"""How long anything may take on a busy machine."""


@dataclass(frozen=True)
class Done:
    """A command that has ended: its exit code, and what it wrote to each stream."""

    code: int
    out: str
    err: str


@dataclass
class Running:
    """A command that goes on, with the lines it has written so far (both streams)."""

    process: ForkedCommand | asyncio.subprocess.Process
    seconds_to_start: float = 0
    lines: list[str] = field(default_factory=list)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        """Take what it writes until it ends."""
        await asyncio.gather(self._read(self.process.stdout), self._read(self.process.stderr))
        await self.process.wait()
        self._more.set()

    async def _read(self, stream: asyncio.StreamReader | None) -> None:
        assert stream is not None
        async for line in stream:
            self.lines.append(line.decode())
            self._more.set()

    async def says(self, text: str) -> str:
        """Wait for a line with this text, and give it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            seen = 0
            while True:
                self._more.clear()
                for line in self.lines[seen:]:
                    if text in line:
                        return line
                seen = len(self.lines)
                assert self.process.returncode is None, "".join(self.lines)
                await self._more.wait()

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; gives the exit code, negative where the signal killed it."""
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), PATIENCE_SECONDS)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with these settings of the registry, and no others."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("REGISTRY_")}
    return {name: text for name, text in kept.items() if name != "PORT"} | dict(settings)


async def run(
    *arguments: str, settings: Mapping[str, str] | None = None, data: bytes = b"", cwd: Path | None = None
) -> Done:
    """Run a command of the registry to its end, with this on its standard input."""
    process = await ForkedCommand(arguments, environment(settings or {}), cwd, data).connect()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            out, err = await asyncio.gather(process.stdout.read(), process.stderr.read())
            code = await process.wait()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    return Done(code, out.decode(), err.decode())


@asynccontextmanager
async def running(
    *arguments: str,
    until: str,
    program: str | None = None,
    settings: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> AsyncIterator[Running]:
    """Start a command, wait until it writes a line with this text, and kill it at the end.

    A command of the registry, or of another `program`.
    """
    started_at = time.monotonic()
    command = Running(await _start(program, arguments, environment(settings or {}), cwd))
    process = command.process
    reading = asyncio.create_task(command.read())
    try:
        await command.says(until)
        command.seconds_to_start = time.monotonic() - started_at
        yield command
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await reading


async def _start(
    program: str | None, arguments: Sequence[str], variables: Mapping[str, str], cwd: Path | None
) -> ForkedCommand | asyncio.subprocess.Process:
    if program is None:
        return await ForkedCommand(arguments, variables, cwd, b"").connect()
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        program, *arguments, stdin=nothing, stdout=pipe, stderr=pipe, env=variables, cwd=cwd
    )


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Dev:
    """A `registry dev` process, and its address."""

    command: Running
    address: str


@asynccontextmanager
async def running_dev(data: Path) -> AsyncIterator[Dev]:
    """Run everything with the demo on a free port, its data in this directory; killed at the end."""
    port = free_port()
    # The line after which nothing more is printed.
    async with running("dev", "--port", str(port), "--data", str(data), until="curl -s") as command:
        yield Dev(command, f"http://127.0.0.1:{port}")
