"""What a mandate request refuses: askers, terms, signers, and what can no longer be granted."""

from datetime import timedelta

import httpx
import pytest

from acting import faults, jws_signature, paper_signature, problem, without
from asking import ROOT, ask_for, company, company_body, sign_as, standing
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    PETRONELLA,
    TEST_PERSSON,
    Json,
    Organisation,
    World,
    mandate_body,
    person,
    template_body,
)
from problem_documents import assert_names_nobody
from registry.domain.callers import Scope
from registry.domain.documents import utc_text


@pytest.fixture
async def template(world: World, municipality: Organisation) -> Json:
    return await world.publish_template(municipality)


@pytest.fixture
async def request_of_company(municipality: Organisation, template: Json) -> Json:
    return await ask_for(municipality, company_body(template))


async def test_nobody_else_asks(world: World, municipality: Organisation, template: Json) -> None:
    stranger = await world.organisation()
    refused = await stranger.post(ROOT, mandate_body(template))
    assert problem(refused) == "403 forbidden"
    assert "the organisation that is the principal" in refused.json()["detail"]
    draft = (await municipality.post("/v1/templates", template_body(municipality))).json()
    principal = await world.organisation()
    body = mandate_body(draft, principal=principal.wire)
    assert faults(await principal.post(ROOT, body)) == {("/template", "unknown_template")}
    assert ("/template/version", "template_draft") in faults(
        await municipality.post(ROOT, mandate_body(draft))
    )


async def test_its_own_system_does_not_say_who_signs_for_an_organisation(
    world: World, template: Json
) -> None:
    principal = await world.organisation()
    body = company_body(template) | {"principal": principal.wire}
    assert faults(await principal.post(ROOT, body)) == {
        ("/principal_details/signatory_rule", "not_yours_to_state")
    }


async def test_a_client_of_another_department_does_not_ask_as_the_principal_either(
    world: World, municipality: Organisation, template: Json
) -> None:
    elsewhere = await world.organisation(municipality.party, departments=frozenset({"Skolkontoret"}))
    body = company_body(template) | {"principal": municipality.wire}
    assert problem(await elsewhere.post(ROOT, body)) == "403 forbidden"


async def test_somebody_has_to_be_able_to_sign(municipality: Organisation, template: Json) -> None:
    body = mandate_body(template, principal=company())
    assert faults(await municipality.post(ROOT, body)) == {("/principal_details/signatory_rule", "missing")}


async def test_all_faults_come_at_once(municipality: Organisation, template: Json) -> None:
    body = mandate_body(
        template,
        permissions=["unheard-of"],
        representatives=[],
        expires_in_days=999,
        return_url="https://elsewhere.example/",
    )
    assert faults(await municipality.post(ROOT, body)) == {
        ("/permissions", "unknown_permission"),
        ("/representatives", "missing"),
        ("/expires_in_days", "too_long"),
        ("/return_url", "not_allowed"),
    }


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"signatures": []}, ("/signatures", "extra_forbidden")),
        ({"expires_in_days": 0}, ("/expires_in_days", "greater_than_equal")),
        ({"expires_in_days": "7"}, ("/expires_in_days", "int_type")),
        ({"return_url": f"https://a.example/{BERI}"}, ("/return_url", "personal_identifier")),
    ],
)
async def test_malformed_terms_are_refused(
    municipality: Organisation, template: Json, changes: Json, fault: tuple[str, str]
) -> None:
    refused = await municipality.post(ROOT, mandate_body(template) | changes)
    assert faults(refused) == {fault}
    assert_names_nobody(refused.text)


async def test_a_request_needs_its_scope_and_a_key(world: World, municipality: Organisation) -> None:
    reader = await world.organisation(municipality.party, without=without(Scope.REQUESTS_WRITE))
    assert problem(await reader.post(ROOT, {})) == "403 missing-scope"
    unkeyed = await municipality.http.post(ROOT, json={})
    assert unkeyed.status_code == 400


async def test_nobody_signs_who_is_not_asked(
    world: World, municipality: Organisation, request_of_company: Json
) -> None:
    for number in (BERI, PAUL):
        refused = await sign_as(world, municipality, request_of_company, number)
        assert faults(refused) == {("/signer", "wrong_signer")}
    assert (await standing(municipality, request_of_company))["signatures"] == []


async def test_nobody_signs_twice(world: World, municipality: Organisation, request_of_company: Json) -> None:
    assert (await sign_as(world, municipality, request_of_company, HERMAN)).status_code == 201
    again = await sign_as(world, municipality, request_of_company, HERMAN)
    assert problem(again) == "409 already-signed"
    assert (await standing(municipality, request_of_company))["status"] == "pending"


async def test_the_same_delivery_is_answered_as_it_was(
    world: World, municipality: Organisation, request_of_company: Json
) -> None:
    signature = jws_signature(world.evidence(HERMAN, request_of_company["digest"]), "signatory")
    address, key = f"{ROOT}/{request_of_company['id']}/signatures", {"Idempotency_Key": "delivery-1"}
    first = await municipality.post(address, signature, **key)
    last = await sign_as(world, municipality, request_of_company, MARIA, Idempotency_Key="delivery-2")
    again = await municipality.post(address, signature, **key)
    assert (again.status_code, again.json()["status"], again.json()["at"]) == (
        201,
        "pending",
        first.json()["at"],
    )
    repeated = await municipality.post(address, signature, Idempotency_Key="delivery-2")
    assert problem(repeated) == "422 idempotency-key-reused"
    assert last.json()["status"] == "issued"


async def test_the_same_question_makes_one_request(municipality: Organisation, template: Json) -> None:
    body, key = mandate_body(template), {"Idempotency_Key": "ask-1"}
    made = [await municipality.post(ROOT, body, **key) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json()["id"] == made[1].json()["id"]
    other = await municipality.post(ROOT, body | {"permissions": ["follow"]}, **key)
    assert problem(other) == "422 idempotency-key-reused"


async def test_evidence_for_something_else_is_no_signature(
    world: World, municipality: Organisation, template: Json, request_of_company: Json
) -> None:
    other = await ask_for(municipality, company_body(template, permissions=["follow"]))
    refused = await sign_as(world, municipality, request_of_company | {"digest": other["digest"]}, HERMAN)
    [(pointer, code)] = faults(refused)
    assert pointer == "/evidence/data"
    assert code.startswith("evidence_")
    wrong_capacity = await sign_as(world, municipality, request_of_company, HERMAN, capacity="principal")
    assert faults(wrong_capacity) == {("/capacity", "capacity")}
    token = world.evidence(HERMAN, request_of_company["digest"])
    named = jws_signature(token, "signatory", signer=person(MARIA, None))
    refused = await municipality.post(f"{ROOT}/{request_of_company['id']}/signatures", named)
    assert faults(refused) == {("/signer", "wrong_signer")}


async def test_who_is_logged_in_and_who_signs_are_one_person(
    world: World, municipality: Organisation, request_of_company: Json
) -> None:
    token = world.id_token(MARIA, municipality.client_id)
    refused = await sign_as(world, municipality, request_of_company, HERMAN, Id_Token=token)
    assert problem(refused) == "403 forbidden"


async def test_only_the_third_partys_employee_attests(world: World, municipality: Organisation) -> None:
    """A registrar elsewhere, even of the principal itself, has no say here."""
    template = await world.publish_template(municipality, signing={"methods": ["paper", "jws"]})
    principal = await world.organisation()
    body = company_body(template) | {"principal": principal.wire}
    request = await ask_for(municipality, body)
    signature = paper_signature(person(HERMAN, "Herman Ört"), world.clock(), capacity="signatory")
    address = f"{ROOT}/{request['id']}/signatures"
    assert problem(await principal.post(address, signature)) == "403 forbidden"
    clerk = await world.organisation(municipality.party, without=without(Scope.MANDATES_REGISTER))
    assert faults(await clerk.post(address, signature)) == {("/method", "not_a_registrar")}
    assert (await municipality.post(address, signature)).json()["status"] == "pending"


async def test_a_method_that_the_template_does_not_take(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality, signing={"methods": ["paper"]})
    request = await ask_for(municipality, mandate_body(template))
    assert faults(await sign_as(world, municipality, request, BERI)) == {("/method", "method")}


async def test_it_waits_no_longer_than_the_template_lets_it(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality, signing={"request_lifetime_days": 30})
    request = await ask_for(municipality, mandate_body(template))
    created, ends = (world.clock().fromisoformat(request[name]) for name in ("created_at", "expires_at"))
    assert ends - created == timedelta(days=30)
    refused = await municipality.post(ROOT, mandate_body(template, expires_in_days=31))
    assert faults(refused) == {("/expires_in_days", "too_long")}
    soon = utc_text(world.clock() + timedelta(days=3))
    short = await ask_for(municipality, mandate_body(template, valid_until=soon))
    assert short["expires_at"] == soon


async def test_a_retired_template_takes_no_more_signatures(
    world: World, municipality: Organisation, template: Json, request_of_company: Json
) -> None:
    await sign_as(world, municipality, request_of_company, HERMAN)
    await municipality.post(f"/v1/templates/{template['id']}/retirement")
    refused = await sign_as(world, municipality, request_of_company, MARIA)
    assert problem(refused) == "409 not-grantable"
    assert refused.json()["reasons"] == ["template_retired"]
    after = await standing(municipality, request_of_company)
    assert (after["status"], len(after["signatures"])) == ("pending", 1)


async def test_a_replaced_version_serves_what_was_asked_for_while_it_was_current(
    world: World, municipality: Organisation, template: Json
) -> None:
    request = await ask_for(municipality, mandate_body(template))
    address = f"/v1/templates/{template['id']}/versions"
    await municipality.post(address, template_body(municipality, title={"sv": "Nytt namn"}))
    await municipality.post(f"{address}/2/publication")
    assert (await sign_as(world, municipality, request, BERI)).json()["status"] == "issued"
    assert ("/template/version", "template_replaced") in faults(
        await municipality.post(ROOT, mandate_body(template, permissions=["follow"]))
    )


async def test_what_is_in_force_already_is_told_to_the_last_signer(
    world: World, municipality: Organisation, template: Json
) -> None:
    requests = [await ask_for(municipality, company_body(template)) for _ in range(2)]
    issued = (await sign_as(world, municipality, requests[0], PETRONELLA)).json()
    assert (await sign_as(world, municipality, requests[1], HERMAN)).json()["status"] == "pending"
    refused = await sign_as(world, municipality, requests[1], MARIA)
    assert problem(refused) == "409 already-in-force"
    assert refused.json()["mandate_id"] == issued["mandate_id"]
    after = await standing(municipality, requests[1])
    assert (after["status"], len(after["signatures"])) == ("pending", 1)
    over = {"by": "third_party", "reason": "replaced"}
    await municipality.post(f"/v1/mandates/{issued['mandate_id']}/revocation", over)
    assert (await sign_as(world, municipality, requests[1], MARIA)).json()["status"] == "issued"


async def test_a_request_that_supersedes(world: World, municipality: Organisation, template: Json) -> None:
    old = await world.issue(municipality, template)
    request, again = [
        await ask_for(municipality, mandate_body(template, supersedes=old["id"])) for _ in range(2)
    ]
    signed = (await sign_as(world, municipality, request, BERI)).json()
    assert signed["status"] == "issued"
    events = (await municipality.get(f"/v1/mandates/{old['id']}/events")).json()["items"]
    assert events[-1]["details"] == {"superseded_by": signed["mandate_id"]}
    assert problem(await sign_as(world, municipality, again, BERI)) == "409 mandate-over"
    for supersedes, code in ((old["id"], "mandate_over"), (request["id"], "unknown_mandate")):
        refused = await municipality.post(ROOT, mandate_body(template, supersedes=supersedes))
        assert faults(refused) == {("/supersedes", code)}


async def test_a_client_of_another_department_sees_nothing(
    world: World, municipality: Organisation, request_of_company: Json
) -> None:
    elsewhere = await world.organisation(municipality.party, departments=frozenset({"Skolkontoret"}))
    here = await world.organisation(municipality.party, departments=frozenset({"Miljökontoret"}))
    address = f"{ROOT}/{request_of_company['id']}"
    answers: list[httpx.Response] = [
        await elsewhere.get(address),
        await elsewhere.post(f"{address}/cancellation"),
        await sign_as(world, elsewhere, request_of_company, HERMAN),
    ]
    assert {problem(answer) for answer in answers} == {"404 not-found"}
    assert (await elsewhere.post(f"{ROOT}/search", {})).json()["items"] == []
    assert (await here.get(address)).status_code == 200
    [found] = (await here.post(f"{ROOT}/search", {})).json()["items"]
    assert found["id"] == request_of_company["id"]


async def test_no_refusal_names_anybody(
    world: World, municipality: Organisation, request_of_company: Json
) -> None:
    for number in (BERI, TEST_PERSSON):
        assert_names_nobody((await sign_as(world, municipality, request_of_company, number)).text)
    await sign_as(world, municipality, request_of_company, HERMAN)
    assert_names_nobody((await sign_as(world, municipality, request_of_company, HERMAN)).text)
