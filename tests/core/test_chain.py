"""The rules for headers in a row: on real runs of the main chain, on chains mined here, and against a real node."""

import json
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
import requests
from bitcoin.core.serialize import compact_from_uint256, uint256_from_compact
from hypothesis import given, settings
from hypothesis import strategies as st

from notary.core.chain import (
    PERIOD,
    BrokenChainError,
    Checkpoints,
    Meeting,
    Tip,
    boundary,
    extend,
    last_wanted,
    meeting,
    retarget,
    tip_at,
)
from notary.core.facts import Facts, Files, Policy, Sighting
from notary.core.header import HEADER_BYTES, NETWORKS, Header, Network, Trust, parse_run
from notary.core.ots import Attestation, Kind, Proof, sha256_step, write_steps
from notary.core.verdict import Outcome, judge
from notary.edges.checkpoints import shipped_checkpoints
from notary.errors import FormatError
from tests.conftest import SHARED_DATA
from tests.core.blocks import NOON, header
from tests.parties.bitcoind import Bitcoind
from tests.parties.peer import REGTEST_GENESIS, block_hash, mine_chain, without_work

BITCOIN, REGTEST = NETWORKS["bitcoin"], NETWORKS["regtest"]
SHIPPED, NONE_PINNED = shipped_checkpoints(BITCOIN), Checkpoints()
FAR = 2**33
"""A machine's clock that no header can be ahead of."""

EARLY, LATE = 0, 586_655
"""Where the two real runs begin: at the genesis block, and at the last block of a period."""

EASY = 0x207FFFFF
WORK_AT_DIFFICULTY_1 = int(Fraction(2**256, 0xFFFF * 2**208 + 1))


@cache
def real(first: int) -> bytes:
    names = {EARLY: "mainnet-000000-004100.bin", LATE: "mainnet-586655-589289.bin"}
    return (SHARED_DATA / "mainnet" / "headers" / names[first]).read_bytes()


@cache
def known(name: str) -> Any:
    return json.loads((SHARED_DATA / "mainnet" / name).read_bytes())


def read(data: bytes, first: int = 0) -> Callable[[int, int], bytes]:
    """`data`, whose first header is at `first`, as a store that is asked by height."""

    def read_from(height: int, count: int) -> bytes:
        assert first <= height
        found = data[(height - first) * HEADER_BYTES : (height - first + count) * HEADER_BYTES]
        assert len(found) == count * HEADER_BYTES
        return found

    return read_from


def clocks(data: bytes) -> list[int]:
    return [int.from_bytes(data[at + 68 : at + 72], "little") for at in range(0, len(data), HEADER_BYTES)]


def start(network: Network) -> Tip:
    """The genesis block."""
    return NONE_PINNED.before(0, network)


def from_genesis(data: bytes, checkpoints: Checkpoints = NONE_PINNED) -> Tip:
    return extend(start(BITCOIN), data, BITCOIN, checkpoints, FAR)


def after_checkpoint(data: bytes, checkpoints: Checkpoints = SHIPPED) -> Tip:
    return extend(SHIPPED.before(LATE + 1, BITCOIN), data, BITCOIN, checkpoints, FAR)


# -- real runs ------------------------------------------------------------------------------------------------------


@pytest.mark.shared_data
@pytest.mark.parametrize("checkpoints", [NONE_PINNED, SHIPPED], ids=["none pinned", "shipped"])
def test_the_first_4100_blocks(checkpoints: Checkpoints) -> None:
    data = real(EARLY)
    tip = from_genesis(data[80:], checkpoints)
    assert (tip.height, tip.hash) == (4100, block_hash(data[-80:]))
    assert tip.shown_hash == "00000000d55579d1311c2841fa900531f34df1d543ff52598f2d526c5550cec4"
    assert tip.work == 4101 * WORK_AT_DIFFICULTY_1 == 4101 * 0x100010001
    assert tip.next_bits == 0x1D00FFFF
    assert tip.times == tuple(clocks(data)[-11:])
    assert tip.period_began == clocks(data)[4032]


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("height", "shown_hash"),
    [
        (0, "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"),
        (1, "00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048"),
        (170, "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee"),
        (1000, "00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09"),
        (2016, "00000000a141216a896c54f211301c436e557a8d55900637bbdce14c6c7bddef"),
    ],
)
def test_blocks_that_everybody_knows(height: int, shown_hash: str) -> None:
    tip = from_genesis(real(EARLY)[80 : (height + 1) * 80])
    assert (tip.height, tip.shown_hash) == (height, shown_hash)
    assert tip.work == (height + 1) * WORK_AT_DIFFICULTY_1


@pytest.mark.shared_data
def test_a_run_after_a_checkpoint() -> None:
    """With a retarget in it, which changes the bits."""
    data = real(LATE)
    base = SHIPPED.before(LATE + 1, BITCOIN)
    assert (base.height, base.hash, base.work) == (LATE, block_hash(data[:80]), 0)
    tip = after_checkpoint(data[80:])
    assert (tip.height, tip.hash) == (589_289, block_hash(data[-80:]))
    first, second = (int.from_bytes(data[at * 80 + 72 : at * 80 + 76], "little") for at in (1, 1 + PERIOD))
    assert (base.next_bits, tip.next_bits) == (first, second)
    assert first != second
    hashes = {bits: int(Fraction(2**256, uint256_from_compact(bits) + 1)) for bits in (first, second)}
    assert tip.work == PERIOD * hashes[first] + (589_289 - 588_671) * hashes[second]
    assert tip.times == tuple(clocks(data)[-11:])
    assert tip.period_began == clocks(data)[1 + PERIOD]


@pytest.mark.shared_data
@pytest.mark.parametrize("size", [*range(1, 20, 2), 2, 80, 1999, 2000, 2015, 2016, 2017, 4031, 4099])
def test_pieces_give_the_tip_of_the_whole(size: int) -> None:
    for base, data, checkpoints in (
        (start(BITCOIN), real(EARLY)[80:], NONE_PINNED),
        (SHIPPED.before(LATE + 1, BITCOIN), real(LATE)[80:], SHIPPED),
    ):
        tip = base
        for at in range(0, len(data), size * 80):
            tip = extend(tip, data[at : at + size * 80], BITCOIN, checkpoints, FAR)
        assert tip == extend(base, data, BITCOIN, checkpoints, FAR)


@pytest.mark.shared_data
@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 4100), max_size=8))
def test_any_pieces_and_a_tip_read_anew(cuts: list[int]) -> None:
    """At every cut the tip is thrown away and made again from the headers."""
    data, tip = real(EARLY), start(BITCOIN)
    for cut in [*sorted(cuts), 4100]:
        grown = extend(tip, data[(tip.height + 1) * 80 : (cut + 1) * 80], BITCOIN, SHIPPED, FAR)
        assert grown.height == cut
        assert grown.hash == block_hash(data[cut * 80 : (cut + 1) * 80])
        tip = tip_at(read(data), cut, BITCOIN)
        assert tip == grown


@pytest.mark.shared_data
@pytest.mark.parametrize("height", [0, 1, 9, 10, 11, 2014, 2015, 2016, 2017, 4030, 4031, 4032, 4100])
def test_a_tip_read_at_the_edges(height: int) -> None:
    assert tip_at(read(real(EARLY)), height, BITCOIN) == from_genesis(real(EARLY)[80 : (height + 1) * 80])


def period_firsts() -> Callable[[int, int], bytes]:
    """The first block of each period to 586,656 as `retarget_boundaries.json` has it, and the late run."""
    firsts, late = known("retarget_boundaries.json"), read(real(LATE), LATE)
    return lambda height, count: bytes.fromhex(firsts[str(height)]) if count == 1 else late(height, count)


@pytest.mark.shared_data
@pytest.mark.parametrize("height", [586_700, 588_670, 588_671, 588_672, 588_690, 589_289])
def test_a_tip_read_late_in_the_chain(height: int) -> None:
    """The same as by extension, but that one has the whole chain's work and the other that since the checkpoint."""
    tip = tip_at(period_firsts(), height, BITCOIN)
    grown = after_checkpoint(real(LATE)[80 : (height - LATE + 1) * 80])
    assert replace(tip, work=0) == replace(grown, work=0)
    other = tip_at(period_firsts(), height - 30, BITCOIN)
    since = after_checkpoint(real(LATE)[80 : (height - 30 - LATE + 1) * 80])
    assert tip.work - other.work == grown.work - since.work > 0


@pytest.mark.parametrize(
    ("height", "chainwork"),
    [
        (100_000, "0644cb7f5234089e"),
        (506_067, "f91c579d57cad4bc5278cc"),
        (534_292, "028822fef1c230963535a90d"),
        (563_378, "051dc8b82f450202ecb3d471"),
        (597_379, "08ea3cf107ae0dec57f03fe8"),
        (623_950, "0e1ab5ec9348e9f4b8eb8154"),
        (654_683, "1533efd8d716a517fe2c5008"),
        (691_719, "1fa4663bbbe19f82de910280"),
        (724_466, "2927cdceccbd5209e81e80db"),
        (751_565, "3404ba0801921119f903495e"),
        (804_000, "52b2559353df4117b7348b64"),
        (824_000, "63c4ebd298db40af57541800"),
        (856_760, "88e186b70e0862c193ec44d6"),
        (886_157, "b1f3b93b65b16d035a82be84"),
    ],
)
def test_the_work_that_bitcoin_core_asks_for(height: int, chainwork: str) -> None:
    """nMinimumChainWork of Bitcoin Core 0.16 to 29, each with its block; and getblockheader's example, block 100,000.

    The bits are those of the shipped checkpoints: were one of them wrong, no sum after it would be right.
    """
    bits = [0x1D00FFFF, *(bits for _, bits in SHIPPED.pinned)]
    tip = tip_at(lambda at, count: header(bits=bits[at // PERIOD]).raw * count, height, BITCOIN)
    assert f"{tip.work:x}" == chainwork.lstrip("0")


@pytest.mark.shared_data
def test_nothing_more_changes_nothing() -> None:
    for tip in (from_genesis(b""), from_genesis(real(EARLY)[80:]), SHIPPED.before(LATE + 1, BITCOIN)):
        assert extend(tip, b"", BITCOIN, SHIPPED, 0) == tip


@pytest.mark.parametrize("size", [1, 79, 81, 159])
def test_no_whole_number_of_headers(size: int) -> None:
    with pytest.raises(FormatError, match="whole number") as caught:
        extend(start(REGTEST), bytes(size), REGTEST, NONE_PINNED, FAR)
    assert not isinstance(caught.value, BrokenChainError)


def test_ends_of_periods() -> None:
    assert [boundary(height) for height in (0, 2015, 2016, 4031, 586_655, 586_656, 953_567)] == [
        *(2015, 2015, 4031, 4031, 586_655, 588_671, 953_567)
    ]
    assert [last_wanted(height) for height in (0, 2004, 2005, 2015, 2016)] == [2015, 2015, 2016, 2026, 4031]


# -- the target -----------------------------------------------------------------------------------------------------


@pytest.mark.shared_data
def test_every_real_retarget_to_block_700000() -> None:
    """347 of them. 15 stop at the easiest target; one, at 68,544, had so quick a period that the clamp holds it."""
    edge = {int(height): Header(bytes.fromhex(raw)) for height, raw in known("retarget_boundaries.json").items()}
    starts = [height for height in sorted(edge) if height and height % PERIOD == 0]
    assert starts == list(range(PERIOD, 700_000, PERIOD))
    clamped = []
    for height in starts:
        first, last = edge[height - PERIOD], edge[height - 1]
        seconds = last.time - first.time
        assert retarget(first.bits, seconds, BITCOIN) == edge[height].bits, height
        assert last.bits == first.bits
        if not 302_400 < seconds < 4_838_400:
            clamped.append((height, seconds))
    assert len(starts) == 347
    assert clamped == [(68_544, 289_434)]
    assert sum(edge[height].bits == 0x1D00FFFF for height in starts) == 15


@pytest.mark.shared_data
def test_every_real_retarget_by_the_rules_for_a_chain() -> None:
    """From the last block of each period but one to the first of the next, through `extend`, with nothing pinned."""
    edge = {int(height): bytes.fromhex(raw) for height, raw in known("retarget_boundaries.json").items()}
    for height in range(PERIOD, 700_000, PERIOD):
        first, last, following = (Header(edge[at]) for at in (height - PERIOD, height - 1, height))
        before = Tip(height - 2, last.previous, first.bits, first.time, (0,) * 11, 0)
        tip = extend(before, last.raw + following.raw, BITCOIN, NONE_PINNED, FAR)
        assert (tip.height, tip.hash, tip.next_bits) == (height, following.hash, following.bits)
        assert tip.period_began == following.time
        slower = replace(before, period_began=first.time - 3600)
        if following.bits != 0x1D00FFFF and height != 68_544:
            with pytest.raises(BrokenChainError, match="its bits are") as caught:
                extend(slower, last.raw + following.raw, BITCOIN, NONE_PINNED, FAR)
            assert caught.value.height == height


@pytest.mark.parametrize(
    ("bits", "seconds", "following"),
    [
        # 0x1c010000 is 2**216.
        (0x1C010000, 1_209_600, 0x1C010000),
        (0x1C010000, 604_800, 0x1C008000),  # 2**215: 0x1b800000 would be negative
        (0x1C010000, 2_419_200, 0x1C020000),
        (0x1C010000, 302_401, 0x1B40000D),  # 0x400000 * 302,401 / 302,400 = 0x40000d.e
        (0x1C010000, 302_400, 0x1B400000),
        (0x1C010000, 302_399, 0x1B400000),
        (0x1C010000, 0, 0x1B400000),
        (0x1C010000, -1, 0x1B400000),
        (0x1C010000, -(2**32), 0x1B400000),
        (0x1C010000, 4_838_399, 0x1C03FFFF),  # 0x040000 * 4,838,399 / 4,838,400 = 0x03ffff.f
        (0x1C010000, 4_838_400, 0x1C040000),
        (0x1C010000, 4_838_401, 0x1C040000),
        (0x1C010000, 2**32, 0x1C040000),
        # As many digits as fit: one second in 4,838,400 is 1.7 of the last.
        (0x1B1FFFFF, 4_838_399, 0x1B7FFFFA),
        (0x1B1FFFFF, 4_838_400, 0x1B7FFFFC),
        (0x1B1FFFFF, 4_838_401, 0x1B7FFFFC),
        # The easiest target there is, 0x1d00ffff.
        (0x1D00FFFF, 1_209_600, 0x1D00FFFF),
        (0x1D00FFFF, 1_209_601, 0x1D00FFFF),
        (0x1D00FFFF, 2**32, 0x1D00FFFF),
        (0x1D00FFFF, 1_209_599, 0x1D00FFFE),
        (0x1D00FFFF, 302_400, 0x1C3FFFC0),
        (0x1C7FFFFF, 2_419_200, 0x1D00FFFF),  # twice that is 0xfffffe << 200: over 0xffff00 << 200
        (0x1C7FFF80, 2_419_200, 0x1D00FFFF),  # just that target
        (0x1C7FFF7F, 2_419_200, 0x1D00FFFE),
        (0x1C400000, 4_838_400, 0x1D00FFFF),
    ],
)
def test_clamps_and_the_easiest_target(bits: int, seconds: int, following: int) -> None:
    assert retarget(bits, seconds, BITCOIN) == following


@given(st.integers(0x010000, 0x7FFFFF), st.integers(0x04, 0x1C), st.integers(302_400, 4_838_400))
def test_a_retarget_as_the_reference_library_would_write_it(mantissa: int, size: int, seconds: int) -> None:
    """Seconds within the clamps: the target grows by what the period took too long."""
    bits = size << 24 | mantissa
    aim = int(uint256_from_compact(bits) * Fraction(seconds, 14 * 24 * 60 * 60))
    assert retarget(bits, seconds, BITCOIN) == compact_from_uint256(min(aim, 0xFFFF << 208))


@pytest.mark.shared_data
def test_without_the_limit_the_first_retarget_would_ease() -> None:
    """In 2009 both periods took longer than a fortnight."""
    with pytest.raises(BrokenChainError, match="its bits are 1d00ffff; at this height they have to be") as caught:
        extend(start(BITCOIN), real(EARLY)[80:], replace(BITCOIN, limit=BITCOIN.limit * 2), NONE_PINNED, FAR)
    assert caught.value.height == 2016


# -- broken rules ---------------------------------------------------------------------------------------------------


def refuses(
    tip: Tip, data: bytes, height: int, why: str, network: Network, checkpoints: Checkpoints = NONE_PINNED,
    now: int = FAR,
) -> None:  # fmt: skip
    """Of the headers in `data` after `tip`, that at `height` is the first that is refused, and `why` is in its message.

    Those before it are taken; and cut into single ones it is the same.
    """
    with pytest.raises(BrokenChainError, match=why) as caught:
        extend(tip, data, network, checkpoints, now)
    assert caught.value.height == height
    assert f"header {height:,} " in str(caught.value)
    sound = (height - tip.height - 1) * 80
    before = extend(tip, data[:sound], network, checkpoints, now)
    assert before.height == height - 1
    with pytest.raises(BrokenChainError, match=why) as alone:
        extend(before, data[sound : sound + 80], network, checkpoints, now)
    assert str(alone.value) == str(caught.value)


def on(previous: bytes, time: int, *, bits: int = EASY, version: int = 4) -> bytes:
    """One mined header upon another."""
    return mine_chain(1, after=previous, time=time, bits=bits, version=version)[0]


def by_clocks(times: Sequence[int]) -> list[bytes]:
    """Mined headers upon regtest's genesis block, by these clocks."""
    rows = [REGTEST_GENESIS]
    for time in times:
        rows.append(on(rows[-1], time))
    return rows[1:]


ROW = mine_chain(40, time=NOON)
PLACES = (1, 2, 11, 12, 23, 39, 40)


@pytest.mark.parametrize("height", PLACES)
def test_a_header_that_follows_another(height: int) -> None:
    """One left out, one twice, one upon a block of another branch, one upon nothing."""
    tip, at = start(REGTEST), height - 1
    if height < 40:
        refuses(tip, b"".join(ROW[:at] + ROW[height:]), height, "does not follow", REGTEST)
    refuses(tip, b"".join(ROW[:height] + ROW[at:]), height + 1, "does not follow", REGTEST)
    for stranger in (on(ROW[-1], NOON + at * 600), on(bytes(80), NOON + at * 600), REGTEST_GENESIS):
        refuses(tip, b"".join([*ROW[:at], stranger, *ROW[height:]]), height, "does not follow", REGTEST)


@pytest.mark.parametrize("height", PLACES)
@pytest.mark.parametrize(
    "bits",
    [
        0x2100FFFF,  # easier
        0x217FFFFF,
        0x207FFFFE,  # harder by one
        0x21007FFF,  # nearly the same, otherwise written
        0x2000FFFF,
        0x1F7FFFFF,
    ],
    ids=lambda bits: f"{bits:08x}",
)
def test_wrong_bits(height: int, bits: int) -> None:
    """Even if the header meets the target that it names itself."""
    before = [REGTEST_GENESIS, *ROW][height - 1]
    wrong = on(before, NOON + (height - 1) * 600, bits=bits)
    refuses(start(REGTEST), b"".join([*ROW[: height - 1], wrong]), height, f"bits are {bits:08x}", REGTEST)


@pytest.mark.parametrize("bits", [0, 0x20800001, 0xFF123456, 0xFFFFFFFF, 0x20FFFFFF])
def test_bits_that_are_no_target(bits: int) -> None:
    refuses(start(REGTEST), header(previous=block_hash(REGTEST_GENESIS), bits=bits).raw, 1, "its bits are", REGTEST)


def test_the_same_target_in_other_bits() -> None:
    """0x20123400 and 0x21001234 are one number; only one is how a node writes it."""
    assert uint256_from_compact(0x20123400) == uint256_from_compact(0x21001234)
    tip = Tip(99, block_hash(ROW[0]), 0x21001234, NOON, (NOON,), 0)
    good, other = (on(ROW[0], NOON + 1, bits=bits) for bits in (0x21001234, 0x20123400))
    assert extend(tip, good, REGTEST, NONE_PINNED, FAR).hash == block_hash(good)
    refuses(tip, other, 100, "its bits are 20123400", REGTEST)


@pytest.mark.parametrize("height", PLACES)
def test_a_header_without_work(height: int) -> None:
    spoilt = [*ROW[: height - 1], without_work(ROW[height - 1]), *ROW[height:]]
    refuses(start(REGTEST), b"".join(spoilt), height, "does not meet its target", REGTEST)


def test_any_hash_and_a_target_in_the_middle_of_them() -> None:
    """The nearest ones on both sides are a fiftieth of it away, or less."""
    bits, aim = 0x20184000, 0x1840 << 240
    tip = Tip(7, block_hash(ROW[0]), bits, NOON, (0,), 0)
    hashes: dict[bool, list[int]] = {True: [], False: []}
    for nonce in range(4000):
        raw = header(previous=block_hash(ROW[0]), bits=bits, nonce=nonce).raw
        hash_ = int.from_bytes(block_hash(raw), "little")
        hashes[hash_ <= aim].append(hash_)
        if hash_ <= aim:
            assert extend(tip, raw, REGTEST, NONE_PINNED, FAR).height == 8
        else:
            with pytest.raises(BrokenChainError, match="does not meet its target"):
                extend(tip, raw, REGTEST, NONE_PINNED, FAR)
    assert aim - aim // 50 < max(hashes[True]) <= aim < min(hashes[False]) < aim + aim // 50


@pytest.mark.shared_data
@pytest.mark.parametrize(("first", "height"), [(EARLY, 170), (EARLY, 2016), (LATE, 587_000), (LATE, 588_671)])
def test_any_bit_of_a_real_header(first: int, height: int) -> None:
    """It is refused where it stands, and for the next nothing follows."""
    data = real(first)
    at = (height - first) * 80
    before = from_genesis(data[80:at]) if first == EARLY else after_checkpoint(data[80:at])
    whole = data[at : at + 160]
    assert extend(before, whole, BITCOIN, NONE_PINNED, FAR).height == height + 1
    for bit in range(8 * 80):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BrokenChainError) as caught:
            extend(before, bytes(changed), BITCOIN, NONE_PINNED, FAR)
        assert caught.value.height == height
        if not 4 <= bit // 8 < 36 and not 72 <= bit // 8 < 76:
            assert "does not meet its target" in str(caught.value)


@pytest.mark.shared_data
def test_any_byte_of_a_real_header() -> None:
    data = real(EARLY)
    before = from_genesis(data[80 : 100 * 80])
    for at in range(80):
        for byte in set(range(256)) - {data[100 * 80 + at]}:
            changed = data[100 * 80 : 100 * 80 + at] + bytes([byte]) + data[100 * 80 + at + 1 : 102 * 80]
            with pytest.raises(BrokenChainError) as caught:
                extend(before, changed, BITCOIN, NONE_PINNED, FAR)
            assert caught.value.height == 100


@given(st.integers(0, 39 * 80 - 1), st.integers(1, 255))
def test_any_byte_where_work_is_cheap(at: int, flip: int) -> None:
    """Half of what is changed still has work; then the next header follows another."""
    data = b"".join(ROW)
    changed = data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]
    with pytest.raises(BrokenChainError) as caught:
        extend(start(REGTEST), changed, REGTEST, NONE_PINNED, FAR)
    assert caught.value.height in {at // 80 + 1, at // 80 + 2}


# -- clocks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 9, 10, 11, 12, 30])
def test_the_median_of_the_last_eleven(count: int) -> None:
    """With the genesis block; in an even number it is the later one of the middle two."""
    times = [NOON + (at * 7919) % 5000 + at * 1000 for at in range(count)]
    rows = by_clocks(times)
    tip, latest = start(REGTEST), [1_296_688_602, *times][-11:]
    median = statistics.median_high(latest)
    parent = rows[-1] if rows else REGTEST_GENESIS
    for late in (1, 600, 10**9):
        assert extend(tip, b"".join([*rows, on(parent, median + late)]), REGTEST, NONE_PINNED, FAR).height == count + 1
    for early in (0, 1, 600, 10**9):
        wrong = b"".join([*rows, on(parent, median - early)])
        refuses(tip, wrong, count + 1, "not past the median", REGTEST)


def test_a_clock_before_the_one_before_it() -> None:
    """One second past the median of eleven, though five of them are later."""
    rows = by_clocks([NOON + at * 600 for at in range(11)])
    median = NOON + 5 * 600
    good, wrong = on(rows[-1], median + 1), on(rows[-1], median)
    tip = extend(start(REGTEST), b"".join([*rows, good]), REGTEST, NONE_PINNED, FAR)
    assert tip.times[-2] - tip.times[-1] == 5 * 600 - 1
    refuses(start(REGTEST), b"".join([*rows, wrong]), 12, "not past the median", REGTEST)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=40))
def test_clocks_that_wander(steps: list[int]) -> None:
    """Each is put a few seconds off the median so far: refused where it is not past it, and there only."""
    rows, times = [REGTEST_GENESIS], [1_296_688_602]
    tip = start(REGTEST)
    for step in steps:
        clock = statistics.median_high(times[-11:]) + step
        one = on(rows[-1], clock)
        if step <= 0:
            refuses(tip, one, len(rows), "not past the median", REGTEST)
            continue
        tip = extend(tip, one, REGTEST, NONE_PINNED, FAR)
        rows.append(one)
        times.append(clock)
    assert tip.times == tuple(times[-11:])
    assert tip == extend(start(REGTEST), b"".join(rows[1:]), REGTEST, NONE_PINNED, FAR)
    assert tip == tip_at(read(b"".join(rows)), len(rows) - 1, REGTEST)


@pytest.mark.shared_data
def test_real_clocks_run_backwards() -> None:
    """Three of the first 4,100 do, and twelve of the later run, one of them by 43 seconds right after a retarget."""
    backwards: dict[int, int] = {}
    for first in (EARLY, LATE):
        times = clocks(real(first))
        backwards |= {first + at: times[at] - times[at - 1] for at in range(1, len(times)) if times[at] < times[at - 1]}
    early, late = ([height for height in backwards if (height >= LATE) is later] for later in (False, True))
    assert (len(early), len(late)) == (3, 12)
    assert (backwards[2298], backwards[588_673]) == (-46, -43)
    for height in early:
        assert from_genesis(real(EARLY)[80 : (height + 1) * 80]).height == height
    for height in late:
        assert after_checkpoint(real(LATE)[80 : (height - LATE + 1) * 80]).height == height


def test_a_clock_of_the_future() -> None:
    """Two hours ahead of this machine's, and no second more."""
    last = NOON + 39 * 600
    tip = extend(start(REGTEST), b"".join(ROW), REGTEST, NONE_PINNED, last - 7200)
    assert tip.height == 40
    refuses(start(REGTEST), b"".join(ROW), 40, "two hours ahead", REGTEST, now=last - 7201)
    refuses(start(REGTEST), b"".join(ROW), 40, "two hours ahead", REGTEST, now=last - 7800)
    refuses(start(REGTEST), b"".join(ROW), 39, "two hours ahead", REGTEST, now=last - 7801)
    refuses(start(REGTEST), b"".join(ROW), 1, "two hours ahead", REGTEST, now=0)


@pytest.mark.shared_data
def test_real_headers_on_a_machine_whose_clock_is_behind() -> None:
    data = real(EARLY)
    times = clocks(data)
    latest = max(times[:3001])
    refuses(start(BITCOIN), data[80:], times.index(latest), "two hours ahead", BITCOIN, now=latest - 7201)
    ahead = next(at for at, clock in enumerate(times) if clock > latest)
    refuses(start(BITCOIN), data[80:], ahead, "two hours ahead", BITCOIN, now=latest - 7200)


# -- versions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "height", "least"),
    [
        (BITCOIN, 227_931, 2),
        (BITCOIN, 363_725, 3),
        (BITCOIN, 388_381, 4),
        (REGTEST, 1, 4),
        (NETWORKS["local"], 1, 4),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_versions_from_these_heights_on(network: Network, height: int, least: int) -> None:
    """Bitcoin Core: kernel/chainparams.cpp, BIP34Height, BIP66Height and BIP65Height."""
    for at in (height, height + 1, height + 10_000):
        tip = Tip(at - 1, block_hash(ROW[0]), EASY, NOON, (NOON,), 0)
        for version in (*range(least), 0x80000000, 0x80000004, 0xFFFFFFFF):  # the last three are negative
            one = on(ROW[0], NOON + 1, version=version)
            refuses(tip, one, at, "is no longer allowed at this height", network)
        for version in (least, 4, 5, 0x20000000, 0x7FFFFFFF):
            one = on(ROW[0], NOON + 1, version=version)
            assert extend(tip, one, network, NONE_PINNED, FAR).height == at
    if height > 1:
        one = on(ROW[0], NOON + 1, version=least - 1)
        tip = Tip(height - 2, block_hash(ROW[0]), EASY, NOON, (NOON,), 0)
        assert extend(tip, one, network, NONE_PINNED, FAR).height == height - 1


def test_any_version_before_the_first_of_these_heights() -> None:
    for version in (0, 1, 0x80000000, 0xFFFFFFFF):
        one = on(ROW[0], NOON + 1, version=version)
        tip = Tip(227_929, block_hash(ROW[0]), EASY, NOON, (NOON,), 0)
        assert extend(tip, one, BITCOIN, NONE_PINNED, FAR).height == 227_930


@pytest.mark.shared_data
def test_no_real_block_is_refused_for_its_version() -> None:
    """Nor is one of those that did not stay in the chain. Right up to each height there are blocks of the old one."""
    blocks = [(int(height), bytes.fromhex(raw)) for height, raw in known("retarget_boundaries.json").items()]
    blocks += [(int(height), bytes.fromhex(one["hex80"])) for height, one in known("headers.json").items()]
    blocks += [(one["height"], bytes.fromhex(one["hex80"])) for one in known("stale.json")]
    last_of: dict[int, int] = {}
    for height, raw in blocks:
        if height:
            tip = Tip(height - 1, raw[4:36], int.from_bytes(raw[72:76], "little"), 0, (0,), 0)
            assert extend(tip, raw, BITCOIN, NONE_PINNED, FAR).hash == block_hash(raw)
        version = int.from_bytes(raw[:4], "little")
        last_of[version] = max(height, last_of.get(version, 0))
    assert 220_000 < last_of[1] < 227_931
    assert 360_000 < last_of[2] < 363_725
    assert 387_000 < last_of[3] < 388_381


# -- checkpoints ----------------------------------------------------------------------------------------------------

PERIOD_0 = mine_chain(PERIOD + 20, time=NOON)
END_0 = block_hash(PERIOD_0[PERIOD - 2])
"""The hash at 2,015: the list begins with block 1."""


def test_the_checkpoint_at_the_end_of_a_period() -> None:
    data = b"".join(PERIOD_0)
    right, wrong = Checkpoints(((END_0, EASY),)), Checkpoints(((END_0[::-1], EASY),))
    whole = extend(start(REGTEST), data, REGTEST, NONE_PINNED, FAR)
    assert whole.height == PERIOD + 20
    assert extend(start(REGTEST), data, REGTEST, right, FAR) == whole
    refuses(start(REGTEST), data, 2015, f"this release pins {END_0.hex()} there", REGTEST, wrong)


@pytest.mark.shared_data
@pytest.mark.parametrize("number", [0, 1])
def test_a_real_chain_that_meets_another_checkpoint(number: int) -> None:
    pinned = list(SHIPPED.pinned)
    pinned[number] = (pinned[number + 2][0], pinned[number][1])
    height = (number + 1) * PERIOD - 1
    refuses(start(BITCOIN), real(EARLY)[80:], height, "this release pins", BITCOIN, Checkpoints(tuple(pinned)))


def test_a_chain_from_a_checkpoint_on() -> None:
    """No clock before it is known, so none is refused for that; from the sixth block on the median is known again."""
    base = Checkpoints(((END_0, EASY),)).before(PERIOD, REGTEST)
    assert (base.height, base.hash, base.next_bits) == (2015, END_0, EASY)
    rows = [PERIOD_0[PERIOD - 2]]
    for at in range(5):
        rows.append(on(rows[-1], NOON - at))
    tip = extend(base, b"".join(rows[1:]), REGTEST, NONE_PINNED, FAR)
    assert tip.height == 2020
    sixth = extend(tip, on(rows[-1], 1), REGTEST, NONE_PINNED, FAR)
    refuses(sixth, on(on(rows[-1], 1), 1), 2022, "not past the median", REGTEST)


# -- the chain with more work ---------------------------------------------------------------------------------------

EASING = replace(REGTEST, retargets=True)


def grow(step: int, more: int, bits: int) -> Tip:
    """A first period of blocks `step` seconds apart, then some `more`, at the target that this leads to."""
    first = mine_chain(PERIOD - 1, time=1_296_688_602 + step, step=step)
    second = mine_chain(more, after=first[-1], time=1_296_688_602 + PERIOD * step, step=step, bits=bits)
    return extend(start(EASING), b"".join(first + second), EASING, NONE_PINNED, FAR)


def test_of_two_chains_the_shorter_one_may_have_more_work() -> None:
    """Blocks each second make the target a quarter; then 30 of 8 hashes each are more than 100 of 2."""
    quick, slow = grow(1, 30, 0x201FFFFF), grow(600, 100, 0x207FEFBD)
    assert quick.height < slow.height
    assert quick.work > slow.work
    assert (quick.work, slow.work) == (PERIOD * 2 + 30 * 8, PERIOD * 2 + 100 * 2)


def test_a_mined_retarget() -> None:
    """From the first block's clock to the last one's there are 2,015 steps: at 600 s the target shrinks a little."""
    assert compact_from_uint256(int(uint256_from_compact(EASY) * Fraction(2015, 2016))) == 0x207FEFBD
    first = mine_chain(PERIOD - 1, time=1_296_688_602 + 600)
    tip = extend(start(EASING), b"".join(first), EASING, NONE_PINNED, FAR)
    assert tip.next_bits == 0x207FEFBD
    assert tip == tip_at(read(b"".join([REGTEST_GENESIS, *first])), 2015, EASING)
    refuses(tip, on(first[-1], tip.times[-1] + 600), 2016, "have to be 207fefbd", EASING)
    unmoved = extend(start(REGTEST), b"".join(first), REGTEST, NONE_PINNED, FAR)
    assert unmoved == replace(tip, next_bits=EASY)


# -- a row of headers and the checkpoint after it -------------------------------------------------------------------


@cache
def late_run() -> tuple[Header, ...]:
    return parse_run(real(LATE))


@pytest.mark.shared_data
@pytest.mark.parametrize("height", [586_655, 586_656, *range(586_700, 588_671, 197), 588_669, 588_670, 588_671])
def test_a_real_row_leads_to_the_checkpoint(height: int) -> None:
    row = late_run()[height - LATE :]
    end = boundary(height) - height + 1
    assert meeting(height, row, SHIPPED) is Meeting.LINKED
    assert meeting(height, row[:end], SHIPPED) is Meeting.LINKED
    assert meeting(height, row[: end - 1], SHIPPED) is Meeting.OPEN
    assert meeting(height, row[:end] + (header(),) * 3, SHIPPED) is Meeting.LINKED  # what is beyond does not matter
    for elsewhere in (height - 1, height + 1, height - PERIOD, height + PERIOD):
        assert meeting(elsewhere, row[:end], SHIPPED) is not Meeting.LINKED
    assert meeting(height, row, NONE_PINNED) is Meeting.OPEN
    assert meeting(height, (), SHIPPED) is Meeting.OPEN


@pytest.mark.shared_data
def test_a_row_after_the_last_boundary_in_it_is_open() -> None:
    for height in (588_672, 588_673, 589_289):
        assert meeting(height, late_run()[height - LATE :], SHIPPED) is Meeting.OPEN


@pytest.mark.shared_data
@settings(deadline=None, max_examples=80)
@given(st.integers(588_500, 588_670), st.data())
def test_one_changed_byte_and_nothing_leads_to_the_checkpoint(height: int, data: st.DataObject) -> None:
    row = list(late_run()[height - LATE : 588_671 - LATE + 1])
    at = data.draw(st.integers(0, len(row) - 2))
    raw = bytearray(row[at].raw)
    raw[data.draw(st.integers(0, 79))] ^= data.draw(st.integers(1, 255))
    row[at] = Header(bytes(raw))
    assert meeting(height, row, SHIPPED) is Meeting.OPEN


@pytest.mark.shared_data
def test_a_changed_checkpoint_is_none() -> None:
    """The last header of the row is another than what is pinned, in whatever byte."""
    row = late_run()[588_650 - LATE : 588_671 - LATE + 1]
    for at in range(80):
        raw = bytearray(row[-1].raw)
        raw[at] ^= 1
        assert meeting(588_650, (*row[:-1], Header(bytes(raw))), SHIPPED) in {Meeting.DIVERGED, Meeting.OPEN}


def test_a_mined_row_that_reaches_the_boundary_has_diverged() -> None:
    rows = [Header(raw) for raw in PERIOD_0]
    right = Checkpoints(((END_0, EASY),))
    for height in (1, 2000, 2015):
        assert meeting(height, rows[height - 1 :], SHIPPED) is Meeting.DIVERGED
        assert meeting(height, rows[height - 1 : PERIOD - 2], SHIPPED) is Meeting.OPEN
        assert meeting(height, rows[height - 1 :], right) is Meeting.LINKED
        assert meeting(height + PERIOD, rows[height - 1 :], right) is Meeting.OPEN


@pytest.mark.shared_data
def test_a_branch_off_the_real_chain() -> None:
    """It follows a real block and reaches the boundary; the real last block at its end would not follow it."""
    row = late_run()[588_660 - LATE : 588_671 - LATE + 1]
    for fork in range(1, len(row)):
        branch = mine_chain(len(row) - fork, after=row[fork - 1].raw, time=row[fork].time)
        side = (*row[:fork], *map(Header, branch))
        assert meeting(588_660, side, SHIPPED) is Meeting.DIVERGED
        if fork < len(row) - 1:
            assert meeting(588_660, (*side[:-1], row[-1]), SHIPPED) is Meeting.OPEN


# -- real blocks that are not in the chain --------------------------------------------------------------------------


def proved(height: int, row: Sequence[Header]) -> Facts:
    """A proof that leads to the first header's merkle root, and the row as a file of headers gives it."""
    attestation = Attestation(Kind.BITCOIN, row[0].merkle_root, frozenset({"sha256"}), height=height)
    proof = Proof("sha256", b"\x4e" * 32, (attestation,), write_steps([sha256_step()]) + bytes(10))
    seen = Sighting(height, tuple(row), "a file")
    return Facts("a.ots", "a", Files(1, 1, matched=1), None, proof, None, (seen,))


def assert_unproven(height: int, row: Sequence[Header]) -> None:
    assert meeting(height, row, SHIPPED) is not Meeting.LINKED
    for require in Trust:
        verdict = judge(proved(height, row), Policy(BITCOIN, require, SHIPPED))
        assert verdict.outcome in {Outcome.UNCONFIRMED, Outcome.FAILED}
        assert verdict.trust is Trust.NONE
        assert verdict.existed_by is None


@pytest.mark.shared_data
def test_a_stale_block_is_never_tied_to_the_chain() -> None:
    """All 414: alone, and followed by real headers, at its own height and at theirs."""
    stale = known("stale.json")
    assert len(stale) == 414
    followers = late_run()[588_660 - LATE :]
    for one in stale:
        block = Header(bytes.fromhex(one["hex80"]))
        assert one["height"] <= SHIPPED.last_height
        assert_unproven(one["height"], (block,))
        assert_unproven(one["height"], (block, *followers[:3]))
        for height in (588_659, 588_671):
            assert_unproven(height, (block, *followers[: 588_671 - height]))


@pytest.mark.shared_data
def test_a_real_block_beside_them_is() -> None:
    row = late_run()[588_659 - LATE : 588_671 - LATE + 1]
    verdict = judge(proved(588_659, row), Policy(BITCOIN, Trust.CHECKPOINT, SHIPPED))
    assert (verdict.outcome, verdict.trust) == (Outcome.VERIFIED, Trust.CHECKPOINT)
    assert_unproven(588_659, row[:-1])


# -- a real node's opinion ------------------------------------------------------------------------------------------


def answers(node: Bitcoind, headers: Sequence[bytes]) -> list[str]:
    """What a node says to each header, one after the other; "" if it takes it."""
    calls = [{"id": at, "method": "submitheader", "params": [raw.hex()]} for at, raw in enumerate(headers)]
    replies = requests.post(node.url_with_login, json=calls, timeout=60).json()
    by_id = {reply["id"]: reply for reply in replies}
    return [(by_id[at].get("error") or {"message": ""})["message"] for at in range(len(headers))]


def opinion(tip: Tip, data: bytes, now: int) -> tuple[int, str]:
    """Where `extend` ends or stops on regtest, and why; "" if it takes all."""
    try:
        return extend(tip, data, REGTEST, NONE_PINNED, now).height, ""
    except BrokenChainError as error:
        return error.height, str(error)


REASONS = {
    "Must submit previous header": "does not follow",
    "bad-diffbits": "its bits are",
    "high-hash": "does not meet",
    "time-too-old": "not past the median",
    "time-too-new": "two hours ahead",
    "bad-version": "no longer allowed",
}
"""A node's reasons, and ours."""


@pytest.mark.bitcoind
def test_a_node_takes_and_refuses_the_same_headers(bitcoind: Callable[..., Bitcoind]) -> None:
    """300 branches whose clocks wander, with a last header that is odd: both stop at the same height, or at none."""
    now = NOON + 30 * 600
    node = bitcoind(f"-mocktime={now}")
    chance = random.Random(2016)  # noqa: S311 - the same in each run
    met: dict[str, int] = {}
    for number in range(300):
        length = chance.randrange(16)
        rows = by_clocks([NOON + number + at * 600 + chance.randrange(-900, 900) for at in range(length)])
        latest = [1_296_688_602, *clocks(b"".join(rows))][-11:]
        median = statistics.median_high(latest)
        parent = rows[-1] if rows else REGTEST_GENESIS
        clock = chance.choice(
            [*(median + step for step in (-600, -1, 0, 1, 600)), *(now + 7200 + s for s in (-1, 0, 1))]
        )
        odd = chance.randrange(8)
        bits = chance.choice([0x207FFFFE, 0x21007FFF, 0x2000FFFF, 0x1F7FFFFF]) if odd == 0 else EASY
        versions = (0, 1, 2, 3, 4, 5, 0x20000000, 0x7FFFFFFF)
        version = chance.choice(versions) if odd in {1, 2} else 4
        doubtful = on(bytes(80) if odd == 3 else parent, clock, bits=bits, version=version)
        if odd == 4:
            doubtful = without_work(doubtful)
        said = answers(node, [*rows, doubtful])
        at, ours = opinion(start(REGTEST), b"".join([*rows, doubtful]), now)
        refused = [(height, why) for height, why in enumerate(said, start=1) if why]
        height, why = refused[0] if refused else (length + 1, "")
        assert (height, bool(why)) == (at, bool(ours)), (refused, ours)
        theirs = next((reason for reason in REASONS if why.startswith(reason)), why)
        met[theirs] = met.get(theirs, 0) + 1
        if why and (height <= length or odd not in {3, 4}):
            assert REASONS[theirs] in ours, (why, ours)
    assert set(met) == {"", *REASONS}, met
    assert min(met.values()) >= 5, met
