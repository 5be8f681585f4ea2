"""Ask for deliveries: a ping, one delivery again, or all events since a time."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry.domain.callers import Caller
from registry.domain.documents import utc_text
from registry.domain.endpoints import (
    MAX_REPLAYED,
    REPLAYABLE,
    Delivery,
    Endpoint,
    EndpointDisabledError,
    EndpointStatus,
)
from registry.domain.errors import Fault, InvalidInputError, NotFoundError
from registry.signing.keys import KeyRing
from registry.storage.database import Database, WriteSession
from registry.storage.endpoint_deliveries import get_delivery, queue_delivery_again, queue_ping
from registry.storage.endpoints import lock_endpoint
from registry.storage.fan_out import queue_again


@dataclass(frozen=True, slots=True)
class Replay:
    """How many events were queued again. `next_since`: where to go on, None when that was all."""

    queued: int
    next_since: datetime | None


async def ping_endpoint(
    database: Database, keys: KeyRing, caller: Caller, endpoint_id: UUID, *, now: datetime
) -> Delivery:
    """Queue a ping, or hasten the one that waits. To a pending endpoint it asks for the proof.

    Committed when this returns. Raises NotFoundError, EndpointDisabledError, UnavailableError.
    """
    async with database.transaction() as session:
        endpoint = await _hold_endpoint(session, keys, caller, endpoint_id)
        ping_id = await queue_ping(session, endpoint_id, now=now)
        delivery = await get_delivery(session, endpoint_id, ping_id)
    await database.wakeups.tell({endpoint.audience})
    if delivery is None:
        raise NotFoundError
    return delivery


async def redeliver(
    database: Database, keys: KeyRing, caller: Caller, endpoint_id: UUID, delivery_id: UUID, *, now: datetime
) -> Delivery:
    """Make one delivery due now, whatever came of it, with all its tries before it. It keeps its message id.

    Committed when this returns. Raises NotFoundError, EndpointDisabledError, UnavailableError.
    """
    async with database.transaction() as session:
        endpoint = await _hold_endpoint(session, keys, caller, endpoint_id)
        await queue_delivery_again(session, endpoint_id, delivery_id, now=now)
        delivery = await get_delivery(session, endpoint_id, delivery_id)
        if delivery is None:
            raise NotFoundError
    await database.wakeups.tell({endpoint.audience})
    return delivery


async def replay_events(
    database: Database, keys: KeyRing, caller: Caller, endpoint_id: UUID, since: datetime, *, now: datetime
) -> Replay:
    """Queue all events told since a time that the endpoint wishes, delivered before or not; 10,000 at a time.

    What happened earlier is told later, as an end that came while no worker ran. Committed when this returns.
    Raises NotFoundError, EndpointDisabledError, InvalidInputError for a time more than 30 days ago,
    UnavailableError.
    """
    oldest = now - REPLAYABLE
    async with database.transaction() as session:
        endpoint = await _hold_endpoint(session, keys, caller, endpoint_id)
        if not oldest <= since <= now:
            message = f"Give a time from {utc_text(oldest)} to now; GET /v1/events has what is older."
            raise InvalidInputError((Fault("/since", "replayable", message),))
        queued, newest = await queue_again(session, endpoint_id, since, limit=MAX_REPLAYED, now=now)
    await database.wakeups.tell({endpoint.audience})
    return Replay(queued, newest if queued == MAX_REPLAYED else None)


async def _hold_endpoint(session: WriteSession, keys: KeyRing, caller: Caller, endpoint_id: UUID) -> Endpoint:
    endpoint = await lock_endpoint(session, keys, caller, endpoint_id)
    if endpoint is None:
        raise NotFoundError
    if endpoint.status is EndpointStatus.DISABLED:
        raise EndpointDisabledError
    return endpoint
