"""A registry that grows from ten thousand applications to a million: adding, publishing, claiming."""

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from time import process_time

from tests.benchmarks.measuring import (
    NOTARY,
    Figure,
    Job,
    Row,
    Setting,
    anew,
    environment,
    in_fresh_process,
    in_turn,
    own_memory,
    timed,
)

SIZES = (10_000, 100_000, 1_000_000)
NUMBER = "2026/{:07}"


def keeping(setting: Setting) -> Iterator[Row]:
    """`notary registry add` and `publish` of 10,000, 100,000 and 1,000,000 applications: CPU seconds, peak memory"""
    for size in (setting.scaled(one) for one in SIZES):
        is_largest = size == setting.scaled(SIZES[-1])
        rows = _csv(setting, size)
        runs = [_made(anew(setting.folder / "registry"), rows) for _ in range(setting.runs)]
        added, published, memory = (Figure(values) for values in zip(*runs, strict=True))
        both = Figure(tuple(a + b for a, b in zip(added.values, published.values, strict=True)))
        yield Row(f"add and publish {size:,} applications: CPU", both, 60 if is_largest else None)
        yield Row("    of which adding, as CSV with one in ten sealed", added, None)
        yield Row("    of which publishing", published, None)
        yield Row("    peak memory", memory, 200 if is_largest else None, unit="MB")


def claiming(setting: Setting) -> Iterator[Row]:
    """`notary registry claim` out of 10,000, 100,000 and 1,000,000 applications, whole process"""
    for size in (setting.scaled(one) for one in SIZES):
        folder = anew(setting.folder / "registry")
        _made(folder, _csv(setting, size))
        _ended(folder, "publish", folder / "public")  # its anchor is attested now
        command = _command(folder, "claim", folder / "public", NUMBER.format(size // 2), "-o", folder / "claim.zip")
        (ours,) = in_turn(setting.runs, lambda command=command: timed(*command))
        yield Row(f"a claim out of {size:,}", ours, 0.5 if size == setting.scaled(SIZES[-1]) else None)


def _csv(setting: Setting, size: int) -> Path:
    """Applications as an office has them: 150 bytes each."""
    path = setting.folder / f"{size}.csv"
    if not path.exists():
        with path.open("w") as stream:
            stream.write("office,number,right,filing_date,digest,pct,sealed\n")
            for at in range(size):
                digest = hashlib.sha256(b"%d" % at).hexdigest()
                day, sealed = f"2026-03-{1 + at % 28:02}", "no" if at % 10 else "yes"
                stream.write(f"XX,{NUMBER.format(at)},patent,{day},{digest},PCT/XX2026/{at:06},{sealed}\n")
    return path


def _made(folder: Path, rows: Path) -> tuple[float, float, float]:
    """CPU seconds to add and to publish, and the peak MB of the two processes."""
    public = folder / "public"
    _ended(folder, "init", public, "--origin", "registry.example/ip", "--no-passphrase")
    added, most = _ended(folder, "add", public, "--csv", rows)
    published, more = _ended(folder, "publish", public, "--network", "local")
    return added, published, max(most, more)


def _command(folder: Path, *arguments: str | Path) -> list[str]:
    return [NOTARY, "registry", *map(str, arguments), "--quiet", "--ledger", str(folder / "state" / "ledger.db")]


def _ended(folder: Path, *arguments: str | Path) -> tuple[float, float]:
    """The CPU seconds of one command, start-up included, and its peak resident MB."""
    return in_fresh_process(_ran, _command(folder, *arguments), environment())


def _ran(command: list[str], surroundings: dict[str, str]) -> tuple[float, float]:
    from notary.cli import main  # only an installed package has it, and other benchmarks run beside a plain checkout

    os.environ.clear()
    os.environ.update(surroundings)
    sys.argv = command
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise AssertionError(f"{command} ended with {ended.code}") from None
    return process_time(), own_memory("VmHWM")


JOBS: dict[str, Job] = {"registry": keeping, "claim": claiming}
