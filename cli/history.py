"""`notary history`"""

from __future__ import annotations

from typing import Annotated

import typer

from notary.core.header import NETWORKS
from notary.core.shown import shown_text
from notary.edges.ledger import open_ledger
from notary.history import LedgerLine, lines
from notary.reporting import banner, plural

from .options import Json, LedgerPath, Quiet, in_force
from .terminal import ExitCode, Terminal


def history(
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Compute every head and check every signature anew; fail on gaps and forks."),
    ] = False,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Show the ledger's lines of batches, with gaps and forks.

    Each batch names the one that the same signer, or nobody, signed before it: an anchored batch anchors all before it.
    """
    terminal = Terminal(json=json, quiet=quiet)
    settled = in_force()
    with open_ledger(settled.ledger(ledger)) as opened:
        found = lines(opened, verifies=verify)
    if not found:
        terminal.say("nothing is stamped yet")
    for line in found:
        _show(terminal, line)
    if verify and found:
        broken = sum(not line.is_whole for line in found)
        terminal.say(
            "every line is whole, as far as this ledger goes"
            if not broken
            else f"{plural(broken, 'line')} with gaps, forks or damage"
        )
    terminal.document({"verified": verify, "lines": [_json(line) for line in found]})
    return ExitCode.FAILED if verify and not all(line.is_whole for line in found) else ExitCode.DONE


def _show(terminal: Terminal, line: LedgerLine) -> None:
    who = f"signed with {line.fingerprint}" if line.signer else "unsigned"
    terminal.say(f"{line.network}, {who}: {plural(len(line.places), 'batch', 'batches')}")
    if text := banner(NETWORKS[line.network]):
        terminal.say(f"  {text}")
    for place in line.places:
        batch = place.batch
        name = f"  {shown_text(batch.title)}" if batch.title else ""
        terminal.say(f"  {batch.name}  {batch.declared_at}  {plural(batch.size, 'file')}, {batch.status}{name}")
        for one in place.breaks:
            terminal.say(f"      {one}")


def _json(line: LedgerLine) -> dict[str, object]:
    return {
        "network": line.network,
        "signer": line.signer,
        "fingerprint": line.fingerprint,
        "whole": line.is_whole,
        "batches": [
            {
                "batch": place.batch.name,
                "head": place.batch.head.hex(),
                "previous": place.batch.previous and place.batch.previous.hex(),
                "declared_at": place.batch.declared_at,
                "items": place.batch.size,
                "status": place.batch.status,
                "breaks": list(place.breaks),
            }
            for place in line.places
        ],
    }
