"""The offline verifier in a real browser: what it answers, and how it serves whoever has to read and press it."""

import base64
import json
import re
import shutil
import unicodedata
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from notary import webpage
from notary.core.header import NETWORKS
from notary.core.shown import shown_text
from notary.edges.checkpoints import shipped_checkpoints
from notary.edges.explorers import DEFAULT_EXPLORERS
from tests.conftest import ROOT, SHARED_DATA, Notary
from tests.independent.forge import forge, rebag, unzip, write_zip
from tests.independent.proofs import OTS_MAGIC, PENDING
from tests.independent.seals import YOURS
from tests.independent.test_forged import NAMED, SIGNED, TOKEN, lined, naming, signed_by
from tests.scenarios.certified import Case, altered_bundle, certified, run, stamped
from tests.scenarios.test_html_report import HOSTILE, full
from tests.web.browser import CLIPBOARD, Visit, chromium
from tests.web.test_conformance import Demand, by_notary, with_an_unchecked_token

PHONE = {"width": 390, "height": 800}
GIB_OF_ZEROS = bytes.fromhex("49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "verify.html"
    path.write_bytes(webpage.web_page())
    return path


@pytest.fixture
def visit(browser: Any, verifier: Path) -> Iterator[Callable[..., Visit]]:
    """Opens the page; at the end it must have asked for nothing and complained about nothing."""
    visits: list[Visit] = []

    def start(**options: Any) -> Visit:
        visits.append(Visit(browser, verifier, **options))
        return visits[-1]

    yield start
    for one in visits:
        one.end()


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return certified(tmp_path_factory.mktemp("case"))


# -- what it answers ------------------------------------------------------------------------------------------------


def sound(case: Case) -> list[str]:
    return [case.bundle.name]


def altered_file(case: Case) -> list[str]:
    return [altered_bundle(case.bundle, case.folder / "altered.zip").name]


def forged(case: Case, name: str, change: Callable[[bytes], bytes], target: str) -> list[str]:
    """A bundle with another `name` in it, and bag manifests that agree."""
    _, files = unzip(case.bundle)
    write_zip(case.folder / target, rebag({**files, name: change(files[name])}))
    return [target]


def altered_manifest(case: Case) -> list[str]:
    return forged(case, "notary/manifest.json", lambda data: data.replace(b"Frost", b"Blast"), "manifest.zip")


def altered_tree(case: Case) -> list[str]:
    return forged(case, "notary/tree.bin", lambda data: data + bytes(32), "tree.zip")


def forged_header(case: Case) -> list[str]:
    """The attesting block's: before it there are others, from the one that the manifest names."""
    height = case.notary("verify", case.bundle, "--network", "local", "--offline", "--json").json["attestation"][
        "height"
    ]
    (row,) = json.loads(unzip(case.bundle)[1]["notary/headers.json"])["runs"]
    at = 80 * (height - row["start"]) + 40
    return forged(
        case, "notary/headers.bin", lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], "header.zip"
    )


def pending(case: Case) -> list[str]:
    (case.folder / "late.txt").write_text("late")
    batch = stamped(case.notary, "late.txt")["batch"]
    case.notary("export", batch, "-o", "late.zip")
    return ["late.zip"]


def with_evidence(case: Case) -> list[str]:
    case.notary("export", case.batch, "-o", "names.zip", "--disclose", "names")
    return ["names.zip", "evidence/設計.txt", "evidence/invoice\u202efdp.exe"]


def wrong_evidence(case: Case) -> list[str]:
    (case.folder / "other.txt").write_text("another file")
    return [*with_evidence(case)[:1], "other.txt"]


def plain_proof(case: Case) -> list[str]:
    run("unzip", "-q", "-o", "-j", case.bundle, "*/proofs/evidence/sound.pdf.ots", "-d", case.folder)
    return ["sound.pdf.ots", "evidence/sound.pdf"]


GIVEN: dict[str, tuple[Callable[[Case], list[str]], str, str]] = {
    "sound": (sound, "doubt", "doubt"),
    "altered file": (altered_file, "bad", "bad"),
    "altered manifest": (altered_manifest, "bad", "bad"),
    "altered tree": (altered_tree, "bad", "bad"),
    "forged header": (forged_header, "doubt", "bad"),
    "pending": (pending, "doubt", "doubt"),
    "evidence beside it": (with_evidence, "doubt", "doubt"),
    "wrong evidence": (wrong_evidence, "bad", "bad"),
    "plain proof": (plain_proof, "doubt", "doubt"),
}
"""What is given, and the tone of the answer before and after the test network is accepted: never a green one."""


@pytest.mark.parametrize(("given", "before", "after"), GIVEN.values(), ids=GIVEN)
def test_it_says_what_notary_verify_says(
    visit: Callable[..., Visit], case: Case, given: Callable[[Case], list[str]], before: str, after: str
) -> None:
    names = given(case)
    opened = visit(permissions=["clipboard-read", "clipboard-write"]).open()
    for network, tone in (("bitcoin", before), ("local", after)):
        if network == "bitcoin":
            assert opened.check(*(case.folder / name for name in names)) == tone
        else:
            opened.page.evaluate("document.getElementById('test').open = true")
            opened.page.check("#accept-test")
            assert opened.answer() == tone
            assert "TEST NETWORK local" in opened.text(".banner")
        opened.page.get_by_role("button", name="Copy the report as JSON").click()
        opened.page.get_by_text("Copied.").wait_for()
        copied = json.loads(opened.page.evaluate("navigator.clipboard.readText()"))
        expected = case.notary("verify", *names, "--network", network, "--offline", "--json").json
        assert {key: copied[key] for key in expected} == expected
        assert copied["inputs"][0]["sha256"] == sha256((case.folder / names[0]).read_bytes()).hexdigest()
        shown = opened.text().replace("The digests", "the digests")
        assert " ".join(expected["sentences"][0].split()) in " ".join(shown.split())


# -- who, and since when --------------------------------------------------------------------------------------------

WHO: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "signed": (SIGNED | {"manifest": {"signer": NAMED}}, "doubt", ("Signed with the key", "Declared signer")),
    "signed by somebody else": (signed_by(YOURS), "bad", ()),
    "a block is named": ({"earlier": 3}, "doubt", ("Made no earlier than", "As it names block")),
    "another block is named": (naming(hash="00" * 32), "bad", ()),
    "a token": (TOKEN, "doubt", ("Time of the token", "are not checked here")),
    "a line": (lined(), "doubt", ("Batch before it", "3 before this one")),
    "a line with one left out": (lined(change=lambda all_: [all_[0], all_[2]]), "bad", ()),
    "all of it": (
        lined() | TOKEN | {"earlier": 3},
        "doubt",
        ("Signed with the key", "Time of the token", "Batch before it"),
    ),
}


@pytest.mark.parametrize(("options", "tone", "told"), WHO.values(), ids=WHO)
def test_it_says_who_signed_and_since_when(
    visit: Callable[..., Visit], options: dict[str, Any], tone: str, told: tuple[str, ...], tmp_path: Path
) -> None:
    """The same as the command line, and nobody is named or asked. It fits a phone and the paper."""
    bundle = write_zip(tmp_path / "bundle.zip", forge(**options))
    opened = visit(viewport=PHONE, permissions=CLIPBOARD).open()
    opened.check(bundle)
    opened.page.evaluate("document.getElementById('test').open = true")
    opened.page.check("#accept-test")
    assert opened.answer() == tone
    copied = opened.report()
    expected = with_an_unchecked_token(by_notary(bundle, [], Demand()))
    words = json.loads(json.dumps(expected).replace(f"{tmp_path}/", ""))
    assert {key: copied[key] for key in words} == words
    everything = " ".join(opened.text().split())
    for said in (*words["sentences"], *told):
        assert " ".join(said.split()).removeprefix("the digests") in everything
    assert ("WHO, AND SINCE WHEN" in everything.upper()) == bool(told)
    assert_no_sideways_scroll(opened)
    opened.page.pdf(path=tmp_path / "report.pdf", format="A4")
    printed = " ".join(run("pdftotext", "-layout", tmp_path / "report.pdf", "-").split())
    for said in told:
        assert said in printed


def test_a_browser_without_the_curve_says_so(visit: Callable[..., Visit], tmp_path: Path) -> None:
    """As on a page that came by plain HTTP: what was not checked has not passed."""
    bundle = write_zip(tmp_path / "bundle.zip", forge(**SIGNED))
    opened = visit(permissions=CLIPBOARD)
    opened.page.add_init_script(
        """const Other = Worker;
        globalThis.Worker = class extends Other {
          constructor() {
            const lack = "Object.defineProperty(globalThis, 'crypto', {value: {}});";
            super(URL.createObjectURL(new Blob([lack + document.getElementById("program").text])));
          }
        };"""
    )
    opened.open().check(bundle)
    opened.page.evaluate("document.getElementById('test').open = true")
    opened.page.check("#accept-test")
    assert opened.answer() == "doubt"
    said = opened.report()
    check = next(one for one in said["checks"] if one["number"] == 7)
    assert (check["status"], said["signature"], said["verdict"]) == ("skipped", None, "verified")
    assert "this browser does not check" in check["found"]
    assert "signed with" not in " ".join(said["sentences"])


MAINNET = SHARED_DATA / "mainnet"


@pytest.mark.shared_data
def test_a_real_proof_is_green_with_real_headers(visit: Callable[..., Visit], notary: Notary, tmp_path: Path) -> None:
    """Published by others, on the main chain; the headers lead to a checkpoint of this release."""
    run_ = MAINNET / "headers" / "mainnet-586655-589289.bin"
    shutil.copy(run_, tmp_path / "headers.bin")
    runs = [{"start": 586_655, "count": run_.stat().st_size // 80}]
    (tmp_path / "headers.json").write_text(json.dumps({"network": "bitcoin", "runs": runs}))
    file = MAINNET / "proofs" / "deep-review-47b31b2c-index.html"
    proof = file.with_name(f"{file.name}.ots")
    expected = notary("verify", proof, file, "--offline", "--headers", tmp_path / "headers.bin", "--json").json
    assert expected["verdict"] == "verified"
    opened = visit().open()
    assert opened.check(proof, file, tmp_path / "headers.bin", tmp_path / "headers.json") == "good"
    assert opened.text(".answer") == expected["sentences"][0]
    assert "linked to a checkpoint" in opened.text(".verdict")
    assert "TEST NETWORK" not in opened.text()
    altered = tmp_path / file.name
    altered.write_bytes(file.read_bytes() + b"\n")
    again = visit().open()
    assert again.check(proof, altered, tmp_path / "headers.bin", tmp_path / "headers.json") == "bad"
    without = visit().open()
    assert without.check(proof, file) == "doubt"
    assert "headers.json" in without.text(".verdict")


def test_a_certificate_is_read(visit: Callable[..., Visit], case: Case) -> None:
    opened = visit().open()
    assert opened.check(case.pdf) == "doubt"
    opened.page.check("#accept-test")
    opened.page.wait_for_selector(".banner")
    assert opened.answer() == "doubt"
    assert case.pdf.name in opened.text(".answer")


def test_a_test_network_is_accepted_for_one_proof_only(visit: Callable[..., Visit], case: Case) -> None:
    opened = visit().open()
    opened.check(case.bundle)
    assert "proves nothing" in opened.text("#test")
    assert not opened.page.is_checked("#accept-test")
    assert "Verified" not in opened.text(".verdict h2")
    opened.page.check("#accept-test")
    opened.page.wait_for_selector(".banner")
    assert "on a test network" in opened.text(".verdict h2").lower()
    opened.check(case.folder / "evidence" / "false.pdf")
    opened.page.wait_for_selector(".banner", state="detached")
    assert not opened.page.is_checked("#accept-test")


def test_what_is_no_proof_is_named(visit: Callable[..., Visit], case: Case, tmp_path: Path) -> None:
    opened = visit().open()
    (tmp_path / "<b>\u202egnp.txt").write_text("no proof")
    assert opened.check(tmp_path / "<b>\u202egnp.txt") == "bad"
    assert "COULD NOT BE CHECKED" in opened.text().upper()
    assert "<b>\\u202egnp.txt" in opened.text("#files")
    assert "Add the bundle" in opened.text()
    opened.give(case.bundle)  # the bundle is the proof now, and the text is evidence
    opened.page.wait_for_selector(".checks")
    assert opened.page.get_by_role("radio", name=case.bundle.name).is_checked()
    opened.page.get_by_role("button", name="Remove <b>\\u202egnp.txt").click()
    assert opened.answer() == "doubt"


def test_a_proof_alone_waits_for_its_file(visit: Callable[..., Visit], case: Case) -> None:
    opened = visit().open()
    proof, file = (case.folder / name for name in plain_proof(case))
    opened.give(proof)
    opened.page.get_by_text("add that file too").wait_for()
    assert not opened.text()
    assert opened.check(file) == "doubt"


def test_files_can_be_dropped(visit: Callable[..., Visit]) -> None:
    opened = visit().open()
    opened.page.evaluate(
        """() => {
          const dropped = new DataTransfer();
          dropped.items.add(new File(["x"], "dropped.txt"));
          dispatchEvent(new DragEvent("drop", {dataTransfer: dropped, cancelable: true}));
        }"""
    )
    assert opened.answer() == "bad"
    assert "dropped.txt" in opened.text("#files")


def sparse_case(folder: Path) -> list[Path]:
    """A pending proof of a file of 1 GiB that takes no room on the disk."""
    huge, proof = folder / "huge.img", folder / "huge.img.ots"
    with huge.open("wb") as stream:
        stream.truncate(1 << 30)
    uri = b"https://a.example"
    payload = bytes([len(uri)]) + uri
    proof.write_bytes(OTS_MAGIC + b"\x01\x08" + GIB_OF_ZEROS + b"\0" + PENDING + bytes([len(payload)]) + payload)
    return [proof, huge]


def test_a_gibibyte_is_hashed_while_the_page_answers(visit: Callable[..., Visit], tmp_path: Path) -> None:
    opened = visit().open()
    page = opened.page
    page.set_default_timeout(120_000)
    page.evaluate(
        """() => {
          globalThis.slowest = 0; let last = performance.now();
          setInterval(() => { const now = performance.now(); slowest = Math.max(slowest, now - last); last = now }, 10);
        }"""
    )
    opened.give(*sparse_case(tmp_path))
    page.get_by_text(re.compile(r"Checking: [1-9]\d\d\.\d MB of 1\.1 GB")).wait_for()
    assert 0.09 < page.evaluate("document.getElementById('progress').value") < 1
    page.get_by_role("button", name="Cancel").click()
    assert "nothing was checked" in opened.text("#notice")
    assert page.is_hidden("#working")
    page.wait_for_timeout(300)
    assert not opened.text()
    assert page.evaluate("document.activeElement.textContent") == "Check again"
    page.keyboard.press("Enter")
    assert opened.answer() == "doubt"
    assert opened.text(".verdict h2").endswith("PENDING")
    assert "1 of 1 disclosed items match" in page.text_content(".checks")
    assert page.evaluate("slowest") < 500


def test_where_nothing_can_be_copied_the_report_is_shown(visit: Callable[..., Visit], case: Case) -> None:
    opened = visit()
    opened.page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    opened.open().check(case.bundle)
    opened.page.get_by_role("button", name="Copy the report as JSON").click()
    area = opened.page.get_by_role("textbox", name="The report as JSON")
    assert json.loads(area.input_value())["verdict"] == "unconfirmed"
    assert opened.page.evaluate("getSelection().toString().length") > 1000


# -- how it is shown ------------------------------------------------------------------------------------------------

WORDS = {"verified": "Verified", "pending": "Pending", "unconfirmed": "Not confirmed", "failed": "Failed"}
TONES = {"verified": "good", "pending": "doubt", "unconfirmed": "doubt", "failed": "bad"}


def shown(visit: Visit, verdict: dict[str, Any], folder: Path) -> Visit:
    """The page, which shows `verdict`."""
    visit.answers_with(verdict, verdict["inputs"][:1])
    (folder / "matter.zip").write_bytes(b"PK")
    visit.open().check(folder / "matter.zip")
    return visit


@pytest.mark.parametrize("verdict", WORDS)
def test_the_answer_comes_first_in_word_sign_and_colour(
    visit: Callable[..., Visit], tmp_path: Path, verdict: str
) -> None:
    report = full(verdict)
    opened = shown(visit(), report, tmp_path)
    assert opened.answer() == TONES[verdict]
    heading, answer, *_ = opened.text(".verdict").split("\n\n")
    assert re.fullmatch(rf"[✓…?✗] {WORDS[verdict]}", heading, re.IGNORECASE)
    assert answer == report["sentences"][0]
    live = opened.page.text_content("[role=status]#live")
    assert WORDS[verdict] in live
    assert report["sentences"][0] in live
    everything = " ".join(opened.text().split())
    for said in (report["declared"]["title"], *(one["name"] or "name withheld" for one in report["items_listed"])):
        assert said in everything
    assert everything.index("Declared, not proven") < everything.index("What this does not prove")
    assert opened.page.locator(".checks details[open]").count() == 1  # the one that failed
    assert opened.page.evaluate("document.activeElement.id") == "verdict"


def test_a_test_network_is_never_green(visit: Callable[..., Visit], tmp_path: Path) -> None:
    opened = shown(visit(), full() | {"network": "local", "test_network": True}, tmp_path)
    assert opened.answer() == "doubt"
    assert "TEST NETWORK local" in opened.text(".banner")
    assert opened.page.locator(".good:not(.status)").count() == 0


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_is_only_read(visit: Callable[..., Visit], tmp_path: Path, hostile: str) -> None:
    def tags(one: Visit) -> list[str]:
        return list(one.page.evaluate("[...document.querySelectorAll('*')].map((each) => each.tagName)"))

    plain = tags(shown(visit(viewport=PHONE), full(), tmp_path))
    opened = shown(visit(viewport=PHONE), full("verified", hostile), tmp_path)
    assert tags(opened) == plain
    assert shown_text(hostile) in opened.page.text_content("#report")
    assert_no_sideways_scroll(opened)


def test_hostile_names_of_files_are_escaped(visit: Callable[..., Visit], tmp_path: Path) -> None:
    names = ["<img src=x onerror=alert(1)>.txt", "invoice\u202efdp.exe", "p\u0430ypal.pdf", "new\nline"]
    for name in names:
        (tmp_path / name).write_text("x")
    opened = visit().open()
    opened.check(*(tmp_path / name for name in names))
    listed = opened.page.text_content("#files")
    for name in names:
        assert shown_text(name) in listed
    assert opened.page.locator("img").count() == 0


# All characters that this release of Unicode knows, but for the many thousands that are Chinese, Korean or nobody's.
SPANS = ((0, 0x3400), (0xA000, 0xAC00), (0xD7F0, 0xE010), (0xF8F0, 0x17000), (0x18CD6, 0x20000))
KNOWN = [chr(code) for span in SPANS for code in range(*span) if unicodedata.category(chr(code)) != "Cn"]


def test_text_is_shown_by_the_same_rule_as_in_python(visit: Callable[..., Visit]) -> None:
    opened = visit().open()
    cases = [text for one in KNOWN for text in (f"a{one}", f"{one}\u0430")] + ["e" + "\u0301" * 6, *HOSTILE]
    source = (ROOT / "notary" / "web" / "shown.js").read_text().replace("export ", "")
    shown_by_it = opened.page.evaluate(
        f"(cases) => {{ {source}; return JSON.parse(cases).map(shownText) }}", json.dumps(cases)
    )
    assert [one for one, got in zip(cases, shown_by_it, strict=True) if got != shown_text(one)] == []


# -- whoever has no mouse, does not see, or has a phone -------------------------------------------------------------


def focused(opened: Visit) -> str:
    return str(
        opened.page.evaluate(
            """() => { const one = document.activeElement;
              return one.id || one.textContent.trim().replace(/\\s+/g, " ") }"""
        )
    )


def test_everything_can_be_done_from_the_keyboard(visit: Callable[..., Visit], case: Case) -> None:
    opened = visit(permissions=["clipboard-read", "clipboard-write"]).open()
    keyboard = opened.page.keyboard

    def tab_to(wanted: str) -> None:
        for _ in range(40):
            keyboard.press("Tab")
            if re.match(wanted, focused(opened)):
                ring = "getComputedStyle(document.activeElement.matches('#chooser') ? "
                ring += "document.getElementById('chooser-label') : document.activeElement).outlineStyle"
                assert opened.page.evaluate(ring) != "none"
                return
        pytest.fail(f"no {wanted}")

    tab_to("chooser$")
    with opened.page.expect_file_chooser() as choosing:
        keyboard.press("Space")
    choosing.value.set_files(str(case.bundle))
    opened.answer()
    assert focused(opened) == "chooser"  # it was not lost, so it was not moved
    tab_to("accept-test")
    keyboard.press("Space")
    opened.page.wait_for_selector(".banner")
    tab_to("Copy the report as JSON")
    keyboard.press("Enter")
    opened.page.get_by_text("Copied.").wait_for()
    tab_to("1 ?container")
    keyboard.press("Enter")
    assert opened.page.locator(".checks details[open]").count() == 1
    tab_to("2 ?bag manifests")
    keyboard.press("Shift+Tab")
    keyboard.press("Shift+Tab")
    assert focused(opened) == "Unfold all checks"
    keyboard.press("Enter")
    assert opened.page.locator(".checks details:not([open])").count() == 0


def test_a_screen_reader_finds_roles_and_names(visit: Callable[..., Visit], tmp_path: Path) -> None:
    opened = shown(visit(), full("failed"), tmp_path)
    page = opened.page
    for role, name in (
        ("main", None),
        ("heading", "Notary: check a proof"),
        ("region", "What is to be checked?"),
        ("button", "Add files…"),
        ("group", "File"),
        ("button", "Remove matter.zip"),
        ("article", "Report"),
        ("heading", "Failed"),
        ("button", "Copy the report as JSON"),
        ("list", "Checks"),
        ("table", "A file with the same SHA-256"),
        ("columnheader", "SHA-256"),
        ("rowheader", "1,411"),
    ):
        assert page.get_by_role(role, name=name).first.is_visible(), (role, name)
    assert page.get_by_role("heading", level=1).count() == 1
    snapshot = page.locator("main").aria_snapshot()
    assert re.search(r"heading .*Failed", snapshot)
    assert "\u2717 Failed" not in snapshot  # signs are for eyes
    assert not re.search(r'- (?:button|radio|checkbox|combobox|heading)(?! ")', snapshot)  # nothing without a name
    assert page.get_attribute("html", "lang") == "en"


def assert_no_sideways_scroll(opened: Visit) -> None:
    wide = opened.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= opened.page.viewport_size["width"]


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_is_wider_than_the_screen(visit: Callable[..., Visit], case: Case, width: int) -> None:
    opened = visit(viewport={"width": width, "height": 800}).open()
    assert_no_sideways_scroll(opened)
    opened.check(case.bundle, *sorted((case.folder / "evidence").iterdir()))
    opened.page.get_by_role("button", name="Unfold all checks").click()
    assert_no_sideways_scroll(opened)
    small = """[...document.querySelectorAll("button, #chooser-label, select")]
      .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 30).length"""
    assert opened.page.evaluate(small) == 0  # large enough for a thumb


CONTRASTS = """() => {
  const rgb = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = rgb(color).map((one) => one / 255).map((one) =>
      one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (rgb(color)[3] !== 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const seen = [...document.querySelectorAll("main *")].filter((one) => one.offsetParent && one.innerText?.trim());
  return seen.map((one) => {
    const [a, b] = [light(getComputedStyle(one).color), light(ground(one))].sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), one.tagName, one.innerText.slice(0, 40)];
  }).filter(([contrast]) => contrast < 4.5);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("verdict", WORDS)
def test_everything_is_legible_by_day_and_by_night(
    visit: Callable[..., Visit], tmp_path: Path, scheme: str, verdict: str
) -> None:
    opened = shown(visit(color_scheme=scheme), full(verdict), tmp_path)
    ground = opened.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 22, 24)"}[scheme]
    assert opened.page.evaluate(CONTRASTS) == []


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_it_prints_as_a_report_of_one_page(visit: Callable[..., Visit], case: Case, tmp_path: Path, paper: str) -> None:
    opened = visit(color_scheme="dark").open()
    opened.check(case.bundle)
    opened.page.check("#accept-test")
    opened.page.wait_for_selector(".banner")
    opened.page.pdf(path=tmp_path / "report.pdf", format=paper)
    printed = run("pdftotext", "-layout", tmp_path / "report.pdf", "-")
    assert printed.count("\f") == 1
    for said in ("TEST NETWORK", "VERIFIED ON A TEST NETWORK", "one BagIt bag in a plain zip or folder", "1 of 1"):
        assert said in printed
    for pressed in ("Add files", "Copy the report", "Made on a test network?"):
        assert pressed not in printed
    assert opened.page.locator(".checks details[open]").count() == 0  # folded again afterwards


# -- what it may do, and what it is ---------------------------------------------------------------------------------


def test_no_connection_can_be_opened(browser: Any, verifier: Path) -> None:
    """Even by code that gets into it: in the page, and in its worker."""
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.goto(verifier.as_uri())
    tried = """async () => {
      const url = "http://127.0.0.1:9/";
      const answers = [await fetch(url).catch(String)];
      const image = new Image();
      answers.push(await new Promise((done) => { image.onerror = () => done("no image"); image.src = url }));
      const source = `fetch("${url}").catch((error) => postMessage(String(error)))`;
      const worker = new Worker(URL.createObjectURL(new Blob([source])));
      answers.push(await new Promise((done) => { worker.onmessage = ({data}) => done(data) }));
      const script = document.createElement("script");
      script.textContent = "globalThis.ran = true";
      document.body.append(script);
      const forbidden = "<form action='http://127.0.0.1:9/'></form><p onclick='ran = true'>";
      document.body.insertAdjacentHTML("beforeend", forbidden);
      document.body.lastElementChild.click();
      document.forms[0].submit();
      return [...answers, globalThis.ran];
    }"""
    *answers, ran = page.evaluate(tried)
    page.wait_for_timeout(200)
    assert len(answers) == 3
    assert all("TypeError" in one or one == "no image" for one in answers), answers
    assert ran is None
    assert page.url == verifier.as_uri()
    context.close()


def test_the_page_is_one_file_that_names_its_own_script_and_style() -> None:
    assert webpage.web_page() == webpage.web_page()
    assert len(webpage.web_page()) < 150_000
    page = webpage.web_page().decode()
    assert "{{" not in page.partition("<style>")[0]
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="(.*?)"', page)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules.keys() == {
        *("default-src", "script-src", "style-src", "worker-src", "connect-src", "base-uri", "form-action")
    }
    assert {rules[name] for name in ("default-src", "base-uri", "form-action")} == {"'none'"}
    assert rules["connect-src"].split() == [url.removesuffix("/api") for url in DEFAULT_EXPLORERS]
    for rule, tag in (("script-src", "script"), ("style-src", "style")):
        (content,) = re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", page, re.DOTALL)
        assert rules[rule] == webpage.source_hash(content)
        assert "<!--" not in content  # which would change how the browser reads the rest
    assert not re.search(r"\bon[a-z]+=\"|\b(?:src|href)=|innerHTML|outerHTML|insertAdjacentHTML|document\.write", page)
    assert not re.search(r"\beval\(|new Function|importScripts|XMLHttpRequest|WebSocket|sendBeacon|EventSource", page)
    assert page.count("fetch(") == 1  # which is explorers.js


def test_half_of_every_checkpoint_is_in_it() -> None:
    """The half without the zeros that work leaves; the real bundles of test_conformance are verified by it."""
    (encoded,) = re.findall(r'"checkpoints":"([A-Za-z0-9+/]{9999,}=*)"', webpage.web_page().decode())
    held = base64.b64decode(encoded)
    pinned = shipped_checkpoints(NETWORKS["bitcoin"]).pinned
    assert len(pinned) > 470
    assert [held[at : at + 16] for at in range(0, len(held) - 4, 16)] == [hash_[:16] for hash_, _ in pinned]
    assert held[-4:] == pinned[-1][1].to_bytes(4, "big")


def test_every_bundle_carries_it(case: Case) -> None:
    _, files = unzip(case.bundle)
    assert files["verify.html"] == webpage.web_page()
    for said in (files["VERIFY.txt"].decode(), run("pdftotext", case.pdf, "-")):
        assert "itself be forged" in " ".join(said.split()) or "forge its page too" in " ".join(said.split())
        assert "notary page --sha256" in " ".join(said.split())


# -- notary page ----------------------------------------------------------------------------------------------------


def test_notary_page_writes_it_and_prints_its_digest(notary: Notary) -> None:
    digest = sha256(webpage.web_page()).hexdigest()
    answer = notary("page", "-o", "verify.html", "--json")
    assert (answer.code, answer.json["page"], answer.json["sha256"]) == (0, "verify.html", digest)
    written = (notary.folder / "verify.html").read_bytes()
    assert sha256(written).hexdigest() == digest
    assert answer.json["bytes"] == len(written)
    assert notary("page", "--sha256").out == f"{digest}\n"
    assert digest in notary("page", "-o", "verify.html").out  # an earlier page may be replaced
    assert notary("page").code == 2


def test_notary_page_overwrites_nothing_else(notary: Notary) -> None:
    (notary.folder / "evidence.html").write_text("<title>Evidence</title>")
    (notary.folder / "folder.html").mkdir()
    (notary.folder / "link.html").symlink_to("nowhere.html")
    shutil.copy(notary.folder / "evidence.html", notary.folder / "copy.html")
    for name in ("evidence.html", "folder.html", "link.html"):
        refused = notary("page", "-o", name)
        assert refused.code == 2
        assert "not overwritten" in refused.err
    assert (notary.folder / "evidence.html").read_bytes() == (notary.folder / "copy.html").read_bytes()
    assert not (notary.folder / "nowhere.html").exists()
    assert notary("page", "-o", "missing/verify.html").code == 4
