"""Fire timers: tell that mandates expire, and warn before, once each, also after days of downtime."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from registry.domain.documents import Json, utc_text
from registry.domain.notices import FeedEventType
from registry.domain.timers import latest_warning, next_timer
from registry.operations.announce import Happening, announce_happenings
from registry.operations.work_off import work_off
from registry.signing.keys import KeyRing
from registry.storage.database import Database, WriteSession
from registry.storage.timers import DueTimer, claim_due_timers, remove_timers, set_timers

AT_ONCE = 500


async def fire_timers(database: Database, keys: KeyRing, *, now: datetime, at_once: int = AT_ONCE) -> int:
    """Tell what is due by now and set the next moments; returns how many mandates that were.

    Any number of processes may: each transaction locks up to `at_once` timers with their mandates, and
    takes none that another has locked. Of several warnings that were missed only the last is given, and
    none once the mandate has expired. A mandate of which nothing can be told is logged, and holds up no
    other. Raises UnavailableError.
    """

    async def claim(session: WriteSession, limit: int, left: Collection[UUID]) -> Mapping[UUID, DueTimer]:
        due = await claim_due_timers(session, now=now, limit=limit, but=left)
        return {timer.mandate_id: timer for timer in due}

    async def fire(session: WriteSession, due: Mapping[UUID, DueTimer]) -> Collection[UUID]:
        await announce_happenings(session, keys, list(_happenings(due.values(), now)))
        await remove_timers(session, [timer.mandate_id for timer in due.values() if timer.valid_until <= now])
        ahead = [timer for timer in due.values() if timer.valid_until > now]
        following = {
            timer.mandate_id: next_timer(timer.valid_until, timer.warning_days, after=now) for timer in ahead
        }
        await set_timers(session, following)
        return ()

    return await work_off(database, claim, fire, what="timer", at_once=at_once)


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
