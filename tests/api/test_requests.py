"""Malformed requests, for every operation of the contract: a clear problem, and nothing is written."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import func, select
from uuid_utils.compat import uuid7

from contract_reading import address_of, contract
from factories import BERI, Organisation, World
from problem_documents import assert_names_nobody, assert_problem
from registry.api.contract import operations
from registry.storage.database import Database
from registry.storage.tables import (
    access_log,
    idempotency_keys,
    mandate_events,
    mandate_records,
    sealed_entries,
    template_versions,
)

Json = dict[str, Any]

JSON, PROBLEM = "application/json", "application/problem+json"
CONTRACT = contract()
ALL = {
    f"{method.upper()} {path}": operation
    for path, method, operation in operations(CONTRACT)
    if operation["security"]
}
WITH_BODY = [
    name for name, operation in ALL.items() if JSON in operation.get("requestBody", {}).get("content", {})
]


@pytest.fixture(scope="module")
async def caller(world: World) -> Organisation:
    return await world.organisation()


@pytest.fixture(autouse=True)
async def nothing_is_written(database: Database) -> AsyncIterator[None]:
    before = await counts(database)
    yield
    assert await counts(database) == before


async def counts(database: Database) -> list[int]:
    tables = (
        template_versions,
        mandate_records,
        mandate_events,
        sealed_entries,
        idempotency_keys,
        access_log,
    )
    async with database.reading() as session:
        return [
            (await session.execute(select(func.count()).select_from(table))).scalar_one() for table in tables
        ]


async def send(
    caller: Organisation,
    name: str,
    content: Any = None,  # noqa: ANN401  # whatever httpx takes as content
    **headers: str,
) -> httpx.Response:
    """Call an operation with raw bytes as its body."""
    method, path = name.split(" ")
    address = address_of(path)
    sent = {"Idempotency-Key": str(uuid7()), "Content-Type": JSON} | {
        header.replace("_", "-"): value for header, value in headers.items()
    }
    return await caller.http.request(
        method, address, content=content, headers={header: value for header, value in sent.items() if value}
    )


MALFORMED = {
    "nothing": (b"", "missing"),
    "no JSON": (b"kind=consent", "line 1, column 1"),
    "cut off": (b'{"kind": "con', "line 1, column 10"),
    "more than one": (b"{}{}", "Extra data"),
    "an array": (b"[]", "not a JSON object"),
    "a string": (b'"{}"', "not a JSON object"),
    "null": (b"null", "not a JSON object"),
    "a trailing comma": (b'{"a": 1,}', "line 1"),
    "single quotes": (b"{'a': 1}", "double quotes"),
    "a comment": (b'{"a": 1} // so', "Extra data"),
    "a member twice": (b'{"a": 1, "a": 1}', "a member occurs twice"),
    "a member twice, escaped": (b'{"a": 1, "\\u0061": 2}', "a member occurs twice"),
    "a member twice, deep down": (b'{"a": [{"b": 1, "b": 2}]}', "a member occurs twice"),
    "NaN": (b'{"a": NaN}', "NaN"),
    "Infinity": (b'{"a": -Infinity}', "Infinity"),
    "a number beyond floats": (b'{"a": 1e999}', "out of range"),
    "a number of 5,000 digits": (b'{"a": ' + b"9" * 5000 + b"}", "4300 digits"),
    "33 levels": (b'{"a":' * 33 + b"1" + b"}" * 33, "nested too deeply"),
    "100,000 levels": (b'{"a":' + b"[" * 100_000, "nested too deeply"),
    "a lone surrogate": (b'{"a": "\\ud800"}', "surrogate"),
    "a surrogate as name": (b'{"\\udfff": 1}', "surrogate"),
    "invalid UTF-8": (b'{"a": "\xff"}', "byte 7 is not UTF-8"),
    "overlong UTF-8": (b'{"a": "\xc0\xaf"}', "not UTF-8"),
    "a surrogate in UTF-8": (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
    "a byte order mark": (b'\xef\xbb\xbf{"a": 1}', "line 1"),
    "a raw control character": (b'{"a": "\x00"}', "control character"),
    "a raw line break in a string": (b'{"a": "\n"}', "control character"),
}


@pytest.mark.parametrize(("body", "says"), MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_body_is_told_what_is_wrong(caller: Organisation, body: bytes, says: str) -> None:
    for name in WITH_BODY:
        problem = assert_problem(await send(caller, name, body), 400, "malformed-request")
        assert says in problem["detail"], name
        assert "JSON object" in problem["detail"], name


@pytest.mark.parametrize("name", WITH_BODY)
async def test_every_unknown_member_is_named(caller: Organisation, name: str) -> None:
    response = await send(caller, name, orjson.dumps({"unexpected": 1, "a/b~c": {}}))
    faults = {fault["pointer"]: fault for fault in assert_problem(response, 422, "invalid-input")["errors"]}
    for pointer in ("/unexpected", "/a~1b~0c"):
        assert faults[pointer]["code"] == "extra_forbidden"
        assert faults[pointer]["message"] == "There is no such member: leave it out."


@pytest.mark.parametrize("name", WITH_BODY)
async def test_a_number_as_a_members_name_is_not_repeated(caller: Organisation, name: str) -> None:
    for personal in (BERI, "19860226-2381", "pnr 198602262381", "860226-2381"):
        response = await send(caller, name, orjson.dumps({personal: 1}))
        problem = assert_problem(response, 422, "invalid-input")
        assert any("not repeated" in fault["message"] for fault in problem["errors"])


def properties(operation: Json) -> list[str]:
    schema = operation["requestBody"]["content"][JSON]["schema"]
    while "$ref" in schema:
        schema = CONTRACT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return list(schema["properties"])


@pytest.mark.parametrize("name", WITH_BODY)
async def test_every_member_refuses_what_is_not_its_type(caller: Organisation, name: str) -> None:
    members = properties(ALL[name])
    response = await send(caller, name, orjson.dumps({member: [[1.5]] for member in members}))
    pointers = [fault["pointer"] for fault in assert_problem(response, 422, "invalid-input")["errors"]]
    for member in members:
        assert any(f"{pointer}/".startswith(f"/{member}/") for pointer in pointers), member


@pytest.mark.parametrize("name", WITH_BODY)
async def test_only_json_is_taken(caller: Organisation, name: str) -> None:
    for media_type in (
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/jsonp",
        "application/problem+json",
        "json",
        "application/json, text/plain",
    ):
        response = await send(caller, name, b"{}", Content_Type=media_type)
        assert "`application/json`" in assert_problem(response, 415, "unsupported-media-type")["detail"]
    for media_type in ("application/json; charset=utf-8", "APPLICATION/JSON", "application/json;x=y"):
        response = await send(caller, name, b"[]", Content_Type=media_type)
        assert_problem(response, 400, "malformed-request")


@pytest.mark.parametrize("name", ALL)
async def test_an_answer_that_cannot_be_given_is_refused(caller: Organisation, name: str) -> None:
    gives = next(iter(ALL[name]["responses"].get("200", {}).get("content", {JSON: {}})))
    family = gives.partition("/")[0]
    for accept in (
        "text/html",
        "application/xml",
        "text/*",
        f"{gives};q=0",
        f"{gives};q=0, */*",
        f"{family}/*;q=0.0, text/csv",
        "*/*;q=0",
        f"{gives};q=much",
        "nonsense",
    ):
        problem = assert_problem(await send(caller, name, b"{}", Accept=accept), 406, "not-acceptable")
        assert f"`{gives}`" in problem["detail"]


async def test_an_answer_that_can_be_given_is(caller: Organisation) -> None:
    for accept in (
        "*/*",
        "application/*",
        "Application/JSON",
        "application/json;q=0.1, text/html",
        "text/csv, */*;q=0.1",
        "application/problem+json, application/json",
        "text/html;q=0, */*",
        ",",
    ):
        response = await caller.http.get("/v1/templates?limit=1", headers={"Accept": accept})
        assert (response.status_code, response.headers["content-type"]) == (200, JSON), accept


TEN_MB = b'{"a": "' + b"x" * 10_000_000 + b'"}'


async def endless() -> AsyncIterator[bytes]:
    """A body that says nothing of its length; who reads past the limit never comes back."""
    yield b'{"a": "'
    while True:
        yield b"x" * 65_536


@pytest.mark.parametrize("name", WITH_BODY)
async def test_a_body_that_is_too_large_is_refused_unread(caller: Organisation, name: str) -> None:
    for response in (
        await send(caller, name, TEN_MB),
        await send(caller, name, endless()),
        await send(caller, name, b"{}", Content_Length="9" * 5000),
        await send(caller, name, b"{}", Content_Length="00001048577"),
    ):
        problem = assert_problem(response, 413, "body-too-large")
        assert problem["detail"] == "Send at most 1048576 bytes."
    just_right = b'{"a": "' + b"x" * (1_048_576 - 9) + b'"}'
    assert_problem(await send(caller, name, just_right), 422, "invalid-input")


async def test_the_token_endpoint_refuses_too_much_as_well(world: World) -> None:
    for content in (TEN_MB, endless()):
        response = await world.anonymous.post("/oauth2/token", content=content)
        assert_problem(response, 413, "body-too-large")


@pytest.mark.parametrize("name", WITH_BODY)
async def test_nothing_that_was_sent_comes_back(caller: Organisation, name: str) -> None:
    party = {"scheme": BERI, "value": BERI, "name": BERI}
    for value in (BERI, [BERI], {"value": BERI}, {BERI: BERI}, party, [party]):
        body = dict.fromkeys(properties(ALL[name]), value)
        response = await send(caller, name, orjson.dumps(body))
        assert response.status_code in {404, 422}
        assert_names_nobody(response.text)
