"""Verification: decision and reasons per permission; towards whom, in which service and specifier."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from acting import ask, calling, decision, faults, in_short, problem, without, world_at
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    Json,
    Organisation,
    World,
    person,
    question,
)
from registry.domain.callers import Scope
from registry.domain.documents import utc_text, utc_time

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def per_permission(answer: Json) -> dict[str, str]:
    return {item["code"]: in_short(item) for item in answer["permissions"]}


async def act(owner: Organisation, mandate: Json, kind: str, **body: Any) -> None:  # noqa: ANN401  # members of the act
    answer = await owner.post(f"/v1/mandates/{mandate['id']}/{kind}", body)
    assert answer.status_code == 201, answer.text


class TestReasons:
    async def test_permit_names_the_mandate_and_its_end(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality)
        mandate = await world.issue(municipality, template)
        before = datetime.now(UTC)
        answer = await ask(municipality)
        assert before <= utc_time(answer.pop("checked_at")) <= datetime.now(UTC)
        assert answer.pop("receipt").count(".") == 2
        assert answer.pop("consistency_token")
        assert answer == {
            "decision": "permit",
            "reasons": [],
            "permissions": [
                {
                    "code": "apply",
                    "decision": "permit",
                    "reasons": [],
                    "mandate_id": mandate["id"],
                    "valid_until": mandate["valid_until"],
                }
            ],
        }

    async def test_nothing_is_said_of_others(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(municipality)
        await world.issue(municipality, template)
        for changes in (
            {"principal": person(HERMAN, None)},
            {"representative": person(MARIA, None)},
            {"principal": person(PAUL, None), "representative": person(BERI, None)},
        ):
            answer = await ask(municipality, **changes)
            assert answer["permissions"] == [{"code": "apply", "decision": "deny", "reasons": ["no_mandate"]}]

    async def test_each_permission_for_itself(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(
            municipality,
            permissions=[
                {"code": code, "type": "read", "title": {"sv": code}} for code in ("apply", "follow", "pay")
            ],
        )
        await world.issue(municipality, template, permissions=["apply"])
        later = utc_text(NOW + 5 * DAY)
        await world.issue(municipality, template, permissions=["follow"], valid_from=later)
        answer = await ask(municipality, permissions=["pay", "follow", "apply", "unheard-of", "apply"])
        assert per_permission(answer) == {
            "pay": "deny: out_of_scope",
            "follow": "deny: not_yet_valid",
            "apply": "permit",
            "unheard-of": "deny: unknown_permission",
        }
        assert [item["code"] for item in answer["permissions"]] == ["pay", "follow", "apply", "unheard-of"]
        assert answer["decision"] == "deny"
        assert answer["reasons"] == ["out_of_scope", "not_yet_valid", "unknown_permission"]

    async def test_how_a_mandate_is_over(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(municipality, exercise={"max_uses": 1})
        mandate = await world.issue(municipality, template)
        await act(municipality, mandate, "suspension", reason="audit")
        assert await decision(municipality) == "deny: suspended"
        await act(municipality, mandate, "resumption", reason="done")
        assert await decision(municipality) == "permit"
        await act(municipality, mandate, "uses", permission="apply", case_ref="1", by=person(PAUL, None))
        assert await decision(municipality) == "deny: used_up"

    @pytest.mark.parametrize(
        ("by", "reason"), [("third_party", "revoked"), ("representative", "revoked"), (None, "superseded")]
    )
    async def test_how_a_mandate_was_ended(
        self, world: World, municipality: Organisation, by: str | None, reason: str
    ) -> None:
        template = await world.publish_template(municipality)
        mandate = await world.issue(municipality, template)
        if by is None:
            changes = {"supersedes": mandate["id"], "permissions": ["follow"]}
            await world.issue(municipality, template, **changes)
        else:
            answer = await municipality.post(
                f"/v1/mandates/{mandate['id']}/revocation",
                {"by": by, "reason": "over"},
                Id_Token=world.id_token(PAUL, municipality.client_id),
            )
            assert answer.status_code == 201, answer.text
        assert await decision(municipality) == f"deny: {reason}"

    async def test_of_several_the_latest_end_then_the_lowest_id(
        self, world: World, municipality: Organisation
    ) -> None:
        names: list[str] = []
        for days in (30, 90, 90, 60):
            template = await world.publish_template(municipality)
            until = (NOW + days * DAY).replace(microsecond=0)
            mandate = await world.issue(municipality, template, valid_until=utc_text(until))
            names.append(mandate["id"])
        assert (await ask(municipality))["permissions"][0]["mandate_id"] == names[1]

    async def test_of_refusals_the_one_that_came_furthest(
        self, world: World, municipality: Organisation
    ) -> None:
        narrow = await world.publish_template(municipality)
        await world.issue(municipality, narrow, permissions=["follow"])
        assert await decision(municipality) == "deny: out_of_scope"
        coming = await world.publish_template(municipality)
        await world.issue(municipality, coming, valid_from=utc_text(NOW + DAY))
        assert await decision(municipality) == "deny: not_yet_valid"
        ended = await world.publish_template(municipality)
        await act(
            municipality,
            await world.issue(municipality, ended),
            "revocation",
            by="third_party",
            reason="over",
        )
        assert await decision(municipality) == "deny: revoked"
        halted = await world.publish_template(municipality)
        await act(municipality, await world.issue(municipality, halted), "suspension", reason="audit")
        assert await decision(municipality) == "deny: suspended"
        joint = await world.publish_template(municipality, exercise={"together": 2})
        await world.issue(municipality, joint, representatives=[person(PAUL), person(MARIA)])
        assert await decision(municipality) == "conditional: joint_exercise_required"
        await world.issue(municipality, await world.publish_template(municipality))
        assert await decision(municipality) == "permit"


class TestUnknownPermissions:
    async def test_only_what_was_published_here_is_known(
        self, world: World, municipality: Organisation
    ) -> None:
        elsewhere = await world.organisation()
        await world.publish_template(
            elsewhere, permissions=[{"code": "dig", "type": "sign", "title": {"sv": "Gräva"}}]
        )
        await world.publish_template(municipality)
        assert await decision(municipality, permissions=["dig"]) == "deny: unknown_permission"
        assert await decision(municipality, permissions=["apply"]) == "deny: no_mandate"

    async def test_it_is_known_from_its_publication_on_and_after_retirement(
        self, world: World, municipality: Organisation
    ) -> None:
        assert await decision(municipality) == "deny: unknown_permission"
        template = await world.publish_template(municipality)
        assert await decision(municipality) == "deny: no_mandate"
        assert (await municipality.post(f"/v1/templates/{template['id']}/retirement")).status_code == 200
        assert await decision(municipality) == "deny: no_mandate"
        other_process = await calling(world_at(world, datetime.now(UTC)), municipality)
        assert await decision(other_process) == "deny: no_mandate"


class TestTowardsWhom:
    async def test_the_third_party_is_ones_own_unless_named(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality)
        await world.issue(municipality, template)
        body = question(municipality)
        del body["third_party"]
        answer = await municipality.post("/v1/verifications", body)
        assert answer.json()["decision"] == "permit"

    async def test_anothers_matters_need_a_scope(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(municipality)
        await world.issue(municipality, template)
        stranger = await world.organisation()
        platform = await world.organisation(without=frozenset({Scope.REGISTRY_ADMIN}))
        refused = await stranger.post("/v1/verifications", question(municipality))
        assert problem(refused) == "403 missing-scope"
        assert 'scope="verify:any"' in refused.headers["WWW-Authenticate"]
        permitted = await platform.post("/v1/verifications", question(municipality))
        assert permitted.json()["decision"] == "permit"
        own = await platform.post("/v1/verifications", question(platform))
        assert in_short(own.json()) == "deny: unknown_permission"

    async def test_asking_needs_its_scope(self, world: World, municipality: Organisation) -> None:
        mute = await world.organisation(municipality.party, without=without(Scope.VERIFY_OWN))
        for path in ("/v1/verifications", "/v1/verifications/batch", "/v1/representations/search"):
            assert problem(await world.anonymous.post(path, json={})) == "401 unauthenticated"
            assert problem(await mute.post(path, {})) == "403 missing-scope"


class TestScope:
    async def test_a_service_is_one_of_the_templates(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(municipality, services=["oep-1", "oep-2"])
        await world.issue(municipality, template)
        assert await decision(municipality, service="oep-2") == "permit"
        assert await decision(municipality, service="oep-3") == "deny: out_of_scope"
        assert await decision(municipality) == "permit"

    async def test_a_specifier_answers_for_itself_alone(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality, specifiers=["property", "customer"])
        await world.issue(municipality, template, specifier={"property": "1:3", "customer": "7"})
        same = {"customer": "7", "property": "1:3"}
        assert await decision(municipality, specifier=same) == "permit"
        for other in (
            None,
            {},
            {"property": "1:3"},
            {"property": "1:4", "customer": "7"},
            {"property": "7", "customer": "1:3"},
            {"property": "1:3 ", "customer": "7"},
            same | {"extra": "x"},
        ):
            assert await decision(municipality, specifier=other) == "deny: out_of_scope", other

    async def test_without_a_specifier_it_answers_for_all(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality, specifiers=["property"])
        await world.issue(municipality, template)
        assert await decision(municipality, specifier={"property": "1:3"}) == "permit"


async def test_a_party_is_the_same_in_every_way_of_writing(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    await world.issue(municipality, template)
    for written in (f"{BERI[:8]}-{BERI[8:]}", BERI):
        assert await decision(municipality, principal={"scheme": "se-pnr", "value": written}) == "permit"
    await world.issue(municipality, template, representatives=[municipality.wire])
    value = municipality.party.value
    for written in (value, f"{value[:6]}-{value[6:]}", f"16{value}"):
        asked = {"scheme": "se-orgnr", "value": written}
        assert await decision(municipality, representative=asked) == "permit"


async def test_all_faults_of_a_question_at_once(municipality: Organisation) -> None:
    body = question(
        municipality,
        principal={"scheme": "se-pnr", "value": BERI[:-1] + "0"},
        representative={"scheme": "se-x", "value": "1"},
        permissions=[],
        at="2026-02-30T00:00:00Z",
        known_at=5,
        service="",
        purpose="",
        specifier={"property": ""},
        approval_id="1",
        at_least="AAAA",
        surprise=True,
    )
    answer = await municipality.post("/v1/verifications", body)
    assert faults(answer) == {
        ("/principal/value", "party_check_digit"),
        ("/representative/scheme", "party_unknown_scheme"),
        ("/permissions", "too_short"),
        ("/at", "time_value"),
        ("/known_at", "time_format"),
        ("/service", "string_pattern_mismatch"),
        ("/purpose", "string_too_short"),
        ("/specifier/property", "string_too_short"),
        ("/approval_id", "uuid_format"),
        ("/surprise", "extra_forbidden"),
    }
    assert BERI[:-1] not in answer.text
