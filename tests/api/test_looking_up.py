"""Looking mandates up: by id, the exact record, its events, many statuses at once; all of it logged."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select
from uuid_utils.compat import uuid7

from factories import (
    BERI,
    PAUL,
    Clock,
    Organisation,
    World,
    jws_payload,
    organisation_number,
    person,
)
from problem_documents import assert_problem
from registry.domain.callers import Scope
from registry.domain.parties import Party, Scheme
from registry.signing.canonical import base64url_digest
from registry.signing.jose import verify_compact
from registry.signing.keys import KeyRing
from registry.storage.database import Database
from registry.storage.tables import access_log

Json = dict[str, Any]

ADDRESSES = [
    ("GET", "/v1/mandates/{id}"),
    ("GET", "/v1/mandates/{id}/record"),
    ("GET", "/v1/mandates/{id}/events"),
    ("POST", "/v1/mandates/search"),
    ("POST", "/v1/mandates/status"),
]


async def found(reader: Organisation, **search: Any) -> list[str]:  # noqa: ANN401
    response = await reader.post("/v1/mandates/search", {"limit": 100} | search)
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json()["items"]]


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
async def test_nothing_is_looked_up_without_a_token(world: World, method: str, address: str) -> None:
    response = await world.anonymous.request(method, address.replace("{id}", str(uuid7())))
    assert_problem(response, 401, "unauthenticated")


async def test_a_mandate_reads_as_it_was_issued(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    issued = await world.issue(municipality, template, external_ref="case 2026-114")
    read = (await municipality.get(f"/v1/mandates/{issued['id']}")).json()
    shown = {"consistency_token": None, "also_ended": []}
    assert read | shown == issued | shown
    assert read["external_ref"] == "case 2026-114"
    assert read["registered_by"] == f"urn:registry:client:{municipality.client_id}"


async def test_the_record_is_the_exact_sealed_bytes(world: World, municipality: Organisation) -> None:
    issued = await world.issue(municipality, await world.publish_template(municipality))
    response = await municipality.get(f"/v1/mandates/{issued['id']}/record")
    assert response.headers["content-type"] == "application/jose"
    assert base64url_digest(response.content) == issued["record_digest"]
    verify_compact(response.text, world.keys.verification_keys(), typ="mandate-record+jwt")
    record = jws_payload(response.text)
    assert record["id"] == issued["id"]
    assert record["content"]["principal"] == issued["principal"]
    again = await municipality.get(f"/v1/mandates/{issued['id']}/record")
    assert again.content == response.content


async def test_events_stand_in_their_order_each_sealed(world: World, municipality: Organisation) -> None:
    issued = await world.issue(municipality, await world.publish_template(municipality))
    address = f"/v1/mandates/{issued['id']}"
    for act in ("suspension", "resumption"):
        assert (await municipality.post(f"{address}/{act}", {"reason": f"a {act}"})).status_code == 201
    use = {"permission": "apply", "case_ref": "2026-114", "by": person(PAUL, None)}
    assert (await municipality.post(f"{address}/uses", use)).status_code == 201
    ended = await municipality.post(f"{address}/revocation", {"by": "third_party", "reason": "closed"})
    events = (await municipality.get(f"{address}/events")).json()["items"]
    assert [(event["number"], event["type"]) for event in events] == [
        (0, "mandate.issued"),
        (1, "mandate.suspended"),
        (2, "mandate.resumed"),
        (3, "mandate.used"),
        (4, "mandate.revoked"),
    ]
    assert events[4]["id"] == ended.json()["event_id"]
    assert (events[1]["reason"], events[3]["details"]["case_ref"]) == ("a suspension", "2026-114")
    assert all(event["by"]["role"] == "third_party" for event in events[1:])
    for before, event in pairwise(events):
        verify_compact(event["sealed"], world.keys.verification_keys(), typ="mandate-event+jwt")
        sealed = jws_payload(event["sealed"])
        assert (sealed["id"], sealed["number"]) == (event["id"], event["number"])
        assert sealed["previous"] == base64url_digest(before["sealed"].encode())


async def test_the_etag_follows_the_status(database: Database, keys: KeyRing) -> None:
    world = World(database, keys, clock=Clock(datetime.now(UTC)))
    owner = await world.organisation()
    template = await world.publish_template(owner)
    start = world.clock() + timedelta(minutes=5)
    until = start + timedelta(minutes=5)
    period = {"valid_from": start.isoformat(), "valid_until": until.isoformat()}
    issued = await world.issue(owner, template, **period)
    address = f"/v1/mandates/{issued['id']}"
    tags = {}
    for status, wait in (("not_yet_valid", 300), ("active", 300), ("expired", 300)):
        response = await owner.http.get(address)
        tags[status] = response.headers["etag"]
        assert response.json()["status"] == status
        unchanged = await owner.http.get(address, headers={"If-None-Match": tags[status]})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        world.clock.advance(seconds=wait)
    assert len(set(tags.values())) == 3
    changed = await owner.http.get(address, headers={"If-None-Match": tags["active"]})
    assert changed.status_code == 200


async def test_many_statuses_come_in_the_order_asked(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    active = (await world.issue(municipality, template))["id"]
    gone = (await world.issue(municipality, template, permissions=["follow"]))["id"]
    await municipality.post(f"/v1/mandates/{gone}/revocation", {"by": "third_party", "reason": "closed"})
    other = await world.organisation(name="Karlskrona kommun")
    foreign = (await world.issue(other, await world.publish_template(other)))["id"]
    unknown = str(uuid7())
    asked = [gone, unknown, active, foreign, gone]
    answer = (await municipality.post("/v1/mandates/status", {"ids": asked})).json()
    assert [item["id"] for item in answer["items"]] == asked
    assert [item["status"] for item in answer["items"]] == [
        "revoked",
        "not_found",
        "active",
        "not_found",
        "revoked",
    ]
    thousand = [str(uuid7()) for _ in range(999)] + [active]
    answer = (await municipality.post("/v1/mandates/status", {"ids": thousand})).json()
    assert [item["status"] for item in answer["items"]] == ["not_found"] * 999 + ["active"]
    too_many = await municipality.post("/v1/mandates/status", {"ids": [*thousand, active]})
    assert_problem(too_many, 422, "invalid-input", "/ids")
    assert_problem(await municipality.post("/v1/mandates/status", {"ids": []}), 422, "invalid-input", "/ids")


async def test_organisations_that_are_parties_may_look(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    company, agency = [
        await world.organisation(Party(Scheme.SE_ORGNR, organisation_number()), name=name)
        for name in ("Restaurang AB", "TB Bokföringsbyrå AB")
    ]
    signatories = {"any_of": [person(BERI, None)], "count": 1}
    mandate = await world.issue(
        municipality,
        template,
        BERI,
        principal=company.wire,
        representatives=[agency.wire],
        principal_details={"signatory_rule": {"alternatives": [signatories]}, "source": "Bolagsverket"},
    )
    stranger = await world.organisation(name="Karlskrona kommun")
    for reader in (municipality, company, agency):
        assert (await reader.get(f"/v1/mandates/{mandate['id']}")).json()["id"] == mandate["id"]
        assert await found(reader) == [mandate["id"]]
        events = await reader.get(f"/v1/mandates/{mandate['id']}/events")
        assert len(events.json()["items"]) == 1
        status = await reader.post("/v1/mandates/status", {"ids": [mandate["id"]]})
        assert status.json()["items"][0]["status"] == "active"
    assert await found(stranger) == []


async def test_every_look_at_a_person_is_logged(
    world: World, database: Database, keys: KeyRing, municipality: Organisation
) -> None:
    mandate = await world.issue(municipality, await world.publish_template(municipality))
    before = await _logged(database, municipality)
    address = f"/v1/mandates/{mandate['id']}"
    await municipality.get(address)
    await municipality.http.get(address, headers={"If-None-Match": "*"})
    await municipality.get(f"{address}/record")
    await municipality.get(f"{address}/events")
    await municipality.post("/v1/mandates/search", {"representative": person(PAUL, None)})
    await municipality.post("/v1/mandates/status", {"ids": [mandate["id"], str(uuid7())]})
    await municipality.get(f"/v1/mandates/{uuid7()}")
    entries = (await _logged(database, municipality))[len(before) :]
    assert [entry.operation for entry in entries] == [
        "mandate",
        "mandate",
        "mandate_record",
        "mandate_events",
        "mandate_search",
        "mandate_status",
    ]
    principal = keys.party_index(Party(Scheme.SE_PNR, BERI))
    assert all(entry.principal_index == principal for entry in entries[:4])
    assert entries[4].representative_index == keys.party_index(Party(Scheme.SE_PNR, PAUL))


async def test_looking_needs_only_the_scope_to_read(world: World, municipality: Organisation) -> None:
    mandate = await world.issue(municipality, await world.publish_template(municipality))
    reader = await world.organisation(municipality.party, scopes=frozenset({Scope.MANDATES_READ}))
    assert (await reader.get(f"/v1/mandates/{mandate['id']}")).status_code == 200
    assert await found(reader) == [mandate["id"]]


async def _logged(database: Database, caller: Organisation) -> list[Any]:
    async with database.reading() as session:
        rows = await session.execute(
            select(access_log).where(access_log.c.client_id == caller.client_id).order_by(access_log.c.id)
        )
        return list(rows)
