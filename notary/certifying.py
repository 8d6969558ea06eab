"""Certifying: a bundle and the verdict on it → the PDF for people."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from notary import __version__, limits
from notary.certificate import DATA_NAME, FORMAT, Attached, Issue, Party, certificate, found_by
from notary.certificate_possible import refuse_impossible
from notary.certificate_reading import members_of
from notary.core.declarations import DeclarationKind
from notary.core.facts import Policy
from notary.core.manifest import MOMENT
from notary.core.verdict import Outcome, Verdict
from notary.edges.archive import NotABundleError, RefusedError, open_container
from notary.edges.files import hash_with, written_whole
from notary.edges.pdf_reading import PdfReading
from notary.edges.typesetting import attached_name
from notary.errors import EvidenceError, InputError, NotaryError, UnreadableError
from notary.headers import HeaderSources
from notary.printing import print_certificate, written_data
from notary.reporting import verdict_sentences
from notary.stating import pdf_facts, read_statement
from notary.verifying import verify

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Request:
    """How a certificate is to be: what is declared in it, and up to what size the bundle or claim goes into it."""

    issued_at: datetime
    party: Party | None = None
    matter: str | None = None
    declaration: DeclarationKind | None = None
    attach_up_to: int = limits.ATTACHED_BY_DEFAULT


@dataclass(frozen=True, slots=True)
class Certified:
    """A written certificate: where, its SHA-256, its data, and the verdict that it states."""

    path: Path
    sha256: bytes
    data: Mapping[str, Any]
    verdict: Verdict


def certify(
    bundle: Path,
    target: Path,
    request: Request,
    policy: Policy,
    sources: HeaderSources,
    *,
    evidence: Mapping[int, Path] | None = None,
    progress: Progress = lambda count: None,
) -> Certified:
    """Writes a certificate of `bundle` to `target`.

    `evidence` are files of this machine by the index of their items, where the bundle does not have them: PDF files
    among them are looked into. Raises EvidenceError where the bundle does not verify, InputError where something
    stands at `target` that is no certificate.
    """
    refuse_other_file(target, FORMAT)
    refuse_irregular(bundle)
    _refuse_what_is_no_bundle(bundle)
    before = None if bundle.is_dir() else hash_with(bundle, "sha256").hex()
    verdict = verify(bundle, [], policy, sources, progress=progress)
    if verdict.outcome is Outcome.FAILED:
        what, *more = verdict_sentences(verdict)
        raise EvidenceError(f"no certificate is made: {what}", *more)
    with open_container(bundle) as container:
        stated = read_statement(container)
        looked_into = tuple(pdf_facts(container, stated.items, evidence or {}))
    attached, content = attach(bundle, request.attach_up_to)
    if attached and attached.sha256 != before:
        raise InputError(f"{bundle}: it changes while it is read")
    found = found_by(verdict)
    issue = Issue(
        at=request.issued_at.strftime(MOMENT),
        basis="issue",
        software=f"notary {__version__}",
        matter=request.matter,
        party=request.party,
        pdf_facts=looked_into,
        bundle=attached,
        declaration=request.declaration,
    )
    refuse_impossible(stated, found, issue)
    data = certificate(stated, found, issue)
    if len(written_data(data)) > limits.CERTIFICATE_BYTES:
        raise InputError(f"{bundle}: names and descriptions are too long to be printed", "show fewer items with --only")
    pdf = print_certificate(data, request.issued_at, stated.table, content)
    with written_whole(target) as stream:
        stream.write(pdf)
    return Certified(target, hashlib.sha256(pdf).digest(), data, verdict)


def attach(bag: Path, up_to: int) -> tuple[Attached | None, bytes | None]:
    """What a certificate says of a bundle's or claim's file, and its bytes if they go into the PDF."""
    if bag.is_dir():  # an unpacked bag is no one file
        return None, None
    size, name = bag.stat().st_size, attached_name(bag.name)
    if size <= min(up_to, limits.ATTACHED_BYTES):
        content = bag.read_bytes()
        return Attached.of(name, content), content
    return Attached(name, hash_with(bag, "sha256").hex(), size, attached=False), None


def _refuse_what_is_no_bundle(bundle: Path) -> None:
    try:
        with open_container(bundle):
            return
    except RefusedError:
        return  # verification says what is wrong with it
    except NotABundleError as error:
        hint = "a certificate is made of a batch, of a bundle that `notary export` wrote, or of a claim"
        raise InputError(f"{bundle}: {error.message}", hint) from None


def refuse_irregular(bag: Path) -> None:
    """Raises UnreadableError for what is no regular file and no folder: to open a FIFO is to wait for a writer."""
    if bag.exists() and not (bag.is_file() or bag.is_dir()):
        raise UnreadableError(f"{bag}: not a regular file")


def refuse_other_file(target: Path, format_: str) -> None:
    """An older certificate of this format may be replaced; whatever else stands there may be evidence."""
    if not target.exists():
        if not target.parent.is_dir():
            raise InputError(f"{target}: there is no folder {target.parent}")
        return
    with suppress(NotaryError), PdfReading() as reading:
        if members_of(reading.attachments(target).get(DATA_NAME, b"")).get("format") == format_:
            return
    raise InputError(
        f"{target} is there already, and is no certificate of this kind: it is not overwritten",
        "give another name with -o",
    )
