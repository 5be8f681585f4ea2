"""A world of its own, where what is due is nobody else's, and whose clock stands until it is put."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import update

from conftest import CloneDatabase, opened
from factories import Clock, World
from registry.signing.keys import KeyRing
from registry.storage.tables import webhook_endpoints
from webhooks import Deliveries, Receiver, delivering, receiving


@pytest.fixture(scope="package")
async def world(clone_database: CloneDatabase, keys: KeyRing) -> AsyncIterator[World]:
    async with opened(await clone_database()) as database:
        clock = Clock()
        clock.advance(seconds=0)
        yield World(database, keys, clock)


@pytest.fixture
async def deliveries(world: World) -> AsyncIterator[Deliveries]:
    """Makes deliveries; in the end there is no endpoint left to deliver to."""
    async with delivering(world) as deliveries:
        yield deliveries
    async with world.database.transaction() as session:
        await session.execute(update(webhook_endpoints).values(status="disabled", reason="owner"))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver
