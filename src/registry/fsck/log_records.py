"""Holding the log against the records: each record is logged or queued, and each entry is of a record."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Column, Row, Select, literal, select, tuple_

from registry.fsck.findings import Finding, Kind, Spot
from registry.signing.encryption import commitment
from registry.storage.database import Database, ReadSession, any_of
from registry.storage.tables import (
    log_entries,
    log_queue,
    mandate_events,
    mandate_records,
    sealed_entries,
    template_publications,
    template_retirements,
)
from registry.tlog.entries import MANDATE, PUBLIC_SALT, RETIREMENT, TEMPLATE, LogEntry, read_log_entry

_ROWS_AT_ONCE = 2_000

Key: TypeAlias = tuple[str, UUID, int]
"""A record as its log entry names it: kind, subject, number."""


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """A table whose rows are logged. `number` None: one row a subject. `committed` is what is vouched for."""

    subject: Column[Any]
    number: Column[Any] | None
    kind: Column[Any] | str
    committed: Column[Any]

    @property
    def columns(self) -> tuple[Any, ...]:
        """Kind, subject, number, and what is vouched for."""
        kind = literal(self.kind) if isinstance(self.kind, str) else self.kind
        number = literal(0) if self.number is None else self.number
        return (
            kind.label("kind"),
            self.subject.label("subject_id"),
            number.label("number"),
            self.committed.label("committed"),
        )

    def page(self, after: tuple[UUID, int] | None) -> Select[Any]:
        """The rows after one with this subject and number, in their order."""
        order = (self.subject,) if self.number is None else (self.subject, self.number)
        page = select(*self.columns).order_by(*order).limit(_ROWS_AT_ONCE)
        if after is None:
            return page
        return page.where(tuple_(*order) > tuple_(*after[: len(order)]))

    def spot(self, found: list[Finding], subject_id: UUID, number: int) -> Spot:
        """Where to note what is wrong with a row."""
        row = str(subject_id) if self.number is None else f"{subject_id}/{number}"
        return Spot(found, self.subject.table.name, row)


_RECORDS = _Source(mandate_records.c.mandate_id, None, MANDATE, mandate_records.c.commitment)
_EVENTS = _Source(mandate_events.c.mandate_id, mandate_events.c.number, MANDATE, mandate_events.c.commitment)
_ENTRIES = _Source(
    sealed_entries.c.subject_id, sealed_entries.c.number, sealed_entries.c.kind, sealed_entries.c.commitment
)
_PUBLICATIONS = _Source(
    template_publications.c.template_id,
    template_publications.c.version,
    TEMPLATE,
    template_publications.c.sealed,
)
_RETIREMENTS = _Source(template_retirements.c.template_id, None, RETIREMENT, template_retirements.c.sealed)


async def list_unlogged(database: Database) -> AsyncIterator[Finding]:
    """Records that neither the log nor its queue knows, that it knows otherwise, or that it holds twice."""
    for source in (_RECORDS, _EVENTS, _ENTRIES, _PUBLICATIONS, _RETIREMENTS):
        after = None
        while True:
            async with database.reading() as session:
                rows = (await session.execute(source.page(after))).all()
                logged = await _logged(session, {row.subject_id for row in rows})
                queued = await _queued(session, {row.subject_id for row in rows if _key(row) not in logged})
            for row in rows:
                for finding in _compare(source, row, logged.get(_key(row), []), queued.get(_key(row))):
                    yield finding
            if len(rows) < _ROWS_AT_ONCE:
                break
            after = (rows[-1].subject_id, rows[-1].number)


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


def _compare(
    source: _Source, row: Row[Any], logged: Sequence[tuple[int, bytes]], queued: bytes | None
) -> list[Finding]:
    found: list[Finding] = []
    spot = source.spot(found, row.subject_id, row.number)
    name = source.committed.name
    committed = commitment(PUBLIC_SALT, row.committed) if name == "sealed" else row.committed
    known = _commitment(logged[0][1]) if logged else queued
    if not logged and queued is None:
        spot.note("", Kind.NOT_LOGGED)
    elif known is not None and known != committed:
        spot.note(name, Kind.LOG_MISMATCH)
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
    wanted: dict[_Source, set[tuple[UUID, int]]] = defaultdict(set)
    for entry in entries:
        wanted[_source_of(entry)].add((entry.subject_id, entry.number))
    found: list[Finding] = []
    for source, keys in wanted.items():
        for subject_id, number in sorted(keys - await _present(session, source, keys)):
            source.spot(found, subject_id, number).note("", Kind.MISSING_ROW)
    return found


def _source_of(entry: LogEntry) -> _Source:
    if entry.kind == MANDATE:
        return _RECORDS if entry.number == 0 else _EVENTS
    return {TEMPLATE: _PUBLICATIONS, RETIREMENT: _RETIREMENTS}.get(entry.kind, _ENTRIES)


async def _present(
    session: ReadSession, source: _Source, keys: Collection[tuple[UUID, int]]
) -> set[tuple[UUID, int]]:
    _, subject, number, _ = source.columns
    subjects = list({key[0] for key in keys})
    rows = await session.execute(select(subject, number).where(source.subject == any_of(subjects)))
    return {(row.subject_id, row.number) for row in rows}
