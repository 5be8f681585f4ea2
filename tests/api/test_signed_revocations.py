"""Signed revocations: a signature over the act's own bytes proves the person, for that act alone."""

from datetime import UTC, datetime

import orjson
import pytest
from uuid_utils.compat import uuid7

from acting import canonical, count_rows, decision, faults, problem, sha256_text, verified
from factories import BERI, EID, HERMAN, PERSON_CLAIM, Json, Organisation, World, person
from registry.signing.encodings import decode_base64url
from registry.signing.jose import sign_compact


def address(mandate: Json, act: str = "revocation") -> str:
    return f"/v1/mandates/{mandate['id']}/{act}"


@pytest.fixture
async def mandate(world: World, municipality: Organisation) -> Json:
    return await world.issue(municipality, await world.publish_template(municipality))


async def recorded(world: World, owner: Organisation, mandate: Json) -> Json:
    """The sealed event that ended it, verified by another library."""
    events = (await owner.get(address(mandate, "events"))).json()["items"]
    assert len(events) == 2
    sealed = await verified(world, events[1]["sealed"], "mandate-event+jwt")
    assert sealed["previous"] == sha256_text(events[0]["sealed"].encode())
    assert sealed["number"] == 1
    return sealed


async def untouched(world: World, owner: Organisation, before: dict[str, int]) -> None:
    assert await count_rows(world) == before
    assert await decision(owner) == "permit"


async def preview(owner: Organisation, mandate: Json, **body: object) -> Json:
    answer = await owner.post(address(mandate, "revocation/preview"), body)
    assert answer.status_code == 200, answer.text
    previewed: Json = answer.json()
    return previewed


async def test_a_signature_over_the_previews_bytes(
    world: World, municipality: Organisation, mandate: Json
) -> None:
    before = await count_rows(world)
    previewed = await preview(municipality, mandate, by="principal", reason="changed my mind")
    data = decode_base64url(previewed["to_be_signed"])
    assert orjson.loads(data) == {
        "schema": "mandate-revocation/1",
        "mandate_id": mandate["id"],
        "by": "principal",
        "reason": "changed my mind",
    }
    assert data == canonical(orjson.loads(data))
    assert previewed["digest"] == sha256_text(data)
    await untouched(world, municipality, before)
    evidence = world.evidence(BERI, previewed["digest"])
    body = {
        "by": "principal",
        "reason": "changed my mind",
        "signature": {"evidence": {"format": "jws", "data": evidence}},
    }
    answer = await municipality.post(address(mandate), body)
    assert answer.status_code == 201, answer.text
    event = await recorded(world, municipality, mandate)
    assert event["by"]["party"] == person(BERI, None)
    assert event["details"] == {"evidence_digest": sha256_text(evidence.encode()), "evidence": evidence}


@pytest.mark.parametrize(
    ("signed", "code"),
    [
        ({"by": "representative", "reason": "over"}, "other_content"),
        ({"by": "principal", "reason": "other words"}, "other_content"),
        ({"by": "principal"}, "other_content"),
    ],
)
async def test_a_signature_over_other_words(
    world: World, municipality: Organisation, mandate: Json, signed: Json, code: str
) -> None:
    before = await count_rows(world)
    previewed = await preview(municipality, mandate, **signed)
    evidence = {"evidence": {"data": world.evidence(BERI, previewed["digest"])}}
    body = {"by": "principal", "reason": "over", "signature": evidence}
    answer = await municipality.post(address(mandate), body)
    assert faults(answer) == {("/signature/evidence/data", f"evidence_{code}")}
    await untouched(world, municipality, before)


async def test_a_signature_for_another_mandate(
    world: World, municipality: Organisation, mandate: Json
) -> None:
    previewed = await preview(municipality, {"id": str(uuid7())}, by="principal")
    evidence = {"evidence": {"data": world.evidence(BERI, previewed["digest"])}}
    answer = await municipality.post(address(mandate), {"by": "principal", "signature": evidence})
    assert faults(answer) == {("/signature/evidence/data", "evidence_other_content")}


async def test_forged_and_borrowed_evidence(world: World, municipality: Organisation, mandate: Json) -> None:
    before = await count_rows(world)
    digest = (await preview(municipality, mandate, by="principal"))["digest"]
    claims = {"iss": EID, "iat": 1, PERSON_CLAIM: BERI, "content_digest": digest}
    by_registry = sign_compact(
        orjson.dumps(claims), world.keys.signing_key(datetime.now(UTC)), typ="mandate-signature+jwt"
    )
    for data, code in (
        ("x.y.z", "malformed"),
        (by_registry, "unknown_key"),
        (world.evidence(BERI, digest, iss="https://eid.example.org"), "unknown_issuer"),
        (world.id_token(BERI, municipality.client_id, content_digest=digest), "wrong_type"),
        (mandate_evidence(world, mandate), "other_content"),
    ):
        body = {"by": "principal", "signature": {"evidence": {"data": data}}}
        answer = await municipality.post(address(mandate), body)
        assert faults(answer) == {("/signature/evidence/data", f"evidence_{code}")}
    await untouched(world, municipality, before)


async def test_another_persons_signature(world: World, municipality: Organisation, mandate: Json) -> None:
    before = await count_rows(world)
    digest = (await preview(municipality, mandate, by="principal"))["digest"]
    body = {"by": "principal", "signature": {"evidence": {"data": world.evidence(HERMAN, digest)}}}
    assert problem(await municipality.post(address(mandate), body)) == "403 forbidden"
    both = {"by": "principal", "signature": {"evidence": {"data": world.evidence(BERI, digest)}}}
    token = world.id_token(HERMAN, municipality.client_id)
    assert problem(await municipality.post(address(mandate), both, Id_Token=token)) == "403 forbidden"
    await untouched(world, municipality, before)


def mandate_evidence(world: World, mandate: Json) -> str:
    """Beri's signature under the mandate itself."""
    return world.evidence(BERI, mandate["content_digest"])
