"""Hashing on a cluster: a real Dask scheduler, real workers, some of which die, are blind or are not there."""

import os
import random
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

import pytest
from distributed import Client

from notary import __version__
from notary.core.header import network_named
from notary.edges import cluster
from notary.edges.ledger import open_ledger
from notary.errors import InputError, SystemFailureError, UnreadableError
from notary.gathering import Hashers, Progress, cluster_hashers, local_hashers
from notary.outside import Outside
from notary.stamping import Order, Stamped, stamp
from tests.conftest import REQUIRES_PARTIES, Notary
from tests.parties.scheduler import Scheduler

FILES = 2000
LARGE = {"large.bin": 3 << 20, "larger.bin": 250 << 20, "after.bin": 1 << 20}
LOCAL = network_named("local")
NOBODY = "tcp://127.0.0.1:9"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scheduler]:
    """A scheduler with two workers that nobody hurts."""
    scheduler = Scheduler(tmp_path_factory.mktemp("pair"))
    try:
        scheduler.worker("anna")
        scheduler.worker("bert")
        yield scheduler
    finally:
        scheduler.stop()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Callable[..., Scheduler]]:
    """Starts schedulers for one test each, without workers."""
    started: list[Scheduler] = []

    def start(**settings: str) -> Scheduler:
        folder = tmp_path / f"scheduler{len(started)}"
        folder.mkdir()
        started.append(Scheduler(folder, **settings))
        return started[-1]

    yield start
    for scheduler in started:
        scheduler.stop()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    for number in range(FILES):
        path = folder / f"{number % 20:02}" / f"{number:04}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number}\n" * 20)
    return folder


def stamped(folder: Path, hashers: Hashers, ledger: str, progress: Progress = lambda count: None) -> Stamped:
    """A stamp at one moment with one key, whoever hashes: its head depends on the files only."""
    moment, randomness = datetime(2026, 1, 1, tzinfo=UTC), random.Random(1).randbytes  # noqa: S311 - repeatable
    outside = Outside(lambda: moment, randomness, folder.parent / f"{ledger}.localnet")
    with open_ledger(folder.parent / f"{ledger}.db") as opened:
        return stamp(Order((folder,), LOCAL, (), 1), opened, outside, hashers=hashers, progress=progress)


def local_head(folder: Path) -> bytes:
    with local_hashers(2) as hashers:
        return stamped(folder, hashers, "local").batch.head


def once(act: Callable[[], None]) -> Progress:
    """A progress that acts when the first file is hashed."""
    acts = iter([act])
    return lambda count: next(acts, lambda: None)() if count else None


def tasks_of(scheduler: Scheduler) -> dict[str, int]:
    """How many tasks each worker has been given and not done, by its name."""
    with closing(Client(scheduler.address, set_as_default=False)) as client:
        names = {address: worker["name"] for address, worker in client.scheduler_info()["workers"].items()}
        return {names[address]: len(tasks) for address, tasks in client.processing().items() if address in names}


def kill_in_the_middle(scheduler: Scheduler, name: str) -> None:
    """It has tasks that it has not done when it goes."""
    scheduler.workers[name].send_signal(signal.SIGSTOP)
    assert tasks_of(scheduler)[name] > 0
    scheduler.kill(name)


def known_tasks(client: Client) -> int:
    """How many tasks the scheduler knows of, be it that they wait, run or are done."""
    return client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))


def test_the_head_is_the_same_as_on_one_machine(pair: Scheduler, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files and large ones, a name that is no text, and a path that means nothing in the workers' folder."""
    for name, size in LARGE.items():
        with (files / "07" / name).open("wb") as stream:
            stream.truncate(size)
    (files / "07" / os.fsdecode(b"\xff\xfe")).write_bytes(b"odd")
    (files / "07" / "empty").touch()
    monkeypatch.chdir(files.parent)
    head, seen = local_head(files), list[int]()
    with cluster_hashers(pair.address) as hashers:
        for chunk_files in hashers.chunk_files, 90:
            few = replace(hashers, chunk_files=chunk_files)
            batch = stamped(Path("files"), few, str(chunk_files), seen.append).batch
            assert batch.head == head
            assert sum(seen) == batch.total_bytes
            seen.clear()


def test_a_worker_that_is_killed_in_the_middle_costs_nothing(pair: Scheduler, files: Path) -> None:
    pair.worker("carl")
    with cluster_hashers(pair.address) as hashers:
        few = replace(hashers, chunk_files=20)
        batch = stamped(files, few, "cluster", once(lambda: kill_in_the_middle(pair, "carl"))).batch
    assert batch.head == local_head(files)


def test_a_worker_that_does_not_see_the_files_is_named(pair: Scheduler, files: Path) -> None:
    """It has mounts of its own, as another machine has."""
    if os.geteuid() or subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        assert not REQUIRES_PARTIES
        pytest.skip("needs to be root, to give a worker mounts of its own")
    hide = f'mount -t tmpfs none "{files}" && exec "$@"'
    pair.worker("blind", within=["unshare", "-m", "sh", "-c", hide, "sh"])
    try:
        with cluster_hashers(pair.address) as hashers, pytest.raises(UnreadableError) as caught:
            stamped(files, replace(hashers, chunk_files=20), "cluster")
    finally:
        pair.kill("blind")
    assert re.fullmatch(r".*/\d{4}\.txt: no such file or directory \(on the worker blind\)", caught.value.hints[0])
    assert not [hint for hint in caught.value.hints if "anna" in hint or "bert" in hint]


@pytest.mark.parametrize("size", [10, 2 << 20])
def test_a_file_that_vanishes_is_told_with_the_worker(pair: Scheduler, files: Path, size: int) -> None:
    folder, last = files / "19", files / "19" / "1999.txt"
    with last.open("wb") as stream:
        stream.truncate(size)
    with cluster_hashers(pair.address) as hashers:
        # When the first chunk is done the folder was listed, and the last one has yet to be handed out.
        few = replace(hashers, chunk_files=5, chunks_under_way=2)
        with pytest.raises(UnreadableError) as caught:
            stamped(folder, few, "cluster", once(last.unlink))
    assert re.fullmatch(
        re.escape(f"{last}: no such file or directory (on the worker ") + r"\w+\)", caught.value.hints[0]
    )


def test_without_any_worker_left_what_was_hashed_is_kept(
    alone: Callable[..., Scheduler], files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "WITHOUT_WORKERS_SECONDS", 1.0)
    scheduler = alone()
    scheduler.worker("last")
    with cluster_hashers(scheduler.address) as hashers:
        few = replace(hashers, chunk_files=100, chunks_under_way=2)
        with pytest.raises(SystemFailureError, match="no worker is left"):
            stamped(files, few, "kept", once(lambda: scheduler.kill("last")))
    with local_hashers(1) as hashers:
        assert 0 < stamped(files, hashers, "kept").taken_over < FILES


def test_files_that_kill_their_workers_are_given_up(alone: Callable[..., Scheduler], files: Path) -> None:
    scheduler = alone(SCHEDULER__ALLOWED_FAILURES="0")
    scheduler.worker("doomed")
    scheduler.worker("sound")
    with cluster_hashers(scheduler.address) as hashers:
        few = replace(hashers, chunk_files=20)
        with pytest.raises(SystemFailureError, match="the last one was doomed") as caught:
            stamped(files, few, "cluster", once(lambda: kill_in_the_middle(scheduler, "doomed")))
    assert "what was hashed is kept" in caught.value.hints[-1]


def test_a_scheduler_that_dies_is_no_endless_wait(alone: Callable[..., Scheduler], files: Path) -> None:
    scheduler = alone()
    scheduler.worker("orphan")
    began = monotonic()
    with cluster_hashers(scheduler.address) as hashers, pytest.raises(SystemFailureError, match="broke"):
        stamped(files, replace(hashers, chunk_files=20), "cluster", once(scheduler.process.kill))
    assert monotonic() - began < 15


def test_nobody_at_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(SystemFailureError, match=f"no scheduler answers at {NOBODY}"), cluster_hashers(NOBODY):
        pass


@pytest.mark.parametrize(
    "address",
    ["", "scheduler", "scheduler:8786", "http://scheduler:8786", "tcp://scheduler", "tcp://a:1/x", "inproc://a"],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(InputError, match="is not an address"), cluster_hashers(address):
        pass


def test_without_workers_and_with_a_worker_of_another_release(alone: Callable[..., Scheduler], tmp_path: Path) -> None:
    scheduler = alone()
    with pytest.raises(SystemFailureError, match="has no workers"), cluster_hashers(scheduler.address):
        pass
    other = tmp_path / "other" / "notary-9.9.dist-info" / "METADATA"
    other.parent.mkdir(parents=True)
    other.write_text("Metadata-Version: 2.1\nName: notary\nVersion: 9.9\n")
    scheduler.worker("odd", environment={"PYTHONPATH": str(other.parents[1])})
    with pytest.raises(SystemFailureError) as caught, cluster_hashers(scheduler.address):
        pass
    assert caught.value.hints[0] == f"the worker odd has notary 9.9, and this machine has {__version__}"
    assert len(caught.value.hints) == 2


def test_the_command(notary: Notary, pair: Scheduler, files: Path) -> None:
    answer = notary("stamp", "files", "--network", "local", "--cluster", pair.address, "--json")
    assert (answer.code, answer.err) == (0, "")
    assert answer.json["items"] == FILES
    both = notary("stamp", "files", "--cluster", pair.address, "--jobs", "2")
    assert both.code == 2
    assert "--jobs" in both.err


def test_the_command_without_the_extra(notary: Notary, files: Path, tmp_path: Path) -> None:
    absent = tmp_path / "absent" / "distributed.py"
    absent.parent.mkdir()
    absent.write_text("raise ModuleNotFoundError(__name__)\n")
    notary.environment["PYTHONPATH"] = str(absent.parent)
    answer = notary("stamp", files, "--network", "local", "--cluster", NOBODY)
    assert answer.code == 2
    assert answer.err.splitlines()[1:] == ["hint: pip install 'notary[cluster]'"]
    assert notary("stamp", files, "--network", "local").code == 0


def test_ctrl_c(notary: Notary, alone: Callable[..., Scheduler], files: Path) -> None:
    """Tasks that wait are withdrawn; the one that runs cannot be."""
    for number in range(20):
        with (files / f"huge{number}.bin").open("wb") as stream:
            stream.truncate(40 << 30)
    scheduler = alone()
    scheduler.worker("busy")
    process = notary.start("stamp", files, "--network", "local", "--cluster", scheduler.address)
    with closing(Client(scheduler.address, set_as_default=False)) as client:
        while known_tasks(client) < 20:
            sleep(0.1)
    began = monotonic()
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert monotonic() - began < 5
    assert process.returncode == 130
    assert out == ""
    assert [line.partition(":")[0] for line in err.splitlines()] == ["error", "hint"]
    with closing(Client(scheduler.address, set_as_default=False)) as client:
        assert known_tasks(client) == 0
    shutil.rmtree(files)
