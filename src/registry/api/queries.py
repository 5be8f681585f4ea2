"""What may stand in an address: organisations, codes and words, never a person's identifier."""

import re

from registry.domain.errors import Fault, InvalidInputError, InvalidPartyIdError
from registry.domain.parties import Party, Scheme
from registry.identity.schemes import parse_organisation, parse_party

_PERSONS = (Scheme.SE_PNR, Scheme.SE_SAMNR, Scheme.DK_CPR, Scheme.NO_FNR, Scheme.FI_HETU, Scheme.EE_IK)
_NUMBER = re.compile(r"[0-9]{6,12}(?:[-+A-Y][0-9A-Z]{4,5})?", re.ASCII)


def read_organisation(name: str, text: str | None) -> Party | None:
    """Read the query parameter `name`, an organisation as `scheme:value`. Raises InvalidInputError."""
    if text is None:
        return None
    try:
        return parse_organisation(text)
    except InvalidPartyIdError as error:
        raise InvalidInputError((Fault(f"?{name}", f"party_{error.code}", error.message),)) from None


def refuse_persons(**texts: str | None) -> None:
    """Raise InvalidInputError where one of these query parameters holds a person's identifier."""
    faults = tuple(
        Fault(
            f"?{name}",
            "personal_identifier",
            "A person's identifier never belongs in an address: leave it out, search for persons by POST.",
        )
        for name, text in texts.items()
        if any(_is_person(number) for number in _NUMBER.findall((text or "").upper()))
    )
    if faults:
        raise InvalidInputError(faults)


def _is_person(number: str) -> bool:
    for scheme in _PERSONS:
        try:
            parse_party(scheme, number)
        except InvalidPartyIdError:
            continue
        return True
    return False
