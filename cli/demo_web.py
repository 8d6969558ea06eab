"""A web server on loopback for a folder of static files: all that a registry needs to be read from afar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from notary import limits


class Web(ThreadingHTTPServer):
    """Serves `folder`, which may be exchanged while it runs."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def finish_request(self, request: Any, client_address: Any) -> None:
        _Handler(request, client_address, self, directory=str(self.folder))


class _Handler(SimpleHTTPRequestHandler):
    """What `python -m http.server` answers."""

    timeout = limits.READ_SECONDS

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives
        """Nothing: the demo tells its story."""


@contextmanager
def serving(folder: Path) -> Iterator[Web]:
    """The folder on a free port, until the block ends."""
    with Web(folder) as web:
        thread = Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield web
        finally:
            web.shutdown()
            thread.join()
