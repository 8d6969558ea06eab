"""Many proofs, beside the reference library that makes the same bytes and the reference client that checks one."""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from opentimestamps.core.op import OpAppend, OpPrepend, OpSHA256
from opentimestamps.core.serialize import BytesDeserializationContext, BytesSerializationContext
from opentimestamps.core.timestamp import DetachedTimestampFile, Timestamp, make_merkle_tree

from notary.batches import Opened, Whole, whole
from notary.core.digest import HEAD, HEAD_CONTEXT, LEAF, NODE, Salter, head_tail, leaf_hash, statement_hash
from notary.core.merkle import build
from notary.edges.ledger import Batch, open_ledger
from notary.localnet.calendar import LocalNetwork
from tests.benchmarks.corpora import KEY, Stored, alone, stored
from tests.benchmarks.measuring import NOTARY, OTS, Job, Row, Setting, anew, in_fresh_process, in_turn, timed
from tests.parties.bitcoind import Bitcoind, find_bitcoind

HUNDRED_THOUSAND = 100_000

_PART = 10
"""The reference library serialises one proof in ten, of the whole tree; that part of its time is scaled up."""


# -- making ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Items:
    """Everything that proofs are made of: a batch, its items with salts and records, the timestamp of its seal."""

    batch: Batch
    items: Sequence[Opened]
    timestamp: bytes


def making(setting: Setting) -> Iterator[Row]:
    """the bytes of 100,000 `.ots` files, beside the reference library making the same bytes"""
    count = setting.scaled(HUNDRED_THOUSAND, least=_PART)
    path = stored(setting, count).ledger
    made = _items_of(path)
    assert in_fresh_process(_differences, made) == 0
    ours, peer, from_ledger = in_turn(
        setting.runs,
        lambda: in_fresh_process(_time_ours, made),
        lambda: in_fresh_process(_time_peer, made),
        lambda: in_fresh_process(_time_from_ledger, path),
        warm_up=False,
    )
    note = (
        "both from digests, salts and records at hand, by way of the tree; every tenth proof was compared: equal.\n"
        f"    The library makes the whole tree, but the bytes of every {_PART}th proof: their time counts {_PART}-fold"
    )
    yield Row(f"the bytes of {count:,} proofs / reference library", ours, 1 / 40, peer, note=note)
    yield Row("    the same from the ledger, as `--ots` makes them", from_ledger, None, peer)


def _items_of(path: Path) -> _Items:
    with open_ledger(path) as ledger:
        (batch,) = ledger.batches()
        timestamp, items = ledger.timestamp(batch), list(map(whole(ledger, batch).open, ledger.items(batch)))
    assert timestamp is not None
    return _Items(batch, items, timestamp)


def _ours(made: _Items) -> Iterator[bytes]:
    tree = build(leaf_hash(item.stored.digest, item.s, item.r) for item in made.items)
    whole = Whole(made.batch, Salter(KEY), tree)
    tail = whole.tail(made.timestamp)
    for item in made.items:
        yield whole.proof(item, tail)


def _time_ours(made: _Items) -> float:
    begin = perf_counter()
    for _ in _ours(made):
        pass
    return perf_counter() - begin


def _time_from_ledger(path: Path) -> float:
    begin = perf_counter()
    with open_ledger(path) as ledger:
        (batch,) = ledger.batches()
        made = whole(ledger, batch)
        tail = made.tail(ledger.timestamp(batch) or b"")
        for one in ledger.items(batch):
            made.proof(made.open(one), tail)
    return perf_counter() - begin


def _time_peer(made: _Items) -> float:
    begin = perf_counter()
    stamps = _reference_stamps(made)
    built = perf_counter()
    for stamp in stamps[::_PART]:
        _reference_bytes(stamp)
    return (built - begin) + (perf_counter() - built) * _PART


def _differences(made: _Items) -> int:
    stamps = _reference_stamps(made)
    return sum(
        proof != _reference_bytes(stamps[index]) for index, proof in enumerate(_ours(made)) if index % _PART == 0
    )


def _reference_stamps(made: _Items) -> list[Timestamp]:
    """The items' timestamps, up to the attestations; they share the tree."""
    stamps = [Timestamp(item.stored.digest) for item in made.items]
    tree = make_merkle_tree(
        [
            stamp.ops.add(OpAppend(item.s + item.r)).ops.add(OpPrepend(LEAF)).ops.add(OpSHA256())
            for stamp, item in zip(stamps, made.items, strict=True)
        ],
        _join,
    )
    tail = head_tail(made.batch.size, statement_hash(made.batch.manifest))
    head = tree.ops.add(OpAppend(tail)).ops.add(OpPrepend(HEAD + HEAD_CONTEXT)).ops.add(OpSHA256())
    assert head.msg == made.batch.head
    head.merge(Timestamp.deserialize(BytesDeserializationContext(made.timestamp), head.msg))
    return stamps


def _join(left: Timestamp, right: Timestamp) -> Timestamp:
    joined = left.ops.add(OpAppend(right.msg)).ops.add(OpPrepend(NODE))
    right.ops[OpPrepend(NODE + left.msg)] = joined
    return joined.ops.add(OpSHA256())


def _reference_bytes(stamp: Timestamp) -> bytes:
    context = BytesSerializationContext()
    DetachedTimestampFile(OpSHA256(), stamp).serialize(context)
    return bytes(context.getbytes())


# -- checking -------------------------------------------------------------------------------------------------------


def checking(setting: Setting) -> Iterator[Row]:
    """`notary verify` of a bundle of 100,000 digests, beside `ots verify` with a process for each proof"""
    count = setting.scaled(HUNDRED_THOUSAND)
    made, bundle = stored(setting, count), setting.folder / "digests.zip"
    ledger = ("--ledger", made.ledger)
    timed(NOTARY, "export", made.batch, "--disclose", "digests", "--no-ots", "--offline", "-o", bundle, *ledger)
    digest, proof = _one_proof(setting, made)

    def ours() -> float:
        # Ends with 0 only where the verdict is: verified.
        return timed(NOTARY, "verify", bundle, "--network", "local", "--offline", *ledger) / count

    program = find_bitcoind()
    if program is None:
        note = "no bitcoind at hand (NOTARY_TEST_BITCOIND): the peer is `ots info`, which checks less than `ots verify`"
        figures = in_turn(setting.runs, ours, lambda: timed(OTS, "--no-cache", "info", proof))
    else:
        note = ""
        node = _node_with(made, program, setting)
        try:
            options = ("--no-cache", "--btc-regtest", "--bitcoin-node", node.url_with_login)
            figures = in_turn(setting.runs, ours, lambda: timed(OTS, *options, "verify", "-d", digest, proof))
        finally:
            node.stop()
    yield Row(f"verify one of {count:,} digests in a bundle / ots", figures[0], 1 / 1000, figures[1], note=note)


def _one_proof(setting: Setting, made: Stored) -> tuple[str, Path]:
    """The digest of the one item that has its file, and its `.ots`, as a bundle has it."""
    bundle, proof = setting.folder / "one.zip", setting.folder / "one.ots"
    options = ("--only", made.shown, "--ots", "--offline", "-o", bundle, "--ledger", made.ledger)
    timed(NOTARY, "export", made.batch, *options)
    with zipfile.ZipFile(bundle) as archive:
        (name,) = (name for name in archive.namelist() if "/proofs/" in name)
        proof.write_bytes(archive.read(name))
    context = BytesDeserializationContext(proof.read_bytes())
    digest: bytes = DetachedTimestampFile.deserialize(context).file_digest
    return digest.hex(), proof


def _node_with(made: Stored, program: Path, setting: Setting) -> Bitcoind:
    """A regtest node that has the embedded network's blocks."""
    world = alone(made.ledger)
    node = Bitcoind(program, anew(setting.folder / "node"))
    try:
        node.feed(LocalNetwork(world.local_folder / "network.db", world.clock, world.randomness))
    except BaseException:
        node.stop()
        raise
    return node


JOBS: dict[str, Job] = {"proofs": making, "verify": checking}
