"""Points in time: `at` by what is known now, `known_at` by what was known then, and clocks that differ."""

from datetime import UTC, datetime, timedelta

import pytest

from acting import ask, calling, decision, in_short, paper_signature, problem, verified, world_at
from factories import (
    BERI,
    PAUL,
    Clock,
    Json,
    Organisation,
    World,
    mandate_body,
    person,
    question,
)
from registry.domain.documents import utc_text, utc_time

START = datetime(2026, 11, 21, 9, tzinfo=UTC)
DAY, HOUR, TICK = timedelta(days=1), timedelta(hours=1), timedelta(microseconds=1)


class Timeline:
    """A third party whose process has a clock that the test sets."""

    def __init__(self, world: World, owner: Organisation, mandate: Json) -> None:
        self.world, self.owner, self.mandate = world, owner, mandate

    async def go_to(self, moment: datetime) -> None:
        self.world.clock.fixed = moment
        self.owner = await calling(self.world, self.owner)

    async def act(self, kind: str, **body: object) -> datetime:
        """Act at this moment of the clock; the time that is recorded."""
        answer = await self.owner.post(f"/v1/mandates/{self.mandate['id']}/{kind}", body)
        assert answer.status_code == 201, answer.text
        return utc_time(answer.json()["at"])

    async def at(self, moment: datetime, known_at: datetime | None = None) -> str:
        asked = {"at": utc_text(moment)} | ({"known_at": utc_text(known_at)} if known_at else {})
        return await decision(self.owner, **asked)

    async def known_at(self, moment: datetime) -> str:
        return await decision(self.owner, known_at=utc_text(moment))


@pytest.fixture
async def timeline(world: World) -> Timeline:
    """A mandate from a day after START to ten days after it, and the clock at START."""
    own = World(world.database, world.keys, Clock(START), world.eid_key)
    owner = await own.organisation()
    template = await own.publish_template(owner, exercise={"max_uses": 1})
    times = {"valid_from": utc_text(START + DAY), "valid_until": utc_text(START + 10 * DAY)}
    return Timeline(own, owner, await own.issue(owner, template, **times))


async def test_valid_from_counts_and_valid_until_does_not(timeline: Timeline) -> None:
    assert await timeline.at(START + DAY - TICK) == "deny: not_yet_valid"
    assert await timeline.at(START + DAY) == "permit"
    assert await timeline.at(START + 10 * DAY - TICK) == "permit"
    assert await timeline.at(START + 10 * DAY) == "deny: expired"
    assert await timeline.at(START + 5000 * DAY) == "deny: expired"


async def test_now_is_the_time_of_the_clock(timeline: Timeline) -> None:
    for moment, expected, status in (
        (START, "deny: not_yet_valid", "not_yet_valid"),
        (START + DAY, "permit", "active"),
        (START + 10 * DAY - TICK, "permit", "active"),
        (START + 10 * DAY, "deny: expired", "expired"),
    ):
        await timeline.go_to(moment)
        answer = await ask(timeline.owner)
        assert in_short(answer) == expected
        assert answer["checked_at"] == utc_text(moment)
        shown = await timeline.owner.get(f"/v1/mandates/{timeline.mandate['id']}")
        assert shown.json()["status"] == status


async def test_a_revocation_counts_from_its_own_time(timeline: Timeline) -> None:
    await timeline.go_to(START + 5 * DAY)
    revoked_at = await timeline.act("revocation", by="third_party", reason="over")
    assert revoked_at == START + 5 * DAY
    await timeline.go_to(START + 20 * DAY)
    assert await timeline.at(revoked_at - TICK) == "permit"
    assert await timeline.at(revoked_at) == "deny: revoked"
    assert await timeline.at(START) == "deny: not_yet_valid"
    assert await timeline.at(START + 15 * DAY) == "deny: revoked"


async def test_before_it_was_known_it_did_not_count(timeline: Timeline) -> None:
    await timeline.go_to(START + 5 * DAY)
    revoked_at = await timeline.act("revocation", by="third_party", reason="over")
    await timeline.go_to(START + 6 * DAY)
    assert await timeline.known_at(revoked_at - TICK) == "permit"
    assert await timeline.known_at(revoked_at) == "deny: revoked"
    assert await timeline.at(revoked_at - TICK, known_at=revoked_at) == "permit"
    assert await timeline.at(START + 20 * DAY, known_at=START + 2 * DAY) == "deny: expired"


async def test_before_it_was_issued_there_was_no_mandate(timeline: Timeline) -> None:
    await timeline.go_to(START + 2 * DAY)
    assert await timeline.known_at(START - TICK) == "deny: no_mandate"
    assert await timeline.known_at(START) == "permit"
    assert await timeline.at(START + 3 * DAY, known_at=START - TICK) == "deny: no_mandate"


async def test_what_was_known_is_marked_so_in_answer_and_receipt(timeline: Timeline) -> None:
    await timeline.go_to(START + 2 * DAY)
    for asked, is_historical in (
        ({"known_at": utc_text(START + DAY)}, True),
        ({"known_at": utc_text(START + 2 * DAY)}, True),
        ({"at": utc_text(START)}, False),
        ({}, False),
    ):
        answer = await ask(timeline.owner, **asked)
        receipt = await verified(timeline.world, answer["receipt"], "mandate-receipt+jwt")
        assert answer.get("historical", False) is is_historical
        assert receipt["answer"].get("historical", False) is is_historical


async def test_a_paper_original_registered_later(timeline: Timeline) -> None:
    template = await timeline.world.publish_template(timeline.owner)
    await timeline.go_to(START + 5 * DAY)
    body = mandate_body(
        template,
        principal=person("195004112354"),
        valid_from=utc_text(START + DAY),
        valid_until=utc_text(START + 20 * DAY),
        signatures=[paper_signature(person("195004112354"), START)],
    )
    issued = await timeline.owner.post("/v1/mandates", body)
    assert issued.status_code == 201, issued.text
    herman = {"principal": person("195004112354", None)}
    yesterday, registered = utc_text(START + 4 * DAY), utc_text(START + 5 * DAY)
    assert await decision(timeline.owner, **herman, at=yesterday) == "permit"
    assert await decision(timeline.owner, **herman, at=yesterday, known_at=yesterday) == "deny: no_mandate"
    assert await decision(timeline.owner, **herman, at=yesterday, known_at=registered) == "permit"


async def test_suspended_from_its_time_to_its_resumption(timeline: Timeline) -> None:
    await timeline.go_to(START + 3 * DAY)
    suspended_at = await timeline.act("suspension", reason="audit")
    await timeline.go_to(START + 4 * DAY)
    resumed_at = await timeline.act("resumption", reason="done")
    assert await timeline.at(suspended_at - TICK) == "permit"
    assert await timeline.at(suspended_at) == "deny: suspended"
    assert await timeline.at(resumed_at - TICK) == "deny: suspended"
    assert await timeline.at(resumed_at) == "permit"
    assert await timeline.known_at(resumed_at - TICK) == "deny: suspended"


async def test_used_up_from_its_last_use(timeline: Timeline) -> None:
    await timeline.go_to(START + 3 * DAY)
    by = person(PAUL, None)
    used_at = await timeline.act("uses", permission="apply", case_ref="2026-114", by=by)
    await timeline.go_to(START + 4 * DAY)
    assert await timeline.at(used_at - TICK) == "permit"
    assert await timeline.at(used_at) == "deny: used_up"
    assert await timeline.at(START + 20 * DAY) == "deny: expired"


class TestClocksThatDiffer:
    """What one process has acknowledged counts at once for every other, whatever its clock says."""

    async def test_a_revocation_by_a_clock_that_runs_ahead(self, timeline: Timeline) -> None:
        await timeline.go_to(START + 2 * DAY)
        ahead = world_at(timeline.world, START + 2 * DAY + 30 * timedelta(seconds=1))
        other = await calling(ahead, timeline.owner)
        assert await decision(timeline.owner) == "permit"
        address = f"/v1/mandates/{timeline.mandate['id']}"
        revoked = await other.post(f"{address}/revocation", {"by": "third_party", "reason": "over"})
        assert revoked.status_code == 201
        assert utc_time(revoked.json()["at"]) > timeline.world.clock()
        assert await decision(timeline.owner) == "deny: revoked"
        batch = await timeline.owner.post(
            "/v1/verifications/batch", {"questions": [question(timeline.owner)] * 3}
        )
        assert {in_short(answer) for answer in batch.json()["answers"]} == {"deny: revoked"}
        assert (await timeline.owner.get(address)).json()["status"] == "revoked"
        search = await timeline.owner.post(
            "/v1/representations/search", {"representative": person(PAUL, None)}
        )
        assert search.json()["items"] == []
        statuses = await timeline.owner.post("/v1/mandates/status", {"ids": [timeline.mandate["id"]]})
        assert statuses.json()["items"][0]["status"] == "revoked"
        found = await timeline.owner.post("/v1/mandates/search", {"status": "revoked"})
        assert [item["id"] for item in found.json()["items"]] == [timeline.mandate["id"]]

    async def test_the_second_revocation_by_a_clock_that_is_behind(self, timeline: Timeline) -> None:
        await timeline.go_to(START + 2 * DAY)
        other = await calling(world_at(timeline.world, START + 2 * DAY + HOUR), timeline.owner)
        address = f"/v1/mandates/{timeline.mandate['id']}/revocation"
        body = {"by": "third_party", "reason": "over"}
        first = (await other.post(address, body)).json()
        again = await timeline.owner.post(address, body)
        assert problem(again) == "409 already-ended"
        assert again.json()["ended_by"]["event_id"] == first["event_id"]

    async def test_acts_by_clocks_that_differ_stay_in_order(self, timeline: Timeline) -> None:
        ahead_time = START + 2 * DAY + HOUR
        await timeline.go_to(START + 2 * DAY)
        other = await calling(world_at(timeline.world, ahead_time), timeline.owner)
        address = f"/v1/mandates/{timeline.mandate['id']}"
        assert (await other.post(f"{address}/suspension", {"reason": "audit"})).status_code == 201
        assert await decision(timeline.owner) == "deny: suspended"
        resumed_at = await timeline.act("resumption", reason="done")
        assert resumed_at == ahead_time, "never before what it follows"
        assert await decision(timeline.owner) == "permit"
        assert await decision(other) == "permit"

    async def test_superseding_what_a_clock_ahead_has_revoked(self, timeline: Timeline) -> None:
        await timeline.go_to(START + 2 * DAY)
        other = await calling(world_at(timeline.world, START + 2 * DAY + HOUR), timeline.owner)
        address = f"/v1/mandates/{timeline.mandate['id']}"
        body = {"by": "third_party", "reason": "over"}
        assert (await other.post(f"{address}/revocation", body)).status_code == 201
        template = await timeline.world.publish_template(timeline.owner)
        new = mandate_body(template, supersedes=timeline.mandate["id"])
        signed = await timeline.world.sign(timeline.owner, new, BERI)
        assert problem(await timeline.owner.post("/v1/mandates", signed)) == "409 mandate-over"

    async def test_a_last_use_by_a_clock_that_runs_ahead(self, timeline: Timeline) -> None:
        await timeline.go_to(START + 2 * DAY)
        other = await calling(world_at(timeline.world, START + 2 * DAY + HOUR), timeline.owner)
        use = {"permission": "apply", "case_ref": "2026-114", "by": person(PAUL, None)}
        address = f"/v1/mandates/{timeline.mandate['id']}/uses"
        assert (await other.post(address, use)).status_code == 201
        assert await decision(timeline.owner) == "deny: used_up"
        assert problem(await timeline.owner.post(address, use)) == "409 mandate-over"
