"""`notary stamp`"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from notary import limits
from notary.core.header import Network
from notary.edges.calendars import DEFAULT_CALENDARS, MIN_CALENDARS
from notary.edges.ledger import Batch, BatchStatus, open_ledger
from notary.errors import InputError
from notary.outside import LOCAL
from notary.reporting import banner, plural, shown_text, size_text
from notary.stamping import Order, Stamped
from notary.stamping import stamp as stamp_files

from .options import InForce, Json, LedgerPath, NetworkName, Quiet, in_force, worker_count
from .terminal import ExitCode, Terminal


def stamp(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files, and folders with all that is in them.")],
    matter: Annotated[str | None, typer.Option(metavar="NAME", help="The case file that the batch belongs to.")] = None,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A title; it goes into the manifest, for all who see it.")
    ] = None,
    network_name: NetworkName = None,
    calendar: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="A calendar to use instead of the public ones.", show_default=False),
    ] = None,
    min_calendars: Annotated[
        int | None,
        typer.Option(metavar="K", min=1, help="How many calendars must answer.", show_default="2, or all if fewer"),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="Leave out what matches, as in .gitignore.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Files hashed at once.", show_default="one a core")
    ] = None,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Stamp without files that cannot be read.")
    ] = False,
    ots: Annotated[bool, typer.Option("--ots", help="Also write a standard .ots beside each file.")] = False,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Hash files, build the tree, submit its seal.

    Calendars get 32 bytes; nothing else leaves this machine.
    """
    terminal = Terminal(json=json, quiet=quiet)
    settled = in_force()
    chain = settled.network(network_name)
    calendars = _calendars(settled, chain, calendar)
    order = Order(
        paths=tuple(paths),
        network=chain,
        calendars=calendars,
        min_calendars=_minimum(min_calendars or settled.settings.min_calendars, calendars),
        title=title,
        matter=matter,
        exclude=tuple(exclude or ()),
        skip_unreadable=skip_unreadable,
        writes_ots=ots,
    )
    path = settled.ledger(ledger)
    with open_ledger(path) as opened, ThreadPoolExecutor(worker_count(jobs)) as executor:
        try:
            with terminal.progress("hashing") as progress:
                stamped = stamp_files(
                    order,
                    opened,
                    settled.outside(path),
                    executor=executor,
                    progress=progress,
                    sealed=lambda batch: _tell_sealed(terminal, batch),
                )
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise
        anchors = opened.submissions(stamped.batch)
    _show(terminal, chain, stamped)
    terminal.document(
        {
            "batch": stamped.batch.name,
            "head": stamped.batch.head.hex(),
            "root": stamped.batch.root.hex(),
            "items": stamped.batch.size,
            "bytes": stamped.batch.total_bytes,
            "skipped": [{"path": one.path, "reason": one.reason} for one in stamped.skipped],
            "anchors": [{"calendar": one.calendar, "accepted": one.accepted, "answer": one.answer} for one in anchors],
            "status": stamped.batch.status,
            "network": chain.name,
            "not_written": list(stamped.troubles),
        }
    )
    if stamped.troubles:
        return ExitCode.SYSTEM
    return ExitCode.NOT_PROVEN if stamped.batch.status is BatchStatus.QUEUED else ExitCode.DONE


def _calendars(settled: InForce, chain: Network, given: list[str] | None) -> tuple[str, ...]:
    if chain.name == LOCAL:
        if given:
            raise InputError("the local network has its own calendar", "leave out --calendar")
        return ()
    named = settled.calendars(given)
    if chain.is_test and not named:
        raise InputError(f"the network {chain.name} has no public calendar", "name yours with --calendar URL")
    return named or DEFAULT_CALENDARS


def _minimum(given: int | None, calendars: tuple[str, ...]) -> int:
    if given is None:
        return min(MIN_CALENDARS, len(calendars)) or 1
    if calendars and given > len(calendars):
        raise InputError(f"{given} calendars must answer, but only {len(calendars)} are asked")
    return given


def _tell_sealed(terminal: Terminal, batch: Batch) -> None:
    terminal.say(
        f"batch {batch.name}: {plural(batch.size, 'file')}, {size_text(batch.total_bytes)}",
        f"head  {batch.head.hex()}",
    )


def _show(terminal: Terminal, chain: Network, stamped: Stamped) -> None:
    left_out = stamped.skipped
    for one in left_out[: limits.LISTED_PROBLEMS]:
        terminal.note(f"skipped {shown_text(one.path)}: {one.reason}")
    if len(left_out) > limits.LISTED_PROBLEMS:
        terminal.note(f"skipped {len(left_out) - limits.LISTED_PROBLEMS:,} more; --json lists all")
    for trouble in stamped.troubles:
        terminal.note(f"not written: {shown_text(trouble)}")
    for calendar in stamped.submitted.accepted:
        terminal.say(f"sent to {calendar}")
    for _, why in stamped.submitted.refused:
        terminal.note(f"not sent: {why}")
    name = stamped.batch.name
    if stamped.batch.status is BatchStatus.QUEUED:
        needed = plural(stamped.batch.min_calendars, "calendar")
        terminal.say(
            f"status queued: the batch is safe in the ledger; {needed} must take it.",
            f"`notary upgrade {name}` submits it again when there is a network.",
        )
    else:
        when = "now" if chain.name == LOCAL else "in a few hours, when a block has it"
        terminal.say(f"status pending: run `notary upgrade {name}` {when}.")
    if line := banner(chain):
        terminal.say(line)
