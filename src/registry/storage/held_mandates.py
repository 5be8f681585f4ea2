"""The look-up behind "which powers does this holder have here": many questions in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from registry.domain.documents import utc_text
from registry.domain.questions import Candidate
from registry.domain.restrictions import Block
from registry.domain.template import MandateKind
from registry.signing.encryption import decrypt
from registry.signing.keys import KeyRing
from registry.storage.ancestors import ancestors_sql
from registry.storage.candidates import read_candidate
from registry.storage.database import Database
from registry.storage.mandate_records import record_place
from registry.storage.restrictions import read_blocks

# As in verification's statement, restrictions come with the mandates, so that no answer mixes two states.
# What a specifier narrows is left out: who asks for everything a holder may do could not be told of it.
_FIND = f"""
SELECT q.place, r.mandate_id, r.principal_index, r.principal_role, r.specifier_index, r.permissions,
    r.services, r.valid_from, r.valid_until, r.issued_at, r.changes, r.together, r.approval,
    r.principal_below, r.representative_from, {ancestors_sql("r")} AS lineage, b.blocks,
    (SELECT array_agg(h.representative_index ORDER BY h.representative_index)
        FROM representations h WHERE h.mandate_id = r.mandate_id) AS holders,
    CASE WHEN b.blocks IS NOT NULL THEN (
        SELECT bool_or(m.basis <> 'voluntary' OR t.content -> 'signing' ->> 'by' = 'guardian')
        FROM mandate_states m
        JOIN template_versions t ON t.template_id = m.template_id AND t.version = m.template_version
        WHERE m.mandate_id = ANY (r.ancestors || r.mandate_id)
    ) END AS is_guardians,
    CASE WHEN b.blocks IS NOT NULL AND r.ancestors IS NOT NULL THEN (
        SELECT array_agg(h.representative_index) FROM representations h WHERE h.mandate_id = ANY (r.ancestors)
    ) END AS holders_above
FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::text[]) WITH ORDINALITY
    AS q (third_party, representative_index, principal_index, at, place)
JOIN representations r ON r.representative_index = q.representative_index
    AND r.third_party = q.third_party AND r.principal_index = coalesce(q.principal_index, r.principal_index)
    AND r.specifier_index IS NULL
    AND r.valid_from <= q.at::timestamptz AND coalesce(r.valid_until > q.at::timestamptz, true)
JOIN mandate_states s ON s.mandate_id = r.mandate_id AND s.kind = '{MandateKind.REPRESENTATION.value}'
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_array(x.scope, x.valid_from, x.imposed_at, x.valid_until, x.lifted_at,
        encode(x.representative_index, 'hex'), x.service)) AS blocks
    FROM restriction_states x
    WHERE x.subject_index = r.principal_index AND coalesce(x.third_party, q.third_party) = q.third_party
) b
"""  # noqa: S608  # our own names
_RECORDS = """
SELECT r.mandate_id, r.ciphertext, s.kek_number, s.wrapped
FROM unnest($1::text[]) AS wanted (id)
JOIN mandate_records r ON r.mandate_id = wanted.id::uuid
JOIN erasable_secrets s ON s.subject_id = r.mandate_id
"""


@dataclass(slots=True)
class HolderAsked:
    """Whose powers, at which third party, from whom (None: anybody), as blind indexes; at which time."""

    third_party: str
    representative_index: bytes
    principal_index: bytes | None
    at: datetime


@dataclass(slots=True)
class Held:
    """A power of attorney that a holder has, with all who hold it and the restrictions on its principal."""

    principal_index: bytes
    holders: tuple[bytes, ...]
    candidate: Candidate
    blocks: tuple[Block, ...]


async def find_held(database: Database, asked: Sequence[HolderAsked]) -> list[list[Held]]:
    """What each holder holds in its period, in the order of principals; no consents.

    Raises UnavailableError.
    """
    columns = [
        (item.third_party, item.representative_index, item.principal_index, utc_text(item.at))
        for item in asked
    ]
    rows = await database.fetch_hot(_FIND, *map(list, zip(*columns, strict=True)))
    found: list[list[Held]] = [[] for _ in asked]
    for row in rows:
        found[row["place"] - 1].append(_held(row))
    for held in found:
        held.sort(key=lambda item: (item.principal_index, item.candidate.mandate_id))
    return found


async def find_sealed_records(
    database: Database, keys: KeyRing, mandate_ids: Sequence[UUID]
) -> dict[UUID, bytes]:
    """The exact sealed bytes of several mandates; erased ones are left out.

    Raises DecryptionError, UnavailableError.
    """
    if not mandate_ids:
        return {}
    rows = await database.fetch_hot(_RECORDS, [str(mandate_id) for mandate_id in mandate_ids])
    sealed = {}
    for row in rows:
        mandate_id = UUID(int=row["mandate_id"].int)
        secret = keys.unwrap(row["kek_number"], row["wrapped"], str(mandate_id))
        sealed[mandate_id] = decrypt(secret.data_key, row["ciphertext"], record_place(mandate_id))
    return sealed


def _held(row: Any) -> Held:  # noqa: ANN401  # asyncpg has no row type per query
    blocks = row["blocks"]
    return Held(
        row["principal_index"],
        tuple(row["holders"]),
        read_candidate(row, 1),
        read_blocks(orjson.loads(blocks)) if blocks else (),
    )
