"""What may stand in an address: organisations, codes and words, never a person's identifier."""

from registry.api.personal_numbers import names_person
from registry.domain.errors import Fault, InvalidInputError, InvalidPartyIdError
from registry.domain.parties import Party
from registry.identity.schemes import parse_organisation


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
        if text is not None and names_person(text)
    )
    if faults:
        raise InvalidInputError(faults)
