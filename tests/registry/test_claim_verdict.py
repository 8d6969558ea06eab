"""The verdict on a claim from facts alone: what counts, what stands beside it, what the reader has seen himself."""

import hashlib
import itertools
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from notary.core.check import Status
from notary.core.facts import BundleFacts, Facts, Fault, Faults, Files, Policy, Sighting
from notary.core.header import NETWORKS, Header, Trust
from notary.core.ots import read_proof
from notary.core.verdict import Outcome
from notary.edges.checkpoints import shipped_checkpoints
from notary.registry.core.cited import Asked, Package, compare_citation
from notary.registry.core.claim import Claim
from notary.registry.core.claim_verdict import (
    BESIDE,
    CLAIM_NAMES,
    ClaimFacts,
    ClaimVerdict,
    FollowedLog,
    judge_claim,
)
from notary.registry.core.note import VerifierKey, write_note
from notary.registry.core.terms import Event, Right
from notary.registry.core.trusted import Asserter, read_trusted
from notary.registry.reporting_claims import FAILURE_WORDS, claim_hints, claim_json, claim_sentences
from tests.registry.claims import INDEX, PACKAGE, SIZE, Anchors, Register, record, registries
from tests.registry.logs import LOG, ORIGIN, WITNESSES, Keeper, signed
from tests.registry.register import FILING_DATE

CHAIN = NETWORKS["local"]
POLICY = Policy(CHAIN, Trust.WORK, shipped_checkpoints(CHAIN))
BUNDLE = BundleFacts(entries=12)
SUCCESSOR = Keeper(seed=b"successor".ljust(32))


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Register:
    return Register(Anchors(tmp_path_factory.mktemp("network")))


def facts_of(register: Register, **changes: Any) -> ClaimFacts:
    """All that a sound claim of the register gives, to a reader who trusts it and two of its three witnesses."""
    ots = read_proof(register.ots)
    rows = [Header(raw[:80]) for raw in register.anchors.network.blocks()]
    (height,) = {one.height for one in ots.attestations if one.height}
    sighting = Sighting(height, tuple(rows[height - 1 :]), "the bundle's own headers")
    (trusted,) = read_trusted(registries().encode(), "registries.toml")
    facts = ClaimFacts(
        Facts("claim.zip", "claim.zip", Files(0, 0), BUNDLE, ots, None, (sighting,)),
        claim=register.claim(),
        proof=register.proof(),
        note=register.anchored,
        note_digest=hashlib.sha256(write_note(register.anchored)).digest(),
        made_on="local",
        registry=trusted,
    )
    return replace(facts, **changes)


def judged(facts: ClaimFacts, asked: Asked | None = None, policy: Policy = POLICY) -> ClaimVerdict:
    verdict = judge_claim(facts, asked or Asked(), policy)
    assert [one.number for one in verdict.checks] == sorted(CLAIM_NAMES)
    is_failed = any(one.status is Status.FAILED for one in verdict.checks if one.number not in BESIDE)
    assert is_failed == (verdict.outcome is Outcome.FAILED)
    assert (verdict.existed_by is not None) == (verdict.outcome is Outcome.VERIFIED)
    # Whatever it comes to, it can be said.
    assert all("None" not in one for one in claim_sentences(verdict))
    assert claim_json(verdict)["verdict"] == verdict.outcome
    assert bool(list(claim_hints(verdict))) == (verdict.outcome in (Outcome.PENDING, Outcome.UNCONFIRMED)) or (
        verdict.lacks_digest
    )
    return verdict


def test_a_sound_claim(register: Register) -> None:
    verdict = judged(facts_of(register))
    assert (verdict.outcome, verdict.asserted_by, verdict.cosigned) == (Outcome.VERIFIED, Asserter.OFFICE, 2)
    assert verdict.block is not None
    assert verdict.existed_by == verdict.block.existed_by


def test_each_check_that_can_fail_has_its_words() -> None:
    assert set(FAILURE_WORDS) == set(CLAIM_NAMES) - BESIDE - {9}


def test_nothing_of_a_refused_container_is_looked_at(register: Register) -> None:
    refused = BundleFacts(container_fault="two entries of one name")
    empty = Facts("claim.zip", "claim.zip", Files(0, 0), refused, None, None)
    verdict = judged(ClaimFacts(empty))
    assert [one.status for one in verdict.checks] == [Status.FAILED, *[Status.SKIPPED] * 13]
    assert verdict.asserted_by is None


def test_faults_come_one_for_each_check(register: Register) -> None:
    changed = BundleFacts(entries=12, bag=Faults((Fault("VERIFY.txt", "listed", "not listed"),), 1))
    other = register.proof(INDEX + 1)
    cases: list[tuple[dict[str, Any], int]] = [
        ({"anchor": replace(facts_of(register).anchor, bundle=changed)}, 2),
        ({"claim": None, "claim_fault": "not JSON"}, 3),
        ({"packages": (Package("filed.pdf", bytes(32), True),)}, 4),
        ({"proof": replace(register.proof(), hashes=other.hashes)}, 5),
        ({"proof": None, "proof_fault": "registry/entry.tlog-proof is missing"}, 5),
        ({"note": None, "note_fault": "registry/checkpoint is missing"}, 6),
        ({"note_digest": bytes(32)}, 10),
    ]
    for changes, number in cases:
        verdict = judged(facts_of(register, **changes))
        first = verdict.first(Status.FAILED)
        assert first is not None
        assert first.number == number
        assert verdict.asserted_by is None
        assert FAILURE_WORDS[number] in next(iter(claim_sentences(verdict)))


def test_what_is_unconfirmed_comes_before_what_is_pending(tmp_path: Path) -> None:
    waiting = Register(Anchors(tmp_path), is_mined=False)
    ots = read_proof(waiting.ots)
    anchor = Facts("claim.zip", "claim.zip", Files(0, 0), BUNDLE, ots, None)

    def facts(**changes: Any) -> ClaimFacts:
        (trusted,) = read_trusted(registries().encode(), "registries.toml")
        whole = ClaimFacts(
            anchor,
            claim=waiting.claim(),
            proof=waiting.proof(),
            note=waiting.anchored,
            note_digest=ots.digest,
            registry=trusted,
        )
        return replace(whole, **changes)

    assert judged(facts()).outcome is Outcome.PENDING
    for changes in ({"registry": None}, {"proof": waiting.proof(note=waiting.cosigned())}):
        verdict = judged(facts(**changes))
        assert verdict.outcome is Outcome.UNCONFIRMED
        assert "no block attests its checkpoint yet" in next(iter(claim_sentences(verdict)))


def test_a_signature_on_one_of_the_two_notes_is_not_enough(register: Register) -> None:
    """What is anchored has to be the registry's own word as well."""
    stranger = signed(SIZE, register.proof().checkpoint.root, SUCCESSOR)
    for changes in ({"note": stranger}, {"proof": register.proof(note=stranger)}):
        verdict = judged(facts_of(register, **changes))
        assert (verdict.outcome, verdict.check(7).status) == (Outcome.UNCONFIRMED, Status.SKIPPED)
        assert verdict.asserted_by is Asserter.APPLICANT


def test_whose_word_it_is(register: Register) -> None:
    """By the key that signed and the offices that the reader wrote down; nothing in the claim changes it."""
    for offices, trusts in itertools.product(((), ("FR",), ("DE",), ("FR", "DE")), (True, False)):
        (registry,) = read_trusted(registries(offices=offices).encode(), "registries.toml")
        verdict = judged(facts_of(register, registry=registry if trusts else None))
        is_office = trusts and "DE" in offices
        assert verdict.asserted_by is (Asserter.OFFICE if is_office else Asserter.APPLICANT)
        assert (verdict.check(9).status is Status.PASSED) == is_office
        assert ("asserted by the office" in " ".join(claim_sentences(verdict))) == is_office


def test_witnesses_count_once(register: Register) -> None:
    """Those on the anchored note and on the proof's are added up, each counted once."""
    w1, w2, w3 = WITNESSES
    for anchored, proven, count in (((w1,), (w2,), 2), ((w1, w2), (w2, w1), 2), ((w3,), (w1, w2), 3), ((), (), 0)):
        note = register.cosigned(*anchored)
        changes = {
            "note": note,
            "note_digest": facts_of(register).note_digest,
            "proof": register.proof(note=register.cosigned(*proven)),
        }
        verdict = judged(facts_of(register, **changes))
        assert verdict.cosigned == count
        assert (verdict.outcome is Outcome.VERIFIED) == (count >= 2)


# -- what the reader has seen himself -------------------------------------------------------------------------------


def followed(*keys: VerifierKey, **changes: Any) -> FollowedLog:
    return replace(FollowedLog(None, keys or (LOG.key,), 0, None), **changes)


def test_the_history_that_the_reader_follows(register: Register) -> None:
    root = register.proof().checkpoint.root
    assert judged(facts_of(register, followed=followed())).outcome is Outcome.VERIFIED
    same = judged(facts_of(register, followed=followed(root=root)))
    assert (same.outcome, "that you follow" in same.check(6).found) == (Outcome.VERIFIED, True)
    other = judged(facts_of(register, followed=followed(root=bytes(32))))
    assert (other.outcome, "two histories" in other.check(6).found) == (Outcome.FAILED, True)
    assert other.asserted_by is None


def test_a_registry_that_the_reader_refuses(register: Register) -> None:
    verdict = judged(facts_of(register, followed=followed(refusal="it signed two histories")))
    assert (verdict.outcome, "it signed two histories" in verdict.check(7).found) == (Outcome.FAILED, True)


def test_a_rotation_that_the_reader_has_followed(tmp_path: Path, register: Register) -> None:
    """Up to the size at which the rotation was found the old key counts too; beyond it only the new one."""
    anchors = Anchors(tmp_path)
    new = Register(anchors, keeper=SUCCESSOR)
    keys = (LOG.key, SUCCESSOR.key)
    for made, by_rotated in ((register, {SIZE - 1: False, SIZE: True}), (new, {SIZE - 1: True, SIZE: True})):
        for rotated, counts in by_rotated.items():
            verdict = judged(facts_of(made, followed=followed(*keys, rotated=rotated)))
            assert (verdict.outcome is Outcome.VERIFIED) == counts
            assert verdict.check(7).status is (Status.PASSED if counts else Status.SKIPPED)
    # One that is of the history that he follows is taken by that.
    root = register.proof().checkpoint.root
    verdict = judged(facts_of(new, followed=followed(LOG.key, root=root)))
    assert (verdict.outcome, verdict.check(7).status, verdict.signed_by) == (Outcome.VERIFIED, Status.PASSED, None)
    # Who has not followed, or has put another key into his file since, goes by that one alone.
    for seen in (None, followed(SUCCESSOR.key)):
        assert judged(facts_of(new, followed=seen)).outcome is Outcome.UNCONFIRMED


def test_a_witness_that_became_the_registry_counts_once(tmp_path: Path) -> None:
    witness = Keeper(ORIGIN, WITNESSES[0].seed)
    made = Register(Anchors(tmp_path), keeper=witness)
    verdict = judged(facts_of(made, followed=followed(LOG.key, witness.key, rotated=SIZE - 1)))
    assert (verdict.check(7).status, verdict.cosigned, verdict.outcome) == (Status.PASSED, 1, Outcome.UNCONFIRMED)


# -- documents, citations, the period -------------------------------------------------------------------------------


def test_a_document_that_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    granted = record(event=Event.GRANTED, on=date(2027, 1, 1))
    made = Register(Anchors(tmp_path), entry=replace(granted, digest=None))
    assert judged(facts_of(made)).outcome is Outcome.VERIFIED
    package = Package("package.pdf", hashlib.sha256(PACKAGE).digest())
    assert judged(facts_of(made, packages=(package,))).outcome is Outcome.VERIFIED
    verdict = judged(facts_of(made, packages=(replace(package, is_given=True),)))
    assert (verdict.outcome, verdict.check(4).status) == (Outcome.UNCONFIRMED, Status.SKIPPED)
    assert "the document cannot be compared" in next(iter(claim_sentences(verdict)))


@pytest.mark.parametrize("days", [-400, -1, 0, 1, 200, 365, 366, 1000])
@pytest.mark.parametrize("right", Right)
def test_the_period_never_changes_the_verdict(tmp_path: Path, register: Register, right: Right, days: int) -> None:
    later = FILING_DATE + timedelta(days=days)
    entry = record(right=right)
    facts = replace(facts_of(register), claim=Claim(ORIGIN, INDEX, entry))
    without, beside = judged(facts), judged(facts, Asked(later_filing=later))
    assert (without.outcome, without.asserted_by, without.existed_by) == (
        beside.outcome,
        beside.asserted_by,
        beside.existed_by,
    )
    assert without.checks[:13] == beside.checks[:13]
    assert beside.place is not None
    expected = Status.PASSED if beside.place.is_within else Status.FAILED if beside.window else Status.SKIPPED
    assert beside.check(14).status is expected


def test_numbers_are_compared_as_people_write_them() -> None:
    entry = record(number="PCT/EP 2026-050.123")
    for cited, is_same in (
        ("PCT/EP 2026-050.123", True),
        ("pctep2026050123", True),
        ("PCT/EP2026/050123", True),
        ("PCT/EP2026/050124", False),
        ("", False),
    ):
        assert (compare_citation(entry, Asked(number=cited)).status is Status.PASSED) == is_same
    # Numbers without any letter or digit are the same only if they are written so.
    assert compare_citation(record(number="--"), Asked(number="-")).status is Status.FAILED


def test_the_names_of_bundles_checks_are_kept() -> None:
    """Checks 1, 2 and 10 to 12 are those of bundles, by number and by name."""
    from notary.core.check import NAMES

    shared = (1, 2, 10, 11, 12)
    assert {number: CLAIM_NAMES[number] for number in shared} == {number: NAMES[number] for number in shared}
