"""Real proofs of real files on the main chain, with the real headers: what each says is what the reference found."""

import json
from pathlib import Path

import pytest

from tests.conftest import SHARED_DATA, Notary

MAINNET = SHARED_DATA / "mainnet"

# What the reference client's finding means in our words, while no header counts for more than its own work.
EXPECTED = {
    "VERIFIED": ("unconfirmed", "passed"),
    "MERKLE-MISMATCH": ("failed", "failed"),
    "FILE-MISMATCH": ("failed", "skipped"),
    "PENDING": ("pending", "skipped"),
    "PENDING + unverifiable UNK": ("pending", "skipped"),
    "UNVERIFIABLE UNK": ("unconfirmed", "skipped"),
}


@pytest.fixture
def headers(tmp_path: Path) -> Path:
    """The real headers of the blocks that the proofs name, as a bundle would carry them."""
    found = json.loads((MAINNET / "headers.json").read_text())
    runs = sorted((int(height), bytes.fromhex(one["hex80"])) for height, one in found.items())
    (tmp_path / "headers.bin").write_bytes(b"".join(raw for _, raw in runs))
    index = {"network": "bitcoin", "runs": [{"start": height, "count": 1} for height, _ in runs]}
    (tmp_path / "headers.json").write_text(json.dumps(index))
    return tmp_path / "headers.bin"


@pytest.mark.shared_data
def test_real_proofs(notary: Notary, headers: Path) -> None:
    cases = json.loads((MAINNET / "proofs.json").read_text())
    assert len(cases) > 20
    seen = set()
    for case in cases:
        file = MAINNET / "proofs" / case["name"]
        answer = notary("verify", f"{file}.ots", "--offline", "--headers", headers, "--json")
        if case["verdict"].startswith("MALFORMED"):
            assert answer.code == 2, case["name"]
            continue
        verdict, block = EXPECTED[case["verdict"]]
        if any(name in file.name for name in ("sha1-collision", "bitcoin.pdf")):
            block = "skipped"  # a path over SHA-1 never counts
        statuses = {check["number"]: check["status"] for check in answer.json["checks"]}
        assert (answer.json["verdict"], statuses[11]) == (verdict, block), case["name"]
        assert answer.json["existed_by"] is None
        seen.add(case["verdict"])
    assert seen == set(EXPECTED)


@pytest.mark.shared_data
def test_a_proof_over_a_broken_hash_says_why(notary: Notary, headers: Path) -> None:
    for letter in "ab":
        proof = MAINNET / "proofs" / f"ex-sha1-collision-{letter}.ots"
        answer = notary("verify", proof, "--offline", "--headers", headers)
        assert answer.code == 3
        assert "two different files can be made with one sha1 digest" in answer.out
