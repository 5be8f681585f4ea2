"""`registry migrate` and `registry fsck`."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from registry.cli.settings import load_settings
from registry.fsck import Progress as Checked
from registry.fsck import Rebuilt, Report, check_database, describe, rebuild_projection
from registry.settings import Settings
from registry.signing.keys import load_key_ring
from registry.storage.database import open_database
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
        bool, typer.Option("--rebuild", help="Make the projection again from the records.")
    ] = False,
    jobs: Annotated[int, typer.Option(help="Processes to check mandates with.", min=1, max=64)] = 2,
) -> None:
    """Recompute everything from the stored bytes and name each mismatch. Exits with 1 where there is one."""
    outcome = asyncio.run(_run(load_settings(), jobs, rebuild=rebuild))
    typer.echo(describe(outcome))
    raise typer.Exit(outcome.exit_code)


async def _run(settings: Settings, jobs: int, *, rebuild: bool) -> Report | Rebuilt:
    keys = load_key_ring(settings.keys_file)
    database = await open_database(
        settings.database_url.get_secret_value(), pool_size=jobs + 1, hot_pool_size=1
    )
    try:
        with _bars() as bars:
            if rebuild:
                return await rebuild_projection(database, keys, progress=bars.show)
            return await check_database(database, keys, progress=bars.show, jobs=jobs)
    finally:
        await database.close()


class _Bars:
    """One progress bar per table."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def show(self, checked: Checked) -> None:
        """Move a table's bar."""
        if checked.table not in self._tasks:
            self._tasks[checked.table] = self._progress.add_task(checked.table, total=checked.expected)
        self._progress.update(self._tasks[checked.table], completed=checked.checked, total=checked.expected)


@contextmanager
def _bars() -> Iterator[_Bars]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bars(progress)
