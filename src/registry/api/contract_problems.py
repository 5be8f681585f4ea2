"""Problems in the contract: which ones each operation can answer with, and the list of them all."""

from collections.abc import Iterator, Sequence
from typing import Any

from registry.api.problems import (
    MEDIA_TYPE,
    PROBLEMS,
    BodyTooLargeError,
    InternalError,
    MalformedRequestError,
    NotAcceptableError,
    ProblemType,
    UnknownPathError,
    UnsupportedMediaTypeError,
)
from registry.domain.errors import (
    IdempotencyKeyReusedError,
    InvalidInputError,
    MissingScopeError,
    NotFoundError,
    RegistryError,
    UnauthenticatedError,
    UnavailableError,
)

Json = dict[str, Any]

_KINDS: dict[str, tuple[ProblemType, type[RegistryError]]] = {}
for _error, _kind in PROBLEMS.items():
    _KINDS.setdefault(_kind.name, (_kind, _error))

_REQUEST_ID = "0198f0a2-0000-7000-8000-000000000000"

_MEMBERS: dict[str, Json] = {
    "invalid-input": {
        "errors": [
            {
                "pointer": "/principal/value",
                "code": "party_check_digit",
                "message": "The check digit does not match.",
            }
        ]
    },
    "already-in-force": {"mandate_id": "01a1ff99-e247-736b-8ab5-1240e559611c"},
    "already-issued": {"mandate_id": "01a1ff99-e247-736b-8ab5-1240e559611c"},
    "already-ended": {
        "ended_by": {
            "event_id": "01a1ff99-ea26-7543-8783-0cca10627877",
            "type": "mandate.revoked",
            "at": "2026-11-20T14:30:00Z",
        }
    },
    "mandate-over": {"mandate_status": "expired"},
    "request-over": {
        "request_ended_by": {"type": "request.issued", "at": "2026-11-20T14:30:00Z"},
        "mandate_id": "01a1ff99-e247-736b-8ab5-1240e559611c",
    },
    "not-grantable": {"reasons": ["template_retired"]},
    "withdrawal-open": {
        "withdrawal_request": {
            "event_id": "01a1ff99-ea26-7543-8783-0cca10627877",
            "at": "2026-11-20T14:30:00Z",
        }
    },
}
"""What a problem of this type says beyond the members that every problem has."""

_TIME = {"type": "string", "format": "date-time"}

PROBLEM_SCHEMA: Json = {
    "type": "object",
    "title": "Problem",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Stable: decide by this"},
        "title": {"type": "string"},
        "status": {"type": "integer", "description": "The HTTP status"},
        "detail": {"type": "string", "description": "What is wrong here, and what would be right"},
        "instance": {"type": "string", "description": "The path and this request's id"},
        "request_id": {"type": "string", "description": "Give it when you report the problem"},
        "errors": {
            "type": "array",
            "description": "Every fault of the input",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "JSON pointer into the body, or `?name`, `path:name`, `header:name`",
                    },
                    "code": {"type": "string", "description": "Stable"},
                    "message": {"type": "string"},
                },
            },
        },
        "mandate_id": {
            "type": "string",
            "format": "uuid",
            "description": "The mandate that stands in the way",
        },
        "request_ended_by": {
            "type": "object",
            "description": "The entry that ended the request first",
            "required": ["type", "at"],
            "properties": {"type": {"type": "string"}, "at": _TIME},
        },
        "reasons": {
            "type": "array",
            "description": "Codes of the rules that what was asked for breaks by now",
            "items": {"type": "string"},
        },
        "mandate_status": {"type": "string", "description": "The status of a mandate that is over"},
        "withdrawal_request": {
            "type": "object",
            "description": "The event by which withdrawal was asked for, and when",
            "required": ["event_id", "at"],
            "properties": {"event_id": {"type": "string", "format": "uuid"}, "at": _TIME},
        },
        "ended_by": {
            "type": "object",
            "description": "The event that ended the mandate first",
            "required": ["event_id", "type", "at"],
            "properties": {
                "event_id": {"type": "string", "format": "uuid"},
                "type": {"type": "string"},
                "at": _TIME,
            },
        },
    },
}


def add_problems(path: str, operation: Json, responses: Json, *, extra: Sequence[str]) -> None:
    """Add the problems of an operation, one answer per status, as references into `responses`.

    `responses` are the contract's shared ones, which grow; `extra` names problems beyond those of its shape.
    """
    kinds: dict[int, list[ProblemType]] = {}
    names = [PROBLEMS[error].name for error in _errors_by_shape(path, operation)]
    for name in sorted({*names, *extra}, key=list(_KINDS).index):
        kinds.setdefault(_KINDS[name][0].status, []).append(_KINDS[name][0])
    for status, found in sorted(kinds.items()):
        shared = "-or-".join(kind.name for kind in found)
        responses.setdefault(shared, _answer(found))
        operation["responses"].setdefault(str(status), {"$ref": f"#/components/responses/{shared}"})


def problems_markdown() -> str:
    """The list of every problem type, as it is committed beside the contract."""
    lines = [
        "# Problem types",
        "",
        f"Every error is `{MEDIA_TYPE}` (RFC 9457) with `type`, `title`, `status`, `detail`, `instance` and",
        "`request_id`. Decide by `type`: it is stable, the texts are not. Which operation answers with which",
        "problem stands in `openapi.json`.",
        "",
        "| `type` | Status | Title | When | Further members |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind, error in _KINDS.values():
        members = ", ".join(f"`{name}`" for name in _MEMBERS.get(kind.name, {}))
        lines.append(f"| `{kind.uri}` | {kind.status} | {kind.title} | {_says(error)} | {members} |")
    return "\n".join(lines) + "\n"


def _errors_by_shape(path: str, operation: Json) -> Iterator[type[RegistryError]]:
    yield from (NotAcceptableError, InvalidInputError, InternalError)
    if operation["security"]:
        yield from (UnauthenticatedError, MissingScopeError, UnavailableError)
    if "application/json" in operation.get("requestBody", {}).get("content", {}):
        yield from (MalformedRequestError, BodyTooLargeError, UnsupportedMediaTypeError)
    if any(parameter.get("name") == "Idempotency-Key" for parameter in operation["parameters"]):
        yield from (MalformedRequestError, IdempotencyKeyReusedError)
    if "{" in path:
        yield from (NotFoundError, UnknownPathError)


def _answer(kinds: Sequence[ProblemType]) -> Json:
    return {
        "description": " or ".join(kind.title for kind in kinds),
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in _headers(kinds)},
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "allOf": [{"$ref": "#/components/schemas/Problem"}],
                    "properties": {
                        "type": {"enum": [kind.uri for kind in kinds]},
                        "status": {"const": kinds[0].status},
                    },
                },
                "examples": {kind.name: {"summary": kind.title, "value": _example(kind)} for kind in kinds},
            }
        },
    }


def _headers(kinds: Sequence[ProblemType]) -> Iterator[str]:
    yield from ("traceparent", "X-Request-Id")
    names = {kind.name for kind in kinds}
    if names & {"unauthenticated", "missing-scope"}:
        yield "WWW-Authenticate"
    if names & {"request-in-progress", "unavailable"}:
        yield "Retry-After"


def _example(kind: ProblemType) -> Json:
    return {
        "type": kind.uri,
        "title": kind.title,
        "status": kind.status,
        "detail": _says(_KINDS[kind.name][1]),
        "instance": f"/v1/mandates#{_REQUEST_ID}",
        "request_id": _REQUEST_ID,
        **_MEMBERS.get(kind.name, {}),
    }


def _says(error: type[RegistryError]) -> str:
    return (error.__doc__ or "").strip().splitlines()[0]
