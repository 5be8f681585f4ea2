"""Checking a whole database against its sealed bytes."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace

from sqlalchemy import Table

from registry.fsck.access import check_access_log
from registry.fsck.findings import Progress, Report, Tally, Watcher
from registry.fsck.mandates import Outcome
from registry.fsck.rows import (
    ACCESS_TABLES,
    SUBJECT_TABLES,
    TEMPLATE_TABLES,
    Batch,
    estimate_rows,
    read_batches,
    read_publications,
    read_secrets,
)
from registry.fsck.templates import check_templates
from registry.fsck.timers import check_timers
from registry.fsck.workers import MandateChecker, open_checker
from registry.signing.keys import KeyRing
from registry.storage.database import Database

_TEMPLATES_AT_ONCE = 100
_MANDATES_AT_ONCE = 500
_ENTRIES_AT_ONCE = 2_000


async def check_database(
    database: Database, keys: KeyRing, *, progress: Watcher = None, jobs: int = 2
) -> Report:
    """Recompute everything from the stored bytes and report every mismatch.

    It only reads, in one short read-only transaction per batch, so that it can run beside a registry that
    serves. Memory is bounded by the batches, by `jobs`, and by the longest history of a single mandate.
    `progress` is called after each batch; `jobs` processes check mandates (1: this process alone).

    Not found is what leaves no trace in any sealed byte: the removal of every row of a mandate or of a
    template, and of the newest events together with all that followed from them. Raises UnavailableError.
    """
    started = time.perf_counter()
    tally = Tally()
    await _check_templates(database, keys, tally, progress)
    with open_checker(keys, jobs) as checker:
        await _check_mandates(database, checker, tally, progress, ahead=jobs)
    await _check_access_log(database, keys, tally, progress)
    tally.add(await check_timers(database))
    return Report(tally.counts, tally.kinds, tuple(tally.kept), time.perf_counter() - started)


async def _check_templates(database: Database, keys: KeyRing, tally: Tally, progress: Watcher) -> None:
    async for batch in _watched(database, TEMPLATE_TABLES, _TEMPLATES_AT_ONCE, tally, progress):
        tally.add(check_templates(batch, keys))


async def _check_access_log(database: Database, keys: KeyRing, tally: Tally, progress: Watcher) -> None:
    async for batch in _watched(database, ACCESS_TABLES, _ENTRIES_AT_ONCE, tally, progress):
        named = {row["secret_id"] for row in batch.rows["access_log"]}
        async with database.reading() as session:
            secrets = await read_secrets(session, named)
        tally.add(check_access_log(batch, secrets, keys))


async def _check_mandates(
    database: Database, checker: MandateChecker, tally: Tally, progress: Watcher, *, ahead: int
) -> None:
    """Read on while earlier batches are checked: at most `ahead` and one more are in memory."""
    running: deque[asyncio.Task[Outcome]] = deque()
    try:
        async for batch in _watched(database, SUBJECT_TABLES, _MANDATES_AT_ONCE, tally, progress):
            running.append(asyncio.create_task(_check_batch(database, checker, batch)))
            if len(running) > ahead:
                tally.add((await running.popleft()).findings)
        while running:
            tally.add((await running.popleft()).findings)
    finally:
        for task in running:
            task.cancel()


async def _check_batch(database: Database, checker: MandateChecker, batch: Batch) -> Outcome:
    outcome = await checker.check(batch)
    if not outcome.wanted:
        return outcome
    # Records name templates that no row of the projection led to.
    async with database.reading() as session:
        publications = await read_publications(session, outcome.wanted)
    return await checker.check(replace(batch, publications={**batch.publications, **publications}))


async def _watched(
    database: Database, tables: tuple[Table, ...], size: int, tally: Tally, progress: Watcher
) -> AsyncIterator[Batch]:
    first = tables[0]
    expected = None if progress is None else await estimate_rows(database, first)
    async for batch in read_batches(database, tables, size):
        for name, rows in batch.rows.items():
            tally.counts[name] += len(rows)
        yield batch
        if progress is not None:
            progress(Progress(first.name, tally.counts[first.name], expected))
