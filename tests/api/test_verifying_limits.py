"""Verification: how many act together, and how old they are on the local date of the question."""

from datetime import UTC, date, datetime, timedelta

import pytest

from acting import ask, decision, in_short
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    TEST_PERSSON,
    Json,
    Organisation,
    World,
    mandate_body,
    person,
)
from party_numbers import swedish
from registry.domain.documents import utc_text

DAY = timedelta(days=1)


class TestTogether:
    @pytest.fixture
    async def owner(self, world: World, municipality: Organisation) -> Organisation:
        template = await world.publish_template(municipality, exercise={"together": 2})
        both = [person(PAUL), person(MARIA), person(HERMAN)]
        await world.issue(municipality, template, representatives=both)
        return municipality

    @pytest.mark.parametrize(
        ("named", "expected"),
        [
            (None, "conditional: joint_exercise_required"),
            ([], "conditional: joint_exercise_required"),
            ([PAUL], "conditional: joint_exercise_required"),
            ([PAUL, PAUL], "conditional: joint_exercise_required"),
            ([BERI], "conditional: joint_exercise_required"),
            ([MARIA], "permit"),
            ([PAUL, HERMAN], "permit"),
            ([MARIA, HERMAN, BERI], "permit"),
        ],
    )
    async def test_enough_of_them_are_named(
        self, owner: Organisation, named: list[str] | None, expected: str
    ) -> None:
        others = None if named is None else [person(number, None) for number in named]
        answer = await ask(owner, representatives=others)
        assert in_short(answer) == expected
        assert "mandate_id" in answer["permissions"][0], "conditional ones name the mandate, too"

    async def test_the_asker_holds_it_itself(self, owner: Organisation) -> None:
        others = [person(PAUL, None), person(MARIA, None)]
        assert await decision(owner, representative=person(TEST_PERSSON, None), representatives=others) == (
            "deny: no_mandate"
        )

    async def test_each_mandate_needs_its_own(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(municipality, exercise={"together": 2})
        await world.issue(municipality, template, representatives=[person(PAUL), person(MARIA)])
        other = await world.publish_template(municipality, exercise={"together": 2})
        await world.issue(municipality, other, representatives=[person(PAUL), person(HERMAN)])
        assert await decision(municipality, representatives=[person(HERMAN, None)]) == "permit"
        assert await decision(municipality, representatives=[person(BERI, None)]) == (
            "conditional: joint_exercise_required"
        )

    async def test_approval_comes_after(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(municipality, exercise={"together": 2, "approval": True})
        await world.issue(municipality, template, representatives=[person(PAUL), person(MARIA)])
        assert await decision(municipality) == "conditional: joint_exercise_required"
        assert await decision(municipality, representatives=[person(MARIA, None)]) == (
            "conditional: approval_required"
        )


class TestAge:
    """Rule 15: age is reckoned on the local date of the question, by the birth date in the identifier."""

    CHILD = person(swedish("20130630980"), "Barn Testsson")
    LIMITS: Json = {"principal_below": 13, "representative_from": 18}  # noqa: RUF012  # read only

    @pytest.fixture
    async def owner(self, world: World, municipality: Organisation) -> Organisation:
        template = await world.publish_template(
            municipality, age_limits=self.LIMITS, validity={"default_days": 5000, "max_days": 9000}
        )
        now = datetime(2026, 1, 1, tzinfo=UTC)
        times = {"valid_from": utc_text(now), "valid_until": utc_text(now + 4000 * DAY)}
        await world.issue(municipality, template, BERI, principal=person(BERI), **times)
        body = mandate_body(template, principal=self.CHILD, **times)
        signed = await world.sign(municipality, body, self.CHILD["value"])
        assert (await municipality.post("/v1/mandates", signed)).status_code == 201
        return municipality

    @pytest.mark.parametrize(
        ("at", "expected"),
        [
            ("2026-06-29T21:59:59.999999Z", "permit"),
            ("2026-06-29T22:00:00Z", "deny: age_limit"),
            ("2026-06-30T12:00:00Z", "deny: age_limit"),
        ],
    )
    async def test_on_the_thirteenth_birthday_in_stockholm(
        self, owner: Organisation, at: str, expected: str
    ) -> None:
        child = {"scheme": "se-pnr", "value": self.CHILD["value"]}
        assert await decision(owner, principal=child, at=at) == expected

    async def test_an_adult_principal_is_too_old(self, owner: Organisation) -> None:
        assert await decision(owner, at="2026-06-01T00:00:00Z") == "deny: age_limit"

    async def test_a_representative_under_age(self, world: World, municipality: Organisation) -> None:
        today = datetime.now(UTC).date()
        template = await world.publish_template(municipality, age_limits={"representative_from": 18})
        young, grown = (
            swedish(f"{born:%Y%m%d}981")
            for born in (date(today.year - 17, 1, 1), date(today.year - 19, 1, 1))
        )
        for number, expected in ((young, "deny: age_limit"), (grown, "permit")):
            await world.issue(municipality, template, representatives=[person(number)])
            assert await decision(municipality, representative=person(number, None)) == expected

    async def test_an_organisation_that_represents_has_no_age(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality, age_limits={"representative_from": 18})
        await world.issue(municipality, template, representatives=[municipality.wire])
        assert await decision(municipality, representative=municipality.wire) == "permit"

    async def test_without_a_full_birth_date_no_limit_is_met(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality, age_limits={"representative_from": 18})
        unknown_day = {"scheme": "se-samnr", "value": swedish("19701060980"), "name": "Okänd Dag"}
        await world.issue(municipality, template, representatives=[unknown_day])
        assert await decision(municipality, representative=unknown_day) == "deny: age_limit"
