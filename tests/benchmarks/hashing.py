"""`notary stamp`, whole processes with a fresh ledger each time, beside programs that do nothing but hash."""

import os
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.corpora import files
from tests.benchmarks.measuring import CORES, NOTARY, Job, Row, Setting, anew, in_turn, timed, timed_until

MIB = 1 << 20

_EMBEDDED = ("--network", "local")

_UNREACHABLE = ("--network", "regtest", "--calendar", "http://127.0.0.1:1")
"""One calendar that refuses the connection at once: the batch is queued."""

_QUEUED = 3

_DROP_CACHES = Path("/proc/sys/vm/drop_caches")


def _ledger(setting: Setting) -> Path:
    """A ledger of no batches."""
    path = anew(setting.folder / "stamped") / "ledger.db"
    timed(NOTARY, "status", "--ledger", path)
    return path


def _sealed(target: Path, ledger: Path) -> float:
    """Everything before the network: the seconds until `notary stamp` says that the batch is in the ledger."""
    command = (NOTARY, "stamp", target, "--ledger", ledger, *_UNREACHABLE)
    return timed_until("batch ", *command, expected=_QUEUED)


def _all_in(folder: Path, program: str, files_each: int) -> float:
    """`program` on all files of a folder, as many at once as there are cores."""
    script = f'find "$1" -type f -print0 | xargs -0 -P{CORES} -n {files_each} {program}'
    return timed("sh", "-c", script, "sh", folder)


def one_large(setting: Setting) -> Iterator[Row]:
    """`notary stamp` of one file of 4 GiB, beside `openssl dgst -sha256`"""
    size = setting.scaled(4096 * MIB)
    (file,) = files(setting, "one-large", 1, size).rglob("*.pdf")
    ours, peer = in_turn(
        setting.runs,
        lambda: _sealed(file, _ledger(setting)),
        lambda: timed("openssl", "dgst", "-sha256", file),
    )
    yield Row(f"stamp one file of {size / MIB:,.0f} MiB / openssl", ours, 1.0, peer)


def some_large(setting: Setting) -> Iterator[Row]:
    """`notary stamp` of 1,000 files of 4 MiB, beside `xargs openssl dgst -sha256` on all cores"""
    count = setting.scaled(1000)
    folder = files(setting, "some-large", count, 4 * MIB, 10)
    each = max(1, min(25, count // CORES))  # few enough that no core waits for the other at the end
    ours, peer = in_turn(
        setting.runs,
        lambda: _sealed(folder, _ledger(setting)),
        lambda: _all_in(folder, "openssl dgst -sha256", each),
    )
    yield Row(f"stamp {count:,} files of 4 MiB / xargs -P{CORES} -n {each} openssl", ours, 1.0, peer)


def _small(setting: Setting) -> tuple[Path, str]:
    count = setting.scaled(100_000)
    folder = files(setting, "small", count, 4096, min(1000, count))
    return folder, f"{count:,} files of 4 KiB"


def small(setting: Setting) -> Iterator[Row]:
    """`notary stamp` of 100,000 files of 4 KiB in 1,000 folders, beside `xargs sha256sum` on all cores"""
    folder, what = _small(setting)
    sealed, peer, whole = in_turn(
        setting.runs,
        lambda: _sealed(folder, _ledger(setting)),
        lambda: _all_in(folder, "sha256sum", 1000),
        lambda: timed(NOTARY, "stamp", folder, "--ledger", _ledger(setting), *_EMBEDDED),
    )
    yield Row(f"stamp {what} until sealed / xargs -P{CORES} sha256sum", sealed, 1.5, peer)
    yield Row("the whole process, with the embedded network", whole, None, peer)


def cold(setting: Setting) -> Iterator[Row]:
    """the same with nothing in the system's caches, neither files nor programs: as root only"""
    if not os.access(_DROP_CACHES, os.W_OK):
        print(f"cold: left out, {_DROP_CACHES} cannot be written: it takes root")
        return
    folder, what = _small(setting)

    def after_drop(stamps: bool) -> float:
        # The ledger's old files go before the sync, so that removing them is not measured.
        ledger = _ledger(setting)
        os.sync()
        _DROP_CACHES.write_text("3")
        if stamps:
            return _sealed(folder, ledger)
        return _all_in(folder, "sha256sum", 1000)

    ours, peer = in_turn(setting.runs, lambda: after_drop(True), lambda: after_drop(False), warm_up=False)
    note = "a virtual machine's host may still have the files in its own cache"
    yield Row(f"stamp {what} until sealed, cold / xargs -P{CORES} sha256sum", ours, 0.5, peer, note=note)


JOBS: dict[str, Job] = {"one-large": one_large, "some-large": some_large, "small": small, "cold": cold}
