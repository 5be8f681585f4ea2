"""Sealed mandates, their evidence and their events: written once, encrypted whole, never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from registry.domain.events import EventType, MandateEvent
from registry.signing.encryption import DataSecret, commitment, decrypt, encrypt, salt
from registry.signing.keys import KeyRing
from registry.storage.database import ReadSession, WriteSession
from registry.storage.tables import (
    erasable_secrets,
    mandate_endings,
    mandate_events,
    mandate_evidence,
    mandate_records,
)

_WITHDRAWAL_TURNS = (EventType.WITHDRAWAL_REQUESTED.value, EventType.WITHDRAWAL_REFUSED.value)


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """An event's exact sealed bytes with what the table says of it."""

    event_id: UUID
    number: int
    type: EventType
    recorded_at: datetime
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Ending:
    """The event that ended a mandate before its time."""

    event_id: UUID
    type: EventType
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class WithdrawalTurn:
    """The latest event about a withdrawal that was asked for: it was asked, or refused."""

    event_id: UUID
    number: int
    type: EventType
    recorded_at: datetime


def record_place(mandate_id: UUID) -> str:
    """Where a record's ciphertext belongs; authenticated with it, and the context of its salt."""
    return f"mandate_records/{mandate_id}"


def event_place(mandate_id: UUID, number: int) -> str:
    """Where an event's ciphertext belongs."""
    return f"mandate_events/{mandate_id}/{number}"


def evidence_place(mandate_id: UUID, position: int) -> str:
    """Where the ciphertext of one signature's evidence belongs."""
    return f"mandate_evidence/{mandate_id}/{position}"


async def add_record(
    session: WriteSession, secret: DataSecret, mandate_id: UUID, sealed: bytes, *, issued_at: datetime
) -> None:
    """Keep a sealed mandate."""
    place = record_place(mandate_id)
    await session.execute(
        insert(mandate_records).values(
            mandate_id=mandate_id,
            issued_at=issued_at,
            commitment=commitment(salt(secret, place), sealed),
            ciphertext=encrypt(secret.data_key, sealed, place),
        )
    )


async def add_evidence(
    session: WriteSession, secret: DataSecret, mandate_id: UUID, evidence: Sequence[bytes]
) -> None:
    """Keep the evidence of each signature exactly as received, in the order of the signatures."""
    await session.execute(
        insert(mandate_evidence),
        [
            {
                "mandate_id": mandate_id,
                "position": position,
                "ciphertext": encrypt(secret.data_key, data, evidence_place(mandate_id, position)),
            }
            for position, data in enumerate(evidence)
        ],
    )


async def add_events(
    session: WriteSession, events: Sequence[tuple[MandateEvent, bytes]], secrets: Mapping[UUID, DataSecret]
) -> None:
    """Keep sealed events, each under the secret of its mandate."""
    await session.execute(
        insert(mandate_events),
        [_event_row(event, sealed, secrets[event.mandate_id]) for event, sealed in events],
    )


def _event_row(event: MandateEvent, sealed: bytes, secret: DataSecret) -> dict[str, Any]:
    place = event_place(event.mandate_id, event.number)
    return {
        "mandate_id": event.mandate_id,
        "number": event.number,
        "recorded_at": event.recorded_at,
        "event_id": event.id,
        "type": event.type.value,
        "commitment": commitment(salt(secret, place), sealed),
        "ciphertext": encrypt(secret.data_key, sealed, place),
    }


async def add_endings(session: WriteSession, events: Sequence[MandateEvent]) -> None:
    """Record the one ending of each of these mandates; the primary key lets only one in."""
    await session.execute(
        insert(mandate_endings),
        [
            {
                "mandate_id": event.mandate_id,
                "event_id": event.id,
                "type": event.type.value,
                "ended_at": event.at,
            }
            for event in events
        ],
    )


async def get_ending(session: ReadSession, mandate_id: UUID) -> Ending | None:
    """How the mandate was ended before its time, if it was."""
    row = await session.one_or_none(select(mandate_endings).where(mandate_endings.c.mandate_id == mandate_id))
    return None if row is None else Ending(row.event_id, EventType(row.type), row.ended_at)


async def has_event(session: ReadSession, mandate_id: UUID, event_id: UUID, event_type: EventType) -> bool:
    """Whether this mandate has such an event."""
    events = mandate_events.c
    found = select(events.event_id).where(
        events.mandate_id == mandate_id, events.event_id == event_id, events.type == event_type.value
    )
    return await session.one_or_none(found) is not None


async def list_withdrawal_turns(
    session: ReadSession, mandate_ids: Sequence[UUID]
) -> dict[UUID, tuple[WithdrawalTurn, ...]]:
    """When withdrawal was asked for and refused, oldest first, of those mandates where it was."""
    events = mandate_events.c
    rows = await session.execute(
        select(events.mandate_id, events.event_id, events.number, events.type, events.recorded_at)
        .where(events.mandate_id.in_(mandate_ids), events.type.in_(_WITHDRAWAL_TURNS))
        .order_by(events.mandate_id, events.number)
    )
    found: dict[UUID, tuple[WithdrawalTurn, ...]] = {}
    for row in rows:
        turn = WithdrawalTurn(row.event_id, row.number, EventType(row.type), row.recorded_at)
        found[row.mandate_id] = (*found.get(row.mandate_id, ()), turn)
    return found


async def get_sealed_record(session: ReadSession, secret: DataSecret, mandate_id: UUID) -> bytes:
    """The exact sealed bytes. Raises DecryptionError, NoResultFound for an unknown mandate."""
    ciphertext = (
        await session.execute(
            select(mandate_records.c.ciphertext).where(mandate_records.c.mandate_id == mandate_id)
        )
    ).scalar_one()
    return decrypt(secret.data_key, ciphertext, record_place(mandate_id))


async def list_sealed_events(
    session: ReadSession, secret: DataSecret, mandate_id: UUID, *, only: int | None = None
) -> list[SealedEvent]:
    """Every event after issue, oldest first, or the one with a number. Raises DecryptionError."""
    events = mandate_events.c
    wanted = events.mandate_id == mandate_id
    rows = await session.execute(
        select(mandate_events)
        .where(wanted if only is None else wanted & (events.number == only))
        .order_by(events.number)
    )
    return [
        SealedEvent(
            row.event_id,
            row.number,
            EventType(row.type),
            row.recorded_at,
            decrypt(secret.data_key, row.ciphertext, event_place(mandate_id, row.number)),
        )
        for row in rows
    ]


async def list_sealed_records(
    session: ReadSession, keys: KeyRing, mandate_ids: Sequence[UUID]
) -> dict[UUID, bytes]:
    """The exact sealed bytes of several mandates; erased ones are left out. Raises DecryptionError."""
    rows = await session.execute(
        select(mandate_records, erasable_secrets.c.kek_number, erasable_secrets.c.wrapped)
        .join(erasable_secrets, erasable_secrets.c.subject_id == mandate_records.c.mandate_id)
        .where(mandate_records.c.mandate_id.in_(mandate_ids))
    )
    sealed = {}
    for row in rows:
        secret = keys.unwrap(row.kek_number, row.wrapped, str(row.mandate_id))
        sealed[row.mandate_id] = decrypt(secret.data_key, row.ciphertext, record_place(row.mandate_id))
    return sealed
