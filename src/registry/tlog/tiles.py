"""Tiles and entry bundles of a log (c2sp.org/tlog-tiles): which there are, their paths, their bytes."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

HEIGHT = 8
WIDTH = 1 << HEIGHT
HASH_BYTES = 32
MAX_ENTRY_BYTES = 65_535

_LENGTH_BYTES = 2
_MAX_LEVEL = 63
_INDEX = re.compile(r"(?:x[0-9]{3}/)*[0-9]{3}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,2}")
_LEAD = "x000/"
_MAX_INDEX_CHARS = 35
_MOST_TILES = 1 << 54
"""Half as many as hold all leaves that a signed number of 64 bits counts."""


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """Up to 256 consecutive hashes: at level 0 of leaves, above that of whole tiles of the level below."""

    level: int
    index: int

    def width_at(self, size: int) -> int:
        """How many hashes the tile has in a tree of this size; 0 where it does not exist yet."""
        hashes = size >> (HEIGHT * self.level)
        return max(0, min(WIDTH, hashes - self.index * WIDTH))


@dataclass(frozen=True, slots=True)
class TileAddress:
    """What a path asks for: a tile, or where `level` is None a bundle of entries, of this width."""

    level: int | None
    index: int
    width: int

    @property
    def path(self) -> str:
        """The part of the address after `/tile/`."""
        digits = str(self.index)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
        number = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        level = "entries" if self.level is None else str(self.level)
        return f"{level}/{number}" + ("" if self.width == WIDTH else f".p/{self.width}")


def parse_tile_path(level: str, rest: str) -> TileAddress:
    """Read an address: the level or `entries`, and what comes after the next slash.

    Each tile has one path; raises ValueError for any other text.
    """
    if level != "entries" and not (_NUMBER.fullmatch(level) and int(level) <= _MAX_LEVEL):
        raise ValueError("a level is a number from 0 to 63, or `entries`")
    number, is_partial, width = rest.partition(".p/")
    if len(number) > _MAX_INDEX_CHARS or not _INDEX.fullmatch(number) or number.startswith(_LEAD):
        raise ValueError("an index is groups of three digits, all but the last after an x")
    if is_partial and not (_NUMBER.fullmatch(width) and 1 <= int(width) < WIDTH):
        raise ValueError("a partial tile has a width from 1 to 255")
    index = int(number.replace("x", "").replace("/", ""))
    if index >= _MOST_TILES:
        raise ValueError("an index is groups of three digits, for less than 2**54")
    return TileAddress(
        level=None if level == "entries" else int(level),
        index=index,
        width=int(width) if is_partial else WIDTH,
    )


def edge_tiles(size: int) -> list[Tile]:
    """The tiles that are partial in a tree of this size: from them its root follows."""
    tiles, level, hashes = [], 0, size
    while hashes:
        if hashes % WIDTH:
            tiles.append(Tile(level, hashes // WIDTH))
        level, hashes = level + 1, hashes // WIDTH
    return tiles


def all_tiles(size: int) -> Iterator[Tile]:
    """Every tile of a tree of this size, level by level."""
    level, hashes = 0, size
    while hashes:
        yield from (Tile(level, index) for index in range(-(-hashes // WIDTH)))
        level, hashes = level + 1, hashes // WIDTH


def pack_entries(entries: Iterable[bytes]) -> bytes:
    """The bundle of these entries. Raises OverflowError for one of more than 65,535 bytes."""
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def unpack_entries(bundle: bytes) -> list[bytes]:
    """The entries of a bundle. Raises ValueError where it ends within one."""
    entries, start = [], 0
    while start < len(bundle):
        end = start + _LENGTH_BYTES + int.from_bytes(bundle[start : start + _LENGTH_BYTES], "big")
        if end > len(bundle):
            raise ValueError("the bundle ends within an entry")
        entries.append(bundle[start + _LENGTH_BYTES : end])
        start = end
    return entries


def hashes_of(tile: bytes) -> Sequence[bytes]:
    """The hashes of a tile's bytes, in their order."""
    return [tile[start : start + HASH_BYTES] for start in range(0, len(tile), HASH_BYTES)]
