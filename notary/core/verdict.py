"""From what was gathered to named checks and a verdict (DESIGN section 4). Pure: it decides, others fetch.

The verdict is `failed` if any check failed; `pending` if all is sound but no block attests it yet; `verified` if one
does, with the trust that is asked for; else `unconfirmed`. An attestation behind a broken hash counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from notary.core.block import Block, find_block
from notary.core.check import NOT_IN_A_PROOF, OF_CERTIFICATES, Check, Status, failed, passed, skipped
from notary.core.facts import BundleFacts, Facts, Files, Policy, SeenItem
from notary.core.header import Network, Trust
from notary.core.manifest import Manifest
from notary.core.not_before import Beginning, find_beginning
from notary.core.ots import BROKEN_HASHES, Attestation, Kind, Proof
from notary.core.paper import compare_data, compare_pages

if TYPE_CHECKING:
    from notary.core.signed_by import SignedBy
    from notary.core.stamped_by import StampedBy

_ISSUERS_WORD = "time of issue, party, matter, how blocks were confirmed, whose keys and roots it names"


class Outcome(StrEnum):
    VERIFIED = "verified"
    PENDING = "pending"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, with all that led to it.

    `block` is set where a header bears the attestation out; `tried` says of sources why they did not help; `items` are
    the first that it is about.
    """

    target: str
    subject: str
    outcome: Outcome
    policy: Policy
    made_on: str | None
    checks: tuple[Check, ...]
    files: Files
    block: Block | None
    calendars: tuple[str, ...]
    tried: tuple[str, ...]
    items: tuple[SeenItem, ...] = ()
    manifest: Manifest | None = None
    head: bytes | None = None
    signed_by: SignedBy | None = None
    stamped_by: StampedBy | None = None
    beginning: Beginning | None = None

    @property
    def trust(self) -> Trust:
        return self.block.trust if self.block else Trust.NONE

    @property
    def existed_by(self) -> date | None:
        """The day that the verdict stands for: none unless it is `verified`."""
        return self.block.existed_by if self.block and self.outcome is Outcome.VERIFIED else None

    @property
    def is_of_certificate(self) -> bool:
        return any(check.number in OF_CERTIFICATES for check in self.checks)

    def check(self, number: int) -> Check:
        return next(check for check in self.checks if check.number == number)

    def first(self, status: Status) -> Check | None:
        return next((check for check in self.checks if check.status is status), None)


@dataclass(frozen=True, slots=True)
class FoundAnchor:
    """Where a proof leads (checks 10 to 12): `anchor` is the block, if it has the trust that is asked for.

    `is_promised` where only calendars speak for it yet.
    """

    checks: tuple[Check, ...]
    block: Block | None
    anchor: Block | None
    is_promised: bool
    calendars: tuple[str, ...]

    def outcome(self, checks: Iterable[Check]) -> Outcome:
        """What these, which are all the checks that count, come to with this anchor."""
        if any(check.status is Status.FAILED for check in checks):
            return Outcome.FAILED
        if self.is_promised:
            return Outcome.PENDING
        return Outcome.UNCONFIRMED if self.anchor is None else Outcome.VERIFIED


def find_anchor(facts: Facts, made_on: str | None, policy: Policy) -> FoundAnchor:
    """The anchor of the proof in `facts`, which was made on the network `made_on`, if that is known."""
    proof = facts.proof
    counted = tuple(one for one in proof.attestations if not one.hashes & BROKEN_HASHES) if proof else ()
    blocks = tuple(one for one in counted if one.kind is Kind.BITCOIN)
    block = None
    if made_on in (None, policy.network.name):
        block, header_checks = find_block(facts, blocks, policy)
    else:
        header_checks = _other_network(made_on, policy.network.name)
    return FoundAnchor(
        (_path(facts, counted, policy.network), *header_checks),
        block,
        block if block and block.trust >= policy.least else None,
        not blocks and any(one.kind is Kind.PENDING for one in counted),
        tuple(dict.fromkeys(one.uri or "" for one in proof.of_kind(Kind.PENDING))) if proof else (),
    )


def judge(facts: Facts, policy: Policy) -> Verdict:
    """The verdict on `facts` under `policy`."""
    bundle, proof = facts.bundle, facts.proof
    checks = _bundle_checks(facts, bundle) if bundle else [_files(facts.files), *_not_in_a_proof(policy)]
    made_on = bundle.manifest.network if bundle and bundle.manifest else None
    found = find_anchor(facts, made_on, policy)
    block, anchor = found.block, found.anchor
    checks += found.checks
    signed_by, stamped_by, beginning = None, None, None
    if bundle and bundle.manifest and bundle.manifest.not_before:
        beginning, check = find_beginning(facts, bundle.manifest.not_before, anchor, policy)
        checks.append(check)
    else:
        checks.append(skipped(13, "the manifest names no earlier block" if bundle else NOT_IN_A_PROOF))
    if bundle and bundle.container_fault is None:
        # Only where there may be one to judge: what an export has to import is a third of its time.
        from notary.core.signed_by import find_signer
        from notary.core.stamped_by import find_authority

        signed_by, signature_check = find_signer(bundle, anchor, policy.who)
        stamped_by, token_check = find_authority(bundle, proof, anchor, beginning, policy.clock)
        checks += [signature_check, token_check]
    if bundle and (bundle.line or bundle.line_fault):
        checks.append(_line(bundle))
    if facts.certificate:
        data = compare_data(14, "the bundle", facts.certificate, block, beginning, _ISSUERS_WORD)
        checks += [data, compare_pages(15, facts.certificate)]
    ordered = tuple(sorted(checks, key=lambda check: check.number))
    return Verdict(
        facts.target,
        facts.subject,
        found.outcome(checks),
        policy,
        made_on,
        ordered,
        facts.files,
        block,
        found.calendars,
        facts.unreachable,
        facts.items,
        bundle.manifest if bundle else None,
        bundle.head if bundle else None,
        signed_by,
        stamped_by,
        beginning,
    )


def _not_in_a_proof(policy: Policy) -> list[Check]:
    """Skipped, but for what the policy demands: else a bundle without its signature would do as a plain proof."""
    checks = [skipped(number, NOT_IN_A_PROOF) for number in (1, 2, 3, 5, 6, 8)]
    for number, what, is_demanded in (
        (7, "a signature", policy.who.is_required or bool(policy.who.required)),
        (9, "a token", policy.clock.is_required),
    ):
        demanded = failed(number, f"{what}: your policy demands one", "a plain proof has none; give the bundle")
        checks.append(demanded if is_demanded else skipped(number, NOT_IN_A_PROOF))
    return checks


def _bundle_checks(facts: Facts, bundle: BundleFacts) -> list[Check]:
    if bundle.container_fault is not None:
        rest = (2, 3, 4, 5, 6, 7, 8, 9)
        return [
            container_check(bundle),
            *(skipped(number, "the container was refused") for number in rest),
        ]
    return [
        container_check(bundle),
        bag_check(bundle),
        _manifest(bundle),
        _files(facts.files),
        _records(facts.files, bundle),
        _tree(bundle),
        _head(bundle, facts.proof),
    ]


def container_check(bundle: BundleFacts) -> Check:  # check 1
    expected = "one BagIt bag in a plain zip or folder"
    if bundle.container_fault is not None:
        return failed(1, expected, bundle.container_fault)
    return passed(1, expected, f"{bundle.entries:,} entries, none refused")


def bag_check(bundle: BundleFacts) -> Check:  # check 2
    expected = "every file as manifest-sha256.txt and tagmanifest-sha256.txt list it"
    return failed(2, expected, bundle.bag.describe()) if bundle.bag.count else passed(2, expected, "all agree")


def _manifest(bundle: BundleFacts) -> Check:  # check 3
    expected = "a manifest of format notary/v1"
    if bundle.manifest is None:
        return failed(3, expected, bundle.manifest_fault or "none")
    manifest = bundle.manifest
    return passed(3, expected, f"{manifest.size:,} items, network {manifest.network}, declared {manifest.declared_at}")


def _files(files: Files) -> Check:  # check 4
    expected = "every file at hand has the digest that was stamped"
    if files.faults.count:
        first = files.faults.listed[0]
        return failed(4, f"{first.name}: {first.expected}", files.faults.describe())
    if not files.matched:
        return skipped(4, "no file is at hand: only digests were checked", expected)
    extra = f"; {files.extra:,} other files are not in it" if files.extra else ""
    return passed(4, expected, f"{files.matched:,} of {files.disclosed:,} disclosed items match{extra}")


def _records(files: Files, bundle: BundleFacts) -> Check:  # check 5
    expected = "records of known keys, with paths that stay in their folder"
    if bundle.records.count:
        return failed(5, expected, bundle.records.describe())
    if not files.named:
        return skipped(5, "names are withheld", expected)
    return passed(5, expected, f"{files.named:,} {'record' if files.named == 1 else 'records'}")


def _tree(bundle: BundleFacts) -> Check:  # check 6
    if bundle.manifest is None:
        return skipped(6, "there is no manifest to compare with")
    expected = f"root {bundle.manifest.root.hex()} over {bundle.manifest.size:,} items"
    if bundle.root is None:
        return failed(6, expected, bundle.tree_fault or "no root")
    if bundle.root != bundle.manifest.root:
        return failed(6, expected, f"root {bundle.root.hex()}")
    return passed(6, expected, "the same root, recomputed")


def _head(bundle: BundleFacts, proof: Proof | None) -> Check:  # check 8
    if bundle.head is None:
        return skipped(8, "there is no manifest to make a head from")
    expected = f"a proof of the head {bundle.head.hex()}"
    if proof is None:
        return skipped(8, "there is no proof to compare with", expected)
    if (proof.hash_name, proof.digest) != ("sha256", bundle.head):
        return failed(8, expected, f"a proof of {proof.digest.hex()}")
    return passed(8, expected, "the same head, recomputed")


def _path(facts: Facts, counted: Sequence[Attestation], network: Network) -> Check:  # check 10
    expected = "operations that lead to an attestation"
    proof = facts.proof
    if proof is None:
        if facts.bundle and facts.bundle.container_fault is not None:
            return skipped(10, "the container was refused")
        return failed(10, expected, facts.proof_fault or "no proof")
    blocks_first = sorted(proof.attestations, key=lambda one: (one.kind is Kind.PENDING, one.height or 0))
    found = "; ".join(dict.fromkeys(describe_attestation(one, network) for one in blocks_first))
    if not counted:
        broken = ", ".join(sorted(BROKEN_HASHES & frozenset().union(*(one.hashes for one in proof.attestations))))
        why = f"two different files can be made with one {broken} digest, so it does not tell which one existed"
        return skipped(10, f"{why} (not counted: {found})", "operations without a broken hash")
    return passed(10, expected, found)


def describe_attestation(one: Attestation, network: Network | None = None) -> str:
    """One attestation in words, as a report names it; on a test network its blocks are not Bitcoin's."""
    match one.kind:
        case Kind.BITCOIN:
            is_test = network is not None and network.is_test
            return f"block {one.height:,} of the test network" if is_test else f"Bitcoin block {one.height:,}"
        case Kind.PENDING:
            return f"pending at {one.uri}"
        case Kind.LITECOIN | Kind.ETHEREUM:
            return f"{one.kind.value.capitalize()} block {one.height:,} (not checked by notary)"
    return f"an attestation of unknown kind {one.tag.hex()}"


def _line(bundle: BundleFacts) -> Check:  # check 16
    expected = "batches each of which names the head of the one before it"
    line = bundle.line
    if line is None:
        return failed(16, expected, bundle.line_fault or "none")
    if not line.count and line.missing is None:
        return passed(16, expected, "it is the first batch of its line")
    found = f"{line.count:,} before this one"
    if line.since is not None:
        found += f", the oldest declared {line.since}"
    if line.missing is not None:
        return skipped(16, f"{found}; it names {line.missing.hex()[:12]} before it, which is not listed", expected)
    return passed(16, expected, f"{found}, which names none before it")


def _other_network(made_on: str, wanted: str) -> tuple[Check, Check]:
    why = f"made on the network {made_on}, which counts only if asked for; asked for: {wanted}"
    return skipped(11, why), skipped(12, why)
