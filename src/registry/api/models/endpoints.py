"""Webhook endpoints and deliveries on the wire."""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from registry.api.models.fields import Code, Flag, Id, UtcTime, WireIn, WireOut
from registry.api.personal_numbers import names_person
from registry.domain.endpoints import (
    Attempt,
    Delivery,
    DeliveryState,
    DisabledReason,
    Endpoint,
    EndpointFormat,
    EndpointStatus,
    ExhaustedReason,
    Wishes,
)
from registry.domain.notices import FeedEventType
from registry.operations.change_endpoint import EndpointChange
from registry.webhooks.message import message_id


def _nobodys_number(url: str) -> str:
    if names_person(url):
        raise PydanticCustomError("personal_identifier", "A person's identifier never belongs in an address")
    return url


Url = Annotated[
    str,
    Field(min_length=1, max_length=2000, examples=["https://cases.example.org/webhooks"]),
    AfterValidator(_nobodys_number),
]
EventTypes = Annotated[
    list[FeedEventType | Literal["*"]],
    Field(min_length=1, max_length=50, description="Which events are delivered; `*` is all, also later ones"),
]
Rate = Annotated[int, Field(strict=True, ge=1, le=500, description="Deliveries a second at most")]
Concurrency = Annotated[int, Field(strict=True, ge=1, le=20, description="Deliveries at a time at most")]


class FiltersModel(WireIn):
    """Narrows the events: only of these templates, only of these e-services; empty is all."""

    templates: Annotated[list[Id], Field(max_length=200)] = []
    services: Annotated[list[Code], Field(max_length=200)] = []


class EndpointIn(WireIn):
    """Where to deliver which events, and how."""

    url: Url
    event_types: EventTypes
    filters: FiltersModel = FiltersModel()
    format: Annotated[
        EndpointFormat, Field(description="The body: Standard Webhooks, or a CloudEvent in structured mode")
    ] = EndpointFormat.STANDARD
    rate_per_second: Rate = 50
    concurrency: Concurrency = 5

    def to_wishes(self) -> Wishes:
        """What is wished, in the domain's terms."""
        return Wishes(
            url=self.url,
            event_types=tuple(dict.fromkeys(self.event_types)),
            template_ids=tuple(self.filters.templates),
            services=tuple(self.filters.services),
            format=self.format,
            rate_per_second=self.rate_per_second,
            concurrency=self.concurrency,
        )


class EndpointChangeIn(WireIn):
    """What is to change; what is left out, or null, stays as it is."""

    url: Annotated[Url | None, Field(description="Another address proves its wish anew")] = None
    event_types: EventTypes | None = None
    filters: FiltersModel | None = None
    format: EndpointFormat | None = None
    rate_per_second: Rate | None = None
    concurrency: Concurrency | None = None
    enabled: Annotated[
        Flag | None,
        Field(description="Whether events are delivered; what the registry disabled proves its wish anew"),
    ] = None

    def to_change(self) -> EndpointChange:
        """What is to change, in the operations' terms."""
        wishes: dict[str, Any] = {
            "url": self.url,
            "event_types": None if self.event_types is None else tuple(dict.fromkeys(self.event_types)),
            "template_ids": None if self.filters is None else tuple(self.filters.templates),
            "services": None if self.filters is None else tuple(self.filters.services),
            "format": self.format,
            "rate_per_second": self.rate_per_second,
            "concurrency": self.concurrency,
        }
        given = {name: value for name, value in wishes.items() if value is not None}
        return EndpointChange(given, self.enabled)


class SecretOut(WireOut):
    """What verifies the signatures of one generation. The shared secret is shown once."""

    secret: Annotated[str | None, Field(description="For `v1`: `whsec_` and base64; null once shown")]
    public_key: Annotated[str, Field(description="For `v1a`: `whpk_` and base64")]
    until: Annotated[UtcTime | None, Field(description="When it stops signing; null for the present one")]


class EndpointOut(WireOut):
    """An endpoint as it stands."""

    id: Id
    url: str
    event_types: list[FeedEventType | Literal["*"]]
    filters: FiltersModel
    format: EndpointFormat
    rate_per_second: int
    concurrency: int
    status: EndpointStatus
    reason: Annotated[DisabledReason | None, Field(description="Why it is disabled")]
    status_since: UtcTime
    failing_since: Annotated[
        UtcTime | None, Field(description="The first failure since a delivery succeeded; null: none")
    ]
    departments: list[str]
    created_at: UtcTime
    secrets: Annotated[list[SecretOut], Field(description="Those that sign now, the present one first")]

    @classmethod
    def of(cls, endpoint: Endpoint, now: datetime, *, with_secret: bool = False) -> Self:
        """Show an endpoint; its present secret only to who has just asked for it."""
        wishes = endpoint.wishes
        return cls(
            id=endpoint.id,
            url=wishes.url,
            event_types=_types(wishes.event_types),
            filters=FiltersModel(templates=list(wishes.template_ids), services=list(wishes.services)),
            format=wishes.format,
            rate_per_second=wishes.rate_per_second,
            concurrency=wishes.concurrency,
            status=endpoint.status,
            reason=endpoint.reason,
            status_since=endpoint.status_since,
            failing_since=endpoint.failing_since,
            departments=sorted(endpoint.departments),
            created_at=endpoint.created_at,
            secrets=[
                SecretOut(
                    secret=kept.shared if with_secret and kept.until is None else None,
                    public_key=kept.public,
                    until=kept.until,
                )
                for kept in endpoint.secrets
                if kept.until is None or now < kept.until
            ],
        )


class EndpointList(WireOut):
    """One page of endpoints, oldest first."""

    items: list[EndpointOut]
    total: int
    limit: int
    offset: int


class RotationIn(WireIn):
    """For how long the earlier secrets go on signing beside the new one."""

    overlap_hours: Annotated[
        int, Field(strict=True, ge=0, le=168, description="0 ends them at once: for a secret that leaked")
    ] = 24

    def to_overlap(self) -> timedelta:
        """The overlap."""
        return timedelta(hours=self.overlap_hours)


class ReplayIn(WireIn):
    """Since when events are to be delivered again."""

    since: Annotated[UtcTime, Field(description="At most 30 days ago")]


class ReplayOut(WireOut):
    """How many events were queued. `next_since`: ask again from there; null when that was all."""

    queued: int
    next_since: UtcTime | None


class DeliveryOut(WireOut):
    """How a delivery stands. `id` is the event's; `webhook_id` is the header by which receivers know it."""

    id: Id
    webhook_id: Annotated[str, Field(examples=["msg_01a1ff99e8aa7303bbcb1e7d11e02c1b"])]
    type: str
    sequence: Annotated[int | None, Field(description="The event's in the feed; null for a ping")]
    state: DeliveryState
    reason: Annotated[ExhaustedReason | None, Field(description="Why it is exhausted")]
    created_at: UtcTime
    due_at: Annotated[UtcTime | None, Field(description="When it is tried next")]
    finished_at: UtcTime | None
    attempts: int

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Show a delivery."""
        return cls(**_shown(delivery))


class DeliveryList(WireOut):
    """One page, the newest events first; `next` is the cursor of the next page, null at the end."""

    items: list[DeliveryOut]
    next: Id | None


class AttemptOut(WireOut):
    """One attempt. `answer` is the beginning of what was answered, at most 8 KiB, as text if it is any."""

    number: int
    at: UtcTime
    status: int | None
    failure: Annotated[
        str | None,
        Field(
            description="Why there was no answer: `address_refused` (its name resolves to nothing, or to "
            "where webhooks may not go), `unreachable`, `tls_failed`, `timed_out`, `broken_answer`, "
            "or `unserialisable`"
        ),
    ]
    duration_ms: int
    answer: str | None
    answer_base64: Annotated[str | None, Field(description="The answer where it is no text in UTF-8")]


class DeliveryDetails(DeliveryOut):
    """A delivery with every attempt, oldest first."""

    history: list[AttemptOut]

    @classmethod
    def with_attempts(cls, delivery: Delivery, attempts: Sequence[Attempt]) -> Self:
        """Show a delivery with its attempts."""
        return cls(**_shown(delivery), history=[_attempt(item) for item in attempts])


def _types(names: Sequence[str]) -> list[FeedEventType | Literal["*"]]:
    return ["*" if name == "*" else FeedEventType(name) for name in names]


def _shown(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "webhook_id": message_id(delivery.id),
        "type": delivery.type,
        "sequence": delivery.sequence,
        "state": delivery.state,
        "reason": delivery.reason,
        "created_at": delivery.created_at,
        "due_at": delivery.due_at,
        "finished_at": delivery.finished_at,
        "attempts": delivery.attempts,
    }


def _attempt(attempt: Attempt) -> AttemptOut:
    text, encoded = None, None
    if attempt.answer is not None:
        try:
            text = attempt.answer.decode()
        except UnicodeDecodeError:
            encoded = base64.b64encode(attempt.answer).decode()
    return AttemptOut(
        number=attempt.number,
        at=attempt.at,
        status=attempt.status,
        failure=attempt.failure,
        duration_ms=attempt.duration_ms,
        answer=text,
        answer_base64=encoded,
    )
