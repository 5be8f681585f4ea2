"""Record that requests have lapsed. They have without it: this tells those who read what happened."""

from datetime import datetime

from registry.domain.callers import Worker
from registry.domain.documents import utc_text
from registry.domain.notices import FeedEventType
from registry.domain.request import RequestEntry
from registry.operations.act_on_request import read_requests, record_request_entry
from registry.operations.announce import announce_request
from registry.signing.keys import KeyRing
from registry.storage.database import Database
from registry.storage.request_states import claim_lapsed

AT_ONCE = 100


async def lapse_requests(database: Database, keys: KeyRing, *, now: datetime, at_once: int = AT_ONCE) -> int:
    """Record each lapse that is not recorded yet, once, and return how many; safe to run in many places.

    Each transaction takes up to `at_once` requests, which it locks as every act on a request does. Raises
    UnavailableError.
    """
    recorded = 0
    while True:
        async with database.transaction() as session:
            claimed = await claim_lapsed(session, now=now, limit=at_once)
            found = await read_requests(session, keys, claimed)
            for held in found.values():
                details = {"at": utc_text(held.request.expires_at)}
                await record_request_entry(
                    session, keys, Worker(), held, RequestEntry.LAPSED, details, now=now
                )
                lapsed_at = held.request.expires_at
                await announce_request(
                    session, keys, held.request, FeedEventType.REQUEST_LAPSED, {}, at=lapsed_at
                )
        recorded += len(found)
        if len(claimed) < at_once or not found:
            return recorded
