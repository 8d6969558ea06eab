"""notary and the reader agree on what `notary export` writes, and on the vectors."""

import contextlib
import json
import re
import unicodedata
import zipfile
from pathlib import Path

import pytest

from tests.independent import reader
from tests.independent.conftest import EXPORTS, NAMES, RAW_NAMES
from tests.independent.forge import (
    both,
    by_notary_process,
    by_reader,
    forge,
    pending,
    rebag,
    unzip,
    write_folder,
    write_zip,
)
from tests.independent.proofs import OTS_MAGIC, read_proof
from tests.independent.steps import Failure

VECTORS = Path(__file__).parents[1] / "vectors" / "commitment.json"


@pytest.mark.parametrize("name", ["pending", *EXPORTS])
def test_both_agree_on_what_notary_exports(exported: dict[str, Path], name: str, tmp_path: Path) -> None:
    """Packed, packed again and unpacked: the same verdict, date and counts."""
    judged = by_reader(exported[name])
    assert by_notary_process(exported[name]) == judged
    outcome, day, shown, of = judged
    total = len(NAMES) + len(RAW_NAMES) + 1
    assert (outcome, of) == ("pending" if name == "pending" else "verified", total)
    assert (day is None) == (name == "pending")
    assert shown == total if name in ("pending", "files", "names", "digests") else 0 < shown < total
    top, files = unzip(exported[name])
    assert both(write_zip(tmp_path / "deflated.zip", files, top, zipfile.ZIP_DEFLATED)) == judged
    assert both(write_zip(tmp_path / "rebagged.zip", rebag(files), "other name")) == judged
    assert both(write_folder(tmp_path / "unpacked", files)) == judged


def test_the_same_export_gives_the_same_bytes(exported: dict[str, Path]) -> None:
    """Stored entries only, dated 1980-01-01."""
    assert exported["files"].read_bytes() == exported["again"].read_bytes()
    with zipfile.ZipFile(exported["files"]) as archive:
        assert {(info.compress_type, info.date_time) for info in archive.infolist()} == {(0, (1980, 1, 1, 0, 0, 0))}


def folded_name(name: str) -> str:
    """Equal names have it equal."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def place(index: int, path: bytes | None, folded: set[str]) -> str:
    """Where section 2 puts an item's payload and proof. `folded` has the names before it, folded, and gets its own."""
    names = [f"_/{index}"]
    parts = [] if path is None else path.decode(errors="replace").split("/")
    bad = (
        r'[\x00-\x1f\x7f-\x9f\u2028\u2029<>:"\\|?*%]|[. ]$|^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\.|$)'
    )
    portable = not any(re.search(bad, part, re.IGNORECASE) or len(part.encode()) > 251 for part in parts)
    if path is not None and path == "/".join(parts).encode() and portable and len(path) <= 1024 and parts[0] != "_":
        names.insert(0, "/".join(parts))
    for name in names:
        files = {folded_name(each) for each in (f"data/{name}", f"proofs/{name}.ots")}
        folders = {each[: slash.start()] for each in files for slash in re.finditer("/", each)}
        taken = {each[: slash.start()] for each in folded for slash in re.finditer("/", each)}
        if not files & (folded | taken) and not folders & folded:
            break
    folded |= files
    return name


@pytest.mark.parametrize("name", EXPORTS)
def test_files_go_where_the_page_says(exported: dict[str, Path], name: str) -> None:
    """Under their recorded paths, or as data/_/INDEX; and with each a standard proof by section 1's five steps."""
    _, files = unzip(exported[name])
    manifest = json.loads(files["notary/manifest.json"])
    statement = reader.statement_hash(files["notary/manifest.json"])
    head = reader.head_hash(bytes.fromhex(manifest["root"]), manifest["size"], statement)
    folded: set[str] = set()
    proofs = {each for each in files if each.startswith("proofs/")}
    expected = set()
    for line in files["notary/items.jsonl"].splitlines():
        item = json.loads(line)
        record = item.get("record", {})
        s, t = bytes.fromhex(item["s"]), bytes.fromhex(item.get("t", ""))
        r = reader.record_hash(t, reader.canonical(record)) if record else bytes.fromhex(item["r"])
        path = record["path"].encode() if "path" in record else bytes.fromhex(record.get("path_hex", "ff"))
        here = place(item["index"], path, folded)
        assert item.get("file", f"data/{here}") == f"data/{here}"
        expected.add(f"proofs/{here}.ots")
        if proofs:
            proof = read_proof(files[f"proofs/{here}.ots"])
            digest = bytes.fromhex(item["digest"])
            messages = (digest, digest + s + r, b"\0" + digest + s + r, reader.leaf_hash(digest, s, r))
            assert proof.digest == digest
            assert all(each.place.path[:4] == messages and head in each.place.path for each in proof.attestations)
            assert any(each.counts and each.height for each in proof.attestations)
    assert proofs in (expected, set())


def test_headers_that_the_verifier_trusts(tmp_path: Path) -> None:
    """They come before the bundle's own; without them no bundle for Bitcoin is verified."""
    files = forge(manifest={"network": "bitcoin"})
    header = files["notary/headers.bin"][:80]
    path = write_zip(tmp_path / "forged.zip", forge())
    assert reader.verify(path, "local", lambda height: header if height == 7 else None).outcome == "unconfirmed"
    assert reader.verify(path, "local", lambda height: header if height == 101 else None).failed_checks == {11}
    header = forge()["notary/headers.bin"][:80]
    assert reader.verify(path, "local", lambda height: header if height == 101 else None).outcome == "verified"
    assert reader.verify(path).outcome == "unconfirmed"


def test_the_vectors() -> None:
    """The reader's formulas give tests/vectors/commitment.json, which a third hand computed."""
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
    leaves = []
    for item in vectors["items"]:
        raw = {key: bytes.fromhex(item[key]) for key in ("s", "t", "digest", "r", "record_bytes")}
        assert raw["record_bytes"] == item["record"].encode() == reader.canonical(json.loads(item["record"]))
        reader.check_record(json.loads(item["record"]))
        assert reader.record_hash(raw["t"], raw["record_bytes"]) == raw["r"]
        leaves.append(reader.leaf_hash(raw["digest"], raw["s"], raw["r"]))
        assert leaves[-1].hex() == item["leaf"]
    for tree in vectors["trees"]:
        assert reader.root_hash(tree["size"], dict(enumerate(leaves[: tree["size"]])), iter([])).hex() == tree["root"]
    roots = {tree["size"]: tree["root"] for tree in vectors["trees"]}
    for proof in vectors["multiproofs"] + vectors["refused_multiproofs"]:
        items = [{**vectors["items"][index % 8], "index": index} for index in proof["disclosed"]]
        tree_of = {"size": proof["size"], "root": roots.get(proof["size"])}
        with pytest.raises(Failure) if "fault" in proof else contextlib.nullcontext():
            reader.check_tree(items, bytes.fromhex(proof["tree_bin"]), tree_of)
    manifest = bytes.fromhex(vectors["manifest"]["bytes"])
    root = bytes.fromhex(reader.check_manifest(manifest)["root"])
    for head in vectors["heads"]:
        statement = reader.statement_hash(manifest, bytes.fromhex(head["signature"] or ""))
        assert statement.hex() == head["statement"]
        assert reader.head_hash(root, vectors["manifest"]["size"], statement).hex() == head["head"]
        for seal in head["seals"]:
            token = None if seal["token"] is None else bytes.fromhex(seal["token"])
            assert reader.seal_hash(bytes.fromhex(head["head"]), token).hex() == seal["seal"]
    for each in vectors["opentimestamps"]["items"]:
        digest = bytes.fromhex(vectors["items"][each["index"]]["digest"])
        start = OTS_MAGIC + b"\1\x08" + digest
        proof = read_proof(start + bytes.fromhex(each["operations"]) + pending())
        assert proof.attestations[0].place.path[-1].hex() == vectors["heads"][0]["head"]
