"""Signed notes, and the keys that verify them (C2SP signed-note).

    If you think cryptography is the answer to your problem,
    then you don't know what your problem is.

    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=

A note, and the text by which a key is handed on, its vkey:

    note      = text LF 1*signature
    text      = UTF-8 that ends in LF and has no other control character below U+0020; it may have empty lines
    signature = U+2014 SP name SP base64( key ID ‖ signature ) LF
    vkey      = name "+" hex( key ID ) "+" base64( type ‖ public key )
    name      = 1*( any character but white space and "+" )
    key ID    = SHA-256( name ‖ 0A ‖ type ‖ public key )[:4]

A note holds signatures of any kind, most of them by keys that a reader does not know: they are ignored, but have to be
well formed. There is one encoding of each note: `write_note` gives the bytes that `read_note` took. Private keys have
no place here; whoever signs hands in a function that does.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from notary import limits
from notary.core.digest import digest_of
from notary.core.ed25519 import KEY_BYTES, is_proper_key
from notary.core.strict_json import quoted
from notary.errors import EvidenceError, FormatError, InputError

ED25519 = 0x01
"""An Ed25519 signature over the note's text."""

COSIGNATURE = 0x04
"""A witness's timestamped Ed25519 signature (C2SP tlog-cosignature)."""

_KEY_ID_BYTES = 4
_DASH = "\u2014"

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NAME = re.compile(r"[^\s+]+")
_SIGNATURE = re.compile(_DASH + r" (\S+) (\S+)")
_KEY_ID = re.compile(r"[0-9a-f]{8}")

Sign = Callable[[bytes], bytes]
"""The Ed25519 signature of a message, 64 bytes, by a key that only its keeper holds."""


def read_base64(text: str, what: str) -> bytes:
    """What `text` encodes (RFC 4648 section 4) in the one way that there is. Raises FormatError, naming `what`."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        raise FormatError(f"{what} is not base64") from None
    if write_base64(data) != text:
        raise FormatError(f"{what} is not base64 as RFC 4648 writes it: padding or spare bits differ")
    return data


def write_base64(data: bytes) -> str:
    return b64encode(data).decode()


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise FormatError(f"no key name: {quoted(name)}; it is empty, or has a blank or a plus sign in it")
    _check_text(name)
    if len(name.encode()) > limits.NOTE_NAME:
        raise FormatError(f"a key name of over {limits.NOTE_NAME} bytes")


def _check_text(text: str) -> None:
    if _CONTROL.search(text):
        raise FormatError("a note has a control character in it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FormatError("a note holds text that is not valid Unicode") from None


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key of 32 bytes with the name and the type that its signatures carry. Its text is the vkey.

    Raises FormatError where there can be no such key.
    """

    name: str
    type: int
    public_key: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.type not in {ED25519, COSIGNATURE}:
            raise FormatError(f"a key of type {self.type}; this reads Ed25519 keys, of type {ED25519} or {COSIGNATURE}")
        if len(self.public_key) != KEY_BYTES:
            raise FormatError(f"an Ed25519 key of {len(self.public_key)} bytes; it has {KEY_BYTES}")
        if not is_proper_key(self.public_key):
            raise FormatError("the key is no proper point of its curve: it would let any signature pass")

    @property
    def id(self) -> bytes:
        """The key ID, 4 bytes: a hint which key signed, nothing that others could not make too."""
        return digest_of(self.name.encode() + b"\n" + bytes([self.type]) + self.public_key)[:_KEY_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{write_base64(bytes([self.type]) + self.public_key)}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` is this key's plain Ed25519 signature of `message` (RFC 8032)."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def signed(self, message: bytes, sign: Sign) -> bytes:
        """The signature that `sign` makes of `message`. Raises InputError where that is not this key's."""
        signature = sign(message)
        if not self.verifies(signature, message):
            raise InputError(f"the private key in use is not the one of {self.name}")
        return signature


def read_vkey(text: str) -> VerifierKey:
    """The key of a vkey. Raises FormatError, also where the ID is not that of the key: it was mistyped."""
    name, id_, material = [*text.split("+", 2), "", ""][:3]
    if not _KEY_ID.fullmatch(id_):
        raise FormatError(f"no vkey: {quoted(text)}", "a vkey is: name, plus sign, 8 hex digits, plus sign, base64")
    data = read_base64(material, "the key in a vkey")
    if not data:
        raise FormatError(f"a vkey with no key in it: {quoted(text)}")
    key = VerifierKey(name, data[0], data[1:])
    if key.id.hex() != id_:
        raise FormatError(f"the vkey of {quoted(name)} says key ID {id_}, and its key has {key.id.hex()}")
    return key


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who signed, by name and key ID, and the bytes whose meaning the key's type tells."""

    name: str
    key_id: bytes
    signature: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.key_id) != _KEY_ID_BYTES or not self.signature:
            raise FormatError("a signature without a key ID or without bytes")

    def __str__(self) -> str:
        return f"{_DASH} {self.name} {write_base64(self.key_id + self.signature)}"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends in a newline, and its signatures, of which there is at least one."""

    text: str
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        _check_text(self.text)
        if not self.text.endswith("\n"):
            raise FormatError("a note's text does not end in a newline")
        if not 0 < len(self.signatures) <= limits.NOTE_SIGNATURES:
            raise FormatError(
                f"a note of {len(self.signatures)} signatures; 1 to {limits.NOTE_SIGNATURES} are possible"
            )

    def with_signature(self, signature: Signature) -> "Note":
        """This note with one signature more, in the place of those that the same key made before."""
        by = (signature.name, signature.key_id)
        others = (one for one in self.signatures if (one.name, one.key_id) != by)
        return replace(self, signatures=(*others, signature))


def read_note(data: bytes) -> Note:
    """The note that `data` is. Raises FormatError."""
    if len(data) > limits.NOTE_BYTES:
        raise FormatError(f"over {limits.NOTE_BYTES} bytes: no signed note is so long")
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise FormatError("not a signed note: it is not UTF-8") from None
    # The last empty line separates: the text may have some of its own.
    text, separator, signatures = whole.rpartition("\n\n")
    if not separator or not signatures.endswith("\n"):
        raise FormatError("not a signed note: no empty line with signature lines after it, each ended by a newline")
    return Note(text + "\n", tuple(_read_signature(line) for line in signatures[:-1].split("\n")))


def _read_signature(line: str) -> Signature:
    _check_text(line)
    found = _SIGNATURE.fullmatch(line)
    if not found:
        raise FormatError(f"not a note's signature line: {quoted(line)}")
    name, encoded = found.groups()
    data = read_base64(encoded, "a note's signature")
    return Signature(name, data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])


def write_note(note: Note) -> bytes:
    """The bytes of `note`. Raises FormatError where they are more than readers take."""
    data = "".join([note.text, "\n", *(f"{one}\n" for one in note.signatures)]).encode()
    if len(data) > limits.NOTE_BYTES:
        raise FormatError(f"a signed note of {len(data)} bytes; the limit is {limits.NOTE_BYTES}")
    return data


def signatures_by(note: Note, keys: Iterable[VerifierKey], type_: int) -> Iterator[tuple[VerifierKey, bytes]]:
    """The signatures of `note` that say they are by one of `keys`, in the note's order, not yet verified.

    Raises InputError where a key is not of `type_`, or two of them cannot be told apart.
    """
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if key.type != type_:
            raise InputError(f"the key {key} is of type {key.type}; one of type {type_} is needed here")
        if known.setdefault((key.name, key.id), key) != key:
            raise InputError(f"two keys are named {key.name} and have the key ID {key.id.hex()}")
    for one in note.signatures:
        signer = known.get((one.name, one.key_id))
        if signer:
            yield signer, one.signature


def signers(note: Note, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Which of `keys`, all of type 1, signed `note`: each once, in the note's order; none where none did.

    Raises EvidenceError where a line says that it is a signature by one of them, and is not: such a note is to be
    rejected as a whole, whatever else stands on it.
    """
    found: dict[VerifierKey, None] = {}
    for key, signature in signatures_by(note, keys, ED25519):
        if not key.verifies(signature, note.text.encode()):
            raise EvidenceError(f"the signature by {key.name} ({key.id.hex()}) does not verify")
        found[key] = None
    return tuple(found)


def sign_text(text: str, key: VerifierKey, sign: Sign) -> Signature:
    """The signature line for `text` by `key`, of type 1. Raises InputError where `sign` is not that key's."""
    if key.type != ED25519:
        raise InputError(f"the key {key} signs no notes: it is of type {key.type}, not {ED25519}")
    return Signature(key.name, key.id, key.signed(text.encode(), sign))
