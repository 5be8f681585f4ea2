"""Webhooks: endpoints, their secrets, and what is delivered to them."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status
from pydantic import Field

from registry.api.models.endpoints import (
    DeliveryDetails,
    DeliveryList,
    DeliveryOut,
    EndpointChangeIn,
    EndpointIn,
    EndpointList,
    EndpointOut,
    ReplayIn,
    ReplayOut,
    RotationIn,
)
from registry.api.models.fields import Id, InDigits
from registry.api.route import CallerDep, IdempotentDep, RegistryRoute, RuntimeDep, needs
from registry.domain.callers import Scope
from registry.domain.endpoints import (
    DeliveryState,
    EndpointDisabledError,
    TooManyEndpointsError,
    TooManySecretsError,
)
from registry.domain.errors import RequestInProgressError
from registry.operations.change_endpoint import change_endpoint, delete_endpoint, rotate_secret
from registry.operations.deliver_again import ping_endpoint, redeliver, replay_events
from registry.operations.look_up_endpoints import (
    look_up_deliveries,
    look_up_delivery,
    look_up_endpoint,
    look_up_endpoints,
)
from registry.operations.register_endpoint import register_endpoint

router = APIRouter(prefix="/v1/webhook-endpoints", tags=["Webhooks"], route_class=RegistryRoute)

ENDPOINT = "/{endpoint_id}"
DELIVERY = ENDPOINT + "/deliveries/{delivery_id}"


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Register an endpoint",
    openapi_extra=needs(Scope.WEBHOOKS_MANAGE, RequestInProgressError, TooManyEndpointsError),
)
async def register(
    body: EndpointIn, runtime: RuntimeDep, caller: CallerDep, idempotent: IdempotentDep, response: Response
) -> EndpointOut:
    """Have your organisation's events sent to an address, as Standard Webhooks 1.0 has it.

    The secret is shown in this answer alone. The endpoint is `pending` until it has proved that it wants
    deliveries: it is sent an `OPTIONS` with `WebHook-Request-Origin`, to be answered by
    `WebHook-Allowed-Origin` (CloudEvents); else a signed `endpoint.ping` whose `data.challenge` it has to
    answer, as `{"challenge": "..."}`. What happens until then is not delivered: replay it, or read the feed.
    """
    now = runtime.now()
    endpoint_id = await register_endpoint(
        runtime.database,
        runtime.keys,
        caller,
        body.to_wishes(),
        runtime.settings.webhook_reach,
        idempotent,
        now=now,
    )
    endpoint = await look_up_endpoint(runtime.database, runtime.keys, caller, endpoint_id)
    response.headers["Location"] = f"/v1/webhook-endpoints/{endpoint_id}"
    return EndpointOut.of(endpoint, now, with_secret=True)


@router.get("", summary="List endpoints", openapi_extra=needs(Scope.WEBHOOKS_MANAGE))
async def list_all(
    runtime: RuntimeDep,
    caller: CallerDep,
    limit: Annotated[int, Field(ge=1, le=100), InDigits, Query(description="How many at most")] = 20,
    offset: Annotated[int, Field(ge=0, le=100_000), InDigits, Query(description="How many to pass over")] = 0,
) -> EndpointList:
    """List your organisation's endpoints; a client of certain departments sees theirs only."""
    now = runtime.now()
    found, total = await look_up_endpoints(runtime.database, runtime.keys, caller, limit=limit, offset=offset)
    items = [EndpointOut.of(endpoint, now) for endpoint in found]
    return EndpointList(items=items, total=total, limit=limit, offset=offset)


@router.get(ENDPOINT, summary="Read an endpoint", openapi_extra=needs(Scope.WEBHOOKS_MANAGE))
async def read(endpoint_id: Id, runtime: RuntimeDep, caller: CallerDep) -> EndpointOut:
    """Read an endpoint: whether it has proved its wish, whether it fails, why it is disabled."""
    endpoint = await look_up_endpoint(runtime.database, runtime.keys, caller, endpoint_id)
    return EndpointOut.of(endpoint, runtime.now())


@router.patch(ENDPOINT, summary="Change an endpoint", openapi_extra=needs(Scope.WEBHOOKS_MANAGE))
async def change(
    endpoint_id: Id, body: EndpointChangeIn, runtime: RuntimeDep, caller: CallerDep
) -> EndpointOut:
    """Change an endpoint, or disable and enable it. What waits while it is disabled goes out afterwards.

    Another address proves its wish anew, and so does one that the registry disabled.
    """
    now = runtime.now()
    reach = runtime.settings.webhook_reach
    changed = await change_endpoint(
        runtime.database, runtime.keys, caller, endpoint_id, body.to_change(), reach, now=now
    )
    return EndpointOut.of(changed, now)


@router.delete(
    ENDPOINT,
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete an endpoint",
    openapi_extra=needs(Scope.WEBHOOKS_MANAGE),
)
async def delete(endpoint_id: Id, runtime: RuntimeDep, caller: CallerDep) -> None:
    """Delete an endpoint for good, with its secrets and its deliveries."""
    await delete_endpoint(runtime.database, runtime.keys, caller, endpoint_id, now=runtime.now())


@router.post(
    ENDPOINT + "/secret-rotation",
    summary="Rotate the secret",
    openapi_extra=needs(Scope.WEBHOOKS_MANAGE, TooManySecretsError),
)
async def rotate(endpoint_id: Id, body: RotationIn, runtime: RuntimeDep, caller: CallerDep) -> EndpointOut:
    """Make new secrets, shown in this answer alone. Both sign until the overlap is over."""
    now = runtime.now()
    rotated = await rotate_secret(
        runtime.database, runtime.keys, caller, endpoint_id, body.to_overlap(), now=now
    )
    return EndpointOut.of(rotated, now, with_secret=True)


@router.post(
    ENDPOINT + "/ping",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Ping an endpoint",
    openapi_extra=needs(Scope.WEBHOOKS_MANAGE, EndpointDisabledError),
)
async def ping(endpoint_id: Id, runtime: RuntimeDep, caller: CallerDep) -> DeliveryOut:
    """Send a test message. To a pending endpoint it asks for the proof of wish, again or at once."""
    delivery = await ping_endpoint(runtime.database, runtime.keys, caller, endpoint_id, now=runtime.now())
    return DeliveryOut.of(delivery)


@router.post(
    ENDPOINT + "/replay",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Replay events",
    openapi_extra=needs(Scope.WEBHOOKS_MANAGE, EndpointDisabledError),
)
async def replay(endpoint_id: Id, body: ReplayIn, runtime: RuntimeDep, caller: CallerDep) -> ReplayOut:
    """Deliver all events since a time that the endpoint wishes, delivered before or not; 10,000 at a time.

    Those that were told since then, also of what happened earlier. A message that was delivered before has
    the same `webhook-id`: a receiver that keeps these takes only what it missed.
    """
    done = await replay_events(
        runtime.database, runtime.keys, caller, endpoint_id, body.since, now=runtime.now()
    )
    return ReplayOut(queued=done.queued, next_since=done.next_since)


@router.get(ENDPOINT + "/deliveries", summary="List deliveries", openapi_extra=needs(Scope.WEBHOOKS_MANAGE))
async def list_all_deliveries(
    endpoint_id: Id,
    runtime: RuntimeDep,
    caller: CallerDep,
    *,
    state: Annotated[DeliveryState | None, Query(description="Only those that stand so")] = None,
    cursor: Annotated[Id | None, Query(description="`next` of the page before")] = None,
    limit: Annotated[int, Field(ge=1, le=100), InDigits, Query(description="How many at most")] = 20,
) -> DeliveryList:
    """List what was, or is to be, delivered to an endpoint, the newest events first; kept for 180 days."""
    found = await look_up_deliveries(
        runtime.database, runtime.keys, caller, endpoint_id, state=state, before=cursor, limit=limit
    )
    return DeliveryList(
        items=[DeliveryOut.of(item) for item in found],
        next=found[-1].id if len(found) == limit else None,
    )


@router.get(DELIVERY, summary="Read a delivery", openapi_extra=needs(Scope.WEBHOOKS_MANAGE))
async def read_delivery(
    endpoint_id: Id, delivery_id: Id, runtime: RuntimeDep, caller: CallerDep
) -> DeliveryDetails:
    """Read a delivery with every attempt: status, duration, and the first 8 KiB of the answer."""
    delivery, attempts = await look_up_delivery(
        runtime.database, runtime.keys, caller, endpoint_id, delivery_id
    )
    return DeliveryDetails.with_attempts(delivery, attempts)


@router.post(
    DELIVERY + "/redelivery",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Deliver again",
    openapi_extra=needs(Scope.WEBHOOKS_MANAGE, EndpointDisabledError),
)
async def deliver_again(
    endpoint_id: Id, delivery_id: Id, runtime: RuntimeDep, caller: CallerDep
) -> DeliveryOut:
    """Deliver one event again, at once, whatever came of it before; its `webhook-id` stays the same."""
    delivery = await redeliver(
        runtime.database, runtime.keys, caller, endpoint_id, delivery_id, now=runtime.now()
    )
    return DeliveryOut.of(delivery)
