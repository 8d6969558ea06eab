"""Who signed, what a second clock says, since when at the earliest, who countersigned: in words and as JSON.

A key is named, never a person: only the verifier's own file of keys names anybody, and is named with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

from notary.core.check import Status
from notary.core.manifest import MOMENT
from notary.core.shown import shown_text

if TYPE_CHECKING:
    from notary.core.countersignature import Countersigned
    from notary.core.verdict import Verdict


def further_sentences(verdict: Verdict) -> Iterator[str]:
    """Who signed, what the second clock says, since when at the earliest: as far as they are in the bundle and hold."""
    block, beginning, signer, stamped = verdict.block, verdict.beginning, verdict.signed_by, verdict.stamped_by
    if beginning and block:
        days = f"between {beginning.day} and {block.existed_by}"
        if beginning.day == block.existed_by:
            days = f"on {beginning.day}"
        yield f"Its manifest was made {days} (UTC): it names block {beginning.height:,}, which nobody knew before."
    if signer:
        whose = ""
        if signer.principals:
            names = ", ".join(map(shown_text, signer.principals))
            whose = f", which {shown_text(signer.file)} lists as {names}"
        yield f"The manifest is signed with the key {signer.key.fingerprint}{whose}."
        if signer.name or signer.organisation:
            declared = ", ".join(shown_text(one) for one in (signer.name, signer.organisation) if one)
            yield f"Declared with it, and not checked: {declared}."
    if stamped:
        authority = shown_text(stamped.authority)
        whose = "whose it is was not checked"
        if stamped.root:
            whose = f"its certificate leads to {shown_text(stamped.root)}, of {shown_text(stamped.file)}"
        yield f"A time-stamping authority, {authority}, says that the head existed at {stamped.at}; {whose}."
    line = verdict.check(16) if any(check.number == 16 for check in verdict.checks) else None
    if line and line.status is not Status.FAILED:
        yield f"It lists the batches of its line: {line.found}."


def countersigned_sentences(one: Countersigned) -> Iterator[str]:
    """What a witness's bundle shows of the one at hand."""
    name, signer = shown_text(one.verdict.subject), one.verdict.signed_by
    if one.fault or one.stated is None or signer is None:
        yield f"{name} countersigns nothing here: {one.fault}."
        return
    yield f"Countersigned with the key {signer.key.fingerprint}, as {shown_text(one.stated.meaning)!r}: {name}."
    by = one.verdict.existed_by
    yield f"That signature existed no later than {by} (UTC)." if by else f"When, is not shown: {one.verdict.outcome}."
    if signer.principals:
        yield f"{shown_text(signer.file)} lists that key as {', '.join(map(shown_text, signer.principals))}."


def countersignatures_json(witnessed: Sequence[Countersigned]) -> dict[str, Any]:
    """What was asked of witnesses' bundles, as a member of the verdict's document; none where nothing was."""
    return {"countersignatures": [_countersigned_json(one) for one in witnessed]} if witnessed else {}


def _countersigned_json(one: Countersigned) -> dict[str, Any]:
    by = one.verdict.existed_by
    return {
        "bundle": one.verdict.target,
        "verdict": one.verdict.outcome,
        "existed_by": by and by.isoformat(),
        "meaning": one.stated and one.stated.meaning,
        "signature": signature_json(one.verdict),
        "fault": one.fault,
        "sentences": list(countersigned_sentences(one)),
    }


def signature_json(verdict: Verdict) -> dict[str, Any] | None:
    signer = verdict.signed_by
    if signer is None:
        return None
    return {
        "key": signer.key.line,
        "fingerprint": signer.key.fingerprint,
        "did": signer.key.did,
        "algorithm": signer.algorithm,
        "declared_name": signer.name,
        "declared_organisation": signer.organisation,
        "listed_as": list(signer.principals),
        "listed_in": signer.file or None,
    }


def token_json(verdict: Verdict) -> dict[str, Any] | None:
    stamped = verdict.stamped_by
    if stamped is None:
        return None
    return {
        "authority": stamped.authority,
        "time": stamped.at,
        "root": stamped.root,
        "roots_from": stamped.file or None,
        "certificate_expires": stamped.expires.astimezone(UTC).strftime(MOMENT),
    }


def beginning_json(verdict: Verdict) -> dict[str, Any] | None:
    beginning = verdict.beginning
    if beginning is None:
        return None
    return {
        "network": verdict.policy.network.name,
        "date": beginning.day.isoformat(),
        "height": beginning.height,
        "block_hash": beginning.header.shown_hash,
        "block_time": beginning.time,
        "trust": beginning.trust.word,
        "source": beginning.source,
    }
