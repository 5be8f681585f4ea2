"""Restrictions on the wire."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from registry.api.models.fields import Code, EndTime, Id, LongText, UtcTime, WireIn, WireOut
from registry.api.models.parties import PartyIn, PartyOut
from registry.api.personal_numbers import names_person
from registry.domain.errors import Fault, InvalidInputError
from registry.domain.parties import NamedParty, Party
from registry.domain.restrictions import (
    Restriction,
    RestrictionScope,
    RestrictionStatus,
    present_status,
)
from registry.operations.impose_restriction import NewRestriction
from registry.storage.restrictions import RestrictionFilter


class RestrictionIn(WireIn):
    """On whom, what is blocked, for how long, and why."""

    subject: Annotated[PartyIn, Field(description="The principal whose mandates, or login, are blocked")]
    scope: RestrictionScope
    representative: Annotated[
        PartyIn | None, Field(description="Who may not represent: with the scope `representative` alone")
    ] = None
    service: Annotated[
        Code | None, Field(description="The e-service's stable UID: with the scope `service` alone")
    ] = None
    third_party: Annotated[
        PartyIn | None,
        Field(
            description="Towards whom: your own organisation; another, or null for all, is for administrators"
        ),
    ] = None
    valid_from: Annotated[UtcTime | None, Field(alias="from", description="Default: from now on")] = None
    valid_until: Annotated[
        UtcTime | None, Field(alias="until", description="Default: until it is lifted")
    ] = None
    reason: Annotated[LongText, Field(description="Sealed with the record; verifications never tell it")]

    def to_new(self) -> NewRestriction:
        """The restriction in the operations' terms. Raises InvalidInputError."""
        if self.service is not None and names_person(self.service):
            message = "A person's identifier is no name of an e-service: give the stable UID."
            raise InvalidInputError((Fault("/service", "personal_identifier", message),))
        return NewRestriction(
            subject=self.subject.to_named(),
            scope=self.scope,
            reason=self.reason,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            representative=None if self.representative is None else self.representative.to_named(),
            service=self.service,
            third_party=None if self.third_party is None else self.third_party.to_named(),
        )


class LiftingIn(WireIn):
    """Why a restriction is lifted."""

    reason: LongText


class LiftingOut(WireOut):
    """Who lifted a restriction, when and why."""

    lifted_by: PartyOut
    lifted_at: UtcTime
    reason: str


class RestrictionOut(WireOut):
    """A restriction with its status now."""

    id: Id
    status: RestrictionStatus
    subject: PartyOut
    scope: RestrictionScope
    representative: PartyOut | None
    service: str | None
    third_party: PartyOut | None
    valid_from: Annotated[UtcTime, Field(serialization_alias="from")]
    valid_until: Annotated[EndTime | None, Field(serialization_alias="until")]
    reason: str
    imposed_by: PartyOut
    imposed_at: UtcTime
    registered_by: Annotated[str, Field(examples=["urn:registry:client:demo-platform"])]
    lifting: LiftingOut | None
    consistency_token: Annotated[
        str | None, Field(description="Send it as `at_least` to be answered from a state no older than this")
    ] = None

    @classmethod
    def of(cls, restriction: Restriction, now: datetime, consistency_token: str | None = None) -> Self:
        """Show a restriction."""
        imposition, lifting = restriction.imposition, restriction.lifting
        return cls(
            id=restriction.id,
            status=present_status(restriction, now),
            subject=PartyOut.of(imposition.subject),
            scope=imposition.scope,
            representative=_shown(imposition.representative),
            service=imposition.service,
            third_party=_shown(imposition.third_party),
            valid_from=imposition.valid_from,
            valid_until=imposition.valid_until,
            reason=imposition.reason,
            imposed_by=PartyOut.of_party(imposition.imposed_by),
            imposed_at=restriction.imposed_at,
            registered_by=restriction.registered_by,
            lifting=None
            if lifting is None
            else LiftingOut(
                lifted_by=PartyOut.of_party(lifting.lifted_by),
                lifted_at=lifting.lifted_at,
                reason=lifting.reason,
            ),
            consistency_token=consistency_token,
        )


class RestrictionSearchIn(WireIn):
    """Which restrictions to find, among those that your organisation has a part in."""

    subject: PartyIn | None = None
    representative: PartyIn | None = None
    third_party: PartyIn | None = None
    scope: RestrictionScope | None = None
    status: RestrictionStatus | None = None
    limit: Annotated[int, Field(strict=True, ge=1, le=100)] = 20
    cursor: Id | None = None

    def to_filter(self, now: datetime) -> RestrictionFilter:
        """The search in storage's terms."""
        return RestrictionFilter(
            now=now,
            subject=_party(self.subject),
            representative=_party(self.representative),
            third_party=_party(self.third_party),
            scope=self.scope,
            status=self.status,
        )


class RestrictionList(WireOut):
    """One page in the order of imposing; `next` is the cursor of the next page, null at the end."""

    items: list[RestrictionOut]
    next: Id | None


def _shown(named: NamedParty | None) -> PartyOut | None:
    return None if named is None else PartyOut.of(named)


def _party(party: PartyIn | None) -> Party | None:
    return None if party is None else party.party
