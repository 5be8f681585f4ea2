"""The calls: each reads its request, asks one operation, and shows what that gives."""

from collections.abc import Sequence
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response

from registry.api.problems import UnsupportedMediaTypeError
from registry.api.requests import JSON, read_json_object
from registry.domain.documents import Document, Json
from registry.domain.errors import ForbiddenError, InvalidPartyIdError, NotFoundError, RegistryError
from registry.domain.parties import Party
from registry.domain.template import MandateKind
from registry.interop.minaombud.asking import Asking, read_asking
from registry.interop.minaombud.bodies import PageIn, read_mandate_search, read_permission_search
from registry.interop.minaombud.errors import error_document
from registry.interop.minaombud.numbers import read_roles, read_third_party
from registry.interop.minaombud.showing import Shown, show_context, show_list_item, show_whole
from registry.interop.minaombud.surface import MinaOmbud
from registry.operations.list_powers import PowersAsked, PowersFound
from registry.operations.read_whole_mandates import (
    WholeMandate,
    get_whole_mandate,
    search_whole_mandates,
)
from registry.operations.record_search import record_search
from registry.storage.mandate_search import MandateFilter

_KEYS_FRESH_SECONDS = 300


async def search_permissions(surface: MinaOmbud, request: Request) -> Response:
    """`POST /sok/behorigheter`: each `kontext` signed by its third party."""
    asking = await read_asking(surface, request)
    document = await read_body(request)
    wanted = read_permission_search(document)
    asking.require_third_party(wanted.third_party)
    holder = wanted.fullmaktshavare.party
    principal = None if wanted.fullmaktsgivare is None else wanted.fullmaktsgivare.party
    logged = asking.document("sok/behorigheter", _as_document(document), [wanted.third_party])
    found = PowersFound([], 0)
    if asking.is_self(holder):
        found = await surface.lister.list_powers(
            PowersAsked(
                caller=asking.caller,
                third_party=wanted.third_party,
                holder=holder,
                document=logged,
                asked_at=asking.now,
                principal=principal,
                roles=read_roles(wanted.fullmaktsgivarroll),
                codes=frozenset(wanted.behorigheter or ()),
                offset=wanted.page.offset,
                size=wanted.page.size,
            )
        )
    else:
        await _record_nothing(surface, asking, "power_search", logged, principal, holder)
    contexts = [shown for powers in found.items if (shown := show_context(powers, asking.now)) is not None]
    signed: Sequence[Json] = await surface.sign(wanted.third_party, contexts)
    return _answer({"kontext": list(signed), "page": _page(wanted.page, found.total)})


async def search_mandates(surface: MinaOmbud, request: Request) -> Response:
    """`POST /sok/fullmakter`: a list, not signed. What may not be asked stands in `problem`."""
    asking = await read_asking(surface, request)
    document = await read_body(request)
    wanted = read_mandate_search(document)
    principal = None if wanted.fullmaktsgivare is None else wanted.fullmaktsgivare.party
    holder = None if wanted.fullmaktshavare is None else wanted.fullmaktshavare.party
    refused = _refusals(asking, wanted.third_parties)
    logged = asking.document("sok/fullmakter", _as_document(document), wanted.third_parties)
    found: list[WholeMandate] = []
    total = 0
    if asking.is_self(principal, holder):
        mandates = MandateFilter(
            now=asking.now,
            principal=principal,
            representative=holder,
            kind=MandateKind.REPRESENTATION,
            statuses=wanted.statuses,
            third_parties=_third_parties(asking, wanted.third_parties, refused),
            principal_roles=read_roles(wanted.fullmaktsgivarroll) or None,
        )
        found, total = await search_whole_mandates(
            surface.runtime.access_log,
            asking.caller,
            mandates,
            document=logged,
            offset=wanted.page.offset,
            limit=wanted.page.size,
        )
    else:
        await _record_nothing(surface, asking, "mandate_search", logged, principal, holder)
    items: list[Json] = [shown for whole in found if (shown := show_list_item(whole)) is not None]
    answer: dict[str, Json] = {"fullmakter": items, "page": _page(wanted.page, total)}
    if refused:
        answer["problem"] = {
            party.value: error_document(
                error, path=request.url.path, request_id=request.scope["request_id"], now=asking.now
            )
            for party, error in refused.items()
        }
    return _answer(answer)


async def get_mandate(surface: MinaOmbud, request: Request) -> Response:
    """`GET /tredjeman/{orgnr}/fullmakter/{id}`: one whole mandate, signed by its third party."""
    asking = await read_asking(surface, request)
    third_party = addressed_third_party(request)
    asking.require_third_party(third_party)
    whole = await get_whole_mandate(
        surface.runtime.access_log,
        asking.caller,
        addressed_id(request),
        kind=MandateKind.REPRESENTATION,
        third_party=third_party,
        document=asking.document("tredjeman/fullmakter", {}, [third_party]),
        now=asking.now,
    )
    shown = show_whole(whole, asking.now)
    if shown is None:
        raise NotFoundError
    (signed,) = await surface.sign(third_party, [shown])
    return _answer(signed)


async def get_public_keys(surface: MinaOmbud, request: Request) -> Response:
    """`GET /tredjeman/{orgnr}/jwks`: the third party's keys, for everybody."""
    keys = await surface.public_keys(addressed_third_party(request))
    body = orjson.dumps({"keys": keys})
    headers = {"Cache-Control": f"public, max-age={_KEYS_FRESH_SECONDS}"}
    return Response(body, media_type=JSON, headers=headers)


async def read_body(request: Request) -> dict[str, object]:
    """The body, one JSON object. Raises UnsupportedMediaTypeError, MalformedRequestError."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON:
        raise UnsupportedMediaTypeError
    return read_json_object(await request.body())


def addressed_third_party(request: Request) -> Party:
    """The third party in the address. Raises NotFoundError for what is no organisation's number."""
    try:
        return read_third_party(request.path_params["orgnr"])
    except InvalidPartyIdError:
        raise NotFoundError("There is no third party with this organisation number.") from None


def addressed_id(request: Request) -> UUID:
    """The id in the address. Raises NotFoundError for what is no id."""
    try:
        return UUID(request.path_params["id"])
    except ValueError:
        raise NotFoundError from None


async def _record_nothing(
    surface: MinaOmbud,
    asking: Asking,
    operation: str,
    document: Document,
    principal: Party | None,
    holder: Party | None,
) -> None:
    """A user who asks about others finds nothing, and they find out that it asked."""
    await record_search(
        surface.runtime.access_log,
        asking.caller,
        operation=operation,
        document=document,
        principal=principal,
        representative=holder,
        now=asking.now,
    )


def _refusals(asking: Asking, third_parties: Sequence[Party]) -> dict[Party, RegistryError]:
    refused: dict[Party, RegistryError] = {}
    for third_party in third_parties:
        try:
            asking.require_third_party(third_party)
        except ForbiddenError as error:
            refused[third_party] = error
    return refused


def _third_parties(
    asking: Asking, named: Sequence[Party], refused: dict[Party, RegistryError]
) -> frozenset[Party] | None:
    """Where to look: a person everywhere unless it says where, anybody else at its own third party."""
    if named:
        return frozenset(named) - refused.keys()
    return None if asking.is_person else frozenset({asking.asker.caller.organisation})


def _page(page: PageIn, total: int) -> Shown:
    return {
        "size": page.size,
        "number": page.page,
        "totalElements": total,
        "totalPages": -(-total // page.size),
    }


def _as_document(body: dict[str, object]) -> Document:
    """The body as it was read: parsed JSON is a document."""
    return body  # type: ignore[return-value]  # as its summary says


def _answer(document: Document) -> Response:
    return Response(orjson.dumps(document), media_type=JSON, headers={"Cache-Control": "no-store"})
