"""What is not issued: every fault at once, each at its place, and nothing written."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from acting import calling, count_rows, faults, jws_signature, problem, without, world_at
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    Json,
    Organisation,
    World,
    mandate_body,
    person,
    template_body,
)
from registry.domain.callers import Scope
from registry.domain.documents import utc_text

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
STAFF = {"scheme": "username", "value": "anna.andersson", "name": "Anna"}


async def both(owner: Organisation, body: Json) -> set[tuple[str, str]]:
    """The faults, which preview and issue must agree on, apart from signatures that are not there yet."""
    previewed = faults(await owner.post("/v1/mandates/preview", body))
    issued = faults(await owner.post("/v1/mandates", body))
    assert issued - {("/signatures", "missing")} == previewed
    return previewed


async def test_every_fault_is_told_at_once(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(
        municipality,
        representative_types=["person"],
        permissions=[
            {"code": "collect", "type": "collect", "title": {"sv": "Hämta"}, "details": ["source", "year"]},
            {"code": "follow", "type": "read", "title": {"sv": "Följa"}},
        ],
        details={"case_type": ["permit", "appeal"]},
        specifiers=["property"],
    )
    before = await count_rows(world)
    body = mandate_body(
        template,
        principal=person(BERI, None),
        representatives=[person(BERI), person(PAUL), person(PAUL, None), municipality.wire],
        permissions=["collect", "follow", "follow", "submit"],
        permission_details={
            "collect": {"source": " ", "colour": "red"},
            "submit": {"a": "b"},
            "*": {"case_type": "permits", "other": "x"},
        },
        specifier={"customer": "1", "property": " "},
        valid_from="2026-01-01T00:00:00Z",
        valid_until="2025-12-31T00:00:00Z",
        language="fi",
        basis="statutory",
        parent=str(uuid4()),
        principal_details={"signatory_rule": {"alternatives": [{"any_of": [person(BERI)], "count": 2}]}},
        signatures=[jws_signature("x.y.z")],
    )
    expected = {
        ("/principal/name", "missing"),
        ("/representatives/0", "repeated"),
        ("/representatives/2", "repeated"),
        ("/representatives/2/name", "missing"),
        ("/representatives/3/scheme", "representative_type"),
        ("/permissions", "repeated"),
        ("/permissions", "unknown_permission"),
        ("/permission_details/collect/source", "missing"),
        ("/permission_details/collect/year", "missing"),
        ("/permission_details/collect/colour", "unknown"),
        ("/permission_details/submit", "not_granted"),
        ("/permission_details/*/case_type", "not_offered"),
        ("/permission_details/*/other", "unknown"),
        ("/specifier/customer", "unknown"),
        ("/specifier/property", "missing"),
        ("/valid_until", "reversed"),
        ("/language", "not_offered"),
        ("/basis", "basis_mismatch"),
        ("/parent", "unknown_mandate"),
        ("/principal_details/signatory_rule/alternatives/0/count", "impossible"),
        ("/principal_details/source", "missing"),
        ("/signatures/0/evidence/data", "evidence_malformed"),
    }
    assert await both(municipality, body) == expected
    assert await count_rows(world) == before


async def test_a_fault_repeats_nothing_personal(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    body = mandate_body(
        template,
        representatives=[person(BERI), person(PAUL, None)],
        permissions=["submit"],
        specifier={"property": "SUNDSVALL STENSTADEN 1:3"},
        external_ref="case of Beri Ylles",
    )
    answer = await municipality.post("/v1/mandates", body)
    assert answer.status_code == 422
    for personal in (BERI, PAUL, "Beri", "Ylles", "STENSTADEN"):
        assert personal not in answer.text


async def test_signatures_are_needed_to_issue_and_not_to_preview(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    body = mandate_body(template)
    assert (await municipality.post("/v1/mandates/preview", body)).status_code == 200
    assert faults(await municipality.post("/v1/mandates", body)) == {("/signatures", "missing")}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"permissions": []}, {("/permissions", "missing")}),
        ({"representatives": []}, {("/representatives", "missing")}),
        ({"representatives": [STAFF]}, {("/representatives/0/scheme", "representative_type")}),
        ({"principal": STAFF}, {("/principal/scheme", "staff_is_no_party")}),
        ({"valid_until": None}, {("/valid_until", "end_required")}),
        (
            {"valid_from": "2026-11-21T09:00:00Z", "valid_until": "2026-11-21T09:00:00Z"},
            {("/valid_until", "reversed")},
        ),
        (
            {"valid_from": "2020-01-01T00:00:00Z", "valid_until": "2020-12-31T00:00:00Z"},
            {("/valid_until", "already_over")},
        ),
        (
            {"valid_from": "2026-01-01T00:00:00Z", "valid_until": "2031-02-01T00:00:00Z"},
            {("/valid_until", "too_long")},
        ),
        ({"valid_from": "8999-12-31T23:59:59Z"}, set()),
        (
            {"valid_from": "8999-12-31T23:59:59Z", "valid_until": "9000-01-01T00:00:00Z"},
            {("/valid_until", "time_range")},
        ),
        (
            {"valid_from": "1799-12-31T23:59:59Z", "valid_until": "2026-02-30T00:00:00Z"},
            {("/valid_from", "time_range"), ("/valid_until", "time_value")},
        ),
        (
            {"valid_from": "2026-11-21 09:00:00", "valid_until": "2026-11-21T09:00:00"},
            {("/valid_from", "time_format"), ("/valid_until", "time_format")},
        ),
        ({"principal_role": "staff"}, {("/principal_role", "principal_type")}),
        ({"language": "en-GB"}, {("/language", "not_offered")}),
        ({"basis": "court"}, {("/basis", "basis_mismatch")}),
        ({"surprise": 1}, {("/surprise", "extra_forbidden")}),
        (
            {
                "principal": person(BERI[:-1] + "0"),
                "representatives": [{"scheme": "se-pnr", "value": "\uff11"}],
            },
            {("/principal/value", "party_check_digit"), ("/representatives/0/value", "party_format")},
        ),
    ],
)
async def test_one_thing_wrong(
    world: World, municipality: Organisation, changes: Json, expected: set[tuple[str, str]]
) -> None:
    template = await world.publish_template(municipality)
    body = mandate_body(template, **changes)
    if expected:
        assert await both(municipality, body) - {("/signatures", "missing")} == expected
    else:
        assert (await municipality.post("/v1/mandates/preview", body)).status_code == 200


@pytest.mark.parametrize(
    ("terms", "changes", "expected"),
    [
        (
            {"principal_types": ["organisation"]},
            {},
            {("/principal_role", "principal_type")},
        ),
        ({"principal_types": ["organisation"]}, {"principal_role": "organisation"}, set()),
        (
            {"representative_types": ["organisation"]},
            {},
            {("/representatives/0/scheme", "representative_type")},
        ),
        ({"exercise": {"together": 2}}, {}, {("/representatives", "too_few")}),
        (
            {"exercise": {"together": 2}},
            {"representatives": [person(PAUL), person(MARIA)]},
            set(),
        ),
        ({"title": {"en": "Only English"}}, {}, {("/language", "not_offered")}),
        ({"signing": {"by": "authority", "methods": ["registered"]}}, {"basis": "statutory"}, set()),
        (
            {"signing": {"by": "authority", "methods": ["registered"]}},
            {"basis": "voluntary"},
            {("/basis", "basis_mismatch")},
        ),
        (
            {"signing": {"by": "guardian", "methods": ["registered"]}},
            {"principal_role": "organisation"},
            {("/principal_role", "guardian")},
        ),
    ],
)
async def test_the_template_sets_the_terms(
    world: World, municipality: Organisation, terms: Json, changes: Json, expected: set[tuple[str, str]]
) -> None:
    template = await world.publish_template(municipality, **terms)
    body = mandate_body(template, **changes)
    if expected:
        assert await both(municipality, body) == expected
    else:
        assert (await municipality.post("/v1/mandates/preview", body)).status_code == 200


async def test_an_organisation_grants_as_an_organisation(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    company = {"scheme": "se-orgnr", "value": "5561929323", "name": "TB Bokföringsbyrå AB"}
    body = mandate_body(template, principal=company, principal_role="person")
    assert await both(municipality, body) == {("/principal_role", "role_mismatch")}


async def test_permissions_of_another_template(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    other = await world.publish_template(
        municipality, permissions=[{"code": "inspect", "type": "read", "title": {"sv": "Granska"}}]
    )
    wanted = {("/permissions", "unknown_permission")}
    assert await both(municipality, mandate_body(template, permissions=["inspect"])) == wanted
    assert await both(municipality, mandate_body(other, permissions=["apply", "inspect"])) == wanted


class TestTemplateVersions:
    async def new_version(self, owner: Organisation, template: Json, **changes: Any) -> Json:  # noqa: ANN401
        added = await owner.post(f"/v1/templates/{template['id']}/versions", template_body(owner, **changes))
        assert added.status_code == 201, added.text
        document: Json = added.json()
        return document

    async def test_a_draft_serves_nothing(self, world: World, municipality: Organisation) -> None:
        draft = (await municipality.post("/v1/templates", template_body(municipality))).json()
        assert await both(municipality, mandate_body(draft)) == {("/template/version", "template_draft")}
        published = await world.publish_template(municipality)
        newer = await self.new_version(municipality, published)
        assert await both(municipality, mandate_body(newer)) == {("/template/version", "template_draft")}

    async def test_a_retired_template_serves_nothing_new_and_keeps_what_is(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality)
        old = await world.issue(municipality, template)
        body = await world.sign(municipality, mandate_body(template, principal=person(HERMAN)), HERMAN)
        assert (await municipality.post(f"/v1/templates/{template['id']}/retirement")).status_code == 200
        assert faults(await municipality.post("/v1/mandates", body)) == {("/template/id", "template_retired")}
        assert (await municipality.get(f"/v1/mandates/{old['id']}")).json()["status"] == "active"

    async def test_a_replaced_version_serves_what_was_signed_before(
        self, world: World, municipality: Organisation
    ) -> None:
        early = world_at(world, NOW - 10 * DAY)
        owner = await calling(early, municipality)
        template = await early.publish_template(owner)
        before = await early.sign(owner, mandate_body(template), BERI)
        other = await early.sign(owner, mandate_body(template, principal=person(HERMAN)), HERMAN)
        newer = await self.new_version(owner, template)
        middle = world_at(world, NOW - 5 * DAY)
        owner = await calling(middle, municipality)
        address = f"/v1/templates/{template['id']}/versions/{newer['version']}/publication"
        assert (await owner.post(address)).status_code == 200

        replaced = ("/template/version", "template_replaced")
        assert await both(municipality, mandate_body(template)) == {replaced}
        assert (await municipality.post("/v1/mandates", before)).status_code == 201
        digest = (await early_preview(early, municipality, other))["digest"]
        late = jws_signature(world.evidence(HERMAN, digest))
        assert faults(await municipality.post("/v1/mandates", other | {"signatures": [late]})) == {replaced}
        assert (await world.issue(municipality, newer, principal=person(MARIA)))["status"] == "active"

    @pytest.mark.parametrize("version", [2, 99])
    async def test_an_unknown_version(self, world: World, municipality: Organisation, version: int) -> None:
        template = await world.publish_template(municipality)
        body = mandate_body(template | {"version": version})
        assert await both(municipality, body) == {("/template", "unknown_template")}

    async def test_an_unknown_template_and_anothers_draft_look_the_same(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality)
        other = await world.organisation()
        draft = (await other.post("/v1/templates", template_body(other))).json()
        answers = []
        for reference in ({"id": str(uuid4()), "version": 1}, {"id": draft["id"], "version": 1}):
            body = mandate_body(template | reference)
            assert await both(municipality, body) == {("/template", "unknown_template")}
            answers.append((await municipality.post("/v1/mandates", body)).json()["errors"])
        assert answers[0] == answers[1]


async def early_preview(early: World, municipality: Organisation, body: Json) -> Json:
    """What was to be signed while the template version was current."""
    owner = await calling(early, municipality)
    unsigned = {name: value for name, value in body.items() if name != "signatures"}
    answer = await owner.post("/v1/mandates/preview", unsigned)
    document: Json = answer.json()
    return document


async def test_only_the_third_party_issues_on_its_template(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    other = await world.organisation()
    for path in ("/v1/mandates", "/v1/mandates/preview"):
        assert problem(await other.post(path, mandate_body(template))) == "403 forbidden"


async def test_a_client_of_another_department_does_not_issue(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    colleague = await world.organisation(municipality.party, departments=frozenset({"Skola"}))
    neighbour = await world.organisation(
        municipality.party, departments=frozenset({"Skola", "Miljökontoret"})
    )
    body = mandate_body(template)
    assert problem(await colleague.post("/v1/mandates/preview", body)) == "403 forbidden"
    assert (await neighbour.post("/v1/mandates/preview", body)).status_code == 200


async def test_issuing_needs_its_scope(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    reader = await world.organisation(municipality.party, without=without(Scope.MANDATES_ISSUE))
    for path in ("/v1/mandates", "/v1/mandates/preview"):
        assert problem(await world.anonymous.post(path, json={})) == "401 unauthenticated"
        assert problem(await reader.post(path, mandate_body(template))) == "403 missing-scope"


async def test_a_signed_default_start_is_sent_back_or_refused(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    body = await world.sign(municipality, mandate_body(template), BERI)
    later = body | {"valid_until": utc_text(NOW + 20 * DAY)}
    expected = {("/signatures/0/evidence/data", "evidence_other_content")}
    assert faults(await municipality.post("/v1/mandates", later)) == expected
    assert (await municipality.post("/v1/mandates", body)).status_code == 201
