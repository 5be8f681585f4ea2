"""Mandate requests: ask, look up, sign, decline, cancel."""

from fastapi import APIRouter, Request, Response, status

from registry.api.attachments import SCANNED, Position, scan_response
from registry.api.etags import CONDITIONAL, conditional
from registry.api.models.fields import Id
from registry.api.models.mandate_requests import (
    MandateRequestIn,
    MandateRequestList,
    MandateRequestOut,
    MandateRequestSearchIn,
    RequestActOut,
    RequestEndIn,
)
from registry.api.models.mandates import SignatureIn
from registry.api.paths import REQUEST
from registry.api.person import PersonDep
from registry.api.route import CallerDep, IdempotentDep, RegistryRoute, RuntimeDep, needs
from registry.api.runtime import Runtime
from registry.domain.callers import Scope
from registry.domain.errors import (
    AlreadyInForceError,
    AlreadyIssuedError,
    ForbiddenError,
    RequestInProgressError,
)
from registry.domain.request import AlreadySignedError, NotGrantableError, RequestOverError, RequestStatus
from registry.domain.revocation import MandateOverError
from registry.operations.act_on_request import HeldRequest
from registry.operations.cancel_request import cancel_request
from registry.operations.decline_request import decline_request
from registry.operations.look_up_request import (
    FoundRequest,
    find_requests,
    get_request,
    get_request_attachment,
)
from registry.operations.request_mandate import request_mandate
from registry.operations.sign_request import DeliveredSignature, SignedRequest, sign_request
from registry.signing.consistency import consistency_token
from registry.storage.request_states import RequestFilter

ROOT = "/v1/mandate-requests"

router = APIRouter(prefix=ROOT, tags=["Mandate requests"], route_class=RegistryRoute)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Ask for a mandate",
    openapi_extra=needs(Scope.REQUESTS_WRITE, ForbiddenError, RequestInProgressError),
)
async def ask(
    body: MandateRequestIn,
    runtime: RuntimeDep,
    caller: CallerDep,
    idempotent: IdempotentDep,
    response: Response,
) -> MandateRequestOut:
    """Ask for a mandate as the template's third party, or as the principal's own organisation.

    What is to be signed is fixed now, with every default filled in. Send the signers to `link`, or have them
    sign `to_be_signed` by `digest` and deliver each signature by itself.
    """
    request_id = await request_mandate(
        runtime.database,
        runtime.keys,
        runtime.sources,
        caller,
        body.to_asked(),
        idempotent,
        now=runtime.now(),
    )
    token = await _token(runtime)
    found = await get_request(runtime.access_log, caller, request_id, person=None, now=runtime.now())
    response.headers["Location"] = f"{ROOT}/{request_id}"
    return _shown(runtime, found, token)


@router.post("/search", summary="Search mandate requests", openapi_extra=needs(Scope.MANDATES_READ))
async def search(body: MandateRequestSearchIn, runtime: RuntimeDep, caller: CallerDep) -> MandateRequestList:
    """Search the requests that your organisation has a part in, in the order they were made."""
    wanted = RequestFilter(
        now=runtime.now(),
        principal=None if body.principal is None else body.principal.party,
        signer=None if body.signer is None else body.signer.party,
        template_id=body.template_id,
        status=body.status,
    )
    found = await find_requests(
        runtime.access_log,
        caller,
        wanted,
        document=body.model_dump(mode="json", exclude_none=True),
        after=body.cursor,
        limit=body.limit,
    )
    cursor = found[-1].request.id if len(found) == body.limit else None
    return MandateRequestList(items=[_shown(runtime, item) for item in found], next=cursor)


@router.get(
    REQUEST,
    summary="Read a mandate request",
    response_model=MandateRequestOut,
    responses=CONDITIONAL,
    openapi_extra=needs(Scope.MANDATES_READ),
)
async def read(
    request: Request, request_id: Id, runtime: RuntimeDep, caller: CallerDep, person: PersonDep
) -> Response:
    """Read a request with its status now, as a party to it, or for the person who is asked to sign it.

    The ETag changes with every signature, and when the request ends.
    """
    token = await _token(runtime)
    found = await get_request(runtime.access_log, caller, request_id, person=person, now=runtime.now())
    return conditional(request, _shown(runtime, found), shown=_shown(runtime, found, token))


@router.get(
    REQUEST + "/signatures/{position}/attachment",
    summary="Read the scan of a request's signature",
    openapi_extra=needs(Scope.MANDATES_READ),
    response_class=Response,
    responses=SCANNED,
)
async def attachment(
    request_id: Id, position: Position, runtime: RuntimeDep, caller: CallerDep, person: PersonDep
) -> Response:
    """Read the scan of the paper original that a `paper` signature attests, before the mandate is issued.

    To a client of a representative who may not know the signers there is none.
    """
    found = await get_request_attachment(
        runtime.access_log, caller, request_id, position, person=person, now=runtime.now()
    )
    return scan_response(found, request_id, position)


@router.post(
    REQUEST + "/signatures",
    status_code=status.HTTP_201_CREATED,
    summary="Sign a mandate request",
    openapi_extra=needs(
        Scope.REQUESTS_WRITE,
        ForbiddenError,
        RequestOverError,
        AlreadySignedError,
        NotGrantableError,
        AlreadyInForceError,
        AlreadyIssuedError,
        MandateOverError,
        RequestInProgressError,
    ),
)
async def sign(
    request_id: Id,
    body: SignatureIn,
    runtime: RuntimeDep,
    caller: CallerDep,
    person: PersonDep,
    idempotent: IdempotentDep,
    response: Response,
) -> RequestActOut:
    """Deliver one signature; the last one that is missing makes the mandate, in the same transaction.

    Where the mandate cannot be issued any more, nothing is recorded. What an employee attests is delivered
    by the third party, with `mandates:register`.
    """
    signed = await sign_request(
        runtime.database,
        runtime.keys,
        runtime.issuers,
        caller,
        request_id,
        DeliveredSignature(body.to_claim(), person),
        idempotent,
        now=runtime.now(),
    )
    response.headers["Location"] = f"{ROOT}/{request_id}"
    return RequestActOut.of(signed, await _token(runtime))


@router.post(
    REQUEST + "/decline",
    status_code=status.HTTP_201_CREATED,
    summary="Decline a mandate request",
    openapi_extra=needs(Scope.REQUESTS_WRITE, ForbiddenError, RequestOverError, AlreadySignedError),
)
async def decline(
    request_id: Id,
    body: RequestEndIn,
    runtime: RuntimeDep,
    caller: CallerDep,
    person: PersonDep,
    response: Response,
) -> RequestActOut:
    """Decline as one who is asked to sign, with `Id-Token` or as its organisation: that ends the request."""
    held = await decline_request(
        runtime.database,
        runtime.keys,
        caller,
        request_id,
        body.reason,
        person=person,
        now=runtime.now(),
    )
    return await _ended(runtime, held, RequestStatus.DECLINED, response)


@router.post(
    REQUEST + "/cancellation",
    status_code=status.HTTP_201_CREATED,
    summary="Cancel a mandate request",
    openapi_extra=needs(Scope.REQUESTS_WRITE, ForbiddenError, RequestOverError),
)
async def cancel(
    request_id: Id, body: RequestEndIn, runtime: RuntimeDep, caller: CallerDep, response: Response
) -> RequestActOut:
    """Take a request back as the organisation that asked, also after signatures, until it is complete."""
    held = await cancel_request(
        runtime.database, runtime.keys, caller, request_id, body.reason, now=runtime.now()
    )
    return await _ended(runtime, held, RequestStatus.CANCELLED, response)


async def _ended(
    runtime: Runtime, held: HeldRequest, ended: RequestStatus, response: Response
) -> RequestActOut:
    response.headers["Location"] = f"{ROOT}/{held.request.id}"
    outcome = SignedRequest(held.request.id, ended, None, held.entries[-1].entry.recorded_at)
    return RequestActOut.of(outcome, await _token(runtime))


async def _token(runtime: Runtime) -> str:
    return consistency_token(await runtime.database.position(), runtime.keys)


def _shown(runtime: Runtime, found: FoundRequest, token: str | None = None) -> MandateRequestOut:
    third_party = found.request.content.third_party.party
    return MandateRequestOut.of(found, runtime.settings.request_link(third_party, found.request.id), token)
