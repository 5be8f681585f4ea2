"""What every operation of the contract gets beyond what FastAPI derives: access, parameters, headers."""

from typing import Any

from registry.api.route import PROBLEMS_MEMBER, PUBLIC_MEMBER, SCOPE_MEMBER

Json = dict[str, Any]

PARAMETERS: Json = {
    "traceparent": {
        "name": "traceparent",
        "in": "header",
        "required": False,
        "description": "W3C Trace Context: the answer goes on with the same trace",
        "schema": {"type": "string"},
    },
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "An `ETag` that you have: 304 while nothing has changed (RFC 9110 section 13.1.2)",
        "schema": {"type": "string"},
    },
}
"""Parameters that operations share."""

HEADERS: Json = {
    "traceparent": {
        "description": "W3C Trace Context: the caller's trace under a span of this answer's own",
        "required": True,
        "schema": {"type": "string", "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"},
        "example": "00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01",
    },
    "X-Request-Id": {
        "description": "Give it when you report a problem",
        "required": True,
        "schema": {"type": "string"},
        "example": "0198f0a2-0000-7000-8000-000000000000",
    },
    "ETag": {
        "description": "A digest of the answer: send it as `If-None-Match` next time",
        "required": True,
        "schema": {"type": "string"},
        "example": '"q8Jx0mVw2yX5c7bHn1kRt4uZ9aE"',
    },
    "Location": {
        "description": "Where what was created is to be read",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
        "example": "/v1/mandates/01a1ff99-e8aa-7303-bbcb-1e7d11e02c1b",
    },
    "WWW-Authenticate": {
        "description": "How to authenticate, and which scope is missing (RFC 6750 section 3)",
        "schema": {"type": "string"},
        "example": 'Bearer realm="registry"',
    },
    "Retry-After": {
        "description": "Try again after so many seconds",
        "schema": {"type": "string"},
        "example": "1",
    },
}
"""Headers that answers share."""

OWN_VIEW = "/v1/me/"
"""Where operations are for persons alone: an id token is required, though its lack is a 403."""

_IDS = {
    "template_id": "The id of a template: it stays the same for all its versions",
    "request_id": "The id of a mandate request",
    "mandate_id": "The id of a mandate, as its issue answered it",
    "approval_id": "The id of an approval, as its request answered it",
    "endpoint_id": "The id of an endpoint, as its registration answered it",
    "delivery_id": "The id of a delivery: that of its event, or of the ping",
    "restriction_id": "The id of a restriction, as its imposing answered it",
    "event_id": "The id of the event by which it was asked for, as that answered it",
    "use_id": "The id of the use, as recording it answered",
}
_IDEMPOTENCY_KEY = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"}
_CREATED, _UNCHANGED = "201", "304"


def complete_operation(path: str, method: str, operation: Json) -> list[str]:
    """Complete an operation; returns the names of the problems that its route declares."""
    operation["operationId"] = _operation_id(operation, path, method)
    operation["responses"].pop("422", None)  # FastAPI's own error model; ours comes with the problems
    _complete_access(operation)
    _complete_parameters(operation)
    if path.startswith(OWN_VIEW):
        _require_id_token(operation)
    _complete_headers(operation)
    problems: list[str] = operation.pop(PROBLEMS_MEMBER, [])
    return problems


def _operation_id(operation: Json, path: str, method: str) -> str:
    words = operation.get("summary", f"{method} {path}").lower().replace("?", "").split()
    return "_".join("".join(char for char in word if char.isalnum()) for word in words)


def _complete_access(operation: Json) -> None:
    scope = operation.get(SCOPE_MEMBER)
    operation["security"] = [] if operation.pop(PUBLIC_MEMBER, False) else [{"oauth2": [scope]}]
    if scope is not None:
        operation["description"] += f"\n\nNeeds the scope `{scope}`."


def _complete_parameters(operation: Json) -> None:
    """An absent parameter is not null; the Idempotency-Key is required, though its lack is a 400."""
    parameters = operation.setdefault("parameters", [])
    for parameter in parameters:
        schema = parameter["schema"]
        if parameter["name"] in _IDS:
            parameter["description"] = _IDS[parameter["name"]]
        # FastAPI repeats the description; null is how Python says absent, which a query or header cannot.
        schema.pop("description", None)
        choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
        if len(choices) == 1:
            del schema["anyOf"]
            schema.update(choices[0])
        if parameter["name"] == "Idempotency-Key":
            parameter |= {"required": True, "schema": dict(_IDEMPOTENCY_KEY)}
    names = ["If-None-Match"] if _UNCHANGED in operation["responses"] else []
    parameters.extend({"$ref": f"#/components/parameters/{name}"} for name in [*names, "traceparent"])


def _require_id_token(operation: Json) -> None:
    for parameter in operation["parameters"]:
        if parameter.get("name") == "Id-Token":
            parameter["required"] = True
            parameter["description"] = "Signed id token of the person who looks, at most 5 minutes old"


def _complete_headers(operation: Json) -> None:
    conditional = ["ETag"] if _UNCHANGED in operation["responses"] else []
    for status, response in operation["responses"].items():
        created = ["Location"] if status == _CREATED else []
        response["headers"] = {
            name: {"$ref": f"#/components/headers/{name}"}
            for name in ("traceparent", "X-Request-Id", *conditional, *created)
        }
