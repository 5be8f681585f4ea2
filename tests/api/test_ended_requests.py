"""How a mandate request ends without a mandate: declined, cancelled, lapsed; and then it is over."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from acting import problem, world_at
from asking import ROOT, ask_for, company_body, sign_as, standing
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    PETRONELLA,
    Json,
    Organisation,
    World,
    person,
)


@pytest.fixture
async def template(world: World, municipality: Organisation) -> Json:
    return await world.publish_template(municipality)


@pytest.fixture
async def request_of_company(municipality: Organisation, template: Json) -> Json:
    return await ask_for(municipality, company_body(template))


async def test_who_is_asked_declines(
    world: World, municipality: Organisation, request_of_company: Json
) -> None:
    address = f"{ROOT}/{request_of_company['id']}/decline"
    assert problem(await municipality.post(address)) == "403 forbidden"
    for number in (BERI, PAUL):
        outsider = world.id_token(number, municipality.client_id)
        assert problem(await municipality.post(address, Id_Token=outsider)) == "403 forbidden"
    token = world.id_token(MARIA, municipality.client_id)
    declined = await municipality.post(address, {"reason": "Vi vill inte."}, Id_Token=token)
    assert (declined.status_code, declined.json()["status"]) == (201, "declined")
    after = await standing(municipality, request_of_company)
    assert (after["status"], after["ended_at"], after["signatures_missing"]) == (
        "declined",
        declined.json()["at"],
        [],
    )


async def test_who_has_signed_does_not_decline(
    world: World, municipality: Organisation, request_of_company: Json
) -> None:
    await sign_as(world, municipality, request_of_company, MARIA)
    token = world.id_token(MARIA, municipality.client_id)
    refused = await municipality.post(f"{ROOT}/{request_of_company['id']}/decline", Id_Token=token)
    assert problem(refused) == "409 already-signed"


async def test_the_principals_organisation_declines(world: World, municipality: Organisation) -> None:
    principal = await world.organisation()
    template = await world.publish_template(municipality)
    request = await ask_for(municipality, company_body(template) | {"principal": principal.wire})
    declined = await principal.post(f"{ROOT}/{request['id']}/decline")
    assert declined.json()["status"] == "declined"


async def test_who_asked_cancels_also_after_a_signature(
    world: World, municipality: Organisation, template: Json
) -> None:
    principal = await world.organisation()
    request = await ask_for(municipality, company_body(template) | {"principal": principal.wire})
    await sign_as(world, municipality, request, HERMAN)
    address = f"{ROOT}/{request['id']}/cancellation"
    assert problem(await principal.post(address)) == "403 forbidden"
    cancelled = await municipality.post(address, {"reason": "Ärendet är återkallat."})
    assert (cancelled.status_code, cancelled.json()["status"]) == (201, "cancelled")
    refused = await sign_as(world, municipality, request, MARIA)
    assert problem(refused) == "409 request-over"
    assert refused.json()["request_ended_by"] == {
        "type": "request.cancelled",
        "at": cancelled.json()["at"],
    }


Ending = Callable[[World, Organisation, Json], Awaitable[Any]]


async def _issue(world: World, owner: Organisation, request: Json) -> None:
    await sign_as(world, owner, request, PETRONELLA)


async def _decline(world: World, owner: Organisation, request: Json) -> None:
    await owner.post(f"{ROOT}/{request['id']}/decline", Id_Token=world.id_token(HERMAN, owner.client_id))


async def _cancel(_: World, owner: Organisation, request: Json) -> None:
    await owner.post(f"{ROOT}/{request['id']}/cancellation")


@pytest.mark.parametrize(
    ("end", "kind"), [(_issue, "issued"), (_decline, "declined"), (_cancel, "cancelled")]
)
async def test_what_is_over_stays_over(
    world: World, municipality: Organisation, request_of_company: Json, end: Ending, kind: str
) -> None:
    await end(world, municipality, request_of_company)
    before = await standing(municipality, request_of_company)
    token = world.id_token(MARIA, municipality.client_id)
    address = f"{ROOT}/{request_of_company['id']}"
    for refused in (
        await sign_as(world, municipality, request_of_company, MARIA),
        await municipality.post(f"{address}/decline", Id_Token=token),
        await municipality.post(f"{address}/cancellation"),
    ):
        assert problem(refused) == "409 request-over"
        assert refused.json()["request_ended_by"]["type"] == f"request.{kind}"
        assert refused.json().get("mandate_id") == before["mandate_id"]
    assert before["status"] == kind
    assert await standing(municipality, request_of_company) | {"consistency_token": None} == before | {
        "consistency_token": None
    }


async def test_a_request_lapses_by_itself(world: World, municipality: Organisation, template: Json) -> None:
    request = await ask_for(municipality, company_body(template, expires_in_days=2))
    await sign_as(world, municipality, request, HERMAN)
    expires_at = world.clock().fromisoformat(request["expires_at"])
    assert expires_at - world.clock().fromisoformat(request["created_at"]) == timedelta(days=2)
    for moment, status in ((expires_at - timedelta(microseconds=1), "pending"), (expires_at, "lapsed")):
        later = world_at(world, moment)
        client = await _calling(later, municipality)
        seen = await standing(client, request)
        assert seen["status"] == status
        found = (await client.post(f"{ROOT}/search", {"status": status})).json()["items"]
        assert [item["id"] for item in found] == [request["id"]]
        waiting = (await client.post(f"{ROOT}/search", {"signer": person(MARIA, None)})).json()["items"]
        assert len(waiting) == (status == "pending")
    refused = await sign_as(later, client, request, MARIA)
    assert problem(refused) == "409 request-over"
    assert refused.json()["request_ended_by"] == {
        "type": "request.lapsed",
        "at": request["expires_at"],
    }
    assert problem(await client.post(f"{ROOT}/{request['id']}/cancellation")) == "409 request-over"


async def _calling(world: World, organisation: Organisation) -> Organisation:
    return await world.organisation(organisation.party)
