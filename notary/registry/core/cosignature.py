"""Cosignatures of witnesses over checkpoints (C2SP tlog-cosignature, the Ed25519 type).

A witness says: at this time the largest tree that I have seen of the log with this origin, consistent with all before,
has this root. So a log that shows two readers two histories has to win over witnesses too. It signs

    cosignature/v1
    time 1679315147
    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

and its line on the note holds u64 time ‖ Ed25519 signature. The message does not name the witness, so two witnesses
with one public key are one. The post-quantum type (ML-DSA-44, 0x06) is ignored as any unknown signature is.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from notary import limits
from notary.errors import EvidenceError, InputError
from notary.registry.core.note import COSIGNATURE, Note, Sign, Signature, VerifierKey, signatures_by

_TIME_BYTES = 8


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A verified cosignature: by whom, and the POSIX time in seconds that the witness's own clock showed."""

    witness: VerifierKey
    time: int


def cosigned_message(text: str, time: int) -> bytes:
    """What a witness signs at `time` of the checkpoint that is the note text `text`."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosign(text: str, time: int, key: VerifierKey, sign: Sign) -> Signature:
    """The cosignature line for the checkpoint `text` by the witness's key, of type 4, at `time`.

    Whoever signs must have checked the log's signature, and that the tree is consistent with the last one cosigned.
    Raises InputError where `sign` is not that key's, or there is no such time.
    """
    if key.type != COSIGNATURE:
        raise InputError(f"the key {key} cosigns nothing: it is of type {key.type}, not {COSIGNATURE}")
    if not 0 <= time <= limits.LOG_SIZE:
        raise InputError(f"a cosignature at the time {time}")
    signature = key.signed(cosigned_message(text, time), sign)
    return Signature(key.name, key.id, time.to_bytes(_TIME_BYTES, "big") + signature)


def cosignatures(note: Note, witnesses: Iterable[VerifierKey]) -> tuple[Cosignature, ...]:
    """Those of `note` by `witnesses`, keys of type 4, in the note's order; a witness may have cosigned more than once.

    Raises EvidenceError where a line says that it is a cosignature by one of them, and is not.
    """
    found = []
    for witness, stamped in signatures_by(note, witnesses, COSIGNATURE):
        time = int.from_bytes(stamped[:_TIME_BYTES], "big")
        message = cosigned_message(note.text, time)
        if time > limits.LOG_SIZE or not witness.verifies(stamped[_TIME_BYTES:], message):
            raise EvidenceError(f"the cosignature by {witness.name} ({witness.id.hex()}) does not verify")
        found.append(Cosignature(witness, time))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Quorum:
    """`needed` of `witnesses`, keys of type 4: so many have to have cosigned. None of none is always met.

    Raises InputError where it could never be met, or one key counts twice.
    """

    needed: int = 0
    witnesses: tuple[VerifierKey, ...] = ()

    def __post_init__(self) -> None:
        for one in self.witnesses:
            if one.type != COSIGNATURE:
                raise InputError(f"the key {one} is no witness's: it is of type {one.type}, not {COSIGNATURE}")
        if len({one.public_key for one in self.witnesses}) < len(self.witnesses):
            raise InputError("one public key is named as two witnesses")
        if not 0 <= self.needed <= len(self.witnesses):
            raise InputError(f"{self.needed} of {len(self.witnesses)} witnesses can never have cosigned")

    def cosigned(self, note: Note) -> tuple[Cosignature, ...]:
        """The last cosignature of each witness on `note`. Raises EvidenceError where one does not verify."""
        last: dict[VerifierKey, Cosignature] = {}
        for one in sorted(cosignatures(note, self.witnesses), key=lambda one: one.time):
            last[one.witness] = one
        return tuple(last.values())

    def verify(self, note: Note) -> tuple[Cosignature, ...]:
        """The same, which are enough. Raises EvidenceError where they are not."""
        found = self.cosigned(note)
        if len(found) < self.needed:
            raise EvidenceError(
                f"cosigned by {len(found)} of {len(self.witnesses)} witnesses; {self.needed} are needed"
            )
        return found
