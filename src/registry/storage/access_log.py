"""The access log: who asked about whom, when, with which answer. A record table; details are encrypted.

The details of a month are encrypted under that month's data key, so that a whole month can be erased.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import asyncpg
import orjson
from sqlalchemy import LargeBinary, Uuid, bindparam, insert, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError

from registry.domain.documents import Json, utc_text
from registry.domain.errors import UnavailableError
from registry.signing.canonical import base64url_digest, canonical_bytes
from registry.signing.encryption import DataSecret, encrypt, new_data_secret
from registry.signing.keys import KeyRing
from registry.storage.database import Database, WriteSession
from registry.storage.tables import access_log, access_log_persons
from registry.storage.tables.metadata import moment

_COLUMNS = (
    "id, at, client_id, operation, principal_index, representative_index, decision, rules_version, "
    "secret_id, ciphertext"
)
# Texts and bytes alone: asyncpg looks at each element of any other array through two abstract classes.
_APPEND = f"""
INSERT INTO access_log ({_COLUMNS})
SELECT id::uuid, at::timestamptz, client_id, operation, principal_index, representative_index, decision,
    rules_version::smallint, secret_id::uuid, ciphertext
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::text[], $8::text[],
    $9::text[], $10::bytea[]) AS entry ({_COLUMNS})
"""  # noqa: S608  # the columns are the constant above
# The same with those whom entries show beside the two that their own rows name: rare, so a statement apart.
_APPEND_WITH_PERSONS = f"""
WITH persons AS (
    INSERT INTO access_log_persons (entry_id, at, party_index)
    SELECT DISTINCT entry_id::uuid, at::timestamptz, party_index
    FROM unnest($11::text[], $12::text[], $13::bytea[]) AS person (entry_id, at, party_index)
)
{_APPEND}
"""  # noqa: S608  # as above
_ADD_PARTIES_OF_MANDATES = text(
    """
    INSERT INTO access_log_persons (entry_id, at, party_index)
    SELECT :entry_id, :at, party_index
    FROM (
        SELECT principal_index FROM mandate_states WHERE mandate_id = ANY (:mandate_ids)
        UNION
        SELECT representative_index FROM representations WHERE mandate_id = ANY (:mandate_ids)
    ) AS parties (party_index)
    WHERE party_index IS DISTINCT FROM :principal_index AND party_index IS DISTINCT FROM :representative_index
    RETURNING party_index
    """
).bindparams(
    bindparam("entry_id", type_=Uuid),
    bindparam("at", type_=moment),
    bindparam("mandate_ids", type_=ARRAY(Uuid)),
    bindparam("principal_index", type_=LargeBinary),
    bindparam("representative_index", type_=LargeBinary),
)
_ADD_MONTH = """
INSERT INTO erasable_secrets (subject_id, kek_number, wrapped, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
"""
_GET_MONTH = "SELECT kek_number, wrapped FROM erasable_secrets WHERE subject_id = $1"


@dataclass(slots=True)
class AccessEntry:
    """One look-up. `id` is a new UUID version 7.

    `details` is everything else worth keeping: the question, its purpose, the answer. `persons` are the
    blind indexes of whom else it shows: those find it, too.
    """

    id: str
    at: datetime
    client_id: str
    operation: str
    details: Mapping[str, Json]
    principal_index: bytes | None = None
    representative_index: bytes | None = None
    decision: str | None = None
    rules_version: int = 0
    persons: Sequence[bytes] = ()


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
            rows = [await self._texts(entry) for entry in entries]
            columns = map(list, zip(*rows, strict=True))
            persons = [(entry.id, utc_text(entry.at), index) for entry in entries for index in entry.persons]
            if persons:
                further = map(list, zip(*persons, strict=True))
                await self.database.fetch_hot(_APPEND_WITH_PERSONS, *columns, *further)
            else:
                await self.database.fetch_hot(_APPEND, *columns)

    async def append_within(
        self, session: WriteSession, entry: AccessEntry, *, mandate_ids: Sequence[UUID] = ()
    ) -> None:
        """Append an entry in the caller's transaction. Raises UnavailableError as `append`.

        `mandate_ids` are what it shows: each of their parties finds the entry, too, instead of `persons`.
        """
        with _unavailable_unless_written():
            if mandate_ids:
                entry = replace(entry, persons=await _add_parties(session, entry, mandate_ids))
            elif entry.persons:
                entry = replace(entry, persons=await _add_persons(session, entry))
            texts = dict(zip(_COLUMNS.split(", "), await self._texts(entry), strict=True))
            row = texts | {
                "id": UUID(entry.id),
                "at": entry.at,
                "rules_version": entry.rules_version,
                "secret_id": month_secret_id(entry.at),
            }
            await session.execute(insert(access_log).values(row))

    async def _texts(self, entry: AccessEntry) -> tuple[str | bytes | None, ...]:
        """The row of an entry in the order of its columns, in texts that PostgreSQL reads."""
        secret_id = month_secret_id(entry.at)
        secret = self._secrets.get(secret_id) or await self._month_secret(secret_id, entry.at)
        at, secret_name = utc_text(entry.at), _id_text(secret_id)
        principal, representative = entry.principal_index, entry.representative_index
        place = _place(
            entry.id,
            at,
            entry.client_id,
            entry.operation,
            principal,
            representative,
            entry.decision,
            entry.rules_version,
            secret_name,
        )
        return (
            entry.id,
            at,
            entry.client_id,
            entry.operation,
            principal,
            representative,
            entry.decision,
            str(entry.rules_version),
            secret_name,
            encrypt(secret.data_key, canonical_bytes(_details(entry)), place),
        )

    async def _month_secret(self, secret_id: UUID, at: datetime) -> DataSecret:
        # On the pool of verification: callers that hold a connection of the other one never wait here for
        # another of its kind, which at the turn of a month they would all do at once.
        number, wrapped = self.keys.wrap(new_data_secret(), str(secret_id))
        await self.database.fetch_hot(_ADD_MONTH, secret_id, number, wrapped, at)
        rows = await self.database.fetch_hot(_GET_MONTH, secret_id)
        if not rows:
            raise RuntimeError("the month's access-log key was erased while it is being written to")
        secret = self.keys.unwrap(rows[0]["kek_number"], rows[0]["wrapped"], str(secret_id))
        self._secrets[secret_id] = secret
        return secret


async def _add_parties(session: WriteSession, entry: AccessEntry, mandate_ids: Sequence[UUID]) -> list[bytes]:
    added = await session.execute(
        _ADD_PARTIES_OF_MANDATES,
        {
            "entry_id": UUID(entry.id),
            "at": entry.at,
            "mandate_ids": list(mandate_ids),
            "principal_index": entry.principal_index,
            "representative_index": entry.representative_index,
        },
    )
    return list(added.scalars())


async def _add_persons(session: WriteSession, entry: AccessEntry) -> list[bytes]:
    persons = sorted(set(entry.persons) - {entry.principal_index, entry.representative_index})
    if persons:
        rows = [{"entry_id": UUID(entry.id), "at": entry.at, "party_index": index} for index in persons]
        await session.execute(insert(access_log_persons), rows)
    return persons


def _details(entry: AccessEntry) -> Mapping[str, Json]:
    if not entry.persons:
        return entry.details
    return {**entry.details, "persons_digest": persons_digest(entry.persons)}


def persons_digest(indexes: Iterable[bytes]) -> str:
    """What an entry's details vouch for its rows of `access_log_persons` with."""
    return base64url_digest(b"".join(sorted(set(indexes))))


@contextmanager
def _unavailable_unless_written() -> Iterator[None]:
    try:
        yield
    except (asyncpg.PostgresError, DBAPIError) as error:
        raise UnavailableError from error


def month_secret_id(at: datetime) -> UUID:
    """The subject id of the data key for the month of this time (UTC)."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return _month_secret_id(utc.year, utc.month)


@lru_cache(maxsize=64)
def _month_secret_id(year: int, month: int) -> UUID:
    return uuid5(NAMESPACE_URL, f"urn:registry:access-log:{year:04}-{month:02}")


def access_place(row: Mapping[str, Any]) -> str:
    """Where an entry's ciphertext belongs: its row, with every column that stands in the clear.

    All of them are authenticated with the ciphertext, so that none can be changed by itself.
    """
    return _place(
        str(row["id"]),
        # `fsck` reads times beyond the calendar, which only damage makes, as numbers.
        utc_text(row["at"]) if isinstance(row["at"], datetime) else row["at"],
        row["client_id"],
        row["operation"],
        row["principal_index"],
        row["representative_index"],
        row["decision"],
        row["rules_version"],
        str(row["secret_id"]),
    )


def _place(  # noqa: PLR0913, PLR0917  # one for each column
    entry_id: str,
    at: str | int,
    client_id: str,
    operation: str,
    principal_index: bytes | None,
    representative_index: bytes | None,
    decision: str | None,
    rules_version: int,
    secret_id: str,
) -> str:
    clear = [
        entry_id,
        at,
        client_id,
        operation,
        None if principal_index is None else principal_index.hex(),
        None if representative_index is None else representative_index.hex(),
        decision,
        rules_version,
        secret_id,
    ]
    return f"access_log/{orjson.dumps(clear).decode()}"


@lru_cache(maxsize=64)
def _id_text(secret_id: UUID) -> str:
    return str(secret_id)
