"""Events reach the endpoints that wish them, signed, once, and in order."""

import asyncio
import base64
from datetime import timedelta
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from uuid_utils.compat import uuid7

from factories import BERI, PAUL, Json, Organisation, World, person
from registry.storage.fan_out import queue_again
from registry.storage.open_uses import list_case_refs
from webhooks import Deliveries, Receiver, answer, enabled, happen, receiving, register


async def seen(owner: Organisation, endpoint: Json, path: str = "") -> Json:
    """What the registry says of an endpoint."""
    found = await owner.get(f"/v1/webhook-endpoints/{endpoint['id']}{path}")
    assert found.status_code == 200, found.text
    return found.json()


async def test_an_event_arrives_signed_in_both_kinds(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    endpoint = await enabled(municipality, receiver, deliveries)
    template = await world.publish_template(municipality)
    await deliveries.settle()
    (request,) = receiver.events
    assert request.json["type"] == "template.published"
    assert request.json["data"]["template_id"] == template["id"]
    assert request.headers["webhook-timestamp"] == str(int(world.clock().timestamp()))
    (secret,) = endpoint["secrets"]
    assert request.is_signed_with(secret["secret"])
    public = base64.b64decode(secret["public_key"].removeprefix("whpk_"))
    (signature,) = request.signatures("v1a")
    Ed25519PublicKey.from_public_bytes(public).verify(signature, request.signed)


async def test_the_message_holds_what_the_feed_holds_and_nothing_personal(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    mandate = await world.issue(municipality, await world.publish_template(municipality))
    await deliveries.settle()
    await enabled(municipality, receiver, deliveries, event_types=["mandate.used", "mandate.revoked"])
    use = {"permission": "apply", "case_ref": "ALK-2026-114", "by": person(PAUL, None)}
    address = f"/v1/mandates/{mandate['id']}"
    used = await municipality.post(f"{address}/uses", use)
    assert used.status_code == 201, used.text
    ending = {"by": "third_party", "reason": "the matter is closed"}
    assert (await municipality.post(f"{address}/revocation", ending)).status_code == 201
    await deliveries.settle()
    feed = (await municipality.get("/v1/events", types="mandate.used,mandate.revoked")).json()["items"]
    assert [request.json["data"] for request in receiver.events] == feed
    assert [request.json["timestamp"] for request in receiver.events] == [
        event["occurred_at"] for event in feed
    ]
    assert feed[1]["open_cases"][0]["case_ref"] == "ALK-2026-114"
    for request in receiver.events:
        assert BERI.encode() not in request.body
        assert PAUL.encode() not in request.body
        assert len(request.body) < 20_000


async def test_only_what_is_wished_arrives(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    wishes: dict[str, Json] = {
        "everything": {},
        "types": {"event_types": ["template.retired"]},
        "services": {"filters": {"services": ["oep-other", "oep-none"]}},
        "templates": {"filters": {"templates": ["0198f0a2-0000-7000-8000-000000000000"]}},
    }
    for name, changes in wishes.items():
        await register(municipality, receiver, url=f"{receiver.address}/{name}", **changes)
    await deliveries.settle()
    world.clock.advance(seconds=1)
    template = await world.publish_template(municipality)
    await world.publish_template(municipality, services=["oep-other"])
    await municipality.post(f"/v1/templates/{template['id']}/retirement")
    await deliveries.settle()
    got = {
        name: [item.json["type"] for item in receiver.events if item.path.endswith(name)] for name in wishes
    }
    assert got == {
        "everything": ["template.published", "template.published", "template.retired"],
        "types": ["template.retired"],
        "services": ["template.published"],
        "templates": [],
    }


async def test_another_organisation_is_told_nothing(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    await enabled(await world.organisation(), receiver, deliveries)
    await world.publish_template(municipality)
    await deliveries.settle()
    assert receiver.events == []


async def test_an_endpoint_of_a_department_is_told_of_its_own(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    limited = await world.organisation(municipality.party, departments=frozenset({"Miljökontoret"}))
    await enabled(limited, receiver, deliveries)
    await world.publish_template(municipality, department="Socialkontoret")
    await world.publish_template(municipality, department=None)
    own = await world.publish_template(municipality, department="Miljökontoret")
    await deliveries.settle()
    assert [request.json["data"]["template_id"] for request in receiver.events] == [own["id"]]


async def test_cloudevents_on_request(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    endpoint = await enabled(municipality, receiver, deliveries, format="cloudevents")
    template = await world.publish_template(municipality)
    await deliveries.settle()
    (request,) = receiver.events
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert request.is_signed_with(endpoint["secrets"][0]["secret"])
    data = request.json["data"]
    assert request.json == {
        "specversion": "1.0",
        "id": data["id"],
        "source": world.runtime.settings.public_url,
        "type": "template.published",
        "subject": f"template/{template['id']}",
        "time": data["occurred_at"],
        "datacontenttype": "application/json",
        "data": data,
    }


async def test_what_happens_before_the_proof_is_replayed_on_request(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    before = world.clock()
    endpoint = await register(municipality, receiver)
    await happen(world, municipality, 2)
    await deliveries.settle()
    assert receiver.events == []
    world.clock.advance(seconds=2)
    address = f"/v1/webhook-endpoints/{endpoint['id']}/replay"
    since = {"since": before.isoformat()}
    assert (await municipality.post(address, since)).json() == {"queued": 2, "next_since": None}
    await deliveries.settle()
    assert (await municipality.post(address, since)).json()["queued"] == 2
    await deliveries.settle()
    ids = [request.headers["webhook-id"] for request in receiver.events]
    assert len(ids) == 4
    assert ids[:2] == ids[2:]
    too_old = {"since": (before - timedelta(days=31)).isoformat()}
    assert (await municipality.post(address, too_old)).status_code == 422


async def test_an_end_that_touches_many_cases_is_told_with_as_many_as_there_is_room_for(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    await enabled(municipality, receiver, deliveries, event_types=["mandate.revoked"])
    issued = await world.issue(municipality, await world.publish_template(municipality))
    mandate = f"/v1/mandates/{issued['id']}"
    for number in range(20):
        use = {
            "permission": "apply",
            "case_ref": f"{number} " + "\N{OPEN BOOK}" * 290,
            "by": person(PAUL, None),
        }
        assert (await municipality.post(f"{mandate}/uses", use)).status_code == 201
    await municipality.post(f"{mandate}/revocation", {"by": "third_party", "reason": "over"})
    await deliveries.settle()
    (request,) = receiver.events
    data = request.json["data"]
    assert data["open_case_count"] == 20
    assert [case["case_ref"].split()[0] for case in data["open_cases"]] == [str(n) for n in range(10)]
    told = (await municipality.get("/v1/events", types="mandate.revoked")).json()["items"][-1]
    assert (told["open_case_count"], len(told["open_cases"])) == (20, 20)


async def test_cases_are_looked_up_however_many_there_are(world: World) -> None:
    async with world.database.reading() as session:
        assert await list_case_refs(session, world.keys, {(uuid7(), uuid7()) for _ in range(17_000)}) == {}


async def test_a_replay_takes_what_was_told_since_however_long_ago_it_happened(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    endpoint = await enabled(municipality, receiver, deliveries)
    since = told_since = world.clock()
    for days in (1, 40, 3):
        await happen(world, municipality, earlier=timedelta(days=days))
        await deliveries.settle()
        world.clock.advance(seconds=1)
    address = f"/v1/webhook-endpoints/{endpoint['id']}/replay"
    assert (await municipality.post(address, {"since": since.isoformat()})).json()["queued"] == 3
    pages = []
    async with world.database.transaction() as session:
        while len(pages) < 5:
            count, newest = await queue_again(
                session, UUID(endpoint["id"]), told_since, limit=2, now=world.clock()
            )
            pages.append(count)
            if count < 2 or newest is None:
                break
            told_since = newest
    assert pages == [2, 2, 1]  # the last of a page begins the next


async def test_first_attempts_go_oldest_first_within_the_rate(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    await enabled(municipality, receiver, deliveries, rate_per_second=3, concurrency=1)
    for _ in range(5):
        await world.publish_template(municipality)
    await deliveries.settle()
    assert [request.json["data"]["sequence"] for request in receiver.events] == [1, 2, 3]
    world.clock.advance(seconds=0.35)
    await deliveries.settle()
    assert len(receiver.events) == 4
    world.clock.advance(seconds=2)
    await deliveries.settle()
    assert [request.json["data"]["sequence"] for request in receiver.events] == [1, 2, 3, 4, 5]


async def test_no_more_at_a_time_than_its_concurrency(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    await enabled(municipality, receiver, deliveries, concurrency=2)
    await happen(world, municipality, 3)
    assert [len(await deliveries.claim()) for _ in range(2)] == [2, 0]


async def test_workers_that_claim_at_once_share_the_room(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    await enabled(municipality, receiver, deliveries, concurrency=3)
    await happen(world, municipality, 8)
    await deliveries.sequence()
    claimed = await asyncio.gather(*(deliveries.claim() for _ in range(4)))
    ids = [due.claim.id for claim in claimed for due in claim]
    assert (len(ids), len(set(ids))) == (3, 3)


async def test_attempts_are_only_added_to(world: World) -> None:
    for statement in ("UPDATE webhook_attempts SET number = 0", "DELETE FROM webhook_attempts"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with world.database.transaction() as session:
                await session.execute(text(statement))


async def test_a_dump_of_the_database_holds_no_address_and_no_secret(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    endpoint = await enabled(municipality, receiver, deliveries)
    receiver.reply = lambda _: answer(200, b"what the receiver said")
    await world.publish_template(municipality)
    await deliveries.settle()
    async with world.database.reading() as session:
        rows = [
            str(list(row))
            for name in ("webhook_endpoints", "webhook_deliveries", "webhook_attempts", "webhook_paces")
            for row in await session.execute(text(f"SELECT * FROM {name}"))  # noqa: S608  # our own names
        ]
    hidden = (receiver.address, endpoint["secrets"][0]["secret"][6:], "what the receiver said")
    assert rows
    assert not [row for row in rows if any(part in row for part in hidden)]


async def test_what_a_dead_worker_leased_is_delivered_again_with_the_same_id(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    """It died after sending and before recording: one repetition, which its receiver knows by its id."""
    endpoint = await enabled(municipality, receiver, deliveries)
    await world.publish_template(municipality)
    (lost,) = await deliveries.claim()
    late = await deliveries.outbound.attempt(lost, now=world.clock())
    world.clock.advance(seconds=29)
    assert await deliveries.make() == 0
    world.clock.advance(seconds=1)
    assert await deliveries.make() == 1
    first, second = receiver.events
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    await deliveries.record(late)  # it was stopped, and goes on: nothing is decided twice
    await deliveries.settle()
    delivery = await seen(municipality, endpoint, f"/deliveries/{first.json['data']['id']}")
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 2)
    assert [attempt["number"] for attempt in delivery["history"]] == [1, 2]


async def test_an_event_that_cannot_be_serialised_blocks_nothing(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    endpoint = await enabled(municipality, receiver, deliveries)
    huge = [f"service-{number:0>90}" for number in range(200)]
    await world.publish_template(municipality, services=huge)
    await world.publish_template(municipality)
    await deliveries.settle()
    assert [request.json["data"]["sequence"] for request in receiver.events] == [2]
    address = f"/v1/webhook-endpoints/{endpoint['id']}/deliveries"
    (lost,) = (await municipality.get(address, state="exhausted")).json()["items"]
    delivery = await seen(municipality, endpoint, f"/deliveries/{lost['id']}")
    assert (delivery["state"], delivery["reason"]) == ("exhausted", "unserialisable")
    assert delivery["history"][0]["failure"] == "unserialisable"
    told = (await municipality.get("/v1/events", types="delivery.exhausted")).json()["items"]
    assert [(event["delivery_id"], event["details"]) for event in told] == [
        (lost["id"], {"endpoint_id": endpoint["id"], "reason": "unserialisable"})
    ]


async def test_one_that_hangs_holds_up_no_other(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    async with receiving() as hanging:
        await enabled(municipality, hanging, deliveries, concurrency=2)
        await enabled(municipality, receiver, deliveries)
        await happen(world, municipality, 4)
        due = await deliveries.claim()
        stuck = [item for item in due if item.outgoing and item.outgoing.url == hanging.address]
        for item in due:
            if item not in stuck:
                await deliveries.record(await deliveries.outbound.attempt(item, now=world.clock()))
        assert (len(stuck), len(receiver.events)) == (2, 4)
        world.clock.advance(seconds=2)
        await world.publish_template(municipality)
        assert await deliveries.make() == 1
        assert len(receiver.events) == 5
