"""`notary countersign`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from notary.core.shown import shown_text
from notary.countersigning import MEANING, write_statement
from notary.errors import InputError
from notary.gathering import local_hashers
from notary.stamping import Order

from .options import CalendarUrls, Json, LedgerPath, NetworkName, Quiet, Require, in_force
from .policy import verification_demands, verification_policy
from .sealing import calendars_for, carry_out, minimum_for
from .terminal import Terminal
from .who import Authority, NamesBlock, Organisation, SignerName, SigningKey, authority_for, signing_order


def countersign(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The bundle that the witness has looked at.")],
    key: SigningKey = None,
    signer_name: SignerName = None,
    organisation: Organisation = None,
    meaning: Annotated[str, typer.Option(metavar="TEXT", help="What the signature is to mean.")] = MEANING,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The statement that is signed.", show_default="beside the bundle"
        ),
    ] = None,
    tsa: Authority = None,
    names_block: NamesBlock = True,
    require: Require = None,
    offline: Annotated[bool, typer.Option("--offline", help="Contact nobody to verify the bundle.")] = False,
    network_name: NetworkName = None,
    calendar: CalendarUrls = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Sign a bundle as its witness, in a batch of your own.

    The bundle is verified first. A statement that names its head is written, signed with your key and stamped: export
    that batch, and give it to whoever has the bundle; `notary verify BUNDLE --countersignature YOURS` checks both.
    """
    terminal = Terminal(json=json, quiet=quiet)
    settled = in_force()
    demands, settled = verification_demands(settled, network=network_name, require=require)
    chain = demands.network
    calendars = calendars_for(settled, chain, calendar)
    signing = signing_order(settled.settings, key, signer_name, organisation)
    if signing is None:
        raise InputError("--key is missing: a witness signs", "notary key new makes a key")
    world = settled.outside(settled.ledger(ledger))
    with terminal.progress("reading") as progress:
        sources = world.headers(chain, offline=offline)
        path, stated = write_statement(bundle, output, meaning, verification_policy(demands), sources, progress)
    terminal.say(f"{shown_text(str(path))}: signs for the head {stated.head.hex()}, as {shown_text(stated.meaning)!r}")
    order = Order(
        paths=(path,),
        network=chain,
        calendars=calendars,
        min_calendars=minimum_for(settled.settings.min_calendars, calendars),
        signing=signing,
        authority=authority_for(settled.settings, chain, tsa),
        names_block=names_block,
    )
    also = {"countersigned": stated.head.hex(), "meaning": stated.meaning, "statement": str(path)}
    return carry_out(terminal, settled, order, ledger, local_hashers(1), also)
