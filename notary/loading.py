"""Loading: evidence as e-discovery hands it over, named row by row by a load file, with what that states of it.

A load file may come from the other side: its paths stay in their folder, and what it states is compared with the bytes
or is declared, never believed.
"""

import csv
import hashlib
import json
import os
from collections import deque
from collections.abc import Collection, Iterator
from itertools import chain, islice
from pathlib import Path

from notary import limits
from notary.core.load_columns import Columns, Entry, map_columns
from notary.core.load_file import detect, read_rows
from notary.edges.files import steady_pieces
from notary.edges.hashing import OTHER_HASHES, Hashed
from notary.edges.ledger import Draft, StoredLoadFile
from notary.edges.walking import Found, Skipped, is_same_file, recorded_name
from notary.errors import InputError, RowsError
from notary.gathering import Gathered
from notary.reporting import plural
from notary.selecting import LoadOrder, Problem

_ROWS_AT_ONCE = 256

_SEEN_BYTES = 12
"""Of a path's SHA-256, to know a second mention by: for a million paths the odds of a false one are 1 in 10^17."""


class LoadFile:
    """The files that a load file names, and in `problems` each row that is not as it should be."""

    declares = True

    def __init__(self, order: LoadOrder, draft: Draft, own: Collection[Path]) -> None:
        self._own = {path.name: path for path in own}
        self.skipped: list[Skipped] = []
        self._order = order
        self._draft = draft
        self.problems: list[Problem] = []
        self._unchecked = 0
        self._waiting: deque[Entry] = deque()
        self._seen: set[int] = set()
        self._folder: str | None = None
        self._leads_out = False
        if not order.root.is_dir():
            hint = "--root names the folder that the load file's paths begin in"
            raise InputError(f"{order.root}: not a folder", hint)
        self._real_root = Path(os.path.realpath(order.root))
        self._recorded_root = recorded_name(order.root)
        csv.field_size_limit(limits.LOAD_FILE_ROW)
        # It is opened once, and goes by once: what changes meanwhile would come under the wrong header.
        pieces = steady_pieces(order.file)
        head = next(pieces, b"")
        self._format = detect(head[: limits.LOAD_FILE_HEAD_BYTES], str(order.file), order.encoding)
        self._rows = read_rows(chain([head], pieces), self._format, str(order.file))
        self._header = next(self._rows).cells
        try:
            self.columns: Columns = map_columns(self._header, order.mapping, self._format.dialect)
        except InputError as error:
            raise InputError(f"{order.file}: {error.message}", *error.hints) from None
        used = self.columns.used
        self.also = tuple(name for name in OTHER_HASHES if name in used or self.columns.has_any_hash)

    @property
    def load_file(self) -> StoredLoadFile:
        how = self._format
        return StoredLoadFile(self._order.file.name, how.dialect, how.encoding, how.has_bom, how.newline, self._header)

    def files(self) -> Iterator[Found]:
        while rows := list(islice(self._rows, _ROWS_AT_ONCE)):
            self._draft.add_rows((row.number, json.dumps(row.cells, ensure_ascii=False)) for row in rows)
            for row in rows:
                entry = self.columns.entry(row)
                for fault in entry.faults:
                    self._problem(entry, fault)
                self._unchecked += len(entry.unchecked)
                if entry.path and self._is_usable(entry):
                    self._waiting.append(entry)
                    yield self._found(entry.path)

    def _is_usable(self, entry: Entry) -> bool:
        number = int.from_bytes(hashlib.sha256(entry.path.encode()).digest()[:_SEEN_BYTES], "big")
        if number in self._seen:
            self._problem(entry, f"{entry.path} is named twice")
            return False
        self._seen.add(number)
        folder = entry.path.rpartition("/")[0]
        if folder != self._folder:
            self._folder = folder
            real = Path(os.path.realpath(self._order.root / folder))
            self._leads_out = not real.is_relative_to(self._real_root)
        ours = self._own.get(entry.path.rpartition("/")[2])
        if ours and is_same_file(ours, self._order.root / entry.path):
            self._problem(entry, f"{entry.path} is the ledger itself")
            return False
        if self._leads_out:
            self._problem(entry, f"{entry.path} leads out of {self._order.root} through a link")
        return not self._leads_out

    def _found(self, path: str) -> Found:
        folder, _, name = path.rpartition("/")
        below = f"/{folder}".encode() if folder else b""
        return Found(str(self._order.root / folder), name, self._recorded_root + below)

    def take(self, gathered: list[Gathered], draft: Draft) -> list[Gathered]:
        taken: list[Gathered] = []
        ties: list[tuple[int, int]] = []
        for one in gathered:
            entry = self._waiting.popleft()
            if isinstance(one.outcome, Hashed):
                self._compare(entry, one.outcome)
                ties.append((draft.size + len(taken), entry.number))
                taken.append(one._replace(declared=entry.declared))
            else:
                self._problem(entry, f"{entry.path}: {one.outcome}")
        draft.tie_rows(ties)
        return taken

    def _compare(self, entry: Entry, hashed: Hashed) -> None:
        if entry.size is not None and entry.size != hashed.size:
            self._problem(entry, f"{entry.path} has {hashed.size:,} bytes; the load file states {entry.size:,}")
        found = dict(zip(self.also, hashed.others, strict=True)) | {"sha256": hashed.digest}
        for name, stated in (("md5", entry.md5), ("sha1", entry.sha1), ("sha256", entry.sha256)):
            if stated is not None and stated != found[name]:
                what = f"{entry.path} has the {name.upper()} {found[name].hex()}; the load file states {stated.hex()}"
                self._problem(entry, what)

    @property
    def notes(self) -> list[str]:
        """What may be good to know of a batch that was sealed."""
        mapped = ", ".join(f"{column} = {field}" for field, column in self.columns.used.items())
        notes = [f"columns: {mapped}"]
        if self.columns.unused:
            notes.append(f"columns that stay in the ledger only: {', '.join(self.columns.unused)}")
        if self._unchecked:
            stated = plural(self._unchecked, "size or hash", "sizes or hashes")
            notes.append(f"not compared, since it is stated in no usual form: {stated}")
        return notes

    def _problem(self, entry: Entry, what: str) -> None:
        self.problems.append(Problem(entry.number, what))

    def check(self, draft: Draft) -> None:
        problems = [(problem.row, problem.what) for problem in sorted(self.problems)]
        if problems and not self._order.despite_problems:
            raise RowsError(
                f"{self._order.file}: {plural(len(problems), 'problem')}; nothing was stamped",
                problems,
                "mend the load file or the folder, and run the same command again: what was hashed is kept",
                "--despite-problems stamps what is there, as it is",
            )
        if not draft.size:
            raise RowsError(f"{self._order.file}: there is no file to stamp", problems)
