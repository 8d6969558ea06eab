"""Listing: a batch as a plain list for people and other programs: digests, a table, or its load file once more.

A list proves nothing; it tells what the ledger has.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import chain, count
from pathlib import Path

from notary.batches import attestations_of
from notary.core.evidence import DECLARED, rfc3339
from notary.core.header import NETWORKS, existed_by
from notary.core.load_file import CSV_UTF8, Dialect, LoadFormat, bom, write_row
from notary.core.ots import Kind
from notary.edges.files import written_whole
from notary.edges.ledger import Batch, Ledger, StoredItem
from notary.errors import InputError
from notary.reporting import attested_text


class ListKind(StrEnum):
    """Lines that `sha256sum -c` takes; a table of all that is recorded; the load file that the batch was made from."""

    SHA256SUM = "sha256sum"
    CSV = "csv"
    LOAD_FILE = "load-file"


@dataclass(frozen=True, slots=True)
class Listed:
    """A written list: where, its SHA-256, how many of the batch's items it has, and how many rows without one."""

    path: Path
    sha256: bytes
    items: int
    without_item: int = 0


_COLUMNS = ("item", "path", "path_hex", "sha256", "bytes", "modified", *DECLARED)
_ADDED = ("SHA256Hash", "NotaryBatch", "NotaryItem", "ExistedBy", "Attestation")


def write_list(
    ledger: Ledger, batch: Batch, target: Path, kind: ListKind, chosen: Sequence[int] | None = None
) -> Listed:
    """Writes a list of `chosen` items, or of all.

    Raises InputError where something stands at `target`, or the batch was not made from a load file.
    """
    if target.exists() or target.is_symlink():
        raise InputError(f"{target} is there already and is not overwritten", "give another name with -o")
    counted = _Counted(ledger, batch, chosen)
    match kind:
        case ListKind.SHA256SUM:
            lines = _sums(counted.items())
        case ListKind.CSV:
            lines = _table(counted.items())
        case ListKind.LOAD_FILE:
            lines = _load_rows(ledger, batch, counted)
    hasher = hashlib.sha256()
    with written_whole(target) as stream:
        for line in lines:
            hasher.update(line)
            stream.write(line)
    return Listed(target, hasher.digest(), counted.count, counted.without)


class _Counted:
    """A batch's items as they are listed, counted."""

    def __init__(self, ledger: Ledger, batch: Batch, chosen: Sequence[int] | None) -> None:
        self._ledger = ledger
        self._batch = batch
        self._chosen = chosen
        self.count = 0
        self.without = 0

    def items(self) -> Iterator[StoredItem]:
        items = (
            self._ledger.items(self._batch)
            if self._chosen is None
            else chain.from_iterable(self._ledger.items(self._batch, index, 1) for index in self._chosen)
        )
        for item in items:
            self.count += 1
            yield item


def _sums(items: Iterator[StoredItem]) -> Iterator[bytes]:
    """As GNU sha256sum writes them: a name with a line break or a backslash is escaped, and its line says so."""
    for item in items:
        name = item.path.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
        mark = b"\\" if name != item.path else b""
        yield mark + item.digest.hex().encode() + b"  " + name + b"\n"


def _table(items: Iterator[StoredItem]) -> Iterator[bytes]:
    yield write_row(_COLUMNS, CSV_UTF8)
    for item in items:
        declared = item.declared or {}
        modified = None if item.mtime_ns is None else rfc3339(item.mtime_ns)
        cells = (
            *(str(item.index), *_path_cells(item.path), item.digest.hex(), str(item.size), modified or ""),
            *(declared.get(key, "") for key in DECLARED),
        )
        yield write_row(cells, CSV_UTF8)


def _path_cells(path: bytes) -> tuple[str, str]:
    """The path as text; or, where it is none, in hex."""
    try:
        return path.decode(), ""
    except UnicodeDecodeError:
        return "", path.hex()


def _load_rows(ledger: Ledger, batch: Batch, counted: _Counted) -> Iterator[bytes]:
    load_file = ledger.load_file(batch)
    if load_file is None:
        raise InputError(
            f"batch {batch.name} was not made from a load file",
            "--manifest csv lists its items with all that is recorded",
        )
    how = LoadFormat(Dialect(load_file.dialect), load_file.encoding, load_file.has_bom, load_file.newline)
    attestation, until = attestation_cells(ledger, batch)
    yield bom(how) + write_row((*load_file.columns, *_new_columns(load_file.columns)), how)
    items = counted.items()
    for cells, index in ledger.load_rows(batch):
        if index is None:
            counted.without += 1
            yield write_row((*cells, *[""] * len(_ADDED)), how)
            continue
        item = next(items)
        yield write_row((*cells, item.digest.hex(), batch.name, str(item.index), until, attestation), how)


def _new_columns(columns: Sequence[str]) -> list[str]:
    """The names of the added columns, other than those that are there."""
    taken = {column.strip().casefold() for column in columns}
    names = []
    for column in _ADDED:
        tries = chain([column, f"Notary {column}"], (f"Notary {column} {number}" for number in count(2)))
        names.append(next(name for name in tries if name.casefold() not in taken))
    return names


def attestation_cells(ledger: Ledger, batch: Batch) -> tuple[str, str]:
    """The blocks that attest the batch, in words; and the day by which it existed, if a header of one is kept."""
    attestations = attestations_of(ledger, batch)
    days: list[date] = []
    for one in attestations:
        if one.kind is Kind.BITCOIN and one.height is not None:
            headers = ledger.headers_from(batch.network, one.height, one.message)
            days += [existed_by([header.time for header in headers])] if headers else []
    network = NETWORKS[batch.network]
    words = attested_text(attestations, network)
    if words and network.is_test:
        words = f"TEST NETWORK: {words}"
    return words, min(days).isoformat() if days else ""
