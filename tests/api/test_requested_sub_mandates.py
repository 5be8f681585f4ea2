"""Requests for sub-mandates: the representatives of the parent sign, and the parent must still stand."""

from acting import ask, problem
from asking import ask_for, sign_as, standing
from delegating import make_chain, sub_body
from factories import BERI, MARIA, PAUL, Organisation, World, person


async def test_the_parents_representative_signs(world: World, municipality: Organisation) -> None:
    chain = await make_chain(world, municipality, 2)
    request = await ask_for(municipality, sub_body(chain[-1], "193504049135"))
    holder = chain[-1]["representatives"][0]["value"]
    assert request["capacity"] == "representative"
    (missing,) = request["signatures_missing"]
    assert [party["value"] for party in missing["any_of"]] == [holder]

    wrong = await sign_as(world, municipality, request, BERI, capacity="representative")
    assert problem(wrong) == "422 invalid-input"
    signed = await sign_as(world, municipality, request, holder, capacity="representative")
    assert signed.json()["status"] == "issued", signed.text
    answer = await ask(municipality, representative=person("193504049135", None))
    assert answer["permissions"][0]["chain"] == [*(item["id"] for item in chain), signed.json()["mandate_id"]]


async def test_nothing_is_granted_below_a_mandate_that_has_ended(
    world: World, municipality: Organisation
) -> None:
    chain = await make_chain(world, municipality, 1, delegation={"max_depth": 1})
    request = await ask_for(municipality, sub_body(chain[0], MARIA))
    revoked = await municipality.post(
        f"/v1/mandates/{chain[0]['id']}/revocation", {"by": "third_party", "reason": "closed"}
    )
    assert revoked.status_code == 201
    refused = await sign_as(world, municipality, request, PAUL, capacity="representative")
    assert problem(refused) == "409 not-grantable"
    assert (await standing(municipality, request))["signatures"] == []
