"""Restrictions: blocks that override mandates, whatever these say (a protected person, a blocked guardian).

A restriction is a list of sealed entries: imposed, and at most once lifted. In force is what follows from
them for a point in time. Verification sees each one on a principal as a `Block`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from registry.domain.documents import (
    Json,
    named_party_document,
    party_document,
    read_named_party,
    read_party,
    utc_text,
    utc_time,
)
from registry.domain.entries import Entry
from registry.domain.errors import ConflictError, Fault
from registry.domain.parties import NamedParty, Party, PartyType

IMPOSED, LIFTED = "restriction.imposed", "restriction.lifted"


class RestrictedError(ConflictError):
    """A restriction stands against this mandate: it cannot be used while that is in force."""


class AlreadyLiftedError(ConflictError):
    """The restriction has been lifted already."""


class RestrictionScope(StrEnum):
    """What is blocked.

    `all_representatives`, `representative`, `guardians` and `service` block mandates of the subject;
    `own_login` blocks the subject's acting for itself. `record` is kept for e-services to honour: it blocks
    no mandate.
    """

    ALL_REPRESENTATIVES = "all_representatives"
    REPRESENTATIVE = "representative"
    GUARDIANS = "guardians"
    SERVICE = "service"
    OWN_LOGIN = "own_login"
    RECORD = "record"


class RestrictionStatus(StrEnum):
    """Where a restriction stands now; derived, never stored."""

    NOT_YET_VALID = "not_yet_valid"
    ACTIVE = "active"
    EXPIRED = "expired"
    LIFTED = "lifted"


@dataclass(frozen=True, slots=True)
class Imposition:
    """What is imposed, by which organisation.

    `third_party` None is everywhere, `valid_until` None until it is lifted.
    """

    subject: NamedParty
    scope: RestrictionScope
    imposed_by: Party
    valid_from: datetime
    reason: str
    valid_until: datetime | None = None
    representative: NamedParty | None = None
    service: str | None = None
    third_party: NamedParty | None = None


@dataclass(frozen=True, slots=True)
class Lifting:
    """Which organisation lifted it, when and why."""

    lifted_by: Party
    lifted_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Restriction:
    """A restriction as its entries tell it."""

    id: UUID
    imposition: Imposition
    imposed_at: datetime
    registered_by: str
    lifting: Lifting | None = None


@dataclass(slots=True)
class Block:
    """A restriction on the principal of a question, towards its third party, as the projection holds it."""

    scope: RestrictionScope
    valid_from: datetime
    imposed_at: datetime
    valid_until: datetime | None = None
    lifted_at: datetime | None = None
    representative_index: bytes | None = None
    service: str | None = None


def check_imposition(imposition: Imposition) -> tuple[Fault, ...]:
    """Every fault of what is to be imposed, in the order of the request."""
    return tuple(_imposition_faults(imposition))


def _imposition_faults(imposition: Imposition) -> Iterator[Fault]:
    if imposition.subject.party.type is PartyType.STAFF:
        yield Fault(
            "/subject", "not_a_party", "A restriction is on a person or an organisation, not on staff."
        )
    needed = {
        "representative": (imposition.representative, RestrictionScope.REPRESENTATIVE),
        "service": (imposition.service, RestrictionScope.SERVICE),
    }
    for member, (value, scope) in needed.items():
        if imposition.scope is scope and value is None:
            yield Fault(f"/{member}", "missing", f"Name the {member} that is blocked.")
        if imposition.scope is not scope and value is not None:
            yield Fault(f"/{member}", "not_allowed", f"Only the scope `{scope}` names a {member}.")
    third_party = imposition.third_party
    if third_party is not None and third_party.party.type is not PartyType.ORGANISATION:
        yield Fault("/third_party", "not_an_organisation", "A third party is an organisation.")
    if imposition.valid_until is not None and imposition.valid_until <= imposition.valid_from:
        yield Fault("/until", "period", "Let `until` be later than `from`.")


def imposition_document(imposition: Imposition) -> dict[str, Json]:
    """Show what is imposed as its sealed entry holds it."""

    def named(party: NamedParty | None) -> Json:
        return None if party is None else named_party_document(party)

    return {
        "subject": named(imposition.subject),
        "scope": imposition.scope.value,
        "imposed_by": party_document(imposition.imposed_by),
        "from": utc_text(imposition.valid_from),
        "until": None if imposition.valid_until is None else utc_text(imposition.valid_until),
        "representative": named(imposition.representative),
        "service": imposition.service,
        "third_party": named(imposition.third_party),
        "reason": imposition.reason,
    }


def read_restriction(entries: Sequence[Entry]) -> Restriction:
    """Read a restriction from its entries, oldest first. Faults are bugs, or damage (KeyError)."""
    first, *later = entries
    lifted = next((entry for entry in later if entry.type == LIFTED), None)
    return Restriction(
        id=first.subject_id,
        imposition=_read_imposition(first.details),
        imposed_at=first.recorded_at,
        registered_by=first.registered_by,
        lifting=None
        if lifted is None
        else Lifting(_party(lifted.details["lifted_by"]), lifted.recorded_at, str(lifted.details["reason"])),
    )


def _read_imposition(details: Mapping[str, Any]) -> Imposition:
    def named(member: str) -> NamedParty | None:
        return None if details[member] is None else read_named_party(details[member])

    return Imposition(
        subject=read_named_party(details["subject"]),
        scope=RestrictionScope(details["scope"]),
        imposed_by=_party(details["imposed_by"]),
        valid_from=utc_time(details["from"]),
        reason=details["reason"],
        valid_until=None if details["until"] is None else utc_time(details["until"]),
        representative=named("representative"),
        service=details["service"],
        third_party=named("third_party"),
    )


def _party(document: Any) -> Party:  # noqa: ANN401  # a member of a sealed document
    return read_party(document)


def present_status(restriction: Restriction, now: datetime) -> RestrictionStatus:
    """Where it stands now. What is recorded counts as past, even if the clock that recorded it runs ahead."""
    if restriction.lifting is not None:
        return RestrictionStatus.LIFTED
    at = max(now, restriction.imposed_at)
    if at < restriction.imposition.valid_from:
        return RestrictionStatus.NOT_YET_VALID
    until = restriction.imposition.valid_until
    return RestrictionStatus.EXPIRED if until is not None and until <= at else RestrictionStatus.ACTIVE


def is_in_force(block: Block, at: datetime, *, known_at: datetime | None, is_present: bool) -> bool:
    """Whether a block holds at a time, by what was known at `known_at` (None: by all that is known).

    `is_present` as in a question: what is recorded counts as past.
    """
    if known_at is not None and block.imposed_at > known_at:
        return False
    if is_present:
        at = max(at, block.imposed_at, block.lifted_at or block.imposed_at)
    is_lifting_known = block.lifted_at is not None and (known_at is None or block.lifted_at <= known_at)
    if is_lifting_known and block.lifted_at is not None and block.lifted_at <= at:
        return False
    return block.valid_from <= at and (block.valid_until is None or at < block.valid_until)


def blocked_representatives(blocks: Collection[Block]) -> frozenset[bytes]:
    """Whom blocks name, as blind indexes."""
    return frozenset(
        block.representative_index
        for block in blocks
        if block.scope is RestrictionScope.REPRESENTATIVE and block.representative_index is not None
    )


def blocks_mandate(
    blocks: Collection[Block],
    *,
    acting: Collection[bytes],
    service: str | None,
    services: frozenset[str],
    is_guardians: bool,
) -> bool:
    """Whether blocks that are in force stand against a mandate of their subject.

    `acting` are the blind indexes of those who would act and of those who granted on above: what a blocked
    representative granted on is blocked with it. `service` is the one that they act in, if one is named,
    `services` those of the mandate's template. Where none is named, a mandate counts as blocked once
    every service that it is for is.
    """
    blocked_services = {block.service for block in blocks if block.scope is RestrictionScope.SERVICE}
    wanted = services if service is None else frozenset({service})
    if wanted and wanted <= blocked_services:
        return True
    return any(_blocks(block, acting, is_guardians=is_guardians) for block in blocks)


def _blocks(block: Block, acting: Collection[bytes], *, is_guardians: bool) -> bool:
    match block.scope:
        case RestrictionScope.ALL_REPRESENTATIVES:
            return True
        case RestrictionScope.REPRESENTATIVE:
            return block.representative_index in acting
        case RestrictionScope.GUARDIANS:
            return is_guardians
        case _:
            return False
