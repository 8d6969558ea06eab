"""The reader's zip files: section 2 of notary/FORMAT.md, under its last heading."""

import re
import stat
import struct
import zlib
from dataclasses import dataclass

from tests.independent.steps import Failure, Files, need


@dataclass
class Entry:
    """An entry of a zip file, as the central directory has it."""

    raw: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    at: int


def extra_fields(raw: bytes, extra: bytes) -> dict[int, bytes]:
    """The extra fields of a header by their kinds; one that gives the entry another name is refused."""
    fields = {}
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        fields[kind], extra = extra[4 : 4 + length], extra[4 + length :]
    need(fields.get(0x7075, bytes(5) + raw)[5:] == raw, f"{raw!r} has another name beside it")
    return fields


def widened(wide: bytes, *fields: int) -> list[int]:
    """The fields, those of all ones being taken from Zip64's extra field."""
    values = iter(struct.unpack_from(f"<{len(wide) // 8}Q", wide))
    return [next(values, each) if each == 0xFFFFFFFF else each for each in fields]


def read_directory(archive: bytes) -> tuple[list[Entry], int]:
    """The entries in the order of their places, and where the central directory starts."""
    end = len(archive) - 22
    disks, here, total, size, start = struct.unpack_from("<LHHLL", archive, end + 4)
    if archive[max(end - 20, 0) :][:4] == b"PK\6\7":
        short, locator, end = (here, total, size, start), end - 20, end - 76
        need(end >= 0 and archive[end:][:4] == b"PK\6\6", "no end as of Zip64")
        length, wide_disks, here, total, size, start = struct.unpack_from("<4xQ4x5Q", archive, end)
        need((length, wide_disks) == (44, 0), "several disks, or more than an end")
        need(struct.unpack_from("<LQL", archive, locator + 4) == (0, end, 1), "several disks")
        limits = zip(short, (here, total, size, start), (0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF), strict=True)
        need(all(narrow in (wide, limit) for narrow, wide, limit in limits), "two ends that differ")
    need(disks == 0 and here == total <= 2_100_000, "several disks, or too many entries")
    need(start + size == end, "a central directory elsewhere")
    entries, at = [], start
    for _ in range(total):
        fields = struct.unpack_from("<4s4xHH4xLLLHHHH2xLL", archive, at)
        magic, flags, method, crc, packed, size, a, b, c, disk, attributes, offset = fields
        raw = archive[at + 46 :][:a]
        extra = extra_fields(raw, archive[at + 46 + a :][:b])
        size, packed, offset = widened(extra.get(1, b""), size, packed, offset)
        at += 46 + a + b + c
        need(magic == b"PK\1\2" and at <= end, "a central directory that is cut short")
        need(stat.S_IFMT(attributes >> 16) in (0, stat.S_IFREG, stat.S_IFDIR), f"{raw!r} is a link or a device")
        need(not flags & ~0x80E and disk == 0, f"{raw!r} is encrypted, or packed in an unknown way")
        need(method in (0, 8), f"{raw!r} is packed by another method")
        need(size <= max(1 << 20, 200 * packed), f"{raw!r} unpacks to too much")
        entries.append(Entry(raw, flags, method, crc, packed, size, offset))
    need(at == end, "a central directory of another length")
    return sorted(entries, key=lambda entry: entry.at), start


def read_entry(archive: bytes, entry: Entry, end: int) -> bytes:
    """The content of an entry that fills the file from its local header to `end`."""
    fields = struct.unpack_from("<4s2xHH4xLLLHH", archive, entry.at)
    magic, flags, method, crc, packed, size, a, b = fields
    start = entry.at + 30 + a + b
    local = (magic, archive[entry.at + 30 :][:a], flags, method)
    need(local == (b"PK\3\4", entry.raw, entry.flags, entry.method), f"{entry.raw!r} has two headers that differ")
    extra = extra_fields(entry.raw, archive[entry.at + 30 + a : start])
    size, packed = widened(extra.get(1, b""), size, packed)
    expected = (entry.crc, entry.packed, entry.size)
    pairs = zip((crc, packed, size), expected, strict=True)
    need(all(a == b or (flags & 8 and a == 0) for a, b in pairs), f"{entry.raw!r} has two headers that differ")
    forms = [mark + struct.pack(form, *expected) for mark in (b"PK\7\10", b"") for form in ("<LLL", "<LQQ")]
    stop = start + entry.packed
    behind = archive[stop:end] if stop <= end else b"nothing"
    need(behind in (forms if flags & 8 else [b""]), f"bytes that belong to no entry behind {entry.raw!r}")
    content = archive[start:stop]
    if method == 8:
        unpacker = zlib.decompressobj(-15)
        try:
            content = unpacker.decompress(content, entry.size + 1)
        except zlib.error as error:
            raise Failure(f"{entry.raw!r}: {error}") from error
        need(unpacker.eof and not unpacker.unused_data, f"{entry.raw!r} is not packed as it should be")
    need((len(content), zlib.crc32(content)) == (entry.size, entry.crc), f"{entry.raw!r} is damaged")
    return content


def read_zip(archive: bytes) -> Files:
    """The files of a zip by name, without the folder at the top."""
    entries, directory = read_directory(archive)
    places = [*(entry.at for entry in entries), directory]
    need(places[0] == 0, "bytes before the first entry")
    files: Files = {}
    seen: set[str] = set()
    for entry, end in zip(entries, places[1:], strict=True):
        name = entry.raw.decode()
        path = name.removesuffix("/")
        need(not {"", ".", ".."} & set(path.split("/")), f"{name!r} has a part that is empty or leads elsewhere")
        need(not re.search(r"^[A-Za-z]:|\\|\0", name), f"{name!r} has a drive, a backslash or a NUL")
        need(path not in seen, f"{name!r} twice")
        seen.add(path)
        content = read_entry(archive, entry, end)
        need(path == name or not entry.packed, f"{name!r} is a folder with bytes")
        if path == name:
            files[name] = content
    parents = {name[: slash.start()] for name in seen for slash in re.finditer("/", name)}
    need(not parents & files.keys(), "a file where another entry has a folder")
    need(len({name.split("/")[0] for name in seen}) <= 1 and all("/" in name for name in files), "not one folder")
    return {name.partition("/")[2]: content for name, content in files.items()}
