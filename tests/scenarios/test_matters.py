"""Matters: their batches in order, what is where, and numbers and files that disagree."""

import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Notary, Result

LOCAL = ("--network", "local")
MATTER = "Acme v. Zenith"


class Case:
    """Files in a folder, and load files that number them."""

    def __init__(self, notary: Notary, folder: Path) -> None:
        self.notary = notary
        self.folder = folder
        self.root = folder / "production"
        self.root.mkdir()

    def add(self, name: str, content: str) -> str:
        """A file; its digest."""
        (self.root / name).write_text(content)
        return hashlib.sha256(content.encode()).hexdigest()

    def load(self, rows: Iterable[tuple[str, str, str]], *options: str) -> Any:
        """Stamps rows of file, exhibit and Bates number."""
        file = self.folder / "load.csv"
        file.write_text("FilePath,Exhibit,BegBates\n" + "".join(f'"{a}","{b}","{c}"\n' for a, b, c in rows))
        answer = self.notary("stamp", "--load-file", file, "--root", self.root, *LOCAL, "--json", *options)
        assert answer.code == 0, answer
        return answer.json

    def ask(self, query: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "ledger" / "ledger.db")) as ledger:
            return ledger.execute(query, values).fetchall()


@pytest.fixture
def case(notary: Notary, tmp_path: Path) -> Case:
    return Case(notary, tmp_path)


def conflicts(stamped: Any) -> set[tuple[str, frozenset[str], frozenset[str]]]:
    """Kind of number, the numbers, and the digests of the files."""
    found = set()
    for one in stamped["conflicts"]:
        assert len(one["paths"]) >= len(one["sha256"])
        found.add((one["kind"], frozenset(one["numbers"]), frozenset(one["sha256"])))
    return found


def refused(answer: Result, *words: str) -> None:
    assert (answer.code, answer.out) == (2, ""), answer
    first, *others = answer.err.splitlines()
    assert first.startswith("error: "), answer.err
    assert all(line.startswith("hint: ") for line in others), answer.err
    for word in words:
        assert word in answer.err, answer.err


# -- batches of a matter --------------------------------------------------------------------------------------------


def test_the_batches_of_a_matter_in_their_order(notary: Notary, case: Case) -> None:
    case.add("a.txt", "a" * 1500)
    case.add("b.txt", "bb")
    first = case.load([("a.txt", "1", ""), ("b.txt", "2", "")], "--matter", MATTER, "--title", "First production")
    other = case.load([("a.txt", "1", "")], "--matter", "Acme v. Yonder")["batch"]
    alone = case.load([("a.txt", "1", "")])["batch"]
    assert notary("upgrade", first["batch"]).code == 0
    second = notary("stamp", case.root / "b.txt", "--matter", MATTER, *LOCAL, "--json").json

    listed = notary("status", "--matter", MATTER, "--json").json
    assert (listed["matter"], listed["items"], listed["bytes"]) == (MATTER, 3, 1504)
    one, two = listed["batches"]
    assert [one["batch"], two["batch"]] == [first["batch"], second["batch"]], "oldest first"
    assert [(part["items"], part["bytes"], part["status"], part["matter"]) for part in (one, two)] == [
        (2, 1502, "attested", MATTER),
        (1, 2, "pending", MATTER),
    ]
    assert one["title"] == "First production"
    assert one["declared_at"] <= two["declared_at"]
    assert one["existed_by"] >= one["declared_at"][:10]
    assert two["existed_by"] is None

    shown = notary("status", "--matter", MATTER).out
    lines = shown.splitlines()
    assert lines[1].startswith(first["batch"])
    assert lines[2].startswith(second["batch"])
    for part in ("First production", "1.5 kB", one["declared_at"][:10], one["existed_by"], "attested", "TEST NETWORK"):
        assert part in shown
    assert "2 batches, 3 files" in shown
    assert other not in shown
    assert alone not in shown
    assert case.ask("SELECT batch, files, bytes, status FROM batches_of_matters WHERE matter = ?", MATTER) == [
        (first["batch"], 2, 1502, "attested"),
        (second["batch"], 1, 2, "pending"),
    ]
    assert case.ask("SELECT batch FROM pending_batches") == [(other,), (alone,), (second["batch"],)]


def test_an_unknown_matter_is_told_with_those_there_are(notary: Notary, case: Case) -> None:
    refused(notary("status", "--matter", MATTER), MATTER)
    case.add("a.txt", "a")
    case.load([("a.txt", "1", "")], "--matter", MATTER)
    for asked in ("Acme v. %", "", "\x1b[31m" + "A" * 100_000):
        answer = notary("status", "--matter", asked)
        refused(answer, MATTER)
        assert "\x1b" not in answer.err
    assert notary("status", "--matter", "x", "--json").json["exit_code"] == 2
    refused(notary("status", "--digest", "00" * 32, "--matter", MATTER), "give one")


def test_matters_with_names_of_all_kinds(notary: Notary, case: Case) -> None:
    names = ["'; DROP TABLE items; --", "Müller ./. 日本 \U0001f4ce\nb\x1b[31m\u202e"]
    case.add("a.txt", "a")
    for name in names:
        batch = case.load([("a.txt", "1", "")], f"--matter={name}")["batch"]
        answer = notary("status", f"--matter={name}", "--json").json
        assert [one["batch"] for one in answer["batches"]] == [batch]
    shown = notary("status", f"--matter={names[1]}").out + notary("status").out
    assert not any(character in shown for character in "\x1b\u202e")
    refused(notary("stamp", case.root, f"--matter={'x' * 5000}", *LOCAL), "over 4096")


# -- where a digest is ----------------------------------------------------------------------------------------------


def test_where_a_digest_is(notary: Notary, case: Case, tmp_path: Path) -> None:
    digest = case.add("a.txt", "same")
    case.add("b.txt", "same")
    case.add("c.txt", "other")
    rows = [("c.txt", "PX-3", ""), ("a.txt", "PX-1", "ABC1"), ("b.txt", "", "=1+1")]
    one = case.load(rows, "--matter", MATTER)["batch"]
    two = notary("stamp", case.root / "a.txt", *LOCAL, "--json").json["batch"]
    for asked in (digest, digest.upper(), case.root / "b.txt"):
        found = notary("status", "--digest", asked, "--json").json
        assert found["sha256"] == digest
        places = [(place["batch"], place["item"], place["path"], place["matter"]) for place in found["places"]]
        assert places == [
            (one, 1, "production/a.txt", MATTER),
            (one, 2, "production/b.txt", MATTER),
            (two, 0, "a.txt", None),
        ]
    assert [(place.get("exhibit"), place.get("bates")) for place in found["places"]] == [
        ("PX-1", "ABC1"),
        (None, "=1+1"),
        (None, None),
    ]
    shown = notary("status", "--digest", digest).out
    for part in (digest, one, two, MATTER, "production/a.txt", "PX-1", "ABC1"):
        assert part in shown
    assert case.ask("SELECT batch, item, path FROM where_is_digest WHERE sha256 = ?", digest) == [
        (one, 1, "production/a.txt"),
        (one, 2, "production/b.txt"),
        (two, 0, "a.txt"),
    ]


def test_a_digest_that_is_nowhere(notary: Notary, case: Case) -> None:
    nowhere = notary("status", "--digest", "ab" * 32)
    assert nowhere.code == 0
    assert "nowhere" in nowhere.out
    for asked in ("xy" * 32, str(case.root)):
        refused(notary("status", "--digest", asked), "64 hex digits")


# -- numbers and files that disagree --------------------------------------------------------------------------------


def test_within_a_batch_in_both_directions_for_both_kinds(case: Case) -> None:
    same, other, third = case.add("a.txt", "same"), case.add("c.txt", "other"), case.add("d.txt", "third")
    case.add("b.txt", "same")
    stamped = case.load(
        [("a.txt", "PX-1", "ABC1"), ("b.txt", "PX-2", "ABC2"), ("c.txt", "PX-1", "ABC4"), ("d.txt", "PX-5", "ABC4")]
    )
    assert conflicts(stamped) == {
        ("exhibit", frozenset({"PX-1", "PX-2"}), frozenset({same})),
        ("bates", frozenset({"ABC1", "ABC2"}), frozenset({same})),
        ("exhibit", frozenset({"PX-1"}), frozenset({same, other})),
        ("bates", frozenset({"ABC4"}), frozenset({other, third})),
    }
    told = case.notary("stamp", "--load-file", "load.csv", "--root", case.root, *LOCAL).err
    assert told.count("conflict: ") == 4
    for part in ("PX-1", "PX-2", "ABC1", "ABC2", "ABC4", "a.txt", "b.txt", "c.txt", "d.txt"):
        assert part in told


def test_two_files_with_one_digest_are_fine(case: Case) -> None:
    case.add("a.txt", "same")
    case.add("b.txt", "same")
    assert case.load([("a.txt", "PX-1", "A1"), ("b.txt", "PX-1", "A1")], "--matter", MATTER)["conflicts"] == []
    assert case.load([("a.txt", "PX-1", ""), ("b.txt", "", "")], "--matter", MATTER)["conflicts"] == []


def test_an_exhibit_number_is_no_bates_number(case: Case) -> None:
    case.add("a.txt", "a")
    case.add("b.txt", "b")
    assert case.load([("a.txt", "0001", ""), ("b.txt", "", "0001")])["conflicts"] == []


def test_across_the_batches_of_a_matter_and_no_further(case: Case) -> None:
    a, b = case.add("a.txt", "a"), case.add("b.txt", "b")
    numbered = [("a.txt", "PX-1", "A1")]
    other_number = [("a.txt", "PX-2", "A2")]
    other_file = [("b.txt", "PX-1", "A1")]
    assert case.load(numbered, "--matter", MATTER)["conflicts"] == []
    assert case.load(numbered, "--matter", MATTER)["conflicts"] == [], "the same once more is no conflict"
    # Another matter, and batches of none, have numbers of their own.
    assert case.load(other_number, "--matter", "Acme v. Yonder")["conflicts"] == []
    assert case.load(other_number)["conflicts"] == []
    assert case.load(other_file)["conflicts"] == []
    found = {
        ("exhibit", frozenset({"PX-1", "PX-2"}), frozenset({a})),
        ("bates", frozenset({"A1", "A2"}), frozenset({a})),
    }
    assert conflicts(case.load(other_number, "--matter", MATTER)) == found
    found |= {("exhibit", frozenset({"PX-1"}), frozenset({a, b})), ("bates", frozenset({"A1"}), frozenset({a, b}))}
    assert conflicts(case.load(other_file, "--matter", MATTER)) == found
    assert case.ask("SELECT DISTINCT matter FROM conflicts") == [(MATTER,)]
    rows = case.ask("SELECT number, numbers FROM one_number_several_files JOIN one_file_several_numbers USING (scope)")
    assert len(rows) == 4


def test_without_a_load_file_there_are_none(notary: Notary, case: Case) -> None:
    case.add("a.txt", "a")
    case.add("b.txt", "a")
    case.load([("a.txt", "PX-1", ""), ("b.txt", "PX-2", "")], "--matter", MATTER)
    stamped = notary("stamp", case.root, "--matter", MATTER, *LOCAL, "--json").json
    assert stamped["conflicts"] == []


def test_conflicts_do_not_keep_a_batch_from_being_sealed_and_many_are_counted(case: Case) -> None:
    for number in range(30):
        case.add(f"{number}.txt", str(number))
    case.load((f"{number}.txt", f"PX-{number}", "") for number in range(30))
    command = ("stamp", "--load-file", "load.csv", "--root", case.root, *LOCAL, "--matter", MATTER)
    assert case.notary(*command).err.count("conflict: ") == 0
    lines = "".join(f"{number}.txt,PY-{number}\n" for number in range(30))
    (case.folder / "load.csv").write_text(f"FilePath,Exhibit\n{lines}")
    told = case.notary(*command)
    assert told.code == 0
    assert told.err.count("conflict: ") == 20
    assert "30 conflicts in all" in told.err
    assert case.ask("SELECT count(*) FROM conflicts WHERE matter = ?", MATTER) == [(30,)]


def test_escapes_in_numbers_are_shown_in_words(case: Case) -> None:
    case.add("a.txt", "a")
    case.add("b.txt", "b")
    case.load([("a.txt", "P\x1b[31m", "=1"), ("b.txt", "P\x1b[31m", "=1")])
    told = case.notary("stamp", "--load-file", "load.csv", "--root", case.root, *LOCAL)
    assert told.err.count("conflict: ") == 2
    assert "\x1b" not in told.err + told.out
    assert "Bates number =1 " in told.err


# -- the load file in the ledger ------------------------------------------------------------------------------------


def test_the_rows_of_a_load_file_stay_in_the_ledger(notary: Notary, case: Case) -> None:
    case.add("a.txt", "a")
    case.add("b.txt", "b")
    batch = case.load([("b.txt", "PX-1", ""), ("gone.txt", "=2", ""), ("a.txt", "", "A1")], "--despite-problems")[
        "batch"
    ]
    rows = case.ask("SELECT batch, load_file, row, item, columns, cells FROM rows_of_load_files ORDER BY row")
    columns = '["FilePath", "Exhibit", "BegBates"]'
    assert rows == [
        (batch, "load.csv", 2, 0, columns, '["b.txt", "PX-1", ""]'),
        (batch, "load.csv", 3, None, columns, '["gone.txt", "=2", ""]'),
        (batch, "load.csv", 4, 1, columns, '["a.txt", "", "A1"]'),
    ]
    assert case.ask("SELECT item, path, exhibit, bates, matter FROM files_of_matters ORDER BY item") == [
        (0, "production/b.txt", "PX-1", None, None),
        (1, "production/a.txt", None, "A1", None),
    ]
    (one,) = notary("status", batch, "--json").json["batches"]
    assert (one["items"], one["bytes"]) == (2, 2)
    for view in ("files_of_matters", "rows_of_load_files", "batches_of_matters", "conflicts", "numbered_files"):
        names = {row[1] for row in case.ask(f"PRAGMA table_info({view})")}
        assert names
        assert "key" not in names, "a batch's key is nobody's to see"
