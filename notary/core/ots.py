"""OpenTimestamps proofs: a walk over untrusted bytes, then building and merging by the reference library.

A proof file (as `opentimestamps.core.timestamp` writes it):

    file        = magic version hash-op digest timestamp
    timestamp   = *( ff branch ) branch
    branch      = 00 attestation | op timestamp
    attestation = tag(8 bytes) varbytes
    op          = f0 varbytes (append) | f1 varbytes (prepend) | f2 (reverse) | f3 (hexlify)
                | 02 (sha1) | 03 (ripemd160) | 08 (sha256) | 67 (keccak256)
    varbytes    = length(base-128, low digits first) bytes

The reference reader recurses, and can burn seconds and hundreds of megabytes on a small file. This walk goes through
the bytes once, keeps one message for each open fork, and stops at the bounds of `notary.limits`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Protocol

from notary import limits
from notary.errors import FormatError

if TYPE_CHECKING:
    from opentimestamps.core.timestamp import Timestamp

MAGIC = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94"
VERSION = 1

_FORK, _ATTESTATION = 0xFF, 0x00
_APPEND, _PREPEND, _REVERSE, _HEXLIFY = 0xF0, 0xF1, 0xF2, 0xF3
_SHA1, _RIPEMD160, _SHA256, _KECCAK256 = 0x02, 0x03, 0x08, 0x67

_TAG_BYTES = 8
_URI_CHARACTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/:")

Step = tuple[int, bytes]
"""One operation: its tag, and its operand or the empty string."""


def append(operand: bytes) -> Step:
    return (_APPEND, operand)


def prepend(operand: bytes) -> Step:
    return (_PREPEND, operand)


def sha256_step() -> Step:
    return (_SHA256, b"")


class Kind(Enum):
    """What an attestation says, by its tag."""

    PENDING = "pending"
    BITCOIN = "bitcoin"
    LITECOIN = "litecoin"
    ETHEREUM = "ethereum"
    UNKNOWN = "unknown"


_KINDS = {
    bytes.fromhex("83dfe30d2ef90c8e"): Kind.PENDING,
    bytes.fromhex("0588960d73d71901"): Kind.BITCOIN,
    bytes.fromhex("06869a0d73d71b45"): Kind.LITECOIN,
    bytes.fromhex("30fe8087b5c7ead7"): Kind.ETHEREUM,
}

BROKEN_HASHES = frozenset({"sha1"})
"""Hashes for which anybody can make two files with one digest (SHAttered, 2017): a path over one proves too little."""


@dataclass(frozen=True, slots=True)
class Attestation:
    """One attestation with the message that it attests.

    `uri` is set for a pending one, `height` for a block's; a block's whose height no chain can have is UNKNOWN.
    `hashes` names the hash functions between the digest and the message.
    """

    kind: Kind
    message: bytes
    hashes: frozenset[str]
    uri: str | None = None
    height: int | None = None
    tag: bytes = b""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a walk over a proof file found. `timestamp` is the serialised timestamp of `digest`."""

    hash_name: str
    digest: bytes
    attestations: tuple[Attestation, ...]
    timestamp: bytes

    def of_kind(self, kind: Kind) -> tuple[Attestation, ...]:
        return tuple(one for one in self.attestations if one.kind is kind)


def read_proof(data: bytes) -> Proof:
    """The proof file that `data` is. Raises FormatError, which says at which byte."""
    if len(data) > limits.PROOF_BYTES:
        raise FormatError(f"over {limits.PROOF_BYTES} bytes: no OpenTimestamps proof is so long")
    if not data.startswith(MAGIC):
        raise FormatError("not an OpenTimestamps proof: it does not start with the proof's magic bytes")
    reader = _Reader(data, len(MAGIC))
    version = reader.varint()
    if version != VERSION:
        raise FormatError(f"an OpenTimestamps proof of version {version}; this reads version {VERSION}")
    tag = reader.byte()
    if tag not in _HASHES:
        raise FormatError(f"unknown file hash 0x{tag:02x} at byte {reader.at - 1}")
    name, length = _HASHES[tag]
    digest = reader.take(length)
    timestamp = data[reader.at :]
    return Proof(name, digest, _walk(reader, digest, frozenset({name})), timestamp)


def read_timestamp(data: bytes, message: bytes, above: int = 0) -> tuple[Attestation, ...]:
    """The attestations of a serialised timestamp of `message`, as a calendar answers.

    `above` is how many operations shall still come before it in a proof. Raises FormatError.
    """
    if len(data) > limits.PROOF_BYTES - above * limits.OPERATION_BYTES:
        raise FormatError(f"a timestamp of over {limits.PROOF_BYTES} bytes")
    return _walk(_Reader(data, 0), message, frozenset(), above)


def leading_steps(proof: Proof, count: int) -> tuple[Step, ...]:
    """The first `count` operations, if every attestation of the proof lies behind them; else fewer."""
    branches = islice(_branches(_Reader(proof.timestamp, 0), proof.digest, frozenset()), count)
    operations = takewhile(lambda one: isinstance(one, _Operation), branches)
    return tuple((one.tag, one.operand) for one in operations if isinstance(one, _Operation))


class _Reader:
    """Bytes with a position; every step checks what is left before it takes it."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at

    def take(self, count: int) -> bytes:
        taken = self.data[self.at : self.at + count]
        if len(taken) < count:
            raise FormatError(f"truncated: {count} bytes are needed at byte {self.at}, {len(taken)} are there")
        self.at += count
        return taken

    def byte(self) -> int:
        return self.take(1)[0]

    def varint(self) -> int:
        start, value = self.at, 0
        for shift in range(0, 7 * limits.PROOF_VARINT_BYTES, 7):
            digit = self.byte()
            value |= (digit & 0x7F) << shift
            if digit < 0x80:
                return value
        raise FormatError(f"a number of over {limits.PROOF_VARINT_BYTES} bytes at byte {start}")

    def height(self) -> int | None:
        """A number of any length, or None for one that is no block's height: nothing large is ever computed."""
        value, shift, is_large = 0, 0, False
        while True:
            digit = self.byte()
            if shift < 7 * limits.PROOF_VARINT_BYTES:
                value |= (digit & 0x7F) << shift
            else:
                is_large |= bool(digit & 0x7F)
            shift += 7
            if digit < 0x80:
                return None if is_large or value > limits.BLOCK_HEIGHT else value

    def varbytes(self, most: int, what: str, least: int = 0) -> bytes:
        start = self.at
        length = self.varint()
        if not least <= length <= most:
            raise FormatError(f"{what} of {length} bytes at byte {start}: {least} to {most} are allowed")
        return self.take(length)

    def end(self, what: str) -> None:
        if self.at < len(self.data):
            raise FormatError(f"{len(self.data) - self.at} bytes too many after {what}")


@dataclass(frozen=True, slots=True)
class _Fork:
    """The message here has further branches."""


@dataclass(frozen=True, slots=True)
class _Operation:
    tag: int
    operand: bytes
    message: bytes


@dataclass(frozen=True, slots=True)
class _Leaf:
    """An attestation: it ends its branch, and the last open fork goes on."""

    tag: bytes
    payload: bytes
    message: bytes
    hashes: frozenset[str]


def _branches(
    reader: _Reader, message: bytes, hashes: frozenset[str], depth: int = 0
) -> Iterator[_Fork | _Operation | _Leaf]:
    """What stands in a serialised timestamp of `message`, in order, within the bounds of `notary.limits`."""
    forks: list[tuple[bytes, int, frozenset[str]]] = []
    work = 0
    while True:
        tag = reader.byte()
        if tag == _FORK:
            forks.append((message, depth, hashes))
            yield _Fork()
            tag = reader.byte()
        if tag == _ATTESTATION:
            name = reader.take(_TAG_BYTES)
            yield _Leaf(name, reader.varbytes(limits.PROOF_PAYLOAD_BYTES, "an attestation"), message, hashes)
            if not forks:
                break
            message, depth, hashes = forks.pop()
        else:
            depth += 1
            if depth > limits.PROOF_DEPTH:
                raise FormatError(f"over {limits.PROOF_DEPTH} operations deep at byte {reader.at - 1}")
            work += len(message)
            operand, message = _apply(tag, message, reader)
            work += len(message)
            if work > limits.PROOF_WORK_BYTES:
                raise FormatError(f"its operations make over {limits.PROOF_WORK_BYTES} bytes")
            if tag in _HASHES:
                hashes |= {_HASHES[tag][0]}
            yield _Operation(tag, operand, message)
    reader.end("the proof")


def _walk(reader: _Reader, message: bytes, hashes: frozenset[str], depth: int = 0) -> tuple[Attestation, ...]:
    found: dict[_Leaf, Attestation] = {}
    for one in _branches(reader, message, hashes, depth):
        if isinstance(one, _Leaf):
            found.setdefault(one, _attestation(one))
            if len(found) > limits.PROOF_ATTESTATIONS:
                raise FormatError(f"over {limits.PROOF_ATTESTATIONS} attestations")
    return tuple(found.values())


def _apply(tag: int, message: bytes, reader: _Reader) -> tuple[bytes, bytes]:
    """The operation's operand, or the empty string, and the message that it makes."""
    start = reader.at - 1
    if tag in _HASHES:
        hasher = new_hash(_HASHES[tag][0])
        hasher.update(message)
        return b"", hasher.digest()
    operand = b""
    if tag in (_APPEND, _PREPEND):
        operand = reader.varbytes(limits.PROOF_RESULT_BYTES, "an operand", least=1)
        message = message + operand if tag == _APPEND else operand + message
    elif tag == _REVERSE:
        message = message[::-1]
    elif tag == _HEXLIFY:
        message = message.hex().encode()
    else:
        raise FormatError(f"unknown operation 0x{tag:02x} at byte {start}")
    if len(message) > limits.PROOF_RESULT_BYTES:
        raise FormatError(f"the operation at byte {start} makes over {limits.PROOF_RESULT_BYTES} bytes")
    return operand, message


def _attestation(leaf: _Leaf) -> Attestation:
    kind = _KINDS.get(leaf.tag, Kind.UNKNOWN)
    reader = _Reader(leaf.payload, 0)
    if kind is Kind.UNKNOWN:
        return Attestation(kind, leaf.message, leaf.hashes, tag=leaf.tag)
    if kind is Kind.PENDING:
        uri = reader.varbytes(limits.PROOF_URI_BYTES, "a calendar's URI")
        if set(uri) - _URI_CHARACTERS:
            raise FormatError("a calendar's URI has characters that are not allowed there")
        reader.end("a calendar's URI")
        return Attestation(kind, leaf.message, leaf.hashes, uri=uri.decode("ascii"), tag=leaf.tag)
    height = reader.height()
    reader.end("a block's height")
    return Attestation(Kind.UNKNOWN if height is None else kind, leaf.message, leaf.hashes, height=height, tag=leaf.tag)


class Hasher(Protocol):
    """What hashlib's objects and PyCryptodome's have in common."""

    def update(self, data: bytes | memoryview, /) -> object: ...

    def digest(self) -> bytes: ...


def new_hash(name: str) -> Hasher:
    """A fresh hash function, by the name that a proof gives it."""
    match name:
        case "ripemd160":
            # hashlib lacks it where OpenSSL 3 keeps it in a provider that is not loaded.
            from Cryptodome.Hash import RIPEMD160

            return RIPEMD160.new()
        case "keccak256":
            from Cryptodome.Hash import keccak

            return keccak.new(digest_bits=256)
        case _:
            return hashlib.new(name, usedforsecurity=False)


_HASHES = {_SHA1: ("sha1", 20), _RIPEMD160: ("ripemd160", 20), _SHA256: ("sha256", 32), _KECCAK256: ("keccak256", 32)}
"""Each hash operation's name and the length of its digests, by its tag."""

# -- writing --------------------------------------------------------------------------------------------------------


def write_steps(steps: Iterable[Step]) -> bytes:
    """The operations one after the other, as they stand in a timestamp without forks."""
    out = bytearray()
    for tag, operand in steps:
        out.append(tag)
        if operand:
            out += _write_varint(len(operand)) + operand
    return bytes(out)


_PROOF_START = MAGIC + bytes([VERSION, _SHA256])


def write_proof(digest: bytes, steps: bytes, timestamp: bytes) -> bytes:
    """A proof file for a SHA-256 `digest`: serialised steps, then the serialised timestamp of what they lead to."""
    return _PROOF_START + digest + steps + timestamp


def rewrite_proof(proof: Proof, timestamp: bytes) -> bytes:
    """The proof file again, with another serialised timestamp of the same digest."""
    hash_tag = next(tag for tag, (name, _) in _HASHES.items() if name == proof.hash_name)
    return MAGIC + _write_varint(VERSION) + bytes([hash_tag]) + proof.digest + timestamp


def _write_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def merge(message: bytes, timestamps: Iterable[bytes], above: int = 0) -> bytes:
    """One serialised timestamp of `message` with all that `timestamps` hold.

    `above` is how many operations shall still come before it. Raises FormatError, or ValueError where there are none.
    """
    from opentimestamps.core.timestamp import Timestamp

    root = Timestamp(message)
    for data in timestamps:
        _graft(root, data)
    if not root.ops and not root.attestations:
        raise ValueError("nothing to merge")
    return _within_bounds(root, above)


def attach(timestamp: bytes, message: bytes, found: Iterable[tuple[bytes, bytes]], above: int = 0) -> bytes:
    """`timestamp` of `message` with further timestamps joined on at the messages inside it that they belong to.

    `found` are (commitment, serialised timestamp of it), as calendars give. A message that is met on several paths
    gets it on one without a broken hash, if there is one, and on the shortest. `above` is how many operations shall
    still come before all of it. Raises FormatError.
    """
    from opentimestamps.core.timestamp import Timestamp

    root = Timestamp(message)
    _graft(root, timestamp)
    places: dict[bytes, tuple[bool, int, Timestamp]] = {}
    stack = [(False, 0, root)]
    while stack:
        is_broken, depth, node = place = stack.pop()
        if node.msg not in places or (is_broken, depth) < places[node.msg][:2]:
            places[node.msg] = place
        stack += [(is_broken or op.TAG_NAME in BROKEN_HASHES, depth + 1, below) for op, below in node.ops.items()]
    for commitment, data in found:
        if commitment in places:
            _graft(places[commitment][2], data)
    return _within_bounds(root, above)


def _graft(root: Timestamp, data: bytes) -> None:
    """Adds a serialised timestamp of `root`'s message to the reference library's tree.

    Its own reader keeps only the last of two equal operations at one place, and recurses; this keeps all.
    """
    from opentimestamps.core.notary import TimeAttestation
    from opentimestamps.core.op import Op
    from opentimestamps.core.serialize import BytesDeserializationContext, DeserializationError
    from opentimestamps.core.timestamp import Timestamp

    read_timestamp(data, root.msg)
    node, forks = root, []
    for one in _branches(_Reader(data, 0), root.msg, frozenset()):
        match one:
            case _Fork():
                forks.append(node)
            case _Operation():
                operation = Op.SUBCLS_BY_TAG[bytes([one.tag])](*filter(None, (one.operand,)))
                if operation not in node.ops:
                    node.ops[operation] = Timestamp(one.message)
                node = node.ops[operation]
            case _Leaf():
                serialised = one.tag + _write_varint(len(one.payload)) + one.payload
                try:
                    attestation = TimeAttestation.deserialize(BytesDeserializationContext(serialised))
                except DeserializationError as error:
                    raise FormatError(f"the reference library refuses it: {error}") from None
                node.attestations.add(attestation)
                node = forks.pop() if forks else root


def _within_bounds(timestamp: Timestamp, above: int) -> bytes:
    """`timestamp` serialised, and walked: what was joined may be deeper or longer than any reader takes."""
    from opentimestamps.core.serialize import BytesSerializationContext

    context = BytesSerializationContext()
    timestamp.serialize(context)
    data = bytes(context.getbytes())
    read_timestamp(data, timestamp.msg, above)
    return data
