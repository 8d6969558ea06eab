"""From what was found in the registers that a reader follows to checks and a verdict on an application that is cited.

The checks are those of a claim that need none (`claim_verdict`), by the same numbers; 10 to 12 are about the anchor of
a head that the reader has seen (`anchor_date`). Without one that is confirmed he knows that the entry stood there from
the day on which he synced, and from no earlier day; that is no fault of the entry's, unless he demands an anchor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from notary.core.check import Check, Status, failed, passed, skipped
from notary.core.facts import Policy
from notary.core.verdict import Outcome
from notary.registry.core.anchor_date import Dated
from notary.registry.core.cited import Asked, Package, compare_citation, compare_document, find_period, lacks_digest
from notary.registry.core.claim_verdict import BESIDE, ClaimCheck
from notary.registry.core.entry import Open
from notary.registry.core.history import Restated
from notary.registry.core.links import Link
from notary.registry.core.note import VerifierKey
from notary.registry.core.trusted import Asserter, TrustedRegistry
from notary.registry.core.window import Place, Window


@dataclass(frozen=True, slots=True)
class Located:
    """An application in a register that the reader follows.

    `link` leads to the first of its entries that fits, `record` is what that one says, and it is the one that is dated;
    of one that was sealed then, what the entry `opened_by` shows it to have held. `state` and `findings` are those of
    its history; `restated` are entries of it that state something else. The head over `size` entries is
    signed by `key`, or by nobody who counts; `cosigned` of the reader's witnesses did so too; `stale` says why it may
    not be the newest: too old for him, or followed by one in doubt; `rolled_back` that an older one was shown since,
    which takes nothing away. `last` is the index of the history's last entry.
    `seen_on` is the day (UTC, by his own clock) on which he first saw a head of that size.
    """

    registry: TrustedRegistry
    link: Link
    record: Open
    opened_by: int | None
    asserted_by: Asserter
    state: str
    findings: tuple[str, ...]
    restated: tuple[Restated, ...]
    size: int
    key: VerifierKey | None
    cosigned: int
    stale: str | None
    seen_on: date
    last: int
    rolled_back: str | None = None

    @property
    def opened(self) -> str:
        """What is to be said of an entry that was sealed."""
        return "" if self.opened_by is None else f", sealed then, opened by entry {self.opened_by}"


@dataclass(frozen=True, slots=True)
class CitationVerdict:
    """The answer. `located` is None where nothing was found; `dated` is what dates its entry, None where no anchor of a
    head with it was read; `others` are further entries that fit, and `left_out` the registers that were not looked at,
    and why. `policy` is what anchors were judged by; `needs_anchor` where the reader demands a date."""

    outcome: Outcome
    policy: Policy
    needs_anchor: bool
    asked: Asked
    checks: tuple[ClaimCheck, ...]
    located: Located | None
    dated: Dated | None
    others: tuple[Link, ...]
    left_out: tuple[str, ...]
    has_document: bool
    window: Window | None
    place: Place | None

    @property
    def asserted_by(self) -> Asserter | None:
        return None if self.located is None or self.outcome is Outcome.FAILED else self.located.asserted_by

    @property
    def is_shown_late(self) -> bool:
        """Whether the day by which the entry is shown to have stood there is after that of the later filing."""
        later = self.asked.later_filing
        return later is not None and self.existed_by is not None and self.existed_by > later

    @property
    def existed_by(self) -> date | None:
        """The day by which a checkpoint with the entry existed: none where no anchor is confirmed, or a check fails."""
        return None if self.dated is None or self.outcome is Outcome.FAILED else self.dated.verdict.existed_by

    def check(self, number: int) -> ClaimCheck:
        return next(check for check in self.checks if check.number == number)

    def first(self, status: Status) -> ClaimCheck | None:
        """The first check of this status that counts."""
        return next((one for one in self.checks if one.status is status and one.number not in BESIDE), None)


def judge_citation(
    found: Sequence[Located],
    packages: Sequence[Package],
    asked: Asked,
    left_out: Sequence[str],
    dated: Dated | None,
    policy: Policy,
    *,
    needs_anchor: bool,
) -> CitationVerdict:
    """The verdict on what is cited, by the first of `found`, which are in the order in which they count.

    `dated` is what dates that one's entry, under `policy`.
    """
    here = found[0] if found else None
    record = None if here is None else here.record
    window, where, period = find_period(record, asked)
    checks = [
        compare_document(record, packages),
        *([skipped(5, "no register that you follow has it")] if here is None else _who_says_so(here)),
        *(dated.verdict.checks if dated else _no_anchor(here)),
        compare_citation(record, asked),
        period,
    ]
    no_digest, no_date = lacks_digest(record, packages), needs_anchor and not (dated is not None and dated.is_confirmed)
    if any(one.status is Status.FAILED and one.number not in BESIDE for one in checks):
        outcome = Outcome.FAILED
    elif here is None or here.stale or here.cosigned < here.registry.quorum or no_digest or no_date:
        outcome = Outcome.UNCONFIRMED
    else:
        outcome = Outcome.VERIFIED
    return CitationVerdict(
        outcome,
        policy,
        needs_anchor,
        asked,
        tuple(ClaimCheck(one.number, one.status, one.expected, one.found) for one in checks),
        here,
        dated,
        tuple(one.link for one in found[1:]),
        tuple(left_out),
        checks[0].status is Status.PASSED,
        window,
        where,
    )


def _no_anchor(here: Located | None) -> list[Check]:  # checks 10, 11, 12
    why = "there is no entry to date" if here is None else f"no anchor of a head with entry {here.link.index} is here"
    return [skipped(10, why), *(skipped(number, "there is no anchor to follow") for number in (11, 12))]


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
        passed(5, head, f"{here.link}{here.opened}, read and proven to be under it"),
        failed(7, signed, "signed by nobody whom you trust") if here.key is None else passed(7, signed, named),
        witnesses,
        passed(9, may_speak, f"{here.asserted_by}: {named} is trusted for {office}")
        if here.asserted_by is Asserter.OFFICE
        else skipped(9, f"{here.asserted_by}: {named} is not trusted for {office}", may_speak),
    ]
