"""The main job end to end: publish, issue, verify, search, revoke, look up."""

from factories import BERI, PAUL, Organisation, World, jws_payload, mandate_body, person, question
from registry.signing.jose import verify_compact


async def test_from_template_to_revocation(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    mandate = await world.issue(municipality, template)
    assert mandate["status"] == "active"
    assert mandate["signatures"][0]["signer"]["value"] == BERI

    answer = (await municipality.post("/v1/verifications", question(municipality))).json()
    assert answer["decision"] == "permit"
    assert answer["permissions"][0]["mandate_id"] == mandate["id"]
    receipt = verify_compact(answer["receipt"], world.keys.verification_keys(), typ="mandate-receipt+jwt")
    assert jws_payload(answer["receipt"])["answer"]["decision"] == "permit"
    assert b"submission 2026-114" in receipt.payload

    found = (
        await municipality.post("/v1/representations/search", {"representative": person(PAUL, None)})
    ).json()
    assert [item["principal"]["name"] for item in found["items"]] == ["Beri Ylles"]
    assert found["items"][0]["permissions"][0]["code"] == "apply"

    revoked = await municipality.post(
        f"/v1/mandates/{mandate['id']}/revocation",
        {"by": "principal", "reason": "changed my mind"},
        Id_Token=world.id_token(BERI, municipality.client_id),
    )
    assert revoked.status_code == 201, revoked.text
    answer = (await municipality.post("/v1/verifications", question(municipality))).json()
    assert (answer["decision"], answer["reasons"]) == ("deny", ["revoked"])

    again = await municipality.post(
        f"/v1/mandates/{mandate['id']}/revocation", {"by": "third_party", "reason": "late"}
    )
    assert again.status_code == 409
    assert again.json()["ended_by"]["event_id"] == revoked.json()["event_id"]

    events = (await municipality.get(f"/v1/mandates/{mandate['id']}/events")).json()["items"]
    assert [event["type"] for event in events] == ["mandate.issued", "mandate.revoked"]
    record = await municipality.get(f"/v1/mandates/{mandate['id']}/record")
    assert record.text == events[0]["sealed"]

    status = await municipality.post("/v1/mandates/status", {"ids": [mandate["id"]]})
    assert status.json()["items"][0]["status"] == "revoked"


async def test_conflict_names_the_mandate_in_force(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    first = await world.issue(municipality, template)
    body = await world.sign(municipality, mandate_body(template), BERI)
    second = await municipality.post("/v1/mandates", body)
    assert second.status_code == 409
    assert second.json()["mandate_id"] == first["id"]
