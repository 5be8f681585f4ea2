"""The access log: each answer stands in it before it is given; where it cannot be written, none is given."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson
import pytest

from acting import ask, calling, canonical, problem, process_on
from conftest import CloneDatabase, opened, run_sql
from factories import BERI, PAUL, Json, Organisation, World, jws_payload, person, question
from registry.domain.documents import utc_time
from registry.domain.parties import Party, Scheme
from registry.domain.verification import RULES_VERSION
from registry.signing.encryption import DecryptionError, decrypt
from registry.signing.keys import KeyRing
from registry.storage.access_log import access_place, month_secret_id, persons_digest
from registry.storage.secrets import get_secret

_RAISES = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
CREATE TRIGGER fail BEFORE INSERT ON access_log FOR EACH ROW EXECUTE FUNCTION fail()
"""
_ENTRY = "SELECT * FROM access_log WHERE id = $1::text::uuid"


async def entry(world: World, audit_id: str) -> Any:  # noqa: ANN401  # an asyncpg row
    rows = await world.database.fetch_hot(_ENTRY, audit_id)
    assert len(rows) == 1
    return rows[0]


async def details(world: World, row: Any) -> Json:  # noqa: ANN401  # an asyncpg row
    """What the entry holds, decrypted."""
    async with world.database.reading() as session:
        secret = await get_secret(session, world.keys, row["secret_id"])
    assert secret is not None
    document: Json = orjson.loads(decrypt(secret.data_key, row["ciphertext"], access_place(row)))
    with pytest.raises(DecryptionError):
        decrypt(secret.data_key, row["ciphertext"], access_place(dict(row.items()) | {"client_id": "other"}))
    return document


async def test_an_answer_stands_in_the_log_under_its_receipts_id(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    await world.issue(municipality, template)
    for asked, decision in (
        (question(municipality), "permit"),
        (question(municipality, representative=person(BERI, None), principal=person(PAUL, None)), "deny"),
    ):
        answer = (await municipality.post("/v1/verifications", asked)).json()
        receipt = jws_payload(answer["receipt"])
        row = await entry(world, receipt["jti"])
        assert row["at"] == utc_time(answer["checked_at"])
        assert (row["client_id"], row["operation"]) == (municipality.client_id, "verification")
        assert (row["decision"], row["rules_version"]) == (decision, RULES_VERSION)
        assert row["secret_id"] == month_secret_id(row["at"])
        assert await details(world, row) == {"question": asked, "answer": receipt["answer"]}


async def test_no_identifier_stands_in_clear(world: World, municipality: Organisation) -> None:
    answer = await ask(municipality, principal=person(BERI, "Beri Ylles"))
    row = await entry(world, jws_payload(answer["receipt"])["jti"])
    shown = repr(dict(row.items())).encode() + bytes(row["ciphertext"])
    for personal in (BERI, PAUL, "Ylles", "2026-114"):
        assert personal.encode() not in shown
    assert row["principal_index"] != row["representative_index"]
    assert b"Ylles" in canonical(await details(world, row))


async def test_searches_of_a_persons_powers_are_logged_with_what_was_found(
    world: World, municipality: Organisation
) -> None:
    mandate = await world.issue(municipality, await world.publish_template(municipality))
    asked = {"representative": person(PAUL, None), "purpose": "log in", "limit": 7}
    assert (await municipality.post("/v1/representations/search", asked)).status_code == 200
    rows = await world.database.fetch_hot(
        "SELECT * FROM access_log WHERE client_id = $1 AND operation = 'representation_search'",
        municipality.client_id,
    )
    assert len(rows) == 1
    shown = persons_digest([world.keys.party_index(Party(Scheme.SE_PNR, BERI))])
    assert await details(world, rows[0]) == asked | {"found": [mandate["id"]], "persons_digest": shown}


async def test_a_month_has_a_key_of_its_own(world: World, municipality: Organisation) -> None:
    answers = []
    for month in (1, 2):
        own = process_on(world.database, world)
        own.clock.fixed = datetime(2031, month, 1, tzinfo=UTC)
        answers.append(await ask(await calling(own, municipality)))
    rows = [await entry(world, jws_payload(answer["receipt"])["jti"]) for answer in answers]
    assert rows[0]["secret_id"] != rows[1]["secret_id"]
    for row in rows:
        assert (await details(world, row))["question"]["purpose"] == "submission 2026-114"


class TestWithoutAnAudit:
    """Promise I13: where the audit cannot be written, the answer is 503."""

    @pytest.fixture
    async def place(self, clone_database: CloneDatabase, keys: KeyRing) -> AsyncIterator[tuple[str, World]]:
        url = await clone_database()
        async with opened(url) as database:
            yield url, World(database, keys)

    @pytest.fixture
    async def owner(self, place: tuple[str, World]) -> Organisation:
        _, world = place
        owner = await world.organisation()
        await world.issue(owner, await world.publish_template(owner))
        assert (await ask(owner))["decision"] == "permit"
        return owner

    CALLS = {  # noqa: RUF012  # read only
        "one": "/v1/verifications",
        "batch": "/v1/verifications/batch",
        "search": "/v1/representations/search",
    }

    async def refused(self, owner: Organisation) -> None:
        bodies: dict[str, Json] = {
            "one": question(owner),
            "batch": {"questions": [question(owner)] * 3},
            "search": {"representative": person(PAUL, None)},
        }
        for name, path in self.CALLS.items():
            answer = await owner.post(path, bodies[name])
            assert problem(answer) == "503 unavailable"
            assert answer.headers["Retry-After"] == "1"
            assert "permit" not in answer.text

    @pytest.mark.parametrize(
        "obstacle",
        [
            _RAISES,
            "REVOKE INSERT ON access_log FROM registry_app",
            "ALTER TABLE access_log RENAME TO elsewhere",
            "ALTER TABLE access_log ADD CONSTRAINT never CHECK (false) NOT VALID",
        ],
        ids=["a trigger raises", "no right to insert", "no table", "a constraint fails"],
    )
    async def test_whatever_keeps_it_from_being_written(
        self, place: tuple[str, World], owner: Organisation, obstacle: str
    ) -> None:
        await run_sql(place[0], obstacle)
        await self.refused(owner)

    async def test_a_missing_key_of_the_month(self, place: tuple[str, World], owner: Organisation) -> None:
        url, world = place
        await run_sql(url, "REVOKE INSERT ON erasable_secrets FROM registry_app")
        own = process_on(world.database, world)
        own.clock.fixed = datetime(2031, 1, 1, tzinfo=UTC)
        await self.refused(await calling(own, owner))

    async def test_a_closed_pool(self, place: tuple[str, World], owner: Organisation) -> None:
        _, world = place
        await world.database.hot.close()
        assert problem(await owner.post("/v1/verifications", question(owner))) == "503 unavailable"

    async def test_it_works_again_when_the_obstacle_is_gone(
        self, place: tuple[str, World], owner: Organisation
    ) -> None:
        url, world = place
        await run_sql(url, "REVOKE INSERT ON access_log FROM registry_app")
        await self.refused(owner)
        await run_sql(url, "GRANT INSERT ON access_log TO registry_app")
        answer = await ask(owner)
        assert answer["decision"] == "permit"
        await entry(world, jws_payload(answer["receipt"])["jti"])

    async def test_an_audit_that_is_lost_with_its_connection(
        self, place: tuple[str, World], owner: Organisation
    ) -> None:
        """Killed in the middle of writing the row: no answer, and no row either."""
        url, _ = place
        await run_sql(
            url,
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ "
            "BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$",
            "CREATE TRIGGER die BEFORE INSERT ON access_log FOR EACH ROW EXECUTE FUNCTION die()",
        )
        before = await self.count(url)
        await self.refused(owner)
        assert await self.count(url) == before

    async def count(self, url: str) -> int:
        connection = await asyncpg.connect(url)
        try:
            return int(await connection.fetchval("SELECT count(*) FROM access_log"))
        finally:
            await connection.close()
