"""Block explorers over HTTP, by the Esplora API: the header of a block, from each, for the caller to compare.

An explorer is a website: one alone is believed in nothing, and what it says of a header has to fit the header.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from notary.core.header import HEADER_BYTES, Header, Network, has_work
from notary.errors import SystemFailureError
from notary.wire import check_url, clean_text, exchange

DEFAULT_EXPLORERS = ("https://blockstream.info/api", "https://mempool.space/api", "https://mempool.emzy.de/api")
"""Run by three parties that do not depend on one another."""

MIN_EXPLORERS = 2
"""How many of them must give the same header."""


def explorer_name(url: str) -> str:
    """Who answers at that address: the same for all ways to write it."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    host = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[parts.scheme]
    return host if parts.port in (None, usual) else f"{host}:{parts.port}"


def explorers_for(network: Network, named: Sequence[str] | None) -> tuple[str, ...]:
    """Those to ask: the ones that the user named, each host once, else the default ones; a test network has none.

    Raises InputError for one that is no address.
    """
    if named is None:
        return () if network.is_test else DEFAULT_EXPLORERS
    urls = [check_url(url, "the explorer") for url in named]
    return tuple({explorer_name(url): url for url in urls}.values())


def header_from(url: str, network: Network, height: int) -> Header | None:
    """The header that the explorer has at `height`, or None where its chain is not that long.

    Raises SystemFailureError where it cannot be reached, or gives what is no header with work for that network, or
    not the one with the hash that it names.
    """
    named = _get(url, f"block-height/{height}", 64)
    if named is None:
        return None
    raw = _get(url, f"block/{named}/header", 2 * HEADER_BYTES)
    if raw is None:
        raise SystemFailureError(f"{explorer_name(url)} names block {named}, and does not have it")
    header = Header(bytes.fromhex(raw))
    if header.shown_hash != named:
        raise SystemFailureError(f"{explorer_name(url)} gave a header that is not the one of block {named}")
    if not has_work(header, network):
        raise SystemFailureError(f"{explorer_name(url)} gave a header without the work of the network {network.name}")
    return header


def _get(url: str, path: str, digits: int) -> str | None:
    """So many hex digits, in lower case; None where the explorer knows of no such block."""
    reply = exchange("GET", f"{url}/{path}", headers={"Accept": "text/plain"})
    if reply.status == 404:
        return None
    text = reply.body.decode("ascii", errors="replace").strip().lower()
    if reply.status != 200 or not re.fullmatch(f"[0-9a-f]{{{digits}}}", text):
        said = clean_text(reply.body)
        raise SystemFailureError(f"{explorer_name(url)} answered {reply.status} {said}".rstrip())
    return text


def tip_height(url: str) -> int:
    """The height of the newest block that the explorer knows. Raises SystemFailureError."""
    reply = exchange("GET", f"{url}/blocks/tip/height", headers={"Accept": "text/plain"})
    text = reply.body.decode("ascii", errors="replace").strip()
    if reply.status != 200 or not re.fullmatch("[0-9]{1,9}", text):
        raise SystemFailureError(f"{explorer_name(url)} answered {reply.status} {clean_text(reply.body)}".rstrip())
    return int(text)


def check_chain(url: str, network: Network) -> None:
    """Raises SystemFailureError where the explorer is one of another chain, or does not answer."""
    genesis = _get(url, "block-height/0", 64)
    if genesis != Header(network.genesis).shown_hash:
        raise SystemFailureError(f"{explorer_name(url)} does not show the network {network.name}")
