"""Benchmarks, run by hand on a quiet machine: what a job costs beside a peer, and what it may cost.

    python -m tests.benchmarks                    lists them
    python -m tests.benchmarks NAME... | all      [--runs N] [--scale F] [--folder DIR] [--keep]

Figures are medians of the runs; in each run ours and the peer take turns. Linux only.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import commands, following, hashing, headers, ledger, memory, proofs, registry
from tests.benchmarks.measuring import Job, Row, Setting, describe_machine, heading


def _headers(setting: Setting) -> Iterator[Row]:
    """validation of a chain of 960,000 headers beside python-bitcoinlib: prints a table of its own"""
    headers.main(setting.scaled(960_000, least=1000))
    yield from ()


JOBS: dict[str, Job] = {
    **(hashing.JOBS | ledger.JOBS | proofs.JOBS | memory.JOBS | commands.JOBS | registry.JOBS | following.JOBS),
    "headers": _headers,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to run, or `all`; without it they are listed")
    parser.add_argument("--runs", type=int, default=5, help="runs of each; medians of fewer than 5 do not count")
    parser.add_argument("--scale", type=float, default=1.0, help="so much of each job's size; limits are for 1")
    parser.add_argument("--folder", type=Path, help="where files to work on are made, on a disk: up to 10 GB")
    parser.add_argument("--keep", action="store_true", help="leave them there, for the next time with this --folder")
    given = parser.parse_args()
    if not given.names:
        for name, job in JOBS.items():
            print(f"{name:<10} {job.__doc__}")
        return
    names = list(JOBS) if given.names == ["all"] else given.names
    if unknown := set(names) - set(JOBS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    with _folder(given.folder, given.keep) as folder:
        setting = Setting(given.runs, given.scale, folder)
        print(describe_machine(), heading(setting), sep="\n")
        for name in names:
            for row in JOBS[name](setting):
                print(row.line(setting), flush=True)


@contextmanager
def _folder(given: Path | None, keep: bool) -> Iterator[Path]:
    folder = given.absolute() / "notary-benchmarks" if given else Path(tempfile.mkdtemp(prefix="notary-benchmarks-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    finally:
        if keep:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
