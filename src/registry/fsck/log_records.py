"""Holding the log against the records: each record is logged or queued, and each entry is of a record."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Row, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from registry.fsck.findings import Finding, Kind, Spot
from registry.storage.database import Database, ReadSession, any_of
from registry.storage.tables import log_entries, log_queue
from registry.tlog.entries import MANDATE, RETIREMENT, TEMPLATE, LogEntry, read_log_entry

_ROWS_AT_ONCE = 2_000

Key: TypeAlias = tuple[str, UUID, int]
"""A record as its log entry names it: kind, subject, number."""

_SOURCES = {
    "mandate_records": ("'mandate'", "mandate_id", "0", "commitment"),
    "mandate_events": ("'mandate'", "mandate_id", "number", "commitment"),
    "sealed_entries": ("kind", "subject_id", "number", "commitment"),
    "template_publications": ("'template'", "template_id", "version", "template_commitment(sealed)"),
    "template_retirements": ("'retirement'", "template_id", "0", "template_commitment(sealed)"),
}
"""The tables whose rows are logged: kind, subject, number and commitment of each row."""

_SINGLE = frozenset({"mandate_records", "template_retirements"})
"""Those that have at most one row of a subject."""

_COMMITTED = {"template_publications": "sealed", "template_retirements": "sealed"}


def _each(condition: str, end: str) -> str:
    """A statement over all sources, each by itself, so that each goes by its own index."""
    parts = (
        f"(SELECT '{table}' AS source, {kind} AS kind, {subject} AS subject_id, {number} AS number, "  # noqa: S608  # names of our own
        f"{commitment} AS commitment FROM {table} WHERE {condition}{end})".format(
            subject=subject, number=number
        )
        for table, (kind, subject, number, commitment) in _SOURCES.items()
    )
    return " UNION ALL ".join(parts)


_PAGE = text(
    _each(
        "({subject}, {number}) > (CAST(:subject_id AS uuid), CAST(:number AS integer))",
        f" ORDER BY {{subject}}, {{number}}::integer LIMIT {_ROWS_AT_ONCE}",
    )
    + f" ORDER BY subject_id, number LIMIT {_ROWS_AT_ONCE}"
)
_PRESENT = text(_each("{subject} = ANY (:subjects)", "")).bindparams(bindparam("subjects", type_=ARRAY(Uuid)))


async def list_unlogged(database: Database) -> AsyncIterator[Finding]:
    """Records that neither the log nor its queue knows, that it knows otherwise, or that it holds twice."""
    after: Mapping[str, Any] = {"subject_id": UUID(int=0), "number": 0}
    while True:
        async with database.reading() as session:
            rows = (await session.execute(_PAGE, after)).all()
            logged = await _logged(session, {row.subject_id for row in rows})
            queued = await _queued(session, {row.subject_id for row in rows if _key(row) not in logged})
        for row in rows:
            for finding in _compare(row, logged.get(_key(row), []), queued.get(_key(row))):
                yield finding
        if len(rows) < _ROWS_AT_ONCE:
            return
        after = {"subject_id": rows[-1].subject_id, "number": rows[-1].number}


async def _logged(session: ReadSession, subjects: Collection[UUID]) -> dict[Key, list[tuple[int, bytes]]]:
    """The entries of these subjects by what they are of: index and bytes of each, the first one first."""
    rows = await session.execute(
        select(log_entries)
        .where(log_entries.c.subject_id == any_of(list(subjects)))
        .order_by(log_entries.c.leaf_index)
    )
    found: dict[Key, list[tuple[int, bytes]]] = defaultdict(list)
    for row in rows:
        found[_key(row)].append((row.leaf_index, row.entry))
    return dict(found)


async def _queued(session: ReadSession, subjects: Collection[UUID]) -> dict[Key, bytes]:
    if not subjects:
        return {}
    rows = await session.execute(select(log_queue).where(log_queue.c.subject_id == any_of(list(subjects))))
    return {_key(row): row.commitment for row in rows}


def _key(row: Row[Any]) -> Key:
    return row.kind, row.subject_id, row.number


def _compare(row: Row[Any], logged: Sequence[tuple[int, bytes]], queued: bytes | None) -> list[Finding]:
    found: list[Finding] = []
    spot = _spot(found, row.source, row.subject_id, row.number)
    known = _commitment(logged[0][1]) if logged else queued
    if not logged and queued is None:
        spot.note("", Kind.NOT_LOGGED)
    elif known is not None and known != row.commitment:
        spot.note(_COMMITTED.get(row.source, "commitment"), Kind.LOG_MISMATCH)
    for index, _ in logged[1:]:
        Spot(found, log_entries.name, str(index)).note("", Kind.UNEXPECTED_ROW)
    return found


def _commitment(entry: bytes) -> bytes | None:
    try:
        return read_log_entry(entry).commitment
    except ValueError:
        return None  # noted where the tree is checked


async def list_unrecorded(session: ReadSession, entries: Sequence[LogEntry]) -> list[Finding]:
    """Records that these entries are of, and that are not there any more."""
    subjects = list({entry.subject_id for entry in entries})
    rows = await session.execute(_PRESENT, {"subjects": subjects})
    present = {(row.source, row.subject_id, row.number) for row in rows}
    wanted = {(_source_of(entry), entry.subject_id, entry.number) for entry in entries}
    found: list[Finding] = []
    for source, subject_id, number in sorted(wanted - present):
        _spot(found, source, subject_id, number).note("", Kind.MISSING_ROW)
    return found


def _source_of(entry: LogEntry) -> str:
    if entry.kind == MANDATE:
        return "mandate_events" if entry.number else "mandate_records"
    sources = {TEMPLATE: "template_publications", RETIREMENT: "template_retirements"}
    return sources.get(entry.kind, "sealed_entries")


def _spot(found: list[Finding], source: str, subject_id: UUID, number: int) -> Spot:
    row = str(subject_id) if source in _SINGLE else f"{subject_id}/{number}"
    return Spot(found, source, row)
