"""The anchors of the heads that a reader has seen: a part of the file that `followed` is.

A row is there for each size that was seen, from that moment on, so that an anchor that comes a day later is not
forgotten; it goes with its registry. An older release finds the table and leaves it alone.
"""

import sqlite3
from dataclasses import dataclass

from notary import limits
from notary.registry.core.checkpoint import read_checkpoint
from notary.registry.core.note import Note
from notary.sqlite import transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS anchor (
    registry INTEGER NOT NULL REFERENCES registry ON DELETE CASCADE,
    size INTEGER NOT NULL,
    text TEXT NOT NULL,             -- of the head that was seen
    misses INTEGER NOT NULL,        -- how often its files were not there, or not what they should be
    is_open INTEGER NOT NULL,       -- whether there is more to come
    checkpoint BLOB,                -- SIZE.checkpoint
    proof BLOB,                     -- SIZE.checkpoint.ots
    headers_index BLOB,             -- of headers.json and headers.bin, what this proof has a use for
    headers BLOB,
    PRIMARY KEY (registry, size)
) STRICT, WITHOUT ROWID
"""

_COLUMNS = "size, text, misses, is_open, checkpoint, proof, headers_index, headers"


@dataclass(frozen=True, slots=True)
class KeptAnchor:
    """What is here of the anchor of the head of `size` entries, whose text is `text`; see the table's columns."""

    size: int
    text: str
    misses: int = 0
    is_open: bool = True
    checkpoint: bytes | None = None
    proof: bytes | None = None
    headers_index: bytes | None = None
    headers: bytes | None = None


def want(connection: sqlite3.Connection, note: Note) -> None:
    """Makes the row for a head that was seen, in the caller's transaction. The empty log's is not anchored."""
    head = read_checkpoint(note.text)
    if head.size:
        connection.execute(
            f"INSERT OR IGNORE INTO anchor (registry, {_COLUMNS})"  # noqa: S608 (a constant)
            " SELECT id, ?, ?, 0, 1, NULL, NULL, NULL, NULL FROM registry WHERE origin = ?",
            (head.size, note.text, head.origin),
        )


class KeptAnchors:
    """The anchors in the file; `registry` is the `id` of what was seen of one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def open(self, registry: int) -> tuple[KeptAnchor, ...]:
        """Those that are worth asking for, the newest `limits.REGISTRY_ANCHORS_OPEN`, the smallest first."""
        found = self._rows(
            "registry = ? AND is_open AND misses < ? ORDER BY size DESC LIMIT ?",
            *(registry, limits.REGISTRY_ANCHOR_MISSES, limits.REGISTRY_ANCHORS_OPEN),
        )
        return tuple(reversed(found))

    def above(self, registry: int, index: int) -> tuple[KeptAnchor, ...]:
        """Those with a proof whose heads have the entry at `index`, the smallest first; some of very many."""
        where = "registry = ? AND size > ? AND proof IS NOT NULL ORDER BY size LIMIT ?"
        return self._rows(where, registry, index, limits.REGISTRY_ANCHORS_LOOKED_AT)

    def keep(self, registry: int, anchor: KeptAnchor) -> None:
        """Puts what is known by now in the place of what was, unless the registry was dropped meanwhile."""
        with transaction(self._connection):
            self._connection.execute(
                "UPDATE anchor SET misses = ?, is_open = ?, checkpoint = ?, proof = ?, headers_index = ?, headers = ?"
                " WHERE registry = ? AND size = ?",
                (
                    *(anchor.misses, anchor.is_open, anchor.checkpoint, anchor.proof),
                    *(anchor.headers_index, anchor.headers, registry, anchor.size),
                ),
            )

    def _rows(self, where: str, *values: object) -> tuple[KeptAnchor, ...]:
        query = f"SELECT {_COLUMNS} FROM anchor WHERE {where}"  # noqa: S608 (`where` is written above)
        return tuple(
            KeptAnchor(size, text, misses, bool(is_open), *parts)
            for size, text, misses, is_open, *parts in self._connection.execute(query, values)
        )
