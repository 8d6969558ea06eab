"""What a look-up of a cited application comes to, in words and as JSON; worded as a claim's check is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from notary.core.check import Status
from notary.core.shown import shown_text
from notary.core.verdict import Outcome
from notary.registry.core.entry import members_of
from notary.registry.reporting_claims import (
    FAILURE_WORDS,
    KEEPER_S_WORD,
    application_text,
    asserted_text,
    beside,
    window_json,
)
from notary.reporting import check_json

if TYPE_CHECKING:
    from notary.registry.core.citation_verdict import CitationVerdict, Located

NO_CLAIM = "No claim was given, so no anchor was checked: what the register has, you know since the day of your sync."


def citation_sentences(verdict: CitationVerdict) -> Iterator[str]:
    """The answer, in one sentence first."""
    here, wrong = verdict.located, verdict.first(Status.FAILED)
    if here is None:
        cited = shown_text(f"{verdict.asked.office} {verdict.asked.number}")
        yield f"no register that you follow has {cited}."
    elif wrong is not None:
        yield f"{shown_text(str(here.link))}: {FAILURE_WORDS[wrong.number]}."
        yield f"Check {wrong.number}, {wrong.name}. Found: {shown_text(wrong.found)}"
        yield f"Expected: {shown_text(wrong.expected)}"
    else:
        yield "; ".join([_stands(here), *_missing(verdict, here), *beside(verdict)]) + "."
        yield from (f"{shown_text(one[:1].upper() + one[1:])}" for one in here.findings)
        yield NO_CLAIM
        yield KEEPER_S_WORD
    yield from (f"It is also {shown_text(str(one))}." for one in verdict.others)
    yield from (f"Not looked at: {shown_text(one)}." for one in verdict.left_out)


def _stands(here: Located) -> str:
    cosigned = f", cosigned by {here.cosigned} of {len(here.registry.witnesses)} witnesses" * bool(
        here.registry.witnesses
    )
    return (
        f"{application_text(here.record)} is in entry {here.link.index} of the register of {here.link.origin},"
        f" {asserted_text(here.asserted_by, here.record.office)}{cosigned}, in a head that you saw on {here.seen_on}"
        f" (UTC); its state there: {shown_text(here.state)}"
    )


def _missing(verdict: CitationVerdict, here: Located) -> Iterator[str]:
    if here.stale:
        yield f"not proven as it is now: {shown_text(here.stale)}"
    if here.cosigned < here.registry.quorum:
        yield f"not proven: {here.registry.quorum} of your witnesses are asked for"
    if verdict.check(4).status is Status.SKIPPED and here.record.digest is None:
        yield shown_text(verdict.check(4).found)


def citation_hints(verdict: CitationVerdict) -> Iterator[str]:
    """What the reader may do next."""
    if verdict.outcome is Outcome.UNCONFIRMED or verdict.left_out:
        yield "`notary registry sync` reads what is new in the registers that you follow"
    if verdict.outcome is Outcome.UNCONFIRMED:
        yield "a claim from the register's keeper shows more: notary registry check CLAIM.zip"


def citation_json(verdict: CitationVerdict) -> dict[str, Any]:
    here = verdict.located
    return {
        "verdict": verdict.outcome,
        "kind": "citation",
        "asserted_by": verdict.asserted_by,
        "entry": here
        and {
            "origin": here.link.origin,
            "index": here.link.index,
            "link": str(here.link),
            "record": members_of(here.record),
            "state": here.state,
            "findings": list(here.findings),
        },
        "existed_by": None,
        "seen_on": here and here.seen_on.isoformat(),
        "witnesses": here
        and {"cosigned": here.cosigned, "of": len(here.registry.witnesses), "quorum": here.registry.quorum},
        "window": window_json(verdict.window, verdict.place),
        "sentences": list(citation_sentences(verdict)),
        "others": list(map(str, verdict.others)),
        "left_out": list(verdict.left_out),
        "checks": list(map(check_json, verdict.checks)),
    }
