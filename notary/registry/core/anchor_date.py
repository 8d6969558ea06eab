"""The date of an entry that is looked up: of the checkpoints that have it, the earliest that a block dates.

Each anchor is judged as a claim's is (checks 10 to 12), with one difference: there may be many. The earliest that is
confirmed under the reader's policy gives the date. Where none is, the first that names a block says why.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from notary.core.facts import Facts, Files, Policy
from notary.core.verdict import Outcome, Verdict, find_anchor
from notary.registry.core.claim_verdict import check_path


@dataclass(frozen=True, slots=True)
class Anchored:
    """An anchored checkpoint of a log of `size` entries, whose file has the SHA-256 `digest`; `facts` are about its
    proof, `made_on` is the network of the headers that came with it, if any did."""

    size: int
    digest: bytes
    facts: Facts
    made_on: str | None


@dataclass(frozen=True, slots=True)
class Dated:
    """What the anchor of the checkpoint of `size` entries comes to: checks 10 to 12."""

    size: int
    verdict: Verdict

    @property
    def is_confirmed(self) -> bool:
        return self.verdict.outcome is Outcome.VERIFIED

    @property
    def names_a_block(self) -> bool:
        return self.verdict.outcome is not Outcome.PENDING


def date_entry(anchors: Iterable[Anchored], policy: Policy) -> Dated | None:
    """What dates an entry, of the anchors above it, which come with the smallest first; None where there are none.

    No more are taken than it needs: for each, somebody may have been asked.
    """
    best: Dated | None = None
    for one in anchors:
        found = _judge(one, policy)
        if found.is_confirmed:
            return found
        if best is None or (found.names_a_block and not best.names_a_block):
            best = found
    return best


def _judge(one: Anchored, policy: Policy) -> Dated:
    found = find_anchor(one.facts, one.made_on, policy)
    checks = tuple(check_path(check, one.facts, one.digest, one.facts.subject) for check in found.checks)
    verdict = Verdict(
        one.facts.target,
        one.facts.subject,
        found.outcome(checks),
        policy,
        one.made_on,
        checks,
        Files(0, 0),
        found.block,
        found.calendars,
        one.facts.unreachable,
    )
    return Dated(one.size, verdict)
