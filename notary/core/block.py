"""The block that a proof leads to: whether a header bears it out, and with how much trust (checks 11 and 12)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from notary import limits
from notary.core.chain import Meeting, boundary, is_comparable, meeting, sound_row
from notary.core.check import Check, failed, passed, skipped
from notary.core.facts import Facts, Policy, Sighting
from notary.core.header import CLOCK_SLACK, DATE_WINDOW, Header, Trust, block_time, existed_by, has_work, shown
from notary.core.ots import Attestation


@dataclass(frozen=True, slots=True)
class Block:
    """The attesting block, and what is claimed from it; `confirmations` by the source's own count, if it has one.

    `latest_clock` is when it had been mined at the latest, in seconds since 1970: `existed_by` is the end of that day.
    """

    height: int
    header: Header
    trust: Trust
    source: str
    existed_by: date
    latest_clock: int
    confirmations: int | None = None

    @property
    def time(self) -> str:
        return block_time(self.header)


def find_block(
    facts: Facts, counted: Sequence[Attestation], policy: Policy
) -> tuple[Block | None, tuple[Check, Check]]:
    """Checks 11 and 12: the earliest block that a header bears out with enough trust, else the most trusted one."""
    blocks: list[Block] = []
    faults: list[Check] = []
    doubts: list[str] = []
    unseen = 0
    for one in counted:
        here = [
            (trust_in(sighting, policy), _header_fault(one, sighting, policy), sighting)
            for sighting in facts.sightings
            if sighting.height == one.height
        ]
        if not here:
            unseen += 1
            continue
        # Of two that are trusted alike, the one that contradicts the proof decides nothing.
        trust, fault, best = max(here, key=lambda each: (each[0], each[1] is None))
        if fault is None:
            blocks.append(_claim(best, policy))
        elif best.vouched is Trust.NONE or trust >= policy.least or not has_work(best.header, policy.network):
            faults.append(fault)
        else:
            doubts.append(f"{best.source} has another block {one.height:,}, and is not trusted enough to decide")
    if (
        faults and unseen and len(counted) > limits.HEIGHTS
    ):  # the true one may be among those that nobody was asked about
        faults = []
        doubts.append(
            f"not all of the {len(counted):,} blocks that it names were looked for, and those that were are others"
        )
    if not blocks:
        return None, _no_block(facts, counted, faults, doubts, policy)
    enough = [block for block in blocks if block.trust >= policy.least]
    block = min(enough or blocks, key=lambda block: (block.height if enough else -block.trust, block.height))
    beside = "".join(f"; beside it a wrong one: {fault.found}" for fault in faults)
    root = shown(block.header.merkle_root)
    header = passed(11, f"merkle root {root}, sound proof of work", f"block {block.header.shown_hash}{beside}")
    asked = f"trust of at least {policy.least.word}"
    found = f"trust {block.trust.word}, from {block.source}"
    if enough:
        return block, (header, passed(12, asked, found))
    return block, (header, skipped(12, found, asked))


def _no_block(
    facts: Facts, counted: Sequence[Attestation], faults: Sequence[Check], doubts: Sequence[str], policy: Policy
) -> tuple[Check, Check]:
    if not faults:
        why = doubts[0] if doubts else _no_header(facts, counted)
        return skipped(11, why), skipped(12, "there is no header to place", f"trust of at least {policy.least.word}")
    if faults[0].number == 12:
        return skipped(11, "the header at hand is of no block of the chain"), faults[0]
    return faults[0], skipped(12, "no header bears the attestation out")


def _no_header(facts: Facts, counted: Sequence[Attestation]) -> str:
    if facts.bundle and facts.bundle.headers_fault:
        return facts.bundle.headers_fault
    if not counted:
        return "no attestation in it is of a kind that counts"
    return f"no header of block {counted[0].height:,} is at hand"


def _header_fault(one: Attestation, sighting: Sighting, policy: Policy) -> Check | None:
    """What is wrong with the header for this attestation."""
    header = sighting.header
    if not has_work(header, policy.network):
        return failed(
            11,
            f"proof of work for block {one.height:,} of the network {policy.network.name}",
            f"the hash {header.shown_hash} from {sighting.source} does not meet its target",
        )
    if fault := _side_chain(sighting, policy):
        return fault
    if header.merkle_root != one.message:
        return failed(
            11,
            f"block {one.height:,} with merkle root {shown(header.merkle_root)}, from {sighting.source}",
            f"the proof leads to {shown(one.message)}",
        )
    return None


def _side_chain(sighting: Sighting, policy: Policy) -> Check | None:
    """The fault of headers that lead past the checkpoint that they should lead to.

    Only if their end has work: a damaged copy of the checkpoint is no sign of another chain.
    """
    if meeting(sighting.height, sighting.headers, policy.checkpoints) is not Meeting.DIVERGED:
        return None
    end = boundary(sighting.height)
    last, pinned = sighting.headers[end - sighting.height], policy.checkpoints.hash_at(end)
    if pinned is None or not (has_work(last, policy.network) and is_comparable(last, sighting.header)):
        return None
    expected = f"headers that lead to the checkpoint of block {end:,}: {shown(pinned)}"
    return failed(12, expected, f"those from {sighting.source} lead to {last.shown_hash}")


def trust_in(sighting: Sighting, policy: Policy) -> Trust:
    """The level that a source's header reaches (DESIGN section 5)."""
    if not has_work(sighting.header, policy.network):
        return Trust.NONE
    deep_enough = sighting.confirmations is None or sighting.confirmations >= policy.confirmations
    if sighting.vouched is not Trust.NONE and deep_enough:
        return sighting.vouched
    if meeting(sighting.height, sighting.headers, policy.checkpoints) is Meeting.LINKED:
        return Trust.CHECKPOINT
    return Trust.WORK if policy.checkpoints.work_counts(sighting.height, sighting.header) else Trust.NONE


def _claim(sighting: Sighting, policy: Policy) -> Block:
    sound = sound_row(sighting.headers[:DATE_WINDOW], policy.network)
    source = sighting.source
    if sighting.confirmations is not None and sighting.confirmations < policy.confirmations:
        source += f": {sighting.confirmations} confirmations; {policy.confirmations} are asked for"
    trust = trust_in(sighting, policy)
    times = [header.time for header in sound]
    return Block(
        sighting.height,
        sighting.header,
        trust,
        source,
        existed_by(times),
        max(times) + int(CLOCK_SLACK.total_seconds()),
        sighting.confirmations,
    )
