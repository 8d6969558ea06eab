"""Stamping: files → digests → tree → head → ledger → calendars.

Everything is read and decided before anything leaves the machine: an unreadable file stops the batch. The batch is in
the ledger before the first calendar hears of it, so a stamp that is cut short is queued, not lost.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from notary import __version__, limits
from notary.batches import write_proofs_beside
from notary.core.digest import head_hash, leaf_hash, record_hash, salts, statement_hash
from notary.core.evidence import check_record, make_record
from notary.core.header import Network
from notary.core.manifest import Manifest, write_manifest
from notary.core.merkle import build
from notary.core.strict_json import canonical, is_unicode
from notary.edges.files import Found, Hashed, Skipped, Unreadable, UnreadableError, hash_file, walk
from notary.edges.ledger import Batch, Ledger, NewBatch, StoredItem
from notary.errors import InputError
from notary.outside import LOCAL, Outside
from notary.upgrading import Submitted, submit

KEY_BYTES = 32

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be stamped, and how."""

    paths: tuple[Path, ...]
    network: Network
    calendars: tuple[str, ...]
    min_calendars: int
    title: str | None = None
    matter: str | None = None
    exclude: tuple[str, ...] = ()
    skip_unreadable: bool = False
    writes_ots: bool = False


@dataclass(frozen=True, slots=True)
class Stamped:
    """A sealed batch, what was left out of it, what the calendars said, and proofs that could not be written."""

    batch: Batch
    skipped: tuple[Skipped, ...]
    submitted: Submitted
    troubles: tuple[str, ...]


def stamp(
    order: Order,
    ledger: Ledger,
    outside: Outside,
    *,
    executor: Executor,
    progress: Progress = lambda count: None,
    sealed: Callable[[Batch], None] = lambda batch: None,
) -> Stamped:
    """Stamps what `order` names. `progress` is told the bytes of each read; `sealed`, the batch once it is safe.

    Raises InputError where there is nothing to stamp, a path is there twice, or a file cannot be read.
    """
    for what, text in (("the title", order.title), ("the matter", order.matter)):
        if text is not None and len(text) > limits.DECLARED_TEXT:
            raise InputError(f"{what} is over {limits.DECLARED_TEXT} characters")
        if text is not None and not is_unicode(text):
            raise InputError(f"{what} is not valid Unicode")
    found, skipped = _gather(order, (*ledger.own_files(), outside.local_folder))
    items, skipped = _hash(order, found, skipped, executor, progress)
    if not items:
        hints = [f"{one.path}: {one.reason}" for one in skipped[: limits.LISTED_PROBLEMS]]
        raise InputError("there is no file to stamp", *hints)
    if order.writes_ots:
        _refuse_existing_proofs(found)
    key = outside.randomness(KEY_BYTES)
    root = build(_leaves(key, items)).root
    now = outside.moment()
    manifest = write_manifest(Manifest(root, len(items), order.network.name, now, f"notary {__version__}", order.title))
    head = head_hash(root, len(items), statement_hash(manifest))
    with outside.embedded(order.network.name == LOCAL) as embedded:
        new = NewBatch(
            head=head,
            root=root,
            size=len(items),
            total_bytes=sum(hashed.size for _, hashed, _ in items),
            network=order.network.name,
            manifest=manifest,
            key=key,
            declared_at=now,
            title=order.title,
            matter=order.matter,
            calendars=(embedded.uri,) if embedded else order.calendars,
            min_calendars=1 if embedded else order.min_calendars,
            writes_ots=order.writes_ots,
        )
        batch = ledger.add_batch(new, _rows(items), now, (f"{one.path}: {one.reason}" for one in skipped))
        sealed(batch)
        submitted = submit(ledger, batch, outside, embedded)
    troubles = write_proofs_beside(ledger, batch, fresh=True) if order.writes_ots else []
    return Stamped(ledger.find(head.hex()), tuple(skipped), submitted, tuple(troubles))


_Item = tuple[Found, Hashed, bytes]


def _gather(order: Order, own: Collection[Path]) -> tuple[list[Found], list[Skipped]]:
    found: list[Found] = []
    skipped: list[Skipped] = []
    unreadable: list[Unreadable] = []
    for one in walk(order.paths, order.exclude, own):
        match one:
            case Found():
                found.append(one)
            case Skipped():
                skipped.append(one)
            case Unreadable():
                unreadable.append(one)
    return found, skipped + _allowed(order, unreadable)


def _allowed(order: Order, unreadable: Sequence[Unreadable]) -> list[Skipped]:
    """Unreadable things as skipped ones, if the user said so."""
    if unreadable and not order.skip_unreadable:
        listed = [f"{one.path}: {one.reason}" for one in unreadable[: limits.LISTED_PROBLEMS]]
        more = [f"and {len(unreadable) - len(listed)} more"] if len(unreadable) > len(listed) else []
        raise UnreadableError(
            f"{len(unreadable)} of the files cannot be read; nothing was stamped",
            *listed,
            *more,
            "--skip-unreadable stamps the others without them",
        )
    return [Skipped(one.path, f"unreadable: {one.reason}") for one in unreadable]


def _hash(
    order: Order, found: Sequence[Found], skipped: list[Skipped], executor: Executor, progress: Progress
) -> tuple[list[_Item], list[Skipped]]:
    """Every file with its digest and its record's bytes, and what was skipped with what could not be read."""

    def one(file: Found) -> Hashed | Unreadable:
        try:
            return hash_file(file.source, progress)
        except UnreadableError as error:
            return Unreadable(file.source, error.message.removeprefix(f"{file.source}: "))

    items: list[_Item] = []
    unreadable: list[Unreadable] = []
    paths: dict[bytes, str] = {}
    for file, hashed in zip(found, executor.map(one, found), strict=True):
        if isinstance(hashed, Unreadable):
            unreadable.append(hashed)
            continue
        earlier = paths.setdefault(file.recorded, file.source)
        if earlier is not file.source:
            raise InputError(
                f"{earlier} and {file.source} would have the same recorded path",
                "give the folder above them, or stamp them one after the other",
            )
        record = make_record(file.recorded, hashed.size, hashed.mtime_ns)
        check_record(record)
        items.append((file, hashed, canonical(record)))
    return items, skipped + _allowed(order, unreadable)


def _leaves(key: bytes, items: Iterable[_Item]) -> Iterator[bytes]:
    for index, (_, hashed, record) in enumerate(items):
        salt = salts(key, index)
        yield leaf_hash(hashed.digest, salt.s, record_hash(salt.t, record))


def _rows(items: Iterable[_Item]) -> Iterator[StoredItem]:
    for index, (file, hashed, record) in enumerate(items):
        yield StoredItem(index, hashed.digest, record, os.fsencode(Path(file.source).absolute()))


def _refuse_existing_proofs(found: Iterable[Found]) -> None:
    for file in found:
        beside = Path(file.source + ".ots")
        if beside.exists():
            raise InputError(
                f"{beside} is there already and is not overwritten",
                "move it away, leave it out with --exclude, or stamp without --ots",
            )
