"""Records, their times and paths; lines of items.jsonl; names that every system can have."""

import json
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.core.digest import leaf_hash, record_hash
from notary.core.evidence import (
    DECLARED,
    BundleNames,
    Item,
    check_record,
    make_record,
    nanoseconds,
    path_text,
    portable,
    read_item,
    record_bytes,
    record_path,
    rfc3339,
    write_item,
)
from notary.core.strict_json import canonical
from notary.errors import FormatError

DIGEST, S, T, R = (bytes([n]) * size for n, size in ((0xD1, 32), (0x5A, 16), (0x7E, 16), (0xEC, 32)))
RECORD: dict[str, Any] = {"path": "lab/a.pdf", "size": 9}
YEAR_1, YEAR_10000 = -62_135_596_800, 253_402_300_800

parts = st.binary(min_size=1, max_size=12).filter(lambda part: b"/" not in part and part not in (b".", b".."))
paths = st.lists(parts, min_size=1, max_size=4).map(b"/".join)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
hashes, salts = (st.binary(min_size=size, max_size=size) for size in (32, 16))


# -- records --------------------------------------------------------------------------------------------------------


@given(
    paths,
    st.integers(0, 2**53 - 1),
    st.none() | st.integers(-(2**70), 2**70),
    st.dictionaries(st.sampled_from(DECLARED), texts),
)
def test_a_record_that_was_made_is_sound(path: bytes, size: int, mtime: int | None, declared: dict[str, str]) -> None:
    record = make_record(path, size, mtime, declared)
    check_record(record)
    assert json.loads(canonical(record)) == record
    assert record_path(record) == path
    assert record["size"] == size
    assert declared.items() <= record.items()
    assert path_text(record).encode(errors="surrogateescape") == path
    assert record_bytes(path, size, mtime, declared) == canonical(record)
    assert record_bytes(path, size, mtime) == canonical(make_record(path, size, mtime))


def test_a_name_that_is_not_utf_8_survives() -> None:
    record = make_record(b"matter/caf\xe9.txt", 1, None)
    assert record == {"path_hex": "6d61747465722f636166e92e747874", "size": 1}
    assert record_path(record) == b"matter/caf\xe9.txt"
    assert path_text(record) == "matter/caf\udce9.txt"


def test_a_name_is_recorded_in_the_form_that_it_has() -> None:
    """Not normalised: the bytes are what was there."""
    for form in ("NFC", "NFD"):
        name = unicodedata.normalize(form, "é")
        assert make_record(name.encode(), 0, None)["path"] == name


CLOCKS = ["", "09:30:00", "09:30:00z", "09:30:00+00:00", "09:30:00.Z", "09:30:00.50Z", "09:30:00.0000000001Z"]
CLOCKS += ["24:00:00Z", "09:60:00Z", "09:30:61Z", "09:30Z", "09:30:00Z\n", "٠٩:30:00Z", "09:30:00.\u06655Z"]
DAYS = ["2026-02-30", "2026-13-01", "0000-01-01", "20260312", "12026-03-12", "-2026-03-12"]


@pytest.mark.parametrize(
    ("fault", "changes"),
    [
        ("unknown key", {"notes": "a"}),
        ("unknown key", {"Path": "a"}),
        ("path or path_hex", {"path_hex": "61"}),
        ("path or path_hex", {"path": None}),
        ("path is not text", {"path": 1}),
        ("path is not text", {"path": {}}),
        ("mtime is not text", {"mtime": 1}),
        *(("mtime is not a moment", {"mtime": f"2026-03-12T{clock}"}) for clock in CLOCKS),
        *(("mtime is not a moment", {"mtime": f"{day}T09:30:00Z"}) for day in DAYS),
        *(("size", {"size": value}) for value in (-1, "9", True, {}, None)),
        *(
            ("leaves its folder", {"path": path})
            for path in ("", "/", "/etc", "a/", "a//b", ".", "..", "a/..", "../a", "a/../b", "a/./b", "./a", "//a")
        ),
    ],
    ids=str,
)
def test_other_records_are_refused(fault: str, changes: dict[str, Any]) -> None:
    record = {key: value for key, value in (RECORD | changes).items() if value is not None}
    with pytest.raises(FormatError, match=fault):
        check_record(record)


@pytest.mark.parametrize("name", ["..a", "a..", "...", " ", "a\\b", "-", "~", "C:", "."])
def test_names_that_only_look_odd_are_sound(name: str) -> None:
    """Windows could not have them all: `portable` sees to that."""
    check_record({"path": f"lab/{name}x", "size": 0})


@pytest.mark.parametrize("value", ["", "6", "zz", "ff2f2e2e", "2fff", "ff2f2fff"])
def test_path_hex_is_hex_of_a_path(value: str) -> None:
    with pytest.raises(FormatError):
        check_record({"path_hex": value, "size": 0})


@pytest.mark.parametrize("value", ["6D61E9", "6d 61 e9", " 6d61e9", "6d61e9\n"])
def test_path_hex_is_lower_case_without_blanks(value: str) -> None:
    """Else one path has several records."""
    with pytest.raises(FormatError):
        check_record({"path_hex": value, "size": 0})


def test_path_hex_is_for_what_is_not_utf_8() -> None:
    """Else `path` and `path_hex` could give two items one path."""
    with pytest.raises(FormatError):
        check_record({"path_hex": b"lab/a.pdf".hex(), "size": 0})


@pytest.mark.parametrize(
    "record",
    [
        *({}, {"size": 1}, {"path": "", "size": 1}, {"path": 1, "size": 1}, {"path": {"a": "b"}, "size": 1}),
        *({"path_hex": "zz", "size": 1}, {"path_hex": 1, "size": 1}, {"path": "../a", "size": 1}, RECORD | {"x": 1}),
    ],
    ids=str,
)
def test_an_item_with_an_unsound_record_is_called_by_its_number(record: dict[str, Any]) -> None:
    """Its leaf counts all the same: the fault is the record's (check 5), not the tree's (check 6)."""
    item = read_item(line(record=record), 7)
    assert item.record_fault
    assert (item.label, item.path, item.files) == ("item 3", None, ("data/_/3",))
    assert item.leaf == leaf_hash(DIGEST, S, record_hash(T, canonical(record)))


# -- times ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (-1_500_000_000, "1969-12-31T23:59:58.5Z"),
        (1_773_307_800_100_000_000, "2026-03-12T09:30:00.1Z"),
        (951_782_400 * 10**9, "2000-02-29T00:00:00Z"),
        (YEAR_1 * 10**9, "0001-01-01T00:00:00Z"),
        (YEAR_1 * 10**9 - 1, None),
        (YEAR_10000 * 10**9 - 1, "9999-12-31T23:59:59.999999999Z"),
        (YEAR_10000 * 10**9, None),
        (2**63 - 1, "2262-04-11T23:47:16.854775807Z"),
        (2**63 * 10**9, None),
        (-(2**63) * 10**9, None),
        (10**400, None),
    ],
)
def test_rfc3339(ns: int, text: str | None) -> None:
    assert rfc3339(ns) == text
    assert ("mtime" in make_record(b"a", 0, ns)) == (text is not None)


@given(st.integers(YEAR_1 * 10**9, YEAR_10000 * 10**9 - 1))
def test_rfc3339_loses_nothing(ns: int) -> None:
    text = rfc3339(ns)
    assert text is not None
    whole, _, digits = text.removesuffix("Z").partition(".")
    assert len(whole) == 19
    assert not digits.endswith("0")
    since = datetime.fromisoformat(whole + "+00:00") - datetime(1970, 1, 1, tzinfo=UTC)
    assert (since.days * 86_400 + since.seconds) * 10**9 + int(digits.ljust(9, "0")) == ns == nanoseconds(text)


# -- lines of items.jsonl -------------------------------------------------------------------------------------------


def line(**changes: Any) -> bytes:
    members = {"index": 3, "digest": DIGEST.hex(), "s": S.hex(), "t": T.hex(), "record": RECORD} | changes
    return json.dumps({key: value for key, value in members.items() if value is not None}).encode()


@given(
    st.integers(0, 2**40),
    hashes,
    salts,
    salts,
    st.builds(make_record, paths, st.integers(0, 2**50), st.none() | st.integers(0, 2**62)),
    st.none() | texts.map(lambda text: f"data/{text}"),
)
def test_items_round_trip(index: int, digest: bytes, s: bytes, t: bytes, record: Any, file: str | None) -> None:
    named = read_item(write_item(Item(index, digest, s, b"", t, record, file)), 1)
    assert (named.index, named.digest, named.s, named.t, named.record, named.file) == (
        index,
        digest,
        s,
        t,
        record,
        file,
    )
    withheld = Item(index, digest, s, named.r, file=file)
    assert read_item(write_item(withheld), 1) == withheld
    assert named.leaf == withheld.leaf


def test_items_are_one_canonical_line() -> None:
    written = write_item(Item(3, DIGEST, S, R, T, {"path": "a\nb", "size": 1}, "data/é"))
    assert (
        written
        == (
            f'{{"digest":"{DIGEST.hex()}","file":"data/é","index":3,"record":{{"path":"a\\nb","size":1}},'
            f'"s":"{S.hex()}","t":"{T.hex()}"}}\n'
        ).encode()
    )
    assert write_item(Item(3, DIGEST, S, R)) == (
        f'{{"digest":"{DIGEST.hex()}","index":3,"r":"{R.hex()}","s":"{S.hex()}"}}\n'.encode()
    )


def test_the_record_hash_is_recomputed() -> None:
    assert read_item(line(), 1).r != read_item(line(record=RECORD | {"size": 10}), 1).r
    assert read_item(line(), 1).r == read_item(line(record=dict(reversed(RECORD.items()))), 1).r


@pytest.mark.parametrize(
    "changes",
    [
        {"r": R.hex()},
        {"t": None},
        {"record": None},
        {"t": None, "record": None},
        {"t": None, "r": R.hex()},
        {"notes": 1},
        *({key: None} for key in ("index", "digest", "s")),
        *({"index": value} for value in (-1, "3", True, {})),
        *({"digest": value} for value in (DIGEST.hex().upper(), DIGEST.hex()[:-1], DIGEST.hex() + "00", 1, "")),
        *({"s": value} for value in (S.hex() + "00", S.hex()[:-2], 1)),
        *({"t": value} for value in (T.hex().upper(), T.hex()[:-2], 1)),
        *({"t": None, "record": None, "r": value} for value in (R.hex().upper(), R.hex()[:-2], 1, [])),
        *({"file": value} for value in ("", "a", "Data/a", "/data/a", 1, ["data/a"])),
        *({"record": value} for value in ([], "a", 1, {"path": ["a"], "size": 1}, {"path": "a", "size": True})),
    ],
    ids=str,
)
def test_other_lines_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        read_item(line(**changes), 7)


def test_a_null_file_is_not_a_missing_one() -> None:
    with pytest.raises(FormatError, match="file"):
        read_item(line()[:-1] + b',"file":null}', 7)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        line() + line(),
        line() + b"x",
        line()[:-1],
        line().replace(b'"index": 3', b'"index": 3, "index": 3'),
        line().replace(b"9}", b"9.0}"),
        line(record=RECORD | {"description": "a" * 65536}),
    ],
)
def test_faults_of_a_line_name_it(data: bytes) -> None:
    with pytest.raises(FormatError, match="line 7"):
        read_item(data, 7)


@pytest.mark.parametrize("key", ["x" * 60_000, "é" * 9000, "\x1b[2J" * 3000])
def test_a_fault_is_told_in_one_short_line(key: str) -> None:
    """What it names may be as long and as odd as whoever wrote it liked."""
    changed = line(record=RECORD | {key: 1})
    fault: str | None
    try:
        fault = read_item(changed, 7).record_fault
    except FormatError as error:
        fault = error.message
    assert fault
    assert len(fault) < 300
    assert fault.isprintable()


def test_text_in_a_record_is_unicode() -> None:
    with pytest.raises(FormatError):
        read_item(line(record={"path": "caf\udce9", "size": 1}), 7)
    with pytest.raises(FormatError):
        read_item(line(file="data/caf\udce9"), 7)


def test_labels() -> None:
    assert Item(3, DIGEST, S, R, T, RECORD).label == "lab/a.pdf"
    assert Item(3, DIGEST, S, R).label == "item 3"


# -- portable names -------------------------------------------------------------------------------------------------

DEVICES = ["con", "prn", "aux", "nul"] + [f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"]
DEVICES += ["conin$", "conout$"]


@pytest.mark.parametrize(
    "name",
    [
        *("a", "a.pdf", "a b.txt", ".hidden", "...a", "é", "日本語.md", "📜", "-rf", "~", "$HOME", "_a"),
        *("console", "com", "com10", "auxiliary.txt", "nul_", "a.nul", "lpt1x.txt", "'", "`", ";", "#"),
        *("a" * 251, "é" * 125),
    ],
)
def test_portable_names(name: str) -> None:
    for path in (name, f"lab/{name}", f"{name}/a"):
        assert portable(path.encode()) == path


@pytest.mark.parametrize(
    "name",
    [
        *DEVICES,
        *(name.upper() for name in DEVICES),
        "nul.txt",
        "NUL .txt",
        "con.tar.gz",
        "aux ",
        "a.",
        "a ",
        "a..",
        " .",
        ".. ",
    ]
    + [f"a{character}b" for character in '<>:"\\|?*%\0\1\n\r\t\x1f\x7f\x80\x9f']
    + ["a" * 252, "é" * 126, ".", ".."],
)
def test_names_that_some_system_cannot_have(name: str) -> None:
    for path in (name, f"lab/{name}", f"{name}/a", f"a/{name}/b"):
        assert portable(path.encode()) is None


@pytest.mark.parametrize(
    "path", [b"", b"/", b"/a", b"a/", b"a//b", b"a\xff", b"_", b"_/1", b"_/a/b", b"../a", b"a/../b", b"a/" * 512 + b"a"]
)
def test_paths_that_a_bundle_cannot_hold(path: bytes) -> None:
    assert portable(path) is None


@given(st.binary(max_size=40) | st.text("aA.é/\\:_ ~\0", max_size=20).map(str.encode))
def test_portable_never_leaves_its_folder(path: bytes) -> None:
    found = portable(path)
    if found is None:
        return
    assert found.encode() == path
    assert all(part not in ("", ".", "..") for part in found.split("/"))
    assert not found.startswith("_/")


# -- names in a bundle ----------------------------------------------------------------------------------------------


def named(index: int, path: str | bytes) -> Item:
    return Item(index, DIGEST, S, R, T, make_record(path if isinstance(path, bytes) else path.encode(), 0, None))


def claimed(*given_paths: str | bytes) -> list[str]:
    names = BundleNames()
    return [
        names.claim(index, path if isinstance(path, bytes) else path.encode()) for index, path in enumerate(given_paths)
    ]


def test_names_are_those_recorded() -> None:
    assert claimed("lab/a.pdf", "lab/b.pdf", "lab/c/d") == ["lab/a.pdf", "lab/b.pdf", "lab/c/d"]


@pytest.mark.parametrize("path", [b"caf\xe9", "nul", "a.", "a:b", "_/0", "_"])
def test_a_name_that_is_not_portable_is_a_number(path: str | bytes) -> None:
    assert claimed("a", path) == ["a", "_/1"]


def test_a_withheld_name_is_a_number() -> None:
    assert BundleNames().claim(12, None) == "_/12"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "A"),
        ("lab/a", "LAB/A"),
        ("straße", "STRASSE"),
        ("ς", "Σ"),
        ("é", "e\u0301"),
        ("É", "e\u0301"),
        ("Å", "\u212b"),
        ("K", "\u212a"),
        ("\ufb01", "FI"),
        ("ᾴ\u0323", "Ά\u0345\u0323"),
        ("lab", "lab/a"),
        ("lab/a/b/c", "LAB/a"),
        ("é/a", "E\u0301"),
        ("x", "X/y"),
    ],
)
def test_names_that_are_one_to_some_system(one: str, other: str) -> None:
    """Upper and lower case, Unicode forms, and a file where another has a folder."""
    for first, second in ((one, other), (other, one)):
        assert claimed(first, second) == [first, "_/1"]


def test_names_that_differ_everywhere() -> None:
    paths = ["lab/a", "lab/b", "lab2", "la/b", "labor/a", "a", "ab", "é", "e", "lab.a"]
    assert claimed(*paths) == paths


def test_a_proof_is_no_folder_of_others() -> None:
    """The proof of `a` is `a.ots`: nothing may lie under that."""
    assert claimed("a", "a.ots/b", "A.OTS/c") == ["a", "_/1", "_/2"]
    assert claimed("a.ots/b", "a") == ["a.ots/b", "_/1"]
    assert claimed("a", "a.ots", "a.ots.ots") == ["a", "a.ots", "a.ots.ots"]


def test_a_refused_name_takes_nothing() -> None:
    """What went to a number leaves its name to those after it."""
    assert claimed("a", "A/b", "b/c", "a/x", "b") == ["a", "_/1", "b/c", "_/3", "_/4"]
    assert claimed("a", "b.ots/a", "b", "b.ots/c") == ["a", "b.ots/a", "_/2", "b.ots/c"]


def test_a_reader_knows_the_names_that_an_item_may_have() -> None:
    assert named(3, "lab/a.pdf").files == ("data/lab/a.pdf", "data/_/3")
    assert named(3, "nul").files == ("data/nul", "data/_/3"), "written by a tool that minds less"
    assert named(3, b"\xff").files == Item(3, DIGEST, S, R).files == ("data/_/3",)


@given(st.lists(st.text("aAéÉ/_.\u0301ßsS", min_size=1, max_size=6), max_size=12))
def test_no_two_names_are_one_to_any_system(given_paths: list[str]) -> None:
    items = [named(index, path) for index, path in enumerate(given_paths)]
    names = BundleNames()
    claims = [names.claim(item.index, item.path) for item in items]
    for item, claim in zip(items, claims, strict=True):
        assert f"data/{claim}" in item.files
    for tree in (claims, [f"{claim}.ots" for claim in claims]):
        folded = [unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold()) for name in tree]
        assert len(set(folded)) == len(folded)
        assert not any(other.startswith(f"{one}/") for one in folded for other in folded)
