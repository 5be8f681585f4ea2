"""From the outbox to the feeds: each organisation's events, numbered without holes after their commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from registry.domain.notices import NAMES_OPEN_CASES
from registry.storage.database import ReadSession, WriteSession
from registry.storage.tables import outbox

_NAMES_CASES = ", ".join(f"'{name.value}'" for name in sorted(NAMES_OPEN_CASES))

_SEQUENCE = text(
    f"""
    WITH taken AS (
        DELETE FROM outbox WHERE position = ANY(:positions) RETURNING *
    ), told AS (
        SELECT taken.*, one.audience,
            row_number() OVER (PARTITION BY one.audience ORDER BY taken.position) AS place
        FROM taken CROSS JOIN LATERAL (SELECT DISTINCT unnest(taken.audiences) AS audience) AS one
    ), counted AS (
        SELECT audience, count(*) AS told FROM told GROUP BY audience
    ), heads AS (
        INSERT INTO feed_heads (audience, sequence) SELECT audience, told FROM counted ORDER BY audience
        ON CONFLICT (audience) DO UPDATE SET sequence = feed_heads.sequence + excluded.sequence
        RETURNING audience, sequence
    ), added AS (
        INSERT INTO feed_events (audience, sequence, sequenced_at, event_id, type, occurred_at, subject_id,
            template_id, template_version, department, is_third_party, services, notify, details, open_uses)
        SELECT audience, heads.sequence - counted.told + told.place, :now, event_id, type, occurred_at,
            subject_id, template_id, template_version, department, audience IS NOT DISTINCT FROM third_party,
            services, notify, details,
            CASE WHEN audience = third_party AND type IN ({_NAMES_CASES}) THEN open_uses END
        FROM told JOIN counted USING (audience) JOIN heads USING (audience)
    )
    SELECT audience, heads.sequence - counted.told + 1 AS first, heads.sequence AS last
    FROM heads JOIN counted USING (audience)
    """  # noqa: S608  # our own names
).bindparams(bindparam("positions", type_=ARRAY(BigInteger)), bindparam("now", type_=DateTime(timezone=True)))

_SET_ASIDE = text(
    """
    WITH taken AS (DELETE FROM outbox WHERE position = :position RETURNING *)
    INSERT INTO outbox_set_aside (position, set_aside_at, reason, notice)
    SELECT position, :now, :reason, to_jsonb(taken) FROM taken
    """
).bindparams(bindparam("now", type_=DateTime(timezone=True)))

_PUT_BACK = text(
    """
    WITH taken AS (DELETE FROM outbox_set_aside RETURNING notice)
    INSERT INTO outbox SELECT notice.* FROM taken, jsonb_populate_record(NULL::outbox, taken.notice) AS notice
    """
)


@dataclass(frozen=True, slots=True)
class WaitingNotice:
    """A row of the outbox, as far as it has to be understood before it is told."""

    position: int
    type: str
    details: Any


@dataclass(frozen=True, slots=True)
class Stretch:
    """The events that one organisation's feed has been given: the sequences from `first` to `last`."""

    audience: bytes
    first: int
    last: int


async def become_sequencer(session: WriteSession) -> bool:
    """Whether this transaction is the sequencer until it ends; another one is at it otherwise."""
    got = await session.execute(select(func.pg_try_advisory_xact_lock(func.hashtextextended("sequencer", 0))))
    return bool(got.scalar_one())


async def list_waiting_notices(session: ReadSession, *, limit: int) -> list[WaitingNotice]:
    """What waits in the outbox, in order."""
    waiting = outbox.c
    rows = await session.execute(
        select(waiting.position, waiting.type, waiting.details).order_by(waiting.position).limit(limit)
    )
    return [WaitingNotice(row.position, row.type, row.details) for row in rows]


async def sequence_notices(
    session: WriteSession, positions: Sequence[int], *, now: datetime
) -> list[Stretch]:
    """Move notices from the outbox to the feed of each of their audiences; `now` is when that happened."""
    rows = await session.execute(_SEQUENCE, {"positions": list(positions), "now": now})
    return [Stretch(row.audience, row.first, row.last) for row in rows]


async def set_notice_aside(session: WriteSession, position: int, reason: str, *, now: datetime) -> None:
    """Take a notice that cannot be told out of the way; it is kept, with the reason."""
    await session.execute(_SET_ASIDE, {"position": position, "reason": reason, "now": now})


async def put_notices_back(session: WriteSession) -> int:
    """Give everything that was set aside another chance, in its old order; returns how many there are."""
    return (await session.execute(_PUT_BACK)).rowcount
