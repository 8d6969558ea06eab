"""`notary registry check`"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notary import limits
from notary.edges.files import read_whole
from notary.edges.header_files import open_headers
from notary.edges.pdf_reading import is_pdf
from notary.errors import InputError
from notary.registry.checking import Trusted, check_claim
from notary.registry.claim_report import claim_inputs
from notary.registry.core.certificate_verdict import CheckedClaim
from notary.registry.core.cited import Asked
from notary.registry.core.offices import check_office
from notary.registry.core.terms import real_date
from notary.registry.core.window import read_holidays
from notary.registry.reporting_certificates import checked_json, checked_report, checked_sentences
from notary.registry.reporting_claims import claim_hints
from notary.reporting import check_line

from ..answer import CODES, show_answer
from ..options import HeadersFile, InForce, Json, LedgerPath, NetworkName, NodeCookie, NodeUrl, Quiet, Require, in_force
from ..paper import CheckedBy, Paper, ReportFile, asked_paper
from ..policy import verification_demands, verification_policy
from ..terminal import ExitCode, Terminal
from .sync import registries_folder
from .trusting import RegistriesPath, trusted_registries

if TYPE_CHECKING:
    from notary.core.facts import Policy
    from notary.headers import HeaderSources
    from notary.registry.core.citation_verdict import CitationVerdict
    from notary.verifying import Progress


def check(
    claim: Annotated[
        Path | None,
        typer.Argument(
            metavar="CLAIM",
            help="A claim, as a zip or unpacked, or its certificate.",
            show_default="none: --office, --number",
        ),
    ] = None,
    document: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The package as filed: is it the one of the entry?")
    ] = None,
    later_filing: Annotated[
        str | None, typer.Option(metavar="DATE", help="When it was filed later: does that lie within the period?")
    ] = None,
    office: Annotated[
        str | None, typer.Option(metavar="XX", help="The first filing's office as it is cited (WIPO ST.3).")
    ] = None,
    number: Annotated[str | None, typer.Option(metavar="N", help="The first filing's number as it is cited.")] = None,
    filed: Annotated[str | None, typer.Option(metavar="DATE", help="The first filing's date as it is cited.")] = None,
    holidays: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Days on which the later office is closed: a date a line, # before remarks."),
    ] = None,
    registries: RegistriesPath = None,
    require: Require = None,
    offline: Annotated[bool, typer.Option("--offline", help="Contact nothing.")] = False,
    network_name: NetworkName = None,
    node: NodeUrl = None,
    node_cookie: NodeCookie = None,
    headers: HeadersFile = None,
    report: ReportFile = None,
    checked_by: CheckedBy = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check a claim of a first filing: the entry, who asserts it, since when, and the later filing's date.

    Without a claim, what is cited is looked up in the registers that `notary registry sync` has followed. The priority
    period is reported beside the verdict; whether a right follows is never said.
    """
    terminal = Terminal(json=json, quiet=quiet)
    paper = asked_paper(report, checked_by, offline=offline)
    if office is not None:
        check_office(office, "--office")
    asked = Asked(
        office,
        number,
        _day(filed, "--filed"),
        _day(later_filing, "--later-filing"),
        frozenset() if holidays is None else read_holidays(read_whole(holidays, limits.HOLIDAYS_BYTES), str(holidays)),
    )
    settled = in_force()
    trusted = trusted_registries(settled, registries)
    followed = registries_folder(settled, ledger) / "followed.db"
    if claim is None and paper is not None:
        raise InputError("--report is for claims: what was looked up is not at hand later", "--json gives it as data")
    trusted = replace(trusted, followed=followed)
    demands, settled = verification_demands(
        settled, file=settled.settings.policy, network=network_name, require=require
    )
    policy = verification_policy(demands)
    world = settled.outside(settled.ledger(ledger), node=node, node_cookie=node_cookie)
    sources = replace(
        world.headers(policy.network, offline=offline), file=None if headers is None else open_headers(headers)
    )
    if node and not offline:  # also on the local network, where only a node that is named here is meant
        sources = replace(sources, node=world.node(policy.network))
    if claim is None:
        from notary.registry.citing import Dating, check_citation

        dating = Dating(policy, sources, require is not None or policy.require > policy.network.least_trust)
        with terminal.progress("reading") as progress:
            now, trusts = world.now(), trusted.registries
            cited = check_citation(followed, trusts, document, asked, now, dating, progress=progress)
        return show_citation(terminal, cited)
    with terminal.progress("reading") as progress:
        checked = _checked(claim, document, asked, trusted, policy, sources, progress)
    inputs = claim_inputs(claim, document, trusted, holidays)
    return show_claim(terminal, checked, paper, world.clock, inputs)


def verify_claim(
    terminal: Terminal,
    settled: InForce,
    ledger: Path | None,
    target: Path,
    documents: Sequence[Path],
    policy: Policy,
    sources: HeaderSources,
    paper: Paper | None,
) -> int:
    """What `notary verify` does with a claim: the same check, with nothing asked beyond it."""
    if len(documents) > 1:
        raise InputError("a claim is about one document, as it was filed", f"notary registry check {target} --help")
    document = documents[0] if documents else None
    with terminal.progress("reading") as progress:
        followed = registries_folder(settled, ledger) / "followed.db"
        trusted = replace(trusted_registries(settled, None), followed=followed)
        checked = _checked(target, document, Asked(), trusted, policy, sources, progress)
    clock = settled.outside(settled.ledger(ledger)).clock
    return show_claim(terminal, checked, paper, clock, claim_inputs(target, document, trusted))


def _checked(
    target: Path,
    document: Path | None,
    asked: Asked,
    trusted: Trusted,
    policy: Policy,
    sources: HeaderSources,
    progress: Progress,
) -> CheckedClaim:
    """The claim, or the certificate that carries one."""
    head = b"PK" if target.is_dir() else read_whole(target, limits.PDF_HEAD_BYTES)
    if head.startswith(b"PK") or not is_pdf(head):
        return CheckedClaim(check_claim(target, document, asked, trusted, policy, sources, progress=progress))
    from notary.registry.checking_certificates import check_certificate  # what typesets is imported where it is needed

    return check_certificate(target, document, asked, trusted, policy, sources, progress=progress)


def _day(text: str | None, option: str) -> date | None:
    return None if text is None else real_date(text, option)


def show_claim(
    terminal: Terminal,
    checked: CheckedClaim,
    paper: Paper | None,
    clock: Callable[[], datetime],
    inputs: Sequence[tuple[Path, str]],
) -> ExitCode:
    """The verdict in words: the answer first, then every check; or as JSON; and on paper. Its exit code."""
    verdict = checked.verdict
    sentences, checks, hints = checked_sentences(checked), map(check_line, checked.checks), claim_hints(verdict)
    show_answer(terminal, verdict.policy.network, verdict.outcome, sentences, checks, hints)
    if paper is not None:
        paper.write(terminal, clock, lambda made, progress: checked_report(checked, inputs, made, progress))
    terminal.document(checked_json(checked))
    return CODES[verdict.outcome]


def show_citation(terminal: Terminal, verdict: CitationVerdict) -> ExitCode:
    """The same for what was looked up."""
    from notary.registry.reporting_citations import citation_hints, citation_json, citation_sentences

    sentences, checks, hints = citation_sentences(verdict), map(check_line, verdict.checks), citation_hints(verdict)
    show_answer(terminal, verdict.policy.network, verdict.outcome, sentences, checks, hints)
    terminal.document(citation_json(verdict))
    return CODES[verdict.outcome]
