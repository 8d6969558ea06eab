"""Headers: against real blocks, Bitcoin Core's table of compact targets, and the date rule's edges."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bitcoin.core.serialize import compact_from_uint256, uint256_from_compact
from hypothesis import given
from hypothesis import strategies as st

from notary.core.header import (
    DATE_WINDOW,
    HEADER_BYTES,
    NETWORKS,
    Header,
    Network,
    Trust,
    block_time,
    compact,
    existed_by,
    has_work,
    linked,
    network_named,
    parse_run,
    shown,
    target,
    work,
)
from notary.edges.checkpoints import shipped_checkpoints
from notary.errors import FormatError, InputError
from tests.core.blocks import NOON, REAL, chain, header, mined
from tests.parties.peer import REGTEST_GENESIS

DATA = Path(__file__).parents[3] / "shared" / "data" / "mainnet"
RETARGET = 2016
BITCOIN, REGTEST, LOCAL = (NETWORKS[name] for name in ("bitcoin", "regtest", "local"))


def load(name: str) -> Any:
    return json.loads((DATA / name).read_bytes())


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


# -- fields and hashes ----------------------------------------------------------------------------------------------


def test_genesis() -> None:
    genesis = REAL[0]
    assert genesis.shown_hash == "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
    assert shown(genesis.merkle_root) == "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
    assert (genesis.previous, genesis.time, genesis.bits) == (bytes(32), 1231006505, 0x1D00FFFF)
    assert block_time(genesis) == "2009-01-03T18:15:05Z"
    assert REAL[1].previous == genesis.hash


@pytest.mark.parametrize("size", [0, 79, 81, 160])
def test_a_header_has_80_bytes(size: int) -> None:
    with pytest.raises(FormatError, match="80 bytes"):
        Header(bytes(size))


@given(st.binary(min_size=HEADER_BYTES, max_size=HEADER_BYTES))
def test_any_80_bytes_are_read(raw: bytes) -> None:
    one = Header(raw)
    version, nonce = raw[:4], raw[76:]
    fields = one.previous + one.merkle_root + one.time.to_bytes(4, "little") + one.bits.to_bytes(4, "little")
    assert version + fields + nonce == raw
    assert block_time(one).endswith("Z")
    assert not has_work(one, BITCOIN)


def test_runs() -> None:
    raw = REAL[0].raw + REAL[1].raw
    assert parse_run(raw) == (REAL[0], REAL[1])
    assert parse_run(b"") == ()
    for odd in (raw[:-1], raw + b"\0", raw[:1]):
        with pytest.raises(FormatError, match="whole number"):
            parse_run(odd)


# -- real blocks ----------------------------------------------------------------------------------------------------


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["mainnet-000000-004100.bin", "mainnet-586655-589289.bin"])
def test_real_runs_link_have_work_and_meet_the_checkpoints(name: str) -> None:
    first, last = (int(part) for part in name.removesuffix(".bin").split("-")[1:])
    run = parse_run((DATA / "headers" / name).read_bytes())
    assert len(run) == last - first + 1
    assert linked(run) == run
    assert all(has_work(one, BITCOIN) for one in run)
    at = {first + offset: one for offset, one in enumerate(run)}
    met = 0
    for number, (hash_, aim) in enumerate(load("checkpoints.json"), start=1):
        if number * RETARGET - 1 in at:
            assert at[number * RETARGET - 1].shown_hash == hash_
            met += 1
        if number * RETARGET in at:
            assert target(at[number * RETARGET].bits) == aim
    assert met >= 1
    known = {int(height): raw for height, raw in load("retarget_boundaries.json").items()}
    known |= {int(height): one["hex80"] for height, one in load("headers.json").items()}
    for height in known.keys() & at.keys():
        assert at[height].raw.hex() == known[height]


@pytest.mark.shared_data
def test_single_real_headers() -> None:
    for known in load("headers.json").values():
        one = Header(bytes.fromhex(known["hex80"]))
        assert (one.shown_hash, shown(one.merkle_root)) == (known["hash"], known["merkle_root"])
        assert (one.time, f"{one.bits:08x}") == (known["time"], known["bits"])
        assert has_work(one, BITCOIN)
    for known in load("stale.json"):
        one = Header(bytes.fromhex(known["hex80"]))
        assert one.shown_hash == known["hash"]
        assert has_work(one, BITCOIN)


# -- work -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bits", "value"),
    [
        (0x01123456, 0x12),
        (0x02123456, 0x1234),
        (0x03123456, 0x123456),
        (0x04123456, 0x12345600),
        (0x05009234, 0x92340000),
        (0x20123456, 0x123456 << 8 * 29),
        (0x1D00FFFF, 0xFFFF << 208),
        (0x207FFFFF, 0x7FFFFF << 232),
        (0x2100FFFF, 0xFFFF << 240),
        (0x220000FF, 0xFF << 248),
    ],
    ids=lambda value: f"{value:x}"[:9],
)
def test_compact_targets(bits: int, value: int) -> None:
    """Bitcoin Core: src/test/arith_uint256_tests.cpp, bignum_SetCompact; the last two are the edges of 256 bits."""
    assert target(bits) == value


@pytest.mark.parametrize(
    "bits",
    [
        *(0x00000000, 0x00123456, 0x01003456, 0x02000056, 0x03000000, 0x04000000),  # zero
        *(0x00923456, 0x01803456, 0x02800056, 0x03800000, 0x04800000),  # zero with a sign
        *(0x01FEDCBA, 0x04923456, 0x1D80FFFF),  # negative
        *(0xFF123456, 0x21010000, 0x22000100, 0x23000001),  # over 256 bits
    ],
    ids=lambda bits: f"{bits:08x}",
)
def test_compact_targets_that_are_none(bits: int) -> None:
    with pytest.raises(FormatError, match="no target"):
        target(bits)
    assert not has_work(header(bits=bits), REGTEST)


@given(st.integers(0, 2**32 - 1))
def test_any_bits_are_a_target_of_256_bits_or_none(bits: int) -> None:
    try:
        value = target(bits)
    except FormatError:
        return
    assert 0 < value < 1 << 256
    assert work(bits) >= 1


@pytest.mark.parametrize(
    ("bits", "written"),
    [
        (0x01123456, 0x01120000),
        (0x02123456, 0x02123400),
        *((bits, bits) for bits in (0x03123456, 0x04123456, 0x05009234, 0x20123456, 0x1D00FFFF, 0x207FFFFF)),
        (0x02008000, 0x02008000),
        (0x03000080, 0x02008000),
        (0x04000080, 0x03008000),  # 0x8000: 0x02800000 would be negative
        (0x20123400, 0x20123400),
        (0x21001234, 0x20123400),
        (0x220000FF, 0x2100FF00),
    ],
    ids=lambda bits: f"{bits:08x}",
)
def test_targets_as_a_node_writes_them(bits: int, written: int) -> None:
    """Bitcoin Core: bignum_SetCompact, each followed by GetCompact; the last rows are other ways to write a number."""
    assert compact(target(bits)) == written


@pytest.mark.parametrize(
    ("value", "bits"),
    [
        *((0, 0), (1, 0x01010000), (0x7F, 0x017F0000), (0x80, 0x02008000), (0xFF, 0x0200FF00)),
        *((0x7FFFFF, 0x037FFFFF), (0x800000, 0x04008000), (0xFFFFFF, 0x0400FFFF), (0x01000000, 0x04010000)),
        (2**224 - 1, 0x1D00FFFF),  # the easiest target by Bitcoin Core's own words: rounded down
        (2**255 - 1, 0x207FFFFF),
        (2**256 - 1, 0x2100FFFF),
    ],
    ids=lambda value: f"{value:x}"[:12],
)
def test_numbers_in_compact_form(value: int, bits: int) -> None:
    assert compact(value) == bits


@pytest.mark.shared_data
def test_every_real_target_is_written_as_it_was_read() -> None:
    raw = [bytes.fromhex(raw) for raw in load("retarget_boundaries.json").values()]
    raw += [bytes.fromhex(one["hex80"]) for one in (*load("headers.json").values(), *load("stale.json"))]
    bits = {Header(one).bits for one in raw}
    assert len(bits) > 350
    for one in bits:
        assert compact(target(one)) == one == compact_from_uint256(target(one))
        assert target(one) == uint256_from_compact(one)


def test_every_target_of_a_checkpoint_is_written_as_it_was_read() -> None:
    for _, bits in shipped_checkpoints(BITCOIN).pinned:
        assert compact(target(bits)) == bits


@given(st.integers(0, 255).flatmap(lambda size: st.integers(0, 2 ** (size + 1) - 1)))
def test_compact_form_is_that_of_the_reference_library(value: int) -> None:
    bits = compact(value)
    assert bits == compact_from_uint256(value)
    if value:
        assert value * 32767 // 32768 <= target(bits) <= value
        assert compact(target(bits)) == bits


@given(st.integers(1, 0x7FFFFF), st.integers(1, 0x20))
def test_targets_are_those_of_the_reference_library(mantissa: int, size: int) -> None:
    bits = size << 24 | mantissa
    theirs = uint256_from_compact(bits)
    if theirs:
        assert target(bits) == theirs
    else:
        with pytest.raises(FormatError, match="no target"):
            target(bits)


def test_work_is_that_of_bitcoin_core() -> None:
    assert work(0x1D00FFFF) == 0x100010001
    assert work(0x207FFFFF) == 2
    assert work(0x03000001) == 2**255


def test_has_work() -> None:
    assert has_work(REAL[0], BITCOIN)
    assert has_work(REAL[358391], BITCOIN)
    assert has_work(mined(), REGTEST)
    assert has_work(mined(), LOCAL)
    assert not has_work(mined(good=False), REGTEST)


def test_any_bit_flipped_takes_the_work_away() -> None:
    raw = REAL[358391].raw
    for bit in range(8 * HEADER_BYTES):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        assert not has_work(Header(bytes(changed)), BITCOIN)


def test_work_at_a_difficulty_below_the_networks_is_none() -> None:
    easy = mined()
    assert target(easy.bits) > BITCOIN.limit
    assert not has_work(easy, BITCOIN)
    beyond = mined(bits=0x2100FFFF)
    assert not has_work(beyond, REGTEST)


# -- linkage --------------------------------------------------------------------------------------------------------


def test_linked() -> None:
    run = chain([NOON] * 5)
    assert linked(run) == run
    assert linked(()) == ()
    assert linked(run[:1]) == run[:1]
    assert linked((*run[:2], *run[3:])) == run[:2]
    assert linked(run[::-1]) == run[4:]
    assert linked((run[0], run[0])) == run[:1]
    assert linked((*run[:3], header(), run[4])) == run[:3]


# -- the date -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock", "day"),
    [
        ("2020-09-13T00:00:00", "2020-09-13"),
        ("2020-09-13T21:59:59", "2020-09-13"),
        ("2020-09-13T22:00:00", "2020-09-14"),
        ("2020-09-13T23:59:59", "2020-09-14"),
        ("2020-12-31T22:30:00", "2021-01-01"),
        ("2024-02-28T23:00:00", "2024-02-29"),
        ("1970-01-01T00:00:00", "1970-01-01"),
    ],
)
def test_two_hours_more_and_the_end_of_that_day(clock: str, day: str) -> None:
    assert existed_by([moment(clock)]) == date.fromisoformat(day)


def test_the_latest_clock_of_twelve_blocks_counts() -> None:
    tomorrow = NOON + 86_400
    assert existed_by([NOON, tomorrow, NOON]) == date(2020, 9, 14)
    assert existed_by([tomorrow, NOON]) == date(2020, 9, 14)
    assert existed_by([NOON] * (DATE_WINDOW - 1) + [tomorrow]) == date(2020, 9, 14)
    assert existed_by([NOON] * DATE_WINDOW + [tomorrow]) == date(2020, 9, 13)


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=20))
def test_the_day_is_never_before_a_clock_that_was_looked_at(times: list[int]) -> None:
    end_of_day = datetime.combine(existed_by(times) + timedelta(days=1), datetime.min.time(), UTC)
    for clock in times[:12]:
        assert datetime.fromtimestamp(clock, UTC) + timedelta(hours=2) < end_of_day


# -- networks -------------------------------------------------------------------------------------------------------


def test_only_bitcoin_counts() -> None:
    assert [name for name, network in NETWORKS.items() if not network.is_test] == ["bitcoin"]
    assert BITCOIN.least_trust is Trust.CHECKPOINT
    assert BITCOIN.limit == target(0x1D00FFFF)
    assert all(name == network.name for name, network in NETWORKS.items())


def test_genesis_blocks() -> None:
    """Bitcoin Core: kernel/chainparams.cpp, hashGenesisBlock, consensus.powLimit and fPowNoRetargeting."""
    main = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
    test = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
    assert {name: Header(network.genesis).shown_hash for name, network in NETWORKS.items()} == {
        "bitcoin": main,
        "regtest": test,
        "local": test,
    }
    assert BITCOIN.genesis == REAL[0].raw
    assert REGTEST.genesis == LOCAL.genesis == REGTEST_GENESIS
    for network in NETWORKS.values():
        assert has_work(Header(network.genesis), network)
        assert target(Header(network.genesis).bits) == network.limit
    assert [network.retargets for network in (BITCOIN, REGTEST, LOCAL)] == [True, False, False]


@pytest.mark.parametrize("name", ["Bitcoin", "", "main", "testnet", "bitcoin "])
def test_other_networks_are_unknown(name: str) -> None:
    with pytest.raises(InputError, match="unknown network"):
        network_named(name)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_networks_by_name(network: Network) -> None:
    assert network_named(network.name) is network


def test_trust_is_ordered() -> None:
    words = ["none", "work", "checkpoint", "explorers", "chain", "node"]
    assert [level.word for level in sorted(Trust)] == words
