"""Where approvals stand: the projection of their sealed entries, which verification reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, insert, or_, select, update

from registry.domain.approvals import (
    Approval,
    ApprovalStatus,
    NamedApproval,
    Verdict,
    read_approval,
    role_beside,
)
from registry.domain.entries import Entry
from registry.domain.parties import Party, PartyType
from registry.signing.keys import KeyRing
from registry.storage.candidates import PartiesAsked
from registry.storage.database import Database, ReadSession, WriteSession
from registry.storage.departments import has_permission_of_departments
from registry.storage.tables import approval_states, representations

_states = approval_states.c

_FIND = """
SELECT approval_id, third_party, principal_index, principal_role, representative_index, permission,
    content_index, deadline, decision, decided_at
FROM approval_states WHERE approval_id = ANY($1::uuid[])
"""


_PARTIES = ("third_party", "principal_index", "principal_role", "representative_index")


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """Which approval a question between these parties names, if any, and of which content.

    `principal_role` as `role_beside` tells it.
    """

    approval_id: UUID | None
    content_digest: str | None
    between: PartiesAsked
    principal_role: PartyType | None = None


@dataclass(frozen=True, slots=True)
class ApprovalFilter:
    """Which approvals to find. None means any; `status` is that at `now`."""

    now: datetime
    principal: Party | None = None
    representative: Party | None = None
    third_party: Party | None = None
    permission: str | None = None
    status: ApprovalStatus | None = None


def approved_content_index(keys: KeyRing, content_digest: str) -> bytes:
    """The blind index of the content of a matter."""
    return keys.blind_index(f"approved-content:{content_digest}")


def approval_row(entries: Sequence[Entry], keys: KeyRing) -> dict[str, Any]:
    """The row of `approval_states` after these entries, oldest first. Pure: writing and fsck agree."""
    approval = read_approval(entries)
    matter, decision = approval.matter, approval.decision
    role = role_beside(matter.principal.party, matter.principal_role)
    return {
        "approval_id": approval.id,
        "third_party": str(matter.third_party.party),
        "principal_index": keys.party_index(matter.principal.party),
        "representative_index": keys.party_index(matter.representative.party),
        "permission": matter.permission,
        "content_index": approved_content_index(keys, matter.content_digest),
        "requested_at": approval.requested_at,
        "deadline": matter.deadline,
        "decision": None if decision is None else decision.verdict.value,
        "decided_at": None if decision is None else decision.decided_at,
        "entry_count": len(entries),
        "principal_role": None if role is None else role.value,
    }


async def add_approval_state(session: WriteSession, keys: KeyRing, entry: Entry) -> None:
    """Project an approval that has just been requested."""
    await session.execute(insert(approval_states).values(approval_row([entry], keys)))


async def mark_decided(
    session: WriteSession, approval: Approval, verdict: Verdict, decided_at: datetime, *, entry_count: int
) -> None:
    """Project the decision on an approval that this transaction has locked."""
    await session.execute(
        update(approval_states)
        .where(_states.approval_id == approval.id)
        .values(decision=verdict.value, decided_at=decided_at, entry_count=entry_count)
    )


async def lock_approval(
    session: WriteSession,
    keys: KeyRing,
    approval_id: UUID,
    *,
    seen_by: Sequence[Party],
    departments: frozenset[str] = frozenset(),
) -> bool:
    """Lock an approval against every other act on it; False where none of these may see it.

    `departments` as `party_sees_approval`.
    """
    statement = _visible(keys, approval_id, seen_by, departments).with_for_update()
    return await session.one_or_none(statement) is not None


async def is_approval_visible(
    session: ReadSession,
    keys: KeyRing,
    approval_id: UUID,
    *,
    seen_by: Sequence[Party],
    departments: frozenset[str] = frozenset(),
) -> bool:
    """Whether there is this approval, and one of these has a part in it; as `lock_approval`."""
    return await session.one_or_none(_visible(keys, approval_id, seen_by, departments)) is not None


def _visible(
    keys: KeyRing, approval_id: UUID, seen_by: Sequence[Party], departments: frozenset[str]
) -> Select[tuple[UUID]]:
    return select(_states.approval_id).where(
        _states.approval_id == approval_id, _takes_part(keys, seen_by, departments)
    )


async def find_approvals(
    database: Database, keys: KeyRing, asked: Sequence[ApprovalAsked]
) -> list[NamedApproval | None]:
    """What verification needs of the approval that each question names, as it stands now.

    None where none is named. An unknown one is told as one of other parties. Raises UnavailableError.
    """
    ids = {item.approval_id for item in asked if item.approval_id is not None}
    rows = {row["approval_id"]: row for row in await database.fetch_hot(_FIND, list(ids))}
    return [
        None if item.approval_id is None else _named(rows.get(item.approval_id), item, keys) for item in asked
    ]


async def demands_approval(session: ReadSession, mandate_id: UUID) -> bool:
    """Whether every matter of a mandate has to be approved, as its template version says."""
    held = representations.c
    row = await session.one_or_none(
        select(held.approval).where(held.mandate_id == mandate_id, held.position == 0)
    )
    return row is not None and bool(row.approval)


async def find_approval(session: ReadSession, keys: KeyRing, asked: ApprovalAsked) -> NamedApproval | None:
    """As `find_approvals`, for an act that is under way."""
    if asked.approval_id is None:
        return None
    rows = await session.execute(select(approval_states).where(_states.approval_id == asked.approval_id))
    return _named(rows.mappings().one_or_none(), asked, keys)


async def search_approvals(
    session: ReadSession,
    keys: KeyRing,
    wanted: ApprovalFilter,
    *,
    seen_by: Sequence[Party],
    departments: frozenset[str],
    after: UUID | None,
    limit: int,
) -> list[UUID]:
    """A page of the approvals in which one of these has a part, in the order they were requested.

    `after` is exclusive; `departments` as `party_sees_approval`.
    """
    conditions = [_takes_part(keys, seen_by, departments), *_conditions(keys, wanted)]
    if after is not None:
        conditions.append(_states.approval_id > after)
    found = await session.execute(
        select(_states.approval_id).where(*conditions).order_by(_states.approval_id).limit(limit)
    )
    return list(found.scalars())


def _conditions(keys: KeyRing, wanted: ApprovalFilter) -> list[ColumnElement[bool]]:
    equal: Mapping[ColumnElement[Any], Any] = {
        _states.principal_index: wanted.principal and keys.party_index(wanted.principal),
        _states.representative_index: wanted.representative and keys.party_index(wanted.representative),
        _states.third_party: wanted.third_party and str(wanted.third_party),
        _states.permission: wanted.permission,
    }
    conditions = [column == value for column, value in equal.items() if value is not None]
    return conditions if wanted.status is None else [*conditions, _has_status(wanted.status, wanted.now)]


def _has_status(status: ApprovalStatus, now: datetime) -> ColumnElement[bool]:
    """`approval_status` in SQL."""
    is_declined = func.coalesce(_states.decision == Verdict.DECLINED.value, false())
    is_late, is_decided = _states.deadline <= now, _states.decision.is_not(None)
    return {
        ApprovalStatus.DECLINED: is_declined,
        ApprovalStatus.LAPSED: and_(~is_declined, is_late),
        ApprovalStatus.PENDING: and_(~is_decided, ~is_late),
        ApprovalStatus.APPROVED: and_(is_decided, ~is_declined, ~is_late),
    }[status]


def _named(row: Any, item: ApprovalAsked, keys: KeyRing) -> NamedApproval:  # noqa: ANN401  # asyncpg's row
    between = item.between
    role = None if item.principal_role is None else item.principal_role.value
    parties = (between.third_party, between.principal_index, role, between.representative_indexes[0])
    if row is None or parties != tuple(row[name] for name in _PARTIES):
        return NamedApproval(is_of_parties=False)
    digest = item.content_digest
    return NamedApproval(
        is_of_parties=True,
        is_of_content=digest is not None and approved_content_index(keys, digest) == row["content_index"],
        permission=row["permission"],
        deadline=row["deadline"],
        approved_at=row["decided_at"] if row["decision"] == Verdict.APPROVED else None,
    )


def party_sees_approval(keys: KeyRing, party: Party, departments: frozenset[str]) -> ColumnElement[bool]:
    """The condition that a party is third party, principal or representative of a matter.

    As third party, only of those whose permission templates of these departments offer, unless there are
    none, which is no limit.
    """
    index = keys.party_index(party)
    is_own = _states.third_party == str(party)
    takes_part = or_(_states.principal_index == index, _states.representative_index == index)
    if not departments:
        return is_own | takes_part
    within = has_permission_of_departments(_states.third_party, _states.permission, departments)
    return and_(is_own, within) | and_(~is_own, takes_part)


def _takes_part(keys: KeyRing, parties: Sequence[Party], departments: frozenset[str]) -> ColumnElement[bool]:
    return or_(*(party_sees_approval(keys, party, departments) for party in parties))
