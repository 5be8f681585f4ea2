"""Reading the access log by person: who looked, newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, or_, select, tuple_, union
from sqlalchemy import Uuid as SqlUuid
from sqlalchemy.dialects.postgresql import ARRAY

from registry.domain.parties import Party, Scheme
from registry.domain.template import Role
from registry.signing.encryption import DataSecret, decrypt
from registry.signing.keys import KeyRing
from registry.storage.access_log import access_place
from registry.storage.database import ReadSession
from registry.storage.secrets import get_secret
from registry.storage.tables import (
    access_log,
    access_log_persons,
    clients,
    mandate_states,
    representations,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLACE_BYTES = 24

_log, _persons = access_log.c, access_log_persons.c


@dataclass(frozen=True, slots=True)
class LogPlace:
    """A place in the access log, newest first: a time, and of equal times an entry."""

    at: datetime
    entry_id: UUID


@dataclass(frozen=True, slots=True)
class AskedBy:
    """Whose look-ups: an organisation's clients', or those clients' within these departments."""

    organisation: Party
    departments: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LoggedAccess:
    """One look-up: who made it, and as what it names the person, None where it only shows it.

    `details` is empty where the key of the month was erased.
    """

    id: UUID
    at: datetime
    organisation: Party
    client_id: str
    operation: str
    role: Role | None
    decision: str | None
    details: Mapping[str, Any]


async def search_access_log(
    session: ReadSession,
    keys: KeyRing,
    party: Party,
    *,
    asked_by: AskedBy | None,
    after: LogPlace | None,
    limit: int,
) -> list[LoggedAccess]:
    """A page of the look-ups of a party, newest first; `after` is exclusive. Raises DecryptionError.

    `asked_by` leaves only those by these clients.
    """
    index = keys.party_index(party)
    own = None
    if asked_by is not None:
        own = select(clients.c.client_id).where(*_within(asked_by))
    entries = union(
        *(
            _entries(column, index, own, after, limit)
            for column in ("principal_index", "representative_index")
        ),
        _shown(index, own, after, limit),
    ).subquery()
    rows = await session.execute(
        select(access_log, clients.c.organisation)
        .join(entries, and_(_log.id == entries.c.id, _log.at == entries.c.at))
        .join(clients, clients.c.client_id == _log.client_id)
        .order_by(_log.at.desc(), _log.id.desc())
        .limit(limit)
    )
    secrets: dict[UUID, DataSecret | None] = {}
    found = []
    for row in rows:
        if row.secret_id not in secrets:
            secrets[row.secret_id] = await get_secret(session, keys, row.secret_id)
        found.append(_access(row, index, secrets[row.secret_id]))
    return found


async def list_own_mandates(
    session: ReadSession, keys: KeyRing, party: Party, mandate_ids: Sequence[UUID]
) -> set[UUID]:
    """Those of the mandates in which the party is principal or representative."""
    index = keys.party_index(party)
    held = select(representations.c.mandate_id).where(representations.c.representative_index == index)
    rows = await session.execute(
        select(mandate_states.c.mandate_id).where(
            mandate_states.c.mandate_id == func.any(literal(list(mandate_ids), ARRAY(SqlUuid))),
            or_(mandate_states.c.principal_index == index, mandate_states.c.mandate_id.in_(held)),
        )
    )
    return set(rows.scalars())


def _within(asked_by: AskedBy) -> list[ColumnElement[bool]]:
    of_organisation = clients.c.organisation == str(asked_by.organisation)
    if not asked_by.departments:
        return [of_organisation]
    # A client without a limit looks for the whole organisation, which is more than these departments.
    is_limited = func.cardinality(clients.c.departments) > 0
    return [of_organisation, is_limited, clients.c.departments.contained_by(sorted(asked_by.departments))]


def _entries(
    column: str, index: bytes, own: Select[Any] | None, after: LogPlace | None, limit: int
) -> Select[Any]:
    """The newest entries whose own row names the party in this column."""
    conditions = [_log[column] == index, *_beyond(_log.at, _log.id, after)]
    if own is not None:
        conditions.append(_log.client_id.in_(own))
    newest = select(_log.id, _log.at).where(*conditions).order_by(_log.at.desc(), _log.id.desc())
    return select(newest.limit(limit).subquery())


def _shown(index: bytes, own: Select[Any] | None, after: LogPlace | None, limit: int) -> Select[Any]:
    """The newest entries that show the party among others."""
    conditions = [_persons.party_index == index, *_beyond(_persons.at, _persons.entry_id, after)]
    newest = select(_persons.entry_id.label("id"), _persons.at)
    if own is not None:
        same = and_(_log.id == _persons.entry_id, _log.at == _persons.at)
        newest = newest.join(access_log, same)
        conditions.append(_log.client_id.in_(own))
    newest = newest.where(*conditions).order_by(_persons.at.desc(), _persons.entry_id.desc())
    return select(newest.limit(limit).subquery())


def _beyond(
    at: ColumnElement[datetime], entry_id: ColumnElement[UUID], after: LogPlace | None
) -> list[ColumnElement[bool]]:
    if after is None:
        return []
    # The first by itself leaves out whole months.
    return [at <= after.at, tuple_(at, entry_id) < tuple_(literal(after.at), literal(after.entry_id))]


def _access(row: Row[Any], index: bytes, secret: DataSecret | None) -> LoggedAccess:
    roles = {row.representative_index: Role.REPRESENTATIVE, row.principal_index: Role.PRINCIPAL}
    details: Mapping[str, Any] = {}
    if secret is not None:
        details = orjson.loads(decrypt(secret.data_key, row.ciphertext, access_place(dict(row._mapping))))  # noqa: SLF001  # SQLAlchemy's public name
    scheme, _, value = row.organisation.partition(":")
    return LoggedAccess(
        id=row.id,
        at=row.at,
        organisation=Party(Scheme(scheme), value),
        client_id=row.client_id,
        operation=row.operation,
        role=roles.get(index),
        decision=row.decision,
        details=details,
    )


def write_place(place: LogPlace) -> bytes:
    """A place as 24 bytes: microseconds since 1970 and the entry's id."""
    return ((place.at - _EPOCH) // _MICROSECOND).to_bytes(8) + place.entry_id.bytes


def read_place(data: bytes) -> LogPlace:
    """Read what `write_place` wrote. Raises ValueError for anything else."""
    if len(data) != _PLACE_BYTES:
        raise ValueError("a place has 24 bytes")
    try:
        at = _EPOCH + int.from_bytes(data[:8]) * _MICROSECOND
    except OverflowError as error:
        raise ValueError("the time is beyond the calendar") from error
    return LogPlace(at, UUID(bytes=data[8:]))
