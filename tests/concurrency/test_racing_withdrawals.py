"""Of many that ask for withdrawal at once one is recorded; of racing answers one counts."""

import asyncio
from collections import Counter

from acting import problem
from concurrency.racing import Race
from factories import BERI, Json

WHY = {"by": "principal", "reason": "over"}


def address(mandate: Json, rest: str = "") -> str:
    return f"/v1/mandates/{mandate['id']}/withdrawal-requests{rest}"


async def test_of_many_that_ask_one_is_recorded_and_named(race: Race) -> None:
    mandate = await race.mandate()
    token = race.world.id_token(BERI, race.owner.client_id)
    answers = await asyncio.gather(
        *(race.client(number).post(address(mandate), WHY, Id_Token=token) for number in range(20))
    )
    (done,) = [answer.json() for answer in answers if answer.status_code == 201]
    others = [answer for answer in answers if answer.status_code != 201]
    assert {problem(answer) for answer in others} == {"409 withdrawal-open"}
    assert {answer.json()["withdrawal_request"]["event_id"] for answer in others} == {done["event_id"]}
    assert await race.count("mandate_events") == 1


async def test_of_completions_refusals_and_a_revocation_one_answers(race: Race) -> None:
    template = await race.world.publish_template(race.owner)
    token = race.world.id_token(BERI, race.owner.client_id)
    for round_number in range(4):
        mandate = await race.world.issue(race.owner, template, external_ref=f"{round_number}")
        asked = (await race.owner.post(address(mandate), WHY, Id_Token=token)).json()
        calls = [
            race.client(number).post(address(mandate, f"/{asked['event_id']}/{act}"), {"reason": "answered"})
            for number, act in enumerate(["completion", "refusal"] * 6)
        ]
        answers = await asyncio.gather(*calls)
        kinds = Counter("done" if answer.status_code == 201 else problem(answer) for answer in answers)
        assert kinds["done"] == 1
        assert len(kinds) == 2
        assert set(kinds) <= {"done", "409 already-ended", "409 withdrawal-answered"}
        if kinds["409 withdrawal-answered"]:
            done = await race.owner.post(
                f"/v1/mandates/{mandate['id']}/revocation", {"by": "third_party", "reason": "next round"}
            )
            assert done.status_code == 201
