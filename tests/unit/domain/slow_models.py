"""The rules of status and verification once more, written to be read and not to be fast.

They step through time and collect every reason, where the code under test decides at once. Nothing
of the code under test is used but the types of its input. The words are those of the API.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime

from registry.domain.events import Change, Lifetime
from registry.domain.questions import Candidate, Question

LADDER = [
    "no_mandate",
    "out_of_scope",
    "not_yet_valid",
    "expired",
    "superseded",
    "revoked",
    "used_up",
    "suspended",
    "age_limit",
    "joint_exercise_required",
    "approval_required",
]
ENDED_BY = {
    "mandate.revoked": "revoked",
    "mandate.renounced": "revoked",
    "mandate.superseded": "superseded",
}


def slow_state(
    lifetime: Lifetime, at: datetime, known_at: datetime | None, moments: Iterable[datetime]
) -> str | None:
    """Play the life of a mandate up to `at`; `moments` are all the times at which something may happen.

    Tells what the API calls it as a reason (so that `superseded` is told from `revoked`), or `active`.
    """
    if known_at is not None and known_at < lifetime.issued_at:
        return None
    ended: str | None = None
    used_up = suspended = False
    for moment in sorted(set(moments)):
        if moment > at:
            break
        for change in lifetime.changes:
            if change.at != moment or not _is_known(change, known_at):
                continue
            ended = ended or ENDED_BY.get(change.type.value)
            used_up = used_up or change.type.value == "mandate.used_up"
            if change.type.value in {"mandate.suspended", "mandate.resumed"}:
                suspended = change.type.value == "mandate.suspended"
    words = [
        (ended, ended is not None),
        ("not_yet_valid", not lifetime.valid_from <= at),
        ("expired", lifetime.valid_until is not None and not at < lifetime.valid_until),
        ("used_up", used_up),
        ("suspended", suspended),
        ("active", True),
    ]
    return next(word for word, holds in words if holds)


def _is_known(change: Change, known_at: datetime | None) -> bool:
    return known_at is None or not change.recorded_at > known_at


def slow_age(born: date, day: date) -> int:
    """Count the birthdays; who is born on 29 February has it on 1 March in other years."""
    return sum(1 for year in range(born.year + 1, day.year + 1) if _birthday(born, year) <= day)


def _birthday(born: date, year: int) -> date:
    try:
        return date(year, born.month, born.day)
    except ValueError:
        return date(year, 3, 1)


def slow_state_in_chain(question: Question, candidate: Candidate) -> str | None:
    """As `slow_state`, for a mandate with those above it: what it is by itself says the most."""
    chain = [*(above.lifetime for above in candidate.ancestors), candidate.lifetime]
    *above, own = [_state_of_link(question, life) for life in chain]
    states = above if own == "active" else []
    if own is None or None in states:
        return None
    if own in {"revoked", "superseded"} or {"revoked", "superseded"} & set(states):
        return _how_it_first_ended(question, chain)
    gravest = ["not_yet_valid", "expired", "used_up", "suspended"]
    return next((word for word in gravest if word in states), own)


def _state_of_link(question: Question, life: Lifetime) -> str | None:
    moments = [change.at for change in life.changes]
    return slow_state(life, _time_of_link(question, life), question.known_at, moments)


def _time_of_link(question: Question, life: Lifetime) -> datetime:
    at = question.at
    while question.is_present and any(change.at > at for change in life.changes):
        at = min(change.at for change in life.changes if change.at > at)
    return at


def _how_it_first_ended(question: Question, chain: Sequence[Lifetime]) -> str:
    ends = [
        (change.at, place, number, ENDED_BY[change.type.value])
        for place, life in enumerate(chain)
        for number, change in enumerate(life.changes)
        if change.type.value in ENDED_BY
        and not change.at > _time_of_link(question, life)
        and _is_known(change, question.known_at)
    ]
    return min(ends)[3]


def slow_reasons(question: Question, code: str, candidate: Candidate) -> Iterator[str]:
    """All that stands between this mandate and a permit."""
    state = slow_state_in_chain(question, candidate)
    if state is None:
        yield "no_mandate"
    elif state != "active":
        yield state
    role = question.principal_role.value if question.principal_role else question.principal.type.value
    in_scope = [
        code in set(candidate.permissions),
        question.service is None or question.service in set(candidate.services),
        role == candidate.principal_role.value,
        candidate.specifier_index in {None, question.specifier_index},
    ]
    if not all(in_scope):
        yield "out_of_scope"
    if not _has_right_age(question, candidate):
        yield "age_limit"
    if candidate.together > candidate.holders:
        yield "joint_exercise_required"
    if candidate.approval:
        yield "approval_required"


def _has_right_age(question: Question, candidate: Candidate) -> bool:
    fits = []
    births = question.births
    assert births is not None
    if candidate.principal_below is not None:
        born = births.principal
        fits.append(
            born is not None
            and born <= births.local_date
            and slow_age(born, births.local_date) < candidate.principal_below
        )
    if candidate.representative_from is not None and question.representative.type.value == "person":
        born = births.representative
        fits.append(born is not None and slow_age(born, births.local_date) >= candidate.representative_from)
    return all(fits)


def slow_answer(
    question: Question, code: str, candidates: Sequence[Candidate]
) -> tuple[str, str | None, str | None]:
    """Answer for one permission: decision, reason, and the mandate that it names."""
    if code in question.unknown_permissions:
        return "deny", "unknown_permission", None
    first_hurdles: list[tuple[int, Candidate]] = []
    permitting: list[Candidate] = []
    for candidate in candidates:
        # Scope comes before the mandate's state, which comes before the rest; an unknown mandate is none.
        found = set(slow_reasons(question, code, candidate))
        order = ["no_mandate", "out_of_scope", *(word for word in LADDER[2:] if word in found)]
        hurdle = next((word for word in order if word in found), None)
        if hurdle is None:
            permitting.append(candidate)
        else:
            first_hurdles.append((LADDER.index(hurdle), candidate))
    if permitting:
        return "permit", None, _named(permitting)
    furthest = max((rank for rank, _ in first_hurdles), default=0)
    word = LADDER[furthest]
    if word in {"joint_exercise_required", "approval_required"}:
        return "conditional", word, _named([item for rank, item in first_hurdles if rank == furthest])
    return "deny", word, None


def _named(candidates: Sequence[Candidate]) -> str:
    endless = [item for item in candidates if item.lifetime.valid_until is None]
    latest = max(
        (item.lifetime.valid_until for item in candidates if item.lifetime.valid_until), default=None
    )
    best = endless or [item for item in candidates if item.lifetime.valid_until == latest]
    return min(str(item.mandate_id) for item in best)
