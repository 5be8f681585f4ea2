"""The Merkle tree against the published vectors of RFC 6962 and against the RFC's own recursion."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_tree import audit_path, hash_by_path, tree_hash
from registry.tlog.merkle import inclusion_path, leaf_hash, levels, node_hash, root, root_from_path

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
CONSISTENCY_1_TO_8 = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]

ENTRIES = st.lists(st.binary(max_size=6), min_size=1, max_size=70)


def tree_of(entries: list[bytes]) -> list[list[bytes]]:
    return levels([leaf_hash(entry) for entry in entries])


@pytest.mark.parametrize("size", ROOTS)
def test_published_roots(size: int) -> None:
    assert root(tree_of(LEAVES[:size])).hex() == ROOTS[size]
    assert tree_hash(LEAVES[:size]).hex() == ROOTS[size], "the reference itself"


def test_the_nodes_of_the_published_consistency_proof() -> None:
    # From 1 to 8 it is the path of the first leaf (RFC 6962 section 2.1.2).
    assert [node.hex() for node in inclusion_path(tree_of(LEAVES), 0)] == CONSISTENCY_1_TO_8


def test_leaves_and_nodes_are_hashed_apart() -> None:
    assert leaf_hash(b"") == sha256(b"\x00").digest()
    assert node_hash(b"a" * 32, b"b" * 32) == sha256(b"\x01" + b"a" * 32 + b"b" * 32).digest()
    assert leaf_hash(b"a" * 32 + b"b" * 32) != node_hash(b"a" * 32, b"b" * 32)


@settings(max_examples=60, deadline=None)
@given(ENTRIES)
def test_roots_and_paths_are_those_of_the_rfc(entries: list[bytes]) -> None:
    tree = tree_of(entries)
    assert root(tree) == tree_hash(entries)
    for index, entry in enumerate(entries):
        path = inclusion_path(tree, index)
        assert path == audit_path(index, entries)
        assert root_from_path(leaf_hash(entry), index, len(entries), path) == root(tree)
        assert hash_by_path(entry, index, len(entries), path) == root(tree)


@settings(max_examples=100, deadline=None)
@given(ENTRIES, st.data())
def test_a_path_proves_one_entry_at_one_place(entries: list[bytes], data: st.DataObject) -> None:
    tree = tree_of(entries)
    index = data.draw(st.integers(0, len(entries) - 1))
    other = data.draw(st.integers(0, len(entries) - 1))
    path = inclusion_path(tree, index)
    assert root_from_path(leaf_hash(entries[index] + b"!"), index, len(entries), path) != root(tree)
    if other != index and entries[other] != entries[index]:
        try:
            computed = root_from_path(leaf_hash(entries[index]), other, len(entries), path)
        except ValueError:
            computed = b""
        assert computed != root(tree)
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        forged = [*path[:place], sha256(path[place]).digest(), *path[place + 1 :]]
        assert root_from_path(leaf_hash(entries[index]), index, len(entries), forged) != root(tree)


@settings(max_examples=60, deadline=None)
@given(ENTRIES, st.data())
def test_a_path_of_another_length_is_refused(entries: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(entries) - 1))
    path = inclusion_path(tree_of(entries), index)
    leaf = leaf_hash(entries[index])
    with pytest.raises(ValueError, match="too long"):
        root_from_path(leaf, index, len(entries), [*path, bytes(32)])
    if path:
        with pytest.raises(ValueError, match="too short"):
            root_from_path(leaf, index, len(entries), path[:-1])


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (0, -1)])
def test_an_index_outside_the_tree_is_refused(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        root_from_path(leaf_hash(b""), index, size, [])


def test_no_leaves_make_no_tree() -> None:
    with pytest.raises(ValueError, match="leaf"):
        levels([])
