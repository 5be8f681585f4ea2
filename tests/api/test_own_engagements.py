"""On whose behalf, by the company register: businesses that a person signs for alone, without any mandate."""

import pytest

from acting import ask, in_short, problem
from api.test_restrictions import impose, lift
from company_entries import SOURCE, company, register_of, rule, sole_trader
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    PETRONELLA,
    Json,
    Organisation,
    World,
    organisation_number,
    person,
)
from registry.domain.errors import UnavailableError
from registry.identity.company_register import CompanyEntry

SEARCH = "/v1/representations/search"
FIRST, SECOND = organisation_number(), organisation_number()


@pytest.fixture(scope="module")
def registered(world: World) -> World:
    register = register_of(
        company(FIRST),
        company(SECOND, name="TB Ålyckan AB", signatory_rule=rule((1, (HERMAN, PETRONELLA)))),
        sole_trader(BERI),
    )
    return World(world.database, world.keys, eid_key=world.eid_key, register=register)


@pytest.fixture
async def owner(registered: World) -> Organisation:
    return await registered.organisation()


async def search(owner: Organisation, number: str, **members: object) -> Json:
    answer = await owner.post(SEARCH, {"representative": person(number, None)} | members)
    assert answer.status_code == 200, answer.text
    document: Json = answer.json()
    return document


async def engaged(owner: Organisation, number: str, **members: object) -> dict[str, list[str]]:
    items = (await search(owner, number, **members))["items"]
    return {
        item["principal"]["value"]: [one["code"] for one in item["permissions"]]
        for item in items
        if item["via"] == "own_engagement"
    }


async def test_a_business_with_what_a_form_prefills(registered: World, owner: Organisation) -> None:
    await registered.publish_template(owner)
    found = await search(owner, PETRONELLA)
    assert found["own_engagements"] == "listed"
    assert found["items"][0] == {
        "principal": {"scheme": "se-orgnr", "value": FIRST, "name": "TB Bokföringsbyrå AB"},
        "principal_role": "organisation",
        "principal_details": {"form": "aktiebolag", "source": SOURCE},
        "specifier": {},
        "via": "own_engagement",
        "permissions": [
            {"code": code, "decision": "permit", "reasons": [], "mandate_id": None, "valid_until": None}
            for code in ("apply", "follow")
        ],
    }
    assert len(found["items"]) == 2


async def test_only_whom_a_person_signs_for_alone(registered: World, owner: Organisation) -> None:
    await registered.publish_template(owner)
    for number, expected in {
        PETRONELLA: {FIRST, SECOND},
        HERMAN: {SECOND},
        BERI: {BERI},
        MARIA: set(),
    }.items():
        assert set(await engaged(owner, number)) == expected


async def test_only_what_an_organisation_may_grant_here_now(registered: World, owner: Organisation) -> None:
    assert await engaged(owner, HERMAN) == {}, "nothing is offered"
    for code, changes in {
        "own": {},
        "private": {"principal_types": ["person"]},
        "consent": {"kind": "consent"},
        "statutory": {"signing": {"by": "authority", "methods": ["registered"]}},
    }.items():
        permission = {"code": code, "type": "receive" if code == "consent" else "sign", "title": {"sv": code}}
        await registered.publish_template(owner, permissions=[permission], services=["one"], **changes)
    elsewhere = {"code": "elsewhere", "type": "sign", "title": {"sv": "x"}}
    retired = await registered.publish_template(owner, permissions=[elsewhere], services=["two"])
    stranger = await registered.organisation()
    await registered.publish_template(stranger)
    assert await engaged(owner, HERMAN) == {SECOND: ["elsewhere", "own"]}
    assert await engaged(owner, HERMAN, service="one") == {SECOND: ["own"]}
    assert await engaged(owner, HERMAN, service="three") == {}
    assert (await owner.post(f"/v1/templates/{retired['id']}/retirement")).status_code == 200
    assert await engaged(owner, HERMAN) == {SECOND: ["own"]}


async def test_a_client_of_one_department_offers_what_it_sees(registered: World, owner: Organisation) -> None:
    await registered.publish_template(owner, department="Miljökontoret")
    limited = await registered.organisation(owner.party, departments=frozenset({"Socialkontoret"}))
    assert await engaged(limited, HERMAN) == {}
    assert await engaged(owner, HERMAN) != {}


async def test_before_the_mandates_and_on_the_first_page_only(registered: World, owner: Organisation) -> None:
    template = await registered.publish_template(owner)
    for principal in (BERI, MARIA, PAUL):
        representative = person(HERMAN, "Herman Ört")
        await registered.issue(
            owner, template, principal=person(principal, "Någon"), representatives=[representative]
        )
    first = await search(owner, HERMAN, limit=2)
    assert [item["via"] for item in first["items"]] == ["own_engagement", "mandate", "mandate"]
    second = await search(owner, HERMAN, limit=2, cursor=first["next"])
    assert [item["via"] for item in second["items"]] == ["mandate"]
    assert (second["own_engagements"], second["next"]) == ("not_asked", None)


async def test_a_mandate_of_the_same_company_stands_beside(registered: World, owner: Organisation) -> None:
    template = await registered.publish_template(owner)
    principal = {"scheme": "se-orgnr", "value": SECOND}
    await registered.issue(
        owner, template, PETRONELLA, principal=principal, representatives=[person(HERMAN, "Herman Ört")]
    )
    items = (await search(owner, HERMAN))["items"]
    assert [(item["principal"]["value"], item["via"]) for item in items] == [
        (SECOND, "own_engagement"),
        (SECOND, "mandate"),
    ]


@pytest.mark.parametrize(
    "blocked",
    [
        {"scope": "all_representatives"},
        {"scope": "representative", "representative": person(HERMAN)},
        {"scope": "service", "service": "oep-serveringstillstand"},
        {"scope": "own_login"},
    ],
)
async def test_what_is_restricted_is_left_out(registered: World, owner: Organisation, blocked: Json) -> None:
    await registered.publish_template(owner)
    imposed = await impose(owner, subject={"scheme": "se-orgnr", "value": SECOND, "name": "x"}, **blocked)
    assert await engaged(owner, HERMAN) == {}
    assert FIRST in await engaged(owner, PETRONELLA)
    await lift(owner, imposed)
    assert SECOND in await engaged(owner, HERMAN)


async def test_another_restriction_leaves_it_in(registered: World, owner: Organisation) -> None:
    await registered.publish_template(owner)
    subject = {"scheme": "se-orgnr", "value": SECOND, "name": "x"}
    await impose(owner, subject=subject, scope="representative", representative=person(PETRONELLA))
    await impose(owner, subject=person(BERI), scope="all_representatives")
    assert SECOND in await engaged(owner, HERMAN)
    assert SECOND not in await engaged(owner, PETRONELLA)
    assert BERI in await engaged(owner, BERI)
    await impose(owner, subject=person(BERI), scope="own_login")
    assert BERI not in await engaged(owner, BERI)


async def test_a_verification_knows_of_mandates_alone(registered: World, owner: Organisation) -> None:
    await registered.publish_template(owner)
    assert SECOND in await engaged(owner, HERMAN)
    principal = {"scheme": "se-orgnr", "value": SECOND}
    answer = await ask(owner, principal=principal, representative=person(HERMAN, None))
    assert in_short(answer) == "deny: no_mandate"


async def test_who_was_shown_is_logged(registered: World, owner: Organisation) -> None:
    await registered.publish_template(owner)
    await search(owner, BERI, purpose="form 2026-114")
    rows = await registered.database.fetch_hot(
        "SELECT count(*) AS n FROM access_log WHERE client_id = $1", owner.client_id
    )
    assert rows[0]["n"] == 1


async def test_without_a_register_nothing_is_asked(world: World, municipality: Organisation) -> None:
    await world.publish_template(municipality)
    found = await search(municipality, HERMAN)
    assert found == {"items": [], "next": None, "own_engagements": "not_asked"}


async def test_an_organisation_has_no_engagements_of_its_own(registered: World, owner: Organisation) -> None:
    await registered.publish_template(owner)
    body = {"representative": {"scheme": "se-orgnr", "value": SECOND}}
    assert (await owner.post(SEARCH, body)).json()["own_engagements"] == "not_asked"


async def test_a_register_out_of_reach_is_told_and_mandates_are_still_shown(world: World) -> None:
    class Failing:
        async def find(self, *_: object, **__: object) -> CompanyEntry | None:
            raise UnavailableError

        async def list_engagements(self, *_: object, **__: object) -> tuple[CompanyEntry, ...]:
            raise UnavailableError

    unlucky = World(world.database, world.keys, eid_key=world.eid_key, register=Failing())
    owner = await unlucky.organisation()
    template = await unlucky.publish_template(owner)
    await unlucky.issue(owner, template)
    found = await search(owner, PAUL)
    assert found["own_engagements"] == "unavailable"
    assert [item["via"] for item in found["items"]] == ["mandate"]


async def test_nobody_asks_for_another_third_party(registered: World, owner: Organisation) -> None:
    await registered.publish_template(owner)
    stranger = await registered.organisation()
    body = {"representative": person(HERMAN, None), "third_party": owner.wire}
    assert problem(await stranger.post(SEARCH, body)) == "403 missing-scope"
