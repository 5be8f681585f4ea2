"""`python -m benchmarks.events`: how fast notices are told, against plain inserts of as many rows.

One process on core 0, PostgreSQL on core 1, `fsync` and `synchronous_commit` on. Each notice is for two of
100 organisations, as one about a mandate between two of them is. The plain side inserts the same rows, ready
made, in the same batches: what remains is taking from the outbox, checking, and numbering.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from uuid import uuid4

import asyncpg
import typer
from uuid_utils.compat import uuid7

from benchmarks import servers
from registry.domain.notices import FeedEventType, Notice
from registry.domain.template import Role
from registry.embedded import EmbeddedPostgres, ensure_database
from registry.operations.sequence_events import AT_ONCE, sequence_events
from registry.storage.database import Database, open_database
from registry.storage.migrations import migrate
from registry.storage.outbox import enqueue
from registry.storage.tables import feed_events

ORGANISATIONS = tuple(bytes([1, number]) * 8 for number in range(100))
TOGETHER = 8
"""How many acts write at a time."""

RESULT = Path(__file__).parent / "results" / "events.md"

_READY = (
    "DROP TABLE IF EXISTS ready",
    "CREATE TABLE ready AS SELECT row_number() OVER (ORDER BY sequence) AS place, f.* FROM feed_events f",
    "ALTER TABLE ready ADD PRIMARY KEY (place)",
    "TRUNCATE feed_events, feed_heads",
)
_COLUMNS = ", ".join(column.name for column in feed_events.c)
_PLAIN = f"INSERT INTO feed_events SELECT {_COLUMNS} FROM ready WHERE place BETWEEN $1 AND $2"  # noqa: S608  # our own names


def main(notices: int = 5_000, rounds: int = 5) -> None:
    """Measure, print a table, and write it to benchmarks/results/."""
    os.sched_setaffinity(0, {servers.OTHER_CORE})  # PostgreSQL, started from here, inherits it
    with tempfile.TemporaryDirectory() as home, EmbeddedPostgres(Path(home)) as server:
        os.sched_setaffinity(0, {servers.SERVER_CORE})
        asyncio.run(ensure_database(server.dsn(), "registry"))
        url = server.dsn("registry")
        migrate(url)
        text = asyncio.run(measure(url, notices, rounds))
    typer.echo(text)
    RESULT.write_text(text, encoding="utf-8")


async def measure(url: str, notices: int, rounds: int) -> str:
    """Every side in turn; gives the report."""
    database = await open_database(url, pool_size=TOGETHER)
    connection = await asyncpg.connect(url)
    rates: dict[str, list[float]] = {"write": [], "tell": [], "plain": []}
    try:
        for _ in range(rounds + 1):
            await connection.execute("TRUNCATE feed_events, feed_heads")
            rates["write"].append(notices / await _timed(lambda: _write(database, notices)))
            rates["tell"].append(2 * notices / await _timed(lambda: _tell(database)))
            for statement in _READY:
                await connection.execute(statement)
            rates["plain"].append(2 * notices / await _timed(lambda: _insert(connection, 2 * notices)))
    finally:
        await connection.close()
        await database.close()
    return report({side: found[1:] for side, found in rates.items()}, notices, rounds)


async def _timed(work: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


async def _write(database: Database, notices: int) -> None:
    """One transaction for each notice, as an act makes it, and nothing else of an act."""

    async def act(first: int) -> None:
        for number in range(first, notices, TOGETHER):
            async with database.transaction() as session:
                await enqueue(session, [_notice(number)])

    await asyncio.gather(*(act(first) for first in range(TOGETHER)))


def _notice(number: int) -> Notice:
    third_party = ORGANISATIONS[number % 100]
    return Notice(
        id=uuid7(),
        type=FeedEventType.MANDATE_USED,
        occurred_at=datetime.now(UTC),
        subject_id=uuid4(),
        audiences=frozenset({third_party, ORGANISATIONS[(number * 7 + 1) % 100]}),
        third_party=third_party,
        template_id=uuid4(),
        template_version=1,
        services=("oep-serveringstillstand",),
        notify=(Role.PRINCIPAL,),
        details={"use_id": str(uuid4()), "permission": "apply", "remaining": None},
    )


async def _tell(database: Database) -> None:
    while (await sequence_events(database, now=datetime.now(UTC))).told:
        pass


async def _insert(connection: asyncpg.Connection, rows: int) -> None:
    """The rows that the sequencer wrote, from a copy of them, in batches of as many."""
    batch = 2 * AT_ONCE
    for first in range(1, rows + 1, batch):
        await connection.execute(_PLAIN, first, first + batch - 1)


def report(rates: dict[str, list[float]], notices: int, rounds: int) -> str:
    """The table."""
    ratios = [told / plain for told, plain in zip(rates["tell"], rates["plain"], strict=True)]
    day = datetime.now(UTC).date().isoformat()
    return (
        "# Telling events\n\n"
        f"`python -m benchmarks.events`, {day}; {notices:,} notices, each to two of 100 organisations, "
        f"{rounds} rounds in turn after one to warm up.\n\n"
        "| | events/s (median) |\n|---|---|\n"
        f"| left in the outbox, each in a transaction of its own, {TOGETHER} at a time "
        f"| {median(rates['write']):,.0f} |\n"
        f"| told by the sequencer, {AT_ONCE:,} notices at a time (rows of feeds) "
        f"| {median(rates['tell']):,.0f} |\n"
        f"| the same rows inserted, ready made (rows) | {median(rates['plain']):,.0f} |\n\n"
        f"**Telling is {median(ratios):.2f} times as fast as plain inserts** "
        f"(rounds {min(ratios):.2f}-{max(ratios):.2f}); the bound is 0.1.\n"
    )


if __name__ == "__main__":
    typer.run(main)
