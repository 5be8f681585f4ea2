"""Parties on the wire: `{"scheme", "value", "name"}`."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from registry.api.models.fields import ShortText, WireIn, WireOut
from registry.domain.errors import InvalidPartyIdError
from registry.domain.parties import NamedParty, Party, Scheme
from registry.identity.schemes import parse_party


class PartyIn(WireIn):
    """A natural or legal person by its identifier; `name` is as registered, optional in questions."""

    scheme: Annotated[str, Field(examples=["se-orgnr"], json_schema_extra={"enum": list(Scheme)})]
    value: Annotated[str, Field(max_length=300, examples=["5561929323"])]
    name: Annotated[ShortText | None, Field(examples=["TB Bokföringsbyrå AB"])] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        try:
            # Not a private attribute: pydantic's own cost as much as reading the number once more.
            self.__dict__["_party"] = parse_party(self.scheme, self.value)
        except InvalidPartyIdError as error:
            member = "scheme" if error.code == "unknown_scheme" else "value"
            raise PydanticCustomError(
                "party_" + error.code,
                "{message}",
                {"message": error.message, "member": member},
            ) from None
        return self

    @property
    def party(self) -> Party:
        """The party in its canonical form."""
        party: Party = self.__dict__["_party"]
        return party

    def to_named(self) -> NamedParty:
        """The party with its name."""
        return NamedParty(self.party, self.name)


class PartyOut(WireOut):
    """A party in canonical form; the name is null where none was given."""

    scheme: Annotated[str, Field(examples=["se-orgnr"])]
    value: Annotated[str, Field(examples=["5561929323"])]
    name: Annotated[str | None, Field(examples=["TB Bokföringsbyrå AB"])] = None

    @classmethod
    def of(cls, named: NamedParty) -> Self:
        """Show a named party."""
        return cls(scheme=named.party.scheme.value, value=named.party.value, name=named.name)

    @classmethod
    def of_party(cls, party: Party) -> Self:
        """Show a party without a name."""
        return cls(scheme=party.scheme.value, value=party.value)
