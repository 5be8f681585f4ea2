"""The event feed."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from registry.api.models.events import EventTypes, FeedOut
from registry.api.models.fields import InDigits
from registry.api.route import CallerDep, RegistryRoute, RuntimeDep, needs
from registry.domain.callers import Scope
from registry.domain.feed import EventsForgottenError
from registry.domain.notices import FeedEventType
from registry.operations.read_events import EventsAsked, read_events

router = APIRouter(prefix="/v1/events", tags=["Events"], route_class=RegistryRoute)


@router.get("", summary="Read events", openapi_extra=needs(Scope.EVENTS_READ, EventsForgottenError))
async def read(
    request: Request,
    runtime: RuntimeDep,
    caller: CallerDep,
    after: Annotated[
        str,
        Query(
            description="The `next` of an earlier answer; left out, or empty, it begins with the oldest",
            pattern=r"^[A-Za-z0-9_-]*$",
            max_length=100,
        ),
    ] = "",
    types: Annotated[EventTypes | None, Query(description="Only these types, separated by commas")] = None,
    limit: Annotated[int, Field(ge=1, le=100), InDigits, Query(description="How many at most")] = 20,
    wait: Annotated[
        int, Field(ge=0, le=30), InDigits, Query(description="Seconds to wait where there are none yet")
    ] = 0,
) -> FeedOut:
    """Read what your organisation is told, in order: nothing is left out and nothing comes twice.

    Go on with `next`, also after an empty page. Events name ids, types and times, never persons; what they
    are about is looked up with its own operation. They are kept for 400 days: an older cursor is answered
    with 410. A client that is limited to departments sees its departments' events.
    """
    asked = EventsAsked(
        after=after or None,
        types=frozenset(FeedEventType(name) for name in types.split(",")) if types else frozenset(),
        limit=limit,
        wait=wait,
    )
    found = await read_events(runtime.database, runtime.keys, caller, asked, is_gone=request.is_disconnected)
    return FeedOut.of(found.events, found.next)
