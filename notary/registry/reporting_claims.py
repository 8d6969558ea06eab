"""What a check of a claim comes to, in words and as JSON.

It says what a register's keeper asserted, and when at the latest. Whether that is true, and what follows from it, is
never said here. Text from outside is shown with control and direction characters escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from notary.core.check import Status
from notary.core.header import NETWORKS
from notary.core.shown import shown_text
from notary.core.verdict import Outcome
from notary.registry.core.cited import SAME
from notary.registry.core.entry import members_of
from notary.registry.core.terms import Event, Right
from notary.registry.core.trusted import Asserter
from notary.reporting import block_json, block_text, check_json, trust_text, unconfirmed_text

if TYPE_CHECKING:
    from datetime import date

    from notary.core.verdict import Verdict
    from notary.registry.core.citation_verdict import CitationVerdict
    from notary.registry.core.claim import Claim
    from notary.registry.core.claim_verdict import ClaimVerdict
    from notary.registry.core.entry import Open
    from notary.registry.core.window import Place, Window

FAILURE_WORDS = {
    1: "it is not a sound claim, and nothing in it was looked at further",
    2: "it was changed after it was made, or damaged",
    3: "what it claims cannot be read",
    4: "the document is not the one as filed",
    5: "its entry is not shown to be in the register",
    6: "the checkpoint that is anchored is not the one that its entry is in",
    7: "the register's signature is wrong, or the register is refused",
    8: "a witness's cosignature is wrong",
    10: "its anchor cannot be followed, or is of something else",
    11: "the block does not bear the anchor out",
    12: "the block is not where it should be in the chain",
    13: "what is cited is not what the entry says",
}
"""What a failed check means, by its number."""

_LATER = 8
"""Later entries that one sentence names, the last; as data there are all."""

KEEPER_S_WORD = (
    "That is what the register's keeper asserted, and when at the latest. Whether it is true, whether the first filing"
    " was the first, and what follows from either was not examined."
)


def claim_sentences(verdict: ClaimVerdict) -> Iterator[str]:
    """The answer, in one sentence first."""
    claim = verdict.claim
    match verdict.outcome:
        case Outcome.VERIFIED if claim:
            stands = f"in a checkpoint that existed no later than {verdict.existed_by} (UTC)"
            vouched = ", ".join(
                (_entry(claim), asserted_text(verdict.asserted_by, claim.record.office), *_cosigned(verdict), stands)
            )
            yield "; ".join([_given(claim) + vouched, *beside(verdict)]) + "."
            block = block_text(verdict)
            yield f"{block[:1].upper()}{block[1:]}; {trust_text(verdict)}."
            if verdict.is_shown_late:
                yield late_text(verdict.existed_by, verdict.later_filing)
            yield KEEPER_S_WORD
        case Outcome.FAILED:
            if wrong := verdict.first(Status.FAILED):
                yield f"{shown_text(verdict.target)}: {FAILURE_WORDS[wrong.number]}."
                yield f"Check {wrong.number}, {wrong.name}. Found: {shown_text(wrong.found)}"
                yield f"Expected: {shown_text(wrong.expected)}"
        case Outcome.PENDING if claim:
            yield f"{_given(claim)}{_entry(claim)}: sound so far, but no block attests the checkpoint yet."
            yield f"Promised by {', '.join(map(shown_text, verdict.calendars))}."
        case _ if claim:
            yield f"{_given(claim)}given as {_entry(claim)}, which is not proven: {'; '.join(_missing(verdict))}."
            yield from (f"Tried: {shown_text(why)}." for why in verdict.tried)
    if verdict.later and verdict.outcome is not Outcome.FAILED:
        last = [str(one) for one in verdict.later[-_LATER:]]
        more = len(verdict.later) - len(last)
        others = f"{more:,} more before: " if more else ""
        yield f"Of the same application you have since seen, in the register itself: {others}{'; '.join(last)}."


def late_text(existed_by: date | None, later_filing: date | None) -> str:
    """That what is proven about the entry is younger than the later filing."""
    stood = f"That the entry stood in the register is shown only as of {existed_by}"
    return f"{stood}, after the later filing of {later_filing}."


def application_text(one: Open) -> str:
    """Which application an entry is about, as the register has it."""
    kind = f"{one.right} " if one.right is not Right.OTHER else ""
    return f"the {kind}application {shown_text(f'{one.office} {one.number}')}, filed on {one.filing_date},"


def _given(claim: Claim) -> str:
    """The record, and where it is said to stand."""
    one = claim.record
    event = "" if one.event is Event.FILED else f" `{one.event}` of {one.happened}"
    return f"the record{event} of {application_text(one)} is "


def _entry(claim: Claim) -> str:
    return f"entry {claim.index} of the register of {claim.origin}"


def asserted_text(asserter: Asserter | None, office: str) -> str:
    """Whose word the entry is."""
    if asserter is Asserter.OFFICE:
        return f"asserted by the office (its key is trusted for {office})"
    return f"applicant-asserted (its key is not trusted for {office})"


def _cosigned(verdict: ClaimVerdict) -> Iterator[str]:
    if verdict.registry is not None and verdict.registry.witnesses:
        yield f"cosigned by {verdict.cosigned} of {len(verdict.registry.witnesses)} witnesses"


def beside(verdict: ClaimVerdict | CitationVerdict) -> Iterator[str]:
    """The document, what is cited, and the period."""
    if verdict.has_document:
        yield "the document is the one as filed"
    if verdict.check(13).status is Status.PASSED:
        compared = verdict.check(13)
        how = f"({compared.expected})" if compared.found == SAME else f"({compared.found})"
        yield shown_text(f"it is as cited {how}")
    if verdict.place is not None:
        said = verdict.place.sentence.removesuffix(".")
        yield f"the{said.removeprefix('The')}" if said.startswith("The ") else said


def _missing(verdict: ClaimVerdict) -> Iterator[str]:
    """Why the verdict is `pending` or `unconfirmed`, as far as each reason goes."""
    signature, registry = verdict.check(7), verdict.registry
    if signature.status is Status.SKIPPED:
        yield f"no key that you trust speaks for it: {shown_text(signature.found)}"
    elif registry is not None and verdict.cosigned < registry.quorum:
        yield f"{shown_text(verdict.check(8).found)}, and {registry.quorum} of your witnesses are asked for"
    if verdict.is_in_doubt:
        yield "the register signed its checkpoint, and did not show you that it continues what you have seen"
    if verdict.lacks_digest:
        yield f"the document cannot be compared: {shown_text(verdict.check(4).found)}"
    if verdict.is_promised:
        yield "no block attests its checkpoint yet"
    elif verdict.block is None or verdict.trust < verdict.policy.least:
        yield shown_text(f"its checkpoint is {unconfirmed_text(verdict)}")


def claim_hints(verdict: ClaimVerdict) -> Iterator[str]:
    """What the reader may do next."""
    claim, registry = verdict.claim, verdict.registry
    if verdict.outcome not in (Outcome.PENDING, Outcome.UNCONFIRMED) or claim is None:
        return
    if registry is None:
        yield "whom you trust stands in registries.toml: origin, vkey, offices; --registries FILE names another"
        yield f"have the vkey of {claim.origin} from its keeper by another way than with the claim"
    elif verdict.check(7).status is Status.SKIPPED:
        yield "`notary registry sync` follows a registry to a new key that the old one has named"
        yield f"or have the new vkey of {claim.origin} from its keeper, and put it into registries.toml"
    elif verdict.cosigned < registry.quorum:
        yield "ask for a claim with more cosignatures; a registry gets them from its witnesses after publishing"
    if verdict.is_in_doubt:
        yield "`notary registry sync` says more of that, and tells when it is settled"
    if verdict.is_promised:
        yield "calendars need some hours: ask the registry's keeper for the claim anew after that"
    else:
        yield from block_hints(verdict)


def block_hints(verdict: Verdict | ClaimVerdict) -> Iterator[str]:
    """What may be done where no block that an anchor names counts."""
    made_on, policy = verdict.made_on, verdict.policy
    if made_on is not None and made_on != policy.network.name and made_on in NETWORKS:
        yield f"--network {made_on} verifies it there"
    elif verdict.block is None or verdict.trust < policy.least:
        if not policy.network.is_test:
            yield "`notary headers sync` downloads the chain's headers, which takes minutes; then check again"
        yield "a Bitcoin node of yours confirms it: --node http://HOST:8332"


def claim_json(verdict: ClaimVerdict) -> dict[str, Any]:
    claim, block = verdict.claim, verdict.block
    return {
        "verdict": verdict.outcome,
        "target": verdict.target,
        "kind": "claim",
        "network": verdict.policy.network.name,
        "test_network": verdict.policy.network.is_test,
        "trust": verdict.trust.word,
        "trust_meaning": trust_text(verdict) if block else None,
        "required_trust": verdict.policy.require.word,
        "asserted_by": verdict.asserted_by,
        "entry": claim and entry_json(claim),
        "existed_by": verdict.existed_by and verdict.existed_by.isoformat(),
        "witnesses": verdict.registry
        and {
            "cosigned": verdict.cosigned,
            "of": len(verdict.registry.witnesses),
            "quorum": verdict.registry.quorum,
        },
        "window": window_json(verdict.window, verdict.place),
        "sentences": list(claim_sentences(verdict)),
        "later": [{"index": one.index, "words": str(one)} for one in verdict.later],
        "attestation": block and block_json(block, verdict.policy.network),
        "tried": list(verdict.tried),
        "checks": list(map(check_json, verdict.checks)),
    }


def entry_json(claim: Claim) -> dict[str, Any]:
    """The entry, where it stands, and what it says."""
    return {
        "origin": claim.origin,
        "index": claim.index,
        "link": str(claim.link),
        "sealed": claim.is_sealed,
        "record": members_of(claim.record),
    }


def claim_lines(claim: Claim) -> Iterator[str]:
    """What a claim says of itself, a line for each thing that its entry states."""
    yield f"{'entry':<12} {claim.link}{', sealed' if claim.is_sealed else ''}"
    for key, value in members_of(claim.record).items():
        stated = ", ".join(f"{kind} {text}" for kind, text in value.items()) if isinstance(value, dict) else value
        yield f"{key:<12} {shown_text(str(stated))}"


def window_json(window: Window | None, place: Place | None) -> dict[str, Any] | None:
    """The priority period, and where the later filing lies, if one was named. None where there is neither."""
    if window is None and place is None:
        return None
    return {
        "months": window and window.months,
        "filing_date": window and window.filing_date.isoformat(),
        "last_day": window and window.last_day.isoformat(),
        "moved_from": window and window.moved_from and window.moved_from.isoformat(),
        "knows_holidays": window and window.knows_holidays,
        "where": place and place.where,
        "within": place and place.is_within,
        "days_outside": place and place.days,
        "sentence": place and place.sentence,
    }
