"""A witness: signs that what it saw of a registry only ever grew (C2SP tlog-cosignature).

0. There is no evidence, in the witness's own folder, that the registry signed two histories: else nothing is cosigned
   until the user has decided, and taken the file away.
1. The checkpoint is signed by the registry's key in force, and by no key that is the witness's own.
2. It continues the last one that this witness cosigned, however long ago; one of the same size has the same root.
3. That it was seen is on the disk.
4. Only then it is cosigned, at the time that the witness's clock shows.

So two witnesses' worth of trust is in the third step: what was once cosigned is never forgotten, or gone back behind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from notary.errors import EvidenceError, InputError
from notary.registry.core.checkpoint import Checkpoint, read_checkpoint
from notary.registry.core.cosignature import cosign
from notary.registry.core.links import check_origin, check_url
from notary.registry.core.note import Note, Sign, VerifierKey, read_note
from notary.registry.core.trusted import TrustedRegistry, trusted_for
from notary.registry.edges.followed import Followed, Witnessed
from notary.registry.edges.log_reader import LogReader, reader_of
from notary.registry.following import place_of
from notary.registry.heads import RegistryError, State, keys_in_force, signed_by
from notary.registry.splits import check_continues, evidence_path, find_split, keep_evidence, read_evidence
from notary.reporting import plural


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness's key of type 4, who signs with it, his state, the folder for evidence, and the clock, in seconds."""

    key: VerifierKey
    sign: Sign
    followed: Followed
    evidence: Path
    clock: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint with the witness's cosignature on it, when it was made, and the size cosigned before, if any."""

    note: Note
    time: int
    before: int | None

    @property
    def head(self) -> Checkpoint:
        return read_checkpoint(self.note.text)


def witness_target(
    target: str, registries: tuple[TrustedRegistry, ...], vkey: VerifierKey | None
) -> tuple[TrustedRegistry, LogReader]:
    """The registry to cosign, and where it is: `target` is its origin in registries.toml, its address or its folder.

    `vkey` is its key where registries.toml does not have it. Raises InputError where nobody says whose key to expect.
    """
    known = trusted_for(registries, target)
    if known is not None and vkey is None:
        return known, reader_of(place_of(known))
    is_address = target.startswith(("http:", "https:"))
    reader = reader_of(check_url(target, "the registry", with_query=False) if is_address else target)
    origin = check_origin(read_checkpoint(read_note(reader.checkpoint()).text).origin, f"{target}: its origin")
    known = trusted_for(registries, origin)
    if vkey is not None:
        return TrustedRegistry(origin, vkey, frozenset()), reader
    if known is None:
        raise InputError(
            f"{target}: it says that it is {origin}, and nothing here says what its key is",
            "--vkey VKEY, as the keeper hands it on, or an entry in registries.toml",
        )
    return known, reader


def cosign_head(witness: Witness, registry: TrustedRegistry, reader: LogReader) -> Cosigned:
    """The registry's head, cosigned.

    Raises RegistryError where evidence of a split stands, and where it is not signed or does not continue what was
    cosigned before, in which case both heads are kept as evidence; InputError where the witness's key is the
    registry's.
    """
    followed, mine = witness.followed, witness.key.public_key
    _check_no_split(witness.evidence, registry.origin)  # 0
    note = read_note(reader.checkpoint())
    seen = followed.seen(registry.origin)
    if seen is not None and seen.refusal is not None:
        raise RegistryError(State.REFUSED, f"{registry.origin} is refused: {seen.refusal}")
    keys = keys_in_force(registry, seen, note)
    if any(key.public_key == mine for key in keys):
        raise InputError("the witness's key is the registry's own", "a witness is somebody else, with another key")
    key = signed_by(note, registry, keys)  # 1
    before = followed.witnessed(mine, registry.origin)
    if before is not None:
        _check(witness, registry, reader, before, note, key)  # 2
    followed.witness(mine, Witnessed(note, key), before)  # 3
    time = witness.clock()
    cosigned = note.with_signature(cosign(note.text, time, witness.key, witness.sign))  # 4
    return Cosigned(cosigned, time, None if before is None else before.head.size)


def _check_no_split(folder: Path, origin: str) -> None:
    prefix = evidence_path(folder, origin, "").name  # which another origin may have too
    for path in sorted(folder.glob(f"{prefix}*.split.json")):
        if read_evidence(path).origin == origin:
            raise RegistryError(
                State.REFUSED,
                f"{origin} is refused: {path} is evidence that it signed two histories",
                f"notary registry verify-split {path}",
                "it is cosigned again once you have decided so, and moved that file elsewhere",
            )


def _check(
    witness: Witness,
    registry: TrustedRegistry,
    reader: LogReader,
    before: Witnessed,
    note: Note,
    key: VerifierKey,
) -> None:
    try:
        check_continues(before.note, note, reader.tile)
        return
    except EvidenceError as error:
        fault = error
    old, new = before.head.size, read_checkpoint(note.text).size
    origin = registry.origin
    if new < old:
        raise RegistryError(
            State.ROLLED_BACK,
            f"{origin}: it went back from {plural(old, 'entry', 'entries')}, cosigned before, to {new:,}",
        )
    split = find_split(before.note, note, reader.tile, (before.key, key))
    if split is None:
        raise RegistryError(
            State.DAMAGED, f"{origin}: its tiles do not lead to the root that it signed: {fault.message}"
        )
    path = keep_evidence(split, witness.evidence)
    raise RegistryError(
        State.FORKED,
        f"{origin}: its head of {plural(new, 'entry', 'entries')} does not continue the cosigned one of {old:,}",
        f"{path} shows it to anybody: notary registry verify-split {path}",
        "it was not cosigned; tell those who follow the registry",
    )
