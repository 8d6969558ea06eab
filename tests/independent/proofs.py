"""The reader's OpenTimestamps: section 4 of notary/FORMAT.md."""

import hashlib
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from tests.independent.steps import Failure, need, sha256

OTS_MAGIC = b"\0OpenTimestamps\0\0Proof\0\xbf\x89\xe2\xe8\x84\xe8\x92\x94"
BITCOIN, PENDING = bytes.fromhex("0588960d73d71901"), bytes.fromhex("83dfe30d2ef90c8e")
LITECOIN, ETHEREUM = bytes.fromhex("06869a0d73d71b45"), bytes.fromhex("30fe8087b5c7ead7")


@dataclass(frozen=True)
class Place:
    """A place in a proof: all messages from the digest to here, and the hash functions on the way."""

    path: tuple[bytes, ...]
    hashes: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Attestation:
    """An end of a proof."""

    place: Place
    tag: bytes
    payload: bytes
    height: int | None

    @property
    def counts(self) -> bool:
        """Whether it does: not if SHA-1 lies on the path to it."""
        return 0x02 not in self.place.hashes


@dataclass
class Proof:
    """A proof file. `fork` is the number of operations before the first fork."""

    file_hash: int
    digest: bytes
    fork: int
    attestations: list[Attestation]


@dataclass
class Bytes:
    """Bytes that are read from the front."""

    data: bytes
    at: int = 0

    def take(self, length: int) -> bytes:
        """The next bytes."""
        need(self.at + length <= len(self.data), "it ends too early")
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self) -> int:
        """A number in base 128, low digits first."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise Failure("a number of over ten bytes")

    def block(self, low: int, high: int) -> bytes:
        """Bytes with their length before them, which must be in this range."""
        length = self.number()
        need(low <= length <= high, "a length that is not allowed")
        return self.take(length)


def keccak256(message: bytes) -> bytes:
    """Keccak-256 with its first padding, which is not that of SHA-3 and which hashlib lacks."""

    def rotate(lane: int, by: int) -> int:
        return (lane << by % 64 | lane >> 64 - by % 64) & 0xFFFFFFFFFFFFFFFF

    padded = bytearray(message + b"\1" + bytes(-(len(message) + 1) % 136))
    padded[-1] |= 0x80
    a = [0] * 25
    for start in range(0, len(padded), 136):
        a = [lane ^ new for lane, new in zip(a, struct.unpack_from("<17Q", padded, start) + (0,) * 8, strict=True)]
        lfsr = 1
        for _ in range(24):
            c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
            a = [a[i] ^ c[(i - 1) % 5] ^ rotate(c[(i + 1) % 5], 1) for i in range(25)]
            x, y, lane = 1, 0, a[1]
            for step in range(24):
                x, y = y, (2 * x + 3 * y) % 5
                lane, a[x + 5 * y] = a[x + 5 * y], rotate(lane, (step + 1) * (step + 2) // 2)
            a = [a[i] ^ (~a[i - i % 5 + (i + 1) % 5] & a[i - i % 5 + (i + 2) % 5]) for i in range(25)]
            for bit in range(7):
                a[0] ^= (lfsr & 1) << (1 << bit) - 1
                lfsr = lfsr << 1 ^ (0x171 if lfsr & 0x80 else 0)
    return struct.pack("<4Q", *a[:4])


HASHES: dict[int, tuple[int, Callable[[bytes], bytes]]] = {
    0x02: (20, lambda message: hashlib.sha1(message, usedforsecurity=False).digest()),
    0x03: (20, lambda message: hashlib.new("ripemd160", message, usedforsecurity=False).digest()),
    0x08: (32, sha256),
    0x67: (32, keccak256),
}


def read_height(payload: bytes) -> int | None:
    """A block's height; None if it is too high to be one."""
    need(re.fullmatch(b"[\x80-\xff]*[\0-\x7f]", payload, re.DOTALL), "no height, or bytes behind one")
    height = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(payload))
    return height if height < 1 << 32 else None


def read_attestation(source: Bytes, place: Place) -> Attestation:
    """An attestation at this place."""
    tag, payload = source.take(8), source.block(0, 8192)
    if tag == PENDING:
        inner = Bytes(payload)
        need(re.fullmatch(rb"[A-Za-z0-9._/:-]*", inner.block(0, 1000)), "a URI with other characters")
        need(inner.at == len(payload), "bytes behind a URI")
    height = read_height(payload) if tag in (BITCOIN, LITECOIN, ETHEREUM) else None
    return Attestation(place, tag, payload, height if tag == BITCOIN else None)


def after_op(op: int, source: Bytes, place: Place) -> Place:
    """The place behind an operation."""
    message = place.path[-1]
    if op in (0xF0, 0xF1):
        operand = source.block(1, 4096)
        message = message + operand if op == 0xF0 else operand + message
    elif op in (0xF2, 0xF3):
        message = message[::-1] if op == 0xF2 else message.hex().encode()
    else:
        need(op in HASHES, "an unknown operation")
        message = HASHES[op][1](message)
    need(len(message) <= 4096 and len(place.path) <= 255, "a message or a path that is too long")
    return Place((*place.path, message), place.hashes | ({op} & HASHES.keys()))


def read_proof(data: bytes | None) -> Proof:
    """A proof file."""
    need(data is not None and len(data) <= 1 << 16, "no proof, or one of over 64 KiB")
    source = Bytes(data or b"")
    need(source.take(len(OTS_MAGIC)) == OTS_MAGIC and source.number() == 1, "another magic, or version")
    file_hash = source.take(1)[0]
    need(file_hash in HASHES, "an unknown hash")
    digest = source.take(HASHES[file_hash][0])
    found: dict[tuple[bytes, bytes, bytes, frozenset[int]], Attestation] = {}
    fork, messages, todo = 1 << 16, 0, [Place((digest,))]
    while todo:
        place = todo.pop()
        op = source.take(1)[0]
        if op == 0xFF:
            fork = min(fork, len(place.path) - 1)
            todo.append(place)
            op = source.take(1)[0]
        if op == 0:
            each = read_attestation(source, place)
            found[place.path[-1], each.tag, each.payload, place.hashes | {file_hash}] = each
            need(len(found) <= 256, "too many attestations")
        else:
            todo.append(after_op(op, source, place))
            messages += sum(map(len, todo[-1].path[-2:]))
            need(messages <= 32 << 20, "too many messages")
    need(source.at == len(source.data), "bytes after the proof")
    return Proof(file_hash, digest, fork, list(found.values()))
