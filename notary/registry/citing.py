"""Checking what a later filing cites, without a claim: looked up in all registers that the reader follows.

Nothing of a register is fetched: `following` has read them, and seen to it that each only ever grew. For the block that
dates an entry the same sources are asked as for a claim.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from notary import limits
from notary.core.digest import digest_of
from notary.core.facts import BundleFacts, Facts, Files, Policy
from notary.core.ots import read_proof
from notary.edges.files import hash_with
from notary.errors import EvidenceError, InputError
from notary.headers import HeaderSources, blocks_of
from notary.registry.checking import sighted
from notary.registry.core.anchor_date import Anchored, date_entry
from notary.registry.core.citation_verdict import CitationVerdict, Located, judge_citation
from notary.registry.core.cited import Asked, Package
from notary.registry.core.note import VerifierKey, signers
from notary.registry.core.trusted import Asserter, TrustedRegistry, trusted_for
from notary.registry.doubting import doubt_about, rolled_back
from notary.registry.edges.followed import Followed, Seen, open_followed
from notary.registry.edges.followed_anchors import KeptAnchor
from notary.registry.following import freshness
from notary.registry.following_anchors import anchored_headers
from notary.registry.searching import Hit, look_up, skipped
from notary.verifying import Progress


@dataclass(frozen=True, slots=True)
class Dating:
    """How the date of an entry is found: what counts, who is asked, and whether there has to be one."""

    policy: Policy
    sources: HeaderSources
    is_demanded: bool = False


def check_citation(
    followed: Path,
    registries: Sequence[TrustedRegistry],
    document: Path | None,
    asked: Asked,
    now: int,
    dating: Dating,
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
    with open_followed(followed) as file:
        hits = [one for one in look_up(file, asked.office, asked.number, registries) if one.record is not None]
        exact = {one.link for one in hits if one.is_exact}
        hits.sort(key=lambda one: (one.link not in exact, one.asserted_by is not Asserter.OFFICE))
        left_out = [f"{one.origin} {one.reason}" for one in skipped(file, registries)]
        found = [_located(file, hit, registries, now) for hit in hits]
        dated = date_entry(_anchors(file, hits[0], dating), dating.policy) if hits else None
    return judge_citation(found, given, asked, left_out, dated, dating.policy, needs_anchor=dating.is_demanded)


def _located(followed: Followed, hit: Hit, registries: Sequence[TrustedRegistry], now: int) -> Located:
    registry, record, told = trusted_for(registries, hit.origin), hit.record, hit.history
    if registry is None or record is None or told is None:
        raise ValueError("a hit without a record, or of a registry that was not asked for")
    fresh = freshness(hit.seen, registry, now)
    stale = doubt_about(followed, hit.seen) or fresh.problem
    older = rolled_back(hit.seen)
    return Located(
        registry,
        hit.link,
        record,
        hit.opened_by,
        hit.asserted_by,
        told.state,
        tuple(f"{one.oddity}: {one.sentence}" for one in told.findings),
        hit.restated,
        hit.seen.head.size,
        _signer(hit.seen),
        len(fresh.cosignatures),
        None if stale is None else stale.message,
        _day(hit.seen.seen_at),
        hit.entries[-1].index,
        None if older is None else older.message,
    )


def _anchors(followed: Followed, hit: Hit, dating: Dating) -> Iterator[Anchored]:
    """The anchors of heads that have the entry, the smallest first, each sighted when it is asked for; of those that
    name a block some only."""
    left = limits.REGISTRY_ANCHORS_JUDGED
    for kept in followed.anchors.above(hit.seen.id, hit.found.index):
        one, has_block = _anchored(kept, dating)
        yield one
        left -= has_block
        if not left:
            return


def _anchored(kept: KeptAnchor, dating: Dating) -> tuple[Anchored, bool]:
    """What is to be judged of an anchor, and whether it names a block. Both files were read before they were kept."""
    name = f"anchors/{kept.size}.checkpoint"
    proof, runs = read_proof(kept.proof or b""), anchored_headers(kept)
    sightings, unreachable = sighted(proof, runs, "register", dating.policy, dating.sources)
    facts = Facts(f"{name}.ots", name, Files(0, 0), BundleFacts(), proof, None, sightings, unreachable)
    made_on = runs.network if runs else None
    return Anchored(kept.size, digest_of(kept.checkpoint or b""), facts, made_on), bool(blocks_of(proof.attestations))


def _signer(seen: Seen) -> VerifierKey | None:
    try:
        return next(iter(signers(seen.note, dict.fromkeys(seen.keys))), None)
    except EvidenceError:
        return None


def _day(moment: int) -> date:
    return datetime.fromtimestamp(moment, UTC).date()
