"""From what was gathered about a claim to named checks and a verdict (FORMAT, *Claims*). Pure: it decides only.

The words are those of bundles, and so are checks 1, 2 and 10 to 12. `failed` if a check that counts failed; else
`unconfirmed` where nobody whom the reader trusts speaks for the checkpoint, or too few do, or what he asked for could
not be compared; else `pending`, `verified` or `unconfirmed` as the checkpoint's anchor has it.

The priority period (check 14) is reported beside the verdict, and is no part of it: it is arithmetic on the entry's
filing date, and says nothing of what follows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from notary.core.block import Block
from notary.core.check import Check, Status, failed, passed, skipped
from notary.core.facts import BundleFacts, Facts, Policy
from notary.core.header import Trust
from notary.core.strict_json import quoted
from notary.core.verdict import Outcome, bag_check, container_check, find_anchor
from notary.errors import EvidenceError, FormatError
from notary.registry.core.cited import Asked, Package, compare_citation, compare_document, find_period, lacks_digest
from notary.registry.core.claim import Claim
from notary.registry.core.cosignature import Quorum
from notary.registry.core.history import Happened
from notary.registry.core.log import verify_inclusion
from notary.registry.core.note import Note, VerifierKey, signers
from notary.registry.core.tlog_proof import TlogProof
from notary.registry.core.trusted import Asserter, TrustedRegistry, asserted_by
from notary.registry.core.window import Place, Window

CLAIM_NAMES = {
    1: "container",
    2: "bag manifests",
    3: "claim",
    4: "document",
    5: "entry's inclusion",
    6: "anchored checkpoint",
    7: "registry's signature",
    8: "witnesses",
    9: "whose word it is",
    10: "OpenTimestamps path",
    11: "block header",
    12: "place in the chain",
    13: "as cited",
    14: "priority period",
}

BESIDE = frozenset({14})
"""Checks that are no part of the verdict."""

_OF_CONTAINER = range(2, 15)


class ClaimCheck(Check):
    """One numbered check of a claim, with the claim's own names."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return CLAIM_NAMES[self.number]


@dataclass(frozen=True, slots=True)
class FollowedLog:
    """What the reader has seen of a registry: why he refuses it, if he does; its keys, the one in force last, which
    alone counts beyond the size `rotated`; the root that it had at the size of the claim's checkpoint, if he was there;
    the texts of signed heads that it did not show to continue the one that he has seen; what he has seen of the claim's
    object in `later` entries than the claim's.
    """

    refusal: str | None
    keys: tuple[VerifierKey, ...]
    rotated: int
    root: bytes | None
    in_doubt: frozenset[str] = frozenset()
    later: tuple[Happened, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """What a claim holds, and what was found about it. A `..._fault` says why a thing could not be had.

    `anchor` is about the container and about registry/checkpoint.ots: its `bundle` has no manifest. `note` is what
    registry/checkpoint holds, `note_digest` that file's SHA-256. `made_on` is the network of the headers, if there are
    any. `registry` is the one of this origin that the reader trusts, by his file `registries_file`; `followed` is what
    he has seen of it himself, if he follows it.
    """

    anchor: Facts
    claim: Claim | None = None
    claim_fault: str | None = None
    proof: TlogProof | None = None
    proof_fault: str | None = None
    note: Note | None = None
    note_fault: str | None = None
    note_digest: bytes | None = None
    made_on: str | None = None
    packages: tuple[Package, ...] = ()
    registry: TrustedRegistry | None = None
    followed: FollowedLog | None = None
    registries_file: str = "registries.toml"

    @property
    def bundle(self) -> BundleFacts:
        return self.anchor.bundle or BundleFacts()

    @property
    def known_keys(self) -> tuple[VerifierKey, ...]:
        """The registry's keys as far as the reader knows them, the one in force last."""
        if self.registry is None:
            return ()
        if self.followed is None or self.registry.key not in self.followed.keys:
            return (self.registry.key,)
        return self.followed.keys

    @property
    def is_in_doubt(self) -> bool:
        """Whether the claim rests on a head that the registry did not show to continue what the reader has seen."""
        return self.followed is not None and self.proof is not None and self.proof.note.text in self.followed.in_doubt


@dataclass(frozen=True, slots=True)
class ClaimVerdict:
    """The answer, with all that led to it.

    `asserted_by` is None where the claim failed. `cosigned` counts the reader's witnesses who did. `has_document` says
    whether a file at hand is the one as filed, `lacks_digest` that nothing is there to compare the reader's with.
    `is_promised` where only calendars speak for the checkpoint yet. `window` is None where there is no period, `place`
    where no later filing was named. `is_in_doubt` where it rests on a head that the registry did not show to continue
    the one that the reader has seen. `signed_by` is the key that check 7 found to have signed, of `keys`: those of the
    registry that the reader knows, in their order. `later` is what he has seen of the object since, beside the verdict.
    """

    target: str
    outcome: Outcome
    policy: Policy
    made_on: str | None
    checks: tuple[ClaimCheck, ...]
    block: Block | None
    calendars: tuple[str, ...]
    tried: tuple[str, ...]
    claim: Claim | None
    registry: TrustedRegistry | None
    asserted_by: Asserter | None
    cosigned: int
    has_document: bool
    lacks_digest: bool
    is_promised: bool
    window: Window | None
    place: Place | None
    is_in_doubt: bool = False
    keys: tuple[VerifierKey, ...] = ()
    signed_by: VerifierKey | None = None
    later: tuple[Happened, ...] = ()
    later_filing: date | None = None

    @property
    def is_shown_late(self) -> bool:
        """Whether the day by which the entry is shown to have stood there is after that of the later filing."""
        return self.later_filing is not None and self.existed_by is not None and self.existed_by > self.later_filing

    @property
    def trust(self) -> Trust:
        return self.block.trust if self.block else Trust.NONE

    @property
    def existed_by(self) -> date | None:
        """The day that the verdict stands for: none unless it is `verified`."""
        return self.block.existed_by if self.block and self.outcome is Outcome.VERIFIED else None

    def check(self, number: int) -> ClaimCheck:
        return next(check for check in self.checks if check.number == number)

    def first(self, status: Status) -> ClaimCheck | None:
        """The first check of this status that counts."""
        return next((one for one in self.checks if one.status is status and one.number not in BESIDE), None)


def judge_claim(facts: ClaimFacts, asked: Asked, policy: Policy) -> ClaimVerdict:
    """The verdict on `facts` for a reader who asks for this, under `policy`."""
    claim = facts.claim
    record = claim.record if claim else None
    found = find_anchor(facts.anchor, facts.made_on, policy)
    cosigned, witnesses = _witnesses(facts)
    window, where, period = find_period(record, asked)
    checks, signed_by = [container_check(facts.bundle)], None
    if facts.bundle.container_fault is not None:
        checks += [skipped(number, "the container was refused") for number in _OF_CONTAINER]
    else:
        signed_by, signature = _signature(facts)
        vouched = (_inclusion(facts), _anchored(facts), signature)
        checks += [bag_check(facts.bundle), _claim(facts), compare_document(record, facts.packages), *vouched]
        checks += [witnesses, _whose_word(facts, all(one.status is Status.PASSED for one in vouched))]
        anchored = [check_path(one, facts.anchor, facts.note_digest, "registry/checkpoint") for one in found.checks]
        checks += [*anchored, compare_citation(record, asked), period]
    by_number = {check.number: check for check in checks}
    outcome = found.outcome(check for check in checks if check.number not in BESIDE)
    no_digest = lacks_digest(record, facts.packages)
    if outcome is not Outcome.FAILED and (no_digest or not _is_vouched(facts, by_number[7], cosigned)):
        outcome = Outcome.UNCONFIRMED
    asserter = None
    if claim is not None and outcome is not Outcome.FAILED:
        is_signed = by_number[7].status is Status.PASSED
        asserter = asserted_by(facts.registry if is_signed else None, claim.record.office)
    return ClaimVerdict(
        facts.anchor.target,
        outcome,
        policy,
        facts.made_on,
        tuple(ClaimCheck(one.number, one.status, one.expected, one.found) for _, one in sorted(by_number.items())),
        found.block,
        found.calendars,
        facts.anchor.unreachable,
        claim,
        facts.registry,
        asserter,
        cosigned,
        by_number[4].status is Status.PASSED,
        no_digest,
        found.is_promised,
        window,
        where,
        facts.is_in_doubt,
        facts.known_keys,
        signed_by,
        facts.followed.later if facts.followed else (),
        asked.later_filing,
    )


def _is_vouched(facts: ClaimFacts, signature: Check, cosigned: int) -> bool:
    """Whether the key that the reader trusts signed, and enough of his witnesses cosigned, a head not in doubt."""
    if facts.is_in_doubt:
        return False
    return signature.status is Status.PASSED and facts.registry is not None and cosigned >= facts.registry.quorum


# -- the claim and its entry ----------------------------------------------------------------------------------------


def _claim(facts: ClaimFacts) -> Check:  # check 3
    expected = "a claim of format notary-registry-claim/v1"
    if facts.claim is None:
        return failed(3, expected, facts.claim_fault or "none")
    sealed = "sealed, and opened by this claim" if facts.claim.is_sealed else "open"
    return passed(3, expected, f"{facts.claim.link}, {sealed}")


def _inclusion(facts: ClaimFacts) -> Check:  # check 5
    claim, proof = facts.claim, facts.proof
    if proof is None:
        return failed(5, "a proof of the entry, as C2SP tlog-proof has it", facts.proof_fault or "none")
    if claim is None:
        return skipped(5, "there is no claim to compare with")
    expected = f"the leaf {claim.link.leaf.hex()} at index {claim.index} of the register of {claim.origin}"
    try:
        checkpoint = proof.checkpoint
        if proof.index != claim.index:
            return failed(5, expected, f"a proof of index {proof.index}")
        if checkpoint.origin != claim.origin:
            return failed(5, expected, f"a checkpoint of {quoted(checkpoint.origin)}")
        verify_inclusion(claim.link.leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    except (EvidenceError, FormatError) as error:
        return failed(5, expected, error.message)
    return passed(5, expected, f"it leads to the root of the checkpoint of {checkpoint.size:,} entries")


def _anchored(facts: ClaimFacts) -> Check:  # check 6
    expected = "registry/checkpoint, which is anchored, is the checkpoint of the entry's proof"
    if facts.note is None:
        return failed(6, expected, facts.note_fault or "none")
    if facts.proof is None:
        return skipped(6, "there is no proof of the entry to compare with", expected)
    if facts.note.text != facts.proof.note.text:
        return failed(6, expected, "another checkpoint")
    checkpoint, followed = facts.proof.checkpoint, facts.followed
    if facts.is_in_doubt:
        return passed(6, expected, "the same text; the register did not show you that it continues what you have seen")
    if followed is None or followed.root is None:
        return passed(6, expected, "the same text")
    if followed.root != checkpoint.root:
        history = f"the root {followed.root.hex()} at size {checkpoint.size:,}, as you saw it yourself"
        shows = f"the root {checkpoint.root.hex()}: the registry shows two histories, and this claim is evidence of it"
        return failed(6, history, shows)
    return passed(6, expected, "the same text, of the history that you follow")


# -- who speaks for it ----------------------------------------------------------------------------------------------


def _notes(facts: ClaimFacts) -> Iterator[Note]:
    """The checkpoint as it was anchored, and as the entry's proof has it, perhaps with more cosignatures."""
    if facts.note is not None:
        yield facts.note
    if facts.proof is not None:
        yield facts.proof.note


def _signature(facts: ClaimFacts) -> tuple[VerifierKey | None, Check]:  # check 7
    if facts.claim is None:
        return None, skipped(7, "there is no claim that names a registry")
    origin, registry = facts.claim.origin, facts.registry
    if registry is None:
        none = f"{facts.registries_file} has no registry of the origin {origin}"
        return None, skipped(7, none, "a key that you trust")
    if facts.followed is not None and facts.followed.refusal is not None:
        refused = f"you refuse {origin}: {facts.followed.refusal}"
        return None, failed(7, "a registry that showed you one history", refused)
    keys = _keys(facts)
    expected = f"a signature by {_named(keys[-1])}, the key that {facts.registries_file} trusts for {origin}"
    if keys[-1] != registry.key:
        expected = f"a signature by {_named(keys[-1])}, the key that took over from the one that you trust for {origin}"
    try:
        signed = [signers(note, keys) for note in _notes(facts)]
    except EvidenceError as error:
        return None, failed(7, expected, error.message)
    if signed and all(signed):
        signer = max((key for each in signed for key in each), key=keys.index)
        return signer, passed(7, expected, f"signed by {_named(signer)}")
    if _is_seen(facts):
        return None, passed(7, expected, "not signed by that key; but of the history that you follow, which it signed")
    return None, skipped(7, _other_signers(facts, keys), expected)


def _is_seen(facts: ClaimFacts) -> bool:
    """Whether the claim's checkpoint is of the log that the reader has verified himself, by keys that he trusts."""
    root = facts.followed.root if facts.followed else None
    return root is not None and facts.proof is not None and root == facts.proof.checkpoint.root


def _keys(facts: ClaimFacts) -> tuple[VerifierKey, ...]:
    """Those of the known keys by which the reader takes a checkpoint of this size (FORMAT, *Rotation*)."""
    followed, known, size = facts.followed, facts.known_keys, facts.proof.checkpoint.size if facts.proof else 0
    return known[-1:] if followed is not None and size > followed.rotated else tuple(dict.fromkeys(known))


def _other_signers(facts: ClaimFacts, keys: Sequence[VerifierKey]) -> str:
    """Who else says that he signed as this registry."""
    names, known = {one.name for one in keys}, {one.id.hex() for one in keys}
    said = {one.key_id.hex(): None for note in _notes(facts) for one in note.signatures if one.name in names}
    others = [one for one in said if one not in known]
    if not others:
        return "not signed by that key"
    return f"signed in that name by the key {', '.join(others)}, which may be a newer one, or somebody else's"


def _named(key: VerifierKey) -> str:
    return f"{key.name} ({key.id.hex()})"


def _witnesses(facts: ClaimFacts) -> tuple[int, Check]:  # check 8
    registry = facts.registry
    if registry is None:
        return 0, skipped(8, "no witnesses of a registry that is not trusted are known")
    if not registry.witnesses:
        return 0, skipped(8, f"{facts.registries_file} names no witnesses of {registry.origin}")
    of = len(registry.witnesses)
    # One public key counts once, whatever names it has: a new key of the registry may be one of its witnesses'.
    own = {one.public_key for one in _keys(facts)}
    quorum = Quorum(0, tuple(one for one in registry.witnesses if one.public_key not in own))
    expected = f"cosigned by {registry.quorum} of {of} witnesses"
    try:
        seen = {one.witness for note in _notes(facts) for one in quorum.cosigned(note)}
    except EvidenceError as error:
        return 0, failed(8, expected, error.message)
    names = ", ".join(one.name for one in registry.witnesses if one in seen)
    found = f"cosigned by {len(seen)} of {of}{f': {names}' if names else ''}"
    if len(seen) < registry.quorum:  # no sign of a fault: more of them may not have seen it yet
        return len(seen), skipped(8, found, expected)
    return len(seen), passed(8, expected, found)


def _whose_word(facts: ClaimFacts, stands: bool) -> Check:  # check 9
    claim = facts.claim
    if claim is None or facts.registry is None or not stands:
        return skipped(9, f"{Asserter.APPLICANT}: no key that you trust speaks for this entry")
    office, key = claim.record.office, _named(facts.registry.key)
    expected = f"a key that may speak for {office}"
    asserter = asserted_by(facts.registry, office)
    if asserter is Asserter.OFFICE:
        return passed(9, expected, f"{asserter}: {key} is trusted for {office}")
    return skipped(9, f"{asserter}: {key} is not trusted for {office}", expected)


# -- the anchor -----------------------------------------------------------------------------------------------------


def check_path(check: Check, anchor: Facts, digest: bytes | None, file: str) -> Check:
    """Check 10 with the proof's beginning: `digest`, the SHA-256 of `file`, the anchored checkpoint's. The others are
    as they are."""
    proof = anchor.proof
    if check.number != 10 or proof is None or digest is None:
        return check
    if (proof.hash_name, proof.digest) != ("sha256", digest):
        return failed(10, f"a proof of {file}, SHA-256 {digest.hex()}", f"a proof of {proof.digest.hex()}")
    return check
