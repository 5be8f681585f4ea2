"""A process whose first requests come all at once, as after a restart or at the turn of a month."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from acting import calling, process_on
from concurrency.racing import Race
from conftest import opened
from factories import PAUL, Organisation, mandate_body, person, question


@pytest.fixture
async def fresh(race: Race) -> AsyncIterator[Organisation]:
    """The owner's connection to a process that has looked nobody up yet; all its connections are open."""
    async with opened(race.url) as database:
        client = await calling(process_on(database, race.world), race.owner)
        await asyncio.gather(*(client.get("/v1/templates") for _ in range(16)))
        yield client


async def test_nobody_waits_for_a_connection_that_another_holds(race: Race, fresh: Organisation) -> None:
    mandate = await race.mandate()
    address = f"/v1/mandates/{mandate['id']}"
    async with asyncio.timeout(30):
        answers = await asyncio.gather(
            *(fresh.get(address) for _ in range(12)),
            *(fresh.get(f"{address}/events") for _ in range(12)),
            *(fresh.post("/v1/mandates/search", {}) for _ in range(12)),
            *(
                fresh.post("/v1/representations/search", {"representative": person(PAUL, None)})
                for _ in range(12)
            ),
        )
    assert {answer.status_code for answer in answers} == {200}
    assert await race.count("erasable_secrets") == 2, "the mandate's and the month's, once"


async def test_issuing_and_verifying_at_once(race: Race, fresh: Organisation) -> None:
    template = await race.world.publish_template(race.owner, specifiers=["property"])
    bodies = [
        await race.world.sign(
            race.owner, mandate_body(template, specifier={"property": f"1:{n}"}), "198602262381"
        )
        for n in range(10)
    ]
    async with asyncio.timeout(30):
        answers = await asyncio.gather(
            *(fresh.post("/v1/mandates", body) for body in bodies),
            *(
                fresh.post("/v1/verifications", question(fresh, specifier={"property": f"1:{n % 10}"}))
                for n in range(40)
            ),
        )
    assert {answer.status_code for answer in answers[:10]} == {201}
    assert {answer.status_code for answer in answers[10:]} == {200}
