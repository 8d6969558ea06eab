"""Sighting: headers of the blocks that a proof names, for whoever verifies it.

The user's own node is asked first. Then come what costs nothing, the stored chain, a file and the bundle; and only if
those do not do, peers and explorers (DESIGN section 5).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from notary import limits
from notary.core.block import trust_in
from notary.core.chain import last_wanted
from notary.core.facts import Policy, Sighting
from notary.core.header import DATE_WINDOW, Trust, linked
from notary.core.manifest import NamedBlock
from notary.core.ots import Attestation
from notary.edges.bitcoin_node import headers_from
from notary.edges.header_files import HeaderRuns
from notary.errors import SystemFailureError
from notary.headers import HeaderSources, PeerPool, agreed, blocks_of, check_stored, stored_headers


def sightings_for(
    attestations: Iterable[Attestation],
    policy: Policy,
    sources: HeaderSources,
    bundled: HeaderRuns | None,
    named: NamedBlock | None = None,
    bundled_as: str = "the bundle's own headers",
) -> tuple[tuple[Sighting, ...], tuple[str, ...]]:
    """What sources have of the attested blocks and of the one that the manifest names, and why some were not asked.

    One after another, until a block of each kind is borne out with the trust that is asked for. `bundled` came with the
    proof, and `bundled_as` is what they are called.
    """
    if named is not None and named.network != policy.network.name:
        named = None
    search = _Search(policy, sources, bundled, bundled_as, blocks_of(attestations), named)
    for look in (search.node, search.store, search.given, search.peers, search.explorers):
        if search.is_settled():
            break
        look()
    return tuple(search.sightings), tuple(search.unreachable)


@dataclass(slots=True)
class _Search:
    policy: Policy
    sources: HeaderSources
    bundled: HeaderRuns | None
    bundled_as: str
    blocks: list[tuple[int, bytes]]
    named: NamedBlock | None
    sightings: list[Sighting] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)

    def is_settled(self) -> bool:
        return not self._wanted()

    def _wanted(self) -> set[int]:
        """The heights of what is not borne out yet."""
        enough = [one for one in self.sightings if self._is_enough(one)]
        is_attested = any((one.height, one.header.merkle_root) in self.blocks for one in enough)
        wanted = set() if is_attested else {height for height, _ in self.blocks}
        named = self.named
        if named and not any((one.height, one.header.hash) == (named.height, named.hash) for one in enough):
            wanted.add(named.height)
        return wanted

    def _is_enough(self, sighting: Sighting) -> bool:
        return trust_in(sighting, self.policy) >= self.policy.least

    def _open(self, most: int | None = None) -> list[int]:
        """Heights of which no header at hand is trusted enough: all, or `most` of them to ask somebody about."""
        known = {one.height for one in self.sightings if self._is_enough(one)}
        return sorted(self._wanted() - known)[:most]

    def node(self) -> None:
        node = self.sources.node
        if node is None:
            return
        try:
            for height in self._open(limits.HEIGHTS):
                seen = headers_from(node, self.policy.network, height, DATE_WINDOW)
                if seen is not None:
                    name = f"the node {node}"
                    self.sightings.append(Sighting(height, seen.headers, name, Trust.NODE, seen.confirmations))
        except SystemFailureError as error:
            self.unreachable.append(error.message)

    def store(self) -> None:
        store = self.sources.store
        if store is None:
            return
        heard = store.heard
        for height in self._open():
            depth = max(heard.height - height + 1, 0) if heard else 0
            try:
                headers = stored_headers(store, height)
                if depth:
                    check_stored(store, self.policy.checkpoints, height, depth)
            except SystemFailureError as error:
                self.unreachable.append(error.message)
                continue
            if not headers:
                continue
            source = "the stored chain, of which no peer was heard there"
            if heard and depth:
                source = f"the stored chain to block {heard.height:,}; peers heard on {heard.at[:10]}: {heard.peers}"
            self.sightings.append(Sighting(height, headers, source, Trust.CHAIN, depth))

    def given(self) -> None:
        network = self.policy.network.name
        for kept, name in ((self.sources.file, "the headers file"), (self.bundled, self.bundled_as)):
            if kept is None:
                continue
            if kept.network not in (None, network):
                self.unreachable.append(f"{name} is of the network {kept.network}")
                continue
            for height in self._open():
                headers = linked(kept.at(height, last_wanted(height) - height + 1))
                if headers:
                    self.sightings.append(Sighting(height, headers, name))

    def peers(self) -> None:
        """A peer is believed as far as a checkpoint bears it out."""
        network, checkpoints = self.policy.network, self.policy.checkpoints
        heights = [height for height in self._open(limits.HEIGHTS) if height <= checkpoints.last_height]
        if not heights or self.policy.least > Trust.CHECKPOINT:
            return
        with PeerPool(self.sources, network) as peers:
            for height in heights:
                for peer, headers in peers.walks(checkpoints, height):
                    self.sightings.append(Sighting(height, headers, f"the peer {peer.address}"))
                    if self._is_enough(self.sightings[-1]):
                        break
            self.unreachable += peers.notes

    def explorers(self) -> None:
        if not self.sources.explorers or self.policy.least > Trust.EXPLORERS:
            return
        silent: set[str] = set()
        for height in self._open(limits.HEIGHTS):
            try:
                self.sightings.append(agreed(self.sources, self.policy.network, height, silent))
            except SystemFailureError as error:
                self.unreachable.append(error.message)
            if self.is_settled() or len(self.sources.explorers) - len(silent) < self.sources.min_explorers:
                break
