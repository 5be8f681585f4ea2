"""What the surface is made of in a serving process: its clients, third parties' keys, a pool of signers."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import orjson

from registry.api.runtime import Runtime
from registry.api.token_cache import TokenCache
from registry.domain.callers import Caller
from registry.domain.documents import Document, Json
from registry.domain.errors import NotFoundError, UnauthenticatedError
from registry.domain.parties import Party
from registry.identity.access_tokens import verify_access_token
from registry.interop.minaombud.clients import ConfiguredClient, UserScope
from registry.operations.authenticate import authenticate
from registry.operations.list_powers import PowerLister
from registry.operations.third_party_keys import current_key, ensure_third_party_keys
from registry.signing.canonical import canonical_bytes
from registry.signing.encodings import encode_base64url
from registry.signing.rsa_keys import RsaSigningKey
from registry.storage.third_party_keys import ThirdPartyKey, open_third_party_key

KEYS_KEPT_FOR: Final = timedelta(seconds=30)
"""How long a process goes on with the keys it has read: much shorter than a new key is published ahead."""

_SIGNERS: Final = 2
_MOST_THIRD_PARTIES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Asker:
    """A client with what its token lets it ask, for whom."""

    caller: Caller
    scope: UserScope
    client: ConfiguredClient


@dataclass(slots=True)
class _KnownKeys:
    keys: Sequence[ThirdPartyKey]
    read_at: datetime
    opened: dict[str, RsaSigningKey] = field(default_factory=dict)


class MinaOmbud:
    """The surface over a process's runtime, whose keys may rotate."""

    def __init__(self, runtime: Runtime, clients: Mapping[str, ConfiguredClient]) -> None:
        """`clients` are those of the file, by client id."""
        self.runtime = runtime
        self.clients = clients
        self.tokens = TokenCache(self._authenticate)
        self._signers = ThreadPoolExecutor(_SIGNERS, thread_name_prefix="minaombud")
        self._known: dict[Party, _KnownKeys] = {}
        self._reading: dict[Party, asyncio.Task[_KnownKeys]] = {}
        self._lister: PowerLister | None = None
        self._lister_of = runtime.access_log

    @property
    def lister(self) -> PowerLister:
        """Lists powers with the runtime's present keys."""
        log = self.runtime.access_log
        if self._lister is None or self._lister_of is not log:
            self._lister = PowerLister(log, connections=self.runtime.settings.hot_pool_size)
            self._lister_of = log
        return self._lister

    async def sign(self, third_party: Party, documents: Sequence[Document]) -> list[dict[str, Json]]:
        """Each document with the third party's `_sig` over its RFC 8785 bytes, made in a worker thread.

        Raises NotFoundError for what is no third party, UnavailableError.
        """
        if not documents:
            return []
        now = self.runtime.now()
        known = await self._keys_of(third_party, now)
        current = current_key(known.keys, now)
        if current is None:
            raise NotFoundError
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._signers, self._sign_each, known, current, documents)

    async def public_keys(self, third_party: Party) -> list[dict[str, str]]:
        """The public keys, coming, current and retired. Raises NotFoundError for what is no third party."""
        known = await self._keys_of(third_party, self.runtime.now())
        if not known.keys:
            raise NotFoundError("There is no third party with this organisation number.")
        return [item.public_jwk for item in known.keys if item.withdrawn_at is None]

    def close(self) -> None:
        """End the signers."""
        self._signers.shutdown(wait=False)

    def _sign_each(
        self, known: _KnownKeys, current: ThirdPartyKey, documents: Sequence[Document]
    ) -> list[dict[str, Json]]:
        key = known.opened.get(current.kid)
        if key is None:
            key = known.opened[current.kid] = open_third_party_key(self.runtime.keys, current)
        protected = encode_base64url(orjson.dumps({"alg": "RS256", "kid": key.kid}))
        return [{**document, "_sig": _signature(key, protected, document)} for document in documents]

    async def _keys_of(self, third_party: Party, now: datetime) -> _KnownKeys:
        known = self._known.get(third_party)
        if known is not None and abs(now - known.read_at) < KEYS_KEPT_FOR:
            return known
        # Whoever comes meanwhile waits for the same: the first key of a third party takes a while to make.
        reading = self._reading.get(third_party)
        if reading is None:
            reading = self._reading[third_party] = asyncio.create_task(self._read_keys(third_party, now))
            reading.add_done_callback(lambda _: self._reading.pop(third_party, None))
        return await asyncio.shield(reading)

    async def _read_keys(self, third_party: Party, now: datetime) -> _KnownKeys:
        runtime, known = self.runtime, self._known.get(third_party)
        keys = await ensure_third_party_keys(runtime.database, runtime.keys, third_party, now=now)
        fresh = _KnownKeys(keys, now, {} if known is None else known.opened)
        if keys:  # what is no third party now may become one
            if len(self._known) >= _MOST_THIRD_PARTIES:
                del self._known[next(iter(self._known))]
            self._known[third_party] = fresh
        return fresh

    async def _authenticate(self, token: str, now: datetime) -> tuple[Asker, datetime]:
        runtime = self.runtime
        own_issuer = runtime.settings.public_url
        caller, expires_at = await authenticate(
            runtime.database, runtime.issuers, token, own_issuer=own_issuer, now=now
        )
        claims = await verify_access_token(token, runtime.issuers, now=now)
        client = self.clients.get(caller.client_id)
        granted = () if client is None else [scope for scope in client.scopes if scope in claims.scopes]
        if client is None or len(granted) != 1:
            raise UnauthenticatedError(
                f"Get an access token with exactly one of the scopes {', '.join(UserScope)}."
            )
        return Asker(caller, granted[0], client), expires_at


def _signature(key: RsaSigningKey, protected: str, document: Document) -> dict[str, Json]:
    """A JWS with its payload detached."""
    signing_input = f"{protected}.{encode_base64url(canonical_bytes(document))}".encode("ascii")
    return {"protected": protected, "signature": encode_base64url(key.sign(signing_input))}
