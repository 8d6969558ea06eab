"""Whether a time-stamping token is to be believed: over what, signed by whom, and vouched for by which root.

What `openssl ts -verify` refuses for what is signed, is refused here too; beyond that signatures over SHA-1, short
keys, purposes that an issuer was not given, and constraints of certificates that `cryptography` does not know.
Certificates are judged at the token's own time; revocation is not looked at. The steps, in their order:

    1  the imprint is the one expected; so are nonce and policy, where they are given
    2  the signed attributes name this content and the signer's certificate (RFC 5652 section 11, RFC 5816)
    3  the signature is the signer's
    4  the signer's certificate is for time-stamping and nothing else (RFC 3161 section 2.3), and valid at that time
    5  the token is not from after the time at which it is proven to have existed
    6  the certificate leads to one of the roots (RFC 5280 section 6)
"""

import hashlib
from binascii import a2b_base64
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from notary import limits
from notary.core import der
from notary.core.der import context
from notary.core.time_stamp import (
    ECDSA_SHA256,
    TST_INFO,
    Named,
    Signature,
    Token,
    fit,
    identity,
    read_certificate,
    read_signed,
    read_token,
    request_for,
    unwarned,
)
from notary.errors import EvidenceError, FormatError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, ExtendedKeyUsage, Extension, ExtensionType, KeyUsage
    from cryptography.x509.verification import Policy

E = TypeVar("E", bound="ExtensionType")

__all__ = [
    "Fault",
    "Token",
    "TokenError",
    "Trusted",
    "read_roots",
    "read_token",
    "request_for",
    "verify_integrity",
    "verify_token",
]

_DIGESTS = ("sha256", "sha384", "sha512")
"""The digests that a signature may be over: of SHA-1, two inputs with one digest can be made."""

_SIGNATURES = {
    "1.2.840.113549.1.1.1": ("RSA", None),
    "1.2.840.113549.1.1.11": ("RSA", "sha256"),
    "1.2.840.113549.1.1.12": ("RSA", "sha384"),
    "1.2.840.113549.1.1.13": ("RSA", "sha512"),
    "1.2.840.10045.2.1": ("EC", None),
    ECDSA_SHA256: ("EC", "sha256"),
    "1.2.840.10045.4.3.3": ("EC", "sha384"),
    "1.2.840.10045.4.3.4": ("EC", "sha512"),
}
"""Signature algorithms by the kind of key and, where their name says it, the digest (RFC 3370, RFC 5754)."""

_KEY_BITS = {"RSA": 2048, "EC": 256}
"""The shortest keys that count, as for the certificates above (CA/Browser Forum Baseline Requirements 6.1.5)."""


class Fault(Enum):
    """What is wrong with a token that can be read."""

    IMPRINT = "imprint"
    NONCE = "nonce"
    POLICY = "policy"
    SIGNATURE = "signature"
    PURPOSE = "purpose"
    TIME = "time"
    CHAIN = "chain"


class TokenError(EvidenceError):
    """A token that does not prove what it should; `fault` is the kind of it."""

    def __init__(self, fault: Fault, message: str, *hints: str) -> None:
        super().__init__(message, *hints)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Trusted:
    """A token whose signer's certificate leads to a root that the verifier chose.

    `root_name` is fit to show; `chain` are the certificates from the signer's to the root, in DER. `valid_until` is
    when the first of them expires. `sealed_while_valid` says whether the token was proven to exist before that, so
    that nobody can have made it with the key of an expired certificate; None where no such time was given.
    """

    token: Token
    root_name: str
    chain: tuple[bytes, ...]
    valid_until: datetime
    sealed_while_valid: bool | None


def read_roots(pem: bytes, name: str) -> tuple[bytes, ...]:
    """The certificates of a PEM file, in DER; `name` is the file's, for errors.

    Those that cannot be read are left out, since they can vouch for nothing. Raises FormatError where none is left.
    """
    if len(pem) > limits.ROOTS_BYTES:
        raise FormatError(f"{name} has over {limits.ROOTS_BYTES} bytes; a file of root certificates is smaller")
    pieces = pem.split(b"-----BEGIN CERTIFICATE-----", limits.ROOTS + 1)[1:]
    if len(pieces) > limits.ROOTS:
        raise FormatError(f"{name} has over {limits.ROOTS} certificates")
    found = []
    for piece in pieces:
        with suppress(FormatError, ValueError):
            root = a2b_base64(piece.partition(b"-----END")[0])
            read_certificate(root)
            found.append(root)
    if not found:
        raise FormatError(
            f"{name} holds no certificate in PEM form", "from DER: openssl x509 -inform DER -in FILE -out FILE.pem"
        )
    return tuple(found)


def verify_integrity(
    data: bytes,
    imprint: bytes,
    *,
    at: datetime | None = None,
    policy: str | None = None,
    nonce: int | None = None,
    algorithm: str = "sha256",
) -> Token:
    """Steps 1 to 5: the token is intact and over `imprint`. Whose it is, is not checked: anybody can make one.

    `at` is a time by which the token is proven to have existed; `policy` and `nonce` are those demanded. Raises
    FormatError for what is no token, and TokenError.
    """
    token, signature = read_signed(data)
    _check_content(token, imprint, algorithm, policy, nonce)
    signer = read_certificate(token.signer)
    _check_attributes(token, signature)
    _check_signature(signer, signature)
    _check_purpose(signer, token)
    _check_tsa(signer, token, signature)
    _check_time(token, at)
    return token


def verify_token(
    data: bytes,
    imprint: bytes,
    roots: Sequence[bytes],
    *,
    at: datetime | None = None,
    policy: str | None = None,
    nonce: int | None = None,
    algorithm: str = "sha256",
) -> Trusted:
    """All six steps; `roots` are certificates in DER, the rest as for `verify_integrity`, and so are the errors.

    A root may be any certificate that the verifier trusts; the token's own are only ever steps on the way to one.
    """
    token = verify_integrity(data, imprint, at=at, policy=policy, nonce=nonce, algorithm=algorithm)
    chain = _chain(token, roots)
    encoded = tuple(_der(one) for one in chain)
    for named in (one for attribute in read_signed(data)[1].named for one in attribute[1:]):
        if not any(_is_named(named, one) for one in encoded):
            raise TokenError(Fault.CHAIN, "the time-stamping token demands another chain than leads to a given root")
    valid_until = min(one.not_valid_after_utc for one in chain)
    root = fit(chain[-1].subject.rfc4514_string())
    return Trusted(token, root, encoded, valid_until, None if at is None else at <= valid_until)


def _check_content(token: Token, imprint: bytes, algorithm: str, policy: str | None, nonce: int | None) -> None:
    if (token.imprint_algorithm, token.imprint) != (algorithm, imprint):
        raise TokenError(
            Fault.IMPRINT,
            f"the time-stamping token is over another imprint: expected {algorithm} {imprint.hex()}, "
            f"got {token.imprint_algorithm} {token.imprint.hex()}",
        )
    if nonce is not None and token.nonce != nonce:
        raise TokenError(Fault.NONCE, "the time-stamping token does not have the nonce that was sent")
    if policy is not None and token.policy != policy:
        raise TokenError(
            Fault.POLICY, f"the time-stamping token was issued under policy {token.policy}, not under {policy}"
        )


def _check_attributes(token: Token, signature: Signature) -> None:
    if signature.digest not in _DIGESTS:
        raise TokenError(
            Fault.SIGNATURE, f"the time-stamping token is signed over {signature.digest}, which is too weak"
        )
    digest = hashlib.new(signature.digest, signature.content).digest()
    if signature.content_type != TST_INFO or signature.message_digest != digest:
        raise TokenError(Fault.SIGNATURE, "the time-stamping token's content is not what was signed")
    if not all(_is_named(attribute[0], token.signer) for attribute in signature.named):
        raise TokenError(Fault.SIGNATURE, "the time-stamping token was signed with another certificate than it carries")


def _is_named(named: Named, certificate: bytes) -> bool:
    if named.algorithm not in ("sha1", *_DIGESTS):
        return False
    digest = hashlib.new(named.algorithm, certificate, usedforsecurity=False).digest()
    return named.digest == digest and named.holder in (None, identity(certificate)[:2])


def _check_signature(signer: "Certificate", signature: Signature) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

    kind, digest = _SIGNATURES.get(signature.algorithm, (None, None))
    if kind is None or digest not in (None, signature.digest):
        raise TokenError(
            Fault.SIGNATURE, f"the time-stamping token has a signature of a kind not known: {signature.algorithm}"
        )
    known: dict[str, hashes.HashAlgorithm] = {
        one.name: one for one in (hashes.SHA256(), hashes.SHA384(), hashes.SHA512())
    }
    over = known[signature.digest]
    key = signer.public_key()
    if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) and key.key_size < _KEY_BITS[kind]:
        raise TokenError(
            Fault.SIGNATURE, f"the time-stamping token is signed with a key of {key.key_size} bits, too weak"
        )
    try:
        if isinstance(key, rsa.RSAPublicKey) and kind == "RSA":
            key.verify(signature.value, signature.attributes, padding.PKCS1v15(), over)
        elif isinstance(key, ec.EllipticCurvePublicKey) and kind == "EC":
            key.verify(signature.value, signature.attributes, ec.ECDSA(over))
        else:
            raise InvalidSignature
    except InvalidSignature:
        raise TokenError(Fault.SIGNATURE, "the time-stamping token's signature does not verify") from None


def _check_purpose(signer: "Certificate", token: Token) -> None:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    purposes = _extension(signer, x509.ExtendedKeyUsage)
    if purposes is None or ExtendedKeyUsageOID.TIME_STAMPING not in purposes.value:
        raise TokenError(Fault.PURPOSE, f"the certificate of {token.tsa_name} is not for time-stamping")
    if len(list(purposes.value)) != 1 or not purposes.critical:
        raise TokenError(
            Fault.PURPOSE, f"the certificate of {token.tsa_name} is not, as a critical demand, for time-stamping alone"
        )
    usage = _extension(signer, x509.KeyUsage)
    if usage and not (_signs(usage.value) and not _does_more(usage.value)):
        raise TokenError(Fault.PURPOSE, f"the key of {token.tsa_name} is not for signatures alone")


def _signs(usage: "KeyUsage") -> bool:
    return usage.digital_signature or usage.content_commitment


def _does_more(usage: "KeyUsage") -> bool:
    ciphers = usage.key_encipherment or usage.data_encipherment or usage.key_agreement
    return ciphers or usage.key_cert_sign or usage.crl_sign


def _extension(certificate: "Certificate", kind: "type[E]") -> "Extension[E] | None":
    from cryptography.x509 import ExtensionNotFound

    try:
        return certificate.extensions.get_extension_for_class(kind)
    except ExtensionNotFound:
        return None


def _check_tsa(signer: "Certificate", token: Token, signature: Signature) -> None:
    """RFC 3161 section 2.4.2: the authority that a token names is one of its certificate's subject names."""
    from cryptography.x509 import SubjectAlternativeName

    if signature.tsa is None:
        return
    others = _extension(signer, SubjectAlternativeName)
    names = [der.element(context(4), identity(token.signer)[2])]
    if others:
        names += [one.encoded for one in der.only(others.value.public_bytes(), der.SEQUENCE).parts().rest()]
    if signature.tsa not in names:
        raise TokenError(Fault.PURPOSE, f"the time-stamping token names another authority than {token.tsa_name}")


def _check_time(token: Token, at: datetime | None) -> None:
    # Of the last second RFC 5280 says that it counts, and OpenSSL that it does not.
    if not token.not_before <= token.gen_time < token.not_after:
        raise TokenError(
            Fault.TIME,
            f"the certificate of {token.tsa_name} was not valid at the token's time, {_second(token.gen_time)}: "
            f"it is from {_second(token.not_before)} to {_second(token.not_after)}",
        )
    if at is not None and token.gen_time - timedelta(seconds=token.accuracy or 0) > at:
        raise TokenError(
            Fault.TIME,
            f"the time-stamping token says {_second(token.gen_time)}, and is proven to have existed by {_second(at)}",
        )


def _second(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# -- the chain ------------------------------------------------------------------------------------------------------


def _chain(token: Token, roots: Sequence[bytes]) -> "Sequence[Certificate]":
    from cryptography import x509
    from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

    if not roots:
        raise TokenError(Fault.CHAIN, "no root certificates are given")
    step = ExtensionPolicy.permit_all().may_be_present(x509.CertificatePolicies, Criticality.AGNOSTIC, None)
    issuer = (
        step.require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_issue)
        .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _may_lend)
    )
    verifier = (
        PolicyBuilder()
        .store(Store([read_certificate(one) for one in roots]))
        .time(token.gen_time)
        .max_chain_depth(limits.TOKEN_CERTIFICATES)
        .extension_policies(ca_policy=issuer, ee_policy=step)
        .build_client_verifier()
    )
    try:
        with unwarned():
            return verifier.verify(read_certificate(token.signer), list(_steps(token))).chain
    except VerificationError as error:
        raise TokenError(
            Fault.CHAIN,
            f"the certificate of {token.tsa_name} does not lead to a given root",
            f"what was found: {fit(str(error))}",
        ) from None


def _steps(token: Token) -> "Iterator[Certificate]":
    """What else the token carries; a stranger may have put anything there."""
    for one in token.certificates:
        try:
            yield read_certificate(one)
        except FormatError:
            continue


def _may_issue(policy: "Policy", certificate: "Certificate", usage: "KeyUsage | None") -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("an issuer's key is not for signing certificates")


def _may_lend(policy: "Policy", certificate: "Certificate", purposes: "ExtendedKeyUsage | None") -> None:
    """An issuer that is limited to some purposes cannot give another one away."""
    from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

    if purposes is not None and not {Purpose.TIME_STAMPING, Purpose.ANY_EXTENDED_KEY_USAGE} & set(purposes):
        raise ValueError("an issuer is not for time-stamping")


def _der(certificate: "Certificate") -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)
