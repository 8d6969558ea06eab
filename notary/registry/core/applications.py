"""Applications and events that are to be added to a register, from an office's CSV or JSON.

CSV is RFC 4180 in UTF-8, divided by commas, with a header. The columns, in any order; those without a star may be
missing or blank:

    office*         WIPO ST.3: two capital letters
    number*         the application's number as the office writes it
    event           filed, which a blank means; corrected, published, granted, refused, withdrawn, assigned, licensed,
                    lapsed
    right*          patent, utility-model, design, trademark, other
    filing_date*    2026-03-12
    digest          SHA-256 of the package as filed, 64 hex digits; needed for filed
    date            the day of the event; needed for all but filed, which has none
    to              to whom: only for assigned and licensed; declared
    st13            the WIPO ST.13 number
    das, case, pct, madrid, hague, url      references; das is an office, a blank and a number
    object          which object, by the leaf hash of its first entry, where several have the office and number
    sealed          yes or no

Of a later event, `right` and `filing_date` may be blank: they are those of its object. JSON is an array of objects, or
an object a line, with the same keys, `references` as an object, and `sealed` true or false.

Each row is an `Application` or a `BadRow`, so that none is lost; a file that cannot be gone through is a FormatError.
What a later event says is compared with where its object stands: see `Standing`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from notary import limits
from notary.core.load_file import Dialect, LoadFormat, Row, read_rows
from notary.core.strict_json import Json, quoted, read_object
from notary.errors import FormatError
from notary.registry.core.entry import Open, made_open, read_fields
from notary.registry.core.offices import office_warning
from notary.registry.core.terms import REFERENCES, Event, is_credential_key, unknown_key

COLUMNS = (
    "event",
    "office",
    "number",
    "right",
    "filing_date",
    "digest",
    "date",
    "to",
    "st13",
    *REFERENCES,
    "object",
    "sealed",
)

TEMPLATE = (
    f"{','.join(COLUMNS)}\r\n"
    f"filed,XX,2026/000412,patent,2026-03-12,{'0' * 64},,,,,,,,,https://office.example/2026/000412,,no\r\n"
    f"filed,XX,2026/000413,design,2026-03-12,{'1' * 64},,,,,,,,,,,yes\r\n"
    "granted,XX,2026/000412,,,,2028-02-14,,,,,,,,,,\r\n"
    'assigned,XX,2026/000412,,,,2028-03-13,"Muster AG, Bern",,,,,,,,,\r\n'
)
"""A CSV with all columns and an example of each kind of row, which a register takes as it stands."""

_CSV = LoadFormat(Dialect.CSV, "utf-8", has_bom=True, newline="\r\n")
_FROM_OBJECT = ("right", "filing_date")
_ALIKE = ("office", "number", *_FROM_OBJECT)
_ENDS = frozenset({Event.REFUSED, Event.WITHDRAWN, Event.LAPSED})
_AFTER_THE_END = frozenset({Event.CORRECTED, Event.PUBLISHED})


@dataclass(frozen=True, slots=True)
class Application:
    """A good row: `number` counts as a person does, the CSV's header being row 1. `values` are those of `Open`.

    `filed` is the entry, where the row is a first filing and nothing has to be looked up.
    """

    number: int
    values: dict[str, Any]
    is_sealed: bool
    warnings: tuple[str, ...]
    filed: Open | None

    @property
    def event(self) -> Event:
        event: Event = self.values["event"]
        return event

    @property
    def object(self) -> bytes | None:
        """The leaf hash of the object's first entry, where the row names it."""
        return self.values.get("object")

    def entry(
        self, stated: Open | None = None, object_leaf: bytes | None = None, previous: bytes | None = None
    ) -> Open:
        """The entry to add: an object's first; or, given what states the object (`Standing.stated`), the leaf hash of
        its first and that of its last, a later one.

        Raises FormatError for what is missing, does not go together, or contradicts the object without being a
        correction of it.
        """
        if self.filed is not None and stated is None and not (object_leaf or previous):
            return self.filed
        what = f"row {self.number}"
        known = {key: getattr(stated, key) for key in _FROM_OBJECT} if stated is not None else {}
        if stated is None and (object_leaf or previous or self.object):
            raise FormatError(f"{what} is about an object that is not known")
        if stated is not None and self.event is Event.FILED:
            raise FormatError(f"{what} files what is in the register already", "a later event has another event")
        entry = made_open({**known, **self.values, "object": object_leaf, "previous": previous}, what)
        if stated is not None and self.event is not Event.CORRECTED:
            for key in _ALIKE:
                new, old = getattr(entry, key), getattr(stated, key)
                if new != old:
                    words = f"{key} is {quoted(str(new))}, and {quoted(str(old))} of its object"
                    raise FormatError(f"{what}: {words}: only a corrected row may state another")
        return entry


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is not as it should be, and why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an object stands: the entry that states it, its first or the last `corrected`; the day of the latest of
    its events; and which there have been."""

    stated: Open
    latest: date
    events: frozenset[Event]

    @classmethod
    def of(cls, first: Open) -> "Standing":
        return cls(first, first.happened, frozenset({first.event}))

    def after(self, entry: Open) -> "Standing":
        """The same after one more event."""
        stated = entry if entry.event is Event.CORRECTED else self.stated
        return Standing(stated, max(self.latest, entry.happened), self.events | {entry.event})


def odd_about(entry: Open, before: Standing | None, today: date | None) -> Iterator[str]:
    """What is odd about an entry that may be added all the same: its keeper may have good reasons.

    `before` is where its object stands, None of an object's first; `today` the last day that has begun anywhere.
    """
    event, day = entry.event, entry.happened
    if today is not None and day > today:
        yield "dated in the future"
    if day < entry.filing_date:
        yield "an event dated before the filing date"
    if before is None:
        return
    if day < before.latest:
        yield "an event dated before the last one of its object"
    if event is Event.GRANTED and event in before.events:
        yield "granted a second time"
    if event not in _AFTER_THE_END:
        yield from (f"{event} after {end}" for end in sorted(before.events & _ENDS))


# -- CSV ------------------------------------------------------------------------------------------------------------


def read_csv(pieces: Iterable[bytes], name: str, *, sealed: bool = False) -> Iterator[Application | BadRow]:
    """The rows of the CSV whose bytes are `pieces`, cut anywhere; `sealed` seals all. One row is held at a time.

    Raises FormatError, which says `name` and the row, for what `load_file.read_rows` refuses of rows of any width, and
    for a header with other columns.
    """
    rows = read_rows(pieces, _CSV, name, any_width=True, encoding_hint="save it as CSV in UTF-8")
    header = _header(next(rows).cells, name)
    for row in rows:
        yield _from_cells(header, row, sealed)


def _header(cells: tuple[str, ...], name: str) -> tuple[str, ...]:
    header = tuple(cell.strip().lower() for cell in cells)
    for column in header:
        if column in COLUMNS:
            continue
        if is_credential_key(column):
            raise unknown_key(column, f"{name}: the header")
        hint = "cells are divided by commas" if re.search("[;\t|]", column) else f"the columns are {', '.join(COLUMNS)}"
        raise FormatError(f"{name}: the header has the unknown column {quoted(column)}", hint)
    for column in ("office", "number"):
        if column not in header:
            raise FormatError(f"{name}: the header has no column {column}")
    return header


def _from_cells(header: tuple[str, ...], row: Row, sealed: bool) -> Application | BadRow:
    if row.cells and len(row.cells) != len(header):
        cells = "1 cell" if len(row.cells) == 1 else f"{len(row.cells)} cells"
        return BadRow(row.number, f"it has {cells}, and the header {len(header)}: is a comma missing, or not quoted?")
    members: Json = {column: cell for column, cell in zip(header, row.cells, strict=False) if cell}
    references = {kind: members.pop(kind) for kind in REFERENCES if kind in members}
    if references:
        members["references"] = references
    if not members:
        return BadRow(row.number, "it is blank")
    word = members.pop("sealed", None)
    if word not in ("yes", "no", None):
        return BadRow(row.number, f"sealed is {quoted(word)}, neither yes nor no")
    return _application(row.number, members, None if word is None else word == "yes", sealed)


# -- JSON -----------------------------------------------------------------------------------------------------------


def read_json(pieces: Iterable[bytes], name: str, *, sealed: bool = False) -> Iterator[Application | BadRow]:
    """The rows of the JSON whose bytes are `pieces`: an array's objects, counted from 1, or lines, each an object.

    `sealed` seals all. One row is held at a time. Raises FormatError, which says `name`, where rows cannot be told
    apart, or there are none.
    """
    rows = 0
    for number, data in _split(_blocks(pieces), name):
        rows += 1
        yield _from_object(number, data, sealed)
    if not rows:
        raise FormatError(f"{name} has no applications")


def _from_object(number: int, data: bytes, sealed: bool) -> Application | BadRow:
    try:
        members = read_object(data, "it", limits.REGISTRY_ROW_BYTES)
    except FormatError as error:
        return _bad(number, error)
    word = members.pop("sealed", None)
    if not (word is None or isinstance(word, bool)):
        return BadRow(number, "sealed is neither true nor false")
    return _application(number, members, word, sealed)


def _object_pattern() -> re.Pattern[bytes]:
    """An object with objects in it, as deep as `limits.JSON_DEPTH`; what else is wrong with it is seen later."""
    text = rb'"(?:[^"\\]|\\.)*+"'
    value = rb"(?!)"
    for _ in range(limits.JSON_DEPTH):
        value = rb'\{(?:[^{}"]++|' + text + rb"|" + value + rb")*+\}"
    return re.compile(value, re.DOTALL)


_OBJECT = _object_pattern()
_BETWEEN = re.compile(rb"[ \t\r\n]*+")
_BOM = b"\xef\xbb\xbf"
_BLOCK = 256 * 1024


def _blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks larger than a row, so that a row is looked at twice at most."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= _BLOCK:
            yield bytes(held[:_BLOCK])
            del held[:_BLOCK]
    yield bytes(held)


def _split(blocks: Iterator[bytes], name: str) -> Iterator[tuple[int, bytes]]:
    """The bytes of each row, and its number."""
    start = next(blocks).removeprefix(_BOM)
    first = start.lstrip()
    return _array(first[1:], blocks, name) if first[:1] == b"[" else _lines(start, blocks, name)


def _lines(held: bytes, blocks: Iterator[bytes], name: str) -> Iterator[tuple[int, bytes]]:
    number = 1
    while True:
        *lines, held = held.split(b"\n")
        for line in lines:
            if line.strip():
                yield number, line
            number += 1
        if len(held) > limits.REGISTRY_ROW_BYTES:
            raise FormatError(f"{name}, line {number}: it is over {limits.REGISTRY_ROW_BYTES:,} bytes")
        block = next(blocks, None)
        if block is None:
            break
        held += block
    if held.strip():
        yield number, held


def _array(held: bytes, blocks: Iterator[bytes], name: str) -> Iterator[tuple[int, bytes]]:
    number, at, needs_comma = 1, 0, False
    while True:
        at = _past_blanks(held, at)
        if needs_comma and held[at : at + 1] == b",":
            at, needs_comma = _past_blanks(held, at + 1), False
        match = None if needs_comma else _OBJECT.match(held, at)
        if match is not None:
            yield number, match[0]
            number, at, needs_comma = number + 1, match.end(), True
            continue
        held, at = held[at:], 0
        if held[:1] == b"]" and (needs_comma or number == 1):
            break
        block = next(blocks, b"") if len(held) <= limits.REGISTRY_ROW_BYTES else b""
        if not block:
            raise FormatError(
                f"{name}, application {number}: the array goes on with no object, or one of too many bytes",
                "applications are objects, divided by commas",
            )
        held += block
    if held[1:].strip() or any(block.strip() for block in blocks):
        raise FormatError(f"{name}: bytes follow the array")


def _past_blanks(held: bytes, at: int) -> int:
    match = _BETWEEN.match(held, at)
    return match.end() if match else at


# -- both -----------------------------------------------------------------------------------------------------------


def _application(number: int, members: Json, word: bool | None, sealed: bool) -> Application | BadRow:
    """The row with these members, of which `word` says whether it is sealed, and `sealed` whether all are."""
    if sealed and word is False:
        return BadRow(number, "sealed says no, and all are to be sealed")
    is_sealed = sealed or bool(word)
    try:
        for key in ("format", "previous", "t", "record"):
            if key in members:
                raise FormatError(f"it has {key}, which the register sets")
        values = {"event": Event.FILED, **read_fields(members, "it")}
        filed = _checked(values, is_sealed)
    except FormatError as error:
        return _bad(number, error)
    return Application(number, values, is_sealed, _warnings(values), filed)


def _bad(number: int, error: FormatError) -> BadRow:
    return BadRow(number, error.message.removeprefix("it: "))


def _checked(values: dict[str, Any], is_sealed: bool) -> Open | None:
    """What can be said of a row before its object is known: of a first filing all. Raises FormatError."""
    event = values["event"]
    if event is Event.FILED:
        if "object" in values:
            raise FormatError("it is filed, and names an object that is there already")
        return made_open(values, "it")
    if event is Event.PUBLISHED and is_sealed:
        raise FormatError("it is published, and sealed")
    made_open({**dict.fromkeys(_FROM_OBJECT), **values, "object": None}, "it")
    return None


def _warnings(values: dict[str, Any]) -> tuple[str, ...]:
    office, st13 = values["office"], values.get("st13", "")
    found = [office_warning(office)]
    if st13[:2].isalpha() and st13[:2] != office:
        found.append(f"the ST.13 number is one of {st13[:2]}, and the office is {office}")
    return tuple(warning for warning in found if warning)
