"""`make bench`: verification with everything on, against a bare endpoint that does one look-up.

Server on core 0; PostgreSQL and the load generator on core 1; one worker each; 16 connections; each side
with its best pool; rounds in turn; `fsync` and `synchronous_commit` on.
"""

import asyncio
import os
import platform
import random
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

import asyncpg
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

POOLS = (2, 4, 8, 16)
RESULT = Path(__file__).parent / "results" / "verification.md"


def main(mandates: int = 100_000, rounds: int = 6, seconds: float = 4, connections: int = 16) -> None:
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
        pairs = asyncio.run(prepare(url, keys, mandates))
        bench = Bench(url, keys, keys_file, pairs, connections)
        report = bench.run(rounds, seconds)
    typer.echo(report)
    RESULT.write_text(report, encoding="utf-8")


async def prepare(url: str, keys: KeyRing, mandates: int) -> list[Pair]:
    """Fill the registry and register the client that asks."""
    database = await open_database(url)
    try:
        scopes = (Scope.VERIFY_OWN.value,)
        registration = ClientRegistration("benchmark", str(THIRD_PARTY), scopes)
        await register_client(database, registration, now=datetime.now(UTC))
        return await populate(database, url, keys, mandates)
    finally:
        await database.close()


class Bench:
    """Two sides over the same database and the same questions."""

    def __init__(self, url: str, keys: KeyRing, keys_file: Path, pairs: list[Pair], connections: int) -> None:
        self._url, self._keys, self._keys_file, self._connections = url, keys, keys_file, connections
        self._pairs = random.Random(11).sample(pairs, 20_000)  # noqa: S311  # the same questions each time
        self._port = servers.free_port()

    def run(self, rounds: int, seconds: float) -> str:
        """Find each side's best pool, then measure in turn; gives the report."""
        pools = {side: self._best_pool(side) for side in ("baseline", "registry")}
        measured: dict[str, list[dict[str, float]]] = {"baseline": [], "registry": []}
        for number in range(rounds):
            for side, results in measured.items():
                results.append(self._measure(side, pools[side], seconds))
                typer.echo(f"round {number + 1}: {side} {results[-1]['rate']:,.0f}/s", err=True)
        memory = self._idle_memory(pools["registry"])
        return report(measured, pools, memory, self._postgres(), self._connections)

    def _best_pool(self, side: str) -> int:
        rates = {pool: self._measure(side, pool, 1.5)["rate"] for pool in POOLS}
        typer.echo(f"{side}: " + ", ".join(f"pool {p} {r:,.0f}/s" for p, r in rates.items()), err=True)
        return max(rates, key=lambda pool: rates[pool])

    def _measure(self, side: str, pool: int, seconds: float) -> dict[str, float]:
        command, environment = self._command(side, pool)
        ready = "/live" if side == "registry" else self._path(self._pairs[0])
        requests = [self._request(side, pair) for pair in self._pairs]
        with servers.serving(command, environment, self._port, ready):
            line = servers.load(self._port, self._connections, seconds, requests)
        result: dict[str, float] = orjson.loads(line)
        return result

    def _command(self, side: str, pool: int) -> tuple[list[str], dict[str, str]]:
        if side == "registry":
            return servers.registry(self._url, self._keys_file, pool, self._port)
        return servers.baseline(self._url, str(THIRD_PARTY), pool, self._port)

    def _path(self, pair: Pair) -> str:
        index = self._keys.party_index
        return f"/{index(pair.representative).hex()}/{index(pair.principal).hex()}"

    def _request(self, side: str, pair: Pair) -> bytes:
        if side == "baseline":
            return f"GET {self._path(pair)} HTTP/1.1\r\nHost: b\r\n\r\n".encode()
        return asking.verification(pair, self._token())

    def _token(self) -> str:
        now = int(datetime.now(UTC).timestamp()) // 60 * 60
        if getattr(self, "_minted_at", None) != now:
            self._minted, self._minted_at = asking.access_token(self._keys, self._port, now), now
        return self._minted

    def _idle_memory(self, pool: int) -> float:
        command, environment = self._command("registry", pool)
        with servers.serving(command, environment, self._port, "/ready") as pid:
            return servers.resident_mib(pid)

    def _postgres(self) -> str:
        async def ask() -> str:
            connection = await asyncpg.connect(self._url)
            names = ("server_version", "fsync", "synchronous_commit")
            values = [await connection.fetchval(f"SHOW {name}") for name in names]
            await connection.close()
            return "PostgreSQL {}, fsync {}, synchronous_commit {}".format(*values)

        return asyncio.run(ask())


def report(
    measured: dict[str, list[dict[str, float]]],
    pools: dict[str, int],
    memory: float,
    postgres: str,
    connections: int,
) -> str:
    """The table, with the machine and the versions that it holds for."""
    rates = {side: [result["rate"] for result in results] for side, results in measured.items()}
    ratios = [ours / base for base, ours in zip(rates["baseline"], rates["registry"], strict=True)]
    rows = [
        f"| {side} | {pools[side]} | {median(rates[side]):,.0f} "
        f"| {min(rates[side]):,.0f}-{max(rates[side]):,.0f} "
        f"| {median(result['p50'] for result in measured[side]):.1f} "
        f"| {median(result['p99'] for result in measured[side]):.1f} |"
        for side in measured
    ]
    packages = ", ".join(f"{name} {version(name)}" for name in ("starlette", "fastapi", "uvicorn", "asyncpg"))
    return "\n".join(
        [
            "# Verification against a bare look-up",
            "",
            (
                f"`{' '.join(['python -m benchmarks', *sys.argv[1:]])}`, {datetime.now(UTC):%Y-%m-%d}; "
                f"{os.cpu_count()} cores, Python {platform.python_version()}, {packages}; {postgres}."
            ),
            (
                f"One worker on core 0, PostgreSQL and load on core 1, {connections} connections, "
                f"{len(ratios)} rounds in turn."
            ),
            "",
            "| side | pool | requests/s (median) | range | p50 ms | p99 ms |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            (
                f"**Ratio {median(ratios):.2f}** (rounds {min(ratios):.2f}-{max(ratios):.2f}). "
                f"Idle memory of one API process: **{memory:.0f} MiB**."
            ),
            "",
            "`registry`: token checked, question validated, decided, audit row committed, receipt signed.",
            "`baseline`: Starlette, one prepared asyncpg look-up, no reset query, nothing else.",
            "",
        ]
    )


typer.run(main)
