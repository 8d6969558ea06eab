"""Keeping: headers for the ledger, so that a bundle leads from its blocks to a checkpoint.

Nothing that is kept is believed by that: whoever verifies judges it.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from notary import limits
from notary.core.chain import Checkpoints, last_wanted
from notary.core.header import DATE_WINDOW, Header, Network, shown
from notary.core.manifest import read_manifest
from notary.core.ots import Attestation
from notary.edges.bitcoin_node import headers_from
from notary.edges.header_files import HeaderRun
from notary.edges.ledger import Batch, Ledger
from notary.errors import SystemFailureError
from notary.headers import HeaderSources, PeerPool, agreed, blocks_of, stored_headers

Look = Callable[[], tuple[Header, ...]]
Blocks = Sequence[tuple[int, bytes]]


def contradiction(sources: HeaderSources, network: Network, height: int, merkle_root: bytes) -> str | None:
    """In words, that the node or else the stored chain has another block at `height`; None where they have not.

    Raises SystemFailureError where the node cannot be asked.
    """
    seen: list[tuple[str, Header]] = []
    if sources.node:
        found = headers_from(sources.node, network, height, 1)
        seen += [(f"{sources.node}", found.headers[0])] if found else []
    elif sources.store and (heard := sources.store.heard) and height <= heard.height:
        seen += [("the stored chain", one) for one in stored_headers(sources.store, height)[:1]]
    for name, header in seen:
        if header.merkle_root != merkle_root:
            return (
                f"it leads to {shown(merkle_root)}, and {name} has block {height} with merkle root"
                f" {shown(header.merkle_root)}"
            )
    return None


def blocks_for(ledger: Ledger, batch: Batch, attestations: Iterable[Attestation]) -> list[tuple[int, bytes]]:
    """The blocks whose headers a bundle of the batch needs, by height and merkle root: the attested ones, lowest first,
    and the one that its manifest names."""
    blocks = blocks_of(attestations)[: limits.HEIGHTS]
    named = read_manifest(batch.manifest).not_before
    header = named and ledger.header_named(batch.network, named.height, named.hash)
    return sorted({*blocks, (named.height, header.merkle_root)}) if named and header else blocks


def lacks_headers(ledger: Ledger, network: Network, blocks: Blocks, now: int) -> bool:
    """Whether somebody out there can be expected to have headers that the ledger lacks for these blocks."""
    return any(_is_due(headers, height, now) for height, _, headers in _kept(ledger, network, blocks))


def keep_headers(
    ledger: Ledger,
    network: Network,
    blocks: Blocks,
    sources: HeaderSources,
    checkpoints: Checkpoints,
    now: int,
) -> list[str]:
    """Keeps the headers that a bundle carries: those of `blocks`, and from each to the next checkpoint.

    Returns why some could not be had.
    """
    notes: list[str] = []
    with PeerPool(sources, network) as peers:
        for height, root, had in _kept(ledger, network, blocks):
            best = had
            walk = partial(_walked, peers, checkpoints, height, root) if _is_due(had, height, now) else None
            for look in _keepers(sources, network, height, walk):
                if len(best) > last_wanted(height) - height:
                    break
                try:
                    found = look()
                except SystemFailureError as error:
                    notes.append(error.message)
                    continue
                if len(found) > len(best) and found[0].merkle_root == root:
                    best = found
            if best is not had:
                ledger.add_headers(network.name, height, best)
            if not best:
                notes += peers.notes
    return notes


def kept_runs(ledger: Ledger, network: str, blocks: Iterable[tuple[int, bytes]]) -> list[HeaderRun]:
    """The headers that the ledger has for `blocks`, lowest first, each once: runs that overlap are one."""
    runs: list[HeaderRun] = []
    for height, root in blocks:
        last = runs[-1] if runs else None
        if last and _reaches(last, height, root):
            continue
        headers = ledger.headers_from(network, height, root)
        if not headers:
            continue
        if last and (headers[0] in last.headers or headers[0].previous == last.headers[-1].hash):
            missing = height + len(headers) - last.start - len(last.headers)
            runs[-1] = HeaderRun(last.start, last.headers + headers[len(headers) - max(missing, 0) :])
        else:
            runs.append(HeaderRun(height, headers))
    return runs


def _reaches(run: HeaderRun, height: int, root: bytes) -> bool:
    """Whether the run has this block, and all after it that a proof has a use for."""
    at = height - run.start
    return last_wanted(height) - run.start < len(run.headers) and run.headers[at].merkle_root == root


def headers_index(network: str, runs: Iterable[HeaderRun]) -> bytes:
    """headers.json, which says where in headers.bin each run is."""
    members = {"network": network, "runs": [{"start": run.start, "count": len(run.headers)} for run in runs]}
    return json.dumps(members).encode() + b"\n"


def _keepers(sources: HeaderSources, network: Network, height: int, walk: Look | None) -> list[Look]:
    """Who may have headers from `height` on, in the order in which they are asked; `walk` asks peers."""

    def stored() -> tuple[Header, ...]:
        return stored_headers(sources.store, height) if sources.store else ()

    def node() -> tuple[Header, ...]:
        count = last_wanted(height) - height + 1
        seen = headers_from(sources.node, network, height, count) if sources.node else None
        return seen.headers if seen else ()

    def explorers() -> tuple[Header, ...]:
        return agreed(sources, network, height).headers if sources.explorers else ()

    return [stored, node, walk, explorers] if walk else [stored, node]


def _walked(peers: PeerPool, checkpoints: Checkpoints, height: int, root: bytes) -> tuple[Header, ...]:
    rows = (headers for _, headers in peers.walks(checkpoints, height))
    return next((row for row in rows if row[0].merkle_root == root), ())


def _kept(ledger: Ledger, network: Network, blocks: Blocks) -> list[tuple[int, bytes, tuple[Header, ...]]]:
    return [(height, root, ledger.headers_from(network.name, height, root)) for height, root in blocks]


def _is_due(headers: Sequence[Header], height: int, now: int) -> bool:
    """Whether there should be more by now: for the date an hour or two later, for a checkpoint when it is mined."""
    wanted = last_wanted(height) - height + 1
    if len(headers) < DATE_WINDOW:
        return True
    return len(headers) < wanted and now > headers[0].time + wanted * 600
