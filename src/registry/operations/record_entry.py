"""Recording entries about a request, a restriction or an approval: sealed, and chained to the one before."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from registry.domain.callers import Caller, Worker
from registry.domain.documents import Json
from registry.domain.entries import Entry, SubjectKind, entry_document
from registry.domain.errors import NotFoundError
from registry.signing.canonical import base64url_digest
from registry.signing.encryption import new_data_secret
from registry.signing.keys import KeyRing
from registry.signing.records import SealType, seal
from registry.storage.database import WriteSession
from registry.storage.sealed_entries import SealedEntry, add_entry
from registry.storage.secrets import add_secret, get_secret


async def open_entries(
    session: WriteSession,
    keys: KeyRing,
    caller: Caller,
    kind: SubjectKind,
    subject_id: UUID,
    entry_type: str,
    details: Mapping[str, Json],
    *,
    now: datetime,
) -> SealedEntry:
    """Seal and record the first entry of a new subject, with a data key of its own.

    Everything is written in the caller's transaction.
    """
    secret = new_data_secret()
    await add_secret(session, keys, subject_id, secret, now=now)
    entry = Entry(subject_id, kind, 0, entry_type, now, caller.urn, None, details)
    sealed = seal(entry_document(entry), keys, SealType.ENTRY, now=now)
    await add_entry(session, secret, entry, sealed)
    return SealedEntry(entry, sealed)


async def append_entry(
    session: WriteSession,
    keys: KeyRing,
    caller: Caller | Worker,
    before: Sequence[SealedEntry],
    entry_type: str,
    details: Mapping[str, Json],
    *,
    now: datetime,
) -> SealedEntry:
    """Seal and record the next entry of a subject whose state this transaction has locked.

    `before` are all its entries so far. Raises NotFoundError where the subject was erased.
    """
    last = before[-1]
    secret = await get_secret(session, keys, last.entry.subject_id)
    if secret is None:
        raise NotFoundError
    # Clocks of processes differ: an entry is never dated before what it follows.
    recorded_at = max(now, last.entry.recorded_at)
    entry = Entry(
        last.entry.subject_id,
        last.entry.kind,
        last.entry.number + 1,
        entry_type,
        recorded_at,
        caller.urn,
        base64url_digest(last.sealed),
        details,
    )
    sealed = seal(entry_document(entry), keys, SealType.ENTRY, now=recorded_at)
    await add_entry(session, secret, entry, sealed)
    return SealedEntry(entry, sealed)
