"""What a PDF says of itself, read in the child process.

Only the Info dictionary is read: XMP would bring an XML parser within reach of the file.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pypdf import PdfReader
from pypdf.errors import LimitReachedError
from pypdf.generic import ArrayObject, ByteStringObject, DictionaryObject, TextStringObject

from notary import limits
from notary.edges.pdf_reading.opened import at, fault_of, opened, short


def stated(path: str) -> dict[str, int | str]:
    """The facts by name. Raises MemoryError."""
    facts: dict[str, int | str] = {}
    try:
        with opened(path) as reader:
            # A password may be for changes only: then an empty one is enough to read.
            if reader.is_encrypted and not reader.decrypt(""):
                return {"fault": "encrypted: needs a password"}
            for name, read in _READ_BY.items():
                try:
                    value = read(reader)
                except Exception as error:  # one broken part shall not hide the others
                    facts.setdefault("fault", fault_of(error))
                else:
                    facts |= {} if value is None else {name: value}
    except Exception as error:  # pypdf raises whatever a broken file leads it into
        facts["fault"] = fault_of(error)
    return facts


def _pages(reader: PdfReader) -> int:
    return len(reader.pages)  # counted, whatever /Count says


def _info(reader: PdfReader, key: str) -> str | None:
    value = at(at(reader.trailer, "/Info"), key)
    if isinstance(value, ByteStringObject):  # no text, as far as pypdf can tell
        value = TextStringObject(value.decode("latin-1"))
    return short(value) or None if isinstance(value, TextStringObject) else None


def _signatures(reader: PdfReader) -> int:
    """Fields of the type /Sig that hold a value. A field without a type has that of the one above it."""

    def below(node: object, key: str, kind: object) -> list[tuple[Any, object]]:
        fields = at(node, key)
        return [(field, kind) for field in fields] if isinstance(fields, ArrayObject) else []

    count = 0
    seen: dict[int, object] = {}
    waiting = below(at(reader.root_object, "/AcroForm"), "/Fields", None)
    while waiting:
        if len(seen) + len(waiting) > limits.PDF_FIELDS:
            raise LimitReachedError(f"over {limits.PDF_FIELDS:,} form fields")
        reference, kind = waiting.pop()
        field = reference.get_object()
        if id(field) not in seen:
            seen[id(field)] = field
            kind = at(field, "/FT") or kind
            count += kind == "/Sig" and isinstance(at(field, "/V"), DictionaryObject)
            waiting += below(field, "/Kids", kind)
    return count


_DATE = re.compile(
    r"(?:D:)?(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(\d\d)(\d\d)?(?:(Z)(?:00'?00'?)?|([+-]\d\d)'?(\d\d)?'?)?)?)?)?", re.ASCII
)


def _created(reader: PdfReader) -> str | None:
    """`D:20240102030405+01'00'` as 2024-01-02T03:04:05+01:00."""
    stated = _info(reader, "/CreationDate")
    parts = _DATE.fullmatch(stated or "")
    if not parts:
        return stated
    year, month, day, hour, minute, second, utc, hours, minutes = parts.groups()
    zone = utc or (f"{hours}:{minutes or '00'}" if hours else "")
    time = ":".join(filter(None, (hour, minute, second)))
    try:
        datetime.fromisoformat(f"{year}-{month or '01'}-{day or '01'}T{time or '00:00'}{zone}")
    except ValueError:
        return stated
    return "-".join(filter(None, (year, month, day))) + (f"T{time}{zone}" if time else "")


_READ_BY: dict[str, Callable[[PdfReader], int | str | None]] = {
    "pages": _pages,
    "title": lambda reader: _info(reader, "/Title"),
    "author": lambda reader: _info(reader, "/Author"),
    "created": _created,
    "signatures": _signatures,
}
