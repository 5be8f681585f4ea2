"""BankID signatures: what is believed, and every way in which one is refused."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ObjectIdentifier, ocsp
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from bankid_forge import (
    BANKID,
    DSIG,
    ISSUER,
    RSA_SHA256,
    SHA256,
    YEAR,
    TestBankId,
    certify,
    replacing,
    rsa_key,
)
from factories import BERI, PAUL
from party_numbers import swedish
from registry.domain.parties import Party, Scheme
from registry.identity.eid_roots import EidRoots
from registry.identity.evidence_errors import EvidenceError, VerifiedSigner
from registry.identity.xml_evidence import MAX_CHARS, verify_xml_evidence
from registry.signing.encodings import encode_base64url

NOW = datetime.now(UTC)
DIGEST = sha256(b"the content").digest()
TEXT = encode_base64url(DIGEST)
MINUTE = timedelta(minutes=1)
VALUES = ["SignatureValue", "DigestValue", "usrNonVisibleData", "X509Certificate"]
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
NAME = ObjectIdentifier("2.5.4.41")


@cache
def eid() -> TestBankId:
    return TestBankId(NOW)


def verify(data: str, roots: EidRoots | None = None, **changes: Any) -> VerifiedSigner:  # noqa: ANN401  # any member
    arguments = {"content_digest": DIGEST, "signed_at": None, "now": datetime.now(UTC)} | changes
    return verify_xml_evidence(data, [roots or eid().roots()], **arguments)


def refusal(data: str, roots: EidRoots | None = None, **changes: Any) -> str:  # noqa: ANN401  # any member
    with pytest.raises(EvidenceError) as caught:
        verify(data, roots, **changes)
    assert BERI not in caught.value.message
    return caught.value.code


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


def test_the_one_attribute_for_the_name_counts_first() -> None:
    person = eid().person(subject={NAME: "Beri Nygift"})
    assert verify(eid().sign(TEXT, person=person)).name == "Beri Nygift"


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
    assert refusal(data, replace(eid().roots(), certificates=(_stranger().certificate,))) == "unknown_issuer"


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


_SIGNED_DATA = f'<bankIdSignedData xmlns="{BANKID}" Id="bidSignedData">'


def _stranger() -> Any:  # noqa: ANN401  # any member
    return certify(
        {NameOID.COMMON_NAME: "Test Root"},
        rsa_key("stranger"),
        None,
        valid=(NOW - YEAR, NOW + YEAR),
        is_authority=True,
        usage=("key_cert_sign",),
    )


def _xml(**changes: Any) -> Callable[[], str]:  # noqa: ANN401  # any member
    return lambda: eid().sign(TEXT, **changes)


def _entity(declared: str, used: str = "&a;") -> Callable[[], str]:
    def spoil(xml: bytes) -> bytes:
        doctype = f"<!DOCTYPE Signature [{declared}]>".encode()
        return xml.replace(b"?>", b"?>" + doctype, 1).replace(b"<version>", b"<version>" + used.encode(), 1)

    return _xml(spoil=spoil)


_BOMB = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
_OTHER_DATA = _SIGNED_DATA + "<usrNonVisibleData>eA==</usrNonVisibleData></bankIdSignedData>"


def _wrapped(xml: bytes) -> bytes:
    """The signed data is moved aside, where its digest still holds; what is read is another."""
    start, end = xml.index(_SIGNED_DATA.encode()), xml.index(b"</Object>")
    signed = xml[start:end]
    forged = signed.replace(b'Id="bidSignedData"', b'Id="other"')
    return xml[:start] + forged + b"</Object><Object>" + signed + xml[end:]


def _beside(xml: bytes) -> bytes:
    """Unsigned data beside the signed, in the same object."""
    return xml.replace(b"</Object>", _OTHER_DATA.replace("bidSignedData", "other").encode() + b"</Object>")


def _around(xml: bytes) -> bytes:
    return xml.replace(b"<Signature ", b"<Envelope><Signature ", 1) + b"</Envelope>"


def _within(xml: bytes) -> bytes:
    body = xml[xml.index(b"<Signature ") :]
    return xml.replace(b"</Object>", body.replace(b"Id=", b"Name=") + b"</Object>", 1)


def _in_utf16(xml: bytes) -> bytes:
    return xml.decode().replace("UTF-8", "UTF-16").encode("utf-16")


def _renamed(xml: bytes) -> bytes:
    return xml.replace(b"bankIdSignedData", b"data")


def _without_certificates(xml: bytes) -> bytes:
    start, end = xml.index(b"<X509Certificate>"), xml.index(b"</X509Data>")
    return xml[:start] + b"<X509SKI>eA==</X509SKI>" + xml[end:]


def _with_anothers_certificate(xml: bytes) -> bytes:
    other = eid().signing(TEXT, person=eid().person(PAUL, key=rsa_key("paul"))).xml()
    start, end = other.index(b"<X509Certificate>"), other.index(b"</X509Certificate>")
    return xml.replace(b"<X509Certificate>", other[start:end] + b"</X509Certificate><X509Certificate>", 1)


HOSTILE: dict[str, tuple[Callable[[], str], str]] = {
    "entity bomb": (_entity(_BOMB, "&a9;"), "malformed"),
    "quadratic bomb": (_entity(f'<!ENTITY a "{"x" * 10_000}">', "&a;" * 100), "malformed"),
    "external entity": (_entity('<!ENTITY a SYSTEM "file:///etc/passwd">'), "malformed"),
    "remote entity": (_entity('<!ENTITY a SYSTEM "http://127.0.0.1:9/x">'), "malformed"),
    "parameter entity": (_entity('<!ENTITY % a SYSTEM "http://127.0.0.1:9/x"> %a;', ""), "malformed"),
    "a DTD alone": (_entity("", ""), "malformed"),
    "UTF-16": (_xml(spoil=_in_utf16), "malformed"),
    "declared as UTF-7": (_xml(spoil=replacing("UTF-8", "UTF-7")), "malformed"),
    "declared as XML 1.1": (_xml(spoil=replacing('version="1.0"', 'version="1.1"')), "malformed"),
    "comment in the value": (_xml(bend=replacing("Ny4", "Ny<!-- x -->4")), "malformed"),
    "comment after signing": (_xml(spoil=replacing("Ny4", "Ny<!-- x -->4")), "malformed"),
    "CDATA": (_xml(spoil=replacing("Ny4xNC4w", "<![CDATA[Ny4xNC4w]]>")), "malformed"),
    "processing instruction": (_xml(spoil=replacing("Ny4", "Ny<?x y?>4")), "malformed"),
    "no XML": (_xml(spoil=lambda _: b"hello"), "malformed"),
    "not well-formed": (_xml(spoil=replacing("</Object>", "</object>")), "malformed"),
    "nested deeply": (_xml(spoil=replacing("<version>", "<version>" + "<v>" * 5000)), "malformed"),
    "many elements": (_xml(bend=replacing("<version>", "<x/>" * 300 + "<version>")), "malformed"),
    "no namespace": (_xml(bend=replacing("<version>", '<x xmlns=""/><version>')), "malformed"),
    "a namespace in words": (_xml(bend=replacing("<name>", "<name>xmlns=&quot;&quot; ")), "malformed"),
    "signature wrapping": (_xml(spoil=_wrapped), "malformed"),
    "unsigned data beside": (_xml(spoil=_beside), "malformed"),
    "wrapped in another element": (_xml(spoil=_around), "malformed"),
    "a signature within": (_xml(spoil=_within), "malformed"),
    "an id twice": (
        _xml(bend=replacing("<srvInfo>", '<srvInfo Id="bidKeyInfo">')),
        "malformed",
    ),
    "an id twice by another name": (
        _xml(bend=replacing("<srvInfo>", '<srvInfo ID="bidSignedData">')),
        "malformed",
    ),
    "two objects": (_xml(spoil=replacing("</Object>", "</Object><Object/>")), "malformed"),
    "a whole-document reference": (_xml(spoil=replacing('URI="#bidKeyInfo"', 'URI=""')), "malformed"),
    "a remote reference": (
        _xml(spoil=replacing('URI="#bidKeyInfo"', 'URI="http://127.0.0.1:9/"')),
        "malformed",
    ),
    "a reference to nothing": (_xml(bend=replacing('URI="#bidKeyInfo"', 'URI="#none"')), "malformed"),
    "only the key is signed": (
        _xml(bend=replacing('URI="#bidSignedData"', 'URI="#bidKeyInfo"')),
        "malformed",
    ),
    "a transform by style sheet": (
        _xml(
            bend=replacing(
                'Transform Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"',
                'Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"',
            )
        ),
        "unsupported",
    ),
    "SHA-1 signature": (_xml(algorithm=f"{DSIG}rsa-sha1"), "unsupported"),
    "HMAC": (_xml(algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"), "unsupported"),
    "SHA-1 digest": (_xml(bend=replacing(SHA256, f"{DSIG}sha1")), "unsupported"),
    "MD5 digest": (
        _xml(bend=replacing(SHA256, "http://www.w3.org/2001/04/xmldsig-more#md5")),
        "unsupported",
    ),
    "changed after signing": (_xml(spoil=replacing("Ny4xNC4w", "Ny4xNC4x")), "bad_signature"),
    "another's certificate in front": (_xml(spoil=_with_anothers_certificate), "bad_ocsp"),
    "a key value": (
        _xml(bend=replacing("<X509Data>", "<KeyName>x</KeyName><X509Data>")),
        "malformed",
    ),
    "no certificate": (_xml(spoil=_without_certificates), "malformed"),
    "no digest": (_xml(hidden=""), "malformed"),
    "digest of other content": (
        lambda: eid().sign(encode_base64url(sha256(b"other").digest())),
        "other_content",
    ),
    "the digest without base64": (_xml(hidden=TEXT), "malformed"),
    "the bytes themselves": (_xml(hidden=b64encode(b"the content").decode()), "other_content"),
    "the digest among more": (_xml(hidden=b64encode(f"{TEXT} x".encode()).decode()), "other_content"),
    "two digests": (
        _xml(bend=replacing("<srvInfo>", "<usrNonVisibleData>eA==</usrNonVisibleData><srvInfo>")),
        "other_content",
    ),
    "a log-in": (_xml(function="Identification"), "wrong_type"),
    "other data altogether": (
        _xml(bend=lambda xml: xml.replace(b"bankIdSignedData", b"data")),
        "other_content",
    ),
    "not JSON": (lambda: "eA==", "malformed"),
    "JSON of another kind": (lambda: '["x"]', "malformed"),
    "a member more": (_xml(members={"user": {}}), "malformed"),
    "a signature that is no text": (_xml(members={"signature": 1}), "malformed"),
    "a response that is no text": (_xml(members={"ocspResponse": 1}), "malformed"),
    "base64url": (_xml(spoil_signature=lambda text: text.replace("+", "-") + "_"), "malformed"),
    "a surrogate": (lambda: '{"signature": "\\ud800"}', "malformed"),
    "not ASCII": (lambda: '{"signature": "å"}', "malformed"),
    "too long": (lambda: "x" * (MAX_CHARS + 1), "too_long"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_evidence_is_refused(name: str) -> None:
    make, code = HOSTILE[name]
    assert refusal(make()) == code


def _by(**changes: Any) -> Callable[[], str]:  # noqa: ANN401  # any member
    """Signed now with a certificate that is in some way another."""
    return lambda: eid().sign(TEXT, person=eid().person(**changes), chain=changes.pop("chain", None))


def _chained(**changes: Any) -> Callable[[], str]:  # noqa: ANN401  # any member
    """Signed by a certificate of a bank that is in some way another."""

    def make() -> str:
        arguments = {
            "valid": (NOW - YEAR, NOW + YEAR),
            "is_authority": True,
            "usage": ("key_cert_sign",),
        } | changes
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
    "a key of 1024 bits": (_by(key=rsa_key("weak", 1024)), "bad_certificate"),
    "a key on another curve": (_by(key=ec.generate_private_key(ec.SECP256K1())), "bad_certificate"),
    "signed with a weak hash": (_by(algorithm=hashes.SHA224()), "unknown_issuer"),
    "signed by itself": (_by(issuer=None), "unknown_issuer"),
    "of no person": (_by(subject={NameOID.SERIAL_NUMBER: "5561929323"}), "no_person"),
    "of a number that is none": (_by(number=BERI[:-1] + "0"), "no_person"),
    "of an expired bank": (_chained(valid=(NOW - 2 * YEAR, NOW - YEAR)), "unknown_issuer"),
    "of a bank that is no authority": (_chained(is_authority=False), "unknown_issuer"),
    "of a bank that may not certify": (_chained(usage=("digital_signature",)), "unknown_issuer"),
    "of an unknown root by the same name": (_chained(issuer=_stranger()), "unknown_issuer"),
    "without the bank's": (_xml(chain=()), "unknown_issuer"),
    "the bank's own": (lambda: eid().sign(TEXT, person=eid().bank, chain=(eid().root,)), "bad_certificate"),
    "with a long chain": (lambda: eid().sign(TEXT, chain=(eid().bank,) * 5), "bad_certificate"),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_certificates_that_prove_nothing(name: str) -> None:
    make, code = CERTIFICATES[name]
    assert refusal(make()) == code


def test_a_bank_of_the_root_certifies_and_answers_by_itself() -> None:
    assert verify(_chained()()).party.value == BERI


def test_another_person_with_the_same_name_is_another_person() -> None:
    assert verify(eid().sign(TEXT, PAUL)).party == Party(Scheme.SE_PNR, PAUL)


def _ocsp(**changes: Any) -> Callable[[], str]:  # noqa: ANN401  # any member
    return lambda: eid().sign(TEXT, ocsp=changes)


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
    "about another certificate": (_ocsp(about=eid().person()), "bad_ocsp"),
    "of another issuer": (_ocsp(issuer=eid().root), "bad_ocsp"),
    "by a stranger": (_ocsp(responder=_responder(issuer=_stranger())), "bad_ocsp"),
    "by the root's responder": (_ocsp(responder=_responder(issuer=eid().root)), "bad_ocsp"),
    "by somebody not delegated": (_ocsp(responder=_responder(ocsp_signing=False)), "bad_ocsp"),
    "by the person itself": (_ocsp(responder=eid().person()), "bad_ocsp"),
    "by an expired responder": (
        _ocsp(responder=_responder(valid=(NOW - 2 * YEAR, NOW - YEAR))),
        "bad_ocsp",
    ),
    "signed with a weak hash": (_ocsp(algorithm=hashes.SHA224()), "bad_ocsp"),
    "known only later": (_ocsp(this_update=NOW + timedelta(hours=1)), "bad_ocsp"),
    "out of date": (_ocsp(this_update=NOW - YEAR, next_update=NOW - timedelta(hours=1)), "bad_ocsp"),
    "bound to nothing": (_ocsp(nonce=None), "bad_ocsp"),
    "bound to another signature": (_ocsp(nonce=b"x" * 32), "bad_ocsp"),
    "not DER": (_xml(members={"ocspResponse": "eA=="}), "bad_ocsp"),
    "an error": (_xml(members={"ocspResponse": b64encode(b"\x30\x03\x0a\x01\x06").decode()}), "bad_ocsp"),
    "null": (_xml(members={"ocspResponse": None}), "bad_ocsp"),
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


def test_a_stated_time_must_be_that_of_the_evidence() -> None:
    data = eid().sign(TEXT)
    assert refusal(data, signed_at=NOW - timedelta(hours=1)) == "bad_time"
    assert refusal(data, signed_at=NOW + timedelta(hours=1), now=NOW + YEAR) == "bad_time"


def test_evidence_from_the_future_is_refused() -> None:
    assert refusal(eid().sign(TEXT), now=NOW - timedelta(hours=1)) == "bad_time"


@cache
def _completion() -> str:
    return eid().sign(TEXT)


@given(st.integers(0), st.integers(1, 255))
def test_no_byte_of_the_signed_xml_can_be_another(position: int, flip: int) -> None:
    """Signature value, digests, data, certificates: with the response bound to it, every byte counts."""
    members = orjson.loads(_completion())
    xml = bytearray(b64decode(members["signature"]))
    xml[position % len(xml)] ^= flip
    changed = members | {"signature": b64encode(xml).decode()}
    assert refusal(orjson.dumps(changed).decode())


@given(
    st.integers(0),
    st.integers(1, 255),
    st.sampled_from(["SignatureValue", "DigestValue", "usrNonVisibleData"]),
)
def test_no_byte_of_a_value_can_be_another_even_without_ocsp(position: int, flip: int, name: str) -> None:
    xml = bytearray(b64decode(orjson.loads(_completion())["signature"]))
    start = xml.index(f"<{name}>".encode()) + len(name) + 2
    end = xml.index(f"</{name}>".encode())
    xml[start + position % (end - start)] ^= flip
    data = orjson.dumps({"signature": b64encode(xml).decode()}).decode()
    assert refusal(data, eid().roots(requires_ocsp=False))


@given(st.integers(0), st.integers(1, 255))
def test_no_byte_of_the_response_can_be_another(position: int, flip: int) -> None:
    members = orjson.loads(_completion())
    response = bytearray(b64decode(members["ocspResponse"]))
    response[position % len(response)] ^= flip
    changed = members | {"ocspResponse": b64encode(response).decode()}
    data = orjson.dumps(changed).decode()
    try:
        found = verify(data)
    except EvidenceError:
        return
    # The responder's certificate is not covered by the response's signature: nothing may hang on it then.
    assert found == replace(verify(_completion()), evidence_digest=found.evidence_digest)


@given(st.text(max_size=300))
def test_anything_else_is_refused_and_nothing_breaks(data: str) -> None:
    assert refusal(data)


@given(st.binary(max_size=300))
def test_any_bytes_as_xml_are_refused(data: bytes) -> None:
    assert refusal(orjson.dumps({"signature": b64encode(data).decode()}).decode())


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
