"""Published proofs and headers of the main chain, kept in this repository: what each says, beside the reference."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Notary, Result
from tests.core.reference import BITCOIN, ETHEREUM, PENDING, attested_by_reference

VECTORS = ROOT / "tests" / "vectors" / "mainnet"
HEADERS = VECTORS / "headers.bin"
HELLO = VECTORS / "hello-world.txt"
HELLO_PROOF = VECTORS / "hello-world.txt.ots"

# The blocks whose headers are at hand, as every node of the main chain knows them.
HASHES = {
    129405: "0000000000000b4ad5e27dd5024232e2de475cbafd484744bf92228e7a7c7941",
    358391: "000000000000000003e892881a8cdcdc117c06d444057c98b6f04a9ee75a2319",
    429172: "0000000000000000012f7098fac361df34c01b0cb5b86381506c0580c1a25366",
    429355: "000000000000000001a2d3983295ee55464c32cf0ce0b3fb8239e5bd0293ed9e",
    455605: "00000000000000000264b495946e8dccbb6e201e6f00d017a9eb1b82a6952c1e",
}

NONE_COUNTS = "no attestation in it is of a kind that counts"
EXIT = {"failed": 1, "unconfirmed": 3, "pending": 3}


@dataclass(frozen=True)
class Case:
    """A proof of a file, and what it comes to while no header leads to a checkpoint."""

    proof: str
    file: str
    verdict: str
    block: str
    why: str
    """What check 11 found."""
    path: str
    """What check 10 found, in part."""


CASES = [
    Case("hello-world.txt.ots", "hello-world.txt", "unconfirmed", "passed", f"block {HASHES[358391]}", "block 358,391"),
    Case("empty.ots", "empty", "unconfirmed", "passed", f"block {HASHES[129405]}", "block 129,405"),
    Case(
        "different-blockchains.txt.ots",
        "different-blockchains.txt",
        "unconfirmed",
        "passed",
        f"block {HASHES[455605]}",
        "Bitcoin block 455,605; Ethereum block 3,283,713 (not checked by notary); pending at",
    ),
    Case(
        "two-calendars.txt.upgraded.ots",
        "two-calendars.txt",
        "unconfirmed",
        "passed",
        f"block {HASHES[429172]}",
        "Bitcoin block 429,172; Bitcoin block 429,355",
    ),
    Case(
        "two-calendars.txt.ots",
        "two-calendars.txt",
        "pending",
        "skipped",
        NONE_COUNTS,
        "pending at https://alice.btc.calendar.opentimestamps.org; "
        "pending at https://bob.btc.calendar.opentimestamps.org",
    ),
    Case(
        "incomplete.txt.ots",
        "incomplete.txt",
        "pending",
        "skipped",
        NONE_COUNTS,
        "pending at https://alice.btc.calendar.opentimestamps.org",
    ),
    Case(
        "ripemd160.md.ots",
        "ripemd160.md",
        "pending",
        "skipped",
        NONE_COUNTS,
        "pending at https://finney.calendar.eternitywall.com",
    ),
    Case(
        "known-and-unknown-notary.txt.ots",
        "known-and-unknown-notary.txt",
        "pending",
        "skipped",
        NONE_COUNTS,
        "an attestation of unknown kind 0102030405060708; pending at https://bob.btc.calendar.opentimestamps.org",
    ),
    Case(
        "unknown-notary.txt.ots",
        "unknown-notary.txt",
        "unconfirmed",
        "skipped",
        NONE_COUNTS,
        "an attestation of unknown kind 0102030405060708",
    ),
    Case(
        "bad-stamp.txt.ots",
        "bad-stamp.txt",
        "failed",
        "failed",
        "the proof leads to 1bb49db87782170860c2e467994762f7f00c815d80d712e7eb9a7c14b9811f92",
        "block 358,391",
    ),
    *(
        Case(
            "sha1-a_or_b.ots",
            file,
            "unconfirmed",
            "skipped",
            NONE_COUNTS,
            "two different files can be made with one sha1 digest",
        )
        for file in ("sha1-a", "sha1-b")
    ),
]

# Faults put into the proof of "Hello World!": the bytes, and what is said about them.
SOUND = HELLO_PROOF.read_bytes()
MALFORMED = {
    "cut short": (SOUND[:-1], "truncated"),
    "too long": (SOUND + b"\0", "too many"),
    "no magic": (b"\1" + SOUND[1:], "not an OpenTimestamps proof"),
    "next version": (SOUND[:31] + b"\2" + SOUND[32:], "version 2"),
    "unknown file hash": (SOUND[:32] + b"\1" + SOUND[33:], "unknown file hash"),
    "unknown operation": (SOUND[:65] + b"\x99" + SOUND[66:], "unknown operation"),
}


def stored_headers() -> dict[int, bytes]:
    """The headers by height, read without notary."""
    heights = [run["start"] for run in json.loads(HEADERS.with_suffix(".json").read_text())["runs"]]
    raw = HEADERS.read_bytes()
    assert len(raw) == 80 * len(heights)
    return {height: raw[80 * place : 80 * place + 80] for place, height in enumerate(heights)}


def verify(notary: Notary, proof: Path, file: Path, headers: Path = HEADERS) -> Result:
    return notary("verify", proof, file, "--offline", "--headers", headers, "--json")


def check(answer: Result, number: int) -> Any:
    return next(one for one in answer.json["checks"] if one["number"] == number)


def test_every_vector_is_used() -> None:
    used = {name for case in CASES for name in (case.proof, case.file)} | {"headers.bin", "headers.json"}
    assert {path.name for path in VECTORS.iterdir()} == used | {"README.md", ".gitattributes"}


def test_the_headers_are_those_of_the_chain() -> None:
    stored = stored_headers()
    found = {height: hashlib.sha256(hashlib.sha256(raw).digest()).digest()[::-1] for height, raw in stored.items()}
    assert {height: digest.hex() for height, digest in found.items()} == HASHES
    for height, raw in stored.items():
        target = int.from_bytes(raw[72:75], "little") << 8 * (raw[75] - 3)
        assert int.from_bytes(found[height], "big") <= target


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.proof} of {case.file}")
def test_published_proof(notary: Notary, case: Case) -> None:
    """An old header's own work is cheap to forge today, so without a link to a checkpoint nothing is confirmed."""
    answer = verify(notary, VECTORS / case.proof, VECTORS / case.file)
    assert (answer.json["verdict"], answer.code) == (case.verdict, EXIT[case.verdict])
    assert (answer.json["trust"], answer.json["existed_by"]) == ("none", None)
    files, path, block = (check(answer, number) for number in (4, 10, 11))
    assert files["status"] == "passed"
    assert case.path in path["found"]
    assert (block["status"], block["found"]) == (case.block, case.why)


@pytest.mark.parametrize("proof", sorted({case.proof for case in CASES}))
def test_info_names_what_the_reference_finds(notary: Notary, proof: str) -> None:
    reference = attested_by_reference((VECTORS / proof).read_bytes())
    assert reference
    blocks = {(detail, message[::-1].hex()) for message, tag, detail in reference if tag == BITCOIN}
    calendars = {(detail, message.hex()) for message, tag, detail in reference if tag == PENDING}
    ours = notary("info", VECTORS / proof, "--json").json["attestations"]
    assert len(ours) == len(reference)
    assert {(one["height"], one["merkle_root"]) for one in ours if "merkle_root" in one} == blocks
    assert {(one["calendar"], one["commitment"]) for one in ours if "calendar" in one} == calendars
    other = {(detail, message.hex()) for message, tag, detail in reference if tag not in (BITCOIN, PENDING)}
    kinds = {(one.get("height"), one["commitment"]) for one in ours if one.get("kind") in ("ethereum", "unknown")}
    assert kinds == other
    assert any(one.get("kind") == "ethereum" for one in ours) == any(tag == ETHEREUM for _, tag, _ in reference)


def test_the_reference_leads_to_the_roots_in_the_headers() -> None:
    """Nothing of notary here: proofs and headers belong together, but for the stamp that is bad on purpose."""
    stored = stored_headers()
    compared = {}
    for proof in sorted(VECTORS.glob("*.ots")):
        for message, tag, height in attested_by_reference(proof.read_bytes()) or ():
            if tag == BITCOIN and isinstance(height, int) and height in stored:
                compared[proof.name, height] = stored[height][36:68] == message
    assert compared == {
        ("bad-stamp.txt.ots", 358391): False,
        ("different-blockchains.txt.ots", 455605): True,
        ("empty.ots", 129405): True,
        ("hello-world.txt.ots", 358391): True,
        ("two-calendars.txt.upgraded.ots", 429172): True,
        ("two-calendars.txt.upgraded.ots", 429355): True,
    }


@pytest.mark.parametrize(
    "place", [0, 4, 36, 68, 72, 76], ids=["version", "previous", "merkle root", "time", "bits", "nonce"]
)
def test_a_header_with_one_byte_changed_fails(notary: Notary, tmp_path: Path, place: int) -> None:
    raw = bytearray(stored_headers()[358391])
    raw[place] ^= 1
    headers = tmp_path / "headers.bin"
    headers.write_bytes(raw)
    index = {"network": "bitcoin", "runs": [{"start": 358391, "count": 1}]}
    headers.with_suffix(".json").write_text(json.dumps(index))
    answer = verify(notary, HELLO_PROOF, HELLO, headers)
    assert (answer.code, answer.json["verdict"]) == (1, "failed")
    assert check(answer, 11)["status"] == "failed"
    assert "does not meet its target" in check(answer, 11)["found"]


def test_a_sound_header_of_another_block_fails(notary: Notary, tmp_path: Path) -> None:
    headers = tmp_path / "headers.bin"
    headers.write_bytes(stored_headers()[429172])
    index = {"network": "bitcoin", "runs": [{"start": 358391, "count": 1}]}
    headers.with_suffix(".json").write_text(json.dumps(index))
    answer = verify(notary, HELLO_PROOF, HELLO, headers)
    assert (answer.code, answer.json["verdict"], check(answer, 11)["status"]) == (1, "failed", "failed")


def test_the_proof_with_another_file_fails(notary: Notary) -> None:
    answer = verify(notary, HELLO_PROOF, VECTORS / "incomplete.txt")
    assert (answer.code, answer.json["verdict"]) == (1, "failed")
    assert check(answer, 4)["status"] == "failed"
    assert hashlib.sha256(HELLO.read_bytes()).hexdigest() in check(answer, 4)["expected"]


@pytest.mark.parametrize("fault", MALFORMED)
def test_a_malformed_proof_is_no_proof(notary: Notary, tmp_path: Path, fault: str) -> None:
    proof = tmp_path / "malformed.ots"
    raw, complaint = MALFORMED[fault]
    proof.write_bytes(raw)
    answer = verify(notary, proof, HELLO)
    assert answer.code == 2
    assert complaint in answer.json["error"]
    assert attested_by_reference(raw) is None
