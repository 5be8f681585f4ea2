"""Deliveries and attempts as their endpoint's owner sees them, and what the owner asks for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Date, cast, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from uuid_utils.compat import uuid7

from registry.domain.endpoints import PING, Attempt, Delivery, DeliveryState, ExhaustedReason
from registry.signing.encryption import DataSecret, decrypt, encrypt
from registry.signing.keys import KeyRing
from registry.storage.database import ReadSession, WriteSession
from registry.storage.partitions import MONTHS_AHEAD
from registry.storage.secrets import get_secret
from registry.storage.tables import webhook_attempts, webhook_deliveries

KEPT_FOR = timedelta(days=180)
"""How long deliveries that are finished, and all attempts, are kept."""

_PRUNED_AT_ONCE = 10_000

_deliveries, _attempts = webhook_deliveries.c, webhook_attempts.c

_PRUNE = text("""
DELETE FROM webhook_deliveries WHERE ctid IN (
    SELECT d.ctid FROM webhook_endpoints e JOIN webhook_deliveries d ON d.endpoint_id = e.id
    WHERE e.deleted_at IS NOT NULL
        OR (d.id < :oldest_kept AND d.state <> 'waiting' AND d.finished_at < :kept_from)
    LIMIT :limit
)
""")


async def queue_ping(session: WriteSession, endpoint_id: UUID, *, now: datetime) -> UUID:
    """Queue a ping to an endpoint that this transaction has locked; one that waits already is due now."""
    waiting = await session.one_or_none(
        select(_deliveries.id)
        .where(
            _deliveries.endpoint_id == endpoint_id,
            _deliveries.type == PING,
            _deliveries.state == DeliveryState.WAITING.value,
        )
        .order_by(_deliveries.id.desc())
        .limit(1)
    )
    if waiting is not None:
        await queue_delivery_again(session, endpoint_id, waiting.id, now=now)
        found: UUID = waiting.id
        return found
    ping_id = uuid7()
    await session.execute(
        upsert(webhook_deliveries).values(
            endpoint_id=endpoint_id,
            id=ping_id,
            type=PING,
            state=DeliveryState.WAITING.value,
            created_at=now,
            due_at=now,
            tries=0,
            attempts=0,
        )
    )
    return ping_id


async def queue_delivery_again(
    session: WriteSession, endpoint_id: UUID, delivery_id: UUID, *, now: datetime
) -> bool:
    """Make a delivery due now, whatever came of it; False where there is none. One under way stays so."""
    row = await session.one_or_none(
        select(_deliveries.lease_id, _deliveries.due_at)
        .where(_deliveries.endpoint_id == endpoint_id, _deliveries.id == delivery_id)
        .with_for_update()
    )
    if row is None:
        return False
    if row.lease_id is None or row.due_at <= now:
        await session.execute(
            update(webhook_deliveries)
            .where(_deliveries.endpoint_id == endpoint_id, _deliveries.id == delivery_id)
            .values(
                state=DeliveryState.WAITING.value,
                reason=None,
                due_at=now,
                lease_id=None,
                tries=0,
                finished_at=None,
            )
        )
    return True


async def list_deliveries(
    session: ReadSession,
    endpoint_id: UUID,
    *,
    state: DeliveryState | None,
    before: UUID | None,
    limit: int,
) -> list[Delivery]:
    """Deliveries to an endpoint, the newest events first; `before` is the last one of the page before."""
    statement = select(webhook_deliveries).where(_deliveries.endpoint_id == endpoint_id)
    if state is not None:
        statement = statement.where(_deliveries.state == state.value)
    if before is not None:
        statement = statement.where(_deliveries.id < before)
    rows = await session.execute(statement.order_by(_deliveries.id.desc()).limit(limit))
    return [_delivery(row) for row in rows]


async def get_delivery(session: ReadSession, endpoint_id: UUID, delivery_id: UUID) -> Delivery | None:
    """One delivery to an endpoint."""
    row = await session.one_or_none(
        select(webhook_deliveries).where(
            _deliveries.endpoint_id == endpoint_id, _deliveries.id == delivery_id
        )
    )
    return None if row is None else _delivery(row)


async def list_attempts(
    session: ReadSession, keys: KeyRing, endpoint_id: UUID, delivery_id: UUID
) -> list[Attempt]:
    """All attempts of a delivery that are kept, oldest first."""
    rows = (
        await session.execute(
            select(webhook_attempts)
            .where(_attempts.endpoint_id == endpoint_id, _attempts.delivery_id == delivery_id)
            .order_by(_attempts.number)
        )
    ).all()
    secret = await get_secret(session, keys, endpoint_id)
    return [_attempt(row, secret) for row in rows]


def attempt_row(endpoint_id: UUID, delivery_id: UUID, attempt: Attempt, secret: DataSecret) -> dict[str, Any]:
    """The row of an attempt; an empty answer needs no ciphertext."""
    place = _place(endpoint_id, delivery_id, attempt.number)
    return {
        "endpoint_id": endpoint_id,
        "delivery_id": delivery_id,
        "number": attempt.number,
        "at": attempt.at,
        "status": attempt.status,
        "failure": attempt.failure,
        "duration_ms": attempt.duration_ms,
        "ciphertext": encrypt(secret.data_key, attempt.answer, place) if attempt.answer else None,
    }


async def add_attempts(session: WriteSession, rows: Sequence[dict[str, Any]]) -> None:
    """Add attempts to the history; none is fine."""
    if rows:
        await session.execute(insert(webhook_attempts), rows)


async def add_attempt_partitions(session: WriteSession, *, now: datetime) -> int:
    """Make the partitions of this month and the coming ones; returns how many were missing."""
    added = await session.execute(select(func.add_attempt_partitions(cast(now.date(), Date), MONTHS_AHEAD)))
    return int(added.scalar_one())


async def forget_old_deliveries(session: WriteSession, *, now: datetime) -> int:
    """Delete what is finished and old, and what belongs to removed endpoints; returns how many deliveries.

    At most 10,000 at a time.
    """
    kept_from = now - KEPT_FOR
    # Event ids tell their time (UUIDv7), so the primary key finds what is old.
    oldest_kept = UUID(int=int(kept_from.timestamp() * 1000) << 80)
    deleted = await session.execute(
        _PRUNE, {"oldest_kept": oldest_kept, "kept_from": kept_from, "limit": _PRUNED_AT_ONCE}
    )
    return deleted.rowcount


async def drop_old_attempts(session: WriteSession, *, now: datetime) -> int:
    """Drop the months of attempts that are old; returns how many."""
    dropped = await session.execute(select(func.drop_attempt_partitions(now - KEPT_FOR)))
    return int(dropped.scalar_one())


def _place(endpoint_id: UUID, delivery_id: UUID, number: int) -> str:
    return f"webhook_attempts:{endpoint_id}:{delivery_id}:{number}"


def _delivery(row: Any) -> Delivery:  # noqa: ANN401  # a row of the table
    state = DeliveryState(row.state)
    return Delivery(
        id=row.id,
        type=row.type,
        sequence=row.sequence,
        state=state,
        reason=None if row.reason is None else ExhaustedReason(row.reason),
        created_at=row.created_at,
        due_at=row.due_at if state is DeliveryState.WAITING else None,
        finished_at=row.finished_at,
        attempts=row.attempts,
    )


def _attempt(row: Any, secret: DataSecret | None) -> Attempt:  # noqa: ANN401  # a row of the table
    answer = None
    if row.ciphertext is not None and secret is not None:
        place = _place(row.endpoint_id, row.delivery_id, row.number)
        answer = decrypt(secret.data_key, row.ciphertext, place)
    elif row.ciphertext is None and row.status is not None:
        answer = b""
    return Attempt(row.number, row.at, row.status, row.failure, row.duration_ms, answer)
