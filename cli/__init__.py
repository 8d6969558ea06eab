"""The command line: each module parses one command, calls a verb, and shows what came of it."""

from __future__ import annotations

import gc
import signal
import sys


def main() -> None:
    """The `notary` program."""
    # What is made by the million here is never part of a cycle: the collector need not look for any so often.
    gc.set_threshold(100_000, 20, 20)
    try:
        from .app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before anything began, or after all was said
        print("error: interrupted; nothing was lost", file=sys.stderr)
        code = 130
    # From here on there is nothing to keep safe: a late Ctrl-C just ends the process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(code)
