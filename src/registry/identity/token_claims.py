"""Registered claims of a verified token (RFC 7519), each of exactly one type; errors name the claim."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from registry.signing.jose import InvalidTokenError

CLOCK_SKEW = timedelta(seconds=10)
MAX_TEXT_CHARS = 255

_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def require_text(claims: Mapping[str, object], name: str) -> str:
    """Give a claim that is text of 1 to 255 characters without control characters.

    Raises InvalidTokenError.
    """
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT_CHARS or _CONTROL.search(value):
        raise InvalidTokenError(
            name, f"its `{name}` must be text of 1 to {MAX_TEXT_CHARS} characters without control characters"
        )
    return value


def require_instant(claims: Mapping[str, object], name: str) -> datetime:
    """Give a claim that is a time in whole seconds since 1970, up to the year 9999.

    Raises InvalidTokenError.
    """
    value = claims.get(name)
    # A bool is an int to Python, and a float is a number to JSON. Neither is a time here.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LAST_SECOND:
        raise InvalidTokenError(name, f"its `{name}` must be whole seconds since 1970, an integer")
    return datetime.fromtimestamp(value, UTC)


def require_issued(claims: Mapping[str, object], *, now: datetime) -> datetime:
    """Give `iat`; refuse it, and `nbf` where there is one, more than 10 seconds ahead of `now`.

    Raises InvalidTokenError.
    """
    issued_at = require_instant(claims, "iat")
    if issued_at > now + CLOCK_SKEW:
        raise InvalidTokenError("iat", "its `iat` lies in the future")
    if "nbf" in claims and require_instant(claims, "nbf") > now + CLOCK_SKEW:
        raise InvalidTokenError("nbf", "it is not valid yet (`nbf`)")
    return issued_at


def require_unexpired(claims: Mapping[str, object], *, now: datetime) -> datetime:
    """Give `exp`, which must lie after `now`. Raises InvalidTokenError."""
    expires_at = require_instant(claims, "exp")
    if expires_at <= now:
        raise InvalidTokenError("exp", "it has expired: get a new one")
    return expires_at


def require_audience(
    claims: Mapping[str, object], accepted: frozenset[str], *, whom: str = "this registry"
) -> frozenset[str]:
    """Give `aud`, text or a list of texts, which must name one that is accepted; `whom` says who they are.

    Raises InvalidTokenError.
    """
    value = claims.get("aud")
    names = value if isinstance(value, list) else [value]
    audiences = frozenset(name for name in names if isinstance(name, str))
    if not all(isinstance(name, str) for name in names):
        raise InvalidTokenError("aud", "its `aud` must be text or a list of texts")
    if audiences.isdisjoint(accepted):
        raise InvalidTokenError("aud", f"its `aud` does not name {whom}")
    return audiences
