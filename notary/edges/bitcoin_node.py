"""A Bitcoin node over JSON-RPC: block headers by height. Works with pruned nodes, which keep all headers.

Only `getblockchaininfo`, `getblockhash` and `getblockheader` are called; nothing is sent that names a proof.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from notary import limits
from notary.core.header import HEADER_BYTES, Header, Network
from notary.core.strict_json import quoted
from notary.errors import InputError, SystemFailureError
from notary.wire import check_url, clean_text, exchange, is_loopback

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

    Without a password the cookie file is used: `cookie`, or, for a node on this machine, where bitcoind keeps it.
    Raises InputError.
    """
    # A password is never shown, whatever stands around it.
    scheme, mark, rest = url.partition("://")
    login, at, host = rest.rpartition("@")
    is_web = mark and scheme in ("http", "https")
    address = check_url(f"{scheme}://{host}" if is_web else url.rpartition("@")[2], "the node's address")
    if at and login:
        name, _, password = login.partition(":")
        return NodeAddress(address, (unquote(name), unquote(password)))
    if cookie is None and not is_loopback(urlsplit(address).hostname or ""):
        raise InputError(
            f"the node {address} is on another machine, and this one's cookie file is not sent there",
            "name the node's own with --node-cookie FILE, or give http://USER:PASSWORD@HOST:PORT",
        )
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
    for start in range(height, min(height + count, tip + 1), limits.NODE_CALLS):
        heights = range(start, min(start + limits.NODE_CALLS, height + count, tip + 1))
        hashes = list(
            takewhile(lambda one: one is not None, _calls(node, login, "getblockhash", [[at] for at in heights]))
        )
        found = _calls(node, login, "getblockheader", [[one, False] for one in hashes])
        for at, block_hash, raw in zip(heights, hashes, found, strict=False):
            header = _header(node, raw)
            if header.shown_hash != block_hash or (headers and header.previous != headers[-1].hash):
                raise SystemFailureError(f"the node {node} gave headers that do not fit together at height {at}")
            headers.append(header)
        if len(hashes) < len(heights):
            break
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


def _call(node: NodeAddress, login: tuple[str, str], method: str) -> Any:
    return _result(node, _post(node, login, {"jsonrpc": "1.0", "id": 0, "method": method, "params": []}))


def _calls(node: NodeAddress, login: tuple[str, str], method: str, parameters: Sequence[list[object]]) -> list[Any]:
    """One method with each of `parameters`, in one request; None for what the node does not have."""
    if not parameters:
        return []
    requests = [
        {"jsonrpc": "1.0", "id": number, "method": method, "params": one} for number, one in enumerate(parameters)
    ]
    answers = _post(node, login, requests)
    if not isinstance(answers, list):
        _result(node, answers)
        raise SystemFailureError(f"the node {node} did not answer {len(parameters)} calls at once")
    by_number = {answer.get("id"): answer for answer in answers if isinstance(answer, dict) and _is_id(answer)}
    return [_result(node, by_number.get(number)) for number in range(len(parameters))]


def _is_id(answer: dict[str, Any]) -> bool:
    return type(answer.get("id")) is int


def _post(node: NodeAddress, login: tuple[str, str], request: object) -> Any:
    body = json.dumps(request).encode()
    reply = exchange("POST", node.url, headers={"Content-Type": "application/json"}, body=body, login=login)
    if reply.status in (401, 403):
        raise SystemFailureError(f"the node {node} refuses the login")
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        raise SystemFailureError(f"the node {node} answered {reply.status} {clean_text(reply.body)}".rstrip()) from None


def _result(node: NodeAddress, answer: Any) -> Any:
    """What a call gave; None for a height that the node does not have."""
    if not isinstance(answer, dict):
        raise SystemFailureError(f"the node {node} gave no answer that is one")
    error = answer.get("error")
    if isinstance(error, dict):
        if error.get("code") == _OUT_OF_RANGE:
            return None
        said = clean_text(str(error.get("message")).encode(errors="replace"))
        raise SystemFailureError(f"the node {node} says: {said}")
    return answer.get("result")
