"""`notary import`"""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer

from notary.core.manifest import MOMENT
from notary.core.shown import shown_text
from notary.gathering import local_hashers
from notary.importing import ImportedToken, match_tokens
from notary.stamping import Order

from .options import CalendarUrls, Json, LedgerPath, NetworkName, Quiet, in_force, worker_count
from .policy import TsaRoots, trusted_roots
from .sealing import calendars_for, carry_out, minimum_for
from .terminal import Terminal
from .who import Authority, NamesBlock, Organisation, SignerName, SigningKey, authority_for, signing_order


def import_(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="TOKEN.tsr|FILE...", help="Tokens, and the files that they are over unless beside them."
        ),
    ],
    tsa_roots: TsaRoots = None,
    matter: Annotated[str | None, typer.Option(metavar="NAME", help="The case file that the batch belongs to.")] = None,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A title; it goes into the manifest, for all who see it.")
    ] = None,
    key: SigningKey = None,
    signer_name: SignerName = None,
    organisation: Organisation = None,
    tsa: Authority = None,
    names_block: NamesBlock = True,
    network_name: NetworkName = None,
    calendar: CalendarUrls = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Anchor time-stamping tokens that are there already, together with their files.

    Each token (RFC 3161, as WIPO PROOF and others gave them) is checked against its file, and against your roots if you
    give some. Both are stamped: from the block on they need neither the authority nor its certificates.
    """
    terminal = Terminal(json=json, quiet=quiet)
    settled = in_force()
    chain = settled.network(network_name)
    calendars = calendars_for(settled, chain, calendar)
    with terminal.progress("reading") as progress:
        tokens = match_tokens(paths, trusted_roots(tsa_roots), progress)
    now = settled.outside(settled.ledger(ledger)).clock()
    for one in tokens:
        terminal.say(f"{shown_text(str(one.file))}: {_text(one)}")
        if one.token.not_after < now:
            day = one.token.not_after.date()
            terminal.note(f"its certificate expired on {day}: that the token is older than this batch, nothing shows")
    order = Order(
        paths=tuple(dict.fromkeys(path for one in tokens for path in (one.file, one.path))),
        network=chain,
        calendars=calendars,
        min_calendars=minimum_for(settled.settings.min_calendars, calendars),
        title=title,
        matter=matter,
        signing=signing_order(settled.settings, key, signer_name, organisation),
        authority=authority_for(settled.settings, chain, tsa),
        names_block=names_block,
    )
    also = {"tokens": [_json(one) for one in tokens]}
    return carry_out(terminal, settled, order, ledger, local_hashers(worker_count(None)), also)


def _text(one: ImportedToken) -> str:
    at = one.token.gen_time.astimezone(UTC).strftime(MOMENT)
    whose = f"which leads to {one.trusted.root_name}" if one.trusted else "whose it is was not checked: no --tsa-roots"
    return f"a token of {one.token.tsa_name} says {at}; {whose}"


def _json(one: ImportedToken) -> dict[str, object]:
    return {
        "token": str(one.path),
        "file": str(one.file),
        "time": one.token.gen_time.astimezone(UTC).strftime(MOMENT),
        "authority": one.token.tsa_name,
        "root": one.trusted and one.trusted.root_name,
        "imprint_algorithm": one.token.imprint_algorithm,
    }
