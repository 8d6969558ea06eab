"""notary.core against values that it did not make (tests/vectors/README.md), and some of those against openssl."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from notary.core.digest import Salter, digest_of, head_hash, leaf_hash, record_hash, seal_hash, statement_hash
from notary.core.evidence import Item, check_record, read_item, write_item
from notary.core.manifest import read_manifest
from notary.core.merkle import (
    audit_path,
    build,
    cover,
    root_by_cover,
    root_by_path,
    steps_to_head,
    steps_to_leaf,
    steps_to_seal,
)
from notary.core.ots import read_proof, write_proof, write_steps
from notary.core.strict_json import canonical
from notary.errors import FormatError

FOLDER = Path(__file__).parents[1] / "vectors"
VECTORS: dict[str, Any] = json.loads((FOLDER / "commitment.json").read_bytes())
KEY = bytes.fromhex(VECTORS["batch_key"])
ITEMS = VECTORS["items"]
LEAVES = [bytes.fromhex(item["leaf"]) for item in ITEMS]

PROGRAMS = ("sh", "openssl", "sha256sum", "xxd", "cut")
REFUSALS = {
    "too few hashes": "end too early",
    "hashes left over": "left over",
    "not ascending": "ascending",
    "out of range": "out of range|outside a batch",
}


def split_hashes(data: str) -> list[bytes]:
    whole = bytes.fromhex(data)
    return [whole[at : at + 32] for at in range(0, len(whole), 32)]


@pytest.mark.parametrize("vector", VECTORS["salts"], ids=lambda vector: str(vector["index"]))
def test_salts(vector: dict[str, Any]) -> None:
    both = Salter(KEY).salts(vector["index"])
    assert (both.s.hex(), both.t.hex()) == (vector["s"], vector["t"])


@pytest.mark.parametrize("vector", ITEMS, ids=lambda vector: str(vector["index"]))
def test_items(vector: dict[str, Any]) -> None:
    content, record = bytes.fromhex(vector["content"]), json.loads(vector["record"])
    both = Salter(KEY).salts(vector["index"])
    assert digest_of(content).hex() == vector["digest"]
    assert canonical(record).hex() == vector["record_bytes"] == vector["record"].encode().hex()
    assert (both.s.hex(), both.t.hex()) == (vector["s"], vector["t"])
    assert record_hash(both.t, canonical(record)).hex() == vector["r"]
    assert leaf_hash(digest_of(content), both.s, bytes.fromhex(vector["r"])).hex() == vector["leaf"]
    check_record(record)
    assert record["size"] == len(content)


@pytest.mark.parametrize("vector", ITEMS, ids=lambda vector: str(vector["index"]))
def test_disclosed_lines_lead_to_the_leaf(vector: dict[str, Any]) -> None:
    digest, s, t, r = (bytes.fromhex(vector[key]) for key in ("digest", "s", "t", "r"))
    shown = Item(vector["index"], digest, s, r, t, json.loads(vector["record"]))
    for item in (shown, Item(vector["index"], digest, s, r)):
        assert read_item(write_item(item), 1).leaf.hex() == vector["leaf"]


@pytest.mark.parametrize("vector", VECTORS["trees"], ids=lambda vector: str(vector["size"]))
def test_roots(vector: dict[str, Any]) -> None:
    tree = build(LEAVES[: vector["size"]])
    assert (tree.size, tree.root.hex()) == (vector["size"], vector["root"])


def test_audit_paths() -> None:
    tree = build(LEAVES[: VECTORS["audit_paths"]["size"]])
    for index, vector in enumerate(VECTORS["audit_paths"]["paths"]):
        path = audit_path(tree, index)
        assert [(one.hash.hex(), one.on_left) for one in path] == [(v["hash"], v["side"] == "left") for v in vector]
        assert root_by_path(LEAVES[index], path) == tree.root


@pytest.mark.parametrize("vector", VECTORS["multiproofs"], ids=lambda v: f"{v['disclosed']} of {v['size']}")
def test_multiproofs(vector: dict[str, Any]) -> None:
    size, disclosed = vector["size"], vector["disclosed"]
    tree = build(LEAVES[:size])
    assert b"".join(cover(tree, disclosed)).hex() == vector["tree_bin"]
    given = [(index, LEAVES[index]) for index in disclosed]
    assert root_by_cover(size, given, split_hashes(vector["tree_bin"])) == tree.root


@pytest.mark.parametrize("vector", VECTORS["refused_multiproofs"], ids=lambda vector: vector["fault"])
def test_refused_multiproofs(vector: dict[str, Any]) -> None:
    given = [(index, LEAVES[index % 8]) for index in vector["disclosed"]]
    with pytest.raises(FormatError, match=REFUSALS[vector["fault"]]):
        root_by_cover(vector["size"], given, split_hashes(vector["tree_bin"]))


@pytest.mark.parametrize("vector", VECTORS["heads"], ids=["unsigned", "signed"])
def test_statement_head_and_seals(vector: dict[str, Any]) -> None:
    written = bytes.fromhex(VECTORS["manifest"]["bytes"])
    manifest = read_manifest(written)
    assert (manifest.root, manifest.size) == (build(LEAVES[:5]).root, VECTORS["manifest"]["size"])
    statement = statement_hash(written, bytes.fromhex(vector["signature"] or ""))
    assert statement.hex() == vector["statement"]
    head = head_hash(manifest.root, manifest.size, statement)
    assert head.hex() == vector["head"]
    for seal in vector["seals"]:
        token = None if seal["token"] is None else bytes.fromhex(seal["token"])
        assert seal_hash(head, token).hex() == seal["seal"]
        sealed = write_proof(
            head, b"" if token is None else write_steps(steps_to_seal(token)), b"\0" + bytes(8) + b"\0"
        )
        assert [one.message.hex() for one in read_proof(sealed).attestations] == [seal["seal"]]


@pytest.mark.parametrize("vector", VECTORS["opentimestamps"]["items"], ids=lambda vector: str(vector["index"]))
def test_opentimestamps_operations(vector: dict[str, Any]) -> None:
    size, index = VECTORS["opentimestamps"]["size"], vector["index"]
    s, r = bytes.fromhex(ITEMS[index]["s"]), bytes.fromhex(ITEMS[index]["r"])
    statement = bytes.fromhex(VECTORS["heads"][0]["statement"])
    path = build(LEAVES[:size]).path_steps(index)
    assert (steps_to_leaf(s, r) + path + steps_to_head(size, statement)).hex() == vector["operations"]


def session() -> tuple[list[str], list[str]]:
    """What the README types, and what it says the answers are."""
    typed: list[str] = []
    answers: list[str] = []
    block = (FOLDER / "README.md").read_text(encoding="utf-8").split("```console\n")[1].split("```")[0]
    for line in block.splitlines():
        if line.startswith(("$ ", "> ")):
            typed.append(line[2:])
        else:
            answers.append(line)
    return typed, answers


@pytest.mark.skipif(not all(map(shutil.which, PROGRAMS)), reason=f"needs {', '.join(PROGRAMS)}")
def test_session_in_the_readme_gives_what_it_says() -> None:
    typed, answers = session()
    ended = subprocess.run(["sh"], input="\n".join(typed).encode(), capture_output=True, check=True, timeout=20)
    assert ended.stderr == b""
    assert ended.stdout.decode().splitlines() == answers


def test_session_in_the_readme_gives_the_vectors() -> None:
    _, answers = session()
    item, head = ITEMS[1], VECTORS["heads"][0]
    expected = [item["digest"], item["s"] + item["t"], item["r"], item["leaf"]]
    expected += [VECTORS["trees"][3]["root"], head["statement"], head["head"], head["seals"][1]["seal"]]
    assert set(expected) <= set(answers)
