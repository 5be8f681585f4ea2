"""`registry serve` and `registry worker`: the two kinds of process of an installation."""

import asyncio
import socket
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvloop

from registry.cli.settings import load_settings
from registry.operations.integrate_log import LogName
from registry.serving import Server, bind, open_runtime, open_surfaces, utc_now
from registry.settings import Settings
from registry.signing.keys import KeyRing, load_key_ring
from registry.storage.database import open_database
from registry.webhooks.sender import HttpSender
from registry.worker.delivering import Outbound
from registry.worker.integrating import Integrator
from registry.worker.work import Work, run_worker, stop_on_signals

_log = structlog.get_logger(__name__)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(serve)
    app.command()(worker)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
) -> None:
    """Serve the API: one process. Run as many as there are cores."""
    settings = load_settings()
    uvloop.run(_serve(settings, bind(host, port)))


async def _serve(settings: Settings, listener: socket.socket) -> None:
    def announce() -> None:
        host, port = listener.getsockname()[:2]
        _log.info("serving", host=host, port=port)

    async with open_runtime(settings) as runtime, open_surfaces(runtime) as surfaces:
        await Server(runtime, announce, surfaces).serve([listener])


def worker() -> None:
    """Do what nobody asks for: tell events, warn and lapse in time, keep the log, tidy. Run any number."""
    uvloop.run(_work(load_settings()))


async def _work(settings: Settings) -> None:
    database = await open_database(
        settings.database_url.get_secret_value(), pool_size=settings.pool_size, hot_pool_size=1
    )
    stop = asyncio.Event()
    stop_on_signals(stop)
    keys, sender = _KeyFile(settings.keys_file), HttpSender(settings.webhook_reach)
    name = LogName(settings.log_origin, settings.derived_log_origin)
    work = Work(
        database,
        keys,
        utc_now,
        Integrator(database, keys, utc_now, name, settings.log_witness_file),
        Outbound(sender, settings.public_url),
    )
    try:
        await run_worker(work, stop, poll_seconds=settings.worker_poll_seconds)
    finally:
        await sender.close()
        await database.close()


class _KeyFile:
    """The keys of a file, read again when it has changed: a worker asks for them many times a second."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[int, KeyRing] | None = None

    def __call__(self) -> KeyRing:
        """The keys of the moment. Raises KeyFileError."""
        changed_at = self._path.stat().st_mtime_ns if self._path.exists() else 0
        if self._read is None or self._read[0] != changed_at:
            self._read = changed_at, load_key_ring(self._path)
        return self._read[1]
