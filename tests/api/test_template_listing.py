"""Listing templates: every filter, words in any language, pages, polling, the template of an e-service."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from factories import BERI, Clock, Organisation, World, template_body
from problem_documents import assert_problem
from registry.domain.callers import Scope
from registry.signing.keys import KeyRing
from registry.storage.database import Database

Json = dict[str, Any]

NOW = datetime.now(UTC)
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


async def listed(reader: Organisation, **parameters: Any) -> list[str]:  # noqa: ANN401
    response = await reader.get("/v1/templates", limit=100, **parameters)
    assert response.status_code == 200, response.text
    page = response.json()
    assert page["total"] == len(page["items"])
    return [item["id"] for item in page["items"]]


def owned_by(owner: Organisation) -> Json:
    return {"third_party": f"se-orgnr:{owner.party.value}"}


async def test_a_platform_finds_the_template_of_its_e_service(world: World) -> None:
    """The question that the national system cannot answer: which template belongs to this e-service?"""
    owner = await world.organisation(name="Sundsvalls kommun")
    uid = f"oep-{uuid4().hex}"
    template = await world.publish_template(owner, services=["other", uid])
    await world.publish_template(owner, services=[f"{uid}-2"])
    platform = await world.organisation(scopes=frozenset({Scope.TEMPLATES_READ}), name="A platform")
    page = (await platform.get("/v1/templates", service=uid)).json()
    assert (page["total"], page["items"]) == (1, [template])
    assert page["items"][0]["third_party"]["name"] == "Sundsvalls kommun"


async def test_each_filter_and_all_together(world: World, municipality: Organisation) -> None:
    uid, code, word = (f"x{uuid4().hex}" for _ in range(3))
    permission = {"code": code, "type": "read", "title": {"sv": "Läsa"}}
    wanted = {"services": [uid], "permissions": [permission], "title": {"sv": word}, "kind": "consent"}
    consent = await world.publish_template(municipality, **wanted)
    others = [
        await world.publish_template(municipality, **{n: v for n, v in wanted.items() if n != left_out})
        for left_out in wanted
    ]
    filters = {"service": uid, "permission": code, "q": word, "kind": "consent"}
    for number, (name, value) in enumerate(filters.items()):
        found = await listed(municipality, **owned_by(municipality), **{name: value})
        assert set(found) == {consent["id"], *(o["id"] for n, o in enumerate(others) if n != number)}, name
    assert await listed(municipality, **owned_by(municipality), **filters) == [consent["id"]]
    assert await listed(municipality, status="published", **filters) == [consent["id"]]
    assert await listed(municipality, status="retired", **filters) == []
    assert await listed(municipality, third_party="se-orgnr:2120002411", **filters) == []
    assert await listed(municipality, updated_since="2999-01-01T00:00:00Z", **filters) == []


async def test_third_parties_are_named_in_any_spelling(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    number = municipality.party.value
    for spelling in (number, f"{number[:6]}-{number[6:]}", f"16{number}"):
        assert await listed(municipality, third_party=f"se-orgnr:{spelling}") == [template["id"]]


async def test_status_shows_drafts_to_their_owner_and_retired_ones_to_all(
    world: World, municipality: Organisation
) -> None:
    stranger = await world.organisation(name="Karlskrona kommun")
    retired = await world.publish_template(municipality)
    await municipality.post(f"/v1/templates/{retired['id']}/retirement")
    published = await world.publish_template(municipality)
    draft = (await municipality.post("/v1/templates", template_body(municipality))).json()
    await municipality.post(f"/v1/templates/{published['id']}/versions", template_body(municipality))
    mine = owned_by(municipality)
    for reader in (municipality, stranger):
        assert await listed(reader, **mine) == [published["id"]]
        assert await listed(reader, **mine, status="retired") == [retired["id"]]
    drafts = (await municipality.get("/v1/templates", status="draft")).json()["items"]
    assert [(item["id"], item["version"]) for item in drafts] == [(published["id"], 2), (draft["id"], 1)]
    assert await listed(stranger, status="draft") == []
    assert await listed(stranger, **mine, status="draft") == []
    assert await listed(municipality, **owned_by(stranger), status="draft") == []


async def test_a_replaced_version_is_not_listed(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality, title={"sv": "Gammal"}, services=["old-uid"])
    body = template_body(municipality, title={"sv": "Ny"}, services=["new-uid"])
    await municipality.post(f"/v1/templates/{template['id']}/versions", body)
    await municipality.post(f"/v1/templates/{template['id']}/versions/2/publication")
    mine = owned_by(municipality)
    assert await listed(municipality, **mine, q="gammal") == []
    assert await listed(municipality, **mine, service="old-uid") == []
    assert await listed(municipality, **mine, service="new-uid", q="ny") == [template["id"]]


TEXTS = {
    "title": {
        "sv": "Hälso- och sjukvård Ångström",
        "da": "Samtykke til ÆLDRE på Sønderbro, rødgrød",
        "nb": "Fullmakt for næringsdrivende",
        "fi": "Työttömän päiväraha",
        "de": "Große Vollmacht für Straßenbau",
        "pl": "Pełnomocnictwo żółć",
        "el": "Εξουσιοδότηση ΓΙΑΝΝΗΣ",
        "ar": "توكيل رسمي",
        "zh": "委托书代表",
        "ru": "Доверенность ёлка",
    },
    "description": {
        "sv": "Rabatt 100% på a_b och c\\d [e]*",
        "en": "Full-width \uff21\uff22\uff23 and \ufb01nal",
    },
    "department": "Kultur & fritid",
    "external_code": "MO-2026/114",
    "services": ["oep-words"],
}
FOUND = [
    "hälso- SJUKVÅRD",
    "halso sjukvard",
    "A\u030angstro\u0308m",
    "ældre",
    "AELDRE",
    "sønderbro rødgrød",
    "sonderbro rodgrod",
    "NÆRINGSDRIVENDE",
    "TYÖTTÖMÄN",
    "tyottoman",
    "grosse strassenbau",
    "GRO\u1e9eE Straße",
    "pelnomocnictwo zolc",
    "εξουσιοδοτηση γιαννης",
    "توكيل",
    "代表",
    "委托",
    "доверенность елка",
    "abc final",
    "ABC".translate(FULL_WIDTH),
    "100%",
    "a_b",
    "c\\d",
    "[e]*",
    "ltur & fri",
    "mo-2026/114",
    "oep-words",
    "ansoka udfylde",
]
NOT_FOUND = [
    "100%på",
    "1%0",
    "a_c",
    "a_b_c",
    "%%",
    "_____",
    "c\\\\d",
    "[e]%",
    "hälso karlskrona",
    "sjukvårdare",
    "' or 1=1",
]


@pytest.fixture(scope="module")
async def worded(world: World) -> Organisation:
    owner = await world.organisation(name="Region Nord")
    permission = {
        "code": "apply",
        "type": "sign",
        "title": {"sv": "Ansöka"},
        "description": {"da": "Udfylde"},
    }
    await world.publish_template(owner, permissions=[permission], **TEXTS)
    await world.publish_template(owner, title={"sv": "En helt annan"}, description={}, department=None)
    return owner


@pytest.mark.parametrize("words", FOUND)
async def test_words_are_found_in_any_language(worded: Organisation, words: str) -> None:
    found = (await worded.get("/v1/templates", **owned_by(worded), q=words)).json()
    assert [item["department"] for item in found["items"]] == ["Kultur & fritid"]


@pytest.mark.parametrize("words", NOT_FOUND)
async def test_words_that_do_not_all_occur_find_nothing(worded: Organisation, words: str) -> None:
    assert await listed(worded, **owned_by(worded), q=words) == []


async def test_blank_words_are_no_filter(worded: Organisation) -> None:
    for words in ("", "  ", "\u0301"):
        assert len(await listed(worded, **owned_by(worded), q=words)) == 2


async def test_pages_hold_each_template_once_in_a_stable_order(database: Database, keys: KeyRing) -> None:
    world = World(database, keys, clock=Clock(NOW))
    owner = await world.organisation()
    made = {(await world.publish_template(owner))["id"] for _ in range(7)}
    pages = [
        (await owner.get("/v1/templates", **owned_by(owner), limit=3, offset=offset)).json()
        for offset in (0, 3, 6, 9)
    ]
    assert [page["total"] for page in pages] == [7, 7, 7, 7]
    assert [(page["limit"], page["offset"]) for page in pages] == [(3, 0), (3, 3), (3, 6), (3, 9)]
    ids = [item["id"] for page in pages for item in page["items"]]
    assert (len(ids), set(ids)) == (7, made)
    assert len({item["updated_at"] for page in pages for item in page["items"]}) == 1
    assert ids == await listed(owner, **owned_by(owner))
    assert (await owner.get("/v1/templates")).json()["limit"] == 20


async def test_pollers_see_the_newest_change_first(database: Database, keys: KeyRing) -> None:
    world = World(database, keys, clock=Clock(NOW))
    owner = await world.organisation()
    made = []
    for _ in range(3):
        made.append((await world.publish_template(owner))["id"])
        world.clock.advance(seconds=10)
    mine = owned_by(owner)
    assert await listed(owner, **mine) == made[::-1]
    seen = (await owner.get("/v1/templates", **mine)).json()["items"][0]["updated_at"]
    assert await listed(owner, **mine, updated_since=seen) == [made[2]]
    later = world.clock().isoformat()
    assert await listed(owner, **mine, updated_since=later) == []

    await owner.post(f"/v1/templates/{made[0]}/versions", template_body(owner))
    assert await listed(owner, **mine, updated_since=later) == []
    await owner.post(f"/v1/templates/{made[0]}/versions/2/publication")
    await owner.post(f"/v1/templates/{made[1]}/retirement")
    assert await listed(owner, **mine, updated_since=later) == [made[0]]
    assert await listed(owner, **mine, updated_since=later, status="retired") == [made[1]]
    elsewhere = world.clock().astimezone().isoformat()
    assert await listed(owner, **mine, updated_since=elsewhere) == [made[0]]


async def test_listing_is_conditional(world: World, municipality: Organisation) -> None:
    await world.publish_template(municipality)
    address = f"/v1/templates?third_party=se-orgnr:{municipality.party.value}"
    first = await municipality.http.get(address)
    known = {"If-None-Match": first.headers["etag"]}
    unchanged = await municipality.http.get(address, headers=known)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    other_page = await municipality.http.get(f"{address}&offset=1", headers=known)
    assert other_page.status_code == 200
    await world.publish_template(municipality)
    changed = await municipality.http.get(address, headers=known)
    assert (changed.status_code, changed.json()["total"]) == (200, 2)


PERSONAL = [
    BERI,
    BERI.translate(FULL_WIDTH),
    "8602262381",
    "860226-2381",
    "860226+2381",
    "19860226\u20132381",
    "1986 0226 2381",
    "fullmakt19860226-2381",
    "for Beri Ylles, 198602262381, please",
]
WRONG = {
    "?third_party": [
        "2120002411",
        "se-orgnr:2120002412",
        "se-pnr:198602262381",
        "se-orgnr:",
        "username:anna",
    ],
    "?kind": ["mandate", "Consent", ""],
    "?status": ["drafts", "PUBLISHED", ""],
    "?service": ["with space", "å", "", "x" * 101, *PERSONAL],
    "?permission": ["%", "a/b", "\u0660", *PERSONAL],
    "?q": ["x" * 201, "a\u0000b", "a\u202eb", *PERSONAL],
    "?updated_since": ["2026-11-21", "2026-11-21T09:00:00", "2026-13-01T00:00:00Z", "now", "1700000000"],
    "?limit": ["0", "101", "-1", "1.0", " 5", "+5", "5".translate(FULL_WIDTH), "1e1", "", "9" * 5000],
    "?offset": ["-1", "100001", "0x1", "9" * 30],
}


@pytest.mark.parametrize(
    ("pointer", "value"), [(pointer, value) for pointer, values in WRONG.items() for value in values]
)
async def test_a_wrong_filter_is_refused_by_name(worded: Organisation, pointer: str, value: str) -> None:
    response = await worded.http.get("/v1/templates", params={pointer[1:]: value})
    assert_problem(response, 422, "invalid-input", pointer)


async def test_every_wrong_filter_is_named_at_once(worded: Organisation) -> None:
    response = await worded.get("/v1/templates", kind="x", limit="0", offset="x", updated_since="y")
    assert_problem(response, 422, "invalid-input", "?kind", "?limit", "?offset", "?updated_since")


async def test_codes_that_only_look_like_numbers_are_no_persons(worded: Organisation) -> None:
    for code in (str(uuid4()), "01128912-1234-7000-8000-198602262381", "5561929323", "20261121", "114"):
        assert await listed(worded, permission=code, service=code, q=code) == []
