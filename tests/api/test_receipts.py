"""Receipts: signed proof of question and answer, as asked, under the id of the audit row."""

from datetime import UTC, datetime
from uuid import UUID

from acting import ask, canonical, verified
from factories import BERI, PAUL, Organisation, World, jws_payload, person, question
from registry.domain.documents import utc_time
from registry.signing.canonical import canonical_bytes
from registry.signing.jose import InvalidTokenError, verify_compact
from registry.signing.keys import KeyRing, new_key_ring


async def test_a_receipt_holds_question_and_answer_as_asked_and_given(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    await world.issue(municipality, template)
    asked = question(
        municipality,
        principal={"scheme": "se-pnr", "value": f"{BERI[:8]}-{BERI[8:]}", "name": "Beri"},
        permissions=["follow", "apply"],
        specifier={"property": "å/ö 📎"},
        at="2026-11-21T10:00:00+01:00",
        representatives=None,
    )
    answer = (await municipality.post("/v1/verifications", asked)).json()
    receipt = await verified(world, answer["receipt"], "mandate-receipt+jwt")
    assert receipt["question"] == asked, "identifiers, order and times as the caller wrote them"
    given = {name: value for name, value in answer.items() if name not in {"receipt", "consistency_token"}}
    assert receipt["answer"] == given
    assert set(receipt) == {"iss", "iat", "jti", "question", "answer"}
    assert receipt["iss"] == world.runtime.settings.public_url
    assert receipt["iat"] == int(utc_time(answer["checked_at"]).timestamp())
    assert UUID(receipt["jti"]).version == 7


async def test_every_answer_has_a_receipt_of_its_own(world: World, municipality: Organisation) -> None:
    first, second = await ask(municipality), await ask(municipality)
    names = [jws_payload(answer["receipt"])["jti"] for answer in (first, second)]
    assert names[0] != names[1]
    for answer in (first, second):
        receipt = await verified(world, answer["receipt"], "mandate-receipt+jwt")
        assert receipt["answer"]["decision"] == "deny", "a refusal is proved as well"


async def test_a_receipt_changed_in_any_part_is_refused(world: World, municipality: Organisation) -> None:
    answer = await ask(municipality)
    head, payload, signature = answer["receipt"].split(".")
    document = jws_payload(answer["receipt"])
    document["answer"]["decision"] = "permit"
    forged = canonical_bytes(document)
    assert forged == canonical(document)
    keys = world.keys.verification_keys()
    for token in (
        f"{head}.{payload[:-2]}AA.{signature}",
        f"{head}.{payload}.{signature[:-4]}AAAA",
        f"{head}.{payload}.",
    ):
        assert not is_good(token, world.keys)
    assert not is_good(answer["receipt"], new_key_ring(datetime(2000, 1, 1, tzinfo=UTC)))
    assert verify_compact(answer["receipt"], keys, typ="mandate-receipt+jwt").payload == canonical(
        jws_payload(answer["receipt"])
    )


async def test_a_receipt_is_no_access_token_and_no_evidence(world: World, municipality: Organisation) -> None:
    receipt = (await ask(municipality))["receipt"]
    answer = await world.anonymous.post(
        "/v1/verifications", json=question(municipality), headers={"Authorization": f"Bearer {receipt}"}
    )
    assert answer.status_code == 401


async def test_receipts_survive_the_rotation_of_keys(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    await world.issue(municipality, template)
    own = World(world.database, world.keys, world.clock, world.eid_key)
    old = await ask(municipality, representative=person(PAUL, None))
    now = datetime.now(UTC)
    own.runtime.take_keys(world.keys.rotated(now, active_in=now - now))
    new = await own.organisation(municipality.party)
    own_keys = own.runtime.keys
    fresh = (await new.post("/v1/verifications", question(new))).json()
    assert fresh["decision"] == "permit"
    for token in (old["receipt"], fresh["receipt"]):
        await verified(own, token, "mandate-receipt+jwt")
    assert head_kid(old["receipt"]) != head_kid(fresh["receipt"])
    assert {head_kid(old["receipt"]), head_kid(fresh["receipt"])} == {
        dated.key.kid for dated in own_keys.signing
    }


def is_good(token: str, keys: KeyRing) -> bool:
    try:
        verify_compact(token, keys.verification_keys(), typ="mandate-receipt+jwt")
    except InvalidTokenError:
        return False
    return True


def head_kid(token: str) -> str:
    return str(jws_payload("." + token.partition(".")[0] + ".")["kid"])
