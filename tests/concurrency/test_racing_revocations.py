"""Of many racing revocations one wins; once it is acknowledged, nobody is told `permit` any more."""

import asyncio
from collections import Counter

import httpx

from acting import in_short, problem, verified
from concurrency.racing import Race
from factories import BERI, PAUL, Json, Organisation, question

RACERS = 50
BODY = {"by": "third_party", "reason": "over"}


def address(mandate: Json, act: str = "revocation") -> str:
    return f"/v1/mandates/{mandate['id']}/{act}"


def only_winner(answers: list[httpx.Response]) -> Json:
    """The one that was done; every other names it."""
    done = [answer for answer in answers if answer.status_code == 201]
    assert len(done) == 1
    winner: Json = done[0].json()
    for answer in answers:
        if answer is not done[0]:
            assert problem(answer) == "409 already-ended"
            assert answer.json()["ended_by"] == {
                "event_id": winner["event_id"],
                "type": winner["type"],
                "at": winner["at"],
            }
    return winner


async def test_exactly_one_of_fifty_wins_and_the_rest_are_told_of_it(race: Race) -> None:
    mandate = await race.mandate()
    proofs = {
        "principal": race.world.id_token(BERI, race.owner.client_id),
        "representative": race.world.id_token(PAUL, race.owner.client_id),
    }

    async def revoke(number: int) -> httpx.Response:
        role = ("third_party", "principal", "representative")[number % 3]
        headers = {"Id_Token": proofs[role]} if role in proofs else {}
        return await race.client(number).post(address(mandate), BODY | {"by": role}, **headers)

    winner = only_winner(await asyncio.gather(*(revoke(number) for number in range(RACERS))))
    assert await race.count("mandate_events") == 1
    assert await race.count("mandate_endings") == 1
    events = (await race.owner.get(address(mandate, "events"))).json()["items"]
    assert events[1]["id"] == winner["event_id"]
    sealed = await verified(race.world, events[1]["sealed"], "mandate-event+jwt")
    assert sealed["by"]["role"] == winner["by"]


async def test_revocations_of_different_mandates_do_not_wait_for_each_other(race: Race) -> None:
    template = await race.world.publish_template(race.owner)
    mandates = [
        await race.world.issue(race.owner, template, external_ref=f"{number}", permissions=permissions)
        for number, permissions in enumerate((["apply"], ["follow"], ["apply", "follow"]))
    ]
    answers = await asyncio.gather(
        *(race.client(number).post(address(mandates[number % 3]), BODY) for number in range(12))
    )
    for mandate in mandates:
        only_winner([a for n, a in enumerate(answers) if mandates[n % 3] is mandate])


async def test_suspensions_and_a_revocation(race: Race) -> None:
    mandate = await race.mandate()
    calls = [
        race.client(number).post(address(mandate, act), BODY if act == "revocation" else {"reason": "audit"})
        for number, act in enumerate(["suspension", "resumption", "revocation"] * 6)
    ]
    answers = await asyncio.gather(*calls)
    only_winner([answers[number] for number in range(2, 18, 3)])
    others = [answer for number, answer in enumerate(answers) if number % 3 != 2]
    kinds = Counter("201" if answer.status_code == 201 else problem(answer) for answer in others)
    assert set(kinds) <= {"201", "409 mandate-over", "409 suspension-conflict"}
    events = (await race.owner.get(address(mandate, "events"))).json()["items"]
    types = [event["type"].removeprefix("mandate.") for event in events]
    assert types[0] == "issued"
    assert types[-1] == "revoked", "nothing happens after the end"
    turns = types[1:-1]
    assert turns == (["suspended", "resumed"] * len(turns))[: len(turns)]
    assert kinds["201"] == len(turns)
    assert [event["number"] for event in events] == list(range(len(events)))


class Watch:
    """Verifiers that ask all the time, and whether a question began after the acknowledgement."""

    def __init__(self, race: Race) -> None:
        self.race = race
        self.is_busy = asyncio.Event()
        self.acknowledged = asyncio.Event()
        self.answers: Counter[tuple[bool, str]] = Counter()

    async def ask_one(self, client: Organisation) -> list[Json]:
        answer = await client.post("/v1/verifications", question(client))
        assert answer.status_code == 200, answer.text
        return [answer.json()]

    async def ask_many(self, client: Organisation) -> list[Json]:
        answer = await client.post("/v1/verifications/batch", {"questions": [question(client)] * 20})
        assert answer.status_code == 200, answer.text
        answers: list[Json] = answer.json()["answers"]
        return answers

    async def verify(self, number: int) -> None:
        client = self.race.client(number)
        ask = self.ask_many if number % 4 == 3 else self.ask_one
        after = 0
        while after < 3:
            began_after = self.acknowledged.is_set()
            for answer in await ask(client):
                self.answers[began_after, in_short(answer)] += 1
            after += began_after
            if self.answers[False, "permit"] >= 20:
                self.is_busy.set()

    async def revoke(self, mandate: Json) -> None:
        await self.is_busy.wait()
        answer = await self.race.clients[1].post(address(mandate), BODY)
        assert answer.status_code == 201
        self.acknowledged.set()


async def test_no_verification_that_began_after_the_acknowledgement_permits(race: Race) -> None:
    template = await race.world.publish_template(race.owner)
    for _ in range(2):
        mandate = await race.world.issue(race.owner, template)
        watch = Watch(race)
        async with asyncio.timeout(60):
            await asyncio.gather(watch.revoke(mandate), *(watch.verify(number) for number in range(12)))
        after = {kind for began_after, kind in watch.answers if began_after}
        assert after == {"deny: revoked"}
        assert watch.answers[False, "permit"] >= 20, "they did ask before, too"


async def test_verifications_in_flight_all_have_their_rows(race: Race) -> None:
    await race.mandate()
    before = await race.count("access_log", "decision IS NOT NULL")
    answers = await asyncio.gather(
        *(
            race.client(number).post("/v1/verifications", question(race.owner, purpose=f"{number}"))
            for number in range(100)
        )
    )
    assert {answer.json()["decision"] for answer in answers} == {"permit"}
    assert await race.count("access_log", "decision IS NOT NULL") == before + 100
