"""Exporting: ledger → bundle, showing of a batch what the user chooses (DESIGN section 3).

The same export twice gives the same bytes: nothing in a bundle comes from the clock, and nothing is compressed.
"""

import hashlib
import json
import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from notary import limits
from notary.batches import Opened, Whole, seal_of, whole
from notary.core.chain import boundary
from notary.core.evidence import BundleNames, write_line
from notary.core.header import NETWORKS, Header, block_time, existed_by, shown
from notary.core.merkle import cover
from notary.core.ots import Attestation, Kind, read_timestamp, write_proof
from notary.edges.archive import NotABundleError, RefusedError, open_container
from notary.edges.bag_writer import BagWriter
from notary.edges.checkpoints import shipped_checkpoints
from notary.edges.files import pieces_of, written_whole
from notary.edges.ledger import Batch, Ledger, StoredItem
from notary.errors import EvidenceError, InputError, NotReadyError, UnreadableError
from notary.headers import HeaderSources
from notary.keeping import keep_headers

PROOFS_BY_DEFAULT = 1000
"""Items up to which a bundle carries a standard proof of each: one of 100,000 items would double its size."""


class Disclosure(StrEnum):
    """What a bundle shows of its items: their bytes, their records without bytes, or their digests only."""

    FILES = "files"
    NAMES = "names"
    DIGESTS = "digests"


@dataclass(frozen=True, slots=True)
class Exported:
    """A written bundle: where, its SHA-256, and how many of the batch's items it shows."""

    path: Path
    sha256: bytes
    items: int
    of: int
    disclosure: Disclosure


@dataclass(frozen=True, slots=True)
class HeaderRun:
    """Headers in a row, the first at height `start`."""

    start: int
    headers: tuple[Header, ...]


def complete_headers(ledger: Ledger, batch: Batch, sources: HeaderSources, now: int) -> list[str]:
    """Keeps for the batch's blocks what headers can be had by now, so that the bundle carries them.

    Returns why some could not be had, where the bundle would carry none.
    """
    timestamp = ledger.timestamp(batch)
    if timestamp is None:
        return []
    network, attestations = NETWORKS[batch.network], read_timestamp(timestamp, seal_of(batch))
    return keep_headers(ledger, network, attestations, sources, shipped_checkpoints(network), now)


def export(
    ledger: Ledger,
    batch: Batch,
    target: Path,
    *,
    only: Sequence[str] = (),
    disclosure: Disclosure = Disclosure.FILES,
    with_proofs: bool | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> Exported:
    """Writes a bundle of `batch` to `target`: all of its items, or those whose recorded paths match `only`.

    `with_proofs` says whether each item gets a standard `.ots`; by default up to `PROOFS_BY_DEFAULT` do. `progress`
    is told the bytes of each read. Raises NotReadyError for a batch that no calendar has taken yet; InputError where
    nothing matches, a file is gone, or `target` is some other file; EvidenceError where a file has changed.
    """
    timestamp = ledger.timestamp(batch)
    if timestamp is None:
        raise NotReadyError(
            f"batch {batch.name} is queued: no calendar has taken it yet, so there is no proof to export",
            f"notary upgrade {batch.name}",
        )
    _refuse_other_file(target)
    made = whole(ledger, batch)
    chosen = chosen_items(ledger, batch, only)
    if with_proofs is None:
        with_proofs = len(chosen) <= PROOFS_BY_DEFAULT
    with written_whole(target) as stream:
        with BagWriter(stream, f"notary-{batch.name}") as bag:
            _fill(bag, ledger, made, chosen, disclosure, with_proofs, timestamp, progress)
        sha256 = _digest(stream)
    return Exported(target, sha256, len(chosen), batch.size, disclosure)


def _fill(
    bag: BagWriter,
    ledger: Ledger,
    made: Whole,
    chosen: Sequence[int],
    disclosure: Disclosure,
    with_proofs: bool,
    timestamp: bytes,
    progress: Callable[[int], None],
) -> None:
    batch = made.batch
    attestations = read_timestamp(timestamp, seal_of(batch))
    runs = header_runs(ledger, batch, attestations)

    has_files = disclosure is Disclosure.FILES

    def disclosed() -> Iterator[tuple[Opened, str]]:
        """Each item with its name in the bundle; read anew for each part, since a batch need not fit into memory."""
        names = BundleNames()
        hides_name = disclosure is Disclosure.DIGESTS
        for stored in _at(ledger, batch, chosen):
            name = names.claim(stored.index, None if hides_name else stored.path) if has_files or with_proofs else ""
            yield made.open(stored), name

    if has_files:
        for item, name in disclosed():
            stored = item.stored
            add_evidence(bag, f"data/{name}", stored.file, stored.digest, stored.size, progress)
    bag.add("notary/manifest.json", [batch.manifest])
    lines = (_line(item, name, disclosure) for item, name in disclosed())
    bag.add("notary/items.jsonl", lines, size=len(chosen) * limits.ITEM_LINE_BYTES // 16)
    bag.add("notary/tree.bin", cover(made.tree, chosen))
    bag.add("notary/head.ots", [write_proof(batch.head, b"", timestamp)])
    bag.add("notary/headers.bin", [header.raw for run in runs for header in run.headers])
    bag.add("notary/headers.json", [_headers_json(batch, runs)])
    if with_proofs:
        tail = made.tail(timestamp)
        for item, name in disclosed():
            bag.add(f"proofs/{name}.ots", [made.proof(item, tail)])
    bag.add("VERIFY.txt", [_instructions(batch, len(chosen), disclosure, with_proofs, attestations, runs)])
    bag.finish({"External-Identifier": batch.head.hex()})


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


def header_runs(ledger: Ledger, batch: Batch, attestations: Iterable[Attestation]) -> list[HeaderRun]:
    """The headers that the ledger has for the batch's blocks, each once: runs that overlap are one."""
    runs: list[HeaderRun] = []
    blocks = {(one.height, one.message) for one in attestations if one.kind is Kind.BITCOIN and one.height is not None}
    for height, root in sorted(blocks):
        headers = ledger.headers_from(batch.network, height, root)
        if not headers:
            continue
        last = runs[-1] if runs else None
        if last and (headers[0] in last.headers or headers[0].previous == last.headers[-1].hash):
            missing = height + len(headers) - last.start - len(last.headers)
            runs[-1] = HeaderRun(last.start, last.headers + headers[len(headers) - max(missing, 0) :])
        else:
            runs.append(HeaderRun(height, headers))
    return runs


def _headers_json(batch: Batch, runs: Iterable[HeaderRun]) -> bytes:
    members = {
        "network": batch.network,
        "runs": [{"start": run.start, "count": len(run.headers)} for run in runs],
    }
    return json.dumps(members).encode() + b"\n"


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


def _refuse_other_file(target: Path) -> None:
    """An older bundle may be replaced; whatever else stands there may be evidence."""
    if not target.exists():
        return
    try:
        with open_container(target):
            return
    except (NotABundleError, RefusedError, InputError):
        raise InputError(
            f"{target} is there already, and is no bundle: it is not overwritten", "give another name with -o"
        ) from None


# -- VERIFY.txt -----------------------------------------------------------------------------------------------------


def _instructions(
    batch: Batch,
    count: int,
    disclosure: Disclosure,
    with_proofs: bool,
    attestations: Iterable[Attestation],
    runs: Sequence[HeaderRun],
) -> bytes:
    """How to verify this bundle without our software, with its own values filled in."""
    network = NETWORKS[batch.network]
    blocks = []
    for one in attestations:
        if one.kind is not Kind.BITCOIN or one.height is None:
            continue
        lines = [f"   block {one.height}, merkle root {shown(one.message)}"]
        run = next((run for run in runs if run.start <= one.height < run.start + len(run.headers)), None)
        if run is not None:
            at = one.height - run.start
            header = run.headers[at]
            by = existed_by([each.time for each in run.headers[at:]])
            lines += [
                f"   its hash {header.shown_hash}",
                f"   its own clock says {block_time(header)}; allowing for loose clocks: no later than {by} (UTC)",
            ]
            last = boundary(one.height)
            if last < run.start + len(run.headers):
                lines += [
                    f"   notary/headers.bin leads from it, each header naming the one before, to block {last},",
                    f"   with the hash {run.headers[last - run.start].shown_hash}:",
                    "   whoever confirms that hash confirms the block",
                ]
        blocks.append("\n".join(lines))
    return (
        _TEMPLATE.format(
            test="" if not network.is_test else f"TEST NETWORK {batch.network}: THIS PROVES NOTHING.\n\n",
            count=f"{count:,}",
            of=f"{batch.size:,}",
            head=batch.head.hex(),
            root=batch.root.hex(),
            bag=_BAG_OF_FILES if disclosure is Disclosure.FILES else _BAG_WITHOUT_FILES,
            proof=_WITH_PROOFS if with_proofs else _WITHOUT_PROOFS,
            blocks="\n".join(blocks) or "   none yet: the proof is pending; calendars complete it within hours",
        )
    ).encode()


_TEMPLATE = """\
HOW TO VERIFY THIS BUNDLE WITHOUT THE SOFTWARE THAT MADE IT

{test}It shows {count} of the {of} files of one batch. They are committed to by one number, the head:

   {head}

The head was submitted to OpenTimestamps calendars, which put it into a block of a public chain. Whoever follows the
steps below trusts SHA-256 and that chain, and neither notary nor its makers.

1. THE BAG. In the folder that holds this file:

   sha256sum -c tagmanifest-sha256.txt
{bag}
2. THE PROOF, with the OpenTimestamps client (`pip install opentimestamps-client`):

{proof}
   `ots verify` asks a Bitcoin node of your own. Without a node, `ots info` prints the merkle root of the block that
   the proof leads to; compare it with that block's on any two public block explorers.

3. THE BLOCKS that the proof leads to:

{blocks}

4. THE TREE, if "{count} of {of}" matters to you. A plain .ots proof cannot show an item's place in its batch. The
   file FORMAT.md of notary describes the commitment; with it, notary/items.jsonl and notary/tree.bin give the root

   {root}

   and the root with notary/manifest.json gives the head.

WHAT THIS DOES NOT PROVE: who wrote, owns or invented anything; that anything in the files is true, new or lawfully
acquired; that no earlier version exists; that the batch is all there is. It proves that these bytes existed no later
than the block. Names, times and titles in notary/ are what somebody declared; the batch commits to them, and nothing
checks them.
"""

_BAG_OF_FILES = "   sha256sum -c manifest-sha256.txt\n"

_BAG_WITHOUT_FILES = """\
   Its files are not in this bundle. The SHA-256 of each is in notary/items.jsonl, under "digest"; compare it with
   what `sha256sum FILE` prints.
"""

_WITH_PROOFS = """\
   ots verify -f FILE proofs/FILE.ots
   ots info proofs/FILE.ots

   for each FILE. A file data/PATH has its proof as proofs/PATH.ots.
"""

_WITHOUT_PROOFS = """\
   ots verify -d HEAD notary/head.ots
   ots info notary/head.ots

   with the number above for HEAD. Proofs of single files are not in this bundle.
"""
