"""A use stays open until its case is closed, and what ends the mandate names the case to its owner alone."""

import asyncio

import pytest

from acting import faults, problem
from delegating import grant_on
from factories import HERMAN, MARIA, PAUL, PETRONELLA, Json, Organisation, World, person
from registry.domain.events import EventType
from telling import done, read_feed, tell

REVOKED = {"by": "third_party", "reason": "over"}


def used(case: str) -> Json:
    return {"permission": "apply", "case_ref": case, "by": person(PAUL, None)}


async def mandate_of(world: World, owner: Organisation, **template: object) -> str:
    return f"/v1/mandates/{(await world.issue(owner, await world.publish_template(owner, **template)))['id']}"


async def test_a_closed_case_is_named_no_more_and_still_counts(
    world: World, municipality: Organisation
) -> None:
    mandate = await mandate_of(world, municipality, exercise={"max_uses": 3})
    first, second = [await done(municipality, f"{mandate}/uses", used(case)) for case in ("A-1", "A-2")]
    closed = await municipality.post(f"{mandate}/uses/{first['id']}/closure")
    assert (closed.status_code, closed.json()["type"]) == (201, EventType.USE_CLOSED)
    assert closed.headers["location"] == f"{mandate}/events"
    third = await done(municipality, f"{mandate}/uses", used("A-3"))
    assert (second["remaining"], third["remaining"]) == (1, 0)
    await tell(world)
    feed = await read_feed(municipality)
    assert [event["type"] for event in feed if event["open_cases"]] == ["mandate.used_up"]
    assert feed[-1]["open_cases"] == [
        {"use_id": second["id"], "case_ref": "A-2"},
        {"use_id": third["id"], "case_ref": "A-3"},
    ]
    events = (await municipality.get(f"{mandate}/events")).json()["items"]
    closure = next(event for event in events if event["type"] == "mandate.use_closed")
    assert closure["details"] == {"use_id": first["id"]}
    assert not any("closed" in event["type"] for event in feed)


async def test_what_was_granted_on_from_a_mandate_that_is_used_up_is_told_with_its_cases(
    world: World, municipality: Organisation
) -> None:
    terms = {"exercise": {"max_uses": 2}, "delegation": {"max_depth": 2}}
    parent = await world.issue(municipality, await world.publish_template(municipality, **terms))
    sub = await grant_on(world, municipality, parent)
    below = await grant_on(world, municipality, sub, HERMAN)
    spent = await grant_on(world, municipality, parent, PETRONELLA)
    use = used("D-1") | {"by": person(MARIA, None)}
    open_use = await done(municipality, f"/v1/mandates/{sub['id']}/uses", use)
    for case in ("D-2", "D-3"):
        use = used(case) | {"by": person(PETRONELLA, None)}
        await done(municipality, f"/v1/mandates/{spent['id']}/uses", use)
    for case in ("D-4", "D-5"):
        await done(municipality, f"/v1/mandates/{parent['id']}/uses", used(case))
    await tell(world)
    over = await read_feed(municipality, types="mandate.used_up")
    assert [event["mandate_id"] for event in over] == [item["id"] for item in (spent, parent, sub, below)]
    assert over[2]["open_cases"] == [{"use_id": open_use["id"], "case_ref": "D-1"}]
    assert over[3]["open_cases"] == []


async def test_a_use_is_closed_once_also_after_the_end(world: World, municipality: Organisation) -> None:
    mandate = await mandate_of(world, municipality)
    use = await done(municipality, f"{mandate}/uses", used("B-1"))
    await done(municipality, f"{mandate}/revocation", REVOKED)
    closure = f"{mandate}/uses/{use['id']}/closure"
    answers = await asyncio.gather(*(municipality.post(closure) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert problem(await municipality.post(closure)) == "409 use-closed"
    await tell(world)
    feed = await read_feed(municipality)
    assert feed[-1]["open_cases"] == [{"use_id": use["id"], "case_ref": "B-1"}]


async def test_only_the_third_party_closes_what_was_used(world: World, municipality: Organisation) -> None:
    representative = await world.organisation(name="Ombudsbyrån AB")
    template = await world.publish_template(municipality)
    issued = await world.issue(municipality, template, representatives=[representative.wire])
    mandate = f"/v1/mandates/{issued['id']}"
    use = await done(municipality, f"{mandate}/uses", used("C-1") | {"by": representative.wire})
    closure = f"{mandate}/uses/{use['id']}/closure"
    assert problem(await representative.post(closure)) == "403 forbidden"
    assert problem(await (await world.organisation()).post(closure)) == "404 not-found"
    other = await mandate_of(world, municipality)
    assert problem(await municipality.post(f"{other}/uses/{use['id']}/closure")) == "404 not-found"
    assert problem(await municipality.post(f"{mandate}/uses/{issued['id']}/closure")) == "404 not-found"
    assert faults(await municipality.post(f"{mandate}/uses/x-1/closure")) == {("path:use_id", "uuid_format")}


@pytest.mark.parametrize("case", ["198602262381", "ärende 860226-2381", "1986 0226 2381"])
async def test_a_personal_number_is_no_reference(world: World, municipality: Organisation, case: str) -> None:
    mandate = await mandate_of(world, municipality)
    answer = await municipality.post(f"{mandate}/uses", used(case))
    assert faults(answer) == {("/case_ref", "personal_identifier")}
    assert case not in answer.text
