"""Certificates and OCSP responses that prove nothing, or not enough."""

from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from bankid_forge import (
    YEAR,
    certify,
    rsa_key,
)
from bankid_trials import MINUTE, NOW, TEXT, eid, refusal, signing_xml, stranger, verify
from factories import BERI


def _by(**changes: Any) -> Callable[[], str]:  # noqa: ANN401  # any member
    """Signed now with a certificate that is in some way another."""
    return lambda: eid().sign(TEXT, person=eid().person(**_made(changes)))


def _made(changes: dict[str, Any]) -> dict[str, Any]:
    """What is given as a function is made only when its test runs: keys and certificates take a while."""
    return {name: value() if callable(value) else value for name, value in changes.items()}


def _chained(**changes: Any) -> Callable[[], str]:  # noqa: ANN401  # any member
    """Signed by a certificate of a bank that is in some way another."""

    def make() -> str:
        arguments = {
            "valid": (NOW - YEAR, NOW + YEAR),
            "is_authority": True,
            "usage": ("key_cert_sign",),
        } | _made(changes)
        issuer = arguments.pop("issuer", eid().root)
        bank = certify({NameOID.COMMON_NAME: "Other Bank"}, rsa_key("other"), issuer, **arguments)
        person = eid().person(issuer=bank)
        return eid().sign(TEXT, person=person, chain=(bank,), ocsp={"issuer": bank, "responder": bank})

    return make


CERTIFICATES: dict[str, tuple[Callable[[], str], str]] = {
    "expired": (_by(valid=(NOW - 2 * YEAR, NOW - MINUTE)), "bad_certificate"),
    "of the future": (_by(valid=(NOW + YEAR / 2, NOW + YEAR)), "bad_certificate"),
    "an authority's": (
        _by(is_authority=True, usage=("content_commitment", "key_cert_sign")),
        "bad_certificate",
    ),
    "for encryption": (_by(usage=("key_encipherment",)), "unknown_issuer"),
    "a key of 1024 bits": (_by(key=lambda: rsa_key("weak", 1024)), "bad_certificate"),
    "a key on another curve": (_by(key=lambda: ec.generate_private_key(ec.SECP256K1())), "bad_certificate"),
    "signed with a weak hash": (_by(algorithm=hashes.SHA224()), "unknown_issuer"),
    "signed by itself": (_by(issuer=None), "unknown_issuer"),
    "of no person": (_by(subject={NameOID.SERIAL_NUMBER: "5561929323"}), "no_person"),
    "of a number that is none": (_by(number=BERI[:-1] + "0"), "no_person"),
    "of an expired bank": (_chained(valid=(NOW - 2 * YEAR, NOW - YEAR)), "unknown_issuer"),
    "of a bank that is no authority": (_chained(is_authority=False), "unknown_issuer"),
    "of a bank that may not certify": (_chained(usage=("digital_signature",)), "unknown_issuer"),
    "of an unknown root by the same name": (_chained(issuer=stranger), "unknown_issuer"),
    "without the bank's": (signing_xml(chain=()), "unknown_issuer"),
    "the bank's own": (lambda: eid().sign(TEXT, person=eid().bank, chain=(eid().root,)), "bad_certificate"),
    "with a long chain": (lambda: eid().sign(TEXT, chain=(eid().bank,) * 5), "bad_certificate"),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_certificates_that_prove_nothing(name: str) -> None:
    make, code = CERTIFICATES[name]
    assert refusal(make()) == code


def test_a_bank_of_the_root_certifies_and_answers_by_itself() -> None:
    assert verify(_chained()()).party.value == BERI


def _ocsp(**changes: Any) -> Callable[[], str]:  # noqa: ANN401  # any member
    return lambda: eid().sign(TEXT, ocsp=_made(changes))


def _responder(**changes: Any) -> Any:  # noqa: ANN401  # any member
    arguments: dict[str, Any] = {
        "valid": (NOW - YEAR, NOW + YEAR),
        "usage": ("digital_signature",),
        "ocsp_signing": True,
    } | changes
    issuer = arguments.pop("issuer", eid().bank)
    return certify({NameOID.COMMON_NAME: "Other OCSP"}, rsa_key("other"), issuer, **arguments)


RESPONSES: dict[str, tuple[Callable[[], str], str]] = {
    "revoked": (_ocsp(status=ocsp.OCSPCertStatus.REVOKED), "revoked"),
    "unknown": (_ocsp(status=ocsp.OCSPCertStatus.UNKNOWN), "bad_ocsp"),
    "about another certificate": (_ocsp(about=lambda: eid().person(BERI)), "bad_ocsp"),
    "of another issuer": (_ocsp(issuer=lambda: eid().root), "bad_ocsp"),
    "by a stranger": (_ocsp(responder=lambda: _responder(issuer=stranger())), "bad_ocsp"),
    "by the root's responder": (_ocsp(responder=lambda: _responder(issuer=eid().root)), "bad_ocsp"),
    "by somebody not delegated": (_ocsp(responder=lambda: _responder(ocsp_signing=False)), "bad_ocsp"),
    "by the person itself": (_ocsp(responder=lambda: eid().person(BERI)), "bad_ocsp"),
    "by an expired responder": (
        _ocsp(responder=lambda: _responder(valid=(NOW - 2 * YEAR, NOW - YEAR))),
        "bad_ocsp",
    ),
    "signed with a weak hash": (_ocsp(algorithm=hashes.SHA224()), "bad_ocsp"),
    "known only later": (_ocsp(this_update=NOW + timedelta(hours=1)), "bad_ocsp"),
    "out of date": (_ocsp(this_update=NOW - YEAR, next_update=NOW - timedelta(hours=1)), "bad_ocsp"),
    "bound to nothing": (_ocsp(nonce=None), "bad_ocsp"),
    "bound to another signature": (_ocsp(nonce=b"x" * 32), "bad_ocsp"),
    "not DER": (signing_xml(members={"ocspResponse": "eA=="}), "bad_ocsp"),
    "an error": (
        signing_xml(members={"ocspResponse": b64encode(b"\x30\x03\x0a\x01\x06").decode()}),
        "bad_ocsp",
    ),
    "null": (signing_xml(members={"ocspResponse": None}), "bad_ocsp"),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_ocsp_responses_that_prove_nothing(name: str) -> None:
    make, code = RESPONSES[name]
    assert refusal(make()) == code


def test_an_ocsp_response_of_another_signature_does_not_serve() -> None:
    person = eid().person()
    first, second = (orjson.loads(eid().sign(text, person=person)) for text in (TEXT, "other"))
    swapped = orjson.dumps(first | {"ocspResponse": second["ocspResponse"]}).decode()
    assert refusal(swapped) == "bad_ocsp"
