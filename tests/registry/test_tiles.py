"""Tiles: their paths, which of them there are, and bundles."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tlog_scales import tiles as scales
from tlog_scales.reader import Tile as ScalesTile

from notary import limits
from notary.errors import FormatError
from notary.registry.core.tiles import (
    BUNDLE_BYTES,
    ENTRIES,
    WIDTH,
    Tile,
    read_bundle,
    read_path,
    row_width,
    tile_at,
    tiles_of,
    write_bundle,
)

# C2SP tlog-tiles.md, "Merkle Tree"; then the numbers of golang.org/x/mod, sumdb/tlog/tlog_test.go, whose paths begin
# with the height of a tile, which C2SP leaves out.
PATHS = {
    "tile/0/x001/x234/067": Tile(0, 1234067),
    "tile/entries/x001/x234/067": Tile(ENTRIES, 1234067),
    "tile/0/001": Tile(0, 1),
    "tile/0/001.p/5": Tile(0, 1, 5),
    "tile/5/x123/x456/078": Tile(5, 123456078),
    "tile/5/x123/x456/078.p/2": Tile(5, 123456078, 2),
    "tile/0/x003/x057/500": Tile(0, 3057500),
    "tile/entries/x003/x057/500": Tile(ENTRIES, 3057500),
    "tile/63/000.p/255": Tile(63, 0, 255),
    "tile/0/999": Tile(0, 999),
    "tile/0/x001/000": Tile(0, 1000),
}


@pytest.mark.parametrize("path", PATHS)
def test_paths_of_the_specification_and_of_go(path: str) -> None:
    assert PATHS[path].path == path
    assert read_path(path) == PATHS[path]


@given(st.integers(ENTRIES, 63), st.integers(0, limits.LOG_SIZE), st.integers(1, WIDTH))
@example(ENTRIES, limits.LOG_SIZE, 255)
def test_another_program_names_them_the_same(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert tile.path == "/".join(scales.tile_path(level, index, width % WIDTH))
    assert read_path(tile.path) == tile
    assert tile.is_full == (width == WIDTH)
    assert read_path(tile.full.path) == Tile(level, index)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/001",
        "tile/0/001/",
        "tile//001",
        "tile/0//001",
        "tile/00/001",
        "tile/01/001",
        "tile/64/001",
        "tile/-1/001",
        "tile/100/001",
        "tile/data/001",
        "tile/Entries/001",
        "tile/8/0/001",
        "tile/0/1",
        "tile/0/01",
        "tile/0/0001",
        "tile/0/x001",
        "tile/0/x000/001",
        "tile/0/x000/x001/001",
        "tile/0/001/001",
        "tile/0/x01/001",
        "tile/0/X001/001",
        "tile/5/123/456/078",
        "tile/0/001.p",
        "tile/0/001.p/",
        "tile/0/001.p/0",
        "tile/0/001.p/05",
        "tile/0/001.p/256",
        "tile/0/001.p/-1",
        "tile/0/001.p/1/",
        "tile/0/x001.p/1/001",
        "tile/0/001.p/1\n",
        "tile/0/001\n",
        " tile/0/001",
        "tile/0/../001",
        "tile/0/x001/../001",
        "tile/0/\u0661\u0661\u0661",
        "tile/0/001?x",
        f"tile/0/{'x001/' * 6}001",
        f"tile/0/{'x999/' * 6}999",
        f"tile/0/{'x001/' * 100_000}001",
    ],
)
def test_paths_that_are_none(path: str) -> None:
    if path == f"tile/0/{'x001/' * 6}001":
        assert read_path(path).index == int("001" * 7)
        return
    with pytest.raises(FormatError):
        read_path(path)


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.integers(0, 30), st.integers(0, 5))
def test_whatever_is_read_is_written_the_same(noise: str, at: int, cut: int) -> None:
    path = "tile/entries/x001/x234/067.p/255"
    for changed in (noise, path[:at] + noise + path[at + cut :]):
        try:
            found = read_path(changed)
        except FormatError:
            continue
        assert found.path == changed


@pytest.mark.parametrize(
    "tile", [(-2, 0, 1), (64, 0, 1), (0, -1, 1), (0, limits.LOG_SIZE + 1, 1), (0, 0, 0), (0, 0, 257)]
)
def test_tiles_that_cannot_be(tile: tuple[int, int, int]) -> None:
    with pytest.raises(FormatError):
        Tile(*tile)


# -- which tiles a log has ------------------------------------------------------------------------------------------


def test_the_specification_s_examples_of_sizes() -> None:
    hashes = [tile for tile in tiles_of(70_000) if tile.level != ENTRIES]
    assert [tile.is_full for tile in hashes if tile.level == 0] == [True] * 273 + [False]
    partial = [(tile.level, tile.width) for tile in hashes if not tile.is_full]
    assert partial == [(0, 112), (1, 17), (2, 1)]
    assert [tile for tile in hashes if tile.level == 1] == [Tile(1, 0), Tile(1, 1, 17)]
    assert [tile.path for tile in tiles_of(256)] == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]
    assert list(tiles_of(0)) == []


SIZES = [*range(8), *range(250, 262), *range(510, 515), 65_279, 65_280, 65_281, 65_535, 65_536, 65_537, 65_792, 131_072]


@pytest.mark.parametrize("size", SIZES)
def test_another_program_counts_them_the_same(size: int) -> None:
    found = list(tiles_of(size))
    assert len(set(found)) == len(found)
    for level in range(ENTRIES, 8):
        full, width = scales.level_tiles(size, level)
        assert row_width(size, level) == scales.level_entries(size, level)
        here = [tile for tile in found if tile.level == level]
        assert here == [*(Tile(level, index) for index in range(full)), *([Tile(level, full, width)] if width else [])]
        assert here == [tile_at(size, level, tile.index) for tile in here]
        with pytest.raises(FormatError):
            tile_at(size, level, len(here))


@pytest.mark.parametrize("old", SIZES)
def test_a_log_that_grows_has_the_rest_anew(old: int) -> None:
    for size in SIZES:
        new = set(tiles_of(size)) - set(tiles_of(old)) if size > old else set()
        assert set(tiles_of(size, old)) == new


def test_a_log_of_the_largest_size_has_paths() -> None:
    for level in range(ENTRIES, 8):
        last = tile_at(limits.LOG_SIZE, level, (row_width(limits.LOG_SIZE, level) - 1) // WIDTH)
        assert read_path(last.path) == last
    assert row_width(limits.LOG_SIZE, 8) == 0


# -- bundles --------------------------------------------------------------------------------------------------------

entries = st.lists(st.binary(max_size=40), max_size=WIDTH)


@given(entries)
def test_another_program_reads_our_bundles(given_: list[bytes]) -> None:
    data = write_bundle(given_)
    assert ScalesTile.from_entries_bytes(data).entries == given_
    assert list(read_bundle(data, len(given_))) == given_


def test_entries_of_any_length_go_in() -> None:
    longest = [bytes(limits.LOG_ENTRY_BYTES)] * WIDTH
    data = write_bundle(longest)
    assert len(data) == BUNDLE_BYTES
    assert list(read_bundle(data, WIDTH)) == longest
    with pytest.raises(FormatError, match="an entry of 65536 bytes"):
        write_bundle([b"", bytes(limits.LOG_ENTRY_BYTES + 1)])


def test_bundles_that_are_none() -> None:
    given_ = [b"", b"a", b"bc" * 200, b""]
    data = write_bundle(given_)
    for end in range(len(data)):
        with pytest.raises(FormatError, match="ends within"):
            read_bundle(data[:end], len(given_))
    with pytest.raises(FormatError, match="1 bytes left over"):
        read_bundle(data + b"\0", len(given_))
    for width in (0, 1, 3, 5, 256):
        with pytest.raises(FormatError):
            read_bundle(data, width)


@given(st.binary(max_size=60), st.integers(0, WIDTH))
def test_a_bundle_has_one_form(data: bytes, width: int) -> None:
    try:
        found = read_bundle(data, width)
    except FormatError:
        return
    assert write_bundle(found) == data
    assert len(found) == width
