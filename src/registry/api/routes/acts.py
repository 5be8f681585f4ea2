"""Acts on a mandate: revoke or renounce, suspend and resume, use."""

from fastapi import APIRouter, Response, status

from registry.api.models.acts import (
    ActOut,
    ActPreviewOut,
    RevocationIn,
    RevocationOut,
    SuspensionIn,
    UseIn,
    UseOut,
)
from registry.api.models.fields import Id
from registry.api.paths import MANDATE
from registry.api.person import PersonDep
from registry.api.route import CallerDep, IdempotentDep, RegistryRoute, RuntimeDep, needs
from registry.api.runtime import Runtime
from registry.domain.callers import Scope
from registry.domain.errors import AlreadyEndedError, ForbiddenError, RequestInProgressError
from registry.domain.events import MandateEvent
from registry.domain.parties import Party
from registry.domain.restrictions import RestrictedError
from registry.domain.revocation import MandateOverError, SuspensionError, UseClosedError
from registry.operations.close_use import close_use
from registry.operations.revoke_mandate import Revocation, revocation_bytes, revoke_mandate
from registry.operations.suspend_mandate import resume_mandate, suspend_mandate
from registry.operations.use_mandate import NotUsableError, Use, use_mandate
from registry.signing.canonical import base64url_digest
from registry.signing.consistency import consistency_token
from registry.signing.encodings import encode_base64url

router = APIRouter(prefix="/v1/mandates" + MANDATE, tags=["Acts on mandates"], route_class=RegistryRoute)


@router.post(
    "/revocation",
    status_code=status.HTTP_201_CREATED,
    summary="Revoke or renounce",
    openapi_extra=needs(Scope.MANDATES_REVOKE, ForbiddenError, AlreadyEndedError, MandateOverError),
)
async def revoke(
    mandate_id: Id,
    body: RevocationIn,
    runtime: RuntimeDep,
    caller: CallerDep,
    person: PersonDep,
    response: Response,
) -> RevocationOut:
    """End a mandate early, once: the first of many racing revocations wins, the rest are told of it.

    Everything that was granted on from it ends with it. A representative renounces its own mandate, and
    revokes what was granted on from that. A principal or representative proves itself by `Id-Token` or by a
    signature over the preview's bytes; an organisation by its own client. A registrar needs
    `mandates:register`.
    """
    ended = await revoke_mandate(
        runtime.database,
        runtime.keys,
        runtime.issuers,
        caller,
        mandate_id,
        _revocation(body, person),
        now=runtime.now(),
    )
    response.headers["Location"] = _events_of(ended.event)
    token = consistency_token(await runtime.database.position(), runtime.keys)
    return RevocationOut.of_ended(ended, token)


@router.post(
    "/revocation/preview", summary="Preview a revocation", openapi_extra=needs(Scope.MANDATES_REVOKE)
)
async def preview_revocation(mandate_id: Id, body: RevocationIn) -> ActPreviewOut:
    """Return what a party signs to revoke or renounce; nothing is written or looked up."""
    to_be_signed = revocation_bytes(mandate_id, _revocation(body, None))
    return ActPreviewOut(to_be_signed=encode_base64url(to_be_signed), digest=base64url_digest(to_be_signed))


@router.post(
    "/suspension",
    status_code=status.HTTP_201_CREATED,
    summary="Suspend",
    openapi_extra=needs(Scope.MANDATES_SUSPEND, ForbiddenError, MandateOverError, SuspensionError),
)
async def suspend(
    mandate_id: Id, body: SuspensionIn, runtime: RuntimeDep, caller: CallerDep, response: Response
) -> ActOut:
    """Suspend a mandate as its third party: it permits nothing until it is resumed."""
    event = await suspend_mandate(
        runtime.database, runtime.keys, caller, mandate_id, body.reason, now=runtime.now()
    )
    return await _done(runtime, event, response)


@router.post(
    "/resumption",
    status_code=status.HTTP_201_CREATED,
    summary="Resume",
    openapi_extra=needs(Scope.MANDATES_SUSPEND, ForbiddenError, MandateOverError, SuspensionError),
)
async def resume(
    mandate_id: Id, body: SuspensionIn, runtime: RuntimeDep, caller: CallerDep, response: Response
) -> ActOut:
    """Lift a suspension as the mandate's third party."""
    event = await resume_mandate(
        runtime.database, runtime.keys, caller, mandate_id, body.reason, now=runtime.now()
    )
    return await _done(runtime, event, response)


@router.post(
    "/uses",
    status_code=status.HTTP_201_CREATED,
    summary="Record a use",
    openapi_extra=needs(
        Scope.MANDATES_USE,
        ForbiddenError,
        MandateOverError,
        NotUsableError,
        RestrictedError,
        RequestInProgressError,
    ),
)
async def use(
    mandate_id: Id,
    body: UseIn,
    runtime: RuntimeDep,
    caller: CallerDep,
    idempotent: IdempotentDep,
    response: Response,
) -> UseOut:
    """Record that a representative used a permission in a case; the last permitted one uses it up.

    Refused while a restriction on the principal stands against it.
    """
    recorded = await use_mandate(
        runtime.database,
        runtime.keys,
        caller,
        mandate_id,
        Use(body.permission, body.case_ref, body.by.party),
        idempotent,
        now=runtime.now(),
    )
    token = consistency_token(await runtime.database.position(), runtime.keys)
    event = recorded.event
    response.headers["Location"] = _events_of(event)
    return UseOut(
        id=event.id,
        mandate_id=event.mandate_id,
        at=event.at,
        remaining=recorded.remaining,
        consistency_token=token,
    )


@router.post(
    "/uses/{use_id}/closure",
    status_code=status.HTTP_201_CREATED,
    summary="Close a use",
    openapi_extra=needs(Scope.MANDATES_USE, ForbiddenError, UseClosedError),
)
async def close(
    mandate_id: Id, use_id: Id, runtime: RuntimeDep, caller: CallerDep, response: Response
) -> ActOut:
    """Say that the case of a use is over, as the organisation that recorded it; also when the mandate is.

    Until then every event that ends the mandate names the case to your organisation. A closed use still
    counts.
    """
    event = await close_use(runtime.database, runtime.keys, caller, mandate_id, use_id, now=runtime.now())
    return await _done(runtime, event, response)


def _revocation(body: RevocationIn, person: Party | None) -> Revocation:
    return Revocation(
        by=body.by,
        reason=body.reason,
        person=person,
        signature=None if body.signature is None else body.signature.evidence.data,
        signature_format="jws" if body.signature is None else body.signature.evidence.format,
        registrar=None if body.registrar is None else body.registrar.to_registrar(),
    )


def _events_of(event: MandateEvent) -> str:
    """Where the act is to be read: among the mandate's events."""
    return f"/v1/mandates/{event.mandate_id}/events"


async def _done(runtime: Runtime, event: MandateEvent, response: Response) -> ActOut:
    response.headers["Location"] = _events_of(event)
    return ActOut.of(event, consistency_token(await runtime.database.position(), runtime.keys))
