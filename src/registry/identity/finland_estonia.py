"""Finnish and Estonian identifiers.

Each function takes the text as received and returns the canonical form, or raises `InvalidPartyIdError`
with `format`, `date` or `check_digit`. Nothing here reads a clock: a date may lie in the future.
"""

import re
from datetime import date
from typing import Final

from stdnum.ee import ik
from stdnum.fi import alv

from registry.domain.errors import InvalidPartyIdError
from registry.identity.birth_dates import has_date

_HETU: Final = re.compile(r"[0-9]{6}[-+A-FU-Ya-fu-y](?!00[01])[0-9]{3}[0-9A-FHJ-NPR-Ya-fhj-npr-y]")
_CONTROL_CHARACTERS: Final = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_YTUNNUS: Final = re.compile(r"((?!0{7})[0-9]{7})-?([0-9])")
_IK: Final = re.compile(r"[1-8][0-9]{10}")

# Government Decree on the Population Information System 128/2010, with the signs that 690/2022 added.
_CENTURY: Final = {"+": 1800} | dict.fromkeys("-UVWXY", 1900) | dict.fromkeys("ABCDEF", 2000)


def finnish_personal_code(value: str) -> str:
    """Check a `fi-hetu`: `DDMMYYSNNNC`, where S tells the century; the canonical form has capital letters.

    S is part of the identity: since 2023 two persons may differ in it alone. Serials 900-999, which are
    kept for temporary and test persons, are taken.
    """
    if _HETU.fullmatch(value) is None:
        raise InvalidPartyIdError(
            "format",
            "Expected 11 characters DDMMYYSNNNC: S one of + - U-Y A-F, NNN 002-999, C the check character.",
        )
    code = value.upper()
    if not has_date(code, finnish_personal_code_birth_date):
        raise InvalidPartyIdError("date", "The first six digits must be a date, DDMMYY.")
    if _CONTROL_CHARACTERS[int(code[:6] + code[7:10]) % 31] != code[10]:
        raise InvalidPartyIdError("check_digit", "The last character does not fit the others (modulus 31).")
    return code


def finnish_personal_code_birth_date(code: str) -> date:
    """Read the birth date from a canonical `fi-hetu`; raises ValueError if there is no such day."""
    return date(_CENTURY[code[6]] + int(code[4:6]), int(code[2:4]), int(code[:2]))


def finnish_business_id(value: str) -> str:
    """Check a `fi-ytunnus`: `NNNNNNN-C`, which is the canonical form; the hyphen may be left out."""
    match = _YTUNNUS.fullmatch(value)
    if match is None:
        raise InvalidPartyIdError("format", "Expected 7 digits, a hyphen and a check digit: NNNNNNN-C.")
    if alv.checksum(match[1] + match[2]):
        raise InvalidPartyIdError("check_digit", "The last digit does not fit the others (modulus 11).")
    return f"{match[1]}-{match[2]}"


def estonian_personal_code(value: str) -> str:
    """Check an `ee-ik`: 11 digits `GYYMMDDSSSC`, where G (1-8) tells sex and century."""
    if _IK.fullmatch(value) is None:
        raise InvalidPartyIdError("format", "Expected 11 digits GYYMMDDSSSC, G from 1 to 8.")
    if not has_date(value, ik.get_birth_date):
        raise InvalidPartyIdError("date", "Digits 2-7 must be a date, YYMMDD.")
    if ik.calc_check_digit(value) != value[10]:
        raise InvalidPartyIdError("check_digit", "The last digit does not fit the others (modulus 11).")
    return value


def estonian_personal_code_birth_date(code: str) -> date:
    """Read the birth date from a canonical `ee-ik`."""
    return ik.get_birth_date(code)
