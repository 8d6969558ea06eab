"""`notary stamp --load-file`, end to end: what the other side may hand over, and what must not come of it."""

import csv
import hashlib
import io
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from tests.conftest import Notary, Result

LOCAL = ("--network", "local")
ADDED = ["SHA256Hash", "NotaryBatch", "NotaryItem", "ExistedBy", "Attestation"]
ESCAPE = "\x1b[31m\x1b]0;owned\x07\u202e\x9b2J"
ROWS = 50_000
TODAY = datetime.now(UTC).date()

Table = list[list[str]]


# -- load files, written and read by a few lines of our own ---------------------------------------------------------


def csv_text(table: Table, newline: str = "\r\n") -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator=newline).writerows(table)
    return stream.getvalue()


def dat_text(table: Table, newline: str = "\r\n") -> str:
    return "".join(
        "\x14".join("\xfe" + cell.replace("\xfe", "\xfe\xfe") + "\xfe" for cell in row) + newline for row in table
    )


def csv_table(text: str) -> Table:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def dat_table(text: str) -> Table:
    """One character after the other, as slowly as it is plain."""
    rows: Table = []
    for line in text.split("\n")[:-1]:
        cells, at = [], 0
        line = line.removesuffix("\r") + "\x14"
        while at < len(line):
            assert line[at] == "\xfe", line
            at += 1
            cell = ""
            while line[at] != "\xfe" or line[at + 1] == "\xfe":
                cell += line[at]
                at += 2 if line[at] == "\xfe" else 1
            assert line[at + 1] == "\x14", line
            cells.append(cell)
            at += 2
        rows.append(cells)
    return rows


def iconv(data: bytes, encoding: str) -> str:
    """As another program reads it: the C library."""
    ended = subprocess.run(["iconv", "-f", encoding, "-t", "UTF-8"], input=data, capture_output=True, check=True)
    return ended.stdout.decode()


# -- productions ----------------------------------------------------------------------------------------------------


class Production:
    """A folder of files as a production, a load file beside it, and `notary` to stamp them."""

    def __init__(self, notary: Notary, folder: Path) -> None:
        self.notary = notary
        self.folder = folder
        self.root = folder / "production"
        self.root.mkdir()
        self.file = folder / "load.csv"

    def add(self, path: str | bytes, data: str = "") -> Path:
        place = self.root / os.fsdecode(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(data or f"what {path!r} says")
        return place

    def write(self, *rows: Sequence[str]) -> None:
        self.file.write_text(csv_text([list(row) for row in rows]), encoding="utf-8", newline="")

    def stamp(self, *options: str | Path, root: str | Path | None = None) -> Result:
        arguments = ("stamp", "--load-file", self.file, "--root", root or self.root, *LOCAL, *options)
        answer = self.notary(*arguments)
        assert plain(answer), answer
        return answer

    def sealed(self, *options: str | Path, root: str | Path | None = None) -> Any:
        answer = self.stamp(*options, "--json", root=root)
        assert answer.code == 0, answer
        return answer.json

    def refused(self, *words: str, options: Sequence[str | Path] = (), code: int = 2) -> Result:
        """The command ends with one error line and hints, and nothing is sealed by it."""
        before = self.batches()
        answer = self.stamp(*options)
        assert (answer.code, answer.out) == (code, ""), answer
        check_error(answer, *words)
        assert self.batches() == before
        return answer

    def batches(self) -> list[tuple[str, str]]:
        """The heads in the ledger with their statuses, without the cost of another process."""
        path = self.folder / "ledger" / "ledger.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(path)) as ledger:
            return ledger.execute("SELECT lower(hex(head)), status FROM batches ORDER BY id").fetchall()

    def exported(self, batch: str, *options: str) -> bytes:
        target = self.folder / f"out-{len(list(self.folder.glob('out-*')))}"
        answer = self.notary("export", batch, *(options or ("--load-file",)), "-o", target)
        assert answer.code == 0, answer
        return target.read_bytes()

    def items(self, batch: str) -> list[dict[str, Any]]:
        """The batch's files in the ledger's view for people."""
        with closing(sqlite3.connect(self.folder / "ledger" / "ledger.db")) as ledger:
            ledger.row_factory = sqlite3.Row
            rows = ledger.execute("SELECT * FROM files_of_matters WHERE batch = ? ORDER BY item", (batch,))
            return [dict(row) for row in rows]

    def records(self, batch: str) -> list[dict[str, Any]]:
        """The records in a bundle that shows names only, which verifies."""
        target = self.folder / "names.zip"
        assert self.notary("export", batch, "-o", target, "--disclose", "names").code == 0
        verified = self.notary("verify", target, *LOCAL, "--offline", "--json")
        (status,) = (status for head, status in self.batches() if head.startswith(batch))
        expected = (3, "pending") if status == "pending" else (0, "verified")
        assert (verified.code, verified.json["verdict"]) == expected, verified
        with zipfile.ZipFile(target) as bundle:
            (name,) = (name for name in bundle.namelist() if name.endswith("/items.jsonl"))
            return [json.loads(line)["record"] for line in bundle.read(name).splitlines()]


@pytest.fixture
def production(notary: Notary, tmp_path: Path) -> Production:
    return Production(notary, tmp_path)


def plain(answer: Result) -> bool:
    """Whether no character that a terminal obeys, or that hides text, went out; and at most one error line."""
    said = answer.out + answer.err
    assert answer.err.count("error:") <= 1, answer
    return not any(character in said for character in "\x1b\x07\x00\x08\r\x7f\x9b\x9d\u202e\u2066\u200b")


def check_error(answer: Result, *words: str) -> None:
    lines = answer.err.splitlines()
    (at,) = (at for at, line in enumerate(lines) if line.startswith("error: "))
    assert all(line.startswith("hint: ") for line in lines[at + 1 :]), answer.err
    assert all(line.startswith("row ") for line in lines[:at]), answer.err
    assert not lines[at].endswith(".")
    assert "fault in notary" not in answer.err
    for word in words:
        assert word in answer.err, answer.err


def rows_of(answer: Result) -> dict[int, list[str]]:
    """What is said of each row."""
    said: dict[int, list[str]] = {}
    for line in answer.err.splitlines():
        if line.startswith("row "):
            number, _, what = line.removeprefix("row ").partition(": ")
            said.setdefault(int(number), []).append(what)
    return said


def digest(data: bytes, name: str = "sha256") -> str:
    return hashlib.new(name, data, usedforsecurity=False).hexdigest()


# -- dialects and encodings -----------------------------------------------------------------------------------------

_WINDOWS = ["Müller, “José” €", "=SUM(A1:A9)", "@cmd", "+1", "-1", "  blanks  ", "", 'say "no"', "a®b®", ESCAPE[:-4]]
_ALL = [*_WINDOWS, "日本語 \U0001f4ce", "e\u0301 \u202e\u200b", "þorn þþ"]
FORMATS = {
    "csv-utf8-bom": ("csv", "utf-8", b"\xef\xbb\xbf", "\n"),
    "csv-utf16": ("csv", "utf-16-le", b"", "\r\n"),
    "csv-windows": ("csv", "cp1252", b"", "\r\n"),
    "dat-utf8-bom": ("dat", "utf-8", b"\xef\xbb\xbf", "\r\n"),
    "dat-utf16-be": ("dat", "utf-16-be", b"\xfe\xff", "\r\n"),
    "dat-windows-lf": ("dat", "cp1252", b"", "\n"),
}


@pytest.mark.parametrize("how", FORMATS)
def test_every_dialect_and_encoding_comes_back_with_columns_added(
    production: Production, tmp_path: Path, how: str
) -> None:
    suffix, encoding, mark, newline = FORMATS[how]
    write, read = (csv_text, csv_table) if suffix == "csv" else (dat_text, dat_table)
    texts = _WINDOWS if encoding == "cp1252" else _ALL
    texts = [*texts, "line\nbreak\r\nanother"] if suffix == "csv" else texts
    contents = {f"NATIVES/{number:03}.txt": f"text {number}" for number in range(len(texts))}
    for path, data in contents.items():
        production.add(path, data)
    header = ["Begin Bates", "Native Link", "Custodian", "SHA256Hash", "", "=HYPERLINK(1)"]
    original = [header] + [
        [f"ABC{number:04}", path.replace("/", "\\"), text, "", text, "=1+1"]
        for number, (path, text) in enumerate(zip(contents, texts, strict=True))
    ]
    original.insert(3, ["ABC9999", "NATIVES\\gone.txt", texts[0], "", "", ""])
    production.file = tmp_path / f"load.{suffix}"
    production.file.write_bytes(mark + write(original, newline).encode(encoding))

    batch = production.sealed("--despite-problems")["batch"]
    block = None
    if how == "dat-windows-lf":  # once is enough for what is alike in all
        block = production.notary("upgrade", batch, "--json").json["batches"][0]["attestations"][0]["height"]
    written = production.exported(batch)
    assert written.startswith(mark)
    names = {"cp1252": "WINDOWS-1252", "utf-16-le": "UTF-16LE", "utf-16-be": "UTF-16BE", "utf-8": "UTF-8"}
    text = iconv(written.removeprefix(mark), names[encoding])
    assert ("\r\n" in text.replace("\r\nanother", "")) == (newline == "\r\n")
    table = read(text)
    assert [row[: len(header)] for row in table] == original, "a cell is not what it was"
    assert table[0][len(header) :] == ["Notary SHA256Hash", *ADDED[1:]]
    assert table[3][len(header) :] == [""] * len(ADDED)
    index = 0
    for number, row in enumerate(table[1:], start=2):
        if number != 4:
            sha256, in_batch, item, until, attestation = row[len(header) :]
            assert sha256 == digest(contents[row[1].replace("\\", "/")].encode())
            assert (in_batch, item) == (batch, str(index))
            assert bool(until) == bool(block)
            assert not until or date.fromisoformat(until) >= TODAY
            assert attestation == (f"TEST NETWORK: local block {block}" if block else "")
            index += 1


def test_what_nobody_quotes_the_same_way_is_read_all_the_same(production: Production) -> None:
    """Everything in quotation marks; line breaks in the header; no line end at the end; blank lines after it."""
    production.add("a.txt")
    production.file.write_bytes(b'"Doc\r\nID","FilePath"\r\n"P,1","a.txt"\r\n\r\n\r\n')
    assert production.sealed("--map", "Doc\r\nID=exhibit")["items"] == 1
    production.file.write_bytes(b"DocID,FilePath\nP1,a.txt")
    assert production.sealed()["items"] == 1
    production.file = production.file.with_suffix(".dat")
    production.file.write_bytes("þFilePathþ\r\nþa.txtþ".encode("cp1252"))
    assert production.sealed()["items"] == 1


# -- what is declared -----------------------------------------------------------------------------------------------


def test_a_record_has_what_is_declared_and_nothing_else(production: Production, tmp_path: Path) -> None:
    document, memo, bare = (production.add(f"NATIVES/001/{name}") for name in ("doc.txt", "memo.txt", "bare.txt"))
    header = ["DocID", "BegBates", "EndBates", "Custodian", "FileName", "FilePath", "NativeLink", "FileSize"]
    header += ["MD5Hash", "SHA256Hash", "Subject", "Privilege Notes"]
    place, x = "C:\\Users\\jane\\doc.txt", "SECRETWORD one"
    stated = [
        str(document.stat().st_size),
        *(digest(document.read_bytes(), name).upper() for name in ("md5", "sha256")),
    ]
    table = [
        header,
        [
            "PX-1",
            "ABC0001",
            "ABC0003",
            "Doe, Jane",
            "doc.txt",
            place,
            "NATIVES\\001\\doc.txt",
            *stated,
            "first®second",
            x,
        ],
        [
            "",
            "ABC0004",
            "ABC0004",
            "=cmd|' /C calc'!A0",
            "memo.txt",
            "",
            ".\\NATIVES\\001\\memo.txt",
            "",
            "",
            "",
            "",
            "",
        ],
        ["", "", "", "", "", "", "\\NATIVES\\001\\bare.txt", "", "", "", "", "SECRETWORD two"],
    ]
    production.file = tmp_path / "load.dat"
    production.file.write_bytes(dat_text(table).encode("cp1252"))
    stamped = production.sealed()
    assert stamped["problems"] == []
    batch = stamped["batch"]
    assert production.notary("upgrade", batch).code == 0
    records = production.records(batch)
    sizes = [path.stat().st_size for path in (document, memo, bare)]
    assert all(record.pop("mtime").endswith("Z") for record in records)
    assert records == [
        {
            "path": "production/NATIVES/001/doc.txt",
            "size": sizes[0],
            "exhibit": "PX-1",
            "bates": "ABC0001 - ABC0003",
            "custodian": "Doe, Jane",
            "description": "first\nsecond",
            "source": "C:\\Users\\jane\\doc.txt",
        },
        {
            "path": "production/NATIVES/001/memo.txt",
            "size": sizes[1],
            "bates": "ABC0004",
            "custodian": "=cmd|' /C calc'!A0",
        },
        {"path": "production/NATIVES/001/bare.txt", "size": sizes[2]},
    ]
    assert production.notary("export", batch, "-o", "all.zip").code == 0
    assert production.notary("verify", "all.zip", *LOCAL, "--offline").code == 0, "with the files' bytes, too"
    for bundle in ("names.zip", "all.zip"):
        with zipfile.ZipFile(tmp_path / bundle) as opened:
            assert not any(b"SECRETWORD" in opened.read(name) for name in opened.namelist())
    assert "SECRETWORD" in production.exported(batch).decode("cp1252")
    assert production.notary("verify", "names.zip", production.root, *LOCAL, "--offline").code == 0
    document.write_text("altered")
    assert production.notary("verify", "names.zip", production.root, *LOCAL, "--offline").code == 1


def test_map_says_what_columns_state(production: Production) -> None:
    data = production.add("a.txt").read_bytes()
    production.write(
        ["A=B", "Wo", "Nummer", "Prüf", "Custodian", "Author"],
        ["x", "a.txt", "K-1", digest(data, "sha1"), "Jane", "Joe"],
    )
    maps = ("A=B=description", "wo=PATH", "NUMMER=exhibit", "Prüf=sha1", "Custodian=none", "Author=custodian")
    stamped = production.sealed(*(part for one in maps for part in ("--map", one)))
    (record,) = production.records(stamped["batch"])
    del record["mtime"], record["size"]
    assert record == {"path": "production/a.txt", "description": "x", "exhibit": "K-1", "custodian": "Joe"}
    production.write(["Wo", "Prüf"], ["a.txt", "0" * 40])
    production.refused("SHA1", "0" * 40, options=("--map", "Wo=path", "--map", "Prüf=sha1"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--map", "Gone=exhibit"), ("'Gone'", "'DocID', 'FilePath'")),
        (("--map", "DocID=number"), ("'number'", "exhibit, custodian, bates")),
        (("--map", f"{ESCAPE}=exhibit"), ("no column",)),
        (("--map", "FilePath=none"), ("--map COLUMN=path",)),
        (("--map", "DocID=bates_end"), ("no beginning",)),
        (("--encoding", ESCAPE), ("encoding",)),
        (("--ots",), ("--ots",)),
        (("another.txt",), ("leave out PATH",)),
    ],
    ids=lambda value: "_".join(value).encode("unicode_escape").decode()[:40],
)
def test_wrong_options_are_refused_in_words(
    production: Production, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    production.add("a.txt")
    production.write(["DocID", "FilePath"], ["P-1", "a.txt"])
    production.refused(*words, options=options)


def test_the_options_of_a_load_file_need_one(notary: Notary, evidence: Path) -> None:
    for option in (("--map", "A=path"), ("--despite-problems",)):
        answer = notary("stamp", evidence, *option, *LOCAL)
        assert answer.code == 2
        check_error(answer, "--load-file")
    answer = notary("stamp", "--load-file", "load.csv", *LOCAL)
    assert answer.code == 2
    check_error(answer, "--root")


def test_bates_numbers_are_never_made_up(production: Production) -> None:
    for name in "abc":
        production.add(f"ABC000{name}.txt")
    production.write(["FilePath", "BegBates", "EndBates"], ["ABC000a.txt", "", ""], ["ABC000b.txt", "X1", ""])
    batch = production.sealed()["batch"]
    assert [one["bates"] for one in production.items(batch)] == [None, "X1"]
    production.write(["FilePath", "EndBates"], ["ABC000a.txt", "X2"])
    assert [one["bates"] for one in production.items(production.sealed()["batch"])] == [None]
    production.write(["FilePath", "BegBates", "EndBates"], ["ABC000a.txt", "", "X2"])
    assert "no beginning" in rows_of(production.refused("1 problem;"))[2][0]


# -- what is stated, held against the bytes -------------------------------------------------------------------------


@pytest.mark.parametrize("header", [["MD5Hash", "SHA1 Hash", "SHA-256"], ["Hash"]])
def test_a_stated_hash_is_held_against_the_bytes(production: Production, header: list[str]) -> None:
    names = ("md5", "sha1", "sha256")
    right = {f"{name}.txt": digest(production.add(f"{name}.txt").read_bytes(), name) for name in names}
    wrong = {path: stated[:-1] + ("0" if stated[-1] != "0" else "1") for path, stated in right.items()}

    def write(stated: dict[str, str]) -> None:
        """One hash a row, in the column of its kind, or in the only one."""
        rows = [[path, *[""] * (place if header[1:] else 0), one] for place, (path, one) in enumerate(stated.items())]
        production.write(["FilePath", *header], *([*row, *[""] * (len(header) + 1 - len(row))] for row in rows))

    write({path: stated.upper() for path, stated in wrong.items()})
    said = rows_of(production.refused("3 problems"))
    for row, path in enumerate(wrong, start=2):
        assert len(said[row]) == 1
        assert right[path] in said[row][0]
        assert wrong[path] in said[row][0]
    write({path: f" {stated.upper()} " for path, stated in right.items()})
    stamped = production.sealed()
    assert (stamped["items"], stamped["problems"]) == (3, [])


def test_everything_wrong_is_listed_by_row_and_nothing_is_sealed(production: Production, tmp_path: Path) -> None:
    """The rows as a spreadsheet counts them: cells with line breaks do not shift them."""
    good = production.add("good.txt").read_bytes()
    production.add("sub/Case.txt")
    production.add("also.txt")
    (tmp_path / "outside.txt").write_text("not produced")
    (production.root / "link.txt").symlink_to(tmp_path / "outside.txt")
    (production.root / "dangling.txt").symlink_to("nowhere")
    os.mkfifo(production.root / "queue")
    size = str(len(good))
    rows = {
        "good.txt": ("good.txt", size, digest(good), None),
        "gone": ("gone.txt", "", "", "no such file"),
        "folder": ("sub", "", "", "a folder"),
        "folder, slashed": ("sub\\", "", "", "folder"),
        "below a file": ("good.txt/x", "", "", "not a directory"),
        "fifo": ("queue", "", "", "not a regular file"),
        "link": ("link.txt", "", "", "link"),
        "dangling": ("dangling.txt", "", "", "link"),
        "twice": ("good.txt", "", "", "twice"),
        "twice, other words": (".\\sub\\..\\good.txt", "", "", "leads out"),
        "twice, slashes": ("//good.txt", "", "", "another drive or machine"),
        "twice, dots": ("./././good.txt", "", "", "twice"),
        "out": ("..\\outside.txt", "", "", "leads out"),
        "out, deeper": ("sub/../../outside.txt", "", "", "leads out"),
        "absolute": (str(tmp_path / "outside.txt"), "", "", "no such file"),
        "drive": ("C:\\good.txt", "", "", "drive"),
        "drive, relative": ("c:good.txt", "", "", "drive"),
        "share": ("\\\\server\\share\\good.txt", "", "", "machine"),
        "device": ("\\\\?\\C:\\good.txt", "", "", "machine"),
        "none": ("", "", "", "no file is named"),
        "blank": ("  ", "", "", "no file is named"),
        "dot": (".", "", "", "no file is named"),
        "root": ("/", "", "", "no file is named"),
        "case": ("SUB/case.TXT", "", "", "no such file"),
        "long": ("a" * 300, "", "", "name too long"),
        "longer": ("a/" * 2500, "", "", "over 4096"),
        "size and hash": ("sub/Case.txt", "1", "0" * 64, "the load file states 1"),
        "no hash": ("also.txt", "", "xyz", "not 64 hex digits"),
    }
    table = [["DocID", "FilePath", "Note", "FileSize", "SHA256Hash"]]
    table += [[f"P-{key}", path, "a\nb\r\nc", size, sha] for key, (path, size, sha, _) in rows.items()]
    production.write(*table)
    (tmp_path / "outside.txt").chmod(0o000)
    said = rows_of(production.refused("nothing was stamped", "--despite-problems"))
    expected = {row: words for row, (*_, words) in enumerate(rows.values(), start=2) if words}
    for row, words in expected.items():
        if words != "link":  # how the system refuses one is its own affair
            assert words in said[row][0], (row, words, said[row])
    assert set(said) == set(expected)
    assert [len(one) for one in said.values()] == [1] * 25 + [2, 1], "size and hash are both wrong"

    stamped = production.sealed("--despite-problems")
    assert {one["row"] for one in stamped["problems"]} == set(expected)
    assert (stamped["items"], stamped["taken_over"]) == (3, 3)
    exported = csv_table(production.exported(stamped["batch"]).decode())
    with_item = {row[1]: row for row in exported[1:] if row[6]}
    assert {path: row[7] for path, row in with_item.items()} == {"good.txt": "0", "sub/Case.txt": "1", "also.txt": "2"}
    for original, listed in zip(table, exported, strict=True):
        assert listed[:5] == original
        assert listed[1] in (*with_item, "FilePath") or not any(listed[5:])
    # The bytes are what was hashed, whatever is stated of them.
    assert with_item["sub/Case.txt"][5] == digest((production.root / "sub/Case.txt").read_bytes())


def test_sizes_that_people_write_are_read_and_others_are_told(production: Production) -> None:
    production.add("a.txt", "x" * 1234)
    stated = ("1234", "1,234", "1234 bytes", " 1,234 Bytes ")
    for number in range(len(stated)):
        production.add(f"{number}.txt", "x" * 1234)
    production.write(["FilePath", "FileSize"], *([f"{number}.txt", size] for number, size in enumerate(stated)))
    assert production.sealed()["problems"] == []
    production.write(["FilePath", "FileSize"], ["a.txt", "1.2 KB"])
    answer = production.stamp()
    assert answer.code == 0
    assert "not compared" in answer.err
    production.write(["FilePath", "FileSize"], ["a.txt", "1235"])
    assert rows_of(production.refused())[2] == ["a.txt has 1,234 bytes; the load file states 1,235"]


def test_a_load_file_without_any_file_that_is_there_seals_nothing(production: Production) -> None:
    production.write(["FilePath"], ["gone.txt"])
    production.refused("no file to stamp", options=("--despite-problems",))


def test_files_of_the_system_that_paths_may_try_to_reach(production: Production) -> None:
    """`/etc/passwd` is looked for in the production."""
    production.write(["FilePath"], ["/etc/passwd"], ["\\etc\\hostname"], ["/proc/self/environ"])
    assert set(rows_of(production.refused())) == {2, 3, 4}
    production.refused("no file to stamp", options=("--despite-problems",))


def test_a_folder_that_is_a_link_does_not_lead_out(production: Production, tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "diary.txt").write_text("not produced")
    (production.root / "NATIVES").symlink_to(tmp_path / "private")
    production.write(["FilePath"], ["NATIVES/diary.txt"])
    production.refused("NATIVES", options=("--despite-problems",))


def test_names_that_differ_in_case_are_two_files(production: Production) -> None:
    production.add("Memo.txt", "one")
    production.add("memo.TXT", "two")
    production.write(["DocID", "FilePath"], ["P-1", "Memo.txt"], ["P-2", "memo.TXT"])
    items = production.items(production.sealed()["batch"])
    assert [(one["path"], one["sha256"]) for one in items] == [
        ("production/Memo.txt", digest(b"one")),
        ("production/memo.TXT", digest(b"two")),
    ]


# -- names ----------------------------------------------------------------------------------------------------------


def test_odd_names_are_found_recorded_and_never_obeyed(production: Production) -> None:
    names = ["-rf", "=1+1.txt", "a,b;c", 'q"q', "'", "%41%2e", "*", "~", "$HOME", "日本 \U0001f4ce", "two  blanks"]
    names += ["line\nbreak", "tab\there", f"x{ESCAPE}y", "e\u0301", "é", "CON", "a.txt ...", "x" * 255]
    for number, name in enumerate(names):
        production.add(f"{number}/{name}", f"contents {number}")
    production.write(["FilePath", "Custodian"], *([f"{number}\\{name}", name] for number, name in enumerate(names)))
    batch = production.sealed()["batch"]
    records = production.records(batch)
    assert [record["path"] for record in records] == [f"production/{n}/{name}" for n, name in enumerate(names)]
    assert [record["custodian"] for record in records] == names
    assert plain(production.notary("verify", "names.zip", *LOCAL))
    assert plain(production.notary("status", "--digest", production.root / "13" / names[13]))


def test_no_cell_reaches_the_terminal_raw(production: Production) -> None:
    there = f"a{ESCAPE}.txt"
    production.add(there)
    production.write(
        ["FilePath", "FileSize", "MD5Hash", f"c{ESCAPE}"],
        [there, "999", "0" * 32, ESCAPE],
        [there, ESCAPE, ESCAPE, ESCAPE],
        [f"gone{ESCAPE}", "", "", ""],
        [f"..\\{ESCAPE}", "", "", ""],
    )
    said = rows_of(production.refused("6 problems"))
    assert {row: len(what) for row, what in said.items()} == {2: 2, 3: 2, 4: 1, 5: 1}
    assert production.stamp("--despite-problems").code == 0
    production.write([f"c{ESCAPE}", f"C{ESCAPE}"], ["", ""])
    production.refused("twice")
    production.write([f"c{ESCAPE}", ""], ["", ""])
    production.refused("--map COLUMN=path")


def test_a_batch_with_escapes_everywhere_is_shown_in_words(production: Production) -> None:
    production.add("a.txt")
    production.write([f"c{ESCAPE}", "FilePath", "DocID"], ["x", "a.txt", f"P{ESCAPE}"], ["y", f"b{ESCAPE}", "P"])
    answer = production.stamp("--despite-problems", "--title", f"t{ESCAPE}", "--matter", f"m{ESCAPE}")
    assert answer.code == 0
    for options in (("--matter", f"m{ESCAPE}"), ("--digest", production.root / "a.txt"), ("--matter", ESCAPE)):
        shown = production.notary("status", *options)
        assert plain(shown), shown


def test_names_on_disk_that_are_no_utf_8(production: Production, tmp_path: Path) -> None:
    """A load file names characters; a name of other bytes is not what it names, and is not guessed at."""
    production.add(b"caf\xe9.txt", "bytes of Windows")
    production.file.write_bytes("FilePath\r\ncafé.txt\r\n".encode("cp1252"))
    assert "no such file" in rows_of(production.refused("1 problem;"))[2][0]
    production.add("café.txt", "bytes of UTF-8")
    assert production.sealed()["items"] == 1

    root = tmp_path / os.fsdecode(b"Beweise \xfc")
    production.root.rename(root)
    production.root = root
    batch = production.sealed()["batch"]
    (record,) = production.records(batch)
    assert bytes.fromhex(record["path_hex"]) == b"Beweise \xfc/" + "café.txt".encode()


def test_a_root_that_is_the_working_folder_is_recorded_by_its_name(production: Production) -> None:
    production.add("a.txt")
    production.write(["FilePath"], ["a.txt"])
    production.notary.folder = production.root
    (record,) = production.records(production.sealed(root=".")["batch"])
    assert record["path"] == "production/a.txt"


@pytest.mark.parametrize("root", [".."])
def test_a_root_above_gives_records_that_verify(production: Production, root: str) -> None:
    (production.root / "sub" / "sub").mkdir(parents=True)
    production.add("a.txt")
    production.write(["FilePath"], ["a.txt"])
    production.notary.folder = production.root / "sub" if root == ".." else production.root
    (record,) = production.records(production.sealed(root=root)["batch"])
    assert record["path"] == "production/a.txt"


# -- files that are none --------------------------------------------------------------------------------------------

BROKEN: dict[str, tuple[bytes, str]] = {
    "a byte that is no UTF-8": ("FilePath,A\r\na.txt,é\r\na.txt,".encode() + b"\xff\r\n", "row 3"),
    "half a pair in UTF-16": (b"\xff\xfe" + "FilePath\r\n\ud83d.txt\r\n".encode("utf-16-le", "surrogatepass"), "row 2"),
    "UTF-32": (b"\xff\xfe\0\0" + "FilePath\r\na\r\n".encode("utf-32-le"), "UTF-32"),
    "NUL": (b"FilePath,A\r\na.txt,x\r\nb.txt,\0\r\n", "row 3"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50, "load.csv"),
    "open quotation mark": (b'FilePath,A\r\na.txt,x\r\nb.txt,"x\r\nc.txt,y\r\n', "row 3"),
    "a CR inside": (b"FilePath,A\r\na\rb,x\r\n", "row 2"),
    "a row without end": (b"FilePath,A\r\na.txt," + b"x" * 2**21 + b"\r\n", "over 1048576 characters"),
    "a line break in a DAT": ("þFilePathþ\x14þAþ\r\nþa.txtþ\x14þx\r\nyþ\r\n".encode(), "row 2"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_load_file_is_refused_where_it_breaks(production: Production, kind: str) -> None:
    data, words = BROKEN[kind]
    production.add("a.txt")
    production.file.write_bytes(data)
    production.refused("load.csv", words, options=("--despite-problems",))


def test_an_encoding_that_it_is_not_in(production: Production) -> None:
    production.add("é.txt")
    production.file.write_bytes("FilePath\r\né.txt\r\n".encode("cp1252"))
    production.refused("row 2", "utf-8", options=("--encoding", "utf-8"))
    production.refused(options=("--encoding", "utf-16"))
    assert production.sealed("--encoding", "Windows-1252")["items"] == 1
    production.file.write_bytes(b"\xef\xbb\xbf" + "FilePath\r\né.txt\r\n".encode())
    production.refused("byte order mark", options=("--encoding", "cp1252"))


def test_what_is_no_file_is_refused_at_once(production: Production) -> None:
    production.add("a.txt")
    os.mkfifo(production.file)
    production.refused("load.csv", "not a regular file")
    production.file = production.root
    production.refused("production", "not a regular file")
    production.file = Path("/dev/zero")
    production.refused("/dev/zero", "not a regular file")
    production.file = production.folder / "dangling.csv"
    production.file.symlink_to("nowhere")
    production.refused("dangling.csv", "no such file")


def test_a_root_that_is_no_folder(production: Production, tmp_path: Path) -> None:
    production.write(["FilePath"], ["a.txt"])
    os.mkfifo(tmp_path / "queue")
    for other in (tmp_path / "gone", tmp_path / "queue"):
        answer = production.stamp(root=other)
        assert answer.code == 2
        check_error(answer, other.name, "not a folder", "--root")


def test_one_json_document_whatever_happens(production: Production) -> None:
    production.add("a.txt")
    production.write(["FilePath"], ["a.txt"], ["gone.txt"])
    for options, code in ((("--despite-problems",), 0), ((), 2), (("--map", "x=path"), 2)):
        answer = production.stamp(*options, "--json")
        assert answer.code == code
        assert answer.json.get("exit_code", 0) == code
    assert production.stamp("--quiet").out == ""


# -- by the ten thousand --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A production of fifty thousand names."""
    root = tmp_path_factory.mktemp("huge") / "production"
    for number in range(ROWS):
        place = root / f"{number // 1000:03}"
        if number % 1000 == 0:
            place.mkdir(parents=True)
            (place / "0.txt").write_text(f"file {number}")
        else:
            (place / f"{number % 1000}.txt").hardlink_to(place / "0.txt")
    return root


_MEASURED = """
import resource, subprocess, sys
ended = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(ended.returncode)
"""


def measured(production: Production, *options: str) -> tuple[int, str, str, int]:
    """What a stamp answers, and the most memory in bytes that any of its processes had."""
    command = production.notary.command(
        "stamp", "--load-file", production.file, "--root", production.root, *LOCAL, "--jobs", "1", *options
    )
    ended = subprocess.run(
        [sys.executable, "-c", _MEASURED, *command], **production.notary.options(), timeout=120, check=False
    )
    said, _, last = ended.stderr.rstrip("\n").rpartition("\n")
    return ended.returncode, ended.stdout, said, int(last) * 1024


def huge_rows(last: str = "") -> Iterator[str]:
    yield "DocID,FilePath,Custodian,Extracted\r\n"
    text = "lorem ipsum " * 5
    for number in range(ROWS):
        yield f'PX-{number},{number // 1000:03}\\{number % 1000}.txt,"Doe, Jane",{text}\r\n'
    yield last


def test_fifty_thousand_rows_in_little_memory(production: Production, huge: Path) -> None:
    production.root = huge
    production.file.write_text("".join(huge_rows()), newline="")
    code, out, err, most = measured(production, "--json", "--matter", "M")
    assert code == 0, err
    assert (json.loads(out)["items"], json.loads(out)["problems"]) == (ROWS, [])
    assert most < 160 * 10**6, f"{most:,} bytes"
    batch = json.loads(out)["batch"]
    exported = production.exported(batch).decode().splitlines()
    assert len(exported) == ROWS + 1
    assert exported[-1].startswith(f'PX-{ROWS - 1},049\\999.txt,"Doe, Jane",lorem')
    assert exported[-1].rstrip(",").endswith(f"{batch},{ROWS - 1}")
    # Fifty digests stand under a thousand exhibit numbers each.
    assert len(json.loads(out)["conflicts"]) == 20


def test_a_quotation_mark_left_open_at_the_end_of_a_huge_file(production: Production) -> None:
    production.add("000/0.txt")
    production.file.write_text("".join(huge_rows('PX-X,"000\\x.txt,"Doe, Jane",x\r\n')), newline="")
    code, out, err, most = measured(production, "--despite-problems")
    assert (code, out) == (2, "")
    (error,) = (line for line in err.splitlines() if line.startswith("error: "))
    assert f"row {ROWS + 2}" in error
    assert most < 160 * 10**6, f"{most:,} bytes"
    assert production.batches() == []


def test_a_quotation_mark_left_open_at_the_beginning_takes_in_a_bounded_part(production: Production) -> None:
    with production.file.open("w") as stream:
        stream.write('FilePath,A\r\na.txt,"' + "x,y\r\n" * 12_000_000)
    code, out, err, most = measured(production)
    assert (code, out) == (2, "")
    assert "row 2: " in err
    assert "quotation mark left open" in err
    assert most < 160 * 10**6, f"{most:,} bytes"


def test_rows_that_name_no_file_cost_no_memory(production: Production) -> None:
    production.add("a.txt")
    with production.file.open("w") as stream:
        stream.write("FilePath,Text\r\na.txt,\r\n")
        for _ in range(8_000):
            stream.write("," + "x" * 10_000 + "\r\n")
    code, out, err, most = measured(production, "--despite-problems", "--json")
    assert code == 0, err[-500:]
    assert (json.loads(out)["items"], len(json.loads(out)["problems"])) == (1, 8_000)
    assert most < 120 * 10**6, f"{most:,} bytes"


def test_it_gets_along_with_a_limit_on_memory(production: Production) -> None:
    """With `ulimit -v`, as batch systems set it, too."""
    production.add("a.txt")
    production.write(["FilePath"], ["a.txt"], *([f"gone{number}.txt"] for number in range(5000)))

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))

    command = production.notary.command("stamp", "--load-file", production.file, "--root", production.root, *LOCAL)
    ended = subprocess.run(command, **production.notary.options(), timeout=120, preexec_fn=limited, check=False)
    assert ended.returncode == 2, ended.stderr[-500:]
    assert "5,000 problems" in ended.stderr
    assert ended.stderr.count("\nrow ") == 4999, "all are listed"


# -- runs that were cut short ---------------------------------------------------------------------------------------


def test_a_mended_load_file_reads_nothing_again(production: Production) -> None:
    data = {name: production.add(name).read_bytes() for name in ("a.txt", "b.txt", "c.txt")}
    rows = [[name, digest(content)] for name, content in data.items()]
    production.write(["FilePath", "SHA256Hash"], *rows[:2], ["c.txt", "0" * 64], ["gone.txt", ""])
    assert set(rows_of(production.refused("2 problems", "is kept"))) == {4, 5}
    production.write(["FilePath", "SHA256Hash"], *rows)
    stamped = production.sealed()
    assert (stamped["items"], stamped["taken_over"], stamped["problems"]) == (3, 3, [])
    assert [one["sha256"] for one in production.items(stamped["batch"])] == [digest(one) for one in data.values()]
    assert production.sealed()["taken_over"] == 0, "what is sealed is not taken over once more"


def test_a_file_that_changed_between_the_runs_is_read_again(production: Production) -> None:
    for name in ("a.txt", "b.txt"):
        production.add(name)
    production.write(["FilePath"], ["a.txt"], ["b.txt"], ["gone.txt"])
    production.refused()
    production.add("b.txt", "WHAT b.txt says")
    production.write(["FilePath"], ["a.txt"], ["b.txt"])
    stamped = production.sealed()
    assert (stamped["items"], stamped["taken_over"]) == (2, 1)
    assert production.items(stamped["batch"])[1]["sha256"] == digest(b"WHAT b.txt says")


def test_a_kind_of_hash_that_comes_later_is_checked(production: Production) -> None:
    data = production.add("a.txt").read_bytes()
    production.write(["FilePath", "SHA256Hash"], ["a.txt", digest(data)], ["gone.txt", ""])
    production.refused()
    production.write(["FilePath", "SHA256Hash", "MD5Hash"], ["a.txt", digest(data), "0" * 32])
    assert "MD5" in rows_of(production.refused("1 problem;"))[2][0]
    production.write(["FilePath", "SHA256Hash", "MD5Hash"], ["a.txt", digest(data), digest(data, "md5")])
    assert production.sealed()["taken_over"] == 1


def test_a_run_that_was_killed_goes_on_where_it_was(production: Production, tmp_path: Path) -> None:
    names = [f"{number % 7}/{number}.txt" for number in range(600)]
    for name in names:
        production.add(name)
    slow = production.root / "slow.bin"
    with slow.open("wb") as stream:
        stream.truncate(40 * 2**30)
    production.write(["FilePath", "DocID"], *([name, name] for name in names), ["slow.bin", "last"])
    process = production.notary.start("stamp", "--load-file", production.file, "--root", production.root, *LOCAL)
    wait_for(lambda: in_draft(tmp_path / "ledger", tmp_path / "copy") == len(names))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert production.batches() == []

    slow.write_text("not slow any more")
    production.write(["FilePath", "DocID"], *([name, name.upper()] for name in names), ["slow.bin", "last"])
    stamped = production.sealed()
    assert (stamped["items"], stamped["taken_over"]) == (601, 600)
    items = production.items(stamped["batch"])
    assert [one["exhibit"] for one in items] == [*(name.upper() for name in names), "last"], "the mended one counts"
    assert [one["sha256"] for one in items] == [
        digest((production.root / one["path"].partition("/")[2]).read_bytes()) for one in items
    ]
    assert not list((tmp_path / "ledger").glob("*-draft-*"))


def in_draft(ledger: Path, copy: Path) -> int:
    """How many items the one draft has: its owner keeps others out, so a copy is looked into."""
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    with suppress(OSError, sqlite3.Error):
        for file in ledger.glob("*-draft-*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, copy)
        draft = next((file for file in copy.iterdir() if not file.name.endswith("-wal")), None)
        if draft is not None:
            with closing(sqlite3.connect(draft)) as opened:
                count: int = opened.execute("SELECT count(*) FROM items").fetchone()[0]
                return count
    return 0


def wait_for(happened: Callable[[], bool], seconds: float = 60) -> None:
    end = monotonic() + seconds
    while not happened():
        assert monotonic() < end, "it did not happen"
        sleep(0.05)


# -- a load file that changes ---------------------------------------------------------------------------------------

_CHANGES = """
import os, sys
opened = 0
def hook(event, arguments):
    global opened
    if event == "open" and arguments[0] == os.environ["CHANGES"]:
        opened += 1
        if opened == int(os.environ["BEFORE_READING"]):
            os.replace(os.environ["CHANGES"] + ".new", os.environ["CHANGES"])
sys.addaudithook(hook)
"""


@pytest.mark.parametrize("columns", ["in another order", "fewer"])
def test_cells_never_come_under_the_header_of_another_file(
    production: Production, tmp_path: Path, columns: str
) -> None:
    """The file is replaced right before the program opens it the third time, if it does so."""
    production.add("a.txt")
    after = b"FilePath,DocID,Custodian\r\na.txt,PX-1,Jane\r\n"
    production.file.write_bytes(b"FilePath,Custodian,DocID\r\na.txt,Jane,PX-1\r\n")
    if columns == "fewer":
        after = b"FilePath,DocID\r\na.txt,PX-1\r\n"
    (tmp_path / "load.csv.new").write_bytes(after)
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(_CHANGES)
    environment = production.notary.environment
    environment |= {"PYTHONPATH": str(tmp_path / "hook"), "CHANGES": str(production.file), "BEFORE_READING": "3"}
    answer = production.stamp("--json")
    assert answer.code in (0, 2), answer
    if answer.code == 0:
        (item,) = production.items(answer.json["batch"])
        assert (item["exhibit"], item["custodian"]) in (("PX-1", "Jane"), ("PX-1", None))


# -- what a review found --------------------------------------------------------------------------------------------


def test_the_ledger_is_no_evidence(production: Production) -> None:
    ledger = Path(production.notary.environment["NOTARY_LEDGER"])
    production.notary.environment["NOTARY_LEDGER"] = str(production.root / ledger.name)
    production.add("a.txt", "a")
    production.write(["FilePath"], ["a.txt"], [ledger.name])
    assert "the ledger itself" in rows_of(production.refused("1 problem;"))[3][0]


def test_a_loop_of_links_is_a_problem_of_its_row(production: Production) -> None:
    (production.root / "loop").symlink_to("loop")
    production.add("a.txt", "a")
    production.write(["FilePath"], ["a.txt"], ["loop/x.txt"])
    assert set(rows_of(production.refused("1 problem;"))) == {3}
