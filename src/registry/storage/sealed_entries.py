"""Sealed entries about requests, restrictions and approvals: written once, encrypted whole, never changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import insert, select

from registry.domain.entries import Entry, read_entry
from registry.signing.encryption import DataSecret, commitment, decrypt, encrypt, salt
from registry.signing.keys import KeyRing
from registry.signing.records import SealType, open_seal
from registry.storage.database import ReadSession, WriteSession
from registry.storage.tables import erasable_secrets, sealed_entries

_Subject = TypeVar("_Subject")


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """An entry with its exact sealed bytes."""

    entry: Entry
    sealed: bytes


def entry_place(subject_id: UUID, number: int) -> str:
    """Where an entry's ciphertext belongs; authenticated with it, and the context of its salt."""
    return f"sealed_entries/{subject_id}/{number}"


async def add_entry(session: WriteSession, secret: DataSecret, entry: Entry, sealed: bytes) -> None:
    """Keep a sealed entry; the primary key lets only one in at its number."""
    place = entry_place(entry.subject_id, entry.number)
    await session.execute(
        insert(sealed_entries).values(
            subject_id=entry.subject_id,
            number=entry.number,
            kind=entry.kind.value,
            type=entry.type,
            recorded_at=entry.recorded_at,
            commitment=commitment(salt(secret, place), sealed),
            ciphertext=encrypt(secret.data_key, sealed, place),
        )
    )


async def list_entries(
    session: ReadSession, keys: KeyRing, subject_ids: Sequence[UUID]
) -> dict[UUID, tuple[SealedEntry, ...]]:
    """The entries of several subjects, each oldest first, seals checked; erased subjects are left out.

    Raises DecryptionError, SealError.
    """
    rows = await session.execute(
        select(sealed_entries, erasable_secrets.c.kek_number, erasable_secrets.c.wrapped)
        .join(erasable_secrets, erasable_secrets.c.subject_id == sealed_entries.c.subject_id)
        .where(sealed_entries.c.subject_id.in_(subject_ids))
        .order_by(sealed_entries.c.subject_id, sealed_entries.c.number)
    )
    secrets: dict[UUID, DataSecret] = {}
    found: dict[UUID, tuple[SealedEntry, ...]] = {}
    for row in rows:
        subject_id = row.subject_id
        if subject_id not in secrets:
            secrets[subject_id] = keys.unwrap(row.kek_number, row.wrapped, str(subject_id))
        sealed = decrypt(secrets[subject_id].data_key, row.ciphertext, entry_place(subject_id, row.number))
        entry = read_entry(open_seal(sealed, keys, SealType.ENTRY))
        found[subject_id] = (*found.get(subject_id, ()), SealedEntry(entry, sealed))
    return found


async def list_subjects(
    session: ReadSession,
    keys: KeyRing,
    subject_ids: Sequence[UUID],
    read: Callable[[Sequence[Entry]], _Subject],
) -> list[_Subject]:
    """Several subjects as `read` makes them of their entries, in this order; as `list_entries`."""
    found = await list_entries(session, keys, subject_ids)
    return [read([item.entry for item in found[one]]) for one in subject_ids if one in found]
