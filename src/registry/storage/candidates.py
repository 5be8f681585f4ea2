"""The look-up behind verification: the mandates between the parties of many questions, in one statement."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from registry.domain.events import Lifetime
from registry.domain.parties import PartyType
from registry.domain.questions import Candidate
from registry.domain.restrictions import Block
from registry.storage.ancestors import ancestors_sql, read_ancestors
from registry.storage.database import Database
from registry.storage.projection import read_changes
from registry.storage.restrictions import read_blocks

# The outer join gives one row, with the position in the log, also to a question without mandates.
# Restrictions come in the same statement, so that no answer mixes two states; only where there are any is
# it looked up which mandates are guardians'.
_FIND = f"""
SELECT q.place, pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS lsn, r.mandate_id,
    q.representative_index, r.principal_role, r.specifier_index, r.permissions, r.services,
    r.valid_from, r.valid_until, r.issued_at, r.changes, r.together, r.approval,
    r.principal_below, r.representative_from,
    {ancestors_sql("r")} AS lineage, b.blocks,
    CASE WHEN b.blocks IS NOT NULL THEN (
        SELECT bool_or(m.basis <> 'voluntary' OR t.content -> 'signing' ->> 'by' = 'guardian')
        FROM mandate_states m
        JOIN template_versions t ON t.template_id = m.template_id AND t.version = m.template_version
        WHERE m.mandate_id = ANY (r.ancestors || r.mandate_id)
    ) END AS is_guardians,
    CASE WHEN b.blocks IS NOT NULL AND r.ancestors IS NOT NULL THEN (
        SELECT array_agg(h.representative_index) FROM representations h WHERE h.mandate_id = ANY (r.ancestors)
    ) END AS holders_above
FROM unnest($1::text[], $2::bytea[], $3::bytea[]) WITH ORDINALITY
    AS q (third_party, principal_index, representative_index, place)
LEFT JOIN representations r ON r.representative_index = q.representative_index
    AND r.third_party = q.third_party AND r.principal_index = q.principal_index
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_array(s.scope, s.valid_from, s.imposed_at, s.valid_until, s.lifted_at,
        encode(s.representative_index, 'hex'), s.service)) AS blocks
    FROM restriction_states s
    WHERE s.subject_index = q.principal_index AND coalesce(s.third_party, q.third_party) = q.third_party
) b
"""  # noqa: S608  # our own names


@dataclass(slots=True)
class PartiesAsked:
    """Between whom, as blind indexes: the representative first, then those who act together with it."""

    third_party: str
    principal_index: bytes
    representative_indexes: Sequence[bytes]


async def find_candidates(
    database: Database, asked: Sequence[PartiesAsked]
) -> tuple[list[list[Candidate]], list[tuple[Block, ...]], int]:
    """The candidates of each question, the restrictions on its principal, and the position in the log seen.

    A candidate is held by the first representative; `holders` counts how many of those named hold it.
    """
    pairs = [
        (parties.third_party, parties.principal_index, index)
        for parties in asked
        for index in parties.representative_indexes
    ]
    rows = await database.fetch_hot(_FIND, *map(list, zip(*pairs, strict=True)))
    held: list[list[Any]] = [[] for _ in pairs]
    blocked: dict[int, str] = {}
    for row in rows:
        if row["blocks"] is not None:
            blocked[row["place"] - 1] = row["blocks"]
        if row["mandate_id"] is not None:
            held[row["place"] - 1].append(row)
    found: list[list[Candidate]] = []
    blocks: list[tuple[Block, ...]] = []
    place = 0
    for parties in asked:
        end = place + len(parties.representative_indexes)
        found.append(_candidates(held[place:end]))
        blocks.append(read_blocks(orjson.loads(blocked[place])) if place in blocked else ())
        place = end
    return found, blocks, int(rows[0]["lsn"])


def _candidates(held: list[list[Any]]) -> list[Candidate]:
    """The mandates of the first representative, from the rows of each of them."""
    if len(held) == 1:
        return [read_candidate(row, 1) for row in held[0]]
    others: dict[UUID, set[bytes]] = defaultdict(set)
    for rows in held[1:]:
        for row in rows:
            others[row["mandate_id"]].add(row["representative_index"])
    found = []
    for row in held[0]:
        candidate = read_candidate(row, 1 + len(others[row["mandate_id"]]))
        candidate.held_together = frozenset(others[row["mandate_id"]])
        found.append(candidate)
    return found


def read_candidate(row: Any, holders: int) -> Candidate:  # noqa: ANN401  # asyncpg has no row type per query
    """Read a row of verification's statement, or of one with the same columns."""
    changes, lineage = row["changes"], row["lineage"]
    valid_until: datetime | None = row["valid_until"]
    return Candidate(
        mandate_id=row["mandate_id"],
        lifetime=Lifetime(
            row["valid_from"],
            valid_until,
            row["issued_at"],
            read_changes(orjson.loads(changes)) if changes else (),
        ),
        permissions=frozenset(row["permissions"]),
        services=frozenset(row["services"]),
        principal_role=PartyType(row["principal_role"]),
        specifier_index=row["specifier_index"],
        together=row["together"],
        holders=holders,
        approval=row["approval"],
        principal_below=row["principal_below"],
        representative_from=row["representative_from"],
        ancestors=read_ancestors(orjson.loads(lineage)) if lineage else (),
        is_guardians=bool(row["is_guardians"]),
        holders_above=frozenset(row["holders_above"] or ()),
    )
