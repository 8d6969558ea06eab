"""What following a registry costs, at three sizes: the first time, when it has grown, when it has not; and a search.

Each is a fresh process that reads from `python -m http.server`.
"""

import hashlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import perf_counter, process_time, sleep

from notary.registry.core.entry import write_entry
from notary.registry.core.log import Appender
from notary.registry.core.note import write_note
from notary.registry.core.tiles import Tile
from notary.registry.core.trusted import TrustedRegistry
from notary.registry.edges.followed import open_followed
from notary.registry.following import Follower
from notary.registry.heads import State
from notary.registry.searching import look_up
from tests.benchmarks.measuring import Figure, Job, Row, Setting, anew, in_fresh_process, own_memory
from tests.registry.logs import LOG, ORIGIN, signed
from tests.registry.register import filed

GROWTH = 1000


def following(setting: Setting) -> Iterator[Row]:
    """following a registry of 10,000 to 1,000,000 entries: first sync, 1,000 new ones, nothing new, a look-up"""
    for size in dict.fromkeys(setting.scaled(size, least=10) for size in (10_000, 100_000, 1_000_000)):
        folder = anew(setting.folder / "registry")
        in_fresh_process(publish, folder, 0, size)
        with _served(folder) as url:
            state = anew(setting.folder / "followed")
            seconds, cpu, memory = in_fresh_process(sync, url, state, size)
            yield Row(f"{size:,} entries: first sync, CPU", Figure((cpu,)), None)
            yield Row(f"{size:,} entries: first sync, from the web", Figure((seconds,)), None)
            yield Row(f"{size:,} entries: first sync, peak memory", Figure((memory,)), 300, unit="MB")
            nothing = [in_fresh_process(sync, url, state, size)[0] for _ in range(setting.runs)]
            yield Row(f"{size:,} entries: sync of nothing new", Figure(tuple(nothing)), 0.2)
            grown = list[float]()
            for run in range(1, setting.runs + 1):
                in_fresh_process(publish, folder, size + (run - 1) * GROWTH, size + run * GROWTH)
                grown.append(in_fresh_process(sync, url, state, size + run * GROWTH)[0])
            yield Row(f"{size:,} entries: sync of {GROWTH:,} new ones", Figure(tuple(grown)), 2)
            found = in_fresh_process(searches, state, size, setting.runs)
            yield Row(f"{size:,} entries: look-up of one by its number", Figure(found), 0.05)


def publish(folder: Path, start: int, end: int) -> None:
    """Grows the registry in `folder` from `start` entries to `end`."""

    def read(tile: Tile) -> bytes:
        return (folder / tile.path).read_bytes()

    def write(tile: Tile, data: bytes) -> None:
        path = folder / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    appender = Appender(start, read)
    entries = (
        write_entry(filed(number=_number(at), digest=hashlib.sha256(b"%d" % at).digest())) for at in range(start, end)
    )
    for tile, data in appender.add(entries):
        write(tile, data)
    for tile, data in appender.edge():
        write(tile, data)
    (folder / "checkpoint").write_bytes(write_note(signed(appender.size, appender.root)))


def sync(url: str, folder: Path, size: int) -> tuple[float, float, float]:
    """Seconds, CPU seconds and the peak in MB of a sync that ends with `size` entries."""
    registry = TrustedRegistry(ORIGIN, LOG.key, frozenset({"DE"}), url=url)
    begin, cpu = perf_counter(), process_time()
    with open_followed(folder / "followed.db") as followed:
        (synced,) = Follower(followed, folder, 0).sync([registry])
    seconds, cpu = perf_counter() - begin, process_time() - cpu
    assert synced.state is State.FOLLOWED, synced.problem
    assert synced.seen is not None
    assert synced.seen.entries == size
    return seconds, cpu, own_memory("VmHWM")


def searches(folder: Path, size: int, runs: int) -> tuple[float, ...]:
    """Seconds of each look-up, each of another number."""
    registry = TrustedRegistry(ORIGIN, LOG.key, frozenset({"DE"}), url="http://127.0.0.1")
    taken = list[float]()
    for run in range(runs):
        begin = perf_counter()
        with open_followed(folder / "followed.db") as followed:
            (hit,) = look_up(followed, "DE", _number(size * (run + 1) // (runs + 1)), [registry])
        taken.append(perf_counter() - begin)
        assert hit.is_exact
    return tuple(taken)


def _number(at: int) -> str:
    return f"10 2026 {at:07}.5"


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


JOBS: dict[str, Job] = {"following": following}
