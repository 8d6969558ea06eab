"""edges.explorers: honest explorers, those that misbehave, and which of those that the user names are asked."""

import re
from collections.abc import Sequence
from contextlib import ExitStack
from time import monotonic

import pytest

from notary import limits
from notary.core.header import NETWORKS, Header, Trust
from notary.edges.explorers import (
    DEFAULT_EXPLORERS,
    MIN_EXPLORERS,
    check_chain,
    explorer_name,
    explorers_for,
    header_from,
)
from notary.errors import InputError, SystemFailureError
from notary.headers import HeaderSources, agreed
from tests.core.blocks import REAL
from tests.parties import esplora
from tests.parties.esplora import Esplora, lies, shown
from tests.parties.peer import REGTEST_GENESIS, mine_chain

BITCOIN, REGTEST, LOCAL = (NETWORKS[name] for name in ("bitcoin", "regtest", "local"))
CHAIN = [REGTEST_GENESIS, *mine_chain(40, time=1_700_000_000)]
HEIGHT = 20


def branch(time: int = 1_750_000_000, count: int = 21) -> list[bytes]:
    """Other headers in place of those from HEIGHT on."""
    return mine_chain(count, after=CHAIN[HEIGHT - 1], time=time)


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EXCHANGE_SECONDS", 0.8)
    monkeypatch.setattr(limits, "READ_SECONDS", 0.6)
    monkeypatch.setattr(limits, "CONNECT_SECONDS", 0.6)


# -- one explorer ---------------------------------------------------------------------------------------------------


def test_an_honest_explorer() -> None:
    with Esplora(CHAIN) as explorer:
        check_chain(explorer.url, REGTEST)
        for height in (0, 1, HEIGHT, 40):
            assert header_from(explorer.url, REGTEST, height) == Header(CHAIN[height])
        assert header_from(explorer.url, REGTEST, 41) is None
        assert header_from(explorer.url, REGTEST, limits.BLOCK_HEIGHT) is None
    assert explorer.requests[1:5] == [
        "/api/block-height/0",
        f"/api/block/{shown(CHAIN[0])}/header",
        "/api/block-height/1",
        f"/api/block/{shown(CHAIN[1])}/header",
    ]


def test_a_real_header_of_the_main_chain() -> None:
    with Esplora([REAL[0].raw, REAL[1].raw]) as explorer:
        check_chain(explorer.url, BITCOIN)
        assert header_from(explorer.url, BITCOIN, 1) == REAL[1]


@pytest.mark.parametrize("behaviour", [esplora.upper_case, esplora.ends_its_line])
def test_answers_in_other_letters(behaviour: esplora.Behaviour) -> None:
    with Esplora(CHAIN, behaviour=behaviour) as explorer:
        check_chain(explorer.url, REGTEST)
        assert header_from(explorer.url, REGTEST, HEIGHT) == Header(CHAIN[HEIGHT])


def answer(explorer: Esplora, height: int) -> tuple[Header | None, str]:
    """The header that an explorer gives, or what is said of the explorer."""
    try:
        return header_from(explorer.url, REGTEST, height), ""
    except SystemFailureError as error:
        return None, error.message


@pytest.mark.parametrize("how", esplora.MISBEHAVIOURS)
def test_a_misbehaving_explorer_gives_no_header(how: str) -> None:
    begin = monotonic()
    with Esplora(CHAIN, behaviour=esplora.MISBEHAVIOURS[how]) as explorer:
        header, words = answer(explorer, HEIGHT)
    assert header is None
    assert (explorer_name(explorer.url) in words) == (how != "404 to everything")
    assert words.isascii()
    assert words.isprintable()
    assert len(words) < limits.REPLY_TEXT + 120
    assert monotonic() - begin < 4
    assert explorer.sent < 20_000_000


def test_words_of_an_explorer_do_nothing_on_the_terminal() -> None:
    text = "\x1b[2J\x1b]0;owned\x07 \u202e <script> " + "a" * 10_000
    with Esplora(CHAIN, behaviour=esplora.says(503, text)) as explorer, pytest.raises(SystemFailureError) as caught:
        header_from(explorer.url, REGTEST, HEIGHT)
    assert re.fullmatch(r"127\.0\.0\.1:\d+ answered 503 [A-Za-z0-9#\-.,;: ]+", caught.value.message)
    assert len(caught.value.message) < limits.REPLY_TEXT + 60


def test_a_dead_explorer() -> None:
    with pytest.raises(SystemFailureError, match=r"127\.0\.0\.1:9 could not be reached"):
        header_from("http://127.0.0.1:9/api", REGTEST, 1)


def test_an_explorer_of_another_chain() -> None:
    with (
        Esplora([REAL[0].raw, REAL[1].raw]) as explorer,
        pytest.raises(SystemFailureError, match="does not show the network regtest"),
    ):
        check_chain(explorer.url, REGTEST)
    with Esplora(CHAIN) as explorer:
        with pytest.raises(SystemFailureError, match="does not show the network bitcoin"):
            check_chain(explorer.url, BITCOIN)
        with pytest.raises(SystemFailureError, match="without the work of the network bitcoin"):
            header_from(explorer.url, BITCOIN, HEIGHT)


def test_a_hash_without_its_header() -> None:
    def forgetful(exchange: esplora.Exchange) -> None:
        exchange.answer(None if exchange.path.endswith("/header") else exchange.look_up())

    with (
        Esplora(CHAIN, behaviour=forgetful) as explorer,
        pytest.raises(SystemFailureError, match=r"names block [0-9a-f]{64}, and does not have it"),
    ):
        header_from(explorer.url, REGTEST, HEIGHT)


def test_a_good_header_of_another_block() -> None:
    def confused(exchange: esplora.Exchange) -> None:
        exchange.answer(CHAIN[5].hex() if exchange.path.endswith("/header") else exchange.look_up())

    with (
        Esplora(CHAIN, behaviour=confused) as explorer,
        pytest.raises(SystemFailureError, match="not the one of block"),
    ):
        header_from(explorer.url, REGTEST, HEIGHT)


# -- which ones are asked -------------------------------------------------------------------------------------------


def test_the_defaults() -> None:
    assert explorers_for(BITCOIN, None) == DEFAULT_EXPLORERS
    assert explorers_for(REGTEST, None) == explorers_for(LOCAL, None) == ()
    assert len({explorer_name(url) for url in DEFAULT_EXPLORERS}) == 3 > MIN_EXPLORERS == 2
    assert all(url.startswith("https://") for url in DEFAULT_EXPLORERS)


def test_none_may_be_named() -> None:
    assert explorers_for(BITCOIN, []) == ()


SAME = (
    "https://mempool.space/api/",
    "https://mempool.space/api/v1",
    "https://mempool.space",
    "http://mempool.space/api",
    "https://MEMPOOL.space/api",
    "https://mempool.space:443/api",
    "https://mempool.space./api",
)


@pytest.mark.parametrize("other", SAME)
def test_one_host_is_one_explorer(other: str) -> None:
    """However its address is written: it must not agree with itself."""
    assert len(explorers_for(BITCOIN, ["https://mempool.space/api", other])) == 1
    assert len(explorers_for(BITCOIN, [other, "https://blockstream.info/api", "https://mempool.space/api"])) == 2


@pytest.mark.parametrize(
    "url",
    [
        *("", "mempool.space", "mempool.space/api", "//mempool.space/api", "ftp://mempool.space/api"),
        *("file:///etc/passwd", "javascript:alert(1)", "https://", "https:///api", "https://mempool.space/a b"),
        *("https://u:secret@mempool.space/api", "https://mempool.space/api?x", "https://mempool.space/api#x"),
        *("https://mempool.space\\api", "https://mempool.space:0/api", "https://mempool.space:99999/api"),
        *("https://[::1/api", "https://mempool.sp\u0430ce/api", "https://mempool.space/\x1b[2J"),
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(InputError, match="explorer"):
        explorers_for(BITCOIN, ["https://blockstream.info/api", url])


# -- what several agree on ------------------------------------------------------------------------------------------


def ask(explorers: Sequence[Esplora], least: int = MIN_EXPLORERS) -> tuple[Header | None, str]:
    """The header that counts, if there is one, and what is said of it or why there is none."""
    sources = HeaderSources(explorers=tuple(one.url for one in explorers), min_explorers=least)
    try:
        found = agreed(sources, REGTEST, HEIGHT)
    except SystemFailureError as error:
        return None, error.message
    assert (found.height, found.vouched, found.confirmations) == (HEIGHT, Trust.EXPLORERS, None)
    assert found.headers == tuple(map(Header, CHAIN[HEIGHT : HEIGHT + len(found.headers)]))
    return found.header, found.source


@pytest.mark.parametrize("others", [0, 1, 2])
def test_so_many_agree(others: int) -> None:
    with ExitStack() as stack:
        liars = [
            stack.enter_context(Esplora(CHAIN, behaviour=lies(HEIGHT, branch(1_750_000_000 + at))))
            for at in range(others)
        ]
        honest = [stack.enter_context(Esplora(CHAIN)) for _ in range(3 - others)]
        for order in ([*liars, *honest], [*honest, *liars]):
            for least in (1, 2, 3):
                if (least, others) == (1, 2):
                    continue  # three say three things: below
                header, words = ask(order, least)
                names = [explorer_name(one.url) for one in order]
                if others < 2 and 3 - others >= least:
                    assert header == Header(CHAIN[HEIGHT])
                else:
                    assert header is None
                    assert all(name in words for name in names)
                if others and least > 1:
                    assert ("disagree" in words) == (header is None)
                    assert (shown(CHAIN[HEIGHT]) in words) == (header is None)
                    assert shown(branch(1_750_000_000)[0]) in words


@pytest.mark.parametrize("least", [1, 2])
def test_as_many_say_one_thing_as_the_other(least: int) -> None:
    """Each side is as many as are asked for. The order in the list is no reason to believe one."""
    with ExitStack() as stack:
        liars = [stack.enter_context(Esplora(CHAIN, behaviour=lies(HEIGHT, branch()))) for _ in range(least)]
        honest = [stack.enter_context(Esplora(CHAIN)) for _ in range(least)]
        for order in ([*honest, *liars], [*liars, *honest]):
            sources = HeaderSources(explorers=tuple(one.url for one in order), min_explorers=least)
            with pytest.raises(SystemFailureError):
                agreed(sources, REGTEST, HEIGHT)


def test_the_headers_that_follow() -> None:
    """The date rule looks at eleven more; only those that hang on the one that was agreed on count."""
    with Esplora(CHAIN) as first, Esplora(CHAIN) as second, Esplora(CHAIN[: HEIGHT + 1]) as short:
        for order in ([first, second], [short, first], [first, short]):
            sources = HeaderSources(explorers=tuple(one.url for one in order))
            found = agreed(sources, REGTEST, HEIGHT)
            assert found.headers == tuple(map(Header, CHAIN[HEIGHT : HEIGHT + 12]))
        heights = {int(one.rpartition("/")[2]) for one in first.requests if "height" in one}
        assert heights == {0, *range(HEIGHT, HEIGHT + 12)}
    unlinked = mine_chain(20, after=CHAIN[3], time=1_900_000_000)
    with ExitStack() as stack:
        behaviour = lies(HEIGHT + 1, unlinked)
        both = [stack.enter_context(Esplora(CHAIN, behaviour=behaviour)) for _ in range(2)]
        found = agreed(HeaderSources(explorers=tuple(one.url for one in both)), REGTEST, HEIGHT)
        assert len(found.headers) == 1


def test_an_explorer_that_hangs_costs_no_more_than_one_exchange() -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(Esplora(CHAIN, behaviour=esplora.hangs())) for _ in range(5)]
        honest = [stack.enter_context(Esplora(CHAIN)) for _ in range(2)]
        begin = monotonic()
        header, words = ask([*slow, *honest])
        assert monotonic() - begin < 4
    assert header == Header(CHAIN[HEIGHT])
    assert words.startswith("2 of 7 explorers")
