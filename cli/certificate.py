"""`notary certificate`"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from notary import limits
from notary.bundling import Disclosure, chosen_items, complete_headers, export
from notary.certificate import Party, read_moment
from notary.certifying import Certified, Request, certify
from notary.core.declarations import DeclarationKind
from notary.core.header import network_named
from notary.core.shown import shown_text
from notary.core.verdict import Outcome
from notary.edges.header_files import open_headers
from notary.edges.ledger import Batch, Ledger, open_ledger
from notary.errors import InputError
from notary.registry.certifying_claims import CertifiedClaim, certify_claim, is_claim
from notary.registry.core.claim_verdict import ClaimVerdict
from notary.registry.reporting_claims import claim_hints
from notary.reporting import banner, size_text, verdict_hints

from .answer import CODES
from .options import HeadersFile, Json, LedgerPath, NetworkName, NodeCookie, NodeUrl, Quiet, Require, in_force
from .policy import PolicyPath, SignersFile, TsaRoots, verification_demands, verification_policy
from .registry.trusting import RegistriesPath, trusted_registries
from .terminal import Terminal

if TYPE_CHECKING:
    from notary.core.facts import Policy
    from notary.outside import Outside

_MEGABYTE = 10**6
_PACKED = {"bundle": "export it again", "claim": "have it anew"}


def certificate(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="BATCH|BUNDLE|CLAIM", help="The first digits of a batch's head, or a bundle's or claim's file."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The PDF to write.")],
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Of a batch, only items whose recorded paths match.", show_default="all"),
    ] = None,
    disclose: Annotated[
        Disclosure | None,
        typer.Option(help="Of a batch, what the bundle in the PDF shows of its items.", show_default="names"),
    ] = None,
    party: Annotated[str | None, typer.Option(metavar="NAME", help="Who notarized, as is declared.")] = None,
    role: Annotated[str | None, typer.Option(metavar="ROLE", help="As what, as is declared.")] = None,
    matter: Annotated[
        str | None, typer.Option(metavar="NAME", help="The matter to name.", show_default="the batch's own")
    ] = None,
    declaration: Annotated[
        DeclarationKind | None,
        typer.Option(help="Add the draft of a declaration, for a qualified person to complete.", show_default="none"),
    ] = None,
    attach_up_to: Annotated[
        float | None,
        typer.Option(metavar="MB", help="The largest bundle or claim that goes into the PDF.", show_default="about 20"),
    ] = None,
    issued_at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="To make a certificate again, byte for byte: its issue time.", show_default="now"
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
    registries: RegistriesPath = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Typeset what a batch or a bundle proves, for people, with the bundle attached.

    The bundle is verified first; one that fails gets no certificate. PDF files among the exhibits are looked into for
    what they say of themselves. Names of keys and of roots, by --signers and --tsa-roots, are printed as your own word.

    A claim of a register's entry gets one too, of what the register's keeper asserted, with the claim attached. Whose
    key that is, by --registries, is printed as your own word.
    """
    terminal = Terminal(json=json, quiet=quiet)
    settled = in_force()
    path = settled.ledger(ledger)
    clock = settled.outside(path).clock
    if role and not party:
        raise InputError("--role goes with --party")
    of_claim = Path(subject).exists() and is_claim(Path(subject), if_unclear=registries is not None)
    _refuse_strange(
        of_claim, {"--declaration": declaration, "--signers": signers, "--tsa-roots": tsa_roots}, registries
    )
    now = clock().astimezone(UTC)
    request = Request(
        now if issued_at is None else _moment(issued_at, now),
        Party(party, role) if party else None,
        matter,
        declaration,
        _most(attach_up_to),
    )

    def demanded(network: str | None) -> tuple[Policy, Outside]:
        demands, asked = verification_demands(
            settled, file=policy_file, network=network, require=require, signers=signers, tsa_roots=tsa_roots
        )
        return verification_policy(demands), asked.outside(path, node=node, node_cookie=node_cookie)

    with ExitStack() as open_files, terminal.progress("reading") as progress:
        if Path(subject).exists():
            if only or disclose:
                raise InputError("--only and --disclose are for batches: a bundle or a claim shows what it shows")
            bundle, evidence = Path(subject), {}
            policy, world = demanded(network_name)
            sources = world.headers(policy.network, offline=offline)
        else:
            opened = open_files.enter_context(open_ledger(path))
            folder = Path(open_files.enter_context(TemporaryDirectory(prefix="notary-")))
            batch = opened.find(subject)
            if network_name not in (None, batch.network):
                raise InputError(f"batch {batch.name} was made on the network {batch.network}")
            bundle = folder / f"notary-{batch.name}.zip"
            policy, world = demanded(batch.network)
            sources = world.headers(policy.network, offline=offline)
            for note in complete_headers(opened, batch, sources, world.now()):
                terminal.note(shown_text(note))
            shows = disclose or Disclosure.NAMES
            exported = export(opened, batch, bundle, only=only or (), disclosure=shows, progress=progress)
            evidence = _files(opened, batch, only or ()) if exported.items <= limits.EXHIBITS_LISTED else {}
            request = replace(request, matter=matter or batch.matter)
        sources = replace(sources, file=None if headers is None else open_headers(headers))
        certified: Certified | CertifiedClaim
        if of_claim:
            from .registry.sync import registries_folder

            followed = registries_folder(settled, ledger) / "followed.db"
            trusted = replace(trusted_registries(settled, registries), followed=followed)
            certified = certify_claim(bundle, output, request, trusted, policy, sources, progress=progress)
        else:
            certified = certify(bundle, output, request, policy, sources, evidence=evidence, progress=progress)
    _show(terminal, certified)
    return CODES[certified.verdict.outcome]


def _refuse_strange(of_claim: bool, of_bundles: Mapping[str, object], registries: Path | None) -> None:
    """Raises InputError for options that say nothing about what the certificate is of."""
    given = ", ".join(name for name, value in of_bundles.items() if value is not None)
    if of_claim and given:
        raise InputError(f"{given}: for batches and bundles, and this is a claim of a register's entry")
    if not of_claim and registries is not None:
        raise InputError("--registries is for claims: no register's key signs a batch or a bundle")


def _moment(text: str, now: datetime) -> datetime:
    moment = read_moment(text)
    if moment is None:
        raise InputError(f"--issued-at {text}: not of the form 2026-01-31T12:00:00Z")
    if moment > now:
        raise InputError(f"--issued-at {text}: that is to come")
    return moment


def _most(megabytes: float | None) -> int:
    """The size in bytes up to which a bundle is attached."""
    most = limits.ATTACHED_BYTES / _MEGABYTE
    if megabytes is None:
        return limits.ATTACHED_BY_DEFAULT
    if not 0 <= megabytes <= most:
        raise InputError(f"--attach-up-to {megabytes}: no number from 0 to {most:.0f}")
    return int(megabytes * _MEGABYTE)


def _files(ledger: Ledger, batch: Batch, only: Sequence[str]) -> dict[int, Path]:
    """Where the files of a batch's items were, by index."""
    chosen = chosen_items(ledger, batch, only)
    return {item.index: item.file for index in chosen for item in ledger.items(batch, index, 1)}


def _show(terminal: Terminal, certified: Certified | CertifiedClaim) -> None:
    data, verdict = certified.data, certified.verdict
    what = "claim" if isinstance(verdict, ClaimVerdict) else "bundle"
    if line := banner(network_named(data["network"])):
        terminal.say(line)
    terminal.say(
        f"{shown_text(str(certified.path))}: certificate {data['number']}, {verdict.outcome}",
        data["statement"],
        f"sha256 {certified.sha256.hex()}",
    )
    bag = data[what]
    if bag and not bag["attached"]:
        terminal.note(
            f"the {what}, {size_text(bag['size'])}, is not in it: it gives its name and SHA-256",
            "hint: --attach-up-to MB puts a larger one in",
        )
    if not bag:
        terminal.note(f"an unpacked bag does not go into it: zip it, or {_PACKED[what]}")
    if isinstance(verdict, ClaimVerdict):
        terminal.note(*(f"hint: {hint}" for hint in claim_hints(verdict)))
    elif verdict.outcome is Outcome.PENDING:
        terminal.note("hint: calendars need some hours; then `notary upgrade`, and make the certificate again")
    else:
        terminal.note(*(f"hint: {hint}" for hint in verdict_hints(verdict)))
    own = ("entry", "claim") if what == "claim" else ("items", "bundle", "declaration")
    terminal.document(
        {
            "certificate": str(certified.path),
            "sha256": certified.sha256.hex(),
            "number": data["number"],
            "issued_at": data["issued_at"],
            "verdict": verdict.outcome,
            "network": data["network"],
            "statement": data["statement"],
        }
        | {key: data[key] for key in own}
    )
