"""A hundred racing uses: exactly as many succeed as the mandate permits."""

import asyncio
from collections import Counter

import pytest

from acting import decision, problem
from concurrency.racing import Race
from factories import PAUL, person

RACERS = 100


@pytest.mark.parametrize("limit", [1, 3])
async def test_exactly_as_many_as_permitted(race: Race, limit: int) -> None:
    mandate = await race.mandate(exercise={"max_uses": limit})
    address = f"/v1/mandates/{mandate['id']}"
    answers = await asyncio.gather(
        *(
            race.client(number).post(
                f"{address}/uses",
                {"permission": "apply", "case_ref": f"case {number}", "by": person(PAUL, None)},
            )
            for number in range(RACERS)
        )
    )
    kinds = Counter("201" if answer.status_code == 201 else problem(answer) for answer in answers)
    assert kinds == {"201": limit, "409 mandate-over": RACERS - limit}
    remaining = [answer.json()["remaining"] for answer in answers if answer.status_code == 201]
    assert sorted(remaining) == list(range(limit))
    assert {answer.json()["mandate_status"] for answer in answers if answer.status_code == 409} == {"used_up"}
    events = (await race.owner.get(f"{address}/events")).json()["items"]
    assert [event["type"] for event in events[1:]] == ["mandate.used"] * limit + ["mandate.used_up"]
    assert len({event["details"]["case_ref"] for event in events[1:-1]}) == limit
    assert await decision(race.owner) == "deny: used_up"


async def test_uses_and_a_revocation(race: Race) -> None:
    mandate = await race.mandate(exercise={"max_uses": 50})
    address = f"/v1/mandates/{mandate['id']}"
    use = {"permission": "apply", "case_ref": "case", "by": person(PAUL, None)}
    answers = await asyncio.gather(
        *(
            race.client(number).post(f"{address}/revocation", {"by": "third_party", "reason": "over"})
            if number == 10
            else race.client(number).post(f"{address}/uses", use)
            for number in range(30)
        )
    )
    assert answers[10].status_code == 201
    used = [answer for number, answer in enumerate(answers) if number != 10 and answer.status_code == 201]
    events = (await race.owner.get(f"{address}/events")).json()["items"]
    assert [event["type"] for event in events] == [
        "mandate.issued",
        *["mandate.used"] * len(used),
        "mandate.revoked",
    ]
    assert sorted(answer.json()["remaining"] for answer in used) == list(range(50 - len(used), 50))
