"""The OCSP response kept with a signature: its certificate was good when it signed (RFC 6960)."""

from datetime import datetime, timedelta
from hashlib import sha1
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from registry.identity.eid_roots import TrustedSigner, check_signing_certificate
from registry.identity.evidence_errors import UNREADABLE, EvidenceError

CLOCK_SKEW: Final = timedelta(seconds=10)

_MAX_RESPONDERS: Final = 4
_NONCE_DIGEST: Final = 20
_STRONG_HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


def read_ocsp(data: bytes) -> ocsp.OCSPResponse:
    """Read a successful response about one certificate; nothing of it is believed yet.

    Raises EvidenceError (`bad_ocsp`).
    """
    try:
        response = ocsp.load_der_ocsp_response(data)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise _refused("it is no successful answer")
        if len(list(response.responses)) != 1:
            raise _refused("it must be about one certificate")
    except UNREADABLE as error:
        raise _refused("it cannot be read") from error
    return response


def check_ocsp(
    response: ocsp.OCSPResponse, signer: TrustedSigner, *, signature_text: str, now: datetime
) -> None:
    """Check that the response says of the signer's certificate that it was good for this very signature.

    It must be signed by the certificate's issuer or by a responder that this issuer delegated, and be bound
    to the signature as BankID binds it: the nonce begins with the SHA-1 of the signature's base64 text.
    `produced_at` is then the time of signing. Raises EvidenceError (`bad_ocsp`, `revoked`).
    """
    try:
        _check_certificate(response, signer)
        _check_times(response, now)
        _check_nonce(response, signature_text)
        _check_signature(response, signer)
        status = response.certificate_status
    except UNREADABLE as error:
        raise _refused("it cannot be read") from error
    if status is ocsp.OCSPCertStatus.REVOKED:
        raise EvidenceError("revoked", "The certificate was revoked when it signed.")
    if status is not ocsp.OCSPCertStatus.GOOD:
        raise _refused("the responder does not know the certificate")


def _check_certificate(response: ocsp.OCSPResponse, signer: TrustedSigner) -> None:
    """Compare as the request for this certificate names it: serial number and both hashes of its issuer."""
    built = ocsp.OCSPRequestBuilder().add_certificate(
        signer.certificate, signer.issuer, response.hash_algorithm
    )
    asked = built.build()
    if (response.serial_number, response.issuer_name_hash, response.issuer_key_hash) != (
        asked.serial_number,
        asked.issuer_name_hash,
        asked.issuer_key_hash,
    ):
        raise _refused("it is about another certificate")


def _check_times(response: ocsp.OCSPResponse, now: datetime) -> None:
    produced_at, until = response.produced_at_utc, response.next_update_utc
    if produced_at - now > CLOCK_SKEW or response.this_update_utc - produced_at > CLOCK_SKEW:
        raise _refused("it is from the future")
    if until is not None and until < produced_at:
        raise _refused("it was out of date when it was made")


def _check_nonce(response: ocsp.OCSPResponse, signature_text: str) -> None:
    try:
        nonce = response.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    except x509.ExtensionNotFound:
        raise _refused("nothing binds it to this signature") from None
    # The e-ID's format asks for SHA-1 here; the response as a whole is signed with a strong hash.
    bound = sha1(signature_text.encode("ascii"), usedforsecurity=False).digest()
    if nonce[:_NONCE_DIGEST] != bound:
        raise _refused("it belongs to another signature")


def _check_signature(response: ocsp.OCSPResponse, signer: TrustedSigner) -> None:
    algorithm = response.signature_hash_algorithm
    if not isinstance(algorithm, _STRONG_HASHES):
        raise _refused("it is signed with an algorithm that is not accepted")
    for responder in (signer.issuer, *_delegated(response, signer)):
        key = responder.public_key()
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm)
            elif isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
            else:
                continue
        except InvalidSignature:
            continue
        return
    raise _refused("neither the certificate's issuer nor a responder of its own has signed it")


def _delegated(response: ocsp.OCSPResponse, signer: TrustedSigner) -> list[x509.Certificate]:
    """The responders that the certificate's issuer itself has certified for answering (section 4.2.2.2)."""
    if len(response.certificates) > _MAX_RESPONDERS:
        raise _refused("it carries more certificates than an answer needs")
    return [item for item in response.certificates if _is_delegated(item, signer.issuer, response)]


def _is_delegated(
    certificate: x509.Certificate, issuer: x509.Certificate, response: ocsp.OCSPResponse
) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if not isinstance(certificate.signature_hash_algorithm, _STRONG_HASHES):
            return False
        certificate.verify_directly_issued_by(issuer)
        check_signing_certificate(certificate, at=response.produced_at_utc)
    except (x509.ExtensionNotFound, InvalidSignature, EvidenceError, *UNREADABLE):
        return False
    return ExtendedKeyUsageOID.OCSP_SIGNING in usage


def _refused(why: str) -> EvidenceError:
    return EvidenceError("bad_ocsp", f"The OCSP response is refused: {why}.")
