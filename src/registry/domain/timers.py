"""Timers: the moments of a mandate that time alone brings: the template's warnings, then the end."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Timer:
    """When something is due: a warning so many days before the end, or, with None, the end itself."""

    due_at: datetime
    warning_days: int | None


def first_timer(
    valid_from: datetime, valid_until: datetime | None, issued_at: datetime, warning_days: Collection[int]
) -> Timer | None:
    """The first moment that lies after issue, and within the period: nobody needs a warning at the start.

    None for a mandate without an end, or one whose end had passed when it was issued.
    """
    if valid_until is None or valid_until <= issued_at:
        return None
    return next_timer(valid_until, warning_days, after=max(issued_at, valid_from))


def next_timer(valid_until: datetime, warning_days: Collection[int], *, after: datetime) -> Timer:
    """The first warning after this time, or else the end."""
    ahead = [days for days in warning_days if valid_until - timedelta(days=days) > after]
    if not ahead:
        return Timer(valid_until, None)
    return Timer(valid_until - timedelta(days=max(ahead)), max(ahead))


def latest_warning(valid_until: datetime, warning_days: Collection[int], now: datetime) -> int | None:
    """The warning that is due now, in days before the end: of several that were missed, the last."""
    passed = [days for days in warning_days if valid_until - timedelta(days=days) <= now]
    return min(passed, default=None)
