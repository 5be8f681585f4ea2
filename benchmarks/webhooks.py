"""`python -m benchmarks.webhooks`: events sent by a real worker to a real receiver, all on two cores.

First: so many events a second, each to one of 100 endpoints; nothing may be lost, and what is left over has
to be delivered within 5 minutes. Then: 50 events a second while 20 other endpoints hang; 99 of 100 have to
arrive within a second of their commit. `fsync` and `synchronous_commit` on.
"""

import asyncio
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import typer
from uuid_utils.compat import uuid7

from benchmarks.servers import free_port
from registry.domain.endpoints import Endpoint, EndpointStatus, Wishes
from registry.domain.notices import FeedEventType, Notice
from registry.embedded import EmbeddedPostgres, ensure_database
from registry.operations.register_endpoint import fresh_secret
from registry.signing.keys import KeyRing, new_key_ring, save_key_ring
from registry.storage.database import Database, open_database
from registry.storage.endpoints import add_endpoint
from registry.storage.migrations import migrate
from registry.storage.outbox import enqueue

ENDPOINTS, HANGING, WRITERS = 100, 20, 4
IN_ONE_ACT = 5
"""How many events an act leaves, as one that ends a mandate with those below it."""
DRAINED_WITHIN = 300.0
RESULT = Path(__file__).parent / "results" / "webhooks.md"


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of one run; times in seconds, latencies in milliseconds from the commit's act on."""

    events: int
    seconds: float
    drained: float
    delivered: int
    requests: int
    latencies: Sequence[float]

    def percentile(self, share: float) -> float:
        """The latency below which this share of the events arrived."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def main(seconds: float = 60, rate: int = 1000, slow_seconds: float = 30, slow_rate: int = 50) -> None:
    """Measure, print a table, and write it to benchmarks/results/."""
    with (
        tempfile.TemporaryDirectory() as directory,
        tempfile.TemporaryDirectory() as home,
        EmbeddedPostgres(Path(home)) as server,
    ):
        asyncio.run(ensure_database(server.dsn(), "registry"))
        url = server.dsn("registry")
        migrate(url)
        keys, keys_file = new_key_ring(datetime.now(UTC)), Path(directory) / "keys.json"
        save_key_ring(keys_file, keys)
        port = free_port()
        with running("-m", "benchmarks.webhook_receiver", str(port)):
            await_listener(port)
            report = asyncio.run(
                bench(url, keys, keys_file, port, (seconds, rate), (slow_seconds, slow_rate))
            )
    RESULT.write_text(report)
    typer.echo(report)


async def bench(
    url: str,
    keys: KeyRing,
    keys_file: Path,
    port: int,
    many: tuple[float, int],
    slow: tuple[float, int],
) -> str:
    """Both runs, one after the other; returns the report."""
    database = await open_database(url, pool_size=4, hot_pool_size=1)
    environment = {
        "REGISTRY_DATABASE_URL": url,
        "REGISTRY_KEYS_FILE": str(keys_file),
        "REGISTRY_WEBHOOKS_ALLOW_LOOPBACK": "true",
    }
    audiences = [os.urandom(17) for _ in range(ENDPOINTS)]
    for audience in audiences:
        await endpoint_at(database, keys, audience, f"http://127.0.0.1:{port}/take")
    with running("-m", "registry", "worker", **environment):
        first = await run(database, port, audiences, *many)
    for audience in audiences[:HANGING]:
        await endpoint_at(database, keys, audience, f"http://127.0.0.1:{port}/hang")
    with running("-m", "registry", "worker", **environment):
        second = await run(database, port, audiences, *slow)
    await database.close()
    return described(first, second, many, slow)


async def endpoint_at(database: Database, keys: KeyRing, audience: bytes, url: str) -> None:
    """An endpoint that has proved its wish."""
    now = datetime.now(UTC)
    endpoint = Endpoint(
        id=uuid7(),
        audience=audience,
        client_id="benchmark",
        departments=frozenset(),
        wishes=Wishes(url=url, event_types=("*",)),
        secrets=(fresh_secret(),),
        status=EndpointStatus.ENABLED,
        reason=None,
        status_since=now,
        proven_at=now,
        created_at=now,
    )
    async with database.transaction() as session:
        await add_endpoint(session, keys, endpoint, now=now)


async def run(
    database: Database, port: int, audiences: Sequence[bytes], seconds: float, rate: int
) -> Measured:
    """Leave events at this rate, and wait until all have arrived or it takes too long."""
    ask(port, "/reset", method="POST")
    await leave(database, audiences)  # until the worker is there
    while len(ask(port, "/report")["latencies"]) < ENDPOINTS:  # noqa: ASYNC110  # of another process
        await asyncio.sleep(0.1)
    ask(port, "/reset", method="POST")
    started, acts = time.perf_counter(), 0

    async def write() -> None:
        nonlocal acts
        while (passed := time.perf_counter() - started) < seconds:
            if acts * IN_ONE_ACT > passed * rate:
                await asyncio.sleep(0.002)
                continue
            begun, acts = acts * IN_ONE_ACT, acts + 1
            await leave(database, [audiences[(begun + n) % ENDPOINTS] for n in range(IN_ONE_ACT)])

    await asyncio.gather(*(write() for _ in range(WRITERS)))
    events = acts * IN_ONE_ACT
    took = time.perf_counter() - started
    while True:
        found = ask(port, "/report")
        waited = time.perf_counter() - started - took
        if len(found["latencies"]) >= events or waited > DRAINED_WITHIN:
            return Measured(
                events,
                took,
                waited,
                len(found["latencies"]),
                found["requests"],
                list(found["latencies"].values()),
            )
        await asyncio.sleep(0.25)


async def leave(database: Database, audiences: Sequence[bytes]) -> None:
    """Leave an event for each of these, in one act's transaction."""
    async with database.transaction() as session:
        now = datetime.now(UTC)
        await enqueue(session, [notice(audience, now) for audience in audiences])


def notice(audience: bytes, now: datetime) -> Notice:
    """An event as acts leave it."""
    details = {"by": "principal", "because_of": None}
    return Notice(
        uuid7(), FeedEventType.MANDATE_REVOKED, now, uuid7(), frozenset({audience}), details=details
    )


def ask(port: int, path: str, *, method: str = "GET") -> Any:  # noqa: ANN401  # any JSON
    """Ask the receiver."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)  # ours
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # ours
        body = answer.read()
    return orjson.loads(body) if body else None


def await_listener(port: int) -> None:
    """Wait until somebody listens there."""
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)


@contextmanager
def running(*command: str, **environment: str) -> Iterator[None]:
    """Run a process of ours until the block ends."""
    process = subprocess.Popen([sys.executable, *command], env={**os.environ, **environment})  # noqa: S603  # ours
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def described(first: Measured, second: Measured, many: tuple[float, int], slow: tuple[float, int]) -> str:
    """The report in Markdown."""
    rows = "".join(
        f"| {name} | {item.events:,} in {item.seconds:.0f} s | {item.delivered:,} | "
        f"{item.events - item.delivered} | {item.requests - item.delivered} | {item.drained:.1f} s | "
        f"{item.percentile(0.5):.0f} / {item.percentile(0.99):.0f} ms |\n"
        for name, item in (("100 endpoints", first), ("while 20 others hang", second))
    )
    return (
        "# Webhooks\n\n"
        f"`python -m benchmarks.webhooks --seconds {many[0]:g} --rate {many[1]} --slow-seconds {slow[0]:g} "
        f"--slow-rate {slow[1]}`, Python {platform.python_version()}, {os.cpu_count()} shared cores; "
        "PostgreSQL, worker, receiver and the writer of events all on them.\n\n"
        "| | events | delivered | lost | twice | drained after | p50 / p99 from act to arrival |\n"
        "|---|---|---|---|---|---|---|\n" + rows
    )


if __name__ == "__main__":
    typer.run(main)
