"""edges.hashing: digests of files, one by one and by the chunk, of bytes that stood still."""

import hashlib
import os
import pickle
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from notary.edges import hashing
from notary.edges.hashing import LARGE_FILE, Chunk, Hashed, HashedChunk, hash_chunk, hash_file, identity_of
from notary.edges.walking import Found, walk
from notary.errors import UnreadableError
from notary.limits import READ_BYTES
from tests.edges.bounded import within, without_rights

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


def make(folder: Path, *names: str | bytes) -> Path:
    for name in names:
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(name))
    return folder


# -- hashing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, READ_BYTES - 1, READ_BYTES, READ_BYTES + 1, 3 * READ_BYTES])
def test_digest_size_and_time(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    content = os.urandom(size)
    path.write_bytes(content)
    os.utime(path, ns=(5, 1_234_567_890_123_456_789))
    read: list[int] = []
    hashed = hash_file(str(path), read.append)
    assert hashed.digest == hashlib.sha256(content).digest()
    assert (hashed.size, sum(read)) == (size, size)
    assert abs(hashed.mtime_ns - 1_234_567_890_123_456_789) < 1000  # some file systems count in 100 ns


@posix
@pytest.mark.parametrize("swap", ["link", "fifo", "socket", "folder", "nothing"])
def test_what_takes_a_files_place_after_the_walk_is_not_read(tmp_path: Path, swap: str) -> None:
    make(tmp_path, "x/file", "secret")
    (found,) = walk([tmp_path / "x"])
    assert isinstance(found, Found)
    path = Path(found.source)
    path.unlink()
    listening = socket.socket(socket.AF_UNIX)
    match swap:
        case "link":
            path.symlink_to(tmp_path / "secret")
        case "fifo":
            os.mkfifo(path)
        case "socket":
            listening.bind(str(path))
        case "folder":
            path.mkdir()
    with listening, pytest.raises(UnreadableError) as caught:
        within(5, lambda: hash_file(found.source))
    assert caught.value.message.startswith(f"{path}: ")


@linux
def test_a_file_whose_disk_fails_is_unreadable() -> None:
    # Address 0 of a process is not mapped: reading it is an input/output error, for root too.
    with pytest.raises(UnreadableError, match="input/output error"):
        hash_file("/proc/self/mem")


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that others may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@posix
def test_a_file_without_permission_is_unreadable(public_folder: Path) -> None:
    path = make(public_folder, "shut") / "shut"
    path.chmod(0)
    assert without_rights(_refusal, str(path)) == f"{path}: permission denied"


def _refusal(source: str) -> str:
    try:
        return hash_file(source).digest.hex()
    except UnreadableError as error:
        return error.message


class Meddler:
    """Changes a file from within the reading of it, as often as it may."""

    def __init__(self, path: Path, how: str, times: int) -> None:
        self.path = path
        self.how = how
        self.left = times
        path.write_bytes(b"a" * 3 * READ_BYTES)
        time.sleep(0.02)  # older kernels' file clocks tick every 4 to 10 ms

    def __call__(self, count: int) -> None:
        if self.left == 0:
            return
        self.left -= 1
        if self.how == "replaced":
            beside = self.path.with_name("beside")
            beside.write_bytes(b"b" * 3 * READ_BYTES)
            beside.replace(self.path)
            return
        status = self.path.stat()
        with self.path.open("r+b") as stream:
            match self.how:
                case "appended":
                    stream.seek(0, os.SEEK_END)
                    stream.write(b"b")
                case "shortened":
                    stream.truncate(status.st_size - 1)
                case "rewritten":
                    stream.write(b"b")
                case "rewritten in secret":
                    stream.write(b"b")
                    stream.flush()
                    os.utime(self.path, ns=(status.st_atime_ns, status.st_mtime_ns))


@posix
@pytest.mark.parametrize("how", ["appended", "shortened", "rewritten", "rewritten in secret", "replaced"])
def test_a_file_that_changes_is_read_again(tmp_path: Path, how: str) -> None:
    path = tmp_path / "file"
    meddler = Meddler(path, how, times=1)
    hashed = hash_file(str(path), meddler)
    assert meddler.left == 0
    assert hashed.digest == hashlib.sha256(path.read_bytes()).digest()
    assert hashed.size == path.stat().st_size


@posix
@pytest.mark.parametrize("how", ["appended", "shortened", "rewritten", "rewritten in secret", "replaced"])
def test_a_file_that_keeps_changing_is_refused(tmp_path: Path, how: str) -> None:
    path = tmp_path / "file"
    with pytest.raises(UnreadableError, match="changes while it is read"):
        hash_file(str(path), Meddler(path, how, times=1000))


def test_a_log_that_another_thread_writes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as stream:
        stream.truncate(64 * READ_BYTES)
    begun, done = threading.Event(), threading.Event()

    def write() -> None:
        with path.open("ab", buffering=0) as log:
            while not done.is_set():
                log.write(b"line\n")
                begun.set()

    thread = threading.Thread(target=write)
    thread.start()
    begun.wait()
    try:
        with pytest.raises(UnreadableError, match="changes while it is read"):
            hash_file(str(path))
    finally:
        done.set()
        thread.join()


# -- by the chunk ---------------------------------------------------------------------------------------------------

SIZES = (0, 1, 2, 4095, 4096, 4097, 65535, 65536, 65537, LARGE_FILE - 1, LARGE_FILE, LARGE_FILE + 1)


def outcomes(folder: Path, *names: str, also: tuple[str, ...] = ()) -> list[Hashed | str | None]:
    return list(hash_chunk(Chunk(((str(folder), names),), also)).outcomes())


@pytest.mark.parametrize("also", [(), ("md5",), ("sha1",), ("md5", "sha1"), ("sha1", "md5")])
def test_a_chunk_is_what_its_files_are_one_by_one(tmp_path: Path, also: tuple[str, ...]) -> None:
    for size in SIZES:
        (tmp_path / str(size)).write_bytes(os.urandom(size))
    together = outcomes(tmp_path, *map(str, SIZES), also=also)
    assert len(together) == len(SIZES)
    for size, outcome in zip(SIZES, together, strict=True):
        content = (tmp_path / str(size)).read_bytes()
        alone = hash_file(str(tmp_path / str(size)), also=also)
        assert alone.digest == hashlib.sha256(content).digest()
        assert alone.others == tuple(hashlib.new(name, content, usedforsecurity=False).digest() for name in also)
        assert (alone.size, alone.mtime_ns) == (size, (tmp_path / str(size)).stat().st_mtime_ns)
        assert alone.identity == identity_of(str(tmp_path / str(size)), alone.digest)
        assert outcome == (None if size >= LARGE_FILE else alone)


def test_a_chunk_keeps_the_order_of_its_folders(tmp_path: Path) -> None:
    """More files than are opened at a time; folders that come twice; empty ones."""
    make(tmp_path, *(f"{folder}/{number}" for folder in "abc" for number in range(100)))
    folders = [(str(tmp_path / folder), tuple(map(str, range(100)))) for folder in "bac"]
    folders += [(str(tmp_path / "a"), ("7", "nothing", "7")), (str(tmp_path), ())]
    chunk = Chunk(tuple(folders))
    assert chunk.sources() == [os.path.join(folder, name) for folder, names in folders for name in names]  # noqa: PTH118
    done = list(hash_chunk(chunk).outcomes())
    assert done[-2] == "no such file or directory"
    del done[-2]
    names = [f"{folder}/{number}" for folder in "bac" for number in range(100)] + ["a/7", "a/7"]
    assert [one.digest for one in done if isinstance(one, Hashed)] == [
        hashlib.sha256(name.encode()).digest() for name in names
    ]


def test_a_folder_may_be_the_working_one_or_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "file")
    monkeypatch.chdir(tmp_path)
    for folder in ("", ".", str(tmp_path), f"{tmp_path}/"):
        (outcome,) = hash_chunk(Chunk(((folder, ("file",)),))).outcomes()
        assert isinstance(outcome, Hashed)
    assert Chunk((("/", ("a",)), ("", ("b",)))).sources() == ["/a", "b"]


@posix
def test_what_cannot_be_read_is_told_in_its_place(public_folder: Path) -> None:
    folder = make(public_folder, "0", "1", "shut", "2")
    (folder / "shut").chmod(0)
    (folder / "link").symlink_to("0")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "fifo")
    names = ("0", "nothing", "1", "shut", "link", "folder", "fifo", "2")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
        done = within(10, lambda: without_rights(outcomes, folder, *names, "socket"))
    told = {name: one for name, one in zip((*names, "socket"), done, strict=True) if isinstance(one, str)}
    assert set(told) == {"nothing", "shut", "link", "folder", "fifo", "socket"}
    assert (told["nothing"], told["shut"]) == ("no such file or directory", "permission denied")
    assert (told["folder"], told["fifo"]) == ("a folder", "not a regular file")
    assert not [reason for reason in told.values() if str(folder) in reason]
    read = [one for one in done if isinstance(one, Hashed)]
    assert [one.digest for one in read] == [hashlib.sha256(name).digest() for name in (b"0", b"1", b"2")]


@linux
def test_files_that_the_system_makes_up_are_no_crash() -> None:
    """Files in /proc say that they are empty, and are not; some cannot be read at all."""
    for name, reason in {"status": "it changes while it is read", "mem": "input/output error"}.items():
        (outcome,) = outcomes(Path("/proc/self"), name)
        assert outcome == reason if name == "status" else isinstance(outcome, str | None)
        with pytest.raises(UnreadableError, match=reason):
            hash_file(f"/proc/self/{name}")


@linux
def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    make(tmp_path, *map(str, range(200)))
    with (tmp_path / "large").open("wb") as stream:
        stream.truncate(LARGE_FILE)
    os.mkfifo(tmp_path / "fifo")
    before = len(list(Path("/proc/self/fd").iterdir()))
    outcomes(tmp_path, "large", "fifo", "nothing", *map(str, range(200)))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


class Changing:
    """Changes a small file whenever its status has been asked for, as often as it may."""

    def __init__(self, path: Path, how: str, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.how = how
        self.left = times
        self.fstat = os.fstat
        path.write_bytes(b"a" * 100)
        time.sleep(0.02)  # older kernels' file clocks tick every 4 to 10 ms
        monkeypatch.setattr(hashing.os, "fstat", self)

    def __call__(self, descriptor: int) -> os.stat_result:
        status = self.fstat(descriptor)
        if self.left == 0:
            return status
        self.left -= 1
        match self.how:
            case "appended":
                with self.path.open("ab") as stream:
                    stream.write(b"b")
            case "shortened":
                os.truncate(self.path, status.st_size - 1)
            case "emptied":
                os.truncate(self.path, 0)
            case "rewritten":
                with self.path.open("r+b") as stream:
                    stream.write(os.urandom(4))
            case "rewritten in secret":
                with self.path.open("r+b") as stream:
                    stream.write(os.urandom(4))
                os.utime(self.path, ns=(status.st_atime_ns, status.st_mtime_ns))
        return status


WAYS = ["appended", "shortened", "emptied", "rewritten", "rewritten in secret"]


@posix
@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("times", [1, 3])
def test_a_small_file_that_changes_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, times: int
) -> None:
    changing = Changing(tmp_path / "file", how, times, monkeypatch)
    (outcome,) = outcomes(tmp_path, "file")
    assert changing.left == 0
    monkeypatch.undo()
    assert isinstance(outcome, Hashed)
    content = (tmp_path / "file").read_bytes()
    assert (outcome.digest, outcome.size) == (hashlib.sha256(content).digest(), len(content))
    assert outcome.identity == identity_of(str(tmp_path / "file"), outcome.digest)


@posix
@pytest.mark.parametrize("how", [how for how in WAYS if how != "emptied"])
def test_a_small_file_that_keeps_changing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    Changing(tmp_path / "file", how, 1000, monkeypatch)
    (changed,) = outcomes(tmp_path, "file")
    assert changed == "it changes while it is read"
    monkeypatch.undo()


@posix
def test_a_small_file_that_grows_large_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(LARGE_FILE))
    assert outcomes(tmp_path, "file") == [None]
    os.truncate(tmp_path / "file", LARGE_FILE - 1)
    (outcome,) = outcomes(tmp_path, "file")
    assert isinstance(outcome, Hashed)
    assert outcome.size == LARGE_FILE - 1


# -- identity -------------------------------------------------------------------------------------------------------


@posix
def test_identity_tells_every_state_of_a_file_from_the_next(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123")
    states = [identity_of(str(path), bytes(32))]

    def note() -> None:
        states.append(identity_of(str(path), bytes(32)))
        time.sleep(0.02)

    time.sleep(0.02)
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_bytes(b"4567")  # the same size and time, other content: only ctime tells
    os.utime(path, ns=times)
    note()
    beside = tmp_path / "beside"
    beside.write_bytes(b"4567")
    os.utime(beside, ns=times)
    beside.replace(path)
    note()
    os.utime(path, ns=(0, -1))
    note()
    with path.open("ab") as stream:
        stream.write(b"8")
    os.utime(path, ns=(0, -1))
    note()
    assert None not in states
    assert len({len(one or b"") for one in states}) == 1
    assert all(one != after for one, after in pairwise(states))
    assert len(set(states)) == len(states)
    assert identity_of(str(path), bytes(32)) == states[-1]
    # It goes with the digest, so that a digest which a disk spoiled is not taken over.
    hashed = hash_file(str(path))
    for place in range(32):
        spoiled = bytearray(hashed.digest)
        spoiled[place] ^= 1
        assert identity_of(str(path), bytes(spoiled)) != hashed.identity
    assert identity_of(str(path), hashed.digest) == hashed.identity


@posix
@pytest.mark.parametrize("what", ["link", "folder", "fifo", "nothing"])
def test_what_is_no_regular_file_has_no_identity(tmp_path: Path, what: str) -> None:
    path = tmp_path / "file"
    make(tmp_path, "other")
    match what:
        case "link":
            path.symlink_to("other")
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
    assert identity_of(str(path), bytes(32)) is None


# -- travelling between processes -----------------------------------------------------------------------------------

MTIMES = [
    *(0, 1, -1, 999_999_999, 10**9, -(10**9), -(10**9) - 1, 1_234_567_890_123_456_789),
    *(2**63 - 1, 2**63, 2**64 + 5, -(2**63), -(2**63) - 1, -(2**65)),  # 1677, 2262 and beyond
    *(253_402_300_799_999_999_999, -62_135_596_800_000_000_000),  # the ends of year 9999 and of year 1
]


def test_a_hashed_chunk_travels_unchanged() -> None:
    sent: list[Hashed | str | int] = []
    identity_bytes = len(identity_of(__file__, bytes(32)) or b"")
    assert identity_bytes >= 8
    for number, mtime_ns in enumerate(MTIMES):
        others = (os.urandom(16), os.urandom(20)) if number % 3 == 0 else ()
        hashed = Hashed(os.urandom(32), number * 2**50, mtime_ns, os.urandom(identity_bytes), others)
        sent += [hashed, LARGE_FILE + number, f"reason {number}", hashed]
    made, told = HashedChunk(sent, b"leaves"), [None if isinstance(one, int) else one for one in sent]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        arrived = pickle.loads(pickle.dumps(made, protocol))  # noqa: S301 - our own
        assert list(arrived.outcomes()) == told
        assert list(arrived.outcomes()) == told, "it can be read once only"
        assert list(arrived.large.values()) == [one for one in sent if isinstance(one, int)]
        assert arrived.leaves == b"leaves"
    assert list(pickle.loads(pickle.dumps(HashedChunk())).outcomes()) == []  # noqa: S301 - our own
    assert len(pickle.dumps(made)) < 200 * len(sent)


@linux
@pytest.mark.parametrize("mtime_ns", [-1, -(10**18), 2**63, 2**63 + 10**9 + 1])
def test_times_before_1970_and_after_2262(tmp_path: Path, mtime_ns: int) -> None:
    path = tmp_path / "file"
    path.touch()
    try:
        seconds, nanoseconds = divmod(mtime_ns, 10**9)
        os.utime(path, ns=(0, seconds * 10**9 + nanoseconds))
    except OverflowError:
        pytest.skip("this Python cannot set such a time")
    there = path.stat().st_mtime_ns
    if there != mtime_ns:
        pytest.skip("this file system has no such time")
    (outcome,) = outcomes(tmp_path, "file")
    assert isinstance(outcome, Hashed)
    assert outcome.mtime_ns == hash_file(str(path)).mtime_ns == there
