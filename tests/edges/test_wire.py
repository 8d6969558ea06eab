"""notary.wire against servers that redirect, flood, drip, lie and hang: each costs little, and ends in plain words."""

import base64
import gzip
import shutil
import socket
import subprocess
import sys
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notary import limits
from notary.errors import InputError, SystemFailureError
from notary.wire import USER_AGENT, Reply, all_at_once, check_url, clean_text, exchange
from tests.edges.rude_server import Answer, RudeServer, reply

# Nothing may escape in the thread that does the talking: its traceback would be all that the user sees.
pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EXCHANGE_SECONDS", 5.0)
    monkeypatch.setattr(limits, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(limits, "READ_SECONDS", 2.0)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "NETRC", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def get(server: RudeServer, path: str = "/x") -> Reply:
    return exchange("GET", server.url + path, headers={})


def failure(server: RudeServer, path: str = "/x") -> str:
    """What is said of a server whose answer is of no use."""
    with pytest.raises(SystemFailureError) as caught:
        get(server, path)
    message = caught.value.message
    assert server.host in message
    assert message.isprintable()
    assert len(message) < 200
    return message


def spent(call: Callable[[], object]) -> tuple[float, int]:
    """The seconds and the bytes of memory that a call took."""
    tracemalloc.start()
    begin = monotonic()
    try:
        call()
        return monotonic() - begin, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# -- a plain exchange -----------------------------------------------------------------------------------------------


def test_a_request_says_what_it_should_and_no_more(rude: RudeServer) -> None:
    rude.answer = reply(b"body", "418 I'm a teapot")
    found = exchange("POST", rude.url + "/digest", headers={"Accept": "text/x"}, body=b"\x00\xff")
    assert found == Reply(418, b"body")
    head, _, body = rude.requests[0].partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    assert (first, body) == ("POST /digest HTTP/1.1", b"\x00\xff")
    assert (headers["accept"], headers["user-agent"], headers["host"]) == ("text/x", USER_AGENT, rude.host)
    assert not {"authorization", "cookie", "referer"} & headers.keys()


def test_a_reply_in_chunks_and_without_a_length(rude: RudeServer) -> None:
    rude.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    assert get(rude) == Reply(200, b"abcde")
    rude.answer = b"HTTP/1.0 200 OK\r\n\r\nuntil the end"
    assert get(rude) == Reply(200, b"until the end")


@pytest.mark.parametrize(("login", "sent"), [(("user", "pass:word"), b"user:pass:word"), (("é", "пароль"), "é:пароль")])
def test_a_login_is_sent_as_utf8(rude: RudeServer, login: tuple[str, str], sent: bytes | str) -> None:
    rude.answer = reply(b"")
    exchange("GET", rude.url, headers={}, login=login)
    expected = base64.b64encode(sent.encode() if isinstance(sent, str) else sent)
    assert b"Authorization: Basic " + expected + b"\r\n" in rude.requests[0]


# -- too much -------------------------------------------------------------------------------------------------------


def test_a_reply_may_have_64_kib(rude: RudeServer) -> None:
    rude.answer = reply(bytes(limits.REPLY_BYTES))
    assert len(get(rude).body) == limits.REPLY_BYTES
    rude.answer = reply(bytes(limits.REPLY_BYTES + 1))
    assert "over 65536 bytes" in failure(rude)


HEAD = b"HTTP/1.1 %b\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 1000000000\r\n\r\n"


@pytest.mark.parametrize("status", [b"200 OK", b"404 Not Found", b"302 Found", b"308 Permanent Redirect"])
def test_a_gigabyte_is_not_taken(rude: RudeServer, monkeypatch: pytest.MonkeyPatch, status: bytes) -> None:
    monkeypatch.setattr(limits, "REPLY_BYTES", 4096)  # as much less than what is sent, and sooner read
    rude.answer, taken = rude.flood(HEAD % status, 1000)
    seconds, memory = spent(lambda: failure(rude))
    assert seconds < 5
    assert memory < 5_000_000
    assert taken[0] < 20  # what fits into the buffers on the way


def zeros(megabytes: int) -> bytes:
    return gzip.compress(bytes(megabytes * 1_000_000), 9)


@pytest.mark.parametrize("status", ["200 OK", "500 Error", "302 Found"])
@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", zeros(200)),
        ("gzip, gzip", gzip.compress(zeros(200), 9)),
        ("deflate", zlib.compress(bytes(200_000_000), 9)),
        ("gzip", gzip.compress(b"small", 9) + zeros(200)),
    ],
    ids=["gzip", "gzip twice", "deflate", "second member"],
)
def test_a_compressed_bomb_does_not_go_off(
    rude: RudeServer, monkeypatch: pytest.MonkeyPatch, status: str, encoding: str, body: bytes
) -> None:
    monkeypatch.setattr(limits, "REPLY_BYTES", 4096)
    rude.answer = reply(body, status, f"Content-Encoding: {encoding}", "Location: http://127.0.0.1:9/")
    seconds, memory = spent(lambda: failure(rude))
    assert seconds < 5
    assert memory < 10_000_000


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
def test_a_redirect_is_not_followed(rude: RudeServer, status: int) -> None:
    with RudeServer() as other:
        other.answer = reply(b"secret")
        rude.answer = reply(b"", f"{status} Elsewhere", f"Location: {other.url}/", "Set-Cookie: a=b")
        assert "redirect" in failure(rude)
        assert not other.requests
        assert len(rude.requests) == 1


@pytest.mark.parametrize(
    "location", ["http://[::1/", "//", "\x00", "ftp://x", "http://\xff/", "x" * 60_000, "http://a@b:c"]
)
def test_a_redirect_to_nowhere(rude: RudeServer, location: str) -> None:
    rude.answer = reply(b"", "302 Found", f"Location: {location}")
    failure(rude)


# -- too slow -------------------------------------------------------------------------------------------------------


def silent(server: RudeServer) -> Answer:
    return lambda connection: server.stop.wait(20) and None


def continuing(server: RudeServer) -> Answer:
    return server.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 400, 0.001)


SLOW: dict[str, Callable[[RudeServer], Answer]] = {
    "nothing": silent,
    "body": lambda server: server.drip(reply(b"x" * 100), 0.1),
    "headers": lambda server: server.drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20, 0.1),
    "chunks": lambda server: server.drip(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 20, 0.1
    ),
    "a body without end": lambda server: server.drip(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100, 0.1),
    "100 Continue for ever": continuing,
    "a redirect's body": lambda server: server.drip(reply(b"x" * 100, "302 Found", "Location: /"), 0.05),
}


def test_slow_servers_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EXCHANGE_SECONDS", 1.0)
    with ExitStack() as stack:
        servers = [stack.enter_context(RudeServer()) for _ in SLOW]
        for server, make in zip(servers, SLOW.values(), strict=True):
            server.answer = make(server)
        begin = monotonic()
        answers = dict(zip(SLOW, all_at_once(get, servers), strict=True))
        assert monotonic() - begin < 4
        assert {what: type(answer) for what, answer in answers.items()} == dict.fromkeys(SLOW, SystemFailureError)


@pytest.mark.skipif(sys.platform != "linux", reason="fills a queue as Linux counts it")
def test_a_server_that_does_not_take_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as waiting:
        for _ in range(3):
            caller = waiting.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
        host = f"127.0.0.1:{full.getsockname()[1]}"
        with pytest.raises(SystemFailureError, match=f"{host} did not answer within"):
            exchange("GET", f"http://{host}/", headers={})


def test_a_closed_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(SystemFailureError, match=f"{host} could not be reached"):
        exchange("GET", f"http://{host}/", headers={})


# -- nonsense -------------------------------------------------------------------------------------------------------

NONSENSE = {
    "nothing": b"",
    "half a status line": b"HTTP/1.1 2",
    "half the body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf",
    "a chunk of no number": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a chunk of a huge number": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 5000 + b"\r\n",
    "a chunk of less than nothing": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc",
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "binary": bytes(range(256)) * 4,
    "status 0": b"HTTP/1.1 000 OK\r\n\r\n",
    "status 9999": b"HTTP/1.1 9999 OK\r\n\r\n",
    "status that is a word": b"HTTP/1.1 OK OK\r\n\r\n",
    "version 9": b"HTTP/9.9 200 OK\r\n\r\n",
    "a line without end": b"HTTP/1.1 200 " + b"O" * 200_000,
    "a header without end": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    "headers without end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
    "no gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nhello",
    "half a gzip": b"HTTP/1.1 302 OK\r\nContent-Encoding: gzip\r\nLocation: /\r\n\r\n" + gzip.compress(b"x")[:8],
    "fifty encodings": b"HTTP/1.1 200 OK\r\nContent-Encoding: " + b"gzip," * 50 + b"gzip\r\n\r\nhello",
    "a redirect in bad chunks": b"HTTP/1.1 302 OK\r\nLocation: /\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a redirect with half a body": b"HTTP/1.1 302 OK\r\nLocation: /\r\nContent-Length: 100\r\n\r\nhalf",
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_is_no_answer(rude: RudeServer, what: str) -> None:
    rude.answer = NONSENSE[what]
    failure(rude)


ODD = (
    b"HTTP/1.1 200 OK\r\nno colon\r\n: no name\r\n\xff\xff: \x00\r\nX:\r\n folded\r\n\r\nbody",
    b"HTTP/1.1 200 OK\r\nSet-Cookie: \xff=\xff; domain=[[; expires=never\r\n\r\nbody",
    b"HTTP/1.1 200 \x1b[31mOK\r\n\r\nbody",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=nonsense\r\n\r\nbody",
    b"HTTP/1.1 200 OK\nContent-Length: 4\n\nbody",
    b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nbody",
    b"HTTP/1.1 200 OK\r\nContent-Le",
)


@pytest.mark.parametrize("answer", ODD)
def test_odd_headers_do_no_harm(rude: RudeServer, answer: bytes) -> None:
    rude.answer = answer
    assert get(rude).status == 200


WORDS = [
    *(
        b"HTTP/1.1 ",
        b"200 OK",
        b"302 Found",
        b"\r\n",
        b"\r\n\r\n",
        b"Location: ",
        b"http://[",
        b"Content-Length: ",
        b"5",
    ),
    *(
        b"Transfer-Encoding: chunked",
        b"Content-Encoding: gzip",
        b"Set-Cookie: a=b; ",
        b"\xff",
        b"\0",
        b"-1",
        b"deflate",
    ),
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=4)), max_size=12), is_http=st.booleans())
def test_no_reply_raises_anything_else(rude: RudeServer, words: list[bytes], is_http: bool) -> None:
    rude.answer = (b"HTTP/1.1 302 Found\r\n" if is_http else b"") + b"".join(words)
    with suppress(SystemFailureError):
        get(rude)


# -- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", folder / "key", "-out", folder / "certificate", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "certificate", folder / "key"


def test_a_certificate_that_nobody_signed(
    rude: RudeServer, self_signed: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    rude.speak_tls(*self_signed)
    rude.answer = reply(b"body")
    assert "no valid TLS certificate" in failure(rude)
    # The environment does not decide whom to trust on this machine.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(self_signed[0]))
    failure(rude)
    assert not rude.requests


def test_tls_where_none_is_spoken(rude: RudeServer) -> None:
    rude.answer = reply(b"body")
    with pytest.raises(SystemFailureError, match=rude.host):
        exchange("GET", f"https://{rude.host}/", headers={})


# -- logins and proxies from the environment ------------------------------------------------------------------------

# Two names for one place: only the second is recognisably this machine.
ELSEWHERE, HERE = "127.1", "127.0.0.1"


@pytest.mark.parametrize("host", [ELSEWHERE, HERE])
def test_netrc_is_not_read(rude: RudeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    (tmp_path / ".netrc").write_text(f"machine {host} login user password secret\ndefault login a password b\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    rude.answer = reply(b"")
    exchange("GET", rude.url.replace(HERE, host), headers={})
    assert b"authorization" not in rude.requests[0].lower()


@pytest.mark.parametrize("host", [ELSEWHERE, HERE, "localhost", "a.localhost", "[::1]"])
def test_a_proxy_is_not_asked_for_this_machine(rude: RudeServer, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    rude.answer = reply(b"direct")
    with RudeServer() as proxy:
        proxy.answer = reply(b"through the proxy")
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        try:
            exchange("GET", rude.url.replace(HERE, host), headers={})
        except SystemFailureError:
            assert host != HERE  # the name may not be known, or the server not listen there
        assert bool(proxy.requests) == (host == ELSEWHERE)


# -- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://a.example", "https://a.example"),
        ("http://127.0.0.1:80/", "http://127.0.0.1:80"),
        ("http://[::1]:14788", "http://[::1]:14788"),
        ("https://a.example/calendar/", "https://a.example/calendar"),
        ("HTTPS://A.example", "HTTPS://A.example"),
    ],
)
def test_plain_addresses(url: str, plain: str) -> None:
    assert check_url(url, "the calendar") == plain


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "a.example",
            "//a.example",
            "ftp://a.example",
            "file:///etc/passwd",
            "http://",
            "https://:80",
            "http:a.example",
        ),
        *("http://user@a.example", "http://user:pw@a.example", "http://@a.example", "http://:@a.example"),
        *("http://a.example?x", "http://a.example/#x", "http://a.example?", "http://a.example#"),
        *("http://a.example:0", "http://a.example:99999", "http://a.example:x", "http://a.example:-1", "http://[::1"),
        *(
            "http://a example",
            "http://a.example\n",
            "\nhttp://a.example",
            "http://a.exa\tmple",
            "http://ä.example",
            "http://a\0b",
        ),
        *("http://a.example\\@b.example", "javascript:alert(1)", "http://a.example:\uff18\uff10"),
    ],
)
def test_addresses_that_are_not_plain(url: str) -> None:
    with pytest.raises(InputError, match=r"the calendar .* is not a plain http or https address"):
        check_url(url, "the calendar")


# -- all at once ----------------------------------------------------------------------------------------------------


@pytest.fixture
def servers() -> Iterator[list[RudeServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(RudeServer()) for _ in range(8)]


def test_many_slow_servers_take_the_time_of_one(servers: list[RudeServer]) -> None:
    for number, server in enumerate(servers):
        server.answer = server.drip(reply(b"%d" % number), 0.008)
    begin = monotonic()
    answers = all_at_once(get, servers)
    assert [answer.body for answer in answers if isinstance(answer, Reply)] == [b"%d" % number for number in range(8)]
    assert monotonic() - begin < 2.5  # one after the other, four seconds


def test_each_answer_stands_in_its_servers_place(servers: list[RudeServer]) -> None:
    for number, server in enumerate(servers):
        server.answer = b"" if number % 2 else reply(b"%d" % number)
    for number, answer in enumerate(all_at_once(get, servers)):
        assert isinstance(answer, SystemFailureError) == bool(number % 2)
    assert all_at_once(get, []) == []
    with pytest.raises(ZeroDivisionError):
        all_at_once(lambda one: 1 // one, [0, 1])


def test_no_thread_is_left_after_an_answer(rude: RudeServer) -> None:
    rude.answer = reply(b"")
    before = threading.active_count()
    for _ in range(5):
        get(rude)
    assert threading.active_count() <= before + 2


# -- a server's own words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"Pending confirmation in Bitcoin blockchain", "Pending confirmation in Bitcoin blockchain"),
        (b"", ""),
        (b"\x1b[31mred\x1b[0m", "31mred 0m"),
        (b"\x1b]0;title\x07\x9b2Jx", "0 title 2Jx".replace("0 title", "0;title")),
        (b"one\r\ntwo\ttabs  blanks\0", "one two tabs blanks"),
        ("naïve \u202eevil".encode(), "na ve evil"),
        (b"<script>alert('x')</script>", "script alert x script"),
        (b"a" * 100_000, "a" * limits.REPLY_TEXT),
        (b"\xff" * 1000, ""),
    ],
)
def test_words_are_cleaned_and_cut(body: bytes, shown: str) -> None:
    assert clean_text(body) == shown


@given(st.binary(max_size=400))
def test_no_words_do_harm(body: bytes) -> None:
    text = clean_text(body)
    assert text.isascii()
    assert text == "" or text.isprintable()
    assert len(text) <= limits.REPLY_TEXT
