"""edges.calendars: the protocol with a real calendar, servers that are none, and whom a proof may make us ask."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from time import monotonic

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notary import limits
from notary.core.ots import Kind, append, read_timestamp, sha256_step, write_steps
from notary.edges.calendars import DEFAULT_CALENDARS, MIN_CALENDARS, NotYet, fetch, may_ask, submit
from notary.errors import SystemFailureError
from notary.localnet.calendar import LocalNetwork
from notary.wire import all_at_once
from tests.edges.rude_server import RudeServer, reply

DIGEST = hashlib.sha256(b"seal").digest()

STEPS = write_steps([append(b"nonce"), sha256_step()])
PENDING = b"\x00\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e" + b"\x12\x11http://127.0.0.1/"
BITCOIN = b"\x00\x05\x88\x96\x0d\x73\xd7\x19\x01" + b"\x01\x65"


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EXCHANGE_SECONDS", 2.0)


# -- the protocol ---------------------------------------------------------------------------------------------------


def test_with_a_real_calendar(local_network: LocalNetwork) -> None:
    timestamp = submit(local_network.uri, DIGEST)
    (pending,) = read_timestamp(timestamp, DIGEST)
    assert (pending.kind, pending.uri) == (Kind.PENDING, local_network.uri)
    assert fetch(local_network.uri, pending.message) == NotYet("Pending confirmation in Bitcoin blockchain")
    assert fetch(local_network.uri, DIGEST) == NotYet("Commitment not found")
    height = local_network.mine()
    attested = fetch(local_network.uri, pending.message)
    assert isinstance(attested, bytes)
    (found,) = read_timestamp(attested, pending.message)
    assert (found.kind, found.height) == (Kind.BITCOIN, height)


def test_what_is_sent(rude: RudeServer) -> None:
    rude.answer = reply(STEPS + PENDING)
    assert submit(rude.url, DIGEST) == STEPS + PENDING
    assert fetch(rude.url, DIGEST) == NotYet("still pending")
    rude.answer = reply(STEPS + BITCOIN)
    assert fetch(rude.url, DIGEST) == STEPS + BITCOIN
    posted, got, _ = rude.requests
    assert posted.startswith(b"POST /digest HTTP/1.1\r\n")
    assert posted.endswith(b"\r\n\r\n" + DIGEST)
    assert got.startswith(b"GET /timestamp/%b HTTP/1.1\r\n" % DIGEST.hex().encode())
    for request in (posted, got):
        assert b"\r\nAccept: application/vnd.opentimestamps.v1\r\n" in request


def test_a_timestamp_in_chunks(rude: RudeServer) -> None:
    body = STEPS + BITCOIN
    rude.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    assert fetch(rude.url, DIGEST) == body


def test_some_attested_some_pending(rude: RudeServer) -> None:
    rude.answer = reply(b"\xff" + STEPS + PENDING + STEPS + BITCOIN)
    assert fetch(rude.url, DIGEST) == b"\xff" + STEPS + PENDING + STEPS + BITCOIN


# -- servers that are no calendars ----------------------------------------------------------------------------------

HOSTILE = b"\x1b[2J\x1b]0;owned\x07\r\n<b>error:</b>\nverified \xe2\x80\xae\x00" + b"a" * 10_000


@pytest.mark.parametrize("status", [100 + 4, 201, 204, 206, 400, 403, 404, 410, 429, 500, 503, 999])
def test_a_wrong_status_is_told_with_the_servers_words(rude: RudeServer, status: int) -> None:
    rude.answer = reply(b"" if status == 204 else HOSTILE, f"{status} \x1b[31mHostile")
    with pytest.raises(SystemFailureError) as caught:
        submit(rude.url, DIGEST)
    check_words(caught.value.message, status)
    if status == 404:
        return
    with pytest.raises(SystemFailureError) as caught:
        fetch(rude.url, DIGEST)
    check_words(caught.value.message, status)


def check_words(message: str, status: int) -> None:
    assert str(status) in message
    assert message.isascii()
    assert message.isprintable()
    assert len(message) < limits.REPLY_TEXT + 80


def test_not_yet_in_hostile_words(rude: RudeServer) -> None:
    rude.answer = reply(HOSTILE, "404 Not Found")
    answer = fetch(rude.url, DIGEST)
    assert isinstance(answer, NotYet)
    assert answer.text.startswith("2J 0;owned b error: b verified aaa")
    assert len(answer.text) <= limits.REPLY_TEXT
    rude.answer = reply(b"\x00", "404 Not Found")
    assert fetch(rude.url, DIGEST) == NotYet("not found")


NO_TIMESTAMPS = {
    "nothing": b"",
    "a page": b"<!doctype html><title>Hotel Wi-Fi</title>",
    "zeros": bytes(1000),
    "cut short": (STEPS + BITCOIN)[:-1],
    "a byte too many": STEPS + BITCOIN + b"\0",
    "steps without an attestation": STEPS,
    "a proof file": b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08" + DIGEST + BITCOIN,
    "forks without end": b"\xff" * 60_000,
    "too deep": b"\x08" * 300 + BITCOIN,
    "too much work": b"\xf0\xe0\x1f" + b"a" * 4064 + (b"\xff" + b"\xf2" * 240 + BITCOIN) * 100 + BITCOIN,
    "an unknown operation": b"\x55" + BITCOIN,
    "too many attestations": b"".join(
        b"\xff\x00\x05\x88\x96\x0d\x73\xd7\x19\x01\x02" + bytes([0x80 | at % 127, 1 + at // 127]) for at in range(1000)
    )
    + BITCOIN,
    "a URI that is none": STEPS + b"\x00\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e\x04\x03\x1b[m",
}


@pytest.mark.parametrize("what", NO_TIMESTAMPS)
def test_garbage_is_no_timestamp(rude: RudeServer, what: str) -> None:
    rude.answer = reply(NO_TIMESTAMPS[what])
    begin = monotonic()
    for ask in (submit, fetch):
        with pytest.raises(SystemFailureError) as caught:
            ask(rude.url, DIGEST)
        assert "sent no valid timestamp" in caught.value.message
        assert caught.value.message.startswith(rude.url)
        assert caught.value.message.isprintable()
        assert len(caught.value.message) < 200
    assert monotonic() - begin < 2


def test_a_timestamp_of_over_64_kib(rude: RudeServer) -> None:
    rude.answer = reply(b"\xff" * 30_000 + BITCOIN + b"\0" * 40_000)
    for ask in (submit, fetch):
        with pytest.raises(SystemFailureError, match="over 65536 bytes"):
            ask(rude.url, DIGEST)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.one_of(st.binary(max_size=60), st.binary(max_size=8).map(lambda more: STEPS + BITCOIN[:-2] + more)))
def test_no_answer_raises_anything_else(rude: RudeServer, body: bytes) -> None:
    rude.answer = reply(body)
    for ask in (submit, fetch):
        with suppress(SystemFailureError):
            ask(rude.url, DIGEST)


# -- many at once ---------------------------------------------------------------------------------------------------


@pytest.fixture
def calendars() -> Iterator[list[RudeServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(RudeServer()) for _ in range(6)]


def test_all_calendars_take_the_time_of_one(calendars: list[RudeServer], monkeypatch: pytest.MonkeyPatch) -> None:
    body = reply(STEPS + PENDING)
    for server in calendars:
        server.answer = server.drip(body, 0.5 / len(body))
    calendars[1].answer = b"nonsense"
    calendars[4].answer = lambda connection: calendars[4].stop.wait(20) and None  # never
    begin = monotonic()
    answers = all_at_once(lambda url: submit(url, DIGEST), [server.url for server in calendars])
    assert [isinstance(answer, bytes) for answer in answers] == [True, False, True, True, False, True]
    assert monotonic() - begin < limits.EXCHANGE_SECONDS + 2
    assert all(len(server.requests) == 1 for server in calendars), "a digest is submitted once"


# -- whom a proof may make us ask -----------------------------------------------------------------------------------


def test_the_defaults_are_the_reference_clients() -> None:
    from opentimestamps.calendar import DEFAULT_AGGREGATORS

    assert tuple(DEFAULT_AGGREGATORS) == DEFAULT_CALENDARS
    assert MIN_CALENDARS == 2


@pytest.mark.parametrize(
    "uri",
    [
        "https://alice.btc.calendar.opentimestamps.org",
        "https://bob.btc.calendar.opentimestamps.org",
        "https://finney.calendar.eternitywall.com",
        "https://btc.calendar.catallaxy.com",
        "https://btc.calendar.catallaxy.com/",
    ],
)
def test_public_calendars_may_be_asked(uri: str) -> None:
    assert may_ask(uri, ())


REAL = "alice.btc.calendar.opentimestamps.org"

TRICKS = [
    "",
    "https://",
    REAL,
    f"//{REAL}",
    f"http://{REAL}",
    f"ftp://{REAL}",
    f"HTTPS://{REAL}",
    f"https:/{REAL}",
    f"https:///{REAL}",
    f"https:{REAL}",
    f"https:\\\\{REAL}",
    f" https://{REAL}",
    f"https://{REAL} ",
    f"https://{REAL}\n",
    f"https://{REAL}\n/",
    f"\nhttps://{REAL}",
    f"https://{REAL}\0",
    # another place, by way of what looks like a port, a login or a path
    "https://127.0.0.1:80.calendar.opentimestamps.org",
    "https://127.0.0.1:80@a.calendar.opentimestamps.org",
    "https://evil.org:80@a.calendar.opentimestamps.org",
    "https://evil.org#.calendar.opentimestamps.org",
    "https://evil.org?.calendar.opentimestamps.org",
    "https://evil.org/.calendar.opentimestamps.org",
    "https://evil.org\\.calendar.opentimestamps.org",
    "https://evil.org%2f.calendar.opentimestamps.org",
    "https://evil.org%00.calendar.opentimestamps.org",
    "https://evil.org\t.calendar.opentimestamps.org",
    "https://[::1].calendar.opentimestamps.org",
    f"https://user@{REAL}",
    f"https://user:password@{REAL}",
    f"https://@{REAL}",
    f"https://{REAL}@evil.org",
    f"https://{REAL}:443",
    f"https://{REAL}:80",
    f"https://{REAL}:",
    f"https://{REAL}:443@evil.org",
    # the right place, and something else there
    f"https://{REAL}/path",
    f"https://{REAL}//",
    f"https://{REAL}/.",
    f"https://{REAL}/..",
    f"https://{REAL}/../x",
    f"https://{REAL}/%2e%2e",
    f"https://{REAL}?query",
    f"https://{REAL}/?query",
    f"https://{REAL}#fragment",
    # another host
    "https://calendar.opentimestamps.org.evil.org",
    "https://a.calendar.opentimestamps.org.evil.org",
    "https://evilcalendar.opentimestamps.org",
    "https://a.evilcalendar.opentimestamps.org",
    "https://opentimestamps.org",
    "https://a.pool.opentimestamps.org",
    "https://a.calendar.opentimestamps.com",
    "https://a.calendar.evil.org",
    "https://a.calendarXopentimestamps.org",
    "https://a.calendar.opentimestampsXorg",
    "https://calendar.opentimestamps.org",
    f"https://{REAL}.",
    f"https://{REAL}..",
    "https://.calendar.opentimestamps.org",
    "https://a..calendar.opentimestamps.org",
    "https://.a.calendar.opentimestamps.org",
    "https://a.calendar..opentimestamps.org",
    # other letters for the same
    f"https://{REAL.upper()}",
    "https://Alice.btc.calendar.opentimestamps.org",
    "https://\u0430lice.btc.calendar.opentimestamps.org",
    "https://a.calendar.opentimest\u0430mps.org",
    "https://a.calendar\u3002opentimestamps.org",
    "https://a.calendar\uff0eopentimestamps.org",
    "https://\uff41.calendar.opentimestamps.org",
    "https://a\u00ad.calendar.opentimestamps.org",
    "https://a_b.calendar.opentimestamps.org",
    "https://\u0661.calendar.opentimestamps.org",
    "https://a*.calendar.opentimestamps.org",
    "https://*.calendar.opentimestamps.org",
]


@pytest.mark.parametrize("uri", TRICKS)
def test_tricks_are_not_asked(uri: str) -> None:
    assert not may_ask(uri, ())
    assert not may_ask(uri, (f"https://{REAL}/calendar",))


def test_what_the_user_configured_may_be_asked() -> None:
    configured = ("http://127.0.0.1:14788", "https://calendar.example/deep")
    for uri in ("http://127.0.0.1:14788", "http://127.0.0.1:14788/", "https://calendar.example/deep"):
        assert may_ask(uri, configured)
    for uri in (
        *("http://127.0.0.1", "http://127.0.0.1:1478", "http://127.0.0.1:14788/x", "https://127.0.0.1:14788"),
        *("http://127.0.0.1:14788@evil.org", "https://calendar.example", "https://calendar.example/deep/er", ""),
    ):
        assert not may_ask(uri, configured)


@given(st.text(alphabet="htps:/.@?#%\\ab0 -[]\n\uff0e", max_size=40))
def test_nothing_gets_between_the_scheme_and_the_domain(middle: str) -> None:
    from urllib.parse import urlsplit

    for uri in (f"https://{middle}.calendar.opentimestamps.org", f"https://a.calendar.opentimestamps.org{middle}"):
        if may_ask(uri, ()):
            parts = urlsplit(uri)
            assert parts.netloc == parts.hostname
            assert (parts.hostname or "").endswith(".calendar.opentimestamps.org")
            assert parts.path in ("", "/")


def test_a_long_address_is_soon_refused() -> None:
    begin = monotonic()
    assert not may_ask("https://" + "a-" * 20_000 + ".calendar.opentimestamps.orgx", ())
    assert not may_ask("https://" + "a." * 20_000, ())
    assert monotonic() - begin < 1
