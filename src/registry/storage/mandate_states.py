"""Where mandates stand: locking one for an act, and finding those that an organisation may see."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, any_, func, select

from registry.domain.delegation import Ancestor
from registry.domain.events import Lifetime
from registry.domain.mandate import MandateContent
from registry.domain.parties import Party
from registry.signing.keys import KeyRing
from registry.storage.ancestors import ancestors_column, is_below, read_ancestors
from registry.storage.database import ReadSession, WriteSession
from registry.storage.departments import is_of_departments
from registry.storage.projection import content_index, read_changes, specifier_index
from registry.storage.tables import mandate_states, representations, template_versions


@dataclass(frozen=True, slots=True)
class MandateState:
    """What an act on a mandate needs to know, as the projection holds it."""

    mandate_id: UUID
    third_party: str
    principal_index: bytes
    template_id: UUID
    template_version: int
    lifetime: Lifetime
    event_count: int
    last_digest: bytes
    uses: int
    max_uses: int | None
    ancestors: tuple[Ancestor, ...] = ()

    @property
    def ancestor_ids(self) -> tuple[UUID, ...]:
        """The mandates above a sub-mandate, root first."""
        return tuple(ancestor.mandate_id for ancestor in self.ancestors)


STATE_COLUMNS = (mandate_states, ancestors_column(mandate_states.name))
"""What `read_state` reads."""


async def lock_state(session: WriteSession, mandate_id: UUID) -> MandateState | None:
    """Lock a mandate against every other act on it, and return where it stands.

    Of a sub-mandate lock those above first (`share_locks`), or they may have changed since they were read.
    """
    row = await session.one_or_none(
        select(*STATE_COLUMNS)
        .where(mandate_states.c.mandate_id == mandate_id)
        .with_for_update(of=mandate_states)
    )
    return None if row is None else read_state(row)


async def lock_descendants(session: WriteSession, mandate_id: UUID) -> list[MandateState]:
    """Lock everything below a mandate that was not ended yet, in the order of issue.

    The mandate itself is locked: nothing is added below it meanwhile, nor does an act go on there. A rebuild
    of the projection takes its locks in the order of ids, too.
    """
    states = mandate_states.c
    rows = await session.execute(
        select(*STATE_COLUMNS)
        .where(is_below(mandate_id), states.ended_at.is_(None))
        .order_by(states.mandate_id)
        .with_for_update(of=mandate_states)
    )
    return [read_state(row) for row in rows]


async def lock_grants(session: WriteSession, content: MandateContent, keys: KeyRing) -> None:
    """Wait for every other issue between this principal and this template."""
    name = f"grants:{keys.party_index(content.principal.party).hex()}:{content.template_id}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def find_in_force(
    session: ReadSession, content: MandateContent, keys: KeyRing, ancestors: Sequence[UUID] = ()
) -> UUID | None:
    """A mandate of the same parties, template, permissions and specifier whose time overlaps, if any.

    One that hangs below others is another mandate: it ends with those.
    """
    states = mandate_states.c
    holders = (
        select(func.array_agg(representations.c.representative_index))
        .where(representations.c.mandate_id == states.mandate_id)
        .scalar_subquery()
    )
    wanted = [keys.party_index(named.party) for named in content.representatives]
    rows = await session.execute(
        select(states.mandate_id, holders.label("holders")).where(
            states.principal_index == keys.party_index(content.principal.party),
            states.template_id == content.template_id,
            states.principal_role == content.principal_role.value,
            states.permissions == list(content.permissions),
            states.specifier_index.is_not_distinct_from(specifier_index(keys, content.specifier)),
            states.ancestors.is_not_distinct_from(list(ancestors) or None),
            states.ended_at.is_(None),
            states.used_up_at.is_(None),
            func.tstzrange(states.valid_from, states.valid_until).op("&&")(
                func.tstzrange(content.valid_from, content.valid_until)
            ),
        )
    )
    return next((row.mandate_id for row in rows if sorted(row.holders) == sorted(wanted)), None)


async def find_issued(session: ReadSession, keys: KeyRing, content_digest: str) -> UUID | None:
    """The mandate that was issued on content with this digest, ended or not, if any.

    The caller holds the lock on grants, so that of two at once the second sees the first.
    """
    found = await session.execute(
        select(mandate_states.c.mandate_id)
        .where(mandate_states.c.content_index == content_index(keys, content_digest))
        .limit(1)
    )
    return found.scalar_one_or_none()


def party_sees(keys: KeyRing, party: Party, departments: frozenset[str]) -> ColumnElement[bool]:
    """The condition that a party is third party, principal or representative in a mandate.

    The representatives of those above a sub-mandate granted it, and see it, too.
    As third party, only in those on templates of these departments, unless there are none, which is no limit.
    """
    index = keys.party_index(party)
    states = mandate_states.c
    holds = (
        select(representations.c.mandate_id)
        .where(
            representations.c.mandate_id == states.mandate_id,
            representations.c.representative_index == index,
        )
        .exists()
    )
    is_own = states.third_party == str(party)
    granted = states.ancestors.is_not(None) & (
        select(representations.c.mandate_id)
        .where(
            representations.c.mandate_id == any_(states.ancestors),
            representations.c.representative_index == index,
        )
        .exists()
    )
    takes_part = (states.principal_index == index) | holds | granted
    if not departments:
        return is_own | takes_part
    # An organisation is often third party and recipient of the same consent: then the limit holds too.
    within = is_of_departments(states.template_id, states.template_version, departments)
    return and_(is_own, within) | and_(~is_own, takes_part)


async def list_departments(session: ReadSession, mandate_ids: Collection[UUID]) -> dict[UUID, str | None]:
    """Of which department the template version of each of these mandates is; None for one of none."""
    states, versions = mandate_states.c, template_versions.c
    rows = await session.execute(
        select(states.mandate_id, versions.department)
        .join(
            template_versions,
            and_(versions.template_id == states.template_id, versions.version == states.template_version),
        )
        .where(states.mandate_id.in_(mandate_ids))
    )
    return {row.mandate_id: row.department for row in rows}


async def get_state(
    session: ReadSession,
    keys: KeyRing,
    mandate_id: UUID,
    *,
    seen_by: Party,
    departments: frozenset[str] = frozenset(),
) -> MandateState | None:
    """Where a mandate stands, to one of its parties; None for anybody else. `departments` as `party_sees`."""
    row = await session.one_or_none(
        select(*STATE_COLUMNS).where(
            mandate_states.c.mandate_id == mandate_id, party_sees(keys, seen_by, departments)
        )
    )
    return None if row is None else read_state(row)


async def list_states(
    session: ReadSession,
    keys: KeyRing,
    mandate_ids: Sequence[UUID],
    *,
    seen_by: Party,
    departments: frozenset[str] = frozenset(),
) -> list[MandateState]:
    """Where those of the mandates stand that this party may see. `departments` as `party_sees`."""
    rows = await session.execute(
        select(*STATE_COLUMNS).where(
            mandate_states.c.mandate_id.in_(mandate_ids), party_sees(keys, seen_by, departments)
        )
    )
    return [read_state(row) for row in rows]


def read_state(row: Row[Any]) -> MandateState:
    """Read a row of `STATE_COLUMNS`."""
    return MandateState(
        mandate_id=row.mandate_id,
        third_party=row.third_party,
        principal_index=row.principal_index,
        template_id=row.template_id,
        template_version=row.template_version,
        lifetime=Lifetime(row.valid_from, row.valid_until, row.issued_at, read_changes(row.changes)),
        event_count=row.event_count,
        last_digest=row.last_digest,
        uses=row.uses,
        max_uses=row.max_uses,
        ancestors=read_ancestors(row.lineage),
    )
