"""How much memory a stamp of a million files takes."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import sleep

from tests.benchmarks.corpora import files
from tests.benchmarks.measuring import NOTARY, Figure, Job, Row, Setting, anew, environment, own_memory

_SAMPLE_SECONDS = 0.05


def stamping(setting: Setting) -> Iterator[Row]:
    """peak memory of `notary stamp` of 1,000,000 files of 100 bytes: of the main process, and of all together"""
    count = setting.scaled(1_000_000)
    folder = files(setting, "many", count, 100, min(1000, count))

    def command() -> list[str]:
        ledger = anew(setting.folder / "stamped") / "ledger.db"
        return [NOTARY, "stamp", str(folder), "--network", "local", "--ledger", str(ledger)]

    main, together = zip(*(_peaks(command()) for _ in range(setting.runs)), strict=True)
    yield Row(f"stamp {count:,} files: peak memory of the main process", Figure(main), 300, unit="MB")
    note = "Pss, sampled: a page that several processes share counts once"
    yield Row(f"stamp {count:,} files: of all its processes", Figure(together), 300, unit="MB", note=note)


def _peaks(command: list[str]) -> tuple[float, float]:
    """The greatest MB of a process while it runs, and of it with all that it has started."""
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL)
    main = together = 0.0
    while process.poll() is None:
        with suppress(OSError, StopIteration):  # it has just ended
            together = max(together, sum(_pss(pid) for pid in _family(process.pid)))
            main = max(main, own_memory("VmHWM", process.pid))
        sleep(_SAMPLE_SECONDS)
    assert process.returncode == 0, f"{command} ended with {process.returncode}"
    return main, together


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text().split():
                yield from _family(int(child))


def _pss(pid: int) -> float:
    """A process's MB, of what it shares with others its share; 0 for one that has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("Pss:"))


JOBS: dict[str, Job] = {"memory": stamping}
