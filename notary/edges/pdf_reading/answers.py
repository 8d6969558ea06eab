"""What the child answers, and how its parent reads that.

The readers raise EOFError where the child comes to an end, and FormatError for what no sound child says: this one has
read the file, and may do what the file wants.
"""

from dataclasses import dataclass
from typing import IO, Any, cast

from notary import limits
from notary.core.strict_json import read_object
from notary.errors import FormatError

READY = b"ready\n"
"""What the child says first."""

OUT_OF_MEMORY = 12
"""How it ends then."""


@dataclass(frozen=True, slots=True)
class PdfFacts:
    """What could be had of a PDF, and in `fault` why that is not all. None stands for what is not stated, or not had.

    Texts are up to `limits.PDF_TEXT` characters, control characters among them: whoever shows them escapes them.
    `created` is RFC 3339 where the file states all of it; ISO 8601 without a zone or to the day, month or year where
    it states less; as it stands where it is no date. `signatures` are form fields that hold one; none was checked.
    """

    pages: int | None = None
    title: str | None = None
    author: str | None = None
    created: str | None = None
    signatures: int | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class PageMarks:
    """What draws on a page. `sha256` is of its content and all that this refers to, such as fonts and pictures.

    It is the same where the file was written anew, with other numbers and other compression, and where it was signed
    or got more attachments. `annotations` may draw something beside: all but links without border and appearance.
    Neither tells what comes before the page: a script, or a portfolio that shows an attachment first.
    """

    sha256: bytes
    annotations: int


def read_line(answers: IO[bytes]) -> bytes:
    line = answers.readline(limits.PDF_ANSWER_BYTES)
    if not line.endswith(b"\n"):
        raise FormatError("the line has no end") if len(line) == limits.PDF_ANSWER_BYTES else EOFError
    return line


def read_facts(answers: IO[bytes]) -> PdfFacts:
    members = read_object(read_line(answers), "the answer", limits.PDF_ANSWER_BYTES)
    for name, value in members.items():
        if name in ("pages", "signatures"):
            is_sound = type(value) is int and value >= 0
        else:
            is_sound = name in PdfFacts.__slots__ and _is_short(value)
        if not is_sound:
            raise FormatError(f"the answer has no such {name}")
    return PdfFacts(**members)


def read_parts(answers: IO[bytes], most: int, most_bytes: int) -> dict[str, bytes] | str:
    """The parts by name, or the fault for which there are none."""
    match read_object(read_line(answers), "the answer", limits.PDF_ANSWER_BYTES):
        case {"fault": fault, **others} if not others and _is_short(fault):
            return cast(str, fault)
        case {"parts": list() as parts, **others} if not others and len(parts) <= most:
            sizes = _sizes(parts)
        case _:
            raise FormatError("the answer has neither parts nor a fault")
    if len(sizes) < len(parts) or sum(sizes.values()) > most_bytes:
        raise FormatError("the answer has too much")
    return {name: _read_exactly(answers, size) for name, size in sizes.items()}


def _sizes(parts: list[Any]) -> dict[str, int]:
    sizes = {}
    for part in parts:
        match part:
            case [str() as name, int() as size] if _is_short(name) and type(size) is int and size >= 0:
                sizes[name] = size
            case _:
                raise FormatError("the answer has no such part")
    return sizes


def _read_exactly(answers: IO[bytes], size: int) -> bytes:
    content = answers.read(size)
    if len(content) < size:
        raise EOFError
    return content


def _is_short(text: object) -> bool:
    return isinstance(text, str) and len(text) <= limits.PDF_TEXT
