"""Decline a mandate request: who is asked to sign says no, which ends it."""

from datetime import datetime
from uuid import UUID

from registry.domain.callers import Caller
from registry.domain.documents import party_document
from registry.domain.errors import ForbiddenError
from registry.domain.mandate import Capacity
from registry.domain.notices import FeedEventType
from registry.domain.parties import Party
from registry.domain.request import AlreadySignedError, MandateRequest, RequestEntry, asked_signers
from registry.operations.act_on_request import HeldRequest, check_pending, hold_request, record_request_entry
from registry.operations.announce import announce_request
from registry.signing.keys import KeyRing
from registry.storage.database import Database


async def decline_request(
    database: Database,
    keys: KeyRing,
    caller: Caller,
    request_id: UUID,
    reason: str | None,
    *,
    person: Party | None,
    now: datetime,
) -> HeldRequest:
    """End a request as one who is asked to sign it; committed when this returns.

    `person` is whom an id token named. Without one, the caller's organisation declines: as signer, or as
    the principal in whose name others are asked. Who has signed has given its word. Raises NotFoundError,
    ForbiddenError, RequestOverError, AlreadySignedError.
    """
    async with database.transaction() as session:
        held = await hold_request(session, keys, request_id, caller, person)
        actor = person or caller.organisation
        if actor not in held.seen_by or not _is_asked(held.request, actor):
            raise ForbiddenError(
                "Only who is asked to sign declines: prove the person by an id token, or call as its client."
            )
        check_pending(held.request, now)
        if any(signature.signer.party == actor for signature in held.request.signatures):
            raise AlreadySignedError
        details = {"by": party_document(actor), "reason": reason}
        after = await record_request_entry(
            session, keys, caller, held, RequestEntry.DECLINED, details, now=now
        )
        at = after.entries[-1].entry.recorded_at
        await announce_request(session, keys, held.request, FeedEventType.REQUEST_DECLINED, {}, at=at)
    return after


def _is_asked(request: MandateRequest, actor: Party) -> bool:
    is_principal = actor == request.content.principal.party
    return actor in asked_signers(request) or (is_principal and request.capacity is Capacity.SIGNATORY)
