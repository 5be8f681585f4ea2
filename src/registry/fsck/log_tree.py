"""Checking the log's tree from the leaves up: entries, tiles, checkpoints. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from registry.fsck.findings import Finding, Kind, Spot
from registry.storage.log import StoredCheckpoint
from registry.tlog.merkle import EMPTY_ROOT, leaf_hash
from registry.tlog.tiles import WIDTH, Tile, hashes_of
from registry.tlog.tree import complete_root, root_hash

_UNKNOWN = bytes(32)


@dataclass(slots=True)
class TreeCheck:
    """Takes the leaves in their order, a tile's worth at a time, and notes where something stored differs.

    Where an entry and its tile differ, the hash above the tile tells which of them was changed; the tree
    goes on with the other, so that one fault is noted once. `is_root_stored` tells whether the stored partial
    tiles lead to the root of the newest checkpoint.
    """

    found: list[Finding]
    is_root_stored: bool
    size: int = 0
    _levels: list[list[bytes]] = field(default_factory=lambda: [[]])
    _tiles_done: list[int] = field(default_factory=lambda: [0])

    def take(
        self,
        entries: Sequence[bytes | None],
        stored: Mapping[Tile, bytes],
        points: Sequence[StoredCheckpoint],
    ) -> None:
        """Check the next up to 256 entries; None is one that is missing. `points` are checkpoints by size.

        `stored` are the tiles as they are stored, those above among them.
        """
        tile = Tile(0, self.size // WIDTH)
        hashes = [None if entry is None else leaf_hash(entry) for entry in entries]
        kept = self._compare(tile, hashes, stored)
        for point in points:
            if self.size < point.size < self.size + WIDTH and point.size <= self.size + len(kept):
                self._check_point(point, kept[: point.size - self.size])
        self.size += len(kept)
        self._levels[0] = list(kept)
        if len(kept) == WIDTH:
            self._carry(0, stored)
        for point in points:
            if point.size == self.size and point.size % WIDTH == 0:
                self._check_point(point, [])

    def finish(self, stored: Mapping[Tile, bytes]) -> None:
        """Check the partial tiles above the leaves."""
        for level, hashes in enumerate(self._levels[1:], 1):
            if hashes:
                self._check_above(Tile(level, self._tiles_done[level]), hashes, stored)

    def check_empty(self, points: Sequence[StoredCheckpoint]) -> None:
        """Check the checkpoints of the log before its first entry."""
        for point in points:
            if point.size == 0 and point.root != EMPTY_ROOT:
                self._spot("log_checkpoints", str(point.number)).note("root", Kind.DIGEST_MISMATCH)

    def _compare(
        self, tile: Tile, hashes: Sequence[bytes | None], stored: Mapping[Tile, bytes]
    ) -> list[bytes]:
        """The hashes to go on with: of entries and tile where both agree, else of the one that is right."""
        held = hashes_of(stored.get(tile, b""))[: len(hashes)]
        differing = [at for at, item in enumerate(hashes) if at >= len(held) or item != held[at]]
        if not differing:
            return list(held)
        if len(held) == len(hashes) and self._is_confirmed(tile, held, stored):
            for at in differing:
                spot = self._spot("log_entries", str(self.size + at))
                if hashes[at] is None:
                    spot.note("", Kind.MISSING_ROW)
                else:
                    spot.note("entry", Kind.DIGEST_MISMATCH)
            return list(held)
        self._note_tile(tile, stored)
        for at, item in enumerate(hashes):
            if item is None:
                self._spot("log_entries", str(self.size + at)).note("", Kind.MISSING_ROW)
        return [item or (held[at] if at < len(held) else _UNKNOWN) for at, item in enumerate(hashes)]

    def _is_confirmed(self, tile: Tile, held: Sequence[bytes], stored: Mapping[Tile, bytes]) -> bool:
        if len(held) < WIDTH:
            return self.is_root_stored
        above = hashes_of(stored.get(Tile(1, tile.index // WIDTH), b""))
        place = tile.index % WIDTH
        return place < len(above) and above[place] == complete_root(held)

    def _carry(self, level: int, stored: Mapping[Tile, bytes]) -> None:
        """A tile is whole: its root goes into the one above."""
        if level + 1 == len(self._levels):
            self._levels.append([])
            self._tiles_done.append(0)
        self._levels[level + 1].append(complete_root(self._levels[level]))
        self._levels[level] = []
        self._tiles_done[level] += 1
        above = self._levels[level + 1]
        if len(above) == WIDTH:
            self._check_above(Tile(level + 1, self._tiles_done[level + 1]), above, stored)
            self._carry(level + 1, stored)

    def _check_above(self, tile: Tile, hashes: Sequence[bytes], stored: Mapping[Tile, bytes]) -> None:
        if hashes_of(stored.get(tile, b""))[: len(hashes)] != hashes:
            self._note_tile(tile, stored)

    def _check_point(self, point: StoredCheckpoint, partial: Sequence[bytes]) -> None:
        edges = {Tile(0, point.size // WIDTH): b"".join(partial)}
        for level, hashes in enumerate(self._levels[1:], 1):
            edges[Tile(level, self._tiles_done[level])] = b"".join(hashes)
        if root_hash(edges, point.size) != point.root:
            self._spot("log_checkpoints", str(point.number)).note("root", Kind.DIGEST_MISMATCH)

    def _note_tile(self, tile: Tile, stored: Mapping[Tile, bytes]) -> None:
        spot = self._spot("log_tiles", f"{tile.level}/{tile.index}")
        if tile in stored:
            spot.note("hashes", Kind.DIGEST_MISMATCH)
        else:
            spot.note("", Kind.MISSING_ROW)

    def _spot(self, table: str, row: str) -> Spot:
        return Spot(self.found, table, row)
