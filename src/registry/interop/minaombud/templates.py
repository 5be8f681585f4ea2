"""This registry's own additions: a third party's templates, which the national service does not list."""

import re
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from registry.api.requests import JSON
from registry.domain.documents import Json
from registry.domain.errors import Fault, InvalidInputError, NotFoundError
from registry.domain.template import MandateKind, TemplateStatus
from registry.interop.minaombud.asking import read_asking
from registry.interop.minaombud.bodies import MOST_PER_PAGE, PAGE_SIZE
from registry.interop.minaombud.calls import addressed_id, addressed_third_party
from registry.interop.minaombud.showing import show_template
from registry.interop.minaombud.surface import MinaOmbud
from registry.storage.templates import TemplateFilter, get_version, search_templates

_CACHE: Final = {"Cache-Control": "private, max-age=60"}
_MOST_DIGITS: Final = 6
SERVICE_PATTERN: Final = "^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$"


async def list_templates(surface: MinaOmbud, request: Request) -> Response:
    """`GET /tredjeman/{orgnr}/mallar`: the published templates, or those bound to one service (`tjanst`)."""
    await read_asking(surface, request, looks_up=False)
    third_party = addressed_third_party(request)
    page, size = _number(request, "page", 0, least=0), _number(request, "size", PAGE_SIZE, least=1)
    if size > MOST_PER_PAGE:
        raise InvalidInputError((Fault("?size", "too_large", f"At most {MOST_PER_PAGE} on a page."),))
    wanted = TemplateFilter(
        third_party=third_party, kind=MandateKind.REPRESENTATION, service=_service(request)
    )
    async with surface.runtime.database.reading() as session:
        found, total = await search_templates(session, wanted, limit=size, offset=page * size)
    shown: list[Json] = [show_template(version) for version in found]
    counted = {"size": size, "number": page, "totalElements": total, "totalPages": -(-total // size)}
    body = orjson.dumps({"mallar": shown, "page": counted})
    return Response(body, media_type=JSON, headers=_CACHE)


async def get_template(surface: MinaOmbud, request: Request) -> Response:
    """`GET /tredjeman/{orgnr}/mallar/{id}`: one published template; a retired one says so by its absence."""
    await read_asking(surface, request, looks_up=False)
    third_party = addressed_third_party(request)
    async with surface.runtime.database.reading() as session:
        version = await get_version(session, addressed_id(request))
    if (
        version is None
        or version.status is not TemplateStatus.PUBLISHED
        or version.content.third_party.party != third_party
        or version.content.kind is not MandateKind.REPRESENTATION
    ):
        raise NotFoundError
    return Response(orjson.dumps({"mall": show_template(version)}), media_type=JSON, headers=_CACHE)


def _service(request: Request) -> str | None:
    name = request.query_params.get("tjanst")
    if name is not None and not re.fullmatch(SERVICE_PATTERN, name):
        fault = Fault("?tjanst", "format", "Give a service's stable name: ASCII letters, digits and `._:-`.")
        raise InvalidInputError((fault,))
    return name


def _number(request: Request, name: str, default: int, *, least: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS or int(text) < least:
        fault = Fault(f"?{name}", "digits", f"Give a whole number from {least} in the digits 0 to 9.")
        raise InvalidInputError((fault,))
    return int(text)
