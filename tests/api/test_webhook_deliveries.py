"""Events reach the endpoints that wish them, signed, and what is not taken is tried again."""

import base64
from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from conftest import CloneDatabase, opened
from factories import Clock, Organisation, World
from registry.signing.keys import KeyRing
from webhooks import Deliveries, Receiver, delivering, enabled, receiving


@pytest.fixture(scope="module")
async def world(clone_database: CloneDatabase, keys: KeyRing) -> AsyncIterator[World]:
    """A world of its own: what is due here is nobody else's."""
    async with opened(await clone_database()) as database:
        clock = Clock()
        clock.advance(seconds=0)
        yield World(database, keys, clock)


@pytest.fixture(scope="module")
async def deliveries(world: World) -> AsyncIterator[Deliveries]:
    async with delivering(world) as deliveries:
        yield deliveries


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def test_an_event_arrives_signed_in_both_kinds(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    endpoint = await enabled(municipality, receiver, deliveries)
    template = await world.publish_template(municipality)
    await deliveries.settle()
    (request,) = receiver.events
    assert request.json["type"] == "template.published"
    assert request.json["data"]["template_id"] == template["id"]
    (secret,) = endpoint["secrets"]
    assert request.is_signed_with(secret["secret"])
    public = base64.b64decode(secret["public_key"].removeprefix("whpk_"))
    (signature,) = request.signatures("v1a")
    Ed25519PublicKey.from_public_bytes(public).verify(signature, request.signed)
