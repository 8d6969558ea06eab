"""A batch from the ledger made whole again: its tree, its items with their salts, the proofs that follow from it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from notary import limits
from notary.core.digest import leaf_hash, record_hash, salts, seal_hash, statement_hash
from notary.core.evidence import Item
from notary.core.merkle import Tree, audit_path, build, steps_to_head
from notary.core.ots import Attestation, read_proof, read_timestamp, write_proof
from notary.edges.files import read_whole, written_whole
from notary.edges.ledger import Batch, Ledger, StoredItem
from notary.errors import InputError, SystemFailureError


@dataclass(frozen=True, slots=True)
class Whole:
    """A batch with its key and its tree."""

    batch: Batch
    key: bytes
    tree: Tree

    def item(self, stored: StoredItem) -> Item:
        """The item as it may be disclosed, with its record."""
        salt = salts(self.key, stored.index)
        return Item(
            index=stored.index,
            digest=stored.digest,
            s=salt.s,
            r=record_hash(salt.t, stored.record),
            t=salt.t,
            record=json.loads(stored.record),
        )

    def proof(self, item: Item, timestamp: bytes) -> bytes:
        """The item's standard `.ots` file; `timestamp` is the serialised one of the batch's seal."""
        steps = steps_to_head(
            item.s,
            item.r,
            audit_path(self.tree, item.index),
            self.batch.size,
            statement_hash(self.batch.manifest),
        )
        return write_proof(item.digest, steps, timestamp)


def seal_of(batch: Batch) -> bytes:
    """The 32 bytes that calendars got."""
    return seal_hash(batch.head)


def attestations_of(ledger: Ledger, batch: Batch) -> tuple[Attestation, ...]:
    """The attestations that the batch's proof has so far, pending ones included."""
    timestamp = ledger.timestamp(batch)
    return () if timestamp is None else read_timestamp(timestamp, seal_of(batch))


def whole(ledger: Ledger, batch: Batch) -> Whole:
    """Recomputes the batch's tree from its items. Raises SystemFailureError where the ledger is damaged."""
    key = ledger.key(batch)
    tree = build(_leaves(ledger, batch, key))
    if tree.root != batch.root or tree.size != batch.size:
        raise SystemFailureError(
            f"{ledger.path}: the items of batch {batch.name} no longer give its root: the ledger is damaged",
            "restore it from a backup",
        )
    return Whole(batch, key, tree)


def _leaves(ledger: Ledger, batch: Batch, key: bytes) -> Iterator[bytes]:
    for stored in ledger.items(batch):
        salt = salts(key, stored.index)
        yield leaf_hash(stored.digest, salt.s, record_hash(salt.t, stored.record))


def write_proofs_beside(ledger: Ledger, batch: Batch, *, fresh: bool) -> list[str]:
    """Writes every item's `.ots` beside its file, and says what could not be written.

    When `fresh`, no proof is there yet. Later only a proof of the same digest is replaced: a file that the user
    moved away or put there is left alone.
    """
    timestamp = ledger.timestamp(batch)
    if timestamp is None:
        return []
    made = whole(ledger, batch)
    troubles = []
    for stored in ledger.items(batch):
        path = stored.file.with_name(stored.file.name + ".ots")
        if not fresh and not _is_ours(path, stored.digest):
            continue
        try:
            with written_whole(path) as stream:
                stream.write(made.proof(made.item(stored), timestamp))
        except SystemFailureError as error:
            troubles.append(error.message)
    return troubles


def _is_ours(path: Path, digest: bytes) -> bool:
    try:
        return read_proof(read_whole(path, limits.PROOF_BYTES)).digest == digest
    except InputError:
        return False
