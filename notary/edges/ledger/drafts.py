"""Drafts: what has been hashed for a batch that is not sealed yet, in a SQLite file of its own beside the ledger.

A draft is written as hashing goes on, so that a killed process, a full disk or a pulled drive costs little: the next
run on the same paths takes over what it finds there. A draft belongs to the process that began it, and is not looked
into before that is gone.
"""

import hashlib
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from notary.edges.ledger.columns import as_bytes, text_or_bytes
from notary.edges.ledger.database import database_files, make_private
from notary.sqlite import transaction

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_NOT_NOW = (*_BUSY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY)
"""Errors after which a draft may yet be read another time; after others it is damaged."""

_TABLES = """
CREATE TABLE IF NOT EXISTS draft.about (part ANY NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS draft.folders (
    id INTEGER PRIMARY KEY, recorded ANY NOT NULL, source ANY NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS draft.items (
    id INTEGER PRIMARY KEY, folder_id INTEGER NOT NULL, name ANY NOT NULL, size INTEGER NOT NULL,
    mtime INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest BLOB NOT NULL, known_by BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS draft.declarations (
    item_id INTEGER PRIMARY KEY, exhibit TEXT, custodian TEXT, bates TEXT, description TEXT, source TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS draft.load_rows (row INTEGER PRIMARY KEY, item_id INTEGER, cells TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS draft.earlier (
    folder ANY NOT NULL, name ANY NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    digest BLOB NOT NULL, known_by BLOB NOT NULL, PRIMARY KEY (folder, name)
) STRICT, WITHOUT ROWID;
"""

_LEFT = """
SELECT folder, name, size, mtime, mtime_ns, digest, known_by FROM earlier
UNION ALL
SELECT source, name, size, mtime, mtime_ns, digest, known_by FROM items JOIN folders ON folders.id = folder_id
"""


class DraftItem(NamedTuple):
    """A hashed file: its folder as it is recorded, and where that is; its name; what hashing told; what was declared.

    `known_by` is what a later run needs, besides the digest, to know whether the file is still the same. Whoever has
    millions gives plain tuples of the same members, which are made in a fifth of the time.
    """

    recorded: bytes
    source: bytes
    name: str | bytes
    digest: bytes
    size: int
    mtime_ns: int
    known_by: bytes
    declared: Mapping[str, str] | None = None


DraftRow = tuple[bytes, bytes, str | bytes, bytes, int, int, bytes, Mapping[str, str] | None]


class LeftBehind(NamedTuple):
    """A draft that is not sealed: what it is told apart by, and how many files it has; None while it is under way."""

    about: tuple[bytes, ...]
    files: int | None


class Known(NamedTuple):
    """What an earlier run made of a file, and what it is known by."""

    size: int
    mtime_ns: int
    digest: bytes
    known_by: bytes


def _beginning(ledger: Path, key: Sequence[bytes] | None = None) -> str:
    """How the names of a ledger's drafts begin, or of those for `key`."""
    name = ledger.name
    if len(os.fsencode(name)) > _NAME_BYTES:  # a file's name has an end
        name = f"{name[: _NAME_BYTES // 4]}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"
    if key is None:
        return f"{name}-draft-"
    token = hashlib.sha256(b"".join(b"%d:%s" % (len(part), part) for part in key)).hexdigest()[:16]
    return f"{name}-draft-{token}"


_NAME_BYTES = 180


def draft_files(ledger: Path, beginning: str | None = None) -> list[Path]:
    """All files of drafts, or of those whose names begin so."""
    beginning = beginning or _beginning(ledger)
    with suppress(OSError):
        return [file for file in ledger.parent.iterdir() if file.name.startswith(beginning)]
    return []


class Draft:
    """The items of a batch to be, in their order. Comes from `Ledger.draft`."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self.name = name
        self._folders: dict[tuple[bytes, bytes], int] = {}
        self._folder_count = 0
        self.size = 0
        self.total_bytes = 0
        self.had_earlier = bool(connection.execute("SELECT EXISTS (SELECT 1 FROM draft.earlier)").fetchone()[0])

    def earlier(self, folder: bytes) -> dict[bytes, Known]:
        """What earlier runs made of a folder's files, by name."""
        if not self.had_earlier:
            return {}
        rows = self._connection.execute(
            "SELECT name, size, mtime, mtime_ns, digest, known_by FROM draft.earlier WHERE folder = ?",
            (text_or_bytes(folder),),
        ).fetchall()
        return {
            as_bytes(name): Known(size, mtime * 10**9 + mtime_ns, digest, known_by)
            for name, size, mtime, mtime_ns, digest, known_by in rows
        }

    def add(self, items: Sequence[DraftRow]) -> None:
        """Takes the next items: a killed process loses none of them once this has returned."""
        row: list[object] = []
        folders: list[tuple[object, ...]] = []
        declarations: list[dict[str, object]] = []
        total = 0
        folder, before, source_before = 0, b"", b""
        with _change(self._connection):
            for number, item in enumerate(items, start=self.size + 1):
                recorded, source, name, digest, size, mtime_ns, known_by, declared = item
                if not folder or recorded != before or source != source_before:
                    folder, before, source_before = self._folder(recorded, source, folders), recorded, source
                seconds, nanoseconds = divmod(mtime_ns, 10**9)
                stored = name if isinstance(name, str) else text_or_bytes(name)
                row += (folder, stored, size, seconds, nanoseconds, digest, known_by)
                total += size
                if declared:
                    declarations.append(_DECLARED_NOTHING | dict(declared) | {"id": number})
            self._connection.executemany("INSERT INTO draft.folders VALUES (?, ?, ?)", folders)
            self._insert(row)
            self._connection.executemany(
                "INSERT INTO draft.declarations VALUES (:id, :exhibit, :custodian, :bates, :description, :source)",
                declarations,
            )
        self.size += len(items)
        self.total_bytes += total

    def _insert(self, values: list[object]) -> None:
        """Many rows in one statement take two thirds of the time that they take one by one. SQLite numbers them."""
        whole = len(values) - len(values) % (_ROWS_AT_ONCE * _ROW_COLUMNS)
        for at in range(0, whole, _ROWS_AT_ONCE * _ROW_COLUMNS):
            self._connection.execute(_INSERT_ROWS, values[at : at + _ROWS_AT_ONCE * _ROW_COLUMNS])
        for at in range(whole, len(values), _ROW_COLUMNS):
            self._connection.execute(_INSERT_ROW, values[at : at + _ROW_COLUMNS])

    def _folder(self, recorded: bytes, source: bytes, new: list[tuple[object, ...]]) -> int:
        """The folder's number; a folder that has none yet goes to `new`."""
        number = self._folders.get((recorded, source))
        if number is None:
            if len(self._folders) >= _FOLDERS_REMEMBERED:
                self._folders.clear()
            self._folder_count += 1
            number = self._folders[recorded, source] = self._folder_count
            new.append((number, text_or_bytes(recorded), text_or_bytes(source)))
        return number

    def add_rows(self, rows: Iterable[tuple[int, str]]) -> None:
        """Takes rows of a load file: their numbers, and their cells as JSON."""
        with _change(self._connection):
            self._connection.executemany("INSERT INTO draft.load_rows VALUES (?, NULL, ?)", rows)

    def tie_rows(self, rows: Iterable[tuple[int, int]]) -> None:
        """Notes the items that rows have become: (index of the item, number of the row)."""
        with _change(self._connection):
            self._connection.executemany("UPDATE draft.load_rows SET item_id = ? + 1 WHERE row = ?", rows)

    def twice(self) -> tuple[str, str] | None:
        """Two files that would have the same recorded path, if there are any."""
        row = self._connection.execute(
            "SELECT min(items.id), max(items.id) FROM draft.items JOIN draft.folders ON folders.id = folder_id"
            " GROUP BY recorded, name HAVING count(*) > 1 ORDER BY 2 LIMIT 1"
        ).fetchone()
        return row and (self._source(row[0]), self._source(row[1]))

    def _source(self, number: int) -> str:
        folder, name = self._connection.execute(
            "SELECT source, name FROM draft.items JOIN draft.folders ON folders.id = folder_id WHERE items.id = ?",
            (number,),
        ).fetchone()
        return os.fsdecode(os.path.join(as_bytes(folder), as_bytes(name)))  # noqa: PTH118 - bytes


_ROW_COLUMNS = 7
_INSERT_ROW = (
    "INSERT INTO draft.items (folder_id, name, size, mtime, mtime_ns, digest, known_by) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_ROWS_AT_ONCE = 128
_INSERT_ROWS = _INSERT_ROW + ", (?, ?, ?, ?, ?, ?, ?)" * (_ROWS_AT_ONCE - 1)

_LOG_PAGES = 8192
"""Pages of the log before they go to the file: those that fill row by row then go there once, not several times."""

_FOLDERS_REMEMBERED = 10_000

_ATTEMPTS = 10
"""To get a file: each fails only if another process begins the same batch within the same millisecond."""

_DECLARED_NOTHING = dict.fromkeys(("exhibit", "custodian", "bates", "description", "source"))


def _change(connection: sqlite3.Connection) -> AbstractContextManager[None]:
    """A change to the draft only: a plain BEGIN locks nothing of the ledger."""
    return transaction(connection, begin="BEGIN")


@contextmanager
def attached(connection: sqlite3.Connection, ledger: Path, key: Sequence[bytes] | None) -> Iterator[Draft]:
    """A draft for what `key` tells apart, with what earlier runs left behind for the same; in memory for None.

    It is removed once the block ends well; after an error it stays for the next run, unless it is empty. Raises
    sqlite3.Error and OSError.
    """
    path: Path | None = None
    if key is None:
        connection.execute("ATTACH ':memory:' AS draft")
    else:
        beginning = _beginning(ledger, key)
        path = _new_file(connection, ledger, beginning)
        # A killed process loses nothing without syncs; a power cut may cost the draft.
        connection.execute("PRAGMA draft.synchronous = NORMAL")
        connection.execute(f"PRAGMA draft.wal_autocheckpoint = {_LOG_PAGES}")
    for statement in _TABLES.split(";"):
        connection.execute(statement)
    if path is not None:
        connection.executemany("INSERT INTO draft.about VALUES (?)", [(text_or_bytes(part),) for part in key or ()])
        for left in draft_files(ledger, beginning):
            if not left.name.startswith(path.name):
                _take_over(connection, left)
    draft = Draft(connection, path.name if path else "")
    try:
        yield draft
    except BaseException:
        with suppress(sqlite3.Error):  # what was under way when it was interrupted may still hold it
            connection.execute("DETACH draft")
            if not (draft.size or draft.had_earlier):
                _remove(path)
        raise
    connection.execute("DETACH draft")
    _remove(path)


def _new_file(connection: sqlite3.Connection, ledger: Path, beginning: str) -> Path:
    """A file for a draft, attached, and held until it is detached.

    Another process that begins the same batch looks for what was left behind, and may take a file that is as young as
    this: then there is another one.
    """
    for left in reversed(range(_ATTEMPTS)):
        path = ledger.with_name(f"{beginning}-{secrets.token_hex(4)}")
        make_private(path)
        try:
            connection.execute("ATTACH ? AS draft", (_uri(path, "rw"),))
            connection.execute("PRAGMA draft.locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA draft.journal_mode = WAL")
        except sqlite3.OperationalError as error:
            with suppress(sqlite3.Error):
                connection.execute("DETACH draft")
            _remove(path)
            if not left or error.sqlite_errorcode & 0xFF not in (*_BUSY, sqlite3.SQLITE_CANTOPEN):
                raise
        else:
            return path
    raise AssertionError("the last attempt returns or raises")


class _LostError(Exception):
    """What was left behind cannot be read."""


def _take_over(connection: sqlite3.Connection, path: Path) -> None:
    """Moves what a run left behind at `path` to the draft, unless that run goes on. A damaged one is thrown away."""
    if _is_beside(path):
        return
    if _is_sealed(connection, path):
        _remove(path)
        return
    try:
        # By a connection of its own, so that whatever is wrong there is not wrong here.
        with closing(_opened(path)) as left, _change(connection):
            connection.executemany("INSERT OR REPLACE INTO draft.earlier VALUES (?, ?, ?, ?, ?, ?, ?)", _rows(left))
    except sqlite3.IntegrityError:
        pass  # what stands there is of other types
    except _LostError as error:
        if getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF in _NOT_NOW:
            return
    _remove(path)


def _opened(path: Path) -> sqlite3.Connection:
    with _reading():
        left = sqlite3.connect(_uri(path, "rw"), uri=True, timeout=0, isolation_level=None)
        try:
            left.execute("PRAGMA locking_mode = EXCLUSIVE")
            left.execute("BEGIN IMMEDIATE")
        except sqlite3.Error:
            left.close()
            raise
        return left


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _LostError from error


def _rows(left: sqlite3.Connection) -> Iterator[tuple[object, ...]]:
    with _reading():
        yield from left.execute(_LEFT)


def _is_beside(path: Path) -> bool:
    return path.name.endswith(("-wal", "-shm", "-journal"))


def _is_sealed(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the draft has become a batch, and its owner was ended before it could remove it."""
    query = "SELECT 1 FROM main.events WHERE kind = 'sealed' AND json_extract(detail, '$.draft') = ?"
    return connection.execute(query, (path.name,)).fetchone() is not None


def left_behind(connection: sqlite3.Connection, ledger: Path) -> Iterator[LeftBehind]:
    """The drafts beside a ledger that are no batches yet, as far as they can be looked into."""
    for path in draft_files(ledger):
        if _is_beside(path) or _is_sealed(connection, path):
            continue
        try:
            with closing(sqlite3.connect(_uri(path, "ro"), uri=True, timeout=0)) as draft:
                about = tuple(as_bytes(part) for (part,) in draft.execute("SELECT part FROM about"))
                query = "SELECT max((SELECT count(*) FROM items), (SELECT count(*) FROM earlier))"
                yield LeftBehind(about, draft.execute(query).fetchone()[0])
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY:
                yield LeftBehind((), None)


def _uri(path: Path, mode: str) -> str:
    """The file for SQLite, whatever its name; a file that is not there is not made."""
    place = quote(os.fsencode(path.absolute().as_posix()))
    return f"file://{'' if place.startswith('/') else '/'}{place}?mode={mode}"


def _remove(path: Path | None) -> None:
    # In this order, what is left after a sudden end can still be found.
    for file in reversed(database_files(path)) if path else ():
        with suppress(OSError):
            file.unlink()
