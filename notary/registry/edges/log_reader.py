"""A published registry, as anybody may read it: static files below an address of the web, or in a folder.

Nothing that is read is believed here. Each file is bounded, redirects are not followed, and what is missing is asked
for once more. Of a partial tile that is gone the full one is taken, and cut (C2SP tlog-tiles, "Partial Tiles").
"""

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from time import sleep

from notary import limits
from notary.core.digest import DIGEST_BYTES
from notary.errors import FormatError, SystemFailureError, reason_of
from notary.registry.core.tiles import ENTRIES, WIDTH, Tile, read_bundle, write_bundle
from notary.wire import all_at_once, clean_text, exchange

# Opening a FIFO would wait for a writer.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)

_ENTRY_BYTES = 2 + limits.REGISTRY_ENTRY_BYTES

# What object stores answer for a file that is not there, if they do not let anybody list them.
_MISSING = (403, 404, 410)

Fetch = Callable[[str, int], bytes | None]
"""The file at a path, of at most so many bytes; None where there is none. Raises SystemFailureError."""


class DownError(SystemFailureError):
    """A registry that cannot be read: nobody answers, or not with what a registry is."""


class LogReader:
    """The files of one registry. `place` is its address or folder. All methods raise DownError, which says it."""

    def __init__(self, place: str, fetch: Fetch) -> None:
        self.place = place
        self._ask = fetch

    def checkpoint(self) -> bytes:
        """The note that the registry shows now."""
        data = self.file("checkpoint", limits.NOTE_BYTES)
        if data is None:
            raise DownError(f"{self.place} has no checkpoint", "is a registry published there?")
        return data

    def file(self, path: str, limit: int) -> bytes | None:
        """The file at `path`, or None where there is none, even when asked for again."""
        data = self._fetch(path, limit)
        if data is None:
            sleep(limits.REGISTRY_RETRY_SECONDS)
            data = self._fetch(path, limit)
        return data

    def optional(self, path: str, limit: int) -> bytes | None:
        """The file at `path`, or None where there is none now; it is not waited for."""
        return self._fetch(path, limit)

    def tile(self, tile: Tile) -> bytes:
        """The bytes of `tile`: a `ReadTile` of the log's core."""
        for is_last in (False, True):
            data = self._fetch(tile.path, _size(tile))
            if data is not None:
                return data
            if not tile.is_full and (data := self._fetch(tile.full.path, _size(tile.full))) is not None:
                return self._cut(tile, data)
            if not is_last:
                sleep(limits.REGISTRY_RETRY_SECONDS)
        raise DownError(
            f"{self.place} has no {tile.path}, which its checkpoint needs",
            "it may be in the middle of being copied; try again, or tell its keeper",
        )

    def tiles(self, tiles: Sequence[Tile]) -> list[bytes]:
        """The bytes of each, all asked for at once."""
        found = list[bytes]()
        for one in all_at_once(self.tile, tiles):
            if isinstance(one, SystemFailureError):
                raise one
            found.append(one)
        return found

    def _fetch(self, path: str, limit: int) -> bytes | None:
        try:
            return self._ask(path, limit)
        except SystemFailureError as error:
            where = "" if error.message.startswith(self.place) else f"{self.place}: "
            raise DownError(where + error.message, *error.hints) from None

    def _cut(self, tile: Tile, full: bytes) -> bytes:
        if tile.level != ENTRIES:
            return full[: tile.width * DIGEST_BYTES]
        try:
            return write_bundle(read_bundle(full, WIDTH)[: tile.width])
        except FormatError as error:
            raise DownError(f"{self.place}: {tile.full.path}: {error.message}") from None


def _size(tile: Tile) -> int:
    return tile.width * (_ENTRY_BYTES if tile.level == ENTRIES else DIGEST_BYTES)


def reader_of(place: str) -> LogReader:
    """The reader of the registry at an address, http or https, or in a folder."""
    if place.startswith(("http://", "https://")):
        prefix = place.rstrip("/")
        return LogReader(place, lambda path, limit: _from_web(f"{prefix}/{path}", limit))
    return LogReader(place, lambda path, limit: _from_folder(Path(place) / path, limit))


def _from_web(url: str, limit: int) -> bytes | None:
    # A page that says that there is no such file may be longer than the file.
    reply = exchange("GET", url, headers={}, limit=max(limit, limits.REPLY_BYTES))
    if reply.status in _MISSING:
        return None
    if reply.status != 200:
        raise SystemFailureError(f"{url} answered {reply.status} {clean_text(reply.body)}".rstrip())
    if len(reply.body) > limit:
        raise SystemFailureError(f"{url}: over {limit:,} bytes")
    return reply.body


def _from_folder(path: Path, limit: int) -> bytes | None:
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SystemFailureError(f"{path}: not a regular file")
            data = stream.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise SystemFailureError(f"{path}: {reason_of(error)}") from None
    if len(data) > limit:
        raise SystemFailureError(f"{path}: over {limit:,} bytes")
    return data
