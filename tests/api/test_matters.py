"""Approvals in the life of a mandate: found by who decides, carried along, and demanded by every use."""

from typing import Any

import pytest

from acting import ask, decision, faults, in_short, jws_signature, problem, sha256_text
from api.test_acting_contexts import exchange, open_context
from api.test_approvals import DIGEST, decide, matter, names, request
from factories import BERI, PAUL, Json, Organisation, World, jws_payload, person, question
from party_numbers import swedish

USE = {"permission": "apply", "case_ref": "2026-114", "by": person(PAUL, None)}
NEEDED = "409 approval-required"


@pytest.fixture
async def template(world: World, municipality: Organisation) -> Json:
    return await world.publish_template(
        municipality, exercise={"approval": True}, principal_types=["person", "organisation"]
    )


@pytest.fixture
async def mandate(world: World, municipality: Organisation, template: Json) -> Json:
    """From Beri to Paul, whose every matter has to be approved."""
    return await world.issue(municipality, template, permissions=["apply", "follow"])


async def approved(world: World, owner: Organisation, **changes: Any) -> Json:  # noqa: ANN401  # any member
    requested = await request(owner, **changes)
    assert await decide(owner, requested, token=world.id_token(PAUL, owner.client_id)) == "approved"
    return requested


class TestUses:
    async def test_a_use_asks_for_an_approval_in_force(
        self, world: World, municipality: Organisation, mandate: Json
    ) -> None:
        waiting, good = await request(municipality), await approved(world, municipality)
        follow = await approved(world, municipality, permission="follow")
        address = f"/v1/mandates/{mandate['id']}/uses"
        for missing in (
            {},
            names(waiting),
            names(good, sha256_text(b"another form")),
            {"approval_id": good["id"]},
            names(follow),
        ):
            assert problem(await municipality.post(address, USE | missing)) == NEEDED
        used = await municipality.post(address, USE | names(good))
        assert used.status_code == 201
        events = (await municipality.get(f"/v1/mandates/{mandate['id']}/events")).json()["items"]
        assert [item["details"].get("approval_id") for item in events[1:]] == [good["id"]]

    async def test_of_other_parties_it_is_a_fault(
        self, world: World, municipality: Organisation, mandate: Json
    ) -> None:
        of_others = await request(municipality, principal=person(swedish("19900101110"), "Test"))
        plain = await world.issue(municipality, await world.publish_template(municipality))
        for item in (mandate, plain):
            answer = await municipality.post(f"/v1/mandates/{item['id']}/uses", USE | names(of_others))
            assert faults(answer) == {("/approval_id", "party_mismatch")}
        assert (await municipality.post(f"/v1/mandates/{plain['id']}/uses", USE)).status_code == 201


class TestRoles:
    async def test_a_business_and_its_owner_have_matters_of_their_own(
        self, world: World, municipality: Organisation, template: Json, mandate: Json
    ) -> None:
        assert mandate["principal_role"] == "person"
        business = await world.issue(municipality, template, principal_role="organisation")
        as_person = await approved(world, municipality)
        as_business = await approved(world, municipality, principal_role="organisation")
        assert (as_person["principal_role"], as_business["principal_role"]) == ("person", "organisation")
        for role, good, bad in (
            ("organisation", as_business, as_person),
            ("person", as_person, as_business),
            (None, as_person, as_business),
        ):
            assert await decision(municipality, principal_role=role, **names(good)) == "permit"
            assert await decision(municipality, principal_role=role, **names(bad)) == "deny: party_mismatch"
        address = f"/v1/mandates/{business['id']}/uses"
        assert faults(await municipality.post(address, USE | names(as_person))) == {
            ("/approval_id", "party_mismatch")
        }
        assert (await municipality.post(address, USE | names(as_business))).status_code == 201

    async def test_what_is_signed_names_the_business(self, world: World, municipality: Organisation) -> None:
        await world.publish_template(municipality)
        requested = await request(municipality, principal_role="organisation")
        assert jws_payload(f".{requested['to_be_signed']}.")["principal_role"] == "organisation"
        signed = jws_signature(world.evidence(PAUL, requested["digest"]))["evidence"]
        assert await decide(municipality, requested, signature={"evidence": signed}) == "approved"

    @pytest.mark.parametrize("role", ["person", "staff"])
    async def test_faults(self, world: World, municipality: Organisation, role: str) -> None:
        await world.publish_template(municipality)
        body = matter(municipality, principal=municipality.wire, principal_role=role)
        assert faults(await municipality.post("/v1/approvals", body)) == {
            ("/principal_role", "role_mismatch")
        }


@pytest.mark.usefixtures("mandate")
class TestContexts:
    async def test_it_travels_to_another_service_of_the_third_party(
        self, world: World, municipality: Organisation
    ) -> None:
        good = await approved(world, municipality)
        opened = await open_context(municipality, **names(good))
        assert in_short(opened) == "permit"
        answer = await exchange(municipality, opened["context"])
        assert in_short(answer) == "permit"
        asked = jws_payload(answer["receipt"])["question"]
        assert {name: asked[name] for name in ("approval_id", "content_digest")} == names(good)
        other = await exchange(municipality, opened["context"], permissions=["follow"])
        assert in_short(other) == "conditional: approval_required"
        own = await exchange(municipality, opened["context"], **names(good, sha256_text(b"another form")))
        assert in_short(own) == "conditional: approval_required"

    async def test_another_third_party_names_its_own(self, world: World, municipality: Organisation) -> None:
        opened = await open_context(municipality, **names(await approved(world, municipality)))
        other = await world.organisation(name="Karlskrona kommun")
        await world.issue(other, await world.publish_template(other, exercise={"approval": True}))
        answer = await exchange(other, opened["context"])
        assert in_short(answer) == "conditional: approval_required"
        assert "approval_id" not in jws_payload(answer["receipt"])["question"]
        its_own = await approved(world, other)
        assert in_short(await exchange(other, opened["context"], **names(its_own))) == "permit"


class TestFinding:
    async def found(self, client: Organisation, token: str = "", **body: Any) -> list[str]:  # noqa: ANN401
        answer = await client.post("/v1/approvals/search", body, **({"Id_Token": token} if token else {}))
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    async def test_by_party_and_status(self, world: World, municipality: Organisation) -> None:
        await world.publish_template(municipality)
        agency, stranger = await world.organisation(), await world.organisation()
        late = await request(municipality)
        done, declined = await request(municipality), await request(municipality, permission="follow")
        token = world.id_token(PAUL, municipality.client_id)
        await decide(municipality, done, token=token)
        await decide(municipality, declined, "declined", token=token)
        theirs = await request(municipality, representative=agency.wire)
        ids = [item["id"] for item in (late, done, declined, theirs)]
        assert await self.found(municipality) == ids
        for status, expected in (
            ("pending", [ids[0], ids[3]]),
            ("approved", [ids[1]]),
            ("declined", [ids[2]]),
            ("lapsed", []),
        ):
            assert await self.found(municipality, status=status) == expected
        assert await self.found(municipality, permission="follow") == [ids[2]]
        assert await self.found(municipality, representative=agency.wire) == [ids[3]]
        assert await self.found(agency, status="pending") == [ids[3]]
        assert await self.found(municipality, principal=person(PAUL)) == []
        assert await self.found(stranger, third_party=municipality.wire) == []
        assert await self.found(municipality, cursor=ids[1]) == ids[2:]
        page = (await municipality.post("/v1/approvals/search", {"limit": 2})).json()
        assert ([item["id"] for item in page["items"]], page["next"]) == (ids[:2], ids[1])

    async def test_what_waits_for_a_person_is_in_its_overview(
        self, world: World, municipality: Organisation
    ) -> None:
        me = swedish("20920404123")
        await world.publish_template(municipality)
        portal = await world.organisation(name="Portalen")
        waiting = await request(municipality, representative=person(me, "Test"))
        declined = await request(municipality, representative=person(me, "Test"))
        await request(municipality, principal=person(me, "Test"))
        token = world.id_token(me, portal.client_id)
        assert await decide(portal, declined, "declined", token=token) == "declined"
        overview = (await portal.post("/v1/me/overview", Id_Token=token)).json()
        assert [item["id"] for item in overview["approvals"]] == [waiting["id"]]
        assert overview["approvals"][0]["content_digest"] == DIGEST
        further = {"cursor": waiting["id"]}
        assert (await portal.post("/v1/me/overview", further, Id_Token=token)).json()["approvals"] == []
        assert await self.found(portal, token, status="pending", representative=person(me)) == [waiting["id"]]
        assert await self.found(portal) == []
        looked = (await portal.post("/v1/me/access-log", Id_Token=token)).json()["items"]
        assert "approval_search" in {item["operation"] for item in looked}


async def test_a_question_without_a_role_is_about_the_person(
    world: World, municipality: Organisation, template: Json
) -> None:
    await world.issue(municipality, template, principal_role="organisation")
    good = await approved(world, municipality, principal_role="organisation")
    answer = await ask(municipality, principal_role="organisation", **names(good))
    assert in_short(answer) == "permit"
    without = await municipality.post("/v1/verifications", question(municipality, principal=person(BERI)))
    assert in_short(without.json()) == "deny: out_of_scope"
