"""Look up endpoints, and how deliveries to them stand, for those who may manage them."""

from collections.abc import Sequence
from uuid import UUID

from registry.domain.callers import Caller
from registry.domain.endpoints import Attempt, Delivery, DeliveryState, Endpoint
from registry.domain.errors import NotFoundError
from registry.signing.keys import KeyRing
from registry.storage.database import Database
from registry.storage.endpoint_deliveries import get_delivery, list_attempts, list_deliveries
from registry.storage.endpoints import get_endpoint, list_endpoints


async def look_up_endpoint(database: Database, keys: KeyRing, caller: Caller, endpoint_id: UUID) -> Endpoint:
    """One endpoint. Raises NotFoundError, UnavailableError."""
    async with database.reading() as session:
        endpoint = await get_endpoint(session, keys, caller, endpoint_id)
    if endpoint is None:
        raise NotFoundError
    return endpoint


async def look_up_endpoints(
    database: Database, keys: KeyRing, caller: Caller, *, limit: int, offset: int
) -> tuple[Sequence[Endpoint], int]:
    """Endpoints that the caller may manage, oldest first, and their number. Raises UnavailableError."""
    async with database.reading() as session:
        return await list_endpoints(session, keys, caller, limit=limit, offset=offset)


async def look_up_deliveries(
    database: Database,
    keys: KeyRing,
    caller: Caller,
    endpoint_id: UUID,
    *,
    state: DeliveryState | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Delivery]:
    """Deliveries to an endpoint, newest first. Raises NotFoundError, UnavailableError."""
    async with database.reading() as session:
        if await get_endpoint(session, keys, caller, endpoint_id) is None:
            raise NotFoundError
        return await list_deliveries(session, endpoint_id, state=state, before=before, limit=limit)


async def look_up_delivery(
    database: Database, keys: KeyRing, caller: Caller, endpoint_id: UUID, delivery_id: UUID
) -> tuple[Delivery, Sequence[Attempt]]:
    """One delivery with its attempts, oldest first. Raises NotFoundError, UnavailableError."""
    async with database.reading() as session:
        endpoint = await get_endpoint(session, keys, caller, endpoint_id)
        delivery = None if endpoint is None else await get_delivery(session, endpoint_id, delivery_id)
        if delivery is None:
            raise NotFoundError
        return delivery, await list_attempts(session, keys, endpoint_id, delivery_id)
