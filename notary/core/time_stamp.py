"""Time-stamping tokens of RFC 3161: the request, and the authority's answer, read strictly into values.

An answer is a TimeStampResp: a status, and a token, which is CMS SignedData (RFC 5652) over a TSTInfo. What is signed
is the TSTInfo and the signed attributes. The status, the set of certificates and the unsigned attributes are not:
nothing may be concluded from them. Whether a token is to be believed, `rfc3161` says.
"""

import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from notary import limits
from notary.core import der
from notary.core.der import Element, Reader, context
from notary.core.shown import shown_text
from notary.errors import FormatError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

SHA256 = "2.16.840.1.101.3.4.2.1"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"
SIGNED_DATA = "1.2.840.113549.1.7.2"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
_SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"

_DIGESTS = {"1.3.14.3.2.26": "sha1", SHA256: "sha256", f"{SHA256[:-1]}2": "sha384", f"{SHA256[:-1]}3": "sha512"}

_STATUS = ("granted", "granted with changes", "rejected", "waiting", "revocation warning", "revoked")

_FAILURES = {
    0: "it does not know the digest algorithm",
    2: "the request is not allowed",
    5: "the request is not well-formed",
    14: "its clock is not available",
    15: "it does not follow the policy asked for",
    16: "it does not know an extension",
    17: "it cannot give what was asked for besides",
    25: "it has a fault of its own",
}
"""RFC 3161 section 2.4.2, PKIFailureInfo."""

_MAX_ACCURACY = 2**31


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says. Nothing of it is verified.

    `imprint_algorithm` is sha1, sha256, sha384, sha512, or a dotted OID; `policy` is one. `gen_time` is in UTC, to the
    microsecond, right within `accuracy` seconds, or None where that is not said. `tsa_name` is the subject of the
    signing certificate, as RFC 4514 writes it, with what is not fit to show escaped; `not_before` and `not_after` are
    its validity. `signer` and `certificates` are DER; the latter are all that the token carries, as they stand there.
    """

    imprint_algorithm: str
    imprint: bytes
    gen_time: datetime
    accuracy: float | None
    serial: int
    policy: str
    nonce: int | None
    tsa_name: str
    not_before: datetime
    not_after: datetime
    signer: bytes
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A certificate as the signed attributes name it (ESSCertID); `holder` is its issuer and serial number, in DER."""

    algorithm: str
    digest: bytes
    holder: tuple[bytes, bytes] | None


@dataclass(frozen=True, slots=True)
class Signature:
    """What of a token is signed, and by what: `attributes` as they are signed, `named` by each attribute that does."""

    content: bytes
    attributes: bytes
    content_type: str
    message_digest: bytes
    named: tuple[tuple[Named, ...], ...]
    digest: str
    algorithm: str
    value: bytes
    tsa: bytes | None


def request_for(imprint: bytes, nonce: int | None) -> bytes:
    """A TimeStampReq (RFC 3161 section 2.4.1) over a SHA-256 digest, asking for the signing certificate."""
    algorithm = der.sequence(der.oid(SHA256), der.element(der.NULL))
    return der.sequence(
        der.integer(1),
        der.sequence(algorithm, der.octets(imprint)),
        b"" if nonce is None else der.integer(nonce),
        der.element(der.BOOLEAN, b"\xff"),
    )


# -- reading --------------------------------------------------------------------------------------------------------


def read_token(data: bytes) -> Token:
    """The token in a TimeStampResp. Raises FormatError, with the authority's words where it refused."""
    return read_signed(data)[0]


def read_signed(data: bytes) -> tuple[Token, Signature]:
    """The token in a TimeStampResp, and how it is signed. Raises FormatError, as `read_token` does."""
    if len(data) > limits.TOKEN_BYTES:
        raise FormatError(f"the time-stamping token has over {limits.TOKEN_BYTES} bytes")
    try:
        response = der.only(data, der.SEQUENCE).parts()
        status, words = _status(response.take(der.SEQUENCE).parts())
        if status not in (0, 1):
            raise FormatError(f"the time-stamping authority refused: {words}")
        token = response.take(der.SEQUENCE).parts()
        response.end()
        return _signed_data(token)
    except FormatError as error:
        is_told = error.message.startswith("the time-stamping")
        raise FormatError(
            error.message if is_told else f"the time-stamping token is not as RFC 3161 demands: {error.message}"
        ) from None


def _status(info: Reader) -> tuple[int, str]:
    """PKIStatusInfo: its number, and in words what the authority says of a refusal."""
    status = info.take(der.INTEGER).integer()
    texts = info.maybe(der.SEQUENCE)
    said = " ".join(one.text() for one in _all(texts.parts(), der.UTF8_STRING)) if texts else ""
    bits = info.maybe(der.BIT_STRING)
    info.end()
    # The first byte of a BIT STRING counts the bits that are not used.
    flags = bits.content[1:] if bits else b""
    reasons = [text for bit, text in _FAILURES.items() if bit // 8 < len(flags) and flags[bit // 8] & 0x80 >> bit % 8]
    known = _STATUS[status] if 0 <= status < len(_STATUS) else f"status {status}"
    return status, "; ".join([known, *reasons, *([fit(said)] if said else [])])


def _all(reader: Reader, tag: int, limit: int = limits.TOKEN_MEMBERS) -> Iterator[Element]:
    for count, one in enumerate(reader.rest()):
        if one.tag != tag:
            raise FormatError(f"found tag {one.tag:#04x} where tag {tag:#04x} has to stand")
        if count == limit:
            raise FormatError(f"over {limit} of a kind")
        yield one


def fit(text: str) -> str:
    """A stranger's words, cut and escaped so that a terminal can show them."""
    return shown_text(" ".join(text[: limits.REPLY_TEXT].split()))


def _algorithm(identifier: Element) -> str:
    parts = identifier.parts()
    name = parts.take(der.OBJECT_IDENTIFIER).oid()
    parts.maybe(der.NULL)
    parts.end()
    return _DIGESTS.get(name, name)


def _signed_data(content_info: Reader) -> tuple[Token, Signature]:
    """RFC 5652 sections 3 and 5.1: ContentInfo, SignedData."""
    if content_info.take(der.OBJECT_IDENTIFIER).oid() != SIGNED_DATA:
        raise FormatError("it is not signed data")
    wrapped = content_info.take(context(0)).content
    content_info.end()
    parts = der.only(wrapped, der.SEQUENCE).parts()
    if parts.take(der.INTEGER).integer() not in (1, 3):
        raise FormatError("its version of signed data is not known")
    digests = [_algorithm(one) for one in _all(parts.take(der.SET).parts(), der.SEQUENCE)]
    enclosed = parts.take(der.SEQUENCE).parts()
    if enclosed.take(der.OBJECT_IDENTIFIER).oid() != TST_INFO:
        raise FormatError("what is signed is no time-stamp")
    content = der.only(enclosed.take(context(0)).content, der.OCTET_STRING).content
    enclosed.end()
    carried = parts.maybe(context(0))
    certificates = (
        [one.encoded for one in _all(carried.parts(), der.SEQUENCE, limits.TOKEN_CERTIFICATES)] if carried else []
    )
    parts.maybe(context(1))  # revocation lists, which are not looked at
    signers = parts.take(der.SET)
    parts.end()

    signer = der.only(signers.content, der.SEQUENCE).parts()
    if signer.take(der.INTEGER).integer() != 1:
        raise FormatError("its signer is not named by issuer and serial number")
    holder = _issuer_and_serial(signer.take(der.SEQUENCE).parts())
    digest = _algorithm(signer.take(der.SEQUENCE))
    attributes = signer.take(context(0))
    algorithm = _algorithm(signer.take(der.SEQUENCE))
    value = signer.take(der.OCTET_STRING).content
    signer.maybe(context(1))  # attributes that are not signed
    signer.end()
    if digest not in digests:
        raise FormatError("its signer's digest algorithm is not among those named")
    fitting = [one for one in certificates if identity(one)[:2] == holder]
    if len(fitting) != 1:
        raise FormatError("it does not carry the one certificate of its signer")
    content_type, message_digest, named = _attributes(attributes.parts())
    token, tsa = _time_stamp(content, fitting[0], tuple(certificates))
    signed = b"\x31" + attributes.encoded[1:]  # RFC 5652 section 5.4: as the SET OF that it is
    return token, Signature(content, signed, content_type, message_digest, named, digest, algorithm, value, tsa)


def _issuer_and_serial(parts: Reader) -> tuple[bytes, bytes]:
    issuer = parts.take(der.SEQUENCE).encoded
    serial = parts.take(der.INTEGER)
    parts.end()
    return issuer, serial.encoded


def identity(certificate: bytes) -> tuple[bytes, bytes, bytes]:
    """Issuer, serial number and subject of a certificate, in DER (RFC 5280 section 4.1)."""
    parts = der.only(certificate, der.SEQUENCE).parts().take(der.SEQUENCE).parts()
    parts.maybe(context(0))
    serial = parts.take(der.INTEGER).encoded
    parts.take(der.SEQUENCE)
    issuer = parts.take(der.SEQUENCE).encoded
    parts.take(der.SEQUENCE)
    return issuer, serial, parts.take(der.SEQUENCE).encoded


def _attributes(reader: Reader) -> tuple[str, bytes, tuple[tuple[Named, ...], ...]]:
    """The signed attributes that count: content type, digest of the content, certificates named."""
    found: dict[str, Element] = {}
    for attribute in _all(reader, der.SEQUENCE):
        parts = attribute.parts()
        name = parts.take(der.OBJECT_IDENTIFIER).oid()
        values = parts.take(der.SET)
        parts.end()
        if name in found:
            raise FormatError("a signed attribute stands there twice")
        found[name] = values
    named = tuple(
        tuple(_named_certificates(der.only(found[name].content, der.SEQUENCE).parts(), default))
        for name, default in ((_SIGNING_CERTIFICATE, "sha1"), (SIGNING_CERTIFICATE_V2, "sha256"))
        if name in found
    )
    if CONTENT_TYPE not in found or MESSAGE_DIGEST not in found or not all(named) or not named:
        raise FormatError("it lacks a signed attribute: content type, digest or signing certificate")
    return (
        der.only(found[CONTENT_TYPE].content, der.OBJECT_IDENTIFIER).oid(),
        der.only(found[MESSAGE_DIGEST].content, der.OCTET_STRING).content,
        named,
    )


def _named_certificates(attribute: Reader, default: str) -> Iterator[Named]:
    """SigningCertificate (RFC 2634 section 5.4) or SigningCertificateV2 (RFC 5035 section 3)."""
    certificates = attribute.take(der.SEQUENCE).parts()
    attribute.maybe(der.SEQUENCE)  # policies
    attribute.end()
    for one in _all(certificates, der.SEQUENCE):
        parts = one.parts()
        algorithm = parts.maybe(der.SEQUENCE) if default != "sha1" else None
        digest = parts.take(der.OCTET_STRING).content
        holder = parts.maybe(der.SEQUENCE)
        parts.end()
        yield Named(_algorithm(algorithm) if algorithm else default, digest, _holder(holder) if holder else None)


def _holder(issuer_serial: Element) -> tuple[bytes, bytes]:
    """IssuerSerial (RFC 5035 section 4), whose issuer is one name within GeneralNames."""
    parts = issuer_serial.parts()
    name = der.only(parts.take(der.SEQUENCE).content, context(4))
    serial = parts.take(der.INTEGER)
    parts.end()
    return name.content, serial.encoded


def _time_stamp(content: bytes, signer: bytes, certificates: tuple[bytes, ...]) -> tuple[Token, bytes | None]:
    """TSTInfo (RFC 3161 section 2.4.2), and the name of the authority in it, in DER."""
    parts = der.only(content, der.SEQUENCE).parts()
    if parts.take(der.INTEGER).integer() != 1:
        raise FormatError("its version is not 1")
    policy = parts.take(der.OBJECT_IDENTIFIER).oid()
    message = parts.take(der.SEQUENCE).parts()
    algorithm = _algorithm(message.take(der.SEQUENCE))
    imprint = message.take(der.OCTET_STRING).content
    message.end()
    if algorithm in _DIGESTS.values() and len(imprint) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise FormatError(f"its imprint is no {algorithm} digest")
    serial = parts.take(der.INTEGER).integer()
    gen_time = parts.take(der.GENERALIZED_TIME).time()
    accuracy = parts.maybe(der.SEQUENCE)
    ordering = parts.maybe(der.BOOLEAN)
    if ordering and not ordering.boolean():
        raise FormatError("a boolean is not DER")
    nonce = parts.maybe(der.INTEGER)
    tsa = parts.maybe(context(0))
    extensions = parts.maybe(context(1))
    parts.end()
    for extension in _all(extensions.parts(), der.SEQUENCE) if extensions else ():
        fields = extension.parts()
        fields.take(der.OBJECT_IDENTIFIER)
        if fields.maybe(der.BOOLEAN):
            raise FormatError("it has a critical extension, which is not known")
    certificate = read_certificate(signer)
    token = Token(
        algorithm,
        imprint,
        gen_time,
        _accuracy(accuracy.parts()) if accuracy else None,
        serial,
        policy,
        nonce.integer() if nonce else None,
        shown_text(certificate.subject.rfc4514_string()),
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        signer,
        certificates,
    )
    return token, tsa.content if tsa else None


def _accuracy(parts: Reader) -> float:
    """Accuracy (RFC 3161 section 2.4.2) in seconds: 0 for each part that is not there."""
    microseconds = 0
    for tag, unit, limit in ((der.INTEGER, 1_000_000, _MAX_ACCURACY), (0x80, 1000, 1000), (0x81, 1, 1000)):
        found = parts.maybe(tag)
        value = found.integer() if found else 0
        if not 0 <= value < limit:
            raise FormatError("its accuracy is none")
        microseconds += value * unit
    parts.end()
    return microseconds / 1_000_000


def read_certificate(data: bytes) -> "Certificate":
    """A certificate all of whose fields that are looked at can be read. Raises FormatError."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        with unwarned():
            certificate = x509.load_der_x509_certificate(data)
            _ = certificate.subject, certificate.issuer, certificate.extensions, certificate.public_key()
            _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except (
        *(ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion),
        x509.UnsupportedGeneralNameType,
        KeyError,  # cryptography 49, for a name in a string of no known kind
    ) as error:
        raise FormatError(f"a certificate cannot be read: {fit(str(error))}") from None
    return certificate


def unwarned() -> "warnings.catch_warnings[None]":
    """Keeps `cryptography` from warning, on standard error, of what it takes all the same: of Mozilla's roots, nine
    have the serial number 0, and a stranger's certificate may hold what it likes."""
    return warnings.catch_warnings(action="ignore")
