"""What clients are answered, as schemas: they describe the surface, and tests hold the answers to them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from registry.interop.minaombud.numbers import IdentityType, RoleName

StatusName = Literal["AKTUELL", "GILTIG", "HISTORISK"]


_ABSENT: Any = None
"""The default of members that are left out where there is nothing to say; none is ever null."""


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Identitet(_Out):
    """A party. `namn` is the whole name, or the number where no name is known."""

    id: Annotated[str, Field(examples=["5561929323"])]
    typ: IdentityType
    namn: Annotated[str, Field(examples=["TB Bokföringsbyrå AB"])]


class Signatur(_Out):
    """A detached JWS over the RFC 8785 bytes of the object without `_sig`."""

    protected: str
    signature: str


class UtdeladBehorighet(_Out):
    """A permission, and the mandate that gives it."""

    kod: str
    fullmakt: UUID


class Behorighetskontext(_Out):
    """What one grantor, in one role, lets these holders do at one third party."""

    tredjeman: str
    fullmaktsgivare: Identitet
    fullmaktsgivarroll: RoleName
    fullmaktshavare: list[Identitet]
    behorigheter: list[UtdeladBehorighet]
    tidpunkt: datetime
    sig: Annotated[Signatur, Field(alias="_sig")]


class Sida(_Out):
    """Which page this is, and how much there is in all."""

    size: int
    number: int
    totalElements: int  # noqa: N815  # as it stands on the wire
    totalPages: int  # noqa: N815  # as above


class BehorigheterSvar(_Out):
    """The answer to a search for permissions; none is an empty list."""

    kontext: list[Behorighetskontext]
    page: Sida


class Aterkallelse(_Out):
    """Who ended the mandate, and when."""

    part: Literal["FULLMAKTSHAVARE", "FULLMAKTSGIVARE", "TREDJEMAN"]
    person: Identitet
    tidpunkt: datetime


class Fel(_Out):
    """An error, in the form that the clients parse."""

    type: str
    instance: str
    title: str
    detail: str
    status: int
    timestamp: datetime
    requestId: str  # noqa: N815  # as it stands on the wire


class Fullmaktspost(_Out):
    """A mandate in a list. The dates are civil dates in Sweden; `giltigTom` is the last valid day."""

    id: UUID
    tredjeman: str
    fullmaktsgivare: Identitet
    fullmaktsgivarroll: RoleName
    fullmaktshavare: list[Identitet]
    rubrik: str
    giltigFrom: date  # noqa: N815  # as it stands on the wire
    giltigTom: date = _ABSENT  # noqa: N815  # as above
    referensnummer: str
    registreringstidpunkt: datetime
    status: StatusName
    aterkallad: Aterkallelse = _ABSENT


class FullmakterSvar(_Out):
    """The answer to a search for mandates. `problem` says of which third parties the caller may not ask."""

    fullmakter: list[Fullmaktspost]
    page: Sida
    problem: dict[str, Fel] = _ABSENT


class Ursprung(_Out):
    """The template that the mandate is on, and the mandate that it was granted on from."""

    mall: UUID
    fullmakt: UUID = _ABSENT


class NamngivenTredjeman(_Out):
    """A third party with its name."""

    id: str
    namn: str


class JuridiskSignatar(_Out):
    """An organisation that signed, by the persons who signed for it."""

    juridiskPerson: Identitet  # noqa: N815  # as it stands on the wire
    foretradare: list[Identitet]


class Signatar(_Out):
    """Who signed: one of the two."""

    fysiskPerson: Identitet = _ABSENT  # noqa: N815  # as it stands on the wire
    juridiskSignatar: JuridiskSignatar = _ABSENT  # noqa: N815  # as above


class Behorighet(_Out):
    """A permission with its texts."""

    kod: str
    rubrik: str
    beskrivning: str = _ABSENT


class Fullmakt(_Out):
    """A mandate as it was granted."""

    id: UUID
    ursprung: Ursprung
    rubrik: str
    beskrivning: str
    skapare: Identitet
    tredjeman: NamngivenTredjeman
    fullmaktsgivare: Identitet
    fullmaktsgivarroll: RoleName
    fullmaktshavare: list[Identitet]
    signatarer: list[Signatar]
    behorigheter: list[Behorighet]
    giltigFrom: date  # noqa: N815  # as it stands on the wire
    giltigTom: date = _ABSENT  # noqa: N815  # as above
    transportfullmakt: bool
    vidaredelning: bool


class Underskrift(_Out):
    """One person's signature."""

    person: Identitet
    tidpunkt: datetime


class Metadata(_Out):
    """How the mandate stands, and who signed it."""

    referensnummer: str
    registreringstidpunkt: datetime
    status: StatusName
    underskrifter: list[Underskrift]
    aterkallad: Aterkallelse = _ABSENT


class FullmaktSvar(_Out):
    """One whole mandate, signed by its third party."""

    fullmakt: Fullmakt
    metadata: Metadata
    svarstidpunkt: datetime
    sig: Annotated[Signatur, Field(alias="_sig")]


class Nyckel(_Out):
    """A public RSA key (RFC 7517)."""

    kty: Literal["RSA"]
    kid: str
    alg: Literal["RS256"]
    use: Literal["sig"]
    n: str
    e: str


class NycklarSvar(_Out):
    """A third party's keys."""

    keys: list[Nyckel]


class Mall(_Out):
    """A template. `tjanster` are the stable names of the services that it is bound to."""

    id: UUID
    version: int
    rubrik: str
    beskrivning: str = _ABSENT
    behorigheter: list[Behorighet]
    tjanster: list[str]


class MallarSvar(_Out):
    """A page of a third party's published templates."""

    mallar: list[Mall]
    page: Sida


class MallSvar(_Out):
    """One published template."""

    mall: Mall


class TokenSvar(_Out):
    """An access token, good for `expires_in` seconds, with the scope that was asked for."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


class TokenFel(_Out):
    """A refusal (RFC 6749 section 5.2)."""

    error: str
    error_description: str
