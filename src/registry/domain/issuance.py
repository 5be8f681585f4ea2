"""Issuance: every rule that a new mandate's content must pass, all faults at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from registry.domain.errors import Fault
from registry.domain.mandate import Basis, MandateContent, PrincipalDetails, SignatoryAlternative
from registry.domain.parties import NamedParty, PartyType
from registry.domain.template import SigningBy, TemplateContent, TemplateStatus, TemplateVersion

WHOLE_MANDATE = "*"
"""The key in `permission_details` for what is filled in for the mandate as a whole."""

_SLACK = timedelta(hours=2)
"""A civil period of whole days is up to an hour longer in UTC where daylight saving ends."""

_DAY = timedelta(days=1)
_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MandateProposal:
    """What a caller asks to be issued, before defaults. Times are aware UTC.

    `open_ended` is an explicit null as `valid_until`; None alone means the template's default.
    """

    template_id: UUID
    template_version: int
    principal: NamedParty
    representatives: tuple[NamedParty, ...]
    permissions: tuple[str, ...]
    principal_role: PartyType | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    open_ended: bool = False
    language: str | None = None
    basis: Basis | None = None
    specifier: Mapping[str, str] = field(default_factory=dict)
    parent: UUID | None = None
    supersedes: UUID | None = None
    principal_details: PrincipalDetails | None = None
    permission_details: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    external_ref: str | None = None


def choose_language(proposal: MandateProposal, template: TemplateContent) -> str:
    """The proposal's language, else the template's only one, else its first in alphabetical order."""
    return proposal.language or min(template.languages)


def complete(
    proposal: MandateProposal, template: TemplateVersion, text_digest: str, *, now: datetime
) -> MandateContent:
    """Fill in every default: from `now`, for the template's default days, in the party's own role.

    A default end lies within the calendar, whose last moment is the end of the year 9999.
    """
    content = template.content
    valid_from = proposal.valid_from or now
    valid_until = proposal.valid_until
    if valid_until is None and not proposal.open_ended:
        valid_until = _add_days(valid_from, content.validity.default_days)
    by_authority = content.signing.by is SigningBy.AUTHORITY
    return MandateContent(
        template_id=template.id,
        template_version=template.version,
        text_digest=text_digest,
        kind=content.kind,
        third_party=content.third_party,
        principal=proposal.principal,
        principal_role=proposal.principal_role or proposal.principal.party.type,
        representatives=proposal.representatives,
        permissions=tuple(sorted(proposal.permissions)),
        valid_from=valid_from,
        valid_until=valid_until,
        language=choose_language(proposal, content),
        basis=proposal.basis or (Basis.STATUTORY if by_authority else Basis.VOLUNTARY),
        specifier=proposal.specifier,
        parent=proposal.parent,
        supersedes=proposal.supersedes,
        principal_details=proposal.principal_details,
        permission_details=proposal.permission_details,
        external_ref=proposal.external_ref,
    )


def check_content(
    content: MandateContent, template: TemplateVersion, *, signed_at: datetime | None, now: datetime
) -> tuple[Fault, ...]:
    """Return every rule that the content breaks; empty when none. Those of sub-mandates come on top.

    `signed_at` is the earliest signature's time (None before any): a version that has been replaced
    serves only mandates that were signed while it was current.
    """
    return (
        *_check_template(template, signed_at or now),
        *_check_parties(content, template.content),
        *_check_permissions(content, template.content),
        *_check_period(content, template.content, now),
        *_check_terms(content, template.content),
    )


def _check_template(template: TemplateVersion, signed_at: datetime) -> Iterator[Fault]:
    if template.status is TemplateStatus.DRAFT:
        yield Fault("/template/version", "template_draft", "This version is a draft: publish it first.")
    elif template.status is TemplateStatus.RETIRED:
        yield Fault(
            "/template/id", "template_retired", "The template is retired: nothing new is issued on it."
        )
    elif template.replaced_at is not None and signed_at >= template.replaced_at:
        yield Fault(
            "/template/version", "template_replaced", "A newer version is published: use the current one."
        )


def _check_parties(content: MandateContent, template: TemplateContent) -> Iterator[Fault]:
    principal = content.principal.party
    if principal.type is PartyType.STAFF:
        yield Fault("/principal/scheme", "staff_is_no_party", "Staff are never a party to a mandate.")
    elif content.principal_role not in template.principal_types:
        allowed = " or ".join(kind.value for kind in template.principal_types)
        yield Fault(
            "/principal_role", "principal_type", f"This template is for principals in the role {allowed}."
        )
    if principal.type is PartyType.ORGANISATION and content.principal_role is not PartyType.ORGANISATION:
        yield Fault("/principal_role", "role_mismatch", "An organisation grants in the role `organisation`.")
    elif template.signing.by is SigningBy.GUARDIAN and content.principal_role is not PartyType.PERSON:
        yield Fault("/principal_role", "guardian", "A guardian signs for a person, in the role `person`.")
    yield from _check_name("/principal", content.principal)
    if not content.representatives:
        yield Fault("/representatives", "missing", "Name at least one representative.")
    seen = {principal}
    for position, representative in enumerate(content.representatives):
        pointer = f"/representatives/{position}"
        if representative.party.type not in template.representative_types:
            allowed = " or ".join(kind.value for kind in template.representative_types)
            yield Fault(
                f"{pointer}/scheme", "representative_type", f"A representative here is a(n) {allowed}."
            )
        if representative.party in seen:
            yield Fault(pointer, "repeated", "Name each representative once, and never the principal itself.")
        seen.add(representative.party)
        yield from _check_name(pointer, representative)
    if template.exercise.together > max(len(content.representatives), 1):
        yield Fault(
            "/representatives",
            "too_few",
            f"The template asks {template.exercise.together} representatives to act together.",
        )


def _check_name(pointer: str, named: NamedParty) -> Iterator[Fault]:
    if _is_blank(named.name):
        yield Fault(f"{pointer}/name", "missing", "Give the name that the party is registered under.")


def _check_permissions(content: MandateContent, template: TemplateContent) -> Iterator[Fault]:
    if not content.permissions:
        yield Fault("/permissions", "missing", "Grant at least one permission.")
    if len(set(content.permissions)) != len(content.permissions):
        yield Fault("/permissions", "repeated", "Name each permission once.")
    for code in dict.fromkeys(content.permissions):
        permission = template.permission(code)
        if permission is None:
            yield Fault(
                "/permissions", "unknown_permission", f"`{code}` is not offered by this template version."
            )
            continue
        given = content.permission_details.get(code, {})
        for name in permission.details:
            if _is_blank(given.get(name)):
                pointer = _pointer("permission_details", code, name)
                yield Fault(pointer, "missing", "Fill in what this permission asks for.")
    yield from _check_details(content, template)


def _check_details(content: MandateContent, template: TemplateContent) -> Iterator[Fault]:
    for code, values in content.permission_details.items():
        if code == WHOLE_MANDATE:
            yield from _check_whole_details(values, template)
            continue
        permission = template.permission(code) if code in content.permissions else None
        if permission is None:
            pointer = _pointer("permission_details", code)
            yield Fault(pointer, "not_granted", "This permission is not granted here.")
            continue
        for name in values:
            if name not in permission.details:
                pointer = _pointer("permission_details", code, name)
                yield Fault(pointer, "unknown", "The permission has no such detail.")
    for key, value in content.specifier.items():
        if key not in template.specifiers:
            yield Fault(_pointer("specifier", key), "unknown", "The template offers no such specifier.")
        elif _is_blank(value):
            yield Fault(_pointer("specifier", key), "missing", "Say which one, or leave the specifier out.")


def _check_whole_details(values: Mapping[str, str], template: TemplateContent) -> Iterator[Fault]:
    for name, value in values.items():
        pointer = _pointer("permission_details", WHOLE_MANDATE, name)
        if name not in template.details:
            yield Fault(pointer, "unknown", "The template has no such detail.")
        elif template.details[name] and value not in template.details[name]:
            yield Fault(pointer, "not_offered", f"Choose one of: {', '.join(template.details[name])}.")


def _check_period(content: MandateContent, template: TemplateContent, now: datetime) -> Iterator[Fault]:
    validity = template.validity
    if content.valid_until is None:
        if not validity.open_ended:
            yield Fault(
                "/valid_until", "end_required", f"Give an end, at most {validity.max_days} days ahead."
            )
        return
    if content.valid_from >= content.valid_until:
        yield Fault("/valid_until", "reversed", "`valid_until` is exclusive and lies after `valid_from`.")
        return
    if (content.valid_until - content.valid_from - _SLACK) / _DAY > validity.max_days:
        yield Fault("/valid_until", "too_long", f"The template allows at most {validity.max_days} days.")
    if content.valid_until <= now:
        yield Fault("/valid_until", "already_over", "The period is over: nothing would be granted.")


def _check_terms(content: MandateContent, template: TemplateContent) -> Iterator[Fault]:
    if content.language not in template.languages:
        yield Fault("/language", "not_offered", f"Choose one of: {', '.join(sorted(template.languages))}.")
    by_authority = template.signing.by is SigningBy.AUTHORITY
    if by_authority == (content.basis is Basis.VOLUNTARY):
        right = "`statutory` or `court`" if by_authority else "`voluntary`"
        yield Fault("/basis", "basis_mismatch", f"A mandate on this template has the basis {right}.")
    if content.principal_details is not None:
        yield from _check_signatory_rule(content.principal_details)


def _check_signatory_rule(details: PrincipalDetails) -> Iterator[Fault]:
    rule = details.signatory_rule
    if rule is None:
        return
    for position, alternative in enumerate(rule.alternatives):
        yield from _check_alternative(
            _pointer("principal_details", "signatory_rule", "alternatives", str(position)), alternative
        )
    if _is_blank(details.source):
        yield Fault("/principal_details/source", "missing", "Name the source of the signatory rule.")


def _check_alternative(pointer: str, alternative: SignatoryAlternative) -> Iterator[Fault]:
    if any(party.type is PartyType.STAFF for party in alternative.any_of):
        yield Fault(f"{pointer}/any_of", "staff_is_no_party", "Name signatories by their personal numbers.")
    if not 1 <= alternative.count <= len(alternative.any_of):
        yield Fault(f"{pointer}/count", "impossible", "Ask for at least one of those named, at most for all.")


def _add_days(moment: datetime, days: int) -> datetime:
    try:
        return moment + timedelta(days=days)
    except OverflowError:
        return _LAST_MOMENT


def _is_blank(text: str | None) -> bool:
    return text is None or not text.strip()


def _pointer(*names: str) -> str:
    """Point at a member as RFC 6901 section 3 writes it."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)
