"""Heads that a registry signed and did not show to continue the one that was seen: a part of the file `followed` is.

They are kept until they can be compared: a later head that does continue shows whether they were of the same log.
"""

import sqlite3
from dataclasses import dataclass

from notary import limits
from notary.registry.core.checkpoint import Checkpoint, read_checkpoint
from notary.registry.core.note import Note, read_note, write_note
from notary.sqlite import transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS doubt (
    registry INTEGER NOT NULL REFERENCES registry ON DELETE CASCADE,
    text TEXT NOT NULL,
    note BLOB NOT NULL,             -- the head, as it was signed
    seen_at INTEGER NOT NULL,       -- in seconds since 1970
    PRIMARY KEY (registry, text)
) STRICT, WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A signed head that was not shown to continue the one that was seen, and when it was first shown."""

    note: Note
    seen_at: int

    @property
    def head(self) -> Checkpoint:
        return read_checkpoint(self.note.text)


class KeptDoubts:
    """Those in the file; `registry` is the `id` of what was seen of one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def of(self, registry: int) -> tuple[Doubt, ...]:
        """All, the first that was shown first."""
        rows = self._connection.execute(
            "SELECT note, seen_at FROM doubt WHERE registry = ? ORDER BY seen_at, text", (registry,)
        )
        return tuple(Doubt(read_note(note), seen_at) for note, seen_at in rows)

    def keep(self, registry: int, note: Note, now: int) -> None:
        """Keeps a head, unless it is there, or `limits.REGISTRY_DOUBTS` are."""
        with transaction(self._connection):
            self._connection.execute(
                "INSERT OR IGNORE INTO doubt SELECT id, ?, ?, ? FROM registry"
                " WHERE id = ? AND (SELECT count(*) FROM doubt WHERE registry = id) < ?",
                (note.text, write_note(note), now, registry, limits.REGISTRY_DOUBTS),
            )

    def settle(self, registry: int, note: Note) -> None:
        """Forgets one that is no doubt any more."""
        with transaction(self._connection):
            self._connection.execute("DELETE FROM doubt WHERE registry = ? AND text = ?", (registry, note.text))
