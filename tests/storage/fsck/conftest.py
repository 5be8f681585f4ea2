"""The small registry that is checked, damaged, and checked again."""

from collections.abc import AsyncIterator

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
    async with opened(url) as database:
        world = World(database, keys)
        await populate(world)
        root = await unguarded(url)
        yield Populated(world, database, keys, root)
        await root.close()
