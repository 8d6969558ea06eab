"""The ledger: what was stamped here, in one SQLite file that only its owner can read, since it holds the batch keys.

Every change is one transaction that is synced before it counts: a killed process leaves the old state or the new.
Two processes may work on one ledger; each waits for the other's transaction.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from notary import limits
from notary.core.chain import last_wanted
from notary.core.evidence import DECLARED
from notary.core.header import Header
from notary.edges.ledger.columns import as_bytes, index_items, text_or_bytes
from notary.edges.ledger.database import connected, database_files, unchecked_references
from notary.edges.ledger.drafts import Draft, DraftItem, DraftRow, Known, LeftBehind, attached, draft_files, left_behind
from notary.edges.ledger.values import (
    Batch,
    BatchStatus,
    Conflict,
    Event,
    LineMovedError,
    NewBatch,
    StoredItem,
    StoredLoadFile,
    Submission,
)
from notary.errors import InputError
from notary.sqlite import transaction

__all__ = [
    "Batch",
    "BatchStatus",
    "Conflict",
    "Draft",
    "DraftItem",
    "DraftRow",
    "Event",
    "Known",
    "Ledger",
    "LeftBehind",
    "LineMovedError",
    "NewBatch",
    "StoredItem",
    "StoredLoadFile",
    "Submission",
    "open_ledger",
]

_MIN_PREFIX = 4


_SELECT_BATCHES = (
    "SELECT batches.id, head, root, size, total_bytes, network, manifest, declared_at, title, matters.name,"
    " min_calendars, writes_ots, status, first_item, signature, signer, previous, authority, token"
    " FROM batches LEFT JOIN matters ON matters.id = matter_id"
)


@contextmanager
def open_ledger(path: Path) -> Iterator["Ledger"]:
    """The ledger at `path`, made if it is not there.

    Raises InputError where the file is no ledger, or a newer one; SystemFailureError where it cannot be used.
    """
    with connected(path) as connection:
        yield Ledger(connection, path)


class Ledger:
    """The questions and changes that the verbs have for the ledger. Open it with `open_ledger`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path

    def own_files(self) -> tuple[Path, ...]:
        """The files that SQLite keeps for this ledger, and those of drafts."""
        return (*database_files(self.path), *draft_files(self.path))

    # -- batches ----------------------------------------------------------------------------------------------------

    @contextmanager
    def draft(self, key: Sequence[bytes] | None) -> Iterator[Draft]:
        """The draft of a batch to be sealed within the block; `key` tells it from others, and finds it again later."""
        with attached(self._connection, self.path, key) as draft:
            yield draft

    def drafts(self) -> list[LeftBehind]:
        """The drafts of batches that are not sealed: under way in some process, or cut short."""
        return list(left_behind(self._connection, self.path))

    def seal(
        self, draft: Draft, new: NewBatch, at: str, notes: Iterable[str] = (), problems: Iterable[str] = ()
    ) -> Batch:
        """Seals a batch: it is in the ledger with all items of its draft, queued for its calendars, or not at all.

        `notes` say what was left out of it, `problems` what a load file states and was not found to be so. Raises
        LineMovedError where the batch that it names as the one before it is no longer the last.
        """
        execute = self._connection.execute
        with unchecked_references(self._connection), transaction(self._connection):
            if self.last_of_line(new.network, new.signer) != new.previous:
                raise LineMovedError
            matter_id = None
            if new.matter is not None:
                execute("INSERT OR IGNORE INTO matters (name) VALUES (?)", (new.matter,))
                matter_id = execute("SELECT id FROM matters WHERE name = ?", (new.matter,)).fetchone()[0]
            above = execute("SELECT coalesce(max(id), 0) FROM items").fetchone()[0]
            batch_id = execute(
                "INSERT INTO batches (head, root, size, total_bytes, network, manifest, declared_at, title, matter_id,"
                " min_calendars, writes_ots, status, first_item, signature, signer, previous, authority)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?)",
                (
                    *(new.head, new.root, draft.size, draft.total_bytes, new.network, new.manifest, new.declared_at),
                    *(new.title, matter_id, new.min_calendars, new.writes_ots, above + 1),
                    *(new.signature, new.signer, new.previous, new.authority),
                ),
            ).lastrowid
            execute("INSERT INTO batch_keys VALUES (?, ?)", (batch_id, new.key))
            execute("INSERT INTO trees VALUES (?, ?)", (batch_id, new.block_roots))
            self._add_items(draft, batch_id, above)
            if new.load_file is not None:
                self._add_load_file(new.load_file, batch_id, above)
            self._connection.executemany(
                "INSERT INTO submissions (batch_id, calendar) VALUES (?, ?)",
                ((batch_id, calendar) for calendar in new.calendars),
            )
            self._log(at, batch_id, "sealed", {"items": draft.size, "network": new.network, "draft": draft.name})
            for note in notes:
                self._log(at, batch_id, "skipped", note)
            for problem in problems:
                self._log(at, batch_id, "problem", problem)
        return self.find(new.head.hex())

    def _add_items(self, draft: Draft, batch_id: int | None, above: int) -> None:
        execute = self._connection.execute
        folders = execute("SELECT coalesce(max(id), 0) FROM folders").fetchone()[0]
        is_large = draft.size > above
        if is_large:
            execute("DROP INDEX items_by_folder")
            execute("DROP INDEX items_by_digest")
        execute(
            "INSERT INTO main.folders SELECT id + ?, ?, recorded, source FROM draft.folders ORDER BY id",
            (folders, batch_id),
        )
        execute(
            "INSERT INTO main.items SELECT id + ?, folder_id + ?, name, size, mtime, mtime_ns, digest"
            " FROM draft.items ORDER BY id",
            (above, folders),
        )
        execute(
            "INSERT INTO main.declarations SELECT item_id + ?, exhibit, custodian, bates, description, source"
            " FROM draft.declarations ORDER BY item_id",
            (above,),
        )
        if is_large:
            index_items(self._connection)

    def _add_load_file(self, file: StoredLoadFile, batch_id: int | None, above: int) -> None:
        self._connection.execute(
            "INSERT INTO load_files VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(batch_id, text_or_bytes(os.fsencode(file.name)), file.dialect, file.encoding, file.has_bom),
                *(file.newline, json.dumps(file.columns)),
            ),
        )
        self._connection.execute(
            "INSERT INTO main.load_rows SELECT ?, row, item_id + ?, cells FROM draft.load_rows ORDER BY row",
            (batch_id, above),
        )

    def batches(self, matter: str | None = None) -> list[Batch]:
        """All batches, newest first; or those of a matter, oldest first. Raises InputError for a matter without any."""
        if matter is None:
            return self._batches(f"{_SELECT_BATCHES} ORDER BY batches.id DESC")
        found = self._batches(f"{_SELECT_BATCHES} WHERE matters.name = ? ORDER BY batches.id", matter)
        if not found:
            names = [name for (name,) in self._connection.execute("SELECT name FROM matters ORDER BY name LIMIT 20")]
            raise InputError(
                f"there is no matter {matter!r} in {self.path}",
                f"its matters are {', '.join(map(repr, names)) or 'none'}",
            )
        return found

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

    def with_head(self, head: bytes) -> Batch | None:
        """The batch with exactly this head, if it is here."""
        return next(iter(self._batches(f"{_SELECT_BATCHES} WHERE head = ?", head)), None)

    def _batches(self, query: str, *parameters: object) -> list[Batch]:
        rows = (Batch(*row) for row in self._connection.execute(query, parameters))
        return [replace(row, writes_ots=bool(row.writes_ots), status=BatchStatus(row.status)) for row in rows]

    def last_of_line(self, network: str, signer: str | None) -> bytes | None:
        """The head of the last batch that this signer, or nobody, has signed here on this network."""
        row = self._connection.execute(
            "SELECT head FROM batches WHERE network = ? AND signer IS ? ORDER BY id DESC LIMIT 1", (network, signer)
        ).fetchone()
        return row and bytes(row[0])

    def key(self, batch: Batch) -> bytes:
        """The 32 secret bytes from which the batch's salts are made."""
        row = self._connection.execute("SELECT key FROM batch_keys WHERE batch_id = ?", (batch.id,)).fetchone()
        return bytes(row[0])

    def items(self, batch: Batch, first: int = 0, count: int | None = None) -> Iterator[StoredItem]:
        """The batch's items in order from `first` on, `count` of them or all, read as they are needed."""
        end = batch.size if count is None else min(first + count, batch.size)
        rows = self._connection.execute(
            "SELECT items.id - ?, digest, size, mtime, mtime_ns, recorded, name, folders.source,"
            " declarations.item_id IS NOT NULL, exhibit, custodian, bates, description, declarations.source"
            " FROM items JOIN folders ON folders.id = folder_id"
            " LEFT JOIN declarations ON declarations.item_id = items.id"
            " WHERE items.id >= ? AND items.id < ? ORDER BY items.id",
            (batch.first_item, batch.first_item + first, batch.first_item + end),
        )
        for index, digest, size, mtime, mtime_ns, recorded, name, source, has_declared, *declared in rows:
            yield StoredItem(
                index,
                digest,
                size,
                None if mtime is None else mtime * 10**9 + mtime_ns,
                as_bytes(recorded),
                as_bytes(name),
                as_bytes(source),
                _declared(declared) if has_declared else None,
            )

    def items_at(self, batch: Batch, path: bytes) -> list[int]:
        """The indices of the items with exactly this recorded path: one, or none."""
        folder, _, name = path.rpartition(b"/")
        rows = self._connection.execute(
            "SELECT items.id - ? FROM folders JOIN items ON items.folder_id = folders.id"
            " WHERE batch_id = ? AND recorded = ? AND name = ?",
            (batch.first_item, batch.id, text_or_bytes(folder), text_or_bytes(name)),
        )
        return [index for (index,) in rows]

    def block_roots(self, batch: Batch) -> bytes | None:
        """The roots of the blocks of the batch's tree, if they were kept when it was sealed."""
        row = self._connection.execute("SELECT block_roots FROM trees WHERE batch_id = ?", (batch.id,)).fetchone()
        return row and bytes(row[0])

    def keep_block_roots(self, batch: Batch, block_roots: bytes) -> None:
        with transaction(self._connection):
            self._connection.execute("INSERT OR REPLACE INTO trees VALUES (?, ?)", (batch.id, block_roots))

    def load_file(self, batch: Batch) -> StoredLoadFile | None:
        """The load file that the batch was made from, if any."""
        row = self._connection.execute(
            "SELECT name, dialect, encoding, has_bom, newline, columns FROM load_files WHERE batch_id = ?", (batch.id,)
        ).fetchone()
        if row is None:
            return None
        name, dialect, encoding, has_bom, newline, columns = row
        columns = tuple(json.loads(columns))
        return StoredLoadFile(os.fsdecode(name), dialect, encoding, bool(has_bom), newline, columns)

    def rows_without_item(self, batch: Batch) -> int:
        """How many of the load file's rows were left out."""
        query = "SELECT count(*) FROM load_rows WHERE batch_id = ? AND item_id IS NULL"
        count: int = self._connection.execute(query, (batch.id,)).fetchone()[0]
        return count

    def load_rows(self, batch: Batch) -> Iterator[tuple[tuple[str, ...], int | None]]:
        """The load file's rows in order, each with the index of its item, or None where that was left out."""
        rows = self._connection.execute(
            "SELECT cells, item_id - ? FROM load_rows WHERE batch_id = ? ORDER BY row", (batch.first_item, batch.id)
        )
        for cells, index in rows:
            yield tuple(json.loads(cells)), index

    def find_digest(self, digest: bytes, most: int = -1) -> list[tuple[Batch, StoredItem]]:
        """Every item with this digest, or so many of them, with its batch, oldest first."""
        rows = self._connection.execute(
            "SELECT batch_id, items.id FROM items JOIN folders ON folders.id = folder_id"
            " WHERE substr(digest, 1, 8) = substr(?1, 1, 8) AND digest = ?1 ORDER BY items.id LIMIT ?2",
            (digest, most),
        ).fetchall()
        batches = {batch.id: batch for batch in self.batches()} if rows else {}
        return [
            (batches[batch_id], next(self.items(batches[batch_id], number - batches[batch_id].first_item, 1)))
            for batch_id, number in rows
        ]

    def conflicts(self, batch: Batch) -> Iterator[Conflict]:
        """Where numbers and files of the batch's matter, or of the batch if it is of none, disagree."""
        scope = self._scope(batch)
        query = "SELECT kind, numbers, sha256s FROM conflicts WHERE scope = ?"
        for kind, listed, sha256s in self._connection.execute(query, (scope,)):
            numbers, digests = json.loads(listed), [bytes.fromhex(sha256) for sha256 in json.loads(sha256s)]
            some = digests[: limits.LISTED_PROBLEMS]
            places = (place for digest in some for place in self.find_digest(digest, limits.LISTED_PROBLEMS))
            paths = dict.fromkeys(os.fsdecode(item.path) for where, item in places if self._scope(where) == scope)
            few = slice(limits.LISTED_PROBLEMS)
            yield Conflict(kind, tuple(numbers[few]), tuple(some), tuple(paths)[few], len(numbers), len(digests))

    def conflict_count(self, batch: Batch) -> int:
        query = "SELECT count(*) FROM conflicts WHERE scope = ?"
        count: int = self._connection.execute(query, (self._scope(batch),)).fetchone()[0]
        return count

    def _scope(self, batch: Batch) -> str:
        query = "SELECT coalesce('matter ' || matter_id, 'batch ' || id) FROM batches WHERE id = ?"
        scope: str = self._connection.execute(query, (batch.id,)).fetchone()[0]
        return scope

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
        with transaction(self._connection):
            self._connection.execute(
                "UPDATE submissions SET answer = ? WHERE batch_id = ? AND calendar = ?", (answer, batch.id, calendar)
            )
            self._log(at, batch.id, "not submitted", {"calendar": calendar, "answer": answer})

    def store_token(self, batch: Batch, token: bytes, at: str) -> None:
        """Keeps the token that the batch's seal commits to from now on. Of two processes' tokens the first counts."""
        with transaction(self._connection):
            changed = self._connection.execute(
                "UPDATE batches SET token = ? WHERE id = ? AND token IS NULL AND authority IS NOT NULL"
                " AND NOT EXISTS (SELECT 1 FROM proofs WHERE batch_id = batches.id)",
                (token, batch.id),
            )
            if changed.rowcount:
                self._log(at, batch.id, "token", {"authority": batch.authority})

    def forgo_token(self, batch: Batch, at: str) -> Batch:
        """Gives up waiting for an authority: the batch is submitted without a token, unless it has one."""
        with transaction(self._connection):
            changed = self._connection.execute(
                "UPDATE batches SET authority = NULL WHERE id = ? AND token IS NULL AND authority IS NOT NULL",
                (batch.id,),
            )
            if changed.rowcount:
                self._log(at, batch.id, "token forgone", {"authority": batch.authority})
        return self.find(batch.head.hex())

    @contextmanager
    def proof_change(self, batch: Batch) -> Iterator["ProofChange"]:
        """One change to a batch's proof: what is read in it cannot be overtaken by another process."""
        with transaction(self._connection):
            yield ProofChange(self, batch)

    def may_fetch(self, calendar: str, commitment: bytes, now: float, interval: float) -> bool:
        """Whether `calendar` was not asked for `commitment` within `interval` seconds; if so, notes that it is now."""
        with transaction(self._connection):
            changed = self._connection.execute(
                "INSERT INTO fetches VALUES (:calendar, :commitment, :now) ON CONFLICT DO UPDATE SET asked_at = :now"
                " WHERE asked_at <= :now - :interval OR asked_at > :now",
                {"calendar": calendar, "commitment": commitment, "now": now, "interval": interval},
            )
            return changed.rowcount > 0

    # -- headers ----------------------------------------------------------------------------------------------------

    def add_headers(self, network: str, start: int, headers: Sequence[Header]) -> None:
        with transaction(self._connection):
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

    def header_named(self, network: str, height: int, hash_: bytes) -> Header | None:
        """The kept header at `height` with this hash, in the order of headers."""
        query = "SELECT header FROM headers WHERE network = ? AND height = ?"
        rows = self._connection.execute(query, (network, height))
        return next((one for one in (Header(raw) for (raw,) in rows) if one.hash == hash_), None)

    # -- events -----------------------------------------------------------------------------------------------------

    def log(self, at: str, batch: Batch | None, kind: str, detail: Any) -> None:
        """Appends to the event log; `detail` is whatever JSON can write."""
        with transaction(self._connection):
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


def _declared(values: Sequence[str | None]) -> dict[str, str]:
    return {key: value for key, value in zip(DECLARED, values, strict=True) if value is not None}


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
