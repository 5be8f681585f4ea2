"""Granting on: never wider, longer or deeper than it was granted, and signed by who holds the parent."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from acting import RECORDS, count_rows, faults, problem, verified
from delegating import HOLDERS, grant_on, ids_of, make_chain, status_of, sub_body
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
    organisation_number,
    person,
    template_body,
)

BOTH = ["apply", "follow"]


async def root_of(world: World, owner: Organisation, **template: Any) -> Json:  # noqa: ANN401
    terms = {"delegation": {"max_depth": 3}, "specifiers": ["property", "customer"]} | template
    return await world.issue(owner, await world.publish_template(owner, **terms))


async def refused(owner: Organisation, body: Json) -> set[tuple[str, str]]:
    """The faults that a preview finds, and that issuing finds too."""
    previewed = faults(await owner.post("/v1/mandates/preview", body))
    issued = faults(await owner.post("/v1/mandates", body)) - {("/signatures", "missing")}
    assert issued == previewed
    return previewed


async def test_a_representative_grants_on(world: World, municipality: Organisation) -> None:
    root = await root_of(world, municipality)
    issued = await grant_on(world, municipality, root, MARIA)
    assert issued["parent"] == root["id"]
    assert issued["also_ended"] == []
    assert issued["principal"] == root["principal"]
    assert [(item["capacity"], item["signer"]["value"]) for item in issued["signatures"]] == [
        ("representative", PAUL)
    ]
    read = (await municipality.get(f"/v1/mandates/{issued['id']}")).json()
    assert (read["parent"], read["status"]) == (root["id"], "active")
    sealed = await municipality.get(f"/v1/mandates/{issued['id']}/record")
    assert (await verified(world, sealed.text, "mandate-record+jwt"))["ancestors"] == [root["id"]]
    direct = await municipality.get(f"/v1/mandates/{root['id']}/record")
    assert "ancestors" not in await verified(world, direct.text, "mandate-record+jwt")


async def test_a_preview_says_in_which_capacity_to_sign(world: World, municipality: Organisation) -> None:
    root = await root_of(world, municipality)
    before = await count_rows(world)
    preview = await municipality.post("/v1/mandates/preview", sub_body(root))
    assert preview.json()["capacity"] == "representative"
    assert await count_rows(world) == before


async def test_what_is_left_out_is_the_parents(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(
        municipality,
        delegation={"max_depth": 1},
        specifiers=["property"],
        details={"case_type": ["permits"]},
        principal_types=["organisation"],
    )
    root = await world.issue(
        municipality,
        template,
        principal_role="organisation",
        permissions=BOTH,
        specifier={"property": "1:3"},
        permission_details={"*": {"case_type": "permits"}},
        valid_until=(world.clock() + timedelta(days=10)).isoformat(),
    )
    issued = await grant_on(world, municipality, root, permissions=["follow"])
    for member in ("principal_role", "specifier", "permission_details", "valid_until", "basis"):
        assert issued[member] == root[member], member
    assert issued["permissions"] == ["follow"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"permissions": BOTH}, {("/permissions", "wider_than_parent")}),
        ({"principal": person(HERMAN, "Herman Ört")}, {("/principal", "other_principal")}),
        ({"principal_role": "organisation"}, {("/principal_role", "other_role")}),
        ({"representatives": [person(BERI)]}, {("/representatives/0", "repeated")}),
        (
            {"representatives": [person(MARIA), person(PAUL)]},
            {("/representatives/1", "already_in_chain")},
        ),
        ({"specifier": {"property": "1:4"}}, {("/specifier", "wider_than_parent")}),
        ({"specifier": {"customer": "7"}}, {("/specifier", "wider_than_parent")}),
        (
            {"permission_details": {"*": {"case_type": "taxes"}}},
            {("/permission_details", "wider_than_parent")},
        ),
        ({"basis": "court"}, {("/basis", "basis_mismatch"), ("/basis", "other_basis")}),
        ({"valid_until": None}, {("/valid_until", "longer_than_parent")}),
        ({"principal_details": {"form": "aktiebolag"}}, {("/principal_details", "no_organisation")}),
        ({"parent": str(uuid4())}, {("/parent", "unknown_mandate")}),
    ],
)
async def test_never_wider(
    world: World, municipality: Organisation, changes: Json, expected: set[tuple[str, str]]
) -> None:
    template = await world.publish_template(
        municipality,
        delegation={"max_depth": 1},
        specifiers=["property", "customer"],
        details={"case_type": ["permits", "taxes"]},
        validity={"open_ended": True},
    )
    root = await world.issue(
        municipality,
        template,
        specifier={"property": "1:3"},
        permission_details={"*": {"case_type": "permits"}},
    )
    before = await count_rows(world)
    assert await refused(municipality, sub_body(root, **changes)) == expected
    assert await count_rows(world) == before


async def test_never_longer_by_a_moment(world: World, municipality: Organisation) -> None:
    start = world.clock() - timedelta(hours=1)
    until = start + timedelta(days=5)
    template = await world.publish_template(municipality, delegation={"max_depth": 1})
    root = await world.issue(
        municipality, template, valid_from=start.isoformat(), valid_until=until.isoformat()
    )
    tick = timedelta(microseconds=1)
    wrong = {"valid_from": (start - tick).isoformat(), "valid_until": (until + tick).isoformat()}
    assert await refused(municipality, sub_body(root, **wrong)) == {
        ("/valid_from", "longer_than_parent"),
        ("/valid_until", "longer_than_parent"),
    }
    right = {"valid_from": start.isoformat(), "valid_until": until.isoformat()}
    assert (await grant_on(world, municipality, root, **right))["valid_until"] == root["valid_until"]


async def test_narrower_in_every_way(world: World, municipality: Organisation) -> None:
    root = await root_of(world, municipality)
    narrower = await grant_on(
        world,
        municipality,
        root,
        specifier={"property": "1:3"},
        valid_until=(world.clock() + timedelta(days=1)).isoformat(),
    )
    again = await grant_on(
        world, municipality, narrower, HERMAN, specifier={"property": "1:3", "customer": "7"}
    )
    assert again["specifier"] == {"property": "1:3", "customer": "7"}
    assert again["valid_until"] == narrower["valid_until"]


class TestDepth:
    @pytest.mark.parametrize("depth", [0, 1, 2])
    async def test_to_the_depth_that_the_template_allows(
        self, world: World, municipality: Organisation, depth: int
    ) -> None:
        chain = await make_chain(world, municipality, depth + 1, delegation={"max_depth": depth})
        too_deep = sub_body(chain[-1], HOLDERS[depth + 1])
        assert await refused(municipality, too_deep) == {("/parent", "too_deep")}

    async def test_a_chain_of_five_names_nobody_twice(self, world: World, municipality: Organisation) -> None:
        chain = await make_chain(world, municipality, 4, delegation={"max_depth": 5})
        for holder in HOLDERS[:4]:
            body = sub_body(chain[-1], holder)
            assert await refused(municipality, body) == {("/representatives/0", "already_in_chain")}
        last = await grant_on(world, municipality, chain[-1], TEST_PERSSON)
        sealed = await municipality.get(f"/v1/mandates/{last['id']}/record")
        record = await verified(world, sealed.text, "mandate-record+jwt")
        assert record["ancestors"] == ids_of(chain)

    async def test_a_later_version_does_not_deepen_what_was_signed(
        self, world: World, municipality: Organisation
    ) -> None:
        chain = await make_chain(world, municipality, 2, delegation={"max_depth": 1})
        current = await publish_next(municipality, chain[0], delegation={"max_depth": 5})
        body = sub_body(chain[1], HERMAN, template=current)
        assert await refused(municipality, body) == {("/parent", "too_deep")}

    async def test_a_later_version_can_allow_less(self, world: World, municipality: Organisation) -> None:
        root = await root_of(world, municipality)
        current = await publish_next(municipality, root, delegation={"max_depth": 0})
        assert await refused(municipality, sub_body(root, template=current)) == {("/parent", "too_deep")}


async def publish_next(owner: Organisation, mandate: Json, **terms: Any) -> Json:  # noqa: ANN401
    """Publish another version of a mandate's template; gives the reference to it."""
    template = f"/v1/templates/{mandate['template']['id']}"
    changes = {"delegation": {"max_depth": 3}, "specifiers": ["property", "customer"]} | terms
    drafted = await owner.post(f"{template}/versions", template_body(owner, **changes))
    assert drafted.status_code == 201, drafted.text
    version = drafted.json()["version"]
    published = await owner.post(f"{template}/versions/{version}/publication")
    assert published.status_code == 200, published.text
    return {"id": mandate["template"]["id"], "version": version}


class TestTemplates:
    async def test_a_version_that_offers_no_more_serves(
        self, world: World, municipality: Organisation
    ) -> None:
        root = await root_of(world, municipality)
        assert await refused(
            municipality, sub_body(root, template=await publish_next(municipality, root) | {"version": 9})
        ) == {("/template", "unknown_template")}
        current = {"id": root["template"]["id"], "version": 2}
        assert (await grant_on(world, municipality, root, template=current))["template"]["version"] == 2

    @pytest.mark.parametrize(
        ("signed", "later"),
        [
            ({"services": ["a"]}, {"services": ["a", "b"]}),
            ({"exercise": {"max_uses": 2}}, {"exercise": {"max_uses": 3}}),
            ({"exercise": {"max_uses": 2}}, {}),
            ({"exercise": {"approval": True}}, {}),
            ({"age_limits": {"principal_below": 18}}, {"age_limits": {"principal_below": 19}}),
            ({"age_limits": {"principal_below": 18}}, {}),
            ({"age_limits": {"representative_from": 18}}, {"age_limits": {"representative_from": 17}}),
        ],
    )
    async def test_one_that_offers_more_or_asks_less_does_not(
        self, world: World, municipality: Organisation, signed: Json, later: Json
    ) -> None:
        root = await root_of(world, municipality, **signed)
        current = await publish_next(municipality, root, **later)
        body = sub_body(root, template=current)
        assert await refused(municipality, body) == {("/template/version", "wider_than_parent")}

    async def test_another_template_does_not(self, world: World, municipality: Organisation) -> None:
        root = await root_of(world, municipality)
        other = await world.publish_template(municipality, delegation={"max_depth": 3})
        body = sub_body(root, template={"id": other["id"], "version": 1})
        assert await refused(municipality, body) == {("/template/id", "other_template")}


class TestStanding:
    async def test_a_parent_that_is_over(self, world: World, municipality: Organisation) -> None:
        root = await root_of(world, municipality)
        await municipality.post(
            f"/v1/mandates/{root['id']}/revocation", {"by": "third_party", "reason": "over"}
        )
        assert await refused(municipality, sub_body(root)) == {("/parent", "parent_over")}

    async def test_a_parent_that_is_used_up(self, world: World, municipality: Organisation) -> None:
        root = await root_of(world, municipality, exercise={"max_uses": 1})
        use = {"permission": "apply", "case_ref": "1", "by": person(PAUL, None)}
        assert (await municipality.post(f"/v1/mandates/{root['id']}/uses", use)).status_code == 201
        assert await refused(municipality, sub_body(root)) == {("/parent", "parent_over")}

    async def test_a_suspended_parent_or_grandparent(self, world: World, municipality: Organisation) -> None:
        chain = await make_chain(world, municipality, 2)
        suspension = f"/v1/mandates/{chain[0]['id']}/suspension"
        assert (await municipality.post(suspension, {"reason": "audit"})).status_code == 201
        for parent in chain:
            body = sub_body(parent, HERMAN)
            assert await refused(municipality, body) == {("/parent", "parent_suspended")}
        resumption = f"/v1/mandates/{chain[0]['id']}/resumption"
        assert (await municipality.post(resumption, {"reason": "done"})).status_code == 201
        await grant_on(world, municipality, chain[1], HERMAN)

    async def test_a_parent_to_come(self, world: World, municipality: Organisation) -> None:
        begins = (world.clock() + timedelta(days=3)).isoformat()
        template = await world.publish_template(municipality, delegation={"max_depth": 1})
        root = await world.issue(municipality, template, valid_from=begins)
        assert await refused(municipality, sub_body(root)) == {("/valid_from", "longer_than_parent")}
        issued = await grant_on(world, municipality, root, valid_from=begins)
        assert issued["status"] == "not_yet_valid"

    async def test_anothers_is_as_none(self, world: World, municipality: Organisation) -> None:
        stranger = await world.organisation()
        root = await root_of(world, stranger)
        own = await root_of(world, municipality)
        for parent in (root["id"], str(uuid4())):
            body = sub_body(own, parent=parent)
            assert await refused(municipality, body) == {("/parent", "unknown_mandate")}


class TestSigning:
    @pytest.mark.parametrize("signer", [BERI, MARIA, HERMAN])
    async def test_nobody_else_signs(self, world: World, municipality: Organisation, signer: str) -> None:
        root = await root_of(world, municipality)
        body = await world.sign(municipality, sub_body(root), signer)
        assert faults(await municipality.post("/v1/mandates", body)) == {
            ("/signatures/0/signer", "wrong_signer"),
            ("/signatures", "too_few"),
        }

    async def test_nor_in_another_capacity(self, world: World, municipality: Organisation) -> None:
        root = await root_of(world, municipality)
        body = await world.sign(municipality, sub_body(root), PAUL, capacity="principal")
        assert faults(await municipality.post("/v1/mandates", body)) == {
            ("/signatures/0/capacity", "capacity")
        }

    async def test_nor_does_a_representative_sign_a_direct_mandate(
        self, world: World, municipality: Organisation
    ) -> None:
        root = await root_of(world, municipality)
        body = await world.sign(municipality, sub_body(root, parent=None), PAUL)
        assert ("/signatures/0/signer", "wrong_signer") in faults(
            await municipality.post("/v1/mandates", body)
        )

    async def test_as_many_as_act_together(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(
            municipality, delegation={"max_depth": 1}, exercise={"together": 2}
        )
        three = [person(number, "Name") for number in (PAUL, MARIA, HERMAN)]
        root = await world.issue(municipality, template, representatives=three)
        pair = (PETRONELLA, TEST_PERSSON)
        alone = await world.sign(municipality, sub_body(root, *pair), MARIA)
        assert faults(await municipality.post("/v1/mandates", alone)) == {("/signatures", "too_few")}
        assert await refused(municipality, sub_body(root, PETRONELLA)) == {("/representatives", "too_few")}
        await grant_on(world, municipality, root, *pair, by=(HERMAN, PAUL))

    async def test_an_organisation_by_its_signatories(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(municipality, delegation={"max_depth": 1})
        firm = {"scheme": "se-orgnr", "value": organisation_number(), "name": "Byrån AB"}
        root = await world.issue(municipality, template, representatives=[firm])
        rule = {"alternatives": [{"any_of": [person(HERMAN, None), person(MARIA, None)], "count": 2}]}
        stated = {"principal_details": {"signatory_rule": rule, "source": "Bolagsverket"}}
        unstated = await world.sign(municipality, sub_body(root, TEST_PERSSON), HERMAN)
        assert faults(await municipality.post("/v1/mandates", unstated)) == {
            ("/signatures/0/signer", "wrong_signer"),
            ("/signatures", "too_few"),
        }
        one = await world.sign(municipality, sub_body(root, TEST_PERSSON, **stated), HERMAN)
        assert faults(await municipality.post("/v1/mandates", one)) == {("/signatures", "too_few")}
        issued = await grant_on(world, municipality, root, TEST_PERSSON, by=(HERMAN, MARIA), **stated)
        assert await status_of(municipality, issued) == "active"


class TestInForce:
    async def test_the_same_again_is_a_conflict(self, world: World, municipality: Organisation) -> None:
        root = await root_of(world, municipality)
        first = await grant_on(world, municipality, root)
        again = await world.sign(municipality, sub_body(root, external_ref="again"), PAUL)
        answer = await municipality.post("/v1/mandates", again)
        assert (problem(answer), answer.json()["mandate_id"]) == ("409 already-in-force", first["id"])

    async def test_what_the_principal_grants_itself_is_another(
        self, world: World, municipality: Organisation
    ) -> None:
        root = await root_of(world, municipality)
        await grant_on(world, municipality, root, MARIA)
        direct = await world.sign(municipality, sub_body(root, MARIA, parent=None), BERI)
        assert (await municipality.post("/v1/mandates", direct)).status_code == 201

    async def test_a_representative_supersedes_what_hangs_below_the_same_parent(
        self, world: World, municipality: Organisation
    ) -> None:
        chain = await make_chain(world, municipality, 3)
        new = await grant_on(world, municipality, chain[0], MARIA, supersedes=chain[1]["id"])
        assert new["also_ended"] == [chain[2]["id"]]
        assert [await status_of(municipality, mandate) for mandate in chain] == [
            "active",
            "revoked",
            "revoked",
        ]
        events = (await municipality.get(f"/v1/mandates/{chain[1]['id']}/events")).json()["items"]
        assert events[1]["by"]["role"] == "representative"

    async def test_and_nothing_else(self, world: World, municipality: Organisation) -> None:
        chain = await make_chain(world, municipality, 3)
        other = await world.issue(
            municipality,
            {"id": chain[0]["template"]["id"], "version": 1, "permissions": [{"code": "follow"}]},
        )
        before = await count_rows(world)
        for superseded in (other, chain[0], chain[2]):
            body = sub_body(chain[0], HERMAN, supersedes=superseded["id"])
            answer = await municipality.post("/v1/mandates", await world.sign(municipality, body, PAUL))
            assert faults(answer) == {("/supersedes", "other_parent")}
        assert await count_rows(world) == before
        assert set(before) == set(RECORDS)
