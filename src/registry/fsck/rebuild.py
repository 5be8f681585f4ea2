"""Rebuilding the projection from the sealed records, while the registry serves."""

import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, select
from sqlalchemy.dialects.postgresql import insert

from registry.fsck.findings import Finding, Kind, Progress, Rebuilt, Report, Tally, Watcher, differing
from registry.fsck.history import HeldRows, History, open_history
from registry.fsck.mandates import Templates, derive, ending_of, hold_rows, template_key
from registry.fsck.rebuild_entries import rebuild_entry_projections
from registry.fsck.rows import (
    MANDATE_TABLES,
    estimate_rows,
    read_publications,
    read_range_ids,
    read_rows_of,
)
from registry.fsck.timers import rebuild_timers
from registry.signing.keys import KeyRing
from registry.storage.database import Database, WriteSession
from registry.storage.locks import hold_lock
from registry.storage.projection import open_use_rows
from registry.storage.tables import (
    mandate_evidence,
    mandate_records,
    mandate_states,
    mandate_timers,
    open_uses,
    representations,
)

_AT_ONCE = 200
_RANGED = (mandate_records, mandate_states, representations, open_uses)
_NEEDED = tuple(table for table in MANDATE_TABLES if table is not mandate_evidence)

_Projected = tuple[dict[str, Any], list[dict[str, Any]]]


@dataclass(slots=True)
class _Work:
    """What a rebuild has done so far."""

    tally: Tally = field(default_factory=Tally)
    mandates: int = 0
    written: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)

    def note(self, table: Table, *, written: int = 0, removed: int = 0) -> None:
        """Count rows, where there are any."""
        self.written.update({table.name: written} if written else {})
        self.removed.update({table.name: removed} if removed else {})


async def rebuild_projection(database: Database, keys: KeyRing, *, progress: Watcher = None) -> Rebuilt:
    """Make `mandate_states`, `representations`, open uses, and what projects entries, what the records say.

    Then give every mandate its timer that lacks it.

    Rows that are as they should be are left alone, others are written anew, and those without a record are
    removed. It may run beside a registry that serves, and be stopped and started again at any time: each
    step is one transaction over some 200 mandates, which it locks as every act on a mandate does (and in
    the order of their ids), so that an act waits for one step at most and a verification never sees a step
    half done. Two rebuilds take turns.

    A mandate whose record, events, ending or template cannot be read keeps the rows it has and is named
    in `left`. Events that were lost at the end of a history can only be told by the rows that this
    replaces: run `check_database` first. Raises UnavailableError.
    """
    started = time.perf_counter()
    work = _Work()
    expected = None if progress is None else await estimate_rows(database, mandate_records)
    after: UUID | None = None
    while True:
        async with database.transaction() as session:
            await hold_lock(session, "rebuild_projection")
            ids, upto = await read_range_ids(session, _RANGED, after, _AT_ONCE)
            await _rebuild(session, keys, ids, work)
        if progress is not None:
            progress(Progress(mandate_records.name, work.mandates, expected))
        if upto is None:
            break
        after = upto
    await rebuild_entry_projections(database, keys, work.tally, work.written, work.removed, at_once=_AT_ONCE)
    written, removed = await rebuild_timers(database)
    work.note(mandate_timers, written=written, removed=removed)
    tally = work.tally
    seconds = time.perf_counter() - started
    left = Report(tally.counts, tally.kinds, tuple(tally.kept), seconds)
    return Rebuilt(work.mandates, work.written, work.removed, left)


async def _rebuild(session: WriteSession, keys: KeyRing, ids: Collection[UUID], work: _Work) -> None:
    """Rebuild the rows of these mandates.

    Each statement sees what was committed before it. A row of the projection is committed with its record:
    whatever was seen to have one has its record by now, or has none. After the lock no act changes a
    mandate that was seen; one issued since is not among them.
    """
    locked = mandate_states.c.mandate_id
    await session.execute(select(locked).where(locked.in_(ids)).order_by(locked).with_for_update())
    batch = await read_rows_of(session, _NEEDED, ids)
    opened = [_open(held, keys) for held in hold_rows(batch)]
    # The records can name other templates than the rows that are to be rebuilt.
    named = {template_key(item.history.mandate) for item in opened if item.history.mandate is not None}
    templates = Templates(keys, await read_publications(session, named))
    rebuilt: list[tuple[HeldRows, _Projected]] = []
    for item in opened:
        derived = _derive(item, templates, work.tally) if item.is_recorded else None
        if derived is not None:
            rebuilt.append((item.held, derived))
    work.mandates += sum(item.is_recorded for item in opened)
    await _remove(session, [item.held.mandate_id for item in opened if not item.is_recorded], work)
    await _write_states(session, rebuilt, work)
    await _write_representations(session, rebuilt, work)
    derived_ids = {held.mandate_id for held, _ in rebuilt}
    await _write_open_uses(session, [item for item in opened if item.held.mandate_id in derived_ids], work)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A mandate's rows with its history, and what is wrong in that."""

    held: HeldRows
    is_recorded: bool
    history: History
    found: list[Finding]


def _open(held: HeldRows, keys: KeyRing) -> _Opened:
    record = held.one("mandate_records")
    found: list[Finding] = []
    history = History() if record is None else open_history(held, record, keys, found)
    return _Opened(held, record is not None, history, found)


def _derive(item: _Opened, templates: Templates, tally: Tally) -> _Projected | None:
    """The rows that project a mandate; None, with the reason noted, where its records do not tell them."""
    derived = derive(item.history, templates)
    if item.held.one("mandate_endings") is not None and ending_of(item.history) is None:
        derived = "mandate_endings"
    if isinstance(derived, str):
        item.held.spot(item.found, "mandate_states").note(derived, Kind.UNVERIFIABLE)
        tally.add(item.found)
        return None
    return derived


async def _remove(session: WriteSession, ids: Collection[UUID], work: _Work) -> None:
    for table in (open_uses, representations, mandate_states):
        result = await session.execute(delete(table).where(table.c.mandate_id.in_(ids)))
        work.note(table, removed=result.rowcount)


async def _write_open_uses(session: WriteSession, derived: Collection[_Opened], work: _Work) -> None:
    for item in derived:
        rows = open_use_rows(event for event, _ in item.history.events)
        if sorted(map(str, rows)) == sorted(map(str, item.held.all("open_uses"))):
            continue
        await session.execute(delete(open_uses).where(open_uses.c.mandate_id == item.held.mandate_id))
        if rows:
            await session.execute(insert(open_uses), rows)
        work.note(open_uses, written=len(rows))


async def _write_states(
    session: WriteSession, rebuilt: Collection[tuple[HeldRows, _Projected]], work: _Work
) -> None:
    rows = []
    for held, (state, _) in rebuilt:
        stored = held.one("mandate_states")
        if stored is None or differing(stored, state):
            rows.append(state)
    if not rows:
        return
    statement = insert(mandate_states)
    # An update in place keeps an act that waits for the row waiting for it; a new row it would not find.
    columns = {c.name: c for c in statement.excluded if not c.primary_key}
    await session.execute(statement.on_conflict_do_update(index_elements=["mandate_id"], set_=columns), rows)
    work.written[mandate_states.name] += len(rows)


async def _write_representations(
    session: WriteSession, rebuilt: Collection[tuple[HeldRows, _Projected]], work: _Work
) -> None:
    rows: list[dict[str, Any]] = []
    replaced: list[UUID] = []
    for held, (_, expected) in rebuilt:
        stored = held.all("representations")
        by_position = dict(enumerate(expected))
        is_same = len(stored) == len(expected) and all(
            row["position"] in by_position and not differing(row, by_position[row["position"]])
            for row in stored
        )
        if not is_same:
            replaced.append(held.mandate_id)
            rows.extend(expected)
    if replaced:
        await session.execute(delete(representations).where(representations.c.mandate_id.in_(replaced)))
        await session.execute(insert(representations), rows)
        work.written[representations.name] += len(rows)
