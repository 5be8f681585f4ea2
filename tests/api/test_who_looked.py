"""Who looked at a person: every look-up is found, by the person itself and by auditors, others unnamed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from acting import faults, problem, without
from api.test_restrictions import impose
from factories import BERI, HERMAN, PAUL, Json, Organisation, World, mandate_body, person, question
from party_numbers import swedish
from registry.domain.callers import Scope
from registry.storage.database import Database

AUDIT: Json = {"purpose": "complaint 2026-7"}


def somebody(serial: int) -> str:
    """A person not yet born, whom no other test looks at."""
    return swedish(f"20900101{serial:03}")


@pytest.fixture
def persons() -> tuple[str, str]:
    """A principal and a representative of this test's own."""
    serial = datetime.now(UTC).microsecond % 400 + 100
    return somebody(serial), somebody(serial + 400)


async def looked(world: World, client: Organisation, number: str, **more: Any) -> list[Json]:  # noqa: ANN401
    token = world.id_token(number, client.client_id)
    answer = await client.post("/v1/me/access-log", more, Id_Token=token)
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


async def audited(auditor: Organisation, number: str, **more: Any) -> list[Json]:  # noqa: ANN401
    body = AUDIT | {"party": person(number, None)} | more
    answer = await auditor.post("/v1/access-log/search", body)
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


async def issued(world: World, owner: Organisation, persons: tuple[str, str], **changes: Any) -> Json:  # noqa: ANN401
    principal, representative = (person(number, "Test") for number in persons)
    template = await world.publish_template(owner)
    return await world.issue(
        owner, template, principal=principal, representatives=[representative], **changes
    )


async def test_every_look_up_is_found_by_both_persons(
    world: World, municipality: Organisation, persons: tuple[str, str]
) -> None:
    mandate = await issued(world, municipality, persons)
    address = f"/v1/mandates/{mandate['id']}"
    principal, representative = (person(number, None) for number in persons)
    asked = question(municipality, principal=principal, representative=representative)
    await municipality.get(address)
    await municipality.get(f"{address}/record")
    await municipality.get(f"{address}/events")
    await municipality.post("/v1/mandates/search", {"template_id": mandate["template"]["id"]})
    await municipality.post("/v1/mandates/status", {"ids": [mandate["id"]]})
    await municipality.post("/v1/verifications", asked)
    await municipality.post("/v1/verifications/batch", {"questions": [asked]})
    await municipality.post("/v1/representations/search", {"representative": representative})
    operations = [
        "representation_search",
        "verification",
        "verification",
        "mandate_status",
        "mandate_search",
        "mandate_events",
        "mandate_record",
        "mandate",
        "mandate",
    ]
    for number, named in zip(persons, ("principal", "representative"), strict=True):
        items = await looked(world, municipality, number)
        assert [item["operation"] for item in items] == operations, "issuing answers with a look-up, too"
        assert {item["client_id"] for item in items} == {municipality.client_id}
        assert {item["organisation"]["value"] for item in items} == {municipality.party.value}
        assert all(item["mandate_ids"] == [mandate["id"]] for item in items)
        assert items[1]["role"] == items[2]["role"] == named
        assert (items[1]["purpose"], items[1]["decision"]) == ("submission 2026-114", "permit")
        assert items[1]["permissions"] == ["apply"]
        assert items[1]["third_party"]["value"] == municipality.party.value
        assert [item["role"] for item in items[3:5]] == [None, None], "it was only shown"
        assert [item["at"] for item in items] == sorted((item["at"] for item in items), reverse=True)
        assert (await looked(world, municipality, number, limit=1))[0]["operation"] == "own_access_log"


async def test_whom_requests_and_restrictions_show_finds_the_look_ups(
    world: World, municipality: Organisation, persons: tuple[str, str]
) -> None:
    principal, representative = (person(number, "Test") for number in persons)
    template = await world.publish_template(municipality)
    body = mandate_body(template, principal=principal, representatives=[representative])
    asked = await municipality.post("/v1/mandate-requests", body)
    assert asked.status_code == 201, asked.text
    imposed = await impose(
        municipality, subject=principal, scope="representative", representative=representative
    )
    await municipality.get(f"/v1/mandate-requests/{asked.json()['id']}")
    await municipality.post("/v1/mandate-requests/search", {})
    await municipality.get(f"/v1/restrictions/{imposed['id']}")
    await municipality.post("/v1/restrictions/search", {})
    await municipality.post("/v1/restrictions/search", {"subject": person(persons[0], None)})
    for number in persons:
        items = await looked(world, municipality, number)
        assert [item["operation"] for item in items][:5] == [
            "restriction_search",
            "restriction_search",
            "restriction",
            "mandate_request_search",
            "mandate_request",
        ]


async def test_who_acts_together_is_found_though_the_row_names_one(
    world: World, municipality: Organisation, persons: tuple[str, str]
) -> None:
    third = somebody(999)
    before = len(await looked(world, municipality, third, limit=100))
    principal, representative = (person(number, None) for number in persons)
    asked = question(
        municipality,
        principal=principal,
        representative=representative,
        representatives=[representative, person(third, None)],
        permissions=["unheard-of"],
    )
    alone = await municipality.post("/v1/verifications", asked)
    many = await municipality.post("/v1/verifications/batch", {"questions": [asked, asked]})
    assert (alone.status_code, many.status_code) == (200, 200)
    found = (await looked(world, municipality, third, limit=100))[: -before or None]
    answers = [item for item in found if item["operation"] == "verification"]
    assert [(item["role"], item["decision"], item["reasons"]) for item in answers] == [
        (None, "deny", ["unknown_permission"])
    ] * 3


async def test_other_persons_are_not_named(
    world: World, municipality: Organisation, persons: tuple[str, str]
) -> None:
    await issued(world, municipality, persons)
    other = await issued(world, municipality, (HERMAN, persons[1]))
    await municipality.post("/v1/mandates/search", {"representative": person(persons[1], None)})
    asked = question(
        municipality,
        principal=person(persons[0], None),
        representative=person(PAUL, None),
        purpose=f"call from {PAUL[2:8]}-{PAUL[8:]}",
    )
    await municipality.post("/v1/verifications", asked)
    token = world.id_token(persons[0], municipality.client_id)
    own = await municipality.post("/v1/me/access-log", {}, Id_Token=token)
    audit = await municipality.post("/v1/access-log/search", AUDIT | {"party": person(persons[0], None)})
    for answer in (own, audit):
        for hidden in (PAUL, PAUL[8:], HERMAN, persons[1], other["id"]):
            assert hidden not in answer.text
    verification = next(item for item in own.json()["items"] if item["operation"] == "verification")
    assert verification["purpose"] == "(not shown: it names a person)"


async def test_pages_come_newest_first_without_a_gap(
    world: World, municipality: Organisation, persons: tuple[str, str]
) -> None:
    asked = question(
        municipality, principal=person(persons[0], None), representative=person(persons[1], None)
    )
    for number in range(3):
        await municipality.post("/v1/verifications", asked | {"purpose": f"{number}"})
    many = [asked | {"purpose": f"{number}"} for number in range(3, 8)]
    await municipality.post("/v1/verifications/batch", {"questions": many})
    for body, path, headers in (
        ({}, "/v1/me/access-log", {"Id_Token": world.id_token(persons[0], municipality.client_id)}),
        (AUDIT | {"party": person(persons[1], None)}, "/v1/access-log/search", {}),
    ):
        purposes: list[str] = []
        cursor = None
        while True:
            page = (await municipality.post(path, body | {"limit": 3, "cursor": cursor}, **headers)).json()
            purposes += [item["purpose"] for item in page["items"] if item["operation"] == "verification"]
            cursor = page["next"]
            if cursor is None:
                break
        assert set(purposes[:5]) == {"3", "4", "5", "6", "7"}, "of one time"
        assert purposes[5:] == ["2", "1", "0"]


@pytest.mark.parametrize("cursor", ["x", "", "AAAA", "_" * 32])
async def test_a_cursor_of_ones_own_making_is_told_so(municipality: Organisation, cursor: str) -> None:
    body = AUDIT | {"party": person(BERI, None), "cursor": cursor}
    assert faults(await municipality.post("/v1/access-log/search", body)) == {("/cursor", "cursor")}


async def test_an_auditor_sees_its_own_organisations_look_ups_and_the_operator_all(
    world: World, municipality: Organisation, persons: tuple[str, str]
) -> None:
    asked = question(
        municipality, principal=person(persons[0], None), representative=person(persons[1], None)
    )
    await municipality.post("/v1/verifications", asked)
    stranger = await world.organisation(name="Karlskrona kommun")
    assert await audited(stranger, persons[0]) == []
    assert [item["operation"] for item in await audited(municipality, persons[0])] == ["verification"]
    operator = await world.organisation(without=without() - {Scope.REGISTRY_ADMIN})
    everything = await audited(operator, persons[0])
    assert [item["operation"] for item in everything] == [
        "access_log_search",
        "access_log_search",
        "verification",
    ]
    assert {item["purpose"] for item in everything} == {AUDIT["purpose"], "submission 2026-114"}
    assert {item["organisation"]["value"] for item in everything} == {
        stranger.party.value,
        municipality.party.value,
    }


async def test_an_audit_needs_a_purpose_and_its_scope(world: World, municipality: Organisation) -> None:
    body = {"party": person(BERI, None)}
    assert faults(await municipality.post("/v1/access-log/search", body)) == {("/purpose", "missing")}
    blank = await municipality.post("/v1/access-log/search", body | {"purpose": "  "})
    assert faults(blank) == {("/purpose", "missing")}
    unable = await world.organisation(municipality.party, without=without(Scope.AUDIT_READ))
    assert problem(await unable.post("/v1/access-log/search", body | AUDIT)) == "403 missing-scope"


async def test_ones_own_needs_ones_id_token(world: World, municipality: Organisation) -> None:
    assert problem(await municipality.post("/v1/me/access-log")) == "403 forbidden"
    stale = world.id_token(BERI, "another-client")
    refused = await municipality.post("/v1/me/access-log", Id_Token=stale)
    assert problem(refused) in {"401 unauthenticated", "403 forbidden"}


async def test_a_persons_entries_are_found_by_an_index(database: Database) -> None:
    for column in ("principal_index", "representative_index"):
        newest = f"SELECT id FROM access_log WHERE {column} = '\\x00' ORDER BY at DESC, id DESC LIMIT 20"  # noqa: S608  # our own names
        plan = await database.fetch_hot(f"EXPLAIN {newest}")
        assert f"{column}_at" in "\n".join(row[0] for row in plan)
