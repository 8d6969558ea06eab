"""DER, ITU-T X.690's one encoding of an ASN.1 value: read strictly, and written, as far as time-stamping needs it.

A reader goes through the elements of one constructed value in their order, with no look-ahead beyond the next tag and
no recursion: who reads says what has to come. Only single-byte tags and definite, shortest lengths are DER here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from notary.errors import FormatError

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OBJECT_IDENTIFIER = 0x06
UTF8_STRING = 0x0C
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31

_LENGTH_BYTES = 4
_INTEGER_BYTES = 64
_OID_BYTES = 64
_FRACTION_DIGITS = 9


def context(number: int) -> int:
    """The tag of a constructed element that its context numbers: [number]."""
    return 0xA0 | number


@dataclass(frozen=True, slots=True)
class Element:
    """One value: its tag, its content, and both with the length between them, as they stood."""

    tag: int
    content: bytes
    encoded: bytes

    def parts(self) -> "Reader":
        return Reader(self.content)

    def integer(self) -> int:
        """An INTEGER's value, of up to 64 bytes. Raises FormatError."""
        data = self.content
        if not 0 < len(data) <= _INTEGER_BYTES or (
            len(data) > 1 and data[0] in (0, 255) and data[0] >> 7 == data[1] >> 7
        ):
            raise FormatError("an integer is not DER")
        return int.from_bytes(data, "big", signed=True)

    def boolean(self) -> bool:
        """A BOOLEAN's value. Raises FormatError."""
        if self.content not in (b"\0", b"\xff"):
            raise FormatError("a boolean is not DER")
        return self.content == b"\xff"

    def oid(self) -> str:
        """An OBJECT IDENTIFIER's dotted form. Raises FormatError."""
        data = self.content
        if not 0 < len(data) <= _OID_BYTES or data[-1] & 0x80:
            raise FormatError("an object identifier is not DER")
        arcs, value, is_first = list[int](), 0, True
        for byte in data:
            if is_first and byte == 0x80:
                raise FormatError("an object identifier is not DER")
            value = value << 7 | byte & 0x7F
            is_first = not byte & 0x80
            if is_first:
                arcs.append(value)
                value = 0
        top = min(arcs[0] // 40, 2)
        return ".".join(map(str, (top, arcs[0] - 40 * top, *arcs[1:])))

    def text(self) -> str:
        """A UTF8String's text. Raises FormatError."""
        try:
            return self.content.decode()
        except UnicodeDecodeError:
            raise FormatError("a text is not UTF-8") from None

    def time(self) -> datetime:
        """A GeneralizedTime in UTC as DER has it; digits of the second beyond the sixth are cut. Raises FormatError."""
        whole, dot, fraction = self.content[:-1].partition(b".")
        is_fraction = fraction.isdigit() and len(fraction) <= _FRACTION_DIGITS and not fraction.endswith(b"0")
        if self.content[-1:] != b"Z" or len(whole) != 14 or not whole.isdigit() or bool(dot) != is_fraction:
            raise FormatError("a time is not DER")
        try:
            moment = datetime.strptime(whole.decode("ascii"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            raise FormatError("a time is none") from None
        return moment.replace(microsecond=int(fraction[:6].ljust(6, b"0")) if dot else 0)


class Reader:
    """The elements of `data`, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def next_tag(self) -> int | None:
        """The tag of what comes next; None at the end."""
        return self._data[self._at] if self._at < len(self._data) else None

    def take(self, tag: int) -> Element:
        """The next element, which has to have this tag. Raises FormatError."""
        if self.next_tag() != tag:
            found = "the end" if self.next_tag() is None else f"tag {self.next_tag():#04x}"
            raise FormatError(f"found {found} where tag {tag:#04x} has to stand")
        return self._take()

    def maybe(self, tag: int) -> Element | None:
        """The next element if it has this tag. Raises FormatError."""
        return self._take() if self.next_tag() == tag else None

    def rest(self) -> Iterator[Element]:
        """All elements that are left. Raises FormatError."""
        while self._at < len(self._data):
            yield self._take()

    def end(self) -> None:
        """Raises FormatError unless everything has been read."""
        if self._at != len(self._data):
            raise FormatError(f"{len(self._data) - self._at} bytes are left over")

    def _take(self) -> Element:
        data, start = self._data, self._at
        tag = data[start]
        if tag & 0x1F == 0x1F:
            raise FormatError("a tag of several bytes is not expected")
        at = start + 2
        length = data[start + 1] if start + 1 < len(data) else 0
        if length >= 0x80:
            size = length & 0x7F
            digits = data[at : at + size]
            length = int.from_bytes(digits, "big")
            if not 0 < size <= _LENGTH_BYTES or len(digits) < size or digits[0] == 0 or length < 0x80:
                raise FormatError("a length is not DER")
            at += size
        if at + length > len(data):
            raise FormatError("it is cut short")
        self._at = at + length
        return Element(tag, data[at : self._at], data[start : self._at])


def only(data: bytes, tag: int) -> Element:
    """The one element that `data` is. Raises FormatError, also for bytes behind it."""
    reader = Reader(data)
    element = reader.take(tag)
    reader.end()
    return element


# -- writing --------------------------------------------------------------------------------------------------------


def element(tag: int, *parts: bytes) -> bytes:
    """An element of this tag whose content is `parts`, one behind the other."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def sequence(*parts: bytes) -> bytes:
    return element(SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    """A SET OF: DER puts the encoded members in the order of their bytes."""
    return element(SET, *sorted(parts))


def integer(value: int) -> bytes:
    # Of -1 - value as many bits as of value's magnitude, less the sign's own.
    bits = (value if value >= 0 else ~value).bit_length()
    return element(INTEGER, value.to_bytes(bits // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    top, second, *arcs = map(int, dotted.split("."))
    content = bytearray()
    for arc in (40 * top + second, *arcs):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(arc & 0x7F | 0x80)
        content += bytes(reversed(digits))
    return element(OBJECT_IDENTIFIER, bytes(content))


def octets(value: bytes) -> bytes:
    return element(OCTET_STRING, value)


def generalized_time(value: datetime) -> bytes:
    """A GeneralizedTime of whole seconds; `value` knows its time zone."""
    return element(GENERALIZED_TIME, value.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").rjust(15, "0").encode("ascii"))
