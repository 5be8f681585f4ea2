"""Close a use: its case is over, and no longer named when the mandate ends."""

from datetime import datetime
from uuid import UUID

from registry.domain.callers import Caller
from registry.domain.errors import NotFoundError
from registry.domain.events import EventType, MandateEvent
from registry.domain.revocation import UseClosedError
from registry.domain.template import Role
from registry.operations.act_on_mandate import author_of_act, hold_mandate
from registry.operations.record_event import NewEvent, record_event
from registry.signing.keys import KeyRing
from registry.storage.database import Database
from registry.storage.mandate_records import has_event
from registry.storage.open_uses import is_use_open


async def close_use(
    database: Database, keys: KeyRing, caller: Caller, mandate_id: UUID, use_id: UUID, *, now: datetime
) -> MandateEvent:
    """Record that the case of a use is over, as the third party that recorded it; also of an ended mandate.

    A closed use still counts as one. Committed when this returns; of racing closures the first wins. Raises
    NotFoundError, ForbiddenError, UseClosedError, UnavailableError.
    """
    async with database.transaction() as session:
        held = await hold_mandate(session, keys, mandate_id, caller, now=now)
        author = author_of_act(held, Role.THIRD_PARTY, caller, person=None, registrar=None)
        if not await is_use_open(session, mandate_id, use_id):
            if await has_event(session, mandate_id, use_id, EventType.USED):
                raise UseClosedError
            raise NotFoundError
        closed = NewEvent(EventType.USE_CLOSED, author, details={"use_id": str(use_id)})
        return await record_event(session, keys, caller, held.state, closed, now=now)
