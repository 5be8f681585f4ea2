"""When a message is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from registry.webhooks.schedule import (
    DELAYS,
    MAX_TRIES,
    Verdict,
    has_failed_too_long,
    judge,
    plan_retry,
    read_retry_after,
)

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (None, Verdict.FAILED),
        (101, Verdict.FAILED),
        (200, Verdict.DELIVERED),
        (204, Verdict.DELIVERED),
        (299, Verdict.DELIVERED),
        (301, Verdict.FAILED),
        (307, Verdict.FAILED),
        (400, Verdict.FAILED),
        (410, Verdict.GONE),
        (429, Verdict.THROTTLED),
        (500, Verdict.FAILED),
        (502, Verdict.THROTTLED),
        (503, Verdict.FAILED),
        (504, Verdict.THROTTLED),
    ],
)
def test_what_a_status_means(status: int | None, verdict: Verdict) -> None:
    assert judge(status) is verdict


def test_nine_more_tries_each_within_a_fifth_of_its_delay() -> None:
    assert [delay.total_seconds() for delay in DELAYS] == [
        5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400,
    ]  # fmt: skip
    for tries, delay in enumerate(DELAYS, start=1):
        for chance, share in ((0.0, 0.8), (0.5, 1.0), (0.999999, 1.2)):
            retry = plan_retry(tries, Verdict.FAILED, None, now=NOW, chance=chance)
            assert retry.at is not None
            assert (retry.at - NOW) / delay == pytest.approx(share, rel=1e-4)
            assert retry.pause_until is None
    assert plan_retry(MAX_TRIES, Verdict.FAILED, None, now=NOW, chance=0.5).at is None


@pytest.mark.parametrize(
    ("asked", "seconds"), [(0, 300), (-5, 300), (301, 301), (450.0, 450), (600, 600), (1e9, 600)]
)
def test_retry_after_counts_between_one_and_two_times_the_delay(asked: float, seconds: float) -> None:
    retry = plan_retry(2, Verdict.THROTTLED, asked, now=NOW, chance=0.9)
    assert retry.at == NOW + timedelta(seconds=seconds)


def test_only_who_throttles_is_heard_and_spared() -> None:
    heard = plan_retry(4, Verdict.THROTTLED, 9, now=NOW, chance=0.5)
    assert heard.pause_until == NOW + timedelta(seconds=9)
    assert plan_retry(4, Verdict.THROTTLED, None, now=NOW, chance=0.5).pause_until == NOW + DELAYS[0]
    ignored = plan_retry(1, Verdict.FAILED, 9, now=NOW, chance=0.5)
    assert (ignored.at, ignored.pause_until) == (NOW + DELAYS[0], None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("9" * 400, float("inf")),
        ("Sun, 22 Nov 2026 09:01:00 GMT", 60.0),
        ("Sun, 22 Nov 2026 08:00:00 GMT", -3600.0),
    ],
)
def test_retry_after_is_read(text: str, seconds: float) -> None:
    assert read_retry_after(text, NOW) == seconds


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "soon",
        "-5",
        "1.5",
        "1e99",
        "٣",
        "Sun, 99 Nov 2026 08:00:00 GMT",
        "Sun, 22 Nov 2026 08:00:00",
    ],
)
def test_what_says_nothing_is_passed_over(text: str | None) -> None:
    assert read_retry_after(text, NOW) is None


def test_five_days_of_failure_are_enough() -> None:
    assert not has_failed_too_long(None, NOW)
    assert not has_failed_too_long(NOW - timedelta(days=5, seconds=-1), NOW)
    assert has_failed_too_long(NOW - timedelta(days=5), NOW)
