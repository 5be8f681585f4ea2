"""Recognising a person's identifier where none should stand: in an address, a name, an error message."""

import re
import unicodedata

from registry.domain.errors import InvalidPartyIdError
from registry.domain.parties import Scheme
from registry.identity.schemes import parse_party

_PERSONS = (Scheme.SE_PNR, Scheme.SE_SAMNR, Scheme.DK_CPR, Scheme.NO_FNR, Scheme.FI_HETU, Scheme.EE_IK)
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_UUID = re.compile(r"[0-9A-F]{8}-(?:[0-9A-F]{4}-){3}[0-9A-F]{12}")
_GAP = re.compile(r"(?<=[0-9]) (?=[0-9])")
_NUMBER = re.compile(r"(?<![0-9])([0-9]{6,12})(?![0-9])([-+A-Y][0-9A-Z]{4}(?![0-9A-Z]))?")
_SWEDISH_TEN = re.compile(r"([0-9]{6})[-+]?([0-9]{4})")


def names_person(text: str) -> bool:
    """Whether a person's identifier stands in the text, also in other digits, with other dashes or spaces.

    UUIDs are passed over: by chance some of them hold digits that would do.
    """
    plain = _UUID.sub(" ", _DASHES.sub("-", unicodedata.normalize("NFKC", text)).upper())
    return any(
        _is_person(number)
        for spelling in {plain, _GAP.sub("", plain)}
        for found in _NUMBER.finditer(spelling)
        for number in {found[0], found[1]}
    )


def _is_person(number: str) -> bool:
    ten = _SWEDISH_TEN.fullmatch(number)
    centuries = [f"{century}{ten[1]}{ten[2]}" for century in (19, 20)] if ten else []
    spellings = {number, number.replace("+", "-"), *centuries}
    return any(_is_valid(scheme, spelling) for spelling in spellings for scheme in _PERSONS)


def _is_valid(scheme: Scheme, value: str) -> bool:
    try:
        parse_party(scheme, value)
    except InvalidPartyIdError:
        return False
    return True
