"""Approvals on the wire."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from registry.api.models.acts import ActSignatureIn
from registry.api.models.fields import Code, Digest, Id, ShortText, UtcTime, WireIn, WireOut
from registry.api.models.parties import PartyIn, PartyOut
from registry.domain.approvals import (
    Approval,
    ApprovalDecision,
    ApprovalStatus,
    Matter,
    Verdict,
    approval_status,
    role_beside,
)
from registry.domain.callers import Caller
from registry.domain.parties import NamedParty, Party, PartyType
from registry.operations.decide_approval import decision_bytes
from registry.signing.canonical import base64url_digest
from registry.signing.encodings import encode_base64url
from registry.storage.approvals import ApprovalFilter


class ApprovalIn(WireIn):
    """One matter of a principal that its representative is to review."""

    principal: PartyIn
    representative: PartyIn
    third_party: Annotated[
        PartyIn | None, Field(description="Your own organisation, also where it is left out")
    ] = None
    permission: Annotated[Code, Field(description="What the matter exercises, by the template's code")]
    title: Annotated[ShortText, Field(description="What the representative is shown")]
    content_digest: Digest
    principal_role: Annotated[
        PartyType | None, Field(description="`organisation`: a sole trader's business; default what it is")
    ] = None
    deadline: Annotated[
        UtcTime, Field(description="To be decided before; an approved matter is good until then, too")
    ]

    def to_matter(self, caller: Caller) -> Matter:
        """The matter in the domain's terms."""
        own = NamedParty(caller.organisation)
        return Matter(
            principal=self.principal.to_named(),
            representative=self.representative.to_named(),
            third_party=own if self.third_party is None else self.third_party.to_named(),
            permission=self.permission,
            title=self.title,
            content_digest=self.content_digest,
            deadline=self.deadline,
            principal_role=role_beside(self.principal.party, self.principal_role),
        )


class DecisionIn(WireIn):
    """What the representative decides, with its signature where there is no `Id-Token`."""

    decision: Verdict
    signature: Annotated[
        ActSignatureIn | None,
        Field(description="Over `to_be_signed` to approve; to decline, with `decision` in it `declined`"),
    ] = None


class DecisionOut(WireOut):
    """What was decided, when and by whom; `evidence_digest` where a signature proved it."""

    decision: Verdict
    decided_at: UtcTime
    decided_by: PartyOut
    evidence_digest: str | None

    @classmethod
    def of(cls, decision: ApprovalDecision) -> Self:
        """Show a decision."""
        return cls(
            decision=decision.verdict,
            decided_at=decision.decided_at,
            decided_by=PartyOut.of_party(decision.decided_by),
            evidence_digest=decision.evidence_digest,
        )


class ApprovalOut(WireOut):
    """A matter with where it stands now."""

    id: Id
    status: ApprovalStatus
    principal: PartyOut
    principal_role: PartyType
    representative: PartyOut
    third_party: PartyOut
    permission: str
    title: str
    content_digest: str
    deadline: UtcTime
    requested_at: UtcTime
    registered_by: Annotated[str, Field(examples=["urn:registry:client:demo-platform"])]
    decision: DecisionOut | None
    to_be_signed: Annotated[str, Field(description="base64url of the RFC 8785 bytes signed to approve")]
    digest: Annotated[str, Field(description="base64url SHA-256 of those bytes: the `content_digest` claim")]
    consistency_token: Annotated[
        str | None, Field(description="Send it as `at_least` to be answered from a state no older than this")
    ] = None

    @classmethod
    def of(cls, approval: Approval, now: datetime, consistency_token: str | None = None) -> Self:
        """Show an approval."""
        matter = approval.matter
        to_be_signed = decision_bytes(approval, Verdict.APPROVED)
        return cls(
            id=approval.id,
            status=approval_status(approval, now),
            principal=PartyOut.of(matter.principal),
            principal_role=matter.principal_role or matter.principal.party.type,
            representative=PartyOut.of(matter.representative),
            third_party=PartyOut.of(matter.third_party),
            permission=matter.permission,
            title=matter.title,
            content_digest=matter.content_digest,
            deadline=matter.deadline,
            requested_at=approval.requested_at,
            registered_by=approval.registered_by,
            decision=None if approval.decision is None else DecisionOut.of(approval.decision),
            to_be_signed=encode_base64url(to_be_signed),
            digest=base64url_digest(to_be_signed),
            consistency_token=consistency_token,
        )


class ApprovalSearchIn(WireIn):
    """Which matters to find, among those that your organisation, or the person, has a part in."""

    principal: PartyIn | None = None
    representative: PartyIn | None = None
    third_party: PartyIn | None = None
    permission: Code | None = None
    status: ApprovalStatus | None = None
    limit: Annotated[int, Field(strict=True, ge=1, le=100)] = 20
    cursor: Id | None = None

    def to_filter(self, now: datetime) -> ApprovalFilter:
        """The search in storage's terms."""
        return ApprovalFilter(
            now=now,
            principal=_party(self.principal),
            representative=_party(self.representative),
            third_party=_party(self.third_party),
            permission=self.permission,
            status=self.status,
        )


class ApprovalList(WireOut):
    """One page in the order they were requested; `next` is the cursor of the next page, null at the end."""

    items: list[ApprovalOut]
    next: Id | None


def _party(party: PartyIn | None) -> Party | None:
    return None if party is None else party.party
