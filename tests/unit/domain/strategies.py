"""Hypothesis strategies: any object that the domain's types allow, sensible or not.
Times are UTC throughout, as the domain demands.
"""

from datetime import UTC
from typing import Final, TypeVar

from hypothesis import strategies as st

from registry.domain.documents import Json
from registry.domain.events import Author, EventType, MandateEvent
from registry.domain.mandate import (
    Basis,
    Capacity,
    Mandate,
    MandateContent,
    PrincipalDetails,
    SignatoryAlternative,
    SignatoryRule,
    Signature,
)
from registry.domain.parties import NamedParty, Party, PartyType, Scheme
from registry.domain.template import (
    AgeLimits,
    Delegation,
    Exercise,
    MandateKind,
    Notify,
    Permission,
    PermissionType,
    Role,
    SignatureMethod,
    Signing,
    SigningBy,
    TemplateContent,
    TemplateStatus,
    TemplateVersion,
    Validity,
)

TIMES: Final = st.datetimes(timezones=st.just(UTC))
TEXT: Final = st.text(st.characters(codec="utf-8"), max_size=8)
CODES: Final = st.sampled_from(("a", "b", "a/b", "m~n", "*", ""))
TEXTS: Final = st.dictionaries(st.sampled_from(("sv", "en", "da")), TEXT, max_size=3)
NUMBERS: Final = st.integers(-(10**12), 10**12)
DAYS: Final = st.one_of(st.integers(-2, 800), NUMBERS)

PARTIES: Final = st.builds(Party, st.sampled_from(Scheme), st.text("0123456789", max_size=2))
NAMED: Final = st.builds(NamedParty, PARTIES, st.none() | TEXT)
VALUES: Final = st.dictionaries(CODES, TEXT, max_size=2)

JSON: Final[st.SearchStrategy[Json]] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


T = TypeVar("T")


def tuples_of(items: st.SearchStrategy[T], most: int = 3) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(items, max_size=most).map(tuple)


ROLES: Final = tuples_of(st.sampled_from(Role))
PARTY_TYPES: Final = tuples_of(st.sampled_from(PartyType))

PERMISSIONS: Final = st.builds(
    Permission,
    code=CODES,
    type=st.sampled_from(PermissionType),
    title=TEXTS,
    description=TEXTS,
    preselected=st.booleans(),
    details=tuples_of(CODES),
)
TEMPLATES: Final = st.builds(
    TemplateContent,
    third_party=NAMED,
    kind=st.sampled_from(MandateKind),
    title=TEXTS,
    permissions=tuples_of(PERMISSIONS),
    department=st.none() | TEXT,
    services=tuples_of(CODES),
    description=TEXTS,
    principal_types=PARTY_TYPES,
    representative_types=PARTY_TYPES,
    validity=st.builds(Validity, DAYS, DAYS, st.booleans()),
    signing=st.builds(
        Signing, st.sampled_from(SigningBy), tuples_of(st.sampled_from(SignatureMethod)), NUMBERS
    ),
    delegation=st.builds(Delegation, NUMBERS),
    exercise=st.builds(Exercise, st.integers(-1, 4), st.booleans(), st.none() | NUMBERS),
    age_limits=st.builds(AgeLimits, st.none() | NUMBERS, st.none() | NUMBERS),
    may_revoke=ROLES,
    notify=st.builds(Notify, ROLES, ROLES, ROLES),
    expiry_warning_days=tuples_of(NUMBERS),
    specifiers=tuples_of(CODES),
    details=st.dictionaries(CODES, tuples_of(TEXT), max_size=2),
    retention_days=NUMBERS,
    external_code=st.none() | TEXT,
)
VERSIONS: Final = st.builds(
    TemplateVersion,
    id=st.uuids(),
    version=NUMBERS,
    status=st.sampled_from(TemplateStatus),
    content=TEMPLATES,
    updated_at=TIMES,
    published_at=st.none() | TIMES,
    replaced_at=st.none() | TIMES,
)

RULES: Final = st.builds(
    SignatoryRule,
    tuples_of(st.builds(SignatoryAlternative, st.frozensets(PARTIES, max_size=3), st.integers(-1, 4))),
    st.none() | TEXT,
)
DETAILS: Final = st.builds(
    PrincipalDetails, st.none() | TEXT, st.none() | RULES, st.none() | TEXT, st.none() | TIMES
)
CONTENTS: Final = st.builds(
    MandateContent,
    template_id=st.uuids(),
    template_version=NUMBERS,
    text_digest=TEXT,
    kind=st.sampled_from(MandateKind),
    third_party=NAMED,
    principal=NAMED,
    principal_role=st.sampled_from(PartyType),
    representatives=tuples_of(NAMED),
    permissions=tuples_of(CODES),
    valid_from=TIMES,
    valid_until=st.none() | TIMES,
    language=st.sampled_from(("sv", "en", "fi", "")),
    basis=st.sampled_from(Basis),
    specifier=VALUES,
    parent=st.none() | st.uuids(),
    supersedes=st.none() | st.uuids(),
    principal_details=st.none() | DETAILS,
    permission_details=st.dictionaries(CODES, VALUES, max_size=3),
    external_ref=st.none() | TEXT,
)
SIGNATURES: Final = st.builds(
    Signature,
    signer=NAMED,
    capacity=st.sampled_from(Capacity),
    method=st.sampled_from(SignatureMethod),
    signed_at=TIMES,
    evidence_format=TEXT,
    evidence_digest=TEXT,
    registrar=st.none() | PARTIES,
    issuer=st.none() | TEXT,
)
MANDATES: Final = st.builds(
    Mandate,
    id=st.uuids(),
    content=CONTENTS,
    content_digest=TEXT,
    signatures=tuples_of(SIGNATURES),
    issued_at=TIMES,
    registered_by=TEXT,
    ancestors=tuples_of(st.uuids()),
)
EVENTS: Final = st.builds(
    MandateEvent,
    id=st.uuids(),
    mandate_id=st.uuids(),
    number=NUMBERS,
    type=st.sampled_from(EventType),
    at=TIMES,
    recorded_at=TIMES,
    author=st.builds(Author, st.sampled_from(Role), PARTIES, st.none() | PARTIES, st.none() | TEXT),
    reason=st.none() | TEXT,
    registered_by=TEXT,
    previous=TEXT,
    details=st.dictionaries(TEXT, JSON, max_size=3),
)
