"""Restrictions: when one is in force, which mandates it stands against, and that it wins over all else."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest

from registry.domain.entries import Entry, SubjectKind
from registry.domain.events import Change, EventType
from registry.domain.questions import Answer, Reason
from registry.domain.restrictions import (
    IMPOSED,
    LIFTED,
    Block,
    Imposition,
    RestrictionScope,
    RestrictionStatus,
    blocks_mandate,
    check_imposition,
    imposition_document,
    is_in_force,
    present_status,
    read_restriction,
)
from registry.domain.verification import decide
from unit.domain.builders import AGENT, CLERK, COMPANY, DAY, MARIA, NOW, TICK, TOWN
from unit.domain.test_decision_cases import CANDIDATE, HIGH, QUESTION, SPENT

PAUL, SOMEBODY = b"\x01paul", b"\x01somebody"
BLOCK = Block(RestrictionScope.ALL_REPRESENTATIVES, valid_from=NOW - DAY, imposed_at=NOW - 2 * DAY)
ASKED = replace(QUESTION, acting=(PAUL,))
IMPOSITION = Imposition(
    subject=MARIA,
    scope=RestrictionScope.ALL_REPRESENTATIVES,
    imposed_by=TOWN.party,
    valid_from=NOW,
    reason="protected",
)


def in_short(answer: Answer) -> str:
    return f"{answer.decision.value} {' '.join(reason.value for reason in answer.reasons)}".strip()


def asked_at(at: datetime, block: Block, known_at: datetime | None = None, *, now: bool = False) -> bool:
    return is_in_force(block, at, known_at=known_at, is_present=now)


def test_a_block_holds_from_its_first_moment_to_the_one_before_its_end() -> None:
    block = replace(BLOCK, valid_until=NOW)
    assert not asked_at(NOW - DAY - TICK, block)
    assert asked_at(NOW - DAY, block)
    assert asked_at(NOW - TICK, block)
    assert not asked_at(NOW, block)


def test_a_lifted_block_still_holds_for_the_time_before() -> None:
    block = replace(BLOCK, lifted_at=NOW)
    assert asked_at(NOW - TICK, block)
    assert not asked_at(NOW, block)
    assert asked_at(NOW, block, NOW - TICK), "the lifting was not known"
    assert not asked_at(NOW, block, NOW)


def test_a_block_that_was_not_known_did_not_hold() -> None:
    assert not asked_at(NOW, BLOCK, BLOCK.imposed_at - TICK)
    assert asked_at(NOW, BLOCK, BLOCK.imposed_at)


def test_what_a_clock_ahead_recorded_counts_now() -> None:
    imposed = replace(BLOCK, valid_from=NOW + DAY, imposed_at=NOW + DAY)
    assert asked_at(NOW, imposed, now=True)
    assert not asked_at(NOW, imposed)
    assert not asked_at(NOW, replace(BLOCK, lifted_at=NOW + DAY), now=True)
    assert not asked_at(NOW, replace(BLOCK, valid_from=NOW + DAY), now=True), "it is for tomorrow"


@pytest.mark.parametrize(
    ("block", "facts", "expected"),
    [
        (BLOCK, {}, True),
        (replace(BLOCK, scope=RestrictionScope.REPRESENTATIVE, representative_index=PAUL), {}, True),
        (replace(BLOCK, scope=RestrictionScope.REPRESENTATIVE, representative_index=SOMEBODY), {}, False),
        (replace(BLOCK, scope=RestrictionScope.GUARDIANS), {}, False),
        (replace(BLOCK, scope=RestrictionScope.GUARDIANS), {"is_guardians": True}, True),
        (replace(BLOCK, scope=RestrictionScope.SERVICE, service="a"), {"service": "a"}, True),
        (replace(BLOCK, scope=RestrictionScope.SERVICE, service="a"), {"service": "b"}, False),
        (replace(BLOCK, scope=RestrictionScope.SERVICE, service="a"), {}, False),
        (
            replace(BLOCK, scope=RestrictionScope.SERVICE, service="a"),
            {"services": frozenset({"a"})},
            True,
        ),
        (replace(BLOCK, scope=RestrictionScope.SERVICE, service="a"), {"services": frozenset()}, False),
        (replace(BLOCK, scope=RestrictionScope.OWN_LOGIN), {}, False),
        (replace(BLOCK, scope=RestrictionScope.RECORD), {}, False),
    ],
)
def test_what_each_scope_stands_against(block: Block, facts: dict[str, object], *, expected: bool) -> None:
    given = {
        "acting": [PAUL],
        "service": None,
        "services": frozenset({"a", "b"}),
        "is_guardians": False,
    } | facts
    assert blocks_mandate([block], **given) is expected  # type: ignore[arg-type]  # as given above


def test_every_service_of_a_mandate_blocked_is_all_of_it() -> None:
    blocks = [replace(BLOCK, scope=RestrictionScope.SERVICE, service=name) for name in "ab"]
    both = frozenset({"a", "b"})
    assert blocks_mandate(blocks, acting=[], service=None, services=both, is_guardians=False)
    assert not blocks_mandate(blocks, acting=[], service=None, services=both | {"c"}, is_guardians=False)


@pytest.mark.parametrize("reason", [None, *(item for item in SPENT if item is not Reason.NO_MANDATE)])
def test_restricted_replaces_every_other_reason(reason: Reason | None) -> None:
    candidate = CANDIDATE if reason is None else SPENT[reason]
    assert in_short(decide(ASKED, [candidate], [BLOCK])) == "deny restricted"
    ended = replace(BLOCK, valid_until=NOW)
    assert decide(ASKED, [candidate], [ended]) == decide(ASKED, [candidate])


def test_restricted_replaces_an_unknown_permission() -> None:
    question = replace(ASKED, unknown_permissions=frozenset({"sign"}))
    assert in_short(decide(question, [CANDIDATE], [BLOCK])) == "deny restricted"


def test_nobody_learns_of_a_restriction_without_a_mandate() -> None:
    assert in_short(decide(ASKED, [], [BLOCK])) == "deny no_mandate"
    unknown_then = replace(ASKED, known_at=CANDIDATE.lifetime.issued_at - TICK)
    early = replace(BLOCK, imposed_at=NOW - 9 * DAY)
    assert in_short(decide(unknown_then, [CANDIDATE], [early])) == "deny no_mandate"


def test_a_voluntary_mandate_stands_beside_a_blocked_guardians() -> None:
    block = replace(BLOCK, scope=RestrictionScope.GUARDIANS)
    guardians = replace(CANDIDATE, mandate_id=HIGH, is_guardians=True)
    answer = decide(ASKED, [guardians, CANDIDATE], [block])
    assert answer.permissions[0].mandate_id == CANDIDATE.mandate_id
    assert in_short(decide(ASKED, [guardians], [block])) == "deny restricted"
    over = replace(CANDIDATE.lifetime, changes=(Change(EventType.REVOKED, NOW, NOW),))
    assert in_short(decide(ASKED, [guardians, replace(CANDIDATE, lifetime=over)], [block])) == (
        "deny restricted"
    )


def test_a_blocked_representative_among_those_who_act_together() -> None:
    block = replace(BLOCK, scope=RestrictionScope.REPRESENTATIVE, representative_index=SOMEBODY)
    asked = replace(ASKED, acting=(PAUL, SOMEBODY))
    pair = replace(CANDIDATE, together=2, holders=2, held_together=frozenset({SOMEBODY}))
    assert in_short(decide(ASKED, [replace(pair, held_together=frozenset())], [block])) == "permit"
    assert in_short(decide(asked, [pair], [block])) == "deny restricted"
    for enough in (replace(pair, holders=3), replace(pair, together=1)):
        assert in_short(decide(asked, [enough], [block])) == "permit"
    too_few = replace(pair, together=3, holders=3)
    assert in_short(decide(asked, [too_few], [block])) == "deny restricted"
    elsewhere = replace(CANDIDATE, holders=1)
    assert in_short(decide(asked, [elsewhere], [block])) == "permit", "who holds it not does not matter"
    itself = replace(block, representative_index=PAUL)
    assert in_short(decide(asked, [replace(pair, holders=3)], [itself])) == "deny restricted"


def test_a_locked_login_denies_acting_for_oneself_alone() -> None:
    block = replace(BLOCK, scope=RestrictionScope.OWN_LOGIN)
    assert in_short(decide(ASKED, [CANDIDATE], [block])) == "permit"
    oneself = replace(ASKED, representative=ASKED.principal)
    assert in_short(decide(oneself, [], [block])) == "deny restricted"
    assert in_short(decide(oneself, [], [])) == "deny no_mandate"
    assert in_short(decide(oneself, [], [BLOCK])) == "deny no_mandate"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"subject": CLERK}, ("/subject", "not_a_party")),
        ({"scope": RestrictionScope.REPRESENTATIVE}, ("/representative", "missing")),
        ({"scope": RestrictionScope.SERVICE}, ("/service", "missing")),
        ({"representative": AGENT}, ("/representative", "not_allowed")),
        ({"service": "oep-1"}, ("/service", "not_allowed")),
        ({"third_party": MARIA}, ("/third_party", "not_an_organisation")),
        ({"valid_until": NOW}, ("/until", "period")),
    ],
)
def test_faults_of_an_imposition(changes: dict[str, object], fault: tuple[str, str]) -> None:
    assert check_imposition(IMPOSITION) == ()
    found = check_imposition(replace(IMPOSITION, **changes))  # type: ignore[arg-type]  # any member
    assert [(item.pointer, item.code) for item in found] == [fault]


def test_entries_tell_the_restriction_that_was_imposed() -> None:
    full = replace(
        IMPOSITION,
        subject=COMPANY,
        scope=RestrictionScope.REPRESENTATIVE,
        representative=AGENT,
        third_party=TOWN,
        valid_until=NOW + DAY,
    )
    for imposition in (IMPOSITION, full):
        entries = [an_entry(0, IMPOSED, imposition_document(imposition))]
        assert read_restriction(entries).imposition == imposition
        assert read_restriction(entries).lifting is None


def test_status_follows_from_the_entries_and_the_time() -> None:
    imposition = replace(IMPOSITION, valid_from=NOW + DAY, valid_until=NOW + 2 * DAY)
    entries = [an_entry(0, IMPOSED, imposition_document(imposition))]
    restriction = read_restriction(entries)
    for moment, expected in (
        (NOW, RestrictionStatus.NOT_YET_VALID),
        (NOW + DAY, RestrictionStatus.ACTIVE),
        (NOW + 2 * DAY, RestrictionStatus.EXPIRED),
    ):
        assert present_status(restriction, moment) is expected
    by = {"scheme": TOWN.party.scheme.value, "value": TOWN.party.value}
    lifted = read_restriction([*entries, an_entry(1, LIFTED, {"lifted_by": by, "reason": "over"})])
    assert present_status(lifted, NOW) is RestrictionStatus.LIFTED
    assert lifted.lifting is not None
    assert (lifted.lifting.lifted_by, lifted.lifting.reason) == (TOWN.party, "over")


def an_entry(number: int, entry_type: str, details: dict[str, object]) -> Entry:
    return Entry(
        subject_id=UUID(int=7),
        kind=SubjectKind.RESTRICTION,
        number=number,
        type=entry_type,
        recorded_at=NOW,
        registered_by="urn:registry:client:test",
        previous=None,
        details=details,  # type: ignore[arg-type]  # JSON
    )
