"""`notary stamp`"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from notary import limits
from notary.core.header import Network
from notary.core.shown import shown_text
from notary.edges.calendars import DEFAULT_CALENDARS, MIN_CALENDARS
from notary.edges.ledger import Batch, BatchStatus, Conflict, open_ledger
from notary.errors import InputError
from notary.gathering import Hashers, cluster_hashers, local_hashers
from notary.outside import LOCAL
from notary.reporting import banner, plural, size_text
from notary.selecting import LoadOrder
from notary.stamping import Order, Stamped
from notary.stamping import stamp as stamp_files

from .options import InForce, Json, LedgerPath, NetworkName, Quiet, in_force, worker_count
from .terminal import ExitCode, Terminal


def stamp(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH...",
            help="Files, and folders with all that is in them.",
            show_default="what --load-file names",
        ),
    ] = None,
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
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Hash on the workers of this Dask scheduler, all of which you trust: tcp://HOST:8786, or tls://.",
        ),
    ] = None,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Stamp without files that cannot be read.")
    ] = False,
    ots: Annotated[bool, typer.Option("--ots", help="Also write a standard .ots beside each file.")] = False,
    load_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="In place of PATH: a load file, CSV or Concordance DAT, that names and describes files.",
        ),
    ] = None,
    root: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The folder in which the load file's paths begin.")
    ] = None,
    column_map: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="COLUMN=FIELD", help="What a column of the load file states.", show_default="by its name"
        ),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(metavar="NAME", help="The load file's encoding.", show_default="by its bytes")
    ] = None,
    despite_problems: Annotated[
        bool, typer.Option("--despite-problems", help="Stamp what is there, whatever the load file states of it.")
    ] = False,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Hash files, build the tree, submit its seal.

    Calendars get 32 bytes; nothing else leaves this machine, but what --cluster sends to its workers.
    """
    terminal = Terminal(json=json, quiet=quiet)
    settled = in_force()
    chain = settled.network(network_name)
    calendars = _calendars(settled, chain, calendar)
    order = Order(
        paths=tuple(paths or ()),
        network=chain,
        calendars=calendars,
        min_calendars=_minimum(min_calendars or settled.settings.min_calendars, calendars),
        title=title,
        matter=matter,
        exclude=tuple(exclude or ()),
        skip_unreadable=skip_unreadable,
        writes_ots=ots,
        load_file=_load_order(paths, load_file, root, column_map, encoding, despite_problems),
    )
    if order.load_file and (exclude or skip_unreadable or ots):
        raise InputError("--exclude, --skip-unreadable and --ots do not go with --load-file")
    path = settled.ledger(ledger)
    with (
        open_ledger(path) as opened,
        _hashers(cluster, jobs) as hashers,
        terminal.progress("hashing") as progress,
    ):
        stamped = stamp_files(
            order,
            opened,
            settled.outside(path),
            hashers=hashers,
            progress=progress,
            sealed=lambda batch: _tell_sealed(terminal, batch),
        )
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
            "taken_over": stamped.taken_over,
            "problems": [{"row": one.row, "what": one.what} for one in stamped.problems],
            "conflicts": [
                {
                    "kind": one.kind,
                    "numbers": list(one.numbers),
                    "sha256": [digest.hex() for digest in one.digests],
                    "paths": list(one.paths),
                    "number_count": one.number_count,
                    "sha256_count": one.digest_count,
                }
                for one in stamped.conflicts
            ],
            "conflict_count": stamped.conflict_count,
        }
    )
    if stamped.troubles:
        return ExitCode.SYSTEM
    return ExitCode.NOT_PROVEN if stamped.batch.status is BatchStatus.QUEUED else ExitCode.DONE


def _load_order(
    paths: list[Path] | None,
    file: Path | None,
    root: Path | None,
    column_map: list[str] | None,
    encoding: str | None,
    despite_problems: bool,
) -> LoadOrder | None:
    if file is None:
        if root or column_map or encoding or despite_problems:
            raise InputError("--root, --map, --encoding and --despite-problems go with --load-file")
        if not paths:
            raise InputError("nothing is named to be stamped", "notary stamp PATH...")
        return None
    if paths:
        raise InputError("--load-file names the files: leave out PATH", "--root FOLDER says where its paths begin")
    if root is None:
        raise InputError("--root is missing: the folder in which the load file's paths begin")
    mapping: dict[str, str] = {}
    for given in column_map or ():
        column, equals, field = given.rpartition("=")
        if not equals or not column:
            raise InputError(f"--map {given}: not of the form COLUMN=FIELD")
        if mapping.setdefault(column, field) != field:
            raise InputError(f"the column {column} is mapped twice")
    return LoadOrder(file, root, mapping, encoding, despite_problems)


def _hashers(cluster: str | None, jobs: int | None) -> AbstractContextManager[Hashers]:
    if cluster is None:
        return local_hashers(worker_count(jobs))
    if jobs is not None:
        raise InputError(
            "--jobs is for this machine, and --cluster for others", "each worker's --nworkers says how many"
        )
    return cluster_hashers(cluster)


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


def _conflict_text(conflict: Conflict) -> str:
    numbers, paths = (", ".join(map(shown_text, some)) for some in (conflict.numbers, conflict.paths))
    kind = "Bates" if conflict.kind == "bates" else conflict.kind
    if conflict.number_count > 1:
        return f"conflict: one file ({paths}) under {conflict.number_count:,} {kind} numbers: {numbers}"
    return f"conflict: {kind} number {numbers} on {conflict.digest_count:,} different files: {paths}"


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
    if stamped.taken_over:
        terminal.note(f"{plural(stamped.taken_over, 'file')} taken over from an earlier run, and not read again")
    for note in stamped.notes:
        terminal.note(shown_text(note))
    for problem in stamped.problems:
        terminal.note(shown_text(str(problem)))
    for conflict in stamped.conflicts:
        terminal.note(_conflict_text(conflict))
    if stamped.conflict_count > len(stamped.conflicts):
        terminal.note(f"{stamped.conflict_count:,} conflicts in all; the ledger's view `conflicts` lists them")
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
