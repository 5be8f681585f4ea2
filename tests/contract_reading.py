"""Reads the contract: its operations with every reference resolved, and validators for its schemas."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
from uuid_utils.compat import uuid7

from registry.api.contract import operations

Json = dict[str, Any]

DIRECTORY = Path(__file__).parents[1] / "openapi"


@cache
def contract() -> Json:
    """The contract as committed, which a test holds equal to what the application answers."""
    document: Json = orjson.loads((DIRECTORY / "openapi.json").read_bytes())
    return document


def resolve(item: Json) -> Json:
    """The thing itself, where `item` is a reference to it."""
    while "$ref" in item:
        found: Json = contract()
        for part in item["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        item = found
    return item


def validator(schema: Json) -> jsonschema_rs.Draft202012Validator:
    """A validator for a schema of the contract, formats included."""
    return _validator(orjson.dumps(schema))


@cache
def _validator(schema: bytes) -> jsonschema_rs.Draft202012Validator:
    document = {**orjson.loads(schema), "components": contract()["components"]}
    return jsonschema_rs.Draft202012Validator(document, validate_formats=True)


def faults(schema: Json, value: object) -> list[str]:
    """What is wrong with a value, by its schema."""
    return [f"{list(error.instance_path)}: {error.message}" for error in validator(schema).iter_errors(value)]


def address_of(path: str) -> str:
    """An address of this path that names nothing known."""
    unknown = {"number": "1", "source": "a-register", "key": "unknown-1"}
    return re.sub(r"\{(\w+)\}", lambda name: unknown.get(name[1]) or str(uuid7()), path)


@dataclass(frozen=True)
class Operation:
    """One operation of the contract."""

    path: str
    method: str
    document: Json

    @property
    def id(self) -> str:
        return str(self.document["operationId"])

    @cached_property
    def parameters(self) -> list[Json]:
        return [resolve(item) for item in self.document["parameters"]]

    @cached_property
    def responses(self) -> dict[str, Json]:
        return {status: resolve(item) for status, item in self.document["responses"].items()}

    @cached_property
    def request_media(self) -> Json:
        media: Json = self.document.get("requestBody", {}).get("content", {})
        return media

    def answers(self, leading: str) -> Iterator[tuple[str, str, Json]]:
        """Status, media type and description of every answer whose status begins like this."""
        for status, response in self.responses.items():
            if status.startswith(leading):
                for media_type, media in response.get("content", {}).items():
                    yield status, media_type, media


@cache
def all_operations() -> list[Operation]:
    """Every operation of the contract."""
    return [Operation(path, method, document) for path, method, document in operations(contract())]


def examples_of(item: Json) -> list[Any]:
    """The examples of a media type or a parameter."""
    if "example" in item:
        return [item["example"]]
    return [resolve(example)["value"] for example in item.get("examples", {}).values()]


def properties(schema: object, where: str = "") -> Iterator[tuple[str, str, Json]]:
    """Every property of a schema without following references: where it stands, its name, its schema."""
    if not isinstance(schema, dict):
        return
    for name, child in schema.get("properties", {}).items():
        yield where, name, child
        yield from properties(child, f"{where}.{name}")
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            yield from properties(schema[keyword], where)
    for keyword in ("anyOf", "allOf", "oneOf"):
        for child in schema.get(keyword, ()):
            yield from properties(child, where)
