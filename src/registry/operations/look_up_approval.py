"""Look up an approval. Each look-up of a person is logged."""

from datetime import datetime
from uuid import UUID

from uuid_utils import uuid7

from registry.domain.approvals import Approval, read_approval
from registry.domain.callers import Caller
from registry.domain.errors import NotFoundError
from registry.domain.parties import Party
from registry.storage.access_log import AccessEntry, AccessLog
from registry.storage.approvals import is_approval_visible
from registry.storage.sealed_entries import list_entries


async def get_approval(
    log: AccessLog, caller: Caller, person: Party | None, approval_id: UUID, *, now: datetime
) -> Approval:
    """One approval, to an organisation with a part in it, or to the person whom an id token named.

    Raises NotFoundError for any other, UnavailableError.
    """
    seen_by = [caller.organisation] if person is None else [caller.organisation, person]
    async with log.database.transaction() as session:
        if not await is_approval_visible(
            session, log.keys, approval_id, seen_by=seen_by, departments=caller.departments
        ):
            raise NotFoundError
        entries = (await list_entries(session, log.keys, [approval_id])).get(approval_id)
        if entries is None:
            raise NotFoundError
        approval = read_approval([item.entry for item in entries])
        entry = AccessEntry(
            id=str(uuid7()),
            at=now,
            client_id=caller.client_id,
            operation="approval",
            details={"approval_id": str(approval_id)},
            principal_index=log.keys.party_index(approval.matter.principal.party),
            representative_index=log.keys.party_index(approval.matter.representative.party),
        )
        await log.append_within(session, entry)
    return approval
