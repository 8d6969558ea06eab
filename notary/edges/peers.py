"""Peers of a Bitcoin network: headers over the peer-to-peer protocol.

A peer is anybody: it is asked for headers and believed in nothing; whoever calls checks what comes. Each message has
a limit and each answer a deadline, whatever the peer sends.
"""

import hashlib
import queue
import random
import re
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from time import monotonic
from typing import Any

from notary import limits
from notary.core.header import HEADER_BYTES, Network
from notary.errors import InputError, SystemFailureError
from notary.wire import USER_AGENT, within

_PROTOCOL = 70016

_SEEDS = {
    # Bitcoin Core: kernel/chainparams.cpp; each is run by somebody else.
    "bitcoin": (
        "seed.bitcoin.sipa.be",
        "dnsseed.bluematt.me",
        "seed.bitcoin.jonasschnelli.ch",
        "seed.btc.petertodd.net",
        "seed.bitcoin.sprovoost.nl",
        "dnsseed.emzy.de",
        "seed.bitcoin.wiz.biz",
        "seed.mainnet.achownodes.xyz",
    ),
}


_V6 = r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9._-]+)?"
_ADDRESS = re.compile(
    rf"(?:\[(?P<v6>{_V6})\]|(?P<host>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{{1,5}}))?|(?P<bare>{_V6})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """Where a peer listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def peer_address(text: str, network: Network) -> PeerAddress:
    """The peer that the user named, as HOST, HOST:PORT or [IPv6]:PORT. Raises InputError."""
    found = _ADDRESS.fullmatch(text)
    port = int(found["port"] or _parameters(network).DEFAULT_PORT) if found else 0
    if found is None or not 0 < port < 65536:
        raise InputError(
            f"the peer {text!r} is no address", "such as 203.0.113.7:8333, [2001:db8::7]:8333 or node.example"
        )
    return PeerAddress(found["v6"] or found["bare"] or found["host"], port)


def seeded_peers(network: Network) -> list[PeerAddress]:
    """Peers that the network's DNS seeds name, in random order; none where it has no seeds or they do not answer."""
    seeds, port = _SEEDS.get(network.name, ()), _parameters(network).DEFAULT_PORT
    answers: queue.Queue[list[str]] = queue.Queue()

    def ask(seed: str) -> None:
        try:
            found = socket.getaddrinfo(seed, port, type=socket.SOCK_STREAM)
        except OSError:
            found = []
        answers.put([str(address[0]) for *_, address in found])

    for seed in seeds:
        threading.Thread(target=ask, args=(seed,), daemon=True).start()
    addresses: set[str] = set()
    deadline = monotonic() + limits.CONNECT_SECONDS
    for _ in seeds:
        try:
            # One seed must not choose all of a machine's peers.
            addresses.update(answers.get(timeout=max(0.0, deadline - monotonic()))[: limits.PEERS_OF_A_SEED])
        except queue.Empty:
            break
    chosen = [PeerAddress(address, port) for address in addresses]
    random.shuffle(chosen)
    return chosen


def _parameters(network: Network) -> Any:
    import bitcoin

    return bitcoin.RegTestParams if network.is_test else bitcoin.MainParams


class Peer:
    """A connection to a peer after the handshake."""

    def __init__(self, address: PeerAddress, network: Network) -> None:
        """Connects. Raises SystemFailureError where nobody answers, or whoever does speaks another protocol."""
        self.address = address
        self._magic: bytes = _parameters(network).MESSAGE_START
        self.announced = 0
        """The height that it says its chain has: not to be relied on."""
        try:
            self._socket = within(
                limits.CONNECT_SECONDS + 1,
                lambda: socket.create_connection((address.host, address.port), limits.CONNECT_SECONDS),
            )
        except (OSError, ValueError):
            raise SystemFailureError(f"the peer {address} could not be reached") from None
        try:
            self._shake_hands()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def headers_after(self, locator: Sequence[bytes]) -> bytes:
        """Headers that follow the first hash of `locator` that the peer's chain has: at most 2,000, 80 bytes each.

        Raises SystemFailureError where the peer hangs up, is too slow or sends what is no answer.
        """
        from bitcoin.messages import msg_getheaders

        message = msg_getheaders(_PROTOCOL)
        message.locator.nVersion = _PROTOCOL
        message.locator.vHave = list(locator)
        self._send(message)
        for command, payload in self._messages(limits.PEER_SECONDS):
            if command == b"headers":
                return self._headers(payload)
        raise AssertionError  # the messages end with an error

    def _shake_hands(self) -> None:
        from bitcoin.messages import msg_verack, msg_version

        hello = msg_version(_PROTOCOL)
        hello.nServices = 0
        hello.strSubVer = f"/{USER_AGENT.replace('/', ':')}/".encode()
        hello.nStartingHeight = 0
        hello.fRelay = False
        self._send(hello)
        waits_for = {b"version", b"verack"}
        for command, payload in self._messages(limits.CONNECT_SECONDS):
            if command == b"version":
                self.announced = self._announced(payload)
                self._send(msg_verack())
            waits_for.discard(command)
            if not waits_for:
                return

    def _announced(self, payload: bytes) -> int:
        """The start height in a version message: behind 80 bytes of addresses and the like, and the user agent."""
        length, at = self._compact_size(payload, 80)
        if len(payload) < at + length + 4:
            raise self._fault("sent a malformed version message")
        height: int = struct.unpack_from("<i", payload, at + length)[0]
        return height

    def _headers(self, payload: bytes) -> bytes:
        """The headers in a headers message: a count, and for each 80 bytes and the number of its transactions, 0."""
        count, at = self._compact_size(payload, 0)
        each = HEADER_BYTES + 1
        if count > limits.PEER_HEADERS or len(payload) != at + count * each or any(payload[at + HEADER_BYTES :: each]):
            raise self._fault("sent a malformed headers message")
        return b"".join(payload[start : start + HEADER_BYTES] for start in range(at, len(payload), each))

    def _compact_size(self, payload: bytes, at: int) -> tuple[int, int]:
        """A number in Bitcoin's variable length, and where it ends."""
        first = payload[at : at + 1]
        width = {b"\xfd": 2, b"\xfe": 4, b"\xff": 8}.get(first, 0)
        end = at + 1 + width
        if len(payload) < end:
            raise self._fault("sent a message that is cut off")
        return (int.from_bytes(payload[at + 1 : end], "little") if width else first[0]), end

    def _send(self, message: Any) -> None:
        body = BytesIO()
        message.msg_ser(body)
        self._send_raw(message.command, body.getvalue())

    def _send_raw(self, command: bytes, payload: bytes) -> None:
        frame = self._magic + struct.pack("<12sI", command, len(payload)) + _checksum(payload) + payload
        try:
            self._socket.settimeout(limits.PEER_SECONDS)
            self._socket.sendall(frame)
        except OSError:
            raise self._fault("hung up") from None

    def _messages(self, seconds: float) -> Iterator[tuple[bytes, bytes]]:
        """Messages as they come, by command and payload, until `seconds` are over. Pings are answered."""
        deadline = monotonic() + seconds
        for _ in range(limits.PEER_MESSAGES):
            frame = self._receive(24, deadline)
            magic, command, length, checksum = struct.unpack("<4s12sI4s", frame)
            if magic != self._magic:
                raise self._fault("does not speak the network's protocol")
            if length > limits.PEER_MESSAGE_BYTES:
                raise self._fault(f"sent a message of {length:,} bytes")
            payload = self._receive(length, deadline)
            if _checksum(payload) != checksum:
                raise self._fault("sent a message with a wrong checksum")
            command = command.rstrip(b"\0")
            if command == b"ping":
                self._send_raw(b"pong", payload[:8])
            yield command, payload
        raise self._fault("chatters, and does not answer")

    def _receive(self, count: int, deadline: float) -> bytes:
        received = bytearray()
        while len(received) < count:
            left = deadline - monotonic()
            if left <= 0:
                raise self._fault("is too slow")
            try:
                self._socket.settimeout(left)
                piece = self._socket.recv(min(count - len(received), 65536))
            except TimeoutError:
                raise self._fault("is too slow") from None
            except OSError:
                piece = b""
            if not piece:
                raise self._fault("hung up")
            received += piece
        return bytes(received)

    def _fault(self, what: str) -> SystemFailureError:
        return SystemFailureError(f"the peer {self.address} {what}")


def _checksum(payload: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]


def connected(addresses: Sequence[PeerAddress], network: Network, wanted: int) -> tuple[list[Peer], list[str]]:
    """Up to `wanted` peers of `addresses`, the quickest first, and why others are none. All are tried at once."""
    outcomes: queue.Queue[tuple[PeerAddress, Peer | SystemFailureError]] = queue.Queue()
    lock, is_over = threading.Lock(), False

    def attempt(address: PeerAddress) -> None:
        outcome: Peer | SystemFailureError
        try:
            outcome = Peer(address, network)
        except SystemFailureError as error:
            outcome = error
        with lock:
            if not is_over:
                outcomes.put((address, outcome))
            elif isinstance(outcome, Peer):
                outcome.close()

    for address in addresses:
        threading.Thread(target=attempt, args=(address,), daemon=True).start()
    peers: list[Peer] = []
    failures: list[str] = []
    waits_for = list(addresses)
    deadline = monotonic() + limits.PEER_CONNECT_SECONDS
    while waits_for and len(peers) < wanted:
        try:
            address, outcome = outcomes.get(timeout=max(0.0, deadline - monotonic()))
        except queue.Empty:
            failures += [f"the peer {address} is too slow" for address in waits_for]
            break
        waits_for.remove(address)
        if isinstance(outcome, Peer):
            peers.append(outcome)
        else:
            failures.append(outcome.message)
    with lock:
        is_over = True
    while not outcomes.empty():
        _, left_over = outcomes.get_nowait()
        if isinstance(left_over, Peer):
            left_over.close()
    return peers, failures
