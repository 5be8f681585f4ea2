"""Parties in Mina ombud's words, both ways: `{"id", "typ"}`, Swedish identifiers alone."""

from typing import Final, Literal

from registry.domain.documents import Json
from registry.domain.errors import InvalidPartyIdError
from registry.domain.parties import NamedParty, Party, PartyType, Scheme
from registry.identity.schemes import parse_party

IdentityType = Literal["pnr", "samnr", "orgnr", "gdnr", "username"]
RoleName = Literal["ORGANISATION", "PRIVAT"]

_TYPE_OF: Final[dict[Scheme, IdentityType]] = {
    Scheme.SE_PNR: "pnr",
    Scheme.SE_SAMNR: "samnr",
    Scheme.SE_ORGNR: "orgnr",
    Scheme.SE_GDNR: "gdnr",
    Scheme.USERNAME: "username",
}
_ROLES: Final[dict[RoleName, PartyType]] = {
    "ORGANISATION": PartyType.ORGANISATION,
    "PRIVAT": PartyType.PERSON,
}
_DAY: Final = slice(6, 8)
_GD_SERIES: Final = "302"
_CENTURY_OF_ORGANISATIONS: Final = "16"
_WITH_CENTURY: Final = 12


def read_identity(typ: IdentityType, value: str) -> Party:
    """The party of an identity: with or without hyphen, organisations also with a leading 16.

    Which of the personal and the coordination number it is shows in the day, whatever `typ` says; so does the
    series of a GD number. Raises InvalidPartyIdError.
    """
    if typ == "username":
        raise InvalidPartyIdError("unknown_scheme", "A user name is never a party to a mandate.")
    digits = value.replace("-", "")
    if typ in {"pnr", "samnr"}:
        return parse_party(Scheme.SE_SAMNR if digits[_DAY] >= "60" else Scheme.SE_PNR, value)
    if len(digits) == _WITH_CENTURY and digits.startswith(_CENTURY_OF_ORGANISATIONS):
        value = value.removeprefix(_CENTURY_OF_ORGANISATIONS)
    is_gd_number = value.startswith(_GD_SERIES)
    return parse_party(Scheme.SE_GDNR if is_gd_number else Scheme.SE_ORGNR, value)


def read_third_party(value: str) -> Party:
    """The third party with this organisation number. Raises InvalidPartyIdError."""
    return parse_party(Scheme.SE_ORGNR, value)


def show_identity(named: NamedParty) -> dict[str, Json] | None:
    """A party with its name; None where Mina ombud has no type for it.

    `namn` is the whole name: where a person's given names end is not ours to guess. It is the number where no
    name was registered, since clients require one.
    """
    typ = _TYPE_OF.get(named.party.scheme)
    if typ is None:
        return None
    return {"id": named.party.value, "typ": typ, "namn": named.name or named.party.value}


def show_identities(parties: tuple[NamedParty, ...]) -> list[dict[str, Json]] | None:
    """Parties with their names; None where one of them cannot be shown."""
    shown = [identity for named in parties if (identity := show_identity(named)) is not None]
    return shown if len(shown) == len(parties) else None


def show_person(named: NamedParty) -> dict[str, Json] | None:
    """A natural person; None for any other party."""
    return show_identity(named) if named.party.type is PartyType.PERSON else None


def read_roles(names: list[RoleName] | None) -> frozenset[PartyType]:
    """The roles that a search names; empty where it names none."""
    return frozenset(_ROLES[name] for name in names or ())


def show_role(role: PartyType) -> RoleName:
    """In which role a principal granted."""
    return "ORGANISATION" if role is PartyType.ORGANISATION else "PRIVAT"
