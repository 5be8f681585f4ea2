"""Errors in the one form that Mina ombud's clients parse: exactly `application/json`, with these members."""

from collections.abc import Callable
from datetime import datetime

import orjson
from starlette.responses import Response

from registry.api.problems import TYPE_BASE, Problem, problem_of, quoted_place
from registry.domain.documents import Json, utc_text
from registry.domain.errors import RegistryError

_BAD_REQUEST, _UNPROCESSABLE = 400, 422


def error_document(error: RegistryError, *, path: str, request_id: str, now: datetime) -> dict[str, Json]:
    """The members that clients read. Nothing in it repeats a person's identifier."""
    problem = problem_of(error)
    return {
        "type": TYPE_BASE + problem.type.name,
        "instance": f"{quoted_place(path)}#{request_id}",
        "title": problem.type.title,
        "detail": _detail(problem),
        "status": _status(problem),
        "timestamp": utc_text(now.replace(microsecond=0)),
        "requestId": request_id,
    }


def error_writer(clock: Callable[[], datetime]) -> Callable[[RegistryError, str, str], Response]:
    """Writes the answer to an error, given the request's path and id."""

    def write(error: RegistryError, path: str, request_id: str) -> Response:
        problem = problem_of(error)
        document = error_document(error, path=path, request_id=request_id, now=clock())
        return Response(
            orjson.dumps(document),
            status_code=_status(problem),
            media_type="application/json",
            headers={**problem.headers, "Cache-Control": "no-store"},
        )

    return write


def _status(problem: Problem) -> int:
    """A fault of the body is 400 there."""
    return _BAD_REQUEST if problem.type.status == _UNPROCESSABLE else problem.type.status


def _detail(problem: Problem) -> str:
    if not problem.faults:
        return problem.detail
    return " ".join(f"{fault.pointer or '/'}: {fault.message}" for fault in problem.faults)
