"""Results in words and as JSON. Every sentence that a person reads about a proof stands here.

Text from outside (names of files, titles) is shown with control and direction characters escaped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import log2
from typing import TYPE_CHECKING, Any

from notary.core.check import NOT_IN_A_PROOF, OF_CERTIFICATES, Check, Status
from notary.core.header import NETWORKS, Network, Trust, shown, work
from notary.core.openssh import read_public_key
from notary.core.ots import Attestation, Kind
from notary.core.shown import shown_text
from notary.reporting_who import beginning_json, further_sentences, signature_json, token_json

if TYPE_CHECKING:
    from notary.core.block import Block
    from notary.core.verdict import Verdict
    from notary.edges.ledger import Batch, Event, Submission
    from notary.registry.core.claim_verdict import ClaimVerdict

TRUST_WORDS = {
    Trust.NONE: "nothing ties the header at hand to the chain",
    Trust.WORK: "the block's own proof of work was checked, not its place in the chain",
    Trust.CHECKPOINT: "linked to a checkpoint in this release",
    Trust.EXPLORERS: "given alike by as many block explorers as have to agree",
    Trust.CHAIN: "it stands in the chain of most work that this machine has downloaded from peers and validated",
    Trust.NODE: "confirmed by your own Bitcoin node",
}

NODE_OF_TEST_NETWORK = "confirmed by the test network's own node"

FAILURE_WORDS = {
    1: "it is not a sound bundle, and nothing in it was looked at further",
    2: "it was changed after it was made, or damaged",
    3: "its manifest cannot be read",
    4: "a file is not what was stamped",
    5: "a record is not as records are",
    6: "its items are not those that the manifest commits to",
    7: "its signature is wrong, or not one that is asked for",
    8: "its proof is of something else",
    9: "its TSA token is wrong, or not one that is asked for",
    10: "its proof cannot be followed",
    11: "the block does not bear the proof out",
    12: "the block is not where it should be in the chain",
    13: "the block that its manifest names is not where the manifest says",
    14: "the certificate does not say what the bundle in it gives",
    15: "its printed pages are not those of its data",
    16: "the batches that it lists before its own are not those that were anchored",
}
"""What a failed check means, by its number."""

NOT_PROVEN = (
    "It does not prove who wrote, owns or invented anything, that the content is true or new, or that no earlier"
    " version exists."
)

NOT_CLAIMED = (
    "who wrote, invented or owns anything in the files",
    "that anything in them is true, new, complete or lawfully acquired",
    "when they were made: they may be older than the date that is given, and an earlier version of them may exist",
    "that anything was published, or was kept confidential",
    "that names, dates, custodians and other declared facts are true",
    "a right of any kind, such as a right of priority",
    "that a court or an office will admit it; it is no qualified electronic time stamp (eIDAS)",
)
"""What no certificate and no report claims (DESIGN section 10)."""


def plural(count: int, thing: str, things: str | None = None) -> str:
    return f"{count:,} {thing if count == 1 else things or f'{thing}s'}"


def size_text(count: int) -> str:
    """A number of bytes as people say it, in powers of 1,000."""
    amount, units = float(count), iter(("bytes", "kB", "MB", "GB", "TB"))
    unit = next(units)
    while amount >= 1000 and unit != "TB":
        amount, unit = amount / 1000, next(units)
    return f"{count:,} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"


def banner(network: Network) -> str | None:
    """What stands above everything about a test network."""
    return f"TEST NETWORK {network.name}: its blocks cost nothing, so this proves nothing." if network.is_test else None


# -- verdicts -------------------------------------------------------------------------------------------------------


def verdict_sentences(verdict: Verdict) -> Iterator[str]:
    """The answer: what existed no later than when, on what trust; or what is wrong, or missing."""
    from notary.core.verdict import Outcome

    subject = _subject(verdict)
    match verdict.outcome:
        case Outcome.VERIFIED if verdict.block:
            how = "existed, byte for byte," if verdict.files.matched else "existed"
            yield f"{subject} {how} no later than {verdict.block.existed_by} (UTC)."
            block = block_text(verdict)
            yield f"{block[:1].upper()}{block[1:]}; {trust_text(verdict)}."
            yield from further_sentences(verdict)
            if verdict.is_of_certificate:
                yield "That is what the bundle in it gives; printed text proves nothing by itself."
                yield from _not_compared(verdict)
            yield NOT_PROVEN
        case Outcome.PENDING:
            yield f"{subject.removesuffix(',')}: sound so far, but no block attests it yet."
            if verdict.calendars:
                yield f"Promised by {', '.join(verdict.calendars)}."
        case Outcome.FAILED:
            failed = verdict.first(Status.FAILED)
            if failed:
                yield f"{shown_text(verdict.target)}: {FAILURE_WORDS[failed.number]}."
                yield f"Check {failed.number}, {failed.name}. Found: {shown_text(failed.found)}"
                yield f"Expected: {shown_text(failed.expected)}"
                if failed.number in OF_CERTIFICATES:
                    yield from _bundle_in_certificate(verdict)
        case _:
            yield f"{subject.removesuffix(',')}: {unconfirmed_text(verdict)}."
            yield from (f"Tried: {shown_text(why)}." for why in verdict.tried)


def _bundle_in_certificate(verdict: Verdict) -> Iterator[str]:
    """What holds of the bundle, where only the certificate around it is wrong."""
    yield "Printed text proves nothing by itself: go by the bundle that is attached, not by what this paper says."
    if verdict.block and verdict.trust >= verdict.policy.least:
        count = plural(verdict.files.disclosed, "file")
        yield f"That bundle is sound: {count} existed no later than {verdict.block.existed_by} (UTC)."


def _not_compared(verdict: Verdict) -> Iterator[str]:
    """What of a certificate may say anything."""
    for number, what in ((14, "All that the certificate says"), (15, "What is printed on its pages")):
        check = verdict.check(number)
        if check.status is Status.SKIPPED:
            yield f"{what} was NOT compared with it: {shown_text(check.found)}."


def _subject(verdict: Verdict) -> str:
    """What the sentence is about. Bytes that nobody looked at are spoken of by their digests."""
    files, name = verdict.files, shown_text(verdict.subject)
    if verdict.check(1).status is not Status.PASSED:
        return name
    count = (
        f"{files.disclosed:,} of a batch's {files.of:,} files" if files.disclosed < files.of else f"{files.of:,} files"
    )
    if files.of == 1:
        count = "1 file"
    if not files.matched:
        return f"the digests of {count}, as {name} gives them,"
    which = f"{count}, shown by {name}"
    return f"{which}," if files.matched == files.disclosed else f"{which} ({files.matched:,} of them at hand),"


def block_text(verdict: Verdict | ClaimVerdict) -> str:
    """The attesting block, by its number and its chain."""
    height = verdict.block.height if verdict.block else 0
    network = verdict.policy.network
    return (
        f"Bitcoin block {height:,}" if not network.is_test else f"block {height:,} of the test network {network.name}"
    )


def trust_text(verdict: Verdict | ClaimVerdict) -> str:
    """How the block was confirmed, or how far that went."""
    if verdict.policy.network.is_test and verdict.trust is Trust.NODE:
        return NODE_OF_TEST_NETWORK
    if verdict.trust is Trust.EXPLORERS and verdict.block:
        return f"given alike by {verdict.block.source}"
    if verdict.trust is Trust.WORK and verdict.block and not verdict.policy.network.is_test:
        hashes = log2(work(verdict.block.header.bits))
        return f"{TRUST_WORDS[Trust.WORK]}; to forge such a block takes about 2^{hashes:.0f} hashes"
    return TRUST_WORDS[verdict.trust]


def unconfirmed_text(verdict: Verdict | ClaimVerdict) -> str:
    """Why no block that the proof names counts."""
    if verdict.made_on not in (None, verdict.policy.network.name):
        return f"made on the network {verdict.made_on}, not on {verdict.policy.network.name}; it proves nothing here"
    for number in (10, 11):
        check = verdict.check(number)
        if check.status is Status.SKIPPED:
            return f"attested, but not confirmed: {shown_text(check.found)}"
    asked = f"at least {verdict.policy.least.word} is asked for ({shown_text(verdict.check(12).found)})"
    return f"attested by {block_text(verdict)}, but not confirmed: {trust_text(verdict)}, and {asked}"


def verdict_hints(verdict: Verdict) -> Iterator[str]:
    """What the verifier may do next."""
    from notary.core.verdict import Outcome

    made_on = verdict.made_on
    if verdict.outcome is Outcome.PENDING:
        is_proof = verdict.check(1).found == NOT_IN_A_PROOF
        next_step = (
            f"`notary upgrade {verdict.target}`" if is_proof else "`notary upgrade`, then export the batch again"
        )
        yield f"calendars need some hours; then {next_step}"
    elif verdict.outcome is Outcome.UNCONFIRMED and made_on != verdict.policy.network.name and made_on in NETWORKS:
        yield f"--network {made_on} verifies it there"
    elif verdict.outcome is Outcome.UNCONFIRMED:
        if verdict.policy.network.name == "bitcoin":
            yield "`notary headers sync` downloads the chain's headers, which takes minutes; then verify again"
        yield "a Bitcoin node of yours confirms it: --node http://HOST:8332"


def check_lines(verdict: Verdict) -> Iterator[str]:
    """The numbered checks that this kind of target has, one a line."""
    for check in verdict.checks:
        if check.found == NOT_IN_A_PROOF:
            continue
        yield check_line(check)


def check_line(check: Check) -> str:
    found = shown_text(check.found)
    if check.status is Status.FAILED:
        found = f"{found}; expected: {shown_text(check.expected)}"
    return f"{check.number:>4} {check.name:<22} {check.status:<8} {found}"


def check_json(check: Check) -> dict[str, Any]:
    return {
        "number": check.number,
        "name": check.name,
        "status": check.status,
        "expected": check.expected,
        "found": check.found,
    }


def block_json(block: Block, network: Network) -> dict[str, Any]:
    return {
        "network": network.name,
        "height": block.height,
        "block_hash": block.header.shown_hash,
        "block_time": block.time,
        "source": block.source,
    }


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    block, files = verdict.block, verdict.files
    return {
        "verdict": verdict.outcome,
        "target": verdict.target,
        "network": verdict.policy.network.name,
        "test_network": verdict.policy.network.is_test,
        "trust": verdict.trust.word,
        "trust_meaning": trust_text(verdict) if verdict.block else None,
        "required_trust": verdict.policy.require.word,
        "existed_by": verdict.existed_by and verdict.existed_by.isoformat(),
        "sentences": list(verdict_sentences(verdict)),
        "attestation": block and block_json(block, verdict.policy.network),
        "head": verdict.head and verdict.head.hex(),
        "signature": signature_json(verdict),
        "token": token_json(verdict),
        "not_before": beginning_json(verdict),
        "previous": verdict.manifest and verdict.manifest.previous and verdict.manifest.previous.hex(),
        "tried": list(verdict.tried),
        "checks": list(map(check_json, verdict.checks)),
        "items": {
            "disclosed": files.disclosed,
            "of": files.of,
            "matched": files.matched,
            "failed": files.faults.count,
        },
    }


# -- batches --------------------------------------------------------------------------------------------------------


def attestation_json(one: Attestation, network: str) -> dict[str, Any]:
    """One attestation. A block's carries the merkle root that the proof leads to, as explorers show it."""
    if one.kind is Kind.BITCOIN:
        return {"network": network, "height": one.height, "merkle_root": shown(one.message)}
    members: dict[str, Any] = {"kind": one.kind.value, "commitment": one.message.hex()}
    if one.uri is not None:
        members["calendar"] = one.uri
    if one.height is not None:
        members["height"] = one.height
    return members


def batch_json(batch: Batch, attestations: tuple[Attestation, ...]) -> dict[str, Any]:
    return {
        "batch": batch.name,
        "head": batch.head.hex(),
        "root": batch.root.hex(),
        "items": batch.size,
        "bytes": batch.total_bytes,
        "network": batch.network,
        "title": batch.title,
        "matter": batch.matter,
        "declared_at": batch.declared_at,
        "status": batch.status,
        "signer": batch.signer,
        "fingerprint": batch.signer and read_public_key(batch.signer).fingerprint,
        "previous": batch.previous and batch.previous.hex(),
        "token": {"authority": batch.authority, "obtained": batch.token is not None} if batch.authority else None,
        "attestations": [attestation_json(one, batch.network) for one in attestations if one.kind is Kind.BITCOIN],
    }


def submission_json(one: Submission) -> dict[str, Any]:
    return {"calendar": one.calendar, "accepted": one.accepted, "answer": one.answer}


def event_json(one: Event) -> dict[str, Any]:
    return {"at": one.at, "kind": one.kind, "detail": json.loads(one.detail)}


def attested_text(attestations: tuple[Attestation, ...], network: Network) -> str:
    """The blocks that a proof names, in words."""
    blocks = sorted({one.height for one in attestations if one.kind is Kind.BITCOIN and one.height is not None})
    chain = "Bitcoin" if not network.is_test else network.name
    return ", ".join(f"{chain} block {height:,}" for height in blocks)


def as_json(document: Mapping[str, Any]) -> str:
    """One JSON document, in ASCII, so that names that are no text survive any pipe."""
    return json.dumps(document, indent=2)
