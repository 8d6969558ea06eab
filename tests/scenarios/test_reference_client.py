"""Beside the reference client `ots` and a real Bitcoin node: what one makes, the other reads, upgrades and verifies."""

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from notary.localnet.calendar import LocalNetwork
from tests.conftest import Notary
from tests.parties.bitcoind import Bitcoind

OTS = Path(sys.executable).with_name("ots")


def ots(
    *arguments: str | Path, network: LocalNetwork, node: Bitcoind | None = None
) -> subprocess.CompletedProcess[str]:
    options = ["--btc-regtest", "--no-cache", "-l", network.uri]
    if node:
        options += ["--bitcoin-node", node.url_with_login]
    command = [str(OTS), *options, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def node(bitcoind: Callable[[], Bitcoind]) -> Bitcoind:
    return bitcoind()


def regtest(network: LocalNetwork) -> list[str]:
    return ["--network", "regtest", "--calendar", network.uri]


@pytest.mark.bitcoind
def test_ots_stamps_and_we_upgrade_and_verify(
    notary: Notary, evidence: Path, local_network: LocalNetwork, node: Bitcoind
) -> None:
    file = evidence / "recipe.txt"
    proof = evidence / "recipe.txt.ots"
    assert ots("stamp", "-c", local_network.uri, "-m", "1", file, network=local_network).returncode == 0

    pending = notary("verify", proof, "--network", "regtest", "--node", node.url_with_login, "--json")
    assert (pending.code, pending.json["verdict"]) == (3, "pending")
    refused = notary("upgrade", proof)
    assert refused.code == 3, "a calendar that nobody allowed was asked"
    assert "--calendar" in refused.err

    height = local_network.mine()
    node.feed(local_network)
    upgraded = notary("upgrade", proof, "--calendar", local_network.uri, "--json")
    assert upgraded.code == 0
    assert upgraded.json["proofs"][0]["attestations"][0]["height"] == height

    verified = notary("verify", proof, "--network", "regtest", "--node", node.url_with_login, "--json")
    assert (verified.code, verified.json["verdict"], verified.json["trust"]) == (0, "verified", "node")
    assert verified.json["attestation"]["block_hash"] == node.call("getblockhash", str(height))
    assert "Success!" in ots("verify", proof, network=local_network, node=node).stderr


@pytest.mark.bitcoind
def test_we_stamp_and_ots_upgrades_and_verifies(
    notary: Notary, evidence: Path, local_network: LocalNetwork, node: Bitcoind
) -> None:
    stamped = notary("stamp", evidence, "--ots", *regtest(local_network), "--json")
    assert stamped.code == 0, stamped.err
    local_network.mine()
    node.feed(local_network)
    files = [path for path in evidence.rglob("*") if path.is_file() and path.suffix != ".ots"]
    assert len(files) == stamped.json["items"]
    for file in files:
        proof = file.with_name(file.name + ".ots")
        assert ots("upgrade", proof, network=local_network).returncode == 0
        checked = ots("verify", proof, network=local_network, node=node)
        assert "Success!" in checked.stderr, checked.stderr
        ours = notary("verify", proof, "--network", "regtest", "--node", node.url_with_login)
        assert ours.code == 0, ours.out + ours.err


@pytest.mark.bitcoind
def test_every_proof_in_a_bundle_is_a_standard_one(
    notary: Notary, evidence: Path, local_network: LocalNetwork, node: Bitcoind, tmp_path: Path
) -> None:
    batch = notary("stamp", evidence, *regtest(local_network), "--json").json["batch"]
    local_network.mine()
    node.feed(local_network)
    upgraded = notary("upgrade", batch, "--node", node.url, "--node-cookie", node.cookie, "--json")
    assert upgraded.code == 0, upgraded.err
    assert notary("export", batch, "-o", "bundle.zip").code == 0
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        bundle.extractall(tmp_path / "out")
    (bag,) = (tmp_path / "out").iterdir()
    proofs = sorted((bag / "proofs").rglob("*.ots"))
    assert len(proofs) == len([path for path in (bag / "data").rglob("*") if path.is_file()])
    for proof in proofs:
        file = bag / "data" / proof.relative_to(bag / "proofs").with_suffix("")
        assert ots("info", proof, network=local_network).returncode == 0
        checked = ots("verify", "-f", file, proof, network=local_network, node=node)
        assert "Success!" in checked.stderr, checked.stderr
        other = ots("verify", "-f", bag / "bagit.txt", proof, network=local_network, node=node)
        assert other.returncode == 1, "the reference client takes any file for this proof"
    head = bag / "notary" / "head.ots"
    checked = ots("verify", "-d", notary("info", head, "--json").json["digest"], head, network=local_network, node=node)
    assert "Success!" in checked.stderr, checked.stderr
    # The bundle verifies without the node too, by the headers that the upgrade has kept.
    alone = notary("verify", "bundle.zip", "--network", "regtest", "--offline", "--json")
    assert (alone.json["verdict"], alone.json["trust"]) == ("verified", "work")


@pytest.mark.bitcoind
def test_a_node_on_another_branch_refutes_the_proof(
    notary: Notary, evidence: Path, local_network: LocalNetwork, bitcoind: Callable[[], Bitcoind]
) -> None:
    batch = notary("stamp", evidence, *regtest(local_network), "--json").json["batch"]
    local_network.mine()
    honest, other = bitcoind(), bitcoind()
    honest.feed(local_network)
    assert notary("upgrade", batch, "--node", honest.url_with_login).code == 0
    assert notary("export", batch, "-o", "bundle.zip").code == 0
    other.call("generatetodescriptor", "120", "raw(51)")
    answer = notary("verify", "bundle.zip", "--network", "regtest", "--node", other.url_with_login, "--json")
    assert (answer.code, answer.json["verdict"]) == (1, "failed")
    assert [check["number"] for check in answer.json["checks"] if check["status"] == "failed"] == [11]


@pytest.mark.bitcoind
def test_too_few_confirmations_are_not_enough(
    notary: Notary, evidence: Path, local_network: LocalNetwork, node: Bitcoind
) -> None:
    batch = notary("stamp", evidence, *regtest(local_network), "--json").json["batch"]
    height = local_network.mine()
    node.feed(local_network)
    assert notary("upgrade", batch, "--node", node.url_with_login).code == 0
    assert notary("export", batch, "-o", "bundle.zip").code == 0
    node.call("invalidateblock", node.call("getblockhash", str(height + 2)))
    options = ("--network", "regtest", "--node", node.url_with_login, "--json")
    assert notary("verify", "bundle.zip", *options).json["trust"] == "work"
    strict = notary("verify", "bundle.zip", *options, "--require", "node")
    assert (strict.code, strict.json["verdict"]) == (3, "unconfirmed")
    assert "2 confirmations" in strict.out


@pytest.mark.bitcoind
def test_a_calendar_that_lies_about_the_block_is_not_believed(
    notary: Notary, evidence: Path, local_network: LocalNetwork, bitcoind: Callable[[], Bitcoind]
) -> None:
    batch = notary("stamp", evidence, *regtest(local_network), "--json").json["batch"]
    local_network.mine()
    node = bitcoind()
    node.call("generatetodescriptor", "120", "raw(51)")  # a chain without the calendar's block
    upgraded = notary("upgrade", batch, "--node", node.url_with_login, "--json")
    assert (upgraded.code, upgraded.json["batches"][0]["status"]) == (3, "pending")
    assert "refused" in upgraded.json["batches"][0]["notes"][0]


@pytest.mark.bitcoind
def test_a_pruned_node_is_enough(
    notary: Notary, evidence: Path, local_network: LocalNetwork, bitcoind: Callable[..., Bitcoind]
) -> None:
    node = bitcoind("-prune=1", "-fastprune")
    batch = notary("stamp", evidence, *regtest(local_network), "--json").json["batch"]
    height = local_network.mine()
    node.feed(local_network)
    node.call("generatetodescriptor", "800", "raw(51)")
    assert int(node.call("pruneblockchain", "400")) > height, "the attested block is still there"
    assert notary("upgrade", batch, "--node", node.url_with_login).code == 0
    assert notary("export", batch, "-o", "bundle.zip").code == 0
    answer = notary("verify", "bundle.zip", "--network", "regtest", "--node", node.url_with_login, "--json").json
    assert (answer["verdict"], answer["trust"]) == ("verified", "node")
