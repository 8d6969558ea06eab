"""Snapshots: what has changed since the same files and folders were stamped before, and between any two batches."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from notary.edges.ledger import Batch, Ledger
from notary.edges.ledger.snapshots import Counts, batch_before, count_differences, normalised


@dataclass(frozen=True, slots=True)
class Since:
    """An earlier batch of the same places, and how the new one differs from it."""

    batch: Batch
    counts: Counts


def since_last(ledger: Ledger, batch: Batch, paths: Iterable[Path]) -> Since | None:
    """How `batch`, which was stamped from `paths`, differs from the last one of the same; None where it is the first.

    They are the same under any spelling, relative or absolute; and named through a link as well as by the real path,
    unless the earlier batch was: where its path led then is not looked up, since that may be a disk that hangs by now.
    """
    real_path = lru_cache(os.path.realpath)
    places: dict[bytes, bytes] = {}
    for path in paths:
        real = normalised(os.fsencode(Path(real_path(path.parent), path.name)))  # itself it is no link
        places |= {normalised(os.fsencode(path.absolute())): real, real: real}
    before = batch_before(ledger, batch, places)
    return None if before is None else Since(before, count_differences(ledger, before, batch))


def since_text(since: Since) -> str:
    counts = since.counts
    return (
        f"since batch {since.batch.name} of {since.batch.declared_at[:10]}: {counts.added:,} added,"
        f" {counts.changed:,} changed, {counts.removed:,} removed, {counts.unchanged:,} unchanged"
    )


def since_json(since: Since) -> dict[str, Any]:
    return {"batch": since.batch.name, **since.counts._asdict()}
