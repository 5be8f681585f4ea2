"""What all tests share: one PostgreSQL for the run, one migrated database cloned per worker, keys, clients.

`REGISTRY_DATABASE_URL` names a real server to use instead (a login that may create databases and roles).
"""

import asyncio
import fcntl
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from registry.embedded import EmbeddedPostgres
from registry.signing.keys import KeyRing, new_key_ring
from registry.storage.database import Database, open_database

TEMPLATE = "registry_template"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
MIGRATE = "import sys; from registry.storage.migrations import migrate; migrate(sys.argv[1])"


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


@pytest.fixture(scope="session")
def shared_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def server_url(shared_directory: Path) -> Iterator[str]:
    """The server's address for a login that may create databases."""
    if url := os.environ.get("REGISTRY_DATABASE_URL"):
        yield url
        return
    with EmbeddedPostgres(shared_directory / "postgres", settings=FAST) as server:
        yield server.dsn()


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
    """Make a database of one's own from the migrated one (some 50 ms); dropped at the end of the run."""
    made: list[str] = []

    async def clone() -> str:
        name = f"registry_{uuid4().hex[:12]}"
        await run_sql(server_url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        made.append(name)
        return on_database(server_url, name)

    yield clone
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
