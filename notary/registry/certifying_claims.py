"""Certifying a claim: the verdict on it, by the registries that its issuer trusts → the PDF for people."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notary import __version__
from notary.certificate import CLAIM_FORMAT, Issue, found_block
from notary.certificate_who import list_name
from notary.certifying import Progress, Request, attach, refuse_irregular, refuse_other_file
from notary.core.check import Status
from notary.core.facts import Policy
from notary.core.manifest import MOMENT
from notary.core.verdict import Outcome
from notary.edges.archive import open_container
from notary.edges.files import hash_with, written_whole
from notary.errors import EvidenceError, InputError, NotaryError
from notary.headers import HeaderSources
from notary.printing import print_claim_certificate
from notary.registry.checking import Trusted, check_claim
from notary.registry.claim_certificate import ClaimFound, ClaimStatement, Missing, Signer, claim_certificate
from notary.registry.claim_certificate_reading import read_claim_statement
from notary.registry.core.cited import Asked
from notary.registry.core.claim import CLAIM_FILE
from notary.registry.core.claim_verdict import ClaimVerdict
from notary.registry.reporting_claims import claim_sentences


@dataclass(frozen=True, slots=True)
class CertifiedClaim:
    """A written certificate of a claim: where, its SHA-256, its data, and the verdict that it states."""

    path: Path
    sha256: bytes
    data: Mapping[str, Any]
    verdict: ClaimVerdict


def is_claim(path: Path, *, if_unclear: bool) -> bool:
    """Whether the container at `path` holds a claim; `if_unclear` where there is none that can be read.

    Raises UnreadableError for what is no regular file and no folder.
    """
    refuse_irregular(path)
    with suppress(NotaryError), open_container(path) as container:
        return CLAIM_FILE in container.numbers
    return if_unclear


def certify_claim(
    claim: Path,
    target: Path,
    request: Request,
    trusted: Trusted,
    policy: Policy,
    sources: HeaderSources,
    *,
    progress: Progress = lambda count: None,
) -> CertifiedClaim:
    """Writes a certificate of `claim` to `target`, on the word of whoever trusts `trusted`.

    Raises EvidenceError where the claim fails, InputError where something stands at `target` that is no certificate of
    a claim.
    """
    refuse_other_file(target, CLAIM_FORMAT)
    before = None if claim.is_dir() else hash_with(claim, "sha256").hex()
    verdict = check_claim(claim, None, Asked(), trusted, policy, sources, progress=progress)
    if verdict.outcome is Outcome.FAILED:
        what, *more = claim_sentences(verdict)
        raise EvidenceError(f"no certificate is made: {what}", *more)
    if verdict.check(7).status is Status.PASSED and verdict.signed_by is None:
        seen = "its checkpoint is signed by an earlier key, and verified only by what you follow yourself"
        raise InputError(f"{claim}: {seen}", "have a claim on a checkpoint of the key in force from the keeper")
    with open_container(claim) as container:
        stated = read_claim_statement(container)
    attached, content = attach(claim, request.attach_up_to)
    if attached and attached.sha256 != before:
        raise InputError(f"{claim}: it changes while it is read")
    found = _found(verdict, stated, trusted)
    issue = Issue(
        request.issued_at.strftime(MOMENT),
        "issue",
        f"notary {__version__}",
        request.matter,
        request.party,
        bundle=attached,
    )
    data = claim_certificate(stated, found, issue)
    pdf = print_claim_certificate(data, request.issued_at, content)
    with written_whole(target) as stream:
        stream.write(pdf)
    return CertifiedClaim(target, hashlib.sha256(pdf).digest(), data, verdict)


def _found(verdict: ClaimVerdict, stated: ClaimStatement, trusted: Trusted) -> ClaimFound:
    """What a verdict found, with the key that signed."""
    return ClaimFound(
        found_block(verdict.outcome, verdict.block),
        stated.network or verdict.policy.network.name,
        tuple(_missing(verdict)),
        _signer(verdict, trusted),
    )


def _missing(verdict: ClaimVerdict) -> Iterator[Missing]:
    registry = verdict.registry
    if verdict.outcome is Outcome.VERIFIED:
        return
    if registry is None or verdict.check(7).status is Status.SKIPPED:
        yield Missing.KEY
    elif verdict.cosigned < registry.quorum:
        yield Missing.WITNESSES
    if verdict.is_in_doubt:
        yield Missing.DOUBT
    if verdict.is_promised:
        yield Missing.PROMISED
    elif verdict.block is None or verdict.trust < verdict.policy.least:
        yield Missing.BLOCK


def _signer(verdict: ClaimVerdict, trusted: Trusted) -> Signer | None:
    registry, key = verdict.registry, verdict.signed_by
    if registry is None or key is None or verdict.asserted_by is None:
        return None
    is_later = verdict.keys.index(key) > verdict.keys.index(registry.key)
    return Signer(
        key,
        list_name(trusted.file.name),
        verdict.asserted_by,
        registry.key if is_later else None,
        registry.key if key != registry.key and not is_later else None,
        registry.witnesses,
        registry.quorum,
    )
