"""Loading: evidence as e-discovery hands it over, named row by row by a load file, with what that states of it.

A load file may come from the other side: its paths stay in their folder, and what it states is compared with the bytes
or is declared, never believed.
"""

import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from notary import limits
from notary.core.load_columns import Columns, Entry, map_columns
from notary.core.load_file import LoadFormat, Row, detect, read_rows
from notary.edges.files import pieces_of, read_whole
from notary.edges.hashing import OTHER_HASHES, Hashed
from notary.edges.ledger import Draft, StoredLoadFile
from notary.edges.walking import Found, Skipped
from notary.errors import FormatError, InputError
from notary.gathering import Gathered
from notary.selecting import Taken

_SEEN_BYTES = 12
"""Of a path's SHA-256, to know a second mention by: for a million paths the odds of a false one are 1 in 10^17."""


@dataclass(frozen=True, slots=True)
class LoadOrder:
    """A load file, the folder that its paths begin in, and how its columns and characters are to be read."""

    file: Path
    root: Path
    mapping: Mapping[str, str]
    encoding: str | None = None
    despite_problems: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A row of a load file that is not as it should be, by its number: the header is row 1."""

    row: int
    what: str


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A row whose file is being hashed; or one without a file, for whom the turn of its number has to come."""

    row: Row
    entry: Entry
    has_file: bool


class LoadFile:
    """The files that a load file names. `problem` is told of each row that is not as it should be."""

    def __init__(self, order: LoadOrder, problem: Callable[[Problem], None]) -> None:
        self.skipped: list[Skipped] = []
        self._order = order
        self._tell = problem
        self._problems = 0
        self._unchecked = 0
        self._waiting: deque[_Waiting] = deque()
        self._seen: set[int] = set()
        if not order.root.is_dir():
            raise InputError(
                f"{order.root}: not a folder", "--root names the folder that the load file's paths begin in"
            )
        self._recorded_root = os.fsencode(order.root.name or order.root.resolve().name or "root")
        self._format = self._detect()
        header = next(self._rows())
        self._header = header.cells
        try:
            self.columns: Columns = map_columns(header.cells, order.mapping, self._format.dialect)
        except InputError as error:
            raise InputError(f"{order.file}: {error.message}", *error.hints) from None
        used = self.columns.used
        self.also = tuple(name for name in OTHER_HASHES if name in used or self.columns.has_any_hash)

    def _detect(self) -> LoadFormat:
        file = self._order.file
        try:
            head = read_whole(file, limits.LOAD_FILE_HEAD_BYTES - 1)
            return detect(head, file.name, self._order.encoding)
        except FormatError as error:
            raise FormatError(f"{file}: {error.message}", *error.hints) from None

    def _rows(self) -> Iterator[Row]:
        file = self._order.file
        return read_rows(pieces_of(file, lambda count: None), self._format, str(file))

    @property
    def load_file(self) -> StoredLoadFile:
        how = self._format
        return StoredLoadFile(self._order.file.name, how.dialect, how.encoding, how.has_bom, how.newline, self._header)

    def files(self) -> Iterator[Found]:
        rows = self._rows()
        next(rows)
        for row in rows:
            entry = self.columns.entry(row)
            for fault in entry.faults:
                self._problem(row, fault)
            is_named = bool(entry.path)
            if is_named and not self._is_new(entry.path):
                self._problem(row, f"{entry.path} is named twice")
                is_named = False
            self._unchecked += len(entry.unchecked)
            self._waiting.append(_Waiting(row, entry, is_named))
            if is_named:
                yield self._found(entry.path)

    def _is_new(self, path: str) -> bool:
        number = int.from_bytes(hashlib.sha256(path.encode()).digest()[:_SEEN_BYTES], "big")
        if number in self._seen:
            return False
        self._seen.add(number)
        return True

    def _found(self, path: str) -> Found:
        folder, _, name = path.rpartition("/")
        below = f"/{folder}".encode() if folder else b""
        return Found(str(self._order.root / folder), name, self._recorded_root + below)

    def take(self, gathered: Sequence[Gathered], draft: Draft) -> list[Taken]:
        taken: list[Taken] = []
        rows: list[tuple[int, int | None, str]] = []
        for one in gathered:
            waiting = self._next(rows)
            index: int | None = None
            if isinstance(one.outcome, Hashed):
                self._compare(waiting, one.outcome)
                index = draft.size + len(taken)
                taken.append((one.found, one.outcome, waiting.entry.declared))
            else:
                self._problem(waiting.row, f"{waiting.entry.path}: {one.outcome}")
            rows.append(_stored(waiting.row, index))
        draft.add_rows(rows)
        return taken

    def _next(self, rows: list[tuple[int, int | None, str]]) -> _Waiting:
        """The row of the next file; those without one that come before it go to `rows`."""
        while not self._waiting[0].has_file:
            rows.append(_stored(self._waiting.popleft().row, None))
        return self._waiting.popleft()

    def _compare(self, waiting: _Waiting, hashed: Hashed) -> None:
        entry = waiting.entry
        if entry.size is not None and entry.size != hashed.size:
            self._problem(waiting.row, f"{entry.path} has {hashed.size:,} bytes; the load file states {entry.size:,}")
        found = dict(zip(self.also, hashed.others, strict=True)) | {"sha256": hashed.digest}
        for name, stated in (("md5", entry.md5), ("sha1", entry.sha1), ("sha256", entry.sha256)):
            if stated is not None and stated != found[name]:
                self._problem(
                    waiting.row,
                    f"{entry.path} has the {name.upper()} {found[name].hex()}; the load file states {stated.hex()}",
                )

    @property
    def notes(self) -> list[str]:
        """What may be good to know of a batch that was sealed."""
        mapped = ", ".join(f"{column} = {field}" for field, column in self.columns.used.items())
        notes = [f"columns: {mapped}"]
        if self.columns.unused:
            notes.append(f"columns that stay in the ledger only: {', '.join(self.columns.unused)}")
        if self._unchecked:
            notes.append(f"{self._unchecked:,} sizes or hashes are stated in a way that nothing can be compared with")
        return notes

    def _problem(self, row: Row, what: str) -> None:
        self._problems += 1
        self._tell(Problem(row.number, what))

    def check(self, draft: Draft) -> None:
        draft.add_rows([_stored(waiting.row, None) for waiting in self._waiting])
        self._waiting.clear()
        if self._problems and not self._order.despite_problems:
            raise InputError(
                f"{self._order.file}: {self._problems:,} problems; nothing was stamped",
                "mend the load file or the folder, and run the same command again: what was hashed is kept",
                "--despite-problems stamps what is there, as it is",
            )
        if not draft.size:
            raise InputError(f"{self._order.file}: there is no file to stamp")


def _stored(row: Row, index: int | None) -> tuple[int, int | None, str]:
    return row.number, index, json.dumps(row.cells, ensure_ascii=False)
