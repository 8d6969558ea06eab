"""A batch from the ledger made whole again: its tree, its items with their salts, the proofs that follow from it."""

from dataclasses import dataclass
from pathlib import Path

from notary import limits
from notary.core.digest import Salter, record_hash, seal_hash, statement_hash
from notary.core.merkle import BLOCK, Growth, Tree, root_of_blocks, steps_to_head, steps_to_leaf, steps_to_seal
from notary.core.ots import Attestation, read_proof, read_timestamp, write_proof, write_steps
from notary.edges.files import read_whole, written_whole
from notary.edges.ledger import Batch, Ledger, StoredItem
from notary.errors import InputError, SystemFailureError


@dataclass(frozen=True, slots=True)
class Opened:
    """An item with its salts and its record's bytes, as it may be disclosed."""

    stored: StoredItem
    s: bytes
    t: bytes
    record: bytes
    r: bytes


@dataclass(frozen=True, slots=True)
class Whole:
    """A batch with the makers of its salts and of its tree."""

    batch: Batch
    salter: Salter
    tree: Tree

    def open(self, stored: StoredItem) -> Opened:
        salt, record = self.salter.salts(stored.index), stored.record
        return Opened(stored, salt.s, salt.t, record, record_hash(salt.t, record))

    def tail(self, timestamp: bytes) -> bytes:
        """What all items' proofs end in; `timestamp` is the serialised one of the batch's seal."""
        batch = self.batch
        to_head = steps_to_head(batch.size, statement_hash(batch.manifest, batch.signature or b""))
        to_seal = write_steps(steps_to_seal(batch.token)) if batch.token is not None else b""
        return to_head + to_seal + timestamp

    def proof(self, item: Opened, tail: bytes) -> bytes:
        """The item's standard `.ots` file."""
        steps = steps_to_leaf(item.s, item.r) + self.tree.path_steps(item.stored.index)
        return write_proof(item.stored.digest, steps, tail)


def seal_of(batch: Batch) -> bytes:
    """The 32 bytes that calendars got."""
    return seal_hash(batch.head, batch.token)


def attestations_of(ledger: Ledger, batch: Batch) -> tuple[Attestation, ...]:
    """The attestations that the batch's proof has so far, pending ones included."""
    timestamp = ledger.timestamp(batch)
    return () if timestamp is None else read_timestamp(timestamp, seal_of(batch))


def whole(ledger: Ledger, batch: Batch) -> Whole:
    """The batch with its tree, whose blocks are hashed again as they are needed.

    Raises SystemFailureError where the ledger is damaged; the tree's methods raise it too, for items that are not
    those that were sealed.
    """
    salter = Salter(ledger.key(batch))
    damaged = SystemFailureError(
        f"{ledger.path}: the items of batch {batch.name} no longer give its root: the ledger is damaged",
        "restore it from a backup",
    )

    def leaves_of(block: int) -> bytes:
        items = ledger.items(batch, block * BLOCK, BLOCK)
        return salter.leaves(block * BLOCK, ((stored.digest, stored.record) for stored in items))

    roots = ledger.block_roots(batch)
    if not roots or root_of_blocks(roots) != batch.root:  # a ledger from before they were kept, or a fault of the disk
        growth = Growth()
        for block in range(-(-batch.size // BLOCK)):
            growth.add(leaves_of(block))
        roots = growth.block_roots()
        if not roots or root_of_blocks(roots) != batch.root:
            raise damaged
        ledger.keep_block_roots(batch, roots)
    return Whole(batch, salter, Tree(batch.size, roots, leaves_of, damaged))


def write_proofs_beside(ledger: Ledger, batch: Batch, *, fresh: bool) -> list[str]:
    """Writes every item's `.ots` beside its file, and says what could not be written.

    When `fresh`, no proof is there yet. Later only a proof of the same digest is replaced: a file that the user
    moved away or put there is left alone.
    """
    timestamp = ledger.timestamp(batch)
    if timestamp is None:
        return []
    made = whole(ledger, batch)
    tail = made.tail(timestamp)
    troubles = []
    for stored in ledger.items(batch):
        path = stored.file.with_name(stored.file.name + ".ots")
        if not fresh and not _is_ours(path, stored.digest):
            continue
        try:
            with written_whole(path) as stream:
                stream.write(made.proof(made.open(stored), tail))
        except SystemFailureError as error:
            troubles.append(error.message)
    return troubles


def _is_ours(path: Path, digest: bytes) -> bool:
    try:
        return read_proof(read_whole(path, limits.PROOF_BYTES)).digest == digest
    except InputError:
        return False
