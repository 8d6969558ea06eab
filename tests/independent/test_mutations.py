"""notary and the reader agree on what notary exported, with one thing altered."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.independent.forge import both, rebag, unzip, write_zip
from tests.independent.steps import Files

Alter = Callable[[random.Random, Files], object]
INNER = "notary/manifest.json notary/items.jsonl notary/tree.bin notary/head.ots notary/headers.bin notary/headers.json"
OUTER = "bagit.txt bag-info.txt VERIFY.txt verify.html manifest-sha256.txt tagmanifest-sha256.txt"


def pick(rng: random.Random, files: Files, name: str) -> str:
    """A file's name; `data` and `proofs` stand for any below them."""
    below = sorted(each for each in files if each.startswith(f"{name}/") or each == name)
    return rng.choice(below or sorted(files))


def change(name: str, how: Callable[[random.Random, bytes], bytes]) -> Alter:
    """Alter a file's bytes."""

    def alter(rng: random.Random, files: Files) -> None:
        chosen = pick(rng, files, name)
        files[chosen] = how(rng, files[chosen])

    return alter


def flip(rng: random.Random, data: bytes) -> bytes:
    """Another byte somewhere."""
    at = rng.randrange(len(data) or 1)
    return data[:at] + bytes([(data[at] if data else 0) ^ rng.randrange(1, 256)]) + data[at + 1 :]


def digit(rng: random.Random, data: bytes) -> bytes:
    """Another letter or digit in a text, so that it is still one."""
    places = [at for at, byte in enumerate(data) if chr(byte) in "0123456789abcdef"] or [0]
    at = rng.choice(places)
    return (
        data[:at]
        + rng.choice([each for each in b"0123456789abcdef" if [each] != [*data[at : at + 1]]]).to_bytes()
        + data[at + 1 :]
    )


def cut(rng: random.Random, data: bytes) -> bytes:
    """Fewer bytes at the end."""
    return data[: rng.randrange(len(data) or 1)]


def grow(rng: random.Random, data: bytes) -> bytes:
    """Bytes put in somewhere."""
    at = rng.choice([0, len(data), rng.randrange(len(data) + 1)])
    return data[:at] + rng.choice([b"\n", b"\0", b" ", rng.randbytes(32), rng.randbytes(80), b"{}"]) + data[at:]


def lose(rng: random.Random, data: bytes) -> bytes:
    """Bytes taken out somewhere, often a whole hash or header."""
    step = rng.choice([1, 32, 80])
    at = rng.randrange(len(data) // step + 1) * step
    return data[:at] + data[at + step :]


def lines(how: Callable[[random.Random, list[dict[str, Any]]], object]) -> Alter:
    """Alter the lines of items.jsonl."""

    def alter(rng: random.Random, files: Files) -> None:
        items = [json.loads(line) for line in files["notary/items.jsonl"].splitlines()]
        how(rng, items)
        texts = [json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in items]
        files["notary/items.jsonl"] = "".join(f"{text}\n" for text in texts).encode()

    return alter


def swap_field(rng: random.Random, items: list[dict[str, Any]]) -> None:
    """Two items exchange one field, or all but their indices."""
    one, other = rng.choice(items), rng.choice(items)
    keys = [*sorted(one.keys() & other.keys()), None]
    key = rng.choice(keys)
    for each in one.keys() & other.keys() - {"index"} if key is None else [key]:
        one[each], other[each] = other[each], one[each]


def set_field(rng: random.Random, items: list[dict[str, Any]]) -> None:
    """An item with another value, one key more, or one less."""
    item = rng.choice(items)
    key = rng.choice([*sorted(item), "new", "t", "r", "record", "file"])
    values: list[Any] = [
        0,
        -1,
        1,
        2**53,
        "",
        "00" * 16,
        "00" * 32,
        None,
        True,
        [],
        {},
        "data/plain.txt",
        "AB" * 32,
        1.5,
    ]
    value = rng.choice(values)
    if rng.random() < 0.3 and key in item:
        del item[key]
    elif key == "index" and rng.random() < 0.5:
        item[key] += rng.choice([-1, 1, 1000])
    else:
        item[key] = value


def set_record(rng: random.Random, items: list[dict[str, Any]]) -> None:
    """A record with another value."""
    holders = [item for item in items if "record" in item]
    record = rng.choice(holders)["record"] if holders else items[0]
    key = rng.choice([*sorted(record), "exhibit", "custodian", "source", "new", "path_hex"])
    record[key] = rng.choice(["", "x", "../x", "/x", "2020-01-01T00:00:00Z", 5, {}, {"a": "b"}, "ff"])
    if rng.random() < 0.3:
        del record[key]


def set_manifest(rng: random.Random, files: Files) -> None:
    """The manifest with another value, one key more, or one less."""
    manifest = json.loads(files["notary/manifest.json"])
    key = rng.choice([*sorted(manifest), "title", "signer", "not_before", "previous", "policy", "new"])
    texts = ["", "bitcoin", "regtest", "notary/v2", "notary/v1", "00" * 32]
    values: list[Any] = [*texts, 0, 1, 2, 1000, 2**40 + 1, None, [], {}, True]
    manifest[key] = rng.choice(values)
    if rng.random() < 0.3:
        del manifest[key]
    files["notary/manifest.json"] = json.dumps(manifest, indent=rng.choice([None, 2])).encode()


def set_headers(rng: random.Random, files: Files) -> None:
    """headers.json with another value."""
    listed = json.loads(files["notary/headers.json"])
    runs = listed["runs"] or [{"start": 101, "count": 1}]
    runs[0][rng.choice(["start", "count"])] += rng.choice([-1, 1, 2, -2])
    choice = rng.randrange(4)
    if choice == 0:
        listed = {**listed, rng.choice(["network", "new"]): rng.choice(["bitcoin", "local", "x"])}
    elif choice == 1:
        listed["runs"] = runs + runs
    elif choice == 2:
        listed["runs"] = runs
    else:
        listed = rng.choice([[], {}, {"network": "local", "runs": []}, {"runs": runs}, None, "x"])
    files["notary/headers.json"] = json.dumps(listed).encode()


def cut_headers(rng: random.Random, files: Files) -> None:
    """Fewer headers, in both files."""
    keep = rng.randrange(4)
    listed = json.loads(files["notary/headers.json"])
    for run_ in listed["runs"]:
        run_["count"] = keep
    files["notary/headers.bin"] = files["notary/headers.bin"][: 80 * keep]
    files["notary/headers.json"] = json.dumps(listed if keep else {**listed, "runs": []}).encode()


def swap_headers(rng: random.Random, files: Files) -> None:
    """Two headers change places."""
    data = files["notary/headers.bin"]
    headers = [data[at : at + 80] for at in range(0, len(data), 80)]
    rng.shuffle(headers)
    files["notary/headers.bin"] = b"".join(headers)


def drop(name: str) -> Alter:
    """A file less."""
    return lambda rng, files: files.pop(pick(rng, files, name))


def rename(rng: random.Random, files: Files) -> None:
    """A file under another name."""
    name = pick(rng, files, rng.choice(["data", "notary", "proofs"]))
    files[name + rng.choice(["x", ".bak"])] = files.pop(name)


def exchange(rng: random.Random, files: Files) -> None:
    """Two files exchange their contents."""
    one, other = rng.sample(sorted(files), 2)
    files[one], files[other] = files[other], files[one]


def add(rng: random.Random, files: Files) -> None:
    """A file more."""
    names = ["data/new", "data/_/99999", "notary/new", "notary/manifest.sig", "proofs/new.ots", "new", "fetch.txt"]
    files[rng.choice([*names, "manifest-sha512.txt", "Data/new", "data/case/new"])] = rng.choice(
        [b"", b"x", rng.randbytes(70)]
    )


def bag_line(rng: random.Random, files: Files) -> None:
    """A line of a bag manifest less, twice, or after its neighbour."""
    name = rng.choice(["manifest-sha256.txt", "tagmanifest-sha256.txt"])
    listed = files[name].splitlines(keepends=True) or [b""]
    at = rng.randrange(len(listed))
    listed[at] = rng.choice(
        [b"", listed[at] * 2, listed[at].upper(), listed[at].replace(b"  ", b" ./"), b"x" + listed[at]]
    )
    rng.shuffle(listed)
    files[name] = b"".join(listed)


STALE: dict[str, tuple[int, Alter]] = {  # the bag's own manifests are left as they were
    **{f"flip {name}": (2, change(name, flip)) for name in [*INNER.split(), *OUTER.split()]},
    **{f"drop {name}": (1, drop(name)) for name in [*INNER.split(), *OUTER.split()]},
    "flip data": (4, change("data", flip)),
    "flip proofs": (4, change("proofs", flip)),
    "drop data": (3, drop("data")),
    "drop proofs": (2, drop("proofs")),
    "rename": (4, rename),
    "exchange": (4, exchange),
    "add": (6, add),
    "bag line": (16, bag_line),
    "nothing": (4, lambda rng, files: None),
}
DEEP: dict[str, tuple[int, Alter]] = {  # they are computed again
    **{f"flip {name}": (12, change(name, flip)) for name in [*INNER.split(), "data"]},
    **{f"digit {name}": (10, change(name, digit)) for name in INNER.split() if name.endswith(("json", "jsonl"))},
    **{f"cut {name}": (3, change(name, cut)) for name in INNER.split()},
    **{f"grow {name}": (5, change(name, grow)) for name in INNER.split()},
    **{f"lose {name}": (5, change(name, lose)) for name in INNER.split()},
    **{f"drop {name}": (4, drop(name)) for name in [*INNER.split(), *OUTER.split(), "data", "proofs"]},
    **{f"flip {name}": (3, change(name, flip)) for name in OUTER.split()[:3]},
    "flip proofs": (4, change("proofs", flip)),
    "line swapped": (6, lines(lambda rng, items: rng.shuffle(items))),
    "line twice": (4, lines(lambda rng, items: items.insert(rng.randrange(len(items)), rng.choice(items)))),
    "line less": (4, lines(lambda rng, items: items.pop(rng.randrange(len(items))))),
    "field swapped": (16, lines(swap_field)),
    "field": (40, lines(set_field)),
    "record": (24, lines(set_record)),
    "manifest": (40, set_manifest),
    "headers": (16, set_headers),
    "headers cut": (8, cut_headers),
    "headers swapped": (6, swap_headers),
    "rename": (6, rename),
    "exchange": (8, exchange),
    "add": (16, add),
}
CASES = [
    (deep, kind, number)
    for deep, kinds in ((False, STALE), (True, DEEP))
    for kind, (count, _) in kinds.items()
    for number in range(count)
]


@pytest.mark.parametrize(("deep", "kind", "number"), CASES)
def test_both_agree_on_what_was_altered(
    exported: dict[str, Path], deep: bool, kind: str, number: int, tmp_path: Path
) -> None:
    """The same verdict, date and counts, whatever was altered."""
    rng = random.Random(f"{deep} {kind} {number}")  # noqa: S311
    base = rng.choice(["pending", "files", "one", "text", "some names", "some digests"])
    _, files = unzip(exported[base])
    before = dict(files)
    (DEEP if deep else STALE)[kind][1](rng, files)
    if deep:
        rebag(files)
    judged = both(write_zip(tmp_path / "altered.zip", files))
    if not deep and files != before:
        assert judged[0] in ("failed", "refused") or kind == "bag line"
