"""The web verifier's core gives tests/vectors/commitment.json, which a third hand computed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.core.test_vectors import REFUSALS
from tests.independent.forge import pending
from tests.independent.proofs import OTS_MAGIC
from tests.web.conftest import Node

VECTORS: dict[str, Any] = json.loads(Path(__file__).parents[1].joinpath("vectors", "commitment.json").read_bytes())
ITEMS, LEAVES = VECTORS["items"], [item["leaf"] for item in VECTORS["items"]]
ROOTS = {tree["size"]: tree["root"] for tree in VECTORS["trees"]}


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: str(item["index"]))
def test_items(node: Node, item: dict[str, Any]) -> None:
    shown = node({"core": "record", "record": item["record"].encode().hex(), "t": item["t"]})
    assert shown == {"value": [item["record_bytes"], item["r"]]}
    leaf = node({"core": "leaf", **{key: item[key] for key in ("digest", "s", "r")}})
    assert leaf == {"value": item["leaf"]}


def root(node: Node, proof: dict[str, Any]) -> dict[str, Any]:
    shown = [[index, LEAVES[index % len(LEAVES)]] for index in proof["disclosed"]]
    return node({"core": "root", "size": proof["size"], "shown": shown, "hashes": proof["tree_bin"]})


@pytest.mark.parametrize("size", ROOTS)
def test_trees(node: Node, size: int) -> None:
    assert root(node, {"size": size, "disclosed": range(size), "tree_bin": ""}) == {"value": ROOTS[size]}


@pytest.mark.parametrize("proof", VECTORS["multiproofs"], ids=lambda proof: f"{proof['size']} {proof['disclosed']}")
def test_multiproofs(node: Node, proof: dict[str, Any]) -> None:
    assert root(node, proof) == {"value": ROOTS[proof["size"]]}


@pytest.mark.parametrize("proof", VECTORS["refused_multiproofs"])
def test_refused_multiproofs(node: Node, proof: dict[str, Any]) -> None:
    words = REFUSALS[proof["fault"]].split("|")
    assert any(word in root(node, proof)["fault"] for word in words)


@pytest.mark.parametrize("head", VECTORS["heads"], ids=lambda head: str(head["signature"])[:8])
def test_heads_and_seals(node: Node, head: dict[str, Any]) -> None:
    """The seal is where the operations lead that a verifier wants to see."""
    manifest = VECTORS["manifest"]["bytes"]
    found, size = node({"core": "manifest", "data": manifest})["value"]
    assert (found, size) == (ROOTS[size], VECTORS["manifest"]["size"])
    given = {"root": found, "size": size, "manifest": manifest, "signature": head["signature"] or ""}
    assert node({"core": "head", **given}) == {"value": head["head"]}
    for seal in head["seals"]:
        if seal["token"] is None:
            assert seal["seal"] == head["head"]
            continue
        steps = node({"core": "sealing", "token": seal["token"]})["value"]
        written = [f"{step[:2]}{len(step) // 2 - 1:02x}{step[2:]}" if len(step) > 2 else step for step in steps]
        proof = f"{OTS_MAGIC.hex()}0108{head['head']}{''.join(written)}{pending().hex()}"
        assert node({"core": "walk", "proof": proof}) == {"value": [seal["seal"]]}


@pytest.mark.parametrize("item", VECTORS["opentimestamps"]["items"], ids=lambda item: str(item["index"]))
def test_items_proofs_lead_to_the_head(node: Node, item: dict[str, Any]) -> None:
    start = f"{OTS_MAGIC.hex()}0108{ITEMS[item['index']]['digest']}"
    ends = node({"core": "walk", "proof": f"{start}{item['operations']}{pending().hex()}"})
    assert ends == {"value": [VECTORS["heads"][0]["head"]]}
