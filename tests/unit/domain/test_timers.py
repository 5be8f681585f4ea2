"""The moments that time brings: warnings that lie ahead, then the end; of what was missed, only the last."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.timers import Timer, first_timer, latest_warning, next_timer

START = datetime(2026, 11, 21, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("days", "warnings", "expected"),
    [
        (365, (30, 7), 30),
        (30, (30, 7), 7),
        (29, (30, 7), 7),
        (7, (30, 7), None),
        (365, (7, 30, 7), 30),
        (365, (), None),
    ],
)
def test_the_first_moment_lies_after_issue(
    days: int, warnings: tuple[int, ...], expected: int | None
) -> None:
    end = START + days * DAY
    assert first_timer(START, end, START, warnings) == Timer(end - (expected or 0) * DAY, expected)


def test_nothing_is_due_without_an_end_or_after_it() -> None:
    assert first_timer(START, None, START, (30,)) is None
    assert first_timer(START - 9 * DAY, START, START, (30,)) is None


def test_nobody_is_warned_before_the_period_begins() -> None:
    begin = START + 100 * DAY
    assert first_timer(begin, begin + 5 * DAY, START, (30, 7, 3)) == Timer(begin + 2 * DAY, 3)


@given(
    warnings=st.lists(st.integers(1, 400), max_size=4),
    length=st.integers(1, 800),
    looks=st.lists(st.integers(0, 900), min_size=1, max_size=5),
)
def test_however_late_one_looks_each_warning_comes_once_at_most_and_none_after_the_end(
    warnings: list[int], length: int, looks: list[int]
) -> None:
    end = START + length * DAY
    timer: Timer | None = first_timer(START, end, START, warnings)
    given_days: list[int] = []
    for day in sorted(looks):
        now = START + day * DAY
        if timer is None or timer.due_at > now:
            continue
        if now >= end:
            timer = None
            continue
        days = latest_warning(end, warnings, now)
        assert days is not None
        given_days.append(days)
        timer = next_timer(end, warnings, after=now)
        assert timer.due_at > now
    assert given_days == sorted(set(given_days), reverse=True)
    assert set(given_days) <= {days for days in warnings if days < length}
    if max(looks) >= length:
        assert timer is None
