"""The route class of every operation: who may call is decided before anything of the body is read.

Each operation names its one scope with `needs`, or says `public`; `tests` fail for one that does neither.
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Header
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from registry.api.problems import PROBLEMS
from registry.api.requests import JSON, read_json_object, refuse_media, refuse_unknown_query
from registry.api.runtime import Runtime
from registry.domain.callers import Caller, Scope
from registry.domain.errors import RegistryError
from registry.signing.encodings import encode_base64url
from registry.storage.idempotency import IdempotentRequest

SCOPE_MEMBER = "x-required-scope"
PUBLIC_MEMBER = "x-public"
PROBLEMS_MEMBER = "x-problems"


def needs(scope: Scope, *errors: type[RegistryError]) -> dict[str, Any]:
    """The contract's note of the one scope that an operation needs: pass it as `openapi_extra`.

    `errors` are those that the operation can raise beyond what every operation of its shape can.
    """
    return {SCOPE_MEMBER: scope.value, PROBLEMS_MEMBER: [PROBLEMS[error].name for error in errors]}


def public(*errors: type[RegistryError]) -> dict[str, Any]:
    """The contract's note that anybody may call an operation; `errors` as in `needs`."""
    return {PUBLIC_MEMBER: True, PROBLEMS_MEMBER: [PROBLEMS[error].name for error in errors]}


class StrictRequest(Request):
    """A request whose JSON has one meaning, or is refused: no duplicate members, no NaN, bounded depth."""

    async def json(self) -> Any:  # noqa: ANN401  # as in Starlette
        """Parse the body, once. Raises MalformedRequestError."""
        if not hasattr(self, "_json"):
            self._json = read_json_object(await self.body())
        return self._json


class RegistryRoute(APIRoute):
    """An operation: token and scope first, then the query, then the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler."""
        handler = super().get_route_handler()
        scope = (self.openapi_extra or {}).get(SCOPE_MEMBER)
        known = {parameter.alias for parameter in self.dependant.query_params}
        takes_body = self.body_field is not None
        gives = next(iter(self.responses.get(200, {}).get("content", {})), JSON)
        negotiates = self.include_in_schema

        async def answer(request: Request) -> Response:
            if scope is not None:
                runtime: Runtime = request.app.state.runtime
                caller = await runtime.tokens.caller(request.headers.get("authorization"), runtime.now())
                caller.require(Scope(scope))
                request.state.caller = caller
            refuse_unknown_query(request.scope["query_string"], known)
            if negotiates:
                refuse_media(request.headers, takes_body=takes_body, gives=gives)
            strict = StrictRequest(request.scope, request.receive)
            if takes_body:
                await strict.json()  # here, since FastAPI would hide what is wrong with it
            return await handler(strict)

        return answer


def get_runtime(request: Request) -> Runtime:
    """The process's runtime."""
    runtime: Runtime = request.app.state.runtime
    return runtime


def get_caller(request: Request) -> Caller:
    """The authenticated caller of an operation that needs a scope."""
    caller: Caller = request.state.caller
    return caller


async def get_idempotent_request(
    request: Request,
    runtime: Annotated[Runtime, Depends(get_runtime)],
    caller: Annotated[Caller, Depends(get_caller)],
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="Any text of your own, new for each new request: 1 to 200 visible ASCII characters. "
            "A repeated request with the same key and body has no further effect, for 24 hours.",
        ),
    ] = None,
) -> IdempotentRequest:
    """The request under its Idempotency-Key. Raises HTTPException 400 without a proper one."""
    key = idempotency_key or ""
    if not 1 <= len(key) <= 200 or not all("!" <= char <= "~" for char in key):  # noqa: PLR2004  # as described
        raise HTTPException(400, "Send the header Idempotency-Key: 1 to 200 visible ASCII characters.")
    operation = f"{request.method} {request.url.path}"
    return IdempotentRequest(
        caller.client_id,
        _hidden(runtime, key),
        operation,
        runtime.keys.mac(operation.encode() + b"\n" + await request.body()),
    )


def _hidden(runtime: Runtime, key: str) -> str:
    """A keyed digest of what the caller chose: somebody's number may stand in it."""
    return encode_base64url(runtime.keys.mac(b"idempotency-key/1" + key.encode()))


RuntimeDep = Annotated[Runtime, Depends(get_runtime)]
CallerDep = Annotated[Caller, Depends(get_caller)]
IdempotentDep = Annotated[IdempotentRequest, Depends(get_idempotent_request)]
