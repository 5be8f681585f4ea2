"""The header `X-Id-Token`: a client's signed word about the user for whom it asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from registry.domain.errors import UnauthenticatedError
from registry.domain.parties import Party
from registry.identity.issuers import TrustedIssuer
from registry.identity.person_claims import require_person
from registry.identity.token_claims import (
    require_audience,
    require_issued,
    require_text,
    require_unexpired,
)
from registry.interop.minaombud.clients import ALGORITHMS, PERSON_CLAIMS
from registry.signing.jose import (
    InvalidTokenError,
    ParsedJws,
    VerificationKey,
    claims,
    parse_compact,
    require_type,
    verification_key_from_jwk,
    verify_signature,
)

MAX_AGE: Final = timedelta(hours=1)
_TYPES: Final = frozenset({None, "JWT"})
_USERNAME: Final = "preferred_username"


@dataclass(frozen=True, slots=True)
class User:
    """Who asks: a person who may be a party, or somebody known by a user name, or both."""

    person: Party | None
    username: str | None


async def verify_user(token: str, issuers: Mapping[str, TrustedIssuer], *, now: datetime) -> User:
    """Verify the token against the issuers that its client has registered.

    It is good until `exp`, for an hour at most. Raises UnauthenticatedError with what is wrong;
    UnavailableError when the issuer's keys cannot be had.
    """
    try:
        issuer, members = await _verify(token, issuers)
        _require_timely(members, now)
        _require_meant(members, issuer)
        return _read_user(members, issuer)
    except InvalidTokenError as error:
        raise UnauthenticatedError(f"The id token in `X-Id-Token` is refused: {error}.") from error


def _require_timely(members: Mapping[str, object], now: datetime) -> None:
    require_unexpired(members, now=now)
    if now - require_issued(members, now=now) > MAX_AGE:
        raise InvalidTokenError("iat", "it is older than an hour: sign in again")


def _require_meant(members: Mapping[str, object], issuer: TrustedIssuer) -> None:
    named = require_audience(members, issuer.audiences, whom="an audience that is registered")
    if (len(named) > 1 or "azp" in members) and not isinstance(members.get("azp"), str):
        raise InvalidTokenError("azp", "its `azp` must name the client that it was issued to")


def _read_user(members: Mapping[str, object], issuer: TrustedIssuer) -> User:
    require_text(members, "sub")
    username = require_text(members, _USERNAME) if members.get(_USERNAME) is not None else None
    names_person = any(members.get(name) is not None for name in PERSON_CLAIMS)
    return User(require_person(members, issuer) if names_person or username is None else None, username)


async def _verify(
    token: str, issuers: Mapping[str, TrustedIssuer]
) -> tuple[TrustedIssuer, Mapping[str, object]]:
    jws = parse_compact(token)
    require_type(jws, _TYPES)
    members = claims(jws.payload)
    name = members.get("iss")
    issuer = issuers.get(name) if isinstance(name, str) else None
    if issuer is None:
        raise InvalidTokenError("iss", "its `iss` is not an issuer that is registered for this client")
    if jws.alg not in ALGORITHMS:
        raise InvalidTokenError("alg", "its `alg` must be RS256, RS384 or RS512")
    found = None if jws.kid is None else await issuer.keys.find(jws.kid)
    verify_signature(jws, _as_signed(found, jws))
    return issuer, members


def _as_signed(key: VerificationKey | None, jws: ParsedJws) -> VerificationKey | None:
    """The key with the token's algorithm: an RSA key may sign with any of the three.

    Such keys often say nothing of their algorithm, which would then count as RS256.
    """
    if key is None or key.alg == jws.alg or key.alg not in ALGORITHMS:
        return key
    return _with_algorithm(key, jws.alg)


@lru_cache(maxsize=256)
def _with_algorithm(key: VerificationKey, alg: str) -> VerificationKey:
    return verification_key_from_jwk({**key.public_jwk(), "alg": alg})
