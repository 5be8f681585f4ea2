"""Who grants: an organisation by its signatories, a sole trader, an authority by statute."""

from datetime import UTC, datetime, timedelta

import pytest

from acting import decision, faults, jws_signature, paper_signature, verified
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    PETRONELLA,
    Json,
    Organisation,
    World,
    mandate_body,
    person,
)

NOW = datetime.now(UTC)
COMPANY = {"scheme": "se-orgnr", "value": "5561929323", "name": "TB Bokföringsbyrå AB"}
RULE: Json = {
    "text": "Firman tecknas av två i förening av ledamöterna, eller av Petronella ensam.",
    "alternatives": [
        {"any_of": [person(HERMAN, None), person(MARIA, None), person(BERI, None)], "count": 2},
        {"any_of": [person(PETRONELLA, None)], "count": 1},
    ],
}
DETAILS: Json = {
    "form": "aktiebolag",
    "signatory_rule": RULE,
    "source": "Bolagsverket",
    "retrieved_at": "2026-11-20T12:00:00Z",
}
FIXED: Json = {"valid_from": "2026-11-21T00:00:00Z", "valid_until": "2027-11-21T00:00:00Z"}


def company_body(template: Json, **changes: object) -> Json:
    return mandate_body(template, principal=COMPANY, principal_details=DETAILS, **FIXED) | changes


async def attempt(world: World, owner: Organisation, template: Json, *numbers: str) -> set[tuple[str, str]]:
    """Sign as these persons and issue; the faults, none where it is issued."""
    body = await world.sign(owner, company_body(template), *numbers)
    answer = await owner.post("/v1/mandates", body)
    return set() if answer.status_code == 201 else faults(answer)


@pytest.fixture
async def template(world: World, municipality: Organisation) -> Json:
    return await world.publish_template(
        municipality, signing={"by": "signatories", "methods": ["jws", "registered"]}
    )


@pytest.mark.parametrize(
    "signers",
    [(PETRONELLA,), (HERMAN, MARIA), (MARIA, BERI), (HERMAN, MARIA, BERI), (HERMAN, PETRONELLA)],
)
async def test_two_jointly_or_one_alone(
    world: World, municipality: Organisation, template: Json, signers: tuple[str, ...]
) -> None:
    assert await attempt(world, municipality, template, *signers) == set()


@pytest.mark.parametrize(
    ("signers", "expected"),
    [
        ((HERMAN,), {("/signatures", "signatory_rule")}),
        ((HERMAN, HERMAN), {("/signatures/1", "repeated"), ("/signatures", "signatory_rule")}),
        ((HERMAN, PAUL), {("/signatures/1/signer", "wrong_signer"), ("/signatures", "signatory_rule")}),
        ((PAUL,), {("/signatures/0/signer", "wrong_signer"), ("/signatures", "signatory_rule")}),
        ((HERMAN, MARIA, PAUL), {("/signatures/2/signer", "wrong_signer")}),
    ],
)
async def test_too_few_or_others(
    world: World,
    municipality: Organisation,
    template: Json,
    signers: tuple[str, ...],
    expected: set[tuple[str, str]],
) -> None:
    assert await attempt(world, municipality, template, *signers) == expected


async def test_the_rule_and_its_source_are_on_record(
    world: World, municipality: Organisation, template: Json
) -> None:
    body = await world.sign(municipality, company_body(template), HERMAN, MARIA)
    mandate = (await municipality.post("/v1/mandates", body)).json()
    sealed = await municipality.get(f"/v1/mandates/{mandate['id']}/record")
    record = await verified(world, sealed.text, "mandate-record+jwt")
    details = record["content"]["principal_details"]
    assert (details["form"], details["source"], details["retrieved_at"]) == (
        "aktiebolag",
        "Bolagsverket",
        "2026-11-20T12:00:00Z",
    )
    assert details["signatory_rule"]["text"] == RULE["text"]
    named = [
        {(party["scheme"], party["value"]) for party in alternative["any_of"]}
        for alternative in details["signatory_rule"]["alternatives"]
    ]
    assert named == [{("se-pnr", number) for number in (HERMAN, MARIA, BERI)}, {("se-pnr", PETRONELLA)}]
    assert [item["capacity"] for item in record["signatures"]] == ["signatory", "signatory"]
    assert record["content"]["principal_role"] == "organisation"


@pytest.mark.parametrize(
    "details", [None, {"form": "aktiebolag"}, {"form": "aktiebolag", "source": "Bolagsverket"}]
)
async def test_without_a_rule_nobody_signs_for_an_organisation(
    world: World, municipality: Organisation, template: Json, details: Json | None
) -> None:
    body = await world.sign(municipality, company_body(template, principal_details=details), PETRONELLA)
    answer = await municipality.post("/v1/mandates", body)
    assert faults(answer) == {("/principal_details/signatory_rule", "missing")}


async def test_a_rule_needs_its_source(municipality: Organisation, template: Json) -> None:
    answer = await municipality.post(
        "/v1/mandates/preview", company_body(template, principal_details={"signatory_rule": RULE})
    )
    assert faults(answer) == {("/principal_details/source", "missing")}


async def test_signatories_may_sign_on_paper_and_by_e_id(
    world: World, municipality: Organisation, template: Json
) -> None:
    body = await world.sign(municipality, company_body(template), HERMAN)
    paper = paper_signature(person(MARIA), NOW - timedelta(days=3), capacity="signatory")
    body |= {"signatures": [*body["signatures"], paper]}
    assert (await municipality.post("/v1/mandates", body)).status_code == 201


async def test_the_signatories_sign_for_the_organisation_on_any_template(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    assert await attempt(world, municipality, template, PETRONELLA) == set()
    digest = (await municipality.post("/v1/mandates/preview", company_body(template))).json()["digest"]
    as_principal = jws_signature(world.evidence(PETRONELLA, digest), "principal")
    answer = await municipality.post("/v1/mandates", company_body(template, signatures=[as_principal]))
    assert faults(answer) == {("/signatures/0/capacity", "capacity")}


class TestSoleTraders:
    """Rule 14: a mandate in one role never answers for the other."""

    async def test_a_sole_trader_signs_alone_in_the_role_of_its_business(
        self, world: World, municipality: Organisation, template: Json
    ) -> None:
        mandate = await world.issue(municipality, template, principal_role="organisation")
        assert mandate["principal_role"] == "organisation"
        assert mandate["signatures"][0]["capacity"] == "principal"
        assert await decision(municipality, principal_role="organisation") == "permit"
        assert await decision(municipality, principal_role="person") == "deny: out_of_scope"
        assert await decision(municipality) == "deny: out_of_scope"

    async def test_a_person_is_not_its_business(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(municipality)
        await world.issue(municipality, template)
        assert await decision(municipality) == "permit"
        assert await decision(municipality, principal_role="person") == "permit"
        assert await decision(municipality, principal_role="organisation") == "deny: out_of_scope"

    async def test_both_roles_stand_side_by_side(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(municipality)
        private = await world.issue(municipality, template, permissions=["follow"])
        business = await world.issue(municipality, template, principal_role="organisation")
        assert private["status"] == business["status"] == "active"
        assert await decision(municipality, permissions=["follow"]) == "permit"
        assert await decision(municipality, permissions=["apply"]) == "deny: out_of_scope"
        assert await decision(municipality, principal_role="organisation") == "permit"


class TestAuthorities:
    """Rule 7: statutory authority is delivered by the authority itself, attested by an employee."""

    async def template(self, world: World, owner: Organisation) -> Json:
        return await world.publish_template(owner, signing={"by": "authority", "methods": ["registered"]})

    async def test_the_third_party_delivers_it(self, world: World, municipality: Organisation) -> None:
        template = await self.template(world, municipality)
        signature = paper_signature(municipality.wire, NOW - timedelta(days=3), capacity="authority")
        body = mandate_body(template, basis="statutory", signatures=[signature])
        issued = await municipality.post("/v1/mandates", body)
        assert issued.status_code == 201, issued.text
        assert issued.json()["basis"] == "statutory"
        assert await decision(municipality) == "permit"

    async def test_the_basis_is_statutory_unless_a_courts(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await self.template(world, municipality)
        for basis, shown in ((None, "statutory"), ("court", "court")):
            body = mandate_body(template, basis=basis)
            previewed = (await municipality.post("/v1/mandates/preview", body)).json()
            assert (previewed["content"]["basis"], previewed["capacity"]) == (shown, "authority")

    async def test_nobody_else_signs_it(self, world: World, municipality: Organisation) -> None:
        template = await self.template(world, municipality)
        for signer in (person(BERI), COMPANY):
            signature = paper_signature(signer, NOW - timedelta(days=3), capacity="authority")
            answer = await municipality.post("/v1/mandates", mandate_body(template, signatures=[signature]))
            assert faults(answer) == {("/signatures/0/signer", "wrong_signer")}
