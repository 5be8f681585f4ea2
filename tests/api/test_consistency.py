"""`at_least`: an answer is never older than a state that the caller has seen; only our own tokens count."""

import asyncio
from dataclasses import replace

import pytest

from acting import ask, count_rows, faults, in_short, problem
from factories import Json, Organisation, World, question
from registry.signing.consistency import Position, consistency_token, read_consistency_token

AHEAD = 10**15


async def position(world: World) -> Position:
    return await world.database.position()


async def test_every_answer_gives_a_token_that_is_honoured(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    mandate = await world.issue(municipality, template)
    tokens = [mandate["consistency_token"]]
    address = f"/v1/mandates/{mandate['id']}"
    tokens.append((await municipality.get(address)).json()["consistency_token"])
    tokens.append((await ask(municipality))["consistency_token"])
    batch = await municipality.post("/v1/verifications/batch", {"questions": [question(municipality)]})
    tokens.append(batch.json()["answers"][0]["consistency_token"])
    revoked = await municipality.post(f"{address}/revocation", {"by": "third_party", "reason": "over"})
    tokens.append(revoked.json()["consistency_token"])
    seen = [read_consistency_token(token, world.keys) for token in tokens]
    assert [item.lsn for item in seen] == sorted(item.lsn for item in seen), "never back in time"
    assert {item.system_id for item in seen} == {world.database.system_id}
    for token in tokens:
        answer = await ask(municipality, at_least=token)
        assert in_short(answer) == "deny: revoked"
        assert read_consistency_token(answer["consistency_token"], world.keys).lsn >= seen[-1].lsn


async def wrong_tokens(world: World) -> dict[str, str]:
    here = await position(world)
    good = consistency_token(here, world.keys)
    flipped = ("B" if good[0] == "A" else "A") + good[1:]
    return {
        "no token": "now",
        "empty": "",
        "flipped": flipped,
        "cut": good[:-1],
        "of another registry": consistency_token(here, replace(world.keys, token=b"t" * 32)),
        "of another database system": consistency_token(
            replace(here, system_id=here.system_id ^ 1), world.keys
        ),
    }


@pytest.mark.parametrize(
    "kind", ["no token", "empty", "flipped", "cut", "of another registry", "of another database system"]
)
async def test_what_this_registry_did_not_give_is_refused(
    world: World, municipality: Organisation, kind: str
) -> None:
    body = question(municipality, at_least=(await wrong_tokens(world))[kind])
    answer = await municipality.post("/v1/verifications", body)
    assert faults(answer) == {("/at_least", "consistency_token")}
    batch = await municipality.post("/v1/verifications/batch", {"questions": [question(municipality), body]})
    assert faults(batch) == {("/questions/1/at_least", "consistency_token")}


@pytest.fixture
async def from_the_future(world: World) -> str:
    """A token of a state that this database has not reached, as after a restore from a backup."""
    here = await position(world)
    return consistency_token(replace(here, lsn=here.lsn + AHEAD), world.keys)


async def test_a_state_that_is_not_reached_gives_no_answer(
    world: World, municipality: Organisation, from_the_future: str
) -> None:
    template = await world.publish_template(municipality)
    await world.issue(municipality, template)
    before = await count_answers(world, municipality)
    ahead: Json = question(municipality, at_least=from_the_future)
    answer = await municipality.post("/v1/verifications", ahead)
    assert problem(answer) == "503 unavailable"
    assert answer.headers["Retry-After"] == "1"
    assert "permit" not in answer.text
    assert await count_answers(world, municipality) == before, "nothing was answered"
    batch = await municipality.post("/v1/verifications/batch", {"questions": [question(municipality), ahead]})
    assert problem(batch) == "503 unavailable"
    assert "permit" not in batch.text


async def test_it_keeps_nobody_elses_question_from_an_answer(
    world: World, municipality: Organisation, from_the_future: str
) -> None:
    """Questions in flight together are looked up together; each is judged by itself."""
    template = await world.publish_template(municipality)
    await world.issue(municipality, template)
    asked = [
        question(municipality, purpose=f"{number}", at_least=from_the_future if number % 5 == 2 else None)
        for number in range(40)
    ]
    answers = await asyncio.gather(*(municipality.post("/v1/verifications", body) for body in asked))
    assert [answer.status_code for answer in answers] == [
        503 if number % 5 == 2 else 200 for number in range(40)
    ]
    assert {answer.json()["decision"] for answer in answers if answer.status_code == 200} == {"permit"}


async def test_reading_writes_no_record(world: World, municipality: Organisation) -> None:
    before = await count_rows(world)
    await ask(municipality)
    assert await count_rows(world) == before


async def count_answers(world: World, owner: Organisation) -> int:
    rows = await world.database.fetch_hot(
        "SELECT count(*) AS n FROM access_log WHERE client_id = $1 AND decision IS NOT NULL", owner.client_id
    )
    return int(rows[0]["n"])
