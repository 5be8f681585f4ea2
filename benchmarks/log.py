"""`python -m benchmarks.log`: what the transparency log costs an issue, its pace, what a proof costs.

Issuing is timed in the operation itself, without HTTP, tokens and evidence, whose time would hide the log's;
the trigger that queues a leaf is switched off and on in turn.
"""

import asyncio
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median

import asyncpg
import typer

from benchmarks.population import TEMPLATE, THIRD_PARTY, Pair, chain_of, record_mandates, test_persons
from registry.domain.callers import Caller, Scope
from registry.domain.mandate import Capacity
from registry.domain.parties import Party
from registry.domain.template import SignatureMethod, TemplateStatus, TemplateVersion
from registry.embedded import EmbeddedPostgres, ensure_database
from registry.operations.evidence import ClaimedSignature
from registry.operations.integrate_log import LogName, integrate_log
from registry.operations.issue_mandate import record_issue
from registry.signing.keys import KeyRing, new_key_ring
from registry.storage.database import Database, open_database
from registry.storage.log import get_checkpoint, get_tiles
from registry.storage.migrations import migrate
from registry.tlog.inclusion import InclusionProof
from registry.tlog.tree import inclusion_ranges, proof, tiles_for

SMALL, PROOFS, ISSUES = 10_000, 400, 5
CALLER = Caller("benchmark", THIRD_PARTY, frozenset({Scope.MANDATES_ISSUE}))
NAME = LogName(None, "benchmark.example/log")
RESULT = Path(__file__).parent / "results" / "log.md"
QUEUE = """
INSERT INTO log_queue (kind, subject_id, number, commitment)
SELECT 'mandate', gen_random_uuid(), 0, sha256(number::text::bytea) FROM generate_series(1, $1) AS number
"""


@dataclass(slots=True)
class Measured:
    """Seconds: each issue without and with the log, each proof by the log's size, integrating."""

    issues: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})
    proofs: dict[int, list[float]] = field(default_factory=dict)
    integrated: int = 0
    seconds: float = 0


def main(entries: int = 1_000_000, rounds: int = 100) -> None:
    """Measure, print the result, and write it to benchmarks/results/."""
    with tempfile.TemporaryDirectory() as home, EmbeddedPostgres(Path(home)) as server:
        asyncio.run(ensure_database(server.dsn(), "registry"))
        url = server.dsn("registry")
        migrate(url)
        measured = asyncio.run(measure(url, new_key_ring(datetime.now(UTC)), entries, rounds))
    text = report(measured, rounds)
    typer.echo(text)
    RESULT.write_text(text, encoding="utf-8")


async def measure(url: str, keys: KeyRing, entries: int, rounds: int) -> Measured:
    """All three, on one database."""
    measured = Measured()
    database = await open_database(url)
    owner = await asyncpg.connect(url)
    try:
        await measure_issues(database, owner, url, keys, rounds, measured)
        await integrate_all(database, keys)
        await grow(database, owner, keys, entries, measured)
        measured.proofs = await measure_proofs(database, (SMALL, entries))
    finally:
        await owner.close()
        await database.close()
    return measured


async def measure_issues(
    database: Database, owner: asyncpg.Connection, url: str, keys: KeyRing, rounds: int, measured: Measured
) -> None:
    """Issue in rounds, with the log and without in turn; what was queued is integrated between them."""
    pairs = distinct_pairs(test_persons(2_000))
    await record_mandates(database, url, keys, [next(pairs) for _ in range(5_000)])
    row = await owner.fetchrow("SELECT template_id FROM templates")
    template = TemplateVersion(row["template_id"], 1, TemplateStatus.PUBLISHED, TEMPLATE, datetime.now(UTC))
    for number in range(rounds + 2):
        for is_logged in (number % 2 == 0, number % 2 == 1):
            word = "ENABLE" if is_logged else "DISABLE"
            await owner.execute(f"ALTER TABLE mandate_records {word} TRIGGER queued_for_log")
            taken = [await timed(lambda: issue(database, keys, template, next(pairs))) for _ in range(ISSUES)]
            if number >= 2:  # noqa: PLR2004  # the first warm up
                measured.issues[is_logged] += taken
        await integrate_all(database, keys)


def distinct_pairs(persons: list[Party]) -> Iterator[Pair]:
    """Each pair once, so that none has a mandate in force already."""
    for step in range(1, len(persons)):
        for place, person in enumerate(persons):
            yield Pair(person, persons[(place + step) % len(persons)])


async def issue(database: Database, keys: KeyRing, template: TemplateVersion, pair: Pair) -> None:
    """Record one mandate as the operation does."""
    now = datetime.now(UTC)
    (mandate,) = chain_of(template.id, pair, 0, now)
    claimed = ClaimedSignature(Capacity.PRINCIPAL, SignatureMethod.REGISTERED, "statement", "as on paper")
    async with database.transaction() as session:
        await record_issue(session, keys, CALLER, mandate, template, [claimed], now=now)


async def timed(act: Callable[[], object]) -> float:
    """How long an act takes, in seconds."""
    started = time.perf_counter()
    await act()  # type: ignore[misc]  # each gives a coroutine
    return time.perf_counter() - started


async def integrate_all(database: Database, keys: KeyRing) -> int:
    """Integrate until nothing waits; gives how many entries that were."""
    total = 0
    while count := (await integrate_log(database, keys, NAME, now=datetime.now(UTC))).count:
        total += count
    return total


async def grow(
    database: Database, owner: asyncpg.Connection, keys: KeyRing, size: int, measured: Measured
) -> None:
    """Queue and integrate until the log has this size."""
    present = await owner.fetchval("SELECT coalesce(max(size), 0) FROM log_checkpoints")
    await owner.execute(QUEUE, size - present)
    await owner.execute("VACUUM ANALYZE log_queue")
    started = time.perf_counter()
    count = await integrate_all(database, keys)
    measured.integrated, measured.seconds = count, time.perf_counter() - started


async def measure_proofs(database: Database, sizes: tuple[int, ...]) -> dict[int, list[float]]:
    """Time proofs of leaves at random, in trees of these sizes in turn."""
    taken: dict[int, list[float]] = {size: [] for size in sizes}
    for number in range(PROOFS + 20):
        for size, times in taken.items():
            seconds = await timed(partial(prove, database, size))
            if number >= 20:  # noqa: PLR2004  # the first warm up
                times.append(seconds)
    return taken


async def prove(database: Database, size: int) -> str:
    """The proof of one leaf in the tree as it was at this size, from reading a checkpoint to the text."""
    async with database.reading() as session:
        checkpoint = await get_checkpoint(session)
        if checkpoint is None:
            raise RuntimeError("the log has a checkpoint by now")
        index = random.randrange(size)  # noqa: S311  # any leaf
        ranges = inclusion_ranges(index, size)
        tiles = await get_tiles(session, tiles_for(ranges))
    return InclusionProof(index, tuple(proof(tiles, ranges)), checkpoint.note).text


def report(measured: Measured, rounds: int) -> str:
    """The result in words, with the machine that it holds for."""
    off, on = (1000 * median(measured.issues[is_logged]) for is_logged in (False, True))
    small, large = measured.proofs
    costs = [1000 * median(times) for times in measured.proofs.values()]
    command = " ".join(["python -m benchmarks.log", *sys.argv[1:]])
    return "\n".join(
        [
            "# The transparency log",
            "",
            (
                f"`{command}`, {datetime.now(UTC):%Y-%m-%d}; {os.cpu_count()} cores, "
                f"Python {platform.python_version()}."
            ),
            "",
            "| what | median ms |",
            "|---|---|",
            f"| an issue recorded, not logged | {off:.2f} |",
            f"| an issue recorded and queued for the log | {on:.2f} |",
            f"| an inclusion proof at {small:,} leaves | {costs[0]:.2f} |",
            f"| an inclusion proof at {large:,} leaves | {costs[1]:.2f} |",
            "",
            (
                f"**Issuing with the log: ratio {on / off:.3f}** ({rounds} rounds of {ISSUES} in turn). "
                f"**A proof at {large // small} times the leaves: ratio {costs[1] / costs[0]:.2f}.** "
                f"**Integrated: {measured.integrated / measured.seconds:,.0f} entries a second**, "
                f"{measured.integrated:,} of them, by one worker."
            ),
            "",
            "The issue is timed without HTTP, token and evidence, the proof without HTTP.",
            "",
        ]
    )


if __name__ == "__main__":
    typer.run(main)
