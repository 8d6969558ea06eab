"""Bitcoin block headers: 80 bytes, their hash, target, work and linkage; and what each network demands of them.

Layout (all integers little-endian):

    version 4 | hash of the block before 32 | merkle root 32 | time 4 | bits 4 | nonce 4
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from itertools import pairwise

from notary.errors import FormatError, InputError

HEADER_BYTES = 80

CONFIRMATIONS = 6
"""Blocks from the attested one on, before a node's word is taken: deeper reorganisations have not been seen in use."""

DATE_WINDOW = 12
"""Blocks h..h+11 whose clocks the date rule looks at (DESIGN section 4)."""

CLOCK_SLACK = timedelta(hours=2)
"""How far ahead of the network's time a block's clock may run (Bitcoin Core: MAX_FUTURE_BLOCK_TIME)."""


class Trust(IntEnum):
    """How a header was confirmed, weakest first (DESIGN section 5)."""

    NONE = 0
    WORK = 1
    CHECKPOINT = 2
    EXPLORERS = 3
    CHAIN = 4
    NODE = 5

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Network:
    """What a chain demands of its headers.

    `limit` is the easiest target that it allows, `rpc_name` what a node calls it, `genesis` its first header.
    `versions` are the heights from which on a header's version is at least so much (BIP 34, 66, 65). `least_trust`
    counts unless the verifier asks for another level: where blocks cost nothing, no way of confirming one proves more
    than another.
    """

    name: str
    rpc_name: str
    limit: int
    retargets: bool
    versions: tuple[tuple[int, int], ...]
    genesis: bytes
    is_test: bool
    least_trust: Trust


def _genesis(time: int, bits: int, nonce: int) -> bytes:
    root = bytes.fromhex("3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a")
    return struct.pack("<i32x32sIII", 1, root, time, bits, nonce)


# Bitcoin Core: kernel/chainparams.cpp.
_MAIN_GENESIS = _genesis(1231006505, 0x1D00FFFF, 2083236893)
_TEST_GENESIS = _genesis(1296688602, 0x207FFFFF, 2)
_MAIN_VERSIONS = ((227_931, 2), (363_725, 3), (388_381, 4))
_MAIN_LIMIT = 0xFFFF << 208
_TEST_LIMIT = 0x7FFFFF << 232

NETWORKS = {
    network.name: network
    for network in (
        Network("bitcoin", "main", _MAIN_LIMIT, True, _MAIN_VERSIONS, _MAIN_GENESIS, False, Trust.CHECKPOINT),
        Network("regtest", "regtest", _TEST_LIMIT, False, ((1, 4),), _TEST_GENESIS, True, Trust.WORK),
        Network("local", "regtest", _TEST_LIMIT, False, ((1, 4),), _TEST_GENESIS, True, Trust.WORK),
    )
}


def network_named(name: str) -> Network:
    """Raises InputError for a name that is none of NETWORKS."""
    try:
        return NETWORKS[name]
    except KeyError:
        raise InputError(f"unknown network {name!r}", f"the networks are {', '.join(NETWORKS)}") from None


@dataclass(frozen=True, slots=True)
class Header:
    """One block header, by its 80 bytes."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != HEADER_BYTES:
            raise FormatError(f"a block header has {HEADER_BYTES} bytes, not {len(self.raw)}")

    @property
    def hash(self) -> bytes:
        """SHA-256 twice, in the order in which headers hold it; `shown` turns it round."""
        return hashlib.sha256(hashlib.sha256(self.raw).digest()).digest()

    @property
    def previous(self) -> bytes:
        return self.raw[4:36]

    @property
    def merkle_root(self) -> bytes:
        return self.raw[36:68]

    @property
    def time(self) -> int:
        """Seconds since 1970, by the miner's own clock."""
        return int.from_bytes(self.raw[68:72], "little")

    @property
    def bits(self) -> int:
        return int.from_bytes(self.raw[72:76], "little")

    @property
    def shown_hash(self) -> str:
        return shown(self.hash)


def shown(hash_: bytes) -> str:
    """A hash as block explorers and nodes print it: reversed, in hex."""
    return hash_[::-1].hex()


def target(bits: int) -> int:
    """The number that `bits` writes in compact form (Bitcoin Core: arith_uint256::SetCompact).

    Raises FormatError where it is zero, negative or over 256 bits: no hash can satisfy those.
    """
    exponent, mantissa = bits >> 24, bits & 0x7FFFFF
    value = mantissa >> 8 * (3 - exponent) if exponent <= 3 else mantissa << 8 * (exponent - 3)
    if value == 0 or bits & 0x800000 or value >> 256:
        raise FormatError(f"bits {bits:08x} are no target")
    return value


def compact(value: int) -> int:
    """`value` in compact form, rounded down to what that can hold (Bitcoin Core: arith_uint256::GetCompact)."""
    size = (value.bit_length() + 7) // 8
    mantissa = value << 8 * (3 - size) if size <= 3 else value >> 8 * (size - 3)
    if mantissa & 0x800000:  # that bit is the sign
        mantissa, size = mantissa >> 8, size + 1
    return size << 24 | mantissa


def work(bits: int) -> int:
    """Hashes expected for one block (Bitcoin Core: GetBlockProof): 2**256 / (target + 1)."""
    return (1 << 256) // (target(bits) + 1)


def has_work(header: Header, network: Network) -> bool:
    """Whether the header's hash meets its own target, and that target is one that the network allows."""
    try:
        aim = target(header.bits)
    except FormatError:
        return False
    return aim <= network.limit and int.from_bytes(header.hash, "little") <= aim


def linked(headers: Sequence[Header]) -> tuple[Header, ...]:
    """The leading headers each of which names the one before it."""
    for at, (before, after) in enumerate(pairwise(headers), start=1):
        if after.previous != before.hash:
            return tuple(headers[:at])
    return tuple(headers)


def parse_run(data: bytes) -> tuple[Header, ...]:
    """The headers that stand in a row in `data`. Raises FormatError where its length is no multiple of 80."""
    if len(data) % HEADER_BYTES:
        raise FormatError(f"{len(data)} bytes are not a whole number of {HEADER_BYTES}-byte headers")
    return tuple(Header(data[at : at + HEADER_BYTES]) for at in range(0, len(data), HEADER_BYTES))


def existed_by(times: Sequence[int]) -> date:
    """The day (UTC) by whose end a commitment in the first of these blocks existed (DESIGN section 4).

    `times` are the clocks of the attested block and of up to eleven after it: a miner's clock may be behind, and the
    claim must stay true; the latest, plus what it may run ahead, rounded up to the end of its day.
    """
    return (datetime.fromtimestamp(max(times[:DATE_WINDOW]), UTC) + CLOCK_SLACK).date()


def mined_after(header: Header) -> datetime:
    """Before this moment nobody can have known this block: its clock, less what it may run ahead."""
    return datetime.fromtimestamp(header.time, UTC) - CLOCK_SLACK


def block_time(header: Header) -> str:
    """The header's raw clock in RFC 3339, UTC."""
    return datetime.fromtimestamp(header.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
