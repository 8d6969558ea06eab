"""Migrations: a ledger of the first release opens with all that it had, byte for byte, or stays what it was."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from notary.core.evidence import make_record
from notary.core.strict_json import canonical
from notary.edges.ledger import migrations, open_ledger
from notary.errors import SystemFailureError
from tests.conftest import Notary
from tests.edges.test_ledger import raw

AT = "2024-05-06T07:08:09Z"
APPLICATION = 0x4E6F7472
KEPT = ("matters", "batch_keys", "submissions", "proofs", "fetches", "headers", "events")
BATCH = "id, head, root, size, total_bytes, network, manifest, declared_at, title, matter_id, min_calendars, writes_ots"

OldItem = tuple[bytes, int, int | None, bytes, bytes]
"""An item as the first release knew it: recorded path, size, modification time, digest, where its file was."""


def make_old(path: Path) -> sqlite3.Connection:
    """An empty ledger as the first release made it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    old = Migrations("notary")

    @old()
    def first_tables(db: Database) -> None:
        for statement in migrations._statements((Path(migrations.__file__).parent / "first.sql").read_text()):
            db.execute(statement)

    old.apply(Database(connection))
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute("PRAGMA user_version = 1")
    connection.execute("COMMIT")
    path.chmod(0o600)
    return connection


def add_old(connection: sqlite3.Connection, number: int, items: Iterable[OldItem]) -> None:
    """Rows of a batch as the first release wrote them."""
    rows = [
        (number, index, digest, canonical(make_record(path, size, mtime_ns)), source)
        for index, (path, size, mtime_ns, digest, source) in enumerate(items)
    ]
    head, total = sha256(b"%d" % number).digest(), sum(one[1] for one in items)
    connection.execute("BEGIN")
    values = (number, head, bytes(32), len(rows), total, "local", b"{}", AT, f"t{number}", None, 1, 0, "queued")
    connection.execute(f"INSERT INTO batches ({BATCH}, status) VALUES ({'?, ' * 12}?)", values)  # noqa: S608 - ours
    connection.execute("INSERT INTO batch_keys VALUES (?, ?)", (number, sha256(head).digest()))
    connection.executemany("INSERT INTO items VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute("INSERT INTO submissions (batch_id, calendar) VALUES (?, 'https://a.example')", (number,))
    connection.execute("INSERT INTO events (at, batch_id, kind, detail) VALUES (?, ?, 'sealed', '{}')", (AT, number))
    connection.execute("COMMIT")


def file(path: bytes, mtime_ns: int | None = 0, size: int = 5, folder: bytes = b"/srv/ada") -> OldItem:
    return (path, size, mtime_ns, sha256(path).digest(), folder + b"/" + path)


ODD = [
    file(b"alone.txt"),
    file(b"x/1", mtime_ns=1_234_567_890_123_456_789),
    file(b"x/2", mtime_ns=1_234_567_890_100_000_000),
    file(b"x/3", mtime_ns=-1),
    file(b"x/4", mtime_ns=-(10**9)),
    file(b"x/5", mtime_ns=-62_135_596_800_000_000_000),  # year 1
    file(b"x/6", mtime_ns=253_402_300_799_999_999_999),  # year 9999
    file(b"x/7", mtime_ns=None),
    file(b"x/8", mtime_ns=10_000_000_000_000_000_000),  # after 2262
    file(b"x/\xff\xfe"),
    file(b"caf\xe9/men\xfc"),
    file("日本/\U0001f600/é/é".encode()),
    file(b'q"uo\\te/\n\t\x01\x7f'),
    file(b"deep/" * 50 + b"end"),
    file(b"x/9", size=0),
    file(b"x/10", size=2**53 - 1),
    file(b"same/1", folder=b"/one"),
    file(b"same/2", folder=b"/two"),
    file(b"same/3", folder=b"/one"),
    file(b"x/11", folder=b""),
    (b"named", 5, 1, b"d" * 32, b"/named"),
    (b"root/etc/hosts", 5, 1, b"d" * 32, b"/etc/hosts"),
]
SEVERAL = {3: ODD, 4: [file(b"only")], 9: [file(b"many/%d/%d" % (n // 50, n), n * 10**9 + n) for n in range(600)]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def old(path: Path) -> Path:
    """A ledger of the first release with several batches."""
    connection = make_old(path)
    for number, items in SEVERAL.items():
        add_old(connection, number, items)
    connection.close()
    assert raw(path, "PRAGMA user_version") == [(1,)]
    return path


def check(path: Path) -> None:
    """Everything that the first release had is there, as it was."""
    with open_ledger(path) as ledger:
        batches = {batch.id: batch for batch in ledger.batches()}
        assert set(batches) == set(SEVERAL)
        for number, items in SEVERAL.items():
            batch = batches[number]
            assert (batch.size, batch.title) == (len(items), f"t{number}")
            assert ledger.key(batch) == sha256(batch.head).digest()
            assert ledger.block_roots(batch) is None
            assert [event.kind for event in ledger.events(batch)] == ["sealed"]
            found = list(ledger.items(batch))
            assert [one.index for one in found] == list(range(len(items)))
            for one, (recorded, size, mtime_ns, digest, source) in zip(found, items, strict=True):
                assert one.record == canonical(make_record(recorded, size, mtime_ns))
                assert (one.path, one.size, one.digest, one.declared) == (recorded, size, digest, None)
                assert os.fsencode(one.file) == source
                assert one.index in ledger.items_at(batch, recorded)
                assert (batch.id, one.index) in [(b.id, i.index) for b, i in ledger.find_digest(digest)]
    assert raw(path, "PRAGMA integrity_check") == [("ok",)]
    assert raw(path, "PRAGMA foreign_key_check") == []
    assert raw(path, "PRAGMA user_version") == [(3,)]
    assert raw(path, "SELECT name FROM sqlite_master WHERE name LIKE '%before%' OR sql LIKE '%before%'") == [
        (name,) for name in ("events_are_never_changed", "events_are_never_replaced", "events_are_never_removed")
    ]


def test_everything_is_there_as_it_was(old: Path) -> None:
    check(old)
    check(old)


def test_the_tables_are_those_of_a_new_ledger(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    for path in (old, new):
        with open_ledger(path):
            pass
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
    assert raw(old, query) == raw(new, query)


def test_an_empty_ledger(path: Path) -> None:
    make_old(path).close()
    with open_ledger(path) as ledger:
        assert ledger.batches() == []
    assert raw(path, "PRAGMA user_version") == [(3,)]


def test_the_views_show_it_too(old: Path) -> None:
    with open_ledger(old):
        pass
    first = raw(old, "SELECT path, sha256, modified FROM files_of_matters WHERE item = 1")
    day = "2009-02-13T23:31:30Z"
    assert first == [
        ("x/1", sha256(b"x/1").hexdigest(), day),
        ("many/0/1", sha256(b"many/0/1").hexdigest(), first[1][2]),
    ]


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_it_stays_private(old: Path) -> None:
    before = os.umask(0)
    try:
        with open_ledger(old) as ledger:
            assert {one.stat().st_mode & 0o777 for one in ledger.own_files() if one.exists()} == {0o600}
    finally:
        os.umask(before)


def test_many_open_it_at_once(old: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: count(old), range(4)))
    check(old)


def count(path: Path) -> int:
    with open_ledger(path) as ledger:
        return len(ledger.batches())


# -- a ledger of the second release ------------------------------------------------------------------------------------


@pytest.fixture
def second(old: Path) -> Path:
    """The same ledger, as the second release had it: signatures, tokens and the line of batches were not known."""
    connection = sqlite3.connect(old, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    migrations.MIGRATIONS.apply(Database(connection), stop_before="signatures_and_tokens")
    connection.execute("PRAGMA user_version = 2")
    connection.execute("COMMIT")
    connection.close()
    assert not raw(old, "SELECT 1 FROM pragma_table_info('batches') WHERE name IN ('signer', 'previous', 'token')")
    return old


def test_a_ledger_of_the_second_release_is_there_as_it_was(second: Path, tmp_path: Path) -> None:
    check(second)
    with open_ledger(second) as ledger:
        named = {(one.signature, one.signer, one.previous, one.authority, one.token) for one in ledger.batches()}
        assert named == {(None,) * 5}
        newest = max(ledger.batches(), key=lambda batch: batch.id)
        assert ledger.last_of_line("local", None) == newest.head
        assert ledger.last_of_line("local", "ssh-ed25519 AAAA") is None
        assert ledger.last_of_line("bitcoin", None) is None
    with open_ledger(tmp_path / "new.db"):
        pass
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
    assert raw(second, query) == raw(tmp_path / "new.db", query)


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize(("where", "call"), [("_run", 1), ("_migrate", 0)])
def test_kill_9_leaves_the_second_releases_ledger(second: Path, where: str, call: int) -> None:
    before = dump(second)
    ended = subprocess.run([sys.executable, "-c", DYING, second, where, str(call)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert dump(second) == before
    check(second)


# -- cut short ------------------------------------------------------------------------------------------------------


def dump(path: Path) -> list[tuple[object, ...]]:
    tables = [name for (name,) in raw(path, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    rows = [(table, *row) for table in tables for row in raw(path, f"SELECT * FROM {table}")]  # noqa: S608 - ours
    return [*rows, *raw(path, "SELECT * FROM sqlite_master ORDER BY name"), *raw(path, "PRAGMA user_version")]


DYING = """
import os, signal, sys
from pathlib import Path
from notary.edges.ledger import database, migrations, open_ledger
where, left = sys.argv[2], int(sys.argv[3])
module = database if where.startswith("_mig") else migrations
before = getattr(module, where)
def dying(*arguments):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    done = before(*arguments)
    if where == "_migrate":
        os.kill(os.getpid(), signal.SIGKILL)
    return done
setattr(module, where, dying)
with open_ledger(Path(sys.argv[1])):
    pass
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize(
    ("where", "call"),
    [
        *(("_run", 1), ("text_or_bytes", 1), ("text_or_bytes", 400), ("_run", 2)),
        *(("index_items", 1), ("_run", 3), ("_migrate", 0)),
    ],
)
def test_kill_9_in_the_middle_leaves_the_old_ledger(old: Path, where: str, call: int) -> None:
    before = dump(old)
    ended = subprocess.run([sys.executable, "-c", DYING, old, where, str(call)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert dump(old) == before
    check(old)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a small disk")
def test_a_full_disk_leaves_the_old_ledger(small_disk: Path, path: Path) -> None:
    connection = make_old(path)
    add_old(connection, 1, [file(b"many/%d" % number) for number in range(4000)])
    connection.close()
    path = Path(shutil.copy(path, small_disk))
    before = dump(path)
    with pytest.raises(SystemFailureError, match="full"):
        count(path)
    assert dump(path) == before
    subprocess.run(["mount", "-o", "remount,size=16m", small_disk], check=True)
    assert count(path) == 1
    assert raw(path, "SELECT count(*) FROM items") == [(4000,)]


@pytest.mark.parametrize(
    "record",
    [
        b'{"path":"x/1","size":5}x',
        b"",
        b"\xff",
        b'{"size":5,"path":"x/1"}',
        b'{"path":"x/1","size":5,"more":1}',
        b'{"exhibit":"1","path":"x/1","size":5}',
        b'{"mtime":"yesterday","path":"x/1","size":5}',
        b'{"path":"x/1","size":"5"}',
        b'{"path":"x/1"}',
        b"[]",
    ],
)
def test_a_record_that_no_release_wrote_changes_nothing(old: Path, record: bytes) -> None:
    """Its bytes are what the batch committed to: made again from columns, they would be others."""
    raw(old, "UPDATE items SET record = ? WHERE batch_id = 9 AND item = 300", record)
    before = dump(old)
    with pytest.raises(SystemFailureError, match="ledger"):
        count(old)
    assert dump(old) == before


# -- a whole life ---------------------------------------------------------------------------------------------------


def downgrade(path: Path) -> None:
    """The ledger as the first release would have written it."""
    beside = path.with_name("old.db")
    connection = make_old(beside)
    connection.execute("ATTACH ? AS new", (str(path),))
    connection.execute("BEGIN")
    for table in (KEPT[0], "batches", *KEPT[1:]):
        columns = f"{BATCH}, status" if table == "batches" else "*"
        connection.execute(f"INSERT INTO main.{table} SELECT {columns} FROM new.{table}")  # noqa: S608 - ours
    with open_ledger(path) as ledger:
        for batch in ledger.batches():
            rows: list[Sequence[object]] = [
                (
                    batch.id,
                    one.index,
                    one.digest,
                    canonical(make_record(one.path, one.size, one.mtime_ns)),
                    os.fsencode(one.file),
                )
                for one in ledger.items(batch)
            ]
            connection.executemany("INSERT INTO items VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")
    connection.execute("DETACH new")
    connection.close()
    assert raw(beside, "PRAGMA user_version") == [(1,)]
    path.unlink()
    beside.rename(path)


@pytest.mark.skipif(sys.platform != "linux", reason="needs names that are not UTF-8")
def test_exports_are_the_same_and_proofs_still_verify(notary: Notary, evidence: Path, tmp_path: Path) -> None:
    local = ("--network", "local")
    (evidence / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"menu")
    os.utime(evidence / "recipe.txt", ns=(0, -1_500_000_001))
    os.utime(evidence / "drawing.svg", ns=(0, 1_600_000_000_123_456_789))
    names = [
        notary("stamp", what, *local, "--json").json["batch"]
        for what in (evidence, evidence / "recipe.txt", evidence / "drawing.svg")
    ]
    assert notary("upgrade").code == 0
    exports = [[notary("export", name, "-o", "x.zip", "--json").json["sha256"] for name in names]]
    events = notary("status", names[0], "--json").json
    shutil.copy(tmp_path / "x.zip", tmp_path / "before.zip")
    downgrade(tmp_path / "ledger" / "ledger.db")
    for _ in range(2):
        exports.append([notary("export", name, "-o", "x.zip", "--json").json["sha256"] for name in names])
        assert notary("verify", "x.zip", *local, "--offline").code == 0
    assert exports == [exports[0]] * 3
    assert notary("verify", "before.zip", *local, "--offline").code == 0
    assert notary("status", names[0], "--json").json == events
    more = notary("stamp", evidence, *local, "--json")
    assert (more.code, more.json["taken_over"]) == (0, 0)
    assert notary("upgrade").code == 0
    for name in (*names, more.json["batch"]):
        assert notary("export", name, "-o", "x.zip").code == 0
        assert notary("verify", "x.zip", *local, "--offline").code == 0
