"""edges.bitcoin_node: headers from a node that speaks the truth, and from servers that lie."""

import base64
import json
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notary import limits
from notary.core.header import NETWORKS, Header, has_work, linked
from notary.edges.bitcoin_node import NodeAddress, headers_from, node_address
from notary.errors import InputError, SystemFailureError
from notary.localnet.calendar import LocalNetwork
from tests.edges.rude_server import RudeServer, reply

LOCAL, BITCOIN = NETWORKS["local"], NETWORKS["bitcoin"]
LOGIN = ("user", "password")


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EXCHANGE_SECONDS", 2.0)


# -- a node that speaks the truth -----------------------------------------------------------------------------------


@pytest.fixture
def node(local_network: LocalNetwork) -> NodeAddress:
    local_network.submit(bytes(32))
    assert local_network.mine() == 101
    return NodeAddress(local_network.address, LOGIN)


@pytest.mark.parametrize(
    ("height", "count", "expected"), [(101, 12, 6), (101, 3, 3), (106, 5, 1), (0, 3, 3), (50, 12, 12)]
)
def test_headers_of_the_embedded_chain(
    node: NodeAddress, local_network: LocalNetwork, height: int, count: int, expected: int
) -> None:
    found = headers_from(node, LOCAL, height, count)
    assert found is not None
    assert len(found.headers) == expected
    assert linked(found.headers) == found.headers
    assert all(has_work(header, LOCAL) for header in found.headers)
    assert found.confirmations == 106 - height + 1
    if height:
        assert found.headers[0].raw == local_network.blocks()[height - 1][:80]


def test_a_block_that_is_not_there_yet(node: NodeAddress) -> None:
    assert headers_from(node, LOCAL, 107, 1) is None
    assert headers_from(node, LOCAL, 2**31, 12) is None


def test_a_node_on_another_chain(node: NodeAddress) -> None:
    with pytest.raises(SystemFailureError, match=r"is on the chain 'regtest', not 'main'"):
        headers_from(node, BITCOIN, 101, 1)


# -- a node that lies -----------------------------------------------------------------------------------------------


def chain(count: int) -> list[Header]:
    """Headers in a row; nobody looks at their work here."""
    made: list[Header] = []
    for at in range(count):
        previous = made[-1].hash if made else bytes(32)
        made.append(Header(struct.pack("<I32s32s3I", 1, previous, bytes([at]) * 32, at, 0x207FFFFF, at)))
    return made


@dataclass
class Refusal:
    """An error of JSON-RPC in place of a result."""

    code: object
    message: object


class LyingNode:
    """Answers as a node with ten blocks, but for the methods that a test lies about."""

    def __init__(self, server: RudeServer) -> None:
        self.chain = chain(10)
        self.lies: dict[str, Callable[[list[Any]], object]] = {}
        self.calls: list[tuple[str, list[Any]]] = []
        self._server = server
        server.answer = self._answer
        self.address = NodeAddress(server.url, LOGIN)

    def _answer(self, connection: Any) -> None:
        request = json.loads(self._server.requests[-1].partition(b"\r\n\r\n")[2])
        answer = [self._one(each) for each in request] if isinstance(request, list) else self._one(request)
        connection.sendall(reply(json.dumps(answer).encode()))

    def _one(self, request: dict[str, Any]) -> object:
        method, parameters = request["method"], request["params"]
        self.calls.append((method, parameters))
        answer = self.lies.get(method, getattr(self, method))(parameters)
        if isinstance(answer, Refusal):
            return {"result": None, "error": {"code": answer.code, "message": answer.message}, "id": request["id"]}
        return {"result": answer, "error": None, "id": request["id"]}

    def getblockchaininfo(self, parameters: list[Any]) -> object:
        return {"chain": "regtest", "blocks": 9, "pruned": True}

    def getblockhash(self, parameters: list[Any]) -> object:
        return self.chain[parameters[0]].shown_hash

    def getblockheader(self, parameters: list[Any]) -> object:
        return next(one.raw.hex() for one in self.chain if one.shown_hash == parameters[0])


@pytest.fixture
def lying(rude: RudeServer) -> LyingNode:
    return LyingNode(rude)


def refusal(node: NodeAddress, height: int = 3, count: int = 3) -> str:
    with pytest.raises(SystemFailureError) as caught:
        headers_from(node, LOCAL, height, count)
    message = caught.value.message
    assert message.isprintable()
    assert len(message) < 300
    assert "password" not in message
    return message


def test_the_truth_again(lying: LyingNode) -> None:
    found = headers_from(lying.address, LOCAL, 3, 3)
    assert found is not None
    assert (list(found.headers), found.confirmations) == (lying.chain[3:6], 7)
    assert {method for method, _ in lying.calls} == {"getblockchaininfo", "getblockhash", "getblockheader"}
    assert ("getblockheader", [lying.chain[3].shown_hash, False]) in lying.calls


def test_a_height_beyond_the_end_is_no_error(lying: LyingNode) -> None:
    lying.lies["getblockhash"] = lambda parameters: Refusal(-8, "Block height out of range")
    assert headers_from(lying.address, LOCAL, 3, 3) is None


def test_a_chain_that_ends_sooner_than_it_said(lying: LyingNode) -> None:
    truth = lying.getblockhash
    lying.lies["getblockhash"] = lambda parameters: truth(parameters) if parameters[0] < 5 else Refusal(-8, "gone")
    found = headers_from(lying.address, LOCAL, 3, 3)
    assert found is not None
    assert list(found.headers) == lying.chain[3:5]


@pytest.mark.parametrize(
    "name", ["main", "test", "", None, 5, ["regtest"], "\x1b[31mregtest", "regtest" * 9000, {"a": "b" * 9000}]
)
def test_another_chain(lying: LyingNode, name: object) -> None:
    lying.lies["getblockchaininfo"] = lambda parameters: {"chain": name, "blocks": 9}
    assert "is on the chain" in refusal(lying.address)


@pytest.mark.parametrize(
    "info", [None, [], "regtest", 5, {}, {"chain": "regtest", "blocks": "9"}, {"chain": "regtest"}]
)
def test_information_that_is_none(lying: LyingNode, info: object) -> None:
    lying.lies["getblockchaininfo"] = lambda parameters: info
    with suppress(SystemFailureError):
        assert headers_from(lying.address, LOCAL, 3, 3) is None


@pytest.mark.parametrize("what", [None, 5, {}, [], "zz" * 80, "00" * 79, "00" * 81, "", "é" * 160, "00" * 80, "\ud800"])
def test_what_is_no_header_of_that_hash(lying: LyingNode, what: object) -> None:
    lying.lies["getblockheader"] = lambda parameters: what
    refusal(lying.address)


@pytest.mark.parametrize("what", [5, {}, [], "zz", "00" * 32, "\ud800", True])
def test_what_is_no_hash(lying: LyingNode, what: object) -> None:
    lying.lies["getblockhash"] = lambda parameters: what
    lying.lies["getblockheader"] = lambda parameters: lying.chain[3].raw.hex()
    refusal(lying.address)


def test_headers_that_are_not_linked(lying: LyingNode) -> None:
    stranger = Header(lying.chain[4].raw[:4] + b"\x01" + lying.chain[4].raw[5:])
    lying.chain[4] = stranger
    assert "do not fit together at height 4" in refusal(lying.address)


def test_a_header_of_another_block(lying: LyingNode) -> None:
    lying.lies["getblockheader"] = lambda parameters: lying.chain[7].raw.hex()
    assert "do not fit together at height 3" in refusal(lying.address)


JUNK = {
    "nothing": b"",
    "a page": b"<html>not a node</html>",
    "half an answer": b'{"result": {"chain": "regt',
    "a list": b"[]",
    "null": b"null",
    "a number": b"5",
    "a text": b'"result"',
    "deep": b"[" * 60_000,
    "deep objects": b'{"result":' * 6000,
    "deep and whole": b'{"result":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "a huge number": b'{"result": {"chain": "regtest", "blocks": ' + b"9" * 5000 + b"}}",
    "no number": b'{"result": {"chain": NaN, "blocks": -Infinity}}',
    "not UTF-8": b'{"result": "\xff"}',
    "UTF-16": '{"result": 5}'.encode("utf-16"),
    "too much": b" " * 70_000,
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize("what", JUNK)
@pytest.mark.parametrize("status", ["200 OK", "500 Internal Server Error"])
def test_junk_is_no_answer(rude: RudeServer, what: str, status: str) -> None:
    rude.answer = reply(JUNK[what], status)
    refusal(NodeAddress(rude.url, LOGIN))


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_login_that_is_refused(rude: RudeServer, status: str) -> None:
    rude.answer = reply(b"", status)
    assert "refuses the login" in refusal(NodeAddress(rude.url, LOGIN))


@pytest.mark.parametrize(
    "error_object",
    [
        *({"code": -28, "message": "Loading block index..."}, {"code": -1}, {}, {"code": None, "message": None}),
        *({"code": -5, "message": "\x1b[31m\r\nhostile\u202e" + "a" * 9000}, {"code": "x", "message": {"a": ["b"]}}),
        *({"code": -5, "message": "\ud800"}, {"message": 5}, "a text", ["a list"], 5, True),
    ],
)
def test_errors_of_the_node(rude: RudeServer, error_object: object) -> None:
    rude.answer = reply(json.dumps({"result": None, "error": error_object}).encode(), "500 Internal Server Error")
    refusal(NodeAddress(rude.url, LOGIN))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["regtest", "00" * 80]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["chain", "blocks", "code", "message"]), inner)
    ),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(result=values, fault=values)
def test_no_answer_raises_anything_else(rude: RudeServer, result: object, fault: object) -> None:
    rude.answer = reply(json.dumps({"result": result, "error": fault}).encode())
    with suppress(SystemFailureError):
        assert headers_from(NodeAddress(rude.url, LOGIN), LOCAL, 3, 3) is None


def test_a_node_that_is_not_there() -> None:
    with RudeServer() as server:
        address = NodeAddress(server.url, LOGIN)
    assert "could not be reached" in refusal(address)


# -- logins ---------------------------------------------------------------------------------------------------------


def sent_login(server: RudeServer) -> bytes:
    (line,) = (line for line in server.requests[0].split(b"\r\n") if line.startswith(b"Authorization: Basic "))
    return base64.b64decode(line.removeprefix(b"Authorization: Basic "))


@pytest.mark.parametrize(
    ("login", "sent"),
    [
        ("user:password", "user:password"),
        ("us%40er:pass%3Aword%2F%25", "us@er:pass:word/%"),
        ("user", "user:"),
        (":password", ":password"),
        ("us@er:pass@word", "us@er:pass@word"),
        ("user:pass:word", "user:pass:word"),
        ("user:pass+word", "user:pass+word"),
        ("us%C3%A9r:%D0%BF%D0%B0%D1%80%D0%BE%D0%BB%D1%8C", "usér:пароль"),
    ],
)
def test_a_password_in_the_address(lying: LyingNode, rude: RudeServer, login: str, sent: str) -> None:
    address = node_address(f"http://{login}@{rude.host}", Path("/nothing"), LOCAL)
    assert address.url == rude.url
    assert str(address) == rude.url
    assert headers_from(address, LOCAL, 3, 1)
    assert sent_login(rude) == sent.encode()  # as bitcoind and curl have it


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_cookie_file(lying: LyingNode, rude: RudeServer, tmp_path: Path, end: str) -> None:
    cookie = tmp_path / ".cookie"
    cookie.write_text(f"__cookie__:0123abcd{end}", newline="")
    address = node_address(f"{rude.url}/", cookie, LOCAL)
    assert headers_from(address, LOCAL, 3, 1)
    assert sent_login(rude) == b"__cookie__:0123abcd"
    cookie.write_text("__cookie__:new")  # a node writes another each time it starts
    rude.requests.clear()
    assert headers_from(address, LOCAL, 3, 1)
    assert sent_login(rude) == b"__cookie__:new"


def test_a_cookie_file_that_cannot_be_read(rude: RudeServer, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for cookie in (tmp_path / "nothing", tmp_path, tmp_path / "binary"):
        with pytest.raises(SystemFailureError, match="cookie file") as caught:
            headers_from(node_address(rude.url, cookie, LOCAL), LOCAL, 3, 1)
        assert any("--node-cookie" in hint for hint in caught.value.hints)
    assert not rude.requests


def test_the_usual_cookie_file() -> None:
    for network, end in ((BITCOIN, ".cookie"), (NETWORKS["regtest"], "regtest/.cookie")):
        login = node_address("http://127.0.0.1:8332", None, network).login
        assert isinstance(login, Path)
        assert login.as_posix().lower().endswith(f"bitcoin/{end}")


# -- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("http://127.0.0.1:8332", "http://127.0.0.1:8332"),
        ("http://127.0.0.1:8332/", "http://127.0.0.1:8332"),
        ("http://[::1]:8332", "http://[::1]:8332"),
        ("http://u:p@[::1]:8332", "http://[::1]:8332"),
        ("https://u:p@node.example/rpc", "https://node.example/rpc"),
        ("http://u:p@localhost", "http://localhost"),
    ],
)
def test_addresses(url: str, plain: str) -> None:
    assert node_address(url, Path("/nothing"), BITCOIN).url == plain


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "127.0.0.1:8332",
            "localhost:8332",
            "u:p@127.0.0.1:8332",
            "//127.0.0.1",
            "ftp://u:p@127.0.0.1",
            "http://",
        ),
        *("http://u:p@", "http://[::1", "http://u:p@[::1", "http://::1]:80", "http://[x]:80", "http://127.0.0.1:x"),
        *(
            "http://u:p@127.0.0.1:99999",
            "http://u:p@127.0.0.1:0",
            "http://127.0.0.1?x=y",
            "http://127.0.0.1#x",
            "http://a b",
        ),
        *("http://127.0.0.1\n.evil.org", "http://u:p@ä.example", "http://u%zz:p@127.0.0.1:x", "http://\ud800"),
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(InputError) as caught:
        node_address(url, Path("/nothing"), BITCOIN)
    assert "p@" not in caught.value.message, "a password is not shown"


@pytest.mark.parametrize("host", ["evil.example", "192.0.2.7", "[2001:db8::7]", "127.0.0.1.evil.example"])
def test_this_machines_cookie_is_sent_to_no_other(host: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="on another machine") as caught:
        node_address(f"http://{host}:8332", None, BITCOIN)
    assert any("--node-cookie" in hint for hint in caught.value.hints)
    assert node_address(f"http://{host}:8332", tmp_path, BITCOIN).login == tmp_path
    assert node_address(f"http://u:p@{host}:8332", None, BITCOIN).login == ("u", "p")
