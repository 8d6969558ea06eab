"""`notary headers`: the chain of most work, from real nodes and from peers of every kind; whatever happens on the way.

All that is stored at any time is a valid chain from the genesis block on.
"""

import json
import os
import random
import resource
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any

import pytest

from notary import limits
from notary.cli.app import run
from notary.core.chain import Checkpoints
from notary.core.header import HEADER_BYTES, NETWORKS
from notary.edges.checkpoints import shipped_checkpoints
from notary.edges.header_store import HeaderStore, Heard, StoreWriter
from notary.edges.peers import peer_address
from notary.errors import FormatError, InputError, NotaryError, SystemFailureError
from notary.syncing import Synced, import_file, pin, sync
from tests.conftest import SHARED_DATA, Notary, Result
from tests.edges.bounded import within, without_rights
from tests.parties.bitcoind import Bitcoind
from tests.parties.peer import (
    MAINNET,
    MISBEHAVIOURS,
    REGTEST,
    REGTEST_GENESIS,
    Behaviour,
    Conversation,
    Peer,
    block_hash,
    closes_at_once,
    dies_after,
    drips_headers,
    flipped,
    headers_payload,
    honest,
    mine_chain,
    mute,
    stingy,
    without_work,
)

BITCOIN, TEST = NETWORKS["bitcoin"], NETWORKS["regtest"]
ON_TEST = ("--network", "regtest")
TIME = 1_600_000_000
MOMENT, NOW = "2026-01-02T03:04:05Z", 1_800_000_000

CHAIN = [REGTEST_GENESIS, *mine_chain(4_500, time=TIME)]
FORK = [*CHAIN[:101], *mine_chain(4_600, after=CHAIN[100], time=TIME + 100 * 600, version=0x20000001)]
SHORT = CHAIN[:2_502]
LONG = [REGTEST_GENESIS, *mine_chain(30_000, time=TIME)]
LONG_FORK = [*LONG[:25_001], *mine_chain(6_000, after=LONG[25_000], time=TIME + 25_000 * 600, version=0x20000001)]

MAIN_FILE = SHARED_DATA / "mainnet" / "headers" / "mainnet-000000-004100.bin"

Here = Callable[..., Result]
"""`notary` with its arguments, in a process of its own or in this one."""


def joined(chain: Sequence[bytes]) -> bytes:
    return b"".join(chain)


def split(data: bytes) -> list[bytes]:
    """The whole headers in `data`."""
    return [data[at : at + HEADER_BYTES] for at in range(0, len(data) - HEADER_BYTES + 1, HEADER_BYTES)]


def store_at(folder: Path, network: str = "regtest") -> HeaderStore:
    """Where `notary` keeps it that runs in `folder`."""
    return HeaderStore(folder / "ledger" / "headers", NETWORKS[network])


def headers_in(store: HeaderStore) -> list[bytes]:
    return split(store.path.read_bytes())


def put(store: HeaderStore, chain: Sequence[bytes], heard: int | None = None) -> None:
    """Has the store hold these."""
    with store.writer() as writer:
        writer.put(1, joined(chain[1:]))
        if heard is not None:
            writer.hear(Heard(heard, MOMENT, 1))


def check_sound(store: HeaderStore, *chains: Sequence[bytes]) -> int:
    """The store holds the beginning of one of these, and nothing is heard beyond it. Its height."""
    found = headers_in(store) if store.path.exists() else [store.network.genesis]
    assert found or not store.path.stat().st_size
    assert not found or any(found == list(chain[: len(found)]) for chain in chains)
    heard = store.heard
    assert heard is None or heard.height <= store.height
    return store.height


def with_peers(*addresses: str) -> list[str]:
    return [word for one in addresses for word in ("--peer", one)]


def synced(notary: Here, *addresses: str, code: int = 0) -> Any:
    """The answer of `headers sync` with these peers: one JSON document."""
    done = notary("headers", "sync", *with_peers(*addresses), *ON_TEST, "--json")
    assert done.code == code, done
    answer = done.json
    assert code or {"height", "hash", "work", "added", "replaced", "peers", "notes"} <= set(answer)
    return answer


def status(notary: Here) -> Any:
    done = notary("headers", "status", *ON_TEST, "--json")
    assert done.code == 0, done
    return done.json


def nobody() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return f"127.0.0.1:{gone.getsockname()[1]}"


def eventually(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = monotonic() + seconds
    while not holds():
        assert monotonic() < deadline
        sleep(0.005)


def slowly(seconds: float) -> Behaviour:
    """Honest, but thinks so long before each message of headers."""

    def behave(talk: Conversation) -> None:
        def answer(talk: Conversation, headers: list[bytes]) -> None:
            talk.peer.stop.wait(seconds)
            talk.say("headers", headers_payload(headers))

        talk.greet()
        talk.serve(answer)

    return behave


def pauses(messages: int, gate: threading.Event) -> Behaviour:
    """Honest, but says no more after so many messages of headers until the gate is open."""

    def behave(talk: Conversation) -> None:
        left = messages

        def answer(talk: Conversation, headers: list[bytes]) -> None:
            nonlocal left
            if not left:
                gate.wait(20)
            left = max(left - 1, 0)
            talk.say("headers", headers_payload(headers))

        talk.greet()
        talk.serve(answer)

    return behave


def after(seconds: float, behaviour: Behaviour) -> Behaviour:
    """The same, but it lets the client wait before it says anything: others are heard first."""

    def behave(talk: Conversation) -> None:
        talk.peer.stop.wait(seconds)
        behaviour(talk)

    return behave


@pytest.fixture
def here(notary: Notary, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """The same command line in this process: much quicker."""
    for key, value in notary.environment.items():
        if key.startswith(("NOTARY_", "XDG_")):
            monkeypatch.setenv(key, value)
    monkeypatch.chdir(notary.folder)

    def call(*arguments: str | Path) -> Result:
        capsys.readouterr()
        code = within(60, lambda: run([str(one) for one in arguments]))
        out, err = capsys.readouterr()
        assert "fault in notary" not in err, err
        assert "Traceback" not in err, err
        return Result(int(code), out, err)

    return call


# -- real nodes -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def node(bitcoind: Callable[..., Bitcoind]) -> Bitcoind:
    """With a chain of several messages."""
    node = bitcoind()
    node.mine(4_100)
    return node


@pytest.fixture(scope="module")
def pair(bitcoind: Callable[..., Bitcoind]) -> tuple[Bitcoind, Bitcoind]:
    """Two nodes that do not know each other, with chains that have nothing in common: the second's is longer."""
    one, two = bitcoind(), bitcoind()
    two.mine(3)  # else the first blocks of both would be the same
    one.mine(60)
    two.mine(77)
    return one, two


class Relay:
    """Between a client and a node: hangs up once so many bytes have gone to the client."""

    def __init__(self, to: str, cut_after: int) -> None:
        host, _, port = to.partition(":")
        self._to = host, int(port)
        self._left = cut_after
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> "Relay":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _listen(self) -> None:
        with suppress(OSError):
            client, _ = self._socket.accept()
            node = socket.create_connection(self._to)
            threading.Thread(target=self._pump, args=(client, node, False), daemon=True).start()
            self._pump(node, client, True)

    def _pump(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(min(self._left, 4096) if counts else 4096):
                target.sendall(piece)
                self._left -= len(piece) if counts else 0
                if not self._left:
                    break
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@pytest.mark.bitcoind
def test_the_stored_file_is_the_nodes_own(notary: Notary, node: Bitcoind, tmp_path: Path) -> None:
    answer = synced(notary, node.p2p)
    headers = node.headers()
    assert headers_in(store_at(tmp_path)) == headers
    assert len(headers) > 4_001
    best = json.loads(node.call("getblockheader", node.call("getbestblockhash")))
    assert (answer["height"], answer["hash"], answer["work"]) == (best["height"], best["hash"], best["chainwork"])
    assert (answer["added"], answer["replaced"], answer["notes"]) == (len(headers) - 1, 0, [])
    assert (answer["network"], answer["test_network"]) == ("regtest", True)
    assert answer["peers"] == [node.p2p]
    assert (answer["heard"]["height"], answer["heard"]["peers"]) == (best["height"], 1)
    assert answer["file"] == str(store_at(tmp_path).path)

    node.mine(7)
    answer = synced(notary, node.p2p)
    assert (answer["added"], answer["replaced"]) == (7, 0)
    assert headers_in(store_at(tmp_path)) == node.headers()
    assert status(notary) == {key: answer[key] for key in status(notary)}

    shown = notary("headers", "sync", "--peer", node.p2p, *ON_TEST)
    assert (shown.code, shown.err) == (0, "")
    assert "nothing new" in shown.out
    assert "TEST NETWORK regtest" in shown.out
    assert f"{best['height'] + 7:,}" in shown.out
    assert node.call("getbestblockhash") in shown.out


@pytest.mark.bitcoind
def test_a_reorganised_node_is_followed_but_not_to_less_work(
    here: Here, bitcoind: Callable[..., Bitcoind], tmp_path: Path
) -> None:
    node, store = bitcoind(), store_at(tmp_path)
    mined = node.mine(200)
    assert synced(here, node.p2p)["added"] == 200
    before = node.headers()

    node.invalidate(mined[180])  # block 181
    node.mine(9)
    answer = synced(here, node.p2p)
    assert (answer["height"], answer["added"], answer["replaced"]) == (200, 0, 0)
    assert answer["heard"]["height"] == 200
    assert headers_in(store) == before

    node.mine(11)  # as much work as what is stored: that was there first
    assert (synced(here, node.p2p)["hash"], headers_in(store)) == (mined[-1], before)

    node.mine(1)
    answer = synced(here, node.p2p)
    assert (answer["height"], answer["added"], answer["replaced"]) == (201, 21, 20)
    assert answer["hash"] == node.call("getbestblockhash")
    assert headers_in(store) == node.headers()

    node.invalidate(mined[30])  # deep: to block 30
    node.mine(180)
    shown = here("headers", "sync", "--peer", node.p2p, *ON_TEST)
    assert "171 headers gave way" in shown.out
    assert headers_in(store) == node.headers()
    assert status(here)["heard"]["height"] == 210


@pytest.mark.bitcoind
@pytest.mark.parametrize(("cut_after", "kept"), [(10, 0), (100_000, 0), (327_000, 4_000)])
def test_a_connection_that_is_cut(here: Here, node: Bitcoind, tmp_path: Path, cut_after: int, kept: int) -> None:
    headers, store = node.headers(), store_at(tmp_path)
    with Relay(node.p2p, cut_after) as relay:
        answer = synced(here, relay.address, code=4)
    assert f"the peer {relay.address} hung up" in answer["error"]
    assert any(f"kept, to block {kept:,}" in hint for hint in answer["hints"]) == bool(kept)
    assert check_sound(store, headers) == kept
    assert store.heard is None
    answer = synced(here, node.p2p)
    assert answer["added"] == len(headers) - 1 - kept
    assert headers_in(store) == headers


@pytest.mark.bitcoind
def test_of_several_nodes_the_one_with_most_work_counts(
    here: Here, pair: tuple[Bitcoind, Bitcoind], tmp_path: Path
) -> None:
    one, two = (node.p2p for node in pair)
    headers = pair[1].headers()
    with Peer(CHAIN[:71], REGTEST) as third, Peer(CHAIN[:101], REGTEST) as best:
        for peers, most in (
            ((one, two), headers),
            ((two, one), headers),
            ((third.address, two, one), headers),
            ((two, best.address, one), CHAIN[:101]),
        ):
            store_at(tmp_path).path.unlink(missing_ok=True)
            answer = synced(here, *peers)
            assert headers_in(store_at(tmp_path)) == most
            assert (answer["hash"], answer["notes"]) == (block_hash(most[-1])[::-1].hex(), [])
            assert sorted(answer["peers"]) == sorted(peers)
            assert answer["heard"]["peers"] == len(peers)


@pytest.mark.bitcoind
def test_dead_peers_beside_a_node(here: Here, pair: tuple[Bitcoind, Bitcoind], tmp_path: Path) -> None:
    dead = nobody(), nobody()
    shown = here("headers", "sync", *with_peers(dead[0], pair[1].p2p, dead[1]), *ON_TEST)
    assert shown.code == 0
    assert sorted(shown.err.splitlines()) == sorted(f"the peer {one} could not be reached" for one in dead)
    assert headers_in(store_at(tmp_path)) == pair[1].headers()

    quiet = here("headers", "sync", *with_peers(dead[0], pair[1].p2p), *ON_TEST, "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")

    notes = synced(here, dead[0], pair[1].p2p)["notes"]
    assert notes == [f"the peer {dead[0]} could not be reached"]

    heard = status(here)["heard"]
    answer = synced(here, *dead, code=4)
    assert all(one in answer["error"] for one in dead)
    assert status(here)["heard"] == heard, "nobody said anything"


@pytest.mark.bitcoind
def test_the_nodes_headers_from_a_file(here: Here, node: Bitcoind, tmp_path: Path) -> None:
    headers, store = node.headers(), store_at(tmp_path)
    (tmp_path / "headers.bin").write_bytes(joined(headers))
    answer = here("headers", "import", "headers.bin", *ON_TEST, "--json").json
    best = json.loads(node.call("getblockheader", node.call("getbestblockhash")))
    assert (answer["height"], answer["hash"], answer["work"]) == (best["height"], best["hash"], best["chainwork"])
    assert (answer["added"], answer["peers"], answer["heard"]) == (len(headers) - 1, [], None)
    assert headers_in(store) == headers
    assert synced(here, node.p2p)["heard"]["height"] == len(headers) - 1


# -- interruptions --------------------------------------------------------------------------------------------------


def interrupted(
    notary: Notary, party: Peer, how: signal.Signals, asked: int, late: float = 0
) -> "subprocess.Popen[str]":
    """A sync that got this signal `late` seconds after it asked the party so many times; it has ended."""
    before = len(party.getheaders)
    process = notary.start("headers", "sync", "--peer", party.address, *ON_TEST)
    eventually(lambda: len(party.getheaders) - before >= asked or process.poll() is not None)
    sleep(late)
    process.send_signal(how)
    return process


def test_ctrl_c(notary: Notary, tmp_path: Path) -> None:
    gate = threading.Event()
    with Peer(LONG, REGTEST, behaviour=pauses(3, gate)) as party:
        process = interrupted(notary, party, signal.SIGINT, asked=4)
        out, err = process.communicate(timeout=15)
        gate.set()
        assert (process.returncode, out) == (130, "")
        assert "interrupted" in err
        assert "Traceback" not in err
        assert check_sound(store_at(tmp_path), LONG) == 6_000
        assert store_at(tmp_path).heard is None
        party.behaviour = honest
        assert synced(notary, party.address)["added"] == len(LONG) - 1 - 6_000
    assert headers_in(store_at(tmp_path)) == LONG


def kill_again_and_again(notary: Notary, rounds: int, seed: int) -> None:
    """Kills syncs on the way to a chain, and on the way over to another one; then one that is left alone is right."""
    moments = random.Random(seed)  # noqa: S311 - repeatable, not secret
    store = store_at(notary.folder)
    with Peer(LONG, REGTEST, behaviour=slowly(0.02)) as party:
        for _ in range(rounds):
            asked = moments.randint(1, 6)
            interrupted(notary, party, signal.SIGKILL, asked, moments.uniform(0, 0.05)).communicate(timeout=20)
            check_sound(store, LONG)
            if store.height == len(LONG) - 1:
                put(store, LONG[:100])
        party.behaviour = honest
        synced(notary, party.address)
        assert headers_in(store) == LONG
    with Peer(LONG_FORK, REGTEST, behaviour=slowly(0.02)) as party:
        for _ in range(rounds):
            asked = moments.randint(2, 4)
            interrupted(notary, party, signal.SIGKILL, asked, moments.uniform(0, 0.03)).communicate(timeout=20)
            check_sound(store, LONG, LONG_FORK)
            if headers_in(store) != LONG[: store.height + 1] and store.heard:
                assert store.heard.height <= 25_000 or store.height == len(LONG_FORK) - 1
            if store.height == len(LONG_FORK) - 1:
                put(store, LONG, heard=30_000)
        party.behaviour = honest
        synced(notary, party.address)
        assert headers_in(store) == LONG_FORK
        assert store.heard
        assert store.heard.height == len(LONG_FORK) - 1


def test_killed_at_any_moment(notary: Notary) -> None:
    kill_again_and_again(notary, 3, 1)


@pytest.mark.slow
def test_killed_at_very_many_moments(notary: Notary) -> None:
    kill_again_and_again(notary, 80, 2)


def test_there_is_one_sync_at_a_time(notary: Notary, tmp_path: Path) -> None:
    gate = threading.Event()
    with Peer(LONG, REGTEST, behaviour=pauses(1, gate)) as party:
        first = notary.start("headers", "sync", "--peer", party.address, *ON_TEST)
        eventually(lambda: len(party.getheaders) > 1)
        answer = synced(notary, party.address, code=4)
        assert "another process is writing it" in answer["error"]
        assert status(notary)["height"] == 2_000
        (tmp_path / "headers.bin").write_bytes(joined(LONG[:50]))
        assert notary("headers", "import", "headers.bin", *ON_TEST).code == 4
        gate.set()
        out, _ = first.communicate(timeout=30)
        assert first.returncode == 0
        assert "30,000 headers more" in out
    assert headers_in(store_at(tmp_path)) == LONG


# -- in this process: peers of every kind ---------------------------------------------------------------------------

PATIENCE = 0.5


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONNECT_SECONDS", PATIENCE)
    monkeypatch.setattr(limits, "PEER_SECONDS", PATIENCE)


@pytest.fixture
def store(tmp_path: Path) -> HeaderStore:
    return store_at(tmp_path)


@pytest.fixture
def stage() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def sync_with(store: HeaderStore, *parties: Peer, now: int = NOW) -> Synced:
    addresses = [peer_address(one.address, store.network) for one in parties]
    return within(60, lambda: sync(store, Checkpoints(), addresses, MOMENT, now))


def sync_from(store: HeaderStore, chain: Sequence[bytes], behaviour: Behaviour = honest) -> Synced:
    with Peer(chain, REGTEST, behaviour=behaviour) as party:
        result = sync_with(store, party)
    assert party.complaints == []
    return result


@pytest.mark.parametrize("count", [0, 1, 1_999, 2_000, 2_001, 4_000, 4_001])
def test_chains_about_as_long_as_messages(store: HeaderStore, count: int) -> None:
    result = sync_from(store, CHAIN[: count + 1])
    assert (result.tip.height, result.added, result.replaced, result.notes) == (count, count, 0, ())
    assert headers_in(store) == CHAIN[: count + 1]
    assert store.heard == Heard(count, MOMENT, 1)
    assert sync_from(store, CHAIN).tip.height == 4_500
    assert headers_in(store) == CHAIN


def test_a_deep_reorganisation_over_several_messages(store: HeaderStore) -> None:
    sync_from(store, CHAIN)
    result = sync_from(store, FORK)
    assert (result.tip.height, result.added, result.replaced) == (4_700, 4_600, 4_400)
    assert headers_in(store) == FORK
    result = sync_from(store, CHAIN)
    assert (result.tip.height, result.replaced) == (4_700, 0)
    assert result.notes == ("no peer that was heard has the stored chain, which has more work than theirs",)
    assert headers_in(store) == FORK
    assert store.heard == Heard(4_700, MOMENT, 1), "the run before heard it"


def test_a_fork_that_breaks_off_before_it_has_more_work_changes_nothing(store: HeaderStore) -> None:
    sync_from(store, CHAIN)
    with pytest.raises(SystemFailureError, match="hung up") as caught:
        sync_from(store, FORK, dies_after(2))
    assert caught.value.hints == ()
    assert headers_in(store) == CHAIN
    assert store.heard == Heard(4_500, MOMENT, 1)


def test_the_first_of_two_with_equal_work_stays(store: HeaderStore) -> None:
    sync_from(store, CHAIN)
    sync_from(store, FORK[:4_501])
    assert headers_in(store) == CHAIN


def test_what_was_heard_is_lowered_before_a_reorganisation(store: HeaderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sync_from(store, CHAIN)
    written: list[tuple[int, Heard | None]] = []
    write = StoreWriter.put

    def watch(writer: StoreWriter, height: int, data: bytes) -> None:
        write(writer, height, data)
        written.append((height, store.heard))

    monkeypatch.setattr(StoreWriter, "put", watch)
    sync_from(store, FORK)
    assert written == [(101, Heard(100, MOMENT, 1))]
    assert store.heard == Heard(4_700, MOMENT, 1)


def test_a_stingy_peer_gets_the_chain_on_nowhere_but_loses_nothing(store: HeaderStore) -> None:
    for times in (1, 2):
        with pytest.raises(SystemFailureError, match="says that it has 2,501 blocks, and gave headers to"):
            sync_from(store, SHORT, stingy(7))
        # The first of seven is the end of what is stored.
        assert check_sound(store, SHORT) == 6 * times + 1


def test_a_side_chain_is_kept_in_memory_only_so_far(
    store: HeaderStore, stage: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SIDE_CHAIN_HEADERS", 2_000)
    sync_from(store, CHAIN)
    side = stage.enter_context(Peer(FORK[:4_400], REGTEST))
    longer = stage.enter_context(Peer([*CHAIN, *mine_chain(1, after=CHAIN[-1], time=TIME + 4_500 * 600)], REGTEST))
    result = sync_with(store, side, longer)
    assert result.tip.height == 4_501
    assert result.peers == (longer.address,)
    assert [note for note in result.notes if "side chain of over 2,000 headers" in note and side.address in note]


def test_a_store_has_an_end(store: HeaderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STORED_HEADERS", 3_000)
    with pytest.raises(SystemFailureError, match="a chain of over 3,000 headers"):
        sync_from(store, CHAIN)
    assert check_sound(store, CHAIN) == 2_000


ENDS_WELL = {"100 kB of agent", "escapes in its agent", "an ancient version", "absurd numbers"}


def check_words(*messages: str) -> None:
    for message in messages:
        assert message.isprintable()
        assert len(message) < 400


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_a_misbehaving_peer_alone(store: HeaderStore, name: str, impatience: None) -> None:
    with Peer(SHORT, REGTEST, behaviour=MISBEHAVIOURS[name]) as party:
        if name in ENDS_WELL:
            sync_with(store, party)
            assert headers_in(store) == SHORT
            assert store.heard == Heard(2_501, MOMENT, 1)
        else:
            with pytest.raises(SystemFailureError) as caught:
                sync_with(store, party)
            check_words(caught.value.message, *caught.value.hints)
            assert party.address in caught.value.message
            assert store.heard is None
        assert party.sent < 24_000_000
    kept = check_sound(store, SHORT)
    assert kept in (0, 2_000, 2_001, 2_501)


@pytest.mark.parametrize("first", ["honest", "misbehaving"])
@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_a_misbehaving_peer_beside_an_honest_one(
    store: HeaderStore, stage: ExitStack, name: str, first: str, impatience: None
) -> None:
    """Whoever shakes hands first is heard first."""
    bad = MISBEHAVIOURS[name]
    waits = 0.05
    party = stage.enter_context(Peer(SHORT, REGTEST, behaviour=after(waits, bad) if first == "honest" else bad))
    good = stage.enter_context(Peer(SHORT, REGTEST, behaviour=honest if first == "honest" else after(waits, honest)))
    result = sync_with(store, party, good)
    assert headers_in(store) == SHORT
    assert good.address in result.peers
    assert store.heard == Heard(2_501, MOMENT, len(result.peers))
    assert good.complaints == []
    check_words(*result.notes)
    assert len(result.peers) + len(result.notes) == 2
    assert all(party.address in note for note in result.notes)


def changed(header: bytes, **fields: int) -> bytes:
    """The header with other fields, mined again."""
    version, previous, root, clock, bits, nonce = struct.unpack("<i32s32s3I", header)
    for nonce in range(1 << 32):
        made = struct.pack(
            "<i32s32s3I",
            fields.get("version", version),
            previous,
            root,
            fields.get("clock", clock),
            fields.get("bits", bits),
            nonce,
        )
        if block_hash(made)[31] < 0x7F:
            return made
    raise AssertionError


BROKEN = {
    "a hash above its target": (without_work(CHAIN[2_100]), "does not meet its target"),
    "a target that is easier": (changed(CHAIN[2_100], bits=0x2100FFFF), "its bits are 2100ffff"),
    "a target that is harder": (changed(CHAIN[2_100], bits=0x207FFFFE), "its bits are 207ffffe"),
    "no target at all": (changed(CHAIN[2_100], bits=0), "its bits are 00000000"),
    "a clock at the median": (changed(CHAIN[2_100], clock=TIME + 2_093 * 600), "not past the median"),
    "a clock of 1970": (changed(CHAIN[2_100], clock=0), "not past the median"),
    "a clock in the future": (changed(CHAIN[2_100], clock=NOW + 7_201), "over two hours ahead"),
    "an old version": (changed(CHAIN[2_100], version=3), "its version 3 is no longer allowed"),
    "a negative version": (changed(CHAIN[2_100], version=-1), "its version -1 is no longer allowed"),
    "another parent": (changed(mine_chain(1, after=CHAIN[7], time=TIME + 2_099 * 600)[0]), "does not follow"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_header_ends_the_chain_and_is_named(store: HeaderStore, stage: ExitStack, fault: str) -> None:
    header, why = BROKEN[fault]
    tail = mine_chain(20, after=header, time=TIME + 2_100 * 600)
    liar = stage.enter_context(Peer([*CHAIN[:2_100], header, *tail], REGTEST))
    with pytest.raises(SystemFailureError, match="header 2,100 breaks the chain") as caught:
        sync_with(store, liar)
    assert why in caught.value.message
    assert liar.address in caught.value.message
    assert 2_000 <= check_sound(store, CHAIN) < 2_100
    good = stage.enter_context(Peer(SHORT, REGTEST))
    result = sync_with(store, liar, good)
    assert result.peers == (good.address,)
    assert headers_in(store) == SHORT


@pytest.mark.parametrize(("clock", "fits"), [(NOW + 7_200, True), (NOW + 7_201, False)])
def test_a_clock_two_hours_ahead(store: HeaderStore, clock: int, fits: bool) -> None:
    chain = [*CHAIN[:11], changed(CHAIN[11], clock=clock)]
    if fits:
        assert sync_from(store, chain).tip.height == 11
    else:
        with pytest.raises(SystemFailureError, match="two hours ahead"):
            sync_from(store, chain)


def test_a_clock_that_was_put_back_costs_no_headers(store: HeaderStore) -> None:
    """A machine whose battery is empty believes that it is 1970; its header store is as sound as before."""
    put(store, CHAIN, heard=4_500)
    with Peer(CHAIN, REGTEST) as party, suppress(NotaryError):
        sync_with(store, party, now=0)
    assert headers_in(store) == CHAIN


def test_the_same_peer_twice_is_one_peer(store: HeaderStore) -> None:
    with Peer(SHORT, REGTEST) as party:
        sync_with(store, party, party)
    assert store.heard == Heard(2_501, MOMENT, 1)


@pytest.mark.slow
def test_all_misbehaving_peers_at_once_at_real_limits(notary: Notary, stage: ExitStack, tmp_path: Path) -> None:
    parties = [stage.enter_context(Peer(SHORT, REGTEST, behaviour=one)) for one in MISBEHAVIOURS.values()]
    good = stage.enter_context(Peer(SHORT, REGTEST))
    began = monotonic()
    process = notary.start("headers", "sync", *with_peers(*(one.address for one in (*parties, good))), *ON_TEST)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert monotonic() - began < 300
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 200 * 1024
    assert headers_in(store_at(tmp_path)) == SHORT


# -- from a file ----------------------------------------------------------------------------------------------------


def imported(notary: Here, file: str | Path, code: int = 0) -> Any:
    done = notary("headers", "import", file, *ON_TEST, "--json")
    assert done.code == code, done
    return done.json


def import_chain(store: HeaderStore, file: Path, chain: Sequence[bytes]) -> Synced:
    file.write_bytes(joined(chain))
    return import_file(store, Checkpoints(), file, NOW)


def test_a_file_is_taken_as_far_as_it_has_more_work(here: Here, store: HeaderStore, tmp_path: Path) -> None:
    file = tmp_path / "headers.bin"
    file.write_bytes(joined(CHAIN[:4_001]))
    answer = imported(here, file)
    assert (answer["height"], answer["added"], answer["replaced"], answer["notes"]) == (4_000, 4_000, 0, [])
    assert (answer["peers"], answer["heard"]) == ([], None)
    assert headers_in(store) == CHAIN[:4_001]

    file.write_bytes(joined(CHAIN[:90]))
    done = here("headers", "import", file, *ON_TEST)
    assert (done.code, done.err) == (
        0,
        f"{file} ends at block 89, and has no more work than the stored chain\n",
    )
    assert "nothing new" in done.out
    assert "none was heard" in done.out
    assert headers_in(store) == CHAIN[:4_001]

    file.write_bytes(joined(FORK[:3_000]))
    assert imported(here, file)["replaced"] == 0
    assert headers_in(store) == CHAIN[:4_001]

    file.write_bytes(joined(FORK))
    answer = imported(here, file)
    assert (answer["height"], answer["replaced"], answer["heard"]) == (4_700, 3_900, None)
    assert headers_in(store) == FORK


def test_an_import_says_nothing_of_peers(store: HeaderStore, tmp_path: Path) -> None:
    sync_from(store, CHAIN[:3_001])
    import_chain(store, tmp_path / "more.bin", CHAIN)
    assert headers_in(store) == CHAIN
    assert store.heard == Heard(3_000, MOMENT, 1), "of what came from the file, nothing was heard"
    import_chain(store, tmp_path / "fork.bin", FORK)
    assert headers_in(store) == FORK
    assert store.heard == Heard(100, MOMENT, 1)


def test_an_import_into_a_store_that_was_lost_says_nothing_of_peers(store: HeaderStore, tmp_path: Path) -> None:
    sync_from(store, CHAIN)
    store.path.unlink()
    import_chain(store, tmp_path / "other.bin", FORK)
    assert headers_in(store) == FORK
    assert store.heard is None or store.heard.height == 0, "what is stored now, no peer has seen"


@pytest.mark.parametrize("height", [1, 2, 100, 1_999, 2_016, 4_500])
def test_a_broken_header_in_a_file(here: Here, store: HeaderStore, tmp_path: Path, height: int) -> None:
    file = tmp_path / "headers.bin"
    chain = [*CHAIN[:height], without_work(CHAIN[height]), *CHAIN[height + 1 :]]
    if height == 100:  # through the command line once
        file.write_bytes(joined(chain))
        answer = imported(here, file, code=2)
        assert answer["error"].startswith(f"{file}: header {height:,} breaks the chain")
        assert answer["exit_code"] == 2
    with pytest.raises(FormatError, match=f"headers.bin: header {height:,} breaks the chain"):
        import_chain(store, file, chain)
    assert check_sound(store, CHAIN) < height
    import_chain(store, file, CHAIN)
    assert headers_in(store) == CHAIN


def test_a_broken_header_behind_much_that_is_sound(store: HeaderStore, tmp_path: Path) -> None:
    chain = [*LONG[:29_000], without_work(LONG[29_000]), *LONG[29_001:]]
    with pytest.raises(FormatError, match="header 29,000 breaks the chain") as caught:
        import_chain(store, tmp_path / "headers.bin", chain)
    kept = check_sound(store, LONG)
    assert 0 < kept < 29_000
    assert f"kept, to block {kept:,}" in caught.value.hints[0]


def bitcoin_file(folder: Path) -> None:
    (folder / "x").write_bytes(BITCOIN.genesis + joined(mine_chain(3, after=BITCOIN.genesis, time=TIME)))


UNFIT: dict[str, tuple[Callable[[Path], object], str]] = {
    "of half a header more": (lambda folder: (folder / "x").write_bytes(joined(CHAIN[:9]) + bytes(40)), "80-byte"),
    "of half a header": (lambda folder: (folder / "x").write_bytes(CHAIN[0][:40]), "80-byte"),
    "of nothing": (lambda folder: (folder / "x").write_bytes(b""), "80-byte"),
    "of text": (lambda folder: (folder / "x").write_text("0" * 800), "network regtest"),
    "without the genesis block": (lambda folder: (folder / "x").write_bytes(joined(CHAIN[1:9])), "network regtest"),
    "of another network": (bitcoin_file, "network regtest"),
    "that is a folder": (lambda folder: (folder / "x").mkdir(), "not a file"),
    "that is a link to nowhere": (lambda folder: (folder / "x").symlink_to("nowhere"), "no such file"),
    "that is not there": (lambda folder: None, "no such file"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_a_file(here: Here, store: HeaderStore, tmp_path: Path, kind: str) -> None:
    make, words = UNFIT[kind]
    make(tmp_path)
    put(store, CHAIN[:50], heard=49)
    done = here("headers", "import", "x", *ON_TEST)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: x: ")
    assert words in done.err
    assert headers_in(store) == CHAIN[:50]
    assert store.heard == Heard(49, MOMENT, 1)


def test_the_wrong_network_the_other_way_round(here: Here, tmp_path: Path) -> None:
    (tmp_path / "headers.bin").write_bytes(joined(CHAIN[:9]))
    done = here("headers", "import", "headers.bin")
    assert done.code == 2
    assert "of the network bitcoin" in done.err
    assert "--network" in done.err
    assert not store_at(tmp_path, "bitcoin").path.exists()


def _import_refused(store: HeaderStore, file: Path) -> str:
    try:
        import_file(store, Checkpoints(), file, NOW)
    except InputError as error:
        return error.message
    return ""


def test_a_file_that_may_not_be_read(store: HeaderStore, tmp_path: Path) -> None:
    file = tmp_path / "headers.bin"
    file.write_bytes(joined(CHAIN))
    file.chmod(0)
    assert without_rights(_import_refused, store, file) == f"{file}: permission denied"


def test_a_pipe_does_not_stop_an_import(store: HeaderStore, tmp_path: Path) -> None:
    """Refused, or read when somebody writes into it; never waited for without end."""
    os.mkfifo(tmp_path / "pipe")
    done = threading.Event()

    def attempt() -> None:
        _import_refused(store, tmp_path / "pipe")
        done.set()

    threading.Thread(target=attempt, daemon=True).start()
    assert done.wait(1), "it waits for a writer"


# -- a damaged store ------------------------------------------------------------------------------------------------


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x40
    path.write_bytes(data)


def spoil(path: Path, height: int) -> None:
    """Another byte in this header, such that it has no work: on regtest every second byte would do."""
    headers = split(path.read_bytes())
    headers[height] = without_work(headers[height])
    path.write_bytes(joined(headers))


def replace_with_another_chain(path: Path) -> None:
    path.write_bytes(BITCOIN.genesis + joined(mine_chain(200, after=BITCOIN.genesis, time=TIME)))


DAMAGE: dict[str, tuple[Callable[[Path], object], bool]] = {
    # What happens, and whether something that is there is no longer sound, which is to be said.
    "a byte in the middle": (lambda path: flip(path, 80 * 1_000 + 50), True),
    "bits in the middle": (lambda path: flip(path, 80 * 2_016 + 75), True),
    "the last header": (lambda path: spoil(path, 2_501), True),
    "a byte of header 1": (lambda path: flip(path, 80 + 5), True),
    "a byte of the genesis block": (lambda path: flip(path, 40), True),
    "bits of the genesis block": (lambda path: flip(path, 75), True),
    "cut within a header": (lambda path: os.truncate(path, 80 * 1_200 + 33), False),
    "cut behind a header": (lambda path: os.truncate(path, 80 * 1_200), False),
    "zeros behind it": (lambda path: path.write_bytes(path.read_bytes() + bytes(80 * 5 + 7)), True),
    "emptied": (lambda path: path.write_bytes(b""), False),
    "half of the genesis block": (lambda path: os.truncate(path, 40), False),
    "another network's chain": (replace_with_another_chain, True),
    "another chain": (lambda path: path.write_bytes(REGTEST_GENESIS + joined(LONG_FORK[25_001:25_100])), True),
    "zeros": (lambda path: path.write_bytes(bytes(80 * 500)), True),
    "deleted": (lambda path: path.unlink(), False),
    "a note of garbage": (lambda path: path.with_suffix(".heard").write_bytes(b"\xff{]"), False),
    "a note with escapes": (
        lambda path: path.with_suffix(".heard").write_text('{"height": 9, "at": "\\u001b[2J", "peers": 1}'),
        False,
    ),
}


@pytest.fixture
def damaged(store: HeaderStore, request: pytest.FixtureRequest) -> HeaderStore:
    sync_from(store, SHORT)
    DAMAGE[request.param][0](store.path)
    return store


@pytest.mark.parametrize("damaged", DAMAGE, indirect=True)
def test_the_status_of_a_damaged_store(here: Here, damaged: HeaderStore) -> None:
    """It need not notice; but it says what it says in words, and nothing that moves the cursor."""
    done: Result = here("headers", "status", *ON_TEST)
    assert done.code in (0, 2, 4)
    assert "fault in notary" not in done.err
    assert "\x1b" not in done.out + done.err
    if done.code:
        assert str(damaged.path) in done.err, "the line does not say what is broken"


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_store_is_mended_by_the_next_sync(store: HeaderStore, kind: str) -> None:
    sync_from(store, SHORT)
    damage, is_said = DAMAGE[kind]
    damage(store.path)
    result = sync_from(store, SHORT)
    assert headers_in(store) == SHORT
    assert result.tip.height == 2_501
    assert store.heard == Heard(2_501, MOMENT, 1)
    assert bool([note for note in result.notes if str(store.path) in note and "damaged" in note]) == is_said


def test_a_damaged_store_is_mended_on_the_command_line(here: Here, store: HeaderStore) -> None:
    sync_from(store, SHORT)
    spoil(store.path, 1_000)
    with Peer(SHORT, REGTEST) as party:
        answer = synced(here, party.address)
        assert answer["notes"] == [f"{store.path} was damaged at block 1,000, and is cut off there"]
        assert answer["height"] == 2_501
        spoil(store.path, 1_000)
        shown = here("headers", "sync", "--peer", party.address, *ON_TEST)
        assert "was damaged at block 1,000" in shown.err
    assert headers_in(store) == SHORT


def test_a_damaged_store_keeps_what_is_sound_without_peers(here: Here, store: HeaderStore) -> None:
    sync_from(store, SHORT)
    spoil(store.path, 1_000)
    answer = synced(here, nobody(), code=4)
    assert "was damaged at block 1,000" in answer["error"]
    assert headers_in(store) == SHORT[:1_000]
    assert store.heard == Heard(999, MOMENT, 1)


def test_a_damaged_store_is_mended_by_an_import(store: HeaderStore, tmp_path: Path) -> None:
    sync_from(store, SHORT)
    spoil(store.path, 1_000)
    result = import_chain(store, tmp_path / "headers.bin", SHORT)
    assert headers_in(store) == SHORT
    assert len(result.notes) == 1
    assert "was damaged at block 1,000" in result.notes[0]
    assert store.heard == Heard(999, MOMENT, 1)


def test_a_write_that_was_torn_anywhere(store: HeaderStore) -> None:
    """What a crash leaves: the file ends anywhere, its last pages may be zeros."""
    moments = random.Random(3)  # noqa: S311 - repeatable, not secret
    whole = joined(SHORT)
    store.path.parent.mkdir(parents=True)
    with Peer(SHORT, REGTEST) as party:
        for _ in range(25):
            end, zeros = moments.randrange(len(whole)), moments.choice([0, 0, 1, 79, 80, 4_096])
            store.path.write_bytes(whole[:end] + bytes(zeros))
            sync_with(store, party)
            assert store.path.read_bytes() == whole, (end, zeros)


# -- the main chain -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def main_chain() -> list[bytes]:
    """Headers 0 to 4,100."""
    return split(MAIN_FILE.read_bytes())


@pytest.mark.shared_data
def test_the_main_chain_before_the_last_checkpoint(here: Here, main_chain: list[bytes], tmp_path: Path) -> None:
    store = store_at(tmp_path, "bitcoin")
    with Peer(main_chain, MAINNET) as party:
        for times in (1, 2):
            done = here("headers", "sync", "--peer", party.address, "--json")
            assert done.code == 4
            assert "ends at block 4,100, before the last checkpoint of this release" in done.json["error"]
            assert party.address in done.json["error"]
            assert headers_in(store) == main_chain
            assert store.heard is None
            assert party.connections == times
        assert party.complaints == []
        assert [locator[0] for locator in party.getheaders] == [
            block_hash(main_chain[at]) for at in (0, 2_000, 4_000, 4_099)
        ]
    answer = here("headers", "status", "--json").json
    assert (answer["network"], answer["test_network"], answer["heard"]) == ("bitcoin", False, None)
    assert (answer["height"], answer["hash"]) == (4_100, block_hash(main_chain[-1])[::-1].hex())
    assert int(answer["work"], 16) == 4_101 * (2**32 + 2**16 + 1)
    shown = here("headers", "status")
    assert "TEST NETWORK" not in shown.out
    assert "none was heard" in shown.out


@pytest.mark.shared_data
def test_the_main_chain_from_a_file(here: Here, main_chain: list[bytes], tmp_path: Path) -> None:
    done = here("headers", "import", MAIN_FILE, "--json")
    assert (done.code, done.json["height"], done.json["heard"]) == (0, 4_100, None)
    assert headers_in(store_at(tmp_path, "bitcoin")) == main_chain


@pytest.mark.shared_data
@pytest.mark.parametrize("height", [1, 2_000, 2_015, 2_016, 4_100])
def test_one_byte_of_the_main_chain_is_another(
    here: Here, main_chain: list[bytes], tmp_path: Path, height: int
) -> None:
    store = store_at(tmp_path, "bitcoin")
    with Peer(main_chain, MAINNET, behaviour=flipped(height)) as party:
        answer = here("headers", "sync", "--peer", party.address, "--json")
    assert answer.code == 4
    assert f"header {height:,} breaks the chain" in answer.json["error"]
    assert check_sound(store, main_chain) == (height - 1) // 2_000 * 2_000


@pytest.mark.shared_data
def test_checkpoints_of_the_main_chain_are_those_that_are_shipped(
    here: Here, main_chain: list[bytes], tmp_path: Path
) -> None:
    store = store_at(tmp_path, "bitcoin")
    put(store, main_chain)
    assert pin(store).pinned == ()
    put(store, main_chain, heard=4_030)
    assert pin(store).pinned == ()
    put(store, main_chain, heard=4_031)
    assert pin(store).pinned == shipped_checkpoints(BITCOIN).pinned[:1]
    done = here("headers", "checkpoints", "-o", "checkpoints.txt")
    assert (done.code, done.out) == (3, "")
    assert not (tmp_path / "checkpoints.txt").exists()


def test_cheap_headers_are_no_main_chain(here: Here, tmp_path: Path) -> None:
    cheap = [BITCOIN.genesis, *mine_chain(2_100, after=BITCOIN.genesis, time=TIME)]
    with Peer(cheap, MAINNET) as party:
        address = party.address
        done = here("headers", "sync", "--peer", address)
    assert (done.code, done.out) == (4, "")
    assert f"the peer {address}: header 1 breaks the chain: its bits are 207fffff" in done.err
    assert headers_in(store_at(tmp_path, "bitcoin")) == [BITCOIN.genesis]


def test_a_node_of_another_network(here: Here, tmp_path: Path) -> None:
    with Peer(SHORT, REGTEST) as party:
        done = here("headers", "sync", "--peer", party.address)
        assert done.code == 4
        assert party.address in done.err
    assert check_sound(store_at(tmp_path, "bitcoin"), [BITCOIN.genesis]) == 0


# -- words ----------------------------------------------------------------------------------------------------------


def test_without_peers_there_is_a_hint(here: Here) -> None:
    for network in ("bitcoin", "regtest"):
        done = here("headers", "sync", "--network", network)
        assert (done.code, done.out) == (4, "")
        assert f"no peer of the network {network}" in done.err
        assert "--peer HOST:PORT" in done.err


def test_an_empty_list_of_peers_is_not_the_seeds_fault(here: Here) -> None:
    """NOTARY_PEERS is set and empty, and regtest has no seeds: nobody was asked who could have answered."""
    assert "seeds do not answer" not in here("headers", "sync").err


def test_peers_from_the_environment(notary: Notary, tmp_path: Path) -> None:
    with Peer(CHAIN[:9], REGTEST) as one, Peer(CHAIN[:12], REGTEST) as two:
        notary.environment["NOTARY_PEERS"] = f"{one.address}, {two.address}"
        done = notary("headers", "sync", *ON_TEST, "--json")
        assert sorted(done.json["peers"]) == sorted([one.address, two.address])
        assert headers_in(store_at(tmp_path)) == CHAIN[:12]


@pytest.mark.parametrize("junk", ["", "node.example:x", "http://127.0.0.1:8333", "\x1b[2J"])
def test_a_peer_that_is_no_address(here: Here, tmp_path: Path, junk: str) -> None:
    done = here("headers", "sync", "--peer", junk, *ON_TEST)
    assert (done.code, done.out) == (2, "")
    assert "is no address" in done.err
    assert "hint:" in done.err
    assert "\x1b" not in done.err
    assert not (tmp_path / "ledger").exists()


def test_checkpoints_without_a_chain_that_peers_confirmed(here: Here, tmp_path: Path) -> None:
    done = here("headers", "checkpoints", "-o", "checkpoints.txt")
    assert (done.code, done.out) == (3, "")
    assert "hint: notary headers sync" in done.err
    assert not (tmp_path / "checkpoints.txt").exists()
    done = here("headers", "checkpoints", "--json")
    assert (done.code, done.json["exit_code"]) == (3, 3)


def test_the_embedded_network_has_no_header_store(here: Here) -> None:
    Path("headers.bin").write_bytes(joined(CHAIN[:9]))
    for command in (["sync"], ["import", "headers.bin"], ["status"]):
        done = here("headers", *command, "--network", "local")
        assert (done.code, done.out) == (2, "")
        assert "the embedded network keeps its own headers" in done.err


def test_json_is_one_document_quiet_is_silence_and_text_has_a_banner(here: Here) -> None:
    Path("headers.bin").write_bytes(joined(CHAIN[:9]))
    with Peer(CHAIN[:12], REGTEST) as party:
        commands = (["status"], ["import", "headers.bin"], ["sync", "--peer", party.address], ["status"])
        for command in commands:
            done = here("headers", *command, *ON_TEST, "--json")
            assert (done.code, done.err) == (0, "")
            assert {"height", "hash", "work", "network", "test_network", "file", "heard"} <= set(done.json)
            assert len(done.json["hash"]) == len(done.json["work"]) == 64
            assert done.out.count("\n") == done.out.rstrip("\n").count("\n") + 1
            quiet = here("headers", *command, *ON_TEST, "--quiet")
            assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
        for command in commands[1:]:
            text = here("headers", *command, *ON_TEST)
            assert text.code == 0
            assert "TEST NETWORK regtest" in text.out
            assert block_hash(CHAIN[11])[::-1].hex() in text.out


def test_a_sync_of_nothing_but_the_genesis_block(here: Here) -> None:
    with Peer([REGTEST_GENESIS], REGTEST) as party:
        answer = synced(here, party.address)
    assert (answer["height"], answer["added"], answer["heard"]["height"]) == (0, 0, 0)


def test_one_header_is_one_header(here: Here, tmp_path: Path) -> None:
    """What is kept is counted as people count."""
    store = store_at(tmp_path)
    put(store, CHAIN[:2_000])
    with Peer(CHAIN[:2_002], REGTEST, behaviour=stingy(2)) as party:
        answer = synced(here, party.address, code=4)
    assert store.height == 2_000
    assert not [hint for hint in answer["hints"] if "1 headers" in hint]


def test_how_long_it_takes_is_bounded_by_the_peers_limits(
    store: HeaderStore, stage: ExitStack, impatience: None
) -> None:
    """Silent peers cost their time one after another at most, and the honest one is heard all the same."""
    bad = [
        stage.enter_context(Peer(SHORT, REGTEST, behaviour=one)) for one in (mute, drips_headers(), closes_at_once) * 2
    ]
    good = stage.enter_context(Peer(SHORT, REGTEST, behaviour=after(0.1, honest)))
    began = time()
    result = sync_with(store, *bad, good)
    assert time() - began < 6 * PATIENCE
    assert result.peers == (good.address,)
    assert len(result.notes) == len(bad)


def test_a_peer_that_shows_nothing_was_not_heard(here: Here, tmp_path: Path) -> None:
    """A node that still downloads answers so, and anybody can. What came from a file stays what it was."""
    file = tmp_path / "headers.bin"
    file.write_bytes(b"".join(CHAIN))
    imported(here, file)
    store = store_at(tmp_path)
    with Peer(CHAIN[:1], REGTEST) as party:
        answer = synced(here, party.address, code=4)
    assert "has no headers to show" in answer["error"]
    assert store.heard is None
    for shown in (3_000, len(CHAIN) - 1):
        with Peer(CHAIN[: shown + 1], REGTEST) as party:
            answer = synced(here, party.address)
        assert (answer["height"], answer["heard"]["height"]) == (len(CHAIN) - 1, shown)
    assert headers_in(store) == CHAIN
