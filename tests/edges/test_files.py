"""edges.files: reading regular files only, and results that appear whole or not at all."""

import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from notary.edges import files
from notary.edges.files import hash_with, written_whole
from notary.errors import InputError, SystemFailureError, UnreadableError
from tests.edges.bounded import within

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


# -- reading --------------------------------------------------------------------------------------------------------


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


def test_read_whole_stops_one_byte_after_its_limit(tmp_path: Path) -> None:
    (tmp_path / "0123456789").write_bytes(b"0123456789")
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
