"""The block that a manifest names, by every source: the embedded chain, a real node, a stored chain, explorers."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from notary.core.header import CONFIRMATIONS
from notary.localnet.calendar import LocalNetwork
from tests.conftest import Notary, Result
from tests.independent.steps import Files
from tests.parties.bitcoind import Bitcoind
from tests.parties.esplora import Esplora, lies, says, shown
from tests.scenarios.bundles import LOCAL, altered, checks, exported, failed, file_of, stamped

DEAD = "http://notary:notary@127.0.0.1:9"


def named(bundle: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(file_of(bundle, "notary/manifest.json"))["not_before"]
    return found


def named_by(notary: Notary, batch: str) -> dict[str, object] | None:
    """What the manifest in the ledger names."""
    with sqlite3.connect(notary.environment["NOTARY_LEDGER"]) as ledger:
        query = "SELECT manifest FROM batches WHERE lower(hex(head)) LIKE ? || '%'"
        (data,) = ledger.execute(query, (batch,)).fetchone()
    found: dict[str, object] | None = json.loads(data).get("not_before")
    return found


def stamp(notary: Notary, evidence: Path, network: LocalNetwork, *more: str) -> Result:
    return notary("stamp", evidence, "--network", "regtest", "--calendar", network.uri, "--json", *more)


def attested(notary: Notary, network: LocalNetwork, batch: str, target: Path, node: Bitcoind | None = None) -> Path:
    network.mine()
    if node:
        node.feed(network)
    address = node.url_with_login if node else network.address.replace("://", "://notary:notary@")
    done = notary("upgrade", batch, "--node", address, "--calendar", network.uri)
    assert done.code == 0, done.err
    return exported(notary, batch, target)


def verify(notary: Notary, bundle: Path, *more: str) -> Result:
    return notary("verify", bundle, "--network", "regtest", "--json", *(more or ("--offline",)))


# -- the embedded chain ---------------------------------------------------------------------------------------------


def test_on_the_embedded_network(notary: Notary, evidence: Path, tmp_path: Path) -> None:
    bundle = exported(notary, stamped(notary, evidence), tmp_path / "a.zip")
    verified = notary("verify", bundle, *LOCAL, "--offline", "--json")
    assert (verified.code, checks(verified)[13]) == (0, "passed")
    attesting = verified.json["attestation"]["height"]
    assert verified.json["not_before"]["height"] == named(bundle)["height"] == attesting - CONFIRMATIONS
    begins, ends = verified.json["not_before"]["date"], verified.json["existed_by"]
    assert begins <= ends
    told = notary("verify", bundle, *LOCAL, "--offline").out
    assert f"Its manifest was made between {begins} and {ends} (UTC)" in told
    again = exported(notary, stamped(notary, evidence), tmp_path / "b.zip")
    assert named(again)["height"] > named(bundle)["height"]  # type: ignore[operator]
    assert notary("verify", again, *LOCAL, "--offline").code == 0


def test_unless_it_is_not_wanted(notary: Notary, evidence: Path, tmp_path: Path) -> None:
    bundle = exported(notary, stamped(notary, evidence, "--no-not-before"), tmp_path / "a.zip")
    assert "not_before" not in json.loads(file_of(bundle, "notary/manifest.json"))
    verified = notary("verify", bundle, *LOCAL, "--offline", "--json")
    assert (verified.code, checks(verified)[13], verified.json["not_before"]) == (0, "skipped", None)


def test_a_header_that_was_taken_away(notary: Notary, evidence: Path, tmp_path: Path) -> None:
    """Of an attesting block that is still there the date stands; of the named one nothing is said."""
    bundle = exported(notary, stamped(notary, evidence), tmp_path / "a.zip")
    first = named(bundle)["height"]
    assert isinstance(first, int)

    def cut(files: Files) -> None:
        index = json.loads(files["notary/headers.json"])
        (run,) = index["runs"]
        assert run["start"] == first
        files["notary/headers.bin"] = files["notary/headers.bin"][80 * CONFIRMATIONS :]
        index["runs"] = [{"start": first + CONFIRMATIONS, "count": run["count"] - CONFIRMATIONS}]
        files["notary/headers.json"] = json.dumps(index).encode()

    verified = notary("verify", altered(bundle, tmp_path / "b.zip", cut), *LOCAL, "--offline", "--json")
    assert (verified.code, checks(verified)[13], verified.json["not_before"]) == (0, "skipped", None)
    assert "made between" not in notary("verify", tmp_path / "b.zip", *LOCAL, "--offline").out


def test_the_manifest_cannot_name_another_one_later(notary: Notary, evidence: Path, tmp_path: Path) -> None:
    bundle = exported(notary, stamped(notary, evidence), tmp_path / "a.zip")

    def change(files: Files) -> None:
        stated = json.loads(files["notary/manifest.json"])
        del stated["not_before"]
        files["notary/manifest.json"] = json.dumps(stated).encode()

    result = notary("verify", altered(bundle, tmp_path / "b.zip", change), *LOCAL, "--offline", "--json")
    assert (result.code, failed(result)) == (1, {8})


# -- a real node ------------------------------------------------------------------------------------------------------


@pytest.fixture
def node(bitcoind: Callable[[], Bitcoind], local_network: LocalNetwork) -> Bitcoind:
    """It has the embedded network's blocks."""
    started = bitcoind()
    started.feed(local_network)
    return started


@pytest.mark.bitcoind
def test_by_a_real_node(
    notary: Notary, evidence: Path, tmp_path: Path, local_network: LocalNetwork, node: Bitcoind
) -> None:
    notary.environment["NOTARY_NODE"] = node.url_with_login
    tip = int(node.call("getblockcount"))
    done = stamp(notary, evidence, local_network)
    assert done.code == 0, done.err
    block = named_by(notary, done.json["batch"])
    height = tip - CONFIRMATIONS + 1
    assert block == {"network": "regtest", "height": height, "hash": node.call("getblockhash", str(height))}
    bundle = attested(notary, local_network, done.json["batch"], tmp_path / "a.zip", node)
    for more in (("--offline",), ("--node", node.url_with_login)):
        verified = verify(notary, bundle, *more)
        assert (verified.code, checks(verified)[13]) == (0, "passed")
    assert verified.json["not_before"]["trust"] == "node"


@pytest.mark.bitcoind
def test_a_false_hash_is_found_out_by_a_node(
    notary: Notary,
    evidence: Path,
    tmp_path: Path,
    local_network: LocalNetwork,
    node: Bitcoind,
    bitcoind: Callable[[], Bitcoind],
) -> None:
    """Two explorers show another chain: what they say is named, and refuted by whoever has a node."""
    other = bitcoind()
    other.mine(60)
    with Esplora(other.headers()) as one, Esplora(other.headers()) as two:
        notary.environment |= {"NOTARY_EXPLORERS": f"{one.url},{two.url}"}
        done = stamp(notary, evidence, local_network)
    assert done.code == 0, done.err
    notary.environment["NOTARY_EXPLORERS"] = ""
    block = named_by(notary, done.json["batch"])
    assert block is not None
    assert block["hash"] == other.call("getblockhash", str(block["height"]))
    assert block["height"] == 60 - CONFIRMATIONS + 1
    bundle = attested(notary, local_network, done.json["batch"], tmp_path / "a.zip", node)
    result = verify(notary, bundle, "--node", node.url_with_login)
    assert (result.code, failed(result), result.json["not_before"]) == (1, {13}, None)


@pytest.mark.bitcoind
def test_a_block_above_the_attesting_one(
    notary: Notary,
    evidence: Path,
    tmp_path: Path,
    local_network: LocalNetwork,
    node: Bitcoind,
    bitcoind: Callable[[], Bitcoind],
) -> None:
    other = bitcoind()
    other.mine(150)
    with Esplora(other.headers()) as one, Esplora(other.headers()) as two:
        notary.environment |= {"NOTARY_EXPLORERS": f"{one.url},{two.url}"}
        done = stamp(notary, evidence, local_network)
    notary.environment["NOTARY_EXPLORERS"] = ""
    bundle = attested(notary, local_network, done.json["batch"], tmp_path / "a.zip", node)
    for more in (("--offline",), ("--node", node.url_with_login)):
        result = verify(notary, bundle, *more)
        assert (result.code, failed(result)) == (1, {13})
    (check,) = (one for one in result.json["checks"] if one["number"] == 13)
    assert "anchored in block" in check["found"]


# -- explorers --------------------------------------------------------------------------------------------------------


def headers_of(network: LocalNetwork, genesis: bytes) -> list[bytes]:
    return [genesis, *(block[:80] for block in network.blocks())]


@pytest.fixture
def chain(local_network: LocalNetwork) -> list[bytes]:
    from notary.core.header import NETWORKS

    return headers_of(local_network, NETWORKS["regtest"].genesis)


def test_by_explorers(notary: Notary, evidence: Path, local_network: LocalNetwork, chain: list[bytes]) -> None:
    with Esplora(chain) as one, Esplora(chain) as two:
        notary.environment["NOTARY_EXPLORERS"] = f"{one.url},{two.url}"
        done = stamp(notary, evidence, local_network)
        assert done.code == 0, done.err
        height = len(chain) - CONFIRMATIONS
        assert named_by(notary, done.json["batch"]) == {
            "network": "regtest",
            "height": height,
            "hash": shown(chain[height]),
        }
        assert any("/blocks/tip/height" in path for path in one.requests)
        asked = len(one.requests), len(two.requests)
        done = stamp(notary, evidence, local_network, "--no-not-before")
        assert done.code == 0
        assert named_by(notary, done.json["batch"]) is None
        assert (len(one.requests), len(two.requests)) == asked, "somebody was asked"


@pytest.mark.parametrize(
    "how", ["says that the chain is longer", "shows another block", "is silent", "says nonsense", "is of another chain"]
)
def test_one_explorer_that_lies_decides_nothing(
    notary: Notary, evidence: Path, local_network: LocalNetwork, chain: list[bytes], how: str
) -> None:
    height = len(chain) - CONFIRMATIONS
    liar = {
        "says that the chain is longer": Esplora([*chain, *chain[1:]]),
        "shows another block": Esplora(chain, behaviour=lies(height, [chain[5]])),
        "is silent": Esplora(chain, behaviour=says(503, "later")),
        "says nonsense": Esplora(chain, behaviour=says(200, "99999999999999999999")),
        "is of another chain": Esplora([chain[1], *chain[1:]]),
    }[how]
    with liar, Esplora(chain) as honest:
        notary.environment["NOTARY_EXPLORERS"] = f"{liar.url},{honest.url}"
        done = stamp(notary, evidence, local_network)
    assert done.code == 0, done.err
    block = named_by(notary, done.json["batch"])
    if how == "says that the chain is longer":
        assert block is not None
        assert block["hash"] == shown(chain[height])
    else:
        assert block is None
        assert "the manifest names no block" in done.err


def test_two_of_three_are_enough(
    notary: Notary, evidence: Path, local_network: LocalNetwork, chain: list[bytes]
) -> None:
    for liar in (Esplora([*chain, *chain[1:]]), Esplora(chain[:20]), Esplora(chain, behaviour=says(503, ""))):
        with liar, Esplora(chain) as one, Esplora(chain) as two:
            notary.environment["NOTARY_EXPLORERS"] = f"{one.url},{liar.url},{two.url}"
            done = stamp(notary, evidence, local_network)
        block = named_by(notary, done.json["batch"])
        assert block is not None
        assert block["hash"] == shown(chain[len(chain) - CONFIRMATIONS])


# -- nobody -----------------------------------------------------------------------------------------------------------


def test_without_any_network(notary: Notary, evidence: Path, local_network: LocalNetwork) -> None:
    notary.environment |= {"NOTARY_NODE": DEAD, "NOTARY_EXPLORERS": "http://127.0.0.1:9/api,http://127.0.0.1:8/api"}
    done = notary("stamp", evidence, "--network", "regtest", "--calendar", "http://127.0.0.1:7", "--json")
    assert (done.code, done.json["status"]) == (3, "queued")
    assert named_by(notary, done.json["batch"]) is None
    assert done.err.count("the manifest names no block: ") >= 2, "one line for the node, one for the explorers"
    assert "notary:notary" not in done.err


def test_nobody_to_ask(notary: Notary, evidence: Path, local_network: LocalNetwork) -> None:
    done = stamp(notary, evidence, local_network)
    assert (done.code, named_by(notary, done.json["batch"])) == (0, None)


# -- a stored chain ---------------------------------------------------------------------------------------------------


@pytest.mark.bitcoind
def test_a_stored_chain_and_a_stale_one(
    notary: Notary, evidence: Path, local_network: LocalNetwork, bitcoind: Callable[[], Bitcoind]
) -> None:
    from time import time

    peer = bitcoind()
    now = int(time())
    peer.call("setmocktime", str(now - 3 * 86_400))
    peer.mine(30)
    synced = notary("headers", "sync", "--network", "regtest", "--peer", peer.p2p)
    assert synced.code == 0, synced.err
    height = 30 - CONFIRMATIONS + 1
    done = stamp(notary, evidence, local_network)
    block = named_by(notary, done.json["batch"])
    assert block is not None, "a stale chain is better than none"
    assert block["hash"] == peer.call("getblockhash", str(height))

    with Esplora(local := [*peer.headers()]) as one, Esplora(local) as two:
        notary.environment["NOTARY_EXPLORERS"] = f"{one.url},{two.url}"
        assert stamp(notary, evidence, local_network).code == 0
        assert one.requests, "nobody was asked for newer headers than those of three days ago"
        asked = len(one.requests)
        peer.call("setmocktime", str(now))
        peer.mine(10)
        assert notary("headers", "sync", "--network", "regtest", "--peer", peer.p2p).code == 0
        done = stamp(notary, evidence, local_network)
        assert len(one.requests) == asked, "explorers were asked although the stored chain is fresh"
    block = named_by(notary, done.json["batch"])
    assert block is not None
    assert block["height"] == 40 - CONFIRMATIONS + 1
