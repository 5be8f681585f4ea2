"""Verification without the framework's machinery: the same steps as its route, called from the edge.

The contract documents the operation from `routes/verifications.py`; a test holds the two equal.
"""

from collections.abc import Awaitable, Callable, Mapping

from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope

from registry.api.answering import answer_question
from registry.api.models.verifications import QuestionIn
from registry.api.problems import BodyTooLargeError, fault_of
from registry.api.requests import read_json_object, refuse_media, refuse_unknown_query
from registry.api.runtime import Runtime
from registry.domain.callers import Scope as AccessScope
from registry.domain.errors import InvalidInputError

HotPath = Callable[[Runtime, Scope, Mapping[bytes, bytes], Receive], Awaitable[bytes]]
"""From a request, its headers by name among it, to the JSON of its answer. Raises RegistryError."""


async def verify(runtime: Runtime, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """Answer `POST /v1/verifications`."""
    authorization = headers.get(b"authorization", b"").decode("latin-1")
    caller = await runtime.tokens.caller(authorization, runtime.now())
    caller.require(AccessScope.VERIFY_OWN)
    if scope["query_string"]:
        refuse_unknown_query(scope["query_string"], set())
    if b"accept" in headers or headers.get(b"content-type") != b"application/json":
        refuse_media(Headers(scope=scope), takes_body=True)
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
