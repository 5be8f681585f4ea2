"""`python -m benchmarks.minaombud`: a signed `kontext` by Mina ombud's API against a verification by `/v1`.

Both over the same mandates, in turn, on the same server: what is compared is two ways to ask the same.
"""

import asyncio
import json
import os
import platform
import random
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import orjson
import typer

from benchmarks import asking, servers
from benchmarks.population import THIRD_PARTY, Pair, record_mandates, test_persons
from registry.demo.minaombud import AUDIENCE, ISSUER, user_public_jwk, user_token
from registry.domain.callers import Scope
from registry.embedded import EmbeddedPostgres, ensure_database
from registry.interop.minaombud.clients import UserScope
from registry.interop.minaombud.operations import BASE_PATH
from registry.operations.manage_clients import ClientRegistration, register_client
from registry.signing.keys import KeyRing, new_key_ring, save_key_ring
from registry.storage.database import open_database
from registry.storage.migrations import migrate

RESULT = Path(__file__).parent / "results" / "minaombud.md"
SIDES = ("verification", "kontext")
ASKED = 5_000
POOL = 2


def main(mandates: int = 20_000, rounds: int = 6, seconds: float = 4, connections: int = 16) -> None:
    """Measure, print a table, and write it to benchmarks/results/."""
    os.sched_setaffinity(0, {servers.OTHER_CORE})  # PostgreSQL, started from here, inherits it
    with (
        tempfile.TemporaryDirectory() as name,
        tempfile.TemporaryDirectory() as home,
        EmbeddedPostgres(Path(home)) as server,
    ):
        directory = Path(name)
        asyncio.run(ensure_database(server.dsn(), "registry"))
        url = server.dsn("registry")
        migrate(url)
        keys = new_key_ring(datetime.now(UTC))
        save_key_ring(directory / "keys.json", keys)
        (directory / "clients.json").write_text(json.dumps(configured()))
        pairs = asyncio.run(prepare(url, keys, mandates))
        bench = Bench(url, keys, directory, pairs, connections)
        text = bench.run(rounds, seconds)
    typer.echo(text)
    RESULT.write_text(text, encoding="utf-8")


def configured() -> list[dict[str, object]]:
    """The file of Mina ombud's clients, with the benchmark's."""
    issuer = {"issuer": ISSUER, "audiences": [AUDIENCE], "jwks": {"keys": [user_public_jwk()]}}
    return [{"client_id": "benchmark", "scopes": list(UserScope), "id_tokens": [issuer]}]


async def prepare(url: str, keys: KeyRing, mandates: int) -> list[Pair]:
    """Fill the registry so that each holder has one mandate; returns some of the pairs."""
    database = await open_database(url)
    try:
        registration = ClientRegistration("benchmark", str(THIRD_PARTY), (Scope.VERIFY_OWN.value,))
        await register_client(database, registration, now=datetime.now(UTC))
        persons = iter(test_persons(2 * mandates))
        pairs = [Pair(*pair) for pair in zip(persons, persons, strict=True)]
        await record_mandates(database, url, keys, pairs)
    finally:
        await database.close()
    return random.Random(11).sample(pairs, min(ASKED, len(pairs)))  # noqa: S311  # the same each time


class Bench:
    """Two sides of one server, over the same mandates."""

    def __init__(self, url: str, keys: KeyRing, directory: Path, pairs: list[Pair], connections: int) -> None:
        self._url, self._keys, self._directory = url, keys, directory
        self._pairs, self._connections = pairs, connections
        self._port = servers.free_port()

    def run(self, rounds: int, seconds: float) -> str:
        """Measure in turn, the first round to warm up; gives the report."""
        measured: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
        command, environment = servers.registry(self._url, self._directory / "keys.json", POOL, self._port)
        environment["REGISTRY_MINAOMBUD_FILE"] = str(self._directory / "clients.json")
        with servers.serving(command, environment, self._port, "/live"):
            for number in range(rounds + 1):
                for side in SIDES:
                    line = servers.load(self._port, self._connections, seconds, self._requests(side))
                    typer.echo(f"round {number}: {side} {orjson.loads(line)['rate']:,.0f}/s", err=True)
                    if number:
                        measured[side].append(orjson.loads(line))
        return report(measured, self._connections)

    def _requests(self, side: str) -> list[bytes]:
        now = datetime.now(UTC)
        minted = int(now.timestamp())
        if side == "verification":
            token = asking.access_token(self._keys, self._port, minted)
            return [asking.verification(pair, token) for pair in self._pairs]
        token = asking.access_token(self._keys, self._port, minted, UserScope.SELF.value)
        return [_search(pair, token, now) for pair in self._pairs]


def _search(pair: Pair, token: str, now: datetime) -> bytes:
    """A whole HTTP request: what may this person do here? Asked by the person itself."""
    holder = {"id": pair.representative.value, "typ": "pnr"}
    body = orjson.dumps({"tredjeman": THIRD_PARTY.value, "fullmaktshavare": holder})
    head = (
        f"POST {BASE_PATH}/sok/behorigheter HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer {token}\r\n"
        f"X-Service-Name: benchmark\r\nX-Id-Token: {user_token(now=now, person=pair.representative)}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def report(measured: dict[str, list[dict[str, float]]], connections: int) -> str:
    """The table, with the machine that it holds for."""
    rates = {side: [result["rate"] for result in results] for side, results in measured.items()}
    ratios = [ours / other for other, ours in zip(*(rates[side] for side in SIDES), strict=True)]
    command = " ".join(["python -m benchmarks.minaombud", *sys.argv[1:]])
    rows = [
        f"| {side} | {median(rates[side]):,.0f} "
        f"| {median(result['p50'] for result in measured[side]):.1f} "
        f"| {median(result['p99'] for result in measured[side]):.1f} |"
        for side in SIDES
    ]
    return "\n".join(
        [
            "# Mina ombud's `sok/behorigheter` against `POST /v1/verifications`",
            "",
            (
                f"`{command}`, {datetime.now(UTC):%Y-%m-%d}; {os.cpu_count()} cores, "
                f"Python {platform.python_version()}; one worker on core 0, PostgreSQL and load on core 1, "
                f"{connections} connections, {len(ratios)} rounds in turn after one to warm up."
            ),
            "",
            "| side | requests/s (median) | p50 ms | p99 ms |",
            "|---|---|---|---|",
            *rows,
            "",
            (
                f"**Ratio {median(ratios):.2f}** (rounds {min(ratios):.2f}-{max(ratios):.2f}); "
                "the bound is 0.33."
            ),
            "",
            "`kontext`: token and id token checked, one `kontext` found, decided, access-log row committed,",
            "signed with RS256; every holder asked in turn, no signature used twice.",
            "",
        ]
    )


if __name__ == "__main__":
    typer.run(main)
