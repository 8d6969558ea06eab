"""Verifying: gathers what a bundle or a proof holds, and headers for the blocks it names, and has core.verdict judge.

Numbers in comments are those of the checks (DESIGN section 4). Nothing is unpacked to disk, nothing is changed, and
with `offline` nothing is contacted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from notary import limits
from notary.core.bag import PAYLOAD, PAYLOAD_MANIFEST, TAG_MANIFEST
from notary.core.bag import read_manifest as read_bag_manifest
from notary.core.digest import head_hash, statement_hash
from notary.core.facts import BundleFacts, Facts, Fault, Faults, Files, Match, Policy, SeenItem, Sighting
from notary.core.line import Line, follow
from notary.core.manifest import Manifest, UnknownVersionError, read_manifest
from notary.core.ots import MAGIC, Proof, read_proof
from notary.core.strict_json import quoted
from notary.core.verdict import Outcome, Verdict, judge
from notary.edges.archive import Container, NotABundleError, RefusedError, lines, open_container, read_small
from notary.edges.files import hash_with, read_whole
from notary.edges.header_files import HeaderRuns, parse_runs
from notary.edges.pdf_reading import is_pdf
from notary.errors import EvidenceError, FormatError, InputError
from notary.headers import HeaderSources
from notary.matching import Digests, Evidence, ItemsPass, Tally, digests_of, evidence_files
from notary.registry.core.claim import CLAIM_FILE
from notary.sighting import sightings_for

Progress = Callable[[int], None]


class ClaimError(InputError):
    """A claim of a register's entry, where a bundle is wanted: `notary.registry.checking` verifies those."""


def verify(
    target: Path,
    evidence: Sequence[Path],
    policy: Policy,
    sources: HeaderSources,
    *,
    progress: Progress = lambda count: None,
) -> Verdict:
    """The verdict on a bundle, an unpacked bag, a `.ots` file or a certificate; `evidence` is matched to it by digest.

    Raises InputError where the target or the evidence cannot be read, or the target is none of these, and ClaimError
    for a claim. What a bundle or proof gets wrong is in the verdict.
    """
    head = b"" if target.is_dir() else read_whole(target, limits.PDF_HEAD_BYTES)
    if target.is_dir() or head.startswith(b"PK"):
        facts = _gather_bundle(target, evidence, policy, sources, progress)
    elif head.startswith(MAGIC) or target.suffix == ".ots" or not is_pdf(head):
        facts = _gather_proof(target, evidence, policy, sources, progress)
    else:
        facts = _gather_certificate(target, evidence, policy, sources, progress)
    return judge(facts, policy)


# -- plain proofs ---------------------------------------------------------------------------------------------------


def _gather_proof(
    target: Path, evidence: Sequence[Path], policy: Policy, sources: HeaderSources, progress: Progress
) -> Facts:
    data = read_whole(target, limits.PROOF_BYTES)
    if not data.startswith(MAGIC) and target.suffix != ".ots":
        raise InputError(f"{target}: {_no_target(target, data)}", *_proof_beside(target))
    try:
        proof = read_proof(data)
    except FormatError as error:
        raise FormatError(f"{target}: {error.message}") from None
    paths = list(evidence) or [_stamped_file(target)]
    tally = Tally()
    for path in evidence_files(paths):
        found = hash_with(path.file, proof.hash_name, progress)
        if found == proof.digest:
            tally.matched += 1
        elif path.recorded is not None:
            tally.extra += 1
        else:
            tally.mismatch(
                str(path.file), f"{proof.hash_name} {proof.digest.hex()}", f"{proof.hash_name} {found.hex()}"
            )
    tally.nothing_matched(paths, f"{proof.hash_name} {proof.digest.hex()}")
    subject = paths[0].name if len(paths) == 1 else target.name.removesuffix(".ots")
    sightings, unreachable = sightings_for(proof.attestations, policy, sources, None)
    match = Match.DIFFERS if tally.failed else Match.MATCHES if tally.matched else Match.NOT_AT_HAND
    seen = (SeenItem(0, subject, proof.digest, match),) if proof.hash_name == "sha256" else ()
    return Facts(str(target), subject, tally.files(1, 1), None, proof, None, sightings, unreachable, seen)


def _no_target(target: Path, data: bytes) -> str:
    return "an empty file" if not data else "neither a bundle nor an OpenTimestamps proof"


def _proof_beside(target: Path) -> list[str]:
    beside = target.with_name(target.name + ".ots")
    return [f"notary verify {beside}"] if beside.is_file() else ["give the bundle or the .ots file first"]


def _stamped_file(target: Path) -> Path:
    """The file that a proof stands beside, as the reference client assumes it."""
    path = target.with_suffix("") if target.suffix == ".ots" else target
    if path == target or not path.is_file():
        raise InputError(f"{target}: the file that it is a proof of is not beside it", f"notary verify {target} FILE")
    return path


# -- certificates ---------------------------------------------------------------------------------------------------


def _gather_certificate(
    target: Path, evidence: Sequence[Path], policy: Policy, sources: HeaderSources, progress: Progress
) -> Facts:
    from notary.comparing import carried_by, compare  # what typesets is imported where it is needed

    with carried_by(target) as carried:
        inside = _gather_bundle(carried.bundle, evidence, policy, sources, progress)
        # Of a bundle that is not sound there is nothing to compare with.
        compared = compare(carried) if judge(inside, policy).outcome is not Outcome.FAILED else None
    return replace(inside, target=str(target), subject=target.name, certificate=compared)


# -- bundles --------------------------------------------------------------------------------------------------------


def _gather_bundle(
    target: Path, evidence: Sequence[Path], policy: Policy, sources: HeaderSources, progress: Progress
) -> Facts:
    given = [(path, hash_with(path.file, "sha256", progress)) for path in evidence_files(evidence)]
    try:
        with open_container(target) as container:
            return _gather_bag(target, container, given, policy, sources, progress)
    except NotABundleError as error:
        raise NotABundleError(f"{target}: {error.message}") from None
    except RefusedError as error:  # 1
        refused = BundleFacts(container_fault=error.message)
        return Facts(str(target), target.name, Files(0, 0), refused, None, None)


def _gather_bag(
    target: Path,
    container: Container,
    given: Sequence[tuple[Evidence, bytes]],
    policy: Policy,
    sources: HeaderSources,
    progress: Progress,
) -> Facts:
    if CLAIM_FILE in container.numbers:
        raise ClaimError(f"{target}: a claim of a register's entry, and no bundle", f"notary registry check {target}")
    digests = digests_of(container, progress)
    bag = bag_faults(container, digests)  # 2
    manifest_bytes, manifest, manifest_fault = _manifest(target, container)  # 3
    items = ItemsPass(container, digests, given)  # 4, 5
    root, tree_fault = None, None
    if manifest is not None:
        root, tree_fault = items.root(manifest.size)  # 6
    signature = _optional(container, "notary/manifest.sig")  # 7
    token = _optional(container, "notary/head.tsr")  # 9
    head = None
    if manifest is not None:  # 8
        head = head_hash(manifest.root, manifest.size, statement_hash(manifest_bytes, signature or b""))
    proof, proof_fault = _proof(container)  # 10
    runs, headers_fault = _runs(container, manifest)
    sightings: tuple[Sighting, ...] = ()
    unreachable: tuple[str, ...] = ()
    if proof is not None and manifest is not None and manifest.network == policy.network.name:  # 11, 12
        sightings, unreachable = sightings_for(proof.attestations, policy, sources, runs, manifest.not_before)
    line, line_fault = _line(container, manifest)  # 16
    facts = BundleFacts(
        entries=len(container.numbers),
        bag=bag,
        manifest=manifest,
        manifest_fault=manifest_fault,
        records=items.records.faults(),
        root=root,
        tree_fault=tree_fault,
        manifest_bytes=manifest_bytes,
        signature=signature,
        token=token,
        head=head,
        headers_fault=headers_fault,
        line=line,
        line_fault=line_fault,
    )
    files = items.files.files(items.files.disclosed, manifest.size if manifest else 0)
    return Facts(str(target), target.name, files, facts, proof, proof_fault, sightings, unreachable, items.seen())


def _optional(container: Container, name: str) -> bytes | None:
    return read_small(container, name, limits.PROOF_BYTES) if name in container.numbers else None


def bag_faults(container: Container, digests: Digests) -> Faults:
    """Every file listed once, by the right manifest, with the digest that it has."""
    tally = Tally()
    for manifest, lists_payload in ((PAYLOAD_MANIFEST, True), (TAG_MANIFEST, False)):
        if manifest not in container.numbers:
            tally.mismatch(manifest, "there", "missing")
            continue
        try:
            tally.mismatches(_manifest_faults(container, digests, manifest, lists_payload))
        except FormatError as error:
            tally.mismatch(manifest, "a bag manifest", error.message)
    return tally.faults()


def _manifest_faults(container: Container, digests: Digests, manifest: str, lists_payload: bool) -> Iterator[Fault]:
    """What a bag manifest gets wrong. Raises FormatError where it is none, or has a file twice."""

    def belongs(name: str) -> bool:
        return name.startswith(PAYLOAD) == lists_payload and name != TAG_MANIFEST

    is_listed = bytearray(len(container.numbers))
    for name, digest in read_bag_manifest(container.pieces(manifest), manifest):
        number = container.numbers.get(name)
        if number is None or not belongs(name):
            yield Fault(name, digest.hex(), "missing")
            continue
        if is_listed[number]:
            raise FormatError(f"{manifest} has {quoted(name)} twice")
        is_listed[number] = True
        if digest != digests[name]:
            yield Fault(name, digest.hex(), f"has the SHA-256 {digests[name].hex()}")
    for name, number in container.numbers.items():
        if belongs(name) and not is_listed[number]:
            yield Fault(name, f"listed in {manifest}", "not listed")


def _manifest(target: Path, container: Container) -> tuple[bytes, Manifest | None, str | None]:
    name = "notary/manifest.json"
    if name not in container.numbers:
        return b"", None, f"{name} is missing"
    try:
        data = read_small(container, name, limits.MANIFEST_BYTES)
        return data, read_manifest(data), None
    except UnknownVersionError as error:
        raise UnknownVersionError(f"{target}: {error.message}", *error.hints) from None
    except FormatError as error:
        return b"", None, error.message


def _proof(container: Container) -> tuple[Proof | None, str | None]:
    name = "notary/head.ots"
    if name not in container.numbers:
        return None, f"{name} is missing"
    try:
        return read_proof(read_small(container, name, limits.PROOF_BYTES)), None
    except FormatError as error:
        return None, error.message if error.message.startswith(name) else f"{name}: {error.message}"


def _line(container: Container, manifest: Manifest | None) -> tuple[Line | None, str | None]:
    name = "notary/line.jsonl"
    if manifest is None or name not in container.numbers:
        return None, None
    try:
        return follow(manifest, lines(container.pieces(name), limits.LINE_ENTRY_BYTES, name)), None
    except (EvidenceError, FormatError) as error:
        return None, error.message


def _runs(container: Container, manifest: Manifest | None) -> tuple[HeaderRuns | None, str | None]:
    index, data = "notary/headers.json", "notary/headers.bin"
    if manifest is None or not {index, data} <= container.numbers.keys():
        return None, None
    try:
        runs = parse_runs(
            read_small(container, index, limits.MANIFEST_BYTES), read_small(container, data, limits.TREE_BYTES)
        )
    except FormatError as error:
        return None, error.message
    if runs.network != manifest.network:
        return None, f"the bundle's headers are of the network {runs.network}, not {manifest.network}"
    return runs, None
