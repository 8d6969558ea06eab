"""Walking evidence: all regular files of folders, in a stable order, without looking into any of them."""

import os
import re
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from notary import limits
from notary.errors import InputError, reason_of

_FOLDER_MARK = "ps_d"
"""The group in pathspec's expressions that takes the slash behind a folder's name."""

_MOUNT_POINT = 0xA0000003
"""Windows: IO_REPARSE_TAG_MOUNT_POINT."""


class Found(NamedTuple):
    """A regular file: its folder and name here, and the folder in its record, as bytes with `/` between parts.

    A tuple, since there are millions.
    """

    folder: str
    name: str
    recorded_folder: bytes

    @property
    def source(self) -> str:
        return os.path.join(self.folder, self.name)  # noqa: PTH118 - a Path costs ten times as much

    @property
    def recorded(self) -> bytes:
        """The path that its record gives it."""
        return b"/".join(filter(None, (self.recorded_folder, os.fsencode(self.name))))


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


def walk(
    paths: Sequence[Path], exclude: Sequence[str] = (), own: Collection[Path] = ()
) -> Iterator[Found | Skipped | Unreadable]:
    """All regular files under `paths`, in their order, folders sorted by the bytes of their names.

    A folder that cannot be listed is yielded as unreadable. Links, sockets, FIFOs and devices are yielded as skipped
    and never followed, and so is what the gitignore patterns `exclude` match within a given folder, and this
    program's `own` files. No file's status is asked for where the folder's listing does: with a cold disk that is
    what a walk waits for. Raises InputError for a path that is not there, or a bad pattern.
    """
    excluded = _Exclusion(exclude) if exclude else None
    ours = {identity for path in own if (identity := _identity(path))}
    for path in paths:
        try:
            status = path.lstat()
            name = recorded_name(path)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: {reason_of(error)}") from None
        if stat.S_ISDIR(status.st_mode) and not _is_junction(status):
            yield from _walk_folder(str(path), name, excluded, ours)
        elif not stat.S_ISREG(status.st_mode):
            yield Skipped(str(path), _kind(status))
        elif (status.st_dev, status.st_ino) in ours:
            yield Skipped(str(path), "the ledger itself")
        else:
            yield Found(*os.path.split(path), b"")


def recorded_name(path: Path) -> bytes:
    """The name of a path that was given, as records begin with it."""
    return os.fsencode(path.name if path.name not in ("", "..") else path.resolve().name) or b"root"


def _walk_folder(
    root: str, name: bytes, excluded: "_Exclusion | None", ours: Collection[tuple[int, int]]
) -> Iterator[Found | Skipped | Unreadable]:
    our_numbers = {number for _, number in ours}
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
            yield Unreadable(folder, reason_of(error))
            continue
        folders = []
        for entry in entries:
            try:
                is_file = entry.is_file(follow_symlinks=False)
                is_folder = not is_file and entry.is_dir(follow_symlinks=False) and not _is_junction_entry(entry)
                # Windows' listings do not tell which file it is.
                may_be_ours = bool(ours) and (os.name == "nt" or entry.inode() in our_numbers)
                is_ours = may_be_ours and _identity(entry.path) in ours
                kind = "" if is_folder or is_file else _kind(os.lstat(entry.path))
            except OSError as error:
                yield Unreadable(entry.path, reason_of(error))
                continue
            if excluded and excluded(relative + entry.name, is_folder):
                yield Skipped(entry.path, "excluded")
            elif is_ours:
                yield Skipped(entry.path, "the ledger's own folder" if is_folder else "the ledger itself")
            elif is_folder:
                below = os.fsencode(entry.name)
                folders.append((entry.path, recorded + b"/" + below, relative + entry.name + "/"))
            elif is_file:
                yield Found(folder, entry.name, recorded)
            else:
                yield Skipped(entry.path, kind)
        pending += reversed(folders)


def _is_junction(status: os.stat_result) -> bool:
    """Windows' other kind of link to a folder."""
    return getattr(status, "st_reparse_tag", 0) == _MOUNT_POINT


def _is_junction_entry(entry: os.DirEntry[str]) -> bool:
    return os.name == "nt" and _is_junction(entry.stat(follow_symlinks=False))


def _kind(status: os.stat_result) -> str:
    kinds = {
        stat.S_IFLNK: "a link",
        stat.S_IFSOCK: "a socket",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFDIR: "a link to a folder",
    }
    return kinds.get(stat.S_IFMT(status.st_mode), "not a regular file")


def is_same_file(one: Path, other: Path) -> bool:
    """Whether these are there, and are one file."""
    here = _identity(one)
    return here is not None and here == _identity(other)


def _identity(path: Path | str) -> tuple[int, int] | None:
    try:
        status = os.lstat(path)
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
