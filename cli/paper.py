"""`--report` and `--by`: what a check comes to, written down for people, of bundles and claims alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notary.core.shown import shown_text
from notary.errors import InputError
from notary.report import Made, check_report, write_report

from .terminal import Terminal

if TYPE_CHECKING:
    from notary.verifying import Progress

ReportFile = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Also write a report: .pdf, .html or .json.", show_default="none"),
]
CheckedBy = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who verifies, as the report is to declare.")
]


@dataclass(frozen=True, slots=True)
class Paper:
    """The report that was asked for: its file; who checks, as is declared; and whether nothing may be contacted."""

    file: Path
    checked_by: str | None
    offline: bool

    def write(
        self,
        terminal: Terminal,
        clock: Callable[[], datetime],
        data: Callable[[Made, Progress], Mapping[str, Any]],
    ) -> None:
        """Writes what `data` makes, and says where."""
        made = Made(clock().astimezone(UTC), self.checked_by, self.offline)
        with terminal.progress("writing the report") as progress:
            write_report(self.file, data(made, progress), made.at)
        terminal.note("", f"report: {shown_text(str(self.file))}")


def asked_paper(file: Path | None, checked_by: str | None, *, offline: bool) -> Paper | None:
    """The report, if one is asked for. Raises InputError where it cannot be written there."""
    if file is None:
        if checked_by is not None:
            raise InputError("--by goes with --report")
        return None
    check_report(file)
    return Paper(file, checked_by, offline)
