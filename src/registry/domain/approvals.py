"""Approvals: one matter of a principal, reviewed and approved or declined by its representative.

An approval is a list of sealed entries: requested, and at most once decided. It is good for the very content
whose digest it names, from the decision until the deadline, beside a mandate that permits as much.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from registry.domain.documents import (
    Json,
    named_party_document,
    party_document,
    read_named_party,
    read_party,
    utc_text,
    utc_time,
)
from registry.domain.entries import Entry
from registry.domain.errors import ConflictError, Fault
from registry.domain.parties import NamedParty, Party, PartyType

REQUESTED, DECIDED = "approval.requested", "approval.decided"
DECISION_SCHEMA = "approval-decision/1"


class AlreadyDecidedError(ConflictError):
    """The matter has been approved or declined already."""


class ApprovalLapsedError(ConflictError):
    """The deadline has passed: nothing can be decided any more."""


class ApprovalRequiredError(ConflictError):
    """The mandate's every matter has to be approved: name an approval of this one that is in force."""


class Verdict(StrEnum):
    """What the representative decides."""

    APPROVED = "approved"
    DECLINED = "declined"


class ApprovalStatus(StrEnum):
    """Where an approval stands now; derived, never stored. An approved one lapses with its deadline, too."""

    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Matter:
    """What is to be approved: by whom, for whom, towards whom. `content_digest` is a base64url SHA-256.

    `principal_role` None is as what the principal is: only a sole trader's business is named by it.
    """

    principal: NamedParty
    representative: NamedParty
    third_party: NamedParty
    permission: str
    title: str
    content_digest: str
    deadline: datetime
    principal_role: PartyType | None = None


@dataclass(frozen=True, slots=True)
class ApprovalDecision:
    """What was decided, when and by whom; `evidence_digest` where it was proved by a signature."""

    verdict: Verdict
    decided_at: datetime
    decided_by: Party
    evidence_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval as its entries tell it."""

    id: UUID
    matter: Matter
    requested_at: datetime
    registered_by: str
    decision: ApprovalDecision | None = None


@dataclass(frozen=True, slots=True)
class NamedApproval:
    """What verification knows of the approval that a question names.

    `is_of_parties` tells whether its principal, in its role, its representative and its third party are those
    of the question; an unknown one's are not. `is_of_content` tells whether the question names the digest of
    its content. `approved_at` is None unless it was approved.
    """

    is_of_parties: bool
    is_of_content: bool = False
    permission: str = ""
    deadline: datetime | None = None
    approved_at: datetime | None = None


def check_matter(matter: Matter, *, now: datetime) -> tuple[Fault, ...]:
    """Every fault of what is to be approved, but for whether the permission is known."""
    return tuple(_matter_faults(matter, now))


def _matter_faults(matter: Matter, now: datetime) -> Iterator[Fault]:
    for member, named in (("principal", matter.principal), ("representative", matter.representative)):
        if named.party.type is PartyType.STAFF:
            yield Fault(
                f"/{member}", "not_a_party", "Staff is never a party: name a person or an organisation."
            )
    if matter.principal_role not in {None, matter.principal.party.type, PartyType.ORGANISATION}:
        yield Fault("/principal_role", "role_mismatch", "Only a person has another role: `organisation`.")
    if matter.representative.party == matter.principal.party:
        yield Fault("/representative", "not_another", "Nobody represents itself: name somebody else.")
    if matter.deadline <= now:
        yield Fault("/deadline", "period", "Let the deadline lie ahead.")


def role_beside(principal: Party, role: PartyType | None) -> PartyType | None:
    """The role where it is another than what the principal is; None where it goes without saying."""
    return None if role is principal.type else role


def matter_document(matter: Matter) -> dict[str, Json]:
    """Show a matter as its sealed entry holds it; a role that goes without saying is left out."""
    role = role_beside(matter.principal.party, matter.principal_role)
    return {
        **({} if role is None else {"principal_role": role.value}),
        "principal": named_party_document(matter.principal),
        "representative": named_party_document(matter.representative),
        "third_party": named_party_document(matter.third_party),
        "permission": matter.permission,
        "title": matter.title,
        "content_digest": matter.content_digest,
        "deadline": utc_text(matter.deadline),
    }


def decision_document(approval: Approval, verdict: Verdict) -> dict[str, Json]:
    """The document whose RFC 8785 bytes a representative signs to decide."""
    matter = approval.matter
    return {
        "schema": DECISION_SCHEMA,
        "approval_id": str(approval.id),
        **matter_document(matter),
        "principal": party_document(matter.principal.party),
        "representative": party_document(matter.representative.party),
        "third_party": party_document(matter.third_party.party),
        "decision": verdict.value,
    }


def read_approval(entries: Sequence[Entry]) -> Approval:
    """Read an approval from its entries, oldest first. Faults are bugs, or damage (KeyError)."""
    first, *later = entries
    decided = next((entry for entry in later if entry.type == DECIDED), None)
    return Approval(
        id=first.subject_id,
        matter=_read_matter(first.details),
        requested_at=first.recorded_at,
        registered_by=first.registered_by,
        decision=None if decided is None else _read_decision(decided.details, decided.recorded_at),
    )


def _read_matter(details: Mapping[str, Any]) -> Matter:
    return Matter(
        principal=read_named_party(details["principal"]),
        representative=read_named_party(details["representative"]),
        third_party=read_named_party(details["third_party"]),
        permission=details["permission"],
        title=details["title"],
        content_digest=details["content_digest"],
        deadline=utc_time(details["deadline"]),
        principal_role=PartyType(details["principal_role"]) if "principal_role" in details else None,
    )


def _read_decision(details: Mapping[str, Any], decided_at: datetime) -> ApprovalDecision:
    return ApprovalDecision(
        Verdict(details["decision"]),
        decided_at,
        read_party(details["decided_by"]),
        details["evidence_digest"],
    )


def approval_status(approval: Approval, now: datetime) -> ApprovalStatus:
    """Where it stands now: declined stays declined, everything else lapses with the deadline."""
    decision = approval.decision
    if decision is not None and decision.verdict is Verdict.DECLINED:
        return ApprovalStatus.DECLINED
    if now >= approval.matter.deadline:
        return ApprovalStatus.LAPSED
    return ApprovalStatus.PENDING if decision is None else ApprovalStatus.APPROVED


def check_open(approval: Approval, now: datetime) -> None:
    """Raise AlreadyDecidedError, or ApprovalLapsedError, where nothing is left to decide."""
    if approval.decision is not None:
        raise AlreadyDecidedError
    if now >= approval.matter.deadline:
        raise ApprovalLapsedError


def is_good(approval: NamedApproval, at: datetime, *, known_at: datetime | None, is_present: bool) -> bool:
    """Whether an approval is in force at a time, by what was known then; `is_present` as in a question."""
    approved_at, deadline = approval.approved_at, approval.deadline
    if approved_at is None or deadline is None or not approval.is_of_content:
        return False
    if known_at is not None and approved_at > known_at:
        return False
    if is_present:
        at = max(at, approved_at)
    return approved_at <= at < deadline
