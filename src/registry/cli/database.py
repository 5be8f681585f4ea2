"""`registry migrate` and `registry fsck`."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from registry.cli.settings import load_settings
from registry.fsck import Rebuilt, Report, check_database, describe, rebuild_projection
from registry.fsck import Progress as Checked
from registry.settings import Settings
from registry.signing.keys import load_key_ring
from registry.storage.database import Database, open_database
from registry.storage.migrations import migrate as run_migrations


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(migrate)
    app.command()(fsck)


def migrate() -> None:
    """Bring the database to this version's revision; safe to run while others serve."""
    run_migrations(load_settings().url_for_migration())
    typer.echo("The database is at the newest revision.")


def fsck(
    *,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Drop the projection and rebuild it from the records.")
    ] = False,
    jobs: Annotated[int, typer.Option(help="Connections to read with.", min=1, max=16)] = 2,
) -> None:
    """Recompute everything from the stored bytes and name each mismatch. Exits with 1 where there is one."""
    settings = load_settings()
    result = asyncio.run(_rebuild(settings) if rebuild else _check(settings, jobs))
    typer.echo(describe(result))
    raise typer.Exit(result.exit_code)
