"""Where an issuer's keys come from: given in the configuration, or fetched from its JWKS address and kept."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx
import structlog

from registry.domain.errors import UnavailableError
from registry.identity.issuers import KeySource
from registry.signing.encodings import parse_json_object
from registry.signing.jose import VerificationKey, verification_keys_from_jwks

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How an issuer's keys are fetched and kept. Times are seconds.

    Keys are fetched anew when they are older than `fresh_for`, and for an unknown `kid` when the last attempt
    is older than `unknown_kid_interval` (`retry_interval` after a failure). The last good keys serve while
    fetching fails, until they are older than `usable_for`.
    """

    fresh_for: float = 600
    unknown_kid_interval: float = 30
    retry_interval: float = 5
    usable_for: float = 86_400
    timeout: float = 5
    max_bytes: int = 262_144


DEFAULT_LIMITS = FetchLimits()


@dataclass(frozen=True, slots=True)
class StaticKeys:
    """Keys from a mapping that somebody else keeps; it is read at each question, so a ring may rotate."""

    keys: Mapping[str, VerificationKey]

    async def find(self, kid: str) -> VerificationKey | None:
        """Give the key with this id, None if there is none."""
        return self.keys.get(kid)


class FetchedKeys:
    """Keys from the JWKS address of an issuer, fetched when first needed.

    Whoever asks while a fetch is running waits for that one; it goes on when its first asker is cancelled.
    While fetching fails, those whose key is known do not wait. The client is the caller's to close.
    """

    def __init__(
        self,
        url: str,
        http: httpx.AsyncClient,
        *,
        clock: Callable[[], float] = time.monotonic,
        limits: FetchLimits = DEFAULT_LIMITS,
    ) -> None:
        """Take the configured address: `https`, or `http` on the loopback interface; else ValueError."""
        address = httpx.URL(url)
        is_local = address.host in {"localhost", "127.0.0.1", "::1"}
        if not address.host or address.scheme not in ({"https", "http"} if is_local else {"https"}):
            raise ValueError(f"{url}: keys are fetched over https only, or http on this machine")
        self._url = url
        self._http = http
        self._clock = clock
        self._limits = limits
        self._keys: dict[str, VerificationKey] = {}
        self._fetched_at = self._attempted_at = float("-inf")
        self._is_failing = False
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str) -> VerificationKey | None:
        """Give the issuer's key with this id, None if it has none.

        Raises UnavailableError when the issuer's keys were never had, or not for `usable_for` seconds.
        """
        key = self._keys.get(kid)
        if key is not None and self._age() < self._limits.fresh_for:
            return key
        may_wait = key is None or not self._is_failing
        fetching = self._start_fetch()
        if fetching is not None and may_wait:
            await asyncio.shield(fetching)
        if self._age() >= self._limits.usable_for:
            raise UnavailableError("The keys of the token's issuer cannot be fetched just now: try again.")
        return self._keys.get(kid)

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    def _start_fetch(self) -> asyncio.Task[None] | None:
        """Give the fetch that is running, or start one unless the last is too recent."""
        if self._fetching is not None and not self._fetching.done():
            return self._fetching
        limits = self._limits
        interval = limits.retry_interval if self._is_failing else limits.unknown_kid_interval
        if self._clock() - self._attempted_at < interval:
            return None
        self._attempted_at = self._clock()
        self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        """Replace the keys by those at the address; keep them as they are when that fails."""
        try:
            keys = verification_keys_from_jwks(parse_json_object(await self._download()))
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            self._is_failing = True
            _log.warning("issuer_keys.fetch_failed", url=self._url, error=str(error) or type(error).__name__)
        else:
            self._is_failing = False
            self._keys = keys
            self._fetched_at = self._clock()

    async def _download(self) -> bytes:
        """Read the answer, which must be a plain 200. Raises ValueError, httpx.HTTPError or TimeoutError."""
        limits = self._limits
        # Taken as sent, so that the bound below is a bound on memory too: what is compressed is no JSON.
        headers = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}
        request = self._http.stream(
            "GET", self._url, headers=headers, follow_redirects=False, timeout=limits.timeout
        )
        # httpx bounds each read; a server that drips is bounded here.
        async with asyncio.timeout(limits.timeout), request as response:
            if response.status_code != httpx.codes.OK:
                raise ValueError(f"expected status 200, not {response.status_code}")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > limits.max_bytes:
                    raise ValueError(f"the answer is longer than {limits.max_bytes} bytes")
            return bytes(body)


def key_source(
    jwks: str | Mapping[str, object], http: httpx.AsyncClient, *, limits: FetchLimits = DEFAULT_LIMITS
) -> KeySource:
    """Make the source of an issuer's keys from its configuration: a JWKS address, or the JWK set itself.

    Raises ValueError when the address is not one to fetch from, or the set holds no usable key.
    """
    if isinstance(jwks, str):
        return FetchedKeys(jwks, http, limits=limits)
    return StaticKeys(verification_keys_from_jwks(jwks))
