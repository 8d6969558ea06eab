"""Checking what a later filing cites, without a claim: looked up in all registers that the reader follows.

Nothing is fetched: `following` has read the registers, and seen to it that each only ever grew.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from notary.edges.files import hash_with
from notary.errors import EvidenceError, InputError
from notary.registry.core.citation_verdict import CitationVerdict, Located, judge_citation
from notary.registry.core.cited import Asked, Package
from notary.registry.core.note import VerifierKey, signers
from notary.registry.core.trusted import Asserter, TrustedRegistry, trusted_for
from notary.registry.edges.followed import Seen, open_followed
from notary.registry.following import freshness
from notary.registry.searching import Hit, look_up, skipped
from notary.verifying import Progress


def check_citation(
    followed: Path,
    registries: Sequence[TrustedRegistry],
    document: Path | None,
    asked: Asked,
    now: int,
    *,
    progress: Progress = lambda count: None,
) -> CitationVerdict:
    """The verdict on the application that `asked` names by office and number, at `now` in seconds since 1970.

    Raises InputError where nothing was ever followed, or the document cannot be read.
    """
    if asked.office is None or asked.number is None:
        raise InputError("what is cited is looked up by office and number", "give a claim, or --office and --number")
    if not followed.is_file():
        raise InputError("no register was ever followed here", "notary registry sync")
    given = () if document is None else (Package(document.name, hash_with(document, "sha256", progress), True),)
    with open_followed(followed) as seen:
        hits = look_up(seen, asked.office, asked.number, registries)
        found = [_located(hit, registries, now) for hit in hits if hit.record is not None]
        left_out = [f"{one.origin} {one.reason}" for one in skipped(seen, registries)]
    exact = {one.link for one in hits if one.is_exact}
    found.sort(key=lambda one: (one.link not in exact, one.asserted_by is not Asserter.OFFICE))
    return judge_citation(found, given, asked, left_out)


def _located(hit: Hit, registries: Sequence[TrustedRegistry], now: int) -> Located:
    registry, record, told = trusted_for(registries, hit.origin), hit.record, hit.history
    if registry is None or record is None or told is None:
        raise ValueError("a hit without a record, or of a registry that was not asked for")
    records = [event.record for event in told.events if event.record is not None]
    digest = next((one.digest for one in records if one.digest is not None), None)
    fresh = freshness(hit.seen, registry, now)
    return Located(
        registry,
        hit.link,
        replace(record, digest=digest),
        hit.asserted_by,
        told.state,
        tuple(f"{one.oddity}: {one.sentence}" for one in told.findings),
        hit.seen.head.size,
        _signer(hit.seen),
        len(fresh.cosignatures),
        None if fresh.problem is None else fresh.problem.message,
        _day(hit.seen.seen_at),
    )


def _signer(seen: Seen) -> VerifierKey | None:
    try:
        return next(iter(signers(seen.note, dict.fromkeys(seen.keys))), None)
    except EvidenceError:
        return None


def _day(moment: int) -> date:
    return datetime.fromtimestamp(moment, UTC).date()
