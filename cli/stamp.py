"""`notary stamp`"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from notary.errors import InputError
from notary.gathering import Hashers, cluster_hashers, local_hashers
from notary.selecting import LoadOrder
from notary.stamping import Order

from .options import CalendarUrls, Json, LedgerPath, MinCalendars, NetworkName, Quiet, in_force, worker_count
from .sealing import calendars_for, carry_out, minimum_for
from .terminal import Terminal
from .who import Authority, NamesBlock, Organisation, SignerName, SigningKey, authority_for, signing_order


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
    calendar: CalendarUrls = None,
    min_calendars: MinCalendars = None,
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
    key: SigningKey = None,
    signer_name: SignerName = None,
    organisation: Organisation = None,
    tsa: Authority = None,
    names_block: NamesBlock = True,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Hash files, build the tree, submit its seal.

    Calendars, and the authority of --tsa, get 32 bytes; nothing else leaves this machine, but what --cluster sends to
    its workers.
    """
    terminal = Terminal(json=json, quiet=quiet)
    settled = in_force()
    chain = settled.network(network_name)
    calendars = calendars_for(settled, chain, calendar)
    order = Order(
        paths=tuple(paths or ()),
        network=chain,
        calendars=calendars,
        min_calendars=minimum_for(min_calendars or settled.settings.min_calendars, calendars),
        title=title,
        matter=matter,
        exclude=tuple(exclude or ()),
        skip_unreadable=skip_unreadable,
        writes_ots=ots,
        load_file=_load_order(paths, load_file, root, column_map, encoding, despite_problems),
        signing=signing_order(settled.settings, key, signer_name, organisation),
        authority=authority_for(settled.settings, chain, tsa),
        names_block=names_block,
    )
    if order.load_file and (exclude or skip_unreadable or ots):
        raise InputError("--exclude, --skip-unreadable and --ots do not go with --load-file")
    return carry_out(terminal, settled, order, ledger, _hashers(cluster, jobs))


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
