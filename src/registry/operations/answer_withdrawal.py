"""Answer a withdrawal that was asked for: the third party completes it or refuses."""

from datetime import datetime
from uuid import UUID

from registry.domain.callers import Caller
from registry.domain.errors import NotFoundError
from registry.domain.events import EventType, MandateEvent
from registry.domain.template import Role
from registry.domain.withdrawal import WithdrawalAnsweredError
from registry.operations.act_on_mandate import HeldMandate, author_of_act, hold_mandate
from registry.operations.end_mandate import EndedMandate, check_not_ended, end_mandate
from registry.operations.record_event import NewEvent, record_event
from registry.signing.keys import KeyRing
from registry.storage.database import Database, WriteSession
from registry.storage.mandate_records import list_withdrawal_turns


async def complete_withdrawal(
    database: Database,
    keys: KeyRing,
    caller: Caller,
    mandate_id: UUID,
    request_id: UUID,
    reason: str | None,
    *,
    now: datetime,
) -> EndedMandate:
    """End the mandate as its principal asked: a revocation by the third party that names the request.

    What hangs below the mandate ends with it.

    Allowed on every template, since the principal wishes it. Committed when this returns. Of an answer and
    other acts that race, one comes first: the rest raise AlreadyEndedError or WithdrawalAnsweredError.
    Raises also NotFoundError, ForbiddenError, MandateOverError, UnavailableError.
    """
    async with database.transaction() as session:
        held, event = await _held(
            session, keys, caller, mandate_id, request_id, EventType.REVOKED, reason, now=now
        )
        return await end_mandate(session, keys, caller, held.state, event, now=now)


async def refuse_withdrawal(
    database: Database,
    keys: KeyRing,
    caller: Caller,
    mandate_id: UUID,
    request_id: UUID,
    reason: str,
    *,
    now: datetime,
) -> MandateEvent:
    """Refuse what was asked, saying why; the mandate goes on. Raises as `complete_withdrawal`."""
    turn = EventType.WITHDRAWAL_REFUSED
    async with database.transaction() as session:
        held, event = await _held(session, keys, caller, mandate_id, request_id, turn, reason, now=now)
        return await record_event(session, keys, caller, held.state, event, now=now)


async def _held(  # both answers ask the same of all of this
    session: WriteSession,
    keys: KeyRing,
    caller: Caller,
    mandate_id: UUID,
    request_id: UUID,
    answer: EventType,
    reason: str | None,
    *,
    now: datetime,
) -> tuple[HeldMandate, NewEvent]:
    """The mandate, locked, with what answers the request, where that may still be answered."""
    held = await hold_mandate(session, keys, mandate_id, caller, now=now)
    author = author_of_act(held, Role.THIRD_PARTY, caller, person=None, registrar=None)
    is_open = await _is_open(session, mandate_id, request_id)
    await check_not_ended(session, held)
    if not is_open:
        raise WithdrawalAnsweredError
    return held, NewEvent(answer, author, reason, {"withdrawal_request": str(request_id)})


async def _is_open(session: WriteSession, mandate_id: UUID, request_id: UUID) -> bool:
    """Whether nothing answered this request yet. Raises NotFoundError where it was never made."""
    turns = (await list_withdrawal_turns(session, [mandate_id])).get(mandate_id, ())
    requests = [turn for turn in turns if turn.type is EventType.WITHDRAWAL_REQUESTED]
    if all(turn.event_id != request_id for turn in requests):
        raise NotFoundError
    return turns[-1].event_id == request_id
