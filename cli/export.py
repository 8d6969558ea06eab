"""`notary export`"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from notary.bundling import Contents, Disclosure, chosen_items, complete_headers
from notary.bundling import export as export_batch
from notary.core.header import NETWORKS
from notary.core.shown import shown_text
from notary.edges.ledger import BatchStatus, Ledger, open_ledger
from notary.errors import InputError
from notary.listing import ListKind, write_list
from notary.reporting import banner, plural

from .options import Json, LedgerPath, Quiet, in_force
from .terminal import ExitCode, Terminal


class Manifest(StrEnum):
    """What `--manifest` writes: lines for `sha256sum -c`, or a table of all that is recorded."""

    SHA256SUM = ListKind.SHA256SUM.value
    CSV = ListKind.CSV.value


_SHOWS = {
    Disclosure.FILES: "with their bytes",
    Disclosure.NAMES: "with their names, without their bytes",
    Disclosure.DIGESTS: "by their digests only",
}


def export(
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="The first digits of the batch's head.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The bundle, or the list, to write.")],
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
    with_certificate: Annotated[
        bool, typer.Option("--certificate/--no-certificate", help="A certificate in the bundle, for people.")
    ] = True,
    with_line: Annotated[
        bool,
        typer.Option("--with-line", help="List the batches before this one, by their manifests: titles, sizes, times."),
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Contact nothing for headers that are not at hand yet.")
    ] = False,
    manifest: Annotated[
        Manifest | None, typer.Option(help="In place of a bundle: a plain list of the items, which proves nothing.")
    ] = None,
    load_file: Annotated[
        bool,
        typer.Option(
            "--load-file", help="In place of a bundle: the load file that was stamped, with digests and dates added."
        ),
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
    if manifest or load_file:
        is_for_bundles = ots is not None or disclose is not Disclosure.FILES or not with_certificate or with_line
        if (manifest and load_file) or (load_file and only) or is_for_bundles:
            hint = "--manifest takes --only; --load-file takes none of the bundle's options"
            raise InputError("these options do not go together: a list is written in place of a bundle", hint)
        with open_ledger(path) as opened:
            _write_list(terminal, opened, batch, output, ListKind(manifest or "load-file"), only)
        return ExitCode.DONE
    world = settled.outside(path)
    with open_ledger(path) as opened, terminal.progress("copying") as progress:
        found = opened.find(batch)
        network = NETWORKS[found.network]
        sources = world.headers(network, offline=offline)
        notes = complete_headers(opened, found, sources, world.now())
        exported = export_batch(
            opened,
            found,
            output,
            only=only or (),
            disclosure=disclose,
            contents=Contents(proofs=ots, certificate=with_certificate, line=with_line),
            progress=progress,
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


def _write_list(
    terminal: Terminal, ledger: Ledger, name: str, output: Path, kind: ListKind, only: list[str] | None
) -> None:
    batch = ledger.find(name)
    chosen = chosen_items(ledger, batch, only) if only else None
    listed = write_list(ledger, batch, output, kind, chosen)
    terminal.say(
        f"{shown_text(str(listed.path))}: {listed.items:,} of {batch.size:,} items", f"sha256 {listed.sha256.hex()}"
    )
    if listed.without_item:
        terminal.say(f"{plural(listed.without_item, 'row')} without an item: the batch was stamped despite problems")
    terminal.document(
        {
            "list": str(listed.path),
            "sha256": listed.sha256.hex(),
            "items": listed.items,
            "of": batch.size,
            "rows_without_item": listed.without_item,
        }
    )
