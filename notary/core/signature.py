"""SSH signatures of a manifest: OpenSSH's PROTOCOL.sshsig, which `ssh-keygen -Y` signs and verifies.

    -----BEGIN SSH SIGNATURE-----          what is signed:
    base64, of                                 "SSHSIG" string namespace, string reserved,
      "SSHSIG" uint32 version 1                string hash name, string hash of the message
      string public key
      string namespace                     a signature blob:
      string reserved (empty)                  string algorithm, string signature
      string hash name
      string signature blob
    -----END SSH SIGNATURE-----

Read more strictly than ssh-keygen does: one encoding of each thing, nothing before or after, nothing reserved.
"""

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Protocol

from notary import limits
from notary.core.openssh import (
    RSA,
    PublicKey,
    Reader,
    crypto_key,
    public_key_of,
    strict_base64,
    write_string,
    write_uint32,
)
from notary.core.strict_json import quoted
from notary.errors import EvidenceError, FormatError, SystemFailureError

NAMESPACE = "notary-manifest@v1"
"""What a signature of a manifest is for: one that was made for anything else does not count."""

HASH_NAME = "sha512"
"""What ssh-keygen hashes with."""

_MAGIC = b"SSHSIG"
_VERSION = 1
_HASH_NAMES = frozenset({"sha256", "sha512"})
_BEGIN = "-----BEGIN SSH SIGNATURE-----\n"
_END = "-----END SSH SIGNATURE-----\n"
_COLUMNS = 70
_ARMOR = re.compile(rf"{_BEGIN}((?:[A-Za-z0-9+/=]{{1,76}}\n)+){_END}?")

_ALGORITHMS = {RSA: {"rsa-sha2-256", "rsa-sha2-512"}}
"""What keys of a type sign with: RSA as RFC 8332 has it, never with SHA-1; others with the algorithm of their name."""


class SignatureError(EvidenceError):
    """A signature that can be read, and does not hold; the message is the reason."""


class Signer(Protocol):
    """A private key, wherever it is kept."""

    @property
    def public(self) -> PublicKey: ...

    def sign(self, data: bytes) -> bytes:
        """The SSH signature blob over `data`: algorithm and signature, RSA with rsa-sha2-512.

        Raises SystemFailureError where whatever keeps the key does not sign.
        """
        ...


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signature file says; nothing of it is checked against a message.

    `hash_name` is how the message was hashed before it was signed, `algorithm` how it was signed, `raw` the SSH
    signature blob.
    """

    key: PublicKey
    namespace: str
    hash_name: str
    algorithm: str
    raw: bytes


def signed_data(message: bytes, namespace: str = NAMESPACE, hash_name: str = HASH_NAME) -> bytes:
    """The bytes that a key signs for `message`."""
    digest = hashlib.new(hash_name, message).digest()
    fields = (namespace.encode(), b"", hash_name.encode(), digest)
    return _MAGIC + b"".join(map(write_string, fields))


def sign(signer: Signer, message: bytes) -> bytes:
    """A signature file over `message`, as `ssh-keygen -Y sign -n notary-manifest@v1` writes it.

    Raises SystemFailureError where what the signer gave does not verify, or whatever it raises itself.
    """
    raw = signer.sign(signed_data(message))
    written = write_signature(signer.public, raw)
    try:
        verify_signature(read_signature(written), message)
    except (FormatError, SignatureError) as error:
        raise SystemFailureError(
            f"the key {signer.public.fingerprint} gave no valid signature: {error.message}"
        ) from None
    return written


def write_signature(key: PublicKey, raw: bytes, *, namespace: str = NAMESPACE, hash_name: str = HASH_NAME) -> bytes:
    """The signature file for an SSH signature blob over `signed_data`."""
    fields = (key.blob, namespace.encode(), b"", hash_name.encode(), raw)
    text = b64encode(_MAGIC + write_uint32(_VERSION) + b"".join(map(write_string, fields))).decode()
    lines = (text[at : at + _COLUMNS] + "\n" for at in range(0, len(text), _COLUMNS))
    return (_BEGIN + "".join(lines) + _END).encode()


def read_signature(data: bytes) -> Signature:
    """What a signature file says. Raises FormatError, or UnsupportedKeyError for a key of a type not accepted here."""
    what = "the signature"
    if len(data) > limits.SIGNATURE_BYTES:
        raise FormatError(f"{what} is longer than {limits.SIGNATURE_BYTES} bytes")
    armor = _ARMOR.fullmatch(data.decode("latin-1"))
    if armor is None:
        raise FormatError(f"{what} is not what ssh-keygen -Y sign writes: its first line, base64, its last line")
    reader = Reader(strict_base64(armor[1].replace("\n", ""), what), what)
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise FormatError(f"{what} does not begin with SSHSIG")
    if (version := reader.uint32()) != _VERSION:
        raise FormatError(f"{what} is of version {version}; this release reads {_VERSION}")
    key = public_key_of(reader.string())
    namespace = reader.name()
    if reader.string():
        raise FormatError(f"{what} has a reserved field that is not empty")
    hash_name = reader.name()
    if hash_name not in _HASH_NAMES:
        raise FormatError(f"{what} hashes with {quoted(hash_name)}; sha256 and sha512 are known")
    raw = reader.string()
    reader.end()
    return Signature(key, namespace, hash_name, _parts(raw)[0], raw)


def verify_signature(signature: Signature, message: bytes, namespace: str = NAMESPACE) -> None:
    """Returns if the signature's key signed `message` for `namespace`. Raises SignatureError with the reason."""
    if signature.namespace != namespace:
        raise SignatureError(f"it was made for {quoted(signature.namespace)}, not for {quoted(namespace)}")
    algorithm, value = _parts(signature.raw)
    kind = signature.key.kind
    if algorithm not in _ALGORITHMS.get(kind, {kind}):
        raise SignatureError(f"a key of the type {kind} does not sign with {quoted(algorithm)}")
    if not _holds(signature.key, algorithm, value, signed_data(message, namespace, signature.hash_name)):
        raise SignatureError("it is over other bytes, or was made with another key")


def _parts(raw: bytes) -> tuple[str, bytes]:
    """Algorithm and signature of an SSH signature blob."""
    reader = Reader(raw, "the signature")
    algorithm, value = reader.name(), reader.string()
    reader.end()
    return algorithm, value


def _holds(key: PublicKey, algorithm: str, value: bytes, data: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    hashers: dict[str, hashes.HashAlgorithm] = {
        "rsa-sha2-256": hashes.SHA256(),
        "rsa-sha2-512": hashes.SHA512(),
        "ecdsa-sha2-nistp256": hashes.SHA256(),
        "ecdsa-sha2-nistp384": hashes.SHA384(),
        "ecdsa-sha2-nistp521": hashes.SHA512(),
    }
    parsed = crypto_key(key)
    try:
        if isinstance(parsed, Ed25519PublicKey):
            parsed.verify(value, data)
        elif isinstance(parsed, RSAPublicKey):
            parsed.verify(value, data, PKCS1v15(), hashers[algorithm])
        else:
            parsed.verify(_der(value), data, ECDSA(hashers[algorithm]))
    except (FormatError, InvalidSignature):
        return False
    return True


def _der(value: bytes) -> bytes:
    """An ECDSA signature as `cryptography` takes it, from SSH's two numbers (RFC 5656 section 3.1.2)."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    reader = Reader(value, "the signature")
    r, s = reader.mpint(), reader.mpint()
    reader.end()
    return encode_dss_signature(r, s)
