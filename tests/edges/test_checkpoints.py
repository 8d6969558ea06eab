"""The checkpoints that this release ships, and the file that they are in."""

import json
from typing import Any

import pytest
from bitcoin.core.serialize import uint256_from_compact
from hypothesis import given
from hypothesis import strategies as st

from notary.core.chain import PERIOD, Checkpoints
from notary.core.header import NETWORKS
from notary.edges.checkpoints import changes, parse_checkpoints, shipped_checkpoints, write_checkpoints
from notary.errors import FormatError
from tests.conftest import ROOT, SHARED_DATA
from tests.core.blocks import REAL, header

BITCOIN, REGTEST = NETWORKS["bitcoin"], NETWORKS["regtest"]
SHIPPED = shipped_checkpoints(BITCOIN)
LAST = 953_567

ONE, TWO, THREE, FOUR = ((bytes([number]) * 32, 0x1D00FFFF - number) for number in range(1, 5))


def hash_of(shown_hash: str) -> bytes:
    return bytes.fromhex(shown_hash)[::-1]


# -- those of this release ------------------------------------------------------------------------------------------


def test_a_checkpoint_for_each_period_to_block_953567() -> None:
    assert len(SHIPPED.pinned) == 473
    assert SHIPPED.last_height == LAST == 473 * 2016 - 1
    assert len({hash_ for hash_, _ in SHIPPED.pinned}) == 473


@pytest.mark.parametrize("name", ["regtest", "local"])
def test_none_on_a_test_network(name: str) -> None:
    assert shipped_checkpoints(NETWORKS[name]) == Checkpoints()


def test_each_hash_has_the_work_that_its_period_asks_for() -> None:
    bits = 0x1D00FFFF
    for hash_, following in SHIPPED.pinned:
        assert int.from_bytes(hash_, "little") <= uint256_from_compact(bits)
        bits = following


def test_targets_move_by_a_factor_of_4_at_most() -> None:
    """But for rounding, which makes them smaller by one in 32,768 at most; and none is easier than the first."""
    assert SHIPPED.pinned[0][1] == 0x1D00FFFF
    before = uint256_from_compact(0x1D00FFFF)
    most = before
    for _, bits in SHIPPED.pinned:
        after = uint256_from_compact(bits)
        assert 0 < after <= most
        assert before // 4 * 32767 // 32768 <= after <= before * 4
        before = after


@pytest.mark.parametrize(
    ("height", "shown_hash"),
    [
        (2015, "00000000693067b0e6b440bc51450b9f3850561b07f6d3c021c54fbd6abb9763"),
        (4031, "00000000f037ad09d0b05ee66b8c1da83030abaf909d2b1bf519c3c7d2cd3fdf"),
        (32_255, "00000000984f962134a7291e3693075ae03e521f0ee33378ec30a334d860034b"),
    ],
)
def test_hashes_that_everybody_knows(height: int, shown_hash: str) -> None:
    assert SHIPPED.hash_at(height) == hash_of(shown_hash)


@pytest.mark.shared_data
def test_the_shipped_file_is_that_of_the_shared_data() -> None:
    theirs: Any = json.loads((SHARED_DATA / "mainnet" / "checkpoints.json").read_bytes())
    ours = [[hash_[::-1].hex(), uint256_from_compact(bits)] for hash_, bits in SHIPPED.pinned]
    assert ours == theirs


@pytest.mark.shared_data
def test_real_blocks_at_the_ends_of_periods() -> None:
    """Every one of the 347 to block 699,551: its hash, and the bits of the block after it."""
    from_nodes: Any = json.loads((SHARED_DATA / "mainnet" / "retarget_boundaries.json").read_bytes())
    compared = 0
    for height, raw in from_nodes.items():
        pinned = SHIPPED.hash_at(int(height))
        assert (pinned is None) == (int(height) % 2016 != 2015)
        if pinned is not None:
            following = bytes.fromhex(from_nodes[str(int(height) + 1)])
            assert pinned == following[4:36]
            assert SHIPPED.pinned[int(height) // 2016][1] == int.from_bytes(following[72:76], "little")
            compared += 1
        assert len(raw) == 160
    assert compared == 347


def test_the_shipped_file_is_as_it_would_be_written() -> None:
    """Byte for byte, notes and all."""
    text = (ROOT / "notary" / "edges" / "checkpoints.txt").read_text(encoding="ascii")
    assert write_checkpoints(SHIPPED) == text
    assert parse_checkpoints(text) == SHIPPED


# -- what they are asked --------------------------------------------------------------------------------------------


def test_the_hash_at_a_height() -> None:
    some = Checkpoints((ONE, TWO))
    assert {height: some.hash_at(height) for height in (2015, 4031)} == {2015: ONE[0], 4031: TWO[0]}
    for height in (-2017, -2016, -1, 0, 1, 2014, 2016, 4030, 4032, 6047, 10**9 * 2016 - 1):
        assert some.hash_at(height) is None
    assert Checkpoints().hash_at(2015) is None
    assert SHIPPED.hash_at(LAST) == SHIPPED.pinned[-1][0]
    assert [SHIPPED.hash_at(LAST + step) for step in (-1, 1, 2016)] == [None, None, None]


def test_the_last_height() -> None:
    assert [Checkpoints((ONE,) * count).last_height for count in range(4)] == [-1, 2015, 4031, 6047]


@pytest.mark.parametrize(
    ("height", "at"),
    [
        *((0, 0), (1, 0), (2015, 0), (2016, 2015), (2017, 2015), (4031, 2015), (4032, 4031)),
        *((LAST - 2016, LAST - 4032), (LAST - 2015, LAST - 2016), (LAST, LAST - 2016), (LAST + 1, LAST)),
        *((LAST + 2016, LAST), (LAST + 2017, LAST), (10**7, LAST)),
    ],
)
def test_where_a_chain_to_a_height_begins(height: int, at: int) -> None:
    """At the last checkpoint below it, or at the genesis block."""
    tip = SHIPPED.before(height, BITCOIN)
    assert tip.height == at
    if at == 0:
        assert (tip.hash, tip.times, tip.period_began) == (REAL[0].hash, (1231006505,), 1231006505)
        assert (tip.next_bits, tip.work) == (0x1D00FFFF, 0x100010001)
    else:
        assert (tip.hash, tip.next_bits) == SHIPPED.pinned[(at + 1) // PERIOD - 1]
        assert (tip.times, tip.work) == ((0,) * 11, 0)


@pytest.mark.parametrize("height", [0, 2015, 2016, 10**7])
def test_without_checkpoints_a_chain_begins_at_the_genesis_block(height: int) -> None:
    assert Checkpoints().before(height, BITCOIN).hash == REAL[0].hash
    assert Checkpoints().before(height, REGTEST).height == 0


@pytest.mark.parametrize(
    ("bits", "counts"),
    [
        (0x1C040000, True),  # four times the last target
        (0x1C03FFFF, True),
        (0x1C010000, True),
        (0x03000001, True),
        (0x1C040001, False),
        (0x1D000401, False),
        (0x1D00FFFF, False),
    ],
    ids=lambda value: f"{value:x}",
)
def test_work_counts_to_a_quarter_of_the_difficulty(bits: int, counts: bool) -> None:
    pinned = Checkpoints((ONE, (TWO[0], 0x1C010000)))
    for height in (4032, 4033, 10**6):
        assert pinned.work_counts(height, header(bits=bits)) is counts
    for height in (-1, 0, 2015, 4030, 4031):
        assert not pinned.work_counts(height, header(bits=bits))


def test_work_counts_above_the_last_checkpoint() -> None:
    """For this release: from block 953,568 on, at four times the target of then, and none of the early blocks'."""
    bits = SHIPPED.pinned[-1][1]
    assert bits & 0xFFFFFF < 0x200000  # so that four times as much is but another mantissa
    quarter = (bits & 0xFF000000) + (bits & 0xFFFFFF) * 4
    assert uint256_from_compact(quarter) == 4 * uint256_from_compact(bits)
    for asked, counts in ((bits, True), (quarter, True), (quarter + 1, False), (0x1D00FFFF, False)):
        assert SHIPPED.work_counts(LAST + 1, header(bits=asked)) is counts
        assert not SHIPPED.work_counts(LAST, header(bits=asked))
    assert not any(SHIPPED.work_counts(LAST + 1, one) for one in REAL.values())


@pytest.mark.parametrize("height", [0, 1, 10**6])
def test_all_work_counts_where_nothing_is_pinned(height: int) -> None:
    assert Checkpoints().work_counts(height, header(bits=0x207FFFFF))


# -- the file -------------------------------------------------------------------------------------------------------

BITS = st.builds(lambda size, mantissa: size << 24 | mantissa, st.integers(3, 32), st.integers(1, 0x7FFFFF))


@given(st.lists(st.tuples(st.binary(min_size=32, max_size=32), BITS), max_size=20))
def test_written_and_read_again(pinned: list[tuple[bytes, int]]) -> None:
    checkpoints = Checkpoints(tuple(pinned))
    text = write_checkpoints(checkpoints)
    assert text.isascii()
    assert parse_checkpoints(text) == checkpoints
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        f"{hash_[::-1].hex()} {bits:08x}" for hash_, bits in pinned
    ]


GOOD = f"{'0' * 8}{'ab' * 28} 1d00ffff"


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_lines_and_notes(end: str) -> None:
    text = "# a note\n" + GOOD + "\n#\n# another\n" + GOOD.replace("1d00ffff", "1b0404cb") + end
    assert parse_checkpoints(text).pinned == (
        (b"\xab" * 28 + bytes(4), 0x1D00FFFF),
        (b"\xab" * 28 + bytes(4), 0x1B0404CB),
    )
    assert parse_checkpoints("").pinned == ()


@pytest.mark.parametrize(
    "line",
    [
        "",
        " ",
        GOOD[1:],
        "0" + GOOD,
        GOOD + "0",
        GOOD[:-1],
        GOOD + " ",
        " " + GOOD,
        GOOD + " # a note",
        GOOD.replace(" ", "  "),
        GOOD.replace(" ", "\t"),
        GOOD.replace(" ", ""),
        GOOD.replace("ab", "AB"),
        GOOD.replace("ab", "gh"),
        GOOD.replace("1d00ffff", "1D00FFFF"),
        GOOD.replace("1d00ffff", "0x1d00ff"),
        GOOD.partition(" ")[0],
        GOOD + GOOD,
        "\N{ARABIC-INDIC DIGIT ONE}" * 64 + " 1d00ffff",
    ],
)
def test_lines_that_are_no_checkpoint(line: str) -> None:
    with pytest.raises(FormatError, match="line 3 is no checkpoint"):
        parse_checkpoints(f"# a note\n{GOOD}\n{line}\n{GOOD}\n")


@pytest.mark.parametrize("bits", ["00000000", "1d000000", "1d80ffff", "ff123456", "01003456"])
def test_lines_whose_bits_are_no_target(bits: str) -> None:
    with pytest.raises(FormatError, match=f"bits {bits} are no target"):
        parse_checkpoints(GOOD.replace("1d00ffff", bits))


# -- from one release to the next -----------------------------------------------------------------------------------


def test_no_changes() -> None:
    assert changes(SHIPPED, SHIPPED) == []
    assert changes(Checkpoints(), Checkpoints()) == []


def test_what_is_added_removed_and_changed() -> None:
    old, new = Checkpoints((ONE, TWO)), Checkpoints((ONE, THREE, FOUR))
    two, three, four = ("02" * 32, "03" * 32, "04" * 32)
    assert changes(old, new) == [
        f"CHANGED: block 4,031 {three}, then bits 1d00fffc",
        f"added: block 6,047 {four}, then bits 1d00fffb",
    ]
    assert changes(new, old) == [
        f"CHANGED: block 4,031 {two}, then bits 1d00fffd",
        f"removed: block 6,047 {four}, then bits 1d00fffb",
    ]


@pytest.mark.parametrize(
    "changed", [(ONE[0][:-1] + b"\0", ONE[1]), (ONE[0], 0x1D00FFFF)], ids=["another hash", "other bits"]
)
def test_either_half_of_a_checkpoint_is_a_change(changed: tuple[bytes, int]) -> None:
    (line,) = changes(Checkpoints((TWO, ONE, TWO)), Checkpoints((TWO, changed, TWO)))
    assert line.startswith("CHANGED: block 4,031 ")


def test_a_release_with_one_more_period() -> None:
    """And one with the first of all."""
    (line,) = changes(Checkpoints(SHIPPED.pinned[:-1]), SHIPPED)
    assert line.startswith("added: block 953,567 0000000000000000")
    assert changes(Checkpoints(), Checkpoints((ONE,)))[0].startswith("added: block 2,015 ")
