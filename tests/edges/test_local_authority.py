"""The embedded network's time-stamping authority: openssl takes every token, and its requests are answered."""

import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from threading import Barrier

import pytest
import requests

from notary import limits
from notary.core.rfc3161 import read_roots, read_token, request_for, verify_token
from notary.edges.authority import request_token
from notary.errors import FormatError
from notary.localnet.authority import POLICY, VALID_FROM, VALID_TO, Authority
from notary.localnet.calendar import LocalNetwork, running
from tests.conftest import now
from tests.parties.tsa import openssl, query, verifies

HEAD = bytes(range(32))
SECOND = timedelta(seconds=1)


def authority(folder: Path) -> Authority:
    return Authority(folder / "authority.pem", now, os.urandom)


@pytest.fixture
def root(local_network: LocalNetwork, tmp_path: Path) -> Path:
    path = tmp_path / "root.pem"
    path.write_bytes(local_network.tsa_root)
    return path


def test_over_http(local_network: LocalNetwork, root: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    response = request_token(local_network.tsa_url, HEAD, 7, now())
    token = verify_token(response, HEAD, read_roots(root.read_bytes(), "root.pem"), nonce=7, policy=POLICY).token
    assert verifies(response, HEAD, root)
    assert before <= token.gen_time <= datetime.now(UTC)
    assert token.gen_time.microsecond == 0
    assert token.accuracy == 1


@pytest.mark.parametrize("options", [(), ("-no_nonce",), ("-tspolicy", POLICY)])
def test_requests_of_openssl(local_network: LocalNetwork, root: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    asked = query(HEAD, *options)
    answer = requests.post(local_network.tsa_url, data=asked, timeout=10)
    assert answer.headers["Content-Type"] == "application/timestamp-reply"
    (tmp_path / "query").write_bytes(asked)
    (tmp_path / "response").write_bytes(answer.content)
    told = openssl("ts", "-verify", "-queryfile", tmp_path / "query", "-in", tmp_path / "response", "-CAfile", root)
    assert told == b"Verification: OK\n"


def test_without_a_certificate(tmp_path: Path) -> None:
    """Whoever does not ask for the certificate does not get it; openssl can be given it by hand."""
    one = authority(tmp_path)
    response = one.answer(openssl("ts", "-query", "-digest", HEAD.hex(), "-sha256"))
    with pytest.raises(FormatError, match="certificate"):
        read_token(response)
    assert read_token(one.answer(request_for(HEAD, None))).signer not in response


@pytest.mark.parametrize(
    ("request_bytes", "why"),
    [
        (b"", "not well-formed"),
        (b"\x30\x00", "not well-formed"),
        (request_for(HEAD, 1) + b"\0", "not well-formed"),
        (request_for(HEAD, 1)[:-1], "not well-formed"),
        (bytes(limits.TOKEN_BYTES + 1), "not well-formed"),
        (request_for(HEAD[1:], 1), "does not know the digest algorithm"),
        (("-sha512", HEAD.hex() * 2), "does not know the digest algorithm"),
        (("-sha256", HEAD.hex(), "-tspolicy", "1.2.3"), "does not follow the policy"),
    ],
)
def test_requests_that_it_refuses(tmp_path: Path, request_bytes: bytes | tuple[str, ...], why: str) -> None:
    if isinstance(request_bytes, tuple):
        digest, value, *options = request_bytes
        request_bytes = openssl("ts", "-query", digest, "-digest", value, "-cert", *options)
    response = authority(tmp_path).answer(request_bytes)
    with pytest.raises(FormatError, match=why):
        read_token(response)
    assert b"Status: Rejected." in openssl("ts", "-reply", "-in", "/dev/stdin", "-text", data=response)


def test_all_of_a_requests_bytes_matter(tmp_path: Path) -> None:
    one = authority(tmp_path)
    sound = request_for(HEAD, 2**64 - 1)
    for at in range(len(sound)):
        changed = bytearray(sound)
        changed[at] ^= 0x11
        try:
            token = read_token(one.answer(bytes(changed)))
        except FormatError:
            continue
        assert (token.imprint, token.nonce) != (HEAD, 2**64 - 1)


@pytest.mark.parametrize("moment", [VALID_FROM, datetime(2031, 5, 6, 7, 8, 9, 999_999, tzinfo=UTC), VALID_TO - SECOND])
def test_any_clock(tmp_path: Path, moment: datetime) -> None:
    zone = moment.astimezone(None)
    one = Authority(tmp_path / "authority.pem", lambda: zone, os.urandom)
    response = one.answer(request_for(HEAD, 1))
    trusted = verify_token(response, HEAD, read_roots(one.root, "root.pem"))
    assert trusted.token.gen_time == moment.replace(microsecond=0)
    (tmp_path / "root.pem").write_bytes(one.root)
    assert verifies(response, HEAD, tmp_path / "root.pem", "-attime", str(int(moment.timestamp())))


def test_serial_numbers_are_unique(tmp_path: Path) -> None:
    one = authority(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda _: read_token(one.answer(request_for(HEAD, 1))), range(200)))
    assert len({token.serial for token in tokens}) == len(tokens)


def test_a_later_run_has_the_same_root(tmp_path: Path) -> None:
    roots = set()
    for _ in range(2):
        with running(tmp_path / "network", now, os.urandom) as network:
            roots.add(network.tsa_root)
            verify_token(request_token(network.tsa_url, HEAD, 1, now()), HEAD, read_roots(network.tsa_root, ""))
    assert len(roots) == 1


def test_runs_that_begin_at_once_agree(tmp_path: Path) -> None:
    together = Barrier(16)

    def root_of(folder: Path) -> bytes:
        together.wait(10)
        return authority(folder).root

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(root_of, repeat(tmp_path, 16)))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["authority.pem"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_the_key_is_the_users_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        _ = authority(tmp_path).root
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "authority.pem").stat().st_mode) == 0o600


def test_nothing_is_made_before_it_is_asked_for(tmp_path: Path) -> None:
    with running(tmp_path / "network", now, os.urandom) as network:
        assert not (tmp_path / "network" / "authority.pem").exists()
        assert network.tsa_url.startswith("http://127.0.0.1:")


def test_the_root_can_issue_nothing_more(tmp_path: Path) -> None:
    """Its key is nowhere: the one key in the file is the signer's."""
    one = authority(tmp_path)
    path = tmp_path / "authority.pem"
    signer = read_token(one.answer(request_for(HEAD, 1))).signer
    kept = openssl("pkey", "-in", path, "-pubout")
    assert openssl("x509", "-inform", "DER", "-noout", "-pubkey", data=signer) == kept
    assert openssl("x509", "-noout", "-pubkey", data=one.root) != kept
    assert path.read_bytes().count(b"PRIVATE KEY") == 2


def test_another_second(tmp_path: Path) -> None:
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]
    one = Authority(tmp_path / "authority.pem", lambda: clock[0], os.urandom)
    first = read_token(one.answer(request_for(HEAD, 1))).gen_time
    clock[0] += SECOND
    assert read_token(one.answer(request_for(HEAD, 1))).gen_time - first == SECOND
