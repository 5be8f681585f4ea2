"""Approvals: when one is good, what it is good for, and that it never replaces a mandate."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest

from registry.domain.approvals import (
    DECIDED,
    REQUESTED,
    AlreadyDecidedError,
    Approval,
    ApprovalDecision,
    ApprovalLapsedError,
    ApprovalStatus,
    Matter,
    NamedApproval,
    Verdict,
    approval_status,
    check_matter,
    check_open,
    decision_document,
    is_good,
    matter_document,
    read_approval,
)
from registry.domain.entries import Entry, SubjectKind
from registry.domain.restrictions import Block, RestrictionScope
from registry.domain.verification import decide
from unit.domain.builders import AGENT, CLERK, COMPANY, DAY, MARIA, NOW, TEXT_DIGEST, TICK, TOWN
from unit.domain.test_decision_cases import CANDIDATE, QUESTION, SPENT
from unit.domain.test_restrictions import in_short

MATTER = Matter(MARIA, AGENT, TOWN, "sign", "Ansökan", TEXT_DIGEST, NOW + DAY)
APPROVAL = Approval(UUID(int=5), MATTER, NOW - DAY, "urn:registry:client:test")
NAMED = NamedApproval(
    is_of_parties=True,
    is_of_content=True,
    permission="sign",
    deadline=NOW + DAY,
    approved_at=NOW - DAY,
)
APPROVED_ONLY = replace(CANDIDATE, approval=True)
ASKED = replace(QUESTION, approval=NAMED)


def good(
    approval: NamedApproval, at: datetime = NOW, known_at: datetime | None = None, *, now: bool = False
) -> bool:
    return is_good(approval, at, known_at=known_at, is_present=now)


def test_good_from_the_decision_to_the_deadline() -> None:
    assert not good(NAMED, NOW - DAY - TICK)
    assert good(NAMED, NOW - DAY)
    assert good(NAMED, NOW + DAY - TICK)
    assert not good(NAMED, NOW + DAY)
    assert not good(NAMED, NOW, NOW - DAY - TICK), "it was not known"
    assert good(NAMED, NOW, NOW - DAY)
    assert good(replace(NAMED, approved_at=NOW + TICK), NOW, now=True), "a clock that runs ahead"
    assert not good(replace(NAMED, approved_at=None))
    assert not good(replace(NAMED, is_of_content=False))


def test_both_have_to_hold() -> None:
    assert in_short(decide(ASKED, [APPROVED_ONLY])) == "permit"
    assert in_short(decide(QUESTION, [APPROVED_ONLY])) == "conditional approval_required"
    assert in_short(decide(ASKED, [])) == "deny no_mandate"
    for reason, candidate in SPENT.items():
        if reason.value not in {"approval_required", "joint_exercise_required"}:
            refused = replace(candidate, approval=True)
            assert in_short(decide(ASKED, [refused])) == f"deny {reason.value}"


@pytest.mark.parametrize(
    "changes",
    [
        {"permission": "read"},
        {"is_of_content": False},
        {"approved_at": None},
        {"deadline": NOW},
    ],
)
def test_another_matter_is_not_approved(changes: dict[str, object]) -> None:
    other = replace(NAMED, **changes)  # type: ignore[arg-type]  # any member
    question = replace(QUESTION, approval=other)
    assert in_short(decide(question, [APPROVED_ONLY])) == "conditional approval_required"
    assert in_short(decide(question, [CANDIDATE])) == "permit", "this one demands none"


def test_an_approval_of_other_parties_denies_whatever_holds() -> None:
    question = replace(QUESTION, approval=NamedApproval(is_of_parties=False), permissions=("sign", "read"))
    for candidates in ([], [CANDIDATE], [APPROVED_ONLY]):
        answer = decide(question, candidates)
        assert in_short(answer) == "deny party_mismatch"
        assert {item.mandate_id for item in answer.permissions} == {None}
    block = Block(RestrictionScope.ALL_REPRESENTATIVES, NOW - DAY, NOW - DAY)
    assert in_short(decide(question, [CANDIDATE], [block])) == "deny restricted"


def test_a_context_of_other_parties_denies_whatever_holds() -> None:
    question = replace(QUESTION, is_of_context=False)
    for candidates in ([], [CANDIDATE]):
        assert in_short(decide(question, candidates)) == "deny party_mismatch"


def test_status_and_what_is_left_to_decide() -> None:
    approved = replace(APPROVAL, decision=ApprovalDecision(Verdict.APPROVED, NOW, AGENT.party))
    declined = replace(APPROVAL, decision=ApprovalDecision(Verdict.DECLINED, NOW, AGENT.party))
    before, after = MATTER.deadline - TICK, MATTER.deadline
    assert [approval_status(item, before) for item in (APPROVAL, approved, declined)] == [
        ApprovalStatus.PENDING,
        ApprovalStatus.APPROVED,
        ApprovalStatus.DECLINED,
    ]
    assert [approval_status(item, after) for item in (APPROVAL, approved, declined)] == [
        ApprovalStatus.LAPSED,
        ApprovalStatus.LAPSED,
        ApprovalStatus.DECLINED,
    ]
    check_open(APPROVAL, before)
    with pytest.raises(ApprovalLapsedError):
        check_open(APPROVAL, after)
    for decided in (approved, declined):
        with pytest.raises(AlreadyDecidedError):
            check_open(decided, before)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"principal": CLERK}, ("/principal", "not_a_party")),
        ({"representative": CLERK}, ("/representative", "not_a_party")),
        ({"representative": MARIA}, ("/representative", "not_another")),
        ({"deadline": NOW}, ("/deadline", "period")),
    ],
)
def test_faults_of_a_matter(changes: dict[str, object], fault: tuple[str, str]) -> None:
    assert check_matter(MATTER, now=NOW) == ()
    found = check_matter(replace(MATTER, **changes), now=NOW)  # type: ignore[arg-type]  # any member
    assert [(item.pointer, item.code) for item in found] == [fault]


def test_entries_tell_the_matter_and_the_decision() -> None:
    matter = replace(MATTER, principal=COMPANY)
    requested = an_entry(0, REQUESTED, matter_document(matter))
    assert read_approval([requested]).matter == matter
    assert read_approval([requested]).decision is None
    details = {
        "decision": "declined",
        "decided_by": {"scheme": AGENT.party.scheme.value, "value": AGENT.party.value},
        "evidence": None,
        "evidence_digest": None,
    }
    decided = read_approval([requested, an_entry(1, DECIDED, details)])
    assert decided.decision == ApprovalDecision(Verdict.DECLINED, NOW, AGENT.party)


def test_what_is_signed_tells_approving_from_declining_and_one_matter_from_another() -> None:
    signed = decision_document(APPROVAL, Verdict.APPROVED)
    assert signed | {"decision": "declined"} == decision_document(APPROVAL, Verdict.DECLINED)
    for other in (
        replace(APPROVAL, id=UUID(int=6)),
        replace(APPROVAL, matter=replace(MATTER, title="Annan")),
        replace(APPROVAL, matter=replace(MATTER, principal=COMPANY)),
    ):
        assert decision_document(other, Verdict.APPROVED) != signed


def an_entry(number: int, entry_type: str, details: dict[str, object]) -> Entry:
    return Entry(
        subject_id=UUID(int=7),
        kind=SubjectKind.APPROVAL,
        number=number,
        type=entry_type,
        recorded_at=NOW,
        registered_by="urn:registry:client:test",
        previous=None,
        details=details,  # type: ignore[arg-type]  # JSON
    )
