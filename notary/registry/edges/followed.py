"""What this reader has seen of the registries that it follows: one SQLite file beside the ledger.

Without statistics SQLite rather goes through all entries in their order than use an index: INDEXED BY says which.

Of each registry: the last signed head that was verified, the entries that were proven to be under it, the hash tiles
over them, the keys that signed, in their order, the anchors of heads (`followed_anchors`) and heads in doubt
(`followed_doubts`). Of each witness's key that is used here: the heads that it cosigned. Every method is one
transaction; synchronous, so that what a witness has once seen lasts through a power cut.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notary import limits
from notary.core.digest import DIGEST_BYTES
from notary.errors import FormatError, InputError, SystemFailureError, reason_of
from notary.registry.core.checkpoint import Checkpoint, read_checkpoint
from notary.registry.core.entry import Entry, Open, Sealed, read_entry
from notary.registry.core.finding import terms
from notary.registry.core.history import Logged
from notary.registry.core.log import ReadTile
from notary.registry.core.note import Note, VerifierKey, read_note, read_vkey, write_note
from notary.registry.core.tiles import ENTRIES, WIDTH, Tile, write_bundle
from notary.registry.edges import followed_anchors, followed_doubts
from notary.sqlite import transaction

_APPLICATION = 0x4E6F7446
"""PRAGMA application_id: tells such a file from any other SQLite file."""

_VERSION = 1
_BUSY_SECONDS = 60.0
_CACHE_KIB = 64 * 1024

_SCHEMA = """
CREATE TABLE registry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again: what was dropped is not taken for what replaced it
    origin TEXT NOT NULL UNIQUE,
    note BLOB NOT NULL,             -- the last head that was verified
    seen_at INTEGER NOT NULL,       -- when its size was first seen, in seconds since 1970
    entries INTEGER NOT NULL,       -- how many of its entries have been read and proven to be under it
    keys TEXT NOT NULL,             -- vkeys, a line each: the one that the reader trusts, and those that followed it
    since INTEGER NOT NULL,         -- the size at which the first of them was trusted: rotations before it are history
    rotated INTEGER NOT NULL,       -- the size of the head under which the last of them was found, or 0
    refusal TEXT,                   -- why nothing of it is taken or shown until the user decides
    other BLOB,                     -- the head that was refused, or else an older one that was shown last
    evidence TEXT                   -- the file in which both are, where they diverge
) STRICT;
CREATE TABLE entry (
    registry INTEGER NOT NULL REFERENCES registry ON DELETE CASCADE,
    position INTEGER NOT NULL,
    leaf BLOB NOT NULL,
    data BLOB NOT NULL,
    object BLOB,                    -- the leaf of the object's first entry
    commitment BLOB,                -- of a sealed one
    opens BLOB,                     -- the commitment that it opens
    PRIMARY KEY (registry, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_object ON entry (registry, object) WHERE object IS NOT NULL;
CREATE INDEX entry_commitment ON entry (registry, commitment) WHERE commitment IS NOT NULL;
CREATE INDEX entry_opens ON entry (registry, opens) WHERE opens IS NOT NULL;
CREATE TABLE term (
    term TEXT NOT NULL,
    registry INTEGER NOT NULL REFERENCES registry ON DELETE CASCADE,
    position INTEGER NOT NULL,
    PRIMARY KEY (term, registry, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE tile (                 -- from level 1 on: level 0 is the entries' leaves
    registry INTEGER NOT NULL REFERENCES registry ON DELETE CASCADE,
    level INTEGER NOT NULL,
    position INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (registry, level, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE witnessed (
    public_key BLOB NOT NULL,
    origin TEXT NOT NULL,
    note BLOB NOT NULL,
    key TEXT NOT NULL,              -- the vkey that had signed it
    PRIMARY KEY (public_key, origin)
) STRICT, WITHOUT ROWID;
"""

_COLUMNS = "id, origin, note, seen_at, entries, keys, since, rotated, refusal, other, evidence"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one registry; see the table's columns. `entries` is how many of `head.size` are here."""

    id: int
    origin: str
    note: Note
    seen_at: int
    entries: int
    keys: tuple[VerifierKey, ...]
    since: int
    rotated: int
    refusal: str | None
    other: Note | None
    evidence: str | None

    @property
    def head(self) -> Checkpoint:
        return read_checkpoint(self.note.text)

    @property
    def is_whole(self) -> bool:
        return self.entries == self.head.size


@dataclass(frozen=True, slots=True)
class Fetched:
    """An entry as it was read. `entry` is None where its bytes are not an entry of any kind that is known here."""

    index: int
    leaf: bytes
    data: bytes
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A head that was cosigned, and the registry's key that had signed it."""

    note: Note
    key: VerifierKey

    @property
    def head(self) -> Checkpoint:
        return read_checkpoint(self.note.text)


class Followed:
    """The file, open. Raises SystemFailureError where it cannot be used."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path
        self.anchors = followed_anchors.KeptAnchors(connection)
        self.doubts = followed_doubts.KeptDoubts(connection)

    # -- registries -------------------------------------------------------------------------------------------------

    def seen(self, origin: str) -> Seen | None:
        """What was seen of a registry, if anything was."""
        row = self._one(f"SELECT {_COLUMNS} FROM registry WHERE origin = ?", origin)  # noqa: S608 (a constant)
        return None if row is None else _seen(row)

    def begin(self, note: Note, keys: Iterable[VerifierKey], now: int) -> None:
        """Takes the first head of a registry, or the first after the user decided: what was kept of it is dropped."""
        head = read_checkpoint(note.text)
        with transaction(self._connection):
            self._run("DELETE FROM registry WHERE origin = ?", head.origin)
            self._run(
                "INSERT INTO registry (origin, note, seen_at, entries, keys, since, rotated)"
                " VALUES (?, ?, ?, 0, ?, ?, 0)",
                *(head.origin, write_note(note), now, "\n".join(map(str, keys)), head.size),
            )
            followed_anchors.want(self._connection, note)

    def advance(self, seen: Seen, note: Note, now: int) -> None:
        """Takes a head that continues the last one, or the same one with other signatures; a refusal is lifted."""
        seen_at = seen.seen_at if read_checkpoint(note.text).size == seen.head.size else now
        with transaction(self._connection):
            self._run(
                "UPDATE registry SET note = ?, seen_at = ?, refusal = NULL, other = NULL, evidence = NULL WHERE id = ?",
                *(write_note(note), seen_at, seen.id),
            )
            followed_anchors.want(self._connection, note)

    def trust(self, seen: Seen, key: VerifierKey, since: int) -> None:
        """Takes a key that the user has put in the place of those before."""
        with transaction(self._connection):
            self._run("UPDATE registry SET keys = ?, since = ?, rotated = 0 WHERE id = ?", str(key), since, seen.id)

    def put_aside(self, seen: Seen, other: Note) -> None:
        """Notes that an older head of the same log was shown, until one is taken that continues the last."""
        with transaction(self._connection):
            self._run("UPDATE registry SET other = ? WHERE id = ?", write_note(other), seen.id)

    def refuse(self, seen: Seen, why: str, other: Note, evidence: str) -> None:
        """Notes that a registry is refused, because of the head `other`."""
        with transaction(self._connection):
            self._run(
                "UPDATE registry SET refusal = ?, other = ?, evidence = ? WHERE id = ?",
                *(why, write_note(other), evidence, seen.id),
            )

    # -- entries ----------------------------------------------------------------------------------------------------

    def append(
        self,
        seen: Seen,
        entries: Sequence[Fetched],
        tiles: Iterable[tuple[Tile, bytes]],
        rotations: Sequence[VerifierKey],
        size: int,
    ) -> None:
        """Keeps the next entries, which were proven to be under a head of `size`, the tiles over them, and the keys
        that they name.

        Raises SystemFailureError where another process has meanwhile kept some of them.
        """
        if not entries:
            return
        with transaction(self._connection):
            here = self._one("SELECT entries, keys FROM registry WHERE id = ?", seen.id)
            if here is None or here[0] != entries[0].index:
                raise SystemFailureError(f"{self.path}: another process is syncing {seen.origin}", "try again later")
            self._connection.executemany(
                "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)", (_entry_row(seen.id, one) for one in entries)
            )
            self._connection.executemany(
                "INSERT INTO term VALUES (?, ?, ?)",
                ((term, seen.id, one.index) for one in entries for term in terms(one.entry)),
            )
            self._connection.executemany(
                "INSERT OR REPLACE INTO tile VALUES (?, ?, ?, ?)",
                ((seen.id, tile.level, tile.index, data) for tile, data in tiles if tile.level > 0),
            )
            self._run("UPDATE registry SET entries = ? WHERE id = ?", entries[-1].index + 1, seen.id)
            if rotations:
                keys = "\n".join([here[1], *map(str, rotations)])
                self._run("UPDATE registry SET keys = ?, rotated = ? WHERE id = ?", keys, size, seen.id)

    def tiles(self, seen: Seen) -> ReadTile:
        """The tiles over the entries that are here: a `ReadTile` of the log's core."""

        def read(tile: Tile) -> bytes:
            if tile.level > 0:
                where = (seen.id, tile.level, tile.index)
                row = self._one("SELECT data FROM tile WHERE registry = ? AND level = ? AND position = ?", *where)
                return b"" if row is None else bytes(row[0][: tile.width * DIGEST_BYTES])
            column = "data" if tile.level == ENTRIES else "leaf"
            first = tile.index * WIDTH
            rows = self._all(
                f"SELECT {column} FROM entry WHERE registry = ? AND position >= ? AND position < ? ORDER BY position",  # noqa: S608 (one of two constants)
                *(seen.id, first, first + tile.width),
            )
            values = [row[0] for row in rows]
            return write_bundle(values) if tile.level == ENTRIES else b"".join(values)

        return read

    def entry(self, seen: Seen, index: int) -> Fetched | None:
        """The entry at `index`, if it is here."""
        statement = "SELECT position, leaf, data FROM entry WHERE registry = ? AND position = ?"
        row = self._one(statement, seen.id, index)
        return None if row is None else _fetched(*row)

    def of_object(self, seen: Seen, object_leaf: bytes) -> tuple[Logged, ...]:
        """The entries of one object in the log's order, with the sealed ones that they open; at most
        `limits.REGISTRY_HISTORY` and one more."""
        rows = self._all(
            """
            SELECT position, leaf, data FROM entry INDEXED BY entry_object WHERE registry = :id AND object = :object
            UNION
            SELECT sealed.position, sealed.leaf, sealed.data FROM entry AS opening INDEXED BY entry_object
            CROSS JOIN entry AS sealed INDEXED BY entry_commitment
            ON sealed.registry = :id AND sealed.commitment = opening.opens
            WHERE opening.registry = :id AND opening.object = :object
            ORDER BY 1 LIMIT :most
            """,
            {"id": seen.id, "object": object_leaf, "most": limits.REGISTRY_HISTORY + 1},
        )
        found = (_fetched(*row) for row in rows)
        return tuple(Logged(one.index, one.leaf, one.entry) for one in found if one.entry is not None)

    def opener(self, seen: Seen, commitment: bytes) -> bytes | None:
        """The object of the first entry that opens what was sealed under `commitment`, if one does."""
        row = self._one(
            "SELECT object FROM entry INDEXED BY entry_opens WHERE registry = ? AND opens = ?"
            " ORDER BY position LIMIT 1",
            *(seen.id, commitment),
        )
        return None if row is None else bytes(row[0])

    def with_term(self, seen: Seen, term: str) -> Iterator[Fetched]:
        """The entries that are kept under `term`, in the log's order."""
        rows = self._connection.execute(
            "SELECT entry.position, leaf, data FROM term CROSS JOIN entry USING (registry, position)"
            " WHERE term = ? AND term.registry = ? ORDER BY term.position",
            (term, seen.id),
        )
        for row in rows:
            yield _fetched(*row)

    # -- witnesses --------------------------------------------------------------------------------------------------

    def witnessed(self, public_key: bytes, origin: str) -> Witnessed | None:
        """The last head of a registry that the witness with this key cosigned."""
        statement = "SELECT note, key FROM witnessed WHERE public_key = ? AND origin = ?"
        row = self._one(statement, public_key, origin)
        return None if row is None else Witnessed(read_note(row[0]), read_vkey(row[1]))

    def witness(self, public_key: bytes, now: Witnessed, before: Witnessed | None) -> None:
        """Notes that the witness with this key has seen `now`, after `before`. On the disk when it returns.

        Raises SystemFailureError where another process has meanwhile noted another one.
        """
        origin = now.head.origin
        with transaction(self._connection):
            if self.witnessed(public_key, origin) != before:
                raise SystemFailureError(f"another process is cosigning {origin} with this key", "try again")
            values = (public_key, origin, write_note(now.note), str(now.key))
            self._run("INSERT OR REPLACE INTO witnessed VALUES (?, ?, ?, ?)", *values)

    # -- statements -------------------------------------------------------------------------------------------------

    def _run(self, statement: str, *values: Any) -> None:
        self._connection.execute(statement, values)

    def _one(self, statement: str, *values: Any) -> Any:
        return self._connection.execute(statement, values).fetchone()

    def _all(self, statement: str, *values: Any) -> list[Any]:
        named = values[0] if values and isinstance(values[0], dict) else values
        return self._connection.execute(statement, named).fetchall()


def _seen(row: Sequence[Any]) -> Seen:
    id_, origin, note, seen_at, entries, keys, since, rotated, refusal, other, evidence = row
    vkeys = tuple(read_vkey(key) for key in keys.split("\n"))
    refused = None if other is None else read_note(other)
    return Seen(id_, origin, read_note(note), seen_at, entries, vkeys, since, rotated, refusal, refused, evidence)


def _entry_row(registry: int, one: Fetched) -> tuple[Any, ...]:
    entry, object_leaf, commitment, opens = one.entry, None, None, None
    if isinstance(entry, Open):
        object_leaf = entry.object or one.leaf
        opens = entry.opening.commitment if entry.opening is not None else None
    elif isinstance(entry, Sealed):
        object_leaf, commitment = one.leaf, entry.commitment
    return registry, one.index, one.leaf, one.data, object_leaf, commitment, opens


def _fetched(index: int, leaf: bytes, data: bytes) -> Fetched:
    return Fetched(index, leaf, data, entry_of(data))


def entry_of(data: bytes) -> Entry | None:
    """The entry that `data` is, or None: a registry may hold what another release understands."""
    try:
        return read_entry(data)
    except FormatError:
        return None


# -- the file -------------------------------------------------------------------------------------------------------


@contextmanager
def open_followed(path: Path) -> Iterator[Followed]:
    """The file at `path`, made if it is not there, for its owner's eyes only.

    Raises InputError where it is none of these files, or a newer one; SystemFailureError where it cannot be used.
    """
    try:
        with _connected(path) as connection:
            yield Followed(connection, path)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_NOTADB":
            raise InputError(f"{path}: not a file of followed registries") from None
        raise SystemFailureError(f"{path}: it cannot be used: {error}", "nothing was lost; try again") from None


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise SystemFailureError(f"{path}: it cannot be opened: {reason_of(error)}") from None
    connection = sqlite3.connect(path.absolute(), timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        _make(connection, path)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        yield connection
    finally:
        connection.close()


def _make(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        is_new = not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        if not is_new and connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
            raise InputError(f"{path}: not a file of followed registries")
        if connection.execute("PRAGMA user_version").fetchone()[0] > _VERSION:
            raise InputError(f"{path}: written by a newer release of notary", "update notary")
        if is_new:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        for added in (followed_anchors.SCHEMA, followed_doubts.SCHEMA):
            connection.execute(added)
    finally:
        connection.execute("COMMIT")
