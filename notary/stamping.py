"""Stamping: files → digests → tree → head → ledger → calendars.

Everything is read and decided before anything leaves the machine: an unreadable file stops the batch. What is hashed
stands in a draft at once, so a stamp that is cut short goes on where it was; the batch is in the ledger before the
first calendar hears of it, so that it is queued, not lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from notary import __version__, limits
from notary.batches import write_proofs_beside
from notary.core.digest import Salter, head_hash, statement_hash
from notary.core.evidence import record_bytes
from notary.core.header import Network
from notary.core.manifest import Manifest, NamedBlock, StatedSigner, write_manifest
from notary.core.merkle import Growth, root_of_blocks
from notary.core.strict_json import is_unicode
from notary.edges.ledger import Batch, Conflict, Draft, DraftRow, Ledger, LineMovedError, NewBatch
from notary.edges.walking import Skipped
from notary.errors import InputError
from notary.gathering import Gathered, Hashers, Progress, gather, source_folder
from notary.outside import LOCAL, Embedded, Outside
from notary.selecting import Folders, LoadOrder, Problem, Selection
from notary.submitting import Submitted, submit

if TYPE_CHECKING:
    from notary.core.signature import Signer

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class SigningOrder:
    """Who shall sign the manifest; name and organisation are only declared."""

    signer: Signer
    name: str | None = None
    organisation: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be stamped, and how: what `paths` name, or in place of them what a load file does.

    `authority` is the address of a time-stamping authority whose token goes under the seal; `names_block` says whether
    the manifest names the newest block at hand.
    """

    paths: tuple[Path, ...]
    network: Network
    calendars: tuple[str, ...]
    min_calendars: int
    title: str | None = None
    matter: str | None = None
    exclude: tuple[str, ...] = ()
    skip_unreadable: bool = False
    writes_ots: bool = False
    load_file: LoadOrder | None = None
    signing: SigningOrder | None = None
    authority: str | None = None
    names_block: bool = True


@dataclass(frozen=True, slots=True)
class Stamped:
    """A sealed batch, what was left out of it, what the calendars said, and proofs that could not be written.

    `taken_over` files had been hashed by earlier runs that were cut short. `conflicts` are the first numbers and files
    that disagree in the batch's matter, of `conflict_count` in all.
    """

    batch: Batch
    skipped: tuple[Skipped, ...]
    submitted: Submitted
    troubles: tuple[str, ...]
    taken_over: int
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    conflict_count: int = 0


def stamp(
    order: Order,
    ledger: Ledger,
    outside: Outside,
    *,
    hashers: Hashers,
    progress: Progress = lambda count: None,
    sealed: Callable[[Batch], None] = lambda batch: None,
) -> Stamped:
    """Stamps what `order` names. `progress` is told the bytes that are hashed; `sealed`, the batch once it is safe.

    Raises InputError where there is nothing to stamp, a path is there twice, or a file cannot be read; RowsError where
    a load file is not as it should be.
    """
    declared = [("the title", order.title), ("the matter", order.matter)]
    if order.signing:
        declared += [("the signer's name", order.signing.name), ("the organisation", order.signing.organisation)]
    for what, text in declared:
        if text is not None and len(text) > limits.DECLARED_TEXT:
            raise InputError(f"{what} is over {limits.DECLARED_TEXT} characters")
        if text is not None and not is_unicode(text):
            raise InputError(f"{what} is not valid Unicode")
        if text is not None and not text.strip():
            raise InputError(f"{what} is empty")
    named = [order.load_file.file, order.load_file.root] if order.load_file else order.paths
    with ExitStack() as world:
        with ledger.draft([os.fsencode(path.absolute()) for path in named]) as draft:
            selection = _selection(order, ledger, outside, draft)
            filling = _Filling(draft, outside.randomness(KEY_BYTES))
            taken_over = 0
            key = None if selection.declares else filling.key
            for some in gather(selection.files(), draft, hashers, selection.also, progress, key):
                filling.add(selection.take(some, draft))
                taken_over += sum(one.is_known for one in some)
            selection.check(draft)
            embedded = world.enter_context(outside.embedded(order.network.name == LOCAL))
            batch, notes = _seal(order, ledger, selection, filling, outside, embedded)
        sealed(batch)
        submitted = submit(ledger, batch, outside, embedded)
    troubles = write_proofs_beside(ledger, batch, fresh=True) if order.writes_ots else []
    batch = ledger.find(batch.head.hex())
    conflicts = list(islice(ledger.conflicts(batch), limits.LISTED_PROBLEMS)) if selection.load_file else []
    return Stamped(
        batch,
        tuple(selection.skipped),
        submitted,
        tuple(troubles),
        taken_over,
        (*selection.notes, *notes),
        tuple(sorted(selection.problems)),
        tuple(conflicts),
        ledger.conflict_count(batch) if conflicts else 0,
    )


class _Filling:
    """A draft as it fills, and the tree that grows with it."""

    def __init__(self, draft: Draft, key: bytes) -> None:
        self.draft = draft
        self.key = key
        self.growth = Growth()
        self._salter = Salter(key)
        self._here = str(Path.cwd())
        self._folder: str | None = None
        self._source = b""

    def add(self, files: list[Gathered]) -> None:
        """Takes the next items, which have been hashed."""
        items: list[DraftRow] = []
        leaves: list[bytes] = []
        for index, (found, hashed, _, leaf, made_for, declared) in enumerate(files, start=self.draft.size):
            if isinstance(hashed, str):
                raise ValueError(f"{found.source} has no digest: {hashed}")
            folder, name_here, recorded = found
            if folder != self._folder:
                self._folder, self._source = folder, source_folder(folder, self._here)
            name = name_here if name_here.isascii() else os.fsencode(name_here)
            digest, size, mtime_ns, identity, others = hashed
            known_by = identity + b"".join(others) if others else identity
            items.append((recorded, self._source, name, digest, size, mtime_ns, known_by, declared))
            if not leaf or made_for != index:  # a file before it was left out
                path = found.recorded
                record = record_bytes(path, size, mtime_ns, declared)
                leaf = self._salter.leaves(index, [(digest, record)])
            leaves.append(leaf)
        self.growth.add(b"".join(leaves))
        self.draft.add(items)


def _selection(order: Order, ledger: Ledger, outside: Outside, draft: Draft) -> Selection:
    # Asked for once the draft is there, which may lie in a folder that is stamped.
    own = (*ledger.own_files(), outside.local_folder)
    if order.load_file:
        from notary.loading import LoadFile

        return LoadFile(order.load_file, draft, own)
    return Folders(order.paths, order.exclude, own, order.skip_unreadable, order.writes_ots)


def _seal(
    order: Order,
    ledger: Ledger,
    selection: Selection,
    filling: _Filling,
    outside: Outside,
    embedded: Embedded | None,
) -> tuple[Batch, list[str]]:
    """The sealed batch, and why its manifest names no block, should somebody have been asked for one in vain."""
    draft, roots = filling.draft, filling.growth.block_roots()
    root = root_of_blocks(roots)
    named, notes = _newest_block(order, ledger, outside, embedded)
    now, network = outside.moment(), order.network.name
    skipped = [f"{one.path}: {one.reason}" for one in selection.skipped]
    problems = [str(one) for one in selection.problems]
    signer = order.signing.signer if order.signing else None
    public = signer.public.line if signer else None
    while True:
        previous = ledger.last_of_line(network, public)
        tool = f"notary {__version__}"
        stated = Manifest(root, draft.size, network, now, tool, order.title, previous, named, _stated(order.signing))
        manifest = write_manifest(stated)
        signature = _signature(signer, manifest) if signer else None
        new = NewBatch(
            head=head_hash(root, draft.size, statement_hash(manifest, signature or b"")),
            root=root,
            block_roots=roots,
            network=network,
            manifest=manifest,
            key=filling.key,
            declared_at=now,
            title=order.title,
            matter=order.matter,
            calendars=(embedded.uri,) if embedded else order.calendars,
            min_calendars=1 if embedded else order.min_calendars,
            writes_ots=order.writes_ots,
            load_file=selection.load_file,
            signature=signature,
            signer=public,
            previous=previous,
            authority=order.authority,
        )
        try:
            return ledger.seal(draft, new, now, skipped, problems), notes
        except LineMovedError:
            continue


def _signature(signer: Signer, manifest: bytes) -> bytes:
    from notary.core.signature import sign  # what signs is imported where somebody does

    return sign(signer, manifest)


def _stated(signing: SigningOrder | None) -> StatedSigner | None:
    if signing is None:
        return None
    public = signing.signer.public
    return StatedSigner(public.line, public.did, signing.name, signing.organisation)


def _newest_block(
    order: Order, ledger: Ledger, outside: Outside, embedded: Embedded | None
) -> tuple[NamedBlock | None, list[str]]:
    """The block that the manifest names, whose header the ledger keeps from now on."""
    if not order.names_block:
        return None, []
    from notary.headers import HeaderSources
    from notary.newest import newest_block

    network = order.network
    sources = HeaderSources(node=embedded.node) if embedded else outside.headers(network)
    found, notes = newest_block(sources, network, outside.now())
    if found is None:
        return None, [f"the manifest names no block: {note}" for note in notes]
    height, header = found
    ledger.add_headers(network.name, height, [header])
    return NamedBlock(network.name, height, header.hash), []
