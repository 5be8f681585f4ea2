"""The whole contract against the served application: valid and invalid requests of every kind.

Beside what the contract's boundaries suggest, each operation gets a few random requests, the same every time.
`REGISTRY_FUZZ_EXAMPLES=1000` makes them that many, new ones each time, and tries every boundary.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from pydantic_core.core_schema import ErrorType
from schemathesis import GenerationMode
from schemathesis.generation.meta import TestPhase

from conftest import CloneDatabase, opened
from contract_reading import Operation, all_operations, contract
from demo_requests import Demo
from registry.demo.loader import load_demo
from registry.demo.trusted import trusted_demo_issuers
from registry.identity.issuers import index_issuers
from registry.settings import Settings
from registry.signing.keys import KeyRing, save_key_ring
from served_demo import serving

ASKED_FOR = os.environ.get("REGISTRY_FUZZ_EXAMPLES")
OF_FORM = {*get_args(ErrorType), "time_format", "uuid_format", "digits"} - {"int_type"}
"""The codes of faults in a request's form, which its schema tells; all others are of the domain's rules.

To JSON Schema 17.0 is an integer; what the registry signs holds no such number, so it takes none.
"""

OF_BOTH = {"missing": "Field required.", "too_long": "List should have at most"}
"""Codes of form that rules use, too, with the words by which form says it."""

RANDOM = settings(
    max_examples=int(ASKED_FOR or 3),
    derandomize=ASKED_FOR is None,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
ApiOperation = schemathesis.APIOperation[Any, Any, Any, Any]
ApiCase = schemathesis.Case[Any]
MOST_AT_BOUNDARIES = 60
SAME_BODIES = {
    "add_a_version",
    "edit_a_draft",
    "preview_a_mandate",
    "ask_for_a_mandate",
    "deliver_statutory_mandates",
    "verify_many",
    "open_an_acting_context",
}
"""Operations whose bodies are those of another, which is asked at every boundary: here random ones do."""


@pytest.fixture(scope="module")
def api() -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_dict(
        contract(),
        # What a schema allows the domain's rules can still refuse; `is_refused_by_rules_only` asks for that.
        config=schemathesis.Config.from_dict(
            {"checks": {"positive_data_acceptance": {"enabled": False}}} | ({} if ASKED_FOR else {"seed": 1})
        ),
    )


@pytest.fixture(scope="module")
async def demo_url(clone_database: CloneDatabase, keys: KeyRing) -> str:
    url = await clone_database()
    async with opened(url) as database:
        await load_demo(database, keys, index_issuers(trusted_demo_issuers()), now=datetime.now(UTC))
    return url


@pytest.fixture(scope="module")
def demo(demo_url: str, keys: KeyRing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    keys_file = tmp_path_factory.mktemp("served") / "keys.json"
    save_key_ring(keys_file, keys)
    served = Settings(database_url=demo_url, keys_file=keys_file, request_log=False)
    with serving(served) as address, requests.Session() as session:
        session.trust_env = False  # or it looks for a proxy before each request
        yield Demo(address, session)


@pytest.mark.parametrize("described", all_operations(), ids=lambda item: item.id)
def test_every_operation_keeps_to_the_contract(
    described: Operation, api: schemathesis.BaseSchema, demo: Demo
) -> None:
    operation = api.find_operation_by_label(f"{described.method.upper()} {described.path}")
    assert operation is not None
    if ASKED_FOR or described.id not in SAME_BODIES:
        modes = list(GenerationMode)
        cases = list(
            api.iter_coverage_cases(
                operation, generation_modes=modes, generation_config=api.config.generation
            )
        )
        for case in cases if ASKED_FOR else spread(cases):
            ask(case, demo)
    ask_at_random(operation, GenerationMode.POSITIVE, demo)
    if operation.body or operation.path_parameters or operation.query:
        ask_at_random(operation, GenerationMode.NEGATIVE, demo)


def spread(cases: list[ApiCase]) -> list[ApiCase]:
    """As many as every run can afford, from all over."""
    return cases[:: -(-len(cases) // MOST_AT_BOUNDARIES) or 1]


def ask_at_random(operation: ApiOperation, mode: GenerationMode, demo: Demo) -> None:
    @RANDOM
    @given(operation.as_strategy(mode))
    def ask_once(case: schemathesis.Case[Any]) -> None:
        ask(case, demo)

    ask_once()


def ask(case: schemathesis.Case[Any], demo: Demo) -> None:
    """Send a request and hold the answer against the contract."""
    if case.meta is not None and case.meta.generation.mode.is_positive:
        demo.fit(case, also_parties=case.meta.phase.name is TestPhase.FUZZING)
    headers = demo.authorization() if case.operation.definition.raw["security"] else {}
    case.call_and_validate(
        demo.address,
        demo.session,
        headers=headers,
        timeout=20,
        additional_checks=[is_refused_by_rules_only],
    )


def is_refused_by_rules_only(
    _context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """What the contract's schemas allow is never refused for its form."""
    is_valid = case.meta is not None and case.meta.generation.mode.is_positive
    if is_valid and case.operation.definition.raw["security"] and 400 <= response.status_code < 500:
        assert response.status_code not in {400, 405, 406, 413, 415}, response.text
        assert not any(is_of_form(fault) for fault in response.json().get("errors", ())), response.text


def is_of_form(fault: dict[str, str]) -> bool:
    """Whether the schema would have told of this fault."""
    return fault["code"] in OF_FORM and fault["message"].startswith(OF_BOTH.get(fault["code"], ""))
