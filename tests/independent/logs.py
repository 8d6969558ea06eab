"""The claim reader's notes, checkpoints and proofs: C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof."""

import base64
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.independent.steps import Failure, need, sha256

SIGNS, COSIGNS = 1, 4


def from_base64(text: str) -> bytes:
    """What a text encodes, which has to be the one way to write it."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Failure(f"no base64: {text!r}") from error
    need(base64.b64encode(data).decode() == text, f"base64 with another writing: {text!r}")
    return data


def from_decimal(text: str) -> int:
    """A number without leading zeros, of 63 bits."""
    need(re.fullmatch("0|[1-9][0-9]{0,18}", text) and int(text) < 1 << 63, f"no number: {text!r}")
    return int(text)


@dataclass(frozen=True)
class Key:
    """A public key with the name that it signs under."""

    name: str
    type: int
    public: bytes

    @property
    def id(self) -> bytes:
        """Four bytes that stand before its signatures."""
        return sha256(self.name.encode(), b"\n", bytes([self.type]), self.public)[:4]

    def made(self, signature: bytes, message: bytes) -> bool:
        """Whether this is its Ed25519 signature of the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def read_key(vkey: str, type_: int) -> Key:
    """The key that a vkey hands on."""
    name, told, material = vkey.split("+", 2)
    data = from_base64(material)
    key = Key(name, data[0], data[1:])
    need(key.type == type_ and len(key.public) == 32 and key.id.hex() == told, f"no vkey of type {type_}: {vkey}")
    return key


@dataclass(frozen=True)
class Note:
    """A checkpoint under signatures: each a name, a key ID and what follows it."""

    text: str
    origin: str
    size: int
    root: bytes
    lines: tuple[tuple[str, bytes, bytes], ...]

    def under(self, key: Key) -> list[bytes]:
        """What stands on the lines that have this key's name and ID."""
        return [signature for name, id_, signature in self.lines if (name, id_) == (key.name, key.id)]

    def is_signed(self, key: Key) -> bool:
        """Whether the key signed it; a line that only says so fails the step."""
        found = self.under(key)
        need(all(key.made(one, self.text.encode()) for one in found), f"a wrong signature by {key.name}")
        return bool(found)

    def is_cosigned(self, key: Key) -> bool:
        """Whether the witness cosigned it; a line that only says so fails the step."""
        for one in self.under(key):
            time = int.from_bytes(one[:8], "big")
            message = f"cosignature/v1\ntime {time}\n{self.text}".encode()
            need(key.made(one[8:], message), f"a wrong cosignature by {key.name}")
        return bool(self.under(key))


def read_note(data: bytes | None) -> Note:
    """A signed note over a checkpoint."""
    need(data is not None, "no note")
    whole = (data or b"").decode()
    need(not re.search(r"[\x00-\x09\x0b-\x1f]", whole), "a control character in a note")
    text, separator, signatures = whole.rpartition("\n\n")
    need(separator and signatures.endswith("\n"), "no signatures under a text")
    lines = []
    for line in signatures[:-1].split("\n"):
        match = re.fullmatch(r"\u2014 ([^\s+]+) (\S+)", line)
        if not match:
            raise Failure(f"no signature: {line!r}")
        encoded = from_base64(match[2])
        need(len(encoded) > 4, "a signature of no bytes")
        lines.append((match[1], encoded[:4], encoded[4:]))
    told = text.split("\n")
    need(len(told) >= 3 and all(told), "no checkpoint")
    root = from_base64(told[2])
    need(len(root) == 32, "a root of another length")
    return Note(f"{text}\n", told[0], from_decimal(told[1]), root, tuple(lines))


@dataclass(frozen=True)
class Proof:
    """That an entry is in a checkpoint."""

    index: int
    path: tuple[bytes, ...]
    note: Note

    def root_from(self, leaf: bytes) -> bytes:
        """The root to which the path leads, as RFC 6962, 2.1.1 builds it, from the top down."""

        def root(index: int, size: int, path: tuple[bytes, ...]) -> bytes:
            need((size > 1) == bool(path), "a path of another length")
            if size == 1:
                return leaf
            k = 1 << (size - 1).bit_length() - 1
            if index < k:
                return sha256(b"\1", root(index, k, path[:-1]), path[-1])
            return sha256(b"\1", path[-1], root(index - k, size - k, path[:-1]))

        return root(self.index, self.note.size, self.path)


def read_proof_of_entry(data: bytes | None) -> Proof:
    """A C2SP proof."""
    need(data is not None, "no proof of the entry")
    head, _, noted = (data or b"").partition(b"\n\n")
    version, *lines = head.decode("ascii").split("\n")
    if lines and lines[0].startswith("extra "):
        need(from_base64(lines.pop(0)[6:]), "extra data of no bytes")
    need(version == "c2sp.org/tlog-proof@v1" and lines and lines[0].startswith("index "), "no C2SP proof")
    path = tuple(map(from_base64, lines[1:]))
    need(all(len(one) == 32 for one in path) and len(path) <= 63, "a path of other hashes")
    proof = Proof(from_decimal(lines[0][6:]), path, read_note(noted))
    need(proof.index < proof.note.size, "an index outside the log")
    return proof
