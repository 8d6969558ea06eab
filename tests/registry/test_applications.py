"""Applications from CSV and JSON: each row is an application, or is listed with its reason."""

import csv
import io
import json
import tracemalloc
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notary import limits
from notary.errors import FormatError
from notary.registry.core.applications import (
    COLUMNS,
    TEMPLATE,
    Application,
    BadRow,
    Standing,
    odd_about,
    read_csv,
    read_json,
)
from notary.registry.core.entry import check_entry, write_entry
from notary.registry.core.history import history
from notary.registry.core.terms import Event, Right
from tests.registry.register import DIGEST, FILING_DATE, entries, filed, later, leaf, logged, members, plain

ROW = {
    "office": "DE",
    "number": "10 2026 000412.5",
    "right": "patent",
    "filing_date": "2026-03-12",
    "digest": DIGEST.hex(),
}


def table(*rows: dict[str, str], columns: Iterable[str] = COLUMNS) -> bytes:
    """A CSV as the standard library writes it."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def pieces(data: bytes, size: int = 7) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def one(found: Iterable[Application | BadRow]) -> Application:
    (row,) = found
    assert isinstance(row, Application), row
    return row


def reason(found: Iterable[Application | BadRow]) -> str:
    (row,) = found
    assert isinstance(row, BadRow), row
    return row.reason


# -- CSV ------------------------------------------------------------------------------------------------------------


def test_the_template() -> None:
    assert tuple(TEMPLATE.splitlines()[0].split(",")) == COLUMNS
    rows = list(read_csv([TEMPLATE.encode()], "it"))
    assert all(isinstance(row, Application) for row in rows), rows
    found = [row for row in rows if isinstance(row, Application)]
    assert {row.event for row in found} == {Event.FILED, Event.GRANTED, Event.ASSIGNED}
    assert [row.is_sealed for row in found] == [False, True, False, False]
    for row in found[:2]:
        assert check_entry(row.entry())
    for row in found[2:]:
        assert row.values["number"] == found[0].values["number"]
        assert check_entry(row.entry(found[0].entry(), DIGEST, DIGEST))


@settings(max_examples=60, deadline=None)
@given(entries(can_open=False, may_be_later=False), st.integers(1, 40))
def test_any_entry_can_stand_in_a_csv(entry: Any, size: int) -> None:
    value = json.loads(write_entry(entry))
    row = {key: text for key, text in (value | value.get("references", {})).items() if key in COLUMNS}
    for data in (table(row), b"\xef\xbb\xbf" + table(row)):
        assert one(read_csv(pieces(data, size), "it")).entry() == entry


def test_columns_in_any_order_and_case() -> None:
    data = table(ROW, columns=reversed(ROW)).replace(b"filing_date", b" Filing_Date ", 1)
    assert one(read_csv([data], "it")).entry() == filed()


def test_what_a_row_holds() -> None:
    row = one(read_csv([table({**ROW, "sealed": "yes", "office": "XX", "st13": "DE102026000000412"})], "it"))
    assert (row.number, row.event, row.is_sealed, row.object) == (2, Event.FILED, True, None)
    assert [warning[:13] for warning in row.warnings] == ["the office XX", "the ST.13 num"]
    assert one(read_csv([table(ROW)], "it")).warnings == ()


@pytest.mark.parametrize(("word", "all_sealed", "is_sealed"), [("", 0, 0), ("", 1, 1), ("yes", 0, 1), ("yes", 1, 1)])
def test_sealed_by_row_or_all(word: str, all_sealed: int, is_sealed: int) -> None:
    row = one(read_csv([table({**ROW, "sealed": word})], "it", sealed=bool(all_sealed)))
    assert row.is_sealed == bool(is_sealed)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"office": ""}, "it has no office"),
        ({"number": ""}, "it has no number"),
        ({"right": ""}, "it has no right"),
        ({"filing_date": "12.03.2026"}, "no day of the calendar"),
        ({"digest": ""}, "filed has no digest"),
        ({"digest": DIGEST.hex().upper()}, "lower-case hex"),
        ({"event": "Filed"}, "event is 'Filed'"),
        ({"event": "granted"}, "granted has no date"),
        ({"date": "2026-03-12"}, "no date of its own"),
        ({"to": "X"}, "names nobody"),
        ({"sealed": "YES"}, "neither yes nor no"),
        ({"event": "published", "date": "2027-09-12", "sealed": "yes"}, "published, and sealed"),
        ({"object": "ab" * 32}, "names an object that is there already"),
        ({"object": "x"}, "object is not 32 bytes"),
        ({"das": "US 17/123,456 A1B2"}, "as access codes have"),
        ({"number": "1 (access code: A1B2)"}, "speaks of an access code"),
        ({"url": "https://example.org/?accesscode=A1B2"}, "speaks of an access code"),
        ({"number": " 1"}, "blank at an end"),
        ({"number": "1\n2"}, "control character"),
        (dict.fromkeys(ROW, ""), "it is blank"),
    ],
)
def test_a_bad_row(changes: dict[str, str], fault: str) -> None:
    good, bad = ROW, {**ROW, **changes}
    first, second, third = read_csv([table(good, bad, good)], "it")
    assert isinstance(second, BadRow)
    assert second.number == 3
    assert fault in second.reason
    assert not second.reason.startswith("it: ")
    assert "A1B2" not in second.reason
    assert isinstance(first, Application)
    assert isinstance(third, Application)


def test_a_row_that_says_no_where_all_are_sealed() -> None:
    assert "all are to be sealed" in reason(read_csv([table({**ROW, "sealed": "no"})], "it", sealed=True))


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "blank"),
        (b"office,number\r\n", "a header and no rows"),
        (b"office;number;right\r\nDE;1;patent\r\n", "unknown column 'office;number;right'"),
        (b"office,number,colour\r\nDE,1,red\r\n", "unknown column 'colour'"),
        (b"office,number,\r\nDE,1,\r\n", "unknown column ''"),
        (b"office,number,Access Code\r\nDE,1,\r\n", "takes no access code"),
        (b"office,number,previous\r\nDE,1,x\r\n", "unknown column 'previous'"),
        (b"office,right\r\nDE,patent\r\n", "no column number"),
        (b"number,right\r\n1,patent\r\n", "no column office"),
        (b"office,number,office\r\nDE,1,DE\r\n", "twice"),
        (b'office,number\r\nDE,"1\r\n', "never closed"),
        (b"office,number\r\nDE,\xff\r\n", "no text in utf-8"),
        (b"office,number\r\nDE,\0\r\n", "NUL"),
        ("office,number\r\nDE,1\r\n".encode("utf-16"), "no text in utf-8"),
    ],
)
def test_a_csv_that_cannot_be_gone_through(data: bytes, fault: str) -> None:
    with pytest.raises(FormatError, match=fault):
        list(read_csv([data], "it"))


@pytest.mark.parametrize(
    ("row", "reason_"),
    [
        (b"DE", "it has 1 cell, and the header 5"),
        (b"DE,1,patent,2026-03-12", "it has 4 cells"),
        (b"DE,1,patent,2026-03-12,x,y", "it has 6 cells"),
        (b"", "it is blank"),
        (b",,,,", "it is blank"),
    ],
)
def test_a_row_of_another_width_is_a_bad_row(row: bytes, reason_: str) -> None:
    header, good = table(ROW, columns=ROW).splitlines()
    rows = list(read_csv(pieces(b"\r\n".join([header, good, row, row, good, b"", b""])), "it"))
    assert [each.number for each in rows] == [2, 3, 4, 5]
    assert [type(each) for each in rows] == [Application, BadRow, BadRow, Application]
    for bad in rows[1:3]:
        assert isinstance(bad, BadRow)
        assert reason_ in bad.reason


def test_what_a_row_may_say_is_said() -> None:
    bad = reason(read_csv([table({**ROW, "right": "patnt"})], "it"))
    assert all(right.value in bad for right in Right)
    with pytest.raises(FormatError) as caught:
        list(read_csv([table({**ROW, "number": "\u00fc"}).decode().encode("cp1252")], "it"))
    assert caught.value.hints == ("save it as CSV in UTF-8",)


# -- a later event --------------------------------------------------------------------------------------------------

GRANT = {"event": "granted", "office": "DE", "number": ROW["number"], "date": "2028-08-28"}


def test_a_later_event_takes_from_its_object() -> None:
    first = filed(right=Right.DESIGN)
    row = one(read_csv([table(GRANT)], "it"))
    entry = row.entry(first, leaf(first), leaf(first))
    assert (entry.event, entry.right, entry.filing_date, entry.happened) == (
        Event.GRANTED,
        Right.DESIGN,
        FILING_DATE,
        date(2028, 8, 28),
    )
    assert (entry.object, entry.previous, entry.digest) == (leaf(first), leaf(first), None)
    said = one(read_csv([table({**ROW, **GRANT})], "it")).entry(filed(), leaf(first), leaf(first))
    assert (said.right, said.digest) == (Right.PATENT, DIGEST)


@pytest.mark.parametrize(
    ("changes", "old", "new"),
    [
        ({"office": "EP"}, "DE", "EP"),
        ({"number": "11"}, ROW["number"], "11"),
        ({"right": "design"}, "patent", "design"),
        ({"filing_date": "2025-03-12"}, "2026-03-12", "2025-03-12"),
    ],
)
def test_only_a_correction_states_something_else(changes: dict[str, str], old: str, new: str) -> None:
    first = filed()
    with pytest.raises(FormatError, match="only a corrected row") as caught:
        one(read_csv([table({**ROW, **GRANT, **changes})], "it")).entry(first, leaf(first), leaf(first))
    assert f"'{old}'" in caught.value.message
    assert f"'{new}'" in caught.value.message
    corrected = one(read_csv([table({**ROW, **GRANT, **changes, "event": "corrected"})], "it"))
    assert corrected.entry(first, leaf(first), leaf(first)) == filed(
        **{**first_values(changes), "event": Event.CORRECTED, "on": date(2028, 8, 28)},
        object=leaf(first),
        previous=leaf(first),
    )


def first_values(changes: dict[str, str]) -> dict[str, Any]:
    readers: dict[str, Any] = {"right": Right, "filing_date": date.fromisoformat}
    return {key: readers.get(key, str)(value) for key, value in changes.items()}


def test_where_an_object_stands() -> None:
    """What is odd to add is what a reader finds odd in the history."""
    first, today = filed(), date(2030, 1, 1)
    standing, logged_, previous = Standing.of(first), [first], leaf(first)
    steps = [
        (Event.GRANTED, date(2028, 1, 1), []),
        (Event.LICENSED, date(2027, 1, 1), ["an event dated before the last one of its object"]),
        (Event.GRANTED, date(2028, 1, 2), ["granted a second time"]),
        (Event.LAPSED, date(2029, 1, 1), []),
        (Event.CORRECTED, date(2029, 1, 2), []),
        (Event.ASSIGNED, date(2029, 2, 2), ["assigned after lapsed"]),
    ]
    for event, on, odd in steps:
        entry = later(event, on, previous, leaf(first))
        found = list(odd_about(entry, standing, today))
        assert found == odd
        logged_.append(entry)
        findings = [each for each in history(logged(*logged_)).findings if each.index == len(logged_) - 1]
        assert len(findings) == len(found)
        standing, previous = standing.after(entry), leaf(entry)
    assert standing.stated.event is Event.CORRECTED
    early = later(Event.PUBLISHED, date(2020, 1, 1), previous, leaf(first))
    assert list(odd_about(early, None, today)) == ["an event dated before the filing date"]
    assert list(odd_about(first, None, FILING_DATE)) == []
    assert list(odd_about(first, None, date(2026, 3, 11))) == ["dated in the future"]
    assert list(odd_about(first, None, None)) == []


def test_a_register_may_begin_with_a_later_event() -> None:
    assert one(read_csv([table({**ROW, **GRANT})], "it")).entry().event is Event.GRANTED
    with pytest.raises(FormatError, match="row 2 has no right"):
        one(read_csv([table(GRANT)], "it")).entry()


def test_what_cannot_become_an_entry() -> None:
    row = one(read_csv([table({**GRANT, "object": DIGEST.hex()})], "it"))
    assert row.object == DIGEST
    with pytest.raises(FormatError, match="row 2 is about an object that is not known"):
        row.entry()
    with pytest.raises(FormatError, match="come together"):
        row.entry(filed(), DIGEST)
    with pytest.raises(FormatError, match="files what is in the register already"):
        one(read_csv([table(ROW)], "it")).entry(filed(), DIGEST, DIGEST)
    with pytest.raises(FormatError, match="not known"):
        one(read_csv([table(ROW)], "it")).entry(None, DIGEST, DIGEST)


# -- JSON -----------------------------------------------------------------------------------------------------------


def bare(**changes: Any) -> dict[str, Any]:
    return members(**{"format": None, "event": None, **changes})


@settings(max_examples=40, deadline=None)
@given(st.lists(entries(can_open=False, may_be_later=False), min_size=1, max_size=4), st.data())
def test_any_entries_can_stand_in_json(found: list[Any], data: st.DataObject) -> None:
    values = [{key: value for key, value in json.loads(write_entry(each)).items() if key != "format"} for each in found]
    indent = data.draw(st.sampled_from([None, 0, 2]))
    ascii_only, size = data.draw(st.booleans()), data.draw(st.integers(1, 60))
    array = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode()
    lines = b"\n".join(json.dumps(value, ensure_ascii=ascii_only).encode() for value in values)
    for text in (array, b"\xef\xbb\xbf \n" + array + b"\n", lines, lines + b"\r\n\r\n"):
        rows = list(read_json(pieces(text, size), "it"))
        assert [row.entry() for row in rows if isinstance(row, Application)] == found
        assert [row.number for row in rows] == list(range(1, len(found) + 1))


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (bare(colour="red"), "unknown key 'colour'"),
        (bare(access_code="A1B2"), "takes no access code"),
        (bare(format="notary-registry/v1"), "which the register sets"),
        (bare(previous="ab" * 32), "which the register sets"),
        (bare(t="ab" * 16, record={}), "which the register sets"),
        (bare(sealed="yes"), "neither true nor false"),
        (bare(sealed=1), "neither true nor false"),
        (bare(number=412), "number is not text"),
        (bare(number=4.5), "no integer"),
        (bare(references={"das": "US 17/123,456 A1B2"}), "as access codes have"),
        (bare(references=["x"]), "at least one reference"),
        (bare(number="\ud800"), "Unicode"),
        ({}, "it has no office"),
    ],
)
def test_a_bad_object(value: Any, fault: str) -> None:
    good, bad = plain(bare()), json.dumps(value).encode()
    for data in (b"[" + b",".join([good, bad, good]) + b"]", b"\n".join([good, bad, good])):
        first, second, third = read_json([data], "it")
        assert isinstance(first, Application)
        assert isinstance(third, Application)
        assert isinstance(second, BadRow)
        assert second.number == 2
        assert fault in second.reason
        assert "A1B2" not in second.reason


def test_a_line_that_is_no_object() -> None:
    rows = list(read_json([plain(bare()) + b"\nx\n7\n{\n\n" + plain(bare(sealed=True))], "it"))
    assert [type(row) for row in rows] == [Application, BadRow, BadRow, BadRow, Application]
    assert [row.number for row in rows] == [1, 2, 3, 4, 6]
    assert [row.is_sealed for row in rows if isinstance(row, Application)] == [False, True]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "no applications"),
        (b" \n", "no applications"),
        (b"[]", "no applications"),
        (b"[", "application 1"),
        (b"[{}", "application 2"),
        (b"[{},", "application 2"),
        (b"[{},]", "application 2"),
        (b"[,{}]", "application 1"),
        (b"[{}{}]", "application 2"),
        (b"[{},,{}]", "application 2"),
        (b"[1]", "application 1"),
        (b"[{}] x", "bytes follow"),
        (b"[{}]]", "bytes follow"),
        (b"[[{}]]", "application 1"),
        (b'[{"a":"}]', "application 1"),
        (b"[" + b'{"a":' * 30 + b"1" + b"}" * 30 + b"]", "application 1"),
        (b"[" + b"{" * 1_000_000, "application 1"),
        (b'[{"a":"' + b"a" * 1_000_000, "application 1"),
        (b'[{"a":"' + b"\\" * 1_000_001, "application 1"),
        (b"{" * 1_000_000, "over 65,536 bytes"),
    ],
)
def test_json_that_cannot_be_gone_through(data: bytes, fault: str) -> None:
    with pytest.raises(FormatError, match=fault):
        list(read_json([data], "it"))


def test_an_array_with_much_space() -> None:
    space = b" " * (3 * limits.REGISTRY_ROW_BYTES)
    data = space + b"[" + space + plain(bare()) + space + b"," + space + plain(bare()) + space + b"]" + space
    assert len(list(read_json(pieces(data, 1000), "it"))) == 2


# -- by the million -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "lines", "array"])
def test_memory_does_not_grow_with_the_rows(kind: str) -> None:
    def many(count: int) -> Iterator[bytes]:
        row = table(ROW, columns=ROW) if kind == "csv" else b"[" * (kind == "array") + plain(bare()) + b"\n"
        yield row
        again = row.partition(b"\n")[2] if kind == "csv" else b"," * (kind == "array") + plain(bare()) + b"\n"
        for _ in range(count - 1):
            yield again
        yield b"]" * (kind == "array")

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            rows = read_csv(many(count), "it") if kind == "csv" else read_json(many(count), "it")
            assert sum(isinstance(row, Application) for row in rows) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few = peak(1_500)
    assert peak(4_500) < few + 1_000_000
