"""Migrations are deployments: run again, run twice at once, run by a login that may do little else."""

import asyncio
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from conftest import CloneDatabase, on_database, opened, run_sql
from database_catalogue import read_catalogue
from factories import BERI, World, question
from registry.domain.errors import UnavailableError
from registry.embedded import EmbeddedPostgres
from registry.signing.keys import KeyRing
from registry.storage.database import open_database
from registry.storage.migrations import MigrationError, migrate
from registry.storage.revision import NEWEST_REVISION, get_revision
from registry.worker.chores import do_chores
from registry_processes import run


async def test_migrating_again_changes_nothing(clone_database: CloneDatabase) -> None:
    url = await clone_database()
    before = await read_catalogue(url)
    await asyncio.to_thread(migrate, url)
    assert await read_catalogue(url) == before
    assert all(before.values())


async def test_two_migrations_at_once_both_succeed(fresh_database: str, database_url: str) -> None:
    settings = {"REGISTRY_DATABASE_URL": fresh_database}
    both = await asyncio.gather(*(run("migrate", settings=settings) for _ in range(2)))
    assert [(done.code, done.err) for done in both] == [(0, ""), (0, "")]
    assert await read_catalogue(fresh_database, "tables", "triggers", "privileges") == await read_catalogue(
        database_url, "tables", "triggers", "privileges"
    )


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A server on which nothing was ever migrated: its superuser's address."""
    with tempfile.TemporaryDirectory(prefix="registry-migrations-") as name:
        Path(name).chmod(0o711)
        with EmbeddedPostgres(Path(name) / "postgres", settings={"fsync": "off"}) as server:
            yield server.dsn()


def as_login(url: str, name: str) -> str:
    """The address for another login, whose password is its name."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{name}:{name}@{parts.netloc.rpartition('@')[2]}"))


async def test_nobody_needs_to_be_superuser(cluster: str, keys: KeyRing) -> None:
    await run_sql(
        cluster,
        "CREATE ROLE migrator LOGIN CREATEROLE PASSWORD 'migrator'",
        "CREATE DATABASE mandates OWNER migrator",
    )
    url = on_database(cluster, "mandates")
    for _ in range(2):
        await asyncio.to_thread(migrate, as_login(url, "migrator"))
    await run_sql(url, "CREATE ROLE server LOGIN PASSWORD 'server' IN ROLE registry_app")
    async with opened(as_login(url, "server")) as database:
        async with database.reading() as session:
            assert await get_revision(session) == NEWEST_REVISION
        world = World(database, keys)
        owner = await world.organisation()
        await world.issue(owner, await world.publish_template(owner), BERI)
        answer = await owner.post("/v1/verifications", question(owner))
        assert answer.json()["decision"] == "permit"
        assert (await do_chores(database, now=world.clock() + timedelta(days=92))).partitions_added > 0


async def test_a_login_that_may_not_migrate_is_told(cluster: str) -> None:
    await run_sql(cluster, "CREATE ROLE stranger LOGIN PASSWORD 'stranger'", "CREATE DATABASE theirs")
    with pytest.raises(MigrationError, match="permission denied"):
        await asyncio.to_thread(migrate, as_login(on_database(cluster, "theirs"), "stranger"))


async def test_a_database_without_the_roles_was_never_migrated(fresh_database: str) -> None:
    with pytest.raises(UnavailableError, match="registry migrate"):
        await open_database(fresh_database, role="registry_unknown")
