"""What clients send: the bodies of the two searches. A member that is null counts as left out."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from registry.api.problems import fault_of
from registry.domain.errors import InvalidInputError, InvalidPartyIdError
from registry.domain.events import Status
from registry.domain.parties import Party
from registry.interop.minaombud.numbers import IdentityType, RoleName, read_identity, read_third_party

PAGE_SIZE = 100
MOST_PER_PAGE = 500
_MOST_PAGES = 1_000_000

OVER = frozenset({Status.EXPIRED, Status.REVOKED, Status.USED_UP})
_STATUSES: dict[str, frozenset[Status]] = {
    "AKTUELL": frozenset(Status) - OVER,
    "GILTIG": frozenset({Status.ACTIVE}),
    "HISTORISK": OVER,
}


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nulls(cls, value: Any) -> Any:  # noqa: ANN401  # whatever the JSON held
        if isinstance(value, dict):
            return {name: member for name, member in value.items() if member is not None}
        return value


class IdentityIn(_In):
    """A party by its number. Names may stand beside it, as in what was answered; they are not looked at."""

    id: Annotated[str, Field(max_length=64, examples=["198602262381"])]
    typ: Annotated[IdentityType, Field(examples=["pnr"])]
    namn: Annotated[str | None, Field(max_length=500)] = None
    fornamn: Annotated[str | None, Field(max_length=500)] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        try:
            self.__dict__["_party"] = read_identity(self.typ, self.id)
        except InvalidPartyIdError as error:
            raise PydanticCustomError(
                "party_" + error.code, "{message}", {"message": error.message, "member": "id"}
            ) from None
        return self

    @property
    def party(self) -> Party:
        """The party in its canonical form."""
        party: Party = self.__dict__["_party"]
        return party


class PageIn(_In):
    """Which page, from 0, of which size. `sort` is taken and changes nothing: the order is the registry's."""

    page: Annotated[StrictInt, Field(ge=0, le=_MOST_PAGES)] = 0
    size: Annotated[StrictInt, Field(ge=1, le=MOST_PER_PAGE)] = PAGE_SIZE
    sort: Annotated[str | None, Field(max_length=200)] = None

    @property
    def offset(self) -> int:
        """How many come before the page."""
        return self.page * self.size


class PermissionSearchIn(_In):
    """Which permissions does this holder have at this third party? The filters narrow the answer."""

    tredjeman: Annotated[str, Field(max_length=64, examples=["2120002411"])]
    fullmaktshavare: IdentityIn
    fullmaktsgivare: IdentityIn | None = None
    fullmaktsgivarroll: Annotated[list[RoleName] | None, Field(max_length=2)] = None
    behorigheter: Annotated[list[Annotated[str, Field(max_length=200)]] | None, Field(max_length=100)] = None
    page: PageIn = PageIn()

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.__dict__["_third_party"] = _third_party(self.tredjeman, "tredjeman")
        return self

    @property
    def third_party(self) -> Party:
        """The third party in its canonical form."""
        party: Party = self.__dict__["_third_party"]
        return party


class MandateSearchIn(_In):
    """Which mandates does this holder have, or has this grantor given? One of the two has to be named."""

    tredjeman: Annotated[list[Annotated[str, Field(max_length=64)]] | None, Field(max_length=100)] = None
    fullmaktshavare: IdentityIn | None = None
    fullmaktsgivare: IdentityIn | None = None
    fullmaktsgivarroll: Annotated[list[RoleName] | None, Field(max_length=2)] = None
    status: Literal["AKTUELL", "GILTIG", "HISTORISK"] | None = None
    aterkallad: StrictBool | None = None
    page: PageIn = PageIn()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.fullmaktshavare is None and self.fullmaktsgivare is None:
            raise PydanticCustomError(
                "missing", "Name a holder or a grantor, or both", {"member": "fullmaktshavare"}
            )
        self.__dict__["_third_parties"] = [_third_party(value, "tredjeman") for value in self.tredjeman or ()]
        return self

    @property
    def third_parties(self) -> list[Party]:
        """The third parties in their canonical form; empty means all that the caller may see."""
        parties: list[Party] = self.__dict__["_third_parties"]
        return parties

    @property
    def statuses(self) -> frozenset[Status] | None:
        """The statuses that the two filters leave; None for all."""
        if self.status is None and self.aterkallad is None:
            return None
        statuses = _STATUSES[self.status] if self.status else frozenset(Status)
        if self.aterkallad is None:
            return statuses
        revoked = frozenset({Status.REVOKED})
        return statuses & revoked if self.aterkallad else statuses - revoked


def read_permission_search(document: dict[str, object]) -> PermissionSearchIn:
    """Read the body. Raises InvalidInputError with every fault."""
    try:
        return PermissionSearchIn.model_validate(document)
    except ValidationError as error:
        raise _refused(error) from None


def read_mandate_search(document: dict[str, object]) -> MandateSearchIn:
    """Read the body. Raises InvalidInputError with every fault."""
    try:
        return MandateSearchIn.model_validate(document)
    except ValidationError as error:
        raise _refused(error) from None


def _refused(error: ValidationError) -> InvalidInputError:
    return InvalidInputError(
        tuple(fault_of({**item, "loc": ("body", *item["loc"])}) for item in error.errors())
    )


def _third_party(value: str, member: str) -> Party:
    try:
        return read_third_party(value)
    except InvalidPartyIdError as error:
        raise PydanticCustomError(
            "party_" + error.code, "{message}", {"message": error.message, "member": member}
        ) from None
