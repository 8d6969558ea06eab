"""The ledger's file: made, identified, kept private, brought up to date; and transactions in it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from notary.errors import InputError, SystemFailureError, reason_of
from notary.sqlite import transaction

BUSY_SECONDS = 60.0

_APPLICATION = 0x4E6F7472
"""PRAGMA application_id: tells a ledger from any other SQLite file."""

_VERSION = 3
"""PRAGMA user_version of a ledger with all migrations: spares an up-to-date one the import of sqlite-utils."""

_CACHE_KIB = 64 * 1024
"""Pages in memory, and for sorting an index: the default of 2 MB would sort a million digests in small pieces."""


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the ledger at `path`, made if it is not there.

    Raises InputError where the file is no ledger, or a newer one; SystemFailureError where it cannot be used.
    """
    try:
        with _connected(path) as connection:
            yield connection
    except sqlite3.Error as error:
        raise _ledger_error(path, error) from None


def _ledger_error(path: Path, error: sqlite3.Error) -> InputError | SystemFailureError:
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_NOTADB":
        return InputError(f"{path}: not a notary ledger")
    hint = "make room on the disk; then run the same command again" if name == "SQLITE_FULL" else "try again"
    return SystemFailureError(f"{path}: the ledger cannot be used: {error}", f"nothing was lost; {hint}")


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private(path)
    except OSError as error:
        raise SystemFailureError(f"{path}: the ledger cannot be opened: {reason_of(error)}") from None
    connection = sqlite3.connect(path.absolute(), timeout=BUSY_SECONDS, isolation_level=None, uri=True)
    try:
        _identify(connection, path)
        _keep_private(path)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        if _pragma(connection, "user_version") < _VERSION:
            _use_wal(connection)
            with transaction(connection):
                _migrate(connection)
        yield connection
    finally:
        connection.close()


def make_private(path: Path) -> None:
    """An empty file that only its owner can read, unless there is one. Raises OSError."""
    # Never opened but by SQLite once it is there: closing it would drop this process's locks on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _identify(connection: sqlite3.Connection, path: Path) -> None:
    """Raises InputError unless this is a ledger, or an empty file that can become one."""
    is_new = not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    if not is_new and _pragma(connection, "application_id") != _APPLICATION:
        raise InputError(f"{path}: not a notary ledger")
    if _pragma(connection, "user_version") > _VERSION:
        raise InputError(f"{path}: this ledger was written by a newer release of notary", "update notary")


def _migrate(connection: sqlite3.Connection) -> None:
    from sqlite_utils import Database

    from notary.edges.ledger.migrations import MIGRATIONS

    MIGRATIONS.apply(Database(connection))
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute(f"PRAGMA user_version = {_VERSION}")


def database_files(path: Path) -> tuple[Path, ...]:
    """The files that SQLite keeps for a database."""
    return tuple(path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm", "-journal"))


def _keep_private(path: Path) -> None:
    """Takes away what others may do with the ledger, should somebody have granted it."""
    if os.name == "posix":
        for one in database_files(path):
            # Another process may remove its log at any moment.
            with suppress(FileNotFoundError):
                if one.stat().st_mode & 0o077:
                    one.chmod(0o600)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turns write-ahead logging on; SQLite does not wait by itself for another process that is doing the same."""
    deadline = monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or monotonic() > deadline:
                raise
            sleep(0.02)


@contextmanager
def unchecked_references(connection: sqlite3.Connection) -> Iterator[None]:
    """For a change that puts in items by the million, each with a folder that it has just put in."""
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        connection.execute("PRAGMA foreign_keys = ON")
