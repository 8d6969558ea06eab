"""`notary registry publish`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notary import limits
from notary.core.ots import Kind
from notary.core.shown import shown_text
from notary.edges.files import read_whole
from notary.edges.ledger import open_ledger
from notary.registry.anchoring import Calendars, anchor, attestations_of, network_for
from notary.registry.core.note import read_vkey
from notary.registry.edges.register import AnchorStatus
from notary.registry.keeping import opened
from notary.registry.publishing import accept_witnesses
from notary.registry.publishing import publish as publish_log
from notary.reporting import attestation_json, attested_text, banner, plural

from ..options import CalendarUrls, Json, LedgerPath, MinCalendars, NetworkName, NodeCookie, NodeUrl, Quiet, in_force
from ..sealing import calendars_for, minimum_for
from ..terminal import ExitCode, Terminal
from .keeper import Folder, unlock

if TYPE_CHECKING:
    from notary.registry.edges.register import Signed


def publish(
    folder: Folder,
    network_name: NetworkName = None,
    calendar: CalendarUrls = None,
    min_calendars: MinCalendars = None,
    cosigned: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A checkpoint that a witness has cosigned.")
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option(metavar="VKEY", help="A witness whose cosignatures are taken, from now on."),
    ] = None,
    origin: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which registry, where DIR was lost: it is written anew.")
    ] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Write all files, whatever is there.")] = False,
    node: NodeUrl = None,
    node_cookie: NodeCookie = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Publish what was added: tiles, a signed checkpoint, its anchor. Repeat it to complete anchors.

    Calendars get 32 bytes. Safe to repeat, from cron too.
    """
    terminal = Terminal(json=json, quiet=quiet)
    settled = in_force()
    path = settled.ledger(ledger)
    notes_given = [read_whole(file, limits.NOTE_BYTES) for file in cosigned or ()]
    with opened(path, folder, origin) as registry, registry.register.publishing():
        register = registry.register
        given = settled.network(network_name) if network_name else None
        network = network_for(register, given, settled.network(None))
        urls = calendars_for(settled, network, calendar)
        calendars = Calendars(urls, minimum_for(min_calendars or settled.settings.min_calendars, urls))
        accept_witnesses(register, map(read_vkey, witness or ()))
        world = settled.outside(path, calendars=urls, node=node, node_cookie=node_cookie)
        published, notes = publish_log(registry, unlock, world.randomness, notes_given, anew=anew)
        with open_ledger(path) as opened_ledger:
            anchors, heard = anchor(registry, opened_ledger, network, calendars, world, anew=published.is_anew)
        if not anchors and published.checkpoint.size:
            anchors = [register.last_signed()]
    checkpoint = published.checkpoint
    terminal.say(
        f"{checkpoint.origin}: {plural(checkpoint.size, 'entry', 'entries')} published"
        + ("" if published.is_new else "; nothing new"),
        f"root {checkpoint.root.hex()}",
    )
    if published.cosigned:
        terminal.say(f"{plural(published.cosigned, 'cosignature')} added")
    for one in anchors:
        blocks = attested_text(attestations_of(one), network)
        terminal.say(
            f"anchor of {plural(one.size, 'entry', 'entries')}  {one.status}" + (f": {blocks}" if blocks else "")
        )
    for note in (*notes, *heard):
        terminal.note(f"  {shown_text(note)}")
    if line := banner(network):
        terminal.say(line)
    terminal.document(
        {
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": checkpoint.root.hex(),
            "is_new": published.is_new,
            "cosigned": published.cosigned,
            "network": network.name,
            "anchors": [_json(one, network.name) for one in anchors],
            "notes": [*notes, *heard],
        }
    )
    is_queued = any(one.status is AnchorStatus.QUEUED for one in anchors)
    return ExitCode.NOT_PROVEN if is_queued else ExitCode.DONE


def _json(one: Signed, network: str) -> dict[str, Any]:
    attested = [each for each in attestations_of(one) if each.kind is Kind.BITCOIN]
    return {
        "size": one.size,
        "status": one.status,
        "attestations": [attestation_json(each, network) for each in attested],
    }
