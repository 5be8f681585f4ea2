"""The outbox: what acts leave, in their own transactions, for the organisations that are to be told."""

from collections.abc import Sequence

from sqlalchemy import insert

from registry.domain.notices import Notice
from registry.storage.database import WriteSession
from registry.storage.tables import outbox


async def enqueue(session: WriteSession, notices: Sequence[Notice]) -> None:
    """Leave notices in this act's transaction; those that concern no organisation are for nobody.

    The caller holds the locks of its act, so that the notices about one subject stand in the order in which
    things happened to it. None is fine.
    """
    rows = [
        {
            "event_id": notice.id,
            "type": notice.type.value,
            "occurred_at": notice.occurred_at,
            "subject_id": notice.subject_id,
            "template_id": notice.template_id,
            "template_version": notice.template_version,
            "department": notice.department,
            "services": list(notice.services),
            "notify": [role.value for role in notice.notify],
            "audiences": sorted(notice.audiences),
            "third_party": notice.third_party,
            "details": dict(notice.details),
            "open_uses": list(notice.open_uses),
        }
        for notice in notices
        if notice.audiences
    ]
    if rows:
        await session.execute(insert(outbox), rows)
        session.has_notices = True
