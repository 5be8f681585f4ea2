"""Decide an approval: the representative approves or declines the matter, once."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry.domain.approvals import (
    DECIDED,
    Approval,
    Verdict,
    check_open,
    decision_document,
    read_approval,
)
from registry.domain.callers import Caller
from registry.domain.documents import Json, party_document
from registry.domain.entries import SubjectKind
from registry.domain.errors import Fault, ForbiddenError, InvalidInputError, NotFoundError
from registry.domain.notices import FeedEventType
from registry.domain.parties import Party
from registry.identity.eid_evidence import EvidenceError, VerifiedSigner, verify_eid_evidence
from registry.identity.issuers import TrustedIssuers
from registry.operations.announce import announce, circle_of_matter
from registry.operations.record_entry import append_entry
from registry.signing.canonical import canonical_bytes, digest
from registry.signing.encodings import encode_base64url
from registry.signing.keys import KeyRing
from registry.storage.approvals import is_approval_visible, lock_approval, mark_decided
from registry.storage.database import Database, ReadSession
from registry.storage.sealed_entries import SealedEntry, list_entries


@dataclass(frozen=True, slots=True)
class DecisionAsked:
    """What is decided, and the proof.

    `person` is whom an id token named; `signature` is evidence of the format `jws` or `xmldsig` over
    `decision_bytes`, which proves the person just as well. With neither, the caller's organisation decides.
    """

    verdict: Verdict
    person: Party | None = None
    signature: str | None = None
    signature_format: str = "jws"


def decision_bytes(approval: Approval, verdict: Verdict) -> bytes:
    """The RFC 8785 bytes that a representative signs to decide."""
    return canonical_bytes(decision_document(approval, verdict))


async def decide_approval(
    database: Database,
    keys: KeyRing,
    issuers: TrustedIssuers,
    caller: Caller,
    approval_id: UUID,
    asked: DecisionAsked,
    *,
    now: datetime,
) -> Approval:
    """Approve or decline as the representative; committed when this returns.

    The first of racing decisions wins. Raises NotFoundError, ForbiddenError where the representative is not
    proved, AlreadyDecidedError, ApprovalLapsedError, InvalidInputError for a signature that does not
    verify, UnavailableError.
    """
    signer = await _verify_signature(database, keys, issuers, caller, approval_id, asked, now=now)
    if signer is not None and asked.person is not None and asked.person != signer.party:
        raise ForbiddenError("The id token and the signature name different persons.")
    person = asked.person if signer is None else signer.party
    async with database.transaction() as session:
        if not await lock_approval(session, keys, approval_id, seen_by=_claimants(caller, person)):
            raise NotFoundError
        entries = await _entries(session, keys, approval_id)
        approval = _approval(entries)
        actor = person or caller.organisation
        if actor != approval.matter.representative.party:
            raise ForbiddenError(
                "Prove that the representative decides: id token, signature, or its organisation's client."
            )
        check_open(approval, max(now, approval.requested_at))
        details: dict[str, Json] = {
            "decision": asked.verdict.value,
            "decided_by": party_document(actor),
            "evidence": asked.signature,
            "evidence_digest": None if signer is None else encode_base64url(signer.evidence_digest),
        }
        appended = await append_entry(session, keys, caller, entries, DECIDED, details, now=now)
        recorded_at = appended.entry.recorded_at
        decided = _approval([*entries, appended])
        await mark_decided(session, decided, asked.verdict, recorded_at, entry_count=len(entries) + 1)
        circle, told = circle_of_matter(keys, approval.matter), {"decision": asked.verdict.value}
        await announce(session, circle, FeedEventType.APPROVAL_DECIDED, approval_id, told, at=recorded_at)
    return decided


async def _verify_signature(
    database: Database,
    keys: KeyRing,
    issuers: TrustedIssuers,
    caller: Caller,
    approval_id: UUID,
    asked: DecisionAsked,
    *,
    now: datetime,
) -> VerifiedSigner | None:
    """Whom the signature names. What is signed never changes, so it is read before the lock is taken."""
    if asked.signature is None:
        return None
    seen_by = _claimants(caller, asked.person)
    async with database.reading() as session:
        is_seen = await is_approval_visible(session, keys, approval_id, seen_by=seen_by)
        approval = _approval(await _entries(session, keys, approval_id))
    content_digest = digest(decision_bytes(approval, asked.verdict))
    try:
        return await verify_eid_evidence(
            asked.signature_format, asked.signature, issuers, content_digest=content_digest, now=now
        )
    except EvidenceError as error:
        if not is_seen:
            # A stranger's bad signature is answered as if there were nothing to sign.
            raise NotFoundError from error
        fault = Fault("/signature/evidence/data", f"evidence_{error.code}", error.message)
        raise InvalidInputError((fault,)) from error


async def _entries(session: ReadSession, keys: KeyRing, approval_id: UUID) -> tuple[SealedEntry, ...]:
    entries = (await list_entries(session, keys, [approval_id])).get(approval_id)
    if entries is None or entries[0].entry.kind is not SubjectKind.APPROVAL:
        raise NotFoundError
    return entries


def _claimants(caller: Caller, person: Party | None) -> list[Party]:
    return [caller.organisation] if person is None else [caller.organisation, person]


def _approval(entries: list[SealedEntry] | tuple[SealedEntry, ...]) -> Approval:
    return read_approval([item.entry for item in entries])
