"""Composition root of the API: opens what a serving process needs, serves until a signal, and closes it."""

import asyncio
import errno
import gc
import socket
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from registry.api.app import create_app
from registry.api.runtime import Runtime
from registry.identity.company_register_http import RegisterAccess, open_company_register
from registry.identity.issuers import TrustedIssuer
from registry.settings import Settings
from registry.signing.keys import KeyFileError, load_key_ring
from registry.storage.database import open_database
from registry.trusted_issuers import load_issuers

_log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    """The clock of production."""
    return datetime.now(UTC)


@asynccontextmanager
async def open_runtime(
    settings: Settings, *, more_issuers: Sequence[TrustedIssuer] = ()
) -> AsyncIterator[Runtime]:
    """Open the database, the keys and the issuers' key sources; watch the key file while open.

    Raises KeyFileError, IssuersFileError, CompanyRegisterFileError, CompanyRegisterSettingsError, and
    UnavailableError for the database.
    """
    read_at = _modified_at(settings.keys_file)
    keys = load_key_ring(settings.keys_file)
    async with httpx.AsyncClient() as http, open_company_register(_register_access(settings)) as register:
        trusted = (*load_issuers(settings.issuers_file, http), *more_issuers)
        database = await open_database(
            settings.database_url.get_secret_value(),
            pool_size=settings.pool_size,
            hot_pool_size=settings.hot_pool_size,
        )
        runtime = Runtime(settings, database, utc_now, trusted, keys, register)
        watching = asyncio.create_task(_watch_keys(runtime, read_at))
        try:
            yield runtime
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            await database.close()


def _register_access(settings: Settings) -> RegisterAccess | None:
    if settings.company_register is None:
        return None
    token = settings.company_register_token
    return RegisterAccess(
        settings.company_register,
        token=None if token is None else token.get_secret_value(),
        certificate=settings.company_register_certificate,
        key=settings.company_register_key,
        timeout=settings.company_register_seconds,
    )


def bind(host: str, port: int) -> socket.socket:
    """A socket with this address, which nobody can connect to until it is served.

    Raises OSError, with a word on what to do where the address is in use.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    # Else a restart would have to wait until the last connections of its predecessor are forgotten.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        if error.errno != errno.EADDRINUSE:
            raise
        message = f"port {port} of {host} is in use: end what listens there, or choose another port"
        raise OSError(errno.EADDRINUSE, message) from None
    return listener


_COLLECT_AFTER = 20_000
"""New objects before the youngest are collected: some 200 requests, where Python's 700 is a few."""


class _OneWriteTransport:
    """A connection that sends what is written within one turn of the event loop at once.

    uvicorn writes the head of an answer and its body apart, and each would be a packet of its own.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._written: list[bytes] = []
        self._call_soon = asyncio.get_running_loop().call_soon
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the transport has
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._written:
            self._call_soon(self._send)
        self._written.append(data)

    def close(self) -> None:
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._written:
            data = b"".join(self._written)
            self._written.clear()
            self._transport.write(data)


class _Protocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(_OneWriteTransport(transport))  # type: ignore[arg-type]  # it behaves as one


class Server(uvicorn.Server):
    """Serves the API of a runtime: `await server.serve(sockets=[...])` returns some time after a signal.

    SIGINT and SIGTERM end it in order: no new connections, requests under way get 20 seconds. `announce` is
    called once connections are accepted. No X-Forwarded header is read: nothing depends on the address or
    the scheme that a caller seems to use.
    """

    def __init__(self, runtime: Runtime, announce: Callable[[], None]) -> None:
        """Put the application together."""

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            app.state.runtime = runtime
            yield

        settings = runtime.settings
        super().__init__(
            uvicorn.Config(
                create_app(
                    lifespan, max_body_bytes=settings.max_body_bytes, request_log=settings.request_log
                ),
                proxy_headers=False,
                lifespan="on",
                http=_Protocol,
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=20,
                timeout_keep_alive=75,
            )
        )
        self._announce = announce
        self._database = runtime.database

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        # What is there now stays: the collector need not look at it again with every request's garbage.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_COLLECT_AFTER)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go of who waits for events, then end as uvicorn does."""
        self._database.wakeups.end_waits()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take signals as a wish to end; uvicorn raises them again, which would make it a failure."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()


async def _watch_keys(runtime: Runtime, read_at: int) -> None:
    """Take new keys when the key file changes, so that rotation needs no restart."""
    path = runtime.settings.keys_file
    while True:
        await asyncio.sleep(runtime.settings.keys_check_seconds)
        modified_at = _modified_at(path)
        if modified_at == read_at:
            continue
        try:
            runtime.take_keys(load_key_ring(path))
        except KeyFileError as error:
            _log.warning("keys.unreadable", error=str(error))
        else:
            read_at = modified_at
            _log.info("keys.reloaded")


def _modified_at(path: Path) -> int:
    """When a file was last changed, in nanoseconds; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
