"""`notary headers`: the local header store."""

from __future__ import annotations

from math import log2
from pathlib import Path
from typing import Annotated, Any

import typer

from notary.core.chain import Tip
from notary.core.header import Header, block_time
from notary.core.shown import shown_text
from notary.edges.checkpoints import changes, shipped_checkpoints, write_checkpoints
from notary.edges.files import written_whole
from notary.edges.header_store import HeaderStore
from notary.errors import InputError, NotReadyError
from notary.outside import LOCAL
from notary.reporting import banner, plural
from notary.syncing import Synced, import_file, pin, stored_tip
from notary.syncing import sync as sync_store

from .options import InForce, Json, LedgerPath, NetworkName, Quiet, in_force
from .terminal import ExitCode, Terminal

headers = typer.Typer(
    help="Keep the chain's headers on this machine: what `verify` calls the trust `chain`.", no_args_is_help=True
)


def _open(ledger: Path | None, network_name: str | None) -> tuple[InForce, HeaderStore]:
    settled = in_force()
    network = settled.network(network_name)
    if network.name == LOCAL:
        raise InputError("the embedded network keeps its own headers", "--network bitcoin")
    return settled, HeaderStore(settled.headers(settled.ledger(ledger)), network)


@headers.command()
def sync(
    peer: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST:PORT", help="A peer to ask, in place of those that DNS seeds name. [NOTARY_PEERS]"),
    ] = None,
    network_name: NetworkName = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Download headers from peers, and validate them.

    Several peers are heard; the chain of most work counts. What was received is kept when it is interrupted.
    """
    terminal = Terminal(json=json, quiet=quiet)
    settled, store = _open(ledger, network_name)
    addresses = settled.peers(store.network, peer)
    world = settled.outside(settled.ledger(ledger))
    with terminal.climb("headers") as progress:
        synced = sync_store(
            store, shipped_checkpoints(store.network), addresses, world.moment(), world.now(), progress=progress
        )
    _show_synced(terminal, store, synced)
    return ExitCode.DONE


@headers.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="80-byte headers in a row, from the genesis block on.")],
    network_name: NetworkName = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Take headers from a file, and validate them.

    No peer was heard then: until `notary headers sync`, what is above the last checkpoint counts no more than its work.
    """
    terminal = Terminal(json=json, quiet=quiet)
    settled, store = _open(ledger, network_name)
    now = settled.outside(settled.ledger(ledger)).now()
    with terminal.climb("headers") as progress:
        imported = import_file(store, shipped_checkpoints(store.network), file, now, progress=progress)
    _show_synced(terminal, store, imported)
    return ExitCode.DONE


@headers.command()
def status(
    network_name: NetworkName = None, ledger: LedgerPath = None, json: Json = False, quiet: Quiet = False
) -> int:
    """Say how far the stored chain goes."""
    terminal = Terminal(json=json, quiet=quiet)
    _, store = _open(ledger, network_name)
    tip = stored_tip(store)
    terminal.document(_json(store, tip))
    _show(terminal, store, tip)
    return ExitCode.DONE


@headers.command()
def checkpoints(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write them.", show_default="nowhere")
    ] = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """For maintainers: make the next release's checkpoints from the stored chain, and say what changes."""
    terminal = Terminal(json=json, quiet=quiet)
    _, store = _open(ledger, "bitcoin")
    shipped = shipped_checkpoints(store.network)
    made = pin(store)
    if len(made.pinned) < len(shipped.pinned):
        raise NotReadyError(
            f"as far as peers were heard, the stored chain does not go a period beyond block {shipped.last_height:,}",
            "notary headers sync",
        )
    lines = changes(shipped, made)
    if output is not None:
        with written_whole(output) as stream:
            stream.write(write_checkpoints(made).encode("ascii"))
    terminal.document(
        {"checkpoints": len(made.pinned), "height": made.last_height, "changes": lines, "file": output and str(output)}
    )
    terminal.say(*(lines or ["no change"]), f"{plural(len(made.pinned), 'checkpoint')}, to block {made.last_height:,}")
    return ExitCode.DONE


def _show_synced(terminal: Terminal, store: HeaderStore, synced: Synced) -> None:
    for note in synced.notes:
        terminal.note(shown_text(note))
    terminal.document(
        _json(store, synced.tip)
        | {"added": synced.added, "replaced": synced.replaced, "peers": list(synced.peers), "notes": list(synced.notes)}
    )
    if synced.replaced:
        terminal.say(f"the chain was reorganised: {plural(synced.replaced, 'header')} gave way to others")
    terminal.say(f"{plural(synced.added, 'header')} more" if synced.added else "nothing new")
    _show(terminal, store, synced.tip)


def _show(terminal: Terminal, store: HeaderStore, tip: Tip) -> None:
    heard, network = store.heard, store.network
    if line := banner(network):
        terminal.say(line)
    last = Header(store.read(tip.height, 1))
    terminal.say(
        f"height  {tip.height:,}",
        f"hash    {tip.shown_hash}",
        f"clock   {block_time(last)}",
        f"work    {tip.work:064x} (2^{log2(tip.work):.2f} hashes)",
    )
    if heard is None:
        terminal.say("peers   none was heard yet: `notary headers sync`")
    else:
        terminal.say(
            f"peers   {heard.at}: {plural(heard.peers, 'peer')} had no better chain, to block {heard.height:,}"
        )
    terminal.say(f"file    {shown_text(str(store.path))}")


def _json(store: HeaderStore, tip: Tip) -> dict[str, Any]:
    heard = store.heard
    return {
        "network": store.network.name,
        "test_network": store.network.is_test,
        "height": tip.height,
        "hash": tip.shown_hash,
        "work": f"{tip.work:064x}",
        "file": str(store.path),
        "heard": heard and {"height": heard.height, "at": heard.at, "peers": heard.peers},
    }
