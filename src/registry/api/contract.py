"""The contract: what FastAPI derives from the routes, completed with access, problems and the profile."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from registry.api.contract_examples import add_examples
from registry.api.contract_operations import HEADERS, PARAMETERS, complete_operation
from registry.api.contract_problems import PROBLEM_SCHEMA, add_problems
from registry.api.contract_webhooks import describe_messages
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

_SERVERS: list[dict[str, Any]] = [
    {"url": "/", "description": "This server"},
    {
        "url": "https://{host}/{api}",
        "description": "Behind an organisation's gateway",
        "variables": {"host": {"default": "api.example.org"}, "api": {"default": "mandate-registry"}},
    },
]

_TAGS = {
    "Templates": "What third parties offer to be granted: versioned, frozen once published.",
    "Mandate requests": "Ask for a mandate that waits for its signatures, sign it, decline it, take it back.",
    "Mandates": "Issue mandates with complete signatures, and look them up.",
    "Acts on mandates": "Revoke, renounce, suspend, resume, use: each a signed record of its own.",
    "Verification": "May this person act for that principal, here, now? With a signed receipt.",
    "Acting contexts": "Keep acting for the same principal from one e-service to the next.",
    "Restrictions": "Blocks that win over every mandate: impose, look up, lift.",
    "Approvals": "One matter, approved by the representative before it goes through.",
    "Webhooks": "Have events sent: endpoints, their secrets, and every delivery.",
    "Events": "What your organisation is told: everything that happens to what it has a part in, in order.",
    "Own view": "What a person sees of itself, with its id token.",
    "Access log": "Who looked at whom, for auditors who say what for.",
    "Transparency log": "Proof, for anybody, that no record was changed, removed or slipped in.",
    "Access": "Access tokens for the registry's own clients.",
    "Service": "What this service is, whether it works, its public keys.",
}

_SCOPES = {
    Scope.TEMPLATES_READ: "List and read templates",
    Scope.TEMPLATES_WRITE: "Draft, publish and retire the own organisation's templates",
    Scope.REQUESTS_WRITE: "Ask for mandates, and deliver signatures to what was asked for",
    Scope.MANDATES_ISSUE: "Preview and issue mandates",
    Scope.MANDATES_REGISTER: "Register paper originals, as a registrar",
    Scope.MANDATES_READ: "Look mandates up, with their records and events",
    Scope.MANDATES_REVOKE: "Revoke and renounce mandates",
    Scope.MANDATES_USE: "Record that a mandate was used",
    Scope.MANDATES_SUSPEND: "Suspend and resume mandates",
    Scope.AUDIT_READ: "Audit who looked at whom, for a stated purpose",
    Scope.VERIFY_OWN: "Verify towards the own organisation",
    Scope.VERIFY_ANY: "Verify towards any organisation",
    Scope.RESTRICTIONS_MANAGE: "Impose, look up and lift restrictions",
    Scope.APPROVALS_WRITE: "Submit matters for approval, read and decide them",
    Scope.WEBHOOKS_MANAGE: "Manage webhook endpoints and look at their deliveries",
    Scope.EVENTS_READ: "Read the events that the own organisation is told",
    Scope.REGISTRY_ADMIN: "Impose restrictions everywhere, and lift any",
}
"""What each scope that an operation looks at allows."""


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
        servers=_SERVERS,
        contact={"name": "The registry's operator", "url": "https://registry.example/contact"},
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        terms_of_service="https://registry.example/terms",
    )
    # Given above, it would make FastAPI ask in the log for a library that checks it.
    document["info"]["contact"]["email"] = "contact@registry.example"
    document["info"]["x-maturity"] = {"status": "beta", "released": RELEASED}
    components = document.setdefault("components", {})
    components["schemas"] = {
        name: schema
        for name, schema in components.get("schemas", {}).items()
        if name not in {"HTTPValidationError", "ValidationError"}
    } | {"Problem": deepcopy(PROBLEM_SCHEMA)}
    components |= {
        "parameters": deepcopy(PARAMETERS),
        "headers": deepcopy(HEADERS),
        "responses": {},
        "securitySchemes": {"oauth2": _security_scheme()},
    }
    for path, method, operation in operations(document):
        problems = complete_operation(path, method, operation)
        add_problems(path, operation, components["responses"], extra=problems)
    _close_patterns(components["schemas"])
    add_examples(document)
    describe_messages(document)
    return document


def contract_json(app: FastAPI) -> str:
    """The contract as it is committed: indented JSON, the same for the same code."""
    return orjson.dumps(app.openapi(), option=orjson.OPT_INDENT_2).decode() + "\n"


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation of a contract: path, method, description."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _security_scheme() -> dict[str, Any]:
    flow = {"tokenUrl": TOKEN_PATH, "scopes": {scope.value: text for scope, text in _SCOPES.items()}}
    return {
        "type": "oauth2",
        "description": "Access tokens (RFC 9068) of at most 5 minutes, in the Authorization header.",
        "flows": {"clientCredentials": flow},
    }


def _close_patterns(schema: Any) -> None:  # noqa: ANN401  # any part of a schema
    """Say that names which match no pattern are refused, as they are."""
    if isinstance(schema, dict):
        if "patternProperties" in schema:
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            _close_patterns(part)
    elif isinstance(schema, list):
        for part in schema:
            _close_patterns(part)
