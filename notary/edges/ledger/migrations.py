"""The ledger's migrations, one after the other. A change of the tables is a new one here, never a change of an old."""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from importlib.resources import files

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from notary.core.evidence import nanoseconds, record_bytes, record_path
from notary.edges.ledger.columns import index_items, text_or_bytes

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
        members = json.loads(record)
        recorded, _, name = record_path(members).rpartition(b"/")
        here = (batch_id, recorded, os.path.dirname(source))  # noqa: PTH120 - bytes
        if here != folder:
            values = (batch_id, text_or_bytes(recorded), text_or_bytes(here[2]))
            folder_id = connection.execute(
                "INSERT INTO folders (batch_id, recorded, source) VALUES (?, ?, ?)", values
            ).lastrowid
            folder = here
        if index == 0:
            connection.execute("UPDATE batches SET first_item = ? WHERE id = ?", (number, batch_id))
        mtime_ns = nanoseconds(members["mtime"]) if "mtime" in members else None
        if record_bytes(record_path(members), members["size"], mtime_ns) != record:
            raise sqlite3.DataError(f"item {index} of batch {batch_id} has a record that no release wrote")
        mtime = (None, None) if mtime_ns is None else divmod(mtime_ns, 10**9)
        yield (number, folder_id, text_or_bytes(name), members["size"], *mtime, digest)


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: sqlite3's executescript would commit the open transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
