"""The projection of mandate requests: who may see which, who is waited for, when they lapse.

`request_row` is pure, so that writing and checking derive the same row.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, insert, or_, select, update

from registry.domain.entries import Entry
from registry.domain.parties import Party
from registry.domain.request import (
    RequestEntry,
    RequestStatus,
    asked_signers,
    read_request,
    waiting_signers,
)
from registry.signing.keys import KeyRing
from registry.storage.database import ReadSession, WriteSession, all_of
from registry.storage.departments import is_of_departments
from registry.storage.tables import request_states

_states = request_states.c

_ENDED_BY = {
    RequestStatus.ISSUED: RequestEntry.ISSUED,
    RequestStatus.DECLINED: RequestEntry.DECLINED,
    RequestStatus.CANCELLED: RequestEntry.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests to find. None means any. `signer` finds those that wait for this party's signature."""

    now: datetime
    principal: Party | None = None
    signer: Party | None = None
    template_id: UUID | None = None
    status: RequestStatus | None = None


def request_row(entries: Sequence[Entry], keys: KeyRing) -> dict[str, Any]:
    """The row of `request_states` for a request, from all its entries, oldest first."""
    request = read_request(entries)
    content = request.content
    return {
        "request_id": request.id,
        "third_party": str(content.third_party.party),
        "principal_index": keys.party_index(content.principal.party),
        "representative_indexes": _indexes(keys, (named.party for named in content.representatives)),
        "signer_indexes": _indexes(keys, asked_signers(request)),
        "waiting_indexes": _indexes(keys, waiting_signers(request)),
        "template_id": content.template_id,
        "template_version": content.template_version,
        "created_at": request.created_at,
        "expires_at": request.expires_at,
        "entry_count": len(entries),
        "ended_by": None if request.ending is None else request.ending.type.value,
        "mandate_id": None if request.ending is None else request.ending.mandate_id,
    }


async def add_request_state(session: WriteSession, keys: KeyRing, opening: Entry) -> None:
    """Project a request that has just been opened by this entry."""
    await session.execute(insert(request_states).values(request_row([opening], keys)))


async def replace_request_state(session: WriteSession, keys: KeyRing, entries: Sequence[Entry]) -> None:
    """Project a request after a further entry; the transaction has locked its row."""
    row = request_row(entries, keys)
    await session.execute(update(request_states).where(_states.request_id == row["request_id"]).values(row))


def party_sees_request(keys: KeyRing, party: Party, departments: frozenset[str]) -> ColumnElement[bool]:
    """The condition that a party is third party, principal, representative or signer in a request.

    As third party, only in those on templates of these departments, unless there are none, which is no limit.
    """
    index = keys.party_index(party)
    is_own = _states.third_party == str(party)
    takes_part = or_(
        _states.principal_index == index,
        _states.representative_indexes.contains([index]),
        _states.signer_indexes.contains([index]),
    )
    if not departments:
        return is_own | takes_part
    within = is_of_departments(_states.template_id, _states.template_version, departments)
    return and_(is_own, within) | and_(~is_own, takes_part)


async def is_request_seen(
    session: ReadSession, keys: KeyRing, request_id: UUID, party: Party, departments: frozenset[str]
) -> bool:
    """Whether a party has a part in this request. `departments` as `party_sees_request`."""
    row = await session.one_or_none(
        select(_states.request_id).where(
            _states.request_id == request_id, party_sees_request(keys, party, departments)
        )
    )
    return row is not None


async def lock_request_state(session: WriteSession, request_id: UUID) -> None:
    """Lock a request against every other act on it, until this transaction ends."""
    await session.execute(
        select(_states.request_id).where(_states.request_id == request_id).with_for_update()
    )


async def claim_lapsed(
    session: WriteSession, *, now: datetime, limit: int, but: Collection[UUID] = ()
) -> Sequence[UUID]:
    """Lock requests, but for these, whose time has run out and whose lapse is not recorded; the oldest first.

    Those that another transaction has locked are left to it.
    """
    found = await session.execute(
        select(_states.request_id)
        .where(
            _states.ended_by.is_(None),
            _states.expires_at <= now,
            _states.request_id != all_of(list(but)),
        )
        .order_by(_states.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return found.scalars().all()


async def search_requests(
    session: ReadSession,
    keys: KeyRing,
    wanted: RequestFilter,
    *,
    seen_by: Party,
    departments: frozenset[str],
    after: UUID | None,
    limit: int,
) -> Sequence[UUID]:
    """A page of the requests that an organisation has a part in, in the order they were made.

    By `signer` only those are found whose signers the organisation may know, as `may_see_signers` has it.
    `after` is exclusive; `departments` as `party_sees_request`.
    """
    conditions = [party_sees_request(keys, seen_by, departments), *_conditions(keys, wanted)]
    if wanted.signer is not None:
        conditions.append(_may_see_signers(keys, seen_by))
    if after is not None:
        conditions.append(_states.request_id > after)
    found = await session.execute(
        select(_states.request_id).where(*conditions).order_by(_states.request_id).limit(limit)
    )
    return found.scalars().all()


def _may_see_signers(keys: KeyRing, party: Party) -> ColumnElement[bool]:
    """`may_see_signers` in SQL."""
    index = keys.party_index(party)
    return or_(
        _states.third_party == str(party),
        _states.principal_index == index,
        _states.signer_indexes.contains([index]),
    )


def _conditions(keys: KeyRing, wanted: RequestFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.principal is not None:
        conditions.append(_states.principal_index == keys.party_index(wanted.principal))
    if wanted.signer is not None:
        waits = _states.waiting_indexes.contains([keys.party_index(wanted.signer)])
        conditions += [waits, _has_status(RequestStatus.PENDING, wanted.now)]
    if wanted.template_id is not None:
        conditions.append(_states.template_id == wanted.template_id)
    if wanted.status is not None:
        conditions.append(_has_status(wanted.status, wanted.now))
    return conditions


def _has_status(status: RequestStatus, now: datetime) -> ColumnElement[bool]:
    """`status_of_request` in SQL."""
    is_open, is_late = _states.ended_by.is_(None), _states.expires_at <= now
    match status:
        case RequestStatus.PENDING:
            return and_(is_open, ~is_late)
        case RequestStatus.LAPSED:
            return or_(_states.ended_by == RequestEntry.LAPSED.value, and_(is_open, is_late))
        case _:
            return _states.ended_by == _ENDED_BY[status].value


def _indexes(keys: KeyRing, parties: Iterable[Party]) -> list[bytes]:
    return sorted(keys.party_index(party) for party in parties)
