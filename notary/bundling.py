"""Exporting: ledger → bundle, showing of a batch what the user chooses (DESIGN section 3).

The same export twice gives the same bytes: nothing in a bundle comes from the clock, and nothing is compressed.
"""

import hashlib
import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO

from notary import __version__, limits
from notary.batches import Opened, Whole, seal_of, whole
from notary.core.evidence import BundleNames, Item, read_item, write_line
from notary.core.facts import Facts, Files, Policy
from notary.core.header import NETWORKS
from notary.core.manifest import MOMENT, read_manifest
from notary.core.merkle import cover, steps_to_seal
from notary.core.not_before import find_beginning
from notary.core.ots import Proof, read_proof, read_timestamp, write_proof, write_steps
from notary.core.verdict import judge
from notary.edges.archive import refuse_other_file
from notary.edges.bag_writer import BagWriter
from notary.edges.checkpoints import shipped_checkpoints
from notary.edges.files import pieces_of, written_whole
from notary.edges.header_files import HeaderRun, HeaderRuns
from notary.edges.ledger import Batch, Ledger, StoredItem
from notary.errors import EvidenceError, InputError, NotReadyError, UnreadableError
from notary.headers import HeaderSources
from notary.instructions import instructions
from notary.keeping import blocks_for, headers_index, keep_headers, kept_runs
from notary.sighting import sightings_for
from notary.webpage import web_page

PROOFS_BY_DEFAULT = 1000
"""Items up to which a bundle carries a standard proof of each: one of 100,000 items would double its size."""


class Disclosure(StrEnum):
    """What a bundle shows of its items: their bytes, their records without bytes, or their digests only."""

    FILES = "files"
    NAMES = "names"
    DIGESTS = "digests"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a bundle has beside what it needs.

    A standard `.ots` of each item (None: up to `PROOFS_BY_DEFAULT` of them), a certificate for people, and the line of
    batches before this one, by their manifests.
    """

    proofs: bool | None = None
    certificate: bool = True
    line: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """A written bundle: where, its SHA-256, and how many of the batch's items it shows."""

    path: Path
    sha256: bytes
    items: int
    of: int
    disclosure: Disclosure


def complete_headers(ledger: Ledger, batch: Batch, sources: HeaderSources, now: int) -> list[str]:
    """Keeps for the batch's blocks what headers can be had by now, so that the bundle carries them.

    Returns why some could not be had, where the bundle would carry none.
    """
    timestamp = ledger.timestamp(batch)
    if timestamp is None:
        return []
    network, attestations = NETWORKS[batch.network], read_timestamp(timestamp, seal_of(batch))
    blocks = blocks_for(ledger, batch, attestations)
    return keep_headers(ledger, network, blocks, sources, shipped_checkpoints(network), now)


def export(
    ledger: Ledger,
    batch: Batch,
    target: Path,
    *,
    only: Sequence[str] = (),
    disclosure: Disclosure = Disclosure.FILES,
    contents: Contents = Contents(),
    progress: Callable[[int], None] = lambda count: None,
) -> Exported:
    """Writes a bundle of `batch` to `target`: all of its items, or those whose recorded paths match `only`.

    `progress` is told the bytes of each read. Raises NotReadyError for a batch that no calendar has taken yet;
    InputError where nothing matches, a file is gone, or `target` is some other file; EvidenceError where a file has
    changed.
    """
    timestamp = ledger.timestamp(batch)
    if timestamp is None:
        raise NotReadyError(
            f"batch {batch.name} is queued: no calendar has taken it yet, so there is no proof to export",
            f"notary upgrade {batch.name}",
        )
    refuse_other_file(target)
    made = whole(ledger, batch)
    chosen = chosen_items(ledger, batch, only)
    if contents.proofs is None:
        contents = replace(contents, proofs=len(chosen) <= PROOFS_BY_DEFAULT)
    with written_whole(target) as stream:
        with BagWriter(stream, f"notary-{batch.name}") as bag:
            _fill(bag, ledger, made, chosen, disclosure, contents, timestamp, progress)
            bag.finish({"External-Identifier": batch.head.hex()})
        sha256 = _digest(stream)
    return Exported(target, sha256, len(chosen), batch.size, disclosure)


def _fill(
    bag: BagWriter,
    ledger: Ledger,
    made: Whole,
    chosen: Sequence[int],
    disclosure: Disclosure,
    contents: Contents,
    timestamp: bytes,
    progress: Callable[[int], None],
) -> None:
    batch = made.batch
    attestations = read_timestamp(timestamp, seal_of(batch))
    runs = kept_runs(ledger, batch.network, blocks_for(ledger, batch, attestations))

    has_files = disclosure is Disclosure.FILES

    def disclosed() -> Iterator[tuple[Opened, str]]:
        """Each item with its name in the bundle; read anew for each part, since a batch need not fit into memory."""
        names = BundleNames()
        hides_name = disclosure is Disclosure.DIGESTS
        for stored in _at(ledger, batch, chosen):
            name = (
                names.claim(stored.index, None if hides_name else stored.path) if has_files or contents.proofs else ""
            )
            yield made.open(stored), name

    if has_files:
        for item, name in disclosed():
            stored = item.stored
            add_evidence(bag, f"data/{name}", stored.file, stored.digest, stored.size, progress)
    bag.add("notary/manifest.json", [batch.manifest])
    if batch.signature is not None:
        bag.add("notary/manifest.sig", [batch.signature])
    lines = (_line(item, name, disclosure) for item, name in disclosed())
    bag.add("notary/items.jsonl", lines, size=len(chosen) * limits.ITEM_LINE_BYTES // 16)
    bag.add("notary/tree.bin", cover(made.tree, chosen))
    to_seal = write_steps(steps_to_seal(batch.token)) if batch.token is not None else b""
    proof = write_proof(batch.head, to_seal, timestamp)
    bag.add("notary/head.ots", [proof])
    if batch.token is not None:
        bag.add("notary/head.tsr", [batch.token])
    bag.add("notary/headers.bin", [header.raw for run in runs for header in run.headers])
    bag.add("notary/headers.json", [headers_index(batch.network, runs)])
    if contents.line:
        from notary.history import line_before

        bag.add("notary/line.jsonl", line_before(ledger, batch))
    if contents.proofs:
        tail = made.tail(timestamp)
        for item, name in disclosed():
            bag.add(f"proofs/{name}.ots", [made.proof(item, tail)])
    with_proofs = contents.proofs or False
    bag.add("VERIFY.txt", [instructions(batch, len(chosen), has_files, with_proofs, attestations, runs, contents.line)])
    bag.add("verify.html", [web_page()])
    if contents.certificate:
        is_listed = len(chosen) <= limits.EXHIBITS_LISTED
        items = [read_item(_line(item, name, disclosure), 1) for item, name in disclosed()] if is_listed else []
        bag.add("certificate.pdf", [_certificate(batch, read_proof(proof), runs, items, len(chosen), disclosure)])


def _certificate(
    batch: Batch,
    proof: Proof,
    runs: Sequence[HeaderRun],
    items: Sequence[Item],
    shown_items: int,
    disclosure: Disclosure,
) -> bytes:
    """The certificate inside a bundle: without the bundle attached, and dated by its block, not by the clock."""
    from notary.certificate import Issue, Statement, certificate, found_by  # a PDF takes some imports
    from notary.printing import print_certificate

    network, manifest = NETWORKS[batch.network], read_manifest(batch.manifest)
    policy = Policy(network, network.least_trust, shipped_checkpoints(network))
    headers = HeaderRuns(batch.network, tuple(runs))
    sightings, _ = sightings_for(proof.attestations, policy, HeaderSources(), headers, manifest.not_before)
    facts = Facts("", "", Files(shown_items, batch.size), None, proof, None, sightings)
    verdict = judge(facts, policy)
    if manifest.not_before:
        beginning, _ = find_beginning(facts, manifest.not_before, verdict.block, policy)
        verdict = replace(verdict, beginning=beginning)
    found = found_by(verdict)
    has_names = disclosure is not Disclosure.DIGESTS
    all_bytes = batch.total_bytes if shown_items == batch.size else None
    total = sum(item.record["size"] for item in items if item.record) if items else all_bytes
    stated = Statement(
        manifest,
        hashlib.sha256(batch.manifest).digest(),
        batch.head,
        batch.signature,
        batch.token,
        proof,
        items,
        shown_items,
        total if has_names else None,
        disclosure.value,
        None,
    )
    at, basis = (found.block_time, "block") if found.block_time else (batch.declared_at, "declared")
    data = certificate(stated, found, Issue(at, basis, f"notary {__version__}"))
    return print_certificate(data, datetime.strptime(at, MOMENT).replace(tzinfo=UTC), None, None)


def add_evidence(
    bag: BagWriter, name: str, source: Path, digest: bytes, size: int, progress: Callable[[int], None]
) -> None:
    """Copies a file of known digest and size. Raises InputError where it is gone, EvidenceError where it differs."""

    def pieces() -> Iterator[bytes]:
        copied = 0
        for piece in pieces_of(source, progress):
            copied += len(piece)
            if copied > size:
                raise changed
            yield piece

    hint = "--disclose names exports its proof without its bytes"
    changed = EvidenceError(f"{source}: no longer what was stamped: its SHA-256 was {digest.hex()}", hint)
    try:
        found = bag.add(name, pieces(), size)
    except UnreadableError as error:
        reason = error.message.removeprefix(f"{source}: ")
        raise UnreadableError(f"{source}: cannot be read any more: {reason}", hint) from None
    if found != digest:
        raise changed


def _digest(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    hasher = hashlib.sha256()
    while piece := stream.read(limits.READ_BYTES):
        hasher.update(piece)
    return hasher.digest()


def chosen_items(ledger: Ledger, batch: Batch, only: Sequence[str]) -> Sequence[int]:
    """The indices of the items whose recorded paths `only` names, or all."""
    if not only:
        return range(batch.size)
    if all(map(_is_plain_path, only)):
        exact = [ledger.items_at(batch, os.fsencode(path)) for path in only]
        if all(exact):
            return sorted({index for found in exact for index in found})
    from pathspec import GitIgnoreSpec

    wanted = {os.fsencode(path) for path in only}
    try:
        spec = GitIgnoreSpec.from_lines(only)
    except ValueError as error:
        raise InputError(f"bad --only pattern: {error}", "patterns are written as in .gitignore") from None
    chosen = array("Q")
    for stored in ledger.items(batch):
        if stored.path in wanted or spec.match_file(os.fsdecode(stored.path)):
            chosen.append(stored.index)
    if not chosen:
        some = [os.fsdecode(stored.path) for stored in ledger.items(batch, 0, 3)]
        raise InputError(
            f"no item of batch {batch.name} matches {' or '.join(only)}",
            f"its recorded paths are like {', '.join(some)}; patterns are written as in .gitignore",
        )
    return chosen


def _is_plain_path(pattern: str) -> bool:
    """Whether the pattern can only mean the one file of this path: then no other item need be looked at."""
    return "/" in pattern.strip("/") and pattern == pattern.strip("/ ") and not set(pattern) & set("*?[]\\!#")


def _at(ledger: Ledger, batch: Batch, chosen: Sequence[int]) -> Iterator[StoredItem]:
    if len(chosen) == batch.size:
        yield from ledger.items(batch)
        return
    for index in chosen:
        yield from ledger.items(batch, index, 1)


def _line(item: Opened, name: str, disclosure: Disclosure) -> bytes:
    stored = item.stored
    if disclosure is Disclosure.DIGESTS:
        return write_line(stored.index, stored.digest, item.s, item.r, None, None)
    file = f"data/{name}" if disclosure is Disclosure.FILES else None
    return write_line(stored.index, stored.digest, item.s, item.t, item.record, file)
