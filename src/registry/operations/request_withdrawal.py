"""Ask for the withdrawal of a mandate, as its principal or for it: recorded, and nothing ends by it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry.domain.callers import Caller, Scope
from registry.domain.errors import Fault, InvalidInputError, NotFoundError
from registry.domain.events import EventType, MandateEvent, read_event
from registry.domain.parties import Party
from registry.domain.template import Role
from registry.domain.withdrawal import MAY_ASK, WithdrawalOpenError, withdrawal_request_document
from registry.identity.issuers import TrustedIssuers
from registry.operations.act_on_mandate import Registrar, author_of_act, hold_mandate
from registry.operations.end_mandate import check_not_ended
from registry.operations.prove_person import prove_person
from registry.operations.record_event import NewEvent, record_event
from registry.signing.canonical import canonical_bytes
from registry.signing.keys import KeyRing
from registry.signing.records import SealType, open_seal
from registry.storage.database import Database, ReadSession, WriteSession
from registry.storage.idempotency import EarlierEffect, IdempotentRequest, claim_key, record_effect
from registry.storage.mandate_records import (
    WithdrawalTurn,
    list_sealed_events,
    list_withdrawal_turns,
)
from registry.storage.secrets import get_secret


@dataclass(frozen=True, slots=True)
class WithdrawalRequest:
    """What is asked: in which role, why, and the proof, as in a revocation."""

    by: Role
    reason: str
    person: Party | None = None
    signature: str | None = None
    registrar: Registrar | None = None
    signature_format: str = "jws"


def withdrawal_request_bytes(mandate_id: UUID, asked: WithdrawalRequest) -> bytes:
    """The RFC 8785 bytes that a principal signs to ask for withdrawal."""
    return canonical_bytes(withdrawal_request_document(str(mandate_id), asked.by, asked.reason))


async def request_withdrawal(
    database: Database,
    keys: KeyRing,
    issuers: TrustedIssuers,
    caller: Caller,
    mandate_id: UUID,
    asked: WithdrawalRequest,
    idempotent: IdempotentRequest,
    *,
    now: datetime,
) -> MandateEvent:
    """Record that withdrawal is asked for and return the sealed event; committed when this returns.

    Of many that ask at once one is recorded: the others wait for the lock on the mandate and raise
    WithdrawalOpenError, which names it. The same request under the same key gives the same event again.
    Raises also NotFoundError, ForbiddenError, AlreadyEndedError, MandateOverError, InvalidInputError,
    IdempotencyKeyReusedError, RequestInProgressError, UnavailableError.
    """
    _check(asked, caller)
    proved = await prove_person(
        issuers,
        withdrawal_request_bytes(mandate_id, asked),
        person=asked.person,
        signature=asked.signature,
        signature_format=asked.signature_format,
        now=now,
    )
    async with database.transaction() as session:
        held = await hold_mandate(session, keys, mandate_id, caller, person=proved.party, now=now)
        author = author_of_act(held, asked.by, caller, person=proved.party, registrar=asked.registrar)
        earlier = await claim_key(session, idempotent)
        if earlier is not None:
            return await _recorded_before(session, keys, mandate_id, earlier)
        await check_not_ended(session, held)
        open_request = await find_open_withdrawal(session, mandate_id)
        if open_request is not None:
            raise WithdrawalOpenError(open_request.event_id, open_request.recorded_at)
        new = NewEvent(
            EventType.WITHDRAWAL_REQUESTED,
            author,
            asked.reason,
            {"evidence_digest": proved.evidence_digest, "evidence": asked.signature},
        )
        event = await record_event(session, keys, caller, held.state, new, now=now)
        await record_effect(session, idempotent, event.id, event.number, now=now)
    return event


async def find_open_withdrawal(session: ReadSession, mandate_id: UUID) -> WithdrawalTurn | None:
    """The request that waits for its answer, if any. That of a mandate that is over waits for nothing."""
    turns = (await list_withdrawal_turns(session, [mandate_id])).get(mandate_id, ())
    is_open = turns and turns[-1].type is EventType.WITHDRAWAL_REQUESTED
    return turns[-1] if is_open else None


def _check(asked: WithdrawalRequest, caller: Caller) -> None:
    faults = []
    if asked.by not in MAY_ASK:
        names = " or ".join(sorted(role.value for role in MAY_ASK))
        faults.append(Fault("/by", "role", f"Withdrawal is asked for by: {names}. Others revoke."))
    if not asked.reason.strip():
        faults.append(Fault("/reason", "missing", "Say why, for the third party to decide."))
    if faults:
        raise InvalidInputError(tuple(faults))
    if asked.by is Role.REGISTRAR:
        caller.require(Scope.MANDATES_REGISTER)


async def _recorded_before(
    session: WriteSession, keys: KeyRing, mandate_id: UUID, earlier: EarlierEffect
) -> MandateEvent:
    secret = await get_secret(session, keys, mandate_id)
    if secret is None:
        raise NotFoundError
    sealed = await list_sealed_events(session, secret, mandate_id, only=earlier.object_version)
    return read_event(open_seal(sealed[0].sealed, keys, SealType.EVENT))
