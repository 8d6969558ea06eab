"""The tree of a log (RFC 6962 section 2.1) over its tiles: its root, proofs from it, and how it grows.

    leaf = H(00 ‖ entry)      node = H(01 ‖ left ‖ right)      no entries: H()

The tree splits as a batch's does (`notary.core.merkle`); tiles hold the hashes of each eighth level, the others are
hashed again. A proof of a log of n entries is made from two tiles for each of its levels of tiles, so a million entries
cost six reads of 8 kB. Nothing that is read is believed: who asks for a root or a proof holds it against a checkpoint.

Beside the two proofs of the RFC there is a third, of divergence: that a log has signed two heads that no history has
both of.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

from notary.core.digest import DIGEST_BYTES, digest_of, node_hash
from notary.core.merkle import root_of_blocks, split
from notary.errors import EvidenceError, FormatError
from notary.registry.core.tiles import (
    ENTRIES,
    HEIGHT,
    TILE_BYTES,
    WIDTH,
    Tile,
    read_bundle,
    row_width,
    tile_at,
    write_entry,
)

ReadTile = Callable[[Tile], bytes]
"""The bytes of a tile or bundle, which are exactly as wide as asked for: a store that has only the full one left in
the place of a partial one gives its beginning."""

EMPTY_ROOT = digest_of(b"")
"""The root of a log without entries (RFC 6962 section 2.1)."""

_LEAF = b"\x00"
_TILES_HELD = 32
"""A proof takes two tiles of each level of tiles, of which a log has eight at most: 256 kB."""


def leaf_hash(entry: bytes) -> bytes:
    """The leaf of an entry (RFC 6962 section 2.1)."""
    return digest_of(_LEAF + entry)


class TiledTree:
    """The tree of the first `size` entries of a log whose tiles `read` gives. It holds the last few of them.

    `published` is the log's own size where it is larger: of an earlier tree the partial tiles may be gone, so those of
    the log as it is are read, and cut. Methods raise FormatError where a tile is not as long as it has to be, and
    whatever `read` raises.
    """

    def __init__(self, size: int, read: ReadTile, published: int | None = None) -> None:
        self.size = size
        self._published = size if published is None else published
        self._read = read
        self._row = lru_cache(_TILES_HELD)(self._read_row)

    @property
    def root(self) -> bytes:
        return self._subtree(0, self.size) if self.size else EMPTY_ROOT

    def leaf(self, index: int) -> bytes:
        """The leaf of entry `index`. Raises IndexError."""
        self._check_index(index)
        return self._complete(0, index)

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """The hashes beside the way from leaf `index` up to the root (RFC 6962 section 2.1.1). Raises IndexError."""
        self._check_index(index)
        low, high, proof = 0, self.size, list[bytes]()
        while high - low > 1:
            middle = split(low, high)
            if index < middle:
                proof.append(self._subtree(middle, high))
                high = middle
            else:
                proof.append(self._subtree(low, middle))
                low = middle
        return tuple(reversed(proof))

    def consistency_proof(self, old: int) -> tuple[bytes, ...]:
        """That the tree of the first `old` entries is the beginning of this one (RFC 6962 section 2.1.2).

        Empty where there is nothing to prove: of no entries, or all. Raises IndexError where `old` is more than all.
        """
        if not 0 <= old <= self.size:
            raise IndexError(f"{old} entries of {self.size}")
        if old in {0, self.size}:
            return ()
        low, high, proof = 0, self.size, list[bytes]()
        while old != high:
            middle = split(low, high)
            if old <= middle:
                proof.append(self._subtree(middle, high))
                high = middle
            else:
                proof.append(self._subtree(low, middle))
                low = middle
        # On the left edge, what is left over is the old tree itself: its root is known to who verifies.
        if low:
            proof.append(self._subtree(low, high))
        return tuple(reversed(proof))

    def divergence_proof(self, old: int) -> tuple[bytes, ...]:
        """What `verify_divergence` takes to show that the first `old` entries of this tree are not those of another.

        Raises IndexError where `old` is none, or more than all.
        """
        self._check_index(old - 1)
        known = (self._subtree(0, old),) if _is_whole(old) and old < self.size else ()
        return known + self.consistency_proof(old)

    def _check_index(self, index: int) -> None:
        if not 0 <= index < self.size:
            raise IndexError(f"entry {index} of {self.size}")

    def _subtree(self, low: int, high: int) -> bytes:
        """The hash over entries [low, high), a range of the tree's own splits."""
        span = high - low
        level = (span - 1).bit_length()
        if span == 1 << level:
            return self._complete(level, low >> level)
        middle = split(low, high)
        return node_hash(self._subtree(low, middle), self._subtree(middle, high))

    def _complete(self, level: int, position: int) -> bytes:
        """The node over 2**level entries, of which none is missing."""
        tile_level, within = divmod(level, HEIGHT)
        index, at = divmod(position << within, WIDTH)
        return root_of_blocks(self._row(tile_level, index)[at * DIGEST_BYTES : (at + (1 << within)) * DIGEST_BYTES])

    def _read_row(self, level: int, index: int) -> bytes:
        hashes = _read_hashes(self._read, tile_at(self._published, level, index))
        return hashes[: tile_at(self.size, level, index).width * DIGEST_BYTES]


def _read_hashes(read: ReadTile, tile: Tile) -> bytes:
    data = read(tile)
    if len(data) != tile.width * DIGEST_BYTES:
        raise FormatError(f"{tile.path}: {len(data)} bytes; expected {tile.width} hashes of {DIGEST_BYTES}")
    return data


class Appender:
    """A log of `size` entries that grows: of its tiles it holds those that are not full.

    `read` gives those that the log has. They are not believed: `root`, before anything is added, has to be that of the
    checkpoint that the keeper last signed. Raises FormatError where they are not as long as they have to be.
    """

    def __init__(self, size: int, read: ReadTile) -> None:
        self.size = size
        self._bundle = bytearray()
        self._rows: list[bytearray] = []
        if size % WIDTH:
            tile = tile_at(size, ENTRIES, size // WIDTH)
            self._bundle += read(tile)
            read_bundle(bytes(self._bundle), tile.width)
        while width := row_width(size, len(self._rows)):
            open_ = width % WIDTH
            tiles = [Tile(len(self._rows), width // WIDTH, open_)] if open_ else []
            self._rows.append(bytearray().join(_read_hashes(read, tile) for tile in tiles))

    @property
    def root(self) -> bytes:
        """The root over all entries so far."""
        edge = b""
        for row in self._rows:
            # What hangs below a row's end is one more node of it, short of entries.
            nodes = bytes(row) + edge
            edge = root_of_blocks(nodes) if nodes else b""
        return edge or EMPTY_ROOT

    def add(self, entries: Iterable[bytes]) -> Iterator[tuple[Tile, bytes]]:
        """Appends `entries`, each up to LOG_ENTRY_BYTES, and gives each file that becomes full, with its bytes.

        They are appended as the files are taken: who stops half-way has half of them. Raises FormatError before an
        entry that is too long.
        """
        for entry in entries:
            self._bundle += write_entry(entry)
            self._row(0).extend(leaf_hash(entry))
            self.size += 1
            if not self.size % WIDTH:
                yield from self._filled()

    def edge(self) -> Iterator[tuple[Tile, bytes]]:
        """The files that are partial at this size, with their bytes."""
        if self.size % WIDTH:
            yield tile_at(self.size, ENTRIES, self.size // WIDTH), bytes(self._bundle)
        for level, row in enumerate(self._rows):
            if row:
                yield Tile(level, row_width(self.size, level) // WIDTH, len(row) // DIGEST_BYTES), bytes(row)

    def _row(self, level: int) -> bytearray:
        if level == len(self._rows):
            self._rows.append(bytearray())
        return self._rows[level]

    def _filled(self) -> Iterator[tuple[Tile, bytes]]:
        level, index = 0, self.size // WIDTH - 1
        yield Tile(ENTRIES, index), bytes(self._bundle)
        self._bundle.clear()
        while len(self._row(level)) == TILE_BYTES:
            hashes = bytes(self._rows[level])
            yield Tile(level, index), hashes
            self._rows[level].clear()
            level, index = level + 1, index // WIDTH
            self._row(level).extend(root_of_blocks(hashes))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """That `leaf` is that of entry `index` in the log of `size` entries with this root (RFC 9162 section 2.1.3.2).

    Raises EvidenceError where `proof` does not show it.
    """
    _check_hashes(proof)
    if not 0 <= index < size:  # 1
        raise EvidenceError(f"entry {index} lies outside a log of {size} entries")
    fn, sn, r = index, size - 1, leaf  # 2, 3
    for p in proof:  # 4
        if sn == 0:  # 4a
            raise EvidenceError("the inclusion proof is too long")
        if fn & 1 or fn == sn:  # 4b
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1  # 4c
    if sn:  # 5
        raise EvidenceError("the inclusion proof is too short")
    if r != root:
        raise EvidenceError(f"the inclusion proof leads to the root {r.hex()}; expected {root.hex()}")


def verify_consistency(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """That the log of `old` entries with `old_root` is the beginning of the one of `size` entries with `root`
    (RFC 9162 section 2.1.4.2; RFC 6962 section 2.1.2 for the cases in which there is nothing to prove).

    Raises EvidenceError where `proof` does not show it.
    """
    _check_hashes(proof)
    if not 0 <= old <= size:
        raise EvidenceError(f"a log of {size} entries is no continuation of one of {old}")
    if old in {0, size}:
        if proof:
            raise EvidenceError("the consistency proof is too long: there is nothing to prove")
        if old_root != (EMPTY_ROOT if old == 0 else root):
            raise EvidenceError(f"the log of {old} entries has the root {old_root.hex()}, and another one")
        return
    if not proof:  # 1
        raise EvidenceError("the consistency proof is empty")
    path = (old_root, *proof) if _is_whole(old) else proof  # 2
    fr, sr = _roots(old, size, path)
    if fr != old_root:  # 7
        raise EvidenceError(f"the consistency proof leads to the old root {fr.hex()}; expected {old_root.hex()}")
    if sr != root:
        raise EvidenceError(f"the consistency proof leads to the root {sr.hex()}; expected {root.hex()}")


def verify_divergence(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """That the log of `old` entries with `old_root` is *not* the beginning of the one of `size` entries with `root`.

    As a consistency proof, `proof` gives both roots; here it has to give `root`, and another one for the first `old`
    entries: nobody can make one of an honest log. Of two logs of one size nothing but their roots is needed.

    Raises EvidenceError where `proof` does not show it.
    """
    _check_hashes(proof)
    if not 0 < old <= size:
        raise EvidenceError(f"nothing can diverge between logs of {old} and {size} entries")
    if bool(proof) != (old < size):
        raise EvidenceError("a proof of divergence is empty for two logs of one size, and for no others")
    fr, sr = _roots(old, size, proof) if proof else (root, root)
    if sr != root:
        raise EvidenceError(f"the proof of divergence leads to the root {sr.hex()}; expected {root.hex()}")
    if fr == old_root:
        raise EvidenceError(f"the logs of {old} and {size} entries are consistent")


def _is_whole(size: int) -> bool:
    """Whether the tree of so many entries is complete, and so a node of every larger one: a power of two."""
    return size & (size - 1) == 0


def _roots(old: int, size: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots of the first `old` and of all `size` entries that `path` gives: steps 3 to 7 of RFC 9162's."""
    fn, sn = old - 1, size - 1  # 3
    while fn & 1:  # 4
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]  # 5
    for c in path[1:]:  # 6
        if sn == 0:  # 6a
            raise EvidenceError("the consistency proof is too long")
        if fn & 1 or fn == sn:  # 6b
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1  # 6c
    if sn:  # 7
        raise EvidenceError("the consistency proof is too short")
    return fr, sr


def _check_hashes(proof: Sequence[bytes]) -> None:
    if any(len(one) != DIGEST_BYTES for one in proof):
        raise EvidenceError(f"a proof has a hash that is not of {DIGEST_BYTES} bytes")
