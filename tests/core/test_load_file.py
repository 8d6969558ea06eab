"""Load files: telling the format, reading and writing rows, what columns mean, what a row states; hostile ones."""

import csv
import io
import subprocess
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from notary import limits
from notary.core.load_file import (
    Dialect,
    LoadFormat,
    bom,
    detect,
    read_rows,
    write_row,
)
from notary.errors import FormatError, InputError

CSV, DAT = Dialect.CSV, Dialect.DAT
PLAIN = LoadFormat(CSV, "utf-8", False, "\r\n")
CONCORDANCE = LoadFormat(DAT, "cp1252", False, "\r\n")
CP1252 = "".join(bytes([code]).decode("cp1252", "ignore") for code in range(1, 256))
FORMATS = [
    LoadFormat(dialect, encoding, has_bom, newline)
    for dialect in Dialect
    for encoding, has_bom in [
        ("utf-8", False),
        ("utf-8", True),
        ("utf-16-le", True),
        ("utf-16-be", True),
        ("utf-16-le", False),
        ("cp1252", False),
    ]
    for newline in ("\r\n", "\n")
]


def cells_of(data: bytes, how: LoadFormat = PLAIN) -> list[tuple[str, ...]]:
    return [row.cells for row in read_rows([data], how)]


def file_of(rows: list[list[str]], how: LoadFormat) -> bytes:
    return bom(how) + b"".join(write_row(row, how) for row in rows)


def fault_of(data: bytes, how: LoadFormat = PLAIN) -> FormatError:
    with pytest.raises(FormatError) as caught:
        cells_of(data, how)
    return caught.value


def texts(how: LoadFormat) -> st.SearchStrategy[str]:
    unmarked = "\0\n" if how.dialect is DAT else "\0"
    if how.encoding == "cp1252":
        characters = st.sampled_from([one for one in CP1252 if one not in unmarked])
    else:
        characters = st.characters(exclude_categories=["Cs"], exclude_characters=unmarked)
    odd = st.sampled_from(
        [
            one
            for one in 'þ®\x14",\r\n;=\x85\x0b\x1c '
            if one not in unmarked and (how.encoding != "cp1252" or one in CP1252)
        ]
    )
    return st.text(odd | characters, max_size=8)


@st.composite
def files(draw: st.DrawFn) -> tuple[LoadFormat, list[list[str]]]:
    how = draw(st.sampled_from(FORMATS))
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(texts(how), min_size=width, max_size=width), min_size=1, max_size=6))
    return how, [[f"Column {number}" for number in range(width)], *rows]


# -- round trips ----------------------------------------------------------------------------------------------------


@given(files(), st.data())
def test_what_was_written_is_read_however_it_is_cut(
    made: tuple[LoadFormat, list[list[str]]], data: st.DataObject
) -> None:
    how, rows = made
    written = file_of(rows, how)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(written)), max_size=8)))
    pieces = [written[start:end] for start, end in zip([0, *cuts], [*cuts, len(written)], strict=True)]
    found = list(read_rows(pieces, how))
    assert [list(row.cells) for row in found] == rows
    assert [row.number for row in found] == list(range(1, len(rows) + 1))
    assert b"".join([bom(how), *(write_row(row.cells, how) for row in found)]) == written


@given(files())
def test_a_byte_at_a_time(made: tuple[LoadFormat, list[list[str]]]) -> None:
    how, rows = made
    written = file_of(rows, how)
    assert [list(row.cells) for row in read_rows((bytes([byte]) for byte in written), how)] == rows


@given(files())
def test_the_last_line_need_not_end_and_blank_ones_may_follow(made: tuple[LoadFormat, list[list[str]]]) -> None:
    how, rows = made
    written = file_of(rows, how)
    end = how.newline.encode(how.encoding)
    assert cells_of(written + end * 3, how) == [tuple(row) for row in rows]
    assume(not rows[-1][-1].endswith("\r"))
    assert cells_of(written[: -len(end)], how) == [tuple(row) for row in rows]


@given(files())
def test_the_format_is_told(made: tuple[LoadFormat, list[list[str]]]) -> None:
    """All but what could as well be UTF-8."""
    how, rows = made
    written = file_of([["Begin Doc", "Café"], *([*row, ""][:2] for row in rows)], how)
    if how.encoding == "cp1252":
        assume(any(character > "\x7f" for row in rows for cell in row[:2] for character in cell) or how.dialect is DAT)
        assume(not _mostly_utf_8(written))
    found = detect(written, "production.txt")
    assert found == how


def _mostly_utf_8(written: bytes) -> bool:
    text = written.decode("utf-8", "replace")
    return 2 * text.count("\ufffd") <= sum(character > "\x7f" for character in text)


@pytest.mark.parametrize("newline", ["\r\n", "\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "cp1252"])
def test_csv_is_read_as_python_reads_it_whole(encoding: str, newline: str) -> None:
    """csv.reader over the whole text, which Python decoded."""
    lines = ['Path,"a ""b""",c', '"x,\ny","",z', "a,b,5\" disk'", ",,", '"\r\n",a\x1cb\x0bc\x0cd,""""', "é, Ü ,€", ""]
    text = newline.join(lines if encoding == "cp1252" else [*lines[:-1], "\x85,\u2028,\u2029\x1e", ""])
    whole = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert cells_of(text.encode(encoding), LoadFormat(CSV, encoding, False, newline)) == [tuple(row) for row in whole]


@given(st.text('a",\r\n þ=', max_size=30))
def test_csv_means_what_it_means_to_python(text: str) -> None:
    """The same rows or an error: also for text that nobody's writer wrote. A CR alone is no line end to us."""
    assume("\r" not in text.replace("\r\n", ""))
    whole: list[list[str]] | None
    try:
        whole = list(csv.reader(io.StringIO("a\r\n" + text, newline=""), strict=True))
    except csv.Error:
        whole = None
    while whole and not whole[-1]:
        whole.pop()
    try:
        found = cells_of(b"a\r\n" + text.encode())
    except FormatError:
        assert whole is None or len(whole) == 1 or {len(row) for row in whole} != {1}
    else:
        assert found == [tuple(row) for row in whole or ()]


@pytest.mark.parametrize("name", ["UTF-16LE", "UTF-16BE", "UTF-16", "UTF-8", "WINDOWS-1252"])
@pytest.mark.parametrize("dialect", list(Dialect))
def test_files_that_iconv_made(dialect: Dialect, name: str) -> None:
    """Another program's idea of the encodings. Its UTF-16 has a byte order mark."""
    rows = [["Bates Begin", "Custodian", "Native File"], ["Ü-001", "“Doe” Jané", "É\\œ.pdf"], ["", "þ €", "x"]]
    text = file_of(rows, LoadFormat(dialect, "utf-8", False, "\n"))
    try:
        made = subprocess.run(["iconv", "-f", "UTF-8", "-t", name], input=text, capture_output=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("no iconv")
    how = detect(made, "production")
    assert (how.dialect, how.newline, how.has_bom) == (dialect, "\n", name == "UTF-16")
    assert cells_of(made, how) == [tuple(row) for row in rows]


def test_cells_are_written_as_they_are() -> None:
    """No apostrophe before what a spreadsheet would run: evidence is not altered."""
    assert write_row(["=1+1", "@x", "+a", "-b", "\tc"], PLAIN) == b"=1+1,@x,+a,-b,\tc\r\n"


def test_what_was_written_sparingly_comes_out_byte_for_byte() -> None:
    csv_file = b'Path,Note\r\na.doc,"He said ""no"", and left"\r\n"b,c.doc","two\r\nlines"\r\n'
    assert b"".join(write_row(row.cells, PLAIN) for row in read_rows([csv_file], PLAIN)) == csv_file
    dat = b"\xfePATH\xfe\x14\xfeNOTE\xfe\r\n\xfea.doc\xfe\x14\xfetwo\xaelines \xfe\xfe\xfe\r\n"
    rows = list(read_rows([dat], CONCORDANCE))
    assert rows[1].cells == ("a.doc", "two®lines þ")
    assert b"".join(write_row(row.cells, CONCORDANCE) for row in rows) == dat


def test_a_lone_empty_cell_is_not_a_blank_line() -> None:
    for how in (PLAIN, CONCORDANCE):
        assert cells_of(file_of([["a"], [""], ["b"]], how), how) == [("a",), ("",), ("b",)]


def test_what_a_format_cannot_hold_is_refused() -> None:
    with pytest.raises(FormatError, match="cp1252, has no '中'"):
        write_row(["a", "中"], CONCORDANCE)
    with pytest.raises(FormatError, match="line break"):
        write_row(["a", "b\nc"], CONCORDANCE)
    with pytest.raises(FormatError, match="utf-8, has no"):
        write_row(["\ud800"], PLAIN)


# -- telling the format ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "name", "expected"),
    [
        (b"a,b\n", "x.csv", LoadFormat(CSV, "utf-8", False, "\n")),
        (b"a,b\r\n", "x.csv", LoadFormat(CSV, "utf-8", False, "\r\n")),
        (b"a,b", "x.csv", LoadFormat(CSV, "utf-8", False, "\r\n")),
        (b'"a\nb",c\r\nd\n', "x.csv", LoadFormat(CSV, "utf-8", False, "\r\n")),
        (b"\xfea\xfe\x14\xfeb\xfe\r\n", "x.dat", LoadFormat(DAT, "cp1252", False, "\r\n")),
        (b"\xc3\xbea\xc3\xbe\x14\xc3\xbeb\xc3\xbe\n", "x.dat", LoadFormat(DAT, "utf-8", False, "\n")),
        (b"\xef\xbb\xbf\xc3\xbea\xc3\xbe\n", "x.DAT", LoadFormat(DAT, "utf-8", True, "\n")),
        (b"\xfea\xfe\n", "x", LoadFormat(DAT, "cp1252", False, "\n")),
        (b"\xfea\xfe\x14\xfeb\xfe\r\n", "x.csv", LoadFormat(DAT, "cp1252", False, "\r\n")),
        (b"a,b\n", "x.dat", LoadFormat(CSV, "utf-8", False, "\n")),
        (b"a\n", "x.dat", LoadFormat(DAT, "utf-8", False, "\n")),
        (b"a\n", "x.txt", LoadFormat(CSV, "utf-8", False, "\n")),
        (b"a,b\nJos\xe9,\x93x\x94\n", "x.csv", LoadFormat(CSV, "cp1252", False, "\n")),
        ("þjóð,b\n".encode(), "x.csv", LoadFormat(CSV, "utf-8", False, "\n")),
        ("þjóð,b\n".encode("cp1252"), "x.csv", LoadFormat(CSV, "cp1252", False, "\n")),
        ("é,b\n".encode("utf-16-le"), "x.csv", LoadFormat(CSV, "utf-16-le", False, "\n")),
        ("é,b\n".encode("utf-16-be"), "x.csv", LoadFormat(CSV, "utf-16-be", False, "\n")),
        (b"\0\0\0\0\n", "x.csv", LoadFormat(CSV, "utf-8", False, "\n")),
        (b"a,b\n" + b"x" * 2**16 + b"\xe9", "x.csv", LoadFormat(CSV, "utf-8", False, "\n")),
        (b"a,b\n" + b"x" * (2**16 - 5) + "é".encode(), "x.csv", LoadFormat(CSV, "utf-8", False, "\n")),
        (b"a,b\n" + "éèê".encode() + b"\xff\n", "x.csv", LoadFormat(CSV, "utf-8", False, "\n")),
    ],
)
def test_formats(head: bytes, name: str, expected: LoadFormat) -> None:
    assert detect(head, name) == expected


@pytest.mark.parametrize(
    ("encoding", "codec"),
    [
        ("latin-1", "iso8859-1"),
        ("Windows-1252", "cp1252"),
        ("UTF8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf_16_le", "utf-16-le"),
        ("utf-16", "utf-16-le"),
        ("cp1250", "cp1250"),
        ("shift_jis_2004", None),
        ("ms932", "cp932"),
        ("rot13", None),
        ("zip", None),
        ("utf-7", None),
        ("punycode", None),
        ("", None),
        ("a\0b", None),
        ("\ud800", None),
        ("../../etc", None),
    ],
)
def test_an_encoding_that_is_named(encoding: str, codec: str | None) -> None:
    if codec is None:
        with pytest.raises(InputError, match="no encoding that load files are read in"):
            detect(b"a,b\r\n", "x.csv", encoding)
    else:
        assert detect(b"a,b\r\n", "x.csv", encoding).encoding == codec


@pytest.mark.parametrize(
    ("encoding", "text", "broken"),
    [
        ("cp1250", "Łódź", b"\x81"),
        ("cp1251", "Юрий", b"\x98"),
        ("cp932", "山田 ｶﾅ", b"\x81\xff"),
        ("gb18030", "王 €𝄞", b"\xff\xff"),
        ("latin-1", "\x81é", None),
    ],
)
def test_a_csv_of_other_code_pages(encoding: str, text: str, broken: bytes | None) -> None:
    data = f"Path,Custodian\r\na.doc,{text}\r\n".encode(encoding)
    how = detect(data, "x.csv", encoding)
    found = list(read_rows((data[at : at + 1] for at in range(len(data))), how))
    assert found[1].cells == ("a.doc", text)
    assert b"".join(write_row(row.cells, how) for row in found) == data
    if broken is not None:
        assert "row 3: the bytes" in fault_of(data + b"b.doc," + broken + b"\r\n", how).message


def test_a_named_encoding_agrees_with_the_byte_order_mark() -> None:
    assert detect("\ufeffa,b\n".encode("utf-16-be"), "x.csv", "utf-16") == LoadFormat(CSV, "utf-16-be", True, "\n")
    assert detect("a,b\n".encode("utf-16-be"), "x.csv", "utf-16") == LoadFormat(CSV, "utf-16-be", False, "\n")
    with pytest.raises(FormatError, match="byte order mark of utf-8, not cp1252"):
        detect("\ufeffa,b\n".encode(), "x.csv", "cp1252")


@pytest.mark.parametrize(
    ("head", "encoding", "fault"),
    [
        (b"", None, "is empty"),
        ("\ufeffa,b".encode("utf-32-le"), None, "UTF-32"),
        ("\ufeffa,b".encode("utf-32-be"), None, "UTF-32"),
        (b"a;b;c\n1;2;3\n", None, "semicolons"),
        (b"a\tb\n", None, "tabs"),
        (b"a|b\n", None, "vertical bars"),
        (b"^a^|^b^\n", None, "vertical bars"),
        (b"a,b\rc,d\r", None, "CR alone"),
        (b"\xfea\xfe\x14\xfeb\xfe\n", "cp1251", "marks cp1251 does not have"),
    ],
)
def test_files_that_are_no_load_file(head: bytes, encoding: str | None, fault: str) -> None:
    with pytest.raises(FormatError, match=fault) as caught:
        detect(head, "x.csv", encoding)
    assert caught.value.message.startswith("x.csv")


@given(st.binary(max_size=60) | st.text('aþ\x14,"\n\r é', max_size=30).map(lambda text: text.encode("utf-16")))
def test_nothing_but_format_errors_leaves(data: bytes) -> None:
    try:
        how = detect(data, "x")
        rows = cells_of(data, how)
    except FormatError as error:
        caught = error
    else:
        assert len({len(row) for row in rows}) == 1
        assert len(rows) > 1
        assert cells_of(b"".join([bom(how), *(write_row(row, how) for row in rows)]), how) == rows
        return
    assert caught.message.startswith(("x", "the load file"))
    assert "\n" not in caught.message


# -- faults, and where they are -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "the load file is blank"),
        (b"\n\n", "is blank"),
        (b"a,b\n", "a header and no rows"),
        (b"a,b\n\n\n", "a header and no rows"),
        (b"\na,b\nc,d\n", "row 1: it is blank"),
        (b"a,b\nc,d\n\n\ne,f\n", "row 3: it is blank"),
        (b"a,b\nc,d\ne\n", "row 3: it has 1 cells, and the header 2"),
        (b'a,b\n"c\n\n",d\ne\n', r"row 3 \(line 5\): it has 1 cells"),
        (b"a,b\nc,d,\n", "row 2: it has 3 cells"),
        (b"a,b,A\nc,d,e\n", "row 1: the header has the column 'A' twice"),
        (b"a, a \nc,d\n", "row 1: the header has the column ' a ' twice"),
        (b",\nc,d\n", "row 1: the header names no column"),
        (b'a,b\nc,d\n"e,f\n', "row 3: a quotation mark opens a cell that is never closed"),
        (b'a,b\n"c"d,e\n', "row 2: text follows a closing quotation mark"),
        (b"a,b\nc\rd,e\n", "row 2: a carriage return"),
        (b"a,b\nc,d\ne\0,f\n", "row 3: it holds a NUL"),
        (b"a,b\nc,d\ne\xe9,f\n", "row 3: the bytes E9 are no text in utf-8"),
        (b"a,b\nc,d\ne,f\xc3", "row 3: the bytes C3 are no text in utf-8"),
        (b"a,b\nc,d\ne,\xed\xa0\x80\n", "row 3: the bytes ED are no text in utf-8"),
        (b'a,b\n"c\xe9\n', "row 2: the bytes E9"),
    ],
)
def test_faults_of_csv_name_the_row(data: bytes, fault: str) -> None:
    with pytest.raises(FormatError, match=fault):
        cells_of(data)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"\xfea\xfe\x14\xfeb\xfe\n\xfec\x14\xfed\xfe\n", "row 2: the marks þ around cell 1 do not pair"),
        (b"\xfea\xfe\x14\xfeb\xfe\n\xfec\xfe\x14d\xfe\n", "row 2: the marks þ around cell 2"),
        (b"\xfea\xfe\x14\xfeb\xfe\n\xfec\xfe\x14\xfed\n", "row 2: the marks þ around cell 2"),
        (b"\xfea\xfe\x14\xfeb\xfe\n\xfec\xfe\x14\xfed\ne\xfe\n", "row 2: the marks þ around cell 2"),
        (b"\xfea\xfe\x14\xfeb\xfe\n\xfec\xfe\xfe\x14\xfed\xfe\n", "row 2: the marks þ around cell 1"),
        (b"\xfea\xfe\x14\xfeb\xfe\n\xfec\xfe\x14\xfed\xfe\r\r\n", "row 2: the marks þ around cell 2"),
        (b"\xfea\xfe\x14\xfeb\xfe\n\xfe\n", "row 2: the marks þ around cell 1"),
        (b"\xfea\xfe\x14\xfeb\xfe\n\xfec\xfe\n", "row 2: it has 1 cells, and the header 2"),
        (b"\xfea\xfe\x14\xfeb\xfe\n\xfec\xfe\x14\x81\n", "row 2: the bytes 81 are no text in cp1252"),
        (b"\xfea\xfe\x14\xfeA\xfe\n", "row 1: the header has the column 'A' twice"),
        (b"\xfea\xfe\x14\xfeb\xfe\n\n\xfea\xfe\x14\xfeb\xfe\n", "row 2: it is blank"),
        (b"\xfea\xfe\x14\xfeb\xfe\r\n\r\n", "a header and no rows"),
    ],
)
def test_faults_of_dat_name_the_row(data: bytes, fault: str) -> None:
    with pytest.raises(FormatError, match=fault):
        cells_of(data, CONCORDANCE)


@pytest.mark.parametrize("byte", [0x81, 0x8D, 0x8F, 0x90, 0x9D])
def test_bytes_that_windows_1252_does_not_have(byte: int) -> None:
    error = fault_of(b"a,b\n\xe9,d\ne," + bytes([byte]), LoadFormat(CSV, "cp1252", False, "\n"))
    assert error.message == f"the load file, row 3: the bytes {byte:02X} are no text in cp1252"


@pytest.mark.parametrize("tail", ["00d8 4100", "00dc", "00d8", "41", "00d8 00"])
def test_half_a_surrogate_pair_is_no_text(tail: str) -> None:
    start = "a,b\nc,d\ne,".encode("utf-16-le")
    for how in (LoadFormat(CSV, "utf-16-le", False, "\n"), LoadFormat(CSV, "utf-16-be", False, "\n")):
        end = bytes.fromhex(tail)
        if how.encoding == "utf-16-be":
            start, end = "a,b\nc,d\ne,".encode("utf-16-be"), b"".join(end[at : at + 2][::-1] for at in (0, 2))
        assert "row 3: the bytes" in fault_of(start + end, how).message


def test_an_accent_after_the_first_64_kib_needs_the_encodings_name() -> None:
    data = b"Path,Custodian\n" + b"a.doc,Jose\n" * 10_000 + b"b.doc,Jos\xe9\n"
    how = detect(data[: limits.LOAD_FILE_HEAD_BYTES], "x.csv")
    error = fault_of(data, how)
    assert error.message == "the load file, row 10002: the bytes E9 are no text in utf-8"
    assert any("cp1252" in hint for hint in error.hints)
    assert cells_of(data, detect(data, "x.csv", "cp1252"))[-1] == ("b.doc", "José")


@pytest.mark.parametrize("place", [0, 3, 65_530, 65_536, 131_072, 200_001])
@pytest.mark.parametrize("how", FORMATS[:6] + FORMATS[-2:], ids=str)
def test_rows_before_a_fault_are_read(place: int, how: LoadFormat) -> None:
    """Wherever in a block of bytes it is, and however the bytes come."""
    header, row = write_row(["Path", "Custodian"], how), write_row(["a.doc", "Jo"], how)
    good = bom(how) + header + row * (place // len(row))
    fault = b"\x81" if "16" not in how.encoding else b"\xdc\xdc\xdc\xdc"
    for size in (7, 65_536, len(good) + 9):
        data = good + fault
        found: list[int] = []
        numbers = (row.number for row in read_rows((data[at : at + size] for at in range(0, len(data), size)), how))
        with pytest.raises(FormatError, match=f"row {place // len(row) + 2}: the bytes"):
            found.extend(numbers)
        assert found == list(range(1, place // len(row) + 2))


def test_only_the_first_character_is_a_byte_order_mark() -> None:
    """Also where a block of bytes begins with one."""
    how = LoadFormat(CSV, "utf-8", True, "\n")
    start = "\ufeffa\n" + "x" * (2**16 - 6) + "\n"
    assert len(start.encode()) == 2**16
    assert cells_of((start + "\ufeffb\n").encode(), how)[-1] == ("\ufeffb",)
    assert cells_of(b"\xef\xbb\xbf" * 2 + b"a\nb\n", how)[0] == ("\ufeffa",)


def test_a_row_knows_the_line_on_which_it_begins() -> None:
    rows = read_rows([b'a,b\r\n"1\n2\r\n3",x\r\nc,"d\n"\r\ne,f'], PLAIN)
    assert [(row.number, row.line) for row in rows] == [(1, 1), (2, 2), (3, 5), (4, 7)]


def test_a_name_goes_before_the_fault() -> None:
    with pytest.raises(FormatError, match=r"^vol1\.dat, row 2"):
        list(read_rows([b"a,b\nc\n"], PLAIN, "vol1.dat"))


def test_columns_without_a_name_may_be_many() -> None:
    assert cells_of(b"a,,\nb,,\n") == [("a", "", ""), ("b", "", "")]


def test_cells_of_a_dat_may_lack_their_marks() -> None:
    """Some tools leave them away where a cell is empty, or from numbers."""
    assert cells_of(b"\xfea\xfe\x14\xfeb\xfe\x14c\n\x14\xfe\x14\xfe\x141,5\n", CONCORDANCE) == [
        ("a", "b", "c"),
        ("", "\x14", "1,5"),
    ]


# -- hostile files --------------------------------------------------------------------------------------------------

MB = b"x" * 1_000_000


def repeated(start: bytes, piece: bytes, times: int) -> Iterator[bytes]:
    yield start
    for _ in range(times):
        yield piece


def peak_of(pieces: Iterator[bytes], how: LoadFormat) -> tuple[int, str | None, int]:
    """How many rows are read, the fault that ends them, and the most memory that it took."""
    rows, fault = 0, None
    tracemalloc.start()
    try:
        for _ in read_rows(pieces, how):
            rows += 1
    except FormatError as error:
        fault = error.message
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return rows, fault, peak


@pytest.mark.parametrize(
    ("start", "piece", "how", "fault"),
    [
        (b"a,b\n", MB, PLAIN, "row 2: it is over 1048576 characters"),
        (b'a,b\nc,"', MB, PLAIN, "row 2: it is over 1048576 characters"),
        (b'a,b\nc,"', b"x\n" * 50_000, PLAIN, "row 2: a cell is longer than CSV is read here"),
        (b"a,b\n", b"x," * 50_000, PLAIN, "row 2: it is over 1048576 characters"),
        (b"a,b\n", b'"",' * 50_000, PLAIN, "row 2: it is over 1048576 characters"),
        (b"a,b\n", b'"\n",' * 50_000, PLAIN, "row 2: it is over 1048576 characters"),
        (b"a,b\nc,", b'"' * 100_000, PLAIN, "row 2: it is over 1048576 characters"),
        (b"\xfea\xfe\n\xfe", MB, CONCORDANCE, "row 2: it is over 1048576 characters"),
        (b"\xfea\xfe\n\xfe", b"\xfe" * 100_000, CONCORDANCE, "row 2: it is over 1048576 characters"),
        (b"\xfea\xfe\n\xfe", b"\xfe\x14" * 50_000, CONCORDANCE, "row 2: it is over 1048576 characters"),
        (b"a,b\n", b"\xff" * 100_000, LoadFormat(CSV, "utf-16-le", False, "\n"), "row 1: it is over"),
        (b"", b"", PLAIN, "is blank"),
        (b"", b"\0" * 100_000, PLAIN, "row 1: it holds a NUL"),
        (b"", b"\n" * 2000, PLAIN, "is blank"),
    ],
)
def test_endless_rows_end(start: bytes, piece: bytes, how: LoadFormat, fault: str) -> None:
    """Up to 500 MB of a kind, in little memory."""
    _, found, peak = peak_of(repeated(start, piece, 500), how)
    assert found is not None
    assert fault in found
    assert peak < 20_000_000


@pytest.mark.parametrize(
    ("row", "how", "fault"),
    [
        (b"," * 1_000_000, PLAIN, "has 1000001 cells"),
        (b"ab," * 340_000, PLAIN, "has 340001 cells"),
        (b'"' * 1_000_000, PLAIN, "longer than CSV"),
        (b"\x14" * 1_000_000, CONCORDANCE, "has 1000001 cells"),
        (b"\xfe" * 1_000_001, CONCORDANCE, "do not pair"),
        (b"\xfe\xfe\x14" * 340_000 + b"\xfe", CONCORDANCE, "do not pair"),
        (b"\xfe" * 1_000_000, CONCORDANCE, "has 1 cells"),
    ],
)
def test_rows_of_nothing_but_marks(row: bytes, how: LoadFormat, fault: str) -> None:
    rows, found, peak = peak_of(repeated(write_row(["a", "b"], how), row + b"\n", 2), how)
    assert found is not None
    assert fault in found
    assert rows == 1
    assert peak < 60_000_000


def test_a_header_has_so_many_columns() -> None:
    names = [f"c{number}" for number in range(limits.LOAD_FILE_COLUMNS + 1)]
    assert len(cells_of(file_of([names[:-1]] * 2, PLAIN))) == 2
    assert "over 2000 columns" in fault_of(file_of([names] * 2, PLAIN)).message


def test_a_row_may_be_as_long_as_the_limit() -> None:
    """The bound that Python's csv module has on a cell is a process's own, and lower; a DAT has ours alone."""
    for how in (PLAIN, CONCORDANCE):
        widths = [100_000] * 10 if how is PLAIN else [1_000_000]
        rows = [[f"c{number}" for number in range(len(widths))], ["x" * width for width in widths]]
        assert cells_of(file_of(rows, how), how)[1] == tuple(rows[1])
    assert "longer than CSV" in fault_of(file_of([["a"], ["x" * 200_000]], PLAIN)).message


@pytest.mark.parametrize("how", [PLAIN, CONCORDANCE, LoadFormat(DAT, "utf-16-le", True, "\r\n")], ids=str)
def test_many_rows_in_little_memory(how: LoadFormat) -> None:
    row = write_row(["ABC0001", 'Doe, "J"', "NATIVES\\001\\ABC0001.doc"], how)
    pieces = repeated(bom(how) + write_row(["Begin", "Custodian", "Path"], how), row * 1000, 200)
    rows, fault, peak = peak_of(pieces, how)
    assert (rows, fault) == (200_001, None)
    assert peak < 2_000_000


def test_rows_come_before_the_file_ends() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"a,b\n" + b"c,d\n" * 20_000
        raise AssertionError("read on")

    rows = read_rows(pieces(), PLAIN)
    assert [next(rows).cells for _ in range(3)] == [("a", "b"), ("c", "d"), ("c", "d")]
