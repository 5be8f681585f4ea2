"""The mandates of one person, given and held, across third parties."""

from uuid import UUID

from sqlalchemy import select, union

from registry.domain.parties import Party
from registry.signing.keys import KeyRing
from registry.storage.database import ReadSession
from registry.storage.mandate_states import STATE_COLUMNS, MandateState, read_state
from registry.storage.tables import mandate_states, representations


async def list_own_states(
    session: ReadSession, keys: KeyRing, party: Party, *, after: UUID | None, limit: int
) -> list[MandateState]:
    """A page of the mandates in which the party is principal or representative, newest first.

    `after` is exclusive. Each side is looked up by its own index, and no more of it than a page: what a
    page costs hardly grows with how many there are.
    """
    index = keys.party_index(party)
    sides = []
    for mandate_id, party_index in (
        (mandate_states.c.mandate_id, mandate_states.c.principal_index),
        (representations.c.mandate_id, representations.c.representative_index),
    ):
        side = select(mandate_id).where(party_index == index)
        if after is not None:
            side = side.where(mandate_id < after)
        sides.append(select(side.order_by(mandate_id.desc()).limit(limit).subquery()))
    ids = union(*sides).subquery()
    rows = await session.execute(
        select(*STATE_COLUMNS)
        .join(ids, ids.c.mandate_id == mandate_states.c.mandate_id)
        .order_by(mandate_states.c.mandate_id.desc())
        .limit(limit)
    )
    return [read_state(row) for row in rows]
