"""What is kept of a mandate request: sealed entries in a chain, a row derived from them, nothing in clear."""

import asyncio
from datetime import datetime, timedelta

import asyncpg
import pytest

from asking import ROOT, ask_for, company_body, sign_as, standing
from conftest import CloneDatabase, opened, run_sql
from factories import BERI, HERMAN, MARIA, PAUL, PETRONELLA, Json, Organisation, World, mandate_body
from registry.fsck import check_database, rebuild_projection
from registry.operations.lapse_requests import lapse_requests
from registry.signing.canonical import base64url_digest
from registry.signing.keys import KeyRing
from registry.storage.database import Database
from registry.storage.request_states import request_row
from registry.storage.sealed_entries import SealedEntry, list_entries
from registry.worker.work import Work, run_worker


@pytest.fixture
def world(database: Database, keys: KeyRing) -> World:
    return World(database, keys)


@pytest.fixture
async def owner(world: World) -> Organisation:
    return await world.organisation()


async def entries_of(world: World, request: Json) -> tuple[SealedEntry, ...]:
    async with world.database.reading() as session:
        [entries] = (await list_entries(session, world.keys, [request["id"]])).values()
    return entries


async def stored_row(world: World, request: Json) -> Json:
    [row] = await world.database.fetch_hot(
        "SELECT * FROM request_states WHERE request_id = $1", request["id"]
    )
    return dict(row)


async def assert_projected(world: World, request: Json) -> tuple[SealedEntry, ...]:
    entries = await entries_of(world, request)
    assert await stored_row(world, request) == request_row([item.entry for item in entries], world.keys)
    return entries


async def test_each_step_is_a_sealed_entry_chained_to_the_one_before(
    world: World, owner: Organisation
) -> None:
    request = await ask_for(owner, company_body(await world.publish_template(owner)))
    await assert_projected(world, request)
    await sign_as(world, owner, request, HERMAN)
    await assert_projected(world, request)
    await sign_as(world, owner, request, MARIA)
    entries = await assert_projected(world, request)
    assert [(item.entry.number, item.entry.type) for item in entries] == [
        (0, "request.created"),
        (1, "request.signed"),
        (2, "request.signed"),
        (3, "request.issued"),
    ]
    assert [item.entry.previous for item in entries] == [
        None,
        *(base64url_digest(item.sealed) for item in entries[:-1]),
    ]
    assert {item.entry.registered_by for item in entries} == {f"urn:registry:client:{owner.client_id}"}
    mandate_id = (await standing(owner, request))["mandate_id"]
    assert entries[-1].entry.details == {"mandate_id": mandate_id}


@pytest.mark.parametrize("act", ["decline", "cancellation"])
async def test_an_ending_tells_who_and_why(world: World, owner: Organisation, act: str) -> None:
    request = await ask_for(owner, mandate_body(await world.publish_template(owner)))
    headers = {"Id_Token": world.id_token(BERI, owner.client_id)} if act == "decline" else {}
    ended = await owner.post(f"{ROOT}/{request['id']}/{act}", {"reason": "Behövs inte."}, **headers)
    assert ended.status_code == 201, ended.text
    entry = (await assert_projected(world, request))[-1].entry
    by = {"scheme": "se-pnr", "value": BERI} if act == "decline" else owner.wire
    assert entry.details == {
        "by": {name: by[name] for name in ("scheme", "value")},
        "reason": "Behövs inte.",
    }


async def test_nothing_of_a_request_stands_in_clear(world: World, owner: Organisation) -> None:
    body = company_body(await world.publish_template(owner), external_ref="case 2026-114")
    request = await ask_for(owner, body)
    await sign_as(world, owner, request, HERMAN)
    rows = await world.database.fetch_hot(
        "SELECT e::text || s::text AS whole FROM sealed_entries AS e "
        "JOIN request_states AS s ON s.request_id = e.subject_id WHERE e.subject_id = $1",
        request["id"],
    )
    assert len(rows) == 2
    secrets = (HERMAN, MARIA, PETRONELLA, PAUL, "5561929323", "Paul", "Bokföringsbyrå", "2026-114")
    plain = [text for row in rows for text in (row["whole"], *_decoded(row["whole"]))]
    assert not [secret for secret in secrets if any(secret in text for text in plain)]


def _decoded(whole: str) -> list[str]:
    """What the bytes in a row say, taken as text."""
    return [
        bytes.fromhex(part[: len(part) // 2 * 2]).decode("utf-8", "replace")
        for part in (piece.strip('",(){}\\') for piece in whole.replace("\\x", " ").split())
        if part and all(char in "0123456789abcdef" for char in part)
    ]


async def test_the_registry_role_cannot_change_or_remove_an_entry(world: World, owner: Organisation) -> None:
    request = await ask_for(owner, mandate_body(await world.publish_template(owner)))
    for statement in (
        "UPDATE sealed_entries SET type = 'request.cancelled' WHERE subject_id = $1",
        "DELETE FROM sealed_entries WHERE subject_id = $1",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.database.fetch_hot(statement, request["id"])


async def test_the_worker_records_lapses(clone_database: CloneDatabase, keys: KeyRing) -> None:
    async with opened(await clone_database()) as database:
        world = World(database, keys)
        owner = await world.organisation()
        template = await world.publish_template(owner)
        request = await ask_for(owner, mandate_body(template, expires_in_days=1))
        lapses = world.clock().fromisoformat(request["expires_at"])
        assert await lapse_requests(database, keys, now=lapses - timedelta(microseconds=1)) == 0
        stop = asyncio.Event()
        rounds = 0

        def clock() -> datetime:
            nonlocal rounds
            rounds += 1
            if rounds > 8:
                stop.set()
            return lapses

        async with asyncio.timeout(30):
            await run_worker(Work(database, lambda: keys, clock), stop, timers_seconds=0)
        created, lapsed = await assert_projected(world, request)
        assert (created.entry.type, lapsed.entry.type) == ("request.created", "request.lapsed")
        assert lapsed.entry.registered_by == "urn:registry:worker"
        assert lapsed.entry.details == {"at": request["expires_at"]}


async def test_a_request_that_cannot_be_read_holds_up_no_other(
    clone_database: CloneDatabase, keys: KeyRing
) -> None:
    url = await clone_database()
    async with opened(url) as database:
        world = World(database, keys)
        owner = await world.organisation()
        template = await world.publish_template(owner)
        terms = mandate_body(template, expires_in_days=1)
        broken, gone, whole = [await ask_for(owner, terms) for _ in range(3)]
        await run_sql(
            url,
            f"UPDATE erasable_secrets SET wrapped = '\\x00' WHERE subject_id = '{broken['id']}'",  # noqa: S608  # our own id
            f"DELETE FROM erasable_secrets WHERE subject_id = '{gone['id']}'",  # noqa: S608  # our own id
        )
        lapsed = world.clock() + timedelta(days=2)
        assert await lapse_requests(database, keys, now=lapsed, at_once=1) == 1
        assert (await assert_projected(world, whole))[-1].entry.type == "request.lapsed"


async def test_a_mandate_from_a_request_checks_as_any_other(
    clone_database: CloneDatabase, keys: KeyRing
) -> None:
    async with opened(await clone_database()) as database:
        world = World(database, keys)
        owner = await world.organisation()
        request = await ask_for(owner, company_body(await world.publish_template(owner)))
        for number in (HERMAN, MARIA):
            await sign_as(world, owner, request, number)
        mandate_id = (await standing(owner, request))["mandate_id"]
        report = await check_database(database, keys, jobs=1)
        assert report.counts["mandate_evidence"] == 2
        assert [item for item in report.findings if item.row.startswith(mandate_id)] == []
        rebuilt = await rebuild_projection(database, keys)
        assert (rebuilt.mandates, rebuilt.exit_code) == (1, 0)
        assert not any(rebuilt.written.values())
        await assert_projected(world, request)
