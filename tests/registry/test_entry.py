"""Entries: one writing, strict reading, sealing and opening, and no access codes."""

import hashlib
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings

from notary import limits
from notary.core.digest import record_hash
from notary.core.strict_json import canonical
from notary.errors import FormatError
from notary.registry.core.entry import (
    KeyRotation,
    Open,
    Opening,
    Sealed,
    check_entry,
    entry_from,
    made_open,
    members_of,
    opens,
    read_entry,
    read_fields,
    write_entry,
)
from notary.registry.core.note import COSIGNATURE, ED25519, VerifierKey
from notary.registry.core.terms import REFERENCES, Event, check_reference, is_credential_key
from tests.registry.register import DIGEST, FILING_DATE, T, entries, filed, later, leaf, members, plain

KEY = VerifierKey("registry.example/ip", ED25519, bytes(range(32)))
HASH = "ab" * 32


def read(value: Any) -> Any:
    return read_entry(plain(value))


# -- writing and reading --------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(entries())
def test_what_is_written_is_rfc_8785_and_is_read_back(entry: Open) -> None:
    data = write_entry(entry)
    assert data == plain(json.loads(data)) == canonical(members_of(entry))
    assert read_entry(data) == entry
    assert check_entry(entry) == data


def test_an_entry_as_it_stands() -> None:
    assert read(members()) == filed()
    assert write_entry(filed()) == plain(members())


@pytest.mark.parametrize("entry", [Sealed(DIGEST), KeyRotation(KEY, date(2031, 1, 1))])
def test_sealed_entries_and_rotations(entry: Any) -> None:
    data = write_entry(entry)
    assert data == plain(json.loads(data))
    assert read_entry(data) == entry
    assert set(json.loads(data)) - {"format", "commitment", "next_key", "date"} == set()


@pytest.mark.parametrize("spoilt", [b" {}", b"{} ", b'{"a":1,"a":1}', b"\xff", b"[]", b"", b"{" * 100])
def test_bytes_that_are_no_entry(spoilt: bytes) -> None:
    with pytest.raises(FormatError):
        read_entry(spoilt)


def test_another_writing_is_refused() -> None:
    data = write_entry(filed())
    for other in (data.replace(b":", b": ", 1), data + b"\n", data.replace(b"DE", b"\\u0044E")):
        assert json.loads(other) == json.loads(data)
        with pytest.raises(FormatError, match="RFC 8785"):
            read_entry(other)


def test_an_entry_is_bounded() -> None:
    huge = plain(members(to="a" * limits.REGISTRY_ENTRY_BYTES))
    with pytest.raises(FormatError, match="over 32768 bytes"):
        read_entry(huge)


def test_the_longest_entry_fits() -> None:
    text = '"' * limits.REGISTRY_TEXT_BYTES
    references = tuple(
        sorted({"case": text, "pct": text, "madrid": text, "hague": text, "das": "US " + text[3:]}.items())
    )
    url = "https://example.org/" + "a" * (limits.REGISTRY_URL_BYTES - 20)
    number = '"' * limits.REGISTRY_NUMBER_BYTES
    record = later(
        Event.ASSIGNED, FILING_DATE, DIGEST, DIGEST, number=number, references=(*references, ("url", url)), to=text
    )
    opened = later(
        Event.PUBLISHED,
        FILING_DATE,
        DIGEST,
        DIGEST,
        number=number,
        references=(*references, ("url", url)),
        opening=Opening(T, record),
    )
    assert len(check_entry(opened)) < limits.REGISTRY_ENTRY_BYTES < limits.LOG_ENTRY_BYTES


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"format": "notary-registry/v2"}, "format"),
        ({"format": None}, "format"),
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"event": "sold"}, "event is 'sold'"),
        ({"event": 1}, "event is 1"),
        ({"event": ["filed"]}, "event is"),
        ({"event": None}, "no event"),
        ({"office": "de"}, "ST.3"),
        ({"office": "DEU"}, "ST.3"),
        ({"office": "ÄÖ"}, "ST.3"),
        ({"office": 1}, "ST.3"),
        ({"office": None}, "no office"),
        ({"number": ""}, "number is empty"),
        ({"number": " 1"}, "blank at an end"),
        ({"number": "1 "}, "blank at an end"),
        ({"number": "1\n2"}, "control character"),
        ({"number": "1\u2028"}, "control character"),
        ({"number": "1\x852"}, "control character"),
        ({"number": "1\x7f2"}, "control character"),
        ({"number": 412}, "number is not text"),
        ({"number": "é" * 65}, "over 128 bytes"),
        ({"number": None}, "no number"),
        ({"right": "copyright"}, "right is"),
        ({"right": None}, "no right"),
        ({"filing_date": "2026-02-29"}, "no day of the calendar"),
        ({"filing_date": "20260312"}, "no day of the calendar"),
        ({"filing_date": "2026-3-12"}, "no day of the calendar"),
        ({"filing_date": "2026-W11-4"}, "no day of the calendar"),
        ({"filing_date": "٢٠٢٦-03-12"}, "no day of the calendar"),
        ({"filing_date": "0000-01-01"}, "no day of the calendar"),
        ({"filing_date": "2026-03-12T00:00"}, "no day of the calendar"),
        ({"filing_date": 20260312}, "filing_date is missing, or not text"),
        ({"filing_date": None}, "no filing_date"),
        ({"digest": "AB" * 32}, "lower-case hex"),
        ({"digest": "ab" * 31}, "32 bytes"),
        ({"digest": None}, "filed has no digest"),
        ({"date": "2026-03-12"}, "filed has no date of its own"),
        ({"event": "granted"}, "granted has no date"),
        ({"event": "granted", "date": "2026-13-01"}, "no day"),
        ({"event": "granted", "date": "2026-12-01", "to": "X"}, "names nobody"),
        ({"to": "X"}, "names nobody"),
        ({"st13": "10201500012345"}, "ST.13"),
        ({"st13": "DE10 2015 000123456"}, "ST.13"),
        ({"object": HASH}, "come together"),
        ({"previous": HASH}, "come together"),
        ({"object": "x", "previous": HASH}, "object is not 32 bytes"),
        ({"references": {}}, "at least one"),
        ({"references": ["x"]}, "at least one"),
        ({"references": "x"}, "at least one"),
        ({"references": {"doi": "10.1"}}, "unknown key 'doi'"),
        ({"references": {"pct": {"number": "1"}}}, "pct is not text"),
        ({"references": {"url": "ftp://example.org/"}}, "http or https"),
        ({"references": {"url": "https://me:secret@example.org/"}}, "http or https"),
        ({"references": {"url": "javascript:alert(1)"}}, "http or https"),
        ({"references": {"url": "https://example.org/" + "a" * 2000}}, "over 2,000 bytes"),
        ({"references": {"das": "17/123,456"}}, "office's code"),
        ({"references": {"das": "US  17/123,456"}}, "office's code"),
        ({"t": T.hex()}, "record is no entry"),
        ({"record": members()}, "t is not 16 bytes"),
        ({"record": members(), "t": T.hex()}, "only a published entry"),
        ({"record": "x", "t": T.hex()}, "record is no entry"),
        ({"commitment": HASH}, "sealed, has the unknown key"),
        ({"next_key": str(KEY)}, "names a new key, has the unknown key"),
    ],
)
def test_what_an_entry_may_not_be(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(FormatError, match=fault):
        read(members(**changes))


def test_half_of_a_pair_is_no_text() -> None:
    with pytest.raises(FormatError, match="not valid Unicode"):
        write_entry(filed(number="\ud800"))
    with pytest.raises(FormatError):
        read_fields({"number": "\ud800"}, "it")


@pytest.mark.parametrize(
    "changes",
    [
        {"next_key": "x"},
        {"next_key": 1},
        {"next_key": str(VerifierKey("w", COSIGNATURE, bytes([4]) * 32))},
        {"next_key": str(KEY).replace("ip+", "op+")},
        {"date": "2031-02-29"},
        {"date": None},
        {"access_code": "A1B2"},
    ],
)
def test_what_a_rotation_may_not_be(changes: dict[str, Any]) -> None:
    sound = {"format": "notary-registry/v1", "next_key": str(KEY), "date": "2031-01-01"}
    assert read(sound) == KeyRotation(KEY, date(2031, 1, 1))
    with pytest.raises(FormatError):
        read({key: value for key, value in (sound | changes).items() if value is not None})


def test_a_sealed_entry_shows_its_commitment_alone() -> None:
    with pytest.raises(FormatError, match="unknown key 'office'"):
        read({"format": "notary-registry/v1", "commitment": HASH, "office": "DE"})
    with pytest.raises(FormatError, match="commitment is not 32 bytes"):
        read({"format": "notary-registry/v1", "commitment": HASH[2:]})
    with pytest.raises(FormatError, match="format"):
        entry_from({"commitment": HASH}, "it")


def test_check_entry_refuses_what_no_reader_would_take() -> None:
    for wrong in (filed(number=""), filed(on=FILING_DATE), filed(office="xx"), filed(digest=None)):
        with pytest.raises(FormatError):
            check_entry(wrong)
    with pytest.raises(FormatError, match="not read as it is written"):
        check_entry(filed(references=(("pct", "1"), ("case", "2"))))


def test_values_that_are_missing() -> None:
    with pytest.raises(FormatError, match="it has no event"):
        made_open({}, "it")


# -- sealing and opening --------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(entries(can_open=False))
def test_a_published_entry_opens_what_was_sealed(record: Open) -> None:
    opening = Opening(T, record)
    sealed = Sealed(record_hash(T, plain(members_of(record))))
    assert sealed.commitment == hashlib.sha256(b"\x05" + T + write_entry(record)).digest()
    assert opens(sealed, opening)
    assert not opens(sealed, Opening(bytes(16), record))
    opened = later(Event.PUBLISHED, FILING_DATE, leaf(sealed), leaf(sealed), opening=opening)
    again = read_entry(check_entry(opened))
    assert isinstance(again, Open)
    assert again.opening == opening


def test_what_cannot_be_opened() -> None:
    published = later(Event.PUBLISHED, FILING_DATE, DIGEST, DIGEST)
    for record in (published, later(Event.PUBLISHED, FILING_DATE, DIGEST, DIGEST, opening=Opening(T, filed()))):
        with pytest.raises(FormatError, match=r"published|no entry that was sealed"):
            check_entry(later(Event.PUBLISHED, FILING_DATE, DIGEST, DIGEST, opening=Opening(T, record)))
    with pytest.raises(FormatError, match="only a published entry"):
        check_entry(later(Event.GRANTED, FILING_DATE, DIGEST, DIGEST, opening=Opening(T, filed())))
    with pytest.raises(FormatError, match="only a published entry"):
        check_entry(filed(event=Event.PUBLISHED, on=FILING_DATE, opening=Opening(T, filed())))


def test_a_sealed_entry_gives_nothing_away() -> None:
    """Two applications differ in their commitments alone, and one application in two salts."""
    first, second = Sealed(Opening(T, filed()).commitment), Sealed(Opening(T, filed(number="2")).commitment)
    assert len(write_entry(first)) == len(write_entry(second))
    assert Opening(T, filed()).commitment != Opening(bytes(16), filed()).commitment


# -- access codes ---------------------------------------------------------------------------------------------------

CODE_KEYS = ["access_code", "accessCode", "Access Code", "das_code", "DAS-access", "das_key", "confirmation_number"]


@pytest.mark.parametrize("key", CODE_KEYS)
def test_keys_of_access_codes(key: str) -> None:
    assert is_credential_key(key)
    for value in (members(**{key: "A1B2"}), members(references={"das": "US 17/123,456", key: "A1B2"})):
        with pytest.raises(FormatError, match="takes no access code") as caught:
            read(value)
        assert "A1B2" not in caught.value.message


def test_keys_that_are_none() -> None:
    assert not any(map(is_credential_key, [*members(), *REFERENCES, "sealed", "to", "description", "code"]))


@pytest.mark.parametrize(
    "text",
    [
        "US 17/123,456 A1B2",
        "US 17/123,456 9174",
        "US 17/123,456 (A1B2)",
        "US 17/123,456, a1b2",
        "US 17/123,456;A1B2",
        "US 17/123,456:ABCD",
        "US 17/123,456|A1B2",
        "US 17/123,456#9174",
        "US 17/123,456/A1B2",
        "US 17/123,456-A1B2",
        "US 17/123,456 access code A1B2",
        "US 17/123,456 DAS code: A1B2x",
    ],
)
def test_a_das_reference_with_a_code_behind_it(text: str) -> None:
    with pytest.raises(FormatError, match=r"four characters|access code") as caught:
        check_reference("das", text, "it")
    assert "A1B2" not in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "US 17/123,456",
        "US 63/1234",
        "DE 10 2026 000412.5",
        "JP 2026-123456",
        "KR 10-2026-0123456",
        "CN 202610123456.X",
        "EM 015012345-0001",
        "BR 10 2026 012345 6",
        "GB 2601234.5",
        "FR FR2601234",
        "IB PCT/IB2026/050123",
        "US 9174",
    ],
)
def test_a_das_reference_with_a_number_as_offices_write_it(text: str) -> None:
    assert check_reference("das", text, "it") == text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("number", "17/123,456 (access code A1B2)"),
        ("to", "X, Access-Code: A1B2"),
        ("references", {"case": "DAS code A1B2"}),
        ("references", {"url": "https://das.example/?accessCode=A1B2"}),
        ("references", {"url": "https://das.example/?access_code=A1B2"}),
    ],
)
def test_text_that_speaks_of_an_access_code(key: str, value: Any) -> None:
    with pytest.raises(FormatError, match="speaks of an access code") as caught:
        read_fields({key: value}, "it")
    assert "A1B2" not in caught.value.message
