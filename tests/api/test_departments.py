"""A client limited to departments: which templates and mandates of its organisation it sees and writes."""

from dataclasses import dataclass
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from acting import decision
from factories import BERI, HERMAN, PAUL, Organisation, World, mandate_body, person, question, template_body
from problem_documents import assert_problem
from registry.domain.callers import Scope

Json = dict[str, Any]


@dataclass(frozen=True)
class Town:
    """A municipality with two departments, a mandate on a template of each, and a client of the first."""

    whole: Organisation
    limited: Organisation
    own: Json
    other: Json
    own_mandate: Json
    other_mandate: Json


@pytest.fixture
async def town(world: World) -> Town:
    whole = await world.organisation()
    limited = await world.organisation(whole.party, departments=frozenset({"Miljö", "Bygg"}))
    own = await world.publish_template(whole, department="Miljö")
    other = await world.publish_template(whole, department="Skola")
    return Town(whole, limited, own, other, await world.issue(whole, own), await world.issue(whole, other))


async def test_it_sees_all_published_templates_and_its_own_drafts(world: World, town: Town) -> None:
    everybodys = await world.publish_template(town.whole, department=None)
    mine = {"third_party": f"se-orgnr:{town.whole.party.value}"}
    listed = (await town.limited.get("/v1/templates", **mine)).json()["items"]
    assert {item["id"] for item in listed} == {everybodys["id"], town.own["id"], town.other["id"]}
    drafts = {}
    for department in ("Bygg", "Skola", None):
        body = template_body(town.whole, department=department)
        drafts[department] = (await town.whole.post("/v1/templates", body)).json()["id"]
    listed = (await town.limited.get("/v1/templates", status="draft")).json()["items"]
    assert [item["id"] for item in listed] == [drafts["Bygg"]]
    assert (await town.limited.get(f"/v1/templates/{drafts['Bygg']}")).status_code == 200
    for department in ("Skola", None):
        assert_problem(await town.limited.get(f"/v1/templates/{drafts[department]}"), 404, "not-found")


async def test_it_writes_templates_of_its_departments_only(town: Town) -> None:
    for department in ("Skola", None):
        body = template_body(town.whole, department=department)
        problem = assert_problem(await town.limited.post("/v1/templates", body), 403, "forbidden")
        assert "Bygg, Miljö" in problem["detail"]
        moved = await town.limited.post(f"/v1/templates/{town.own['id']}/versions", body)
        assert_problem(moved, 403, "forbidden")
    body = template_body(town.whole, department="Bygg")
    assert (await town.limited.post("/v1/templates", body)).status_code == 201
    assert (await town.limited.post(f"/v1/templates/{town.own['id']}/versions", body)).status_code == 201
    address = f"/v1/templates/{town.other['id']}"
    added = await town.whole.post(f"{address}/versions", template_body(town.whole, department="Skola"))
    assert added.status_code == 201
    for response in (
        await town.limited.post(f"{address}/versions", body),
        await town.limited.http.put(f"{address}/versions/2", json=body),
        await town.limited.post(f"{address}/versions/2/publication"),
        await town.limited.post(f"{address}/retirement"),
    ):
        assert_problem(response, 404, "not-found")


async def test_it_issues_on_templates_of_its_departments_only(world: World, town: Town) -> None:
    await world.issue(town.limited, town.own, permissions=["follow"])
    refused = await town.limited.post("/v1/mandates/preview", mandate_body(town.other))
    assert_problem(refused, 403, "forbidden")
    draft = await town.whole.post("/v1/templates", template_body(town.whole, department="Skola"))
    hidden = await town.limited.post("/v1/mandates/preview", mandate_body(draft.json()))
    unknown = await town.limited.post(
        "/v1/mandates/preview", mandate_body(draft.json() | {"id": str(uuid7())})
    )
    assert hidden.status_code == unknown.status_code == 422
    assert hidden.json()["errors"] == unknown.json()["errors"]


async def test_it_looks_up_mandates_of_its_departments_only(town: Town) -> None:
    own, other = town.own_mandate["id"], town.other_mandate["id"]
    for part in ("", "/record", "/events"):
        assert (await town.limited.get(f"/v1/mandates/{own}{part}")).status_code == 200
        assert (await town.whole.get(f"/v1/mandates/{other}{part}")).status_code == 200
        assert_problem(await town.limited.get(f"/v1/mandates/{other}{part}"), 404, "not-found")
    for search in ({}, {"principal": person(BERI, None)}, {"template_id": town.other["id"]}):
        found = (await town.limited.post("/v1/mandates/search", search)).json()["items"]
        assert [item["id"] for item in found] == ([] if "template_id" in search else [own])
    statuses = (await town.limited.post("/v1/mandates/status", {"ids": [own, other]})).json()["items"]
    assert [item["status"] for item in statuses] == ["active", "not_found"]


async def test_it_acts_on_mandates_of_its_departments_only(world: World, town: Town) -> None:
    representative = town.own_mandate["representatives"][0]
    acts: dict[str, Json] = {
        "suspension": {"reason": "checked"},
        "resumption": {"reason": "checked"},
        "uses": {"permission": "apply", "case_ref": "1", "by": representative},
        "revocation": {"by": "third_party", "reason": "closed"},
    }
    for act, body in acts.items():
        refused = await town.limited.post(f"/v1/mandates/{town.other_mandate['id']}/{act}", body)
        assert_problem(refused, 404, "not-found")
        done = await town.limited.post(f"/v1/mandates/{town.own_mandate['id']}/{act}", body)
        assert done.status_code == 201, done.text
    events = (await town.whole.get(f"/v1/mandates/{town.other_mandate['id']}/events")).json()["items"]
    assert len(events) == 1
    replacing = mandate_body(town.own, supersedes=town.other_mandate["id"])
    refused = await town.limited.post("/v1/mandates", await world.sign(town.limited, replacing, BERI))
    assert_problem(refused, 422, "invalid-input", "/supersedes")


async def test_the_limit_does_not_hide_what_its_organisation_is_a_party_to(world: World, town: Town) -> None:
    elsewhere = await world.organisation(name="Region Nord")
    template = await world.publish_template(elsewhere, department="Vård")
    mandate = await world.issue(elsewhere, template, representatives=[town.whole.wire])
    assert (await town.limited.get(f"/v1/mandates/{mandate['id']}")).status_code == 200


async def test_its_questions_count_mandates_of_its_departments_only(world: World, town: Town) -> None:
    """What another department has is as good as not there, also in a batch and in a search."""
    both = await world.organisation(town.whole.party, departments=frozenset({"Miljö", "Skola"}))
    everyone = (town.whole, town.limited, both)
    assert [await decision(client) for client in everyone] == ["permit"] * 3
    await town.whole.post(
        f"/v1/mandates/{town.own_mandate['id']}/revocation", {"by": "third_party", "reason": "over"}
    )
    assert [await decision(client) for client in everyone] == ["permit", "deny: revoked", "permit"]
    asked = {"questions": [question(town.limited), question(town.limited, principal=person(HERMAN, None))]}
    answers = (await town.limited.post("/v1/verifications/batch", asked)).json()["answers"]
    assert [answer["reasons"] for answer in answers] == [["revoked"], ["no_mandate"]]
    held = {"representative": person(PAUL, None)}
    for client, expected in ((town.whole, [BERI]), (town.limited, []), (both, [BERI])):
        found = (await client.post("/v1/representations/search", held)).json()["items"]
        assert [item["principal"]["value"] for item in found] == expected


async def test_a_mandate_on_a_template_of_no_department_is_no_departments(world: World, town: Town) -> None:
    template = await world.publish_template(town.whole, department=None)
    await world.issue(town.whole, template, principal=person(HERMAN))
    asked = {"principal": person(HERMAN, None)}
    assert await decision(town.whole, **asked) == "permit"
    assert await decision(town.limited, **asked) == "deny: no_mandate"


async def test_towards_others_its_departments_say_nothing(world: World, town: Town) -> None:
    """The departments are of its own organisation: another's templates have others."""
    elsewhere = await world.organisation(name="Karlskrona kommun")
    await world.issue(elsewhere, await world.publish_template(elsewhere, department="Miljö och hälsa"))
    anywhere = await world.organisation(
        town.whole.party, departments=frozenset({"Miljö"}), without=frozenset({Scope.REGISTRY_ADMIN})
    )
    third_party = {name: elsewhere.wire[name] for name in ("scheme", "value")}
    assert await decision(anywhere, third_party=third_party) == "permit"
    held = {"representative": person(PAUL, None), "third_party": third_party}
    found = (await anywhere.post("/v1/representations/search", held)).json()["items"]
    assert [item["principal"]["value"] for item in found] == [BERI]
