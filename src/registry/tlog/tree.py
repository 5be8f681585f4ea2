"""The tree over tiles: its roots and proofs, computed from few tiles, and its growth."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from registry.tlog.merkle import EMPTY_ROOT, node_hash
from registry.tlog.tiles import HASH_BYTES, HEIGHT, WIDTH, Tile, hashes_of

Tiles = Mapping[Tile, bytes]
"""The bytes of tiles. They may be wider than in the tree in question: a tile is only ever extended."""

Range = tuple[int, int]
"""Leaves from the first number up to but not including the second: a subtree that RFC 6962 hashes as one."""


@dataclass(frozen=True, slots=True)
class _Node:
    """A complete subtree of `2**height` leaves, the `index`-th of its height."""

    height: int
    index: int

    @property
    def place(self) -> tuple[Tile, int, int]:
        """The tile in which its hashes stand, where they begin, and how many they are."""
        level, inner = divmod(self.height, HEIGHT)
        first = self.index << inner
        return Tile(level, first // WIDTH), first % WIDTH, 1 << inner


def root_hash(tiles: Tiles, size: int) -> bytes:
    """The root of the tree of this size. Raises KeyError or ValueError where a tile is missing or short."""
    return EMPTY_ROOT if size == 0 else subtree_hash(tiles, (0, size))


def subtree_hash(tiles: Tiles, leaves: Range) -> bytes:
    """The hash of the subtree over these leaves. Raises as `root_hash`."""
    *others, last = [_node_hash(tiles, node) for node in _nodes(leaves)]
    for left in reversed(others):
        last = node_hash(left, last)
    return last


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The subtrees whose hashes are the inclusion proof of a leaf (RFC 6962 section 2.1.1), in its order.

    Raises ValueError for an index outside the tree.
    """
    if not 0 <= index < size:
        raise ValueError("the index lies outside the tree")
    path, low, high = [], 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            low = middle
    return path[::-1]


def consistency_ranges(old_size: int, new_size: int) -> list[Range]:
    """The subtrees whose hashes are the proof that one tree grew into the other (RFC 6962 section 2.1.2).

    Raises ValueError unless `0 < old_size <= new_size`.
    """
    if not 0 < old_size <= new_size:
        raise ValueError("a tree grows from one that is not empty")
    path, low, high = [], 0, new_size
    while high != old_size:
        middle = low + _split(high - low)
        if old_size <= middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            low = middle
    if low:
        path.append((low, high))
    return path[::-1]


def tiles_for(ranges: Iterable[Range]) -> set[Tile]:
    """The tiles that the hashes of these subtrees are computed from."""
    return {node.place[0] for leaves in ranges for node in _nodes(leaves)}


def proof(tiles: Tiles, ranges: Iterable[Range]) -> list[bytes]:
    """The hashes of these subtrees: the proof that the ranges stand for. Raises as `root_hash`."""
    return [subtree_hash(tiles, leaves) for leaves in ranges]


def extend(tiles: Tiles, size: int, leaf_hashes: Sequence[bytes]) -> dict[Tile, bytes]:
    """Append leaves to a tree of this size, given its partial tiles; gives every tile that changed, whole."""
    changed: dict[Tile, bytes] = {}
    level, added = 0, list(leaf_hashes)
    while added:
        position = size >> (HEIGHT * level)
        completed: list[bytes] = []
        taken = 0
        while taken < len(added):
            tile, offset = Tile(level, position // WIDTH), position % WIDTH
            before = tiles[tile][: offset * HASH_BYTES] if offset else b""
            if len(before) != offset * HASH_BYTES:
                raise ValueError("a tile is shorter than the tree that it is of")
            count = min(WIDTH - offset, len(added) - taken)
            changed[tile] = before + b"".join(added[taken : taken + count])
            if offset + count == WIDTH:
                completed.append(complete_root(hashes_of(changed[tile])))
            taken, position = taken + count, position + count
        level, added = level + 1, completed
    return changed


def _node_hash(tiles: Tiles, node: _Node) -> bytes:
    tile, first, count = node.place
    data = tiles[tile][first * HASH_BYTES : (first + count) * HASH_BYTES]
    if len(data) != count * HASH_BYTES:
        raise ValueError("a tile is shorter than the tree that it is of")
    return complete_root(hashes_of(data))


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """The root over hashes whose number is a power of two: of a whole tile, the hash that stands above it."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def _nodes(leaves: Range) -> list[_Node]:
    """The complete subtrees of a range, the largest first."""
    low, high = leaves
    nodes = []
    while low < high:
        height = (high - low).bit_length() - 1
        nodes.append(_Node(height, low >> height))
        low += 1 << height
    return nodes


def _split(size: int) -> int:
    """The largest power of two smaller than the size."""
    return 1 << (size - 1).bit_length() - 1
