"""A real Dask scheduler on loopback, and real worker processes of one thread each."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep

DASK = [sys.executable, "-m", "dask"]
SECONDS = 30


class Scheduler:
    """Runs until `stop`; `workers` are those that were started, by their names."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._folder = folder
        self._environment = os.environ | {f"DASK_DISTRIBUTED__{key}": value for key, value in settings.items()}
        self._environment["DASK_TEMPORARY_DIRECTORY"] = str(folder)
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        options = ["--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0"]
        self.process = self._start("scheduler", ["scheduler", *options], {})
        self.address = self._told("scheduler", self.process, r"Scheduler at: +(tcp:\S+)\n")

    def worker(
        self, name: str, *, within: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        """Starts a worker, `within` another command if need be, and waits until it is there."""
        options = ["--nthreads", "1", "--name", name, "--no-nanny", "--no-dashboard"]
        worker = self._start(name, ["worker", self.address, *options], environment or {}, within)
        self.workers[name] = worker
        self._told(name, worker, r"Registered to: +(tcp:\S+)\n")
        return worker

    def kill(self, name: str) -> None:
        """As the kernel does where memory is short."""
        self.workers[name].kill()
        self.workers.pop(name).wait()

    def stop(self) -> None:
        for process in (*self.workers.values(), self.process):
            process.kill()
            process.wait()

    def _start(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], within: Sequence[str] = ()
    ) -> "subprocess.Popen[bytes]":
        with self._log(name).open("wb") as log:
            return subprocess.Popen(
                [*within, *DASK, *arguments],
                cwd=self._folder,
                env={**self._environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _told(self, name: str, process: "subprocess.Popen[bytes]", expression: str) -> str:
        end = monotonic() + SECONDS
        while monotonic() < end and process.poll() is None:
            if told := re.search(expression, self._log(name).read_text()):
                return told[1]
            sleep(0.05)
        self.stop()
        raise AssertionError(self._log(name).read_text())
