"""The rules a template's content must pass to be published, all faults at once."""

from collections import Counter
from collections.abc import Iterator

from registry.domain.errors import Fault
from registry.domain.parties import PartyType
from registry.domain.template import (
    MAX_REQUEST_LIFETIME_DAYS,
    MandateKind,
    Role,
    SignatureMethod,
    SigningBy,
    TemplateContent,
    Texts,
)

_ATTESTED = frozenset({SignatureMethod.REGISTERED, SignatureMethod.PAPER})


def check_template(content: TemplateContent) -> tuple[Fault, ...]:
    """Return every rule that the content breaks, in the order of its members; empty when none."""
    return (
        *_check_texts(content),
        *_check_permissions(content),
        *_check_terms(content),
        *_check_signing(content),
    )


def _check_texts(content: TemplateContent) -> Iterator[Fault]:
    if content.third_party.party.type is not PartyType.ORGANISATION:
        yield Fault("/third_party", "not_an_organisation", "A third party is an organisation.")
    yield from _check_title("/title", content.title)
    yield from _repeated("/services", content.services)
    yield from _repeated("/specifiers", content.specifiers)


def _check_permissions(content: TemplateContent) -> Iterator[Fault]:
    if not content.permissions:
        yield Fault("/permissions", "missing", "Offer at least one permission.")
    seen: set[str] = set()
    for position, permission in enumerate(content.permissions):
        if permission.code in seen:
            yield Fault(
                f"/permissions/{position}/code", "repeated", "Give each permission a code of its own."
            )
        seen.add(permission.code)
        yield from _check_title(f"/permissions/{position}/title", permission.title)


def _check_title(pointer: str, title: Texts) -> Iterator[Fault]:
    if not title:
        yield Fault(pointer, "missing_text", "Give the title in at least one language.")
    for language, text in title.items():
        if not text.strip():
            yield Fault(
                f"{pointer}/{language}", "missing_text", "Write the title, or leave the language out."
            )


def _check_terms(content: TemplateContent) -> Iterator[Fault]:
    if not content.principal_types or PartyType.STAFF in content.principal_types:
        yield Fault("/principal_types", "not_allowed", "Name person, organisation or both.")
    if not content.representative_types or PartyType.STAFF in content.representative_types:
        yield Fault("/representative_types", "not_allowed", "Name person, organisation or both.")
    if content.validity.default_days > content.validity.max_days:
        yield Fault("/validity/default_days", "too_long", "The default may not exceed max_days.")
    late = [days for days in content.expiry_warning_days if days >= content.validity.max_days]
    if late:
        yield Fault("/expiry_warning_days", "too_long", "Warn fewer days ahead than max_days.")
    if not content.may_revoke:
        yield Fault("/may_revoke", "missing", "Name at least one role that may revoke.")
    elif content.kind is MandateKind.CONSENT and Role.PRINCIPAL not in content.may_revoke:
        yield Fault("/may_revoke", "consent", "Whoever consents may withdraw: add `principal`.")


def _check_signing(content: TemplateContent) -> Iterator[Fault]:
    signing = content.signing
    if not signing.methods:
        yield Fault("/signing/methods", "missing", "Allow at least one signature method.")
    if signing.request_lifetime_days > MAX_REQUEST_LIFETIME_DAYS:
        yield Fault(
            "/signing/request_lifetime_days",
            "too_long",
            f"A request waits at most {MAX_REQUEST_LIFETIME_DAYS} days (six months).",
        )
    if signing.by is SigningBy.AUTHORITY and SignatureMethod.REGISTERED not in signing.methods:
        yield Fault(
            "/signing/methods", "not_allowed", "An authority's delivery needs the method `registered`."
        )
    if signing.by is SigningBy.GUARDIAN and _ATTESTED.isdisjoint(signing.methods):
        yield Fault(
            "/signing/methods", "not_allowed", "A guardian's signature needs `registered` or `paper`."
        )


def _repeated(pointer: str, values: tuple[str, ...]) -> Iterator[Fault]:
    for value, count in Counter(values).items():
        if count > 1:
            yield Fault(pointer, "repeated", f"`{value}` stands more than once.")
