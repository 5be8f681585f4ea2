"""Status at a time, from what happened and from what was known."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from registry.domain.events import (
    ENDINGS,
    Change,
    EventType,
    Lifetime,
    Status,
    ending_at,
    is_suspended,
    status_at,
)
from unit.domain.builders import DAY, FIRST_MOMENT, LAST_MOMENT, NOW, TICK
from unit.domain.slow_models import slow_state
from unit.domain.strategies import TIMES

LIFETIME = Lifetime(valid_from=NOW, valid_until=NOW + 10 * DAY, issued_at=NOW - DAY)


def days(low: int, high: int) -> st.SearchStrategy[datetime]:
    return st.integers(low, high).map(lambda day: NOW + day * DAY)


def change(event: EventType, at: datetime, recorded_at: datetime | None = None) -> Change:
    return Change(event, at, recorded_at or at)


def with_changes(*changes: Change) -> Lifetime:
    return replace(LIFETIME, changes=changes)


TURNS = (EventType.SUSPENDED, EventType.RESUMED)
CHANGES = st.lists(
    # Turns come as often as all else together, since it takes several of them to make a case.
    st.builds(Change, st.sampled_from(TURNS) | st.sampled_from(EventType), days(0, 6), days(0, 6)),
    max_size=5,
).map(lambda changes: tuple(sorted(changes, key=lambda item: item.recorded_at)))
LIFETIMES = st.builds(Lifetime, days(0, 3), st.none() | days(3, 8), days(0, 3), CHANGES)


@given(LIFETIMES, days(0, 8), st.none() | days(0, 8))
@settings(max_examples=600, deadline=None)
def test_status_is_that_of_a_life_played_day_by_day(
    lifetime: Lifetime, at: datetime, known_at: datetime | None
) -> None:
    every_day = [NOW + day * DAY for day in range(9)]
    expected = slow_state(lifetime, at, known_at, every_day)
    status = status_at(lifetime, at, known_at=known_at)
    assert (None if status is None else status.value) == ("revoked" if expected == "superseded" else expected)


@given(LIFETIMES, TIMES, st.none() | TIMES)
@example(Lifetime(FIRST_MOMENT, LAST_MOMENT, FIRST_MOMENT), LAST_MOMENT, FIRST_MOMENT)
def test_status_is_told_at_any_time(lifetime: Lifetime, at: datetime, known_at: datetime | None) -> None:
    assert status_at(lifetime, at, known_at=known_at) in {None, *Status}


@pytest.mark.parametrize(
    ("at", "status"),
    [
        (NOW - TICK, Status.NOT_YET_VALID),
        (NOW, Status.ACTIVE),
        (NOW + 10 * DAY - TICK, Status.ACTIVE),
        (NOW + 10 * DAY, Status.EXPIRED),
        (LAST_MOMENT, Status.EXPIRED),
        (FIRST_MOMENT, Status.NOT_YET_VALID),
    ],
)
def test_the_period_is_half_open(at: datetime, status: Status) -> None:
    assert status_at(LIFETIME, at) is status


def test_an_open_ended_mandate_never_expires() -> None:
    assert status_at(replace(LIFETIME, valid_until=None), LAST_MOMENT) is Status.ACTIVE


@pytest.mark.parametrize("event", sorted(ENDINGS))
def test_an_ending_counts_from_its_own_time_and_stays(event: EventType) -> None:
    ended = with_changes(change(event, NOW + DAY))
    assert status_at(ended, NOW + DAY - TICK) is Status.ACTIVE
    assert status_at(ended, NOW + DAY) is Status.REVOKED
    assert status_at(ended, NOW + 11 * DAY) is Status.REVOKED
    assert status_at(ended, NOW - TICK) is Status.NOT_YET_VALID


def test_a_mandate_revoked_before_it_began_is_revoked_at_once() -> None:
    assert status_at(with_changes(change(EventType.REVOKED, NOW - DAY)), NOW - TICK) is Status.REVOKED


@given(st.sampled_from(sorted(ENDINGS)), days(0, 8), days(0, 8), LIFETIMES)
def test_nothing_is_active_at_or_after_an_acknowledged_ending(
    event: EventType, ended: datetime, at: datetime, lifetime: Lifetime
) -> None:
    ended_life = replace(lifetime, changes=(*lifetime.changes, change(event, ended)))
    if at >= ended:
        assert status_at(ended_life, at) is Status.REVOKED


def test_a_later_registered_original_counts_for_the_time_before_it_was_registered() -> None:
    late = replace(LIFETIME, issued_at=NOW + 5 * DAY)
    assert status_at(late, NOW + DAY) is Status.ACTIVE
    assert status_at(late, NOW + DAY, known_at=NOW + 5 * DAY - TICK) is None
    assert status_at(late, NOW + DAY, known_at=NOW + 5 * DAY) is Status.ACTIVE


def test_what_was_recorded_later_was_not_known_before() -> None:
    ended = with_changes(change(EventType.REVOKED, NOW + DAY, NOW + 3 * DAY))
    assert status_at(ended, NOW + 2 * DAY) is Status.REVOKED
    assert status_at(ended, NOW + 2 * DAY, known_at=NOW + 3 * DAY - TICK) is Status.ACTIVE
    assert status_at(ended, NOW + 2 * DAY, known_at=NOW + 3 * DAY) is Status.REVOKED


def test_suspension_lasts_until_resumption() -> None:
    turns = with_changes(change(EventType.SUSPENDED, NOW + DAY), change(EventType.RESUMED, NOW + 3 * DAY))
    assert status_at(turns, NOW + DAY - TICK) is Status.ACTIVE
    assert status_at(turns, NOW + DAY) is Status.SUSPENDED
    assert status_at(turns, NOW + 3 * DAY - TICK) is Status.SUSPENDED
    assert status_at(turns, NOW + 3 * DAY) is Status.ACTIVE


def test_turns_count_in_the_order_of_their_times_not_of_their_recording() -> None:
    # A suspension that is recorded afterwards, for a time before the resumption, does not undo it.
    turns = with_changes(
        change(EventType.RESUMED, NOW + 3 * DAY, NOW + 3 * DAY),
        change(EventType.SUSPENDED, NOW + DAY, NOW + 4 * DAY),
    )
    assert status_at(turns, NOW + 2 * DAY) is Status.SUSPENDED
    assert status_at(turns, NOW + 5 * DAY) is Status.ACTIVE


def test_of_two_turns_at_one_time_the_later_recorded_counts() -> None:
    off, on = change(EventType.SUSPENDED, NOW), change(EventType.RESUMED, NOW)
    assert status_at(with_changes(off, on), NOW) is Status.ACTIVE
    assert status_at(with_changes(on, off), NOW) is Status.SUSPENDED
    assert is_suspended([on, off])
    assert not is_suspended([])


@pytest.mark.parametrize("event", [EventType.USED, EventType.ISSUED])
def test_a_use_that_is_not_the_last_changes_nothing(event: EventType) -> None:
    assert status_at(with_changes(change(event, NOW)), NOW + DAY) is Status.ACTIVE


def test_used_up_comes_before_suspended_and_gives_way_to_endings_and_expiry() -> None:
    used = change(EventType.USED_UP, NOW + DAY)
    suspended = change(EventType.SUSPENDED, NOW)
    assert status_at(with_changes(suspended, used), NOW + DAY) is Status.USED_UP
    assert status_at(with_changes(suspended, used), NOW + DAY - TICK) is Status.SUSPENDED
    assert status_at(with_changes(used), NOW + 10 * DAY) is Status.EXPIRED
    assert (
        status_at(with_changes(used, change(EventType.REVOKED, NOW + 2 * DAY)), NOW + 2 * DAY)
        is Status.REVOKED
    )


def test_the_ending_is_told_only_from_its_time() -> None:
    end = change(EventType.SUPERSEDED, NOW + DAY)
    assert ending_at(with_changes(change(EventType.SUSPENDED, NOW), end), NOW + DAY) is end
    assert ending_at(with_changes(end), NOW + DAY - TICK) is None
    assert ending_at(LIFETIME, LAST_MOMENT) is None


def test_of_several_endings_the_first_in_time_that_was_known_is_told() -> None:
    first = change(EventType.REVOKED, NOW + DAY, NOW + 5 * DAY)
    second = change(EventType.SUPERSEDED, NOW + 2 * DAY, NOW + 2 * DAY)
    ended = with_changes(second, first)
    assert ending_at(ended, NOW + 3 * DAY) is first
    assert ending_at(ended, NOW + 3 * DAY, known_at=NOW + 4 * DAY) is second
    assert ending_at(ended, NOW + 3 * DAY, known_at=NOW + DAY) is None
    assert status_at(ended, NOW + DAY, known_at=NOW + 4 * DAY) is Status.ACTIVE
