"""Endpoints: where an organisation wants its events sent, and how each delivery to it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from registry.domain.callers import Caller
from registry.domain.errors import ConflictError
from registry.domain.notices import FeedEventType

MAX_ENDPOINTS = 50
"""How many an organisation may have."""
OVERLAP = timedelta(hours=24)
"""How long an earlier secret goes on signing beside the new one."""
MAX_SECRETS = 4
REPLAYABLE = timedelta(days=30)
MAX_REPLAYED = 10_000
"""How many events one replay takes."""
ANY_TYPE = "*"
PING = "endpoint.ping"
"""The type of the message that asks for the proof of wish; it is no event of the feed."""


class EndpointFormat(StrEnum):
    """How a message's body is written: as Standard Webhooks has it, or in CloudEvents' structured mode."""

    STANDARD = "standard"
    CLOUDEVENTS = "cloudevents"


class EndpointStatus(StrEnum):
    """`pending`: the proof of wish is asked for. Only to an enabled endpoint events are delivered."""

    PENDING = "pending"
    ENABLED = "enabled"
    DISABLED = "disabled"


class DisabledReason(StrEnum):
    """Why an endpoint is disabled.

    `gone`: it answered 410. `failing`: nothing but failures for five days. `unproven`: it never proved
    that it wants deliveries. `client_disabled`: the client that made it was; another may enable it.
    """

    OWNER = "owner"
    GONE = "gone"
    FAILING = "failing"
    UNPROVEN = "unproven"
    CLIENT_DISABLED = "client_disabled"


class DeliveryState(StrEnum):
    """`waiting` for its next attempt, `delivered`, or `exhausted`: not tried again unless asked for."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"


class ExhaustedReason(StrEnum):
    """Why a delivery is given up: after ten tries, or since the event cannot be made into a message."""

    TRIES = "tries"
    UNSERIALISABLE = "unserialisable"


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """One generation of an endpoint's secrets as they are written; `until` None is the present one."""

    shared: str
    private: str
    public: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an endpoint's owner decides. Empty `template_ids` and `services` are all of them."""

    url: str
    event_types: Sequence[FeedEventType | str]
    template_ids: Sequence[UUID] = ()
    services: Sequence[str] = ()
    format: EndpointFormat = EndpointFormat.STANDARD
    rate_per_second: int = 50
    concurrency: int = 5


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an organisation wants its events sent.

    `departments` are those of the client that made it, and bound its events as that client's.
    `version` counts the changes. `secrets` has the present one first. `proven_at` is None until the proof
    of wish, and again once that no longer counts. `failing_since` is the first failure since a success.
    """

    id: UUID
    audience: bytes
    client_id: str
    departments: frozenset[str]
    wishes: Wishes
    secrets: Sequence[KeptSecret]
    status: EndpointStatus
    reason: DisabledReason | None
    status_since: datetime
    proven_at: datetime | None
    created_at: datetime
    version: int = 1
    failing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to an endpoint. `id` is the event's, or the ping's.

    `tries` counts since it was last asked for, `attempts` all. `due_at` is the next attempt's time, None
    once there is none. `sequence` is None for a ping.
    """

    id: UUID
    type: str
    sequence: int | None
    state: DeliveryState
    reason: ExhaustedReason | None
    created_at: datetime
    due_at: datetime | None
    finished_at: datetime | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try, and what came of it. `answer` is the beginning of what was answered, None where unknown."""

    number: int
    at: datetime
    status: int | None
    failure: str | None
    duration_ms: int
    answer: bytes | None


class TooManyEndpointsError(ConflictError):
    """Your organisation has as many endpoints as it may have: delete one first."""


class TooManySecretsError(ConflictError):
    """Too many earlier secrets still sign: wait until one of them ends, or rotate with an overlap of 0."""


class EndpointDisabledError(ConflictError):
    """The endpoint is disabled: enable it first."""


def may_manage(caller: Caller, departments: frozenset[str]) -> bool:
    """Whether the caller may manage its organisation's endpoints of these departments."""
    return not caller.departments or (bool(departments) and departments <= caller.departments)


def secrets_in_force(secrets: Sequence[KeptSecret], now: datetime) -> tuple[KeptSecret, ...]:
    """Those that sign at this time, the present one first."""
    return tuple(secret for secret in secrets if secret.until is None or now < secret.until)
