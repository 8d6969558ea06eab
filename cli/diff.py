"""`notary diff`"""

from __future__ import annotations

from collections import Counter
from os import fsdecode
from typing import Annotated, Any

import typer

from notary.core.header import NETWORKS
from notary.core.shown import shown_text
from notary.edges.ledger import open_ledger
from notary.edges.ledger.snapshots import Difference, Kind, differences
from notary.reporting import banner

from .options import Json, LedgerPath, Quiet, in_force
from .terminal import ExitCode, Terminal


def diff(
    before: Annotated[str, typer.Argument(metavar="BATCH", help="The first digits of the earlier batch's head.")],
    after: Annotated[str, typer.Argument(metavar="BATCH", help="The first digits of the later batch's head.")],
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Show what is added, changed, removed or moved from one batch to another.

    Recorded paths and digests are compared. The signs are + added, ~ changed, - removed, > moved to another path.
    """
    terminal = Terminal(json=json, quiet=quiet)
    listed: dict[Kind, list[Any]] = {kind: [] for kind in Kind}
    told: Counter[Kind] = Counter()
    with open_ledger(in_force().ledger(ledger)) as opened:
        one, other = opened.find(before), opened.find(after)
        for network in {NETWORKS[batch.network] for batch in (one, other)}:
            if line := banner(network):
                terminal.say(line)
        for difference in differences(opened, one, other):
            told[difference.kind] += 1
            terminal.say(_line(difference))
            if json:
                listed[difference.kind].append(_member(difference))
    unchanged = one.size - told[Kind.REMOVED] - told[Kind.CHANGED] - told[Kind.MOVED]
    counts = ", ".join(f"{told[kind]:,} {kind.name.lower()}" for kind in Kind)
    terminal.say(f"from batch {one.name} to {other.name}: {counts}, {unchanged:,} unchanged")
    terminal.document(
        {
            "before": one.name,
            "after": other.name,
            **{kind.name.lower(): paths for kind, paths in listed.items()},
            "unchanged": unchanged,
        }
    )
    return ExitCode.DONE


def _line(difference: Difference) -> str:
    kind, path, target = difference
    to = "" if target is None else f" -> {shown_text(fsdecode(target))}"
    return f"{kind} {shown_text(fsdecode(path))}{to}"


def _member(difference: Difference) -> str | dict[str, str]:
    _, path, target = difference
    return fsdecode(path) if target is None else {"from": fsdecode(path), "to": fsdecode(target)}
