"""The tree: against a naive RFC 6962, against Certificate Transparency's own values, and with every bit that matters
flipped."""

import hashlib
import random
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary import limits
from notary.core.digest import head_hash, leaf_hash, statement_hash
from notary.core.merkle import (
    BLOCK,
    Growth,
    Sibling,
    Tree,
    audit_path,
    build,
    cover,
    root_by_cover,
    root_by_path,
    root_of_blocks,
    split,
    steps_to_head,
    steps_to_leaf,
)
from notary.core.ots import append, prepend, read_proof, sha256_step, write_proof, write_steps
from notary.errors import FormatError
from tests.core.reference import block, parse

SIZES = range(1, 131)
AROUND_BLOCKS = [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK - 1, 2 * BLOCK, 2 * BLOCK + 1, 5 * BLOCK + 7]
SUBSETS = 3
DAMAGED = ValueError("damaged")

# The inputs and roots that Certificate Transparency's implementations share (google/certificate-transparency,
# merkletree/merkle_tree_test.cc): its leaf is SHA-256(00 | input), its node the same as ours.
CT_INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, as it is written there."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def leaves_of(size: int) -> list[bytes]:
    return [hashlib.sha256(b"%d of %d" % (index, size)).digest() for index in range(size)]


def seeded(size: int) -> random.Random:
    """The same chances in every run, so that a failure can be met again."""
    return random.Random(size)  # noqa: S311 - the same in each run


def flipped(hash_: bytes, chance: random.Random) -> bytes:
    bit = chance.randrange(256)
    return (int.from_bytes(hash_, "big") ^ 1 << bit).to_bytes(32, "big")


def each_flipped(hashes: Sequence[bytes], chance: random.Random) -> Iterable[list[bytes]]:
    for at in range(len(hashes)):
        changed = list(hashes)
        changed[at] = flipped(changed[at], chance)
        yield changed


def subsets(size: int, chance: random.Random) -> Iterable[list[int]]:
    yield []
    yield list(range(size))
    for _ in range(SUBSETS):
        yield sorted(chance.sample(range(size), chance.randint(1, size)))
    yield [chance.randrange(size)]


def root_or_none(size: int, given: Iterable[tuple[int, bytes]], hashes: Iterable[bytes]) -> bytes | None:
    try:
        return root_by_cover(size, given, hashes)
    except FormatError:
        return None


# -- the shape ------------------------------------------------------------------------------------------------------


def test_roots_of_certificate_transparency() -> None:
    leaves = [hashlib.sha256(b"\0" + bytes.fromhex(one)).digest() for one in CT_INPUTS]
    assert [build(leaves[:size]).root.hex() for size in range(1, 9)] == CT_ROOTS


@pytest.mark.parametrize("size", [*SIZES, *AROUND_BLOCKS])
def test_shape_is_that_of_rfc_6962(size: int) -> None:
    leaves = leaves_of(size)
    tree = build(iter(leaves))
    assert tree.size == size
    assert tree.root == naive_root(leaves)

    def subtrees_agree(low: int, high: int) -> None:
        assert tree.subtree(low, high) == naive_root(leaves[low:high])
        if high - low > 1:
            middle = split(low, high)
            subtrees_agree(low, middle)
            subtrees_agree(middle, high)

    subtrees_agree(0, size)


def test_a_tree_has_leaves() -> None:
    with pytest.raises(ValueError, match="at least one"):
        build([])


@pytest.mark.parametrize("pieces", [1, 7, 1000, BLOCK, 3 * BLOCK])
def test_a_tree_grows_by_pieces_of_any_length(pieces: int) -> None:
    leaves = leaves_of(3 * BLOCK + 5)
    growth = Growth()
    for at in range(0, len(leaves), pieces):
        growth.add(b"".join(leaves[at : at + pieces]))
        assert growth.size == min(at + pieces, len(leaves))
        assert root_of_blocks(growth.block_roots()) == naive_root(leaves[: growth.size])


def test_a_tree_asks_for_each_block_once_and_believes_none() -> None:
    leaves = leaves_of(4 * BLOCK - 3)
    whole = build(leaves)
    asked: list[int] = []

    def leaves_of_block(block: int) -> bytes:
        asked.append(block)
        return b"".join(leaves[block * BLOCK : (block + 1) * BLOCK])

    roots = b"".join(whole.subtree(at, min(at + BLOCK, len(leaves))) for at in range(0, len(leaves), BLOCK))
    tree = Tree(len(leaves), roots, leaves_of_block, DAMAGED)
    assert tree.root == whole.root == naive_root(leaves)
    assert not asked
    assert [tree.path_steps(index) for index in range(tree.size)] == [whole.path_steps(i) for i in range(whole.size)]
    assert asked == [0, 1, 2, 3]
    leaves[2 * BLOCK + 5] = bytes(32)
    altered = Tree(len(leaves), roots, leaves_of_block, DAMAGED)
    assert altered.path_steps(0) == whole.path_steps(0)
    with pytest.raises(ValueError, match="damaged"):
        altered.path_steps(2 * BLOCK)


def test_a_doubled_leaf_changes_the_root() -> None:
    """CVE-2012-2459: trees that fill up with the last leaf cannot tell these apart."""
    for size in range(1, 33):
        leaves = leaves_of(size)
        assert build([*leaves, leaves[-1]]).root != build(leaves).root


def test_a_node_is_no_leaf() -> None:
    """A file made of a node's input does not get that node's hash as its leaf."""
    left, right = leaves_of(2)
    assert leaf_hash(left, right[:16], right) != build([left, right]).root


# -- audit paths ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_every_audit_path_verifies_and_no_altered_one_does(size: int) -> None:
    chance = seeded(size)
    leaves = leaves_of(size)
    tree = build(leaves)
    for index, leaf in enumerate(leaves):
        path = audit_path(tree, index)
        assert root_by_path(leaf, path) == tree.root
        assert len(path) <= (size - 1).bit_length()
        for first, *hashes in each_flipped([leaf, *(one.hash for one in path)], chance):
            altered = [Sibling(hash_, one.on_left) for hash_, one in zip(hashes, path, strict=True)]
            assert root_by_path(first, altered) != tree.root
        for at, one in enumerate(path):
            mirrored = [*path[:at], Sibling(one.hash, not one.on_left), *path[at + 1 :]]
            assert root_by_path(leaf, mirrored) != tree.root
            assert root_by_path(leaf, [*path[:at], *path[at + 1 :]]) != tree.root


@pytest.mark.parametrize("index", [-1, 5, 6])
def test_an_audit_path_is_of_an_item_that_is_there(index: int) -> None:
    with pytest.raises(IndexError):
        audit_path(build(leaves_of(5)), index)


# -- multiproofs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_every_multiproof_verifies(size: int) -> None:
    leaves = leaves_of(size)
    tree = build(leaves)
    for disclosed in subsets(size, seeded(size)):
        hashes = list(cover(tree, disclosed))
        given = [(index, leaves[index]) for index in disclosed]
        assert root_by_cover(size, iter(given), iter(hashes)) == tree.root
        assert len(hashes) <= size - len(disclosed)


@pytest.mark.parametrize("size", SIZES)
def test_no_altered_multiproof_verifies(size: int) -> None:
    chance = seeded(size)
    leaves = leaves_of(size)
    tree = build(leaves)
    for disclosed in subsets(size, chance):
        hashes = list(cover(tree, disclosed))
        shown = [leaves[index] for index in disclosed]
        for changed in each_flipped(shown, chance):
            assert root_by_cover(size, zip(disclosed, changed, strict=True), hashes) != tree.root
        for changed in each_flipped(hashes, chance):
            assert root_by_cover(size, zip(disclosed, shown, strict=True), changed) != tree.root


@pytest.mark.parametrize("size", SIZES)
def test_hashes_are_neither_missing_nor_left_over(size: int) -> None:
    chance = seeded(size)
    leaves = leaves_of(size)
    tree = build(leaves)
    for disclosed in subsets(size, chance):
        hashes = list(cover(tree, disclosed))
        given = [(index, leaves[index]) for index in disclosed]
        if hashes:
            at = chance.randrange(len(hashes))
            with pytest.raises(FormatError, match="end too early"):
                root_by_cover(size, given, hashes[:at] + hashes[at + 1 :])
        at = chance.randint(0, len(hashes))
        with pytest.raises(FormatError, match="left over"):
            root_by_cover(size, given, [*hashes[:at], bytes(32), *hashes[at:]])


@pytest.mark.parametrize("size", SIZES)
def test_items_are_neither_missing_nor_added_nor_moved(size: int) -> None:
    chance = seeded(size)
    leaves = leaves_of(size)
    tree = build(leaves)
    for disclosed in subsets(size, chance):
        hashes = list(cover(tree, disclosed))
        given = [(index, leaves[index]) for index in disclosed]
        for at, (index, leaf) in enumerate(given):
            without = given[:at] + given[at + 1 :]
            assert root_or_none(size, without, hashes) != tree.root
            for other in {(index + 1) % size, chance.randrange(size)} - set(disclosed):
                moved = sorted([*without, (other, leaf)])
                assert root_or_none(size, moved, hashes) != tree.root
        for index in sorted(set(range(size)) - set(disclosed))[:5]:
            added = sorted([*given, (index, leaves[index])])
            assert root_or_none(size, added, hashes) != tree.root


@pytest.mark.parametrize("size", SIZES)
def test_a_wrong_size_never_gives_the_head(size: int) -> None:
    """One root can be read as that of several sizes (a hash may stand for many leaves): the head commits to one."""
    leaves = leaves_of(size)
    tree = build(leaves)
    statement = statement_hash(b"{}")
    head = head_hash(tree.root, size, statement)
    for disclosed in subsets(size, seeded(size)):
        hashes = list(cover(tree, disclosed))
        given = [(index, leaves[index]) for index in disclosed]
        for wrong in {size - 1, size + 1, 2 * size, size // 2} - {size}:
            root = root_or_none(wrong, given, hashes)
            assert root is None or head_hash(root, wrong, statement) != head


@given(st.lists(st.integers(-2, 9), max_size=8))
def test_items_come_once_in_order_and_in_range(indices: list[int]) -> None:
    size = 8
    leaves = leaves_of(size)
    tree = build(leaves)
    is_sound = all(0 <= index < size for index in indices) and all(one < two for one, two in pairwise(indices))
    hashes = list(cover(tree, indices)) if is_sound else [bytes(32)] * size
    shown = [(index, leaves[index % size]) for index in indices]
    if is_sound:
        assert root_by_cover(size, shown, hashes) == tree.root
    else:
        with pytest.raises(FormatError, match=r"ascending|outside"):
            root_by_cover(size, shown, hashes)


@pytest.mark.parametrize("size", [-1, 0, limits.BATCH_ITEMS + 1, 2**64])
def test_a_batch_has_a_size_that_can_be(size: int) -> None:
    with pytest.raises(FormatError, match="out of range"):
        root_by_cover(size, [], [bytes(32)])


@pytest.mark.parametrize(("size", "index", "count"), [(10**6, 0, 20), (10**6, 777_777, 20), (2**40, 2**40 - 1, 40)])
def test_one_item_of_very_many_is_a_few_hashes(size: int, index: int, count: int) -> None:
    for given_count in (count - 1, count + 1):
        with pytest.raises(FormatError):
            root_by_cover(size, [(index, bytes(32))], [bytes(32)] * given_count)
    root_by_cover(size, [(index, bytes(32))], [bytes(32)] * count)


# -- derived OpenTimestamps proofs ----------------------------------------------------------------------------------


def steps_of(path: Iterable[Sibling]) -> bytes:
    """The operations of an audit path one by one, as DESIGN section 2 writes them."""
    steps = []
    for one in path:
        if one.on_left:
            steps += [prepend(b"\1" + one.hash), sha256_step()]
        else:
            steps += [append(one.hash), prepend(b"\1"), sha256_step()]
    return write_steps(steps)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 31, 33, 100, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 1, 9 * BLOCK])
def test_the_steps_of_a_path(size: int) -> None:
    tree = build(leaves_of(size))
    for index in {*range(min(size, 40)), size // 2, size - 1, max(size - 2, 0), BLOCK % size}:
        assert tree.path_steps(index) == steps_of(audit_path(tree, index))
    for index in (-1, size):
        with pytest.raises(IndexError):
            tree.path_steps(index)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 31, 33, 100])
def test_derived_proofs_lead_to_the_head_in_the_reference_library(size: int) -> None:
    digests, s, r = leaves_of(size), bytes(range(16)), bytes(range(32))
    tree = build([leaf_hash(digest, s, r) for digest in digests])
    statement = statement_hash(b"{}")
    head = head_hash(tree.root, size, statement)
    for index, digest in enumerate(digests):
        steps = steps_to_leaf(s, r) + tree.path_steps(index) + steps_to_head(size, statement)
        data = write_proof(digest, steps, block(123))
        proof = parse(data)
        assert proof.file_digest == digest
        assert [(message, one.height) for message, one in proof.timestamp.all_attestations()] == [(head, 123)]
        assert [(one.message, one.height) for one in read_proof(data).attestations] == [(head, 123)]


@pytest.mark.parametrize("on_left", [False, True], ids=["all on the right", "all on the left"])
def test_a_path_of_the_largest_batch_is_read_by_the_reference_library(on_left: bool) -> None:
    path = [Sibling(hash_, on_left) for hash_ in leaves_of((limits.BATCH_ITEMS - 1).bit_length())]
    s, r, statement = bytes(16), bytes(32), statement_hash(b"{}")
    steps = steps_to_leaf(s, r) + steps_of(path) + steps_to_head(limits.BATCH_ITEMS, statement)
    # What is left is for the calendar's own path: real ones are 60 to 110 operations long.
    count = 3 + sum(2 if one.on_left else 3 for one in path) + 3
    assert count <= limits.PROOF_DEPTH - 120
    data = write_proof(bytes(32), steps, block(1))
    root = root_by_path(leaf_hash(bytes(32), s, r), path)
    [(message, _)] = parse(data).timestamp.all_attestations()
    assert message == head_hash(root, limits.BATCH_ITEMS, statement)
