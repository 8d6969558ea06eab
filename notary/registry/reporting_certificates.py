"""What a check of a claim comes to, alone or in its certificate, in words, as JSON and as a report."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from notary.core.check import Status
from notary.core.shown import shown_text
from notary.registry.claim_report import claim_report
from notary.registry.core.certificate_verdict import DATA, PAGES, CheckedClaim
from notary.registry.reporting_claims import claim_json, claim_sentences
from notary.report import Made
from notary.reporting import check_json

_FAULTS = {
    DATA: "the certificate does not say what the claim in it gives",
    PAGES: "its printed pages are not those of its data",
}
_UNCOMPARED = {DATA: "All that the certificate says", PAGES: "What is printed on its pages"}


def checked_sentences(checked: CheckedClaim) -> Iterator[str]:
    """The answer, in one sentence first."""
    wrong = checked.fault
    if wrong is not None:
        yield f"{shown_text(checked.inside.target)}: {_FAULTS[wrong.number]}."
        yield f"Check {wrong.number}, {wrong.name}. Found: {shown_text(wrong.found)}"
        yield f"Expected: {shown_text(wrong.expected)}"
        yield "Printed text proves nothing by itself: go by the claim that is attached, not by what this paper says."
        yield f"Of that claim alone ({checked.inside.outcome}): {next(claim_sentences(checked.inside))}"
        return
    yield from claim_sentences(checked.inside)
    if not checked.papers:
        return
    yield "That is what the claim in it gives; printed text proves nothing by itself."
    for one in checked.papers:
        if one.status is Status.SKIPPED:
            yield f"{_UNCOMPARED[one.number]} was NOT compared with it: {shown_text(one.found)}."


def checked_json(checked: CheckedClaim) -> dict[str, Any]:
    """The members that a claim has."""
    return claim_json(checked.verdict) | _of_paper(checked)


def checked_report(
    checked: CheckedClaim,
    inputs: Sequence[tuple[Path, str]],
    made: Made,
    progress: Callable[[int], None] = lambda count: None,
) -> dict[str, Any]:
    """The report, as on a claim. Raises InputError where an input cannot be read any more."""
    return claim_report(checked.verdict, inputs, made, progress) | _of_paper(checked)


def _of_paper(checked: CheckedClaim) -> dict[str, Any]:
    return {"sentences": list(checked_sentences(checked)), "checks": list(map(check_json, checked.checks))}
