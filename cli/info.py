"""`notary info`"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any

import typer

from notary.core.header import shown
from notary.core.manifest import MOMENT, Manifest
from notary.core.ots import Attestation, Kind, Proof
from notary.core.shown import shown_text
from notary.core.time_stamp import Token
from notary.core.verdict import describe_attestation
from notary.describing import Description, describe
from notary.registry.reporting_claims import claim_lines, entry_json
from notary.reporting import attestation_json, plural

from .options import Json, LedgerPath, Quiet
from .terminal import ExitCode, Terminal

ITEMS_SHOWN = 50
NOTE = "what it says of itself; nothing was checked (`notary verify` does that)"


def info(
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="A .ots or .tsr file, a bundle, a claim, or a certificate.")
    ],
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Show what a proof or a time-stamping token says, checked against nothing."""
    terminal = Terminal(json=json, quiet=quiet)
    described = describe(target, ITEMS_SHOWN)
    terminal.document(_json(described))
    terminal.say(f"{shown_text(str(target))}: {NOTE}")
    if described.certificate:
        _show_certificate(terminal, described.certificate)
    if described.manifest:
        _show_bundle(terminal, described)
    if described.claim:
        terminal.say(*claim_lines(described.claim))
    if described.token and not described.manifest:
        terminal.say(*_token_lines(described.token))
    if described.proof:
        _show_proof(terminal, described.proof)
    return ExitCode.DONE


def _show_certificate(terminal: Terminal, data: Mapping[str, Any]) -> None:
    told = (data.get(key) for key in ("number", "issued_at", "software", "statement"))
    number, issued, software, statement = (shown_text(str(one)) for one in told)
    terminal.say(f"certificate {number}, issued {issued} by {software}, which says:", f"  {statement}", "and carries:")


def _show_bundle(terminal: Terminal, described: Description) -> None:
    manifest = described.manifest
    if manifest is None:
        return
    title = [f"title     {shown_text(manifest.title)}"] if manifest.title else []
    terminal.say(
        *title,
        f"network   {shown_text(manifest.network)}",
        f"declared  {shown_text(manifest.declared_at)} by {shown_text(manifest.tool)}",
        f"root      {manifest.root.hex()}",
        *_further_lines(described, manifest),
        f"items     shows {described.shown:,} of {manifest.size:,}",
    )
    for item in described.items:
        bytes_here = "" if item.file else "  (no bytes here)"
        terminal.say(f"  {item.index:>6}  {item.digest.hex()}  {shown_text(item.label)}{bytes_here}")
    if described.shown > len(described.items):
        terminal.say(f"  and {described.shown - len(described.items):,} more")


def _further_lines(described: Description, manifest: Manifest) -> Iterator[str]:
    """Who signed, a second clock, and what came before."""
    signature, stated, named = described.signature, manifest.signer, manifest.not_before
    if signature:
        yield f"signed    with the key {signature.key.fingerprint} ({signature.algorithm})"
    elif stated:
        yield "signed    by nobody, though a key is named"
    if stated and (stated.name or stated.organisation):
        yield f"signer    {', '.join(shown_text(one) for one in (stated.name, stated.organisation) if one)} (declared)"
    if described.token:
        yield f"token     {_moment(described.token)} by {described.token.tsa_name}"
    if named:
        yield f"names     block {named.height:,} of {shown_text(named.network)}, {shown(named.hash)}"
    if manifest.previous:
        yield f"previous  {manifest.previous.hex()}"
    if described.line is not None:
        yield f"line      lists {plural(described.line, 'batch', 'batches')} before this one"


def _token_lines(token: Token) -> Iterator[str]:
    yield f"token     {_moment(token)} by {token.tsa_name}"
    yield f"over      {token.imprint_algorithm} {token.imprint.hex()}"
    yield f"policy    {token.policy}"
    yield f"serial    {token.serial:x}"
    yield f"valid     {token.not_before:{MOMENT}} to {token.not_after:{MOMENT}}, the certificate says"


def _moment(token: Token) -> str:
    return token.gen_time.astimezone(UTC).strftime(MOMENT)


def _show_proof(terminal: Terminal, proof: Proof) -> None:
    terminal.say(f"proof of  {proof.hash_name} {proof.digest.hex()}")
    for one in proof.attestations:
        terminal.say(f"  {describe_attestation(one)}", f"      {_message(one)}")


def _message(one: Attestation) -> str:
    if one.kind in (Kind.BITCOIN, Kind.LITECOIN):
        return f"merkle root {shown(one.message)}"
    return f"commitment {one.message.hex()}"


def _json(described: Description) -> dict[str, Any]:
    proof, manifest = described.proof, described.manifest
    document: dict[str, Any] = {
        "target": str(described.target),
        "kind": "bundle" if manifest else "proof" if proof else "token",
    }
    if described.claim:
        document |= {"kind": "claim", "entry": entry_json(described.claim), "entries": list(described.entries)}
    if described.certificate:
        document |= {"kind": "certificate", "certificate": described.certificate}
    if described.claim:
        return document
    network = manifest.network if manifest else "bitcoin"
    if manifest:
        named = manifest.not_before
        document |= {
            "title": manifest.title,
            "network": manifest.network,
            "declared_at": manifest.declared_at,
            "tool": manifest.tool,
            "root": manifest.root.hex(),
            "items": {"disclosed": described.shown, "of": manifest.size},
            "entries": list(described.entries),
            "signer": manifest.signer and asdict(manifest.signer),
            "fingerprint": described.signature and described.signature.key.fingerprint,
            "previous": manifest.previous and manifest.previous.hex(),
            "not_before": named and {"network": named.network, "height": named.height, "hash": shown(named.hash)},
            "line": described.line,
        }
    if manifest or described.token:
        document["token"] = described.token and _token_json(described.token)
    if proof:
        document |= {
            "hash": proof.hash_name,
            "digest": proof.digest.hex(),
            "attestations": [attestation_json(one, network) for one in proof.attestations],
        }
    return document


def _token_json(token: Token) -> dict[str, Any]:
    return {
        "authority": token.tsa_name,
        "time": _moment(token),
        "imprint_algorithm": token.imprint_algorithm,
        "imprint": token.imprint.hex(),
        "policy": token.policy,
        "serial": f"{token.serial:x}",
    }
