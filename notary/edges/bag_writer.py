"""Writes a bundle: one BagIt bag in a zip file, the same bytes each time.

The zip is written here, and not by `zipfile`: that keeps 1 kB of each entry until the end, 1 GB for a million. What
comes last, the lists of all entries, is kept in temporary files. The bytes are those that `zipfile` writes (PKWARE's
APPNOTE 6.3.10, sections 4.3.7 to 4.3.16 and 4.5.3).
"""

import hashlib
import shutil
import stat
import struct
import zlib
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from tempfile import SpooledTemporaryFile
from typing import IO, Self

from notary import limits
from notary.core.bag import DECLARATION, PAYLOAD, PAYLOAD_MANIFEST, TAG_MANIFEST, manifest_line

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64 = struct.Struct("<4sIQI")
_SIZES64 = struct.Struct("<2H2Q")

_VERSION, _VERSION64 = 20, 45
_UNIX = 3 << 8
_STORED = 0
_UTF8 = 0x0800
_TIME, _DATE = 0, 33  # 1980-01-01, the first day that zip files know
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF

ZIP64_FROM = 2**31 - 1
"""Larger sizes and offsets are written as Zip64 has them: some readers take 32 bits for a signed number."""


class BagWriter:
    """Writes one bag into a zip, entry by entry, uncompressed: bytes that no zlib release can change.

    Evidence is mostly compressed already; its digests are the point, not its size. Use it in a `with` block, which
    ends the zip; after an error it is left as it is, to be thrown away.
    """

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._spools = ExitStack()
        self._zip = _ZipWriter(stream, self._spool())
        self._name = name
        self._payload, self._tags = self._spool(), self._spool()
        self._payload_bytes = self._payload_count = 0
        self._zip.add(f"{name}/{PAYLOAD}", stat.S_IFDIR | 0o755, [], 0)

    def _spool(self) -> IO[bytes]:
        return self._spools.enter_context(SpooledTemporaryFile(limits.SPOOL_BYTES))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._zip.end()
        with suppress(OSError):  # a full disk has been told of already
            self._spools.close()

    def add(self, name: str, pieces: Iterable[bytes], size: int = 0) -> bytes:
        """Writes one file; its SHA-256. `size` must be about right for one of over 2 GiB."""
        hasher = hashlib.sha256()

        def hashed() -> Iterable[bytes]:
            for piece in pieces:
                hasher.update(piece)
                yield piece

        written = self._zip.add(f"{self._name}/{name}", stat.S_IFREG | 0o644, hashed(), size)
        line = manifest_line(name, hasher.digest())
        if name.startswith(PAYLOAD):
            self._payload_bytes += written
            self._payload_count += 1
            self._payload.write(line)
        else:
            self._tags.write(line)
        return hasher.digest()

    def finish(self, information: Mapping[str, str]) -> None:
        """Writes the bag's own files: declaration, information, manifests."""
        self.add("bagit.txt", [DECLARATION])
        oxum = {"Payload-Oxum": f"{self._payload_bytes}.{self._payload_count}"}
        told = ({**information, **oxum}).items()
        self.add("bag-info.txt", ["".join(f"{key}: {value}\n" for key, value in told).encode()])
        self._add_list(PAYLOAD_MANIFEST, self._payload)
        self._add_list(TAG_MANIFEST, self._tags)

    def _add_list(self, name: str, spool: IO[bytes]) -> None:
        size = spool.tell()
        spool.seek(0)
        self.add(name, iter(lambda: spool.read(limits.READ_BYTES), b""), size)


class _ZipWriter:
    """Writes stored entries, and their central directory from `spool`."""

    def __init__(self, stream: IO[bytes], spool: IO[bytes]) -> None:
        self._stream = stream
        self._central = spool
        self._count = 0

    def add(self, name: str, mode: int, pieces: Iterable[bytes], expected: int) -> int:
        """Writes one entry of about the size that is expected; its size."""
        offset = self._stream.tell()
        is_large = expected * 1.05 > ZIP64_FROM
        self._stream.write(_local_header(name, 0, 0, is_large))
        crc = size = 0
        for piece in pieces:
            crc = zlib.crc32(piece, crc)
            size += len(piece)
            self._stream.write(piece)
        if size >= _MAX32 and not is_large:
            raise ValueError(f"{name} has {size:,} bytes where {expected:,} were expected")
        end = self._stream.tell()
        self._stream.seek(offset)
        self._stream.write(_local_header(name, crc, size, is_large))
        self._stream.seek(end)
        self._central.write(_central_header(name, mode, crc, size, offset, is_large))
        self._count += 1
        return size

    def end(self) -> None:
        """Writes the central directory and the end of the zip."""
        start, size = self._stream.tell(), self._central.tell()
        self._central.seek(0)
        shutil.copyfileobj(self._central, self._stream, limits.READ_BYTES)
        if self._count > _MAX16 or max(start, size) > ZIP64_FROM:
            version = (_VERSION64, _VERSION64)
            numbers = (self._count, self._count, size, start)
            self._stream.write(_END64.pack(b"PK\x06\x06", _END64.size - 12, *version, 0, 0, *numbers))
            self._stream.write(_LOCATOR64.pack(b"PK\x06\x07", 0, start + size, 1))
        count = min(self._count, _MAX16)
        self._stream.write(_END.pack(b"PK\x05\x06", 0, 0, count, count, min(size, _MAX32), min(start, _MAX32), 0))
        self._stream.flush()


def _local_header(name: str, crc: int, size: int, is_large: bool) -> bytes:
    raw, flags = _encoded(name)
    version, told, extra = _VERSION, size, b""
    if is_large:
        version, told, extra = _VERSION64, _MAX32, _SIZES64.pack(1, 16, size, size)
    fixed = (version, flags, _STORED, _TIME, _DATE, crc, told, told, len(raw), len(extra))
    return _LOCAL.pack(b"PK\x03\x04", *fixed) + raw + extra


def _central_header(name: str, mode: int, crc: int, size: int, offset: int, is_large: bool) -> bytes:
    raw, flags = _encoded(name)
    wide = ([size, size] if size > ZIP64_FROM else []) + ([offset] if offset > ZIP64_FROM else [])
    extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    version = _VERSION64 if wide or is_large else _VERSION
    told = _MAX32 if size > ZIP64_FROM else size
    place = _MAX32 if offset > ZIP64_FROM else offset
    fixed = (version | _UNIX, version, flags, _STORED, _TIME, _DATE, crc, told, told, len(raw), len(extra))
    return _CENTRAL.pack(b"PK\x01\x02", *fixed, 0, 0, 0, mode << 16, place) + raw + extra


def _encoded(name: str) -> tuple[bytes, int]:
    """The name's bytes, and the flags that say how to read them."""
    return name.encode(), 0 if name.isascii() else _UTF8
