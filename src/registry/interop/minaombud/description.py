"""The surface as OpenAPI 3.1, made of the table of its operations and of its models."""

from copy import deepcopy
from typing import Any, Final

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from registry.api.routes.tokens import FORM
from registry.interop.minaombud import answers
from registry.interop.minaombud.bodies import MOST_PER_PAGE, PAGE_SIZE, MandateSearchIn, PermissionSearchIn
from registry.interop.minaombud.clients import UserScope
from registry.interop.minaombud.examples import (
    ANSWERS,
    BODIES,
    ERROR,
    MANDATE_ID,
    TEMPLATE_ID,
    THIRD_PARTY,
    TOKEN_ERROR,
)
from registry.interop.minaombud.operations import OPERATIONS, Operation
from registry.interop.minaombud.templates import SERVICE_PATTERN
from registry.interop.minaombud.tokens import TOKEN_PATH

DESCRIPTION: Final = """
Mina ombud's client-facing API, version 2, as its published clients use it, served by this registry: reads
alone. Granting and revoking happen in `/v1`. The templates (`mallar`) are this registry's own addition.

Access tokens have one of three scopes: `user:self`, `user:other`, `user:any`. With the first two the header
`X-Id-Token` says who the user is; with `user:any` it is refused. Answers never hold a null.
"""
VERSION: Final = "2.0.0"

_BODIES: Final[dict[str, type[BaseModel]]] = {
    "sok_behorigheter": PermissionSearchIn,
    "sok_fullmakter": MandateSearchIn,
}
_ANSWERS: Final[dict[str, type[BaseModel]]] = {
    "sok_behorigheter": answers.BehorigheterSvar,
    "sok_fullmakter": answers.FullmakterSvar,
    "hamta_fullmakt": answers.FullmaktSvar,
    "hamta_nycklar": answers.NycklarSvar,
    "lista_mallar": answers.MallarSvar,
    "hamta_mall": answers.MallSvar,
    "hamta_token": answers.TokenSvar,
    "hamta_token_under_basadressen": answers.TokenSvar,
}
_MEANINGS: Final = {
    400: "The request is not well formed, or a value in it is wrong",
    401: "Access token or id token missing or refused",
    403: "Not allowed with this scope",
    404: "Not found, or not to be seen by this caller",
    413: "The body is too large",
    415: "The body is not JSON",
    503: "The registry cannot answer just now",
}
_ORGANISATION_NUMBER: Final = {"type": "string", "pattern": "^(16)?[0-9]{6}-?[0-9]{4}$"}
_ALWAYS: Final = (503,)
_WITH_TOKEN: Final = (400, 401, 403)
_SCOPES: Final = {
    UserScope.SELF: "The end user, who is a party, asks for itself",
    UserScope.OTHER: "A case handler of the third party asks",
    UserScope.ANY: "A machine of the third party asks",
}
_REFERENCE: Final = "#/components/schemas/{model}"


def describe_surface() -> dict[str, Any]:
    """The OpenAPI document."""
    models: list[type[BaseModel]] = [*_BODIES.values(), *_ANSWERS.values(), answers.Fel, answers.TokenFel]
    _, schemas = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)], ref_template=_REFERENCE
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        described = _describe(operation)
        paths.setdefault(operation.path_format, {})[operation.method.lower()] = described
    flow = {"tokenUrl": TOKEN_PATH, "scopes": {scope.value: text for scope, text in _SCOPES.items()}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mina ombud, as this registry answers it",
            "version": VERSION,
            "description": DESCRIPTION.strip(),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This server"}],
        "paths": paths,
        "components": {
            "schemas": {name: _without_nulls(schema) for name, schema in schemas["$defs"].items()},
            "securitySchemes": {"oauth2": {"type": "oauth2", "flows": {"clientCredentials": flow}}},
        },
    }


def surface_json() -> str:
    """The document as it is committed: indented JSON, the same for the same code."""
    return orjson.dumps(describe_surface(), option=orjson.OPT_INDENT_2).decode() + "\n"


def _describe(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description,
        "security": [{"oauth2": [scope]} for scope in UserScope] if operation.has_token else [],
        "parameters": [deepcopy(item) for item in _parameters(operation)],
        "responses": {"200": _answer(operation)},
    }
    if operation.id in _BODIES:
        described["requestBody"] = {
            "required": True,
            "content": _content(_BODIES[operation.id].__name__, BODIES[operation.id]),
        }
    if operation.is_for_tokens:
        described |= FORM
        for status in (400, 401):
            described["responses"][str(status)] = {
                "description": _MEANINGS[status],
                "content": _content("TokenFel", TOKEN_ERROR),
            }
        statuses: set[int] = {404, 413, *_ALWAYS}
    else:
        statuses = {*operation.statuses, *_ALWAYS, *(_WITH_TOKEN if operation.has_token else ())}
    for status in sorted(statuses):
        example = ERROR | {"status": status}
        described["responses"][str(status)] = {
            "description": _MEANINGS[status],
            "content": _content("Fel", example),
        }
    return described


def _answer(operation: Operation) -> dict[str, Any]:
    model = _ANSWERS[operation.id].__name__
    return {"description": "Answered", "content": _content(model, ANSWERS[operation.id])}


def _content(model: str, example: object) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(model=model)}, "example": example}}


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters = []
    an_id = TEMPLATE_ID if "mallar" in operation.path_format else MANDATE_ID
    for name, text, schema, example in (
        ("orgnr", "The third party's organisation number", _ORGANISATION_NUMBER, THIRD_PARTY),
        ("id", "The id", {"type": "string", "format": "uuid"}, an_id),
    ):
        if f"{{{name}}}" in operation.path_format:
            parameters.append(_parameter("path", name, text, schema, example))
    if operation.id == "lista_mallar":
        number = {"type": "integer", "minimum": 0, "maximum": 999_999, "default": 0}
        size = {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE, "default": PAGE_SIZE}
        service = {"type": "string", "pattern": SERVICE_PATTERN}
        parameters += [
            _parameter("query", "page", "Which page, from 0", number, 0),
            _parameter("query", "size", "How many on a page", size, PAGE_SIZE),
            _parameter("query", "tjanst", "Only those bound to this service", service, "oep-folkol"),
        ]
    if operation.has_token:
        name_schema = {"type": "string", "pattern": "^[a-zA-Z0-9._-]{1,255}$"}
        text = "The service that asks"
        parameters.append(
            _parameter("header", "X-Service-Name", text, name_schema, "my-service", is_needed=True)
        )
    if operation.has_user:
        text = "The user's id token: needed with `user:self` and `user:other`, refused with `user:any`"
        token = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"  # noqa: S105  # an example
        parameters.append(_parameter("header", "X-Id-Token", text, {"type": "string"}, token))
    return parameters


def _parameter(
    place: str, name: str, text: str, schema: dict[str, Any], example: object, *, is_needed: bool = False
) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": is_needed or place == "path",
        "description": text,
        "schema": schema,
        "example": example,
    }


def _without_nulls(schema: Any) -> Any:  # noqa: ANN401  # any part of a schema
    """A schema without the nulls that stand for what is left out."""
    if isinstance(schema, dict):
        return {
            name: _without_nulls(part)
            for name, part in schema.items()
            if not (name == "default" and part is None)
        }
    return [_without_nulls(part) for part in schema] if isinstance(schema, list) else schema
