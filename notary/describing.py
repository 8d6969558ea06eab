"""What a proof or a bundle says of itself, checked against nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from notary import limits
from notary.core.evidence import Item
from notary.core.manifest import Manifest, read_manifest
from notary.core.ots import MAGIC, Proof, read_proof
from notary.edges.archive import Container, NotABundleError, RefusedError, open_container, read_small
from notary.edges.files import read_whole
from notary.edges.pdf_reading import is_pdf
from notary.errors import FormatError
from notary.matching import items_of


@dataclass(frozen=True, slots=True)
class Description:
    """A target's own words: a proof; for a bundle its manifest and the items that it shows; for a certificate its data,
    and those of the bundle in it."""

    target: Path
    proof: Proof | None
    manifest: Manifest | None = None
    items: tuple[Item, ...] = ()
    shown: int = 0
    entries: tuple[str, ...] = ()
    certificate: Mapping[str, Any] | None = None


def describe(target: Path, most_items: int) -> Description:
    """What `target` says; of a bundle's items the first `most_items`. Raises FormatError where it cannot be read."""
    if target.is_file() and is_pdf(read_whole(target, limits.PDF_HEAD_BYTES)):
        from notary.certificate_reading import members_of  # what typesets is imported where it is needed
        from notary.comparing import carried_by

        with carried_by(target) as carried:
            return replace(describe(carried.bundle, most_items), target=target, certificate=members_of(carried.data))
    try:
        if target.is_dir() or (not read_whole(target, len(MAGIC)).startswith(MAGIC) and target.suffix != ".ots"):
            with open_container(target) as container:
                return _bundle(target, container, most_items)
        return Description(target, read_proof(read_whole(target, limits.PROOF_BYTES)))
    except (NotABundleError, RefusedError, FormatError) as error:
        raise FormatError(f"{target}: {error.message}", *error.hints) from None


def _bundle(target: Path, container: Container, most_items: int) -> Description:
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
    return Description(target, proof, manifest, tuple(items), shown, tuple(sorted(container.numbers)))
