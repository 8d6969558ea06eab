"""The embedded calendar: the OpenTimestamps calendar protocol over HTTP on loopback, upon the chain of `chain.py`.

It answers on one port:

    POST /digest, GET /timestamp/{hex}    as an OpenTimestamps calendar
    POST /                                as a Bitcoin node: getblockchaininfo, getblockcount, getblockhash,
                                          getblockheader
    POST /tsa                             as a time-stamping authority (`authority.py`)

Its state is one SQLite file, so that a later run knows what an earlier one promised, and two at a time agree.
"""

import json
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bitcoin.core import CBlock, CBlockHeader, b2lx
from opentimestamps.bitcoin import make_timestamp_from_block
from opentimestamps.core.notary import PendingAttestation
from opentimestamps.core.op import OpAppend, OpPrepend, OpSHA256
from opentimestamps.core.serialize import BytesSerializationContext
from opentimestamps.core.timestamp import Timestamp, make_merkle_tree

from notary import limits
from notary.core.header import CONFIRMATIONS
from notary.localnet.authority import Authority
from notary.localnet.chain import GENESIS_HEADER, MATURITY, funding_blocks, next_block

_HOST = "127.0.0.1"
_RECENT = 11

_SCHEMA = """
CREATE TABLE IF NOT EXISTS blocks (height INTEGER PRIMARY KEY, raw BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS commitments (commitment BLOB PRIMARY KEY, timestamp BLOB) STRICT;
CREATE TABLE IF NOT EXISTS address (uri TEXT NOT NULL) STRICT;
"""

Clock = Callable[[], datetime]
Randomness = Callable[[int], bytes]


class LocalNetwork:
    """The calendar and the chain, by their state file. `running` puts them behind a port."""

    def __init__(self, state: Path, clock: Clock, randomness: Randomness) -> None:
        self._state = state
        self._clock = clock
        self._randomness = randomness
        self.authority = Authority(state.with_name("authority.pem"), clock, randomness)
        self.uri = ""
        """The calendar's address as its attestations name it, now and in later runs."""
        self.address = ""
        """Where it answers in this run."""
        with self._transaction() as database:
            for statement in filter(str.strip, _SCHEMA.split(";")):
                database.execute(statement)
            if not database.execute("SELECT 1 FROM blocks LIMIT 1").fetchone():
                database.executemany(
                    "INSERT INTO blocks VALUES (?, ?)",
                    enumerate((block.serialize() for block in funding_blocks()), start=1),
                )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self._state, timeout=limits.EXCHANGE_SECONDS, isolation_level=None)
        try:
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.execute("COMMIT")
        finally:
            database.close()

    # -- the calendar -----------------------------------------------------------------------------------------------

    def submit(self, digest: bytes) -> bytes:
        """Promises to get `digest` into a block: a serialised timestamp that ends in a pending attestation."""
        timestamp = Timestamp(digest)
        noted = timestamp.ops.add(OpAppend(self._randomness(16))).ops.add(OpSHA256())
        received = int(self._clock().timestamp()).to_bytes(4, "big")
        promise = noted.ops.add(OpPrepend(received)).ops.add(OpAppend(self._randomness(8)))
        promise.attestations.add(PendingAttestation(self.uri))
        with self._transaction() as database:
            database.execute("INSERT INTO commitments VALUES (?, NULL)", (promise.msg,))
        return _serialised(timestamp)

    def look_up(self, commitment: bytes) -> bytes | None:
        """The serialised timestamp of `commitment`; empty while no block has it, None where it is unknown."""
        with self._transaction() as database:
            row = database.execute(
                "SELECT coalesce(timestamp, x'') FROM commitments WHERE commitment = ?", (commitment,)
            ).fetchone()
        return row and bytes(row[0])

    def mine(self) -> int | None:
        """Mines the block that attests what is pending, and five upon it. Its height, or None where nothing waits."""
        with self._transaction() as database:
            rows = database.execute("SELECT commitment FROM commitments WHERE timestamp IS NULL").fetchall()
            if not rows:
                return None
            promises = [Timestamp(bytes(row[0])) for row in rows]
            tip = make_merkle_tree([promise.ops.add(OpSHA256()) for promise in promises])
            height, block = self._add_block(database, tip.msg)
            tip.merge(make_timestamp_from_block(tip.msg, block, height))
            database.executemany(
                "UPDATE commitments SET timestamp = ? WHERE commitment = ?",
                ((_serialised(promise), promise.msg) for promise in promises),
            )
            for _ in range(CONFIRMATIONS - 1):
                self._add_block(database, None)
            return height

    def _add_block(self, database: sqlite3.Connection, commitment: bytes | None) -> tuple[int, CBlock]:
        rows = database.execute("SELECT height, raw FROM blocks ORDER BY height DESC LIMIT ?", (_RECENT,)).fetchall()
        height = rows[0][0] + 1
        recent = [CBlock.deserialize(raw).get_header().serialize() for _, raw in reversed(rows)]
        (funding,) = database.execute("SELECT raw FROM blocks WHERE height = ?", (height - MATURITY,)).fetchone()
        now = int(self._clock().timestamp())
        block = next_block(height, recent, CBlock.deserialize(funding), now, commitment)
        database.execute("INSERT INTO blocks VALUES (?, ?)", (height, block.serialize()))
        return height, block

    # -- the node ---------------------------------------------------------------------------------------------------

    def blocks(self) -> list[bytes]:
        """All blocks from height 1 on, serialised."""
        with self._transaction() as database:
            return [bytes(raw) for (raw,) in database.execute("SELECT raw FROM blocks ORDER BY height")]

    def answer(self, method: object, parameters: Any) -> object:
        """What a Bitcoin node would answer to one of four calls. Raises KeyError where it would not know."""
        with self._transaction() as database:
            if method == "getblockchaininfo":
                return {"chain": "regtest", "blocks": self._height(database)}
            if method == "getblockcount":
                return self._height(database)
            headers = {0: GENESIS_HEADER} | {
                height: raw[: len(GENESIS_HEADER)] for height, raw in database.execute("SELECT height, raw FROM blocks")
            }
        if method == "getblockhash":
            return b2lx(CBlockHeader.deserialize(headers[parameters[0]]).GetHash())
        if method == "getblockheader":
            by_hash = {b2lx(CBlockHeader.deserialize(raw).GetHash()): raw for raw in headers.values()}
            return by_hash[parameters[0]].hex()
        raise KeyError(method)

    def _height(self, database: sqlite3.Connection) -> int:
        height: int = database.execute("SELECT max(height) FROM blocks").fetchone()[0]
        return height

    # -- the port ---------------------------------------------------------------------------------------------------

    def listen(self) -> ThreadingHTTPServer:
        """A server on the port that earlier runs promised, or, while another process has it, on a free one."""
        with self._transaction() as database:
            row = database.execute("SELECT uri FROM address").fetchone()
            port = int(row[0].rpartition(":")[2]) if row else 0
            try:
                server = _Server((_HOST, port), self)
            except OSError:
                server = _Server((_HOST, 0), self)
            self.address = f"http://{_HOST}:{server.server_address[1]}"
            if not row:
                database.execute("INSERT INTO address VALUES (?)", (self.address,))
            self.uri = row[0] if row else self.address
        return server

    @property
    def tsa_url(self) -> str:
        """Where the time-stamping authority answers in this run."""
        return f"{self.address}/tsa"

    @property
    def tsa_root(self) -> bytes:
        """The authority's root certificate, in PEM."""
        return self.authority.root

    def route(self, uri: str) -> str:
        """Where to ask a calendar in this run: itself, unless it is this one."""
        return self.address if uri == self.uri else uri


@contextmanager
def running(folder: Path, clock: Clock, randomness: Randomness) -> Iterator[LocalNetwork]:
    """The embedded network whose state is in `folder`, answering on loopback until the block ends."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    network = LocalNetwork(folder / "network.db", clock, randomness)
    with network.listen() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield network
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Another process's port must not be shared; only one that has just been left may be taken again.
    allow_reuse_address = hasattr(socket, "SO_REUSEADDR") and not hasattr(socket, "SO_EXCLUSIVEADDRUSE")

    def __init__(self, address: tuple[str, int], network: LocalNetwork) -> None:
        super().__init__(address, _Handler)
        self.network = network


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = limits.READ_SECONDS
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            self._reply(413, b"too long")
        elif self.path == "/digest":
            self._digest(body)
        elif self.path == "/tsa":
            self._reply(200, self.server.network.authority.answer(body), "application/timestamp-reply")
        elif self.path == "/":
            self._call(body)
        else:
            self._reply(404, b"not found")

    def do_GET(self) -> None:
        prefix, _, commitment = self.path.rpartition("/")
        try:
            found = self.server.network.look_up(bytes.fromhex(commitment)) if prefix == "/timestamp" else None
        except ValueError:
            found = None
        if found:
            self._reply(200, found, "application/octet-stream")
        else:
            self._reply(
                404, b"Commitment not found" if found is None else b"Pending confirmation in Bitcoin blockchain"
            )

    def _digest(self, digest: bytes) -> None:
        if len(digest) == 32:
            self._reply(200, self.server.network.submit(digest), "application/octet-stream")
        else:
            self._reply(400, b"a digest has 32 bytes")

    def _call(self, body: bytes) -> None:
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):
            request = None
        if isinstance(request, list) and request:
            self._reply(200, json.dumps([self._answer(one) for one in request]).encode(), "application/json")
        else:
            answer = self._answer(request)
            self._reply(500 if answer["error"] else 200, json.dumps(answer).encode(), "application/json")

    def _answer(self, request: Any) -> dict[str, object]:
        result, error = None, None
        try:
            result = self.server.network.answer(request["method"], request["params"])
        except (KeyError, TypeError, IndexError):
            error = {"code": -8, "message": "Block height out of range"}
        return {"result": result, "error": error, "id": request.get("id") if isinstance(request, dict) else None}

    def _body(self) -> bytes | None:
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError:
            return None
        return self.rfile.read(length) if 0 <= length <= limits.REPLY_BYTES else None

    def _reply(self, status: int, body: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives
        """Nothing: the command line reports what matters."""


def _serialised(timestamp: Timestamp) -> bytes:
    context = BytesSerializationContext()
    timestamp.serialize(context)
    return bytes(context.getbytes())
