"""A registry that is anchored on regtest: a real Bitcoin node has the block, the reference client reads the proof."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from notary.localnet.calendar import LocalNetwork
from tests.parties.bitcoind import Bitcoind
from tests.registry.claims import examined
from tests.registry.office import ORIGIN, PACKAGE, Office, row, served

OTS = Path(sys.executable).with_name("ots")
SIZE = 3


def ots(*arguments: str | Path, network: LocalNetwork, node: Bitcoind) -> subprocess.CompletedProcess[str]:
    options = ["--btc-regtest", "--no-cache", "-l", network.uri, "--bitcoin-node", node.url_with_login]
    return subprocess.run([str(OTS), *options, *map(str, arguments)], capture_output=True, text=True, timeout=60)


@pytest.mark.bitcoind
def test_a_registry_on_regtest_from_office_to_examiner(
    office: Office, local_network: LocalNetwork, bitcoind: Callable[[], Bitcoind], tmp_path: Path
) -> None:
    node = bitcoind()
    chain = ("--network", "regtest", "--calendar", local_network.uri)
    office.add(map(row, range(SIZE)))
    assert office.done("publish", *chain)["anchors"][0]["status"] == "pending"
    height = local_network.mine()
    node.feed(local_network)
    (anchor,) = office.done("publish", *chain, "--node", node.url, "--node-cookie", node.cookie)["anchors"]
    assert (anchor["status"], [one["height"] for one in anchor["attestations"]]) == ("attested", [height])
    package = tmp_path / "filed.pdf"
    package.write_bytes(PACKAGE)
    office.done("claim", row(1)["number"], "-o", tmp_path / "claim.zip", "--data", package)

    # The reference client, and the node, take the published anchor as it stands.
    anchored = tmp_path / "anchored" / f"{SIZE}.checkpoint"
    shutil.copytree(office.folder / "anchors", anchored.parent)
    checked = ots("verify", anchored.with_name(f"{SIZE}.checkpoint.ots"), network=local_network, node=node)
    assert "Success!" in checked.stderr, checked.stderr
    anchored.write_bytes(anchored.read_bytes() + b"\n")
    altered = ots("verify", anchored.with_name(f"{SIZE}.checkpoint.ots"), network=local_network, node=node)
    assert altered.returncode == 1, "the reference client takes any file for this proof"

    # The examiner has what is published, and the claim.
    folder = tmp_path / "examiner"
    folder.mkdir()
    shutil.copy(tmp_path / "claim.zip", folder)
    examiner = partial(examined, folder)
    trusted = folder / "registries.toml"
    cited = ("--office", "XX", "--number", row(1)["number"])
    with served(office.folder) as address:
        trusted.write_text(
            f'[[registry]]\norigin = "{ORIGIN}"\nurl = "{address}"\nvkey = "{office.vkey}"\noffices = ["XX"]\n'
        )
        assert examiner("registry", "sync", "--registries", trusted).code == 0
    asks_nobody, asks_the_node = ("--offline",), ("--node", node.url_with_login, "--require", "node")
    block = node.call("getblockhash", str(height))
    dates = set()
    for asked, trust in ((asks_nobody, "work"), (asks_the_node, "node")):
        for what in (("claim.zip", "--document", package), cited):
            options = ("--registries", trusted, "--network", "regtest", *asked, "--json")
            answer = examiner("registry", "check", *what, *options)
            assert (answer.code, answer.json["verdict"], answer.json["trust"]) == (0, "verified", trust), answer.out
            found = answer.json["attestation"]
            assert (found["height"], found["block_hash"], found["network"]) == (height, block, "regtest")
            dates.add(answer.json["existed_by"])
    assert len(dates) == 1

    # On another branch of the chain the same node refutes both.
    node.invalidate(block)
    node.mine(120)
    for what in (("claim.zip",), cited):
        options = ("--registries", trusted, "--network", "regtest", "--node", node.url_with_login, "--json")
        answer = examiner("registry", "check", *what, *options)
        failed = {one["number"] for one in answer.json["checks"] if one["status"] == "failed"}
        assert (answer.code, answer.json["verdict"], failed) == (1, "failed", {11})
        assert answer.json["existed_by"] is None
