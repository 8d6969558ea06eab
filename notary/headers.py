"""Where block headers come from: a node, the stored chain, a file or a bundle, peers, explorers (DESIGN section 5).

Here is how each is looked up; `sighting` asks them for whoever verifies, `keeping` for whoever exports. Nobody is told
more than the number of a block.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from notary import limits
from notary.core.chain import Checkpoints, Tip, boundary, extend, last_wanted, sound_row
from notary.core.facts import Sighting
from notary.core.header import DATE_WINDOW, HEADER_BYTES, Header, Network, Trust, has_work, linked, parse_run
from notary.core.ots import BROKEN_HASHES, Attestation, Kind
from notary.edges.bitcoin_node import NodeAddress
from notary.edges.explorers import MIN_EXPLORERS, check_chain, explorer_name, header_from
from notary.edges.header_files import FlatFile, HeaderRuns
from notary.edges.header_store import HeaderStore
from notary.edges.peers import Peer, PeerAddress, connected, seeded_peers
from notary.errors import FormatError, SystemFailureError
from notary.wire import all_at_once


@dataclass(frozen=True, slots=True)
class HeaderSources:
    """What may be looked at, and who may be asked. `peers` are None where the network's seeds shall name them."""

    node: NodeAddress | None = None
    store: HeaderStore | None = None
    file: HeaderRuns | FlatFile | None = None
    peers: tuple[PeerAddress, ...] | None = ()
    explorers: tuple[str, ...] = ()
    min_explorers: int = MIN_EXPLORERS


def blocks_of(attestations: Iterable[Attestation]) -> list[tuple[int, bytes]]:
    """The blocks that are named, by height and merkle root, lowest first; not those behind a broken hash."""
    named = {
        (one.height, one.message)
        for one in attestations
        if one.kind is Kind.BITCOIN and one.height is not None and not one.hashes & BROKEN_HASHES
    }
    return sorted(named)


def stored_headers(store: HeaderStore, height: int) -> tuple[Header, ...]:
    """The stored header at `height` and all after it that a proof has a use for.

    Raises SystemFailureError where the store is damaged.
    """
    headers = parse_run(store.read(height, last_wanted(height) - height + 1))
    if headers and not (has_work(headers[0], store.network) and linked(headers) == headers):
        raise SystemFailureError(f"{store.path} is damaged near block {height:,}; `notary headers sync` mends it")
    return headers


def check_stored(store: HeaderStore, checkpoints: Checkpoints, height: int, depth: int) -> None:
    """Goes over the stored chain from the checkpoint before `height`: to the next one, or `depth` blocks far.

    A folder of headers may come from anybody: what is written there is not believed unseen. Raises SystemFailureError.
    """
    tip = checkpoints.before(height, store.network)
    end = boundary(height) if boundary(height) <= checkpoints.last_height else height + depth - 1
    try:
        while tip.height < end:
            data = store.read(tip.height + 1, min(end - tip.height, limits.SIDE_CHAIN_HEADERS))
            if not data:
                raise FormatError(f"it ends at block {tip.height:,}")
            tip = extend(tip, data, store.network, checkpoints, None)
    except FormatError as error:
        raise SystemFailureError(f"{store.path} is damaged: {error.message}; `notary headers sync` mends it") from None


def agreed(sources: HeaderSources, network: Network, height: int, silent: set[str] | None = None) -> Sighting:
    """The header that enough explorers give for `height`, and more than give any other; and those that follow it.

    Those in `silent` are not asked; who does not answer is added to it. Raises SystemFailureError, with who said what,
    where not enough agree.
    """
    header, urls, source = agreed_header(sources, network, height, set() if silent is None else silent)
    return Sighting(height, _with_following(urls, network, height, header), source, Trust.EXPLORERS)


def agreed_header(
    sources: HeaderSources, network: Network, height: int, silent: set[str]
) -> tuple[Header, list[str], str]:
    """The one header that explorers agree on, as in `agreed`; who gave it, and that in words."""

    def ask(url: str) -> Header | None:
        check_chain(url, network)
        return header_from(url, network, height)

    asked = [url for url in sources.explorers if url not in silent]
    said: dict[str, str] = {}
    givers: dict[Header, list[str]] = {}
    for url, answer in zip(asked, all_at_once(ask, asked), strict=True):
        if isinstance(answer, Header):
            givers.setdefault(answer, []).append(url)
            said[url] = f"{explorer_name(url)} says {answer.shown_hash}"
        elif answer is None:
            said[url] = f"{explorer_name(url)} has no such block"
        else:
            silent.add(url)
            said[url] = answer.message
    ranked = sorted(givers.items(), key=lambda one: len(one[1]), reverse=True)
    votes = [len(urls) for _, urls in ranked] + [0, 0]
    story = "; ".join(said.values())
    if votes[0] < sources.min_explorers or votes[0] == votes[1]:
        if len(ranked) > 1:
            raise SystemFailureError(f"the explorers disagree about block {height:,}: {story}")
        gave = f"{votes[0]} of {len(sources.explorers)} explorers gave block {height:,}"
        raise SystemFailureError(f"{gave}, and {sources.min_explorers} have to agree: {story}")
    (header, urls), *others = ranked
    names = ", ".join(map(explorer_name, urls))
    source = f"{len(urls)} of {len(sources.explorers)} explorers ({names})"
    if others:
        source += f"; but {'; '.join(said[url] for _, urls in others for url in urls)}"
    return header, urls, source


def _with_following(urls: Sequence[str], network: Network, height: int, header: Header) -> tuple[Header, ...]:
    """The header, and those that the date rule looks at, each naming the one before: from the first who has any."""
    for url in urls:
        ask = partial(header_from, url, network)
        answers = all_at_once(ask, range(height + 1, height + DATE_WINDOW))
        row = sound_row([header, *(one for one in answers if isinstance(one, Header))], network)
        if len(row) > 1:
            return row
    return (header,)


class PeerPool:
    """Connections to a few peers, made when they are first needed."""

    def __init__(self, sources: HeaderSources, network: Network) -> None:
        self._sources = sources
        self._network = network
        self._peers: list[Peer] | None = None
        self.notes: list[str] = []

    def __enter__(self) -> "PeerPool":
        return self

    def __exit__(self, *_: object) -> None:
        for peer in self._peers or ():
            peer.close()

    def walks(self, checkpoints: Checkpoints, height: int) -> Iterable[tuple[Peer, tuple[Header, ...]]]:
        """What one peer after another has at `height` and after it, each as far as it is valid."""
        if self._peers is None:
            named = self._sources.peers
            addresses = seeded_peers(self._network) if named is None else list(dict.fromkeys(named))
            self._peers, failures = connected(addresses[: limits.PEERS_TRIED], self._network, limits.PEERS)
            if not addresses and named is None and not self._network.is_test:
                self.notes.append("no peer was found: DNS seeds do not answer")
            elif addresses and not self._peers:
                self.notes.append(failures[0] if len(failures) == 1 else "no peer could be reached")
        for peer in list(self._peers):
            try:
                headers = _walk(peer, self._network, checkpoints, height)
            except (SystemFailureError, FormatError) as error:
                self._peers.remove(peer)
                peer.close()
                is_told = isinstance(error, SystemFailureError)
                self.notes.append(error.message if is_told else f"the peer {peer.address}: {error.message}")
                continue
            if headers:
                yield peer, headers
            else:
                self._peers.remove(peer)
                peer.close()
                self.notes.append(f"the peer {peer.address} has no header of block {height:,}")


def _walk(peer: Peer, network: Network, checkpoints: Checkpoints, height: int) -> tuple[Header, ...]:
    """The peer's headers from `height` on, as far as a proof has a use for them, found valid from a checkpoint on."""
    tip: Tip = checkpoints.before(height, network)
    end = last_wanted(height)
    kept = bytearray()
    while tip.height < end:
        received = peer.headers_after([tip.hash])
        data = received[: (end - tip.height) * HEADER_BYTES]
        after = extend(tip, data, network, checkpoints, None)
        kept += data[max(height - tip.height - 1, 0) * HEADER_BYTES :]
        tip = after
        if len(received) < limits.PEER_HEADERS * HEADER_BYTES:
            break
    return parse_run(bytes(kept))
