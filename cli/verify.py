"""`notary verify`"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notary.core.verdict import Verdict
from notary.edges.header_files import open_headers
from notary.errors import InputError
from notary.outside import LOCAL
from notary.report import Made
from notary.report import report as report_on
from notary.reporting import check_lines, verdict_hints, verdict_json, verdict_sentences
from notary.reporting_who import countersignatures_json, countersigned_sentences
from notary.verifying import ClaimError, Progress
from notary.verifying import verify as verify_target

from .answer import CODES, show_answer
from .options import HeadersFile, Json, LedgerPath, NetworkName, NodeCookie, NodeUrl, Quiet, Require, in_force
from .paper import CheckedBy, ReportFile, asked_paper
from .policy import PolicyPath, SignersFile, TsaRoots, verification_demands, verification_policy
from .terminal import ExitCode, Terminal

if TYPE_CHECKING:
    from notary.core.countersignature import Countersigned
    from notary.core.facts import Policy
    from notary.headers import HeaderSources

_WORST = (ExitCode.DONE, ExitCode.NOT_PROVEN, ExitCode.FAILED)


def verify(
    target: Annotated[
        Path,
        typer.Argument(metavar="TARGET", help="A bundle, a claim, an unpacked bag, a .ots file, or a certificate."),
    ],
    evidence: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="EVIDENCE...", help="Files or folders to match by digest.", show_default="the file beside a .ots"
        ),
    ] = None,
    require: Require = None,
    offline: Annotated[bool, typer.Option("--offline", help="Contact nothing.")] = False,
    network_name: NetworkName = None,
    node: NodeUrl = None,
    node_cookie: NodeCookie = None,
    headers: HeadersFile = None,
    policy_file: PolicyPath = None,
    signers: SignersFile = None,
    tsa_roots: TsaRoots = None,
    countersignature: Annotated[
        list[Path] | None,
        typer.Option(metavar="BUNDLE", help="A witness's bundle: does it countersign this one?", show_default="none"),
    ] = None,
    report: ReportFile = None,
    checked_by: CheckedBy = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check a proof, and say what it shows.

    Nothing is changed. Where the headers at hand do not do, peers and block explorers are asked for those of the blocks
    that the proof names; they learn no more than the blocks' numbers.
    """
    terminal = Terminal(json=json, quiet=quiet)
    paper = asked_paper(report, checked_by, offline=offline)
    settled = in_force()
    demands, settled = verification_demands(
        settled,
        file=policy_file,
        network=network_name,
        require=require,
        signers=signers,
        tsa_roots=tsa_roots,
    )
    policy = verification_policy(demands)
    chain = policy.network
    world = settled.outside(settled.ledger(ledger), node=node, node_cookie=node_cookie)
    sources = replace(world.headers(chain, offline=offline), file=None if headers is None else open_headers(headers))
    # A bundle brings its headers, and another machine's embedded network is another chain; a .ots brings none.
    is_bare = target.suffix == ".ots"
    uses_embedded = chain.name == LOCAL and is_bare and node is None and not offline and world.has_local()
    with world.embedded(uses_embedded) as embedded, terminal.progress("reading") as progress:
        if embedded:
            sources = replace(sources, node=embedded.node)
        elif node and not offline:  # also on the local network, where only a node that is named here is meant
            sources = replace(sources, node=world.node(chain))
        try:
            verdict = verify_target(target, evidence or [], policy, sources, progress=progress)
        except ClaimError:
            from .registry.check import verify_claim

            if countersignature:
                raise InputError("--countersignature is for bundles, and this is a claim") from None
            return verify_claim(terminal, settled, ledger, target, evidence or [], policy, sources, paper)
        witnessed = _countersigned(countersignature, verdict, policy, sources, progress)
    show_verdict(terminal, verdict)
    for one in witnessed:
        terminal.say("", *countersigned_sentences(one))
    if paper is not None:

        def data(made: Made, progress: Progress) -> dict[str, Any]:
            return report_on(verdict, target, evidence or [], made, witnessed=witnessed, progress=progress)

        paper.write(terminal, world.clock, data)
    terminal.document(verdict_json(verdict) | countersignatures_json(witnessed))
    return max([CODES[verdict.outcome], *map(_code, witnessed)], key=_WORST.index)


def _countersigned(
    bundles: list[Path] | None, verdict: Verdict, policy: Policy, sources: HeaderSources, progress: Progress
) -> list[Countersigned]:
    if not bundles:
        return []
    from notary.countersigning import check_countersignatures

    return check_countersignatures(bundles, verdict, policy, sources, progress)


def _code(one: Countersigned) -> ExitCode:
    return ExitCode.FAILED if one.fault else CODES[one.verdict.outcome]


def show_verdict(terminal: Terminal, verdict: Verdict) -> None:
    """The verdict in words: the answer first, then every check that was made."""
    sentences, checks, hints = verdict_sentences(verdict), check_lines(verdict), verdict_hints(verdict)
    show_answer(terminal, verdict.policy.network, verdict.outcome, sentences, checks, hints)
