"""`python -m benchmarks.chain`: verification through a chain of depth 3, against that of a direct mandate.

One server on core 0; PostgreSQL and the load generator on core 1; both kinds of question in turn, of the same
process and the same database, with everything on.
"""

import asyncio
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import orjson
import typer

from benchmarks import asking, servers
from benchmarks.population import THIRD_PARTY, Pair, populate
from registry.domain.callers import Scope
from registry.embedded import EmbeddedPostgres, ensure_database
from registry.operations.manage_clients import ClientRegistration, register_client
from registry.signing.keys import KeyRing, new_key_ring, save_key_ring
from registry.storage.database import open_database
from registry.storage.migrations import migrate

DEPTH = 3
POOL = 4
RESULT = Path(__file__).parent / "results" / "chain.md"


def main(mandates: int = 10_000, rounds: int = 6, seconds: float = 3, connections: int = 16) -> None:
    """Measure, print a table, and write it to benchmarks/results/."""
    os.sched_setaffinity(0, {servers.OTHER_CORE})  # PostgreSQL, started from here, inherits it
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
        sides = asyncio.run(prepare(url, keys, mandates))
        port = servers.free_port()
        command, environment = servers.registry(url, keys_file, POOL, port)
        with servers.serving(command, environment, port, "/ready"):
            measured = [measure(sides, keys, port, connections, seconds) for _ in range(rounds + 1)]
    text = report(measured[1:], mandates, connections)
    typer.echo(text)
    RESULT.write_text(text, encoding="utf-8")


async def prepare(url: str, keys: KeyRing, mandates: int) -> dict[str, list[Pair]]:
    """Record as many direct mandates as chains, and register the client that asks."""
    database = await open_database(url)
    try:
        scopes = (Scope.VERIFY_OWN.value,)
        registration = ClientRegistration("benchmark", str(THIRD_PARTY), scopes)
        await register_client(database, registration, now=datetime.now(UTC))
        return {
            "direct": await populate(database, url, keys, mandates),
            "chain": await populate(database, url, keys, mandates, depth=DEPTH, seed=8),
        }
    finally:
        await database.close()


def measure(
    sides: dict[str, list[Pair]], keys: KeyRing, port: int, connections: int, seconds: float
) -> dict[str, dict[str, float]]:
    """One round: each kind of question in turn."""
    results = {}
    for side, pairs in sides.items():
        token = asking.access_token(keys, port, int(datetime.now(UTC).timestamp()))
        requests = [asking.verification(pair, token) for pair in pairs]
        results[side] = orjson.loads(servers.load(port, connections, seconds, requests))
        typer.echo(f"{side} {results[side]['rate']:,.0f}/s", err=True)
    return results


def report(rounds: list[dict[str, dict[str, float]]], mandates: int, connections: int) -> str:
    """The table; the ratio is that of the time which a verification takes."""
    ratios = [item["direct"]["rate"] / item["chain"]["rate"] for item in rounds]
    rows = [
        f"| {side} | {median(item[side]['rate'] for item in rounds):,.0f} "
        f"| {median(item[side]['p50'] for item in rounds):.1f} "
        f"| {median(item[side]['p99'] for item in rounds):.1f} |"
        for side in rounds[0]
    ]
    return "\n".join(
        [
            f"# Verification through a chain of depth {DEPTH}",
            "",
            (
                f"`{' '.join(['python -m benchmarks.chain', *sys.argv[1:]])}`, {datetime.now(UTC):%Y-%m-%d}; "
                f"{mandates:,} direct mandates and as many chains of {DEPTH + 1}, {connections} connections, "
                f"{len(rounds)} rounds in turn after one to warm up."
            ),
            "",
            "| question about | requests/s (median) | p50 ms | p99 ms |",
            "|---|---|---|---|",
            *rows,
            "",
            (
                f"**A chain takes {median(ratios):.2f} times as long** (rounds {min(ratios):.2f}-"
                f"{max(ratios):.2f}); the bound is 1.5."
            ),
            "",
        ]
    )


if __name__ == "__main__":
    typer.run(main)
