"""notary and the reader agree on forged bundles, in each of which a single clause of FORMAT.md decides."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.independent.forge import (
    RECORDS,
    bitcoin,
    both,
    forge,
    pending,
    steps_to_seal,
    write_zip,
)
from tests.independent.steps import sha256

DAY = 86_400
Options = dict[str, Any]


def swap(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """Replace bytes, which must be there."""

    def replace(text: bytes) -> bytes:
        assert old in text
        return text.replace(old, new)

    return replace


def one(**fields: Any) -> Options:
    """A batch of one item whose record has these fields."""
    return {"records": [{"path": "a", "size": 2} | fields]}


def hexed(path_hex: Any) -> Options:
    """A batch of one item with this path_hex."""
    return {"records": [{"path_hex": path_hex, "size": 2}]}


def field(key: str, outcome: str, *values: Any) -> Iterator[tuple[str, tuple[str, Options]]]:
    """A batch of one item for each value of a field of the record."""
    for value in values:
        yield f"{key} {value!r}"[:70], (outcome, hexed(value) if key == "path_hex" else one(**{key: value}))


def of_manifest(key: str, outcome: str, *values: Any) -> Iterator[tuple[str, tuple[str, Options]]]:
    """A batch for each value of a field of the manifest."""
    for value in values:
        yield f"manifest's {key} {value!r}"[:70], (outcome, {"manifest": {key: value}})


def nested(depth: int) -> dict[str, Any]:
    """An object in an object, and so on."""
    return {"a": nested(depth - 1)} if depth > 1 else {}


TOKEN, SIGNATURE = {"notary/head.tsr": b"a token"}, {"notary/manifest.sig": b"a signature"}
APPEND, PREPEND, HASH = steps_to_seal(b"a token")

CONTAINERS: dict[str, tuple[str, Options]] = {
    "as it should be": ("verified", {}),
    "one item": ("verified", one()),
    "a part": ("verified", {"shown": (1,)}),
    "seven, two shown": ("verified", {"records": [RECORDS[0] | {"path": f"{n}"} for n in range(7)], "shown": (3, 6)}),
    "nothing shown": ("failed", {"shown": ()}),
    "records withheld": ("verified", {"withheld": (0, 2)}),
    "two items of one path": ("verified", {"records": [RECORDS[0], RECORDS[0]]}),
    "no tree.bin": ("failed", {"more": {"notary/tree.bin": b"gone"}}),
    "no bagit.txt": ("refused", {"more": {"bagit.txt": b"gone"}}),
    "no proof": ("failed", {"more": {"notary/head.ots": b"gone"}}),
    "no manifest.json": ("failed", {"more": {"notary/manifest.json": b"gone"}}),
    "fetch.txt": ("verified", {"more": {"fetch.txt": b"https://a.example 1 data/x\n"}}),
    "another file": ("verified", {"more": {"notary/x/y": b"", "metadata": b"x"}}),
    "a payload of no item": ("failed", {"more": {"data/x": b""}}),
    "a file and a folder of one name": ("failed", {"more": {"x": b"", "x/y": b""}}),
    # where files stand
    "the recorded path": ("verified", {"names": {0: "data/a/x", 2: "data/b"}}),
    "another name": ("failed", {"names": {0: "data/other"}}),
    "another item's index": ("failed", {"names": {0: "data/_/1", 1: "data/_/0"}}),
    "another item's path": ("failed", {"names": {0: "data/b"}}),
    "an index with a nought": ("failed", {"names": {0: "data/_/00"}}),
    "a withheld path": ("failed", {"names": {0: "data/a/x"}, "withheld": (0,)}),
    "not in data": ("failed", {"names": {0: "a/x"}}),
    "path_hex in data": ("failed", hexed("61ff") | {"names": {0: "data/61ff"}}),
    # signature and token
    "signature": ("verified", {"more": SIGNATURE}),
    "signature of nothing": ("verified", {"more": {"notary/manifest.sig": b""}}),
    "token": ("verified", {"more": TOKEN}),
    "signature and token": ("verified", {"more": TOKEN | SIGNATURE}),
    "token of nothing": ("verified", {"more": {"notary/head.tsr": b""}}),
    "a token beside the proof": ("failed", {"more": TOKEN, "to_seal": b""}),
    "a token behind a fork": ("failed", {"more": TOKEN, "to_seal": b"\xff" + pending() + APPEND + PREPEND + HASH}),
    "a fork at the token": ("failed", {"more": TOKEN, "to_seal": APPEND + b"\xff" + pending() + PREPEND + HASH}),
    "a fork behind the token": ("verified", {"more": TOKEN, "proof": b"\xff" + pending() + b"\x08" + bitcoin()}),
    "a token in other operations": ("failed", {"more": TOKEN, "to_seal": PREPEND + APPEND + HASH}),
}
MANIFESTS: dict[str, tuple[str, Options]] = {
    **dict(of_manifest("format", "refused", "notary/v2", 1, None)),
    **dict(of_manifest("size", "failed", 0, 4, True, 2**40 + 1, "3")),
    **dict(of_manifest("root", "failed", "AB" * 32, "ab", 1)),
    **dict(of_manifest("network", "unconfirmed", "", "regtest", "bitcoin", "x" * 4096)),
    **dict(of_manifest("network", "failed", 1, "x" * 4097)),
    **dict(of_manifest("tool", "verified", "", "é" * 4096, "🦉" * 4096)),
    **dict(of_manifest("tool", "failed", 1, "x" * 4097)),
    **dict(of_manifest("title", "verified", "", "a\nb\0", "x" * 4096)),
    **dict(of_manifest("title", "failed", 1, None, "x" * 4097)),
    **dict(of_manifest("declared_at", "verified", "0001-01-01T00:00:00Z", "2024-02-29T23:59:59Z")),
    **dict(of_manifest("declared_at", "failed", "2026-11-21", "2026-11-21T03:10:53.5Z", "2026-11-21T03:10:53+00:00")),
    **dict(of_manifest("declared_at", "failed", "2026-11-21t03:10:53z", "2026-11-21 03:10:53Z", "", 5)),
    **dict(
        of_manifest("declared_at", "failed", "2026-13-21T03:10:53Z", "2026-02-29T03:10:53Z", "2026-11-21T24:00:00Z")
    ),
    **dict(
        of_manifest("declared_at", "failed", "2026-11-21T03:60:00Z", "\uff12026-11-21T03:10:53Z", "2026-1-21T03:10:53Z")
    ),
    **dict(of_manifest("previous", "verified", "x", None, [], nested(7))),
    **dict(of_manifest("policy", "failed", nested(8), 2**53, 1.5)),
    **dict(of_manifest("signer", "verified", {"é": True})),
    **dict(of_manifest("not_before", "verified", 800_000)),
    **dict(of_manifest("new", "failed", 1)),
    "with a mark": ("failed", {"manifest": lambda text: b"\xef\xbb\xbf" + text}),
    "with more behind": ("failed", {"manifest": lambda text: text + b"{}"}),
    "with blanks": ("verified", {"manifest": lambda text: b" \r\n\t" + text + b"\n"}),
    "with a vertical tab": ("failed", {"manifest": lambda text: text + b"\v"}),
    "with a key twice": ("failed", {"manifest": swap(b'"size": 3', b'"size": 3, "size": 3')}),
    "with a key twice, written otherwise": ("failed", {"manifest": swap(b'"size"', b'"s\\u0069ze": 3, "size"')}),
    "with a fraction": ("failed", {"manifest": swap(b'"size": 3', b'"size": 3.0')}),
    "with an exponent": ("failed", {"manifest": swap(b'"size": 3', b'"size": 3e0')}),
    "with an escape": ("verified", {"manifest": swap(b'"tool"', b'"t\\u006fol"')}),
    "with half a pair": ("failed", {"manifest": swap(b"a forge", b"\\ud800")}),
    "with a pair": ("verified", {"manifest": swap(b"a forge", b"\\ud83e\\udd89")}),
    "with a pair the wrong way round": ("failed", {"manifest": swap(b"a forge", b"\\udd89\\ud83e")}),
    "with a line feed in a string": ("failed", {"manifest": swap(b"a forge", b"a\nforge")}),
    "in a list": ("failed", {"manifest": lambda text: b"[" + text + b"]"}),
    "in UTF-16": ("failed", {"manifest": lambda text: text.decode().encode("utf-16")}),
    "not in UTF-8": ("failed", {"manifest": swap(b"a forge", b"\xff")}),
    "empty": ("failed", {"manifest": lambda text: b""}),
    "of nothing": ("refused", {"manifest": lambda text: b"{}"}),
}
ITEMS: dict[str, tuple[str, Options]] = {
    **dict(field("exhibit", "verified", "x", "")),
    **dict(field("bates", "verified", {"a": {"b": -5}}, {})),
    **dict(field("custodian", "failed", None, [], True, {"a": None})),
    **dict(field("source", "verified", 5, nested(6), 2**53 - 1, 1 - 2**53)),
    **dict(field("source", "failed", {"é": "x"}, nested(7), 2**53, -(2**53))),
    **dict(field("description", "verified", '\0\b\t\n\f\r\x1f"\\/\x7f\u2028\ue000🦉')),
    **dict(field("new", "failed", "x")),
    **dict(field("size", "failed", "2", -1, True)),
    **dict(
        field("mtime", "verified", "2026-03-12T09:30:00Z", "1969-03-12T09:30:00.000000001Z", "2024-02-29T00:00:00Z")
    ),
    **dict(field("mtime", "failed", 5, "yesterday", "", "2026-03-12T09:30:00.50Z", "2026-03-12T09:30:00.Z")),
    **dict(
        field("mtime", "failed", "2026-03-12T09:30:00.0Z", "2026-03-12T09:30:00.0000000001Z", "2026-02-30T00:00:00Z")
    ),
    **dict(field("mtime", "failed", "2026-03-12T24:00:00Z", "2026-03-12T09:30:00+00:00", "2026-03-12T09:30Z")),
    **dict(field("path", "failed", "", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", 5)),
    **dict(field("path", "verified", "...", "a\\b", "C:/x", "a\0b", " ", "e\u0301", "x" * 5000)),
    **dict(field("path_hex", "verified", "ff", "612fff", "eda080", "c0af", "00ff", "f4908080")),
    **dict(
        field("path_hex", "failed", "", "f", "zz", 5, "FF", "ff 61", "61", "ff2f", "2fff", "ff2f2f61", "61ff2f2e2e")
    ),
    "path and path_hex": ("failed", one(path_hex="ff")),
    "no size": ("failed", {"records": [{"path": "a"}]}),
    "no path": ("failed", {"records": [{"size": 2}]}),
    "another size": ("failed", {"items": swap(b'"size":2', b'"size":3')}),
    "no record": ("failed", {"records": [None]}),
    "record in another order": (
        "verified",
        {"items": swap(b'"path":"a/x","size":2', b' "size":2, "path":"a\\/\\u0078"')},
    ),
    "blanks in a line": ("verified", {"items": swap(b'":', b'" : ')}),
    "carriage returns": ("verified", {"items": swap(b"\n", b"\r\n")}),
    "a blank line": ("failed", {"items": lambda text: text + b"\n"}),
    "a line of blanks": ("failed", {"items": lambda text: text + b" \n"}),
    "no end of the line": ("failed", {"items": lambda text: text[:-1]}),
    "no lines": ("failed", {"items": lambda text: b""}),
    "items in another order": ("failed", {"items": lambda text: b"".join(reversed(text.splitlines(keepends=True)))}),
    "upper case": ("failed", {"items": swap(sha256(b"\0\0").hex().encode(), sha256(b"\0\0").hex().upper().encode())}),
    "a number with a nought": ("failed", {"items": swap(b'"size":2', b'"size":02')}),
    "a number below nought": ("verified", {"items": swap(b'"size":0', b'"size":-0')}),
    "not a number": ("failed", {"items": swap(b'"size":2', b'"size":NaN')}),
    "a key twice": ("failed", {"items": swap(b'"index":0', b'"index":0,"index":0')}),
    "too deep to read": ("failed", {"items": lambda text: b"[" * 100_000 + b"\n"}),
    "half a pair": ("failed", {"items": swap(b'"a/x"', b'"\\ud800"')}),
}
SPELLINGS: dict[str, tuple[str, Options]] = {
    "a recorded path that is not portable": ("verified", one(path="aux") | {"names": {0: "data/aux"}}),
    "lengths with noughts": (
        "verified",
        {"more": TOKEN, "to_seal": b"\xf0\xa0\x80\0" + APPEND[2:] + b"\xf1\x81\0\3\x08"},
    ),
}
LISTINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "upper case": ("verified", lambda line: line[:64].upper() + line[64:]),
    "two stars": ("failed", lambda line: line.replace(b"  ", b" **")),
}
FORGED = {
    f"{group}: {name}": case
    for group, cases in [("bundle", CONTAINERS), ("manifest", MANIFESTS), ("item", ITEMS), ("spelling", SPELLINGS)]
    for name, case in cases.items()
}


@pytest.mark.parametrize("name", FORGED)
def test_both_agree_on_what_was_forged(name: str, tmp_path: Path) -> None:
    """One clause of the page decides, and this is what it says."""
    outcome, options = FORGED[name]
    assert both(write_zip(tmp_path / "forged.zip", forge(**options)))[0] == outcome


@pytest.mark.parametrize("name", LISTINGS)
def test_both_agree_on_bag_manifests(name: str, tmp_path: Path) -> None:
    """How a line may be written."""
    outcome, change = LISTINGS[name]
    files = forge()
    lines = files["tagmanifest-sha256.txt"].splitlines(keepends=True)
    files["tagmanifest-sha256.txt"] = b"".join(map(change, lines))
    assert both(write_zip(tmp_path / "forged.zip", files))[0] == outcome
