"""The checkpoints of this release: a text file beside this module, one line for each period of the main chain."""

import re
from itertools import zip_longest
from pathlib import Path

from notary.core.chain import PERIOD, Checkpoints
from notary.core.header import Network, shown, target
from notary.errors import FormatError, SystemFailureError

_SHIPPED = Path(__file__).with_name("checkpoints.txt")
_LINE = re.compile(r"([0-9a-f]{64}) ([0-9a-f]{8})")

_HEAD = """\
# Checkpoints of the Bitcoin main chain: for each period of 2,016 blocks the hash of its last block, as nodes show it,
# and the bits of the block that follows. The first line is for block 2,015.
#
# Facts of the chain, which any full node gives: getblockhash 2015, 4031, ... Up to block 747,935 they were compared
# with electrum/checkpoints.json of Debian's python3-electrum 4.3.4 when the first release was made.
# `notary headers checkpoints` writes this file from a header store that peers have confirmed.
"""


def shipped_checkpoints(network: Network) -> Checkpoints:
    """Those that this release pins; none on a test network. Raises SystemFailureError where they are missing."""
    if network.is_test:
        return Checkpoints()
    try:
        shipped = parse_checkpoints(_SHIPPED.read_text(encoding="ascii"))
    except (OSError, ValueError, FormatError) as error:
        raise SystemFailureError(f"{_SHIPPED} is damaged: {error}", "install notary again") from None
    if not shipped.pinned:
        raise SystemFailureError(f"{_SHIPPED} is empty", "install notary again")
    return shipped


def parse_checkpoints(text: str) -> Checkpoints:
    """Raises FormatError for a line that is neither a note nor a checkpoint."""
    pinned = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise FormatError(f"line {number} is no checkpoint: {line[:80]!r}")
        bits = int(found[2], 16)
        target(bits)
        pinned.append((bytes.fromhex(found[1])[::-1], bits))
    return Checkpoints(tuple(pinned))


def write_checkpoints(checkpoints: Checkpoints) -> str:
    """The file's text."""
    return _HEAD + "".join(f"{shown(hash_)} {bits:08x}\n" for hash_, bits in checkpoints.pinned)


def changes(old: Checkpoints, new: Checkpoints) -> list[str]:
    """What differs, a line for each checkpoint: one that is changed or gone is nothing that should ever happen."""
    lines = []
    for number, (before, after) in enumerate(zip_longest(old.pinned, new.pinned), start=1):
        if before == after:
            continue
        what = "added" if before is None else "removed" if after is None else "CHANGED"
        hash_, bits = after or before
        lines.append(f"{what}: block {number * PERIOD - 1:,} {shown(hash_)}, then bits {bits:08x}")
    return lines
