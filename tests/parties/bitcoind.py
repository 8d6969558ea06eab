"""A real Bitcoin node on regtest, on free ports, in a folder of its own."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

import requests

from notary.localnet.calendar import LocalNetwork

_FOLDER = Path(__file__).parents[2] / ".parties" / "bitcoin"
_START_SECONDS = 60
_BATCH = 10_000


def find_bitcoind() -> Path | None:
    """NOTARY_TEST_BITCOIND, or where `get_bitcoind .parties/bitcoin` puts it, or the one on the PATH."""
    named = os.environ.get("NOTARY_TEST_BITCOIND")
    for candidate in (named, _FOLDER / "bitcoind", shutil.which("bitcoind")):
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    return None


def _free_ports(count: int) -> list[int]:
    """Taken together, so that no port comes twice."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


class Bitcoind:
    """Started when it is made; its chain is empty but for the genesis block. Other nodes reach it at `p2p`."""

    def __init__(self, program: Path, folder: Path, *more_options: str) -> None:
        self.folder = folder
        self.port, p2p_port = _free_ports(2)
        self.p2p = f"127.0.0.1:{p2p_port}"
        self._client = program.with_name("bitcoin-cli")
        self._blocks_fed = 0
        self._times_mined = 0
        options = (
            "-regtest",
            f"-datadir={folder}",
            f"-rpcport={self.port}",
            "-listen=1",
            f"-bind={self.p2p}",
            "-discover=0",
            "-dnsseed=0",
            "-fixedseeds=0",
            "-listenonion=0",
            "-natpmp=0",
            "-server",
            "-printtoconsole=0",
        )
        self._process = subprocess.Popen(
            [program, *options, *more_options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = monotonic() + _START_SECONDS
        while True:
            try:
                self.call("getblockcount")
                break
            except subprocess.CalledProcessError:
                assert monotonic() < deadline, f"bitcoind did not start; see {folder}"
                sleep(0.1)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cookie(self) -> Path:
        return self.folder / "regtest" / ".cookie"

    @property
    def url_with_login(self) -> str:
        return f"http://{self.cookie.read_text()}@127.0.0.1:{self.port}"

    def call(self, *arguments: str) -> str:
        """`bitcoin-cli` with this node."""
        options = ("-regtest", f"-datadir={self.folder}", f"-rpcport={self.port}")
        done = subprocess.run([self._client, *options, *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def feed(self, network: LocalNetwork) -> None:
        """Submits the embedded network's blocks that it has not got yet. A refused one is an error."""
        blocks = network.blocks()
        for block in blocks[self._blocks_fed :]:
            assert self.call("submitblock", block.hex()) == ""
        self._blocks_fed = len(blocks)
        assert self.call("getblockcount") == str(len(blocks))

    def mine(self, count: int) -> list[str]:
        """The hashes of new blocks. Each call pays to another script: no block comes again after `invalidate`."""
        self._times_mined += 1
        mined = json.loads(self.call("generatetodescriptor", str(count), f"raw(04{self._times_mined:08x})"))
        return [str(one) for one in mined]

    def headers(self) -> list[bytes]:
        """The best chain's, from the genesis block on, 80 bytes each."""
        height = int(self.call("getblockcount"))
        hashes = self._batch("getblockhash", ([at] for at in range(height + 1)))
        return [bytes.fromhex(one) for one in self._batch("getblockheader", ([one, False] for one in hashes))]

    def invalidate(self, block: str) -> None:
        """The node goes back to the block before this one, or over to another branch."""
        self.call("invalidateblock", block)

    def _batch(self, method: str, parameters: Iterable[list[object]]) -> list[str]:
        """One method's results for many parameters, in few requests."""
        calls = [{"id": at, "method": method, "params": one} for at, one in enumerate(parameters)]
        results: list[str] = []
        for at in range(0, len(calls), _BATCH):
            answer = requests.post(self.url_with_login, json=calls[at : at + _BATCH], timeout=_START_SECONDS)
            answer.raise_for_status()
            results += [one["result"] for one in sorted(answer.json(), key=lambda one: int(one["id"]))]
        return results

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(_START_SECONDS)
