"""Evidence of a split: two checkpoints that a registry's key signed, and that cannot both be of one growing log.

    {
      "format": "notary-registry-split/v1",
      "origin": "registry.example.org/ip",
      "vkeys": [ VKEY, VKEY ],               the key that signed each head; the same twice, but across a rotation
      "heads": [ NOTE, NOTE ],               the smaller one first, or the one that was seen first
      "proof": [ HEX, ... ]                  none where both have one size
    }

Verification (`Split.verify`):

1. Each head is signed by its vkey, and is a checkpoint of `origin`.
2. Both have one size, and other roots; or the proof leads to the root of the larger one, and for the first entries of
   it, as many as the smaller one has, to another root than the smaller one's (`log.verify_divergence`).
3. The vkeys are those of the registry: no file can say so. Whoever verifies compares them with what he trusts.
"""

import json
from dataclasses import dataclass

from notary import limits
from notary.core.digest import DIGEST_BYTES
from notary.core.strict_json import Json, quoted, read_object
from notary.errors import FormatError
from notary.registry.core.checkpoint import Checkpoint, verify_checkpoint
from notary.registry.core.links import check_origin
from notary.registry.core.log import verify_divergence
from notary.registry.core.note import ED25519, Note, VerifierKey, read_note, read_vkey, write_note

SPLIT_FORMAT = "notary-registry-split/v1"

_KEYS = {"format", "origin", "vkeys", "heads", "proof"}


@dataclass(frozen=True, slots=True)
class Split:
    """Two heads of the log named `origin`, the smaller one first, the key of each, and the proof that they diverge."""

    origin: str
    keys: tuple[VerifierKey, VerifierKey]
    heads: tuple[Note, Note]
    proof: tuple[bytes, ...]

    def verify(self) -> tuple[Checkpoint, Checkpoint]:
        """The two checkpoints (steps 1 and 2). Raises EvidenceError where they are no evidence of a split."""
        one, other = (
            verify_checkpoint(head, self.origin, [key]) for head, key in zip(self.heads, self.keys, strict=True)
        )
        verify_divergence(one.size, one.root, other.size, other.root, self.proof)
        return one, other


def write_split(split: Split) -> bytes:
    """The bytes of an evidence file, indented for people to read."""
    members: Json = {
        "format": SPLIT_FORMAT,
        "origin": split.origin,
        "vkeys": [str(key) for key in split.keys],
        "heads": [write_note(head).decode() for head in split.heads],
        "proof": [one.hex() for one in split.proof],
    }
    return json.dumps(members, indent=2, ensure_ascii=False).encode() + b"\n"


def read_split(data: bytes, what: str = "the evidence") -> Split:
    """The split that an evidence file is about, not yet verified. Raises FormatError, which says `what`."""
    members = read_object(data, what, limits.REGISTRY_SPLIT_BYTES)
    if members.get("format") != SPLIT_FORMAT:
        raise FormatError(f"{what}: its format is {quoted(members.get('format'))}, not {SPLIT_FORMAT}")
    if set(members) != _KEYS:
        raise FormatError(f"{what} has other keys than {', '.join(sorted(_KEYS))}")
    keys = [read_vkey(one) for one in _texts(members, "vkeys", what)]
    heads = [read_note(one.encode()) for one in _texts(members, "heads", what)]
    if len(keys) != 2 or len(heads) != 2 or any(key.type != ED25519 for key in keys):
        raise FormatError(f"{what} has not two heads, and the Ed25519 key of each")
    try:
        proof = tuple(bytes.fromhex(one) for one in _texts(members, "proof", what))
    except ValueError:
        raise FormatError(f"{what}: its proof is not hexadecimal") from None
    if any(len(one) != DIGEST_BYTES for one in proof):
        raise FormatError(f"{what}: its proof has a hash that is not of {DIGEST_BYTES} bytes")
    origin = check_origin(members["origin"], f"{what}: origin")
    return Split(origin, (keys[0], keys[1]), (heads[0], heads[1]), proof)


def _texts(members: Json, key: str, what: str) -> list[str]:
    values = members[key]
    if not (isinstance(values, list) and len(values) <= 64 and all(isinstance(one, str) for one in values)):
        raise FormatError(f"{what}: {key} is no list of texts")
    return values
