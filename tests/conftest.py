"""What all tests share: the command line as users run it, the embedded network, and real parties."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from notary.localnet.calendar import LocalNetwork, running
from tests.parties.bitcoind import Bitcoind, find_bitcoind

ROOT = Path(__file__).parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"

# Under .ci/run a real party that is missing is a failure, not a skip.
REQUIRES_PARTIES = bool(os.environ.get("NOTARY_REQUIRE_PARTIES"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = {
        "shared_data": None if SHARED_DATA.is_dir() else "needs ../shared/data, which is not part of this repository",
        "bitcoind": None if find_bitcoind() else "needs a Bitcoin node: tests/parties/get_bitcoind .parties/bitcoin",
    }
    for item in items:
        if item.get_closest_marker("slow") and not os.environ.get("NOTARY_SLOW_TESTS"):
            item.add_marker(pytest.mark.skip(reason="slow: set NOTARY_SLOW_TESTS=1"))
        for marker, reason in missing.items():
            if reason and item.get_closest_marker(marker) and not (marker == "bitcoind" and REQUIRES_PARTIES):
                item.add_marker(pytest.mark.skip(reason=reason))


@dataclass(frozen=True)
class Result:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Notary:
    """The installed `notary` program, in a folder and with a ledger of its own."""

    program = Path(sys.executable).with_name("notary")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("NOTARY_")}
        self.environment |= {
            "NOTARY_LEDGER": str(folder / "ledger" / "ledger.db"),
            "NOTARY_CONFIG": "",
            "XDG_CONFIG_HOME": str(folder / "configuration"),
            # No test asks anybody in the world outside.
            "NOTARY_PEERS": "",
            "NOTARY_EXPLORERS": "",
        }

    def __call__(self, *arguments: str | Path) -> Result:
        ended = subprocess.run(self.command(*arguments), **self.options(), timeout=120)
        assert "Traceback" not in ended.stderr, ended.stderr
        return Result(ended.returncode, ended.stdout, ended.stderr)

    def command(self, *arguments: str | Path) -> list[str]:
        return [str(self.program), *map(str, arguments)]

    def options(self) -> dict[str, Any]:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return {"cwd": self.folder, "env": self.environment, "text": True, "errors": "surrogateescape", **pipes}

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """The command in the background, in a process group of its own."""
        return subprocess.Popen(self.command(*arguments), **self.options(), start_new_session=True)

    def interrupt(self, *arguments: str | Path, after: float) -> None:
        """The command, with Ctrl-C so many seconds later, if it is not done by then: it says so and nothing else."""
        process = self.start(*arguments)
        try:
            process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGINT)
            _, err = process.communicate(timeout=30)
            if "init_import_site" in err:  # on a busy machine Python itself is not up yet
                return
            assert process.returncode in (130, -signal.SIGINT, 0), err
            assert "interrupted" in err or process.returncode <= 0, err


@pytest.fixture
def notary(tmp_path: Path) -> Notary:
    return Notary(tmp_path)


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    """The samples, in a folder of their own."""
    folder = tmp_path / "evidence"
    shutil.copytree(ROOT / "samples" / "evidence", folder)
    return folder


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def local_network(tmp_path: Path) -> Iterator[LocalNetwork]:
    """The embedded calendar and chain, answering on loopback as servers of somebody else's."""
    with running(tmp_path / "network", now, os.urandom) as network:
        yield network


@pytest.fixture(scope="session")
def bitcoind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Bitcoind]]:
    """Starts real regtest nodes with the options given, each with an empty chain; they end with the session."""
    program = find_bitcoind()
    assert program is not None, "NOTARY_REQUIRE_PARTIES is set, and there is no bitcoind"
    nodes: list[Bitcoind] = []

    def start(*options: str) -> Bitcoind:
        nodes.append(Bitcoind(program, tmp_path_factory.mktemp("bitcoind"), *options))
        return nodes[-1]

    yield start
    for node in nodes:
        node.stop()


@contextmanager
def small_file_system(folder: Path, size: str) -> Iterator[Path]:
    """A new folder with room for so much, where this machine lets us mount one."""
    folder.mkdir()
    command = [shutil.which("mount") or "false", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
    if subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
