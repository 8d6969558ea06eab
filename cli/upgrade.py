"""`notary upgrade`"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from notary import limits
from notary.core.header import NETWORKS
from notary.core.ots import Kind
from notary.core.shown import shown_text
from notary.edges.ledger import Batch, BatchStatus, Ledger, open_ledger
from notary.errors import InputError
from notary.outside import Outside
from notary.reporting import attestation_json, attested_text, banner
from notary.upgrading import Upgraded, is_open
from notary.upgrading import upgrade as upgrade_all

from .options import Json, LedgerPath, NodeCookie, NodeUrl, Quiet, in_force
from .terminal import ExitCode, Terminal


def upgrade(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[BATCH|FILE.ots]...",
            help="Batches, by the first digits of their heads; or .ots files.",
            show_default="all open batches",
        ),
    ] = None,
    wait: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Go on asking for so long.")] = 0,
    calendar: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="A calendar that may be asked beside the public ones.")
    ] = None,
    without_token: Annotated[
        bool, typer.Option("--without-token", help="Do not wait for a time-stamping authority any longer.")
    ] = False,
    node: NodeUrl = None,
    node_cookie: NodeCookie = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Submit what is queued, fetch what calendars have completed.

    Safe to repeat, from cron too.
    """
    terminal = Terminal(json=json, quiet=quiet)
    settled = in_force()
    path = settled.ledger(ledger)
    world = settled.outside(path, calendars=settled.calendars(calendar), node=node, node_cookie=node_cookie)
    with open_ledger(path) as opened:
        batches, proofs = _targets(opened, names, world, has_node=node is not None)
        if without_token and not names:
            raise InputError("--without-token is for batches that are named", "notary upgrade BATCH --without-token")
        if without_token:
            batches = [opened.forgo_token(batch, world.moment()) for batch in batches]
        if not batches and not proofs:
            terminal.say("nothing to upgrade: every batch is attested")
        upgraded_batches, upgraded_proofs = _rounds(terminal, opened, batches, proofs, world, wait)
    networks = {batch.name: batch.network for batch in batches}
    for one in upgraded_batches:
        _show(terminal, one, networks[one.name])
    for one in upgraded_proofs:
        _show(terminal, one, "bitcoin")
    for network in {NETWORKS[batch.network] for batch in batches}:
        if line := banner(network):
            terminal.say(line)
    document: dict[str, Any] = {"batches": [_json(one, networks[one.name], "batch") for one in upgraded_batches]}
    if upgraded_proofs:
        document["proofs"] = [_json(one, "bitcoin", "proof") for one in upgraded_proofs]
    terminal.document(document)
    is_done = all(one.status is BatchStatus.ATTESTED for one in (*upgraded_batches, *upgraded_proofs))
    return ExitCode.DONE if is_done else ExitCode.NOT_PROVEN


def _targets(ledger: Ledger, names: list[str] | None, world: Outside, has_node: bool) -> tuple[list[Batch], list[Path]]:
    """The batches and the proof files that are meant. Attested ones are, if more headers can be had for them by now."""
    if not names:
        return [one for one in ledger.batches() if has_node or is_open(ledger, one, world)], []
    batches: dict[bytes, Batch] = {}
    proofs: dict[Path, None] = {}
    for name in names:
        path = Path(name)
        if path.suffix == ".ots" or path.is_file():
            if not path.is_file():
                raise InputError(f"{name}: there is no such file")
            proofs[path] = None
        else:
            batch = ledger.find(name)
            batches[batch.head] = batch
    return list(batches.values()), list(proofs)


def _rounds(
    terminal: Terminal, ledger: Ledger, batches: list[Batch], proofs: list[Path], world: Outside, wait: float
) -> tuple[list[Upgraded], list[Upgraded]]:
    end = time.monotonic() + wait
    while True:
        done = upgrade_all(ledger, batches, proofs, world)
        is_done = all(one.status is BatchStatus.ATTESTED for one in (*done[0], *done[1]))
        left = end - time.monotonic()
        if is_done or left <= 0:
            return done
        pause = min(left, limits.CALENDAR_REPEAT_SECONDS)
        terminal.note(f"not attested yet; asking again in {pause:.0f} s, for {left / 60:.0f} minutes more")
        time.sleep(pause)


def _show(terminal: Terminal, one: Upgraded, network: str) -> None:
    blocks = attested_text(one.attestations, NETWORKS[network])
    terminal.say(f"{shown_text(one.name)}  {one.status}" + (f": {blocks}" if blocks else ""))
    for note in one.notes:
        terminal.note(f"  {shown_text(note)}")


def _json(one: Upgraded, network: str, key: str) -> dict[str, Any]:
    attested = [each for each in one.attestations if each.kind is Kind.BITCOIN]
    return {
        key: one.name,
        "status": one.status,
        "attestations": [attestation_json(each, network) for each in attested],
        "notes": list(one.notes),
    }
