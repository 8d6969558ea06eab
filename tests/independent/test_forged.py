"""notary and the reader agree on forged bundles, in each of which a single clause of FORMAT.md decides."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.independent import reader
from tests.independent.forge import (
    MIDNIGHT,
    RECORDS,
    bitcoin,
    both,
    chain,
    forge,
    pending,
    shown_hash,
    steps_to_seal,
    write_zip,
)
from tests.independent.seals import MINE, YOURS, Key, string, token_at
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
        told = f"manifest's {key} {value!r}"
        yield (
            (told if len(told) <= 70 else f"{told[:60]} {sha256(told.encode()).hex()[:6]}"),
            (outcome, {"manifest": {key: value}}),
        )


def nested(depth: int) -> dict[str, Any]:
    """An object in an object, and so on."""
    return {"a": nested(depth - 1)} if depth > 1 else {}


NO_TOKEN, NO_SIGNATURE = {"notary/head.tsr": b"a token"}, {"notary/manifest.sig": b"a signature"}
SIGNED: Options = {"manifest": {"signer": MINE.signer}, "sign": MINE.sign}
NAMED = MINE.signer | {"name": "R. Roe", "organisation": "Roe & Co."}
HOUR = 3600
LATEST = MIDNIGHT + 600 + 2 * HOUR
"""The last second of the date of a forged bundle: its last block's clock, and two hours."""
TOKEN: Options = {"stamp": token_at(MIDNIGHT - HOUR)}


def sealed(how: Callable[[bytes, bytes, bytes], bytes]) -> Options:
    """A bundle with a token whose three operations stand otherwise."""
    return TOKEN | {"to_seal": lambda token: how(*steps_to_seal(token))}


def signed_by(key: Key, /, **more: Any) -> Options:
    """A bundle that names my key, with a signature by this one."""
    return SIGNED | {"sign": lambda text: key.sign(text, **more)}


def previous_of(*entries: tuple[dict[str, Any], bytes | None]) -> str:
    """The head of the newest of these: manifest, signature."""
    manifest, signature = entries[0]
    return reader.head_of(manifest, json.dumps(manifest).encode(), signature or b"").hex()


def entry(number: int, before: list[tuple[dict[str, Any], bytes | None]], key: Key | None, **fields: Any) -> Any:
    """A batch that names the newest of those before it."""
    manifest: dict[str, Any] = {"format": "notary/v1", "root": f"{number:064x}", "size": 1, "network": "local"}
    manifest |= {"declared_at": "2026-11-20T00:00:00Z", "tool": "a forge"}
    manifest |= {"previous": previous_of(*before)} if before else {}
    manifest |= {"signer": key.signer} if key else {}
    manifest |= fields
    return manifest, key.sign(json.dumps(manifest).encode()) if key else None


def lined(
    key: Key | None = MINE,
    count: int = 3,
    change: Callable[[list[Any]], list[Any]] = list,
    text: Callable[[bytes], bytes] = bytes,
    **fields: Any,
) -> Options:
    """A bundle with a line of so many batches; `fields` are those of the oldest's manifest."""
    entries: list[Any] = []
    for number in range(count):
        entries.insert(0, entry(number, entries, key, **(fields if number == 0 else {})))
    data = b""
    for manifest, signature in change(entries):
        members = {"manifest": json.dumps(manifest)} | ({"signature": signature.decode()} if signature else {})
        data += json.dumps(members).encode() + b"\n"
    own = ({"signer": key.signer} if key else {}) | ({"previous": previous_of(*entries)} if entries else {})
    return {"manifest": own, "line": lambda _: text(data)} | ({"sign": key.sign} if key else {})


def naming(network: str = "local", **fields: Any) -> Options:
    """A bundle with the headers of three earlier blocks, whose manifest names something else than the first."""
    first = chain(sha256(b"earlier"), [MIDNIGHT - 600 * ago for ago in (3, 2, 1)])[0]
    return {
        "earlier": 3,
        "manifest": {"not_before": {"network": network, "height": 98, "hash": shown_hash(first)} | fields},
    }


BLOCK = {"network": "bitcoin", "height": 800_000, "hash": "ab" * 32}
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
    # signature
    "signature": ("verified", SIGNED),
    "signature and names": ("verified", SIGNED | {"manifest": {"signer": NAMED}}),
    "signature with SHA-256": ("verified", signed_by(MINE, hash_name="sha256")),
    "signature of a manifest that names nobody": ("verified", {"sign": MINE.sign}),
    "no signature by whom it names": ("failed", {"manifest": {"signer": MINE.signer}}),
    "signature by another key": ("failed", signed_by(YOURS)),
    "signature by another key, as if by this": ("failed", signed_by(YOURS, key=MINE.blob)),
    "signature for something else": ("failed", signed_by(MINE, namespace="file")),
    "signature for something alike": ("failed", signed_by(MINE, namespace="notary-manifest@v10")),
    "signature of version 2": ("failed", signed_by(MINE, version=2)),
    "signature by a kind of key that is unknown": (
        "verified",
        {"sign": lambda text: MINE.sign(text, key=string(b"ssh-new") + string(bytes(32)))},
    ),
    "signature by a kind that is unknown, as if by this": (
        "failed",
        signed_by(MINE, key=string(b"ssh-new") + string(bytes(32))),
    ),
    "signature with more behind": ("failed", signed_by(MINE, behind=b"\0")),
    "signature with SHA-1": ("failed", signed_by(MINE, hash_name="sha1")),
    "signature over other bytes": ("failed", SIGNED | {"sign": lambda text: MINE.sign(text + b"\n")}),
    "signature, cut": ("failed", SIGNED | {"sign": lambda text: MINE.sign(text)[:-50]}),
    "signature of nothing": ("failed", {"more": {"notary/manifest.sig": b""}}),
    "signature that is none": ("failed", {"more": NO_SIGNATURE}),
    "signature, oversized": ("failed", {"more": {"notary/manifest.sig": b"x" * 65_537}}),
    "another key's did": ("failed", SIGNED | {"manifest": {"signer": MINE.signer | {"did": YOURS.signer["did"]}}}),
    # token
    "token": ("verified", TOKEN),
    "signature and token": ("verified", TOKEN | SIGNED),
    "token of the last second": ("verified", {"stamp": token_at(LATEST)}),
    "token of a second later, as accurate as it says": ("verified", {"stamp": token_at(LATEST + 1)}),
    "token of two seconds later": ("failed", {"stamp": token_at(LATEST + 2)}),
    "token of years before": ("verified", {"stamp": token_at(MIDNIGHT - 5000 * DAY)}),
    "token over another head": ("failed", {"stamp": lambda head: token_at(MIDNIGHT)(sha256(head))}),
    "token with a byte more": ("failed", {"stamp": lambda head: token_at(MIDNIGHT)(head) + b"\0"}),
    "token, cut": ("failed", {"stamp": lambda head: token_at(MIDNIGHT)(head)[:-1]}),
    "token with another time": (
        "failed",
        {"stamp": lambda head: swap(b"20261121000000Z", b"20251121000000Z")(token_at(MIDNIGHT)(head))},
    ),
    "token that is none": ("failed", {"more": NO_TOKEN}),
    "token of nothing": ("failed", {"more": {"notary/head.tsr": b""}}),
    "token, oversized": ("failed", {"more": {"notary/head.tsr": b"x" * 65_537}}),
    "a token beside the proof": ("failed", TOKEN | {"to_seal": b""}),
    "another token than is sealed": ("failed", TOKEN | {"to_seal": b"".join(steps_to_seal(b"another"))}),
    "a token that was taken away": (
        "verified",
        {
            "to_seal": b"".join(steps_to_seal(b"gone")),
            "attested": lambda head: sha256(sha256(b"\3", head, sha256(b"gone"))),
        },
    ),
    "a token behind a fork": ("failed", sealed(lambda a, p, h: b"\xff" + pending() + a + p + h)),
    "a fork at the token": ("failed", sealed(lambda a, p, h: a + b"\xff" + pending() + p + h)),
    "a fork behind the token": ("verified", TOKEN | {"proof": b"\xff" + pending() + b"\x08" + bitcoin()}),
    "a token in other operations": ("failed", sealed(lambda a, p, h: p + a + h)),
    # the block that is named
    "an earlier block": ("verified", {"earlier": 3}),
    "an earlier block, signed and sealed": ("verified", {"earlier": 3} | TOKEN | SIGNED),
    "an earlier block with another hash": ("failed", naming(hash="00" * 32)),
    "an earlier block at another height": ("failed", naming(height=99)),
    "a block that nobody has": ("verified", naming(height=5)),
    "the attesting block": ("failed", naming(height=101)),
    "a block after it": ("failed", naming(height=103)),
    "the last height of all": ("failed", naming(height=2**32 - 1)),
    "a block of another network": ("verified", naming("bitcoin", height=2**32 - 1)),
    "a named block whose header was altered": (
        "failed",
        {"earlier": 2, "pick_headers": lambda all_: [*chain(bytes(32), [MIDNIGHT]), *all_[1:]]},
    ),
    # the line of batches
    "a line": ("verified", lined()),
    "a line of nobody": ("verified", lined(None)),
    "the first batch of a line": ("verified", lined(count=0)),
    "a line without its oldest": ("verified", lined(change=lambda all_: all_[:-1])),
    "a line without any": ("verified", lined(change=lambda all_: [])),
    "a line that goes on": ("failed", lined(change=lambda all_: [*all_, all_[-1]])),
    "a line without its newest": ("failed", lined(change=lambda all_: all_[1:])),
    "a line the other way round": ("failed", lined(change=lambda all_: all_[::-1])),
    "a line with one left out": ("failed", lined(change=lambda all_: [all_[0], all_[2]])),
    "a line of another network": ("failed", lined(network="regtest")),
    "a line with another signer": ("failed", lined(signer=YOURS.signer)),
    "a line with an unsigned batch": ("failed", lined(change=lambda all_: [*all_[:2], (all_[2][0], None)])),
    "a line with another's signature": ("failed", lined(change=lambda all_: [*all_[:2], (all_[2][0], all_[1][1])])),
    "a line without an end": ("failed", lined(text=lambda data: data[:-1])),
    "a line with a blank line": ("failed", lined(text=lambda data: data + b"\n")),
    "a line with another key": ("failed", lined(text=swap(b'{"manifest"', b'{"more": "", "manifest"'))),
    "a line of anything": ("failed", lined(text=lambda data: b"{}\n")),
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
    **dict(of_manifest("previous", "verified", "ab" * 32)),
    **dict(of_manifest("previous", "failed", "x", None, [], "AB" * 32, "ab" * 31, "ab" * 33)),
    **dict(of_manifest("policy", "verified", nested(7), None, [1], "x")),
    **dict(of_manifest("policy", "failed", nested(8), 2**53, 1.5)),
    **dict(of_manifest("signer", "failed", {"é": True}, None, "R. Roe", {}, {"key": "x"}, {"key": "x", "did": 1})),
    **dict(of_manifest("signer", "failed", MINE.signer | {"name": "x" * 4097}, MINE.signer | {"more": "x"})),
    **dict(of_manifest("not_before", "verified", BLOCK, BLOCK | {"height": 0}, BLOCK | {"network": "x" * 4096})),
    **dict(of_manifest("not_before", "failed", 800_000, None, {}, BLOCK | {"x": 1}, BLOCK | {"height": -1})),
    **dict(of_manifest("not_before", "failed", BLOCK | {"height": True}, BLOCK | {"height": 2**32})),
    **dict(of_manifest("not_before", "failed", BLOCK | {"hash": "ab"}, BLOCK | {"hash": "AB" * 32})),
    **dict(of_manifest("not_before", "failed", BLOCK | {"network": "x" * 4097}, BLOCK | {"network": None})),
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
        sealed(lambda append, _, __: b"\xf0\xa0\x80\0" + append[2:] + b"\xf1\x81\0\3\x08"),
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
