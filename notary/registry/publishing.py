"""Publishing: entries → tiles → a signed checkpoint, in an order in which readers always find a whole log."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from notary.errors import EvidenceError, FormatError, InputError
from notary.outside import Randomness
from notary.registry.anchoring import write_anchor
from notary.registry.core.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint, verify_checkpoint
from notary.registry.core.cosignature import Quorum, cosignatures
from notary.registry.core.log import Appender
from notary.registry.core.note import Note, VerifierKey, read_note, write_note
from notary.registry.core.tiles import ENTRIES, WIDTH, Tile, row_width
from notary.registry.edges.published_log import LogWriter
from notary.registry.edges.register import Key, Register, Signed
from notary.registry.keeping import NONCE_BYTES, Registry
from notary.registry.signing import Unlock
from notary.reporting import plural


@dataclass(frozen=True, slots=True)
class Published:
    """The last checkpoint, whether it is new, whether all files were written, and how many cosignatures were added."""

    checkpoint: Checkpoint
    is_new: bool
    is_anew: bool
    cosigned: int


def publish(
    registry: Registry, unlock: Unlock, randomness: Randomness, cosigned: Sequence[bytes] = (), *, anew: bool = False
) -> tuple[Published, list[str]]:
    """Publishes what was added since, and cosignatures of known witnesses in the notes `cosigned`; what was left out.

    `anew` writes all files, whatever is there; so does a folder without a checkpoint. The caller holds
    `register.publishing()`. Raises EvidenceError where the folder has a checkpoint that this register did not sign,
    SystemFailureError where it cannot be written.
    """
    register, log = registry.register, registry.log
    current = _check_published(registry)
    last, size = register.last_signed(), register.size
    is_new = size > last.size
    base = None if anew or current is None else current.checkpoint
    key = signing_key(register.keys, last.size)
    signer = unlock(key.file) if is_new else None
    with log.writer() as writer:
        if base is None or base.size < size:
            root = _write_tiles(writer, registry, base, last.checkpoint, size)
            writer.settle()
        if signer is not None:
            note = sign_checkpoint(Checkpoint(register.origin, size, root), key.verifier, signer.sign_plain)
            register.keep(Signed(note, write_note(note), randomness(NONCE_BYTES)))
        count, notes = _collect(registry, cosigned)
        last = register.last_signed()
        for one in register.covering(0 if base is None else base.size):
            write_anchor(writer, one)
        if current is None or current.note != last.note:
            writer.publish(write_note(last.note))
            _tidy(writer, register.sizes_signed(3))
        writer.settle()
    return Published(last.checkpoint, is_new, base is None, count), notes


def accept_witnesses(register: Register, witnesses: Iterable[VerifierKey]) -> None:
    """Takes these witnesses' cosignatures from now on. Raises InputError for a key that can be no witness's of this
    registry: of another type, under a second name, or its own."""
    all_of_them = tuple(dict.fromkeys((*register.witnesses(), *witnesses)))
    Quorum(0, all_of_them)
    own = [key.verifier.public_key for key in register.keys]
    if any(one.public_key in own for one in all_of_them):
        raise InputError("a registry's own key is no witness of it")
    register.add_witnesses(all_of_them)


def signing_key(keys: Sequence[Key], signed: int) -> Key:
    """The key that signs the checkpoint after the one of `signed` entries: the last one whose rotation that covers."""
    return [key for key in keys if key.rotation is None or key.rotation < signed][-1]


@dataclass(frozen=True, slots=True)
class _Current:
    """The checkpoint that the folder has."""

    note: Note
    checkpoint: Checkpoint


def _check_published(registry: Registry) -> _Current | None:
    """The checkpoint in the folder, if it is one that this register signed; None where there is none."""
    data, register = registry.log.checkpoint(), registry.register
    if data is None:
        return None
    note = read_note(data)
    found = verify_checkpoint(note, register.origin, [key.verifier for key in register.keys])
    signed = register.signed_at(found.size)
    if signed is None or signed.checkpoint != found:
        raise EvidenceError(
            f"{registry.log.folder} has a checkpoint of {plural(found.size, 'entry', 'entries')} that this private"
            f" state did not sign: it has {register.size:,}, and is an older copy or another one",
            "publishing from it would show two histories: bring back the state that signed it",
        )
    return _Current(note, found)


def _write_tiles(writer: LogWriter, registry: Registry, base: Checkpoint | None, last: Checkpoint, size: int) -> bytes:
    """Writes the tiles of the log of `size` entries that the one in the folder, `base`, does not have, or all; and
    those partial ones that a folder has which nobody lost: each checkpoint's, until they are full in the last but one.

    Returns its root. Raises EvidenceError where the entries are not those that were signed in `last`.
    """
    register = registry.register
    appender = None if base is None else _appender(registry, base)
    if appender is None:
        appender = Appender(0, registry.log.tile)
        _check_entries(registry, last)  # before anything that is there is written over
    start, before = appender.size, last.size if size > last.size else register.sizes_signed(2)[0]
    for end in sorted({last.size, size, *(one.size for one in register.covering(start))}):
        for tile, data in appender.add(register.entries(appender.size, end)):
            writer.write(tile.path, data)
        if end == last.size and appender.root != last.root:
            raise _damaged(registry)
        for tile, data in appender.edge():
            if end > start and tile.index >= row_width(before, tile.level) // WIDTH:
                writer.write(tile.path, data)
    return appender.root


def _appender(registry: Registry, base: Checkpoint) -> Appender | None:
    """What goes on from the tiles in the folder; None where they are not those of its checkpoint."""
    try:
        appender = Appender(base.size, registry.log.tile)
    except (FormatError, InputError):
        return None
    return appender if appender.root == base.root else None


def _check_entries(registry: Registry, last: Checkpoint) -> None:
    appender = Appender(0, registry.log.tile)
    for _ in appender.add(registry.register.entries(0, last.size)):
        pass
    if appender.root != last.root:
        raise _damaged(registry)


def _damaged(registry: Registry) -> EvidenceError:
    return EvidenceError(
        f"the private state in {registry.register.folder} is damaged: its entries are not those that it signed",
        "bring back a copy of it that is as new as the published checkpoint",
    )


def _collect(registry: Registry, cosigned: Sequence[bytes]) -> tuple[int, list[str]]:
    """Puts the cosignatures on the checkpoints that they are of: how many, and what was left out."""
    register = registry.register
    witnesses = {(one.name, one.id): one for one in register.witnesses()}
    count, notes = 0, []
    for data in cosigned:
        note = read_note(data)
        stored = register.signed_at(read_checkpoint(note.text).size)
        if stored is None or stored.note.text != note.text:
            raise EvidenceError("a cosigned checkpoint is none that this registry signed")
        kept = stored.note
        for line in note.signatures:
            witness = witnesses.get((line.name, line.key_id))
            if witness is not None and line not in kept.signatures:
                cosignatures(replace(note, signatures=(line,)), [witness])
                kept, count = kept.with_signature(line), count + 1
            elif witness is None and line not in kept.signatures:
                notes.append(f"a signature by {line.name} was left out: --witness VKEY names whose are kept")
        register.keep(replace(stored, note=kept))
    return count, notes


def _tidy(writer: LogWriter, sizes: Sequence[int]) -> None:
    """Takes away the partial files of tiles that were full already in the log before this one: `sizes` are the last
    three, this one's at the end. Those that the checkpoint before needs stay, for whoever has just read it."""
    if len(sizes) < 3:
        return
    earlier, before, _ = sizes
    level = ENTRIES
    while (width := row_width(earlier, level)) or level == ENTRIES:
        index, partial = divmod(width, WIDTH)
        if partial and index < row_width(before, level) // WIDTH:
            writer.remove_partials(Tile(level, index))
        level += 1
