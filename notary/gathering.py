"""Gathering: files → digests, in their order, by whatever executor there is, and without what an earlier run has done.

Files go out in chunks and come back as such; large ones are hashed one by one, or on other machines some at a time.
However many files there are, a bounded number is under way at a time.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate, chain, groupby, islice
from operator import attrgetter, itemgetter
from os import fsencode
from pathlib import Path
from typing import NamedTuple

from notary.core.digest import DIGEST_BYTES
from notary.edges.cluster import cluster_executor
from notary.edges.hashing import (
    IDENTITY_BYTES,
    OTHER_HASHES,
    Chunk,
    Hashed,
    HashedChunk,
    Salting,
    hash_chunk,
    hash_file,
    hash_large,
    identity_of,
)
from notary.edges.ledger import Draft, Known
from notary.edges.walking import Found
from notary.edges.workers import WorkerProcesses
from notary.errors import SystemFailureError, UnreadableError

Progress = Callable[[int], None]

_AHEAD = 8
"""Chunks whose large files are handed out before their turn."""

_LARGE_AHEAD = 4096
"""Tasks for large files beyond which no further chunk's are handed out."""

_UNKEPT_BYTES = 64 * 10**6
"""Bytes that are hashed, or soon will be, before the draft has the files: some 40 ms of work, where a change of the
draft for each large file would cost as much as reading it."""

_BATCH_BYTES = 200 * 10**6
"""Large files that one task on another machine hashes: 100 to 400 ms, where the scheduler needs 2 ms for a task."""


@dataclass(frozen=True, slots=True)
class Hashers:
    """Who hashes: `chunks` of small files, so many under way at a time, and `large` files.

    `is_local` where the large ones are hashed in threads of this process, which can tell of every read; a job of one
    chunk is then not worth another process. Otherwise this process's working folder means nothing to them.
    """

    chunks: Executor
    large: Executor
    chunk_files: int = 1024
    chunks_under_way: int = 16
    is_local: bool = True


@contextmanager
def local_hashers(jobs: int) -> Iterator[Hashers]:
    """This machine's: `jobs` processes for small files, as many threads for large ones."""
    chunks, large = WorkerProcesses(jobs), ThreadPoolExecutor(jobs)
    try:
        yield Hashers(chunks, large)
    finally:
        for executor in (chunks, large):
            executor.shutdown(wait=False, cancel_futures=True)


@contextmanager
def cluster_hashers(address: str) -> Iterator[Hashers]:
    """Those of the Dask scheduler at `address`; the files must be there under the same paths.

    A chunk is some 25 ms of work, or seconds where each file comes over a network: few enough files that a lost worker
    costs little, and enough that the scheduler's 2 ms for a task do not count. Raises InputError, SystemFailureError.
    """
    with cluster_executor(address) as executor:
        yield Hashers(executor, executor, chunk_files=2048, chunks_under_way=128, is_local=False)


class Gathered(NamedTuple):
    """A file with its digest, or with the reason why it cannot be read. `is_known` where an earlier run hashed it.

    `leaf` is the tree's, if it was made where the file was hashed, `made_for` the item of that index; `declared` is
    what its record is to tell besides. A tuple, since there are millions.
    """

    found: Found
    outcome: Hashed | str
    is_known: bool = False
    leaf: bytes = b""
    made_for: int = 0
    declared: Mapping[str, str] | None = None


def gather(
    files: Iterable[Found],
    draft: Draft,
    hashers: Hashers,
    also: Sequence[str] = (),
    progress: Progress | None = None,
    key: bytes | None = None,
) -> Iterator[list[Gathered]]:
    """All `files` in their order, some at a time, hashed also by the functions that `also` names.

    A file is not read again that the draft's earlier runs have read, as long as size, times and inode are the same.
    With the batch's `key`, leaves are made with the digests where that can be, as of items that declare nothing.
    `progress` is told the bytes that are done. Raises SystemFailureError where the executor breaks.
    """
    chunks = _in_chunks(files, hashers.chunk_files)
    first = list(islice(chunks, 2))
    is_small = hashers.is_local and len(first) < 2
    run = _Run(draft, hashers, tuple(also), progress, is_small, key if hashers.is_local else None)
    under_way: deque[_Task] = deque()
    ahead: deque[_Task] = deque()
    try:
        for chunk in chain(first, chunks):
            under_way.append(run.start(chunk))
            while len(under_way) > hashers.chunks_under_way or (under_way and under_way[0].is_done()):
                ahead.append(run.hand_out(under_way.popleft()))
                while _is_due(ahead):
                    yield from run.finish(ahead.popleft())
        while under_way or ahead:
            while under_way and not _is_due(ahead):
                ahead.append(run.hand_out(under_way.popleft()))
            yield from run.finish(ahead.popleft())
    except BrokenExecutor:
        raise SystemFailureError(
            "a process that hashed files was ended from outside",
            "the system may be short of memory; run the same command again: what was hashed is kept",
        ) from None


def _is_due(ahead: Sequence["_Task"]) -> bool:
    """Whether the first of these is to be finished before more large files are handed out."""
    if not ahead or not ahead[0].large_tasks:
        return bool(ahead)
    return len(ahead) > _AHEAD or sum(task.large_tasks for task in ahead) > _LARGE_AHEAD


def _in_chunks(files: Iterable[Found], size: int) -> Iterator[list[Found]]:
    rest = iter(files)
    while chunk := list(islice(rest, size)):
        yield chunk


@dataclass(slots=True)
class _Task:
    """A chunk on its way: what is known of its files, who hashes the others, and the large ones of them in order."""

    files: list[Found]
    known: dict[int, Hashed]
    future: Future[HashedChunk] | None
    first: int
    outcomes: list[Hashed | str | None] = field(default_factory=list)
    leaves: bytes = b""
    large: Iterator[Hashed | str] = field(default_factory=lambda: iter(()))
    large_tasks: int = 0
    large_sizes: Iterator[int] = field(default_factory=lambda: iter(()))

    def is_done(self) -> bool:
        return self.future is None or self.future.done()


class _Run:
    def __init__(
        self,
        draft: Draft,
        hashers: Hashers,
        also: tuple[str, ...],
        progress: Progress | None,
        is_small: bool,
        key: bytes | None,
    ) -> None:
        self._key = key
        self._first = 0
        self._draft = draft
        self._hashers = hashers
        self._also = also
        self._progress = progress or (lambda count: None)
        self._is_small = is_small
        self._here = str(Path.cwd())
        self._folder: str | None = None
        self._earlier: dict[bytes, Known] = {}

    def start(self, files: list[Found]) -> _Task:
        known = self._known(files) if self._draft.had_earlier else {}
        first, self._first = self._first, self._first + len(files)
        unknown = [file for place, file in enumerate(files) if place not in known] if known else files
        if not unknown:
            return _Task(files, known, None, first)
        chunk = self._chunk(unknown, None if known else first)
        if self._is_small:
            future: Future[HashedChunk] = Future()
            future.set_result(hash_chunk(chunk))
        else:
            future = self._hashers.chunks.submit(hash_chunk, chunk)
        return _Task(files, known, future, first)

    def _chunk(self, files: Iterable[Found], first: int | None = None) -> Chunk:
        groups = [(place, tuple(group)) for place, group in groupby(files, attrgetter("folder", "recorded_folder"))]
        folders = tuple((self._reachable(folder), tuple(file.name for file in group)) for (folder, _), group in groups)
        if self._key is None or first is None:
            return Chunk(folders, self._also)
        return Chunk(folders, self._also, Salting(self._key, first, tuple(recorded for (_, recorded), _ in groups)))

    def _reachable(self, folder: str) -> str:
        return folder if self._hashers.is_local else str(Path(folder).absolute())

    def _known(self, files: list[Found]) -> dict[int, Hashed]:
        known: dict[int, Hashed] = {}
        for place, file in enumerate(files):
            if file.folder != self._folder:
                self._folder = file.folder
                self._earlier = self._draft.earlier(source_folder(file.folder, self._here))
            before = self._earlier.get(fsencode(file.name))
            if before and before.known_by[:IDENTITY_BYTES] == (now := identity_of(file.source, before.digest)):
                others = _split(before.known_by[IDENTITY_BYTES:], self._also)
                if others is not None:
                    known[place] = Hashed(before.digest, before.size, before.mtime_ns, now, others)
        return known

    def hand_out(self, task: _Task) -> _Task:
        """Waits for the chunk, and hands out its large files."""
        done = task.future.result() if task.future else HashedChunk()
        task.leaves = done.leaves
        hashed = done.outcomes()
        known = task.known
        task.outcomes = [known.get(place) or next(hashed) for place in range(len(task.files))] if known else [*hashed]
        large = [file for file, outcome in zip(task.files, task.outcomes, strict=True) if outcome is None]
        task.large_sizes = iter(done.large.values())
        if self._hashers.is_local:
            self._one_by_one(task, large)
        else:
            self._in_batches(task, large, list(done.large.values()))
        return task

    def _one_by_one(self, task: _Task, files: list[Found]) -> None:
        futures = [self._hashers.large.submit(hash_file, file.source, self._progress, self._also) for file in files]
        task.large, task.large_tasks = map(_result, files, futures), len(futures)

    def _in_batches(self, task: _Task, files: list[Found], sizes: list[int]) -> None:
        numbers = [(end - size) // _BATCH_BYTES for size, end in zip(sizes, accumulate(sizes), strict=True)]
        batches = groupby(zip(files, numbers, strict=True), itemgetter(1))
        chunks = [self._chunk(file for file, _ in batch) for _, batch in batches]
        futures = [self._hashers.large.submit(hash_large, chunk) for chunk in chunks]
        task.large, task.large_tasks = chain.from_iterable(map(self._told, futures)), len(futures)

    def _told(self, future: Future[HashedChunk]) -> list[Hashed | str]:
        outcomes = [outcome for outcome in future.result().outcomes() if outcome is not None]
        self._progress(sum(outcome.size for outcome in outcomes if isinstance(outcome, Hashed)))
        return outcomes

    def finish(self, task: _Task) -> Iterator[list[Gathered]]:
        """The chunk's files, those before much else first: the draft shall have them while that is hashed."""
        ready: list[Gathered] = []
        done = unkept = 0
        for place, (file, outcome) in enumerate(zip(task.files, task.outcomes, strict=True)):
            is_large = outcome is None
            if outcome is None:
                unkept += next(task.large_sizes)
                if ready and unkept > _UNKEPT_BYTES:
                    yield ready
                    ready, unkept = [], 0
                outcome = next(task.large)
            elif isinstance(outcome, Hashed) and place not in task.known:
                done += outcome.size
                unkept += outcome.size
            leaf = task.leaves[place * DIGEST_BYTES : (place + 1) * DIGEST_BYTES] if not is_large else b""
            ready.append(Gathered(file, outcome, place in task.known, leaf, task.first + place))
        self._progress(done)
        yield ready


def _result(file: Found, future: Future[Hashed]) -> Hashed | str:
    try:
        return future.result()
    except UnreadableError as error:
        return error.message.removeprefix(f"{file.source}: ")


def source_folder(folder: str, here: str) -> bytes:
    """A folder from the root on, `here` being the working one: a draft and the ledger outlive that."""
    return fsencode(os.path.join(here, folder))  # noqa: PTH118 - a Path would be as slow as the hashing


def _split(others: bytes, also: Sequence[str]) -> tuple[bytes, ...] | None:
    """The digests by further functions that a draft keeps in a row; None where they are not those that are wanted."""
    ends = list(accumulate(OTHER_HASHES[name] for name in also))
    if len(others) != (ends[-1] if ends else 0):
        return None
    return tuple(others[begin:end] for begin, end in zip([0, *ends], ends, strict=False))
