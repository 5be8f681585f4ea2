"""Ending a mandate ends what was granted on from it: in the same act, each with a record of its own."""

import asyncpg
import pytest

from acting import decision, problem, verified
from delegating import HOLDERS, grant_on, hang_below, ids_of, make_chain, status_of
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
    person,
)

BY_THIRD_PARTY = {"by": "third_party", "reason": "said on the telephone"}


async def end(owner: Organisation, mandate: Json, body: Json = BY_THIRD_PARTY, **headers: str) -> Json:
    answer = await owner.post(f"/v1/mandates/{mandate['id']}/revocation", body, **headers)
    assert answer.status_code == 201, answer.text
    document: Json = answer.json()
    return document


async def events_of(owner: Organisation, mandate_id: str) -> list[Json]:
    items: list[Json] = (await owner.get(f"/v1/mandates/{mandate_id}/events")).json()["items"]
    return items


@pytest.mark.parametrize("place", range(5))
async def test_what_is_below_ends_and_what_is_above_does_not(
    world: World, municipality: Organisation, place: int
) -> None:
    chain = await make_chain(world, municipality, 5)
    ended = await end(municipality, chain[place])
    assert ended["also_ended"] == ids_of(chain[place + 1 :])
    statuses = [await status_of(municipality, mandate) for mandate in chain]
    assert statuses == ["active"] * place + ["revoked"] * (5 - place)
    for holder, status in zip(HOLDERS, statuses, strict=True):
        expected = "permit" if status == "active" else "deny: revoked"
        assert await decision(municipality, representative=person(holder, None)) == expected


async def test_each_has_a_sealed_event_that_names_what_ended(
    world: World, municipality: Organisation
) -> None:
    chain = await make_chain(world, municipality, 3)
    body = {
        "by": "registrar",
        "reason": "said on the telephone",
        "registrar": {
            "employee": {"scheme": "username", "value": "anna.andersson"},
            "statement": "Called, and gave the reason.",
        },
    }
    ended = await end(municipality, chain[0], body)
    for mandate in chain[1:]:
        issued, event = await events_of(municipality, mandate["id"])
        assert issued["number"] == 0
        assert event["type"] == "mandate.revoked"
        assert event["reason"] == "ancestor_ended"
        assert event["details"] == {"ended_with": chain[0]["id"]}
        assert event["at"] == ended["at"], "all at the same moment"
        assert event["by"]["role"] == "registrar"
        assert event["by"]["employee"]["value"] == "anna.andersson"
        assert event["by"]["statement"] is None, "what is stated of another mandate stays there"
        assert "telephone" not in str(await verified(world, event["sealed"], "mandate-event+jwt"))


async def test_branches_beside_are_left_alone(world: World, municipality: Organisation) -> None:
    chain = await make_chain(world, municipality, 2, delegation={"max_depth": 2})
    left, right = chain[1], await grant_on(world, municipality, chain[0], HERMAN)
    below_right = await grant_on(world, municipality, right, PETRONELLA)
    assert (await end(municipality, left))["also_ended"] == []
    assert await status_of(municipality, below_right) == "active"
    assert (await end(municipality, chain[0]))["also_ended"] == ids_of([right, below_right])
    assert len(await events_of(municipality, left["id"])) == 2, "it had ended before"


async def test_what_is_over_by_itself_is_left_as_it_is(world: World, municipality: Organisation) -> None:
    chain = await make_chain(world, municipality, 3, exercise={"max_uses": 1})
    use = {"permission": "apply", "case_ref": "1", "by": person(MARIA, None)}
    assert (await municipality.post(f"/v1/mandates/{chain[1]['id']}/uses", use)).status_code == 201
    assert await status_of(municipality, chain[2]) == "used_up"
    assert (await end(municipality, chain[0]))["also_ended"] == [chain[2]["id"]]
    assert [await status_of(municipality, item) for item in chain] == ["revoked", "used_up", "revoked"]


class TestWhoMay:
    async def test_a_representative_renounces_its_own(self, world: World, municipality: Organisation) -> None:
        chain = await make_chain(world, municipality, 3)
        token = world.id_token(MARIA, municipality.client_id)
        ended = await end(municipality, chain[1], {"by": "representative"}, Id_Token=token)
        assert (ended["type"], ended["also_ended"]) == ("mandate.renounced", [chain[2]["id"]])
        assert (await events_of(municipality, chain[2]["id"]))[1]["type"] == "mandate.revoked"

    @pytest.mark.parametrize("holder", [PAUL, MARIA])
    async def test_those_above_revoke_what_they_granted(
        self, world: World, municipality: Organisation, holder: str
    ) -> None:
        chain = await make_chain(world, municipality, 3)
        token = world.id_token(holder, municipality.client_id)
        ended = await end(municipality, chain[2], {"by": "representative"}, Id_Token=token)
        assert ended["type"] == "mandate.revoked"
        assert [await status_of(municipality, item) for item in chain] == ["active", "active", "revoked"]

    async def test_those_below_do_not_end_what_is_above(
        self, world: World, municipality: Organisation
    ) -> None:
        chain = await make_chain(world, municipality, 3)
        for holder in (HERMAN, TEST_PERSSON):
            token = world.id_token(holder, municipality.client_id)
            address = f"/v1/mandates/{chain[1]['id']}/revocation"
            answer = await municipality.post(address, {"by": "representative"}, Id_Token=token)
            assert problem(answer) == "403 forbidden"

    async def test_the_principal_ends_any_of_them(self, world: World, municipality: Organisation) -> None:
        chain = await make_chain(world, municipality, 2)
        token = world.id_token(BERI, municipality.client_id)
        ended = await end(municipality, chain[1], {"by": "principal"}, Id_Token=token)
        assert ended["type"] == "mandate.revoked"

    async def test_signatories_are_the_principals_where_the_principal_is_an_organisation(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality, delegation={"max_depth": 1})
        agency, company = await world.organisation(name="Byrån AB"), await world.organisation(name="AB")

        def stated(signatory: str) -> Json:
            rule = {"alternatives": [{"any_of": [person(signatory, None)], "count": 1}]}
            return {"principal_details": {"signatory_rule": rule, "source": "Bolagsverket"}}

        root = await world.issue(
            municipality,
            template,
            HERMAN,
            principal=company.wire,
            representatives=[agency.wire],
            **stated(HERMAN),
        )
        below = await grant_on(world, municipality, root, PAUL, by=(MARIA,), **stated(MARIA))
        address = f"/v1/mandates/{below['id']}/revocation"
        token = world.id_token(MARIA, municipality.client_id)
        assert problem(await municipality.post(address, {"by": "principal"}, Id_Token=token)) == (
            "403 forbidden"
        )
        token = world.id_token(HERMAN, municipality.client_id)
        assert (await end(municipality, below, {"by": "principal"}, Id_Token=token))["by"] == "principal"


class TestWhoSees:
    async def test_an_organisation_sees_and_ends_what_it_granted_on(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality, delegation={"max_depth": 2})
        agency, other = await world.organisation(name="Byrån AB"), await world.organisation()
        root = await world.issue(municipality, template, representatives=[agency.wire])
        rule = {"alternatives": [{"any_of": [person(MARIA, None)], "count": 1}]}
        stated = {"principal_details": {"signatory_rule": rule, "source": "Bolagsverket"}}
        below = await grant_on(world, municipality, root, PAUL, by=(MARIA,), **stated)
        lower = await grant_on(world, municipality, below, HERMAN)
        for mandate in (below, lower):
            assert (await agency.get(f"/v1/mandates/{mandate['id']}")).status_code == 200
            assert problem(await other.get(f"/v1/mandates/{mandate['id']}")) == "404 not-found"
        found = (await agency.post("/v1/mandates/search", {})).json()["items"]
        assert ids_of(found) == ids_of([root, below, lower])
        ended = await end(agency, below, {"by": "representative"})
        assert (ended["type"], ended["also_ended"]) == ("mandate.revoked", [lower["id"]])

    async def test_who_holds_a_link_does_not_see_what_is_above(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality, delegation={"max_depth": 1})
        agency = await world.organisation(name="Byrån AB")
        root = await world.issue(municipality, template)
        body_holder = [agency.wire]
        below = await grant_on(world, municipality, root, representatives=body_holder)
        assert (await agency.get(f"/v1/mandates/{below['id']}")).status_code == 200
        assert problem(await agency.get(f"/v1/mandates/{root['id']}")) == "404 not-found"


async def test_superseding_ends_what_is_below_and_a_replay_says_so_again(
    world: World, municipality: Organisation
) -> None:
    chain = await make_chain(world, municipality, 3)
    template = {"id": chain[0]["template"]["id"], "version": 1, "permissions": [{"code": "apply"}]}
    body = {
        "template": {"id": template["id"], "version": 1},
        "principal": person(BERI, "Beri Ylles"),
        "representatives": [person(PAUL, "Paul")],
        "permissions": ["apply", "follow"],
        "language": "sv",
        "supersedes": chain[0]["id"],
    }
    signed = await world.sign(municipality, body, BERI)
    answers = [await municipality.post("/v1/mandates", signed, Idempotency_Key="replaced") for _ in range(2)]
    for answer in answers:
        assert answer.status_code == 201
        assert answer.json()["also_ended"] == ids_of(chain[1:])
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert [await status_of(municipality, item) for item in chain] == ["revoked"] * 3
    assert await decision(municipality, representative=person(MARIA, None)) == "deny: superseded"


async def test_a_thousand_end_with_the_one_above(
    world: World, municipality: Organisation, database_url: str
) -> None:
    (root,) = await make_chain(world, municipality, 1)
    below = await hang_below(world, database_url, root, 1000)
    ended = await end(municipality, root)
    assert ended["also_ended"] == [str(mandate_id) for mandate_id in below]
    connection = await asyncpg.connect(database_url)
    try:
        endings = await connection.fetch(
            "SELECT e.mandate_id FROM mandate_endings e JOIN mandate_events v USING (mandate_id, event_id)"
            " WHERE e.mandate_id = ANY ($1::uuid[]) AND e.type = 'mandate.revoked'",
            below,
        )
    finally:
        await connection.close()
    assert {row["mandate_id"] for row in endings} == set(below)
    asked = {"ids": [str(mandate_id) for mandate_id in below]}
    statuses = (await municipality.post("/v1/mandates/status", asked)).json()["items"]
    assert {item["status"] for item in statuses} == {"revoked"}
