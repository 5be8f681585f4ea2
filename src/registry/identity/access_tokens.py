"""OAuth 2 access tokens as JWTs (RFC 9068): who calls, for which client, with which scopes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from registry.domain.errors import UnauthenticatedError
from registry.identity.issuers import Purpose, TrustedIssuers, verify_issued
from registry.identity.token_claims import (
    require_audience,
    require_issued,
    require_text,
    require_unexpired,
)
from registry.signing.encodings import decode_base64url
from registry.signing.jose import InvalidTokenError

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 section 3.3
_DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class AccessTokenClaims:
    """What a verified access token says.

    `confirmation` is base64url of the SHA-256 of the client certificate that the token is bound to
    (RFC 8705); whoever lets the call in must compare it with the certificate of the connection.
    """

    issuer: str
    client_id: str
    subject: str
    scopes: frozenset[str]
    expires_at: datetime
    jti: str
    confirmation: str | None


async def verify_access_token(token: str, issuers: TrustedIssuers, *, now: datetime) -> AccessTokenClaims:
    """Verify a bearer token as RFC 9068 section 4 says.

    `iat` and `nbf` may lie up to 10 seconds ahead of `now`; `exp` may not have passed.
    Raises UnauthenticatedError with what is wrong; UnavailableError when the issuer's keys cannot be had.
    """
    try:
        issuer, claims = await verify_issued(token, issuers, Purpose.ACCESS_TOKEN, typ="at+jwt")
        expires_at = require_unexpired(claims, now=now)
        require_issued(claims, now=now)
        require_audience(claims, issuer.audiences)
        return AccessTokenClaims(
            issuer=issuer.issuer,
            client_id=require_text(claims, "client_id"),
            subject=require_text(claims, "sub"),
            scopes=_read_scopes(claims),
            expires_at=expires_at,
            jti=require_text(claims, "jti"),
            confirmation=_read_confirmation(claims),
        )
    except InvalidTokenError as error:
        raise UnauthenticatedError(f"The access token is refused: {error}.") from error


def _read_scopes(claims: Mapping[str, object]) -> frozenset[str]:
    value = claims.get("scope", "")
    if value == "":
        return frozenset()
    names = value.split(" ") if isinstance(value, str) else []
    if not names or not all(_SCOPE.fullmatch(name) for name in names):
        raise InvalidTokenError("scope", "its `scope` must be names with one space between")
    return frozenset(names)


def _read_confirmation(claims: Mapping[str, object]) -> str | None:
    if "cnf" not in claims:
        return None
    # A token bound to a key in a way that is not checked here would be used as if it were bound to none.
    confirmation = claims["cnf"]
    digest = confirmation.get("x5t#S256") if isinstance(confirmation, dict) else None
    if not isinstance(digest, str) or not _is_digest(digest):
        raise InvalidTokenError("cnf", "its `cnf` must be the SHA-256 of a certificate (`x5t#S256`)")
    return digest


def _is_digest(text: str) -> bool:
    try:
        return len(decode_base64url(text)) == _DIGEST_BYTES
    except ValueError:
        return False
