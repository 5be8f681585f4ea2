"""The worker's loop: all at once, each once, and an end in order."""

import asyncio
from contextlib import suppress

from factories import Organisation, World
from registry.domain.errors import UnavailableError
from registry.worker.delivering import Delivering
from webhooks import OK, Deliveries, Receiver, Request, enabled


def parts(world: World, deliveries: Deliveries) -> Delivering:
    return Delivering(world.database, lambda: world.keys, world.clock, deliveries.outbound)


async def until_events(receiver: Receiver, count: int) -> None:
    async with asyncio.timeout(20):
        while len(receiver.events) < count:
            await receiver.came.wait()
            receiver.came.clear()


async def test_everything_is_recorded_while_more_is_under_way(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    endpoint = await enabled(municipality, receiver, deliveries, concurrency=3, rate_per_second=500)
    for _ in range(25):
        await world.publish_template(municipality)
    await deliveries.sequence()
    stop = asyncio.Event()
    running = asyncio.create_task(parts(world, deliveries).run(stop, poll_seconds=0.05))
    await until_events(receiver, 25)
    stop.set()
    await running
    address = f"/v1/webhook-endpoints/{endpoint['id']}/deliveries"
    found = (await municipality.get(address, limit=100)).json()["items"]
    assert {(item["state"], item["attempts"]) for item in found} == {("delivered", 1)}
    assert len(found) == 26
    assert len(receiver.events) == 25


async def test_at_the_end_what_is_under_way_is_given_back(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    """Another worker goes on at once, not after the lease."""
    await enabled(municipality, receiver, deliveries)
    receiver.reply = lambda _: b""  # it hangs
    await world.publish_template(municipality)
    await deliveries.sequence()
    stop = asyncio.Event()
    running = asyncio.create_task(parts(world, deliveries).run(stop, poll_seconds=0.05, grace_seconds=0.1))
    await until_events(receiver, 1)
    stop.set()
    await running
    receiver.reply = lambda _: OK
    assert await deliveries.make() == 1
    first, second = receiver.events
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


async def test_what_could_not_be_recorded_is_recorded_later(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    """The database is away for a round: the answer is not lost, and the message not sent again."""
    endpoint = await enabled(municipality, receiver, deliveries)
    await world.publish_template(municipality)
    await deliveries.sequence()
    asked: list[Request] = []

    def keys_away_once() -> object:
        if receiver.events and not asked:
            asked.append(receiver.events[0])
            raise UnavailableError
        return world.keys

    stop = asyncio.Event()
    loop = Delivering(world.database, keys_away_once, world.clock, deliveries.outbound)  # type: ignore[arg-type]
    running = asyncio.create_task(loop.run(stop, poll_seconds=0.05))
    await until_events(receiver, 1)
    with suppress(TimeoutError):
        async with asyncio.timeout(10):
            while True:
                address = f"/v1/webhook-endpoints/{endpoint['id']}/deliveries"
                found = (await municipality.get(address, limit=1)).json()["items"]
                if found[0]["state"] == "delivered":
                    break
    stop.set()
    await running
    assert (found[0]["state"], found[0]["attempts"], len(receiver.events)) == ("delivered", 1, 1)
    assert asked
