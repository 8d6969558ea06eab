"""Checkpoints: what a log says its tree is (C2SP tlog-checkpoint).

    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

The text of a signed note, of lines that are not empty:

    checkpoint = origin LF size LF base64( root hash ) LF *( extension LF )
    size       = decimal without leading zeros

Verification of a signed one (`verify_checkpoint`):

1. It is signed by a key of the log, and no line that says so fails.
2. Its text is a checkpoint.
3. Its origin is the log's.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from notary import limits
from notary.core.digest import DIGEST_BYTES
from notary.core.strict_json import quoted
from notary.errors import EvidenceError, FormatError, InputError
from notary.registry.core.log import EMPTY_ROOT
from notary.registry.core.note import Note, Sign, VerifierKey, read_base64, sign_text, signers, write_base64

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


def read_decimal(text: str, what: str) -> int:
    """The number up to 2**63 - 1 that `text` is in ASCII digits, none of them a leading zero. Raises FormatError."""
    if not _DECIMAL.fullmatch(text) or int(text) > limits.LOG_SIZE:
        raise FormatError(f"{what} is no decimal number up to 2**63 - 1 without leading zeros: {quoted(text)}")
    return int(text)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's name, its number of entries and the root hash of its tree, 32 bytes. Extension lines mean nothing here.

    Raises FormatError where there can be no such checkpoint.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            if not line or "\n" in line:
                raise FormatError("a checkpoint's line is empty, or is more than one")
        if not 0 <= self.size <= limits.LOG_SIZE:
            raise FormatError(f"a checkpoint of {self.size} entries")
        if len(self.root) != DIGEST_BYTES:
            raise FormatError(f"a root hash of {len(self.root)} bytes; it has {DIGEST_BYTES}")
        if not self.size and self.root != EMPTY_ROOT:
            raise FormatError("a checkpoint of no entries whose root hash is not that of an empty tree")

    def __str__(self) -> str:
        return "".join(f"{one}\n" for one in (self.origin, self.size, write_base64(self.root), *self.extensions))


def read_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that a note's text is. Raises FormatError."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop():
        raise FormatError("not a checkpoint: it has not three lines, each ended by a newline")
    origin, size, root, *extensions = lines
    return Checkpoint(
        origin,
        read_decimal(size, "a checkpoint's size"),
        read_base64(root, "a checkpoint's root hash"),
        tuple(extensions),
    )


def sign_checkpoint(checkpoint: Checkpoint, key: VerifierKey, sign: Sign) -> Note:
    """`checkpoint` as a note, signed by the log's key of type 1, which is named as the log is.

    Raises InputError where it is not, or `sign` is not that key's.
    """
    if key.name != checkpoint.origin:
        raise InputError(f"the key {key} is not named as the log is: {checkpoint.origin}")
    return Note(str(checkpoint), (sign_text(str(checkpoint), key, sign),))


def verify_checkpoint(note: Note, origin: str, keys: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint of `note`, which the log named `origin` signed with at least one of `keys`.

    Raises EvidenceError where it did not, and FormatError where what it signed is no checkpoint.
    """
    if not signers(note, keys):  # 1
        raise EvidenceError(f"the checkpoint is not signed by a key of the log {origin}")
    checkpoint = read_checkpoint(note.text)  # 2
    if checkpoint.origin != origin:  # 3
        raise EvidenceError(f"a checkpoint of the log {quoted(checkpoint.origin)}; expected one of {origin}")
    return checkpoint
