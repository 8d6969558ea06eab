"""The files of a tiled log: their names, which of them a log of a size has, and bundles of entries (C2SP tlog-tiles).

    tile/0/x001/x234/067            hashes 256 * 1234067 and on of the leaves
    tile/1/000.p/17                 the first 17 hashes over 256 leaves each
    tile/entries/x001/x234/067      the entries of the first one

    path    = "tile/" ( level / "entries" ) "/" index [ ".p/" width ]
    level   = 0 .. 63, index in groups of three digits, all but the last after an "x", width = 1 .. 255
    tile    = 1*256( hash ), 32 bytes each, of which each stands for 256**level entries
    bundle  = 1*256( u16 length ‖ entry )

A tile is full, of 256, or partial: then it is the last of its level in a log of some size. What has once been published
under a path never changes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from notary import limits
from notary.core.digest import DIGEST_BYTES
from notary.core.strict_json import quoted
from notary.errors import FormatError

HEIGHT = 8
"""Levels of the tree that one tile spans."""

WIDTH = 1 << HEIGHT
"""Hashes of a full tile, entries of a full bundle."""

ENTRIES = -1
"""The level of bundles, as Go's `tlog` package counts it: what the hashes of level 0 are made of."""

TILE_BYTES = WIDTH * DIGEST_BYTES
BUNDLE_BYTES = WIDTH * (2 + limits.LOG_ENTRY_BYTES)

_LEVELS = 64
_LENGTH_BYTES = 2
_PATH_LENGTH = 64
_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]{1,3}))?")


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """A tile of hashes, or at level ENTRIES a bundle of entries. Raises FormatError where there can be none such."""

    level: int
    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        in_range = ENTRIES <= self.level < _LEVELS and 0 <= self.index <= limits.LOG_SIZE and 0 < self.width <= WIDTH
        if not in_range:
            raise FormatError(f"no tile: level {self.level}, index {self.index}, width {self.width}")

    @property
    def is_full(self) -> bool:
        return self.width == WIDTH

    @property
    def full(self) -> "Tile":
        """The full tile in whose beginning this one is."""
        return Tile(self.level, self.index)

    @property
    def path(self) -> str:
        """Where it is, under the log's folder or URL."""
        groups, rest = [f"{self.index % 1000:03d}"], self.index // 1000
        while rest:
            groups.append(f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.is_full else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"


def read_path(path: str) -> Tile:
    """The tile at `path`, which is written as only this tile's is. Raises FormatError."""
    found = _PATH.fullmatch(path) if len(path) <= _PATH_LENGTH else None
    if not found:
        raise FormatError(f"no tile's path: {quoted(path)}")
    level, groups, width = found.groups()
    index = int(groups.replace("/", "").replace("x", ""))
    tile = Tile(ENTRIES if level == "entries" else int(level), index, int(width) if width else WIDTH)
    if tile.path != path:
        raise FormatError(f"a tile's path with needless zeros: {quoted(path)}")
    return tile


def row_width(size: int, level: int) -> int:
    """How many complete hashes of `level`, or entries, a log of `size` entries has."""
    return size >> HEIGHT * max(level, 0)


def tile_at(size: int, level: int, index: int) -> Tile:
    """The tile of that place, as wide as it is in a log of `size`. Raises FormatError where that log has none there."""
    return Tile(level, index, min(row_width(size, level) - index * WIDTH, WIDTH))


def tiles_of(size: int, old: int = 0) -> Iterator[Tile]:
    """All files of a log of `size` entries that one of `old` entries does not have, bundles first, level by level.

    A tile that was partial in the smaller log, and has grown, is another file.
    """
    for level in range(ENTRIES, _LEVELS):
        width, before = row_width(size, level), row_width(old, level)
        if width <= before:
            return
        for index in range(before // WIDTH, -(-width // WIDTH)):
            yield tile_at(size, level, index)


def write_bundle(entries: Iterable[bytes]) -> bytes:
    """The bundle of up to 256 entries. Raises FormatError where one is over LOG_ENTRY_BYTES."""
    return b"".join(map(write_entry, entries))


def write_entry(entry: bytes) -> bytes:
    """One entry, as it stands in a bundle. Raises FormatError where it is over LOG_ENTRY_BYTES."""
    if len(entry) > limits.LOG_ENTRY_BYTES:
        raise FormatError(f"an entry of {len(entry)} bytes; a log takes {limits.LOG_ENTRY_BYTES} at most")
    return len(entry).to_bytes(_LENGTH_BYTES, "big") + entry


def read_bundle(data: bytes, width: int) -> tuple[bytes, ...]:
    """The `width` entries that are all of `data`. Raises FormatError."""
    entries, at = list[bytes](), 0
    for _ in range(width):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if at > len(data):
            raise FormatError(f"a bundle of {width} entries ends within entry {len(entries)}")
        entries.append(data[start:at])
    if at < len(data):
        raise FormatError(f"a bundle of {width} entries has {len(data) - at} bytes left over")
    return tuple(entries)
