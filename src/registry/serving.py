"""Composition root of the API: opens what a serving process needs, and closes it at the end."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import httpx
import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp

from registry.api.app import create_app
from registry.api.runtime import Runtime
from registry.identity.issuers import TrustedIssuer
from registry.settings import Settings
from registry.signing.keys import KeyFileError, load_key_ring
from registry.storage.database import open_database
from registry.trusted_issuers import load_issuers

_log = structlog.get_logger(__name__)

KEY_FILE_CHECK_SECONDS = 5


def utc_now() -> datetime:
    """The clock of production."""
    return datetime.now(UTC)


@asynccontextmanager
async def open_runtime(
    settings: Settings, *, more_issuers: Sequence[TrustedIssuer] = ()
) -> AsyncIterator[Runtime]:
    """Open the database, the keys and the issuers' key sources; watch the key file while open.

    Raises KeyFileError, OSError, ValueError for an issuers file that is wrong.
    """
    keys = load_key_ring(settings.keys_file)
    database = await open_database(
        settings.database_url.get_secret_value(),
        pool_size=settings.pool_size,
        hot_pool_size=settings.hot_pool_size,
    )
    async with httpx.AsyncClient() as http:
        trusted = (*load_issuers(settings.issuers_file, http), *more_issuers)
        runtime = Runtime(settings, database, utc_now, trusted, keys)
        watching = asyncio.create_task(_watch_keys(runtime))
        try:
            yield runtime
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            await database.close()


def create_serving_app(settings: Settings, *, more_issuers: Sequence[TrustedIssuer] = ()) -> ASGIApp:
    """The application as uvicorn serves it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_runtime(settings, more_issuers=more_issuers) as runtime:
            app.state.runtime = runtime
            yield

    return create_app(lifespan, max_body_bytes=settings.max_body_bytes, request_log=settings.request_log)


async def _watch_keys(runtime: Runtime) -> None:
    """Take new keys when the key file changes, so that rotation needs no restart."""
    path = runtime.settings.keys_file
    seen = path.stat().st_mtime_ns
    while True:
        await asyncio.sleep(KEY_FILE_CHECK_SECONDS)
        try:
            changed = path.stat().st_mtime_ns
            if changed != seen:
                runtime.take_keys(load_key_ring(path))
                seen = changed
                _log.info("keys.reloaded")
        except (KeyFileError, OSError) as error:
            _log.warning("keys.unreadable", error=type(error).__name__)
