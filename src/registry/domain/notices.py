"""Notices: what an act leaves in the outbox, for the organisations that are told of it.

A notice becomes an event of each organisation's feed (`registry.domain.feed`). Neither is a record: it names
ids, types and times, nothing personal, and what it tells follows from the sealed records.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from registry.domain.documents import Json
from registry.domain.events import EventType, MandateEvent
from registry.domain.template import Notify, Role


class FeedEventType(StrEnum):
    """What organisations are told of, `noun.verbed`; the noun says what the event's subject is."""

    TEMPLATE_PUBLISHED = "template.published"
    TEMPLATE_RETIRED = "template.retired"
    REQUEST_CREATED = "request.created"
    REQUEST_SIGNED = "request.signed"
    REQUEST_DECLINED = "request.declined"
    REQUEST_CANCELLED = "request.cancelled"
    REQUEST_LAPSED = "request.lapsed"
    MANDATE_ISSUED = "mandate.issued"
    MANDATE_USED = "mandate.used"
    MANDATE_USED_UP = "mandate.used_up"
    MANDATE_SUSPENDED = "mandate.suspended"
    MANDATE_RESUMED = "mandate.resumed"
    MANDATE_WITHDRAWAL_REQUESTED = "mandate.withdrawal_requested"
    MANDATE_WITHDRAWAL_REFUSED = "mandate.withdrawal_refused"
    MANDATE_SUPERSEDED = "mandate.superseded"
    MANDATE_REVOKED = "mandate.revoked"
    MANDATE_RENOUNCED = "mandate.renounced"
    MANDATE_EXPIRING = "mandate.expiring"
    MANDATE_EXPIRED = "mandate.expired"
    RESTRICTION_IMPOSED = "restriction.imposed"
    RESTRICTION_LIFTED = "restriction.lifted"
    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_DECIDED = "approval.decided"
    ENDPOINT_DISABLED = "endpoint.disabled"
    DELIVERY_EXHAUSTED = "delivery.exhausted"

    @property
    def subject(self) -> str:
        """The noun: `template`, `request`, `mandate`, `restriction`, `approval`, `endpoint`, `delivery`."""
        return self.value.partition(".")[0]


ENDING_TYPES = frozenset(
    {
        FeedEventType.MANDATE_USED_UP,
        FeedEventType.MANDATE_SUPERSEDED,
        FeedEventType.MANDATE_REVOKED,
        FeedEventType.MANDATE_RENOUNCED,
        FeedEventType.MANDATE_EXPIRED,
    }
)
"""After these a mandate permits nothing any more."""

NAMES_OPEN_CASES = ENDING_TYPES | {FeedEventType.MANDATE_EXPIRING}
"""These name the cases in which the mandate is used, to the organisation that recorded them."""

DETAILS: Mapping[FeedEventType, frozenset[str]] = {
    FeedEventType.TEMPLATE_PUBLISHED: frozenset(),
    FeedEventType.TEMPLATE_RETIRED: frozenset(),
    FeedEventType.REQUEST_CREATED: frozenset({"expires_at"}),
    FeedEventType.REQUEST_SIGNED: frozenset({"status", "mandate_id"}),
    FeedEventType.REQUEST_DECLINED: frozenset(),
    FeedEventType.REQUEST_CANCELLED: frozenset(),
    FeedEventType.REQUEST_LAPSED: frozenset(),
    FeedEventType.MANDATE_ISSUED: frozenset({"request_id"}),
    FeedEventType.MANDATE_USED: frozenset({"use_id", "permission", "remaining"}),
    FeedEventType.MANDATE_USED_UP: frozenset(),
    FeedEventType.MANDATE_SUSPENDED: frozenset(),
    FeedEventType.MANDATE_RESUMED: frozenset(),
    FeedEventType.MANDATE_WITHDRAWAL_REQUESTED: frozenset({"withdrawal_request_id", "by"}),
    FeedEventType.MANDATE_WITHDRAWAL_REFUSED: frozenset({"withdrawal_request_id"}),
    FeedEventType.MANDATE_SUPERSEDED: frozenset({"superseded_by"}),
    FeedEventType.MANDATE_REVOKED: frozenset({"by", "because_of"}),
    FeedEventType.MANDATE_RENOUNCED: frozenset(),
    FeedEventType.MANDATE_EXPIRING: frozenset({"days", "valid_until"}),
    FeedEventType.MANDATE_EXPIRED: frozenset({"valid_until"}),
    FeedEventType.RESTRICTION_IMPOSED: frozenset(),
    FeedEventType.RESTRICTION_LIFTED: frozenset(),
    FeedEventType.APPROVAL_REQUESTED: frozenset({"deadline"}),
    FeedEventType.APPROVAL_DECIDED: frozenset({"decision"}),
    FeedEventType.ENDPOINT_DISABLED: frozenset({"reason"}),
    FeedEventType.DELIVERY_EXHAUSTED: frozenset({"endpoint_id", "reason"}),
}
"""The members of `details`, all of them always there."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened, and whom it concerns.

    `audiences` are the blind indexes of the organisations that may know, never of persons. `third_party` is
    the one among them whose clients, where limited to departments, see only their departments' events, and
    who is told the open cases: `open_uses` are the ids of their uses. `notify` are the roles that a message
    service is asked to tell.
    """

    id: UUID
    type: FeedEventType
    occurred_at: datetime
    subject_id: UUID
    audiences: frozenset[bytes]
    third_party: bytes | None = None
    template_id: UUID | None = None
    template_version: int | None = None
    department: str | None = None
    services: Sequence[str] = ()
    notify: Sequence[Role] = ()
    details: Mapping[str, Json] = field(default_factory=dict)
    open_uses: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class Circle:
    """Whom a mandate or a request concerns, and what its template says of telling them."""

    audiences: frozenset[bytes]
    third_party: bytes
    template_id: UUID | None = None
    template_version: int | None = None
    department: str | None = None
    services: Sequence[str] = ()
    notify: Notify = field(default_factory=Notify)
    open_uses: Sequence[UUID] = ()

    def notice(
        self,
        event_type: FeedEventType,
        subject_id: UUID,
        occurred_at: datetime,
        details: Mapping[str, Json],
        *,
        id: UUID,  # noqa: A002  # the notice's
    ) -> Notice:
        """Tell this circle that something happened."""
        return Notice(
            id=id,
            type=event_type,
            occurred_at=occurred_at,
            subject_id=subject_id,
            audiences=self.audiences,
            third_party=self.third_party,
            template_id=self.template_id,
            template_version=self.template_version,
            department=self.department,
            services=self.services,
            notify=roles_to_notify(self.notify, event_type),
            details=details,
            open_uses=self.open_uses if event_type in NAMES_OPEN_CASES else (),
        )


def roles_to_notify(rules: Notify, event_type: FeedEventType) -> tuple[Role, ...]:
    """The roles that a template's rules name for an event; a warning counts as an end that draws near."""
    if event_type is FeedEventType.MANDATE_ISSUED:
        return rules.issued
    if event_type is FeedEventType.MANDATE_USED:
        return rules.used
    return rules.ended if event_type in NAMES_OPEN_CASES else ()


def details_of(event: MandateEvent) -> dict[str, Json]:
    """What the feed tells of a sealed event on a mandate, besides its type and time: nothing personal."""
    match event.type:
        case EventType.USED:
            told = {name: event.details[name] for name in ("permission", "remaining")}
            return {"use_id": str(event.id), **told}
        case EventType.SUPERSEDED:
            return {"superseded_by": event.details["superseded_by"]}
        case EventType.REVOKED:
            return {"by": event.author.role.value, "because_of": event.details.get("ended_with")}
        case EventType.WITHDRAWAL_REQUESTED:
            return {"withdrawal_request_id": str(event.id), "by": event.author.role.value}
        case EventType.WITHDRAWAL_REFUSED:
            return {"withdrawal_request_id": event.details["withdrawal_request"]}
        case _:
            return {}


def is_tellable(event_type: str, details: object) -> bool:
    """Whether a notice is of a type that this code knows, and has exactly the details of that."""
    known = FeedEventType(event_type) if event_type in _TYPES else None
    return known is not None and isinstance(details, dict) and details.keys() == DETAILS[known]


_TYPES = frozenset(event_type.value for event_type in FeedEventType)
