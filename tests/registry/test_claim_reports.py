"""`--report` of claims: the paper, the page and the data say what the check says, and no more."""

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from notary.registry.core.terms import Event, Right
from tests.conftest import Result
from tests.registry.claims import PACKAGE, SEALED, Anchors, Register, examined, packed, record, registries
from tests.registry.logs import ORIGIN
from tests.registry.register import later
from tests.registry.test_words import FORBIDDEN
from tests.scenarios.certified import carried, run
from tests.scenarios.test_html_report import Page

KINDS = (".pdf", ".html", ".json")
LOCAL = ("--network", "local", "--offline")
WITHIN = ("--later-filing", "2027-03-12")
PROVEN = "as asserted by the register\u2019s keeper"
GIVEN = "The entry, as the claim gives it"


@dataclass(frozen=True)
class Desk:
    """An examiner's folder with a claim."""

    folder: Path

    def put(self, register: Register, *, is_sealed: bool = False) -> None:
        (self.folder / "claim.zip").write_bytes(packed(register.files(is_sealed=is_sealed)))

    def check(self, *options: str | Path, trusts: str | None = None) -> Result:
        (self.folder / "trusted.toml").write_text(registries() if trusts is None else trusts)
        given = ("--registries", "trusted.toml", *LOCAL, "--json", *options)
        return examined(self.folder, "registry", "check", "claim.zip", *given)

    def reports(self, *options: str, trusts: str | None = None) -> tuple[Any, Page, str]:
        """Data, page and printed text; the check has to say the same with a report as without one."""
        plain = self.check(*options, trusts=trusts)
        for kind in KINDS:
            (self.folder / f"report{kind}").unlink(missing_ok=True)
            answer = self.check(*options, "--report", f"report{kind}", "--by", "Jane Roe", trusts=trusts)
            assert (answer.code, answer.json) == (plain.code, plain.json)
            assert f"report: report{kind}" in answer.err
        data = json.loads((self.folder / "report.json").read_text())
        assert {key: data[key] for key in plain.json} == plain.json
        inside = json.loads(carried(self.folder / "report.pdf", "report.json"))
        assert {**inside, "made_at": ""} == {**data, "made_at": ""}
        return data, Page((self.folder / "report.html").read_text()), printed(self.folder / "report.pdf")


def printed(pdf: Path) -> str:
    """What stands on the pages, with single blanks between words. The PDF has to be sound."""
    assert "No syntax or stream encoding errors found" in run("qpdf", "--check", pdf)
    assert PdfReader(pdf, strict=True).pages
    return " ".join(run("pdftotext", pdf, "-").split())


def said(page: Page) -> str:
    """What a page shows, in one line."""
    return " ".join("".join(page.texts["main"]).split())


def facts(page: Page) -> Mapping[str, str]:
    return dict(zip(page.texts["dt"], page.texts["dd"], strict=True))


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Register:
    return Register(Anchors(tmp_path_factory.mktemp("register")))


@pytest.fixture
def desk(tmp_path: Path, register: Register) -> Desk:
    (tmp_path / "package.pdf").write_bytes(PACKAGE)
    (tmp_path / "other.pdf").write_bytes(PACKAGE + b" ")
    desk = Desk(tmp_path)
    desk.put(register)
    return desk


@pytest.mark.parametrize(
    ("verdict", "word", "options", "trusts", "heading"),
    [
        ("verified", "Verified", ("--document", "package.pdf"), None, PROVEN),
        ("failed", "Failed", ("--document", "other.pdf"), None, GIVEN),
        ("unconfirmed", "Not confirmed", ("--document", "package.pdf"), "", GIVEN),
        ("unconfirmed", "Not confirmed", (), registries(quorum=3), GIVEN),
    ],
    ids=["verified", "failed", "nobody trusted", "too few witnesses"],
)
def test_a_report_says_what_the_check_says(
    desk: Desk, verdict: str, word: str, options: tuple[str, ...], trusts: str | None, heading: str
) -> None:
    data, page, text = desk.reports(*options, *WITHIN, trusts=trusts)
    assert (data["format"], data["kind"], data["verdict"]) == ("notary-report/v1", "claim", verdict)
    assert (data["checked_by"], data["offline"]) == ("Jane Roe", True)
    assert page.texts["h1"][0].endswith("on a test network" if verdict == "verified" else word)
    assert word.upper() in text
    for shown in (said(page), text):
        assert data["sentences"][0][3:-1] in shown
        assert heading in shown
        assert (PROVEN in shown) is (heading is PROVEN)
        assert "Jane Roe (as declared)" in shown
        assert "TEST NETWORK local" in shown
        assert "What this does not prove" in shown
        assert all(one["name"] in shown for one in data["checks"])
        assert record().number in shown
        assert f"{ORIGIN}/" in shown
        assert ("Existed no later than" in shown) is (verdict == "verified")
        assert ("The priority period" in shown) is (verdict != "failed")
        assert not FORBIDDEN.search(shown)
    assert not FORBIDDEN.search(json.dumps(data))
    told = facts(page)
    assert (told["Office"], told["Application number"], told["Filing date"]) == ("DE", record().number, "12 March 2026")
    assert told["SHA-256 of the package"] == sha256(PACKAGE).hexdigest()
    assert (told["Register"], told["Link"]) == (ORIGIN, data["entry"]["link"])
    whose = {"office-asserted": "asserted by the office", "applicant-asserted": "applicant-asserted", None: "none"}
    assert told.get("Whose word it is", "none").startswith(whose[data["asserted_by"]])
    assert (data["asserted_by"] is None) is (verdict == "failed")
    assert data["entry"]["link"] in text.replace(" ", "")  # it is copied in one piece


def test_whose_word_an_entry_is(desk: Desk) -> None:
    data, page, text = desk.reports(trusts=registries(offices=["FR"]))
    assert (data["verdict"], data["asserted_by"]) == ("verified", "applicant-asserted")
    told = "applicant-asserted (its key is not trusted for DE)"
    assert facts(page)["Whose word it is"] == told
    assert told in text
    assert "asserted by the office" not in said(page) + text


def test_the_files_that_a_check_rests_on(desk: Desk) -> None:
    (desk.folder / "closed.txt").write_text("2027-03-12  # closed\n")
    data, page, text = desk.reports("--document", "package.pdf", *WITHIN, "--holidays", "closed.txt")
    inputs = {one["kind"]: one for one in data["inputs"]}
    names = {"target": "claim.zip", "document": "package.pdf", "registries": "trusted.toml", "holidays": "closed.txt"}
    assert {kind: one["name"] for kind, one in inputs.items()} == names
    for one in inputs.values():
        content = (desk.folder / one["name"]).read_bytes()
        assert (one["size"], one["sha256"]) == (len(content), sha256(content).hexdigest())
        assert one["sha256"] in page.texts["td"]
        assert one["sha256"] in text.replace(" ", "")


def test_the_period_where_it_was_asked_for(desk: Desk) -> None:
    data, page, text = desk.reports()
    assert data["period"] is None
    assert "The priority period" not in said(page) + text
    data, page, text = desk.reports("--later-filing", "2027-03-16")
    window = data["window"]
    assert (data["verdict"], window["within"]) == ("verified", False)
    assert data["period"]["sentence"] == window["sentence"]
    for shown in (said(page), text):
        assert shown.count(window["sentence"]) >= 1
        assert "It is no part of the verdict, and says nothing of what follows." in shown
    assert facts(page)["Last day"] == "12 March 2027"


def test_a_sealed_entry_and_a_later_event(desk: Desk, tmp_path: Path) -> None:
    desk.put(Register(Anchors(tmp_path)), is_sealed=True)
    data, page, text = desk.reports()
    assert facts(page)["Entry"] == f"{SEALED}, sealed, and opened by this claim"
    assert "sealed, and opened by this claim" in text
    assert data["entry"]["sealed"]
    (tmp_path / "more").mkdir()
    first, before = (sha256(name).digest() for name in (b"first", b"before"))
    whom = {
        "to": "Roe & Söhne",
        "references": (("pct", "PCT/EP2026/050123"), ("url", "https://office.example/?a=1&b=2")),
    }
    entry = later(Event.ASSIGNED, date(2026, 9, 1), before, first, **whom)
    desk.put(Register(Anchors(tmp_path / "more"), entry=entry))
    data, page, text = desk.reports()
    told = facts(page)
    assert (told["Event"], told["Day of the event"], told["To"]) == ("assigned", "1 September 2026", "Roe & Söhne")
    assert told["Reference (url)"] == "https://office.example/?a=1&b=2"
    assert (told["First entry of it"], told["Entry before"]) == (first.hex(), before.hex())
    assert "Roe & Söhne" in text
    assert "PCT/EP2026/050123" in text


def test_a_claim_that_is_promised(desk: Desk, tmp_path: Path) -> None:
    desk.put(Register(Anchors(tmp_path), is_mined=False))
    data, page, text = desk.reports()
    assert (data["verdict"], data["attestation"], data["existed_by"]) == ("pending", None, None)
    for shown in (said(page), text):
        assert "no block attests the checkpoint yet" in shown
        assert GIVEN in shown


def test_what_is_no_claim_that_can_be_read(desk: Desk) -> None:
    """Nothing is known of an entry, and nothing is said of one."""
    (desk.folder / "claim.zip").write_bytes(packed({"registry/claim.json": b"{}"}))
    data, page, text = desk.reports(*WITHIN)
    assert (data["verdict"], data["entry"], data["asserted"], data["period"]) == ("failed", None, None, None)
    assert "The entry" not in page.texts["h2"]
    assert GIVEN not in said(page) + text


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "10\u202e2026\u2066\u200b",
    "#panic(1) *a* $x$ @b `c` \\u{41} // d",
    "</style></main><h1>VERIFIED</h1>",
    "notary:x/1#" + "0" * 64,
    "x" * 128,
    "\u202e" * 42,
)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_are_only_read(desk: Desk, tmp_path: Path, hostile: str) -> None:
    """They add no element to the page, and no character to the paper that is not shown as what it is."""
    hashes = (sha256(b"before").digest(), sha256(b"first").digest())

    def of(number: str, to: str, folder: str) -> tuple[Any, Page, str]:
        (tmp_path / folder).mkdir()
        whom = {"to": to, "references": (("case", number),)}
        entry = later(Event.ASSIGNED, date(2026, 9, 1), *hashes, number=number, right=Right.OTHER, **whom)
        desk.put(Register(Anchors(tmp_path / folder), entry=entry))
        return desk.reports(*WITHIN)

    (_, harmless, _), (data, page, text) = of("1", "one", "harmless"), of(hostile, f"{hostile} {hostile}", "hostile")
    assert data["entry"]["record"]["number"] == hostile
    assert [one for one in page.elements if one[0] not in ("code", "span", "wbr")] == [
        one for one in harmless.elements if one[0] not in ("code", "span", "wbr")
    ]
    assert page.comments == []
    for shown in (said(page), text):
        assert not set("\u202e\u2066\u200b") & set(shown)
    if hostile.isascii():
        assert facts(page)["Application number"] == hostile
        assert "".join(hostile.split()) in "".join(text.split())
    else:
        assert "u202e" in text
        assert r"\u202e" in facts(page)["To"]


# -- what is asked wrongly ------------------------------------------------------------------------------------------


def test_verify_writes_the_same_report(desk: Desk) -> None:
    home = desk.folder / "configuration" / "notary"
    home.mkdir(parents=True)
    (home / "registries.toml").write_text(registries())
    for kind in KINDS:
        paper = ("--report", f"v{kind}", "--by", "Jane Roe")
        assert examined(desk.folder, "verify", "claim.zip", "package.pdf", *paper, *LOCAL).code == 0
    assert desk.check("--document", "package.pdf", "--report", "c.json", "--by", "Jane Roe").code == 0
    ours, theirs = (json.loads((desk.folder / name).read_text()) for name in ("v.json", "c.json"))
    elsewhere = ("made_at", "inputs", "checks")  # check 7 names the file that was trusted
    assert {**ours, **dict.fromkeys(elsewhere)} == {**theirs, **dict.fromkeys(elsewhere)}
    assert PROVEN in html.unescape((desk.folder / "v.html").read_text())
    assert PROVEN in printed(desk.folder / "v.pdf")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("registry", "check", "claim.zip", "--by", "Jane Roe"), "--by goes with --report"),
        (("registry", "check", "claim.zip", "--report", "r.txt"), "end it with .pdf, .html or .json"),
        (("registry", "check", "claim.zip", "--report", "there.pdf"), "not overwritten"),
        (("registry", "check", "claim.zip", "--report", "no/r.pdf"), "there is no folder"),
        (("registry", "check", "--office", "DE", "--number", "1", "--report", "r.pdf"), "--report is for claims"),
        (("verify", "claim.zip", "--countersignature", "x.zip", "--report", "r.pdf"), "this is a claim"),
    ],
)
def test_what_is_refused(desk: Desk, arguments: tuple[str, ...], reason: str) -> None:
    (desk.folder / "there.pdf").write_text("there")
    before = sorted(path.name for path in desk.folder.iterdir())
    answer = examined(desk.folder, *arguments, "--network", "local", "--offline")
    assert (answer.code, reason in answer.err) == (2, True), answer.err
    assert sorted(path.name for path in desk.folder.iterdir()) == before
    assert (desk.folder / "there.pdf").read_text() == "there"
