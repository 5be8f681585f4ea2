"""Who looked at somebody: for the person itself, and for auditors who state a purpose. Itself logged."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from uuid_utils import uuid7

from registry.domain.callers import Caller
from registry.domain.documents import Json
from registry.domain.errors import Fault, InvalidInputError
from registry.domain.parties import Party
from registry.storage.access_log import AccessEntry, AccessLog
from registry.storage.access_log_search import (
    AskedBy,
    LoggedAccess,
    LogPlace,
    list_own_mandates,
    search_access_log,
)


@dataclass(frozen=True, slots=True)
class AccessSearch:
    """Whose look-ups, from which place on, and how many. `purpose` is the auditor's."""

    party: Party
    purpose: str | None = None
    after: LogPlace | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True)
class FoundAccess:
    """One look-up, and those of the mandates it touched in which the party has a part."""

    access: LoggedAccess
    mandate_ids: tuple[UUID, ...]


async def audit_access(
    log: AccessLog, caller: Caller, search: AccessSearch, *, now: datetime
) -> list[FoundAccess]:
    """The look-ups of a party that clients of the auditor's organisation made, newest first.

    A client limited to departments finds those of clients within the same limit. With `registry:admin`, the
    operator's, those of every organisation. Raises InvalidInputError without a purpose, UnavailableError.
    """
    if not (search.purpose or "").strip():
        raise InvalidInputError((Fault("/purpose", "missing", "Say what the audit is for."),))
    asked_by = None if caller.is_administrator else AskedBy(caller.organisation, caller.departments)
    return await _search(log, caller, search, "access_log_search", asked_by=asked_by, now=now)


async def list_own_access(
    log: AccessLog, caller: Caller, search: AccessSearch, *, now: datetime
) -> list[FoundAccess]:
    """Every look-up of the person itself, by whomever, newest first. Raises UnavailableError."""
    return await _search(log, caller, search, "own_access_log", asked_by=None, now=now)


async def _search(
    log: AccessLog,
    caller: Caller,
    search: AccessSearch,
    operation: str,
    *,
    asked_by: AskedBy | None,
    now: datetime,
) -> list[FoundAccess]:
    details: dict[str, Json] = {"limit": search.limit}
    if search.purpose is not None:
        details["purpose"] = search.purpose
    entry = AccessEntry(
        id=str(uuid7()),
        at=now,
        client_id=caller.client_id,
        operation=operation,
        details=details,
        principal_index=log.keys.party_index(search.party),
    )
    async with log.database.transaction() as session:
        found = await search_access_log(
            session, log.keys, search.party, asked_by=asked_by, after=search.after, limit=search.limit
        )
        touched = [tuple(dict.fromkeys(_touched(access.details))) for access in found]
        every = sorted({mandate_id for ids in touched for mandate_id in ids})
        own = await list_own_mandates(session, log.keys, search.party, every)
        await log.append_within(session, entry)
    return [
        FoundAccess(access, tuple(mandate_id for mandate_id in ids if mandate_id in own))
        for access, ids in zip(found, touched, strict=True)
    ]


def _touched(details: Mapping[str, Any]) -> Iterator[UUID]:
    """The mandates that an entry names, whatever was asked."""
    if "mandate_id" in details:
        yield UUID(details["mandate_id"])
    ids: Sequence[str] = (*details.get("found", ()), *details.get("mandate_ids", ()))
    yield from map(UUID, ids)
    for permission in details.get("answer", {}).get("permissions", ()):
        if permission.get("mandate_id"):
            yield UUID(permission["mandate_id"])
