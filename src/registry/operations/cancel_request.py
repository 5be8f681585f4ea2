"""Cancel a mandate request: who asked takes it back, which ends it."""

from datetime import datetime
from uuid import UUID

from registry.domain.callers import Caller
from registry.domain.documents import party_document
from registry.domain.errors import ForbiddenError
from registry.domain.notices import FeedEventType
from registry.domain.request import RequestEntry
from registry.operations.act_on_request import HeldRequest, check_pending, hold_request, record_request_entry
from registry.operations.announce import announce_request
from registry.signing.keys import KeyRing
from registry.storage.database import Database


async def cancel_request(
    database: Database,
    keys: KeyRing,
    caller: Caller,
    request_id: UUID,
    reason: str | None,
    *,
    now: datetime,
) -> HeldRequest:
    """End a request as the organisation that asked; committed when this returns.

    Raises NotFoundError, ForbiddenError, RequestOverError.
    """
    async with database.transaction() as session:
        held = await hold_request(session, keys, request_id, caller, None)
        if caller.organisation != held.request.asked_by:
            raise ForbiddenError("Only the organisation that asked takes the request back.")
        check_pending(held.request, now)
        details = {"by": party_document(caller.organisation), "reason": reason}
        after = await record_request_entry(
            session, keys, caller, held, RequestEntry.CANCELLED, details, now=now
        )
        at = after.entries[-1].entry.recorded_at
        await announce_request(session, keys, held.request, FeedEventType.REQUEST_CANCELLED, {}, at=at)
    return after
