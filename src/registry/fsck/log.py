"""Checking the transparency log: its tree, its checkpoints, and that it is of just the records there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row as SqlRow
from sqlalchemy import func, select

from registry.fsck.findings import Finding, Kind, Progress, Spot, Tally, Watcher
from registry.fsck.log_records import list_unlogged, list_unrecorded
from registry.fsck.log_tree import TreeCheck
from registry.fsck.rows import estimate_rows
from registry.signing.keys import KeyRing
from registry.storage.database import Database, ReadSession
from registry.storage.log import StoredCheckpoint, get_checkpoint, get_tiles
from registry.storage.tables import log_checkpoints, log_entries, log_tiles
from registry.tlog.checkpoints import open_checkpoint
from registry.tlog.entries import LogEntry, read_log_entry
from registry.tlog.notes import NoteError, parse_note
from registry.tlog.tiles import HASH_BYTES, WIDTH, Tile, edge_tiles
from registry.tlog.tree import root_hash

_TILES_AT_ONCE = 16
_ROWS_AT_ONCE = 5_000

Stored = Mapping[Tile, bytes]


@dataclass(slots=True)
class _Window:
    """Checkpoints in the order of their numbers, read ahead as far as the tree is checked."""

    points: list[StoredCheckpoint]
    last_number: int
    next_number: int = 0
    last_size: int = 0
    origin: str | None = None


async def check_log(database: Database, keys: KeyRing, tally: Tally, progress: Watcher) -> None:
    """Recompute the log from its entries, and hold it against the records. Raises UnavailableError.

    In short read-only transactions; what is recorded or integrated meanwhile is no mismatch.
    """
    async with database.reading() as session:
        newest = await get_checkpoint(session)
        size = 0 if newest is None else newest.size
        edges = await get_tiles(session, edge_tiles(size))
    found: list[Finding] = []
    # Those signed while this runs are left to the next check.
    last_number = -1 if newest is None else newest.number
    check = TreeCheck(found, newest is None or _leads_to(edges, newest))
    window = _Window([], last_number)
    await _read_points(database, keys, window, 0, found, tally)
    check.check_empty(window.points)
    expected = None if progress is None else await estimate_rows(database, log_entries)
    while check.size < size:
        end = min(size, check.size + _TILES_AT_ONCE * WIDTH)
        await _read_points(database, keys, window, end, found, tally)
        await _check_range(database, check, end, window, tally)
        window.points = [point for point in window.points if point.size > end]
        tally.add(found)
        found.clear()
        if progress is not None:
            progress(Progress(log_entries.name, check.size, expected))
    for point in window.points:
        if point.size > size:
            Spot(found, log_checkpoints.name, str(point.number)).note("size", Kind.CHAIN_BROKEN)
    async with database.reading() as session:
        check.finish(await get_tiles(session, edge_tiles(size)))
        await _check_strays(session, found, tally)
    found += [item async for item in list_unlogged(database)]
    tally.add(found)


def _leads_to(edges: Stored, newest: StoredCheckpoint) -> bool:
    try:
        return root_hash(edges, newest.size) == newest.root
    except (KeyError, ValueError):
        return False


async def _read_points(
    database: Database, keys: KeyRing, window: _Window, upto: int, found: list[Finding], tally: Tally
) -> None:
    """Read checkpoints on until one is beyond this size; check each by itself and against the one before."""
    while not window.points or window.points[-1].size <= upto:
        numbers = log_checkpoints.c.number
        async with database.reading() as session:
            rows = await session.execute(
                select(log_checkpoints)
                .where(numbers >= window.next_number, numbers <= window.last_number)
                .order_by(numbers)
                .limit(_ROWS_AT_ONCE)
            )
            read = rows.all()
        for row in read:
            _check_checkpoint(row, keys, window, found)
        tally.counts[log_checkpoints.name] += len(read)
        if len(read) < _ROWS_AT_ONCE:
            return


def _check_checkpoint(row: SqlRow[Any], keys: KeyRing, window: _Window, found: list[Finding]) -> None:
    spot = Spot(found, log_checkpoints.name, str(row.number))
    if row.number != window.next_number:
        Spot(found, log_checkpoints.name, str(window.next_number)).note("", Kind.MISSING_ROW)
        spot.note("number", Kind.NUMBER_GAP)
    window.next_number = row.number + 1
    point = StoredCheckpoint(row.number, row.size, row.root, row.note)
    try:
        origin = parse_note(row.note).text.partition("\n")[0]
        signed, _ = open_checkpoint(row.note, keys.log_verifiers(origin))
    except NoteError:
        spot.note("note", Kind.SEAL_BROKEN)
    else:
        spot.compare({"size": row.size, "root": row.root}, {"size": signed.size, "root": signed.root})
        if window.origin not in {None, origin}:
            spot.note("note", Kind.CHAIN_BROKEN)
        window.origin = origin
        # What was signed counts; a column that differs from it has been noted.
        point = StoredCheckpoint(row.number, signed.size, signed.root, row.note)
    if point.size < window.last_size:
        spot.note("size", Kind.CHAIN_BROKEN)
    window.last_size = max(window.last_size, point.size)
    window.points.append(point)


async def _check_range(database: Database, check: TreeCheck, end: int, window: _Window, tally: Tally) -> None:
    first = check.size
    async with database.reading() as session:
        rows = await session.execute(
            select(log_entries)
            .where(log_entries.c.leaf_index >= first, log_entries.c.leaf_index < end)
            .order_by(log_entries.c.leaf_index)
        )
        by_index = {row.leaf_index: row for row in rows}
        stored = await _read_tiles(session, first, end)
        tally.counts[log_entries.name] += len(by_index)
        entries = {index: _read_entry(row, check.found) for index, row in by_index.items()}
        check.found += await list_unrecorded(session, [entry for entry in entries.values() if entry])
    for start in range(first, end, WIDTH):
        leaves = [by_index.get(index) for index in range(start, min(start + WIDTH, end))]
        check.take([None if leaf is None else leaf.entry for leaf in leaves], stored, window.points)


async def _read_tiles(session: ReadSession, first: int, end: int) -> dict[Tile, bytes]:
    """The tiles over these leaves, at every level."""
    wanted, level = set(), 0
    low, high = first // WIDTH, (end - 1) // WIDTH
    while True:
        wanted |= {Tile(level, index) for index in range(low, high + 1)}
        if high == 0 and level:
            return await get_tiles(session, wanted)
        level, low, high = level + 1, low // WIDTH, high // WIDTH


def _read_entry(row: SqlRow[Any], found: list[Finding]) -> LogEntry | None:
    """What an entry says; its columns are compared. One that cannot be read has another hash, too."""
    try:
        entry = read_log_entry(row.entry)
    except ValueError:
        return None
    stored = {"kind": row.kind, "subject_id": row.subject_id, "number": row.number}
    said = {"kind": entry.kind, "subject_id": entry.subject_id, "number": entry.number}
    Spot(found, log_entries.name, str(row.leaf_index)).compare(stored, said)
    return entry


async def _check_strays(session: ReadSession, found: list[Finding], tally: Tally) -> None:
    """Entries and tiles that no checkpoint is over, and tiles that are wider than the log is long."""
    newest = await get_checkpoint(session)
    size = 0 if newest is None else newest.size
    indexes = log_entries.c.leaf_index
    strays = await session.execute(
        select(indexes).where((indexes < 0) | (indexes >= size)).order_by(indexes).limit(_ROWS_AT_ONCE)
    )
    for index in strays.scalars():
        tally.counts[log_entries.name] += 1
        Spot(found, log_entries.name, str(index)).note("", Kind.UNEXPECTED_ROW)
    await _check_widths(session, size, found, tally)


async def _check_widths(session: ReadSession, size: int, found: list[Finding], tally: Tally) -> None:
    tiles = log_tiles.c
    bytes_held = func.length(tiles.hashes).label("bytes_held")
    rows = await session.execute(
        select(tiles.level, tiles.tile_index, bytes_held).order_by(tiles.level, tiles.tile_index)
    )
    for row in rows:
        tally.counts[log_tiles.name] += 1
        width = Tile(row.level, row.tile_index).width_at(size) if min(row.level, row.tile_index) >= 0 else 0
        spot = Spot(found, log_tiles.name, f"{row.level}/{row.tile_index}")
        if width == 0:
            spot.note("", Kind.UNEXPECTED_ROW)
        elif row.bytes_held != width * HASH_BYTES:
            spot.note("hashes", Kind.DIGEST_MISMATCH)
