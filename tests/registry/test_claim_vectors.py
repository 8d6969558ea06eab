"""tests/vectors/claims: the program finds in each claim what is written beside it, to the status of every check."""

import base64
import json
import tomllib
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from bitcoin.core import CBlockHeader
from opentimestamps.core.serialize import BytesDeserializationContext
from opentimestamps.core.timestamp import DetachedTimestampFile
from tlog_scales.signing import Vkey, VkeySet
from tlog_scales.tlog import Checkpoint, InclusionProof

from notary.core.chain import Checkpoints
from notary.core.check import Status
from notary.core.facts import Policy
from notary.core.header import NETWORKS
from notary.headers import HeaderSources
from notary.registry.checking import Trusted, check_claim, read_registries
from notary.registry.core.cited import Asked
from notary.registry.core.claim_verdict import ClaimVerdict
from notary.registry.core.window import read_holidays
from tests.vectors.claim_forming import formed, is_taken
from tests.vectors.make_claims import make

CLAIMS = Path(__file__).parents[1] / "vectors" / "claims"
CASES: list[dict[str, Any]] = json.loads((CLAIMS / "claims.json").read_bytes())["cases"]
FORMS: list[dict[str, Any]] = json.loads((CLAIMS / "forms.json").read_bytes())["forms"]


def by_notary(case: dict[str, Any]) -> ClaimVerdict:
    asked, chain = case["asked"], NETWORKS[case["network"]]
    days = {name: date.fromisoformat(asked[name]) for name in ("filed", "later_filing") if name in asked}
    holidays = read_holidays((CLAIMS / asked["holidays"]).read_bytes(), "holidays") if "holidays" in asked else ()
    trusted = read_registries(CLAIMS / case["registries"], is_named=True) if case["registries"] else Trusted(Path("-"))
    return check_claim(
        CLAIMS / case["claim"],
        CLAIMS / case["document"] if case["document"] else None,
        Asked(asked.get("office"), asked.get("number"), **days, holidays=frozenset(holidays)),
        trusted,
        Policy(chain, chain.least_trust, Checkpoints()),
        HeaderSources(),
    )


def told(verdict: ClaimVerdict) -> dict[str, Any]:
    """The verdict as claims.json has it."""
    numbers = {status: [one.number for one in verdict.checks if one.status is status] for status in Status}
    first = {status: verdict.first(status) for status in Status}
    failed, skipped = first[Status.FAILED], first[Status.SKIPPED]
    place, window, claim = verdict.place, verdict.window, verdict.claim
    return {
        "outcome": verdict.outcome,
        "asserted_by": verdict.asserted_by,
        "existed_by": verdict.existed_by and verdict.existed_by.isoformat(),
        "first_failed": failed and failed.number,
        "first_skipped": skipped and skipped.number,
        **{str(status): found for status, found in numbers.items()},
        "cosigned": verdict.cosigned,
        "period": place
        and {
            "months": window and window.months,
            "last_day": window and window.last_day.isoformat(),
            "where": place.where,
            "days_outside": place.days,
        },
        "origin": claim and claim.origin,
        "index": claim and claim.index,
        "leaf": claim and claim.link.leaf.hex(),
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_what_stands_beside_a_claim(case: dict[str, Any]) -> None:
    found, expected = told(by_notary(case)), case["expected"]
    if expected["cosigned"] is None:  # a reader need not count
        del found["cosigned"]
        expected = {key: value for key, value in expected.items() if key != "cosigned"}
    assert found == expected


@pytest.mark.parametrize("form", FORMS, ids=lambda form: str(form["meaning"]))
def test_how_it_is_written(tmp_path: Path, form: dict[str, Any]) -> None:
    chain = NETWORKS["local"]
    policy = Policy(chain, chain.least_trust, Checkpoints())
    path = formed(tmp_path, form)
    verdict = check_claim(path, None, Asked(), Trusted(Path("-")), policy, HeaderSources())
    assert is_taken(form, {one.number: one.status for one in verdict.checks}) == form["taken"]


VERIFIED = [case for case in CASES if case["expected"]["outcome"] == "verified"]


@pytest.mark.parametrize("file", sorted({case["claim"] for case in VERIFIED}))
def test_other_programs_on_the_sound_ones(file: str) -> None:
    """tlog-scales on the notes and the path, python-opentimestamps and python-bitcoinlib on the anchor."""
    expected = next(case["expected"] for case in VERIFIED if case["claim"] == file)
    with zipfile.ZipFile(CLAIMS / file) as archive:
        files = {name.rpartition("/")[2]: archive.read(name) for name in archive.namelist()}
    tables = tomllib.loads((CLAIMS / "registries.toml").read_text("utf-8"))["registry"]
    (registry,) = (one for one in tables if one["origin"] == expected["origin"])
    head, _, noted = files["entry.tlog-proof"].decode().partition("\n\n")
    proven, anchored = Checkpoint.from_text(noted), Checkpoint.from_text(files["checkpoint"].decode())

    seen = set()
    for checkpoint in (proven, anchored):
        checkpoint.verify(Vkey.from_string(registry["vkey"]))
        witnesses = VkeySet(*map(Vkey.from_string, registry.get("witnesses", [])))
        seen |= {str(key) for key, _ in witnesses.verify(checkpoint.signatures, checkpoint)}
    assert len(seen) == expected["cosigned"]

    index, leaf = expected["index"], bytes.fromhex(expected["leaf"])
    path = [base64.b64decode(line) for line in head.partition(f"index {index}\n")[2].split("\n") if line]
    InclusionProof(index, proven.size, path).check(leaf, proven.root_hash)

    proof = DetachedTimestampFile.deserialize(BytesDeserializationContext(files["checkpoint.ots"]))
    ((message, attestation),) = proof.timestamp.all_attestations()
    header = CBlockHeader.deserialize(files["headers.bin"][:80])
    assert attestation.verify_against_blockheader(message, header) == header.nTime
    assert attestation.height == json.loads(files["headers.json"])["runs"][0]["start"]


def test_every_claim_is_told_of() -> None:
    assert {path.name for path in CLAIMS.glob("*.zip")} == {case["claim"] for case in CASES}
    assert len({case["name"] for case in CASES}) == len(CASES)


def test_they_are_made_again_byte_for_byte(tmp_path: Path) -> None:
    again = tmp_path / "claims"
    make(again)
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in CLAIMS.iterdir()
    }
