"""Suspending, resuming and using: acts of the third party, each a sealed event chained to the one before."""

from datetime import UTC, datetime, timedelta

import pytest
from uuid_utils.compat import uuid7

from acting import calling, count_rows, decision, faults, problem, sha256_text, verified, without, world_at
from factories import BERI, HERMAN, MARIA, PAUL, Json, Organisation, World, person
from registry.domain.callers import Scope
from registry.domain.documents import utc_text

DAY = timedelta(days=1)
USE: Json = {"permission": "apply", "case_ref": "2026-114", "by": person(PAUL, None)}
BODIES: dict[str, Json] = {
    "suspension": {"reason": "audit"},
    "resumption": {"reason": "done"},
    "uses": USE,
}
SCOPES = {
    "suspension": Scope.MANDATES_SUSPEND,
    "resumption": Scope.MANDATES_SUSPEND,
    "uses": Scope.MANDATES_USE,
}


def address(mandate: Json, act: str) -> str:
    return f"/v1/mandates/{mandate['id']}/{act}"


async def act(owner: Organisation, mandate: Json, kind: str) -> str:
    """Act; `201`, or the problem."""
    answer = await owner.post(address(mandate, kind), BODIES[kind])
    return "201" if answer.status_code == 201 else problem(answer)


async def status(owner: Organisation, mandate: Json) -> str:
    return str((await owner.get(f"/v1/mandates/{mandate['id']}")).json()["status"])


@pytest.fixture
async def mandate(world: World, municipality: Organisation) -> Json:
    return await world.issue(municipality, await world.publish_template(municipality))


async def test_suspended_and_resumed_again_and_again(municipality: Organisation, mandate: Json) -> None:
    conflict = "409 suspension-conflict"
    assert await act(municipality, mandate, "resumption") == conflict
    for _ in range(2):
        assert await act(municipality, mandate, "suspension") == "201"
        assert await act(municipality, mandate, "suspension") == conflict
        assert await status(municipality, mandate) == "suspended"
        assert await decision(municipality) == "deny: suspended"
        assert await act(municipality, mandate, "resumption") == "201"
        assert await act(municipality, mandate, "resumption") == conflict
        assert await status(municipality, mandate) == "active"
        assert await decision(municipality) == "permit"


async def test_a_mandate_to_come_can_be_suspended(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    start = datetime.now(UTC) + 5 * DAY
    mandate = await world.issue(municipality, template, valid_from=utc_text(start))
    assert await act(municipality, mandate, "suspension") == "201"
    assert await status(municipality, mandate) == "not_yet_valid"
    assert await decision(municipality, at=utc_text(start)) == "deny: suspended"
    assert await act(municipality, mandate, "suspension") == "409 suspension-conflict"
    assert await act(municipality, mandate, "resumption") == "201"
    assert await decision(municipality, at=utc_text(start)) == "permit"


async def test_an_act_is_answered_with_its_event(municipality: Organisation, mandate: Json) -> None:
    answer = await municipality.post(address(mandate, "suspension"), {"reason": "audit 7"})
    told = answer.json()
    assert {name: told[name] for name in ("mandate_id", "type", "by", "reason")} == {
        "mandate_id": mandate["id"],
        "type": "mandate.suspended",
        "by": "third_party",
        "reason": "audit 7",
    }
    events = (await municipality.get(address(mandate, "events"))).json()["items"]
    assert events[1]["id"] == told["event_id"]
    assert events[1]["by"]["party"]["value"] == municipality.party.value


async def test_events_are_chained_each_to_the_one_before(
    world: World, municipality: Organisation, mandate: Json
) -> None:
    for kind in ("uses", "suspension", "resumption", "uses"):
        assert await act(municipality, mandate, kind) == "201"
    ended = {"by": "third_party", "reason": "over"}
    assert (await municipality.post(address(mandate, "revocation"), ended)).status_code == 201
    events = (await municipality.get(address(mandate, "events"))).json()["items"]
    assert [event["type"].removeprefix("mandate.") for event in events] == [
        "issued",
        "used",
        "suspended",
        "resumed",
        "used",
        "revoked",
    ]
    assert [event["number"] for event in events] == list(range(6))
    previous = events[0]["sealed"]
    for event in events[1:]:
        sealed = await verified(world, event["sealed"], "mandate-event+jwt")
        assert sealed["previous"] == sha256_text(previous.encode())
        assert (sealed["mandate_id"], sealed["number"]) == (mandate["id"], event["number"])
        assert sealed["registered_by"] == f"urn:registry:client:{municipality.client_id}"
        previous = event["sealed"]
    times = [event["at"] for event in events]
    assert times == sorted(times)


class TestUses:
    async def test_a_use_is_on_record(self, world: World, municipality: Organisation, mandate: Json) -> None:
        answer = await municipality.post(address(mandate, "uses"), USE)
        assert answer.status_code == 201, answer.text
        assert (answer.json()["remaining"], answer.json()["mandate_id"]) == (None, mandate["id"])
        events = (await municipality.get(address(mandate, "events"))).json()["items"]
        sealed = await verified(world, events[1]["sealed"], "mandate-event+jwt")
        assert sealed["details"] == USE | {"remaining": None}
        assert sealed["id"] == answer.json()["id"]
        assert await decision(municipality) == "permit", "a use without a limit leaves it as it is"

    @pytest.mark.parametrize("limit", [1, 3])
    async def test_the_last_use_uses_it_up(
        self, world: World, municipality: Organisation, limit: int
    ) -> None:
        template = await world.publish_template(municipality, exercise={"max_uses": limit})
        mandate = await world.issue(municipality, template)
        for number in range(limit):
            assert await decision(municipality) == "permit"
            answer = await municipality.post(address(mandate, "uses"), USE)
            assert answer.json()["remaining"] == limit - number - 1
        assert await status(municipality, mandate) == "used_up"
        assert await decision(municipality) == "deny: used_up"
        refused = await municipality.post(address(mandate, "uses"), USE)
        assert (problem(refused), refused.json()["mandate_status"]) == ("409 mandate-over", "used_up")
        events = (await municipality.get(address(mandate, "events"))).json()["items"]
        assert [event["type"] for event in events[1:]] == ["mandate.used"] * limit + ["mandate.used_up"]
        assert events[-1]["at"] == events[-2]["at"], "in the same act"

    async def test_the_same_can_be_granted_anew_once_used_up(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality, exercise={"max_uses": 1})
        mandate = await world.issue(municipality, template)
        assert await act(municipality, mandate, "uses") == "201"
        assert (await world.issue(municipality, template))["status"] == "active"
        assert await decision(municipality) == "permit"

    async def test_the_same_request_under_a_key_is_one_use(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality, exercise={"max_uses": 2})
        mandate = await world.issue(municipality, template)
        uses = address(mandate, "uses")
        first = await municipality.post(uses, USE, Idempotency_Key="use-1")
        again = await municipality.post(uses, USE, Idempotency_Key="use-1")
        assert again.status_code == 201
        told = {"id", "mandate_id", "at", "remaining"}
        assert {name: again.json()[name] for name in told} == {name: first.json()[name] for name in told}
        assert again.json()["remaining"] == 1
        other = await municipality.post(uses, USE | {"case_ref": "other"}, Idempotency_Key="use-1")
        assert problem(other) == "422 idempotency-key-reused"
        keyless = await municipality.http.post(uses, json=USE)
        assert problem(keyless) == "400 malformed-request"
        last = await municipality.post(uses, USE, Idempotency_Key="use-2")
        assert last.json()["remaining"] == 0
        after = await municipality.post(uses, USE, Idempotency_Key="use-2")
        assert (after.status_code, after.json()["id"]) == (201, last.json()["id"]), "also once it is used up"
        events = (await municipality.get(address(mandate, "events"))).json()["items"]
        assert len(events) == 4

    async def test_it_names_a_permission_and_a_representative_of_the_mandate(
        self, world: World, municipality: Organisation, mandate: Json
    ) -> None:
        before = await count_rows(world)
        wrong = USE | {"permission": "follow", "by": person(MARIA, None)}
        answer = await municipality.post(address(mandate, "uses"), wrong)
        assert faults(answer) == {("/permission", "not_granted"), ("/by", "not_a_representative")}
        malformed = {"permission": "", "by": person(BERI[:-1] + "0"), "extra": 1}
        answer = await municipality.post(address(mandate, "uses"), malformed)
        assert faults(answer) == {
            ("/permission", "string_pattern_mismatch"),
            ("/case_ref", "missing"),
            ("/by/value", "party_check_digit"),
            ("/extra", "extra_forbidden"),
        }
        assert await count_rows(world) == before

    async def test_only_an_active_mandate_is_used(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(municipality)
        start = datetime.now(UTC) + 5 * DAY
        coming = await world.issue(municipality, template, valid_from=utc_text(start))
        assert await act(municipality, coming, "uses") == "409 not-usable"
        halted = await world.issue(municipality, template, principal=person(HERMAN))
        assert await act(municipality, halted, "suspension") == "201"
        assert await act(municipality, halted, "uses") == "409 not-usable"


@pytest.mark.parametrize("kind", BODIES)
class TestEveryAct:
    async def test_needs_its_scope(
        self, world: World, municipality: Organisation, mandate: Json, kind: str
    ) -> None:
        answer = await world.anonymous.post(address(mandate, kind), json=BODIES[kind])
        assert problem(answer) == "401 unauthenticated"
        reader = await world.organisation(municipality.party, without=without(SCOPES[kind]))
        assert await act(reader, mandate, kind) == "403 missing-scope"

    async def test_is_the_third_partys(self, world: World, municipality: Organisation, kind: str) -> None:
        agent = await world.organisation(name="Ombudet AB")
        template = await world.publish_template(municipality)
        mandate = await world.issue(municipality, template, representatives=[agent.wire])
        assert await act(agent, mandate, kind) == "403 forbidden"
        stranger = await world.organisation()
        assert await act(stranger, mandate, kind) == "404 not-found"
        assert await act(stranger, {"id": str(uuid7())}, kind) == "404 not-found"

    async def test_comes_too_late_after_the_end(
        self, world: World, municipality: Organisation, mandate: Json, kind: str
    ) -> None:
        expired = await calling(world_at(world, datetime.now(UTC) + 366 * DAY), municipality)
        answer = await expired.post(address(mandate, kind), BODIES[kind])
        assert (problem(answer), answer.json()["mandate_status"]) == ("409 mandate-over", "expired")
        ended = {"by": "third_party", "reason": "over"}
        assert (await municipality.post(address(mandate, "revocation"), ended)).status_code == 201
        before = await count_rows(world)
        answer = await municipality.post(address(mandate, kind), BODIES[kind])
        assert (problem(answer), answer.json()["mandate_status"]) == ("409 mandate-over", "revoked")
        assert await count_rows(world) == before


async def test_why_is_said(municipality: Organisation, mandate: Json) -> None:
    for kind in ("suspension", "resumption"):
        assert faults(await municipality.post(address(mandate, kind), {})) == {("/reason", "missing")}
        empty = await municipality.post(address(mandate, kind), {"reason": ""})
        assert faults(empty) == {("/reason", "string_too_short")}
