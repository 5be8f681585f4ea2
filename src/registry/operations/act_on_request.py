"""What every act on a mandate request shares: finding it, reading its entries, recording what happens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry.domain.callers import Caller, Worker
from registry.domain.documents import Json
from registry.domain.errors import NotFoundError
from registry.domain.parties import Party
from registry.domain.request import (
    MandateRequest,
    RequestEntry,
    RequestOverError,
    ending_of_request,
    read_request,
)
from registry.operations.record_entry import append_entry
from registry.signing.keys import KeyRing
from registry.storage.database import ReadSession, WriteSession
from registry.storage.request_states import is_request_seen, lock_request_state, replace_request_state
from registry.storage.sealed_entries import SealedEntry, list_entries


@dataclass(frozen=True, slots=True)
class HeldRequest:
    """A request with all its entries. `seen_by` are those of caller and person who have a part in it."""

    request: MandateRequest
    entries: tuple[SealedEntry, ...]
    seen_by: tuple[Party, ...] = ()


async def find_request(
    session: ReadSession, keys: KeyRing, request_id: UUID, caller: Caller, person: Party | None
) -> HeldRequest:
    """A request that the caller's organisation, or the person who acts through it, has a part in.

    Raises NotFoundError for any other.
    """
    seen_by = await _seen_by(session, keys, request_id, caller, person)
    return await _read(session, keys, request_id, seen_by)


async def hold_request(
    session: WriteSession, keys: KeyRing, request_id: UUID, caller: Caller, person: Party | None
) -> HeldRequest:
    """Find a request as `find_request`, and lock it against every other act until the transaction ends."""
    seen_by = await _seen_by(session, keys, request_id, caller, person)
    await lock_request_state(session, request_id)
    return await _read(session, keys, request_id, seen_by)


async def read_requests(
    session: ReadSession, keys: KeyRing, request_ids: Sequence[UUID]
) -> dict[UUID, HeldRequest]:
    """Several requests by id; erased ones are left out."""
    found = await list_entries(session, keys, request_ids)
    return {request_id: _held(entries, ()) for request_id, entries in found.items()}


def check_pending(request: MandateRequest, now: datetime) -> None:
    """Raise RequestOverError, which names what ended it, unless the request is pending."""
    ending = ending_of_request(request, now)
    if ending is not None:
        raise RequestOverError(ending)


async def record_request_entry(
    session: WriteSession,
    keys: KeyRing,
    actor: Caller | Worker,
    held: HeldRequest,
    entry_type: RequestEntry,
    details: Mapping[str, Json],
    *,
    now: datetime,
) -> HeldRequest:
    """Record what happened to a request that is locked, project it, and return the request as it is now."""
    entry = await append_entry(session, keys, actor, held.entries, entry_type.value, details, now=now)
    after = _held((*held.entries, entry), held.seen_by)
    await replace_request_state(session, keys, [item.entry for item in after.entries])
    return after


async def _seen_by(
    session: ReadSession, keys: KeyRing, request_id: UUID, caller: Caller, person: Party | None
) -> tuple[Party, ...]:
    parties = [caller.organisation] + ([person] if person else [])
    seen_by = [
        party
        for party in parties
        if await is_request_seen(session, keys, request_id, party, caller.departments)
    ]
    if not seen_by:
        raise NotFoundError
    return tuple(seen_by)


async def _read(
    session: ReadSession, keys: KeyRing, request_id: UUID, seen_by: tuple[Party, ...]
) -> HeldRequest:
    found = await list_entries(session, keys, [request_id])
    if request_id not in found:
        raise NotFoundError
    return _held(found[request_id], seen_by)


def _held(entries: tuple[SealedEntry, ...], seen_by: tuple[Party, ...]) -> HeldRequest:
    return HeldRequest(read_request([item.entry for item in entries]), entries, seen_by)
