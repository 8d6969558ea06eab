"""Snapshots: a folder stamped again, and any two batches; beside what Python's own look at the folders tells."""

import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notary.edges.ledger import Batch, DraftItem, Ledger, NewBatch, open_ledger
from notary.edges.ledger.snapshots import Counts, Kind, count_differences, differences
from tests.conftest import Notary, Result
from tests.edges.test_migrations import add_old, make_old

LOCAL = ("--network", "local")
EMPTY = sha256(b"").digest()

Files = Mapping[bytes, bytes]
"""Digests by recorded path."""

Told = tuple[set[bytes], set[bytes], set[bytes], set[tuple[bytes, bytes]]]
"""Paths that were added, changed and removed, and those that were moved."""


def files_in(folder: Path) -> dict[bytes, bytes]:
    """What a batch of this folder should have, as Python sees it."""
    above = folder.parent
    paths = [Path(where, name) for where, _, names in os.walk(folder) for name in names]
    return {os.fsencode(path.relative_to(above)): sha256(path.read_bytes()).digest() for path in paths}


def compared(before: Files, after: Files) -> Told:
    added, removed = after.keys() - before.keys(), before.keys() - after.keys()
    changed = {path for path in after.keys() & before.keys() if before[path] != after[path]}
    gone, come = Counter(before[path] for path in removed), Counter(after[path] for path in added)
    once = {digest for digest in gone if gone[digest] == come[digest] == 1} - {EMPTY}
    places = {after[path]: path for path in added}
    moved = {(path, places[before[path]]) for path in removed if before[path] in once}
    return added - {new for _, new in moved}, changed, removed - {old for old, _ in moved}, moved


def counted(before: Files, after: Files) -> dict[str, int]:
    added, changed, removed, moved = compared(before, after)
    parts = (len(added) + len(moved), len(changed), len(removed) + len(moved))
    return {"added": parts[0], "changed": parts[1], "removed": parts[2], "unchanged": len(before) - sum(parts[1:])}


def stamp(notary: Notary, *arguments: str | Path) -> Any:
    answer = notary("stamp", *arguments, *LOCAL, "--json")
    assert answer.code == 0, answer.err
    return answer.json


def diff(notary: Notary, before: str, after: str) -> Any:
    answer = notary("diff", before, after, "--json")
    assert (answer.code, answer.err) == (0, ""), answer.err
    return answer.json


def told_by(found: Any) -> Told:
    listed = [{os.fsencode(path) for path in found[key]} for key in ("added", "changed", "removed")]
    moved = {(os.fsencode(one["from"]), os.fsencode(one["to"])) for one in found["moved"]}
    return listed[0], listed[1], listed[2], moved


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    for number in range(60):
        file = folder / f"{number % 7}" / f"sub {number % 3}" / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"file {number}")
    (folder / "top.txt").write_text("at the top")
    (folder / "empty").write_text("")
    return folder


def alter(folder: Path) -> None:
    """Something of everything; names that sort oddly, and some that try to be something else on a screen."""
    shutil.rmtree(folder / "3")
    (folder / "top.txt").write_text("at the very top")
    (folder / "0" / "sub 0" / "0.txt").rename(folder / "renamed.txt")
    (folder / "1").rename(folder / "one")
    (folder / "empty").rename(folder / "still empty")
    (folder / "2" / "sub 2" / "2.txt").rename(folder / "twice.txt")
    shutil.copy(folder / "twice.txt", folder / "2" / "twice too.txt")
    shutil.copy(folder / "4" / "sub 1" / "4.txt", folder / "copy.txt")
    for name in (b"\x1b[31mred\nline", b"\xff\xfe", "\u202egpj.exe".encode(), b"a -> b", b"4 ", b"4-", b"~"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(name)


# -- stamping again -------------------------------------------------------------------------------------------------


def test_a_folder_that_is_stamped_again(notary: Notary, folder: Path) -> None:
    first = notary("stamp", folder, *LOCAL)
    assert "since" not in first.out + first.err
    before = files_in(folder)
    same = stamp(notary, folder)
    assert same["since"]["batch"] == first.out[6:18]
    assert same["since"] == {"batch": first.out[6:18], **counted(before, before)}
    alter(folder)
    again = stamp(notary, folder)
    expected = counted(before, files_in(folder))
    assert all(expected.values()), "something of everything"
    assert again["since"] == {"batch": same["batch"], **expected}, "the newest of them is meant"
    (folder / "top.txt").unlink()
    last = notary("stamp", folder, *LOCAL)
    declared = notary("status", again["batch"], "--json").json["batches"][0]["declared_at"][:10]
    unchanged = len(files_in(folder))
    line = f"since batch {again['batch']} of {declared}: 0 added, 0 changed, 1 removed, {unchanged} unchanged"
    assert line in last.err.splitlines()
    assert "since" not in last.out
    silent = notary("stamp", folder, *LOCAL, "--quiet")
    assert (silent.code, silent.out, silent.err) == (0, "", "")


def test_what_was_never_stamped_has_nothing_to_be_compared_with(notary: Notary, folder: Path, tmp_path: Path) -> None:
    assert stamp(notary, folder)["since"] is None
    assert stamp(notary, folder / "3")["since"] is None, "a folder in it"
    assert stamp(notary, folder / "top.txt")["since"] is None, "a file in it"
    assert stamp(notary, tmp_path, "--exclude", "ledger")["since"] is None, "the folder above it"
    shutil.copytree(folder, tmp_path / "other" / "evidence")
    assert stamp(notary, tmp_path / "other" / "evidence")["since"] is None, "another of the same name"
    assert stamp(notary, folder)["since"]["unchanged"] == len(files_in(folder))


def test_under_any_spelling(notary: Notary, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "here").symlink_to(tmp_path, target_is_directory=True)
    linked = tmp_path / "links" / "here" / "evidence"
    whole = counted(files_in(folder), files_in(folder))
    batch = stamp(notary, folder)["batch"]
    for cwd, path in (
        (tmp_path, "evidence"),
        (tmp_path, "./evidence/"),
        (tmp_path, "links/../evidence/3/.."),
        (folder, "."),
        (folder / "3", ".."),
        (folder, "../evidence"),
        (tmp_path, linked),
        (tmp_path, linked),
        (tmp_path / "links", "here/evidence"),
    ):
        notary.folder = cwd
        found = stamp(notary, path)
        assert found["since"] == {"batch": batch, **whole}, path
        batch = found["batch"]
    notary.folder = tmp_path
    batch = stamp(notary, "evidence/top.txt")["batch"]
    again = stamp(notary, linked / "top.txt")["since"]
    assert again == {"batch": batch, "added": 0, "changed": 0, "removed": 0, "unchanged": 1}


def test_several_paths(notary: Notary, folder: Path) -> None:
    one, two, file = folder / "1", folder / "2", folder / "top.txt"
    several = stamp(notary, one, two, file)["batch"]
    assert stamp(notary, one)["since"] is None, "only a part of them"
    assert stamp(notary, one, two)["since"] is None
    assert stamp(notary, one, two, file, folder / "4")["since"] is None, "more than they were"
    (one / "new.txt").write_text("new")
    shutil.rmtree(two)
    two.mkdir()
    again = stamp(notary, file, two, one)
    assert again["since"]["batch"] == several, "in any order, and one of them empty by now"
    assert (again["since"]["added"], again["since"]["changed"]) == (1, 0)
    assert again["since"]["removed"] == sum(number % 7 == 2 for number in range(60))


def test_a_folder_that_is_not_read_whole(notary: Notary, folder: Path) -> None:
    stamp(notary, folder)
    found = stamp(notary, folder, "--exclude", "*.txt")["since"]
    assert (found["removed"], found["unchanged"]) == (len(files_in(folder)) - 1, 1)


def test_other_networks_and_load_files_are_passed_over(notary: Notary, folder: Path, tmp_path: Path) -> None:
    batch = stamp(notary, folder)["batch"]
    closed = ("--network", "regtest", "--calendar", "http://127.0.0.1:9")
    assert notary("stamp", folder, *closed, "--json").json["since"] is None
    (tmp_path / "load.csv").write_text("FilePath\ntop.txt\n")
    load = ("--load-file", tmp_path / "load.csv", "--root", folder)
    assert stamp(notary, *load)["since"] is None
    assert stamp(notary, *load)["since"] is None
    assert stamp(notary, folder)["since"]["batch"] == batch


def test_a_batch_of_the_first_release(notary: Notary, folder: Path) -> None:
    items = [
        (path, 5, 0, digest, os.fsencode(folder.parent) + b"/" + path)
        for path, digest in sorted(files_in(folder).items())
    ]
    connection = make_old(Path(notary.environment["NOTARY_LEDGER"]))
    add_old(connection, 1, items)
    connection.close()
    before = files_in(folder)
    alter(folder)
    expected = {"batch": sha256(b"1").hexdigest()[:12], **counted(before, files_in(folder))}
    assert stamp(notary, folder)["since"] == expected


# -- two batches ----------------------------------------------------------------------------------------------------


def test_two_batches_path_by_path(notary: Notary, folder: Path) -> None:
    before = files_in(folder)
    one = stamp(notary, folder)["batch"]
    alter(folder)
    after = files_in(folder)
    two = stamp(notary, folder)["batch"]
    for first, second, old, new in ((one, two, before, after), (two, one, after, before), (one, one, before, before)):
        found = diff(notary, first, second)
        told = told_by(found)
        assert told == compared(old, new)
        assert (found["before"], found["after"]) == (first, second)
        assert found["unchanged"] == len(old.items() & new.items())
        words = notary("diff", first, second)
        *lines, last = words.out.splitlines()
        assert (words.code, words.err) == (0, "")
        assert lines.pop(0).startswith("TEST NETWORK")
        assert Counter(line[:2] for line in lines) == Counter(
            {f"{kind} ": len(some) for kind, some in zip(Kind, told, strict=True) if some}
        )
        counts = zip(map(len, told), ("added", "changed", "removed", "moved"), strict=True)
        text = ", ".join(f"{count} {word}" for count, word in (*counts, (found["unchanged"], "unchanged")))
        assert last == f"from batch {first} to {second}: {text}"


def test_no_name_is_more_than_a_name(notary: Notary, folder: Path) -> None:
    one = stamp(notary, folder)["batch"]
    alter(folder)
    words = notary("diff", one, stamp(notary, folder)["batch"]).out
    assert not {character for character in words if not character.isprintable()} - {"\n"}
    for line in (
        r"+ evidence/\u001b[31mred\u000aline",
        r"+ evidence/\xff\xfe",
        r"+ evidence/\u202egpj.exe",
        "- evidence/empty",
        "+ evidence/still empty",
        "> evidence/0/sub 0/0.txt -> evidence/renamed.txt",
        "+ evidence/twice.txt",
    ):
        assert line in words.splitlines()


def refused(answer: Result, *words: str) -> None:
    assert (answer.code, answer.out) == (2, ""), answer
    assert answer.err.startswith("error: ")
    assert all(word in answer.err for word in words), answer.err


def test_batches_that_there_are_not(notary: Notary, folder: Path) -> None:
    batch = stamp(notary, folder)["batch"]
    refused(notary("diff", batch, "00000000"), "there is no batch 00000000")
    refused(notary("diff", "evidence", batch), "'evidence' is not a batch")
    refused(notary("diff", batch))
    assert notary("diff", batch, "00000000", "--json").json["exit_code"] == 2
    silent = notary("diff", batch, batch[:4], "--quiet")
    assert (silent.code, silent.out, silent.err) == (0, "", "")


# -- in the ledger --------------------------------------------------------------------------------------------------

NAMES = st.sampled_from([b"a", b"a.b", b"a b", b"\xff", b"a\xff", "é".encode(), b"B", b"-", b"'", b"~", b"007", b"1e3"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(b"/".join)
SNAPSHOTS = st.dictionaries(PATHS, st.sampled_from([EMPTY, *(sha256(b"%d" % one).digest() for one in range(6))]))


def sealed(ledger: Ledger, files: Files) -> Batch:
    """A batch of these, in any order."""
    head = os.urandom(32)
    new = NewBatch(
        head=head,
        root=head,
        block_roots=head,
        network="local",
        manifest=b"{}",
        key=head,
        declared_at="2024-05-06T07:08:09Z",
        title=None,
        matter=None,
        calendars=(),
        min_calendars=1,
        writes_ots=False,
        previous=ledger.last_of_line("local", None),
    )
    rows = ((path.rpartition(b"/"), digest) for path, digest in files.items())
    items = (DraftItem(where, b"/" + where, name, digest, 1, 1, bytes(16)) for (where, _, name), digest in rows)
    with ledger.draft(None) as draft:
        while some := list(islice(items, 1000)):
            draft.add(some)
        return ledger.seal(draft, new, "2024-05-06T07:08:09Z")


def told_in(ledger: Ledger, before: Batch, after: Batch) -> Told:
    found: dict[Kind, list[Any]] = {kind: [] for kind in Kind}
    for kind, path, moved_to in differences(ledger, before, after):
        found[kind].append(path if moved_to is None else (path, moved_to))
    sets = {kind: set(some) for kind, some in found.items()}
    assert {kind: len(some) for kind, some in sets.items()} == {kind: len(some) for kind, some in found.items()}
    return sets[Kind.ADDED], sets[Kind.CHANGED], sets[Kind.REMOVED], sets[Kind.MOVED]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with open_ledger(tmp_path_factory.mktemp("snapshots") / "ledger.db") as opened:
        yield opened


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=SNAPSHOTS, after=SNAPSHOTS)
def test_any_two_snapshots(ledger: Ledger, before: Files, after: Files) -> None:
    one, two = sealed(ledger, before), sealed(ledger, after)
    assert told_in(ledger, one, two) == compared(before, after)
    assert count_differences(ledger, one, two) == Counts(**counted(before, after))


def test_a_hundred_thousand_files(ledger: Ledger) -> None:
    """In more folders than a draft remembers, so that one folder has several numbers in the ledger."""
    dice = random.Random(7)  # noqa: S311 - the same each time
    size, folders = 100_000, 12_000
    before = {b"m/%d/%d.pdf" % (n % folders, n): sha256(b"%d" % n).digest() for n in range(size)}
    after = dict(before)
    for path in dice.sample(sorted(before), 3000):
        digest = after.pop(path)
        match dice.randrange(3):
            case 0:
                after[path] = sha256(path).digest()
            case 1:
                after[b"moved/" + path] = digest
    after |= {b"m/%d/new" % n: sha256(b"new %d" % n).digest() for n in range(1000)}
    one, two = sealed(ledger, before), sealed(ledger, after)
    assert told_in(ledger, one, two) == compared(before, after)
    assert count_differences(ledger, one, two) == Counts(**counted(before, after))


def test_a_comparison_that_is_left_leaves_nothing_behind(ledger: Ledger) -> None:
    one, two = sealed(ledger, {b"a": EMPTY, b"b": EMPTY}), sealed(ledger, {b"c": EMPTY})
    left = differences(ledger, one, two)
    next(left)
    left.close()  # type: ignore[attr-defined]
    assert len(list(differences(ledger, one, two))) == 3
