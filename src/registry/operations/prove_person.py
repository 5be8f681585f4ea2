"""Who a person that acts is: named by an id token, or by a signature over the act's own bytes."""

from dataclasses import dataclass
from datetime import datetime

from registry.domain.errors import Fault, ForbiddenError, InvalidInputError
from registry.domain.parties import Party
from registry.identity.eid_evidence import EvidenceError, verify_eid_evidence
from registry.identity.issuers import TrustedIssuers
from registry.signing.canonical import digest
from registry.signing.encodings import encode_base64url


@dataclass(frozen=True, slots=True)
class ProvedPerson:
    """Who acts, None where nobody is named, and the base64url SHA-256 of the signature that says so."""

    party: Party | None
    evidence_digest: str | None


async def prove_person(
    issuers: TrustedIssuers,
    act: bytes,
    *,
    person: Party | None,
    signature: str | None,
    signature_format: str = "jws",
    now: datetime,
) -> ProvedPerson:
    """Verify the signature over the bytes of an act, where there is one; `person` is the id token's.

    Raises InvalidInputError for a signature that does not hold, ForbiddenError where it and the id token
    name different persons, UnavailableError when the issuer's keys cannot be had.
    """
    if signature is None:
        return ProvedPerson(person, None)
    try:
        signer = await verify_eid_evidence(
            signature_format, signature, issuers, content_digest=digest(act), now=now
        )
    except EvidenceError as error:
        fault = Fault("/signature/evidence/data", f"evidence_{error.code}", error.message)
        raise InvalidInputError((fault,)) from error
    if person is not None and person != signer.party:
        raise ForbiddenError("The id token and the signature name different persons.")
    return ProvedPerson(signer.party, encode_base64url(signer.evidence_digest))
