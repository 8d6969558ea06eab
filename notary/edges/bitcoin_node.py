"""A Bitcoin node over JSON-RPC: block headers by height. Works with pruned nodes, which keep all headers.

Only `getblockchaininfo`, `getblockhash` and `getblockheader` are called; nothing is sent that names a proof.
"""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from notary.core.header import HEADER_BYTES, Header, Network
from notary.core.strict_json import quoted
from notary.errors import SystemFailureError
from notary.wire import check_url, clean_text, exchange

_OUT_OF_RANGE = -8
"""The node's RPC_INVALID_PARAMETER: it has no block of that height."""


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where the node is, and how to log in: by name and password, or by the cookie file that it writes."""

    url: str
    login: tuple[str, str] | Path

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class NodeHeaders:
    """A header that stands in the node's best chain, up to `count` - 1 after it, and its number of confirmations."""

    headers: tuple[Header, ...]
    confirmations: int


def node_address(url: str, cookie: Path | None, network: Network) -> NodeAddress:
    """The node that the user named, as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT.

    Without a password the cookie file is used: `cookie`, or where bitcoind keeps it. Raises InputError.
    """
    # A password is never shown, whatever stands before it.
    scheme, mark, rest = url.partition("://")
    login, at, host = rest.rpartition("@")
    address = check_url(f"{scheme}{mark}{host}" if mark else url.rpartition("@")[2], "the node's address")
    parts = urlsplit(url)
    if at and login and parts.username is not None:
        return NodeAddress(address, (unquote(parts.username), unquote(parts.password or "")))
    return NodeAddress(address, cookie or _default_cookie(network))


def _default_cookie(network: Network) -> Path:
    """Where bitcoind writes its cookie unless told otherwise."""
    if sys.platform == "win32":
        folder = Path(os.environ.get("APPDATA", Path.home())) / "Bitcoin"
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support" / "Bitcoin"
    else:
        folder = Path.home() / ".bitcoin"
    return folder / ("" if network.rpc_name == "main" else network.rpc_name) / ".cookie"


def headers_from(node: NodeAddress, network: Network, height: int, count: int) -> NodeHeaders | None:
    """The header at `height` and up to `count` - 1 after it, or None where the node's chain is not that long.

    Raises SystemFailureError where the node cannot be reached, refuses the login, is on another chain, or gives
    headers that are not linked.
    """
    login = _login(node)
    info = _call(node, login, "getblockchaininfo")
    chain = info.get("chain") if isinstance(info, dict) else None
    if chain != network.rpc_name:
        raise SystemFailureError(f"the node {node} is on the chain {quoted(chain)}, not {network.rpc_name!r}")
    tip = info.get("blocks")
    if not isinstance(tip, int) or tip < height:
        return None
    headers: list[Header] = []
    for at in range(height, min(height + count, tip + 1)):
        block_hash = _call(node, login, "getblockhash", at)
        if block_hash is None:
            break
        header = _header(node, _call(node, login, "getblockheader", block_hash, False))
        if header.shown_hash != block_hash or (headers and header.previous != headers[-1].hash):
            raise SystemFailureError(f"the node {node} gave headers that do not fit together at height {at}")
        headers.append(header)
    return NodeHeaders(tuple(headers), tip - height + 1) if headers else None


def _header(node: NodeAddress, raw: Any) -> Header:
    try:
        data = bytes.fromhex(raw)
    except (TypeError, ValueError):
        data = b""
    if len(data) != HEADER_BYTES:
        raise SystemFailureError(f"the node {node} gave no block header")
    return Header(data)


def _login(node: NodeAddress) -> tuple[str, str]:
    if isinstance(node.login, tuple):
        return node.login
    try:
        name, _, password = node.login.read_text(encoding="ascii").strip().partition(":")
    except (OSError, ValueError):
        raise SystemFailureError(
            f"the node's cookie file {node.login} cannot be read",
            "name it with --node-cookie FILE, or give --node http://USER:PASSWORD@HOST:PORT",
        ) from None
    return name, password


def _call(node: NodeAddress, login: tuple[str, str], method: str, *parameters: object) -> Any:
    request = json.dumps({"jsonrpc": "1.0", "id": "notary", "method": method, "params": parameters}).encode()
    reply = exchange("POST", node.url, headers={"Content-Type": "application/json"}, body=request, login=login)
    if reply.status in (401, 403):
        raise SystemFailureError(f"the node {node} refuses the login")
    try:
        answer = json.loads(reply.body)
        error, result = answer.get("error"), answer.get("result")
    except (ValueError, AttributeError, RecursionError):
        raise SystemFailureError(f"the node {node} answered {reply.status} {clean_text(reply.body)}".rstrip()) from None
    if isinstance(error, dict):
        if error.get("code") == _OUT_OF_RANGE:
            return None
        said = clean_text(str(error.get("message")).encode(errors="replace"))
        raise SystemFailureError(f"the node {node} says: {said}")
    return result
