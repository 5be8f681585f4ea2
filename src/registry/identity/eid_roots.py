"""Whose e-ID certificates are believed: the configured roots, and the chain from a signer's certificate."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from registry.domain.parties import Party, PartyType, Scheme
from registry.identity.evidence_errors import UNREADABLE, EvidenceError

MIN_RSA_BITS: Final = 2048

_MAX_INTERMEDIATES: Final = 4


@dataclass(frozen=True, slots=True)
class EidRoots:
    """The root certificates of one e-ID, and how its certificates name the person.

    `issuer` is the name that signatures are recorded with. `person_attribute` of the subject holds the
    identifier, valid in exactly one of `person_schemes`. With `requires_ocsp`, a signature without the OCSP
    response that was made with it is refused. Raises ValueError for a configuration that could never be met.
    """

    issuer: str
    certificates: tuple[x509.Certificate, ...]
    person_schemes: tuple[Scheme, ...] = (Scheme.SE_PNR,)
    person_attribute: x509.ObjectIdentifier = NameOID.SERIAL_NUMBER
    requires_ocsp: bool = True

    def __post_init__(self) -> None:
        """Refuse what could never be met."""
        if not self.issuer:
            raise ValueError("e-ID roots need the name of their `issuer`")
        if not self.certificates:
            raise ValueError(f"{self.issuer}: no root certificate is configured")
        if not self.person_schemes:
            raise ValueError(f"{self.issuer}: the scheme that identifies a person is not configured")
        for scheme in self.person_schemes:
            if Party(scheme, "").type is not PartyType.PERSON:
                raise ValueError(f"{self.issuer}: {scheme} does not identify persons")
        for certificate in self.certificates:
            if not _is_authority(certificate):
                raise ValueError(f"{self.issuer}: a root must be the certificate of an authority (CA)")


@dataclass(frozen=True, slots=True)
class TrustedSigner:
    """A signer's certificate that leads to a root: whose root, and the certificate of its own issuer."""

    roots: EidRoots
    certificate: x509.Certificate
    issuer: x509.Certificate


def trust_signer(
    configured: Sequence[EidRoots],
    certificate: x509.Certificate,
    intermediates: Sequence[x509.Certificate],
    *,
    at: datetime,
) -> TrustedSigner:
    """Lead a signer's certificate to a configured root, as things were at a time (RFC 5280, section 6).

    Every certificate of the chain must be valid then. The signer's must be meant for signatures and no
    authority's, and its key RSA of 2048 bits or a NIST curve. Raises EvidenceError (`bad_certificate`,
    `unknown_issuer`). Whether it was revoked is for the OCSP response to say.
    """
    if len(intermediates) > _MAX_INTERMEDIATES:
        raise EvidenceError("bad_certificate", "The chain has more certificates than any e-ID's.")
    check_signing_certificate(certificate, at=at)
    for roots in configured:
        verifier = (
            PolicyBuilder()
            .store(Store(list(roots.certificates)))
            .time(at)
            .max_chain_depth(_MAX_INTERMEDIATES)
            .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=_SIGNER)
            .build_client_verifier()
        )
        try:
            chain = verifier.verify(certificate, list(intermediates)).chain
        except (VerificationError, *UNREADABLE):
            continue
        if len(chain) > 1:
            return TrustedSigner(roots, certificate, chain[1])
    raise EvidenceError(
        "unknown_issuer", "The certificate leads to no root that the registry trusts, or not at that time."
    )


def check_signing_certificate(certificate: x509.Certificate, *, at: datetime) -> None:
    """Raise EvidenceError (`bad_certificate`) unless this may sign at a time, whoever issued it."""
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise EvidenceError("bad_certificate", "The certificate was not valid when it signed.")
    try:
        is_strong = is_strong_key(certificate.public_key())
    except UNREADABLE as error:
        raise EvidenceError("bad_certificate", "The certificate cannot be read.") from error
    if _is_authority(certificate):
        raise EvidenceError("bad_certificate", "An authority's certificate signs certificates alone.")
    if not is_strong:
        raise EvidenceError("bad_certificate", "The certificate's key is too weak, or of another kind.")


def is_strong_key(key: object) -> bool:
    """Whether a public key is RSA of at least 2048 bits or on one of the curves P-256, P-384, P-521."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= MIN_RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(
        key.curve, ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1
    )


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, *UNREADABLE):
        return False


def _require_for_signatures(
    _policy: Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None
) -> None:
    if usage is None or not (usage.content_commitment or usage.digital_signature):
        raise ValueError("not meant for signatures")


_SIGNER: Final = ExtensionPolicy.permit_all().require_present(
    x509.KeyUsage, Criticality.AGNOSTIC, _require_for_signatures
)
