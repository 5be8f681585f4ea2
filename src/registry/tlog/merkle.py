"""The Merkle tree of RFC 6962 section 2.1: its hashes, paths over leaves in memory, and checking paths."""

from collections.abc import Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Every level of the tree from leaf hashes up to the root; an odd last node rises unchanged.

    Raises ValueError for no leaves: the batch always has one.
    """
    if not leaves:
        raise ValueError("a tree needs a leaf")
    tree = [list(leaves)]
    while len(tree[-1]) > 1:
        below = tree[-1]
        above = [node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        if len(below) % 2:
            above.append(below[-1])
        tree.append(above)
    return tree


def root(tree: Sequence[Sequence[bytes]]) -> bytes:
    """The root of a tree made by `levels`."""
    return tree[-1][0]


def inclusion_path(tree: Sequence[Sequence[bytes]], index: int) -> list[bytes]:
    """The audit path of a leaf (RFC 6962 section 2.1.1), from the leaf upwards."""
    path = []
    for level in tree[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        index //= 2
    return path


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Recompute the root from a leaf hash and its path (RFC 9162 section 2.1.3.2).

    Raises ValueError where the path does not fit the index and the size.
    """
    if not 0 <= index < size:
        raise ValueError("the index lies outside the tree")
    last, computed, remaining = size - 1, leaf, list(path)
    while last:
        if index % 2 or index != last:
            if not remaining:
                raise ValueError("the path is too short")
            sibling = remaining.pop(0)
            computed = node_hash(sibling, computed) if index % 2 else node_hash(computed, sibling)
        index, last = index // 2, last // 2
    if remaining:
        raise ValueError("the path is too long")
    return computed


def roots_from_consistency(
    old_size: int, new_size: int, old_root: bytes, path: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """Recompute both roots from a consistency proof (RFC 9162 section 2.1.4.2): of the old tree and the new.

    The proof holds where they are the two trees' own. `0 < old_size <= new_size`. Raises ValueError where
    the path does not fit the sizes.
    """
    if not 0 < old_size <= new_size:
        raise ValueError("a tree grows from one that is not empty")
    if old_size == new_size:
        if path:
            raise ValueError("the path is too long")
        return old_root, old_root
    # Where the old tree is a subtree of the new one, the proof leaves its root out.
    remaining = list(path) if old_size & (old_size - 1) else [old_root, *path]
    node, last = old_size - 1, new_size - 1
    while node % 2:
        node, last = node // 2, last // 2
    old = new = _next(remaining)
    while last:
        if node % 2 or node == last:
            sibling = _next(remaining)
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while node and node % 2 == 0:
                node, last = node // 2, last // 2
        else:
            new = node_hash(new, _next(remaining))
        node, last = node // 2, last // 2
    if remaining:
        raise ValueError("the path is too long")
    return old, new


def _next(remaining: list[bytes]) -> bytes:
    if not remaining:
        raise ValueError("the path is too short")
    return remaining.pop(0)
