"""Revoking and renouncing: who may, by which proof, once, and on record with who, why and when."""

from datetime import UTC, datetime, timedelta

import pytest
from uuid_utils.compat import uuid7

from acting import (
    calling,
    count_rows,
    decision,
    faults,
    problem,
    sha256_text,
    verified,
    without,
    world_at,
)
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    PETRONELLA,
    Json,
    Organisation,
    World,
    person,
)
from registry.domain.callers import Scope
from registry.domain.documents import utc_text, utc_time

COMPANY = {"scheme": "se-orgnr", "value": "5561929323", "name": "TB Bokföringsbyrå AB"}
RULE: Json = {
    "alternatives": [
        {"any_of": [person(HERMAN, None), person(MARIA, None)], "count": 2},
        {"any_of": [person(PETRONELLA, None)], "count": 1},
    ]
}
CLERK = {"scheme": "username", "value": "anna.andersson"}
REGISTRAR: Json = {"employee": CLERK, "statement": "Beri called; identity checked by call-back."}


def address(mandate: Json, act: str = "revocation") -> str:
    return f"/v1/mandates/{mandate['id']}/{act}"


@pytest.fixture
async def mandate(world: World, municipality: Organisation) -> Json:
    return await world.issue(municipality, await world.publish_template(municipality))


async def recorded(world: World, owner: Organisation, mandate: Json) -> Json:
    """The sealed event that ended it, verified by another library."""
    events = (await owner.get(address(mandate, "events"))).json()["items"]
    assert len(events) == 2
    sealed = await verified(world, events[1]["sealed"], "mandate-event+jwt")
    assert sealed["previous"] == sha256_text(events[0]["sealed"].encode())
    assert sealed["number"] == 1
    return sealed


async def untouched(world: World, owner: Organisation, before: dict[str, int]) -> None:
    assert await count_rows(world) == before
    assert await decision(owner) == "permit"


class TestTheParties:
    async def test_the_principal_by_id_token(
        self, world: World, municipality: Organisation, mandate: Json
    ) -> None:
        before = datetime.now(UTC)
        answer = await municipality.post(
            address(mandate),
            {"by": "principal", "reason": "changed my mind"},
            Id_Token=world.id_token(BERI, municipality.client_id),
        )
        assert answer.status_code == 201, answer.text
        told = answer.json()
        assert (told["mandate_id"], told["type"], told["by"], told["reason"]) == (
            mandate["id"],
            "mandate.revoked",
            "principal",
            "changed my mind",
        )
        assert before <= utc_time(told["at"]) <= datetime.now(UTC)
        assert await recorded(world, municipality, mandate) == {
            "schema": "mandate-event/1",
            "id": told["event_id"],
            "mandate_id": mandate["id"],
            "number": 1,
            "type": "mandate.revoked",
            "at": told["at"],
            "recorded_at": told["at"],
            "by": {"role": "principal", "party": person(BERI, None), "employee": None, "statement": None},
            "reason": "changed my mind",
            "registered_by": f"urn:registry:client:{municipality.client_id}",
            "previous": sha256_text((await municipality.get(address(mandate, "record"))).content),
            "details": {"evidence_digest": None, "evidence": None},
        }
        assert await decision(municipality) == "deny: revoked"

    async def test_a_representative_renounces(
        self, world: World, municipality: Organisation, mandate: Json
    ) -> None:
        answer = await municipality.post(
            address(mandate),
            {"by": "representative"},
            Id_Token=world.id_token(PAUL, municipality.client_id),
        )
        assert answer.json()["type"] == "mandate.renounced"
        event = await recorded(world, municipality, mandate)
        assert (event["by"]["party"], event["reason"]) == (person(PAUL, None), None)
        assert (await municipality.get(f"/v1/mandates/{mandate['id']}")).json()["status"] == "revoked"

    async def test_the_third_party_says_why(
        self, world: World, municipality: Organisation, mandate: Json
    ) -> None:
        before = await count_rows(world)
        for reason in ({}, {"reason": None}, {"reason": "   "}):
            answer = await municipality.post(address(mandate), {"by": "third_party"} | reason)
            assert faults(answer) == {("/reason", "missing")}
        await untouched(world, municipality, before)
        answer = await municipality.post(address(mandate), {"by": "third_party", "reason": "misuse"})
        assert answer.status_code == 201
        event = await recorded(world, municipality, mandate)
        assert event["by"]["party"] == {
            "scheme": municipality.party.scheme.value,
            "value": municipality.party.value,
        }

    async def test_a_registrar_for_somebody(
        self, world: World, municipality: Organisation, mandate: Json
    ) -> None:
        body = {"by": "registrar", "reason": "asked by phone", "registrar": REGISTRAR}
        answer = await municipality.post(address(mandate), body)
        assert answer.status_code == 201, answer.text
        event = await recorded(world, municipality, mandate)
        assert event["by"]["employee"] == CLERK
        assert event["by"]["statement"] == REGISTRAR["statement"]
        assert event["type"] == "mandate.revoked"

    async def test_a_registrar_needs_scope_reason_and_a_name(
        self, world: World, municipality: Organisation, mandate: Json
    ) -> None:
        before = await count_rows(world)
        whole = {"by": "registrar", "reason": "asked by phone", "registrar": REGISTRAR}
        clerkless = await world.organisation(municipality.party, without=without(Scope.MANDATES_REGISTER))
        assert problem(await clerkless.post(address(mandate), whole)) == "403 missing-scope"
        reasonless = whole | {"reason": None}
        assert faults(await municipality.post(address(mandate), reasonless)) == {("/reason", "missing")}
        nameless = whole | {"registrar": None}
        assert problem(await municipality.post(address(mandate), nameless)) == "403 forbidden"
        await untouched(world, municipality, before)

    async def test_an_organisation_by_any_of_its_signatories(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality)
        details = {"signatory_rule": RULE, "source": "Bolagsverket"}
        changes = {"principal": COMPANY, "principal_details": details}
        for signatory in (PETRONELLA, HERMAN):
            mandate = await world.issue(municipality, template, PETRONELLA, **changes)
            answer = await municipality.post(
                address(mandate),
                {"by": "principal"},
                Id_Token=world.id_token(signatory, municipality.client_id),
            )
            assert answer.status_code == 201, answer.text
            event = await recorded(world, municipality, mandate)
            assert event["by"]["party"] == person(signatory, None)
        mandate = await world.issue(municipality, template, PETRONELLA, **changes)
        answer = await municipality.post(
            address(mandate), {"by": "principal"}, Id_Token=world.id_token(PAUL, municipality.client_id)
        )
        assert problem(answer) == "403 forbidden"

    async def test_an_organisation_by_its_own_client(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(municipality)
        agent = await world.organisation(name="Ombudet AB")
        mandate = await world.issue(municipality, template, representatives=[agent.wire])
        assert problem(await agent.post(address(mandate), {"by": "principal"})) == "403 forbidden"
        answer = await agent.post(address(mandate), {"by": "representative"})
        assert answer.json()["type"] == "mandate.renounced"


class TestWrongProofs:
    async def test_no_proof_and_other_persons(
        self, world: World, municipality: Organisation, mandate: Json
    ) -> None:
        before = await count_rows(world)
        for role in ("principal", "representative"):
            body = {"by": role, "reason": "over"}
            assert problem(await municipality.post(address(mandate), body)) == "403 forbidden"
            for number in (HERMAN, PAUL if role == "principal" else BERI):
                token = world.id_token(number, municipality.client_id)
                answer = await municipality.post(address(mandate), body, Id_Token=token)
                assert problem(answer) == "403 forbidden"
        await untouched(world, municipality, before)

    @pytest.mark.parametrize("age", [301, 3600])
    async def test_an_id_token_older_than_five_minutes(
        self, world: World, municipality: Organisation, mandate: Json, age: int
    ) -> None:
        before = await count_rows(world)
        iat = int(datetime.now(UTC).timestamp()) - age
        token = world.id_token(BERI, municipality.client_id, iat=iat)
        answer = await municipality.post(address(mandate), {"by": "principal"}, Id_Token=token)
        assert problem(answer) == "401 unauthenticated"
        await untouched(world, municipality, before)

    async def test_strangers_learn_nothing(self, world: World, mandate: Json) -> None:
        stranger = await world.organisation()
        for body in (
            {"by": "third_party", "reason": "over"},
            {"by": "registrar", "reason": "over", "registrar": REGISTRAR},
            {"by": "principal"},
        ):
            theirs = await stranger.post(address(mandate), body)
            unknown = await stranger.post(address({"id": str(uuid7())}), body)
            assert problem(theirs) == problem(unknown) == "404 not-found"
        token = world.id_token(HERMAN, stranger.client_id)
        answer = await stranger.post(address(mandate), {"by": "principal"}, Id_Token=token)
        assert problem(answer) == "404 not-found"

    async def test_revoking_needs_its_scope(
        self, world: World, municipality: Organisation, mandate: Json
    ) -> None:
        body = {"by": "third_party", "reason": "over"}
        assert problem(await world.anonymous.post(address(mandate), json=body)) == "401 unauthenticated"
        reader = await world.organisation(municipality.party, without=without(Scope.MANDATES_REVOKE))
        assert problem(await reader.post(address(mandate), body)) == "403 missing-scope"


async def test_the_template_says_who_may(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality, may_revoke=["third_party"])
    mandate = await world.issue(municipality, template)
    token = world.id_token(BERI, municipality.client_id)
    for body in (
        {"by": "principal"},
        {"by": "registrar", "reason": "over", "registrar": REGISTRAR},
    ):
        answer = await municipality.post(address(mandate), body, Id_Token=token)
        assert problem(answer) == "403 forbidden"
        assert "third_party" in answer.json()["detail"]
    answer = await municipality.post(address(mandate), {"by": "third_party", "reason": "over"})
    assert answer.status_code == 201


async def test_once_only_and_the_first_is_named(
    world: World, municipality: Organisation, mandate: Json
) -> None:
    token = world.id_token(PAUL, municipality.client_id)
    first = (await municipality.post(address(mandate), {"by": "representative"}, Id_Token=token)).json()
    before = await count_rows(world)
    for body in ({"by": "representative"}, {"by": "third_party", "reason": "late"}):
        again = await municipality.post(address(mandate), body, Id_Token=token)
        assert problem(again) == "409 already-ended"
        assert again.json()["ended_by"] == {
            "event_id": first["event_id"],
            "type": "mandate.renounced",
            "at": first["at"],
        }
    assert await count_rows(world) == before


async def test_what_is_over_otherwise_cannot_be_revoked(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality, exercise={"max_uses": 1})
    used = await world.issue(municipality, template)
    use = {"permission": "apply", "case_ref": "1", "by": person(PAUL, None)}
    assert (await municipality.post(address(used, "uses"), use)).status_code == 201
    body = {"by": "third_party", "reason": "over"}
    answer = await municipality.post(address(used), body)
    assert (problem(answer), answer.json()["mandate_status"]) == ("409 mandate-over", "used_up")
    other = await world.issue(municipality, template, principal=person(HERMAN))
    later = await calling(world_at(world, datetime.now(UTC) + timedelta(days=366)), municipality)
    answer = await later.post(address(other), body)
    assert (problem(answer), answer.json()["mandate_status"]) == ("409 mandate-over", "expired")


async def test_before_it_begins_and_while_suspended(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    coming = utc_text(datetime.now(UTC) + timedelta(days=5))
    mandate = await world.issue(municipality, template, valid_from=coming)
    body = {"by": "third_party", "reason": "over"}
    assert (await municipality.post(address(mandate), body)).status_code == 201
    assert await decision(municipality, at=coming) == "deny: revoked"
    other = await world.issue(municipality, template)
    assert (await municipality.post(address(other, "suspension"), {"reason": "audit"})).status_code == 201
    assert (await municipality.post(address(other), body)).status_code == 201


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {("/by", "missing")}),
        ({"by": "guardian"}, {("/by", "enum")}),
        ({"by": "principal", "reason": ""}, {("/reason", "string_too_short")}),
        ({"by": "principal", "at": "2026-01-01T00:00:00Z"}, {("/at", "extra_forbidden")}),
        (
            {"by": "registrar", "reason": "x", "registrar": {"employee": CLERK}},
            {("/registrar/statement", "missing")},
        ),
        (
            {"by": "principal", "signature": {"evidence": {"format": "statement", "data": "x"}}},
            {("/signature/evidence/format", "literal_error")},
        ),
    ],
)
async def test_a_revocation_that_is_not_well_formed(
    municipality: Organisation, mandate: Json, body: Json, expected: set[tuple[str, str]]
) -> None:
    for act in ("revocation", "revocation/preview"):
        assert faults(await municipality.post(address(mandate, act), body)) == expected
