"""Parties: natural and legal persons, named by (scheme, value), never by a bare string."""

from dataclasses import dataclass
from enum import StrEnum


class Scheme(StrEnum):
    """The identifier schemes that the registry knows. `username` names staff, never a party to a mandate."""

    SE_PNR = "se-pnr"
    SE_SAMNR = "se-samnr"
    SE_GDNR = "se-gdnr"
    SE_ORGNR = "se-orgnr"
    DK_CPR = "dk-cpr"
    DK_CVR = "dk-cvr"
    NO_FNR = "no-fnr"
    NO_ORGNR = "no-orgnr"
    FI_HETU = "fi-hetu"
    FI_YTUNNUS = "fi-ytunnus"
    EE_IK = "ee-ik"
    EIDAS = "eidas"
    USERNAME = "username"


class PartyType(StrEnum):
    """What a party is, as its scheme tells. An `eidas` identifier is taken to be a person's."""

    PERSON = "person"
    ORGANISATION = "organisation"
    STAFF = "staff"


_ORGANISATIONS = frozenset({Scheme.SE_ORGNR, Scheme.DK_CVR, Scheme.NO_ORGNR, Scheme.FI_YTUNNUS})


@dataclass(frozen=True, slots=True, order=True)
class Party:
    """A party in its scheme's one canonical ASCII form.

    Make it with `registry.identity.schemes.parse_party`, which checks and normalises the value.
    """

    scheme: Scheme
    value: str

    @property
    def type(self) -> PartyType:
        """Whether this is a person, an organisation or staff."""
        if self.scheme is Scheme.USERNAME:
            return PartyType.STAFF
        return PartyType.ORGANISATION if self.scheme in _ORGANISATIONS else PartyType.PERSON

    def __str__(self) -> str:
        """Show `scheme:value`, the form of an organisation in a query string. Never log a person's."""
        return f"{self.scheme}:{self.value}"


@dataclass(frozen=True, slots=True)
class NamedParty:
    """A party with the name it was registered under; the name is None where none was given."""

    party: Party
    name: str | None = None
