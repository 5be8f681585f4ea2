"""Writers race and commit out of order, two sequencers take turns: a reader sees each event once."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from concurrency.racing import Race
from factories import PAUL, Json, Organisation, World, person
from registry.domain.notices import FeedEventType, Notice
from registry.operations.fire_timers import fire_timers
from registry.operations.sequence_events import sequence_events
from registry.storage.database import Database
from registry.storage.mandate_states import lock_state
from registry.storage.outbox import enqueue
from registry.storage.wakeups import OUTBOX
from telling import read_page, types_of

ROUNDS, TOGETHER, USES = 4, 8, 8


async def test_a_reader_misses_nothing_and_sees_nothing_twice(race: Race) -> None:
    mandate = await race.mandate(exercise={"max_uses": USES})
    audience = frozenset({race.world.keys.party_index(race.owner.party)})
    written: list[UUID] = []
    finished = asyncio.Event()
    expected = 2 + ROUNDS * TOGETHER + USES + 1
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        sequencers = [group.create_task(_sequence(world, finished)) for world in race.worlds]
        reader = group.create_task(_follow(race.owner, expected))
        for number, world in enumerate(race.worlds):
            rng = random.Random(number)  # noqa: S311  # chosen to be repeatable
            group.create_task(_write(world.database, audience, written, rng))
        group.create_task(_use_up(race, mandate))
        told = await reader
        finished.set()
    assert sum(task.result() for task in sequencers) == expected
    assert [event["sequence"] for event in told] == list(range(1, expected + 1))
    assert len({event["id"] for event in told}) == expected
    assert {UUID(event["id"]) for event in told} >= set(written)
    of_mandate = [event for event in told if event.get("mandate_id") == mandate["id"]]
    assert types_of(of_mandate) == ["mandate.issued", *["mandate.used"] * USES, "mandate.used_up"]
    remaining = [event["details"]["remaining"] for event in of_mandate[1:-1]]
    assert remaining == list(reversed(range(USES)))
    assert await race.count("outbox") == 0


async def _write(
    database: Database, audience: frozenset[bytes], written: list[UUID], rng: random.Random
) -> None:
    for _ in range(ROUNDS // 2):
        await _write_out_of_order(database, audience, written, rng)


async def _write_out_of_order(
    database: Database, audience: frozenset[bytes], written: list[UUID], rng: random.Random
) -> None:
    """Some acts that take their places in one order and commit in another."""
    order = rng.sample(range(TOGETHER), TOGETHER)
    has_place = [asyncio.Event() for _ in range(TOGETHER + 1)]
    may_commit = [asyncio.Event() for _ in range(TOGETHER)]
    has_place[0].set()

    async def act(number: int) -> None:
        notice = Notice(uuid4(), FeedEventType.TEMPLATE_RETIRED, datetime.now(UTC), uuid4(), audience)
        await has_place[number].wait()
        async with database.transaction() as session:
            await enqueue(session, [notice])
            has_place[number + 1].set()
            await may_commit[number].wait()
        written.append(notice.id)

    async def let_commit(acts: list[asyncio.Task[None]]) -> None:
        await has_place[TOGETHER].wait()
        for number in order:
            may_commit[number].set()
            await acts[number]

    async with asyncio.TaskGroup() as group:
        await let_commit([group.create_task(act(number)) for number in range(TOGETHER)])


async def _use_up(race: Race, mandate: Json) -> None:
    body = {"permission": "apply", "case_ref": "case", "by": person(PAUL, None)}
    address = f"/v1/mandates/{mandate['id']}/uses"
    answers = await asyncio.gather(*(race.client(number).post(address, body) for number in range(USES)))
    assert {answer.status_code for answer in answers} == {201}


async def _sequence(world: World, finished: asyncio.Event) -> int:
    told = 0
    with world.database.wakeups.waiting(OUTBOX) as waiter:
        while not finished.is_set():
            done = await sequence_events(world.database, now=world.clock(), at_once=7)
            told += done.told
            if not done.has_more:
                await waiter.wait(0.05)
    return told


async def _follow(reader: Organisation, expected: int) -> list[Json]:
    found: list[Json] = []
    cursor = ""
    while len(found) < expected:
        page = await read_page(reader, cursor, limit=5, wait=1)
        found += page["items"]
        cursor = page["next"]
    return found


async def test_each_timer_fires_once_however_many_workers_there_are(race: Race) -> None:
    world = race.world
    template = await world.publish_template(race.owner, expiry_warning_days=[30], specifiers=["property"])
    for number in range(6):
        await world.issue(race.owner, template, specifier={"property": f"1:{number}"})
    now = world.clock()
    for days, event_type in ((340, "mandate.expiring"), (366, "mandate.expired")):
        then = now + timedelta(days=days)
        fired = await asyncio.gather(
            *(fire_timers(race.worlds[n % 2].database, world.keys, now=then, at_once=2) for n in range(6))
        )
        assert sum(fired) == 6
        assert await race.count("outbox", f"type = '{event_type}'") == 6
    assert await race.count("mandate_timers") == 0


async def test_a_timer_waits_for_an_act_on_its_mandate(race: Race) -> None:
    """What is told of a mandate stays in the order in which it happened."""
    mandate = await race.mandate(expiry_warning_days=[30])
    then = race.world.clock() + timedelta(days=340)
    async with race.world.database.transaction() as session:
        await lock_state(session, UUID(mandate["id"]))
        assert await fire_timers(race.worlds[1].database, race.world.keys, now=then) == 0
    assert await fire_timers(race.worlds[1].database, race.world.keys, now=then) == 1
