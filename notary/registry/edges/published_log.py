"""The published folder of a registry: static files, for any web server to serve.

    checkpoint                              the last signed checkpoint
    tile/L/N, tile/L/N.p/W                  hashes (C2SP tlog-tiles)
    tile/entries/N, tile/entries/N.p/W      entries
    anchors/SIZE.checkpoint[.ots]           each checkpoint as it was anchored, and its OpenTimestamps proof
    anchors/headers.bin, headers.json       headers of the blocks that the proofs lead to

Each file is written beside and renamed, and is on the disk before the checkpoint that needs it is there: whoever reads
at any moment, or after a writer was killed, finds a whole log, the old one or the new one.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from notary import limits
from notary.errors import InputError, SystemFailureError, reason_of
from notary.registry.core.tiles import ENTRIES, TILE_BYTES, WIDTH, Tile

CHECKPOINT = "checkpoint"
_BESIDE = ".notary.part"
_BUNDLE_BYTES = WIDTH * (2 + limits.REGISTRY_ENTRY_BYTES)


class PublishedLog:
    """The log in `folder`, to read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def checkpoint(self) -> bytes | None:
        """The bytes of the checkpoint, or None where there is none. Raises InputError where it cannot be read."""
        return self.read(CHECKPOINT, limits.NOTE_BYTES) if (self.folder / CHECKPOINT).exists() else None

    def tile(self, tile: Tile) -> bytes:
        """A `ReadTile`. Raises InputError where the file cannot be read."""
        return self.read(tile.path, _BUNDLE_BYTES if tile.level == ENTRIES else TILE_BYTES)

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of a file, at most `limit` + 1 of them. Raises InputError."""
        try:
            with (self.folder / path).open("rb") as stream:
                return stream.read(limit + 1)
        except OSError as error:
            raise InputError(f"{self.folder / path}: {reason_of(error)}") from None

    @contextmanager
    def writer(self) -> Iterator["LogWriter"]:
        """To write; who may, and that it is one at a time, is for the caller to see to. Raises SystemFailureError."""
        writer = LogWriter(self.folder)
        try:
            yield writer
        except OSError as error:
            place = error.filename or self.folder
            raise SystemFailureError(f"{place}: cannot be written: {reason_of(error)}") from None
        finally:
            with suppress(OSError):
                writer.beside.unlink()


class LogWriter:
    """Writes into the folder; there is one at a time, so one name beside is enough. Each method raises OSError."""

    def __init__(self, folder: Path) -> None:
        self.beside = folder / _BESIDE
        self._folder = folder
        self._changed: set[Path] = set()

    def write(self, path: str, data: bytes) -> None:
        """Puts a file there, or in the place of the one that is; its name lasts once `settle` is through."""
        target = self._folder / path
        self._make(target.parent)
        with self.beside.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        self.beside.replace(target)
        self._changed.add(target.parent)

    def settle(self) -> None:
        """Makes all names so far last through a power cut, where folders can be synced."""
        if os.name == "posix":
            for folder in self._changed:
                descriptor = os.open(folder, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
        self._changed.clear()

    def publish(self, checkpoint: bytes) -> None:
        """Puts the checkpoint there, after everything else that was written is safe."""
        self.settle()
        self.write(CHECKPOINT, checkpoint)
        self.settle()

    def remove_partials(self, tile: Tile) -> None:
        """Takes away all partial files of a tile, if the full one is there."""
        full = self._folder / tile.full.path
        if full.is_file():
            shutil.rmtree(full.with_name(f"{full.name}.p"), ignore_errors=True)

    def _make(self, folder: Path) -> None:
        if folder in self._changed or folder.is_dir():
            return
        self._make(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir()
        self._changed |= {folder, folder.parent}
