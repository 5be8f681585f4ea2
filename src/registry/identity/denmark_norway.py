"""Danish and Norwegian identifiers.

Each function takes the text as received and returns the canonical form, digits only, or raises
`InvalidPartyIdError` with `format`, `date` or `check_digit`. Nothing here reads a clock: a date may lie
in the future.
"""

import re
from datetime import date
from typing import Final

from stdnum.dk import cpr, cvr
from stdnum.no import fodselsnummer, orgnr

from registry.domain.errors import InvalidPartyIdError
from registry.identity.birth_dates import has_date

_CPR: Final = re.compile(r"([0-9]{6})-?([0-9]{4})")
_CVR: Final = re.compile(r"[1-9][0-9]{7}|[1-9][0-9](?: [0-9]{2}){3}")
_FNR: Final = re.compile(r"([0-9]{6})[ -]?([0-9]{5})")
_NO_ORGNR: Final = re.compile(r"[1-9][0-9]{8}|[1-9][0-9]{2}(?: [0-9]{3}){2}")

_D_NUMBER_DAY: Final = 40
_SYNTHETIC_MONTH: Final = 80

# Serial, year without century, century: folkeregisterforskriften 2-2.
_BIRTH_NUMBER_SERIES: Final = (
    (range(500), range(100), 1900),
    (range(500, 1000), range(40), 2000),
    (range(900, 1000), range(40, 100), 1900),
    (range(500, 750), range(54, 100), 1800),
)
# As widened in November 2021. The widening took serials that D-numbers had left free, so older ones are
# read rightly, too (Norwegian Tax Administration, "Utvidelse av D-nummerserien").
_D_NUMBER_SERIES: Final = (
    (range(500), range(40, 100), 1900),
    (range(600, 1000), range(40, 100), 1900),
    (range(200, 1000), range(40), 2000),
    (range(200), range(40), 1900),
    (range(500, 600), range(58, 100), 1800),
)


def danish_personal_number(value: str) -> str:
    """Check a `dk-cpr`: `DDMMYYNNNN` or `DDMMYY-NNNN`.

    Only the date is checked: since 2007 numbers are given out that break the old check digit. The century
    follows from digits 5-7. Replacement numbers (60 added to the day), which no register issues, are refused.
    """
    match = _CPR.fullmatch(value)
    if match is None:
        raise InvalidPartyIdError("format", "Expected 10 digits DDMMYYNNNN, or DDMMYY-NNNN.")
    digits = match[1] + match[2]
    if not has_date(digits, cpr.get_birth_date):
        raise InvalidPartyIdError("date", "The first six digits must be a date, DDMMYY.")
    return digits


def danish_personal_number_birth_date(digits: str) -> date:
    """Read the birth date from a canonical `dk-cpr`."""
    return cpr.get_birth_date(digits)


def danish_business_number(value: str) -> str:
    """Check a `dk-cvr`: eight digits, together or in pairs set apart by one space."""
    if _CVR.fullmatch(value) is None:
        raise InvalidPartyIdError("format", "Expected 8 digits NNNNNNNC, the first not 0, or NN NN NN NC.")
    digits = value.replace(" ", "")
    if cvr.checksum(digits):
        raise InvalidPartyIdError("check_digit", "The last digit does not fit the others (modulus 11).")
    return digits


def norwegian_personal_number(value: str) -> str:
    """Check a `no-fnr`: `DDMMYYNNNCC`, a space or hyphen before the last five allowed.

    D-numbers (40 added to the day; persons who do not live in Norway) are taken, since the National
    Population Register issues them beside birth numbers and public services take both in one field. So
    are the Tax Administration's synthetic test persons (80 added to the month), which no real person can
    be mistaken for. The health sector's auxiliary H and FH numbers identify nobody elsewhere: refused.
    Control digits and centuries are those in use until 2032, when looser ones begin.
    """
    match = _FNR.fullmatch(value)
    if match is None:
        raise InvalidPartyIdError("format", "Expected 11 digits DDMMYYNNNCC, or DDMMYY NNNCC.")
    digits = match[1] + match[2]
    if not has_date(digits, norwegian_personal_number_birth_date):
        raise InvalidPartyIdError(
            "date",
            "The first six digits must be a date, DDMMYY (in a D-number day + 40), and NNN fit its century.",
        )
    if (
        fodselsnummer.calc_check_digit1(digits) != digits[9]
        or fodselsnummer.calc_check_digit2(digits) != digits[10]
    ):
        raise InvalidPartyIdError("check_digit", "The last two digits do not fit the others (modulus 11).")
    return digits


def norwegian_personal_number_birth_date(digits: str) -> date:
    """Read the birth date from a canonical `no-fnr`; raises ValueError if it holds none."""
    day, month, year, serial = int(digits[:2]), int(digits[2:4]), int(digits[4:6]), int(digits[6:9])
    if month > _SYNTHETIC_MONTH:
        month -= _SYNTHETIC_MONTH
    if day > _D_NUMBER_DAY:
        return date(_century(serial, year, _D_NUMBER_SERIES) + year, month, day - _D_NUMBER_DAY)
    return date(_century(serial, year, _BIRTH_NUMBER_SERIES) + year, month, day)


def _century(serial: int, year: int, series: tuple[tuple[range, range, int], ...]) -> int:
    for serials, years, century in series:
        if serial in serials and year in years:
            return century
    raise ValueError("no century has this serial in this year")


def norwegian_organisation_number(value: str) -> str:
    """Check a `no-orgnr`: nine digits, together or in threes set apart by one space."""
    if _NO_ORGNR.fullmatch(value) is None:
        raise InvalidPartyIdError("format", "Expected 9 digits NNNNNNNNC, the first not 0, or NNN NNN NNC.")
    digits = value.replace(" ", "")
    if orgnr.checksum(digits):
        raise InvalidPartyIdError("check_digit", "The last digit does not fit the others (modulus 11).")
    return digits
