"""Puts the HTTP application together. Who serves it opens the runtime: `registry.serving`."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from registry.api.contract import describe
from registry.api.edge import Edge, Surface
from registry.api.observing import log_unavailable
from registry.api.paths import allowed_methods
from registry.api.problems import (
    BodyTooLargeError,
    InternalError,
    MalformedRequestError,
    MethodNotAllowedError,
    UnknownPathError,
    fault_of,
    problem_of,
    problem_response,
)
from registry.api.routes import (
    access_log,
    acts,
    approvals,
    contexts,
    deliveries,
    endpoints,
    events,
    log,
    mandate_requests,
    mandates,
    me,
    restrictions,
    service,
    swagger,
    templates,
    tokens,
    verifications,
    withdrawals,
)
from registry.domain.errors import InvalidInputError, RegistryError

_BY_STATUS: dict[int, type[RegistryError]] = {
    400: MalformedRequestError,
    404: UnknownPathError,
    405: MethodNotAllowedError,
    413: BodyTooLargeError,
}

_RESOURCES = (
    templates,
    mandate_requests,
    mandates,
    acts,
    withdrawals,
    deliveries,
    verifications,
    contexts,
    restrictions,
    approvals,
    endpoints,
    events,
    me,
    access_log,
    log,
    tokens,
    service,
    swagger,
)
"""The modules of the operations, in the order of the contract."""

_EXPLAINED = frozenset({MalformedRequestError, BodyTooLargeError})
"""Raised as HTTPException with a detail that says what is wrong."""


def create_api(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None) -> FastAPI:
    """The FastAPI application with every operation, without the edge: it makes the contract, too."""
    app = FastAPI(
        title="Mandate registry",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        lifespan=lifespan,
        redirect_slashes=False,
    )
    for module in _RESOURCES:
        app.include_router(module.router)
    app.add_exception_handler(RegistryError, _on_registry_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_failure)
    describe(app)
    return app


def create_app(
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None,
    *,
    max_body_bytes: int,
    request_log: bool,
    surfaces: Sequence[Surface] = (),
) -> ASGIApp:
    """The whole application. The lifespan sets `app.state.runtime`."""
    api = create_api(lifespan)
    return Edge(
        api, state=api.state, max_body_bytes=max_body_bytes, request_log=request_log, surfaces=surfaces
    )


def _respond(request: Request, error: RegistryError) -> Response:
    request_id = str(request.scope.get("request_id", ""))
    log_unavailable(error, request_id)
    return problem_response(problem_of(error), path=request.scope["path"], request_id=request_id)


async def _on_registry_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RegistryError):
        raise error
    return _respond(request, error)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return _respond(request, InvalidInputError(tuple(fault_of(item) for item in error.errors())))


async def _on_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    kind = _BY_STATUS.get(error.status_code, MalformedRequestError)
    response = _respond(request, kind(error.detail if kind in _EXPLAINED else None))
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    if kind is MethodNotAllowedError:
        response.headers["Allow"] = allowed_methods(request.app.routes, request.scope)
    return response


async def _on_failure(request: Request, _error: Exception) -> Response:
    return _respond(request, InternalError())
