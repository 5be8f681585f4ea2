"""Reading stored rows in bounded memory: by ranges of their leading key, each range from one snapshot.

Rows are read as they are stored, whatever has happened to them: a time outside the years 1 to 9999 comes
as a number, JSON that cannot be parsed as text, and neither is ever equal to what a record says.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Select,
    Table,
    Text,
    and_,
    cast,
    func,
    literal_column,
    select,
    text,
    tuple_,
    union,
)
from sqlalchemy.dialects.postgresql import JSONB

from registry.fsck.findings import Row
from registry.fsck.projections import PROJECTION_TABLES
from registry.storage.database import Database, ReadSession
from registry.storage.tables import (
    access_log,
    access_log_persons,
    erasable_secrets,
    mandate_endings,
    mandate_events,
    mandate_evidence,
    mandate_records,
    mandate_states,
    open_uses,
    representations,
    sealed_entries,
    template_publications,
    template_retirements,
    template_versions,
    templates,
)

MANDATE_TABLES = (
    mandate_records,
    erasable_secrets,
    mandate_evidence,
    mandate_events,
    mandate_endings,
    mandate_states,
    representations,
    open_uses,
)
TEMPLATE_TABLES = (templates, template_versions, template_publications, template_retirements)
ACCESS_TABLES = (access_log, access_log_persons)
ENTRY_TABLES = (sealed_entries, *PROJECTION_TABLES)
SUBJECT_TABLES = (*MANDATE_TABLES, *ENTRY_TABLES)
"""Their leading keys are ids of mandates and of other subjects, which share the data keys' table."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_TIME = -(2**63)
_PARTITION_KEYS = {"recorded_at", "at"}

TemplateKey = tuple[UUID, int]


@dataclass(frozen=True, slots=True)
class Batch:
    """All rows of some tables whose leading key lies in one range, as one snapshot shows them.

    `publications` are the sealed publications of the template versions that the rows name, None where
    there is none. `is_only` tells that nothing lies outside the range.
    """

    rows: Mapping[str, Sequence[Row]]
    publications: Mapping[TemplateKey, bytes | None]
    is_only: bool

    @property
    def size(self) -> int:
        """How many rows of the first table there are."""
        return len(next(iter(self.rows.values())))


def row_id(table: str, row: Row) -> str:
    """Name a row by its primary key, without the time by which the table is partitioned."""
    return "/".join(str(row[name]) for name in _ID_COLUMNS[table])


async def read_batches(database: Database, tables: Sequence[Table], size: int) -> AsyncIterator[Batch]:
    """Read tables that share a leading key, side by side in the order of that key.

    A range holds at most about `size` rows of each table; only the rows of a single key are never divided.
    Raises UnavailableError.
    """
    after: UUID | None = None
    while True:
        async with database.reading() as session:
            upto = (await session.execute(_range_end(tables, after, size))).scalar_one()
            is_only = after is None and upto is None
            rows = {table.name: await _read(session, table, _within(table, after, upto)) for table in tables}
            publications = await _publications_of(session, rows.get("mandate_states", ()))
        yield Batch(rows, publications, is_only)
        if upto is None:
            return
        after = upto


async def read_rows_of(session: ReadSession, tables: Sequence[Table], ids: Collection[UUID]) -> Batch:
    """Read the rows of these mandates, or other subjects, alone."""
    rows = {table.name: await _read(session, table, leading_key(table).in_(ids)) for table in tables}
    return Batch(rows, await _publications_of(session, rows.get("mandate_states", ())), is_only=False)


async def read_range_ids(
    session: ReadSession, tables: Sequence[Table], after: UUID | None, size: int
) -> tuple[set[UUID], UUID | None]:
    """The keys that any of the tables has in the next range, and the range's end; None for the last range."""
    upto = (await session.execute(_range_end(tables, after, size))).scalar_one()
    found = await session.execute(
        union(*(select(leading_key(table)).where(_within(table, after, upto)) for table in tables))
    )
    return set(found.scalars()), upto


async def read_publications(
    session: ReadSession, wanted: Collection[TemplateKey]
) -> dict[TemplateKey, bytes | None]:
    """The sealed publications of template versions, None where there is none."""
    if not wanted:
        return {}
    columns = template_publications.c
    found = await session.execute(
        select(columns.template_id, columns.version, columns.sealed).where(
            tuple_(columns.template_id, columns.version).in_(wanted)
        )
    )
    return dict.fromkeys(wanted) | {(row.template_id, row.version): row.sealed for row in found}


async def read_secrets(session: ReadSession, subject_ids: Collection[UUID]) -> dict[UUID, Row]:
    """The wrapped data keys of these subjects."""
    rows = await _read(session, erasable_secrets, erasable_secrets.c.subject_id.in_(subject_ids))
    return {row["subject_id"]: row for row in rows}


async def estimate_rows(database: Database, table: Table) -> int | None:
    """How many rows a table has as of its last ANALYZE; None where there was none."""
    statement = text(
        "SELECT sum(reltuples)::bigint FROM pg_partition_tree(CAST(:name AS regclass)) AS part "
        "JOIN pg_class ON pg_class.oid = part.relid WHERE part.isleaf AND reltuples >= 0"
    )
    async with database.reading() as session:
        estimate = (await session.execute(statement, {"name": table.name})).scalar_one()
    return int(estimate) if estimate else None


def leading_key(table: Table) -> ColumnElement[UUID]:
    """The first column of the primary key."""
    return next(iter(table.primary_key))


def _within(table: Table, after: UUID | None, upto: UUID | None) -> ColumnElement[bool]:
    key = leading_key(table)
    bounds = [] if after is None else [key > after]
    bounds += [] if upto is None else [key <= upto]
    return and_(True, *bounds)  # noqa: FBT003  # SQL's TRUE, where there are no bounds


def _range_end(tables: Sequence[Table], after: UUID | None, size: int) -> Select[Any]:
    """The key up to which no table has more than `size` rows beyond `after`; NULL for the last range."""
    ends = [
        select(leading_key(table))
        .where(_within(table, after, None))
        .order_by(leading_key(table))
        .offset(size - 1)
        .limit(1)
        .scalar_subquery()
        for table in tables
    ]
    return select(func.least(*ends))


async def _read(session: ReadSession, table: Table, condition: ColumnElement[bool]) -> list[Row]:
    statement = select(*_READABLE[table.name]).where(condition).order_by(*table.primary_key)
    times, documents = _TIMES[table.name], _DOCUMENTS[table.name]
    rows = []
    for mapping in (await session.execute(statement)).mappings():
        row = dict(mapping)
        for name in times:
            row[name] = _time(row[name])
        for name in documents:
            row[name] = _json(row[name])
        rows.append(row)
    return rows


async def _publications_of(session: ReadSession, states: Sequence[Row]) -> dict[TemplateKey, bytes | None]:
    return await read_publications(
        session, {(state["template_id"], state["template_version"]) for state in states}
    )


def _readable(table: Table) -> list[ColumnElement[Any]]:
    return [_readable_column(column) for column in table.c]


def _readable_column(column: ColumnElement[Any]) -> ColumnElement[Any]:
    name = str(column.key)
    if isinstance(column.type, DateTime):
        # The driver cannot represent a time that PostgreSQL can: infinity, years before 1 or after 9999.
        return literal_column(
            f"CASE WHEN {name} BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00' "
            f"THEN (extract(epoch FROM {name}) * 1000000)::bigint "
            f"WHEN {name} IS NOT NULL THEN {_NO_TIME} END",
            BigInteger,
        ).label(name)
    return cast(column, Text).label(name) if isinstance(column.type, JSONB) else column


def _time(microseconds: int | None) -> datetime | int | None:
    if microseconds is None or microseconds == _NO_TIME:
        return microseconds
    return _EPOCH + timedelta(microseconds=microseconds)


def _json(stored: str | None) -> Any:  # noqa: ANN401  # any JSON value
    if stored in {None, "null"}:
        # JSON's null is not SQL's, and no record calls for it.
        return stored
    try:
        return orjson.loads(stored)
    except ValueError:
        return stored


_TABLES = (*SUBJECT_TABLES, *TEMPLATE_TABLES, *ACCESS_TABLES)
_READABLE = {table.name: _readable(table) for table in _TABLES}
_TIMES = {table.name: [c.name for c in table.c if isinstance(c.type, DateTime)] for table in _TABLES}
_DOCUMENTS = {table.name: [c.name for c in table.c if isinstance(c.type, JSONB)] for table in _TABLES}
_ID_COLUMNS = {
    table.name: [c.name for c in table.primary_key if c.name not in _PARTITION_KEYS] for table in _TABLES
}
