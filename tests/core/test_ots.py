"""The walk over proofs, held to the reference library: never more than it accepts, and the same attestations.

What the walk refuses although the reference library accepts it is listed in OUR_LIMITS, and nothing else.
"""

import contextlib
import json
import random
import re
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentimestamps.core.dubious.notary import EthereumBlockHeaderAttestation
from opentimestamps.core.notary import (
    BitcoinBlockHeaderAttestation,
    LitecoinBlockHeaderAttestation,
    PendingAttestation,
    UnknownAttestation,
)
from opentimestamps.core.op import (
    MsgValueError,
    OpAppend,
    OpHexlify,
    OpKECCAK256,
    OpPrepend,
    OpReverse,
    OpRIPEMD160,
    OpSHA1,
    OpSHA256,
)
from opentimestamps.core.timestamp import Timestamp

from notary import limits
from notary.core.ots import (
    Kind,
    Step,
    attach,
    merge,
    new_hash,
    read_proof,
    read_timestamp,
    rewrite_proof,
    sha256_step,
    write_proof,
    write_steps,
)
from notary.core.ots import append as append_step
from notary.core.ots import prepend as prepend_step
from notary.errors import FormatError
from tests.core.reference import (
    BITCOIN,
    DIGEST,
    ETHEREUM,
    LITECOIN,
    MAGIC,
    PENDING,
    Attested,
    attestation,
    attested_by_reference,
    attested_by_us,
    block,
    keeping_repeated_operations,
    parse,
    pending,
    proof_of,
    serialised,
    varbytes,
    varint,
)

DATA = Path(__file__).parents[3] / "shared" / "data"

SECONDS = 1.0
MEGABYTES = 200

OUR_LIMITS = re.compile(
    rf"over {limits.PROOF_BYTES} bytes"
    rf"|a number of over {limits.PROOF_VARINT_BYTES} bytes"
    rf"|over {limits.PROOF_ATTESTATIONS} attestations"
    rf"|make over {limits.PROOF_WORK_BYTES} bytes"
)

UNKNOWN_TAG = bytes(range(1, 9))
UNKNOWN = attestation(UNKNOWN_TAG, b"")

FORK, REVERSE, HEXLIFY = b"\xff", b"\xf2", b"\xf3"
SHA1, RIPEMD160, SHA256, KECCAK256 = b"\x02", b"\x03", b"\x08", b"\x67"

pytestmark = pytest.mark.filterwarnings("ignore:OpReverse may get removed")


def append(operand: bytes) -> bytes:
    return b"\xf0" + varbytes(operand)


def prepend(operand: bytes) -> bytes:
    return b"\xf1" + varbytes(operand)


def hold_to_reference(data: bytes) -> set[Attested] | None:
    """What the walk finds, held to the reference library; None where both refuse, or a limit of ours does."""
    theirs = attested_by_reference(data)
    ours, refusal = None, ""
    try:
        ours = attested_by_us(read_proof(data).attestations)
    except FormatError as error:
        refusal = error.message
    if ours is None:
        assert theirs is None or OUR_LIMITS.search(refusal), f"only we refuse it: {refusal}: {data.hex()}"
        return None
    assert theirs is not None, f"only we accept it: {data.hex()}"
    if ours != theirs:
        with keeping_repeated_operations():
            assert ours == attested_by_reference(data), data.hex()
        assert ours > theirs, data.hex()
    return ours


# -- real and hostile files -----------------------------------------------------------------------------------------


def listed(name: str) -> list[dict[str, Any]]:
    """What is known of each file; one stand-in where the data is not there, so that the skip can be seen."""
    path = DATA / name
    return json.loads(path.read_bytes()) if path.is_file() else [{"file": "absent", "name": "absent"}]


@pytest.mark.shared_data
@pytest.mark.parametrize("known", listed("hostile/hostile.json"), ids=lambda known: known["file"])
def test_hostile_files(known: dict[str, Any]) -> None:
    data = (DATA / "hostile" / known["file"]).read_bytes()
    assert (attested_by_reference(data) is not None) == (known["reference_parse"] == "accepted")
    found = hold_to_reference(data)
    if known["reference_parse"] == "accepted":
        assert found, "within our limits all of these are accepted"
    assert seconds(lambda: read_proof(data)) < SECONDS
    assert megabytes(lambda: read_proof(data)) < MEGABYTES


@pytest.mark.shared_data
def test_hostile_files_are_all_listed() -> None:
    there = {path.name for path in (DATA / "hostile").glob("*.ots")}
    assert there == {known["file"] for known in listed("hostile/hostile.json")}


@pytest.mark.shared_data
@pytest.mark.parametrize("known", listed("mainnet/proofs.json"), ids=lambda known: known["name"])
def test_real_files(known: dict[str, Any]) -> None:
    data = (DATA / "mainnet" / "proofs" / f"{known['name']}.ots").read_bytes()
    found = hold_to_reference(data)
    if known["verdict"].startswith("MALFORMED"):
        assert found is None
        return
    proof = read_proof(data)
    assert (proof.hash_name, proof.digest.hex()) == (known["file_hash"], known["digest"])
    blocks = {(one["height"], one["merkle_root"]) for one in known["attestations"] if one["kind"] == "BTC"}
    assert {(one.height, one.message[::-1].hex()) for one in proof.of_kind(Kind.BITCOIN)} == blocks
    waiting = {one["detail"] for one in known["attestations"] if one["kind"] == "PEND"}
    assert {one.uri for one in proof.of_kind(Kind.PENDING)} == waiting
    merged = read_proof(rewrite_proof(proof, merge(proof.digest, [proof.timestamp])))
    assert set(merged.attestations) == set(proof.attestations)


# -- random files ---------------------------------------------------------------------------------------------------

uris = st.text("abcxyzABCXYZ0189-._/:", max_size=30)
heights = st.one_of(st.integers(0, 10**6), st.integers(0, 2**66))
attestations = st.one_of(
    st.builds(PendingAttestation, uris),
    st.builds(BitcoinBlockHeaderAttestation, heights),
    st.builds(LitecoinBlockHeaderAttestation, heights),
    st.builds(EthereumBlockHeaderAttestation, heights),
    st.builds(UnknownAttestation, st.just(UNKNOWN_TAG) | st.binary(min_size=8, max_size=8), st.binary(max_size=40)),
)
operands = st.binary(min_size=1, max_size=40)
operations = st.one_of(
    st.builds(OpAppend, operands),
    st.builds(OpPrepend, operands),
    *(st.builds(one) for one in (OpReverse, OpHexlify, OpSHA1, OpRIPEMD160, OpSHA256, OpKECCAK256)),
)
# A plan of a timestamp: attestations, and operations each with the plan of what follows it.
plans = st.recursive(
    st.tuples(st.lists(attestations, min_size=1, max_size=3), st.just([])),
    lambda deeper: st.tuples(
        st.lists(attestations, max_size=2), st.lists(st.tuples(operations, deeper), min_size=1, max_size=3)
    ),
    max_leaves=12,
)


def grown(message: bytes, plan: Any) -> Timestamp:
    """The plan as a timestamp of the reference library; an operation that a message is too long for is left out."""
    timestamp = Timestamp(message)
    said, followed = plan
    timestamp.attestations.update(said)
    for operation, rest in followed:
        try:
            result = operation(message)
        except MsgValueError:
            continue
        timestamp.ops.add(operation).merge(grown(result, rest))
    if not timestamp.attestations and not timestamp.ops:
        timestamp.attestations.add(PendingAttestation("https://calendar.example"))
    return timestamp


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same in each run


timestamps = plans.map(lambda plan: serialised(grown(DIGEST, plan)))


@given(plans, st.sampled_from([(SHA1, 20), (RIPEMD160, 20), (SHA256, 32), (KECCAK256, 32)]))
@settings(deadline=None, max_examples=150)
def test_legal_files_are_accepted(plan: Any, hash_: tuple[bytes, int]) -> None:
    tag, length = hash_
    digest = DIGEST[:length]
    data = MAGIC + b"\1" + tag + digest + serialised(grown(digest, plan))
    assert hold_to_reference(data)
    proof = read_proof(data)
    assert proof.digest == digest
    assert rewrite_proof(proof, proof.timestamp) == data
    assert attested_by_us(read_timestamp(proof.timestamp, digest)) == attested_by_us(proof.attestations)


MARKS = [0, 1, 2, 3, 8, 0x67, 0x7F, 0x80, 0xF0, 0xF1, 0xF2, 0xF3, 0xFF]


def damaged(data: bytes, chance: random.Random) -> bytes:
    """`data` with some of its bytes changed, taken out, put in, repeated, or cut off."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(changed) + 1)
        match chance.choice(["flip", "flip", "mark", "delete", "insert", "repeat", "cut"]):
            case "flip":
                changed[at : at + 1] = bytes(byte ^ 1 << chance.randrange(8) for byte in changed[at : at + 1])
            case "mark":
                changed[at : at + 1] = bytes([chance.choice(MARKS)])
            case "delete":
                del changed[at : at + chance.randint(1, 12)]
            case "insert":
                changed[at:at] = chance.randbytes(chance.randint(1, 12))
            case "repeat":
                changed[at:at] = changed[at : at + chance.randint(1, 60)]
            case "cut":
                del changed[at:]
    return bytes(changed)


@given(timestamps, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_files_raise_format_error_or_say_what_the_reference_says(timestamp: bytes, chance: Any) -> None:
    data, seed = proof_of(timestamp), chance.randrange(2**32)
    for turn in range(40):
        hold_to_reference(damaged(data, seeded(seed + turn)))


@pytest.mark.shared_data
@pytest.mark.parametrize("known", listed("mainnet/proofs.json"), ids=lambda known: known["name"])
def test_damaged_real_files(known: dict[str, Any]) -> None:
    data = (DATA / "mainnet" / "proofs" / f"{known['name']}.ots").read_bytes()
    for seed in range(100):
        hold_to_reference(damaged(data, seeded(seed)))


@given(timestamps)
@settings(deadline=None, max_examples=40)
def test_every_truncation_is_refused(timestamp: bytes) -> None:
    whole = proof_of(timestamp)
    for length in range(len(whole)):
        with pytest.raises(FormatError):
            read_proof(whole[:length])


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=500)
def test_any_bytes_raise_format_error_or_say_what_the_reference_says(rest: bytes) -> None:
    hold_to_reference(rest)
    hold_to_reference(MAGIC + rest)
    hold_to_reference(proof_of(rest))


@given(st.sampled_from([PENDING, BITCOIN, LITECOIN, ETHEREUM, UNKNOWN_TAG]), st.binary(max_size=24))
@settings(deadline=None, max_examples=500)
def test_any_payload(tag: bytes, payload: bytes) -> None:
    hold_to_reference(proof_of(attestation(tag, payload)))


@pytest.mark.parametrize("tag", [BITCOIN, LITECOIN, ETHEREUM], ids=["bitcoin", "litecoin", "ethereum"])
@pytest.mark.parametrize(
    "payload",
    [
        b"\x01" + bytes(limits.PROOF_VARINT_BYTES),
        b"\x80" * (limits.PROOF_VARINT_BYTES + 1),
        b"\x01" + b"\x80" * limits.PROOF_VARINT_BYTES + b"\x01",
    ],
    ids=["bytes after it", "no end", "another after it"],
)
def test_a_long_height_is_still_one_number(tag: bytes, payload: bytes) -> None:
    """The reference library refuses these; a height that it does accept is unknown to us if no chain can have it."""
    with pytest.raises(FormatError):
        read_proof(proof_of(attestation(tag, payload)))


@pytest.mark.parametrize("height", [0, 1, 127, 128, 2**32 - 1, 2**32, 2**63, 2**70, 2**77, 2**5000])
def test_a_height_that_no_chain_has_is_unknown(height: int) -> None:
    data = proof_of(block(height))
    assert hold_to_reference(data)
    [one] = read_proof(data).attestations
    expected = (Kind.BITCOIN, height) if height < 2**32 else (Kind.UNKNOWN, None)
    assert (one.kind, one.height) == expected


@pytest.mark.parametrize("length", [0, 1, limits.PROOF_VARINT_BYTES, 100, 8000])
def test_a_height_may_be_written_with_zeros_to_spare(length: int) -> None:
    data = proof_of(attestation(BITCOIN, b"\x85" + b"\x80" * length + b"\0"))
    assert hold_to_reference(data)
    assert [one.height for one in read_proof(data).attestations] == [5]


# -- what each part of the format gives -----------------------------------------------------------------------------


def test_attestations_of_every_kind() -> None:
    branches = [pending("https://a.example"), block(5), attestation(LITECOIN, b"\6"), attestation(ETHEREUM, b"\7")]
    data = proof_of(b"".join(FORK + branch for branch in branches) + UNKNOWN)
    found = [(one.kind, one.uri, one.height) for one in read_proof(data).attestations]
    assert found == [
        (Kind.PENDING, "https://a.example", None),
        (Kind.BITCOIN, None, 5),
        (Kind.LITECOIN, None, 6),
        (Kind.ETHEREUM, None, 7),
        (Kind.UNKNOWN, None, None),
    ]


def test_hashes_on_the_way_are_told_for_each_branch() -> None:
    data = MAGIC + b"\1" + RIPEMD160 + DIGEST[:20] + FORK + SHA1 + block(1) + SHA256 + FORK + block(2) + KECCAK256
    proof = read_proof(data + block(3))
    assert [sorted(one.hashes) for one in proof.attestations] == [
        ["ripemd160", "sha1"],
        ["ripemd160", "sha256"],
        ["keccak256", "ripemd160", "sha256"],
    ]


def test_one_message_by_a_broken_hash_and_without_it_is_two_attestations() -> None:
    """Else the branch that counts could hide behind the one that does not."""
    hasher = new_hash("sha1")
    hasher.update(DIGEST)
    over, around = SHA1 + append(DIGEST) + block(1), prepend(hasher.digest()) + block(1)
    for branches in (FORK + over + around, FORK + around + over):
        found = read_proof(proof_of(branches)).attestations
        assert len({one.message for one in found}) == 1
        assert sorted("sha1" in one.hashes for one in found) == [False, True]


@pytest.mark.parametrize("name", ["sha1", "ripemd160", "sha256", "keccak256"])
def test_hash_operations_are_those_of_the_reference(name: str) -> None:
    operation = {"sha1": OpSHA1, "ripemd160": OpRIPEMD160, "sha256": OpSHA256, "keccak256": OpKECCAK256}[name]
    hasher = new_hash(name)
    hasher.update(DIGEST)
    assert hasher.digest() == operation()(DIGEST)


@pytest.mark.parametrize(
    ("fault", "data"),
    [
        ("magic", b""),
        ("magic", MAGIC[:-1]),
        ("version 2", MAGIC + b"\2\x08" + DIGEST + block(1)),
        ("truncated", MAGIC),
        ("truncated", MAGIC + b"\1\x08" + DIGEST[:31]),
        ("truncated", proof_of(b"")),
        ("truncated", proof_of(FORK + block(1))),
        ("truncated", proof_of(append(b"abc")[:-1])),
        ("truncated", proof_of(attestation(UNKNOWN_TAG, b"abc")[:-1])),
        ("unknown file hash 0xf0", MAGIC + b"\1\xf0" + DIGEST + block(1)),
        ("unknown operation 0x09", proof_of(b"\x09" + block(1))),
        ("unknown operation 0xff", proof_of(FORK + FORK + block(1))),
        ("bytes too many", proof_of(block(1) + b"\n")),
        ("operand", proof_of(append(b"") + block(1))),
        ("operand", proof_of(append(bytes(4097)) + block(1))),
        ("makes over 4096", proof_of(append(bytes(4065)) + block(1))),
        ("makes over 4096", proof_of(prepend(bytes(4065)) + block(1))),
        ("makes over 4096", proof_of(HEXLIFY * 8 + block(1))),
        ("attestation", proof_of(attestation(UNKNOWN_TAG, bytes(8193)))),
        ("URI", proof_of(pending("a" * 1001))),
        ("URI", proof_of(pending("https://user@calendar.example"))),
        ("URI", proof_of(pending("https://calendar.example\r\n"))),
        ("URI", proof_of(attestation(PENDING, varbytes(b"a") + b"b"))),
        ("height", proof_of(attestation(BITCOIN, b"\1\1"))),
        ("truncated", proof_of(attestation(BITCOIN, b""))),
        ("deep", proof_of(SHA256 * 256 + block(1))),
        ("number of over 10", proof_of(b"\xf0" + b"\x80" * 10 + b"\1a" + block(1))),
        ("over 65536", proof_of(block(1)).ljust(65537, b"\0")),
    ],
)
def test_faults_are_named(fault: str, data: bytes) -> None:
    hold_to_reference(data)
    with pytest.raises(FormatError, match=fault):
        read_proof(data)


@pytest.mark.parametrize(
    "timestamp",
    [
        SHA256 * 255 + block(1),
        append(bytes(4064)) + block(1),
        HEXLIFY * 7 + block(1),
        attestation(UNKNOWN_TAG, bytes(8192)),
        pending("a" * 1000),
        pending(""),
        b"".join(FORK + block(height) for height in range(255)) + block(255),
    ],
    ids=["depth", "append", "hexlify", "payload", "URI", "no URI", "attestations"],
)
def test_limits_are_reached(timestamp: bytes) -> None:
    assert hold_to_reference(proof_of(timestamp))


def test_over_256_different_attestations_are_refused_and_repeated_ones_count_once() -> None:
    many = b"".join(FORK + block(height) for height in range(256)) + block(256)
    with pytest.raises(FormatError, match="attestations"):
        read_proof(proof_of(many))
    again = (FORK + block(7)) * 2000 + block(7)
    assert len(read_proof(proof_of(again)).attestations) == 1


def test_a_repeated_operation_hides_no_attestation() -> None:
    """The reference library keeps the last branch only: here the block would be lost."""
    data = proof_of(FORK + SHA256 + block(1) + SHA256 + pending("https://a.example"))
    assert {one.kind for one in read_proof(data).attestations} == {Kind.BITCOIN, Kind.PENDING}


def test_a_version_in_two_bytes_is_the_same_version() -> None:
    assert hold_to_reference(MAGIC + b"\x81\0\x08" + DIGEST + block(1))


# -- writing --------------------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from([append_step(b"a"), prepend_step(b"b" * 200), sha256_step()]), max_size=9))
@settings(deadline=None, max_examples=50)
def test_written_steps_are_read_by_the_reference_library(steps: list[Step]) -> None:
    data = write_proof(DIGEST, write_steps(steps), block(1))
    node, read = parse(data).timestamp, []
    while node.ops:
        [(operation, node)] = node.ops.items()
        read.append((operation.TAG[0], b"".join(operation)))
    assert read == steps
    assert hold_to_reference(data)


# -- merging and attaching ------------------------------------------------------------------------------------------


def found_in(timestamp: bytes, message: bytes = DIGEST) -> set[Attested]:
    return attested_by_us(read_timestamp(timestamp, message))


@given(st.lists(timestamps, min_size=1, max_size=4))
@settings(deadline=None, max_examples=100)
def test_merged_is_all_of_them_in_any_order(parts: list[bytes]) -> None:
    merged = merge(DIGEST, parts)
    assert found_in(merged) == set().union(*map(found_in, parts))
    assert merge(DIGEST, reversed(parts)) == merged
    assert merge(DIGEST, [merged, *parts]) == merged
    assert hold_to_reference(proof_of(merged)) == found_in(merged)


@given(plans, plans)
@settings(deadline=None, max_examples=100)
def test_attached_is_what_was_there_and_what_was_found(plan: Any, further: Any) -> None:
    timestamp = serialised(grown(DIGEST, plan))
    for commitment in {one.message for one in read_timestamp(timestamp, DIGEST)}:
        answer = serialised(grown(commitment, further))
        joined = attach(timestamp, DIGEST, [(commitment, answer)])
        assert found_in(joined) == found_in(timestamp) | found_in(answer, commitment)
        assert hold_to_reference(proof_of(joined)) == found_in(joined)
        assert found_in(attach(joined, DIGEST, [(commitment, answer)])) == found_in(joined)


def test_attaching_elsewhere_changes_nothing() -> None:
    timestamp = SHA256 + pending("https://a.example")
    assert attach(timestamp, DIGEST, [(bytes(32), block(1))]) == timestamp
    assert attach(timestamp, DIGEST, []) == timestamp


@pytest.mark.parametrize(("below", "above"), [(1, 254), (127, 128), (200, 55), (254, 1)])
def test_a_deep_timestamp_is_attached_as_far_as_it_can_be_read(below: int, above: int) -> None:
    commitment = DIGEST
    for _ in range(below):
        commitment = OpSHA256()(commitment)
    timestamp = SHA256 * below + pending("https://a.example")
    joined = attach(timestamp, DIGEST, [(commitment, SHA256 * above + block(1))])
    assert hold_to_reference(proof_of(joined)) == found_in(joined)
    with pytest.raises(FormatError, match="deep"):
        attach(timestamp, DIGEST, [(commitment, SHA256 * (above + 1) + block(1))])


def test_two_timestamps_of_full_depth() -> None:
    deep = SHA256 * 255 + block(1)
    assert merge(DIGEST, [deep, deep]) == deep
    assert found_in(merge(DIGEST, [deep, REVERSE * 255 + block(2)])) == found_in(deep) | found_in(
        REVERSE * 255 + block(2)
    )
    commitment = read_timestamp(deep, DIGEST)[0].message
    with pytest.raises(FormatError, match="deep"):
        attach(deep, DIGEST, [(commitment, deep)])


def test_what_is_joined_is_no_longer_than_a_proof_may_be() -> None:
    halves = [append(bytes([number]) * 4000) * 1 + UNKNOWN for number in range(1, 20)]
    assert len(merge(DIGEST, halves[:10])) < limits.PROOF_BYTES
    with pytest.raises(FormatError, match="over 65536"):
        merge(DIGEST, halves)
    with pytest.raises(FormatError, match="over 65536"):
        attach(halves[0], DIGEST, [(DIGEST, one) for one in halves[1:]])


def test_joined_timestamps_carry_no_more_attestations_than_may_be() -> None:
    parts = [b"".join(FORK + block(start + n) for n in range(149)) + block(start + 149) for start in (0, 150)]
    with pytest.raises(FormatError, match="attestations"):
        merge(DIGEST, parts)


def test_merging_a_repeated_operation_loses_no_attestation() -> None:
    """A proof is written back over the user's file: what it held must still be in it."""
    repeated = FORK + SHA256 + pending("https://a.example") + SHA256 + pending("https://b.example")
    assert found_in(merge(DIGEST, [repeated])) == found_in(repeated)
    assert found_in(attach(repeated, DIGEST, [(DIGEST, block(1))])) == found_in(repeated) | found_in(block(1))


def test_merging_nothing_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="nothing"):
        merge(DIGEST, [])


@given(timestamps, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_joining_damaged_bytes_raises_format_error_or_loses_nothing(timestamp: bytes, chance: Any) -> None:
    seed, sound = chance.randrange(2**32), block(1)
    for turn in range(20):
        broken = damaged(timestamp, seeded(seed + turn))
        with contextlib.suppress(FormatError):
            assert found_in(merge(DIGEST, [sound, broken])) == found_in(sound) | found_in(broken)
        with contextlib.suppress(FormatError):
            assert found_in(attach(broken, DIGEST, [(DIGEST, sound)])) == found_in(sound) | found_in(broken)


def test_joining_without_ripemd160_in_openssl_raises_format_error_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL 3 may keep it in a provider that is not loaded; the reference library then raises ValueError."""

    def missing(_: OpRIPEMD160, __: bytes) -> bytes:
        raise ValueError("unsupported hash type ripemd160")

    monkeypatch.setattr(OpRIPEMD160, "_do_op_call", missing)
    timestamp = RIPEMD160 + pending("https://a.example")
    assert found_in(timestamp)
    with contextlib.suppress(FormatError):
        assert found_in(merge(DIGEST, [timestamp])) == found_in(timestamp)


# -- what the worst cost --------------------------------------------------------------------------------------------


def seconds(action: Callable[[], object]) -> float:
    """CPU time, the best of three runs where the first was near the bound: the machine may be busy."""

    def once() -> float:
        start = time.process_time()
        with contextlib.suppress(FormatError):
            action()
        return time.process_time() - start

    taken = once()
    return min(taken, once(), once()) if SECONDS / 2 < taken < 3 * SECONDS else taken


def megabytes(action: Callable[[], object]) -> float:
    """The most that Python held at a time."""
    tracemalloc.start()
    try:
        with contextlib.suppress(FormatError):
            action()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def filled(branch: bytes, before: bytes = b"") -> bytes:
    """As many forks of one branch as 64 KiB hold."""
    room = limits.PROOF_BYTES - len(proof_of(before)) - len(UNKNOWN)
    return proof_of(before + (FORK + branch) * (room // (len(branch) + 1)) + UNKNOWN)


LONGEST = append(b"z" * 4064)

WORST = {
    "ripemd160 of the longest": filled(RIPEMD160 + UNKNOWN, LONGEST),
    "keccak256 of the longest": filled(KECCAK256 + UNKNOWN, LONGEST),
    "hexlify and ripemd160": filled(HEXLIFY + RIPEMD160 + UNKNOWN, append(b"z" * 2016)),
    "hexlify seven times": filled(HEXLIFY * 7 + RIPEMD160 + UNKNOWN),
    "ripemd160 all the way": filled(RIPEMD160 * 254 + UNKNOWN),
    "keccak256 all the way": filled(KECCAK256 * 254 + UNKNOWN),
    "both in turn": filled((RIPEMD160 + KECCAK256) * 127 + UNKNOWN),
    "every hash in turn": filled((SHA1 + RIPEMD160 + KECCAK256 + SHA256) * 63 + UNKNOWN),
    "reverse of the longest": filled(REVERSE * 200 + UNKNOWN, LONGEST),
    "appends": filled(append(b"a") * 254 + UNKNOWN),
    "prepends to a long one": filled(prepend(b"a") * 200 + UNKNOWN, append(b"z" * 3800)),
    "forks at every depth": filled((FORK + UNKNOWN + REVERSE) * 254 + UNKNOWN),
    "repeated attestations": filled(UNKNOWN),
    "longest payloads": filled(attestation(UNKNOWN_TAG, bytes(8192))),
}


@pytest.mark.parametrize("name", WORST)
def test_the_worst_64_kib_are_walked_in_a_second(name: str) -> None:
    assert len(WORST[name]) > limits.PROOF_BYTES - 9000
    assert seconds(lambda: read_proof(WORST[name])) < SECONDS


@pytest.mark.parametrize("name", ["reverse of the longest", "hexlify and ripemd160", "forks at every depth"])
def test_the_worst_64_kib_take_few_megabytes(name: str) -> None:
    assert megabytes(lambda: read_proof(WORST[name])) < 10


def test_the_work_of_a_walk_is_bounded() -> None:
    with pytest.raises(FormatError, match="make over"):
        read_proof(WORST["reverse of the longest"])


@pytest.mark.parametrize("claim", [2**20, 2**30, 2**62], ids=["1 MiB", "1 GiB", "4 EiB"])
@pytest.mark.parametrize("start", [b"\xf0", b"\xf1", b"\0" + UNKNOWN_TAG], ids=["append", "prepend", "attestation"])
def test_a_claimed_length_costs_nothing(claim: int, start: bytes) -> None:
    data = proof_of(start + varint(claim))
    with pytest.raises(FormatError):
        read_proof(data)
    assert megabytes(lambda: read_proof(data)) < 1


def test_attaching_where_one_message_is_met_often_is_cheap() -> None:
    """A thousand ways to one commitment, in 17 kB that are walked in no time; an answer must not be copied to each."""

    def ways(depth: int) -> bytes:
        if not depth:
            return UNKNOWN
        rest = ways(depth - 1)
        return FORK + append(b"a") + rest + prepend(b"a") + rest

    digest, depth = b"a" * 32, 10
    timestamp = ways(depth)
    answer = b"".join(FORK + append(bytes([n])) + SHA256 + block(n) for n in range(60)) + block(1)
    assert seconds(lambda: attach(timestamp, digest, [(b"a" * (32 + depth), answer)])) < SECONDS
