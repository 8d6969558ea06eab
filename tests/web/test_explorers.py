"""What the page does when its user has it ask block explorers: the same as the command line, and nothing before.

Under Node both ask the same servers. In the browser the explorers' names lead to servers of this machine, which speak
TLS and Esplora's protocol, and misbehave as a test tells them.
"""

import json
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from notary import limits, webpage
from notary.core.header import NETWORKS
from notary.edges.explorers import DEFAULT_EXPLORERS, explorer_name
from tests.conftest import SHARED_DATA
from tests.independent.forge import MIDNIGHT, bitcoin, forge, rebag, write_zip
from tests.parties import esplora
from tests.parties.esplora import Behaviour, Esplora, honest, lies, shown
from tests.parties.peer import REGTEST_GENESIS, mine_chain
from tests.scenarios.certified import run
from tests.web.browser import CLIPBOARD, Visit, chromium
from tests.web.conftest import Node
from tests.web.test_conformance import SHIPPED, VECTORS, Demand, agreed, by_notary

# -- the same as the command line, to the word ------------------------------------------------------------------------

HEIGHT = 101
CLOCKS = tuple(MIDNIGHT + 600 * n for n in range(14))
FILES = forge(clocks=CLOCKS)
ROW = [FILES["notary/headers.bin"][at : at + 80] for at in range(0, 80 * len(CLOCKS), 80)]
BRANCH = mine_chain(14, after=ROW[0], time=MIDNIGHT + 9000)
"""Sound headers, of another chain."""


def chain(row: Sequence[bytes] = ROW) -> Behaviour:
    """Honest about a chain that has these headers from HEIGHT on."""
    return lies(HEIGHT, row)


def damaged(at: int, change: Behaviour) -> Behaviour:
    """Honest, but for the block at that height."""

    def behave(exchange: esplora.Exchange) -> None:
        (change if exchange.path.endswith(f"/{at}") else chain())(exchange)

    return behave


SOUND, OPEN, WRONG = ("verified", "explorers"), ("unconfirmed", "work"), ("failed", "none")

TRIOS: dict[str, tuple[tuple[str, str], list[Behaviour | None]]] = {
    "all agree": (SOUND, [chain()] * 3),
    "one is down": (SOUND, [None, chain(), chain()]),
    "two are down": (OPEN, [None, chain(), None]),
    "all are down": (OPEN, [None] * 3),
    "one lies": (SOUND, [chain(), chain(BRANCH), chain()]),
    "two lie alike": (WRONG, [chain(BRANCH), chain(), chain(BRANCH)]),
    "each says another": (OPEN, [chain(), chain(BRANCH), chain(BRANCH[1:])]),
    "one lies and one is down": (OPEN, [chain(BRANCH), None, chain()]),
    "one has no such block": (SOUND, [honest, chain(), chain()]),
    "two have no such block": (OPEN, [honest, honest, chain()]),
    "one shows another chain": (SOUND, [esplora.says(200, "0" * 64), chain(), chain()]),
    "the chain ends there": (SOUND, [chain(ROW[:1])] * 3),
    "the chain ends soon": (SOUND, [chain(ROW[:5])] * 3),
    "one behind it is missing": (SOUND, [damaged(HEIGHT + 4, esplora.says(404, ""))] * 3),
    "one behind it is a lie": (SOUND, [damaged(HEIGHT + 4, lies(HEIGHT + 4, BRANCH))] * 3),
    "other letters": (
        OPEN,
        [esplora.upper_case, chain(), damaged(HEIGHT, esplora.says(500, "\x1b[2J <b>no</b> \u202e" * 40))],
    ),
    **{name: (SOUND, [chain(), behaviour, chain()]) for name, behaviour in esplora.MISBEHAVIOURS.items()},
}

# A program in a browser is told only that there was no answer, and its clock is another.
NO_ANSWER = re.compile(
    r"(127\.0\.0\.1:\d+|[a-z.]+) (?:could not be reached(?:, or gave no usable answer)?|gave no usable answer \(\w+\)"
    r"|answered with a redirect, which is not followed|took longer than \d+ s|sent nothing for \d+ s"
    r"|did not answer within \d+ s|sent over \d+ bytes)"
)


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EXCHANGE_SECONDS", "READ_SECONDS", "CONNECT_SECONDS"):
        monkeypatch.setattr(limits, name, 0.5)


@contextmanager
def trio(behaviours: Sequence[Behaviour | None]) -> Iterator[tuple[str, ...]]:
    """The addresses of three explorers; None is one that is down."""
    with ExitStack() as stack:
        yield tuple(
            stack.enter_context(Esplora([REGTEST_GENESIS], behaviour=each)).url
            if each
            else f"http://127.0.0.1:{port}/api"
            for port, each in enumerate(behaviours, start=2)
        )


@pytest.mark.usefixtures("impatience")
@pytest.mark.parametrize(("expected", "behaviours"), TRIOS.values(), ids=TRIOS)
def test_both_conclude_the_same(
    node: Node, expected: tuple[str, str], behaviours: list[Behaviour | None], tmp_path: Path
) -> None:
    target = write_zip(tmp_path / "bundle.zip", FILES)
    with trio(behaviours) as urls:
        said = agreed(node, target, demand=Demand(require="explorers", explorers=urls), also=NO_ANSWER)
    assert (said["verdict"], said["trust"]) == expected


EARLIER = forge(clocks=CLOCKS, earlier=3)
OWN = EARLIER["notary/headers.bin"]
LONGER = [OWN[at : at + 80] for at in range(0, len(OWN), 80)]
UNKNOWN_BEFORE = rebag(
    EARLIER
    | {
        "notary/headers.bin": OWN[80 * 3 :],
        "notary/headers.json": json.dumps({"network": "local", "runs": [{"start": 101, "count": 14}]}).encode(),
    }
)
NAMED: dict[str, tuple[tuple[str, str], list[Behaviour | None]]] = {
    "all agree": (("verified", "passed"), [lies(98, LONGER)] * 3),
    "one lies": (("verified", "passed"), [lies(98, LONGER), lies(98, BRANCH), lies(98, LONGER)]),
    "two lie alike": (("failed", "failed"), [lies(98, BRANCH), lies(98, LONGER), lies(98, BRANCH)]),
    "two are down": (("verified", "skipped"), [None, lies(98, LONGER), None]),
    "none has it": (("verified", "skipped"), [honest] * 3),
}


@pytest.mark.usefixtures("impatience")
@pytest.mark.parametrize(("expected", "behaviours"), NAMED.values(), ids=NAMED)
def test_both_ask_for_the_block_that_a_manifest_names(
    node: Node, expected: tuple[str, str], behaviours: list[Behaviour | None], tmp_path: Path
) -> None:
    """And for no other, where the bundle's own headers do for the attested one."""
    target = write_zip(tmp_path / "bundle.zip", UNKNOWN_BEFORE)
    with trio(behaviours) as urls:
        said = agreed(node, target, demand=Demand(explorers=urls), also=NO_ANSWER)
    (check,) = (one for one in said["checks"] if one["number"] == 13)
    assert (said["verdict"], check["status"]) == expected
    assert (said["not_before"] is not None) == (check["status"] == "passed")


def test_who_is_not_needed_is_not_asked(node: Node, tmp_path: Path) -> None:
    target = write_zip(tmp_path / "bundle.zip", FILES)
    with Esplora([REGTEST_GENESIS], behaviour=chain()) as explorer:
        urls = (explorer.url,)
        assert agreed(node, target, demand=Demand(explorers=urls))["trust"] == "work"
        assert agreed(node, target, demand=Demand(require="chain", explorers=urls))["verdict"] == "unconfirmed"
        assert agreed(node, target, demand=Demand("bitcoin", explorers=urls))["verdict"] == "unconfirmed"
        assert explorer.requests == []


# -- in the browser ---------------------------------------------------------------------------------------------------

NAMES = [explorer_name(url) for url in DEFAULT_EXPLORERS]
PROOF, FILE = VECTORS / "hello-world.txt.ots", VECTORS / "hello-world.txt"
BLOCK = 358_391
GENESIS = NETWORKS["bitcoin"].genesis
ATTESTING, ANOTHER = ((VECTORS / "headers.bin").read_bytes()[80 * at : 80 * at + 80] for at in (1, 2))
"""Real headers of the main chain: the one of BLOCK, and one of a later block."""

TRUE, LIE = lies(BLOCK, [ATTESTING]), lies(BLOCK, [ANOTHER])


def for_pages(behaviour: Behaviour) -> Behaviour:
    """As real explorers answer, so that programs of other sites may read it."""

    def behave(exchange: esplora.Exchange) -> None:
        send = exchange.send

        def sent(data: bytes) -> None:
            send(data.replace(b"\r\n", b"\r\nAccess-Control-Allow-Origin: *\r\n", 1) if data[:5] == b"HTTP/" else data)

        exchange.send = sent  # type: ignore[method-assign]
        behaviour(exchange)

    return behave


class World:
    """A browser for which the explorers' names lead to servers of this machine; `behave` says what they do."""

    def __init__(self, browser: Any, explorers: dict[str, Esplora], page: Path) -> None:
        self._browser = browser
        self.explorers = explorers
        self._page = page

    def behave(self, *behaviours: Behaviour) -> None:
        for explorer, behaviour in zip(self.explorers.values(), behaviours, strict=True):
            explorer.behaviour = for_pages(behaviour)
            explorer.requests.clear()

    @property
    def requests(self) -> dict[str, list[str]]:
        return {name: explorer.requests for name, explorer in self.explorers.items()}

    def visit(self) -> Visit:
        return Visit(self._browser, self._page, offline=False, ignore_https_errors=True, permissions=CLIPBOARD).open()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("explorers")
    key, certificate, page = folder / "key.pem", folder / "certificate.pem", folder / "verify.html"
    page.write_bytes(webpage.web_page())
    self_signed = (
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-subj",
        "/CN=here",
    )
    run("openssl", *self_signed, "-keyout", key, "-out", certificate)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with ExitStack() as stack:
        explorers = {}
        for name in NAMES:
            explorer = Esplora([GENESIS])
            port = explorer._server.server_port
            explorer._server.socket = tls.wrap_socket(explorer._server.socket, server_side=True)
            explorers[name] = stack.enter_context(explorer), port
        rules = ",".join(f"MAP {name}:443 127.0.0.1:{port}" for name, (_, port) in explorers.items())
        local = ("--no-proxy-server", "--disable-features=LocalNetworkAccessChecks")
        browser = stack.enter_context(chromium(f"--host-resolver-rules={rules},MAP * ~NOTFOUND", *local))
        yield World(browser, {name: explorer for name, (explorer, _) in explorers.items()}, page)


def ask(opened: Visit) -> str:
    """Presses the button; the class of the answer that follows."""
    before = opened.page.query_selector(".verdict")
    opened.page.get_by_role("button", name=re.compile("Ask the explorers")).click()
    opened.page.wait_for_function("(before) => !before.isConnected && document.querySelector('.verdict')", arg=before)
    return opened.answer()


def test_nothing_is_asked_before_the_button_is_pressed(world: World) -> None:
    world.behave(TRUE, TRUE, TRUE)
    opened = world.visit()
    assert opened.check(PROOF, FILE) == "doubt"
    told = opened.text(".ask")
    for name in NAMES:
        assert name in told
    for said in ("358,391 to 358,402", "network address", "at least 2 of 3"):
        assert said in " ".join(told.split())
    opened.page.wait_for_timeout(300)
    assert [*world.requests.values()] == [[], [], []]
    assert opened.remote() == []
    opened.end()


def test_two_of_three_confirm_a_block(world: World) -> None:
    world.behave(TRUE, TRUE, TRUE)
    opened = world.visit()
    opened.page.context.add_cookies([{"name": "who", "value": "me", "url": url} for url in DEFAULT_EXPLORERS])
    opened.check(PROOF, FILE)
    assert ask(opened) == "good"
    report = opened.report()
    assert (report["verdict"], report["trust"], report["offline"]) == ("verified", "explorers", False)
    assert "were asked" in opened.text()
    assert opened.page.query_selector(".ask") is None
    later = [f"/api/block-height/{height}" for height in range(BLOCK + 1, BLOCK + 12)]
    path = ["/api/block-height/0", f"/api/block-height/{BLOCK}", f"/api/block/{shown(ATTESTING)}/header"]
    for requests in world.requests.values():  # not a word more, and of those behind it only until somebody has any
        assert requests[:3] == path
        assert sorted(requests[3:]) == later
    for request in opened.remote():
        sent = request.all_headers()
        assert request.method == "GET"
        assert not {"cookie", "referer", "authorization"} & sent.keys()
        assert sent["accept"] == "text/plain"
        assert str(FILE.parent) not in json.dumps(sent)
    opened.end(*NAMES)


def test_the_named_block_is_asked_for_too(world: World, tmp_path: Path) -> None:
    """The page says so before, and asks for both."""
    named = {"network": "bitcoin", "height": BLOCK, "hash": shown(ATTESTING)}
    files = forge(manifest={"network": "bitcoin", "not_before": named}, proof=b"\x08" + bitcoin(BLOCK + 500_000))
    world.behave(TRUE, TRUE, TRUE)
    opened = world.visit()
    assert opened.check(write_zip(tmp_path / "bundle.zip", files)) == "doubt"
    assert "358,391 to 358,402 and 858,391 to 858,402" in " ".join(opened.text(".ask").split())
    assert opened.remote() == []
    assert ask(opened) == "doubt"
    report = opened.report()
    (check,) = (one for one in report["checks"] if one["number"] == 13)
    assert (check["status"], report["not_before"]["trust"]) == ("passed", "explorers")
    asked = {path for requests in world.requests.values() for path in requests if path.startswith("/api/block-height/")}
    spans = [*range(BLOCK, BLOCK + 12), BLOCK + 500_000]
    assert asked == {f"/api/block-height/{height}" for height in (0, *spans)}
    opened.end(*NAMES)


ANSWERS: dict[str, tuple[tuple[Behaviour, Behaviour, Behaviour], str, str]] = {
    "one lies": ((TRUE, LIE, TRUE), "good", "but mempool.space says"),
    "two lie": ((LIE, TRUE, LIE), "bad", "but mempool.space says"),
    "they disagree": ((TRUE, LIE, esplora.says(503, "busy")), "doubt", "the explorers disagree about block 358,391"),
    "one hangs up": ((esplora.closes_at_once, TRUE, TRUE), "good", "2 of 3 explorers"),
    "two send too much": (
        (esplora.gigabyte, TRUE, esplora.gzip_bomb),
        "doubt",
        "mempool.emzy.de sent over 65536 bytes",
    ),
    "one redirects": ((TRUE, TRUE, esplora.redirects("https://blockstream.info/api/0")), "good", "2 of 3 explorers"),
    "two know it not": ((honest, TRUE, honest), "doubt", "blockstream.info has no such block"),
}


@pytest.mark.parametrize(("behaviours", "tone", "told"), ANSWERS.values(), ids=ANSWERS)
def test_the_page_concludes_what_the_command_line_does(
    world: World, behaviours: tuple[Behaviour, Behaviour, Behaviour], tone: str, told: str
) -> None:
    world.behave(*behaviours)
    opened = world.visit()
    opened.check(PROOF, FILE)
    assert ask(opened) == tone
    report = opened.report()
    assert told in " ".join(
        [*report["tried"], *(f"{check['found']} {check['expected']}" for check in report["checks"])]
    )
    with ExitStack() as stack:
        same = [stack.enter_context(Esplora([GENESIS], behaviour=each)) for each in behaviours]
        notarys = by_notary(
            PROOF, [FILE], Demand("bitcoin", checkpoints=SHIPPED, explorers=tuple(one.url for one in same))
        )
        words = json.dumps(notarys).replace(f"{VECTORS}/", "")
        for one, name in zip(same, NAMES, strict=True):
            words = words.replace(explorer_name(one.url), name)
    expected = json.loads(NO_ANSWER.sub(r"\1 ...", words))
    got = json.loads(NO_ANSWER.sub(r"\1 ...", json.dumps(report)))
    assert {key: got[key] for key in expected} == expected
    if tone == "doubt":  # and then it may be asked again
        world.behave(TRUE, TRUE, TRUE)
        assert ask(opened) == "good"
    opened.end(*NAMES)


def test_without_a_connection_it_says_so(world: World) -> None:
    world.behave(TRUE, TRUE, TRUE)
    opened = world.visit()
    opened.check(PROOF, FILE)
    opened.page.context.set_offline(True)
    assert ask(opened) == "doubt"
    assert "0 of 3 explorers gave block 358,391" in opened.text()
    opened.end(*NAMES)


def test_asking_can_be_cancelled(world: World) -> None:
    world.behave(esplora.hangs(), esplora.hangs(), esplora.hangs())
    opened = world.visit()
    opened.check(PROOF, FILE)
    opened.page.get_by_role("button", name="Ask the explorers").click()
    opened.page.get_by_text("Asking the explorers…").first.wait_for()
    opened.page.get_by_role("button", name="Cancel").click()
    assert "What the explorers were asked until now, they know." in opened.text("#notice")
    opened.page.get_by_role("button", name="Check again").click()
    assert opened.answer() == "doubt"
    assert "nobody was asked" in opened.text()
    opened.end(*NAMES)


def test_one_answer_is_no_leave_for_the_next_file(world: World) -> None:
    world.behave(TRUE, TRUE, TRUE)
    opened = world.visit()
    opened.check(PROOF, FILE)
    assert ask(opened) == "good"
    asked = len(opened.remote())
    opened.page.get_by_role("button", name="Remove").last.click()
    opened.page.wait_for_selector(".verdict", state="detached")
    opened.check(VECTORS / "hello-world.txt")
    assert opened.answer() == "doubt"
    assert opened.page.is_visible(".ask")
    assert len(opened.remote()) == asked
    opened.end(*NAMES)


def test_of_a_test_network_nobody_is_asked(world: World, tmp_path: Path) -> None:
    opened = world.visit()
    assert opened.check(write_zip(tmp_path / "bundle.zip", FILES)) == "doubt"
    assert opened.page.query_selector(".ask") is None
    opened.page.check("#accept-test")
    opened.page.wait_for_selector(".banner")
    assert opened.page.query_selector(".ask") is None
    opened.end()


MAINNET = SHARED_DATA / "mainnet"


@pytest.mark.shared_data
def test_a_real_chain(world: World) -> None:
    """A proof of others, and the blocks behind its own, whose clocks count too."""
    row = (MAINNET / "headers" / "mainnet-586655-589289.bin").read_bytes()
    real = lies(586_655, [row[at : at + 80] for at in range(0, len(row), 80)])
    proof = MAINNET / "proofs" / "deep-review-47b31b2c-index.html.ots"
    world.behave(real, real, real)
    opened = world.visit()
    assert opened.check(proof, proof.with_suffix("")) == "doubt"
    assert ask(opened) == "good"
    report = opened.report()
    with ExitStack() as stack:
        same = [stack.enter_context(Esplora([GENESIS], behaviour=real)) for _ in NAMES]
        demand = Demand("bitcoin", checkpoints=SHIPPED, explorers=tuple(one.url for one in same))
        expected = by_notary(proof, [proof.with_suffix("")], demand)
    assert report["existed_by"] == expected["existed_by"]
    assert report["attestation"]["block_hash"] == expected["attestation"]["block_hash"]
    opened.end(*NAMES)
