"""Suspend a mandate for a while, and resume it: acts of the third party."""

from datetime import datetime
from uuid import UUID

from registry.domain.callers import Caller
from registry.domain.events import EventType, MandateEvent, is_suspended
from registry.domain.revocation import SuspensionError, check_not_over
from registry.domain.template import Role
from registry.operations.act_on_mandate import author_of_act, hold_mandate
from registry.operations.record_event import NewEvent, record_event
from registry.signing.keys import KeyRing
from registry.storage.database import Database


async def suspend_mandate(
    database: Database, keys: KeyRing, caller: Caller, mandate_id: UUID, reason: str, *, now: datetime
) -> MandateEvent:
    """Suspend a mandate that is not over and not suspended already; committed when this returns.

    Raises NotFoundError, ForbiddenError, MandateOverError, SuspensionError, UnavailableError.
    """
    return await _turn(database, keys, caller, mandate_id, EventType.SUSPENDED, reason, now=now)


async def resume_mandate(
    database: Database, keys: KeyRing, caller: Caller, mandate_id: UUID, reason: str, *, now: datetime
) -> MandateEvent:
    """Lift a suspension; committed when this returns. Raises as `suspend_mandate`."""
    return await _turn(database, keys, caller, mandate_id, EventType.RESUMED, reason, now=now)


async def _turn(
    database: Database,
    keys: KeyRing,
    caller: Caller,
    mandate_id: UUID,
    turn: EventType,
    reason: str,
    *,
    now: datetime,
) -> MandateEvent:
    async with database.transaction() as session:
        held = await hold_mandate(session, keys, mandate_id, caller, now=now)
        author = author_of_act(held, Role.THIRD_PARTY, caller, person=None, registrar=None)
        check_not_over(held.status)
        if is_suspended(held.state.lifetime.changes) == (turn is EventType.SUSPENDED):
            raise SuspensionError
        return await record_event(session, keys, caller, held.state, NewEvent(turn, author, reason), now=now)
