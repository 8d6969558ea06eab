"""Load files: the tables that go with a production in e-discovery, one row for each document.

    CSV, RFC 4180             Bates Begin,Custodian,NativeLink
                              ABC0001,"Doe, Jane",NATIVES\\001\\ABC0001.doc
    DAT, as Concordance has   þBEGBATESþ¶þCUSTODIANþ¶þNATIVELINKþ       where ¶ stands for the character U+0014
    it                        þABC0001þ¶þDoe, Janeþ¶þNATIVES\\001\\ABC0001.docþ

A DAT writes `®` for a line break inside a field, and `þþ` for a `þ`. Both come in UTF-8, UTF-16 and Windows-1252.

The steps: `detect` tells the format by a file's first bytes; `read_rows` goes through it in constant memory;
`write_row` writes a row's cells again. What rows state is read in `load_columns`.
"""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from notary import limits
from notary.core.strict_json import quoted
from notary.errors import FormatError, InputError


class Dialect(StrEnum):
    CSV = "csv"
    DAT = "dat"


@dataclass(frozen=True, slots=True)
class LoadFormat:
    """How a load file is written. `encoding` is the codec's name; the byte order mark is apart from it."""

    dialect: Dialect
    encoding: str
    has_bom: bool
    newline: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row as a person counts: the header is row 1. `line` is the line of the file on which it begins."""

    number: int
    line: int
    cells: tuple[str, ...]


_MARK, _DELIMITER, LINE_BREAK = "\u00fe", "\x14", "\u00ae"
_BETWEEN = f"{_MARK}{_DELIMITER}{_MARK}"
_BOM = "\ufeff"
_BLOCK = 64 * 1024


# -- telling the format ---------------------------------------------------------------------------------------------

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_UTF_32_BOMS = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
_UTF_16 = ("utf-16-le", "utf-16-be")

# What may be named: encodings of text that keep ASCII and no state between characters.
_ENCODINGS = frozenset(
    ["utf-8", *_UTF_16, "cp437", "cp850", "cp932", "gb18030", "koi8-r"]
    + [f"cp{number}" for number in range(1250, 1259)]
    + [f"iso8859-{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)]
)
_SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "vertical bars", "^": "carets"}


def detect(head: bytes, name: str, encoding: str | None = None) -> LoadFormat:
    """The format of the load file `name` that begins with `head`: `limits.LOAD_FILE_HEAD_BYTES` of it, or all.

    `encoding` is what the user named, and counts unless a byte order mark says otherwise. Without it, in this order:
    the byte order mark; UTF-16 if every other byte is NUL; UTF-8 if all is UTF-8, or most of what is not ASCII, so
    that one damaged byte is found as such; Windows-1252. The dialect is what the first line shows, and where that shows
    neither, what the suffix says. Raises FormatError, and InputError for an encoding that is not read.
    """
    head = head[: limits.LOAD_FILE_HEAD_BYTES]
    if not head:
        raise FormatError(f"{name} is empty")
    if head.startswith(_UTF_32_BOMS):
        raise FormatError(f"{name} is UTF-32, which is not read", "save it as UTF-8")
    marked = next((codec for mark, codec in _BOMS if head.startswith(mark)), None)
    codec = marked or _guess(head)
    if encoding is not None:
        codec = _named(encoding, codec)
        if marked not in (None, codec):
            raise FormatError(f"{name} begins with the byte order mark of {marked}, not {codec}", "name no encoding")
    text = codecs.getincrementaldecoder(codec)("replace").decode(head).removeprefix(_BOM)
    dialect = _dialect(text, name)
    if dialect is Dialect.DAT and not _can_write(codec, _MARK + LINE_BREAK):
        raise FormatError(f"{name} is a Concordance DAT, whose marks {codec} does not have", "try cp1252 or utf-8")
    newline = _newline(text, dialect)
    if newline is None and "\r" in text.rstrip("\r"):
        raise FormatError(f"{name}: its lines end in CR alone", "save it with line ends of Windows or Unix")
    return LoadFormat(dialect, codec, marked is not None, newline or "\r\n")


def _named(encoding: str, guess: str) -> str:
    try:
        codec = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        codec = ""
    if codec == "utf-16":
        return guess if guess in _UTF_16 else "utf-16-le"
    codec = "utf-8" if codec == "utf-8-sig" else codec
    if codec not in _ENCODINGS:
        raise InputError(
            f"{quoted(encoding)} is no encoding that load files are read in",
            "try utf-8, utf-16, cp1252 (Windows-1252) or another code page such as cp1250 or cp932",
        )
    return codec


def _guess(head: bytes) -> str:
    first = head[:1024]
    even, odd, pairs = first[::2].count(0), first[1::2].count(0), len(first) // 2
    if odd * 2 > pairs and even * 8 < odd:
        return "utf-16-le"
    if even * 2 > pairs and odd * 8 < even:
        return "utf-16-be"
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(head)
    bad = text.count("\ufffd")
    good = sum(character > "\x7f" for character in text) - bad
    return "utf-8" if good >= bad else "cp1252"


def _can_write(codec: str, text: str) -> bool:
    try:
        return bool(text.encode(codec))
    except UnicodeEncodeError:
        return False


def _dialect(text: str, name: str) -> Dialect:
    """What the first line shows, whatever the suffix says; the suffix decides only where a line shows nothing."""
    line = text.partition("\n")[0].rstrip("\r")
    if _DELIMITER in line or (len(line) > 1 and line.startswith(_MARK) and line.endswith(_MARK)):
        return Dialect.DAT
    if "," not in line and '"' not in line:
        separator = next((word for character, word in _SEPARATORS.items() if character in line), None)
        if separator is not None:
            raise FormatError(
                f"{name}: its columns are divided by {separator}, which are not read",
                "save it as CSV, with commas, or as a Concordance DAT",
            )
        if name.lower().endswith(".dat"):
            return Dialect.DAT
    return Dialect.CSV


def _newline(text: str, dialect: Dialect) -> str | None:
    """What ends the header: the first line break outside quotation marks. None if there is none."""
    marks = start = 0
    for match in re.finditer("\n", text):
        at = match.start()
        marks += text.count('"', start, at)
        start = at
        if dialect is Dialect.DAT or marks % 2 == 0:
            return "\r\n" if text[:at].endswith("\r") else "\n"
    return None


# -- reading --------------------------------------------------------------------------------------------------------


def read_rows(
    pieces: Iterable[bytes],
    how: LoadFormat,
    name: str = "the load file",
    *,
    any_width: bool = False,
    encoding_hint: str | None = None,
) -> Iterator[Row]:
    """The rows of the load file whose bytes are `pieces`, cut anywhere; the first is the header.

    It holds one row and a block of bytes at a time. `any_width` gives rows that have not as many cells as the header,
    and blank ones between others, as they are. `encoding_hint` says what to do about another encoding, where it cannot
    be named.

    Raises FormatError, which says `name` and the row: for bytes that are not of the encoding, NUL, quotation marks
    that do not pair, a row over `limits.LOAD_FILE_ROW`, a header with one name twice, no rows at all; and, but for
    `any_width`, a row that has not as many cells as the header, a blank row between others.
    """
    lines = _Lines(pieces, how, name, encoding_hint)
    width = rows = blanks = 0
    blank: FormatError | None = None
    for cells in _csv_rows(lines) if how.dialect is Dialect.CSV else _dat_rows(lines):
        if not cells:
            blanks += 1
            blank = blank or lines.fault("it is blank, and rows come after it", "take it out")
        else:
            if blank is not None and not (any_width and width):
                raise blank
            for before in range(blanks, 0, -1):
                yield Row(lines.row - before, lines.start - before, ())
            blank, blanks = None, 0
            if not width:
                _check_header(cells, lines)
                width = len(cells)
            elif len(cells) != width and not any_width:
                raise lines.fault(
                    f"it has {len(cells)} cells, and the header {width}", "is a delimiter missing, or text not quoted?"
                )
            rows += 1
            yield Row(lines.row, lines.start, tuple(cells))
        lines.next_row()
    if rows < 2:
        raise FormatError(f"{name} {'has a header and no rows' if rows else 'is blank'}")


def _check_header(names: Sequence[str], lines: "_Lines") -> None:
    if len(names) > limits.LOAD_FILE_COLUMNS:
        raise lines.fault(f"the header has over {limits.LOAD_FILE_COLUMNS} columns")
    seen: dict[str, str] = {}
    for name in names:
        key = name.strip().casefold()
        if key in seen:
            raise lines.fault(f"the header has the column {quoted(name)} twice", "give each column a name of its own")
        if key:  # columns without a name mean nothing to us, however many a spreadsheet leaves behind
            seen[key] = name
    if not seen:
        raise lines.fault("the header names no column")


class _Lines:
    """The lines of a load file, decoded, and the row that they are part of."""

    def __init__(self, pieces: Iterable[bytes], how: LoadFormat, name: str, encoding_hint: str | None) -> None:
        self._pieces, self._how, self._name = pieces, how, name
        self._encoding_hint = encoding_hint
        self._line = self._size = 0
        self.row = self.start = 1

    def next_row(self) -> None:
        self.row += 1
        self.start = self._line + 1
        self._size = 0

    def fault(self, message: str, *hints: str) -> FormatError:
        line = "" if self.start == self.row else f" (line {self.start})"
        return FormatError(f"{self._name}, row {self.row}{line}: {message}", *hints)

    def read(self, end: str) -> Iterator[str]:
        """The lines, each with `end` in place of its LF. No more is taken than the row needs."""
        kept: list[str] = []
        held = 0
        for text, fault in self._texts():
            lines = text.split("\n")
            if len(lines) > 1:
                kept.append(lines[0])
                lines[0] = "".join(kept)
                kept.clear()
                held = 0
            rest = lines.pop()
            for line in lines:
                self._line += 1
                self._size += len(line) + 1
                if self._size > limits.LOAD_FILE_ROW:
                    raise self._too_long()
                yield line + end
            kept.append(rest)
            held += len(rest)
            if self._size + held > limits.LOAD_FILE_ROW:
                raise self._too_long()
            if fault is not None:
                raise self.fault(*fault)
        if held:
            self._line += 1
            yield "".join(kept)

    def _too_long(self) -> FormatError:
        return self.fault(
            f"it is over {limits.LOAD_FILE_ROW} characters",
            "is a quotation mark left open, or a line end missing? Long text belongs in files of its own",
        )

    def _texts(self) -> Iterator[tuple[str, tuple[str, ...] | None]]:
        """The text, block by block; and where it cannot go on, why, after what comes before that."""
        codec = self._how.encoding
        decoder = codecs.getincrementaldecoder(codec)()
        mark = _BOM if self._how.has_bom else ""
        for block in _blocks(self._pieces):
            try:
                text = decoder.decode(block)
            except UnicodeDecodeError as error:
                yield error.object[: error.start].decode(codec).removeprefix(mark), self._not_text(error)
                return
            text, mark = text.removeprefix(mark), ""
            if "\0" in text:
                yield (
                    text[: text.index("\0")],
                    (
                        "it holds a NUL character",
                        self._encoding_hint or "is it text? If it is UTF-16, name that encoding",
                    ),
                )
                return
            yield text, None
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            yield "", self._not_text(error)

    def _not_text(self, error: UnicodeDecodeError) -> tuple[str, ...]:
        codec = self._how.encoding
        found = error.object[error.start : min(error.end, error.start + 4)].hex(" ").upper()
        other = "cp1252" if codec == "utf-8" else "utf-8"
        hint = self._encoding_hint or f"name the encoding that it is in, such as {other}"
        return f"the bytes {found} are no text in {codec}", hint


def _blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces that are neither tiny nor huge, so that neither costs more than they hold."""
    held = bytearray()
    for piece in pieces:
        for at in range(0, len(piece), _BLOCK):
            held += piece[at : at + _BLOCK]
            if len(held) >= _BLOCK:
                yield bytes(held)
                held.clear()
    if held:
        yield bytes(held)


# What Python's csv module says of a row, in a user's words. Its bound on a cell is the process's; ours is on the row.
_CSV_FAULTS = {
    "unexpected end of data": ("a quotation mark opens a cell that is never closed",),
    "field larger than": (
        "a cell is longer than CSV is read here",
        "is a quotation mark left open? Long text belongs in files of its own",
    ),
    "expected after": ("text follows a closing quotation mark", 'inside quoted text, a quotation mark is written ""'),
    "new-line character": ("a carriage return stands outside quotation marks", "lines end in LF or CR LF"),
}


def _csv_rows(lines: _Lines) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines.read("\n"), strict=True)
    except csv.Error as error:
        words = next((words for key, words in _CSV_FAULTS.items() if key in str(error)), (str(error),))
        raise lines.fault(*words) from None


# A cell in marks, or one without, and what ends it. Possessive: what was once taken is not tried again.
_CELL = re.compile(
    f"(?:{_MARK}((?:[^{_MARK}]++|{_MARK}{_MARK})*+){_MARK}|([^{_MARK}{_DELIMITER}]*+))({_DELIMITER}|\\Z)"
)


def _dat_rows(lines: _Lines) -> Iterator[list[str]]:
    for text in lines.read(""):
        line = text.removesuffix("\r")
        cells = line[1:-1].split(_BETWEEN)
        # As many marks as go around the cells, one of them at either end: then none is inside.
        if line.count(_MARK) == 2 * len(cells) and line[0] == line[-1] == _MARK:
            yield cells
        else:
            yield list(_odd_cells(line, lines)) if line else []


def _odd_cells(line: str, lines: _Lines) -> Iterator[str]:
    """The cells of a row of which some hold a mark, doubled, or have none around them, as empty ones of some tools."""
    at, count, more = 0, 0, True
    while more:
        match = _CELL.match(line, at)
        count += 1
        if match is None:
            raise lines.fault(
                f"the marks {_MARK} around cell {count} do not pair",
                f"a line break inside a cell is written {LINE_BREAK}, a mark is doubled",
            )
        marked, bare, end = match.groups()
        yield bare if marked is None else marked.replace(_MARK * 2, _MARK)
        at, more = match.end(), bool(end)


# -- writing --------------------------------------------------------------------------------------------------------

_TO_QUOTE = re.compile('[",\r\n]')


def bom(how: LoadFormat) -> bytes:
    """What a file of this format begins with: its byte order mark, if it has one."""
    return _BOM.encode(how.encoding) if how.has_bom else b""


CSV_UTF8 = LoadFormat(Dialect.CSV, "utf-8", has_bom=False, newline="\r\n")
"""RFC 4180 as it is written here where nothing else is asked for."""


def write_row(cells: Sequence[str], how: LoadFormat) -> bytes:
    """The row's bytes, with its line end. Raises FormatError for text that the format cannot hold.

    Cells are written exactly as they are. One that begins with `=` or `@` runs as a formula in some spreadsheets; it
    gets no apostrophe in front all the same, for then it would not be what the evidence says.
    """
    if how.dialect is Dialect.CSV:
        line = ",".join(_quote(cell) if _TO_QUOTE.search(cell) else cell for cell in cells) or '""'
    else:
        line = _MARK + _BETWEEN.join([cell.replace(_MARK, _MARK * 2) for cell in cells]) + _MARK
        if "\n" in line:
            raise FormatError(f"a DAT cannot hold a line break inside a cell: {quoted(line)}", f"write {LINE_BREAK}")
    try:
        return (line + how.newline).encode(how.encoding)
    except UnicodeEncodeError as error:
        found = line[error.start]
        raise FormatError(f"the load file's encoding, {how.encoding}, has no {quoted(found)}", "use UTF-8") from None


def _quote(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'
