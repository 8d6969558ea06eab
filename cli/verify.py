"""`notary verify`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from notary.core.facts import Policy
from notary.core.header import Network, Trust
from notary.core.verdict import Outcome, Verdict
from notary.edges.header_store import open_headers
from notary.errors import InputError
from notary.outside import LOCAL
from notary.reporting import banner, check_lines, verdict_hints, verdict_json, verdict_sentences
from notary.verifying import HeaderSources
from notary.verifying import verify as verify_target

from .options import Json, LedgerPath, NetworkName, NodeCookie, NodeUrl, Quiet, ledger_path, network, outside
from .terminal import ExitCode, Terminal

_CODES = {
    Outcome.VERIFIED: ExitCode.DONE,
    Outcome.FAILED: ExitCode.FAILED,
    Outcome.PENDING: ExitCode.NOT_PROVEN,
    Outcome.UNCONFIRMED: ExitCode.NOT_PROVEN,
}
_COLORS = {Outcome.VERIFIED: 32, Outcome.FAILED: 31, Outcome.PENDING: 33, Outcome.UNCONFIRMED: 33}


def verify(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A bundle, an unpacked bag, or a .ots file.")],
    evidence: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="EVIDENCE", help="Files or folders to match by digest.", show_default="the file beside a .ots"
        ),
    ] = None,
    require: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL",
            help="The least trust that counts: work, checkpoint, explorers, chain, node.",
            show_default="checkpoint; work on a test network",
        ),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Contact nothing.")] = False,
    network_name: NetworkName = "bitcoin",
    node: NodeUrl = None,
    node_cookie: NodeCookie = None,
    headers: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Block headers: a headers.bin with its headers.json, or a flat file from height 0."
        ),
    ] = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check a proof, and say what it shows.

    Nothing is changed, and only a node that you name is contacted.
    """
    terminal = Terminal(json=json, quiet=quiet)
    chain = network(network_name)
    policy = Policy(chain, _trust(require, chain))
    world = outside(ledger_path(ledger), node_url=node, node_cookie=node_cookie)
    kept = None if headers is None else open_headers(headers)
    # A bundle brings its headers, and another machine's embedded network is another chain; a .ots brings none.
    is_bare = target.suffix == ".ots"
    uses_embedded = chain.name == LOCAL and is_bare and node is None and not offline and world.has_local()
    with world.embedded(uses_embedded) as embedded, terminal.progress("reading") as progress:
        own = embedded.node if embedded else world.node(chain)
        sources = HeaderSources(None if offline else own, kept)
        verdict = verify_target(target, evidence or [], policy, sources, progress=progress)
    show_verdict(terminal, verdict)
    terminal.document(verdict_json(verdict))
    return _CODES[verdict.outcome]


def _trust(name: str | None, chain: Network) -> Trust:
    if name is None:
        return chain.least_trust
    levels = {level.word: level for level in Trust if level is not Trust.NONE}
    if name not in levels:
        raise InputError(f"unknown trust {name!r}", f"the levels are {', '.join(levels)}")
    return levels[name]


def show_verdict(terminal: Terminal, verdict: Verdict) -> None:
    """The verdict in words: the answer first, then every check that was made."""
    first, *rest = verdict_sentences(verdict)
    if line := banner(verdict.policy.network):
        terminal.say(line)
    terminal.say(f"{terminal.strong(verdict.outcome.upper(), _COLORS[verdict.outcome])}: {first}", *rest, "")
    terminal.say(*check_lines(verdict))
    hints = list(verdict_hints(verdict))
    if hints:
        terminal.note("", *(f"hint: {hint}" for hint in hints))
