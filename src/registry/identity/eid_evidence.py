"""A person's signature over an act, as an e-ID issuer attests it: evidence of the format `jws`."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

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

__all__ = ["EVIDENCE_TYPE", "EvidenceError", "VerifiedSigner", "verify_jws_evidence"]

EVIDENCE_TYPE = "mandate-signature+jwt"

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
