"""From what was found in the registers that a reader follows to checks and a verdict on an application that is cited.

The checks are those of a claim that need none (`claim_verdict`), by the same numbers. No anchor is looked at here: that
the entry stood there the reader knows from the day on which he synced, and from no earlier day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from notary.core.check import Check, Status, failed, passed, skipped
from notary.core.verdict import Outcome
from notary.registry.core.cited import Asked, Package, compare_citation, compare_document, find_period, lacks_digest
from notary.registry.core.claim_verdict import BESIDE, ClaimCheck
from notary.registry.core.entry import Open
from notary.registry.core.links import Link
from notary.registry.core.note import VerifierKey
from notary.registry.core.trusted import Asserter, TrustedRegistry
from notary.registry.core.window import Place, Window


@dataclass(frozen=True, slots=True)
class Located:
    """An application in a register that the reader follows.

    `link` leads to the first of its entries that fits. `record` is what the register says last of it, with the digest
    of its first entry that has one; `state` and `findings` are those of its history. The head over `size` entries is
    signed by `key`, or by nobody who counts; `cosigned` of the reader's witnesses did so too; `stale` says why it is
    too old for him. `seen_on` is the day (UTC, by his own clock) on which he first saw a head of that size.
    """

    registry: TrustedRegistry
    link: Link
    record: Open
    asserted_by: Asserter
    state: str
    findings: tuple[str, ...]
    size: int
    key: VerifierKey | None
    cosigned: int
    stale: str | None
    seen_on: date


@dataclass(frozen=True, slots=True)
class CitationVerdict:
    """The answer. `located` is None where nothing was found; `others` are further entries that fit, and `left_out` the
    registers that were not looked at, and why."""

    outcome: Outcome
    asked: Asked
    checks: tuple[ClaimCheck, ...]
    located: Located | None
    others: tuple[Link, ...]
    left_out: tuple[str, ...]
    has_document: bool
    window: Window | None
    place: Place | None

    @property
    def asserted_by(self) -> Asserter | None:
        return None if self.located is None or self.outcome is Outcome.FAILED else self.located.asserted_by

    def check(self, number: int) -> ClaimCheck:
        return next(check for check in self.checks if check.number == number)

    def first(self, status: Status) -> ClaimCheck | None:
        """The first check of this status that counts."""
        return next((one for one in self.checks if one.status is status and one.number not in BESIDE), None)


def judge_citation(
    found: Sequence[Located], packages: Sequence[Package], asked: Asked, left_out: Sequence[str]
) -> CitationVerdict:
    """The verdict on what is cited, by the first of `found`, which are in the order in which they count."""
    here = found[0] if found else None
    record = None if here is None else here.record
    window, where, period = find_period(record, asked)
    checks = [
        compare_document(record, packages),
        *([skipped(5, "no register that you follow has it")] if here is None else _who_says_so(here)),
        compare_citation(record, asked),
        period,
    ]
    if any(one.status is Status.FAILED and one.number not in BESIDE for one in checks):
        outcome = Outcome.FAILED
    elif here is None or here.stale or here.cosigned < here.registry.quorum or lacks_digest(record, packages):
        outcome = Outcome.UNCONFIRMED
    else:
        outcome = Outcome.VERIFIED
    return CitationVerdict(
        outcome,
        asked,
        tuple(ClaimCheck(one.number, one.status, one.expected, one.found) for one in checks),
        here,
        tuple(one.link for one in found[1:]),
        tuple(left_out),
        checks[0].status is Status.PASSED,
        window,
        where,
    )


def _who_says_so(here: Located) -> list[Check]:  # checks 5, 7, 8, 9
    registry, office, of = here.registry, here.record.office, len(here.registry.witnesses)
    head = f"the head of {here.size:,} entries that you saw on {here.seen_on}"
    signed = f"{head}, signed by a key that you trust for {registry.origin}"
    named = "nobody" if here.key is None else f"{here.key.name} ({here.key.id.hex()})"
    cosigned = f"cosigned by {here.cosigned} of {of} witnesses"
    witnesses = skipped(8, f"you name no witnesses of {registry.origin}")
    if of:
        enough = here.cosigned >= registry.quorum
        wanted = f"cosigned by {registry.quorum} of {of} witnesses"
        witnesses = passed(8, wanted, cosigned) if enough else skipped(8, cosigned, wanted)
    may_speak = f"a key that may speak for {office}"
    return [
        passed(5, head, f"{here.link}, read and proven to be under it"),
        failed(7, signed, "signed by nobody whom you trust") if here.key is None else passed(7, signed, named),
        witnesses,
        passed(9, may_speak, f"{here.asserted_by}: {named} is trusted for {office}")
        if here.asserted_by is Asserter.OFFICE
        else skipped(9, f"{here.asserted_by}: {named} is not trusted for {office}", may_speak),
    ]
