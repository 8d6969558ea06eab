"""Columns of load files: their usual names, overrides, and what a row states by them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary import limits
from notary.core.evidence import check_record, make_record
from notary.core.load_columns import FIELDS, Entry, map_columns
from notary.core.load_file import Dialect, LoadFormat, Row, read_rows
from notary.core.strict_json import canonical
from notary.errors import InputError
from tests.core.test_load_file import CSV, DAT, file_of, files

# -- what columns mean ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "used"),
    [
        ("NativeLink", {"path": "NativeLink"}),
        ("FILE_NAME,File_Path,Native-Link", {"path": "Native-Link", "source": "File_Path"}),
        ("FileName,Path,File Path", {"path": "File Path"}),
        ("FileName,Relative Path,PATH", {"path": "PATH"}),
        ("FileName,Title", {"path": "FileName", "description": "Title"}),
        (" native file ,x", {"path": "native file"}),
        ("ITEMPATH,DOCID", {"path": "ITEMPATH", "exhibit": "DOCID"}),
        ("Path,Doc ID,Exhibit #", {"path": "Path", "exhibit": "Exhibit #"}),
        ("Path,Control Number,Document ID", {"path": "Path", "exhibit": "Document ID"}),
        ("Path,AllCustodians,Custodian", {"path": "Path", "custodian": "Custodian"}),
        ("Path,All Custodian(s)", {"path": "Path", "custodian": "All Custodian(s)"}),
        ("Path,Subject,Doc Title", {"path": "Path", "description": "Subject"}),
        ("Path,Subject,Title", {"path": "Path", "description": "Title"}),
        ("Path,OriginalPath,FilePath", {"path": "FilePath", "source": "OriginalPath"}),
        ("Link,OriginalPath,FilePath", {"path": "Link", "source": "OriginalPath"}),
        ("Path,File Size (Bytes)", {"path": "Path", "size": "File Size (Bytes)"}),
        ("Path,SHA-256,SHA-1,MD5 Hash", {"path": "Path", "md5": "MD5 Hash", "sha1": "SHA-1", "sha256": "SHA-256"}),
        ("Path,Hash Value", {"path": "Path", "md5": "Hash Value"}),
        ("Path,Beg Bates", {"path": "Path", "bates_begin": "Beg Bates"}),
        ("Path,Bates Begin,Bates End", {"path": "Path", "bates_begin": "Bates Begin", "bates_end": "Bates End"}),
        ("Path,BEGDOC#,ENDDOC#", {"path": "Path", "bates_begin": "BEGDOC#", "bates_end": "ENDDOC#"}),
        ("Path,BegDoc,PRODEND,PRODBEG", {"path": "Path", "bates_begin": "PRODBEG", "bates_end": "PRODEND"}),
        ("Path,BegBates,PRODEND", {"path": "Path", "bates_begin": "BegBates"}),
        (
            "Path,Production Begin Bates,Production End Bates",
            {"path": "Path", "bates_begin": "Production Begin Bates", "bates_end": "Production End Bates"},
        ),
        ("Path,Bates/Range,Notes", {"path": "Path", "bates": "Bates/Range"}),
    ],
)
def test_usual_names(header: str, used: dict[str, str]) -> None:
    names = header.split(",")
    columns = map_columns(names, {})
    assert columns.used == used
    assert list(columns.used) == [name for name in FIELDS if name in used]
    assert columns.unused == tuple(name.strip() for name in names if name.strip() not in used.values())


def test_overrides_come_first() -> None:
    header = ["NativeLink", "FileName", "Custodian", "Owner", "Title", ""]
    columns = map_columns(header, {"filename": "path", " OWNER ": "Custodian", "Title": "none"})
    assert columns.used == {"path": "FileName", "custodian": "Owner"}
    assert columns.unused == ("NativeLink", "Custodian", "Title")
    assert map_columns(["File", "FilePath"], {"File": "path"}).used == {"path": "File", "source": "FilePath"}
    assert map_columns(["Link", "FilePath"], {"FilePath": "none"}).used == {"path": "Link"}


def test_an_overridden_bates_column_brings_only_its_partner() -> None:
    header = ["Path", "BegBates", "EndBates", "ProdBeg", "ProdEnd", "First"]
    prod = {"path": "Path", "bates_begin": "ProdBeg", "bates_end": "ProdEnd"}
    assert map_columns(header, {"ProdBeg": "bates_begin"}).used == prod
    assert map_columns(header, {"ProdEnd": "bates_end"}).used == prod
    assert map_columns(header, {"First": "bates_begin"}).used == {"path": "Path", "bates_begin": "First"}
    both = map_columns(header, {"First": "bates_begin", "EndBates": "bates_end"})
    assert both.used == {"path": "Path", "bates_begin": "First", "bates_end": "EndBates"}
    with pytest.raises(InputError, match="an end and no beginning"):
        map_columns(header, {"First": "bates_end"})


@pytest.mark.parametrize(
    ("header", "overrides", "fault", "hint"),
    [
        (["A", "b\n"], {}, "no column names the files", "--map COLUMN=path"),
        (["A", "b\n"], {}, "no column names the files", "its columns are 'A', 'b'"),
        ([f"c{number}" for number in range(50)], {}, "no column names the files", "'c19' and 30 more"),
        (["Path"], {"x": "size"}, "no column 'x'", "its columns are 'Path'"),
        (["Path", ""], {"": "size"}, "no column ''", "its columns are 'Path'"),
        (["Path"], {"Path": "file"}, "a column cannot be 'file'", "path, exhibit, custodian"),
        (["A", "B"], {"A": "path", "B": "path"}, "two columns are mapped to path: 'A', 'B'", ""),
        (["A", "B"], {"A": "path", "a": "size"}, "the column 'a' is mapped twice", ""),
        (["A", "Path"], {"Path": "none"}, "no column names the files", "--map"),
    ],
)
def test_columns_that_cannot_be_mapped(header: list[str], overrides: dict[str, str], fault: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        map_columns(header, overrides)
    assert fault in caught.value.message
    assert hint in " ".join(caught.value.hints)


# -- what a row states ----------------------------------------------------------------------------------------------


def entry_of(dialect: Dialect = CSV, /, **cells: str) -> Entry:
    columns = map_columns(list(cells), {name: name for name in cells}, dialect)
    return columns.entry(Row(7, 9, tuple(cells.values())))


def test_an_entry_has_what_its_row_states() -> None:
    header = [
        "Beg Bates",
        "End Bates",
        "Custodian",
        "Native Link",
        "File Size",
        "MD5",
        "SHA1",
        "SHA-256",
        "Title",
        "ID",
    ]
    cells = ["ABC-001 ", "ABC-004", " Doe, J", ".\\NATIVES\\a.doc", "1,234"]
    cells += ["D4" * 16, "5e" * 20, "0f" * 32, "", "x"]
    assert map_columns(header, {"ID": "exhibit"}).entry(Row(2, 2, tuple(cells))) == Entry(
        2,
        "NATIVES/a.doc",
        {"exhibit": "x", "custodian": "Doe, J", "bates": "ABC-001 - ABC-004"},
        1234,
        b"\xd4" * 16,
        b"\x5e" * 20,
        b"\x0f" * 32,
    )


@pytest.mark.parametrize(
    ("text", "path", "fault"),
    [
        ("a.doc", "a.doc", None),
        ("NATIVES\\001\\A b.doc", "NATIVES/001/A b.doc", None),
        (".\\NATIVES\\a", "NATIVES/a", None),
        ("./a/./b//c", "a/b/c", None),
        ("\\NATIVES\\a", "NATIVES/a", None),
        ("/a", "a", None),
        (" a ", "a", None),
        ("..a/b..", "..a/b..", None),
        ("a:b", "", "another drive"),
        ("", "", "no file is named"),
        ("\\", "", "no file is named"),
        ("./.", "", "no file is named"),
        ("C:\\x\\a.doc", "", "another drive"),
        ("\\\\server\\share\\a.doc", "", "another drive or machine"),
        ("a\\..\\b", "", "leads out of its folder"),
        ("../b", "", "leads out of its folder"),
        ("NATIVES\\", "", "is a folder's"),
        ("a\0b", "", "NUL"),
        ("x" * 4097, "", "over 4096 characters"),
    ],
)
def test_paths(text: str, path: str, fault: str | None) -> None:
    entry = entry_of(CSV, path=text)
    assert entry.path == path
    assert [fault in found for found in entry.faults] == [True] if fault else not entry.faults


@given(st.text("a.\\/: é\0", max_size=12))
def test_a_path_without_fault_can_be_recorded(text: str) -> None:
    entry = entry_of(CSV, path=text)
    if not entry.faults:
        check_record(make_record(entry.path.encode(), 0, None))
        assert "\\" not in entry.path
        assert entry.path.replace("/", "") in text.replace("\\", "/").replace("/", "").replace(".", "") or "." in text


@pytest.mark.parametrize(
    ("begin", "end", "bates", "expected"),
    [
        ("A-1", "A-2", "", "A-1 - A-2"),
        ("A-1", "A-1", "", "A-1"),
        ("A-1", "", "", "A-1"),
        (" a 1 ", " ", "", "a 1"),
        ("A-1", "A-2", "A 1 to A 2", "A 1 to A 2"),
        ("", "", "", None),
        ("ABC®1", "", "", "ABC®1"),
    ],
)
def test_bates_numbers_are_recorded_as_they_are(begin: str, end: str, bates: str, expected: str | None) -> None:
    entry = entry_of(DAT, path="a", bates=bates, bates_begin=begin, bates_end=end)
    assert entry.declared.get("bates") == expected
    assert not entry.faults


def test_a_bates_range_without_a_beginning_is_a_fault() -> None:
    entry = entry_of(CSV, path="a", bates_begin="", bates_end="A-2")
    assert entry.declared == {}
    assert entry.faults == ("the Bates range ends with 'A-2' and has no beginning",)


def test_a_dat_writes_line_breaks_of_declared_text_its_own_way() -> None:
    assert entry_of(DAT, path="a®", description="one®two®").declared == {"description": "one\ntwo"}
    assert entry_of(DAT, path="a®", description="®").declared == {}
    assert entry_of(DAT, path="a®b").path == "a®b"
    assert entry_of(CSV, path="a", description="Word®").declared == {"description": "Word®"}


@pytest.mark.parametrize("name", ["exhibit", "custodian", "bates", "description", "source"])
def test_declared_text_is_bounded(name: str) -> None:
    """By its bytes as a record writes it: all that may be declared has to fit into a line that readers take."""
    most = limits.DECLARED_TEXT
    for text in ("x" * most, "é" * (most // 2), "\U0001f4ce" * (most // 4), "\x01" * (most // 6)):
        assert entry_of(CSV, path="a", **{name: text}).declared == {name: text}
        more = entry_of(CSV, path="a", **{name: text + "é" * 3})
        assert (more.declared, more.faults) == ({}, (f"the {name} is over 4096 bytes",))
    assert 5 * most + 6 * limits.LOAD_FILE_PATH + 2 * 4096 < limits.ITEM_LINE_BYTES


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1234", 1234),
        ("1,234", 1234),
        ("12,345,678", 12_345_678),
        ("1234 bytes", 1234),
        ("1,234 Bytes", 1234),
        ("007", 7),
        ("9" * 19, 10**19 - 1),
        ("", None),
        *(
            (text, "unchecked")
            for text in ("12 KB", "1.5", "1.234", "12,34", "1,2345", "-1", "+1", "٣", "9" * 20, "1e3")
        ),
        ("9" * 100_000, "unchecked"),
    ],
)
def test_sizes(text: str, size: int | str | None) -> None:
    entry = entry_of(CSV, path="a", size=text)
    assert not entry.faults
    assert entry.size == (None if size == "unchecked" else size)
    assert len(entry.unchecked) == (size == "unchecked")
    assert all(len(words) < 200 for words in entry.unchecked)


@pytest.mark.parametrize(("name", "size"), [("md5", 16), ("sha1", 20), ("sha256", 32)])
def test_hashes(name: str, size: int) -> None:
    digest = bytes(range(100, 100 + size))
    for text in (digest.hex(), digest.hex().upper(), f" {digest.hex()} "):
        assert getattr(entry_of(CSV, path="a", **{name: text}), name) == digest
    assert getattr(entry_of(CSV, path="a", **{name: ""}), name) is None
    for text in (
        digest.hex()[:-1],
        digest.hex() + "0",
        "g" + digest.hex()[1:],
        digest.hex(" "),
        "٣" * 2 * size,
        "none",
    ):
        entry = entry_of(CSV, path="a", **{name: text})
        assert getattr(entry, name) is None
        assert [f"is not {2 * size} hex digits" in fault for fault in entry.faults] == [True]


def test_a_column_that_is_just_hash_says_by_its_length_what_it_is() -> None:
    columns = map_columns(["Path", "Hash"], {})
    for name, size in (("md5", 16), ("sha1", 20), ("sha256", 32)):
        entry = columns.entry(Row(2, 2, ("a", "ab" * size)))
        assert {one: getattr(entry, one) for one in ("md5", "sha1", "sha256") if getattr(entry, one)} == {
            name: b"\xab" * size
        }
        assert entry.faults == entry.unchecked == ()
    entry = columns.entry(Row(2, 2, ("a", "crc 17")))
    assert (entry.faults, entry.unchecked) == ((), ("the hash 'crc 17' is of no known kind",))
    own = map_columns(["Path", "Hash", "SHA1"], {}).entry(Row(2, 2, ("a", "ab" * 20, "cd" * 20)))
    assert own.sha1 == b"\xcd" * 20
    assert map_columns(["Path", "Hash"], {"hash": "md5"}).entry(Row(2, 2, ("a", "ab" * 20))).faults


@given(files(), st.data())
def test_whatever_a_row_states_is_an_entry(made: tuple[LoadFormat, list[list[str]]], data: st.DataObject) -> None:
    """No cell raises, and declared text goes into a record."""
    how, rows = made
    fields = data.draw(st.permutations([name for name in FIELDS if name not in ("path", "bates_end")]))
    overrides = dict(zip(rows[0], ["path", *fields], strict=False))
    columns = map_columns(rows[0], overrides, how.dialect)
    for row in list(read_rows([file_of(rows, how)], how))[1:]:
        entry = columns.entry(row)
        assert entry.number == row.number
        record = make_record(b"x", 0, None, entry.declared)
        check_record(record)
        assert canonical(record)
        assert entry.path or entry.faults
