"""A PDF opened by pypdf, in the child process: what is wrong with it in words, and objects that may be anything."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pypdf import PdfReader, apply_configuration
from pypdf.errors import DependencyError, LimitReachedError, PyPdfError

from notary import limits
from notary.errors import reason_of


@contextmanager
def opened(path: str) -> Iterator[PdfReader]:
    """Raises UnopenedError, and whatever pypdf does."""
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 - what the body raises is no fault of opening
    except OSError as error:
        raise UnopenedError(reason_of(error)) from None
    with stream:
        yield PdfReader(stream)


class UnopenedError(Exception):
    """The system does not open the file."""


def parts_of(path: str, read: Callable[[PdfReader], dict[str, bytes]], most_bytes: int) -> dict[str, bytes] | str:
    """What `read` returns, with no stream decoded to more than `most_bytes`; the fault where it raises an exception.

    Raises MemoryError.
    """
    bounded = apply_configuration(
        zlib_maximum_output_length=most_bytes + 1,
        array_based_stream_maximum_output_length=most_bytes + 1,
        # What deflate cannot shrink it makes a little longer.
        maximum_declared_stream_length=most_bytes + most_bytes // 64,
    )
    try:
        with bounded, opened(path) as reader:
            if reader.is_encrypted:
                return "encrypted"
            return read(reader)
    except Exception as error:  # pypdf raises whatever a broken file leads it into
        return fault_of(error)


def fault_of(error: Exception) -> str:
    """What is wrong with the file. Raises MemoryError where that was it: pypdf may wrap one in an error of its own."""
    if isinstance(error, MemoryError) or isinstance(error.__context__, MemoryError):
        raise MemoryError
    match error:
        case UnopenedError():
            fault = f"not read: {error}"
        case RecursionError():
            fault = "beyond what is read: it is nested too deeply"
        case DependencyError() if "cryptography" in str(error):
            fault = f"encrypted: {error}"
        case LimitReachedError() | DependencyError() | NotImplementedError():
            fault = f"beyond what is read: {error}"
        case PyPdfError():
            fault = f"damaged: {error}"
        case _:
            fault = f"damaged: not built as a PDF is ({type(error).__name__})"
    return short(fault)


def at(node: object, key: str) -> Any:
    """What a dictionary has there, with references followed; None where it has nothing, or is none."""
    return node[key] if isinstance(node, dict) and key in node else None


def short(text: str) -> str:
    """`text` as Unicode, and not too long."""
    whole = unicode(text[: limits.PDF_TEXT + 1])
    return whole if len(whole) <= limits.PDF_TEXT else whole[: limits.PDF_TEXT - 1] + "…"


def unicode(text: str) -> str:
    """`text` with its surrogates in pairs joined, and any others replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
