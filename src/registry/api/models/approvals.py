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
)
from registry.domain.callers import Caller
from registry.domain.parties import NamedParty
from registry.operations.decide_approval import decision_bytes
from registry.signing.canonical import base64url_digest
from registry.signing.encodings import encode_base64url


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
        str, Field(description="Send it as `at_least` to be answered from a state no older than this")
    ]

    @classmethod
    def of(cls, approval: Approval, now: datetime, consistency_token: str) -> Self:
        """Show an approval."""
        matter = approval.matter
        to_be_signed = decision_bytes(approval, Verdict.APPROVED)
        return cls(
            id=approval.id,
            status=approval_status(approval, now),
            principal=PartyOut.of(matter.principal),
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
