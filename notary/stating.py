"""Stating: what a bundle states of itself, read for a certificate."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from notary import limits
from notary.certificate import Statement, shown_name
from notary.core.digest import head_hash, statement_hash
from notary.core.evidence import DECLARED, Item
from notary.core.load_file import CSV_UTF8, write_row
from notary.core.manifest import read_manifest
from notary.core.ots import read_proof
from notary.edges.archive import Container, read_small
from notary.edges.files import hash_with
from notary.edges.pdf_reading import PdfReading
from notary.errors import UnreadableError
from notary.matching import items_of


def read_statement(container: Container) -> Statement:
    """What the bundle states of itself. It has been verified: what cannot be read raises FormatError all the same."""
    manifest_bytes = read_small(container, "notary/manifest.json", limits.MANIFEST_BYTES)
    signature, token = (
        read_small(container, name, limits.PROOF_BYTES) if name in container.numbers else None
        for name in ("notary/manifest.sig", "notary/head.tsr")
    )
    manifest = read_manifest(manifest_bytes)
    listed: list[Item] = []
    shown = total = named = with_bytes = 0
    for item in items_of(container):
        shown += 1
        if shown <= limits.EXHIBITS_LISTED:
            listed.append(item)
        if item.record is not None and item.record_fault is None:
            named += 1
            total += item.record["size"]
        with_bytes += item.file is not None
    return Statement(
        manifest,
        hashlib.sha256(manifest_bytes).digest(),
        head_hash(manifest.root, manifest.size, statement_hash(manifest_bytes, signature or b"")),
        signature,
        token,
        read_proof(read_small(container, "notary/head.ots", limits.PROOF_BYTES)),
        listed if shown <= limits.EXHIBITS_LISTED else [],
        shown,
        total if named == shown else None,
        "files" if with_bytes else "names" if named else "digests",
        _table(items_of(container)) if shown > limits.EXHIBITS_LISTED else None,
    )


def _table(items: Iterable[Item]) -> bytes | None:
    """The table of all exhibits, unless it gets too long to be attached."""
    written = bytearray()
    for row in table_rows(items):
        written += row
        if len(written) > limits.TABLE_BYTES:
            return None
    return bytes(written)


def pdf_facts(container: Container, items: Sequence[Item], evidence: Mapping[int, Path]) -> Iterator[dict[str, Any]]:
    """What PDF files among the exhibits say of themselves, as far as their bytes are at hand."""
    with PdfReading() as reading:
        for item in items:
            facts, path = None, evidence.get(item.index)
            if item.file is not None:
                facts = reading.facts_of(container.pieces(item.file))
            elif path is not None and path.suffix.lower() == ".pdf":
                with suppress(UnreadableError):  # it may be gone by now
                    facts = reading.facts(path) if hash_with(path, "sha256") == item.digest else None
            if facts is not None:
                yield {"index": item.index, "name": shown_name(item)} | asdict(facts)


def table_rows(items: Iterable[Item]) -> Iterator[bytes]:
    """All exhibits as CSV, for a spreadsheet: a cell that would run as a formula there gets an apostrophe before it."""
    others = [key for key in DECLARED if key not in ("exhibit", "bates")]
    yield write_row(("number", "exhibit", "bates", "path", "sha256", "bytes", "modified", *others), CSV_UTF8)
    for item in items:
        record = item.record if item.record_fault is None and item.record is not None else {}
        path = shown_name(item) or ""
        cells = (
            *(str(item.index + 1), record.get("exhibit", ""), record.get("bates", ""), path, item.digest.hex()),
            *(str(record.get("size", "")), record.get("mtime", ""), *(record.get(key, "") for key in others)),
        )
        yield write_row(tuple(map(_inert, cells)), CSV_UTF8)


_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""How formulas begin, in some spreadsheets with full-width signs too."""


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
