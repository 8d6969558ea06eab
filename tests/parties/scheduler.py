"""A real Dask scheduler on loopback, and real worker processes of one thread each."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep

DASK = [sys.executable, "-m", "dask"]


class Scheduler:
    """Runs until `stop`; `workers` are those that were started, by their names."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._folder = folder
        self._environment = os.environ | {f"DASK_DISTRIBUTED__{key}": value for key, value in settings.items()}
        told = folder / "scheduler.json"
        address = ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", told]
        self.process = self._start("scheduler", ["scheduler", *address, "--no-dashboard"], {})
        self.address: str = json.loads(self._wait(told, "}"))["address"]
        self.workers: dict[str, subprocess.Popen[bytes]] = {}

    def worker(
        self, name: str, *, within: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        """Starts a worker, `within` another command if need be, and waits until it is there."""
        options = ["--nthreads", "1", "--name", name, "--no-nanny", "--no-dashboard", "--local-directory", self._folder]
        arguments = ["worker", self.address, *options]
        self.workers[name] = self._start(name, arguments, environment or {}, within)
        self._wait(self._folder / f"{name}.log", "Registered to")
        return self.workers[name]

    def kill(self, name: str) -> None:
        """As the kernel does where memory is short."""
        self.workers[name].kill()
        self.workers.pop(name).wait()

    def stop(self) -> None:
        for process in (*self.workers.values(), self.process):
            process.send_signal(signal.SIGKILL)
            process.wait()

    def _start(
        self, name: str, arguments: Sequence[str | Path], environment: Mapping[str, str], within: Sequence[str] = ()
    ) -> "subprocess.Popen[bytes]":
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [*within, *DASK, *arguments],
                cwd=self._folder,
                env={**self._environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _wait(self, file: Path, word: str) -> str:
        end = monotonic() + 30
        while monotonic() < end:
            if file.exists() and word in (text := file.read_text()):
                return text
            sleep(0.05)
        raise AssertionError([log.read_text() for log in self._folder.glob("*.log")])
