"""Sub-mandates: what is granted on is never wider, longer or deeper; and what a chain's status is."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.domain.delegation import (
    Ancestor,
    Chain,
    Link,
    check_delegation,
    first_ending,
    inherit,
    present_status,
    status_above,
)
from registry.domain.events import Change, EventType, Lifetime, Status
from registry.domain.issuance import MandateProposal, complete
from registry.domain.mandate import Basis, Capacity, MandateContent, PrincipalDetails
from registry.domain.parties import PartyType
from registry.domain.signing_rules import Grantors, check_signatures, expected_capacity
from registry.domain.template import AgeLimits, Delegation, Exercise, TemplateContent
from unit.domain.builders import (
    AGENT,
    COMPANY,
    CONTENT,
    DAY,
    HERMAN,
    MARIA,
    NOW,
    OTHER_COMPANY,
    PETRONELLA,
    STRANGER,
    TEMPLATE,
    TEXT_DIGEST,
    TICK,
    TWO_JOINTLY_OR_ONE_ALONE,
    VERSION,
    places,
    signed_by,
)
from unit.domain.strategies import CONTENTS, TEMPLATES

Place = tuple[str, str]

TERMS = replace(
    TEMPLATE,
    delegation=Delegation(2),
    exercise=Exercise(together=1, approval=True, max_uses=3),
    age_limits=AgeLimits(principal_below=18, representative_from=18),
)
PARENT_ID = UUID(int=1)
PARENT = replace(
    CONTENT,
    specifier={"property": "1:3"},
    permission_details={"*": {"case_type": "pension"}, "sign": {"note": "x"}},
)
CHAIN = Chain((PARENT_ID,), (Link(PARENT, TERMS),), Status.ACTIVE)
BELOW = MandateProposal(
    template_id=VERSION.id,
    template_version=1,
    principal=COMPANY,
    representatives=(PETRONELLA,),
    permissions=("sign",),
    parent=PARENT_ID,
)


def below(**changes: Any) -> MandateContent:  # noqa: ANN401  # members of the content
    """A sub-mandate that is right, with changes."""
    proposal = replace(BELOW)
    content = inherit(complete(proposal, VERSION, TEXT_DIGEST, now=NOW), proposal, PARENT)
    return replace(content, **changes)


def found(content: MandateContent, terms: TemplateContent = TERMS, chain: Chain = CHAIN) -> list[Place]:
    return places(check_delegation(content, terms, chain))


def test_what_is_left_out_is_the_parents() -> None:
    content = below()
    assert found(content) == []
    assert content.specifier == PARENT.specifier
    assert content.permission_details == {"*": {"case_type": "pension"}, "sign": {"note": "x"}}
    assert (content.principal_role, content.basis) == (PARENT.principal_role, PARENT.basis)
    assert content.valid_until == PARENT.valid_until
    fewer = replace(BELOW, permissions=("fill-in",))
    inherited = inherit(complete(fewer, VERSION, TEXT_DIGEST, now=NOW), fewer, PARENT)
    assert inherited.permission_details == {"*": {"case_type": "pension"}}


@pytest.mark.parametrize(
    ("proposed", "parents_end", "expected"),
    [
        ({}, NOW + 10 * DAY, NOW + 10 * DAY),
        ({}, NOW + 1000 * DAY, NOW + 365 * DAY),
        ({}, None, NOW + 365 * DAY),
        ({"valid_until": NOW + 20 * DAY}, NOW + 10 * DAY, NOW + 20 * DAY),
        ({"open_ended": True}, NOW + 10 * DAY, None),
    ],
)
def test_only_a_default_end_is_drawn_in(proposed: Any, parents_end: Any, expected: Any) -> None:  # noqa: ANN401
    proposal = replace(BELOW, **proposed)
    parent = replace(PARENT, valid_until=parents_end)
    content = inherit(complete(proposal, VERSION, TEXT_DIGEST, now=NOW), proposal, parent)
    assert content.valid_until == expected


SPOILERS: dict[Place, Callable[[MandateContent], MandateContent]] = {
    ("/template/id", "other_template"): lambda content: replace(content, template_id=UUID(int=9)),
    ("/basis", "other_basis"): lambda content: replace(content, basis=Basis.COURT),
    ("/principal", "other_principal"): lambda content: replace(content, principal=OTHER_COMPANY),
    ("/principal_role", "other_role"): lambda content: replace(content, principal_role=PartyType.PERSON),
    ("/representatives/1", "already_in_chain"): lambda content: replace(
        content, representatives=(PETRONELLA, AGENT)
    ),
    ("/principal_details", "no_organisation"): lambda content: replace(
        content, principal_details=PrincipalDetails("aktiebolag")
    ),
    ("/permissions", "wider_than_parent"): lambda content: replace(content, permissions=("collect", "sign")),
    ("/specifier", "wider_than_parent"): lambda content: replace(content, specifier={"property": "1:4"}),
    ("/permission_details", "wider_than_parent"): lambda content: replace(
        content, permission_details={"*": {"case_type": "pension"}}
    ),
    ("/valid_from", "longer_than_parent"): lambda content: replace(
        content, valid_from=PARENT.valid_from - TICK
    ),
    ("/valid_until", "longer_than_parent"): lambda content: replace(content, valid_until=None),
}


@given(
    chosen=st.sets(st.sampled_from(sorted(SPOILERS))),
    standing=st.sampled_from(Status),
    is_deep=st.booleans(),
)
@settings(max_examples=60)
def test_all_faults_are_told_at_once_in_the_order_of_the_request(
    *, chosen: set[Place], standing: Status, is_deep: bool
) -> None:
    content = below()
    for place in chosen:
        content = SPOILERS[place](content)
    by_standing: dict[Status, list[Place]] = {
        Status.REVOKED: [("/parent", "parent_over")],
        Status.EXPIRED: [("/parent", "parent_over")],
        Status.USED_UP: [("/parent", "parent_over")],
        Status.SUSPENDED: [("/parent", "parent_suspended")],
    }
    links = (Link(PARENT, TERMS),) * (3 if is_deep else 1)
    expected = [
        *by_standing.get(standing, []),
        *([("/parent", "too_deep")] if is_deep else []),
        *(place for place in SPOILERS if place in chosen),
    ]
    assert found(content, TERMS, Chain((PARENT_ID,) * len(links), links, standing)) == expected


@pytest.mark.parametrize(("root", "parent", "own"), list(product(range(4), repeat=3)))
def test_the_least_depth_of_all_that_was_signed_counts(root: int, parent: int, own: int) -> None:
    links = tuple(
        Link(content, replace(TERMS, delegation=Delegation(depth)))
        for content, depth in ((replace(PARENT, representatives=(HERMAN,)), root), (PARENT, parent))
    )
    chain = Chain((UUID(int=2), PARENT_ID), links, Status.ACTIVE)
    is_deep = min(root, parent, own) < 2
    assert found(below(), replace(TERMS, delegation=Delegation(own)), chain) == (
        [("/parent", "too_deep")] if is_deep else []
    )


@pytest.mark.parametrize(
    ("member", "value", "is_wider"),
    [
        ("services", (), False),
        ("services", ("another",), True),
        ("exercise", Exercise(together=2, approval=True, max_uses=2), False),
        ("exercise", Exercise(together=0, approval=True, max_uses=3), True),
        ("exercise", Exercise(approval=False, max_uses=3), True),
        ("exercise", Exercise(approval=True, max_uses=4), True),
        ("exercise", Exercise(approval=True, max_uses=None), True),
        ("age_limits", AgeLimits(17, 19), False),
        ("age_limits", AgeLimits(19, 18), True),
        ("age_limits", AgeLimits(None, 18), True),
        ("age_limits", AgeLimits(18, 17), True),
        ("age_limits", AgeLimits(18, None), True),
    ],
)
def test_a_version_offers_no_more_and_asks_no_less(member: str, value: Any, *, is_wider: bool) -> None:  # noqa: ANN401
    terms = replace(TERMS, **{member: value})
    assert found(below(), terms) == ([("/template/version", "wider_than_parent")] if is_wider else [])


@given(parent=CONTENTS, content=CONTENTS, terms=TEMPLATES, parents_terms=TEMPLATES)
@settings(max_examples=40)
def test_any_content_is_judged_without_an_exception(
    parent: MandateContent, content: MandateContent, terms: TemplateContent, parents_terms: TemplateContent
) -> None:
    for fault in check_delegation(content, terms, Chain((), (Link(parent, parents_terms),), Status.ACTIVE)):
        assert re.fullmatch(r"(/[a-z_0-9]+)+", fault.pointer)
        assert fault.message.endswith(".")


@given(
    permissions=st.sets(st.sampled_from(("sign", "fill-in", "collect")), min_size=1),
    specifier=st.dictionaries(st.sampled_from(("property", "customer")), st.sampled_from(("1:3", "2"))),
    begins=st.integers(-3, 3),
    lasts=st.none() | st.integers(1, 400),
)
def test_what_passes_is_within_the_parent(
    permissions: set[str], specifier: dict[str, str], begins: int, lasts: int | None
) -> None:
    start = NOW + begins * DAY
    content = below(
        permissions=tuple(sorted(permissions)),
        specifier=specifier,
        permission_details={
            code: values for code, values in PARENT.permission_details.items() if code in {"*", *permissions}
        },
        valid_from=start,
        valid_until=None if lasts is None else start + lasts * DAY,
    )
    is_within = (
        permissions <= set(PARENT.permissions)
        and PARENT.specifier.items() <= specifier.items()
        and start >= PARENT.valid_from
        and content.valid_until is not None
        and PARENT.valid_until is not None
        and content.valid_until <= PARENT.valid_until
    )
    assert (found(content) == []) is is_within


class TestSigning:
    CONTENT = below()
    ONE = Grantors(frozenset({AGENT.party}))

    def faults(self, *signers: Any, grantors: Grantors | None = ONE, **changes: Any) -> list[Place]:  # noqa: ANN401
        signatures = [signed_by(signer, Capacity.REPRESENTATIVE) for signer in signers]
        content = replace(self.CONTENT, **changes)
        return places(check_signatures(content, signatures, TERMS, grantors=grantors, now=NOW))

    def test_the_capacity(self) -> None:
        assert expected_capacity(self.CONTENT, TERMS) is Capacity.REPRESENTATIVE

    def test_the_representative_alone(self) -> None:
        assert self.faults(AGENT) == []
        wrong = [("/signatures/0/signer", "wrong_signer"), ("/signatures", "too_few")]
        assert self.faults(STRANGER) == wrong
        assert self.faults(AGENT, grantors=None) == wrong, "without grantors nobody signs"
        assert self.faults() == [("/signatures", "missing")]

    def test_as_many_as_act_together(self) -> None:
        pair = Grantors(frozenset({AGENT.party, MARIA.party, HERMAN.party}), 2)
        assert self.faults(AGENT, grantors=pair) == [("/signatures", "too_few")]
        assert self.faults(AGENT, HERMAN, grantors=pair) == []

    def test_an_organisation_counts_once_its_rule_is_met(self) -> None:
        firm = Grantors(frozenset({OTHER_COMPANY.party, AGENT.party}), 2)
        stated = {"principal_details": TWO_JOINTLY_OR_ONE_ALONE}
        assert self.faults(AGENT, PETRONELLA, grantors=firm, **stated) == []
        assert self.faults(AGENT, HERMAN, MARIA, grantors=firm, **stated) == []
        assert self.faults(AGENT, HERMAN, grantors=firm, **stated) == [("/signatures", "too_few")]
        assert self.faults(AGENT, PETRONELLA, grantors=firm) == [
            ("/signatures/1/signer", "wrong_signer"),
            ("/signatures", "too_few"),
        ]

    def test_a_rule_of_one_of_several_organisations_counts_for_none(self) -> None:
        firms = Grantors(frozenset({OTHER_COMPANY.party, COMPANY.party}))
        stated = {"principal_details": TWO_JOINTLY_OR_ONE_ALONE}
        assert ("/signatures/0/signer", "wrong_signer") in self.faults(PETRONELLA, grantors=firms, **stated)


LIFE = Lifetime(NOW - DAY, NOW + DAY, NOW - DAY)
LIVES = {
    Status.ACTIVE: LIFE,
    Status.NOT_YET_VALID: replace(LIFE, valid_from=NOW + TICK),
    Status.EXPIRED: replace(LIFE, valid_until=NOW),
    **{
        status: replace(LIFE, changes=(Change(event, NOW, NOW),))
        for status, event in {
            Status.SUSPENDED: EventType.SUSPENDED,
            Status.USED_UP: EventType.USED_UP,
            Status.REVOKED: EventType.RENOUNCED,
        }.items()
    },
}


def above(*lives: Lifetime) -> tuple[Ancestor, ...]:
    return tuple(Ancestor(UUID(int=number), life) for number, life in enumerate(lives))


@pytest.mark.parametrize("status", Status)
def test_an_active_mandate_stands_as_what_is_above_it(status: Status) -> None:
    for lives in ((LIVES[status],), (LIFE, LIVES[status]), (LIVES[status], LIFE)):
        assert present_status(LIFE, above(*lives), NOW) is status
        assert status_above(above(*lives), NOW) is status


@pytest.mark.parametrize(
    ("own", "upper"), list(product([item for item in Status if item is not Status.ACTIVE], Status))
)
def test_what_a_mandate_is_by_itself_says_the_most(own: Status, upper: Status) -> None:
    assert present_status(LIVES[own], above(LIVES[upper]), NOW) is own


@pytest.mark.parametrize(
    ("one", "other"), [(Status.SUSPENDED, Status.USED_UP), (Status.USED_UP, Status.REVOKED)]
)
def test_of_several_above_the_gravest_counts(one: Status, other: Status) -> None:
    assert status_above(above(LIVES[one], LIVES[other]), NOW) is other
    assert status_above(above(LIVES[other], LIVES[one]), NOW) is other


def test_one_that_was_not_known_makes_all_unknown() -> None:
    early = NOW - timedelta(days=2)
    assert status_above(above(LIFE), NOW, known_at=early) is None
    assert status_above(above(replace(LIFE, issued_at=early), LIFE), NOW, known_at=early) is None


def test_what_a_clock_recorded_that_runs_ahead_counts_now() -> None:
    ahead = replace(LIFE, changes=(Change(EventType.SUSPENDED, NOW + TICK, NOW + TICK),))
    assert status_above(above(ahead), NOW) is Status.ACTIVE
    assert status_above(above(ahead), NOW, is_present=True) is Status.SUSPENDED
    assert present_status(LIFE, above(ahead), NOW) is Status.SUSPENDED


def test_the_first_ending_counts_and_of_equal_times_the_uppermost() -> None:
    def ended(kind: EventType, moment: Any) -> Lifetime:  # noqa: ANN401  # a time
        return replace(LIFE, changes=(Change(kind, moment, moment),))

    own = ended(EventType.REVOKED, NOW)
    upper = above(ended(EventType.SUPERSEDED, NOW))
    late = above(ended(EventType.SUPERSEDED, NOW + TICK))
    kinds = [first_ending(own, item, NOW + DAY) for item in (upper, late, ())]
    assert [change.type for change in kinds if change] == [
        EventType.SUPERSEDED,
        EventType.REVOKED,
        EventType.REVOKED,
    ]
    assert first_ending(LIFE, above(LIFE), NOW) is None
