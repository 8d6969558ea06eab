"""edges.peers: addresses, seeds, and one peer at a time, honest or not. What becomes of a chain is tests/scenarios'."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import monotonic, sleep
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notary import limits
from notary.core.header import HEADER_BYTES, NETWORKS
from notary.edges import peers
from notary.edges.peers import PeerAddress, connected, peer_address, seeded_peers
from notary.errors import InputError, SystemFailureError
from tests.edges.bounded import within
from tests.parties import peer as party
from tests.parties.peer import MAINNET, MISBEHAVIOURS, REGTEST, REGTEST_GENESIS, block_hash, mine_chain

BITCOIN, TEST = NETWORKS["bitcoin"], NETWORKS["regtest"]
CHAIN = [REGTEST_GENESIS, *mine_chain(2_500, time=1_600_000_000)]
PATIENCE = 0.5
SENT_AT_MOST = 24_000_000
"""What a flooding peer gets rid of before it notices that nobody reads: socket buffers, not our memory."""


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONNECT_SECONDS", PATIENCE)
    monkeypatch.setattr(limits, "PEER_SECONDS", PATIENCE)


def address(one: party.Peer) -> PeerAddress:
    return peer_address(one.address, TEST)


# -- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("203.0.113.7", "203.0.113.7", 8333),
        ("203.0.113.7:18444", "203.0.113.7", 18444),
        ("node.example", "node.example", 8333),
        ("node.example:1", "node.example", 1),
        ("my_node-2:65535", "my_node-2", 65535),
        ("[2001:db8::7]:8334", "2001:db8::7", 8334),
        ("[2001:db8::7]", "2001:db8::7", 8333),
        ("2001:db8::7", "2001:db8::7", 8333),
        ("::1", "::1", 8333),
        ("fe80::1%eth0", "fe80::1%eth0", 8333),
    ],
)
def test_an_address(text: str, host: str, port: int) -> None:
    found = peer_address(text, BITCOIN)
    assert found == PeerAddress(host, port)
    assert peer_address(str(found), BITCOIN) == found


def test_the_port_is_the_networks_own() -> None:
    assert peer_address("node.example", TEST).port == 18444
    assert str(peer_address("::1", TEST)) == "[::1]:18444"


JUNK = [
    "",
    " ",
    ":",
    ":8333",
    "node.example:",
    "node.example:0",
    "node.example:65536",
    "node.example:-1",
    "node.example:+8333",
    "node.example:8_333",
    "node.example:८३३३",
    "node.example:http",
    "http://node.example",
    "http://node.example:8333",
    "user@node.example:8333",
    "node.example:8333/",
    "node example",
    "node.example\n:8333",
    "node.example\0:8333",
    "nöde.example",
    "\x1b[2J:8333",
    "[]:8333",
    "[::1]:x",
    "[::1]:65536",
    "[::1]x:8333",
]


@pytest.mark.parametrize("text", JUNK)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InputError, match="is no address") as caught:
        peer_address(text, BITCOIN)
    assert caught.value.hints


def test_a_bracket_is_closed_and_the_port_stands_behind_a_colon() -> None:
    for text in ("[::1", "[::1]8333"):
        with pytest.raises(InputError):
            peer_address(text, BITCOIN)


def test_a_port_of_very_many_digits() -> None:
    """Python refuses to turn so many into a number, in its own way."""
    with pytest.raises(InputError):
        peer_address("node.example:" + "9" * 5_000, BITCOIN)


@given(st.one_of(st.text(), st.text("[]:.%-_09afx"), st.from_regex(r"\[?[0-9a-f:.]{0,20}\]?(:[0-9]{0,6})?")))
@example("[::1]:")
def test_any_text_is_an_address_or_an_input_error(text: str) -> None:
    try:
        found = peer_address(text, BITCOIN)
    except InputError:
        return
    assert 0 < found.port < 65536
    assert found.host
    assert found.host.isascii()
    assert found.host.isprintable()
    assert peer_address(str(found), BITCOIN) == found


# -- seeds ----------------------------------------------------------------------------------------------------------


def answers(monkeypatch: pytest.MonkeyPatch, look_up: Callable[[str], list[str]]) -> list[str]:
    """Has the system's resolver answer as `look_up` says. The names that were asked for, as they come."""
    asked: list[str] = []

    def getaddrinfo(name: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        asked.append(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in look_up(name)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_without_dns_there_are_no_seeded_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_name: str) -> list[str]:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    asked = answers(monkeypatch, fails)
    began = monotonic()
    assert seeded_peers(BITCOIN) == []
    assert monotonic() - began < 1
    assert len(set(asked)) > 4


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, impatience: None) -> None:
    over = threading.Event()

    def hangs(name: str) -> list[str]:
        if "sipa" not in name:
            over.wait(20)
        return ["203.0.113.7"]

    answers(monkeypatch, hangs)
    began = monotonic()
    assert seeded_peers(BITCOIN) == [PeerAddress("203.0.113.7", 8333)]
    over.set()
    assert monotonic() - began < PATIENCE + 1


def test_no_seed_chooses_all_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [f"198.51.100.{at}" for at in range(200)]
    answers(monkeypatch, lambda name: many if "sipa" in name else ["203.0.113.7", "2001:db8::7"])
    found = seeded_peers(BITCOIN)
    assert len([one for one in found if one.host in many]) == limits.PEERS_OF_A_SEED
    assert {one.host for one in found} > {"203.0.113.7", "2001:db8::7"}
    assert len(set(found)) == len(found)
    assert {one.port for one in found} == {8333}


def test_a_test_network_has_no_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, lambda _name: ["203.0.113.7"])
    assert seeded_peers(TEST) == []
    assert asked == []


# -- an honest peer -------------------------------------------------------------------------------------------------


def test_an_honest_peer_gives_what_follows() -> None:
    with party.Peer(CHAIN, REGTEST) as one, peers.Peer(address(one), TEST) as peer:
        assert peer.announced == 2_500
        assert peer.headers_after([block_hash(CHAIN[0])]) == b"".join(CHAIN[1:2_001])
        assert peer.headers_after([bytes(32), block_hash(CHAIN[2_000])]) == b"".join(CHAIN[2_001:])
        assert peer.headers_after([block_hash(CHAIN[2_500])]) == b""
    assert one.complaints == []
    assert one.received[:2] == ["version", "verack"]
    assert "pong" in one.received
    assert set(one.received) == {"version", "verack", "pong", "getheaders"}


def test_the_main_networks_magic() -> None:
    with party.Peer(CHAIN, MAINNET) as one:
        with peers.Peer(address(one), BITCOIN) as peer:
            assert peer.announced == 2_500
        with pytest.raises(SystemFailureError, match=r"does not speak the network's protocol|hung up"):
            peers.Peer(address(one), TEST)
    assert one.complaints in ([], ["magic fabfb5da"])


def test_nobody_is_there(impatience: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    for host in ("127.0.0.1", "a" * 64, "." * 300):
        with pytest.raises(SystemFailureError, match="could not be reached") as caught:
            peers.Peer(PeerAddress(host, port), TEST)
        assert str(port) in caught.value.message


def test_a_machine_that_accepts_and_says_nothing(impatience: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        began = monotonic()
        with pytest.raises(SystemFailureError, match="is too slow"):
            peers.Peer(PeerAddress("127.0.0.1", server.getsockname()[1]), TEST)
        assert monotonic() - began < 4 * PATIENCE


# -- misbehaviour ---------------------------------------------------------------------------------------------------

FAULTS = {
    "closes at once": "hung up",
    "mute": "is too slow",
    "never veracks": "is too slow",
    "closes after the handshake": "hung up",
    "silent": "is too slow",
    "dies at the first question": "hung up",
    "dies after one message": None,
    "drips": "is too slow",
    "drips headers": "is too slow",
    "random bytes": "does not speak the network's protocol",
    "an HTTP server": "does not speak the network's protocol",
    "wrong magic": "does not speak the network's protocol|hung up",
    "floods": "chatters, and does not answer|hung up|is too slow",
    "floods before the handshake": "chatters, and does not answer|hung up|is too slow",
    "four gigabytes": r"sent a message of 4,294,967,295 bytes",
    "bad checksum": "wrong checksum",
    "not found": "is too slow",
    "nothing new": None,
    "no payload": "sent a message that is cut off",
    "huge count": "malformed headers message",
    "truncated": "malformed headers message",
    "trailing": "malformed headers message",
    "transactions": "malformed headers message",
    "too many": "malformed headers message",
    "repeats": None,
    "unlinked": None,
    "a gap": None,
    "100 kB of agent": None,
    "escapes in its agent": None,
    "2**60 of agent": "malformed version message",
    "an empty version": "cut off|malformed version message",
    "an ancient version": None,
    "absurd numbers": None,
}


def test_every_misbehaviour_is_expected() -> None:
    assert set(FAULTS) == set(MISBEHAVIOURS)


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_a_misbehaving_peer(name: str, impatience: None) -> None:
    """Whole headers, or one line that names the peer and the fault; soon, and without taking all that is sent."""

    def ask(one: party.Peer) -> bytes:
        with peers.Peer(address(one), TEST) as peer:
            return peer.headers_after([block_hash(CHAIN[0])])

    fault = FAULTS[name]
    with party.Peer(CHAIN, REGTEST, behaviour=MISBEHAVIOURS[name]) as one:
        if fault is None:
            data = within(10, lambda: ask(one))
            assert len(data) % HEADER_BYTES == 0
            assert len(data) <= limits.PEER_HEADERS * HEADER_BYTES
        else:
            with pytest.raises(SystemFailureError, match=fault) as caught:
                within(10, lambda: ask(one))
            assert caught.value.message.startswith(f"the peer {one.address} ")
            assert caught.value.message.isprintable()
        assert one.sent < SENT_AT_MOST
    assert not [what for what in one.complaints if "magic" not in what]


@pytest.mark.parametrize("claimed", [limits.PEER_MESSAGE_BYTES + 1, 2**31, 2**32 - 1])
def test_a_message_over_the_limit_is_not_read(claimed: int, impatience: None) -> None:
    behaviour = party.says(party.message(REGTEST, "version", bytes(100), length=claimed))
    fault = f"sent a message of {claimed:,} bytes"
    with (
        party.Peer(CHAIN, REGTEST, behaviour=behaviour) as one,
        pytest.raises(SystemFailureError, match=fault),
    ):
        peers.Peer(address(one), TEST)


@settings(max_examples=50)
@given(st.binary(max_size=300), st.sampled_from(["version", "headers"]))
@example(b"\xff" * 9, "headers")
@example(b"\xfd\x01", "headers")
@example(bytes(80) + b"\xfe\xff\xff\xff\xff", "version")
@example(bytes(80) + b"\x00\x00\x00\x00", "version")
def test_any_payload_is_headers_or_a_fault(payload: bytes, command: str) -> None:
    def says(talk: party.Conversation) -> None:
        talk.greet(payload if command == "version" else None)
        talk.serve(lambda talk, _headers: talk.say("headers", payload))

    with party.Peer(CHAIN[:3], REGTEST, behaviour=says) as one:
        try:
            with peers.Peer(address(one), TEST) as peer:
                data = peer.headers_after([bytes(32)])
        except SystemFailureError as error:
            assert "sent" in error.message  # noqa: PT017 - either ending is right
        else:
            assert len(data) % HEADER_BYTES == 0


# -- several --------------------------------------------------------------------------------------------------------


@pytest.fixture
def crowd() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_the_quickest_are_taken_and_the_others_let_go(crowd: ExitStack) -> None:
    left = threading.Semaphore(0)

    def slow(talk: party.Conversation) -> None:
        sleep(0.3)
        try:
            party.honest(talk)
        finally:
            left.release()

    quick = crowd.enter_context(party.Peer(CHAIN, REGTEST))
    late = [crowd.enter_context(party.Peer(CHAIN, REGTEST, behaviour=slow)) for _ in range(3)]
    found, failures = connected([address(one) for one in (*late, quick)], TEST, 1)
    assert [str(one.address) for one in found] == [quick.address]
    assert failures == []
    for _ in late:
        assert left.acquire(timeout=5), "a connection that nobody wants stays open"
    found[0].close()


def test_those_that_fail_are_named(crowd: ExitStack, impatience: None) -> None:
    quick = crowd.enter_context(party.Peer(CHAIN, REGTEST))
    bad = [
        crowd.enter_context(party.Peer(CHAIN, REGTEST, behaviour=MISBEHAVIOURS[name]))
        for name in ("closes at once", "random bytes", "mute", "drips", "an empty version")
    ]
    began = monotonic()
    found, failures = connected([address(one) for one in (*bad, quick)], TEST, 6)
    assert monotonic() - began < 4 * PATIENCE
    assert [str(one.address) for one in found] == [quick.address]
    assert len(failures) == len(bad)
    for one in bad:
        assert [line for line in failures if one.address in line]
    found[0].close()


def test_nobody_at_all() -> None:
    assert connected([], TEST, 4) == ([], [])
