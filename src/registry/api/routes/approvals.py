"""Approvals: one matter, submitted by an e-service, decided by the representative."""

from fastapi import APIRouter, Response, status

from registry.api.models.approvals import ApprovalIn, ApprovalList, ApprovalOut, ApprovalSearchIn, DecisionIn
from registry.api.models.fields import Id
from registry.api.paths import APPROVAL
from registry.api.person import PersonDep
from registry.api.route import CallerDep, IdempotentDep, RegistryRoute, RuntimeDep, needs
from registry.api.runtime import Runtime
from registry.domain.approvals import AlreadyDecidedError, Approval, ApprovalLapsedError
from registry.domain.callers import Scope
from registry.domain.errors import ForbiddenError, RequestInProgressError
from registry.operations.decide_approval import DecisionAsked, decide_approval
from registry.operations.look_up_approvals import find_approvals, get_approval
from registry.operations.request_approval import request_approval
from registry.signing.consistency import consistency_token

router = APIRouter(prefix="/v1/approvals", tags=["Approvals"], route_class=RegistryRoute)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Request an approval",
    openapi_extra=needs(Scope.APPROVALS_WRITE, ForbiddenError, RequestInProgressError),
)
async def request(
    body: ApprovalIn, runtime: RuntimeDep, caller: CallerDep, idempotent: IdempotentDep, response: Response
) -> ApprovalOut:
    """Submit one matter for the principal's representative to review, as the e-service's organisation.

    Where a template demands approval, verification of the matter is `conditional` until it is approved: name
    `approval_id` and `content_digest` in the question. Both have to hold, the mandate and the approval.
    """
    now = runtime.now()
    approval_id = await request_approval(
        runtime.database, runtime.keys, caller, body.to_matter(caller), idempotent, now=now
    )
    response.headers["Location"] = f"/v1/approvals/{approval_id}"
    return await _shown(runtime, await get_approval(runtime.access_log, caller, None, approval_id, now=now))


@router.post(
    "/search", summary="Search approvals", openapi_extra=needs(Scope.APPROVALS_WRITE, ForbiddenError)
)
async def search(
    body: ApprovalSearchIn, runtime: RuntimeDep, caller: CallerDep, person: PersonDep
) -> ApprovalList:
    """Find matters that your organisation, or the person of the `Id-Token`, has a part in.

    What waits for a representative: name it, with the status `pending`.
    """
    now = runtime.now()
    found = await find_approvals(
        runtime.access_log,
        caller,
        person,
        body.to_filter(now),
        document=body.model_dump(mode="json", exclude_none=True),
        after=body.cursor,
        limit=body.limit,
    )
    return ApprovalList(
        items=[ApprovalOut.of(item, now) for item in found],
        next=found[-1].id if len(found) == body.limit else None,
    )


@router.get(APPROVAL, summary="Read an approval", openapi_extra=needs(Scope.APPROVALS_WRITE, ForbiddenError))
async def read(approval_id: Id, runtime: RuntimeDep, caller: CallerDep, person: PersonDep) -> ApprovalOut:
    """Read a matter that your organisation, or the person of the `Id-Token`, has a part in."""
    found = await get_approval(runtime.access_log, caller, person, approval_id, now=runtime.now())
    return await _shown(runtime, found)


@router.post(
    APPROVAL + "/decision",
    status_code=status.HTTP_201_CREATED,
    summary="Approve or decline",
    openapi_extra=needs(Scope.APPROVALS_WRITE, ForbiddenError, AlreadyDecidedError, ApprovalLapsedError),
)
async def decide(
    approval_id: Id,
    body: DecisionIn,
    runtime: RuntimeDep,
    caller: CallerDep,
    person: PersonDep,
    response: Response,
) -> ApprovalOut:
    """Approve or decline a matter as its representative, once, before the deadline.

    A person proves itself by `Id-Token` or by a signature; an organisation by its own client.
    """
    evidence = None if body.signature is None else body.signature.evidence
    asked = DecisionAsked(
        body.decision,
        person,
        None if evidence is None else evidence.data,
        "jws" if evidence is None else evidence.format,
    )
    decided = await decide_approval(
        runtime.database, runtime.keys, runtime.issuers, caller, approval_id, asked, now=runtime.now()
    )
    response.headers["Location"] = f"/v1/approvals/{approval_id}"
    return await _shown(runtime, decided)


async def _shown(runtime: Runtime, approval: Approval) -> ApprovalOut:
    token = consistency_token(await runtime.database.position(), runtime.keys)
    return ApprovalOut.of(approval, runtime.now(), token)
