"""What a person sees of itself, through any client, with its id token."""

from fastapi import APIRouter

from registry.api.models.access_log import AccessList, OwnAccessIn
from registry.api.models.overview import (
    OverviewIn,
    OverviewOut,
    OwnMandateOut,
    WaitingApprovalOut,
    WaitingRequestOut,
)
from registry.api.person import PersonDep, require_person
from registry.api.route import CallerDep, RegistryRoute, RuntimeDep, needs
from registry.domain.callers import Scope
from registry.domain.errors import ForbiddenError
from registry.operations.list_own_mandates import list_own_mandates
from registry.operations.list_waiting_requests import list_waiting_requests
from registry.operations.look_up_approvals import list_waiting_approvals
from registry.operations.search_access_log import list_own_access

router = APIRouter(prefix="/v1/me", tags=["Own view"], route_class=RegistryRoute)


@router.post(
    "/overview", summary="Overview of my mandates", openapi_extra=needs(Scope.MANDATES_READ, ForbiddenError)
)
async def overview(
    body: OverviewIn, runtime: RuntimeDep, caller: CallerDep, person: PersonDep
) -> OverviewOut:
    """List what waits for the person whom the id token names, and every mandate it gave or holds.

    Mandates come newest first, ended ones too, across third parties, each with its texts in the wanted
    language or the nearest, and with how to withdraw. What waits for its signature, or for its approval,
    stands on the first page.
    """
    party, now = require_person(person), runtime.now()
    waiting, approvals = [], []
    if body.cursor is None:
        approvals = await list_waiting_approvals(runtime.access_log, caller, party, now=now)
        waiting = await list_waiting_requests(runtime.access_log, caller, party, now=now)
    found, cursor = await list_own_mandates(
        runtime.access_log,
        caller,
        party,
        after=body.cursor,
        limit=body.limit,
        now=now,
    )
    requests = [
        WaitingRequestOut.of(
            item,
            runtime.settings.request_link(
                item.found.request.content.third_party.party, item.found.request.id
            ),
            body.language,
        )
        for item in waiting
    ]
    return OverviewOut(
        requests=requests,
        approvals=[WaitingApprovalOut.of(item) for item in approvals],
        mandates=[OwnMandateOut.of(own, body.language) for own in found],
        next=cursor,
    )


@router.post(
    "/access-log", summary="List who looked at me", openapi_extra=needs(Scope.MANDATES_READ, ForbiddenError)
)
async def access_log(
    body: OwnAccessIn, runtime: RuntimeDep, caller: CallerDep, person: PersonDep
) -> AccessList:
    """List every look-up of the person whom the id token names, newest first, by whichever organisation.

    Looking is a look-up of its own: it stands first the next time.
    """
    search = body.to_search(require_person(person))
    return AccessList.of(
        await list_own_access(runtime.access_log, caller, search, now=runtime.now()), body.limit
    )
