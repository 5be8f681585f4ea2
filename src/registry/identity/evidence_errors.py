"""What can be wrong with evidence of a signature, and what it proves when nothing is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from registry.domain.errors import RegistryError
from registry.domain.parties import Party

UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography raises, at reading or later, for a certificate or OCSP response that is none."""


class EvidenceError(RegistryError):
    """The evidence does not prove the signature."""

    def __init__(self, code: str, message: str) -> None:
        """Carry the stable code.

        One of `malformed`, `too_long`, `unsupported`, `wrong_type`, `unknown_issuer`, `unknown_key`,
        `bad_signature`, `wrong_audience`, `other_content`, `bad_time`, `expired`, `no_person`; of a
        certificate also `bad_certificate`, `bad_ocsp`, `revoked`; of a scan also `media_type`, `digest`,
        `missing`.
        """
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class VerifiedSigner:
    """Who signed, as the issuer attests.

    `evidence_digest` is the SHA-256 of the evidence as it was sent.
    """

    party: Party
    name: str | None
    issuer: str
    signed_at: datetime
    evidence_digest: bytes
