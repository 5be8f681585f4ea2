"""Remembers for a short while whose access token it was, by the token's hash, so that it is verified once."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Generic, TypeVar

from registry.domain.errors import UnauthenticatedError

KEPT_FOR = timedelta(seconds=60)
"""How long a client that was disabled or limited can go on with a token it has."""

_MOST_TOKENS = 10_000

C = TypeVar("C")


class TokenCache(Generic[C]):
    """Turns the Authorization header into a caller, whatever `authenticate` makes of one."""

    def __init__(self, authenticate: Callable[[str, datetime], Awaitable[tuple[C, datetime]]]) -> None:
        """`authenticate` verifies a token and tells when it expires."""
        self._authenticate = authenticate
        self._callers: dict[bytes, tuple[C, datetime]] = {}

    async def caller(self, authorization: str | None, now: datetime) -> C:
        """Who calls. Raises UnauthenticatedError, UnavailableError."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise UnauthenticatedError
        key = sha256(token.encode()).digest()
        known = self._callers.get(key)
        if known is not None and now < known[1]:
            return known[0]
        caller, expires_at = await self._authenticate(token, now)
        if len(self._callers) >= _MOST_TOKENS:
            del self._callers[next(iter(self._callers))]
        self._callers[key] = (caller, min(expires_at, now + KEPT_FOR))
        return caller
