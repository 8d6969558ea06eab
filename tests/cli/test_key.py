"""`notary key`, and keys that other commands sign with."""

import json
import os
import pty
import shlex
import stat
import sys
from pathlib import Path

import pytest

from notary.cli.signing import signer_of
from notary.core.openssh import read_public_key
from notary.core.signature import NAMESPACE, sign
from notary.errors import InputError, SystemFailureError
from tests.conftest import Notary
from tests.parties import openssh
from tests.parties.openssh import accepts, agent, ran

MESSAGE = b"a manifest"
PASSPHRASE = "correct horse"  # noqa: S105 - of keys that tests make


def with_passphrase(notary: Notary, passphrase: str) -> Notary:
    notary.environment["NOTARY_KEY_PASSPHRASE"] = passphrase
    return notary


def at_a_terminal(notary: Notary, *arguments: str, types: tuple[str, ...]) -> tuple[int, str]:
    """The exit code and what the screen shows, where somebody types these lines when asked."""
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover - this process ends in another program
        os.chdir(notary.folder)
        os.execve(notary.program, notary.command(*arguments), notary.environment)  # noqa: S606 - the program under test
    shown, waiting = b"", list(types)
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # what Linux says when the other end is closed
            break
        if not piece:
            break
        shown += piece
        if waiting and piece.rstrip(b" ").endswith(b":"):
            os.write(terminal, waiting.pop(0).encode() + b"\n")
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert not waiting, shown
    return os.waitstatus_to_exitcode(status), shown.decode()


# -- notary key new -------------------------------------------------------------------------------------------------


def test_a_new_key(notary: Notary, tmp_path: Path) -> None:
    answer = with_passphrase(notary, PASSPHRASE)("key", "new", "signing", "--comment", "Ada's key", "--json")
    assert (answer.code, answer.err) == (0, "")
    bits, shown = openssh.fingerprint(tmp_path / "signing")
    public = ran("ssh-keygen", "-y", "-P", PASSPHRASE, "-f", tmp_path / "signing").stdout.decode().split()
    assert set(answer.json) == {"file", "public", "fingerprint", "did"}
    assert answer.json["public"].split() == public[:2]
    assert (answer.json["file"], answer.json["fingerprint"], bits) == ("signing", shown, 256)
    assert answer.json["did"] == read_public_key(answer.json["public"]).did
    assert (tmp_path / "signing.pub").read_text() == f"{answer.json['public']} Ada's key\n"
    assert stat.S_IMODE((tmp_path / "signing").stat().st_mode) == 0o600


def test_it_stands_beside_the_ledger(notary: Notary) -> None:
    place = Path(notary.environment["NOTARY_LEDGER"]).with_name("key")
    answer = notary("key", "new", "--no-passphrase")
    assert answer.code == 0
    assert str(place) in answer.out
    assert "not encrypted" in answer.err
    assert ran("ssh-keygen", "-y", "-P", "", "-f", place).returncode == 0
    again = notary("key", "new", "--no-passphrase")
    assert again.code == 2
    assert "not overwritten" in again.err
    shown = notary("key", "show", "--json")
    assert shown.json["file"] == str(place)
    assert shown.json["public"] in answer.out
    elsewhere = notary("key", "new", "--no-passphrase", "--ledger", "other/ledger.db", "--json")
    assert elsewhere.json["file"] == "other/key"


def test_a_passphrase_is_needed(notary: Notary, tmp_path: Path) -> None:
    answer = notary("key", "new", "k")
    assert answer.code == 2
    assert answer.err.startswith("error: a passphrase is needed, and there is no terminal")
    assert "NOTARY_KEY_PASSPHRASE" in answer.err
    answer = with_passphrase(notary, "")("key", "new", "k")
    assert answer.code == 2
    assert "empty passphrase" in answer.err
    assert "--no-passphrase" in answer.err
    answer = with_passphrase(notary, "a" * 2000)("key", "new", "k")
    assert answer.code == 2
    assert not list(tmp_path.iterdir())


def test_it_is_typed_twice_and_not_shown(notary: Notary, tmp_path: Path) -> None:
    code, screen = at_a_terminal(notary, "key", "new", "typed", types=(PASSPHRASE, PASSPHRASE))
    assert code == 0, screen
    assert PASSPHRASE not in screen
    assert ran("ssh-keygen", "-y", "-P", PASSPHRASE, "-f", tmp_path / "typed").returncode == 0
    for types, words in (((PASSPHRASE, "another"), "not the same"), (("",), "empty passphrase")):
        code, screen = at_a_terminal(notary, "key", "new", "other", types=types)
        assert code == 2
        assert words in screen
        assert not (tmp_path / "other").exists()


def test_a_name_that_is_taken_is_told_before_anything_is_typed(notary: Notary, tmp_path: Path) -> None:
    (tmp_path / "k.pub").write_text("precious")
    code, screen = at_a_terminal(notary, "key", "new", "k", types=())
    assert code == 2
    assert "k.pub is there already" in screen
    assert (tmp_path / "k.pub").read_text() == "precious"
    assert not (tmp_path / "k").exists()


def test_where_nothing_can_be_written(notary: Notary, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = notary("key", "new", "file/key", "--no-passphrase", "--json")
    assert answer.code == 4
    assert "cannot be written" in json.loads(answer.out)["error"]


# -- notary key show ------------------------------------------------------------------------------------------------


def test_what_is_shown(notary: Notary, tmp_path: Path) -> None:
    with_passphrase(notary, PASSPHRASE)("key", "new", "k")
    del notary.environment["NOTARY_KEY_PASSPHRASE"]
    private, public = notary("key", "show", "k"), notary("key", "show", "k.pub")
    assert private.code == public.code == 0
    assert private.out == public.out.replace("k.pub", "k")
    line = private.out.splitlines()[-1].removeprefix("signers").strip()
    # The line works for ssh-keygen, with a name in its place.
    (tmp_path / "signers").write_text(line.replace("NAME", "ada@example.com"))
    (tmp_path / "message.sig").write_bytes(signature_of(tmp_path / "k"))
    checks = ("-f", tmp_path / "signers", "-s", tmp_path / "message.sig", "-n", NAMESPACE, "-I", "ada@example.com")
    assert ran("ssh-keygen", "-Y", "verify", *checks, stdin=MESSAGE).returncode == 0
    assert notary("key", "show", "k", "--quiet").out == ""


def signature_of(path: Path) -> bytes:
    from notary.edges.keys import read_key

    return sign(read_key(path, PASSPHRASE.encode), MESSAGE)


@pytest.mark.parametrize("kind", openssh.KINDS)
def test_keys_of_ssh_keygen(notary: Notary, tmp_path: Path, kind: str) -> None:
    path = openssh.new_key(tmp_path / "k", kind)
    shown = notary("key", "show", path, "--json").json
    assert shown["fingerprint"] == openssh.fingerprint(path)[1]
    assert path.with_suffix(".pub").read_text().startswith(shown["public"] + " ")


def test_a_comment_moves_nothing_on_the_screen(notary: Notary, tmp_path: Path) -> None:
    notary("key", "new", "k", "--no-passphrase")
    public = (tmp_path / "k.pub").read_text().strip()
    (tmp_path / "k.pub").write_text(f"{public} \x1b[2J\u202eevil\n")
    answer = notary("key", "show", "k.pub")
    assert answer.code == 0
    assert "\x1b" not in answer.out
    assert "evil" not in answer.out


def test_what_is_no_key(notary: Notary, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("a note")
    for name in ("note", "missing", ".", "a\x1b[2Jb"):
        answer = notary("key", "show", name)
        assert answer.code == 2
        assert answer.err.startswith("error: ")
        assert "\x1b" not in answer.err


# -- signing with them ----------------------------------------------------------------------------------------------


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No agent, no passphrase, no terminal."""
    for name in ("SSH_AUTH_SOCK", "NOTARY_KEY_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "stdin", Path(os.devnull).open())  # noqa: SIM115 - pytest puts its own back
    return monkeypatch


def test_a_private_key(alone: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = openssh.new_key(tmp_path / "k", "nistp256", PASSPHRASE)
    with pytest.raises(InputError, match="no terminal"):
        signer_of(str(path))
    alone.setenv("NOTARY_KEY_PASSPHRASE", "wrong")
    with pytest.raises(InputError, match="wrong"):
        signer_of(str(path))
    alone.setenv("NOTARY_KEY_PASSPHRASE", PASSPHRASE)
    assert accepts(tmp_path, sign(signer_of(str(path)), MESSAGE), MESSAGE, NAMESPACE)
    # As ssh-keygen -Y sign does, for the public half too.
    assert signer_of(f"{path}.pub").public == signer_of(str(path)).public


def test_a_key_in_the_agent(alone: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mine, other = (openssh.new_key(tmp_path / name, "ed25519") for name in ("mine", "other"))
    with agent([other, mine]) as path:
        mine.unlink()
        alone.setenv("SSH_AUTH_SOCK", path)
        signer = signer_of(f"{mine}.pub")
        assert signer.public == read_public_key((tmp_path / "mine.pub").read_text())
        assert accepts(tmp_path, sign(signer, MESSAGE), MESSAGE, NAMESPACE)
        assert ran("ssh-add", "-D", environment={"SSH_AUTH_SOCK": path}).returncode == 0
        with pytest.raises(InputError, match="does not hold the private half") as caught:
            signer_of(f"{mine}.pub")
        assert "ssh-add" in caught.value.hints[0]
    with pytest.raises(SystemFailureError, match="no ssh-agent answers"):
        signer_of(f"{mine}.pub")
    assert signer_of(f"{other}.pub").public == read_public_key((tmp_path / "other.pub").read_text()), "it lies beside"
    alone.delenv("SSH_AUTH_SOCK")
    with pytest.raises(InputError, match="there is no ssh-agent"):
        signer_of(f"{mine}.pub")


def test_a_public_half_beside_another_private_one(alone: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one, two = (openssh.new_key(tmp_path / name, "ed25519") for name in ("one", "two"))
    (tmp_path / "one.pub").write_text((tmp_path / "two.pub").read_text())
    with pytest.raises(InputError, match="private half"):
        signer_of(f"{one}.pub")
    assert signer_of(f"{two}.pub").public == read_public_key((tmp_path / "two.pub").read_text())


def test_the_hint_can_be_typed(notary: Notary, tmp_path: Path) -> None:
    """A file that others can read is refused, with a command that helps."""
    notary("key", "new", "k", "--no-passphrase")
    (tmp_path / "k").chmod(0o644)
    with pytest.raises(InputError) as caught:
        signer_of(str(tmp_path / "k"))
    ran(*shlex.split(caught.value.hints[0]))
    assert signer_of(str(tmp_path / "k")).public
