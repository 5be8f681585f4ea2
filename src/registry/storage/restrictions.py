"""Where restrictions stand: the projection of their sealed entries, which verification and search read."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, any_, false, func, insert, literal, or_, select, true, update

from registry.domain.documents import utc_time
from registry.domain.entries import Entry
from registry.domain.mandate import Basis
from registry.domain.parties import NamedParty, Party
from registry.domain.restrictions import (
    Block,
    Restriction,
    RestrictionScope,
    RestrictionStatus,
    read_restriction,
)
from registry.domain.template import SigningBy
from registry.signing.keys import KeyRing
from registry.storage.database import ReadSession, WriteSession
from registry.storage.departments import has_service_of_departments
from registry.storage.tables import mandate_states, representations, restriction_states, template_versions

_states = restriction_states.c


@dataclass(frozen=True, slots=True)
class RestrictionFilter:
    """Which restrictions to find. None means any; `status` is that at `now`."""

    now: datetime
    subject: Party | None = None
    representative: Party | None = None
    third_party: Party | None = None
    scope: RestrictionScope | None = None
    status: RestrictionStatus | None = None


@dataclass(frozen=True, slots=True)
class RestrictionViewer:
    """Who looks: an organisation, in these departments of it (none: in all), or None for one who sees all."""

    organisation: Party | None
    departments: frozenset[str] = frozenset()


def restriction_row(entries: Sequence[Entry], keys: KeyRing) -> dict[str, Any]:
    """The row of `restriction_states` after these entries, oldest first. Pure: writing and fsck agree."""
    restriction = read_restriction(entries)
    imposition, lifting = restriction.imposition, restriction.lifting
    return {
        "restriction_id": restriction.id,
        "subject_index": keys.party_index(imposition.subject.party),
        "scope": imposition.scope.value,
        "representative_index": _index(imposition.representative, keys),
        "service": imposition.service,
        "third_party": None if imposition.third_party is None else str(imposition.third_party.party),
        "imposed_by": str(imposition.imposed_by),
        "valid_from": imposition.valid_from,
        "valid_until": imposition.valid_until,
        "imposed_at": restriction.imposed_at,
        "lifted_at": None if lifting is None else lifting.lifted_at,
        "entry_count": len(entries),
    }


def _index(named: NamedParty | None, keys: KeyRing) -> bytes | None:
    return None if named is None else keys.party_index(named.party)


async def add_restriction_state(session: WriteSession, keys: KeyRing, entry: Entry) -> None:
    """Project a restriction that has just been imposed."""
    await session.execute(insert(restriction_states).values(restriction_row([entry], keys)))


async def mark_lifted(session: WriteSession, restriction: Restriction, *, entry_count: int) -> None:
    """Project the lifting of a restriction that this transaction has locked."""
    lifted_at = None if restriction.lifting is None else restriction.lifting.lifted_at
    await session.execute(
        update(restriction_states)
        .where(_states.restriction_id == restriction.id)
        .values(lifted_at=lifted_at, entry_count=entry_count)
    )


async def lock_restriction(
    session: WriteSession, keys: KeyRing, restriction_id: UUID, viewer: RestrictionViewer
) -> bool:
    """Lock a restriction against every other act on it; False where the viewer may not see it."""
    condition = _states.restriction_id == restriction_id
    statement = select(_states.restriction_id).where(condition, _sees(keys, viewer)).with_for_update()
    return await session.one_or_none(statement) is not None


async def find_restrictions(
    session: ReadSession,
    keys: KeyRing,
    wanted: RestrictionFilter,
    viewer: RestrictionViewer,
    *,
    after: UUID | None,
    limit: int,
) -> list[UUID]:
    """A page of the restrictions that the viewer may see, in the order of imposing."""
    conditions = [_sees(keys, viewer), *_conditions(keys, wanted)]
    if after is not None:
        conditions.append(_states.restriction_id > after)
    statement = (
        select(_states.restriction_id).where(*conditions).order_by(_states.restriction_id).limit(limit)
    )
    return list((await session.execute(statement)).scalars())


async def is_visible(
    session: ReadSession, keys: KeyRing, restriction_id: UUID, viewer: RestrictionViewer
) -> bool:
    """Whether there is this restriction, and the viewer may see it."""
    condition = _states.restriction_id == restriction_id
    statement = select(_states.restriction_id).where(condition, _sees(keys, viewer))
    return await session.one_or_none(statement) is not None


async def list_blocks(
    session: ReadSession, third_party: str, subject_indexes: Iterable[bytes]
) -> dict[bytes, tuple[Block, ...]]:
    """The restrictions on each of these subjects that count towards a third party."""
    rows = await session.execute(
        select(restriction_states).where(
            _states.subject_index.in_(set(subject_indexes)),
            or_(_states.third_party.is_(None), _states.third_party == third_party),
        )
    )
    found: dict[bytes, tuple[Block, ...]] = {}
    for row in rows:
        block = Block(
            RestrictionScope(row.scope),
            row.valid_from,
            row.imposed_at,
            row.valid_until,
            row.lifted_at,
            row.representative_index,
            row.service,
        )
        found[row.subject_index] = (*found.get(row.subject_index, ()), block)
    return found


async def find_guardians(session: ReadSession, mandate_ids: Collection[UUID]) -> set[UUID]:
    """Those of the mandates that are statutory, by a court, or on a template that guardians sign."""
    states, versions = mandate_states.c, template_versions.c
    is_of_template = and_(
        versions.template_id == states.template_id, versions.version == states.template_version
    )
    signed_by = versions.content["signing"]["by"].astext
    rows = await session.execute(
        select(states.mandate_id)
        .select_from(mandate_states.join(template_versions, is_of_template))
        .where(
            states.mandate_id.in_(mandate_ids),
            or_(states.basis != Basis.VOLUNTARY.value, signed_by == SigningBy.GUARDIAN.value),
        )
    )
    return set(rows.scalars())


async def find_holders_above(
    session: ReadSession, mandate_ids: Collection[UUID]
) -> dict[UUID, frozenset[bytes]]:
    """The blind indexes of all who hold a mandate above one of these; direct mandates are left out."""
    states, held = mandate_states.c, representations.c
    is_above = held.mandate_id == any_(states.ancestors)
    rows = await session.execute(
        select(states.mandate_id, func.array_agg(held.representative_index).label("holders"))
        .select_from(mandate_states.join(representations, is_above))
        .where(states.mandate_id.in_(mandate_ids))
        .group_by(states.mandate_id)
    )
    return {row.mandate_id: frozenset(row.holders) for row in rows}


def read_blocks(rows: Iterable[Sequence[Any]]) -> tuple[Block, ...]:
    """Read what verification's statement gives of each restriction, as JSON."""
    return tuple(
        Block(
            RestrictionScope(scope),
            utc_time(valid_from),
            utc_time(imposed_at),
            None if valid_until is None else utc_time(valid_until),
            None if lifted_at is None else utc_time(lifted_at),
            None if representative is None else bytes.fromhex(representative),
            service,
        )
        for scope, valid_from, imposed_at, valid_until, lifted_at, representative, service in rows
    )


def _sees(keys: KeyRing, viewer: RestrictionViewer) -> ColumnElement[bool]:
    """The condition that an organisation has a part in a restriction.

    What it imposed, or is third party in, is within departments where it blocks an e-service of theirs; all
    else is the whole organisation's.
    """
    if viewer.organisation is None:
        return true()
    name, index = str(viewer.organisation), keys.party_index(viewer.organisation)
    is_own = or_(_states.imposed_by == name, func.coalesce(_states.third_party == name, false()))
    takes_part = or_(_states.subject_index == index, _states.representative_index == index)
    if not viewer.departments:
        return is_own | takes_part
    within = has_service_of_departments(literal(name), _states.service, viewer.departments)
    return and_(is_own, within) | and_(~is_own, takes_part)


def _conditions(keys: KeyRing, wanted: RestrictionFilter) -> list[ColumnElement[bool]]:
    equal: Mapping[ColumnElement[Any], Any] = {
        _states.subject_index: wanted.subject and keys.party_index(wanted.subject),
        _states.representative_index: wanted.representative and keys.party_index(wanted.representative),
        _states.third_party: wanted.third_party and str(wanted.third_party),
        _states.scope: wanted.scope and wanted.scope.value,
    }
    conditions = [column == value for column, value in equal.items() if value is not None]
    return conditions if wanted.status is None else [*conditions, _has_status(wanted.status, wanted.now)]


def _has_status(status: RestrictionStatus, now: datetime) -> ColumnElement[bool]:
    """`present_status` in SQL: what is recorded counts as past."""
    at = func.greatest(now, _states.imposed_at)
    has_begun = _states.valid_from <= at
    is_over = and_(_states.valid_until.is_not(None), func.coalesce(_states.valid_until, at) <= at)
    stands = _states.lifted_at.is_(None)
    return {
        RestrictionStatus.LIFTED: _states.lifted_at.is_not(None),
        RestrictionStatus.NOT_YET_VALID: and_(stands, ~has_begun),
        RestrictionStatus.EXPIRED: and_(stands, has_begun, is_over),
        RestrictionStatus.ACTIVE: and_(stands, has_begun, ~is_over),
    }.get(status, false())
