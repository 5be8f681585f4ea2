"""`registry dev`: everything on one machine, as `make run` calls it.

An embedded PostgreSQL (or the server that REGISTRY_DATABASE_URL names), migrated, with the demo loaded, and
API and worker in one process.
"""

import asyncio
import os
import shlex
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import orjson
import typer
import uvicorn
from fastapi import FastAPI

from registry.api.app import create_app
from registry.cli.serve import run_server, server_options
from registry.cli.settings import load_settings
from registry.demo.eid import trusted_demo_issuers
from registry.demo.loader import load_demo
from registry.demo.testers import example_question
from registry.embedded import EmbeddedPostgres, ensure_database
from registry.serving import open_runtime, utc_now
from registry.settings import Settings
from registry.signing.keys import new_key_ring, save_key_ring
from registry.storage.database import open_database
from registry.storage.migrations import migrate
from registry.storage.revision import NEWEST_REVISION, get_revision
from registry.worker import run_worker

DATABASE = "registry"

# The demo's records are dated up to two years back, so its first key signs from before that.
_KEYS_ACTIVE_FOR = timedelta(days=3 * 365)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(dev)


def dev(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535, envvar="PORT")] = 8000,
    data: Annotated[Path, typer.Option(help="Where the database and the keys are kept.")] = Path(".registry"),
) -> None:
    """Run everything on this machine, with the demo's data, clients and test persons. Never for real use."""
    with _database(data) as url:
        settings = load_settings(
            database_url=url,
            keys_file=data / "keys.json",
            public_url=f"http://{host}:{port}",
            docs_client_id="demo-platform",
            docs_client_secret="demo",  # noqa: S106  # published: every client of the demo has it
            docs_scopes="templates:read templates:write mandates:issue mandates:register mandates:read "
            "mandates:revoke mandates:use mandates:suspend verify:own",
        )
        if not settings.keys_file.exists():
            save_key_ring(settings.keys_file, new_key_ring(utc_now() - _KEYS_ACTIVE_FOR))
        if asyncio.run(_revision(url)) != NEWEST_REVISION:
            migrate(settings.url_for_migration())
        app = create_app(
            lambda api: _lifespan(api, settings),
            max_body_bytes=settings.max_body_bytes,
            request_log=settings.request_log,
        )
        config = uvicorn.Config(app, host=host, port=port, **server_options())  # type: ignore[arg-type]  # uvicorn's own names
        run_server(_Announcing(config, settings))


class _Announcing(uvicorn.Server):
    """A server that says where it is once it listens."""

    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self._settings = settings

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]  # passed on as it is
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            typer.echo(announcement(self._settings.public_url))


def announcement(url: str) -> str:
    """Where the registry is, and one command that verifies a mandate of the demo."""
    question = orjson.dumps(example_question(utc_now())).decode()
    token = (
        f"curl -s -u demo-platform:demo -d grant_type=client_credentials {url}/oauth2/token"
        """ | sed 's/.*"access_token":"\\([^"]*\\).*/\\1/'"""
    )
    return (
        f"\nThe registry is at {url}\nTry it in the browser at {url}/docs (Authorize, as demo-platform)\n"
        f"Verify a mandate of the demo:\n\n"
        f'curl -s {url}/v1/verifications -H "Authorization: Bearer $({token})"'
        f" -H 'Content-Type: application/json' -d {shlex.quote(question)}\n"
    )


@contextmanager
def _database(data: Path) -> Iterator[str]:
    """The address of the database: the given server's, or that of an embedded one for as long as we run."""
    if given := os.environ.get("REGISTRY_DATABASE_URL"):
        data.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with EmbeddedPostgres(data / "postgres") as server:
        asyncio.run(ensure_database(server.dsn(), DATABASE))
        yield server.dsn(DATABASE)


async def _revision(url: str) -> str | None:
    database = await open_database(url, pool_size=1, hot_pool_size=1, role="none")
    try:
        async with database.reading() as session:
            return await get_revision(session)
    finally:
        await database.close()


@asynccontextmanager
async def _lifespan(api: FastAPI, settings: Settings) -> AsyncIterator[None]:
    async with open_runtime(settings, more_issuers=trusted_demo_issuers()) as runtime:
        await load_demo(runtime.database, runtime.keys, runtime.issuers, now=utc_now())
        api.state.runtime = runtime
        stop = asyncio.Event()
        worker = asyncio.create_task(run_worker(runtime.database, utc_now, stop))
        try:
            yield
        finally:
            stop.set()
            await worker
