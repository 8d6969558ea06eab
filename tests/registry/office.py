"""An office that keeps a registry through the command line, and its folder as everybody sees it."""

import csv
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any
from unittest.mock import patch

from tlog_scales.backend import LocalBackend, TilesBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey

from notary.cli.app import run
from notary.registry.core.cosignature import cosign
from notary.registry.core.entry import read_entry
from notary.registry.core.history import Logged
from notary.registry.core.log import leaf_hash
from notary.registry.core.note import Note
from tests.conftest import Notary, Result
from tests.registry.logs import Keeper

ORIGIN = "registry.example/ip"
PACKAGE = b"the package as it was filed"


def row(number: int, **changes: str) -> dict[str, str]:
    """A first filing as a CSV has it."""
    return {
        "office": "XX",
        "number": f"2026/{number:06}",
        "right": "patent",
        "filing_date": "2026-03-12",
        "digest": hashlib.sha256(PACKAGE).hexdigest(),
        **changes,
    }


@dataclass
class Office:
    """Runs `notary registry` on one folder, within this process; `vkey` is that of its first key."""

    notary: Notary
    folder: Path
    vkey: str = ""

    def __call__(self, command: str, *arguments: str | Path) -> Result:
        out, err = StringIO(), StringIO()
        with patch.dict(os.environ, self.notary.environment, clear=True), redirect_stdout(out), redirect_stderr(err):
            code = run(["registry", command, str(self.folder), *map(str, arguments), "--json"])
        return Result(code, out.getvalue(), err.getvalue())

    def done(self, command: str, *arguments: str | Path) -> Any:
        """The JSON of a command that must not fail."""
        result = self(command, *arguments)
        assert result.code == 0, result.err
        return result.json

    def init(self) -> None:
        self.vkey = self.done("init", "--origin", ORIGIN, "--no-passphrase")["vkey"]

    def csv(self, rows: Iterable[dict[str, str]]) -> Path:
        rows = list(rows)
        path = self.folder.with_name("rows.csv")
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(dict.fromkeys(key for one in rows for key in one)))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def add(self, rows: Iterable[dict[str, str]], *options: str) -> Any:
        return self.done("add", "--csv", self.csv(rows), *options)

    def publish(self, *options: str | Path) -> Any:
        return self.done("publish", "--network", "local", *options)

    @property
    def private(self) -> Path:
        (database,) = Path(self.notary.environment["NOTARY_LEDGER"]).parent.glob("registries/*/register.db")
        return database.parent

    def logged(self) -> list[Logged]:
        """The entries as the core reads them."""
        data = [
            json.dumps(one, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() for one in self.read()
        ]
        return [Logged(index, leaf_hash(one), read_entry(one)) for index, one in enumerate(data)]

    def files(self) -> dict[str, bytes]:
        """All that is published."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()
        }

    def read(self, backend: TilesBackend | None = None, vkey: str = "") -> list[dict[str, Any]]:
        """The entries, as tlog-scales finds them; the signature and the root have to be right."""
        reader = TilesReader(backend or LocalBackend(self.folder))
        checkpoint = reader.get_checkpoint()
        checkpoint.verify(Vkey.from_string(vkey or self.vkey))
        assert reader.calculate_root_hash() == checkpoint.root_hash
        return [json.loads(reader.get_entry(index)) for index in range(checkpoint.size)]


def cosigned_by(note: Note, witness: Keeper) -> Note:
    """The checkpoint with a witness's line on it."""
    return note.with_signature(cosign(note.text, 1_790_000_000, witness.key, witness.sign))


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder on loopback, by the standard library's server for files: what `python -m http.server` runs."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
