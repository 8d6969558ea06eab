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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import iter_unpack

from notary import limits
from notary.core.digest import (
    DIGEST_BYTES,
    HEAD,
    HEAD_CONTEXT,
    LEAF,
    NODE,
    SALT_BYTES,
    SEAL,
    digest_of,
    head_tail,
    node_hash,
)
from notary.core.ots import Step, append, prepend, sha256_step, write_steps
from notary.errors import FormatError

_BLOCK_LEVELS = 10
BLOCK = 1 << _BLOCK_LEVELS
"""Leaves of one block. The roots of the blocks are enough to find any node by hashing one block again: 32 bytes are
kept for a thousand items, and a path costs a thousand leaves, some milliseconds."""


def _levels(level: bytes) -> list[bytes]:
    """All levels over a row of nodes, that row first and the one node at the top last."""
    levels = [level]
    while len(level) > DIGEST_BYTES:
        paired = len(level) - len(level) % (2 * DIGEST_BYTES)
        nodes = [sha256(NODE + pair).digest() for (pair,) in iter_unpack("64s", level[:paired])]
        level = b"".join(nodes) + level[paired:]
        levels.append(level)
    return levels


class Growth:
    """A tree that grows leaf by leaf; of what is complete it holds the blocks' roots only."""

    def __init__(self) -> None:
        self._roots = bytearray()
        self._open = bytearray()
        self.size = 0

    def add(self, leaves: bytes) -> None:
        """Takes the next leaves, 32 bytes each in a row."""
        self._open += leaves
        self.size += len(leaves) // DIGEST_BYTES
        while len(self._open) >= BLOCK * DIGEST_BYTES:
            self._roots += _levels(bytes(self._open[: BLOCK * DIGEST_BYTES]))[-1]
            del self._open[: BLOCK * DIGEST_BYTES]

    def block_roots(self) -> bytes:
        """The roots of all blocks so far in a row, the last of which may be short of leaves."""
        return bytes(self._roots) + (_levels(bytes(self._open))[-1] if self._open else b"")


def root_of_blocks(block_roots: bytes) -> bytes:
    """The root of the tree whose blocks have these roots. Raises ValueError where there are none."""
    if not block_roots:
        raise ValueError("a tree needs at least one leaf")
    return _levels(block_roots)[-1]


class Tree:
    """A tree of `size` leaves: the roots of its blocks, and a way to have the leaves of one block again.

    Whoever goes through the leaves in order has each block asked for once. `damaged` is raised where a block's leaves
    do not give its root.
    """

    def __init__(self, size: int, block_roots: bytes, leaves_of: Callable[[int], bytes], damaged: Exception) -> None:
        self._damaged = damaged
        self.size = size
        self._above = _levels(block_roots)
        self._leaves_of = leaves_of
        self._block = -1
        self._levels: list[bytes] = []
        self._paths: list[bytes] | None = None

    @property
    def root(self) -> bytes:
        return self._above[-1]

    @property
    def height(self) -> int:
        """Levels above the leaves."""
        return (self.size - 1).bit_length()

    def node(self, level: int, position: int) -> bytes:
        """A node, or the empty string where there is none."""
        if level >= _BLOCK_LEVELS:
            return _at(self._above[level - _BLOCK_LEVELS], position)
        block = position >> (_BLOCK_LEVELS - level)
        if block * BLOCK >= self.size:
            return b""
        self._open(block)
        within = position - (block << (_BLOCK_LEVELS - level))
        # A last block that is short ends below its place: its root is promoted as it is.
        return _at(self._levels[min(level, len(self._levels) - 1)], within)

    def _open(self, block: int) -> None:
        if block == self._block:
            return
        levels = _levels(self._leaves_of(block))
        if levels[-1] != _at(self._above[0], block):
            raise self._damaged
        self._block, self._levels, self._paths = block, levels, None

    def subtree(self, low: int, high: int) -> bytes:
        """The hash over leaves [low, high), a range of the tree's own splits."""
        level = (high - low - 1).bit_length()
        return self.node(level, low >> level)

    def path_steps(self, index: int) -> bytes:
        """The serialised OpenTimestamps operations from leaf `index` to the root. Raises IndexError."""
        _check_index(self, index)
        self._open(index // BLOCK)
        if self._paths is None:
            self._paths = self._block_paths()
        return self._paths[index % BLOCK]

    def _block_paths(self) -> list[bytes]:
        """`path_steps` of each leaf of the open block, from the top down: neighbours share what is above them."""
        above = b"".join(
            _step_past(self._above[level], self._block >> level, b"") for level in range(len(self._above) - 1)
        )
        paths = [above]
        for level in reversed(self._levels[:-1]):
            paths = [_step_past(level, at, paths[at >> 1]) for at in range(len(level) // DIGEST_BYTES)]
        return paths


def _at(row: bytes, position: int) -> bytes:
    return row[position * DIGEST_BYTES : (position + 1) * DIGEST_BYTES]


def _step_past(level: bytes, at: int, above: bytes) -> bytes:
    """The operations that join the node at `at` with its neighbour, if it has one, then those of the node above."""
    neighbour = _at(level, at ^ 1)
    if not neighbour:
        return above
    return (_PREPEND_LEFT + neighbour + _HASH if at % 2 else _APPEND_RIGHT + neighbour + _NODE_HASH) + above


_HASH = write_steps([sha256_step()])
_NODE_HASH = write_steps([prepend(NODE), sha256_step()])
_PREPEND_LEFT = write_steps([prepend(NODE + bytes(DIGEST_BYTES))])[:-DIGEST_BYTES]
_APPEND_RIGHT = write_steps([append(bytes(DIGEST_BYTES))])[:-DIGEST_BYTES]


@dataclass(frozen=True, slots=True)
class Sibling:
    """One step of an audit path: the neighbour's hash, and whether it stands on the left."""

    hash: bytes
    on_left: bool


def build(leaves: Iterable[bytes]) -> Tree:
    """The tree over `leaves`, 32 bytes each, all of which it keeps. Raises ValueError where there are none."""
    row = b"".join(leaves)
    growth = Growth()
    growth.add(row)
    if not growth.size:
        raise ValueError("a tree needs at least one leaf")
    block_bytes = BLOCK * DIGEST_BYTES
    impossible = ValueError("the leaves have changed")
    return Tree(growth.size, growth.block_roots(), lambda n: row[n * block_bytes : (n + 1) * block_bytes], impossible)


def _check_index(tree: Tree, index: int) -> None:
    if not 0 <= index < tree.size:
        raise IndexError(f"item {index} of {tree.size}")


def audit_path(tree: Tree, index: int) -> tuple[Sibling, ...]:
    """The neighbours from leaf `index` up to the root (RFC 6962 section 2.1.1). Raises IndexError."""
    _check_index(tree, index)
    path = []
    for level in range(tree.height):
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


def steps_to_leaf(s: bytes, r: bytes) -> bytes:
    """The serialised OpenTimestamps operations from an item's digest to its leaf (DESIGN section 2)."""
    return _APPEND_SALTED + s + r + _LEAF_HASH


_LEAF_HASH = write_steps([prepend(LEAF), sha256_step()])
_APPEND_SALTED = write_steps([append(bytes(SALT_BYTES + DIGEST_BYTES))])[: -SALT_BYTES - DIGEST_BYTES]


def steps_to_head(size: int, statement: bytes) -> bytes:
    """Those from the root to the head."""
    return write_steps([append(head_tail(size, statement)), prepend(HEAD + HEAD_CONTEXT), sha256_step()])


def steps_to_seal(token: bytes) -> tuple[Step, ...]:
    """The OpenTimestamps operations from the head to the seal with a TSA token; without one there are none."""
    return (append(digest_of(token)), prepend(SEAL), sha256_step())
