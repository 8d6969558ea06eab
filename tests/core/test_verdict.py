"""The pure judge: what each fact does to the verdict. Headers are mined here, at regtest's difficulty, or real."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary import limits
from notary.core.chain import PERIOD, Checkpoints
from notary.core.check import NAMES, Status
from notary.core.facts import (
    BundleFacts,
    Facts,
    Fault,
    Faults,
    Files,
    Policy,
    Sighting,
    SignerPolicy,
    TokenPolicy,
)
from notary.core.header import CONFIRMATIONS, NETWORKS, Header, Trust, shown
from notary.core.manifest import Manifest
from notary.core.merkle import steps_to_seal
from notary.core.ots import Attestation, Kind, Proof, sha256_step, write_steps
from notary.core.verdict import Outcome, Verdict, judge
from notary.edges.checkpoints import shipped_checkpoints
from tests.core.blocks import NOON, REAL, chain, header, mined

BITCOIN, LOCAL, REGTEST = (NETWORKS[name] for name in ("bitcoin", "local", "regtest"))
HEAD, ROOT = b"\x4e" * 32, b"\x40" * 32
MESSAGE = bytes(range(0x30, 0x50))
WRONG = b"\1" * 32
HEIGHT = 120
DAY = 86_400
ONE_FAULT = Faults((Fault("a.txt", "one thing", "another"),), 1)


def attested(height: int = HEIGHT, message: bytes = MESSAGE, *hashes: str) -> Attestation:
    return Attestation(Kind.BITCOIN, message, frozenset(hashes or ("sha256",)), height=height)


def waiting(uri: str = "https://a.example") -> Attestation:
    return Attestation(Kind.PENDING, MESSAGE, frozenset({"sha256"}), uri=uri)


def other(kind: Kind) -> Attestation:
    return Attestation(kind, MESSAGE, frozenset({"sha256"}), height=None if kind is Kind.UNKNOWN else 5, tag=bytes(8))


def proof(*attestations: Attestation) -> Proof:
    return Proof("sha256", HEAD, attestations, write_steps([sha256_step()]) + bytes(10))


BLOCKS = chain([NOON] * 12, MESSAGE)


def sighting(
    height: int = HEIGHT, headers: tuple[Header, ...] = BLOCKS, confirmations: int | None = None, source: str = "a file"
) -> Sighting:
    vouched = Trust.NONE if confirmations is None else Trust.NODE
    return Sighting(height, headers, source, vouched, confirmations)


MANIFEST = Manifest(ROOT, 3, "regtest", "2026-03-12T09:31:07Z", "notary 0.1.0")
BUNDLE = BundleFacts(entries=9, manifest=MANIFEST, root=ROOT, head=HEAD)
PLAIN = Facts("a.ots", "a", Files(1, 1, matched=1), None, proof(attested()), None, (sighting(),))
BUNDLED = Facts("b.zip", "b", Files(2, 3, named=2, matched=2), BUNDLE, proof(attested()), None, (sighting(),))
NONE_PINNED = Checkpoints()
SHIPPED = shipped_checkpoints(BITCOIN)
POLICY = Policy(REGTEST, Trust.WORK, NONE_PINNED)


def status_of(verdict: Verdict) -> dict[int, str]:
    return {check.number: check.status.value for check in verdict.checks}


def failed_in(verdict: Verdict) -> list[int]:
    return [check.number for check in verdict.checks if check.status is Status.FAILED]


# -- verified -------------------------------------------------------------------------------------------------------


def test_a_sound_bundle_is_verified() -> None:
    verdict = judge(BUNDLED, POLICY)
    assert verdict.outcome is Outcome.VERIFIED
    passed = {number for number, status in status_of(verdict).items() if status == "passed"}
    assert passed == {1, 2, 3, 4, 5, 6, 8, 10, 11, 12}
    assert verdict.block is not None
    assert (verdict.block.height, verdict.block.header, verdict.trust) == (HEIGHT, BLOCKS[0], Trust.WORK)
    assert verdict.existed_by == date(2020, 9, 13)
    assert verdict.made_on == "regtest"


def test_a_sound_proof_is_verified() -> None:
    verdict = judge(PLAIN, POLICY)
    assert verdict.outcome is Outcome.VERIFIED
    assert {number for number, status in status_of(verdict).items() if status == "passed"} == {4, 10, 11, 12}
    assert verdict.made_on is None


@pytest.mark.parametrize("facts", [PLAIN, BUNDLED, replace(BUNDLED, bundle=BundleFacts(container_fault="a bomb"))])
def test_thirteen_checks_in_order_with_what_was_expected_and_found(facts: Facts) -> None:
    checks = judge(facts, POLICY).checks
    assert [check.number for check in checks] == list(range(1, 14))
    for check in checks:
        assert check.name == NAMES[check.number]
        assert check.found
        assert check.expected or check.status is Status.SKIPPED


def test_the_same_facts_give_the_same_verdict() -> None:
    assert judge(BUNDLED, POLICY) == judge(BUNDLED, POLICY)


# -- failed ---------------------------------------------------------------------------------------------------------


def bundle(**changes: Any) -> Facts:
    return replace(BUNDLED, bundle=replace(BUNDLE, **changes))


FAILING: dict[str, tuple[int, Facts]] = {
    "container": (1, bundle(container_fault="two entries of one name")),
    "bag": (2, bundle(bag=ONE_FAULT)),
    "no manifest": (3, bundle(manifest=None, head=None, manifest_fault="missing")),
    "file": (4, replace(BUNDLED, files=replace(BUNDLED.files, faults=ONE_FAULT))),
    "file of a plain proof": (4, replace(PLAIN, files=Files(1, 1, faults=ONE_FAULT))),
    "one of many files": (4, replace(BUNDLED, files=Files(9, 9, named=9, matched=8, faults=ONE_FAULT))),
    "record": (5, bundle(records=ONE_FAULT)),
    "other root": (6, bundle(root=bytes(32))),
    "no root": (6, bundle(root=None, tree_fault="the tree's hashes end too early")),
    "other head": (8, bundle(head=bytes(32))),
    "head by another hash": (8, replace(BUNDLED, proof=replace(proof(attested()), hash_name="keccak256"))),
    "proof of another head": (8, replace(BUNDLED, proof=replace(proof(attested()), digest=bytes(32)))),
    "a token that the proof does not seal": (9, bundle(token=b"t")),
    "another token": (
        9,
        replace(bundle(token=b"t"), proof=replace(proof(attested()), timestamp=write_steps(steps_to_seal(b"u")))),
    ),
    "no proof": (10, replace(BUNDLED, proof=None, proof_fault="truncated")),
    "no proof, no reason": (10, replace(BUNDLED, proof=None)),
    "other merkle root": (11, replace(BUNDLED, proof=proof(attested(message=bytes(32))))),
    "merkle root turned round": (11, replace(BUNDLED, proof=proof(attested(message=MESSAGE[::-1])))),
    "20 bytes as a merkle root": (11, replace(BUNDLED, proof=proof(attested(message=MESSAGE[:20])))),
    "no work": (11, replace(BUNDLED, sightings=(sighting(headers=(mined(MESSAGE, good=False),)),))),
}


@pytest.mark.parametrize("name", FAILING)
@pytest.mark.parametrize("confirmations", [None, 100], ids=["by work", "by a node"])
def test_each_failing_check_alone_makes_it_failed(name: str, confirmations: int | None) -> None:
    number, facts = FAILING[name]
    seen = tuple(replace(one, confirmations=confirmations) for one in facts.sightings)
    verdict = judge(replace(facts, sightings=seen), POLICY)
    assert verdict.outcome is Outcome.FAILED
    assert failed_in(verdict) == [number]
    assert verdict.existed_by is None
    failed = verdict.first(Status.FAILED)
    assert failed is not None
    assert failed.expected != failed.found


@pytest.mark.parametrize("name", [name for name, (number, _) in FAILING.items() if number < 10])
@pytest.mark.parametrize("rest", ["pending", "no header", "another network"])
def test_failed_comes_before_all_else(name: str, rest: str) -> None:
    number, facts = FAILING[name]
    policy = POLICY
    match rest:
        case "pending":
            assert facts.proof is not None
            facts = replace(facts, proof=replace(facts.proof, attestations=(waiting(),)))
        case "no header":
            facts = replace(facts, sightings=())
        case "another network":
            policy = Policy(LOCAL, Trust.WORK, NONE_PINNED)
    verdict = judge(facts, policy)
    assert verdict.outcome is Outcome.FAILED
    assert number in failed_in(verdict)


def test_a_refused_container_speaks_for_nothing_else() -> None:
    refused = BundleFacts(container_fault="a link")
    verdict = judge(Facts("b.zip", "b", Files(0, 0), refused, None, None), POLICY)
    assert status_of(verdict) == {1: "failed"} | dict.fromkeys(range(2, 14), "skipped")


def test_many_faults_are_counted_and_the_first_ones_named() -> None:
    faults = Faults(tuple(Fault(f"{n}.txt", "a", "b") for n in range(3)), 1500)
    check = judge(bundle(bag=faults), POLICY).checks[1]
    assert "0.txt" in check.found
    assert "1,497 more" in check.found


def test_a_signature_and_a_token_that_are_none_fail() -> None:
    """Both are part of the head, and both are checked; what is sound of them: test_signed_by.py, test_stamped_by.py."""
    sealed = replace(proof(attested()), timestamp=write_steps(steps_to_seal(b"t")))
    verdict = judge(replace(bundle(signature=b"s", token=b"t"), proof=sealed), POLICY)
    statuses = status_of(verdict)
    assert (statuses[7], statuses[9], statuses[13]) == ("failed", "failed", "skipped")
    assert verdict.outcome is Outcome.FAILED
    assert (verdict.signed_by, verdict.stamped_by, verdict.beginning) == (None, None, None)


def test_a_container_that_was_refused_leaves_signature_and_token_unchecked() -> None:
    statuses = status_of(judge(replace(BUNDLED, bundle=BundleFacts(container_fault="a bomb")), POLICY))
    assert (statuses[1], statuses[7], statuses[9], statuses[13]) == ("failed", "skipped", "skipped", "skipped")


def test_digests_alone_leave_files_and_records_unchecked() -> None:
    verdict = judge(replace(BUNDLED, files=Files(2, 3)), POLICY)
    assert (status_of(verdict)[4], status_of(verdict)[5]) == ("skipped", "skipped")
    assert verdict.outcome is Outcome.VERIFIED


# -- pending --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("facts", [PLAIN, BUNDLED], ids=["proof", "bundle"])
@pytest.mark.parametrize("beside", [(), (other(Kind.UNKNOWN),), (other(Kind.LITECOIN), other(Kind.ETHEREUM))])
def test_pending(facts: Facts, beside: tuple[Attestation, ...]) -> None:
    verdict = judge(replace(facts, proof=proof(waiting(), waiting("https://b.example"), waiting(), *beside)), POLICY)
    assert verdict.outcome is Outcome.PENDING
    assert verdict.calendars == ("https://a.example", "https://b.example")
    assert (verdict.block, verdict.existed_by, verdict.trust) == (None, None, Trust.NONE)
    assert (status_of(verdict)[11], status_of(verdict)[12]) == ("skipped", "skipped")


def test_pending_beside_a_block_is_no_longer_pending() -> None:
    assert judge(replace(BUNDLED, proof=proof(waiting(), attested())), POLICY).outcome is Outcome.VERIFIED
    without = replace(BUNDLED, proof=proof(waiting(), attested()), sightings=())
    assert judge(without, POLICY).outcome is Outcome.UNCONFIRMED


# -- unconfirmed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attestations",
    [
        (other(Kind.UNKNOWN),),
        (other(Kind.LITECOIN),),
        (other(Kind.ETHEREUM),),
        (other(Kind.UNKNOWN), other(Kind.LITECOIN)),
    ],
    ids=["unknown", "litecoin", "ethereum", "two"],
)
def test_attestations_that_nobody_here_can_check(attestations: tuple[Attestation, ...]) -> None:
    verdict = judge(replace(BUNDLED, proof=proof(*attestations), sightings=(sighting(height=5),)), POLICY)
    assert (verdict.outcome, failed_in(verdict), verdict.block) == (Outcome.UNCONFIRMED, [], None)


def test_no_header_at_hand() -> None:
    verdict = judge(replace(BUNDLED, sightings=(), unreachable=("the node does not answer",)), POLICY)
    assert verdict.outcome is Outcome.UNCONFIRMED
    assert verdict.tried == ("the node does not answer",)


def test_a_header_of_another_height_is_no_header() -> None:
    for height in (HEIGHT - 1, HEIGHT + 1):
        verdict = judge(replace(BUNDLED, sightings=(sighting(height=height),)), POLICY)
        assert (verdict.outcome, failed_in(verdict)) == (Outcome.UNCONFIRMED, [])


@pytest.mark.parametrize("require", [level for level in Trust if level > Trust.WORK], ids=lambda level: level.word)
def test_trust_that_is_too_weak(require: Trust) -> None:
    verdict = judge(BUNDLED, Policy(REGTEST, require, NONE_PINNED))
    assert verdict.outcome is Outcome.UNCONFIRMED
    assert verdict.existed_by is None
    assert (status_of(verdict)[11], status_of(verdict)[12]) == ("passed", "skipped")
    assert require.word in verdict.checks[11].expected
    assert "work" in verdict.checks[11].found


@pytest.mark.parametrize(
    ("confirmations", "trust"),
    [(CONFIRMATIONS, Trust.NODE), (1000, Trust.NODE)]
    + [(count, Trust.WORK) for count in (None, 0, -1, 1, CONFIRMATIONS - 1)],
)
def test_a_nodes_word_counts_when_the_block_is_deep_enough(confirmations: int | None, trust: Trust) -> None:
    facts = replace(BUNDLED, sightings=(sighting(confirmations=confirmations),))
    assert judge(facts, POLICY).trust is trust
    outcome = Outcome.VERIFIED if trust is Trust.NODE else Outcome.UNCONFIRMED
    assert judge(facts, Policy(REGTEST, Trust.NODE, NONE_PINNED)).outcome is outcome


def test_the_verifier_says_how_deep_is_deep_enough() -> None:
    facts = replace(BUNDLED, sightings=(sighting(confirmations=2),))
    assert judge(facts, Policy(REGTEST, Trust.NODE, NONE_PINNED, confirmations=2)).outcome is Outcome.VERIFIED
    assert judge(facts, Policy(REGTEST, Trust.NODE, NONE_PINNED, confirmations=3)).outcome is Outcome.UNCONFIRMED


def test_a_path_over_sha1_proves_too_little() -> None:
    verdict = judge(replace(PLAIN, proof=proof(attested(HEIGHT, MESSAGE, "sha1", "sha256"))), POLICY)
    assert (verdict.outcome, failed_in(verdict), verdict.block) == (Outcome.UNCONFIRMED, [], None)
    assert "sha1" in verdict.checks[9].found
    for beside, outcome in ((attested(), Outcome.VERIFIED), (waiting(), Outcome.PENDING)):
        both = replace(PLAIN, proof=proof(attested(HEIGHT, MESSAGE, "sha1"), beside))
        assert judge(both, POLICY).outcome is outcome


def test_what_waits_behind_sha1_is_not_pending() -> None:
    """Nothing that may come of it would count."""
    broken = replace(waiting(), hashes=frozenset({"sha1"}))
    assert judge(replace(PLAIN, proof=proof(broken)), POLICY).outcome is Outcome.UNCONFIRMED


@pytest.mark.parametrize("name", ["ripemd160", "keccak256", "sha256"])
def test_other_hashes_are_not_broken(name: str) -> None:
    assert judge(replace(PLAIN, proof=proof(attested(HEIGHT, MESSAGE, name))), POLICY).outcome is Outcome.VERIFIED


# -- the verifier's policy ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made_on", ["local", "bitcoin", "signet", "", "Regtest", "regtest "])
@pytest.mark.parametrize("confirmations", [None, 1000])
def test_a_bundle_of_another_network_is_unconfirmed(made_on: str, confirmations: int | None) -> None:
    facts = replace(
        bundle(manifest=replace(MANIFEST, network=made_on)), sightings=(sighting(confirmations=confirmations),)
    )
    verdict = judge(facts, POLICY)
    assert (verdict.outcome, verdict.block, verdict.trust) == (Outcome.UNCONFIRMED, None, Trust.NONE)
    assert (status_of(verdict)[11], status_of(verdict)[12]) == ("skipped", "skipped")
    assert verdict.made_on == made_on


def test_a_bundle_of_a_test_network_never_counts_as_bitcoins() -> None:
    """Neither by saying so in its manifest, nor by keeping silent, whatever its headers."""
    for network in ("regtest", "local", "bitcoin"):
        for confirmations in (None, 1000):
            seen = (sighting(height=960_000, confirmations=confirmations),)
            facts = replace(
                bundle(manifest=replace(MANIFEST, network=network)), proof=proof(attested(960_000)), sightings=seen
            )
            for require in Trust:
                verdict = judge(facts, Policy(BITCOIN, require, SHIPPED))
                assert verdict.outcome is not Outcome.VERIFIED
                assert verdict.trust is Trust.NONE


@pytest.mark.parametrize("require", [Trust.NONE, Trust.WORK])
def test_no_less_than_work_is_ever_enough(require: Trust) -> None:
    """Here: a real old block, whose work is far below the floor of today."""
    old = REAL[358391]
    facts = replace(PLAIN, proof=proof(attested(358391, old.merkle_root)), sightings=(sighting(358391, (old,)),))
    verdict = judge(facts, Policy(BITCOIN, require, SHIPPED))
    assert (verdict.outcome, failed_in(verdict), verdict.trust) == (Outcome.UNCONFIRMED, [], Trust.NONE)
    assert status_of(verdict)[12] == "skipped"
    assert verdict.existed_by is None


def test_less_than_work_hides_no_better_block() -> None:
    pinned = Checkpoints(((bytes(32), BLOCKS[0].bits),))
    low, high = PERIOD - 1, PERIOD
    facts = replace(
        BUNDLED,
        proof=proof(attested(low), attested(high)),
        sightings=(sighting(low, BLOCKS[:1]), sighting(high)),
    )
    for require in (Trust.NONE, Trust.WORK):
        verdict = judge(facts, Policy(REGTEST, require, pinned))
        assert (verdict.outcome, verdict.trust) == (Outcome.VERIFIED, Trust.WORK)


@pytest.mark.parametrize("confirmations", [None, 1000])
@pytest.mark.parametrize("height", [1, 953_567, 953_568, 10**6])
def test_a_header_at_regtests_difficulty_is_none_of_bitcoins(height: int, confirmations: int | None) -> None:
    """Even a node that stands by it is not believed: it is a node of another network."""
    facts = replace(PLAIN, proof=proof(attested(height)), sightings=(sighting(height, confirmations=confirmations),))
    verdict = judge(facts, Policy(BITCOIN, Trust.WORK, SHIPPED))
    assert (verdict.outcome, failed_in(verdict), verdict.block) == (Outcome.FAILED, [11], None)


@pytest.mark.parametrize("height", [0, 1, 358391])
def test_a_real_old_header_passed_off_as_a_new_one_does_not_reach_work(height: int) -> None:
    """It has work, but at a difficulty that anybody can afford today."""
    old, claimed = REAL[height], SHIPPED.last_height + 1
    facts = replace(PLAIN, proof=proof(attested(claimed, old.merkle_root)), sightings=(sighting(claimed, (old,)),))
    verdict = judge(facts, Policy(BITCOIN, Trust.WORK, SHIPPED))
    assert (verdict.outcome, verdict.trust) == (Outcome.UNCONFIRMED, Trust.NONE)
    with_node = replace(facts, sightings=(sighting(claimed, (old,), confirmations=6),))
    assert judge(with_node, Policy(BITCOIN, Trust.WORK, SHIPPED)).trust is Trust.NODE


@pytest.mark.parametrize(
    ("height", "bits", "trust"),
    [
        (PERIOD, 0x207FFFFF, Trust.WORK),
        (PERIOD, 0x20200000, Trust.WORK),
        (PERIOD, 0x201FFFFF, Trust.NONE),
        (PERIOD - 2, 0x207FFFFF, Trust.NONE),
        (0, 0x207FFFFF, Trust.NONE),
    ],
    ids=["above", "a retarget easier", "too easy", "below", "far below"],
)
def test_work_counts_above_the_last_checkpoint_at_no_much_easier_target(height: int, bits: int, trust: Trust) -> None:
    pinned = Checkpoints(((bytes(32), bits),))
    facts = replace(BUNDLED, proof=proof(attested(height)), sightings=(sighting(height, BLOCKS[:1]),))
    verdict = judge(facts, Policy(REGTEST, Trust.WORK, pinned))
    assert verdict.trust is trust
    assert verdict.outcome is (Outcome.VERIFIED if trust else Outcome.UNCONFIRMED)


# -- checkpoints ----------------------------------------------------------------------------------------------------

SHORT = PERIOD - len(BLOCKS)  # from here on BLOCKS reach the end of the first period
PINNED = Checkpoints(((BLOCKS[-1].hash, BLOCKS[-1].bits),))


def at_the_end(headers: tuple[Header, ...] = BLOCKS, **more: Any) -> Facts:
    seen = (replace(sighting(SHORT, headers), **more),)
    return replace(BUNDLED, proof=proof(attested(SHORT)), sightings=seen)


def test_headers_that_lead_to_a_checkpoint() -> None:
    verdict = judge(at_the_end(), Policy(REGTEST, Trust.CHECKPOINT, PINNED))
    assert (verdict.outcome, verdict.trust) == (Outcome.VERIFIED, Trust.CHECKPOINT)
    assert judge(at_the_end(), Policy(REGTEST, Trust.EXPLORERS, PINNED)).outcome is Outcome.UNCONFIRMED


def test_a_block_that_is_the_checkpoint() -> None:
    last = PERIOD - 1
    own = chain([NOON], MESSAGE)
    facts = replace(BUNDLED, proof=proof(attested(last)), sightings=(sighting(last, own),))
    pinned = Checkpoints(((own[0].hash, own[0].bits),))
    assert judge(facts, Policy(REGTEST, Trust.CHECKPOINT, pinned)).trust is Trust.CHECKPOINT
    assert judge(facts, Policy(REGTEST, Trust.CHECKPOINT, PINNED)).outcome is Outcome.FAILED


def test_headers_that_lead_past_a_checkpoint_are_a_side_chain() -> None:
    """Whatever is asked for, and although each has work and follows the one before."""
    other_end = Checkpoints(((bytes(32), BLOCKS[-1].bits),))
    for require in Trust:
        verdict = judge(at_the_end(), Policy(REGTEST, require, other_end))
        assert (verdict.outcome, failed_in(verdict), verdict.trust) == (Outcome.FAILED, [12], Trust.NONE)
    assert BLOCKS[-1].shown_hash in verdict.check(12).found
    assert "checkpoint of block 2,015" in verdict.check(12).expected


@pytest.mark.parametrize("count", [1, 5, len(BLOCKS) - 1])
def test_headers_that_end_before_the_checkpoint(count: int) -> None:
    verdict = judge(at_the_end(BLOCKS[:count]), Policy(REGTEST, Trust.CHECKPOINT, PINNED))
    assert (verdict.outcome, verdict.trust) == (Outcome.UNCONFIRMED, Trust.NONE)


@pytest.mark.parametrize("gap", [0, 5, len(BLOCKS) - 2])
def test_a_row_with_a_gap_leads_nowhere(gap: int) -> None:
    """Its last header is the checkpoint itself, and still nothing ties the attested block to it."""
    stranger = mined(b"\5" * 32, BLOCKS[gap].previous)
    row = (stranger, *BLOCKS[1:]) if gap == 0 else (*BLOCKS[:gap], stranger, *BLOCKS[gap + 1 :])
    own = replace(at_the_end(row), proof=proof(attested(SHORT, row[0].merkle_root)))
    verdict = judge(own, Policy(REGTEST, Trust.CHECKPOINT, PINNED))
    assert (verdict.outcome, verdict.trust) == (Outcome.UNCONFIRMED, Trust.NONE)


def test_headers_at_the_wrong_height_lead_nowhere() -> None:
    """The checkpoint is in the row, but not where the row says that it is."""
    for height in (SHORT - 1, SHORT + 1):
        facts = replace(BUNDLED, proof=proof(attested(height)), sightings=(sighting(height),))
        verdict = judge(facts, Policy(REGTEST, Trust.CHECKPOINT, PINNED))
        assert verdict.trust is Trust.NONE
        assert verdict.outcome is not Outcome.VERIFIED


@pytest.mark.parametrize("vouched", [Trust.EXPLORERS, Trust.CHAIN, Trust.NODE])
def test_a_source_that_vouches_for_a_block_once_it_is_deep_enough(vouched: Trust) -> None:
    policy = Policy(REGTEST, Trust.CHECKPOINT, PINNED)
    for confirmations, trust in ((6, vouched), (5, Trust.CHECKPOINT), (None, vouched)):
        verdict = judge(at_the_end(vouched=vouched, confirmations=confirmations), policy)
        assert (verdict.outcome, verdict.trust) == (Outcome.VERIFIED, trust)
    facts = at_the_end(BLOCKS[:1], vouched=vouched, confirmations=5)
    verdict = judge(facts, policy)
    assert (verdict.outcome, verdict.trust) == (Outcome.UNCONFIRMED, Trust.NONE)
    assert "5 confirmations; 6 are asked for" in verdict.check(12).found


def test_clocks_of_following_headers_count_only_with_work() -> None:
    """Nobody may make a date later by a header that cost nothing."""
    free = header(MESSAGE, BLOCKS[0].hash, NOON + 99 * DAY, bits=0x1D00FFFF)
    facts = replace(BUNDLED, sightings=(sighting(HEIGHT, (BLOCKS[0], free)),))
    assert judge(facts, POLICY).existed_by == date(2020, 9, 13)


# -- several attestations, several sources --------------------------------------------------------------------------


def test_one_good_and_one_wrong_attestation() -> None:
    """The good one stands, in whatever order they come, and the wrong one is told."""
    good, wrong = attested(HEIGHT), attested(HEIGHT - 1, WRONG)
    seen = (sighting(HEIGHT), sighting(HEIGHT - 1, chain([NOON - DAY])))
    for attestations in ((good, wrong), (wrong, good)):
        verdict = judge(replace(BUNDLED, proof=proof(*attestations), sightings=seen), POLICY)
        assert (verdict.outcome, failed_in(verdict)) == (Outcome.VERIFIED, [])
        assert verdict.block is not None
        assert verdict.block.height == HEIGHT
        assert shown(WRONG) in verdict.checks[10].found


def test_two_attestations_at_one_height() -> None:
    verdict = judge(replace(BUNDLED, proof=proof(attested(message=WRONG), attested())), POLICY)
    assert verdict.outcome is Outcome.VERIFIED
    both_wrong = proof(attested(message=WRONG), attested(message=b"\2" * 32))
    assert judge(replace(BUNDLED, proof=both_wrong), POLICY).outcome is Outcome.FAILED


def test_one_root_at_two_heights_counts_where_the_block_is() -> None:
    seen = (sighting(HEIGHT), sighting(HEIGHT - 1, chain([NOON])))
    verdict = judge(replace(BUNDLED, proof=proof(attested(HEIGHT - 1), attested(HEIGHT)), sightings=seen), POLICY)
    assert verdict.block is not None
    assert (verdict.outcome, verdict.block.height) == (Outcome.VERIFIED, HEIGHT)


def test_the_earliest_block_that_is_trusted_enough_counts() -> None:
    early, late = sighting(HEIGHT, chain([NOON], MESSAGE)), sighting(HEIGHT + 9, chain([NOON + DAY], MESSAGE))
    both = replace(BUNDLED, proof=proof(attested(HEIGHT + 9), attested(HEIGHT)), sightings=(late, early))
    assert judge(both, POLICY).existed_by == date(2020, 9, 13)
    confirmed = replace(both, sightings=(replace(late, vouched=Trust.NODE, confirmations=6), early))
    assert judge(confirmed, Policy(REGTEST, Trust.NODE, NONE_PINNED)).existed_by == date(2020, 9, 14)
    assert judge(confirmed, POLICY).existed_by == date(2020, 9, 13)


@pytest.mark.parametrize("turned", [False, True])
def test_the_most_trusted_source_decides(turned: bool) -> None:
    """A bundle's own header cannot hide what the verifier's node says, nor make a sound proof fail."""
    node = sighting(confirmations=6, source="the node")
    own = sighting(headers=chain([NOON], WRONG), source="the bundle's own headers")
    sources = (own, node)[:: -1 if turned else 1]
    assert judge(replace(BUNDLED, sightings=sources), POLICY).outcome is Outcome.VERIFIED
    lied = replace(BUNDLED, proof=proof(attested(message=WRONG)), sightings=sources)
    assert judge(lied, POLICY).outcome is Outcome.FAILED


def test_the_better_source_is_named() -> None:
    seen = (sighting(source="the bundle's own headers"), sighting(confirmations=6, source="the node"))
    verdict = judge(replace(BUNDLED, sightings=seen), POLICY)
    assert verdict.block is not None
    assert (verdict.block.source, verdict.trust) == ("the node", Trust.NODE)


# -- the date -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "day"),
    [
        ([NOON], 13),
        ([NOON, NOON + DAY, NOON], 14),
        ([NOON] * 11 + [NOON + 2 * DAY], 15),
        ([NOON] * 12 + [NOON + 2 * DAY], 13),
        ([NOON + DAY, NOON], 14),
        ([NOON + 10 * 3600], 14),
        ([NOON + 10 * 3600 - 1], 13),
    ],
)
def test_the_day_follows_the_clocks_of_twelve_blocks(times: list[int], day: int) -> None:
    verdict = judge(replace(BUNDLED, sightings=(sighting(headers=chain(times, MESSAGE)),)), POLICY)
    assert verdict.existed_by == date(2020, 9, day)
    assert verdict.block is not None
    assert verdict.block.time == BLOCK_TIME[times[0]]


BLOCK_TIME = {
    NOON: "2020-09-13T12:00:00Z",
    NOON + DAY: "2020-09-14T12:00:00Z",
    NOON + 10 * 3600: "2020-09-13T22:00:00Z",
    NOON + 10 * 3600 - 1: "2020-09-13T21:59:59Z",
}

# -- whatever the facts ---------------------------------------------------------------------------------------------

kinds = st.sampled_from(
    [
        *(waiting(), other(Kind.UNKNOWN), other(Kind.LITECOIN)),
        *(attested(), attested(HEIGHT + 1), attested(message=WRONG), attested(HEIGHT, MESSAGE, "sha1")),
    ]
)
seen_ones = st.builds(
    sighting,
    st.sampled_from([HEIGHT, HEIGHT + 1]),
    st.sampled_from([BLOCKS, chain([NOON]), (mined(MESSAGE, good=False),), (header(MESSAGE, bits=0),), (REAL[0],)]),
    st.sampled_from([None, -1, 0, 5, 6]),
)
flaws = st.sampled_from(
    [{}, {"bag": ONE_FAULT}, {"root": None}, {"head": bytes(32)}, {"records": ONE_FAULT}, {"container_fault": "a"}]
)


@given(
    st.none() | st.lists(kinds, min_size=1, max_size=4),
    st.lists(seen_ones, max_size=4),
    flaws,
    st.sampled_from(["regtest", "local", "bitcoin"]),
    st.sampled_from([REGTEST, LOCAL, BITCOIN]),
    st.sampled_from(list(Trust)),
)
def test_verified_is_always_borne_out(
    attestations: list[Attestation] | None,
    seen: list[Sighting],
    flaw: dict[str, Any],
    made_on: str,
    network: Any,
    require: Trust,
) -> None:
    facts = replace(
        bundle(manifest=replace(MANIFEST, network=made_on), **flaw),
        proof=proof(*attestations) if attestations else None,
        sightings=tuple(seen),
    )
    verdict = judge(facts, Policy(network, require, SHIPPED if network is BITCOIN else NONE_PINNED))
    assert (verdict.outcome is Outcome.FAILED) == bool(failed_in(verdict))
    assert len(verdict.checks) == 13
    if verdict.outcome is Outcome.PENDING:
        assert not any(one.kind is Kind.BITCOIN and "sha1" not in one.hashes for one in attestations or ())
    assert (verdict.existed_by is not None) == (verdict.outcome is Outcome.VERIFIED)
    if verdict.outcome is Outcome.VERIFIED:
        assert not flaw
        assert made_on == network.name
        assert verdict.trust >= max(require, Trust.WORK)
        assert verdict.block is not None
        assert any(
            one.kind is Kind.BITCOIN
            and (one.height, one.message) == (verdict.block.height, verdict.block.header.merkle_root)
            and "sha1" not in one.hashes
            for one in attestations or ()
        )


# -- junk beside what is sound --------------------------------------------------------------------------------------


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("vouched", [Trust.NONE, Trust.CHAIN, Trust.NODE])
def test_a_contradiction_of_no_more_trust_decides_nothing(turned: bool, vouched: Trust) -> None:
    """The end of a stored chain, or of a node's, may be a block that soon gives way."""
    stale = replace(sighting(headers=chain([NOON], WRONG)), vouched=vouched, confirmations=1 if vouched else None)
    seen = (stale, sighting()) if turned else (sighting(), stale)
    verdict = judge(replace(BUNDLED, sightings=seen), POLICY)
    assert (verdict.outcome, verdict.trust) == (Outcome.VERIFIED, Trust.WORK)


@pytest.mark.parametrize("vouched", [Trust.EXPLORERS, Trust.CHAIN, Trust.NODE])
def test_a_source_that_is_not_trusted_enough_refutes_nothing(vouched: Trust) -> None:
    alone = replace(sighting(headers=chain([NOON], WRONG)), vouched=vouched, confirmations=1)
    policy = Policy(REGTEST, Trust.CHECKPOINT, NONE_PINNED)
    doubtful = judge(replace(BUNDLED, sightings=(alone,)), policy)
    assert doubtful.outcome is Outcome.UNCONFIRMED
    assert doubtful.check(11).found == "a file has another block 120, and is not trusted enough to decide"
    deep = replace(alone, confirmations=6)
    assert failed_in(judge(replace(BUNDLED, sightings=(deep,)), policy)) == [11]


def test_many_junk_attestations_hide_none() -> None:
    """Where not all could be looked for, the true one may be among the others."""
    junk = [attested(height, WRONG) for height in range(1, limits.HEIGHTS + 1)]
    seen = tuple(sighting(one.height or 0) for one in junk)
    facts = replace(BUNDLED, proof=proof(*junk, attested(HEIGHT)), sightings=seen)
    hidden = judge(facts, POLICY)
    assert hidden.outcome is Outcome.UNCONFIRMED
    assert "not all of the 17 blocks" in hidden.check(11).found
    assert judge(replace(facts, sightings=(*seen, sighting())), POLICY).outcome is Outcome.VERIFIED
    assert failed_in(judge(replace(facts, proof=proof(*junk)), POLICY)) == [11]


def test_a_much_easier_follower_moves_no_date() -> None:
    hard = 0x200FFFFF
    first = mined(MESSAGE, bytes(32), NOON, hard)
    for bits, day in ((0x203FFFFC, date(2020, 9, 23)), (0x207FFFFF, date(2020, 9, 13))):
        row = (first, mined(bytes(32), first.hash, NOON + 10 * DAY, bits))
        facts = replace(BUNDLED, proof=proof(attested()), sightings=(sighting(headers=row),))
        assert judge(facts, POLICY).existed_by == day


@pytest.mark.parametrize(
    ("number", "policy"),
    [
        (7, replace(POLICY, who=SignerPolicy(is_required=True))),
        (7, replace(POLICY, who=SignerPolicy(required=("ada",)))),
        (9, replace(POLICY, clock=TokenPolicy(is_required=True))),
    ],
)
def test_a_bundle_stripped_to_its_proof_does_not_escape_a_policy(number: int, policy: Policy) -> None:
    verdict = judge(PLAIN, policy)
    assert verdict.outcome is Outcome.FAILED
    assert status_of(verdict)[number] == "failed"
