"""`notary registry search`"""

from __future__ import annotations

from typing import Annotated

import typer

from notary.core.shown import shown_text
from notary.errors import InputError
from notary.registry.core.links import read_link
from notary.registry.core.offices import check_office
from notary.registry.edges.followed import open_followed
from notary.registry.reporting_following import NOT_CHECKED, hit_json, hit_lines
from notary.registry.searching import follow_link, look_up, outdated, skipped
from notary.registry.searching import search as search_for

from ..options import Json, LedgerPath, Quiet, in_force
from ..terminal import ExitCode, Terminal
from .sync import followed_registries, registries_folder
from .trusting import RegistriesPath


def search(
    query: Annotated[
        str | None,
        typer.Argument(
            metavar="QUERY",
            help="An office, a number, a digest or a reference, in any writing; or a link, notary:ORIGIN/INDEX#HASH.",
            show_default="none: --office, --number",
        ),
    ] = None,
    office: Annotated[str | None, typer.Option(metavar="XX", help="The office (WIPO ST.3).")] = None,
    number: Annotated[str | None, typer.Option(metavar="N", help="The number at that office.")] = None,
    registries: RegistriesPath = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Search what `notary registry sync` has read, over all registries together, and show each object's history.

    A link is checked: the entry there has to be the one that it names. Nothing is fetched.
    """
    terminal = Terminal(json=json, quiet=quiet)
    if (query is None) == (office is None or number is None) or (office is None) != (number is None):
        raise InputError("what is searched for is either QUERY, or --office and --number")
    if office is not None:
        check_office(office, "--office")
    settled = in_force()
    trusted = followed_registries(settled, registries)
    with open_followed(registries_folder(settled, ledger) / "followed.db") as followed:
        if query is None:
            hits = look_up(followed, office or "", number or "", trusted)
        elif query.startswith("notary:"):
            hits = (follow_link(followed, read_link(query), trusted),)
        else:
            hits = search_for(followed, query, trusted)
        left_out = skipped(followed, trusted)
        now = settled.outside(settled.ledger(ledger)).now()
        stale = [problem.message for problem in outdated(followed, trusted, now)]
    for hit in hits:
        terminal.say(*hit_lines(hit))
    terminal.say(NOT_CHECKED if hits else "nothing was found")
    if notes := [*(f"{one.origin} {one.reason}" for one in left_out), *stale]:
        terminal.note(*map(shown_text, notes))
    terminal.document(
        {
            "hits": [hit_json(hit) for hit in hits],
            "left_out": [{"origin": one.origin, "reason": one.reason} for one in left_out],
            "stale": stale,
        }
    )
    return ExitCode.DONE
