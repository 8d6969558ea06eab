"""Files: reading them piece by piece or whole, and writing results whole or not at all."""

import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from notary import limits
from notary.core.ots import new_hash
from notary.errors import InputError, SystemFailureError, UnreadableError, reason_of

# Opening a FIFO would wait for a writer; the flag does nothing to a regular file.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


@contextmanager
def _regular(source: str) -> Iterator[int]:
    """A descriptor to read a regular file by. Raises UnreadableError for anything else."""
    descriptor = os.open(source, _OPEN_FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnreadableError(f"{source}: not a regular file")
        yield descriptor
    finally:
        os.close(descriptor)


def hash_with(source: Path, hash_name: str, progress: Callable[[int], None] = lambda count: None) -> bytes:
    """The digest of a file by the hash function that an OpenTimestamps proof names. Raises UnreadableError."""
    hasher = new_hash(hash_name)
    for piece in pieces_of(source, progress):
        hasher.update(piece)
    return hasher.digest()


# -- reading and writing whole files --------------------------------------------------------------------------------


def pieces_of(source: Path, progress: Callable[[int], None]) -> Iterator[bytes]:
    """A regular file's bytes, piece by piece. Raises UnreadableError."""
    try:
        with _regular(str(source)) as descriptor:
            while piece := os.read(descriptor, limits.READ_BYTES):
                progress(len(piece))
                yield piece
    except OSError as error:
        raise UnreadableError(f"{source}: {reason_of(error)}") from None


def steady_pieces(source: Path) -> Iterator[bytes]:
    """The same; raises UnreadableError at the end too, where the file was not the same before and after."""
    try:
        with _regular(str(source)) as descriptor:
            before = os.fstat(descriptor)
            while piece := os.read(descriptor, limits.READ_BYTES):
                yield piece
            after = os.fstat(descriptor)
    except OSError as error:
        raise UnreadableError(f"{source}: {reason_of(error)}") from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise UnreadableError(f"{source}: it changes while it is read", "wait until it is complete, then try again")


def read_whole(path: Path, limit: int) -> bytes:
    """A regular file's bytes, at most `limit` + 1 of them. Raises InputError."""
    try:
        with _regular(str(path)) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read(limit + 1)
    except OSError as error:
        raise InputError(f"{path}: {reason_of(error)}") from None


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A stream whose bytes appear at `path` all at once when the block ends, or not at all.

    On Linux the file has no name until it is complete, so that even a killed process leaves no half of it; elsewhere
    it stands beside as `.notary-TOKEN.part` meanwhile. Raises SystemFailureError.
    """
    beside = path.with_name(f".notary-{secrets.token_hex(8)}.part")
    try:
        nameless = _nameless(path.parent)
        with nameless or beside.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            if nameless is not None and _give_name(stream.fileno(), path):
                return
            if nameless is not None:
                _give_name(stream.fileno(), beside)
        beside.replace(path)
    except OSError as error:
        raise SystemFailureError(f"{path}: cannot be written: {reason_of(error)}") from None
    finally:
        with suppress(OSError):
            beside.unlink()
        with suppress(OSError):
            _sync_folder(path.parent)


_DESCRIPTORS = "/proc/self/fd"


def _nameless(folder: Path) -> IO[bytes] | None:
    """A file without a name on the folder's own disk, or None where the system has no such thing."""
    if not hasattr(os, "O_TMPFILE") or not Path(_DESCRIPTORS).is_dir():
        return None
    try:
        return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), "w+b")
    except OSError:
        return None


def _give_name(descriptor: int, path: Path) -> bool:
    """Whether the nameless file now stands at `path`: not where the name is taken."""
    # With a folder's descriptor Python calls linkat, which follows the link in /proc; plain link would not.
    descriptors = os.open(_DESCRIPTORS, os.O_RDONLY)
    try:
        os.link(str(descriptor), path, src_dir_fd=descriptors, follow_symlinks=True)
    except FileExistsError:
        return False
    finally:
        os.close(descriptors)
    return True


def _sync_folder(folder: Path) -> None:
    """Makes the new name last through a power cut, where folders can be synced."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
