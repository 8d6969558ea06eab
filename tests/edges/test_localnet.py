"""The embedded network: its calendar speaks the protocol, its blocks are real, two processes share its state."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

import pytest
import requests
from bitcoin.core import CBlock, b2lx, lx
from opentimestamps.core.notary import BitcoinBlockHeaderAttestation, PendingAttestation
from opentimestamps.core.serialize import BytesDeserializationContext
from opentimestamps.core.timestamp import Timestamp

from notary.core.header import CONFIRMATIONS, NETWORKS, Header, has_work, linked
from notary.core.ots import Attestation, Kind, read_timestamp
from notary.localnet.calendar import LocalNetwork, running
from notary.localnet.chain import GENESIS_HEADER, MATURITY, funding_blocks
from tests.conftest import now

LOCAL = NETWORKS["local"]


def digest(number: int) -> bytes:
    return sha256(b"%d" % number).digest()


def submitted(address: str, number: int) -> tuple[bytes, Attestation]:
    """A digest's timestamp over HTTP, and the promise in it."""
    answer = requests.post(f"{address}/digest", data=digest(number), timeout=10)
    assert answer.status_code == 200
    (pending,) = read_timestamp(answer.content, digest(number))
    assert pending.kind is Kind.PENDING
    return answer.content, pending


def looked_up(address: str, commitment: bytes) -> requests.Response:
    return requests.get(f"{address}/timestamp/{commitment.hex()}", timeout=10)


def call(address: str, method: object, *parameters: object) -> dict[str, object]:
    answer = requests.post(address, json={"method": method, "params": parameters}, timeout=10).json()
    assert isinstance(answer, dict)
    return answer


def check_chain(network: LocalNetwork) -> list[CBlock]:
    """All blocks: each follows the one before, has work, and holds the transactions that it says."""
    raw = network.blocks()
    blocks = [CBlock.deserialize(one) for one in raw]
    headers = tuple(Header(data) for data in (GENESIS_HEADER, *(one[:80] for one in raw)))
    assert linked(headers) == headers
    assert all(has_work(header, LOCAL) for header in headers)
    for block in blocks:
        assert block.calc_merkle_root() == block.hashMerkleRoot
        assert block.vtx[0].is_coinbase()
    # A clock must be later than the median of the eleven before it (Bitcoin Core: ContextualCheckBlockHeader).
    times = [header.time for header in headers]
    for height in range(1, len(times)):
        recent = sorted(times[max(0, height - 11) : height])
        assert times[height] > recent[len(recent) // 2]
    return blocks


# -- the calendar ---------------------------------------------------------------------------------------------------


def test_a_promise_and_how_it_is_kept(local_network: LocalNetwork) -> None:
    timestamp, pending = submitted(local_network.address, 1)
    assert pending.uri == local_network.uri
    waiting = looked_up(local_network.address, pending.message)
    assert (waiting.status_code, waiting.text) == (404, "Pending confirmation in Bitcoin blockchain")
    assert local_network.mine() == MATURITY + 1
    kept = looked_up(local_network.address, pending.message)
    assert kept.status_code == 200
    (attested,) = read_timestamp(kept.content, pending.message)
    assert (attested.kind, attested.height) == (Kind.BITCOIN, MATURITY + 1)
    assert looked_up(local_network.address, pending.message).content == kept.content
    # The reference library comes to the same, and the block that it names has that merkle root.
    read = Timestamp.deserialize(BytesDeserializationContext(timestamp), digest(1))
    ((message, promise),) = read.all_attestations()
    assert (message, promise) == (pending.message, PendingAttestation(local_network.uri))
    upgraded = Timestamp.deserialize(BytesDeserializationContext(kept.content), message)
    ((root, attestation),) = upgraded.all_attestations()
    assert attestation == BitcoinBlockHeaderAttestation(MATURITY + 1)
    block = check_chain(local_network)[MATURITY]
    assert root == attested.message == block.hashMerkleRoot
    assert attestation.verify_against_blockheader(root, block.get_header()) == block.nTime


def test_many_digests_share_a_block(local_network: LocalNetwork) -> None:
    with ThreadPoolExecutor(8) as pool:
        promises = list(pool.map(lambda number: submitted(local_network.address, number)[1], range(40)))
    assert len({promise.message for promise in promises}) == 40
    height = local_network.mine()
    blocks = check_chain(local_network)
    assert height == MATURITY + 1
    assert len(blocks) == MATURITY + CONFIRMATIONS
    for promise in promises:
        (attested,) = read_timestamp(looked_up(local_network.address, promise.message).content, promise.message)
        assert (attested.height, attested.message) == (height, blocks[height - 1].hashMerkleRoot)


def test_the_same_digest_twice_is_two_promises(local_network: LocalNetwork) -> None:
    assert submitted(local_network.address, 1)[1].message != submitted(local_network.address, 1)[1].message


def test_nothing_to_mine(local_network: LocalNetwork) -> None:
    assert local_network.mine() is None
    submitted(local_network.address, 1)
    assert local_network.mine() == MATURITY + 1
    assert local_network.mine() is None
    submitted(local_network.address, 2)
    assert local_network.mine() == MATURITY + CONFIRMATIONS + 1
    assert len(check_chain(local_network)) == MATURITY + 2 * CONFIRMATIONS


@pytest.mark.parametrize(
    "path", ["/timestamp/" + "00" * 32, "/timestamp/", "/timestamp/zz", "/timestamp/0", "/timestamp/" + "00" * 5000]
)
def test_commitments_that_nobody_made(local_network: LocalNetwork, path: str) -> None:
    answer = requests.get(local_network.address + path, timeout=10)
    assert (answer.status_code, answer.text) == (404, "Commitment not found")


@pytest.mark.parametrize("path", ["/", "/digest", "/timestamp", "/x/" + "00" * 32, "/timestamp/x/" + "00" * 32])
def test_other_paths(local_network: LocalNetwork, path: str) -> None:
    assert requests.get(local_network.address + path, timeout=10).status_code == 404
    if path not in ("/", "/digest"):
        assert requests.post(local_network.address + path, data=digest(1), timeout=10).status_code == 404


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64, 65_536])
def test_a_digest_has_32_bytes(local_network: LocalNetwork, size: int) -> None:
    assert requests.post(f"{local_network.address}/digest", data=bytes(size), timeout=10).status_code == 400
    assert local_network.mine() is None


def test_a_body_that_is_too_long_or_has_no_length(local_network: LocalNetwork) -> None:
    host, _, port = local_network.address.removeprefix("http://").partition(":")
    for length in (
        "Content-Length: 65537",
        "Content-Length: -1",
        "Content-Length: x",
        "Transfer-Encoding: chunked",
        "A: b",
    ):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(f"POST /digest HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n".encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
    assert submitted(local_network.address, 1)


# -- the node -------------------------------------------------------------------------------------------------------


def test_it_answers_as_a_node(local_network: LocalNetwork) -> None:
    submitted(local_network.address, 1)
    local_network.mine()
    blocks = check_chain(local_network)
    info = call(local_network.address, "getblockchaininfo")["result"]
    assert info == {"chain": "regtest", "blocks": len(blocks)}
    for height in (1, 50, len(blocks)):
        name = call(local_network.address, "getblockhash", height)["result"]
        assert name == b2lx(blocks[height - 1].GetHash())
        header = call(local_network.address, "getblockheader", name, False)["result"]
        assert header == blocks[height - 1].get_header().serialize().hex()
    genesis = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
    assert call(local_network.address, "getblockhash", 0)["result"] == genesis


@pytest.mark.parametrize("parameters", [(107,), (-1,), ("x",), (), (None,), ([],), ({},), (1.5,)])
def test_a_height_that_is_none(local_network: LocalNetwork, parameters: tuple[object, ...]) -> None:
    answer = call(local_network.address, "getblockhash", *parameters)
    assert answer["result"] is None
    assert answer["error"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"5", b"null", b"{}", b'{"method": "getblockhash"}', b"\xff", b"[" * 60_000]
)
def test_calls_that_are_none(local_network: LocalNetwork, capfd: pytest.CaptureFixture[str], body: bytes) -> None:
    answer = requests.post(local_network.address, data=body, timeout=10)
    assert answer.status_code == 500
    assert answer.json()["error"]
    assert "Traceback" not in capfd.readouterr().err


# -- the chain ------------------------------------------------------------------------------------------------------


def test_funding_blocks_are_the_same_always() -> None:
    blocks = funding_blocks()
    assert len(blocks) == MATURITY
    assert [block.serialize() for block in blocks] == [block.serialize() for block in funding_blocks()]
    previous = lx("0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206")
    for block in blocks:
        assert block.hashPrevBlock == previous
        assert int.from_bytes(block.GetHash(), "little") <= 0x7FFFFF << 232
        previous = block.GetHash()


def test_every_transaction_spends_another_coinbase(local_network: LocalNetwork) -> None:
    for number in range(20):
        submitted(local_network.address, number)
        local_network.mine()
    blocks = check_chain(local_network)
    coinbases = {block.vtx[0].GetTxid(): height for height, block in enumerate(blocks, start=1)}
    assert len(coinbases) == len(blocks), "BIP 34: no two coinbases are the same"
    spent = []
    for height, block in enumerate(blocks, start=1):
        for transaction in block.vtx[1:]:
            (spending,) = transaction.vin
            assert coinbases[spending.prevout.hash] == height - MATURITY
            (output,) = transaction.vout
            assert bytes(output.scriptPubKey)[:2] == b"\x6a\x20"  # OP_RETURN, 32 bytes
            spent.append(spending.prevout)
    assert len(spent) == len(set(spent)) == 20


@pytest.mark.parametrize("days", [-400, -1, 0, 1, 400])
def test_a_clock_that_jumps(tmp_path: Path, days: int) -> None:
    moments = iter([now(), *(now() + timedelta(days=days * step) for step in range(1, 1000))])
    with running(tmp_path, lambda: next(moments), os.urandom) as network:
        for number in range(3):
            submitted(network.address, number)
            network.mine()
        check_chain(network)


def test_a_clock_of_before_the_chain(tmp_path: Path) -> None:
    with running(tmp_path, lambda: datetime(2001, 1, 1, tzinfo=UTC), os.urandom) as network:
        submitted(network.address, 1)
        network.mine()
        check_chain(network)


# -- later runs, and two at once ------------------------------------------------------------------------------------


def test_a_later_run_keeps_what_an_earlier_one_promised(tmp_path: Path) -> None:
    with running(tmp_path, now, os.urandom) as first:
        _, pending = submitted(first.address, 1)
        uri, address = first.uri, first.address
        assert uri == address
    with pytest.raises(requests.ConnectionError):
        requests.get(address, timeout=10)
    with running(tmp_path, now, os.urandom) as later:
        assert (later.uri, later.address) == (uri, address)
        assert looked_up(later.address, pending.message).status_code == 404
        later.mine()
        assert looked_up(later.address, pending.message).status_code == 200
    with running(tmp_path, now, os.urandom) as last:
        assert looked_up(last.address, pending.message).status_code == 200
        assert last.mine() is None
        check_chain(last)


def test_a_port_that_somebody_else_has_taken(tmp_path: Path) -> None:
    with running(tmp_path, now, os.urandom) as first:
        _, pending = submitted(first.address, 1)
        uri = first.uri
    port = int(uri.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)), running(tmp_path, now, os.urandom) as later:
        assert later.uri == uri
        assert later.address != uri
        assert later.route(uri) == later.address
        assert later.route("https://other.example") == "https://other.example"
        assert submitted(later.address, 2)[1].uri == uri
        later.mine()
        assert looked_up(later.address, pending.message).status_code == 200


def test_the_state_is_the_owners(tmp_path: Path) -> None:
    with running(tmp_path / "deep" / "folder", now, os.urandom):
        assert (tmp_path / "deep" / "folder" / "network.db").is_file()
        if os.name == "posix":
            assert (tmp_path / "deep" / "folder").stat().st_mode & 0o077 == 0


SECOND = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from notary.localnet.calendar import running
with running(Path(sys.argv[1]), lambda: datetime.now(UTC), os.urandom) as network:
    print(network.uri, network.address, flush=True)
    sys.stdin.readline()
    network.mine()
    print("mined", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def second(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", SECOND, tmp_path], text=True, **pipes) as process:  # type: ignore[call-overload]
        yield process
        process.kill()


def test_two_processes_on_one_state(tmp_path: Path, second: "subprocess.Popen[str]") -> None:
    assert second.stdout is not None
    assert second.stdin is not None
    uri, other = second.stdout.readline().split()
    with running(tmp_path, now, os.urandom) as network:
        assert network.uri == uri
        assert network.address != other
        addresses = [network.address, other] * 10
        with ThreadPoolExecutor(8) as pool:
            promises = list(pool.map(lambda one: submitted(one[1], one[0])[1], enumerate(addresses)))
        assert {promise.uri for promise in promises} == {uri}
        # Both mine, at the same time.
        second.stdin.write("\n")
        second.stdin.flush()
        network.mine()
        assert second.stdout.readline() == "mined\n"
        blocks = check_chain(network)
        assert len(blocks) == MATURITY + CONFIRMATIONS
        for promise in promises:
            for address in (network.address, other):
                (attested,) = read_timestamp(looked_up(address, promise.message).content, promise.message)
                assert attested.message == blocks[MATURITY].hashMerkleRoot


def begin(folder: Path) -> tuple[str, bytes]:
    with running(folder, now, os.urandom) as network:
        return network.uri, submitted(network.address, 1)[1].message


def test_many_processes_make_one_state(tmp_path: Path) -> None:
    with get_context("spawn").Pool(3) as pool:
        found = pool.map(begin, [tmp_path] * 9, chunksize=1)
    assert len({uri for uri, _ in found}) == 1
    with running(tmp_path, now, os.urandom) as network:
        network.mine()
        check_chain(network)
        for _, commitment in found:
            assert looked_up(network.address, commitment).status_code == 200
