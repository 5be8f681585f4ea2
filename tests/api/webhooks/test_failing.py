"""What is not taken is tried again by the schedule; who fails for long, or wants none, is left alone."""

from datetime import datetime, timedelta

import pytest

from factories import Json, Organisation, World
from webhooks import OK, Deliveries, Receiver, Request, answer, enabled, happen

DELAYS = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)


async def endpoint_now(owner: Organisation, endpoint: Json) -> Json:
    return (await owner.get(f"/v1/webhook-endpoints/{endpoint['id']}")).json()


async def delivery_of(owner: Organisation, endpoint: Json, request: Request) -> Json:
    address = f"/v1/webhook-endpoints/{endpoint['id']}/deliveries/{request.json['data']['id']}"
    return (await owner.get(address)).json()


@pytest.fixture
async def endpoint(municipality: Organisation, receiver: Receiver, deliveries: Deliveries) -> Json:
    return await enabled(municipality, receiver, deliveries)


async def test_ten_tries_then_it_is_exhausted_and_its_owner_told(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries, endpoint: Json
) -> None:
    receiver.reply = lambda _: answer(500, b"out of order")
    await happen(world, municipality)
    await deliveries.settle()
    for number, seconds in enumerate(DELAYS, start=1):
        world.clock.advance(seconds=seconds - 1)
        assert await deliveries.make() == 0
        world.clock.advance(seconds=1)
        assert await deliveries.make() == 1, number
    assert len({request.headers["webhook-id"] for request in receiver.events}) == 1
    municipality = await world.organisation(municipality.party)  # its token has expired
    delivery = await delivery_of(municipality, endpoint, receiver.events[0])
    assert (delivery["state"], delivery["reason"], delivery["due_at"]) == ("exhausted", "tries", None)
    assert [attempt["number"] for attempt in delivery["history"]] == list(range(1, 11))
    assert {(item["status"], item["answer"]) for item in delivery["history"]} == {(500, "out of order")}
    await deliveries.settle()
    (told,) = (await municipality.get("/v1/events", types="delivery.exhausted")).json()["items"]
    assert told["details"] == {"endpoint_id": endpoint["id"], "reason": "tries"}
    assert len(receiver.events) == 10  # its own trouble is no news for itself
    address = f"/v1/webhook-endpoints/{endpoint['id']}/deliveries/{delivery['id']}/redelivery"
    receiver.reply = lambda _: OK
    assert (await municipality.post(address)).status_code == 202
    await deliveries.settle()
    delivery = await delivery_of(municipality, endpoint, receiver.events[0])
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 11)


async def test_a_message_in_retry_holds_nothing_back(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries, endpoint: Json
) -> None:
    receiver.reply = lambda request: OK if request.json["data"]["sequence"] > 1 else answer(500)
    for _ in range(3):
        await happen(world, municipality)
        await deliveries.settle()
    assert [request.json["data"]["sequence"] for request in receiver.events] == [1, 2, 3]
    assert (await endpoint_now(municipality, endpoint))["failing_since"] is None


async def test_one_that_fails_gets_one_message_at_a_time(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries, endpoint: Json
) -> None:
    receiver.reply = lambda _: answer(500)
    await happen(world, municipality)
    await deliveries.settle()
    assert (await endpoint_now(municipality, endpoint))["failing_since"] is not None
    await happen(world, municipality, 3)
    assert len(await deliveries.claim()) == 1


async def test_410_disables_it_and_its_owner_is_told(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries, endpoint: Json
) -> None:
    receiver.reply = lambda _: answer(410)
    await happen(world, municipality)
    await deliveries.settle()
    await happen(world, municipality)
    await deliveries.settle()
    assert len(receiver.events) == 1
    shown = await endpoint_now(municipality, endpoint)
    assert (shown["status"], shown["reason"]) == ("disabled", "gone")
    (told,) = (await municipality.get("/v1/events", types="endpoint.disabled")).json()["items"]
    assert (told["endpoint_id"], told["details"]) == (endpoint["id"], {"reason": "gone"})
    receiver.reply = lambda _: OK
    address = f"/v1/webhook-endpoints/{endpoint['id']}"
    turned = await municipality.http.patch(address, json={"enabled": True})
    assert turned.json()["status"] == "pending"
    await deliveries.settle()
    assert len(receiver.events) == 1  # a 200 is no consent


async def test_five_days_of_failure_disable_it_and_enabling_asks_for_proof(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries, endpoint: Json
) -> None:
    proving, receiver.reply = receiver.reply, lambda _: answer(503)
    await happen(world, municipality)
    await deliveries.settle()
    world.clock.advance(days=4, hours=23)
    municipality = await world.organisation(municipality.party)  # its token has expired
    await deliveries.settle()
    assert (await endpoint_now(municipality, endpoint))["status"] == "enabled"
    world.clock.advance(hours=2)
    municipality = await world.organisation(municipality.party)
    await deliveries.settle()
    shown = await endpoint_now(municipality, endpoint)
    assert (shown["status"], shown["reason"]) == ("disabled", "failing")
    receiver.reply = proving
    address = f"/v1/webhook-endpoints/{endpoint['id']}"
    turned = (await municipality.http.patch(address, json={"enabled": True})).json()
    assert (turned["status"], turned["failing_since"]) == ("pending", None)
    world.clock.advance(seconds=1)
    await deliveries.settle()
    assert (await endpoint_now(municipality, endpoint))["status"] == "enabled"
    world.clock.advance(days=1)
    municipality = await world.organisation(municipality.party)
    await deliveries.settle()  # what waited goes out
    assert (await delivery_of(municipality, endpoint, receiver.events[0]))["state"] == "delivered"


@pytest.mark.parametrize(("retry_after", "seconds"), [("7", 7), ("999999999999999999999", 10)])
async def test_throttling_pauses_the_endpoint_within_bounds(
    retry_after: str,
    seconds: int,
    municipality: Organisation,
    world: World,
    receiver: Receiver,
    deliveries: Deliveries,
    endpoint: Json,
) -> None:
    receiver.reply = lambda _: answer(429, Retry_After=retry_after)
    await happen(world, municipality)
    await deliveries.settle()
    asked_at = world.clock()
    receiver.reply = lambda _: OK
    await happen(world, municipality)
    world.clock.advance(seconds=seconds - 2)
    assert await deliveries.make() == 0
    delivery = await delivery_of(municipality, endpoint, receiver.events[0])
    assert datetime.fromisoformat(delivery["due_at"]) == asked_at + timedelta(seconds=seconds)
    world.clock.advance(seconds=2)
    await deliveries.settle()
    assert len(receiver.events) == 3


@pytest.mark.parametrize("status", [101, 308])
async def test_only_2xx_counts(
    status: int,
    municipality: Organisation,
    world: World,
    receiver: Receiver,
    deliveries: Deliveries,
    endpoint: Json,
) -> None:
    receiver.reply = lambda _: answer(status, Location=receiver.address + "/elsewhere")
    await happen(world, municipality)
    await deliveries.settle()
    assert [request.path for request in receiver.events] == ["/webhooks"]
    delivery = await delivery_of(municipality, endpoint, receiver.events[0])
    assert (delivery["state"], delivery["history"][0]["status"]) == ("waiting", status)


async def test_answers_are_kept_to_8_kib_also_where_they_are_no_text(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries, endpoint: Json
) -> None:
    receiver.reply = lambda _: answer(200, b"\xff" * 10_000)
    await happen(world, municipality)
    await deliveries.settle()
    (attempt,) = (await delivery_of(municipality, endpoint, receiver.events[0]))["history"]
    assert attempt["answer"] is None
    assert len(attempt["answer_base64"]) == 4 * -(-8192 // 3)


@pytest.mark.usefixtures("endpoint")
async def test_a_clock_that_ran_ahead_and_was_put_back_holds_nothing_up(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    world.clock.advance(hours=3)
    await happen(world, municipality)
    await deliveries.settle()
    world.clock.advance(hours=-3)
    await happen(world, municipality)
    await deliveries.settle()
    assert len(receiver.events) == 2


async def test_an_event_of_newer_code_waits_for_a_worker_that_knows_it(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries, endpoint: Json
) -> None:
    await happen(world, municipality, 2)
    await deliveries.sequence()
    await world.database.fetch_hot(
        "UPDATE webhook_deliveries SET type = 'mandate.transferred' WHERE endpoint_id = $1 AND sequence = 1",
        endpoint["id"],
    )
    await deliveries.settle()
    assert [request.json["data"]["sequence"] for request in receiver.events] == [2]
    listed = await municipality.get(f"/v1/webhook-endpoints/{endpoint['id']}/deliveries", state="waiting")
    assert [(item["type"], item["attempts"]) for item in listed.json()["items"]] == [
        ("mandate.transferred", 0)
    ]


async def test_an_endpoint_that_cannot_be_opened_holds_up_no_other(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries, endpoint: Json
) -> None:
    broken = await enabled(municipality, receiver, deliveries)
    await world.database.fetch_hot(
        "UPDATE webhook_endpoints SET ciphertext = '\\x00', version = version + 1 WHERE id = $1", broken["id"]
    )
    await happen(world, municipality)
    await deliveries.settle()
    assert [request.json["data"]["sequence"] for request in receiver.events] == [1]
    assert (await delivery_of(municipality, endpoint, receiver.events[0]))["state"] == "delivered"
