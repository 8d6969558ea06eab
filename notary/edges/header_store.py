"""The header store: a network's chain of headers as this machine found it valid, in one flat file.

The header of height h is the 80 bytes at 80 * h. Beside the file stands a small note: up to which height peers were
heard to have no better chain, when, and how many.

Only ever the end of the file changes. A write that is cut off leaves a shorter chain and perhaps part of a header,
which the next write covers; what the writer finds damaged it fetches anew (`notary.syncing`).
"""

import errno
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from notary import limits
from notary.core.header import HEADER_BYTES, Network
from notary.core.strict_json import read_object
from notary.errors import FormatError, SystemFailureError

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@dataclass(frozen=True, slots=True)
class Heard:
    """That `peers` peers had no chain of more work than the one that ends at `height`, at `at` (RFC 3339, UTC)."""

    height: int
    at: str
    peers: int


class HeaderStore:
    """One network's file in `folder`. Without a file the chain is the genesis block."""

    def __init__(self, folder: Path, network: Network) -> None:
        self.network = network
        self.path = folder / f"{network.name}.headers"
        self._note = self.path.with_suffix(".heard")

    @property
    def height(self) -> int:
        """The height of the last whole header."""
        try:
            return max(self.path.stat().st_size // HEADER_BYTES - 1, 0)
        except OSError:
            return 0

    def read(self, height: int, count: int) -> bytes:
        """Up to `count` headers from `height` on, as many as there are. Raises SystemFailureError."""
        try:
            with self.path.open("rb") as stream:
                stream.seek(height * HEADER_BYTES)
                data = stream.read(count * HEADER_BYTES)
        except FileNotFoundError:
            data = b""
        except OSError as error:
            raise self.failure(error) from None
        whole = data[: len(data) - len(data) % HEADER_BYTES]
        return whole or (self.network.genesis if height == 0 and count else b"")

    @property
    def heard(self) -> Heard | None:
        """What peers were heard to say of this chain, as far as it goes; None if none was ever asked."""
        noted = self.noted()
        return noted and Heard(min(noted.height, self.height), noted.at, noted.peers)

    def noted(self) -> Heard | None:
        """What the note says, of whatever chain stood here then."""
        try:
            with self._note.open("rb") as stream:
                data = stream.read(limits.STORE_NOTE_BYTES + 1)
                members = read_object(data, self._note.name, limits.STORE_NOTE_BYTES)
            height, at, peers = members["height"], members["at"], members["peers"]
        except (OSError, FormatError, KeyError):
            return None
        if type(height) is not int or type(peers) is not int or not (isinstance(at, str) and _MOMENT.fullmatch(at)):
            return None
        return Heard(height, at, peers)

    @contextmanager
    def writer(self) -> Iterator["StoreWriter"]:
        """The right to write, which one process has at a time. Raises SystemFailureError."""
        with ExitStack() as held:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                lock = held.enter_context(self.path.with_suffix(".lock").open("ab"))
                if not _locked(lock):
                    raise SystemFailureError(
                        f"{self.path}: another process is writing it", "wait for its end, and run the command again"
                    )
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
                stream = held.enter_context(os.fdopen(descriptor, "r+b"))
            except (FileExistsError, NotADirectoryError):
                raise SystemFailureError(f"{self.path.parent}: not a folder", "NOTARY_HEADERS names one") from None
            except OSError as error:
                raise self.failure(error) from None
            writer = StoreWriter(self, stream)
            if self.height == 0:
                writer.begin()
            yield writer

    def failure(self, error: OSError) -> SystemFailureError:
        """A fault of the disk, in words."""
        return SystemFailureError(f"{self.path}: {(error.strerror or str(error)).lower()}")


class StoreWriter:
    """Changes the end of the chain. Each method raises SystemFailureError where the disk fails."""

    def __init__(self, store: HeaderStore, stream: IO[bytes]) -> None:
        self._store = store
        self._stream = stream
        heard = store.heard
        if heard and heard != store.noted():  # of what is lost nothing was heard, whatever takes its place
            self._write_note(heard)

    def begin(self) -> None:
        """Puts the genesis block where it belongs, and leaves what stands behind it."""
        self._write(0, self._store.network.genesis)

    def put(self, height: int, data: bytes) -> None:
        """Puts headers at `height` and behind it, in place of all that stood there."""
        heard = self._store.heard
        if heard and heard.height >= height:
            self._write_note(Heard(height - 1, heard.at, heard.peers))
        with self._disk():
            self._stream.truncate(height * HEADER_BYTES)
        self._write(height, data)

    def hear(self, heard: Heard) -> None:
        """Notes what peers said, once the headers themselves are safe on the disk."""
        with self._disk():
            os.fsync(self._stream.fileno())
        self._write_note(heard)

    def _write(self, height: int, data: bytes) -> None:
        with self._disk():
            self._stream.seek(height * HEADER_BYTES)
            self._stream.write(data)
            self._stream.flush()

    def _write_note(self, heard: Heard) -> None:
        note = self._store.path.with_suffix(".heard")
        beside = note.with_suffix(".part")  # no other writer uses the name: there is a lock
        with self._disk():
            beside.write_text(json.dumps(asdict(heard)) + "\n", encoding="ascii")
            beside.replace(note)

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._store.failure(error) from None


def _locked(stream: IO[bytes]) -> bool:
    """Whether the lock was free; the system gives it back when the file is closed, or its process dies."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            return False
        raise
    return True
