"""The embedded network's time-stamping authority: RFC 3161, under a root certificate of its own making.

Its certificates and its key are one file, which the first run makes. The root's key is thrown away at once, so that
nothing more can be issued under that root.
"""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from notary import limits
from notary.core import der
from notary.core.der import context
from notary.core.time_stamp import (
    CONTENT_TYPE,
    ECDSA_SHA256,
    MESSAGE_DIGEST,
    SHA256,
    SIGNED_DATA,
    SIGNING_CERTIFICATE_V2,
    TST_INFO,
    identity,
)
from notary.errors import FormatError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

POLICY = "2.999.3161"
"""Under 2.999, which stands for examples: a test network promises nothing."""

VALID_FROM = datetime(2009, 1, 3, tzinfo=UTC)
VALID_TO = datetime(2106, 2, 7, tzinfo=UTC)
"""All that the 32-bit clock of a block can tell, whatever clock this network is given."""

_GRANTED, _REJECTED = 0, 2
_BAD_ALGORITHM, _BAD_FORMAT, _OTHER_POLICY, _EXTENSION = 0, 5, 15, 16

_ACCURACY_SECONDS = 1


class _RefusedError(Exception):
    def __init__(self, failure: int) -> None:
        self.failure = failure


@dataclass(frozen=True, slots=True)
class _Query:
    """A TimeStampReq: imprint and nonce as they stand in it, and whether the certificate shall come with the token."""

    imprint: bytes
    nonce: bytes
    wants_certificate: bool


class Authority:
    """Tokens by the given clock, to the second, each with a serial number of its own."""

    def __init__(self, state: Path, clock: Callable[[], datetime], randomness: Callable[[int], bytes]) -> None:
        self._state = state
        self._clock = clock
        self._randomness = randomness

    @property
    def root(self) -> bytes:
        """The root certificate, in PEM."""
        from cryptography.hazmat.primitives.serialization import Encoding

        return self._open()[0].public_bytes(Encoding.PEM)

    def answer(self, request: bytes) -> bytes:
        """A TimeStampResp for a TimeStampReq, or for anything else: it says then what is wrong."""
        try:
            query = _read(request)
        except _RefusedError as error:
            return _refusal(error.failure)
        except FormatError:
            return _refusal(_BAD_FORMAT)
        info = der.sequence(
            der.integer(1),
            der.oid(POLICY),
            query.imprint,
            der.integer(int.from_bytes(self._randomness(16), "big")),
            der.generalized_time(self._clock()),
            der.sequence(der.integer(_ACCURACY_SECONDS)),
            query.nonce,
        )
        return der.sequence(der.sequence(der.integer(_GRANTED)), self._signed(info, query.wants_certificate))

    def _signed(self, info: bytes, with_certificate: bool) -> bytes:
        """CMS SignedData over a TSTInfo (RFC 5652 section 5, RFC 3161 section 2.4.2)."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.serialization import Encoding

        _, certificate, key = self._open()
        encoded = certificate.public_bytes(Encoding.DER)
        issuer, serial, _ = identity(encoded)
        sha256 = der.sequence(der.oid(SHA256))
        named = der.sequence(der.sequence(der.sequence(der.octets(hashlib.sha256(encoded).digest()))))
        attributes = der.set_of(
            der.sequence(der.oid(CONTENT_TYPE), der.set_of(der.oid(TST_INFO))),
            der.sequence(der.oid(MESSAGE_DIGEST), der.set_of(der.octets(hashlib.sha256(info).digest()))),
            der.sequence(der.oid(SIGNING_CERTIFICATE_V2), der.set_of(named)),
        )
        signer = der.sequence(
            der.integer(1),
            der.sequence(issuer, serial),
            sha256,
            bytes([context(0)]) + attributes[1:],
            der.sequence(der.oid(ECDSA_SHA256)),
            der.octets(key.sign(attributes, ECDSA(hashes.SHA256()))),
        )
        signed_data = der.sequence(
            der.integer(3),
            der.set_of(sha256),
            der.sequence(der.oid(TST_INFO), der.element(context(0), der.octets(info))),
            der.element(context(0), encoded) if with_certificate else b"",
            der.set_of(signer),
        )
        return der.sequence(der.oid(SIGNED_DATA), der.element(context(0), signed_data))

    # -- certificates -----------------------------------------------------------------------------------------------

    def _open(self) -> "tuple[x509.Certificate, x509.Certificate, EllipticCurvePrivateKey]":
        """The root, the signing certificate and its key, made where there are none yet."""
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        if not self._state.exists():
            self._make()
        data = self._state.read_bytes()
        root, certificate = x509.load_pem_x509_certificates(data)
        key = load_pem_private_key(data[data.index(b"-----BEGIN PRIVATE KEY") :], None)
        assert isinstance(key, EllipticCurvePrivateKey)  # noqa: S101 - our own file
        return root, certificate, key

    def _make(self) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        root_key, key = self._new_key(), self._new_key()
        root_name, name = _name("Notary test network root"), _name("Notary test network time-stamping authority")
        root = (
            self._builder(root_name, root_name, root_key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=False), critical=True)
        )
        certificate = (
            self._builder(root_name, name, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        )
        signed = [_signed_by(root_key, one) for one in (root, certificate)]
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        # Whole or not at all, and never over what another process has just made.
        draft = self._state.with_name(f"{self._state.name}.{self._randomness(8).hex()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(b"".join([*signed, private]))
        with suppress(FileExistsError):
            os.link(draft, self._state)
        draft.unlink()

    def _new_key(self) -> "EllipticCurvePrivateKey":
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key

        # 31 bytes are below the curve's order, whatever they are.
        return derive_private_key(1 + int.from_bytes(self._randomness(31), "big"), SECP256R1())

    def _builder(
        self, issuer: "x509.Name", subject: "x509.Name", key: "EllipticCurvePrivateKey"
    ) -> "x509.CertificateBuilder":
        from cryptography import x509

        return (
            x509.CertificateBuilder()
            .issuer_name(issuer)
            .subject_name(subject)
            .public_key(key.public_key())
            .serial_number(1 + int.from_bytes(self._randomness(16), "big"))
            .not_valid_before(VALID_FROM)
            .not_valid_after(VALID_TO)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )


def _signed_by(key: "EllipticCurvePrivateKey", certificate: "x509.CertificateBuilder") -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _name(common_name: str) -> "x509.Name":
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, common_name)])


def _usage(*, signs: bool) -> "x509.KeyUsage":
    """A key for signatures, or for certificates, and for nothing else."""
    from cryptography import x509

    return x509.KeyUsage(signs, False, False, False, False, not signs, False, False, False)


def _read(request: bytes) -> _Query:
    """TimeStampReq (RFC 3161 section 2.4.1). Raises FormatError, and _RefusedError for what is not done here."""
    if len(request) > limits.TOKEN_BYTES:
        raise FormatError("too long")
    parts = der.only(request, der.SEQUENCE).parts()
    if parts.take(der.INTEGER).integer() != 1:
        raise FormatError("another version")
    imprint = parts.take(der.SEQUENCE)
    policy = parts.maybe(der.OBJECT_IDENTIFIER)
    nonce = parts.maybe(der.INTEGER)
    wants_certificate = parts.maybe(der.BOOLEAN)
    extensions = parts.maybe(context(0))
    parts.end()
    message = imprint.parts()
    algorithm = message.take(der.SEQUENCE).parts().take(der.OBJECT_IDENTIFIER).oid()
    digest = message.take(der.OCTET_STRING).content
    message.end()
    if algorithm != SHA256 or len(digest) != hashlib.sha256().digest_size:
        raise _RefusedError(_BAD_ALGORITHM)
    if policy and policy.oid() != POLICY:
        raise _RefusedError(_OTHER_POLICY)
    if extensions:
        raise _RefusedError(_EXTENSION)
    return _Query(
        imprint.encoded, nonce.encoded if nonce else b"", bool(wants_certificate and wants_certificate.boolean())
    )


def _refusal(failure: int) -> bytes:
    """A TimeStampResp without a token: its status, and the bit of PKIFailureInfo."""
    last, unused = failure // 8, 7 - failure % 8
    bits = bytes([unused]) + bytes(last) + bytes([1 << unused])
    return der.sequence(der.sequence(der.integer(_REJECTED), der.element(der.BIT_STRING, bits)))
