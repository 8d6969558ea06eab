"""A proof that stands alone that an entry is in a log (C2SP tlog-proof, version 1).

    c2sp.org/tlog-proof@v1
    index 1
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=

    example.com/fancylog
    2
    sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

    — example.com/fancylog hI2DJw...

    proof = "c2sp.org/tlog-proof@v1" LF [ "extra" SP base64( bytes ) LF ] "index" SP decimal LF *( base64( hash ) LF )
            LF checkpoint as a signed note

Verification (`TlogProof.verify`):

1. The checkpoint is the log's, signed by one of its keys (`checkpoint.verify_checkpoint`).
2. Enough witnesses cosigned it (`cosignature.Quorum`).
3. The inclusion proof leads from the entry, at the index, to the checkpoint's root.

The extra data is signed by nobody.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from notary import limits
from notary.core.digest import DIGEST_BYTES
from notary.core.strict_json import quoted
from notary.errors import FormatError
from notary.registry.core.checkpoint import Checkpoint, read_checkpoint, read_decimal, verify_checkpoint
from notary.registry.core.cosignature import Cosignature, Quorum
from notary.registry.core.log import verify_inclusion
from notary.registry.core.note import Note, VerifierKey, read_base64, read_note, write_base64, write_note

_HEADER = "c2sp.org/tlog-proof@v1"
_EXTRA, _INDEX = "extra ", "index "
_HASHES = limits.LOG_SIZE.bit_length()


@dataclass(frozen=True, slots=True)
class TlogProof:
    """An entry's index, the hashes from its leaf's sibling up to the root's child, and the checkpoint's note.

    `extra` is the empty string where there is none. Raises FormatError where there can be no such proof.
    """

    index: int
    hashes: tuple[bytes, ...]
    note: Note
    extra: bytes = b""

    def __post_init__(self) -> None:
        if not 0 <= self.index < read_checkpoint(self.note.text).size:
            raise FormatError(f"a proof of entry {self.index}, which lies outside its log")
        if len(self.hashes) > _HASHES or any(len(one) != DIGEST_BYTES for one in self.hashes):
            raise FormatError(f"a proof of over {_HASHES} hashes, or one is not of {DIGEST_BYTES} bytes")
        if len(self.extra) > limits.TLOG_PROOF_EXTRA_BYTES:
            raise FormatError(f"a proof with over {limits.TLOG_PROOF_EXTRA_BYTES} bytes of extra data")

    @property
    def checkpoint(self) -> Checkpoint:
        """What its note says, checked against nothing."""
        return read_checkpoint(self.note.text)

    def verify(
        self, leaf: bytes, origin: str, keys: Iterable[VerifierKey], quorum: Quorum
    ) -> tuple[Checkpoint, tuple[Cosignature, ...]]:
        """The checkpoint in which `leaf` stands at the index, and who cosigned it.

        `keys` are those of the log named `origin`. Raises EvidenceError where a step of the verification fails.
        """
        checkpoint = verify_checkpoint(self.note, origin, keys)  # 1
        cosignatures = quorum.verify(self.note)  # 2
        verify_inclusion(leaf, self.index, checkpoint.size, self.hashes, checkpoint.root)  # 3
        return checkpoint, cosignatures


def read_tlog_proof(data: bytes) -> TlogProof:
    """The proof that `data` is. Raises FormatError."""
    if len(data) > limits.TLOG_PROOF_BYTES:
        raise FormatError(f"over {limits.TLOG_PROOF_BYTES} bytes: no C2SP proof is so long")
    head, _, note = data.partition(b"\n\n")
    try:
        header, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise FormatError("not a C2SP proof: its first lines are not ASCII") from None
    if header != _HEADER:
        raise FormatError(f"not a C2SP proof: its first line has to be {_HEADER}")
    extra = b""
    if lines and lines[0].startswith(_EXTRA):
        extra = read_base64(lines.pop(0).removeprefix(_EXTRA), "a proof's extra data")
        if not extra:
            raise FormatError("a proof with a line of extra data, and none on it")
    if not lines or not lines[0].startswith(_INDEX):
        raise FormatError(f"a C2SP proof without an index: {quoted(lines[0] if lines else '')}")
    index = read_decimal(lines.pop(0).removeprefix(_INDEX), "a proof's index")
    hashes = tuple(read_base64(line, "a proof's hash") for line in lines)
    return TlogProof(index, hashes, read_note(note), extra)


def write_tlog_proof(proof: TlogProof) -> bytes:
    """The bytes of `proof`, which `read_tlog_proof` takes."""
    extra = [_EXTRA + write_base64(proof.extra)] if proof.extra else []
    lines = [_HEADER, *extra, f"{_INDEX}{proof.index}", *map(write_base64, proof.hashes)]
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + write_note(proof.note)
