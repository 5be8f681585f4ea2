"""Client assertions (RFC 7523, `private_key_jwt`): a client proves itself with a short-lived signed JWT.

It is signed with a key that the client has registered; no key is ever taken from the assertion.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from registry.domain.errors import Fault
from registry.identity.token_claims import (
    CLOCK_SKEW,
    require_audience,
    require_instant,
    require_issued,
    require_text,
    require_unexpired,
)
from registry.signing.jose import (
    InvalidTokenError,
    ParsedJws,
    VerificationKey,
    claims,
    parse_compact,
    require_type,
    verification_key_from_jwk,
    verification_keys_from_jwks,
    verify_signature,
)
from registry.signing.jwk import InvalidKeyError

MAX_LIFETIME = timedelta(minutes=5)
MAX_KEYS = 16
ALGORITHMS = frozenset({"ES256", "RS256"})

_TYPES = frozenset({None, "JWT", "client-authentication+jwt"})
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class ClientAssertion:
    """An assertion whose claims are in order. Nobody has proved anything until `is_signed_by` says so."""

    client_id: str
    jti: str
    expires_at: datetime
    _jws: ParsedJws = field(repr=False)

    def is_signed_by(self, jwks: Mapping[str, object]) -> bool:
        """Whether the key that the assertion names is in this JWK set and has signed it."""
        kid = self._jws.kid
        try:
            keys = verification_keys_from_jwks(jwks)
            verify_signature(self._jws, None if kid is None else keys.get(kid))
        except (InvalidKeyError, InvalidTokenError):
            return False
        return True


def read_client_assertion(text: str, *, audiences: frozenset[str], now: datetime) -> ClientAssertion:
    """Read an assertion and judge its claims as RFC 7523 section 3 says, narrowed.

    `iss` and `sub` are the client; `aud` names one of `audiences` and nobody else, so that it is of no use
    elsewhere; `exp` lies ahead, by 5 minutes at most; `jti` is present, so that it is used once. Clocks may
    differ by 10 seconds. Raises InvalidTokenError.
    """
    jws = parse_compact(text)
    require_type(jws, _TYPES)
    if jws.alg not in ALGORITHMS:
        raise InvalidTokenError("alg", f"its `alg` must be one of {', '.join(sorted(ALGORITHMS))}")
    members = claims(jws.payload)
    client_id = require_text(members, "sub")
    if require_text(members, "iss") != client_id:
        raise InvalidTokenError("iss", "its `iss` and `sub` must both be the client_id")
    if len(require_audience(members, audiences)) != 1:
        raise InvalidTokenError("aud", "its `aud` must name nobody else beside this registry")
    expires_at = require_unexpired(members, now=now)
    if expires_at > now + MAX_LIFETIME + CLOCK_SKEW:
        minutes = MAX_LIFETIME.total_seconds() / 60
        raise InvalidTokenError("exp", f"its `exp` must lie at most {minutes:.0f} minutes ahead")
    _require_begun(members, now)
    return ClientAssertion(client_id, require_text(members, "jti"), expires_at, jws)


def read_client_keys(jwks: Mapping[str, object]) -> tuple[list[VerificationKey], tuple[Fault, ...]]:
    """Read the public keys of a JWK set that a client wants to register, and every fault of the set.

    Taken are 1 to 16 public keys for ES256 or RS256, each with a `kid` of its own. Pointers are into the set.
    """
    members = jwks.get("keys")
    if not isinstance(members, list) or not 0 < len(members) <= MAX_KEYS:
        return [], (Fault("/keys", "key_count", f"Give 1 to {MAX_KEYS} keys, as a JSON array."),)
    keys: dict[str, VerificationKey] = {}
    faults = []
    for position, member in enumerate(members):
        try:
            key = _read_client_key(member)
        except InvalidKeyError as error:
            faults.append(Fault(f"/keys/{position}", "invalid_key", f"The key is not taken: {error}."))
            continue
        if keys.setdefault(key.kid, key) is not key:
            faults.append(Fault(f"/keys/{position}/kid", "repeated", "Give each key a `kid` of its own."))
    return list(keys.values()), tuple(faults)


def _read_client_key(member: object) -> VerificationKey:
    if not isinstance(member, Mapping):
        raise InvalidKeyError("a key is a JSON object")
    if not _PRIVATE_MEMBERS.isdisjoint(member):
        raise InvalidKeyError("it is a private key, which no other may ever see: register its public half")
    key = verification_key_from_jwk(member)
    if key.alg not in ALGORITHMS:
        raise InvalidKeyError(f"its `alg` must be one of {', '.join(sorted(ALGORITHMS))}")
    return key


def _require_begun(members: Mapping[str, object], now: datetime) -> None:
    """Judge `iat` and `nbf`, which RFC 7523 leaves to the client to give."""
    if "iat" in members:
        require_issued(members, now=now)
    elif "nbf" in members and require_instant(members, "nbf") > now + CLOCK_SKEW:
        raise InvalidTokenError("nbf", "it is not valid yet (`nbf`)")
