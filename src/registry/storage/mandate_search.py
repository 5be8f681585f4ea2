"""Searching mandates and representations through the projection."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, false, func, or_, select

from registry.domain.events import Lifetime, Status
from registry.domain.parties import Party, PartyType
from registry.domain.questions import Candidate
from registry.domain.template import MandateKind
from registry.signing.keys import KeyRing
from registry.storage.ancestors import ancestors_column, has_above, mandate_above, read_ancestors
from registry.storage.database import ReadSession
from registry.storage.mandate_states import STATE_COLUMNS, MandateState, party_sees, read_state
from registry.storage.projection import read_changes
from registry.storage.tables import mandate_states, representations

_states = mandate_states.c
_held = representations.c


@dataclass(frozen=True, slots=True)
class MandateFilter:
    """Which mandates to find. None means any. `status` is that at `now`, `valid_at` asks about its time.

    `statuses` and `third_parties` mean any one of them.
    """

    now: datetime
    principal: Party | None = None
    representative: Party | None = None
    third_party: Party | None = None
    template_id: UUID | None = None
    permission: str | None = None
    kind: MandateKind | None = None
    status: Status | None = None
    valid_at: datetime | None = None
    statuses: frozenset[Status] | None = None
    third_parties: frozenset[Party] | None = None
    principal_roles: frozenset[PartyType] | None = None


@dataclass(frozen=True, slots=True)
class Representation:
    """A mandate that a representative holds, found by search."""

    principal_index: bytes
    candidate: Candidate


async def search_states(
    session: ReadSession,
    keys: KeyRing,
    wanted: MandateFilter,
    *,
    seen_by: Party,
    departments: frozenset[str] = frozenset(),
    after: UUID | None,
    limit: int,
) -> list[MandateState]:
    """A page of the mandates that this organisation may see, in the order of issue; `after` is exclusive.

    `departments` as `party_sees`.
    """
    conditions = [party_sees(keys, seen_by, departments), *_conditions(keys, wanted)]
    if after is not None:
        conditions.append(_states.mandate_id > after)
    rows = await session.execute(
        select(*STATE_COLUMNS).where(*conditions).order_by(_states.mandate_id).limit(limit)
    )
    return [read_state(row) for row in rows]


async def page_states(
    session: ReadSession,
    keys: KeyRing,
    wanted: MandateFilter,
    *,
    seen_by: Party,
    departments: frozenset[str] = frozenset(),
    offset: int,
    limit: int,
) -> tuple[list[MandateState], int]:
    """As `search_states`, from a place on, with how many there are in all."""
    conditions = [party_sees(keys, seen_by, departments), *_conditions(keys, wanted)]
    counted = await session.execute(select(func.count()).select_from(mandate_states).where(*conditions))
    rows = await session.execute(
        select(*STATE_COLUMNS).where(*conditions).order_by(_states.mandate_id).offset(offset).limit(limit)
    )
    return [read_state(row) for row in rows], int(counted.scalar_one())


async def find_representations(
    session: ReadSession,
    keys: KeyRing,
    representative: Party,
    third_party: Party,
    *,
    service: str | None,
    now: datetime,
    after: bytes | None,
    limit: int,
) -> list[Representation]:
    """What a representative holds at a third party in this period, for up to `limit` principals.

    In the order of the principals' blind indexes; `after` is exclusive.
    """
    conditions = [
        _held.representative_index == keys.party_index(representative),
        _held.third_party == str(third_party),
        _held.valid_from <= now,
        or_(_held.valid_until.is_(None), _held.valid_until > now),
    ]
    if service is not None:
        conditions.append(_held.services.contains([service]))
    if after is not None:
        conditions.append(_held.principal_index > after)
    principals = (
        select(_held.principal_index)
        .where(*conditions)
        .distinct()
        .order_by(_held.principal_index)
        .limit(limit)
    )
    rows = await session.execute(
        select(representations, ancestors_column(representations.name))
        .where(*conditions, _held.principal_index.in_(principals))
        .order_by(_held.principal_index, _held.mandate_id)
    )
    return [Representation(row.principal_index, _candidate(row)) for row in rows]


def _conditions(keys: KeyRing, wanted: MandateFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.principal is not None:
        conditions.append(_states.principal_index == keys.party_index(wanted.principal))
    if wanted.representative is not None:
        held = select(_held.mandate_id).where(
            _held.representative_index == keys.party_index(wanted.representative)
        )
        conditions.append(_states.mandate_id.in_(held))
    if wanted.third_party is not None:
        conditions.append(_states.third_party == str(wanted.third_party))
    if wanted.template_id is not None:
        conditions.append(_states.template_id == wanted.template_id)
    if wanted.permission is not None:
        conditions.append(_states.permissions.contains([wanted.permission]))
    if wanted.kind is not None:
        conditions.append(_states.kind == wanted.kind.value)
    if wanted.status is not None:
        conditions.append(_has_status(wanted.status, wanted.now))
    if wanted.valid_at is not None:
        conditions.append(_is_valid_at(wanted.valid_at))
    return [*conditions, *_any_of(wanted)]


def _any_of(wanted: MandateFilter) -> list[ColumnElement[bool]]:
    """The conditions of the filters that name several values."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.statuses is not None:
        conditions.append(or_(false(), *(_has_status(status, wanted.now) for status in wanted.statuses)))
    if wanted.third_parties is not None:
        conditions.append(_states.third_party.in_(sorted(map(str, wanted.third_parties))))
    if wanted.principal_roles is not None:
        conditions.append(_states.principal_role.in_(sorted(role.value for role in wanted.principal_roles)))
    return conditions


def _has_status(status: Status, now: datetime) -> ColumnElement[bool]:
    """`present_status` in SQL: what is recorded counts as past.

    What ended those above ended this one, and it lies within their time: what is left is their use and
    suspension, of which the former weighs more, but only where this one is active by itself.
    """
    has_begun = _states.valid_from <= now
    is_over = _states.valid_until.is_not(None) & (func.coalesce(_states.valid_until, now) <= now)
    is_revoked, used_up = _states.ended_at.is_not(None), _states.used_up_at.is_not(None)
    used_up_above = ~_states.is_suspended & has_above(mandate_above.c.used_up_at.is_not(None))
    is_used_up = used_up | used_up_above
    is_suspended = _states.is_suspended | has_above(mandate_above.c.is_suspended)
    running = and_(~is_revoked, has_begun, ~is_over)
    return {
        Status.REVOKED: is_revoked,
        Status.NOT_YET_VALID: and_(~is_revoked, ~has_begun),
        Status.EXPIRED: and_(~is_revoked, has_begun, is_over),
        Status.USED_UP: and_(running, is_used_up),
        Status.SUSPENDED: and_(running, ~is_used_up, is_suspended),
        Status.ACTIVE: and_(running, ~is_used_up, ~is_suspended),
    }[status]


def _is_valid_at(at: datetime) -> ColumnElement[bool]:
    return and_(
        _states.valid_from <= at,
        or_(_states.valid_until.is_(None), _states.valid_until > at),
        or_(_states.ended_at.is_(None), _states.ended_at > at),
        or_(_states.used_up_at.is_(None), _states.used_up_at > at),
        ~has_above(mandate_above.c.used_up_at <= at),
    )


def _candidate(row: Row[Any]) -> Candidate:
    changes: Sequence[Any] | None = row.changes
    return Candidate(
        mandate_id=row.mandate_id,
        lifetime=Lifetime(row.valid_from, row.valid_until, row.issued_at, read_changes(changes)),
        permissions=frozenset(row.permissions),
        services=frozenset(row.services),
        principal_role=PartyType(row.principal_role),
        specifier_index=row.specifier_index,
        together=row.together,
        approval=row.approval,
        principal_below=row.principal_below,
        representative_from=row.representative_from,
        ancestors=read_ancestors(row.lineage),
    )
