"""Hashing files: one, or a chunk of small ones in one task, here or in another process or machine."""

import errno
import hashlib
import os
import stat
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import FileIO
from itertools import cycle
from typing import NamedTuple

from notary import limits
from notary.core.digest import Salter
from notary.core.evidence import record_bytes
from notary.core.ots import new_hash
from notary.errors import UnreadableError, reason_of

LARGE_FILE = 1 << 20
"""Files from this size on are worth a task of their own."""

OTHER_HASHES = {"md5": 16, "sha1": 20}
"""Hash functions that load files state besides SHA-256, and how many bytes their digests have."""

IDENTITY_BYTES = 8

_READ_AHEAD_FROM = 256 * LARGE_FILE
"""Files from this size on are read by a thread of their own while they are hashed; it does not pay for shorter ones."""

_AHEAD = 64
"""Files that are opened, and announced to the system, before the first of them is read: a cold disk then reads them in
the order that suits it, and several times as fast."""

# Opening a FIFO would wait for a writer; the flag does nothing to a regular file. A link may have been put in the
# file's place after the walk.
_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
)
_CHANGES = "it changes while it is read"
_ROW = struct.Struct("<32sqqI8s")


class Hashed(NamedTuple):
    """A file's SHA-256, its size in bytes, and its modification time in nanoseconds since 1970.

    `identity` is 8 bytes that go with the digest and with the file's size, times and inode; `others` are its digests
    by further hash functions that were asked for. A tuple, since there are millions.
    """

    digest: bytes
    size: int
    mtime_ns: int
    identity: bytes
    others: tuple[bytes, ...] = ()


def hash_file(source: str, progress: Callable[[int], None] = lambda count: None, also: Sequence[str] = ()) -> Hashed:
    """The digest of a regular file's bytes, with the size and time that it had.

    A file that changes while it is read is read once more, and then refused. `progress` is told the bytes of each
    read. Raises UnreadableError.
    """
    try:
        for _ in range(2):
            descriptor, status = _opened(source)
            try:
                hashed = _hash_large(descriptor, status, also, progress)
            finally:
                os.close(descriptor)
            if hashed is not None:
                return hashed
    except OSError as error:
        raise UnreadableError(f"{source}: {_why(error)}") from None
    raise UnreadableError(f"{source}: {_CHANGES}", "close the program that writes it, or exclude it")


def identity_of(source: str, digest: bytes) -> bytes | None:
    """The identity that the regular file at `source`, as it is now, has with this digest; None where there is none."""
    try:
        status = os.lstat(source)
    except OSError:
        return None
    return _identity(_state(status), digest) if stat.S_ISREG(status.st_mode) else None


def _opened(source: str) -> tuple[int, os.stat_result]:
    """A descriptor of a regular file, and its status. Raises OSError and UnreadableError."""
    descriptor = os.open(source, _OPEN_FLAGS)
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode):
        return descriptor, status
    os.close(descriptor)
    what = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
    raise UnreadableError(f"{source}: {what}")


def _announce(descriptor: int) -> None:
    """Has the system fetch a small file by the time it is read."""
    if _advise is not None:
        try:  # noqa: SIM105 - suppress() costs more than the call
            _advise(descriptor, 0, 0, os.POSIX_FADV_WILLNEED)
        except OSError:
            pass  # a file system that takes no advice


_advise = getattr(os, "posix_fadvise", None)


def _hash_large(
    descriptor: int, before: os.stat_result, also: Sequence[str], progress: Callable[[int], None]
) -> Hashed | None:
    """None where the file was not the same before and after."""
    hashers = [hashlib.sha256(), *map(new_hash, also)]
    size = 0
    with FileIO(descriptor, closefd=False) as stream:
        for piece in (_read_ahead if before.st_size >= _READ_AHEAD_FROM else _read)(stream):
            for hasher in hashers:
                hasher.update(piece)
            size += len(piece)
            progress(len(piece))
            if size > before.st_size:
                return None
    state = _state(os.fstat(descriptor))
    if size != before.st_size or state != _state(before):
        return None
    digest, *others = (hasher.digest() for hasher in hashers)
    return Hashed(digest, size, state[1], _identity(state, digest), tuple(others))


def _read(stream: FileIO) -> Iterator[memoryview]:
    buffer = memoryview(bytearray(limits.READ_BYTES))
    while count := stream.readinto(buffer):
        yield buffer[:count]


def _read_ahead(stream: FileIO) -> Iterator[memoryview]:
    """The same by two buffers: one is filled while the other is hashed."""
    buffers = [memoryview(bytearray(4 * limits.READ_BYTES)) for _ in range(2)]
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(stream.readinto, buffers[0])
        for turn in cycle((1, 0)):
            count = coming.result()
            if not count:
                return
            coming = reader.submit(stream.readinto, buffers[turn])
            yield buffers[1 - turn][:count]


def _hash_small(descriptor: int, before: os.stat_result, also: Sequence[str]) -> Hashed | None:
    """The same for a file that is read at once; one byte more is asked for than there should be."""
    size = before.st_size
    data = os.read(descriptor, size + 1)
    after = os.fstat(descriptor)
    state = _state(after)
    if len(data) != size or state != _state(before):
        return None
    digest = hashlib.sha256(data).digest()
    others = tuple(_digest(name, data) for name in also) if also else ()
    return Hashed(digest, size, state[1], _identity(state, digest), others)


def _digest(hash_name: str, data: bytes) -> bytes:
    hasher = new_hash(hash_name)
    hasher.update(data)
    return hasher.digest()


_State = tuple[int, int, int, int]


def _state(status: os.stat_result) -> _State:
    # On Windows st_ctime is the time of creation; it does not change, so it does no harm there. Not the device: for one
    # network drive it has other numbers on other machines.
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _identity(state: _State, digest: bytes) -> bytes:
    # Python hashes numbers the same in every process. It is there to notice a change of the file, or of the disk that
    # keeps the digest, not to withstand a forger.
    return hash((*state, int.from_bytes(digest, "big"))).to_bytes(IDENTITY_BYTES, "little", signed=True)


# -- by the chunk ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Salting:
    """What it takes to make leaves where files are hashed: the batch's key, the first file's index in the batch, and
    the folders as they are recorded. For processes of this machine only: the key never leaves it."""

    key: bytes = field(repr=False)
    first: int
    recorded_folders: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Files to be hashed in one task: folders with the names in them. `also` names further hash functions."""

    folders: tuple[tuple[str, tuple[str, ...]], ...]
    also: tuple[str, ...] = ()
    salting: Salting | None = None

    def sources(self) -> list[str]:
        return [place + name for folder, names in self.folders for place in [_prefix(folder)] for name in names]


def _prefix(folder: str) -> str:
    return os.path.join(folder, "")  # noqa: PTH118 - a Path forgets the last slash


class HashedChunk:
    """What became of a chunk's files, by their places in it; packed, since it travels between processes.

    `unreadable` gives reasons, `large` the sizes of files that were left for tasks of their own. `leaves` are those of
    the tree in a row, if they were asked for; of no use where a file was not hashed.
    """

    def __init__(self, outcomes: Iterable[Hashed | str | int] = (), leaves: bytes = b"") -> None:
        """Of each file in turn: what hashing told, or why it cannot be read; its size for a large one."""
        self.leaves = leaves
        self._others: dict[int, tuple[bytes, ...]] = {}
        self.unreadable: dict[int, str] = {}
        self.large: dict[int, int] = {}
        rows: list[bytes] = []
        for place, outcome in enumerate(outcomes):
            if isinstance(outcome, Hashed):
                digest, size, mtime_ns, identity, others = outcome
                rows.append(_ROW.pack(digest, size, *divmod(mtime_ns, 10**9), identity))
                if others:
                    self._others[place] = others
                continue
            rows.append(bytes(_ROW.size))
            if isinstance(outcome, int):
                self.large[place] = outcome
            else:
                self.unreadable[place] = outcome
        self._rows = b"".join(rows)

    def seen_by(self, worker: str) -> None:
        """Says of each reason on which worker it was so: what one has, another may lack."""
        self.unreadable = {place: f"{reason} (on the worker {worker})" for place, reason in self.unreadable.items()}

    def outcomes(self) -> Iterator[Hashed | str | None]:
        """The same again, in order; None for a large one."""
        is_plain = not (self.large or self.unreadable or self._others)
        for place, (digest, size, seconds, nanoseconds, identity) in enumerate(_ROW.iter_unpack(self._rows)):
            if is_plain or (place not in self.large and place not in self.unreadable):
                others = () if is_plain else self._others.get(place, ())
                yield Hashed(digest, size, seconds * 10**9 + nanoseconds, identity, others)
            else:
                yield self.unreadable.get(place)


def hash_chunk(chunk: Chunk) -> HashedChunk:
    """Hashes a chunk's small files in their order. Raises nothing: what cannot be read is told."""
    outcomes: list[Hashed | str | int] = []
    sources = chunk.sources()
    for begin in range(0, len(sources), _AHEAD):
        group = sources[begin : begin + _AHEAD]
        opened = list(map(_small, group))
        for source, one in zip(group, opened, strict=True):
            one = one or _small(source) or _TOO_MANY
            outcomes.append(one if isinstance(one, str | int) else _outcome(source, *one, chunk.also))
    return HashedChunk(outcomes, b"" if chunk.salting is None else _leaves(chunk, chunk.salting, outcomes))


def _leaves(chunk: Chunk, salting: Salting, outcomes: Sequence[Hashed | str | int]) -> bytes:
    paths = (
        recorded + b"/" + os.fsencode(name) if recorded else os.fsencode(name)
        for recorded, (_, names) in zip(salting.recorded_folders, chunk.folders, strict=True)
        for name in names
    )
    items = (
        (one.digest, record_bytes(path, one.size, one.mtime_ns)) if isinstance(one, Hashed) else (b"", b"")
        for path, one in zip(paths, outcomes, strict=True)
    )
    return Salter(salting.key).leaves(salting.first, items)


def hash_large(chunk: Chunk) -> HashedChunk:
    """Hashes a chunk's files one after the other, however large. Raises nothing, as `hash_chunk`."""
    return HashedChunk(_large_outcome(source, chunk.also) for source in chunk.sources())


def _large_outcome(source: str, also: Sequence[str]) -> Hashed | str:
    try:
        return hash_file(source, also=also)
    except UnreadableError as error:
        return error.message.removeprefix(f"{source}: ")


def _small(source: str) -> tuple[int, os.stat_result] | int | str | None:
    """A small file, opened; a large one's size; or why there is none of the two, None where too many files are open."""
    try:
        descriptor, status = _opened(source)
    except OSError as error:
        return None if error.errno in (errno.EMFILE, errno.ENFILE) else _why(error)
    except UnreadableError as error:
        return error.message.removeprefix(f"{source}: ")
    if status.st_size < LARGE_FILE:
        _announce(descriptor)
        return descriptor, status
    os.close(descriptor)
    return status.st_size


_TOO_MANY = "too many open files"


def _why(error: OSError) -> str:
    return "a link, and links are not followed" if error.errno == errno.ELOOP else reason_of(error)


def _outcome(source: str, descriptor: int, status: os.stat_result, also: Sequence[str]) -> Hashed | str:
    try:
        try:
            return _hash_small(descriptor, status, also) or hash_file(source, also=also)
        finally:
            os.close(descriptor)
    except OSError as error:
        return reason_of(error)
    except UnreadableError as error:
        return error.message.removeprefix(f"{source}: ")
