"""`notary export`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from notary.bundling import Disclosure, complete_headers
from notary.bundling import export as export_batch
from notary.core.header import NETWORKS
from notary.edges.ledger import BatchStatus, open_ledger
from notary.reporting import banner, shown_text

from .options import Json, LedgerPath, Quiet, in_force
from .terminal import ExitCode, Terminal

_SHOWS = {
    Disclosure.FILES: "with their bytes",
    Disclosure.NAMES: "with their names, without their bytes",
    Disclosure.DIGESTS: "by their digests only",
}


def export(
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="The first digits of the batch's head.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.zip", help="The bundle to write.")],
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN", help="Only items whose recorded paths match, as in .gitignore.", show_default="all"
        ),
    ] = None,
    disclose: Annotated[Disclosure, typer.Option(help="What the bundle shows of its items.")] = Disclosure.FILES,
    ots: Annotated[
        bool | None,
        typer.Option("--ots/--no-ots", help="A standard proof for each item.", show_default="up to 1,000 items"),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Contact nothing for headers that are not at hand yet.")
    ] = False,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Write a bundle that others can verify.

    It has all that is needed for the items that it shows, and nothing of the others.
    """
    terminal = Terminal(json=json, quiet=quiet)
    settled = in_force()
    path = settled.ledger(ledger)
    world = settled.outside(path)
    with open_ledger(path) as opened, terminal.progress("copying") as progress:
        found = opened.find(batch)
        network = NETWORKS[found.network]
        sources = world.headers(network, offline=offline)
        notes = complete_headers(opened, found, sources, world.now())
        exported = export_batch(
            opened, found, output, only=only or (), disclosure=disclose, with_proofs=ots, progress=progress
        )
    for note in notes:
        terminal.note(shown_text(note))
    terminal.say(
        f"{shown_text(str(exported.path))}: {exported.items:,} of {exported.of:,} items, {_SHOWS[disclose]}",
        f"sha256 {exported.sha256.hex()}",
    )
    if found.status is not BatchStatus.ATTESTED:
        terminal.say(f"no block attests it yet: `notary upgrade {found.name}`, then export again")
    if line := banner(network):
        terminal.say(line)
    terminal.document(
        {
            "bundle": str(exported.path),
            "sha256": exported.sha256.hex(),
            "items": exported.items,
            "of": exported.of,
            "disclosure": exported.disclosure,
        }
    )
    return ExitCode.DONE
