"""Whose signatures make a mandate."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.domain.mandate import (
    Capacity,
    MandateContent,
    PrincipalDetails,
    SignatoryAlternative,
    SignatoryRule,
    Signature,
)
from registry.domain.parties import NamedParty, PartyType
from registry.domain.signing_rules import CLOCK_SKEW, check_signatures, expected_capacity, is_rule_met
from registry.domain.template import SignatureMethod, Signing, SigningBy, TemplateContent
from unit.domain.builders import (
    AGENT,
    BY_AUTHORITY,
    BY_GUARDIAN,
    CLERK,
    COMPANY,
    CONTENT,
    HERMAN,
    MARIA,
    NOW,
    OTHER_COMPANY,
    OWN_CONTENT,
    PETRONELLA,
    STRANGER,
    TEMPLATE,
    TICK,
    TOWN,
    places,
    signed_by,
    with_rule,
)
from unit.domain.strategies import CONTENTS, SIGNATURES, TEMPLATES, TIMES, tuples_of

Place = tuple[str, str]
BY_SIGNATORIES = replace(TEMPLATE, signing=Signing(SigningBy.SIGNATORIES))
SOLE_TRADER = replace(OWN_CONTENT, principal_role=PartyType.ORGANISATION)


def found(
    content: MandateContent, *signatures: Signature, template: TemplateContent = BY_SIGNATORIES
) -> list[Place]:
    return places(check_signatures(content, signatures, template, now=NOW))


def by_all(*signers: NamedParty, capacity: Capacity = Capacity.SIGNATORY) -> list[Signature]:
    return [signed_by(signer, capacity) for signer in signers]


def attested(signer: NamedParty, capacity: Capacity) -> Signature:
    return signed_by(signer, capacity, SignatureMethod.REGISTERED)


NOT_MET = ("/signatures", "signatory_rule")


@pytest.mark.parametrize(
    ("signers", "faults"),
    [
        ([PETRONELLA], []),
        ([HERMAN, MARIA], []),
        ([MARIA, HERMAN], []),
        ([HERMAN, PETRONELLA], []),
        ([HERMAN, MARIA, PETRONELLA], []),
        ([HERMAN], [NOT_MET]),
        ([MARIA], [NOT_MET]),
        ([HERMAN, HERMAN], [("/signatures/1", "repeated"), NOT_MET]),
        ([STRANGER], [("/signatures/0/signer", "wrong_signer"), NOT_MET]),
        ([HERMAN, STRANGER], [("/signatures/1/signer", "wrong_signer"), NOT_MET]),
        ([PETRONELLA, STRANGER], [("/signatures/1/signer", "wrong_signer")]),
        ([COMPANY], [("/signatures/0/signer", "wrong_signer"), NOT_MET]),
        ([], [("/signatures", "missing")]),
    ],
)
@pytest.mark.parametrize("template", [BY_SIGNATORIES, TEMPLATE], ids=["signatories", "principal"])
def test_two_jointly_or_one_alone(
    signers: list[NamedParty], faults: list[Place], template: TemplateContent
) -> None:
    assert found(CONTENT, *by_all(*signers), template=template) == faults


def test_the_same_person_under_two_names_is_one() -> None:
    again = NamedParty(HERMAN.party, "Somebody Else")
    assert found(CONTENT, *by_all(HERMAN, again)) == [("/signatures/1", "repeated"), NOT_MET]


@pytest.mark.parametrize(
    "details", [None, PrincipalDetails(), PrincipalDetails(signatory_rule=SignatoryRule(()))]
)
def test_without_a_stated_rule_nobody_signs_for_an_organisation(details: PrincipalDetails | None) -> None:
    content = replace(CONTENT, principal_details=details)
    rule_missing = [("/principal_details/signatory_rule", "missing")]
    assert found(content, *by_all(PETRONELLA)) == rule_missing
    assert found(content) == [("/signatures", "missing")]


@pytest.mark.parametrize("count", [0, -1])
def test_an_alternative_that_asks_for_nobody_is_never_met(count: int) -> None:
    content = with_rule(CONTENT, SignatoryAlternative(frozenset({HERMAN.party}), count))
    assert found(content, *by_all(HERMAN)) == [NOT_MET]
    assert found(content, *by_all(STRANGER)) == [("/signatures/0/signer", "wrong_signer"), NOT_MET]


@pytest.mark.parametrize("template", [TEMPLATE, BY_SIGNATORIES], ids=["principal", "signatories"])
@pytest.mark.parametrize("content", [OWN_CONTENT, SOLE_TRADER], ids=["person", "sole trader"])
def test_a_person_and_a_sole_trader_sign_for_themselves(
    content: MandateContent, template: TemplateContent
) -> None:
    own = signed_by(MARIA, Capacity.PRINCIPAL)
    assert found(content, own, template=template) == []
    assert found(content, *by_all(MARIA), template=template) == [("/signatures/0/capacity", "capacity")]
    assert found(content, own, signed_by(STRANGER, Capacity.PRINCIPAL), template=template) == [
        ("/signatures/1/signer", "wrong_signer")
    ]
    assert found(content, template=template) == [("/signatures", "missing")]


def test_a_stated_rule_does_not_let_others_sign_for_a_person() -> None:
    content = with_rule(SOLE_TRADER, SignatoryAlternative(frozenset({HERMAN.party}), 1))
    assert found(content, signed_by(HERMAN, Capacity.PRINCIPAL)) == [("/signatures/0/signer", "wrong_signer")]


def test_an_authority_attests_what_it_delivers() -> None:
    content, own = OWN_CONTENT, attested(TOWN, Capacity.AUTHORITY)
    assert found(content, own, template=BY_AUTHORITY) == []
    other = attested(OTHER_COMPANY, Capacity.AUTHORITY)
    assert found(content, other, template=BY_AUTHORITY) == [("/signatures/0/signer", "wrong_signer")]
    by_jws = signed_by(TOWN, Capacity.AUTHORITY)
    assert found(content, by_jws, template=BY_AUTHORITY) == [
        ("/signatures/0/method", "method"),
        ("/signatures/0/method", "attestation"),
    ]
    principal = attested(MARIA, Capacity.PRINCIPAL)
    assert found(content, principal, template=BY_AUTHORITY) == [
        ("/signatures/0/capacity", "capacity"),
        ("/signatures/0/signer", "wrong_signer"),
    ]


def test_a_guardian_is_another_person_and_attested() -> None:
    both = replace(BY_GUARDIAN, signing=Signing(SigningBy.GUARDIAN))
    assert found(OWN_CONTENT, attested(HERMAN, Capacity.GUARDIAN), template=BY_GUARDIAN) == []
    two = [attested(HERMAN, Capacity.GUARDIAN), attested(PETRONELLA, Capacity.GUARDIAN)]
    assert found(OWN_CONTENT, *two, template=BY_GUARDIAN) == []
    for wrong in (MARIA, TOWN, CLERK):
        assert found(OWN_CONTENT, attested(wrong, Capacity.GUARDIAN), template=BY_GUARDIAN) == [
            ("/signatures/0/signer", "wrong_signer")
        ]
    assert found(OWN_CONTENT, signed_by(HERMAN, Capacity.GUARDIAN), template=both) == [
        ("/signatures/0/method", "attestation")
    ]
    assert found(OWN_CONTENT, template=BY_GUARDIAN) == [("/signatures", "missing")]


@pytest.mark.parametrize(
    ("methods", "method", "is_allowed"),
    [
        ((SignatureMethod.PAPER,), SignatureMethod.REGISTERED, True),
        ((SignatureMethod.REGISTERED,), SignatureMethod.REGISTERED, True),
        ((SignatureMethod.JWS,), SignatureMethod.REGISTERED, False),
        ((SignatureMethod.REGISTERED,), SignatureMethod.JWS, False),
        ((SignatureMethod.PAPER,), SignatureMethod.JWS, False),
        ((SignatureMethod.REGISTERED,), SignatureMethod.PAPER, False),
        ((SignatureMethod.JWS, SignatureMethod.SE_BANKID), SignatureMethod.JWS, True),
        ((), SignatureMethod.JWS, False),
    ],
)
def test_a_paper_original_is_registered_and_no_other_method_stands_for_another(
    *, methods: tuple[SignatureMethod, ...], method: SignatureMethod, is_allowed: bool
) -> None:
    template = replace(TEMPLATE, signing=Signing(methods=methods))
    faults = found(OWN_CONTENT, signed_by(MARIA, Capacity.PRINCIPAL, method), template=template)
    assert faults == ([] if is_allowed else [("/signatures/0/method", "method")])


@pytest.mark.parametrize(
    ("at", "faults"),
    [
        (NOW, []),
        (NOW + CLOCK_SKEW, []),
        (NOW + CLOCK_SKEW + TICK, [("/signatures/0/signed_at", "in_the_future")]),
        (NOW - timedelta(9999), []),
    ],
)
def test_a_signature_lies_in_the_past(at: datetime, faults: list[Place]) -> None:
    assert found(OWN_CONTENT, signed_by(MARIA, Capacity.PRINCIPAL, at=at)) == faults


def test_all_faults_of_all_signatures_are_told_at_once() -> None:
    paper_only = replace(TEMPLATE, signing=Signing(methods=(SignatureMethod.PAPER,)))
    signatures = [
        signed_by(STRANGER, Capacity.PRINCIPAL, at=NOW + CLOCK_SKEW + TICK),
        signed_by(STRANGER, Capacity.SIGNATORY),
    ]
    assert found(CONTENT, *signatures, template=paper_only) == [
        ("/signatures/0/signed_at", "in_the_future"),
        ("/signatures/1", "repeated"),
        ("/signatures/0/method", "method"),
        ("/signatures/1/method", "method"),
        ("/signatures/0/capacity", "capacity"),
        ("/signatures/0/signer", "wrong_signer"),
        ("/signatures/1/signer", "wrong_signer"),
        NOT_MET,
    ]


POOL = (HERMAN, MARIA, PETRONELLA, STRANGER, TOWN)


def small_worlds() -> Iterator[tuple[MandateContent, TemplateContent, Sequence[Signature]]]:
    """Each content and template with none, one or two signers, in every capacity, by every usual method."""
    methods = (SignatureMethod.JWS, SignatureMethod.REGISTERED)
    kinds = [(capacity, method) for capacity in Capacity for method in methods]
    lists = [
        [signed_by(signer, *kind) for signer in signers]
        for size in (0, 1, 2)
        for signers in product(POOL, repeat=size)
        for kind in kinds
    ]
    templates = (BY_SIGNATORIES, TEMPLATE, BY_AUTHORITY, BY_GUARDIAN)
    return product((CONTENT, OWN_CONTENT, SOLE_TRADER), templates, lists)


def is_made(content: MandateContent, template: TemplateContent, signatures: Sequence[Signature]) -> bool:
    """The signing rule told in another way: which sets of signers, in which one capacity."""
    signers = [signature.signer for signature in signatures]
    capacities = {signature.capacity for signature in signatures}
    methods = {signature.method for signature in signatures}
    if not signers or len(set(signers)) < len(signers) or not methods <= set(template.signing.methods):
        return False
    if template is BY_AUTHORITY:
        return capacities == {Capacity.AUTHORITY} and signers == [TOWN]
    if template is BY_GUARDIAN:
        return capacities == {Capacity.GUARDIAN} and not {TOWN, content.principal} & set(signers)
    if content is CONTENT:
        complete = [{PETRONELLA}, {HERMAN, MARIA}, {HERMAN, PETRONELLA}, {MARIA, PETRONELLA}]
        return capacities == {Capacity.SIGNATORY} and set(signers) in complete
    return capacities == {Capacity.PRINCIPAL} and signers == [MARIA]


def test_every_small_combination_of_signers_is_judged_rightly() -> None:
    outcomes = []
    for content, template, signatures in small_worlds():
        expected = is_made(content, template, signatures)
        faults = check_signatures(content, signatures, template, now=NOW)
        assert (not faults) is expected, (content.principal, template.signing, signatures, places(faults))
        outcomes.append(expected)
    assert len(outcomes) > 4000
    assert sum(outcomes) > 20


@given(
    st.lists(
        st.builds(
            SignatoryAlternative,
            st.frozensets(st.sampled_from([named.party for named in POOL]), max_size=4),
            st.integers(-1, 4),
        ),
        max_size=3,
    ),
    st.sets(st.sampled_from(POOL)),
)
def test_a_rule_is_met_where_enough_of_one_alternative_have_signed(
    alternatives: list[SignatoryAlternative], signers: set[NamedParty]
) -> None:
    rule = SignatoryRule(tuple(alternatives))
    signatures = by_all(*signers)
    expected = any(
        set(group) <= alternative.any_of
        for alternative in alternatives
        if alternative.count >= 1
        for group in combinations({named.party for named in signers}, alternative.count)
    )
    assert is_rule_met(rule, signatures) is expected
    assert not is_rule_met(rule, [])
    if expected:
        assert is_rule_met(rule, [*signatures, signed_by(AGENT)])


@given(CONTENTS, tuples_of(SIGNATURES), TEMPLATES, TIMES)
@settings(deadline=None, max_examples=60)
def test_any_signatures_whatever_are_judged_without_an_exception(
    content: MandateContent, signatures: tuple[Signature, ...], template: TemplateContent, now: datetime
) -> None:
    faults = check_signatures(content, signatures, template, now=now)
    if not faults:
        expected = expected_capacity(content, template)
        assert {signature.capacity for signature in signatures} == {expected}
    for fault in faults:
        assert not any(
            item.signer.party.value in fault.message
            for item in signatures
            # How many sign, which a message may say, is a single digit.
            if len(item.signer.party.value) > 1
        )


def test_no_message_repeats_who_somebody_is() -> None:
    faults = check_signatures(CONTENT, by_all(STRANGER, STRANGER), TEMPLATE, now=NOW)
    assert len(faults) == 4
    assert not any(STRANGER.party.value in fault.message or "Beri" in fault.message for fault in faults)
