"""A request's whole life: asked for, signed one by one, become a mandate."""

import pytest

from acting import canonical, decision, paper_signature, problem, sha256_text, verified
from asking import ROOT, ask_for, company, company_body, sign_as, standing
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    PETRONELLA,
    Organisation,
    World,
    jws_payload,
    mandate_body,
    person,
)
from registry.identity.schemes import parse_party
from registry.signing.encodings import decode_base64url

CONTENT = ("principal", "representatives", "permissions", "valid_from", "valid_until", "language", "template")


async def test_a_person_signs_what_an_authority_asks_for(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    request = await ask_for(municipality, mandate_body(template))
    assert (request["status"], request["capacity"], request["mandate_id"]) == ("pending", "principal", None)
    assert request["signatures_missing"] == [
        {"capacity": "principal", "any_of": [person(BERI, None) | {"name": None}], "count": 1}
    ]
    assert request["signatures"] == []
    assert await decision(municipality) == "deny: no_mandate"

    signed = (await sign_as(world, municipality, request, BERI)).json()
    assert (signed["status"], signed["request_id"]) == ("issued", request["id"])
    mandate = (await municipality.get(f"/v1/mandates/{signed['mandate_id']}")).json()
    assert mandate["request_id"] == request["id"]
    assert {name: mandate[name] for name in CONTENT} == {name: request[name] for name in CONTENT}
    assert mandate["content_digest"] == request["digest"]
    assert await decision(municipality, at_least=signed["consistency_token"]) == "permit"
    after = await standing(municipality, request)
    assert (after["status"], after["mandate_id"]) == ("issued", signed["mandate_id"])
    assert after["signatures_missing"] == []


async def test_what_is_signed_is_fixed_to_the_byte(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    request = await ask_for(municipality, mandate_body(template))
    signed_bytes = decode_base64url(request["to_be_signed"])
    assert sha256_text(signed_bytes) == request["digest"]
    await sign_as(world, municipality, request, BERI)
    after = await standing(municipality, request)
    assert after["to_be_signed"] == request["to_be_signed"]
    record = (await municipality.get(f"/v1/mandates/{after['mandate_id']}/record")).text
    document = await verified(world, record, "mandate-record+jwt")
    assert canonical(document["content"]) == signed_bytes
    assert document["request_id"] == request["id"]


async def test_a_mandate_without_a_request_names_none(world: World, municipality: Organisation) -> None:
    mandate = await world.issue(municipality, await world.publish_template(municipality))
    assert mandate["request_id"] is None
    record = (await municipality.get(f"/v1/mandates/{mandate['id']}/record")).text
    assert "request_id" not in jws_payload(record)


async def test_two_signatories_sign_jointly(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    request = await ask_for(municipality, company_body(template))
    assert [(way["count"], len(way["any_of"])) for way in request["signatures_missing"]] == [(1, 1), (2, 3)]

    first = (await sign_as(world, municipality, request, HERMAN)).json()
    assert (first["status"], first["mandate_id"]) == ("pending", None)
    waiting = await standing(municipality, request)
    assert [item["signer"]["value"] for item in waiting["signatures"]] == [HERMAN]
    assert [
        (way["count"], {party["value"] for party in way["any_of"]}) for way in waiting["signatures_missing"]
    ] == [
        (1, {PETRONELLA}),
        (1, {MARIA, PETRONELLA}),
    ]
    second = (await sign_as(world, municipality, request, MARIA)).json()
    assert second["status"] == "issued"
    mandate = (await municipality.get(f"/v1/mandates/{second['mandate_id']}")).json()
    assert [item["signer"]["value"] for item in mandate["signatures"]] == [HERMAN, MARIA]
    assert mandate["status"] == "active"


async def test_one_signs_alone_where_the_rule_lets_her(world: World, municipality: Organisation) -> None:
    request = await ask_for(municipality, company_body(await world.publish_template(municipality)))
    signed = (await sign_as(world, municipality, request, PETRONELLA)).json()
    assert signed["status"] == "issued"


async def test_the_principals_own_organisation_asks(world: World, municipality: Organisation) -> None:
    """Here the authority signs, as its base register says."""
    template = await world.publish_template(
        municipality, signing={"by": "authority", "methods": ["registered"]}
    )
    principal = await world.organisation(name="TB Bokföringsbyrå AB")
    body = mandate_body(template, principal=principal.wire)
    request = await ask_for(principal, body)
    assert request["asked_by"]["value"] == principal.party.value
    assert request["third_party"]["value"] == municipality.party.value
    assert (await standing(municipality, request))["status"] == "pending"
    signature = paper_signature(municipality.wire, world.clock(), capacity="authority")
    signed = await municipality.post(f"{ROOT}/{request['id']}/signatures", signature)
    assert signed.json()["status"] == "issued", signed.text
    assert (await standing(principal, request))["status"] == "issued"


async def test_an_employee_attests_a_paper_original(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality, signing={"methods": ["paper"]})
    request = await ask_for(municipality, mandate_body(template))
    signature = paper_signature(person(BERI, "Beri Ylles"), world.clock())
    signed = await municipality.post(f"{ROOT}/{request['id']}/signatures", signature)
    assert signed.json()["status"] == "issued", signed.text


async def test_a_guardian_signs_for_a_child(world: World, municipality: Organisation) -> None:
    """Who that is, is not known beforehand; the third party's employee attests it."""
    template = await world.publish_template(
        municipality, signing={"by": "guardian", "methods": ["registered"]}
    )
    request = await ask_for(municipality, mandate_body(template))
    assert request["signatures_missing"] == [{"capacity": "guardian", "any_of": None, "count": 1}]
    child = world.id_token(BERI, municipality.client_id)
    declined = await municipality.post(f"{ROOT}/{request['id']}/decline", Id_Token=child)
    assert problem(declined) == "403 forbidden"
    signature = paper_signature(person(MARIA, "Maria Johansson"), world.clock(), capacity="guardian")
    signed = await municipality.post(f"{ROOT}/{request['id']}/signatures", signature)
    assert signed.json()["status"] == "issued", signed.text


async def test_a_consent_is_asked_for(world: World, municipality: Organisation) -> None:
    """The authority itself is the recipient of the data."""
    template = await world.publish_template(
        municipality,
        kind="consent",
        representative_types=["organisation"],
        permissions=[{"code": "collect", "type": "collect", "title": {"sv": "Hämta uppgifter"}}],
    )
    body = mandate_body(template, representatives=[municipality.wire], permissions=["collect"])
    request = await ask_for(municipality, body)
    assert (await sign_as(world, municipality, request, BERI)).json()["status"] == "issued"


@pytest.mark.parametrize("act", ["GET", "search"])
async def test_a_representative_sees_that_it_is_asked_for_but_not_who_signs(
    world: World, municipality: Organisation, act: str
) -> None:
    agency = await world.organisation(name="TB Ombud AB")
    template = await world.publish_template(municipality, representative_types=["organisation"])
    body = company_body(template) | {"representatives": [agency.wire], "return_url": None}
    request = await ask_for(municipality, body)
    await sign_as(world, municipality, request, HERMAN)
    if act == "GET":
        answer = await agency.get(f"{ROOT}/{request['id']}")
        seen = answer.json()
    else:
        answer = await agency.post(f"{ROOT}/search", {"principal": company()})
        [seen] = answer.json()["items"]
    assert (seen["id"], seen["status"]) == (request["id"], "pending")
    for member in ("to_be_signed", "signatures", "principal_details", "return_url"):
        assert seen[member] is None
    assert [(way["any_of"], way["count"]) for way in seen["signatures_missing"]] == [(None, 1), (None, 1)]
    assert not any(number in answer.text for number in (HERMAN, MARIA, PETRONELLA))


async def test_nor_does_a_representative_learn_who_signs_by_searching(
    world: World, municipality: Organisation
) -> None:
    agency = await world.organisation(name="TB Ombud AB")
    principal = await world.organisation(parse_party("se-orgnr", company()["value"]))
    template = await world.publish_template(municipality, representative_types=["organisation"])
    body = company_body(template) | {"representatives": [agency.wire]}
    request = await ask_for(municipality, body)
    wanted = {"signer": person(MARIA, None), "template_id": template["id"]}
    for client, expected in ((municipality, 1), (principal, 1), (agency, 0)):
        items = (await client.post(f"{ROOT}/search", wanted)).json()["items"]
        assert [item["id"] for item in items] == [request["id"]] * expected
    [seen] = (await agency.post(f"{ROOT}/search", {"template_id": template["id"]})).json()["items"]
    assert seen["id"] == request["id"]


async def test_a_signer_reads_it_through_any_client_with_an_id_token(
    world: World, municipality: Organisation
) -> None:
    request = await ask_for(municipality, company_body(await world.publish_template(municipality)))
    portal = await world.organisation(name="Portalen AB")
    address = f"{ROOT}/{request['id']}"
    assert (await portal.get(address)).status_code == 404
    token = world.id_token(MARIA, portal.client_id)
    seen = await portal.http.get(address, headers={"Id-Token": token})
    assert seen.json()["to_be_signed"] == request["to_be_signed"]
    signed = await sign_as(world, portal, request, MARIA, Id_Token=token)
    assert signed.json()["status"] == "pending", signed.text
    other = world.id_token(BERI, portal.client_id)
    assert (await portal.http.get(address, headers={"Id-Token": other})).status_code == 404


async def test_polling_is_cheap_until_something_happens(world: World, municipality: Organisation) -> None:
    request = await ask_for(municipality, company_body(await world.publish_template(municipality)))
    address = f"{ROOT}/{request['id']}"
    tag = (await municipality.get(address)).headers["etag"]
    unchanged = await municipality.http.get(address, headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    await sign_as(world, municipality, request, HERMAN)
    changed = await municipality.http.get(address, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_requests_are_found_by_what_is_asked(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality, specifiers=["property"])
    other = await world.publish_template(municipality)
    first = await ask_for(municipality, mandate_body(template))
    second = await ask_for(municipality, company_body(template))
    third = await ask_for(municipality, company_body(other))
    await sign_as(world, municipality, first, BERI)
    await sign_as(world, municipality, second, HERMAN)

    async def found(**wanted: object) -> list[str]:
        answer = await municipality.post(f"{ROOT}/search", wanted)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    ids = [first["id"], second["id"], third["id"]]
    assert await found() == ids
    assert await found(principal=person(BERI, None)) == ids[:1]
    assert await found(signer=person(HERMAN, None)) == ids[2:]
    assert await found(signer=person(MARIA, None)) == ids[1:]
    assert await found(signer=person(PAUL, None)) == []
    assert await found(template_id=other["id"]) == ids[2:]
    assert await found(status="issued") == ids[:1]
    assert await found(status="pending") == ids[1:]
    page = (await municipality.post(f"{ROOT}/search", {"limit": 2})).json()
    assert [item["id"] for item in page["items"]] == ids[:2]
    rest = (await municipality.post(f"{ROOT}/search", {"limit": 2, "cursor": page["next"]})).json()
    assert ([item["id"] for item in rest["items"]], rest["next"]) == (ids[2:], None)
