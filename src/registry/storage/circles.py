"""Whom mandates concern: the organisations that see them, and what their templates say of telling."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, select

from registry.domain.mandate import read_record
from registry.domain.notices import Circle
from registry.domain.template import Notify, Role
from registry.signing.keys import KeyRing
from registry.signing.records import SealType, open_seal
from registry.storage.database import ReadSession, any_of
from registry.storage.mandate_records import list_sealed_records
from registry.storage.projection import organisation_indexes
from registry.storage.tables import mandate_states, open_uses, template_versions

_states, _versions, _uses = mandate_states.c, template_versions.c, open_uses.c


async def list_circles(
    session: ReadSession, keys: KeyRing, mandate_ids: Collection[UUID], *, with_uses: bool
) -> dict[UUID, Circle]:
    """Whom each of these mandates concerns: who sees it, also as one that granted it on.

    `with_uses` tells to look up the uses that nobody has closed. Raises DecryptionError, SealError.
    """
    rows = (
        await session.execute(
            select(
                *(_states[name] for name in _NEEDED),
                _versions.department,
                _versions.services,
                _versions.content["notify"].label("notify"),
            )
            .join(
                template_versions,
                and_(
                    _versions.template_id == _states.template_id,
                    _versions.version == _states.template_version,
                ),
            )
            .where(_states.mandate_id == any_of(list(mandate_ids)))
        )
    ).all()
    organisations = await _list_organisations(session, keys, rows)
    uses = await _list_open_uses(session, mandate_ids) if with_uses else {}
    return {row.mandate_id: _circle(row, keys, organisations, uses) for row in rows}


_NEEDED = (
    "mandate_id",
    "third_party",
    "template_id",
    "template_version",
    "organisation_indexes",
    "ancestors",
)


def read_notify(document: Mapping[str, Any]) -> Notify:
    """Read a template's rules on whom to notify."""
    return Notify(**{moment: tuple(map(Role, roles)) for moment, roles in document.items()})


def _circle(
    row: Row[Any],
    keys: KeyRing,
    organisations: Mapping[UUID, Sequence[bytes]],
    uses: Mapping[UUID, Sequence[UUID]],
) -> Circle:
    third_party = keys.blind_index(f"party:{row.third_party}")
    chain = (row.mandate_id, *(row.ancestors or ()))
    seen_by = (index for mandate_id in chain for index in organisations.get(mandate_id, ()))
    return Circle(
        audiences=frozenset({third_party, *seen_by}),
        third_party=third_party,
        template_id=row.template_id,
        template_version=row.template_version,
        department=row.department,
        services=tuple(row.services),
        notify=read_notify(row.notify),
        open_uses=uses.get(row.mandate_id, ()),
    )


async def _list_organisations(
    session: ReadSession, keys: KeyRing, rows: Sequence[Row[Any]]
) -> dict[UUID, Sequence[bytes]]:
    """The organisations named by each mandate and by those above it."""
    found: dict[UUID, Sequence[bytes] | None] = {row.mandate_id: row.organisation_indexes for row in rows}
    above = {upper for row in rows for upper in row.ancestors or ()} - found.keys()
    if above:
        others = await session.execute(
            select(_states.mandate_id, _states.organisation_indexes).where(
                _states.mandate_id == any_of(list(above))
            )
        )
        found |= {row.mandate_id: row.organisation_indexes for row in others}
    known = {mandate_id: indexes for mandate_id, indexes in found.items() if indexes is not None}
    # Issued before there was the column: the record tells, unless it was erased, and with it who was named.
    for mandate_id, sealed in (
        await list_sealed_records(session, keys, [*found.keys() - known.keys()])
    ).items():
        mandate = read_record(open_seal(sealed, keys, SealType.MANDATE))
        known[mandate_id] = organisation_indexes(mandate, keys)
    return known


async def _list_open_uses(session: ReadSession, mandate_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    rows = await session.execute(
        select(_uses.mandate_id, _uses.use_id)
        .where(_uses.mandate_id == any_of(list(mandate_ids)))
        .order_by(_uses.mandate_id, _uses.number)
    )
    found: dict[UUID, list[UUID]] = {}
    for row in rows:
        found.setdefault(row.mandate_id, []).append(row.use_id)
    return found
