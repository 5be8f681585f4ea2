"""Ending a mandate, and with it everything that was granted on from it."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from registry.domain.callers import Caller
from registry.domain.delegation import present_status
from registry.domain.errors import AlreadyEndedError
from registry.domain.events import EventType, MandateEvent
from registry.domain.notices import FeedEventType
from registry.domain.revocation import check_not_over, is_over
from registry.operations.act_on_mandate import HeldMandate
from registry.operations.announce import Happening, announce_happenings
from registry.operations.record_event import NewEvent, earliest_date, record_events
from registry.signing.keys import KeyRing
from registry.storage.ancestors import list_ended_with
from registry.storage.database import Database, ReadSession, WriteSession
from registry.storage.mandate_records import get_ending
from registry.storage.mandate_states import MandateState, lock_descendants

_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class EndedMandate:
    """The event that ended a mandate, and the mandates below it that ended with it, in the order of issue."""

    event: MandateEvent
    also_ended: tuple[UUID, ...] = ()


async def end_mandate(
    session: WriteSession,
    keys: KeyRing,
    caller: Caller,
    state: MandateState,
    ending: NewEvent,
    *,
    now: datetime,
) -> EndedMandate:
    """Record an ending of a mandate that this transaction has locked, and revoke all that is below it.

    Each mandate below gets a sealed event of its own, which names the one that ended. All of them end at the
    same moment; what is over by itself (expired, used up) is left as it is. Everything is written in the
    caller's transaction. Raises NotFoundError where one of them was erased.
    """
    below = [
        item
        for item in await lock_descendants(session, state.mandate_id)
        if not _is_over_by_itself(item, now)
    ]
    ended_at = max(earliest_date(item, now) for item in (state, *below))
    # What is stated of the one mandate is not for the parties of the others to read.
    author = replace(ending.author, statement=None)
    details = {"ended_with": str(state.mandate_id)}
    cascade = NewEvent(EventType.REVOKED, author, reason="ancestor_ended", details=details)
    events = [(state, ending), *((item, cascade) for item in below)]
    recorded: list[MandateEvent] = []
    for start in range(0, len(events), _AT_ONCE):
        batch = events[start : start + _AT_ONCE]
        recorded += await record_events(session, keys, caller, batch, now=ended_at)
    return EndedMandate(recorded[0], tuple(item.mandate_id for item in below))


async def tell_below(session: WriteSession, keys: KeyRing, used_up: MandateEvent, *, now: datetime) -> None:
    """Tell that all that was granted on from a locked mandate permits nothing any more: it is used up.

    Nothing is recorded on those below: their status follows from what is recorded above. What was over
    before is not told again.
    """
    found = await lock_descendants(session, used_up.mandate_id)
    happenings = [
        Happening(uuid7(), item.mandate_id, FeedEventType.MANDATE_USED_UP, used_up.at, {})
        for item in found
        if not _was_over(item, used_up.mandate_id, now)
    ]
    await announce_happenings(session, keys, happenings)


async def list_also_ended(database: Database, superseded: UUID | None) -> list[UUID]:
    """The mandates that ended with one that was superseded, as `end_mandate`. Raises UnavailableError."""
    if superseded is None:
        return []
    async with database.reading() as session:
        return await list_ended_with(session, superseded)


def _is_over_by_itself(state: MandateState, now: datetime) -> bool:
    return is_over(present_status(state.lifetime, (), now))


def _was_over(state: MandateState, but_for: UUID, now: datetime) -> bool:
    """Whether a mandate is over by itself or by one above it other than this."""
    others = tuple(ancestor for ancestor in state.ancestors if ancestor.mandate_id != but_for)
    return is_over(present_status(state.lifetime, others, now))


async def check_not_ended(session: ReadSession, held: HeldMandate) -> None:
    """Raise AlreadyEndedError, which names what ended a locked mandate, or MandateOverError."""
    ending = await get_ending(session, held.state.mandate_id)
    if ending is not None:
        raise AlreadyEndedError(ending.event_id, ending.type.value, ending.ended_at)
    check_not_over(held.status)
