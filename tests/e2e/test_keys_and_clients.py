"""Keys and clients, made on the command line and taken up by a serving process."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import orjson
import pytest

from factories import BERI, PAUL, person
from registry.identity.client_authentication import ASSERTION_TYPE
from registry.signing.encodings import decode_base64url
from registry.signing.jose import generate_signing_key, sign_compact
from registry_processes import Running, free_port, run, running


@pytest.fixture(scope="module")
async def served(installation: dict[str, str]) -> AsyncIterator[tuple[httpx.AsyncClient, Running]]:
    """The installation, served."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = installation | {"REGISTRY_PUBLIC_URL": address}
    async with (
        running("serve", "--port", str(port), until="serving", settings=settings) as command,
        httpx.AsyncClient(base_url=address) as http,
    ):
        yield http, command
        assert await command.end() == 0


async def test_keys_are_created_once_and_rotated(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    settings = {"REGISTRY_KEYS_FILE": str(path), "REGISTRY_DATABASE_URL": "postgresql://unused"}
    created = await run("keys", "create", settings=settings)
    assert (created.code, path.stat().st_mode & 0o777) == (0, 0o600)
    first = path.read_bytes()
    again = await run("keys", "create", settings=settings)
    assert (again.code, again.out, path.read_bytes()) == (1, "", first)
    assert "keys rotate" in again.err

    at_once = await run("keys", "rotate", "--active-in", "0", settings=settings)
    assert (at_once.code, path.stat().st_mode & 0o777) == (0, 0o600)
    assert (await run("keys", "rotate", settings=settings)).code == 0
    listed = (await run("keys", "list", settings=settings)).out.splitlines()
    assert [line.split("  ")[-1] for line in listed] == ["verifies", "signs now", "will sign", "signs now"]
    assert listed[1].split()[0] in at_once.out
    log_key = await run("keys", "rotate", "--log", settings=settings)
    assert (await run("keys", "list", settings=settings)).out.splitlines()[-1].split()[1] in log_key.out


async def test_a_serving_process_takes_up_new_keys(
    installation: dict[str, str], served: tuple[httpx.AsyncClient, Running]
) -> None:
    http, command = served
    old = await _published(http)
    added = await run(*_add("case-system", "verify:own"), settings=installation)
    auth = ("case-system", _secret(added.out))
    before = await _token(http, auth)
    rotated = await run("keys", "rotate", "--active-in", "0", settings=installation)
    assert rotated.code == 0
    await command.says("keys.reloaded")
    *kept, new = await _published(http)
    assert (kept, new in rotated.out) == (old, True)
    after = await _token(http, auth)
    assert (_kid(before), _kid(after)) == (old[-1], new)
    question = {
        "principal": person(BERI, None),
        "representative": person(PAUL, None),
        "permissions": ["apply"],
        "purpose": "submission 2026-114",
    }
    for token in (before, after):
        headers = {"Authorization": f"Bearer {token}"}
        answer = await http.post("/v1/verifications", json=question, headers=headers)
        assert answer.status_code == 200
        assert _kid(answer.json()["receipt"]) == new


async def test_a_clients_life(
    installation: dict[str, str], served: tuple[httpx.AsyncClient, Running]
) -> None:
    http, _ = served
    added = await run(*_add("e-service", "templates:read"), settings=installation)
    assert added.code == 0, added.err
    first = _secret(added.out)
    headers = {"Authorization": f"Bearer {await _token(http, ('e-service', first))}"}
    assert (await http.get("/v1/templates", headers=headers)).status_code == 200

    second = _secret((await run("clients", "rotate-secret", "e-service", settings=installation)).out)
    assert (await _grant(http, ("e-service", first))).status_code == 401
    await _token(http, ("e-service", second))
    assert (await run("clients", "disable", "e-service", settings=installation)).code == 0
    refused = await _grant(http, ("e-service", second))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    listed = await run("clients", "list", settings=installation)
    assert "e-service  se-orgnr:2120002411  disabled  templates:read\n" in listed.out


async def test_a_client_with_keys_of_its_own(
    installation: dict[str, str], served: tuple[httpx.AsyncClient, Running], tmp_path: Path
) -> None:
    http, _ = served
    key = generate_signing_key("platform-1")
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [key.public_jwk()]}))
    arguments = (*_add("platform", "templates:read"), "--jwks", str(tmp_path / "jwks.json"))
    added = await run(*arguments, settings=installation)
    assert (added.code, "Secret" in added.out) == (0, False)
    now = int(datetime.now(UTC).timestamp())
    claims = {
        "iss": "platform",
        "sub": "platform",
        "aud": f"{http.base_url}/oauth2/token",
        "iat": now,
        "exp": now + 60,
        "jti": str(uuid4()),
    }
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": sign_compact(orjson.dumps(claims), key, typ="JWT"),
    }
    granted = await http.post("/oauth2/token", data=form)
    assert granted.status_code == 200, granted.text


async def test_every_fault_of_a_registration_is_named(installation: dict[str, str]) -> None:
    done = await run(
        *("clients", "add", "no spaces", "--organisation", "se-orgnr:2120002412", "--scope", "everything"),
        settings=installation,
    )
    assert (done.code, done.out) == (2, "")
    assert [line.split(": ")[0] for line in done.err.splitlines()] == [
        "client_id",
        "scopes/0",
        "organisation",
    ]


async def test_a_client_sends_signers_back_to_what_was_registered(installation: dict[str, str]) -> None:
    arguments = _add("portal", "requests:write")
    refused = await run(*arguments, "--return-url", "http://portal.example/back", settings=installation)
    assert (refused.code, refused.err.startswith("return_urls/0: ")) == (2, True)
    addresses = ("https://portal.example/back", "http://127.0.0.1:8000/")
    given = [part for address in addresses for part in ("--return-url", address)]
    added = await run(*arguments, *given, settings=installation)
    assert added.code == 0, added.err
    listed = await run("clients", "list", settings=installation)
    [line] = [line for line in listed.out.splitlines() if line.startswith("portal  ")]
    assert line.endswith("requests:write  returns to https://portal.example/back http://127.0.0.1:8000/")


def _add(client_id: str, *scopes: str) -> tuple[str, ...]:
    chosen = [part for scope in scopes for part in ("--scope", scope)]
    return ("clients", "add", client_id, "--organisation", "se-orgnr:2120002411", *chosen)


def _secret(text: str) -> str:
    return text.rstrip("\n").rpartition("shown this once: ")[2]


async def _grant(http: httpx.AsyncClient, auth: tuple[str, str]) -> httpx.Response:
    return await http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=auth)


async def _token(http: httpx.AsyncClient, auth: tuple[str, str]) -> str:
    granted = await _grant(http, auth)
    assert granted.status_code == 200, granted.text
    token: str = granted.json()["access_token"]
    return token


async def _published(http: httpx.AsyncClient) -> list[str]:
    """The ids of the registry's public keys, the newest last."""
    keys = (await http.get("/.well-known/jwks.json")).json()["keys"]
    return [key["kid"] for key in keys]


def _kid(token: str) -> str:
    header = orjson.loads(decode_base64url(token.partition(".")[0]))
    kid: str = header["kid"]
    return kid
