"""The newest block header at hand, for a manifest to name: who names it cannot have written before it was mined.

It is taken some blocks below the tip: a block that a reorganisation throws out later would speak against the manifest.
"""

from notary.core.header import CONFIRMATIONS, Header, Network
from notary.edges.bitcoin_node import headers_from
from notary.edges.explorers import tip_height
from notary.errors import SystemFailureError
from notary.headers import HeaderSources, agreed_header, stored_headers
from notary.wire import all_at_once

STALE_SECONDS = 24 * 3600
"""A stored chain that ends earlier is only taken where nobody can be asked for newer headers."""

NewestBlock = tuple[int, Header]


def newest_block(sources: HeaderSources, network: Network, now: int) -> tuple[NewestBlock | None, list[str]]:
    """Height and header of the newest block that is deep enough, and why some could not be asked.

    The user's node is asked first, then the stored chain, then explorers.
    """
    notes: list[str] = []
    stored: NewestBlock | None = None
    for look in (_of_node, _of_store, _of_explorers):
        try:
            found = look(sources, network)
        except SystemFailureError as error:
            notes.append(error.message)
            continue
        if found and look is _of_store and found[1].time < now - STALE_SECONDS:
            stored = found
        elif found:
            return found, notes
    return stored, notes


def _of_node(sources: HeaderSources, network: Network) -> NewestBlock | None:
    if sources.node is None:
        return None
    genesis = headers_from(sources.node, network, 0, 1)
    height = genesis.confirmations - CONFIRMATIONS if genesis else 0
    seen = headers_from(sources.node, network, height, 1) if height > 0 else None
    return (height, seen.headers[0]) if seen else None


def _of_store(sources: HeaderSources, network: Network) -> NewestBlock | None:
    height = sources.store.height - CONFIRMATIONS + 1 if sources.store else 0
    headers = stored_headers(sources.store, height) if sources.store and height > 0 else ()
    return (height, headers[0]) if headers else None


def _of_explorers(sources: HeaderSources, network: Network) -> NewestBlock | None:
    """As high as enough of them say that the chain is."""
    if not sources.explorers:
        return None
    answers = all_at_once(tip_height, sources.explorers)
    tips = sorted((one for one in answers if isinstance(one, int)), reverse=True)
    if len(tips) < sources.min_explorers:
        silent = next(one for one in answers if not isinstance(one, int))
        raise SystemFailureError(f"too few explorers name their newest block: {silent}")
    height = tips[sources.min_explorers - 1] - CONFIRMATIONS + 1
    return (height, agreed_header(sources, network, height, set())[0]) if height > 0 else None
