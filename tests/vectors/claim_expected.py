"""What a reader has to find in a claim, said by what departs from a sound one (FORMAT.md section 7, *Claims*)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.vectors.claim_parts import Json


@dataclass
class Expected:
    """What a reader has to find. All checks pass but those that are named; a sound claim about which nothing is asked
    skips 4, 13 and 14. `cosigned` is None where a reader need not count."""

    outcome: str = "verified"
    asserted_by: str | None = "office-asserted"
    failed: frozenset[int] = frozenset()
    skipped: frozenset[int] = frozenset({4, 13, 14})
    cosigned: int | None = 2
    existed_by: str = "2026-05-04"
    period: Json | None = None

    def json(self) -> Json:
        passed = {*range(1, 15)} - self.failed - self.skipped
        return {
            "outcome": self.outcome,
            "asserted_by": self.asserted_by,
            "existed_by": self.existed_by if self.outcome == "verified" else None,
            "first_failed": min(self.failed - {14}, default=None),  # the period is no part of the verdict
            "first_skipped": min(self.skipped - {14}, default=None),
            "passed": sorted(passed),
            "failed": sorted(self.failed),
            "skipped": sorted(self.skipped),
            "cosigned": self.cosigned,
            "period": self.period,
        }


def sound(*passed: int, skips: Sequence[int] = (), **more: Any) -> Expected:
    """Verified, and the checks `passed` too, for which something was asked; `skips` are skipped as well."""
    return Expected(skipped=frozenset({4, 13, 14, *skips} - {*passed}), **more)


def wrong(*failed: int, skips: Sequence[int] = (), passes: Sequence[int] = (), **more: Any) -> Expected:
    """Failed, at the first of `failed`; `skips` are skipped as well, and `passes` are not though they would be."""
    skipped = {4, 13, 14, *skips} - {*failed} - {*passes}
    return Expected("failed", None, frozenset(failed), frozenset(skipped), **more)


def open_to_doubt(*skips: int, by: str = "office-asserted", outcome: str = "unconfirmed", **more: Any) -> Expected:
    """Nothing is wrong, but not enough was found out, since these were skipped as well."""
    return Expected(outcome, by, skipped=frozenset({4, 13, 14, *skips}), **more)


NO_CLAIM = wrong(3, skips=(5, 7, 8, 9), cosigned=None)
NO_CONTAINER = wrong(1, skips=range(2, 15), cosigned=None)
NOT_IN_IT = wrong(5, skips=(9,))
