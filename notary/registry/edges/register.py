"""The keeper's own state: entries, the secrets of sealed ones, where objects are, what was signed and anchored.

It lies in a folder that nobody serves, beside the private key. Whoever has it can open every sealed entry, and without
it none can be opened. SQLite's locks keep writers apart: one appends at a time, and another one waits; one publishes at
a time, and another one is refused.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from notary.errors import FormatError, InputError, SystemFailureError, reason_of
from notary.registry.core.checkpoint import Checkpoint, read_checkpoint
from notary.registry.core.entry import Open, Opening, read_entry, write_entry
from notary.registry.core.log import leaf_hash
from notary.registry.core.note import Note, VerifierKey, read_note, read_vkey, write_note
from notary.sqlite import transaction

DATABASE = "register.db"

_APPLICATION = 0x4E6F5265
"""PRAGMA application_id: tells a register from any other SQLite file, and from a ledger."""

_VERSION = 1
_BUSY_SECONDS = 60.0
_CACHE_KIB = 48 * 1024


class AnchorStatus(StrEnum):
    """What has become of a checkpoint's proof: no calendar has it; some do; a block does."""

    QUEUED = "queued"
    PENDING = "pending"
    ATTESTED = "attested"


@dataclass(frozen=True, slots=True)
class Key:
    """One of the registry's keys. `rotation` is the index of the entry that names it, None for the first."""

    file: Path
    verifier: VerifierKey
    rotation: int | None


@dataclass(frozen=True, slots=True)
class Known:
    """An object: the index of its first entry, its leaf hash and what it says, and the leaf hash of its last entry."""

    first: int
    object: bytes
    record: Open
    last: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint that was signed, and its anchor.

    `note` has the cosignatures that are known by now; `anchored` are the bytes whose SHA-256, with `nonce` behind it
    and hashed again, calendars have a timestamp of. `taken` are the calendars that took it; `is_complete` says that
    no calendar and no block header is waited for any more.
    """

    note: Note
    anchored: bytes
    nonce: bytes
    taken: tuple[str, ...] = ()
    timestamp: bytes | None = None
    status: AnchorStatus = AnchorStatus.QUEUED
    is_complete: bool = False

    @property
    def checkpoint(self) -> Checkpoint:
        return read_checkpoint(self.note.text)

    @property
    def size(self) -> int:
        return self.checkpoint.size


@contextmanager
def new_register(folder: Path, origin: str) -> Iterator["Register"]:
    """A register of no entries, made in `folder`; if the block fails, nothing is left of the folder.

    Raises InputError where there is one, SystemFailureError.
    """
    path = folder / DATABASE
    try:
        for above in (folder.parent.parent, folder.parent):  # `parents` takes no mode
            above.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise InputError(f"the registry {origin} is there already: its private state is in {folder}") from None
    except OSError as error:
        raise SystemFailureError(f"{path}: cannot be made: {reason_of(error)}") from None
    try:
        with _connected(path) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript((files("notary.registry.edges") / "register.sql").read_text())
            connection.execute("INSERT INTO register VALUES (?, NULL)", (origin,))
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            yield Register(connection, folder, origin)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@contextmanager
def open_register(folder: Path, origin: str) -> Iterator["Register"]:
    """The register in `folder`. Raises InputError where there is none, or a newer one; SystemFailureError."""
    path = folder / DATABASE
    if not path.is_file():
        raise InputError(
            f"this machine does not keep the registry {origin}: {path} is not there", "--ledger says whose state it is"
        )
    with _connected(path) as connection:
        found = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if found != _APPLICATION:
            raise InputError(f"{path}: not a registry's private state")
        if version > _VERSION:
            raise InputError(f"{path}: written by a newer release of notary", "update notary")
        (kept,) = connection.execute("SELECT origin FROM register").fetchone()
        if kept != origin:
            raise InputError(f"{path}: the private state of {kept}, not of {origin}")
        yield Register(connection, folder, origin)


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            yield connection
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_NOTADB":
            raise InputError(f"{path}: not a registry's private state") from None
        raise SystemFailureError(f"{path}: cannot be used: {error}", "nothing was lost; try again") from None


class Register:
    """The state of one registry. Each change is whole or not at all."""

    def __init__(self, connection: sqlite3.Connection, folder: Path, origin: str) -> None:
        self._connection = connection
        self.folder = folder
        self.origin = origin

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """The right to write the published folder, which one process has at a time. Raises SystemFailureError."""
        # A lock of SQLite's ends with its process on every system.
        path = self.folder / "publishing.lock"
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as lock:
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                raise SystemFailureError(
                    f"another process is publishing {self.origin}", "wait for its end, and run the command again"
                ) from None
            with suppress(OSError):
                path.chmod(0o600)
            yield

    # -- entries ------------------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """How many entries there are, published or not."""
        last: int | None = self._connection.execute("SELECT max(number) FROM entries").fetchone()[0]
        return 0 if last is None else last + 1

    def entries(self, first: int, end: int) -> Iterator[bytes]:
        """The bytes of the entries [first, end)."""
        query = "SELECT data FROM entries WHERE number >= ? AND number < ? ORDER BY number"
        return (data for (data,) in self._connection.execute(query, (first, end)))

    def opening(self, index: int) -> Opening | None:
        """What the sealed entry at `index` holds; None where it is not sealed."""
        query = "SELECT t, record FROM secrets WHERE number = ?"
        found = self._connection.execute(query, (index,)).fetchone()
        return found and Opening(found[0], _open(found[1]))

    def objects(self, number: str, office: str | None = None) -> list[Known]:
        """The objects that an office, or any, calls `number`, in the log's order."""
        query = "SELECT DISTINCT first FROM names WHERE number = ? AND (? IS NULL OR office = ?) ORDER BY first"
        found = self._connection.execute(query, (number, office, office)).fetchall()
        return [self.object_at(first) for (first,) in found]

    def object_at(self, first: int) -> Known:
        """The object whose first entry has the index `first`."""
        query = (
            "SELECT objects.leaf, entry.data, last.leaf FROM objects JOIN entries AS entry ON entry.number = first"
            " JOIN entries AS last ON last.number = objects.last WHERE first = ?"
        )
        leaf, data, last = self._connection.execute(query, (first,)).fetchone()
        opening = self.opening(first)
        return Known(first, leaf, _open(data) if opening is None else opening.record, last)

    def record_at(self, index: int) -> Open | None:
        """What the open entry at `index` says; None where there is none, or it is of another kind."""
        for data in self.entries(index, index + 1):
            entry = read_entry(data)
            return entry if isinstance(entry, Open) else None
        return None

    def object_of(self, index: int) -> int | None:
        """The index of the first entry of the object that the entry at `index` is about; None where it is about none,
        or there is none."""
        sealed = self._connection.execute("SELECT object FROM secrets WHERE number = ?", (index,)).fetchone()
        if sealed is not None:
            return int(sealed[0])
        record = self.record_at(index)
        if record is None or record.object is None:
            return None if record is None else index
        found = self._connection.execute("SELECT first FROM objects WHERE leaf = ?", (record.object,)).fetchone()
        return None if found is None else int(found[0])

    @contextmanager
    def appending(self) -> Iterator["Appending"]:
        """To append entries: all that are appended in the block, or none."""
        with transaction(self._connection):
            yield Appending(self, self._connection, self.size)

    # -- keys and witnesses -------------------------------------------------------------------------------------------

    @property
    def keys(self) -> list[Key]:
        """All keys, in the order in which they came."""
        rows = self._connection.execute("SELECT file, vkey, rotation FROM keys ORDER BY number")
        return [Key(self.folder / file, read_vkey(vkey), rotation) for file, vkey, rotation in rows]

    def add_first_key(self, file: Path, verifier: VerifierKey) -> None:
        """Adds the key that the registry begins with."""
        with transaction(self._connection):
            self._add_key(file, verifier, None)

    def add_next_key(self, file: Path, verifier: VerifierKey, entry: bytes) -> int:
        """Adds a key with the entry that names it; that entry's index."""
        with transaction(self._connection):
            index = self.size
            self._connection.execute("INSERT INTO entries VALUES (?, ?, ?)", (index, leaf_hash(entry), entry))
            self._add_key(file, verifier, index)
        return index

    def _add_key(self, file: Path, verifier: VerifierKey, rotation: int | None) -> None:
        values = (file.name, str(verifier), rotation)
        self._connection.execute("INSERT INTO keys (file, vkey, rotation) VALUES (?, ?, ?)", values)

    def witnesses(self) -> list[VerifierKey]:
        """Those whose cosignatures are collected."""
        return [read_vkey(vkey) for (vkey,) in self._connection.execute("SELECT vkey FROM witnesses ORDER BY vkey")]

    def add_witnesses(self, witnesses: Iterable[VerifierKey]) -> None:
        with transaction(self._connection):
            rows = [(str(one),) for one in witnesses]
            self._connection.executemany("INSERT OR IGNORE INTO witnesses VALUES (?)", rows)

    # -- checkpoints and anchors --------------------------------------------------------------------------------------

    @property
    def network(self) -> str | None:
        """The network on which it is anchored; None until it is."""
        name: str | None = self._connection.execute("SELECT network FROM register").fetchone()[0]
        return name

    def settle_network(self, name: str) -> None:
        with transaction(self._connection):
            self._connection.execute("UPDATE register SET network = ?", (name,))

    def _signed(self, where: str, *values: object) -> list[Signed]:
        """The checkpoints, by size."""
        columns = "note, anchored, nonce, taken, timestamp, status, is_complete"
        query = f"SELECT {columns} FROM checkpoints WHERE {where} ORDER BY size"  # noqa: S608 - `where` is written below
        return [
            Signed(read_note(note), anchored, nonce, tuple(taken.split()), timestamp, AnchorStatus(status), bool(done))
            for note, anchored, nonce, taken, timestamp, status, done in self._connection.execute(query, values)
        ]

    def signed_at(self, size: int) -> Signed | None:
        """The checkpoint of `size` entries."""
        return next(iter(self._signed("size = ?", size)), None)

    def last_signed(self) -> Signed:
        """The last one; the first is signed when the registry is made."""
        return self._signed("size = (SELECT max(size) FROM checkpoints)")[0]

    def sizes_signed(self, count: int) -> list[int]:
        """The sizes of the last so many, the largest at the end."""
        rows = self._connection.execute("SELECT size FROM checkpoints ORDER BY size DESC LIMIT ?", (count,)).fetchall()
        return [size for (size,) in reversed(rows)]

    def open_anchors(self) -> list[Signed]:
        """The checkpoints for whose anchors there is something left to do."""
        return self._signed("size > 0 AND NOT is_complete")

    def covering(self, index: int) -> list[Signed]:
        """The checkpoints of logs that have the entry at `index`, the smallest first."""
        return self._signed("size > ?", index)

    def attested(self) -> list[Signed]:
        return self._signed("status = 'attested'")

    def keep(self, signed: Signed) -> None:
        """Puts a checkpoint there, or in the place of the one of its size."""
        values = (
            *(signed.size, write_note(signed.note), signed.anchored, signed.nonce, "\n".join(signed.taken)),
            *(signed.timestamp, signed.status, signed.is_complete),
        )
        with transaction(self._connection):
            self._connection.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


class Appending:
    """A change that appends entries. What was appended in it is found in it too."""

    def __init__(self, register: Register, connection: sqlite3.Connection, size: int) -> None:
        self._register = register
        self._connection = connection
        self.size = size

    def find(self, office: str, number: str) -> list[Known]:
        """The objects that `office` calls `number`, in the log's order."""
        # Most rows are first filings, of which there is none: this query is theirs.
        query = "SELECT first FROM names WHERE number = ? AND office = ? ORDER BY first"
        found = self._connection.execute(query, (number, office)).fetchall()
        return [self._register.object_at(first) for (first,) in found]

    def find_object(self, leaf: bytes) -> Known | None:
        """The object whose first entry has this leaf hash."""
        found = self._connection.execute("SELECT first FROM objects WHERE leaf = ?", (leaf,)).fetchone()
        return found and self._register.object_at(found[0])

    def sealed(self, first: int) -> list[tuple[int, Opening]]:
        """The entries of an object that are sealed and not opened, by their indices."""
        query = "SELECT number, t, record FROM secrets WHERE object = ? AND opened IS NULL ORDER BY number"
        rows = self._connection.execute(query, (first,)).fetchall()
        return [(index, Opening(t, _open(record))) for index, t, record in rows]

    def append(
        self, data: bytes, record: Open, first: int | None, secret: Opening | None = None, opens: int | None = None
    ) -> int:
        """Appends an entry about what `record` says; its index.

        `first` is the index of its object's first entry, or None if it is that; `secret` is what it holds, if it is
        sealed; `opens` the index of the sealed entry that it opens.
        """
        index, execute = self.size, self._connection.execute
        leaf = leaf_hash(data)
        execute("INSERT INTO entries VALUES (?, ?, ?)", (index, leaf, data))
        object_ = index if first is None else first
        if first is None:
            execute("INSERT INTO objects VALUES (?, ?, ?)", (index, index, leaf))
        else:
            execute("UPDATE objects SET last = ? WHERE first = ?", (index, first))
        execute("INSERT OR IGNORE INTO names VALUES (?, ?, ?)", (record.office, record.number, object_))
        if secret is not None:
            values = (index, object_, secret.t, write_entry(secret.record))
            execute("INSERT INTO secrets VALUES (?, ?, ?, ?, NULL)", values)
        if opens is not None:
            execute("UPDATE secrets SET opened = ? WHERE number = ?", (index, opens))
        self.size += 1
        return index


def _open(data: bytes) -> Open:
    entry = read_entry(data)
    if not isinstance(entry, Open):
        raise FormatError("an entry that can be read was expected")
    return entry
