"""Syncing: headers from peers, or from a file, into the header store, where the valid chain of most work stands.

All that is stored is valid by every rule of `core.chain`; each run begins by going over what is there, so that a
damaged disk costs a download and nothing else. What was received is kept whenever a run ends, and the next goes on
from there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from notary import limits
from notary.core.chain import PERIOD, BrokenChainError, Checkpoints, Tip, checkpoint_at, extend, genesis_tip, tip_at
from notary.core.header import HEADER_BYTES, Header, Network, shown
from notary.edges.header_store import HeaderStore, Heard, StoreWriter
from notary.edges.peers import Peer, PeerAddress, connected, seeded_peers
from notary.errors import FormatError, InputError, SystemFailureError

Progress = Callable[[int, int], None]
"""Told the height that is reached, and the height to reach as far as that is known."""

_BATCH = 20_160
_TOLD = 3
_LOCATOR_DENSE = 10


@dataclass(frozen=True, slots=True)
class Synced:
    """The stored chain after a run: headers that came, and that gave way to them; who was heard; what went wrong."""

    tip: Tip
    added: int
    replaced: int
    peers: tuple[str, ...]
    notes: tuple[str, ...]


def stored_tip(store: HeaderStore) -> Tip:
    """The end of the stored chain. Raises SystemFailureError."""
    try:
        return tip_at(store.read, store.height, store.network)
    except FormatError as error:
        raise SystemFailureError(
            f"{store.path} is damaged: {error.message}", "`notary headers sync` mends it"
        ) from None


def sync(
    store: HeaderStore,
    checkpoints: Checkpoints,
    named: Sequence[PeerAddress] | None,
    moment: str,
    now: int,
    *,
    progress: Progress = lambda height, of: None,
) -> Synced:
    """Downloads headers from the peers in `named`, or from some that the network's DNS seeds name.

    Several are heard one after another; the valid chain of most work is what is stored at the end. `now` is in seconds
    since 1970, `moment` the same for people. Raises SystemFailureError where no peer could be heard to the end.
    """
    addresses = seeded_peers(store.network) if named is None else list(dict.fromkeys(named))
    if not addresses:
        why = "no peer was named" if named is not None else "its DNS seeds name none"
        raise SystemFailureError(
            f"there is no peer of the network {store.network.name} to ask: {why}",
            "name one with --peer HOST:PORT; or take a file of headers with `notary headers import FILE`",
        )
    with store.writer() as writer:
        chain = _Chain(store, writer, checkpoints, now, progress)
        chain.check()
        before = chain.tip
        wanted = limits.PEERS if named is None else len(addresses)
        peers, notes = connected(addresses[: limits.PEERS_TRIED], store.network, wanted)
        if named is None and peers:  # many addresses that seeds give are of nobody
            notes = []
        heard: dict[str, tuple[int, bytes]] = {}
        try:
            for peer in peers:
                try:
                    heard[str(peer.address)] = _hear(peer, chain)
                except (SystemFailureError, FormatError) as error:
                    prefix = "" if isinstance(error, SystemFailureError) else f"the peer {peer.address}: "
                    notes.append(prefix + error.message)
        finally:
            for peer in peers:
                peer.close()
        notes = [*chain.notes, *notes]
        if not heard:
            raise SystemFailureError(_story(notes), *_kept(before, chain.tip))
        if chain.tip.height < checkpoints.last_height:
            raise SystemFailureError(
                f"what {', '.join(heard)} sent ends at block {chain.tip.height:,}, before the last checkpoint of this"
                f" release, {checkpoints.last_height:,}",
                "another --peer may have the rest",
            )
        shown = [height for height, hash_ in heard.values() if chain.has(height, hash_)]
        if shown:
            known = store.heard
            writer.hear(Heard(max(*shown, known.height if known else 0), moment, len(heard)))
        else:
            notes.append("no peer that was heard has the stored chain, which has more work than theirs")
    return chain.synced(before, tuple(heard), notes)


def _story(notes: Sequence[str]) -> str:
    more = len(notes) - _TOLD
    return "; ".join(notes[:_TOLD]) + (f"; and {more} more like that" if more > 0 else "")


def _kept(before: Tip, tip: Tip) -> list[str]:
    added = tip.height - before.height
    if added <= 0:
        return []
    return [f"what came before that was valid and is kept, to block {tip.height:,}; the next run goes on from there"]


def _hear(peer: Peer, chain: "_Chain") -> tuple[int, bytes]:
    """Takes from `peer` all that it has beyond the stored chain: the last block that it showed, by height and hash.

    Raises SystemFailureError and FormatError: what came before the fault was valid, and is kept if it counted.
    """
    # From one block below the end of the shorter chain: who has any of this one has at least that block to show.
    offer = chain.offer(max(min(chain.tip.height, peer.announced) - 1, 0))
    before, has_shown = -1, False
    while True:
        data = peer.headers_after(offer.locator())
        offer.take(data)
        if data and offer.reached <= before:
            raise SystemFailureError(f"the peer {peer.address} sends the same headers again")
        before, has_shown = offer.reached, has_shown or bool(data)
        chain.progress(chain.tip.height, max(peer.announced, chain.tip.height))
        if len(data) < limits.PEER_HEADERS * HEADER_BYTES:
            break
    if not has_shown and chain.tip.height:
        raise SystemFailureError(f"the peer {peer.address} has no headers to show")
    if offer.reached < peer.announced:
        raise SystemFailureError(
            f"the peer {peer.address} says that it has {peer.announced:,} blocks, and gave headers to {offer.reached:,}"
        )
    return offer.reached, offer.reached_hash


def import_file(
    store: HeaderStore,
    checkpoints: Checkpoints,
    file: Path,
    now: int,
    *,
    progress: Progress = lambda height, of: None,
) -> Synced:
    """Takes a flat file of 80-byte headers from height 0 on, as far as it has more work than the stored chain.

    Raises InputError where it cannot be read, FormatError where it breaks a rule: the store is as it was then, but for
    headers that were valid and had more work.
    """
    try:
        if file.exists() and not file.is_file():
            raise InputError(f"{file}: not a file")
        with file.open("rb") as stream:
            size = file.stat().st_size
            if size % HEADER_BYTES or stream.read(HEADER_BYTES) != store.network.genesis:
                raise FormatError(
                    f"{file}: not a file of {HEADER_BYTES}-byte headers of the network {store.network.name}",
                    "such a file begins with the genesis block; --network names another network",
                )
            with store.writer() as writer:
                chain = _Chain(store, writer, checkpoints, now, progress)
                chain.check()
                before, offer = chain.tip, chain.offer(0)
                while data := stream.read(_BATCH * HEADER_BYTES):
                    try:
                        offer.take(data)
                    except FormatError as error:
                        raise FormatError(f"{file}: {error.message}", *_kept(before, chain.tip)) from None
                    progress(offer.reached, size // HEADER_BYTES - 1)
    except OSError as error:
        raise InputError(f"{file}: {(error.strerror or str(error)).lower()}") from None
    if chain.tip == before and offer.reached < before.height:
        chain.notes.append(f"{file} ends at block {offer.reached:,}, and has no more work than the stored chain")
    return chain.synced(before, (), chain.notes)


@dataclass(slots=True)
class _Chain:
    """The stored chain while it is being written."""

    store: HeaderStore
    writer: StoreWriter
    checkpoints: Checkpoints
    now: int
    progress: Progress
    lowest: int | None = None
    notes: list[str] = field(default_factory=list)
    tip: Tip = field(init=False)

    def __post_init__(self) -> None:
        self.tip = genesis_tip(self.network)

    @property
    def network(self) -> Network:
        return self.store.network

    def check(self) -> None:
        """Goes over all that is stored; what is not sound is cut off.

        What was taken once is not judged by the clock again.
        """
        end = self.store.height
        if self.store.read(0, 1) != self.network.genesis:
            self.notes.append(f"{self.store.path} was damaged at block 0, which is mended")
            self.writer.begin()
        while self.tip.height < end:
            data = self.store.read(self.tip.height + 1, _BATCH)
            if not data:
                break
            try:
                self.tip = extend(self.tip, data, self.network, self.checkpoints, None)
            except BrokenChainError as error:
                sound = data[: (error.height - self.tip.height - 1) * HEADER_BYTES]
                self.tip = extend(self.tip, sound, self.network, self.checkpoints, None)
                self.writer.put(error.height, b"")
                self.notes.append(f"{self.store.path} was damaged at block {error.height:,}, and is cut off there")
                break
            self.progress(self.tip.height, end)

    def extended(self, tip: Tip, data: bytes) -> Tip:
        if tip.height + len(data) // HEADER_BYTES > limits.STORED_HEADERS:
            raise FormatError(f"a chain of over {limits.STORED_HEADERS:,} headers")
        return extend(tip, data, self.network, self.checkpoints, self.now)

    def hash_at(self, height: int) -> bytes:
        return Header(self.store.read(height, 1)).hash

    def has(self, height: int, hash_: bytes) -> bool:
        return height <= self.tip.height and self.hash_at(height) == hash_

    def offer(self, height: int) -> "_Offer":
        """What one source has from `height` on, or from wherever its own chain leaves this one."""
        return _Offer(self, height)

    def synced(self, before: Tip, heard: Sequence[str], notes: Sequence[str]) -> Synced:
        fork = before.height if self.lowest is None else min(before.height, self.lowest)
        return Synced(self.tip, self.tip.height - fork, before.height - fork, tuple(heard), tuple(notes))

    def adopt(self, base: int, data: bytes, tip: Tip) -> None:
        """Puts the branch upon block `base`, which has more work, in place of what is there."""
        self.lowest = base if self.lowest is None else min(base, self.lowest)
        self.writer.put(base + 1, data)
        self.tip = tip


class _Offer:
    """A source's chain as it comes in.

    Up to `_base` it is the stored one; `_branch` holds what follows, until that has more work and is adopted.
    """

    def __init__(self, chain: _Chain, base: int) -> None:
        self._chain = chain
        self._base = base
        self._tip: Tip | None = None
        self._branch = bytearray()

    @property
    def reached(self) -> int:
        return self._tip.height if self._tip else self._base

    @property
    def reached_hash(self) -> bytes:
        return self._tip.hash if self._tip else self._chain.hash_at(self._base)

    def locator(self) -> list[bytes]:
        """Hashes of the source's chain as far as it is known, newest first."""
        hashes = [self._chain.hash_at(height) for height in _locator_heights(self._base)]
        return hashes if self._tip is None else [self._tip.hash, *hashes]

    def take(self, data: bytes) -> None:
        """The next headers of the source. Raises FormatError where they do not fit, or break a rule."""
        if not data:
            return
        if self._tip is None:
            data = self._beyond(data)
        if not data:
            return
        tip = self._chain.extended(self._tip or self._tip_at_base(), data)
        self._branch += data
        if tip.work > self._chain.tip.work:
            self._chain.adopt(self._base, bytes(self._branch), tip)
            self._base, self._tip = tip.height, None
            self._branch.clear()
        elif len(self._branch) > limits.SIDE_CHAIN_HEADERS * HEADER_BYTES:
            raise FormatError(
                f"a side chain of over {limits.SIDE_CHAIN_HEADERS:,} headers has less work than the stored one"
            )
        else:
            self._tip = tip

    def _tip_at_base(self) -> Tip:
        chain = self._chain
        return chain.tip if self._base == chain.tip.height else tip_at(chain.store.read, self._base, chain.network)

    def _beyond(self, data: bytes) -> bytes:
        """What of `data` is not stored: it follows some stored block, at or below the base."""
        self._base = self._follows(Header(data[:HEADER_BYTES]).previous)
        stored = self._chain.store.read(self._base + 1, len(data) // HEADER_BYTES)
        same = 0
        while same < len(stored) and data[same : same + HEADER_BYTES] == stored[same : same + HEADER_BYTES]:
            same += HEADER_BYTES
        self._base += same // HEADER_BYTES
        return data[same:]

    def _follows(self, previous: bytes) -> int:
        for height in _locator_heights(self._base):
            if self._chain.hash_at(height) == previous:
                return height
        raise FormatError(f"headers that follow {shown(previous)}, which was not asked for")


def _locator_heights(height: int) -> Iterator[int]:
    """From `height` down to 0: ten in a row, then ever wider apart, as in Bitcoin Core (chain.cpp: LocatorEntries)."""
    step = 1
    for met in count(1):
        yield height
        if height == 0:
            return
        if met >= _LOCATOR_DENSE:
            step *= 2
        height = max(height - step, 0)


def pin(store: HeaderStore) -> Checkpoints:
    """The checkpoints of the stored chain, as far as peers were heard and a reorganisation is out of the question.

    A boundary counts once a whole period stands upon it. Raises SystemFailureError.
    """
    heard = store.heard
    height = heard.height - PERIOD if heard else -1
    ends = range(PERIOD - 1, height + 1, PERIOD)
    return Checkpoints(tuple(checkpoint_at(store.read, end, store.network) for end in ends))
