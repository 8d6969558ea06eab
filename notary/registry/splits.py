"""Two heads of one registry: whether the later one continues the earlier, and the evidence where neither can."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from notary import limits
from notary.edges.files import read_whole, written_whole
from notary.errors import EvidenceError, SystemFailureError, reason_of
from notary.registry.core.checkpoint import read_checkpoint
from notary.registry.core.log import ReadTile, TiledTree, verify_consistency, verify_divergence
from notary.registry.core.note import Note, VerifierKey, read_note, signers
from notary.registry.core.split import Split, read_split, write_split


def check_continues(old: Note, new: Note, read: ReadTile) -> None:
    """That the log of the head `new`, whose tiles `read` gives, begins with the one of `old`. Raises EvidenceError."""
    first, then = read_checkpoint(old.text), read_checkpoint(new.text)
    proof = TiledTree(then.size, read).consistency_proof(first.size) if first.size <= then.size else ()
    verify_consistency(first.size, first.root, then.size, then.root, proof)


def find_split(smaller: Note, larger: Note, read: ReadTile, keys: Iterable[VerifierKey]) -> Split | None:
    """The evidence that two heads are not of one log; None where nothing shows it.

    `read` gives the tiles of the larger one; `keys` are those by which both were verified.
    """
    one, other = read_checkpoint(smaller.text), read_checkpoint(larger.text)
    if not one.size:
        return None
    proof = TiledTree(other.size, read).divergence_proof(one.size)
    try:
        verify_divergence(one.size, one.root, other.size, other.root, proof)
    except EvidenceError:
        return None
    known = tuple(dict.fromkeys(keys))
    by = [signers(head, known)[-1] for head in (smaller, larger)]
    return Split(one.origin, (by[0], by[1]), (smaller, larger), proof)


def keep_evidence(split: Split, folder: Path) -> Path:
    """Writes the evidence into `folder`, under a name that no other split has. Raises SystemFailureError."""
    data = write_split(split)
    path = evidence_path(folder, split.origin, f"{hashlib.sha256(data).hexdigest()[:12]}.split.json")
    with written_whole(path) as stream:
        stream.write(data)
    return path


def evidence_path(folder: Path, origin: str, rest: str) -> Path:
    """Where in `folder`, which is made, a file about a registry goes. Raises SystemFailureError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SystemFailureError(f"{folder}: {reason_of(error)}") from None
    name = re.sub(r"[^A-Za-z0-9.-]", "_", origin)[:80].lstrip(".")
    return folder / f"{name}-{rest}"


def read_head(path: Path) -> Note:
    """The checkpoint in a file, checked against nothing. Raises InputError."""
    note = read_note(read_whole(path, limits.NOTE_BYTES))
    read_checkpoint(note.text)
    return note


def read_evidence(path: Path) -> Split:
    """The split that an evidence file is about, not yet verified. Raises InputError."""
    return read_split(read_whole(path, limits.REGISTRY_SPLIT_BYTES), str(path))
