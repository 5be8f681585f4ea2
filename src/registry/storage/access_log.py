"""The access log: who asked about whom, when, with which answer. A record table; details are encrypted.

The details of a month are encrypted under that month's data key, so that a whole month can be erased.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

import asyncpg
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from registry.domain.documents import Json
from registry.domain.errors import UnavailableError
from registry.signing.canonical import canonical_bytes
from registry.signing.encryption import DataSecret, encrypt, new_data_secret
from registry.signing.keys import KeyRing
from registry.storage.database import Database, WriteSession
from registry.storage.tables import access_log

_COLUMNS = (
    "id, at, client_id, operation, principal_index, representative_index, decision, rules_version, "
    "secret_id, ciphertext"
)
_APPEND = f"""
INSERT INTO access_log ({_COLUMNS})
SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::bytea[], $6::bytea[],
    $7::text[], $8::smallint[], $9::uuid[], $10::bytea[])
"""  # noqa: S608  # the columns are the constant above
_ADD_MONTH = """
INSERT INTO erasable_secrets (subject_id, kek_number, wrapped, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
"""
_GET_MONTH = "SELECT kek_number, wrapped FROM erasable_secrets WHERE subject_id = $1"


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """One look-up. `details` is everything else worth keeping: the question, its purpose, the answer."""

    id: UUID
    at: datetime
    client_id: str
    operation: str
    details: Mapping[str, Json]
    principal_index: bytes | None = None
    representative_index: bytes | None = None
    decision: str | None = None
    rules_version: int = 0


@dataclass
class AccessLog:
    """Appends to the access log; remembers the data keys of the months it has written to."""

    database: Database
    keys: KeyRing
    _secrets: dict[UUID, DataSecret] = field(default_factory=dict, repr=False)

    async def append(self, entries: Sequence[AccessEntry]) -> None:
        """Append entries in one statement of their own; they are committed when this returns.

        Raises UnavailableError whatever it is that keeps them from being written.
        """
        rows = [await self._row(entry) for entry in entries]
        try:
            await self.database.run_hot(_APPEND, *map(list, zip(*rows, strict=True)))
        except asyncpg.PostgresError as error:
            raise UnavailableError from error

    async def append_within(self, session: WriteSession, entry: AccessEntry) -> None:
        """Append an entry in the caller's transaction. Raises UnavailableError as `append`."""
        names = _COLUMNS.split(", ")
        row = await self._row(entry)
        try:
            await session.execute(insert(access_log).values(dict(zip(names, row, strict=True))))
        except DBAPIError as error:
            raise UnavailableError from error

    async def _row(self, entry: AccessEntry) -> tuple[object, ...]:
        secret_id = month_secret_id(entry.at)
        secret = self._secrets.get(secret_id) or await self._month_secret(secret_id, entry.at)
        return (
            entry.id,
            entry.at,
            entry.client_id,
            entry.operation,
            entry.principal_index,
            entry.representative_index,
            entry.decision,
            entry.rules_version,
            secret_id,
            encrypt(secret.data_key, canonical_bytes(entry.details), access_place(entry.id)),
        )

    async def _month_secret(self, secret_id: UUID, at: datetime) -> DataSecret:
        # On the pool of verification: callers that hold a connection of the other one never wait here for
        # another of its kind, which at the turn of a month they would all do at once.
        number, wrapped = self.keys.wrap(new_data_secret(), str(secret_id))
        await self.database.run_hot(_ADD_MONTH, secret_id, number, wrapped, at)
        rows = await self.database.fetch_hot(_GET_MONTH, secret_id)
        if not rows:
            raise RuntimeError("the month's access-log key was erased while it is being written to")
        secret = self.keys.unwrap(rows[0]["kek_number"], rows[0]["wrapped"], str(secret_id))
        self._secrets[secret_id] = secret
        return secret


def month_secret_id(at: datetime) -> UUID:
    """The subject id of the data key for the month of this time (UTC)."""
    return uuid5(NAMESPACE_URL, f"urn:registry:access-log:{at.astimezone(UTC):%Y-%m}")


def access_place(entry_id: UUID) -> str:
    """Where an entry's ciphertext belongs."""
    return f"access_log/{entry_id}"
