"""The REST API profile's rules, on the contract. On the served application: `test_rest_profile_served.py`."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contract_reading import Operation, all_operations, contract, examples_of, properties, resolve
from registry.settings import Settings
from rest_profile import (
    NO_COLLECTIONS,
    NOT_SHOWN,
    OTHER_MEDIA,
    PROFILE,
    SINGULAR_LISTS,
    UNVERSIONED,
    WHOLE_LISTS,
    rule,
)

SERVED = "test_rest_profile_served.py"
ERROR_MEMBERS = {"type", "title", "status", "detail", "instance"}


each_operation = pytest.mark.parametrize("operation", all_operations(), ids=lambda item: item.id)


def api_operations() -> list[Operation]:
    return [operation for operation in all_operations() if operation.path not in UNVERSIONED]


def all_segments() -> set[str]:
    return {part for item in api_operations() for part in item.path.removeprefix("/v1/").split("/")}


def all_parameters() -> list[dict[str, Any]]:
    return [parameter for operation in all_operations() for parameter in operation.parameters]


def all_properties() -> list[tuple[str, str, dict[str, Any]]]:
    schemas = contract()["components"]["schemas"]
    return [found for name, schema in schemas.items() for found in properties(schema, name)]


def test_every_rule_is_shown_or_explained() -> None:
    sources = [Path(__file__).with_name(name).read_text() for name in ("test_rest_profile.py", SERVED)]
    noted = {
        text
        for source in sources
        for call in re.findall(r"@rule\((.*)\)", source)
        for text in call.split(", ")
    }
    shown = {text.strip('"') for text in noted}
    assert shown == PROFILE - NOT_SHOWN.keys()


@rule("UFN.01", "VER.05")
def test_addresses_name_host_api_version_and_resource() -> None:
    assert "https://{host}/{api}" in {server["url"] for server in contract()["servers"]}
    assert all(re.match(r"/v1/[a-z]", operation.path) for operation in api_operations())
    assert {operation.path for operation in all_operations()} >= UNVERSIONED.keys()


@rule("UFN.02", "UFN.05", "UFN.09")
def test_addresses_are_lower_case_with_hyphens() -> None:
    for segment in all_segments():
        # A parameter is no part of the address; it has a field's name.
        pattern = r"\{[a-z]+(_[a-z]+)*\}" if segment.startswith("{") else r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
        assert re.fullmatch(pattern, segment), segment


@rule("UFN.07", "RES.06")
def test_addresses_have_no_file_endings_and_no_closing_slash() -> None:
    paths = {operation.path for operation in all_operations()} - {"/.well-known/jwks.json"}
    assert not [path for path in paths if "." in path or path.endswith("/")]


@rule("UFN.08")
def test_collections_are_plural_nouns() -> None:
    words = {segment for segment in all_segments() if not segment.startswith("{")}
    assert {
        word for word in words if not word.endswith("s") or word in NO_COLLECTIONS
    } == NO_COLLECTIONS.keys()


@rule("RES.02")
def test_no_parameter_of_an_address_is_for_a_person() -> None:
    of_persons = re.compile("principal|representative|person|signer|party_id|employee|username")
    names = {item["name"] for item in all_parameters() if item["in"] in {"path", "query"}}
    assert len(names) > 10
    assert not {name for name in names if of_persons.search(name)}


OWN_NAMES = {"number", "source", "key", "position", "level", "tile"}
"""A version has a number, a signature a place; an authority names deliveries; tiles are the standard's."""


@rule("RES.03")
@each_operation
def test_ids_are_not_sequential(operation: Operation) -> None:
    for parameter in operation.parameters:
        if parameter["in"] == "path" and parameter["name"] not in OWN_NAMES:
            assert parameter["schema"]["format"] == "uuid"


@rule("AME.01")
def test_json_is_the_format() -> None:
    used = {
        (operation.id, media_type)
        for operation in all_operations()
        for media_type in [*operation.request_media, *(item[1] for item in operation.answers("2"))]
    }
    assert {item for item in used if item[1] != "application/json"} == OTHER_MEDIA.keys()


@rule("AME.04")
def test_fields_have_one_case_style() -> None:
    names = {name for _, name, _ in all_properties()}
    names |= {item["name"] for item in all_parameters() if item["in"] == "query"}
    assert not [name for name in names if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)]


@rule("AME.05")
def test_lists_have_plural_names() -> None:
    lists = {name for _, name, schema in all_properties() if is_of_type(schema, "array")}
    assert {name for name in lists if not name.endswith("s")} == SINGULAR_LISTS.keys()


@rule("AME.07")
def test_times_are_date_times() -> None:
    is_time = re.compile(r"(.*_)?at|valid_(from|until)|.*_since")
    times = [(where, name, schema) for where, name, schema in all_properties() if is_time.fullmatch(name)]
    assert len(times) > 20
    assert not [(where, name) for where, name, schema in times if "date-time" not in formats(schema)]


@rule("FNS.01", "FNS.03", "FNS.05", "FNS.06", "FNS.07", "FNS.08", "FNS.09")
def test_pages_are_bounded_by_declared_limits() -> None:
    for operation in api_operations():
        answers = [resolve(media["schema"]) for _, _, media in operation.answers("2")]
        if not any("items" in schema.get("properties", {}) for schema in answers):
            continue
        if operation.method == "get" and operation.id not in WHOLE_LISTS:
            found = {item["name"]: item["schema"] for item in operation.parameters}
            assert (found["limit"]["default"], found["limit"]["maximum"]) == (20, 100)
            if not {"after", "cursor"} & found.keys():
                assert (found["offset"]["default"], found["offset"]["minimum"]) == (0, 0)
        elif operation.path.endswith("/search") or operation.path.startswith("/v1/me/"):
            found = resolve(operation.request_media["application/json"]["schema"])["properties"]
            assert (found["limit"]["default"], found["limit"]["maximum"]) == (20, 100)
            assert "cursor" in found
        else:
            assert operation.id in WHOLE_LISTS


@rule("FEL.01", "FEL.02")
@each_operation
def test_every_error_is_a_problem_document(operation: Operation) -> None:
    for status, media_type, media in [*operation.answers("4"), *operation.answers("5")]:
        if operation.id == "get_an_access_token" and status in {"400", "401"}:
            assert media_type == "application/json", "RFC 6749 section 5.2 has its own form"
            continue
        assert media_type == "application/problem+json"
        assert all(example.keys() >= ERROR_MEMBERS for example in examples_of(media))
    required = contract()["components"]["schemas"]["Problem"]["required"]
    assert set(required) >= ERROR_MEMBERS


@rule("DOK.01", "DOK.03", "DOK.06", "DOK.07", "DOK.11")
def test_the_contract_says_what_it_is_and_whose() -> None:
    info = contract()["info"]
    assert info["title"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", info["version"])
    assert info["contact"].keys() >= {"name", "url"}
    assert info["license"]["identifier"] == "Apache-2.0"
    assert info["termsOfService"].startswith("https://")


@rule("DOK.08", "DOK.09", "DOK.15")
def test_the_description_is_in_swedish_and_english_and_states_the_limits() -> None:
    description = contract()["info"]["description"]
    assert "powers of attorney" in description
    assert "fullmakter" in description
    assert "Limits: bodies up to 1 MiB" in description


@rule("DOK.17", "ARQ.01", "SAK.10")
@each_operation
def test_every_operation_says_who_may_call(operation: Operation) -> None:
    known = contract()["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"]
    if operation.path in UNVERSIONED:
        assert operation.document["security"] == []
    else:
        [requirement] = operation.document["security"]
        [scope] = requirement["oauth2"]
        assert scope in known


@rule("DOK.19")
@each_operation
def test_every_request_and_answer_has_an_example(operation: Operation) -> None:
    answers = [media for leading in "2345" for _, _, media in operation.answers(leading)]
    assert all(examples_of(media) for media in [*answers, *operation.request_media.values()])


@rule("DOK.20", "DOK.21")
def test_operations_have_ids_of_their_own_and_known_tags() -> None:
    ids = [operation.id for operation in all_operations()]
    assert len(set(ids)) == len(ids)
    described = {tag["name"] for tag in contract()["tags"] if tag["description"]}
    for operation in all_operations():
        assert set(operation.document["tags"]) <= described
        assert operation.document["summary"]
        assert operation.document["description"]


@rule("ARQ.03", "ARQ.05")
def test_no_payload_travels_in_headers() -> None:
    headers = {item["name"] for item in all_parameters() if item["in"] == "header"}
    assert headers == {"Idempotency-Key", "Id-Token", "If-None-Match", "traceparent"}


@rule("SAK.12", "SAK.18")
def test_access_tokens_last_five_minutes_at_most() -> None:
    assert Settings(database_url="postgresql://unused").access_token_lifetime.total_seconds() <= 300
    with pytest.raises(ValidationError):
        Settings(database_url="postgresql://unused", access_token_seconds=301)


@rule("SPA.02", "SPA.04")
@each_operation
def test_traces_go_in_and_out(operation: Operation) -> None:
    assert "traceparent" in {item["name"] for item in operation.parameters if item["in"] == "header"}
    assert all("traceparent" in response["headers"] for response in operation.responses.values())


@rule("WEB.01", "WEB.02", "WEB.04", "WEB.05")
def test_webhooks_are_signed_numbered_sent_again_and_described() -> None:
    described = contract()["webhooks"]["event"]["post"]
    headers = {item["name"] for item in described["parameters"] if item["required"]}
    assert headers == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    on_and_off = {operation.id for operation in all_operations() if operation.path.startswith("/v1/webhook")}
    assert {"register_an_endpoint", "delete_an_endpoint", "replay_events", "deliver_again"} <= on_and_off
    assert any(operation.id == "read_events" for operation in all_operations())


@rule("ARP.03")
@each_operation
def test_what_is_created_says_where_it_is(operation: Operation) -> None:
    if "201" in operation.responses:
        assert operation.method == "post"
        assert resolve(operation.responses["201"]["headers"]["Location"])["required"]


def is_of_type(schema: dict[str, Any], wanted: str) -> bool:
    return any(item.get("type") == wanted for item in [schema, *schema.get("anyOf", ())])


def formats(schema: dict[str, Any]) -> set[str]:
    return {item.get("format", "") for item in [schema, *schema.get("anyOf", ())]}
