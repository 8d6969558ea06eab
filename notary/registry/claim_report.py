"""The report on a claim: the paper of bundles, with the entry as its keeper asserted it and the priority period.

It says no more than the check itself, and least of all what follows.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from notary.core.verdict import Outcome
from notary.registry.checking import Trusted
from notary.registry.core.claim import Claim
from notary.registry.core.claim_verdict import ClaimVerdict
from notary.registry.core.entry import members_of
from notary.registry.reporting_claims import asserted_text, claim_json
from notary.report import Made, circumstances

STANDING = {
    Outcome.VERIFIED: "This is what the register's keeper asserted. That it stood in the register by the date above"
    " was verified; whether it is true was not examined.",
    Outcome.PENDING: "This is what the claim gives as asserted by the register's keeper. No block attests it yet, so"
    " that nothing is proven.",
    Outcome.UNCONFIRMED: "This is what the claim gives as asserted by the register's keeper. That it stood in the"
    " register is not proven: the verdict says what is missing.",
    Outcome.FAILED: "The check failed. This is what the claim gives as an entry, so that it can be told from others."
    " Do not rely on it.",
}
"""What stands above an entry, by the verdict."""

STATED = {
    "event": "Event",
    "office": "Office",
    "number": "Application number",
    "right": "Kind",
    "filing_date": "Filing date",
    "date": "Day of the event",
    "to": "To",
    "digest": "SHA-256 of the package",
    "st13": "ST.13 number",
    "object": "First entry of it",
    "previous": "Entry before",
}
"""Members of a record, as people read them."""

NOT_SHOWN = (
    "that anything in the entry is true: it is the word of the register's keeper",
    "when the application was filed, or by whom: the filing date is as asserted too",
    "that the first filing was the first for its subject, or that the later one is about the same",
    "that a right of any kind exists or may be claimed; the priority period is arithmetic on the asserted date",
    "what became of the application: a claim shows one entry, and none that came before or after it",
    "that a court or an office will admit it; it is no qualified electronic time stamp (eIDAS)",
)
"""What no report on a claim says."""


def claim_inputs(
    target: Path, document: Path | None, trusted: Trusted, holidays: Path | None = None
) -> tuple[tuple[Path, str], ...]:
    """The files that a check rests on, each with its kind."""
    kinds = {"document": document, "registries": trusted.file if trusted.file.is_file() else None, "holidays": holidays}
    return ((target, "target"), *((path, kind) for kind, path in kinds.items() if path is not None))


def claim_report(
    verdict: ClaimVerdict,
    inputs: Sequence[tuple[Path, str]],
    made: Made,
    progress: Callable[[int], None] = lambda count: None,
) -> dict[str, Any]:
    """The report as JSON: the members of `registry check --json`, and what came in.

    Raises InputError where an input cannot be read any more.
    """
    return (
        claim_json(verdict)
        | circumstances(verdict, inputs, made, progress)
        | {
            "asserted": verdict.claim and _asserted(verdict, verdict.claim),
            "period": _period(verdict),
            "not_proven": list(NOT_SHOWN),
        }
    )


def _asserted(verdict: ClaimVerdict, claim: Claim) -> dict[str, Any]:
    """The entry for people: what stands above it, what it states, and where and by whom."""
    record, registry = claim.record, verdict.registry
    members = members_of(record)
    stated = [(name, members.get(key)) for key, name in STATED.items()]
    stated += [(f"Reference ({kind})", text) for kind, text in members.get("references", {}).items()]
    of = len(registry.witnesses) if registry else 0
    asked = f"{verdict.cosigned} of {of} cosigned, and {registry.quorum} are asked for" if registry and of else None
    register = (
        ("Register", claim.origin),
        ("Entry", f"{claim.index}{', sealed, and opened by this claim' if claim.is_sealed else ''}"),
        ("Link", str(claim.link)),
        ("Whose word it is", verdict.asserted_by and asserted_text(verdict.asserted_by, record.office)),
        ("Witnesses", asked),
    )
    heading = "The entry, as asserted by the register\u2019s keeper"
    if verdict.outcome is not Outcome.VERIFIED:
        heading = "The entry, as the claim gives it"
    return {
        "heading": heading,
        "standing": STANDING[verdict.outcome],
        "stated": _known(stated),
        "register": _known(register),
    }


def _period(verdict: ClaimVerdict) -> dict[str, Any] | None:
    """Where the later filing lies. None where none was named, or the check failed."""
    window, place = verdict.window, verdict.place
    if place is None or verdict.outcome is Outcome.FAILED:
        return None
    facts: list[tuple[str, str | None]] = []
    if window is not None:
        holidays = "as listed" if window.knows_holidays else "none were given, so only weekends are left out"
        facts = [
            ("First filing", str(window.filing_date)),
            ("Last day", str(window.last_day)),
            ("Moved from", str(window.moved_from) if window.moved_from else None),
            (f"Holidays of {window.last_day.year}", holidays),
        ]
    return {"sentence": place.sentence, "facts": _known(facts)}


def _known(pairs: Iterable[tuple[str, str | None]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in pairs if value is not None]
