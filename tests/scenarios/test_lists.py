"""`notary export --manifest` and `--load-file`: lists that other programs take, as hostile names would have them."""

import csv
import hashlib
import io
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Notary, Result

LOCAL = ("--network", "local")
ODD = [
    b"plain.txt",
    b"line\nbreak.txt",
    b"carriage\rreturn.txt",
    b"back\\slash.txt",
    b"back\\nslash-n.txt",
    b"both\\\n\\.txt",
    b"latin-1-\xe9.txt",
    b"\xff\xfe\n\\x.txt",
    b"utf8-\xc3\xa9.txt",
    b"  blanks  ",
    b"*star",
    b"-dash",
    b"=SUM(A1:A9)",
    b'quote"d, and comma',
    b"\x1b[31mred\x07",
    b"\xe2\x80\xaereversed",
]


@dataclass(frozen=True)
class Shelf:
    """Evidence of odd names in `folder`/odd, and the batch that was made of it. Tests alter copies only."""

    notary: Notary
    folder: Path
    batch: str

    def list(self, target: Path, *options: str) -> Any:
        answer = self.notary("export", self.batch, *options, "-o", target, "--json")
        assert answer.code == 0, answer
        return answer.json


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "odd" / "sub").mkdir(parents=True)
    for number, name in enumerate(ODD):
        (folder / "odd" / os.fsdecode(name)).write_text(f"odd {number}")
        (folder / "odd" / "sub" / os.fsdecode(name)).write_text(f"odd {number} below")
    notary = Notary(folder)
    return Shelf(notary, folder, stamped(notary, folder / "odd"))


def stamped(notary: Notary, *arguments: str | Path) -> str:
    answer = notary("stamp", *arguments, *LOCAL, "--json")
    assert answer.code == 0, answer
    name: str = answer.json["batch"]
    return name


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def header(path: Path) -> list[str]:
    return next(csv.reader(io.StringIO(path.read_text(), newline="")))


def refused(answer: Result, *words: str, code: int = 2) -> None:
    assert (answer.code, answer.out) == (code, ""), answer
    first, *others = answer.err.splitlines()
    assert first.startswith("error: "), answer.err
    assert all(line.startswith("hint: ") for line in others), answer.err
    for word in words:
        assert word in answer.err, answer.err


def sums(folder: Path, file: Path) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        ["sha256sum", "--strict", "-c", str(file)], cwd=folder, capture_output=True, check=False, env={"LC_ALL": "C"}
    )


def test_sha256sum_takes_the_list_whatever_the_names(shelf: Shelf, tmp_path: Path) -> None:
    assert shelf.list(tmp_path / "SHA256SUMS", "--manifest", "sha256sum") == {
        "list": str(tmp_path / "SHA256SUMS"),
        "sha256": hashlib.sha256((tmp_path / "SHA256SUMS").read_bytes()).hexdigest(),
        "items": 2 * len(ODD),
        "of": 2 * len(ODD),
        "rows_without_item": 0,
    }
    checked = sums(shelf.folder, tmp_path / "SHA256SUMS")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count(b": OK\n") == 2 * len(ODD)
    shutil.copytree(shelf.folder / "odd", tmp_path / "odd")
    for name in ODD:
        (tmp_path / "odd" / os.fsdecode(name)).write_text("altered")
    checked = sums(tmp_path, tmp_path / "SHA256SUMS")
    assert checked.returncode == 1
    assert checked.stdout.count(b": FAILED\n") == len(ODD)


def test_the_table_is_read_by_any_csv_reader(shelf: Shelf, tmp_path: Path) -> None:
    shelf.list(tmp_path / "table.csv", "--manifest", "csv")
    rows = table(tmp_path / "table.csv")
    assert [row["item"] for row in rows] == [str(number) for number in range(2 * len(ODD))]
    paths = {bytes.fromhex(row["path_hex"]) if row["path_hex"] else row["path"].encode() for row in rows}
    assert paths == {b"odd/" + name for name in ODD} | {b"odd/sub/" + name for name in ODD}
    for row in rows:
        path = os.fsdecode(bytes.fromhex(row["path_hex"])) if row["path_hex"] else row["path"]
        assert bool(row["path"]) != bool(row["path_hex"])
        data = (shelf.folder / path).read_bytes()
        assert (row["sha256"], row["bytes"]) == (hashlib.sha256(data).hexdigest(), str(len(data)))
        assert row["modified"].endswith("Z")
        assert not any(row[key] for key in ("exhibit", "custodian", "bates", "description", "source"))
    # A formula stays what the evidence is called: it is not the list's to alter it.
    assert sum(row["path"].endswith("/=SUM(A1:A9)") for row in rows) == 2


def test_only_what_is_asked_for_is_listed(shelf: Shelf, tmp_path: Path) -> None:
    only = ("--only", "sub/")
    written = shelf.list(tmp_path / "sub.csv", "--manifest", "csv", *only)
    assert (written["items"], written["of"]) == (len(ODD), 2 * len(ODD))
    shelf.list(tmp_path / "all.csv", "--manifest", "csv")
    everything = table(tmp_path / "all.csv")
    below = [row for row in everything if (row["path"].encode() or bytes.fromhex(row["path_hex"]))[:8] == b"odd/sub/"]
    assert table(tmp_path / "sub.csv") == below
    shelf.list(tmp_path / "sub.sums", "--manifest", "sha256sum", *only)
    shutil.copytree(shelf.folder / "odd" / "sub", tmp_path / "odd" / "sub")
    checked = sums(tmp_path, tmp_path / "sub.sums")
    assert (checked.returncode, checked.stdout.count(b": OK\n")) == (0, len(ODD))
    answer = shelf.notary("export", shelf.batch, "--manifest", "csv", "--only", "nothing", "-o", tmp_path / "none")
    refused(answer, "nothing")
    assert not (tmp_path / "none").exists()


def test_a_list_takes_nothing_from_the_disk(shelf: Shelf, tmp_path: Path) -> None:
    """It tells what was stamped, also when the evidence has gone."""
    (shelf.folder / "odd").rename(tmp_path / "odd")
    try:
        shelf.list(tmp_path / "gone.sums", "--manifest", "sha256sum")
        assert sums(tmp_path, tmp_path / "gone.sums").returncode == 0
    finally:
        (tmp_path / "odd").rename(shelf.folder / "odd")


def test_a_batch_of_folders_has_no_load_file(shelf: Shelf, tmp_path: Path) -> None:
    answer = shelf.notary("export", shelf.batch, "--load-file", "-o", tmp_path / "x")
    refused(answer, shelf.batch, "--manifest csv")
    assert not (tmp_path / "x").exists()


def test_options_that_do_not_go_together(shelf: Shelf, tmp_path: Path) -> None:
    for options in (
        ("--manifest", "csv", "--load-file"),
        ("--load-file", "--only", "a.txt"),
        ("--load-file", "--disclose", "names"),
        ("--manifest", "csv", "--ots"),
        ("--manifest", "md5sum"),
    ):
        refused(shelf.notary("export", shelf.batch, *options, "-o", tmp_path / "x"), "--manifest")
        assert not (tmp_path / "x").exists()


@pytest.fixture
def production(tmp_path: Path) -> Path:
    (tmp_path / "production").mkdir()
    (tmp_path / "production" / "a.txt").write_text("a")
    (tmp_path / "load.csv").write_text("DocID,FilePath,Amount\nPX-1,a.txt,=1+1\n")
    return tmp_path / "production"


@pytest.fixture
def loaded(notary: Notary, production: Path) -> str:
    return stamped(notary, "--load-file", "load.csv", "--root", production)


def test_a_list_overwrites_nothing(notary: Notary, tmp_path: Path, loaded: str) -> None:
    for options, target in ((("--manifest", "csv"), "ledger/ledger.db"), (("--load-file",), "production/a.txt")):
        before = (tmp_path / target).read_bytes()
        refused(notary("export", loaded, *options, "-o", target), target, "not overwritten")
        assert (tmp_path / target).read_bytes() == before
    refused(notary("export", loaded, "--manifest", "sha256sum", "-o", "production"), "not overwritten")
    refused(notary("export", loaded, "--load-file", "-o", "nowhere/x"), "nowhere/x", code=4)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".notary")]


def test_a_list_does_not_take_the_place_of_a_link(notary: Notary, tmp_path: Path, loaded: str) -> None:
    (tmp_path / "link").symlink_to("not-mounted-now")
    refused(notary("export", loaded, "--manifest", "csv", "-o", "link"), "not overwritten")
    assert (tmp_path / "link").is_symlink()


# -- the columns that are added -------------------------------------------------------------------------------------


def test_dates_and_blocks_are_added_once_there_are_some(notary: Notary, tmp_path: Path, loaded: str) -> None:
    assert notary("export", loaded, "--load-file", "-o", "before.csv").code == 0
    (before,) = table(tmp_path / "before.csv")
    digest = hashlib.sha256(b"a").hexdigest()
    assert before == {
        "DocID": "PX-1",
        "FilePath": "a.txt",
        "Amount": "=1+1",
        "SHA256Hash": digest,
        "NotaryBatch": loaded,
        "NotaryItem": "0",
        "ExistedBy": "",
        "Attestation": "",
    }
    upgraded: Any = notary("upgrade", loaded, "--json").json["batches"][0]
    assert notary("export", loaded, "--load-file", "-o", "after.csv").code == 0
    (after,) = table(tmp_path / "after.csv")
    assert notary("export", loaded, "-o", "bundle.zip").code == 0
    verified = notary("verify", "bundle.zip", *LOCAL, "--offline", "--json").json
    assert after["ExistedBy"] == verified["existed_by"], "the list says another day than the verdict"
    assert f"block {upgraded['attestations'][0]['height']}" in after["Attestation"]
    assert "TEST NETWORK" in after["Attestation"]
    assert {key: after[key] for key in list(before)[:6]} == {key: before[key] for key in list(before)[:6]}


def test_what_was_given_back_can_be_handed_in_again(notary: Notary, tmp_path: Path, loaded: str) -> None:
    """Its digests are checked then, and new columns stand beside the old."""
    assert notary("export", loaded, "--load-file", "-o", "again.csv").code == 0
    again = stamped(notary, "--load-file", "again.csv", "--root", "production")
    assert notary("export", again, "--load-file", "-o", "twice.csv").code == 0
    assert header(tmp_path / "twice.csv")[:8] == header(tmp_path / "again.csv")
    assert len(set(header(tmp_path / "twice.csv"))) == 13
    (row,) = table(tmp_path / "twice.csv")
    assert (row["NotaryBatch"], row["Notary NotaryBatch"]) == (loaded, again)
    (tmp_path / "production" / "a.txt").write_text("b")
    assert notary("stamp", "--load-file", "again.csv", "--root", "production", *LOCAL).code == 2


def test_what_was_given_back_twice_can_be_handed_in_again(notary: Notary, tmp_path: Path, production: Path) -> None:
    (tmp_path / "load-0.csv").write_text("FilePath,SHA256Hash,Notary SHA256Hash\na.txt,,\n")
    batch = stamped(notary, "--load-file", "load-0.csv", "--root", production)
    assert notary("export", batch, "--load-file", "-o", "load-1.csv").code == 0
    names = header(tmp_path / "load-1.csv")
    assert len(set(names)) == len(names), names
    stamped(notary, "--load-file", "load-1.csv", "--root", production)


def test_blanks_around_a_header_do_not_hide_it(notary: Notary, tmp_path: Path, production: Path) -> None:
    (tmp_path / "blank.csv").write_text("FilePath, sha256hash \na.txt,\n")
    batch = stamped(notary, "--load-file", "blank.csv", "--root", production)
    assert notary("export", batch, "--load-file", "-o", "blank-1.csv").code == 0
    stamped(notary, "--load-file", "blank-1.csv", "--root", production)
