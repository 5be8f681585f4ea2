"""A client limited to departments: what of its organisation it sees and makes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from acting import decision, sha256_text
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    Organisation,
    World,
    mandate_body,
    person,
    question,
    template_body,
)
from party_numbers import swedish
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
    return await make_town(world)


@pytest.fixture(scope="module")
async def standing_town(world: World) -> Town:
    """One for the tests that leave its templates and mandates as they are."""
    return await make_town(world)


async def make_town(world: World) -> Town:
    whole = await world.organisation()
    limited = await world.organisation(whole.party, departments=frozenset({"Miljö", "Bygg"}))
    own = await world.publish_template(whole, department="Miljö")
    enrol = {"code": "enrol", "type": "sign", "title": {"sv": "Anmäla"}}
    other = await world.publish_template(
        whole,
        department="Skola",
        services=["oep-skolval"],
        permissions=[*template_body(whole)["permissions"], enrol],
    )
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


@dataclass(frozen=True)
class Kind:
    """A kind of object that hangs on a department: how it is made there, found, and acted on."""

    path: str
    body: Callable[[Town, Json], Json]
    search: bool
    acts: dict[str, Json]
    refused: tuple[int, str]


KINDS = {
    "mandate requests": Kind(
        "/v1/mandate-requests",
        lambda _town, template: mandate_body(template, principal=person(HERMAN)),
        search=True,
        acts={"decline": {"reason": "no"}, "cancellation": {"reason": "no"}},
        refused=(403, "forbidden"),
    ),
    "approvals": Kind(
        "/v1/approvals",
        lambda town, template: {
            "principal": person(BERI),
            "representative": person(PAUL),
            "third_party": town.whole.wire,
            "permission": template["permissions"][-1]["code"] if template == town.other else "apply",
            "title": "Application 2026-114",
            "content_digest": sha256_text(b"the form"),
            "deadline": "2098-01-01T00:00:00Z",
        },
        search=False,
        acts={"decision": {"decision": "approved"}},
        refused=(422, "invalid-input"),
    ),
    "restrictions": Kind(
        "/v1/restrictions",
        lambda town, template: {
            "subject": person(MARIA),
            "scope": "service",
            "service": template["services"][0],
            "third_party": town.whole.wire,
            "reason": "protected",
        },
        search=True,
        acts={"lifting": {"reason": "over"}},
        refused=(422, "invalid-input"),
    ),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
async def test_what_hangs_on_another_department_is_as_good_as_not_there(
    standing_town: Town, kind: Kind
) -> None:
    made = {}
    for template in (standing_town.own, standing_town.other):
        answer = await standing_town.whole.post(kind.path, kind.body(standing_town, template))
        assert answer.status_code == 201, answer.text
        made[template["id"]] = answer.json()["id"]
    own, other = (
        f"{kind.path}/{made[template['id']]}" for template in (standing_town.own, standing_town.other)
    )
    assert (await standing_town.limited.get(own)).status_code == 200
    assert_problem(await standing_town.limited.get(other), 404, "not-found")
    for act, body in kind.acts.items():
        assert_problem(await standing_town.limited.post(f"{other}/{act}", body), 404, "not-found")
    if kind.search:
        found = (await standing_town.limited.post(f"{kind.path}/search")).json()["items"]
        assert [item["id"] for item in found] == [made[standing_town.own["id"]]]
    mine = await standing_town.limited.post(kind.path, kind.body(standing_town, standing_town.own))
    assert mine.status_code == 201, mine.text
    theirs = await standing_town.limited.post(kind.path, kind.body(standing_town, standing_town.other))
    assert_problem(theirs, *kind.refused)
    assert (await standing_town.whole.get(other)).status_code == 200


async def test_it_blocks_no_more_than_its_departments_services(world: World, standing_town: Town) -> None:
    """What is blocked in the whole organisation is neither its to impose nor to see, whatever its scopes."""
    body = {"subject": person(MARIA), "scope": "all_representatives", "reason": "protected"}
    administrator = await world.organisation(
        standing_town.whole.party, departments=frozenset({"Miljö"}), without=frozenset()
    )
    for client in (standing_town.limited, administrator):
        refused = await client.post("/v1/restrictions", body | {"third_party": standing_town.whole.wire})
        assert_problem(refused, 403, "forbidden")
    everywhere = await administrator.post("/v1/restrictions", body)
    assert_problem(everywhere, 403, "missing-scope")
    imposed = await standing_town.whole.post(
        "/v1/restrictions", body | {"third_party": standing_town.whole.wire}
    )
    address = f"/v1/restrictions/{imposed.json()['id']}"
    for client in (standing_town.limited, administrator):
        assert_problem(await client.get(address), 404, "not-found")
        assert_problem(await client.post(f"{address}/lifting", {"reason": "over"}), 404, "not-found")


async def test_another_departments_approval_is_as_an_unknown_one(standing_town: Town) -> None:
    body = KINDS["approvals"].body(standing_town, standing_town.other)
    approval = (await standing_town.whole.post("/v1/approvals", body)).json()["id"]
    assert await decision(standing_town.whole, approval_id=approval) == "permit"
    assert await decision(standing_town.limited, approval_id=approval) == "deny: party_mismatch"
    assert await decision(standing_town.limited, approval_id=str(uuid7())) == "deny: party_mismatch"


async def test_it_carries_a_context_to_its_departments_only(town: Town) -> None:
    """Opened or exchanged, a context counts the mandates of its own departments."""
    ended = f"/v1/mandates/{town.own_mandate['id']}/revocation"
    opened = (await town.limited.post("/v1/acting-contexts", question(town.limited))).json()
    assert opened["decision"] == "permit"
    carried = {"context": opened["context"], "permissions": ["apply"]}
    assert (await town.limited.post("/v1/acting-contexts/exchange", carried)).json()["decision"] == "permit"
    await town.whole.post(ended, {"by": "third_party", "reason": "over"})
    for client, expected in ((town.whole, "permit"), (town.limited, "deny")):
        exchanged = await client.post("/v1/acting-contexts/exchange", carried)
        assert exchanged.json()["decision"] == expected
        again = await client.post("/v1/acting-contexts", question(client))
        assert (again.json()["decision"], again.json()["context"] is None) == (expected, expected == "deny")


async def test_it_delivers_under_its_departments_keys_only(world: World, standing_town: Town) -> None:
    terms: Json = {"signing": {"by": "authority"}, "age_limits": {}}
    mandates = {}
    for department in ("Miljö", "Skola"):
        template = await world.publish_template(standing_town.whole, department=department, **terms)
        mandates[department] = mandate_body(template, principal=person(HERMAN), valid_until=None) | {
            "valid_from": "2026-01-01T00:00:00Z",
            "valid_until": "2027-01-01T00:00:00Z",
        }

    async def deliver(client: Organisation, key: str, *items: Json) -> int:
        path = f"/v1/statutory-deliveries/register/{key}"
        return (await client.http.put(path, json={"mandates": list(items)})).status_code

    assert await deliver(standing_town.whole, "theirs", mandates["Skola"]) == 200
    assert await deliver(standing_town.limited, "theirs", mandates["Skola"]) == 403
    assert await deliver(standing_town.limited, "theirs") == 403
    assert await deliver(standing_town.limited, "another", mandates["Skola"]) == 403
    assert await deliver(standing_town.limited, "mine", mandates["Miljö"]) == 200


async def test_it_audits_look_ups_by_clients_of_its_departments_only(
    world: World, standing_town: Town
) -> None:
    """One that is limited to more, or not at all, looks for others, too."""
    wanted = person(swedish("20900303123"), None)
    more = await world.organisation(
        standing_town.whole.party, departments=frozenset({"Miljö", "Bygg", "Skola"})
    )
    less = await world.organisation(standing_town.whole.party, departments=frozenset({"Bygg"}))
    everyone = (standing_town.whole, standing_town.limited, more, less)
    for client in everyone:
        await decision(client, principal=wanted)
    body = {"party": wanted, "purpose": "complaint 2026-7"}
    seen = {}
    for client in everyone:
        found = (await client.post("/v1/access-log/search", body)).json()["items"]
        seen[client.client_id] = {item["client_id"] for item in found if item["operation"] == "verification"}
    clients = [client.client_id for client in everyone]
    assert seen[clients[0]] == set(clients)
    assert seen[clients[1]] == {clients[1], clients[3]}
    assert seen[clients[2]] == set(clients[1:])
    assert seen[clients[3]] == {clients[3]}


async def test_a_person_sees_all_that_is_its_own_through_it(world: World, town: Town) -> None:
    """The limit is the organisation's: what a person shows its id token for is the person's own."""
    me = swedish("20900303321")
    mandate = await world.issue(town.whole, town.other, principal=person(me))
    token = world.id_token(me, town.limited.client_id)
    found = (await town.limited.post("/v1/me/overview", Id_Token=token)).json()["mandates"]
    assert [item["id"] for item in found] == [mandate["id"]]
    ended = {"by": "principal", "reason": "over"}
    address = f"/v1/mandates/{mandate['id']}/revocation"
    assert_problem(await town.limited.post(address, ended), 404, "not-found")
    assert (await town.limited.post(address, ended, Id_Token=token)).status_code == 201
