import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.resources import files

import pytest

from party_numbers import swedish
from registry.demo.eid import (
    ISSUER,
    NotToBeSignedError,
    id_token_for,
    parse_person,
    read_to_be_signed,
    sign_as,
)
from registry.demo.testers import example_question, id_token_command, sign_command
from registry.demo.trusted import trusted_demo_issuers
from registry.domain.errors import InvalidPartyIdError, UnauthenticatedError
from registry.domain.parties import Party, Scheme
from registry.identity.eid_evidence import EvidenceError, verify_jws_evidence
from registry.identity.id_tokens import verify_id_token
from registry.identity.issuers import TrustedIssuers
from registry.identity.schemes import parse_party
from registry.signing.canonical import canonical_bytes
from registry.signing.encodings import encode_base64url
from registry.signing.jose import parse_compact

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
CONTENT = canonical_bytes({"schema": "mandate-content/1", "permissions": ["a", "b"], "name": "Ört"})
DIGEST = sha256(CONTENT).digest()
COORDINATION_NUMBER = swedish("19900161980")
PERSONS = [
    Party(Scheme.SE_PNR, "198602262381"),
    Party(Scheme.SE_SAMNR, COORDINATION_NUMBER),
    Party(Scheme.DK_CPR, "2512489996"),
]


@pytest.mark.parametrize("person", PERSONS, ids=lambda person: person.scheme)
async def test_the_registry_believes_the_signature_of_any_test_person(
    person: Party, issuers: TrustedIssuers
) -> None:
    signature = sign_as(person, "Somebody", DIGEST, now=NOW)
    signer = await verify_jws_evidence(signature, issuers, content_digest=DIGEST, now=NOW)
    assert (signer.party, signer.name, signer.issuer, signer.signed_at) == (person, "Somebody", ISSUER, NOW)


@pytest.mark.parametrize("person", PERSONS, ids=lambda person: person.scheme)
async def test_the_registry_believes_the_id_token_of_any_test_person(
    person: Party, issuers: TrustedIssuers
) -> None:
    token = id_token_for(person, audience="demo-platform", now=NOW)
    proved = await verify_id_token(
        token, issuers, audiences=frozenset({"demo-platform"}), now=NOW + timedelta(minutes=4)
    )
    assert proved.party == person


async def test_an_id_token_is_good_for_its_client_and_five_minutes_only(issuers: TrustedIssuers) -> None:
    token = id_token_for(PERSONS[0], audience="demo-platform", now=NOW)
    with pytest.raises(UnauthenticatedError, match="`aud`"):
        await verify_id_token(token, issuers, audiences=frozenset({"demo-karlskrona"}), now=NOW)
    with pytest.raises(UnauthenticatedError, match="expired"):
        await verify_id_token(
            token, issuers, audiences=frozenset({"demo-platform"}), now=NOW + timedelta(minutes=5)
        )


async def test_a_signature_is_good_for_its_content_only(issuers: TrustedIssuers) -> None:
    signature = sign_as(PERSONS[0], None, DIGEST, now=NOW)
    with pytest.raises(EvidenceError) as refused:
        await verify_jws_evidence(signature, issuers, content_digest=sha256(CONTENT + b" ").digest(), now=NOW)
    assert refused.value.code == "other_content"


def test_the_subject_of_an_id_token_is_no_personal_number() -> None:
    claims = json.loads(parse_compact(id_token_for(PERSONS[0], audience="demo-platform", now=NOW)).payload)
    assert PERSONS[0].value not in claims["sub"]


def test_a_party_without_a_claim_cannot_sign() -> None:
    for party in (Party(Scheme.SE_ORGNR, "2120002411"), Party(Scheme.EIDAS, "DE/SE/12345")):
        with pytest.raises(InvalidPartyIdError) as refused:
            sign_as(party, None, DIGEST, now=NOW)
        assert refused.value.code == "unknown_scheme"
        assert party.value not in refused.value.message


def test_the_published_key_says_what_it_is() -> None:
    document = json.loads(files("registry.demo").joinpath("eid-issuer.jwk.json").read_text())
    assert "PUBLISHED TEST KEY" in document["about"]
    assert ISSUER.endswith(".invalid")
    assert {issuer.issuer for issuer in trusted_demo_issuers()} == {ISSUER}


@pytest.mark.parametrize(
    "given",
    [
        encode_base64url(CONTENT).encode(),
        b'"' + encode_base64url(CONTENT).encode() + b'"\n',
        b"  " + encode_base64url(CONTENT).encode() + b"\r\n",
        CONTENT,
        CONTENT + b"\n",
    ],
    ids=["as in the answer", "quoted", "with white space", "canonical JSON", "with a line end"],
)
async def test_a_tester_signs_what_the_api_returned_in_any_form(
    given: bytes, issuers: TrustedIssuers
) -> None:
    signature = sign_command("198602262381", given, NOW)
    signer = await verify_jws_evidence(signature, issuers, content_digest=DIGEST, now=NOW)
    assert (signer.party.value, signer.name) == ("198602262381", "Beri Ylles")


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"{",
        b"[]",
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1.50}',
        b'{"a":1e400}',
        b'{"a":1234567890123456789012345678901234567890}',
        b"not base64url!",
        encode_base64url(b"[1]").encode(),
        encode_base64url(b'{"a": 1}').encode(),
        "ä".encode(),
        b"\xff\xfe",
    ],
)
def test_anything_else_is_not_signed(given: bytes) -> None:
    with pytest.raises(NotToBeSignedError, match="to_be_signed"):
        read_to_be_signed(given)


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("198602262381", "se-pnr"),
        ("19860226-2381", "se-pnr"),
        ("se-pnr:198602262381", "se-pnr"),
        (COORDINATION_NUMBER, "se-samnr"),
        ("2512489996", "dk-cpr"),
        (" 251248-9996\n", "dk-cpr"),
    ],
)
def test_a_tester_names_a_person_by_number(text: str, scheme: str) -> None:
    person = parse_person(text)
    assert person.scheme == scheme
    assert parse_party(person.scheme, person.value) == person


@pytest.mark.parametrize("text", ["", "198602262382", "8602262381234", "se-orgnr:2120002411", "nobody"])
def test_a_wrong_number_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidPartyIdError) as refused:
        parse_person(text)
    assert not text or text not in refused.value.message


async def test_a_tester_gets_an_id_token(issuers: TrustedIssuers) -> None:
    token = id_token_command("195809132896", "demo-platform", NOW)
    proved = await verify_id_token(token, issuers, audiences=frozenset({"demo-platform"}), now=NOW)
    assert proved.party == Party(Scheme.SE_PNR, "195809132896")


def test_the_example_question_names_no_organisation_of_its_own() -> None:
    question = example_question(NOW)
    assert set(question) == {"principal", "representative", "permissions", "purpose"}
