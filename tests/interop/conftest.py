"""Mina ombud's surface over this worker's database."""

from collections.abc import AsyncIterator

import pytest

from factories import World
from minaombud_client import UserKey
from minaombud_platform import Platform, Platforms
from registry.signing.keys import KeyRing
from registry.storage.database import Database


@pytest.fixture(scope="session")
def user_key() -> UserKey:
    return UserKey()


@pytest.fixture(scope="session")
async def platforms(database: Database, keys: KeyRing, user_key: UserKey) -> AsyncIterator[Platforms]:
    """Makes platforms that share one surface; each is an organisation of its own."""
    made = Platforms(World(database, keys), user_key)
    yield made
    made.minaombud.close()


@pytest.fixture
async def platform(platforms: Platforms) -> Platform:
    """A platform of the test's own."""
    return await platforms.make()
