"""Values at the edges: look-alikes and wrong digits in identifiers, the calendar's ends, numbers as text."""

from typing import Any

import pytest
from sqlalchemy import func, select

from factories import BERI, PAUL, Organisation, World, mandate_body, person, question
from problem_documents import assert_problem
from registry.storage.database import Database
from registry.storage.tables import access_log

Json = dict[str, Any]

FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


@pytest.fixture(scope="module")
async def caller(world: World) -> Organisation:
    return await world.organisation()


async def logged(database: Database, caller: Organisation) -> int:
    mine = access_log.c.client_id == caller.client_id
    async with database.reading() as session:
        found = await session.execute(select(func.count()).select_from(access_log).where(mine))
    return int(found.scalar_one())


WRONG_NUMBERS = {
    "wrong check digit": ("se-pnr", "198602262382", "value", "check_digit"),
    "two digits swapped": ("se-pnr", "198602263281", "value", "check_digit"),
    "no century": ("se-pnr", "8602262381", "value", "format"),
    "a day that does not exist": ("se-pnr", "198602302384", "value", "date"),
    "29 February of 1900": ("se-pnr", "190002299805", "value", "date"),
    "full-width digits": ("se-pnr", BERI.translate(FULL_WIDTH), "value", "format"),
    "one full-width digit": ("se-pnr", BERI[:-1] + "\uff11", "value", "format"),
    "Arabic-Indic digits": ("se-pnr", "".join(chr(0x660 + int(d)) for d in BERI), "value", "format"),
    "bold digits": ("se-pnr", "".join(chr(0x1D7CE + int(d)) for d in BERI), "value", "format"),
    "superscript": ("se-pnr", BERI[:-1] + "\u00b9", "value", "format"),
    "the letter O for zero": ("se-pnr", "1986O2262381", "value", "format"),
    "the letter l for one": ("se-pnr", "l98602262381", "value", "format"),
    "a space around": ("se-pnr", f" {BERI}", "value", "format"),
    "a line break after": ("se-pnr", f"{BERI}\n", "value", "format"),
    "a zero-width space within": ("se-pnr", f"{BERI[:8]}\u200b{BERI[8:]}", "value", "format"),
    "a non-breaking hyphen": ("se-pnr", f"{BERI[:8]}\u2011{BERI[8:]}", "value", "format"),
    "a null within": ("se-pnr", f"{BERI[:8]}\x00{BERI[8:]}", "value", "format"),
    "nothing": ("se-pnr", "", "value", "format"),
    "far too long": ("se-pnr", "1" * 301, "value", None),
    "a coordination number": ("se-pnr", "198602862380", "value", "date"),
    "an organisation as person": ("se-pnr", "5561929323", "value", "format"),
    "a person as organisation": ("se-orgnr", "8602262381", "value", "format"),
    "an organisation's wrong digit": ("se-orgnr", "5561929324", "value", "check_digit"),
    "a GD number as organisation": ("se-orgnr", "3020000006", "value", "format"),
    "a Danish day that does not exist": ("dk-cpr", "3002861234", "value", "date"),
    "a Danish business's wrong digit": ("dk-cvr", "12345678", "value", "check_digit"),
    "a Cyrillic scheme": ("s\u0435-pnr", BERI, "scheme", "unknown_scheme"),
    "another case": ("SE-PNR", BERI, "scheme", "unknown_scheme"),
    "a scheme of its own": ("personnummer", BERI, "scheme", "unknown_scheme"),
    "eIDAS in lower case": ("eidas", "de/se/123", "value", "format"),
}


@pytest.mark.parametrize(("scheme", "value", "member", "code"), WRONG_NUMBERS.values(), ids=WRONG_NUMBERS)
async def test_a_wrong_identifier_is_refused_where_it_stands(
    database: Database, caller: Organisation, scheme: str, value: str, member: str, code: str | None
) -> None:
    party = {"scheme": scheme, "value": value}
    before = await logged(database, caller)
    for path, body, pointer in (
        ("/v1/verifications", question(caller, principal=party), "/principal"),
        ("/v1/verifications", question(caller, representatives=[party]), "/representatives/0"),
        ("/v1/verifications/batch", {"questions": [question(caller, representative=party)]}, None),
        ("/v1/representations/search", {"representative": party}, "/representative"),
        ("/v1/mandates/search", {"principal": party}, "/principal"),
    ):
        place = pointer or "/questions/0/representative"
        problem = assert_problem(await caller.post(path, body), 422, "invalid-input", f"{place}/{member}")
        (fault,) = problem["errors"]
        assert fault["code"] == (f"party_{code}" if code else "string_too_long")
        assert not value or value not in fault["message"]
    assert await logged(database, caller) == before


async def test_one_party_has_one_canonical_form(world: World, caller: Organisation) -> None:
    template = await world.publish_template(caller)
    mandate = await world.issue(caller, template, principal=person("19860226-2381", "Beri Ylles"))
    assert mandate["principal"]["value"] == BERI
    answer = await caller.post("/v1/verifications", question(caller))
    assert answer.json()["decision"] == "permit"


async def test_every_wrong_party_is_named_at_once(caller: Organisation) -> None:
    wrong = {"scheme": "se-pnr", "value": "198602262382"}
    body = question(
        caller,
        third_party={"scheme": "x", "value": "1"},
        principal=wrong | {"nickname": "B"},
        representative={"scheme": "se-pnr"},
        representatives=[person(PAUL, None), wrong],
        permissions=[],
        specifier={"property": 5},
        service="a b",
        principal_role="staff?",
        approval_id="0198",
        at="now",
        purpose="",
    )
    response = await caller.post("/v1/verifications", body)
    problem = assert_problem(
        response,
        422,
        "invalid-input",
        "/third_party/scheme",
        "/principal/nickname",
        "/representative/value",
        "/representatives/1/value",
        "/permissions",
        "/specifier/property",
        "/service",
        "/principal_role",
        "/approval_id",
        "/at",
        "/purpose",
    )
    messages = {fault["pointer"]: fault["message"] for fault in problem["errors"]}
    assert messages["/specifier/property"] == "Give a JSON string."
    assert messages["/approval_id"] == "Give a UUID in lower case with hyphens."
    assert messages["/representative/value"] == "This is required."
    assert "2026-11-21T09:00:00Z" in messages["/at"]


GOOD_TIMES = [
    "1800-01-01T00:00:00Z",
    "8999-12-31T23:59:59.999999Z",
    "2028-02-29T23:59:59Z",
    "2000-02-29T00:00:00+14:00",
    "2026-11-21t09:00:00z",
    "2026-11-21T09:00:00.1-12:00",
    "2026-10-25T02:30:00+01:00",
    "9000-01-01T13:59:59+14:00",
]
BAD_TIMES = [
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-00-10T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-11-21T24:00:00Z",
    "2026-11-21T23:60:00Z",
    "2026-12-31T23:59:60Z",
    "2026-11-21T09:00:00",
    "2026-11-21",
    "2026-11-21 09:00:00Z",
    "2026-11-21T09:00Z",
    "2026-11-21T09:00:00,5Z",
    "2026-11-21T09:00:00.1234567Z",
    "2026-11-21T09:00:00+01",
    "2026-11-21T09:00:00+0100",
    "2026-11-21T09:00:00+24:00",
    "2026-11-21T09:00:00 Z",
    "2026-W47-6T09:00:00Z",
    "2026-325T09:00:00Z",
    "20261121T090000Z",
    "2026-11-21T09:00:00Z".translate(FULL_WIDTH),
    "\u06622026-11-21T09:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "1799-12-31T23:59:59.999999Z",
    "1800-01-01T00:00:00+00:01",
    "9000-01-01T00:00:00Z",
    "9999-12-31T23:59:59-14:00",
    "10000-01-01T00:00:00Z",
    "-2026-11-21T09:00:00Z",
    "now",
    "",
    1795251600,
    1795251600.5,
    True,
    [],
    {},
]


@pytest.mark.parametrize("time", GOOD_TIMES)
async def test_times_within_the_calendar_are_taken(caller: Organisation, time: str) -> None:
    for member in ("at", "known_at"):
        response = await caller.post("/v1/verifications", question(caller, **{member: time}))
        assert response.status_code == 200, response.text
    assert (await caller.post("/v1/mandates/search", {"valid_at": time})).status_code == 200
    assert (await caller.get("/v1/templates", updated_since=time)).status_code == 200


@pytest.mark.parametrize("time", BAD_TIMES, ids=str)
async def test_times_that_do_not_exist_are_refused(
    database: Database,
    caller: Organisation,
    time: Any,  # noqa: ANN401  # any JSON
) -> None:
    before = await logged(database, caller)
    for member in ("at", "known_at"):
        response = await caller.post("/v1/verifications", question(caller, **{member: time}))
        assert_problem(response, 422, "invalid-input", f"/{member}")
    response = await caller.post("/v1/mandates/search", {"valid_at": time})
    assert_problem(response, 422, "invalid-input", "/valid_at")
    assert await logged(database, caller) == before


async def test_periods_at_the_ends_of_the_calendar(world: World, caller: Organisation) -> None:
    template = await world.publish_template(caller)
    for start, end in (
        ("8999-12-31T00:00:00Z", "8999-12-31T23:59:59.999999Z"),
        ("2028-02-29T00:00:00+01:00", "2028-03-01T00:00:00+01:00"),
    ):
        body = mandate_body(template, valid_from=start, valid_until=end)
        assert (await caller.post("/v1/mandates/preview", body)).status_code == 200
    last = await caller.post(
        "/v1/mandates/preview", mandate_body(template, valid_from="8999-12-31T00:00:00Z")
    )
    assert last.status_code in {200, 422}
    for start, end in (
        ("1800-01-01T00:00:00Z", "8999-12-31T23:59:59Z"),
        ("2028-03-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        ("2028-03-01T00:00:00Z", "2028-02-29T23:59:59.999999Z"),
        ("1800-01-01T00:00:00Z", "1800-01-02T00:00:00Z"),
    ):
        body = mandate_body(template, valid_from=start, valid_until=end)
        assert_problem(await caller.post("/v1/mandates/preview", body), 422, "invalid-input", "/valid_until")


@pytest.mark.parametrize("limit", ["20", "x", 20.0, 20.5, True, 0, -1, 101, 10**30, 1e300, None, [20], {}])
async def test_a_number_is_a_number(caller: Organisation, limit: Any) -> None:  # noqa: ANN401  # any JSON
    for path, body in (
        ("/v1/mandates/search", {"limit": limit}),
        ("/v1/representations/search", {"representative": person(PAUL, None), "limit": limit}),
    ):
        assert_problem(await caller.post(path, body), 422, "invalid-input", "/limit")


@pytest.mark.parametrize(
    "text", [5, 5.5, True, [], {}, "", "a\u0000b", "\u202etxt", "\u200b", "\ue000", "x" * 301]
)
async def test_a_text_is_a_text(caller: Organisation, text: Any) -> None:  # noqa: ANN401  # any JSON
    response = await caller.post("/v1/verifications", question(caller, purpose=text))
    assert_problem(response, 422, "invalid-input", "/purpose")
    response = await caller.post("/v1/verifications", question(caller, specifier={"property": text}))
    assert_problem(response, 422, "invalid-input", "/specifier/property")
    if isinstance(text, str):
        response = await caller.post("/v1/verifications", question(caller, specifier={text: "1:3"}))
        assert_problem(response, 422, "invalid-input", f"/specifier/{text}")


@pytest.mark.parametrize("cursor", ["", "x", "=", "AAA=", "\u00e5", 5, "A" * 101, BERI])
async def test_a_cursor_is_sent_as_it_was_given(caller: Organisation, cursor: Any) -> None:  # noqa: ANN401  # any JSON
    body = {"representative": person(PAUL, None), "cursor": cursor}
    response = await caller.post("/v1/representations/search", body)
    assert response.status_code in {200, 422}
    if cursor not in {"", BERI}:
        assert_problem(response, 422, "invalid-input", "/cursor")
    assert_problem(
        await caller.post("/v1/mandates/search", {"cursor": cursor}), 422, "invalid-input", "/cursor"
    )
