"""`notary registry add`"""

from __future__ import annotations

from datetime import UTC, timedelta
from pathlib import Path
from typing import Annotated

import typer

from notary import limits
from notary.core.shown import shown_text
from notary.errors import InputError
from notary.registry.core.applications import TEMPLATE
from notary.registry.keeping import add as add_rows
from notary.registry.keeping import opened
from notary.reporting import plural

from ..options import Json, LedgerPath, Quiet, in_force
from ..terminal import ExitCode, Terminal

_AHEAD = timedelta(hours=14)
"""The time of the east, where a day begins first (UTC+14): a date there is in nobody's future."""


def add(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="The folder that is published.", show_default=False)
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Applications and events, as --template shows.")
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json-file", metavar="FILE", help="The same as JSON: an array of objects, or one a line."),
    ] = None,
    sealed: Annotated[
        bool, typer.Option("--sealed", help="Seal all: the register shows commitments, and claims open them.")
    ] = False,
    despite_problems: Annotated[
        bool, typer.Option("--despite-problems", help="Add the good rows, and leave out the bad ones.")
    ] = False,
    template: Annotated[bool, typer.Option("--template", help="Print a CSV to begin with, and add nothing.")] = False,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Append applications and events. Nothing is added unless all rows are good.

    They are for all to see after `notary registry publish DIR`.
    """
    terminal = Terminal(json=json, quiet=quiet)
    if template:
        print(TEMPLATE, end="")
        return ExitCode.DONE
    file = csv or json_file
    if folder is None or file is None or (csv and json_file):
        raise InputError("which registry, and which file to add?", "notary registry add DIR --csv FILE")
    settled = in_force()
    path = settled.ledger(ledger)
    world = settled.outside(path)
    with opened(path, folder) as registry:
        done = add_rows(
            registry.register,
            file,
            world.randomness,
            is_json=json_file is not None,
            sealed=sealed,
            despite_problems=despite_problems,
            today=(world.clock().astimezone(UTC) + _AHEAD).date(),
        )
    for row, what in done.problems[: limits.REGISTRY_BAD_ROWS]:
        terminal.note(f"left out row {row}: {shown_text(what)}")
    for warning in done.warnings:
        rows = (
            f"row {warning.first}" if warning.rows == 1 else f"{plural(warning.rows, 'row')}, first row {warning.first}"
        )
        terminal.note(f"warning: {shown_text(warning.what)} ({rows})")
    entries = plural(done.added, "entry", "entries")
    terminal.say(
        f"added {entries}; the register has {done.size:,}",
        f"`notary registry publish {shown_text(str(folder))}` shows them to all",
    )
    terminal.document(
        {
            "added": done.added,
            "size": done.size,
            "problems": [{"row": row, "what": what} for row, what in done.problems[: limits.REGISTRY_BAD_ROWS]],
            "problem_count": len(done.problems),
            "warnings": [{"what": one.what, "rows": one.rows, "first_row": one.first} for one in done.warnings],
        }
    )
    return ExitCode.DONE
