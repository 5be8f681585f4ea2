"""Racing acts on one mandate request: one mandate, one ending, and whoever comes too late is told."""

import asyncio
from collections import Counter
from datetime import timedelta

import httpx

from acting import calling, problem, process_on
from asking import ROOT, ask_for, company_body, sign_as, standing
from concurrency.racing import Race
from factories import BERI, HERMAN, MARIA, PETRONELLA, Clock, Json, mandate_body
from registry.operations.lapse_requests import lapse_requests

BOARD = (HERMAN, MARIA, PETRONELLA)


def outcomes(answers: list[httpx.Response]) -> Counter[str]:
    return Counter(
        answer.json()["status"] if answer.status_code == 201 else problem(answer) for answer in answers
    )


async def company_request(race: Race) -> Json:
    return await ask_for(race.owner, company_body(await race.world.publish_template(race.owner)))


async def entry_types(race: Race) -> Counter[str]:
    rows = await race.world.database.fetch_hot("SELECT type, count(*) AS n FROM sealed_entries GROUP BY type")
    return Counter({row["type"]: row["n"] for row in rows})


async def test_of_all_who_could_sign_last_one_makes_the_mandate(race: Race) -> None:
    request = await company_request(race)
    await sign_as(race.world, race.owner, request, HERMAN)
    answers = await asyncio.gather(
        *(
            sign_as(race.world, race.client(number), request, signer)
            for number, signer in enumerate((MARIA, PETRONELLA) * 4)
        )
    )
    assert outcomes(list(answers)) == {"issued": 1, "409 request-over": 7}
    assert await race.count("mandate_records") == 1
    after = await standing(race.owner, request)
    assert len(after["signatures"]) == 2
    named = {answer.json()["mandate_id"] for answer in answers}
    assert named == {after["mandate_id"]}
    assert await entry_types(race) == {"request.created": 1, "request.signed": 2, "request.issued": 1}


async def test_two_signatories_at_once_complete_it_together(race: Race) -> None:
    requests = [await company_request(race) for _ in range(3)]
    for request in requests:
        answers = await asyncio.gather(
            sign_as(race.world, race.client(0), request, HERMAN),
            sign_as(race.world, race.client(1), request, MARIA),
        )
        assert outcomes(list(answers)) == {"pending": 1, "issued": 1}
    assert await race.count("mandate_records") == len(requests)


async def test_one_signer_signs_once_however_often(race: Race) -> None:
    request = await company_request(race)
    answers = await asyncio.gather(
        *(sign_as(race.world, race.client(number), request, HERMAN) for number in range(10))
    )
    assert outcomes(list(answers)) == {"pending": 1, "409 already-signed": 9}
    assert len((await standing(race.owner, request))["signatures"]) == 1


async def test_one_delivery_has_one_effect(race: Race) -> None:
    request = await ask_for(race.owner, mandate_body(await race.world.publish_template(race.owner)))
    answers = await asyncio.gather(
        *(
            sign_as(race.world, race.client(number), request, BERI, Idempotency_Key="delivery-1")
            for number in range(10)
        )
    )
    # Each attests anew in another second at most: what was sent may differ, what was done may not.
    assert set(outcomes(list(answers))) <= {
        "issued",
        "409 request-in-progress",
        "409 request-over",
        "422 idempotency-key-reused",
    }
    assert outcomes(list(answers))["issued"] >= 1
    assert await race.count("mandate_records") == 1


async def test_signing_against_cancelling(race: Race) -> None:
    for _ in range(3):
        request = await company_request(race)
        signed, cancelled = await asyncio.gather(
            sign_as(race.world, race.client(0), request, PETRONELLA),
            race.client(1).post(f"{ROOT}/{request['id']}/cancellation"),
        )
        await _one_of_two(race, request, signed, cancelled)


async def test_signing_against_declining(race: Race) -> None:
    for _ in range(3):
        request = await company_request(race)
        token = race.world.id_token(MARIA, race.owner.client_id)
        signed, declined = await asyncio.gather(
            sign_as(race.world, race.client(0), request, PETRONELLA),
            race.client(1).post(f"{ROOT}/{request['id']}/decline", Id_Token=token),
        )
        await _one_of_two(race, request, signed, declined)


async def _one_of_two(race: Race, request: Json, signed: httpx.Response, ended: httpx.Response) -> None:
    """Exactly one came first; the other is told of it, and a mandate is there only where signing won."""
    assert sorted([signed.status_code, ended.status_code]) == [201, 409]
    lost = signed if signed.status_code == 409 else ended
    after = await standing(race.owner, request)
    assert problem(lost) == "409 request-over"
    assert lost.json()["request_ended_by"]["type"] == f"request.{after['status']}"
    assert (after["mandate_id"] is not None) == (signed.status_code == 201)
    over = {"by": "third_party", "reason": "next round"}
    if after["mandate_id"]:
        await race.owner.post(f"/v1/mandates/{after['mandate_id']}/revocation", over)


async def test_everybody_at_once(race: Race) -> None:
    request = await company_request(race)
    tokens = {number: race.world.id_token(number, race.owner.client_id) for number in BOARD}
    address = f"{ROOT}/{request['id']}"
    answers = await asyncio.gather(
        *(sign_as(race.world, race.client(place), request, who) for place, who in enumerate(BOARD)),
        *(race.client(0).post(f"{address}/decline", Id_Token=token) for token in tokens.values()),
        *(race.client(1).post(f"{address}/cancellation") for _ in range(3)),
    )
    ended = outcomes(list(answers))
    assert sum(ended[kind] for kind in ("issued", "declined", "cancelled")) == 1
    after = await standing(race.owner, request)
    assert ended[after["status"]] == 1
    assert await race.count("mandate_records") == (after["status"] == "issued")


async def test_two_requests_for_the_same_make_one_mandate(race: Race) -> None:
    template = await race.world.publish_template(race.owner)
    requests = [await ask_for(race.owner, mandate_body(template)) for _ in range(6)]
    answers = await asyncio.gather(
        *(sign_as(race.world, race.client(number), item, BERI) for number, item in enumerate(requests))
    )
    assert outcomes(list(answers)) == {"issued": 1, "409 already-in-force": 5}
    assert await race.count("mandate_records") == 1
    assert (await entry_types(race))["request.signed"] == 1


async def test_many_workers_record_each_lapse_once(race: Race) -> None:
    template = await race.world.publish_template(race.owner, specifiers=["property"])
    made = [
        await ask_for(
            race.owner, mandate_body(template, specifier={"property": f"1:{number}"}, expires_in_days=1)
        )
        for number in range(7)
    ]
    kept = await ask_for(race.owner, mandate_body(template, expires_in_days=3))
    later = race.world.clock() + timedelta(days=2)
    databases = [world.database for world in race.worlds]
    done = await asyncio.gather(
        *(lapse_requests(databases[number % 2], race.world.keys, now=later, at_once=2) for number in range(4))
    )
    again = await lapse_requests(databases[0], race.world.keys, now=later, at_once=2)
    assert sum(done) + again == len(made)
    assert await lapse_requests(databases[0], race.world.keys, now=later) == 0
    assert (await entry_types(race))["request.lapsed"] == len(made)
    # Recorded is recorded, also to a process whose clock is behind.
    assert (await standing(race.owner, made[0]))["status"] == "lapsed"
    assert (await standing(race.owner, made[0]))["ended_at"] == made[0]["expires_at"]
    assert (await standing(race.owner, kept))["status"] == "pending"
    refused = await sign_as(race.world, race.owner, made[0], BERI)
    assert refused.json()["request_ended_by"]["type"] == "request.lapsed"


async def test_signing_against_the_worker_that_records_the_lapse(race: Race) -> None:
    """The signer's clock is behind: what is recorded first counts."""
    request = await company_request(race)
    lapses = race.world.clock().fromisoformat(request["expires_at"])
    late = process_on(race.worlds[1].database, race.world, Clock(lapses - timedelta(seconds=1)))
    signer = await calling(late, race.owner)
    signed, recorded = await asyncio.gather(
        sign_as(late, signer, request, PETRONELLA),
        lapse_requests(race.world.database, race.world.keys, now=lapses),
    )
    assert (signed.status_code, recorded) in {(201, 0), (409, 1)}
    assert await race.count("mandate_records") == (signed.status_code == 201)
