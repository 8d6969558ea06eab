"""core.signature: SSHSIG in both directions with ssh-keygen, and signatures that must not hold."""

from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from notary import limits
from notary.core.openssh import PublicKey, Reader, read_public_key, write_string, write_uint32
from notary.core.signature import (
    NAMESPACE,
    Signature,
    SignatureError,
    read_signature,
    sign,
    signed_data,
    verify_signature,
    write_signature,
)
from notary.edges.keys import PrivateKey, read_key
from notary.errors import FormatError, SystemFailureError
from tests.parties.openssh import KINDS, accepts, new_key, signed

MESSAGE = b'{\n  "format": "notary/v1"\n}\n'


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    return {kind: new_key(folder / kind, kind) for kind in KINDS}


@pytest.fixture(scope="module")
def signatures(keys: dict[str, Path]) -> dict[str, bytes]:
    """By ssh-keygen, over MESSAGE."""
    return {kind: signed(path, MESSAGE, NAMESPACE) for kind, path in keys.items()}


def key_of(path: Path) -> PrivateKey:
    return read_key(path, lambda: b"")


def holds(data: bytes, message: bytes = MESSAGE, namespace: str = NAMESPACE) -> bool:
    """Whether we accept it."""
    try:
        verify_signature(read_signature(data), message, namespace)
    except (FormatError, SignatureError):
        return False
    return True


def blob_of(data: bytes) -> bytes:
    return b64decode(b"".join(data.splitlines()[1:-1]))


def armored(blob: bytes, columns: int = 70) -> bytes:
    text = b64encode(blob)
    lines = [text[at : at + columns] for at in range(0, len(text), columns)]
    return b"\n".join([b"-----BEGIN SSH SIGNATURE-----", *lines, b"-----END SSH SIGNATURE-----", b""])


@dataclass(frozen=True)
class Parts:
    """The fields of a blob, to be put together with one of them changed."""

    key: bytes
    raw: bytes
    magic: bytes = b"SSHSIG"
    version: int = 1
    namespace: bytes = NAMESPACE.encode()
    reserved: bytes = b""
    hash_name: bytes = b"sha512"
    after: bytes = b""

    @property
    def file(self) -> bytes:
        fields = (self.key, self.namespace, self.reserved, self.hash_name, self.raw)
        return armored(self.magic + write_uint32(self.version) + b"".join(map(write_string, fields)) + self.after)


def parts_of(data: bytes) -> Parts:
    reader = Reader(blob_of(data)[10:], "it")
    key, *_, raw = (reader.string() for _ in range(5))
    return Parts(key, raw)


# -- both directions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_what_ssh_keygen_signs(keys: dict[str, Path], signatures: dict[str, bytes], kind: str) -> None:
    signature = read_signature(signatures[kind])
    public = read_public_key(keys[kind].with_suffix(".pub").read_text())
    algorithm = "rsa-sha2-512" if kind == "rsa" else public.kind
    assert (signature.key, signature.namespace, signature.hash_name) == (public, NAMESPACE, "sha512")
    assert signature.algorithm == algorithm
    verify_signature(signature, MESSAGE)
    assert write_signature(signature.key, signature.raw) == signatures[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_what_ssh_keygen_verifies(keys: dict[str, Path], tmp_path: Path, kind: str) -> None:
    key = key_of(keys[kind])
    for message in (MESSAGE, b"", bytes(100_000)):
        data = sign(key, message)
        assert accepts(tmp_path, data, message, NAMESPACE)
        assert holds(data, message)
        assert not accepts(tmp_path, data, message + b"x", NAMESPACE)


def test_ed25519_signatures_are_the_same_bytes(keys: dict[str, Path], signatures: dict[str, bytes]) -> None:
    """They are deterministic, so ours must be ssh-keygen's."""
    assert sign(key_of(keys["ed25519"]), MESSAGE) == signatures["ed25519"]


def test_the_other_hash(keys: dict[str, Path], tmp_path: Path) -> None:
    data = signed(keys["ed25519"], MESSAGE, NAMESPACE, "-O", "hashalg=sha256")
    assert read_signature(data).hash_name == "sha256"
    assert holds(data)
    key = key_of(keys["rsa"])
    raw = key.sign(signed_data(MESSAGE, "other", "sha256"))
    data = write_signature(key.public, raw, namespace="other", hash_name="sha256")
    assert accepts(tmp_path, data, MESSAGE, "other")
    assert holds(data, namespace="other")


def test_other_tools_break_lines_elsewhere(signatures: dict[str, bytes], tmp_path: Path) -> None:
    """PROTOCOL.sshsig says 76 columns, ssh-keygen writes 70."""
    for columns in (64, 76):
        data = armored(blob_of(signatures["rsa"]), columns)
        assert holds(data)
        assert accepts(tmp_path, data, MESSAGE, NAMESPACE)


# -- signatures that do not hold ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_over_other_bytes(signatures: dict[str, bytes], kind: str) -> None:
    for message in (b"", MESSAGE[:-1], MESSAGE + b"\n", MESSAGE.replace(b"1", b"2")):
        with pytest.raises(SignatureError, match="over other bytes"):
            verify_signature(read_signature(signatures[kind]), message)


def test_for_another_namespace(keys: dict[str, Path]) -> None:
    for namespace in ("file", "git", "notary-manifest@v2", "notary-manifest@v1x"):
        signature = read_signature(signed(keys["ed25519"], MESSAGE, namespace))
        with pytest.raises(SignatureError, match=f"made for '{namespace}', not for 'notary-manifest@v1'"):
            verify_signature(signature, MESSAGE)
        with pytest.raises(SignatureError, match="over other bytes"):
            verify_signature(replace(signature, namespace=NAMESPACE), MESSAGE)


def test_with_another_key(signatures: dict[str, bytes], keys: dict[str, Path], tmp_path: Path) -> None:
    """Of the same type, and of each other type."""
    for kind, data in signatures.items():
        signature = read_signature(data)
        others = [new_key(tmp_path / kind, kind), *(path for other, path in keys.items() if other != kind)]
        for other in others:
            public = read_public_key(other.with_suffix(".pub").read_text())
            with pytest.raises(SignatureError):
                verify_signature(replace(signature, key=public), MESSAGE)
            assert not holds(replace(parts_of(data), key=public.blob).file)


def test_rsa_with_sha1(keys: dict[str, Path], tmp_path: Path) -> None:
    key = load_ssh_private_key(keys["rsa"].read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    public = key_of(keys["rsa"]).public
    names = {b"ssh-rsa": hashes.SHA1(), b"rsa-sha2-256": hashes.SHA256(), b"rsa-sha2-512": hashes.SHA512()}  # noqa: S303 - that it is refused is shown
    for name, hasher in names.items():
        raw = write_string(name) + write_string(key.sign(signed_data(MESSAGE), PKCS1v15(), hasher))
        data = write_signature(public, raw)
        assert holds(data) == accepts(tmp_path, data, MESSAGE, NAMESPACE) == (name != b"ssh-rsa")
        renamed = write_string(b"rsa-sha2-512" if name == b"rsa-sha2-256" else b"rsa-sha2-256") + raw[4 + len(name) :]
        assert not holds(write_signature(public, renamed))
    with pytest.raises(SignatureError, match="does not sign with 'ssh-rsa'"):
        verify_signature(Signature(public, NAMESPACE, "sha512", "ssh-rsa", write_string(b"ssh-rsa") * 2), MESSAGE)


def test_ed25519_with_a_number_too_large(keys: dict[str, Path], signatures: dict[str, bytes]) -> None:
    """S plus the group's order would be a second signature of the same message (RFC 8032 section 5.1.7)."""
    parts = parts_of(signatures["ed25519"])
    value = parts.raw[-64:]
    order = 2**252 + 27742317777372353535851937790883648493
    more = (int.from_bytes(value[32:], "little") + order).to_bytes(32, "little")
    assert holds(replace(parts, raw=parts.raw[:-64] + value).file)
    assert not holds(replace(parts, raw=parts.raw[:-64] + value[:32] + more).file)


def test_fields_that_are_not_as_they_should_be(signatures: dict[str, bytes], tmp_path: Path) -> None:
    """What we accept of these, ssh-keygen accepts; the other way round we are stricter, and say why."""
    parts = parts_of(signatures["ed25519"])
    algorithm, value = write_string(b"ssh-ed25519"), write_string(parts.raw[-64:])
    assert holds(parts.file)
    faults = {
        "does not begin with SSHSIG": replace(parts, magic=b"SSHSIH"),
        "version 0": replace(parts, version=0),
        "version 2": replace(parts, version=2),
        "reserved": replace(parts, reserved=b"x"),
        "sha1": replace(parts, hash_name=b"sha1"),
        "md5": replace(parts, hash_name=b"md5"),
        "plain text": replace(parts, namespace=b""),
        "bytes too many": replace(parts, after=b"\0"),
        "truncated": replace(parts, raw=b""),
        "not supported": replace(parts, key=write_string(b"ssh-dss") + write_string(b"\x07")),
        "signature has 1 bytes too many": replace(parts, raw=algorithm + value + b"\0"),
        "has a name": replace(parts, raw=write_string(b"\x1b[2J") + value),
    }
    for words, fault in faults.items():
        with pytest.raises(FormatError, match=words):
            read_signature(fault.file)
    for raw in (
        algorithm + write_string(b""),
        algorithm + write_string(parts.raw[-64:-1]),
        algorithm + write_string(parts.raw[-64:] + b"\0"),
        write_string(b"ssh-ed448") + value,
        write_string(b"sk-ssh-ed25519@openssh.com") + value,
        write_string(b"rsa-sha2-512") + value,
    ):
        fault = replace(parts, raw=raw)
        with pytest.raises(SignatureError):
            verify_signature(read_signature(fault.file), MESSAGE)
        assert not accepts(tmp_path, fault.file, MESSAGE, NAMESPACE)


def test_ecdsa_numbers(signatures: dict[str, bytes]) -> None:
    parts = parts_of(signatures["nistp256"])
    name = write_string(b"ecdsa-sha2-nistp256")
    reader = Reader(Reader(parts.raw[len(name) :], "it").string(), "it")
    r, s = reader.string(), reader.string()
    assert holds(replace(parts, raw=name + write_string(write_string(r) + write_string(s))).file)
    for first, second in ((b"", s), (r, b""), (b"\0" + r, s), (r, b"\0\0" + s), (s, r), (r, b"\x80" + s[1:])):
        assert not holds(replace(parts, raw=name + write_string(write_string(first) + write_string(second))).file)
    assert not holds(replace(parts, raw=name + write_string(write_string(r) + write_string(s) + b"\0")).file)


def test_every_truncation(signatures: dict[str, bytes]) -> None:
    for kind in ("ed25519", "nistp521", "rsa"):
        data, blob = signatures[kind], blob_of(signatures[kind])
        assert not any(holds(data[:length]) for length in range(len(data) - 1))
        assert not any(holds(armored(blob[:length])) for length in range(len(blob)))


@pytest.mark.parametrize("kind", KINDS)
def test_every_bit_of_a_blob(signatures: dict[str, bytes], kind: str) -> None:
    """None of the blobs that differ in one bit holds."""
    blob = blob_of(signatures[kind])
    assert holds(armored(blob))
    for at in range(len(blob)):
        for bit in range(8):
            assert not holds(armored(blob[:at] + bytes([blob[at] ^ 1 << bit]) + blob[at + 1 :])), (at, bit)


def test_we_are_never_laxer_than_ssh_keygen(signatures: dict[str, bytes], tmp_path: Path) -> None:
    """One bit of every third byte of the file itself."""
    data = signatures["ed25519"]
    for at in range(0, len(data), 3):
        altered = data[:at] + bytes([data[at] ^ 1 << at % 7]) + data[at + 1 :]
        assert holds(altered) <= accepts(tmp_path, altered, MESSAGE, NAMESPACE), at


def test_armor(signatures: dict[str, bytes], tmp_path: Path) -> None:
    data = signatures["ed25519"]
    begin, *lines, end = data.splitlines()
    text = b"".join(lines)
    assert holds(data[:-1])  # the last line's end
    odd = {
        "junk before": b"junk\n" + data,
        "a blank before": b" " + data,
        "an empty line before": b"\n" + data,
        "a byte order mark": b"\xef\xbb\xbf" + data,
        "junk after": data + b"junk",
        "an empty line after": data + b"\n",
        "two of them": data + data,
        "an empty line within": begin + b"\n\n" + b"\n".join([*lines, end, b""]),
        "a header": begin + b"\nVersion: 1\n\n" + b"\n".join([*lines, end, b""]),
        "ends as Windows writes them": data.replace(b"\n", b"\r\n"),
        "no end": b"\n".join([begin, *lines, b""]),
        "no beginning": b"\n".join([*lines, end, b""]),
        "another name": data.replace(b"SSH SIGNATURE", b"PGP SIGNATURE"),
        "one long line": b"\n".join([begin, text, end, b""]),
        "blanks": b"\n".join([begin, *(line + b" " for line in lines), end, b""]),
        "no padding": data.replace(b"=", b""),
        "padding too many": data.replace(b"\n-----END", b"=\n-----END"),
        "padding within": b"\n".join([begin, lines[0][:-1] + b"=", *lines[1:], end, b""]),
        "base64 for URLs": b"\n".join(
            [begin, text.translate(bytes.maketrans(b"+/", b"-_"))[:70], *lines[1:], end, b""]
        ),
        "nothing": b"",
        "no base64": begin + b"\n" + end + b"\n",
        "zeros": bytes(1000),
        "not ASCII": data.replace(b"A", b"\xc3\x84", 1),
        "too long": data + b"\n" * limits.SIGNATURE_BYTES,
    }
    odd = {what: fault for what, fault in odd.items() if fault != data}
    for what, fault in odd.items():
        with pytest.raises(FormatError):
            raise AssertionError(f"accepted: {what}: {read_signature(fault)}")


def test_a_stray_bit_in_the_last_digit(keys: dict[str, Path], tmp_path: Path) -> None:
    """base64 that ends in padding has bits that stand for nothing; one way of writing them is the right one."""
    key = key_of(keys["ed25519"])
    for namespace in ("a", "ab", "abc"):
        data = write_signature(key.public, key.sign(signed_data(MESSAGE, namespace)), namespace=namespace)
        assert holds(data, namespace=namespace)
        last = data.split(b"\n-----END")[0].rstrip(b"=")
        if b"=" in data:
            digit = bytes([last[-1] ^ 1])
            assert not holds(last[:-1] + digit + data[len(last) :], namespace=namespace)


# -- signers that lie -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Liar:
    """Says that it has one key, and signs with another or not at all."""

    public: PublicKey
    answer: bytes

    def sign(self, data: bytes) -> bytes:
        return self.answer


def test_a_signer_is_not_believed(keys: dict[str, Path]) -> None:
    public = key_of(keys["ed25519"]).public
    other = Ed25519PrivateKey.generate().sign(signed_data(MESSAGE))
    for answer in (
        write_string(b"ssh-ed25519") + write_string(other),
        key_of(keys["rsa"]).sign(signed_data(MESSAGE)),
        key_of(keys["ed25519"]).sign(b"something else"),
        b"",
        bytes(2 * limits.SIGNATURE_BYTES),
    ):
        with pytest.raises(SystemFailureError, match=r"SHA256:.* gave no valid signature"):
            sign(Liar(public, answer), MESSAGE)
