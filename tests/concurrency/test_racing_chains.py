"""Granting on while what is above ends: there is never an active mandate below one that has ended."""

import asyncio
from collections import Counter

import httpx
import pytest

from acting import faults, problem
from concurrency.racing import Race
from delegating import HOLDERS, grant_on, ids_of, make_chain, sub_body
from factories import HERMAN, PAUL, PETRONELLA, TEST_PERSSON, Json, person, question

BODY = {"by": "third_party", "reason": "over"}

# What stands although something above it has ended.
ORPHANS = """ancestors IS NOT NULL AND ended_at IS NULL AND EXISTS (
    SELECT FROM mandate_states AS a
    WHERE a.mandate_id = ANY (mandate_states.ancestors) AND a.ended_at IS NOT NULL)"""


def address(mandate: Json, act: str = "revocation") -> str:
    return f"/v1/mandates/{mandate['id']}/{act}"


@pytest.mark.parametrize("place", [0, 1])
async def test_granting_on_against_ending_what_is_above(race: Race, place: int) -> None:
    """Of each race one wins: what was granted on first ends too, and is listed; else it is refused."""
    for turn in range(3):
        chain = await make_chain(race.world, race.owner, 2, delegation={"max_depth": 2})
        bodies = [
            await race.world.sign(race.owner, sub_body(chain[1], holder), HOLDERS[1])
            for holder in (HERMAN, PETRONELLA, TEST_PERSSON)
        ]
        calls = [race.client(n).post("/v1/mandates", body) for n, body in enumerate(bodies)]
        calls.insert(turn % 4, race.clients[turn % 2].post(address(chain[place]), BODY))
        answers = list(await asyncio.gather(*calls))
        ended = answers.pop(turn % 4)
        assert ended.status_code == 201, ended.text
        granted = [answer.json()["id"] for answer in answers if answer.status_code == 201]
        for answer in answers:
            if answer.status_code != 201:
                assert faults(answer) == {("/parent", "parent_over")}
        below = ids_of(chain[place + 1 :])
        assert sorted(ended.json()["also_ended"]) == sorted([*below, *granted])
        assert await race.count("mandate_states", ORPHANS) == 0
    assert await race.count("mandate_states", "ended_at IS NULL") == 3 * place


async def test_ending_every_link_at_once(race: Race) -> None:
    """Each ends once, whoever came first, and nobody waits for another in a circle."""
    chain = await make_chain(race.world, race.owner, 5)
    order = [4, 0, 2, 1, 3] * 4
    answers = await asyncio.gather(
        *(race.client(number).post(address(chain[link]), BODY) for number, link in enumerate(order))
    )
    kinds = {"201" if answer.status_code == 201 else problem(answer) for answer in answers}
    assert kinds <= {"201", "409 already-ended"}
    done = [answer.json() for answer in answers if answer.status_code == 201]
    ended = [mandate_id for item in done for mandate_id in (item["mandate_id"], *item["also_ended"])]
    assert sorted(ended) == sorted(ids_of(chain))
    assert await race.count("mandate_endings") == 5
    assert await race.count("mandate_events") == 5


async def test_uses_below_against_the_end_above(race: Race) -> None:
    """No use is recorded after the end, nor under a mandate that had ended."""
    chain = await make_chain(race.world, race.owner, 3)
    use = {"permission": "apply", "case_ref": "1", "by": person(HOLDERS[2], None)}

    async def act(number: int) -> httpx.Response:
        if number == 10:
            return await race.clients[0].post(address(chain[0]), BODY)
        return await race.client(number).post(address(chain[2], "uses"), use)

    answers = await asyncio.gather(*(act(number) for number in range(20)))
    assert answers[10].status_code == 201
    uses = [answer for number, answer in enumerate(answers) if number != 10]
    kinds = Counter("201" if answer.status_code == 201 else problem(answer) for answer in uses)
    assert set(kinds) <= {"201", "409 mandate-over"}
    events = (await race.owner.get(address(chain[2], "events"))).json()["items"]
    assert [event["type"] for event in events[1:]] == ["mandate.used"] * kinds["201"] + ["mandate.revoked"]


async def test_replacing_the_parent_against_granting_on(race: Race) -> None:
    """Both hold what the other waits for, unless all take their locks in one order."""
    for _ in range(2):
        (root,) = await make_chain(race.world, race.owner, 1, delegation={"max_depth": 1})
        successor = await race.world.sign(
            race.owner,
            sub_body(root, PAUL, parent=None, supersedes=root["id"]),
            root["principal"]["value"],
        )
        lower = [
            await race.world.sign(race.owner, sub_body(root, holder), PAUL)
            for holder in (HERMAN, PETRONELLA, TEST_PERSSON)
        ]
        calls = [race.client(n).post("/v1/mandates", body) for n, body in enumerate([*lower, successor])]
        *granted, replaced = await asyncio.gather(*calls)
        assert replaced.status_code == 201, replaced.text
        issued = [answer.json()["id"] for answer in granted if answer.status_code == 201]
        assert sorted(replaced.json()["also_ended"]) == sorted(issued)
        assert await race.count("mandate_states", ORPHANS) == 0


async def test_once_acknowledged_nobody_below_is_permitted(race: Race) -> None:
    for _ in range(2):
        (root,) = await make_chain(race.world, race.owner, 1)
        below = await grant_on(race.world, race.owner, root, HERMAN)
        asked = question(race.owner, representative=person(HERMAN, None))
        acknowledged = asyncio.Event()
        seen: Counter[tuple[bool, str]] = Counter()

        async def watch(
            number: int,
            asked: Json = asked,
            acknowledged: asyncio.Event = acknowledged,
            seen: Counter[tuple[bool, str]] = seen,
        ) -> None:
            after = 0
            while after < 3:
                began_after = acknowledged.is_set()
                answer = (await race.client(number).post("/v1/verifications", asked)).json()
                seen[began_after, answer["decision"]] += 1
                after += began_after

        async def end(mandate: Json = root, acknowledged: asyncio.Event = acknowledged) -> httpx.Response:
            answer = await race.clients[1].post(address(mandate), BODY)
            acknowledged.set()
            return answer

        async with asyncio.timeout(60):
            answers = await asyncio.gather(end(), *(watch(number) for number in range(6)))
        assert isinstance(answers[0], httpx.Response)
        assert answers[0].json()["also_ended"] == [below["id"]]
        assert {kind for began_after, kind in seen if began_after} == {"deny"}
