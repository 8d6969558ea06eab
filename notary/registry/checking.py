"""Checking a claim: gathers what its bag holds, headers for the blocks, and files at hand; core.claim_verdict judges.

Numbers in comments are those of the checks. Nothing is unpacked to disk, nothing is changed, and with sources that are
offline nothing is contacted. Whom to trust is the reader's word, and no claim's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from notary import limits
from notary.core.bag import PAYLOAD
from notary.core.facts import BundleFacts, Facts, Files, Policy, Sighting
from notary.core.ots import Proof, read_proof
from notary.edges.archive import Container, NotABundleError, RefusedError, open_container, read_small
from notary.edges.files import hash_with, read_whole
from notary.edges.header_files import HeaderRuns, parse_runs
from notary.errors import FormatError, InputError
from notary.headers import HeaderSources
from notary.matching import Digests, digests_of
from notary.registry.core.checkpoint import read_checkpoint
from notary.registry.core.cited import Asked, Package
from notary.registry.core.claim import CLAIM_FILE, Claim, read_claim
from notary.registry.core.claim_verdict import ClaimFacts, ClaimVerdict, FollowedLog, judge_claim
from notary.registry.core.history import Happened, history
from notary.registry.core.log import TiledTree
from notary.registry.core.note import Note, read_note
from notary.registry.core.tlog_proof import read_tlog_proof
from notary.registry.core.trusted import TrustedRegistry, read_trusted, trusted_for
from notary.registry.edges.followed import Followed, Seen, open_followed
from notary.sighting import sightings_for
from notary.verifying import Progress, bag_faults

PROOF_FILE = "registry/entry.tlog-proof"
CHECKPOINT_FILE = "registry/checkpoint"
ANCHOR_FILE = "registry/checkpoint.ots"
HEADERS_FILE, HEADERS_INDEX = "registry/headers.bin", "registry/headers.json"

_OF_BUNDLES = "notary/"

_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True)
class Trusted:
    """The registries that the reader trusts, and the file that says so, which may not be there yet; and the file of
    what he has seen of those that he follows, if he follows any."""

    file: Path
    registries: tuple[TrustedRegistry, ...] = ()
    followed: Path | None = None


def read_registries(file: Path, *, is_named: bool) -> Trusted:
    """The registries of a registries.toml; none where it is not there, and nobody named it. Raises InputError."""
    if not is_named and not file.exists():
        return Trusted(file)
    return Trusted(file, read_trusted(read_whole(file, limits.REGISTRIES_BYTES), str(file)))


def check_claim(
    target: Path,
    document: Path | None,
    asked: Asked,
    trusted: Trusted,
    policy: Policy,
    sources: HeaderSources,
    *,
    progress: Progress = lambda count: None,
) -> ClaimVerdict:
    """The verdict on a claim, in a zip or an unpacked bag; `document` is what the reader has as the filed package.

    Raises InputError where the target or the document cannot be read, or the target holds no claim. What a claim gets
    wrong is in the verdict.
    """
    given = () if document is None else (Package(document.name, hash_with(document, "sha256", progress), True),)
    try:
        with open_container(target) as container:
            if CLAIM_FILE not in container.numbers:
                raise InputError(f"{target}: no claim: it has no {CLAIM_FILE}", f"notary verify {target}")
            facts = _gather(target, container, given, trusted, policy, sources, progress)
    except NotABundleError as error:
        raise NotABundleError(f"{target}: {error.message}") from None
    except RefusedError as error:  # 1
        refused = BundleFacts(container_fault=error.message)
        facts = ClaimFacts(Facts(str(target), target.name, Files(0, 0), refused, None, None))
    return judge_claim(facts, asked, policy)


def _gather(
    target: Path,
    container: Container,
    given: Sequence[Package],
    trusted: Trusted,
    policy: Policy,
    sources: HeaderSources,
    progress: Progress,
) -> ClaimFacts:
    digests = digests_of(container, progress)
    bag = bag_faults(container, digests)  # 2
    claim, claim_fault = _claim(container)  # 3
    proof, proof_fault = _part(container, PROOF_FILE, limits.TLOG_PROOF_BYTES, read_tlog_proof)  # 5
    note, note_fault = _part(container, CHECKPOINT_FILE, limits.NOTE_BYTES, _checkpoint_note)  # 6
    ots, ots_fault = _part(container, ANCHOR_FILE, limits.PROOF_BYTES, read_proof)  # 10
    runs, headers_fault = _runs(container)
    made_on = runs.network if runs else None
    sightings, unreachable = sighted(ots, runs, "claim", policy, sources)  # 11, 12
    bundle = BundleFacts(entries=len(container.numbers), bag=bag, headers_fault=headers_fault)
    registry = None if claim is None else trusted_for(trusted.registries, claim.origin)
    return ClaimFacts(
        Facts(str(target), target.name, Files(0, 0), bundle, ots, ots_fault, sightings, unreachable),
        claim,
        claim_fault,
        proof,
        proof_fault,
        note,
        note_fault,
        digests[CHECKPOINT_FILE] if CHECKPOINT_FILE in container.numbers else None,
        made_on,
        (*_payload(container, digests), *given),
        registry,
        None if registry is None or proof is None else _followed(trusted, registry, proof.checkpoint.size, claim),
        trusted.file.name,
    )


def sighted(
    ots: Proof | None, runs: HeaderRuns | None, whose: str, policy: Policy, sources: HeaderSources
) -> tuple[tuple[Sighting, ...], tuple[str, ...]]:
    """What sources, and the headers `runs` beside the proof, have of its blocks, and why some were not asked; nothing
    where it was made on another network. `whose` those headers are is said of them."""
    if ots is None or (runs is not None and runs.network not in (None, policy.network.name)):
        return (), ()
    return sightings_for(ots.attestations, policy, sources, runs, bundled_as=f"the {whose}'s own headers")


def _followed(trusted: Trusted, registry: TrustedRegistry, size: int, claim: Claim | None) -> FollowedLog | None:
    """What the reader has seen himself of the log, its root at `size` if he has seen so much of it, and what it says of
    the claim's object after the claim's entry."""
    if trusted.followed is None or not trusted.followed.is_file():
        return None
    with open_followed(trusted.followed) as followed:
        seen = followed.seen(registry.origin)
        if seen is None or registry.key not in seen.keys:
            return None
        root = TiledTree(size, followed.tiles(seen), seen.entries).root if size <= seen.entries else None
        in_doubt = frozenset(one.note.text for one in followed.doubts.of(seen.id))
        later = () if claim is None else _later(followed, seen, claim)
        return FollowedLog(seen.refusal, seen.keys, seen.rotated, root, in_doubt, later)


def _later(followed: Followed, seen: Seen, claim: Claim) -> tuple[Happened, ...]:
    entries = followed.of_object(seen, claim.record.object or claim.link.leaf)[: limits.REGISTRY_HISTORY]
    events = history(entries).events if entries else ()
    return tuple(event for event in events if event.index > claim.index)


def _payload(container: Container, digests: Digests) -> tuple[Package, ...]:  # 4
    """The package in the claim; of several, which are too many, the first."""
    names = sorted(name for name in container.numbers if name.startswith(PAYLOAD))
    return tuple(Package(name, digests[name]) for name in names[: limits.LISTED_PROBLEMS])


def _part(
    container: Container, name: str, limit: int, read: Callable[[bytes], _Part]
) -> tuple[_Part | None, str | None]:
    """What a file of the claim holds, or why it cannot be had."""
    if name not in container.numbers:
        return None, f"{name} is missing"
    try:
        return read(read_small(container, name, limit)), None
    except FormatError as error:
        return None, error.message if error.message.startswith(name) else f"{name}: {error.message}"


def _claim(container: Container) -> tuple[Claim | None, str | None]:
    if any(name.startswith(_OF_BUNDLES) for name in container.numbers):
        return None, f"it has files of a bundle too, under {_OF_BUNDLES}"
    return _part(container, CLAIM_FILE, limits.REGISTRY_CLAIM_BYTES, lambda data: read_claim(data, CLAIM_FILE))


def _checkpoint_note(data: bytes) -> Note:
    note = read_note(data)
    read_checkpoint(note.text)
    return note


def _runs(container: Container) -> tuple[HeaderRuns | None, str | None]:
    if not {HEADERS_FILE, HEADERS_INDEX} <= container.numbers.keys():
        return None, None
    try:
        index = read_small(container, HEADERS_INDEX, limits.HEADERS_INDEX_BYTES)
        return parse_runs(index, read_small(container, HEADERS_FILE, limits.TREE_BYTES)), None
    except FormatError as error:
        return None, error.message
