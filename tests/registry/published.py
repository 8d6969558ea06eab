"""Registries as they are published: kept by us in a folder, and served by Python's own web server, which remembers."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from notary.registry.core.cosignature import cosign
from notary.registry.core.entry import KeyRotation, write_entry
from notary.registry.core.note import Note, VerifierKey, write_note
from notary.registry.core.tiles import Tile
from notary.registry.core.trusted import TrustedRegistry
from tests.registry.logs import LOG, ORIGIN, Keeper, Store, signed
from tests.registry.register import FILING_DATE, filed

NOW = 1_800_000_000


@dataclass
class Office:
    """A registry in a folder. A new key takes over when `keeper` is set."""

    folder: Path
    keeper: Keeper = field(default_factory=lambda: LOG)
    witnesses: tuple[Keeper, ...] = ()
    cosigned_at: int = NOW
    size: int = 0
    root: bytes = b""
    entries: list[bytes] = field(default_factory=list)
    store: Store = field(default_factory=Store)

    def add(self, entries: Iterable[Any]) -> None:
        """Adds entries, or their bytes, and publishes them."""
        data = [one if isinstance(one, bytes) else write_entry(one) for one in entries]
        appender = self.store.append(self.size, data)
        self.entries += data
        self.size, self.root = appender.size, appender.root
        self.publish()

    def note(self) -> Note:
        note = signed(self.size, self.root, self.keeper)
        for witness in self.witnesses:
            note = note.with_signature(cosign(note.text, self.cosigned_at, witness.key, witness.sign))
        return note

    def publish(self, note: bytes | None = None) -> None:
        self.store.publish(self.folder, write_note(self.note()) if note is None else note)

    def trusted(self, **changes: Any) -> TrustedRegistry:
        """The registry as a reader of the folder has it in his registries.toml."""
        given: dict[str, Any] = {"key": LOG.key, "offices": frozenset({"DE"})}
        if "url" not in changes:
            given["folder"] = str(self.folder)
        return TrustedRegistry(**{"origin": ORIGIN, **given, **changes})


def applications(start: int, end: int, mark: str = "") -> list[bytes]:
    """First filings with these running numbers; another mark makes another application of the same number."""
    return [
        write_entry(filed(number=f"10 2026 {at:06}.5", references=(("case", f"case {at}{mark}"),)))
        for at in range(start, end)
    ]


def rotation(to: VerifierKey) -> bytes:
    return write_entry(KeyRotation(to, FILING_DATE))


class Web(ThreadingHTTPServer):
    """Serves `folder`; `paths` were asked for, in order. `answer` may take a request over: it gives True then."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        self.paths: list[str] = []
        self.answer: Callable[[SimpleHTTPRequestHandler, str], bool] = lambda handler, path: False
        self.stop = threading.Event()
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def asked(self) -> list[str]:
        """What was asked for since the last call."""
        paths, self.paths = self.paths, []
        return paths


class _Handler(SimpleHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        path = self.path.removeprefix("/")
        self.server.paths.append(path)
        if not self.server.answer(self, path):
            super().do_GET()

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[Web]:
    """A web server for the folder while the block runs."""
    web = Web(folder)
    thread = threading.Thread(target=partial(web.serve_forever, poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield web
    finally:
        web.stop.set()
        web.shutdown()
        web.server_close()
        thread.join()


def remove(folder: Path, tiles: Iterable[Tile]) -> None:
    """Removes files, as a keeper may who has the full ones in their place."""
    for tile in tiles:
        (folder / tile.path).unlink()


def toml(*registries: TrustedRegistry) -> str:
    """The registries.toml that says so."""
    lines = list[str]()
    for one in registries:
        place = f'url = "{one.url}"' if one.url else f'folder = "{one.folder}"'
        offices = ", ".join(f'"{office}"' for office in sorted(one.offices))
        lines += ["[[registry]]", f'origin = "{one.origin}"', place, f'vkey = "{one.key}"', f"offices = [{offices}]"]
        if one.witnesses:
            witnesses = ", ".join(f'"{key}"' for key in one.witnesses)
            lines += [f"witnesses = [{witnesses}]", f"quorum = {one.quorum}"]
        if one.stale_after is not None:
            lines.append(f"stale_after = {one.stale_after}")
    return "\n".join([*lines, ""])
