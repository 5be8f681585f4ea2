"""Timers of mandates: one row for each that has an end ahead, with its next moment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update

from registry.domain.mandate import Mandate
from registry.domain.template import TemplateContent
from registry.domain.timers import Timer, first_timer
from registry.storage.database import WriteSession, all_of, any_of
from registry.storage.tables import mandate_states, mandate_timers, template_versions

_timers = mandate_timers.c


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer whose moment has come, with the mandate's end and its template's warnings."""

    mandate_id: UUID
    valid_until: datetime
    warning_days: tuple[int, ...]


def timer_row(mandate: Mandate, template: TemplateContent) -> dict[str, Any] | None:
    """The row of `mandate_timers` for a mandate that is issued now; None where nothing is ever due."""
    content = mandate.content
    timer = first_timer(
        content.valid_from, content.valid_until, mandate.issued_at, template.expiry_warning_days
    )
    return None if timer is None else _row(mandate.id, timer)


async def add_timers(session: WriteSession, mandates: Sequence[tuple[Mandate, TemplateContent]]) -> None:
    """Set the timers of mandates that are issued in this transaction."""
    rows = [row for mandate, template in mandates if (row := timer_row(mandate, template)) is not None]
    if rows:
        await session.execute(insert(mandate_timers), rows)


async def remove_timers(session: WriteSession, mandate_ids: Sequence[UUID]) -> None:
    """Forget the timers of mandates that are over."""
    await session.execute(delete(mandate_timers).where(_timers.mandate_id == any_of(mandate_ids)))


async def claim_due_timers(
    session: WriteSession, *, now: datetime, limit: int, but: Collection[UUID] = ()
) -> list[DueTimer]:
    """Lock timers that are due, but for these, with their mandates, as an act would; the longest due first.

    Those that another transaction has locked are left for later, or to it.
    """
    states, versions = mandate_states.c, template_versions.c
    rows = await session.execute(
        select(
            _timers.mandate_id,
            states.valid_until,
            select(versions.content["expiry_warning_days"])
            .where(versions.template_id == states.template_id, versions.version == states.template_version)
            .scalar_subquery()
            .label("warning_days"),
        )
        .join(mandate_states, states.mandate_id == _timers.mandate_id)
        .where(_timers.due_at <= now, _timers.mandate_id != all_of(list(but)))
        .order_by(_timers.due_at)
        .limit(limit)
        .with_for_update(of=(mandate_timers, mandate_states), skip_locked=True)
    )
    return [DueTimer(row.mandate_id, row.valid_until, tuple(row.warning_days or ())) for row in rows]


async def set_timers(session: WriteSession, timers: Mapping[UUID, Timer]) -> None:
    """Set the next moments of mandates whose timers this transaction has claimed."""
    if timers:
        await session.execute(
            update(mandate_timers).where(_timers.mandate_id == bindparam("of_mandate")),
            [
                {"of_mandate": mandate_id, "due_at": timer.due_at, "warning_days": timer.warning_days}
                for mandate_id, timer in timers.items()
            ],
        )


def _row(mandate_id: UUID, timer: Timer) -> dict[str, Any]:
    return {"mandate_id": mandate_id, "due_at": timer.due_at, "warning_days": timer.warning_days}
