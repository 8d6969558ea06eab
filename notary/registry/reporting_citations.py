"""What a look-up of a cited application comes to, in words and as JSON; worded as a claim's check is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from notary.core.check import Status
from notary.core.header import Trust
from notary.core.shown import shown_text
from notary.core.verdict import Outcome
from notary.registry.core.entry import members_of
from notary.registry.reporting_claims import (
    FAILURE_WORDS,
    KEEPER_S_WORD,
    application_text,
    asserted_text,
    beside,
    block_hints,
    late_text,
    window_json,
)
from notary.registry.reporting_following import restated_json
from notary.reporting import block_json, block_text, check_json, trust_text, unconfirmed_text

if TYPE_CHECKING:
    from notary.registry.core.anchor_date import Dated
    from notary.registry.core.citation_verdict import CitationVerdict, Located

SINCE_SYNC = "what the register has, you know since the day of your sync, and from no earlier day"


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
        yield from _restated(verdict, here)
    else:
        yield "; ".join([_stands(verdict, here), *_missing(verdict, here), *beside(verdict)]) + "."
        if here.rolled_back:
            yield f"An older head was shown since, and this rests on the newer one: {shown_text(here.rolled_back)}."
        yield from _restated(verdict, here)
        yield from (f"{shown_text(one[:1].upper() + one[1:])}" for one in here.findings)
        yield from _dated(verdict, here)
        yield KEEPER_S_WORD
    yield from (f"It is also {shown_text(str(one))}." for one in verdict.others)
    yield from (f"Not looked at: {shown_text(one)}." for one in verdict.left_out)


def _stands(verdict: CitationVerdict, here: Located) -> str:
    cosigned = f", cosigned by {here.cosigned} of {len(here.registry.witnesses)} witnesses" * bool(
        here.registry.witnesses
    )
    day = verdict.existed_by
    existed = "" if day is None else f" in a checkpoint that existed no later than {day} (UTC), and"
    return (
        f"{application_text(here.record)} is in entry {here.link.index} of the register of {here.link.origin}"
        f"{here.opened}, {asserted_text(here.asserted_by, here.record.office)}{cosigned},{existed} in a head that you"
        f" saw on {here.seen_on} (UTC); its state there: {shown_text(here.state)}"
    )


def _restated(verdict: CitationVerdict, here: Located) -> Iterator[str]:
    """Other entries, with dates of their own, that state something else than the one that is dated."""
    for one in here.restated:
        yield f"Another entry of the same application, {one}."
        if one.moves_the_period and verdict.window is not None:
            yield (
                f"The priority period is reckoned from {verdict.window.filing_date}, as entry {here.link.index} has it;"
                f" by entry {one.index} it would be another."
            )


def _dated(verdict: CitationVerdict, here: Located) -> Iterator[str]:
    """By what the date was found, and what it is not about; or why there is none."""
    dated = verdict.dated
    if dated is None or not dated.is_confirmed:
        yield f"No anchor of it is confirmed: {_no_date(dated)}; {SINCE_SYNC}."
        return
    block = block_text(dated.verdict)
    yield f"The checkpoint is that of {dated.size:,} entries; {block}; {trust_text(dated.verdict)}."
    if verdict.is_shown_late:
        yield late_text(verdict.existed_by, verdict.asked.later_filing)
    if here.last >= dated.size:
        yield f"What the register says of it since, up to entry {here.last}, is not in that checkpoint."


def _no_date(dated: Dated | None) -> str:
    if dated is None:
        return "no anchor of a head with this entry was read"
    if not dated.names_a_block:
        return "no block attests a checkpoint with it yet"
    return shown_text(f"its checkpoint of {dated.size:,} entries is {unconfirmed_text(dated.verdict)}")


def _missing(verdict: CitationVerdict, here: Located) -> Iterator[str]:
    if here.stale:
        yield f"not proven as it is now: {shown_text(here.stale)}"
    if here.cosigned < here.registry.quorum:
        yield f"not proven: {here.registry.quorum} of your witnesses are asked for"
    if verdict.needs_anchor and verdict.existed_by is None:
        yield f"not dated with the trust that you ask for ({verdict.policy.least.word})"
    if verdict.check(4).status is Status.SKIPPED and here.record.digest is None:
        yield shown_text(verdict.check(4).found)


def citation_hints(verdict: CitationVerdict) -> Iterator[str]:
    """What the reader may do next."""
    if verdict.outcome is Outcome.UNCONFIRMED or verdict.left_out:
        yield "`notary registry sync` reads what is new in the registers that you follow"
    dated = verdict.dated
    if dated is not None and dated.names_a_block and not dated.is_confirmed:
        yield from block_hints(dated.verdict)
    if verdict.outcome is Outcome.UNCONFIRMED:
        yield "a claim from the register's keeper shows more: notary registry check CLAIM.zip"


def citation_json(verdict: CitationVerdict) -> dict[str, Any]:
    here, policy = verdict.located, verdict.policy
    anchor = verdict.dated and verdict.dated.verdict
    block = anchor and anchor.block
    return {
        "verdict": verdict.outcome,
        "kind": "citation",
        "network": policy.network.name,
        "test_network": policy.network.is_test,
        "trust": (anchor.trust if anchor else Trust.NONE).word,
        "trust_meaning": trust_text(anchor) if anchor and block else None,
        "required_trust": policy.require.word,
        "asserted_by": verdict.asserted_by,
        "entry": here
        and {
            "origin": here.link.origin,
            "index": here.link.index,
            "link": str(here.link),
            "opened_by": here.opened_by,
            "record": members_of(here.record),
            "state": here.state,
            "findings": list(here.findings),
            "restated": list(map(restated_json, here.restated)),
            "rolled_back": here.rolled_back,
        },
        "existed_by": verdict.existed_by and verdict.existed_by.isoformat(),
        "shown_late": verdict.is_shown_late,
        "anchor": verdict.dated and verdict.dated.size,
        "attestation": block_json(block, policy.network) if block else None,
        "tried": list(anchor.tried) if anchor else [],
        "seen_on": here and here.seen_on.isoformat(),
        "witnesses": here
        and {"cosigned": here.cosigned, "of": len(here.registry.witnesses), "quorum": here.registry.quorum},
        "window": window_json(verdict.window, verdict.place),
        "sentences": list(citation_sentences(verdict)),
        "others": list(map(str, verdict.others)),
        "left_out": list(verdict.left_out),
        "checks": list(map(check_json, verdict.checks)),
    }
