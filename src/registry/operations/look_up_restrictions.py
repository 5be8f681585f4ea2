"""Look up restrictions: one by id, many by search. Each look-up of a person is logged."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from uuid_utils import uuid7

from registry.domain.callers import Caller
from registry.domain.documents import Json
from registry.domain.errors import NotFoundError
from registry.domain.parties import Party
from registry.domain.restrictions import Restriction, read_restriction
from registry.signing.keys import KeyRing
from registry.storage.access_log import AccessEntry, AccessLog
from registry.storage.restrictions import RestrictionFilter, RestrictionViewer, find_restrictions, is_visible
from registry.storage.sealed_entries import list_subjects


async def get_restriction(
    log: AccessLog, caller: Caller, restriction_id: UUID, *, now: datetime
) -> Restriction:
    """One restriction, to an organisation with a part in it. Raises NotFoundError for any other."""
    async with log.database.transaction() as session:
        if not await is_visible(session, log.keys, restriction_id, viewer_of(caller)):
            raise NotFoundError
        found = await list_subjects(session, log.keys, [restriction_id], read_restriction)
        if not found:
            raise NotFoundError
        restriction = found[0]
        entry = AccessEntry(
            id=str(uuid7()),
            at=now,
            client_id=caller.client_id,
            operation="restriction",
            details={"restriction_id": str(restriction_id)},
            persons=_shown_in(log.keys, [restriction]),
            principal_index=log.keys.party_index(restriction.imposition.subject.party),
        )
        await log.append_within(session, entry)
    return restriction


async def search_restrictions(
    log: AccessLog,
    caller: Caller,
    wanted: RestrictionFilter,
    *,
    document: Mapping[str, Json],
    after: UUID | None,
    limit: int,
) -> list[Restriction]:
    """A page of the restrictions that the caller's organisation has a part in, in the order of imposing.

    All there are with `registry:admin`. `document` is the search as asked, for the access log. Raises
    UnavailableError.
    """

    def index(party: Party | None) -> bytes | None:
        return None if party is None else log.keys.party_index(party)

    async with log.database.transaction() as session:
        ids = await find_restrictions(session, log.keys, wanted, viewer_of(caller), after=after, limit=limit)
        restrictions = await list_subjects(session, log.keys, ids, read_restriction)
        found: list[Json] = [str(restriction_id) for restriction_id in ids]
        entry = AccessEntry(
            id=str(uuid7()),
            at=wanted.now,
            client_id=caller.client_id,
            operation="restriction_search",
            details={**document, "found": found},
            principal_index=index(wanted.subject),
            representative_index=index(wanted.representative),
            persons=_shown_in(log.keys, restrictions),
        )
        await log.append_within(session, entry)
    return restrictions


def _shown_in(keys: KeyRing, restrictions: Iterable[Restriction]) -> list[bytes]:
    """Whom restrictions show: subjects, and representatives that are blocked."""
    impositions = [restriction.imposition for restriction in restrictions]
    shown = [named for item in impositions for named in (item.subject, item.representative) if named]
    return [keys.party_index(named.party) for named in shown]


def viewer_of(caller: Caller) -> RestrictionViewer:
    """Which restrictions a client sees: an administrator all, others their departments'."""
    if caller.is_administrator:
        return RestrictionViewer(None)
    return RestrictionViewer(caller.organisation, caller.departments)
