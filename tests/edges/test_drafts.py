"""Drafts: what was hashed outlives its run, belongs to one run at a time, and never stands in the way."""

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from notary.edges.ledger import DraftItem, Known, Ledger, drafts, open_ledger
from notary.edges.ledger.drafts import draft_files
from notary.errors import SystemFailureError
from tests.edges.bounded import within
from tests.edges.test_ledger import add, item, items, new_batch, stored

KEY = (b"/evidence",)
posix = pytest.mark.skipif(os.name != "posix", reason="needs signals")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "ledger.db"


def known(one: DraftItem) -> Known:
    return Known(one.size, one.mtime_ns, one.digest, one.known_by)


def taken_over(path: Path, key: tuple[bytes, ...] = KEY, folders: int = 60) -> dict[bytes, Known]:
    """What the next run finds, by name; it fails too, so that it may be asked again."""
    found: dict[bytes, Known] = {}
    with pytest.raises(ZeroDivisionError), open_ledger(path) as ledger, ledger.draft(key) as draft:  # noqa: PT012
        for number in range(folders):
            found |= draft.earlier(b"/x/%d" % number)
        raise ZeroDivisionError
    return found


def expected(size: int) -> dict[bytes, Known]:
    return {one.name: known(one) for one in items(size)}


RUN = """
import os, signal, sys
from pathlib import Path
from tests.edges.test_ledger import items, open_ledger
path, first, end, key, how = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4].encode(), sys.argv[5]
with open_ledger(path) as ledger, ledger.draft((key,)) as draft:
    some = list(items(end))[first:]
    for begin in range(0, len(some), 100):
        draft.add(some[begin : begin + 100])
    if how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    print("there", flush=True)
    sys.stdin.readline()
"""


def start(path: Path, first: int, end: int, how: str, key: str = "/evidence") -> "subprocess.Popen[str]":
    """Another process that drafts these items, and then dies, or waits for a line."""
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", RUN, str(path), str(first), str(end), key, how]
    return subprocess.Popen(command, env=environment, **pipes)


def die(path: Path, first: int, end: int) -> Path:
    """The draft that a killed run of these items leaves behind."""
    before = set(draft_files(path))
    with start(path, first, end, "die") as process:
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    (made,) = (one for one in set(draft_files(path)) - before if not one.name.endswith("-wal"))
    return made


def mains(path: Path) -> list[Path]:
    """The drafts themselves, without what SQLite puts beside them."""
    return [one for one in draft_files(path) if not one.name.endswith(("-wal", "-shm", "-journal"))]


# -- taken over -----------------------------------------------------------------------------------------------------


def test_after_an_error_all_that_was_added_is_taken_over(path: Path) -> None:
    with pytest.raises(ValueError, match="stop"), open_ledger(path) as ledger, ledger.draft(KEY) as draft:  # noqa: PT012
        draft.add(list(items(1000)))
        draft.add(list(items(1500))[1000:])
        raise ValueError("stop")
    assert len(mains(path)) == 1
    assert taken_over(path) == expected(1500)
    assert len(mains(path)) == 1, "each run leaves one more"
    assert taken_over(path) == expected(1500), "what was taken over once is lost the second time"


@posix
def test_after_a_kill_all_that_was_added_is_taken_over(path: Path) -> None:
    die(path, 0, 1500)
    assert taken_over(path) == expected(1500)


@posix
def test_what_several_runs_left_behind_adds_up(path: Path) -> None:
    for number in range(4):
        left = die(path, number * 100, number * 100 + 150)
        left.rename(left.with_name(f"{left.name}x"))  # as if another process had held it meanwhile
        left.with_name(f"{left.name}-wal").rename(left.with_name(f"{left.name}x-wal"))
    assert taken_over(path) == expected(450)
    assert len(mains(path)) == 1
    with open_ledger(path) as ledger:
        batch = add(ledger, new_batch("a"), items(450), key=KEY)
        assert list(ledger.items(batch)) == stored(items(450))
    assert not draft_files(path)


def test_a_file_that_was_hashed_again_is_known_as_it_was_last(path: Path) -> None:
    for digest in (b"1" * 32, b"2" * 32):
        with pytest.raises(ZeroDivisionError), open_ledger(path) as ledger, ledger.draft(KEY) as draft:  # noqa: PT012
            draft.add([item(1, digest=digest)])
            raise ZeroDivisionError
    assert taken_over(path)[b"1"].digest == b"2" * 32


def test_everything_that_is_known_of_a_file_comes_back(path: Path) -> None:
    odd = [
        item(1, name=b"\xff", source=b"/x/\xe9", mtime_ns=-1, known_by=b"i" * 8 + b"o" * 36),
        item(2, source=b"/x/\xe9", size=2**62, mtime_ns=2**63 + 1, declared={"exhibit": "A"}),
        item(3, name=b"\xff", source=b"/x/\xe9/deeper"),
    ]
    with pytest.raises(ZeroDivisionError), open_ledger(path) as ledger, ledger.draft(KEY) as draft:  # noqa: PT012
        draft.add(odd)
        draft.add_rows([(0, "[]")])
        raise ZeroDivisionError
    with open_ledger(path) as ledger, ledger.draft(KEY) as draft:
        assert draft.had_earlier
        assert draft.size == draft.total_bytes == 0, "items of the earlier run are not items of this one"
        assert draft.earlier(b"/x/\xe9") == {one.name: known(one) for one in odd[:2]}
        assert draft.earlier(b"/x/\xe9/deeper") == {odd[2].name: known(odd[2])}
        assert draft.earlier(b"/x") == draft.earlier(b"") == {}


def test_another_key_is_another_draft(path: Path) -> None:
    keys = [(b"/a",), (b"/a", b"/b"), (b"/a/b",), (b"/a,b",), (b"/b", b"/a"), (), (b"",), (b"", b""), (b"/a1:/b",)]
    for number, key in enumerate(keys):
        with pytest.raises(ZeroDivisionError), open_ledger(path) as ledger, ledger.draft(key) as draft:  # noqa: PT012
            assert not draft.had_earlier
            draft.add([item(number)])
            raise ZeroDivisionError
    assert len(mains(path)) == len(keys)
    for number, key in enumerate(keys):
        assert taken_over(path, key) == {item(number).name: known(item(number))}
    with open_ledger(path) as ledger, ledger.draft(None) as draft:
        assert not draft.had_earlier


def test_a_draft_that_ends_well_leaves_nothing(path: Path) -> None:
    with open_ledger(path) as ledger:
        for number in range(3):
            add(ledger, new_batch(str(number)), items(10), key=KEY)
            assert not draft_files(path)
    assert {one.name for one in path.parent.iterdir()} == {"ledger.db"}


def test_two_files_of_one_path_are_told(path: Path) -> None:
    with open_ledger(path) as ledger, ledger.draft(KEY) as draft:
        draft.add([item(1), item(2), item(3)])
        assert draft.twice() is None
        draft.add([item(2, source=b"/elsewhere"), item(1, recorded=b"y")])
        assert draft.twice() == ("/x/0/2", "/elsewhere/2")


@posix
def test_nobody_else_may_read_a_draft(path: Path) -> None:
    before = os.umask(0)
    try:
        with open_ledger(path) as ledger, ledger.draft(KEY) as draft:
            draft.add(list(items(2000)))
            files = draft_files(path)
            assert {one.name.rpartition("-")[2] for one in files} >= {"wal"}
            assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}
            assert set(files) <= set(ledger.own_files())
        assert stat.S_IMODE(die(path, 0, 500).stat().st_mode) == 0o600
        assert {stat.S_IMODE(one.stat().st_mode) for one in draft_files(path)} == {0o600}
    finally:
        os.umask(before)


@posix
@pytest.mark.parametrize(
    "name", ["a b", "a?b", "50%", "a%3Fb", "#a", "file:x", "ü", "a'b", 'a"b', "a;b", "a&mode=ro", os.fsdecode(b"\xff")]
)
@pytest.mark.parametrize("relative", [False, True])
def test_a_folder_with_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, relative: bool) -> None:
    monkeypatch.chdir(tmp_path)
    path = (Path() if relative else tmp_path) / name / "ledger.db"
    with pytest.raises(ZeroDivisionError), open_ledger(path) as ledger, ledger.draft(KEY) as draft:  # noqa: PT012
        draft.add(list(items(150)))
        raise ZeroDivisionError
    assert [one.name for one in tmp_path.iterdir()] == [name]
    assert taken_over(path) == expected(150)
    with open_ledger(path) as ledger:
        add(ledger, new_batch("a"), items(150), key=KEY)
    assert [one.name for one in tmp_path.iterdir()] == [name]
    assert [one.name for one in (tmp_path / name).iterdir()] == ["ledger.db"]


@posix
def test_a_ledger_whose_name_is_long(tmp_path: Path) -> None:
    """With the longest suffix of SQLite's it is as long as a name may be."""
    path = tmp_path / ("n" * (255 - len("-journal")))
    with open_ledger(path) as ledger:
        add(ledger, new_batch("a"), items(3), key=KEY)


# -- whose it is ----------------------------------------------------------------------------------------------------


@posix
def test_a_draft_of_a_run_that_goes_on_is_not_touched(path: Path) -> None:
    with start(path, 0, 1000, "wait") as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "there\n"
        before = {one: one.stat().st_ino for one in draft_files(path)}
        assert within(20, lambda: taken_over(path)) == {}
        with open_ledger(path) as ledger:
            within(20, lambda: add_here(path))
            assert [batch.title for batch in ledger.batches()] == ["here"]
        assert {one: one.stat().st_ino for one in before} == before
        other.kill()
    assert taken_over(path) == expected(1000)


def add_here(path: Path) -> None:
    with open_ledger(path) as ledger:
        add(ledger, new_batch("here"), items(3), key=KEY)


def test_two_drafts_of_one_process_do_not_meet(path: Path) -> None:
    def two() -> None:
        with ExitStack() as stack:
            opened = [stack.enter_context(open_ledger(path)) for _ in range(2)]
            one, other = (stack.enter_context(ledger.draft(KEY)) for ledger in opened)
            one.add(list(items(10)))
            assert not other.had_earlier
            other.add(list(items(5)))
            assert (one.size, other.size) == (10, 5)
            sizes = [seal(ledger, draft) for ledger, draft in zip(opened, (one, other), strict=True)]
            assert sizes == [10, 5]

    def seal(ledger: Ledger, draft: drafts.Draft) -> int:
        new = new_batch(str(draft.size), previous=ledger.last_of_line("local", None))
        return ledger.seal(draft, new, "2024-01-01T00:00:00Z").size

    within(20, two)
    assert not draft_files(path)


# -- damaged --------------------------------------------------------------------------------------------------------


def cut(file: Path, share: float) -> None:
    os.truncate(file, int(file.stat().st_size * share))


def noise(file: Path, first: int, count: int) -> None:
    random = Random(count)  # noqa: S311 - noise
    with file.open("r+b") as stream:
        size = stream.seek(0, os.SEEK_END)
        for _ in range(count):
            stream.seek(first + random.randrange(size - first))
            stream.write(random.randbytes(1))


def other_tables(file: Path) -> None:
    file.unlink()
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE items (a)")
    connection.close()


def folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def link(file: Path) -> None:
    file.unlink()
    file.symlink_to(sys.executable)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),  # killed, or the disk full, before the first table
    "one byte": lambda file: file.write_bytes(b"x"),
    "random": lambda file: file.write_bytes(os.urandom(20_000)),
    "text": lambda file: file.write_bytes(b"Dear Sir or Madam,\n" * 1000),
    "zeros": lambda file: file.write_bytes(bytes(20_000)),
    "half": lambda file: cut(file, 0.5),
    "nearly whole": lambda file: cut(file, 0.99),
    "header only": lambda file: os.truncate(file, 100),
    "first page only": lambda file: os.truncate(file, 4096),
    "noise everywhere": lambda file: noise(file, 0, 500),
    "noise behind the header": lambda file: noise(file, 4096, 500),
    "other tables": other_tables,
    "a folder": folder,
    "a link": link,
}


def checkpoint(left: Path) -> None:
    connection = sqlite3.connect(left)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


@posix
@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_draft_costs_only_time(path: Path, how: str) -> None:
    left = die(path, 0, 1500)
    checkpoint(left)
    DAMAGES[how](left)
    with open_ledger(path) as ledger, ledger.draft(KEY) as draft:
        draft.add(list(items(10)))
        batch = ledger.seal(draft, new_batch("a"), "2024-01-01T00:00:00Z")
    with open_ledger(path) as ledger:
        assert list(ledger.items(batch)) == stored(items(10))
        assert [one.title for one in ledger.batches()] == ["a"]


@posix
@pytest.mark.parametrize("how", ["lost", "empty", "half", "nearly whole", "noise", "random", "without its file"])
def test_a_damaged_log_of_a_draft_costs_only_time(path: Path, how: str) -> None:
    left = die(path, 0, 1500)
    log = left.with_name(f"{left.name}-wal")
    match how:
        case "lost":
            log.unlink()
        case "empty":
            log.write_bytes(b"")
        case "half":
            cut(log, 0.5)
        case "nearly whole":
            cut(log, 0.99)
        case "noise":
            noise(log, 32, 20)
        case "random":
            log.write_bytes(os.urandom(20_000))
        case "without its file":
            left.unlink()
    found = taken_over(path)
    # The log has check sums: what it still gives is right.
    assert found.items() <= expected(1500).items()
    assert len(found) < 1500
    add_here(path)
    assert not mains(path)


@posix
def test_a_draft_that_is_not_ours_to_read_is_no_obstacle(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root, to have another user")
    path = Path("/var/tmp") / f"notary-{os.getpid()}" / "ledger.db"  # noqa: S108 - a folder of its own
    try:
        left = die(path, 0, 100)  # by root, as `sudo notary stamp` would
        path.parent.chmod(0o777)
        path.chmod(0o666)
        os.chown(path, 65534, 65534)
        os.chown(path.parent, 65534, 65534)
        code = "import sys, pathlib, tests.edges.test_drafts as t; t.add_here(pathlib.Path(sys.argv[1]))"
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        for one in (path.with_name("ledger.db-wal"), path.with_name("ledger.db-shm")):
            one.unlink(missing_ok=True)
        ended = subprocess.run(
            [*as_nobody, sys.executable, "-c", code, path], check=False, env=environment, capture_output=True, text=True
        )
        if "Permission" in ended.stderr or "ModuleNotFound" in ended.stderr:
            pytest.skip("another user may not read this program")
        assert ended.returncode == 0, ended.stderr
        assert left in draft_files(path)
    finally:
        shutil.rmtree(path.parent, ignore_errors=True)


# -- interrupted ----------------------------------------------------------------------------------------------------


def test_ctrl_c_while_earlier_work_is_looked_up_stays_what_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that is not read to its end keeps a database from being detached."""
    with pytest.raises(ZeroDivisionError), open_ledger(path) as ledger, ledger.draft(KEY) as draft:  # noqa: PT012
        draft.add(list(items(100)))
        raise ZeroDivisionError

    def interrupt(_: object) -> Iterator[None]:
        raise KeyboardInterrupt

    monkeypatch.setattr(drafts, "as_bytes", interrupt)
    with pytest.raises(KeyboardInterrupt), open_ledger(path) as ledger, ledger.draft(KEY) as draft:
        draft.earlier(b"/x/0")
    monkeypatch.undo()
    assert taken_over(path) == expected(100)


@posix
def test_a_full_disk_loses_nothing_and_the_next_run_goes_on(small_disk: Path) -> None:
    path = small_disk / "ledger.db"
    with pytest.raises(SystemFailureError, match="full") as caught, open_ledger(path) as ledger:
        add(ledger, new_batch("a"), items(50_000), key=KEY)
    assert "make room on the disk; then run the same command again" in " ".join(caught.value.hints)
    with pytest.raises(SystemFailureError, match="full"), open_ledger(path) as ledger:  # still full
        add(ledger, new_batch("a"), items(50_000), key=KEY)
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    found = taken_over(path, folders=500)
    assert len(found) >= 1000
    assert found.items() <= expected(50_000).items()
    with open_ledger(path) as ledger:
        batch = add(ledger, new_batch("a"), items(50_000), key=KEY)
        assert list(ledger.items(batch)) == stored(items(50_000))
    assert not draft_files(path)
