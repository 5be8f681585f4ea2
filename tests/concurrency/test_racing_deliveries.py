"""Of deliveries under one key at once each replaces the one before: one stands, whole."""

import asyncio
from typing import Any

from concurrency.racing import Race
from factories import HERMAN, MARIA, PAUL, PETRONELLA, Json, person
from party_numbers import swedish

ADDRESS = "/v1/statutory-deliveries/register/household-1"
GUARDIANS = (HERMAN, MARIA, PAUL, PETRONELLA)


def items(template: Json, *guardians: str, **changes: Any) -> list[Json]:  # noqa: ANN401  # of the mandate
    return [
        {
            "template": {"id": template["id"], "version": 1},
            "principal": person(swedish("20900101100"), "Test"),
            "representatives": [person(guardian, "Test")],
            "permissions": ["follow"],
            "valid_from": "2026-01-01T00:00:00Z",
        }
        | changes
        for guardian in guardians
    ]


async def test_the_same_delivery_many_times_at_once_is_made_once(race: Race) -> None:
    template = await race.world.publish_template(race.owner, signing={"by": "authority"})
    body = {"mandates": items(template, *GUARDIANS)}
    answers = await asyncio.gather(
        *(race.client(number).http.put(ADDRESS, json=body) for number in range(12))
    )
    assert {answer.status_code for answer in answers} == {200}
    told = [answer.json() for answer in answers]
    assert len({tuple(one["id"] for one in answer["mandates"]) for answer in told}) == 1
    assert sorted(any(one["is_new"] for one in answer["mandates"]) for answer in told) == [False] * 11 + [
        True
    ]
    assert await race.count("mandate_records") == len(GUARDIANS)


async def test_different_deliveries_at_once_leave_one_whole(race: Race) -> None:
    template = await race.world.publish_template(race.owner, signing={"by": "authority"})
    bodies = [
        {"mandates": items(template, *GUARDIANS[: number % 4 + 1], external_ref=f"{number}")}
        for number in range(12)
    ]
    answers = await asyncio.gather(
        *(race.client(number).http.put(ADDRESS, json=body) for number, body in enumerate(bodies))
    )
    assert {answer.status_code for answer in answers} == {200}
    told = [answer.json() for answer in answers]
    ended = [one for answer in told for one in answer["ended"]]
    issued = [one["id"] for answer in told for one in answer["mandates"]]
    assert len(ended) == len(set(ended))
    standing = set(issued) - set(ended)
    last = max(told, key=lambda answer: len(set(standing) & {one["id"] for one in answer["mandates"]}))
    assert standing == {one["id"] for one in last["mandates"]}
    assert await race.count("mandate_states", "ended_at IS NULL") == len(standing)
    again = await race.owner.http.put(ADDRESS, json=bodies[told.index(last)])
    assert [one["is_new"] for one in again.json()["mandates"]] == [False] * len(standing)
