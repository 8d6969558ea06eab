"""The Merkle tree of RFC 6962 section 2.1 over a batch's leaves.

The tree of n leaves splits at the largest power of two below n. For five leaves:

              root
             /    \\
           /        \\
         n          l4
       /   \\
      n     n
     / \\   / \\
    l0 l1 l2 l3

Level by level, a node without a right neighbour is promoted as it is: that gives the same shape.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from notary import limits
from notary.core.digest import (
    DIGEST_BYTES,
    HEAD,
    HEAD_CONTEXT,
    LEAF,
    NODE,
    SEAL,
    digest_of,
    head_tail,
    node_hash,
)
from notary.core.ots import Step, append, prepend, sha256_step
from notary.errors import FormatError


@dataclass(frozen=True, slots=True)
class Tree:
    """All levels of a tree: `levels[0]` is the leaves, `levels[-1]` the root, each as 32-byte hashes in a row."""

    levels: tuple[bytes, ...]

    @property
    def size(self) -> int:
        return len(self.levels[0]) // DIGEST_BYTES

    @property
    def root(self) -> bytes:
        return self.levels[-1]

    def node(self, level: int, position: int) -> bytes:
        start = position * DIGEST_BYTES
        return self.levels[level][start : start + DIGEST_BYTES]

    def subtree(self, low: int, high: int) -> bytes:
        """The hash over leaves [low, high), a range of the tree's own splits."""
        level = (high - low - 1).bit_length()
        return self.node(level, low >> level)


@dataclass(frozen=True, slots=True)
class Sibling:
    """One step of an audit path: the neighbour's hash, and whether it stands on the left."""

    hash: bytes
    on_left: bool


def build(leaves: Iterable[bytes]) -> Tree:
    """The tree over `leaves`, 32 bytes each. Raises ValueError where there are none."""
    level = b"".join(leaves)
    if not level:
        raise ValueError("a tree needs at least one leaf")
    levels = [level]
    while len(level) > DIGEST_BYTES:
        paired = len(level) - len(level) % (2 * DIGEST_BYTES)
        nodes = [
            node_hash(level[at : at + DIGEST_BYTES], level[at + DIGEST_BYTES : at + 2 * DIGEST_BYTES])
            for at in range(0, paired, 2 * DIGEST_BYTES)
        ]
        level = b"".join(nodes) + level[paired:]
        levels.append(level)
    return Tree(tuple(levels))


def audit_path(tree: Tree, index: int) -> tuple[Sibling, ...]:
    """The neighbours from leaf `index` up to the root (RFC 6962 section 2.1.1). Raises IndexError."""
    if not 0 <= index < tree.size:
        raise IndexError(f"item {index} of {tree.size}")
    path = []
    for level in range(len(tree.levels) - 1):
        position = index >> level
        neighbour = tree.node(level, position ^ 1)
        if neighbour:
            path.append(Sibling(neighbour, on_left=position % 2 == 1))
    return tuple(path)


def root_by_path(leaf: bytes, path: Iterable[Sibling]) -> bytes:
    """The root that `leaf` and its audit path give."""
    for sibling in path:
        leaf = node_hash(sibling.hash, leaf) if sibling.on_left else node_hash(leaf, sibling.hash)
    return leaf


def split(low: int, high: int) -> int:
    """Where [low, high) divides: low plus the largest power of two below its length (RFC 6962 section 2.1)."""
    return low + (1 << (high - low - 1).bit_length() - 1)


def cover(tree: Tree, disclosed: Sequence[int]) -> Iterator[bytes]:
    """tree.bin: the hashes that stand for what is not disclosed, in traversal order.

    `disclosed` are ascending indices. Visits only what lies above a disclosed leaf.
    """

    def visit(low: int, high: int, first: int, last: int) -> Iterator[bytes]:
        if first == last:
            yield tree.subtree(low, high)
        elif high - low > 1:
            middle = split(low, high)
            border = bisect_left(disclosed, middle, first, last)
            yield from visit(low, middle, first, border)
            yield from visit(middle, high, border, last)

    return visit(0, tree.size, 0, len(disclosed))


def root_by_cover(size: int, disclosed: Iterable[tuple[int, bytes]], hashes: Iterable[bytes]) -> bytes:
    """The root that the disclosed leaves, as (index, leaf) in ascending order, and tree.bin's hashes give.

    Holds one leaf and one hash at a time. Raises FormatError where an index is out of order or range, or where
    hashes are missing or left over.
    """
    if not 0 < size <= limits.BATCH_ITEMS:
        raise FormatError(f"a batch of {size} items is out of range")
    coming = _ascending(size, disclosed)
    index, leaf = next(coming)
    rest = iter(hashes)

    def visit(low: int, high: int) -> bytes:
        nonlocal index, leaf
        if index >= high:
            value = next(rest, None)
            if value is None:
                raise FormatError("the tree's hashes end too early")
            return value
        if high - low == 1:
            value = leaf
            index, leaf = next(coming)
            return value
        middle = split(low, high)
        left = visit(low, middle)
        return node_hash(left, visit(middle, high))

    root = visit(0, size)
    if next(rest, None) is not None:
        raise FormatError("the tree has hashes left over")
    return root


def _ascending(size: int, disclosed: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The disclosed leaves, checked, then an end mark that lies behind every index."""
    before = -1
    for index, leaf in disclosed:
        if index >= size:
            raise FormatError(f"item {index} lies outside a batch of {size}")
        if index <= before:
            raise FormatError(f"item {index} follows item {before}: items are listed once, in ascending order")
        before = index
        yield index, leaf
    yield size, b""


def steps_to_head(s: bytes, r: bytes, path: Iterable[Sibling], size: int, statement: bytes) -> tuple[Step, ...]:
    """The OpenTimestamps operations from an item's digest to the head (DESIGN section 2).

    Only append, prepend and sha256, so that any OpenTimestamps verifier can follow them.
    """
    steps = [append(s + r), prepend(LEAF), sha256_step()]
    for sibling in path:
        if sibling.on_left:
            steps += [prepend(NODE + sibling.hash), sha256_step()]
        else:
            steps += [append(sibling.hash), prepend(NODE), sha256_step()]
    steps += [append(head_tail(size, statement)), prepend(HEAD + HEAD_CONTEXT), sha256_step()]
    return tuple(steps)


def steps_to_seal(token: bytes) -> tuple[Step, ...]:
    """The OpenTimestamps operations from the head to the seal with a TSA token; without one there are none."""
    return (append(digest_of(token)), prepend(SEAL), sha256_step())
