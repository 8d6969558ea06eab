"""A Bitcoin node's end of the peer-to-peer protocol, headers only: honest, or misbehaving as a test tells it.

Written from the protocol's documentation and from what Bitcoin Core says on the wire; it shares no code with `notary`.
"""

import os
import random
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Self

MAINNET = bytes.fromhex("f9beb4d9")
REGTEST = bytes.fromhex("fabfb5da")
REGTEST_GENESIS = struct.pack(
    "<I32s32s3I",
    1,
    bytes(32),
    bytes.fromhex("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b")[::-1],
    1296688602,
    0x207FFFFF,
    2,
)

MOST_HEADERS = 2_000
_PROTOCOL = 70016
_NETWORK, _WITNESS = 1 << 0, 1 << 3
_MOST_BYTES = 4_000_000
_HEAD = struct.Struct("<4s12sI4s")
_VERSION = struct.Struct("<iQq26s26sQ")


# -- headers --------------------------------------------------------------------------------------------------------


def block_hash(header: bytes) -> bytes:
    return sha256(sha256(header).digest()).digest()


def target(bits: int) -> int:
    """The number that a hash must not exceed."""
    size, digits = bits >> 24, bits & 0x7FFFFF
    return digits << 8 * (size - 3) if size > 3 else digits >> 8 * (3 - size)


def has_work(header: bytes) -> bool:
    return int.from_bytes(block_hash(header), "little") <= target(int.from_bytes(header[72:76], "little"))


def mine_chain(
    count: int,
    *,
    after: bytes | None = None,
    time: int,
    step: int = 600,
    bits: int = 0x207FFFFF,
    version: int = 0x20000000,
) -> list[bytes]:
    """New headers with work upon `after`, or upon regtest's genesis block. The first has `time`, the next `step` more.

    The same arguments make the same headers; another `time` or `version` makes another branch.
    """
    most = target(bits)
    previous = block_hash(after or REGTEST_GENESIS)
    chain: list[bytes] = []
    for at in range(count):
        head = struct.pack("<I32s32sII", version, previous, sha256(previous).digest(), time + at * step, bits)
        for nonce in range(1 << 32):
            header = head + nonce.to_bytes(4, "little")
            previous = block_hash(header)
            if int.from_bytes(previous, "little") <= most:
                break
        chain.append(header)
    return chain


def without_work(header: bytes) -> bytes:
    """The header with one byte of its nonce changed, such that its hash is above its target."""
    changed = (header[:76] + bytes([header[76] ^ flip]) + header[77:] for flip in range(1, 256))
    return next(one for one in changed if not has_work(one))


# -- messages -------------------------------------------------------------------------------------------------------


def compact_size(number: int) -> bytes:
    if number < 0xFD:
        return bytes([number])
    for mark, size in ((0xFD, 2), (0xFE, 4), (0xFF, 8)):
        if number < 1 << 8 * size:
            return bytes([mark]) + number.to_bytes(size, "little")
    raise ValueError(number)


def message(
    magic: bytes, command: str, payload: bytes = b"", *, length: int | None = None, checksum: bytes | None = None
) -> bytes:
    """A whole message. Its length and checksum are the payload's, or what the caller says."""
    told = len(payload) if length is None else length
    return _HEAD.pack(magic, command.encode(), told, checksum or block_hash(payload)[:4]) + payload


def headers_payload(headers: Sequence[bytes], *, transactions: int = 0) -> bytes:
    """What a `headers` message holds; every header is followed by a number of transactions that should be 0."""
    return compact_size(len(headers)) + b"".join(one + compact_size(transactions) for one in headers)


def version_payload(
    height: int,
    *,
    agent: bytes = b"/Satoshi:29.0.0/",
    protocol: int = _PROTOCOL,
    services: int = _NETWORK | _WITNESS,
    time: int = 1_700_000_000,
) -> bytes:
    """What a `version` message holds."""
    address = struct.pack("<Q16sH", services, bytes(16), 0)
    nonce = int.from_bytes(os.urandom(8), "little")
    fixed = _VERSION.pack(protocol, services, time, address, address, nonce)
    return fixed + compact_size(len(agent)) + agent + struct.pack("<i?", height, True)


class ProtocolError(Exception):
    """The other side has said what no client may say."""


def _read_getheaders(payload: bytes) -> tuple[list[bytes], bytes]:
    """The locator's hashes and the stop hash."""
    count = payload[4] if len(payload) > 4 else 0xFF
    if count > 101 or len(payload) != 5 + 32 * (count + 1):
        raise ProtocolError(f"getheaders of {len(payload)} bytes")
    hashes = [payload[at : at + 32] for at in range(5, len(payload), 32)]
    return hashes[:-1], hashes[-1]


# -- the peer -------------------------------------------------------------------------------------------------------


class Conversation:
    """One connection, as the peer sees it."""

    def __init__(self, peer: "Peer", connection: socket.socket) -> None:
        self.peer = peer
        self.magic = peer.magic
        self.seconds_a_byte = 0.0
        self._connection = connection

    def say(self, command: str, payload: bytes = b"") -> None:
        self.say_raw(message(self.magic, command, payload))

    def say_raw(self, data: bytes) -> None:
        if not self.seconds_a_byte:
            self._connection.sendall(data)
            self.peer.count(len(data))
            return
        for byte in data:
            self._connection.sendall(bytes([byte]))
            self.peer.count(1)
            if self.peer.stop.wait(self.seconds_a_byte):
                raise ConnectionAbortedError

    def hear(self) -> tuple[str, bytes]:
        """The other side's next message: its command and its payload."""
        magic, command, length, checksum = _HEAD.unpack(self._read(_HEAD.size))
        name = command.rstrip(b"\0").decode("ascii", "backslashreplace")
        if magic != self.peer.magic:
            raise ProtocolError(f"magic {magic.hex()}")
        if length > _MOST_BYTES:
            raise ProtocolError(f"{name} of {length} bytes")
        payload = self._read(length)
        if checksum != block_hash(payload)[:4]:
            raise ProtocolError(f"{name} with a bad checksum")
        self.peer.received.append(name)
        return name, payload

    def greet(self, version: bytes | None = None) -> None:
        """The handshake, and what Bitcoin Core says after it. `version` replaces what the peer says of itself."""
        command, theirs = self.hear()
        if command != "version" or len(theirs) < 85:
            raise ProtocolError(f"begins with {command} of {len(theirs)} bytes")
        protocol, services, *_ = _VERSION.unpack_from(theirs)
        self.say("version", version_payload(self.peer.height) if version is None else version)
        if protocol >= _PROTOCOL:
            self.say("wtxidrelay")
            self.say("sendaddrv2")
        self.say("verack")
        while command != "verack":
            command, _ = self.hear()
            if command in ("getheaders", "version"):
                raise ProtocolError(f"{command} before verack")
        self.say("sendheaders")
        self.say("sendcmpct", struct.pack("<?Q", False, 2))
        self.say("ping", os.urandom(8))
        if services & _NETWORK:
            tip = block_hash(self.peer.headers[-1])
            self.say("getheaders", struct.pack("<I", _PROTOCOL) + compact_size(1) + tip + bytes(32))
        self.say("feefilter", struct.pack("<Q", 1000))

    def serve(self, answer: "Answer") -> None:
        """Answers pings, and by `answer` the questions for headers, until the other side leaves."""
        while True:
            command, payload = self.hear()
            if command == "ping":
                self.say("pong", payload)
            elif command == "getheaders":
                locator, stop = _read_getheaders(payload)
                self.peer.getheaders.append(locator)
                answer(self, self.peer.following(locator, stop))

    def linger(self) -> None:
        """Says nothing more, and hears nothing, until the other side leaves."""
        while self._connection.recv(65536):
            pass

    def _read(self, size: int) -> bytes:
        received = bytearray()
        while len(received) < size:
            piece = self._connection.recv(min(size - len(received), 65536))
            if not piece:
                raise ConnectionAbortedError
            received += piece
        return bytes(received)


Behaviour = Callable[[Conversation], None]
"""What a peer does with a connection; when it returns, the peer hangs up."""

Answer = Callable[[Conversation, list[bytes]], None]
"""What a peer does when it is asked for headers and an honest one would send these."""


def _send(talk: Conversation, headers: Sequence[bytes]) -> None:
    talk.say("headers", headers_payload(headers))


def honest(talk: Conversation) -> None:
    talk.greet()
    talk.serve(_send)


class Peer:
    """Answers on loopback with `headers`, whose heights begin at `start`, and remembers what it was asked.

    With `start`, the hash before the first header is known too: a part of a chain can be served as if it were whole.
    """

    def __init__(
        self, headers: Sequence[bytes], magic: bytes, *, start: int = 0, behaviour: Behaviour = honest
    ) -> None:
        self.headers = list(headers)
        self.magic = magic
        self.start = start
        self.behaviour = behaviour
        self.connections = 0
        """How many came."""
        self.received: list[str] = []
        """The commands of all messages, in order."""
        self.getheaders: list[list[bytes]] = []
        """The locators, in order."""
        self.complaints: list[str] = []
        """What clients said against the protocol."""
        self.sent = 0
        """How many bytes the peer has got rid of."""
        self.stop = threading.Event()
        self._positions = {block_hash(one): at for at, one in enumerate(self.headers)}
        if start:
            self._positions[self.headers[0][4:36]] = -1
        self._open: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._thread = threading.Thread(target=self._listen, daemon=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def height(self) -> int:
        return self.start + len(self.headers) - 1

    def following(self, locator: Sequence[bytes], stop: bytes = bytes(32)) -> list[bytes]:
        """The headers after the locator's first hash that is known, or else from the beginning, up to `stop`."""
        if not locator:
            return [self.headers[self._positions[stop]]] if self._positions.get(stop, -1) >= 0 else []
        beginning = -1 if self.start else 0
        first = 1 + next((self._positions[one] for one in locator if one in self._positions), beginning)
        last = self._positions.get(stop, len(self.headers))
        end = last + 1 if last >= first else len(self.headers)
        return self.headers[first : min(end, first + MOST_HEADERS)]

    def count(self, sent: int) -> None:
        with self._lock:
            self.sent += sent

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        for thread, connection in self._open.items():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()

    def _listen(self) -> None:
        while not self.stop.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._talk, args=(connection,), daemon=True)
            self._open[thread] = connection
            thread.start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            try:
                self.behaviour(Conversation(self, connection))
            except ProtocolError as error:
                self.complaints.append(str(error))
            except OSError:
                return


# -- misbehaviour ---------------------------------------------------------------------------------------------------


def _sending(change: Callable[[Peer, list[bytes]], bytes]) -> Behaviour:
    """Honest but for the payload of its `headers` messages, made of what an honest one would hold."""
    return _answering(lambda talk, headers: talk.say("headers", change(talk.peer, headers)))


def _answering(answer: Answer) -> Behaviour:
    def behave(talk: Conversation) -> None:
        talk.greet()
        talk.serve(answer)

    return behave


def says(data: bytes) -> Behaviour:
    """These bytes at once, then nothing more."""

    def behave(talk: Conversation) -> None:
        talk.say_raw(data)
        talk.linger()

    return behave


def introduced(version: Callable[[int], bytes]) -> Behaviour:
    """Honest, but for the payload of its `version`, made from its height; see `version_payload`."""

    def behave(talk: Conversation) -> None:
        talk.greet(version(talk.peer.height))
        talk.serve(_send)

    return behave


def closes_at_once(talk: Conversation) -> None:
    """Accepts the connection, and that is all."""


def mute(talk: Conversation) -> None:
    """Hears, and never says a word."""
    talk.linger()


def never_veracks(talk: Conversation) -> None:
    """Begins a handshake and never ends it."""
    talk.hear()
    talk.say("version", version_payload(talk.peer.height))
    talk.linger()


def closes_after_handshake(talk: Conversation) -> None:
    talk.greet()


def silent(talk: Conversation) -> None:
    """Shakes hands, and pongs, but never answers a question for headers."""
    talk.greet()
    talk.serve(lambda _talk, _headers: None)


def dies_after(messages: int) -> Behaviour:
    """Hangs up when it is asked for headers once more than this."""

    def behave(talk: Conversation) -> None:
        left = messages

        def answer(talk: Conversation, headers: list[bytes]) -> None:
            nonlocal left
            if not left:
                raise ConnectionAbortedError
            left -= 1
            _send(talk, headers)

        talk.greet()
        talk.serve(answer)

    return behave


def drips(seconds: float = 1.0) -> Behaviour:
    """Honest, but sends byte after byte from the first on, `seconds` apart."""

    def behave(talk: Conversation) -> None:
        talk.seconds_a_byte = seconds
        honest(talk)

    return behave


def drips_headers(seconds: float = 1.0) -> Behaviour:
    """As `drips`, after a handshake at full speed."""

    def behave(talk: Conversation) -> None:
        talk.greet()
        talk.seconds_a_byte = seconds
        talk.serve(_send)

    return behave


def stingy(count: int) -> Behaviour:
    """Honest, but sends no more than this many headers in a message. To a client that is the end of the chain."""
    return _sending(lambda _peer, headers: headers_payload(headers[:count]))


def random_bytes(talk: Conversation) -> None:
    says(random.Random(1).randbytes(100_000))(talk)  # noqa: S311 - the same in each run


def wrong_magic(talk: Conversation) -> None:
    """Belongs to another network, testnet3."""
    talk.magic = bytes.fromhex("0b110907")
    honest(talk)


def floods(talk: Conversation) -> None:
    """Shakes hands, then sends small messages without end, and hears nothing."""
    talk.greet()
    inventory = compact_size(1) + struct.pack("<I32s", 2, os.urandom(32))
    small = (("ping", os.urandom(8)), ("inv", inventory), ("xyzzy", b""), ("alert", bytes(100)))
    piece = b"".join(message(talk.magic, *one) for one in small) * 100
    while True:
        talk.say_raw(piece)


def floods_before_handshake(talk: Conversation) -> None:
    """Pings without end, and neither hears nor introduces itself."""
    piece = message(talk.magic, "ping", bytes(8)) * 500
    while True:
        talk.say_raw(piece)


@_answering
def four_gigabytes(talk: Conversation, headers: list[bytes]) -> None:
    """Its `headers` message claims all that fits in the length. 64 MB follow, for whoever takes them."""
    talk.say_raw(message(talk.magic, "headers", headers_payload(headers), length=0xFFFFFFFF))
    for _ in range(64):
        talk.say_raw(bytes(1_000_000))


@_answering
def bad_checksum(talk: Conversation, headers: list[bytes]) -> None:
    talk.say_raw(message(talk.magic, "headers", headers_payload(headers), checksum=b"\xde\xad\xbe\xef"))


@_answering
def not_found(talk: Conversation, headers: list[bytes]) -> None:
    """Answers, but not with headers."""
    talk.say("notfound", compact_size(1) + struct.pack("<I32s", 2, bytes(32)))


@_sending
def nothing_new(_peer: Peer, _headers: list[bytes]) -> bytes:
    """Says that there are no more headers, always."""
    return headers_payload([])


@_sending
def no_payload(_peer: Peer, _headers: list[bytes]) -> bytes:
    """Its `headers` message is empty: not even a count."""
    return b""


@_sending
def huge_count(_peer: Peer, headers: list[bytes]) -> bytes:
    """Claims 2**60 headers, and sends those that it has."""
    return compact_size(2**60) + headers_payload(headers)[len(compact_size(len(headers))) :]


@_sending
def truncated(_peer: Peer, headers: list[bytes]) -> bytes:
    """The last header lacks its end."""
    return headers_payload(headers)[:-7]


@_sending
def trailing(_peer: Peer, headers: list[bytes]) -> bytes:
    """Bytes follow the last header."""
    return headers_payload(headers) + b"more"


@_sending
def transactions(_peer: Peer, headers: list[bytes]) -> bytes:
    """Every header claims a transaction."""
    return headers_payload(headers, transactions=1)


@_sending
def too_many(peer: Peer, headers: list[bytes]) -> bytes:
    """2,001 headers in a message, of a chain that has them."""
    first = peer.headers.index(headers[0]) if headers else len(peer.headers)
    return headers_payload(peer.headers[first : first + MOST_HEADERS + 1])


@_sending
def repeats(peer: Peer, _headers: list[bytes]) -> bytes:
    """The chain's first headers again and again, whatever it is asked."""
    return headers_payload(peer.following([bytes(32)]))


def unlinked(position: int = 0) -> Behaviour:
    """Leaves out the header at this position of every message: at 0, what follows hangs on no hash of the locator."""
    return _sending(lambda _peer, headers: headers_payload(headers[:position] + headers[position + 1 :]))


def flipped(height: int) -> Behaviour:
    """One byte of the header at this height is another: it has no work, and the next hangs on something else."""

    def change(peer: Peer, headers: list[bytes]) -> bytes:
        good = peer.headers[height - peer.start]
        return headers_payload([without_work(one) if one == good else one for one in headers])

    return _sending(change)


MISBEHAVIOURS: dict[str, Behaviour] = {
    "closes at once": closes_at_once,
    "mute": mute,
    "never veracks": never_veracks,
    "closes after the handshake": closes_after_handshake,
    "silent": silent,
    "dies at the first question": dies_after(0),
    "dies after one message": dies_after(1),
    "drips": drips(),
    "drips headers": drips_headers(),
    "random bytes": random_bytes,
    "an HTTP server": says(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
    "wrong magic": wrong_magic,
    "floods": floods,
    "floods before the handshake": floods_before_handshake,
    "four gigabytes": four_gigabytes,
    "bad checksum": bad_checksum,
    "not found": not_found,
    "nothing new": nothing_new,
    "no payload": no_payload,
    "huge count": huge_count,
    "truncated": truncated,
    "trailing": trailing,
    "transactions": transactions,
    "too many": too_many,
    "repeats": repeats,
    "unlinked": unlinked(),
    "a gap": unlinked(1),
    "100 kB of agent": introduced(lambda height: version_payload(height, agent=b"A" * 100_000)),
    "escapes in its agent": introduced(
        lambda height: version_payload(height, agent=b"\x1b[2J\x1b]0;owned\x07\r\n/\xff\xfe\x00/")
    ),
    "2**60 of agent": introduced(lambda height: version_payload(height, agent=b"")[:80] + compact_size(2**60)),
    "an empty version": introduced(lambda _height: b""),
    "an ancient version": introduced(lambda height: version_payload(height, protocol=106, services=0)),
    "absurd numbers": introduced(
        lambda _height: version_payload(-(2**31), protocol=2**31 - 1, services=2**64 - 1, time=-(2**63))
    ),
}
"""All that need no more than a chain of some 2,001 headers or more, by name. After some a client may well go on: no
rule forbids an odd user agent, and `nothing new` is what an honest peer says that has no more."""
