"""Events: what happens to a mandate after it was issued, and the status that follows from them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from registry.domain.documents import Json, party_document, read_party, utc_text, utc_time
from registry.domain.parties import Party
from registry.domain.template import Role

EVENT_SCHEMA = "mandate-event/1"


class EventType(StrEnum):
    """What can happen. `mandate.issued` is the sealed mandate record itself, number 0."""

    ISSUED = "mandate.issued"
    USED = "mandate.used"
    USED_UP = "mandate.used_up"
    USE_CLOSED = "mandate.use_closed"
    SUSPENDED = "mandate.suspended"
    RESUMED = "mandate.resumed"
    REVOKED = "mandate.revoked"
    RENOUNCED = "mandate.renounced"
    SUPERSEDED = "mandate.superseded"
    WITHDRAWAL_REQUESTED = "mandate.withdrawal_requested"
    WITHDRAWAL_REFUSED = "mandate.withdrawal_refused"


ENDINGS = frozenset({EventType.REVOKED, EventType.RENOUNCED, EventType.SUPERSEDED})
"""The events that end a mandate for good, before its time."""

_TURNS = frozenset({EventType.SUSPENDED, EventType.RESUMED})


class Status(StrEnum):
    """Where a mandate stands at a point in time; derived, never stored as the truth."""

    NOT_YET_VALID = "not_yet_valid"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    USED_UP = "used_up"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Author:
    """Who did it: in which role, which party, and for a registrar the employee and their statement."""

    role: Role
    party: Party
    employee: Party | None = None
    statement: str | None = None


@dataclass(frozen=True, slots=True)
class MandateEvent:
    """A signed record about a mandate.

    `number` counts from 1; `previous` is the digest of the sealed bytes before it, so that none can be
    taken out. `details` holds what belongs to the type.
    """

    id: UUID
    mandate_id: UUID
    number: int
    type: EventType
    at: datetime
    recorded_at: datetime
    author: Author
    reason: str | None
    registered_by: str
    previous: str
    details: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Change:
    """The part of an event that decides status: what, from when, and since when the registry knew."""

    type: EventType
    at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Lifetime:
    """All that status depends on. `valid_until` None means open-ended."""

    valid_from: datetime
    valid_until: datetime | None
    issued_at: datetime
    changes: tuple[Change, ...] = ()


def status_at(lifetime: Lifetime, at: datetime, *, known_at: datetime | None = None) -> Status | None:
    """Derive the status at a time, from what was known at `known_at` (default: all that is known).

    None when the mandate was not yet known then. An ending counts from its own time and stays;
    `valid_until` is exclusive. Of suspensions and resumptions the latest counts. `changes` stand in the
    order of their numbers.
    """
    if known_at is not None and lifetime.issued_at > known_at:
        return None
    turned = _turned(_known(lifetime, at, known_at)) if lifetime.changes else Status.ACTIVE
    if turned is Status.REVOKED:
        return turned
    if at < lifetime.valid_from:
        return Status.NOT_YET_VALID
    if lifetime.valid_until is not None and at >= lifetime.valid_until:
        return Status.EXPIRED
    return turned


def _turned(known: Iterable[Change]) -> Status:
    """What these changes alone make of a mandate."""
    types = {change.type for change in known}
    if types & ENDINGS:
        return Status.REVOKED
    if EventType.USED_UP in types:
        return Status.USED_UP
    return Status.SUSPENDED if is_suspended(known) else Status.ACTIVE


def is_suspended(changes: Iterable[Change]) -> bool:
    """Whether the latest of these suspensions and resumptions is a suspension; of equal times, the last."""
    latest: Change | None = None
    for change in changes:
        if change.type in _TURNS and (latest is None or change.at >= latest.at):
            latest = change
    return latest is not None and latest.type is EventType.SUSPENDED


def ending_at(lifetime: Lifetime, at: datetime, *, known_at: datetime | None = None) -> Change | None:
    """Return the change that first ended the mandate, if one had by this time, as known at `known_at`."""
    endings = [change for change in _known(lifetime, at, known_at) if change.type in ENDINGS]
    return min(endings, key=lambda change: change.at, default=None)


def time_asked(lifetime: Lifetime, at: datetime, *, is_present: bool) -> datetime:
    """`at`; where that is the present, no earlier than what is recorded, which counts as past."""
    if not is_present or not lifetime.changes:
        return at
    return max(at, *(change.at for change in lifetime.changes))


def _known(lifetime: Lifetime, at: datetime, known_at: datetime | None) -> list[Change]:
    return [
        change
        for change in lifetime.changes
        if change.at <= at and (known_at is None or change.recorded_at <= known_at)
    ]


def event_document(event: MandateEvent) -> dict[str, Json]:
    """Show an event as the document that the registry seals."""
    employee = event.author.employee
    return {
        "schema": EVENT_SCHEMA,
        "id": str(event.id),
        "mandate_id": str(event.mandate_id),
        "number": event.number,
        "type": event.type.value,
        "at": utc_text(event.at),
        "recorded_at": utc_text(event.recorded_at),
        "by": {
            "role": event.author.role.value,
            "party": party_document(event.author.party),
            "employee": None if employee is None else party_document(employee),
            "statement": event.author.statement,
        },
        "reason": event.reason,
        "registered_by": event.registered_by,
        "previous": event.previous,
        "details": dict(event.details),
    }


def read_event(document: Mapping[str, Any]) -> MandateEvent:
    """Read what `event_document` wrote. The document is the registry's own: faults are bugs (KeyError)."""
    by = document["by"]
    return MandateEvent(
        id=UUID(document["id"]),
        mandate_id=UUID(document["mandate_id"]),
        number=document["number"],
        type=EventType(document["type"]),
        at=utc_time(document["at"]),
        recorded_at=utc_time(document["recorded_at"]),
        author=Author(
            Role(by["role"]),
            read_party(by["party"]),
            None if by["employee"] is None else read_party(by["employee"]),
            by["statement"],
        ),
        reason=document["reason"],
        registered_by=document["registered_by"],
        previous=document["previous"],
        details=document["details"],
    )
