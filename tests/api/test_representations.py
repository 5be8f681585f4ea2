"""On whose behalf? The principals that a person may act for here and now, with what a form prefills."""

from datetime import UTC, datetime, timedelta

import pytest

from acting import calling, faults, paper_signature, problem, world_at
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    PETRONELLA,
    TEST_PERSSON,
    Json,
    Organisation,
    World,
    mandate_body,
    organisation_number,
    person,
)
from registry.domain.callers import Scope
from registry.domain.documents import utc_text

SEARCH = "/v1/representations/search"
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
DETAILS: Json = {
    "form": "aktiebolag",
    "signatory_rule": {"alternatives": [{"any_of": [person(PETRONELLA, "Petronella")], "count": 1}]},
    "source": "Bolagsverket",
    "retrieved_at": "2026-11-20T12:00:00Z",
}


async def search(owner: Organisation, number: str = PAUL, **members: object) -> Json:
    answer = await owner.post(SEARCH, {"representative": person(number, None)} | members)
    assert answer.status_code == 200, answer.text
    document: Json = answer.json()
    return document


async def found(owner: Organisation, number: str = PAUL, **members: object) -> dict[str, list[str]]:
    """Each principal's number with the permissions, and the reason where one is conditional."""
    items = (await search(owner, number, **members))["items"]
    return {
        item["principal"]["value"]: [": ".join([one["code"], *one["reasons"]]) for one in item["permissions"]]
        for item in items
    }


def company(name: str = "TB Bokföringsbyrå AB") -> Json:
    return {"scheme": "se-orgnr", "value": organisation_number(), "name": name}


async def issue_for(world: World, owner: Organisation, template: Json, principal: Json) -> Json:
    return await world.issue(owner, template, PETRONELLA, principal=principal, principal_details=DETAILS)


async def test_a_company_with_what_a_form_prefills(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    principal = company()
    mandate = await issue_for(world, municipality, template, principal)
    assert (await search(municipality))["items"] == [
        {
            "principal": principal,
            "principal_role": "organisation",
            "principal_details": {"form": "aktiebolag", "source": "Bolagsverket"},
            "specifier": {},
            "via": "mandate",
            "permissions": [
                {
                    "code": "apply",
                    "decision": "permit",
                    "reasons": [],
                    "mandate_id": mandate["id"],
                    "valid_until": mandate["valid_until"],
                }
            ],
        }
    ]


async def test_who_signs_for_the_company_is_not_told(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    await issue_for(world, municipality, template, company())
    answer = await municipality.post(SEARCH, {"representative": person(PAUL, None)})
    assert PETRONELLA not in answer.text
    assert "Petronella" not in answer.text


async def test_only_what_is_permitted_now(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    for principal, changes in (
        (BERI, {"permissions": ["follow", "apply"]}),
        (HERMAN, {"valid_from": utc_text(NOW + DAY)}),
        (TEST_PERSSON, {}),
        (MARIA, {}),
        (PETRONELLA, {"representatives": [person(MARIA)]}),
    ):
        mandate = await world.issue(municipality, template, principal=person(principal), **changes)
        address = f"/v1/mandates/{mandate['id']}"
        if principal == TEST_PERSSON:
            await municipality.post(f"{address}/revocation", {"by": "third_party", "reason": "over"})
        if principal == MARIA:
            await municipality.post(f"{address}/suspension", {"reason": "audit"})
    assert await found(municipality) == {BERI: ["apply", "follow"]}
    assert await found(municipality, MARIA) == {PETRONELLA: ["apply"]}
    assert await found(municipality, BERI) == {}
    later = await calling(world_at(world, NOW + 2 * DAY), municipality)
    assert await found(later) == {BERI: ["apply", "follow"], HERMAN: ["apply"]}
    ended = await calling(world_at(world, NOW + 400 * DAY), municipality)
    assert await found(ended) == {}


async def test_what_needs_another_is_conditional(world: World, municipality: Organisation) -> None:
    joint = await world.publish_template(municipality, exercise={"together": 2})
    await world.issue(municipality, joint, representatives=[person(PAUL), person(MARIA)])
    approved = await world.publish_template(municipality, exercise={"approval": True})
    await world.issue(municipality, approved, principal=person(HERMAN))
    assert await found(municipality) == {
        BERI: ["apply: joint_exercise_required"],
        HERMAN: ["apply: approval_required"],
    }
    alone = await world.publish_template(municipality)
    await world.issue(municipality, alone)
    assert (await found(municipality))[BERI] == ["apply"], "the mandate that permits counts"


async def test_several_mandates_of_one_principal_are_one_entry(
    world: World, municipality: Organisation
) -> None:
    first, second = [await world.publish_template(municipality) for _ in range(2)]
    await world.issue(municipality, first, permissions=["apply"])
    newest = await world.issue(
        municipality, second, principal=person(BERI, "Beri Nygift"), permissions=["follow"]
    )
    items = (await search(municipality))["items"]
    assert [item["principal"]["name"] for item in items] == ["Beri Nygift"]
    assert [one["code"] for one in items[0]["permissions"]] == ["apply", "follow"]
    assert items[0]["permissions"][1]["mandate_id"] == newest["id"]


async def test_roles_and_specifiers_are_entries_of_their_own(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality, specifiers=["property"])
    wanted: list[tuple[str, Json]] = [
        ("person", {}),
        ("organisation", {}),
        ("person", {"property": "1:3"}),
        ("person", {"property": "1:4"}),
    ]
    for role, specifier in wanted:
        await world.issue(municipality, template, principal_role=role, specifier=specifier)
    items = (await search(municipality))["items"]
    shown = [(item["principal_role"], item["specifier"]) for item in items]
    assert sorted(map(str, shown)) == sorted(map(str, wanted))


async def test_only_mandates_of_the_asked_service(world: World, municipality: Organisation) -> None:
    for principal, services in ((BERI, ["oep-1", "oep-2"]), (HERMAN, ["oep-2"]), (MARIA, [])):
        template = await world.publish_template(municipality, services=services)
        await world.issue(municipality, template, principal=person(principal))
    assert set(await found(municipality, service="oep-1")) == {BERI}
    assert set(await found(municipality, service="oep-2")) == {BERI, HERMAN}
    assert set(await found(municipality, service="oep-3")) == set()
    assert set(await found(municipality)) == {BERI, HERMAN, MARIA}


async def test_a_statutory_power_says_so(world: World, municipality: Organisation) -> None:
    signing = {"by": "authority", "methods": ["registered"]}
    template = await world.publish_template(municipality, signing=signing)
    signature = paper_signature(municipality.wire, NOW - DAY, capacity="authority")
    body = mandate_body(template, basis="statutory", signatures=[signature])
    assert (await municipality.post("/v1/mandates", body)).status_code == 201
    assert (await search(municipality))["items"][0]["via"] == "statutory"


async def test_age_limits_are_those_of_a_verification(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality, age_limits={"principal_below": 13})
    await world.issue(municipality, template)
    assert await found(municipality) == {}


async def test_each_organisation_sees_its_own(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    await world.issue(municipality, template)
    stranger = await world.organisation()
    assert await found(stranger) == {}
    body = {"representative": person(PAUL, None), "third_party": municipality.wire}
    assert problem(await stranger.post(SEARCH, body)) == "403 missing-scope"
    platform = await world.organisation(without=frozenset({Scope.REGISTRY_ADMIN}))
    assert set(await found(platform, third_party=municipality.wire)) == {BERI}


async def test_page_by_page_every_principal_once(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    numbers = [company(f"Bolag {number}") for number in range(7)]
    for number, principal in enumerate(numbers):
        mandate = await issue_for(world, municipality, template, principal)
        if number == 3:
            address = f"/v1/mandates/{mandate['id']}/revocation"
            await municipality.post(address, {"by": "third_party", "reason": "over"})
    other = await world.publish_template(municipality)
    await issue_for(world, municipality, other, numbers[0])
    seen: list[str] = []
    cursor = None
    pages = 0
    while pages == 0 or cursor is not None:
        page = await search(municipality, limit=2, cursor=cursor)
        seen += [item["principal"]["name"] for item in page["items"]]
        cursor = page["next"]
        pages += 1
        assert len(page["items"]) <= 2
    assert pages == 4
    assert sorted(seen) == sorted(f"Bolag {number}" for number in range(7) if number != 3)
    everything = await search(municipality, limit=100)
    assert everything["next"] is None
    assert [item["principal"]["name"] for item in everything["items"]] == seen, "in one steady order"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"cursor": "=="}, {("/cursor", "cursor")}),
        ({"limit": 0}, {("/limit", "greater_than_equal")}),
        ({"limit": 101}, {("/limit", "less_than_equal")}),
        ({"limit": "5"}, {("/limit", "int_type")}),
        ({"representative": person(BERI[:-1] + "0")}, {("/representative/value", "party_check_digit")}),
        ({"principal": person(BERI)}, {("/principal", "extra_forbidden")}),
    ],
)
async def test_a_search_that_is_not_well_formed(
    municipality: Organisation, members: Json, expected: set[tuple[str, str]]
) -> None:
    answer = await municipality.post(SEARCH, {"representative": person(PAUL, None)} | members)
    assert faults(answer) == expected
