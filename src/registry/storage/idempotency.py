"""Idempotency keys: one key, one effect, one answer, decided in the act's own transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, select

from registry.domain.errors import IdempotencyKeyReusedError, RequestInProgressError
from registry.storage.database import ReadSession, WriteSession
from registry.storage.tables import idempotency_keys

KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request under its key: the client, the key, the operation, and a keyed digest of what was asked."""

    client_id: str
    key: str
    operation: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class EarlierEffect:
    """What the same request made before."""

    object_id: UUID
    object_version: int | None


async def find_earlier(session: ReadSession, request: IdempotentRequest) -> EarlierEffect | None:
    """What this key made before. Raises IdempotencyKeyReusedError where it was for another request."""
    row = await session.one_or_none(
        select(idempotency_keys).where(
            idempotency_keys.c.client_id == request.client_id, idempotency_keys.c.key == request.key
        )
    )
    if row is None:
        return None
    if (row.operation, row.request_digest) != (request.operation, request.digest):
        raise IdempotencyKeyReusedError
    return EarlierEffect(row.object_id, row.object_version)


async def claim_key(session: WriteSession, request: IdempotentRequest) -> EarlierEffect | None:
    """Claim the key for this transaction; None means: go on, and `record_effect` before committing.

    Raises RequestInProgressError while another transaction holds the key, and
    IdempotencyKeyReusedError where the key was used for another request.
    """
    name = f"idempotency:{request.client_id}:{request.key}"
    locked = await session.execute(select(func.pg_try_advisory_xact_lock(func.hashtextextended(name, 0))))
    if not locked.scalar_one():
        raise RequestInProgressError
    return await find_earlier(session, request)


async def record_effect(
    session: WriteSession,
    request: IdempotentRequest,
    object_id: UUID,
    object_version: int | None = None,
    *,
    now: datetime,
) -> None:
    """Remember what this request made."""
    await session.execute(
        insert(idempotency_keys).values(
            client_id=request.client_id,
            key=request.key,
            operation=request.operation,
            request_digest=request.digest,
            object_id=object_id,
            object_version=object_version,
            created_at=now,
        )
    )


async def forget_old_keys(session: WriteSession, *, now: datetime) -> int:
    """Delete keys older than 24 hours; returns how many."""
    result = await session.execute(
        delete(idempotency_keys).where(idempotency_keys.c.created_at < now - KEPT_FOR)
    )
    return result.rowcount
