"""Whatever is wrong with a request is said in the one form that Mina ombud's clients parse."""

from typing import Any

import pytest

from factories import BERI, HERMAN, PERSON_CLAIM
from minaombud_client import BASE, MinaOmbudClient, RefusedError, UserKey, read_answer
from minaombud_platform import Platform, Platforms
from registry.interop.minaombud.clients import UserScope

UNKNOWN = "0198f3a0-6f1e-7c3a-9d57-2b8f7a1c4e10"


@pytest.fixture(scope="module")
async def shared(platforms: Platforms) -> Platform:
    """One platform for all: nothing here changes anything."""
    return await platforms.make()


async def refusal(client: MinaOmbudClient, body: Any, token: str | None) -> RefusedError:  # noqa: ANN401  # JSON
    with pytest.raises(RefusedError) as refused:
        await client.post("/sok/behorigheter", body, token)
    detail = refused.value.document["detail"]
    assert BERI not in detail
    assert HERMAN not in detail
    return refused.value


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": ""}, 401),
        ({"authorization": "Bearer x.y.z"}, 401),
        ({"authorization": "Basic eA=="}, 401),
        ({"x-service-name": ""}, 400),
        ({"x-service-name": "my service"}, 400),
        ({"x-service-name": "tjänst".encode().decode("latin-1")}, 400),
        ({"x-service-name": "a" * 256}, 400),
        ({"x-id-token": ""}, 400),
        ({"x-id-token": "a.b"}, 401),
        ({"content-type": "text/plain"}, 415),
        ({"x-request-id": "19860226-2381"}, 200),
        ({"content-type": "application/json; charset=utf-8"}, 200),
    ],
    ids=str,
)
async def test_malformed_headers(shared: Platform, headers: dict[str, str], status: int) -> None:
    sent = {
        "authorization": f"Bearer {shared.itself.access_token}",
        "x-service-name": "s",
        "x-id-token": shared.id_token(),
        "content-type": "application/json",
    } | headers
    raw = {name: value.encode("latin-1") for name, value in sent.items() if value}
    content = b'{"tredjeman":"%s","fullmaktshavare":{"id":"%s","typ":"pnr"}}' % (
        shared.number.encode(),
        BERI.encode(),
    )
    answer = await shared.http.post(f"{BASE}/sok/behorigheter", content=content, headers=raw)
    assert answer.status_code == status
    if status == 200:
        assert read_answer(answer)["kontext"] == []
        assert BERI not in answer.headers["x-request-id"]
    else:
        with pytest.raises(RefusedError):
            read_answer(answer)


@pytest.mark.parametrize(
    ("scope", "number", "username", "status"),
    [
        (UserScope.SELF, None, None, 400),
        (UserScope.OTHER, None, None, 400),
        (UserScope.ANY, BERI, None, 400),
        (UserScope.SELF, None, "casey", 403),
        (UserScope.OTHER, BERI, None, 403),
    ],
)
async def test_each_scope_wants_its_user(
    shared: Platform, scope: UserScope, number: str | None, username: str | None, status: int
) -> None:
    token = shared.id_token(number, username) if number or username else None
    assert (await refusal(shared.asks(scope), shared.question(), token)).status == status


async def test_a_token_with_another_scope_or_of_a_client_not_configured_is_refused(
    shared: Platform, platforms: Platforms
) -> None:
    world, client_id = shared.world, shared.organisation.client_id
    stranger = await platforms.world.organisation()
    for token in (
        world.access_token(client_id, frozenset(), scope="mandates:read"),
        world.access_token(client_id, frozenset(), scope="user:self user:any"),
        world.access_token(stranger.client_id, frozenset(), scope="user:any"),
    ):
        client = MinaOmbudClient(shared.http, token)
        assert (await refusal(client, shared.question(), None)).status == 401
    foreign = await shared.http.get(
        "/v1/templates", headers={"Authorization": f"Bearer {shared.machine.access_token}"}
    )
    assert foreign.status_code == 403, "the scopes of this surface are worth nothing in /v1"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "/tredjeman"),
        ({"fullmaktshavare": None}, "/fullmaktshavare"),
        ({"tredjeman": "212000-2412"}, "/tredjeman"),
        ({"tredjeman": BERI}, "/tredjeman"),
        ({"tredjeman": ["2120002411"]}, "/tredjeman"),
        ({"fullmaktshavare": {"id": "198602262382", "typ": "pnr"}}, "/fullmaktshavare/id"),
        ({"fullmaktshavare": {"id": BERI, "typ": "personnummer"}}, "/fullmaktshavare/typ"),
        ({"fullmaktshavare": {"id": BERI, "typ": "orgnr"}}, "/fullmaktshavare/id"),
        ({"fullmaktshavare": {"id": "casey", "typ": "username"}}, "/fullmaktshavare/id"),
        ({"fullmaktshavare": {"id": int(BERI), "typ": "pnr"}}, "/fullmaktshavare/id"),
        ({"fullmaktsgivarroll": ["FIRMA"]}, "/fullmaktsgivarroll/0"),
        ({"fullmaktsgivarroll": "PRIVAT"}, "/fullmaktsgivarroll"),
        ({"behorigheter": [1]}, "/behorigheter/0"),
        ({"page": {"size": 0}}, "/page/size"),
        ({"page": {"size": 501}}, "/page/size"),
        ({"page": {"page": -1}}, "/page/page"),
        ({"page": {"page": "0"}}, "/page/page"),
        ({"page": {"page": True}}, "/page/page"),
        ({"page": {"page": 1.5}}, "/page/page"),
        ({"page": {"sort": 1}}, "/page/sort"),
        ({"page": {"number": 1}}, "/page/number"),
        ({"fullmaktsgivere": {"id": BERI, "typ": "pnr"}}, "/fullmaktsgivere"),
    ],
    ids=str,
)
async def test_a_wrong_member_is_named(shared: Platform, body: dict[str, Any], place: str) -> None:
    sent = shared.question() | body if body else {}
    refused = await refusal(shared.itself, sent, shared.id_token())
    assert refused.status == 400
    assert f"{place}: " in refused.document["detail"]


async def test_a_search_for_mandates_names_a_party(shared: Platform) -> None:
    for body in (
        {},
        {"tredjeman": [shared.number]},
        {"fullmaktshavare": {"id": BERI, "typ": "pnr"}, "status": "AKTIV"},
        {"fullmaktshavare": {"id": BERI, "typ": "pnr"}, "aterkallad": "true"},
        {"fullmaktshavare": {"id": BERI, "typ": "pnr"}, "tredjeman": [BERI]},
    ):
        with pytest.raises(RefusedError) as refused:
            await shared.itself.search_mandates(body, shared.id_token())
        assert refused.value.status == 400


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"a":1,"a":2}', b'"\xff"', b"[" * 2000], ids=str)
async def test_a_body_that_is_no_object_is_refused(shared: Platform, content: bytes) -> None:
    headers = {
        "authorization": f"Bearer {shared.machine.access_token}",
        "x-service-name": "s",
        "content-type": "application/json",
    }
    for path in ("/sok/behorigheter", "/sok/fullmakter"):
        with pytest.raises(RefusedError) as refused:
            read_answer(await shared.http.post(BASE + path, content=content, headers=headers))
        assert refused.value.status == 400


async def test_addresses_and_sizes(shared: Platform) -> None:
    too_much = b"x" * 1_048_577

    async def chunks() -> Any:  # noqa: ANN401  # a stream
        yield too_much

    headers = {
        "authorization": f"Bearer {shared.machine.access_token}",
        "x-service-name": "s",
        "content-type": "application/json",
    }
    search = f"{BASE}/sok/behorigheter"
    for answer, status in (
        (await shared.http.post(search, content=too_much, headers=headers), 413),
        (await shared.http.post(search, content=chunks(), headers=headers), 413),
        (await shared.http.get(search, headers=headers), 405),
        (await shared.http.post(f"{BASE}/sok/mallar", headers=headers), 404),
        (await shared.http.get(BASE), 404),
        (await shared.http.get(f"{BASE}/"), 404),
        (await shared.http.get(f"{BASE}/tredjeman/{BERI}/jwks"), 404),
        (await shared.http.get(f"{BASE}/tredjeman/2120000829/jwks"), 404),
        (await shared.http.get(f"{BASE}/tredjeman/%FF%00/jwks"), 404),
        (
            await shared.http.get(f"{BASE}/tredjeman/{shared.number}/fullmakter/{UNKNOWN}", headers=headers),
            404,
        ),
        (await shared.http.get(f"{BASE}/tredjeman/2120000829/fullmakter/{UNKNOWN}", headers=headers), 403),
    ):
        with pytest.raises(RefusedError) as refused:
            read_answer(answer)
        assert (refused.value.status, answer.headers["cache-control"]) == (status, "no-store")
        assert BERI not in refused.value.document["instance"]
    assert (await shared.http.get(search)).headers["allow"] == "POST"


async def test_an_id_token_by_a_key_that_is_not_registered_is_refused(shared: Platform) -> None:
    stranger = UserKey()
    for token in (stranger.sign(shared.claims()), shared.key.sign(shared.claims(), {"kid": "other"})):
        refused = await refusal(shared.itself, shared.question(), token)
        assert refused.status == 401
    claims = shared.claims(**{PERSON_CLAIM: HERMAN})
    signed = shared.key.sign(claims)
    forged = ".".join([*shared.id_token().split(".")[:2], signed.split(".")[2]])
    assert (await refusal(shared.itself, shared.question(), forged)).status == 401
