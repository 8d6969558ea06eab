"""Bundles as containers: a strict reader for zip files and unpacked bags.

The reader takes no zip apart in two ways: the central directory and the local headers must tell the same, the entries
must fill the file without gaps or overlaps, and nothing may leave the bag. It unpacks nothing to disk.
"""

import os
import stat
import struct
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from notary import limits
from notary.errors import FormatError, InputError


class NotABundleError(FormatError):
    """Not a container at all, or not a whole one."""


class RefusedError(FormatError):
    """A container that breaks the rules of DESIGN section 3."""


class Container(Protocol):
    """One bag's files by their names in the bag."""

    @property
    def numbers(self) -> Mapping[str, int]:
        """The names, each with its number, from 0 on: in this order the files are read fastest."""
        ...

    def size(self, name: str) -> int:
        """The file's size in bytes."""
        ...

    def pieces(self, name: str) -> Iterator[bytes]:
        """The file's bytes, piece by piece. Raises RefusedError where they are not what the container promised."""
        ...


def read_small(container: Container, name: str, limit: int) -> bytes:
    """A whole tag file. Raises RefusedError where it is over `limit` bytes."""
    if container.size(name) > limit:
        raise RefusedError(f"{name} is over {limit} bytes")
    return b"".join(container.pieces(name))


def lines(pieces: Iterable[bytes], limit: int, what: str) -> Iterator[bytes]:
    """The lines of a text file without their newlines. Raises RefusedError for one over `limit` bytes."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        if any(len(line) > limit for line in (*whole, rest)):
            raise RefusedError(f"{what} has a line of over {limit} bytes")
        yield from whole
    if rest:
        raise RefusedError(f"{what} does not end in a newline")


@contextmanager
def open_container(path: Path) -> Iterator[Container]:
    """The bag in the zip file or folder at `path`.

    Raises InputError where it cannot be read, NotABundleError where it holds no bag, RefusedError where it breaks
    the rules.
    """
    try:
        if path.is_dir():
            yield _folder(path)
        else:
            with path.open("rb") as stream:
                yield _zip(stream)
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None


# -- unpacked bags --------------------------------------------------------------------------------------------------


def refuse_other_file(target: Path) -> None:
    """An older bundle or claim may be replaced; whatever else stands there may be evidence. Raises InputError."""
    if not target.exists():
        return
    try:
        with open_container(target):
            return
    except (NotABundleError, RefusedError, InputError):
        raise InputError(
            f"{target} is there already, and is no bundle: it is not overwritten", "give another name with -o"
        ) from None


@dataclass(frozen=True, slots=True)
class _Folder:
    root: Path
    numbers: Mapping[str, int]
    sizes: Sequence[int]

    def size(self, name: str) -> int:
        return self.sizes[self.numbers[name]]

    def pieces(self, name: str) -> Iterator[bytes]:
        with (self.root / name).open("rb") as stream:
            while piece := stream.read(limits.READ_BYTES):
                yield piece


def _folder(path: Path) -> _Folder:
    root = path
    if not (root / "bagit.txt").is_file():
        children = list(path.iterdir())
        if len(children) != 1 or children[0].is_symlink() or not (children[0] / "bagit.txt").is_file():
            raise NotABundleError("a folder without a bag: it has no bagit.txt")
        root = children[0]
    numbers: dict[str, int] = {}
    sizes = array("Q")
    pending = [(root, "")]
    while pending:
        folder, prefix = pending.pop()
        with os.scandir(folder) as listing:
            for entry in listing:
                name = prefix + entry.name
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    pending.append((Path(entry.path), name + "/"))
                elif stat.S_ISREG(status.st_mode):
                    numbers[name] = len(numbers)
                    sizes.append(status.st_size)
                else:
                    raise RefusedError(f"{name} is a link or no regular file")
                if not _is_text(name):
                    raise RefusedError(f"a name is not UTF-8: {os.fsencode(name)!r}")
                if len(sizes) + len(pending) > limits.ZIP_ENTRIES:
                    raise RefusedError(f"over {limits.ZIP_ENTRIES:,} entries")
    return _Folder(root, numbers, sizes)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


# -- zip files ------------------------------------------------------------------------------------------------------
# Numbers and layouts: PKWARE's APPNOTE 6.3.10, sections 4.3.7 to 4.3.16 and 4.5.3.

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_LOCATOR64 = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")

_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_DESCRIPTOR, _UTF8 = 0x0008, 0x0800
_ALLOWED_FLAGS = 0x0006 | _DESCRIPTOR | _UTF8
_DESCRIPTOR_BYTES = 24
_ZIP64_EXTRA, _NAME_EXTRA = 0x0001, 0x7075
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_NO_PARTS = frozenset(["", ".", ".."])


class _Entry(NamedTuple):
    """What is known of an entry but its name. `at` is where it begins; once its local header was read, its bytes."""

    flags: int
    method: int
    crc: int
    packed: int
    size: int
    at: int


_NOTHING = _Entry(0, _STORED, 0, 0, 0, 0)


class _Rows:
    """Entries in a row, 32 bytes each: as objects they would take 200."""

    _LAYOUT = struct.Struct("<2HI3Q")

    def __init__(self) -> None:
        self._data = bytearray()

    def __len__(self) -> int:
        return len(self._data) // self._LAYOUT.size

    def __iter__(self) -> Iterator[_Entry]:
        return map(_Entry._make, self._LAYOUT.iter_unpack(self._data))

    def __getitem__(self, number: int) -> _Entry:
        return _Entry._make(self._LAYOUT.unpack_from(self._data, number * self._LAYOUT.size))

    def append(self, entry: _Entry) -> None:
        self._data += self._LAYOUT.pack(*entry)


@dataclass(frozen=True, slots=True)
class _Zip:
    stream: IO[bytes]
    numbers: Mapping[str, int]
    rows: _Rows

    def size(self, name: str) -> int:
        return self.rows[self.numbers[name]].size

    def pieces(self, name: str) -> Iterator[bytes]:
        entry = self.rows[self.numbers[name]]
        size, crc = 0, 0
        for piece in self._stored(entry) if entry.method == _STORED else self._inflated(name, entry):
            size += len(piece)
            crc = zlib.crc32(piece, crc)
            if size > entry.size:
                break
            yield piece
        if size != entry.size or crc != entry.crc:
            raise RefusedError(f"{name}: its bytes are not what the zip says (size or CRC)")

    def _stored(self, entry: _Entry) -> Iterator[bytes]:
        at, end = entry.at, entry.at + entry.packed
        while at < end:
            self.stream.seek(at)
            piece = self.stream.read(min(limits.READ_BYTES, end - at))
            if not piece:
                return
            at += len(piece)
            yield piece

    def _inflated(self, name: str, entry: _Entry) -> Iterator[bytes]:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            for packed in self._stored(entry):
                piece = b"first"
                while not inflater.eof and (packed or piece):
                    piece = inflater.decompress(packed, limits.READ_BYTES)
                    packed = inflater.unconsumed_tail
                    yield piece
                if packed or inflater.unused_data:
                    raise RefusedError(f"{name}: bytes behind its compressed ones")
        except zlib.error:
            raise RefusedError(f"{name}: its compressed bytes are damaged") from None
        if not inflater.eof:
            raise RefusedError(f"{name}: its compressed bytes end too early")


def _zip(stream: IO[bytes]) -> _Zip:
    length = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if length == 0:
        raise NotABundleError("an empty file")
    if stream.read(2) != b"PK":
        raise NotABundleError("neither a zip file nor an OpenTimestamps proof")
    start, size, count = _central_directory(stream, length)
    if count > limits.ZIP_ENTRIES:
        raise RefusedError(f"over {limits.ZIP_ENTRIES:,} entries")
    top, names, entries = _central_entries(stream, start, size, count)
    if not names:
        raise NotABundleError("an empty zip file")
    _check_names(top, names)
    numbers, rows = _placed(stream, top, names, entries, start)
    if sum(entry.size for entry in rows) > limits.ZIP_TOTAL_BYTES:
        raise RefusedError(f"over {limits.ZIP_TOTAL_BYTES:,} bytes unpacked")
    if "bagit.txt" not in numbers:
        raise NotABundleError("a zip file without a bag: it has no bagit.txt")
    return _Zip(stream, numbers, rows)


def _check_names(top: str, names: Iterable[str]) -> None:
    """Raises RefusedError where a name is there twice, or is a file's and a folder's.

    Where `/` comes before all other characters, what is in a folder follows a file of the folder's name at once.
    """
    for key, following in pairwise(sorted(name.replace("/", "\0") for name in names)):
        name = top + key.replace("\0", "/")
        if key == following:
            raise RefusedError(f"two entries of the name {name!r}")
        if following.startswith(f"{key}\0"):
            raise RefusedError(f"{name!r} is both a file and a folder")


def _central_directory(stream: IO[bytes], length: int) -> tuple[int, int, int]:
    """Where the central directory starts, its size, and how many entries it lists."""
    if length < _END.size:
        raise NotABundleError("a truncated zip file")
    end = length - _END.size
    stream.seek(end)
    signature, disk, first_disk, here, count, size, start, comment = _END.unpack(stream.read(_END.size))
    if signature != b"PK\x05\x06" or comment:
        raise NotABundleError("a truncated zip file, or one with something behind its end")
    if disk or first_disk or here != count:
        raise RefusedError("a zip file in several parts")
    plain = (size, start, count)
    if larger := _central_directory64(stream, end):
        end, *values = larger
        most = (_MAX32, _MAX32, _MAX16)
        if any(one not in (value, limit) for one, value, limit in zip(plain, values, most, strict=True)):
            raise RefusedError("the zip file has two ends that tell different things")
        size, start, count = values
    if start + size != end:
        raise RefusedError("the central directory is not where the zip file says")
    return start, size, count


def _central_directory64(stream: IO[bytes], end: int) -> tuple[int, int, int, int] | None:
    """Where the Zip64 end record is, and the directory's size, start and count; None where there is none."""
    at = end - _LOCATOR64.size - _END64.size
    if at < 0:
        return None
    stream.seek(end - _LOCATOR64.size)
    if stream.read(4) != b"PK\x06\x07":
        return None
    stream.seek(at)
    signature, rest, _, _, disk, first_disk, here, count, size, start = _END64.unpack(stream.read(_END64.size))
    locator, locator_disk, located, disks = _LOCATOR64.unpack(stream.read(_LOCATOR64.size))
    is_whole = (signature, rest, locator, located) == (b"PK\x06\x06", _END64.size - 12, b"PK\x06\x07", at)
    if not is_whole or disk or first_disk or locator_disk or disks > 1 or here != count:
        raise RefusedError("the end of the central directory is not as zip files have it")
    return at, size, start, count


def _central_entries(stream: IO[bytes], start: int, size: int, count: int) -> tuple[str, list[str], _Rows]:
    """The folder at the top with its `/`, and the entries in it: their names there, and what else is known of them."""
    top, names, rows = "", list[str](), _Rows()
    stream.seek(start)
    left = size
    for _ in range(count):
        fixed = stream.read(_CENTRAL.size) if left >= _CENTRAL.size else b""
        if len(fixed) < _CENTRAL.size or not fixed.startswith(b"PK\x01\x02"):
            raise RefusedError("the central directory lists fewer entries than it says")
        fields = _CENTRAL.unpack(fixed)
        flags, method, crc, packed, unpacked = fields[3], fields[4], fields[7], fields[8], fields[9]
        name_length, extra_length, comment_length, disk = fields[10:14]
        attributes, offset = fields[15:17]
        left -= _CENTRAL.size + name_length + extra_length + comment_length
        if left < 0:
            raise RefusedError("the central directory is cut short")
        raw_name, extra = stream.read(name_length), _extra_fields(stream.read(extra_length))
        name = _checked_name(raw_name, extra)
        stream.seek(comment_length, os.SEEK_CUR)
        unpacked, packed, offset = _zip64(name, extra, (unpacked, packed, offset))
        _check_entry(name, flags, method, attributes >> 16, packed, unpacked, disk)
        top = top or f"{name.partition('/')[0]}/"
        if not name.startswith(top):
            raise RefusedError("more than one folder at the top: a bundle is one bag in one folder")
        names.append(name[len(top) :])
        rows.append(_Entry(flags, method, crc, packed, unpacked, offset))
    if left:
        raise RefusedError("the central directory lists more than it says")
    return top, names, rows


def _extra_fields(data: bytes) -> Mapping[int, bytes]:
    """The extra fields by their kind. Raises RefusedError where one that is read here is there twice."""
    fields: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        kind, length = struct.unpack_from("<2H", data, at)
        if kind in fields and kind in (_ZIP64_EXTRA, _NAME_EXTRA):
            raise RefusedError(f"an entry with two extra fields of the kind 0x{kind:04x}")
        fields.setdefault(kind, data[at + 4 : at + 4 + length])
        at += 4 + length
    return fields


def _zip64(name: str, extra: Mapping[int, bytes], values: tuple[int, ...]) -> tuple[int, ...]:
    """`values` with those that do not fit 32 bits taken from the extra field, in their order."""
    wanted = sum(value == _MAX32 for value in values)
    if not wanted:
        return values
    content = extra.get(_ZIP64_EXTRA, b"")
    if len(content) < 8 * wanted:
        raise RefusedError(f"{name}: its size is missing")
    large = iter(struct.unpack_from(f"<{wanted}Q", content))
    return tuple(next(large) if value == _MAX32 else value for value in values)


def _checked_name(raw: bytes, extra: Mapping[int, bytes]) -> str:
    """The entry's name: UTF-8, as Info-ZIP writes it too where it leaves flag bit 11 off."""
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise RefusedError(f"a name is not UTF-8: {raw[:80]!r}") from None
    _check_name_extra(raw, extra)
    if not name or len(raw) > limits.ZIP_NAME_BYTES:
        raise RefusedError("a name is empty or too long")
    if name.startswith("/") or name[1:2] == ":":
        raise RefusedError(f"{name!r} is an absolute name")
    parts = name.removesuffix("/").split("/")
    if "\\" in name or "\0" in name or not _NO_PARTS.isdisjoint(parts):
        raise RefusedError(f"{name!r} leaves the bag")
    return name


def _check_name_extra(raw: bytes, extra: Mapping[int, bytes]) -> None:
    beside = extra.get(_NAME_EXTRA)
    if beside is not None and (len(beside) != 5 + len(raw) or not beside.endswith(raw)):
        raise RefusedError(f"{raw.decode(errors='replace')!r} has another name beside it")


def _check_entry(name: str, flags: int, method: int, mode: int, packed: int, size: int, disk: int) -> None:
    if flags & _ENCRYPTED:
        raise RefusedError(f"{name} is encrypted")
    if flags & ~_ALLOWED_FLAGS or method not in (_STORED, _DEFLATED) or disk:
        raise RefusedError(f"{name} is packed in a way that is not read here")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise RefusedError(f"{name} is a link or no regular file")
    if name.endswith("/") and (size or packed):
        raise RefusedError(f"{name} is a folder with bytes")
    if method == _STORED and packed != size:
        raise RefusedError(f"{name} has two sizes")
    if size > limits.ZIP_RATIO_FREE_BYTES and size > limits.ZIP_RATIO * packed:
        raise RefusedError(f"{name} would unpack to {size:,} bytes from {packed:,}: a bomb")


def _placed(
    stream: IO[bytes], top: str, names: Sequence[str], entries: _Rows, end: int
) -> tuple[dict[str, int], _Rows]:
    """The files in the order of their places, after comparing local headers and seeing that no entries overlap."""
    numbers: dict[str, int] = {}
    placed = _Rows()
    before, last = "", _NOTHING
    for number in sorted(range(len(names)), key=lambda number: entries[number].at):
        name, entry = names[number], entries[number]
        if entry.at != _behind(stream, before, last, entry.at):
            raise RefusedError(f"{top}{name} overlaps another entry, or hides bytes before it")
        before, last = top + name, entry._replace(at=_local_header(stream, top + name, entry))
        if name and not name.endswith("/"):
            numbers[name] = len(placed)
            placed.append(last)
    if end != _behind(stream, before, last, end):
        raise RefusedError("bytes between the last entry and the central directory")
    return numbers, placed


def _local_header(stream: IO[bytes], name: str, entry: _Entry) -> int:
    """Where the entry's bytes begin, after comparing its local header with what the central directory says."""
    stream.seek(entry.at)
    fixed = stream.read(_LOCAL.size)
    if len(fixed) < _LOCAL.size or not fixed.startswith(b"PK\x03\x04"):
        raise RefusedError(f"{name} has no local header")
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(fixed)
    raw_name, extra = stream.read(name_length), _extra_fields(stream.read(extra_length))
    _check_name_extra(raw_name, extra)
    size, packed = _zip64(name, extra, (size, packed))
    told, truth = (crc, packed, size), (entry.crc, entry.packed, entry.size)
    # With a descriptor behind the bytes each may be left at zero here.
    agrees = told == truth or (
        flags & _DESCRIPTOR and all(here in (0, there) for here, there in zip(told, truth, strict=True))
    )
    if not agrees or raw_name != name.encode() or (flags, method) != (entry.flags, entry.method):
        raise RefusedError(f"{name}: the central directory and the local header disagree")
    start: int = entry.at + _LOCAL.size + name_length + extra_length
    return start


def _behind(stream: IO[bytes], name: str, entry: _Entry, following: int) -> int:
    """Where an entry is over: behind its bytes, or behind the data descriptor that it announces."""
    end = entry.at + entry.packed
    if not entry.flags & _DESCRIPTOR:
        return end
    stream.seek(end)
    found = stream.read(min(max(following - end, 0), _DESCRIPTOR_BYTES))
    for sizes in ("<I2I", "<I2Q"):
        try:
            descriptor = struct.pack(sizes, entry.crc, entry.packed, entry.size)
        except struct.error:
            continue
        if found in (descriptor, b"PK\x07\x08" + descriptor):
            return end + len(found)
    raise RefusedError(f"{name}: its data descriptor is missing or tells something else")
