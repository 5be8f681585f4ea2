"""The access log, for auditors."""

from fastapi import APIRouter

from registry.api.models.access_log import AccessList, AccessSearchIn
from registry.api.route import CallerDep, RegistryRoute, RuntimeDep, needs
from registry.domain.callers import Scope
from registry.operations.search_access_log import audit_access

router = APIRouter(prefix="/v1/access-log", tags=["Access log"], route_class=RegistryRoute)


@router.post("/search", summary="Audit who looked", openapi_extra=needs(Scope.AUDIT_READ))
async def search(body: AccessSearchIn, runtime: RuntimeDep, caller: CallerDep) -> AccessList:
    """List who of your organisation looked at a party, newest first, for a purpose that is itself logged.

    The registry's operator, with `registry:admin` beside, sees every organisation's look-ups.
    """
    found = await audit_access(runtime.access_log, caller, body.to_search(), now=runtime.now())
    return AccessList.of(found, body.limit)
