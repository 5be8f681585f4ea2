"""A person's signature over an act, by an e-ID: evidence of the formats `jws` and `xmldsig`.

A `jws` is an e-ID issuer's word; `registry.identity.xml_evidence` knows the other.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from registry.domain.mandate import EVIDENCE_TYPE
from registry.identity.eid_roots import EidRoots
from registry.identity.evidence_errors import EvidenceError, VerifiedSigner
from registry.identity.issuers import Purpose, TrustedIssuer, TrustedIssuers, verify_issued
from registry.identity.person_claims import require_person
from registry.identity.token_claims import (
    require_audience,
    require_issued,
    require_text,
    require_unexpired,
)
from registry.signing.encodings import encode_base64url
from registry.signing.jose import InvalidTokenError

__all__ = ["EVIDENCE_TYPE", "EvidenceError", "VerifiedSigner", "verify_eid_evidence", "verify_jws_evidence"]

_CODES = {
    "too_long": "too_long",
    "typ": "wrong_type",
    "alg": "unsupported",
    "critical": "unsupported",
    "remote_key": "unsupported",
    "iss": "unknown_issuer",
    "kid": "unknown_key",
    "signature": "bad_signature",
    "aud": "wrong_audience",
    "content_digest": "other_content",
    "iat": "bad_time",
    "nbf": "bad_time",
    "exp": "expired",
    "person": "no_person",
}


async def verify_eid_evidence(
    evidence_format: str,
    data: str,
    issuers: TrustedIssuers,
    *,
    content_digest: bytes,
    signed_at: datetime | None = None,
    now: datetime,
) -> VerifiedSigner:
    """Verify that a person signed the content with this SHA-256, by evidence of the format that is named.

    `signed_at` is a time that was stated, compared with that of an `xmldsig`; a `jws` says its own. Raises
    EvidenceError; UnavailableError when an issuer's keys cannot be had.
    """
    if evidence_format == "jws":
        return await verify_jws_evidence(data, issuers, content_digest=content_digest, now=now)
    # Parsing and canonicalising take milliseconds, in which others shall be served.
    return await asyncio.to_thread(
        _verify_xml,
        data,
        issuers.eid_roots,
        content_digest=content_digest,
        signed_at=signed_at,
        now=now,
    )


def _verify_xml(
    data: str, roots: Sequence[EidRoots], *, content_digest: bytes, signed_at: datetime | None, now: datetime
) -> VerifiedSigner:
    # What reads XML takes 5 MiB, and many processes never meet such a signature.
    from registry.identity.xml_evidence import verify_xml_evidence  # noqa: PLC0415

    return verify_xml_evidence(data, roots, content_digest=content_digest, signed_at=signed_at, now=now)


async def verify_jws_evidence(
    data: str, issuers: TrustedIssuers, *, content_digest: bytes, now: datetime
) -> VerifiedSigner:
    """Verify that a person signed the content with this SHA-256, by a configured e-ID issuer's word.

    `data` is a compact JWS of the type `mandate-signature+jwt` with `iss`, `iat`, the claim that names the
    person, and `content_digest` (base64url); `nbf`, `exp` and the issuer's audience count where they are
    given. Raises EvidenceError; UnavailableError when the issuer's keys cannot be had.
    """
    try:
        issuer, claims = await verify_issued(data, issuers, Purpose.EID, typ=EVIDENCE_TYPE)
        signed_at = _require_good_for(content_digest, claims, issuer, now=now)
        party, name = require_person(claims, issuer), _read_name(claims, issuer)
    except InvalidTokenError as error:
        code = _CODES.get(error.reason, "malformed")
        raise EvidenceError(code, f"The signature is refused: {error}.") from error
    return VerifiedSigner(party, name, issuer.issuer, signed_at, sha256(data.encode("ascii")).digest())


def _require_good_for(
    content_digest: bytes, claims: Mapping[str, object], issuer: TrustedIssuer, *, now: datetime
) -> datetime:
    signed_at = require_issued(claims, now=now)
    if "exp" in claims:
        require_unexpired(claims, now=now)
    if issuer.audiences:
        require_audience(claims, issuer.audiences)
    if claims.get("content_digest") != encode_base64url(content_digest):
        raise InvalidTokenError("content_digest", "its `content_digest` must be that of the content to sign")
    return signed_at


def _read_name(claims: Mapping[str, object], issuer: TrustedIssuer) -> str | None:
    return require_text(claims, issuer.name_claim) if issuer.name_claim in claims else None
