"""Mandates: preview, issue, look up."""

from fastapi import APIRouter, Request, Response, status

from registry.api.attachments import SCANNED, Position, scan_response
from registry.api.etags import CONDITIONAL, conditional
from registry.api.models.acts import EventList, EventOut
from registry.api.models.evidence import EvidenceBundleOut
from registry.api.models.fields import Id
from registry.api.models.mandates import (
    ConflictOut,
    ContentOut,
    IssuedMandateOut,
    MandateIn,
    MandateList,
    MandateOut,
    MandateSearchIn,
    PreviewOut,
    StatusesIn,
    StatusList,
    StatusOut,
)
from registry.api.models.parties import PartyIn
from registry.api.paths import MANDATE
from registry.api.route import CallerDep, IdempotentDep, RegistryRoute, RuntimeDep, needs
from registry.domain.callers import Scope
from registry.domain.errors import (
    AlreadyInForceError,
    AlreadyIssuedError,
    ForbiddenError,
    LogPendingError,
    RequestInProgressError,
)
from registry.domain.events import EventType
from registry.domain.mandate import content_document
from registry.domain.parties import Party
from registry.domain.revocation import MandateOverError
from registry.domain.signing_rules import expected_capacity
from registry.operations.end_mandate import list_also_ended
from registry.operations.examine_mandate import Stage, examine_mandate
from registry.operations.foresee_conflicts import foresee_conflicts
from registry.operations.gather_evidence import gather_evidence
from registry.operations.issue_mandate import IssueRequest, issue_mandate
from registry.operations.look_up_mandate import (
    get_attachment,
    get_mandate,
    get_record,
    list_events,
    list_statuses,
    search_mandates,
)
from registry.signing.consistency import consistency_token
from registry.signing.encodings import encode_base64url
from registry.storage.mandate_search import MandateFilter

router = APIRouter(prefix="/v1/mandates", tags=["Mandates"], route_class=RegistryRoute)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Issue a mandate",
    openapi_extra=needs(
        Scope.MANDATES_ISSUE,
        ForbiddenError,
        AlreadyInForceError,
        AlreadyIssuedError,
        MandateOverError,
        RequestInProgressError,
    ),
)
async def issue(
    body: MandateIn, runtime: RuntimeDep, caller: CallerDep, idempotent: IdempotentDep, response: Response
) -> IssuedMandateOut:
    """Issue a mandate with complete signatures, as a client of the template's third party.

    Every fault is reported at once. A signature of the method `registered` or `paper` also needs
    `mandates:register`, and so does stating a signatory rule that no company register answers for.
    With a `parent` it is a sub-mandate: signed by a representative of the parent, never wider or longer than
    that, to the depth that the template allows.
    """
    request = IssueRequest(body.to_proposal(), tuple(item.to_claim() for item in body.signatures))
    mandate_id = await issue_mandate(
        runtime.database,
        runtime.keys,
        runtime.sources,
        caller,
        request,
        idempotent,
        now=runtime.now(),
    )
    token = consistency_token(await runtime.database.position(), runtime.keys)
    found = await get_mandate(runtime.access_log, caller, mandate_id, now=runtime.now())
    response.headers["Location"] = f"/v1/mandates/{mandate_id}"
    also_ended = await list_also_ended(runtime.database, found.mandate.content.supersedes)
    return IssuedMandateOut.of_issued(found, token, also_ended)


@router.post(
    "/preview", summary="Preview a mandate", openapi_extra=needs(Scope.MANDATES_ISSUE, ForbiddenError)
)
async def preview(body: MandateIn, runtime: RuntimeDep, caller: CallerDep) -> PreviewOut:
    """Check every rule and return what is to be signed; nothing is written.

    Signatures may be left out; those given are verified. Issue with the times and `principal_details` of
    `content`: a default filled in later, or looked up anew, would be other content than was signed.
    `conflicts` tells what would stand in the way as things stand, such as the same in force already.
    """
    now = runtime.now()
    examined = await examine_mandate(
        runtime.database,
        runtime.keys,
        runtime.sources,
        caller,
        body.to_proposal(),
        [item.to_claim() for item in body.signatures],
        stage=Stage.PREVIEW,
        now=now,
    )
    conflicts = await foresee_conflicts(runtime.database, runtime.keys, caller, examined, now=now)
    return PreviewOut(
        to_be_signed=encode_base64url(examined.to_be_signed),
        digest=encode_base64url(examined.digest),
        capacity=expected_capacity(examined.content, examined.template.content),
        content=ContentOut.model_validate(content_document(examined.content)),
        conflicts=[
            ConflictOut(
                code=item.code, pointer=item.pointer, message=item.message, mandate_id=item.mandate_id
            )
            for item in conflicts
        ],
    )


@router.post("/search", summary="Search mandates", openapi_extra=needs(Scope.MANDATES_READ))
async def search(body: MandateSearchIn, runtime: RuntimeDep, caller: CallerDep) -> MandateList:
    """Search the mandates that your organisation has a part in, by any party, in the order of issue."""
    wanted = MandateFilter(
        now=runtime.now(),
        principal=_party(body.principal),
        representative=_party(body.representative),
        third_party=_party(body.third_party),
        template_id=body.template_id,
        permission=body.permission,
        kind=body.kind,
        status=body.status,
        valid_at=body.valid_at,
    )
    found = await search_mandates(
        runtime.access_log,
        caller,
        wanted,
        document=body.model_dump(mode="json", exclude_none=True),
        after=body.cursor,
        limit=body.limit,
    )
    cursor = found[-1].mandate.id if len(found) == body.limit else None
    return MandateList(items=[MandateOut.of(item) for item in found], next=cursor)


@router.post("/status", summary="Ask for the status of many", openapi_extra=needs(Scope.MANDATES_READ))
async def statuses(body: StatusesIn, runtime: RuntimeDep, caller: CallerDep) -> StatusList:
    """Ask for the status of up to 1,000 mandates, for case systems that poll."""
    now = runtime.now()
    found = await list_statuses(runtime.access_log, caller, body.ids, now=now)
    items = [StatusOut(id=item, status=found.get(item) or "not_found") for item in body.ids]
    return StatusList(items=items, checked_at=now)


@router.get(
    MANDATE,
    summary="Read a mandate",
    response_model=MandateOut,
    responses=CONDITIONAL,
    openapi_extra=needs(Scope.MANDATES_READ),
)
async def read(request: Request, mandate_id: Id, runtime: RuntimeDep, caller: CallerDep) -> Response:
    """Read a mandate with its status now. The ETag changes when the status does."""
    token = consistency_token(await runtime.database.position(), runtime.keys)
    found = await get_mandate(runtime.access_log, caller, mandate_id, now=runtime.now())
    return conditional(request, MandateOut.of(found), shown=MandateOut.of(found, token))


@router.get(
    MANDATE + "/record",
    summary="Read the sealed record",
    openapi_extra=needs(Scope.MANDATES_READ),
    response_class=Response,
    responses={200: {"content": {"application/jose": {"schema": {"type": "string"}}}}},
)
async def record(mandate_id: Id, runtime: RuntimeDep, caller: CallerDep) -> Response:
    """Read the exact sealed bytes: a compact JWS that verifies against `/.well-known/jwks.json`."""
    sealed = await get_record(runtime.access_log, caller, mandate_id, now=runtime.now())
    return Response(sealed, media_type="application/jose", headers={"Cache-Control": "private, no-cache"})


@router.get(
    MANDATE + "/signatures/{position}/attachment",
    summary="Read the scan of a signature",
    openapi_extra=needs(Scope.MANDATES_READ),
    response_class=Response,
    responses=SCANNED,
)
async def attachment(mandate_id: Id, position: Position, runtime: RuntimeDep, caller: CallerDep) -> Response:
    """Read the scan of the paper original that a `paper` signature attests, as it was delivered.

    It was attested by an employee, never verified. Reading it is logged as a look-up of its own.
    """
    found = await get_attachment(runtime.access_log, caller, mandate_id, position, now=runtime.now())
    return scan_response(found, mandate_id, position)


@router.get(MANDATE + "/events", summary="List what happened", openapi_extra=needs(Scope.MANDATES_READ))
async def events(mandate_id: Id, runtime: RuntimeDep, caller: CallerDep) -> EventList:
    """List everything that happened to a mandate, oldest first, each with its own sealed bytes."""
    mandate, sealed, found = await list_events(runtime.access_log, caller, mandate_id, now=runtime.now())
    issued = EventOut(
        id=mandate.id,
        number=0,
        type=EventType.ISSUED,
        at=mandate.issued_at,
        recorded_at=mandate.issued_at,
        by=None,
        reason=None,
        details={},
        registered_by=mandate.registered_by,
        sealed=sealed.decode(),
    )
    return EventList(items=[issued, *(EventOut.of(item.event, item.sealed) for item in found)])


@router.get(
    MANDATE + "/evidence",
    summary="Gather the evidence",
    openapi_extra=needs(Scope.MANDATES_READ, LogPendingError),
)
async def evidence(
    mandate_id: Id, runtime: RuntimeDep, caller: CallerDep, response: Response
) -> EvidenceBundleOut:
    """Gather all that proves a mandate in one bundle, to archive and to check offline: `registry verify`.

    Record, events, the evidence of its signatures, its template, the keys of the seals, and the proof of each
    in the transparency log. What was recorded in the last seconds may not be in the log: then 409, and
    `Retry-After` says when to ask again.
    """
    bundle = await gather_evidence(runtime.access_log, caller, mandate_id, now=runtime.now())
    response.headers["Cache-Control"] = "private, no-store"
    return EvidenceBundleOut.of(bundle)


def _party(party: PartyIn | None) -> Party | None:
    return None if party is None else party.party
