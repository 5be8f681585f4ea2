"""The sequencer: contiguous per organisation, one at a time, and nothing holds up the rest."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from conftest import CloneDatabase, opened, run_sql
from registry.domain.notices import FeedEventType, Notice
from registry.operations.sequence_events import Sequenced, retry_set_aside, sequence_events
from registry.storage.database import Database
from registry.storage.outbox import enqueue
from registry.storage.sequencing import become_sequencer

NOW = datetime.now(UTC)
REFUSE = (
    (
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE 'no' USING ERRCODE = '22000'; END $$"
    ),
    "CREATE TRIGGER refused BEFORE INSERT ON feed_events FOR EACH ROW EXECUTE FUNCTION refuse()",
)


@dataclass(frozen=True)
class Own:
    """A database of the module's own, and two organisations of the test's."""

    url: str
    database: Database
    one: bytes
    two: bytes

    async def leave(self, *audiences: bytes, **changes: object) -> UUID:
        """Leave a notice as an act does."""
        stated = {"audiences": frozenset(audiences or {self.one}), "details": {}} | changes
        notice = Notice(uuid4(), FeedEventType.TEMPLATE_RETIRED, NOW, uuid4(), **stated)  # type: ignore[arg-type]
        async with self.database.transaction() as session:
            await enqueue(session, [notice])
        return notice.id

    async def feed(self, audience: bytes = b"") -> list[tuple[int, UUID]]:
        rows = await self.database.fetch_hot(
            "SELECT sequence, event_id FROM feed_events WHERE audience = $1 ORDER BY sequence",
            audience or self.one,
        )
        return [tuple(row) for row in rows]

    async def column(self, statement: str) -> list[object]:
        return [row[0] for row in await self.database.fetch_hot(statement)]


@pytest.fixture(scope="module")
async def database_of_own(clone_database: CloneDatabase) -> AsyncIterator[tuple[str, Database]]:
    url = await clone_database()
    async with opened(url) as database:
        yield url, database


@pytest.fixture
async def own(database_of_own: tuple[str, Database]) -> AsyncIterator[Own]:
    url, database = database_of_own
    yield Own(url, database, uuid4().bytes, uuid4().bytes)
    await run_sql(url, "DROP FUNCTION IF EXISTS refuse CASCADE", "DELETE FROM outbox_set_aside")


async def test_each_organisation_has_a_sequence_of_its_own(own: Own) -> None:
    both = await own.leave(own.one, own.two)
    mine = [await own.leave(own.one) for _ in range(2)]
    yours = await own.leave(own.two)
    assert await sequence_events(own.database, now=NOW, at_once=3) == Sequenced(3, 0, has_more=True)
    assert await sequence_events(own.database, now=NOW, at_once=3) == Sequenced(1, 0)
    assert await sequence_events(own.database, now=NOW) == Sequenced()
    assert await own.feed(own.one) == list(enumerate([both, *mine], 1))
    assert await own.feed(own.two) == list(enumerate([both, yours], 1))


async def test_one_is_at_it_at_a_time(own: Own) -> None:
    await own.leave()
    async with own.database.transaction() as session:
        assert await become_sequencer(session)
        assert await sequence_events(own.database, now=NOW) == Sequenced()
    assert (await sequence_events(own.database, now=NOW)).told == 1


@pytest.mark.parametrize("damage", ["type = 'mandate.unheard_of'", "details = '[]'"])
async def test_what_cannot_be_told_is_set_aside_and_told_once_it_can(own: Own, damage: str) -> None:
    before, bad, after = [await own.leave() for _ in range(3)]
    await run_sql(own.url, f"UPDATE outbox SET {damage} WHERE event_id = '{bad}'")  # noqa: S608  # our own id
    assert await sequence_events(own.database, now=NOW) == Sequenced(2, 1)
    assert await own.feed() == [(1, before), (2, after)]
    assert await own.column("SELECT notice ->> 'event_id' FROM outbox_set_aside") == [str(bad)]
    assert await retry_set_aside(own.database) == 1
    assert await sequence_events(own.database, now=NOW) == Sequenced(0, 1)
    repaired = """'{"type": "template.retired", "details": {}}'"""
    await run_sql(own.url, f"UPDATE outbox_set_aside SET notice = notice || {repaired}")  # noqa: S608  # as above
    assert await retry_set_aside(own.database) == 1
    assert await sequence_events(own.database, now=NOW) == Sequenced(1)
    assert await own.feed() == [(1, before), (2, after), (3, bad)]
    assert await own.column("SELECT count(*) FROM outbox_set_aside") == [0]


async def test_what_the_database_refuses_is_set_aside_for_itself(own: Own) -> None:
    before, bad, after = [await own.leave() for _ in range(3)]
    when = f"FOR EACH ROW WHEN (NEW.event_id = '{bad}')"
    await run_sql(own.url, REFUSE[0], REFUSE[1].replace("FOR EACH ROW", when))
    assert await sequence_events(own.database, now=NOW) == Sequenced(has_more=True)
    assert await sequence_events(own.database, now=NOW) == Sequenced()
    assert await own.feed() == [(1, before), (2, after)]
    assert await own.column("SELECT reason FROM outbox_set_aside") == ["DBAPIError"]


async def test_what_fails_for_all_is_nobodys_fault_and_all_stay(own: Own) -> None:
    left = [await own.leave() for _ in range(3)]
    await run_sql(own.url, *REFUSE)
    with pytest.raises(Exception, match="no"):
        await sequence_events(own.database, now=NOW)
    assert await own.column("SELECT event_id FROM outbox ORDER BY position") == left
    await run_sql(own.url, "DROP TRIGGER refused ON feed_events")
    assert (await sequence_events(own.database, now=NOW)).told == 3
    assert await own.feed() == list(enumerate(left, 1))
