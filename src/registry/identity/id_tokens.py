"""Id tokens (OpenID Connect Core 1.0): proof in the header `Id-Token` that a person is acting now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from registry.domain.errors import ForbiddenError, UnauthenticatedError
from registry.domain.parties import Party
from registry.identity.issuers import Purpose, TrustedIssuer, TrustedIssuers, verify_issued
from registry.identity.person_claims import require_person
from registry.identity.token_claims import (
    require_audience,
    require_issued,
    require_text,
    require_unexpired,
)
from registry.signing.jose import InvalidTokenError

MAX_AGE = timedelta(minutes=5)

_TYPES = frozenset({None, "JWT"})


@dataclass(frozen=True, slots=True)
class AuthenticatedPerson:
    """A person proved by an id token, and the SHA-256 of that token as it was sent."""

    party: Party
    issuer: str
    issued_at: datetime
    token_digest: bytes


async def verify_id_token(
    token: str,
    issuers: TrustedIssuers,
    *,
    audiences: frozenset[str],
    now: datetime,
    max_age: timedelta = MAX_AGE,
) -> AuthenticatedPerson:
    """Verify an id token as OpenID Connect Core 1.0 section 3.1.3.7 says, and that it is recent.

    It must be meant for one of `audiences` (the names under which the calling client is known to the issuer)
    or for the registry itself, and not be older than `max_age`. Raises UnauthenticatedError with what is
    wrong; ForbiddenError when it is valid and names no person the registry can know; UnavailableError when
    the issuer's keys cannot be had.
    """
    try:
        issuer, claims = await verify_issued(token, issuers, Purpose.ID_TOKEN, typ=_TYPES)
        issued_at = _require_recent(claims, issuer, audiences, now=now, max_age=max_age)
    except InvalidTokenError as error:
        raise UnauthenticatedError(f"The id token is refused: {error}.") from error
    try:
        party = require_person(claims, issuer)
    except InvalidTokenError as error:
        raise ForbiddenError(f"The id token does not say who is acting: {error}.") from error
    return AuthenticatedPerson(party, issuer.issuer, issued_at, sha256(token.encode("ascii")).digest())


def _require_recent(
    claims: Mapping[str, object],
    issuer: TrustedIssuer,
    audiences: frozenset[str],
    *,
    now: datetime,
    max_age: timedelta,
) -> datetime:
    require_unexpired(claims, now=now)
    issued_at = require_issued(claims, now=now)
    if now - issued_at > max_age:
        raise InvalidTokenError(
            "iat", f"it is older than {max_age.total_seconds():.0f} seconds: sign in again"
        )
    require_text(claims, "sub")
    accepted = issuer.audiences | audiences
    named = require_audience(claims, accepted, whom="the client that calls or this registry")
    if (len(named) > 1 or "azp" in claims) and claims.get("azp") not in accepted:
        raise InvalidTokenError("azp", "its `azp` must name the client that it was issued to")
    # Some issuers give their access tokens the type of an id token.
    if "scope" in claims or "client_id" in claims:
        raise InvalidTokenError("typ", "it is an access token: send the id token")
    return issued_at
