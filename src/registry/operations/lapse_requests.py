"""Record that requests have lapsed. They have without it: this tells those who read what happened."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from registry.domain.callers import Worker
from registry.domain.documents import utc_text
from registry.domain.notices import FeedEventType
from registry.domain.request import RequestEntry
from registry.operations.act_on_request import HeldRequest, read_requests, record_request_entry
from registry.operations.announce import announce_request
from registry.operations.work_off import work_off
from registry.signing.keys import KeyRing
from registry.storage.database import Database, WriteSession
from registry.storage.request_states import claim_lapsed

AT_ONCE = 100


async def lapse_requests(database: Database, keys: KeyRing, *, now: datetime, at_once: int = AT_ONCE) -> int:
    """Record each lapse that is not recorded yet, once, and return how many; safe to run in many places.

    Each transaction takes up to `at_once` requests, which it locks as every act on a request does. One that
    cannot be read is logged, and holds up no other. Raises UnavailableError.
    """

    async def claim(session: WriteSession, limit: int, left: Collection[UUID]) -> Mapping[UUID, None]:
        return dict.fromkeys(await claim_lapsed(session, now=now, limit=limit, but=left))

    async def lapse(session: WriteSession, claimed: Mapping[UUID, None]) -> Collection[UUID]:
        found = await read_requests(session, keys, list(claimed))
        for held in found.values():
            await _lapse(session, keys, held, now=now)
        return claimed.keys() - found.keys()

    return await work_off(database, claim, lapse, what="lapse", at_once=at_once)


async def _lapse(session: WriteSession, keys: KeyRing, held: HeldRequest, *, now: datetime) -> None:
    lapsed_at = held.request.expires_at
    details = {"at": utc_text(lapsed_at)}
    await record_request_entry(session, keys, Worker(), held, RequestEntry.LAPSED, details, now=now)
    await announce_request(session, keys, held.request, FeedEventType.REQUEST_LAPSED, {}, at=lapsed_at)
