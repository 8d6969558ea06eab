"""Private keys in files, in OpenSSH's format (PROTOCOL.key), or in PEM as `ssh-keygen -m` writes it."""

import os
import re
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from notary import limits
from notary.core.openssh import (
    PublicKey,
    Reader,
    public_key_of,
    read_public_key,
    strict_base64,
    write_mpint,
    write_string,
)
from notary.errors import FormatError, InputError, SystemFailureError, reason_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    _CryptoKey: TypeAlias = Ed25519PrivateKey | RSAPrivateKey | EllipticCurvePrivateKey

_MAGIC = b"openssh-key-v1\0"
_OPENSSH = re.compile(
    rb"-----BEGIN OPENSSH PRIVATE KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END OPENSSH PRIVATE KEY-----\s*"
)
_PEM = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----\r?\n")

# Opening a FIFO would wait for a writer.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key in this process's memory: a `Signer`."""

    public: PublicKey
    _key: "_CryptoKey" = field(repr=False)

    def sign(self, data: bytes) -> bytes:
        """The SSH signature blob over `data` (RFC 8709, RFC 8332, RFC 5656)."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        algorithm = self.public.kind
        if isinstance(self._key, RSAPrivateKey):
            algorithm = "rsa-sha2-512"
            value = self._key.sign(data, PKCS1v15(), hashes.SHA512())
        elif isinstance(self._key, EllipticCurvePrivateKey):
            hashers = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
            numbers = decode_dss_signature(self._key.sign(data, ECDSA(hashers[self._key.key_size])))
            value = b"".join(map(write_mpint, numbers))
        else:
            value = self._key.sign(data)
        return write_string(algorithm.encode()) + write_string(value)

    def sign_plain(self, data: bytes) -> bytes:
        """The bare Ed25519 signature over `data`, 64 bytes (RFC 8032). Raises InputError for a key of another type."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if not isinstance(self._key, Ed25519PrivateKey):
            raise InputError(f"an Ed25519 key is needed, and this one is of type {self.public.kind}")
        return self._key.sign(data)


# -- new keys -------------------------------------------------------------------------------------------------------


def new_key(path: Path, passphrase: bytes | None, comment: str = "") -> PublicKey:
    """Makes an Ed25519 key: the private half at `path`, for its owner's eyes only, the public one at `path`.pub.

    Both appear whole, or neither does. Raises InputError where one of the names is taken, or for a passphrase or
    comment that is none; SystemFailureError where they cannot be written.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        KeySerializationEncryption,
        NoEncryption,
        PrivateFormat,
    )

    if comment and not comment.isprintable():
        raise InputError("the comment is not one line of plain text")
    if passphrase is not None and not 0 < len(passphrase) <= limits.PASSPHRASE_BYTES:
        raise InputError(f"a passphrase has 1 to {limits.PASSPHRASE_BYTES} bytes")
    key = Ed25519PrivateKey.generate()
    encryption: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption)
    public = _public_of(key)
    _place(
        path, {path: (private, 0o600), public_path(path): (f"{public.line} {comment}".strip().encode() + b"\n", 0o644)}
    )
    return public


def public_path(path: Path) -> Path:
    """Where the public half of the private key at `path` stands."""
    return path.with_name(path.name + ".pub")


def _place(path: Path, contents: dict[Path, tuple[bytes, int]]) -> None:
    """Writes all files, or none; never over one that is there."""
    placed: list[Path] = []
    beside = path.with_name(f".notary-{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for target, (data, mode) in contents.items():
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            try:
                os.link(beside, target)  # unlike a renaming, this fails where the name is taken
            except FileExistsError:
                raise InputError(f"{target} is there already and is not overwritten", "give another name") from None
            placed.append(target)
            beside.unlink()
        placed.clear()
    except OSError as error:
        raise SystemFailureError(f"{path}: cannot be written: {reason_of(error)}") from None
    finally:
        for left in (*placed, beside):
            with suppress(OSError):
                left.unlink()


# -- keys that are there --------------------------------------------------------------------------------------------


def is_private(path: Path) -> bool:
    """Whether the file looks like a private key's. Raises InputError where it cannot be read."""
    return _PEM.match(_read(path)) is not None


def read_public(path: Path, passphrase: Callable[[], bytes]) -> PublicKey:
    """The public key in a `.pub` file, or of a private key's file. OpenSSH's format shows it without the passphrase.

    Raises InputError.
    """
    data = _read(path)
    try:
        if (openssh := _OPENSSH.fullmatch(data)) is not None:
            return _outside(openssh[1])[1]
        if not _PEM.match(data):
            return read_public_key(data.decode(errors="replace"))
    except FormatError as error:
        raise _named(path, error) from None
    return read_key(path, passphrase).public


def read_key(path: Path, passphrase: Callable[[], bytes]) -> PrivateKey:
    """The private key in a file, of a type that is accepted here; its passphrase is asked for only if it has one.

    Raises InputError where the file cannot be read, others may read it, it is no such key, or the passphrase is wrong.
    """
    from cryptography.exceptions import UnsupportedAlgorithm

    data = _read(path, is_secret=True)
    try:
        key = _load(data, passphrase)
        return PrivateKey(_public_of(key), key)
    except FormatError as error:
        raise _named(path, error) from None
    except UnsupportedAlgorithm as error:
        raise InputError(f"{path}: not a key that can be used here: {error}", f"ssh-keygen -p -f {path}") from None


def _named(path: Path, error: FormatError) -> FormatError:
    return FormatError(f"{path}: {error.message}", *error.hints)


def _read(path: Path, *, is_secret: bool = False) -> bytes:
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
        with os.fdopen(descriptor, "rb") as stream:
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode):
                raise InputError(f"{path}: not a regular file")
            # As ssh does: whoever can read it can sign with it.
            if is_secret and os.name == "posix" and state.st_uid == os.geteuid() and state.st_mode & 0o077:
                raise InputError(f"{path}: others can read this private key", f"chmod 600 {path}")
            data = stream.read(limits.PRIVATE_KEY_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: {reason_of(error)}") from None
    if len(data) > limits.PRIVATE_KEY_BYTES:
        raise InputError(f"{path}: longer than {limits.PRIVATE_KEY_BYTES} bytes, and no key")
    return data


def _outside(base64: bytes) -> tuple[bool, PublicKey]:
    """What an OpenSSH private key says without its passphrase: whether it has one, and the public key.

    Raises FormatError, and for more rounds of bcrypt than anybody would wait for too.
    """
    what = "the private key"
    reader = Reader(strict_base64(b"".join(base64.split()).decode("ascii"), what), what)
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise FormatError(f"{what} is not in OpenSSH's format")
    reader.name()
    is_encrypted, options = reader.name() != "none", Reader(reader.string(), what)
    if is_encrypted:
        options.string()
        if (rounds := options.uint32()) > limits.PRIVATE_KEY_ROUNDS:
            raise FormatError(
                f"{what} asks for {rounds:,} rounds of bcrypt; up to {limits.PRIVATE_KEY_ROUNDS:,} are done"
            )
    if reader.uint32() != 1:
        raise FormatError(f"{what}'s file does not hold one key")
    return is_encrypted, public_key_of(reader.string())


def _load(data: bytes, passphrase: Callable[[], bytes]) -> "_CryptoKey":
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    openssh = _OPENSSH.fullmatch(data)
    load = load_pem_private_key if openssh is None else load_ssh_private_key
    if openssh is None and not _PEM.match(data):
        raise FormatError("not a private key in OpenSSH's format or in PEM")
    if openssh is not None:
        _outside(openssh[1])
    elif b"BEGIN ENCRYPTED PRIVATE KEY" in data:  # PKCS #8, which may demand any number of rounds
        raise FormatError("encrypted, and not in OpenSSH's format", "ssh-keygen -p -f FILE rewrites it in that")
    given: bytes | None = None
    try:
        try:
            key = load(data, None)
        except TypeError:  # what cryptography raises where a passphrase is needed
            given = passphrase()
            key = load(data, given)
    except (ValueError, TypeError, InvalidTag):
        raise FormatError("the passphrase is wrong" if given is not None else "the private key is damaged") from None
    if not isinstance(key, Ed25519PrivateKey | RSAPrivateKey | EllipticCurvePrivateKey):
        raise FormatError("a private key of this type is not supported")
    return key


def _public_of(key: "_CryptoKey") -> PublicKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    written = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return read_public_key(written.decode("ascii"))
