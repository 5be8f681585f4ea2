"""`jws` evidence: an e-ID issuer's word that a person signed exactly this content."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import orjson
import pytest

from registry.domain.parties import Party, Scheme
from registry.identity.eid_evidence import (
    EVIDENCE_TYPE,
    EvidenceError,
    VerifiedSigner,
    verify_jws_evidence,
)
from registry.identity.issuers import Purpose, index_issuers
from registry.signing.encodings import encode_base64url
from registry.signing.jose import sign_compact
from token_forge import (
    EID_ISSUER,
    ISSUER,
    NOW,
    NOW_SECONDS,
    PERSON,
    PERSON_CLAIM,
    access_claims,
    assemble,
    es_key,
    evidence_claims,
    header,
    id_claims,
    issuers,
    without,
)

CONTENT = sha256(b"the mandate, in canonical bytes").digest()
HEAD = header(kid="eid-1", typ=EVIDENCE_TYPE)


def evidence(**changes: object) -> str:
    return assemble(HEAD, evidence_claims(CONTENT, **changes), es_key("eid-1").sign)


async def verify(data: str) -> VerifiedSigner:
    return await verify_jws_evidence(data, issuers(), content_digest=CONTENT, now=NOW)


async def test_the_signer_is_given_with_the_digest_of_the_evidence() -> None:
    data = sign_compact(orjson.dumps(evidence_claims(CONTENT)), es_key("eid-1"), typ=EVIDENCE_TYPE)
    assert await verify(data) == VerifiedSigner(
        party=Party(Scheme.SE_PNR, PERSON),
        name="Beri Ylles",
        issuer=EID_ISSUER,
        signed_at=datetime.fromtimestamp(NOW_SECONDS - 60, UTC),
        evidence_digest=sha256(data.encode()).digest(),
    )


async def test_the_name_is_optional() -> None:
    claims = without(evidence_claims(CONTENT), "name")
    assert (await verify(assemble(HEAD, claims, es_key("eid-1").sign))).name is None


@pytest.mark.parametrize(
    "changes", [{"iat": NOW_SECONDS + 10}, {"iat": 0}, {"exp": NOW_SECONDS + 1}], ids=str
)
async def test_edges_of_what_is_allowed(changes: dict[str, object]) -> None:
    assert (await verify(evidence(**changes))).party.value == PERSON


def of_type(typ: str, claims: dict[str, object]) -> Callable[[], str]:
    return lambda: assemble(header(kid="eid-1", typ=typ), claims, es_key("eid-1").sign)


REFUSED: dict[str, tuple[str, Callable[[], str]]] = {
    "empty": ("malformed", lambda: ""),
    "line_feed_at_end": ("malformed", lambda: evidence() + "\n"),
    "xml": ("malformed", lambda: "<Signature xmlns='http://www.w3.org/2000/09/xmldsig#'/>"),
    "payload_no_object": ("malformed", lambda: assemble(HEAD, b"[]", es_key("eid-1").sign)),
    "payload_duplicate": (
        "malformed",
        lambda: assemble(
            HEAD,
            orjson.dumps(evidence_claims(CONTENT))[:-1] + b',"iss":"https://eid.example.test"}',
            es_key("eid-1").sign,
        ),
    ),
    "name_number": ("malformed", lambda: evidence(name=1)),
    "name_with_control_character": ("malformed", lambda: evidence(name="Beri\u0085Ylles")),
    "name_long": ("malformed", lambda: evidence(name="n" * 256)),
    "too_long": ("too_long", lambda: evidence(filler="x" * 16_384)),
    "id_token": ("wrong_type", of_type("JWT", id_claims())),
    "id_token_with_the_right_claims": ("wrong_type", of_type("JWT", evidence_claims(CONTENT))),
    "access_token": ("wrong_type", of_type("at+jwt", access_claims())),
    "receipt": ("wrong_type", of_type("mandate-receipt+jwt", evidence_claims(CONTENT))),
    "record": ("wrong_type", of_type("mandate-record+jwt", evidence_claims(CONTENT))),
    "alg_none": ("unsupported", lambda: assemble({**HEAD, "alg": "none"}, b"{}", lambda _: b"")),
    "alg_of_another_key": (
        "unsupported",
        lambda: assemble({**HEAD, "alg": "RS256"}, evidence_claims(CONTENT)),
    ),
    "crit": ("unsupported", lambda: assemble({**HEAD, "crit": ["b64"]}, b"{}")),
    "own_key": (
        "unsupported",
        lambda: assemble(
            {**HEAD, "jwk": es_key("x").public_jwk()}, evidence_claims(CONTENT), es_key("x").sign
        ),
    ),
    "unknown_issuer": ("unknown_issuer", lambda: evidence(iss="https://attacker.example.test")),
    "issuer_of_id_tokens": ("unknown_issuer", lambda: evidence(iss=ISSUER)),
    "issuer_missing": (
        "unknown_issuer",
        lambda: assemble(HEAD, without(evidence_claims(CONTENT), "iss"), es_key("eid-1").sign),
    ),
    "kid_of_another_issuer": (
        "unknown_key",
        lambda: assemble({**HEAD, "kid": "es-1"}, evidence_claims(CONTENT), es_key().sign),
    ),
    "another_key": ("bad_signature", lambda: assemble(HEAD, evidence_claims(CONTENT), es_key("x").sign)),
    "signature_of_zeros": (
        "bad_signature",
        lambda: assemble(HEAD, evidence_claims(CONTENT), lambda _: bytes(64)),
    ),
    "other_content": (
        "other_content",
        lambda: evidence(content_digest=encode_base64url(sha256(b"another mandate").digest())),
    ),
    "digest_in_hex": ("other_content", lambda: evidence(content_digest=CONTENT.hex())),
    "digest_padded": ("other_content", lambda: evidence(content_digest=encode_base64url(CONTENT) + "=")),
    "digest_list": ("other_content", lambda: evidence(content_digest=[encode_base64url(CONTENT)])),
    "digest_missing": (
        "other_content",
        lambda: assemble(HEAD, without(evidence_claims(CONTENT), "content_digest"), es_key("eid-1").sign),
    ),
    "signed_ahead": ("bad_time", lambda: evidence(iat=NOW_SECONDS + 11)),
    "signed_at_float": ("bad_time", lambda: evidence(iat=NOW_SECONDS - 60.0)),
    "signed_at_missing": (
        "bad_time",
        lambda: assemble(HEAD, without(evidence_claims(CONTENT), "iat"), es_key("eid-1").sign),
    ),
    "not_yet_valid": ("bad_time", lambda: evidence(nbf=NOW_SECONDS + 11)),
    "expired": ("expired", lambda: evidence(exp=NOW_SECONDS)),
    "no_person": (
        "no_person",
        lambda: assemble(HEAD, without(evidence_claims(CONTENT), PERSON_CLAIM), es_key("eid-1").sign),
    ),
    "wrong_check_digit": ("no_person", lambda: evidence(**{PERSON_CLAIM: PERSON[:-1] + "0"})),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_with_its_code(name: str) -> None:
    code, build = REFUSED[name]
    with pytest.raises(EvidenceError) as caught:
        await verify(build())
    assert caught.value.code == code
    assert caught.value.message.startswith("The signature is refused: ")
    assert PERSON[2:-1] not in caught.value.message


async def test_an_audience_counts_where_the_issuer_is_configured_with_one() -> None:
    configured = replace(issuers()[Purpose.EID, EID_ISSUER], audiences=frozenset({"registry"}))
    trusted = index_issuers([configured])
    good = await verify_jws_evidence(evidence(aud="registry"), trusted, content_digest=CONTENT, now=NOW)
    assert good.party.value == PERSON
    for other in (evidence(), evidence(aud="elsewhere")):
        with pytest.raises(EvidenceError) as caught:
            await verify_jws_evidence(other, trusted, content_digest=CONTENT, now=NOW)
        assert caught.value.code == "wrong_audience"
