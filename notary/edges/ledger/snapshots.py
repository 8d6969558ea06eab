"""Snapshots: two batches of the ledger compared path by path, and the batch that was made of the same places before.

Rows are read in order and compared as they come, so that a batch of a million items takes seconds, and little memory.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from notary.edges.ledger import Batch, Ledger
from notary.edges.ledger.columns import as_bytes
from notary.sqlite import transaction


class Kind(StrEnum):
    """What became of a recorded path, and the sign for it."""

    ADDED = "+"
    CHANGED = "~"
    REMOVED = "-"
    MOVED = ">"


class Difference(NamedTuple):
    """A recorded path at which two batches differ; `moved_to` is where its bytes are in the later one."""

    kind: Kind
    path: bytes
    moved_to: bytes | None = None


class Counts(NamedTuple):
    """How many paths differ, and in how many there is the same file."""

    added: int
    changed: int
    removed: int
    unchanged: int


# SQLite merges both halves as they come: each is in order by the index on folders, but for the names in a folder.
_BOTH = (
    "SELECT recorded, name, 0, digest FROM folders CROSS JOIN items ON folder_id = folders.id WHERE batch_id = ?"
    " UNION ALL"
    " SELECT recorded, name, 1, digest FROM folders CROSS JOIN items ON folder_id = folders.id WHERE batch_id = ?"
    " ORDER BY 1, 2, 3"
)

_Differing = tuple[str | bytes, str | bytes, bytes | None, bytes | None]
"""Folder, name, the digest before, and the digest after."""


def _differing(connection: sqlite3.Connection, before: Batch, after: Batch) -> Iterator[_Differing]:
    waiting: tuple[str | bytes, str | bytes, bytes] | None = None
    for folder, name, side, digest in connection.execute(_BOTH, (before.id, after.id)):
        if waiting is not None:
            if side and waiting[1] == name and waiting[0] == folder:
                if waiting[2] != digest:
                    yield folder, name, waiting[2], digest
                waiting = None
                continue
            yield *waiting, None
            waiting = None
        if side:
            yield folder, name, None, digest
        else:
            waiting = (folder, name, digest)
    if waiting is not None:
        yield *waiting, None


def count_differences(ledger: Ledger, before: Batch, after: Batch) -> Counts:
    """How the later batch differs, by recorded path and digest; what was moved is removed here and added there."""
    added = changed = removed = 0
    for _, _, old, new in _differing(ledger._connection, before, after):
        added += old is None
        removed += new is None
        changed += old is not None and new is not None
    return Counts(added, changed, removed, before.size - removed - changed)


_TABLES = """
CREATE TEMP TABLE differences (id INTEGER PRIMARY KEY, recorded ANY, name ANY, before BLOB, after BLOB) STRICT;
CREATE TEMP TABLE moves (source INTEGER PRIMARY KEY, target INTEGER NOT NULL) STRICT;
"""

_MOVES = """
INSERT INTO moves
SELECT max(id) FILTER (WHERE after IS NULL), max(id) FILTER (WHERE before IS NULL) FROM differences
WHERE before IS NULL OR after IS NULL
GROUP BY coalesce(before, after) HAVING count(before) = 1 AND count(after) = 1 AND coalesce(before, after) <> ?
ORDER BY 1
"""

_DIFFERENCES = """
SELECT here.recorded, here.name, here.before IS NULL, here.after IS NULL, there.recorded, there.name
FROM differences here LEFT JOIN moves ON source = here.id LEFT JOIN differences there ON there.id = target
WHERE here.id NOT IN (SELECT target FROM moves) ORDER BY here.id
"""

_EMPTY = hashlib.sha256(b"").digest()
"""Empty files say nothing of where they come from."""


def differences(ledger: Ledger, before: Batch, after: Batch) -> Iterator[Difference]:
    """Each path at which the batches differ, folder by folder, read as it is needed; one comparison at a time.

    A file that is gone, and whose bytes are at one new path and were at no other that is gone, was moved there.
    """
    connection = ledger._connection
    try:
        with transaction(connection, begin="BEGIN"):  # locks nothing: what is written is this connection's own
            for statement in _TABLES.strip().split("\n"):
                connection.execute(statement)
            rows = _differing(connection, before, after)
            connection.executemany("INSERT INTO differences VALUES (NULL, ?, ?, ?, ?)", rows)
            connection.execute(_MOVES, (_EMPTY,))
        for folder, name, is_new, is_gone, to_folder, to_name in connection.execute(_DIFFERENCES):
            path = _joined(folder, name)
            if to_name is not None:
                yield Difference(Kind.MOVED, path, _joined(to_folder, to_name))
            else:
                yield Difference(Kind.ADDED if is_new else Kind.REMOVED if is_gone else Kind.CHANGED, path)
    finally:
        for table in ("differences", "moves"):
            connection.execute(f"DROP TABLE IF EXISTS temp.{table}")


def _joined(folder: str | bytes, name: str | bytes) -> bytes:
    return b"/".join(filter(None, (as_bytes(folder), as_bytes(name))))


# -- the batch before -----------------------------------------------------------------------------------------------

# With the plus SQLite goes through the batches one by one, newest first, as far as it is asked; else it sorts them all.
_CANDIDATES = """
SELECT head, recorded, source, (SELECT name FROM items WHERE folder_id = folders.id LIMIT 1) FROM batches
JOIN folders ON folders.id = (SELECT id FROM folders WHERE batch_id = batches.id ORDER BY recorded LIMIT 1)
WHERE batches.id < ? AND +network = ? AND batches.id NOT IN (SELECT batch_id FROM load_files)
ORDER BY batches.id DESC
"""

_PLACES = """
SELECT recorded, source, '' FROM folders WHERE batch_id = ?1 AND recorded <> ''
UNION ALL
SELECT recorded, source, name FROM folders JOIN items ON folder_id = folders.id WHERE batch_id = ?1 AND recorded = ''
"""


def batch_before(ledger: Ledger, batch: Batch, places: Mapping[bytes, bytes]) -> Batch | None:
    """The newest batch before this one, on its network, that was stamped from the same places; None where none was.

    `places` are the files and folders that were named for `batch`: each absolute path by which it may have been named,
    normalised, and one path for all of those. A place without a file left nothing to know it by: it may be missing in
    the batch before, if it has no file now either. Batches made from load files are passed over.
    """
    now: set[bytes | None] = set()
    rows = ledger._connection.execute(_CANDIDATES, (batch.id, batch.network))
    for head, *row in rows:
        if _place(*row) not in places:
            continue
        now = now or _places(ledger, batch, places)
        if now <= (then := _places(ledger, ledger.find(head.hex()), places)) and None not in then:
            return ledger.find(head.hex())
    return None


def _places(ledger: Ledger, batch: Batch, places: Mapping[bytes, bytes]) -> set[bytes | None]:
    """Those of `places` that the batch has files of; and None, where it has others."""
    rows = ledger._connection.execute(_PLACES, (batch.id,))
    return {places.get(one) for one in {_place(*row) for row in rows}}


def _place(recorded: str | bytes, source: str | bytes, name: str | bytes) -> bytes:
    """The path that was named when a file with this recorded folder, which was in `source`, was stamped."""
    folder, separator = as_bytes(source), os.sep.encode()
    if not recorded:  # the file itself was
        return normalised(os.path.join(folder, as_bytes(name)))  # noqa: PTH118 - bytes
    _, slash, below = as_bytes(recorded).partition(b"/")
    return normalised(folder[: len(folder) - len(slash + below)].rstrip(separator) + separator)


def normalised(path: bytes) -> bytes:
    """An absolute path in the one form in which `batch_before` compares them."""
    return os.path.normcase(os.path.normpath(path))
