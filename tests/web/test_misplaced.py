"""What is dropped beside a target in a browser and is no file that it is of: the page asks, and accuses nothing."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from notary import webpage
from tests.conftest import Notary
from tests.registry.claims import PACKAGE, Anchors, Register, examined, packed, registries
from tests.registry.register import filed
from tests.scenarios.certified import stamped
from tests.web.browser import Visit, chromium

COUNTED = """
  globalThis.checks = 0;
  globalThis.Worker = class extends Worker { constructor(url) { super(url); globalThis.checks++; } };
"""
LOCAL = ("--network", "local")


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Visit]]:
    path = tmp_path_factory.mktemp("page") / "verify.html"
    path.write_bytes(webpage.web_page())
    visits: list[Visit] = []
    with chromium() as browser:

        def start() -> Visit:
            visits.append(Visit(browser, path))
            visits[-1].page.add_init_script(COUNTED)
            return visits[-1].open()

        yield start
        for one in visits:
            one.end()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two claims, the certificate of the first, what was filed, and what `notary demo` leaves."""
    folder = tmp_path_factory.mktemp("claims")
    register = Register(Anchors(folder))
    other = Register(register.anchors, entry=filed(number="10 2026 000999.1"))
    for name, data in {
        "claim.zip": packed(register.files()),
        "other.zip": packed(other.files()),
        "package.pdf": PACKAGE,
        "altered.pdf": PACKAGE + b" ",
        "registries.toml": registries().encode(),
        "headers.json": register.anchors.headers()[1],
        "headers.bin": register.anchors.headers()[0],
    }.items():
        (folder / name).write_bytes(data)
    made = ["certificate", "claim.zip", "-o", "claim.pdf", "--registries", "registries.toml", *LOCAL]
    assert examined(folder, *made).code == 0
    notary = Notary(folder)
    assert notary("demo", "--keep", folder / "demo").code == 0
    return folder


def headline(opened: Visit) -> str:
    return str(opened.page.text_content(".verdict h2 > :last-child"))


def headline_after(opened: Visit) -> str:
    """Once the question is answered."""
    opened.page.get_by_text("Not checked yet", exact=True).wait_for(state="detached")
    opened.answer()
    return headline(opened)


ASKED = {
    "two claims": (["claim.zip", "other.zip"], "other.zip"),
    "a claim and its certificate": (["claim.zip", "claim.pdf"], "claim.pdf"),
    "two certificates": (["claim.pdf", "demo/certificate.pdf"], "demo/certificate.pdf"),
    "a claim and a bundle": (["claim.zip", "demo/everything.zip"], "demo/everything.zip"),
    "a bundle and a claim": (["demo/everything.zip", "claim.zip"], "claim.zip"),
    "a bundle and its certificate": (["demo/everything.zip", "demo/certificate.pdf"], "demo/certificate.pdf"),
    "one half of headers": (["claim.zip", "headers.json"], "headers.json"),
    "the other half": (["demo/everything.zip", "headers.bin"], "headers.bin"),
    "a document, and a claim too many": (["claim.zip", "package.pdf", "other.zip"], "other.zip"),
}


@pytest.mark.parametrize(("names", "removed"), ASKED.values(), ids=ASKED)
def test_it_asks(visit: Callable[[], Visit], folder: Path, names: list[str], removed: str) -> None:
    opened = visit()
    assert opened.check(*(folder / name for name in names)) == "doubt"
    assert headline(opened) == "Not checked yet"
    said, removed = opened.text(".verdict"), Path(removed).name
    assert removed in said
    assert "not the one as filed" not in said
    opened.page.get_by_role("button", name=f"Remove {removed}").click()
    assert headline_after(opened) == "Not confirmed"


def test_either_of_two_may_be_the_one(visit: Callable[[], Visit], folder: Path) -> None:
    opened = visit()
    opened.check(folder / "claim.zip", folder / "other.zip")
    opened.page.get_by_role("button", name="Remove claim.zip").click()
    assert headline_after(opened) == "Not confirmed"
    assert "10 2026 000999.1" in opened.text(".answer")


ANSWERED = {
    "what was filed": (["claim.zip", "package.pdf"], "Not confirmed"),
    "another document": (["claim.zip", "altered.pdf"], "Failed"),
    "both halves of headers": (["claim.zip", "headers.bin", "headers.json"], "Not confirmed"),
    "whom to trust": (["claim.zip", "registries.toml"], "Not confirmed"),
}


@pytest.mark.parametrize(("names", "expected"), ANSWERED.values(), ids=ANSWERED)
def test_it_answers(visit: Callable[[], Visit], folder: Path, names: list[str], expected: str) -> None:
    opened = visit()
    opened.check(*(folder / name for name in names))
    assert headline(opened) == expected


def test_what_was_stamped_may_be_a_bundle_itself(visit: Callable[[], Visit], folder: Path, tmp_path: Path) -> None:
    """It is compared like every other file, in a bundle as beside a plain proof."""
    notary, inner = Notary(tmp_path), folder / "demo" / "everything.zip"
    (tmp_path / "inner.zip").write_bytes(inner.read_bytes())
    batch = stamped(notary, "inner.zip")["batch"]
    assert notary("upgrade", batch).code == 0
    assert notary("export", batch, "-o", "outer.zip", "--disclose", "names").code == 0
    opened = visit()
    opened.check(tmp_path / "outer.zip", tmp_path / "inner.zip")
    assert headline(opened) == "Not confirmed"
    opened.page.get_by_label("inner.zip", exact=True).check()
    opened.page.get_by_text("inner.zip or outer.zip?").first.wait_for()
    opened.page.get_by_label("outer.zip", exact=True).check()
    assert headline_after(opened) == "Not confirmed"


# -- the later filing -----------------------------------------------------------------------------------------------


def test_a_later_filing_is_of_one_claim(visit: Callable[[], Visit], folder: Path) -> None:
    """It goes with the target, whether that is removed, or another one is chosen."""
    opened = visit()
    page = opened.page

    def named() -> None:
        page.get_by_label("later filing").wait_for()
        page.fill("#later-filing", "2027-03-15")
        page.get_by_text("iling of 2027-03-15").first.wait_for(state="attached")

    def left() -> None:
        page.wait_for_selector(".checks")
        assert page.input_value("#later-filing") == ""
        assert "2027-03-15" not in page.text_content("main")

    opened.give(folder / "claim.zip")
    named()
    page.get_by_role("button", name="Remove claim.zip").click()
    opened.give(folder / "claim.zip")
    left()
    named()
    opened.give(folder / "other.zip")
    page.get_by_text("Not checked yet", exact=True).wait_for()
    page.get_by_label("other.zip", exact=True).check()
    page.get_by_role("button", name="Remove claim.zip").click()
    left()


def test_a_day_that_is_typed_is_checked_once(visit: Callable[[], Visit], folder: Path) -> None:
    opened = visit()
    opened.check(folder / "claim.zip", folder / "registries.toml")
    opened.page.focus("#later-filing")
    before = opened.page.evaluate("checks")
    opened.page.keyboard.type("03152027")
    opened.page.get_by_text("iling of 2027-03-15").first.wait_for(state="attached")
    assert opened.page.evaluate("checks") == before + 1
    opened.page.dispatch_event("#later-filing", "change")
    assert opened.page.evaluate("checks") == before + 1
    opened.page.keyboard.press("Backspace")  # the day is no longer whole
    opened.page.get_by_text("iling of 2027-03-15").first.wait_for(state="detached")
    assert opened.page.evaluate("checks") == before + 2


# -- whose list it is, and what was not compared ------------------------------------------------------------------


def test_the_list_that_was_trusted_is_named(visit: Callable[[], Visit], folder: Path, tmp_path: Path) -> None:
    """Under the answer, whose words stay those of `notary`: whoever sends a claim can send a list with it."""
    list_ = folder / "registries.toml"
    opened = visit()
    opened.check(folder / "claim.zip", list_)
    opened.page.check("#accept-test", force=True)
    opened.page.get_by_text("Verified on a test network", exact=True).wait_for()
    caution = opened.text(".answer + .caution")
    digest = hashlib.sha256(list_.read_bytes()).hexdigest()
    assert "read from the registries.toml that you added: use your own, never one that came with the claim" in caution
    assert caution.split()[-1] == digest
    spoken = opened.text("#live")
    assert "never one that came with the claim" in spoken
    assert digest not in spoken


@pytest.mark.parametrize(
    ("names", "inside"),
    [(["claim.pdf", "registries.toml"], "claim"), (["claim.pdf"], "claim"), (["demo/certificate.pdf"], "bundle")],
)
def test_what_is_printed_was_not_compared(
    visit: Callable[[], Visit], folder: Path, names: list[str], inside: str
) -> None:
    opened = visit()
    opened.check(*(folder / name for name in names))
    for network in ("bitcoin", "local"):
        if network == "local":
            opened.page.check("#accept-test", force=True)
            opened.page.wait_for_selector(".banner")
        caution = opened.text(".answer + .caution")
        assert caution.startswith(f"Only the {inside} inside this certificate was checked.")
        assert "What is printed on it was NOT compared with that" in caution
        assert caution in " ".join(opened.text("#live").split())
