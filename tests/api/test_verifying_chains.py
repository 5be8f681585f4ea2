"""Verification through a chain: it names the chain, and no link above may be out of force."""

from datetime import datetime, timedelta

import pytest

from acting import ask, calling, decision, in_short, world_at
from delegating import HOLDERS, grant_on, ids_of, make_chain, status_of
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    PETRONELLA,
    Json,
    Organisation,
    World,
    jws_payload,
    organisation_number,
    person,
    question,
)

STEP = timedelta(minutes=10)


async def act(owner: Organisation, mandate: Json, name: str, body: Json | None = None) -> Json:
    answer = await owner.post(f"/v1/mandates/{mandate['id']}/{name}", body or {"reason": "audit"})
    assert answer.status_code == 201, answer.text
    document: Json = answer.json()
    return document


async def test_each_link_answers_and_names_its_chain(world: World, municipality: Organisation) -> None:
    chain = await make_chain(world, municipality, 5)
    for place, holder in enumerate(HOLDERS):
        answer = await ask(municipality, representative=person(holder, None))
        (permission,) = answer["permissions"]
        assert (answer["decision"], permission["mandate_id"]) == ("permit", chain[place]["id"])
        expected = {"chain": ids_of(chain[: place + 1])} if place else {}
        assert {name: permission[name] for name in ("chain",) if name in permission} == expected
        assert jws_payload(answer["receipt"])["answer"]["permissions"] == [permission]


async def test_the_chain_is_named_in_batches_and_searches(world: World, municipality: Organisation) -> None:
    chain = await make_chain(world, municipality, 3)
    asked = {"questions": [question(municipality, representative=person(HERMAN, None))]}
    (answer,) = (await municipality.post("/v1/verifications/batch", asked)).json()["answers"]
    assert answer["permissions"][0]["chain"] == ids_of(chain)
    search = {"representative": person(HERMAN, None)}
    (item,) = (await municipality.post("/v1/representations/search", search)).json()["items"]
    assert item["permissions"][0]["chain"] == ids_of(chain)


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_suspended_link_suspends_what_is_below(
    world: World, municipality: Organisation, place: int
) -> None:
    chain = await make_chain(world, municipality, 3)
    await act(municipality, chain[place], "suspension")
    for number, mandate in enumerate(chain):
        holder = person(HOLDERS[number], None)
        search = {"representative": holder}
        found = (await municipality.post("/v1/representations/search", search)).json()["items"]
        if number < place:
            assert await decision(municipality, representative=holder) == "permit"
            assert await status_of(municipality, mandate) == "active"
            assert len(found) == 1
        else:
            assert await decision(municipality, representative=holder) == "deny: suspended"
            assert await status_of(municipality, mandate) == "suspended"
            assert found == []
    await act(municipality, chain[place], "resumption")
    assert await decision(municipality, representative=person(HERMAN, None)) == "permit"


async def test_status_is_the_same_in_every_answer(world: World, municipality: Organisation) -> None:
    """Suspended and used up above, in every combination with the same by itself."""
    states: dict[str, Json] = {}
    for above in ("suspension", "uses", None):
        for own in ("suspension", "uses", None):
            chain = await make_chain(world, municipality, 2, exercise={"max_uses": 1})
            for mandate, name, holder in ((chain[1], own, MARIA), (chain[0], above, PAUL)):
                use = {"permission": "apply", "case_ref": "1", "by": person(holder, None)}
                if name is not None:
                    await act(municipality, mandate, name, use if name == "uses" else None)
            states[chain[1]["id"]] = {"above": above, "own": own}
    expected = {
        ("suspension", "suspension"): "suspended",
        ("suspension", "uses"): "used_up",
        ("suspension", None): "suspended",
        ("uses", "suspension"): "suspended",
        ("uses", "uses"): "used_up",
        ("uses", None): "used_up",
        (None, "suspension"): "suspended",
        (None, "uses"): "used_up",
        (None, None): "active",
    }
    asked = await municipality.post("/v1/mandates/status", {"ids": list(states)})
    by_status = {
        status: set(
            ids_of(
                (await municipality.post("/v1/mandates/search", {"status": status, "limit": 100})).json()[
                    "items"
                ]
            )
        )
        for status in ("suspended", "used_up", "active", "revoked", "expired", "not_yet_valid")
    }
    for item in asked.json()["items"]:
        made = states[item["id"]]
        right = expected[made["above"], made["own"]]
        assert item["status"] == right, made
        assert await status_of(municipality, item) == right
        assert [status for status, ids in by_status.items() if item["id"] in ids] == [right], made


async def test_who_finds_what_holds_at_a_time(world: World, municipality: Organisation) -> None:
    chain = await make_chain(world, municipality, 2, exercise={"max_uses": 1})
    before = world.clock().isoformat()
    use = {"permission": "apply", "case_ref": "1", "by": person(PAUL, None)}
    await act(municipality, chain[0], "uses", use)
    for at, expected in ((before, ids_of(chain)), (world.clock().isoformat(), [])):
        found = await municipality.post("/v1/mandates/search", {"valid_at": at})
        assert ids_of(found.json()["items"]) == expected


async def test_uses_count_for_the_mandate_used(world: World, municipality: Organisation) -> None:
    chain = await make_chain(world, municipality, 3, exercise={"max_uses": 2})
    use = {"permission": "apply", "case_ref": "1", "by": person(MARIA, None)}
    assert (await act(municipality, chain[1], "uses", use))["remaining"] == 1
    assert (await act(municipality, chain[1], "uses", use))["remaining"] == 0
    assert await decision(municipality) == "permit"
    assert await decision(municipality, representative=person(MARIA, None)) == "deny: used_up"
    assert await decision(municipality, representative=person(HERMAN, None)) == "deny: used_up"


async def test_nobody_uses_it_while_a_link_above_is_suspended(
    world: World, municipality: Organisation
) -> None:
    chain = await make_chain(world, municipality, 3)
    await act(municipality, chain[0], "suspension")
    use = {"permission": "apply", "case_ref": "1", "by": person(HERMAN, None)}
    answer = await municipality.post(f"/v1/mandates/{chain[2]['id']}/uses", use)
    assert answer.status_code == 409


async def test_at_other_times_and_by_what_was_known(world: World) -> None:
    start = datetime.fromisoformat("2026-03-01T08:00:00+00:00")
    still = world_at(world, start)
    owner = await still.organisation()
    chain = await make_chain(still, owner, 3)
    still.clock.advance(minutes=10)
    await act(owner, chain[0], "suspension")
    still.clock.advance(minutes=10)
    await act(owner, chain[1], "revocation", {"by": "third_party", "reason": "over"})
    still.clock.advance(minutes=10)
    owner = await calling(still, owner)
    leaf = {"representative": person(HERMAN, None)}
    known = {f"{at}": start + at * STEP for at in (0.5, 1.5, 2.5)}
    assert await decision(owner, **leaf) == "deny: revoked"
    for at, expected in (("0.5", "permit"), ("1.5", "deny: suspended"), ("2.5", "deny: revoked")):
        moment = known[at].isoformat()
        assert await decision(owner, **leaf, at=moment) == expected
        assert await decision(owner, **leaf, at=moment, known_at=moment) == expected
    # What was recorded later was not known then.
    assert await decision(owner, **leaf, at=known["2.5"].isoformat(), known_at=known["1.5"].isoformat()) == (
        "deny: suspended"
    )
    before = (start - STEP).isoformat()
    assert await decision(owner, **leaf, known_at=before) == "deny: no_mandate"


async def test_it_ends_with_its_time(world: World) -> None:
    still = world_at(world, datetime.fromisoformat("2026-03-01T08:00:00+00:00"))
    owner = await still.organisation()
    chain = await make_chain(still, owner, 2)
    still.clock.advance(days=365)
    owner = await calling(still, owner)
    assert await decision(owner, representative=person(MARIA, None)) == "deny: expired"
    assert await status_of(owner, chain[1]) == "expired"


class TestTogether:
    """Those who have to act together, on the mandate itself and on what was granted on."""

    async def test_enough_holders_of_the_same_link(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(
            municipality, delegation={"max_depth": 1}, exercise={"together": 2}
        )
        root = await world.issue(municipality, template, representatives=[person(PAUL), person(MARIA)])
        below = await grant_on(world, municipality, root, HERMAN, PETRONELLA, by=(PAUL, MARIA))
        cases = [
            (PAUL, [MARIA], "permit"),
            (HERMAN, [PETRONELLA], "permit"),
            (HERMAN, [], "conditional: joint_exercise_required"),
            (HERMAN, [PAUL], "conditional: joint_exercise_required"),
            (PAUL, [PETRONELLA], "conditional: joint_exercise_required"),
        ]
        for first, others, expected in cases:
            answer = await ask(
                municipality,
                representative=person(first, None),
                representatives=[person(other, None) for other in others],
            )
            assert in_short(answer) == expected, (first, others)
            (permission,) = answer["permissions"]
            assert permission.get("chain", []) == (ids_of([root, below]) if first == HERMAN else [])

    async def test_a_search_says_that_it_takes_more(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(
            municipality, delegation={"max_depth": 1}, exercise={"together": 2}
        )
        root = await world.issue(municipality, template, representatives=[person(PAUL), person(MARIA)])
        await grant_on(world, municipality, root, HERMAN, PETRONELLA, by=(PAUL, MARIA))
        search = {"representative": person(HERMAN, None)}
        (item,) = (await municipality.post("/v1/representations/search", search)).json()["items"]
        assert item["permissions"][0]["reasons"] == ["joint_exercise_required"]


async def test_a_form_is_prefilled_with_the_principals_own_details(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality, delegation={"max_depth": 1})
    company = {"scheme": "se-orgnr", "value": organisation_number(), "name": "TB Ålyckan AB"}
    agency = {"scheme": "se-orgnr", "value": organisation_number(), "name": "Byrån AB"}

    def stated(form: str) -> Json:
        rule = {"alternatives": [{"any_of": [person(BERI, None)], "count": 1}]}
        return {"principal_details": {"form": form, "signatory_rule": rule, "source": "Bolagsverket"}}

    root = await world.issue(
        municipality, template, BERI, principal=company, representatives=[agency], **stated("aktiebolag")
    )
    await grant_on(world, municipality, root, PAUL, by=(BERI,), **stated("handelsbolag"))
    search = {"representative": person(PAUL, None)}
    (item,) = (await municipality.post("/v1/representations/search", search)).json()["items"]
    assert item["principal"] == company
    assert item["principal_details"] == {"form": "aktiebolag", "source": "Bolagsverket"}
