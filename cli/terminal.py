"""What every command shares at its edge: exit codes, printing, progress.

Results go to standard output, all else to standard error.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from time import monotonic
from typing import TYPE_CHECKING, Any, TextIO

from notary.errors import reason_of

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from rich.progress import Progress as Bar
    from rich.progress import ProgressColumn

PROGRESS_AFTER_SECONDS = 1.0


class ExitCode(IntEnum):
    """DESIGN section 11."""

    DONE = 0
    FAILED = 1
    INPUT = 2
    NOT_PROVEN = 3
    SYSTEM = 4
    INTERRUPTED = 130  # what a shell expects after Ctrl-C


class Output(io.FileIO):
    """A standard stream that the program outlives.

    Where whoever reads it has gone, what is still written goes nowhere, and nothing is said of it: he has seen what he
    wanted, and the exit code is that of what happened. Any other failure is kept in `fault`; nothing is written after
    it, for that would stand behind a gap.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.fault: str | None = None
        self._is_lost = False

    def write(self, data: ReadableBuffer, /) -> int:
        if not self._is_lost:
            try:
                return super().write(data)
            except BrokenPipeError:
                self._is_lost = True
            except OSError as error:
                self._is_lost, self.fault = True, reason_of(error)
        return memoryview(data).nbytes


def outlived(stream: TextIO) -> tuple[TextIO, Output | None]:
    """A standard stream made so that no write to it fails, with what it writes to; as it is where it is a terminal,
    closed, or none of the process's own."""
    if stream is None or stream not in (sys.__stdout__, sys.__stderr__) or stream.closed or stream.isatty():
        return stream, None
    output = Output(stream.fileno())
    stream.flush()
    text = io.TextIOWrapper(
        io.BufferedWriter(output),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=getattr(stream, "line_buffering", False),
        write_through=getattr(stream, "write_through", False),
    )
    return text, output


class Terminal:
    """Where a command's answer goes: words for people, or one JSON document; nothing of it with --quiet."""

    def __init__(self, *, json: bool, quiet: bool) -> None:
        self.json = json
        self.quiet = quiet

    def say(self, *lines: str) -> None:
        """A line of the answer for people."""
        if not self.json and not self.quiet:
            print("\n".join(lines))

    def note(self, *lines: str) -> None:
        """Something by the way, on standard error."""
        if not self.quiet:
            print("\n".join(lines), file=sys.stderr)

    def document(self, members: Mapping[str, Any]) -> None:
        """The answer for programs."""
        if self.json:
            from notary.reporting import as_json

            print(as_json(members))

    def strong(self, text: str, color: int) -> str:
        """`text` in an ANSI colour where standard output is a terminal that shows it."""
        plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
        return text if plain else f"\x1b[1;{color}m{text}\x1b[0m"

    @contextmanager
    def progress(self, doing: str) -> Iterator[Progress]:
        """Counts bytes, and shows them once it takes over a second and standard error is a terminal."""
        progress = Progress(doing, shows=not self.quiet and sys.stderr.isatty())
        try:
            yield progress
        finally:
            progress.stop()

    @contextmanager
    def climb(self, doing: str) -> Iterator[Climb]:
        """Shows a height that rises to another, once it takes over a second and standard error is a terminal."""
        climb = Climb(doing, shows=not self.quiet and sys.stderr.isatty())
        try:
            yield climb
        finally:
            climb.stop()


class Climb:
    """Told the height that is reached, and the one to reach."""

    def __init__(self, doing: str, shows: bool) -> None:
        self._doing = doing
        self._shows = shows
        self._begin = monotonic()
        self._bar: Bar | None = None

    def __call__(self, height: int, of: int) -> None:
        if self._bar is None and self._shows and monotonic() - self._begin > PROGRESS_AFTER_SECONDS:
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = _bar(self._doing, *columns)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=height, total=of)

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()


def _bar(doing: str, *columns: ProgressColumn) -> Bar:
    from rich.console import Console
    from rich.progress import Progress as Bar

    bar = Bar(*columns, console=Console(stderr=True), transient=True)
    bar.add_task(doing, total=None)
    bar.start()
    return bar


class Stopped(BaseException):
    """Ends a worker thread's reading after the command was interrupted."""


class Progress:
    """Told the bytes of each read, from any thread."""

    def __init__(self, doing: str, shows: bool) -> None:
        self._doing = doing
        self._shows = shows
        self._begin = monotonic()
        self._lock = threading.Lock()
        self._done = 0
        self._stopped = False
        self._bar: Bar | None = None

    def __call__(self, count: int) -> None:
        if self._stopped:
            raise Stopped
        with self._lock:
            self._done += count
            if self._bar is not None:
                self._bar.update(self._bar.task_ids[0], completed=self._done)
            elif self._shows and monotonic() - self._begin > PROGRESS_AFTER_SECONDS:
                self._bar = self._start()

    def _start(self) -> Bar:
        from rich.progress import DownloadColumn, SpinnerColumn, TextColumn, TransferSpeedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn())
        bar = _bar(self._doing, *columns)
        bar.update(bar.task_ids[0], completed=self._done)
        return bar

    def stop(self) -> None:
        self._stopped = True
        with self._lock:
            if self._bar is not None:
                self._bar.stop()
