"""The file system: walking evidence in a stable order, hashing it, and writing results whole or not at all."""

import hashlib
import os
import re
import secrets
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from notary import limits
from notary.core.ots import new_hash
from notary.errors import InputError, SystemFailureError

# Opening a FIFO would wait for a writer; the flag does nothing to a regular file.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)

_FOLDER_MARK = "ps_d"
"""The group in pathspec's expressions that takes the slash behind a folder's name."""

_MOUNT_POINT = 0xA0000003
"""Windows: IO_REPARSE_TAG_MOUNT_POINT."""


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file: where it is, and the path that its record gives it, as bytes with `/` between parts."""

    source: str
    recorded: bytes


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was met and not taken, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that may be evidence and cannot be read, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Hashed:
    """A file's SHA-256, its size in bytes, and its modification time in nanoseconds since 1970."""

    digest: bytes
    size: int
    mtime_ns: int


# -- walking --------------------------------------------------------------------------------------------------------


def walk(
    paths: Sequence[Path], exclude: Sequence[str] = (), own: Collection[Path] = ()
) -> Iterator[Found | Skipped | Unreadable]:
    """All regular files under `paths`, in their order, folders sorted by the bytes of their names.

    A folder that cannot be listed is yielded as unreadable. Links, sockets, FIFOs and devices are yielded as skipped
    and never followed, and so is what the gitignore patterns `exclude` match within a given folder, and this
    program's `own` files. Raises InputError for a path that is not there, or a bad pattern.
    """
    excluded = _Exclusion(exclude) if exclude else None
    own_ids = {identity for path in own if (identity := _identity(path))}
    for path in paths:
        try:
            status = path.lstat()
            name = os.fsencode(path.name if path.name not in ("", "..") else path.resolve().name)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: {_why(error)}") from None
        if not stat.S_ISDIR(status.st_mode) or _is_junction(status):
            yield _leaf(str(path), name, status, own_ids)
        else:
            yield from _walk_folder(str(path), name or b"root", excluded, own_ids)


def _walk_folder(
    root: str, name: bytes, excluded: "_Exclusion | None", own: Collection[tuple[int, int]]
) -> Iterator[Found | Skipped | Unreadable]:
    # Folders still to be read, deepest last: (where, recorded path, path for the patterns).
    pending: list[tuple[str, bytes, str]] = [(root, name, "")]
    while pending:
        folder, recorded, relative = pending.pop()
        if recorded.count(b"/") > limits.FOLDER_DEPTH:
            raise InputError(f"{folder}: folders nested deeper than {limits.FOLDER_DEPTH}")
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            yield Unreadable(folder, _why(error))
            continue
        folders = []
        for entry in entries:
            path, within = recorded + b"/" + os.fsencode(entry.name), relative + entry.name
            try:
                # Not the entry's own: on Windows that leaves out which file it is.
                status = os.lstat(entry.path)
            except OSError as error:
                yield Unreadable(entry.path, _why(error))
                continue
            is_folder = stat.S_ISDIR(status.st_mode) and not _is_junction(status)
            if excluded and excluded(within, is_folder):
                yield Skipped(entry.path, "excluded")
            elif is_folder and (status.st_dev, status.st_ino) in own:
                yield Skipped(entry.path, "the ledger's own folder")
            elif is_folder:
                folders.append((entry.path, path, within + "/"))
            else:
                yield _leaf(entry.path, path, status, own)
        pending += reversed(folders)


def _is_junction(status: os.stat_result) -> bool:
    """Windows' other kind of link to a folder."""
    return getattr(status, "st_reparse_tag", 0) == _MOUNT_POINT


def _leaf(source: str, recorded: bytes, status: os.stat_result, own: Collection[tuple[int, int]]) -> Found | Skipped:
    if stat.S_ISREG(status.st_mode):
        if own and (status.st_dev, status.st_ino) in own:
            return Skipped(source, "the ledger itself")
        return Found(source, recorded)
    kinds = {
        stat.S_IFLNK: "a link",
        stat.S_IFSOCK: "a socket",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFDIR: "a link to a folder",
    }
    return Skipped(source, kinds.get(stat.S_IFMT(status.st_mode), "not a regular file"))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


class _Exclusion:
    """Patterns as in .gitignore, matched against paths within the given folder.

    As in git the last pattern that fits decides, folder by folder: what lies in an excluded one is never looked at.
    pathspec translates the patterns; its own matching lets a pattern for what is in a folder fit the folder too.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        from pathspec import GitIgnoreSpec, RegexPattern

        try:
            self._patterns = [
                (pattern.regex, bool(pattern.include))
                for pattern in GitIgnoreSpec.from_lines(lines).patterns
                if isinstance(pattern, RegexPattern) and pattern.regex is not None and pattern.include is not None
            ]
        except ValueError as error:
            raise InputError(f"bad --exclude pattern: {error}", "patterns are written as in .gitignore") from None

    def __call__(self, path: str, is_folder: bool) -> bool:
        text = f"{path}/" if is_folder else path
        return next((excludes for regex, excludes in reversed(self._patterns) if _fits(regex, text, is_folder)), False)


def _fits(regex: re.Pattern[str], text: str, is_folder: bool) -> bool:
    """Whether a pattern speaks of this path itself, not of a folder above it or of what is in it."""
    for match in regex.finditer(text):
        if match.groupdict().get(_FOLDER_MARK) is None:
            if not is_folder or match.end() < len(text):
                return True
        elif match.end(_FOLDER_MARK) == len(text):
            return True
    return False


# -- hashing --------------------------------------------------------------------------------------------------------


class UnreadableError(InputError):
    """A file that cannot be read, or that changes while it is read."""


def hash_file(source: str, progress: Callable[[int], None] = lambda count: None) -> Hashed:
    """The digest of a regular file's bytes, with the size and time that it had.

    A file that changes while it is read is read once more, and then refused. `progress` is told the bytes of each
    read. Raises UnreadableError.
    """
    try:
        return _hash_once(source, progress) or _hash_once(source, progress) or _refuse_changing(source)
    except OSError as error:
        raise UnreadableError(f"{source}: {_why(error)}") from None


def _hash_once(source: str, progress: Callable[[int], None]) -> Hashed | None:
    """None where the file was not the same before and after."""
    # A link may have been put in the file's place after the walk.
    with _regular(source, _NO_LINK) as descriptor:
        before = os.fstat(descriptor)
        hasher, size = hashlib.sha256(), 0
        while piece := os.read(descriptor, limits.READ_BYTES):
            hasher.update(piece)
            size += len(piece)
            progress(len(piece))
            if size > before.st_size:
                return None
        after = os.fstat(descriptor)
    if size != before.st_size or _moments(before) != _moments(after):
        return None
    return Hashed(hasher.digest(), size, after.st_mtime_ns)


def _refuse_changing(source: str) -> Hashed:
    raise UnreadableError(f"{source}: it changes while it is read", "close the program that writes it, or exclude it")


def _moments(status: os.stat_result) -> tuple[int, int, int]:
    # On Windows st_ctime is the time of creation; it does not change, so it does no harm there.
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


@contextmanager
def _regular(source: str, more_flags: int = 0) -> Iterator[int]:
    """A descriptor to read a regular file by. Raises UnreadableError for anything else."""
    descriptor = os.open(source, _OPEN_FLAGS | more_flags)
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
        raise UnreadableError(f"{source}: {_why(error)}") from None


def read_whole(path: Path, limit: int) -> bytes:
    """A regular file's bytes, at most `limit` + 1 of them. Raises InputError."""
    try:
        with _regular(str(path)) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read(limit + 1)
    except OSError as error:
        raise InputError(f"{path}: {_why(error)}") from None


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
        raise SystemFailureError(f"{path}: cannot be written: {_why(error)}") from None
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


def _why(error: OSError | ValueError) -> str:
    """The system's reason, in lower case and without its number."""
    reason = getattr(error, "strerror", None) or str(error)
    return reason[:1].lower() + reason[1:]
