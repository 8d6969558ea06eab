"""edges.keys: private keys that ssh-keygen makes and reads, and files that are none."""

import os
import re
import stat
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from notary import limits
from notary.core.openssh import read_public_key, write_string, write_uint32
from notary.core.signature import NAMESPACE, sign
from notary.edges.keys import is_private, new_key, public_path, read_key, read_public
from notary.errors import InputError, SystemFailureError
from tests.edges.bounded import within, without_rights
from tests.parties import openssh
from tests.parties.openssh import KINDS, accepts, ran, signed

MESSAGE = b"a manifest"
PASSPHRASE = "correct horse"  # noqa: S105 - of keys that tests make


def never() -> bytes:
    raise AssertionError("a passphrase was asked for")


def typed(text: str) -> Callable[[], bytes]:
    return lambda: text.encode()


# -- keys that we make ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE, "ß" * 40, "a" * 100])
def test_a_new_key_is_one_of_ssh_keygens(tmp_path: Path, passphrase: str | None) -> None:
    path = tmp_path / "folder" / "key"
    public = new_key(path, passphrase.encode() if passphrase else None, "Ada's key")
    assert public.kind == "ssh-ed25519"
    assert public_path(path).read_text() == f"{public.line} Ada's key\n"
    assert (public.bits, public.fingerprint) == openssh.fingerprint(path)
    shown = ran("ssh-keygen", "-y", "-P", passphrase or "", "-f", path)
    assert shown.stdout.decode().split()[:2] == public.line.split(), shown.stderr
    assert ran("ssh-keygen", "-y", "-P", "wrong", "-f", path).returncode == (0 if passphrase is None else 255)
    key = read_key(path, typed(passphrase) if passphrase else never)
    assert key.public == public
    assert accepts(tmp_path, sign(key, MESSAGE), MESSAGE, NAMESPACE)
    assert "Ed25519" not in repr(key)  # nothing of the private half is shown


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        new_key(tmp_path / "new" / "key", None)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [tmp_path / "new", *(tmp_path / "new").iterdir()]}
    assert modes == {"new": 0o700, "key": 0o600, "key.pub": 0o644}


@pytest.mark.parametrize("taken", ["key", "key.pub"])
@pytest.mark.parametrize("by", ["a file", "a link to nowhere", "a folder"])
def test_no_key_is_overwritten(tmp_path: Path, taken: str, by: str) -> None:
    place = tmp_path / taken
    if by == "a file":
        place.write_text("precious")
    elif by == "a folder":
        place.mkdir()
    else:
        place.symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="not overwritten"):
        new_key(tmp_path / "key", None)
    assert [path.name for path in tmp_path.iterdir()] == [taken]
    assert by != "a file" or place.read_text() == "precious"


def test_two_keys_are_never_the_same(tmp_path: Path) -> None:
    assert len({new_key(tmp_path / str(number), None) for number in range(5)}) == 5


@pytest.mark.parametrize("passphrase", [b"", b"a" * (limits.PASSPHRASE_BYTES + 1)])
def test_passphrases_that_are_none(tmp_path: Path, passphrase: bytes) -> None:
    with pytest.raises(InputError, match="passphrase"):
        new_key(tmp_path / "key", passphrase)
    assert not list(tmp_path.iterdir())


def test_a_comment_of_two_lines(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one line"):
        new_key(tmp_path / "key", None, "a\nssh-ed25519 AAAA")
    assert not list(tmp_path.iterdir())


def test_a_full_disk(small_disk: Path) -> None:
    filler = small_disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as stream:
        while stream.write(bytes(65536)):
            pass
    with pytest.raises(SystemFailureError, match="cannot be written"):
        new_key(small_disk / "key", None)
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


def written_without_rights(path: Path) -> str:
    try:
        new_key(path, None)
    except SystemFailureError as error:
        return error.message
    return "written"


def test_a_folder_without_rights(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    tmp_path.chmod(0o755)
    assert "ermission" in without_rights(written_without_rights, tmp_path / "closed" / "key")


# -- keys that ssh-keygen makes -------------------------------------------------------------------------------------

FORMATS = {
    "OpenSSH": (),
    "many rounds": ("-a", "20"),
    "with a tag": ("-Z", "aes256-gcm@openssh.com"),
    "CBC": ("-Z", "aes256-cbc"),
    "PEM": ("-m", "PEM"),
    "PKCS8": ("-m", "PKCS8"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["OpenSSH", "PEM", "PKCS8"])
def test_keys_of_ssh_keygen(tmp_path: Path, kind: str, name: str) -> None:
    path = openssh.new_key(tmp_path / "key", kind, "", *FORMATS[name])
    check_key(path, never)
    assert is_private(path)
    assert not is_private(public_path(path))


@pytest.mark.parametrize(("kind", "name"), [*(("ed25519", name) for name in FORMATS), ("rsa", "PEM")])
def test_keys_with_a_passphrase(tmp_path: Path, kind: str, name: str) -> None:
    path = openssh.new_key(tmp_path / "key", kind, PASSPHRASE, *FORMATS[name])
    check_key(path, typed(PASSPHRASE))
    for wrong in ("wrong", ""):
        with pytest.raises(InputError, match="passphrase is wrong"):
            read_key(path, typed(wrong))


def test_an_encrypted_key_that_may_demand_any_number_of_rounds(tmp_path: Path) -> None:
    path = openssh.new_key(tmp_path / "key", "rsa", PASSPHRASE, *FORMATS["PKCS8"])
    with pytest.raises(InputError, match="not in OpenSSH's format"):
        read_key(path, never)


def check_key(path: Path, passphrase: Callable[[], bytes]) -> None:
    """It is read, its public half too, and what it signs ssh-keygen verifies."""
    key = read_key(path, passphrase)
    public = read_public_key(public_path(path).read_text())
    assert key.public == read_public(public_path(path), never) == public
    is_openssh = path.read_bytes().startswith(b"-----BEGIN OPENSSH")
    assert read_public(path, never if is_openssh else passphrase) == public
    assert accepts(path.parent, sign(key, MESSAGE), MESSAGE, NAMESPACE)


def test_a_cipher_that_is_not_supported(tmp_path: Path) -> None:
    path = openssh.new_key(tmp_path / "key", "ed25519", PASSPHRASE, "-Z", "3des-cbc")
    with pytest.raises(InputError, match="3des-cbc") as caught:
        read_key(path, typed(PASSPHRASE))
    assert caught.value.hints == (f"ssh-keygen -p -f {path}",)
    assert ran("ssh-keygen", "-p", "-P", PASSPHRASE, "-N", PASSPHRASE, "-f", path).returncode == 0
    check_key(path, typed(PASSPHRASE))


def test_a_plain_signature_is_that_of_rfc_8032(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    public = new_key(tmp_path / "key", None)
    signature = read_key(tmp_path / "key", never).sign_plain(MESSAGE)
    assert len(signature) == 64
    raw = b64decode(public.line.split()[1])[-32:]
    Ed25519PublicKey.from_public_bytes(raw).verify(signature, MESSAGE)
    for kind in KINDS.keys() - {"ed25519"}:
        with pytest.raises(InputError, match="an Ed25519 key is needed"):
            read_key(openssh.new_key(tmp_path / kind, kind), never).sign_plain(MESSAGE)


def test_ed25519_signs_as_ssh_keygen_does(tmp_path: Path) -> None:
    path = tmp_path / "key"
    new_key(path, None)
    assert sign(read_key(path, never), MESSAGE) == signed(path, MESSAGE, NAMESPACE)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o601, 0o777])
def test_a_key_that_others_can_read(tmp_path: Path, mode: int) -> None:
    """ssh-keygen refuses it too."""
    path = tmp_path / "key"
    public = new_key(path, None)
    path.chmod(mode)
    assert (
        b"UNPROTECTED PRIVATE KEY FILE" in ran("ssh-keygen", "-Y", "sign", "-f", path, "-n", "x", stdin=MESSAGE).stderr
    )
    with pytest.raises(InputError, match="others can read") as caught:
        read_key(path, never)
    assert caught.value.hints == (f"chmod 600 {path}",)
    assert read_public(path, never) == public
    path.chmod(0o400)
    assert read_key(path, never).public == public


# -- files that are no keys -----------------------------------------------------------------------------------------


def private_file(folder: Path, data: bytes) -> Path:
    path = folder / "odd"
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def test_files_that_are_no_keys(tmp_path: Path) -> None:
    begin, end = b"-----BEGIN OPENSSH PRIVATE KEY-----\n", b"-----END OPENSSH PRIVATE KEY-----\n"
    public = new_key(tmp_path / "key", None)
    for data in (
        b"",
        b"a note",
        bytes(1000),
        public.line.encode(),
        begin + end,
        begin + b"AAAA\n" + end,
        begin + b"!\n" + end,
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN RSA PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\n" * 1000,
        bytes(limits.PRIVATE_KEY_BYTES + 1),
    ):
        path = private_file(tmp_path, data)
        with pytest.raises(InputError) as caught:
            read_key(path, typed(PASSPHRASE))
        assert caught.value.message.startswith(f"{path}: ")
    for missing in (tmp_path / "nowhere", tmp_path, Path("/dev/null")):
        with pytest.raises(InputError):
            read_key(missing, never)
        with pytest.raises(InputError):
            read_public(missing, never)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(InputError, match="not a regular file"):
        within(10, lambda: read_key(tmp_path / "pipe", never))


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_every_truncation(tmp_path: Path, passphrase: str | None) -> None:
    new_key(tmp_path / "key", passphrase.encode() if passphrase else None)
    lines = (tmp_path / "key").read_bytes().splitlines(keepends=True)
    blob = b64decode(b"".join(lines[1:-1]))
    for length in range(0, len(blob), 3):
        path = private_file(tmp_path, b"".join([lines[0], b64encode(blob[:length]), b"\n", lines[-1]]))
        with pytest.raises(InputError):
            read_key(path, typed(PASSPHRASE))


def test_rounds_that_nobody_would_wait_for(tmp_path: Path) -> None:
    """A file may ask for four thousand million rounds of bcrypt."""
    new_key(tmp_path / "key", PASSPHRASE.encode())
    lines = (tmp_path / "key").read_bytes().splitlines(keepends=True)
    blob = b64decode(b"".join(lines[1:-1]))
    found = re.search(re.escape(write_string(b"bcrypt")) + rb"\0\0\0\x18\0\0\0\x10.{16}", blob, re.DOTALL)
    assert found
    slow = blob[: found.end()] + write_uint32(2**32 - 1) + blob[found.end() + 4 :]
    path = private_file(tmp_path, b"".join([lines[0], b64encode(slow), b"\n", lines[-1]]))
    with pytest.raises(InputError, match="4,294,967,295 rounds"):
        within(10, lambda: read_key(path, typed(PASSPHRASE)))


def test_keys_that_are_too_weak(tmp_path: Path) -> None:
    small = tmp_path / "small"
    assert ran("ssh-keygen", "-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", small).returncode == 0
    with pytest.raises(InputError, match="1,024 bits"):
        read_key(small, never)
