"""The reference library as an oracle, and the bytes of the format written by hand."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from Cryptodome.Hash import RIPEMD160
from opentimestamps.core.notary import PendingAttestation, UnknownAttestation
from opentimestamps.core.op import OpRIPEMD160
from opentimestamps.core.serialize import BytesDeserializationContext, BytesSerializationContext
from opentimestamps.core.timestamp import DetachedTimestampFile, OpSet, Timestamp

from notary import limits
from notary.core.ots import Attestation, Kind

PENDING = bytes.fromhex("83dfe30d2ef90c8e")
BITCOIN = bytes.fromhex("0588960d73d71901")
LITECOIN = bytes.fromhex("06869a0d73d71b45")
ETHEREUM = bytes.fromhex("30fe8087b5c7ead7")
MAGIC = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94"

DIGEST = hashlib.sha256(b"evidence").digest()

if "ripemd160" not in hashlib.algorithms_available:
    # The oracle is to be whole also where OpenSSL lacks it.
    OpRIPEMD160._do_op_call = lambda _, message: RIPEMD160.new(message).digest()

Attested = tuple[bytes, bytes, str | int | None]
"""A message, the tag of its attestation, and its URI or height where it has one that can be."""


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def varbytes(data: bytes) -> bytes:
    return varint(len(data)) + data


def attestation(tag: bytes, payload: bytes) -> bytes:
    return b"\0" + tag + varbytes(payload)


def block(height: int) -> bytes:
    return attestation(BITCOIN, varint(height))


def pending(uri: str) -> bytes:
    return attestation(PENDING, varbytes(uri.encode()))


def proof_of(timestamp: bytes, digest: bytes = DIGEST) -> bytes:
    return MAGIC + b"\1\x08" + digest + timestamp


def parse(data: bytes) -> Any:
    """The proof file, as the reference library reads it. Raises whatever that raises."""
    return DetachedTimestampFile.deserialize(BytesDeserializationContext(data))


def serialised(timestamp: Timestamp) -> bytes:
    context = BytesSerializationContext()
    timestamp.serialize(context)
    return bytes(context.getbytes())


def attested_by_reference(data: bytes) -> set[Attested] | None:
    """What the reference library finds in a proof file, or None where it refuses it in any way."""
    try:
        found = list(parse(data).timestamp.all_attestations())
    except Exception:  # it refuses with whatever its code runs into
        return None
    return {_plain(message, one) for message, one in found}


def attested_by_us(attestations: tuple[Attestation, ...]) -> set[Attested]:
    return {(one.message, one.tag, one.uri if one.kind is Kind.PENDING else one.height) for one in attestations}


def _plain(message: bytes, one: Any) -> Attested:
    if isinstance(one, UnknownAttestation):
        return (message, one.TAG, None)
    if isinstance(one, PendingAttestation):
        return (message, one.TAG, one.uri)
    return (message, one.TAG, one.height if one.height <= limits.BLOCK_HEIGHT else None)


@contextmanager
def keeping_repeated_operations() -> Iterator[None]:
    """The reference reader drops the first of two branches under one operation; within this, it keeps both."""

    def keep(ops: OpSet, op: Any, new: Timestamp) -> None:
        if op in ops:
            ops[op].merge(new)
        else:
            dict.__setitem__(ops, op, new)

    with patch.object(OpSet, "__setitem__", keep):
        yield
