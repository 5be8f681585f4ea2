"""The access log: who asked about whom, when, with which answer. A record table; details are encrypted.

The details of a month are encrypted under that month's data key, so that a whole month can be erased.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import asyncpg
import orjson
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from registry.domain.documents import Json, utc_text
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
        with _unavailable_unless_written():
            rows = [await self._row(entry) for entry in entries]
            await self.database.run_hot(_APPEND, *map(list, zip(*rows, strict=True)))

    async def append_within(self, session: WriteSession, entry: AccessEntry) -> None:
        """Append an entry in the caller's transaction. Raises UnavailableError as `append`."""
        names = _COLUMNS.split(", ")
        with _unavailable_unless_written():
            row = await self._row(entry)
            await session.execute(insert(access_log).values(dict(zip(names, row, strict=True))))

    async def _row(self, entry: AccessEntry) -> tuple[object, ...]:
        secret_id = month_secret_id(entry.at)
        secret = self._secrets.get(secret_id) or await self._month_secret(secret_id, entry.at)
        clear = {
            "id": entry.id,
            "at": entry.at,
            "client_id": entry.client_id,
            "operation": entry.operation,
            "principal_index": entry.principal_index,
            "representative_index": entry.representative_index,
            "decision": entry.decision,
            "rules_version": entry.rules_version,
            "secret_id": secret_id,
        }
        details = canonical_bytes(entry.details)
        return (*clear.values(), encrypt(secret.data_key, details, access_place(clear)))

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


@contextmanager
def _unavailable_unless_written() -> Iterator[None]:
    try:
        yield
    except (asyncpg.PostgresError, DBAPIError) as error:
        raise UnavailableError from error


def month_secret_id(at: datetime) -> UUID:
    """The subject id of the data key for the month of this time (UTC)."""
    utc = at.astimezone(UTC)
    return _month_secret_id(utc.year, utc.month)


@lru_cache(maxsize=64)
def _month_secret_id(year: int, month: int) -> UUID:
    return uuid5(NAMESPACE_URL, f"urn:registry:access-log:{year:04}-{month:02}")


def access_place(row: Mapping[str, Any]) -> str:
    """Where an entry's ciphertext belongs: its row, with every column that stands in the clear.

    All of them are authenticated with the ciphertext, so that none can be changed by itself.
    """
    clear = [
        str(row["id"]),
        # `fsck` reads times beyond the calendar, which only damage makes, as numbers.
        utc_text(row["at"]) if isinstance(row["at"], datetime) else row["at"],
        row["client_id"],
        row["operation"],
        _hex(row["principal_index"]),
        _hex(row["representative_index"]),
        row["decision"],
        row["rules_version"],
        str(row["secret_id"]),
    ]
    return f"access_log/{orjson.dumps(clear).decode()}"


def _hex(index: bytes | None) -> str | None:
    return None if index is None else index.hex()
