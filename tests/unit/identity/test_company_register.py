"""Company registers: a file or an address; whatever they answer else is no answer."""

import json
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from company_entries import AS_OF, SOURCE, company, pnr, register_of, rule, sole_trader
from factories import BERI, HERMAN, MARIA, PAUL, PETRONELLA, organisation_number
from registry.domain.errors import OperatorError, UnavailableError
from registry.domain.parties import NamedParty, Party, Scheme
from registry.identity.company_register import (
    CompanyRegister,
    CompanyRegisterFileError,
    FileRegister,
    load_file_register,
)
from registry.identity.company_register_http import (
    HttpRegister,
    RegisterAccess,
    open_company_register,
)

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
NUMBER = organisation_number()
ORGANISATION = Party(Scheme.SE_ORGNR, NUMBER)
ADDRESS = "https://register.example.test/v1"
Answer = Callable[[httpx.Request], httpx.Response]


def person(number: str) -> Party:
    return Party(Scheme.SE_PNR, number)


def asked(answer: Answer, address: str = ADDRESS) -> HttpRegister:
    def streamed(request: httpx.Request) -> httpx.Response:
        """As from a network: the body comes when it is read."""
        response = answer(request)
        return httpx.Response(
            response.status_code, headers=response.headers, content=_chunks(response.content)
        )

    http = httpx.AsyncClient(transport=httpx.MockTransport(streamed))
    return HttpRegister(address, http, timeout=5)


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


def always(status: int = 200, body: object = None, **headers: str) -> Answer:
    return lambda _: httpx.Response(status, json=body, headers=headers)


async def test_a_file_is_read_and_as_old_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "register.json"
    undated = company(NUMBER)
    del undated["retrieved_at"]
    path.write_text(json.dumps({"organisations": [undated, sole_trader(BERI)]}))
    register = load_file_register(path)
    entry = await register.find(ORGANISATION, now=NOW)
    assert entry is not None
    assert entry.organisation == NamedParty(ORGANISATION, "TB Bokföringsbyrå AB")
    assert (entry.details.form, entry.details.source) == ("aktiebolag", SOURCE)
    assert entry.details.retrieved_at == datetime.fromtimestamp(path.stat().st_mtime, UTC)
    assert entry.details.signatory_rule is not None
    assert [item.count for item in entry.details.signatory_rule.alternatives] == [1, 2]
    trader = await register.find(person(BERI), now=NOW)
    assert trader is not None
    assert trader.details.retrieved_at == AS_OF
    assert await register.find(person(PAUL), now=NOW) is None


async def test_engagements_and_who_acts_alone() -> None:
    other = organisation_number()
    register = register_of(
        company(NUMBER), company(other, signatory_rule=rule((1, (HERMAN, MARIA)))), sole_trader(BERI)
    )
    for number, expected in {
        PETRONELLA: {NUMBER: True},
        HERMAN: {NUMBER: False, other: True},
        BERI: {BERI: True},
        PAUL: {},
    }.items():
        found = await register.list_engagements(person(number), now=NOW)
        alone = {
            entry.organisation.party.value: entry.is_represented_alone_by(person(number)) for entry in found
        }
        assert alone == expected


FILES: dict[str, tuple[object, str]] = {
    "no object": ([], "wrong"),
    "no list": ({}, "organisations"),
    "no source": ({"organisations": [company(NUMBER, source="")]}, "source"),
    "no number": ({"organisations": [company(NUMBER[:-1])]}, "se-orgnr"),
    "unknown scheme": ({"organisations": [company(NUMBER, scheme="x")]}, "unknown_scheme"),
    "twice": ({"organisations": [company(NUMBER), company(NUMBER)]}, "twice"),
    "too many to ask for": (
        {"organisations": [company(NUMBER, signatory_rule=rule((2, (HERMAN,))))]},
        "more signatories",
    ),
    "nobody": ({"organisations": [company(NUMBER, signatory_rule=rule((1, ())))]}, "any_of"),
    "none of them": ({"organisations": [company(NUMBER, signatory_rule=rule((0, (HERMAN,))))]}, "count"),
    "a time without a zone": (
        {"organisations": [company(NUMBER, retrieved_at="2026-11-20T12:00:00")]},
        "offset",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file_is_told_at_start(name: str, tmp_path: Path) -> None:
    document, message = FILES[name]
    path = tmp_path / "register.json"
    path.write_text(json.dumps(document))
    with pytest.raises(CompanyRegisterFileError, match=message) as caught:
        load_file_register(path)
    assert HERMAN not in str(caught.value)


def test_a_missing_file_is_told_at_start(tmp_path: Path) -> None:
    with pytest.raises(CompanyRegisterFileError, match="cannot read"):
        load_file_register(tmp_path / "none.json")


async def test_an_organisation_is_asked_for_by_its_number() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        body = company(NUMBER, more="of it")
        del body["retrieved_at"]
        return httpx.Response(200, json=body)

    entry = await asked(answer, ADDRESS + "/").find(ORGANISATION, now=NOW)
    assert entry is not None
    assert entry.details.retrieved_at == NOW
    assert [(item.method, str(item.url)) for item in requests] == [
        ("GET", f"{ADDRESS}/organisations/se-orgnr/{NUMBER}")
    ]


async def test_a_person_is_never_in_an_address() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"organisations": [company(NUMBER), sole_trader(BERI)]})

    register = asked(answer)
    trader = await register.find(person(BERI), now=NOW)
    assert trader is not None
    assert trader.organisation.party == person(BERI)
    assert len(await register.list_engagements(person(BERI), now=NOW)) == 2
    assert await register.find(person(PAUL), now=NOW) is None
    for request in requests:
        assert (request.method, str(request.url)) == ("POST", f"{ADDRESS}/organisations/search")
    assert json.loads(requests[0].content) == {"person": pnr(BERI)}


async def test_not_found_is_an_answer() -> None:
    register = asked(always(404))
    assert await register.find(ORGANISATION, now=NOW) is None
    assert await register.list_engagements(person(BERI), now=NOW) == ()


def _fails(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def _drips(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("slow")


NO_ANSWERS: dict[str, Answer] = {
    "an error": always(500),
    "not allowed": always(403),
    "a redirect": always(302, location="https://elsewhere.example.test/"),
    "no content": always(204),
    "another organisation": always(200, company(organisation_number())),
    "no JSON": lambda _: httpx.Response(200, content=b"<html>"),
    "nothing": lambda _: httpx.Response(200, content=b""),
    "half": always(200, {"scheme": "se-orgnr", "value": NUMBER}),
    "too much": lambda _: httpx.Response(200, content=b" " * 1_048_577),
    "no connection": _fails,
    "too late": _drips,
}


@pytest.mark.parametrize("name", NO_ANSWERS)
async def test_anything_else_is_no_answer(name: str, caplog: pytest.LogCaptureFixture) -> None:
    register = asked(NO_ANSWERS[name])
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(UnavailableError):
            await register.find(ORGANISATION, now=NOW)
        with pytest.raises(UnavailableError):
            await register.list_engagements(person(BERI), now=NOW)
    assert BERI not in caplog.text


@pytest.mark.parametrize(
    "address",
    ["http://register.example.test", "ftp://localhost", "https://", "https://register.example.test/?q=1"],
)
async def test_addresses_that_are_not_used(address: str) -> None:
    with pytest.raises(OperatorError, match="https"):
        async with open_company_register(RegisterAccess(address)):
            pass


async def test_what_is_configured_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "register.json"
    path.write_text(json.dumps({"organisations": [company(NUMBER)]}))
    opened: list[CompanyRegister | None] = []
    for access in (
        None,
        RegisterAccess(str(path)),
        RegisterAccess(ADDRESS, token="secret"),
        RegisterAccess("http://127.0.0.1:9/"),
    ):
        async with open_company_register(access) as register:
            opened.append(register)
    assert [type(register) for register in opened] == [type(None), FileRegister, HttpRegister, HttpRegister]


async def test_a_client_certificate_must_be_there(tmp_path: Path) -> None:
    access = RegisterAccess(ADDRESS, certificate=tmp_path / "none.pem")
    with pytest.raises(OperatorError, match="certificate"):
        async with open_company_register(access):
            pass
