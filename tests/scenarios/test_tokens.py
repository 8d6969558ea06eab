"""Time-stamping tokens, as a user meets them: beside a real `openssl ts -reply`, and judged by `openssl ts -verify`."""

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from time import monotonic, sleep

import pytest
import requests

from notary.core.rfc3161 import request_for
from notary.localnet.authority import Authority
from notary.localnet.calendar import LocalNetwork
from tests.conftest import Notary, Result
from tests.independent.steps import Files
from tests.parties.bitcoind import Bitcoind
from tests.parties.tsa import ROOT, SIGNER, Certificates, Holder, Tsa, openssl, verifies
from tests.scenarios.bundles import LOCAL, altered, checks, exported, failed, file_of, stamped

REGTEST = ("--network", "regtest", "--no-not-before")
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class World:
    """A real authority, and its root."""

    certificates: Certificates
    root: Holder
    signer: Holder

    def answer(self, query: bytes) -> bytes:
        return self.certificates.reply(query, self.signer)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    certificates = Certificates(tmp_path_factory.mktemp("tsa"))
    root = certificates.issue("Root", ROOT)
    return World(certificates, root, certificates.issue("Signer", SIGNER, root))


@pytest.fixture
def tsa(world: World) -> Iterator[Tsa]:
    with Tsa(world.answer) as running:
        yield running


class Submissions:
    """What the embedded calendar was ever given."""

    def __init__(self, folder: Path) -> None:
        (self._state,) = (path for path in folder.iterdir() if path.read_bytes().startswith(b"SQLite"))

    def __len__(self) -> int:
        with sqlite3.connect(self._state) as database:
            found: int = database.execute("SELECT count(*) FROM commitments").fetchone()[0]
        return found


@pytest.fixture
def submissions(local_network: LocalNetwork, tmp_path: Path) -> Submissions:
    return Submissions(tmp_path / "network")


def stamp(notary: Notary, network: LocalNetwork, authority: str, *paths: str | Path) -> Result:
    return notary("stamp", *paths, *REGTEST, "--calendar", network.uri, "--tsa", authority, "--json")


def attested(notary: Notary, network: LocalNetwork, batch: str, target: Path) -> Path:
    network.mine()
    with sqlite3.connect(notary.environment["NOTARY_LEDGER"]) as ledger:
        ledger.execute("DELETE FROM fetches")  # as if a minute had gone by
    node = network.address.replace("://", "://notary:notary@")
    done = notary("upgrade", batch, "--node", node, "--calendar", network.uri, "--json")
    assert done.code == 0, done.err
    return exported(notary, batch, target)


def verify(notary: Notary, bundle: Path, *more: str | Path) -> Result:
    return notary("verify", bundle, "--network", "regtest", "--offline", *more, "--json")


def head_of(bundle: Path) -> bytes:
    return file_of(bundle, "notary/head.ots")[33:65]


@pytest.fixture
def bundle(notary: Notary, evidence: Path, tmp_path: Path, local_network: LocalNetwork, tsa: Tsa) -> Path:
    batch = stamp(notary, local_network, tsa.url, evidence).json["batch"]
    return attested(notary, local_network, batch, tmp_path / "bundle.zip")


# -- the whole way --------------------------------------------------------------------------------------------------


def test_a_real_authority(notary: Notary, bundle: Path, tsa: Tsa, world: World) -> None:
    token, head = file_of(bundle, "notary/head.tsr"), head_of(bundle)
    assert verifies(token, head, world.root.certificate)
    ((content_type, request),) = tsa.requests
    assert content_type == "application/timestamp-query"
    told = openssl("ts", "-query", "-in", "/dev/stdin", "-text", data=request).decode()
    assert "Certificate required: yes" in told
    assert "Nonce: unspecified" not in told
    assert head.hex() in "".join(one[11:59] for one in told.splitlines()).replace(" ", "").replace("-", "")

    without = verify(notary, bundle)
    assert (without.code, checks(without)[9]) == (0, "skipped")
    assert without.json["token"]["root"] is None
    told_plainly = notary("verify", bundle, "--network", "regtest", "--offline").out
    assert "whose it is was not checked" in told_plainly
    good = verify(notary, bundle, "--tsa-roots", world.root.certificate)
    assert (good.code, checks(good)[9]) == (0, "passed")
    assert "Root" in good.json["token"]["root"]
    assert good.json["token"]["roots_from"] == str(world.root.certificate)


def test_the_embedded_authority(notary: Notary, evidence: Path, tmp_path: Path) -> None:
    bundle = exported(notary, stamped(notary, evidence, "--tsa", "local"), tmp_path / "a.zip")
    (pem,) = (tmp_path / "ledger").rglob("authority.pem")
    root = tmp_path / "root.pem"
    root.write_text(pem.read_text().partition("-----END CERTIFICATE-----\n")[0] + "-----END CERTIFICATE-----\n")
    assert verifies(file_of(bundle, "notary/head.tsr"), head_of(bundle), root)
    verified = notary("verify", bundle, *LOCAL, "--offline", "--tsa-roots", root, "--json")
    assert (verified.code, checks(verified)[9]) == (0, "passed")


@pytest.mark.parametrize("address", ["local", "ftp://a.example", "x", "https://user:secret@a.example", ""])
def test_an_address_that_is_none(notary: Notary, evidence: Path, address: str) -> None:
    refused = notary("stamp", evidence, *REGTEST, "--calendar", NOWHERE, "--tsa", address)
    assert refused.code == 2
    assert "secret" not in refused.err
    assert notary("stamp", evidence, *LOCAL, "--tsa", "https://a.example").code == 2
    assert notary("status", "--json").json["batches"] == []


def test_the_line_in_verify_txt_is_what_openssl_takes(bundle: Path, world: World, tmp_path: Path) -> None:
    shutil.unpack_archive(bundle, tmp_path / "out")
    (bag,) = (tmp_path / "out").iterdir()
    text = (bag / "VERIFY.txt").read_text()
    lines = [line.strip() for line in text.replace("\\\n", " ").splitlines() if "openssl ts -verify" in line]
    assert lines
    shutil.copy(world.root.certificate, bag / "roots.pem")
    surroundings = {**os.environ, "HEAD": head_of(bundle).hex()}
    for line in lines:
        done = subprocess.run(["sh", "-c", line], cwd=bag, env=surroundings, capture_output=True, check=False)
        assert b"Verification: OK" in done.stdout, (line, done.stderr)


@pytest.mark.bitcoind
def test_the_reference_client_takes_the_proofs(
    notary: Notary,
    evidence: Path,
    tmp_path: Path,
    local_network: LocalNetwork,
    tsa: Tsa,
    bitcoind: Callable[[], Bitcoind],
) -> None:
    ots, node = Path(sys.executable).with_name("ots"), bitcoind()
    batch = stamp(notary, local_network, tsa.url, evidence).json["batch"]
    bundle = attested(notary, local_network, batch, tmp_path / "a.zip")
    node.feed(local_network)
    shutil.unpack_archive(bundle, tmp_path / "out")
    (bag,) = (tmp_path / "out").iterdir()
    command: list[str | Path] = [ots, "--btc-regtest", "--no-cache", "--bitcoin-node", node.url_with_login]
    for proof in sorted((bag / "proofs").rglob("*.ots")):
        file = bag / "data" / proof.relative_to(bag / "proofs").with_suffix("")
        checked = subprocess.run([*command, "verify", "-f", file, proof], capture_output=True, text=True, check=False)
        assert "Success!" in checked.stderr, checked.stderr
    head = bag / "notary" / "head.ots"
    checked = subprocess.run(
        [*command, "verify", "-d", head_of(bundle).hex(), head], capture_output=True, text=True, check=False
    )
    assert "Success!" in checked.stderr, checked.stderr
    shown = subprocess.run([*command, "info", head], capture_output=True, text=True, check=True).stdout
    assert f"append {hashlib.sha256((bag / 'notary' / 'head.tsr').read_bytes()).hexdigest()}" in shown


# -- an authority that is down --------------------------------------------------------------------------------------


def test_no_authority_no_submission(
    notary: Notary, evidence: Path, tmp_path: Path, local_network: LocalNetwork, submissions: Submissions, tsa: Tsa
) -> None:
    tsa.status = 503
    waiting = stamp(notary, local_network, tsa.url, evidence)
    assert (waiting.code, waiting.json["status"]) == (3, "queued")
    assert waiting.json["token"] == {"authority": tsa.url, "obtained": False}
    assert "503" in waiting.err
    batch = waiting.json["batch"]
    assert len(submissions) == 0, "a calendar was asked before there was a token"
    again = notary("upgrade", batch, "--calendar", local_network.uri)
    assert (again.code, len(submissions)) == (3, 0)
    assert notary("export", batch, "-o", "x.zip").code == 3
    tsa.status = 200
    assert notary("upgrade", batch, "--calendar", local_network.uri).code == 3, "submitted, and not yet attested"
    assert len(submissions) == 1
    bundle = attested(notary, local_network, batch, tmp_path / "a.zip")
    assert len(submissions) == 1
    assert checks(verify(notary, bundle))[9] == "skipped"
    assert verify(notary, bundle).json["token"] is not None


def test_going_on_without(
    notary: Notary, evidence: Path, tmp_path: Path, local_network: LocalNetwork, submissions: Submissions
) -> None:
    waiting = stamp(notary, local_network, NOWHERE, evidence)
    assert (waiting.code, len(submissions)) == (3, 0)
    batch = waiting.json["batch"]
    assert notary("upgrade", batch, "--without-token").code == 3
    assert len(submissions) == 1
    bundle = attested(notary, local_network, batch, tmp_path / "a.zip")
    result = verify(notary, bundle)
    assert (result.code, result.json["token"]) == (0, None)
    kinds = [event["kind"] for event in notary("status", batch, "--json").json["batches"][0]["events"]]
    assert "token forgone" in kinds


def test_a_token_is_not_given_up_once_it_is_there(
    notary: Notary, bundle: Path, evidence: Path, local_network: LocalNetwork, tmp_path: Path
) -> None:
    (batch,) = notary("status", "--json").json["batches"]
    assert notary("upgrade", batch["batch"], "--without-token").code == 0
    again = exported(notary, batch["batch"], tmp_path / "again.zip")
    assert again.read_bytes() == bundle.read_bytes()


ANSWERS: dict[str, Callable[[World, bytes], bytes]] = {
    "nothing": lambda world, query: b"",
    "HTML": lambda world, query: b"<html>\x1b[2JPlease log in</html>",
    "a refusal": lambda world, query: world.certificates.reply(query, world.signer, digests="sha512"),
    "over another imprint": lambda world, query: world.answer(request_for(bytes(32), 7)),
    "another nonce": lambda world, query: world.answer(query[:-5] + bytes(2) + query[-3:]),
    "cut": lambda world, query: world.answer(query)[:-1],
    "longer": lambda world, query: world.answer(query) + b"\0",
    "oversized": lambda world, query: world.answer(query).ljust(70_000, b"\0"),
    "garbage": lambda world, query: Random(1).randbytes(3000),  # noqa: S311 - repeatable
}


@pytest.mark.parametrize("how", ANSWERS)
def test_an_answer_that_is_no_token_for_it(
    notary: Notary, evidence: Path, local_network: LocalNetwork, world: World, submissions: Submissions, how: str
) -> None:
    with Tsa(lambda query: ANSWERS[how](world, query)) as liar:
        waiting = stamp(notary, local_network, liar.url, evidence)
    assert (waiting.code, waiting.json["status"], len(submissions)) == (3, "queued", 0)
    assert waiting.json["token"]["obtained"] is False
    assert "\x1b" not in waiting.err


# -- killed in between ------------------------------------------------------------------------------------------------


@contextmanager
def gate(network: LocalNetwork) -> Iterator[tuple[str, threading.Event, threading.Event]]:
    """A calendar before the embedded one: its address, what lets requests through, and whether one has come."""
    may_pass, has_come = threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            has_come.set()
            if not may_pass.wait(15):
                return
            answer = requests.post(network.address + self.path, data=body, timeout=10)
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", may_pass, has_come
    finally:
        may_pass.set()
        server.shutdown()
        server.server_close()


def kill_once(process: "subprocess.Popen[str]", has_come: Callable[[], bool]) -> None:
    end = monotonic() + 30
    while not has_come():
        assert process.poll() is None, process.communicate()
        assert monotonic() < end
        sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=20)


def test_kill_9_between_token_and_submission(
    notary: Notary, evidence: Path, tmp_path: Path, local_network: LocalNetwork, submissions: Submissions, tsa: Tsa
) -> None:
    with gate(local_network) as (calendar, may_pass, has_come):
        process = notary.start("stamp", evidence, *REGTEST, "--calendar", calendar, "--tsa", tsa.url)
        kill_once(process, has_come.is_set)
        (batch,) = notary("status", "--json").json["batches"]
        assert batch["status"] == "queued"
        assert len(submissions) == 0
        may_pass.set()
        assert notary("upgrade", batch["batch"], "--calendar", local_network.uri).code == 3
    assert len(tsa.requests) == 1, "the token was thrown away"
    bundle = attested(notary, local_network, batch["batch"], tmp_path / "a.zip")
    assert verify(notary, bundle).code == 0
    assert verify(notary, bundle).json["token"] is not None


def test_kill_9_while_the_authority_is_asked(
    notary: Notary, evidence: Path, tmp_path: Path, local_network: LocalNetwork, submissions: Submissions, world: World
) -> None:
    may_pass = threading.Event()

    def slow(query: bytes) -> bytes:
        may_pass.wait(15)
        return world.answer(query)

    with Tsa(slow) as tsa:
        process = notary.start("stamp", evidence, *REGTEST, "--calendar", local_network.uri, "--tsa", tsa.url)
        kill_once(process, lambda: bool(tsa.requests))
        may_pass.set()
        (batch,) = notary("status", "--json").json["batches"]
        assert (batch["status"], len(submissions)) == ("queued", 0)
        upgrades = [notary.start("upgrade", batch["batch"], "--calendar", local_network.uri) for _ in range(3)]
        for one in upgrades:
            one.communicate(timeout=60)
    assert len(submissions) >= 1
    bundle = attested(notary, local_network, batch["batch"], tmp_path / "a.zip")
    result = verify(notary, bundle, "--tsa-roots", world.root.certificate)
    assert (result.code, checks(result)[9]) == (0, "passed")


@pytest.mark.parametrize("seed", range(3))
def test_kill_9_at_any_moment(
    notary: Notary, evidence: Path, tmp_path: Path, local_network: LocalNetwork, tsa: Tsa, seed: int
) -> None:
    moments = Random(seed)  # noqa: S311 - repeatable, not secret
    process = notary.start("stamp", evidence, *REGTEST, "--calendar", local_network.uri, "--tsa", tsa.url)
    try:
        process.communicate(timeout=moments.uniform(0.5, 1.4))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=20)
    batches = notary("status", "--json").json["batches"]
    if not batches:
        assert stamp(notary, local_network, tsa.url, evidence).code == 0
        batches = notary("status", "--json").json["batches"]
    notary("upgrade", "--calendar", local_network.uri)
    bundle = attested(notary, local_network, batches[0]["batch"], tmp_path / "a.zip")
    assert verify(notary, bundle).code == 0
    assert verify(notary, bundle).json["token"] is not None


# -- not sound ------------------------------------------------------------------------------------------------------


SWAPPED: dict[str, tuple[Callable[[World, bytes, bytes], bytes], set[int]]] = {
    "for another over the same head": (lambda world, head, token: world.answer(request_for(head, 9)), {9}),
    "for one over another head": (lambda world, head, token: world.answer(request_for(bytes(32), 9)), {9}),
    "for garbage": (lambda world, head, token: Random(1).randbytes(900), {9}),  # noqa: S311 - repeatable
    "for nothing": (lambda world, head, token: b"", {9}),
    "for a shorter one": (lambda world, head, token: token[:-1], {9}),
    "for a longer one": (lambda world, head, token: token + b"\0", {9}),
    "for an oversized one": (lambda world, head, token: token.ljust(65_537, b"\0"), {1}),
}


@pytest.mark.parametrize("how", SWAPPED)
def test_an_exchanged_token(notary: Notary, bundle: Path, world: World, tmp_path: Path, how: str) -> None:
    change, expected = SWAPPED[how]

    def swap(files: Files) -> None:
        files["notary/head.tsr"] = change(world, head_of(bundle), files["notary/head.tsr"])

    result = verify(notary, altered(bundle, tmp_path / "forged.zip", swap), "--tsa-roots", world.root.certificate)
    assert (result.code, failed(result)) == (1, expected)
    assert result.json["token"] is None


def test_a_token_that_was_taken_away_claims_nothing(notary: Notary, bundle: Path, tmp_path: Path, world: World) -> None:
    """What is left is a sound proof by the block alone, and says no more than that."""
    forged = altered(bundle, tmp_path / "forged.zip", lambda files: files.pop("notary/head.tsr"))
    result = verify(notary, forged, "--tsa-roots", world.root.certificate)
    assert (result.code, result.json["token"], checks(result)[9]) == (0, None, "skipped")


def test_another_root(notary: Notary, bundle: Path, world: World, tmp_path: Path) -> None:
    stranger = world.certificates.issue("Root", ROOT)
    result = verify(notary, bundle, "--tsa-roots", stranger.certificate)
    assert (result.code, failed(result), result.json["token"]) == (1, {9}, None)
    for content in (b"", b"no certificate", world.root.certificate.read_bytes()[:-40]):
        (tmp_path / "roots.pem").write_bytes(content)
        assert verify(notary, bundle, "--tsa-roots", "roots.pem").code == 2


def test_a_certificate_that_expires(
    notary: Notary, evidence: Path, tmp_path: Path, local_network: LocalNetwork, world: World
) -> None:
    """It is valid until after the block, and so for ever; openssl has to be told when it is to be judged."""
    signer = world.certificates.issue("Short", SIGNER, world.root, ends=timedelta(hours=4))
    with Tsa(lambda query: world.certificates.reply(query, signer)) as tsa:
        batch = stamp(notary, local_network, tsa.url, evidence).json["batch"]
    bundle = attested(notary, local_network, batch, tmp_path / "a.zip")
    token, head = file_of(bundle, "notary/head.tsr"), head_of(bundle)
    result = verify(notary, bundle, "--tsa-roots", world.root.certificate)
    assert (result.code, checks(result)[9]) == (0, "passed")
    (check,) = (one for one in result.json["checks"] if one["number"] == 9)
    assert f"valid until {result.json['token']['certificate_expires']}; block" in check["found"]
    at = int(datetime.fromisoformat(result.json["token"]["time"]).timestamp())
    assert verifies(token, head, world.root.certificate, "-attime", str(at))
    assert not verifies(token, head, world.root.certificate, "-attime", str(at + 5 * 3600))


def authority_ahead(folder: Path, ahead: timedelta) -> Authority:
    authority = Authority(folder / "authority.pem", lambda: datetime.now(UTC) + ahead, os.urandom)
    (folder / "roots.pem").write_bytes(authority.root)
    return authority


def test_a_clock_that_is_a_little_ahead_of_the_block(
    notary: Notary, evidence: Path, tmp_path: Path, local_network: LocalNetwork
) -> None:
    with Tsa(authority_ahead(tmp_path, timedelta(minutes=50)).answer) as tsa:
        batch = stamp(notary, local_network, tsa.url, evidence).json["batch"]
    bundle = attested(notary, local_network, batch, tmp_path / "a.zip")
    assert verify(notary, bundle, "--tsa-roots", "roots.pem").code == 0


@pytest.mark.parametrize("ahead", [timedelta(hours=5), timedelta(days=-30)])
def test_a_token_that_would_spoil_the_batch_is_not_sealed(
    notary: Notary, evidence: Path, tmp_path: Path, local_network: LocalNetwork, ahead: timedelta
) -> None:
    with Tsa(authority_ahead(tmp_path, ahead).answer) as tsa:
        result = stamp(notary, local_network, tsa.url, evidence)
    assert (result.code, result.json["status"]) == (3, "queued")
    assert "this machine's clock says" in result.err


# -- tokens that are there already ------------------------------------------------------------------------------------


def write_token(world: World, file: Path, target: Path, hash_name: str = "sha256") -> Path:
    """`openssl ts -query` and `-reply`, over a file."""
    query = openssl("ts", "-query", "-data", file, f"-{hash_name}", "-cert")
    target.write_bytes(world.certificates.reply(query, world.signer, digests="sha1, sha256, sha384, sha512"))
    return target


def test_import(notary: Notary, evidence: Path, tmp_path: Path, world: World) -> None:
    beside = write_token(world, evidence / "recipe.txt", evidence / "recipe.txt.tsr", "sha384")
    apart = write_token(world, evidence / "drawing.svg", tmp_path / "other.tsr", "sha512")
    again = write_token(world, evidence / "drawing.svg", tmp_path / "again.tsr")
    roots = ("--tsa-roots", world.root.certificate)
    done = notary("import", beside, apart, again, evidence / "drawing.svg", *LOCAL, *roots, "--json")
    assert done.code == 0, done.err
    assert done.json["items"] == 5
    assert {(one["imprint_algorithm"], Path(one["file"]).name) for one in done.json["tokens"]} == {
        ("sha384", "recipe.txt"),
        ("sha512", "drawing.svg"),
        ("sha256", "drawing.svg"),
    }
    assert all("Root" in one["root"] for one in done.json["tokens"])
    assert notary("upgrade", done.json["batch"]).code == 0
    bundle = exported(notary, done.json["batch"], tmp_path / "a.zip")
    assert notary("verify", bundle, *LOCAL, "--offline").code == 0


def test_import_says_that_nobody_vouches(notary: Notary, evidence: Path, world: World) -> None:
    beside = write_token(world, evidence / "recipe.txt", evidence / "recipe.txt.tsr")
    done = notary("import", beside, *LOCAL, "--json")
    assert (done.code, done.json["tokens"][0]["root"]) == (0, None)
    assert "whose it is was not checked" in notary("import", beside, *LOCAL).out


def imports(notary: Notary, *arguments: str | Path) -> tuple[int, str]:
    done = notary("import", *arguments, *LOCAL)
    assert notary("status", "--json").json["batches"] == []
    return done.code, done.err


def test_import_refuses_what_does_not_fit(notary: Notary, evidence: Path, tmp_path: Path, world: World) -> None:
    recipe, drawing = evidence / "recipe.txt", evidence / "drawing.svg"
    token = write_token(world, recipe, tmp_path / "one.tsr")
    assert imports(notary, token)[0] == 2, "its file is not named"
    assert imports(notary, token, drawing)[0] == 2, "another file"
    assert imports(notary, token, recipe, drawing)[0] == 2, "a file without a token"
    assert imports(notary, recipe)[0] == 2, "no token"
    assert imports(notary, token, tmp_path / "gone")[0] == 2
    assert imports(notary, tmp_path / "gone.tsr")[0] == 2
    assert imports(notary, token, recipe, "--tsa-roots", world.certificates.issue("X", ROOT).certificate)[0] == 1
    assert imports(notary, token, recipe, "--tsa-roots", "gone")[0] == 2
    before = recipe.read_bytes()
    recipe.write_bytes(before + b"\n")
    assert imports(notary, token, recipe)[0] == 2, "the file has changed"
    recipe.write_bytes(before)
    sha1 = write_token(world, recipe, tmp_path / "sha1.tsr", "sha1")
    code, told = imports(notary, sha1, recipe)
    assert code == 2
    assert "sha1" in told
    good = token.read_bytes()
    for content in (b"", good[:-1], good + b"\0", b"\x30\x80" * 9000, bytes(70_000), json.dumps({}).encode()):
        token.write_bytes(content)
        assert imports(notary, token, recipe)[0] == 2
    at = good.rindex(good[-1:])
    token.write_bytes(good[:at] + bytes([good[at] ^ 1]))
    assert imports(notary, token, recipe)[0] in (1, 2), "its signature was altered"
