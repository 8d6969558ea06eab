"""What a verb may reach besides the ledger: the clock, randomness, calendars, headers, the embedded network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from notary.core.header import Network
from notary.core.manifest import MOMENT
from notary.edges.explorers import MIN_EXPLORERS, explorers_for
from notary.errors import InputError

if TYPE_CHECKING:
    from notary.edges.bitcoin_node import NodeAddress
    from notary.headers import HeaderSources
    from notary.localnet.calendar import LocalNetwork

LOCAL = "local"
"""The network that is embedded."""

Clock = Callable[[], datetime]
Randomness = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Outside:
    """`calendars` may be asked beside the public ones; `local_folder` is where the embedded network keeps its state.

    What follows says where headers come from: a node, explorers by their URLs (None: the default ones) and how many of
    them must agree, peers (None: whom the network's seeds name), and the folder of the header stores, if there is one.
    """

    clock: Clock
    randomness: Randomness
    local_folder: Path
    calendars: tuple[str, ...] = ()
    node_url: str | None = None
    node_cookie: Path | None = None
    explorers: tuple[str, ...] | None = ()
    min_explorers: int = MIN_EXPLORERS
    peers: tuple[str, ...] | None = ()
    headers_folder: Path | None = None

    def moment(self) -> str:
        """Now, in RFC 3339, UTC, to the second."""
        return self.clock().astimezone(UTC).strftime(MOMENT)

    def now(self) -> int:
        """Now, in seconds since 1970."""
        return int(self.clock().timestamp())

    def node(self, network: Network) -> NodeAddress | None:
        """The node that the user named, if any. Raises InputError where its address is none."""
        from notary.edges.bitcoin_node import node_address

        return None if self.node_url is None else node_address(self.node_url, self.node_cookie, network)

    def headers(self, network: Network, *, offline: bool = False) -> HeaderSources:
        """Where headers of `network` may come from. Raises InputError where an address that the user gave is none."""
        from notary.edges.header_store import HeaderStore
        from notary.edges.peers import peer_address
        from notary.headers import HeaderSources

        if network.name == LOCAL:  # whatever was settled is meant for chains that others can see
            return HeaderSources()
        store = None if self.headers_folder is None else HeaderStore(self.headers_folder, network)
        if offline:
            return HeaderSources(store=store)
        peers, explorers = self.peers, explorers_for(network, self.explorers)
        if explorers and self.min_explorers > len(explorers):
            raise InputError(
                f"{self.min_explorers} explorers have to agree, and there are {len(explorers)} to ask",
                "NOTARY_EXPLORERS and NOTARY_MIN_EXPLORERS, or the settings of these names, say whom and how many",
            )
        return HeaderSources(
            node=self.node(network),
            store=store,
            peers=None if peers is None else tuple(peer_address(peer, network) for peer in peers),
            explorers=explorers,
            min_explorers=self.min_explorers,
        )

    def has_local(self) -> bool:
        """Whether the embedded network was ever used here."""
        return self.local_folder.is_dir()

    @contextmanager
    def embedded(self, wanted: bool) -> Iterator[Embedded | None]:
        """The embedded network while the block runs, or None where it is not wanted."""
        if not wanted:
            yield None
            return
        from notary.localnet.calendar import running

        with running(self.local_folder, self.clock, self.randomness) as network:
            yield Embedded(network)


@dataclass(frozen=True, slots=True)
class Embedded:
    """The embedded network, as it answers in this run."""

    network: LocalNetwork

    @property
    def uri(self) -> str:
        """Its calendar's address as attestations name it."""
        return self.network.uri

    @property
    def node(self) -> NodeAddress:
        """Its answers to a node's calls. It asks for no password, and gets one, as every node does."""
        from notary.edges.bitcoin_node import NodeAddress

        return NodeAddress(self.network.address, ("notary", "notary"))

    def mine(self) -> int | None:
        return self.network.mine()
