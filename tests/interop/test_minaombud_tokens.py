"""Access tokens as Mina ombud's clients get them: at their address, with their scopes."""

import httpx
import orjson
import pytest

from factories import World
from minaombud_client import BASE, TOKEN_PATH
from minaombud_platform import Platforms
from registry.domain.callers import Scope
from registry.identity.client_authentication import ASSERTION_TYPE
from registry.interop.minaombud.clients import ConfiguredClient, UserScope
from registry.operations.manage_clients import ClientRegistration, register_client
from registry.signing.jose import generate_signing_key, sign_compact

SECRET = "a secret"


@pytest.fixture(scope="module")
async def client_id(platforms: Platforms) -> str:
    """A client with a secret, which takes a while to check: few tests ask for tokens by it."""
    organisation = await platforms.world.organisation()
    client_id = f"{organisation.client_id}-secret"
    registration = ClientRegistration(
        client_id, str(organisation.party), (Scope.TEMPLATES_READ.value,), secret=SECRET
    )
    world: World = platforms.world
    await register_client(world.database, registration, now=world.clock())
    platforms.clients[client_id] = ConfiguredClient((UserScope.SELF, UserScope.ANY), {})
    return client_id


async def ask(platforms: Platforms, path: str = TOKEN_PATH, **form: str) -> httpx.Response:
    form = {"grant_type": "client_credentials"} | form
    return await platforms.http.post(path, data=form)


async def test_a_token_is_given_by_form_and_by_basic(platforms: Platforms, client_id: str) -> None:
    by_form = await ask(platforms, client_id=client_id, client_secret=SECRET, scope="user:any")
    answer = by_form.json()
    assert (by_form.status_code, answer["token_type"], answer["expires_in"]) == (200, "Bearer", 300)
    assert answer["scope"] == "user:any"
    assert by_form.headers["cache-control"] == "no-store"
    templates = await platforms.http.get(
        f"{BASE}/tredjeman/2120002411/mallar",
        headers={"Authorization": f"Bearer {answer['access_token']}", "X-Service-Name": "s"},
    )
    assert templates.status_code == 200
    by_basic = await platforms.http.post(
        BASE + TOKEN_PATH,
        data={"grant_type": "client_credentials", "scope": "user:self"},
        auth=httpx.BasicAuth(client_id, SECRET),
    )
    assert (by_basic.status_code, by_basic.json()["scope"]) == (200, "user:self")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"scope": "user:other"}, 400, "invalid_scope"),
        ({"scope": "templates:read"}, 400, "invalid_scope"),
        ({"scope": "user:self user:any"}, 400, "invalid_scope"),
        ({}, 400, "invalid_scope"),
        ({"scope": "user:any", "grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "user:any", "client_secret": "wrong"}, 401, "invalid_client"),
    ],
    ids=str,
)
async def test_refusals_are_those_of_oauth(
    platforms: Platforms, client_id: str, form: dict[str, str], status: int, error: str
) -> None:
    credentials = {"client_id": client_id, "client_secret": SECRET}
    answer = await ask(platforms, **credentials | form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_a_client_that_is_not_configured_gets_none_here(platforms: Platforms, client_id: str) -> None:
    configured = platforms.clients.pop(client_id)
    try:
        answer = await ask(platforms, client_id=client_id, client_secret=SECRET, scope="user:any")
    finally:
        platforms.clients[client_id] = configured
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize("path", [TOKEN_PATH, BASE + TOKEN_PATH])
async def test_an_assertion_is_meant_for_the_address_it_is_sent_to(platforms: Platforms, path: str) -> None:
    world, key = platforms.world, generate_signing_key("client-key")
    organisation = await world.organisation()
    client_id = f"{organisation.client_id}-key"
    registration = ClientRegistration(
        client_id, str(organisation.party), (Scope.TEMPLATES_READ.value,), jwks={"keys": [key.public_jwk()]}
    )
    await register_client(world.database, registration, now=world.clock())
    platforms.clients[client_id] = ConfiguredClient((UserScope.ANY,), {})
    now = int(world.clock().timestamp())
    claims = {"iss": client_id, "sub": client_id, "iat": now, "exp": now + 60, "jti": client_id}
    claims["aud"] = world.runtime.settings.public_url + path
    form = {"client_assertion": sign_compact(orjson.dumps(claims), key, typ="JWT"), "scope": "user:any"}
    form["client_assertion_type"] = ASSERTION_TYPE
    assert (await ask(platforms, path, **form)).json().get("scope") == "user:any"
    again = await ask(platforms, path, **form)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client"), "used once"
