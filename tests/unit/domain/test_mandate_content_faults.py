"""Every fault that a mandate's content can have: its pointer, its code, and all of them at once."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.domain.issuance import check_content
from registry.domain.mandate import Basis, MandateContent, PrincipalDetails, SignatoryAlternative
from registry.domain.parties import NamedParty, PartyType
from registry.domain.template import Exercise, TemplateContent, TemplateStatus, TemplateVersion, Validity
from unit.domain.builders import (
    AGENT,
    BY_AUTHORITY,
    BY_GUARDIAN,
    CLERK,
    COLLECT,
    COMPANY,
    CONTENT,
    DAY,
    FILL_IN,
    MARIA,
    NOW,
    OTHER_COMPANY,
    OWN_CONTENT,
    STRANGER,
    TEMPLATE,
    TICK,
    VERSION,
    places,
    version_of,
    with_rule,
)
from unit.domain.strategies import CONTENTS, TIMES, VERSIONS

Place = tuple[str, str]


@dataclass(frozen=True)
class Spoilt:
    """A content or template changed so that exactly these faults must be found."""

    name: str
    faults: list[Place]
    content: dict[str, Any] = field(default_factory=dict)
    template: dict[str, Any] = field(default_factory=dict)
    base: MandateContent = CONTENT
    template_base: TemplateContent = TEMPLATE

    def found(self) -> list[Place]:
        content = replace(self.base, **self.content)
        version = version_of(replace(self.template_base, **self.template))
        return places(check_content(content, version, signed_at=None, now=NOW))


def unnamed(named: NamedParty, name: str | None = None) -> NamedParty:
    return NamedParty(named.party, name)


STAFF = unnamed(CLERK, "Clerk Seven")
ONLY_PERSONS = (PartyType.PERSON,)

CASES = [
    Spoilt("staff as principal", [("/principal/scheme", "staff_is_no_party")], {"principal": STAFF}),
    Spoilt(
        "role that the template does not offer",
        [("/principal_role", "principal_type")],
        template={"principal_types": ONLY_PERSONS},
    ),
    Spoilt(
        "an organisation in the role of a person",
        [("/principal_role", "role_mismatch")],
        {"principal_role": PartyType.PERSON},
    ),
    Spoilt("principal without a name", [("/principal/name", "missing")], {"principal": unnamed(COMPANY)}),
    Spoilt(
        "principal of a blank name", [("/principal/name", "missing")], {"principal": unnamed(COMPANY, " ")}
    ),
    Spoilt(
        "no representative",
        [("/representatives", "missing")],
        {"representatives": ()},
        {"exercise": Exercise(together=0)},
    ),
    Spoilt(
        "a representative of a type that is not offered",
        [("/representatives/1/scheme", "representative_type")],
        {"representatives": (AGENT, OTHER_COMPANY)},
        {"representative_types": ONLY_PERSONS},
    ),
    Spoilt(
        "staff as representative",
        [("/representatives/0/scheme", "representative_type")],
        {"representatives": (STAFF,)},
    ),
    Spoilt(
        "a representative twice",
        [("/representatives/2", "repeated")],
        {"representatives": (AGENT, MARIA, AGENT)},
    ),
    Spoilt(
        "a representative twice under two names",
        [("/representatives/1", "repeated")],
        {"representatives": (AGENT, unnamed(AGENT, "Somebody Else"))},
    ),
    Spoilt(
        "the principal as its own representative",
        [("/representatives/0", "repeated")],
        {"representatives": (COMPANY,)},
    ),
    Spoilt(
        "a representative without a name",
        [("/representatives/0/name", "missing")],
        {"representatives": (unnamed(AGENT, ""),)},
    ),
    Spoilt("too few to act together", [("/representatives", "too_few")], template={"exercise": Exercise(2)}),
    Spoilt("nothing granted", [("/permissions", "missing")], {"permissions": ()}),
    Spoilt("a permission twice", [("/permissions", "repeated")], {"permissions": ("sign", "sign")}),
    Spoilt(
        "a permission of another template, named twice",
        [("/permissions", "repeated"), ("/permissions", "unknown_permission")],
        {"permissions": ("other", "other")},
    ),
    Spoilt(
        "what a permission asks for is not filled in",
        [("/permission_details/collect/source_name", "missing")],
        {"permissions": ("collect",)},
    ),
    Spoilt(
        "what a permission asks for is left blank",
        [("/permission_details/collect/source_name", "missing")],
        {"permissions": ("collect",), "permission_details": {"collect": {"source_name": "  "}}},
    ),
    Spoilt(
        "a detail that the permission does not have",
        [("/permission_details/sign/place", "unknown")],
        {"permission_details": {"sign": {"place": "x"}}},
    ),
    Spoilt(
        "a detail of a permission that is offered but not granted",
        [("/permission_details/collect", "not_granted")],
        {"permission_details": {"collect": {"source_name": "x"}}},
    ),
    Spoilt(
        "a detail of the whole mandate that the template does not have",
        [("/permission_details/*/colour", "unknown")],
        {"permission_details": {"*": {"colour": "red"}}},
    ),
    Spoilt(
        "a detail of the whole mandate that is none of those offered",
        [("/permission_details/*/case_type", "not_offered")],
        {"permission_details": {"*": {"case_type": "sport", "note": "free"}}},
    ),
    Spoilt(
        "a specifier that the template does not offer",
        [("/specifier/colour", "unknown")],
        {"specifier": {"colour": "red", "property": "SUNDSVALL STENSTADEN 1:3"}},
    ),
    Spoilt("a blank specifier", [("/specifier/property", "missing")], {"specifier": {"property": " "}}),
    Spoilt("no end", [("/valid_until", "end_required")], {"valid_until": None}),
    Spoilt("an empty period", [("/valid_until", "reversed")], {"valid_until": NOW}),
    Spoilt("a reversed period", [("/valid_until", "reversed")], {"valid_until": NOW - DAY}),
    Spoilt(
        "too long", [("/valid_until", "too_long")], template={"validity": Validity(1, 2, open_ended=True)}
    ),
    Spoilt(
        "over already",
        [("/valid_until", "already_over")],
        {"valid_from": NOW - DAY, "valid_until": NOW},
    ),
    Spoilt("a language without a title", [("/language", "not_offered")], {"language": "da"}),
    Spoilt("not voluntary", [("/basis", "basis_mismatch")], {"basis": Basis.COURT}),
    Spoilt("voluntary by an authority", [("/basis", "basis_mismatch")], template_base=BY_AUTHORITY),
    Spoilt("a guardian for an organisation", [("/principal_role", "guardian")], template_base=BY_GUARDIAN),
    Spoilt(
        "a guardian for a sole trader's business",
        [("/principal_role", "guardian")],
        {"principal_role": PartyType.ORGANISATION},
        base=OWN_CONTENT,
        template_base=BY_GUARDIAN,
    ),
    Spoilt(
        "a signatory rule of nobody knows whom",
        [("/principal_details/source", "missing")],
        {"principal_details": replace(CONTENT.principal_details or PrincipalDetails(), source=" ")},
    ),
    Spoilt(
        "details with reserved characters in their names are pointed at as RFC 6901 has it",
        [
            ("/permission_details/a~1b/m~0n", "missing"),
            ("/permission_details/a~1b/~01", "unknown"),
            ("/permission_details/c~0~1", "not_granted"),
            ("/permission_details/*/~1", "unknown"),
            ("/specifier/s~1t", "unknown"),
        ],
        {
            "permissions": ("a/b",),
            "permission_details": {"a/b": {"~1": "x"}, "c~/": {}, "*": {"/": "y"}},
            "specifier": {"s/t": "z"},
        },
        {"permissions": (replace(FILL_IN, code="a/b", details=("m~n",)),)},
    ),
]


@pytest.mark.parametrize("spoilt", CASES, ids=lambda spoilt: spoilt.name)
def test_each_fault_is_found_where_it_lies_and_no_other(spoilt: Spoilt) -> None:
    assert spoilt.found() == spoilt.faults


@pytest.mark.parametrize("base", [CONTENT, OWN_CONTENT])
def test_sound_content_has_no_fault(base: MandateContent) -> None:
    assert check_content(base, VERSION, signed_at=None, now=NOW) == ()


def test_filled_in_content_has_no_fault() -> None:
    content = replace(
        CONTENT,
        permissions=("collect", "sign"),
        permission_details={"collect": {"source_name": "x"}, "*": {"case_type": "pension", "note": "free"}},
        specifier={"property": "SUNDSVALL STENSTADEN 1:3"},
    )
    assert check_content(content, VERSION, signed_at=None, now=NOW) == ()


def test_an_authority_may_deliver_for_an_organisation() -> None:
    content = replace(CONTENT, basis=Basis.STATUTORY, principal_details=None)
    assert check_content(content, version_of(BY_AUTHORITY), signed_at=None, now=NOW) == ()


def test_the_third_party_itself_may_receive_by_consent() -> None:
    content = replace(OWN_CONTENT, representatives=(TEMPLATE.third_party,))
    assert check_content(content, VERSION, signed_at=None, now=NOW) == ()


RULE = "/principal_details/signatory_rule/alternatives"


@pytest.mark.parametrize(
    ("alternative", "faults"),
    [
        (SignatoryAlternative(frozenset({MARIA.party}), 0), [(f"{RULE}/1/count", "impossible")]),
        (SignatoryAlternative(frozenset({MARIA.party}), 2), [(f"{RULE}/1/count", "impossible")]),
        (SignatoryAlternative(frozenset(), 1), [(f"{RULE}/1/count", "impossible")]),
        (
            SignatoryAlternative(frozenset({CLERK.party, MARIA.party}), 3),
            [(f"{RULE}/1/any_of", "staff_is_no_party"), (f"{RULE}/1/count", "impossible")],
        ),
        (SignatoryAlternative(frozenset({OTHER_COMPANY.party, MARIA.party}), 2), []),
    ],
)
def test_an_alternative_nobody_can_complete_is_a_fault(
    alternative: SignatoryAlternative, faults: list[Place]
) -> None:
    sound = SignatoryAlternative(frozenset({MARIA.party}), 1)
    content = with_rule(CONTENT, sound, alternative)
    assert places(check_content(content, VERSION, signed_at=None, now=NOW)) == faults


@pytest.mark.parametrize(
    ("changes", "signed_at", "faults"),
    [
        ({"status": TemplateStatus.DRAFT}, None, [("/template/version", "template_draft")]),
        ({"status": TemplateStatus.RETIRED}, None, [("/template/id", "template_retired")]),
        ({"status": TemplateStatus.RETIRED}, NOW - DAY, [("/template/id", "template_retired")]),
        ({"replaced_at": NOW}, None, [("/template/version", "template_replaced")]),
        ({"replaced_at": NOW}, NOW, [("/template/version", "template_replaced")]),
        ({"replaced_at": NOW}, NOW - TICK, []),
        ({"replaced_at": NOW + TICK}, None, []),
    ],
)
def test_a_template_version_serves_while_it_is_current(
    changes: dict[str, Any], signed_at: datetime | None, faults: list[Place]
) -> None:
    version = replace(VERSION, **changes)
    assert places(check_content(CONTENT, version, signed_at=signed_at, now=NOW)) == faults


# Each spoils another member, so that any of them can come together.
SPOILERS: dict[Place, Callable[[MandateContent], MandateContent]] = {
    ("/principal_role", "role_mismatch"): lambda content: replace(content, principal_role=PartyType.PERSON),
    ("/principal/name", "missing"): lambda content: replace(content, principal=unnamed(COMPANY)),
    ("/representatives/1", "repeated"): lambda content: replace(content, representatives=(AGENT, AGENT)),
    ("/permissions", "unknown_permission"): lambda content: replace(content, permissions=("sign", "other")),
    ("/permission_details/collect", "not_granted"): lambda content: replace(
        content, permission_details={COLLECT.code: {}}
    ),
    ("/specifier/colour", "unknown"): lambda content: replace(content, specifier={"colour": "red"}),
    ("/valid_until", "reversed"): lambda content: replace(content, valid_until=NOW - DAY),
    ("/language", "not_offered"): lambda content: replace(content, language="da"),
    ("/basis", "basis_mismatch"): lambda content: replace(content, basis=Basis.STATUTORY),
    ("/principal_details/source", "missing"): lambda content: replace(
        content, principal_details=replace(content.principal_details or PrincipalDetails(), source=None)
    ),
}


@given(chosen=st.sets(st.sampled_from(sorted(SPOILERS))), is_retired=st.booleans())
def test_all_faults_are_told_at_once_in_the_order_of_the_request(
    *, chosen: set[Place], is_retired: bool
) -> None:
    content = CONTENT
    for place in chosen:
        content = SPOILERS[place](content)
    version = replace(VERSION, status=TemplateStatus.RETIRED) if is_retired else VERSION
    expected = [place for place in SPOILERS if place in chosen]
    template_fault = [("/template/id", "template_retired")] if is_retired else []
    found = check_content(content, version, signed_at=None, now=NOW)
    assert places(found) == template_fault + expected


POINTER = re.compile(r"(/([^~/]|~[01])*)*")


@given(CONTENTS, VERSIONS, st.none() | TIMES, TIMES)
@settings(max_examples=80, deadline=None)
def test_any_content_whatever_is_judged_without_an_exception(
    content: MandateContent, version: TemplateVersion, signed_at: datetime | None, now: datetime
) -> None:
    for fault in check_content(content, version, signed_at=signed_at, now=now):
        assert POINTER.fullmatch(fault.pointer)
        assert re.fullmatch("[a-z_]+", fault.code)
        assert fault.message.endswith(".")


def test_no_message_repeats_who_somebody_is() -> None:
    content = replace(
        CONTENT,
        principal=unnamed(STRANGER),
        principal_role=PartyType.ORGANISATION,
        representatives=(unnamed(STRANGER), unnamed(AGENT), STAFF),
    )
    messages = [fault.message for fault in check_content(content, VERSION, signed_at=None, now=NOW)]
    assert len(messages) == 5
    for secret in (STRANGER.party.value, AGENT.party.value, "clerk-7", "Clerk Seven"):
        assert not any(secret in message for message in messages)
