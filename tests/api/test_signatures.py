"""Signatures: evidence is verified, not stored on trust; who signed a `jws` is what the evidence says."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from acting import count_rows, faults, jws_signature, sha256_text, verified
from factories import (
    BERI,
    CPR_CLAIM,
    EID,
    HERMAN,
    MARIA,
    PAUL,
    PERSON_CLAIM,
    Json,
    Organisation,
    World,
    mandate_body,
    person,
    template_body,
)
from registry.signing.encodings import encode_base64url
from registry.signing.jose import generate_signing_key, sign_compact

DATA = "/signatures/0/evidence/data"
NOW = datetime.now(UTC)
TYPE = "mandate-signature+jwt"


def claims(digest: str, **changes: object) -> Json:
    return {
        "iss": EID,
        "iat": int(datetime.now(UTC).timestamp()),
        PERSON_CLAIM: BERI,
        "content_digest": digest,
    } | changes


def seconds(delta: float) -> int:
    return int(datetime.now(UTC).timestamp() + delta)


def unsigned(digest: str) -> str:
    head = encode_base64url(orjson.dumps({"alg": "none", "kid": "eid-1", "typ": TYPE}))
    return f"{head}.{encode_base64url(orjson.dumps(claims(digest)))}."


def by_another_key(digest: str, kid: str) -> str:
    return sign_compact(orjson.dumps(claims(digest)), generate_signing_key(kid), typ=TYPE)


def changed_after_signing(world: World, digest: str) -> str:
    """Herman's signature with Beri's name put in."""
    head, _, signature = world.evidence(HERMAN, digest).split(".")
    return f"{head}.{encode_base64url(orjson.dumps(claims(digest)))}.{signature}"


def typed(world: World, digest: str, typ: str) -> str:
    return sign_compact(orjson.dumps(claims(digest)), world.eid_key, typ=typ)


def naming(world: World, digest: str, **persons: str | None) -> str:
    return sign_compact(orjson.dumps(claims(digest, **persons)), world.eid_key, typ=TYPE)


def pointing(world: World, digest: str, **header: object) -> str:
    payload = encode_base64url(orjson.dumps(claims(digest)))
    head = {"alg": "ES256", "kid": "eid-1", "typ": TYPE} | header
    signing_input = f"{encode_base64url(orjson.dumps(head))}.{payload}"
    return f"{signing_input}.{encode_base64url(world.eid_key.sign(signing_input.encode()))}"


Forged = Callable[[World, str], str]
REFUSED: dict[str, tuple[Forged, str]] = {
    "over other content": (lambda w, _: w.evidence(BERI, sha256_text(b"other")), "other_content"),
    "over no content": (lambda w, d: w.evidence(BERI, d, content_digest=None), "other_content"),
    "over the digest with padding": (lambda w, d: w.evidence(BERI, d + "="), "other_content"),
    "by a wrong key under the right name": (lambda _, d: by_another_key(d, "eid-1"), "bad_signature"),
    "by an unknown key": (lambda _, d: by_another_key(d, "eid-9"), "unknown_key"),
    "changed after signing": (changed_after_signing, "bad_signature"),
    "by an unknown issuer": (
        lambda w, d: w.evidence(BERI, d, iss="https://eid.example.org"),
        "unknown_issuer",
    ),
    "by no issuer": (lambda w, d: w.evidence(BERI, d, iss=None), "unknown_issuer"),
    "by the registry itself": (
        lambda w, d: sign_compact(orjson.dumps(claims(d)), w.keys.signing_key(NOW), typ=TYPE),
        "unknown_key",
    ),
    "unsigned": (lambda _, d: unsigned(d), "unsupported"),
    "an id token": (lambda w, d: w.id_token(BERI, "anybody", content_digest=d), "wrong_type"),
    "typed as an access token": (lambda w, d: typed(w, d, "at+jwt"), "wrong_type"),
    "typed as a receipt": (lambda w, d: typed(w, d, "mandate-receipt+jwt"), "wrong_type"),
    "with the key in it": (
        lambda w, d: pointing(w, d, jwk=w.eid_key.public_jwk()),
        "unsupported",
    ),
    "with a key to fetch": (lambda w, d: pointing(w, d, jku="https://eid.example.test/jwks"), "unsupported"),
    "with a critical header": (lambda w, d: pointing(w, d, crit=["b64"], b64=False), "unsupported"),
    "naming nobody": (lambda w, d: naming(w, d, **{PERSON_CLAIM: None}), "no_person"),
    "naming no valid person": (lambda w, d: w.evidence(BERI[:-1] + "0", d), "no_person"),
    "naming two persons": (lambda w, d: naming(w, d, **{CPR_CLAIM: "0101801234"}), "no_person"),
    "from the future": (lambda w, d: w.evidence(BERI, d, iat=seconds(60)), "bad_time"),
    "not valid yet": (lambda w, d: w.evidence(BERI, d, nbf=seconds(60)), "bad_time"),
    "expired": (lambda w, d: w.evidence(BERI, d, exp=seconds(-1)), "expired"),
    "of no time": (lambda w, d: w.evidence(BERI, d, iat=None), "bad_time"),
    "of a fractional time": (lambda w, d: w.evidence(BERI, d, iat=seconds(-9) + 0.5), "bad_time"),
    "no token": (lambda _w, _d: "signed: Beri Ylles", "malformed"),
    "two parts": (lambda w, d: w.evidence(BERI, d).rpartition(".")[0], "malformed"),
    "with a space": (lambda w, d: w.evidence(BERI, d) + " ", "malformed"),
    "with padding": (lambda w, d: w.evidence(BERI, d) + "==", "malformed"),
    "not ASCII": (lambda w, d: "å" + w.evidence(BERI, d), "malformed"),
    "too long": (lambda w, d: w.evidence(BERI, d, note="x" * 14_000), "too_long"),
}


@pytest.fixture
async def ready(world: World, municipality: Organisation) -> tuple[Json, str]:
    """A mandate that lacks nothing but the signature, and its digest."""
    template = await world.publish_template(municipality)
    signed = await world.sign(municipality, mandate_body(template), BERI)
    body = signed | {"signatures": []}
    previewed = await municipality.post("/v1/mandates/preview", body)
    return body, previewed.json()["digest"]


@pytest.mark.parametrize("case", REFUSED)
async def test_evidence_that_proves_nothing(
    world: World, municipality: Organisation, ready: tuple[Json, str], case: str
) -> None:
    body, digest = ready
    make, code = REFUSED[case]
    signed = body | {"signatures": [jws_signature(make(world, digest))]}
    before = await count_rows(world)
    for path in ("/v1/mandates/preview", "/v1/mandates"):
        answer = await municipality.post(path, signed)
        assert faults(answer) == {(DATA, f"evidence_{code}")}, answer.text
        assert BERI not in answer.text
    assert await count_rows(world) == before


async def test_another_persons_signature(
    world: World, municipality: Organisation, ready: tuple[Json, str]
) -> None:
    body, digest = ready
    hermans = world.evidence(HERMAN, digest)
    wrong = {("/signatures/0/signer", "wrong_signer")}
    claims_of_signer: list[Json] = [{}, {"signer": person(BERI)}, {"signer": person(HERMAN)}]
    for claimed in claims_of_signer:
        answer = await municipality.post(
            "/v1/mandates", body | {"signatures": [jws_signature(hermans, **claimed)]}
        )
        assert faults(answer) == wrong, "who signed is read from the evidence, whatever the request says"


async def test_the_representative_does_not_sign(
    world: World, municipality: Organisation, ready: tuple[Json, str]
) -> None:
    body, digest = ready
    signed = body | {"signatures": [jws_signature(world.evidence(PAUL, digest), "representative")]}
    assert faults(await municipality.post("/v1/mandates", signed)) == {
        ("/signatures/0/capacity", "capacity"),
        ("/signatures/0/signer", "wrong_signer"),
    }


async def test_each_signature_is_told_of_its_own_faults(
    world: World, municipality: Organisation, ready: tuple[Json, str]
) -> None:
    body, digest = ready
    signatures = [
        jws_signature(world.evidence(BERI, digest)),
        jws_signature(world.evidence(BERI, digest)),
        jws_signature(world.evidence(HERMAN, digest), "signatory"),
        jws_signature("x.y.z"),
        jws_signature(world.evidence(BERI, digest), method="se-bankid"),
        jws_signature("x", method="paper", evidence={"format": "attachment", "data": "x"}),
        jws_signature("x", evidence={"format": "xmldsig", "data": "<Signature/>"}),
    ]
    answer = await municipality.post("/v1/mandates", body | {"signatures": signatures})
    assert faults(answer) == {
        ("/signatures/1", "repeated"),
        ("/signatures/2/capacity", "capacity"),
        ("/signatures/2/signer", "wrong_signer"),
        ("/signatures/3/evidence/data", "evidence_malformed"),
        ("/signatures/4/evidence/format", "evidence_format"),
        ("/signatures/5/signer", "missing"),
        ("/signatures/5/signed_at", "missing"),
        ("/signatures/5/registrar", "missing"),
        ("/signatures/5/evidence/data", "evidence_malformed"),
        ("/signatures/6/evidence/format", "evidence_format"),
    }


async def test_a_method_that_the_template_does_not_allow(world: World, municipality: Organisation) -> None:
    signing = {"by": "principal", "methods": ["registered"]}
    template = await world.publish_template(municipality, signing=signing)
    body = mandate_body(template, valid_from="2026-11-21T00:00:00Z", valid_until="2027-11-21T00:00:00Z")
    digest = (await municipality.post("/v1/mandates/preview", body)).json()["digest"]
    signed = body | {"signatures": [jws_signature(world.evidence(BERI, digest))]}
    assert faults(await municipality.post("/v1/mandates", signed)) == {("/signatures/0/method", "method")}


async def test_a_good_signature_with_all_its_details(
    world: World, municipality: Organisation, ready: tuple[Json, str]
) -> None:
    body, digest = ready
    iat = seconds(-3600)
    data = world.evidence(BERI, digest, iat=iat, nbf=iat, exp=seconds(60), name="BERI YLLES")
    signed = body | {"signatures": [jws_signature(data, signer=person(BERI, "Beri"))]}
    issued = await municipality.post("/v1/mandates", signed)
    assert issued.status_code == 201, issued.text
    signature = issued.json()["signatures"][0]
    assert signature["signer"] == person(BERI, "BERI YLLES"), "the name is the issuer's"
    assert signature["signed_at"] == datetime.fromtimestamp(iat, UTC).isoformat().replace("+00:00", "Z")
    assert signature["issuer"] == EID


async def test_an_issuers_clock_a_little_ahead_is_forgiven(
    world: World, municipality: Organisation, ready: tuple[Json, str]
) -> None:
    body, digest = ready
    data = world.evidence(BERI, digest, iat=seconds(5))
    issued = await municipality.post("/v1/mandates", body | {"signatures": [jws_signature(data)]})
    assert issued.status_code == 201, issued.text


async def test_evidence_is_good_for_its_content_only(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    times = {"valid_from": "2026-11-21T00:00:00Z", "valid_until": "2027-11-21T00:00:00Z"}
    signed = await world.sign(municipality, mandate_body(template, **times), BERI)
    for change in (
        {"permissions": ["apply", "follow"]},
        {"representatives": [person(MARIA)]},
        {"representatives": [person(PAUL, "Paul")]},
        {"valid_until": "2027-11-22T00:00:00Z"},
        {"external_ref": "case 2026-114"},
        {"principal_role": "organisation"},
    ):
        expected = {(DATA, "evidence_other_content")}
        assert faults(await municipality.post("/v1/mandates", signed | change)) == expected, change
    assert (await municipality.post("/v1/mandates", signed)).status_code == 201


async def test_the_text_that_was_signed_is_pinned(world: World, municipality: Organisation) -> None:
    """The same template in another language, or with another text, is other content."""
    template = await world.publish_template(municipality)
    content = await previewed_content(municipality, mandate_body(template))
    english = await previewed_content(municipality, mandate_body(template, language="en"))
    assert content["template"]["text_digest"] != english["template"]["text_digest"]
    reworded = template_body(municipality, description={"sv": "En annan text."})
    added = (await municipality.post(f"/v1/templates/{template['id']}/versions", reworded)).json()
    assert (
        await municipality.post(f"/v1/templates/{template['id']}/versions/2/publication")
    ).status_code == 200
    newer = await previewed_content(municipality, mandate_body(added))
    assert newer["template"]["text_digest"] != content["template"]["text_digest"]
    record = await verified_record(world, municipality, added)
    assert record["content"]["template"] == newer["template"]


async def previewed_content(owner: Organisation, body: Json) -> Json:
    answer = await owner.post("/v1/mandates/preview", body)
    assert answer.status_code == 200, answer.text
    content: Json = answer.json()["content"]
    return content


async def verified_record(world: World, owner: Organisation, template: Json) -> Json:
    mandate = await world.issue(owner, template)
    sealed = await owner.get(f"/v1/mandates/{mandate['id']}/record")
    return await verified(world, sealed.text, "mandate-record+jwt")


async def test_a_signature_may_be_old(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    body = mandate_body(template, valid_from="2026-11-21T00:00:00Z", valid_until="2027-11-21T00:00:00Z")
    digest = (await municipality.post("/v1/mandates/preview", body)).json()["digest"]
    data = world.evidence(BERI, digest, iat=seconds(-timedelta(days=90).total_seconds()))
    assert (
        await municipality.post("/v1/mandates", body | {"signatures": [jws_signature(data)]})
    ).status_code == 201
