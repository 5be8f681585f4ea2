"""What a template must be to be published; every fault with its pointer and code, and all at once."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from registry.domain.parties import PartyType
from registry.domain.template import (
    MAX_REQUEST_LIFETIME_DAYS,
    AgeLimits,
    Delegation,
    Exercise,
    SignatureMethod,
    Signing,
    SigningBy,
    TemplateContent,
    Validity,
)
from registry.domain.template_rules import check_template
from unit.domain.builders import (
    BY_AUTHORITY,
    BY_GUARDIAN,
    COLLECT,
    FILL_IN,
    MARIA,
    SIGN,
    TEMPLATE,
    places,
)
from unit.domain.strategies import TEMPLATES

Place = tuple[str, str]
STAFF = (PartyType.PERSON, PartyType.STAFF)

CASES: list[tuple[str, dict[str, Any], list[Place]]] = [
    ("third party that is a person", {"third_party": MARIA}, [("/third_party", "not_an_organisation")]),
    ("no title", {"title": {}}, [("/title", "missing_text")]),
    ("blank title", {"title": {"sv": "x", "en": " "}}, [("/title/en", "missing_text")]),
    ("a service twice", {"services": ("a", "b", "a")}, [("/services", "repeated")]),
    ("a specifier twice", {"specifiers": ("a", "a", "a")}, [("/specifiers", "repeated")]),
    ("nothing offered", {"permissions": ()}, [("/permissions", "missing")]),
    (
        "one code for two permissions",
        {"permissions": (SIGN, FILL_IN, replace(COLLECT, code="sign"))},
        [("/permissions/2/code", "repeated")],
    ),
    (
        "permission without a title",
        {"permissions": (SIGN, replace(FILL_IN, title={}))},
        [("/permissions/1/title", "missing_text")],
    ),
    (
        "permission with a blank title",
        {"permissions": (replace(SIGN, title={"sv": ""}),)},
        [("/permissions/0/title/sv", "missing_text")],
    ),
    ("no principal", {"principal_types": ()}, [("/principal_types", "not_allowed")]),
    ("staff as principal", {"principal_types": STAFF}, [("/principal_types", "not_allowed")]),
    ("no representative", {"representative_types": ()}, [("/representative_types", "not_allowed")]),
    ("staff as representative", {"representative_types": STAFF}, [("/representative_types", "not_allowed")]),
    ("default beyond the most", {"validity": Validity(11, 10)}, [("/validity/default_days", "too_long")]),
    (
        "a warning before the mandate begins",
        {"validity": Validity(5, 10), "expiry_warning_days": (10, 9)},
        [("/expiry_warning_days", "too_long")],
    ),
    ("nobody may revoke", {"may_revoke": ()}, [("/may_revoke", "missing")]),
    ("no method", {"signing": Signing(methods=())}, [("/signing/methods", "missing")]),
    (
        "a request that waits for more than six months",
        {"signing": Signing(request_lifetime_days=MAX_REQUEST_LIFETIME_DAYS + 1)},
        [("/signing/request_lifetime_days", "too_long")],
    ),
    (
        "an authority that cannot attest",
        {"signing": Signing(SigningBy.AUTHORITY, (SignatureMethod.JWS,))},
        [("/signing/methods", "not_allowed")],
    ),
    (
        "a guardian who cannot be attested",
        {"signing": Signing(SigningBy.GUARDIAN, (SignatureMethod.JWS,))},
        [("/signing/methods", "not_allowed")],
    ),
]


@pytest.mark.parametrize(("changes", "faults"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_fault_is_found_where_it_lies_and_no_other(changes: dict[str, Any], faults: list[Place]) -> None:
    assert places(check_template(replace(TEMPLATE, **changes))) == faults


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"validity": Validity(10, 10, open_ended=True), "expiry_warning_days": (9, 1)},
        {"signing": Signing(SigningBy.GUARDIAN, (SignatureMethod.PAPER,), MAX_REQUEST_LIFETIME_DAYS)},
        {"signing": Signing(SigningBy.SIGNATORIES, (SignatureMethod.SE_BANKID,), 1)},
        {"exercise": Exercise(2, approval=True, max_uses=1), "age_limits": AgeLimits(13, 18)},
        {"delegation": Delegation(2), "retention_days": 0, "services": (), "specifiers": ()},
    ],
)
def test_a_sound_template_has_no_fault(changes: dict[str, Any]) -> None:
    assert check_template(replace(TEMPLATE, **changes)) == ()


@pytest.mark.parametrize("template", [BY_AUTHORITY, BY_GUARDIAN])
def test_templates_that_others_sign_are_sound(template: TemplateContent) -> None:
    assert check_template(template) == ()


def test_all_faults_are_told_at_once_in_the_order_of_the_members() -> None:
    spoilt = replace(
        TEMPLATE,
        third_party=MARIA,
        title={},
        services=("a", "a"),
        permissions=(replace(SIGN, title={}), SIGN),
        principal_types=(),
        representative_types=(),
        validity=Validity(9, 5),
        expiry_warning_days=(5,),
        may_revoke=(),
        signing=Signing(SigningBy.AUTHORITY, (), 185),
    )
    assert places(check_template(spoilt)) == [
        ("/third_party", "not_an_organisation"),
        ("/title", "missing_text"),
        ("/services", "repeated"),
        ("/permissions/0/title", "missing_text"),
        ("/permissions/1/code", "repeated"),
        ("/principal_types", "not_allowed"),
        ("/representative_types", "not_allowed"),
        ("/validity/default_days", "too_long"),
        ("/expiry_warning_days", "too_long"),
        ("/may_revoke", "missing"),
        ("/signing/methods", "missing"),
        ("/signing/request_lifetime_days", "too_long"),
        ("/signing/methods", "not_allowed"),
    ]


@given(TEMPLATES)
@settings(deadline=None, max_examples=60)
def test_any_template_whatever_is_judged_without_an_exception(content: TemplateContent) -> None:
    for fault in check_template(content):
        assert fault.pointer.startswith("/")
        assert fault.message.endswith(".")
