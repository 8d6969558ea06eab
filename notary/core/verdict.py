"""From what was gathered to named checks and a verdict (DESIGN section 4). Pure: it decides, others fetch.

The checks, by number:

     1 container               8 head
     2 bag manifests           9 TSA token
     3 manifest               10 OpenTimestamps path
     4 files against digests  11 block header (merkle root, proof of work)
     5 records                12 header's place in the chain
     6 tree, root and size    13 not-before
     7 signature

The verdict is `failed` if any check failed; `pending` if all is sound but no block attests it yet; `verified` if one
does, with the trust that is asked for; else `unconfirmed`. An attestation behind a broken hash counts for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from notary.core.facts import BundleFacts, Facts, Files, Policy, Sighting
from notary.core.header import (
    Header,
    Network,
    Trust,
    block_time,
    existed_by,
    has_work,
    shown,
    target,
)
from notary.core.merkle import steps_to_seal
from notary.core.ots import BROKEN_HASHES, Attestation, Kind, Proof, leading_steps


class Status(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Outcome(StrEnum):
    VERIFIED = "verified"
    PENDING = "pending"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"


NAMES = {
    1: "container",
    2: "bag manifests",
    3: "manifest",
    4: "files against digests",
    5: "records",
    6: "tree, root and size",
    7: "signature",
    8: "head",
    9: "TSA token",
    10: "OpenTimestamps path",
    11: "block header",
    12: "place in the chain",
    13: "not before",
}


NOT_IN_A_PROOF = "not part of a plain proof"


@dataclass(frozen=True, slots=True)
class Check:
    """One numbered check: what was expected, what was found."""

    number: int
    status: Status
    expected: str
    found: str

    @property
    def name(self) -> str:
        return NAMES[self.number]


@dataclass(frozen=True, slots=True)
class Block:
    """The attesting block, and what is claimed from it."""

    height: int
    header: Header
    trust: Trust
    source: str
    existed_by: date

    @property
    def time(self) -> str:
        return block_time(self.header)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, with all that led to it. `block` is set where a header bears the attestation out."""

    target: str
    subject: str
    outcome: Outcome
    policy: Policy
    made_on: str | None
    checks: tuple[Check, ...]
    files: Files
    block: Block | None
    calendars: tuple[str, ...]

    @property
    def trust(self) -> Trust:
        return self.block.trust if self.block else Trust.NONE

    @property
    def existed_by(self) -> date | None:
        """The day that the verdict stands for: none unless it is `verified`."""
        return self.block.existed_by if self.block and self.outcome is Outcome.VERIFIED else None

    def check(self, number: int) -> Check:
        return next(check for check in self.checks if check.number == number)

    def first(self, status: Status) -> Check | None:
        return next((check for check in self.checks if check.status is status), None)


def judge(facts: Facts, policy: Policy) -> Verdict:
    """The verdict on `facts` under `policy`."""
    bundle, proof = facts.bundle, facts.proof
    checks = _bundle_checks(facts, bundle) if bundle else [_files(facts.files), *_not_in_a_proof()]
    made_on = bundle.manifest.network if bundle and bundle.manifest else None
    counted = tuple(one for one in proof.attestations if not one.hashes & BROKEN_HASHES) if proof else ()
    blocks = tuple(one for one in counted if one.kind is Kind.BITCOIN)
    checks.append(_path(facts, counted))
    block = None
    if made_on in (None, policy.network.name):
        block, header_checks = _block(facts, blocks, policy)
    else:
        header_checks = _other_network(made_on, policy.network.name)
    checks += [*header_checks, _not_before(bundle)]
    if any(check.status is Status.FAILED for check in checks):
        outcome = Outcome.FAILED
    elif not blocks and any(one.kind is Kind.PENDING for one in counted):
        outcome = Outcome.PENDING
    elif block is None or block.trust < policy.least:
        outcome = Outcome.UNCONFIRMED
    else:
        outcome = Outcome.VERIFIED
    calendars = tuple(dict.fromkeys(one.uri or "" for one in proof.of_kind(Kind.PENDING))) if proof else ()
    ordered = tuple(sorted(checks, key=lambda check: check.number))
    return Verdict(facts.target, facts.subject, outcome, policy, made_on, ordered, facts.files, block, calendars)


def _passed(number: int, expected: str, found: str) -> Check:
    return Check(number, Status.PASSED, expected, found)


def _failed(number: int, expected: str, found: str) -> Check:
    return Check(number, Status.FAILED, expected, found)


def _skipped(number: int, found: str, expected: str = "") -> Check:
    return Check(number, Status.SKIPPED, expected, found)


def _not_in_a_proof() -> list[Check]:
    return [_skipped(number, NOT_IN_A_PROOF) for number in (1, 2, 3, 5, 6, 7, 8, 9)]


def _bundle_checks(facts: Facts, bundle: BundleFacts) -> list[Check]:
    if bundle.container_fault is not None:
        rest = (2, 3, 4, 5, 6, 7, 8, 9)
        return [
            _failed(1, "one BagIt bag in a plain zip or folder", bundle.container_fault),
            *(_skipped(number, "the container was refused") for number in rest),
        ]
    return [
        _passed(1, "one BagIt bag in a plain zip or folder", f"{bundle.entries:,} entries, none refused"),
        _bag(bundle),
        _manifest(bundle),
        _files(facts.files),
        _records(facts.files, bundle),
        _tree(bundle),
        _signature(bundle),
        _head(bundle, facts.proof),
        _token(bundle, facts.proof),
    ]


def _bag(bundle: BundleFacts) -> Check:  # check 2
    expected = "every file as manifest-sha256.txt and tagmanifest-sha256.txt list it"
    return _failed(2, expected, bundle.bag.describe()) if bundle.bag.count else _passed(2, expected, "all agree")


def _manifest(bundle: BundleFacts) -> Check:  # check 3
    expected = "a manifest of format notary/v1"
    if bundle.manifest is None:
        return _failed(3, expected, bundle.manifest_fault or "none")
    manifest = bundle.manifest
    return _passed(3, expected, f"{manifest.size:,} items, network {manifest.network}, declared {manifest.declared_at}")


def _files(files: Files) -> Check:  # check 4
    expected = "every file at hand has the digest that was stamped"
    if files.faults.count:
        first = files.faults.listed[0]
        return _failed(4, f"{first.name}: {first.expected}", files.faults.describe())
    if not files.matched:
        return _skipped(4, "no file is at hand: only digests were checked", expected)
    extra = f"; {files.extra:,} other files are not in it" if files.extra else ""
    return _passed(4, expected, f"{files.matched:,} of {files.disclosed:,} disclosed items match{extra}")


def _records(files: Files, bundle: BundleFacts) -> Check:  # check 5
    expected = "records of known keys, with paths that stay in their folder"
    if bundle.records.count:
        return _failed(5, expected, bundle.records.describe())
    if not files.named:
        return _skipped(5, "names are withheld", expected)
    return _passed(5, expected, f"{files.named:,} records")


def _tree(bundle: BundleFacts) -> Check:  # check 6
    if bundle.manifest is None:
        return _skipped(6, "there is no manifest to compare with")
    expected = f"root {bundle.manifest.root.hex()} over {bundle.manifest.size:,} items"
    if bundle.root is None:
        return _failed(6, expected, bundle.tree_fault or "no root")
    if bundle.root != bundle.manifest.root:
        return _failed(6, expected, f"root {bundle.root.hex()}")
    return _passed(6, expected, "the same root, recomputed")


def _signature(bundle: BundleFacts) -> Check:  # check 7
    if bundle.signature is None:
        return _skipped(7, "no signature in this bundle")
    return _skipped(7, "there is one, and the head commits to it; this release does not check whose it is")


def _token(bundle: BundleFacts, proof: Proof | None) -> Check:  # check 9
    if bundle.token is None:
        return _skipped(9, "no token in this bundle")
    if proof is None:
        return _skipped(9, "there is no proof to compare with")
    sealing = steps_to_seal(bundle.token)
    if leading_steps(proof, len(sealing)) != sealing:
        return _failed(9, "a proof that seals the token together with the head", "the proof does not lead through it")
    return _skipped(9, "there is one, and the proof seals it; this release does not check whose it is")


def _head(bundle: BundleFacts, proof: Proof | None) -> Check:  # check 8
    if bundle.head is None:
        return _skipped(8, "there is no manifest to make a head from")
    expected = f"a proof of the head {bundle.head.hex()}"
    if proof is None:
        return _skipped(8, "there is no proof to compare with", expected)
    if (proof.hash_name, proof.digest) != ("sha256", bundle.head):
        return _failed(8, expected, f"a proof of {proof.digest.hex()}")
    return _passed(8, expected, "the same head, recomputed")


def _path(facts: Facts, counted: Sequence[Attestation]) -> Check:  # check 10
    expected = "operations that lead to an attestation"
    proof = facts.proof
    if proof is None:
        if facts.bundle and facts.bundle.container_fault is not None:
            return _skipped(10, "the container was refused")
        return _failed(10, expected, facts.proof_fault or "no proof")
    blocks_first = sorted(proof.attestations, key=lambda one: (one.kind is Kind.PENDING, one.height or 0))
    found = "; ".join(dict.fromkeys(map(describe_attestation, blocks_first)))
    if not counted:
        broken = ", ".join(sorted(BROKEN_HASHES & frozenset().union(*(one.hashes for one in proof.attestations))))
        why = f"two different files can be made with one {broken} digest, so it does not tell which one existed"
        return _skipped(10, f"{why} (not counted: {found})", "operations without a broken hash")
    return _passed(10, expected, found)


def describe_attestation(one: Attestation) -> str:
    """One attestation in words, as a report names it."""
    match one.kind:
        case Kind.BITCOIN:
            return f"Bitcoin block {one.height}"
        case Kind.PENDING:
            return f"pending at {one.uri}"
        case Kind.LITECOIN | Kind.ETHEREUM:
            return f"{one.kind.value.capitalize()} block {one.height} (not checked by notary)"
    return f"an attestation of unknown kind {one.tag.hex()}"


def _not_before(bundle: BundleFacts | None) -> Check:  # check 13
    if bundle is None:
        return _skipped(13, NOT_IN_A_PROOF)
    if bundle.manifest is not None and bundle.manifest.names_block:
        return _skipped(13, "the manifest names an earlier block; this release does not check it")
    return _skipped(13, "the manifest names no earlier block")


def _other_network(made_on: str, wanted: str) -> tuple[Check, Check]:
    why = f"made on the network {made_on}, which counts only if asked for; asked for: {wanted}"
    return _skipped(11, why), _skipped(12, why)


def _block(facts: Facts, counted: Sequence[Attestation], policy: Policy) -> tuple[Block | None, tuple[Check, Check]]:
    """Checks 11 and 12: the earliest block that a header bears out with enough trust, else the most trusted one."""
    blocks: list[Block] = []
    faults: list[tuple[str, str]] = []
    for one in counted:
        sightings = sorted(
            (sighting for sighting in facts.sightings if sighting.height == one.height),
            # A node knows its chain; a file of headers does not.
            key=lambda sighting: (_trust(sighting, policy), sighting.confirmations is not None),
            reverse=True,
        )
        for sighting in sightings[:1]:
            fault = _header_fault(one, sighting, policy.network)
            if fault is None:
                blocks.append(_claim(sighting, policy))
            else:
                faults.append(fault)
    if not blocks:
        if faults:
            return None, (_failed(11, *faults[0]), _skipped(12, "no header bears the attestation out"))
        why = _no_header(facts, counted)
        return None, (_skipped(11, why), _skipped(12, why, f"trust of at least {policy.least.word}"))
    enough = [block for block in blocks if block.trust >= policy.least]
    block = min(enough, key=lambda block: block.height) if enough else max(blocks, key=lambda block: block.trust)
    beside = "".join(f"; beside it a wrong one: {found}" for _, found in faults)
    root = shown(block.header.merkle_root)
    header = _passed(11, f"merkle root {root}, sound proof of work", f"block {block.header.shown_hash}{beside}")
    asked = f"trust of at least {policy.least.word}"
    found = f"trust {block.trust.word}, from {block.source}"
    return block, (header, _passed(12, asked, found) if enough else _skipped(12, found, asked))


def _no_header(facts: Facts, counted: Sequence[Attestation]) -> str:
    if facts.bundle and facts.bundle.headers_fault:
        return facts.bundle.headers_fault
    if not counted:
        return "no attestation in it is of a kind that counts"
    tried = "; ".join(facts.unreachable)
    return f"no header of block {counted[0].height} is at hand" + (f" ({tried})" if tried else "")


def _header_fault(one: Attestation, sighting: Sighting, network: Network) -> tuple[str, str] | None:
    """What is wrong with the header for this attestation, as (expected, found)."""
    header = sighting.header
    if not has_work(header, network):
        return (
            f"proof of work for block {one.height} of the network {network.name}",
            f"the hash {header.shown_hash} from {sighting.source} does not meet its target",
        )
    if header.merkle_root != one.message:
        return (
            f"block {one.height} with merkle root {shown(header.merkle_root)}, from {sighting.source}",
            f"the proof leads to {shown(one.message)}",
        )
    return None


def _trust(sighting: Sighting, policy: Policy) -> Trust:
    """The level that a source's header reaches (DESIGN section 5)."""
    if not has_work(sighting.header, policy.network):
        return Trust.NONE
    if sighting.confirmations is not None and sighting.confirmations >= policy.confirmations:
        return Trust.NODE
    floor = policy.network.floor
    above = sighting.height > floor.height and target(sighting.header.bits) <= floor.target
    return Trust.WORK if above else Trust.NONE


def _claim(sighting: Sighting, policy: Policy) -> Block:
    times = [header.time for header in (sighting.header, *sighting.following)]
    source = sighting.source
    if sighting.confirmations is not None and sighting.confirmations < policy.confirmations:
        source += f" ({sighting.confirmations} confirmations; {policy.confirmations} are asked for)"
    return Block(sighting.height, sighting.header, _trust(sighting, policy), source, existed_by(times))
