"""How the benchmarks measure: whole processes or functions, ours and the peer in turn; medians, one row a job."""

import hashlib
import multiprocessing
import os
import platform
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Literal, ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Value = TypeVar("Value")

MIN_RUNS = 5
CORES = os.cpu_count() or 1
NOTARY = str(Path(sys.executable).with_name("notary"))
OTS = str(Path(sys.executable).with_name("ots"))


@dataclass(frozen=True, slots=True)
class Setting:
    """How often and how large jobs are, and the folder for what they work on."""

    runs: int
    scale: float
    folder: Path

    def scaled(self, count: int, least: int = 1) -> int:
        return max(least, round(count * self.scale))


@dataclass(frozen=True, slots=True)
class Figure:
    """What the runs gave."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def spread(self) -> float:
        """From the least to the greatest, as a part of the median."""
        return (max(self.values) - min(self.values)) / self.median if self.median else 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """A job's figures. The limit is on ours; with a peer on the ratio of the two, or on how much `more` ours is."""

    job: str
    ours: Figure
    limit: float | None
    peer: Figure | None = None
    unit: str = "s"
    limits: Literal["ours", "ratio", "more"] = "ratio"
    note: str = ""

    def line(self, setting: Setting) -> str:
        kind = self.limits if self.peer else "ours"
        ratio = self.ours.median / self.peer.median if self.peer and self.peer.median else None
        spreads = "/".join(f"{one.spread:.0%}" for one in (self.ours, self.peer) if one)
        verdict, limit = "-", "-"
        if self.limit is not None:
            more = self.ours.median - (self.peer.median if self.peer else 0)
            found = ratio if kind == "ratio" and ratio is not None else more
            limit = {"ratio": "", "ours": "", "more": "+ "}[kind]
            limit += f"{self.limit:g}" if kind == "ratio" else _shown(self.limit, self.unit)
            verdict = "ok" if found <= self.limit else "NOT OK"
            verdict = verdict if setting.scale == 1 and setting.runs >= MIN_RUNS else f"({verdict.lower()})"
        cells = (
            _shown(self.ours.median, self.unit),
            _shown(self.peer.median, self.unit) if self.peer else "-",
            "-" if ratio is None else f"{ratio:.3g}",
            limit,
            verdict,
            spreads,
        )
        return _line(self.job, cells) + (f"\n    {self.note}" if self.note else "")


Job = Callable[[Setting], Iterator[Row]]
"""A benchmark. Its docstring says what it measures."""


def _shown(value: float, unit: str) -> str:
    if unit == "s" and value < 0.9995:
        return f"{value * 1e6:.3g} µs" if value < 1e-3 else f"{value * 1e3:.3g} ms"
    return f"{value:.4g} {unit}"


def _line(job: str, cells: Sequence[str]) -> str:
    return f"{job:<70}" + "".join(f"{cell:>10}" for cell in cells)


def heading(setting: Setting) -> str:
    notes = []
    if setting.scale != 1:
        notes.append(f"scale {setting.scale:g}: limits are for scale 1, verdicts in brackets")
    if setting.runs < MIN_RUNS:
        notes.append(f"{setting.runs} runs: fewer than {MIN_RUNS}, verdicts in brackets")
    return "\n".join([*notes, _line("job", ("ours", "peer", "ratio", "limit", "", "spread"))])


# -- measuring ------------------------------------------------------------------------------------------------------


def in_turn(runs: int, *measures: Callable[[], float], warm_up: bool = True) -> list[Figure]:
    """Each measure's figures; in every run each has its turn. One more run before, by default, is not counted."""
    if warm_up:
        for measure in measures:
            measure()
    rounds = [[measure() for measure in measures] for _ in range(runs)]
    return [Figure(values) for values in zip(*rounds, strict=True)]


def timed(*command: str | Path, expected: int = 0) -> float:
    """The seconds that a process takes from its start to its end. Raises AssertionError where it ends otherwise."""
    begin = perf_counter()
    ended = subprocess.run(
        list(map(str, command)), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    seconds = perf_counter() - begin
    assert ended.returncode == expected, f"{command[0]} ended with {ended.returncode}: {ended.stderr.decode()}"
    return seconds


def timed_until(said: str, *command: str | Path, expected: int) -> float:
    """The seconds from a process's start until it prints a line that begins with `said`; it then runs to its end."""
    begin = perf_counter()
    with subprocess.Popen(
        list(map(str, command)), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        line = next((line for line in process.stdout if line.startswith(said)), None)
        seconds = perf_counter() - begin
        process.stdout.read()
    assert process.returncode == expected, f"{command[0]} ended with {process.returncode}"
    assert line, f"{command[0]} did not say {said!r}"
    return seconds


def environment() -> dict[str, str]:
    """No settings of the user's, and nobody to ask."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NOTARY_")}
    return kept | {"NOTARY_CONFIG": "", "XDG_CONFIG_HOME": os.devnull, "NOTARY_PEERS": "", "NOTARY_EXPLORERS": ""}


def anew(folder: Path) -> Path:
    """An empty folder in the place of whatever was there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def in_fresh_process(
    work: Callable[Parameters, Value], *arguments: Parameters.args, **named: Parameters.kwargs
) -> Value:
    """What `work` returns in a new interpreter, whose memory nothing else has been through."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        return executor.submit(work, *arguments, **named).result()


def own_memory(key: Literal["VmRSS", "VmHWM"], pid: int | str = "self") -> float:
    """A process's resident MB, now or at their peak. (`ru_maxrss` would count the parent's from before the exec.)"""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{key}:"))


# -- the machine ----------------------------------------------------------------------------------------------------


def describe_machine() -> str:
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    one, _, _ = os.getloadavg()
    lines = [
        f"{model.partition(':')[2].strip() or platform.machine()}, {CORES} cores, Python {platform.python_version()}",
        f"SHA-256 on one core, 64 KiB blocks: hashlib {_hashlib_speed():.2f} GB/s, with {ssl.OPENSSL_VERSION}",
        f"    openssl {_openssl_speed():.2f} GB/s, with {_output('openssl', 'version')[0]}",
        f"load {one:.2f}" + (": THE MACHINE IS BUSY, the figures are noise" if one > 0.5 else ""),
    ]
    return "\n".join(lines)


def _hashlib_speed() -> float:
    data, hasher, count = bytes(1 << 16), hashlib.sha256(), 1 << 14
    begin = process_time()
    for _ in range(count):
        hasher.update(data)
    return count * len(data) / (process_time() - begin) / 1e9


def _openssl_speed() -> float:
    """The rate of `openssl speed`, which counts CPU time too."""
    lines = _output("openssl", "speed", "-mr", "-seconds", "1", "-bytes", "65536", "-evp", "sha256")
    return float(lines[-1].split(":")[-1]) / 1e9


def _output(*command: str) -> list[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
