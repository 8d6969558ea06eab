"""core.openssh: keys as ssh-keygen makes them, as did:key writes them, and keys that are none."""

import json
from base64 import b64decode, b64encode, urlsafe_b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from notary import limits
from notary.core.openssh import (
    PublicKey,
    Reader,
    UnsupportedKeyError,
    public_key_of,
    read_public_key,
    strict_base64,
    write_mpint,
    write_string,
    write_uint32,
)
from notary.errors import FormatError
from tests.conftest import ROOT
from tests.parties.openssh import KINDS, fingerprint, new_key, ran

VECTORS = json.loads((ROOT / "tests" / "vectors" / "did_key.json").read_text())


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A public key's line of each type, by ssh-keygen."""
    folder = tmp_path_factory.mktemp("keys")
    return {kind: new_key(folder / kind, kind).with_suffix(".pub").read_text() for kind in KINDS}


# -- keys that ssh-keygen makes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_keys_of_ssh_keygen(lines: dict[str, str], tmp_path: Path, kind: str) -> None:
    key = read_public_key(lines[kind])
    assert lines[kind] == f"{key.line} {kind} key\n"
    (tmp_path / "key.pub").write_text(key.line)
    assert (key.bits, key.fingerprint) == fingerprint(tmp_path / "key.pub")
    assert read_public_key(key.line) == public_key_of(key.blob) == key
    assert read_public_key(f"{key.kind}\t{b64encode(key.blob).decode()}\r\n") == key


def test_long_rsa_keys(tmp_path: Path) -> None:
    """Those of the shortest and the longest kind that is accepted; ssh-keygen takes minutes to make the longest."""
    least, most = limits.RSA_BITS
    for bits in (least, most):
        key = public_key_of(rsa_blob((1 << bits - 1) + 1))
        (tmp_path / "key.pub").write_text(key.line)
        assert (key.bits, key.fingerprint) == fingerprint(tmp_path / "key.pub")
    for bits in (1024, least - 1, most + 1):
        with pytest.raises(UnsupportedKeyError, match="bits"):
            public_key_of(rsa_blob((1 << bits - 1) + 1))


def rsa_blob(modulus: int, exponent: int = 65537) -> bytes:
    return write_string(b"ssh-rsa") + write_mpint(exponent) + write_mpint(modulus)


# -- did:key --------------------------------------------------------------------------------------------------------


def number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "=="), "big")


def blob_of(jwk: dict[str, str]) -> bytes:
    """An SSH key from a JSON web key, as vectors have them."""
    if jwk["kty"] == "RSA":
        return rsa_blob(number(jwk["n"]), number(jwk["e"]))
    raw = urlsafe_b64decode(jwk["x"] + "==")
    if jwk["kty"] == "OKP":
        return write_string(b"ssh-ed25519") + write_string(raw)
    curve = b"nistp" + jwk["crv"].removeprefix("P-").encode()
    point = b"\x04" + raw + urlsafe_b64decode(jwk["y"] + "==")
    return write_string(b"ecdsa-sha2-" + curve) + write_string(curve) + write_string(point)


@pytest.mark.parametrize("did", VECTORS["keys"])
def test_did_key_vectors(did: str) -> None:
    assert public_key_of(blob_of(VECTORS["keys"][did])).did == did


def test_there_are_vectors_of_all_types() -> None:
    assert len({public_key_of(blob_of(jwk)).kind for jwk in VECTORS["keys"].values()}) == len(KINDS)


# -- keys that are none ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_truncation_and_every_extension(lines: dict[str, str], kind: str) -> None:
    blob = read_public_key(lines[kind]).blob
    for length in range(len(blob)):
        with pytest.raises(FormatError):
            public_key_of(blob[:length])
    for more in (b"\0", blob, bytes(limits.SSH_KEY_BYTES)):
        with pytest.raises(FormatError):
            public_key_of(blob + more)


P256_X, P256_Y = (
    bytes.fromhex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
    bytes.fromhex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
)  # the curve's own base point


def ecdsa_blob(point: bytes, curve: bytes = b"nistp256", kind: bytes = b"nistp256") -> bytes:
    return write_string(b"ecdsa-sha2-" + kind) + write_string(curve) + write_string(point)


def test_points_that_are_not_on_the_curve() -> None:
    public_key_of(ecdsa_blob(b"\x04" + P256_X + P256_Y))
    last = P256_Y[:-1] + bytes([P256_Y[-1] ^ 1])
    compressed = b"\x03" + P256_X
    for point in (b"\x04" + P256_X + last, b"\x04" + bytes(64), compressed, b"\x00", b"", b"\x06" + P256_X + P256_Y):
        with pytest.raises(FormatError, match="point"):
            public_key_of(ecdsa_blob(point))
    for curve, kind in ((b"nistp384", b"nistp256"), (b"nistp384", b"nistp384"), (b"nistp256", b"nistp521")):
        with pytest.raises(FormatError):
            public_key_of(ecdsa_blob(b"\x04" + P256_X + P256_Y, curve, kind))


def test_rsa_numbers_that_no_sound_key_has() -> None:
    modulus = (1 << 2047) + 1
    for exponent, other in ((1, modulus), (2, modulus), (65536, modulus), (65537, modulus + 1), (2**64 + 1, modulus)):
        with pytest.raises(FormatError):
            public_key_of(rsa_blob(other, exponent))
    for written in (b"\0\0" + b"\x01\0\x01", b"\x80\0\0\x01", b"", b"\0"):  # needless zeros, negative, zero
        with pytest.raises(FormatError):
            public_key_of(write_string(b"ssh-rsa") + write_string(written) + write_mpint(modulus))


def test_ed25519_points_of_small_order() -> None:
    """With those as keys some signatures pass for any message: one is shown."""
    field = 2**255 - 19
    d = -121665 * pow(121666, -1, field) % field

    def root(square: int) -> int:
        found = pow(square, (field + 3) // 8, field)
        return found if found * found % field == square % field else found * pow(2, (field - 1) // 4, field) % field

    # A point of order 8, doubled, has y = 0; so x*x = -y*y, and d*y**4 + 2*y*y = 1.
    squares = [(-1 + sign * root(1 + d)) * pow(d, -1, field) % field for sign in (1, -1)]
    y_of_order_8 = next(root(square) for square in squares if root(square) ** 2 % field == square)
    small = [0, 1, field - 1, y_of_order_8, field - y_of_order_8]
    for y in [*small, field, field + 1, *range(field + 2, 2**255)]:
        for sign in (0, 1 << 255):
            raw = (y | sign).to_bytes(32, "little")
            with pytest.raises(FormatError, match="point"):
                public_key_of(write_string(b"ssh-ed25519") + write_string(raw))
    neutral = (1).to_bytes(32, "little")
    for message in (b"any message", b"and any other"):
        Ed25519PublicKey.from_public_bytes(neutral).verify(neutral + bytes(32), message)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_ed25519_keys_of_other_lengths(length: int) -> None:
    with pytest.raises(FormatError):
        public_key_of(write_string(b"ssh-ed25519") + write_string(b"\x42" * length))


def test_types_that_are_not_accepted(tmp_path: Path) -> None:
    sk = write_string(b"sk-ssh-ed25519@openssh.com") + write_string(b"\x42" * 32) + write_string(b"ssh:")
    for blob in (
        sk,
        write_string(b"ssh-dss") + write_mpint(7),
        write_string(b"ssh-ed448") + write_string(b"\x42" * 57),
    ):
        with pytest.raises(UnsupportedKeyError, match="not supported"):
            public_key_of(blob)
    authority, key = new_key(tmp_path / "ca", "ed25519"), new_key(tmp_path / "key", "ed25519")
    assert ran("ssh-keygen", "-q", "-s", authority, "-I", "id", "-n", "ada", key.with_suffix(".pub")).returncode == 0
    with pytest.raises(UnsupportedKeyError, match="cert-v01"):
        read_public_key((tmp_path / "key-cert.pub").read_text())


def test_lines_that_are_no_keys(lines: dict[str, str]) -> None:
    line = lines["ed25519"]
    kind, base64, *_ = line.split()
    broken = b64encode(write_string(b"ssh-ed25519\n") + write_string(b"\x42" * 32)).decode()
    faults = {
        "nothing": "",
        "no base64": kind,
        "the wrong type": f"ssh-rsa {base64}",
        "two lines": line * 2,
        "options": f"restrict {line}",
        "padding too many": f"{kind} {base64}=",
        "base64 for URLs": f"{kind} {base64.replace('A', '-', 1)}",
        "a type that does not say so": f"{kind}\N{CYRILLIC SMALL LETTER A} {base64}",
        "too long": line + "a" * limits.SSH_LINE_BYTES,
        "a name with a line end": f"{kind} {broken}",
    }
    for what, fault in faults.items():
        with pytest.raises(FormatError):
            raise AssertionError(f"accepted: {what}: {read_public_key(fault)}")


def test_strict_base64() -> None:
    assert strict_base64("AAE=", "it") == b"\0\1"
    for text in ("AAF=", "AAE", "AAE==", " AAE=", "AAE=\n", "AA E=", "=", "", "AAE=AAE=", "ÄAE="):
        with pytest.raises(FormatError, match="it is not in canonical base64"):
            strict_base64(text, "it")


# -- the encoding ---------------------------------------------------------------------------------------------------


def test_numbers_as_rfc_4251_shows_them() -> None:
    """RFC 4251 section 5's own examples."""
    examples = {0: "00000000", 0x9A378F9B2E332A7: "0000000809a378f9b2e332a7", 0x80: "000000020080"}
    for value, written in examples.items():
        assert write_mpint(value).hex() == written
    assert Reader(bytes.fromhex("000000020080"), "it").mpint() == 0x80
    for negative in ("00000002edcc", "00000005ff21524111"):
        with pytest.raises(FormatError):
            Reader(bytes.fromhex(negative), "it").mpint()


def test_a_length_beyond_the_data() -> None:
    with pytest.raises(FormatError, match="truncated"):
        Reader(write_uint32(2**32 - 1) + b"abc", "it").string()


def test_a_key_prints_nothing_odd(lines: dict[str, str]) -> None:
    assert b64decode(read_public_key(lines["rsa"]).line.split()[1]) == read_public_key(lines["rsa"]).blob
    with pytest.raises(FormatError):
        _ = PublicKey(write_string(b"ssh-\x1b[2J")).kind
