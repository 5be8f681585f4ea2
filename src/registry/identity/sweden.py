"""Swedish identifiers: personal, coordination, GD and organisation numbers.

Each function takes the text as received and returns the canonical form, digits only, or raises
`InvalidPartyIdError` with `format`, `date` or `check_digit`. Whether a number has been assigned, or its
date lies in the future, is for a population register to say: nothing here reads a clock.

Sources: folkbokföringslagen (1991:481) 18 and 18 a §§; the Swedish Tax Agency's brochures SKV 704
(personal numbers), SKV 707 (coordination numbers) and SKV 709 (organisation numbers).
"""

import re
from datetime import date
from typing import Final

from registry.domain.errors import InvalidPartyIdError
from registry.domain.parties import Party, Scheme
from registry.identity.birth_dates import has_date

_TWELVE: Final = re.compile(r"(?:18|19|20)[0-9]{6}-?(?!000)[0-9]{4}")
_TEN: Final = re.compile(r"(?:16)?[1-9][0-9][2-9][0-9]{3}-?[0-9]{4}")
_GD: Final = re.compile(r"302[0-9]{3}-?[0-9]{4}")

# ASCII digit -> the sum of the digits of its double, as Luhn counts every second one.
_DOUBLED: Final = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))

_TEST_SERIALS: Final = range(980, 1000)


def personal_number(value: str) -> str:
    """Check a `se-pnr`: `YYYYMMDDNNNC` or `YYYYMMDD-NNNC`, the canonical form has no hyphen.

    Ten digits are refused, since they do not tell the century.
    """
    digits = _twelve_digits(value)
    if "60" <= digits[6:8] <= "91":
        raise InvalidPartyIdError(
            "date", "The day is 60 or more, as in a coordination number: use the scheme se-samnr for it."
        )
    if not has_date(digits, personal_number_birth_date):
        raise InvalidPartyIdError("date", "The first eight digits must be a date, YYYYMMDD.")
    _require_luhn(digits[2:])
    return digits


def personal_number_birth_date(digits: str) -> date:
    """Read the birth date from a canonical `se-pnr`."""
    return date.fromisoformat(digits[:8])


def coordination_number(value: str) -> str:
    """Check a `se-samnr`: as a personal number, with 60 added to the day.

    The Tax Agency writes month 00, day 60 or both where they are unknown (its published test numbers
    show 00 with a known day, too); a month and day that are given must form a date.
    """
    digits = _twelve_digits(value)
    if "01" <= digits[6:8] <= "31":
        raise InvalidPartyIdError(
            "date", "The day is not raised by 60, as in a personal number: use the scheme se-pnr for it."
        )
    if not has_date(digits, _coordination_number_earliest_date):
        raise InvalidPartyIdError(
            "date",
            "The first eight digits must be a date YYYYMMDD, 60 added to the day (unknown: MM 00, DD 60).",
        )
    _require_luhn(digits[2:])
    return digits


def coordination_number_birth_date(digits: str) -> date | None:
    """Read the birth date from a canonical `se-samnr`; None if its month or day is unknown."""
    month, day = int(digits[4:6]), int(digits[6:8]) - 60
    return date(int(digits[:4]), month, day) if month and day else None


def gd_number(value: str) -> str:
    """Check a `se-gdnr`: ten digits that begin with 302, a hyphen before the last four allowed."""
    if _GD.fullmatch(value) is None:
        raise InvalidPartyIdError(
            "format", "Expected 10 digits that begin with 302: 302NNNNNNC or 302NNN-NNNC."
        )
    digits = value.replace("-", "")
    _require_luhn(digits)
    return digits


def organisation_number(value: str) -> str:
    """Check a `se-orgnr`: `NNNNNNNNNC`, a hyphen before the last four and a leading 16 allowed.

    The third digit is at least 2, which tells it from a personal number. The series 302 is refused: those
    are GD numbers, and one party must not have two names.
    """
    if _TEN.fullmatch(value) is None:
        raise InvalidPartyIdError(
            "format",
            "Expected 10 digits NNNNNNNNNC, the first not 0 and the third at least 2, or NNNNNN-NNNC.",
        )
    digits = value.replace("-", "")[-10:]
    if digits.startswith("302"):
        raise InvalidPartyIdError(
            "format", "A number that begins with 302 is a GD number: use the scheme se-gdnr."
        )
    _require_luhn(digits)
    return digits


def swedish_test_number(birth: date, serial: int) -> Party:
    """Make the `se-pnr` of a test person from the Tax Agency's test series, serials 980-999.

    For demos and tests: no number outside that series, which real persons do not get, can be made here.
    Raises ValueError for another serial, or a birth date outside 1800-2099.
    """
    if serial not in _TEST_SERIALS:
        raise ValueError("The serial must lie in the test series, 980-999.")
    nine = f"{birth:%y%m%d}{serial}"
    check_digit = -_luhn_sum(nine + "0") % 10
    try:
        return Party(Scheme.SE_PNR, personal_number(f"{birth:%Y%m%d}{serial}{check_digit}"))
    except InvalidPartyIdError as error:
        raise ValueError("The birth date must lie in 1800-2099.") from error


def _twelve_digits(value: str) -> str:
    if _TWELVE.fullmatch(value) is None:
        raise InvalidPartyIdError(
            "format",
            "Expected 12 digits YYYYMMDDNNNC with the century (18-20) and NNN not 000, or YYYYMMDD-NNNC.",
        )
    return value.replace("-", "")


def _coordination_number_earliest_date(digits: str) -> date:
    """Read the date, 1 for what is unknown: January has 31 days and every month a first, so both fit all."""
    month, day = int(digits[4:6]), int(digits[6:8]) - 60
    return date(int(digits[:4]), month or 1, day or 1)


def _require_luhn(ten_digits: str) -> None:
    if _luhn_sum(ten_digits) % 10:
        raise InvalidPartyIdError("check_digit", "The last digit does not fit the others (Luhn).")


def _luhn_sum(ten_digits: str) -> int:
    """Sum as Luhn's formula does; divisible by ten if the last digit is the right check digit.

    Two identifiers or more are checked in every verification, and this takes a seventh of the time of
    stdnum.luhn, which the tests hold it against. The five digits counted once stay in ASCII: 5 * 48 is
    divisible by ten.
    """
    codes = ten_digits.encode()
    return sum(codes[::2].translate(_DOUBLED)) + sum(codes[1::2])
