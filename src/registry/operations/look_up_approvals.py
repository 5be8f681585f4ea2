"""Look up approvals: one by id, many by search. Each look-up of a person is logged."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from uuid_utils import uuid7

from registry.domain.approvals import Approval, ApprovalStatus, read_approval
from registry.domain.callers import Caller
from registry.domain.documents import Json
from registry.domain.errors import NotFoundError
from registry.domain.parties import Party
from registry.signing.keys import KeyRing
from registry.storage.access_log import AccessEntry, AccessLog
from registry.storage.approvals import ApprovalFilter, is_approval_visible, search_approvals
from registry.storage.sealed_entries import list_subjects

MOST_WAITING = 100
"""How many are shown at most that wait for a person; those that were asked first come first."""


async def get_approval(
    log: AccessLog, caller: Caller, person: Party | None, approval_id: UUID, *, now: datetime
) -> Approval:
    """One approval, to an organisation with a part in it, or to the person whom an id token named.

    Raises NotFoundError for any other, UnavailableError.
    """
    async with log.database.transaction() as session:
        is_seen = await is_approval_visible(
            session,
            log.keys,
            approval_id,
            seen_by=_claimants(caller, person),
            departments=caller.departments,
        )
        if not is_seen:
            raise NotFoundError
        found = await list_subjects(session, log.keys, [approval_id], read_approval)
        if not found:
            raise NotFoundError
        approval = found[0]
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


async def find_approvals(
    log: AccessLog,
    caller: Caller,
    person: Party | None,
    wanted: ApprovalFilter,
    *,
    document: Mapping[str, Json],
    after: UUID | None,
    limit: int,
) -> list[Approval]:
    """A page of the approvals in which the caller's organisation, or the person, has a part.

    In the order they were requested. `document` is the search as asked, for the access log. Raises
    UnavailableError.
    """

    def index(party: Party | None) -> bytes | None:
        return None if party is None else log.keys.party_index(party)

    async with log.database.transaction() as session:
        ids = await search_approvals(
            session,
            log.keys,
            wanted,
            seen_by=_claimants(caller, person),
            departments=caller.departments,
            after=after,
            limit=limit,
        )
        approvals = await list_subjects(session, log.keys, ids, read_approval)
        found: list[Json] = [str(approval_id) for approval_id in ids]
        entry = AccessEntry(
            id=str(uuid7()),
            at=wanted.now,
            client_id=caller.client_id,
            operation="approval_search",
            details={**document, "found": found},
            principal_index=index(wanted.principal),
            representative_index=index(wanted.representative),
            persons=_shown_in(log.keys, approvals),
        )
        await log.append_within(session, entry)
    return approvals


async def list_waiting_approvals(
    log: AccessLog, caller: Caller, person: Party, *, now: datetime
) -> list[Approval]:
    """The matters that wait for this person's decision, across third parties. Raises UnavailableError."""
    as_person = replace(caller, organisation=person, departments=frozenset())
    wanted = ApprovalFilter(now, representative=person, status=ApprovalStatus.PENDING)
    return await find_approvals(
        log, as_person, None, wanted, document={"own": True}, after=None, limit=MOST_WAITING
    )


def _claimants(caller: Caller, person: Party | None) -> list[Party]:
    return [caller.organisation] if person is None else [caller.organisation, person]


def _shown_in(keys: KeyRing, approvals: Iterable[Approval]) -> list[bytes]:
    """Whom approvals show: principals and representatives."""
    matters = [approval.matter for approval in approvals]
    return [
        keys.party_index(named.party) for item in matters for named in (item.principal, item.representative)
    ]
