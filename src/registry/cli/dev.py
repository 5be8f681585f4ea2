"""`registry dev`: everything on one machine, as `make run` calls it.

An embedded PostgreSQL (or the server that REGISTRY_DATABASE_URL names), migrated, with the demo loaded, and
API and worker in one process.
"""

import asyncio
import os
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import orjson
import typer
import uvloop

from registry.cli.settings import load_settings
from registry.demo.data import DEMO_REGISTER
from registry.demo.loader import load_demo
from registry.demo.minaombud import DEMO_MINAOMBUD_CLIENTS
from registry.demo.testers import example_question
from registry.demo.trusted import trusted_demo_issuers
from registry.domain.errors import OperatorError
from registry.embedded import EmbeddedPostgres, EmbeddedPostgresError, ensure_database
from registry.operations.integrate_log import LogName
from registry.serving import Server, bind, open_runtime, open_surfaces, utc_now
from registry.settings import Settings
from registry.signing.keys import create_key_file, load_key_ring, new_key_ring, save_key_ring
from registry.storage.database import open_database
from registry.storage.revision import NEWEST_REVISION, get_revision
from registry.webhooks.sender import HttpSender
from registry.worker.delivering import Outbound
from registry.worker.integrating import Integrator
from registry.worker.work import Work, run_worker

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
    listener = bind(host, port)
    with _database(data) as url:
        settings = load_settings(
            database_url=url,
            keys_file=data / "keys.json",
            public_url=f"http://{host}:{port}",
            company_register=str(DEMO_REGISTER),
            minaombud_file=DEMO_MINAOMBUD_CLIENTS,
            webhooks_allow_loopback=True,
            docs_client_id="demo-platform",
            docs_client_secret="demo",  # noqa: S106  # published: every client of the demo has it
            docs_scopes="templates:read templates:write requests:write mandates:issue mandates:register "
            "mandates:read mandates:revoke mandates:use mandates:suspend verify:own events:read "
            "webhooks:manage",
        )
        _prepare_keys(settings.keys_file)
        if asyncio.run(_revision(url)) != NEWEST_REVISION:
            _migrate(settings)
        uvloop.run(_run(settings, listener))


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
    try:
        with EmbeddedPostgres(data / "postgres") as server:
            asyncio.run(ensure_database(server.dsn(), DATABASE))
            yield server.dsn(DATABASE)
    except EmbeddedPostgresError as error:
        raise OperatorError(str(error)) from error


async def _revision(url: str) -> str | None:
    database = await open_database(url, pool_size=1, hot_pool_size=1, role="none")
    try:
        async with database.reading() as session:
            return await get_revision(session)
    finally:
        await database.close()


def _prepare_keys(path: Path) -> None:
    if not path.exists():
        # Another process may be at it, too; the keys of the first one count.
        with suppress(FileExistsError):
            create_key_file(path, new_key_ring(utc_now() - _KEYS_ACTIVE_FOR))
    ring = load_key_ring(path)
    if not ring.log:
        # A file of an earlier version, which had no transparency log.
        save_key_ring(path, ring.log_rotated(utc_now(), active_in=timedelta(0)))


def _migrate(settings: Settings) -> None:
    from registry.storage.migrations import migrate  # noqa: PLC0415  # Alembic, which most starts do not need

    migrate(settings.url_for_migration())


async def _run(settings: Settings, listener: socket.socket) -> None:
    """Load the demo, then serve and work until a signal."""
    async with (
        open_runtime(settings, more_issuers=trusted_demo_issuers()) as runtime,
        open_surfaces(runtime) as surfaces,
    ):
        await load_demo(runtime.database, runtime.keys, runtime.issuers, now=utc_now())
        stop = asyncio.Event()
        integrator = Integrator(
            runtime.database,
            lambda: runtime.keys,
            utc_now,
            LogName(settings.log_origin, settings.derived_log_origin),
        )
        sender = HttpSender(settings.webhook_reach)
        work = Work(
            runtime.database,
            lambda: runtime.keys,
            utc_now,
            integrator,
            Outbound(sender, settings.public_url),
        )
        worker = asyncio.create_task(run_worker(work, stop))
        server = Server(runtime, lambda: typer.echo(announcement(settings.public_url)), surfaces)
        try:
            await server.serve([listener])
        finally:
            stop.set()
            await worker
            await sender.close()
