"""The way round the framework gives what the framework's own route gives: answers, errors and headers."""

from datetime import UTC, datetime
from typing import Any, cast

import httpx
import orjson
import pytest
from starlette.types import ASGIApp

from acting import calling, without, world_at
from factories import BERI, MARIA, PAUL, Json, Organisation, World, jws_payload, person, question
from registry.api.edge import Edge
from registry.domain.callers import Scope
from registry.signing.consistency import consistency_token

VERIFY = "/v1/verifications"
JSON = {"Content-Type": "application/json"}
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


class Both:
    """The same application twice: whole, and under its edge, where the framework's route answers."""

    def __init__(self, world: World, owner: Organisation) -> None:
        self.world, self.owner = world, owner
        inner = cast("Edge", world.app)._app  # noqa: SLF001  # the very point
        self.ways = [self._connect(world.app), self._connect(inner)]

    def _connect(self, app: ASGIApp) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=app)
        return httpx.AsyncClient(transport=transport, base_url="http://registry.test")

    async def send(
        self, content: bytes, headers: dict[str, str], *, path: str = VERIFY
    ) -> tuple[httpx.Response, httpx.Response]:
        token = self.owner.http.headers["Authorization"]
        sent = {"Authorization": token} | JSON | headers
        answers = [await way.post(path, content=content, headers=sent) for way in self.ways]
        return answers[0], answers[1]


@pytest.fixture(scope="module")
async def both(world: World) -> Both:
    """At a clock that stands, so that answers have the same times."""
    own = world_at(world, NOW)
    owner = await own.organisation()
    template = await own.publish_template(owner)
    await own.issue(owner, template)
    await own.issue(owner, template, representatives=[person(MARIA)], valid_from="2027-01-01T00:00:00Z")
    return Both(own, owner)


def comparable(answer: httpx.Response) -> tuple[int, dict[str, str], Any]:
    """Status, the headers of the application itself, and the body without what is new each time."""
    ours = {"x-request-id", "traceparent", "x-content-type-options", "content-length"}
    headers = {name: value for name, value in answer.headers.items() if name not in ours}
    body = answer.json()
    for name in ("request_id", "consistency_token", "instance"):
        body.pop(name, None)
    if "receipt" in body:
        receipt = jws_payload(body.pop("receipt"))
        receipt.pop("jti")
        body["receipt"] = receipt
    return answer.status_code, headers, body


def body_of(owner: Organisation, **changes: Any) -> bytes:  # noqa: ANN401  # any JSON
    return orjson.dumps(question(owner, **changes))


GOOD: dict[str, Json] = {
    "permit": {},
    "deny": {"representative": person(BERI, None), "principal": person(PAUL, None)},
    "not yet": {"representative": person(MARIA, None)},
    "unknown": {"permissions": ["apply", "unheard-of"]},
    "another time": {"at": "2027-06-01T12:00:00+02:00", "representative": person(MARIA, "Maria")},
    "what was known": {"known_at": "2020-01-01T00:00:00Z"},
    "everything": {
        "service": "oep-serveringstillstand",
        "principal_role": "person",
        "specifier": {"property": "SUNDSVALL 1:3 \u00e5\U0001f4ce"},
        "representatives": [person(MARIA, None)],
        "purpose": "case 2026-114",
    },
    "own third party": {"third_party": None},
}
BAD: dict[str, Json] = {
    "wrong digits": {"principal": {"scheme": "se-pnr", "value": BERI[:-1] + "0"}},
    "many faults": {"permissions": [], "at": "yesterday", "surprise": 1, "representative": {"scheme": "x"}},
    "nulls": {"principal": None, "permissions": None},
    "a wrong type": {"permissions": "apply", "service": 5, "representatives": {}},
    "a nested stranger": {"principal": person(BERI, None) | {"age": 5}},
    "a number as name": {"195004112354": 1, "specifier": {"195004112354": ""}},
    "a forged token": {"at_least": "AAAA"},
    "another's matter": {"third_party": {"scheme": "se-orgnr", "value": "5561929323"}},
    "no approval yet": {"approval_id": "x"},
    "a long text": {"purpose": "x" * 301, "permissions": ["a"] * 51},
    "control characters": {"purpose": "a\u0000b"},
}
RAW: dict[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"x"',
    "cut": b'{"principal": ',
    "twice": b'{"purpose": "a", "purpose": "b"}',
    "NaN": b'{"purpose": NaN}',
    "infinite": b'{"purpose": 1e999}',
    "two values": b"{} {}",
    "not UTF-8": b'{"purpose": "\xff"}',
    "a lone surrogate": b'{"purpose": "\\ud800"}',
    "too deep": b'{"a":' * 50 + b"1" + b"}" * 50,
    "a byte order mark": b"\xef\xbb\xbf{}",
    "an empty object": b"{}",
}
HEADERS: dict[str, dict[str, str]] = {
    "text": {"Content-Type": "text/plain"},
    "a form": {"Content-Type": "application/x-www-form-urlencoded"},
    "no type": {"Content-Type": ""},
    "JSON of a character set": {"Content-Type": "Application/JSON; charset=utf-8"},
    "JSON-like": {"Content-Type": "application/ld+json"},
    "not acceptable": {"Accept": "application/xml"},
    "anything": {"Accept": "*/*"},
    "no token": {"Authorization": ""},
    "another scheme": {"Authorization": "Basic eDp5"},
    "a wrong token": {"Authorization": "Bearer x.y.z"},
    "lower case": {"Authorization": "bearer x"},
}


@pytest.mark.parametrize("case", GOOD)
async def test_the_same_answer(both: Both, case: str) -> None:
    whole, inner = await both.send(body_of(both.owner, **GOOD[case]), {})
    assert whole.status_code == 200, whole.text
    assert comparable(whole) == comparable(inner)
    assert whole.headers["x-request-id"]


@pytest.mark.parametrize("case", BAD)
async def test_the_same_faults(both: Both, case: str) -> None:
    whole, inner = await both.send(body_of(both.owner, **BAD[case]), {})
    assert whole.status_code in {403, 422}, whole.text
    assert comparable(whole) == comparable(inner)


@pytest.mark.parametrize("case", RAW)
async def test_the_same_refusal_of_what_is_no_question(both: Both, case: str) -> None:
    whole, inner = await both.send(RAW[case], {})
    assert whole.status_code == (422 if case == "an empty object" else 400), whole.text
    assert comparable(whole) == comparable(inner)


@pytest.mark.parametrize("case", HEADERS)
async def test_the_same_judgement_of_headers(both: Both, case: str) -> None:
    whole, inner = await both.send(body_of(both.owner), HEADERS[case])
    expected = 200 if case in {"anything", "JSON of a character set"} else {401, 406, 415}
    assert whole.status_code in (expected if isinstance(expected, set) else {expected}), whole.text
    assert comparable(whole) == comparable(inner)


@pytest.mark.parametrize("query", ["?surprise=1", "?", "?principal=195004112354", "?%ff", "?a=1&a=2"])
async def test_the_same_judgement_of_queries(both: Both, query: str) -> None:
    whole, inner = await both.send(body_of(both.owner), {}, path=VERIFY + query)
    assert whole.status_code == (200 if query == "?" else 422)
    assert comparable(whole) == comparable(inner)


async def test_the_same_lack_of_a_scope(both: Both) -> None:
    mute = await both.world.organisation(both.owner.party, without=without(Scope.VERIFY_OWN))
    header = {"Authorization": mute.http.headers["Authorization"]}
    whole, inner = await both.send(b"not even JSON", header)
    assert whole.status_code == 403
    assert comparable(whole) == comparable(inner)


async def test_the_same_outage(both: Both) -> None:
    here = await both.world.database.position()
    ahead = consistency_token(type(here)(here.system_id, here.timeline, here.lsn + 10**15), both.world.keys)
    whole, inner = await both.send(body_of(both.owner, at_least=ahead), {})
    assert whole.status_code == 503
    assert comparable(whole) == comparable(inner)


async def test_other_methods_are_the_frameworks(both: Both) -> None:
    owner = await calling(both.world, both.owner)
    answer = await owner.get(VERIFY)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
