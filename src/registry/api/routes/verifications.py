"""Verification: one question, many questions, and on whose behalf somebody may act."""

from fastapi import APIRouter, Request, Response

from registry.api.answering import answer_batch, answer_question
from registry.api.models.verifications import (
    BatchIn,
    BatchOut,
    QuestionIn,
    RepresentationList,
    RepresentationOut,
    RepresentationSearchIn,
    VerificationOut,
)
from registry.api.route import CallerDep, RegistryRoute, RuntimeDep, needs
from registry.domain.callers import Scope
from registry.domain.errors import Fault, InvalidInputError
from registry.operations.own_engagements import list_own_engagements
from registry.operations.search_representations import RepresentationSearch, search_representations
from registry.signing.encodings import decode_base64url, encode_base64url

router = APIRouter(prefix="/v1", tags=["Verification"], route_class=RegistryRoute)


@router.post(
    "/verifications",
    summary="Verify",
    response_model=VerificationOut,
    openapi_extra=needs(Scope.VERIFY_OWN),
)
async def verify(request: Request, body: QuestionIn, runtime: RuntimeDep, caller: CallerDep) -> Response:
    """Ask whether a representative may act for a principal; always 200 when the question is well formed.

    The answer gives a decision and reasons per permission, for now, for another time (`at`), or by what was
    known at a time (`known_at`). The receipt proves question and answer; archive it with the case.
    """
    answer = await answer_question(runtime, caller, body, await request.json())
    return Response(answer, media_type="application/json")


@router.post(
    "/verifications/batch",
    summary="Verify many",
    response_model=BatchOut,
    openapi_extra=needs(Scope.VERIFY_OWN),
)
async def verify_batch(request: Request, body: BatchIn, runtime: RuntimeDep, caller: CallerDep) -> Response:
    """Ask up to 1,000 questions; the answers come in the same order, proved by one receipt."""
    document = await request.json()
    answer = await answer_batch(runtime, caller, body, document["questions"])
    return Response(answer, media_type="application/json")


@router.post("/representations/search", summary="On whose behalf?", openapi_extra=needs(Scope.VERIFY_OWN))
async def search(body: RepresentationSearchIn, runtime: RuntimeDep, caller: CallerDep) -> RepresentationList:
    """List the principals that a person may act for here and now, with what a form prefills.

    A page can hold fewer than `limit`; go on while `next` is not null. Before the first page's mandates, and
    beside `limit`, stand the businesses that the person signs for alone by the company register
    (`via: own_engagement`): no mandate is behind them, so a verification knows nothing of them.
    """
    wanted = RepresentationSearch(
        representative=body.representative.party,
        third_party=body.third_party_of(caller),
        service=body.service,
        after=_read_cursor(body.cursor),
        limit=body.limit,
    )
    now = runtime.now()
    own = await list_own_engagements(
        runtime.database, runtime.keys, runtime.register, caller, wanted, now=now
    )
    document = body.model_dump(mode="json", exclude_none=True)
    if own.entries:
        document["own_engagements"] = [str(entry.organisation.party) for entry in own.entries]
    found, cursor = await search_representations(
        runtime.access_log, caller, wanted, document=document, now=now
    )
    return RepresentationList(
        items=[
            *(RepresentationOut.of_engagement(entry, own.permissions) for entry in own.entries),
            *(RepresentationOut.of(item) for item in found),
        ],
        next=None if cursor is None else encode_base64url(cursor),
        own_engagements=own.look_up,
    )


def _read_cursor(cursor: str | None) -> bytes | None:
    if cursor is None:
        return None
    try:
        return decode_base64url(cursor)
    except ValueError:
        fault = Fault("/cursor", "cursor", "Send `next` of the page before, as you got it.")
        raise InvalidInputError((fault,)) from None
