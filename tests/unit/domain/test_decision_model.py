"""Decisions against the slow model, on many small worlds."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

from hypothesis import example, given, settings
from hypothesis import strategies as st

from registry.domain.delegation import Ancestor
from registry.domain.events import Change, EventType, Lifetime
from registry.domain.parties import PartyType
from registry.domain.questions import Answer, Births, Candidate, Decision, Question, Reason, answer_document
from registry.domain.verification import age_on, decide
from unit.domain.builders import AGENT, COMPANY, DAY, LAST_MOMENT, MARIA, NOW, OTHER_COMPANY, TICK, TOWN
from unit.domain.slow_models import slow_age, slow_answer
from unit.domain.strategies import TIMES

World = tuple[Question, list[Candidate]]

ROLES = (PartyType.PERSON, PartyType.ORGANISATION)
INDEXES = (None, None, b"one", b"two")
BIRTHS = (None, date(2013, 11, 20), date(2013, 11, 22), date(2012, 2, 29), date(1970, 1, 1), date(2027, 1, 1))
ENDS = (None, LAST_MOMENT, LAST_MOMENT - TICK)


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - test input, and the same in every run


def a_world(random: Random) -> World:
    """Ask one question of a few mandates, each of which mostly fits, so that all of the ladder is reached."""
    question = Question(
        third_party=TOWN.party,
        principal=random.choice((MARIA.party, COMPANY.party)),
        representative=random.choice((AGENT.party, OTHER_COMPANY.party)),
        permissions=tuple(random.choice("abcz") for _ in range(random.randint(1, 3))),
        at=a_day(random, 0, 6),
        **random.choice(({}, {"is_present": True}, {"known_at": a_day(random, 0, 6)})),
        service=random.choice((None, None, "s", "u")),
        principal_role=random.choice((None, *ROLES)),
        specifier_index=random.choice(INDEXES),
        births=Births(
            date(2026, 10, 30) + timedelta(days=random.randrange(130)),
            random.choice(BIRTHS),
            random.choice(BIRTHS),
        ),
        unknown_permissions=frozenset("z"),
    )
    numbers = random.sample(range(1, 10), random.randrange(5))
    return question, [a_candidate(random, UUID(int=number)) for number in numbers]


def a_candidate(random: Random, mandate_id: UUID) -> Candidate:
    return Candidate(
        mandate_id=mandate_id,
        lifetime=Lifetime(
            valid_from=random.choice((NOW, a_day(random, 0, 3))),
            valid_until=random.choice((*ENDS, a_day(random, 2, 6))),
            issued_at=random.choice((NOW, a_day(random, 0, 3))),
            changes=tuple(a_change(random) for _ in range(random.choice((0, 0, 1, 2)))),
        ),
        permissions=frozenset(random.sample("abc", random.randint(1, 3))),
        services=frozenset(random.choice(("st", "su", "u"))),
        principal_role=random.choice(ROLES),
        specifier_index=random.choice(INDEXES),
        together=random.choice((1, 1, 2, 3)),
        holders=random.randint(1, 3),
        approval=random.choice((False, False, True)),
        principal_below=random.choice((None, None, 13, 14)),
        representative_from=random.choice((None, None, 13, 14)),
        ancestors=tuple(an_ancestor(random, number) for number in range(random.choice((0, 0, 1, 2)))),
    )


def an_ancestor(random: Random, number: int) -> Ancestor:
    """Mostly in force, so that what is below it is reached."""
    changes = tuple(a_change(random) for _ in range(random.choice((0, 0, 0, 1, 2))))
    begins, ends = random.choice((NOW, NOW, a_day(random, 0, 3))), random.choice((*ENDS, a_day(random, 4, 6)))
    return Ancestor(UUID(int=100 + number), Lifetime(begins, ends, random.choice((NOW, begins)), changes))


def a_change(random: Random) -> Change:
    at = a_day(random, 0, 4)
    return Change(random.choice(tuple(EventType)), at, at + random.randrange(3) * DAY)


def a_day(random: Random, low: int, high: int) -> datetime:
    return NOW + random.randint(low, high) * DAY


WORLDS = st.integers(0, 2**64).map(lambda seed: a_world(seeded(seed)))


def model_agrees(question: Question, candidates: list[Candidate]) -> Answer:
    answer = decide(question, candidates)
    ends = {str(each.mandate_id): each.lifetime.valid_until for each in candidates}
    above = {each.mandate_id: [link.mandate_id for link in each.ancestors] for each in candidates}
    assert [item.code for item in answer.permissions] == list(question.permissions)
    for item in answer.permissions:
        decision, reason, named = slow_answer(question, item.code, candidates)
        assert item.decision.value == decision
        assert [word.value for word in item.reasons] == ([] if reason is None else [reason])
        assert (None if item.mandate_id is None else str(item.mandate_id)) == named
        assert item.valid_until == (None if named is None else ends[named])
        links = [] if item.mandate_id is None else above[item.mandate_id]
        assert list(item.chain) == ([*links, item.mandate_id] if links else [])
    return answer


@given(WORLDS)
@settings(max_examples=200, deadline=None)
def test_every_permission_is_answered_as_by_the_slow_model(world: World) -> None:
    model_agrees(*world)


def test_the_slow_model_agrees_on_every_reason_that_a_mandate_can_give() -> None:
    answers = [model_agrees(*a_world(seeded(seed))) for seed in range(3000)]
    seen = {reason for answer in answers for reason in answer.reasons}
    assert seen == set(Reason) - {Reason.PARTY_MISMATCH, Reason.RESTRICTED}
    assert {answer.decision for answer in answers} == set(Decision)


@given(WORLDS)
@settings(max_examples=200, deadline=None)
def test_the_whole_follows_from_its_parts(world: World) -> None:
    question, candidates = world
    answer = decide(question, candidates)
    parts = [item.decision.value for item in answer.permissions]
    expected = next(word for word in ("deny", "conditional", "permit") if word in parts)
    assert answer.decision.value == expected
    seen: list[Reason] = []
    for item in answer.permissions:
        seen.extend(reason for reason in item.reasons if reason not in seen)
    assert list(answer.reasons) == seen
    assert (answer.decision is Decision.PERMIT) == (not answer.reasons)


@given(WORLDS, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_the_mandates_does_not_matter(world: World, random: Random) -> None:
    question, candidates = world
    shuffled = list(candidates)
    random.shuffle(shuffled)
    assert decide(question, shuffled) == decide(question, candidates)


@given(WORLDS, st.integers())
@settings(max_examples=100, deadline=None)
def test_another_mandate_never_turns_a_yes_into_a_no(world: World, seed: int) -> None:
    question, candidates = world
    more = a_candidate(seeded(seed), UUID(int=99))
    before, after = decide(question, candidates), decide(question, [*candidates, more])
    for old, new in zip(before.permissions, after.permissions, strict=True):
        if old.decision is Decision.PERMIT:
            assert new.decision is Decision.PERMIT


@given(st.dates(), st.dates())
@example(date(2012, 2, 29), date(2025, 2, 28))
@example(date(2012, 2, 29), date(2025, 3, 1))
@example(date(2012, 2, 29), date(2024, 2, 29))
@example(date.min, date.max)
@settings(max_examples=200, deadline=None)
def test_age_counts_birthdays(born: date, day: date) -> None:
    if born <= day:
        assert age_on(born, day) == slow_age(born, day)
    else:
        age = age_on(born, day)
        assert age is not None
        assert age < 0


@given(WORLDS, TIMES)
@settings(max_examples=100, deadline=None)
def test_an_answer_is_shown_with_all_that_it_says(world: World, checked_at: datetime) -> None:
    question, candidates = world
    answer = decide(question, candidates)
    document = answer_document(answer, checked_at)
    assert document["decision"] == answer.decision.value
    assert document["reasons"] == [reason.value for reason in answer.reasons]
    shown = document["permissions"]
    assert isinstance(shown, list)
    for part, item in zip(shown, answer.permissions, strict=True):
        assert isinstance(part, dict)
        assert part["code"] == item.code
        assert ("mandate_id" in part) == ("valid_until" in part) == (item.decision is not Decision.DENY)


def test_the_answer_of_nothing_asked_is_no() -> None:
    question, candidates = a_world(seeded(1))
    assert not decide(replace(question, permissions=()), candidates).permissions
    assert decide(replace(question, permissions=()), candidates).decision is Decision.DENY
