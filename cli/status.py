"""`notary status`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from notary.batches import attestations_of
from notary.core.header import NETWORKS
from notary.core.ots import Attestation
from notary.edges.ledger import Batch, Ledger, open_ledger
from notary.reporting import (
    attested_text,
    banner,
    batch_json,
    event_json,
    plural,
    shown_text,
    size_text,
    submission_json,
)

from .options import Json, LedgerPath, Quiet, in_force
from .terminal import ExitCode, Terminal


def status(
    batch: Annotated[
        str | None,
        typer.Argument(metavar="BATCH", help="The first digits of a batch's head: shows that one in full."),
    ] = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Show the ledger's batches and the settings in force, or one batch in full."""
    terminal = Terminal(json=json, quiet=quiet)
    settled = in_force()
    with open_ledger(settled.ledger(ledger)) as opened:
        if batch is None:
            _show_all(terminal, opened, settled.described(ledger), settled.file)
        else:
            _show_one(terminal, opened, opened.find(batch))
    return ExitCode.DONE


def _show_all(terminal: Terminal, ledger: Ledger, settings: list[tuple[str, str, str]], file: Path) -> None:
    batches = [(batch, attestations_of(ledger, batch)) for batch in ledger.batches()]
    terminal.document(
        {
            "ledger": str(ledger.path),
            "batches": [batch_json(*one) for one in batches],
            "settings": {key: {"value": value, "from": origin} for key, value, origin in settings},
            "settings_file": str(file),
        }
    )
    _list(terminal, ledger, batches)
    place = shown_text(str(file)) + ("" if file.is_file() else " (which is not there)")
    terminal.say("", f"settings, from NOTARY_* variables and {place}:")
    width = max(len(key) for key, _, _ in settings)
    for key, value, origin in settings:
        terminal.say(f"  {key:<{width}}  {shown_text(value)}  ({shown_text(origin)})")


def _list(terminal: Terminal, ledger: Ledger, batches: list[tuple[Batch, tuple[Attestation, ...]]]) -> None:
    if not batches:
        terminal.say(f"no batches in {shown_text(str(ledger.path))}", "`notary stamp PATH...` makes one")
        return
    rows = [("batch", "declared", "files", "size", "network", "status", "")]
    rows += [
        (
            batch.name,
            batch.declared_at[:10],
            f"{batch.size:,}",
            size_text(batch.total_bytes),
            batch.network,
            batch.status.value,
            shown_text(" · ".join(filter(None, (batch.matter, batch.title)))),
        )
        for batch, _ in batches
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    for row in rows:
        cells = [
            cell.rjust(width) if column in (2, 3) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        terminal.say("  ".join([*cells, row[6]]).rstrip())
    terminal.say("", f"ledger {shown_text(str(ledger.path))}")


def _show_one(terminal: Terminal, ledger: Ledger, batch: Batch) -> None:
    attestations = attestations_of(ledger, batch)
    submissions, events, network = ledger.submissions(batch), ledger.events(batch), NETWORKS[batch.network]
    document = batch_json(batch, attestations) | {
        "calendars": [submission_json(one) for one in submissions],
        "events": [event_json(one) for one in events],
    }
    terminal.document({"batches": [document]})
    if line := banner(network):
        terminal.say(line)
    terminal.say(f"batch     {batch.name}  {batch.status}", f"head      {batch.head.hex()}")
    for label, text in (("matter", batch.matter), ("title", batch.title)):
        if text:
            terminal.say(f"{label:<10}{shown_text(text)}")
    terminal.say(
        f"items     {plural(batch.size, 'file')}, {size_text(batch.total_bytes)}",
        f"declared  {batch.declared_at}",
        f"network   {batch.network}",
    )
    for one in submissions:
        state = "took it" if one.accepted else f"has not taken it{': ' + one.answer if one.answer else ''}"
        terminal.say(f"calendar  {one.calendar} {state}")
    if blocks := attested_text(attestations, network):
        terminal.say(f"attested  {blocks}; `notary export {batch.name} -o FILE.zip` and `notary verify` check it")
    for event in events:
        terminal.say(f"{event.at}  {event.kind}  {shown_text(event.detail)}")
