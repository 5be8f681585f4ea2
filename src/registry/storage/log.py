"""The transparency log in the database: what waits for it, its entries, tiles and checkpoints."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    bindparam,
    delete,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from registry.storage.database import ReadSession, WriteSession
from registry.storage.tables import log_checkpoints, log_entries, log_queue
from registry.tlog.checkpoints import Checkpoint
from registry.tlog.entries import LogEntry
from registry.tlog.tiles import Tile

_ADD_ENTRIES = text(
    "INSERT INTO log_entries (leaf_index, kind, subject_id, number, entry) "
    "SELECT :first_index + place - 1, kind, subject_id, number, entry "
    "FROM unnest(:kinds, :subject_ids, :numbers, :written) WITH ORDINALITY "
    "AS added (kind, subject_id, number, entry, place)"
).bindparams(
    bindparam("first_index", type_=BigInteger),
    bindparam("kinds", type_=ARRAY(Text)),
    bindparam("subject_ids", type_=ARRAY(Uuid)),
    bindparam("numbers", type_=ARRAY(Integer)),
    bindparam("written", type_=ARRAY(LargeBinary)),
)
_GET_TILES = text(
    "SELECT level, tile_index, hashes FROM log_tiles JOIN unnest(:levels, :indexes) AS wanted (l, i) "
    "ON level = l AND tile_index = i"
).bindparams(
    bindparam("levels", type_=ARRAY(SmallInteger)),
    bindparam("indexes", type_=ARRAY(BigInteger)),
)
_PUT_TILES = text(
    "INSERT INTO log_tiles (level, tile_index, hashes) SELECT * FROM unnest(:levels, :indexes, :hashes) "
    "ON CONFLICT (level, tile_index) DO UPDATE SET hashes = excluded.hashes"
).bindparams(
    bindparam("levels", type_=ARRAY(SmallInteger)),
    bindparam("indexes", type_=ARRAY(BigInteger)),
    bindparam("hashes", type_=ARRAY(LargeBinary)),
)


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A checkpoint as it was signed. The first has the number 0, and no number is left out."""

    number: int
    size: int
    root: bytes
    note: str


async def take_queued(session: WriteSession, limit: int) -> list[LogEntry]:
    """Take the oldest of what waits, at most so many, out of the queue. The log's lock is held."""
    oldest = select(log_queue.c.position).order_by(log_queue.c.position).limit(limit)
    taken = delete(log_queue).where(log_queue.c.position.in_(oldest)).returning(*log_queue.c)
    rows = sorted(await session.execute(taken), key=lambda row: int(row.position))
    return [LogEntry(row.kind, row.subject_id, row.number, row.commitment) for row in rows]


async def is_queued(session: ReadSession) -> bool:
    """Whether anything waits to be logged."""
    return (await session.execute(select(log_queue.c.position).limit(1))).first() is not None


async def get_checkpoint(session: ReadSession) -> StoredCheckpoint | None:
    """The newest checkpoint; its size is that of the whole log."""
    row = await session.one_or_none(
        select(log_checkpoints).order_by(log_checkpoints.c.number.desc()).limit(1)
    )
    return None if row is None else StoredCheckpoint(row.number, row.size, row.root, row.note)


async def add_checkpoint(session: WriteSession, number: int, checkpoint: Checkpoint, note: str) -> None:
    """Keep a signed checkpoint; the primary key lets only one in at its number."""
    await session.execute(
        insert(log_checkpoints).values(number=number, size=checkpoint.size, root=checkpoint.root, note=note)
    )


async def add_entries(
    session: WriteSession, first_index: int, entries: Sequence[LogEntry], written: Sequence[bytes]
) -> None:
    """Keep entries, with each as it is written, under consecutive numbers from `first_index` on."""
    parameters = {
        "first_index": first_index,
        "kinds": [entry.kind for entry in entries],
        "subject_ids": [entry.subject_id for entry in entries],
        "numbers": [entry.number for entry in entries],
        "written": list(written),
    }
    await session.execute(_ADD_ENTRIES, parameters)


async def list_entries(session: ReadSession, first_index: int, count: int) -> list[bytes]:
    """The entries from `first_index` on, at most so many."""
    rows = await session.execute(
        select(log_entries.c.entry)
        .where(log_entries.c.leaf_index >= first_index, log_entries.c.leaf_index < first_index + count)
        .order_by(log_entries.c.leaf_index)
    )
    return list(rows.scalars())


async def find_leaves(session: ReadSession, kind: str, subject_id: UUID) -> dict[int, int]:
    """The leaf index of each record of a subject that is in the log, by the record's number."""
    rows = await session.execute(
        select(log_entries.c.number, log_entries.c.leaf_index)
        .where(log_entries.c.subject_id == subject_id, log_entries.c.kind == kind)
        .order_by(log_entries.c.leaf_index.desc())
    )
    return {row.number: row.leaf_index for row in rows}


async def get_tiles(session: ReadSession, wanted: Collection[Tile]) -> dict[Tile, bytes]:
    """Those of the tiles that there are, as wide as they are by now."""
    if not wanted:
        return {}
    parameters = {"levels": [tile.level for tile in wanted], "indexes": [tile.index for tile in wanted]}
    rows = await session.execute(_GET_TILES, parameters)
    return {Tile(row.level, row.tile_index): row.hashes for row in rows}


async def put_tiles(session: WriteSession, tiles: Mapping[Tile, bytes]) -> None:
    """Add tiles, and extend those that are there; the database refuses any other change of one."""
    parameters = {
        "levels": [tile.level for tile in tiles],
        "indexes": [tile.index for tile in tiles],
        "hashes": list(tiles.values()),
    }
    await session.execute(_PUT_TILES, parameters)
