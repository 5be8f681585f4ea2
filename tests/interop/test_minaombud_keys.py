"""The keys that sign in a third party's name: made once, published before they sign, gone when withdrawn."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from acting import world_at
from factories import PAUL, World
from minaombud_client import BASE, Json, RefusedError, read_answer
from minaombud_platform import Platform, Platforms
from registry.domain.errors import NotFoundError
from registry.operations.third_party_keys import (
    ensure_third_party_keys,
    rotate_third_party_key,
    withdraw_third_party_key,
)
from registry.signing.encodings import decode_base64url, parse_json_object


async def published(platform: Platform) -> list[str]:
    answer = await platform.http.get(f"{BASE}/tredjeman/{platform.number}/jwks")
    assert answer.headers["cache-control"] == "public, max-age=300"
    keys = read_answer(answer)["keys"]
    assert all(key.keys() == {"kty", "kid", "alg", "use", "n", "e"} for key in keys), "public halves alone"
    return [key["kid"] for key in keys]


async def test_a_third_party_has_its_own_key_made_once(platforms: Platforms) -> None:
    platform = await platforms.make(has_key=False)
    address = f"{BASE}/tredjeman/{platform.number}/jwks"
    with pytest.raises(RefusedError):
        read_answer(await platform.http.get(address))
    await platform.world.publish_template(platform.organisation)
    world, party = platform.world, platform.organisation.party
    made = await asyncio.gather(
        published(platform),
        published(platform),
        *(ensure_third_party_keys(world.database, world.keys, party, now=world.clock()) for _ in range(3)),
    )
    (kid,) = made[0]
    assert made[1] == [kid]
    assert [[key.kid for key in known] for known in made[2:]] == [[kid]] * 3
    other = await platforms.make()
    await other.world.publish_template(other.organisation)
    assert kid not in await published(other)


async def test_a_new_key_is_published_before_it_signs_and_the_old_one_stays(platforms: Platforms) -> None:
    start = datetime.now(UTC)
    world = world_at(platforms.world, start)
    platform = await Platforms(world, platforms.key).make()
    await world.issue(platform.organisation, await world.publish_template(platform.organisation))
    old = await signed_by(platform)
    database, party = world.database, platform.organisation.party
    delay = timedelta(minutes=10)
    added = await rotate_third_party_key(database, world.keys, party, active_in=delay, now=start)
    world.clock.advance(minutes=1)
    assert await published(platform) == [old, added.kid]
    assert await signed_by(platform) == old
    world.clock.advance(minutes=10)
    assert await signed_by(platform) == added.kid
    assert await published(platform) == [old, added.kid], "what the old one signed still verifies"
    await withdraw_third_party_key(database, party, old, now=world.clock())
    world.clock.advance(minutes=1)
    assert await published(platform) == [added.kid]
    with pytest.raises(NotFoundError):
        await withdraw_third_party_key(database, party, old, now=world.clock())
    far_ahead = await rotate_third_party_key(
        database, world.keys, party, active_in=timedelta(days=900), now=start
    )
    await withdraw_third_party_key(database, party, far_ahead.kid, now=world.clock())
    sooner = await rotate_third_party_key(database, world.keys, party, active_in=delay, now=start)
    assert sooner.active_from == start + delay, "what was withdrawn keeps none waiting"
    await withdraw_third_party_key(database, party, sooner.kid, now=world.clock())
    stranger = (await world.organisation()).party
    with pytest.raises(NotFoundError):
        await rotate_third_party_key(database, world.keys, stranger, active_in=delay, now=start)
    await withdraw_third_party_key(database, party, added.kid, now=world.clock())
    world.clock.advance(minutes=1)
    assert await signed_by(platform) not in {old, added.kid}, "without a good key a new one is made"


async def test_signatures_go_on_with_new_registry_keys(platforms: Platforms, world_of_own: World) -> None:
    platform = await Platforms(world_of_own, platforms.key).make()
    world = platform.world
    await world.issue(platform.organisation, await world.publish_template(platform.organisation))
    before = await signed_by(platform)
    world.runtime.take_keys(world.keys.rotated(world.clock(), active_in=timedelta()))
    assert await signed_by(platform) == before


@pytest.fixture
def world_of_own(platforms: Platforms) -> World:
    return World(platforms.world.database, platforms.world.keys)


async def signed_by(platform: Platform) -> str:
    """The key that an answer of now is signed with."""
    body: Json = platform.question(PAUL)
    answer = await platform.machine.post("/sok/behorigheter", body)
    protected = answer["kontext"][0]["_sig"]["protected"]
    return str(parse_json_object(decode_base64url(protected))["kid"])
