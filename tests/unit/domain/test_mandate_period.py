"""Defaults of a mandate, and its period: civil days in the third party's zone, and the calendar's ends."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from registry.domain.documents import utc_text
from registry.domain.issuance import MandateProposal, check_content, choose_language, complete
from registry.domain.mandate import Basis, MandateContent
from registry.domain.parties import PartyType
from registry.domain.template import TemplateContent, Validity
from unit.domain.builders import (
    BY_AUTHORITY,
    BY_GUARDIAN,
    CONTENT,
    DAY,
    FIRST_MOMENT,
    LAST_MOMENT,
    MARIA,
    NOW,
    PROPOSAL,
    TEMPLATE,
    TEXT_DIGEST,
    TICK,
    VERSION,
    places,
    version_of,
)
from unit.domain.strategies import TIMES

ZONES = st.sampled_from(["Europe/Stockholm", "Europe/Copenhagen", "Europe/Helsinki", "UTC"]).map(ZoneInfo)


def completed(
    proposal: MandateProposal = PROPOSAL, template: TemplateContent = TEMPLATE, *, now: datetime = NOW
) -> MandateContent:
    return complete(proposal, version_of(template), TEXT_DIGEST, now=now)


def codes(content: MandateContent, template: TemplateContent, *, now: datetime = NOW) -> list[str]:
    return [fault.code for fault in check_content(content, version_of(template), signed_at=None, now=now)]


def civil_period(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """`[first 00:00, last + 1 day 00:00)` in the zone, as UTC."""
    begin, end = (datetime.combine(day, time.min, zone) for day in (first, last + DAY))
    utc = ZoneInfo("UTC")
    return begin.astimezone(utc), end.astimezone(utc)


def test_defaults_are_filled_in() -> None:
    content = completed()
    assert (content.valid_from, content.valid_until) == (NOW, NOW + 365 * DAY)
    assert content.principal_role is PartyType.ORGANISATION
    assert content.permissions == ("fill-in", "sign")
    assert content.basis is Basis.VOLUNTARY
    assert content.language == "en"
    assert (content.kind, content.third_party) == (TEMPLATE.kind, TEMPLATE.third_party)
    assert (content.template_id, content.template_version) == (VERSION.id, VERSION.version)
    assert content.text_digest == TEXT_DIGEST


def test_what_is_stated_stays() -> None:
    proposal = replace(
        PROPOSAL,
        principal=MARIA,
        principal_role=PartyType.ORGANISATION,
        valid_from=NOW + DAY,
        valid_until=NOW + 2 * DAY,
        language="sv",
        basis=Basis.COURT,
        specifier={"property": "1:3"},
        supersedes=VERSION.id,
        external_ref="case 2026-114",
    )
    content = completed(proposal)
    for name in ("principal_role", "valid_from", "valid_until", "language", "basis", "specifier"):
        assert getattr(content, name) == getattr(proposal, name)
    assert (content.supersedes, content.external_ref) == (VERSION.id, "case 2026-114")
    assert completed(replace(PROPOSAL, principal=MARIA)).principal_role is PartyType.PERSON


def test_a_default_begins_where_the_period_does() -> None:
    assert completed(replace(PROPOSAL, valid_from=NOW + 9 * DAY)).valid_until == NOW + 374 * DAY


def test_no_end_is_taken_only_where_it_was_asked_for() -> None:
    open_ended = replace(TEMPLATE, validity=Validity(open_ended=True))
    assert completed(PROPOSAL, open_ended).valid_until == NOW + 365 * DAY
    endless = completed(replace(PROPOSAL, open_ended=True), open_ended)
    assert endless.valid_until is None
    assert codes(endless, open_ended) == []
    assert codes(endless, TEMPLATE) == ["end_required"]


@pytest.mark.parametrize("template", [BY_AUTHORITY, BY_GUARDIAN])
def test_only_what_an_authority_delivers_rests_on_statute(template: TemplateContent) -> None:
    expected = Basis.STATUTORY if template is BY_AUTHORITY else Basis.VOLUNTARY
    assert completed(template=template).basis is expected


def test_the_language_is_the_only_one_or_the_first() -> None:
    only = replace(TEMPLATE, title={"sv": "x"})
    assert choose_language(PROPOSAL, only) == "sv"
    assert choose_language(PROPOSAL, replace(TEMPLATE, title={"sv": "x", "da": "y"})) == "da"
    assert choose_language(replace(PROPOSAL, language="fi"), only) == "fi"


@given(ZONES, st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.integers(1, 2000))
@example(ZoneInfo("Europe/Stockholm"), date(2026, 10, 25), 1)
@example(ZoneInfo("Europe/Stockholm"), date(2027, 3, 28), 1)
@example(ZoneInfo("Europe/Copenhagen"), date(2026, 10, 25), 365)
@settings(deadline=None)
def test_whole_civil_days_fit_whatever_the_clocks_do_and_one_more_does_not(
    zone: ZoneInfo, first: date, days: int
) -> None:
    template = replace(TEMPLATE, validity=Validity(default_days=1, max_days=days))
    begin, end = civil_period(first, first + (days - 1) * DAY, zone)
    fitting = replace(CONTENT, valid_from=begin, valid_until=end)
    assert codes(fitting, template, now=begin) == []
    begin, end = civil_period(first, first + days * DAY, zone)
    assert codes(replace(fitting, valid_until=end), template, now=begin) == ["too_long"]


def test_a_civil_day_of_stockholm_in_utc() -> None:
    begin, end = civil_period(date(2026, 10, 25), date(2026, 10, 25), ZoneInfo("Europe/Stockholm"))
    assert (utc_text(begin), utc_text(end)) == ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")


def test_a_period_is_over_at_its_end_and_not_before() -> None:
    content = replace(CONTENT, valid_from=NOW - DAY, valid_until=NOW)
    assert codes(content, TEMPLATE, now=NOW) == ["already_over"]
    assert codes(content, TEMPLATE, now=NOW - TICK) == []


def test_a_period_far_back_that_is_also_too_long_is_both() -> None:
    content = replace(CONTENT, valid_from=FIRST_MOMENT, valid_until=NOW - DAY)
    assert codes(content, TEMPLATE) == ["too_long", "already_over"]


@pytest.mark.parametrize("open_ended", [True, False])
@pytest.mark.parametrize("valid_from", [LAST_MOMENT - 10 * DAY, LAST_MOMENT - TICK])
def test_a_default_stops_at_the_end_of_the_calendar_and_never_becomes_endless(
    *, valid_from: datetime, open_ended: bool
) -> None:
    template = replace(TEMPLATE, validity=Validity(open_ended=open_ended))
    content = completed(replace(PROPOSAL, valid_from=valid_from), template)
    assert content.valid_until == LAST_MOMENT
    assert codes(content, template) == []


def test_nothing_can_begin_at_the_very_last_moment() -> None:
    content = completed(replace(PROPOSAL, valid_from=LAST_MOMENT))
    assert codes(content, TEMPLATE) == ["reversed"]


@given(
    TIMES | st.sampled_from([FIRST_MOMENT, LAST_MOMENT]),
    st.none() | TIMES | st.sampled_from([FIRST_MOMENT, LAST_MOMENT]),
    st.integers(-(10**15), 10**15) | st.sampled_from([-1, 0, 1, 3_652_058, 3_652_059, 10**9]),
    st.integers(0, 10**15),
)
@settings(max_examples=300, deadline=None)
def test_any_period_is_completed_and_judged_without_an_exception(
    valid_from: datetime, valid_until: datetime | None, default_days: int, max_days: int
) -> None:
    template = replace(TEMPLATE, validity=Validity(default_days, max_days))
    proposal = replace(PROPOSAL, valid_from=valid_from, valid_until=valid_until)
    content = completed(proposal, template)
    assert content.valid_until is not None
    found = places(check_content(content, version_of(template), signed_at=None, now=NOW))
    assert {pointer for pointer, _ in found} <= {"/valid_until"}
    length = content.valid_until - content.valid_from
    assert (("/valid_until", "reversed") in found) == (length <= timedelta(0))
    if length > timedelta(0):
        is_too_long = length - timedelta(hours=2) > timedelta(days=min(max_days, 4_000_000))
        assert (("/valid_until", "too_long") in found) == is_too_long
        assert (("/valid_until", "already_over") in found) == (content.valid_until <= NOW)
