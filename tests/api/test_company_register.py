"""Who may sign for an organisation: the company register decides; without one, a registrar states it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from acting import count_rows, faults, problem, verified, without
from company_entries import AS_OF, JOINTLY_OR_ALONE, SOURCE, company, register_of, rule, sole_trader
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
    organisation_number,
    person,
)
from registry.domain.callers import Scope
from registry.domain.documents import utc_text
from registry.domain.errors import UnavailableError
from registry.domain.parties import Party
from registry.identity.company_register import CompanyEntry

NUMBER = organisation_number()
UNRULED = organisation_number()
COMPANY = {"scheme": "se-orgnr", "value": NUMBER, "name": "TB Bokföringsbyrå AB"}
SIGNING = {"by": "signatories", "methods": ["jws", "registered"]}
FIXED: Json = {"valid_from": "2026-11-21T00:00:00Z", "valid_until": "2027-11-21T00:00:00Z"}
KNOWN: Json = {
    "form": "aktiebolag",
    "signatory_rule": JOINTLY_OR_ALONE,
    "source": SOURCE,
    "retrieved_at": utc_text(AS_OF),
}
RULE = "/principal_details/signatory_rule"


@dataclass
class FailingRegister:
    """A register that is out of reach, behind the same protocol."""

    asked: list[Party] = field(default_factory=list)

    async def find(self, party: Party, *, now: datetime) -> CompanyEntry | None:  # noqa: ARG002  # as the protocol
        self.asked.append(party)
        raise UnavailableError

    async def list_engagements(self, person: Party, *, now: datetime) -> tuple[CompanyEntry, ...]:  # noqa: ARG002  # as the protocol
        self.asked.append(person)
        raise UnavailableError


@pytest.fixture(scope="module")
def registered(world: World) -> World:
    """The application with a company register."""
    register = register_of(
        company(NUMBER),
        company(UNRULED, name="Utan Regel AB", signatory_rule=None),
        sole_trader(BERI),
    )
    return World(world.database, world.keys, eid_key=world.eid_key, register=register)


@pytest.fixture
async def owner(registered: World) -> Organisation:
    """A third party whose client is no registrar."""
    return await registered.organisation(without=without(Scope.MANDATES_REGISTER))


@pytest.fixture
async def template(registered: World, owner: Organisation) -> Json:
    return await registered.publish_template(owner, signing=SIGNING)


def body(template: Json, **changes: object) -> Json:
    return mandate_body(template, principal=COMPANY, **FIXED) | changes


async def attempt(world: World, owner: Organisation, request: Json, *numbers: str) -> set[tuple[str, str]]:
    signed = await world.sign(owner, request, *numbers)
    answer = await owner.post("/v1/mandates", signed)
    return set() if answer.status_code == 201 else faults(answer)


@pytest.mark.parametrize(
    ("signers", "expected"),
    [
        ((PETRONELLA,), set()),
        ((HERMAN, MARIA), set()),
        ((HERMAN,), {("/signatures", "signatory_rule")}),
        ((PAUL,), {("/signatures/0/signer", "wrong_signer"), ("/signatures", "signatory_rule")}),
    ],
)
async def test_the_registers_rule_decides(
    registered: World,
    owner: Organisation,
    template: Json,
    signers: tuple[str, ...],
    expected: set[tuple[str, str]],
) -> None:
    assert await attempt(registered, owner, body(template), *signers) == expected


async def test_its_answer_is_what_is_kept(registered: World, owner: Organisation, template: Json) -> None:
    nameless = {"scheme": "se-orgnr", "value": NUMBER}
    signed = await registered.sign(owner, body(template, principal=nameless), PETRONELLA)
    issued = await owner.post("/v1/mandates", signed)
    assert issued.status_code == 201, issued.text
    sealed = await owner.get(f"/v1/mandates/{issued.json()['id']}/record")
    record = await verified(registered, sealed.text, "mandate-record+jwt")
    assert record["content"]["principal"] == COMPANY
    details = record["content"]["principal_details"]
    kept = {name: details[name] for name in ("form", "source", "retrieved_at")}
    assert kept == {"form": "aktiebolag", "source": SOURCE, "retrieved_at": utc_text(AS_OF)}
    assert details["signatory_rule"]["text"] == JOINTLY_OR_ALONE["text"]
    assert [item["count"] for item in details["signatory_rule"]["alternatives"]] == [1, 2]


async def test_a_preview_answers_what_may_be_stated_again(owner: Organisation, template: Json) -> None:
    content = (await owner.post("/v1/mandates/preview", body(template))).json()["content"]
    for stated in (content["principal_details"], KNOWN, {"form": "AKTIEBOLAG"}, {"source": SOURCE}):
        again = await owner.post("/v1/mandates/preview", body(template, principal_details=stated))
        assert again.status_code == 200, again.text
        assert again.json()["content"]["principal_details"] == content["principal_details"]
    earlier = content["principal_details"] | {"retrieved_at": utc_text(AS_OF - timedelta(days=1))}
    again = await owner.post("/v1/mandates/preview", body(template, principal_details=earlier))
    assert again.json()["content"]["principal_details"] == earlier, "as the signed preview had it"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"form": "handelsbolag"}, {("/principal_details/form", "register_differs")}),
        ({"source": "our own list"}, {("/principal_details/source", "register_differs")}),
        (
            {"signatory_rule": rule((1, (PAUL,)), text=JOINTLY_OR_ALONE["text"])},
            {(f"{RULE}/alternatives", "register_differs")},
        ),
        (
            {"signatory_rule": JOINTLY_OR_ALONE | {"text": "Firman tecknas av Paul"}},
            {(f"{RULE}/text", "register_differs")},
        ),
        (
            {"retrieved_at": utc_text(datetime.now(UTC) + timedelta(days=1))},
            {("/principal_details/retrieved_at", "in_the_future")},
        ),
        (
            {"retrieved_at": utc_text(datetime.now(UTC) - timedelta(days=185))},
            {("/principal_details/retrieved_at", "too_old")},
        ),
    ],
)
async def test_nobody_contradicts_it(
    registered: World, template: Json, owner: Organisation, changes: Json, expected: set[tuple[str, str]]
) -> None:
    registrar = await registered.organisation(owner.party)
    for caller in (owner, registrar):
        answer = await caller.post("/v1/mandates/preview", body(template, principal_details=KNOWN | changes))
        assert faults(answer) == expected


async def test_another_name_is_another_company(owner: Organisation, template: Json) -> None:
    other = COMPANY | {"name": "Annat Bolag AB"}
    answer = await owner.post("/v1/mandates/preview", body(template, principal=other))
    assert faults(answer) == {("/principal/name", "register_differs")}
    spaced = COMPANY | {"name": "TB  bokföringsbyrå AB"}
    answer = await owner.post("/v1/mandates/preview", body(template, principal=spaced))
    assert answer.json()["content"]["principal"] == COMPANY


@pytest.mark.parametrize("number", [UNRULED, organisation_number()], ids=["no rule", "unknown"])
async def test_where_it_knows_no_rule_only_a_registrar_states_one(
    registered: World, owner: Organisation, template: Json, number: str
) -> None:
    principal = {"scheme": "se-orgnr", "value": number, "name": "Utan Regel AB"}
    request = body(template, principal=principal, principal_details=KNOWN)
    before = await count_rows(registered)
    for path in ("/v1/mandates/preview", "/v1/mandates"):
        assert (RULE, "not_a_registrar") in faults(await owner.post(path, request))
    assert await count_rows(registered) == before
    without_rule = body(template, principal=principal)
    assert await attempt(registered, owner, without_rule, PETRONELLA) == {(RULE, "missing")}
    registrar = await registered.organisation(owner.party)
    assert await attempt(registered, registrar, request, PETRONELLA) == set()


async def test_without_a_register_only_a_registrar_states_a_rule(world: World) -> None:
    clerkless = await world.organisation(without=without(Scope.MANDATES_REGISTER))
    template = await world.publish_template(clerkless, signing=SIGNING)
    request = body(template, principal_details=KNOWN)
    assert faults(await clerkless.post("/v1/mandates/preview", request)) == {(RULE, "not_a_registrar")}
    registrar = await world.organisation(clerkless.party)
    assert await attempt(world, registrar, request, PETRONELLA) == set()


async def test_a_register_out_of_reach_is_no_way_around_it(world: World) -> None:
    register = FailingRegister()
    unlucky = World(world.database, world.keys, eid_key=world.eid_key, register=register)
    registrar = await unlucky.organisation()
    template = await unlucky.publish_template(registrar, signing=SIGNING)
    before = await count_rows(unlucky)
    for path in ("/v1/mandates/preview", "/v1/mandates"):
        answer = await registrar.post(path, body(template, principal_details=KNOWN))
        assert problem(answer) == "503 unavailable"
        assert answer.headers["retry-after"] == "1"
    assert await count_rows(unlucky) == before
    register.asked.clear()
    assert (await registrar.post("/v1/mandates/preview", mandate_body(template))).status_code == 200
    assert register.asked == [], "nobody asks for a person who grants as a person"


class TestSoleTraders:
    async def test_the_business_is_shown_as_registered(
        self, registered: World, owner: Organisation, template: Json
    ) -> None:
        mandate = await registered.issue(owner, template, principal_role="organisation")
        assert mandate["principal"] == person(BERI)
        assert mandate["principal_details"] == {
            "form": "enskild näringsidkare",
            "signatory_rule": None,
            "source": SOURCE,
            "retrieved_at": utc_text(AS_OF),
        }

    async def test_the_person_in_private_has_no_business_details(
        self, registered: World, owner: Organisation
    ) -> None:
        template = await registered.publish_template(owner)
        mandate = await registered.issue(owner, template)
        assert mandate["principal_details"] is None

    async def test_one_whom_the_register_does_not_know_signs_all_the_same(
        self, registered: World, owner: Organisation, template: Json
    ) -> None:
        mandate = await registered.issue(
            owner, template, principal=person(MARIA, "Maria"), principal_role="organisation"
        )
        assert mandate["principal_details"] is None

    async def test_its_form_is_not_contradicted(self, owner: Organisation, template: Json) -> None:
        request = mandate_body(
            template, principal_role="organisation", principal_details={"form": "aktiebolag"}
        )
        answer = await owner.post("/v1/mandates/preview", request)
        assert faults(answer) == {("/principal_details/form", "register_differs")}


async def test_an_authority_delivers_without_asking(registered: World, owner: Organisation) -> None:
    template = await registered.publish_template(
        owner, signing={"by": "authority", "methods": ["registered"]}
    )
    previewed = await owner.post("/v1/mandates/preview", body(template))
    assert previewed.status_code == 200
    assert previewed.json()["content"]["principal_details"] is None
