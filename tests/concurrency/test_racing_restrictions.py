"""Racing liftings, and restrictions that race with uses: what is acknowledged first counts."""

import asyncio
from collections import Counter

from acting import decision, problem
from concurrency.racing import Race
from factories import BERI, PAUL, Json, person

ADDRESS = "/v1/restrictions"


def restriction(race: Race) -> Json:
    return {
        "subject": person(BERI),
        "scope": "all_representatives",
        "third_party": race.owner.wire,
        "reason": "protected person",
    }


async def test_one_of_many_liftings_wins(race: Race) -> None:
    imposed = (await race.owner.post(ADDRESS, restriction(race))).json()
    answers = await asyncio.gather(
        *(
            race.client(number).post(f"{ADDRESS}/{imposed['id']}/lifting", {"reason": f"{number}"})
            for number in range(20)
        )
    )
    kinds = Counter("201" if answer.status_code == 201 else problem(answer) for answer in answers)
    assert kinds == {"201": 1, "409 already-lifted": 19}
    assert await race.count("sealed_entries") == 2


async def test_the_same_request_twice_at_once_is_one_restriction(race: Race) -> None:
    key = {"Idempotency-Key": "once"}
    answers = await asyncio.gather(
        *(race.client(number).post(ADDRESS, restriction(race), **key) for number in range(10))
    )
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    refused = {problem(answer) for answer in answers if answer.status_code != 201}
    assert len(made) == await race.count("restriction_states") == 1
    assert refused <= {"409 request-in-progress"}


async def test_nothing_is_used_or_permitted_once_a_restriction_is_acknowledged(race: Race) -> None:
    mandate = await race.mandate()
    use = {"permission": "apply", "case_ref": "case", "by": person(PAUL, None)}
    uses = [
        asyncio.create_task(race.client(number).post(f"/v1/mandates/{mandate['id']}/uses", use))
        for number in range(20)
    ]
    imposed = await race.client(1).post(ADDRESS, restriction(race))
    assert imposed.status_code == 201
    for number in range(2):
        assert await decision(race.client(number)) == "deny: restricted"
        later = await race.client(number).post(f"/v1/mandates/{mandate['id']}/uses", use)
        assert problem(later) == "409 restricted"
    kinds = Counter(answer.status_code for answer in await asyncio.gather(*uses))
    assert kinds.keys() <= {201, 409}
    assert await race.count("mandate_events") == kinds[201]
