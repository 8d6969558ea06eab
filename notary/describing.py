"""What a proof or a bundle says of itself, checked against nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from notary import limits
from notary.core.evidence import Item
from notary.core.manifest import Manifest, read_manifest
from notary.core.ots import MAGIC, Proof, read_proof
from notary.core.signature import Signature, read_signature
from notary.core.time_stamp import Token, read_token
from notary.edges.archive import Container, NotABundleError, RefusedError, lines, open_container, read_small
from notary.edges.files import read_whole
from notary.edges.pdf_reading import is_pdf
from notary.errors import FormatError
from notary.matching import items_of
from notary.registry.core.claim import CLAIM_FILE, Claim, read_claim


@dataclass(frozen=True, slots=True)
class Description:
    """A target's own words: a proof; a token; for a bundle its manifest, the items that it shows, what it is signed and
    stamped with, and how many batches before its own it lists; for a certificate its data, and those of the bundle or
    claim in it; for a claim of a register's entry what it claims."""

    target: Path
    proof: Proof | None = None
    manifest: Manifest | None = None
    items: tuple[Item, ...] = ()
    shown: int = 0
    entries: tuple[str, ...] = ()
    certificate: Mapping[str, Any] | None = None
    signature: Signature | None = None
    token: Token | None = None
    line: int | None = None
    claim: Claim | None = None


def describe(target: Path, most_items: int) -> Description:
    """What `target` says; of a bundle's items the first `most_items`. Raises FormatError where it cannot be read."""
    if target.is_file() and is_pdf(read_whole(target, limits.PDF_HEAD_BYTES)):
        from notary.certificate_reading import members_of  # what typesets is imported where it is needed
        from notary.comparing import carried_by

        with carried_by(target) as carried:
            return replace(describe(carried.bundle, most_items), target=target, certificate=members_of(carried.data))
    try:
        if target.is_file() and target.suffix == ".tsr":
            return Description(target, token=read_token(read_whole(target, limits.TOKEN_BYTES)))
        if target.is_dir() or (not read_whole(target, len(MAGIC)).startswith(MAGIC) and target.suffix != ".ots"):
            with open_container(target) as container:
                return _bundle(target, container, most_items)
        return Description(target, read_proof(read_whole(target, limits.PROOF_BYTES)))
    except (NotABundleError, RefusedError, FormatError) as error:
        raise FormatError(f"{target}: {error.message}", *error.hints) from None


def _bundle(target: Path, container: Container, most_items: int) -> Description:
    if CLAIM_FILE in container.numbers:
        claim = read_claim(read_small(container, CLAIM_FILE, limits.REGISTRY_CLAIM_BYTES), CLAIM_FILE)
        return Description(target, claim=claim, entries=tuple(sorted(container.numbers)))
    wanted = ("notary/manifest.json", "notary/items.jsonl", "notary/head.ots")
    for name in wanted:
        if name not in container.numbers:
            raise FormatError(f"a bag, but no bundle: {name} is missing")
    manifest = read_manifest(read_small(container, wanted[0], limits.MANIFEST_BYTES))
    items: list[Item] = []
    shown = 0
    for item in items_of(container):
        shown += 1
        if len(items) < most_items:
            items.append(item)
    proof = read_proof(read_small(container, wanted[2], limits.PROOF_BYTES))
    signature, token = (
        read_small(container, name, limits.PROOF_BYTES) if name in container.numbers else None
        for name in ("notary/manifest.sig", "notary/head.tsr")
    )
    return Description(
        target,
        proof,
        manifest,
        tuple(items),
        shown,
        tuple(sorted(container.numbers)),
        signature=None if signature is None else read_signature(signature),
        token=None if token is None else read_token(token),
        line=_line_length(container),
    )


def _line_length(container: Container) -> int | None:
    name = "notary/line.jsonl"
    if name not in container.numbers:
        return None
    count = 0
    for count, _ in enumerate(lines(container.pieces(name), limits.LINE_ENTRY_BYTES, name), start=1):
        if count > limits.LINE_ENTRIES:
            raise FormatError(f"{name} has over {limits.LINE_ENTRIES:,} lines")
    return count
