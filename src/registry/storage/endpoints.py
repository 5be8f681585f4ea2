"""Endpoints at rest: what fan-out needs in columns; address and secrets under the endpoint's own key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, select, update

from registry.domain.callers import Caller
from registry.domain.documents import utc_text, utc_time
from registry.domain.endpoints import (
    DisabledReason,
    Endpoint,
    EndpointFormat,
    EndpointStatus,
    KeptSecret,
    Wishes,
)
from registry.signing.encryption import DataSecret, decrypt, encrypt, new_data_secret
from registry.signing.keys import KeyRing
from registry.storage.database import ReadSession, WriteSession, any_of
from registry.storage.locks import hold_lock
from registry.storage.secrets import add_secret, list_secrets
from registry.storage.tables import webhook_deliveries, webhook_endpoints, webhook_paces

_columns = webhook_endpoints.c


@dataclass(frozen=True, slots=True)
class DisabledEndpoint:
    """An endpoint that was disabled just now, whose it is, and why."""

    id: UUID
    audience: bytes
    departments: Sequence[str]
    reason: DisabledReason


async def lock_endpoints_of(session: WriteSession, audience: bytes) -> int:
    """Let nobody else add endpoints of this organisation; returns how many it has."""
    await hold_lock(session, f"endpoints:{audience.hex()}")
    counted = await session.execute(
        select(func.count()).where(_columns.audience == audience, _columns.deleted_at.is_(None))
    )
    return int(counted.scalar_one())


async def add_endpoint(session: WriteSession, keys: KeyRing, endpoint: Endpoint, *, now: datetime) -> None:
    """Add an endpoint, with a data key of its own."""
    secret = new_data_secret()
    await add_secret(session, keys, endpoint.id, secret, now=now)
    await session.execute(insert(webhook_endpoints).values(_row(endpoint, secret)))
    await session.execute(insert(webhook_paces).values(endpoint_id=endpoint.id))


async def replace_endpoint(session: WriteSession, keys: KeyRing, endpoint: Endpoint) -> None:
    """Write an endpoint that this transaction has locked, as it is to be from now on."""
    secrets = await list_secrets(session, keys, [endpoint.id])
    row = _row(endpoint, secrets[endpoint.id])
    await session.execute(update(webhook_endpoints).where(_columns.id == endpoint.id).values(row))


async def clear_failures(session: WriteSession, endpoint_id: UUID) -> None:
    """Begin anew with an endpoint: its failures count no more."""
    await session.execute(
        update(webhook_paces).where(webhook_paces.c.endpoint_id == endpoint_id).values(failing_since=None)
    )


async def remove_endpoint(session: WriteSession, endpoint_id: UUID, *, now: datetime) -> None:
    """Mark an endpoint as deleted and forget its address and secrets; what belongs to it goes in time."""
    values = {"deleted_at": now, "status": EndpointStatus.DISABLED.value, "ciphertext": b""}
    await session.execute(update(webhook_endpoints).where(_columns.id == endpoint_id).values(values))


async def get_endpoint(
    session: ReadSession, keys: KeyRing, caller: Caller, endpoint_id: UUID
) -> Endpoint | None:
    """One endpoint, where this caller may manage it."""
    statement = _select(_columns.id == endpoint_id, _is_managed_by(keys, caller))
    return next(iter(await _read(session, keys, statement)), None)


async def lock_endpoint(
    session: WriteSession, keys: KeyRing, caller: Caller, endpoint_id: UUID
) -> Endpoint | None:
    """One endpoint, where this caller may manage it, locked against every other act on it."""
    statement = _select(_columns.id == endpoint_id, _is_managed_by(keys, caller))
    locked = statement.with_for_update(of=webhook_endpoints)
    return next(iter(await _read(session, keys, locked)), None)


async def list_endpoints(
    session: ReadSession, keys: KeyRing, caller: Caller, *, limit: int, offset: int
) -> tuple[Sequence[Endpoint], int]:
    """The endpoints that this caller may manage, oldest first, and how many there are in all."""
    condition = _is_managed_by(keys, caller)
    total = await session.execute(select(func.count()).where(condition, _columns.deleted_at.is_(None)))
    page = _select(condition).order_by(_columns.id).limit(limit).offset(offset)
    return await _read(session, keys, page), int(total.scalar_one())


async def open_endpoints(
    session: ReadSession, keys: KeyRing, endpoint_ids: Sequence[UUID]
) -> dict[UUID, Endpoint]:
    """Endpoints to deliver to, by id; those that are gone are left out."""
    found = await _read(session, keys, _select(_columns.id == any_of(endpoint_ids)))
    return {endpoint.id: endpoint for endpoint in found}


async def disable_endpoints(
    session: WriteSession, reasons: Mapping[UUID, tuple[DisabledReason, int]], *, now: datetime
) -> list[DisabledEndpoint]:
    """Disable endpoints until their wish is proved anew; returns those that were not yet.

    Each reason comes with the version that it is about: one that was changed since is left alone.
    """
    disabled = []
    for endpoint_id, (reason, version) in sorted(reasons.items()):
        statement = (
            update(webhook_endpoints)
            .where(
                _columns.id == endpoint_id,
                _columns.version == version,
                _columns.status != EndpointStatus.DISABLED.value,
            )
            .values(
                status=EndpointStatus.DISABLED.value,
                reason=reason.value,
                status_since=now,
                proven_at=None,
                version=_columns.version + 1,
            )
            .returning(_columns.audience, _columns.departments)
        )
        row = await session.one_or_none(statement)
        if row is not None:
            disabled.append(DisabledEndpoint(endpoint_id, row.audience, row.departments, reason))
    return disabled


async def disable_endpoints_of_client(
    session: WriteSession, client_id: str, *, now: datetime
) -> list[DisabledEndpoint]:
    """Disable what a client made that is disabled itself; returns as `disable_endpoints`."""
    rows = await session.execute(
        select(_columns.id, _columns.version)
        .where(_columns.client_id == client_id, _columns.status != EndpointStatus.DISABLED.value)
        .order_by(_columns.id)
        .with_for_update()
    )
    reasons = {row.id: (DisabledReason.CLIENT_DISABLED, row.version) for row in rows}
    return await disable_endpoints(session, reasons, now=now)


async def mark_proven(session: WriteSession, endpoint_id: UUID, version: int, *, now: datetime) -> bool:
    """Enable a pending endpoint whose wish is proved; False where it was changed since it was asked."""
    result = await session.execute(
        update(webhook_endpoints)
        .where(
            _columns.id == endpoint_id,
            _columns.version == version,
            _columns.status == EndpointStatus.PENDING.value,
        )
        .values(
            status=EndpointStatus.ENABLED.value,
            reason=None,
            status_since=now,
            proven_at=now,
            version=version + 1,
        )
    )
    return result.rowcount == 1


async def forget_removed(session: WriteSession) -> int:
    """Delete the rows of removed endpoints that have no deliveries any more; returns how many."""
    from_deleted = delete(webhook_endpoints).where(
        _columns.deleted_at.is_not(None), _columns.ciphertext == b"", ~_has_deliveries()
    )
    gone = [row.id for row in await session.execute(from_deleted.returning(_columns.id))]
    await session.execute(delete(webhook_paces).where(webhook_paces.c.endpoint_id.in_(gone)))
    return len(gone)


def endpoint_place(endpoint_id: UUID) -> str:
    """What an endpoint's ciphertext is authenticated with."""
    return f"webhook_endpoints:{endpoint_id}"


def _has_deliveries() -> ColumnElement[bool]:
    return select(webhook_deliveries.c.id).where(webhook_deliveries.c.endpoint_id == _columns.id).exists()


def _is_managed_by(keys: KeyRing, caller: Caller) -> ColumnElement[bool]:
    """As `domain.endpoints.may_manage`, for the endpoints of the caller's organisation."""
    own = _columns.audience == keys.party_index(caller.organisation)
    if not caller.departments:
        return own
    within = _columns.departments.contained_by(sorted(caller.departments))
    return and_(own, within, func.cardinality(_columns.departments) > 0)


def _select(*conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(webhook_endpoints, webhook_paces.c.failing_since)
        .join(webhook_paces, webhook_paces.c.endpoint_id == _columns.id)
        .where(_columns.deleted_at.is_(None), *conditions)
    )


async def _read(session: ReadSession, keys: KeyRing, statement: Select[Any]) -> list[Endpoint]:
    rows = (await session.execute(statement)).all()
    secrets = await list_secrets(session, keys, [row.id for row in rows])
    return [_endpoint(row, secrets[row.id]) for row in rows if row.id in secrets]


def _row(endpoint: Endpoint, secret: DataSecret) -> dict[str, Any]:
    wishes = endpoint.wishes
    hidden = {
        "url": wishes.url,
        "secrets": [
            {
                "shared": kept.shared,
                "private": kept.private,
                "public": kept.public,
                "until": None if kept.until is None else utc_text(kept.until),
            }
            for kept in endpoint.secrets
        ],
    }
    return {
        "id": endpoint.id,
        "audience": endpoint.audience,
        "client_id": endpoint.client_id,
        "departments": sorted(endpoint.departments),
        "event_types": [str(name) for name in wishes.event_types],
        "template_ids": list(wishes.template_ids),
        "services": list(wishes.services),
        "format": wishes.format.value,
        "rate_per_second": wishes.rate_per_second,
        "concurrency": wishes.concurrency,
        "status": endpoint.status.value,
        "reason": None if endpoint.reason is None else endpoint.reason.value,
        "status_since": endpoint.status_since,
        "proven_at": endpoint.proven_at,
        "created_at": endpoint.created_at,
        "version": endpoint.version,
        "ciphertext": encrypt(secret.data_key, orjson.dumps(hidden), endpoint_place(endpoint.id)),
    }


def _endpoint(row: Any, secret: DataSecret) -> Endpoint:  # noqa: ANN401  # a row of these columns
    hidden = orjson.loads(decrypt(secret.data_key, row.ciphertext, endpoint_place(row.id)))
    return Endpoint(
        id=row.id,
        audience=row.audience,
        client_id=row.client_id,
        departments=frozenset(row.departments),
        wishes=Wishes(
            url=hidden["url"],
            event_types=tuple(row.event_types),
            template_ids=tuple(row.template_ids),
            services=tuple(row.services),
            format=EndpointFormat(row.format),
            rate_per_second=row.rate_per_second,
            concurrency=row.concurrency,
        ),
        secrets=tuple(
            KeptSecret(
                kept["shared"],
                kept["private"],
                kept["public"],
                None if kept["until"] is None else utc_time(kept["until"]),
            )
            for kept in hidden["secrets"]
        ),
        status=EndpointStatus(row.status),
        reason=None if row.reason is None else DisabledReason(row.reason),
        status_since=row.status_since,
        proven_at=row.proven_at,
        created_at=row.created_at,
        version=row.version,
        failing_since=row.failing_since,
    )
