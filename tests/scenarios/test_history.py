"""The line of batches: by signer and network, whole or with its gaps and forks; in bundles, and in old ledgers."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from notary import limits
from notary.core.line import LineEntry, follow, write_entry
from notary.core.manifest import read_manifest
from notary.core.signature import Signer
from notary.edges.keys import read_key
from notary.edges.ledger import open_ledger
from notary.history import line_before
from tests.conftest import Notary, Result
from tests.core.lines import entry_of, line_of, manifest_of
from tests.independent.steps import Files
from tests.parties.openssh import new_key
from tests.scenarios.bundles import LOCAL, altered, checks, exported, failed, file_of

QUICK = (*LOCAL, "--no-not-before")
COLUMNS = (
    "head, root, size, total_bytes, network, manifest, declared_at, title, min_calendars, writes_ots, status,"
    " first_item"
)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return new_key(tmp_path / "key", "ed25519")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.txt"
    path.write_text("page 17\n")
    return path


def stamp(notary: Notary, page: Path, *more: str | Path) -> dict[str, Any]:
    done = notary("stamp", page, *QUICK, *more, "--json")
    assert done.code == 0, done.err
    answer: dict[str, Any] = done.json
    return answer


def ledger_of(notary: Notary) -> Path:
    return Path(notary.environment["NOTARY_LEDGER"])


def raw(notary: Notary, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """SQL behind notary's back."""
    with sqlite3.connect(ledger_of(notary)) as ledger:
        return ledger.execute(statement, values).fetchall()


def insert(notary: Notary, entries: Sequence[LineEntry]) -> None:
    """Batches as rows, with nothing in them."""
    rows = []
    for entry in entries:
        stated = entry.manifest
        signer = stated.signer.key if stated.signer else None
        values = (entry.head, stated.root, stated.size, 0, stated.network, entry.manifest_bytes, stated.declared_at)
        rows.append((*values, None, 1, 0, "pending", 1, entry.signature, signer, stated.previous))
    with sqlite3.connect(ledger_of(notary)) as ledger:
        ledger.executemany(
            f"INSERT INTO batches ({COLUMNS}, signature, signer, previous) VALUES ({', '.join('?' * 15)})",  # noqa: S608 - ours
            rows,
        )


def signer_of(key: Path) -> Signer:
    return read_key(key, lambda: b"")


def lines(notary: Notary, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = notary("history", *more, "--json").json["lines"]
    return found


def breaks(notary: Notary) -> tuple[int, list[str]]:
    """How `history --verify` ends, and what it says is wrong."""
    done = notary("history", "--verify", "--json")
    told = [one for line in done.json["lines"] for batch in line["batches"] for one in batch["breaks"]]
    plain = notary("history", "--verify")
    assert plain.code == done.code
    assert all(one in plain.out for one in told)
    return done.code, told


# -- whole ----------------------------------------------------------------------------------------------------------


def test_nothing_yet(notary: Notary) -> None:
    done = notary("history", "--verify")
    assert (done.code, "nothing is stamped yet" in done.out) == (0, True)
    assert lines(notary) == []


def test_a_line_for_each_signer_and_network(notary: Notary, page: Path, key: Path, tmp_path: Path) -> None:
    other = new_key(tmp_path / "other", "nistp256")
    order: list[tuple[str, ...]] = [(), ("--key", str(key)), (), ("--key", str(other)), ("--key", str(key)), ()]
    made = [stamp(notary, page, *options) for options in order]
    away = notary(
        "stamp", page, "--network", "regtest", "--calendar", "http://127.0.0.1:9", "--no-not-before", "--json"
    )
    assert away.json["previous"] is None
    heads = [one["head"] for one in made]
    assert [one["previous"] for one in made] == [None, None, heads[0], None, heads[1], heads[2]]
    assert breaks(notary) == (0, [])
    found = lines(notary, "--verify")
    assert [(line["network"], len(line["batches"]), line["whole"]) for line in found] == [
        ("local", 3, True),
        *[("local", count, True) for count in ((1, 2) if found[1]["signer"].startswith("ecdsa") else (2, 1))],
        ("regtest", 1, True),
    ]
    for line in found:
        previous = [batch["previous"] for batch in line["batches"]]
        assert previous == [None, *(batch["head"] for batch in line["batches"][:-1])], "oldest first"
    assert {line["signer"] for line in found} == {
        None,
        *(" ".join(one.with_suffix(".pub").read_text().split()[:2]) for one in (key, other)),
    }


# -- broken ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def four(notary: Notary, page: Path, key: Path) -> list[str]:
    return [stamp(notary, page, "--key", key)["head"] for _ in range(4)]


def test_a_gap(notary: Notary, four: list[str]) -> None:
    raw(notary, "DELETE FROM batches WHERE lower(hex(head)) = ?", four[1])
    code, told = breaks(notary)
    assert code == 1
    assert told == [f"gap: it names {four[1][:12]} before it, which is not in this ledger"]


def test_the_oldest_gone(notary: Notary, four: list[str]) -> None:
    raw(notary, "DELETE FROM batches WHERE lower(hex(head)) = ?", four[0])
    code, told = breaks(notary)
    assert (code, len(told), told[0].startswith("gap:")) == (1, 1, True)


def test_a_fork(notary: Notary, four: list[str], key: Path) -> None:
    """Somebody stamps a variant beside the line, and signs it."""
    signer = signer_of(key)
    insert(notary, [entry_of(manifest_of(7, signer, bytes.fromhex(four[1]), "local"), signer)])
    code, told = breaks(notary)
    assert code == 1
    assert told == [f"fork: it follows {four[1][:12]}, which {four[2][:12]} follows already"]
    assert notary("history").code == 0, "to show is no failure"
    assert "fork" in notary("history").out


def test_a_batch_that_names_none_within_the_line(notary: Notary, four: list[str], key: Path) -> None:
    signer = signer_of(key)
    insert(notary, [entry_of(manifest_of(7, signer, None, "local"), signer)])
    assert breaks(notary) == (1, ["gap: it names no batch before it"])


def test_a_batch_that_is_passed_over(notary: Notary, key: Path, page: Path) -> None:
    """Of two that name none, the second is left out of the line by the third."""
    signer = signer_of(key)
    first, second = (entry_of(manifest_of(number, signer, None, "local"), signer) for number in (1, 2))
    third = entry_of(manifest_of(3, signer, first.head, "local"), signer)
    assert notary("status").code == 0
    insert(notary, [first, second, third])
    code, told = breaks(notary)
    assert code == 1
    name, stands = first.head.hex()[:12], second.head.hex()[:12]
    assert told == [f"fork: it follows {name}, and {stands} stands before it"]


def test_a_batch_that_names_a_later_one(notary: Notary, key: Path) -> None:
    signer = signer_of(key)
    later = entry_of(manifest_of(2, signer, None, "local"), signer)
    first = entry_of(manifest_of(1, signer, later.head, "local"), signer)
    assert notary("status").code == 0
    insert(notary, [first, later])
    assert breaks(notary)[0] == 1


DAMAGE: dict[str, tuple[str, str]] = {
    "a manifest": ("manifest = replace(manifest, 'page', 'pagf')", "another stands in its place"),
    "a manifest that is none": ("manifest = x'00'", ""),
    "a signature": ("signature = (SELECT signature FROM batches WHERE id = 1)", "another stands in its place"),
    "no signature": ("signature = NULL", "another stands in its place"),
    "a column": ("previous = NULL", "names another batch before it"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage(notary: Notary, page: Path, key: Path, what: str) -> None:
    for _ in range(3):
        stamp(notary, page, "--key", key, "--title", "page 17")
    change, words = DAMAGE[what]
    if what == "a manifest":
        change = "manifest = CAST(replace(CAST(manifest AS TEXT), 'page', 'pagf') AS BLOB)"
    raw(notary, f"UPDATE batches SET {change} WHERE id = 3")  # noqa: S608 - ours
    code, told = breaks(notary)
    assert code == 1
    assert any(one.startswith("damaged: ") and words in one for one in told), told


# -- in bundles -------------------------------------------------------------------------------------------------------


@pytest.fixture
def bundle(notary: Notary, four: list[str], tmp_path: Path) -> Path:
    assert notary("upgrade").code == 0
    return exported(notary, four[3][:12], tmp_path / "a.zip", "--with-line")


def verify(notary: Notary, bundle: Path) -> Result:
    return notary("verify", bundle, *LOCAL, "--offline", "--json")


def test_a_bundle_with_its_line(notary: Notary, bundle: Path, four: list[str]) -> None:
    entries = [json.loads(line) for line in file_of(bundle, "notary/line.jsonl").splitlines()]
    named = [read_manifest(one["manifest"].encode()).previous for one in entries]
    assert [one and one.hex() for one in named] == [four[1], four[0], None]
    result = verify(notary, bundle)
    assert (result.code, checks(result)[16]) == (0, "passed")
    assert "It lists the batches of its line: 3 before this one" in notary("verify", bundle, *LOCAL, "--offline").out


def test_the_first_batch_with_its_line(notary: Notary, bundle: Path, four: list[str], tmp_path: Path) -> None:
    first = exported(notary, four[0][:12], tmp_path / "first.zip", "--with-line")
    assert file_of(first, "notary/line.jsonl") == b""
    assert checks(verify(notary, first))[16] == "passed"
    assert "first batch of its line" in notary("verify", first, *LOCAL, "--offline").out


def test_without_it_nothing_is_said_of_others(notary: Notary, bundle: Path, four: list[str], tmp_path: Path) -> None:
    plain = exported(notary, four[3][:12], tmp_path / "b.zip")
    assert 16 not in checks(verify(notary, plain))
    with ZipFile(plain) as bundled:
        assert not [name for name in bundled.namelist() if name.endswith("line.jsonl")]
    assert four[1].encode() not in plain.read_bytes()


def test_a_gap_in_the_ledger_shows_in_the_bundle(notary: Notary, bundle: Path, four: list[str], tmp_path: Path) -> None:
    raw(notary, "DELETE FROM batches WHERE lower(hex(head)) = ?", four[1])
    short = exported(notary, four[3][:12], tmp_path / "b.zip", "--with-line")
    result = verify(notary, short)
    assert (result.code, checks(result)[16]) == (0, "skipped")
    assert f"it names {four[1][:12]} before it, which is not listed" in notary("verify", short, *LOCAL, "--offline").out


Lines = list[bytes]
ALTERED: dict[str, tuple[str, Callable[[Lines, bytes], Lines]]] = {
    "reordered": ("failed", lambda all_, other: [all_[1], all_[0], all_[2]]),
    "the newest left out": ("failed", lambda all_, other: all_[1:]),
    "one left out": ("failed", lambda all_, other: [all_[0], all_[2]]),
    "the oldest left out": ("skipped", lambda all_, other: all_[:-1]),
    "emptied": ("skipped", lambda all_, other: []),
    "lengthened by its last": ("failed", lambda all_, other: [*all_, all_[-1]]),
    "lengthened by another's": ("failed", lambda all_, other: [*all_, other]),
    "another's for the oldest": ("failed", lambda all_, other: [*all_[:2], other]),
    "a time altered": (
        "failed",
        lambda all_, other: [all_[0], all_[1].replace(b'declared_at\\": \\"2', b'declared_at\\": \\"3'), all_[2]],
    ),
    "a title added": ("failed", lambda all_, other: [all_[0].replace(b"}", b"x}", 1), *all_[1:]]),
    "cut": ("failed", lambda all_, other: [*all_[:2], all_[2][:-1]]),
    "garbage": ("failed", lambda all_, other: [b"\xff\n"]),
    "an endless line": ("failed", lambda all_, other: [b" " * 600_000 + b"\n"]),
}


@pytest.mark.parametrize("how", ALTERED)
def test_an_altered_line(notary: Notary, bundle: Path, tmp_path: Path, how: str) -> None:
    expected, change = ALTERED[how]
    other = signer_of(new_key(tmp_path / "other", "ed25519"))
    strange = write_entry(entry_of(manifest_of(3, other, None, "local"), other))

    def alter(files: Files) -> None:
        all_ = files["notary/line.jsonl"].splitlines(keepends=True)
        files["notary/line.jsonl"] = b"".join(change(all_, strange))

    result = verify(notary, altered(bundle, tmp_path / "forged.zip", alter))
    assert checks(result)[16] == expected
    assert (result.code, failed(result)) == ((1, {16}) if expected == "failed" else (0, set()))
    assert expected == "failed" or "first batch" not in notary("verify", tmp_path / "forged.zip", *LOCAL).out


# -- old ledgers, and long ones ----------------------------------------------------------------------------------------


def test_batches_of_an_old_release_stand_at_the_beginning(notary: Notary, page: Path, tmp_path: Path) -> None:
    """They named none before them; the first new one names the last of them."""
    signer = None
    assert notary("status").code == 0
    insert(notary, [entry_of(manifest_of(number, signer, None, "local"), signer) for number in range(3)])
    last = raw(notary, "SELECT lower(hex(head)) FROM batches WHERE id = 3")[0][0]
    path = ledger_of(notary)
    with sqlite3.connect(path, isolation_level=None) as ledger:
        ledger.execute("DROP INDEX batches_by_line")
        for column in ("signature", "signer", "previous", "authority", "token"):
            ledger.execute(f"ALTER TABLE batches DROP COLUMN {column}")
        ledger.execute("DELETE FROM _sqlite_migrations WHERE name = 'signatures_and_tokens'")
        ledger.execute("PRAGMA user_version = 2")
    assert stamp(notary, page)["previous"] == last
    assert breaks(notary) == (0, [])
    assert raw(notary, "PRAGMA user_version") == [(3,)]


def test_no_more_is_listed_than_a_reader_takes(
    notary: Notary, bundle: Path, four: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_ledger(ledger_of(notary)) as ledger:
        newest = ledger.find(four[3])
        for most in (1, 2, 3, 4):
            monkeypatch.setattr(limits, "LINE_ENTRIES", most)
            entries = [entry[:-1] for entry in line_before(ledger, newest)]
            assert follow(read_manifest(newest.manifest), entries).count == min(most, 3)


def test_a_line_of_two_thousand(notary: Notary, page: Path, key: Path, tmp_path: Path) -> None:
    assert notary("status").code == 0
    signer = signer_of(key)
    made = line_of(2000, signer, "local")
    insert(notary, made.entries)
    newest = stamp(notary, page, "--key", key)
    assert newest["previous"] == made.entries[-1].head.hex()
    (line,) = lines(notary, "--verify")
    assert (line["whole"], len(line["batches"])) == (True, 2001)
    assert notary("upgrade", newest["batch"]).code == 0
    bundle = exported(notary, newest["batch"], tmp_path / "a.zip", "--with-line")
    result = verify(notary, bundle)
    assert (result.code, checks(result)[16]) == (0, "passed")
    assert "2,000 before this one" in notary("verify", bundle, *LOCAL, "--offline").out
    copy = tmp_path / "copy.db"
    shutil.copy(ledger_of(notary), copy)
    one = replace(made.entries[1000].manifest, title="another")
    raw(notary, "UPDATE batches SET manifest = ? WHERE id = 1001", entry_of(one, signer).manifest_bytes)
    assert breaks(notary)[0] == 1
