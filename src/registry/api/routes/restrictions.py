"""Restrictions: impose, look up, lift."""

from uuid import UUID

from fastapi import APIRouter, Response, status

from registry.api.models.fields import Id
from registry.api.models.restrictions import (
    LiftingIn,
    RestrictionIn,
    RestrictionList,
    RestrictionOut,
    RestrictionSearchIn,
)
from registry.api.paths import RESTRICTION
from registry.api.route import CallerDep, IdempotentDep, RegistryRoute, RuntimeDep, needs
from registry.api.runtime import Runtime
from registry.domain.callers import Caller, Scope
from registry.domain.errors import ForbiddenError, RequestInProgressError
from registry.domain.restrictions import AlreadyLiftedError, Restriction
from registry.operations.impose_restriction import impose_restriction, lift_restriction
from registry.operations.look_up_restrictions import get_restriction, search_restrictions
from registry.signing.consistency import consistency_token

router = APIRouter(prefix="/v1/restrictions", tags=["Restrictions"], route_class=RegistryRoute)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Impose a restriction",
    openapi_extra=needs(Scope.RESTRICTIONS_MANAGE, RequestInProgressError),
)
async def impose(
    body: RestrictionIn,
    runtime: RuntimeDep,
    caller: CallerDep,
    idempotent: IdempotentDep,
    response: Response,
) -> RestrictionOut:
    """Block a principal's representatives, one of them, its guardians, a service, or its own login.

    While it is in force, verification denies with the one reason `restricted`, whatever mandates say. A
    restriction with the scope `record` blocks no mandate: e-services look it up and honour it. Your own
    organisation is the third party; to impose everywhere, or towards another, also takes `registry:admin`.
    """
    restriction_id = await impose_restriction(
        runtime.database, runtime.keys, caller, body.to_new(), idempotent, now=runtime.now()
    )
    response.headers["Location"] = f"/v1/restrictions/{restriction_id}"
    return await _found(runtime, caller, restriction_id)


@router.post("/search", summary="Search restrictions", openapi_extra=needs(Scope.RESTRICTIONS_MANAGE))
async def search(body: RestrictionSearchIn, runtime: RuntimeDep, caller: CallerDep) -> RestrictionList:
    """Find restrictions that your organisation imposed, is third party in, or is named by."""
    now = runtime.now()
    found = await search_restrictions(
        runtime.access_log,
        caller,
        body.to_filter(now),
        document=body.model_dump(mode="json", exclude_none=True),
        after=body.cursor,
        limit=body.limit,
    )
    return RestrictionList(
        items=[RestrictionOut.of(item, now) for item in found],
        next=found[-1].id if len(found) == body.limit else None,
    )


@router.get(RESTRICTION, summary="Read a restriction", openapi_extra=needs(Scope.RESTRICTIONS_MANAGE))
async def read(restriction_id: Id, runtime: RuntimeDep, caller: CallerDep) -> RestrictionOut:
    """Read a restriction that your organisation has a part in, with its status now."""
    return await _found(runtime, caller, restriction_id)


@router.post(
    RESTRICTION + "/lifting",
    status_code=status.HTTP_201_CREATED,
    summary="Lift a restriction",
    openapi_extra=needs(Scope.RESTRICTIONS_MANAGE, ForbiddenError, AlreadyLiftedError),
)
async def lift(
    restriction_id: Id, body: LiftingIn, runtime: RuntimeDep, caller: CallerDep, response: Response
) -> RestrictionOut:
    """Lift a restriction that your organisation imposed, or any with `registry:admin`: it ends at once."""
    lifted = await lift_restriction(
        runtime.database, runtime.keys, caller, restriction_id, body.reason, now=runtime.now()
    )
    response.headers["Location"] = f"/v1/restrictions/{restriction_id}"
    return await _shown(runtime, lifted)


async def _found(runtime: Runtime, caller: Caller, restriction_id: UUID) -> RestrictionOut:
    found = await get_restriction(runtime.access_log, caller, restriction_id, now=runtime.now())
    return await _shown(runtime, found)


async def _shown(runtime: Runtime, restriction: Restriction) -> RestrictionOut:
    token = consistency_token(await runtime.database.position(), runtime.keys)
    return RestrictionOut.of(restriction, runtime.now(), token)
