"""What a mandate is to say, on the wire: the terms that are proposed, delivered, or asked for."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from registry.api.models.fields import (
    Code,
    Id,
    Language,
    LongText,
    MemberName,
    Positive,
    ShortText,
    UtcTime,
    WireIn,
)
from registry.api.models.parties import PartyIn
from registry.domain.issuance import MandateProposal
from registry.domain.mandate import Basis, PrincipalDetails, SignatoryAlternative, SignatoryRule
from registry.domain.parties import PartyType

Details = dict[MemberName, ShortText]


class TemplateReference(WireIn):
    """Which version of which template."""

    id: Id
    version: Positive


class SignatoryAlternativeModel(WireIn):
    """One way to sign: at least `count` of these persons."""

    any_of: Annotated[list[PartyIn], Field(min_length=1, max_length=100)]
    count: Annotated[int, Field(strict=True, ge=1, le=100)]


class SignatoryRuleModel(WireIn):
    """Who may sign for an organisation: any one alternative suffices. `text` is the registered wording."""

    text: LongText | None = None
    alternatives: Annotated[list[SignatoryAlternativeModel], Field(min_length=1, max_length=50)]

    def to_rule(self) -> SignatoryRule:
        """The rule in the domain's terms."""
        return SignatoryRule(
            tuple(
                SignatoryAlternative(frozenset(party.party for party in item.any_of), item.count)
                for item in self.alternatives
            ),
            self.text,
        )


class PrincipalDetailsModel(WireIn):
    """What is stated of the principal; a signatory rule needs its `source`."""

    form: ShortText | None = None
    signatory_rule: SignatoryRuleModel | None = None
    source: ShortText | None = None
    retrieved_at: UtcTime | None = None

    def to_details(self) -> PrincipalDetails:
        """The details in the domain's terms."""
        rule = None if self.signatory_rule is None else self.signatory_rule.to_rule()
        return PrincipalDetails(self.form, rule, self.source, self.retrieved_at)


class TermsIn(WireIn):
    """Who may do what for whom, and how long. An absent `valid_until` is the default, null is open-ended."""

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


class ProposalIn(TermsIn):
    """The terms of a mandate. An absent `valid_until` is the template's default, null is open-ended."""

    principal_details: PrincipalDetailsModel | None = None
    parent: Annotated[
        Id | None,
        Field(description="The mandate that this one is granted on from; what is left out is the parent's"),
    ] = None
    supersedes: Id | None = None

    def to_proposal(self) -> MandateProposal:
        """The proposal in the domain's terms."""
        details = self.principal_details
        return replace(
            super().to_proposal(),
            principal_details=None if details is None else details.to_details(),
            parent=self.parent,
            supersedes=self.supersedes,
        )
