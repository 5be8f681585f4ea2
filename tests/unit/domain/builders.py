"""Domain objects that are valid as they stand; a test spoils one with `dataclasses.replace`.

The persons and companies are published test numbers.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from registry.domain.errors import Fault
from registry.domain.issuance import MandateProposal, complete
from registry.domain.mandate import (
    Capacity,
    MandateContent,
    PrincipalDetails,
    SignatoryAlternative,
    SignatoryRule,
    Signature,
)
from registry.domain.parties import NamedParty, Party, Scheme
from registry.domain.template import (
    MandateKind,
    Permission,
    PermissionType,
    SignatureMethod,
    Signing,
    SigningBy,
    TemplateContent,
    TemplateStatus,
    TemplateVersion,
)

NOW: Final = datetime(2026, 11, 21, 9, tzinfo=UTC)
DAY: Final = timedelta(days=1)
TICK: Final = timedelta(microseconds=1)
FIRST_MOMENT: Final = datetime.min.replace(tzinfo=UTC)
LAST_MOMENT: Final = datetime.max.replace(tzinfo=UTC)

TOWN: Final = NamedParty(Party(Scheme.SE_ORGNR, "2120002411"), "Sundsvalls kommun")
COMPANY: Final = NamedParty(Party(Scheme.SE_ORGNR, "5561929323"), "TB Bokföringsbyrå AB")
OTHER_COMPANY: Final = NamedParty(Party(Scheme.SE_ORGNR, "5563813962"), "TB Ålyckan AB")
AGENT: Final = NamedParty(Party(Scheme.SE_PNR, "193504049135"), "Test Persson")
HERMAN: Final = NamedParty(Party(Scheme.SE_PNR, "195004112354"), "Herman Ört")
MARIA: Final = NamedParty(Party(Scheme.SE_PNR, "196709132887"), "Maria Johansson")
PETRONELLA: Final = NamedParty(Party(Scheme.SE_PNR, "198602102389"), "Petronella Malteskog")
STRANGER: Final = NamedParty(Party(Scheme.SE_PNR, "198602262381"), "Beri Ylles")
CLERK: Final = NamedParty(Party(Scheme.USERNAME, "clerk-7"), "Clerk Seven")

FILL_IN: Final = Permission("fill-in", PermissionType.FILL_IN, {"sv": "Fylla i", "en": "Fill in"})
SIGN: Final = Permission("sign", PermissionType.SIGN, {"sv": "Skriva under"})
COLLECT: Final = Permission("collect", PermissionType.COLLECT, {"sv": "Inhämta"}, details=("source_name",))

TEMPLATE: Final = TemplateContent(
    third_party=TOWN,
    kind=MandateKind.REPRESENTATION,
    title={"sv": "Restaurangombud", "en": "Restaurant representative"},
    permissions=(FILL_IN, SIGN, COLLECT),
    services=("oep-serveringstillstand",),
    specifiers=("property",),
    details={"case_type": ("pension", "integration"), "note": ()},
)
BY_AUTHORITY: Final = replace(
    TEMPLATE, signing=Signing(SigningBy.AUTHORITY, methods=(SignatureMethod.REGISTERED,))
)
BY_GUARDIAN: Final = replace(
    TEMPLATE, signing=Signing(SigningBy.GUARDIAN, methods=(SignatureMethod.REGISTERED,))
)
VERSION: Final = TemplateVersion(
    id=UUID("0198a000-0000-7000-8000-000000000001"),
    version=1,
    status=TemplateStatus.PUBLISHED,
    content=TEMPLATE,
    updated_at=NOW - 100 * DAY,
    published_at=NOW - 100 * DAY,
)

TWO_JOINTLY_OR_ONE_ALONE: Final = PrincipalDetails(
    form="aktiebolag",
    signatory_rule=SignatoryRule(
        (
            SignatoryAlternative(frozenset({PETRONELLA.party}), 1),
            SignatoryAlternative(frozenset({HERMAN.party, MARIA.party, PETRONELLA.party}), 2),
        ),
        "Två i förening eller Petronella Malteskog ensam",
    ),
    source="Bolagsverket",
    retrieved_at=NOW - DAY,
)
PROPOSAL: Final = MandateProposal(
    template_id=VERSION.id,
    template_version=1,
    principal=COMPANY,
    representatives=(AGENT,),
    permissions=("sign", "fill-in"),
    principal_details=TWO_JOINTLY_OR_ONE_ALONE,
)
TEXT_DIGEST: Final = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"

CONTENT: Final = complete(PROPOSAL, VERSION, TEXT_DIGEST, now=NOW)
"""A company's mandate to one person for two permissions, from now, for the default year."""

OWN_CONTENT: Final = complete(
    replace(PROPOSAL, principal=MARIA, principal_details=None), VERSION, TEXT_DIGEST, now=NOW
)
"""A person's mandate of its own."""


def signed_by(
    signer: NamedParty,
    capacity: Capacity = Capacity.SIGNATORY,
    method: SignatureMethod = SignatureMethod.JWS,
    *,
    at: datetime = NOW - timedelta(hours=1),
) -> Signature:
    """Make a verified signature, with a registrar where it is attested and an issuer where it is not."""
    is_attested = method is SignatureMethod.REGISTERED
    return Signature(
        signer=signer,
        capacity=capacity,
        method=method,
        signed_at=at,
        evidence_format="statement" if is_attested else "jws",
        evidence_digest=TEXT_DIGEST,
        registrar=CLERK.party if is_attested else None,
        issuer=None if is_attested else "https://eid.example",
    )


def version_of(content: TemplateContent) -> TemplateVersion:
    return replace(VERSION, content=content)


def places(faults: tuple[Fault, ...]) -> list[tuple[str, str]]:
    """Show faults as (pointer, code), in their order."""
    return [(fault.pointer, fault.code) for fault in faults]


def with_rule(content: MandateContent, *alternatives: SignatoryAlternative) -> MandateContent:
    details = PrincipalDetails(signatory_rule=SignatoryRule(alternatives), source="Bolagsverket")
    return replace(content, principal_details=details)
