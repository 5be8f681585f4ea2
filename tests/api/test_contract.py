"""The contract: committed as the code has it, valid, and with a right example on everything."""

from copy import deepcopy

import pytest
import schemathesis

from contract_reading import DIRECTORY, Operation, all_operations, contract, examples_of, faults, resolve
from registry.api.app import create_api
from registry.api.contract import contract_json
from registry.api.contract_problems import problems_markdown
from registry.api.problems import MEDIA_TYPE, PROBLEMS, TYPE_BASE

each_operation = pytest.mark.parametrize("operation", all_operations(), ids=lambda item: item.id)


def test_the_committed_contract_is_that_of_the_code() -> None:
    committed = (DIRECTORY / "openapi.json").read_text()
    assert committed == contract_json(create_api()), "run `make openapi`"


def test_the_committed_list_of_problems_is_that_of_the_code() -> None:
    committed = (DIRECTORY / "problems.md").read_text()
    assert committed == problems_markdown(), "run `make openapi`"


def test_the_contract_is_valid_openapi() -> None:
    document = deepcopy(contract())
    flow = document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]
    # OpenAPI 3.1 section 4.3.2 allows a relative address here, its JSON schema does not.
    flow["tokenUrl"] = "https://registry.example" + flow["tokenUrl"]
    schemathesis.openapi.from_dict(document).validate()


@each_operation
def test_every_request_has_a_valid_example(operation: Operation) -> None:
    for media_type, media in operation.request_media.items():
        found = examples_of(media)
        assert found, f"{media_type} has no example"
        for example in found:
            assert faults(media["schema"], example) == []


@each_operation
def test_every_successful_answer_has_a_valid_example(operation: Operation) -> None:
    answers = list(operation.answers("2"))
    assert answers or "204" in operation.responses, "what does it answer?"
    for status, media_type, media in answers:
        found = examples_of(media)
        assert found, f"{status} {media_type} has no example"
        for example in found:
            assert faults(media["schema"], example) == []


@each_operation
def test_every_problem_has_a_valid_example(operation: Operation) -> None:
    for status, media_type, media in operation.answers("4"):
        found = examples_of(media)
        assert found, f"{status} {media_type} has no example"
        for example in found:
            assert faults(media["schema"], example) == []
            if media_type == MEDIA_TYPE:
                assert str(example["status"]) == status


@each_operation
def test_every_parameter_has_a_valid_example_and_says_what_it_is(operation: Operation) -> None:
    for parameter in operation.parameters:
        found = examples_of(parameter)
        assert found, f"{parameter['name']} has no example"
        for example in found:
            assert faults(parameter["schema"], example) == []
        assert parameter["description"], parameter["name"]


@each_operation
def test_every_header_of_an_answer_has_a_valid_example(operation: Operation) -> None:
    for response in operation.responses.values():
        for name, header in response.get("headers", {}).items():
            found = examples_of(resolve(header))
            assert found, f"{name} has no example"
            assert all(faults(resolve(header)["schema"], example) == [] for example in found)


def test_a_wrong_example_would_be_found() -> None:
    schema = {"$ref": "#/components/schemas/PartyOut"}
    assert faults(schema, {"scheme": "se-orgnr", "value": "5561929323", "name": None}) == []
    assert faults(schema, {"scheme": "se-orgnr", "number": "5561929323"})
    assert faults({"type": "string", "format": "uuid"}, "not a uuid")


def test_every_problem_type_is_listed() -> None:
    listed = problems_markdown()
    for kind in PROBLEMS.values():
        assert f"| `{kind.uri}` | {kind.status} | {kind.title} |" in listed
        assert kind.uri == TYPE_BASE + kind.name


def test_every_problem_type_of_an_operation_stands_in_the_contract() -> None:
    told = {
        example["type"]
        for operation in all_operations()
        for leading in "45"
        for _, media_type, media in operation.answers(leading)
        if media_type == MEDIA_TYPE
        for example in examples_of(media)
    }
    of_no_operation = {"method-not-allowed", "conflict"}
    assert {kind.uri for kind in PROBLEMS.values()} - told == {TYPE_BASE + name for name in of_no_operation}
