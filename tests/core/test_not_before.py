"""core.not_before: check 13, every way that it can go. Headers are mined here, at regtest's difficulty."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from notary.core.chain import Checkpoints
from notary.core.check import Check, Status
from notary.core.facts import Facts, Sighting
from notary.core.header import CONFIRMATIONS, NETWORKS, Header, Trust
from notary.core.manifest import NamedBlock
from notary.core.not_before import Beginning
from notary.core.verdict import Outcome, judge
from notary.reporting_who import further_sentences
from tests.core.blocks import NOON, chain, mined
from tests.core.test_verdict import BUNDLE, BUNDLED, HEIGHT, MANIFEST, POLICY, proof, sighting, waiting

BELOW = HEIGHT - 10
NAMED = chain([NOON - 86_400] * 3)
OTHER = mined(b"\7" * 32, time=NOON - 86_400)


def facts(
    *seen: Sighting, height: int = BELOW, network: str = "regtest", block: Header = NAMED[0], attested: bool = True
) -> Facts:
    manifest = replace(MANIFEST, not_before=NamedBlock(network, height, block.hash))
    more = (sighting(),) if attested else ()
    made = BUNDLED if attested else replace(BUNDLED, proof=proof(waiting()))
    return replace(made, bundle=replace(BUNDLE, manifest=manifest), sightings=(*more, *seen))


def judged(given: Facts, **policy: object) -> tuple[Beginning | None, Check]:
    verdict = judge(given, replace(POLICY, **policy))  # type: ignore[arg-type]
    assert (verdict.outcome is Outcome.FAILED) == (verdict.check(13).status is Status.FAILED)
    return verdict.beginning, verdict.check(13)


def seen(header: Header = NAMED[0], vouched: Trust = Trust.NONE, source: str = "a node", depth: int = 100) -> Sighting:
    confirmations = None if vouched is Trust.NONE else depth
    return Sighting(BELOW, (header,), source, vouched, confirmations)


def test_a_block_that_is_where_the_manifest_says() -> None:
    beginning, check = judged(facts(seen()))
    assert check.status is Status.PASSED
    assert beginning is not None
    assert (beginning.height, beginning.header, beginning.trust) == (BELOW, NAMED[0], Trust.WORK)


@pytest.mark.parametrize(
    ("clock", "day"),
    [
        ("2020-09-12T12:00:00+00:00", date(2020, 9, 12)),
        ("2020-09-12T02:00:00+00:00", date(2020, 9, 12)),
        ("2020-09-12T01:59:59+00:00", date(2020, 9, 11)),
        ("2020-09-12T00:00:00+00:00", date(2020, 9, 11)),
    ],
)
def test_the_day_stays_true_if_the_blocks_clock_was_two_hours_fast(clock: str, day: date) -> None:
    at = datetime.fromisoformat(clock)
    block = mined(time=int(at.timestamp()))
    beginning, _ = judged(facts(seen(block), block=block))
    assert beginning is not None
    assert beginning.day == day == (at - timedelta(hours=2)).astimezone(UTC).date()


def test_a_report_says_between(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = judge(facts(seen()), POLICY)
    (sentence,) = further_sentences(verdict)
    assert "made between 2020-09-12 and 2020-09-13 (UTC)" in sentence
    block = mined(time=NOON - 60)
    (sentence,) = further_sentences(judge(facts(seen(block), block=block), POLICY))
    assert "made on 2020-09-13 (UTC)" in sentence


@pytest.mark.parametrize("height", [HEIGHT, HEIGHT + 1, 2**32 - 1])
def test_a_block_at_the_attesting_one_or_above(height: int) -> None:
    """It was not there yet when the manifest was anchored, whatever headers say."""
    beginning, check = judged(facts(Sighting(height, NAMED, "a file"), height=height))
    assert (beginning, check.status) == (None, Status.FAILED)
    assert "anchored in block 120 already" in check.found


def test_a_trusted_header_with_another_hash() -> None:
    beginning, check = judged(facts(seen(OTHER, Trust.NODE)))
    assert (beginning, check.status) == (None, Status.FAILED)
    assert OTHER.shown_hash in check.found


def test_the_more_trusted_source_decides() -> None:
    own, node = seen(NAMED[0], source="the bundle's own headers"), seen(OTHER, Trust.NODE)
    assert judged(facts(own, node))[1].status is Status.FAILED
    own, node = seen(OTHER, source="the bundle's own headers"), seen(NAMED[0], Trust.NODE)
    assert judged(facts(own, node))[1].status is Status.PASSED


def test_of_two_that_are_trusted_alike_the_other_block_decides_nothing() -> None:
    for order in ((OTHER, NAMED[0]), (NAMED[0], OTHER)):
        assert judged(facts(*map(seen, order)))[1].status is Status.PASSED


def test_a_header_that_nobody_trusts_decides_nothing() -> None:
    for header in (NAMED[0], OTHER):
        for given in (facts(seen(header)), facts(seen(header, Trust.NODE, depth=CONFIRMATIONS - 1))):
            verdict = judge(given, replace(POLICY, require=Trust.NODE, checkpoints=Checkpoints()))
            assert verdict.check(13).status is Status.SKIPPED
            assert verdict.beginning is None


def test_a_header_without_work_decides_nothing() -> None:
    idle = mined(time=NOON - 86_400, good=False)
    assert judged(facts(seen(idle), block=idle))[1].status is Status.SKIPPED
    assert judged(facts(seen(idle, Trust.NODE)))[1].status is Status.SKIPPED


def test_an_unknown_header() -> None:
    beginning, check = judged(facts())
    assert (beginning, check.status) == (None, Status.SKIPPED)
    assert f"no header of block {BELOW}" in check.found


def test_a_block_of_another_network() -> None:
    """Neither passed nor failed, even where it stands too high."""
    for height in (BELOW, HEIGHT + 5):
        beginning, check = judged(facts(seen(OTHER, Trust.NODE), network="bitcoin", height=height))
        assert (beginning, check.status) == (None, Status.SKIPPED)
        assert "network bitcoin" in check.found


def test_a_bundle_of_another_network_than_is_asked_for() -> None:
    verdict = judge(facts(seen()), replace(POLICY, network=NETWORKS["local"]))
    assert verdict.check(13).status is Status.SKIPPED
    assert verdict.outcome is Outcome.UNCONFIRMED


def test_without_an_attesting_block() -> None:
    """When it was made at the earliest stands; until when, nobody says."""
    beginning, check = judged(facts(seen(), attested=False))
    assert check.status is Status.PASSED
    assert beginning is not None
    assert not list(further_sentences(judge(facts(seen(), attested=False), POLICY)))


def test_a_manifest_that_names_no_block() -> None:
    assert judged(BUNDLED) == (None, judge(BUNDLED, POLICY).check(13))
    assert judge(BUNDLED, POLICY).check(13).status is Status.SKIPPED
