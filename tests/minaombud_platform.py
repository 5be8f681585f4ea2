"""Organisations whose platforms have integrated Mina ombud, and ask this registry instead."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from uuid import uuid4

import httpx
import orjson

from factories import BERI, PERSON_CLAIM, Organisation, World
from minaombud_client import Json, MinaOmbudClient, UserKey, pseudonym
from registry.api.edge import Edge
from registry.demo.minaombud import DEMO_USER_KEY
from registry.identity.issuer_keys import StaticKeys
from registry.identity.issuers import Purpose, TrustedIssuer
from registry.interop.minaombud.app import as_surface
from registry.interop.minaombud.clients import ALGORITHMS, PERSON_CLAIMS, ConfiguredClient, UserScope
from registry.interop.minaombud.surface import MinaOmbud
from registry.signing.jose import verification_key_from_jwk
from registry.signing.rsa_keys import RsaSigningKey, rsa_key_from_jwk
from registry.storage.third_party_keys import add_third_party_key

ISSUER, AUDIENCE = "https://login.example.test", "mina-ombud"


@dataclass
class Platform:
    """An organisation whose platform has integrated Mina ombud: it writes by `/v1`, asks by the surface."""

    world: World
    minaombud: MinaOmbud
    http: httpx.AsyncClient
    key: UserKey
    organisation: Organisation

    @property
    def number(self) -> str:
        return self.organisation.party.value

    def asks(self, scope: UserScope) -> MinaOmbudClient:
        """Its client with a token for one scope."""
        token = self.world.access_token(self.organisation.client_id, frozenset(), scope=scope.value)
        return MinaOmbudClient(self.http, token)

    @property
    def itself(self) -> MinaOmbudClient:
        return self.asks(UserScope.SELF)

    @property
    def handler(self) -> MinaOmbudClient:
        return self.asks(UserScope.OTHER)

    @property
    def machine(self) -> MinaOmbudClient:
        return self.asks(UserScope.ANY)

    def claims(self, number: str | None = BERI, username: str | None = None, **changes: Any) -> Json:  # noqa: ANN401
        """The claims of an id token of a user."""
        now = int(self.world.clock().timestamp())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": pseudonym(f"{number}{username}"),
            "iat": now,
            "exp": now + 120,
            PERSON_CLAIM: number,
            "preferred_username": username,
        } | changes
        return {name: value for name, value in claims.items() if value is not None}

    def id_token(self, number: str | None = BERI, username: str | None = None, **changes: Any) -> str:  # noqa: ANN401
        return self.key.sign(self.claims(number, username, **changes))

    def question(self, number: str = BERI, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
        """What may this person do here?"""
        return {"tredjeman": self.number, "fullmaktshavare": {"id": number, "typ": "pnr"}} | changes


class Platforms:
    """The surface, and the clients that it is configured with as they come."""

    def __init__(self, world: World, key: UserKey) -> None:
        self.world, self.key = world, key
        self.clients: dict[str, ConfiguredClient] = {}
        self.minaombud = MinaOmbud(world.runtime, self.clients)
        app = Edge(
            world.app._app,  # noqa: SLF001  # the same API, with the surface beside it
            state=world.app._state,  # noqa: SLF001  # as above
            max_body_bytes=world.runtime.settings.max_body_bytes,
            request_log=False,
            surfaces=[as_surface(self.minaombud)],
        )
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://registry.test")

    async def make(self, *, has_key: bool = True) -> Platform:
        """A platform; its organisation has a key already, unless a test is about how it gets one."""
        organisation = await self.world.organisation()
        if has_key:
            now = self.world.clock()
            key = replace(_shared_key(), kid=f"test-{uuid4().hex}")
            async with self.world.database.transaction() as session:
                await add_third_party_key(session, self.world.keys, organisation.party, key, active_from=now)
        public = verification_key_from_jwk(self.key.public_jwk())
        issuer = TrustedIssuer(
            issuer=ISSUER,
            purpose=Purpose.ID_TOKEN,
            keys=StaticKeys({public.kid: public}),
            audiences=frozenset({AUDIENCE}),
            algorithms=ALGORITHMS,
            person_claims=PERSON_CLAIMS,
        )
        self.clients[organisation.client_id] = ConfiguredClient(tuple(UserScope), {ISSUER: issuer})
        return Platform(self.world, self.minaombud, self.http, self.key, organisation)


@cache
def _shared_key() -> RsaSigningKey:
    """A key that is there already: making one takes a while, and each organisation would need its own."""
    return rsa_key_from_jwk(orjson.loads(DEMO_USER_KEY.read_bytes()))
