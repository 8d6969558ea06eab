"""A stamp that was cut short goes on where it was: nothing is read twice, and the batch is as a fresh one would be."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from notary.core.header import NETWORKS
from notary.edges.hashing import LARGE_FILE
from notary.edges.ledger import DraftItem, StoredItem, open_ledger
from notary.errors import UnreadableError
from notary.gathering import Hashers, local_hashers
from notary.outside import Outside
from notary.stamping import Order, Stamped, stamp
from tests.conftest import Notary, small_file_system

LOCAL = ("--network", "local")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


class CutShortError(Exception):
    """As if the process had been stopped when all files were hashed and nothing was sealed."""


def outside(folder: Path, *, cut_short: bool = False) -> Outside:
    """The same key and the same time for every batch, so that the same files give the same head."""

    def clock() -> datetime:
        if cut_short:
            raise CutShortError
        return datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)

    return Outside(clock=clock, randomness=lambda count: b"k" * count, local_folder=folder / "local")


@pytest.fixture
def hashers() -> Iterator[Hashers]:
    with local_hashers(2) as made:
        yield made


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Small files and large ones in several folders, some alike."""
    folder = tmp_path / "files"
    for number in range(60):
        path = folder / f"{number % 3}" / f"{number:02}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % (number % 50) * (LARGE_FILE if number % 20 == 7 else 100))
    return folder


def order(*paths: Path, skip_unreadable: bool = False, exclude: tuple[str, ...] = ()) -> Order:
    closed = ("http://127.0.0.1:9",)
    return Order(paths, NETWORKS["regtest"], closed, 1, exclude=exclude, skip_unreadable=skip_unreadable)


def cut_short(ledger: Path, hashers: Hashers, *paths: Path) -> None:
    with pytest.raises(CutShortError), open_ledger(ledger) as opened:
        stamp(order(*paths), opened, outside(ledger.parent, cut_short=True), hashers=hashers)
    assert drafts(ledger)


def finish(ledger: Path, hashers: Hashers, *paths: Path) -> tuple[Stamped, list[StoredItem]]:
    with open_ledger(ledger) as opened:
        stamped = stamp(order(*paths), opened, outside(ledger.parent), hashers=hashers)
        assert not drafts(ledger)
        return stamped, list(opened.items(stamped.batch))


def drafts(ledger: Path) -> list[Path]:
    return list(ledger.parent.glob("*-draft-*"))


def is_as_fresh(tmp_path: Path, resumed: tuple[Stamped, list[StoredItem]], hashers: Hashers, *paths: Path) -> bool:
    fresh, items = finish(tmp_path / "fresh" / "ledger.db", hashers, *paths)
    shutil.rmtree(tmp_path / "fresh")
    assert fresh.taken_over == 0
    assert [sha256(one.file.read_bytes()).digest() for one in items] == [one.digest for one in items]
    batch = resumed[0].batch
    is_first = batch.previous is None  # else its manifest names the one before it
    return (batch.root, resumed[1]) == (fresh.batch.root, items) and (batch.head == fresh.batch.head) == is_first


# -- what is taken over, and what is not ----------------------------------------------------------------------------


def test_everything_is_taken_over_and_the_batch_is_the_same(tmp_path: Path, files: Path, hashers: Hashers) -> None:
    ledger = tmp_path / "ledger" / "ledger.db"
    read: list[int] = []
    for _ in range(3):
        cut_short(ledger, hashers, files)
    with open_ledger(ledger) as opened:
        stamped = stamp(order(files), opened, outside(tmp_path), hashers=hashers, progress=read.append)
        items = list(opened.items(stamped.batch))
    assert stamped.taken_over == len(items) == 60
    assert sum(read) == 0, "a file was read again"
    assert is_as_fresh(tmp_path, (stamped, items), hashers, files)


def rewrite(file: Path) -> None:
    """Other bytes, with the same size and modification time."""
    status = file.stat()
    with file.open("r+b") as stream:
        stream.write(b"X")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = file.stat()
    assert (after.st_size, after.st_mtime_ns) == (status.st_size, status.st_mtime_ns)


def replace(file: Path) -> None:
    """Another file under the name, with the same size and modification time."""
    status = file.stat()
    beside = file.with_name("beside")
    beside.write_bytes(bytes(status.st_size))
    os.utime(beside, ns=(status.st_atime_ns, status.st_mtime_ns))
    beside.replace(file)


def copy_over(file: Path) -> None:
    """As a backup that is restored: the same bytes, time and size, in another inode."""
    beside = file.with_name("beside")
    shutil.copy2(file, beside)
    beside.replace(file)


def grow(file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b"more")


def exchange(file: Path) -> None:
    other = file.with_name(f"{int(file.name) + 3:02}")
    beside = file.with_name("beside")
    file.rename(beside)
    other.rename(file)
    beside.rename(other)


CHANGES: dict[str, tuple[Callable[[Path], object], int]] = {
    "rewritten, with its time put back": (rewrite, 59),
    "replaced": (replace, 59),
    "restored": (copy_over, 59),
    "grown": (grow, 59),
    "shortened": (lambda file: os.truncate(file, 3), 59),
    "emptied": (lambda file: os.truncate(file, 0), 59),
    "grown large": (lambda file: os.truncate(file, LARGE_FILE + 1), 59),
    "touched": (lambda file: file.touch(), 59),
    "made older than 1970": (lambda file: os.utime(file, ns=(0, -1)), 59),
    "permissions changed": (lambda file: file.chmod(0o600), 59),
    "deleted": (lambda file: file.unlink(), 59),
    "made a folder": (lambda file: (file.unlink(), file.mkdir(), (file / "in it").write_bytes(b"x")), 59),
    "exchanged with another": (exchange, 58),
    "added before": (lambda file: file.with_name("0").write_bytes(b"new"), 60),
    "added behind": (lambda file: file.with_name(f"{file.name}+").write_bytes(b"new"), 60),
    "its folder renamed": (lambda file: file.parent.rename(file.parent.with_name("other")), 40),
    "a folder added": (lambda file: shutil.copytree(file.parent, file.parent.with_name("copy")), 60),
    "nothing": (lambda file: None, 60),
}


@linux
@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("name", ["0/30", "1/07"], ids=["small", "large"])
def test_what_changed_is_read_again(tmp_path: Path, files: Path, hashers: Hashers, how: str, name: str) -> None:
    ledger = tmp_path / "ledger" / "ledger.db"
    cut_short(ledger, hashers, files)
    time.sleep(0.02)  # older kernels' file clocks tick every 4 to 10 ms
    change, expected = CHANGES[how]
    change(files / name)
    resumed = finish(ledger, hashers, files)
    assert resumed[0].taken_over == expected
    assert is_as_fresh(tmp_path, resumed, hashers, files)


def test_a_flipped_bit_in_a_draft_does_not_become_a_digest(tmp_path: Path, files: Path, hashers: Hashers) -> None:
    """SQLite's pages have no check sums; what is taken over must be what was hashed."""
    ledger = tmp_path / "ledger" / "ledger.db"
    cut_short(ledger, hashers, files)
    (draft,) = (one for one in drafts(ledger) if not one.name.endswith(("-wal", "-shm")))
    connection = sqlite3.connect(draft)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = draft.read_bytes()
    digest = sha256((files / "0" / "30").read_bytes()).digest()
    assert content.count(digest) == 1
    draft.write_bytes(content.replace(digest, bytes([digest[0] ^ 1]) + digest[1:]))
    resumed = finish(ledger, hashers, files)
    assert resumed[0].taken_over == 59
    assert is_as_fresh(tmp_path, resumed, hashers, files)


def test_other_paths_are_another_draft(tmp_path: Path, files: Path, hashers: Hashers) -> None:
    ledger = tmp_path / "ledger" / "ledger.db"
    cut_short(ledger, hashers, files)
    with open_ledger(ledger) as opened:
        other = stamp(order(files / "0"), opened, outside(tmp_path), hashers=hashers)
    assert other.taken_over == 0
    assert drafts(ledger), "the draft of other paths is thrown away"
    assert finish(ledger, hashers, files)[0].taken_over == 60


def test_the_same_folder_by_a_relative_path(
    tmp_path: Path, files: Path, hashers: Hashers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the same relative path in another folder is another one."""
    ledger = tmp_path / "ledger" / "ledger.db"
    monkeypatch.chdir(files.parent)
    cut_short(ledger, hashers, Path("files"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    shutil.copytree(files, "files")
    Path("files/more").touch()
    with open_ledger(ledger) as opened:
        assert stamp(order(Path("files")), opened, outside(tmp_path), hashers=hashers).taken_over == 0
    monkeypatch.chdir(files)
    resumed = finish(ledger, hashers, files)
    assert resumed[0].taken_over == 60
    assert is_as_fresh(tmp_path, resumed, hashers, files)


@linux
def test_a_stamp_that_is_refused_keeps_what_it_hashed(tmp_path: Path, files: Path, hashers: Hashers) -> None:
    ledger = tmp_path / "ledger" / "ledger.db"
    unreadable = Path("/proc/self/mem")  # for root too
    for _ in range(2):
        with pytest.raises(UnreadableError, match="nothing was stamped") as caught, open_ledger(ledger) as opened:
            stamp(order(files, unreadable), opened, outside(tmp_path), hashers=hashers)
        assert "what was hashed is kept for the next run" in caught.value.hints[-1]
        assert drafts(ledger)
    with open_ledger(ledger) as opened:
        skipping = order(files, unreadable, skip_unreadable=True)
        stamped = stamp(skipping, opened, outside(tmp_path), hashers=hashers)
    assert (stamped.taken_over, stamped.batch.size) == (60, 60)
    assert [one.path for one in stamped.skipped] == [str(unreadable)]
    assert not drafts(ledger)


# -- the program, killed --------------------------------------------------------------------------------------------

FILES = 3000
HUGE = 1_500_000_000


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many") / "files"
    for number in range(FILES):
        path = folder / f"{number % 30:02}" / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d\n" % number * (20 if number % 100 else LARGE_FILE))
    # The last one takes its time, so that every other is done when a moment to cut has come.
    (folder / "zz").mkdir()
    with (folder / "zz" / "huge.bin").open("wb") as huge:
        huge.truncate(HUGE)
    return folder


def sha256_of_zeros(size: int) -> bytes:
    hasher, block = sha256(), bytes(1 << 20)
    for at in range(0, size, len(block)):
        hasher.update(block[: size - at])
    return hasher.digest()


def workers_of(pid: int) -> list[int]:
    """The children of a process, and theirs."""
    found: list[int] = []
    with suppress(OSError, ValueError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        found = [child for name in children for child in (int(name), *workers_of(int(name)))]
    return found


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def cut(process: "subprocess.Popen[str]", moment: Callable[[], bool], how: int) -> str | None:
    """What the process said, if it was still running when the moment came; its workers are gone then too."""
    while process.poll() is None and not moment():
        time.sleep(0.01)
    workers = workers_of(process.pid)
    with suppress(ProcessLookupError):
        # As a terminal does, Ctrl-C tells all of them; a kill only the one that it names.
        process.send_signal(how) if how == signal.SIGKILL else os.killpg(process.pid, how)
    out, err = process.communicate(timeout=60)
    for _ in range(500):
        if not any(map(running, workers)):
            break
        time.sleep(0.02)
    assert not [pid for pid in workers if running(pid)], "workers outlive the program"
    return None if process.returncode == 0 else out + err


def drafted(ledger: Path, before: frozenset[Path] = frozenset()) -> int:
    """How many bytes drafts have, with their logs; not those that were there before."""
    total = 0
    for one in set(drafts(ledger)) - before:
        with suppress(OSError):
            total += one.stat().st_size
    return total


@linux
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_stamp_that_is_cut_short_again_and_again(
    notary: Notary, many: Path, tmp_path: Path, how: signal.Signals
) -> None:
    ledger = tmp_path / "ledger" / "ledger.db"
    for _ in range(3):
        before = frozenset(drafts(ledger))
        process = notary.start("stamp", many, *LOCAL, "--json", "--jobs", "2")
        said = cut(process, lambda before=before: drafted(ledger, before) > 150_000, how)
        assert process.returncode == (-how if how == signal.SIGKILL else 130), said
        assert said is not None
        assert "Traceback" not in said or "app.py" not in said, said
        if how == signal.SIGINT:
            assert "interrupted" in said
            assert "Process" not in said, said
            assert "ignored" not in said, said
    before = len(notary("status", "--json").json["batches"])
    assert before == 0, "what was cut short is a batch"
    ended = notary("stamp", many, *LOCAL, "--json")
    assert ended.code == 0, ended.err
    assert 0 < ended.json["taken_over"] <= FILES + 1
    assert ended.json["items"] == FILES + 1
    assert not drafts(ledger)
    assert len(notary("status", "--json").json["batches"]) == 1
    with sqlite3.connect(ledger) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    with open_ledger(ledger) as opened:
        (batch,) = opened.batches()
        items = list(opened.items(batch))
    assert [one.index for one in items] == list(range(FILES + 1))
    assert {one.file for one in items} == {path for path in many.rglob("*") if path.is_file()}
    assert all(one.digest == sha256(one.file.read_bytes()).digest() for one in items[:-1])
    assert items[-1].digest == sha256_of_zeros(HUGE)
    assert notary("upgrade").code == 0
    assert notary("export", batch.name, "-o", "x.zip", "--only", "100.bin").code == 0
    assert notary("verify", "x.zip", *LOCAL, "--offline").code == 0


@linux
def test_a_full_disk_while_hashing_is_told_and_the_next_run_goes_on(
    notary: Notary, many: Path, small_disk: Path
) -> None:
    ledger = small_disk / "ledger.db"
    notary.environment["NOTARY_LEDGER"] = str(ledger)
    full = notary("stamp", many, *LOCAL, "--json")
    assert full.code == 4
    assert "full" in full.err
    assert "make room on the disk" in full.err
    again = notary("stamp", many, *LOCAL)
    assert again.code == 4
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    assert notary("status", "--json").json["batches"] == []
    ended = notary("stamp", many, *LOCAL, "--json")
    assert ended.code == 0, ended.err
    assert 0 < ended.json["taken_over"] <= FILES + 1
    assert ended.json["items"] == FILES + 1
    assert not drafts(ledger)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for a part of the draft, where this machine lets us mount one."""
    with small_file_system(tmp_path / "disk", "512k") as folder:
        yield folder


@linux
@pytest.mark.parametrize("limit", [12, 16, 18, 20, 22, 24, 28])
def test_too_few_descriptors_end_in_words(notary: Notary, tmp_path: Path, limit: int) -> None:
    """At some of these a worker cannot be started: nobody may wait for it then."""
    (tmp_path / "some").mkdir()
    for number in range(2100):
        (tmp_path / "some" / str(number)).touch()
    arguments = ["notary", "stamp", "some", *LOCAL]
    program = f"import sys; from notary.cli import main; sys.argv = {arguments!r}; main()"
    command = ["bash", "-c", f'ulimit -n {limit}; exec "$0" -c "$1"', sys.executable, program]
    ended = subprocess.run(command, env=notary.environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.returncode in (0, 3, 4), ended.stderr
    assert "Traceback" not in ended.stderr
    assert "a fault in notary" not in ended.stderr


def test_a_draft_whose_batch_is_sealed_is_not_gone_on_with(notary: Notary, tmp_path: Path) -> None:
    """Its owner was ended between sealing and removing it."""
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "a.txt").write_text("a")
    ledger = Path(notary.environment["NOTARY_LEDGER"])
    with open_ledger(ledger) as opened, pytest.raises(ZeroDivisionError), opened.draft([b"/x"]) as draft:  # noqa: PT012
        draft.add([DraftItem(b"few", b"/x/few", b"a.txt", bytes(32), 1, 0, bytes(8))])
        opened.log("2026-01-01T00:00:00Z", None, "sealed", {"draft": draft.name})
        raise ZeroDivisionError
    assert drafts(ledger)
    assert notary("status", "--json").json["unsealed"] == []
    with open_ledger(ledger) as opened, opened.draft([b"/x"]) as draft:
        assert not draft.had_earlier
    assert not drafts(ledger)


def test_block_roots_that_were_damaged_are_made_again(notary: Notary, tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "a.txt").write_text("a")
    batch = notary("stamp", tmp_path / "few", *LOCAL, "--json").json["batch"]
    with sqlite3.connect(notary.environment["NOTARY_LEDGER"]) as connection:
        connection.execute("UPDATE trees SET block_roots = zeroblob(32)")
    assert notary("export", batch, "-o", "x.zip").code == 0
    with sqlite3.connect(notary.environment["NOTARY_LEDGER"]) as connection:
        connection.execute("UPDATE items SET digest = zeroblob(32)")
        connection.execute("DELETE FROM trees")
    assert notary("export", batch, "-o", "y.zip").code == 4
    with sqlite3.connect(notary.environment["NOTARY_LEDGER"]) as connection:
        assert connection.execute("SELECT count(*) FROM trees").fetchone() == (0,)
