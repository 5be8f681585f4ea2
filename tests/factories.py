"""Builders of what tests need: organisations of their own, signed evidence, requests that are right.

`World` runs the whole application over a real database; its clock can be set, time never slept away.
"""

import random
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import orjson
from starlette.datastructures import State
from stdnum import luhn
from uuid_utils.compat import uuid7

from registry.api.app import create_api
from registry.api.edge import Edge
from registry.api.runtime import Runtime
from registry.domain.callers import Scope
from registry.domain.parties import Party, Scheme
from registry.identity.company_register import CompanyRegister
from registry.identity.eid_roots import EidRoots
from registry.identity.issuer_keys import StaticKeys
from registry.identity.issuers import Purpose, TrustedIssuer
from registry.settings import Settings
from registry.signing.encodings import decode_base64url
from registry.signing.jose import SigningKey, generate_signing_key, sign_compact
from registry.signing.keys import KeyRing
from registry.storage.clients import Client, add_client
from registry.storage.database import Database

EID = "https://eid.example.test"
PERSON_CLAIM = "https://claims.oidc.se/1.0/personalNumber"
CPR_CLAIM = "cpr"

HERMAN, PETRONELLA, MARIA = "195004112354", "198602102389", "196709132887"
BERI, PAUL, TEST_PERSSON = "198602262381", "195809132896", "193504049135"

Json = dict[str, Any]

_API = create_api()
_random = random.SystemRandom()  # the common one begins anew with every example of a property


def person(number: str = BERI, name: str | None = "Beri Ylles") -> Json:
    """A person on the wire."""
    return {"scheme": "se-pnr", "value": number} | ({"name": name} if name else {})


def organisation_number() -> str:
    """A well-formed organisation number that no other test uses; not of the series 302, of GD numbers."""
    body = f"{_random.randint(31, 99)}{_random.randint(20, 99)}{_random.randint(0, 99999):05}"
    return body + luhn.calc_check_digit(body)


@dataclass
class Clock:
    """The application's clock: stands where it is put, or runs with the machine's."""

    fixed: datetime | None = None

    def __call__(self) -> datetime:
        return self.fixed or datetime.now(UTC)

    def advance(self, **delta: float) -> None:
        self.fixed = self() + timedelta(**delta)


@dataclass(frozen=True)
class Organisation:
    """An organisation with one client, and that client's connection to the application."""

    party: Party
    name: str
    client_id: str
    http: httpx.AsyncClient

    @property
    def wire(self) -> Json:
        return {"scheme": self.party.scheme.value, "value": self.party.value, "name": self.name}

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:  # noqa: ANN401
        """POST JSON with a fresh Idempotency-Key, unless the headers say otherwise."""
        sent = {"Idempotency-Key": str(uuid4())} | {n.replace("_", "-"): v for n, v in headers.items()}
        return await self.http.post(path, json={} if body is None else body, headers=sent)

    async def get(self, path: str, **parameters: Any) -> httpx.Response:  # noqa: ANN401
        return await self.http.get(path, params=parameters)


@dataclass
class World:
    """The application over a database, an e-ID issuer that it trusts, and a clock."""

    database: Database
    keys: KeyRing
    clock: Clock = field(default_factory=Clock)
    eid_key: SigningKey = field(default_factory=lambda: generate_signing_key("eid-1"))
    eid_roots: tuple[EidRoots, ...] = ()
    register: CompanyRegister | None = None

    def __post_init__(self) -> None:
        claims = {PERSON_CLAIM: Scheme.SE_PNR, CPR_CLAIM: Scheme.DK_CPR}
        keys = StaticKeys({self.eid_key.kid: self.eid_key.verification_key})
        trusted = tuple(
            TrustedIssuer(issuer=EID, purpose=purpose, keys=keys, person_claims=claims)
            for purpose in (Purpose.EID, Purpose.ID_TOKEN)
        )
        settings = Settings(database_url="postgresql://unused", request_log=False)
        self.runtime = Runtime(
            settings, self.database, self.clock, (*trusted, *self.eid_roots), self.keys, self.register
        )
        # Its routes are made once, which takes a tenth of a second; each world has a state of its own.
        api = copy(_API)
        api.state = State({"runtime": self.runtime})  # as the lifespan does when serving
        self.app = Edge(api, state=api.state, max_body_bytes=settings.max_body_bytes, request_log=False)
        self.anonymous = self._connect({})

    def _connect(self, headers: Mapping[str, str]) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://registry.test", headers=headers)

    def access_token(self, client_id: str, scopes: frozenset[Scope], **changes: Any) -> str:  # noqa: ANN401
        """An access token as the built-in endpoint makes it, for a client with these scopes."""
        now = int(self.clock().timestamp())
        url = self.runtime.settings.public_url
        claims = {
            "iss": url,
            "aud": url,
            "sub": client_id,
            "client_id": client_id,
            "jti": str(uuid7()),
            "iat": now,
            "exp": now + 300,
            "scope": " ".join(sorted(scopes)),
        } | changes
        return sign_compact(orjson.dumps(claims), self.keys.signing_key(self.clock()), typ="at+jwt")

    async def organisation(
        self,
        party: Party | None = None,
        *,
        scopes: frozenset[Scope] = frozenset(Scope),
        without: frozenset[Scope] = frozenset({Scope.VERIFY_ANY, Scope.REGISTRY_ADMIN}),
        departments: frozenset[str] = frozenset(),
        name: str = "Sundsvalls kommun",
    ) -> Organisation:
        """Register a client of an organisation, a fresh one unless given, and connect it."""
        party = party or Party(Scheme.SE_ORGNR, organisation_number())
        client_id, granted = f"test-{uuid4().hex}", scopes - without
        async with self.database.transaction() as session:
            await add_client(
                session, Client(client_id, party, granted, self.clock(), departments=departments)
            )
        token = self.access_token(client_id, granted, exp=int(self.clock().timestamp()) + 3000)
        return Organisation(party, name, client_id, self._connect({"Authorization": f"Bearer {token}"}))

    def evidence(self, number: str, digest: str, *, claim: str = PERSON_CLAIM, **changes: Any) -> str:  # noqa: ANN401
        """A person's signature over content with this digest, by the e-ID issuer."""
        claims = {
            "iss": EID,
            "iat": int(self.clock().timestamp()),
            claim: number,
            "content_digest": digest,
        } | changes
        return sign_compact(orjson.dumps(claims), self.eid_key, typ="mandate-signature+jwt")

    def id_token(self, number: str, audience: str, *, claim: str = PERSON_CLAIM, **changes: Any) -> str:  # noqa: ANN401
        """An id token of a person, meant for this client."""
        now = int(self.clock().timestamp())
        claims = {
            "iss": EID,
            "aud": audience,
            "sub": "s",
            "iat": now,
            "exp": now + 300,
            claim: number,
        } | changes
        return sign_compact(orjson.dumps(claims), self.eid_key, typ="JWT")

    async def publish_template(self, owner: Organisation, **changes: Any) -> Json:  # noqa: ANN401
        """Create and publish a template of this organisation."""
        created = await owner.post("/v1/templates", template_body(owner, **changes))
        assert created.status_code == 201, created.text
        template = created.json()
        published = await owner.post(f"/v1/templates/{template['id']}/versions/1/publication")
        assert published.status_code == 200, published.text
        return published.json()

    async def sign(self, owner: Organisation, body: Json, *numbers: str, capacity: str | None = None) -> Json:
        """Preview a mandate, sign it as these persons, and return the body that is ready to be issued."""
        preview = await owner.post("/v1/mandates/preview", body)
        assert preview.status_code == 200, preview.text
        previewed = preview.json()
        times = {name: previewed["content"][name] for name in ("valid_from", "valid_until")}
        return (
            body
            | times
            | {
                "signatures": [
                    {
                        "capacity": capacity or previewed["capacity"],
                        "method": "jws",
                        "evidence": {"format": "jws", "data": self.evidence(number, previewed["digest"])},
                    }
                    for number in numbers
                ]
            }
        )

    async def issue(self, owner: Organisation, template: Json, *numbers: str, **changes: Any) -> Json:  # noqa: ANN401
        """Issue a mandate from Beri to Paul, or with changes; signed by these, else by the principal."""
        body = mandate_body(template, **changes)
        signed = await self.sign(owner, body, *(numbers or (body["principal"]["value"],)))
        issued = await owner.post("/v1/mandates", signed)
        assert issued.status_code == 201, issued.text
        return issued.json()


def template_body(owner: Organisation, **changes: Any) -> Json:  # noqa: ANN401
    """A template as a municipality writes it."""
    return {
        "third_party": owner.wire,
        "kind": "representation",
        "department": "Miljökontoret",
        "services": ["oep-serveringstillstand"],
        "title": {"sv": "Restaurangombud", "en": "Restaurant representative"},
        "description": {"sv": "Ombud som får hjälpa till med ansökningar."},
        "permissions": [
            {"code": "apply", "type": "sign", "title": {"sv": "Ansöka"}, "preselected": True},
            {"code": "follow", "type": "read", "title": {"sv": "Följa ärendet"}},
        ],
        "validity": {"default_days": 365, "max_days": 1825},
    } | changes


def mandate_body(template: Json, **changes: Any) -> Json:  # noqa: ANN401
    """A mandate from Beri to Paul, without signatures."""
    return {
        "template": {"id": template["id"], "version": template["version"]},
        "principal": person(BERI, "Beri Ylles"),
        "representatives": [person(PAUL, "Paul Ingemar Vall")],
        "permissions": [template["permissions"][0]["code"]],
        "language": "sv",
    } | changes


def question(owner: Organisation, **changes: Any) -> Json:  # noqa: ANN401
    """May Paul apply for Beri towards this organisation?"""
    return {
        "third_party": {"scheme": owner.party.scheme.value, "value": owner.party.value},
        "principal": person(BERI, None),
        "representative": person(PAUL, None),
        "permissions": ["apply"],
        "purpose": "submission 2026-114",
    } | changes


def jws_payload(token: str) -> Json:
    """What a compact JWS says, unverified."""
    return orjson.loads(decode_base64url(token.split(".")[1]))
