"""Whatever goes wrong on this surface, also inside, is answered in its own form of errors."""

from datetime import UTC, datetime

import httpx
import pytest
from starlette.datastructures import State
from starlette.types import Receive, Scope, Send

from minaombud_client import RefusedError, read_answer
from registry.api.edge import Edge, Surface
from registry.domain.errors import UnavailableError
from registry.interop.minaombud.errors import error_writer

NOW = datetime(2026, 11, 22, 9, 0, 0, 123, tzinfo=UTC)
BERI = "198602262381"


class UnforeseenError(Exception):
    """A fault in the code."""


def failing(error: Exception) -> httpx.AsyncClient:
    """A surface that fails in this way, beside an API that is never asked."""

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise error

    surface = Surface(("/there/",), app, error_writer(lambda: NOW))
    edge = Edge(app, state=State(), max_body_bytes=1024, request_log=False, surfaces=[surface])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=edge), base_url="http://registry.test")


@pytest.mark.parametrize("error", [UnforeseenError(f"about {BERI}"), UnavailableError()], ids=repr)
async def test_failures_inside_say_nothing_and_keep_to_the_form(error: Exception) -> None:
    async with failing(error) as http:
        answer = await http.get(f"/there/{BERI}", headers={"X-Request-Id": "request-42"})
    with pytest.raises(RefusedError) as refused:
        read_answer(answer)
    document = refused.value.document
    assert refused.value.status == 500
    assert (document["title"], document["requestId"]) == ("Internal error", "request-42")
    assert document["timestamp"] == "2026-11-22T09:00:00Z"
    assert document["instance"] == "/there/-#request-42"
    assert BERI not in answer.text


async def test_too_much_is_refused_before_it_is_read() -> None:
    async with failing(UnforeseenError()) as http:
        answer = await http.post("/there/x", content=b"x" * 1025)
        beside = await http.post("/elsewhere", content=b"x" * 1025)
    with pytest.raises(RefusedError) as refused:
        read_answer(answer)
    assert refused.value.status == 413
    assert beside.headers["content-type"] == "application/problem+json"


def test_an_error_says_when_to_come_again() -> None:
    response = error_writer(lambda: NOW)(UnavailableError(), "/there", "request-42")
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
