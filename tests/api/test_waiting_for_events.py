"""Who waits for events is answered as soon as there is one, and holds nothing meanwhile."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from conftest import CloneDatabase
from factories import Organisation, World
from registry.signing.keys import KeyRing
from registry.storage.database import open_database
from telling import end_of, read_page, tell, types_of

PATIENCE = 20


@pytest.fixture(scope="module")
async def world(clone_database: CloneDatabase, keys: KeyRing) -> AsyncIterator[World]:
    """With one connection for acts: who waited on it would let nobody else act."""
    database = await open_database(await clone_database(), pool_size=1, hot_pool_size=1)
    yield World(database, keys)
    await database.close()


def waiting(reader: Organisation, cursor: str, **parameters: object) -> asyncio.Task[object]:
    return asyncio.create_task(read_page(reader, cursor, wait=30, **parameters))


async def test_an_event_wakes_those_it_is_for(world: World) -> None:
    owner, other = await world.organisation(), await world.organisation()
    starts = [await end_of(reader) for reader in (owner, other)]
    async with asyncio.timeout(PATIENCE):
        readers = [waiting(owner, starts[0]) for _ in range(3)]
        stranger = waiting(other, starts[1])
        await world.publish_template(owner)
        await tell(world)
        for page in await asyncio.gather(*readers):
            assert types_of(page["items"]) == ["template.published"]  # type: ignore[index]
        assert not stranger.done()
        await world.publish_template(other)
        await tell(world)
        assert types_of((await stranger)["items"]) == ["template.published"]  # type: ignore[index]


async def test_what_is_filtered_away_wakes_nobody_for_good(world: World) -> None:
    owner = await world.organisation()
    async with asyncio.timeout(PATIENCE):
        reader = waiting(owner, await end_of(owner), types="template.retired")
        template = await world.publish_template(owner)
        await tell(world)
        await owner.post(f"/v1/templates/{template['id']}/retirement")
        await tell(world)
        assert types_of((await reader)["items"]) == ["template.retired"]  # type: ignore[index]


async def test_nothing_comes_and_the_cursor_stays(world: World) -> None:
    owner = await world.organisation()
    await world.publish_template(owner)
    await tell(world)
    cursor = await end_of(owner)
    page = await read_page(owner, cursor, wait=1)
    assert page == {"items": [], "next": cursor}


async def test_the_end_of_the_process_lets_go_of_who_waits(
    clone_database: CloneDatabase, keys: KeyRing
) -> None:
    database = await open_database(await clone_database(), pool_size=2, hot_pool_size=1)
    try:
        world = World(database, keys)
        owner = await world.organisation()
        async with asyncio.timeout(PATIENCE):
            reader = waiting(owner, await end_of(owner))
            database.wakeups.end_waits()
            assert (await reader)["items"] == []  # type: ignore[index]
            assert (await read_page(owner, wait=30))["items"] == []
    finally:
        await database.close()
