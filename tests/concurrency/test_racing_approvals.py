"""Racing decisions on one matter: the first counts, for every later question."""

import asyncio
from collections import Counter

from acting import decision, problem
from concurrency.racing import Race
from factories import BERI, PAUL, person

DIGEST = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


async def test_one_of_many_decisions_wins(race: Race) -> None:
    await race.mandate(exercise={"approval": True})
    matter = {
        "principal": person(BERI),
        "representative": person(PAUL),
        "permission": "apply",
        "title": "Application 2026-114",
        "content_digest": DIGEST,
        "deadline": "2098-01-01T00:00:00Z",
    }
    requested = (await race.owner.post("/v1/approvals", matter)).json()
    token = race.world.id_token(PAUL, race.owner.client_id)
    verdicts = ["approved", "declined"] * 10
    answers = await asyncio.gather(
        *(
            race.client(number).post(
                f"/v1/approvals/{requested['id']}/decision", {"decision": verdict}, Id_Token=token
            )
            for number, verdict in enumerate(verdicts)
        )
    )
    kinds = Counter("201" if answer.status_code == 201 else problem(answer) for answer in answers)
    assert kinds == {"201": 1, "409 already-decided": 19}
    [won] = [answer.json()["status"] for answer in answers if answer.status_code == 201]
    expected = "permit" if won == "approved" else "conditional: approval_required"
    for number in range(2):
        named = {"approval_id": requested["id"], "content_digest": DIGEST}
        assert await decision(race.client(number), **named) == expected
    assert await race.count("sealed_entries") == 2
