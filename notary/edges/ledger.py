"""The ledger: what was stamped here, in one SQLite file that only its owner can read, since it holds the batch keys.

Every change is one transaction that is synced before it counts: a killed process leaves the old state or the new.
Two processes may work on one ledger; each waits for the other's transaction.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.resources import files
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from notary.core.chain import last_wanted
from notary.core.header import Header
from notary.errors import InputError, SystemFailureError

_BUSY_SECONDS = 60.0
_MIN_PREFIX = 4


class BatchStatus(StrEnum):
    QUEUED = "queued"
    PENDING = "pending"
    ATTESTED = "attested"


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch to be sealed: everything that its head commits to, and the calendars that shall get it."""

    head: bytes
    root: bytes
    size: int
    total_bytes: int
    network: str
    manifest: bytes
    key: bytes
    declared_at: str
    title: str | None
    matter: str | None
    calendars: tuple[str, ...]
    min_calendars: int
    writes_ots: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as the ledger has it. `id` is the ledger's own; `name` is what people call it."""

    id: int
    head: bytes
    root: bytes
    size: int
    total_bytes: int
    network: str
    manifest: bytes
    declared_at: str
    title: str | None
    matter: str | None
    min_calendars: int
    writes_ots: bool
    status: BatchStatus

    @property
    def name(self) -> str:
        """The head's first 12 hex digits."""
        return self.head.hex()[:12]


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item of a batch: its record's RFC 8785 bytes, and the path of its file when it was stamped."""

    index: int
    digest: bytes
    record: bytes
    source: bytes

    @property
    def file(self) -> Path:
        """Where the file was."""
        return Path(os.fsdecode(self.source))


@dataclass(frozen=True, slots=True)
class Submission:
    """A calendar that gets the batch's seal; `accepted` once it has answered with a timestamp."""

    calendar: str
    accepted: bool
    answer: str


@dataclass(frozen=True, slots=True)
class Event:
    at: str
    kind: str
    detail: str


_SELECT_BATCHES = (
    "SELECT batches.id, head, root, size, total_bytes, network, manifest, declared_at, title, matters.name,"
    " min_calendars, writes_ots, status FROM batches LEFT JOIN matters ON matters.id = matter_id"
)

_APPLICATION = 0x4E6F7472
"""PRAGMA application_id: tells a ledger from any other SQLite file."""

_VERSION = 1
"""PRAGMA user_version of a ledger with all migrations: spares an up-to-date one the import of sqlite-utils."""


def _migrate(connection: sqlite3.Connection) -> None:
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

    migrations = Migrations("notary")

    @migrations()
    def first_tables(db: Database) -> None:
        for statement in _statements((files("notary.edges") / "ledger.sql").read_text()):
            db.execute(statement)

    migrations.apply(Database(connection))
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute(f"PRAGMA user_version = {_VERSION}")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: sqlite3's executescript would commit the open transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextmanager
def open_ledger(path: Path) -> Iterator["Ledger"]:
    """The ledger at `path`, made if it is not there.

    Raises InputError where the file is no ledger, or a newer one; SystemFailureError where it cannot be used.
    """
    try:
        with _connected(path) as connection:
            yield Ledger(connection, path)
    except sqlite3.Error as error:
        raise _ledger_error(path, error) from None


def _ledger_error(path: Path, error: sqlite3.Error) -> InputError | SystemFailureError:
    if getattr(error, "sqlite_errorname", "") == "SQLITE_NOTADB":
        return InputError(f"{path}: not a notary ledger")
    return SystemFailureError(f"{path}: the ledger cannot be used: {error}", "nothing was lost; try again")


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Never opened but by SQLite once it is there: closing it would drop this process's locks on it.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SystemFailureError(f"{path}: the ledger cannot be opened: {reason}") from None
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        _identify(connection, path)
        _keep_private(path)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        if _pragma(connection, "user_version") < _VERSION:
            _use_wal(connection)
            with _transaction(connection):
                _migrate(connection)
        yield connection
    finally:
        connection.close()


def _identify(connection: sqlite3.Connection, path: Path) -> None:
    """Raises InputError unless this is a ledger, or an empty file that can become one."""
    is_new = not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    if not is_new and _pragma(connection, "application_id") != _APPLICATION:
        raise InputError(f"{path}: not a notary ledger")
    if _pragma(connection, "user_version") > _VERSION:
        raise InputError(f"{path}: this ledger was written by a newer release of notary", "update notary")


def own_files(path: Path) -> tuple[Path, ...]:
    """The files that SQLite keeps for a ledger."""
    return tuple(path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm", "-journal"))


def _keep_private(path: Path) -> None:
    """Takes away what others may do with the ledger, should somebody have granted it."""
    if os.name == "posix":
        for one in own_files(path):
            # Another process may remove its log at any moment.
            with suppress(FileNotFoundError):
                if one.stat().st_mode & 0o077:
                    one.chmod(0o600)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turns write-ahead logging on; SQLite does not wait by itself for another process that is doing the same."""
    deadline = monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or monotonic() > deadline:
                raise
            sleep(0.02)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One change, whole or not at all. Takes the write lock at once, so that nothing read in it can be stale."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


class Ledger:
    """The questions and changes that the verbs have for the ledger. Open it with `open_ledger`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path

    def own_files(self) -> tuple[Path, ...]:
        """The files that SQLite keeps for this ledger."""
        return own_files(self.path)

    # -- batches ----------------------------------------------------------------------------------------------------

    def add_batch(self, new: NewBatch, items: Iterable[StoredItem], at: str, notes: Iterable[str] = ()) -> Batch:
        """Seals a batch: it is in the ledger with all its items, queued for its calendars, or not at all."""
        insert = self._connection.execute
        with _transaction(self._connection):
            matter_id = None
            if new.matter is not None:
                insert("INSERT OR IGNORE INTO matters (name) VALUES (?)", (new.matter,))
                matter_id = insert("SELECT id FROM matters WHERE name = ?", (new.matter,)).fetchone()[0]
            batch_id = insert(
                "INSERT INTO batches (head, root, size, total_bytes, network, manifest, declared_at, title, matter_id,"
                " min_calendars, writes_ots, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued')",
                (
                    *(new.head, new.root, new.size, new.total_bytes, new.network, new.manifest, new.declared_at),
                    *(new.title, matter_id, new.min_calendars, new.writes_ots),
                ),
            ).lastrowid
            insert("INSERT INTO batch_keys VALUES (?, ?)", (batch_id, new.key))
            self._connection.executemany(
                "INSERT INTO items VALUES (?, ?, ?, ?, ?)",
                ((batch_id, item.index, item.digest, item.record, item.source) for item in items),
            )
            self._connection.executemany(
                "INSERT INTO submissions (batch_id, calendar) VALUES (?, ?)",
                ((batch_id, calendar) for calendar in new.calendars),
            )
            self._log(at, batch_id, "sealed", {"items": new.size, "network": new.network})
            for note in notes:
                self._log(at, batch_id, "skipped", note)
        return self.find(new.head.hex())

    def batches(self) -> list[Batch]:
        """All batches, newest first."""
        return self._batches(f"{_SELECT_BATCHES} ORDER BY batches.id DESC")

    def find(self, name: str) -> Batch:
        """The one batch whose head begins with `name`, in hex. Raises InputError where there is none, or more."""
        prefix = name.lower()
        if len(prefix) < _MIN_PREFIX or set(prefix) - set("0123456789abcdef"):
            raise InputError(
                f"{name!r} is not a batch: give at least {_MIN_PREFIX} hex digits of its head", "see `notary status`"
            )
        found = self._batches(f"{_SELECT_BATCHES} WHERE lower(hex(head)) LIKE ? || '%' LIMIT 2", prefix)
        if not found:
            raise InputError(f"there is no batch {name} in {self.path}", "see `notary status`")
        if len(found) > 1:
            raise InputError(f"{name} may be several batches; give more digits of the head", "see `notary status`")
        return found[0]

    def _batches(self, query: str, *parameters: object) -> list[Batch]:
        rows = (Batch(*row) for row in self._connection.execute(query, parameters))
        return [replace(row, writes_ots=bool(row.writes_ots), status=BatchStatus(row.status)) for row in rows]

    def key(self, batch: Batch) -> bytes:
        """The 32 secret bytes from which the batch's salts are made."""
        row = self._connection.execute("SELECT key FROM batch_keys WHERE batch_id = ?", (batch.id,)).fetchone()
        return bytes(row[0])

    def items(self, batch: Batch) -> Iterator[StoredItem]:
        """The batch's items in order, read as they are needed."""
        rows = self._connection.execute(
            "SELECT item, digest, record, source FROM items WHERE batch_id = ? ORDER BY item", (batch.id,)
        )
        return (StoredItem(*row) for row in rows)

    # -- anchoring --------------------------------------------------------------------------------------------------

    def submissions(self, batch: Batch) -> list[Submission]:
        rows = self._connection.execute(
            "SELECT calendar, accepted, answer FROM submissions WHERE batch_id = ? ORDER BY rowid", (batch.id,)
        )
        return [Submission(calendar, bool(accepted), answer) for calendar, accepted, answer in rows]

    def timestamp(self, batch: Batch) -> bytes | None:
        """The serialised OpenTimestamps timestamp of the batch's seal, as far as it has come."""
        row = self._connection.execute("SELECT timestamp FROM proofs WHERE batch_id = ?", (batch.id,)).fetchone()
        return row and bytes(row[0])

    def record_refusal(self, batch: Batch, calendar: str, answer: str, at: str) -> None:
        """A calendar did not take the batch: it stays on the list, with what was heard."""
        with _transaction(self._connection):
            self._connection.execute(
                "UPDATE submissions SET answer = ? WHERE batch_id = ? AND calendar = ?", (answer, batch.id, calendar)
            )
            self._log(at, batch.id, "not submitted", {"calendar": calendar, "answer": answer})

    @contextmanager
    def proof_change(self, batch: Batch) -> Iterator["ProofChange"]:
        """One change to a batch's proof: what is read in it cannot be overtaken by another process."""
        with _transaction(self._connection):
            yield ProofChange(self, batch)

    def may_fetch(self, calendar: str, commitment: bytes, now: float, interval: float) -> bool:
        """Whether `calendar` was not asked for `commitment` within `interval` seconds; if so, notes that it is now."""
        with _transaction(self._connection):
            changed = self._connection.execute(
                "INSERT INTO fetches VALUES (:calendar, :commitment, :now) ON CONFLICT DO UPDATE SET asked_at = :now"
                " WHERE asked_at <= :now - :interval OR asked_at > :now",
                {"calendar": calendar, "commitment": commitment, "now": now, "interval": interval},
            )
            return changed.rowcount > 0

    # -- headers ----------------------------------------------------------------------------------------------------

    def add_headers(self, network: str, start: int, headers: Sequence[Header]) -> None:
        with _transaction(self._connection):
            self._connection.executemany(
                "INSERT OR IGNORE INTO headers VALUES (?, ?, ?)",
                ((network, height, header.raw) for height, header in enumerate(headers, start)),
            )

    def headers_from(self, network: str, height: int, merkle_root: bytes) -> tuple[Header, ...]:
        """The block at `height` with `merkle_root`, and the longest row of those that follow it link by link.

        It ends where a proof has no more use for it. Empty where there is none. After a reorganisation the ledger may
        hold several headers of one height.
        """
        rows = self._connection.execute(
            "SELECT height, header FROM headers WHERE network = ? AND height BETWEEN ? AND ? ORDER BY height",
            (network, height, last_wanted(height)),
        )
        ends: dict[bytes, Header] = {}
        before: dict[bytes, Header] = {}
        for expected, (at, group) in enumerate(groupby(rows, key=itemgetter(0)), start=height):
            here = [Header(raw) for _, raw in group]
            wanted = [one for one in here if (one.previous in ends if ends else one.merkle_root == merkle_root)]
            if at != expected or not wanted:
                break
            before |= {one.hash: ends[one.previous] for one in wanted if ends}
            ends = {one.hash: one for one in wanted}
        run = list(ends.values())[:1]
        while run and run[-1].hash in before:
            run.append(before[run[-1].hash])
        return tuple(reversed(run))

    # -- events -----------------------------------------------------------------------------------------------------

    def log(self, at: str, batch: Batch | None, kind: str, detail: Any) -> None:
        """Appends to the event log; `detail` is whatever JSON can write."""
        with _transaction(self._connection):
            self._log(at, batch.id if batch else None, kind, detail)

    def _log(self, at: str, batch_id: int | None, kind: str, detail: Any) -> None:
        self._connection.execute(
            "INSERT INTO events (at, batch_id, kind, detail) VALUES (?, ?, ?, ?)",
            (at, batch_id, kind, json.dumps(detail)),
        )

    def events(self, batch: Batch) -> list[Event]:
        rows = self._connection.execute(
            "SELECT at, kind, detail FROM events WHERE batch_id = ? ORDER BY id", (batch.id,)
        )
        return [Event(*row) for row in rows]


class ProofChange:
    """A batch's proof within one transaction. Comes from `Ledger.proof_change`."""

    def __init__(self, ledger: Ledger, batch: Batch) -> None:
        self._ledger = ledger
        self._batch = batch

    @property
    def timestamp(self) -> bytes | None:
        return self._ledger.timestamp(self._batch)

    def store(self, timestamp: bytes, status: BatchStatus, at: str, detail: Any) -> None:
        execute = self._ledger._connection.execute
        execute(
            "INSERT INTO proofs VALUES (?, ?) ON CONFLICT DO UPDATE SET timestamp = excluded.timestamp",
            (self._batch.id, timestamp),
        )
        # Another process may have got further meanwhile.
        execute("UPDATE batches SET status = ? WHERE id = ? AND status <> 'attested'", (status, self._batch.id))
        self._ledger._log(at, self._batch.id, status, detail)

    def accept(self, calendars: Iterable[str]) -> int:
        """Notes that these took the batch; says how many have by now."""
        self._ledger._connection.executemany(
            "UPDATE submissions SET accepted = 1, answer = '' WHERE batch_id = ? AND calendar = ?",
            ((self._batch.id, calendar) for calendar in calendars),
        )
        return sum(one.accepted for one in self._ledger.submissions(self._batch))
