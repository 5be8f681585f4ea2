"""When a message is tried again, and what an answer means for it and for its endpoint."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

DELAYS = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)
"""After each attempt but the last (Standard Webhooks, "Retry schedule")."""

MAX_TRIES = len(DELAYS) + 1
JITTER = 0.2
FAILING_FOR = timedelta(days=5)
"""How long an endpoint may fail until it is disabled."""

_SUCCESS = range(200, 300)
_GONE = 410
_THROTTLING = frozenset({429, 502, 504})
_MAX_DIGITS = 9


class Verdict(StrEnum):
    """What an answer means. `throttled`: the endpoint wants fewer; `gone`: it wants none any more."""

    DELIVERED = "delivered"
    FAILED = "failed"
    THROTTLED = "throttled"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Retry:
    """What follows a failure: when to try again (None: never), until when to spare the endpoint."""

    at: datetime | None
    pause_until: datetime | None


def judge(status: int | None) -> Verdict:
    """What a status means; None is no answer at all. Only 2xx is success: redirects are not followed."""
    if status is None:
        return Verdict.FAILED
    if status in _SUCCESS:
        return Verdict.DELIVERED
    if status == _GONE:
        return Verdict.GONE
    return Verdict.THROTTLED if status in _THROTTLING else Verdict.FAILED


def plan_retry(
    tries: int, verdict: Verdict, retry_after: float | None, *, now: datetime, chance: float
) -> Retry:
    """When to try again after so many tries (from 1); `chance` in [0, 1) places it within the jitter.

    `Retry-After`, in seconds, is honoured where the endpoint throttles, between one and two times the delay
    that the schedule has. Other messages wait for an endpoint that throttles as after a first attempt only.
    """
    throttles = verdict is Verdict.THROTTLED
    pause = _delay(DELAYS[0], retry_after, chance) if throttles else None
    at = None
    if tries < MAX_TRIES:
        at = now + _delay(DELAYS[tries - 1], retry_after if throttles else None, chance)
    return Retry(at, None if pause is None else now + pause)


def has_failed_too_long(failing_since: datetime | None, now: datetime) -> bool:
    """Whether an endpoint that fails now, and has since then, is to be disabled."""
    return failing_since is not None and now - failing_since >= FAILING_FOR


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """`Retry-After` in seconds from now (RFC 9110, 10.2.3); None for what cannot be read."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) <= _MAX_DIGITS else math.inf
    try:
        return (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None


def _delay(base: timedelta, retry_after: float | None, chance: float) -> timedelta:
    if retry_after is None:
        return base * (1 - JITTER + 2 * JITTER * chance)
    seconds = base.total_seconds()
    return timedelta(seconds=min(max(retry_after, seconds), 2 * seconds))
