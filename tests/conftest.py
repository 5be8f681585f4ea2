"""What all tests share: one PostgreSQL for the run, one migrated database cloned per worker, keys, clients.

`REGISTRY_DATABASE_URL` names a real server to use instead (a login that may create databases and roles).
"""

import asyncio
import fcntl
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest
import uvloop
from hypothesis import HealthCheck, settings

from registry.embedded import EmbeddedPostgres
from registry.signing.keys import KeyRing, new_key_ring
from registry.storage.database import Database, open_database

SHARED, SERVER = "REGISTRY_TESTS_SHARED", "REGISTRY_TESTS_SERVER"
TEMPLATE = "registry_template"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
MIGRATE = "import sys; from registry.storage.migrations import migrate; migrate(sys.argv[1])"


# How long an example takes says something of the machine alone, and that is not what is tested.
# REGISTRY_EXAMPLES asks for more of them than every run can afford.
settings.register_profile(
    "registry",
    deadline=None,
    max_examples=int(os.environ.get("REGISTRY_EXAMPLES", "40")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("registry")


def on_database(url: str, name: str) -> str:
    """The same server's address, for another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def run_sql(url: str, *statements: str) -> None:
    """Run statements as the login, each in a transaction of its own."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def pytest_configure(config: pytest.Config) -> None:
    """Start the server in the process that outlives all workers; they find it in the environment.

    All of them use the event loop that serves in production.
    """
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    if hasattr(config, "workerinput"):
        return
    directory = tempfile.TemporaryDirectory(prefix="registry-tests-")
    config.add_cleanup(directory.cleanup)
    os.environ[SHARED] = directory.name
    if url := os.environ.get("REGISTRY_DATABASE_URL"):
        os.environ[SERVER] = url
        return
    # The server's directory is no child of the shared one, which only this user may enter.
    home = tempfile.TemporaryDirectory(prefix="registry-tests-postgres-")
    server = EmbeddedPostgres(Path(home.name), settings=FAST)
    server.__enter__()
    config.add_cleanup(home.cleanup)
    config.add_cleanup(lambda: server.__exit__(None, None, None))
    os.environ[SERVER] = server.dsn()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end what this run left out, and why."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    if reasons:
        terminalreporter.section("NOT TESTED on this machine")
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} x {reason}")


@pytest.fixture(scope="session")
def shared_directory() -> Path:
    """A directory that all workers of this run share."""
    return Path(os.environ[SHARED])


@pytest.fixture(scope="session")
def server_url() -> str:
    """The server's address for a login that may create databases."""
    return os.environ[SERVER]


@pytest.fixture(scope="session")
def template_url(server_url: str, shared_directory: Path) -> str:
    """A migrated database to clone, made by whichever worker comes first; nobody connects to it."""
    url = on_database(server_url, TEMPLATE)
    with (shared_directory / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = shared_directory / "template.done"
        if not done.exists():
            asyncio.run(
                run_sql(
                    server_url,
                    f"DROP DATABASE IF EXISTS {TEMPLATE}",
                    f"CREATE DATABASE {TEMPLATE}",
                )
            )
            subprocess.run([sys.executable, "-c", MIGRATE, url], check=True)  # noqa: S603  # our own command
            done.touch()
    return url


CloneDatabase = Callable[[], Awaitable[str]]


@pytest.fixture(scope="session")
async def clone_database(server_url: str, template_url: str) -> AsyncIterator[CloneDatabase]:  # noqa: ARG001  # it must exist
    """Make a database of one's own from the migrated one (some 50 ms); gone at the end of the run."""
    made: list[str] = []

    async def clone() -> str:
        name = f"registry_{uuid4().hex[:12]}"
        await run_sql(server_url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        made.append(name)
        return on_database(server_url, name)

    yield clone
    if "REGISTRY_DATABASE_URL" not in os.environ:
        return  # the whole server goes
    await run_sql(server_url, *(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in made))


@pytest.fixture(scope="session")
async def database_url(clone_database: CloneDatabase) -> str:
    """This worker's database, shared by its tests, each of which keeps to organisations of its own."""
    return await clone_database()


@pytest.fixture(scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    """Connections to this worker's database in the role of the application."""
    async with opened(database_url) as database:
        yield database


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """Open a database as the application does, and close it."""
    database = await open_database(url, pool_size=8, hot_pool_size=4)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture(scope="session")
def keys() -> KeyRing:
    """Fresh keys for this run; active since long ago, for tests in other times."""
    return new_key_ring(datetime(2000, 1, 1, tzinfo=UTC))
