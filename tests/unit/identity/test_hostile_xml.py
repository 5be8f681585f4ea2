"""Hostile XML: every way in which a BankID signature is tampered with, and none of them succeeds."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from hashlib import sha256

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankid_forge import (
    BANKID,
    DSIG,
    SHA256,
    replacing,
    rsa_key,
)
from bankid_trials import TEXT, eid, refusal, signing_xml, verify
from factories import PAUL
from registry.identity.evidence_errors import EvidenceError
from registry.identity.xml_evidence import MAX_CHARS
from registry.signing.encodings import encode_base64url

VALUES = ["SignatureValue", "DigestValue", "usrNonVisibleData", "X509Certificate"]
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"

_SIGNED_DATA = f'<bankIdSignedData xmlns="{BANKID}" Id="bidSignedData">'


def _entity(declared: str, used: str = "&a;") -> Callable[[], str]:
    def spoil(xml: bytes) -> bytes:
        doctype = f"<!DOCTYPE Signature [{declared}]>".encode()
        return xml.replace(b"?>", b"?>" + doctype, 1).replace(b"<version>", b"<version>" + used.encode(), 1)

    return signing_xml(spoil=spoil)


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


def _signing_only_data() -> str:
    def without_second(xml: bytes) -> bytes:
        start = xml.index(b'<Reference URI="#bidKeyInfo">')
        return xml[:start] + xml[xml.index(b"</SignedInfo>") :]

    return eid().sign(TEXT, bend=without_second)


HOSTILE: dict[str, tuple[Callable[[], str], str]] = {
    "entity bomb": (_entity(_BOMB, "&a9;"), "malformed"),
    "quadratic bomb": (_entity(f'<!ENTITY a "{"x" * 10_000}">', "&a;" * 100), "malformed"),
    "external entity": (_entity('<!ENTITY a SYSTEM "file:///etc/passwd">'), "malformed"),
    "remote entity": (_entity('<!ENTITY a SYSTEM "http://127.0.0.1:9/x">'), "malformed"),
    "parameter entity": (_entity('<!ENTITY % a SYSTEM "http://127.0.0.1:9/x"> %a;', ""), "malformed"),
    "a DTD alone": (_entity("", ""), "malformed"),
    "UTF-16": (signing_xml(spoil=_in_utf16), "malformed"),
    "declared as UTF-7": (signing_xml(spoil=replacing("UTF-8", "UTF-7")), "malformed"),
    "declared as XML 1.1": (signing_xml(spoil=replacing('version="1.0"', 'version="1.1"')), "malformed"),
    "comment in the value": (signing_xml(bend=replacing("Ny4", "Ny<!-- x -->4")), "malformed"),
    "comment after signing": (signing_xml(spoil=replacing("Ny4", "Ny<!-- x -->4")), "malformed"),
    "CDATA": (signing_xml(spoil=replacing("Ny4xNC4w", "<![CDATA[Ny4xNC4w]]>")), "malformed"),
    "processing instruction": (signing_xml(spoil=replacing("Ny4", "Ny<?x y?>4")), "malformed"),
    "no XML": (signing_xml(spoil=lambda _: b"hello"), "malformed"),
    "not well-formed": (signing_xml(spoil=replacing("</Object>", "</object>")), "malformed"),
    "nested deeply": (signing_xml(spoil=replacing("<version>", "<version>" + "<v>" * 5000)), "malformed"),
    "many elements": (signing_xml(bend=replacing("<version>", "<x/>" * 300 + "<version>")), "malformed"),
    "no namespace": (signing_xml(bend=replacing("<version>", '<x xmlns=""/><version>')), "malformed"),
    "a namespace in words": (signing_xml(bend=replacing("<name>", "<name>xmlns=&quot;&quot; ")), "malformed"),
    "signature wrapping": (signing_xml(spoil=_wrapped), "malformed"),
    "unsigned data beside": (signing_xml(spoil=_beside), "malformed"),
    "wrapped in another element": (signing_xml(spoil=_around), "malformed"),
    "a signature within": (signing_xml(spoil=_within), "malformed"),
    "an id twice": (
        signing_xml(bend=replacing("<srvInfo>", '<srvInfo Id="bidKeyInfo">')),
        "malformed",
    ),
    "an id twice by another name": (
        signing_xml(bend=replacing("<srvInfo>", '<srvInfo ID="bidSignedData">')),
        "malformed",
    ),
    "two objects": (signing_xml(spoil=replacing("</Object>", "</Object><Object/>")), "malformed"),
    "a whole-document reference": (signing_xml(spoil=replacing('URI="#bidKeyInfo"', 'URI=""')), "malformed"),
    "a remote reference": (
        signing_xml(spoil=replacing('URI="#bidKeyInfo"', 'URI="http://127.0.0.1:9/"')),
        "malformed",
    ),
    "a reference to nothing": (signing_xml(bend=replacing('URI="#bidKeyInfo"', 'URI="#none"')), "malformed"),
    "the key is not signed": (_signing_only_data, "malformed"),
    "only the key is signed": (
        signing_xml(bend=replacing('URI="#bidSignedData"', 'URI="#bidKeyInfo"')),
        "malformed",
    ),
    "a transform by style sheet": (
        signing_xml(
            bend=replacing(
                'Transform Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"',
                'Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"',
            )
        ),
        "unsupported",
    ),
    "SHA-1 signature": (signing_xml(algorithm=f"{DSIG}rsa-sha1"), "unsupported"),
    "HMAC": (signing_xml(algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"), "unsupported"),
    "SHA-1 digest": (signing_xml(bend=replacing(SHA256, f"{DSIG}sha1")), "unsupported"),
    "MD5 digest": (
        signing_xml(bend=replacing(SHA256, "http://www.w3.org/2001/04/xmldsig-more#md5")),
        "unsupported",
    ),
    "changed after signing": (signing_xml(spoil=replacing("Ny4xNC4w", "Ny4xNC4x")), "bad_signature"),
    "another's certificate in front": (signing_xml(spoil=_with_anothers_certificate), "bad_ocsp"),
    "a key value": (
        signing_xml(bend=replacing("<X509Data>", "<KeyName>x</KeyName><X509Data>")),
        "malformed",
    ),
    "no certificate": (signing_xml(spoil=_without_certificates), "malformed"),
    "no digest": (signing_xml(hidden=""), "malformed"),
    "digest of other content": (
        lambda: eid().sign(encode_base64url(sha256(b"other").digest())),
        "other_content",
    ),
    "the digest without base64": (signing_xml(hidden=TEXT), "malformed"),
    "the bytes themselves": (signing_xml(hidden=b64encode(b"the content").decode()), "other_content"),
    "the digest among more": (signing_xml(hidden=b64encode(f"{TEXT} x".encode()).decode()), "other_content"),
    "two digests": (
        signing_xml(bend=replacing("<srvInfo>", "<usrNonVisibleData>eA==</usrNonVisibleData><srvInfo>")),
        "other_content",
    ),
    "a log-in": (signing_xml(function="Identification"), "wrong_type"),
    "other data altogether": (
        signing_xml(bend=lambda xml: xml.replace(b"bankIdSignedData", b"data")),
        "other_content",
    ),
    "not JSON": (lambda: "eA==", "malformed"),
    "JSON of another kind": (lambda: '["x"]', "malformed"),
    "a member more": (signing_xml(members={"user": {}}), "malformed"),
    "a signature that is no text": (signing_xml(members={"signature": 1}), "malformed"),
    "a response that is no text": (signing_xml(members={"ocspResponse": 1}), "malformed"),
    "base64url": (signing_xml(spoil_signature=lambda text: text.replace("+", "-") + "_"), "malformed"),
    "a surrogate": (lambda: '{"signature": "\\ud800"}', "malformed"),
    "not ASCII": (lambda: '{"signature": "å"}', "malformed"),
    "too long": (lambda: "x" * (MAX_CHARS + 1), "too_long"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_evidence_is_refused(name: str) -> None:
    make, code = HOSTILE[name]
    assert refusal(make()) == code


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
