"""Rebuilding what projects sealed entries, while the registry serves."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, select
from sqlalchemy.dialects.postgresql import insert

from registry.fsck.entries import derive_rows, has_entries
from registry.fsck.findings import Finding, Kind, Tally, differing
from registry.fsck.history import HeldRows
from registry.fsck.mandates import hold_rows
from registry.fsck.projections import PROJECTION_TABLES
from registry.fsck.rows import ENTRY_TABLES, leading_key, read_range_ids, read_rows_of
from registry.signing.keys import KeyRing
from registry.storage.database import Database, WriteSession
from registry.storage.locks import hold_lock
from registry.storage.tables import erasable_secrets


async def rebuild_entry_projections(
    database: Database,
    keys: KeyRing,
    tally: Tally,
    written: Counter[str],
    removed: Counter[str],
    *,
    at_once: int,
) -> None:
    """Make every projection of sealed entries what these say, row for row; as `rebuild_projection`.

    A subject whose entries cannot be read keeps the rows it has and is named in `tally`.
    """
    after: UUID | None = None
    while True:
        async with database.transaction() as session:
            await hold_lock(session, "rebuild_projection")
            ids, upto = await read_range_ids(session, ENTRY_TABLES, after, at_once)
            for held in await _hold(session, ids):
                await _rebuild(session, keys, held, tally, written, removed)
        if upto is None:
            return
        after = upto


async def _hold(session: WriteSession, ids: Collection[UUID]) -> list[HeldRows]:
    """Lock the rows as every act on a subject does, then read them with the entries as they are by then."""
    for table in PROJECTION_TABLES:
        key = leading_key(table)
        await session.execute(select(key).where(key.in_(ids)).order_by(*table.primary_key).with_for_update())
    batch = await read_rows_of(session, (*ENTRY_TABLES, erasable_secrets), ids)
    return [held for held in hold_rows(batch) if has_entries(held)]


async def _rebuild(
    session: WriteSession,
    keys: KeyRing,
    held: HeldRows,
    tally: Tally,
    written: Counter[str],
    removed: Counter[str],
) -> None:
    found: list[Finding] = []
    rows = derive_rows(held, keys, found)
    if rows is None:
        held.spot(found, "sealed_entries").note("sealed_entries", Kind.UNVERIFIABLE)
        tally.add(found)
        return
    for table in PROJECTION_TABLES:
        await _write(session, table, held, rows.get(table.name, ()), written, removed)


async def _write(
    session: WriteSession,
    table: Table,
    held: HeldRows,
    rows: Sequence[Mapping[str, Any]],
    written: Counter[str],
    removed: Counter[str],
) -> None:
    names = [column.name for column in table.primary_key]
    stored = {tuple(row[name] for name in names): row for row in held.all(table.name)}
    for row in rows:
        present = stored.pop(tuple(row[name] for name in names), None)
        if present is None or differing(present, row):
            statement = insert(table).values(dict(row))
            columns = {column.name: column for column in statement.excluded if not column.primary_key}
            await session.execute(statement.on_conflict_do_update(index_elements=names, set_=columns))
            written[table.name] += 1
    for key in stored:
        conditions = [column == value for column, value in zip(table.primary_key, key, strict=True)]
        await session.execute(delete(table).where(*conditions))
        removed[table.name] += 1
