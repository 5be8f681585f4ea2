"""Statutory deliveries on the wire."""

from typing import Annotated

from pydantic import Field

from registry.api.models.fields import (
    Code,
    Id,
    Language,
    MemberName,
    ShortText,
    UtcTime,
    WireIn,
    WireOut,
)
from registry.api.models.mandates import Details, TemplateReference
from registry.api.models.parties import PartyIn
from registry.domain.events import Status
from registry.domain.issuance import MandateProposal
from registry.domain.mandate import Basis
from registry.domain.parties import PartyType


class DeliveredMandateIn(WireIn):
    """A mandate that the law or a court gives. An absent `valid_until` is the default, null is open-ended.

    Nobody signs it: the authority does, by delivering it.
    """

    template: TemplateReference
    principal: PartyIn
    principal_role: PartyType | None = None
    representatives: Annotated[list[PartyIn], Field(max_length=50)]
    permissions: Annotated[list[Code], Field(max_length=200)]
    permission_details: Annotated[dict[MemberName, Details], Field(max_length=200)] = {}
    specifier: Annotated[Details, Field(max_length=20)] = {}
    valid_from: UtcTime | None = None
    valid_until: UtcTime | None = None
    language: Language | None = None
    basis: Basis | None = None
    external_ref: ShortText | None = None

    def to_proposal(self) -> MandateProposal:
        """The proposal in the domain's terms."""
        return MandateProposal(
            template_id=self.template.id,
            template_version=self.template.version,
            principal=self.principal.to_named(),
            principal_role=self.principal_role,
            representatives=tuple(party.to_named() for party in self.representatives),
            permissions=tuple(self.permissions),
            permission_details=self.permission_details,
            specifier=self.specifier,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            open_ended=self.valid_until is None and "valid_until" in self.model_fields_set,
            language=self.language,
            basis=self.basis,
            external_ref=self.external_ref,
        )


class DeliveryIn(WireIn):
    """Everything that stands under the key from now on; an empty list ends all."""

    mandates: Annotated[list[DeliveredMandateIn], Field(max_length=1000)]


class DeliveredMandateOut(WireOut):
    """A mandate of the delivery, in its order; `is_new` where this delivery issued it.

    One that ended otherwise stays ended, however often it is delivered: its `status` says so.
    """

    id: Id
    is_new: bool
    status: Status


class DeliveryOut(WireOut):
    """What stands under the key now, and what ended because it was no longer delivered.

    `delivered_at` is when that last changed: the same delivery again changes nothing.
    """

    source: str
    key: str
    delivered_at: UtcTime
    mandates: list[DeliveredMandateOut]
    ended: list[Id]
    consistency_token: str
