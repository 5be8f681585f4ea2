"""A person's signature over an act by BankID: evidence of the format `xmldsig`.

`data` is the completion data as JSON, `{"signature": base64 of the XML, "ocspResponse": base64}`. What was
signed is ours when `usrNonVisibleData` holds base64 of the digest's text: base64url of the SHA-256 of the
canonical bytes, as a preview shows it. Whoever asks BankID for the signature sends just that.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID
from lxml import etree

from registry.domain.errors import InvalidPartyIdError
from registry.domain.parties import Party
from registry.identity.eid_roots import EidRoots, trust_signer
from registry.identity.evidence_errors import EvidenceError, VerifiedSigner
from registry.identity.ocsp_answers import CLOCK_SKEW, check_ocsp, read_ocsp
from registry.identity.schemes import parse_party
from registry.identity.signed_xml import decode_base64, read_signature, verify_signed
from registry.signing.encodings import encode_base64url, parse_json_object

MAX_CHARS: Final = 200_000

_BANKID: Final = "{http://www.bankid.com/signature/v1.0.0/types}"
_SIGNING_TAKES: Final = timedelta(minutes=10)
_MEMBERS: Final = frozenset({"signature", "ocspResponse"})


def verify_xml_evidence(
    data: str,
    roots: Sequence[EidRoots],
    *,
    content_digest: bytes,
    signed_at: datetime | None,
    now: datetime,
) -> VerifiedSigner:
    """Verify that a person signed the content with this SHA-256, by a certificate of a configured e-ID.

    The time of signing is the OCSP response's. Where the e-ID's roots ask for none and none is given, it is
    `signed_at` (else `now`), and the certificate must still be valid now. A `signed_at` that is more than ten
    minutes from the response is refused. Takes some milliseconds; nothing is fetched. Raises EvidenceError.
    """
    if len(data) > MAX_CHARS:
        raise EvidenceError("too_long", f"Completion data has at most {MAX_CHARS} characters.")
    signature_text, ocsp_text = _read_completion(data)
    signature = read_signature(decode_base64(signature_text))
    response = None if ocsp_text is None else read_ocsp(decode_base64(ocsp_text))
    at = (signed_at or now) if response is None else response.produced_at_utc
    if at - now > CLOCK_SKEW or (signed_at is not None and abs(signed_at - at) > _SIGNING_TAKES):
        raise EvidenceError("bad_time", "`signed_at` must be when the evidence says it was signed.")
    signer = trust_signer(roots, signature.certificate, signature.intermediates, at=at)
    if response is not None:
        check_ocsp(response, signer, signature_text=signature_text, now=now)
    elif signer.roots.requires_ocsp:
        raise EvidenceError("bad_ocsp", "Send the `ocspResponse` that was made with the signature.")
    else:
        trust_signer([signer.roots], signature.certificate, signature.intermediates, at=now)
    _check_content(verify_signed(signature, at=at), content_digest)
    return VerifiedSigner(
        party=_person(signature.certificate, signer.roots),
        name=_name(signature.certificate),
        issuer=signer.roots.issuer,
        signed_at=at,
        evidence_digest=sha256(data.encode()).digest(),
    )


def _read_completion(data: str) -> tuple[str, str | None]:
    try:
        members = parse_json_object(data.encode("utf-8"))
    except ValueError as error:
        raise _wrong_completion() from error
    signature, ocsp_response = members.get("signature"), members.get("ocspResponse")
    if not members.keys() <= _MEMBERS or not isinstance(signature, str):
        raise _wrong_completion()
    if ocsp_response is not None and not isinstance(ocsp_response, str):
        raise _wrong_completion()
    return signature, ocsp_response


def _wrong_completion() -> EvidenceError:
    message = 'Send the completion data as JSON: {"signature": "base64", "ocspResponse": "base64"}.'
    return EvidenceError("malformed", message)


def _check_content(signed: Sequence[etree._Element], content_digest: bytes) -> None:
    """Judge what was signed: BankID's data for signing, holding our digest."""
    found = [element for element in signed if element.tag == f"{_BANKID}bankIdSignedData"]
    if len(found) != 1:
        raise EvidenceError("other_content", "What was signed must be one `bankIdSignedData`.")
    if found[0].findtext(f"{_BANKID}clientInfo/{_BANKID}funcId") != "Signing":
        raise EvidenceError("wrong_type", "The person logged in with this: a signature is needed.")
    values = found[0].findall(f"{_BANKID}usrNonVisibleData")
    expected = encode_base64url(content_digest).encode("ascii")
    if len(values) != 1 or len(values[0]) or decode_base64(values[0].text or "") != expected:
        message = "Its `usrNonVisibleData` must be base64 of the `digest` of the content to sign."
        raise EvidenceError("other_content", message)


def _person(certificate: x509.Certificate, roots: EidRoots) -> Party:
    values = [item.value for item in certificate.subject.get_attributes_for_oid(roots.person_attribute)]
    persons = {person for value in values for person in _as_person(value, roots)}
    if len(values) != 1 or len(persons) != 1:
        schemes = " or ".join(roots.person_schemes)
        raise EvidenceError("no_person", f"The certificate must name one person by {schemes}.")
    return persons.pop()


def _as_person(value: str | bytes, roots: EidRoots) -> list[Party]:
    persons = []
    for scheme in roots.person_schemes:
        try:
            persons.append(parse_party(scheme, str(value)))
        except InvalidPartyIdError:
            continue
    return persons


def _name(certificate: x509.Certificate) -> str | None:
    """The person's name: given name and surname, else the common name; None where there is neither.

    BankID's own attribute `name` (2.5.4.41) says when and on what the certificate was made as well.
    """
    for oids in ((NameOID.GIVEN_NAME, NameOID.SURNAME), (NameOID.COMMON_NAME,)):
        found = [certificate.subject.get_attributes_for_oid(oid) for oid in oids]
        if all(found):
            return " ".join(str(items[0].value) for items in found)
    return None
