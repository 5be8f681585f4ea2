"""Withdrawal asked for by a principal, and completed or refused by the third party."""

from fastapi import APIRouter, Response, status

from registry.api.models.acts import ActOut, ActPreviewOut, RevocationOut
from registry.api.models.fields import Id
from registry.api.models.withdrawals import CompletionIn, RefusalIn, WithdrawalRequestIn
from registry.api.paths import MANDATE
from registry.api.person import PersonDep
from registry.api.route import CallerDep, IdempotentDep, RegistryRoute, RuntimeDep, needs
from registry.api.runtime import Runtime
from registry.domain.callers import Scope
from registry.domain.errors import AlreadyEndedError, ForbiddenError, RequestInProgressError
from registry.domain.events import MandateEvent
from registry.domain.revocation import MandateOverError
from registry.domain.withdrawal import WithdrawalAnsweredError, WithdrawalOpenError
from registry.operations.answer_withdrawal import complete_withdrawal, refuse_withdrawal
from registry.operations.request_withdrawal import request_withdrawal, withdrawal_request_bytes
from registry.signing.canonical import base64url_digest
from registry.signing.consistency import consistency_token
from registry.signing.encodings import encode_base64url

router = APIRouter(
    prefix=f"/v1/mandates{MANDATE}/withdrawal-requests", tags=["Acts on mandates"], route_class=RegistryRoute
)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Ask for withdrawal",
    openapi_extra=needs(
        Scope.MANDATES_REVOKE,
        ForbiddenError,
        AlreadyEndedError,
        MandateOverError,
        WithdrawalOpenError,
        RequestInProgressError,
    ),
)
async def ask(
    mandate_id: Id,
    body: WithdrawalRequestIn,
    runtime: RuntimeDep,
    caller: CallerDep,
    person: PersonDep,
    idempotent: IdempotentDep,
    response: Response,
) -> ActOut:
    """Ask the third party to end a mandate, as its principal; allowed on every template.

    Nothing ends by it: the mandate keeps its status until the third party completes or refuses. One request
    is open at a time. A principal proves itself as in a revocation; a registrar needs `mandates:register`.
    """
    event = await request_withdrawal(
        runtime.database,
        runtime.keys,
        runtime.issuers,
        caller,
        mandate_id,
        body.to_request(person),
        idempotent,
        now=runtime.now(),
    )
    return await _done(runtime, event, response)


@router.post("/preview", summary="Preview a withdrawal request", openapi_extra=needs(Scope.MANDATES_REVOKE))
async def preview(mandate_id: Id, body: WithdrawalRequestIn) -> ActPreviewOut:
    """Return what a principal signs to ask for withdrawal; nothing is written or looked up."""
    to_be_signed = withdrawal_request_bytes(mandate_id, body.to_request(None))
    return ActPreviewOut(to_be_signed=encode_base64url(to_be_signed), digest=base64url_digest(to_be_signed))


@router.post(
    "/{event_id}/completion",
    status_code=status.HTTP_201_CREATED,
    summary="Complete a withdrawal request",
    openapi_extra=needs(
        Scope.MANDATES_REVOKE, ForbiddenError, AlreadyEndedError, MandateOverError, WithdrawalAnsweredError
    ),
)
async def complete(
    mandate_id: Id,
    event_id: Id,
    body: CompletionIn,
    runtime: RuntimeDep,
    caller: CallerDep,
    response: Response,
) -> RevocationOut:
    """End the mandate as its principal asked: a revocation by the third party that names the request."""
    ended = await complete_withdrawal(
        runtime.database, runtime.keys, caller, mandate_id, event_id, body.reason, now=runtime.now()
    )
    response.headers["Location"] = f"/v1/mandates/{mandate_id}/events"
    token = consistency_token(await runtime.database.position(), runtime.keys)
    return RevocationOut.of_ended(ended, token)


@router.post(
    "/{event_id}/refusal",
    status_code=status.HTTP_201_CREATED,
    summary="Refuse a withdrawal request",
    openapi_extra=needs(
        Scope.MANDATES_REVOKE, ForbiddenError, AlreadyEndedError, MandateOverError, WithdrawalAnsweredError
    ),
)
async def refuse(
    mandate_id: Id,
    event_id: Id,
    body: RefusalIn,
    runtime: RuntimeDep,
    caller: CallerDep,
    response: Response,
) -> ActOut:
    """Refuse a withdrawal as the third party, saying why: the mandate goes on."""
    event = await refuse_withdrawal(
        runtime.database, runtime.keys, caller, mandate_id, event_id, body.reason, now=runtime.now()
    )
    return await _done(runtime, event, response)


async def _done(runtime: Runtime, event: MandateEvent, response: Response) -> ActOut:
    response.headers["Location"] = f"/v1/mandates/{event.mandate_id}/events"
    return ActOut.of(event, consistency_token(await runtime.database.position(), runtime.keys))
