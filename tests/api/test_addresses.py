"""What may stand in an address: known paths and methods, ids in one form, each parameter once, no person."""

from typing import Any

import httpx
import pytest
from uuid_utils.compat import uuid7

from contract_reading import address_of_nothing, contract
from factories import BERI, Organisation, World
from problem_documents import assert_names_nobody, assert_problem
from registry.api.contract import operations

CONTRACT = contract()
ALL = [(method.upper(), path) for path, method, _ in operations(CONTRACT)]
PATHS = list(CONTRACT["paths"])
PERSONAL = (BERI, "19860226-2381", "860226-2381", "8602262381", "1986 0226 2381", "se-pnr:198602262381")


@pytest.fixture(scope="module")
async def caller(world: World) -> Organisation:
    return await world.organisation()


def address(path: str) -> str:
    return address_of_nothing(path)


async def call(caller: Organisation, method: str, target: str) -> httpx.Response:
    content = b"{}" if method in {"POST", "PUT"} else None
    headers = {"Idempotency-Key": str(uuid7()), "Content-Type": "application/json"}
    return await caller.http.request(method, target, content=content, headers=headers)


async def asgi_status(world: World, path: str, *, query: bytes = b"", raw_path: bytes | None = None) -> int:
    """Ask with bytes that no HTTP client would send, and return the status of the answer."""
    sent: list[Any] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": raw_path or path.encode(),
        "query_string": query,
        "headers": [],
        "client": ("192.0.2.1", 50000),
        "server": ("registry.test", 80),
    }

    async def receive() -> Any:  # noqa: ANN401  # an ASGI message
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401  # an ASGI message
        sent.append(message)

    await world.app(scope, receive, send)
    return int(sent[0]["status"])


@pytest.mark.parametrize(("method", "path"), ALL)
async def test_unknown_parameters_are_refused_and_not_repeated(
    caller: Organisation, method: str, path: str
) -> None:
    for query in ("x=1", "x", "=", "limit[]=5", "LIMIT=5", *(f"person={number}" for number in PERSONAL)):
        response = await call(caller, method, f"{address(path)}?{query}")
        fault = assert_problem(response, 422, "invalid-input", "?")["errors"][0]
        assert fault["code"] == "unknown_parameter"
        assert fault["message"].startswith("Known query parameters here: ")
    response = await call(caller, method, f"{address(path)}?{BERI}=1")
    assert_problem(response, 422, "invalid-input", "?")


async def test_a_parameter_is_given_once(caller: Organisation) -> None:
    response = await caller.http.get("/v1/templates?limit=5&q=a&q=a&limit=5&x=1")
    assert_problem(response, 422, "invalid-input", "?", "?limit", "?q")


async def test_a_query_is_utf_8(world: World, caller: Organisation) -> None:
    for query in ("q=%ff", "q=%ED%A0%80", "q=%C0%AF", "%ff=1"):
        response = await caller.http.get(f"/v1/templates?{query}")
        fault = assert_problem(response, 422, "invalid-input", "?")["errors"][0]
        assert "UTF-8" in fault["message"]
    assert (await caller.http.get("/v1/templates?q=%C3%A5&limit=1")).status_code == 200
    for raw in (b"q=\xe5", b"q=\xc3\xa5", b"\xff\xfe", b"q=\x00"):
        assert await asgi_status(world, "/live", query=raw) == 422


@pytest.mark.parametrize("path", [path for path in PATHS if "{" in path])
async def test_an_id_has_one_form(caller: Organisation, path: str) -> None:
    """Another form of an id that exists is no other way to it."""
    name = path.partition("{")[2].partition("}")[0]
    known = str(uuid7())
    for wrong in (
        known.upper(),
        known.replace("-", ""),
        f"{{{known}}}",
        f"urn:uuid:{known}",
        f"{known} ",
        f"{known[:-1]}g",
        known[:-1] + "\uff11",
        "1",
        "-1",
        "0x1",
        "x" * 3000 + "1",
        "a%00b",
        "%2e1",
        *PERSONAL,
    ):
        target = path.replace(f"{{{name}}}", wrong).replace("{number}", "1")
        method = next(method for method, known_path in ALL if known_path == path)
        response = await call(caller, method, target)
        if response.status_code == 404:
            assert_problem(response, 404, "unknown-path")
        else:
            faults = assert_problem(response, 422, "invalid-input")["errors"]
            assert f"path:{name}" in {fault["pointer"] for fault in faults}


async def test_a_versions_number_is_one_in_plain_digits(caller: Organisation) -> None:
    for wrong in ("0", "-1", "1.0", "+1", "%201", "1e0", "0x1", "one", "\u0661", "100001", "9" * 20, BERI):
        response = await caller.get(f"/v1/templates/{uuid7()}/versions/{wrong}")
        assert_problem(response, 422, "invalid-input", "path:number")


async def test_no_person_in_a_path_comes_back(caller: Organisation) -> None:
    for number in PERSONAL:
        for path in (f"/v1/persons/{number}", f"/{number}", f"/v1/mandates/{number}", f"/v1/{number}/search"):
            for method in ("GET", "POST", "DELETE"):
                response = await call(caller, method, path)
                assert response.status_code in {404, 405, 422}
                assert_names_nobody(response.text + str(response.headers))
                assert response.json()["instance"].count("/-") == 1


async def test_an_unknown_path_is_told_where_to_look(world: World, caller: Organisation) -> None:
    for path in (
        "/",
        "/v1",
        "/v1/",
        "/v2/templates",
        "/v1/templates/",
        "/v1/Templates",
        "/v1/template",
        "/v1//templates",
        "/v1/templates;x=1",
        "/v1/mandates/search/x",
        f"/v1/mandates/{uuid7()}/nothing",
        "/docs/../settings",
        "/docs/%2e%2e/%2e%2e/app.py",
        "/metrics/x",
        "/v1/m\u00e5l",
    ):
        for client in (world.anonymous, caller.http):
            response = await client.get(path)
            assert "`/docs`" in assert_problem(response, 404, "unknown-path")["detail"], path
            assert response.json()["instance"].isascii()
    for raw in ("/\udcff", "/v1/\x00"):
        assert await asgi_status(world, raw, raw_path=b"/%ff") == 404


@pytest.mark.parametrize("path", PATHS)
async def test_an_unused_method_is_told_the_used_ones(world: World, caller: Organisation, path: str) -> None:
    used = {method for method, known in ALL if known == path}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} - used:
        for client in (world.anonymous, caller.http):
            response = await client.request(method, address(path))
            assert "`/docs`" in assert_problem(response, 405, "method-not-allowed")["detail"]
            assert set(response.headers["allow"].split(", ")) == used


async def test_requests_are_named_and_traced(world: World) -> None:
    given = {
        "X-Request-Id": "submission.2026-114_x",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
    headers = (await world.anonymous.get("/live", headers=given)).headers
    assert headers["x-request-id"] == given["X-Request-Id"]
    assert headers["traceparent"].startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-")
    assert headers["traceparent"].endswith("-01")
    assert headers["traceparent"] != given["traceparent"]
    for bad in ("short", "x" * 65, "with space", BERI, "860226-2381", "a\tb-c-d-e-f", "new\u00e5-request"):
        refused = {b"X-Request-Id": bad.encode("latin-1"), b"traceparent": bad.encode("latin-1")}
        headers = (await world.anonymous.get("/live", headers=refused)).headers
        assert len(headers["x-request-id"]) == 36
        assert len(headers["traceparent"]) == 55
        assert_names_nobody(str(headers))
