"""What was signed makes one mandate, and each party's role stays its own."""

from acting import faults, problem
from asking import ask_for, sign_as, standing
from factories import BERI, PAUL, Organisation, World, mandate_body, person, template_body


async def test_signatures_are_not_used_again_after_the_end(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    signed = await world.sign(municipality, mandate_body(template), BERI)
    first = (await municipality.post("/v1/mandates", signed)).json()
    ended = await municipality.post(
        f"/v1/mandates/{first['id']}/revocation", {"by": "third_party", "reason": "asked to"}
    )
    assert ended.status_code == 201
    again = await municipality.post("/v1/mandates", signed)
    assert again.status_code == 409, again.text
    assert again.json()["type"] == "urn:registry:problem:already-issued"
    assert again.json()["mandate_id"] == first["id"]


async def test_a_fault_points_at_its_signature_though_one_before_was_refused(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    signed = await world.sign(municipality, mandate_body(template), BERI, PAUL)
    signed["signatures"][0]["evidence"]["data"] = "no.compact.jws"
    answer = await municipality.post("/v1/mandates", signed)
    pointers = [fault["pointer"] for fault in answer.json()["errors"]]
    assert pointers == ["/signatures/0/evidence/data", "/signatures/1/signer"]


async def test_a_mandate_of_the_private_person_does_not_end_that_of_the_trader(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    trader = await world.issue(municipality, template, principal_role="organisation")
    body = mandate_body(template, supersedes=trader["id"], principal_role="person")
    answer = await municipality.post("/v1/mandates", await world.sign(municipality, body, BERI))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/supersedes"


async def test_a_rule_stated_for_a_person_lets_nobody_else_revoke(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    rule = {"alternatives": [{"any_of": [person(PAUL, None)], "count": 1}]}
    mandate = await world.issue(
        municipality, template, principal_details={"signatory_rule": rule, "source": "stated"}
    )
    answer = await municipality.post(
        f"/v1/mandates/{mandate['id']}/revocation",
        {"by": "principal"},
        Id_Token=world.id_token(PAUL, municipality.client_id),
    )
    assert answer.status_code == 403


async def test_a_guardian_who_signed_may_withdraw(world: World, municipality: Organisation) -> None:
    signing = {"by": "guardian", "methods": ["registered"]}
    template = await world.publish_template(municipality, kind="consent", signing=signing)
    body = mandate_body(template) | {
        "signatures": [
            {
                "capacity": "guardian",
                "method": "registered",
                "signer": person(PAUL, "Paul Ingemar Vall"),
                "signed_at": "2026-11-20T12:00:00Z",
                "registrar": {"scheme": "username", "value": "anna.berg"},
                "evidence": {"format": "statement", "data": "Paper original seen."},
            }
        ],
        "representatives": [municipality.wire],
    }
    issued = await municipality.post("/v1/mandates", body)
    assert issued.status_code == 201, issued.text
    answer = await municipality.post(
        f"/v1/mandates/{issued.json()['id']}/revocation",
        {"by": "principal"},
        Id_Token=world.id_token(PAUL, municipality.client_id),
    )
    assert answer.status_code == 201, answer.text


async def test_a_consent_can_always_be_withdrawn(municipality: Organisation) -> None:
    body = template_body(municipality, kind="consent", may_revoke=["third_party"])
    answer = await municipality.post("/v1/templates", body)
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/may_revoke"]


async def test_an_authoritys_mandate_does_not_end_what_the_principal_keeps_to_itself(
    world: World, municipality: Organisation
) -> None:
    own = await world.publish_template(municipality, may_revoke=["principal"])
    kept = await world.issue(municipality, own)
    statutory = await world.publish_template(
        municipality, signing={"by": "authority", "methods": ["registered"]}
    )
    body = mandate_body(statutory, supersedes=kept["id"]) | {
        "signatures": [
            {
                "capacity": "authority",
                "method": "registered",
                "signer": municipality.wire,
                "signed_at": "2026-11-20T12:00:00Z",
                "registrar": {"scheme": "username", "value": "anna.berg"},
                "evidence": {"format": "statement", "data": "From the base register."},
            }
        ]
    }
    answer = await municipality.post("/v1/mandates", body)
    assert faults(answer) == {("/supersedes", "may_not_revoke")}
    assert (await municipality.get(f"/v1/mandates/{kept['id']}")).json()["status"] == "active"


async def test_superseding_is_revoking_and_asks_whether_the_principal_may(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality, may_revoke=["third_party"])
    kept = await world.issue(municipality, template)
    body = mandate_body(template, supersedes=kept["id"], permissions=["apply", "follow"])
    refused = await municipality.post("/v1/mandates", await world.sign(municipality, body, BERI))
    assert faults(refused) == {("/supersedes", "may_not_revoke")}
    asked = await municipality.post("/v1/mandate-requests", body)
    assert faults(asked) == {("/supersedes", "may_not_revoke")}
    assert (await municipality.get(f"/v1/mandates/{kept['id']}")).json()["status"] == "active"


async def test_a_signature_for_an_ended_request_is_good_for_no_other(
    world: World, municipality: Organisation
) -> None:
    """Asked for again to the letter, other bytes are to be signed."""
    template = await world.publish_template(municipality)
    body = mandate_body(
        template, valid_from="2026-11-22T00:00:00Z", valid_until="2027-11-22T00:00:00Z", external_ref="1"
    )
    first = await ask_for(municipality, body)
    cancelled = await municipality.post(f"/v1/mandate-requests/{first['id']}/cancellation")
    assert cancelled.status_code == 201
    again = await ask_for(municipality, body)
    late = await sign_as(world, municipality, again | {"digest": first["digest"]}, BERI)
    assert faults(late) == {("/evidence/data", "evidence_other_content")}
    assert (await standing(municipality, again))["status"] == "pending"
    issued = (await sign_as(world, municipality, again, BERI)).json()
    mandate = (await municipality.get(f"/v1/mandates/{issued['mandate_id']}")).json()
    assert mandate["request_id"] == again["id"]


async def test_a_signature_for_a_request_makes_no_mandate_without_it(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    body = mandate_body(template, valid_from="2026-11-22T00:00:00Z", valid_until="2027-11-22T00:00:00Z")
    request = await ask_for(municipality, body)
    signed = await world.sign(municipality, body, BERI)
    signed["signatures"][0]["evidence"]["data"] = world.evidence(BERI, request["digest"])
    refused = await municipality.post("/v1/mandates", signed)
    assert faults(refused) == {("/signatures/0/evidence/data", "evidence_other_content")}
    assert problem(refused) == "422 invalid-input"
