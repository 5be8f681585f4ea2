"""Statutory deliveries: what stands under a key, and what stands in the way of what is new."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from registry.domain.deliveries import DeliveryKey, overlap
from registry.domain.mandate import MandateContent
from registry.domain.parties import Party
from registry.signing.encryption import decrypt
from registry.signing.keys import KeyRing
from registry.storage.database import ReadSession, WriteSession
from registry.storage.locks import hold_lock
from registry.storage.mandate_records import evidence_place
from registry.storage.projection import specifier_index
from registry.storage.tables import (
    erasable_secrets,
    mandate_evidence,
    mandate_states,
    representations,
    statutory_deliveries,
)

_deliveries, _states = statutory_deliveries.c, mandate_states.c


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """What stands under a key: the mandates in the order delivered, and when they last changed."""

    mandate_ids: tuple[UUID, ...]
    delivered_at: datetime


async def lock_delivery(
    session: WriteSession, third_party: Party, delivery: DeliveryKey
) -> StoredDelivery | None:
    """Wait for every other delivery under this key, the first one too; None where nothing was delivered."""
    await hold_lock(session, f"statutory-delivery:{third_party}:{delivery.source}:{delivery.key}")
    row = await session.one_or_none(
        select(statutory_deliveries).where(
            _deliveries.third_party == str(third_party),
            _deliveries.source == delivery.source,
            _deliveries.key == delivery.key,
        )
    )
    return None if row is None else StoredDelivery(tuple(row.mandate_ids), row.delivered_at)


async def put_delivery(
    session: WriteSession,
    third_party: Party,
    delivery: DeliveryKey,
    mandate_ids: Sequence[UUID],
    *,
    now: datetime,
) -> None:
    """Note what stands under a key now; the transaction has locked it."""
    changed = {"mandate_ids": list(mandate_ids), "delivered_at": now}
    await session.execute(
        insert(statutory_deliveries)
        .values(third_party=str(third_party), source=delivery.source, key=delivery.key, **changed)
        .on_conflict_do_update(constraint=statutory_deliveries.primary_key, set_=changed)
    )


async def list_delivered(
    session: ReadSession, keys: KeyRing, mandate_ids: Sequence[UUID]
) -> dict[bytes, UUID]:
    """The mandates by their evidence, which is what was delivered. Raises DecryptionError.

    Erased ones are left out.
    """
    rows = await session.execute(
        select(mandate_evidence, erasable_secrets.c.kek_number, erasable_secrets.c.wrapped)
        .join(erasable_secrets, erasable_secrets.c.subject_id == mandate_evidence.c.mandate_id)
        .where(mandate_evidence.c.mandate_id.in_(mandate_ids), mandate_evidence.c.position == 0)
    )
    found = {}
    for row in rows:
        secret = keys.unwrap(row.kek_number, row.wrapped, str(row.mandate_id))
        evidence = decrypt(secret.data_key, row.ciphertext, evidence_place(row.mandate_id, row.position))
        found[evidence] = row.mandate_id
    return found


async def lock_all_grants(session: WriteSession, contents: Sequence[MandateContent], keys: KeyRing) -> None:
    """Wait for every other issue between these principals and templates, as `lock_grants` does for one.

    In the order of their names: of two that lock many, neither waits for the other in turn.
    """
    names = {f"grants:{keys.party_index(item.principal.party).hex()}:{item.template_id}" for item in contents}
    name = func.unnest(literal(sorted(names), ARRAY(Text))).column_valued("name")
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def find_any_in_force(
    session: WriteSession, contents: Sequence[MandateContent], keys: KeyRing
) -> UUID | None:
    """A mandate in force that one of these would repeat, as `find_in_force` finds for one; None if none."""
    wanted: dict[object, list[MandateContent]] = {}
    for content in contents:
        wanted.setdefault(_alike(content, keys), []).append(content)
    holders = (
        select(func.array_agg(representations.c.representative_index))
        .where(representations.c.mandate_id == _states.mandate_id)
        .scalar_subquery()
    )
    rows = await session.execute(
        select(mandate_states, holders.label("holders")).where(
            _states.principal_index.in_({keys.party_index(item.principal.party) for item in contents}),
            _states.template_id.in_({item.template_id for item in contents}),
            _states.ended_at.is_(None),
            _states.used_up_at.is_(None),
        )
    )
    for row in rows:
        for content in wanted.get(_alike_row(row), ()):
            if overlap((row.valid_from, row.valid_until), (content.valid_from, content.valid_until)):
                found: UUID = row.mandate_id
                return found
    return None


def _alike(content: MandateContent, keys: KeyRing) -> object:
    return (
        keys.party_index(content.principal.party),
        content.template_id,
        content.principal_role.value,
        content.permissions,
        specifier_index(keys, content.specifier),
        tuple(sorted(keys.party_index(named.party) for named in content.representatives)),
    )


def _alike_row(row: Any) -> object:  # noqa: ANN401  # a row of several tables
    return (
        row.principal_index,
        row.template_id,
        row.principal_role,
        tuple(row.permissions),
        row.specifier_index,
        tuple(sorted(row.holders)),
    )
