"""Logs to test with: RFC 6962 as it is written, keepers of keys, and a store that is a dictionary of files."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from notary.registry.core.checkpoint import Checkpoint, sign_checkpoint
from notary.registry.core.log import Appender
from notary.registry.core.note import COSIGNATURE, ED25519, Note, VerifierKey
from notary.registry.core.tiles import Tile

ORIGIN = "log.example/register"


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


class Rfc6962:
    """Section 2.1 over `entries`, as it is written there: MTH, PATH and PROOF."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.leaves = [sha256(b"\0", entry) for entry in entries]
        self.root = cache(self._root)

    def _root(self, low: int, high: int) -> bytes:
        if high == low:
            return sha256()
        if high - low == 1:
            return self.leaves[low]
        k = low + largest_power_of_two_below(high - low)
        return sha256(b"\1", self.root(low, k), self.root(k, high))

    def path(self, m: int, low: int, high: int) -> list[bytes]:
        if high - low == 1:
            return []
        k = largest_power_of_two_below(high - low)
        if m < k:
            return [*self.path(m, low, low + k), self.root(low + k, high)]
        return [*self.path(m - k, low + k, high), self.root(low, low + k)]

    def proof(self, m: int, n: int) -> list[bytes]:
        return self._subproof(m, 0, n, True)

    def _subproof(self, m: int, low: int, high: int, is_known: bool) -> list[bytes]:
        n = high - low
        if m == n:
            return [] if is_known else [self.root(low, high)]
        k = largest_power_of_two_below(n)
        if m <= k:
            return [*self._subproof(m, low, low + k, is_known), self.root(low + k, high)]
        return [*self._subproof(m - k, low + k, high, False), self.root(low, low + k)]


def largest_power_of_two_below(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def entries_of(size: int) -> list[bytes]:
    """Entries of many lengths, the empty one among them."""
    return [(b"entry %d " % index) * (index % 7) for index in range(size)]


@dataclass
class Keeper:
    """Somebody with an Ed25519 key: a log's, or a witness's."""

    name: str = ORIGIN
    seed: bytes = bytes(32)
    type: int = ED25519
    private: Ed25519PrivateKey = field(init=False)

    def __post_init__(self) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(self.seed)

    @property
    def key(self) -> VerifierKey:
        return VerifierKey(self.name, self.type, self.private.public_key().public_bytes_raw())

    @property
    def sign(self) -> Callable[[bytes], bytes]:
        return self.private.sign


LOG = Keeper()
WITNESSES = tuple(Keeper(f"witness.example/w{n}", bytes([n]) * 32, COSIGNATURE) for n in range(1, 4))


@dataclass
class Store:
    """The files of a log by their paths, and which of them were read."""

    files: dict[str, bytes] = field(default_factory=dict)
    read_paths: list[str] = field(default_factory=list)

    def read(self, tile: Tile) -> bytes:
        self.read_paths.append(tile.path)
        return self.files[tile.path]

    def keep(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        for tile, data in tiles:
            assert self.files.setdefault(tile.path, data) == data, f"{tile.path} has changed"

    def append(self, size: int, entries: Iterable[bytes]) -> Appender:
        """Appends to the log of `size`, as a keeper does who starts anew each time."""
        appender = Appender(size, self.read)
        self.keep(appender.add(entries))
        self.keep(appender.edge())
        return appender

    def publish(self, folder: Path, note: bytes) -> None:
        for path, data in [*self.files.items(), ("checkpoint", note)]:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)


def signed(size: int, root: bytes, keeper: Keeper = LOG) -> Note:
    return sign_checkpoint(Checkpoint(keeper.name, size, root), keeper.key, keeper.sign)


def flipped(data: bytes, bit: int) -> bytes:
    """`data` with one bit turned over, counted round."""
    at = bit % (8 * len(data))
    return data[: at // 8] + bytes([data[at // 8] ^ 1 << at % 8]) + data[at // 8 + 1 :]


def each_flipped(hashes: Sequence[bytes], bit: int) -> Iterator[list[bytes]]:
    """`hashes`, each time with a bit of another of them turned over."""
    for at, one in enumerate(hashes):
        yield [*hashes[:at], flipped(one, bit + 37 * at), *hashes[at + 1 :]]
