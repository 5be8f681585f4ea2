"""Checking the log's tree: one fault is named once, at the row that has it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256

import pytest

from registry.fsck.findings import Finding, Kind
from registry.fsck.log_tree import TreeCheck
from registry.storage.log import StoredCheckpoint
from registry.tlog.merkle import leaf_hash
from registry.tlog.tiles import WIDTH, Tile, edge_tiles
from registry.tlog.tree import extend, root_hash

SIZES = (0, 1, 255, 256, 257, 511, 512, 700, 700)
SIZE = SIZES[-1]


@dataclass
class StoredLog:
    entries: list[bytes | None]
    tiles: dict[Tile, bytes]
    points: list[StoredCheckpoint]

    def check(self) -> set[Finding]:
        edges = {tile: self.tiles.get(tile, b"") for tile in edge_tiles(SIZE)}
        try:
            is_root_stored = root_hash(edges, SIZE) == self.points[-1].root
        except ValueError:
            is_root_stored = False
        found: list[Finding] = []
        check = TreeCheck(found, is_root_stored)
        check.check_empty(self.points)
        for start in range(0, SIZE, WIDTH):
            check.take(self.entries[start : start + WIDTH], self.tiles, self.points)
        check.finish(self.tiles)
        assert check.size == SIZE
        assert len(set(found)) == len(found), "each once"
        return set(found)


@pytest.fixture
def log() -> StoredLog:
    entries = [b"%d" % number for number in range(SIZE)]
    tiles = extend({}, 0, [leaf_hash(entry) for entry in entries])
    points = [StoredCheckpoint(number, size, root_hash(tiles, size), "") for number, size in enumerate(SIZES)]
    return StoredLog(list(entries), tiles, points)


def test_an_untouched_log_is_clean(log: StoredLog) -> None:
    assert log.check() == set()


@pytest.mark.parametrize("index", [0, 255, 256, 511, 512, 699])
def test_an_entry_that_changed_or_went(log: StoredLog, index: int) -> None:
    log.entries[index] = b"x"
    assert log.check() == {Finding("log_entries", str(index), "entry", Kind.DIGEST_MISMATCH)}
    log.entries[index] = None
    assert log.check() == {Finding("log_entries", str(index), "", Kind.MISSING_ROW)}


@pytest.mark.parametrize("tile", [Tile(0, 0), Tile(0, 1), Tile(0, 2), Tile(1, 0)])
def test_a_tile_that_changed_or_went(log: StoredLog, tile: Tile) -> None:
    whole, row = log.tiles[tile], f"{tile.level}/{tile.index}"
    for damaged in (whole[:33] + b"!" + whole[34:], whole[:-32]):
        log.tiles[tile] = damaged
        assert log.check() == {Finding("log_tiles", row, "hashes", Kind.DIGEST_MISMATCH)}
    del log.tiles[tile]
    assert log.check() == {Finding("log_tiles", row, "", Kind.MISSING_ROW)}


@pytest.mark.parametrize("number", range(len(SIZES)))
def test_a_checkpoint_of_another_tree(log: StoredLog, number: int) -> None:
    log.points[number] = replace(log.points[number], root=bytes(32))
    found = log.check()
    assert Finding("log_checkpoints", str(number), "root", Kind.DIGEST_MISMATCH) in found
    assert len(found) == 1


def _entry_and_tile(log: StoredLog) -> None:
    """Both changed alike: the tree above tells."""
    log.entries[300] = b"x"
    place = (300 - WIDTH) * 32
    whole = log.tiles[Tile(0, 1)]
    log.tiles[Tile(0, 1)] = whole[:place] + sha256(b"\x00x").digest() + whole[place + 32 :]


def _whole_way_up(log: StoredLog) -> None:
    """An entry changed with every tile above it: the signed checkpoints tell."""
    entries = [entry or b"" for entry in log.entries]
    log.entries[300] = entries[300] = b"x"
    log.tiles = extend({}, 0, [leaf_hash(entry) for entry in entries])


@pytest.mark.parametrize(
    ("forge", "rows"),
    [
        (_entry_and_tile, {("log_tiles", "1/0")}),
        (_whole_way_up, {("log_checkpoints", str(number)) for number in (5, 6, 7, 8)}),
    ],
)
def test_who_changes_more_is_found_higher_up(
    log: StoredLog, forge: Callable[[StoredLog], None], rows: set[tuple[str, str]]
) -> None:
    forge(log)
    assert {(item.table, item.row) for item in log.check()} >= rows
