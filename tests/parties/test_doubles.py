"""The doubles are what they say: real programs and other libraries understand them."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from time import monotonic, sleep
from typing import Any

import bitcoin
import pytest
import requests
from bitcoin.core import CBlockHeader, CheckProofOfWork
from bitcoin.core.serialize import SerializationError
from bitcoin.messages import MsgSerializable, msg_getheaders, msg_headers, msg_ping, msg_verack, msg_version

from tests.parties import esplora, peer
from tests.parties.bitcoind import Bitcoind
from tests.parties.esplora import Esplora, shown
from tests.parties.peer import REGTEST, REGTEST_GENESIS, Peer, block_hash, mine_chain

TIME = 1_700_000_000
CHAIN = [REGTEST_GENESIS, *mine_chain(4_500, time=TIME)]


@pytest.fixture(autouse=True)
def regtest() -> Iterator[None]:
    chosen = bitcoin.params.NAME
    bitcoin.SelectParams("regtest")
    yield
    bitcoin.SelectParams(chosen)


class Client:
    """A client made of python-bitcoinlib's messages."""

    def __init__(self, party: Peer, patience: float = 5.0) -> None:
        host, _, port = party.address.partition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=patience)
        self._file = self._socket.makefile("rb")
        self.agent = b""

    def shake_hands(self) -> None:
        version = msg_version()
        version.nVersion = 70016
        self.say(version)
        self.agent = self.hear(b"version").strSubVer
        self.say(msg_verack())
        self.hear(b"verack")

    def say(self, message: Any) -> None:
        self._socket.sendall(message.to_bytes())

    def hear(self, command: bytes) -> Any:
        """The next message of this kind; a few others are passed over. None if it does not come."""
        for _ in range(100):
            head = self._file.read(24)
            if len(head) < 24:
                break
            data = head + self._file.read(int.from_bytes(head[16:20], "little"))
            if head[4:16].rstrip(b"\0") == command:
                return _parsed_headers(data) if command == b"headers" else MsgSerializable.from_bytes(data)
        return None

    def ask(self, *locator: bytes, stop: bytes = bytes(32)) -> list[bytes] | None:
        question = msg_getheaders()
        question.locator.vHave = list(locator)
        question.hashstop = stop
        self.say(question)
        headers: list[bytes] | None = self.hear(b"headers")
        return headers


def _parsed_headers(data: bytes) -> list[bytes]:
    """python-bitcoinlib checks the message's frame; of the transaction counts in it, it knows nothing."""
    assert isinstance(MsgSerializable.from_bytes(data), msg_headers)
    body = data[24:]
    count, width = (int.from_bytes(body[1:3], "little"), 3) if body[0] == 0xFD else (body[0], 1)
    found = [body[at : at + 81] for at in range(width, len(body), 81)]
    if len(found) != count or any(one[80:] != b"\0" for one in found):
        raise ValueError("not headers, each without transactions")
    return [CBlockHeader.deserialize(one[:80]).serialize() for one in found]


def eventually(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = monotonic() + seconds
    while not holds():
        assert monotonic() < deadline
        sleep(0.02)


# -- headers --------------------------------------------------------------------------------------------------------


def test_mined_headers_have_work_and_hang_together() -> None:
    genesis = bitcoin.params.GENESIS_BLOCK
    assert genesis.serialize()[:80] == REGTEST_GENESIS
    previous = genesis.GetHash()
    for at, raw in enumerate(CHAIN[1:100]):
        header = CBlockHeader.deserialize(raw)
        CheckProofOfWork(header.GetHash(), header.nBits)
        assert (header.hashPrevBlock, header.nTime) == (previous, TIME + 600 * at)
        previous = header.GetHash()
    assert not peer.has_work(peer.without_work(CHAIN[5]))


# -- the peer -------------------------------------------------------------------------------------------------------


def test_a_whole_chain_in_messages_of_two_thousand() -> None:
    with Peer(CHAIN, REGTEST) as party:
        client = Client(party)
        client.shake_hands()
        got = [REGTEST_GENESIS]
        sizes = []
        while more := client.ask(block_hash(got[-1])):
            sizes.append(len(more))
            got += more
        client.say(msg_ping(nonce=77))
        assert client.hear(b"pong").nonce == 77
    assert got == CHAIN
    assert sizes == [2000, 2000, 500]
    assert party.getheaders == [[block_hash(CHAIN[at])] for at in (0, 2000, 4000, 4500)]
    assert (party.connections, party.complaints) == (1, [])
    assert party.received[:2] == ["version", "verack"]


def test_the_locator_and_the_stop_hash() -> None:
    with Peer(CHAIN, REGTEST) as party:
        client = Client(party)
        client.shake_hands()
        assert (
            client.ask(bytes(32), block_hash(CHAIN[7]), block_hash(CHAIN[3]), stop=block_hash(CHAIN[9])) == CHAIN[8:10]
        )
        assert client.ask(bytes(32)) == CHAIN[1:2001]
        assert client.ask(stop=block_hash(CHAIN[9])) == [CHAIN[9]]


def test_a_chain_from_its_middle() -> None:
    with Peer(CHAIN[1000:1010], REGTEST, start=1000) as party:
        client = Client(party)
        client.shake_hands()
        assert client.ask(block_hash(CHAIN[999])) == CHAIN[1000:1010]
        assert client.ask(block_hash(CHAIN[1008])) == CHAIN[1009:1010]
        assert client.ask(block_hash(CHAIN[5])) == CHAIN[1000:1010]
        assert party.height == 1009


INNOCENT = {
    "dies after one message",
    "repeats",
    "100 kB of agent",
    "escapes in its agent",
    "absurd numbers",
    "an ancient version",
}


@pytest.mark.parametrize("name", peer.MISBEHAVIOURS)
def test_a_misbehaving_peer_gives_no_headers_and_ends_with_its_test(name: str) -> None:
    with Peer(CHAIN, REGTEST, behaviour=peer.MISBEHAVIOURS[name]) as party:
        got = None
        with suppress(OSError, ValueError, AttributeError, SerializationError):
            client = Client(party, patience=0.05)
            client.shake_hands()
            got = client.ask(block_hash(CHAIN[0]))
        eventually(lambda: party.connections == 1)
    assert got != CHAIN[1:2001] or name in INNOCENT
    assert party.complaints == []


def test_what_a_liar_sends() -> None:
    def answer(behaviour: peer.Behaviour) -> list[bytes] | None:
        with Peer(CHAIN, REGTEST, behaviour=behaviour) as party:
            client = Client(party)
            client.shake_hands()
            return client.ask(block_hash(CHAIN[0]))

    assert answer(peer.too_many) == CHAIN[1:2002]
    assert answer(peer.unlinked()) == CHAIN[2:2001]
    assert answer(peer.flipped(3)) == [*CHAIN[1:3], peer.without_work(CHAIN[3]), *CHAIN[4:2001]]
    assert answer(peer.dies_after(1)) == CHAIN[1:2001]
    assert answer(peer.dies_after(0)) is None
    assert answer(peer.nothing_new) == []
    with pytest.raises(ValueError, match="bad checksum"):
        answer(peer.bad_checksum)
    with pytest.raises(ValueError, match="Invalid message start"):
        answer(peer.wrong_magic)


def test_a_client_against_the_protocol_is_told_on() -> None:
    with Peer(CHAIN, REGTEST) as party:
        Client(party).say(msg_getheaders())
        eventually(lambda: party.complaints == ["begins with getheaders of 37 bytes"])


@pytest.mark.bitcoind
def test_a_real_node_follows_the_peer_and_the_peer_the_node(bitcoind: Callable[..., Bitcoind]) -> None:
    node = bitcoind()
    with Peer(CHAIN, REGTEST) as party:
        node.call("addnode", party.address, "onetry", "false")
        eventually(lambda: f'"headers": {len(CHAIN) - 1},' in node.call("getblockchaininfo"))
    assert party.complaints == []

    mined = node.mine(3)
    headers = node.headers()
    assert [shown(one) for one in headers[1:]] == mined
    node.invalidate(mined[1])
    assert node.headers() == headers[:2]
    assert not set(node.mine(3)) & set(mined)


@pytest.mark.bitcoind
def test_a_real_node_names_what_is_wrong(bitcoind: Callable[..., Bitcoind]) -> None:
    node = bitcoind("-debug=net")
    log = node.folder / "regtest" / "debug.log"
    faults = {
        "header with invalid proof of work": peer.flipped(3),
        "headers message size = 2001": peer.too_many,
        "non-continuous headers sequence": peer.unlinked(1),
        "size too large": peer.huge_count,
        "end of data": peer.truncated,
        "Wrong checksum": peer.bad_checksum,
        "Wrong MessageStart": peer.wrong_magic,
        "Size too large (headers, 4294967295 bytes)": peer.four_gigabytes,
        "String length limit exceeded": peer.MISBEHAVIOURS["100 kB of agent"],
    }
    for fault, behaviour in faults.items():
        with Peer(CHAIN, REGTEST, behaviour=behaviour) as party:
            node.call("addconnection", party.address, "outbound-full-relay", "false")
            eventually(partial(lambda fault: fault in log.read_text(), fault))
        assert '"headers": 0,' in node.call("getblockchaininfo")


# -- the explorer ---------------------------------------------------------------------------------------------------


def test_an_explorer_as_esplora() -> None:
    with Esplora(CHAIN[100:200], start=100) as explorer:
        for height in (100, 199):
            found = requests.get(f"{explorer.url}/block-height/{height}", timeout=5)
            assert found.text == CBlockHeader.deserialize(CHAIN[height]).GetHash()[::-1].hex()
            assert found.headers["Content-Type"] == "text/plain"
            assert requests.get(f"{explorer.url}/block/{found.text}/header", timeout=5).text == CHAIN[height].hex()
        beyond = requests.get(f"{explorer.url}/block-height/200", timeout=5)
        assert (beyond.status_code, beyond.text) == (404, "Block not found")
        assert requests.get(f"{explorer.url}/block/{'0' * 64}/header", timeout=5).status_code == 404
        assert requests.get(f"{explorer.url}/blocks/tip/height", timeout=5).text == "199"
    assert explorer.requests[:2] == ["/api/block-height/100", f"/api/block/{shown(CHAIN[100])}/header"]


def asked(explorer: Esplora, height: int) -> tuple[str, str]:
    """The hash that an explorer gives for a height, and the header for that hash."""
    block = requests.get(f"{explorer.url}/block-height/{height}", timeout=5).text
    return block, requests.get(f"{explorer.url}/block/{block}/header", timeout=5).text


def test_what_a_lying_explorer_says() -> None:
    other = mine_chain(2, after=CHAIN[4], time=TIME)
    with Esplora(CHAIN, behaviour=esplora.lies(5, other)) as explorer:
        assert [asked(explorer, at)[1] for at in (4, 5, 6, 7)] == [
            one.hex() for one in (CHAIN[4], other[0], other[1], CHAIN[7])
        ]
    with Esplora(CHAIN, behaviour=esplora.hash_that_fits_nothing) as explorer:
        block, header = asked(explorer, 5)
        assert block != shown(CHAIN[5])
        assert header == CHAIN[5].hex()
    with Esplora(CHAIN, behaviour=esplora.header_of_other_bytes) as explorer:
        assert asked(explorer, 5) == (shown(CHAIN[5]), peer.without_work(CHAIN[5]).hex())
    with Esplora(CHAIN, behaviour=esplora.upper_case) as explorer:
        assert asked(explorer, 5) == (shown(CHAIN[5]).upper(), CHAIN[5].hex().upper())


def taken(url: str) -> bytes:
    """The first bytes of an answer to an impatient client, if there are any."""
    with suppress(requests.RequestException), requests.get(url, timeout=0.1, stream=True) as answer:
        first: bytes = next(answer.iter_content(161), b"")
        return first
    return b""


@pytest.mark.parametrize("name", esplora.MISBEHAVIOURS)
def test_a_misbehaving_explorer_gives_no_header(name: str) -> None:
    block, header = shown(CHAIN[5]), CHAIN[5].hex()
    with Esplora(CHAIN, behaviour=esplora.MISBEHAVIOURS[name]) as explorer:
        given = taken(f"{explorer.url}/block-height/5"), taken(f"{explorer.url}/block/{block}/header")
    assert given != (block.encode(), header.encode())
    assert explorer.requests[0] == "/api/block-height/5"
    assert explorer.sent < 200_000_000
