"""Checking statutory deliveries: what is said to stand under a key is what was delivered under it.

What was delivered is the evidence of each mandate, encrypted with it. It does not tell in which order, nor
when the delivery last changed: only that this was not before the newest of its mandates was issued.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, func, select, tuple_

from registry.domain.deliveries import DELIVERY_SCHEMA, DeliveryKey
from registry.domain.mandate import Basis
from registry.fsck.findings import Finding, Kind, Spot, Tally
from registry.signing.encryption import DecryptionError, decrypt
from registry.signing.keys import KeyFileError, KeyRing
from registry.storage.database import Database, ReadSession
from registry.storage.mandate_records import evidence_place
from registry.storage.tables import erasable_secrets, mandate_evidence, mandate_states, statutory_deliveries

_AT_ONCE = 100
_deliveries, _states = statutory_deliveries.c, mandate_states.c
_KEY = (_deliveries.third_party, _deliveries.source, _deliveries.key)


@dataclass(frozen=True, slots=True)
class _Delivered:
    """A mandate as its evidence tells it: `under` which key of its third party, None for one not delivered.

    `is_told` unless its evidence is gone, by an erasure, or cannot be read, which is noted with the mandate.
    """

    third_party: str
    issued_at: datetime
    valid_until: datetime | None
    is_told: bool
    under: DeliveryKey | None


async def check_deliveries(database: Database, keys: KeyRing, tally: Tally) -> None:
    """Compare each delivery with the evidence of its mandates, and look for mandates that none holds.

    Reads in short transactions, as the check of everything does. Raises UnavailableError.
    """
    after: Row[Any] | None = None
    while True:
        statement = select(statutory_deliveries).order_by(*_KEY).limit(_AT_ONCE)
        if after is not None:
            statement = statement.where(tuple_(*_KEY) > tuple_(after.third_party, after.source, after.key))
        async with database.reading() as session:
            rows = (await session.execute(statement)).all()
            named = {mandate_id for row in rows for mandate_id in row.mandate_ids}
            told = await _read_delivered(session, keys, named)
        tally.counts[statutory_deliveries.name] += len(rows)
        found: list[Finding] = []
        for row in rows:
            _check_delivery(row, told, found)
        tally.add(found)
        if len(rows) < _AT_ONCE:
            break
        after = rows[-1]
    async with database.reading() as session:
        tally.add(await _find_left_out(session, keys))


def _check_delivery(row: Row[Any], told: dict[UUID, _Delivered], found: list[Finding]) -> None:
    under = DeliveryKey(row.source, row.key)
    spot = _spot(found, row.third_party, under)
    mandates = [told.get(mandate_id) for mandate_id in row.mandate_ids]
    if len(set(row.mandate_ids)) < len(row.mandate_ids) or not all(
        item is not None and item.third_party == row.third_party and (not item.is_told or item.under == under)
        for item in mandates
    ):
        spot.note("mandate_ids", Kind.COLUMN_MISMATCH)
    if any(item is not None and item.issued_at > row.delivered_at for item in mandates):
        spot.note("delivered_at", Kind.COLUMN_MISMATCH)


async def _find_left_out(session: ReadSession, keys: KeyRing) -> list[Finding]:
    """Mandates that were delivered, stand, and are in no delivery."""
    held = select(func.unnest(_deliveries.mandate_ids))
    stray = await session.execute(
        select(_states.mandate_id).where(
            _states.basis != Basis.VOLUNTARY.value,
            _states.ended_at.is_(None),
            _states.used_up_at.is_(None),
            _states.mandate_id.not_in(held),
        )
    )
    ids, found = list(stray.scalars()), list[Finding]()
    for start in range(0, len(ids), _AT_ONCE):
        told = await _read_delivered(session, keys, ids[start : start + _AT_ONCE])
        for item in told.values():
            if item.under is not None:
                delivered_at = await _delivered_at(session, item.third_party, item.under)
                _note_left_out(item, item.under, delivered_at, found)
    return found


def _note_left_out(
    item: _Delivered, under: DeliveryKey, delivered_at: datetime | None, found: list[Finding]
) -> None:
    spot = _spot(found, item.third_party, under)
    if delivered_at is None:
        spot.note("", Kind.MISSING_ROW)
    elif item.valid_until is None or item.valid_until > delivered_at:
        # What had run out before it was delivered no more needed no end.
        spot.note("mandate_ids", Kind.COLUMN_MISMATCH)


async def _delivered_at(session: ReadSession, third_party: str, under: DeliveryKey) -> datetime | None:
    row = await session.one_or_none(
        select(_deliveries.delivered_at).where(tuple_(*_KEY) == tuple_(third_party, under.source, under.key))
    )
    return None if row is None else row.delivered_at


async def _read_delivered(
    session: ReadSession, keys: KeyRing, mandate_ids: Collection[UUID]
) -> dict[UUID, _Delivered]:
    secrets, evidence = erasable_secrets.c, mandate_evidence.c
    rows = await session.execute(
        select(
            _states.mandate_id,
            _states.third_party,
            _states.issued_at,
            _states.valid_until,
            evidence.ciphertext,
            secrets.kek_number,
            secrets.wrapped,
        )
        .outerjoin(mandate_evidence, (evidence.mandate_id == _states.mandate_id) & (evidence.position == 0))
        .outerjoin(erasable_secrets, secrets.subject_id == _states.mandate_id)
        .where(_states.mandate_id.in_(mandate_ids))
    )
    return {row.mandate_id: _delivered(row, keys) for row in rows}


def _delivered(row: Row[Any], keys: KeyRing) -> _Delivered:
    is_told, under = True, None
    if row.ciphertext is None or row.wrapped is None:
        is_told = False
    else:
        try:
            secret = keys.unwrap(row.kek_number, row.wrapped, str(row.mandate_id))
            plain = decrypt(secret.data_key, row.ciphertext, evidence_place(row.mandate_id, 0))
        except (KeyFileError, DecryptionError):
            is_told = False
        else:
            under = _under(plain)
    return _Delivered(row.third_party, row.issued_at, row.valid_until, is_told, under)


def _under(evidence: bytes) -> DeliveryKey | None:
    """Under what a mandate was delivered; None for evidence of another kind, such as a signature."""
    try:
        document = orjson.loads(evidence)
        if document["schema"] != DELIVERY_SCHEMA:
            return None
        return DeliveryKey(document["source"], document["key"])
    except (ValueError, KeyError, TypeError):
        return None


def _spot(found: list[Finding], third_party: str, under: DeliveryKey) -> Spot:
    return Spot(found, statutory_deliveries.name, f"{third_party}/{under.source}/{under.key}")
