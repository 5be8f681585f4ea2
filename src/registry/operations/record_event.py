"""Recording what happens to a mandate: one sealed event, chained to the one before, projected at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from uuid_utils.compat import uuid7

from registry.domain.callers import Caller
from registry.domain.documents import Json
from registry.domain.errors import NotFoundError
from registry.domain.events import ENDINGS, Author, EventType, MandateEvent, event_document
from registry.signing.encodings import encode_base64url
from registry.signing.keys import KeyRing
from registry.signing.records import SealType, seal
from registry.storage.database import WriteSession
from registry.storage.mandate_records import add_ending, add_event
from registry.storage.mandate_states import MandateState
from registry.storage.projection import apply_event
from registry.storage.secrets import get_secret


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
    secret = await get_secret(session, keys, state.mandate_id)
    if secret is None:
        raise NotFoundError
    # Clocks of processes differ: an event is never dated before what it follows.
    now = max(now, state.lifetime.issued_at, *(change.recorded_at for change in state.lifetime.changes))
    event = MandateEvent(
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
    sealed = seal(event_document(event), keys, SealType.EVENT, now=now)
    await add_event(session, secret, event, sealed)
    if event.type in ENDINGS:
        await add_ending(session, event)
    await apply_event(session, event, sealed)
    return event
