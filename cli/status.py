"""`notary status`"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from os import fsdecode
from pathlib import Path
from typing import Annotated

import typer

from notary import limits
from notary.batches import attestations_of
from notary.core.header import NETWORKS
from notary.core.ots import Attestation
from notary.core.shown import shown_text
from notary.edges.files import hash_with
from notary.edges.ledger import Batch, Ledger, LeftBehind, open_ledger
from notary.errors import InputError
from notary.reporting import (
    attested_text,
    banner,
    batch_json,
    event_json,
    plural,
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
    matter: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The batches of one matter, in their order."),
    ] = None,
    digest: Annotated[
        str | None,
        typer.Option(metavar="SHA256|FILE", help="Where in the ledger this digest is, or this file's."),
    ] = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Show the ledger's batches and the settings in force, or one batch in full."""
    terminal = Terminal(json=json, quiet=quiet)
    if sum(one is not None for one in (batch, matter, digest)) > 1:
        raise InputError("BATCH, --matter and --digest each ask for something else: give one")
    settled = in_force()
    with open_ledger(settled.ledger(ledger)) as opened:
        if matter is not None:
            _show_matter(terminal, opened, matter)
        elif digest is not None:
            _show_digest(terminal, opened, digest)
        elif batch is None:
            _show_all(terminal, opened, settled.described(ledger), settled.file)
        else:
            _show_one(terminal, opened, opened.find(batch))
    return ExitCode.DONE


def _show_all(terminal: Terminal, ledger: Ledger, settings: list[tuple[str, str, str]], file: Path) -> None:
    batches = [(batch, attestations_of(ledger, batch)) for batch in ledger.batches()]
    drafts = ledger.drafts()
    terminal.document(
        {
            "ledger": str(ledger.path),
            "batches": [batch_json(*one) for one in batches],
            "unsealed": [{"named": [fsdecode(part) for part in one.about], "files": one.files} for one in drafts],
            "settings": {key: {"value": value, "from": origin} for key, value, origin in settings},
            "settings_file": str(file),
        }
    )
    _list(terminal, ledger, batches)
    for one in drafts:
        terminal.say("", _unsealed(one))
    place = shown_text(str(file)) + ("" if file.is_file() else " (which is not there)")
    terminal.say("", f"settings, from NOTARY_* variables and {place}:")
    width = max(len(key) for key, _, _ in settings)
    for key, value, origin in settings:
        terminal.say(f"  {key:<{width}}  {shown_text(value)}  ({shown_text(origin)})")


def _unsealed(draft: LeftBehind) -> str:
    if draft.files is None:
        return "a batch is being hashed by another process"
    named = ", ".join(shown_text(fsdecode(part)) for part in draft.about)
    return f"not sealed: {plural(draft.files, 'file')} hashed of {named}; the same `notary stamp` goes on there"


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
    _table(terminal, rows, right=(2, 3))
    terminal.say("", f"ledger {shown_text(str(ledger.path))}")


def _show_matter(terminal: Terminal, ledger: Ledger, matter: str) -> None:
    from notary.listing import attestation_cells

    batches = ledger.batches(matter)
    rows = [("batch", "declared", "files", "size", "status", "no later than", "")]
    documents = []
    for batch in batches:
        blocks, until = attestation_cells(ledger, batch)
        documents.append(batch_json(batch, attestations_of(ledger, batch)) | {"existed_by": until or None})
        size, title = size_text(batch.total_bytes), shown_text(batch.title or "")
        what = " · ".join(filter(None, (title, blocks)))
        rows.append((batch.name, batch.declared_at[:10], f"{batch.size:,}", size, batch.status.value, until, what))
    files, total = sum(batch.size for batch in batches), sum(batch.total_bytes for batch in batches)
    terminal.document({"matter": matter, "batches": documents, "items": files, "bytes": total})
    _table(terminal, rows, right=(2, 3))
    terminal.say("", f"{plural(len(batches), 'batch', 'batches')}, {plural(files, 'file')}, {size_text(total)}")
    for network in {NETWORKS[batch.network] for batch in batches}:
        if line := banner(network):
            terminal.say(line)


def _show_digest(terminal: Terminal, ledger: Ledger, asked: str) -> None:
    path = Path(asked)
    is_digest = len(asked) == 64 and not set(asked.lower()) - set("0123456789abcdef")
    if not is_digest and not path.is_file():
        raise InputError(f"{asked}: neither 64 hex digits nor a file")
    digest = bytes.fromhex(asked) if is_digest else hash_with(path, "sha256")
    places = ledger.find_digest(digest)
    terminal.document(
        {
            "sha256": digest.hex(),
            "places": [
                {
                    "batch": batch.name,
                    "matter": batch.matter,
                    "item": item.index,
                    "path": fsdecode(item.path),
                    "bytes": item.size,
                    "status": batch.status,
                    **(item.declared or {}),
                }
                for batch, item in places
            ],
        }
    )
    terminal.say(f"sha256 {digest.hex()}")
    rows = [("batch", "item", "status", "matter", "path", "")]
    for batch, item in places:
        declared = ", ".join(f"{key} {value}" for key, value in (item.declared or {}).items())
        told = (shown_text(batch.matter or ""), shown_text(fsdecode(item.path)), shown_text(declared))
        rows.append((batch.name, f"{item.index:,}", batch.status.value, *told))
    if places:
        _table(terminal, rows, right=(1,))
    else:
        terminal.say(f"nowhere in {shown_text(str(ledger.path))}")


def _table(terminal: Terminal, rows: Sequence[tuple[str, ...]], right: Collection[int]) -> None:
    """Columns in line, the last one as long as it is."""
    last = len(rows[0]) - 1
    widths = [max(len(row[column]) for row in rows) for column in range(last)]
    for row in rows:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        terminal.say("  ".join([*cells, row[last]]).rstrip())


def _show_one(terminal: Terminal, ledger: Ledger, batch: Batch) -> None:
    attestations = attestations_of(ledger, batch)
    load_file = ledger.load_file(batch)
    submissions, events, network = ledger.submissions(batch), ledger.events(batch), NETWORKS[batch.network]
    document = batch_json(batch, attestations) | {
        "calendars": [submission_json(one) for one in submissions],
        "events": [event_json(one) for one in events],
        "load_file": load_file and load_file.name,
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
    if document["fingerprint"]:
        terminal.say(f"signed    {document['fingerprint']}")
    if batch.previous:
        terminal.say(f"previous  {batch.previous.hex()}")
    if batch.authority:
        state = "gave its token" if batch.token is not None else "has not given a token yet"
        terminal.say(f"authority {shown_text(batch.authority)} {state}")
    if load_file:
        left_out = ledger.rows_without_item(batch)
        rows = f"; {plural(left_out, 'row')} of it without an item" if left_out else ""
        terminal.say(f"made from {shown_text(load_file.name)}{rows}")
    for one in submissions:
        state = "took it" if one.accepted else f"has not taken it{': ' + one.answer if one.answer else ''}"
        terminal.say(f"calendar  {one.calendar} {state}")
    if blocks := attested_text(attestations, network):
        terminal.say(f"attested  {blocks}; `notary export {batch.name} -o FILE.zip` and `notary verify` check it")
    told: Counter[str] = Counter()
    for event in events:
        told[event.kind] += 1
        if told[event.kind] <= limits.LISTED_PROBLEMS:
            terminal.say(f"{event.at}  {event.kind}  {shown_text(event.detail)}")
    for kind, count in told.items():
        if count > limits.LISTED_PROBLEMS:
            terminal.say(f"{kind}: {count - limits.LISTED_PROBLEMS:,} more; --json lists all")
