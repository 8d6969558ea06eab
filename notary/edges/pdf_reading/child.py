"""The process that reads PDF files: `-m notary.edges.pdf_reading.child`.

It says `ready`, and then answers each line that asks, `{"what": ..., "path": ...}`, with a line of JSON: the facts by
name; else `{"fault": text}`, or `{"parts": [[name, bytes], ...]}`, and then so many bytes of each part. Before the
first file it gives up all rights that reading does not need.
"""

import gc
import json
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.machinery import all_suffixes
from typing import Any

from notary import limits
from notary.edges.pdf_reading.answers import OUT_OF_MEMORY, READY
from notary.edges.pdf_reading.carried import attachments
from notary.edges.pdf_reading.drawn import page_marks, page_texts
from notary.edges.pdf_reading.stated import stated


def _serve() -> None:
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    logging.disable()  # a broken file has a warning for each of its parts
    may_open: set[str] = set()
    _bound_resources()
    sys.addaudithook(_only(may_open))
    gc.freeze()
    answers.write(READY)
    answers.flush()
    for line in sys.stdin.buffer:
        question = json.loads(line)
        may_open.clear()
        may_open.add(question["path"])
        _end_in(int(limits.PDF_CARRIED_SECONDS) + 5)
        try:
            pieces = _answer(**question)
            gc.collect()  # a reader and its objects hold one another
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        answers.writelines(pieces)
        answers.flush()
        del pieces
        _end_in(0)


def _answer(what: str, path: str) -> list[bytes]:
    """The line, and the parts. Raises MemoryError."""
    if what == "facts":
        return [_line(stated(path))]
    parts = _PARTS_BY[what](path)
    if isinstance(parts, str):
        return [_line({"fault": parts})]
    return [_line({"parts": [[name, len(part)] for name, part in parts.items()]}), *parts.values()]


_PARTS_BY = {"attachments": attachments, "page_texts": page_texts, "page_marks": page_marks}


def _line(answer: object) -> bytes:
    return json.dumps(answer).encode() + b"\n"


def _bound_resources() -> None:
    if sys.platform != "win32":
        import resource

        bounds = {resource.RLIMIT_AS: limits.PDF_MEMORY_BYTES, resource.RLIMIT_NPROC: 0}
        bounds |= {resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0}
        for kind, most in bounds.items():
            with suppress(OSError, ValueError):  # macOS refuses the first
                resource.setrlimit(kind, (most, most))


def _end_in(seconds: int) -> None:
    """Ends this process after so long: its parent, who would do it earlier, may have been killed. 0 calls it off."""
    if sys.platform != "win32":
        import signal

        signal.alarm(seconds)


def _only(may_open: set[str]) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook: Python opens those files and its own modules, and starts, changes and reaches nothing.

    Any stream in a PDF can ask for JBIG2Decode, for which pypdf would run a program.
    """
    modules = tuple(all_suffixes())

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            is_allowed = arguments[0] in may_open or str(arguments[0]).endswith(modules)
        else:
            # Imports list folders.
            is_allowed = event == "os.listdir" or not event.startswith(("os.", "subprocess.", "socket.", "ctypes."))
        if not is_allowed:
            raise NotImplementedError(f"it asks for {event}")  # no OSError: those are what pypdf expects

    return hook


if __name__ == "__main__":
    _serve()
