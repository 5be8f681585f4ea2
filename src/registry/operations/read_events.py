"""Read the caller's feed by cursor, and wait for what comes where there is nothing yet."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from registry.domain.callers import Caller
from registry.domain.errors import Fault, InvalidInputError
from registry.domain.feed import FeedEvent
from registry.domain.notices import FeedEventType
from registry.signing.cursors import InvalidCursorError, feed_cursor, read_feed_cursor
from registry.signing.keys import KeyRing
from registry.storage.database import Database
from registry.storage.feed import FeedFilter, FeedPage, read_feed

_GLANCES = 10
"""How often the feed is looked through in one answer where a filter leaves nothing."""

_LOOK_ROUND_SECONDS = 1.0
"""How often it is asked whether the caller who waits is still there."""


@dataclass(frozen=True, slots=True)
class EventsAsked:
    """Which events after which cursor; `wait` is for how many seconds to wait where there are none."""

    after: str | None
    types: frozenset[FeedEventType]
    limit: int
    wait: float


@dataclass(frozen=True, slots=True)
class EventsRead:
    """Events in order, and the cursor to go on with: the same again where nothing has happened."""

    events: tuple[FeedEvent, ...]
    next: str


async def read_events(
    database: Database,
    keys: KeyRing,
    caller: Caller,
    asked: EventsAsked,
    *,
    is_gone: Callable[[], Awaitable[bool]],
) -> EventsRead:
    """A page of the events that the caller's organisation was told; no connection is held while waiting.

    Waiting ends early with `is_gone` (the caller has left) and with the process. Raises InvalidInputError
    for a cursor that was not given to this organisation, EventsForgottenError, UnavailableError.
    """
    audience = keys.party_index(caller.organisation)
    place = None if asked.after is None else _read_cursor(asked.after, audience, keys)
    wanted = FeedFilter(asked.types, caller.departments)
    page = await _look(database, keys, audience, wanted, place, asked.limit)
    if not page.events and asked.wait:
        page = await _wait(database, keys, audience, wanted, page, asked, is_gone)
    return EventsRead(tuple(page.events), feed_cursor(audience, page.upto, keys))


async def _wait(
    database: Database,
    keys: KeyRing,
    audience: bytes,
    wanted: FeedFilter,
    page: FeedPage,
    asked: EventsAsked,
    is_gone: Callable[[], Awaitable[bool]],
) -> FeedPage:
    clock, wakeups = asyncio.get_running_loop().time, database.wakeups
    until = clock() + asked.wait
    with wakeups.waiting(audience) as waiter:
        is_due = True
        while True:
            if is_due:
                page = await _look(database, keys, audience, wanted, page.upto, asked.limit)
            left = until - clock()
            if page.events or left <= 0 or wakeups.is_ending or await is_gone():
                return page
            is_due = page.has_more or await waiter.wait(min(left, _LOOK_ROUND_SECONDS))


async def _look(
    database: Database, keys: KeyRing, audience: bytes, wanted: FeedFilter, after: int | None, limit: int
) -> FeedPage:
    for _ in range(_GLANCES):
        async with database.reading() as session:
            page = await read_feed(session, keys, audience, wanted, after=after, limit=limit)
        if page.events or not page.has_more:
            break
        after = page.upto
    return page


def _read_cursor(cursor: str, audience: bytes, keys: KeyRing) -> int:
    try:
        return read_feed_cursor(cursor, audience, keys)
    except InvalidCursorError:
        message = "Give the `next` of an earlier answer to your organisation, or leave it out to begin."
        raise InvalidInputError((Fault("?after", "cursor", message),)) from None
