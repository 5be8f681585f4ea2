"""Personal, coordination and GD numbers beside each other, and the numbers of test persons."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from personnummer import personnummer

from party_numbers import VALID, swedish
from registry.domain.errors import InvalidPartyIdError
from registry.domain.parties import Scheme
from registry.identity.schemes import birth_date, parse_party
from registry.identity.sweden import swedish_test_number


@pytest.mark.parametrize(
    ("eight_digits", "born"),
    [
        ("18910561", date(1891, 5, 1)),
        ("18910591", date(1891, 5, 31)),
        ("20040289", date(2004, 2, 29)),
        ("18910560", None),
        ("18910060", None),
        ("18910061", None),
        ("18910091", None),
        ("18911260", None),
    ],
)
def test_a_coordination_number_may_leave_month_or_day_unknown(eight_digits: str, born: date | None) -> None:
    party = parse_party("se-samnr", swedish(f"{eight_digits}980"))
    assert party.scheme is Scheme.SE_SAMNR
    assert birth_date(party) == born


@pytest.mark.parametrize(
    "eight_digits",
    ["18910491", "18910289", "18911361", "18911360", "18910592", "18910500", "18910032", "18910059"],
)
def test_a_coordination_number_with_an_impossible_date_is_refused(eight_digits: str) -> None:
    with pytest.raises(InvalidPartyIdError) as caught:
        parse_party("se-samnr", swedish(f"{eight_digits}980"))
    assert caught.value.code == "date"


@given(number=VALID["se-pnr"])
def test_a_personal_number_as_coordination_number_is_sent_to_its_own_scheme(number: str) -> None:
    with pytest.raises(InvalidPartyIdError, match="se-pnr") as caught:
        parse_party("se-samnr", number)
    assert caught.value.code == "date"


@given(number=VALID["se-samnr"])
def test_a_coordination_number_as_personal_number_is_sent_to_its_own_scheme(number: str) -> None:
    with pytest.raises(InvalidPartyIdError, match="se-samnr") as caught:
        parse_party("se-pnr", number)
    assert caught.value.code == "date"


@given(number=VALID["se-gdnr"])
def test_a_gd_number_as_organisation_number_is_sent_to_its_own_scheme(number: str) -> None:
    with pytest.raises(InvalidPartyIdError, match="se-gdnr") as caught:
        parse_party("se-orgnr", number)
    assert caught.value.code == "format"


def test_ten_digits_are_told_to_become_twelve() -> None:
    with pytest.raises(InvalidPartyIdError, match="12 digits YYYYMMDDNNNC with the century"):
        parse_party("se-pnr", "860226-2381")


@given(
    number=VALID["se-pnr"] | VALID["se-samnr"],
    place=st.integers(2, 11),
    digit=st.sampled_from("0123456789"),
)
def test_agrees_with_the_personnummer_library_where_that_covers_the_scheme(
    number: str, place: int, digit: str
) -> None:
    changed = number[:place] + digit + number[place + 1 :]
    assume(changed[4:6] != "00" and changed[6:8] != "60")  # which it does not know
    assert _is_taken(changed) == personnummer.valid(changed)


def _is_taken(number: str) -> bool:
    for scheme in ("se-pnr", "se-samnr"):
        try:
            parse_party(scheme, number)
        except InvalidPartyIdError:
            continue
        return True
    return False


@given(born=st.dates(date(1800, 1, 1), date(2099, 12, 31)), serial=st.integers(980, 999))
def test_a_test_number_is_a_personal_number_of_that_birth_date(born: date, serial: int) -> None:
    party = swedish_test_number(born, serial)
    assert party.scheme is Scheme.SE_PNR
    assert parse_party(party.scheme, party.value) == party
    assert personnummer.valid(party.value)
    assert birth_date(party) == born
    assert party.value[8:11] == str(serial)


@pytest.mark.parametrize("serial", [979, 1000, 0, -980, 1])
def test_no_number_outside_the_test_series_is_made(serial: int) -> None:
    with pytest.raises(ValueError, match="980-999"):
        swedish_test_number(date(2017, 11, 21), serial)


@pytest.mark.parametrize("born", [date(1799, 12, 31), date(2100, 1, 1), date(1, 1, 1)])
def test_no_test_number_is_made_for_a_century_without_numbers(born: date) -> None:
    with pytest.raises(ValueError, match="1800-2099"):
        swedish_test_number(born, 980)
