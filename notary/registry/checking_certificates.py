"""Checking a claim's certificate: the claim inside is checked, and the paper is compared with it.

What is printed proves nothing: what counts is the claim. The certificate is made again from that and from its issuer's
word, and has to be the same: its data, and its pages.
"""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

from notary.certificate import Attached
from notary.certificate_reading import members_of
from notary.comparing import Carried, carried_by, compare_pages, difference, is_ours
from notary.core.facts import CertificateFacts, Policy
from notary.core.verdict import Outcome
from notary.edges.archive import NotABundleError, RefusedError, open_container
from notary.errors import FormatError, InputError, NotaryError
from notary.headers import HeaderSources
from notary.printing import print_claim_certificate
from notary.registry.checking import Trusted, check_claim
from notary.registry.claim_certificate import claim_certificate
from notary.registry.claim_certificate_reading import read_claim_found, read_claim_issue, read_claim_statement
from notary.registry.core.certificate_verdict import CheckedClaim, judge_certificate
from notary.registry.core.cited import Asked
from notary.registry.core.claim import CLAIM_FILE
from notary.verifying import Progress


def check_certificate(
    target: Path,
    document: Path | None,
    asked: Asked,
    trusted: Trusted,
    policy: Policy,
    sources: HeaderSources,
    *,
    progress: Progress = lambda count: None,
) -> CheckedClaim:
    """The verdict on the certificate at `target`, with the claim that it carries checked as `check_claim` does.

    Raises InputError where it is no certificate, or carries no claim.
    """
    with carried_by(target) as carried:
        _refuse_other_bag(carried)
        verdict = check_claim(carried.bundle, document, asked, trusted, policy, sources, progress=progress)
        compared = None if verdict.outcome is Outcome.FAILED else _compare(carried)
    return judge_certificate(replace(verdict, target=str(target)), compared)


def _refuse_other_bag(carried: Carried) -> None:
    try:
        with open_container(carried.bundle) as container:
            if CLAIM_FILE in container.numbers:
                return
    except RefusedError:
        return  # the check says what is wrong with it
    except NotABundleError as error:
        raise NotABundleError(f"{carried.pdf}: what it carries is no claim: {error.message}") from None
    raise InputError(f"{carried.pdf}: the certificate of a bundle, and of no claim", f"notary verify {carried.pdf}")


def _compare(carried: Carried) -> CertificateFacts:
    """How the certificate compares with the claim, which has been checked and is sound."""
    try:
        given = members_of(carried.data)
        found, issue = read_claim_found(given), read_claim_issue(given)
    except FormatError as error:
        return CertificateFacts(fault=error.message)
    issue = replace(issue, bundle=Attached.of(carried.bundle_name, carried.content))
    with open_container(carried.bundle) as container:
        stated = read_claim_statement(container)
    try:
        made = json.loads(json.dumps(claim_certificate(stated, found, issue)))
    except (NotaryError, ValueError) as error:
        return CertificateFacts(fault=f"no certificate says what its data say: {error}")
    if differs := difference("the claim", given, made, issue):
        return CertificateFacts(differs=differs)
    pages, uncompared = compare_pages(
        carried.pdf,
        issue,
        lambda at, only_own: print_claim_certificate(given, at, carried.content, only_own_fonts=only_own),
    )
    return CertificateFacts(
        existed_by=None if found.block.existed_by is None else date.fromisoformat(found.block.existed_by),
        block_hash=found.block.block_hash,
        height=found.block.height,
        merkle_root=found.block.merkle_root,
        network=found.network,
        block_time=found.block.block_time,
        wording_of=None if is_ours(issue) else issue.software,
        pages=pages,
        uncompared=uncompared,
    )
