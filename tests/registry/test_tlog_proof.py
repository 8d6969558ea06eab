"""C2SP proofs: one made of a public log's answers, and what is none. test_log reads what another program writes."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary import limits
from notary.errors import EvidenceError, FormatError
from notary.registry.core.checkpoint import Checkpoint
from notary.registry.core.cosignature import Cosignature, Quorum, cosign
from notary.registry.core.log import TiledTree, leaf_hash
from notary.registry.core.note import Note, read_note, read_vkey, write_base64, write_note
from notary.registry.core.tlog_proof import TlogProof, read_tlog_proof, write_tlog_proof
from tests.registry.logs import (
    LOG,
    ORIGIN,
    WITNESSES,
    Keeper,
    Store,
    each_flipped,
    entries_of,
    flipped,
    sha256,
    signed,
)
from tests.registry.public_logs import REKOR, published

REKOR_ORIGIN = "log2025-1.rekor.sigstore.dev"
REKOR_PROOF = published("rekor.tlog-proof")
REKOR_LEAF = leaf_hash(published("rekor.entry"))

SIZE, INDEX = 300, 123
STORE = Store()
NOTE = signed(SIZE, STORE.append(0, entries_of(SIZE)).root)
LEAF = leaf_hash(entries_of(SIZE)[INDEX])
HASHES = TiledTree(SIZE, STORE.read).inclusion_proof(INDEX)
PROOF = TlogProof(INDEX, HASHES, NOTE)
EXTRA = TlogProof(INDEX, HASHES, NOTE, b"extra data")


# -- what others have made ------------------------------------------------------------------------------------------


def test_a_proof_of_a_public_log() -> None:
    """Entry 412,114 of Sigstore's Rekor."""
    proof = read_tlog_proof(REKOR_PROOF)
    assert write_tlog_proof(proof) == REKOR_PROOF
    keys = [read_vkey(REKOR)]
    checkpoint, cosignatures = proof.verify(REKOR_LEAF, REKOR_ORIGIN, keys, Quorum())
    assert (checkpoint, cosignatures) == (proof.checkpoint, ())
    assert (checkpoint.origin, checkpoint.size) == (REKOR_ORIGIN, 412115)
    for leaf, *hashes in each_flipped([REKOR_LEAF, *proof.hashes], 11):
        with pytest.raises(EvidenceError, match="leads to the root"):
            TlogProof(proof.index, tuple(hashes), proof.note).verify(leaf, REKOR_ORIGIN, keys, Quorum())


def test_every_bit_of_it_counts() -> None:
    for bit in range(0, 8 * len(REKOR_PROOF), 3):
        with pytest.raises((EvidenceError, FormatError)):
            read_tlog_proof(flipped(REKOR_PROOF, bit)).verify(REKOR_LEAF, REKOR_ORIGIN, [read_vkey(REKOR)], Quorum())


def test_the_form_of_the_specification_s_example() -> None:
    """Its signatures are cut short there; those of another example stand in for them."""
    lines = published("c2sp-cosigned.note").decode().split("\n\n")[1]
    example = f"""\
c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

{lines}""".encode()
    proof = read_tlog_proof(example)
    assert write_tlog_proof(proof) == example
    assert (proof.index, len(proof.hashes), proof.checkpoint.size) == (73894, 5, 109482)
    assert proof.extra.startswith(b"age-v1.2.1-darwin-arm64.tar.gz")


def test_a_proof_of_the_only_entry_has_no_hashes() -> None:
    note = signed(1, leaf_hash(b"entry"))
    data = write_tlog_proof(TlogProof(0, (), note))
    assert data == b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + write_note(note)
    assert read_tlog_proof(data).verify(leaf_hash(b"entry"), ORIGIN, [LOG.key], Quorum())[0].size == 1


# -- the steps ------------------------------------------------------------------------------------------------------


def cosigned(*witnesses: Keeper) -> TlogProof:
    note = NOTE
    for time, one in enumerate(witnesses):
        note = note.with_signature(cosign(note.text, time, one.key, one.sign))
    return TlogProof(INDEX, HASHES, note, b"extra")


def test_each_step_is_taken() -> None:
    w1, w2, w3 = WITNESSES
    keys = [LOG.key]
    quorum = Quorum(2, tuple(one.key for one in WITNESSES))
    proof = read_tlog_proof(write_tlog_proof(cosigned(w3, w1)))
    checkpoint, cosignatures = proof.verify(LEAF, ORIGIN, keys, quorum)
    assert checkpoint == Checkpoint(ORIGIN, SIZE, proof.checkpoint.root)
    assert cosignatures == (Cosignature(w3.key, 0), Cosignature(w1.key, 1))

    stranger = Keeper(seed=b"stranger".ljust(32))
    steps: list[tuple[str, Callable[[], object]]] = [
        ("not signed by a key of the log", lambda: proof.verify(LEAF, ORIGIN, [stranger.key], quorum)),
        ("expected one of another.example", lambda: proof.verify(LEAF, "another.example", keys, quorum)),
        ("cosigned by 1 of 3 witnesses", lambda: cosigned(w2).verify(LEAF, ORIGIN, keys, quorum)),
        ("leads to the root", lambda: proof.verify(sha256(LEAF), ORIGIN, keys, quorum)),
        ("leads to the root", lambda: TlogProof(122, HASHES, proof.note).verify(LEAF, ORIGIN, keys, quorum)),
        ("too short", lambda: TlogProof(INDEX, HASHES[:-1], proof.note).verify(LEAF, ORIGIN, keys, quorum)),
        ("too long", lambda: TlogProof(INDEX, (*HASHES, LEAF), proof.note).verify(LEAF, ORIGIN, keys, quorum)),
    ]
    for reason, verify in steps:
        with pytest.raises(EvidenceError, match=reason):
            verify()


def test_the_extra_data_proves_nothing_and_changes_nothing() -> None:
    for extra in (b"", b"one", bytes(limits.TLOG_PROOF_EXTRA_BYTES)):
        proof = read_tlog_proof(write_tlog_proof(TlogProof(INDEX, HASHES, NOTE, extra)))
        assert proof.extra == extra
        assert proof.verify(LEAF, ORIGIN, [LOG.key], Quorum())[0].size == SIZE


# -- what is no proof -----------------------------------------------------------------------------------------------

HEAD, TAIL = "c2sp.org/tlog-proof@v1\n", "\n" + write_note(NOTE).decode()
LINE = write_base64(HASHES[0]) + "\n"


@pytest.mark.parametrize(
    "proof",
    [
        # Those of transparency-dev/formats, proof/tlog_proof_test.go.
        f"wrong-header\nindex 0\n{TAIL}",
        f"{HEAD}extra !!notbase64!!\nindex 0\n{TAIL}",
        f"{HEAD}\n{TAIL}",
        f"{HEAD}index notanumber\n{TAIL}",
        f"{HEAD}index -5\n{TAIL}",
        f"{HEAD}index 0\n!!notbase64!!\n{TAIL}",
        f"{HEAD}index 0\n{write_base64(bytes(64))}\n{TAIL}",
        f"{HEAD}index 0\n{'a' * 65 * 1024}\n",
        # And more.
        "",
        HEAD,
        f"{HEAD}index 0\n",
        f"{HEAD}index 0\n\n",
        f"{HEAD}index 0\n{TAIL[1:]}",
        f"{HEAD}index 0\n\n{TAIL}",
        f"{HEAD}{TAIL}",
        f"{HEAD}{LINE}{TAIL}",
        f"{HEAD}extra YQ==\n{TAIL}",
        f"{HEAD}extra \nindex 0\n{TAIL}",
        f"{HEAD}extra\nindex 0\n{TAIL}",
        f"{HEAD}extra YQ==\nextra YQ==\nindex 0\n{TAIL}",
        f"{HEAD}index 0\nextra YQ==\n{TAIL}",
        f"{HEAD}index 0\nindex 0\n{TAIL}",
        f"{HEAD}index  0\n{TAIL}",
        f"{HEAD}index 0 \n{TAIL}",
        f"{HEAD}index 00\n{TAIL}",
        f"{HEAD}index 0\r\n{TAIL}",
        f"{HEAD}Index 0\n{TAIL}",
        f"{HEAD}index {SIZE}\n{TAIL}",
        f"{HEAD}index {'9' * 5000}\n{TAIL}",
        f"{HEAD}index \u0661\n{TAIL}",
        f" {HEAD}index 0\n{TAIL}",
        f"\ufeff{HEAD}index 0\n{TAIL}",
        f"{HEAD.replace('v1', 'v2')}index 0\n{TAIL}",
        f"{HEAD}index 0\n{LINE[:-2]}\n{TAIL}",
        f"{HEAD}index 0\n {LINE}{TAIL}",
        f"{HEAD}index 0\n{LINE * 64}{TAIL}",
        f"{HEAD}index 0\n{TAIL}\n",
        f"{HEAD}index 0\n{TAIL}more",
        f"{HEAD}index 0\n\n{NOTE.text}",
        f"{HEAD}index 0\n\njust a text\n\n{TAIL.splitlines()[-1]}\n",
        f"{HEAD}extra {write_base64(bytes(limits.TLOG_PROOF_EXTRA_BYTES + 1))}\nindex 0\n{TAIL}",
        f"{HEAD}index 0\n{TAIL}{' ' * limits.TLOG_PROOF_BYTES}",
    ],
)
def test_proofs_that_are_none(proof: str) -> None:
    with pytest.raises(FormatError):
        read_tlog_proof(proof.encode())


@pytest.mark.parametrize("proof", [PROOF, EXTRA])
def test_a_proof_cut_short_is_none(proof: TlogProof) -> None:
    whole = write_tlog_proof(proof)
    for end in range(len(whole)):
        with pytest.raises(FormatError):
            read_tlog_proof(whole[:end])


def test_proofs_that_cannot_be_written() -> None:
    other = Note("just a text\n", NOTE.signatures)
    for index, hashes, note, extra in (
        (-1, HASHES, NOTE, b""),
        (SIZE, HASHES, NOTE, b""),
        (0, (b"short",), NOTE, b""),
        (0, HASHES * 9, NOTE, b""),
        (0, HASHES, other, b""),
        (0, HASHES, NOTE, bytes(limits.TLOG_PROOF_EXTRA_BYTES + 1)),
    ):
        with pytest.raises(FormatError):
            TlogProof(index, hashes, note, extra)


@given(st.binary(max_size=80), st.integers(0, 10**6), st.integers(0, 80))
def test_whatever_is_read_is_written_the_same(noise: bytes, at: int, cut: int) -> None:
    data = write_tlog_proof(EXTRA)
    at %= len(data)
    for changed in (noise, data[:at] + noise + data[at + cut :]):
        try:
            found = read_tlog_proof(changed)
        except FormatError:
            continue
        assert write_tlog_proof(found) == changed
        assert found.note == read_note(changed.partition(b"\n\n")[2])
