"""Claim deliveries that are due, and make them into signed messages, ready to be sent."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from uuid_utils.compat import uuid7

from registry.domain.endpoints import Endpoint, EndpointFormat, secrets_in_force
from registry.domain.feed import FeedEvent, feed_document
from registry.signing.encodings import encode_base64url
from registry.signing.encryption import DecryptionError
from registry.signing.keys import KeyRing
from registry.storage.database import Database, ReadSession
from registry.storage.delivery_queue import Claim, claim_due
from registry.storage.endpoints import open_endpoints
from registry.storage.feed import list_feed_rows, read_feed_rows
from registry.webhooks.bodies import media_type, message_document, ping_data
from registry.webhooks.message import (
    SigningSecret,
    TooLargeError,
    UnserialisableError,
    message_id,
    read_secret,
    render_body,
    signed_headers,
)
from registry.webhooks.sender import Outgoing

_USER_AGENT = "mandate-registry"
_CACHED = 5_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """A leased delivery. `outgoing` None: its event cannot be made into a message.

    `challenge` is what a pending endpoint has to echo, None for any other.
    """

    claim: Claim
    outgoing: Outgoing | None
    challenge: str | None = None


_CANNOT_BE_OPENED = (DecryptionError, ValueError, KeyError)
"""Damaged, sealed with a key that is not here, or written by newer code."""

_Opened = tuple[Endpoint, Mapping[str, SigningSecret]]


@dataclass(slots=True)
class OpenedEndpoints:
    """Endpoints whose secrets a worker has opened, as long as they have not changed since."""

    known: dict[UUID, _Opened] = field(default_factory=dict)

    async def of(
        self, session: ReadSession, keys: KeyRing, claims: Sequence[Claim]
    ) -> Mapping[UUID, _Opened]:
        """The endpoints of these deliveries; those that are gone, or cannot be opened, are left out."""
        if len(self.known) > _CACHED:
            self.known.clear()
        wanted = {
            claim.endpoint_id
            for claim in claims
            if claim.endpoint_id not in self.known
            or self.known[claim.endpoint_id][0].version != claim.endpoint_version
        }
        for endpoint_id in wanted:
            self.known.pop(endpoint_id, None)
        if wanted:
            try:
                self.known |= await _open(session, keys, list(wanted))
            except _CANNOT_BE_OPENED:  # one that cannot be would hold up all: each by itself
                await self._open_each(session, keys, wanted)
        return self.known

    async def _open_each(self, session: ReadSession, keys: KeyRing, endpoint_ids: Collection[UUID]) -> None:
        for endpoint_id in endpoint_ids:
            try:
                self.known |= await _open(session, keys, [endpoint_id])
            except _CANNOT_BE_OPENED as error:
                _log.error("webhooks.unopened", endpoint=str(endpoint_id), error=type(error).__name__)


async def _open(session: ReadSession, keys: KeyRing, endpoint_ids: Sequence[UUID]) -> dict[UUID, _Opened]:
    return {
        endpoint.id: (
            endpoint,
            {kept.shared: read_secret(kept.shared, kept.private) for kept in endpoint.secrets},
        )
        for endpoint in (await open_endpoints(session, keys, endpoint_ids)).values()
    }


async def claim_deliveries(
    database: Database,
    keys: KeyRing,
    opened: OpenedEndpoints,
    *,
    limit: int,
    source: str,
    now: datetime,
) -> list[Due]:
    """Lease at most `limit` deliveries for 30 seconds, signed for an attempt now.

    `source` is the registry's address. The leases are committed when this returns. Raises UnavailableError.
    """
    async with database.transaction() as session:
        claims = await claim_due(session, uuid7(), limit=limit, now=now)
        if not claims:
            return []
        events = await _events_of(session, keys, claims)
        endpoints = await opened.of(session, keys, claims)
    return [
        _prepare(
            keys,
            claim,
            events.get((claim.audience, claim.sequence or 0)),
            endpoints[claim.endpoint_id],
            source=source,
            now=now,
        )
        for claim in claims
        if claim.endpoint_id in endpoints
    ]


async def _events_of(
    session: ReadSession, keys: KeyRing, claims: Sequence[Claim]
) -> dict[tuple[bytes, int], FeedEvent]:
    """The events of deliveries by audience and sequence; those that cannot be read are left out."""
    wanted = [claim for claim in claims if claim.sequence is not None and claim.sequenced_at is not None]
    if not wanted:
        return {}
    since = min(claim.sequenced_at for claim in wanted if claim.sequenced_at is not None)
    rows = await list_feed_rows(
        session, {(claim.audience, claim.sequence or 0) for claim in wanted}, since=since
    )
    try:
        events = await read_feed_rows(session, keys, rows)
    except Exception:  # noqa: BLE001  # one that cannot be read would hold up all: each by itself
        return await _readable(session, keys, rows)
    return {(row.audience, row.sequence): event for row, event in zip(rows, events, strict=True)}


async def _readable(
    session: ReadSession, keys: KeyRing, rows: Sequence[Any]
) -> dict[tuple[bytes, int], FeedEvent]:
    found = {}
    for row in rows:
        try:
            (found[row.audience, row.sequence],) = await read_feed_rows(session, keys, [row])
        except Exception as error:  # noqa: BLE001  # whatever it is, it is this event's
            _log.error("webhooks.unreadable", event=str(row.event_id), error=type(error).__name__)
    return found


def _prepare(
    keys: KeyRing, claim: Claim, event: FeedEvent | None, opened: _Opened, *, source: str, now: datetime
) -> Due:
    endpoint, opened_secrets = opened
    wishes, challenge = endpoint.wishes, None
    try:
        if claim.sequence is None:
            challenge = endpoint_challenge(keys, endpoint.id, claim.id)
            data = ping_data(endpoint.id, challenge)
            body = render_body(
                message_document(wishes.format, claim.id, claim.type, claim.created_at, data, source=source)
            )
        elif event is not None:
            body = _fitting_body(wishes.format, event, source=source)
        else:
            return Due(claim, None)
    except UnserialisableError as error:
        _log.error("webhooks.unserialisable", delivery=str(claim.id), error=str(error))
        return Due(claim, None)
    secrets = [opened_secrets[kept.shared] for kept in secrets_in_force(endpoint.secrets, now)]
    headers = {
        "Content-Type": media_type(wishes.format),
        "User-Agent": _USER_AGENT,
        **signed_headers(message_id(claim.id), int(now.timestamp()), body, secrets),
    }
    return Due(claim, Outgoing(wishes.url, headers, body), challenge if claim.is_proof else None)


def _fitting_body(wanted: EndpointFormat, event: FeedEvent, *, source: str) -> bytes:
    """An event's body, with as many open cases as there is room for; it tells how many there are.

    Raises UnserialisableError.
    """
    cases = len(event.open_cases)
    while True:
        data = feed_document(event, cases=cases)
        try:
            return render_body(
                message_document(wanted, event.id, event.type.value, event.occurred_at, data, source=source)
            )
        except TooLargeError:
            if cases == 0:
                raise
            cases //= 2


def endpoint_challenge(keys: KeyRing, endpoint_id: UUID, ping_id: UUID) -> str:
    """What an endpoint has to echo: it need not be stored, and nobody else can know it."""
    return encode_base64url(keys.mac(f"webhook-challenge/1:{endpoint_id}:{ping_id}".encode()))
