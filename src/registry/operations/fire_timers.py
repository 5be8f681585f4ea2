"""Fire timers: tell that mandates expire, and warn before, once each, also after days of downtime."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from uuid_utils.compat import uuid7

from registry.domain.documents import Json, utc_text
from registry.domain.notices import FeedEventType
from registry.domain.timers import latest_warning, next_timer
from registry.operations.announce import Happening, announce_happenings
from registry.signing.keys import KeyRing
from registry.storage.database import Database
from registry.storage.timers import DueTimer, claim_due_timers, remove_timers, set_timers

AT_ONCE = 500


async def fire_timers(database: Database, keys: KeyRing, *, now: datetime, at_once: int = AT_ONCE) -> int:
    """Tell what is due by now and set the next moments; returns how many mandates that were.

    Any number of processes may: each transaction locks up to `at_once` timers with their mandates, and
    takes none that another has locked. Of several warnings that were missed only the last is given, and
    none once the mandate has expired. Raises UnavailableError.
    """
    fired = 0
    while True:
        async with database.transaction() as session:
            due = await claim_due_timers(session, now=now, limit=at_once)
            await announce_happenings(session, keys, list(_happenings(due, now)))
            expired = [timer.mandate_id for timer in due if timer.valid_until <= now]
            await remove_timers(session, expired)
            ahead = [timer for timer in due if timer.valid_until > now]
            await set_timers(
                session,
                {
                    timer.mandate_id: next_timer(timer.valid_until, timer.warning_days, after=now)
                    for timer in ahead
                },
            )
        fired += len(due)
        if len(due) < at_once:
            return fired


def _happenings(due: Iterable[DueTimer], now: datetime) -> Iterator[Happening]:
    for timer in due:
        told: dict[str, Json] = {"valid_until": utc_text(timer.valid_until)}
        days = latest_warning(timer.valid_until, timer.warning_days, now)
        if timer.valid_until <= now:
            expired = FeedEventType.MANDATE_EXPIRED
            yield Happening(uuid7(), timer.mandate_id, expired, timer.valid_until, told)
        elif days is not None:
            expiring = FeedEventType.MANDATE_EXPIRING
            yield Happening(uuid7(), timer.mandate_id, expiring, now, told | {"days": days})
