"""A real Bitcoin node on regtest, on free ports, in a folder of its own."""

import os
import shutil
import socket
import subprocess
from pathlib import Path
from time import monotonic, sleep

from notary.localnet.calendar import LocalNetwork

_FOLDER = Path(__file__).parents[2] / ".parties" / "bitcoin"
_START_SECONDS = 60


def find_bitcoind() -> Path | None:
    """NOTARY_TEST_BITCOIND, or where `get_bitcoind .parties/bitcoin` puts it, or the one on the PATH."""
    named = os.environ.get("NOTARY_TEST_BITCOIND")
    for candidate in (named, _FOLDER / "bitcoind", shutil.which("bitcoind")):
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Bitcoind:
    """Started when it is made; its chain is empty but for the genesis block."""

    def __init__(self, program: Path, folder: Path, *more_options: str) -> None:
        self.folder = folder
        self.port = _free_port()
        self._client = program.with_name("bitcoin-cli")
        self._blocks_fed = 0
        options = (
            "-regtest",
            f"-datadir={folder}",
            f"-rpcport={self.port}",
            "-listen=0",
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

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(_START_SECONDS)
