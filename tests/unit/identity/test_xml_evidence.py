"""BankID signatures: what is believed, and from when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ObjectIdentifier
from cryptography.x509.oid import NameOID

from bankid_forge import (
    ISSUER,
    RSA_SHA256,
    YEAR,
    TestBankId,
)
from bankid_trials import DIGEST, MINUTE, NOW, TEXT, eid, refusal, stranger, verify
from factories import BERI, PAUL
from party_numbers import swedish
from registry.domain.parties import Party, Scheme
from registry.identity.evidence_errors import VerifiedSigner
from registry.identity.xml_evidence import verify_xml_evidence

NAME = ObjectIdentifier("2.5.4.41")


def test_who_signed_and_when_is_read_from_the_evidence() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    data = eid().sign(TEXT)
    found = verify(data)
    assert before <= found.signed_at <= datetime.now(UTC)
    assert found == VerifiedSigner(
        party=Party(Scheme.SE_PNR, BERI),
        name="Beri Ylles",
        issuer=ISSUER,
        signed_at=found.signed_at,
        evidence_digest=sha256(data.encode()).digest(),
    )
    assert verify(data, signed_at=found.signed_at + 9 * MINUTE, now=NOW + YEAR) == found


def test_a_key_on_a_curve_signs_as_well() -> None:
    person = eid().person(key=ec.generate_private_key(ec.SECP256R1()))
    algorithm = RSA_SHA256.replace("rsa", "ecdsa")
    assert verify(eid().sign(TEXT, person=person, algorithm=algorithm)).party.value == BERI


def test_the_name_is_the_persons_own_words_of_it() -> None:
    """Given name and surname first; BankID's `name` also tells when the certificate was made."""
    labelled = eid().person(subject={NAME: "(261121 10.26) Beri Ylles - BankID"})
    assert verify(eid().sign(TEXT, person=labelled)).name == "Beri Ylles"
    subject = {NameOID.COMMON_NAME: "Beri Ylles", NameOID.GIVEN_NAME: None, NameOID.SURNAME: None}
    assert verify(eid().sign(TEXT, person=eid().person(subject=subject))).name == "Beri Ylles"
    nameless = eid().person(subject=subject | {NameOID.COMMON_NAME: None})
    assert verify(eid().sign(TEXT, person=nameless)).name is None


def test_a_coordination_number_where_the_e_id_has_such() -> None:
    number = swedish("19860286238")
    number = swedish(f"{number[:6]}{int(number[6:8]) % 20 + 61:02}{number[8:11]}")
    both = eid().roots(person_schemes=(Scheme.SE_PNR, Scheme.SE_SAMNR))
    assert verify(eid().sign(TEXT, number), both).party == Party(Scheme.SE_SAMNR, number)
    assert refusal(eid().sign(TEXT, number)) == "no_person"


def test_one_of_several_e_ids() -> None:
    other = replace(TestBankId(NOW).roots(), issuer="https://other.example.test")
    data = eid().sign(TEXT)
    found = verify_xml_evidence(
        data, [other, eid().roots()], content_digest=DIGEST, signed_at=None, now=datetime.now(UTC)
    )
    assert found.issuer in {ISSUER, "https://other.example.test"}
    assert refusal(data, replace(eid().roots(), certificates=(stranger().certificate,))) == "unknown_issuer"


def test_without_an_ocsp_response_only_where_the_e_id_gives_none() -> None:
    data = eid().sign(TEXT, with_ocsp=False)
    optional = eid().roots(requires_ocsp=False)
    assert refusal(data) == "bad_ocsp"
    assert verify(data, optional, now=NOW).signed_at == NOW
    assert verify(data, optional, signed_at=NOW - timedelta(days=30)).signed_at == NOW - timedelta(days=30)
    assert refusal(data, optional, signed_at=NOW + timedelta(days=1)) == "bad_time"
    assert refusal(data, optional, signed_at=NOW - 3 * YEAR) == "bad_certificate"
    late = NOW + 3 * YEAR
    assert refusal(data, optional, signed_at=NOW, now=late) == "bad_certificate"


def test_an_old_signature_outlives_its_certificate_by_its_ocsp_response() -> None:
    assert verify(eid().sign(TEXT), now=NOW + 4 * YEAR).signed_at < NOW + YEAR


def test_another_person_with_the_same_name_is_another_person() -> None:
    assert verify(eid().sign(TEXT, PAUL)).party == Party(Scheme.SE_PNR, PAUL)


def test_a_stated_time_must_be_that_of_the_evidence() -> None:
    data = eid().sign(TEXT)
    assert refusal(data, signed_at=NOW - timedelta(hours=1)) == "bad_time"
    assert refusal(data, signed_at=NOW + timedelta(hours=1), now=NOW + YEAR) == "bad_time"


def test_evidence_from_the_future_is_refused() -> None:
    assert refusal(eid().sign(TEXT), now=NOW - timedelta(hours=1)) == "bad_time"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"issuer": ""}, "issuer"),
        ({"certificates": ()}, "no root"),
        ({"person_schemes": ()}, "not configured"),
        ({"person_schemes": (Scheme.SE_ORGNR,)}, "does not identify"),
        ({"person_schemes": (Scheme.USERNAME,)}, "does not identify"),
    ],
)
def test_roots_that_could_never_be_met(changes: Any, message: str) -> None:  # noqa: ANN401  # any member
    with pytest.raises(ValueError, match=message):
        eid().roots(**changes)


def test_a_root_is_an_authority() -> None:
    with pytest.raises(ValueError, match="authority"):
        eid().roots(certificates=(eid().person().certificate,))
