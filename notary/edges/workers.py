"""Worker processes on this machine, by the standard library's executor."""

import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait


def worker_processes(count: int) -> ProcessPoolExecutor:
    """`count` processes, started with the first task.

    They leave Ctrl-C to this process, and end when it is killed. A fork costs a tenth of a fresh interpreter; elsewhere
    than on Linux it is not safe beside the system's own threads.
    """
    method = "fork" if sys.platform == "linux" else "spawn"
    return ProcessPoolExecutor(count, multiprocessing.get_context(method), initializer=_begin)


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
