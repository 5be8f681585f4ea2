"""The feeds: each organisation's events in order, as they are read by cursor."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, LargeBinary, Row, and_, func, literal, or_, select

from registry.domain.feed import EventsForgottenError, FeedEvent, OpenCase
from registry.domain.notices import FeedEventType
from registry.signing.keys import KeyRing
from registry.storage.database import ReadSession
from registry.storage.open_uses import list_case_refs
from registry.storage.tables import feed_events, feed_heads

_events = feed_events.c

_KNOWN = frozenset(event_type.value for event_type in FeedEventType)
_AT_A_GLANCE = 10_000
"""How many events are looked through for a page that filters them, before the place moves on."""


@dataclass(frozen=True, slots=True)
class FeedFilter:
    """Which events of a feed. No types is all; as third party only of these departments, unless none."""

    types: frozenset[FeedEventType] = frozenset()
    departments: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Events in order, the sequence up to which they were looked through, and whether there is more."""

    events: Sequence[FeedEvent]
    upto: int
    has_more: bool


async def read_feed(
    session: ReadSession,
    keys: KeyRing,
    audience: bytes,
    wanted: FeedFilter,
    *,
    after: int | None,
    limit: int,
) -> FeedPage:
    """A page of an organisation's events after a sequence; None begins with the oldest that is kept.

    It ends before the first event of a type that this code does not know. Raises EventsForgottenError where
    the next event is kept no longer, or `after` was never reached.
    """
    head = await _head(session, audience)
    after = await _place(session, audience, after, head)
    upto = min(head, after + _AT_A_GLANCE)
    rows = await session.execute(
        select(feed_events)
        .where(_events.audience == audience, _events.sequence > after, _events.sequence <= upto)
        .where(*_conditions(wanted))
        .order_by(_events.sequence)
        .limit(limit)
    )
    found = rows.all()
    if len(found) == limit:
        upto = found[-1].sequence
    unknown = next((row.sequence for row in found if row.type not in _KNOWN), None)
    if unknown is not None:
        # Newer code told of it, as a release is rolled out: it waits for readers that know what it is.
        found = [row for row in found if row.sequence < unknown]
        head = upto = unknown - 1
    return FeedPage(await read_feed_rows(session, keys, found), upto, upto < head)


async def read_feed_rows(session: ReadSession, keys: KeyRing, rows: Iterable[Row[Any]]) -> list[FeedEvent]:
    """Rows of `feed_events` as events, with the references of the cases that they name."""
    found = list(rows)
    cases = {(row.subject_id, use_id) for row in found for use_id in row.open_uses or ()}
    references = await list_case_refs(session, keys, cases)
    return [
        FeedEvent(
            id=row.event_id,
            type=FeedEventType(row.type),
            sequence=row.sequence,
            occurred_at=row.occurred_at,
            subject_id=row.subject_id,
            template_id=row.template_id,
            template_version=row.template_version,
            services=tuple(row.services),
            notify=tuple(row.notify),
            details=row.details,
            open_cases=tuple(OpenCase(use_id, references.get(use_id)) for use_id in row.open_uses or ()),
        )
        for row in found
    ]


async def list_feed_rows(
    session: ReadSession, places: Collection[tuple[bytes, int]], *, since: datetime
) -> Sequence[Row[Any]]:
    """Rows of `feed_events` by audience and sequence, of those sequenced since then; any order."""
    given = func.unnest(
        literal([audience for audience, _ in places], ARRAY(LargeBinary)),
        literal([sequence for _, sequence in places], ARRAY(BigInteger)),
    )
    asked = given.table_valued("audience", "sequence").render_derived(name="asked")
    same = and_(_events.audience == asked.c.audience, _events.sequence == asked.c.sequence)
    rows = await session.execute(select(feed_events).join(asked, same).where(_events.sequenced_at >= since))
    return rows.all()


async def _head(session: ReadSession, audience: bytes) -> int:
    found = await session.execute(select(feed_heads.c.sequence).where(feed_heads.c.audience == audience))
    return found.scalar_one_or_none() or 0


async def _place(session: ReadSession, audience: bytes, after: int | None, head: int) -> int:
    """The sequence after which to read, if what comes next is there."""
    if after is None:
        oldest = select(func.min(_events.sequence)).where(_events.audience == audience)
        first = (await session.execute(oldest)).scalar_one_or_none()
        return head if first is None else int(first) - 1
    if after == head:
        return after
    following = select(_events.sequence).where(_events.audience == audience, _events.sequence == after + 1)
    if after > head or await session.one_or_none(following) is None:
        raise EventsForgottenError
    return after


def _conditions(wanted: FeedFilter) -> Collection[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.types:
        conditions.append(_events.type.in_([event_type.value for event_type in wanted.types]))
    if wanted.departments:
        conditions.append(or_(~_events.is_third_party, _events.department.in_(wanted.departments)))
    return conditions
