"""Who may call: tokens, scopes, disabled clients; for every operation of the contract."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from contract_reading import address_of, contract
from factories import BERI, Clock, Organisation, World, mandate_body, question
from log_filling import integrate
from problem_documents import assert_problem
from registry.api.contract import operations
from registry.domain.callers import Scope
from registry.signing.encodings import decode_base64url, encode_base64url
from registry.signing.jose import generate_signing_key, sign_compact
from registry.signing.keys import KeyRing
from registry.storage.clients import disable_client
from registry.storage.database import Database

Json = dict[str, Any]

CONTRACT = contract()
PROTECTED = [
    (method.upper(), address_of(path), operation)
    for path, method, operation in operations(CONTRACT)
    if operation["security"]
]
PUBLIC = {path for path, _, operation in operations(CONTRACT) if not operation["security"]}
IDS = [f"{method} {operation['operationId']}" for method, _, operation in PROTECTED]


@pytest.mark.parametrize(("method", "address", "operation"), PROTECTED, ids=IDS)
async def test_every_operation_refuses_who_does_not_say_who_it_is(
    world: World, method: str, address: str, operation: Json
) -> None:
    assert "401" in operation["responses"]
    for authorization in (
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic ZGVtbzpkZW1v",
        "Bearer x.y.z",
        "bearer \u00e5",
    ):
        headers = {} if authorization is None else {b"Authorization": authorization.encode("latin-1")}
        response = await world.anonymous.request(method, address, headers=headers, content=b"not JSON")
        assert_problem(response, 401, "unauthenticated")
        assert response.headers["www-authenticate"] == 'Bearer realm="registry"'


@pytest.mark.parametrize(("method", "address", "operation"), PROTECTED, ids=IDS)
async def test_every_operation_needs_its_one_scope_and_no_other(
    world: World, method: str, address: str, operation: Json
) -> None:
    ((security),) = operation["security"]
    (scope,) = security["oauth2"]
    assert scope == operation["x-required-scope"]
    needed = Scope(scope)
    lacking = await world.organisation(without=frozenset({needed}))
    response = await lacking.http.request(method, address, content=b"not JSON")
    problem = assert_problem(response, 403, "missing-scope")
    assert f"`{scope}`" in problem["detail"]
    assert f'error="insufficient_scope", scope="{scope}"' in response.headers["www-authenticate"]
    alone = await world.organisation(scopes=frozenset({needed}), without=frozenset())
    response = await alone.http.request(method, address, content=b"not JSON")
    assert response.status_code not in {401, 403}, response.text
    assert response.status_code < 500


async def test_what_is_public_says_so_and_needs_no_token(world: World) -> None:
    assert {
        "/oauth2/token",
        "/api-info",
        "/live",
        "/ready",
        "/metrics",
        "/.well-known/jwks.json",
        "/log/checkpoint",
        "/log/tile/entries/{tile}",
        "/log/tile/{level}/{tile}",
    } == PUBLIC
    await world.publish_template(await world.organisation())
    await integrate(world)
    for path in [*sorted(PUBLIC - {"/oauth2/token"}), "/docs", "/openapi.json"]:
        address = path.format(level="0", tile="000.p/1")
        assert (await world.anonymous.get(address)).status_code == 200, address


def calls(caller: httpx.AsyncClient, **headers: str) -> list[Any]:
    """One call through the framework, and one on the hot path beside it."""
    return [
        caller.get("/v1/templates", headers=headers),
        caller.post("/v1/verifications", content=b"{}", headers=headers),
    ]


async def test_a_token_that_has_expired_is_refused(database: Database, keys: KeyRing) -> None:
    world = World(database, keys, clock=Clock(datetime.now(UTC).replace(microsecond=0)))
    caller = await world.organisation()
    token = world.access_token(caller.client_id, frozenset(Scope))
    for elapsed, works in ((0, True), (299.999, True), (0.001, False), (3600, False)):
        world.clock.advance(seconds=elapsed)
        for call in calls(world.anonymous, Authorization=f"Bearer {token}"):
            response = await call
            assert (response.status_code != 401) is works, (elapsed, response.text)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example.test"},
        {"iss": "https://other.example.test"},
        {"exp": "soon"},
        {"exp": 1},
        {"iat": 4102444800},
        {"scope": ["templates:read"]},
        {"jti": ""},
    ],
    ids=str,
)
async def test_a_token_with_a_wrong_claim_is_refused(
    world: World, municipality: Organisation, changes: Json
) -> None:
    token = world.access_token(municipality.client_id, frozenset(Scope), **changes)
    for call in calls(world.anonymous, Authorization=f"Bearer {token}"):
        assert_problem(await call, 401, "unauthenticated")


async def test_other_signed_things_are_no_access_tokens(world: World, municipality: Organisation) -> None:
    asked = await municipality.post("/v1/verifications", question(municipality))
    receipt = asked.json()["receipt"]
    good = world.access_token(municipality.client_id, frozenset(Scope))
    head, payload, signature = good.split(".")
    other_key = generate_signing_key(world.keys.signing_key(world.clock()).kid)
    unknown = world.access_token("test-unknown", frozenset(Scope))
    unsigned = encode_base64url(b'{"alg":"none","typ":"at+jwt"}')
    forged = [
        receipt,
        world.id_token(BERI, municipality.client_id),
        unknown,
        sign_compact(decode_base64url(payload), other_key, typ="at+jwt"),
        f"{unsigned}.{payload}.",
        f"{head}.{payload}.{signature[:-4]}AAAA",
        f"{head}.{payload}",
        good + "=",
    ]
    for token in forged:
        for call in calls(world.anonymous, Authorization=f"Bearer {token}"):
            assert_problem(await call, 401, "unauthenticated")


async def test_a_disabled_clients_token_is_refused_within_a_minute(database: Database, keys: KeyRing) -> None:
    world = World(database, keys, clock=Clock(datetime.now(UTC)))
    caller = await world.organisation()
    assert (await caller.get("/v1/templates")).status_code == 200
    async with database.transaction() as session:
        await disable_client(session, caller.client_id, now=world.clock())
    fresh = world.access_token(caller.client_id, frozenset(Scope))
    for call in calls(world.anonymous, Authorization=f"Bearer {fresh}"):
        assert_problem(await call, 401, "unauthenticated")
    world.clock.advance(seconds=60)
    for call in calls(caller.http):
        assert_problem(await call, 401, "unauthenticated")


async def test_a_token_gives_no_more_than_the_registration(world: World) -> None:
    caller = await world.organisation(scopes=frozenset({Scope.TEMPLATES_READ}))
    token = world.access_token(caller.client_id, frozenset(Scope))
    headers = {"Authorization": f"Bearer {token}"}
    assert (await world.anonymous.get("/v1/templates", headers=headers)).status_code == 200
    refused = await world.anonymous.post("/v1/verifications", content=b"{}", headers=headers)
    assert_problem(refused, 403, "missing-scope")
    nothing = world.access_token(caller.client_id, frozenset())
    refused = await world.anonymous.get("/v1/templates", headers={"Authorization": f"Bearer {nothing}"})
    assert_problem(refused, 403, "missing-scope")


async def test_another_organisations_matters_need_a_scope_of_their_own(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    await world.issue(municipality, template)
    auditor = await world.organisation(without=frozenset(), name="An auditor")
    answer = await auditor.post("/v1/verifications", question(municipality))
    assert answer.json()["decision"] == "permit"
    stranger = await world.organisation(name="Karlskrona kommun")
    for path, body in (
        ("/v1/verifications", question(municipality)),
        ("/v1/verifications/batch", {"questions": [question(stranger), question(municipality)]}),
        (
            "/v1/representations/search",
            {"representative": question(municipality)["representative"], "third_party": municipality.wire},
        ),
    ):
        assert (
            "`verify:any`" in assert_problem(await stranger.post(path, body), 403, "missing-scope")["detail"]
        )


async def test_only_the_third_party_issues_on_its_template(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    stranger = await world.organisation(name="Karlskrona kommun")
    response = await stranger.post("/v1/mandates/preview", mandate_body(template))
    assert_problem(response, 403, "forbidden")
