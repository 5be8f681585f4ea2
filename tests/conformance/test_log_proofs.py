"""Proofs from tiles, against the published vectors of RFC 6962 and the RFC's own recursion."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.test_merkle import CONSISTENCY_1_TO_8, LEAVES, ROOTS
from reference_tree import audit_path, consistency_path, tree_hash
from registry.tlog.merkle import leaf_hash, root_from_path, roots_from_consistency
from registry.tlog.tiles import WIDTH, Tile, all_tiles, edge_tiles
from registry.tlog.tree import consistency_ranges, extend, inclusion_ranges, proof, root_hash, tiles_for

SIZES = st.integers(1, 700)


def entries_of(size: int) -> list[bytes]:
    return [b"%d" % number for number in range(size)]


def grown(*sizes: int) -> dict[Tile, bytes]:
    """The tiles of a tree that was extended to each of these sizes in turn."""
    tiles: dict[Tile, bytes] = {}
    for before, after in pairwise((0, *sizes)):
        edges = {tile: tiles[tile] for tile in edge_tiles(before)}
        tiles |= extend(edges, before, [leaf_hash(entry) for entry in entries_of(after)[before:]])
    return tiles


def test_published_roots_and_consistency() -> None:
    tiles = extend({}, 0, [leaf_hash(leaf) for leaf in LEAVES])
    for size, root in ROOTS.items():
        assert root_hash(tiles, size).hex() == root
    path = proof(tiles, consistency_ranges(1, 8))
    assert [node.hex() for node in path] == CONSISTENCY_1_TO_8
    old, new = roots_from_consistency(1, 8, root_hash(tiles, 1), path)
    assert (old.hex(), new.hex()) == (ROOTS[1], ROOTS[8])
    assert root_hash({}, 0) == tree_hash([])


BOUNDARIES = [1, 2, 255, 256, 257, 511, 512, 513, 1024]


@pytest.mark.parametrize("size", BOUNDARIES)
def test_a_tree_has_one_set_of_tiles_however_it_grew(size: int) -> None:
    at_once = grown(size)
    assert at_once == grown(*(number for number in (1, 3, 255, 256, 300, 512) if number < size), size)
    assert set(at_once) == set(all_tiles(size))
    assert all(len(data) == 32 * tile.width_at(size) for tile, data in at_once.items())
    assert set(edge_tiles(size)) == {tile for tile in at_once if tile.width_at(size) < WIDTH}
    assert root_hash({tile: at_once[tile] for tile in edge_tiles(size)}, size) == tree_hash(entries_of(size))


@settings(max_examples=25)
@given(SIZES, st.data())
def test_inclusion_proofs_are_those_of_the_rfc(size: int, data: st.DataObject) -> None:
    later, index = size + data.draw(st.integers(0, 300)), data.draw(st.integers(0, size - 1))
    tiles = grown(size, later) if later > size else grown(size)
    needed = tiles_for(inclusion_ranges(index, size))
    path = proof({tile: tiles[tile] for tile in needed}, inclusion_ranges(index, size))
    assert path == audit_path(index, entries_of(size)), "also from tiles that have grown since"
    leaf = leaf_hash(b"%d" % index)
    assert root_from_path(leaf, index, size, path) == tree_hash(entries_of(size))


@settings(max_examples=25)
@given(SIZES, SIZES, st.data())
def test_consistency_proofs_are_those_of_the_rfc(one: int, other: int, data: st.DataObject) -> None:
    old_size, new_size = sorted((one, other))
    tiles = grown(new_size)
    path = proof(tiles, consistency_ranges(old_size, new_size))
    assert path == consistency_path(old_size, entries_of(new_size))
    old_root, new_root = root_hash(tiles, old_size), root_hash(tiles, new_size)
    assert roots_from_consistency(old_size, new_size, old_root, path) == (old_root, new_root)
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        forged = [*path[:place], bytes(32), *path[place + 1 :]]
        assert roots_from_consistency(old_size, new_size, old_root, forged) != (old_root, new_root)
        with pytest.raises(ValueError, match="too short"):
            roots_from_consistency(old_size, new_size, old_root, path[:-1])
    with pytest.raises(ValueError, match="too long"):
        roots_from_consistency(old_size, new_size, old_root, [*path, bytes(32)])


def test_another_history_is_not_consistent() -> None:
    tiles = grown(300)
    path = proof(tiles, consistency_ranges(200, 300))
    other = tree_hash([b"another", *entries_of(200)[1:]])
    assert roots_from_consistency(200, 300, other, path)[0] != other


@pytest.mark.parametrize(("old", "new"), [(0, 1), (3, 2), (-1, 4)])
def test_sizes_that_no_tree_grows_between_are_refused(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="grows"):
        consistency_ranges(old, new)
    with pytest.raises(ValueError, match="grows"):
        roots_from_consistency(old, new, bytes(32), [])


@pytest.mark.parametrize("index", [-1, 5])
def test_a_leaf_outside_the_tree_has_no_proof(index: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        inclusion_ranges(index, 5)


def test_a_tile_that_is_too_short_is_noticed() -> None:
    tiles = grown(10)
    short = {Tile(0, 0): tiles[Tile(0, 0)][:-32]}
    with pytest.raises(ValueError, match="shorter"):
        root_hash(short, 10)
    with pytest.raises(ValueError, match="shorter"):
        extend(short, 10, [bytes(32)])
