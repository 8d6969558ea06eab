"""The tree over tiles: against RFC 6962 as it is written, against proofs of public logs, and before another program."""

import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales.backend import HttpBackend, LocalBackend, TilesBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import PlainEd25519Signer, Vkey
from tlog_scales.tlog import ConsistencyProof, InclusionProof
from tlog_scales.writer import TilesWriter

from notary import limits
from notary.errors import EvidenceError, FormatError
from notary.registry.core.checkpoint import verify_checkpoint
from notary.registry.core.cosignature import Quorum
from notary.registry.core.log import (
    EMPTY_ROOT,
    Appender,
    TiledTree,
    leaf_hash,
    verify_consistency,
    verify_divergence,
    verify_inclusion,
)
from notary.registry.core.note import read_note, write_note
from notary.registry.core.tiles import ENTRIES, Tile, read_bundle, tiles_of
from notary.registry.core.tlog_proof import TlogProof, read_tlog_proof, write_tlog_proof
from tests.core.test_merkle import CT_INPUTS, CT_ROOTS
from tests.registry.logs import LOG, ORIGIN, Rfc6962, Store, each_flipped, entries_of, flipped, sha256, signed
from tests.registry.public_logs import (
    ARGON_CONSISTENCY,
    ARGON_OLD_ROOT,
    ARGON_OLD_SIZE,
    ARGON_ROOT,
    ARGON_SIZE,
)

SMALL = range(1, 71)
AROUND_TILES = [255, 256, 257, 511, 512, 513, 767]
LARGE = 65_537
AROUND_LARGE = [65_279, 65_280, 65_281, 65_535, 65_536, LARGE]
INDICES = [0, 1, 255, 256, 257, 32_767, 32_768, 65_278, 65_279, 65_280, 65_534, 65_535, 65_536]


@pytest.fixture(scope="module")
def large() -> tuple[Rfc6962, Store]:
    """A log of LARGE entries, published at each size of AROUND_LARGE, with RFC 6962's tree over the same entries."""
    entries, store, size = entries_of(LARGE), Store(), 0
    for next_ in AROUND_LARGE:
        store.append(size, entries[size:next_])
        size = next_
    return Rfc6962(entries), store


def small(size: int) -> tuple[Rfc6962, TiledTree]:
    store = Store()
    store.append(0, entries_of(size))
    return Rfc6962(entries_of(size)), TiledTree(size, store.read)


# -- the shape ------------------------------------------------------------------------------------------------------


def test_roots_of_certificate_transparency() -> None:
    for size, root in enumerate(CT_ROOTS, 1):
        store = Store()
        appender = store.append(0, (bytes.fromhex(one) for one in CT_INPUTS[:size]))
        assert appender.root.hex() == TiledTree(size, store.read).root.hex() == root


def test_a_log_without_entries() -> None:
    store = Store()
    assert store.append(0, ()).root == TiledTree(0, store.read).root == EMPTY_ROOT == sha256()
    assert not store.files


@pytest.mark.parametrize("size", [*SMALL, *AROUND_TILES])
def test_roots_leaves_and_files_are_those_of_rfc_6962(size: int) -> None:
    reference, tree = small(size)
    assert tree.root == reference.root(0, size)
    assert [tree.leaf(index) for index in range(size)] == reference.leaves
    assert [leaf_hash(entry) for entry in entries_of(size)] == reference.leaves


@pytest.mark.parametrize("size", AROUND_LARGE)
def test_tiles_are_those_of_the_specification(large: tuple[Rfc6962, Store], size: int) -> None:
    """MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l]) for each hash of each tile."""
    reference, store = large
    entries = entries_of(LARGE)
    for tile in tiles_of(size):
        first = tile.index * 256
        if tile.level == ENTRIES:
            assert list(read_bundle(store.files[tile.path], tile.width)) == entries[first : first + tile.width]
            continue
        span = 256**tile.level
        expected = (reference.root((first + i) * span, (first + i + 1) * span) for i in range(tile.width))
        assert store.files[tile.path] == b"".join(expected)
    assert TiledTree(size, store.read).root == reference.root(0, size)


# -- growing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pieces", [[1] * 70, [255, 1, 1, 255, 1, 300], [256, 256], [0, 5, 0, 600], [1000], [3] * 90])
def test_a_log_grows_by_pieces_of_any_length(pieces: list[int]) -> None:
    entries, store, size = entries_of(sum(pieces)), Store(), 0
    reference = Rfc6962(entries)
    expected: set[Tile] = set()
    for piece in pieces:
        before = set(store.files)
        appender = store.append(size, entries[size : size + piece])
        assert set(store.files) - before == {tile.path for tile in tiles_of(size + piece, size)}
        size += piece
        expected |= set(tiles_of(size))
        assert appender.size == size
        assert appender.root == TiledTree(size, store.read).root == reference.root(0, size)
        assert Appender(size, store.read).root == appender.root
    assert {tile.path for tile in expected} == set(store.files)


def test_growing_reads_the_right_edge_only(large: tuple[Rfc6962, Store]) -> None:
    _, store = large
    store.read_paths.clear()
    Appender(LARGE, store.read)
    assert store.read_paths == ["tile/entries/256.p/1", "tile/0/256.p/1", "tile/2/000.p/1"]
    store.read_paths.clear()
    Appender(65_536, store.read)
    assert store.read_paths == ["tile/2/000.p/1"]


def test_what_is_held_does_not_grow_with_the_log() -> None:
    def peak(size: int) -> int:
        appender = Appender(0, Store().read)
        tracemalloc.start()
        count = sum(1 for _ in appender.add(b"entry %200d" % index for index in range(size)))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == len([tile for tile in tiles_of(size) if tile.is_full])
        return top

    assert peak(20_000) < peak(3_000) + 64 * 1024


def test_an_entry_that_is_too_long_is_not_half_appended() -> None:
    appender = Appender(0, Store().read)
    with pytest.raises(FormatError):
        list(appender.add([b"one", bytes(limits.LOG_ENTRY_BYTES + 1), b"two"]))
    assert (appender.size, appender.root) == (1, leaf_hash(b"one"))
    assert dict(appender.edge()) == {Tile(ENTRIES, 0, 1): b"\0\3one", Tile(0, 0, 1): leaf_hash(b"one")}


# -- proofs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SMALL)
def test_every_inclusion_proof_verifies_and_no_altered_one_does(size: int) -> None:
    reference, tree = small(size)
    root = reference.root(0, size)
    for index, leaf in enumerate(reference.leaves):
        proof = tree.inclusion_proof(index)
        assert list(proof) == reference.path(index, 0, size)
        verify_inclusion(leaf, index, size, proof, root)
        InclusionProof(index, size, list(proof)).check(leaf, root)
        shorter = [[leaf, root, *proof[:at], *proof[at + 1 :]] for at in range(len(proof))]
        altered = [*each_flipped([leaf, root, *proof], size + index), [leaf, root, *proof, root], *shorter]
        elsewhere = [-1, index - 1, index + 1, index ^ 1, size, 2**63]
        tries = [*((index, one) for one in altered), *((other, [leaf, root, *proof]) for other in elsewhere)]
        for other, (other_leaf, other_root, *hashes) in tries:
            with pytest.raises(EvidenceError):
                verify_inclusion(other_leaf, other, size, hashes, other_root)
        with pytest.raises(EvidenceError, match="too short"):
            verify_inclusion(leaf, index, 2 * size, proof, root)


@pytest.mark.parametrize("size", SMALL)
def test_every_consistency_proof_verifies_and_no_altered_one_does(size: int) -> None:
    reference, tree = small(size)
    root = reference.root(0, size)
    for old in range(1, size):
        proof = tree.consistency_proof(old)
        assert list(proof) == reference.proof(old, size)
        old_root = reference.root(0, old)
        verify_consistency(old, old_root, size, root, proof)
        ConsistencyProof(old, size, list(proof)).check(old_root, root)
        sound = [old_root, root, *proof]
        shorter = [[old_root, root, *proof[:at], *proof[at + 1 :]] for at in range(len(proof))]
        altered = [*each_flipped(sound, size + old), [*sound, root], *shorter]
        elsewhere = [*((other, size) for other in (-1, 0, size, 2**63)), (old, old), (size, old), (old, 2 * size)]
        tries = [*((old, size, one) for one in altered), *((*other, sound) for other in elsewhere)]
        for other, other_size, (other_old_root, other_root, *hashes) in tries:
            with pytest.raises(EvidenceError):
                verify_consistency(other, other_old_root, other_size, other_root, hashes)


@pytest.mark.parametrize("size", SMALL)
def test_where_there_is_nothing_to_prove(size: int) -> None:
    reference, tree = small(size)
    root = reference.root(0, size)
    assert tree.consistency_proof(0) == tree.consistency_proof(size) == ()
    verify_consistency(0, EMPTY_ROOT, size, root, ())
    verify_consistency(size, root, size, root, ())
    verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, ())
    for old, old_root, proof in (
        (0, root, ()),
        (0, EMPTY_ROOT, (root,)),
        (size, flipped(root, size), ()),
        (size, root, (root,)),
        (size + 1, root, ()),
    ):
        with pytest.raises(EvidenceError):
            verify_consistency(old, old_root, size, root, proof)


@pytest.mark.parametrize("size", AROUND_LARGE)
def test_proofs_around_the_edges_of_tiles(large: tuple[Rfc6962, Store], size: int) -> None:
    reference, store = large
    tree, root = TiledTree(size, store.read), reference.root(0, size)
    for index in (index for index in INDICES if index < size):
        proof = tree.inclusion_proof(index)
        assert list(proof) == reference.path(index, 0, size)
        verify_inclusion(reference.leaves[index], index, size, proof, root)
        for leaf, other_root, *hashes in each_flipped([reference.leaves[index], root, *proof], index):
            with pytest.raises(EvidenceError):
                verify_inclusion(leaf, index, size, hashes, other_root)
    for old in (old for old in {*INDICES[1:], *AROUND_LARGE} if old < size):
        proof = tree.consistency_proof(old)
        assert list(proof) == reference.proof(old, size)
        verify_consistency(old, reference.root(0, old), size, root, proof)
        for old_root, other_root, *hashes in each_flipped([reference.root(0, old), root, *proof], old):
            with pytest.raises(EvidenceError):
                verify_consistency(old, old_root, size, other_root, hashes)


def test_a_proof_reads_few_tiles(large: tuple[Rfc6962, Store]) -> None:
    _, store = large
    for size in AROUND_LARGE:
        levels = len({tile.level for tile in tiles_of(size)}) - 1
        for index in (index for index in INDICES if index < size):
            for make in (TiledTree.inclusion_proof, TiledTree.consistency_proof):
                store.read_paths.clear()
                make(TiledTree(size, store.read), index)
                assert len(store.read_paths) == len(set(store.read_paths)) <= 2 * levels


def test_an_earlier_tree_is_read_from_the_tiles_of_the_log_as_it_is() -> None:
    """As a keeper does who has thrown partial tiles away."""
    size = 600
    store, reference = Store(), Rfc6962(entries_of(size))
    store.append(0, entries_of(size))
    for old in range(size + 1):
        tree = TiledTree(old, store.read, published=size)
        assert tree.root == reference.root(0, old)
        if old:
            verify_inclusion(reference.leaves[old // 2], old // 2, old, tree.inclusion_proof(old // 2), tree.root)


def test_proofs_are_of_what_is_there() -> None:
    _, tree = small(5)
    for index in (-1, 5, 6):
        for of_leaf in (tree.inclusion_proof, tree.leaf):
            with pytest.raises(IndexError):
                of_leaf(index)
    for old in (-1, 6):
        with pytest.raises(IndexError):
            tree.consistency_proof(old)


@pytest.mark.parametrize("size", range(1, 34))
def test_a_history_that_was_changed_is_shown(size: int) -> None:
    """Two heads of one log, the second of which has another entry: for any place of it, and any size of the first."""
    entries = entries_of(size)
    first = Rfc6962(entries)
    for at in {0, size // 2, size - 1}:
        store, second = Store(), Rfc6962([*entries[:at], b"changed", *entries[at + 1 :]])
        root = store.append(0, [*entries[:at], b"changed", *entries[at + 1 :]]).root
        tree = TiledTree(size, store.read)
        for old in range(1, size + 1):
            proof, old_root, honest = tree.divergence_proof(old), first.root(0, old), second.root(0, old)
            with pytest.raises(EvidenceError, match="consistent"):
                verify_divergence(old, honest, size, root, proof)
            if old <= at:
                assert honest == old_root
                continue
            verify_divergence(old, old_root, size, root, proof)
            with pytest.raises(EvidenceError):
                verify_consistency(old, old_root, size, root, tree.consistency_proof(old))
            for other_root, *hashes in each_flipped([root, *proof], size):
                if old < size:
                    with pytest.raises(EvidenceError, match="leads to the root"):
                        verify_divergence(old, old_root, size, other_root, hashes)
            for wrong in ((*proof, root), proof[1:]):
                if wrong != proof:
                    with pytest.raises(EvidenceError):
                        verify_divergence(old, old_root, size, root, wrong)


def test_nothing_diverges_from_an_empty_or_a_larger_log() -> None:
    reference, tree = small(5)
    for old in (-1, 0, 6):
        with pytest.raises(EvidenceError, match="nothing can diverge"):
            verify_divergence(old, sha256(b"other"), 5, reference.root(0, 5), ())
        with pytest.raises(IndexError):
            tree.divergence_proof(old)


def test_a_consistency_proof_of_a_public_log() -> None:
    """Argon 2020, from 3,654,490 entries to 961,984,013."""
    verify_consistency(ARGON_OLD_SIZE, ARGON_OLD_ROOT, ARGON_SIZE, ARGON_ROOT, ARGON_CONSISTENCY)
    for old_root, root, *hashes in each_flipped([ARGON_OLD_ROOT, ARGON_ROOT, *ARGON_CONSISTENCY], 5):
        with pytest.raises(EvidenceError):
            verify_consistency(ARGON_OLD_SIZE, old_root, ARGON_SIZE, root, hashes)
    for old, size in ((ARGON_OLD_SIZE - 1, ARGON_SIZE), (ARGON_SIZE, ARGON_OLD_SIZE)):
        with pytest.raises(EvidenceError):
            verify_consistency(old, ARGON_OLD_ROOT, size, ARGON_ROOT, ARGON_CONSISTENCY)


@given(
    st.integers(-1, limits.LOG_SIZE),
    st.integers(-1, limits.LOG_SIZE),
    st.lists(st.binary(min_size=31, max_size=33), max_size=70),
    st.binary(min_size=32, max_size=32),
)
def test_no_proof_made_up_verifies(index: int, size: int, proof: list[bytes], root: bytes) -> None:
    with pytest.raises(EvidenceError):
        verify_inclusion(sha256(root), index, size, proof, root)
    with pytest.raises(EvidenceError):
        verify_consistency(index, sha256(root), size, root, proof)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_hash_has_one_length(length: int) -> None:
    reference, tree = small(8)
    root = reference.root(0, 8)
    odd = (bytes(length), *tree.inclusion_proof(3)[1:])
    with pytest.raises(EvidenceError, match="not of 32 bytes"):
        verify_inclusion(reference.leaves[3], 3, 8, odd, root)
    with pytest.raises(EvidenceError, match="not of 32 bytes"):
        verify_consistency(3, reference.root(0, 3), 8, root, odd)


# -- tiles that are not as they should be ---------------------------------------------------------------------------


@pytest.mark.parametrize("width", [0, 1, 43, 45, 256])
def test_a_tile_of_another_length_is_refused(width: int) -> None:
    store = Store()
    store.append(0, entries_of(300))
    store.files["tile/0/001.p/44"] = bytes(32 * width)
    for use in (
        lambda: TiledTree(300, store.read).root,
        lambda: TiledTree(300, store.read).inclusion_proof(299),
        lambda: Appender(300, store.read),
    ):
        with pytest.raises(FormatError, match=r"tile/0/001\.p/44"):
            use()


def test_a_bundle_of_another_length_is_refused() -> None:
    store = Store()
    store.append(0, entries_of(300))
    store.files["tile/entries/001.p/44"] += b"\0\0"
    with pytest.raises(FormatError, match="left over"):
        Appender(300, store.read)


@pytest.mark.parametrize(
    ("path", "sound"),
    [
        ("tile/0/000", range(256, 600)),
        ("tile/0/001", [*range(256), *range(512, 600)]),
        ("tile/0/002.p/88", []),
        ("tile/1/000.p/2", range(256, 512)),
    ],
)
def test_a_damaged_tile_gives_no_proof_that_verifies(path: str, sound: Sequence[int]) -> None:
    """One bit of each: there are proofs of just those entries whose way does not pass it."""
    size = 600
    store, reference = Store(), Rfc6962(entries_of(size))
    store.append(0, entries_of(size))
    store.files[path] = flipped(store.files[path], 1000)
    tree = TiledTree(size, store.read)
    for index in [*range(0, size, 7), 255, 256, 511, 512, 599]:
        proof = tree.inclusion_proof(index)
        if index in sound:
            verify_inclusion(tree.leaf(index), index, size, proof, reference.root(0, size))
        else:
            with pytest.raises(EvidenceError):
                verify_inclusion(tree.leaf(index), index, size, proof, reference.root(0, size))


# -- before another program -----------------------------------------------------------------------------------------


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder on loopback, by the standard library's server for files."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def read_by_scales(backend: TilesBackend, size: int, reference: Rfc6962) -> None:
    """What tlog-scales makes of a log of `size`: it must find every entry that it looks at, and proofs that verify."""
    reader = TilesReader(backend)
    checkpoint = reader.get_checkpoint()
    checkpoint.verify(Vkey.from_string(str(LOG.key)))
    assert checkpoint.size == size
    assert reader.calculate_root_hash() == checkpoint.root_hash == reference.root(0, size)
    entries = entries_of(size)
    for index in {0, size // 3, size - 1, *(index for index in INDICES if index < size)}:
        assert reader.get_entry(index) == entries[index]
        theirs = reader.get_inclusion_proof(index, size)
        verify_inclusion(leaf_hash(entries[index]), index, size, theirs.node_hashes, checkpoint.root_hash)
        proof = reader.get_consistency_proof(index + 1, size)
        verify_consistency(index + 1, reference.root(0, index + 1), size, checkpoint.root_hash, proof.node_hashes)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700])
def test_another_program_reads_our_log(tmp_path: Path, size: int) -> None:
    store, reference = Store(), Rfc6962(entries_of(size))
    appender = store.append(0, entries_of(size))
    store.publish(tmp_path, write_note(signed(size, appender.root)))
    read_by_scales(LocalBackend(tmp_path), size, reference)


def test_another_program_reads_our_log_over_http(tmp_path: Path, large: tuple[Rfc6962, Store]) -> None:
    reference, store = large
    store.publish(tmp_path, write_note(signed(LARGE, reference.root(0, LARGE))))
    with served(tmp_path) as url:
        read_by_scales(HttpBackend(url), LARGE, reference)


@pytest.mark.parametrize("index", [0, -1])
def test_another_program_s_proof_from_our_log(tmp_path: Path, index: int) -> None:
    """The command line of tlog-scales writes the same C2SP proof as we do, and ours verifies."""
    store, entries = Store(), entries_of(300)
    note = signed(300, store.append(0, entries).root)
    store.publish(tmp_path, write_note(note))
    command = [sys.executable, "-m", "tlog_scales.cli", "gen-proof", str(tmp_path), "--", str(index)]
    theirs = subprocess.run(command, check=True, capture_output=True).stdout
    index %= 300
    ours = TlogProof(index, TiledTree(300, store.read).inclusion_proof(index), note)
    assert theirs == write_tlog_proof(ours)
    read_tlog_proof(theirs).verify(leaf_hash(entries[index]), ORIGIN, [LOG.key], Quorum())


@pytest.mark.parametrize("sizes", [[1], [255, 256, 257], [700, 1300]])
def test_we_read_another_program_s_log(tmp_path: Path, sizes: list[int]) -> None:
    folder, entries = tmp_path / "log", entries_of(sizes[-1])
    writer = TilesWriter.create(folder, ORIGIN)
    for old, size in pairwise([0, *sizes]):
        for tile in tiles_of(size, old):
            # It leaves out this step where a tile that it fills up was partial.
            (folder / tile.path).parent.mkdir(parents=True, exist_ok=True)
        for entry in entries[old:size]:
            writer.add_leaf(entry)
        writer.commit([PlainEd25519Signer(ORIGIN, LOG.seed)], gc=False)
        note = read_note((folder / "checkpoint").read_bytes())
        checkpoint = verify_checkpoint(note, ORIGIN, [LOG.key])
        tree = TiledTree(checkpoint.size, lambda tile: (folder / tile.path).read_bytes())
        assert checkpoint.size == size
        assert tree.root == checkpoint.root
        store = Store({tile.path: (folder / tile.path).read_bytes() for tile in tiles_of(size)})
        ours = Store()
        assert ours.append(0, entries[:size]).root == checkpoint.root
        assert ours.files == store.files
        assert Appender(size, store.read).root == checkpoint.root
