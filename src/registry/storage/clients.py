"""Clients that may call, and the assertions by which some of them prove themselves, each good for one use."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, null, select, update
from sqlalchemy.dialects.postgresql import insert

from registry.domain.callers import Scope
from registry.domain.documents import Document
from registry.domain.parties import Party, Scheme
from registry.storage.database import ReadSession, WriteSession
from registry.storage.tables import assertions_seen, clients

KEPT_AFTER_EXPIRY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client: whose it is, what it may do, and how it proves itself.

    `issuer` is whose tokens name it, None for the built-in token endpoint. `departments` empty means no
    limit. `return_urls` are where signers may be sent back to. `secret_hash` is for client secrets,
    `public_keys`, a JWK set, for signed assertions.
    """

    client_id: str
    organisation: Party
    scopes: frozenset[Scope]
    created_at: datetime
    issuer: str | None = None
    departments: frozenset[str] = frozenset()
    secret_hash: str | None = field(default=None, repr=False)
    public_keys: Document | None = None
    disabled_at: datetime | None = None
    return_urls: tuple[str, ...] = ()


async def add_client(session: WriteSession, client: Client) -> bool:
    """Keep a new client. False, and nothing written, where there is one of this id, disabled or not."""
    result = await session.execute(
        insert(clients)
        .values(
            client_id=client.client_id,
            issuer=client.issuer,
            organisation=str(client.organisation),
            scopes=sorted(client.scopes),
            departments=sorted(client.departments),
            secret_hash=client.secret_hash,
            # None would be written as JSON's null, which is a value to SQL.
            public_keys=null() if client.public_keys is None else dict(client.public_keys),
            created_at=client.created_at,
            disabled_at=client.disabled_at,
            return_urls=list(client.return_urls),
        )
        .on_conflict_do_nothing()
    )
    return result.rowcount == 1


async def get_client(session: ReadSession, client_id: str) -> Client | None:
    """A client, disabled or not; None where there is none of this id."""
    row = await session.one_or_none(select(clients).where(clients.c.client_id == client_id))
    return None if row is None else _client(row)


async def list_clients(session: ReadSession) -> list[Client]:
    """Every client, disabled ones too, in the order of their ids."""
    return [
        _client(row)
        for row in await session.execute(select(clients).order_by(clients.c.client_id.collate("C")))
    ]


async def replace_client_secret(session: WriteSession, client_id: str, secret_hash: str) -> bool:
    """Replace the hash of a client's secret; the old secret is good no more. False for an unknown client."""
    result = await session.execute(
        update(clients).where(clients.c.client_id == client_id).values(secret_hash=secret_hash)
    )
    return result.rowcount == 1


async def disable_client(session: WriteSession, client_id: str, *, now: datetime) -> bool:
    """Disable a client for good. False for an unknown client and one that is disabled already."""
    result = await session.execute(
        update(clients)
        .where(clients.c.client_id == client_id, clients.c.disabled_at.is_(None))
        .values(disabled_at=now)
    )
    return result.rowcount == 1


async def remember_assertion(session: WriteSession, client_id: str, jti: str, expires_at: datetime) -> bool:
    """Note that a client has used an assertion. False where it was used before.

    Waits for another transaction that is noting the same one: of two uses at once, one wins.
    """
    result = await session.execute(
        insert(assertions_seen)
        .values(client_id=client_id, jti=jti, expires_at=expires_at)
        .on_conflict_do_nothing()
    )
    return result.rowcount == 1


async def forget_expired_assertions(session: WriteSession, *, now: datetime) -> int:
    """Delete what was noted of assertions that expired 10 minutes ago or earlier; returns how many.

    They are kept that long because another process, whose clock is behind, may still take them as valid.
    """
    result = await session.execute(
        delete(assertions_seen).where(assertions_seen.c.expires_at <= now - KEPT_AFTER_EXPIRY)
    )
    return result.rowcount


def _client(row: Row[Any]) -> Client:
    scheme, _, value = row.organisation.partition(":")
    return Client(
        client_id=row.client_id,
        organisation=Party(Scheme(scheme), value),
        scopes=_known_scopes(row.scopes),
        created_at=row.created_at,
        issuer=row.issuer,
        departments=frozenset(row.departments),
        secret_hash=row.secret_hash,
        public_keys=row.public_keys,
        disabled_at=row.disabled_at,
        return_urls=tuple(row.return_urls),
    )


def _known_scopes(names: Sequence[str]) -> frozenset[Scope]:
    # While versions change, a newer one may have registered a scope that this one does not know.
    return frozenset(scope for scope in Scope if scope.value in names)
