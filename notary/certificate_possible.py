"""What no issuer of a certificate can have found, whatever their means: the proof rules it out, or the clock does."""

from datetime import datetime

from notary.certificate import Found, Issue, Statement
from notary.core.header import CLOCK_SLACK
from notary.core.manifest import MOMENT
from notary.core.ots import BROKEN_HASHES, Kind, Proof
from notary.core.verdict import Outcome
from notary.errors import EvidenceError, InputError


def refuse_impossible(stated: Statement, found: Found, issue: Issue) -> None:
    """Raises EvidenceError for what nobody can find of that bundle, InputError for an impossible time of issue."""
    if (found.outcome is Outcome.PENDING) != is_promised(stated.proof) or found.outcome is Outcome.FAILED:
        raise EvidenceError(f"the outcome cannot be {found.outcome}")
    refuse_earlier(issue, found.block_time or stated.manifest.declared_at)


def refuse_earlier(issue: Issue, moment: str) -> None:
    """Raises InputError for an issue before `moment`, in RFC 3339, beyond what clocks err."""
    earliest = datetime.fromisoformat(moment)
    if datetime.fromisoformat(issue.at) < earliest - CLOCK_SLACK:
        raise InputError(f"it cannot have been issued before {earliest:{MOMENT}}, the time of what it is about")


def is_promised(proof: Proof) -> bool:
    """Whether no block that counts is attested by `proof`, but a calendar speaks for one to come."""
    counted = {one.kind for one in proof.attestations if not one.hashes & BROKEN_HASHES}
    return Kind.PENDING in counted and Kind.BITCOIN not in counted
