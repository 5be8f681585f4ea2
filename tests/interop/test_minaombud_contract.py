"""The surface's own description: committed as the code has it, right, and kept to, whatever is sent.

Each operation gets a few random requests, the same every time. `REGISTRY_FUZZ_EXAMPLES=1000` makes them that
many, and new ones each time, beside what the description's boundaries suggest.
"""

import json
import os
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from conftest import CloneDatabase, opened
from contract_reading import DIRECTORY
from factories import World
from registry.demo.minaombud import AUDIENCE, ISSUER, user_public_jwk, user_token
from registry.identity.schemes import parse_party
from registry.interop.minaombud.description import describe_surface, surface_json
from registry.settings import Settings
from registry.signing.keys import KeyRing, save_key_ring
from served_demo import serving

JSON = "application/json"
ASKED_FOR = os.environ.get("REGISTRY_FUZZ_EXAMPLES")
RANDOM = settings(
    max_examples=int(ASKED_FOR or 4),
    derandomize=ASKED_FOR is None,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
DOCUMENT = describe_surface()
OPERATIONS = [
    (path, method, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
BERI = parse_party("se-pnr", "198602262381")
each_operation = pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=[item[2]["operationId"] for item in OPERATIONS]
)


def test_the_committed_description_is_that_of_the_code() -> None:
    assert (DIRECTORY / "minaombud.json").read_text() == surface_json(), "run `make openapi`"


def test_the_description_is_valid_openapi() -> None:
    document = deepcopy(DOCUMENT)
    flow = document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]
    flow["tokenUrl"] = "https://registry.example" + flow["tokenUrl"]
    schemathesis.openapi.from_dict(document).validate()


@each_operation
def test_every_example_is_right(path: str, method: str, operation: dict[str, Any]) -> None:
    parts = [*operation["responses"].values(), operation.get("requestBody", {"content": {}})]
    described = [item["content"][JSON] for item in parts if JSON in item["content"]]
    assert described, f"{method} {path}"
    for item in described:
        schema = {**item["schema"], "components": DOCUMENT["components"]}
        jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(item["example"])


@pytest.fixture(scope="module")
async def registered(clone_database: CloneDatabase, keys: KeyRing) -> tuple[str, dict[str, str]]:
    """A database with a third party, a mandate and a client; and a token of it for each scope."""
    url = await clone_database()
    async with opened(url) as database:
        world = World(database, keys)
        owner = await world.organisation()
        await world.issue(owner, await world.publish_template(owner))
        tokens = {
            scope: world.access_token(owner.client_id, frozenset(), scope=scope)
            for scope in ("user:self", "user:other", "user:any")
        }
    return url, tokens | {"client": owner.client_id, "third_party": owner.party.value}


@pytest.fixture(scope="module")
def address(
    registered: tuple[str, dict[str, str]], keys: KeyRing, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("minaombud")
    save_key_ring(directory / "keys.json", keys)
    write_clients(directory / "clients.json", registered[1]["client"])
    served = Settings(
        database_url=registered[0],
        keys_file=directory / "keys.json",
        minaombud_file=directory / "clients.json",
        request_log=False,
    )
    with serving(served) as address:
        yield address


def write_clients(path: Path, client_id: str) -> None:
    issuer = {"issuer": ISSUER, "audiences": [AUDIENCE], "jwks": {"keys": [user_public_jwk()]}}
    scopes = ["user:self", "user:other", "user:any"]
    path.write_text(json.dumps([{"client_id": client_id, "scopes": scopes, "id_tokens": [issuer]}]))


@pytest.fixture(scope="module")
def api() -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_dict(deepcopy(DOCUMENT))


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False  # else it looks for a proxy before each request
        yield session


@each_operation
def test_every_answer_keeps_to_the_description(
    path: str,
    method: str,
    operation: dict[str, Any],
    address: str,
    registered: tuple[str, dict[str, str]],
    session: requests.Session,
    api: schemathesis.BaseSchema,
) -> None:
    found = api.find_operation_by_label(f"{method.upper()} {path}")
    assert found is not None
    scopes = iter(["user:self", "user:other", "user:any"] * 100_000)

    def ask(case: schemathesis.Case[Any]) -> None:
        scope = next(scopes)
        headers = {}
        if operation["security"]:
            headers["Authorization"] = f"Bearer {registered[1][scope]}"
            if scope != "user:any" and "X-Id-Token" not in (case.headers or {}):
                now = datetime.now(UTC)
                headers["X-Id-Token"] = user_token(now=now, person=BERI, username="casey")
        if case.meta is not None and case.meta.generation.mode.is_positive and case.path_parameters:
            case.path_parameters["orgnr"] = registered[1]["third_party"]
        response = case.call(address, session, headers=headers, timeout=20)
        case.validate_response(response, checks=CHECKS)

    modes = list(GenerationMode)
    if ASKED_FOR:
        for case in api.iter_coverage_cases(
            found, generation_modes=modes, generation_config=api.config.generation
        ):
            ask(case)
    for mode in modes:
        if mode.is_negative and not (found.body or found.path_parameters or found.query):
            continue
        RANDOM(given(found.as_strategy(mode))(ask))()
