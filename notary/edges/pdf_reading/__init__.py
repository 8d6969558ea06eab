"""What a PDF file says of itself, what is attached to it and what its pages show. Nothing of it is proven.

Evidence may be made to harm whoever opens it, so pypdf runs in a child process with bounds on time and memory, which
can open nothing but that file and start nothing. A child that breaks a bound is killed, and the next file gets a new
one. Here is the parent's side, which never touches pypdf; `child` is the other.
"""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from time import monotonic
from typing import IO, Self, TypeVar, cast

from notary import limits
from notary.edges.pdf_reading.answers import (
    OUT_OF_MEMORY,
    READY,
    PageMarks,
    PdfFacts,
    read_facts,
    read_line,
    read_parts,
)
from notary.errors import FormatError, SystemFailureError, UnreadableError, reason_of

__all__ = ["PageMarks", "PdfFacts", "PdfReading", "is_pdf"]

T = TypeVar("T")

_MARK_BYTES = 32 + 4
"""A SHA-256, and how many annotations there are."""

_DIED = "not read: the process that read it came to an end"
_MAD = "not read: the process that read it made no sense afterwards"


def is_pdf(head: bytes) -> bool:
    """Whether a file that begins with `head` is a PDF. All readers bear with something else before the header."""
    return b"%PDF-" in head[: limits.PDF_HEAD_BYTES]


class PdfReading:
    """Reads PDF files one after another, in one child process. To be left by `with`, and used by one thread."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def facts(self, path: Path) -> PdfFacts | None:
        """What the file at `path` says of itself; None where it is no PDF.

        Raises UnreadableError where it cannot be read, SystemFailureError where no child can be started.
        """
        return self._facts(path) if is_pdf(_head(path)) else None

    def facts_of(self, pieces: Iterable[bytes]) -> PdfFacts | None:
        """The same of bytes without a file of their own, such as a bundle's payload: they are copied to one.

        Raises SystemFailureError where they cannot be copied or no child can be started, and what `pieces` raises.
        """
        head, size = b"", 0
        try:
            with TemporaryDirectory(prefix="notary-") as folder:
                copy = Path(folder) / "payload"
                with copy.open("xb") as stream:
                    for piece in pieces:
                        head += piece[: limits.PDF_HEAD_BYTES - len(head)]
                        if len(head) == limits.PDF_HEAD_BYTES and not is_pdf(head):
                            return None
                        size += len(piece)
                        if size > limits.PDF_COPY_BYTES:
                            return PdfFacts(fault=f"beyond what is read: over {limits.PDF_COPY_BYTES // 2**20} MB")
                        stream.write(piece)
                return self._facts(copy) if is_pdf(head) else None
        except OSError as error:
            raise SystemFailureError(f"a PDF cannot be copied to be read: {reason_of(error)}") from None

    def attachments(self, path: Path) -> dict[str, bytes]:
        """The files embedded in the PDF at `path`, by the names under which readers list them, which may be any text.

        Files that hang on a page or an annotation only are not among them. Raises FormatError where the file is no
        PDF, broken, encrypted or beyond the limits, or two of them have one name; else what `facts` raises.
        """
        most = limits.ATTACHED_BYTES + limits.ATTACHED_BESIDE_BYTES
        return self._parts("attachments", path, limits.ATTACHMENTS, most)

    def page_texts(self, path: Path) -> list[str]:
        """The text of each page, line by line, as pypdf takes it out: annotations and pictures have none.

        Raises what `attachments` does.
        """
        texts = self._parts("page_texts", path, limits.PDF_PAGES, limits.PDF_PAGES_TEXT_BYTES)
        return [text.decode(errors="replace") for text in texts.values()]

    def page_marks(self, path: Path) -> list[PageMarks]:
        """What tells one page from another that shows something else, page by page. Raises what `attachments` does."""
        marks = self._parts("page_marks", path, limits.PDF_PAGES, limits.PDF_PAGES * _MARK_BYTES)
        return [PageMarks(mark[:32], int.from_bytes(mark[32:])) for mark in marks.values()]

    def _facts(self, path: Path) -> PdfFacts:
        try:
            return self._asked("facts", path, limits.PDF_SECONDS, read_facts)
        except FormatError as error:
            return PdfFacts(fault=error.message)

    def _parts(self, what: str, path: Path, most: int, most_bytes: int) -> dict[str, bytes]:
        """Up to so many parts with so many bytes together, by name. Raises what `attachments` does."""
        if not is_pdf(_head(path)):
            raise FormatError(f"{path}: no PDF")
        try:
            parts = self._asked(
                what, path, limits.PDF_CARRIED_SECONDS, lambda answers: read_parts(answers, most, most_bytes)
            )
        except FormatError as error:
            raise FormatError(f"{path}: {error.message}") from None
        if isinstance(parts, str):
            raise FormatError(f"{path}: {parts}")
        return parts

    def _asked(self, what: str, path: Path, seconds: float, read: Callable[[IO[bytes]], T]) -> T:
        """What `read` makes of the child's answer. Raises FormatError where there is none, or none that makes sense."""
        if self._child and self._child.poll() is not None:
            self._end()  # whatever killed it since, it was not this file
        child = self._child or self._started()
        # One line of ASCII, whatever bytes the name is made of.
        question = json.dumps({"what": what, "path": str(path.absolute())}).encode() + b"\n"
        try:
            return self._exchange(child, question, seconds, read)
        except TimeoutError:
            fault = f"took longer than {seconds:g} s"
        except EOFError:
            is_memory = child.returncode == OUT_OF_MEMORY
            fault = f"needed more than {limits.PDF_MEMORY_BYTES // 2**20} MB" if is_memory else _DIED
        except FormatError:
            fault = _MAD
        raise FormatError(fault)

    def _started(self) -> "subprocess.Popen[bytes]":
        # -P: the working folder may hold evidence named json.py. A session of its own leaves Ctrl-C to this process.
        command = [sys.executable, "-P", "-m", "notary.edges.pdf_reading.child"]
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        try:
            child = subprocess.Popen(  # noqa: S603 - this Python and our own module, nothing from outside
                command, stdin=pipe, stdout=pipe, stderr=nowhere, start_new_session=True
            )
        except OSError as error:
            raise SystemFailureError(f"a process to read PDF files cannot be started: {reason_of(error)}") from None
        self._child = child
        try:
            is_ready = self._exchange(child, b"", limits.PDF_START_SECONDS, read_line) == READY
        except (TimeoutError, EOFError, FormatError):
            is_ready = False
        if not is_ready:
            self._end()
            raise SystemFailureError("the process that reads PDF files does not start", "it needs the package pypdf")
        return child

    def _exchange(
        self, child: "subprocess.Popen[bytes]", question: bytes, seconds: float, read: Callable[[IO[bytes]], T]
    ) -> T:
        """What `read` makes of the answer. Raises TimeoutError where that takes too long, and what `read` raises."""
        questions, answers = cast(IO[bytes], child.stdin), cast(IO[bytes], child.stdout)
        began = monotonic()
        timer = Timer(seconds, child.kill)
        timer.daemon = True  # it must not keep this process after a Ctrl-C
        try:
            timer.start()
            with suppress(BrokenPipeError):
                questions.write(question)
                questions.flush()
            return read(answers)
        except BaseException as error:
            # After Ctrl-C too: no child may be left that answers the next question with the rest.
            self._end()
            if isinstance(error, EOFError) and monotonic() - began >= seconds:
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            with suppress(OSError), child:  # OSError: a question that nobody heard
                child.kill()


def _open_at_once(name: str, flags: int) -> int:
    """Opening a FIFO would wait for a writer; the flag does nothing to a regular file."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def _head(path: Path) -> bytes:
    """The bytes among which a PDF's header is. Raises UnreadableError."""
    try:
        with open(path, "rb", opener=_open_at_once) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise UnreadableError(f"{path}: not a regular file")
            return stream.read(limits.PDF_HEAD_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        raise UnreadableError(f"{path}: {reason_of(error)}") from None
