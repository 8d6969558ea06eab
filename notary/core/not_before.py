"""The block that a manifest names: nobody knew its hash before it was mined, so the manifest is no older (check 13)."""

from dataclasses import dataclass
from datetime import date

from notary.core.block import Block, trust_in
from notary.core.check import Check, failed, passed, skipped
from notary.core.facts import Facts, Policy
from notary.core.header import Header, Trust, block_time, mined_after, shown
from notary.core.manifest import NamedBlock


@dataclass(frozen=True, slots=True)
class Beginning:
    """The named block, as it stands in the chain: the manifest was made on `day` (UTC) or later."""

    height: int
    header: Header
    trust: Trust
    source: str
    day: date

    @property
    def time(self) -> str:
        return block_time(self.header)


def find_beginning(
    facts: Facts, named: NamedBlock, block: Block | None, policy: Policy
) -> tuple[Beginning | None, Check]:
    """Check 13; with the named block, if a source that is trusted enough has it. `block` is the attesting one."""
    expected = f"block {named.height:,}, {shown(named.hash)}, mined before the manifest was anchored"
    if named.network != policy.network.name:
        return None, skipped(13, f"the manifest names a block of the network {named.network}", expected)
    if block and named.height >= block.height:
        return None, failed(13, expected, f"it was anchored in block {block.height:,} already")
    here = [(trust_in(one, policy), one) for one in facts.sightings if one.height == named.height]
    if not here:
        return None, skipped(13, f"no header of block {named.height:,} is at hand", expected)
    # Of two that are trusted alike, the one that has another block decides nothing.
    trust, best = max(here, key=lambda each: (each[0], each[1].header.hash == named.hash))
    if trust < policy.least:
        return None, skipped(13, f"trust {trust.word}, from {best.source}", f"trust of at least {policy.least.word}")
    if best.header.hash != named.hash:
        return None, failed(13, expected, f"{best.source} has {best.header.shown_hash} there")
    beginning = Beginning(named.height, best.header, trust, best.source, mined_after(best.header).date())
    return beginning, passed(13, expected, f"the same; trust {trust.word}, from {best.source}; {beginning.time}")
