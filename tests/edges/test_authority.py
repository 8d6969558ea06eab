"""edges.authority: a real authority over HTTP, servers that are none, and the roots of this system."""

import os
import ssl
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from notary import limits
from notary.core.rfc3161 import read_roots, read_token, request_for, verify_token
from notary.edges.authority import request_token, system_roots
from notary.errors import SystemFailureError
from tests.conftest import now
from tests.edges.rude_server import RudeServer, reply
from tests.parties.tsa import ROOT, SIGNER, Certificates, Holder, Tsa, verifies

HEAD = bytes(range(32))
NONCE = 2**63 + 5


class Made:
    def __init__(self, folder: Path) -> None:
        self.certificates = Certificates(folder)
        self.root = self.certificates.issue("Root", ROOT)
        self.signer = self.certificates.issue("Signer", SIGNER, self.root)

    def answer(self, query: bytes) -> bytes:
        return self.certificates.reply(query, self.signer)

    def signed_by(self, signer: Holder) -> Callable[[bytes], bytes]:
        return lambda query: self.certificates.signed_again(self.answer(query), signer)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("tsa"))


@pytest.fixture
def tsa(made: Made) -> Iterator[Tsa]:
    with Tsa(made.answer) as tsa:
        yield tsa


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EXCHANGE_SECONDS", 1.0)


def test_with_a_real_authority(made: Made, tsa: Tsa) -> None:
    response = request_token(tsa.url, HEAD, NONCE, now())
    assert tsa.requests == [("application/timestamp-query", request_for(HEAD, NONCE))]
    assert verifies(response, HEAD, made.root.certificate)
    roots = read_roots(made.root.certificate.read_bytes(), "root.pem")
    assert verify_token(response, HEAD, roots, nonce=NONCE).token.nonce == NONCE
    assert read_token(request_token(tsa.url, HEAD, 0, now())).nonce == 0


def test_what_came_is_given_back_as_it_came(made: Made, tsa: Tsa) -> None:
    sent: list[bytes] = []
    tsa.answer = lambda query: sent.append(made.answer(query)) or sent[-1]  # type: ignore[func-returns-value]
    assert [request_token(tsa.url, HEAD, NONCE, now())] == sent


def test_a_refusal(made: Made, tsa: Tsa) -> None:
    tsa.answer = lambda query: made.certificates.reply(query, made.signer, digests="sha512")
    with pytest.raises(SystemFailureError, match=r"refused: rejected; it does not know the digest algorithm") as caught:
        request_token(tsa.url, HEAD, NONCE, now())
    assert tsa.url in caught.value.message
    assert caught.value.hints


def test_tokens_over_something_else(made: Made, tsa: Tsa) -> None:
    tsa.answer = lambda query: made.answer(request_for(bytes(32), NONCE))
    with pytest.raises(SystemFailureError, match="another imprint"):
        request_token(tsa.url, HEAD, NONCE, now())
    for nonce in (NONCE + 1, None):
        tsa.answer = lambda query, nonce=nonce: made.answer(request_for(HEAD, nonce))  # type: ignore[misc]
        with pytest.raises(SystemFailureError, match="does not have the nonce"):
            request_token(tsa.url, HEAD, NONCE, now())


def test_a_signer_that_is_not_for_it(made: Made, tsa: Tsa) -> None:
    plain = made.certificates.issue("Signer", SIGNER[:2], made.root)
    tsa.answer = made.signed_by(plain)
    with pytest.raises(SystemFailureError, match="not for time-stamping"):
        request_token(tsa.url, HEAD, NONCE, now())


def test_a_token_that_was_altered(made: Made, tsa: Tsa) -> None:
    tsa.answer = lambda query: made.answer(query)[:-1] + b"\x00"
    with pytest.raises(SystemFailureError, match="signature does not verify"):
        request_token(tsa.url, HEAD, NONCE, now())


# -- servers that are no authorities --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [201, 400, 404, 500, 503])
def test_another_status(rude: RudeServer, status: int) -> None:
    rude.answer = reply(b"\x1b[2J<b>no\n\xff", f"{status} Told")
    with pytest.raises(SystemFailureError, match=str(status)) as caught:
        request_token(rude.url, HEAD, NONCE, now())
    assert caught.value.message.isascii()
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("body", [b"", b"<html>hello</html>", b"\x30\x80" + bytes(100), os.urandom(500)])
def test_garbage(rude: RudeServer, body: bytes) -> None:
    rude.answer = reply(body)
    with pytest.raises(SystemFailureError, match="not as RFC 3161 demands") as caught:
        request_token(rude.url, HEAD, NONCE, now())
    assert caught.value.message.isprintable()


def test_too_much(rude: RudeServer) -> None:
    rude.answer, taken = rude.flood(b"HTTP/1.1 200 OK\r\n\r\n", 100)
    with pytest.raises(SystemFailureError, match=str(limits.REPLY_BYTES)):
        request_token(rude.url, HEAD, NONCE, now())
    assert taken[0] < 50


@pytest.mark.usefixtures("impatience")
def test_too_slow(rude: RudeServer) -> None:
    rude.answer = rude.drip(reply(bytes(1000)), 0.05)
    with pytest.raises(SystemFailureError, match="took longer than 1 s"):
        request_token(rude.url, HEAD, NONCE, now())


def test_a_redirect_is_not_followed(rude: RudeServer, tsa: Tsa) -> None:
    rude.answer = reply(b"", f"302 Found\r\nLocation: {tsa.url}")
    with pytest.raises(SystemFailureError, match="redirect"):
        request_token(rude.url, HEAD, NONCE, now())
    assert not tsa.requests


def test_nobody_there(tsa: Tsa) -> None:
    with RudeServer() as gone:
        url = gone.url
    with pytest.raises(SystemFailureError, match="could not be reached"):
        request_token(url, HEAD, NONCE, now())


# -- the roots of this system ---------------------------------------------------------------------------------------


def test_the_roots_of_this_system() -> None:
    pem = system_roots()
    roots = read_roots(pem, "the system's roots")
    assert len(roots) > 50
    assert len(pem) < limits.ROOTS_BYTES
    assert pem.count(b"BEGIN CERTIFICATE") < limits.ROOTS
    assert len(roots) == pem.count(b"BEGIN CERTIFICATE"), "all can be read"
    known = set(ssl.create_default_context().get_ca_certs(binary_form=True))
    assert not known or set(roots) == known


def test_another_file_of_roots(made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(made.root.certificate))
    assert read_roots(system_roots(), "") == (made.root.der,)
    # A system that names no roots of its own: those that come with requests.
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert len(read_roots(system_roots(), "")) > 50


def test_a_token_of_another_time_is_not_taken(tsa: Tsa) -> None:
    for other in (now() + timedelta(hours=2), now() - timedelta(hours=2)):
        with pytest.raises(SystemFailureError, match="this machine's clock says"):
            request_token(tsa.url, HEAD, NONCE, other)
