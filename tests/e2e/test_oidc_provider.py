"""Tokens of a real issuer, which the registry knows by its configuration alone."""

import dataclasses
import json
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from acting import paper_signature
from conftest import CloneDatabase
from factories import (
    BERI,
    PAUL,
    PERSON_CLAIM,
    Json,
    Organisation,
    World,
    mandate_body,
    organisation_number,
    person,
    question,
    template_body,
)
from problem_documents import assert_problem
from registry.domain.parties import Party, Scheme
from registry.identity.issuer_keys import FetchedKeys, FetchLimits
from registry.operations.manage_clients import ClientRegistration, register_client
from registry.signing.keys import KeyRing, save_key_ring
from registry.storage.database import Database
from registry.trusted_issuers import load_issuers
from registry_processes import Running, free_port, run, running
from required_programs import need_node_package, need_program

PROGRAM = Path(__file__).parent / "issuer" / "server.mjs"
CLIENT, SECRET = "e-service", "published with the tests"
REGISTRY = "https://registry.example"
"""The name under which the issuer knows the registry."""

SCOPES = (
    "templates:read",
    "templates:write",
    "mandates:issue",
    "mandates:register",
    "mandates:revoke",
    "verify:own",
)


@dataclass(frozen=True)
class Issuer:
    """An oidc-provider process, as the client of an e-service uses it."""

    address: str
    command: Running

    async def access_token(self, resource: str = REGISTRY) -> str:
        """A token of the client itself for this resource."""
        form = {"grant_type": "client_credentials", "resource": resource, "scope": " ".join(SCOPES)}
        return (await self._grant(form))["access_token"]  # type: ignore[no-any-return]  # text of JSON

    async def id_token(self, number: str) -> str:
        """An id token of a person who has signed in at the issuer for the client."""
        back = "https://e-service.example/callback"
        asked = {"client_id": CLIENT, "response_type": "code", "scope": "openid", "redirect_uri": back}
        async with httpx.AsyncClient(base_url=self.address) as browser:
            answer = await browser.get("/auth", params=asked | {"login_hint": number})
            while not (place := answer.headers["Location"]).startswith(back):
                answer = await browser.get(place)
        (code,) = parse_qs(urlsplit(place).query)["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
        return (await self._grant(form))["id_token"]  # type: ignore[no-any-return]  # text of JSON

    async def rotate_keys(self) -> None:
        """Sign with a new key from now on."""
        self.command.process.send_signal(signal.SIGHUP)
        await self.command.says("rotated")

    async def _grant(self, form: dict[str, str]) -> Json:
        async with httpx.AsyncClient(base_url=self.address, auth=(CLIENT, SECRET)) as http:
            answer = await http.post("/token", data=form)
        assert answer.status_code == 200, answer.text
        granted: Json = answer.json()
        return granted


@pytest.fixture(scope="module")
async def issuer() -> AsyncIterator[Issuer]:
    need_node_package("oidc-provider", to="run a real issuer")
    node, port = need_program("node", to="run a real issuer"), free_port()
    arguments = (str(PROGRAM), str(port), CLIENT, SECRET, REGISTRY, " ".join(SCOPES))
    async with running(*arguments, program=node, until="ready") as command:
        yield Issuer(f"http://127.0.0.1:{port}", command)


@pytest.fixture(scope="module")
def issuers_file(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    common = {"issuer": issuer.address, "jwks": f"{issuer.address}/jwks"}
    trusted = [
        common | {"purpose": "access_token", "audiences": [REGISTRY]},
        common | {"purpose": "id_token", "person_claims": {PERSON_CLAIM: "se-pnr"}},
    ]
    path = tmp_path_factory.mktemp("issuers") / "issuers.json"
    path.write_text(json.dumps(trusted))
    return path


@pytest.fixture(scope="module")
async def registry(
    issuer: Issuer, issuers_file: Path, keys: KeyRing, clone_database: CloneDatabase
) -> AsyncIterator[Organisation]:
    """A served registry that trusts the issuer and knows its client; without a token yet."""
    keys_file = issuers_file.with_name("keys.json")
    save_key_ring(keys_file, keys)
    settings = {
        "REGISTRY_DATABASE_URL": await clone_database(),
        "REGISTRY_ISSUERS_FILE": str(issuers_file),
        "REGISTRY_KEYS_FILE": str(keys_file),
    }
    owner = Party(Scheme.SE_ORGNR, organisation_number())
    scopes = [part for scope in SCOPES for part in ("--scope", scope)]
    added = await run(
        *("clients", "add", CLIENT, "--organisation", str(owner), "--issuer", issuer.address, *scopes),
        settings=settings,
    )
    assert (added.code, added.err, "Secret" in added.out) == (0, "", False)
    port = free_port()
    async with (
        running("serve", "--port", str(port), until="serving", settings=settings),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        yield Organisation(owner, "Sundsvalls kommun", CLIENT, http)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_an_e_service_works_with_its_own_issuers_tokens(registry: Organisation, issuer: Issuer) -> None:
    headers = bearer(await issuer.access_token())
    created = await registry.post("/v1/templates", template_body(registry), **headers)
    assert created.status_code == 201, created.text
    published = await registry.post(f"/v1/templates/{created.json()['id']}/versions/1/publication", **headers)
    signed_at = datetime.now(UTC) - timedelta(days=1)
    body = mandate_body(published.json(), signatures=[paper_signature(person(BERI), signed_at)])
    issued = await registry.post("/v1/mandates", body, **headers)
    assert issued.status_code == 201, issued.text
    answer = await registry.post("/v1/verifications", question(registry), **headers)
    assert answer.json()["decision"] == "permit"

    revocation = f"/v1/mandates/{issued.json()['id']}/revocation"
    by_principal = {"by": "principal", "reason": "changed my mind"}
    refused = await registry.post(revocation, by_principal, **headers, Id_Token=await issuer.id_token(PAUL))
    assert_problem(refused, 403, "forbidden")
    revoked = await registry.post(revocation, by_principal, **headers, Id_Token=await issuer.id_token(BERI))
    assert revoked.status_code == 201, revoked.text
    answer = await registry.post("/v1/verifications", question(registry), **headers)
    assert (answer.json()["decision"], answer.json()["reasons"]) == ("deny", ["revoked"])


async def test_a_token_for_another_resource_is_refused(registry: Organisation, issuer: Issuer) -> None:
    headers = bearer(await issuer.access_token("https://elsewhere.example"))
    refused = await registry.http.get("/v1/templates", headers=headers)
    assert "aud" in assert_problem(refused, 401, "unauthenticated")["detail"]


async def test_an_id_token_gives_no_access(registry: Organisation, issuer: Issuer) -> None:
    refused = await registry.http.get("/v1/templates", headers=bearer(await issuer.id_token(BERI)))
    assert_problem(refused, 401, "unauthenticated")


async def test_the_issuer_may_change_its_keys(
    issuer: Issuer, issuers_file: Path, database: Database, keys: KeyRing
) -> None:
    world = World(database, keys)
    registration = ClientRegistration(
        CLIENT, f"se-orgnr:{organisation_number()}", SCOPES, issuer=issuer.address
    )
    await register_client(database, registration, now=datetime.now(UTC))
    async with httpx.AsyncClient() as http:
        # Unknown keys are looked for every 30 seconds at most: here at once.
        found = FetchedKeys(f"{issuer.address}/jwks", http, limits=FetchLimits(unknown_kid_interval=0))
        configured = load_issuers(issuers_file, http)
        world.runtime.trusted = tuple(dataclasses.replace(trusted, keys=found) for trusted in configured)
        world.runtime.take_keys(keys)
        before = await issuer.access_token()
        assert (await world.anonymous.get("/v1/templates", headers=bearer(before))).status_code == 200
        await issuer.rotate_keys()
        after = await issuer.access_token()
        assert after.split(".")[0] != before.split(".")[0]
        # With nothing remembered of the old token.
        world.runtime.take_keys(keys)
        for token in (after, before):
            assert (await world.anonymous.get("/v1/templates", headers=bearer(token))).status_code == 200
