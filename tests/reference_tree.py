"""The Merkle tree of RFC 6962 section 2.1 as the RFC states it, recursively, to judge the other by."""

from collections.abc import Sequence
from hashlib import sha256


def tree_hash(entries: Sequence[bytes]) -> bytes:
    """MTH(D[n]), section 2.1."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    split = _split(len(entries))
    return _join(tree_hash(entries[:split]), tree_hash(entries[split:]))


def audit_path(index: int, entries: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n]), section 2.1.1."""
    if len(entries) == 1:
        return []
    split = _split(len(entries))
    if index < split:
        return [*audit_path(index, entries[:split]), tree_hash(entries[split:])]
    return [*audit_path(index - split, entries[split:]), tree_hash(entries[:split])]


def hash_by_path(entry: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The tree hash that an entry and its path amount to; None where the path has another length."""
    if size == 1:
        return None if path else sha256(b"\x00" + entry).digest()
    if not path:
        return None
    split = _split(size)
    is_left = index < split
    below = hash_by_path(
        entry, index if is_left else index - split, split if is_left else size - split, path[:-1]
    )
    if below is None:
        return None
    return _join(below, path[-1]) if is_left else _join(path[-1], below)


def _join(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def _split(size: int) -> int:
    """The largest power of two smaller than the size."""
    return 1 << (size - 1).bit_length() - 1


def consistency_path(old_size: int, entries: Sequence[bytes]) -> list[bytes]:
    """PROOF(m, D[n]), section 2.1.2."""
    return _subproof(old_size, entries, is_whole=True)


def _subproof(size: int, entries: Sequence[bytes], *, is_whole: bool) -> list[bytes]:
    if size == len(entries):
        return [] if is_whole else [tree_hash(entries)]
    split = _split(len(entries))
    if size <= split:
        return [*_subproof(size, entries[:split], is_whole=is_whole), tree_hash(entries[split:])]
    return [*_subproof(size - split, entries[split:], is_whole=False), tree_hash(entries[:split])]
