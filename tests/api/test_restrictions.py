"""Restrictions through the API: imposed, looked up and lifted, by whom they may be."""

from typing import Any

import pytest

from acting import faults, problem, without
from factories import BERI, HERMAN, PAUL, Json, Organisation, World, organisation_number, person
from registry.domain.callers import Scope
from registry.identity.schemes import parse_party

ADDRESS = "/v1/restrictions"


def restriction(owner: Organisation, **changes: Any) -> Json:  # noqa: ANN401  # any member
    body = {
        "subject": person(BERI),
        "scope": "all_representatives",
        "third_party": owner.wire,
        "reason": "protected person",
    } | changes
    return {name: value for name, value in body.items() if value is not None}


async def impose(owner: Organisation, **changes: Any) -> Json:  # noqa: ANN401  # any member
    answer = await owner.post(ADDRESS, restriction(owner, **changes))
    assert answer.status_code == 201, answer.text
    imposed: Json = answer.json()
    assert answer.headers["location"] == f"{ADDRESS}/{imposed['id']}"
    return imposed


async def lift(owner: Organisation, imposed: Json) -> str:
    answer = await owner.post(f"{ADDRESS}/{imposed['id']}/lifting", {"reason": "over"})
    return "201" if answer.status_code == 201 else problem(answer)


async def test_imposed_read_and_lifted(municipality: Organisation) -> None:
    imposed = await impose(municipality, until="2099-01-01T00:00:00Z")
    assert (imposed["status"], imposed["lifting"]) == ("active", None)
    assert imposed["from"] == imposed["imposed_at"]
    assert imposed["imposed_by"]["value"] == municipality.party.value
    assert imposed["reason"] == "protected person"
    read = (await municipality.get(f"{ADDRESS}/{imposed['id']}")).json()
    assert read | {"consistency_token": ""} == imposed | {"consistency_token": ""}
    answer = await municipality.post(f"{ADDRESS}/{imposed['id']}/lifting", {"reason": "looked into"})
    assert answer.status_code == 201
    lifted = answer.json()
    assert lifted["status"] == "lifted"
    assert lifted["lifting"]["reason"] == "looked into"
    assert lifted["lifting"]["lifted_by"]["value"] == municipality.party.value
    assert await lift(municipality, imposed) == "409 already-lifted"


async def test_a_restriction_to_come(municipality: Organisation) -> None:
    imposed = await impose(municipality, **{"from": "2098-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"})
    assert imposed["status"] == "not_yet_valid"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"scope": "representative"}, ("/representative", "missing")),
        ({"scope": "service"}, ("/service", "missing")),
        ({"representative": person(PAUL)}, ("/representative", "not_allowed")),
        ({"service": "oep"}, ("/service", "not_allowed")),
        ({"scope": "service", "service": "oep-19860226-2381"}, ("/service", "personal_identifier")),
        ({"subject": {"scheme": "username", "value": "anna"}}, ("/subject", "not_a_party")),
        ({"until": "2020-01-01T00:00:00Z"}, ("/until", "period")),
        ({"scope": "everything"}, ("/scope", "enum")),
        ({"reason": ""}, ("/reason", "string_too_short")),
        ({"valid_from": "2020-01-01T00:00:00Z"}, ("/valid_from", "extra_forbidden")),
        ({"subject": {"scheme": "se-pnr", "value": "1"}}, ("/subject/value", "party_format")),
    ],
)
async def test_faults(municipality: Organisation, changes: Json, fault: tuple[str, str]) -> None:
    assert faults(await municipality.post(ADDRESS, restriction(municipality, **changes))) == {fault}


async def test_the_same_request_is_one_restriction(municipality: Organisation) -> None:
    body, key = restriction(municipality), {"Idempotency-Key": "once"}
    first, again = [await municipality.post(ADDRESS, body, **key) for _ in range(2)]
    assert first.json()["id"] == again.json()["id"]
    found = await municipality.post(f"{ADDRESS}/search", {})
    assert [item["id"] for item in found.json()["items"]] == [first.json()["id"]]
    other = await municipality.post(ADDRESS, body | {"reason": "another"}, **key)
    assert problem(other) == "422 idempotency-key-reused"
    assert (await municipality.http.post(ADDRESS, json=body)).status_code == 400


async def test_only_administrators_impose_beyond_their_own_organisation(
    world: World, municipality: Organisation
) -> None:
    stranger = await world.organisation()
    for third_party in (None, stranger.wire):
        body = restriction(municipality, third_party=third_party)
        refused = await municipality.post(ADDRESS, body)
        assert problem(refused) == "403 missing-scope"
        assert "your own organisation as `third_party`" in refused.json()["detail"]
        assert 'scope="registry:admin"' in refused.headers["WWW-Authenticate"]
    admin = await world.organisation(without=frozenset())
    # On nobody that other tests ask about: it counts for all of them.
    nobody = {"scheme": "se-orgnr", "value": organisation_number()}
    assert (await impose(admin, subject=nobody, third_party=None))["third_party"] is None
    assert (await impose(admin, third_party=stranger.wire))["third_party"]["value"] == stranger.party.value


async def test_nobody_manages_restrictions_without_the_scope(
    world: World, municipality: Organisation
) -> None:
    imposed = await impose(municipality)
    other = await world.organisation(municipality.party, without=without(Scope.RESTRICTIONS_MANAGE))
    for answer in (
        await other.post(ADDRESS, restriction(municipality)),
        await other.get(f"{ADDRESS}/{imposed['id']}"),
        await other.post(f"{ADDRESS}/search", {}),
        await other.post(f"{ADDRESS}/{imposed['id']}/lifting", {"reason": "over"}),
    ):
        assert problem(answer) == "403 missing-scope"


async def test_lifting_somebody_elses_restriction(world: World, municipality: Organisation) -> None:
    """A stranger is told nothing, who is named by it may read it, an administrator may lift it."""
    agency, stranger = await world.organisation(), await world.organisation()
    imposed = await impose(municipality, scope="representative", representative=agency.wire)
    address = f"{ADDRESS}/{imposed['id']}"
    assert problem(await stranger.get(address)) == "404 not-found"
    assert await lift(stranger, imposed) == "404 not-found"
    assert (await agency.get(address)).json()["id"] == imposed["id"]
    assert await lift(agency, imposed) == "403 forbidden"
    assert (await municipality.get(address)).json()["status"] == "active"
    colleague = await world.organisation(municipality.party)
    assert await lift(colleague, imposed) == "201"
    second = await impose(municipality)
    admin = await world.organisation(without=frozenset())
    assert await lift(admin, second) == "201"
    lifted = (await municipality.get(f"{ADDRESS}/{second['id']}")).json()
    assert lifted["lifting"]["lifted_by"]["value"] == admin.party.value


async def test_a_third_party_does_not_lift_what_an_administrator_imposed(
    world: World, municipality: Organisation
) -> None:
    admin = await world.organisation(without=frozenset())
    nobody = {"scheme": "se-orgnr", "value": organisation_number()}
    everywhere = await impose(admin, subject=nobody, third_party=None)
    here = await impose(admin, third_party=municipality.wire)
    assert await lift(municipality, everywhere) == "404 not-found"
    assert await lift(municipality, here) == "403 forbidden"


async def test_search_finds_what_one_has_a_part_in(world: World, municipality: Organisation) -> None:
    stranger = await world.organisation()
    first = await impose(municipality, scope="representative", representative=person(PAUL))
    second = await impose(municipality, subject=person(HERMAN), scope="guardians")
    await impose(stranger)
    await lift(municipality, second)

    async def found(owner: Organisation = municipality, **wanted: Any) -> list[str]:  # noqa: ANN401  # any member
        answer = await owner.post(f"{ADDRESS}/search", wanted)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert await found() == [first["id"], second["id"]]
    assert await found(subject=person(BERI, None)) == [first["id"]]
    assert await found(representative=person(PAUL, None)) == [first["id"]]
    assert await found(scope="guardians") == [second["id"]]
    assert await found(status="active") == [first["id"]]
    assert await found(status="lifted") == [second["id"]]
    assert await found(status="expired") == await found(status="not_yet_valid") == []
    assert await found(third_party=stranger.wire) == []
    page = (await municipality.post(f"{ADDRESS}/search", {"limit": 1})).json()
    assert page["next"] == first["id"]
    assert await found(cursor=first["id"]) == [second["id"]]
    assert first["id"] not in await found(stranger)


async def test_every_look_up_is_logged(world: World, municipality: Organisation) -> None:
    imposed = await impose(municipality)
    await municipality.get(f"{ADDRESS}/{imposed['id']}")
    await municipality.post(f"{ADDRESS}/search", {"subject": person(BERI, None)})
    rows = await world.database.fetch_hot(
        "SELECT operation, principal_index FROM access_log WHERE client_id = $1 ORDER BY id",
        municipality.client_id,
    )
    assert [row["operation"] for row in rows] == ["restriction", "restriction", "restriction_search"]
    assert {bytes(row["principal_index"]) for row in rows} == {
        world.keys.party_index(parse_party("se-pnr", BERI))
    }
