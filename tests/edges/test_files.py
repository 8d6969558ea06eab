"""edges.files: what is taken as evidence, what its digest is, and results that appear whole or not at all."""

import hashlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from notary import limits
from notary.edges import files
from notary.edges.files import Found, Skipped, Unreadable, UnreadableError, hash_file, hash_with, walk, written_whole
from notary.errors import InputError, SystemFailureError
from notary.limits import READ_BYTES
from tests.edges.bounded import within, without_rights

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


def recorded(*paths: Path, exclude: tuple[str, ...] = ()) -> list[bytes]:
    return [one.recorded for one in walk(paths, exclude) if isinstance(one, Found)]


def skipped(*paths: Path, exclude: tuple[str, ...] = ()) -> dict[str, str]:
    return {Path(one.path).name: one.reason for one in walk(paths, exclude) if isinstance(one, Skipped)}


def make(folder: Path, *names: str | bytes) -> Path:
    for name in names:
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(name))
    return folder


# -- walking --------------------------------------------------------------------------------------------------------


@linux
def test_order_is_that_of_the_names_bytes(tmp_path: Path) -> None:
    # U+E000 sorts after the surrogate that Python puts for byte ff, and before ff itself.
    names = [b"B", b"a", b"a.b", b"a/1", b"a/b/2", b"a0", "\ue000".encode(), "\U00010000".encode(), b"\xff"]
    for seed in range(5):
        folder = tmp_path / str(seed) / "x"
        shuffled = [name for name in names if name != b"a"]
        Random(seed).shuffle(shuffled)  # noqa: S311 - an order, not a secret
        make(folder, *shuffled)
        assert recorded(folder) == [
            *(b"x/" + name for name in (b"B", b"a.b", b"a0", "\ue000".encode(), "\U00010000".encode(), b"\xff")),
            b"x/a/1",
            b"x/a/b/2",
        ]


def test_paths_come_in_the_order_in_which_they_were_given(tmp_path: Path) -> None:
    make(tmp_path, "b/1", "a/1", "c")
    assert recorded(tmp_path / "b", tmp_path / "c", tmp_path / "a") == [b"b/1", b"c", b"a/1"]


@linux
def test_names_that_are_not_utf8_survive(tmp_path: Path) -> None:
    names = [b"\xff\xfe", b"caf\xe9/men\xfc", "日本".encode(), b"a\nb", b"\\"]
    make(tmp_path / "x", *names)
    found = [one for one in walk([tmp_path / "x"]) if isinstance(one, Found)]
    assert {one.recorded for one in found} == {b"x/" + name for name in names}
    for one in found:
        assert hash_file(one.source).digest == hashlib.sha256(one.recorded.removeprefix(b"x/")).digest()


@posix
def test_only_regular_files_are_taken(tmp_path: Path) -> None:
    folder = make(tmp_path / "x", "file", "folder/inner")
    (folder / "link").symlink_to("file")
    (folder / "link to a folder").symlink_to("folder")
    (folder / "dangling").symlink_to("nothing")
    (folder / "loop").symlink_to("loop")
    (folder / "out").symlink_to("/etc")
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
        assert recorded(folder) == [b"x/file", b"x/folder/inner"]
        assert skipped(folder) == {
            **dict.fromkeys(("link", "link to a folder", "dangling", "loop", "out"), "a link"),
            "fifo": "a FIFO",
            "socket": "a socket",
        }
        # The same where they are named themselves.
        named = [*(folder / name for name in ("link", "link to a folder", "fifo", "socket")), Path("/dev/null")]
        assert not recorded(*named)
        assert skipped(*named)["null"] == "a device"
        assert len(skipped(*named)) == len(named)


@pytest.mark.parametrize("name", ["", ".", "inner/..", "../x", "inner/.", "./inner/../"])
def test_a_folder_has_its_own_name_however_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = make(tmp_path / "x", "inner/file")
    monkeypatch.chdir(folder)
    expected = b"inner/file" if name == "inner/." else b"x/inner/file"
    assert recorded(Path(name)) == [expected]
    assert recorded(Path(f"{folder}/")) == [b"x/inner/file"]


@posix
def test_the_root_folder_has_a_name_too() -> None:
    (first,) = islice((one.recorded for one in walk([Path("/")], ("proc", "sys", "dev")) if isinstance(one, Found)), 1)
    assert first.startswith(b"root/")


@linux
def test_a_working_folder_that_is_gone_is_an_input_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(InputError):
        list(walk([Path()]))


@pytest.mark.parametrize("name", ["nothing", "file/below", "nul\0byte", "n" * 5000])
def test_a_path_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    make(tmp_path, "file")
    with pytest.raises(InputError) as caught:
        list(walk([tmp_path / name]))
    assert caught.value.message.startswith(f"{tmp_path / name}: ")


@posix
def test_a_folder_that_cannot_be_listed_is_reported(public_folder: Path) -> None:
    make(public_folder, "a/1", "shut/2", "z/3")
    (public_folder / "shut").chmod(0)
    found = without_rights(_walked, public_folder)
    (unreadable,) = (one for one in found if isinstance(one, Unreadable))
    assert unreadable == Unreadable(str(public_folder / "shut"), "permission denied")
    assert [Path(one.source).name for one in found if isinstance(one, Found)] == ["1", "3"]


def _walked(folder: Path) -> list[Found | Skipped | Unreadable]:
    return list(walk([folder]))


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that others may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_folders_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FOLDER_DEPTH", 10)
    make(tmp_path, "x/" + "d/" * 9 + "file", "y/" + "d/" * 11 + "file")
    assert recorded(tmp_path / "x")
    with pytest.raises(InputError, match="deeper than 10"):
        recorded(tmp_path / "y")


def test_own_files_are_left_out_by_identity(tmp_path: Path) -> None:
    make(tmp_path / "x", "ledger.db", "ledger.db-wal", "evidence")
    (tmp_path / "x" / "hard link").hardlink_to(tmp_path / "x" / "ledger.db")
    own = [tmp_path / "x" / ".." / "x" / name for name in ("ledger.db", "ledger.db-wal", "ledger.db-journal")]
    found = list(walk([tmp_path / "x", tmp_path / "x" / "ledger.db"], own=own))
    assert [one.recorded for one in found if isinstance(one, Found)] == [b"x/evidence"]
    assert sum(isinstance(one, Skipped) for one in found) == 4


# -- excluding ------------------------------------------------------------------------------------------------------

TREE = ("a.tmp", "a.txt", "keep.txt", "#x", "x ", "sub/a.txt", "sub/keep.txt", "sub/deep/a.pdf", "other/sub/b", "A.TMP")

PATTERNS = [
    ("*.tmp",),
    ("/a.txt",),
    ("sub/",),
    ("sub",),
    ("/sub",),
    ("**/deep",),
    ("sub/**",),
    ("sub/*", "!sub/keep.txt"),
    ("sub/**", "!sub/keep.txt"),
    ("sub/", "!sub/keep.txt"),
    ("*.txt", "!keep.txt"),
    ("!keep.txt", "*.txt"),
    ("*", "!*/", "!*.pdf"),
    ("#x",),
    ("\\#x",),
    ("x ",),
    ("x\\ ",),
    ("[ab].t?t",),
    ("*",),
    ("",),
    ("a.txt/",),
    ("other/*/b",),
    ("**",),
    ("deep/a.pdf",),
    ("deep/", "!sub/"),
    ("*/*", "!sub/"),
    ("sub/**", "!sub/deep/a.pdf"),
    ("*", "!/sub", "!/sub/**"),
]

WORDS = (
    *("*", "*/", "/*", "/*/", "**", "**/", "**/*", "*/*", "*.txt", "*.pdf", "a.*", "keep.txt", "**/a.txt"),
    *("sub", "sub/", "/sub", "sub/*", "sub/**", "**/sub/**", "sub/keep.txt", "**/deep", "deep/", "sub/deep"),
    *("sub/deep/**", "sub/**/a.pdf", "other", "other/**", "other/*/", "other/sub/"),
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("git") is None:
        pytest.skip("needs git to compare with")
    folder = make(tmp_path_factory.mktemp("tree") / "x", *TREE)
    subprocess.run(["git", "init", "-q", folder], check=True)
    return folder


def kept_by_git(tree: Path, patterns: Iterable[str]) -> set[str]:
    (tree / "../patterns").write_text("\n".join(patterns) + "\n")
    listed = subprocess.run(
        ["git", "ls-files", "--others", "-z", "--exclude-from=../patterns"],
        cwd=tree,
        check=True,
        capture_output=True,
        text=True,
    )
    return set(listed.stdout.split("\0")) - {""}


def kept(tree: Path, patterns: tuple[str, ...]) -> set[str]:
    found = {os.fsdecode(path).removeprefix("x/") for path in recorded(tree, exclude=patterns)}
    return {name for name in found if not name.startswith(".git/")}


@pytest.mark.parametrize("patterns", PATTERNS, ids=" ".join)
def test_exclude_means_what_gitignore_means(tree: Path, patterns: tuple[str, ...]) -> None:
    assert kept(tree, patterns) == kept_by_git(tree, patterns)


def test_any_patterns_mean_what_gitignore_means(tree: Path) -> None:
    random = Random(1)  # noqa: S311 - patterns, not secrets
    for _ in range(200):
        patterns = tuple(random.choice(["", "", "!"]) + random.choice(WORDS) for _ in range(random.randint(2, 4)))
        assert kept(tree, patterns) == kept_by_git(tree, patterns), patterns


def test_what_is_excluded_is_listed_once(tmp_path: Path) -> None:
    make(tmp_path / "x", "sub/1", "sub/2", "keep")
    assert skipped(tmp_path / "x", exclude=("sub/",)) == {"sub": "excluded"}


def test_a_file_that_is_named_itself_is_not_excluded(tmp_path: Path) -> None:
    make(tmp_path, "a.tmp")
    assert recorded(tmp_path / "a.tmp", exclude=("*.tmp",)) == [b"a.tmp"]


@linux
def test_patterns_match_names_that_are_not_utf8(tmp_path: Path) -> None:
    make(tmp_path / "x", b"\xff.tmp", b"\xff.txt")
    assert recorded(tmp_path / "x", exclude=("*.tmp",)) == [b"x/\xff.txt"]


def test_a_bad_pattern_is_an_input_error(tmp_path: Path) -> None:
    make(tmp_path / "x", "file")
    with pytest.raises(InputError, match="bad --exclude pattern"):
        recorded(tmp_path / "x", exclude=("!",))


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


@posix
@pytest.mark.parametrize("what", ["fifo", "folder", "nothing"])
def test_hash_with_reads_regular_files_only(tmp_path: Path, what: str) -> None:
    path = tmp_path / "file"
    if what == "fifo":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    with pytest.raises(UnreadableError):
        within(5, lambda: hash_with(path, "sha256"))


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("ripemd160", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
        ("keccak256", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ],
)
def test_hash_with_knows_the_hashes_of_proofs(tmp_path: Path, name: str, digest: str) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert hash_with(tmp_path / "abc", name).hex() == digest


@linux
def test_a_file_whose_disk_fails_is_unreadable() -> None:
    # Address 0 of a process is not mapped: reading it is an input/output error, for root too.
    with pytest.raises(UnreadableError, match="input/output error"):
        hash_file("/proc/self/mem")


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
    done = threading.Event()

    def write() -> None:
        with path.open("ab", buffering=0) as log:
            while not done.is_set():
                log.write(b"line\n")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        with pytest.raises(UnreadableError, match="changes while it is read"):
            hash_file(str(path))
    finally:
        done.set()
        thread.join()


def test_read_whole_stops_one_byte_after_its_limit(tmp_path: Path) -> None:
    make(tmp_path, "0123456789")
    assert files.read_whole(tmp_path / "0123456789", 4) == b"01234"
    with pytest.raises(InputError, match="nothing: "):
        files.read_whole(tmp_path / "nothing", 4)
    with pytest.raises(InputError):
        files.read_whole(tmp_path, 4)


# -- writing --------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["nameless", "beside"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of writing: a file without a name, and where the system has no such thing, one beside."""
    if request.param == "beside":
        monkeypatch.setattr(files, "_nameless", lambda folder: None)
    elif sys.platform != "linux":
        pytest.skip("needs Linux")
    return str(request.param)


@pytest.mark.parametrize("old", [None, b"old"])
def test_a_target_appears_whole(tmp_path: Path, way: str, old: bytes | None) -> None:
    target = tmp_path / "out"
    if old is not None:
        target.write_bytes(old)
    with written_whole(target) as stream:
        for _ in range(100):
            stream.write(b"new" * 1000)
        stream.flush()
        assert (target.read_bytes() if target.exists() else None) == old
        stream.seek(0)
        assert stream.read(3) == b"new" if way == "nameless" else True
        assert len(list(tmp_path.iterdir())) == (old is not None) + (way == "beside")
        stream.seek(0, os.SEEK_END)
    assert target.read_bytes() == b"new" * 100_000
    assert list(tmp_path.iterdir()) == [target]


@posix
def test_a_target_gets_the_usual_permissions(tmp_path: Path, way: str) -> None:
    before = os.umask(0o027)
    try:
        with written_whole(tmp_path / "out") as stream:
            stream.write(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o640


@pytest.mark.parametrize("old", [None, b"old"])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_target_does_not_appear(
    tmp_path: Path, way: str, old: bytes | None, error: type[BaseException]
) -> None:
    target = tmp_path / "out"
    if old is not None:
        target.write_bytes(old)
    with pytest.raises(error), written_whole(target) as stream:  # noqa: PT012 - the block is what is tested
        stream.write(b"new" * 1000)
        stream.flush()
        raise error
    assert (target.read_bytes() if target.exists() else None) == old
    assert len(list(tmp_path.iterdir())) == (old is not None)


def test_a_target_that_cannot_be_is_a_system_failure(tmp_path: Path, way: str) -> None:
    (tmp_path / "folder").mkdir()
    for target in (tmp_path / "folder", tmp_path / "nothing" / "out", tmp_path / ("n" * 300)):
        with pytest.raises(SystemFailureError, match="cannot be written"), written_whole(target) as stream:
            stream.write(b"x")
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path: Path, way: str) -> None:
    target = tmp_path / ("n" * 251 + ".ots")
    with written_whole(target) as stream:
        stream.write(b"x")
    assert target.read_bytes() == b"x"


@linux
def test_a_full_disk_is_a_system_failure(small_disk: Path, way: str) -> None:
    target = small_disk / "out"
    target.write_bytes(b"old")
    with pytest.raises(SystemFailureError, match="no space left"), written_whole(target) as stream:  # noqa: PT012
        for _ in range(32):
            stream.write(bytes(65536))
    assert target.read_bytes() == b"old"
    assert list(small_disk.iterdir()) == [target]


def test_two_targets_in_one_folder_at_once(tmp_path: Path, way: str) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for _ in ("new", "replaced"):
        with written_whole(one) as first, written_whole(two) as second:
            first.write(b"1")
            second.write(b"2")
        assert (one.read_bytes(), two.read_bytes()) == (b"1", b"2")
    assert sorted(tmp_path.iterdir()) == [one, two]


def test_what_a_killed_process_left_is_not_taken_for_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"old")
    with monkeypatch.context() as patch:
        patch.setattr(files, "_nameless", lambda folder: None)
        with written_whole(target) as stream:
            stream.write(b"x")
            (beside,) = set(tmp_path.iterdir()) - {target}
    for way in ("nameless", "beside"):
        if way == "beside":
            monkeypatch.setattr(files, "_nameless", lambda folder: None)
        beside.write_bytes(b"left by a process that had our number")
        try:
            with written_whole(target) as stream:
                stream.write(b"new")
        except SystemFailureError:
            assert target.read_bytes() in (b"x", b"new")
        else:
            assert target.read_bytes() == b"new"


# -- writing, and being killed --------------------------------------------------------------------------------------

WRITER = """
import sys, time
from pathlib import Path
from notary.edges import files
target, way, pause = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
if way == "beside":
    files._nameless = lambda folder: None
with files.written_whole(target) as stream:
    print("begun", flush=True)
    for _ in range(32):
        stream.write(b"n" * 65536)
        stream.flush()
        time.sleep(pause)
"""
WHOLE = b"n" * 32 * 65536


@posix
def test_a_file_size_limit_is_a_system_failure(tmp_path: Path, way: str) -> None:
    # As on a full disk, for those who may not mount a small one.
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n{WRITER}"
    ended = subprocess.run(
        [sys.executable, "-c", limited, tmp_path / "out", way, "0"], capture_output=True, text=True, check=False
    )
    assert "SystemFailureError" in ended.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


@posix
def test_kill_9_at_random_times_leaves_no_half_file(tmp_path: Path, way: str) -> None:
    def one_round(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        target = folder / "out"
        is_new = number % 2 == 0
        if not is_new:
            target.write_bytes(b"old")
        with subprocess.Popen([sys.executable, "-c", WRITER, target, way, "0.02"], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"begun\n"
            time.sleep(Random(number).uniform(0, 0.3))  # noqa: S311 - a time, not a secret
            writer.kill()
        assert writer.returncode == -signal.SIGKILL
        assert (target.read_bytes() if target.exists() else None) == (None if is_new else b"old")
        if way == "nameless":
            assert len(list(folder.iterdir())) == (not is_new)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(one_round, range(20)))


# Python reports what it opens, links, renames and removes to an audit hook: each report is a moment to die at.
DYING = """
import os, signal, sys
left = int(sys.argv[4])
def hook(event, arguments):
    global left
    if event in ("open", "os.link", "os.rename", "os.remove"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
{}
""".replace("{}", WRITER.replace("with files", "sys.addaudithook(hook)\nwith files"))


@posix
@pytest.mark.parametrize("old", [None, b"old"])
def test_kill_9_between_any_two_steps_leaves_no_half_file(tmp_path: Path, way: str, old: bytes | None) -> None:
    for step in range(1, 30):
        folder = tmp_path / str(step)
        folder.mkdir()
        target = folder / "out"
        if old is not None:
            target.write_bytes(old)
        ended = subprocess.run(
            [sys.executable, "-c", DYING, target, way, "0", str(step)], check=False, stdout=subprocess.DEVNULL
        )
        assert (target.read_bytes() if target.exists() else None) in (old, WHOLE)
        beside = [path for path in folder.iterdir() if path != target]
        if way == "nameless" and old is None:
            assert not beside
        elif way == "nameless":
            # Linux cannot link over a name that is taken, so for a moment there are two; the other is whole.
            assert all(path.read_bytes() == WHOLE for path in beside)
        if ended.returncode == 0:
            assert step > 3
            return
    pytest.fail("the writer never ended by itself")
