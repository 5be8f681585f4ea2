"""From events to deliveries: which endpoints wish them, when they happen and when they are replayed."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from registry.domain.endpoints import ANY_TYPE
from registry.storage.database import WriteSession
from registry.storage.delivery_statements import typed_statement

_WISHED = f"""
    ('{ANY_TYPE}' = ANY(e.event_types) OR f.type = ANY(e.event_types))
    AND (e.template_ids = '{{}}' OR f.template_id = ANY(e.template_ids))
    AND (e.services = '{{}}' OR e.services && f.services)
    AND (e.departments = '{{}}' OR NOT f.is_third_party OR f.department = ANY(e.departments))
    AND f.details ->> 'endpoint_id' IS DISTINCT FROM CAST(e.id AS text) AND f.subject_id <> e.id
"""

_FAN_OUT = typed_statement(f"""
INSERT INTO webhook_deliveries
    (endpoint_id, id, sequence, sequenced_at, type, state, created_at, due_at, tries, attempts)
SELECT e.id, f.event_id, f.sequence, f.sequenced_at, f.type, 'waiting', :now, :now, 0, 0
FROM unnest(:audiences, :firsts) AS new(audience, first)
JOIN webhook_endpoints e ON e.audience = new.audience AND e.status = 'enabled'
JOIN feed_events f ON f.audience = new.audience AND f.sequence >= new.first
    AND f.sequenced_at >= :now - interval '1 day'
WHERE {_WISHED}
ON CONFLICT DO NOTHING
""")  # noqa: S608  # put together of constants

_REPLAY = typed_statement(f"""
WITH wanted AS (
    SELECT f.* FROM feed_events f JOIN webhook_endpoints e ON e.id = :endpoint_id AND f.audience = e.audience
    WHERE f.sequenced_at >= :since AND {_WISHED}
    ORDER BY f.sequenced_at, f.sequence LIMIT :limit
), queued AS (
    INSERT INTO webhook_deliveries AS d
        (endpoint_id, id, sequence, sequenced_at, type, state, created_at, due_at, tries, attempts)
    SELECT :endpoint_id, event_id, sequence, sequenced_at, type, 'waiting', :now, :now, 0, 0 FROM wanted
    ON CONFLICT (endpoint_id, id) DO UPDATE
        SET state = 'waiting', reason = NULL, due_at = excluded.due_at, tries = 0, finished_at = NULL
        WHERE d.lease_id IS NULL OR d.due_at <= excluded.due_at
)
SELECT count(*) AS replayed, max(sequenced_at) AS newest FROM wanted
""")  # noqa: S608  # put together of constants


async def fan_out(session: WriteSession, firsts: Mapping[bytes, int], *, now: datetime) -> int:
    """Queue new events for every enabled endpoint that wishes them, in the sequencer's transaction.

    `firsts` gives for each audience the first of its new sequences. Returns how many deliveries were queued.
    """
    parameters = {"audiences": list(firsts), "firsts": list(firsts.values()), "now": now}
    return (await session.execute(_FAN_OUT, parameters)).rowcount


async def queue_again(
    session: WriteSession, endpoint_id: UUID, since: datetime, *, limit: int, now: datetime
) -> tuple[int, datetime | None]:
    """Queue all events that an endpoint wishes and that were told since then, oldest first.

    Returns how many, and when the newest of them was told. Fewer are ever told at one moment than a replay
    takes, so that going on from there ends.
    """
    parameters = {"endpoint_id": endpoint_id, "since": since, "limit": limit, "now": now}
    row = (await session.execute(_REPLAY, parameters)).one()
    return row.replayed, row.newest
