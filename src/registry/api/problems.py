"""THE table from what went wrong to an HTTP answer, and the one way a problem is written (RFC 9457).

The domain's errors know nothing of HTTP; here each class gets its status and its stable `type`.
"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson
from pydantic_core import ErrorDetails
from starlette.responses import Response

from registry.api.personal_numbers import names_person
from registry.domain.approvals import AlreadyDecidedError, ApprovalLapsedError, ApprovalRequiredError
from registry.domain.documents import utc_text
from registry.domain.endpoints import EndpointDisabledError, TooManyEndpointsError, TooManySecretsError
from registry.domain.errors import (
    AlreadyEndedError,
    AlreadyInForceError,
    AlreadyIssuedError,
    ConflictError,
    Fault,
    ForbiddenError,
    IdempotencyKeyReusedError,
    InvalidInputError,
    InvalidPartyIdError,
    LogPendingError,
    MissingScopeError,
    NotADraftError,
    NotFoundError,
    RegistryError,
    RequestInProgressError,
    UnauthenticatedError,
    UnavailableError,
)
from registry.domain.feed import EventsForgottenError
from registry.domain.request import AlreadySignedError, NotGrantableError, RequestOverError
from registry.domain.restrictions import AlreadyLiftedError, RestrictedError
from registry.domain.revocation import MandateOverError, SuspensionError, UseClosedError
from registry.domain.withdrawal import WithdrawalAnsweredError, WithdrawalOpenError
from registry.operations.draft_template import RetiredTemplateError
from registry.operations.use_mandate import NotUsableError

MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "urn:registry:problem:"

_MEMBER_NAME = "[key]"  # where pydantic says that an object's member has a wrong name
_PLAIN_WORDS = {
    "extra_forbidden": "There is no such member: leave it out.",
    "missing": "This is required.",
    "dict_type": "Give a JSON object.",
    "model_type": "Give a JSON object.",
    "model_attributes_type": "Give a JSON object.",
    "list_type": "Give a JSON array.",
    "string_type": "Give a JSON string.",
    "int_type": "Give a whole number, neither quoted nor with a decimal point.",
    "bool_type": "Give true or false.",
}
"""What would be right, where pydantic speaks of Python."""


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One stable problem type: its name, its status, its title."""

    name: str
    status: int
    title: str

    @property
    def uri(self) -> str:
        """The `type` of the problem document."""
        return TYPE_BASE + self.name


class MalformedRequestError(RegistryError):
    """The request is not well formed."""


class BodyTooLargeError(RegistryError):
    """The body is larger than the registry accepts."""


class UnsupportedMediaTypeError(RegistryError):
    """Send the body as `application/json`."""


class UnknownPathError(RegistryError):
    """There is nothing at this address: see `/docs`."""


class MethodNotAllowedError(RegistryError):
    """This address does not answer to this method: see `/docs`."""


class NotAcceptableError(RegistryError):
    """None of the media types in `Accept` can be given."""


class InternalError(RegistryError):
    """Something went wrong here: report the request id."""


PROBLEMS: dict[type[RegistryError], ProblemType] = {
    MalformedRequestError: ProblemType("malformed-request", 400, "Malformed request"),
    UnauthenticatedError: ProblemType("unauthenticated", 401, "Access token missing or refused"),
    MissingScopeError: ProblemType("missing-scope", 403, "Scope missing"),
    ForbiddenError: ProblemType("forbidden", 403, "Not allowed"),
    NotFoundError: ProblemType("not-found", 404, "Not found"),
    UnknownPathError: ProblemType("unknown-path", 404, "Unknown path"),
    MethodNotAllowedError: ProblemType("method-not-allowed", 405, "Method not allowed"),
    NotAcceptableError: ProblemType("not-acceptable", 406, "Not acceptable"),
    AlreadyInForceError: ProblemType("already-in-force", 409, "Already in force"),
    AlreadyIssuedError: ProblemType("already-issued", 409, "Already issued"),
    AlreadyEndedError: ProblemType("already-ended", 409, "Already ended"),
    MandateOverError: ProblemType("mandate-over", 409, "Mandate over"),
    SuspensionError: ProblemType("suspension-conflict", 409, "Suspended already, or not suspended"),
    NotUsableError: ProblemType("not-usable", 409, "Mandate not active"),
    RestrictedError: ProblemType("restricted", 409, "Restricted"),
    UseClosedError: ProblemType("use-closed", 409, "Use closed already"),
    AlreadyLiftedError: ProblemType("already-lifted", 409, "Already lifted"),
    WithdrawalOpenError: ProblemType("withdrawal-open", 409, "Withdrawal asked for already"),
    WithdrawalAnsweredError: ProblemType("withdrawal-answered", 409, "Withdrawal answered already"),
    AlreadyDecidedError: ProblemType("already-decided", 409, "Already decided"),
    ApprovalLapsedError: ProblemType("approval-lapsed", 409, "Approval lapsed"),
    ApprovalRequiredError: ProblemType("approval-required", 409, "Approval required"),
    NotADraftError: ProblemType("not-a-draft", 409, "Not a draft"),
    RetiredTemplateError: ProblemType("template-retired", 409, "Template retired"),
    RequestOverError: ProblemType("request-over", 409, "Request over"),
    AlreadySignedError: ProblemType("already-signed", 409, "Already signed"),
    NotGrantableError: ProblemType("not-grantable", 409, "Not grantable any more"),
    TooManyEndpointsError: ProblemType("too-many-endpoints", 409, "Too many endpoints"),
    TooManySecretsError: ProblemType("too-many-secrets", 409, "Too many secrets"),
    EndpointDisabledError: ProblemType("endpoint-disabled", 409, "Endpoint disabled"),
    RequestInProgressError: ProblemType("request-in-progress", 409, "Request in progress"),
    LogPendingError: ProblemType("log-pending", 409, "Not in the log yet"),
    ConflictError: ProblemType("conflict", 409, "Conflict"),
    EventsForgottenError: ProblemType("events-forgotten", 410, "Events kept no longer"),
    BodyTooLargeError: ProblemType("body-too-large", 413, "Body too large"),
    UnsupportedMediaTypeError: ProblemType("unsupported-media-type", 415, "Unsupported media type"),
    InvalidInputError: ProblemType("invalid-input", 422, "Invalid input"),
    InvalidPartyIdError: ProblemType("invalid-input", 422, "Invalid input"),
    IdempotencyKeyReusedError: ProblemType("idempotency-key-reused", 422, "Idempotency-Key reused"),
    InternalError: ProblemType("internal-error", 500, "Internal error"),
    UnavailableError: ProblemType("unavailable", 503, "Unavailable"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document, ready to be written."""

    type: ProblemType
    detail: str
    faults: tuple[Fault, ...] = ()
    members: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


def problem_of(error: RegistryError) -> Problem:
    """Look the error up by its class, nearest first, and add what it carries."""
    kind = next(PROBLEMS[cls] for cls in type(error).__mro__ if cls in PROBLEMS)
    members = _members_of_request(error)
    headers: dict[str, str] = {}
    faults: tuple[Fault, ...] = ()
    match error:
        case InvalidInputError():
            faults = tuple(_without_persons(fault) for fault in error.faults)
        case AlreadyInForceError() | AlreadyIssuedError():
            members["mandate_id"] = str(error.mandate_id)
        case AlreadyEndedError():
            members["ended_by"] = {
                "event_id": str(error.event_id),
                "type": error.event_type,
                "at": utc_text(error.ended_at),
            }
        case WithdrawalOpenError():
            members["withdrawal_request"] = {
                "event_id": str(error.event_id),
                "at": utc_text(error.asked_at),
            }
        case MandateOverError():
            members["mandate_status"] = error.status.value
        case UnauthenticatedError():
            headers["WWW-Authenticate"] = 'Bearer realm="registry"'
        case MissingScopeError():
            headers["WWW-Authenticate"] = (
                f'Bearer realm="registry", error="insufficient_scope", scope="{error.scope}"'
            )
        case RequestInProgressError() | UnavailableError() | LogPendingError():
            headers["Retry-After"] = "2" if isinstance(error, LogPendingError) else "1"
        case _:
            pass
    detail = error.message
    if isinstance(error, InvalidInputError):
        detail = "The request breaks the rules that `errors` names, each with its place."
    return Problem(kind, detail, faults, members, headers)


def _members_of_request(error: RegistryError) -> dict[str, Any]:
    """What an error about a mandate request carries; empty for any other."""
    if isinstance(error, NotGrantableError):
        return {"reasons": list(error.reasons)}
    if not isinstance(error, RequestOverError):
        return {}
    ending = error.ending
    ended_by = {"request_ended_by": {"type": ending.type.value, "at": utc_text(ending.at)}}
    return ended_by if ending.mandate_id is None else {**ended_by, "mandate_id": str(ending.mandate_id)}


def problem_response(problem: Problem, *, path: str, request_id: str) -> Response:
    """Write a problem. `instance` is the request's path with its id; no query, no person's identifier."""
    place = quoted_place(path)
    document: dict[str, Any] = {
        "type": problem.type.uri,
        "title": problem.type.title,
        "status": problem.type.status,
        "detail": problem.detail,
        "instance": f"{place}#{request_id}",
        "request_id": request_id,
        **problem.members,
    }
    if problem.faults:
        document["errors"] = [
            {"pointer": fault.pointer, "code": fault.code, "message": fault.message}
            for fault in problem.faults
        ]
    return Response(
        orjson.dumps(document),
        status_code=problem.type.status,
        media_type=MEDIA_TYPE,
        headers={**problem.headers, "Cache-Control": "no-store"},
    )


def quoted_place(path: str) -> str:
    """A request's path as an error may show it: percent-encoded, without what looks like a person."""
    return "/".join(
        "-" if names_person(segment) else quote(segment, errors="replace") for segment in path.split("/")
    )


def fault_of(error: ErrorDetails) -> Fault:
    """Turn one of pydantic's errors into a fault: a JSON pointer in the body, `?name` in the query."""
    place, *path = error["loc"] or ("body",)
    context = error.get("ctx", {})
    message = _PLAIN_WORDS.get(error["type"], error["msg"].removesuffix(".") + ".")
    if place == "body":
        parts = [str(part) for part in path if not str(part).startswith("function-")]
        if "member" in context:
            parts.append(str(context["member"]))
        if parts[-1:] == [_MEMBER_NAME]:
            parts.pop()
            message = f"A member's name: {message}"
        pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
    else:
        prefix = "?" if place == "query" else f"{place}:"
        pointer = prefix + ".".join(str(part) for part in path)
    return Fault(pointer, error["type"], message)


def _without_persons(fault: Fault) -> Fault:
    """Leave out what would repeat a person's identifier: of the place the end, of the message all."""
    pointer, message = fault.pointer, fault.message
    if names_person(message):
        message = f"This breaks the rule `{fault.code}`; the value looks personal and is not repeated."
    if names_person(pointer):
        while names_person(pointer):
            pointer = pointer.rpartition("/")[0]
        message = f"In here, at a member whose name looks personal and is not repeated: {message}"
    return Fault(pointer, fault.code, message)
