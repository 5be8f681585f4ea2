"""Templates: what a third party offers to be granted, on which terms.

A version is a draft until it is published and never changes after that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from registry.domain.documents import Json, named_party_document, read_named_party
from registry.domain.parties import NamedParty, PartyType

Texts = Mapping[str, str]
"""One text per language: lower-case BCP 47 language tag to text."""

MAX_REQUEST_LIFETIME_DAYS = 184


class MandateKind(StrEnum):
    """A power of attorney, or a consent to use of data."""

    REPRESENTATION = "representation"
    CONSENT = "consent"


class TemplateStatus(StrEnum):
    """Where a version stands: editable, offered, or no longer offered."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class PermissionType(StrEnum):
    """What kind of act or use a permission allows."""

    SIGN = "sign"
    FILL_IN = "fill_in"
    READ = "read"
    RECEIVE = "receive"
    COLLECT = "collect"
    DISCLOSE = "disclose"


class SigningBy(StrEnum):
    """Who has to sign for a mandate to come into being."""

    PRINCIPAL = "principal"
    SIGNATORIES = "signatories"
    GUARDIAN = "guardian"
    AUTHORITY = "authority"


class SignatureMethod(StrEnum):
    """How a signature was made."""

    JWS = "jws"
    SE_BANKID = "se-bankid"
    PAPER = "paper"
    REGISTERED = "registered"


class Role(StrEnum):
    """In which role somebody takes part in a mandate or ends it."""

    PRINCIPAL = "principal"
    REPRESENTATIVE = "representative"
    THIRD_PARTY = "third_party"
    REGISTRAR = "registrar"


@dataclass(frozen=True, slots=True)
class Permission:
    """One act or use that a template offers; `details` names what the form leaves to fill in."""

    code: str
    type: PermissionType
    title: Texts
    description: Texts = field(default_factory=dict)
    preselected: bool = False
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Validity:
    """How long a mandate may run, in days from `valid_from`; `open_ended` allows no end at all."""

    default_days: int = 365
    max_days: int = 1825
    open_ended: bool = False


@dataclass(frozen=True, slots=True)
class Signing:
    """Who signs, by which methods, and how many days a request waits for signatures."""

    by: SigningBy = SigningBy.PRINCIPAL
    methods: tuple[SignatureMethod, ...] = (SignatureMethod.JWS, SignatureMethod.REGISTERED)
    request_lifetime_days: int = 180


@dataclass(frozen=True, slots=True)
class Delegation:
    """How many levels of sub-mandates may hang below a mandate."""

    max_depth: int = 0


@dataclass(frozen=True, slots=True)
class Exercise:
    """How a mandate is used: how many representatives together, with approval, how many times."""

    together: int = 1
    approval: bool = False
    max_uses: int | None = None


@dataclass(frozen=True, slots=True)
class AgeLimits:
    """Ages in whole years on the local date of the question."""

    principal_below: int | None = None
    representative_from: int | None = None


@dataclass(frozen=True, slots=True)
class Notify:
    """Which roles a message service is asked to tell, per kind of event."""

    issued: tuple[Role, ...] = ()
    used: tuple[Role, ...] = ()
    ended: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True)
class TemplateContent:
    """Everything that a version says; frozen when the version is published."""

    third_party: NamedParty
    kind: MandateKind
    title: Texts
    permissions: tuple[Permission, ...]
    department: str | None = None
    services: tuple[str, ...] = ()
    description: Texts = field(default_factory=dict)
    principal_types: tuple[PartyType, ...] = (PartyType.PERSON, PartyType.ORGANISATION)
    representative_types: tuple[PartyType, ...] = (PartyType.PERSON, PartyType.ORGANISATION)
    validity: Validity = Validity()
    signing: Signing = Signing()
    delegation: Delegation = Delegation()
    exercise: Exercise = Exercise()
    age_limits: AgeLimits = AgeLimits()
    may_revoke: tuple[Role, ...] = tuple(Role)
    notify: Notify = Notify()
    expiry_warning_days: tuple[int, ...] = ()
    specifiers: tuple[str, ...] = ()
    details: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    retention_days: int = 3650
    external_code: str | None = None

    def permission(self, code: str) -> Permission | None:
        """Return the permission with this code, if the template offers it."""
        return next((permission for permission in self.permissions if permission.code == code), None)

    @property
    def languages(self) -> frozenset[str]:
        """The languages a mandate can be signed in: those that have a title."""
        return frozenset(self.title)


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """One version of a template with its standing. Times are aware UTC."""

    id: UUID
    version: int
    status: TemplateStatus
    content: TemplateContent
    updated_at: datetime
    published_at: datetime | None = None
    replaced_at: datetime | None = None


def content_document(content: TemplateContent) -> dict[str, Json]:
    """Show a version's content as a JSON document, every default filled in."""
    document: dict[str, Any] = asdict(content)
    document["third_party"] = named_party_document(content.third_party)
    return document


def read_content(document: Mapping[str, Any]) -> TemplateContent:
    """Read what `content_document` wrote. The document is the registry's own: faults are bugs (KeyError)."""
    signing, notify = document["signing"], document["notify"]
    return TemplateContent(
        **{
            name: document[name]
            for name in ("title", "description", "department", "retention_days", "external_code")
        },
        third_party=read_named_party(document["third_party"]),
        kind=MandateKind(document["kind"]),
        permissions=tuple(_read_permission(item) for item in document["permissions"]),
        services=tuple(document["services"]),
        principal_types=tuple(map(PartyType, document["principal_types"])),
        representative_types=tuple(map(PartyType, document["representative_types"])),
        validity=Validity(**document["validity"]),
        signing=Signing(
            SigningBy(signing["by"]),
            tuple(map(SignatureMethod, signing["methods"])),
            signing["request_lifetime_days"],
        ),
        delegation=Delegation(**document["delegation"]),
        exercise=Exercise(**document["exercise"]),
        age_limits=AgeLimits(**document["age_limits"]),
        may_revoke=tuple(map(Role, document["may_revoke"])),
        notify=Notify(**{moment: tuple(map(Role, roles)) for moment, roles in notify.items()}),
        expiry_warning_days=tuple(document["expiry_warning_days"]),
        specifiers=tuple(document["specifiers"]),
        details={name: tuple(values) for name, values in document["details"].items()},
    )


def text_document(content: TemplateContent, language: str) -> dict[str, Json]:
    """The text that a principal signs, in one language; its digest is pinned by the mandate.

    A text that lacks the language falls back to English, then to the first language in order.
    """
    return {
        "language": language,
        "title": _in_language(content.title, language),
        "description": _in_language(content.description, language),
        "permissions": [
            {
                "code": permission.code,
                "title": _in_language(permission.title, language),
                "description": _in_language(permission.description, language),
            }
            for permission in content.permissions
        ],
    }


def best_language(texts: Texts, wanted: Sequence[str]) -> str | None:
    """The language in which to show a text: the first wanted, or its plain form, that there is.

    Else English, else the first in alphabetical order; None where there is no text at all.
    """
    candidates = [form for language in wanted for form in (language, language.partition("-")[0])]
    return next((language for language in (*candidates, "en", *sorted(texts)) if language in texts), None)


def _in_language(texts: Texts, language: str) -> str | None:
    for candidate in (language, "en", *sorted(texts)):
        if candidate in texts:
            return texts[candidate]
    return None


def _read_permission(document: Mapping[str, Any]) -> Permission:
    return Permission(
        code=document["code"],
        type=PermissionType(document["type"]),
        title=document["title"],
        description=document["description"],
        preselected=document["preselected"],
        details=tuple(document["details"]),
    )
