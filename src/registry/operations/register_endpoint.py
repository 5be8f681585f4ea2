"""Register an endpoint: where an organisation wants its events, once it has proved that it wants them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from registry.domain.callers import Caller
from registry.domain.endpoints import (
    MAX_ENDPOINTS,
    Endpoint,
    EndpointStatus,
    KeptSecret,
    TooManyEndpointsError,
    Wishes,
)
from registry.domain.errors import Fault, InvalidInputError
from registry.signing.keys import KeyRing
from registry.storage.database import Database
from registry.storage.endpoint_deliveries import queue_ping
from registry.storage.endpoints import add_endpoint, lock_endpoints_of
from registry.storage.idempotency import IdempotentRequest, claim_key, record_effect
from registry.webhooks.addresses import Reach, RefusedUrlError, read_target
from registry.webhooks.message import new_secret


async def register_endpoint(
    database: Database,
    keys: KeyRing,
    caller: Caller,
    wishes: Wishes,
    reach: Reach,
    idempotent: IdempotentRequest,
    *,
    now: datetime,
) -> UUID:
    """Register an endpoint with fresh secrets and ask it for its proof; returns its id.

    It is pending until a worker has its proof. The same request under the same key is one endpoint.
    Committed when this returns. Raises InvalidInputError for an address that webhooks may not go to,
    TooManyEndpointsError, IdempotencyKeyReusedError, RequestInProgressError, UnavailableError.
    """
    audience = keys.party_index(caller.organisation)
    async with database.transaction() as session:
        earlier = await claim_key(session, idempotent)
        if earlier is not None:
            return earlier.object_id
        faults = url_faults(wishes.url, reach)
        if faults:
            raise InvalidInputError(tuple(faults))
        if await lock_endpoints_of(session, audience) >= MAX_ENDPOINTS:
            raise TooManyEndpointsError
        endpoint = Endpoint(
            id=uuid7(),
            audience=audience,
            client_id=caller.client_id,
            departments=caller.departments,
            wishes=wishes,
            secrets=(fresh_secret(),),
            status=EndpointStatus.PENDING,
            reason=None,
            status_since=now,
            proven_at=None,
            created_at=now,
        )
        await add_endpoint(session, keys, endpoint, now=now)
        await queue_ping(session, endpoint.id, now=now)
        await record_effect(session, idempotent, endpoint.id, now=now)
    await database.wakeups.tell({audience})
    return endpoint.id


def url_faults(url: str, reach: Reach) -> Sequence[Fault]:
    """What is wrong with an address as it is written; its name is resolved at each connection."""
    try:
        read_target(url, reach)
    except RefusedUrlError as error:
        return (Fault("/url", "webhook_url", str(error)),)
    return ()


def fresh_secret() -> KeptSecret:
    """A new generation of secrets."""
    secret = new_secret()
    return KeptSecret(secret.shared_text, secret.private_text, secret.public_text)
