"""`python -m benchmarks.overview`: the first page of a person with 1,000 mandates against one with 10.

Both in turn, in one process, over the same registry; what is timed is the operation with its answer as JSON.
"""

import asyncio
import os
import platform
import random
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import typer

from benchmarks.population import THIRD_PARTY, Pair, record_mandates, test_persons
from registry.api.models.overview import OverviewOut, OwnMandateOut, WaitingApprovalOut, WaitingRequestOut
from registry.domain.callers import Caller, Scope
from registry.domain.parties import Party
from registry.embedded import EmbeddedPostgres, ensure_database
from registry.operations.list_own_mandates import list_own_mandates
from registry.operations.list_waiting_requests import list_waiting_requests
from registry.operations.look_up_approvals import list_waiting_approvals
from registry.operations.manage_clients import ClientRegistration, register_client
from registry.signing.keys import KeyRing, new_key_ring
from registry.storage.access_log import AccessLog
from registry.storage.database import open_database
from registry.storage.migrations import migrate

FEW, MANY, PAGE = 10, 1_000, 20
CALLER = Caller("benchmark", THIRD_PARTY, frozenset({Scope.MANDATES_READ}))
RESULT = Path(__file__).parent / "results" / "overview.md"


def main(mandates: int = 20_000, rounds: int = 200) -> None:
    """Measure, print the result, and write it to benchmarks/results/."""
    with tempfile.TemporaryDirectory() as home, EmbeddedPostgres(Path(home)) as server:
        asyncio.run(ensure_database(server.dsn(), "registry"))
        url = server.dsn("registry")
        migrate(url)
        text = asyncio.run(measure(url, new_key_ring(datetime.now(UTC)), mandates, rounds))
    typer.echo(text)
    RESULT.write_text(text, encoding="utf-8")


async def measure(url: str, keys: KeyRing, mandates: int, rounds: int) -> str:
    """Fill a registry, then ask for the first pages of both persons in turn."""
    database = await open_database(url)
    try:
        registration = ClientRegistration(CALLER.client_id, str(THIRD_PARTY), (Scope.MANDATES_READ.value,))
        await register_client(database, registration, now=datetime.now(UTC))
        few, many, pairs = population(mandates)
        await record_mandates(database, url, keys, pairs)
        log = AccessLog(database, keys)
        taken: dict[Party, list[float]] = {few: [], many: []}
        for number in range(rounds + 10):
            for person, times in taken.items():
                started = time.perf_counter()
                size = await first_page(log, person)
                if number >= 10:  # noqa: PLR2004  # the first warm up
                    times.append(time.perf_counter() - started)
                assert size == min(PAGE, FEW if person == few else MANY)  # noqa: S101  # of the benchmark
    finally:
        await database.close()
    return report(taken[few], taken[many], mandates)


def population(mandates: int) -> tuple[Party, Party, list[Pair]]:
    """Two persons, who each give half of theirs and hold the other half, among many others' mandates."""
    few, many, *others = test_persons(mandates // 5 + 2_000)
    shuffle = random.Random(7)  # noqa: S311  # the same population each time
    pairs = [Pair(*shuffle.sample(others, 2)) for _ in range(mandates)]
    for person, count in ((few, FEW), (many, MANY)):
        for number, other in enumerate(shuffle.sample(others, count)):
            pairs.append(Pair(person, other) if number % 2 else Pair(other, person))
    shuffle.shuffle(pairs)
    return few, many, pairs


async def first_page(log: AccessLog, person: Party) -> int:
    """Answer as the API does; returns how many mandates the page holds."""
    now = datetime.now(UTC)
    waiting = await list_waiting_requests(log, CALLER, person, now=now)
    requests = [WaitingRequestOut.of(item, "https://registry.example", "sv") for item in waiting]
    to_approve = await list_waiting_approvals(log, CALLER, person, now=now)
    approvals = [WaitingApprovalOut.of(item) for item in to_approve]
    found, cursor = await list_own_mandates(log, CALLER, person, after=None, limit=PAGE, now=now)
    mandates = [OwnMandateOut.of(own, "sv") for own in found]
    page = OverviewOut(requests=requests, approvals=approvals, mandates=mandates, next=cursor)
    page.model_dump_json()
    return len(page.mandates)


def report(few: list[float], many: list[float], mandates: int) -> str:
    """The result in words, with the machine that it holds for."""
    command = " ".join(["python -m benchmarks.overview", *sys.argv[1:]])
    milliseconds = [1000 * median(times) for times in (few, many)]
    return "\n".join(
        [
            "# The first page of a person's own overview",
            "",
            (
                f"`{command}`, {datetime.now(UTC):%Y-%m-%d}; {os.cpu_count()} cores, "
                f"Python {platform.python_version()}; {mandates:,} mandates of others, "
                f"{len(few)} rounds in turn, pages of {PAGE}."
            ),
            "",
            "| person with | median ms |",
            "|---|---|",
            f"| {FEW:,} mandates | {milliseconds[0]:.1f} |",
            f"| {MANY:,} mandates | {milliseconds[1]:.1f} |",
            "",
            f"**Ratio {milliseconds[1] / milliseconds[0]:.2f}**; the larger page holds twice as many.",
            "",
        ]
    )


if __name__ == "__main__":
    typer.run(main)
