"""The ASGI application of the surface, served beside the API: finds the operation, writes the errors."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import httpx
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from registry.api.edge import Surface
from registry.api.observing import log_unavailable
from registry.api.problems import BodyTooLargeError, MethodNotAllowedError, UnknownPathError
from registry.api.runtime import Runtime
from registry.domain.errors import RegistryError
from registry.interop.minaombud.clients import load_clients
from registry.interop.minaombud.errors import error_writer
from registry.interop.minaombud.operations import BASE_PATH, OPERATIONS
from registry.interop.minaombud.surface import MinaOmbud
from registry.interop.minaombud.tokens import TOKEN_PATH

_PREFIXES: Final = (f"{BASE_PATH}/", TOKEN_PATH)
_BODY_TOO_LARGE: Final = 413


@asynccontextmanager
async def open_minaombud(runtime: Runtime) -> AsyncIterator[Surface]:
    """The surface over this runtime, with the clients of its settings' file. Raises MinaOmbudFileError."""
    async with httpx.AsyncClient() as http:
        minaombud = MinaOmbud(runtime, load_clients(runtime.settings.minaombud_file, http))
        try:
            yield as_surface(minaombud)
        finally:
            minaombud.close()


def as_surface(minaombud: MinaOmbud) -> Surface:
    """The application with its addresses and its form of errors."""
    refuse = error_writer(minaombud.runtime.now)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await _answer(minaombud, request)
        except RegistryError as error:
            response = _refused(error, request, refuse)
        except HTTPException as error:
            if error.status_code != _BODY_TOO_LARGE:
                raise
            response = _refused(BodyTooLargeError(error.detail), request, refuse)
        await response(scope, receive, send)

    return Surface(_PREFIXES, app, refuse)


async def _answer(minaombud: MinaOmbud, request: Request) -> Response:
    allowed: list[str] = []
    for operation in OPERATIONS:
        found = operation.pattern.fullmatch(request.scope["path"])
        if found is None:
            continue
        if operation.method != request.method:
            allowed.append(operation.method)
            continue
        request.scope["route"] = operation
        request.scope["path_params"] = found.groupdict()
        return await operation.answer(minaombud, request)
    if allowed:
        raise _NotAllowedError(allowed)
    raise UnknownPathError


class _NotAllowedError(MethodNotAllowedError):
    """This address does not answer to this method."""

    def __init__(self, allowed: list[str]) -> None:
        super().__init__()
        self.allowed = allowed


def _refused(
    error: RegistryError, request: Request, refuse: Callable[[RegistryError, str, str], Response]
) -> Response:
    request_id = request.scope["request_id"]
    log_unavailable(error, request_id)
    response = refuse(error, request.scope["path"], request_id)
    if isinstance(error, _NotAllowedError):
        response.headers["Allow"] = ", ".join(error.allowed)
    return response
