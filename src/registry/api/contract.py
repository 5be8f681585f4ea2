"""The contract: what FastAPI derives from the routes, completed with access, problems and the profile."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from registry.api.contract_examples import add_examples
from registry.api.problems import MEDIA_TYPE, PROBLEMS, TYPE_BASE, ProblemType
from registry.api.route import PUBLIC_MEMBER, SCOPE_MEMBER
from registry.api.routes.service import API_VERSION, RELEASED
from registry.api.routes.tokens import TOKEN_PATH
from registry.domain.callers import Scope

DESCRIPTION = """
A registry of mandates (powers of attorney) and consents. Third parties publish **templates**; mandates are
**issued**, **verified**, **revoked** and **looked up**. Every record is signed and never changes.

*Ett register över fullmakter och medgivanden. Tredje män publicerar **mallar**; fullmakter **utfärdas**,
**kontrolleras**, **återkallas** och **söks**. Varje uppgift är undertecknad och ändras aldrig.*

* Press **Authorize** first: every operation but the public ones needs an access token with one scope.
* Identifiers of persons stand in bodies only, so a search is a POST.
* Times are RFC 3339 UTC; periods are half-open: `valid_until` is the first moment that is not covered.
* Every error is `application/problem+json` (RFC 9457); faults of the input come all at once, each with a
  JSON pointer.
* Limits: bodies up to 1 MiB, pages up to 100 items, batches up to 1,000 questions or ids.
"""

_TAGS = {
    "Templates": "What third parties offer to be granted: versioned, frozen once published.",
    "Mandates": "Issue mandates with complete signatures, and look them up.",
    "Acts on mandates": "Revoke, renounce, suspend, resume, use: each a signed record of its own.",
    "Verification": "May this person act for that principal, here, now? With a signed receipt.",
    "Access": "Access tokens for the registry's own clients.",
    "Service": "What this service is, whether it works, its public keys.",
}

_TRACEPARENT = {
    "name": "traceparent",
    "in": "header",
    "required": False,
    "description": "W3C Trace Context: the answer goes on with the same trace",
    "schema": {"type": "string", "maxLength": 55},
    "example": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}

_PROBLEM_SCHEMA = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Stable: decide by this"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
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
                    "pointer": {"type": "string", "description": "JSON pointer into the body, or `?name`"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
    "additionalProperties": True,
}


def describe(app: FastAPI) -> None:
    """Make the application answer with the completed contract, built once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = build_contract(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the contract


def build_contract(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    document = get_openapi(
        title="Mandate registry",
        version=API_VERSION,
        description=DESCRIPTION.strip(),
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
        servers=[{"url": "/", "description": "This server"}],
        contact={"name": "The registry's operator", "url": "https://registry.example/contact"},
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        terms_of_service="https://registry.example/terms",
    )
    document["info"]["x-maturity"] = {"status": "beta", "released": RELEASED}
    components = document.setdefault("components", {})
    components["schemas"] = {
        name: schema
        for name, schema in components.get("schemas", {}).items()
        if name not in {"HTTPValidationError", "ValidationError"}
    } | {"Problem": _PROBLEM_SCHEMA}
    components["securitySchemes"] = {"oauth2": _security_scheme()}
    for path, method, operation in operations(document):
        _complete(path, method, operation)
    add_examples(document)
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation of a contract: path, method, description."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _security_scheme() -> dict[str, Any]:
    scopes = {scope.value: scope.name.replace("_", " ").capitalize() for scope in Scope}
    flow = {"tokenUrl": TOKEN_PATH, "scopes": scopes}
    return {
        "type": "oauth2",
        "description": "Access tokens (RFC 9068) of at most 5 minutes, in the Authorization header.",
        "flows": {"clientCredentials": flow},
    }


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Add access, problems and the trace header; FastAPI's own error model goes."""
    operation["operationId"] = _operation_id(operation, path, method)
    operation.setdefault("parameters", []).append(_TRACEPARENT)
    scope = operation.get(SCOPE_MEMBER)
    operation["security"] = [] if operation.pop(PUBLIC_MEMBER, False) else [{"oauth2": [scope]}]
    if scope is not None:
        operation["description"] += f"\n\nNeeds the scope `{scope}`."
    responses = operation["responses"]
    responses.pop("422", None)
    for status, kinds in _problems(path, method, operation).items():
        if str(status) not in responses:
            responses[str(status)] = _problem_answer(kinds)


def _operation_id(operation: dict[str, Any], path: str, method: str) -> str:
    words = operation.get("summary", f"{method} {path}").lower().replace("?", "").split()
    return "_".join("".join(char for char in word if char.isalnum()) for word in words)


def _problems(path: str, method: str, operation: dict[str, Any]) -> dict[int, list[ProblemType]]:
    """Which problems an operation can answer with, by status."""
    statuses = {400, 406, 500, 503}
    if operation["security"]:
        statuses |= {401, 403}
    if operation.get("requestBody") or "{" in path or len(operation["parameters"]) > 1:
        statuses |= {422}
    if operation.get("requestBody"):
        statuses |= {413, 415}
    if "{" in path:
        statuses |= {404}
    if ("{" in path and method in {"post", "put"}) or path == "/v1/mandates":
        statuses |= {409}
    found: dict[int, list[ProblemType]] = {}
    for kind in PROBLEMS.values():
        if kind.status in statuses and kind not in found.get(kind.status, []):
            found.setdefault(kind.status, []).append(kind)
    return found


def _problem_answer(kinds: list[ProblemType]) -> dict[str, Any]:
    return {
        "description": " or ".join(dict.fromkeys(kind.title for kind in kinds)),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {
                    kind.name: {
                        "value": {
                            "type": TYPE_BASE + kind.name,
                            "title": kind.title,
                            "status": kind.status,
                            "detail": _detail(kind),
                            "instance": "/v1/mandates#0198f0a2-0000-7000-8000-000000000000",
                            "request_id": "0198f0a2-0000-7000-8000-000000000000",
                        }
                    }
                    for kind in kinds
                },
            }
        },
    }


def _detail(kind: ProblemType) -> str:
    error = next(error for error, found in PROBLEMS.items() if found == kind)
    return (error.__doc__ or "").strip().splitlines()[0]
