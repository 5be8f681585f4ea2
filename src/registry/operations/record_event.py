"""Recording what happens to a mandate: one sealed event, chained to the one before, projected at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from uuid_utils.compat import uuid7

from registry.domain.callers import Caller
from registry.domain.documents import Json
from registry.domain.errors import NotFoundError
from registry.domain.events import ENDINGS, Author, EventType, MandateEvent, event_document
from registry.operations.announce import announce_events
from registry.signing.encodings import encode_base64url
from registry.signing.keys import KeyRing
from registry.signing.records import SealType, seal
from registry.storage.database import WriteSession
from registry.storage.mandate_records import add_endings, add_events
from registry.storage.mandate_states import MandateState
from registry.storage.projection import apply_events
from registry.storage.secrets import list_secrets


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that is to be recorded."""

    type: EventType
    author: Author
    reason: str | None = None
    details: Mapping[str, Json] = field(default_factory=dict)


async def record_event(
    session: WriteSession,
    keys: KeyRing,
    caller: Caller,
    state: MandateState,
    new: NewEvent,
    *,
    now: datetime,
) -> MandateEvent:
    """Seal and record an event on a mandate whose state this transaction has locked.

    Everything is written in the caller's transaction. Raises NotFoundError where the mandate was erased.
    """
    (event,) = await record_events(session, keys, caller, [(state, new)], now=now)
    return event


async def record_events(
    session: WriteSession,
    keys: KeyRing,
    caller: Caller,
    new: Sequence[tuple[MandateState, NewEvent]],
    *,
    now: datetime,
) -> list[MandateEvent]:
    """Record one event on each of several mandates, in a few statements, and tell of them."""
    secrets = await list_secrets(session, keys, [state.mandate_id for state, _ in new])
    if len(secrets) < len(new):
        raise NotFoundError
    sealed = []
    for state, item in new:
        event = _event(state, item, caller, now)
        sealed.append((event, seal(event_document(event), keys, SealType.EVENT, now=event.at)))
    await add_events(session, sealed, secrets)
    events = [event for event, _ in sealed]
    endings = [event for event in events if event.type in ENDINGS]
    if endings:
        await add_endings(session, endings)
    await apply_events(session, sealed)
    await announce_events(session, keys, events)
    return events


def earliest_date(state: MandateState, now: datetime) -> datetime:
    """When an event can be dated: clocks of processes differ, and none is dated before what it follows."""
    return max(now, state.lifetime.issued_at, *(change.recorded_at for change in state.lifetime.changes))


def _event(state: MandateState, new: NewEvent, caller: Caller, now: datetime) -> MandateEvent:
    now = earliest_date(state, now)
    return MandateEvent(
        id=uuid7(),
        mandate_id=state.mandate_id,
        number=state.event_count + 1,
        type=new.type,
        at=now,
        recorded_at=now,
        author=new.author,
        reason=new.reason,
        registered_by=caller.urn,
        previous=encode_base64url(state.last_digest),
        details=new.details,
    )
