"""Timers, against the projection that was checked by then: one for each mandate that has an end ahead.

Which moment is the next depends on the time, so a timer is held against the mandate's end alone, by SQL.
"""

from sqlalchemy import text

from registry.fsck.findings import Finding, Kind
from registry.storage.database import Database

_LIVE = "s.valid_until IS NOT NULL AND s.ended_at IS NULL AND s.used_up_at IS NULL"
_DUE = "s.valid_until - coalesce(t.warning_days, 0) * interval '24 hours'"

# Clocks differ: a mandate that expires about now may have its timer, or have it no longer.
_WRONG = f"""
    SELECT mandate_id, CASE
        WHEN t.due_at IS NULL THEN '{Kind.MISSING_ROW}'
        WHEN ({_LIVE}) IS NOT TRUE THEN '{Kind.UNEXPECTED_ROW}'
        ELSE '{Kind.COLUMN_MISMATCH}' END AS kind
    FROM mandate_states s FULL JOIN mandate_timers t USING (mandate_id)
    WHERE CASE
        WHEN t.due_at IS NULL THEN {_LIVE} AND s.valid_until > now() + interval '1 hour'
        ELSE ({_LIVE}) IS NOT TRUE OR t.due_at <> {_DUE} END
"""  # noqa: S608  # our own names

_FIND = text(f"{_WRONG} ORDER BY mandate_id")

_REMOVE = text(
    f"DELETE FROM mandate_timers WHERE mandate_id IN (SELECT mandate_id FROM ({_WRONG}) AS wrong)"  # noqa: S608  # as above
)

_ADD = text(
    f"""
    INSERT INTO mandate_timers (mandate_id, due_at, warning_days)
    SELECT s.mandate_id, s.valid_until - coalesce(warning.days, 0) * interval '24 hours', warning.days
    FROM mandate_states s
    JOIN template_versions v ON (v.template_id, v.version) = (s.template_id, s.template_version)
    LEFT JOIN LATERAL (
        SELECT max(day.value::integer) AS days
        FROM jsonb_array_elements_text(v.content -> 'expiry_warning_days') AS day(value)
        WHERE s.valid_until - day.value::integer * interval '24 hours' > greatest(now(), s.valid_from)
    ) warning ON true
    WHERE s.mandate_id IN (SELECT mandate_id FROM ({_WRONG}) AS wrong)
    ON CONFLICT DO NOTHING
    """  # noqa: S608  # as above
)


async def check_timers(database: Database) -> list[Finding]:
    """Every timer that is missing, stray, or set for another time than the mandate's end calls for."""
    async with database.reading() as session:
        rows = (await session.execute(_FIND)).all()
    found = []
    for row in rows:
        kind = Kind(row.kind)
        part = "due_at" if kind is Kind.COLUMN_MISMATCH else ""
        found.append(Finding("mandate_timers", str(row.mandate_id), part, kind))
    return found


async def rebuild_timers(database: Database) -> tuple[int, int]:
    """Set right what `check_timers` finds; returns how many were written and how many removed.

    A timer that is set anew is set for the first moment that lies ahead now.
    """
    async with database.transaction() as session:
        removed = (await session.execute(_REMOVE)).rowcount
        written = (await session.execute(_ADD)).rowcount
    return written, removed
