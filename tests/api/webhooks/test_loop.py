"""The worker's loop: all at once, each once, and an end in order."""

import asyncio

from factories import Json, Organisation, World
from registry.domain.errors import UnavailableError
from registry.webhooks.sender import Answer, Outgoing
from registry.worker.delivering import Delivering, Outbound
from webhooks import OK, Deliveries, Receiver, Request, enabled, happen


def parts(world: World, deliveries: Deliveries) -> Delivering:
    return Delivering(world.database, lambda: world.keys, world.clock, deliveries.outbound)


async def until_events(receiver: Receiver, count: int) -> None:
    async with asyncio.timeout(20):
        while len(receiver.events) < count:
            await receiver.came.wait()
            receiver.came.clear()


class Slow:
    """A sender in the place of HTTP: the second message has to wait until it is let go."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.go_on = asyncio.Event()

    async def send(self, outgoing: Outgoing) -> Answer:
        self.sent.append(outgoing)
        if len(self.sent) == 2:
            await self.go_on.wait()
        return Answer(200, None, 1)


async def test_what_takes_longer_is_recorded_too(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    """Also when others, begun at the same time, were recorded meanwhile."""
    endpoint = await enabled(municipality, receiver, deliveries)
    await happen(world, municipality, 2)
    await deliveries.sequence()
    slow, stop = Slow(), asyncio.Event()
    outbound = Outbound(slow, "https://registry.example")
    loop = Delivering(world.database, lambda: world.keys, world.clock, outbound)
    running = asyncio.create_task(loop.run(stop, poll_seconds=0.05))
    await until_states(municipality, endpoint, ["delivered", "delivered", "waiting"])
    slow.go_on.set()
    await until_states(municipality, endpoint, ["delivered"] * 3)
    stop.set()
    await running
    assert len(slow.sent) == 2


async def until_states(owner: Organisation, endpoint: Json, states: list[str]) -> None:
    async with asyncio.timeout(10):
        while True:
            found = (await owner.get(f"/v1/webhook-endpoints/{endpoint['id']}/deliveries")).json()["items"]
            if sorted(item["state"] for item in found) == states:
                return


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
    await until_states(municipality, endpoint, ["delivered", "delivered"])
    stop.set()
    await running
    assert (len(asked), len(receiver.events)) == (1, 1)
