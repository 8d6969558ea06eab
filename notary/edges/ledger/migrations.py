"""The ledger's migrations, one after the other. A change of the tables is a new one here, never a change of an old."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from importlib.resources import files

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from notary import limits
from notary.core.evidence import check_record, nanoseconds, record_bytes, record_path
from notary.core.strict_json import read_object
from notary.edges.ledger.columns import index_items, text_or_bytes
from notary.errors import FormatError

MIGRATIONS = Migrations("notary")


@MIGRATIONS()
def first_tables(db: Database) -> None:
    _run(db, "first.sql")


@MIGRATIONS()
def items_in_columns(db: Database) -> None:
    _run(db, "second.sql")
    _move_items(db.conn)
    db.execute("DROP TABLE items_before")
    _run(db, "views.sql")
    index_items(db.conn)


@MIGRATIONS()
def signatures_and_tokens(db: Database) -> None:
    _run(db, "third.sql")


def _run(db: Database, name: str) -> None:
    for statement in _statements((files("notary.edges.ledger") / name).read_text()):
        db.execute(statement)


def _move_items(connection: sqlite3.Connection) -> None:
    """The items of the first tables, whose records stood there as their bytes."""
    rows = connection.execute("SELECT batch_id, item, digest, record, source FROM items_before ORDER BY batch_id, item")
    connection.executemany("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?)", _moved(connection, rows))


def _moved(
    connection: sqlite3.Connection, rows: Iterable[tuple[int, int, bytes, bytes, bytes]]
) -> Iterator[tuple[object, ...]]:
    folder: tuple[int, bytes, bytes] | None = None
    folder_id: int | None = None
    for number, (batch_id, index, digest, record, source) in enumerate(rows, start=1):
        path, size, mtime_ns = _read_record(record, f"item {index} of batch {batch_id}")
        recorded, _, name = path.rpartition(b"/")
        here = (batch_id, recorded, os.path.dirname(source))  # noqa: PTH120 - bytes
        if here != folder:
            values = (batch_id, text_or_bytes(recorded), text_or_bytes(here[2]))
            folder_id = connection.execute(
                "INSERT INTO folders (batch_id, recorded, source) VALUES (?, ?, ?)", values
            ).lastrowid
            folder = here
        if index == 0:
            connection.execute("UPDATE batches SET first_item = ? WHERE id = ?", (number, batch_id))
        mtime = (None, None) if mtime_ns is None else divmod(mtime_ns, 10**9)
        yield (number, folder_id, text_or_bytes(name), size, *mtime, digest)


def _read_record(record: bytes, item: str) -> tuple[bytes, int, int | None]:
    """Path, size and time of a record as the first tables kept it. Raises sqlite3.DataError."""
    try:
        members = read_object(record, item, limits.ITEM_LINE_BYTES)
        check_record(members)
        path, size = record_path(members), members["size"]
        mtime_ns = nanoseconds(members["mtime"]) if "mtime" in members else None
    except FormatError as error:
        raise sqlite3.DataError(f"the ledger is damaged: {error.message}") from None
    if record_bytes(path, size, mtime_ns) != record:
        raise sqlite3.DataError(f"the ledger is damaged: {item} has a record that no release wrote")
    return path, size, mtime_ns


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: sqlite3's executescript would commit the open transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
