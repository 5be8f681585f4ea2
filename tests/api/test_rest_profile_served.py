"""The REST API profile's rules, on the application as it answers."""

import re

import pytest

from contract_reading import all_operations, contract, examples_of
from factories import BERI, Organisation, World, question
from rest_profile import rule

ERROR_MEMBERS = {"type", "title", "status", "detail", "instance"}


@rule("VER.06")
async def test_api_info(world: World) -> None:
    answer = (await world.anonymous.get("/api-info")).json()
    assert answer.keys() == {"api_name", "api_version", "api_released", "api_documentation", "api_status"}
    assert all(answer.values())
    assert answer["api_version"] == contract()["info"]["version"]


@rule("RES.02")
@pytest.mark.parametrize("name", ["third_party", "service", "permission", "q", "status", "person"])
async def test_a_personal_number_in_an_address_is_refused(municipality: Organisation, name: str) -> None:
    answer = await municipality.get("/v1/templates", **{name: BERI})
    assert answer.status_code == 422
    assert BERI not in answer.text


@rule("AME.02")
async def test_texts_are_utf_8(world: World, municipality: Organisation) -> None:
    await world.publish_template(municipality, title={"sv": "Åländskt ombud"})
    answer = await municipality.get("/v1/templates", third_party=str(municipality.party))
    assert "Åländskt ombud".encode() in answer.content


@rule("DOT.02", "DOT.04")
async def test_times_go_in_of_any_zone_and_out_in_utc(municipality: Organisation) -> None:
    asked = question(municipality, at="2026-11-21T10:00:00+01:00")
    answer = (await municipality.post("/v1/verifications", asked)).json()
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z", answer["checked_at"])


@rule("FEL.01", "FEL.02")
async def test_errors_are_problem_documents_in_truth(world: World, municipality: Organisation) -> None:
    answers = [
        await world.anonymous.get("/v1/templates"),
        await world.anonymous.get("/v1/nothing"),
        await world.anonymous.patch("/v1/templates"),
        await municipality.get("/v1/templates", limit=1000),
        await municipality.post("/v1/mandates", {}),
        await municipality.http.post("/v1/verifications", content=b"{"),
        await municipality.http.get("/v1/templates", headers={"Accept": "application/xml"}),
    ]
    assert [answer.status_code for answer in answers] == [401, 404, 405, 422, 422, 415, 406]
    for answer in answers:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json().keys() >= ERROR_MEMBERS
        assert answer.json()["status"] == answer.status_code


@rule("MOG.01", "MOG.02")
async def test_the_maturity_is_stated(world: World) -> None:
    stated = (await world.anonymous.get("/api-info")).json()["api_status"]
    assert contract()["info"]["x-maturity"]["status"] == stated == "beta"


@rule("SAK.09", "SAK.15", "SAK.16")
async def test_only_a_bearer_token_in_the_header_opens_the_api(
    world: World, municipality: Organisation
) -> None:
    assert {scheme["type"] for scheme in contract()["components"]["securitySchemes"].values()} == {"oauth2"}
    token = municipality.http.headers["authorization"].removeprefix("Bearer ")
    for headers in ({"Authorization": "Basic ZGVtbzpkZW1v"}, {"Authorization": token}, {"X-Api-Key": token}):
        assert (await world.anonymous.get("/v1/templates", headers=headers)).status_code == 401
    assert (await world.anonymous.get("/v1/templates", params={"access_token": token})).status_code == 401


@rule("FOR.02")
async def test_what_cannot_be_given_is_not_given(municipality: Organisation) -> None:
    for accept, status in (
        ("application/xml", 406),
        ("application/json", 200),
        ("text/html, */*;q=0.1", 200),
    ):
        answer = await municipality.http.get("/v1/templates", headers={"Accept": accept})
        assert answer.status_code == status


@rule("SPA.04")
async def test_an_answer_goes_on_with_the_trace(world: World) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await world.anonymous.get("/live", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    version, trace_id, span_id, _ = answer.headers["traceparent"].split("-")
    assert (version, trace_id) == ("00", trace)
    assert span_id != "00f067aa0ba902b7"


@rule("ARP.03")
@pytest.mark.parametrize("path", sorted({operation.path for operation in all_operations()}))
async def test_unused_methods_are_refused(world: World, path: str) -> None:
    used = {operation.method.upper(): operation for operation in all_operations() if operation.path == path}
    values = {item["name"]: examples_of(item)[0] for item in next(iter(used.values())).parameters}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - used.keys():
        answer = await world.anonymous.request(method, path.format(**values))
        assert answer.status_code == 405, f"{method} {path}"
        assert set(answer.headers["allow"].split(", ")) == used.keys()
