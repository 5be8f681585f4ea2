"""Record one use of a mandate, which can use it up."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry.domain.approvals import ApprovalRequiredError, is_good, role_beside
from registry.domain.callers import Caller
from registry.domain.delegation import grantors_in
from registry.domain.documents import party_document
from registry.domain.errors import ConflictError, Fault, InvalidInputError, NotFoundError
from registry.domain.events import Author, EventType, MandateEvent, Status, read_event
from registry.domain.parties import Party
from registry.domain.restrictions import RestrictedError, blocks_mandate, is_in_force
from registry.domain.revocation import check_not_over
from registry.domain.template import Role
from registry.operations.act_on_mandate import HeldMandate, author_of_act, hold_mandate
from registry.operations.end_mandate import tell_below
from registry.operations.record_event import NewEvent, record_event
from registry.signing.keys import KeyRing
from registry.signing.records import SealType, open_seal
from registry.storage.approvals import ApprovalAsked, demands_approval, find_approval
from registry.storage.candidates import PartiesAsked
from registry.storage.database import Database, WriteSession
from registry.storage.idempotency import EarlierEffect, IdempotentRequest, claim_key, record_effect
from registry.storage.mandate_records import list_sealed_events
from registry.storage.mandate_states import lock_state
from registry.storage.restrictions import find_guardians, list_blocks
from registry.storage.secrets import get_secret
from registry.storage.templates import get_version


class NotUsableError(ConflictError):
    """The mandate is not active now: it cannot be used."""


@dataclass(frozen=True, slots=True)
class Use:
    """Which permission is used, in which case, by which representative.

    `approval_id` and `content_digest` name the approval of the matter, where the template demands one.
    """

    permission: str
    case_ref: str
    by: Party
    approval_id: UUID | None = None
    content_digest: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedUse:
    """The event, and how many uses remain; None where there is no limit."""

    event: MandateEvent
    remaining: int | None


async def use_mandate(
    database: Database,
    keys: KeyRing,
    caller: Caller,
    mandate_id: UUID,
    use: Use,
    idempotent: IdempotentRequest,
    *,
    now: datetime,
) -> RecordedUse:
    """Record a use by the third party's client; committed when this returns.

    The same request under the same key is one use, however often it is sent. The last use permitted also
    uses the mandate up, and with it what was granted on from it, in the same transaction. Raises
    NotFoundError, ForbiddenError, InvalidInputError, MandateOverError, NotUsableError, RestrictedError,
    ApprovalRequiredError, IdempotencyKeyReusedError, RequestInProgressError, UnavailableError.
    """
    async with database.transaction() as session:
        held = await hold_mandate(session, keys, mandate_id, caller, now=now)
        author = author_of_act(held, Role.THIRD_PARTY, caller, person=None, registrar=None)
        earlier = await claim_key(session, idempotent)
        if earlier is not None:
            return await _recorded_before(session, keys, mandate_id, earlier)
        check_not_over(held.status)
        if held.status is not Status.ACTIVE:
            raise NotUsableError
        _check_use(held, use)
        await _check_unrestricted(session, keys, held, use, now=now)
        await _check_approved(session, keys, held, use, now=now)
        maximum = held.state.max_uses
        remaining = None if maximum is None else maximum - held.state.uses - 1
        details = {
            "permission": use.permission,
            "case_ref": use.case_ref,
            "by": party_document(use.by),
            "remaining": remaining,
            **({} if use.approval_id is None else {"approval_id": str(use.approval_id)}),
        }
        event = await record_event(
            session, keys, caller, held.state, NewEvent(EventType.USED, author, details=details), now=now
        )
        if remaining == 0:
            state = await lock_state(session, mandate_id)
            if state is None:
                raise RuntimeError("a locked mandate does not disappear")
            used_up = NewEvent(EventType.USED_UP, Author(Role.THIRD_PARTY, caller.organisation))
            end = await record_event(session, keys, caller, state, used_up, now=now)
            await tell_below(session, keys, end, now=now)
        await record_effect(session, idempotent, event.id, event.number, now=now)
    return RecordedUse(event, remaining)


async def _recorded_before(
    session: WriteSession, keys: KeyRing, mandate_id: UUID, earlier: EarlierEffect
) -> RecordedUse:
    secret = await get_secret(session, keys, mandate_id)
    if secret is None:
        raise NotFoundError
    sealed = await list_sealed_events(session, secret, mandate_id, only=earlier.object_version)
    event = read_event(open_seal(sealed[0].sealed, keys, SealType.EVENT))
    remaining = event.details["remaining"]
    return RecordedUse(event, remaining if isinstance(remaining, int) else None)


async def _check_unrestricted(
    session: WriteSession,
    keys: KeyRing,
    held: HeldMandate,
    use: Use,
    *,
    now: datetime,
) -> None:
    """Raise RestrictedError where a restriction on the principal stands against this use now."""
    subject, third_party = held.state.principal_index, held.state.third_party
    blocks = (await list_blocks(session, third_party, [subject])).get(subject, ())
    in_force = [block for block in blocks if is_in_force(block, now, known_at=None, is_present=True)]
    if not in_force:
        return
    template = await get_version(session, held.state.template_id, held.state.template_version)
    if template is None:
        raise RuntimeError("a mandate's template version is never removed")
    mandate_id, ancestors = held.state.mandate_id, held.state.ancestor_ids
    above = {keys.party_index(party) for party in grantors_in((*held.above, held.mandate))}
    if blocks_mandate(
        in_force,
        acting=above | {keys.party_index(use.by)},
        service=None,
        services=frozenset(template.content.services),
        is_guardians=bool(await find_guardians(session, [mandate_id, *ancestors])),
    ):
        raise RestrictedError


async def _check_approved(
    session: WriteSession,
    keys: KeyRing,
    held: HeldMandate,
    use: Use,
    *,
    now: datetime,
) -> None:
    """Raise ApprovalRequiredError unless the matter is approved now, where the template demands it."""
    content = held.mandate.content
    principal = content.principal.party
    between = PartiesAsked(held.state.third_party, keys.party_index(principal), [keys.party_index(use.by)])
    role = role_beside(principal, content.principal_role)
    asked = ApprovalAsked(use.approval_id, use.content_digest, between, role)
    named = await find_approval(session, keys, asked)
    if named is not None and not named.is_of_parties:
        message = "Name an approval of the mandate's parties: this representative, principal and third party."
        raise InvalidInputError((Fault("/approval_id", "party_mismatch", message),))
    is_approved = (
        named is not None
        and named.permission == use.permission
        and is_good(named, now, known_at=None, is_present=True)
    )
    if not is_approved and await demands_approval(session, held.state.mandate_id):
        raise ApprovalRequiredError


def _check_use(held: HeldMandate, use: Use) -> None:
    content = held.mandate.content
    faults = []
    if use.permission not in content.permissions:
        faults.append(Fault("/permission", "not_granted", "The mandate does not grant this permission."))
    if use.by not in {named.party for named in content.representatives}:
        faults.append(Fault("/by", "not_a_representative", "Name a representative of this mandate."))
    if faults:
        raise InvalidInputError(tuple(faults))
