"""`registry serve` and `registry worker`: the two kinds of process of an installation."""

import asyncio
from typing import Annotated

import typer
import uvicorn

from registry.cli.settings import load_settings
from registry.serving import create_serving_app, utc_now
from registry.settings import Settings
from registry.storage.database import open_database
from registry.worker import run_worker, stop_on_signals


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(serve)
    app.command()(worker)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    forwarded_allow_ips: Annotated[
        str, typer.Option(help="Proxies whose X-Forwarded headers are believed.")
    ] = "127.0.0.1",
) -> None:
    """Serve the API: one process. Run as many as there are cores."""
    settings = load_settings()
    config = uvicorn.Config(
        create_serving_app(settings),
        host=host,
        port=port,
        forwarded_allow_ips=forwarded_allow_ips,
        **server_options(),  # type: ignore[arg-type]  # uvicorn's own names
    )
    run_server(uvicorn.Server(config))


def server_options() -> dict[str, object]:
    """How every server of this registry runs: our logging, our request log, no banner, bounded shutdown."""
    return {
        "log_config": None,
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "date_header": True,
        "lifespan": "on",
        "timeout_graceful_shutdown": 20,
        "timeout_keep_alive": 75,
        "h11_max_incomplete_event_size": 32_768,
        "loop": "uvloop",
        "http": "httptools",
    }


def run_server(server: uvicorn.Server) -> None:
    """Run until a signal; exit with 1 where it could not start."""
    server.run()
    if not server.started:
        raise typer.Exit(1)


def worker() -> None:
    """Do the work that nobody asks for: partitions ahead, forgetting in time. Run any number."""
    asyncio.run(_work(load_settings()))


async def _work(settings: Settings) -> None:
    database = await open_database(settings.database_url.get_secret_value(), pool_size=1, hot_pool_size=1)
    stop = asyncio.Event()
    stop_on_signals(stop)
    try:
        await run_worker(database, utc_now, stop)
    finally:
        await database.close()
