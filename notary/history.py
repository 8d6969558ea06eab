"""The ledger's lines of batches: what each signer, or nobody, has stamped here on each network, one after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from notary import limits
from notary.core.line import LineEntry, check_entry, write_entry
from notary.core.openssh import read_public_key
from notary.edges.ledger import Batch, Ledger
from notary.errors import EvidenceError, FormatError


@dataclass(frozen=True, slots=True)
class Place:
    """A batch in its line. `breaks` says how it does not follow the batch before it, or is not what its head says."""

    batch: Batch
    breaks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """The batches of one signer, by the key as OpenSSH writes it, or of nobody, on one network: oldest first."""

    network: str
    signer: str | None
    places: tuple[Place, ...]

    @property
    def fingerprint(self) -> str | None:
        return None if self.signer is None else read_public_key(self.signer).fingerprint

    @property
    def is_whole(self) -> bool:
        return not any(place.breaks for place in self.places)


def lines(ledger: Ledger, *, verifies: bool) -> list[LedgerLine]:
    """All lines; each shows its gaps and forks. `verifies` has each head computed and each signature checked anew."""

    def line_of(batch: Batch) -> tuple[str, str]:
        return batch.network, batch.signer or ""

    ordered = sorted(ledger.batches(), key=lambda batch: (*line_of(batch), batch.id))
    return [
        LedgerLine(network, signer or None, tuple(_places(list(some), verifies)))
        for (network, signer), some in groupby(ordered, key=line_of)
    ]


def _places(batches: Sequence[Batch], verifies: bool) -> Iterator[Place]:
    known = {batch.head: batch.name for batch in batches}
    followed: dict[bytes, str] = {}
    before: Batch | None = None
    is_linked = False
    for batch in batches:
        breaks = []
        if batch.previous is None:
            if is_linked:  # batches of an old release, which named none, stand at the beginning
                breaks.append("gap: it names no batch before it")
        elif batch.previous not in known:
            breaks.append(f"gap: it names {batch.previous.hex()[:12]} before it, which is not in this ledger")
        elif batch.previous in followed:
            name = known[batch.previous]
            breaks.append(f"fork: it follows {name}, which {followed[batch.previous]} follows already")
        elif before is None or batch.previous != before.head:
            stands = f"{before.name} stands" if before else "none stands"
            breaks.append(f"fork: it follows {known[batch.previous]}, and {stands} before it")
        before = batch
        if batch.previous is not None:
            is_linked = True
            followed.setdefault(batch.previous, batch.name)
        if verifies:
            breaks += _faults(batch)
        yield Place(batch, tuple(breaks))


def _faults(batch: Batch) -> list[str]:
    try:
        stated = check_entry(LineEntry(batch.manifest, batch.signature), batch.head, batch.network, batch.signer)
    except (EvidenceError, FormatError) as error:
        return [f"damaged: {error.message}"]
    return [] if stated.previous == batch.previous else ["damaged: its manifest names another batch before it"]


def line_before(ledger: Ledger, batch: Batch) -> Iterator[bytes]:
    """The entries of `notary/line.jsonl`: the batches before this one, newest first, as far as they are here.

    No more of them than a reader takes.
    """
    at: Batch | None = batch
    seen = {batch.head}
    while at and at.previous is not None and at.previous not in seen and len(seen) <= limits.LINE_ENTRIES:
        at = ledger.with_head(at.previous)
        if at:
            seen.add(at.head)
            yield write_entry(LineEntry(at.manifest, at.signature))
