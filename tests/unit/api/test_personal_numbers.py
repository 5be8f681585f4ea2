"""Recognising a person's identifier in whatever text: no real one gets by, and codes are left alone."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from party_numbers import VALID, digits, swedish
from registry.api.personal_numbers import names_person

PERSONS = ("se-pnr", "se-samnr", "dk-cpr", "no-fnr", "fi-hetu", "ee-ik")
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
WORDS = st.text("abc åäö,./:;_?!", max_size=20)


@pytest.mark.parametrize("scheme", PERSONS)
def test_every_valid_number_is_recognised_in_any_text(scheme: str) -> None:
    @given(WORDS, VALID[scheme], WORDS)
    def check(before: str, number: str, after: str) -> None:
        assert names_person(f"{before} {number} {after}")
        assert names_person(number.translate(FULL_WIDTH))
        assert names_person(number.lower())

    check()


@given(VALID["se-pnr"], st.sampled_from(["-", "+", "\u2010", "\u2011", "\u2013", "\u2212"]))
def test_swedish_numbers_are_recognised_in_each_spelling(number: str, dash: str) -> None:
    assert names_person(f"{number[:8]}{dash}{number[8:]}")
    assert names_person(f"{number[:8]} {number[8:]}")
    if number[:2] in {"19", "20"}:
        assert names_person(number[2:])
        assert names_person(f"{number[2:8]}{dash}{number[8:]}")


@given(VALID["dk-cpr"])
def test_danish_numbers_are_recognised_with_a_hyphen(number: str) -> None:
    assert names_person(f"cpr {number[:6]}-{number[6:]}.")


@given(st.one_of(VALID["se-orgnr"], VALID["dk-cvr"], VALID["no-orgnr"], VALID["fi-ytunnus"]))
def test_organisations_are_no_persons(number: str) -> None:
    assert not names_person(number)


@given(st.uuids(), VALID["se-pnr"])
def test_a_uuid_is_passed_over_even_where_it_holds_a_number(code: UUID, number: str) -> None:
    assert not names_person(str(code))
    assert not names_person(f"{str(code)[:24]}{number}")
    assert not names_person(f"urn:uuid:{str(code)[:24]}{number}".upper())
    assert names_person(f"{code} {number}")


@given(digits(8), digits(3))
def test_a_wrong_check_digit_is_no_person(date_digits: str, serial: str) -> None:
    number = swedish(date_digits + serial)
    assert not names_person(f"99{number[2:-1]}{(int(number[-1]) + 1) % 10}")


@pytest.mark.parametrize("text", ["", "114", "2026-11-21T09:00:00Z", "20261121090000", "MO-17", "0" * 5000])
def test_dates_and_codes_are_no_persons(text: str) -> None:
    assert not names_person(text)
