"""Idempotency-Key: one key, one effect, one answer; another request under it is refused."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, select

from factories import BERI, Organisation, World, mandate_body, template_body
from problem_documents import assert_problem
from registry.domain.callers import Scope
from registry.storage.database import Database
from registry.storage.idempotency import forget_old_keys
from registry.storage.tables import idempotency_keys, mandate_states, template_versions

Json = dict[str, Any]


async def send(
    caller: Organisation, path: str, body: Json, key: str | None, **headers: str
) -> httpx.Response:
    sent = headers if key is None else headers | {"Idempotency-Key": key}
    return await caller.http.post(path, json=body, headers=sent)


async def written(database: Database, owner: Organisation) -> tuple[int, int, int]:
    """How many template versions, mandates and keys there are of this organisation and its client."""
    party = str(owner.party)
    async with database.reading() as session:
        counts = [
            (await session.execute(select(func.count()).select_from(table).where(condition))).scalar_one()
            for table, condition in (
                (template_versions, template_versions.c.third_party == party),
                (mandate_states, mandate_states.c.third_party == party),
                (idempotency_keys, idempotency_keys.c.client_id == owner.client_id),
            )
        ]
    return counts[0], counts[1], counts[2]


def same(response: httpx.Response) -> tuple[int, str, Json]:
    body = response.json() | {"consistency_token": None}
    return response.status_code, response.headers.get("location", ""), body


async def test_the_same_request_has_one_effect_and_one_answer(
    world: World, database: Database, municipality: Organisation
) -> None:
    key = "".join(chr(code) for code in range(0x21, 0x7F)) + "k" * 106
    body = template_body(municipality)
    first = await send(municipality, "/v1/templates", body, key)
    assert first.status_code == 201
    assert same(await send(municipality, "/v1/templates", body, key)) == same(first)
    assert await written(database, municipality) == (1, 0, 1)

    address = f"/v1/templates/{first.json()['id']}"
    second = await send(municipality, f"{address}/versions", body, "version")
    assert second.json()["version"] == 2
    assert same(await send(municipality, f"{address}/versions", body, "version")) == same(second)
    assert await written(database, municipality) == (2, 0, 2)

    await municipality.post(f"{address}/versions/1/publication")
    signed = await world.sign(municipality, mandate_body(first.json()), BERI)
    issued = await send(municipality, "/v1/mandates", signed, "mandate")
    assert issued.status_code == 201
    assert same(await send(municipality, "/v1/mandates", signed, "mandate")) == same(issued)
    assert await written(database, municipality) == (2, 1, 3)


async def test_a_replay_shows_what_became_of_the_object(world: World, municipality: Organisation) -> None:
    body = template_body(municipality)
    created = (await send(municipality, "/v1/templates", body, "template")).json()
    await municipality.post(f"/v1/templates/{created['id']}/versions/1/publication")
    signed = await world.sign(municipality, mandate_body(created), BERI)
    issued = (await send(municipality, "/v1/mandates", signed, "mandate")).json()
    ended = {"by": "third_party", "reason": "closed"}
    await municipality.post(f"/v1/mandates/{issued['id']}/revocation", ended)
    await municipality.post(f"/v1/templates/{created['id']}/retirement")
    again = (await send(municipality, "/v1/templates", body, "template")).json()
    assert (again["id"], again["version"], again["status"]) == (created["id"], 1, "retired")
    again = (await send(municipality, "/v1/mandates", signed, "mandate")).json()
    assert (again["id"], again["status"]) == (issued["id"], "revoked")


async def test_another_request_under_the_key_is_refused(
    database: Database, municipality: Organisation
) -> None:
    body = template_body(municipality)
    first = (await send(municipality, "/v1/templates", body, "key")).json()
    before = await written(database, municipality)
    others = [
        ("/v1/templates", body | {"department": "Annan"}),
        (f"/v1/templates/{first['id']}/versions", body),
        ("/v1/templates", dict(reversed(body.items()))),
    ]
    for path, other in others:
        refused = await send(municipality, path, other, "key")
        assert "new key" in assert_problem(refused, 422, "idempotency-key-reused")["detail"]
    assert await written(database, municipality) == before
    assert (await send(municipality, "/v1/templates", body, "key")).json()["id"] == first["id"]


async def test_issuing_under_a_used_key_is_refused(
    world: World, database: Database, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    signed = await world.sign(municipality, mandate_body(template), BERI)
    other = await world.sign(municipality, mandate_body(template, permissions=["follow"]), BERI)
    assert (await send(municipality, "/v1/mandates", signed, "key")).status_code == 201
    before = await written(database, municipality)
    refused = await send(municipality, "/v1/mandates", other, "key")
    assert_problem(refused, 422, "idempotency-key-reused")
    assert await written(database, municipality) == before


@pytest.mark.parametrize("path", ["/v1/templates", "/v1/templates/{id}/versions", "/v1/mandates"])
async def test_a_post_that_adds_needs_a_proper_key(
    world: World, database: Database, municipality: Organisation, path: str
) -> None:
    template = await world.publish_template(municipality)
    address = path.format(id=template["id"])
    body = template_body(municipality)
    if path == "/v1/mandates":
        body = await world.sign(municipality, mandate_body(template), BERI)
    before = await written(database, municipality)
    for key in (None, "", " ", "two words", "x" * 201, "tab\there"):
        refused = await send(municipality, address, body, key)
        assert "Idempotency-Key" in assert_problem(refused, 400, "malformed-request")["detail"]
    headers = {b"Idempotency-Key": "nyckel-å".encode("latin-1")}
    refused = await municipality.http.post(address, json=body, headers=headers)
    assert_problem(refused, 400, "malformed-request")
    assert await written(database, municipality) == before


async def test_acts_need_no_key(world: World, municipality: Organisation) -> None:
    mandate = await world.issue(municipality, await world.publish_template(municipality))
    address = f"/v1/mandates/{mandate['id']}/revocation"
    ended = await send(municipality, address, {"by": "third_party", "reason": "closed"}, None)
    assert ended.status_code == 201


async def test_keys_are_each_clients_own(
    world: World, database: Database, municipality: Organisation
) -> None:
    colleague = await world.organisation(municipality.party)
    stranger = await world.organisation(name="Karlskrona kommun")
    made = [
        await send(caller, "/v1/templates", template_body(caller), "key")
        for caller in (municipality, colleague, stranger)
    ]
    assert [response.status_code for response in made] == [201, 201, 201]
    assert len({response.json()["id"] for response in made}) == 3
    assert await written(database, municipality) == (2, 0, 1)


async def test_requests_at_once_under_one_key_have_one_effect(
    world: World, database: Database, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    signed = await world.sign(municipality, mandate_body(template), BERI)
    body = template_body(municipality)
    before = await written(database, municipality)
    for path, sent in (
        ("/v1/templates", body),
        (f"/v1/templates/{template['id']}/versions", body),
        ("/v1/mandates", signed),
    ):
        key = str(uuid4())
        answers = await asyncio.gather(*(send(municipality, path, sent, key) for _ in range(8)))
        made = [answer for answer in answers if answer.status_code == 201]
        for answer in answers:
            if answer.status_code != 201:
                assert_problem(answer, 409, "request-in-progress")
                assert answer.headers["retry-after"] == "1"
        assert made
        assert all(same(answer) == same(made[0]) for answer in made)
        assert same(await send(municipality, path, sent, key)) == same(made[0])
    after = await written(database, municipality)
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 1, 3]


async def test_different_requests_at_once_under_one_key_let_one_through(
    database: Database, municipality: Organisation
) -> None:
    bodies = [template_body(municipality, department=f"Enhet {number}") for number in range(8)]
    answers = await asyncio.gather(*(send(municipality, "/v1/templates", body, "key") for body in bodies))
    assert sorted(answer.status_code for answer in answers)[:1] == [201]
    assert [answer.status_code for answer in answers].count(201) == 1
    assert {answer.status_code for answer in answers} <= {201, 409, 422}
    assert await written(database, municipality) == (1, 0, 1)


async def test_an_error_leaves_the_key_free(
    world: World, database: Database, municipality: Organisation
) -> None:
    body = template_body(municipality)
    for wrong, status in ((body | {"kind": "x"}, 422), (body | {"title": {}}, 422)):
        assert (await send(municipality, "/v1/templates", wrong, "key")).status_code == status
    assert await written(database, municipality) == (0, 0, 0)
    created = (await send(municipality, "/v1/templates", body, "key")).json()
    template = await world.publish_template(municipality)

    unknown = await send(municipality, f"/v1/templates/{uuid4()}/versions", body, "version")
    assert_problem(unknown, 404, "not-found")
    added = await send(municipality, f"/v1/templates/{created['id']}/versions", body, "version")
    assert added.status_code == 201

    first = await world.issue(municipality, template)
    signed = await world.sign(municipality, mandate_body(template), BERI)
    unsigned = {name: value for name, value in signed.items() if name != "signatures"}
    assert_problem(await send(municipality, "/v1/mandates", unsigned, "mandate"), 422, "invalid-input")
    in_force = await send(municipality, "/v1/mandates", signed, "mandate")
    assert assert_problem(in_force, 409, "already-in-force")["mandate_id"] == first["id"]
    ended = {"by": "third_party", "reason": "closed"}
    await municipality.post(f"/v1/mandates/{first['id']}/revocation", ended)
    assert (await send(municipality, "/v1/mandates", signed, "mandate")).status_code == 201


async def test_a_key_is_kept_for_a_day(world: World, database: Database, municipality: Organisation) -> None:
    body = template_body(municipality)
    first = (await send(municipality, "/v1/templates", body, "key")).json()
    made_at = world.clock()
    async with database.transaction() as session:
        await forget_old_keys(session, now=made_at + timedelta(hours=23, minutes=59))
    assert (await send(municipality, "/v1/templates", body, "key")).json()["id"] == first["id"]
    async with database.transaction() as session:
        await forget_old_keys(session, now=made_at + timedelta(hours=24, minutes=1))
    assert (await send(municipality, "/v1/templates", body, "key")).json()["id"] != first["id"]


async def test_a_key_never_gets_past_the_scope(world: World, municipality: Organisation) -> None:
    reader = await world.organisation(municipality.party, scopes=frozenset({Scope.TEMPLATES_READ}))
    refused = await send(reader, "/v1/templates", template_body(municipality), "key")
    assert_problem(refused, 403, "missing-scope")


async def test_what_is_kept_of_a_request_names_nobody(
    world: World, database: Database, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    signed = await world.sign(municipality, mandate_body(template), BERI)
    assert (await send(municipality, "/v1/mandates", signed, "mandate")).status_code == 201
    async with database.reading() as session:
        rows = await session.execute(
            select(idempotency_keys).where(idempotency_keys.c.client_id == municipality.client_id)
        )
        kept = [tuple(row) for row in rows]
    assert kept
    assert not any(text in str(kept) for text in (BERI, "Beri", "Ylles", "Paul"))
