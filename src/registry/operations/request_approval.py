"""Request an approval: an e-service submits one matter for the representative to review."""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from registry.domain.approvals import REQUESTED, Matter, check_matter, matter_document
from registry.domain.callers import Caller
from registry.domain.documents import utc_text
from registry.domain.entries import SubjectKind
from registry.domain.errors import Fault, ForbiddenError, InvalidInputError
from registry.domain.notices import FeedEventType
from registry.operations.announce import announce, circle_of_matter
from registry.operations.record_entry import open_entries
from registry.signing.keys import KeyRing
from registry.storage.approvals import add_approval_state
from registry.storage.database import Database, WriteSession
from registry.storage.idempotency import IdempotentRequest, claim_key, record_effect
from registry.storage.templates import find_unknown_permissions


async def request_approval(
    database: Database,
    keys: KeyRing,
    caller: Caller,
    matter: Matter,
    idempotent: IdempotentRequest,
    *,
    now: datetime,
) -> UUID:
    """Submit a matter as its third party; returns the approval's id. Committed when this returns.

    Whether a mandate connects the parties is for verification to tell: it needs both. The same request
    under the same key is one approval. Raises ForbiddenError for another organisation's matter,
    InvalidInputError with every fault, IdempotencyKeyReusedError, RequestInProgressError, UnavailableError.
    """
    if matter.third_party.party != caller.organisation:
        raise ForbiddenError("A matter is submitted by clients of its third party.")
    async with database.transaction() as session:
        earlier = await claim_key(session, idempotent)
        if earlier is not None:
            return earlier.object_id
        await _check(session, matter, now=now)
        approval_id = uuid7()
        opened = await open_entries(
            session,
            keys,
            caller,
            SubjectKind.APPROVAL,
            approval_id,
            REQUESTED,
            matter_document(matter),
            now=now,
        )
        await add_approval_state(session, keys, opened.entry)
        circle, told = circle_of_matter(keys, matter), {"deadline": utc_text(matter.deadline)}
        await announce(session, circle, FeedEventType.APPROVAL_REQUESTED, approval_id, told, at=now)
        await record_effect(session, idempotent, approval_id, now=now)
    return approval_id


async def _check(session: WriteSession, matter: Matter, *, now: datetime) -> None:
    faults = list(check_matter(matter, now=now))
    if await find_unknown_permissions(session, matter.third_party.party, frozenset({matter.permission})):
        message = "The third party has published no template with this permission."
        faults.append(Fault("/permission", "unknown_permission", message))
    if faults:
        raise InvalidInputError(tuple(faults))
