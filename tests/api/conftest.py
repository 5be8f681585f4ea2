"""The application over this worker's database."""

import pytest

from factories import Organisation, World
from registry.signing.keys import KeyRing
from registry.storage.database import Database


@pytest.fixture(scope="session")
async def world(database: Database, keys: KeyRing) -> World:
    """The application; its clock runs. A test that needs another clock makes a world of its own."""
    return World(database, keys)


@pytest.fixture
async def municipality(world: World) -> Organisation:
    """A third party of the test's own, with every scope of one."""
    return await world.organisation()
