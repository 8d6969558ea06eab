"""Zip files made by hand, in which every field may lie (PKWARE's APPNOTE 6.3.10, sections 4.3.7 to 4.3.16)."""

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

STORED, DEFLATED = 0, 8
DESCRIPTOR, UTF8 = 0x0008, 0x0800
MAX16, MAX32 = 0xFFFF, 0xFFFFFFFF
ZIP64 = 0x0001

Lies = Mapping[str, Any]


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def extra(kind: int, content: bytes) -> bytes:
    """One block of an extra field."""
    return struct.pack("<2H", kind, len(content)) + content


@dataclass(frozen=True)
class Part:
    """An entry. `packed` replaces its bytes as they stand in the file; `local` and `central` replace header fields."""

    name: bytes
    data: bytes = b""
    method: int = STORED
    flags: int = UTF8
    mode: int = 0o100644
    packed: bytes | None = None
    before: bytes = b""
    after: bytes = b""
    both: Lies = field(default_factory=dict)
    local: Lies = field(default_factory=dict)
    central: Lies = field(default_factory=dict)

    def stored(self) -> bytes:
        if self.packed is not None:
            return self.packed
        return deflated(self.data) if self.method == DEFLATED else self.data

    def _fields(self) -> dict[str, Any]:
        sizes = {"crc": zlib.crc32(self.data), "packed": len(self.stored()), "size": len(self.data)}
        common = {"version": 20, "flags": self.flags, "method": self.method, "time": 0, "date": 33, **sizes}
        return {**common, "name": self.name, "extra": b"", **self.both}

    def local_header(self) -> bytes:
        told = {"signature": b"PK\3\4", **self._fields(), **self.local}
        values = [told[key] for key in ("version", "flags", "method", "time", "date", "crc", "packed", "size")]
        lengths = len(told["name"]), len(told["extra"])
        return struct.pack("<4s5H3I2H", told["signature"], *values, *lengths) + told["name"] + told["extra"]

    def central_header(self, offset: int) -> bytes:
        fixed = {"signature": b"PK\1\2", "made": 0x031E, "comment": b"", "disk": 0, "internal": 0}
        told = {**fixed, "external": self.mode << 16, "offset": offset, **self._fields(), **self.central}
        values = [told[key] for key in ("made", "version", "flags", "method", "time", "date", "crc", "packed", "size")]
        texts = told["name"], told["extra"], told["comment"]
        rest = told["disk"], told["internal"], told["external"], told["offset"]
        header = struct.pack("<4s6H3I5H2I", told["signature"], *values, *map(len, texts), *rest)
        return header + b"".join(texts)


def forge(
    parts: Iterable[Part],
    *,
    prefix: bytes = b"",
    gap: bytes = b"",
    more: bytes = b"",
    tail: bytes = b"",
    suffix: bytes = b"",
    end: Lies | None = None,
    end64: Lies | None = None,
) -> bytes:
    """The zip file of `parts`, with `gap` before its central directory, `more` at its end, and `tail` behind it.

    `end` and `end64` replace fields of the zip's end.

    With `end64` there is a zip64 end too, and the plain one says to look there, unless `end` says otherwise.
    """
    body, central = bytearray(prefix), bytearray()
    count = 0
    for part in parts:
        body += part.before
        central += part.central_header(len(body))
        body += part.local_header() + part.stored() + part.after
        count += 1
    body += gap
    start = len(body)
    central += more
    body += central
    truth = {"disk": 0, "first_disk": 0, "here": count, "count": count, "size": len(central), "offset": start}
    plain = {"signature": b"PK\5\6", "comment": b"", **truth}
    body += tail
    if end64 is not None:
        body += _end64({**truth, **end64}, len(body))
        plain |= {"here": MAX16, "count": MAX16, "size": MAX32, "offset": MAX32}
    told = {**plain, **(end or {})}
    values = [told[key] for key in ("disk", "first_disk", "here", "count", "size", "offset")]
    body += struct.pack("<4s4H2IH", told["signature"], *values, len(told["comment"])) + told["comment"] + suffix
    return bytes(body)


def _end64(truth: Lies, at: int) -> bytes:
    record = {"signature": b"PK\6\6", "rest": 44, "made": 45, "version": 45}
    locator = {"locator": b"PK\6\7", "locator_disk": 0, "located": at, "disks": 1}
    told = {**record, **locator, **truth}
    keys = ("signature", "rest", "made", "version", "disk", "first_disk", "here", "count", "size", "offset")
    return struct.pack("<4sQ2H2I4Q", *(told[key] for key in keys)) + struct.pack(
        "<4sIQI", *(told[key] for key in ("locator", "locator_disk", "located", "disks"))
    )
