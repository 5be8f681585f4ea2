"""Sub-mandates: what a representative grants on, never wider, longer or deeper than it was granted.

Pure: the mandates above come in, root first; faults and statuses go out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

from registry.domain.errors import Fault
from registry.domain.events import Change, Lifetime, Status, ending_at, status_at, time_asked
from registry.domain.issuance import WHOLE_MANDATE, MandateProposal
from registry.domain.mandate import Mandate, MandateContent
from registry.domain.parties import Party, PartyType
from registry.domain.revocation import is_over
from registry.domain.signing_rules import Grantors
from registry.domain.template import TemplateContent

_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)

# What `status_at` would find in a lifetime that all of them share, from the least to the most.
_GRAVITY = [
    Status.ACTIVE,
    Status.SUSPENDED,
    Status.USED_UP,
    Status.EXPIRED,
    Status.NOT_YET_VALID,
    Status.REVOKED,
]


@dataclass(slots=True)
class Ancestor:
    """A mandate above another, with all that its status depends on. Not frozen: it is on the hot path."""

    mandate_id: UUID
    lifetime: Lifetime


@dataclass(frozen=True, slots=True)
class Link:
    """One mandate of a chain, with the terms of the template version that it was signed on."""

    content: MandateContent
    terms: TemplateContent


@dataclass(frozen=True, slots=True)
class Chain:
    """The mandates above a sub-mandate, root first and parent last; `status` is the parent's now."""

    ids: tuple[UUID, ...]
    links: tuple[Link, ...]
    status: Status

    @property
    def parent(self) -> Link:
        """The mandate directly above."""
        return self.links[-1]


def inherit(content: MandateContent, proposal: MandateProposal, parent: MandateContent) -> MandateContent:
    """Fill in from the parent what the proposal leaves out: role, basis, specifier, details, and an end."""
    until = content.valid_until
    if proposal.valid_until is None and not proposal.open_ended and until is not None:
        until = min(until, parent.valid_until or until)
    granted = {WHOLE_MANDATE, *content.permissions}
    details = {code: values for code, values in parent.permission_details.items() if code in granted}
    return replace(
        content,
        principal_role=proposal.principal_role or parent.principal_role,
        basis=proposal.basis or parent.basis,
        valid_until=until,
        specifier=proposal.specifier or parent.specifier,
        permission_details=proposal.permission_details or details,
    )


def check_delegation(content: MandateContent, terms: TemplateContent, chain: Chain) -> tuple[Fault, ...]:
    """Return every rule of sub-mandates that the content breaks; empty when none.

    `terms` are those of the content's own template version.
    """
    return (
        *check_standing(chain.status),
        *_check_terms(content, terms, chain),
        *_check_parties(content, chain),
        *_check_scope(content, chain.parent.content),
        *_check_period(content, chain.parent.content),
    )


def grantors_of(chain: Chain) -> Grantors:
    """Who has to sign what is granted on from the end of this chain."""
    parties = frozenset(named.party for named in chain.parent.content.representatives)
    return Grantors(parties, chain.parent.terms.exercise.together)


def check_standing(parent: Status) -> Iterator[Fault]:
    """Nothing is granted on from a mandate that is over or suspended."""
    if is_over(parent):
        yield Fault("/parent", "parent_over", "The parent is over: nothing is left to grant on.")
    elif parent is Status.SUSPENDED:
        yield Fault("/parent", "parent_suspended", "The parent is suspended: wait until it is resumed.")


def _check_terms(content: MandateContent, terms: TemplateContent, chain: Chain) -> Iterator[Fault]:
    parent = chain.parent
    # The root's signer consented to the depth of the version signed; the third party may since allow less.
    deepest = min(item.delegation.max_depth for item in (*(link.terms for link in chain.links), terms))
    if len(chain.links) > deepest:
        yield Fault("/parent", "too_deep", f"The template allows {deepest} levels of sub-mandates.")
    if content.template_id != parent.content.template_id:
        yield Fault("/template/id", "other_template", "A sub-mandate is on the template of its parent.")
    elif _is_looser(terms, parent.terms):
        message = "This version offers more, or asks less, than the one that the parent was signed on."
        yield Fault("/template/version", "wider_than_parent", message)
    if content.basis is not parent.content.basis:
        right = parent.content.basis.value
        yield Fault("/basis", "other_basis", f"A sub-mandate rests on what its parent does: `{right}`.")


def _is_looser(terms: TemplateContent, parent: TemplateContent) -> bool:
    exercise, limits = terms.exercise, terms.age_limits
    return (
        not set(terms.services) <= set(parent.services)
        or exercise.together < parent.exercise.together
        or (parent.exercise.approval and not exercise.approval)
        or _exceeds(exercise.max_uses, parent.exercise.max_uses)
        or _exceeds(limits.principal_below, parent.age_limits.principal_below)
        or (limits.representative_from or 0) < (parent.age_limits.representative_from or 0)
    )


def _exceeds(limit: int | None, parent: int | None) -> bool:
    return parent is not None and (limit is None or limit > parent)


def _check_parties(content: MandateContent, chain: Chain) -> Iterator[Fault]:
    parent = chain.parent.content
    if content.principal.party != parent.principal.party:
        yield Fault("/principal", "other_principal", "The principal of a sub-mandate is its parent's.")
    if content.principal_role is not parent.principal_role:
        right = parent.principal_role.value
        yield Fault("/principal_role", "other_role", f"The parent was granted in the role `{right}`.")
    above = {named.party for link in chain.links for named in link.content.representatives}
    for position, representative in enumerate(content.representatives):
        if representative.party in above:
            message = "This representative has the authority already, further up."
            yield Fault(f"/representatives/{position}", "already_in_chain", message)
    organisations = [named for named in parent.representatives if named.party.type is PartyType.ORGANISATION]
    if content.principal_details is not None and len(organisations) != 1:
        message = "State these of the one organisation that grants: the parent's representative."
        yield Fault("/principal_details", "no_organisation", message)


def _check_scope(content: MandateContent, parent: MandateContent) -> Iterator[Fault]:
    for code in dict.fromkeys(content.permissions):
        if code not in parent.permissions:
            yield Fault("/permissions", "wider_than_parent", f"`{code}` is not granted by the parent.")
    for key, value in parent.specifier.items():
        if content.specifier.get(key) != value:
            yield Fault("/specifier", "wider_than_parent", f"Keep the parent's specifier `{key}`.")
    granted = set(parent.permissions) & set(content.permissions)
    for code in sorted({WHOLE_MANDATE, *granted}):
        if content.permission_details.get(code, {}) != parent.permission_details.get(code, {}):
            message = f"Keep the parent's details of `{code}`, or leave all details out."
            yield Fault("/permission_details", "wider_than_parent", message)


def _check_period(content: MandateContent, parent: MandateContent) -> Iterator[Fault]:
    if content.valid_from < parent.valid_from:
        yield Fault("/valid_from", "longer_than_parent", "A sub-mandate begins no earlier than its parent.")
    if (content.valid_until or _LAST_MOMENT) > (parent.valid_until or _LAST_MOMENT):
        yield Fault("/valid_until", "longer_than_parent", "A sub-mandate ends no later than its parent.")


def grantors_in(chain: Sequence[Mandate]) -> frozenset[Party]:
    """Those representatives above the last mandate of a chain, root first, on whose signatures it rests.

    For an organisation its signatories sign: where somebody signed who holds no mandate above, every
    organisation that does counts as one that granted on.
    """
    granted: set[Party] = set()
    for parent, child in pairwise(chain):
        holders = {named.party for named in parent.content.representatives}
        signers = {item.signer.party for item in child.signatures}
        granted |= holders & signers
        if not signers <= holders:
            granted |= {party for party in holders if party.type is PartyType.ORGANISATION}
    return frozenset(granted)


def status_above(
    ancestors: Sequence[Ancestor], at: datetime, *, known_at: datetime | None = None, is_present: bool = False
) -> Status | None:
    """The gravest status among these at a time; None where one was not known at `known_at`.

    A mandate that is active by itself stands as this says.
    """
    gravest = Status.ACTIVE
    for ancestor in ancestors:
        life = ancestor.lifetime
        status = status_at(life, time_asked(life, at, is_present=is_present), known_at=known_at)
        if status is None:
            return None
        gravest = max(gravest, status, key=_GRAVITY.index)
    return gravest


def present_status(lifetime: Lifetime, ancestors: Sequence[Ancestor], now: datetime) -> Status:
    """The status now: what is recorded counts, even if the clock that recorded it runs ahead."""
    status = status_at(lifetime, time_asked(lifetime, now, is_present=True))
    if status is Status.ACTIVE and ancestors:
        status = status_above(ancestors, now, is_present=True)
    if status is None:
        raise RuntimeError("without `known_at` every mandate has a status")
    return status


def first_ending(
    lifetime: Lifetime,
    ancestors: Sequence[Ancestor],
    at: datetime,
    *,
    known_at: datetime | None = None,
    is_present: bool = False,
) -> Change | None:
    """The change that first ended a mandate or one above it; of equal times, that nearest to the root."""
    endings = [
        ending_at(life, time_asked(life, at, is_present=is_present), known_at=known_at)
        for life in (*(ancestor.lifetime for ancestor in ancestors), lifetime)
    ]
    return min((change for change in endings if change), key=lambda change: change.at, default=None)
