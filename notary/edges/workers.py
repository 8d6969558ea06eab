"""Worker processes on this machine, by the standard library's executor."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from notary.errors import SystemFailureError, reason_of

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

_MOST_ON_WINDOWS = 61
"""What one call there can wait for."""

P = ParamSpec("P")
T = TypeVar("T")


class WorkerProcesses(Executor):
    """`count` processes, made when the first task comes: a small job never needs them.

    They leave Ctrl-C to this process, and end when it is killed.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._processes: ProcessPoolExecutor | None = None

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        if self._processes is not None:
            return self._processes.submit(fn, *args, **kwargs)
        # A Ctrl-C between the fork and `_begin` would end in a worker, or in whatever runs after a fork.
        with _without_interrupts():
            self._processes = _processes(self._count)
            try:
                return self._processes.submit(fn, *args, **kwargs)
            except OSError as error:
                _end_all()  # those that did start would wait for this process, and it for them
                hint = "--jobs takes fewer; `ulimit -n` and `ulimit -u` show what may be open and run"
                raise SystemFailureError(
                    f"a process to hash files cannot be started: {reason_of(error)}", hint
                ) from None

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if self._processes is not None:
            self._processes.shutdown(wait, cancel_futures=cancel_futures)


def _end_all() -> None:
    import multiprocessing

    for child in multiprocessing.active_children():
        child.kill()


def _processes(count: int) -> "ProcessPoolExecutor":
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # A fork costs a tenth of a fresh interpreter; elsewhere than on Linux it is not safe beside the system's threads.
    method = "fork" if sys.platform == "linux" else "spawn"
    most = _MOST_ON_WINDOWS if sys.platform == "win32" else count
    return ProcessPoolExecutor(min(count, most), multiprocessing.get_context(method), initializer=_begin)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    import multiprocessing
    from multiprocessing.connection import wait

    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
