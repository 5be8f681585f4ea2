"""What restrictions do: they win over every mandate, in verification, batches and searches, and for uses."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from acting import ask, calling, decision, in_short, problem, verified, world_at
from api.test_restrictions import impose, lift
from asking import company, two_jointly_or_one_alone
from delegating import grant_on, make_chain
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    PETRONELLA,
    TEST_PERSSON,
    Json,
    Organisation,
    World,
    mandate_body,
    person,
    question,
    template_body,
)
from registry.domain.documents import utc_text

START = datetime(2026, 11, 21, 9, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
USE: Json = {"permission": "apply", "case_ref": "2026-114", "by": person(PAUL, None)}


@pytest.fixture
async def mandate(world: World, municipality: Organisation) -> Json:
    return await world.issue(municipality, await world.publish_template(municipality))


@pytest.mark.usefixtures("mandate")
async def test_restricted_is_the_only_reason_and_the_receipt_says_so(
    world: World, municipality: Organisation
) -> None:
    imposed = await impose(municipality)
    answer = await ask(municipality, permissions=["apply", "follow", "unheard-of"])
    assert in_short(answer) == "deny: restricted"
    assert {in_short(item) for item in answer["permissions"]} == {"deny: restricted"}
    assert all("mandate_id" not in item for item in answer["permissions"])
    receipt = await verified(world, answer["receipt"], "mandate-receipt+jwt")
    assert receipt["answer"]["reasons"] == ["restricted"]
    assert "protected" not in str(answer)
    assert await lift(municipality, imposed) == "201"
    assert await decision(municipality) == "permit"


@pytest.mark.usefixtures("mandate")
async def test_each_question_of_a_batch_by_itself(municipality: Organisation, world: World) -> None:
    template = await world.publish_template(municipality)
    await world.issue(municipality, template, principal=person(HERMAN), permissions=["apply"])
    await impose(municipality)
    asked = [question(municipality), question(municipality, principal=person(HERMAN, None))] * 2
    answer = await municipality.post("/v1/verifications/batch", {"questions": asked})
    assert [in_short(item) for item in answer.json()["answers"]] == ["deny: restricted", "permit"] * 2


@pytest.mark.usefixtures("mandate")
async def test_one_representative_is_blocked_and_not_another(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    await world.issue(municipality, template, representatives=[person(MARIA, "Maria Johansson")])
    await impose(municipality, scope="representative", representative=person(PAUL))
    assert await decision(municipality) == "deny: restricted"
    assert await decision(municipality, representative=person(MARIA, None)) == "permit"


async def test_one_of_those_who_act_together_is_blocked(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality, exercise={"together": 2})
    pair = [person(PAUL), person(TEST_PERSSON)]
    await world.issue(municipality, template, representatives=pair)
    both = {"representatives": [person(TEST_PERSSON, None)]}
    assert await decision(municipality, **both) == "permit"
    await impose(municipality, scope="representative", representative=person(TEST_PERSSON))
    assert await decision(municipality, **both) == "deny: restricted"
    assert await decision(municipality) == "conditional: joint_exercise_required"


async def test_enough_others_act_together_without_the_blocked_one(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality, exercise={"together": 2})
    holders = [person(PAUL), person(TEST_PERSSON), person(MARIA)]
    await world.issue(municipality, template, representatives=holders)
    await impose(municipality, scope="representative", representative=person(TEST_PERSSON))
    others = [person(TEST_PERSSON, None), person(MARIA, None)]
    assert await decision(municipality, representatives=others) == "permit"
    assert await decision(municipality, representatives=others[1:]) == "permit"
    assert await decision(municipality, representatives=others[:1]) == "deny: restricted"
    blocked = {"representative": others[0], "representatives": [person(PAUL, None), others[1]]}
    assert await decision(municipality, **blocked) == "deny: restricted"


async def test_below_it_blocks_what_the_blocked_one_granted_on(
    world: World, municipality: Organisation
) -> None:
    """Two guardians hold a mandate; what the other one granted on stands."""
    template = await world.publish_template(municipality, delegation={"max_depth": 1})
    pair = [person(PAUL, "Paul Ingemar Vall"), person(MARIA, "Maria Johansson")]
    parent = await world.issue(municipality, template, representatives=pair)
    of_paul = await grant_on(world, municipality, parent, HERMAN, by=[PAUL])
    await grant_on(world, municipality, parent, TEST_PERSSON, by=[MARIA])
    await impose(municipality, scope="representative", representative=pair[0])
    decisions = {
        number: await decision(municipality, representative=person(number, None))
        for number in (PAUL, MARIA, HERMAN, TEST_PERSSON)
    }
    restricted, permit = "deny: restricted", "permit"
    assert list(decisions.values()) == [restricted, permit, restricted, permit]
    assert await represented(municipality, HERMAN) == []
    assert await represented(municipality, TEST_PERSSON) == [BERI]
    for use_of, by in ((of_paul, HERMAN), (parent, PAUL)):
        body = USE | {"by": person(by, None)}
        refused = await municipality.post(f"/v1/mandates/{use_of['id']}/uses", body)
        assert problem(refused) == "409 restricted"
    used = await municipality.post(f"/v1/mandates/{parent['id']}/uses", USE | {"by": person(MARIA, None)})
    assert used.status_code == 201


async def test_an_organisation_grants_on_by_its_signatories(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(
        municipality, delegation={"max_depth": 1}, representative_types=["person", "organisation"]
    )
    holders = [company(), person(PAUL, "Paul Ingemar Vall")]
    parent = await world.issue(municipality, template, representatives=holders)
    details = {"principal_details": two_jointly_or_one_alone()}
    await grant_on(world, municipality, parent, TEST_PERSSON, by=[PETRONELLA], **details)
    await grant_on(world, municipality, parent, MARIA, by=[PAUL])
    for blocked, expected in ((0, {"deny: restricted", "permit"}), (1, {"permit", "deny: restricted"})):
        imposed = await impose(municipality, scope="representative", representative=holders[blocked])
        below = [
            await decision(municipality, representative=person(number, None))
            for number in (TEST_PERSSON, MARIA)
        ]
        assert (set(below), below[blocked]) == (expected, "deny: restricted")
        await lift(municipality, imposed)


def attested_by_guardian(**changes: Any) -> Json:  # noqa: ANN401  # any member
    """The members of a mandate that Maria signs as a guardian, on paper."""
    attested = {
        "capacity": "guardian",
        "method": "registered",
        "signer": person(MARIA, "Maria Johansson"),
        "signed_at": utc_text(datetime.now(UTC) - timedelta(hours=1)),
        "registrar": {"scheme": "username", "value": "anna.andersson"},
        "evidence": {"format": "statement", "data": "Guardian according to the register."},
    }
    return {"signatures": [attested]} | changes


@pytest.mark.usefixtures("mandate")
async def test_guardians_are_blocked_and_voluntary_mandates_stand(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(
        municipality, signing={"by": "guardian", "methods": ["registered"]}
    )
    body = mandate_body(template, **attested_by_guardian(representatives=[person(MARIA)]))
    issued = await municipality.post("/v1/mandates", body)
    assert issued.status_code == 201, issued.text
    by_maria = {"representative": person(MARIA, None)}
    assert await decision(municipality, **by_maria) == "permit"
    await impose(municipality, scope="guardians")
    assert await decision(municipality, **by_maria) == "deny: restricted"
    assert await decision(municipality) == "permit"
    assert await represented(municipality, MARIA) == []
    assert await represented(municipality, PAUL) == [BERI]
    use = USE | {"by": person(MARIA, None)}
    used = await municipality.post(f"/v1/mandates/{issued.json()['id']}/uses", use)
    assert problem(used) == "409 restricted"


async def test_one_service_is_blocked(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality, services=["oep-a", "oep-b"])
    mandate = await world.issue(municipality, template)
    await impose(municipality, scope="service", service="oep-a")
    assert await decision(municipality, service="oep-a") == "deny: restricted"
    assert await decision(municipality, service="oep-b") == "permit"
    assert await decision(municipality) == "permit"
    assert await represented(municipality, PAUL, service="oep-a") == []
    assert await represented(municipality, PAUL, service="oep-b") == [BERI]
    await impose(municipality, scope="service", service="oep-b")
    assert await decision(municipality) == "deny: restricted"
    used = await municipality.post(f"/v1/mandates/{mandate['id']}/uses", USE)
    assert problem(used) == "409 restricted"


@pytest.mark.usefixtures("mandate")
async def test_a_locked_login_and_a_sealed_record_leave_representatives_alone(
    municipality: Organisation,
) -> None:
    await impose(municipality, scope="record")
    oneself = {"representative": person(BERI, None)}
    assert await decision(municipality, **oneself) == "deny: no_mandate"
    await impose(municipality, scope="own_login")
    assert await decision(municipality, **oneself) == "deny: restricted"
    assert await decision(municipality) == "permit"


@pytest.mark.usefixtures("mandate")
async def test_a_restriction_counts_towards_its_third_party_or_everywhere(
    world: World, municipality: Organisation
) -> None:
    elsewhere = await world.organisation()
    await world.issue(elsewhere, await world.publish_template(elsewhere))
    await impose(municipality)
    assert await decision(elsewhere) == "permit"
    admin = await world.organisation(without=frozenset())
    subject = person(HERMAN, "Herman Ört")
    for owner in (municipality, elsewhere):
        await world.issue(owner, await world.publish_template(owner), principal=subject)
    everywhere = await impose(admin, subject=subject, third_party=None)
    by_herman = {"principal": person(HERMAN, None)}
    assert await decision(elsewhere, **by_herman) == "deny: restricted"
    assert await decision(municipality, **by_herman) == "deny: restricted"
    assert await lift(admin, everywhere) == "201"
    assert await decision(elsewhere, **by_herman) == "permit"


async def test_nobody_learns_of_a_restriction_by_asking_about_a_stranger(
    world: World, municipality: Organisation
) -> None:
    await world.publish_template(municipality)
    await impose(municipality)
    assert await decision(municipality) == "deny: no_mandate"


async def test_a_search_leaves_out_who_is_restricted(municipality: Organisation, mandate: Json) -> None:
    assert await represented(municipality, PAUL) == [BERI]
    imposed = await impose(municipality)
    assert await represented(municipality, PAUL) == []
    used = await municipality.post(f"/v1/mandates/{mandate['id']}/uses", USE)
    assert problem(used) == "409 restricted"
    assert await lift(municipality, imposed) == "201"
    assert await represented(municipality, PAUL) == [BERI]
    assert (await municipality.post(f"/v1/mandates/{mandate['id']}/uses", USE)).status_code == 201


async def represented(owner: Organisation, representative: str, **asked: Any) -> list[str]:  # noqa: ANN401  # any member
    body = {"representative": person(representative, None)} | asked
    answer = await owner.post("/v1/representations/search", body)
    return [item["principal"]["value"] for item in answer.json()["items"]]


class TestPointsInTime:
    @pytest.fixture
    async def owner(self, world: World) -> Organisation:
        own = world_at(world, START)
        owner = await own.organisation()
        times = {"valid_from": utc_text(START), "valid_until": utc_text(START + 100 * DAY)}
        await own.issue(owner, await own.publish_template(owner), **times)
        return owner

    async def at(self, world: World, owner: Organisation, moment: datetime) -> Organisation:
        return await calling(world_at(world, moment), owner)

    async def test_from_until_and_what_was_known(self, world: World, owner: Organisation) -> None:
        period = {"from": utc_text(START + 2 * DAY), "until": utc_text(START + 10 * DAY)}
        imposing = await self.at(world, owner, START + DAY)
        imposed = await impose(imposing, **period)
        for moment, expected in (
            (START + DAY, "permit"),
            (START + 2 * DAY - TICK, "permit"),
            (START + 2 * DAY, "deny: restricted"),
            (START + 10 * DAY - TICK, "deny: restricted"),
            (START + 10 * DAY, "permit"),
        ):
            assert await decision(await self.at(world, owner, moment)) == expected
            assert await decision(imposing, at=utc_text(moment)) == expected
        assert await decision(imposing, at=utc_text(START + 5 * DAY), known_at=utc_text(START)) == "permit"
        lifting = await self.at(world, owner, START + 4 * DAY)
        assert await lift(lifting, imposed) == "201"
        assert await decision(lifting) == "permit"
        assert await decision(lifting, at=utc_text(START + 3 * DAY)) == "deny: restricted"
        before = utc_text(START + 4 * DAY - TICK)
        assert await decision(lifting, at=utc_text(START + 5 * DAY), known_at=before) == "deny: restricted"

    async def test_imposed_and_lifted_by_a_clock_that_runs_ahead(
        self, world: World, owner: Organisation
    ) -> None:
        ahead = await self.at(world, owner, START + 30 * timedelta(seconds=1))
        behind = await self.at(world, owner, START)
        assert await decision(behind) == "permit"
        imposed = await impose(ahead)
        assert await decision(behind) == "deny: restricted"
        assert await represented(behind, PAUL) == []
        assert await lift(ahead, imposed) == "201"
        assert await decision(behind) == "permit"


class TestChains:
    @pytest.fixture
    async def chain(self, world: World, municipality: Organisation) -> list[Json]:
        return await make_chain(world, municipality, 3)

    @pytest.mark.parametrize("blocked", [PAUL, MARIA])
    async def test_what_a_blocked_representative_granted_on_is_blocked(
        self, municipality: Organisation, chain: list[Json], blocked: str
    ) -> None:
        last = {"representative": person(HERMAN, None)}
        assert await decision(municipality, **last) == "permit"
        imposed = await impose(municipality, scope="representative", representative=person(blocked))
        assert await decision(municipality, **last) == "deny: restricted"
        answer = await municipality.post(
            "/v1/verifications/batch", {"questions": [question(municipality, **last)]}
        )
        assert in_short(answer.json()["answers"][0]) == "deny: restricted"
        opened = await municipality.post("/v1/acting-contexts", question(municipality, **last))
        assert opened.json()["context"] is None
        assert await represented(municipality, HERMAN) == []
        use = USE | {"by": person(HERMAN, None)}
        used = await municipality.post(f"/v1/mandates/{chain[-1]['id']}/uses", use)
        assert problem(used) == "409 restricted"
        assert await decision(municipality) == ("deny: restricted" if blocked == PAUL else "permit")
        await lift(municipality, imposed)
        assert await decision(municipality, **last) == "permit"

    @pytest.mark.usefixtures("chain")
    async def test_who_holds_what_hangs_below_blocks_nothing_above(self, municipality: Organisation) -> None:
        await impose(municipality, scope="representative", representative=person(HERMAN))
        assert await decision(municipality, representative=person(HERMAN, None)) == "deny: restricted"
        assert await decision(municipality, representative=person(MARIA, None)) == "permit"
        assert await represented(municipality, MARIA) == [BERI]

    async def test_what_hangs_below_a_guardians_is_blocked_with_it(
        self, world: World, municipality: Organisation
    ) -> None:
        signing = {"by": "guardian", "methods": ["registered", "jws"]}
        terms = {"delegation": {"max_depth": 1}}
        template = await world.publish_template(municipality, signing=signing, **terms)
        attested = attested_by_guardian(representatives=[person(MARIA)])
        issued = await municipality.post("/v1/mandates", mandate_body(template, **attested))
        assert issued.status_code == 201, issued.text
        body = template_body(municipality, signing={"by": "principal", "methods": ["jws"]}, **terms)
        versions = f"/v1/templates/{template['id']}/versions"
        assert (await municipality.post(versions, body)).status_code == 201
        assert (await municipality.post(f"{versions}/2/publication")).status_code == 200
        second = {"id": template["id"], "version": 2}
        below = await grant_on(world, municipality, issued.json(), HERMAN, template=second)
        last = {"representative": person(HERMAN, None)}
        assert await decision(municipality, **last) == "permit"
        await impose(municipality, scope="guardians")
        assert await decision(municipality, **last) == "deny: restricted"
        assert await represented(municipality, HERMAN) == []
        used = await municipality.post(f"/v1/mandates/{below['id']}/uses", USE | {"by": person(HERMAN, None)})
        assert problem(used) == "409 restricted"
