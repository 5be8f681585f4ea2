"""Racing issues: one mandate, one effect of a key, one successor; and templates that change meanwhile."""

import asyncio
from collections import Counter

import httpx

from acting import faults, problem
from concurrency.racing import Race
from factories import BERI, HERMAN, MARIA, Json, mandate_body, person, template_body


def outcomes(answers: list[httpx.Response]) -> Counter[str]:
    return Counter("201" if answer.status_code == 201 else problem(answer) for answer in answers)


def done(answers: list[httpx.Response]) -> list[Json]:
    return [answer.json() for answer in answers if answer.status_code == 201]


async def test_the_same_mandate_is_issued_once(race: Race) -> None:
    template = await race.world.publish_template(race.owner)
    body = await race.world.sign(race.owner, mandate_body(template), BERI)
    answers = await asyncio.gather(*(race.client(number).post("/v1/mandates", body) for number in range(20)))
    assert outcomes(answers) == {"201": 1, "409 already-in-force": 19}
    first = done(answers)[0]["id"]
    named = {answer.json()["mandate_id"] for answer in answers if answer.status_code == 409}
    assert named == {first}
    assert await race.count("mandate_records") == 1


async def test_different_mandates_of_one_principal_are_all_issued(race: Race) -> None:
    template = await race.world.publish_template(race.owner, specifiers=["property"])
    bodies = [
        await race.world.sign(race.owner, mandate_body(template, specifier={"property": f"1:{n}"}), BERI)
        for n in range(12)
    ]
    answers = await asyncio.gather(
        *(race.client(number).post("/v1/mandates", body) for number, body in enumerate(bodies))
    )
    assert outcomes(answers) == {"201": 12}


async def test_one_key_has_one_effect_and_one_answer(race: Race) -> None:
    template = await race.world.publish_template(race.owner)
    body = await race.world.sign(race.owner, mandate_body(template), BERI)
    other = await race.world.sign(race.owner, mandate_body(template, principal=person(HERMAN)), HERMAN)
    key = {"Idempotency_Key": "submission-1"}
    answers = await asyncio.gather(
        *(
            race.client(number).post("/v1/mandates", other if number % 5 == 4 else body, **key)
            for number in range(20)
        )
    )
    issued = done(answers)
    assert len({mandate["id"] for mandate in issued}) == 1
    assert await race.count("mandate_records") == 1
    assert set(outcomes(answers)) <= {"201", "409 request-in-progress", "422 idempotency-key-reused"}
    won, lost = (body, other) if issued[0]["principal"]["value"] == BERI else (other, body)
    again = await race.owner.post("/v1/mandates", won, **key)
    assert (again.status_code, again.json()["id"]) == (201, issued[0]["id"])
    assert problem(await race.owner.post("/v1/mandates", lost, **key)) == "422 idempotency-key-reused"


async def test_one_mandate_has_one_successor(race: Race) -> None:
    old = await race.mandate()
    successors = [await race.world.publish_template(race.owner) for _ in range(4)]
    bodies = [
        await race.world.sign(race.owner, mandate_body(template, supersedes=old["id"], **changes), BERI)
        for template in successors
        for changes in ({}, {"representatives": [person(MARIA)]})
    ]
    answers = await asyncio.gather(
        *(race.client(number).post("/v1/mandates", body) for number, body in enumerate(bodies))
    )
    assert outcomes(answers) == {"201": 1, "409 mandate-over": 7}
    events = (await race.owner.get(f"/v1/mandates/{old['id']}/events")).json()["items"]
    assert [event["type"] for event in events] == ["mandate.issued", "mandate.superseded"]
    assert events[1]["details"] == {"superseded_by": done(answers)[0]["id"]}
    assert await race.count("mandate_records") == 2


async def test_superseding_and_revoking_the_same(race: Race) -> None:
    old = await race.mandate()
    template = await race.world.publish_template(race.owner)
    body = await race.world.sign(race.owner, mandate_body(template, supersedes=old["id"]), BERI)
    address, over = f"/v1/mandates/{old['id']}/revocation", {"by": "third_party", "reason": "over"}
    superseded, *revoked = await asyncio.gather(
        race.client(0).post("/v1/mandates", body),
        *(race.client(number).post(address, over) for number in range(1, 6)),
    )
    assert len(done([superseded, *revoked])) == 1
    assert await race.count("mandate_endings") == 1
    assert await race.count("mandate_records") == 1 + (superseded.status_code == 201)


async def test_nothing_is_issued_after_the_retirement_was_acknowledged(race: Race) -> None:
    template = await race.world.publish_template(race.owner, specifiers=["property"])
    bodies = [
        await race.world.sign(race.owner, mandate_body(template, specifier={"property": f"1:{n}"}), BERI)
        for n in range(16)
    ]
    retired = asyncio.Event()

    async def retire() -> None:
        answer = await race.clients[1].post(f"/v1/templates/{template['id']}/retirement")
        assert answer.status_code == 200
        retired.set()

    async def issue(number: int) -> tuple[bool, httpx.Response]:
        began_after = retired.is_set()
        return began_after, await race.client(number).post("/v1/mandates", bodies[number])

    first = [asyncio.create_task(issue(number)) for number in range(12)]
    await retire()
    answers = [await task for task in first] + [await issue(number) for number in range(12, 16)]
    issued = done([answer for _, answer in answers])
    assert await race.count("mandate_records") == len(issued)
    assert len([began for began, _ in answers if began]) >= 4
    for began_after, answer in answers:
        if answer.status_code != 201:
            assert faults(answer) == {("/template/id", "template_retired")}
        else:
            assert not began_after


async def test_a_draft_is_published_once(race: Race) -> None:
    draft = (await race.owner.post("/v1/templates", template_body(race.owner))).json()
    address = f"/v1/templates/{draft['id']}/versions/1/publication"
    answers = await asyncio.gather(*(race.client(number).post(address) for number in range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["published_at"] for answer in answers}) == 1
    assert await race.count("template_publications") == 1


async def test_publishing_while_it_is_edited(race: Race) -> None:
    """What is frozen is what was acknowledged last, never a mixture."""
    draft = (await race.owner.post("/v1/templates", template_body(race.owner))).json()
    address = f"/v1/templates/{draft['id']}/versions/1"
    edits = [template_body(race.owner, title={"sv": f"Utkast {number}"}) for number in range(8)]
    published, *edited = await asyncio.gather(
        race.client(0).post(f"{address}/publication"),
        *(race.client(number + 1).http.put(address, json=body) for number, body in enumerate(edits)),
    )
    assert published.status_code == 200
    assert {answer.status_code for answer in edited} <= {200, 409}
    shown = (await race.owner.get(address)).json()
    assert shown["title"] == published.json()["title"]
    assert shown["title"] in [draft["title"], *(body["title"] for body in edits)]


async def test_two_drafts_leave_one_current_version(race: Race) -> None:
    template = await race.world.publish_template(race.owner)
    for _ in range(2):
        added = await race.owner.post(f"/v1/templates/{template['id']}/versions", template_body(race.owner))
        assert added.status_code == 201
    second, third = await asyncio.gather(
        *(
            race.client(version).post(f"/v1/templates/{template['id']}/versions/{version}/publication")
            for version in (2, 3)
        )
    )
    assert third.status_code == 200
    assert second.status_code == 200 or problem(second) == "409 not-a-draft"
    current = await race.count("template_versions", "is_current")
    assert current == 1
    assert (await race.owner.get(f"/v1/templates/{template['id']}")).json()["version"] == 3


async def test_new_drafts_get_numbers_of_their_own(race: Race) -> None:
    template = await race.world.publish_template(race.owner)
    address = f"/v1/templates/{template['id']}/versions"
    answers = await asyncio.gather(
        *(race.client(number).post(address, template_body(race.owner)) for number in range(8))
    )
    assert sorted(answer.json()["version"] for answer in answers) == list(range(2, 10))
