"""Headers in a row: when they are a valid chain, which of two chains counts, and what ties one to this release.

The rules are those by which Bitcoin Core takes or refuses a header (validation.cpp: CheckBlockHeader and
ContextualCheckBlockHeader; pow.cpp). Of two valid chains the one with more work counts; with equal work the one that
was there first.
"""

import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import takewhile

from notary.core.header import (
    CLOCK_SLACK,
    DATE_WINDOW,
    HEADER_BYTES,
    Header,
    Network,
    compact,
    has_work,
    linked,
    shown,
    target,
    work,
)
from notary.errors import FormatError

PERIOD = 2016
"""Blocks from one adjustment of the target to the next."""

PERIOD_SECONDS = 14 * 24 * 60 * 60
"""How long they should take; the target follows how long they did, by a factor of 4 at most either way."""

MEDIAN_OF = 11
"""A block's clock is past the median of this many before it (BIP 113)."""

EASING = 4
"""How much easier than at the last checkpoint a header above it may be for its own work to count: one retarget."""

_FIELDS = struct.Struct("<i32s32xII4x")

ReadHeaders = Callable[[int, int], bytes]
"""From a height on, so many headers: their bytes in a row."""


def boundary(height: int) -> int:
    """The last height of the period that `height` is in: where the next checkpoint is."""
    return height - height % PERIOD + PERIOD - 1


def last_wanted(height: int) -> int:
    """The last height that a proof of block `height` has a use for: to the next checkpoint, and for the date."""
    return max(boundary(height), height + DATE_WINDOW - 1)


@dataclass(frozen=True, slots=True)
class Tip:
    """The end of a chain that was found valid, with what the rules for the next header need.

    `hash` is in the order in which headers hold it; `times` are the clocks of the last `MEDIAN_OF` blocks, oldest
    first; `period_began` is the clock of the first block of the period of `height`; `work` counts the hashes expected
    for the whole chain, or, if it begins at a checkpoint, for what follows that.
    """

    height: int
    hash: bytes
    next_bits: int
    period_began: int
    times: tuple[int, ...]
    work: int

    @property
    def shown_hash(self) -> str:
        return shown(self.hash)


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """For each period from the first on: the hash of its last block, and the bits that follow it."""

    pinned: tuple[tuple[bytes, int], ...] = ()

    @property
    def last_height(self) -> int:
        """The height of the last one; -1 where there is none."""
        return len(self.pinned) * PERIOD - 1

    def hash_at(self, height: int) -> bytes | None:
        """The hash that the block at `height` has, if that is the last block of a period that is pinned."""
        number, at = divmod(height + 1, PERIOD)
        return self.pinned[number - 1][0] if at == 0 and 0 < number <= len(self.pinned) else None

    def before(self, height: int, network: Network) -> Tip:
        """The last checkpoint below `height`, or the genesis block, as a chain to go on from.

        Of the clocks before a checkpoint nothing is known: zeros stand for them, which refuse no header.
        """
        number = min(height // PERIOD, len(self.pinned))
        if number == 0:
            return genesis_tip(network)
        hash_, bits = self.pinned[number - 1]
        return Tip(number * PERIOD - 1, hash_, bits, 0, (0,) * MEDIAN_OF, 0)

    def work_counts(self, height: int, header: Header) -> bool:
        """Whether the header's own work says anything: above the last checkpoint, and not much easier than there.

        Below it old headers of little difficulty are cheap to make. DESIGN section 5.
        """
        if height <= self.last_height:
            return False
        return not self.pinned or target(header.bits) <= EASING * target(self.pinned[-1][1])


class BrokenChainError(FormatError):
    """A header that breaks a rule: the one at `height`."""

    def __init__(self, height: int, why: str) -> None:
        super().__init__(f"header {height:,} breaks the chain: {why}")
        self.height = height


def is_comparable(header: Header, other: Header) -> bool:
    """Whether `header` is not so much easier than `other` that no retarget between them explains it."""
    return target(header.bits) <= EASING * target(other.bits)


def sound_row(headers: Sequence[Header], network: Network) -> tuple[Header, ...]:
    """The leading headers that link, each with work, and none much easier than the first."""
    row = takewhile(lambda one: has_work(one, network) and is_comparable(one, headers[0]), linked(headers))
    return tuple(row)


class Meeting(Enum):
    """How a row of headers stands to the checkpoint at the end of its period."""

    LINKED = "linked"
    DIVERGED = "diverged"
    OPEN = "open"


def meeting(height: int, headers: Sequence[Header], checkpoints: Checkpoints) -> Meeting:
    """Whether `headers`, the first at `height`, lead link by link to the checkpoint that follows, or past it.

    OPEN where they end before it, or this release has none there.
    """
    end = boundary(height)
    row = headers[: end - height + 1]
    pinned = checkpoints.hash_at(end)
    if pinned is None or len(row) <= end - height or len(linked(row)) < len(row):
        return Meeting.OPEN
    return Meeting.LINKED if row[-1].hash == pinned else Meeting.DIVERGED


def retarget(bits: int, seconds: int, network: Network) -> int:
    """The bits of the next period after one with `bits` that took `seconds` (pow.cpp: CalculateNextWorkRequired).

    `seconds` is from the clock of its first block to that of its last, which is one interval short of the period.
    """
    seconds = min(max(seconds, PERIOD_SECONDS // 4), PERIOD_SECONDS * 4)
    return compact(min(target(bits) * seconds // PERIOD_SECONDS, network.limit))


def genesis_tip(network: Network) -> Tip:
    """The chain of the genesis block alone."""
    return tip_at(lambda start, count: network.genesis, 0, network)


def checkpoint_at(read: ReadHeaders, height: int, network: Network) -> tuple[bytes, int]:
    """The hash of the last block of a period, and the bits that follow it, from a chain that was found valid before."""
    first, last = Header(read(height - PERIOD + 1, 1)), Header(read(height, 1))
    return last.hash, _next_bits(height, first.bits, last.time - first.time, network)


def tip_at(read: ReadHeaders, height: int, network: Network) -> Tip:
    """The tip at `height` of a chain from the genesis block on that was found valid before.

    Within a period all blocks have the same work, so one header of each is enough.
    """
    total = 0
    for start in range(0, height + 1, PERIOD):
        total += work(Header(read(start, 1)).bits) * min(PERIOD, height + 1 - start)
    first = Header(read(height - height % PERIOD, 1))
    count = min(MEDIAN_OF, height + 1)
    recent = read(height - count + 1, count)
    times = tuple(clock for _, _, clock, _ in _FIELDS.iter_unpack(recent))
    bits = _next_bits(height, first.bits, times[-1] - first.time, network)
    return Tip(height, Header(recent[-HEADER_BYTES:]).hash, bits, first.time, times, total)


def _next_bits(height: int, bits: int, seconds: int, network: Network) -> int:
    if network.retargets and (height + 1) % PERIOD == 0:
        return retarget(bits, seconds, network)
    return bits


def extend(tip: Tip, data: bytes, network: Network, checkpoints: Checkpoints, now: int | None) -> Tip:
    """The tip after the headers in `data`, 80 bytes each, each of which follows the one before by every rule.

    `now` is this machine's clock in seconds since 1970: a header may be two hours ahead of it; None for headers that
    were taken before, or only have to be read. Raises BrokenChainError at the first header that breaks a rule; with
    what stands before it nothing is wrong.
    """
    if len(data) % HEADER_BYTES:
        raise FormatError(f"{len(data)} bytes are not a whole number of {HEADER_BYTES}-byte headers")
    height, previous, bits, began, total = tip.height, tip.hash, tip.next_bits, tip.period_began, tip.work
    times = list(tip.times)
    latest = 2**32 if now is None else now + int(CLOCK_SLACK.total_seconds())
    newest_version = network.versions[-1][1]
    aim, each = target(bits).to_bytes(32, "big"), work(bits)
    sha256 = hashlib.sha256
    for at, (version, before, clock, own_bits) in enumerate(_FIELDS.iter_unpack(data)):
        height += 1
        if before != previous:
            raise BrokenChainError(height, f"it does not follow {shown(previous)}, the one before it")
        if own_bits != bits:
            raise BrokenChainError(height, f"its bits are {own_bits:08x}; at this height they have to be {bits:08x}")
        previous = sha256(sha256(data[at * HEADER_BYTES : (at + 1) * HEADER_BYTES]).digest()).digest()
        if previous[::-1] > aim:
            raise BrokenChainError(height, f"its hash {shown(previous)} does not meet its target")
        if clock <= sorted(times[-MEDIAN_OF:])[min(len(times), MEDIAN_OF) // 2]:
            raise BrokenChainError(height, "its clock is not past the median of the eleven before it")
        if clock > latest:
            raise BrokenChainError(height, "its clock is over two hours ahead of this machine's")
        if version < newest_version and version < _least_version(height, network):
            raise BrokenChainError(height, f"its version {version} is no longer allowed at this height")
        times.append(clock)
        total += each
        place = height % PERIOD
        if place == 0:
            began = clock
        elif place == PERIOD - 1:
            pinned = checkpoints.hash_at(height)
            if pinned is not None and pinned != previous:
                raise BrokenChainError(height, f"it is {shown(previous)}; this release pins {shown(pinned)} there")
            bits = _next_bits(height, bits, clock - began, network)
            aim, each = target(bits).to_bytes(32, "big"), work(bits)
            del times[:-MEDIAN_OF]
    return Tip(height, previous, bits, began, tuple(times[-MEDIAN_OF:]), total)


def _least_version(height: int, network: Network) -> int:
    return max((version for since, version in network.versions if height >= since), default=-(2**31))
