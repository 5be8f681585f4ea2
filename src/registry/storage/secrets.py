"""Data keys at rest: wrapped, one row per subject, in the one table from which erasure may delete."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from registry.signing.encryption import DataSecret
from registry.signing.keys import KeyRing
from registry.storage.database import ReadSession, WriteSession, any_of
from registry.storage.tables import erasable_secrets


async def add_secret(
    session: WriteSession, keys: KeyRing, subject_id: UUID, secret: DataSecret, *, now: datetime
) -> bool:
    """Keep a subject's secret, wrapped. False, and nothing written, where the subject has one already."""
    number, wrapped = keys.wrap(secret, str(subject_id))
    result = await session.execute(
        insert(erasable_secrets)
        .values(subject_id=subject_id, kek_number=number, wrapped=wrapped, created_at=now)
        .on_conflict_do_nothing()
    )
    return result.rowcount == 1


async def get_secret(session: ReadSession, keys: KeyRing, subject_id: UUID) -> DataSecret | None:
    """A subject's secret, or None where it was erased or never was. Raises DecryptionError."""
    row = await session.one_or_none(
        select(erasable_secrets).where(erasable_secrets.c.subject_id == subject_id)
    )
    return None if row is None else keys.unwrap(row.kek_number, row.wrapped, str(subject_id))


async def list_secrets(
    session: ReadSession, keys: KeyRing, subject_ids: Sequence[UUID]
) -> dict[UUID, DataSecret]:
    """The secrets of several subjects; erased ones are left out. Raises DecryptionError."""
    rows = await session.execute(
        select(erasable_secrets).where(erasable_secrets.c.subject_id == any_of(subject_ids))
    )
    return {row.subject_id: keys.unwrap(row.kek_number, row.wrapped, str(row.subject_id)) for row in rows}
