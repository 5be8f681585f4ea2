"""Decisions case by case, as `domain.md` and the API words them."""

from dataclasses import replace
from datetime import date
from itertools import pairwise
from uuid import UUID

import pytest

from registry.domain.events import Change, EventType, Lifetime
from registry.domain.parties import Party, PartyType, Scheme
from registry.domain.questions import (
    Births,
    Candidate,
    Decision,
    PermissionAnswer,
    Question,
    Reason,
    answer_document,
)
from registry.domain.verification import (
    decide,
)
from unit.domain.builders import AGENT, COMPANY, DAY, LAST_MOMENT, MARIA, NOW, OTHER_COMPANY, TICK, TOWN

LOW, HIGH = UUID(int=1), UUID(int=2)
QUESTION = Question(
    third_party=TOWN.party,
    principal=MARIA.party,
    representative=AGENT.party,
    permissions=("sign",),
    at=NOW,
    births=Births(date(2026, 11, 21)),
)
LIFETIME = Lifetime(NOW - DAY, NOW + 100 * DAY, NOW - DAY)
CANDIDATE = Candidate(
    mandate_id=LOW,
    lifetime=LIFETIME,
    permissions=frozenset({"sign", "read"}),
    services=frozenset({"oep-1"}),
    principal_role=PartyType.PERSON,
)
SPENT = {
    Reason.OUT_OF_SCOPE: replace(CANDIDATE, permissions=frozenset({"read"})),
    Reason.NOT_YET_VALID: replace(CANDIDATE, lifetime=replace(LIFETIME, valid_from=NOW + TICK)),
    Reason.EXPIRED: replace(CANDIDATE, lifetime=replace(LIFETIME, valid_until=NOW)),
    **{
        reason: replace(CANDIDATE, lifetime=replace(LIFETIME, changes=(Change(event, NOW, NOW),)))
        for reason, event in {
            Reason.SUPERSEDED: EventType.SUPERSEDED,
            Reason.REVOKED: EventType.RENOUNCED,
            Reason.USED_UP: EventType.USED_UP,
            Reason.SUSPENDED: EventType.SUSPENDED,
        }.items()
    },
    Reason.AGE_LIMIT: replace(CANDIDATE, representative_from=18),
    Reason.JOINT_EXERCISE_REQUIRED: replace(CANDIDATE, together=2),
    Reason.APPROVAL_REQUIRED: replace(CANDIDATE, approval=True),
}
CONDITIONAL = {Reason.JOINT_EXERCISE_REQUIRED, Reason.APPROVAL_REQUIRED}
IN_ORDER = list(SPENT)


def answer(question: Question, *candidates: Candidate) -> PermissionAnswer:
    (item,) = decide(question, candidates).permissions
    return item


def only_reason(question: Question, *candidates: Candidate) -> Reason | None:
    reasons = answer(question, *candidates).reasons
    assert len(reasons) <= 1
    return reasons[0] if reasons else None


def test_a_mandate_in_force_permits() -> None:
    whole = decide(QUESTION, [CANDIDATE])
    assert whole.decision is Decision.PERMIT
    assert whole.reasons == ()
    assert whole.permissions == (PermissionAnswer("sign", Decision.PERMIT, (), LOW, NOW + 100 * DAY),)


def test_without_a_mandate_nothing_is_said_but_that() -> None:
    assert answer(QUESTION) == PermissionAnswer("sign", Decision.DENY, (Reason.NO_MANDATE,))


@pytest.mark.parametrize("reason", IN_ORDER)
def test_one_mandate_that_fails_gives_its_reason(reason: Reason) -> None:
    item = answer(QUESTION, SPENT[reason])
    assert item.reasons == (reason,)
    if reason in CONDITIONAL:
        assert (item.decision, item.mandate_id) == (Decision.CONDITIONAL, LOW)
        assert item.valid_until == NOW + 100 * DAY
    else:
        assert item == PermissionAnswer("sign", Decision.DENY, (reason,))


@pytest.mark.parametrize(("less", "further"), list(pairwise(IN_ORDER)))
def test_of_two_that_fail_the_one_that_came_further_counts(less: Reason, further: Reason) -> None:
    one, other = SPENT[less], replace(SPENT[further], mandate_id=HIGH)
    assert only_reason(QUESTION, one, other) is further
    assert only_reason(QUESTION, other, one) is further


@pytest.mark.parametrize("reason", IN_ORDER)
def test_one_that_permits_outdoes_all_that_fail(reason: Reason) -> None:
    item = answer(QUESTION, SPENT[reason], replace(CANDIDATE, mandate_id=HIGH))
    assert (item.decision, item.mandate_id) == (Decision.PERMIT, HIGH)


def test_the_latest_end_is_named_then_the_lowest_id() -> None:
    short = replace(CANDIDATE, mandate_id=LOW)
    long = replace(CANDIDATE, mandate_id=HIGH, lifetime=replace(LIFETIME, valid_until=NOW + 101 * DAY))
    endless = replace(CANDIDATE, mandate_id=UUID(int=3), lifetime=replace(LIFETIME, valid_until=None))
    assert answer(QUESTION, short, long).mandate_id == HIGH
    assert answer(QUESTION, long, endless, short).mandate_id == UUID(int=3)
    assert answer(QUESTION, long, endless, short).valid_until is None
    assert answer(QUESTION, replace(CANDIDATE, mandate_id=HIGH), short).mandate_id == LOW


def test_a_microsecond_at_the_end_of_the_calendar_still_tells_two_ends_apart() -> None:
    early = replace(CANDIDATE, lifetime=replace(LIFETIME, valid_until=LAST_MOMENT - TICK))
    late = replace(CANDIDATE, mandate_id=HIGH, lifetime=replace(LIFETIME, valid_until=LAST_MOMENT))
    assert answer(QUESTION, early, late).mandate_id == HIGH


def test_of_conditional_ones_the_one_to_complete_is_named() -> None:
    joint = SPENT[Reason.JOINT_EXERCISE_REQUIRED]
    longer = replace(joint, mandate_id=HIGH, lifetime=replace(LIFETIME, valid_until=None))
    approval = replace(SPENT[Reason.APPROVAL_REQUIRED], mandate_id=UUID(int=7))
    assert answer(QUESTION, joint, longer).mandate_id == HIGH
    assert answer(QUESTION, joint, longer, approval).mandate_id == UUID(int=7)


def test_joint_exercise_is_met_by_enough_holders() -> None:
    assert only_reason(QUESTION, replace(CANDIDATE, together=2, holders=1)) is Reason.JOINT_EXERCISE_REQUIRED
    assert only_reason(QUESTION, replace(CANDIDATE, together=2, holders=2)) is None
    assert only_reason(QUESTION, replace(CANDIDATE, together=2, holders=3)) is None
    both = replace(CANDIDATE, together=2, holders=2, approval=True)
    assert only_reason(QUESTION, both) is Reason.APPROVAL_REQUIRED


def test_a_permission_nobody_ever_published_is_unknown_whatever_there_is() -> None:
    question = replace(QUESTION, permissions=("sign", "gone"), unknown_permissions=frozenset({"gone"}))
    whole = decide(question, [replace(CANDIDATE, permissions=frozenset({"sign", "gone"}))])
    assert [item.decision for item in whole.permissions] == [Decision.PERMIT, Decision.DENY]
    assert whole.reasons == (Reason.UNKNOWN_PERMISSION,)
    assert whole.decision is Decision.DENY


def test_one_refused_permission_refuses_the_whole_and_one_conditional_makes_it_so() -> None:
    joint = replace(SPENT[Reason.JOINT_EXERCISE_REQUIRED], permissions=frozenset({"read"}))
    alone = replace(CANDIDATE, mandate_id=HIGH, permissions=frozenset({"sign"}))
    some = decide(replace(QUESTION, permissions=("sign", "read")), [joint, alone])
    assert some.decision is Decision.CONDITIONAL
    assert some.reasons == (Reason.JOINT_EXERCISE_REQUIRED,)
    more = decide(replace(QUESTION, permissions=("write", "read", "sign", "write")), [joint, alone])
    assert more.decision is Decision.DENY
    assert more.reasons == (Reason.OUT_OF_SCOPE, Reason.JOINT_EXERCISE_REQUIRED)
    assert len(more.permissions) == 4


def test_a_service_must_be_one_of_the_template() -> None:
    assert only_reason(replace(QUESTION, service="oep-1"), CANDIDATE) is None
    assert only_reason(replace(QUESTION, service="oep-2"), CANDIDATE) is Reason.OUT_OF_SCOPE
    assert only_reason(QUESTION, replace(CANDIDATE, services=frozenset())) is None


def test_a_specifier_narrows_the_mandate_that_has_one_and_no_other() -> None:
    narrow = replace(CANDIDATE, specifier_index=b"1:3")
    assert only_reason(QUESTION, narrow) is Reason.OUT_OF_SCOPE
    assert only_reason(replace(QUESTION, specifier_index=b"1:4"), narrow) is Reason.OUT_OF_SCOPE
    assert only_reason(replace(QUESTION, specifier_index=b"1:3"), narrow) is None
    assert only_reason(replace(QUESTION, specifier_index=b"1:3"), CANDIDATE) is None


def test_a_mandate_in_one_role_never_answers_for_the_other() -> None:
    as_trader = replace(CANDIDATE, principal_role=PartyType.ORGANISATION)
    of_trader = replace(QUESTION, principal_role=PartyType.ORGANISATION)
    assert only_reason(of_trader, as_trader) is None
    assert only_reason(of_trader, CANDIDATE) is Reason.OUT_OF_SCOPE
    assert only_reason(replace(QUESTION, principal_role=PartyType.PERSON), as_trader) is Reason.OUT_OF_SCOPE


def test_a_question_without_a_role_means_the_party_as_what_it_is() -> None:
    as_trader = replace(CANDIDATE, principal_role=PartyType.ORGANISATION)
    assert only_reason(QUESTION, as_trader) is Reason.OUT_OF_SCOPE
    assert only_reason(replace(QUESTION, principal=COMPANY.party), as_trader) is None


@pytest.mark.parametrize(
    ("local_date", "reason"),
    [
        (date(2026, 11, 20), None),
        (date(2026, 11, 21), Reason.AGE_LIMIT),
        (date(2014, 1, 1), None),
        (date(2013, 11, 20), Reason.AGE_LIMIT),
    ],
)
def test_a_child_is_below_the_limit_until_its_birthday_there(local_date: date, reason: Reason | None) -> None:
    # The clock stands still: the local date alone decides. Before its birth nobody has an age.
    question = replace(QUESTION, births=Births(local_date, principal=date(2013, 11, 21)))
    assert only_reason(question, replace(CANDIDATE, principal_below=13)) is reason


@pytest.mark.parametrize(
    ("local_date", "reason"), [(date(2026, 11, 20), Reason.AGE_LIMIT), (date(2026, 11, 21), None)]
)
def test_a_representative_has_the_age_from_its_birthday_there(
    local_date: date, reason: Reason | None
) -> None:
    question = replace(QUESTION, births=Births(local_date, representative=date(2008, 11, 21)))
    assert only_reason(question, replace(CANDIDATE, representative_from=18)) is reason


@pytest.mark.parametrize("scheme", [Scheme.EIDAS, Scheme.SE_GDNR, Scheme.SE_SAMNR])
def test_an_identifier_without_a_full_birth_date_never_satisfies_an_age_limit(scheme: Scheme) -> None:
    party = Party(scheme, "DE/SE/1")
    limited = replace(CANDIDATE, representative_from=0)
    assert only_reason(replace(QUESTION, representative=party), limited) is Reason.AGE_LIMIT
    limited = replace(CANDIDATE, principal_below=200)
    assert only_reason(replace(QUESTION, principal=party), limited) is Reason.AGE_LIMIT


def test_without_births_no_age_limit_is_met_and_no_other_rule_asks_for_them() -> None:
    question = replace(QUESTION, births=None)
    assert only_reason(question, CANDIDATE) is None
    assert only_reason(question, replace(CANDIDATE, principal_below=200)) is Reason.AGE_LIMIT
    assert only_reason(question, replace(CANDIDATE, representative_from=0)) is Reason.AGE_LIMIT


def test_an_organisation_that_represents_has_no_age_to_limit() -> None:
    limited = replace(CANDIDATE, representative_from=18)
    assert only_reason(replace(QUESTION, representative=OTHER_COMPANY.party), limited) is None


def test_an_organisation_is_never_below_an_age() -> None:
    limited = replace(CANDIDATE, principal_below=13, principal_role=PartyType.ORGANISATION)
    assert only_reason(replace(QUESTION, principal=COMPANY.party), limited) is Reason.AGE_LIMIT


def test_a_question_of_what_was_known_is_answered_from_that() -> None:
    revoked = Change(EventType.REVOKED, NOW - DAY, NOW + DAY)
    candidate = replace(CANDIDATE, lifetime=replace(LIFETIME, changes=(revoked,)))
    assert only_reason(QUESTION, candidate) is Reason.REVOKED
    before = replace(QUESTION, known_at=NOW)
    assert only_reason(before, candidate) is None
    assert only_reason(replace(QUESTION, known_at=NOW + DAY), candidate) is Reason.REVOKED
    assert only_reason(replace(QUESTION, known_at=NOW - 2 * DAY), candidate) is Reason.NO_MANDATE


def test_the_reason_of_an_ending_is_that_of_the_ending_that_was_known() -> None:
    changes = (
        Change(EventType.REVOKED, NOW - DAY, NOW + 2 * DAY),
        Change(EventType.SUPERSEDED, NOW, NOW),
    )
    candidate = replace(CANDIDATE, lifetime=replace(LIFETIME, changes=changes))
    assert only_reason(QUESTION, candidate) is Reason.REVOKED
    assert only_reason(replace(QUESTION, known_at=NOW), candidate) is Reason.SUPERSEDED


def test_a_question_of_now_counts_what_a_faster_clock_recorded() -> None:
    ahead = Change(EventType.REVOKED, NOW + TICK, NOW + TICK)
    candidate = replace(CANDIDATE, lifetime=replace(LIFETIME, changes=(ahead,)))
    assert only_reason(replace(QUESTION, is_present=True), candidate) is Reason.REVOKED
    assert only_reason(QUESTION, candidate) is None
    assert only_reason(replace(QUESTION, is_present=True), CANDIDATE) is None


def test_the_document_of_an_answer() -> None:
    answered = decide(replace(QUESTION, permissions=("sign", "x")), [CANDIDATE])
    assert answer_document(answered, NOW + TICK) == {
        "decision": "deny",
        "reasons": ["out_of_scope"],
        "permissions": [
            {
                "code": "sign",
                "decision": "permit",
                "reasons": [],
                "mandate_id": str(LOW),
                "valid_until": "2027-03-01T09:00:00Z",
            },
            {"code": "x", "decision": "deny", "reasons": ["out_of_scope"]},
        ],
        "checked_at": "2026-11-21T09:00:00.000001Z",
    }
