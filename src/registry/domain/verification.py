"""Verification: may this representative act for this principal here, in this matter, at this time?

Pure: the candidates (mandates between exactly these parties, here) come in, the decision goes out.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from registry.domain.approvals import is_good
from registry.domain.delegation import first_ending, status_above
from registry.domain.events import EventType, Status, status_at, time_asked
from registry.domain.parties import PartyType
from registry.domain.questions import Answer, Candidate, Decision, PermissionAnswer, Question, Reason
from registry.domain.restrictions import (
    Block,
    RestrictionScope,
    blocked_representatives,
    blocks_mandate,
    is_in_force,
)

RULES_VERSION = 4
"""Raised when the same question about the same mandates would be answered otherwise."""


# No reason at all, which permits, is the furthest one can come.
_PROGRESS: dict[Reason | None, int] = {reason: place for place, reason in enumerate((*Reason, None))}
_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
_SEVERITY = [Decision.PERMIT, Decision.CONDITIONAL, Decision.DENY]
_CONDITIONAL = frozenset({Reason.JOINT_EXERCISE_REQUIRED, Reason.APPROVAL_REQUIRED})
_BY_STATUS = {
    Status.NOT_YET_VALID: Reason.NOT_YET_VALID,
    Status.EXPIRED: Reason.EXPIRED,
    Status.USED_UP: Reason.USED_UP,
    Status.SUSPENDED: Reason.SUSPENDED,
}


def decide(question: Question, candidates: Sequence[Candidate], blocks: Sequence[Block] = ()) -> Answer:
    """Answer a question from the mandates between its parties. Never raises; an empty list denies.

    `blocks` are the restrictions on the principal here: they win over every mandate. What is refused while
    they stand against a mandate between the parties is `restricted`, in place of all other reasons; where
    nothing connects the parties it stays `no_mandate`, so that nobody learns who is protected by asking.

    Of several permitting mandates the one with the latest end, then the lowest id, is named, and so of
    conditional ones that lack the same; of refused ones the reason that came furthest counts.
    """
    is_of_approval = question.approval is None or question.approval.is_of_parties
    if not (is_of_approval and question.is_of_context):
        return _mismatched(question, candidates, blocks)
    blocked = _blocked(question, candidates, blocks) if blocks else ()
    if blocked is None:
        answers = tuple([_restricted(code) for code in question.permissions])
    elif blocked:
        left = [candidate for candidate in candidates if candidate not in blocked]
        decided = [_decide_permission(question, code, left) for code in question.permissions]
        answers = tuple([_restricted(item.code) if _is_denied(item) else item for item in decided])
    else:
        answers = tuple([_decide_permission(question, code, candidates) for code in question.permissions])
    if len(answers) == 1:
        return Answer(answers[0].decision, answers[0].reasons, answers)
    decisions = [answer.decision for answer in answers]
    decision = max(decisions, key=_SEVERITY.index, default=Decision.DENY)
    reasons = dict.fromkeys(reason for answer in answers for reason in answer.reasons)
    return Answer(decision, tuple(reasons), answers)


def _mismatched(question: Question, candidates: Sequence[Candidate], blocks: Sequence[Block]) -> Answer:
    """Deny whatever else holds: the caller mixed up two matters. Only a restriction comes before that."""
    unapproved = decide(replace(question, approval=None, is_of_context=True), candidates, blocks)
    answers = tuple(
        item
        if Reason.RESTRICTED in item.reasons
        else PermissionAnswer(item.code, Decision.DENY, (Reason.PARTY_MISMATCH,))
        for item in unapproved.permissions
    )
    reasons = dict.fromkeys(reason for answer in answers for reason in answer.reasons)
    return Answer(Decision.DENY, tuple(reasons), answers)


def _blocked(
    question: Question, candidates: Sequence[Candidate], blocks: Sequence[Block]
) -> Sequence[Candidate] | None:
    """The mandates that restrictions stand against; None where the principal may not act for itself."""
    held = [
        block
        for block in blocks
        if is_in_force(block, question.at, known_at=question.known_at, is_present=question.is_present)
    ]
    if question.principal == question.representative:
        is_locked = any(block.scope is RestrictionScope.OWN_LOGIN for block in held)
        return None if is_locked else ()
    return [
        candidate
        for candidate in candidates
        if _is_known(question, candidate) and _stand_against(held, question, candidate)
    ]


def _stand_against(held: Sequence[Block], question: Question, candidate: Candidate) -> bool:
    """Whether these blocks stand against a mandate.

    One of those who act together does not count where it is blocked; enough others need it not.
    """
    blocked_beside = candidate.held_together & blocked_representatives(held)
    if blocked_beside and candidate.holders - len(blocked_beside) < candidate.together:
        return True
    return blocks_mandate(
        held,
        acting=candidate.holders_above.union(question.acting[:1]),
        service=question.service,
        services=candidate.services,
        is_guardians=candidate.is_guardians,
    )


def _is_known(question: Question, candidate: Candidate) -> bool:
    return question.known_at is None or candidate.lifetime.issued_at <= question.known_at


def _restricted(code: str) -> PermissionAnswer:
    return PermissionAnswer(code, Decision.DENY, (Reason.RESTRICTED,))


def _is_denied(answer: PermissionAnswer) -> bool:
    return answer.decision is Decision.DENY


def _decide_permission(question: Question, code: str, candidates: Sequence[Candidate]) -> PermissionAnswer:
    if code in question.unknown_permissions:
        return PermissionAnswer(code, Decision.DENY, (Reason.UNKNOWN_PERMISSION,))
    furthest: Reason | None = Reason.NO_MANDATE
    best: list[Candidate] = []
    for candidate in candidates:
        reason = _refusal(question, code, candidate)
        if reason is furthest:
            best.append(candidate)
        elif _PROGRESS[reason] > _PROGRESS[furthest]:
            furthest, best = reason, [candidate]
    if furthest is not None and furthest not in _CONDITIONAL:
        return PermissionAnswer(code, Decision.DENY, (furthest,))
    named = best[0] if len(best) == 1 else min(best, key=_preference)
    return PermissionAnswer(
        code,
        Decision.PERMIT if furthest is None else Decision.CONDITIONAL,
        () if furthest is None else (furthest,),
        named.mandate_id,
        named.lifetime.valid_until,
        _chain(named) if named.ancestors else (),
    )


def _chain(candidate: Candidate) -> tuple[UUID, ...]:
    return (*(ancestor.mandate_id for ancestor in candidate.ancestors), candidate.mandate_id)


def _preference(candidate: Candidate) -> tuple[bool, timedelta, UUID]:
    until = candidate.lifetime.valid_until
    return (until is not None, timedelta() if until is None else _LAST_MOMENT - until, candidate.mandate_id)


def _refusal(question: Question, code: str, candidate: Candidate) -> Reason | None:
    at = time_asked(candidate.lifetime, question.at, is_present=question.is_present)
    status = status_at(candidate.lifetime, at, known_at=question.known_at)
    if status is Status.ACTIVE and candidate.ancestors:
        status = status_above(
            candidate.ancestors, question.at, known_at=question.known_at, is_present=question.is_present
        )
    if status is None:
        return Reason.NO_MANDATE
    if not _is_in_scope(question, code, candidate):
        return Reason.OUT_OF_SCOPE
    if status is Status.REVOKED:
        return _reason_of_end(question, candidate)
    if status is not Status.ACTIVE:
        return _BY_STATUS[status]
    if not _is_within_age(question, candidate):
        return Reason.AGE_LIMIT
    if candidate.holders < candidate.together:
        return Reason.JOINT_EXERCISE_REQUIRED
    is_approved = not candidate.approval or _is_approved(question, code)
    return None if is_approved else Reason.APPROVAL_REQUIRED


def _is_approved(question: Question, code: str) -> bool:
    approval = question.approval
    return (
        approval is not None
        and approval.permission == code
        and is_good(approval, question.at, known_at=question.known_at, is_present=question.is_present)
    )


def _reason_of_end(question: Question, candidate: Candidate) -> Reason:
    ending = first_ending(
        candidate.lifetime,
        candidate.ancestors,
        question.at,
        known_at=question.known_at,
        is_present=question.is_present,
    )
    superseded = ending is not None and ending.type is EventType.SUPERSEDED
    return Reason.SUPERSEDED if superseded else Reason.REVOKED


def _is_in_scope(question: Question, code: str, candidate: Candidate) -> bool:
    return (
        code in candidate.permissions
        and (question.service is None or question.service in candidate.services)
        and (question.principal_role or question.principal.type) is candidate.principal_role
        and candidate.specifier_index in {None, question.specifier_index}
    )


def has_age_limit(candidate: Candidate) -> bool:
    """Whether it takes the births of those in the question to decide."""
    return candidate.principal_below is not None or candidate.representative_from is not None


def _is_within_age(question: Question, candidate: Candidate) -> bool:
    if not has_age_limit(candidate):
        return True
    births = question.births
    if births is None:
        return False
    below, from_age = candidate.principal_below, candidate.representative_from
    if below is not None:
        age = age_on(births.principal, births.local_date)
        if age is None or not 0 <= age < below:
            return False
    # An organisation that represents has no age, and those who act for it are not in the question.
    if from_age is None:
        return True
    acting = zip(
        (question.representative, *question.together_with),
        (births.representative, *births.together),
        strict=False,
    )
    ages = [age_on(born, births.local_date) for party, born in acting if party.type is PartyType.PERSON]
    return all(age is not None and age >= max(from_age, 0) for age in ages)


def age_on(born: date | None, day: date) -> int | None:
    """Whole years on that day, negative before birth; None without a full birth date.

    Who is born on 29 February turns on 1 March in other years.
    """
    if born is None:
        return None
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
