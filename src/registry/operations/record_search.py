"""Record a search that gives nothing: those whom it names find out that somebody asked."""

from datetime import datetime

from uuid_utils import uuid7

from registry.domain.callers import Caller
from registry.domain.documents import Document
from registry.domain.parties import Party
from registry.storage.access_log import AccessEntry, AccessLog


async def record_search(
    log: AccessLog,
    caller: Caller,
    *,
    operation: str,
    document: Document,
    principal: Party | None,
    representative: Party | None,
    now: datetime,
) -> None:
    """Append the entry, committed when this returns. `document` is how it was asked.

    Raises UnavailableError.
    """

    def index(party: Party | None) -> bytes | None:
        return None if party is None else log.keys.party_index(party)

    entry = AccessEntry(
        id=str(uuid7()),
        at=now,
        client_id=caller.client_id,
        operation=operation,
        details={**document, "found": []},
        principal_index=index(principal),
        representative_index=index(representative),
    )
    await log.append([entry])
