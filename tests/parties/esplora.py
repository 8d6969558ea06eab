"""A block explorer with Esplora's interface on loopback: honest, or misbehaving as a test tells it."""

import gzip
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from typing import Self

from tests.parties.peer import block_hash, without_work


class Exchange:
    """One request, and the way to answer it."""

    def __init__(self, explorer: "Esplora", path: str, connection: socket) -> None:
        self.explorer = explorer
        self.path = path
        self.connection = connection

    def look_up(self) -> str | None:
        """The text of an honest answer, if there is what was asked for."""
        return self.explorer.chain.look_up(self.path)

    def answer(self, text: str | None) -> None:
        """The text, or that there is none."""
        if text is None:
            self.reply(404, "Block not found")
        else:
            self.reply(200, text)

    def reply(self, status: int, text: str, *headers: str, kind: str = "text/plain") -> None:
        self.send(response(status, text.encode(), *headers, kind=kind))

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)
        self.explorer.sent += len(data)


Behaviour = Callable[[Exchange], None]
"""What an explorer does with a request; when it returns, the connection ends."""


def response(status: int, body: bytes, *headers: str, kind: str = "text/plain") -> bytes:
    """A well-formed HTTP response."""
    lines = (f"HTTP/1.1 {status} Told", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join((*lines, "Connection: close", "", "")).encode("latin-1") + body


def honest(exchange: Exchange) -> None:
    exchange.answer(exchange.look_up())


class _Chain:
    """Headers by height and by hash."""

    def __init__(self, headers: Sequence[bytes], start: int) -> None:
        self.headers = list(headers)
        self.start = start
        self._by_hash = {shown(one): one for one in self.headers}

    def at(self, height: int) -> bytes | None:
        position = height - self.start
        return self.headers[position] if 0 <= position < len(self.headers) else None

    def look_up(self, path: str) -> str | None:
        """The text at a path, if there is one."""
        if found := re.fullmatch(r"/api/block-height/(\d{1,12})", path):
            header = self.at(int(found[1]))
            return shown(header) if header else None
        if found := re.fullmatch(r"/api/block/([0-9a-fA-F]{64})/header", path):
            header = self._by_hash.get(found[1].lower())
            return header.hex() if header else None
        tip = {"height": str(self.start + len(self.headers) - 1), "hash": shown(self.headers[-1])}
        return tip.get(path.removeprefix("/api/blocks/tip/"))


class Esplora:
    """Serves `headers`, whose heights begin at `start`, and remembers what it was asked."""

    def __init__(self, headers: Sequence[bytes], *, start: int = 0, behaviour: Behaviour = honest) -> None:
        self.chain = _Chain(headers, start)
        self.behaviour = behaviour
        self.requests: list[str] = []
        """The paths, in order."""
        self.sent = 0
        """How many bytes of answers the explorer has got rid of."""
        self.stop = threading.Event()
        self._open: set[socket] = set()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/api"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._server.shutdown()
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(SHUT_RDWR)
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        explorer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                explorer.requests.append(self.path)
                explorer._open.add(self.connection)
                with suppress(OSError):
                    explorer.behaviour(Exchange(explorer, self.path, self.connection))
                explorer._open.discard(self.connection)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """Clients that leave early are no news here."""


def shown(header: bytes) -> str:
    """A header's hash as explorers show it."""
    return block_hash(header)[::-1].hex()


# -- misbehaviour ---------------------------------------------------------------------------------------------------


def _changing(change: Callable[[str], str]) -> Behaviour:
    """Honest, but for the text of its good answers."""

    def behave(exchange: Exchange) -> None:
        text = exchange.look_up()
        exchange.answer(None if text is None else change(text))

    return behave


def says(status: int, text: str, *headers: str, kind: str = "text/plain") -> Behaviour:
    """The same to everything."""
    return lambda exchange: exchange.reply(status, text, *headers, kind=kind)


def lies(height: int, replacement: Sequence[bytes]) -> Behaviour:
    """From `height` on, serves these headers in place of its own; what comes after them is its own again."""
    other = _Chain(replacement, height)

    def behave(exchange: Exchange) -> None:
        exchange.answer((None if "/tip/" in exchange.path else other.look_up(exchange.path)) or exchange.look_up())

    return behave


def hash_that_fits_nothing(exchange: Exchange) -> None:
    """Gives a hash of no header for a height, and the height's header for that hash."""
    if found := re.fullmatch(r"/api/block/([0-9a-f]{64})/header", exchange.path):
        exchange.answer(exchange.explorer.chain.look_up(f"/api/block/{_other(found[1])}/header"))
    else:
        text = exchange.look_up()
        exchange.answer(text and _other(text))


def _other(digits: str) -> str:
    """Other digits; of these, the first again."""
    return bytes(byte ^ 0x5A for byte in bytes.fromhex(digits)).hex()


def header_of_other_bytes(exchange: Exchange) -> None:
    """Gives the right hash for a height, and for the hash a header in which a byte is another."""
    text = exchange.look_up()
    if text and exchange.path.endswith("/header"):
        text = without_work(bytes.fromhex(text)).hex()
    exchange.answer(text)


def redirects(to: str | None = None) -> Behaviour:
    """302 to an address, or to itself."""
    return lambda exchange: exchange.reply(302, "", f"Location: {to or exchange.path}")


def gigabyte(exchange: Exchange) -> None:
    """A billion digits; no length is told."""
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n")
    for _ in range(1_000):
        exchange.send(b"0" * 1_000_000)


def gzip_bomb(exchange: Exchange) -> None:
    """A hundred million digits in a hundred kilobytes."""
    body = gzip.compress(b"0" * 100_000_000, compresslevel=1)
    exchange.send(response(200, body, "Content-Encoding: gzip"))


def endless_headers(exchange: Exchange) -> None:
    """An HTTP header without end."""
    exchange.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    for _ in range(1_000):
        exchange.send(b"0" * 1_000_000)


def hangs(seconds: float = 60.0) -> Behaviour:
    """Honest, after a while."""

    def behave(exchange: Exchange) -> None:
        if not exchange.explorer.stop.wait(seconds):
            honest(exchange)

    return behave


def drips(seconds: float = 1.0) -> Behaviour:
    """Honest, byte after byte, `seconds` apart."""

    def behave(exchange: Exchange) -> None:
        text = exchange.look_up()
        for byte in response(404 if text is None else 200, (text or "").encode()):
            exchange.send(bytes([byte]))
            if exchange.explorer.stop.wait(seconds):
                return

    return behave


def closes_at_once(exchange: Exchange) -> None:
    """Takes the request, and that is all."""


def not_http(exchange: Exchange) -> None:
    exchange.send(b"SSH-2.0-OpenSSH_9.2\r\n")


upper_case = _changing(str.upper)
ends_its_line = _changing(lambda text: f"{text}\n")
lacks_a_digit = _changing(lambda text: text[:-1])
says_too_much = _changing(lambda text: text + "00")
html = says(200, "<!DOCTYPE html><html><title>\x1b[2JPlease log in</title></html>", kind="text/html")

MISBEHAVIOURS: dict[str, Behaviour] = {
    "hash that fits nothing": hash_that_fits_nothing,
    "header of other bytes": header_of_other_bytes,
    "redirects to itself": redirects(),
    "redirects elsewhere": redirects("http://127.0.0.1:1/"),
    "redirects to a file": redirects("file:///etc/hostname"),
    "a gigabyte": gigabyte,
    "a gzip bomb": gzip_bomb,
    "endless HTTP headers": endless_headers,
    "500": says(500, "Internal error \x1b[2J"),
    "429": says(429, "Too many requests", "Retry-After: 86400"),
    "404 to everything": says(404, "Block not found"),
    "nothing": says(200, ""),
    "HTML": html,
    "not a number": says(200, "zz" * 80),
    "digits that are not ASCII": says(200, "\u0663" * 160),
    "hangs": hangs(),
    "drips": drips(),
    "closes at once": closes_at_once,
    "not HTTP": not_http,
    "lacks a digit": lacks_a_digit,
    "says too much": says_too_much,
}
"""By name, all that give no good answer, whatever the chain. `lies` needs a chain of its own; `upper_case` and
`ends_its_line` give answers that a client may take."""
