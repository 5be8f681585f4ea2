"""Issue a mandate: check it against its template, seal it, record it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from registry.domain.callers import Caller
from registry.domain.delegation import check_standing
from registry.domain.errors import AlreadyInForceError, AlreadyIssuedError, Fault, InvalidInputError
from registry.domain.events import Author, EventType
from registry.domain.issuance import MandateProposal, check_content
from registry.domain.mandate import Capacity, Mandate, record_document
from registry.domain.revocation import check_may_revoke, check_not_over
from registry.domain.template import Role, TemplateVersion
from registry.identity.sources import Sources
from registry.operations.act_on_mandate import present_status, read_mandate
from registry.operations.announce import announce_issues
from registry.operations.end_mandate import end_mandate
from registry.operations.evidence import ClaimedSignature
from registry.operations.examine_mandate import ExaminedMandate, Stage, examine_mandate
from registry.operations.record_event import NewEvent
from registry.signing.encodings import encode_base64url
from registry.signing.encryption import new_data_secret
from registry.signing.keys import KeyRing
from registry.signing.records import SealType, seal
from registry.storage.ancestors import share_locks
from registry.storage.database import Database, WriteSession
from registry.storage.idempotency import IdempotentRequest, claim_key, find_earlier, record_effect
from registry.storage.mandate_records import add_evidence, add_record
from registry.storage.mandate_states import (
    MandateState,
    find_in_force,
    find_issued,
    get_state,
    lock_grants,
    lock_state,
)
from registry.storage.projection import add_projection
from registry.storage.secrets import add_secret
from registry.storage.templates import get_version, lock_template


@dataclass(frozen=True, slots=True)
class IssueRequest:
    """What is to be issued, with the signatures as delivered."""

    proposal: MandateProposal
    signatures: tuple[ClaimedSignature, ...]


async def issue_mandate(
    database: Database,
    keys: KeyRing,
    sources: Sources,
    caller: Caller,
    request: IssueRequest,
    idempotent: IdempotentRequest,
    *,
    now: datetime,
) -> UUID:
    """Issue a mandate and return its id; the same request under the same key gives the same id again.

    Record, evidence, projection and key are written in one transaction, committed when this returns.
    Raises what `examine_mandate` raises; AlreadyInForceError; AlreadyIssuedError for signatures that were
    used before; IdempotencyKeyReusedError; RequestInProgressError.
    """
    async with database.reading() as session:
        earlier = await find_earlier(session, idempotent)
    if earlier is not None:
        return earlier.object_id
    examined = await examine_mandate(
        database,
        keys,
        sources,
        caller,
        request.proposal,
        request.signatures,
        stage=Stage.ISSUE,
        now=now,
    )
    mandate = Mandate(
        id=uuid7(),
        content=examined.content,
        content_digest=encode_base64url(examined.digest),
        signatures=examined.signatures,
        issued_at=now,
        registered_by=caller.urn,
        ancestors=() if examined.chain is None else examined.chain.ids,
    )
    async with database.transaction() as session:
        earlier = await claim_key(session, idempotent)
        if earlier is not None:
            return earlier.object_id
        await _check_still_allowed(session, examined, now=now)
        await record_issue(session, keys, caller, mandate, examined.template, request.signatures, now=now)
        await record_effect(session, idempotent, mandate.id, now=now)
    return mandate.id


async def record_issue(
    session: WriteSession,
    keys: KeyRing,
    caller: Caller,
    mandate: Mandate,
    template: TemplateVersion,
    claimed: Sequence[ClaimedSignature],
    *,
    now: datetime,
) -> None:
    """Record a mandate whose content and signatures were checked, where no other is in its way.

    The template's lock is held by the caller's transaction, in which everything is written. What the mandate
    supersedes is ended, where `caller` may see it. Raises AlreadyInForceError, AlreadyIssuedError,
    MandateOverError, InvalidInputError.
    """
    await lock_grants(session, mandate.content, keys)
    await _hold_parent(session, keys, mandate, now=now)
    if mandate.content.supersedes is not None:
        await _supersede(session, keys, caller, mandate, now=now)
    in_force = await find_in_force(session, mandate.content, keys, mandate.ancestors)
    if in_force is not None:
        raise AlreadyInForceError(in_force)
    issued = await find_issued(session, keys, mandate.content_digest)
    if issued is not None:
        raise AlreadyIssuedError(issued)
    await _record(session, keys, mandate, template, claimed)


async def _record(
    session: WriteSession,
    keys: KeyRing,
    mandate: Mandate,
    template: TemplateVersion,
    claimed: Sequence[ClaimedSignature],
) -> None:
    secret = new_data_secret()
    sealed = seal(record_document(mandate), keys, SealType.MANDATE, now=mandate.issued_at)
    await add_secret(session, keys, mandate.id, secret, now=mandate.issued_at)
    await add_record(session, secret, mandate.id, sealed, issued_at=mandate.issued_at)
    await add_evidence(session, secret, mandate.id, [item.evidence.encode() for item in claimed])
    await add_projection(session, mandate, template.content, keys, sealed)
    await announce_issues(session, keys, [mandate])


async def _check_still_allowed(session: WriteSession, examined: ExaminedMandate, *, now: datetime) -> None:
    """Look at the template again, now that nobody can retire it until this act is over."""
    await lock_template(session, examined.template.id, shared=True)
    template = await get_version(session, examined.template.id, examined.template.version)
    if template is None or template == examined.template:
        return
    signed_at = min(signature.signed_at for signature in examined.signatures)
    faults = check_content(examined.content, template, signed_at=signed_at, now=now)
    if faults:
        raise InvalidInputError(faults)


async def _hold_parent(session: WriteSession, keys: KeyRing, mandate: Mandate, *, now: datetime) -> None:
    """Look at the parent again, now that nobody can end it, or what is above it, until this act is over."""
    if mandate.content.parent is None:
        return
    await share_locks(session, mandate.ancestors)
    third_party = mandate.content.third_party.party
    parent = await get_state(session, keys, mandate.content.parent, seen_by=third_party)
    if parent is None:
        raise RuntimeError("the third party of a mandate sees it")
    faults = tuple(check_standing(present_status(parent, now)))
    if faults:
        raise InvalidInputError(faults)


async def _supersede(
    session: WriteSession, keys: KeyRing, caller: Caller, mandate: Mandate, *, now: datetime
) -> None:
    """End the mandate that the new one replaces: of the same principal, towards the same third party.

    A representative replaces only what was granted on from the same parent.
    """
    state = await _lock_visible(session, keys, caller, mandate.content.supersedes)
    principal = keys.party_index(mandate.content.principal.party)
    third_party = str(mandate.content.third_party.party)
    if state is None or (state.principal_index, state.third_party) != (principal, third_party):
        raise _unknown_superseded()
    old = await read_mandate(session, keys, state.mandate_id)
    if old.content.principal_role is not mandate.content.principal_role:
        raise _unknown_superseded()
    if mandate.content.parent is not None and old.content.parent != mandate.content.parent:
        message = "A sub-mandate supersedes only another of the same parent."
        raise InvalidInputError((Fault("/supersedes", "other_parent", message),))
    check_not_over(present_status(state, now))
    author = _author_of_superseding(mandate)
    if author.role is Role.THIRD_PARTY:
        template = await get_version(session, state.template_id, state.template_version)
        check_may_revoke(author.role, () if template is None else template.content.may_revoke)
    event = NewEvent(
        type=EventType.SUPERSEDED,
        author=author,
        reason="superseded",
        details={"superseded_by": str(mandate.id)},
    )
    await end_mandate(session, keys, caller, state, event, now=now)


def _author_of_superseding(mandate: Mandate) -> Author:
    """Whoever signed the new mandate ends the old one: nobody is said to have done what another signed."""
    first = mandate.signatures[0]
    if first.capacity is Capacity.AUTHORITY:
        return Author(Role.THIRD_PARTY, mandate.content.third_party.party)
    if first.capacity is Capacity.REPRESENTATIVE:
        return Author(Role.REPRESENTATIVE, first.signer.party)
    is_guardian = first.capacity is Capacity.GUARDIAN
    return Author(Role.PRINCIPAL, first.signer.party if is_guardian else mandate.content.principal.party)


def _unknown_superseded() -> InvalidInputError:
    message = "There is no mandate of this principal, in this role, here with that id."
    return InvalidInputError((Fault("/supersedes", "unknown_mandate", message),))


async def _lock_visible(
    session: WriteSession, keys: KeyRing, caller: Caller, mandate_id: UUID | None
) -> MandateState | None:
    """Lock a mandate that the caller may see: nobody waits for, or holds up, another's."""
    if mandate_id is None:
        return None
    seen = await get_state(
        session, keys, mandate_id, seen_by=caller.organisation, departments=caller.departments
    )
    if seen is None:
        return None
    await share_locks(session, seen.ancestor_ids)
    return await lock_state(session, mandate_id)
