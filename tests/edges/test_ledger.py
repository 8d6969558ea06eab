"""edges.ledger: one file that only its owner reads, whole after every death, shared by two processes."""

import json
import os
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections import UserDict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from random import Random

import pytest

from notary.core.header import Header
from notary.edges.ledger import (
    Batch,
    BatchStatus,
    Draft,
    DraftItem,
    Ledger,
    LineMovedError,
    NewBatch,
    StoredItem,
    StoredLoadFile,
    database,
    open_ledger,
)
from notary.edges.ledger.drafts import draft_files
from notary.errors import InputError, NotaryError, SystemFailureError
from tests.edges.bounded import within

AT = "2024-05-06T07:08:09Z"


def new_batch(name: str, **changes: object) -> NewBatch:
    head = sha256(name.encode()).digest()
    batch = NewBatch(
        head=head,
        root=sha256(head).digest(),
        block_roots=sha256(b"blocks" + head).digest(),
        network="local",
        manifest=b'{"name":"%b"}' % name.encode(),
        key=sha256(b"key" + head).digest(),
        declared_at=AT,
        title=name,
        matter=None,
        calendars=("https://b.example", "https://a.example"),
        min_calendars=2,
        writes_ots=True,
    )
    return replace(batch, **changes)


def item(number: int, **changes: object) -> DraftItem:
    """A file of ten bytes; a hundred in each folder, every tenth older than 1970."""
    mtime_ns = number * 10**9 + number if number % 10 else -number - 1
    recorded, name = b"x/%d" % (number // 100), b"%d" % number
    made = DraftItem(recorded, b"/" + recorded, name, sha256(b"%d" % number).digest(), 10, mtime_ns, bytes(16))
    return made._replace(**changes)


def items(size: int) -> Iterator[DraftItem]:
    return map(item, range(size))


def stored(some: Iterable[DraftItem]) -> list[StoredItem]:
    """What comes back of a batch with these."""
    return [
        StoredItem(index, one.digest, one.size, one.mtime_ns, one.recorded, one.name, one.source, one.declared or None)
        for index, one in enumerate(some)
    ]


def add_rows(draft: Draft, rows: Iterable[tuple[int, int | None, str]]) -> None:
    """Rows of a load file, with the indices of their items."""
    given = list(rows)
    draft.add_rows((number, cells) for number, _, cells in given)
    draft.tie_rows((index, number) for number, index, _ in given if index is not None)


def add(
    ledger: Ledger,
    new: NewBatch,
    some: Iterable[DraftItem],
    notes: Iterable[str] = (),
    *,
    key: Sequence[bytes] | None = (b"/x",),
    rows: Iterable[tuple[int, int | None, str]] = (),
) -> Batch:
    """A batch of these, drafted a thousand at a time as hashing would, and sealed."""
    rest = iter(some)
    with ledger.draft(key) as draft:
        while part := list(islice(rest, 1000)):
            draft.add(part)
        add_rows(draft, rows)
        while True:
            follows = replace(new, previous=ledger.last_of_line(new.network, new.signer))
            with suppress(LineMovedError):  # another process was faster
                return ledger.seal(draft, follows, AT, notes)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with open_ledger(path) as opened:
        yield opened


def raw(path: Path, query: str, *parameters: object) -> list[tuple[object, ...]]:
    """What another program would find."""
    connection = sqlite3.connect(path)
    try:
        with connection:
            return connection.execute(query, parameters).fetchall()
    finally:
        connection.close()


def check_whole(path: Path) -> set[str]:
    """The titles of all batches, each with all that belongs to it."""
    assert raw(path, "PRAGMA integrity_check") == [("ok",)]
    assert raw(path, "PRAGMA foreign_key_check") == []
    with open_ledger(path) as ledger:
        for batch in ledger.batches():
            found = list(ledger.items(batch))
            assert found == stored(items(batch.size))
            assert (batch.total_bytes, ledger.block_roots(batch)) == (
                batch.size * 10,
                new_batch(batch.title or "").block_roots,
            )
            assert len(ledger.key(batch)) == 32
            assert len(ledger.submissions(batch)) == 2
            assert [event.kind for event in ledger.events(batch)] == ["sealed"]
        return {batch.title or "" for batch in ledger.batches()}


# -- the file -------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_only_its_owner_reads_it(path: Path) -> None:
    before = os.umask(0)
    try:
        with open_ledger(path) as ledger:
            add(ledger, new_batch("a"), items(3))
            check_modes(ledger)
            with ledger.draft([b"/x"]) as draft:
                draft.add(list(items(3)))
                assert check_modes(ledger) == 5
                with (  # noqa: PT012
                    pytest.raises(ValueError, match="stop"),
                    open_ledger(path) as other,
                    other.draft([b"/y"]) as second,
                ):
                    second.add(list(items(3)))
                    assert check_modes(ledger) == 7
                    raise ValueError("stop")
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        path.chmod(0o644)  # what SQLite puts beside it gets the same
        with open_ledger(path) as ledger:
            add(ledger, new_batch("b"), items(3))
            check_modes(ledger)
    finally:
        os.umask(before)


def check_modes(ledger: Ledger) -> int:
    """How many files there are: nobody else may read any, nor is one beside that the ledger does not know."""
    there = {one for one in ledger.own_files() if one.exists()}
    assert there == set(ledger.path.parent.iterdir())
    names = {one.name for one in there if "-draft-" not in one.name}
    assert names == {"ledger.db", "ledger.db-wal", "ledger.db-shm"}
    assert {stat.S_IMODE(one.stat().st_mode) for one in there} == {0o600}
    return len(there)


def test_changes_are_synced_and_do_not_block_readers(ledger: Ledger) -> None:
    settings = [ledger._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert settings == ["wal", 2]


def test_it_is_there_when_it_is_opened_again(path: Path) -> None:
    with open_ledger(path) as ledger:
        batch = add(ledger, new_batch("a"), items(3))
    for _ in range(2):
        with open_ledger(path) as ledger:
            assert ledger.batches() == [batch]
            assert list(ledger.items(batch)) == stored(items(3))
    assert raw(path, "SELECT migration_set, name FROM _sqlite_migrations") == [
        ("notary", "first_tables"),
        ("notary", "items_in_columns"),
        ("notary", "signatures_and_tokens"),
    ]
    assert raw(path, "PRAGMA user_version") == [(3,)]


@pytest.mark.parametrize("left", ["nothing", "WAL", "no version"])
def test_a_first_opening_that_was_cut_short_is_made_good(path: Path, left: str) -> None:
    path.parent.mkdir()
    if left == "nothing":
        path.touch()
    elif left == "WAL":
        raw(path, "PRAGMA journal_mode = WAL")
    else:
        with open_ledger(path) as ledger:
            add(ledger, new_batch("a"), items(3))
        raw(path, "PRAGMA user_version = 0")
    with open_ledger(path) as ledger:
        assert len(ledger.batches()) == (left == "no version")
        add(ledger, new_batch("b"), items(3))
    assert raw(path, "PRAGMA user_version") == [(3,)]


@pytest.mark.parametrize("content", [b"xy", b"Dear Sir or Madam,\n" * 1000, os.urandom(8192)])
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(content)
    path.chmod(0o644)
    with pytest.raises(InputError, match="not a notary ledger"), open_ledger(path):
        pass
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "bookmarks.db"
    raw(path, "CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()
    with pytest.raises(InputError, match="not a notary ledger"), open_ledger(path):
        pass
    assert path.read_bytes() == before


def test_a_newer_ledger_is_left_alone(path: Path) -> None:
    with open_ledger(path):
        pass
    raw(path, "PRAGMA user_version = 4")
    with pytest.raises(InputError, match="newer release"), open_ledger(path):
        pass
    assert raw(path, "PRAGMA user_version") == [(4,)]


def test_a_damaged_ledger_is_no_crash(path: Path) -> None:
    with open_ledger(path) as ledger:
        add(ledger, new_batch("a"), items(500))
    content = bytearray(path.read_bytes())
    for at in range(200, len(content), 3):
        content[at] = 0xAA
    path.write_bytes(content)
    with pytest.raises(NotaryError):
        read_everything(path)


def read_everything(path: Path) -> None:
    with open_ledger(path) as ledger:
        for batch in ledger.batches():
            list(ledger.items(batch))


def test_a_place_where_no_ledger_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "ledger.db"):
        with pytest.raises(NotaryError, match=str(path)), open_ledger(path):
            pass


def test_a_ledger_that_stays_locked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    with open_ledger(path) as one, open_ledger(path) as other:
        one._connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.log(AT, None, "x", {})
        one._connection.execute("ROLLBACK")
        other.log(AT, None, "x", {})
        one._connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(SystemFailureError, match="locked"), open_ledger(path) as third:
            third.log(AT, None, "x", {})


def test_a_new_ledger_that_another_process_is_making(path: Path) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    ending = threading.Timer(0.2, other.execute, ["COMMIT"])
    ending.start()
    try:
        with open_ledger(path) as ledger:
            ledger.log(AT, None, "x", {})
    finally:
        ending.join()
        other.close()


def test_a_new_ledger_opened_by_many_at_once(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def one(path: Path) -> None:
        together.wait()
        with open_ledger(path) as ledger:
            ledger.log(AT, None, "x", {})

    with ThreadPoolExecutor(8) as pool:
        for number in range(10):
            path = tmp_path / f"{number}.db"
            list(pool.map(one, [path] * 8))
            assert raw(path, "SELECT count(*) FROM events") == [(8,)]


# -- batches --------------------------------------------------------------------------------------------------------


def test_a_batch_comes_back_as_it_went_in(ledger: Ledger) -> None:
    new = new_batch("a", matter="Müller v. 日本", title=None)
    some = [one._replace(recorded=b"x\xff", source=b"/caf\xe9", name=b"\xff") for one in items(3)]
    batch = add(ledger, new, some, ["a link was skipped"])
    assert (batch.head, batch.root, batch.size, batch.total_bytes) == (new.head, new.root, 3, 30)
    assert (batch.manifest, batch.network, batch.declared_at) == (new.manifest, "local", AT)
    assert (batch.title, batch.matter, batch.min_calendars, batch.writes_ots) == (None, "Müller v. 日本", 2, True)
    assert batch.status is BatchStatus.QUEUED
    assert batch.name == new.head.hex()[:12]
    assert ledger.key(batch) == new.key
    assert ledger.block_roots(batch) == new.block_roots
    assert list(ledger.items(batch)) == stored(some)
    first = next(ledger.items(batch))
    assert (first.path, os.fsencode(first.file)) == (b"x\xff/\xff", b"/caf\xe9/\xff")
    assert first.record == b'{"mtime":"1969-12-31T23:59:59.999999999Z","path_hex":"78ff2fff","size":10}'
    assert ledger.load_file(batch) is None
    assert list(ledger.load_rows(batch)) == []
    assert [(one.calendar, one.accepted, one.answer) for one in ledger.submissions(batch)] == [
        ("https://b.example", False, ""),
        ("https://a.example", False, ""),
    ]
    assert [(one.at, one.kind) for one in ledger.events(batch)] == [(AT, "sealed"), (AT, "skipped")]
    assert ledger.timestamp(batch) is None


def test_batches_are_listed_newest_first_and_share_matters(ledger: Ledger) -> None:
    for name in "abc":
        add(ledger, new_batch(name, matter="one matter"), items(3))
    assert [one.title for one in ledger.batches()] == ["c", "b", "a"]
    assert raw(ledger.path, "SELECT name FROM matters") == [("one matter",)]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("where", ["items", "declared", "notes", "rows", "after"])
@pytest.mark.parametrize("key", [None, (b"/x",)])
def test_a_batch_whose_making_fails_is_not_there(
    ledger: Ledger, error: type[BaseException], where: str, key: Sequence[bytes] | None
) -> None:
    def failing() -> Iterator[str]:
        yield "one was skipped"
        raise error

    def failing_rows() -> Iterator[tuple[int, int | None, str]]:
        yield (0, 0, "[]")
        raise error

    class Failing(UserDict[str, str]):
        def __iter__(self) -> Iterator[str]:
            raise error

    add(ledger, new_batch("a"), items(3))
    load_file = StoredLoadFile("x.dat", "concordance", "utf-8", False, "\n", ())
    new = new_batch("b", matter="m", load_file=load_file, previous=ledger.last_of_line("local", None))
    with pytest.raises(error), ledger.draft(key) as draft:  # noqa: PT012 - what fails is in it
        draft.add(list(items(1000)))
        if where == "items":
            raise error
        if where == "declared":
            draft.add([item(1000), item(1001, declared=Failing(exhibit="1"))])
        add_rows(draft, failing_rows() if where == "rows" else [(0, 5, "[]"), (1, None, "[]")])
        ledger.seal(draft, new, AT, failing() if where == "notes" else ())
        raise error
    there = ["b", "a"] if where == "after" else ["a"]
    assert [one.title for one in ledger.batches()] == there
    expected = {"items": 3, "folders": 1, "batch_keys": 1, "submissions": 2, "events": 1, "matters": 0, "trees": 1}
    expected |= {"load_files": 0, "load_rows": 0}
    if where == "after":
        more = {"items": 1000, "folders": 10, "submissions": 2, "load_rows": 2}
        expected = {table: count + more.get(table, 1) for table, count in expected.items()}
    for table, count in expected.items():
        assert raw(ledger.path, f"SELECT count(*) FROM {table}") == [(count,)], table  # noqa: S608 - our own names
    assert indices(ledger.path) == INDICES
    # What was hashed is there for the next run, unless it was in memory only, or is a batch by now.
    assert len(draft_files(ledger.path)) == (0 if key is None else 1)
    with ledger.draft(key) as draft:
        assert len(draft.earlier(b"/x/3")) == (0 if key is None or where == "after" else 100)
    add(ledger, new_batch("c"), items(3))
    assert not draft_files(ledger.path)


INDICES = {
    *("items_by_folder", "items_by_digest", "folders_by_batch", "batches_by_line"),
    *("declarations_by_exhibit", "declarations_by_bates"),
}


def indices(path: Path) -> set[object]:
    ours = (
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name <> '_sqlite_migrations'"
    )
    return {name for (name,) in raw(path, ours)}


def test_batches_lie_one_after_the_other(ledger: Ledger) -> None:
    """Large ones make the indices anew, small ones add to them; either way all are found."""
    made = []
    for number, size in enumerate((3, 500, 1, 100, 2500)):
        made.append(add(ledger, new_batch(str(number)), (item(one) for one in range(number, number + size))))
        assert indices(ledger.path) == INDICES
        assert raw(ledger.path, "PRAGMA integrity_check") == [("ok",)]
    assert [one.first_item for one in made] == [1, 4, 504, 505, 605]
    for number, batch in enumerate(made):
        expected = stored(item(one) for one in range(number, number + batch.size))
        assert list(ledger.items(batch)) == expected
        assert list(ledger.items(batch, 0, 10)) == expected[:10]
        assert list(ledger.items(batch, 2)) == expected[2:]
        assert list(ledger.items(batch, batch.size - 1, 10)) == expected[-1:]
        assert list(ledger.items(batch, batch.size, 10)) == []
        assert list(ledger.items(batch, 0, 0)) == []
        for one in (expected[0], expected[-1]):
            assert ledger.items_at(batch, one.path) == [one.index]
        assert ledger.items_at(batch, b"x/999/1") == ledger.items_at(batch, b"") == ledger.items_at(batch, b"/") == []
        assert ledger.items_at(batch, b"%s/" % expected[0].recorded_folder) == []
    everywhere = ledger.find_digest(item(4).digest)
    assert [(batch.title, one.index) for batch, one in everywhere] == [("1", 3), ("3", 1), ("4", 0)]
    assert [one for _, one in everywhere] == [next(ledger.items(batch, one.index, 1)) for batch, one in everywhere]
    assert ledger.find_digest(bytes(32)) == ledger.find_digest(b"") == []
    # The first eight bytes are what the index knows; the others count.
    assert ledger.find_digest(item(4).digest[:8] + bytes(24)) == []


def test_what_was_declared_comes_back(ledger: Ledger) -> None:
    declared = [
        {"exhibit": "A-1", "custodian": "Ö", "bates": "X 001", "description": "", "source": "s"},
        {"bates": "X 002"},
        None,
        {},
    ]
    some = [item(number, declared=one) for number, one in enumerate(declared)]
    add(ledger, new_batch("before"), items(2))
    batch = add(ledger, new_batch("a"), some)
    found = list(ledger.items(batch))
    assert [one.declared for one in found] == [*declared[:2], None, None]
    assert found[1].record == b'{"bates":"X 002","mtime":"1970-01-01T00:00:01.000000001Z","path":"x/0/1","size":10}'


def test_a_load_file_comes_back(ledger: Ledger) -> None:
    file = StoredLoadFile("caf\udce9.dat", "concordance", "utf-16-le", True, "\r\n", ("Bates", "Größe"))
    rows = [(0, 1, '["a", "ü"]'), (1, None, '["b", ""]'), (2, 0, '["c", "\\ud800"]')]
    add(ledger, new_batch("before"), items(5))
    batch = add(ledger, new_batch("a", load_file=file), items(3), rows=rows)
    assert ledger.load_file(batch) == file
    assert list(ledger.load_rows(batch)) == [(("a", "ü"), 1), (("b", ""), None), (("c", "\ud800"), 0)]
    assert raw(ledger.path, "PRAGMA foreign_key_check") == []


def test_block_roots_are_kept_and_can_be_replaced(ledger: Ledger) -> None:
    batch = add(ledger, new_batch("a"), items(3))
    assert ledger.block_roots(batch)
    ledger.keep_block_roots(batch, b"other")
    assert ledger.block_roots(batch) == b"other"
    raw(ledger.path, "DELETE FROM trees")
    assert ledger.block_roots(batch) is None
    ledger.keep_block_roots(batch, b"again")
    assert ledger.block_roots(batch) == b"again"


def test_the_same_head_twice_changes_nothing(path: Path) -> None:
    with open_ledger(path) as ledger:
        add(ledger, new_batch("a"), items(3))
    with pytest.raises(NotaryError), open_ledger(path) as ledger:
        add(ledger, new_batch("a"), items(3))
    assert check_whole(path) == {"a"}


def test_find(ledger: Ledger) -> None:
    heads = [bytes.fromhex(start + "0" * (64 - len(start))) for start in ("abcd1", "abcd2", "ef012345")]
    for head in heads:
        add(ledger, new_batch(head.hex(), head=head), items(3))
    for name in ("abcd1", "ABCD1", heads[0].hex(), heads[0].hex().upper(), heads[0].hex()[:12]):
        assert ledger.find(name).head == heads[0]
    assert ledger.find("ef01").head == heads[2]
    with pytest.raises(InputError, match="several"):
        ledger.find("abcd")
    for name in ("abcd3", "0000", heads[0].hex() + "0"):
        with pytest.raises(InputError, match="there is no batch"):
            ledger.find(name)
    for name in ("", "abc", "%%%%", "abc_", "abcd%", "abcg", "abcd ", "\uff41bcd1", "--help"):
        with pytest.raises(InputError, match="is not a batch"):
            ledger.find(name)


# -- what people ask of it --------------------------------------------------------------------------------------------

VIEWS = {
    "files_of_matters",
    "where_is_digest",
    "batches_of_matters",
    "pending_batches",
    "rows_of_load_files",
    "numbered_files",
    "one_file_several_numbers",
    "one_number_several_files",
    "conflicts",
}


@pytest.fixture
def asked(ledger: Ledger) -> Path:
    """Two batches of one matter, one of another, one of none; numbers that disagree within each, and across."""
    file = StoredLoadFile("prod 1.dat", "concordance", "utf-8", False, "\n", ("Bates", "Note"))
    files = [
        item(1, recorded=b"", declared={"exhibit": "A-1", "bates": "X 001", "custodian": "Ada", "source": "laptop"}),
        item(2, mtime_ns=-1, declared={"exhibit": "A-2", "bates": "X 002", "description": "a letter"}),
        item(3),
    ]
    rows = [(0, 0, '["X 001", "ü"]'), (1, None, '["X 009", ""]')]
    add(ledger, new_batch("one", matter="Ärger v. Z", load_file=file), files, rows=rows)
    # The same matter: file 1 under another exhibit number, and exhibit A-2 on another file.
    again = [item(1, declared={"exhibit": "A-7", "bates": "X 001"}), item(4, declared={"exhibit": "A-2"})]
    two = add(ledger, new_batch("two", matter="Ärger v. Z"), again)
    # Another matter may use the numbers again.
    add(ledger, new_batch("three", matter="B v. C"), [item(9, declared={"exhibit": "A-1", "bates": "X 001"})])
    alone = [item(5, declared={"bates": "Y 1"}), item(6, declared={"bates": "Y 1"}), item(5, name=b"copy")]
    add(ledger, new_batch("four"), alone)
    add(ledger, new_batch("five"), [item(5, declared={"bates": "Y 2"})])
    with ledger.proof_change(two) as change:
        change.store(b"timestamp", BatchStatus.ATTESTED, AT, {})
    return ledger.path


def hexed(number: int) -> str:
    return sha256(b"%d" % number).hexdigest()


def short(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:12]


def test_all_views_are_tested_and_tables_are_named_for_what_is_in_them(asked: Path) -> None:
    names = {kind: {name for (name,) in raw(asked, SELECT_NAMES, kind)} for kind in ("view", "table")}
    assert names["view"] == VIEWS
    assert names["table"] == {
        *("matters", "batches", "batch_keys", "folders", "items", "declarations", "load_files", "load_rows", "trees"),
        *("submissions", "proofs", "fetches", "headers", "events", "_sqlite_migrations"),
    }


SELECT_NAMES = "SELECT name FROM sqlite_master WHERE type = ?"


def test_which_files_has_a_matter(asked: Path) -> None:
    query = (
        "SELECT batch, item, path, sha256, bytes, modified, exhibit, bates, custodian, description, source,"
        " declared_at, status FROM files_of_matters WHERE matter IS ?"
    )
    one, two = short("one"), short("two")
    day, before = "1970-01-01T00:00:0", "1969-12-31T23:59:59Z"
    assert raw(asked, query, "Ärger v. Z") == [
        (one, 0, "1", hexed(1), 10, f"{day}1Z", "A-1", "X 001", "Ada", None, "laptop", AT, "queued"),
        (one, 1, "x/0/2", hexed(2), 10, before, "A-2", "X 002", None, "a letter", None, AT, "queued"),
        (one, 2, "x/0/3", hexed(3), 10, f"{day}3Z", *[None] * 5, AT, "queued"),
        (two, 0, "x/0/1", hexed(1), 10, f"{day}1Z", "A-7", "X 001", None, None, None, AT, "attested"),
        (two, 1, "x/0/4", hexed(4), 10, f"{day}4Z", "A-2", *[None] * 4, AT, "attested"),
    ]
    assert [(row[0], row[2]) for row in raw(asked, query, None)] == [
        *((short("four"), path) for path in ("x/0/5", "x/0/6", "x/0/copy")),
        (short("five"), "x/0/5"),
    ]


def test_where_is_this_file(asked: Path) -> None:
    query = "SELECT matter, batch, item, path, bytes, exhibit, bates FROM where_is_digest WHERE sha256 = ?"
    assert raw(asked, query, hexed(1)) == [
        ("Ärger v. Z", short("one"), 0, "1", 10, "A-1", "X 001"),
        ("Ärger v. Z", short("two"), 0, "x/0/1", 10, "A-7", "X 001"),
    ]
    assert raw(asked, query, hexed(1000)) == []


def test_which_batches_are_there_and_which_wait(asked: Path) -> None:
    query = "SELECT matter, batch, title, files, bytes, network, declared_at, status, head FROM "
    heads = {name: sha256(name.encode()).hexdigest() for name in ("one", "two", "three", "four", "five")}
    listed = [
        (matter, short(name), name, files, files * 10, "local", AT, status, heads[name])
        for matter, name, files, status in (
            ("Ärger v. Z", "one", 3, "queued"),
            ("Ärger v. Z", "two", 2, "attested"),
            ("B v. C", "three", 1, "queued"),
            (None, "four", 3, "queued"),
            (None, "five", 1, "queued"),
        )
    ]
    assert raw(asked, f"{query} batches_of_matters") == listed
    assert raw(asked, f"{query} pending_batches") == [listed[0], *listed[2:]]


def test_which_rows_had_the_load_file(asked: Path) -> None:
    assert raw(asked, "SELECT batch, load_file, row, item, columns, cells FROM rows_of_load_files") == [
        (short("one"), "prod 1.dat", 0, 0, '["Bates", "Note"]', '["X 001", "ü"]'),
        (short("one"), "prod 1.dat", 1, None, '["Bates", "Note"]', '["X 009", ""]'),
    ]


def test_which_numbers_disagree(asked: Path) -> None:
    def sets(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
        return [(*row[:-1], set(json.loads(str(row[-1])))) for row in rows]

    several = sets(raw(asked, "SELECT matter, kind, sha256, numbers FROM one_file_several_numbers"))
    assert several == [("Ärger v. Z", "exhibit", hexed(1), {"A-1", "A-7"})]
    shared = sets(raw(asked, "SELECT matter, kind, number, sha256s FROM one_number_several_files ORDER BY number"))
    assert shared == [
        ("Ärger v. Z", "exhibit", "A-2", {hexed(2), hexed(4)}),
        (None, "bates", "Y 1", {hexed(5), hexed(6)}),
    ]
    with open_ledger(asked) as ledger:
        found = {batch.title: list(ledger.conflicts(batch)) for batch in ledger.batches()}
    assert found["three"] == found["five"] == []
    assert found["one"] == found["two"]
    told = [(one.kind, set(one.numbers), set(one.digests), set(one.paths)) for one in [*found["one"], *found["four"]]]
    content = [sha256(b"%d" % number).digest() for number in range(7)]
    assert [digest.hex() for digest in content[:2]] == [hexed(0), hexed(1)]
    assert told == [
        ("exhibit", {"A-1", "A-7"}, {content[1]}, {"1", "x/0/1"}),
        ("exhibit", {"A-2"}, {content[2], content[4]}, {"x/0/2", "x/0/4"}),
        ("bates", {"Y 1"}, {content[5], content[6]}, {"x/0/5", "x/0/6", "x/0/copy"}),
    ]
    assert raw(asked, "SELECT matter, kind FROM conflicts ORDER BY matter IS NULL") == [
        *[("Ärger v. Z", "exhibit")] * 2,
        (None, "bates"),
    ]


def test_each_number_has_its_file(asked: Path) -> None:
    query = "SELECT matter, kind, number, batch FROM numbered_files ORDER BY item_id, kind"
    assert raw(asked, query) == [
        ("Ärger v. Z", "bates", "X 001", short("one")),
        ("Ärger v. Z", "exhibit", "A-1", short("one")),
        ("Ärger v. Z", "bates", "X 002", short("one")),
        ("Ärger v. Z", "exhibit", "A-2", short("one")),
        ("Ärger v. Z", "bates", "X 001", short("two")),
        ("Ärger v. Z", "exhibit", "A-7", short("two")),
        ("Ärger v. Z", "exhibit", "A-2", short("two")),
        ("B v. C", "bates", "X 001", short("three")),
        ("B v. C", "exhibit", "A-1", short("three")),
        (None, "bates", "Y 1", short("four")),
        (None, "bates", "Y 1", short("four")),
        (None, "bates", "Y 2", short("five")),
    ]


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_a_view_shows_text_and_no_key(asked: Path, view: str) -> None:
    rows = raw(asked, f"SELECT * FROM {view}")  # noqa: S608 - our own names
    assert rows
    assert not [value for row in rows for value in row if isinstance(value, bytes)], "bytes, where people look for hex"
    shown = repr(rows).lower()
    for (key,) in raw(asked, "SELECT key FROM batch_keys"):
        assert isinstance(key, bytes)
        assert key.hex() not in shown
        assert repr(key)[2:-1].lower() not in shown
    assert not re.search(r"\bbatch_keys\b", str(raw(asked, "SELECT sql FROM sqlite_master WHERE name = ?", view)))


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_names_that_are_no_text_break_no_view(ledger: Ledger, view: str) -> None:
    """Python's own sqlite3, and with it Datasette, refuses a whole answer for one text that is not UTF-8."""
    file = StoredLoadFile("caf\udce9.dat", "concordance", "utf-8", False, "\n", ())
    declared = [{"exhibit": "1"}, {"exhibit": "2", "bates": "3"}, {"bates": "3"}]
    some = [
        item(number, digest=bytes([number // 2]) * 32, recorded=b"caf\xe9", name=b"\xff%d" % number, declared=one)
        for number, one in enumerate(declared)
    ]
    add(ledger, new_batch("a", load_file=file), some, rows=[(0, 0, "[]")])
    assert raw(ledger.path, f"SELECT * FROM {view}")  # noqa: S608 - our own names


def test_what_belongs_together_is_declared(asked: Path) -> None:
    """So that a tool that knows nothing of ledgers links a row to the one that it speaks of."""
    tables = [name for (name,) in raw(asked, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    links = {
        (table, column, other)
        for table in tables
        for _, _, other, column, *_ in raw(asked, f"PRAGMA foreign_key_list({table})")
    }
    assert links == {
        ("batches", "matter_id", "matters"),
        ("folders", "batch_id", "batches"),
        ("items", "folder_id", "folders"),
        ("declarations", "item_id", "items"),
        ("load_files", "batch_id", "batches"),
        ("load_rows", "batch_id", "load_files"),
        ("load_rows", "item_id", "items"),
        *((table, "batch_id", "batches") for table in ("batch_keys", "trees", "submissions", "proofs", "events")),
    }
    assert raw(asked, "PRAGMA foreign_key_check") == []
    with pytest.raises(SystemFailureError, match="FOREIGN KEY"), open_ledger(asked) as ledger:
        ledger._connection.execute("DELETE FROM folders")


@pytest.mark.parametrize(
    "command",
    [
        ["sqlite3", "-readonly", "-json", "PATH", "QUERY"],
        ["sqlite-utils", "query", "PATH", "QUERY"],
        ["sqlite-utils", "rows", "PATH", "where_is_digest"],
    ],
    ids=" ".join,
)
def test_any_sqlite_tool_reads_it(ledger: Ledger, asked: Path, command: list[str]) -> None:
    """While the ledger is in use, and afterwards."""
    program = shutil.which(command[0]) or shutil.which(command[0], path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip(f"needs {command[0]}")
    query = "SELECT * FROM where_is_digest"
    words = [program, *({"PATH": str(asked), "QUERY": query}.get(word, word) for word in command[1:])]
    for _ in ("in use", "afterwards"):
        ended = subprocess.run(words, check=True, capture_output=True, text=True)
        found = [(one["sha256"], one["path"]) for one in json.loads(ended.stdout)]
        assert found[:2] == [(hexed(1), "1"), (hexed(2), "x/0/2")]
        ledger._connection.close()
    assert check_rows(asked) == 10


def check_rows(path: Path) -> int:
    assert raw(path, "PRAGMA integrity_check") == [("ok",)]
    return len(raw(path, "SELECT 1 FROM items"))


# -- anchoring ------------------------------------------------------------------------------------------------------


def test_a_proof_grows_and_is_kept(ledger: Ledger) -> None:
    batch = add(ledger, new_batch("a"), items(3))
    ledger.record_refusal(batch, "https://a.example", "no", AT)
    assert ledger.submissions(batch)[1].answer == "no"
    with ledger.proof_change(batch) as change:
        assert change.timestamp is None
        assert change.accept(["https://a.example", "https://other.example"]) == 1
        change.store(b"one", BatchStatus.PENDING, AT, {})
        assert change.timestamp == b"one"
    assert [(one.accepted, one.answer) for one in ledger.submissions(batch)] == [(False, ""), (True, "")]
    with pytest.raises(ValueError, match="stop"), ledger.proof_change(batch) as change:  # noqa: PT012
        assert change.accept(["https://b.example"]) == 2
        change.store(b"two", BatchStatus.ATTESTED, AT, {})
        raise ValueError("stop")
    assert ledger.timestamp(batch) == b"one"
    assert ledger.find(batch.name).status is BatchStatus.PENDING
    assert [one.kind for one in ledger.events(batch)] == ["sealed", "not submitted", "pending"]


def test_a_batch_never_goes_back_from_attested(path: Path) -> None:
    with open_ledger(path) as ledger:
        batch = add(ledger, new_batch("a"), items(3))
        for status in (BatchStatus.PENDING, BatchStatus.ATTESTED, BatchStatus.PENDING, BatchStatus.QUEUED):
            with ledger.proof_change(batch) as change:
                change.store(b"timestamp", status, AT, {})
        assert ledger.find(batch.name).status is BatchStatus.ATTESTED


def test_a_proof_change_cannot_be_overtaken(path: Path) -> None:
    with open_ledger(path) as ledger:
        batch = add(ledger, new_batch("a"), items(3))

    def append(number: int) -> None:
        with open_ledger(path) as ledger, ledger.proof_change(batch) as change:
            before = change.timestamp or b""
            time.sleep(0.01)
            change.store(before + bytes([number]), BatchStatus.PENDING, AT, {})

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(append, range(10)))
    with open_ledger(path) as ledger:
        assert sorted(ledger.timestamp(batch) or b"") == list(range(10))


def test_a_calendar_is_asked_once_a_minute(ledger: Ledger) -> None:
    def may(now: float, calendar: str = "https://a.example", commitment: bytes = b"c") -> bool:
        return ledger.may_fetch(calendar, commitment, now, 60)

    assert may(1000)
    assert not may(1000)
    assert not may(1059.9)
    assert may(1000, commitment=b"d")
    assert may(1000, calendar="https://b.example")
    assert may(1060)
    assert not may(1119)
    # A clock that was set back must not silence the calendar until it has caught up.
    assert may(500)
    assert not may(559)
    assert may(560)


def test_of_two_that_ask_at_once_one_may(path: Path) -> None:
    with open_ledger(path):
        pass

    def may(_: int) -> bool:
        with open_ledger(path) as ledger:
            return ledger.may_fetch("https://a.example", b"c", 1000, 60)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(may, range(8))) == 1


# -- headers --------------------------------------------------------------------------------------------------------


def run(previous: bytes, name: bytes, count: int) -> list[Header]:
    """Headers in a row, after the one with the hash `previous`."""
    made: list[Header] = []
    for at in range(count):
        root = (b"%b%d" % (name, at)).ljust(32, b"\0")
        made.append(Header(bytes(4) + (made[-1].hash if made else previous) + root + bytes(12)))
    return made


def test_headers_come_back_from_a_height(ledger: Ledger) -> None:
    chain = run(bytes(32), b"a", 12)
    ledger.add_headers("local", 100, chain)
    ledger.add_headers("local", 104, chain[4:])  # again
    ledger.add_headers("regtest", 100, run(bytes(32), b"b", 3))
    assert ledger.headers_from("local", 100, chain[0].merkle_root) == tuple(chain)
    assert ledger.headers_from("local", 107, chain[7].merkle_root) == tuple(chain[7:])
    assert ledger.headers_from("local", 101, chain[0].merkle_root) == ()
    assert ledger.headers_from("local", 99, chain[0].merkle_root) == ()
    assert ledger.headers_from("bitcoin", 100, chain[0].merkle_root) == ()


def test_headers_end_at_a_gap(ledger: Ledger) -> None:
    chain = run(bytes(32), b"a", 6)
    ledger.add_headers("local", 100, chain[:3])
    ledger.add_headers("local", 104, chain[4:])
    assert ledger.headers_from("local", 100, chain[0].merkle_root) == tuple(chain[:3])


@pytest.mark.parametrize("fork", [0, 1, 3])
@pytest.mark.parametrize("names", [b"ab", b"ba"])
@pytest.mark.parametrize("first", ["old", "new"])
def test_headers_after_a_reorganisation(ledger: Ledger, fork: int, names: bytes, first: str) -> None:
    """Blocks from `fork` on were replaced by more others: the longer run is the one to hand out."""
    common = run(bytes(32), b"common", fork)
    previous = common[-1].hash if common else bytes(32)
    # Neither the order in which SQLite keeps them may matter, nor that in which they came.
    old, new = run(previous, names[:1], 3), run(previous, names[1:], 5)
    for branch in (old, new) if first == "old" else (new, old):
        ledger.add_headers("local", 100, common + branch)
    expected = tuple(common + new)
    assert ledger.headers_from("local", 100, expected[0].merkle_root) == expected
    if not fork:
        assert ledger.headers_from("local", 100, old[0].merkle_root) == tuple(old)


# -- events ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET kind = 'x'",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT id, at, batch_id, 'x', detail FROM events",
        "UPDATE OR REPLACE events SET id = 1 WHERE id = 2",
    ],
)
def test_events_are_only_appended(ledger: Ledger, change: str) -> None:
    batch = add(ledger, new_batch("a"), items(3))
    ledger.log(AT, batch, "more", {"é": 1})
    before = ledger.events(batch)
    with suppress(sqlite3.IntegrityError):
        raw(ledger.path, change)
    assert ledger.events(batch) == before
    assert [one.kind for one in before] == ["sealed", "more"]


# -- two at a time, and death ---------------------------------------------------------------------------------------


def add_twenty(path: Path, name: str) -> None:
    for number in range(20):
        with open_ledger(path) as ledger:
            add(ledger, new_batch(f"{name}{number}"), items(200))


def test_two_processes_stamp_at_once(path: Path) -> None:
    with get_context("spawn").Pool(2) as pool:
        within(50, lambda: pool.starmap(add_twenty, [(path, "a"), (path, "b")]))
    assert check_whole(path) == {f"{name}{number}" for name in "ab" for number in range(20)}


def add_in_another_process(path: Path, name: str) -> None:
    with get_context("spawn").Pool(1) as pool:
        pool.apply(add_to, (path, name))


def test_a_ledger_opened_twice_in_one_process_loses_nothing(path: Path) -> None:
    # Whoever closes any descriptor of SQLite's file drops the locks that this process has on it. Another process then
    # takes itself for the last one, and removes the log from under us (https://sqlite.org/howtocorrupt.html, 2.2).
    with open_ledger(path) as ledger:
        add(ledger, new_batch("a"), items(3))
        with open_ledger(path):
            pass
        add_in_another_process(path, "b")
        add(ledger, new_batch("c"), items(3))
        add_in_another_process(path, "d")
        add(ledger, new_batch("e"), items(3))
    assert check_whole(path) == set("abcde")


STAMPER = """
import sys, time
from pathlib import Path
from tests.edges.test_ledger import add, items, new_batch, open_ledger
with open_ledger(Path(sys.argv[1])) as ledger:
    print("begun", flush=True)
    add(ledger, new_batch("large"), items(50_000), key=[b"/large"] if len(sys.argv) == 2 else None)
    print("done", flush=True)
"""


def start(path: Path) -> "subprocess.Popen[bytes]":
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    return subprocess.Popen([sys.executable, "-c", STAMPER, path], stdout=subprocess.PIPE, env=environment)


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_kill_9_in_the_middle_of_a_batch(tmp_path: Path) -> None:
    def one_round(number: int) -> bool:
        path = tmp_path / f"{number}.db"
        with open_ledger(path) as ledger:
            add(ledger, new_batch("small"), items(3))
        with start(path) as stamper:
            assert stamper.stdout is not None
            assert stamper.stdout.readline() == b"begun\n"
            time.sleep(Random(number).uniform(0, 0.6))  # noqa: S311 - a time, not a secret
            stamper.send_signal(signal.SIGKILL)
            is_done = b"done" in stamper.stdout.read()
        found = check_whole(path)
        assert found in ({"small"}, {"small", "large"})
        assert "large" in found or not is_done
        add_to(path, "after")
        return is_done

    with ThreadPoolExecutor(3) as pool:
        ends = list(pool.map(one_round, range(12)))
    assert not all(ends), "no round was cut short"


def add_to(path: Path, name: str) -> None:
    with open_ledger(path) as ledger:
        add(ledger, new_batch(name), items(3))
    assert name in check_whole(path)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a small disk")
@pytest.mark.parametrize("key", [None, (b"/x",)], ids=["while it is sealed", "while it is drafted"])
def test_a_full_disk_leaves_the_old_state(small_disk: Path, key: Sequence[bytes] | None) -> None:
    path = small_disk / "ledger.db"
    add_to(path, "before")
    with pytest.raises(SystemFailureError, match="full"), open_ledger(path) as ledger:
        add(ledger, new_batch("large"), items(50_000), key=key)
    assert check_whole(path) == {"before"}
    for left in draft_files(path):  # the room that the next one needs
        left.unlink()
    add_to(path, "after")


@pytest.mark.skipif(sys.platform != "linux", reason="needs a small disk")
def test_a_disk_that_is_full_already_is_told_at_once(small_disk: Path) -> None:
    with suppress(OSError), (small_disk / "large").open("wb", buffering=0) as stream:
        while stream.write(bytes(4096)):
            pass
    with pytest.raises(SystemFailureError):
        within(5, lambda: read_everything(small_disk / "ledger.db"))


@pytest.mark.skipif(os.name != "posix", reason="needs limits on files")
@pytest.mark.parametrize("how", [[], ["in memory"]], ids=["while it is drafted", "while it is sealed"])
def test_a_file_size_limit_leaves_the_old_state(path: Path, how: list[str]) -> None:
    # As on a full disk, for those who may not mount a small one.
    add_to(path, "before")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    ended = subprocess.run(
        [sys.executable, "-c", limit + STAMPER, path, *how],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert "SystemFailureError" in ended.stderr.splitlines()[-1], ended.stderr
    assert check_whole(path) == {"before"}
    add_to(path, "after")


def test_reading_does_not_wait_for_writing(path: Path) -> None:
    with open_ledger(path) as writer:
        add(writer, new_batch("a"), items(3))
        writer._connection.execute("BEGIN IMMEDIATE")
        within(5, lambda: read_everything(path))
        writer._connection.execute("ROLLBACK")
