"""edges.ssh_agent: a real ssh-agent, and agents that lie, stall or hang up."""

import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from notary import limits
from notary.core.openssh import public_key_of, read_public_key, write_string, write_uint32
from notary.core.signature import NAMESPACE, sign
from notary.edges.ssh_agent import AgentKey, agent_keys
from notary.errors import NotaryError, SystemFailureError
from tests.edges.bounded import within
from tests.parties.openssh import KINDS, accepts, agent, new_key, ran

MESSAGE = b"a manifest"


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a short name: a socket's path has 100 bytes at most."""
    path = Path(tempfile.mkdtemp(prefix="agent"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "AGENT_SECONDS", 1.0)
    monkeypatch.setattr(limits, "AGENT_SIGN_SECONDS", 2.0)


# -- a real agent ---------------------------------------------------------------------------------------------------


def test_keys_in_a_real_agent(folder: Path) -> None:
    paths = [new_key(folder / kind, kind) for kind in KINDS]
    with agent(paths) as path:
        found = agent_keys(path)
        lines = [name.with_suffix(".pub").read_text() for name in paths]
        assert [f"{key.public.line} {key.comment}\n" for key in found] == lines
        for key in found:
            data = sign(key, MESSAGE)
            assert accepts(folder, data, MESSAGE, NAMESPACE), key.comment


def test_an_agent_without_keys(folder: Path) -> None:
    with agent([]) as path:
        assert agent_keys(path) == ()


def test_keys_that_are_not_accepted_are_passed_over(folder: Path) -> None:
    """ssh-add adds a certificate beside its key."""
    authority, key = new_key(folder / "ca", "ed25519"), new_key(folder / "key", "ed25519")
    assert ran("ssh-keygen", "-q", "-s", authority, "-I", "id", "-n", "ada", key.with_suffix(".pub")).returncode == 0
    with agent([key]) as path:
        listed = ran("ssh-add", "-L", environment={"SSH_AUTH_SOCK": path}).stdout.decode().splitlines()
        assert len(listed) == 2
        (found,) = agent_keys(path)
        assert found.public == read_public_key(key.with_suffix(".pub").read_text())


def test_a_locked_agent(folder: Path) -> None:
    with agent([new_key(folder / "key", "ed25519")]) as path:
        (key,) = agent_keys(path)
        lock_by_protocol(path)
        assert agent_keys(path) == ()
        with pytest.raises(SystemFailureError, match="refused") as caught:
            sign(key, MESSAGE)
        assert "locked" in caught.value.hints[0]


def lock_by_protocol(path: str) -> None:
    """What ssh-add -x does, which wants a terminal."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(write_string(bytes([22]) + write_string(b"secret")))
        assert connection.recv(5) == write_string(bytes([6]))


@pytest.mark.parametrize("does", ["denies", "confirms"])
def test_a_key_that_wants_confirmation(folder: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> None:
    """The agent asks by SSH_ASKPASS, and says no or yes for us."""
    ask = folder / "ask"
    ask.write_text(f"#!/bin/sh\nexit {1 if does == 'denies' else 0}\n")
    ask.chmod(0o700)
    for name, value in (("SSH_ASKPASS", str(ask)), ("DISPLAY", ":0"), ("SSH_ASKPASS_REQUIRE", "force")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(limits, "AGENT_SIGN_SECONDS", 30.0)
    with agent([new_key(folder / "key", "ed25519")], "-c") as path:
        (key,) = agent_keys(path)
        if does == "confirms":
            assert accepts(folder, sign(key, MESSAGE), MESSAGE, NAMESPACE)
        else:
            with pytest.raises(SystemFailureError, match="refused"):
                sign(key, MESSAGE)


def test_a_key_that_is_gone(folder: Path) -> None:
    with agent([new_key(folder / "key", "ed25519")]) as path:
        (key,) = agent_keys(path)
        assert ran("ssh-add", "-D", environment={"SSH_AUTH_SOCK": path}).returncode == 0
        with pytest.raises(SystemFailureError, match="refused"):
            sign(key, MESSAGE)
    with pytest.raises(SystemFailureError, match="no ssh-agent answers"):
        sign(key, MESSAGE)


# -- agents that are none -------------------------------------------------------------------------------------------


class RudeAgent:
    """Answers whatever the test says, over a real socket; None is to say nothing."""

    def __init__(self, folder: Path, answer: Callable[[socket.socket], object]) -> None:
        self.path = str(folder / "rude")
        self._answer = answer
        self._open: list[socket.socket] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(self.path)
        self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self._open.append(connection)
                threading.Thread(target=self._reply, args=[connection], daemon=True).start()

    def _reply(self, connection: socket.socket) -> None:
        with suppress(OSError):
            connection.recv(100_000)
            self._answer(connection)

    def __enter__(self) -> "RudeAgent":
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._socket, *self._open):
            one.close()
        os.unlink(self.path)  # noqa: PTH108 - a socket


KEY = write_string(b"ssh-ed25519") + write_string(b"\x42" * 32)
LISTED = write_string(KEY) + write_string(b"a comment")

NO_ANSWERS = {
    "nothing at all": b"",
    "an empty message": write_uint32(0),
    "a length and no more": write_uint32(100),
    "a length beyond all bounds": write_uint32(2**32 - 1),
    "over the limit": write_uint32(limits.AGENT_REPLY_BYTES + 1),
    "a page": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "a failure": write_string(bytes([5])),
    "an unknown type": write_string(bytes([99])),
    "no contents": write_string(bytes([12])),
    "more keys than there are": write_string(bytes([12]) + write_uint32(2) + LISTED),
    "fewer keys than there are": write_string(bytes([12]) + write_uint32(1) + LISTED * 2),
    "too many keys": write_string(bytes([12]) + write_uint32(limits.AGENT_KEYS + 1)),
    "a key longer than the message": write_string(bytes([12]) + write_uint32(1) + write_uint32(10_000) + KEY),
}


@pytest.mark.parametrize("what", NO_ANSWERS)
def test_what_is_no_list_of_keys(folder: Path, what: str) -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(NO_ANSWERS[what])
        connection.shutdown(socket.SHUT_WR)

    with RudeAgent(folder, answer) as rude, pytest.raises(SystemFailureError) as caught:
        within(10, lambda: agent_keys(rude.path))
    assert "agent" in caught.value.message
    assert caught.value.message.isprintable()


def test_an_agent_that_stalls(folder: Path) -> None:
    with RudeAgent(folder, lambda connection: None) as rude:
        with pytest.raises(SystemFailureError, match="did not answer within 1 s"):
            within(10, lambda: agent_keys(rude.path))
        key = AgentKey(public_key_of(KEY), "", rude.path)
        with pytest.raises(SystemFailureError, match="did not answer within 2 s"):
            within(10, lambda: key.sign(MESSAGE))


def test_an_agent_that_drips(folder: Path) -> None:
    """A byte now and then is no answer either."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(write_uint32(1000))
        while True:
            connection.sendall(b"\x0c")
            threading.Event().wait(0.1)

    with RudeAgent(folder, drip) as rude, pytest.raises(SystemFailureError, match="did not answer"):
        within(10, lambda: agent_keys(rude.path))


def test_an_agent_that_answers_in_pieces(folder: Path) -> None:
    def pieces(connection: socket.socket) -> None:
        for byte in write_string(bytes([12]) + write_uint32(1) + LISTED):
            connection.sendall(bytes([byte]))

    with RudeAgent(folder, pieces) as rude:
        (key,) = agent_keys(rude.path)
    assert (key.public.blob, key.comment) == (KEY, "a comment")


def test_a_comment_is_any_text(folder: Path) -> None:
    listed = write_string(KEY) + write_string(b"\xff\x1b[2J\n")
    with RudeAgent(folder, lambda to: to.sendall(write_string(bytes([12]) + write_uint32(1) + listed))) as rude:
        (key,) = agent_keys(rude.path)
    assert key.comment == "\ufffd\x1b[2J\n"


SIGNATURES = {
    "of another key": write_string(write_string(b"ssh-ed25519") + write_string(bytes(64))),
    "nothing": write_string(b""),
    "noise": write_string(b"\xff" * 100),
    "one and more": write_string(write_string(b"ssh-ed25519") + write_string(bytes(64))) + b"\0",
    "of another type": write_string(write_string(b"ssh-rsa") + write_string(bytes(256))),
    "of 200 kB": write_string(write_string(b"ssh-ed25519") + write_string(bytes(200_000))),
    "cut short": write_uint32(100) + bytes(50),
}


@pytest.mark.parametrize("what", SIGNATURES)
def test_signatures_that_are_none(folder: Path, what: str) -> None:
    reply = write_string(bytes([14]) + SIGNATURES[what])
    with RudeAgent(folder, lambda connection: connection.sendall(reply)) as rude:
        key = AgentKey(public_key_of(KEY), "", rude.path)
        with pytest.raises(SystemFailureError):
            within(10, lambda: sign(key, MESSAGE))


def test_there_is_no_agent(folder: Path) -> None:
    (folder / "file").touch()
    for path in (folder / "nowhere", folder / "file", folder, Path("/" + "a" * 300), Path("a\0b")):
        with pytest.raises(NotaryError, match="no ssh-agent answers") as caught:
            agent_keys(str(path))
        assert "SSH_AUTH_SOCK" in caught.value.hints[-1]
