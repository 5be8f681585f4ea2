"""Connections that die in the middle of an act, or after it: 503, all or nothing, and a replay that tells."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import httpx
import pytest

from acting import calling, count_rows, decision, jws_signature, problem, process_on
from asking import ROOT, ask_for
from concurrency.losing_proxy import LosingProxy
from concurrency.racing import Race
from conftest import opened, run_sql
from factories import BERI, HERMAN, PAUL, Json, Organisation, mandate_body, person, template_body

_DIE = """
CREATE OR REPLACE FUNCTION die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$
"""
_AT_ONCE = "CREATE TRIGGER die BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION die()"
_AT_COMMIT = """
CREATE CONSTRAINT TRIGGER die AFTER INSERT OR UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION die()
"""
_REFUSE = """
CREATE OR REPLACE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'disk_full'; END $$
"""
USE: Json = {"permission": "apply", "case_ref": "2026-114", "by": person(PAUL, None)}
OVER: Json = {"by": "third_party", "reason": "over"}

Act = Callable[[Organisation], Awaitable[httpx.Response]]
Prepare = Callable[[Race], Awaitable[tuple[str, Json]]]
"""Makes what an act needs; gives the path and the body of its request."""


async def ready(race: Race, name: str) -> Act:
    """An act, ready to be done and to be repeated as it was, under its key."""
    path, body = await PREPARED[name](race)
    key = str(uuid4())
    return lambda client: client.post(path, body, Idempotency_Key=key)


async def publication(race: Race) -> tuple[str, Json]:
    draft = (await race.owner.post("/v1/templates", template_body(race.owner))).json()
    return f"/v1/templates/{draft['id']}/versions/1/publication", {}


async def issue(race: Race) -> tuple[str, Json]:
    template = await race.world.publish_template(race.owner)
    return "/v1/mandates", await race.world.sign(race.owner, mandate_body(template), BERI)


async def superseding(race: Race) -> tuple[str, Json]:
    template = await race.world.publish_template(race.owner)
    old = await race.world.issue(race.owner, template)
    body = mandate_body(template, permissions=["follow"], supersedes=old["id"])
    return "/v1/mandates", await race.world.sign(race.owner, body, BERI)


def act_on_mandate(act: str, body: Json) -> Prepare:
    async def prepare(race: Race) -> tuple[str, Json]:
        template = await race.world.publish_template(race.owner, exercise={"max_uses": 2})
        mandate = await race.world.issue(race.owner, template)
        return f"/v1/mandates/{mandate['id']}/{act}", body

    return prepare


async def asking(race: Race) -> tuple[str, Json]:
    template = await race.world.publish_template(race.owner)
    return ROOT, mandate_body(template, principal=person(HERMAN, "Herman Ört"))


async def last_signature(race: Race) -> tuple[str, Json]:
    _, body = await asking(race)
    request = await ask_for(race.owner, body)
    signature = jws_signature(race.world.evidence(HERMAN, request["digest"]))
    return f"{ROOT}/{request['id']}/signatures", signature


PREPARED: dict[str, Prepare] = {
    "issue": issue,
    "supersede": superseding,
    "use": act_on_mandate("uses", USE),
    "revoke": act_on_mandate("revocation", OVER),
    "suspend": act_on_mandate("suspension", {"reason": "audit"}),
    "ask": asking,
    "sign": last_signature,
    "publish": publication,
}


async def everything(race: Race) -> dict[str, int]:
    counts = await count_rows(race.world)
    extra = ("template_publications", "erasable_secrets", "sealed_entries")
    return counts | {table: await race.count(table) for table in extra}


@pytest.mark.parametrize(
    "place",
    [
        "issue: mandate_records",
        "issue: representations",
        "issue: idempotency_keys",
        "issue: mandate_states at commit",
        "supersede: mandate_records",
        "supersede: mandate_endings at commit",
        "use: idempotency_keys",
        "use: mandate_states at commit",
        "revoke: mandate_endings",
        "revoke: mandate_states at commit",
        "suspend: representations",
        "suspend: mandate_states at commit",
        "ask: request_states",
        "ask: sealed_entries at commit",
        "sign: mandate_records",
        "sign: request_states at commit",
        "publish: template_publications at commit",
    ],
)
@pytest.mark.parametrize("how", ["the connection is killed", "the disk is full"])
async def test_an_act_that_fails_in_the_middle_leaves_nothing(
    shared_race: Race, place: str, how: str
) -> None:
    race = shared_race
    name, table = place.removesuffix(" at commit").split(": ")
    act = await ready(race, name)
    trigger = _AT_COMMIT if place.endswith("at commit") else _AT_ONCE
    before = await everything(race)
    await run_sql(race.url, _DIE if "killed" in how else _REFUSE, trigger.format(table=table))
    answer = await act(race.owner)
    assert problem(answer) == "503 unavailable"
    assert answer.headers["Retry-After"] == "1"
    assert await everything(race) == before
    await run_sql(race.url, f"DROP TRIGGER die ON {table}")
    again = await act(race.clients[1])
    assert again.status_code in {200, 201}, again.text
    assert await everything(race) != before


class TestLostAnswers:
    """The act is done and its answer lost: 503 again, and a replay finds what was done."""

    @pytest.fixture
    async def proxy(self, race: Race) -> AsyncIterator[tuple[LosingProxy, Organisation]]:
        """A client of a process that reaches the database by way of the proxy."""
        async with AsyncExitStack() as stack:
            # A socket's path is short, which a test's own directory is not.
            directory = Path(stack.enter_context(TemporaryDirectory()))
            proxy = LosingProxy(race.url)
            url = await stack.enter_async_context(proxy.serve(directory))
            database = await stack.enter_async_context(opened(url))
            process = process_on(database, race.world)
            client = await calling(process, race.owner)
            assert (await client.get("/v1/templates")).status_code == 200
            yield proxy, client

    async def lose(self, proxy: tuple[LosingProxy, Organisation], act: Act, table: str) -> None:
        way, client = proxy
        way.losing = f"INSERT INTO {table} ".encode()
        assert problem(await act(client)) == "503 unavailable"
        assert way.lost == 1
        way.losing = None

    async def test_an_issue_is_found_again_by_its_key(
        self, race: Race, proxy: tuple[LosingProxy, Organisation]
    ) -> None:
        act = await ready(race, "issue")
        await self.lose(proxy, act, "idempotency_keys")
        assert await race.count("mandate_records") == 1, "it was committed"
        for client in (proxy[1], race.clients[1]):
            again = await act(client)
            assert again.status_code == 201
            assert again.json()["permissions"] == ["apply"]
        assert await race.count("mandate_records") == 1
        assert await race.count("idempotency_keys") == 2, "of the template and of the mandate"

    async def test_a_last_signature_is_told_with_its_mandate(
        self, race: Race, proxy: tuple[LosingProxy, Organisation]
    ) -> None:
        act = await ready(race, "sign")
        await self.lose(proxy, act, "idempotency_keys")
        after = await everything(race)
        first, second = [await act(client) for client in (proxy[1], race.clients[1])]
        assert (first.status_code, first.json()["status"]) == (201, "issued")
        assert first.json()["mandate_id"] == second.json()["mandate_id"]
        assert await everything(race) == after

    async def test_a_use_is_counted_once(self, race: Race, proxy: tuple[LosingProxy, Organisation]) -> None:
        act = await ready(race, "use")
        await self.lose(proxy, act, "idempotency_keys")
        again = await act(race.owner)
        assert (again.status_code, again.json()["remaining"]) == (201, 1)
        assert await race.count("mandate_events") == 1
        assert await decision(race.owner) == "permit"

    async def test_a_revocation_is_told_as_done(
        self, race: Race, proxy: tuple[LosingProxy, Organisation]
    ) -> None:
        act = await ready(race, "revoke")
        await self.lose(proxy, act, "mandate_endings")
        assert await decision(race.owner) == "deny: revoked"
        again = await act(proxy[1])
        assert problem(again) == "409 already-ended"
        assert again.json()["ended_by"]["type"] == "mandate.revoked"
        assert await race.count("mandate_events") == 1
