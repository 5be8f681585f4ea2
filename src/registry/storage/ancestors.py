"""The mandates above sub-mandates: read with the row below them, locked before it, found from above.

`ancestors` in `mandate_states` and `representations` names them, root first; it is null where there are none,
and then reading them costs nothing.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ColumnElement, Label, any_, func, literal_column, select

from registry.domain.delegation import Ancestor
from registry.domain.documents import utc_time
from registry.domain.events import Lifetime
from registry.storage.database import ReadSession, WriteSession, any_of
from registry.storage.projection import read_changes
from registry.storage.tables import mandate_states

_states = mandate_states.c

mandate_above = mandate_states.alias("mandate_above")
"""A mandate above the row of `mandate_states` that a statement is about."""


def ancestors_sql(table: str) -> str:
    """An SQL expression: the ancestors of a row of this table as JSON for `read_ancestors`, or NULL."""
    return f"""CASE WHEN {table}.ancestors IS NOT NULL THEN (
        SELECT json_agg(
            json_build_array(a.mandate_id, a.valid_from, a.valid_until, a.issued_at, a.changes)
            ORDER BY cardinality(a.ancestors) NULLS FIRST)
        FROM mandate_states AS a WHERE a.mandate_id = ANY ({table}.ancestors)) END"""  # noqa: S608  # our own names


def ancestors_column(table: str) -> Label[Any]:
    """`ancestors_sql` as a column of a statement, by the name `lineage`."""
    return literal_column(ancestors_sql(table), JSON).label("lineage")


def read_ancestors(lineage: Sequence[Any] | None) -> tuple[Ancestor, ...]:
    """Read what `ancestors_sql` gives, once it is parsed."""
    return tuple(
        Ancestor(
            UUID(mandate_id),
            Lifetime(
                utc_time(valid_from),
                None if valid_until is None else utc_time(valid_until),
                utc_time(issued_at),
                read_changes(changes),
            ),
        )
        for mandate_id, valid_from, valid_until, issued_at, changes in lineage or ()
    )


async def share_locks(session: WriteSession, mandate_ids: Sequence[UUID]) -> None:
    """Let nobody act on these mandates until this act is over, from the root down.

    Acts on different mandates below them do not wait for each other.
    """
    if mandate_ids:
        await session.execute(
            select(_states.mandate_id)
            .where(_states.mandate_id == any_of(mandate_ids))
            .order_by(func.cardinality(_states.ancestors).nulls_first())
            .with_for_update(read=True)
        )


def is_below(mandate_id: UUID) -> ColumnElement[bool]:
    """The condition that a row of `mandate_states` is a sub-mandate, near or far, of this one."""
    return _states.ancestors.contains([mandate_id])


def has_above(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition that one of the mandates above a row of `mandate_states` meets a condition.

    `condition` is over `mandate_above`.
    """
    found = select(mandate_above.c.mandate_id).where(
        mandate_above.c.mandate_id == any_(_states.ancestors), condition
    )
    return _states.ancestors.is_not(None) & found.exists()


async def list_ended_with(session: ReadSession, mandate_id: UUID) -> list[UUID]:
    """The mandates below one that was ended, which ended with it, in the order of issue."""
    ended_at = select(_states.ended_at).where(_states.mandate_id == mandate_id).scalar_subquery()
    found = await session.execute(
        select(_states.mandate_id)
        .where(is_below(mandate_id), _states.ended_at == ended_at)
        .order_by(_states.mandate_id)
    )
    return list(found.scalars())
