"""Whose word counts for a block: a node, the stored chain, a bundle's headers, explorers; and what no forgery reaches.

The blocks are those of a real node on regtest. Nothing outside this machine is asked.
"""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from notary import limits
from notary.cli.app import run
from notary.core.facts import Facts, Files, Policy
from notary.core.header import NETWORKS, Header, Trust
from notary.core.ots import Attestation, Kind, Proof, sha256_step, write_steps
from notary.core.verdict import Outcome, judge
from notary.edges.checkpoints import shipped_checkpoints
from notary.edges.header_files import HeaderRuns
from notary.edges.header_store import HeaderStore
from notary.headers import HeaderSources
from notary.localnet.calendar import running
from notary.sighting import sightings_for
from tests.conftest import SHARED_DATA, Notary, Result, now
from tests.core.blocks import REAL
from tests.edges.rude_server import RudeServer, reply
from tests.independent.forge import bitcoin, forge, write_zip
from tests.parties import esplora
from tests.parties.bitcoind import Bitcoind
from tests.parties.esplora import Esplora, lies, shown
from tests.parties.peer import REGTEST, Peer, mine_chain

LEVELS = ("work", "checkpoint", "explorers", "chain", "node")
LAST_CHECKPOINT = shipped_checkpoints(NETWORKS["bitcoin"]).last_height
ON_REGTEST = ("--network", "regtest", "--json")
HEIGHT = 101
"""Of the block that attests, the first that the embedded network adds to its funding blocks. Five are upon it."""

DEAD = "http://127.0.0.1:9/api"


def here(notary: Notary, *arguments: str | Path) -> Result:
    """The command within this process: quicker, and with limits as a test sets them."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, notary.environment, clear=True),
        chdir(notary.folder),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = run([*map(str, arguments)])
    assert "a fault in notary" not in err.getvalue(), err.getvalue()
    return Result(code, out.getvalue(), err.getvalue())


def check(answer: Result, number: int) -> Any:
    return next(one for one in answer.json["checks"] if one["number"] == number)


def told(answer: Result) -> str:
    """All that is said of headers: what was tried in vain, and checks 11 and 12."""
    return "; ".join([*answer.json["tried"], check(answer, 11)["found"], check(answer, 12)["found"]])


def said(answer: Result) -> tuple[int, str, str]:
    """The exit code, the verdict and the trust."""
    return answer.code, answer.json["verdict"], answer.json["trust"]


def unconfirmed(answer: Result) -> bool:
    return (answer.code, answer.json["verdict"], answer.json["existed_by"]) == (3, "unconfirmed", None)


@dataclass(frozen=True)
class World:
    """What somebody has at hand: a file with its proof, a bundle of it, and a ledger; and a node with the blocks."""

    node: Bitcoind
    headers: list[bytes]
    folder: Path
    batch: str

    @property
    def proof(self) -> Path:
        return self.folder / "deed.txt.ots"

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle.zip"

    def branch(self, salt: int = 0) -> list[bytes]:
        """Thirty other blocks in place of the attesting one and those upon it."""
        clock = int.from_bytes(self.headers[HEIGHT][68:72], "little")
        return mine_chain(30, after=self.headers[HEIGHT - 1], time=clock + 1 + salt, step=1)


def made(node: Bitcoind, folder: Path) -> World:
    notary = Notary(folder)
    (folder / "deed.txt").write_text("A deed.\n")
    with running(folder / "network", now, os.urandom) as network:
        stamp = ("stamp", "deed.txt", "--ots", *ON_REGTEST, "--calendar", network.uri)
        batch: str = here(notary, *stamp).json["batch"]
        assert network.mine() == HEIGHT
        node.feed(network)
        assert here(notary, "upgrade", batch, "--node", node.url_with_login).code == 0
    assert here(notary, "export", batch, "-o", "bundle.zip").code == 0
    return World(node, node.headers(), folder, batch)


@pytest.fixture(scope="module")
def world(bitcoind: Callable[[], Bitcoind], tmp_path_factory: pytest.TempPathFactory) -> World:
    return made(bitcoind(), tmp_path_factory.mktemp("world"))


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EXCHANGE_SECONDS", 0.6)
    monkeypatch.setattr(limits, "READ_SECONDS", 0.5)
    monkeypatch.setattr(limits, "CONNECT_SECONDS", 0.5)


# -- explorers ------------------------------------------------------------------------------------------------------

ASK_EXPLORERS = (*ON_REGTEST, "--require", "explorers")


@pytest.fixture
def explorers(world: World) -> Iterator[list[Esplora]]:
    """Three honest ones, until a test tells them otherwise."""
    with ExitStack() as stack:
        yield [stack.enter_context(Esplora(world.headers)) for _ in range(3)]


def name(explorer: Esplora) -> str:
    return explorer.url.removeprefix("http://").removesuffix("/api")


def ask(notary: Notary, explorers: Sequence[Esplora | str]) -> None:
    """Settles whom to ask."""
    urls = (one if isinstance(one, str) else one.url for one in explorers)
    notary.environment["NOTARY_EXPLORERS"] = " ".join(urls)


@pytest.mark.bitcoind
def test_three_honest_explorers(notary: Notary, world: World, explorers: list[Esplora]) -> None:
    ask(notary, explorers)
    answer = notary("verify", world.proof, *ASK_EXPLORERS)
    assert said(answer) == (0, "verified", "explorers"), answer.out
    clocks = [int.from_bytes(one[68:72], "little") for one in world.headers[HEIGHT : HEIGHT + 12]]
    day = datetime.fromtimestamp(max(clocks), UTC) + timedelta(hours=2)
    assert answer.json["existed_by"] == f"{day:%Y-%m-%d}"
    attestation = answer.json["attestation"]
    assert attestation["height"] == HEIGHT
    assert attestation["block_hash"] == world.node.call("getblockhash", str(HEIGHT))
    assert attestation["source"].startswith("3 of 3 explorers")
    assert all(name(one) in attestation["source"] for one in explorers)
    words = notary("verify", world.proof, *ASK_EXPLORERS[:2], "--require", "explorers").out
    assert "given alike by 3 of 3 explorers" in words
    assert "TEST NETWORK" in words
    for one in explorers:  # no more than the numbers and the hashes of blocks
        assert all(path.startswith(("/api/block-height/", "/api/block/")) for path in one.requests)
        assert "/api/block-height/0" in one.requests, "which chain it shows was not asked"


@pytest.mark.bitcoind
def test_one_explorer_lies(notary: Notary, world: World, explorers: list[Esplora]) -> None:
    liar = explorers[1]
    liar.behaviour = lies(HEIGHT, world.branch())
    ask(notary, explorers)
    answer = here(notary, "verify", world.proof, *ASK_EXPLORERS)
    assert said(answer) == (0, "verified", "explorers")
    assert f"{name(liar)} says {shown(world.branch()[0])}" in told(answer)


@pytest.mark.bitcoind
def test_two_different_liars_and_an_honest_one(notary: Notary, world: World, explorers: list[Esplora]) -> None:
    branches = {0: world.branch(), 2: world.branch(77)}
    for at, branch in branches.items():
        explorers[at].behaviour = lies(HEIGHT, branch)
    ask(notary, explorers)
    answer = here(notary, "verify", world.proof, *ASK_EXPLORERS)
    assert unconfirmed(answer)
    words = here(notary, "verify", world.proof, "--network", "regtest", "--require", "explorers").out
    assert "the explorers disagree about block 101" in words
    for at, header in ((0, branches[0][0]), (1, world.headers[HEIGHT]), (2, branches[2][0])):
        assert f"{name(explorers[at])} says {shown(header)}" in words


@pytest.mark.bitcoind
def test_as_many_liars_as_honest_ones_decide_nothing(notary: Notary, world: World, explorers: list[Esplora]) -> None:
    """Two against two: whichever stands first in the list, neither is what the explorers say."""
    with Esplora(world.headers) as fourth:
        for liar in explorers[:2]:
            liar.behaviour = lies(HEIGHT, world.branch())
        for order in ([*explorers, fourth], [fourth, *reversed(explorers)]):
            ask(notary, order)
            assert unconfirmed(here(notary, "verify", world.proof, *ASK_EXPLORERS))


@pytest.mark.bitcoind
def test_one_explorer_is_down(notary: Notary, world: World, explorers: list[Esplora]) -> None:
    ask(notary, [explorers[0], DEAD, explorers[2]])
    answer = here(notary, "verify", world.proof, *ASK_EXPLORERS)
    assert said(answer) == (0, "verified", "explorers")
    ask(notary, [explorers[0], DEAD, "http://127.0.0.1:7/api"])
    answer = here(notary, "verify", world.proof, *ASK_EXPLORERS)
    assert unconfirmed(answer)
    found = told(answer)
    assert "1 of 3 explorers gave block 101, and 2 have to agree" in found
    assert "127.0.0.1:9 could not be reached" in found


@pytest.mark.bitcoind
def test_redirects_are_not_followed(notary: Notary, world: World, explorers: list[Esplora]) -> None:
    with Esplora(world.headers) as elsewhere:
        explorers[0].behaviour = lambda one: one.reply(302, "", f"Location: {elsewhere.url}{one.path[4:]}")
        ask(notary, explorers)
        answer = here(notary, "verify", world.proof, *ASK_EXPLORERS)
        assert said(answer) == (0, "verified", "explorers")
        assert answer.json["attestation"]["source"].startswith("2 of 3")
        assert elsewhere.requests == []


@pytest.mark.bitcoind
@pytest.mark.usefixtures("impatience")
@pytest.mark.parametrize("how", esplora.MISBEHAVIOURS)
def test_a_misbehaving_explorer_is_one_voice_less(
    notary: Notary, world: World, explorers: list[Esplora], how: str
) -> None:
    explorers[0].behaviour = esplora.MISBEHAVIOURS[how]
    ask(notary, explorers)
    answer = here(notary, "verify", world.proof, *ASK_EXPLORERS)
    assert said(answer) == (0, "verified", "explorers"), check(answer, 12)
    assert answer.json["attestation"]["source"].startswith("2 of 3")

    explorers[1].behaviour = esplora.MISBEHAVIOURS[how]
    answer = here(notary, "verify", world.proof, *ASK_EXPLORERS)
    assert unconfirmed(answer)
    found = told(answer)
    assert all(name(one) in found for one in explorers), "who said what is not told"
    assert found.isprintable()
    assert len(found) < 2000
    for one in explorers[:2]:
        assert one.sent < 20_000_000


@pytest.mark.bitcoind
def test_how_many_explorers_have_to_agree(notary: Notary, world: World, explorers: list[Esplora]) -> None:
    ask(notary, explorers)
    notary.environment["NOTARY_MIN_EXPLORERS"] = "3"
    assert said(here(notary, "verify", world.proof, *ASK_EXPLORERS)) == (0, "verified", "explorers")
    ask(notary, [*explorers[:2], DEAD])
    assert unconfirmed(here(notary, "verify", world.proof, *ASK_EXPLORERS))
    notary.environment["NOTARY_MIN_EXPLORERS"] = "4"
    before = [list(one.requests) for one in explorers]
    refused = here(notary, "verify", world.proof, *ASK_EXPLORERS)
    assert refused.code == 2
    assert "4 explorers have to agree, and there are 3 to ask" in refused.err
    assert [one.requests for one in explorers] == before
    assert here(notary, "verify", world.proof, *ASK_EXPLORERS, "--offline").code == 3


@pytest.mark.bitcoind
def test_the_same_explorer_twice_is_one(notary: Notary, world: World, explorers: list[Esplora]) -> None:
    one = explorers[0]
    ask(notary, [one, f"{one.url}/", DEAD])
    answer = here(notary, "verify", world.proof, *ASK_EXPLORERS)
    assert unconfirmed(answer)
    assert "1 of 2 explorers" in told(answer)
    ask(notary, [one, f"{one.url}/"])
    assert here(notary, "verify", world.proof, *ASK_EXPLORERS).code == 2


@pytest.mark.bitcoind
def test_an_explorer_of_another_chain_is_not_believed(notary: Notary, world: World, explorers: list[Esplora]) -> None:
    foreign = [REAL[0].raw, *world.headers[1:]]
    with Esplora(foreign) as first, Esplora(foreign) as second:
        ask(notary, [first, second, explorers[0]])
        answer = here(notary, "verify", world.proof, *ASK_EXPLORERS)
        assert unconfirmed(answer)
        assert f"{name(first)} does not show the network regtest" in told(answer)


@pytest.mark.bitcoind
def test_a_block_beyond_the_explorers_chain(notary: Notary, world: World) -> None:
    with ExitStack() as stack:
        ask(notary, [stack.enter_context(Esplora(world.headers[:HEIGHT])) for _ in range(3)])
        answer = here(notary, "verify", world.proof, *ASK_EXPLORERS)
    assert unconfirmed(answer)
    assert "has no such block" in told(answer)


@pytest.mark.bitcoind
@pytest.mark.parametrize("require", ["work", "explorers"])
def test_explorers_that_agree_on_another_block_refute_the_proof(
    notary: Notary, world: World, explorers: list[Esplora], require: str
) -> None:
    for one in explorers:
        one.behaviour = lies(HEIGHT, world.branch())
    ask(notary, explorers)
    answer = here(notary, "verify", world.proof, *ON_REGTEST, "--require", require)
    assert (answer.code, answer.json["verdict"], answer.json["existed_by"]) == (1, "failed", None)
    assert [one["number"] for one in answer.json["checks"] if one["status"] == "failed"] == [11]


@pytest.mark.bitcoind
def test_explorers_are_not_asked_where_others_do(notary: Notary, world: World, explorers: list[Esplora]) -> None:
    ask(notary, explorers)
    by_bundle = here(notary, "verify", world.bundle, *ON_REGTEST)
    assert said(by_bundle) == (0, "verified", "work")
    by_node = here(notary, "verify", world.proof, *ON_REGTEST, "--node", world.node.url_with_login)
    assert said(by_node) == (0, "verified", "node")
    assert here(notary, "headers", "sync", *ON_REGTEST, "--peer", world.node.p2p).code == 0
    for require in ("work", "explorers", "chain"):
        by_chain = here(notary, "verify", world.proof, *ON_REGTEST, "--require", require)
        assert said(by_chain) == (0, "verified", "chain")
    above = here(notary, "verify", world.proof, *ON_REGTEST, "--require", "node")
    assert unconfirmed(above), "whoever asks for a node has no use for explorers"
    assert here(notary, "verify", world.proof, *ASK_EXPLORERS, "--offline").code == 0
    assert [one.requests for one in explorers] == [[], [], []]


# -- the stored chain -----------------------------------------------------------------------------------------------

ASK_CHAIN = (*ON_REGTEST, "--require", "chain")


def synced(notary: Notary, headers: list[bytes]) -> None:
    with Peer(headers, REGTEST) as peer:
        done = here(notary, "headers", "sync", *ON_REGTEST, "--peer", peer.address)
    assert (done.code, peer.complaints) == (0, []), done.err


@pytest.mark.bitcoind
def test_the_stored_chain_of_a_real_node(notary: Notary, world: World) -> None:
    alone = notary("verify", world.proof, *ASK_CHAIN)
    assert unconfirmed(alone)
    done = notary("headers", "sync", "--network", "regtest", "--peer", world.node.p2p, "--json")
    assert (done.code, done.json["height"]) == (0, HEIGHT + 5)
    for target in (world.proof, world.bundle):
        answer = notary("verify", target, *ASK_CHAIN)
        assert said(answer) == (0, "verified", "chain"), answer.out
        assert answer.json["attestation"]["block_hash"] == world.node.call("getblockhash", str(HEIGHT))
    assert here(notary, "verify", world.proof, *ASK_CHAIN, "--offline").code == 0


@pytest.mark.bitcoind
def test_one_peer_is_no_peers(notary: Notary, world: World) -> None:
    synced(notary, world.headers)
    assert "1 peers" not in told(here(notary, "verify", world.proof, *ASK_CHAIN))


@pytest.mark.bitcoind
def test_how_deep_in_the_stored_chain(notary: Notary, world: World) -> None:
    synced(notary, world.headers[: HEIGHT + 5])
    answer = here(notary, "verify", world.proof, *ASK_CHAIN)
    assert unconfirmed(answer)
    assert "5 confirmations; 6 are asked for" in told(answer)
    assert said(here(notary, "verify", world.proof, *ON_REGTEST)) == (0, "verified", "work")
    notary.environment["NOTARY_CONFIRMATIONS"] = "2"
    assert said(here(notary, "verify", world.proof, *ASK_CHAIN)) == (0, "verified", "chain")

    synced(notary, world.headers)
    notary.environment["NOTARY_CONFIRMATIONS"] = "7"
    answer = here(notary, "verify", world.proof, *ASK_CHAIN)
    assert unconfirmed(answer)
    assert "6 confirmations; 7 are asked for" in told(answer)
    notary.environment["NOTARY_CONFIRMATIONS"] = ""
    assert said(here(notary, "verify", world.proof, *ASK_CHAIN)) == (0, "verified", "chain")


@pytest.mark.bitcoind
def test_a_chain_that_was_only_imported(notary: Notary, world: World) -> None:
    flat = notary.folder / "flat.headers"
    flat.write_bytes(b"".join(world.headers))
    assert here(notary, "headers", "import", flat, "--network", "regtest").code == 0
    answer = here(notary, "verify", world.proof, *ASK_CHAIN)
    assert unconfirmed(answer)
    assert answer.json["trust"] == "work"
    assert "no peer was heard" in told(answer)


@pytest.mark.bitcoind
def test_what_was_imported_beyond_what_peers_had_makes_nothing_deeper(notary: Notary, world: World) -> None:
    synced(notary, world.headers[: HEIGHT + 3])
    flat = notary.folder / "flat.headers"
    flat.write_bytes(b"".join(world.headers))
    assert here(notary, "headers", "import", flat, "--network", "regtest").code == 0
    answer = here(notary, "verify", world.proof, *ASK_CHAIN)
    assert unconfirmed(answer)
    assert "3 confirmations" in told(answer)


@pytest.mark.bitcoind
@pytest.mark.parametrize("place", [36, 4, 0, 79, 80 + 40, 3 * 80 + 70])
def test_a_damaged_store_proves_and_refutes_nothing(notary: Notary, world: World, place: int) -> None:
    synced(notary, world.headers)
    store = notary.folder / "ledger" / "headers" / "regtest.headers"
    data = bytearray(store.read_bytes())
    data[80 * HEIGHT + place] ^= 0x10
    store.write_bytes(data)
    answer = here(notary, "verify", world.proof, *ASK_CHAIN)
    assert unconfirmed(answer), answer.out
    assert "notary headers sync" in answer.out
    assert store.read_bytes() == data, "verifying changed something"
    assert said(here(notary, "verify", world.bundle, *ON_REGTEST)) == (0, "verified", "work")
    synced(notary, world.headers)
    assert said(here(notary, "verify", world.proof, *ASK_CHAIN)) == (0, "verified", "chain")


@pytest.mark.bitcoind
@pytest.mark.parametrize("size", [0, 1, 80, 80 * HEIGHT, 80 * HEIGHT + 79, 80 * (HEIGHT + 1)])
def test_a_store_that_was_cut_off(notary: Notary, world: World, size: int) -> None:
    synced(notary, world.headers)
    store = notary.folder / "ledger" / "headers" / "regtest.headers"
    store.write_bytes(store.read_bytes()[:size])
    assert unconfirmed(here(notary, "verify", world.proof, *ASK_CHAIN))


@pytest.mark.bitcoind
def test_a_store_of_another_network_is_none(notary: Notary, world: World) -> None:
    synced(notary, world.headers)
    folder = notary.folder / "ledger" / "headers"
    for end in (".headers", ".heard"):
        shutil.copy(folder / f"regtest{end}", folder / f"bitcoin{end}")
    for require in LEVELS:
        answer = here(notary, "verify", world.proof, "--require", require, "--json")
        assert unconfirmed(answer)


# -- a node, and who comes first ------------------------------------------------------------------------------------


@pytest.mark.bitcoind
def test_how_deep_in_the_nodes_chain(notary: Notary, world: World) -> None:
    options = (*ON_REGTEST, "--require", "node", "--node", world.node.url_with_login)
    assert said(here(notary, "verify", world.proof, *options)) == (0, "verified", "node")
    tip = world.node.call("getblockhash", str(HEIGHT + 5))
    world.node.invalidate(tip)
    try:
        answer = here(notary, "verify", world.proof, *options)
        assert unconfirmed(answer)
        assert "5 confirmations; 6 are asked for" in told(answer)
        notary.environment["NOTARY_CONFIRMATIONS"] = "5"
        assert said(here(notary, "verify", world.proof, *options)) == (0, "verified", "node")
    finally:
        world.node.call("reconsiderblock", tip)


@pytest.mark.bitcoind
def test_the_node_comes_first_then_the_stored_chain_then_the_bundle(notary: Notary, world: World) -> None:
    def source() -> tuple[str, str]:
        answer = here(notary, "verify", world.bundle, *ON_REGTEST)
        assert answer.code == 0
        return answer.json["trust"], answer.json["attestation"]["source"]

    assert source() == ("work", "the bundle's own headers")
    synced(notary, world.headers)
    trust, whose = source()
    assert (trust, whose[:16]) == ("chain", "the stored chain")
    notary.environment["NOTARY_NODE"] = world.node.url_with_login
    assert source() == ("node", f"the node {world.node.url}")
    notary.environment["NOTARY_NODE"] = "http://u:secret@127.0.0.1:9"
    trust, whose = source()
    assert (trust, whose[:16]) == ("chain", "the stored chain")


@pytest.mark.bitcoind
def test_options_before_variables_before_the_file(notary: Notary, world: World) -> None:
    settings = notary.folder / "configuration" / "notary" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('node = "http://u:p@127.0.0.1:9"\nconfirmations = 7\nnetwork = "regtest"\n')
    good, dead = world.node.url_with_login, "http://u:p@127.0.0.1:9"
    options = ("verify", world.proof, "--json", "--require", "node")
    assert unconfirmed(here(notary, *options, "--node", good)), "seven confirmations are asked for"
    notary.environment["NOTARY_CONFIRMATIONS"] = "6"
    assert said(here(notary, *options, "--node", good)) == (0, "verified", "node")
    assert unconfirmed(here(notary, *options))
    notary.environment["NOTARY_NODE"] = good
    assert said(here(notary, *options)) == (0, "verified", "node")
    assert unconfirmed(here(notary, *options, "--node", dead))
    notary.environment["NOTARY_NETWORK"] = "bitcoin"
    assert unconfirmed(here(notary, *options))
    assert said(here(notary, *options, "--network", "regtest")) == (0, "verified", "node")
    settings.write_text(f'node = "{good}"\nnetwork = "regtest"\n')
    del notary.environment["NOTARY_NETWORK"], notary.environment["NOTARY_NODE"]
    assert said(here(notary, *options)) == (0, "verified", "node")
    settings.write_text(f'node = "{world.node.url}"\nnetwork = "regtest"\nnode_cookie = "a-cookie"\n')
    (settings.parent / "a-cookie").write_text(world.node.cookie.read_text())
    assert said(here(notary, *options)) == (0, "verified", "node"), "a path in the file begins at the file's folder"


@pytest.mark.bitcoind
def test_a_required_trust_that_is_settled_is_not_meant_for_test_networks(notary: Notary, world: World) -> None:
    notary.environment["NOTARY_REQUIRE"] = "node"
    answer = here(notary, "verify", world.bundle, *ON_REGTEST)
    assert (*said(answer), answer.json["required_trust"]) == (0, "verified", "work", "work")
    assert unconfirmed(here(notary, "verify", world.bundle, *ON_REGTEST, "--require", "node"))
    assert here(notary, "verify", world.proof, "--json").json["required_trust"] == "node"


# -- forgeries ------------------------------------------------------------------------------------------------------


FORGED_HEIGHTS = (HEIGHT, LAST_CHECKPOINT - 2016, LAST_CHECKPOINT - 1, LAST_CHECKPOINT, LAST_CHECKPOINT + 1, 2_000_000)


@pytest.mark.parametrize("height", FORGED_HEIGHTS)
@pytest.mark.parametrize("bits", [0x207FFFFF, 0x1D00FFFF, 0x17023F00])
def test_our_own_chain_is_not_bitcoins(notary: Notary, tmp_path: Path, height: int, bits: int) -> None:
    """A bundle with nothing wrong in it but that its blocks are of a chain of ours."""
    index = {"network": "bitcoin", "runs": [{"start": height, "count": 14}]}
    files = forge(
        manifest={"network": "bitcoin"},
        proof=b"\x08" + bitcoin(height),
        clocks=tuple(1_795_219_200 + 600 * at for at in range(14)),
        mining={"bits": bits},
        more={"notary/headers.json": json.dumps(index).encode()},
    )
    bundle = write_zip(tmp_path / "forged.zip", files)
    for require in LEVELS:
        answer = here(notary, "verify", bundle, "--require", require, "--json")
        assert (answer.code, answer.json["verdict"], answer.json["existed_by"]) == (1, "failed", None)
        assert answer.json["trust"] == "none"
        assert [one["number"] for one in answer.json["checks"] if one["status"] == "failed"] == [11]


def test_the_same_forgery_on_its_own_network_is_sound(notary: Notary, tmp_path: Path) -> None:
    """So that the test before this one fails for the reason that it names."""
    bundle = write_zip(tmp_path / "sound.zip", forge())
    assert said(here(notary, "verify", bundle, "--network", "local", "--json")) == (0, "verified", "work")


@pytest.mark.bitcoind
@pytest.mark.parametrize("start", FORGED_HEIGHTS)
def test_headers_that_only_say_they_are_bitcoins(notary: Notary, world: World, start: int) -> None:
    """A plain proof names no network: the headers beside it do."""
    runs = [{"start": start, "count": 6}, {"start": HEIGHT, "count": 6}]
    (notary.folder / "headers.bin").write_bytes(b"".join(world.headers[HEIGHT:]) * 2)
    (notary.folder / "headers.json").write_text(json.dumps({"network": "bitcoin", "runs": runs}))
    (notary.folder / "flat").write_bytes(b"".join(world.headers))
    for file in ("headers.bin", "flat"):
        for require in LEVELS:
            answer = here(notary, "verify", world.proof, "--headers", file, "--require", require, "--json")
            assert answer.code in (1, 3)
            assert answer.json["trust"] == "none"
            assert answer.json["existed_by"] is None


LOOSE = {
    "NOTARY_REQUIRE": "work",
    "NOTARY_CONFIRMATIONS": "1",
    "NOTARY_MIN_EXPLORERS": "1",
    "NOTARY_MIN_CALENDARS": "1",
}


def test_a_test_networks_bundle_counts_for_whoever_asks_for_that_network(notary: Notary, tmp_path: Path) -> None:
    bundle = write_zip(tmp_path / "local.zip", forge())

    def judged(*options: str, **environment: str) -> str:
        whole = notary.environment | environment
        with mock.patch.dict(notary.environment, whole):
            answer = here(notary, "verify", bundle, "--json", *options)
        assert answer.json["existed_by"] is None or answer.json["test_network"] is True
        word: str = answer.json["verdict"]
        return word

    assert judged(**LOOSE) == "unconfirmed"
    for other in ("bitcoin", "regtest"):
        assert judged(**LOOSE, NOTARY_NETWORK=other) == "unconfirmed"
        assert judged("--network", other, **LOOSE, NOTARY_NETWORK="local") == "unconfirmed"
        for require in LEVELS:
            assert judged("--network", other, "--require", require) == "unconfirmed"
    assert judged(NOTARY_NETWORK="local") == "verified"
    assert judged("--network", "local", **LOOSE) == "verified"
    assert judged("--network", "local", NOTARY_NETWORK="bitcoin") == "verified"
    with Esplora([REAL[0].raw]) as explorer, RudeServer() as node:
        node.answer = reply(b"{}")
        asked = {"NOTARY_EXPLORERS": explorer.url, "NOTARY_NODE": f"http://u:p@{node.url.removeprefix('http://')}"}
        assert judged(**LOOSE, **asked) == "unconfirmed"
        assert (explorer.requests, node.requests) == ([], []), "a test network's block was looked for on the main chain"


def _stale() -> list[tuple[int, Header]]:
    found = json.loads((SHARED_DATA / "mainnet" / "stale.json").read_text())
    return [(int(one["height"]), Header(bytes.fromhex(one["hex80"]))) for one in found]


def _facts(height: int, header: Header, sources: HeaderSources, policy: Policy, runs: HeaderRuns | None) -> Facts:
    """A proof that leads to the block. No file can be made for one of these: the judge has to be asked."""
    one = Attestation(Kind.BITCOIN, header.merkle_root, frozenset({"sha256"}), height=height)
    proof = Proof("sha256", bytes(32), (one,), write_steps([sha256_step()]) + bytes(10))
    sightings, unreachable = sightings_for(proof.attestations, policy, sources, runs)
    return Facts("a.ots", "a", Files(1, 1, matched=1), None, proof, None, sightings, unreachable)


@pytest.mark.shared_data
def test_blocks_that_bitcoin_left_behind() -> None:
    """They have all the work that they should, and no place in the chain."""
    bitcoin_network = NETWORKS["bitcoin"]
    checkpoints = shipped_checkpoints(bitcoin_network)
    stale = _stale()
    assert len(stale) > 400
    for height, header in stale:
        runs = HeaderRuns("bitcoin", ((height, (header,)),))
        for require in Trust:
            policy = Policy(bitcoin_network, require, checkpoints)
            verdict = judge(_facts(height, header, HeaderSources(), policy, runs), policy)
            assert verdict.outcome in (Outcome.UNCONFIRMED, Outcome.FAILED), height
            assert (verdict.trust, verdict.existed_by) == (Trust.NONE, None)


@pytest.mark.shared_data
def test_one_explorer_that_still_shows_a_block_that_was_left_behind() -> None:
    network = NETWORKS["bitcoin"]
    policy = Policy(network, Trust.CHECKPOINT, shipped_checkpoints(network))
    height, header = _stale()[0]
    with ExitStack() as stack:
        late = stack.enter_context(Esplora([REAL[0].raw], behaviour=lies(height, [header.raw])))
        others = [stack.enter_context(Esplora([REAL[0].raw, REAL[1].raw])) for _ in range(2)]
        sources = HeaderSources(explorers=tuple(one.url for one in (late, *others)))
        verdict = judge(_facts(height, header, sources, policy, None), policy)
    assert verdict.outcome is Outcome.UNCONFIRMED
    assert f"{name(late)} says {header.shown_hash}" in " ".join(verdict.tried)


# -- headers that bundles carry, and complete later -----------------------------------------------------------------

END = 2015
"""The last block of the period: what a checkpoint would be on the main chain."""


@pytest.fixture(scope="module")
def long_world(bitcoind: Callable[[], Bitcoind], tmp_path_factory: pytest.TempPathFactory) -> World:
    """A batch whose headers were kept when six were there; by now the node's chain goes past the end of the period."""
    world = made(bitcoind(), tmp_path_factory.mktemp("long"))
    world.node.mine(END - HEIGHT - 5 + 3)
    return World(world.node, world.node.headers(), world.folder, world.batch)


@pytest.fixture
def owner(notary: Notary, long_world: World) -> Notary:
    """The same ledger, for a test of its own."""
    shutil.copytree(long_world.folder / "ledger", notary.folder / "ledger")
    return notary


def carried(bundle: Path) -> tuple[int, list[bytes]]:
    """The only run of headers in a bundle, and where it starts."""
    with zipfile.ZipFile(bundle) as opened:
        (index,) = (one for one in opened.namelist() if one.endswith("notary/headers.json"))
        members = json.loads(opened.read(index))
        data = opened.read(index.replace(".json", ".bin"))
    (run,) = members["runs"]
    assert len(data) == 80 * run["count"]
    return run["start"], [data[at : at + 80] for at in range(0, len(data), 80)]


def members_of(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as opened:
        return {one.partition("/")[2]: opened.read(one) for one in opened.namelist()}


def exported(notary: Notary, world: World, *options: str) -> list[bytes]:
    """The headers of a new bundle; exported twice, it is the same."""
    digests = set()
    for _ in range(2):
        answer = here(notary, "export", world.batch, "-o", "new.zip", "--json", *options)
        assert answer.code == 0, answer.err
        digests.add(answer.json["sha256"])
    assert len(digests) == 1
    start, headers = carried(notary.folder / "new.zip")
    assert start == HEIGHT
    assert headers == world.headers[HEIGHT : HEIGHT + len(headers)]
    old, new = members_of(world.bundle), members_of(notary.folder / "new.zip")
    follow = {"notary/headers.bin", "notary/headers.json", "VERIFY.txt", "tagmanifest-sha256.txt"}
    assert old.keys() == new.keys()
    assert {one for one in old if old[one] != new[one]} <= follow
    assert here(notary, "verify", "new.zip", *ON_REGTEST, "--offline").code == 0
    return headers


@pytest.mark.bitcoind
def test_an_upgrade_keeps_what_is_there_by_then(long_world: World) -> None:
    start, headers = carried(long_world.bundle)
    assert (start, headers) == (HEIGHT, long_world.headers[HEIGHT : HEIGHT + 6])


@pytest.mark.bitcoind
def test_a_later_export_has_more_headers_from_the_node(owner: Notary, long_world: World) -> None:
    owner.environment["NOTARY_NODE"] = long_world.node.url_with_login
    assert len(exported(owner, long_world)) == END - HEIGHT + 1
    del owner.environment["NOTARY_NODE"]
    assert len(exported(owner, long_world, "--offline")) == END - HEIGHT + 1, "what was kept is lost"


@pytest.mark.bitcoind
def test_a_later_export_has_more_headers_from_the_stored_chain(owner: Notary, long_world: World) -> None:
    assert here(owner, "headers", "sync", "--network", "regtest", "--peer", long_world.node.p2p).code == 0
    assert len(exported(owner, long_world, "--offline")) == END - HEIGHT + 1


@pytest.mark.bitcoind
@pytest.mark.parametrize("is_real", [True, False])
def test_a_later_export_has_more_headers_from_a_peer(owner: Notary, long_world: World, is_real: bool) -> None:
    with Peer(long_world.headers, REGTEST) as peer:
        owner.environment["NOTARY_PEERS"] = long_world.node.p2p if is_real else peer.address
        assert len(exported(owner, long_world)) == END - HEIGHT + 1
        assert peer.complaints == []
        assert peer.connections == (0 if is_real else 1), "the second export had nothing to ask for"


@pytest.mark.bitcoind
def test_a_later_export_has_the_dates_headers_from_explorers(owner: Notary, long_world: World) -> None:
    with ExitStack() as stack:
        ask(owner, [stack.enter_context(Esplora(long_world.headers)) for _ in range(3)])
        assert len(exported(owner, long_world)) == 12


@pytest.mark.bitcoind
def test_the_stored_chain_near_its_end_is_not_the_last_word(owner: Notary, long_world: World) -> None:
    """A store that ends early gives what it has, and the node the rest."""
    synced(owner, long_world.headers[: HEIGHT + 20])
    assert len(exported(owner, long_world, "--offline")) == 20
    owner.environment["NOTARY_NODE"] = long_world.node.url_with_login
    assert len(exported(owner, long_world)) == END - HEIGHT + 1


@pytest.mark.bitcoind
def test_offline_nobody_is_contacted(owner: Notary, long_world: World) -> None:
    with Peer(long_world.headers, REGTEST) as peer, Esplora(long_world.headers) as explorer, RudeServer() as node:
        node.answer = reply(b"{}")
        owner.environment["NOTARY_PEERS"] = peer.address
        owner.environment["NOTARY_EXPLORERS"] = explorer.url
        owner.environment["NOTARY_MIN_EXPLORERS"] = "1"
        owner.environment["NOTARY_NODE"] = f"http://u:p@{node.url.removeprefix('http://')}"
        assert len(exported(owner, long_world, "--offline")) == 6
        for require in LEVELS:
            here(owner, "verify", long_world.bundle, *ON_REGTEST, "--offline", "--require", require)
        assert (peer.connections, explorer.requests, node.requests) == (0, [], [])


@pytest.mark.bitcoind
def test_nobody_who_answers_spoils_an_export(owner: Notary, long_world: World) -> None:
    """Whatever the sources do, the bundle has what the ledger has, and says what it could not get."""
    with Peer(long_world.headers[:50], REGTEST) as short, Esplora(long_world.headers[:50]) as explorer:
        owner.environment["NOTARY_NODE"] = "http://u:secret@127.0.0.1:9"
        owner.environment["NOTARY_PEERS"] = f"{short.address} 127.0.0.1:9"
        owner.environment["NOTARY_EXPLORERS"] = explorer.url
        owner.environment["NOTARY_MIN_EXPLORERS"] = "1"
        answer = here(owner, "export", long_world.batch, "-o", "new.zip")
    assert answer.code == 0
    assert "127.0.0.1:9 could not be reached" in answer.err
    assert "secret" not in answer.out + answer.err
    assert carried(owner.folder / "new.zip") == carried(long_world.bundle)


@pytest.mark.bitcoind
def test_headers_of_another_branch_do_not_get_into_a_bundle(owner: Notary, long_world: World) -> None:
    with Peer([*long_world.headers[:HEIGHT], *long_world.branch()], REGTEST) as peer:
        owner.environment["NOTARY_PEERS"] = peer.address
        assert len(exported(owner, long_world)) == 6
        assert here(owner, "headers", "sync", *ON_REGTEST, "--peer", peer.address).code == 0
    assert here(owner, "export", long_world.batch, "-o", "again.zip").code == 0
    assert carried(owner.folder / "again.zip") == carried(long_world.bundle)
    answer = here(owner, "verify", "again.zip", *ON_REGTEST)
    assert (answer.code, check(answer, 11)["status"]) == (1, "failed"), "the stored chain has another block there"


# -- a folder of headers from anybody -------------------------------------------------------------------------------


def planted(folder: Path, height: int, headers: Sequence[bytes], heard: int) -> HeaderStore:
    """A store that says that peers confirmed it, with these headers at a height and nothing before them."""
    store = HeaderStore(folder, NETWORKS["bitcoin"])
    folder.mkdir()
    with store.path.open("wb") as stream:
        stream.write(store.network.genesis)
        stream.seek(80 * height)
        stream.write(b"".join(headers))
    store.path.with_suffix(".heard").write_text(json.dumps({"height": heard, "at": "2026-01-01T00:00:00Z", "peers": 4}))
    return store


@pytest.mark.parametrize("height", [800_000, 953_568 + 100])
def test_a_planted_store_is_not_believed(tmp_path: Path, height: int) -> None:
    """Real headers at a height that is not theirs: each has work, each names the one before, all cost nothing."""
    row = [REAL[0].raw, REAL[1].raw]
    store = planted(tmp_path / "headers", height, row, height + 1)
    attestation = Attestation(Kind.BITCOIN, REAL[0].merkle_root, frozenset({"sha256"}), height=height)
    for level in (Trust.WORK, Trust.CHECKPOINT, Trust.CHAIN):
        policy = Policy(NETWORKS["bitcoin"], level, shipped_checkpoints(NETWORKS["bitcoin"]), 1)
        seen, tried = sightings_for([attestation], policy, HeaderSources(store=store), None)
        assert seen == ()
        assert "is damaged" in tried[0]
