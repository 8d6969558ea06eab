"""`notary registry claim`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from notary.core.header import NETWORKS
from notary.core.shown import shown_text
from notary.edges.ledger import open_ledger
from notary.registry.anchoring import attestations_of
from notary.registry.claiming import write_claim_bag
from notary.registry.core.offices import check_office
from notary.registry.edges.register import AnchorStatus
from notary.registry.keeping import opened
from notary.reporting import attested_text, banner, plural

from ..options import Json, LedgerPath, Quiet, in_force
from ..terminal import ExitCode, Terminal
from .keeper import Folder


def claim(
    folder: Folder,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="The application's number, as the office writes it.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="CLAIM.zip", help="Where to write it.")],
    office: Annotated[str | None, typer.Option(metavar="XX", help="Its office, where several have the number.")] = None,
    entry: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="INDEX",
            help="Another of its entries, such as the grant, by its index.",
            show_default="its first",
        ),
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="FILE", help="The package as filed, to go with it.")] = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Write a claim: one application's entry, with what proves that it stands in the register, and since when.

    A claim opens a sealed entry for whoever has it.
    """
    terminal = Terminal(json=json, quiet=quiet)
    if office is not None:
        check_office(office, "--office")
    path = in_force().ledger(ledger)
    with opened(path, folder) as registry, open_ledger(path) as opened_ledger:
        network = NETWORKS[registry.register.network or "bitcoin"]
        claimed = write_claim_bag(registry, opened_ledger, number, office, output, data, entry)
    signed, made = claimed.signed, claimed.claim
    blocks = attested_text(attestations_of(signed), network)
    terminal.say(
        f"{shown_text(str(claimed.path))}: entry {made.index:,} of {made.origin}"
        + (", sealed" if made.is_sealed else ""),
        f"sha256 {claimed.sha256.hex()}",
        f"checkpoint of {plural(signed.size, 'entry', 'entries')}  {signed.status}" + (f": {blocks}" if blocks else ""),
    )
    if signed.status is not AnchorStatus.ATTESTED:
        terminal.say("no block attests it yet: `notary registry publish DIR`, then claim again")
    if line := banner(network):
        terminal.say(line)
    terminal.document(
        {
            "claim": str(claimed.path),
            "index": made.index,
            "link": str(made.link),
            "size": signed.size,
            "status": signed.status,
            "sha256": claimed.sha256.hex(),
        }
    )
    return ExitCode.DONE
