"""Sequence events: what acts left in the outbox is numbered and told, in the order of each organisation."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog

from registry.domain.errors import UnavailableError
from registry.domain.notices import is_tellable
from registry.storage.database import Database, WriteSession
from registry.storage.fan_out import fan_out
from registry.storage.sequencing import (
    Stretch,
    WaitingNotice,
    become_sequencer,
    list_waiting_notices,
    put_notices_back,
    sequence_notices,
    set_notice_aside,
)

AT_ONCE = 1_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sequenced:
    """What a round did. `has_more` tells that another is called for at once."""

    told: int = 0
    set_aside: int = 0
    has_more: bool = False


async def sequence_events(database: Database, *, now: datetime, at_once: int = AT_ONCE) -> Sequenced:
    """Move up to `at_once` notices from the outbox to the feeds, in one transaction, and wake who waits.

    One process at a time does so: others return at once, having done nothing. A notice that cannot be told
    is set aside and logged, so that it holds up no other. Raises UnavailableError.
    """
    try:
        return await _sequence(database, now=now, at_once=at_once)
    except UnavailableError:
        raise
    except Exception:
        if not await _set_culprits_aside(database, now=now, at_once=at_once):
            raise
        return Sequenced(has_more=True)


async def retry_set_aside(database: Database) -> int:
    """Put what was set aside back into the outbox: newer code may know what to do with it."""
    async with database.transaction() as session:
        count = await put_notices_back(session)
        session.has_notices = count > 0
    return count


async def _sequence(database: Database, *, now: datetime, at_once: int) -> Sequenced:
    async with database.transaction() as session:
        if not await become_sequencer(session):
            return Sequenced()
        waiting = await list_waiting_notices(session, limit=at_once)
        if not waiting:
            return Sequenced()
        good, bad = _sort(waiting)
        stretches = await _tell(session, good, now=now)
        for notice in bad:
            await set_notice_aside(session, notice.position, "unknown type or details", now=now)
    for notice in bad:
        _log.error("events.set_aside", position=notice.position, type=notice.type)
    await database.wakeups.tell({stretch.audience for stretch in stretches})
    return Sequenced(len(good), len(bad), len(waiting) == at_once)


def _sort(waiting: Iterable[WaitingNotice]) -> tuple[list[WaitingNotice], list[WaitingNotice]]:
    """Those that can be told, and those that cannot."""
    good: list[WaitingNotice] = []
    bad: list[WaitingNotice] = []
    for notice in waiting:
        (good if is_tellable(notice.type, notice.details) else bad).append(notice)
    return good, bad


async def _tell(session: WriteSession, notices: Iterable[WaitingNotice], *, now: datetime) -> list[Stretch]:
    """Everything that is done with new events, in this order; each step sees the rows of those before."""
    stretches = await sequence_notices(session, [notice.position for notice in notices], now=now)
    await fan_out(session, {stretch.audience: stretch.first for stretch in stretches}, now=now)
    return stretches


async def _set_culprits_aside(database: Database, *, now: datetime, at_once: int) -> int:
    """Find what a round fails on by trying each notice for itself; returns how many were set aside.

    Where every one fails it is no fault of theirs, and all stay where they are.
    """
    async with database.reading() as session:
        waiting = await list_waiting_notices(session, limit=at_once)
    failed: list[tuple[WaitingNotice, str]] = []
    for notice in waiting:
        try:
            async with database.transaction() as session:
                if not await become_sequencer(session):
                    return 0
                if is_tellable(notice.type, notice.details):
                    await _tell(session, [notice], now=now)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, it is this notice's
            failed.append((notice, type(error).__name__))
    if len(failed) == len(waiting):
        return 0
    async with database.transaction() as session:
        for notice, reason in failed:
            await set_notice_aside(session, notice.position, reason, now=now)
    for notice, reason in failed:
        _log.error("events.set_aside", position=notice.position, type=notice.type, error=reason)
    return len(failed)
