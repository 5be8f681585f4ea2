"""ETags: a digest of the answer, so that a poller is told 304 while nothing it would see has changed."""

from typing import Any

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from registry.signing.canonical import base64url_digest

CONDITIONAL: dict[int | str, dict[str, Any]] = {
    304: {"description": "Unchanged since the ETag that you named"}
}
"""The contract's note that an operation answers by `conditional`: pass it as `responses`."""


def conditional(request: Request, answer: BaseModel, *, shown: BaseModel | None = None) -> Response:
    """Answer with an ETag over `answer`, or 304 where `If-None-Match` names it (RFC 9110 section 13.1.2).

    `shown`, where given, is sent instead: the same with what may differ each time.
    """
    tag = f'"{base64url_digest(answer.model_dump_json(by_alias=True).encode())[:27]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = ",".join(request.headers.getlist("if-none-match"))
    if known.strip() == "*" or tag in {item.strip().removeprefix("W/") for item in known.split(",")}:
        return Response(status_code=304, headers=headers)
    body = (shown or answer).model_dump_json(by_alias=True, exclude_none=False)
    return Response(body, media_type="application/json", headers=headers)
