"""Verification without the framework's machinery: the same steps as its route, called from the edge.

The contract documents the operation from `routes/verifications.py`; a test holds the two equal.
"""

from collections.abc import Awaitable, Callable

from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope

from registry.api.answering import answer_question
from registry.api.models.verifications import QuestionIn
from registry.api.problems import BodyTooLargeError, fault_of, problem_of, problem_response
from registry.api.requests import read_json_object, refuse_media, refuse_unknown_query
from registry.api.runtime import Runtime
from registry.domain.callers import Scope as AccessScope
from registry.domain.errors import InvalidInputError, RegistryError

HotPath = Callable[[Runtime, Scope, Receive, str], Awaitable[Response]]


async def verify(runtime: Runtime, scope: Scope, receive: Receive, request_id: str) -> Response:
    """Answer `POST /v1/verifications`."""
    try:
        return Response(await _verify(runtime, scope, receive), media_type="application/json")
    except RegistryError as error:
        return problem_response(problem_of(error), path=scope["path"], request_id=request_id)


async def _verify(runtime: Runtime, scope: Scope, receive: Receive) -> bytes:
    headers = Headers(scope=scope)
    caller = await runtime.tokens.caller(headers.get("authorization"), runtime.now())
    caller.require(AccessScope.VERIFY_OWN)
    refuse_unknown_query(scope["query_string"], set())
    refuse_media(headers, takes_body=True)
    document = read_json_object(await _body(receive))
    try:
        question = QuestionIn.model_validate(document, from_attributes=True)  # as FastAPI: it decides codes
    except ValidationError as error:
        faults = tuple(fault_of({**item, "loc": ("body", *item["loc"])}) for item in error.errors())
        raise InvalidInputError(faults) from None
    return await answer_question(runtime, caller, question, document)


async def _body(receive: Receive) -> bytes:
    chunks = []
    while True:
        try:
            message = await receive()
        except HTTPException as error:
            raise BodyTooLargeError(error.detail) from None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


HOT_PATHS: dict[tuple[str, str], HotPath] = {("POST", "/v1/verifications"): verify}
