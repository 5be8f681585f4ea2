"""The small registry that is checked, damaged, and checked again."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from conftest import CloneDatabase, opened
from factories import World
from fsck_flips import unguarded
from fsck_populated import Populated
from fsck_population import populate
from registry.signing.keys import KeyRing


@pytest.fixture(scope="session")
async def populated(clone_database: CloneDatabase, keys: KeyRing) -> AsyncIterator[Populated]:
    url = await clone_database()
    try:
        root = await unguarded(url)
    except asyncpg.InsufficientPrivilegeError:
        pytest.skip("only a superuser can switch off what guards the records")
    async with opened(url) as database:
        await populate(World(database, keys))
        yield Populated(database, keys, root)
    await root.close()
