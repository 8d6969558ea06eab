"""A server on loopback that says exactly what a test tells it, and remembers what it was asked."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

Answer = Callable[[socket.socket], None]


class RudeServer:
    """Every connection gets `answer`: bytes to send at once, or a function that does as it likes with the socket."""

    def __init__(self) -> None:
        self.answer: Answer | bytes = b""
        self.requests: list[bytes] = []
        self.stop = threading.Event()
        self._tls: ssl.SSLContext | None = None
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.host}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def speak_tls(self, certificate: Path, key: Path) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)

    def drip(self, data: bytes, seconds: float) -> Answer:
        """Sends byte after byte, `seconds` apart."""

        def answer(connection: socket.socket) -> None:
            for byte in data:
                connection.sendall(bytes([byte]))
                if self.stop.wait(seconds):
                    return

        return answer

    def flood(self, head: bytes, megabytes: int) -> tuple[Answer, list[int]]:
        """Sends `head` and then zeros; the list tells how many megabytes were taken."""
        taken = [0]

        def answer(connection: socket.socket) -> None:
            connection.sendall(head)
            for _ in range(megabytes):
                if self.stop.is_set():
                    return
                connection.sendall(bytes(1_000_000))
                taken[0] += 1

        return answer, taken

    def _serve(self) -> None:
        while not self.stop.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with suppress(OSError), connection:
            speaking = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            with speaking:
                self.requests.append(_request(speaking))
                if isinstance(self.answer, bytes):
                    speaking.sendall(self.answer)
                else:
                    self.answer(speaking)


def _request(connection: socket.socket) -> bytes:
    """One whole request: a server that closes with bytes unread makes the kernel reset the connection."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return received
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def reply(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A well-formed HTTP reply."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
