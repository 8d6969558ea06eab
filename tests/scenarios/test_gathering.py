"""Gathering: files come back in their order, whoever hashes them, and few are in memory however many there are."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import md5, sha256
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

import pytest

from notary.cli.options import hermetic
from notary.core.digest import Salter, leaf_hash, record_hash
from notary.core.header import NETWORKS
from notary.core.merkle import build
from notary.edges.hashing import LARGE_FILE, Hashed
from notary.edges.ledger import Draft, DraftItem, open_ledger
from notary.edges.walking import Found
from notary.edges.workers import WorkerProcesses
from notary.errors import SystemFailureError
from notary.gathering import Gathered, Hashers, gather, local_hashers, source_folder
from notary.stamping import Order, stamp

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")


class Shuffling(Executor):
    """Does what it is given in any order, one at a time, and notes how much waited at most."""

    def __init__(self, seed: int = 0, *, is_slow: bool = False) -> None:
        self._random = Random(seed)  # noqa: S311 - an order, not a secret
        self._waiting: list[tuple[Future[Any], Callable[[], Any]]] = []
        self._changed = threading.Condition()
        self._is_slow = is_slow
        self._is_over = False
        self.most = 0
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._changed:
            self._waiting.append((future, lambda: fn(*args, **kwargs)))
            self.most = max(self.most, len(self._waiting))
            self._changed.notify()
        return future

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_over)
                if self._is_over:
                    return
            sleep(0.005 if self._is_slow else 0)
            with self._changed:
                future, call = self._waiting.pop(self._random.randrange(len(self._waiting)))
            try:
                future.set_result(call())
            except Exception as error:  # the caller's to judge
                future.set_exception(error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify()


class AtOnce(Executor):
    """Does what it is given before it is asked for it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # the caller's to judge
            future.set_exception(error)
        return future


@pytest.fixture
def draft(tmp_path: Path) -> Iterator[Draft]:
    with open_ledger(tmp_path / "ledger" / "ledger.db") as ledger, ledger.draft(None) as opened:
        yield opened


SPECIAL = {
    **dict.fromkeys((0, 37, 38, 39, 120), "large"),
    **dict.fromkeys((5, 40, 119), "nothing"),
    **dict.fromkeys((6, 41), "link"),
    42: "folder",
}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> list[Found]:
    """Files of three folders, large and small, with some that cannot be read."""
    folder = tmp_path_factory.mktemp("mixed")
    for number in range(150):
        path = folder / str(number // 50) / f"{number:03}"
        path.parent.mkdir(exist_ok=True)
        match SPECIAL.get(number):
            case "large":
                path.write_bytes(b"%d" % number * LARGE_FILE)
            case "link":
                path.symlink_to(folder / "0" / "001")
            case "folder":
                path.mkdir()
            case None:
                path.write_bytes(b"%d" % number * number)
    return [Found(str(folder / str(n // 50)), f"{n:03}", b"x/%d" % (n // 50)) for n in range(150)]


def check(mixed: Sequence[Found], gathered: Iterable[Sequence[Gathered]], also: tuple[str, ...] = ()) -> None:
    flat = [one for some in gathered for one in some]
    assert [one.found for one in flat] == mixed
    for number, one in enumerate(flat):
        assert not one.is_known
        if SPECIAL.get(number) in (None, "large"):
            content = Path(one.found.source).read_bytes()
            assert isinstance(one.outcome, Hashed), one
            assert (one.outcome.digest, one.outcome.size) == (sha256(content).digest(), len(content))
            assert one.outcome.others == tuple(md5(content, usedforsecurity=False).digest() for _ in also)
        else:
            assert isinstance(one.outcome, str)
            assert one.found.source not in one.outcome
            assert one.outcome


@contextmanager
def executors(kind: str) -> Iterator[tuple[Executor, Executor]]:
    match kind:
        case "threads":
            made: tuple[Executor, Executor] = (ThreadPoolExecutor(3), ThreadPoolExecutor(2))
        case "processes":
            made = (WorkerProcesses(2), ThreadPoolExecutor(2))
        case "processes for all":
            one = WorkerProcesses(2)
            made = (one, one)
        case "at once":
            made = (AtOnce(), AtOnce())
        case _:
            made = (Shuffling(1), Shuffling(2))
    yield made
    for executor in made:
        executor.shutdown()


@posix
@pytest.mark.parametrize("chunk_files", [1, 7, 1000])
@pytest.mark.parametrize("kind", ["threads", "processes", "processes for all", "at once", "any order"])
def test_order_is_kept_whoever_hashes(mixed: list[Found], draft: Draft, kind: str, chunk_files: int) -> None:
    done: list[int] = []
    also = ("md5",) if chunk_files == 7 else ()
    is_local = kind not in ("processes for all", "any order")
    with executors(kind) as (chunks, large):
        hashers = Hashers(chunks, large, chunk_files=chunk_files, is_local=is_local)
        gathered = list(gather(iter(mixed), draft, hashers, also, done.append))
    check(mixed, gathered, also)
    total = sum(one.outcome.size for some in gathered for one in some if isinstance(one.outcome, Hashed))
    assert sum(done) == total


@posix
def test_this_machines_hashers(mixed: list[Found], draft: Draft) -> None:
    with local_hashers(2) as hashers:
        check(mixed, gather(iter(mixed), draft, hashers))
        assert list(gather(iter([]), draft, hashers)) == []


@posix
@pytest.mark.parametrize("size", [10, LARGE_FILE + 10])
def test_a_file_that_changes_has_its_own_outcome(tmp_path: Path, draft: Draft, size: int) -> None:
    files = [Found(str(tmp_path), str(number), b"x") for number in range(20)]
    for one in files:
        Path(one.source).write_bytes(one.name.encode() * size)
    over = threading.Event()

    def write() -> None:
        with Path(files[7].source).open("ab", buffering=0) as stream:
            while not over.is_set():
                stream.write(b"x")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with local_hashers(2) as hashers:
            flat = [one for some in gather(iter(files), draft, hashers) for one in some]
    finally:
        over.set()
        writer.join()
    assert [one.found for one in flat] == files
    for number, one in enumerate(flat):
        if number != 7:
            assert isinstance(one.outcome, Hashed)
            assert one.outcome.digest == sha256(one.found.name.encode() * size).digest()
        elif isinstance(one.outcome, str):
            assert one.outcome == "it changes while it is read"
        else:  # it may have been read between two writes
            content = Path(one.found.source).read_bytes()[: one.outcome.size]
            assert one.outcome.digest == sha256(content).digest()


@pytest.mark.parametrize("is_slow", [False, True])
def test_few_files_are_in_memory_however_many_there_are(tmp_path: Path, draft: Draft, is_slow: bool) -> None:
    """Whoever takes what was gathered decides how fast files are named; whoever hashes, how much waits."""
    (tmp_path / "file").write_bytes(b"x")
    named = 0

    def files() -> Iterator[Found]:
        nonlocal named
        for _ in range(5000 if is_slow else 50_000):
            named += 1
            yield Found(str(tmp_path), "file", b"x")

    chunks: Executor = Shuffling(is_slow=True) if is_slow else AtOnce()
    taken = most = 0
    for some in gather(files(), draft, Hashers(chunks, AtOnce(), chunk_files=10)):
        most = max(most, named - taken)
        taken += len(some)
    assert taken == named
    assert most <= 64 * 10
    if isinstance(chunks, Shuffling):
        assert 2 <= chunks.most <= 64
        chunks.shutdown()


def test_few_large_files_wait(tmp_path: Path, draft: Draft) -> None:
    with (tmp_path / "large").open("wb") as stream:
        stream.truncate(LARGE_FILE)
    large = Shuffling()
    files = (Found(str(tmp_path), "large", b"x") for _ in range(400))
    done = [one for some in gather(files, draft, Hashers(AtOnce(), large, chunk_files=2)) for one in some]
    assert {type(one.outcome) for one in done} == {Hashed}
    assert len(done) == 400
    assert large.most <= 64 * 2
    large.shutdown()


@posix
def test_what_comes_before_a_large_file_need_not_wait_for_it(tmp_path: Path, draft: Draft) -> None:
    for name in ("a", "c"):
        (tmp_path / name).write_bytes(b"x")
    with (tmp_path / "b").open("wb") as large_file:
        large_file.truncate(64 * LARGE_FILE)
    may_go_on = threading.Event()

    class Waiting(ThreadPoolExecutor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            return super().submit(lambda: may_go_on.wait(20) and fn(*args, **kwargs))

    with Waiting(1) as large:
        files = iter([Found(str(tmp_path), name, b"x") for name in "abc"])
        gathering = gather(files, draft, Hashers(AtOnce(), large))
        assert [one.found.name for one in next(gathering)] == ["a"]
        may_go_on.set()
        assert [one.found.name for some in gathering for one in some] == ["b", "c"]


@posix
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_worker_that_is_killed_is_told_in_words(tmp_path: Path, draft: Draft, when: str) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with WorkerProcesses(1) as workers:
        worker = workers.submit(os.getpid).result()

        def files() -> Iterator[Found]:
            for number in range(3000):
                if number == (0 if when == "before" else 1500):
                    os.kill(worker, signal.SIGKILL)
                yield Found(str(tmp_path), "file", b"x")

        with pytest.raises(SystemFailureError, match="ended from outside") as caught:
            list(gather(files(), draft, Hashers(workers, AtOnce(), chunk_files=10)))
    assert "what was hashed is kept" in caught.value.hints[0]


@posix
def test_a_worker_that_is_killed_while_it_hashes_a_large_file(tmp_path: Path, draft: Draft) -> None:
    """Where large files go to processes too, as with an executor that somebody else wrote."""
    (tmp_path / "large").write_bytes(bytes(LARGE_FILE))
    with ProcessPoolExecutor(1) as workers:
        worker = workers.submit(os.getpid).result()
        os.kill(worker, signal.SIGKILL)
        files = iter([Found(str(tmp_path), "large", b"x")] * 50)
        with pytest.raises(SystemFailureError, match="ended from outside"):
            list(gather(files, draft, Hashers(AtOnce(), workers, chunk_files=2, is_local=False)))


@posix
def test_what_an_earlier_run_hashed_is_not_read_again(tmp_path: Path, mixed: list[Found]) -> None:
    path, key = tmp_path / "ledger.db", [b"mixed"]
    changed = Path(mixed[10].source)

    def run(also: tuple[str, ...]) -> list[Gathered]:
        with open_ledger(path) as ledger, ledger.draft(key) as draft, local_hashers(2) as hashers:
            flat = [one for some in gather(iter(mixed), draft, hashers, also) for one in some]
            good = [(one.found, one.outcome) for one in flat if isinstance(one.outcome, Hashed)]
            draft.add(
                [
                    DraftItem(
                        b"x",
                        source_folder(f.folder, str(Path.cwd())),
                        os.fsencode(f.name),
                        *h[:3],
                        known_by=h.identity + b"".join(h.others),
                    )
                    for f, h in good
                ]
            )
            raise EnoughError(flat)

    class EnoughError(Exception):
        pass

    def flat(also: tuple[str, ...] = ()) -> list[Gathered]:
        with pytest.raises(EnoughError) as caught:
            run(also)
        found: list[Gathered] = caught.value.args[0]
        assert [one.found for one in found] == mixed
        return found

    first, again = flat(), flat()
    assert [one.outcome for one in again] == [one.outcome for one in first]
    assert [one.is_known for one in again] == [isinstance(one.outcome, Hashed) for one in first]
    changed.write_bytes(b"other")
    third = flat()
    assert [number for number, one in enumerate(third) if one.is_known != again[number].is_known] == [10]
    assert isinstance(third[10].outcome, Hashed)
    assert third[10].outcome.digest == sha256(b"other").digest()
    # Digests by other functions than are wanted now are of no use.
    fourth = flat(("md5",))
    assert not any(one.is_known for one in fourth)
    fifth = flat(("md5",))
    assert [one.outcome for one in fifth] == [one.outcome for one in fourth]
    assert [one.is_known for one in fifth] == [isinstance(one.outcome, Hashed) for one in fifth]
    changed.write_bytes(b"10" * 10)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_workers_end_with_whoever_started_them() -> None:
    """However that ends: nobody tells them."""
    code = (
        "import os, time; from notary.edges.workers import WorkerProcesses\n"
        "pool = WorkerProcesses(3)\n"
        "pids = {pool.submit(time.sleep, 0.1) and pool.submit(os.getpid).result() for _ in range(20)}\n"
        "print(*pool._processes._processes, flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        workers = [int(pid) for pid in process.stdout.readline().split()]
        assert len(workers) == 3
        process.kill()
    for _ in range(500):
        left = [pid for pid in workers if is_running(pid)]
        if not left:
            return
        sleep(0.02)
    pytest.fail(f"workers outlive their parent: {left}")


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# -- leaves that are made where files are hashed --------------------------------------------------------------------


class Losing(Executor):
    """Does at once what it is given; some files of the chunk are gone by then."""

    def __init__(self, lost: Callable[[str], bool]) -> None:
        self._lost = lost

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        for source in args[0].sources():
            if self._lost(source):
                Path(source).unlink()
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@pytest.mark.parametrize("lost", [(), (0,), (5,), (6, 7, 8), (39,), (3, 17, 25, 39)], ids=str)
@pytest.mark.parametrize("knows_key", [True, False], ids=["made by workers", "made here"])
def test_leaves_are_those_of_the_items_whatever_was_left_out(
    tmp_path: Path, lost: tuple[int, ...], knows_key: bool
) -> None:
    evidence = tmp_path / "evidence"
    for number in range(40):
        file = evidence / f"folder {number // 7}" / f"file {number:02}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"%d" % number * (LARGE_FILE if number % 10 == 4 else 1))
    names = {f"file {number:02}" for number in lost}
    order = Order((evidence,), NETWORKS["local"], (), 1, skip_unreadable=True)
    world = hermetic(tmp_path / "ledger.db")
    with open_ledger(tmp_path / "ledger.db") as ledger, ThreadPoolExecutor(2) as large:
        chunks = Losing(lambda source: Path(source).name in names)
        hashers = Hashers(chunks, large, chunk_files=6, is_local=knows_key)
        stamped = stamp(order, ledger, world, hashers=hashers)
        batch = stamped.batch
        assert (batch.size, len(stamped.skipped)) == (40 - len(lost), len(lost))
        salter = Salter(ledger.key(batch))
        leaves = []
        for item in ledger.items(batch):
            salts = salter.salts(item.index)
            leaves.append(leaf_hash(item.digest, salts.s, record_hash(salts.t, item.record)))
            assert item.digest == sha256(item.file.read_bytes()).digest()
        assert build(leaves).root == batch.root
