"""The signatures on a registry's head: which key may sign it, and which cosignatures count."""

from collections.abc import Sequence
from enum import StrEnum

from notary.errors import EvidenceError
from notary.registry.core.checkpoint import read_checkpoint, verify_checkpoint
from notary.registry.core.cosignature import Cosignature, Quorum
from notary.registry.core.note import Note, VerifierKey, signers
from notary.registry.core.trusted import TrustedRegistry
from notary.registry.edges.followed import Seen


class State(StrEnum):
    """How a registry was found."""

    FOLLOWED = "followed"
    STALE = "stale"
    DOWN = "down"
    DAMAGED = "damaged"
    UNSIGNED = "unsigned"
    NOT_COSIGNED = "not cosigned"
    NOT_CONTINUED = "not shown to continue"
    ROLLED_BACK = "rolled back"
    FORKED = "forked"
    REFUSED = "refused"


class RegistryError(EvidenceError):
    """What is wrong with a registry, as a `State`."""

    def __init__(self, state: State, message: str, *hints: str) -> None:
        super().__init__(message, *hints)
        self.state = state


def keys_in_force(registry: TrustedRegistry, seen: Seen | None, note: Note) -> tuple[VerifierKey, ...]:
    """The keys of which one has to have signed `note`, the one in force last.

    Once a head under which a rotation stands was seen, larger ones are taken by the new key only; of that one, and of
    smaller ones, the keys before are needed to say what it is.
    """
    if seen is None or registry.key not in seen.keys or seen.refusal is not None:
        chain = () if seen is None or registry.key not in seen.keys else seen.keys
        return tuple(dict.fromkeys((*chain, registry.key)))
    if read_checkpoint(note.text).size > seen.rotated:
        return seen.keys[-1:]
    return tuple(dict.fromkeys(seen.keys))


def signed_by(note: Note, registry: TrustedRegistry, keys: tuple[VerifierKey, ...]) -> VerifierKey:
    """Which of `keys` signed `note`, a checkpoint of the registry. Raises RegistryError."""
    origin = registry.origin
    try:
        verify_checkpoint(note, origin, keys)
    except EvidenceError as error:
        names = ", ".join(f"{one.name}+{one.key_id.hex()}" for one in note.signatures[:4])
        raise RegistryError(
            State.UNSIGNED,
            f"{origin}: {error.message}",
            f"it is signed by {names}; expected {keys[-1].name}+{keys[-1].id.hex()}",
            "if its keeper has announced a new key elsewhere, put that vkey into registries.toml",
        ) from None
    return signers(note, keys)[-1]


def check_quorum(note: Note, registry: TrustedRegistry, key: VerifierKey) -> None:
    """That enough of the registry's witnesses cosigned `note`, which `key` signed. Raises RegistryError."""
    try:
        found = len(counted(note, registry, (key,)))
    except EvidenceError as error:
        raise RegistryError(State.NOT_COSIGNED, f"{registry.origin}: {error.message}") from None
    if found < registry.quorum:
        cosigned = f"cosigned by {found} of {len(registry.witnesses)} witnesses; {registry.quorum} are needed"
        hint = "nothing of this head is taken; it may be too new for them: try again later"
        raise RegistryError(State.NOT_COSIGNED, f"{registry.origin}: its checkpoint is {cosigned}", hint)


def counted(note: Note, registry: TrustedRegistry, keys: Sequence[VerifierKey]) -> tuple[Cosignature, ...]:
    """The cosignatures that count: one public key counts once among the registry's and its witnesses'."""
    own = {key.public_key for key in keys}
    found = Quorum(registry.quorum, registry.witnesses).cosigned(note)
    return tuple(one for one in found if one.witness.public_key not in own)
