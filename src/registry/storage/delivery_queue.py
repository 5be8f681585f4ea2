"""The queue of deliveries: which are due, and what came of their attempts.

A claimed delivery is leased: not due again before the lease ends, and then for whoever comes first.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    select,
    text,
)

from registry.domain.endpoints import PING, DeliveryState, ExhaustedReason
from registry.domain.notices import FeedEventType
from registry.storage.database import WriteSession, any_of
from registry.storage.delivery_statements import typed_statement
from registry.storage.locks import hold_lock
from registry.storage.tables import webhook_paces

_TYPES = [*(event_type.value for event_type in FeedEventType), PING]

LEASE = timedelta(seconds=30)
"""Twice what an attempt may take; after a worker's death its deliveries wait so long."""
BURST = timedelta(seconds=1)
"""How much of its rate an endpoint may have at once."""

# Endpoints are stepped through by index: however much waits for one of them costs the others nothing.
# One that fails gets one attempt at a time, so that many that hang do not take all there are; one that has
# not proved its wish gets one a second, so that nobody is troubled by pings. None is paced for a minute: such
# a time was written by a clock that ran ahead. Events of types that newer code tells are left to its workers.
_CLAIM = typed_statement(f"""
WITH RECURSIVE queued AS (
    (SELECT endpoint_id FROM webhook_deliveries WHERE state = 'waiting' ORDER BY endpoint_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.endpoint_id FROM webhook_deliveries d
            WHERE d.state = 'waiting' AND d.endpoint_id > q.endpoint_id ORDER BY d.endpoint_id LIMIT 1)
    FROM queued q WHERE q.endpoint_id IS NOT NULL
), ready AS (
    SELECT e.id, e.status, e.version, e.audience, e.departments, e.rate, n.next_start_at,
        least(
            CASE WHEN p.failing_since IS NULL THEN e.concurrency ELSE 1 END - (
                SELECT count(*) FROM webhook_deliveries f
                WHERE f.endpoint_id = e.id AND f.state = 'waiting' AND f.lease_id IS NOT NULL
                    AND f.due_at > :now AND f.due_at <= :lease_ends
            ),
            floor(e.rate * (:burst - extract(epoch FROM greatest(n.next_start_at, :now) - :now)))
        ) AS slots
    FROM queued q JOIN (
        SELECT *, CASE WHEN status = 'enabled' THEN rate_per_second ELSE 1 END AS rate FROM webhook_endpoints
    ) e ON e.id = q.endpoint_id
    JOIN webhook_paces p ON p.endpoint_id = e.id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN p.next_start_at <= :now + interval '1 minute' THEN p.next_start_at END
            AS next_start_at
    ) n
    WHERE e.status <> 'disabled'
), chosen AS (
    SELECT r.id AS endpoint_id, r.status, r.version, r.audience, r.departments, w.id
    FROM ready r CROSS JOIN LATERAL (
        SELECT d.id FROM webhook_deliveries d
        WHERE d.endpoint_id = r.id AND d.state = 'waiting' AND d.due_at <= :now
            AND (r.status = 'enabled' OR d.type = '{PING}') AND d.type = ANY(:types)
        ORDER BY d.due_at, d.sequence LIMIT greatest(r.slots, 0)
        FOR UPDATE SKIP LOCKED
    ) w
    ORDER BY r.next_start_at NULLS FIRST LIMIT :limit
), claimed AS (
    UPDATE webhook_deliveries d
    SET due_at = :lease_ends, lease_id = :lease_id, tries = d.tries + 1, attempts = d.attempts + 1
    FROM chosen c WHERE d.endpoint_id = c.endpoint_id AND d.id = c.id
    RETURNING d.endpoint_id, d.id, d.type, d.sequence, d.sequenced_at, d.created_at, d.tries, d.attempts,
        c.status, c.version, c.audience, c.departments
), paced AS (
    UPDATE webhook_paces p
    SET next_start_at = greatest(r.next_start_at, :now) + n.started * interval '1 second' / r.rate
    FROM (SELECT endpoint_id, count(*) AS started FROM claimed GROUP BY endpoint_id) n
    JOIN ready r ON r.id = n.endpoint_id
    WHERE p.endpoint_id = n.endpoint_id
)
SELECT * FROM claimed ORDER BY created_at, sequence
""")  # noqa: S608  # put together of constants

_SETTLE = typed_statement("""
UPDATE webhook_deliveries d
SET state = r.state, reason = r.reason, due_at = coalesce(r.due_at, d.due_at), lease_id = NULL,
    finished_at = CASE WHEN r.state = 'waiting' THEN NULL ELSE :now END
FROM unnest(
    :endpoint_ids, :ids, :lease_ids, :states,
    :reasons, :due_ats
) AS r(endpoint_id, id, lease_id, state, reason, due_at)
WHERE d.endpoint_id = r.endpoint_id AND d.id = r.id AND d.lease_id = r.lease_id
RETURNING d.endpoint_id, d.id
""")

_RELEASE = typed_statement("""
UPDATE webhook_deliveries d SET due_at = :now, lease_id = NULL
WHERE d.endpoint_id = ANY(:endpoint_ids) AND d.lease_id = ANY(:lease_ids)
    AND d.state = 'waiting' AND d.due_at > :now
""")

_SUCCEEDED = typed_statement("""
UPDATE webhook_paces SET failing_since = NULL
WHERE endpoint_id = ANY(:ids) AND failing_since IS NOT NULL
""")

_FAILED = typed_statement("""
UPDATE webhook_paces p
SET failing_since = coalesce(p.failing_since, :now),
    next_start_at = greatest(p.next_start_at, r.pause_until)
FROM unnest(:ids, :pauses) AS r(endpoint_id, pause_until)
WHERE p.endpoint_id = r.endpoint_id AND (p.failing_since IS NULL OR r.pause_until IS NOT NULL)
""")


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this worker has leased. `tries` and `number` include the attempt that is to be made.

    `is_proof`: the endpoint is pending, and the ping asks for the proof of wish.
    """

    endpoint_id: UUID
    endpoint_version: int
    audience: bytes
    departments: Sequence[str]
    id: UUID
    lease_id: UUID
    type: str
    sequence: int | None
    sequenced_at: datetime | None
    created_at: datetime
    tries: int
    number: int
    is_proof: bool


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a leased delivery goes on; `due_at` where it is to be tried again."""

    claim: Claim
    state: DeliveryState
    reason: ExhaustedReason | None = None
    due_at: datetime | None = None


async def claim_due(session: WriteSession, lease_id: UUID, *, limit: int, now: datetime) -> list[Claim]:
    """Lease what is due, oldest first for each endpoint, within its rate and its concurrency."""
    # Two workers that count what an endpoint has under way would both find room.
    await hold_lock(session, "paces")
    await _plan_by_index(session)
    rows = await session.execute(
        _CLAIM,
        {
            "now": now,
            "lease_ends": now + LEASE,
            "lease_id": lease_id,
            "limit": limit,
            "burst": BURST.total_seconds(),
            "types": _TYPES,
        },
    )
    return [_claim(row, lease_id) for row in rows]


async def settle(session: WriteSession, settlements: Sequence[Settlement], *, now: datetime) -> set[UUID]:
    """Write how leased deliveries go on; returns those whose lease was still this worker's."""
    await _plan_by_index(session)
    result = await session.execute(
        _SETTLE,
        {
            "now": now,
            "endpoint_ids": [item.claim.endpoint_id for item in settlements],
            "ids": [item.claim.id for item in settlements],
            "lease_ids": [item.claim.lease_id for item in settlements],
            "states": [item.state.value for item in settlements],
            "reasons": [None if item.reason is None else item.reason.value for item in settlements],
            "due_ats": [item.due_at for item in settlements],
        },
    )
    return {row.id for row in result}


async def release(session: WriteSession, claims: Sequence[Claim], *, now: datetime) -> None:
    """Give leases back, for another worker to go on at once."""
    parameters = {
        "now": now,
        "endpoint_ids": [claim.endpoint_id for claim in claims],
        "lease_ids": [claim.lease_id for claim in claims],
    }
    await session.execute(_RELEASE, parameters)


async def list_failing_since(session: WriteSession, endpoint_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Since when these endpoints have failed; those that have not are left out."""
    if not endpoint_ids:
        return {}
    paces = webhook_paces.c
    rows = await session.execute(
        select(paces.endpoint_id, paces.failing_since).where(
            paces.endpoint_id == any_of(list(endpoint_ids)), paces.failing_since.is_not(None)
        )
    )
    return {row.endpoint_id: row.failing_since for row in rows}


async def note_failures(
    session: WriteSession,
    succeeded: Sequence[UUID],
    failed: Mapping[UUID, datetime | None],
    *,
    now: datetime,
) -> None:
    """Write which endpoints work and which fail; those that throttle are spared until the time given."""
    await hold_lock(session, "paces")
    await session.execute(_SUCCEEDED, {"ids": list(succeeded)})
    if failed:
        parameters = {"ids": list(failed), "pauses": list(failed.values()), "now": now}
        await session.execute(_FAILED, parameters)


async def _plan_by_index(session: WriteSession) -> None:
    """Few rows are wanted of a queue that grows and shrinks faster than its statistics."""
    await session.execute(text("SET LOCAL enable_seqscan = off"))


def _claim(row: Any, lease_id: UUID) -> Claim:  # noqa: ANN401  # a row of the statement above
    return Claim(
        endpoint_id=row.endpoint_id,
        endpoint_version=row.version,
        audience=row.audience,
        departments=row.departments,
        id=row.id,
        lease_id=lease_id,
        type=row.type,
        sequence=row.sequence,
        sequenced_at=row.sequenced_at,
        created_at=row.created_at,
        tries=row.tries,
        number=row.attempts,
        is_proof=row.status == "pending",
    )
