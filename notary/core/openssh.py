"""Public keys as SSH writes them, and the encoding that they and signatures share.

The encoding is that of RFC 4251 section 5: uint32 is big-endian, a string is its length as uint32 and its bytes, an
mpint is a string that holds a number in two's complement without needless leading bytes. Keys are those of RFC 8709
(Ed25519), RFC 4253 section 6.6 (RSA) and RFC 5656 section 3.1 (ECDSA). Keys in security tokens, certificates and DSA
are left out on purpose: the first sign something else than what they are given, the second say who vouches for a key,
which a verifier's own list does here, and the third are too weak.
"""

import binascii
import hashlib
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from notary import limits
from notary.core.ed25519 import KEY_BYTES, is_proper_key
from notary.core.strict_json import quoted
from notary.errors import FormatError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ED25519 = "ssh-ed25519"
RSA = "ssh-rsa"
ECDSA = "ecdsa-sha2-"

_CURVE_BITS = {"nistp256": 256, "nistp384": 384, "nistp521": 521}

# Multicodec codes as varints, from the table that the did:key method names.
_DID_CODES = {
    ED25519: b"\xed\x01",
    ECDSA + "nistp256": b"\x80\x24",
    ECDSA + "nistp384": b"\x81\x24",
    ECDSA + "nistp521": b"\x82\x24",
    RSA: b"\x85\x24",
}

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class UnsupportedKeyError(FormatError):
    """A key that may be sound, but is of a type or size that is not accepted here."""


# -- the encoding ---------------------------------------------------------------------------------------------------


class Reader:
    """Takes SSH's values off the front of `data`. Raises FormatError, which begins with `what`, where they are not."""

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._at = 0
        self._what = what

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            raise FormatError(f"{self._what} is truncated: {count} bytes are needed, {len(taken)} are there")
        self._at += count
        return taken

    def uint32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        return self.take(self.uint32())

    def name(self) -> str:
        """A string that is one word of printable ASCII."""
        raw = self.string()
        if not raw or any(not 0x20 < byte < 0x7F for byte in raw):
            raise FormatError(f"{self._what} has a name that is not plain text")
        return raw.decode("ascii")

    def mpint(self) -> int:
        """A positive number, in the one way in which it may be written."""
        raw = self.string()
        value = int.from_bytes(raw, "big")
        if raw != write_mpint(value)[4:] or not value:
            raise FormatError(f"{self._what} has a number that is not positive, or has needless bytes")
        return value

    def end(self) -> None:
        if self._at < len(self._data):
            raise FormatError(f"{self._what} has {len(self._data) - self._at} bytes too many")


def write_uint32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def write_string(data: bytes) -> bytes:
    return write_uint32(len(data)) + data


def write_mpint(value: int) -> bytes:
    """A number that is not negative."""
    return write_string(value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b"")


# -- public keys ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key by its blob, as `public_key_of` and `read_public_key` give it: those check it."""

    blob: bytes

    @property
    def kind(self) -> str:
        """Its type: `ssh-ed25519`, `ssh-rsa` or `ecdsa-sha2-` and a curve."""
        return Reader(self.blob, "the key").name()

    @property
    def bits(self) -> int:
        """Its size as ssh-keygen counts it."""
        if self.kind == RSA:
            return _rsa_numbers(self.blob)[1].bit_length()
        return _CURVE_BITS.get(self.kind.removeprefix(ECDSA), 8 * KEY_BYTES)

    @property
    def line(self) -> str:
        """As a `.pub` file has it, without a comment."""
        return f"{self.kind} {b64encode(self.blob).decode()}"

    @property
    def fingerprint(self) -> str:
        """`SHA256:...`, as `ssh-keygen -l` shows it."""
        return "SHA256:" + b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def did(self) -> str:
        """The key in the did:key method (W3C CCG, v0.7): `did:key:z...`, from which it can be read back.

        A multicodec code and the key follow in base58btc: Ed25519 as it is, a curve's point compressed, RSA as the
        DER of RFC 8017's RSAPublicKey.
        """
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        key = crypto_key(self)
        match self.kind:
            case "ssh-ed25519":
                raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
            case "ssh-rsa":
                raw = key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
            case _:
                raw = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        return "did:key:z" + _base58(_DID_CODES[self.kind] + raw)


def public_key_of(blob: bytes) -> PublicKey:
    """The key that `blob` holds.

    Raises UnsupportedKeyError for a type that is not accepted here and for RSA of fewer than 2,048 bits or more than
    16,384; FormatError for what is malformed, not on its curve, or signs any message.
    """
    if len(blob) > limits.SSH_KEY_BYTES:
        raise FormatError(f"the key is longer than {limits.SSH_KEY_BYTES} bytes")
    key = PublicKey(blob)
    if key.kind not in _DID_CODES:
        raise UnsupportedKeyError(
            f"a key of the type {quoted(key.kind)} is not supported", f"supported are {', '.join(_DID_CODES)}"
        )
    crypto_key(key)
    return key


def read_public_key(line: str) -> PublicKey:
    """The key of a `.pub` file: one line with the key's type, its blob in base64, and perhaps a comment.

    Raises as `public_key_of`.
    """
    words = line.split(maxsplit=2)
    if len(line) > limits.SSH_LINE_BYTES or len(words) < 2 or len(line.strip().splitlines()) > 1:
        raise FormatError("not a public key: one line with its type and its base64 is expected")
    key = public_key_of(strict_base64(words[1], "the key"))
    if key.kind != words[0]:
        raise FormatError(f"the key is called {quoted(words[0])}, and is of the type {quoted(key.kind)}")
    return key


def strict_base64(text: str, what: str) -> bytes:
    """The bytes that `text` writes in the one canonical way (RFC 4648 section 3.5). Raises FormatError."""
    try:
        data = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (UnicodeEncodeError, binascii.Error):
        data = b""
    if not data or b64encode(data).decode() != text:
        raise FormatError(f"{what} is not in canonical base64")
    return data


# -- what cryptography makes of them --------------------------------------------------------------------------------


def crypto_key(key: PublicKey) -> "Ed25519PublicKey | RSAPublicKey | EllipticCurvePublicKey":
    """The key as `cryptography` has it. Raises as `public_key_of`."""
    reader = Reader(key.blob, "the key")
    kind = reader.name()
    if kind == ED25519:
        return _ed25519_key(reader)
    return _rsa_key(key.blob) if kind == RSA else _ecdsa_key(reader, kind.removeprefix(ECDSA))


def _ed25519_key(reader: Reader) -> "Ed25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    raw = reader.string()
    reader.end()
    if len(raw) != KEY_BYTES:
        raise FormatError(f"the key has {len(raw)} bytes, not {KEY_BYTES}")
    if not is_proper_key(raw):
        raise FormatError("the key is no proper point of its curve: it would let any signature pass")
    return Ed25519PublicKey.from_public_bytes(raw)


def _rsa_numbers(blob: bytes) -> tuple[int, int]:
    """Exponent and modulus."""
    reader = Reader(blob, "the key")
    reader.name()
    exponent, modulus = reader.mpint(), reader.mpint()
    reader.end()
    return exponent, modulus


def _rsa_key(blob: bytes) -> "RSAPublicKey":
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    exponent, modulus = _rsa_numbers(blob)
    least, most = limits.RSA_BITS
    if not least <= modulus.bit_length() <= most:
        raise UnsupportedKeyError(
            f"an RSA key of {modulus.bit_length():,} bits is not accepted", f"{least:,} to {most:,} bits are"
        )
    if exponent.bit_length() > limits.RSA_EXPONENT_BITS or exponent < 3 or not exponent & modulus & 1:
        raise FormatError("the RSA key's exponent or modulus is none that a sound key has")
    return RSAPublicNumbers(exponent, modulus).public_key()


def _ecdsa_key(reader: Reader, curve: str) -> "EllipticCurvePublicKey":
    from cryptography.hazmat.primitives.asymmetric import ec

    name, point = reader.name(), reader.string()
    reader.end()
    if name != curve:
        raise FormatError(f"the key is for {quoted(curve)}, and its point on {quoted(name)}")
    if point[:1] != b"\x04":
        raise FormatError("the key's point is not written uncompressed")
    curves: dict[str, ec.EllipticCurve] = {
        "nistp256": ec.SECP256R1(),
        "nistp384": ec.SECP384R1(),
        "nistp521": ec.SECP521R1(),
    }
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curves[curve], point)
    except ValueError:
        raise FormatError(f"the key's point is not on {curve}") from None


def _base58(data: bytes) -> str:
    """base58btc, for data that begins with no zero byte."""
    value, digits = int.from_bytes(data, "big"), ""
    while value:
        value, digit = divmod(value, 58)
        digits = _BASE58[digit] + digits
    return digits
