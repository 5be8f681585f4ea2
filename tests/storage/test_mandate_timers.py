"""Warnings and expiry: once each, at their time, also after a long time without a worker."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from conftest import CloneDatabase, opened, run_sql
from delegating import grant_on
from factories import MARIA, PAUL, Clock, Json, Organisation, World, person
from fsck_population import START
from registry.domain.documents import utc_text, utc_time
from registry.fsck import Kind, check_database, rebuild_projection
from registry.signing.keys import KeyRing
from telling import done, read_feed, tell

INSTANT = timedelta(microseconds=1)
REVOKED = {"by": "third_party", "reason": "over"}


@dataclass
class Own:
    """A database of the module's own, whose clock only the tests move."""

    url: str
    world: World
    owner: Organisation
    template: Json
    seen: int = 0

    async def issue(self, number: str, **changes: object) -> Json:
        return await self.world.issue(self.owner, self.template, specifier={"property": number}, **changes)

    async def told_at(
        self, mandate: Json, days_before: int, *, earlier: timedelta = timedelta()
    ) -> list[str]:
        """What is told of a mandate so many days before its end, or earlier, since the last look."""
        self.world.clock.fixed = utc_time(mandate["valid_until"]) - timedelta(days=days_before) - earlier
        await tell(self.world)
        reader = await self.world.organisation(self.owner.party)
        found = await read_feed(reader, types="mandate.expiring,mandate.expired")
        events = [event for event in found[self.seen :] if event["mandate_id"] == mandate["id"]]
        self.seen = len(found)
        for event in events:
            assert event["details"]["valid_until"] == mandate["valid_until"]
        return [f"{event['type']} {event['details'].get('days', '')}".strip() for event in events]


@pytest.fixture
async def own(clone_database: CloneDatabase, keys: KeyRing) -> AsyncIterator[Own]:
    url = await clone_database()
    async with opened(url) as database:
        world = World(database, keys, Clock(START))
        owner = await world.organisation()
        terms = {"expiry_warning_days": [30, 7], "specifiers": ["property"], "delegation": {"max_depth": 1}}
        yield Own(url, world, owner, await world.publish_template(owner, **terms))


async def test_warnings_and_the_end_come_to_the_instant_and_once(own: Own) -> None:
    mandate = await own.issue("1:1")
    for days, expected in ((30, "mandate.expiring 30"), (7, "mandate.expiring 7"), (0, "mandate.expired")):
        assert await own.told_at(mandate, days, earlier=INSTANT) == []
        assert await own.told_at(mandate, days) == [expected]
        assert await own.told_at(mandate, days) == []
    assert await own.told_at(mandate, -400) == []


async def test_after_days_of_downtime_the_last_warning_alone_is_given(own: Own) -> None:
    mandate = await own.issue("1:1")
    assert await own.told_at(mandate, 3) == ["mandate.expiring 7"]
    assert await own.told_at(mandate, -9) == ["mandate.expired"]


async def test_nobody_is_warned_of_what_is_over(own: Own) -> None:
    mandate = await own.issue("1:1")
    assert await own.told_at(mandate, -100) == ["mandate.expired"]


async def test_what_ended_early_neither_warns_nor_expires(own: Own) -> None:
    root = await own.issue("1:1")
    below = await grant_on(own.world, own.owner, root, MARIA)
    await done(own.owner, f"/v1/mandates/{root['id']}/revocation", REVOKED)
    once = await own.world.publish_template(own.owner, exercise={"max_uses": 1})
    spent = await own.world.issue(own.owner, once)
    use = {"permission": "apply", "case_ref": "A-1", "by": person(PAUL, None)}
    await done(own.owner, f"/v1/mandates/{spent['id']}/uses", use)
    for mandate in (root, below, spent):
        assert await own.told_at(mandate, -1) == []


async def test_the_end_names_the_open_cases_and_was_then(own: Own) -> None:
    mandate = await own.issue("1:1")
    use = {"permission": "apply", "case_ref": "A-1", "by": person(PAUL, None)}
    used = await done(own.owner, f"/v1/mandates/{mandate['id']}/uses", use)
    own.world.clock.fixed = utc_time(mandate["valid_until"]) + timedelta(hours=5)
    await tell(own.world)
    reader = await own.world.organisation(own.owner.party)
    expired = (await read_feed(reader))[-1]
    assert expired["type"] == "mandate.expired"
    assert expired["occurred_at"] == mandate["valid_until"]
    assert expired["open_cases"] == [{"use_id": used["id"], "case_ref": "A-1"}]


async def test_fsck_finds_timers_that_are_lost_stray_or_late_and_sets_them_right(own: Own) -> None:
    lost, late, stray = [await own.issue(f"1:{number}") for number in range(3)]
    until = utc_text(utc_time(late["valid_until"]) + timedelta(days=1))
    endless = await own.issue("1:9", valid_until=until)
    await done(own.owner, f"/v1/mandates/{stray['id']}/revocation", REVOKED)
    await run_sql(
        own.url,
        f"DELETE FROM mandate_timers WHERE mandate_id = '{lost['id']}'",  # noqa: S608  # our own ids
        f"UPDATE mandate_timers SET due_at = due_at + interval '1 day' WHERE mandate_id = '{late['id']}'",  # noqa: S608  # as above
        f"INSERT INTO mandate_timers VALUES ('{stray['id']}', now(), NULL)",  # noqa: S608  # as above
    )
    report = await check_database(own.world.database, own.world.keys, jobs=1)
    assert {(item.table, item.row, item.kind) for item in report.findings} == {
        ("mandate_timers", lost["id"], Kind.MISSING_ROW),
        ("mandate_timers", late["id"], Kind.COLUMN_MISMATCH),
        ("mandate_timers", stray["id"], Kind.UNEXPECTED_ROW),
    }
    rebuilt = await rebuild_projection(own.world.database, own.world.keys)
    assert (rebuilt.written, rebuilt.removed) == ({"mandate_timers": 2}, {"mandate_timers": 2})
    assert (await check_database(own.world.database, own.world.keys, jobs=1)).findings == ()
    assert await own.told_at(late, 30) == ["mandate.expiring 30"]
    assert await own.told_at(endless, 30) == ["mandate.expiring 30"]


async def test_a_record_that_cannot_be_read_holds_up_no_other_timer(own: Own) -> None:
    broken, whole = await own.issue("1:1"), await own.issue("2:1")
    await run_sql(
        own.url,
        f"UPDATE mandate_states SET organisation_indexes = NULL WHERE mandate_id = '{broken['id']}'",  # noqa: S608  # our own id
        f"UPDATE erasable_secrets SET wrapped = '\\x00' WHERE subject_id = '{broken['id']}'",  # noqa: S608  # our own id
    )
    assert await own.told_at(whole, 0) == ["mandate.expired"]
    assert await own.told_at(broken, 0) == []
